/* intake_peers.c - the agents intake knows: who they are, which connection is theirs, and what an operator is told of
 * them. */
#include "intake_inside.h"

#include "memory.h"

#include <errno.h>
#include <stdlib.h>

/* ---- peers
 * ----------------------------------------------------------------------------------------------------------- */

static int by_agent(const void *one, const void *other)
{
    return strcmp(((const struct peer *)one)->agent, ((const struct peer *)other)->agent);
}

struct peer *intake_find_peer(const struct intake *intake, const char *agent)
{
    struct peer wanted;
    const int length = snprintf(wanted.agent, sizeof wanted.agent, "%s", agent);
    if (length < 0 || (size_t)length >= sizeof wanted.agent || intake->peer_count == 0)
        return NULL;
    return bsearch(&wanted, intake->peers, intake->peer_count, sizeof *intake->peers, by_agent);
}

struct peer *intake_peer_on_route(const struct intake *intake, const unsigned char *route, size_t length)
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
    free(old->refusals);
    free(old->catalogues);
    free(old->restores.items);
    free(old->peers);
    free(old);
}

/* ---- events
 * ------------------------------------------------------------------------------------------------------------ */

struct intake_event *intake_last_event(struct intake *intake)
{
    return &intake->events[(intake->event_first + intake->event_count - 1) % EVENTS];
}

void intake_note(struct intake *intake, bool warning, const char *name, const char *agent, uint64_t number,
                 const char *detail)
{
    if (intake->event_count == EVENTS) {
        intake->event_first = (intake->event_first + 1) % EVENTS;
        intake->event_count--;
    }
    intake->event_count++;
    struct intake_event *event = intake_last_event(intake);
    *event = (struct intake_event){.name = name, .warning = warning, .number = number};
    (void)snprintf(event->agent, sizeof event->agent, "%s", agent);
    (void)snprintf(event->detail, sizeof event->detail, "%s", detail);
}

void intake_note_message(struct intake *intake, bool warning, const char *name, const char *agent, uint64_t number,
                         enum message message)
{
    char detail[MESSAGE_NESTED];
    message_nest(message, NULL, detail, sizeof detail);
    intake_note(intake, warning, name, agent, number, detail);
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

void intake_raise_incident(struct intake *intake, const struct peer *peer, enum incident_kind kind, const char *detail)
{
    incidents_raise(intake->incidents, kind, peer->agent, unit_of(intake, peer), intake->now_ms, detail);
}

void intake_settle_incident(struct intake *intake, const struct peer *peer, enum incident_kind kind)
{
    incidents_settle(intake->incidents, kind, peer->agent, intake->now_ms);
}

void intake_name_outbox(const unsigned char outbox[16], char ret_text[33])
{
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(ret_text + 2 * i, 3, "%02x", outbox[i]);
}
