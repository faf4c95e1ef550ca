/* intake.c - one pass: take what waits on the socket, some INTAKE_GROUP batches; commit them together; then answer.
 *
 *   socket ──> whose? ──> session_hello / session_batch ──> signature ──> abacus, ledger, stream ──> COMMIT ──> answers
 *
 * Nothing that tells a watermark leaves before the commit: answers are noted at the peer and sent afterwards. A group
 * that cannot be committed is rolled back, every session it touched ends, and its collectors are asked to come back
 * later; they start again from what the store says. ZeroMQ takes messages from its peers in turn. A pass ends when one of
 * them had TURN messages: by then the others had as many or have no more, and should not wait for their answers while
 * that one goes on and on. While a group is small commits are frequent, while the disk is slow groups grow: that is all
 * the tuning there is. */
#include "intake_inside.h"

#include <stdlib.h>
#include <zmq.h>

/* ---- one message
 * ------------------------------------------------------------------------------------------------------------ */

/* Who sent it: by its key, never by its route. Without CURVE by what its HELLO said on this connection. */
static struct peer *whose(const struct intake *intake, const char *user, const struct wire_message *message,
                          const unsigned char *route, size_t route_length)
{
    if (intake->security == SECURITY_CURVE)
        return user == NULL || user[0] == '\0' ? NULL : intake_find_peer(intake, user);
    return message->kind == WIRE_HELLO ? intake_find_peer(intake, message->hello.agent)
                                       : intake_peer_on_route(intake, route, route_length);
}

static uint64_t session_of(const struct wire_message *message)
{
    return message->kind == WIRE_HELLO   ? message->hello.session
           : message->kind == WIRE_BATCH ? message->batch.session
           : message->kind == WIRE_RUN   ? message->run.session
           : message->kind == WIRE_GAP   ? message->gap.session
           : message->kind == WIRE_PROOF ? message->proof.session
                                         : 0;
}

static enum status dispatch(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_message *message, struct fault *why)
{
    peer->touched = true;
    intake->turn_over = ++peer->turn >= TURN || intake->turn_over;
    peer->row.last_seen = intake->now_ms;
    switch (message->kind) {
    case WIRE_HELLO:
        return intake_on_hello(intake, peer, route, route_length, &message->hello, why);
    case WIRE_BATCH:
        return intake_on_batch(intake, peer, route, route_length, &message->batch, why);
    case WIRE_RUN:
        return intake_on_run(intake, peer, route, route_length, &message->run, why);
    case WIRE_BYE:
        if (peer->route_length == route_length && memcmp(peer->route, route, route_length) == 0) {
            intake_note(intake, false, "agent_left", peer->agent, session_backlog(&peer->session), "");
            intake_lose_peer(peer);
        }
        return STATUS_OK;
    case WIRE_GAP:
        return intake_on_gap(intake, peer, route, route_length, &message->gap, why);
    case WIRE_PROOF:
        return intake_on_proof(intake, peer, route, route_length, &message->proof, why);
    case WIRE_WELCOME:
    case WIRE_ACK:
    case WIRE_NACK:
    case WIRE_PROVE:
    case WIRE_QUESTION:
    case WIRE_ANSWER:
    case WIRE_ROLLUP:
    case WIRE_ALERT:
        intake_note(intake, true, "message_ignored", peer->agent, 0, wire_kind_name(message->kind));
        return STATUS_OK;
    }
    return STATUS_OK;
}

static enum status on_payload(struct intake *intake, const unsigned char *route, size_t route_length,
                              zmq_msg_t *payload, struct fault *why)
{
    struct wire_message message = {0};
    struct fault malformed;
    enum status status = STATUS_OK;
    char detail[256];
    /* Metadata of the payload frame: libzmq 4.3.4 loses it on the route's. */
    const char *user = intake->security == SECURITY_CURVE ? zmq_msg_gets(payload, "User-Id") : NULL;
    const char *address = zmq_msg_gets(payload, "Peer-Address");
    intake->address = address == NULL ? "" : address;
    memset(&malformed, 0, sizeof malformed);
    if (wire_decode(zmq_msg_data(payload), zmq_msg_size(payload), LIMIT_MESSAGE_BYTES, &message, &malformed) !=
        STATUS_OK) {
        fault_nest(&malformed, detail, sizeof detail);
        intake_note(intake, true, "malformed_message", user == NULL ? "" : user, 0, detail);
        goto done;
    }
    struct peer *peer = whose(intake, user, &message, route, route_length);
    if (peer == NULL || peer->key_count == 0) {
        intake_nack_now(intake, route, route_length, session_of(&message), NACK_REVOKED,
                        intake_nack_reason(MESSAGE_NACK_NO_KEY, detail), 0);
        intake_note_message(intake, true, peer == NULL ? "unknown_agent" : "agent_revoked", user == NULL ? "" : user, 0,
                            MESSAGE_NOTHING_TAKEN);
        if (peer != NULL)
            intake_lose_peer(peer);
        goto done;
    }
    status = dispatch(intake, peer, route, route_length, &message, why);
done:
    intake->address = "";
    wire_release(&message);
    return status;
}

/* The rest of a message with too many parts is read and thrown away; its sender has to start anew. */
static void drain(struct intake *intake, zmq_msg_t *payload)
{
    const char *user = zmq_msg_gets(payload, "User-Id");
    struct peer *peer = user == NULL ? NULL : intake_find_peer(intake, user);
    uint64_t parts = 1;
    while (zmq_msg_more(payload) && zmq_msg_recv(payload, intake->router, ZMQ_DONTWAIT) >= 0)
        parts++;
    intake_note(intake, true, "multipart_message", peer == NULL ? "" : peer->agent, parts, "");
    if (peer != NULL)
        session_finish(&peer->session);
}

/* *ret_more is false when nothing waits. */
static enum status receive(struct intake *intake, bool *ret_more, struct fault *why)
{
    enum status status = STATUS_OK;
    zmq_msg_t route, payload;
    zmq_msg_init(&route);
    zmq_msg_init(&payload);
    *ret_more = zmq_msg_recv(&route, intake->router, ZMQ_DONTWAIT) >= 0;
    if (!*ret_more || !zmq_msg_more(&route) || zmq_msg_recv(&payload, intake->router, ZMQ_DONTWAIT) < 0)
        goto done;
    if (intake->porter != NULL)
        porter_heard(intake->porter, zmq_msg_get(&payload, ZMQ_SRCFD));
    const unsigned char *name = zmq_msg_data(&route);
    const size_t length = zmq_msg_size(&route);
    if (zmq_msg_more(&payload))
        drain(intake, &payload);
    else if (length == 0 || length > ROUTE_MOST || name[0] != 0)
        intake_note(intake, true, "route_chosen_by_peer", "", 0, "");
    else
        status = on_payload(intake, name, length, &payload, why);
done:
    zmq_msg_close(&payload);
    zmq_msg_close(&route);
    return status;
}

/* ---- time
 * ------------------------------------------------------------------------------------------------------------------ */

/* What the store knew before this process. */
static enum status prime(struct intake *intake, struct fault *why)
{
    struct agent_row *rows = NULL;
    size_t count = 0;
    unsigned char hash[SEAL_HASH];
    struct backup_mark backup;
    bool found = false;
    enum status status = store_generation(intake->store, intake->generation, why);
    if (status == STATUS_OK && intake->restores.items == NULL)
        status = registry_restores(intake->store, &intake->restores, why);
    if (status == STATUS_OK)
        status = store_backup(intake->store, &found, &backup, why);
    if (status == STATUS_OK && found && backup.entry > intake->backed)
        intake->backed = backup.entry;
    if (status == STATUS_OK)
        status = store_head(intake->store, &intake->head, hash, &intake->last_received_at, why);
    if (status == STATUS_OK)
        status = store_catalogues(intake->store, &intake->catalogues, &intake->catalogue_count, why);
    if (status == STATUS_OK)
        status = store_agents(intake->store, &rows, &count, why);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        struct peer *peer = intake_find_peer(intake, rows[i].agent);
        if (peer == NULL)
            continue;
        peer->row = rows[i];
        peer->row_changed = peer->row.connected;
        peer->row.connected = false;
    }
    free(rows);
    intake->saved_at = intake->worked_at = intake->now_ms;
    intake->primed = true;
    return STATUS_OK;
}

static void look_for_silence(struct intake *intake)
{
    if (intake->now_ms < intake->silence_at)
        return;
    intake->silence_at = intake->now_ms + SILENCE_MS;
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        if (peer->row.connected && intake->now_ms - peer->row.last_seen > SESSION_SILENT_MS) {
            intake_note(intake, true, "agent_silent", peer->agent, session_backlog(&peer->session), "");
            intake_lose_peer(peer);
        }
    }
}

static bool any_row_due(const struct intake *intake)
{
    for (size_t i = 0; i < intake->peer_count; i++)
        if (intake_row_is_due(intake, &intake->peers[i]))
            return true;
    return false;
}

/* Rows and, in quiet times, pages; a transaction of their own. A full disk is no news here: it is tried again. */
static enum status keep_house(struct intake *intake, bool all, struct fault *why)
{
    const bool pages = abacus_dirty_blocks(intake->abacus) > 0 &&
                       (all || intake->now_ms - intake->worked_at >= SAVE_IDLE_MS) &&
                       (all || intake->now_ms - intake->saved_at >= SAVE_IDLE_MS);
    const bool checkpoint = all || checkpoints_due(&intake->checkpoints, intake->head, intake->now_ms);
    if (!pages && !checkpoint && !incidents_wait(intake->incidents) && !any_row_due(intake))
        return STATUS_OK;
    enum status status = store_begin(intake->store, why);
    if (status != STATUS_OK)
        return status;
    if (pages)
        status = intake_save_pages(intake, why);
    for (size_t i = 0; status == STATUS_OK && i < intake->peer_count; i++)
        if (intake_row_is_due(intake, &intake->peers[i]) || (all && intake->peers[i].row_changed))
            status = intake_save_row(intake, &intake->peers[i], why);
    if (status == STATUS_OK && checkpoint)
        status = checkpoints_make(&intake->checkpoints, intake->store, intake->now_ms, why);
    if (status == STATUS_OK)
        status = incidents_save(intake->incidents, why);
    if (status == STATUS_OK)
        status = store_commit(intake->store, why);
    if (status == STATUS_OK) {
        incidents_kept(intake->incidents);
    } else {
        store_rollback(intake->store);
        checkpoints_forget(&intake->checkpoints);
    }
    return status;
}

static bool pass_is_over(const struct intake *intake)
{
    return intake->turn_over || intake->taken_count >= INTAKE_GROUP || intake->group_records >= GROUP_RECORDS ||
           intake->group_bytes >= GROUP_BYTES;
}

/* A clock that was set back must not keep what is due waiting until it has caught up, which may be years. */
static void heed_clock(struct intake *intake, int64_t now_ms)
{
    const int64_t back = intake->now_ms - now_ms;
    intake->now_ms = now_ms;
    if (back <= 0)
        return;
    intake->silence_at -= back;
    intake->saved_at -= back;
    intake->worked_at -= back;
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        peer->row_saved_at -= back;
        peer->row.last_seen = peer->row.last_seen > now_ms ? now_ms : peer->row.last_seen;
        if (__builtin_add_overflow(peer->row.clock_skew_ms, back, &peer->row.clock_skew_ms))
            peer->row.clock_skew_ms = INT64_MAX;
        session_clock_back(&peer->session, back);
    }
}

enum status intake_work(struct intake *intake, int64_t now_ms, uint64_t *ret_committed, struct fault *why)
{
    bool more = true;
    enum status status = STATUS_OK;
    heed_clock(intake, now_ms);
    *ret_committed = 0;
    if (!intake->primed)
        status = prime(intake, why);
    if (status == STATUS_OK)
        status = checkpoints_load(&intake->checkpoints, intake->store, now_ms, why);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; status == STATUS_OK && more && i < MESSAGES_A_PASS && !pass_is_over(intake); i++)
        status = receive(intake, &more, why);
    if (status != STATUS_OK) {
        status = intake_abandon_group(intake, status, why);
    } else {
        if (intake->taken_count > 0)
            intake->worked_at = now_ms;
        status = intake_commit_group(intake, ret_committed, why);
    }
    if (status == STATUS_BROKEN)
        return status;
    look_for_silence(intake);
    status = keep_house(intake, false, why);
    return status == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
}

int64_t intake_due(const struct intake *intake)
{
    int64_t due = intake->silence_at;
    if (intake->owing && intake->now_ms + OWED_MS < due)
        due = intake->now_ms + OWED_MS;
    for (size_t i = 0; i < intake->peer_count; i++)
        if (intake->peers[i].row_changed && intake->peers[i].row_saved_at + ROW_MS < due)
            due = intake->peers[i].row_saved_at + ROW_MS;
    return due;
}

enum status intake_finish(struct intake *intake, int64_t now_ms, struct fault *why)
{
    intake->now_ms = now_ms;
    const enum status status = checkpoints_load(&intake->checkpoints, intake->store, now_ms, why);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < intake->peer_count; i++)
        if (intake->peers[i].row.connected)
            intake_lose_peer(&intake->peers[i]);
    return keep_house(intake, true, why);
}
