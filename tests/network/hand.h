/* hand.h - a collector's stream played by hand: its HELLO and its batches made here with everything right about them, so that
 * a test can make any of them wrong. */
#ifndef TESTS_NETWORK_HAND_H
#define TESTS_NETWORK_HAND_H

#include "keys.h"
#include "seal.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hand {
    char agent[65];
    struct secret_key key;
    unsigned char outbox[16];
    uint64_t epoch, session, high, acked;
    unsigned char chain[SEAL_HASH]; /* at high */
};

/* A batch with everything right about it, before somebody spoils it. */
struct parcel {
    struct wire_message message;
    unsigned char *bytes;
};

static inline void hand_new_outbox(struct hand *hand)
{
    seal_random(hand->outbox, sizeof hand->outbox);
    seal_chain_start(hand->agent, hand->outbox, hand->chain);
    hand->epoch = 1;
    hand->high = hand->acked = 0;
}

/* Of a new session. */
static inline void hand_fill_hello(struct hand *hand, const unsigned char catalogue_hash[32], int64_t wall_time,
                                   struct wire_message *ret_message)
{
    struct wire_hello *hello = &ret_message->hello;
    *ret_message = (struct wire_message){.kind = WIRE_HELLO};
    seal_random(&hand->session, sizeof hand->session);
    hello->protocol_min = hello->protocol_max = WIRE_VERSION;
    memcpy(hello->agent, hand->agent, sizeof hello->agent);
    memcpy(hello->outbox, hand->outbox, sizeof hello->outbox);
    hello->epoch = hand->epoch;
    hello->session = hand->session;
    hello->low = 1;
    hello->high = hand->high;
    memcpy(hello->chain_at_high, hand->chain, SEAL_HASH);
    hello->highest_acked = hand->acked;
    hello->wall_time = wall_time;
    memcpy(hello->catalogue_hash, catalogue_hash, sizeof hello->catalogue_hash);
    (void)snprintf(hello->software, sizeof hello->software, "by hand");
}

static inline void hand_sign(const struct hand *hand, struct parcel *parcel)
{
    unsigned char digest[SEAL_HASH];
    struct wire_batch *batch = &parcel->message.batch;
    seal_batch_digest(hand->agent, hand->outbox, batch->seq, hand->chain, digest);
    seal_sign(digest, hand->key.sign, batch->signature);
}

/* Any bytes as the next batch, chained and signed; they are the parcel's from now on. */
static inline void hand_wrap(struct hand *hand, unsigned char *bytes, size_t length, struct parcel *ret_parcel)
{
    *ret_parcel = (struct parcel){.message = {.kind = WIRE_BATCH}, .bytes = bytes};
    struct wire_batch *batch = &ret_parcel->message.batch;
    batch->bytes = bytes;
    batch->length = length;
    batch->session = hand->session;
    batch->seq = ++hand->high;
    memcpy(batch->chain_before, hand->chain, SEAL_HASH);
    seal_chain_next(hand->chain, bytes, length, hand->chain);
    hand_sign(hand, ret_parcel);
}

static inline void parcel_free(struct parcel *parcel)
{
    free(parcel->bytes);
    parcel->bytes = NULL;
}

#endif
