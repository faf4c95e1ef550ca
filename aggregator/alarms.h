/* alarms.h - alerts that no goal raises: what witnesses say about the ledger itself.
 *
 *   ledger_contradicted.<agent>   critical   the agent keeps a checkpoint, signed here, that this ledger does not have
 *   ledger_restored.<agent>       warning    the same after `suanpan restore`: a new generation, which says so itself
 *
 * They are resolved when the same agent's checkpoint lies on the ledger again; `since`, acknowledgement and note are kept
 * with the alert as with those of goals. */
#ifndef AGGREGATOR_ALARMS_H
#define AGGREGATOR_ALARMS_H

#include "checkpoint.h"
#include "store.h"

#define ALARMS_ROWS 2 /* of one agent */

/* What becomes of the agent's alarms after a checkpoint it keeps (its entry) was judged: rows that changed, at most
 * ALARMS_ROWS of them, to be stored and published. *ret_stand: any alarm of any agent is open then. unit: the whole catalogue's root. */
enum status alarms_judge(struct store *store, const char *agent, uint64_t kept, enum checkpoint_verdict verdict,
                         const char *unit, int64_t now_ms, struct alert_row ret_rows[ALARMS_ROWS], size_t *ret_count,
                         bool *ret_stand, struct fault *why) MUST_CHECK;

#endif
