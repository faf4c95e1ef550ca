/* session.c - see session.h for the picture.
 *
 * Epochs fence copies of one outbox: it grows durably at each start of a collector, so a lower one comes out of a backup.
 * Another outbox of the same agent is a new stream (the old disk died); it takes the session over. Two collectors that
 * take it from each other again and again are a mistake of the operator: both are refused for a while. A collector that
 * lost its connection comes over a new one; one that comes again over the connection on which it was fenced was there all
 * the time, so that copies of one outbox are told from a link that fails often. */
#include "session.h"

#include <string.h>

static void nack(struct session_answer *answer, enum wire_nack code, uint64_t first, enum message detail)
{
    answer->verdict = SESSION_NACK;
    answer->code = code;
    answer->first = first;
    answer->detail = detail;
}

/* True when one more take-over would be too many. */
static bool fighting(const struct session *session, int64_t now_ms)
{
    const int64_t oldest = session->takeovers[SESSION_TAKEOVERS - 1];
    return oldest != 0 && now_ms - oldest < SESSION_TAKEOVER_MS;
}

static void note_takeover(struct session *session, int64_t now_ms)
{
    memmove(session->takeovers + 1, session->takeovers, sizeof session->takeovers - sizeof session->takeovers[0]);
    session->takeovers[0] = now_ms;
}

/* What speaks against the HELLO, whatever session there is. */
static bool objection(const struct wire_hello *hello, const struct stream *known, struct session_answer *answer)
{
    if (hello->protocol_min > WIRE_VERSION || hello->protocol_max < WIRE_VERSION)
        nack(answer, NACK_PROTOCOL, 0, MESSAGE_NACK_SPEAKS);
    else if (hello->epoch < known->epoch)
        nack(answer, NACK_STALE_EPOCH, known->watermark + 1, MESSAGE_NACK_HIGHER_EPOCH);
    else if (hello->high < known->watermark)
        nack(answer, NACK_STALE_EPOCH, known->watermark + 1, MESSAGE_NACK_HOLDS_LESS);
    else
        return false;
    return true;
}

/* An agent that is taken over once too often nobody has any more. */
static void take_over(struct session *session, int64_t now_ms, struct session_answer *answer)
{
    answer->fight = fighting(session, now_ms);
    if (!answer->fight) {
        note_takeover(session, now_ms);
        return;
    }
    session->held_until = now_ms + SESSION_TAKEOVER_MS;
    memset(session->takeovers, 0, sizeof session->takeovers);
    session->active = false;
}

void session_hello(struct session *session, const struct wire_hello *hello, const struct stream *known, bool same_route,
                   int64_t now_ms, struct session_answer *ret_answer)
{
    *ret_answer = (struct session_answer){.verdict = SESSION_WELCOME};
    const bool returned = session->returned;
    session->returned = false;
    if (objection(hello, known, ret_answer))
        return;
    const bool other_outbox = memcmp(session->outbox, hello->outbox, sizeof session->outbox) != 0;
    if (session->active && !same_route) {
        const bool alive = now_ms - session->last_seen < SESSION_SILENT_MS;
        if (alive && (other_outbox || returned))
            take_over(session, now_ms, ret_answer);
        ret_answer->fence_former = true;
    }
    if (now_ms < session->held_until) {
        nack(ret_answer, NACK_FENCED, 0, MESSAGE_NACK_FIGHTING);
        return;
    }
    if (!session->active || other_outbox || session->number != hello->session) {
        session->watermark = known->watermark;
        memcpy(session->chain, known->chain, SEAL_HASH);
        session->told = hello->highest_acked < known->watermark ? hello->highest_acked : known->watermark;
        session->gap_told = false;
    }
    ret_answer->save_stream = hello->epoch > known->epoch;
    ret_answer->regression = hello->highest_acked > known->watermark;
    session->active = true;
    session->number = hello->session;
    memcpy(session->outbox, hello->outbox, sizeof session->outbox);
    session->epoch = hello->epoch;
    session->high = hello->high;
    session->low = hello->low;
    session->seeking = false;
    session->last_seen = now_ms;
}

void session_returned(struct session *session)
{
    session->returned = true;
}

/* False when there is no such session over this connection; then the answer says so. */
static bool is_of_session(const struct session *session, uint64_t number, bool same_route, struct session_answer *answer)
{
    *answer = (struct session_answer){.verdict = SESSION_IGNORE};
    if (session->active && session->number == number)
        return true;
    if (session->active && !same_route)
        nack(answer, NACK_FENCED, 0, MESSAGE_NACK_OTHER_SESSION);
    else
        nack(answer, NACK_UNKNOWN_OUTBOX, 0, MESSAGE_NACK_NO_SESSION);
    return false;
}

void session_batch(struct session *session, const struct wire_batch *batch, bool same_route, int64_t now_ms,
                   struct session_answer *ret_answer)
{
    if (!is_of_session(session, batch->session, same_route, ret_answer))
        return;
    session->last_seen = now_ms;
    if (batch->seq > session->high)
        session->high = batch->seq;
    if (batch->seq <= session->watermark) {
        ret_answer->verdict = SESSION_ACK;
    } else if (batch->seq > session->watermark + 1) {
        if (!session->gap_told)
            nack(ret_answer, NACK_GAP_AHEAD, session->watermark + 1, MESSAGE_NACK_BATCH_BEFORE);
        session->gap_told = true;
    } else if (memcmp(batch->chain_before, session->chain, SEAL_HASH) != 0) {
        nack(ret_answer, NACK_BAD_CHAIN, batch->seq, MESSAGE_NACK_CHAIN_BROKEN);
        session->gap_told = true;
    } else {
        ret_answer->verdict = SESSION_TAKE;
    }
}

void session_gap(struct session *session, const struct wire_gap *gap, bool same_route, int64_t now_ms,
                 struct session_answer *ret_answer)
{
    if (!is_of_session(session, gap->session, same_route, ret_answer))
        return;
    session->last_seen = now_ms;
    if (gap->from <= session->watermark) {
        ret_answer->verdict = SESSION_ACK; /* which says from where on it would be one */
    } else if (gap->from > session->watermark + 1) {
        nack(ret_answer, NACK_GAP_AHEAD, session->watermark + 1, MESSAGE_NACK_BATCH_BEFORE);
    } else if (gap->to > session->high) {
        nack(ret_answer, NACK_MALFORMED, gap->from, MESSAGE_NACK_GAP_BEYOND);
    } else {
        ret_answer->verdict = SESSION_TAKE;
    }
}

/* A search by halves, within what the collector can still show. */
static void seek(struct session *session, struct session_answer *answer)
{
    const uint64_t floor = session->low > 0 ? session->low - 1 : 0;
    if (session->differ <= floor || session->differ - session->agree <= 1) {
        session->seeking = false;
        nack(answer, NACK_BAD_CHAIN, session->differ <= floor ? floor + 1 : session->differ, MESSAGE_NACK_OTHER_CHAIN);
        return;
    }
    session->asked = session->agree < floor ? floor : session->agree + (session->differ - session->agree) / 2;
    answer->verdict = SESSION_PROVE;
    answer->first = session->asked;
}

void session_proof(struct session *session, const struct wire_proof *proof, bool is_same, bool same_route, int64_t now_ms,
                   struct session_answer *ret_answer)
{
    if (!is_of_session(session, proof->session, same_route, ret_answer))
        return;
    session->last_seen = now_ms;
    if (!session->seeking && (proof->seq != session->watermark || is_same || proof->seq == 0))
        return;
    if (session->seeking && proof->seq != session->asked)
        return;
    if (!session->seeking)
        session->agree = 0;
    if (is_same)
        session->agree = proof->seq;
    else
        session->differ = proof->seq;
    session->seeking = true;
    seek(session, ret_answer);
}

void session_skipped(struct session *session, uint64_t to, const unsigned char chain[SEAL_HASH])
{
    session->watermark = to - 1;
    session_taken(session, chain);
}

void session_taken(struct session *session, const unsigned char chain[SEAL_HASH])
{
    session->watermark++;
    memcpy(session->chain, chain, SEAL_HASH);
    session->gap_told = false;
}

void session_refused(struct session *session)
{
    session->gap_told = true;
}

void session_clock_back(struct session *session, int64_t by_ms)
{
    session->last_seen -= by_ms;
    session->held_until = session->held_until > by_ms ? session->held_until - by_ms : 0;
    for (size_t i = 0; i < SESSION_TAKEOVERS; i++)
        if (session->takeovers[i] != 0)
            session->takeovers[i] -= by_ms;
}

void session_finish(struct session *session)
{
    session->active = false;
}

uint64_t session_backlog(const struct session *session)
{
    return session->high > session->watermark ? session->high - session->watermark : 0;
}
