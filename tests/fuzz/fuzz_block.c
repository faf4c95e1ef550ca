/* fuzz_block.c - the bytes of a saved page block: two bytes of slots, then the body. With its right checksum the body is
 * decoded, and what is taken comes back after encoding; without it nothing is taken. */
#include "fuzz.h"

#include "block.h"
#include "memory.h"
#include "seal.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT "homes"
#define PERIOD "2020-01"
#define CHECKSUM 8

/* The seal of block.c, told here a second time: a change of it must not pass unseen. */
static unsigned char *sealed(const uint8_t *body, size_t length)
{
    unsigned char hash[SEAL_HASH];
    unsigned char *bytes = memory_array(length + CHECKSUM, 1);
    struct seal_hasher *hasher = seal_hasher_new();
    seal_hasher_add(hasher, SUBJECT "\0" PERIOD "\0\0\0\0\3", sizeof SUBJECT + sizeof PERIOD + 4);
    seal_hasher_add(hasher, body, length);
    seal_hasher_finish(&hasher, hash);
    memcpy(bytes, body, length);
    memcpy(bytes + length, hash, CHECKSUM);
    return bytes;
}

static void require_same(const struct block *one, const struct block *other)
{
    fuzz_require(one->totals.reported == other->totals.reported && one->totals.figures == other->totals.figures &&
                     one->totals.sum == other->totals.sum,
                 "the sums come back");
    for (uint32_t i = 0; i < one->slot_count; i++) {
        const struct slot a = block_slot(one, i), b = block_slot(other, i);
        fuzz_require(a.word == b.word && (a.word == 0 || (a.value == b.value && a.entry == b.entry)),
                     "every slot comes back");
    }
}

static void require_sums(struct block *block)
{
    struct totals totals = {.reported = 0};
    block_add(block, 0, block->slot_count, &totals);
    fuzz_require(totals.reported == block->totals.reported && totals.figures == block->totals.figures &&
                     totals.sum == block->totals.sum,
                 "the sums of a block are those of its slots");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static unsigned char *written;
    static size_t capacity;
    struct fuzz_input input = {bytes, length};
    const unsigned high = fuzz_byte(&input), slots = 1 + (high << 8 | fuzz_byte(&input)) % BLOCK_SLOTS;
    struct block block = {.number = 3, .slot_count = slots}, again = {.number = 3, .slot_count = slots};
    unsigned char *body = sealed(input.at, input.left);
    fuzz_require(block_is_intact(SUBJECT, PERIOD, 3, body, input.left + CHECKSUM), "the seal is the one of block.c");
    if (block_decode(&block, SUBJECT, PERIOD, body, input.left + CHECKSUM)) {
        require_sums(&block);
        const size_t written_length = block_encode(&block, SUBJECT, PERIOD, &written, &capacity);
        fuzz_require(block_decode(&again, SUBJECT, PERIOD, written, written_length), "what was encoded can be decoded");
        require_same(&block, &again);
        fuzz_require(!block_decode(&again, SUBJECT, "2020-02", written, written_length), "another place, another seal");
        require_same(&block, &again);
    } else
        fuzz_require(block.slots == NULL, "what is refused leaves the block as it was");
    free(block.slots);
    free(again.slots);
    free(body);
}
