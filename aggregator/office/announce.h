/* announce.h - the published stream (CONTRACT 8): every changed figure and alert, each with a number of its stream that
 * never comes twice, so that a subscriber sees what it missed and asks for a snapshot at listen.queries. */
#ifndef AGGREGATOR_OFFICE_ANNOUNCE_H
#define AGGREGATOR_OFFICE_ANNOUNCE_H

#include "answer.h"

struct announcer;

/* events: a bound PUB socket (borrowed). Entries up to `from` are taken as published. now_ms: the streams' first numbers
 * grow with it, so that a restart never repeats one. */
struct announcer *announcer_new(const struct catalogue *catalogue, void *events, uint64_t from, int64_t now_ms);
void announcer_free(struct announcer **announcer);

/* True when entries up to `head` wait to be looked at, or figures to be published. */
bool announcer_has_work(const struct announcer *announcer, uint64_t head);
/* Does a small part of it: a few entries, or a few figures. Call inside one snapshot whose abacus follows the ledger. */
enum status announcer_work(struct announcer *announcer, struct office *office, int32_t today, struct fault *why)
    MUST_CHECK;
void announcer_alert(struct announcer *announcer, const struct alert_row *row);

#endif
