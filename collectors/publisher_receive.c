/* publisher_receive.c - what comes back: WELCOME, acknowledgements with their refusals, refusals of a batch, demands of a
 * proof. Each becomes an event of delivery.h. */
#include "publisher_inside.h"

#include "limit.h"
#include "memory.h"
#include "wire.h"

#include <string.h>
#include <zmq.h>

enum {
    MESSAGES_A_PASS = 256,
    PARTS_A_MESSAGE = 64,
};

static enum status compare_chain(struct publisher *publisher, uint64_t watermark, const unsigned char theirs[SEAL_HASH],
                                 enum delivery_chain *ret_chain, struct fault *why)
{
    unsigned char ours[SEAL_HASH];
    const enum status status = outbox_chain(publisher->outbox, watermark, ours, why);
    if (status == STATUS_OK)
        *ret_chain = memcmp(ours, theirs, SEAL_HASH) == 0 ? CHAIN_SAME : CHAIN_DIFFERS;
    else if (status == STATUS_REFUSED)
        *ret_chain = CHAIN_UNKNOWN;
    else
        return status;
    return STATUS_OK;
}

static enum status prove_if_owed(struct publisher *publisher, uint64_t watermark, struct fault *why)
{
    if (!publisher->proof_owed)
        return STATUS_OK;
    publisher->proof_owed = false;
    return publisher_send_proof(publisher, publisher->sender.session, watermark, why);
}

static enum status on_welcome(struct publisher *publisher, const struct wire_welcome *welcome, struct fault *why)
{
    struct delivery_event event = {.kind = DELIVERY_WELCOME,
                                   .session = welcome->session,
                                   .watermark = welcome->watermark,
                                   .credit = welcome->credit};
    const enum status status =
        compare_chain(publisher, welcome->watermark, welcome->chain_at_watermark, &event.chain, why);
    if (status != STATUS_OK)
        return status;
    if (welcome->session == publisher->sender.session) {
        publisher->nack_first = welcome->watermark + 1;
        publisher->backup_watermark = welcome->backup_watermark;
        publisher->run_batches = welcome->run_batches;
        publisher->heard_watermark = welcome->watermark;
        publisher->heard = event.chain == CHAIN_SAME; /* else it speaks of another history */
        publisher->busy = publisher->reborn = false;
        const struct checkpoint_shown shown = {welcome->checkpoint, welcome->earlier, welcome->checkpoint_length,
                                               welcome->earlier_length};
        const enum status heeded = publisher_heed_ledger(publisher, welcome->generation, &shown, why);
        if (heeded != STATUS_OK)
            return heeded;
    }
    publisher_step(publisher, &event);
    return prove_if_owed(publisher, welcome->watermark, why);
}

static void keep_refusals(struct publisher *publisher, const struct wire_ack *ack)
{
    publisher->refusals = memory_grow(publisher->refusals, &publisher->refusal_capacity,
                                      publisher->refusal_count + ack->refusal_count, sizeof *publisher->refusals);
    for (size_t i = 0; i < ack->refusal_count; i++) {
        const enum message message = message_by_code(ack->refusals[i].code);
        publisher->refusals[publisher->refusal_count++] = (struct publisher_refusal){
            .seq = ack->refusals[i].seq,
            .index = ack->refusals[i].index,
            .message = message == MESSAGE_NONE ? MESSAGE_REFUSED_BY_AGGREGATOR : message, /* a newer aggregator's word */
        };
    }
    if (ack->refusal_count > 0)
        publisher->handed_out = false;
}

static enum status on_ack(struct publisher *publisher, const struct wire_ack *ack, struct fault *why)
{
    struct delivery_event event = {.kind = DELIVERY_ACK,
                                   .session = ack->session,
                                   .watermark = ack->watermark,
                                   .credit = ack->credit};
    if (ack->session != publisher->sender.session)
        return STATUS_OK;
    keep_refusals(publisher, ack);
    if (ack->watermark >= publisher->sender.watermark) { /* else it only carries refusals, or comes late */
        const enum status status = compare_chain(publisher, ack->watermark, ack->chain_at_watermark, &event.chain, why);
        if (status != STATUS_OK)
            return status;
        publisher->nack_first = ack->watermark;
        publisher->heard_watermark = ack->watermark;
        publisher->heard = event.chain == CHAIN_SAME;
        publisher->backup_watermark = ack->backup_watermark;
    }
    const enum status heeded = publisher_heed_ack(publisher, ack, why);
    if (heeded != STATUS_OK)
        return heeded;
    publisher_step(publisher, &event);
    return prove_if_owed(publisher, ack->watermark, why);
}

static void on_nack(struct publisher *publisher, const struct wire_message_nack *nack)
{
    struct delivery_event event = {.kind = DELIVERY_NACK,
                                   .session = nack->session,
                                   .nack = nack->code,
                                   .first = nack->first,
                                   .retry_after_ms = nack->retry_after_ms};
    if (nack->session != publisher->sender.session)
        return;
    publisher->nack_first = nack->first;
    publisher->busy = nack->code == NACK_BUSY;
    memcpy(publisher->nack_detail, nack->detail, sizeof publisher->nack_detail);
    publisher_step(publisher, &event);
}

static enum status on_message(struct publisher *publisher, const struct wire_message *message, struct fault *why)
{
    switch (message->kind) {
    case WIRE_WELCOME: return on_welcome(publisher, &message->welcome, why);
    case WIRE_ACK: return on_ack(publisher, &message->ack, why);
    case WIRE_NACK: on_nack(publisher, &message->nack); return STATUS_OK;
    case WIRE_PROVE: return publisher_send_proof(publisher, message->proof.session, message->proof.seq, why);
    case WIRE_HELLO:
    case WIRE_BATCH:
    case WIRE_GAP:
    case WIRE_PROOF:
    case WIRE_BYE:
    case WIRE_QUESTION:
    case WIRE_ANSWER:
    case WIRE_ROLLUP:
    case WIRE_ALERT:
    case WIRE_RUN: return STATUS_OK; /* not for a collector */
    }
    return STATUS_OK;
}

/* Takes one message; *ret_more false when none waits. One frame each; anything else is not from an aggregator. */
static enum status receive(struct publisher *publisher, bool *ret_more, struct fault *why)
{
    enum status status = STATUS_OK;
    struct wire_message message = {0};
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    *ret_more = zmq_msg_recv(&frame, publisher->socket, ZMQ_DONTWAIT) >= 0;
    if (!*ret_more)
        goto done;
    if (zmq_msg_more(&frame)) {
        for (int part = 0; part < PARTS_A_MESSAGE && zmq_msg_more(&frame); part++)
            if (zmq_msg_recv(&frame, publisher->socket, ZMQ_DONTWAIT) < 0)
                break;
        goto done;
    }
    if (wire_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK)
        status = on_message(publisher, &message, why);
done:
    wire_release(&message);
    zmq_msg_close(&frame);
    return status;
}

enum status publisher_receive_all(struct publisher *publisher, struct fault *why)
{
    bool more = true;
    for (int i = 0; more && i < MESSAGES_A_PASS; i++) {
        const enum status status = receive(publisher, &more, why);
        if (status != STATUS_OK && status != STATUS_AGAIN)
            return status;
    }
    return STATUS_OK;
}
