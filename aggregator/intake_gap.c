/* intake_gap.c - batches that a collector no longer holds, and the search for where two histories of an outbox part. */
#include "intake_inside.h"

#include <inttypes.h>

/* Everything but the commit: what is missing is written down, and the stream goes on behind it. */
static enum status take_gap(struct intake *intake, struct peer *peer, const struct wire_gap *gap, struct fault *why)
{
    struct gap missing = {.kind = GAP_KIND, .from = gap->from, .to = gap->to, .noted_at = intake->now_ms};
    struct fault refused = {0};
    char detail[MESSAGE_NESTED], outbox[33];
    memcpy(missing.agent, peer->agent, sizeof missing.agent);
    memcpy(missing.outbox, peer->session.outbox, sizeof missing.outbox);
    memcpy(missing.chain, gap->chain_after, SEAL_HASH);
    enum status status = intake_open_group(intake, why);
    if (status == STATUS_OK && peer->session.watermark == 0)
        status = intake_note_other_outbox(intake, peer, why);
    if (status == STATUS_OK)
        status = gap_note(intake->store, &missing, &refused);
    if (status == STATUS_REFUSED) {
        fault_nest(&refused, detail, sizeof detail);
        session_refused(&peer->session);
        intake_owe_nack(peer, gap->session, NACK_MALFORMED, gap->from, detail);
        intake_note(intake, true, "gap_refused", peer->agent, gap->from, detail);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        if (why != NULL && refused.message != MESSAGE_NONE)
            *why = refused;
        return status;
    }
    session_skipped(&peer->session, gap->to, gap->chain_after);
    peer->stream_moved = true;
    peer->stream_moved_at = intake->now_ms;
    peer->owes_ack = true;
    intake_name_outbox(peer->session.outbox, outbox);
    (void)snprintf(detail, sizeof detail, "from=%" PRIu64 " to=%" PRIu64 " outbox=%s reason=%.128s", gap->from, gap->to,
                   outbox, gap->reason);
    intake_raise_incident(intake, peer, INCIDENT_BATCHES_MISSING, detail);
    intake_note(intake, true, "batches_missing", peer->agent, gap->from, detail);
    return STATUS_OK;
}

enum status intake_on_gap(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                          const struct wire_gap *gap, struct fault *why)
{
    struct session_answer verdict;
    session_gap(&peer->session, gap, intake_is_route(route, route_length, peer->route, peer->route_length),
                intake->now_ms, &verdict);
    if (verdict.verdict == SESSION_TAKE && gap->to > GAP_SEQ_MOST)
        verdict = (struct session_answer){SESSION_NACK, .code = NACK_MALFORMED, .first = gap->from,
                                          .detail = MESSAGE_NACK_GAP_BEYOND};
    intake_note_verdict(intake, peer, route, route_length, gap->session, &verdict);
    return verdict.verdict == SESSION_TAKE ? take_gap(intake, peer, gap, why) : STATUS_OK;
}

/* Two histories of one outbox: where they part is looked for, one question at a time. */
enum status intake_on_proof(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_proof *proof, struct fault *why)
{
    struct session_answer verdict;
    unsigned char chain[SEAL_HASH];
    bool found = false;
    char detail[128];
    const enum status status =
        store_chain_at(intake->store, peer->agent, peer->session.outbox, proof->seq, chain, &found, why);
    if (status != STATUS_OK)
        return status;
    session_proof(&peer->session, proof, found && memcmp(chain, proof->chain, SEAL_HASH) == 0,
                  intake_is_route(route, route_length, peer->route, peer->route_length), intake->now_ms, &verdict);
    intake_note_verdict(intake, peer, route, route_length, proof->session, &verdict);
    if (verdict.verdict == SESSION_PROVE) {
        const struct wire_message question = {.kind = WIRE_PROVE,
                                              .proof = {.session = proof->session, .seq = verdict.first}};
        (void)intake_send_to(intake, route, route_length, &question);
    } else if (verdict.verdict == SESSION_NACK && verdict.code == NACK_BAD_CHAIN) {
        (void)snprintf(detail, sizeof detail, "from=%" PRIu64 " to=%" PRIu64, verdict.first, peer->session.watermark);
        intake_raise_incident(intake, peer, INCIDENT_OUTBOX_FORKED, detail);
        intake_note(intake, true, "outbox_forked", peer->agent, verdict.first, detail);
    }
    return STATUS_OK;
}
