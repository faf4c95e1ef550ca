/* block.h - a piece of a page: up to 4096 slots, their sums, and how they lie in a store.
 *
 *   slot   value (int64) | revision 27 bits, status 3, flags 2 | ledger entry     16 bytes
 *
 * The sums are kept up with every change, so that a figure over whole blocks never looks at a slot; only the largest and
 * the smallest must be looked for again after one of them went. */
#ifndef AGGREGATOR_BLOCK_H
#define AGGREGATOR_BLOCK_H

#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SLOTS 4096
#define SLOT_HAS_REASON 1u

struct slot {
    int64_t value;
    uint32_t word;
    uint32_t entry;
};

static inline uint32_t slot_word(uint32_t revision, enum record_status status, bool has_reason)
{
    return revision << 5 | (uint32_t)status << 2 | (has_reason ? SLOT_HAS_REASON : 0);
}
static inline uint32_t slot_revision(struct slot slot)
{
    return slot.word >> 5;
}
static inline enum record_status slot_status(struct slot slot)
{
    return (enum record_status)(slot.word >> 2 & 7);
}
static inline bool slot_is_live(struct slot slot)
{
    return slot.word >= 1u << 5 && slot_status(slot) != RECORD_RETRACTED;
}
static inline bool slot_has_figure(struct slot slot)
{
    return slot.word >= 1u << 5 && slot_status(slot) <= RECORD_ESTIMATED;
}

struct totals {
    uint64_t reported, figures;
    __int128 sum;
    int64_t max, min; /* meaningless when figures == 0 */
    bool knows_bounds;
};

struct sheet;

struct block {
    struct sheet *sheet;
    uint32_t page, number;
    uint32_t slot_count;
    struct slot *slots;     /* NULL while all of them are empty */
    bool is_dirty, is_listed;
    uint64_t changed;       /* newest entry that changed it since it was loaded */
    struct totals totals;
    struct block *before, *after; /* in the list of clean blocks (by use) or of dirty ones */
};

/* Puts a slot in and keeps the sums; makes the slots when there were none. */
void block_set(struct block *block, uint32_t index, struct slot slot);
static inline struct slot block_slot(const struct block *block, uint32_t index)
{
    return block->slots == NULL ? (struct slot){0, 0, 0} : block->slots[index];
}
/* Adds a run of the block's slots to the totals. */
void block_add(struct block *block, uint32_t first, uint32_t count, struct totals *totals);
size_t block_bytes(const struct block *block);

/* As bytes for a store, with a checksum over the place it belongs to. *bytes grows as needed. */
size_t block_encode(const struct block *block, const char *subject, const char *period, unsigned char **bytes,
                    size_t *capacity);
/* True when the bytes bear the checksum of this place. */
bool block_is_intact(const char *subject, const char *period, uint32_t number, const unsigned char *bytes,
                     size_t length);
/* False when the bytes are not what was written for this place and number of slots; the block is then unchanged. */
bool block_decode(struct block *block, const char *subject, const char *period, const unsigned char *bytes,
                  size_t length);

#endif
