/* intake_hello.c - a collector says who it is and what it holds: new, known, put back, two of one name, at odds with
 * the ledger. */
#include "intake_inside.h"

#include <inttypes.h>
#include <stdlib.h>

/* Where the stream stands, the open group included. */
static enum status know_stream(struct intake *intake, const struct peer *peer, const struct wire_hello *hello,
                               struct stream *ret_stream, struct fault *why)
{
    bool found = false;
    if (peer->session.active && memcmp(peer->session.outbox, hello->outbox, sizeof hello->outbox) == 0) {
        *ret_stream = (struct stream){.epoch = peer->session.epoch, .watermark = peer->session.watermark};
        memcpy(ret_stream->chain, peer->session.chain, SEAL_HASH);
    } else {
        const enum status status = store_stream(intake->store, peer->agent, hello->outbox, &found, ret_stream, why);
        if (status != STATUS_OK)
            return status;
        if (!found) {
            *ret_stream = (struct stream){0};
            seal_chain_start(peer->agent, hello->outbox, ret_stream->chain);
        }
    }
    memcpy(ret_stream->agent, peer->agent, sizeof ret_stream->agent);
    memcpy(ret_stream->outbox, hello->outbox, sizeof ret_stream->outbox);
    return STATUS_OK;
}

static void note_hello(struct intake *intake, struct peer *peer, const struct wire_hello *hello)
{
    struct agent_row *row = &peer->row;
    row->connected = true;
    if (__builtin_sub_overflow(hello->wall_time, intake->now_ms, &row->clock_skew_ms))
        row->clock_skew_ms = hello->wall_time < 0 ? INT64_MIN : INT64_MAX; /* it may claim any time */
    (void)snprintf(row->software, sizeof row->software, "%s", hello->software);
    /* The collector counts what it refused itself and what came back to it; what it has not seen yet is counted when
     * the ACK that tells it goes out. */
    row->refused = hello->refused;
    peer->refused_uncounted = true;
    recall_forget(intake->recall, peer->agent, hello->outbox, hello->highest_acked);
}

/* Flagged beyond a day: then what the agent says of times is worth nothing, and lateness should not be read off it. */
static void judge_clock(struct intake *intake, const struct peer *peer)
{
    const int64_t skew = peer->row.clock_skew_ms;
    char detail[128];
    if (skew > -SKEW_FLAG_MS && skew < SKEW_FLAG_MS) {
        intake_settle_incident(intake, peer, INCIDENT_CLOCK_OFF);
        return;
    }
    (void)snprintf(detail, sizeof detail, "agent_minus_aggregator=%" PRId64 "d", skew / SKEW_FLAG_MS);
    intake_raise_incident(intake, peer, INCIDENT_CLOCK_OFF, detail);
}

static void note_connected(struct intake *intake, const struct peer *peer, const struct wire_hello *hello,
                           bool regression)
{
    char detail[256];
    intake_note(intake, false, "agent_connected", peer->agent, session_backlog(&peer->session), hello->software);
    if (regression) {
        intake_note_message(intake, true, "store_behind_agent", peer->agent, hello->highest_acked,
                            MESSAGE_STORE_BEHIND);
        (void)snprintf(detail, sizeof detail, "acknowledged=%" PRIu64 " stored=%" PRIu64 " offered_again=%" PRIu64,
                       hello->highest_acked, peer->session.watermark, hello->highest_acked - peer->session.watermark);
        intake_raise_incident(intake, peer, INCIDENT_STORE_BEHIND, detail);
    }
    judge_clock(intake, peer);
    if (peer->row.clock_skew_ms > SKEW_MS || peer->row.clock_skew_ms < -SKEW_MS)
        intake_note_message(intake, true, "clock_skew", peer->agent, 0, MESSAGE_CLOCK_OFF);
    if (memcmp(hello->catalogue_hash, intake->catalogue->hash, sizeof hello->catalogue_hash) != 0)
        intake_note_message(intake, true, "catalogue_differs", peer->agent, 0, MESSAGE_OTHER_CATALOGUE);
}

/* The collector is a witness of this ledger: does it still have what it was told? A word in our own name is no more
 * than our own opinion; the collector judges by itself what WELCOME tells it. */
static enum status heed_witness(struct intake *intake, struct peer *peer, const struct wire_hello *hello, bool anew,
                                struct fault *why)
{
    struct checkpoint kept;
    unsigned char hash[SEAL_HASH];
    char detail[MESSAGE_NESTED], entry[24], head[24];
    bool found = false;
    peer->kept = 0;
    if (intake->checkpoints.key == NULL || !checkpoint_read_bytes(hello->kept, hello->kept_length, &kept))
        return STATUS_OK;
    const bool is_same = memcmp(kept.generation, intake->generation, sizeof kept.generation) == 0;
    const uint64_t common = is_same ? UINT64_MAX : restores_common(&intake->restores, kept.generation);
    /* What came after a backup and was lost is another entry now: the witness is told where the two part. */
    peer->kept = common < kept.entry ? common : kept.entry;
    /* One of a key that was replaced since is answered, but what anybody could have written raises no alert here. */
    if (!anew || !checkpoint_holds(&kept, intake->checkpoints.key->public_key.sign))
        return STATUS_OK;
    const enum status status = store_hash_at(intake->store, kept.entry, hash, &found, why);
    if (status != STATUS_OK)
        return status;
    const enum checkpoint_verdict verdict =
        checkpoint_compare(&kept, intake->generation, common, intake->head, found ? hash : NULL);
    (void)snprintf(entry, sizeof entry, "%" PRIu64, kept.entry);
    (void)snprintf(head, sizeof head, "%" PRIu64, intake->head);
    message_nest(checkpoint_message(verdict), (const char *const[4]){entry, head, NULL, NULL}, detail, sizeof detail);
    intake_note(intake, checkpoint_is_alarm(verdict), "ledger_witnessed", peer->agent, kept.entry,
                checkpoint_is_alarm(verdict) ? detail : "");
    intake_last_event(intake)->is_witness = true;
    intake_last_event(intake)->verdict = verdict;
    return STATUS_OK;
}

/* The agent's disk died, or somebody gave it a new outbox: its former one ends here. What that one held beyond its
 * watermark may come with the new one, or may be lost with it; a person has to know. */
enum status intake_note_other_outbox(struct intake *intake, const struct peer *peer, struct fault *why)
{
    struct stream *streams = NULL, former = {0};
    size_t count = 0;
    struct gap gap = {.kind = GAP_KIND_OUTBOX, .noted_at = intake->now_ms};
    char detail[256], old[33], new[33];
    enum status status = store_streams(intake->store, &streams, &count, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        if (strcmp(streams[i].agent, peer->agent) == 0 && streams[i].last_received_at >= former.last_received_at)
            former = streams[i];
    free(streams);
    if (status != STATUS_OK || former.watermark == 0)
        return status;
    memcpy(gap.agent, peer->agent, sizeof gap.agent);
    memcpy(gap.outbox, former.outbox, sizeof gap.outbox);
    memcpy(gap.chain, former.chain, SEAL_HASH);
    gap.from = former.watermark + 1;
    gap.to = former.watermark + peer->former_backlog;
    if (gap.to > GAP_SEQ_MOST)
        gap.to = former.watermark;
    status = intake_open_group(intake, why);
    if (status == STATUS_OK)
        status = gap_note(intake->store, &gap, why);
    intake_name_outbox(former.outbox, old);
    intake_name_outbox(peer->session.outbox, new);
    (void)snprintf(detail, sizeof detail, "former=%s received=%" PRIu64 " not_received=%" PRIu64 " new=%s", old,
                   former.watermark, gap.to - former.watermark, new);
    intake_raise_incident(intake, peer, INCIDENT_OUTBOX_REPLACED, detail);
    intake_note(intake, true, "outbox_replaced", peer->agent, former.watermark, detail);
    return status == STATUS_REFUSED ? STATUS_OK : status; /* the alert stands; the list is long enough */
}

static void note_fight(struct intake *intake, const struct peer *peer, const struct session *former,
                       const struct wire_hello *hello)
{
    char detail[256], one[33], other[33];
    intake_name_outbox(former->outbox, one);
    intake_name_outbox(hello->outbox, other);
    (void)snprintf(detail, sizeof detail, "one=%s@%s other=%s@%s held_until=%" PRId64, one, peer->address, other,
                   intake->address, peer->session.held_until / 1000);
    intake_raise_incident(intake, peer, INCIDENT_TWO_COLLECTORS, detail);
    intake_note(intake, true, "two_collectors", peer->agent, SESSION_TAKEOVERS, detail);
}

bool intake_is_route(const unsigned char *route, size_t length, const unsigned char *other, size_t other_length)
{
    return length == other_length && memcmp(route, other, length) == 0;
}

/* The collector there is told, and known again should it come back over the same connection. */
static void fence(struct intake *intake, struct peer *peer, uint64_t session)
{
    char reason[MESSAGE_NESTED];
    intake_nack_now(intake, peer->route, peer->route_length, session, NACK_FENCED,
                    intake_nack_reason(MESSAGE_NACK_TAKEN_OVER, reason), 0);
    memcpy(peer->fenced_route, peer->route, peer->route_length);
    peer->fenced_length = peer->route_length;
    peer->owes_ack = peer->owes_welcome = peer->nack.owed = false;
}

enum status intake_on_hello(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_hello *hello, struct fault *why)
{
    struct stream known;
    struct session_answer verdict;
    const bool same_route = peer->route_length == route_length && memcmp(peer->route, route, route_length) == 0;
    const bool anew = !peer->session.active || peer->session.number != hello->session;
    char reason[MESSAGE_NESTED];
    if (strcmp(hello->agent, peer->agent) != 0) {
        intake_nack_now(intake, route, route_length, hello->session, NACK_MALFORMED,
                        intake_nack_reason(MESSAGE_NACK_OTHER_AGENT, reason), 0);
        intake_note(intake, true, "wrong_agent", peer->agent, 0, hello->agent);
        return STATUS_OK;
    }
    /* It may speak of another outbox: what the group did to this one is written down first. */
    enum status status = intake_save_stream(intake, peer, why);
    if (status == STATUS_OK)
        status = know_stream(intake, peer, hello, &known, why);
    if (status != STATUS_OK)
        return status;
    const struct session former = peer->session;
    if (intake_is_route(route, route_length, peer->fenced_route, peer->fenced_length))
        session_returned(&peer->session);
    session_hello(&peer->session, hello, &known, same_route, intake->now_ms, &verdict);
    if (verdict.fight)
        note_fight(intake, peer, &former, hello);
    if (verdict.fence_former)
        fence(intake, peer, former.number);
    if (verdict.verdict == SESSION_NACK) {
        intake_nack_now(intake, route, route_length, hello->session, verdict.code,
                        intake_nack_reason(verdict.detail, reason), 0);
        intake_note(intake, true, "hello_refused", peer->agent, hello->high, reason);
        return STATUS_OK;
    }
    if (memcmp(peer->last_outbox, hello->outbox, sizeof peer->last_outbox) != 0) {
        memcpy(peer->last_outbox, hello->outbox, sizeof peer->last_outbox);
        peer->former_backlog = peer->row.backlog;
    }
    memcpy(peer->route, route, route_length);
    peer->route_length = route_length;
    peer->backed_known = false; /* it may be another outbox */
    (void)snprintf(peer->address, sizeof peer->address, "%s", intake->address);
    note_hello(intake, peer, hello);
    peer->catalogue_judged = peer->catalogue_judged && !anew;
    if (anew) {
        note_connected(intake, peer, hello, verdict.regression);
        peer->witness_at = 0;
    }
    status = heed_witness(intake, peer, hello, anew, why);
    if (status != STATUS_OK)
        return status;
    peer->owes_welcome = true;
    peer->nack.owed = false;
    peer->owes_ack = peer->session.watermark > hello->highest_acked;
    /* An outbox of which nothing was taken yet is written down with its first batch: names alone, of which an agent can
     * make any number, leave nothing behind. */
    if (!verdict.save_stream || known.watermark == 0)
        return STATUS_OK;
    known.epoch = hello->epoch;
    status = intake_open_group(intake, why);
    return status == STATUS_OK ? store_save_stream(intake->store, &known, why) : status;
}
