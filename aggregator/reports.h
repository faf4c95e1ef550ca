/* reports.h - reporting: who owes which form for which period, what arrived when, how complete it is (CONTRACT 6). */
#ifndef AGGREGATOR_REPORTS_H
#define AGGREGATOR_REPORTS_H

#include "figures.h"

enum report_state { REPORT_ON_TIME, REPORT_LATE, REPORT_MISSING, REPORT_AWAITED };

struct report {
    uint32_t form, unit;
    struct period period;
    int32_t due;             /* date */
    int64_t received_at;     /* when first complete, 0 when never */
    enum report_state state; /* on the asked day */
    uint32_t filled, required; /* required elements with a live record / in all */
    uint32_t hard_errors, soft_flags; /* hard rules broken now; soft rules broken and jumps, without a reason */
    bool complete;           /* now: everything required has a live record and no hard rule is broken */
};

const char *report_state_text(enum report_state state);

/* One report on a day. */
enum status reports_one(struct figures *figures, uint32_t form, uint32_t unit, struct period period, int32_t on,
                        struct report *ret_report, struct fault *why) MUST_CHECK;

/* The report counters over all forms, for the form periods inside `period` and the units at or below `scope`. */
struct report_counts { uint64_t expected, received, on_time, clean; };
enum status reports_count(struct figures *figures, uint32_t form /* or NO_INDEX: all */, struct scope scope,
                          struct period period, struct report_counts *ret_counts, struct fault *why) MUST_CHECK;

#endif
