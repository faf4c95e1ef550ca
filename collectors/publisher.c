/* publisher.c - drives delivery.h with a DEALER socket.
 *
 * One connection, made again by ZeroMQ itself; a monitor of the socket tells when the link stands and why it does not. With
 * ZMQ_IMMEDIATE nothing is queued for an absent peer, so a send that finds no link says EAGAIN and is tried again.
 * ZeroMQ gives a connection up for good after a refused key; the operator may add the key at any time, so it is made anew
 * on the same socket then.
 *
 * Refusals are handed out before their batch counts as acknowledged: the outbox is told at the next publisher_work, when the
 * program has written them. A crash in between makes the aggregator send them once more; none is lost. */
#include "publisher.h"

#include "delivery.h"
#include "link.h"
#include "limit.h"
#include "memory.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    RECONNECT_MS = 200,        /* the first try again; ZeroMQ doubles it up to ... */
    RECONNECT_MOST_MS = 1000,  /* a try is one packet; after an outage everybody waits for as long as this, however many */
    WATCH_MS = 100,            /* how often the monitor is looked at while something is awaited */
    RESEND_MS = 20,            /* a HELLO that found no pipe */
    ANEW_MS = 1000,            /* a connection that ZeroMQ gave up, doubled up to ... */
    ANEW_MOST_MS = 30000,
    FIRST_LINK_MS = 1000,      /* no word of trouble while the first connection is being made */
    MESSAGES_A_PASS = 256,
    PARTS_A_MESSAGE = 64,
};

/* What the monitor last said about why there is no link. */
enum link_trouble { LINK_FINE, LINK_UNREACHABLE, LINK_KEY_REFUSED, LINK_NO_HANDSHAKE };

struct publisher {
    void *socket, *monitor;
    struct outbox *outbox;
    struct sender sender;
    char agent[65];
    char *endpoint;
    unsigned char catalogue_hash[32];
    bool hello_owed;
    uint64_t gap_from, gap_to; /* to be said, 0: nothing */
    bool lost;                 /* a gap was said: the program has not asked for the files yet */
    bool proof_owed;           /* of the watermark told last, which is not ours */
    bool rebirth_owed;         /* the outbox has to get a new identity */
    uint64_t rebirth_from;
    bool reborn;               /* it did, and was not welcomed yet */
    uint32_t run_batches;      /* batches the aggregator takes in one message; 0 or 1: one */
    struct wire_run_batch run[WIRE_RUN_BATCHES];
    unsigned char *run_bytes;  /* LIMIT_BATCH_BYTES behind the batches of a run */
    enum link_trouble link_trouble;
    int64_t anew_at;           /* connect again then, INT64_MAX: not needed */
    uint32_t anew_count;
    uint64_t nack_first;       /* of the last NACK, for the sentence */
    bool busy;                 /* the last NACK was NACK_BUSY */
    char nack_detail[256];
    struct publisher_refusal *refusals;
    size_t refusal_count, refusal_capacity;
    bool handed_out;           /* publisher_refusals was asked since they came */
    uint64_t acknowledge;      /* to be told to the outbox, 0: nothing */
    uint64_t backup_watermark;
    unsigned char sign_key[SEAL_PUBLIC]; /* of the aggregator: what it says of its ledger is signed with it */
    struct fault alarm;        /* about its ledger, not told yet */
    bool alarm_contradicts;
    uint64_t alarmed_session;  /* an alarm that stands is told once a session */
    bool disk_full;            /* the outbox could not be told something; asked by publisher_needs_room */
    bool heard;                /* the outbox was not told yet what the aggregator holds */
    uint64_t heard_watermark;
    int64_t opened_at, now_ms;
};

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static enum status socket_fault(const struct publisher *publisher, struct fault *why)
{
    fault_set(why, MESSAGE_SOCKET_TROUBLE, publisher->endpoint, zmq_strerror(zmq_errno()), NULL);
    return STATUS_BROKEN;
}

/* The pace of connecting again is this module's business: link.h only knows one that suits every socket. */
static bool set_reconnect(void *socket)
{
    uint32_t random;
    seal_random(&random, sizeof random);
    const int first = RECONNECT_MS + (int)(random % RECONNECT_MS), most = RECONNECT_MOST_MS;
    const int immediate = 1;
    return zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &first, sizeof first) == 0 &&
           zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &most, sizeof most) == 0 &&
           zmq_setsockopt(socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate) == 0;
}

static bool watch(struct publisher *publisher, void *context)
{
    char name[64];
    uint64_t unique;
    seal_random(&unique, sizeof unique);
    const int length = snprintf(name, sizeof name, "inproc://publisher-%016" PRIx64, unique);
    if (length < 0 || (size_t)length >= sizeof name)
        return false;
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_CLOSED;
    const int linger = 0;
    if (zmq_socket_monitor(publisher->socket, name, events) != 0)
        return false;
    publisher->monitor = zmq_socket(context, ZMQ_PAIR);
    return publisher->monitor != NULL &&
           zmq_setsockopt(publisher->monitor, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
           zmq_connect(publisher->monitor, name) == 0;
}

enum status publisher_open(void *zmq_context, const struct collector_settings *settings, const struct secret_key *key,
                           const struct public_key *aggregator, const unsigned char catalogue_hash[32],
                           struct outbox *outbox, int64_t now_ms, struct publisher **ret_publisher, struct fault *why)
{
    enum status status;
    struct publisher *publisher = memory_new(struct publisher);
    struct outbox_identity identity;
    publisher->endpoint = memory_copy_text(settings->aggregator);
    publisher->outbox = outbox;
    publisher->anew_at = INT64_MAX;
    publisher->opened_at = publisher->now_ms = now_ms;
    memcpy(publisher->catalogue_hash, catalogue_hash, sizeof publisher->catalogue_hash);
    memcpy(publisher->sign_key, aggregator->sign, SEAL_PUBLIC);
    const int length = snprintf(publisher->agent, sizeof publisher->agent, "%s", settings->agent);
    if (length < 0 || (size_t)length >= sizeof publisher->agent) {
        fault_set(why, MESSAGE_TOO_LARGE, settings->agent, "64", NULL);
        status = STATUS_REFUSED;
        goto done;
    }
    outbox_identity(outbox, &identity);
    delivery_start(&publisher->sender, identity.low, identity.high, identity.highest_acked);
    publisher->socket = zmq_socket(zmq_context, ZMQ_DEALER);
    if (publisher->socket == NULL) {
        status = socket_fault(publisher, why);
        goto done;
    }
    status = link_join(publisher->socket, key, aggregator->curve, settings->security, publisher->endpoint,
                       LIMIT_MESSAGE_BYTES, why);
    if (status != STATUS_OK)
        goto done;
    if (!set_reconnect(publisher->socket) || !watch(publisher, zmq_context) ||
        zmq_connect(publisher->socket, publisher->endpoint) != 0)
        status = socket_fault(publisher, why);
done:
    if (status == STATUS_OK)
        *ret_publisher = publisher;
    else
        publisher_close(&publisher);
    return status;
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

/* False when it could not go out now. */
static bool send_message(struct publisher *publisher, const struct wire_message *message)
{
    unsigned char *bytes;
    size_t length;
    wire_encode(message, &bytes, &length);
    const int sent = zmq_send(publisher->socket, bytes, length, ZMQ_DONTWAIT);
    free(bytes);
    return sent >= 0;
}

void publisher_close(struct publisher **publisher)
{
    struct publisher *old = *publisher;
    if (old == NULL)
        return;
    *publisher = NULL;
    if (old->monitor != NULL) {
        if (old->sender.state == DELIVERY_STREAMING || old->sender.state == DELIVERY_THROTTLED) {
            const int linger = 200; /* the BYE alone is worth a moment: it tells `status` at once */
            const struct wire_message bye = {.kind = WIRE_BYE};
            zmq_setsockopt(old->socket, ZMQ_LINGER, &linger, sizeof linger);
            (void)send_message(old, &bye);
        }
        zmq_socket_monitor(old->socket, NULL, 0);
        zmq_close(old->monitor);
    }
    if (old->socket != NULL)
        zmq_close(old->socket);
    free(old->refusals);
    free(old->run_bytes);
    free(old->endpoint);
    free(old);
}

static void send_hello(struct publisher *publisher)
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
    publisher->hello_owed = !send_message(publisher, &message);
}

static void step(struct publisher *publisher, struct delivery_event *event);

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

/* What is said to be missing may be taken again from the clerk's files; remembered before it is said. */
static enum status send_gap(struct publisher *publisher, struct fault *why)
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
    if (send_message(publisher, &message))
        publisher->gap_to = 0;
    publisher->lost = true;
    return STATUS_OK;
}

/* A damaged row leaves a hole. */
static enum status find_hole(struct publisher *publisher, uint64_t seq, struct fault *why)
{
    struct delivery_event lost = {.kind = DELIVERY_LOST, .low = seq};
    const enum status status = outbox_held_after(publisher->outbox, seq, &lost.high, why);
    lost.high--;
    if (status == STATUS_OK)
        step(publisher, &lost);
    return status;
}

/* Fills the window. STATUS_BROKEN: the outbox failed. */
static enum status send_batches(struct publisher *publisher, struct fault *why)
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
        if (!send_message(publisher, &message))
            return STATUS_OK;
        for (size_t i = 0; i < run.count; i++)
            delivery_sent(&publisher->sender, publisher->now_ms);
    }
    return STATUS_OK;
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

static void step(struct publisher *publisher, struct delivery_event *event)
{
    struct delivery_actions actions;
    event->now_ms = publisher->now_ms;
    seal_random(&event->random, sizeof event->random);
    delivery_step(&publisher->sender, event, &actions);
    if (actions.hello) {
        publisher->gap_to = 0; /* the new session finds out anew */
        send_hello(publisher);
    }
    if (actions.gap_to != 0) {
        publisher->gap_from = actions.gap_from;
        publisher->gap_to = actions.gap_to;
    }
    publisher->proof_owed = publisher->proof_owed || actions.prove;
    if (actions.rebirth)
        publisher->rebirth_from = actions.rebirth_from;
    if (actions.acknowledge > publisher->acknowledge)
        publisher->acknowledge = actions.acknowledge;
    publisher->rebirth_owed = publisher->rebirth_owed || actions.rebirth;
}

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

/* ---- the ledger ---------------------------------------------------------------------------------------------------- */

static void copy_shown(const unsigned char *bytes, size_t length, char ret_text[CHECKPOINT_TEXT])
{
    const size_t kept = length < CHECKPOINT_TEXT ? length : 0; /* longer: no checkpoint, and not worth keeping */
    if (kept > 0)
        memcpy(ret_text, bytes, kept);
    ret_text[kept] = '\0';
}

static void set_alarm(struct publisher *publisher, enum checkpoint_verdict verdict, const struct checkpoint *kept,
                      const struct checkpoint_shown *shown)
{
    struct checkpoint head = {.entry = 0};
    char kept_entry[24], head_entry[24];
    if (shown->length > 0 && !checkpoint_read_signed(shown->text, shown->length, publisher->sign_key, &head))
        head.entry = 0;
    (void)snprintf(kept_entry, sizeof kept_entry, "%" PRIu64, kept == NULL ? 0 : kept->entry);
    (void)snprintf(head_entry, sizeof head_entry, "%" PRIu64, head.entry);
    publisher->alarm = (struct fault){0};
    fault_set(&publisher->alarm, checkpoint_message(verdict), kept_entry, head_entry, NULL);
    publisher->alarm_contradicts = !checkpoint_is_replaced(verdict);
}

/* Holds what is shown against what is kept. What goes on is kept from now on; what contradicts is kept beside it. */
static enum status heed_ledger(struct publisher *publisher, const unsigned char generation[16],
                               const struct checkpoint_shown *shown, struct fault *why)
{
    struct outbox_witness witness;
    struct checkpoint kept;
    outbox_witness(publisher->outbox, &witness);
    const bool has_kept = checkpoint_read(witness.kept, &kept);
    const enum checkpoint_verdict verdict =
        checkpoint_judge(has_kept ? &kept : NULL, generation, shown, publisher->sign_key);
    if (checkpoint_is_replaced(verdict)) {
        if (checkpoint_is_alarm(verdict))
            memcpy(witness.former, witness.kept, sizeof witness.former);
        copy_shown(shown->text, shown->length, witness.kept);
        witness.shown[0] = witness.earlier[0] = '\0';
        witness.alarm = MESSAGE_NONE;
    } else if (witness.alarm == MESSAGE_NONE || publisher->alarmed_session != publisher->sender.session) {
        copy_shown(shown->text, shown->length, witness.shown);
        copy_shown(shown->earlier, shown->earlier_length, witness.earlier);
        witness.alarm = checkpoint_message(verdict);
    }
    if (checkpoint_is_alarm(verdict) && publisher->alarmed_session != publisher->sender.session) {
        set_alarm(publisher, verdict, has_kept ? &kept : NULL, shown);
        publisher->alarmed_session = publisher->sender.session;
    }
    const enum status status = outbox_keep_witness(publisher->outbox, &witness, why);
    return status == STATUS_AGAIN ? STATUS_OK : status; /* disk full: the next one */
}

/* An acknowledgement is only heeded when it speaks of what is kept: one that was on its way says nothing. */
static enum status heed_ack(struct publisher *publisher, const struct wire_ack *ack, struct fault *why)
{
    const struct checkpoint_shown shown = {ack->checkpoint, ack->earlier, ack->checkpoint_length, ack->earlier_length};
    struct outbox_witness witness;
    struct checkpoint kept, earlier;
    outbox_witness(publisher->outbox, &witness);
    const bool has_kept = checkpoint_read(witness.kept, &kept);
    if (shown.length == 0 ||
        (has_kept && (!checkpoint_read_signed(shown.earlier, shown.earlier_length, publisher->sign_key, &earlier) ||
                      earlier.entry != kept.entry)))
        return STATUS_OK;
    return heed_ledger(publisher, ack->generation, &shown, why);
}

/* One that got lost is made up for by the patience of delivery.c. */
static enum status send_proof(struct publisher *publisher, uint64_t session, uint64_t seq, struct fault *why)
{
    struct wire_message message = {.kind = WIRE_PROOF, .proof = {.session = session, .seq = seq}};
    const enum status status = outbox_chain(publisher->outbox, seq, message.proof.chain, why);
    if (status == STATUS_OK)
        (void)send_message(publisher, &message);
    return status == STATUS_REFUSED ? STATUS_OK : status;
}

static enum status prove_if_owed(struct publisher *publisher, uint64_t watermark, struct fault *why)
{
    if (!publisher->proof_owed)
        return STATUS_OK;
    publisher->proof_owed = false;
    return send_proof(publisher, publisher->sender.session, watermark, why);
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
        const enum status heeded = heed_ledger(publisher, welcome->generation, &shown, why);
        if (heeded != STATUS_OK)
            return heeded;
    }
    step(publisher, &event);
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
    const enum status heeded = heed_ack(publisher, ack, why);
    if (heeded != STATUS_OK)
        return heeded;
    step(publisher, &event);
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
    step(publisher, &event);
}

static enum status on_message(struct publisher *publisher, const struct wire_message *message, struct fault *why)
{
    switch (message->kind) {
    case WIRE_WELCOME: return on_welcome(publisher, &message->welcome, why);
    case WIRE_ACK: return on_ack(publisher, &message->ack, why);
    case WIRE_NACK: on_nack(publisher, &message->nack); return STATUS_OK;
    case WIRE_PROVE: return send_proof(publisher, message->proof.session, message->proof.seq, why);
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

/* ---- the link ------------------------------------------------------------------------------------------------------ */

static void link_lost(struct publisher *publisher, enum link_trouble trouble)
{
    struct delivery_event event = {.kind = DELIVERY_LINK_DOWN};
    /* What a handshake said is worth more than the disconnection that follows it. */
    if (trouble != LINK_UNREACHABLE || publisher->link_trouble == LINK_FINE)
        publisher->link_trouble = trouble;
    publisher->hello_owed = false;
    if (publisher->sender.link)
        step(publisher, &event);
}

static void connect_later(struct publisher *publisher)
{
    int64_t wait = ANEW_MS;
    for (uint32_t i = 0; i < publisher->anew_count && wait < ANEW_MOST_MS; i++)
        wait *= 2;
    publisher->anew_count++;
    publisher->anew_at = publisher->now_ms + (wait < ANEW_MOST_MS ? wait : ANEW_MOST_MS);
}

static void on_link_event(struct publisher *publisher, uint16_t event)
{
    struct delivery_event up = {.kind = DELIVERY_LINK_UP};
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        publisher->anew_count = 0;
        publisher->anew_at = INT64_MAX;
        publisher->link_trouble = LINK_FINE;
        step(publisher, &up);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link_lost(publisher, LINK_KEY_REFUSED);
        connect_later(publisher);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        link_lost(publisher, LINK_NO_HANDSHAKE);
        connect_later(publisher);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: link_lost(publisher, LINK_NO_HANDSHAKE); break;
    case ZMQ_EVENT_DISCONNECTED: link_lost(publisher, LINK_UNREACHABLE); break;
    case ZMQ_EVENT_CLOSED: /* nobody listens there: what an earlier handshake said is out of date */
        if (publisher->anew_at == INT64_MAX)
            publisher->link_trouble = LINK_UNREACHABLE;
        break;
    default: break;
    }
}

static void watch_link(struct publisher *publisher)
{
    for (int i = 0; i < MESSAGES_A_PASS; i++) {
        zmq_msg_t frame;
        uint16_t event = 0;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, publisher->monitor, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return;
        }
        if (zmq_msg_size(&frame) >= sizeof event)
            memcpy(&event, zmq_msg_data(&frame), sizeof event);
        while (zmq_msg_more(&frame) && zmq_msg_recv(&frame, publisher->monitor, 0) >= 0)
            ;
        zmq_msg_close(&frame);
        on_link_event(publisher, event);
    }
}

static enum status connect_anew(struct publisher *publisher, struct fault *why)
{
    if (publisher->now_ms < publisher->anew_at)
        return STATUS_OK;
    publisher->anew_at = INT64_MAX;
    (void)zmq_disconnect(publisher->socket, publisher->endpoint); /* fails when ZeroMQ forgot it already */
    return zmq_connect(publisher->socket, publisher->endpoint) == 0 ? STATUS_OK : socket_fault(publisher, why);
}

/* ---- the program's side -------------------------------------------------------------------------------------------- */

/* Tells the outbox what is committed, once the refusals that came along were handed out. */
static enum status acknowledge(struct publisher *publisher, struct fault *why)
{
    if (publisher->heard) {
        const enum status heard =
            outbox_hears(publisher->outbox, publisher->heard_watermark, publisher->backup_watermark, why);
        publisher->disk_full = publisher->disk_full || heard == STATUS_AGAIN;
        if (heard != STATUS_OK)
            return heard == STATUS_AGAIN ? STATUS_OK : heard;
        publisher->heard = false;
    }
    if (publisher->acknowledge == 0 || (publisher->refusal_count > 0 && !publisher->handed_out))
        return STATUS_OK;
    const enum status status =
        outbox_acknowledge(publisher->outbox, publisher->acknowledge, publisher->backup_watermark, why);
    if (status == STATUS_OK)
        publisher->acknowledge = 0;
    publisher->disk_full = publisher->disk_full || status == STATUS_AGAIN;
    return status == STATUS_AGAIN ? STATUS_OK : status; /* disk full: the next pass tries again */
}

static enum status receive_all(struct publisher *publisher, struct fault *why)
{
    bool more = true;
    for (int i = 0; more && i < MESSAGES_A_PASS; i++) {
        const enum status status = receive(publisher, &more, why);
        if (status != STATUS_OK && status != STATUS_AGAIN)
            return status;
    }
    return STATUS_OK;
}

static void note_lost(void *context, const char *file, const char *path_done)
{
    struct publisher *publisher = context;
    (void)file, (void)path_done;
    publisher->lost = true;
}

/* Refusals name batches by their old numbers, so they leave first. A damaged batch gets no new one. */
static enum status give_rebirth(struct publisher *publisher, struct fault *why)
{
    struct outbox_identity identity;
    if (!publisher->rebirth_owed || publisher->refusal_count > 0 || publisher->acknowledge != 0)
        return STATUS_OK;
    enum status status = outbox_rebirth(publisher->outbox, publisher->rebirth_from, why);
    if (status == STATUS_OK)
        status = outbox_lost_files(publisher->outbox, note_lost, publisher, why);
    if (status != STATUS_OK)
        return status == STATUS_AGAIN ? STATUS_OK : status;
    outbox_identity(publisher->outbox, &identity);
    publisher->rebirth_owed = publisher->heard = false;
    publisher->reborn = true;
    struct delivery_event event = {.kind = DELIVERY_REBORN, .low = identity.low, .high = identity.high};
    step(publisher, &event);
    return STATUS_OK;
}

static void note_outbox(struct publisher *publisher)
{
    struct outbox_identity identity;
    outbox_identity(publisher->outbox, &identity);
    if (identity.low == publisher->sender.low && identity.high == publisher->sender.high)
        return;
    struct delivery_event event = {.kind = DELIVERY_HELD_NOW, .low = identity.low, .high = identity.high};
    step(publisher, &event);
}

enum status publisher_work(struct publisher *publisher, int64_t now_ms, struct fault *why)
{
    struct delivery_event time = {.kind = DELIVERY_TIME};
    publisher->now_ms = now_ms;
    enum status status = acknowledge(publisher, why);
    if (status != STATUS_OK)
        return status;
    if (publisher->handed_out) { /* the program has written them */
        publisher->refusal_count = 0;
        publisher->handed_out = false;
    }
    watch_link(publisher);
    note_outbox(publisher);
    status = give_rebirth(publisher, why);
    if (status == STATUS_OK)
        status = receive_all(publisher, why);
    if (status == STATUS_OK)
        status = connect_anew(publisher, why);
    if (status != STATUS_OK)
        return status;
    step(publisher, &time);
    if (publisher->hello_owed && publisher->sender.link)
        send_hello(publisher);
    if (publisher->sender.link)
        status = send_gap(publisher, why);
    if (status == STATUS_OK)
        status = send_batches(publisher, why);
    return status == STATUS_OK || status == STATUS_AGAIN ? acknowledge(publisher, why) : status;
}

void *publisher_socket(struct publisher *publisher)
{
    return publisher->socket;
}

int64_t publisher_due(const struct publisher *publisher)
{
    const struct sender *sender = &publisher->sender;
    const bool awaiting = !sender->link || sender->state == DELIVERY_GREETING ||
                          sender->next > sender->watermark + 1 || sender->high > sender->acked;
    const bool soon = publisher->hello_owed || publisher->gap_to != 0 || publisher->acknowledge != 0 || publisher->rebirth_owed;
    const int64_t look = publisher->now_ms + (publisher->handed_out ? 0 : soon ? RESEND_MS : WATCH_MS);
    const int64_t due = sender->due < publisher->anew_at ? sender->due : publisher->anew_at;
    return (awaiting || soon || publisher->handed_out) && look < due ? look : due;
}

bool publisher_is_drained(const struct publisher *publisher)
{
    return publisher->acknowledge == 0 && publisher->refusal_count == 0 && delivery_drained(&publisher->sender);
}

bool publisher_needs_room(struct publisher *publisher)
{
    const bool needed = publisher->disk_full;
    publisher->disk_full = false;
    return needed;
}

void publisher_progress(const struct publisher *publisher, uint64_t *ret_sent, uint64_t *ret_acknowledged)
{
    *ret_sent = publisher->sender.next == 0 ? 0 : publisher->sender.next - 1;
    *ret_acknowledged = publisher->sender.watermark;
}

size_t publisher_refusals(struct publisher *publisher, const struct publisher_refusal **ret_refusals)
{
    publisher->handed_out = publisher->refusal_count > 0;
    *ret_refusals = publisher->refusals;
    return publisher->refusal_count;
}

bool publisher_alarm(struct publisher *publisher, struct fault *ret_alarm, bool *ret_contradicts)
{
    if (publisher->alarm.message == MESSAGE_NONE)
        return false;
    *ret_alarm = publisher->alarm;
    *ret_contradicts = publisher->alarm_contradicts;
    publisher->alarm = (struct fault){0};
    return true;
}

bool publisher_lost(struct publisher *publisher)
{
    const bool lost = publisher->lost;
    publisher->lost = false;
    return lost;
}

static void held_trouble(const struct publisher *publisher, struct fault *ret_why)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, publisher->nack_first);
    switch (publisher->sender.hold) {
    case HOLD_NOTHING: break;
    case HOLD_FENCED: fault_set(ret_why, MESSAGE_AGENT_FENCED, publisher->nack_detail, NULL); break;
    case HOLD_REVOKED: fault_set(ret_why, MESSAGE_AGENT_REVOKED, NULL); break;
    case HOLD_PROTOCOL: fault_set(ret_why, MESSAGE_PROTOCOL_MISMATCH, publisher->nack_detail, NULL); break;
    case HOLD_STALE_EPOCH:
    case HOLD_BEHIND: fault_set(ret_why, MESSAGE_OUTBOX_RESTORED, publisher->nack_detail, NULL); break;
    case HOLD_PARTING:
    case HOLD_FORK: fault_set(ret_why, MESSAGE_OUTBOX_FORKED, number, NULL); break;
    case HOLD_BAD_BATCH: fault_set(ret_why, MESSAGE_BATCH_NOT_ACCEPTED, number, publisher->nack_detail, NULL); break;
    }
}

bool publisher_trouble(const struct publisher *publisher, struct fault *ret_why)
{
    const struct sender *sender = &publisher->sender;
    memset(ret_why, 0, sizeof *ret_why);
    if (sender->state == DELIVERY_HELD) {
        held_trouble(publisher, ret_why);
        return true;
    }
    if (!sender->link && publisher->link_trouble == LINK_FINE && publisher->now_ms - publisher->opened_at < FIRST_LINK_MS)
        return false;
    if (!sender->link) {
        const enum message message = publisher->link_trouble == LINK_KEY_REFUSED    ? MESSAGE_KEY_REFUSED
                                     : publisher->link_trouble == LINK_NO_HANDSHAKE ? MESSAGE_HANDSHAKE_FAILED
                                                                                    : MESSAGE_AGGREGATOR_UNREACHABLE;
        fault_set(ret_why, message, publisher->endpoint, NULL);
        return true;
    }
    if (publisher->reborn) {
        fault_set(ret_why, MESSAGE_OUTBOX_REBORN, NULL);
        return true;
    }
    if (publisher->busy) {
        fault_set(ret_why, MESSAGE_AGGREGATOR_BUSY, publisher->nack_detail, NULL);
        return true;
    }
    if (sender->state == DELIVERY_GREETING && sender->attempts > 1) {
        fault_set(ret_why, MESSAGE_AGGREGATOR_SILENT, publisher->endpoint, NULL);
        return true;
    }
    return false;
}
