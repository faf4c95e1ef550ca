/* intake.h - the aggregator's end of the delivery protocol: sessions of agents, credit, group commit, acknowledgement
 * after the commit. The state per agent is a pure function of events (session.h); this module drives it with a ROUTER
 * socket. */
#ifndef AGGREGATOR_INTAKE_H
#define AGGREGATOR_INTAKE_H

#include "abacus.h"
#include "keys.h"
#include "porter.h"
#include "settings.h"
#include "store.h"

#define INTAKE_GROUP 4096 /* a group of so many batches is committed; of large ones fewer make one */

struct intake;

/* Borrows all but the agents, which are copied. `router` is bound by the program; under SECURITY_NONE the agent is who
 * HELLO says (batches are signed there too). Scopes must be units of the catalogue. */
struct intake *intake_new(void *router, const struct catalogue *catalogue, struct store *store, struct abacus *abacus,
                          enum security security, const struct agent *agents, size_t agent_count);
/* From now on signed checkpoints are made (registry.h) with the key, which is borrowed. */
void intake_sign(struct intake *intake, const struct secret_key *key);
/* From now on the porter is told over which connections messages come; borrowed. */
void intake_tell(struct intake *intake, struct porter *porter);
void intake_free(struct intake **intake);
void intake_agents(struct intake *intake, const struct agent *agents, size_t agent_count); /* agents.csv changed */
/* A verified backup holds the ledger up to this entry: agents are told so with their next answer. */
void intake_backed(struct intake *intake, uint64_t entry);
/* Takes what waits on the socket, commits it as one group, acknowledges. *ret_committed is the newest entry (0: nothing
 * new). STATUS_BROKEN: the store failed; nothing of the group is acknowledged, the program must reopen or stop. */
enum status intake_work(struct intake *intake, int64_t now_ms, uint64_t *ret_committed, struct fault *why) MUST_CHECK;
/* How long intake_work took when it committed something: credit is given by it. */
void intake_took(struct intake *intake, int64_t ms);
int64_t intake_due(const struct intake *intake);
/* Before a clean stop: saves the pages, signs a checkpoint and notes that nobody is connected any more. */
enum status intake_finish(struct intake *intake, int64_t now_ms, struct fault *why) MUST_CHECK;

/* What an operator wants to know, for the program's log. Only the newest are kept when nobody asks. */
struct intake_event {
    const char *name;   /* static: "agent_connected", "batch_refused" ... */
    bool warning;
    char agent[65];
    uint64_t number;    /* batch, or a count; 0: none */
    char detail[256];
    bool is_witness;    /* the agent connected and told which checkpoint (number) it keeps; what we make of it: */
    enum checkpoint_verdict verdict;
};
/* An alert about an agent's delivery that was stored and has to be told to the office (incidents.h). */
bool intake_alert(struct intake *intake, struct alert_row *ret_row);
void intake_alert_stored(struct intake *intake, const struct alert_row *row); /* somebody acknowledged one */
bool intake_event(struct intake *intake, struct intake_event *ret_event);

#endif
