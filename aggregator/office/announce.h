/* announce.h - what changed goes out: as rows for other programs in the store (plain-sql.md), which the writer stores, and
 * then on the published stream (CONTRACT 8), each with a number of its stream that never comes twice, so that a
 * subscriber sees what it missed and asks for a snapshot at listen.queries. One mechanism makes both. */
#ifndef AGGREGATOR_OFFICE_ANNOUNCE_H
#define AGGREGATOR_OFFICE_ANNOUNCE_H

#include "answer.h"
#include "published.h"

struct announcer;

/* events: a bound PUB socket (borrowed), NULL when there is none. now_ms: the streams' first numbers grow with it, so that
 * a restart never repeats one. */
struct announcer *announcer_new(const struct catalogue *catalogue, void *events, int64_t now_ms);
void announcer_free(struct announcer **announcer);

/* True when entries up to `head` wait to be looked at, or figures to be computed. False while a sheaf is at the writer. */
bool announcer_has_work(const struct announcer *announcer, uint64_t head);
/* Does a small part of it: what the newest entries touched, or some figures. Call inside one snapshot whose abacus follows
 * the ledger. */
enum status announcer_work(struct announcer *announcer, struct office *office, int64_t now_ms, struct fault *why)
    MUST_CHECK;
/* The rows to hand to the writer now; NULL when there are none. Borrowed till one of the next two is called. */
struct published_sheaf *announcer_sheaf(struct announcer *announcer);
/* They are stored: tells the subscribers. */
void announcer_kept(struct announcer *announcer);
/* They could not be handed over: again later. */
void announcer_returned(struct announcer *announcer);
/* The goals are to be judged and published anew (the day changed). */
void announcer_new_day(struct announcer *announcer);
void announcer_alert(struct announcer *announcer, const struct alert_row *row);

#endif
