/* block.c - slots, sums, and the saved form:
 *
 *   version 1 | slots | present | bitmap of the present slots (left out when all or none are) |
 *   words as (zigzag delta, repeats - 1)... | entries the same way | values as zigzag deltas | checksum, 8 bytes
 *
 * Numbers are varints. Revision and status are the same nearly everywhere and neighbours come from one batch, so a slot
 * costs little beside its value. The checksum covers subject, period and number of the block as well: a block that was
 * misplaced is as wrong as one with a flipped bit, and SQLite notices neither. */
#include "block.h"

#include "cursor.h"
#include "memory.h"
#include "seal.h"

#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define CHECKSUM 8

/* ---- sums ------------------------------------------------------------------------------------------------------ */

static void add_slot(struct totals *totals, struct slot slot)
{
    if (!slot_is_live(slot))
        return;
    totals->reported++;
    if (!slot_has_figure(slot))
        return;
    if (totals->figures == 0) {
        totals->max = totals->min = slot.value;
        totals->knows_bounds = true;
    } else if (totals->knows_bounds) {
        if (slot.value > totals->max)
            totals->max = slot.value;
        if (slot.value < totals->min)
            totals->min = slot.value;
    }
    totals->figures++;
    totals->sum += slot.value;
}

static void take_slot(struct totals *totals, struct slot slot)
{
    if (!slot_is_live(slot))
        return;
    totals->reported--;
    if (!slot_has_figure(slot))
        return;
    totals->figures--;
    totals->sum -= slot.value;
    if (slot.value == totals->max || slot.value == totals->min)
        totals->knows_bounds = false;
}

void block_set(struct block *block, uint32_t index, struct slot slot)
{
    if (block->slots == NULL)
        block->slots = memory_array(block->slot_count, sizeof *block->slots);
    take_slot(&block->totals, block->slots[index]);
    block->slots[index] = slot;
    add_slot(&block->totals, slot);
}

static void count_again(struct block *block)
{
    struct totals totals = {0};
    for (uint32_t i = 0; block->slots != NULL && i < block->slot_count; i++)
        add_slot(&totals, block->slots[i]);
    totals.knows_bounds = true;
    block->totals = totals;
}

static void join(struct totals *totals, const struct totals *more)
{
    if (more->figures != 0) {
        if (totals->figures == 0 || more->max > totals->max)
            totals->max = more->max;
        if (totals->figures == 0 || more->min < totals->min)
            totals->min = more->min;
    }
    totals->reported += more->reported;
    totals->figures += more->figures;
    totals->sum += more->sum;
}

void block_add(struct block *block, uint32_t first, uint32_t count, struct totals *totals)
{
    struct totals part = {0};
    if (block->slots == NULL)
        return;
    if (first == 0 && count == block->slot_count) {
        if (!block->totals.knows_bounds)
            count_again(block);
        join(totals, &block->totals);
        return;
    }
    for (uint32_t i = first; i < first + count; i++)
        add_slot(&part, block->slots[i]);
    join(totals, &part);
}

size_t block_bytes(const struct block *block)
{
    return sizeof *block + (block->slots == NULL ? 0 : block->slot_count * sizeof *block->slots);
}

/* ---- to bytes -------------------------------------------------------------------------------------------------- */

static size_t put(unsigned char *bytes, size_t at, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        bytes[at++] = (unsigned char)(number | 0x80);
    bytes[at++] = (unsigned char)number;
    return at;
}

static void checksum(const char *subject, const char *period, uint32_t number, const unsigned char *bytes,
                     size_t length, unsigned char ret_sum[CHECKSUM])
{
    const unsigned char place[4] = {(unsigned char)(number >> 24), (unsigned char)(number >> 16),
                                    (unsigned char)(number >> 8), (unsigned char)number};
    unsigned char hash[SEAL_HASH];
    struct seal_hasher *hasher = seal_hasher_new();
    seal_hasher_add(hasher, subject, strlen(subject) + 1);
    seal_hasher_add(hasher, period, strlen(period) + 1);
    seal_hasher_add(hasher, place, sizeof place);
    seal_hasher_add(hasher, bytes, length);
    seal_hasher_finish(&hasher, hash);
    memcpy(ret_sum, hash, CHECKSUM);
}

static uint32_t column_of(struct slot slot, bool is_entry)
{
    return is_entry ? slot.entry : slot.word;
}

/* Runs of equal numbers among the present slots. */
static size_t put_runs(const struct block *block, bool is_entry, unsigned char *bytes, size_t at)
{
    uint32_t before = 0, value = 0;
    uint64_t repeats = 0;
    for (uint32_t i = 0; i < block->slot_count; i++) {
        if (block->slots[i].word == 0)
            continue;
        const uint32_t next = column_of(block->slots[i], is_entry);
        if (repeats != 0 && next == value) {
            repeats++;
            continue;
        }
        if (repeats != 0) {
            at = put(bytes, at, zigzag((int64_t)value - before));
            at = put(bytes, at, repeats - 1);
            before = value;
        }
        value = next;
        repeats = 1;
    }
    if (repeats != 0) {
        at = put(bytes, at, zigzag((int64_t)value - before));
        at = put(bytes, at, repeats - 1);
    }
    return at;
}

static size_t put_values(const struct block *block, unsigned char *bytes, size_t at)
{
    uint64_t before = 0; /* deltas wrap: exact for every pair of int64 */
    for (uint32_t i = 0; i < block->slot_count; i++)
        if (block->slots[i].word != 0) {
            at = put(bytes, at, zigzag((int64_t)((uint64_t)block->slots[i].value - before)));
            before = (uint64_t)block->slots[i].value;
        }
    return at;
}

static uint32_t count_present(const struct block *block)
{
    uint32_t present = 0;
    for (uint32_t i = 0; block->slots != NULL && i < block->slot_count; i++)
        present += block->slots[i].word != 0;
    return present;
}

size_t block_encode(const struct block *block, const char *subject, const char *period, unsigned char **bytes,
                    size_t *capacity)
{
    const uint32_t present = count_present(block);
    size_t at = 0;
    /* At most 5 + 2 bytes a run in two columns and 10 a value. */
    *bytes = memory_grow(*bytes, capacity, 64 + block->slot_count / 8 + (size_t)present * 26, 1);
    at = put(*bytes, at, VERSION);
    at = put(*bytes, at, block->slot_count);
    at = put(*bytes, at, present);
    if (present != 0 && present != block->slot_count) {
        memset(*bytes + at, 0, (block->slot_count + 7) / 8);
        for (uint32_t i = 0; i < block->slot_count; i++)
            if (block->slots[i].word != 0)
                (*bytes)[at + i / 8] |= (unsigned char)(1u << i % 8);
        at += (block->slot_count + 7) / 8;
    }
    if (present != 0) {
        at = put_runs(block, false, *bytes, at);
        at = put_runs(block, true, *bytes, at);
        at = put_values(block, *bytes, at);
    }
    checksum(subject, period, block->number, *bytes, at, *bytes + at);
    return at + CHECKSUM;
}

/* ---- and back -------------------------------------------------------------------------------------------------- */

static void read_runs(struct cursor *cursor, struct slot *slots, const uint32_t *places, uint32_t present,
                      bool is_entry)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < present && cursor->wrong == NULL;) {
        const int64_t delta = zigzag_back(cursor_varint(cursor));
        const uint64_t repeats = cursor_varint(cursor);
        if (delta < -(int64_t)UINT32_MAX || delta > UINT32_MAX || repeats >= present - i) {
            cursor_fail(cursor, "run");
            return;
        }
        value += delta;
        if (value < 0 || value > UINT32_MAX || (!is_entry && value == 0)) {
            cursor_fail(cursor, "number");
            return;
        }
        for (uint64_t more = 0; more <= repeats; more++, i++)
            *(is_entry ? &slots[places[i]].entry : &slots[places[i]].word) = (uint32_t)value;
    }
}

static void read_slots(struct cursor *cursor, struct slot *slots, uint32_t slot_count, uint32_t present)
{
    uint32_t places[BLOCK_SLOTS] = {0}, found = 0;
    const unsigned char *bitmap = cursor->at;
    uint64_t value = 0;
    if (present != slot_count) {
        if (cursor_left(cursor) < (slot_count + 7) / 8) {
            cursor_fail(cursor, "bitmap");
            return;
        }
        cursor->at += (slot_count + 7) / 8;
    }
    for (uint32_t i = 0; i < slot_count && found < present; i++)
        if (present == slot_count || (bitmap[i / 8] >> i % 8 & 1) != 0)
            places[found++] = i;
    if (found != present) {
        cursor_fail(cursor, "bitmap");
        return;
    }
    read_runs(cursor, slots, places, present, false);
    read_runs(cursor, slots, places, present, true);
    for (uint32_t i = 0; i < present && cursor->wrong == NULL; i++) {
        value += (uint64_t)zigzag_back(cursor_varint(cursor));
        slots[places[i]].value = (int64_t)value;
    }
}

bool block_is_intact(const char *subject, const char *period, uint32_t number, const unsigned char *bytes,
                     size_t length)
{
    unsigned char sum[CHECKSUM];
    if (length < CHECKSUM)
        return false;
    checksum(subject, period, number, bytes, length - CHECKSUM, sum);
    return memcmp(sum, bytes + length - CHECKSUM, CHECKSUM) == 0;
}

bool block_decode(struct block *block, const char *subject, const char *period, const unsigned char *bytes,
                  size_t length)
{
    struct slot *slots = NULL;
    struct cursor cursor;
    uint64_t present;
    if (!block_is_intact(subject, period, block->number, bytes, length))
        return false;
    cursor = cursor_over(bytes, length - CHECKSUM);
    if (cursor_varint(&cursor) != VERSION || cursor_varint(&cursor) != block->slot_count)
        return false;
    present = cursor_varint(&cursor);
    if (cursor.wrong != NULL || present > block->slot_count)
        return false;
    if (present != 0) {
        slots = memory_array(block->slot_count, sizeof *slots);
        read_slots(&cursor, slots, block->slot_count, (uint32_t)present);
    }
    if (cursor.wrong != NULL || cursor_left(&cursor) != 0) {
        free(slots);
        return false;
    }
    free(block->slots);
    block->slots = slots;
    count_again(block);
    return true;
}
