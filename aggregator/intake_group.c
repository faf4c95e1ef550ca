/* intake_group.c - one group: batches of many agents that become durable together, or not at all. */
#include "intake_inside.h"

enum status intake_open_group(struct intake *intake, struct fault *why)
{
    if (intake->open)
        return STATUS_OK;
    const enum status status = store_begin(intake->store, why);
    intake->open = status == STATUS_OK;
    return status;
}

static void clear_group(struct intake *intake)
{
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        peer->touched = peer->group_submitted = peer->stream_moved = false;
        peer->group_refused = 0;
        peer->turn = 0;
    }
    intake->turn_over = intake->open = intake->applied = false;
    intake->taken_count = intake->refusal_count = 0;
    intake->group_records = intake->group_bytes = 0;
}

/* Nothing of the group happened: sessions end, collectors are told to come back. */
enum status intake_abandon_group(struct intake *intake, enum status reason, struct fault *why)
{
    char detail[256] = "";
    struct fault forgetting;
    memset(&forgetting, 0, sizeof forgetting);
    if (why != NULL)
        fault_nest(why, detail, sizeof detail);
    if (intake->open)
        store_rollback(intake->store);
    checkpoints_forget(&intake->checkpoints);
    intake_note(intake, true, "group_abandoned", "", intake->taken_count, detail);
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        if (!peer->touched && !peer->owes_welcome)
            continue;
        if (peer->session.active)
            intake_nack_now(intake, peer->route, peer->route_length, peer->session.number, NACK_BUSY, detail,
                            BUSY_RETRY_MS);
        session_finish(&peer->session);
        peer->owes_ack = peer->owes_welcome = peer->nack.owed = false;
    }
    const bool applied = intake->applied;
    clear_group(intake);
    if (reason != STATUS_BROKEN &&
        store_head(intake->store, &intake->head, NULL, &intake->last_received_at, why) != STATUS_OK)
        return STATUS_BROKEN;
    if (reason != STATUS_BROKEN && applied && abacus_forget(intake->abacus, &forgetting) != STATUS_OK) {
        if (why != NULL)
            *why = forgetting;
        return STATUS_BROKEN;
    }
    return reason == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
}

enum status intake_save_pages(struct intake *intake, struct fault *why)
{
    const enum status status = abacus_save(intake->abacus, why);
    if (status == STATUS_OK) {
        intake->commits = intake->records = 0;
        intake->saved_at = intake->now_ms;
    }
    return status;
}

/* Where the peer's stream stands after the batches of the open group. */
enum status intake_save_stream(struct intake *intake, struct peer *peer, struct fault *why)
{
    const struct session *session = &peer->session;
    struct stream stream = {
        .epoch = session->epoch, .watermark = session->watermark, .last_received_at = peer->stream_moved_at};
    if (!peer->stream_moved)
        return STATUS_OK;
    memcpy(stream.agent, peer->agent, sizeof stream.agent);
    memcpy(stream.outbox, session->outbox, sizeof stream.outbox);
    memcpy(stream.chain, session->chain, SEAL_HASH);
    peer->stream_moved = false;
    return store_save_stream(intake->store, &stream, why);
}

enum status intake_save_row(struct intake *intake, struct peer *peer, struct fault *why)
{
    const enum status status = store_save_agent(intake->store, &peer->row, why);
    if (status == STATUS_OK) {
        peer->row_changed = false;
        peer->row_saved_at = intake->now_ms;
    }
    return status;
}

/* What the group says about its agents. */
static void update_rows(struct intake *intake)
{
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        if (!peer->touched)
            continue;
        if (peer->group_submitted)
            peer->row.last_submission = intake->last_received_at;
        if (!peer->refused_uncounted)
            peer->row.refused += peer->group_refused;
        peer->row.backlog = session_backlog(&peer->session);
        peer->row_changed = true;
    }
}

bool intake_row_is_due(const struct intake *intake, const struct peer *peer)
{
    return peer->row_changed && intake->now_ms - peer->row_saved_at >= ROW_MS;
}

static void remember_group(struct intake *intake)
{
    for (size_t i = 0; i < intake->taken_count; i++) {
        const struct taken *taken = &intake->taken[i];
        const char *agent = intake->peers[taken->peer].agent;
        recall_add(intake->recall, agent, taken->outbox, taken->seq, intake->refusals + taken->first_refusal,
                   taken->refusal_count);
        if (taken->refusal_count > 0)
            intake_note_message(intake, false, "records_refused", agent, taken->refusal_count,
                                MESSAGE_TOLD_TO_COLLECTOR);
    }
}

enum status intake_commit_group(struct intake *intake, uint64_t *ret_committed, struct fault *why)
{
    enum status status = STATUS_OK;
    const size_t count = intake->taken_count;
    update_rows(intake);
    if (intake->open) {
        if (count > 0 && (++intake->commits >= SAVE_COMMITS || intake->records >= SAVE_RECORDS ||
                          abacus_dirty_blocks(intake->abacus) >= SAVE_BLOCKS))
            status = intake_save_pages(intake, why);
        for (size_t i = 0; status == STATUS_OK && i < intake->peer_count; i++) {
            status = intake_save_stream(intake, &intake->peers[i], why);
            /* What is acknowledged shows in `status` at once; mere signs of life wait their second. */
            if (status == STATUS_OK &&
                (intake->peers[i].group_submitted || intake_row_is_due(intake, &intake->peers[i])))
                status = intake_save_row(intake, &intake->peers[i], why);
        }
        if (status == STATUS_OK && count > 0 &&
            checkpoints_due(&intake->checkpoints, intake->head + count, intake->now_ms))
            status = checkpoints_make(&intake->checkpoints, intake->store, intake->now_ms, why);
        if (status == STATUS_OK)
            status = incidents_save(intake->incidents, why);
        if (status == STATUS_OK)
            status = store_commit(intake->store, why);
        if (status != STATUS_OK)
            return intake_abandon_group(intake, status, why);
        incidents_kept(intake->incidents);
    }
    intake->head += count;
    if (count > 0)
        *ret_committed = intake->head;
    remember_group(intake);
    clear_group(intake);
    return intake_answer_all(intake, why);
}
