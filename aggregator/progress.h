/* progress.h - goals against figures: CONTRACT 6 `progress`, every comparison exact. */
#ifndef AGGREGATOR_PROGRESS_H
#define AGGREGATOR_PROGRESS_H

#include "figures.h"

enum goal_status {
    GOAL_NOT_DUE, GOAL_NO_DATA, GOAL_MET, GOAL_MISSED, GOAL_ON_PACE, GOAL_AT_RISK, GOAL_LAGGING
};
enum reachable { REACHABLE_UNKNOWN, REACHABLE_YES, REACHABLE_NO };

struct progress {
    uint32_t goal;
    uint32_t months_counting, months; /* m and M */
    bool has_actual, has_expected, has_attainment, has_forecast, has_required_rate;
    mpq_t actual, expected_by_now, attainment_pct, forecast, required_rate; /* exact */
    bool overflow;                    /* the actual is an overflow: status no_data, no value */
    enum goal_status status;
    enum reachable reachable;
    uint64_t reported, expected;
};

void progress_init(struct progress *progress);
void progress_clear(struct progress *progress);
const char *goal_status_text(enum goal_status status);
const char *reachable_text(enum reachable reachable); /* "yes", "no", "" */

/* Judges one goal on a day. with_outlook false leaves forecast, required_rate and reachable out (alerts need only the
 * status). */
enum status progress_judge(struct figures *figures, uint32_t goal, int32_t on, bool with_outlook,
                           struct progress *ret_progress, struct fault *why) MUST_CHECK;
/* The scope of a goal: its unit or its group's units. */
struct scope progress_scope(const struct catalogue *catalogue, const struct goal *goal);
/* The pace in force: as written, else linear for what adds up over months and level otherwise. */
enum pace_kind progress_pace(const struct catalogue *catalogue, const struct goal *goal);

#endif
