/* alerts.h - the states of alerts. A goal that is lagging or missed raises one, a goal that recovers resolves it; no data
 * changes nothing. Identity is kind.goal; state lives in the store and survives restarts. */
#ifndef AGGREGATOR_ALERTS_H
#define AGGREGATOR_ALERTS_H

#include "progress.h"
#include "store.h"

/* Judges every goal on day `on` at moment `now_ms` against the alerts as stored, and gives all alerts as they then
 * stand (*ret_rows, yours to free) with which of them changed (*ret_changed, yours to free, same length): state, detail,
 * unit or office; `since` moves only with the state. Stored rows come first and keep their places. state is `open` or
 * `resolved`; an acknowledged alert stays open and keeps acked_by. */
enum status alerts_judge(struct figures *figures, int32_t on, int64_t now_ms, const struct alert_row *stored,
                         size_t stored_count, struct alert_row **ret_rows, bool **ret_changed, size_t *ret_count,
                         struct fault *why) MUST_CHECK;

#endif
