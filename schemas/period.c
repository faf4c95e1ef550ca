/* period.c - days, named periods and spans.
 *
 * A period is its kind and its two days; everything else (its number, its neighbours, its name) is computed. Named
 * periods of one kind are numbered without gaps (ordinal), so neighbours and counts are sums. A day becomes a civil
 * date by the usual 400-year-era arithmetic: the year starts in March, so that the leap day comes last. */
#include "period.h"

#include "status.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define YEAR_MIN 1900
#define YEAR_MAX 9999

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    const int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

/* ---- days -------------------------------------------------------------------------------------------------------- */

int32_t date_from_civil(int year, int month, int day)
{
    const int64_t shifted = (int64_t)year - (month <= 2 ? 1 : 0);
    const int64_t era = floor_divide(shifted, 400), year_of_era = shifted - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * 146097 + day_of_era - 719468);
}

void date_to_civil(int32_t date, int *ret_year, int *ret_month, int *ret_day)
{
    const int64_t shifted = (int64_t)date + 719468;
    const int64_t era = floor_divide(shifted, 146097), day_of_era = shifted - era * 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t from_march = (5 * day_of_year + 2) / 153;
    const int month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *ret_year = (int)(year_of_era + era * 400) + (month <= 2 ? 1 : 0);
    *ret_month = month;
    *ret_day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `count` digits at text, or -1. */
static int digits(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool parse_day(const char *text, size_t length, int32_t *ret_date)
{
    if (length != 10 || text[4] != '-' || text[7] != '-')
        return false;
    const int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (year < YEAR_MIN || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return false;
    *ret_date = date_from_civil(year, month, day);
    return true;
}

bool date_parse(const char *text, int32_t *ret_date)
{
    return text != NULL && parse_day(text, strlen(text), ret_date);
}

void date_format(int32_t date, char ret_text[DATE_TEXT])
{
    int year, month, day, length;
    date_to_civil(date, &year, &month, &day);
    length = snprintf(ret_text, DATE_TEXT, "%04d-%02d-%02d", year, month, day);
    assert(length > 0 && length < DATE_TEXT);
    (void)length;
}

/* ---- named periods by number ------------------------------------------------------------------------------------- */

static int months_of(enum period_kind kind)
{
    switch (kind) {
    case PERIOD_MONTH:
        return 1;
    case PERIOD_QUARTER:
        return 3;
    case PERIOD_HALF:
        return 6;
    case PERIOD_YEAR:
        return 12;
    case PERIOD_DAY:
    case PERIOD_WEEK:
    case PERIOD_SPAN:
        break;
    }
    return 0;
}

/* The number of the period of that kind which holds the day. Week 0 holds 1970-01-01, a Thursday. */
static int64_t ordinal_of_day(int32_t date, enum period_kind kind)
{
    const int months = months_of(kind);
    int year, month, day;
    if (kind == PERIOD_WEEK)
        return floor_divide((int64_t)date + 3, 7);
    if (months == 0)
        return date;
    date_to_civil(date, &year, &month, &day);
    return floor_divide((int64_t)year * 12 + month - 1, months);
}

/* First day of the month that is `months` months after January of year 0. */
static int32_t month_start(int64_t months)
{
    const int64_t year = floor_divide(months, 12);
    return date_from_civil((int)year, (int)(months - year * 12) + 1, 1);
}

static struct period period_of_ordinal(int64_t ordinal, enum period_kind kind)
{
    const int months = months_of(kind);
    if (kind == PERIOD_WEEK)
        return (struct period){kind, (int32_t)(ordinal * 7 - 3), (int32_t)(ordinal * 7 + 3)};
    if (months == 0)
        return (struct period){kind, (int32_t)ordinal, (int32_t)ordinal};
    return (struct period){kind, month_start(ordinal * months), month_start((ordinal + 1) * months) - 1};
}

struct period period_of_day(int32_t date, enum period_kind kind)
{
    assert(kind != PERIOD_SPAN);
    return period_of_ordinal(ordinal_of_day(date, kind), kind);
}

struct period period_span(int32_t first, int32_t last)
{
    return (struct period){PERIOD_SPAN, first, last};
}

/* ISO 8601: a week belongs to the year that holds its Thursday; week 1 holds 4 January. */
static void week_name(int32_t monday, int *ret_year, int *ret_week)
{
    int month, day;
    date_to_civil(monday + 3, ret_year, &month, &day);
    *ret_week = (monday + 3 - date_from_civil(*ret_year, 1, 1)) / 7 + 1;
}

/* False when that year has no such week. */
static bool week_of_year(int year, int week, struct period *ret_period)
{
    const int64_t first = ordinal_of_day(date_from_civil(year, 1, 4), PERIOD_WEEK);
    struct period period;
    int named_year, named_week;
    if (week < 1 || week > 53)
        return false;
    period = period_of_ordinal(first + week - 1, PERIOD_WEEK);
    week_name(period.first, &named_year, &named_week);
    if (named_year != year)
        return false;
    *ret_period = period;
    return true;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* Part `number` (from 1) of a year cut into months of that kind. */
static bool part_of_year(int year, int number, enum period_kind kind, struct period *ret_period)
{
    const int parts = 12 / months_of(kind);
    if (number < 1 || number > parts)
        return false;
    *ret_period = period_of_ordinal((int64_t)year * parts + number - 1, kind);
    return true;
}

static bool parse_named(const char *text, size_t length, struct period *ret_period)
{
    const int year = length >= 4 ? digits(text, 4) : -1;
    if (year < YEAR_MIN || (length > 4 && text[4] != '-'))
        return false;
    switch (length) {
    case 4:
        return part_of_year(year, 1, PERIOD_YEAR, ret_period);
    case 7:
        if (text[5] == 'S')
            return part_of_year(year, digits(text + 6, 1), PERIOD_HALF, ret_period);
        if (text[5] == 'Q')
            return part_of_year(year, digits(text + 6, 1), PERIOD_QUARTER, ret_period);
        return part_of_year(year, digits(text + 5, 2), PERIOD_MONTH, ret_period);
    case 8:
        return text[5] == 'W' && week_of_year(year, digits(text + 6, 2), ret_period);
    case 10:
        ret_period->kind = PERIOD_DAY;
        if (!parse_day(text, length, &ret_period->first))
            return false;
        ret_period->last = ret_period->first;
        return true;
    default:
        return false;
    }
}

static bool parse_span(const char *text, const char *dots, struct period *ret_period)
{
    struct period from, until;
    if (!parse_named(text, (size_t)(dots - text), &from) || !parse_named(dots + 2, strlen(dots + 2), &until) ||
        until.last < from.first)
        return false;
    *ret_period = period_span(from.first, until.last);
    return true;
}

enum status period_parse(const char *text, struct period *ret_period, struct fault *why)
{
    const char *dots = text == NULL ? NULL : strstr(text, "..");
    struct period period = {0};
    bool good = text != NULL;
    if (good)
        good = dots != NULL ? parse_span(text, dots, &period) : parse_named(text, strlen(text), &period);
    if (!good) {
        fault_set(why, MESSAGE_BAD_PERIOD, text == NULL ? "" : text, NULL);
        return STATUS_REFUSED;
    }
    *ret_period = period;
    return STATUS_OK;
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

#define NAME_TEXT 20

static void format_named(struct period period, char text[NAME_TEXT])
{
    int year, month, day, week = 0, length = 0;
    date_to_civil(period.first, &year, &month, &day);
    switch (period.kind) {
    case PERIOD_DAY:
    case PERIOD_SPAN:
        length = snprintf(text, NAME_TEXT, "%04d-%02d-%02d", year, month, day);
        break;
    case PERIOD_WEEK:
        week_name(period.first, &year, &week);
        length = snprintf(text, NAME_TEXT, "%04d-W%02d", year, week);
        break;
    case PERIOD_MONTH:
        length = snprintf(text, NAME_TEXT, "%04d-%02d", year, month);
        break;
    case PERIOD_QUARTER:
        length = snprintf(text, NAME_TEXT, "%04d-Q%d", year, (month - 1) / 3 + 1);
        break;
    case PERIOD_HALF:
        length = snprintf(text, NAME_TEXT, "%04d-S%d", year, (month - 1) / 6 + 1);
        break;
    case PERIOD_YEAR:
        length = snprintf(text, NAME_TEXT, "%04d", year);
        break;
    }
    assert(length > 0 && length < NAME_TEXT);
    (void)length;
}

/* Days far outside the named years, as of units without opening or closing days, have no neighbours to ask for. */
static bool is_named_time(struct period period)
{
    return period.first >= date_from_civil(YEAR_MIN, 1, 1) && period.last <= date_from_civil(YEAR_MAX, 12, 31) &&
           period.first <= period.last;
}

/* True when the period is made of at least `least` whole periods of the kind. */
static bool is_whole(struct period period, enum period_kind kind, int64_t least)
{
    const int64_t first = ordinal_of_day(period.first, kind), last = ordinal_of_day(period.last, kind);
    return is_named_time(period) && last - first + 1 >= least && period_of_ordinal(first, kind).first == period.first &&
           period_of_ordinal(last, kind).last == period.last;
}

/* What a span counts in. Months before halves and quarters, because that is how spans are asked for and what goals are
 * judged by; one whole year as its months and one whole week as its days, so that the two ends differ. */
static enum period_kind grain_of(struct period span)
{
    if (is_whole(span, PERIOD_YEAR, 2))
        return PERIOD_YEAR;
    if (is_whole(span, PERIOD_MONTH, 1))
        return PERIOD_MONTH;
    if (is_whole(span, PERIOD_WEEK, 2))
        return PERIOD_WEEK;
    return PERIOD_DAY;
}

void period_format(struct period period, char ret_text[PERIOD_TEXT])
{
    char from[NAME_TEXT], until[NAME_TEXT];
    int length;
    if (period.kind != PERIOD_SPAN) {
        format_named(period, from);
        length = snprintf(ret_text, PERIOD_TEXT, "%s", from);
    } else {
        const enum period_kind grain = grain_of(period);
        const bool days = grain == PERIOD_DAY;
        format_named(days ? period_span(period.first, period.first) : period_of_day(period.first, grain), from);
        format_named(days ? period_span(period.last, period.last) : period_of_day(period.last, grain), until);
        length = snprintf(ret_text, PERIOD_TEXT, "%s..%s", from, until);
    }
    assert(length > 0 && length < PERIOD_TEXT);
    (void)length;
}

static const char *const kind_names[] = {"day", "week", "month", "quarter", "half", "year"};

bool period_kind_by_name(const char *name, enum period_kind *ret_kind)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(kind_names); i++)
        if (strcmp(kind_names[i], name) == 0) {
            *ret_kind = (enum period_kind)i;
            return true;
        }
    return false;
}

const char *period_kind_name(enum period_kind kind)
{
    const unsigned number = (unsigned)kind;
    return number < ARRAY_LEN(kind_names) ? kind_names[number] : "span";
}

/* ---- neighbours --------------------------------------------------------------------------------------------------- */

/* The period `steps` times its own length later. */
static struct period moved(struct period period, int64_t steps)
{
    if (period.kind != PERIOD_SPAN)
        return period_of_ordinal(ordinal_of_day(period.first, period.kind) + steps, period.kind);
    if (is_whole(period, PERIOD_MONTH, 1)) {
        const int64_t first = ordinal_of_day(period.first, PERIOD_MONTH);
        const int64_t count = ordinal_of_day(period.last, PERIOD_MONTH) - first + 1;
        return period_span(month_start(first + steps * count), month_start(first + (steps + 1) * count) - 1);
    }
    const int64_t days = ((int64_t)period.last - period.first + 1) * steps;
    return period_span((int32_t)(period.first + days), (int32_t)(period.last + days));
}

struct period period_previous(struct period period)
{
    return moved(period, -1);
}

struct period period_next(struct period period)
{
    return moved(period, 1);
}

static bool named_year_before(struct period period, struct period *ret_period)
{
    const int months = months_of(period.kind);
    int year, month, day, week;
    date_to_civil(period.first, &year, &month, &day);
    if (period.kind == PERIOD_WEEK) {
        week_name(period.first, &year, &week);
        return year > YEAR_MIN && week_of_year(year - 1, week, ret_period);
    }
    if (year <= YEAR_MIN)
        return false;
    if (months != 0) {
        *ret_period = period_of_ordinal(ordinal_of_day(period.first, period.kind) - 12 / months, period.kind);
        return true;
    }
    if (day > days_of_month(year - 1, month))
        return false;
    *ret_period = period_of_day(date_from_civil(year - 1, month, day), PERIOD_DAY);
    return true;
}

bool period_year_before(struct period period, struct period *ret_period)
{
    struct period from, until;
    enum period_kind grain;
    if (!is_named_time(period) && period.kind == PERIOD_SPAN)
        return false;
    if (period.kind != PERIOD_SPAN)
        return named_year_before(period, ret_period);
    grain = grain_of(period);
    if (!named_year_before(period_of_day(period.first, grain), &from) ||
        !named_year_before(period_of_day(period.last, grain), &until))
        return false;
    *ret_period = period_span(from.first, until.last);
    return true;
}

bool period_contains(struct period outer, struct period inner)
{
    return outer.first <= inner.first && inner.last <= outer.last;
}

bool period_equal(struct period one, struct period other)
{
    return one.first == other.first && one.last == other.last;
}

/* ---- walking ------------------------------------------------------------------------------------------------------ */

/* The numbers of the first and last period of the kind inside `outer`; false when there is none. */
static bool ordinals_inside(struct period outer, enum period_kind kind, int64_t *ret_first, int64_t *ret_last)
{
    const int32_t earliest = date_from_civil(YEAR_MIN, 1, 1), latest = date_from_civil(YEAR_MAX, 12, 31);
    int64_t first, last;
    assert(kind != PERIOD_SPAN);
    if (outer.first < earliest)
        outer.first = earliest;
    if (outer.last > latest)
        outer.last = latest;
    if (outer.first > outer.last)
        return false;
    first = ordinal_of_day(outer.first, kind);
    last = ordinal_of_day(outer.last, kind);
    if (period_of_ordinal(first, kind).first < outer.first)
        first++;
    if (period_of_ordinal(last, kind).last > outer.last)
        last--;
    *ret_first = first;
    *ret_last = last;
    return first <= last;
}

bool period_first_inside(struct period outer, enum period_kind kind, struct period *ret_period)
{
    int64_t first, last;
    if (!ordinals_inside(outer, kind, &first, &last))
        return false;
    *ret_period = period_of_ordinal(first, kind);
    return true;
}

bool period_last_inside(struct period outer, enum period_kind kind, struct period *ret_period)
{
    int64_t first, last;
    if (!ordinals_inside(outer, kind, &first, &last))
        return false;
    *ret_period = period_of_ordinal(last, kind);
    return true;
}

bool period_next_inside(struct period outer, struct period *period)
{
    const struct period next = period_next(*period);
    if (next.last > outer.last)
        return false;
    *period = next;
    return true;
}

size_t period_count_inside(struct period outer, enum period_kind kind)
{
    int64_t first, last;
    return ordinals_inside(outer, kind, &first, &last) ? (size_t)(last - first + 1) : 0;
}
