/* publisher.c - drives delivery.h with a DEALER socket: opened, worked in every turn of the program's loop, asked.
 *
 *   publisher_link.c     the connection                                    -> publisher_step (here)
 *   publisher_send.c     batches and what is said of them, when publisher_step says so
 *   publisher_receive.c  the aggregator's answers                          -> publisher_step
 *   publisher_witness.c  what the answers show of its ledger
 *
 * Refusals are handed out before their batch counts as acknowledged: the outbox is told at the next publisher_work, when the
 * program has written them. A crash in between makes the aggregator send them once more; none is lost. */
#include "publisher_inside.h"

#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WATCH_MS = 100,       /* how often the monitor is looked at while something is awaited */
    RESEND_MS = 20,       /* a HELLO that found no pipe */
    FIRST_LINK_MS = 1000, /* no word of trouble while the first connection is being made */
};

/* ---- opening --------------------------------------------------------------------------------------------------- */

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
    status = publisher_connect(publisher, zmq_context, key, aggregator->curve, settings->security, why);
done:
    if (status == STATUS_OK)
        *ret_publisher = publisher;
    else
        publisher_close(&publisher);
    return status;
}

void publisher_close(struct publisher **publisher)
{
    struct publisher *old = *publisher;
    if (old == NULL)
        return;
    *publisher = NULL;
    publisher_disconnect(old);
    free(old->refusals);
    free(old->run_bytes);
    free(old->endpoint);
    free(old);
}

/* ---- at work ---------------------------------------------------------------------------------------------------- */

void publisher_step(struct publisher *publisher, struct delivery_event *event)
{
    struct delivery_actions actions;
    event->now_ms = publisher->now_ms;
    seal_random(&event->random, sizeof event->random);
    delivery_step(&publisher->sender, event, &actions);
    if (actions.hello) {
        publisher->gap_to = 0; /* the new session finds out anew */
        publisher_send_hello(publisher);
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
    publisher_step(publisher, &event);
    return STATUS_OK;
}

static void note_outbox(struct publisher *publisher)
{
    struct outbox_identity identity;
    outbox_identity(publisher->outbox, &identity);
    if (identity.low == publisher->sender.low && identity.high == publisher->sender.high)
        return;
    struct delivery_event event = {.kind = DELIVERY_HELD_NOW, .low = identity.low, .high = identity.high};
    publisher_step(publisher, &event);
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
    publisher_watch_link(publisher);
    note_outbox(publisher);
    status = give_rebirth(publisher, why);
    if (status == STATUS_OK)
        status = publisher_receive_all(publisher, why);
    if (status == STATUS_OK)
        status = publisher_connect_anew(publisher, why);
    if (status != STATUS_OK)
        return status;
    publisher_step(publisher, &time);
    if (publisher->hello_owed && publisher->sender.link)
        publisher_send_hello(publisher);
    if (publisher->sender.link)
        status = publisher_send_gap(publisher, why);
    if (status == STATUS_OK)
        status = publisher_send_batches(publisher, why);
    return status == STATUS_OK || status == STATUS_AGAIN ? acknowledge(publisher, why) : status;
}

/* ---- what the program asks -------------------------------------------------------------------------------------- */

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
