/* intake.c - one pass: take what waits on the socket, some INTAKE_GROUP batches; commit them together; then answer.
 *
 *   socket ──> whose? ──> session_hello / session_batch ──> signature ──> abacus, ledger, stream ──> COMMIT ──> answers
 *
 * Nothing that tells a watermark leaves before the commit: answers are noted at the peer and sent afterwards. A group that
 * cannot be committed is rolled back, every session it touched ends, and its collectors are asked to come back later;
 * they start again from what the store says. ZeroMQ takes messages from its peers in turn, so a group is fair as it comes.
 * While a group is small commits are frequent, while the disk is slow groups grow: that is all the tuning there is. */
#include "intake.h"

#include "calendar.h"
#include "gaps.h"
#include "incidents.h"
#include "limit.h"
#include "memory.h"
#include "recall.h"
#include "registry.h"
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    MESSAGES_A_PASS = 2048,  /* of any kind, so that nobody starves the answers */
    ROUTE_MOST = 255,
    CREDIT_MOST = 16,        /* large batches in flight an agent ... */
    CREDIT_ALL = 256,        /* ... and all together: 64 MiB of LIMIT_BATCH_BYTES */
    CREDIT_SMALL = 60,       /* small ones an agent, one a message: below the 64 that a connection queues (link.c) ... */
    CREDIT_RUNS = 2 * WIRE_RUN_BATCHES, /* ... or many a message: one run under way while another is committed */
    GROUP_RECORDS = 32 * LIMIT_BATCH_RECORDS, /* a group this large is committed: about 20 ms of work */
    GROUP_BYTES = 4 << 20,
    BUSY_RETRY_MS = 2000,
    ROW_MS = 1000,           /* an agent's row is written at most so often */
    SILENCE_MS = 5000,       /* how often silence is looked for */
    OWED_MS = 50,            /* an answer that found a full pipe */
    SAVE_COMMITS = 256,      /* pages are saved after so many commits, ... */
    SAVE_RECORDS = 1 << 20,  /* ... so many records (a killed program replays them in about 0.1 s), ... */
    SAVE_BLOCKS = 16384,     /* ... with so many changed blocks (saving them takes about 0.1 s), ... */
    SAVE_IDLE_MS = 30000,    /* ... or when nothing happened for so long */
    SKEW_MS = 300000,        /* a clock this far off is worth a word, ... */
    SKEW_FLAG_MS = 86400000, /* ... this far an alert */
    AHEAD_MS = 3600000,      /* our own clock must have been ahead by so much to be believed again at an earlier time */
    WAIT_RETRY_MS = 60000,   /* batches under a catalogue that is not loaded yet */
    ADDRESS = 64,
    WITNESS_MS = 60000,      /* an acknowledgement carries a checkpoint at most so often */
    EVENTS = 64,
};

/* An answer that waits for the commit. */
struct owed_nack {
    bool owed;
    enum wire_nack code;
    uint64_t session, first;
    uint32_t retry_after_ms;
    char detail[256];
};

struct peer {                /* one agent */
    char agent[65];
    uint32_t scope;
    unsigned char keys[AGENT_KEYS_MOST][SEAL_PUBLIC]; /* active ones */
    size_t key_count;        /* 0: revoked */
    struct session session;
    unsigned char route[ROUTE_MOST];
    size_t route_length;
    char address[ADDRESS];   /* of the connection, as far as the transport tells */
    unsigned char last_outbox[16]; /* of its HELLOs */
    uint64_t former_backlog; /* when that one was new: what the outbox before it was known to hold beyond its watermark */
    unsigned char fenced_route[ROUTE_MOST]; /* over which the session was lost to another collector */
    size_t fenced_length;
    bool touched;            /* in this group */
    bool owes_welcome, owes_ack;
    struct owed_nack nack;
    struct agent_row row;
    bool row_changed;
    int64_t row_saved_at;
    bool refused_uncounted;  /* the next ACK carries refusals that are not in row.refused yet */
    uint64_t group_refused;  /* refused in the open group */
    bool stream_moved;       /* in the open group; saved once, before the commit */
    int64_t stream_moved_at;
    uint32_t usual_bytes;    /* of its batches lately; 0: not known */
    bool backed_known;
    uint64_t backed;         /* batches of the session's outbox up to here are in a verified backup */
    bool sends_runs;
    bool group_submitted;
    uint64_t kept;           /* entry of the checkpoint it was told last, or says that it keeps; 0: none */
    int64_t witness_at;      /* the next acknowledgement with a checkpoint not before; 0: at once */
    bool catalogue_judged;   /* in this session: its batches can be understood */
};

struct taken {               /* a batch of the open group */
    uint32_t peer;
    unsigned char outbox[16];
    uint64_t seq;
    size_t first_refusal, refusal_count;
};

struct intake {
    void *router;
    const struct catalogue *catalogue;
    struct store *store;
    struct abacus *abacus;
    enum security security;
    struct peer *peers;      /* by agent */
    size_t peer_count;
    struct recall *recall;
    struct incidents *incidents;
    const char *address;     /* of the message that is looked at */
    struct checkpoints checkpoints;
    struct porter *porter;       /* NULL: none */
    struct batch *batch, *ahead; /* memory of the decoder; of the batch after it in a run */

    bool primed;
    struct catalogue_row *catalogues; /* that were ever in force */
    size_t catalogue_count;
    unsigned char generation[16];
    uint64_t head;           /* newest committed entry */
    uint64_t backed;         /* newest entry of a verified backup, 0: none */
    int64_t last_received_at;

    bool open;               /* a transaction is open */
    bool applied;            /* the abacus is ahead of the disk */
    struct taken taken[INTAKE_GROUP + WIRE_RUN_BATCHES];
    size_t taken_count;
    struct refusal *refusals; /* of the group */
    size_t refusal_count, refusal_capacity;
    size_t group_records, group_bytes;

    size_t commits, records; /* since the pages were saved */
    int64_t saved_at, worked_at, silence_at;
    int64_t now_ms;
    bool owing;              /* some answer found a full pipe */

    struct intake_event events[EVENTS];
    size_t event_first, event_count;
};

/* ---- peers ----------------------------------------------------------------------------------------------------------- */

static int by_agent(const void *one, const void *other)
{
    return strcmp(((const struct peer *)one)->agent, ((const struct peer *)other)->agent);
}

static struct peer *find_peer(const struct intake *intake, const char *agent)
{
    struct peer wanted;
    const int length = snprintf(wanted.agent, sizeof wanted.agent, "%s", agent);
    if (length < 0 || (size_t)length >= sizeof wanted.agent || intake->peer_count == 0)
        return NULL;
    return bsearch(&wanted, intake->peers, intake->peer_count, sizeof *intake->peers, by_agent);
}

static struct peer *peer_on_route(const struct intake *intake, const unsigned char *route, size_t length)
{
    for (size_t i = 0; i < intake->peer_count; i++)
        if (intake->peers[i].route_length == length && memcmp(intake->peers[i].route, route, length) == 0)
            return &intake->peers[i];
    return NULL;
}

static struct peer *find_or_add_peer(struct intake *intake, size_t *capacity, const char *agent)
{
    for (size_t i = 0; i < intake->peer_count; i++) /* not sorted while they are being added */
        if (strcmp(intake->peers[i].agent, agent) == 0)
            return &intake->peers[i];
    intake->peers = memory_grow(intake->peers, capacity, intake->peer_count + 1, sizeof *intake->peers);
    struct peer *peer = &intake->peers[intake->peer_count++];
    memset(peer, 0, sizeof *peer);
    (void)snprintf(peer->agent, sizeof peer->agent, "%s", agent);
    (void)snprintf(peer->row.agent, sizeof peer->row.agent, "%s", agent);
    return peer;
}

void intake_agents(struct intake *intake, const struct agent *agents, size_t agent_count)
{
    size_t capacity = intake->peer_count;
    intake->checkpoints.knows_registry = false;
    for (size_t i = 0; i < intake->peer_count; i++)
        intake->peers[i].key_count = 0; /* who no longer stands in the table is out */
    for (size_t i = 0; i < agent_count; i++) {
        struct peer *peer = find_or_add_peer(intake, &capacity, agents[i].code);
        peer->scope = catalogue_unit(intake->catalogue, agents[i].scope);
        if (agents[i].status == AGENT_ACTIVE && peer->key_count < AGENT_KEYS_MOST && peer->scope != NO_INDEX)
            memcpy(peer->keys[peer->key_count++], agents[i].key.sign, SEAL_PUBLIC);
    }
    if (intake->peer_count > 0)
        qsort(intake->peers, intake->peer_count, sizeof *intake->peers, by_agent);
}

struct intake *intake_new(void *router, const struct catalogue *catalogue, struct store *store, struct abacus *abacus,
                          enum security security, const struct agent *agents, size_t agent_count)
{
    struct intake *intake = memory_new(struct intake);
    intake->router = router;
    intake->catalogue = catalogue;
    intake->store = store;
    intake->abacus = abacus;
    intake->security = security;
    intake->recall = recall_new();
    intake->incidents = incidents_new(store);
    intake_agents(intake, agents, agent_count);
    return intake;
}

void intake_sign(struct intake *intake, const struct secret_key *key)
{
    intake->checkpoints.key = key;
}

void intake_tell(struct intake *intake, struct porter *porter)
{
    intake->porter = porter;
}

void intake_free(struct intake **intake)
{
    struct intake *old = *intake;
    *intake = NULL;
    if (old == NULL)
        return;
    recall_free(&old->recall);
    incidents_free(&old->incidents);
    batch_free(&old->batch);
    batch_free(&old->ahead);
    free(old->refusals);
    free(old->catalogues);
    free(old->peers);
    free(old);
}

/* ---- events ------------------------------------------------------------------------------------------------------------ */

static struct intake_event *last_event(struct intake *intake)
{
    return &intake->events[(intake->event_first + intake->event_count - 1) % EVENTS];
}

static void note(struct intake *intake, bool warning, const char *name, const char *agent, uint64_t number,
                 const char *detail)
{
    if (intake->event_count == EVENTS) {
        intake->event_first = (intake->event_first + 1) % EVENTS;
        intake->event_count--;
    }
    intake->event_count++;
    struct intake_event *event = last_event(intake);
    *event = (struct intake_event){.name = name, .warning = warning, .number = number};
    (void)snprintf(event->agent, sizeof event->agent, "%s", agent);
    (void)snprintf(event->detail, sizeof event->detail, "%s", detail);
}

static void note_message(struct intake *intake, bool warning, const char *name, const char *agent, uint64_t number,
                         enum message message)
{
    char detail[MESSAGE_NESTED];
    message_nest(message, NULL, detail, sizeof detail);
    note(intake, warning, name, agent, number, detail);
}

bool intake_alert(struct intake *intake, struct alert_row *ret_row)
{
    return incidents_next(intake->incidents, ret_row);
}

void intake_alert_stored(struct intake *intake, const struct alert_row *row)
{
    incidents_learn(intake->incidents, row);
}

bool intake_event(struct intake *intake, struct intake_event *ret_event)
{
    if (intake->event_count == 0)
        return false;
    *ret_event = intake->events[intake->event_first];
    intake->event_first = (intake->event_first + 1) % EVENTS;
    intake->event_count--;
    return true;
}

static const char *unit_of(const struct intake *intake, const struct peer *peer)
{
    return peer->scope == NO_INDEX ? "" : intake->catalogue->units[peer->scope].code;
}

static void raise_incident(struct intake *intake, const struct peer *peer, enum incident_kind kind, const char *detail)
{
    incidents_raise(intake->incidents, kind, peer->agent, unit_of(intake, peer), intake->now_ms, detail);
}

static void settle_incident(struct intake *intake, const struct peer *peer, enum incident_kind kind)
{
    incidents_settle(intake->incidents, kind, peer->agent, intake->now_ms);
}

static void name_outbox(const unsigned char outbox[16], char ret_text[33])
{
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(ret_text + 2 * i, 3, "%02x", outbox[i]);
}

/* ---- answers ----------------------------------------------------------------------------------------------------------- */

enum sent { SENT, SENT_LATER, SENT_NEVER };

static enum sent send_to(const struct intake *intake, const unsigned char *route, size_t route_length,
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
static void nack_now(struct intake *intake, const unsigned char *route, size_t route_length, uint64_t session,
                     enum wire_nack code, const char *detail, uint32_t retry_after_ms)
{
    struct wire_message message = {.kind = WIRE_NACK};
    message.nack.session = session;
    message.nack.code = code;
    message.nack.retry_after_ms = retry_after_ms;
    (void)snprintf(message.nack.detail, sizeof message.nack.detail, "%s", detail);
    (void)send_to(intake, route, route_length, &message);
}

static const char *const protocol[4] = {"1", NULL, NULL, NULL};

/* Why, as a sentence that the collector says in its own language. */
static const char *nack_reason(enum message message, char ret_text[MESSAGE_NESTED])
{
    message_nest(message, message == MESSAGE_NACK_SPEAKS ? protocol : NULL, ret_text, MESSAGE_NESTED);
    return ret_text;
}

static void owe_nack(struct peer *peer, uint64_t session, enum wire_nack code, uint64_t first, const char *detail)
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
    const size_t share = active == 0 ? CREDIT_MOST : CREDIT_ALL / active;
    return share < 1 ? 1 : share > CREDIT_MOST ? CREDIT_MOST : share;
}

/* The same in batches of the size it sends: the disk is waited for once a group, so many small ones have to be under way
 * together to be as quick as a few large ones. */
static uint32_t credit(const struct peer *peer, size_t share)
{
    if (peer->usual_bytes == 0)
        return (uint32_t)share;
    const size_t count = share * LIMIT_BATCH_BYTES / peer->usual_bytes;
    const size_t most = peer->sends_runs ? CREDIT_RUNS : CREDIT_SMALL;
    return (uint32_t)(count < share ? share : count > most ? most : count);
}

static void lose_peer(struct peer *peer)
{
    session_finish(&peer->session);
    peer->owes_ack = peer->owes_welcome = peer->nack.owed = false;
    peer->row.connected = false;
    peer->row_changed = true;
}

/* True when it is out of the way: sent, or nobody is there any more. */
static bool answer(struct intake *intake, struct peer *peer, const struct wire_message *message)
{
    switch (send_to(intake, peer->route, peer->route_length, message)) {
    case SENT: return true;
    case SENT_LATER: intake->owing = true; return false;
    case SENT_NEVER: lose_peer(peer); return false;
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

static enum status tell_witness(struct intake *intake, const struct peer *peer, struct told *ret_told, struct fault *why)
{
    const enum status status = checkpoints_tell_head(&intake->checkpoints, intake->store, intake->now_ms, why);
    ret_told->entry = intake->checkpoints.told;
    ret_told->earlier[0] = '\0';
    return status == STATUS_OK && peer->kept != 0
               ? checkpoints_tell(&intake->checkpoints, intake->store, peer->kept, intake->now_ms, ret_told->earlier, why)
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

/* The acknowledgement that brings a session up to date tells the witness how the ledger goes on; under load seldom, since
 * two signatures cost more than a small batch. */
static bool witness_is_due(const struct intake *intake, const struct peer *peer)
{
    return peer->session.watermark >= peer->session.high &&
           (peer->witness_at == 0 || intake->now_ms >= peer->witness_at || peer->witness_at > intake->now_ms + WITNESS_MS);
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
static enum status answer_all(struct intake *intake, struct fault *why)
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

/* ---- the group ----------------------------------------------------------------------------------------------------------- */

static enum status open_group(struct intake *intake, struct fault *why)
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
    }
    intake->open = intake->applied = false;
    intake->taken_count = intake->refusal_count = 0;
    intake->group_records = intake->group_bytes = 0;
}

/* Nothing of the group happened: sessions end, collectors are told to come back. */
static enum status abandon_group(struct intake *intake, enum status reason, struct fault *why)
{
    char detail[256] = "";
    struct fault forgetting;
    memset(&forgetting, 0, sizeof forgetting);
    if (why != NULL)
        fault_nest(why, detail, sizeof detail);
    if (intake->open)
        store_rollback(intake->store);
    checkpoints_forget(&intake->checkpoints);
    note(intake, true, "group_abandoned", "", intake->taken_count, detail);
    for (size_t i = 0; i < intake->peer_count; i++) {
        struct peer *peer = &intake->peers[i];
        if (!peer->touched && !peer->owes_welcome)
            continue;
        if (peer->session.active)
            nack_now(intake, peer->route, peer->route_length, peer->session.number, NACK_BUSY, detail, BUSY_RETRY_MS);
        session_finish(&peer->session);
        peer->owes_ack = peer->owes_welcome = peer->nack.owed = false;
    }
    const bool applied = intake->applied;
    clear_group(intake);
    if (reason != STATUS_BROKEN && store_head(intake->store, &intake->head, NULL, &intake->last_received_at, why) != STATUS_OK)
        return STATUS_BROKEN;
    if (reason != STATUS_BROKEN && applied && abacus_forget(intake->abacus, &forgetting) != STATUS_OK) {
        if (why != NULL)
            *why = forgetting;
        return STATUS_BROKEN;
    }
    return reason == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
}

static enum status save_pages(struct intake *intake, struct fault *why)
{
    const enum status status = abacus_save(intake->abacus, why);
    if (status == STATUS_OK) {
        intake->commits = intake->records = 0;
        intake->saved_at = intake->now_ms;
    }
    return status;
}

/* Where the peer's stream stands after the batches of the open group. */
static enum status save_stream(struct intake *intake, struct peer *peer, struct fault *why)
{
    const struct session *session = &peer->session;
    struct stream stream = {.epoch = session->epoch,
                            .watermark = session->watermark,
                            .last_received_at = peer->stream_moved_at};
    if (!peer->stream_moved)
        return STATUS_OK;
    memcpy(stream.agent, peer->agent, sizeof stream.agent);
    memcpy(stream.outbox, session->outbox, sizeof stream.outbox);
    memcpy(stream.chain, session->chain, SEAL_HASH);
    peer->stream_moved = false;
    return store_save_stream(intake->store, &stream, why);
}

static enum status save_row(struct intake *intake, struct peer *peer, struct fault *why)
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

static bool row_is_due(const struct intake *intake, const struct peer *peer)
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
            note_message(intake, false, "records_refused", agent, taken->refusal_count, MESSAGE_TOLD_TO_COLLECTOR);
    }
}

static enum status commit_group(struct intake *intake, uint64_t *ret_committed, struct fault *why)
{
    enum status status = STATUS_OK;
    const size_t count = intake->taken_count;
    update_rows(intake);
    if (intake->open) {
        if (count > 0 && (++intake->commits >= SAVE_COMMITS || intake->records >= SAVE_RECORDS ||
                          abacus_dirty_blocks(intake->abacus) >= SAVE_BLOCKS))
            status = save_pages(intake, why);
        for (size_t i = 0; status == STATUS_OK && i < intake->peer_count; i++) {
            status = save_stream(intake, &intake->peers[i], why);
            /* What is acknowledged shows in `status` at once; mere signs of life wait their second. */
            if (status == STATUS_OK && (intake->peers[i].group_submitted || row_is_due(intake, &intake->peers[i])))
                status = save_row(intake, &intake->peers[i], why);
        }
        if (status == STATUS_OK && count > 0 && checkpoints_due(&intake->checkpoints, intake->head + count, intake->now_ms))
            status = checkpoints_make(&intake->checkpoints, intake->store, intake->now_ms, why);
        if (status == STATUS_OK)
            status = incidents_save(intake->incidents, why);
        if (status == STATUS_OK)
            status = store_commit(intake->store, why);
        if (status != STATUS_OK)
            return abandon_group(intake, status, why);
        incidents_kept(intake->incidents);
    }
    intake->head += count;
    if (count > 0)
        *ret_committed = intake->head;
    remember_group(intake);
    clear_group(intake);
    return answer_all(intake, why);
}

/* ---- HELLO --------------------------------------------------------------------------------------------------------------- */

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
    /* The collector counts what it refused itself and what came back to it; what it has not seen yet is counted when the
     * ACK that tells it goes out. */
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
        settle_incident(intake, peer, INCIDENT_CLOCK_OFF);
        return;
    }
    (void)snprintf(detail, sizeof detail, "agent_minus_aggregator=%" PRId64 "d", skew / SKEW_FLAG_MS);
    raise_incident(intake, peer, INCIDENT_CLOCK_OFF, detail);
}

static void note_connected(struct intake *intake, const struct peer *peer, const struct wire_hello *hello,
                           bool regression)
{
    char detail[256];
    note(intake, false, "agent_connected", peer->agent, session_backlog(&peer->session), hello->software);
    if (regression) {
        note_message(intake, true, "store_behind_agent", peer->agent, hello->highest_acked, MESSAGE_STORE_BEHIND);
        (void)snprintf(detail, sizeof detail, "acknowledged=%" PRIu64 " stored=%" PRIu64 " offered_again=%" PRIu64,
                       hello->highest_acked, peer->session.watermark, hello->highest_acked - peer->session.watermark);
        raise_incident(intake, peer, INCIDENT_STORE_BEHIND, detail);
    }
    judge_clock(intake, peer);
    if (peer->row.clock_skew_ms > SKEW_MS || peer->row.clock_skew_ms < -SKEW_MS)
        note_message(intake, true, "clock_skew", peer->agent, 0, MESSAGE_CLOCK_OFF);
    if (memcmp(hello->catalogue_hash, intake->catalogue->hash, sizeof hello->catalogue_hash) != 0)
        note_message(intake, true, "catalogue_differs", peer->agent, 0, MESSAGE_OTHER_CATALOGUE);
}

/* The collector is a witness of this ledger: does it still have what it was told? A word in our own name is no more than
 * our own opinion; the collector judges by itself what WELCOME tells it. */
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
    peer->kept = kept.entry;
    /* One of a key that was replaced since is answered, but what anybody could have written raises no alert here. */
    if (!anew || !checkpoint_holds(&kept, intake->checkpoints.key->public_key.sign))
        return STATUS_OK;
    const enum status status = store_hash_at(intake->store, kept.entry, hash, &found, why);
    if (status != STATUS_OK)
        return status;
    const enum checkpoint_verdict verdict = checkpoint_compare(&kept, intake->generation, intake->head, found ? hash : NULL);
    (void)snprintf(entry, sizeof entry, "%" PRIu64, kept.entry);
    (void)snprintf(head, sizeof head, "%" PRIu64, intake->head);
    message_nest(checkpoint_message(verdict), (const char *const[4]){entry, head, NULL, NULL}, detail, sizeof detail);
    note(intake, checkpoint_is_alarm(verdict), "ledger_witnessed", peer->agent, kept.entry,
         checkpoint_is_alarm(verdict) ? detail : "");
    last_event(intake)->is_witness = true;
    last_event(intake)->verdict = verdict;
    return STATUS_OK;
}

/* The agent's disk died, or somebody gave it a new outbox: its former one ends here. What that one held beyond its
 * watermark may come with the new one, or may be lost with it; a person has to know. */
static enum status note_other_outbox(struct intake *intake, const struct peer *peer, struct fault *why)
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
    status = open_group(intake, why);
    if (status == STATUS_OK)
        status = gap_note(intake->store, &gap, why);
    name_outbox(former.outbox, old);
    name_outbox(peer->session.outbox, new);
    (void)snprintf(detail, sizeof detail, "former=%s received=%" PRIu64 " not_received=%" PRIu64 " new=%s", old,
                   former.watermark, gap.to - former.watermark, new);
    raise_incident(intake, peer, INCIDENT_OUTBOX_REPLACED, detail);
    note(intake, true, "outbox_replaced", peer->agent, former.watermark, detail);
    return status == STATUS_REFUSED ? STATUS_OK : status; /* the alert stands; the list is long enough */
}

static void note_fight(struct intake *intake, const struct peer *peer, const struct session *former,
                       const struct wire_hello *hello)
{
    char detail[256], one[33], other[33];
    name_outbox(former->outbox, one);
    name_outbox(hello->outbox, other);
    (void)snprintf(detail, sizeof detail, "one=%s@%s other=%s@%s held_until=%" PRId64, one, peer->address, other,
                   intake->address, peer->session.held_until / 1000);
    raise_incident(intake, peer, INCIDENT_TWO_COLLECTORS, detail);
    note(intake, true, "two_collectors", peer->agent, SESSION_TAKEOVERS, detail);
}

static bool is_route(const unsigned char *route, size_t length, const unsigned char *other, size_t other_length)
{
    return length == other_length && memcmp(route, other, length) == 0;
}

/* The collector there is told, and known again should it come back over the same connection. */
static void fence(struct intake *intake, struct peer *peer, uint64_t session)
{
    char reason[MESSAGE_NESTED];
    nack_now(intake, peer->route, peer->route_length, session, NACK_FENCED,
             nack_reason(MESSAGE_NACK_TAKEN_OVER, reason), 0);
    memcpy(peer->fenced_route, peer->route, peer->route_length);
    peer->fenced_length = peer->route_length;
    peer->owes_ack = peer->owes_welcome = peer->nack.owed = false;
}

static enum status on_hello(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_hello *hello, struct fault *why)
{
    struct stream known;
    struct session_answer verdict;
    const bool same_route = peer->route_length == route_length && memcmp(peer->route, route, route_length) == 0;
    const bool anew = !peer->session.active || peer->session.number != hello->session;
    char reason[MESSAGE_NESTED];
    if (strcmp(hello->agent, peer->agent) != 0) {
        nack_now(intake, route, route_length, hello->session, NACK_MALFORMED,
                 nack_reason(MESSAGE_NACK_OTHER_AGENT, reason), 0);
        note(intake, true, "wrong_agent", peer->agent, 0, hello->agent);
        return STATUS_OK;
    }
    /* It may speak of another outbox: what the group did to this one is written down first. */
    enum status status = save_stream(intake, peer, why);
    if (status == STATUS_OK)
        status = know_stream(intake, peer, hello, &known, why);
    if (status != STATUS_OK)
        return status;
    const struct session former = peer->session;
    if (is_route(route, route_length, peer->fenced_route, peer->fenced_length))
        session_returned(&peer->session);
    session_hello(&peer->session, hello, &known, same_route, intake->now_ms, &verdict);
    if (verdict.fight)
        note_fight(intake, peer, &former, hello);
    if (verdict.fence_former)
        fence(intake, peer, former.number);
    if (verdict.verdict == SESSION_NACK) {
        nack_now(intake, route, route_length, hello->session, verdict.code,
                 nack_reason(verdict.detail, reason), 0);
        note(intake, true, "hello_refused", peer->agent, hello->high, reason);
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
    status = open_group(intake, why);
    return status == STATUS_OK ? store_save_stream(intake->store, &known, why) : status;
}

/* ---- BATCH --------------------------------------------------------------------------------------------------------------- */

static bool signature_holds(const struct peer *peer, const struct wire_batch *batch,
                            const unsigned char chain[SEAL_HASH])
{
    unsigned char digest[SEAL_HASH];
    seal_batch_digest(peer->agent, peer->session.outbox, batch->seq, chain, digest);
    for (size_t i = 0; i < peer->key_count; i++)
        if (seal_verify(digest, batch->signature, peer->keys[i]))
            return true;
    return false;
}

static enum status apply(struct intake *intake, const struct peer *peer, struct entry *entry,
                         const struct touch **ret_touches, size_t *ret_touch_count, struct fault *why)
{
    const struct refusal *refusals = NULL;
    size_t count = 0;
    enum status status = store_knows_file(intake->store, peer->agent, intake->batch->submission.hash, entry->outbox,
                                          &entry->repeated, why);
    if (status != STATUS_OK || entry->repeated)
        return status;
    intake->applied = true;
    status = abacus_apply(intake->abacus, intake->batch, peer->scope, entry->number, entry->received_at, &refusals, &count,
                          why);
    if (status != STATUS_OK)
        return status;
    entry->refusals = refusals;
    entry->refusal_count = count;
    *ret_touch_count = abacus_touches(intake->abacus, ret_touches);
    return STATUS_OK;
}

static void note_taken(struct intake *intake, struct peer *peer, const struct entry *entry)
{
    struct taken *taken = &intake->taken[intake->taken_count++];
    *taken = (struct taken){.peer = (uint32_t)(peer - intake->peers),
                            .seq = entry->seq,
                            .first_refusal = intake->refusal_count,
                            .refusal_count = entry->refusal_count};
    memcpy(taken->outbox, entry->outbox, sizeof taken->outbox);
    intake->refusals = memory_grow(intake->refusals, &intake->refusal_capacity,
                                   intake->refusal_count + entry->refusal_count, sizeof *intake->refusals);
    if (entry->refusal_count > 0)
        memcpy(intake->refusals + intake->refusal_count, entry->refusals,
               entry->refusal_count * sizeof *intake->refusals);
    intake->refusal_count += entry->refusal_count;
    peer->group_refused += entry->refusal_count;
    peer->group_submitted = true;
}

/* Our clock is believed to be right when more than half of the connected agents' clocks agree with it. */
static bool clock_is_confirmed(const struct intake *intake)
{
    size_t agree = 0, connected = 0;
    for (size_t i = 0; i < intake->peer_count; i++) {
        const struct peer *peer = &intake->peers[i];
        connected += peer->session.active;
        agree += peer->session.active && peer->row.clock_skew_ms > -SKEW_MS && peer->row.clock_skew_ms < SKEW_MS;
    }
    return agree * 2 > connected;
}

/* Times in the ledger never fall, so a clock that was once far ahead would hold them there, for years perhaps. When it
 * stands right again (which the agents' clocks have to confirm: a clock that is behind looks the same), that is written
 * down, and times go on from now. */
static enum status heed_own_clock(struct intake *intake, struct fault *why)
{
    char detail[128], ahead[40];
    if (intake->last_received_at - intake->now_ms <= AHEAD_MS || !clock_is_confirmed(intake))
        return STATUS_OK;
    const enum status status = gap_note_clock(intake->store, intake->now_ms, why);
    if (status != STATUS_OK)
        return status;
    calendar_format_time(intake->last_received_at, ahead);
    (void)snprintf(detail, sizeof detail, "was_at=%s entries_up_to=%" PRIu64, ahead, intake->head + intake->taken_count);
    incidents_raise(intake->incidents, INCIDENT_CLOCK_SET_BACK, "aggregator", intake->catalogue->units[0].code,
                    intake->now_ms, detail);
    note(intake, true, "clock_was_ahead", "", intake->head + intake->taken_count, detail);
    intake->last_received_at = intake->now_ms;
    return STATUS_OK;
}

/* Everything but the commit. */
static enum status take_batch(struct intake *intake, struct peer *peer, const struct wire_batch *batch,
                              const unsigned char chain[SEAL_HASH], struct fault *why)
{
    struct session *session = &peer->session;
    const struct touch *touches = NULL;
    size_t touch_count = 0;
    struct entry entry = {.number = intake->head + intake->taken_count + 1,
                          .seq = batch->seq,
                          .bytes = batch->bytes,
                          .length = batch->length,
                          .submission = &intake->batch->submission};
    memcpy(entry.agent, peer->agent, sizeof entry.agent);
    memcpy(entry.outbox, session->outbox, sizeof entry.outbox);
    memcpy(entry.chain, chain, SEAL_HASH);
    memcpy(entry.signature, batch->signature, SEAL_SIGNATURE);
    enum status status = open_group(intake, why);
    if (status == STATUS_OK)
        status = heed_own_clock(intake, why);
    if (status == STATUS_OK && session->watermark == 0)
        status = note_other_outbox(intake, peer, why);
    intake->last_received_at = intake->now_ms > intake->last_received_at ? intake->now_ms : intake->last_received_at;
    entry.received_at = intake->last_received_at;
    if (status == STATUS_OK)
        status = apply(intake, peer, &entry, &touches, &touch_count, why);
    if (status == STATUS_OK)
        status = store_append(intake->store, &entry, touches, touch_count, why);
    if (status != STATUS_OK)
        return status;
    session_taken(session, chain);
    peer->stream_moved = true;
    peer->stream_moved_at = entry.received_at;
    peer->usual_bytes = peer->usual_bytes == 0 ? (uint32_t)entry.length : (peer->usual_bytes * 7 + (uint32_t)entry.length) / 8;
    note_taken(intake, peer, &entry);
    intake->records += intake->batch->record_count;
    intake->group_records += intake->batch->record_count;
    intake->group_bytes += entry.length;
    peer->owes_ack = true;
    return STATUS_OK;
}

static void refuse_batch(struct intake *intake, struct peer *peer, const struct wire_batch *batch, enum wire_nack code,
                         const char *detail)
{
    session_refused(&peer->session);
    owe_nack(peer, batch->session, code, batch->seq, detail);
    note(intake, true, "batch_refused", peer->agent, batch->seq, detail);
}

/* What a session said about a message that is not taken. */
static void note_verdict(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                         uint64_t session, const struct session_answer *verdict)
{
    char detail[256];
    const bool is_current = is_route(route, route_length, peer->route, peer->route_length) && peer->session.active &&
                            peer->session.number == session;
    if (verdict->verdict == SESSION_NACK && !is_current)
        nack_now(intake, route, route_length, session, verdict->code, nack_reason(verdict->detail, detail), 0);
    else if (verdict->verdict == SESSION_NACK)
        owe_nack(peer, session, verdict->code, verdict->first, nack_reason(verdict->detail, detail));
    else if (verdict->verdict == SESSION_ACK)
        peer->owes_ack = true;
}

static bool was_in_force(const struct intake *intake, const unsigned char hash[SEAL_HASH])
{
    for (size_t i = 0; i < intake->catalogue_count; i++)
        if (memcmp(intake->catalogues[i].hash, hash, SEAL_HASH) == 0)
            return true;
    return memcmp(intake->catalogue->hash, hash, SEAL_HASH) == 0;
}

/* Something the batch names that the catalogue does not have (or has with fewer decimals); NULL when it has all. */
static const char *unknown_name(const struct intake *intake)
{
    const struct catalogue *catalogue = intake->catalogue;
    const struct batch *batch = intake->batch;
    for (size_t i = 0; i < batch->element_count; i++) {
        const uint32_t element = catalogue_element(catalogue, batch->elements[i].code);
        if (element == NO_INDEX || catalogue->elements[element].decimals < batch->elements[i].decimals)
            return batch->elements[i].code;
    }
    for (size_t i = 0; i < batch->unit_count; i++)
        if (catalogue_unit(catalogue, batch->units[i]) == NO_INDEX)
            return batch->units[i];
    return NULL;
}

/* Something that the batch names and only a catalogue not loaded yet can have; NULL when there is nothing. */
static const char *newer_name(const struct intake *intake)
{
    return was_in_force(intake, intake->batch->submission.catalogue_hash) ? NULL : unknown_name(intake);
}

/* True when the batch was cut by a catalogue that never was in force here, and names what this one does not have: very
 * likely it is newer. To refuse its rows would be wrong tomorrow, so it waits at its collector, with all behind it, until
 * the office has loaded that catalogue. Other agents go on. */
static bool waits_for_catalogue(struct intake *intake, struct peer *peer, const struct wire_batch *batch)
{
    const unsigned char *hash = intake->batch->submission.catalogue_hash;
    const char *unknown = newer_name(intake);
    const char *arguments[4] = {unknown};
    char detail[MESSAGE_NESTED], hex[17];
    if (unknown == NULL) {
        if (!peer->catalogue_judged)
            settle_incident(intake, peer, INCIDENT_CATALOGUE_NEWER);
        peer->catalogue_judged = true;
        return false;
    }
    message_nest(MESSAGE_NACK_CATALOGUE_NEWER, arguments, detail, sizeof detail);
    refuse_batch(intake, peer, batch, NACK_BUSY, detail);
    peer->nack.retry_after_ms = WAIT_RETRY_MS;
    for (size_t i = 0; i < 8; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    (void)snprintf(detail, sizeof detail, "unknown=%s catalogue=%s", unknown, hex);
    raise_incident(intake, peer, INCIDENT_CATALOGUE_NEWER, detail);
    return true;
}

/* What the session says to it; true when it is the next one and has to be taken. */
static bool is_next(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                    const struct wire_batch *batch)
{
    struct session_answer verdict;
    const bool same_route = is_route(route, route_length, peer->route, peer->route_length);
    session_batch(&peer->session, batch, same_route, intake->now_ms, &verdict);
    note_verdict(intake, peer, route, route_length, batch->session, &verdict);
    return verdict.verdict == SESSION_TAKE;
}

/* Contents nobody can read under a good signature come from a collector that is not ours or of another age; taking them
 * would put a batch into the ledger that can never be told record by record. The stream waits for a person. */
static bool is_readable(struct intake *intake, const unsigned char *bytes, size_t length, char ret_detail[256])
{
    struct fault malformed;
    memset(&malformed, 0, sizeof malformed);
    if (length <= LIMIT_BATCH_BYTES && batch_decode(bytes, length, &intake->batch, &malformed) == STATUS_OK)
        return true;
    if (malformed.message == MESSAGE_NONE)
        fault_set(&malformed, MESSAGE_TOO_LARGE, "batch", "256 KiB", NULL);
    fault_nest(&malformed, ret_detail, 256);
    return false;
}

static void refuse_unsigned(struct intake *intake, struct peer *peer, const struct wire_batch *batch)
{
    char detail[256];
    refuse_batch(intake, peer, batch, NACK_BAD_SIGNATURE, nack_reason(MESSAGE_NACK_NOT_SIGNED, detail));
}

static enum status on_batch(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_batch *batch, struct fault *why)
{
    unsigned char chain[SEAL_HASH];
    char detail[256];
    if (!is_next(intake, peer, route, route_length, batch))
        return STATUS_OK;
    seal_chain_next(peer->session.chain, batch->bytes, batch->length, chain);
    if (!signature_holds(peer, batch, chain)) {
        refuse_unsigned(intake, peer, batch);
        return STATUS_OK;
    }
    if (!is_readable(intake, batch->bytes, batch->length, detail)) {
        refuse_batch(intake, peer, batch, NACK_MALFORMED, detail);
        return STATUS_OK;
    }
    return waits_for_catalogue(intake, peer, batch) ? STATUS_OK : take_batch(intake, peer, batch, chain, why);
}

/* ---- GAP and PROOF ---------------------------------------------------------------------------------------------------------- */

/* Everything but the commit: what is missing is written down, and the stream goes on behind it. */
static enum status take_gap(struct intake *intake, struct peer *peer, const struct wire_gap *gap, struct fault *why)
{
    struct gap missing = {.kind = GAP_KIND, .from = gap->from, .to = gap->to, .noted_at = intake->now_ms};
    struct fault refused = {0};
    char detail[MESSAGE_NESTED], outbox[33];
    memcpy(missing.agent, peer->agent, sizeof missing.agent);
    memcpy(missing.outbox, peer->session.outbox, sizeof missing.outbox);
    memcpy(missing.chain, gap->chain_after, SEAL_HASH);
    enum status status = open_group(intake, why);
    if (status == STATUS_OK && peer->session.watermark == 0)
        status = note_other_outbox(intake, peer, why);
    if (status == STATUS_OK)
        status = gap_note(intake->store, &missing, &refused);
    if (status == STATUS_REFUSED) {
        fault_nest(&refused, detail, sizeof detail);
        session_refused(&peer->session);
        owe_nack(peer, gap->session, NACK_MALFORMED, gap->from, detail);
        note(intake, true, "gap_refused", peer->agent, gap->from, detail);
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
    name_outbox(peer->session.outbox, outbox);
    (void)snprintf(detail, sizeof detail, "from=%" PRIu64 " to=%" PRIu64 " outbox=%s reason=%.128s", gap->from, gap->to,
                   outbox, gap->reason);
    raise_incident(intake, peer, INCIDENT_BATCHES_MISSING, detail);
    note(intake, true, "batches_missing", peer->agent, gap->from, detail);
    return STATUS_OK;
}

static enum status on_gap(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                          const struct wire_gap *gap, struct fault *why)
{
    struct session_answer verdict;
    session_gap(&peer->session, gap, is_route(route, route_length, peer->route, peer->route_length), intake->now_ms,
                &verdict);
    if (verdict.verdict == SESSION_TAKE && gap->to > GAP_SEQ_MOST)
        verdict = (struct session_answer){SESSION_NACK, .code = NACK_MALFORMED, .first = gap->from, .detail = MESSAGE_NACK_GAP_BEYOND};
    note_verdict(intake, peer, route, route_length, gap->session, &verdict);
    return verdict.verdict == SESSION_TAKE ? take_gap(intake, peer, gap, why) : STATUS_OK;
}

/* Two histories of one outbox: where they part is looked for, one question at a time. */
static enum status on_proof(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
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
                  is_route(route, route_length, peer->route, peer->route_length), intake->now_ms, &verdict);
    note_verdict(intake, peer, route, route_length, proof->session, &verdict);
    if (verdict.verdict == SESSION_PROVE) {
        const struct wire_message question = {.kind = WIRE_PROVE, .proof = {.session = proof->session, .seq = verdict.first}};
        (void)send_to(intake, route, route_length, &question);
    } else if (verdict.verdict == SESSION_NACK && verdict.code == NACK_BAD_CHAIN) {
        (void)snprintf(detail, sizeof detail, "from=%" PRIu64 " to=%" PRIu64, verdict.first, peer->session.watermark);
        raise_incident(intake, peer, INCIDENT_OUTBOX_FORKED, detail);
        note(intake, true, "outbox_forked", peer->agent, verdict.first, detail);
    }
    return STATUS_OK;
}

/* ---- RUN ----------------------------------------------------------------------------------------------------------------- */

static void batch_of_run(const struct wire_run *run, size_t at, const unsigned char chain_before[SEAL_HASH],
                         struct wire_batch *ret_batch)
{
    ret_batch->session = run->session;
    ret_batch->seq = run->seq + at;
    ret_batch->bytes = run->batches[at].bytes;
    ret_batch->length = run->batches[at].length;
    memcpy(ret_batch->chain_before, chain_before, SEAL_HASH);
    memcpy(ret_batch->signature, run->batches[at].signature, SEAL_SIGNATURE);
}

static void swap_batches(struct intake *intake)
{
    struct batch *batch = intake->batch;
    intake->batch = intake->ahead;
    intake->ahead = batch;
}

/* The run from `first` on, its last signature being good. The ledger keeps no signature that nobody checked: a batch is
 * stored without its own when the next one goes in as well, so that the chain leads from it to one that was checked. */
static enum status take_run(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_run *run, size_t first, unsigned char (*chains)[SEAL_HASH],
                            struct fault *why)
{
    struct wire_batch batch;
    char detail[256];
    bool readable = is_readable(intake, run->batches[first].bytes, run->batches[first].length, detail);
    enum status status = STATUS_OK;
    for (size_t i = first; i < run->count && status == STATUS_OK; i++) {
        bool next = false;
        batch_of_run(run, i, chains[i], &batch);
        if (!is_next(intake, peer, route, route_length, &batch))
            return STATUS_OK;
        if (!readable)
            refuse_batch(intake, peer, &batch, NACK_MALFORMED, detail);
        if (!readable || waits_for_catalogue(intake, peer, &batch))
            return STATUS_OK;
        if (i + 1 < run->count) {
            swap_batches(intake);
            readable = is_readable(intake, run->batches[i + 1].bytes, run->batches[i + 1].length, detail);
            next = readable && newer_name(intake) == NULL;
            swap_batches(intake);
        }
        if (next) {
            memset(batch.signature, 0, sizeof batch.signature);
        } else if (i + 1 < run->count && !signature_holds(peer, &batch, chains[i + 1])) {
            refuse_unsigned(intake, peer, &batch);
            return STATUS_OK;
        }
        status = take_batch(intake, peer, &batch, chains[i + 1], why);
        swap_batches(intake);
    }
    return status;
}

/* A signature is over the chain, so a good one on the last batch proves all that the chain leads through; when it is not
 * good each batch stands by itself, up to the first that is not signed. */
static enum status on_run(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                          const struct wire_run *run, struct fault *why)
{
    const struct session *session = &peer->session;
    const size_t last = run->count - 1;
    unsigned char chains[WIRE_RUN_BATCHES + 1][SEAL_HASH];
    struct wire_batch batch;
    enum status status = STATUS_OK;
    memcpy(chains[0], run->chain_before, SEAL_HASH);
    batch_of_run(run, last, chains[0], &batch);
    if (!session->active || session->number != run->session || run->seq > session->watermark + 1 ||
        run->seq + last <= session->watermark) /* nothing of it will be taken: one answer is enough */
        return on_batch(intake, peer, route, route_length, &batch, why);
    const size_t first = (size_t)(session->watermark + 1 - run->seq);
    for (size_t i = 0; i < run->count; i++)
        seal_chain_next(chains[i], run->batches[i].bytes, run->batches[i].length, chains[i + 1]);
    peer->sends_runs = true;
    if (memcmp(chains[first], session->chain, SEAL_HASH) == 0 && signature_holds(peer, &batch, chains[run->count]))
        return take_run(intake, peer, route, route_length, run, first, chains, why);
    for (size_t i = first; i < run->count && status == STATUS_OK; i++) {
        batch_of_run(run, i, chains[i], &batch);
        status = on_batch(intake, peer, route, route_length, &batch, why);
    }
    return status;
}

/* ---- one message ------------------------------------------------------------------------------------------------------------ */

/* Who sent it: by its key, never by its route. Without CURVE by what its HELLO said on this connection. */
static struct peer *whose(const struct intake *intake, const char *user, const struct wire_message *message,
                          const unsigned char *route, size_t route_length)
{
    if (intake->security == SECURITY_CURVE)
        return user == NULL || user[0] == '\0' ? NULL : find_peer(intake, user);
    return message->kind == WIRE_HELLO ? find_peer(intake, message->hello.agent)
                                       : peer_on_route(intake, route, route_length);
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
    peer->row.last_seen = intake->now_ms;
    switch (message->kind) {
    case WIRE_HELLO: return on_hello(intake, peer, route, route_length, &message->hello, why);
    case WIRE_BATCH: return on_batch(intake, peer, route, route_length, &message->batch, why);
    case WIRE_RUN: return on_run(intake, peer, route, route_length, &message->run, why);
    case WIRE_BYE:
        if (peer->route_length == route_length && memcmp(peer->route, route, route_length) == 0) {
            note(intake, false, "agent_left", peer->agent, session_backlog(&peer->session), "");
            lose_peer(peer);
        }
        return STATUS_OK;
    case WIRE_GAP: return on_gap(intake, peer, route, route_length, &message->gap, why);
    case WIRE_PROOF: return on_proof(intake, peer, route, route_length, &message->proof, why);
    case WIRE_WELCOME:
    case WIRE_ACK:
    case WIRE_NACK:
    case WIRE_PROVE:
    case WIRE_QUESTION:
    case WIRE_ANSWER:
    case WIRE_ROLLUP:
    case WIRE_ALERT: note(intake, true, "message_ignored", peer->agent, 0, wire_kind_name(message->kind)); return STATUS_OK;
    }
    return STATUS_OK;
}

static enum status on_payload(struct intake *intake, const unsigned char *route, size_t route_length, zmq_msg_t *payload,
                              struct fault *why)
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
    if (wire_decode(zmq_msg_data(payload), zmq_msg_size(payload), LIMIT_MESSAGE_BYTES, &message, &malformed) != STATUS_OK) {
        fault_nest(&malformed, detail, sizeof detail);
        note(intake, true, "malformed_message", user == NULL ? "" : user, 0, detail);
        goto done;
    }
    struct peer *peer = whose(intake, user, &message, route, route_length);
    if (peer == NULL || peer->key_count == 0) {
        nack_now(intake, route, route_length, session_of(&message), NACK_REVOKED,
                 nack_reason(MESSAGE_NACK_NO_KEY, detail), 0);
        note_message(intake, true, peer == NULL ? "unknown_agent" : "agent_revoked", user == NULL ? "" : user, 0,
                     MESSAGE_NOTHING_TAKEN);
        if (peer != NULL)
            lose_peer(peer);
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
    struct peer *peer = user == NULL ? NULL : find_peer(intake, user);
    uint64_t parts = 1;
    while (zmq_msg_more(payload) && zmq_msg_recv(payload, intake->router, ZMQ_DONTWAIT) >= 0)
        parts++;
    note(intake, true, "multipart_message", peer == NULL ? "" : peer->agent, parts, "");
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
        note(intake, true, "route_chosen_by_peer", "", 0, "");
    else
        status = on_payload(intake, name, length, &payload, why);
done:
    zmq_msg_close(&payload);
    zmq_msg_close(&route);
    return status;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------ */

/* What the store knew before this process. */
static enum status prime(struct intake *intake, struct fault *why)
{
    struct agent_row *rows = NULL;
    size_t count = 0;
    unsigned char hash[SEAL_HASH];
    struct backup_mark backup;
    bool found = false;
    enum status status = store_generation(intake->store, intake->generation, why);
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
        struct peer *peer = find_peer(intake, rows[i].agent);
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
            note(intake, true, "agent_silent", peer->agent, session_backlog(&peer->session), "");
            lose_peer(peer);
        }
    }
}

static bool any_row_due(const struct intake *intake)
{
    for (size_t i = 0; i < intake->peer_count; i++)
        if (row_is_due(intake, &intake->peers[i]))
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
        status = save_pages(intake, why);
    for (size_t i = 0; status == STATUS_OK && i < intake->peer_count; i++)
        if (row_is_due(intake, &intake->peers[i]) || (all && intake->peers[i].row_changed))
            status = save_row(intake, &intake->peers[i], why);
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

static bool group_is_full(const struct intake *intake)
{
    return intake->taken_count >= INTAKE_GROUP || intake->group_records >= GROUP_RECORDS ||
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
    for (int i = 0; status == STATUS_OK && more && i < MESSAGES_A_PASS && !group_is_full(intake); i++)
        status = receive(intake, &more, why);
    if (status != STATUS_OK) {
        status = abandon_group(intake, status, why);
    } else {
        if (intake->taken_count > 0)
            intake->worked_at = now_ms;
        status = commit_group(intake, ret_committed, why);
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
            lose_peer(&intake->peers[i]);
    return keep_house(intake, true, why);
}
