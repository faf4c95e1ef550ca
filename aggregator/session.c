/* session.c - see session.h for the picture.
 *
 * Epochs fence copies of one outbox: it grows durably at each start of a collector, so a lower one comes out of a backup.
 * Another outbox of the same agent is a new stream (the old disk died); it takes the session over. Two collectors that
 * take it from each other again and again are a mistake of the operator: the newcomer is refused until they stop. */
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
    else if (hello->high == known->watermark && memcmp(hello->chain_at_high, known->chain, SEAL_HASH) != 0)
        nack(answer, NACK_BAD_CHAIN, known->watermark, MESSAGE_NACK_OTHER_CHAIN);
    else
        return false;
    return true;
}

void session_hello(struct session *session, const struct wire_hello *hello, const struct stream *known, bool same_route,
                   int64_t now_ms, struct session_answer *ret_answer)
{
    *ret_answer = (struct session_answer){.verdict = SESSION_WELCOME};
    if (objection(hello, known, ret_answer))
        return;
    const bool other_outbox = memcmp(session->outbox, hello->outbox, sizeof session->outbox) != 0;
    if (session->active && !same_route) {
        const bool alive = now_ms - session->last_seen < SESSION_SILENT_MS;
        if (alive && other_outbox) {
            if (fighting(session, now_ms)) {
                nack(ret_answer, NACK_FENCED, 0, MESSAGE_NACK_FIGHTING);
                return;
            }
            note_takeover(session, now_ms);
        }
        ret_answer->fence_former = true;
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
    session->last_seen = now_ms;
}

void session_batch(struct session *session, const struct wire_batch *batch, bool same_route, int64_t now_ms,
                   struct session_answer *ret_answer)
{
    *ret_answer = (struct session_answer){.verdict = SESSION_IGNORE};
    if (!session->active || session->number != batch->session) {
        if (session->active && !same_route)
            nack(ret_answer, NACK_FENCED, 0, MESSAGE_NACK_OTHER_SESSION);
        else
            nack(ret_answer, NACK_UNKNOWN_OUTBOX, 0, MESSAGE_NACK_NO_SESSION);
        return;
    }
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
