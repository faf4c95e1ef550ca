/* period.h - what a figure is about (CONTRACT 3): days, ISO weeks, months, quarters, halves, years and spans A..B.
 * Days are counted from 1970-01-01 (proleptic Gregorian); years 1900 to 9999. */
#ifndef SCHEMAS_PERIOD_H
#define SCHEMAS_PERIOD_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum period_kind {
    PERIOD_DAY,
    PERIOD_WEEK,
    PERIOD_MONTH,
    PERIOD_QUARTER,
    PERIOD_HALF,
    PERIOD_YEAR,
    PERIOD_SPAN,
};

struct period {
    enum period_kind kind;
    int32_t first; /* first day */
    int32_t last;  /* last day, inclusive */
};

#define PERIOD_TEXT 40 /* bytes that hold any period as text, with terminator */
#define DATE_TEXT 16

/* Days and dates. */
int32_t date_from_civil(int year, int month, int day);
void date_to_civil(int32_t date, int *ret_year, int *ret_month, int *ret_day);
bool date_parse(const char *text, int32_t *ret_date); /* strict YYYY-MM-DD */
void date_format(int32_t date, char ret_text[DATE_TEXT]);

/* "2020", "2020-S1", "2020-Q1", "2020-03", "2020-W10", "2020-03-09", or "A..B" of any two of them (from the first day
 * of A to the last of B). Strict; STATUS_REFUSED with bad_period. A span of exactly one named period stays a span. */
enum status period_parse(const char *text, struct period *ret_period, struct fault *why) MUST_CHECK;
/* The way back; both ends of a span are named alike: as years when it is two whole years or more, else as months when it
 * is whole months ("2020-01..2020-08"), else as weeks when it is two whole weeks or more, else as days. The text parses
 * back to the same days. */
void period_format(struct period period, char ret_text[PERIOD_TEXT]);
/* "day" ... "year"; false when unknown (spans have no name). */
bool period_kind_by_name(const char *name, enum period_kind *ret_kind);
const char *period_kind_name(enum period_kind kind);

/* The named period of a kind (not SPAN) that holds the day. */
struct period period_of_day(int32_t date, enum period_kind kind);
struct period period_span(int32_t first, int32_t last);
/* The period before / after. A named period: its neighbour. A span of whole months: as many months before / after;
 * other spans: as many days. */
struct period period_previous(struct period period);
struct period period_next(struct period period);
/* The same period a year before (2020-03 -> 2019-03; of a span both ends, counted in what period_format names them by).
 * False when there is none (W53, 02-29, before 1900). */
bool period_year_before(struct period period, struct period *ret_period);
bool period_contains(struct period outer, struct period inner); /* inner wholly inside outer */
bool period_equal(struct period one, struct period other); /* same days */
/* Walks the named periods of `kind` wholly inside `outer`, in time order:
 *   struct period p; for (bool more = period_first_inside(outer, kind, &p); more; more = period_next_inside(outer, &p)) */
bool period_first_inside(struct period outer, enum period_kind kind, struct period *ret_period);
bool period_last_inside(struct period outer, enum period_kind kind, struct period *ret_period);
bool period_next_inside(struct period outer, struct period *period);
size_t period_count_inside(struct period outer, enum period_kind kind);

#endif
