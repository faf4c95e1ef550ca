/* incidents.h - what goes wrong with an agent's delivery, as alerts that the office sees: kind and agent are their identity.
 * Raised and settled by intake; written with the next transaction, then told to the desk, which publishes them. */
#ifndef AGGREGATOR_INCIDENTS_H
#define AGGREGATOR_INCIDENTS_H

#include "store.h"

enum incident_kind {
    INCIDENT_BATCHES_MISSING,  /* a gap was written (gaps.h): files have to be fed again */
    INCIDENT_OUTBOX_REPLACED,  /* the agent came with a new outbox: what the old one held may be lost */
    INCIDENT_OUTBOX_FORKED,    /* one outbox, two histories: it was copied or restored */
    INCIDENT_STORE_BEHIND,     /* the agent was acknowledged more than the store has: it was restored from a backup */
    INCIDENT_TWO_COLLECTORS,   /* two collectors take the agent from each other: both are held */
    INCIDENT_CATALOGUE_NEWER,  /* batches name what this catalogue does not have: they wait at the agent */
    INCIDENT_CLOCK_OFF,        /* the agent's clock and ours are more than a day apart */
    INCIDENT_CLOCK_SET_BACK,   /* ours was ahead for a while: entries bear times that had not come yet */
    INCIDENT_KINDS
};

struct incidents;
struct incidents *incidents_new(struct store *store); /* borrowed */
void incidents_free(struct incidents **incidents);
/* `unit`: code of the agent's scope. The same detail again changes nothing; another one is a new matter. */
void incidents_raise(struct incidents *incidents, enum incident_kind kind, const char *agent, const char *unit,
                     int64_t now_ms, const char *detail);
void incidents_settle(struct incidents *incidents, enum incident_kind kind, const char *agent, int64_t now_ms);
bool incidents_wait(const struct incidents *incidents); /* something has to be written */
/* Writes what waits, inside the caller's transaction; incidents_kept after its commit. */
enum status incidents_save(struct incidents *incidents, struct fault *why) MUST_CHECK;
void incidents_kept(struct incidents *incidents);
/* The next row that was written and has to be told to the desk. */
bool incidents_next(struct incidents *incidents, struct alert_row *ret_row);
/* Somebody else stored the row (an acknowledgement). */
void incidents_learn(struct incidents *incidents, const struct alert_row *row);
/* True when nothing but a person's word can end alerts of this kind: acknowledging one resolves it. */
bool incident_ends_by_word(const char *kind);

#endif
