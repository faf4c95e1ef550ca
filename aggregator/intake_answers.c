/* intake_answers.c - what the agents are told: WELCOME, ACK and NACK, noted while a group is open and sent after its
 * commit, with their share of the credit and the checkpoint they witness. */
#include "intake_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

enum sent intake_send_to(const struct intake *intake, const unsigned char *route, size_t route_length,
                         const struct wire_message *message)
{
    unsigned char *bytes = NULL;
    size_t length;
    enum sent sent = SENT;
    if (zmq_send(intake->router, route, route_length, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
        sent = zmq_errno() == EAGAIN ? SENT_LATER : SENT_NEVER;
    } else {
        wire_encode(message, &bytes, &length);
        if (zmq_send(intake->router, bytes, length, ZMQ_DONTWAIT) < 0)
            sent = zmq_errno() == EAGAIN ? SENT_LATER : SENT_NEVER;
    }
    free(bytes);
    return sent;
}

/* At once, to whoever sent; for answers that tell no watermark. A lost one is asked for again by the collector. */
void intake_nack_now(struct intake *intake, const unsigned char *route, size_t route_length, uint64_t session,
                     enum wire_nack code, const char *detail, uint32_t retry_after_ms)
{
    struct wire_message message = {.kind = WIRE_NACK};
    message.nack.session = session;
    message.nack.code = code;
    message.nack.retry_after_ms = retry_after_ms;
    (void)snprintf(message.nack.detail, sizeof message.nack.detail, "%s", detail);
    (void)intake_send_to(intake, route, route_length, &message);
}

static const char *const protocol[4] = {"1", NULL, NULL, NULL};

/* Why, as a sentence that the collector says in its own language. */
const char *intake_nack_reason(enum message message, char ret_text[MESSAGE_NESTED])
{
    message_nest(message, message == MESSAGE_NACK_SPEAKS ? protocol : NULL, ret_text, MESSAGE_NESTED);
    return ret_text;
}

void intake_owe_nack(struct peer *peer, uint64_t session, enum wire_nack code, uint64_t first, const char *detail)
{
    if (peer->nack.owed && peer->nack.session == session)
        return; /* the first one says where to go back to */
    peer->nack = (struct owed_nack){.owed = true, .code = code, .session = session, .first = first};
    (void)snprintf(peer->nack.detail, sizeof peer->nack.detail, "%s", detail);
}

/* What an agent may have in flight, as large batches: all of them together stay within the memory meant for it. */
static size_t share_of_credit(const struct intake *intake)
{
    size_t active = 0;
    for (size_t i = 0; i < intake->peer_count; i++)
        active += intake->peers[i].session.active;
    const size_t share = active == 0 || CREDIT_ALL / active > CREDIT_MOST ? CREDIT_MOST : CREDIT_ALL / active;
    return share >> intake->halvings < 1 ? 1 : share >> intake->halvings;
}

/* What waits for a slow disk only fills memory here, and its collector may give up waiting and send it again. Small
 * batches are not held back: they take no memory to speak of, and one sync is for all of them. Between slow and brisk the disk
 * may be as quick as it ever is, and each moment of trouble would leave less for good: then it is tried now and then. */
void intake_took(struct intake *intake, int64_t ms)
{
    const bool is_slow = ms >= SLOW_MS;
    intake->groups_in_time = is_slow || intake->halvings == 0 ? 0 : intake->groups_in_time + 1;
    if (is_slow && intake->halvings < SLOW_HALVINGS) {
        intake->halvings++;
    } else if (intake->halvings > 0 && (ms < BRISK_MS || intake->groups_in_time >= CALM_GROUPS)) {
        intake->halvings--;
        intake->groups_in_time = 0;
    }
}

/* The same in batches of the size it sends: the disk is waited for once a group, so many small ones have to be under
 * way together to be as quick as a few large ones. */
static uint32_t credit(const struct peer *peer, size_t share)
{
    if (peer->usual_bytes == 0)
        return (uint32_t)share;
    const size_t count = share * LIMIT_BATCH_BYTES / peer->usual_bytes;
    const size_t most = peer->sends_runs ? CREDIT_RUNS : CREDIT_SMALL;
    return (uint32_t)(count < share ? share : count > most ? most : count);
}

void intake_lose_peer(struct peer *peer)
{
    session_finish(&peer->session);
    peer->owes_ack = peer->owes_welcome = peer->nack.owed = false;
    peer->row.connected = false;
    peer->row_changed = true;
}

/* True when it is out of the way: sent, or nobody is there any more. */
static bool answer(struct intake *intake, struct peer *peer, const struct wire_message *message)
{
    switch (intake_send_to(intake, peer->route, peer->route_length, message)) {
    case SENT:
        return true;
    case SENT_LATER:
        intake->owing = true;
        return false;
    case SENT_NEVER:
        intake_lose_peer(peer);
        return false;
    }
    return false;
}

/* What the agent may forget of its outbox. */
static enum status know_backed(struct intake *intake, struct peer *peer, struct fault *why)
{
    enum status status = STATUS_OK;
    if (peer->backed_known)
        return STATUS_OK;
    peer->backed = 0;
    if (intake->backed > 0)
        status = store_batch_at(intake->store, peer->agent, peer->session.outbox, intake->backed, &peer->backed, why);
    peer->backed_known = status == STATUS_OK;
    return status;
}

void intake_backed(struct intake *intake, uint64_t entry)
{
    if (entry <= intake->backed)
        return;
    intake->backed = entry;
    intake->owing = true; /* soon */
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        peer->backed_known = false;
        peer->owes_ack = peer->owes_ack || peer->session.active;
    }
}

/* What a witness is told: the head of the ledger, and what the ledger has where the witness last looked. */
struct told {
    uint64_t entry;
    char earlier[CHECKPOINT_TEXT];
};

static enum status tell_witness(struct intake *intake, const struct peer *peer, struct told *ret_told,
                                struct fault *why)
{
    const enum status status = checkpoints_tell_head(&intake->checkpoints, intake->store, intake->now_ms, why);
    ret_told->entry = intake->checkpoints.told;
    ret_told->earlier[0] = '\0';
    return status == STATUS_OK && peer->kept != 0 ? checkpoints_tell(&intake->checkpoints, intake->store, peer->kept,
                                                                     intake->now_ms, ret_told->earlier, why)
                                                  : status;
}

static enum status answer_welcome(struct intake *intake, struct peer *peer, uint32_t allowed, struct fault *why)
{
    struct wire_message message = {.kind = WIRE_WELCOME};
    struct wire_welcome *welcome = &message.welcome;
    struct told told;
    const enum status status = tell_witness(intake, peer, &told, why);
    if (status != STATUS_OK)
        return status;
    welcome->session = peer->session.number;
    welcome->protocol = WIRE_VERSION;
    memcpy(welcome->generation, intake->generation, sizeof welcome->generation);
    welcome->watermark = peer->session.watermark;
    memcpy(welcome->chain_at_watermark, peer->session.chain, SEAL_HASH);
    welcome->backup_watermark = peer->backed;
    welcome->credit = allowed;
    welcome->server_time = intake->now_ms;
    welcome->checkpoint = (const unsigned char *)intake->checkpoints.text;
    welcome->checkpoint_length = strlen(intake->checkpoints.text);
    welcome->run_batches = WIRE_RUN_BATCHES;
    welcome->earlier = (const unsigned char *)told.earlier;
    welcome->earlier_length = strlen(told.earlier);
    if (answer(intake, peer, &message)) {
        peer->owes_welcome = false;
        peer->kept = told.entry;
    }
    return STATUS_OK;
}

/* The acknowledgement that brings a session up to date tells the witness how the ledger goes on; under load seldom,
 * since two signatures cost more than a small batch. */
static bool witness_is_due(const struct intake *intake, const struct peer *peer)
{
    return peer->session.watermark >= peer->session.high &&
           (peer->witness_at == 0 || intake->now_ms >= peer->witness_at ||
            peer->witness_at > intake->now_ms + WITNESS_MS);
}

/* Refusals of more than one batch may not fit into one ACK; those that go ahead acknowledge nothing. */
static enum status answer_ack(struct intake *intake, struct peer *peer, uint32_t allowed, struct fault *why)
{
    struct session *session = &peer->session;
    struct wire_message message = {.kind = WIRE_ACK};
    struct wire_ack *ack = &message.ack;
    const struct wire_refusal *refusals = NULL;
    struct told told = {.entry = 0};
    const bool is_witness_due = witness_is_due(intake, peer);
    size_t count = 0;
    enum status status = is_witness_due ? tell_witness(intake, peer, &told, why) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (session->told < session->watermark) {
        status = recall_after(intake->recall, intake->store, peer->agent, session->outbox, session->told,
                              session->watermark, &refusals, &count, why);
        if (status != STATUS_OK)
            return status;
    }
    if (peer->refused_uncounted && count > 0) {
        peer->row.refused += count;
        peer->row_changed = true;
    }
    peer->refused_uncounted = false;
    ack->session = session->number;
    ack->backup_watermark = peer->backed;
    memcpy(ack->generation, intake->generation, sizeof ack->generation);
    ack->credit = allowed;
    while (count > WIRE_ACK_REFUSALS) {
        ack->refusals = refusals;
        ack->refusal_count = WIRE_ACK_REFUSALS;
        if (!answer(intake, peer, &message))
            return STATUS_OK;
        refusals += WIRE_ACK_REFUSALS;
        count -= WIRE_ACK_REFUSALS;
    }
    ack->watermark = session->watermark;
    memcpy(ack->chain_at_watermark, session->chain, SEAL_HASH);
    ack->refusals = refusals;
    ack->refusal_count = count;
    if (is_witness_due) {
        ack->checkpoint = (const unsigned char *)intake->checkpoints.text;
        ack->checkpoint_length = strlen(intake->checkpoints.text);
        ack->earlier = (const unsigned char *)told.earlier;
        ack->earlier_length = strlen(told.earlier);
    }
    if (answer(intake, peer, &message)) {
        peer->owes_ack = false;
        session->told = session->watermark;
        if (is_witness_due) {
            peer->kept = told.entry;
            peer->witness_at = intake->now_ms + WITNESS_MS;
        }
    }
    return STATUS_OK;
}

static void answer_nack(struct intake *intake, struct peer *peer)
{
    struct wire_message message = {.kind = WIRE_NACK};
    message.nack.session = peer->nack.session;
    message.nack.code = peer->nack.code;
    message.nack.first = peer->nack.first;
    message.nack.retry_after_ms = peer->nack.retry_after_ms;
    memcpy(message.nack.detail, peer->nack.detail, sizeof message.nack.detail);
    if (answer(intake, peer, &message))
        peer->nack.owed = false;
}

/* After the commit. */
enum status intake_answer_all(struct intake *intake, struct fault *why)
{
    const size_t share = share_of_credit(intake);
    intake->owing = false;
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        const uint32_t allowed = credit(peer, share);
        enum status status = peer->owes_welcome || peer->owes_ack ? know_backed(intake, peer, why) : STATUS_OK;
        if (status == STATUS_OK && peer->owes_welcome)
            status = answer_welcome(intake, peer, allowed, why);
        if (status == STATUS_OK && peer->owes_ack && !peer->owes_welcome)
            status = answer_ack(intake, peer, allowed, why);
        if (status != STATUS_OK)
            return status;
        if (peer->nack.owed)
            answer_nack(intake, peer);
    }
    return STATUS_OK;
}
