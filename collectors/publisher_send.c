/* publisher_send.c - what goes out: HELLO, batches as far as the window allows, what is missing, proofs.
 *
 * With ZMQ_IMMEDIATE nothing is queued for an absent peer, so a send that finds no link says EAGAIN and is tried again. */
#include "publisher_inside.h"

#include "limit.h"
#include "memory.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

bool publisher_send(struct publisher *publisher, const struct wire_message *message)
{
    unsigned char *bytes;
    size_t length;
    wire_encode(message, &bytes, &length);
    const int sent = zmq_send(publisher->socket, bytes, length, ZMQ_DONTWAIT);
    free(bytes);
    return sent >= 0;
}

void publisher_send_hello(struct publisher *publisher)
{
    struct outbox_identity identity;
    struct wire_message message = {.kind = WIRE_HELLO};
    struct wire_hello *hello = &message.hello;
    struct outbox_witness witness;
    outbox_identity(publisher->outbox, &identity);
    outbox_witness(publisher->outbox, &witness);
    hello->kept = (const unsigned char *)witness.kept;
    hello->kept_length = strlen(witness.kept);
    hello->protocol_min = hello->protocol_max = WIRE_VERSION;
    memcpy(hello->agent, publisher->agent, sizeof hello->agent);
    memcpy(hello->outbox, identity.id, sizeof hello->outbox);
    hello->epoch = identity.epoch;
    hello->session = publisher->sender.session;
    hello->low = identity.low;
    hello->high = identity.high;
    memcpy(hello->chain_at_high, identity.chain_at_high, sizeof hello->chain_at_high);
    hello->highest_acked = identity.highest_acked;
    memcpy(hello->catalogue_hash, publisher->catalogue_hash, sizeof hello->catalogue_hash);
    hello->wall_time = publisher->now_ms;
    (void)snprintf(hello->software, sizeof hello->software, "suanpan-collector %s", SUANPAN_VERSION);
    hello->backlog = identity.high > identity.highest_acked ? identity.high - identity.highest_acked : 0;
    hello->refused = identity.refused_rows;
    publisher->hello_owed = !publisher_send(publisher, &message);
}

/* ---- batches --------------------------------------------------------------------------------------------------- */

/* Batch seq and what follows it, as far as it may go out now in one message; *ret_count is 0 when seq is no longer held.
 * The outbox lends one batch at a time, so they are copied. */
static enum status gather(struct publisher *publisher, uint64_t seq, uint64_t most, struct wire_run *ret_run,
                          struct fault *why)
{
    struct wire_batch batch;
    size_t used = 0;
    enum status status = STATUS_OK;
    ret_run->count = 0;
    if (publisher->run_bytes == NULL)
        publisher->run_bytes = memory_array(LIMIT_BATCH_BYTES, 1);
    while (ret_run->count < most) {
        struct wire_run_batch *next = &publisher->run[ret_run->count];
        status = outbox_batch(publisher->outbox, seq + ret_run->count, &batch.bytes, &batch.length, batch.chain_before,
                              batch.signature, why);
        if (status != STATUS_OK || batch.length > LIMIT_BATCH_BYTES - used)
            break;
        if (ret_run->count == 0)
            memcpy(ret_run->chain_before, batch.chain_before, SEAL_HASH);
        memcpy(publisher->run_bytes + used, batch.bytes, batch.length);
        *next = (struct wire_run_batch){.bytes = publisher->run_bytes + used, .length = batch.length};
        memcpy(next->signature, batch.signature, SEAL_SIGNATURE);
        used += batch.length;
        ret_run->count++;
    }
    return status == STATUS_REFUSED ? STATUS_OK : status;
}

static void make_message(const struct publisher *publisher, uint64_t seq, const struct wire_run *run,
                         struct wire_message *ret_message)
{
    if (run->count > 1) {
        ret_message->kind = WIRE_RUN;
        ret_message->run = *run;
        ret_message->run.session = publisher->sender.session;
        ret_message->run.seq = seq;
        return;
    }
    ret_message->kind = WIRE_BATCH;
    struct wire_batch *batch = &ret_message->batch;
    *batch = (struct wire_batch){.session = publisher->sender.session, .seq = seq, .bytes = run->batches[0].bytes,
                                 .length = run->batches[0].length};
    memcpy(batch->chain_before, run->chain_before, SEAL_HASH);
    memcpy(batch->signature, run->batches[0].signature, SEAL_SIGNATURE);
}

/* A damaged row leaves a hole. */
static enum status find_hole(struct publisher *publisher, uint64_t seq, struct fault *why)
{
    struct delivery_event lost = {.kind = DELIVERY_LOST, .low = seq};
    const enum status status = outbox_held_after(publisher->outbox, seq, &lost.high, why);
    lost.high--;
    if (status == STATUS_OK)
        publisher_step(publisher, &lost);
    return status;
}

enum status publisher_send_batches(struct publisher *publisher, struct fault *why)
{
    const uint64_t most = publisher->run_batches > WIRE_RUN_BATCHES ? WIRE_RUN_BATCHES
                          : publisher->run_batches == 0             ? 1
                                                                    : publisher->run_batches;
    uint64_t seq;
    while (!publisher->hello_owed && (seq = delivery_wants(&publisher->sender)) != 0) {
        struct wire_run run = {.batches = publisher->run};
        struct wire_message message = {.private = NULL};
        const uint64_t window = delivery_window(&publisher->sender);
        const enum status status = gather(publisher, seq, window < most ? window : most, &run, why);
        if (status != STATUS_OK)
            return status;
        if (run.count == 0)
            return find_hole(publisher, seq, why);
        make_message(publisher, seq, &run, &message);
        if (!publisher_send(publisher, &message))
            return STATUS_OK;
        for (size_t i = 0; i < run.count; i++)
            delivery_sent(&publisher->sender, publisher->now_ms);
    }
    return STATUS_OK;
}

/* ---- gaps and proofs ------------------------------------------------------------------------------------------- */

/* What is said to be missing may be taken again from the clerk's files; remembered before it is said. */
enum status publisher_send_gap(struct publisher *publisher, struct fault *why)
{
    struct wire_message message = {.kind = WIRE_GAP};
    struct wire_gap *gap = &message.gap;
    if (publisher->gap_to == 0 || publisher->hello_owed)
        return STATUS_OK;
    enum status status = outbox_lose(publisher->outbox, publisher->gap_from, publisher->gap_to, why);
    if (status == STATUS_OK)
        status = outbox_chain(publisher->outbox, publisher->gap_to, gap->chain_after, why);
    if (status != STATUS_OK)
        return status == STATUS_BROKEN ? status : STATUS_OK; /* a full disk: with the next pass */
    gap->session = publisher->sender.session;
    gap->from = publisher->gap_from;
    gap->to = publisher->gap_to;
    (void)snprintf(gap->reason, sizeof gap->reason, "no longer held");
    if (publisher_send(publisher, &message))
        publisher->gap_to = 0;
    publisher->lost = true;
    return STATUS_OK;
}

/* One that got lost is made up for by the patience of delivery.c. */
enum status publisher_send_proof(struct publisher *publisher, uint64_t session, uint64_t seq, struct fault *why)
{
    struct wire_message message = {.kind = WIRE_PROOF, .proof = {.session = session, .seq = seq}};
    const enum status status = outbox_chain(publisher->outbox, seq, message.proof.chain, why);
    if (status == STATUS_OK)
        (void)publisher_send(publisher, &message);
    return status == STATUS_REFUSED ? STATUS_OK : status;
}
