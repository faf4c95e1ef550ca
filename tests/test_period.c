/* Days, named periods, spans, neighbours and walking, against a calendar counted day by day. */
#include "random.h"
#include "suite.h"

#include "period.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct period read_period(const char *text)
{
    struct period period = {PERIOD_SPAN, 1, 0};
    const enum status status = period_parse(text, &period, NULL);
    if (status != STATUS_OK)
        printf("\n  not read: %s\n", text);
    CU_ASSERT_EQUAL(status, STATUS_OK);
    return period;
}

static int32_t read_date(const char *text)
{
    int32_t date = 0;
    CU_ASSERT_TRUE(date_parse(text, &date));
    return date;
}

static void days_are_counted_without_a_gap_from_1900_to_9999(void)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t expected = -25567; /* 1900-01-01 */
    size_t wrong = 0;
    for (int year = 1900; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            for (int day = 1; day <= month_days[month - 1] + (leap && month == 2 ? 1 : 0); day++, expected++) {
                int y = 0, m = 0, d = 0;
                date_to_civil(expected, &y, &m, &d);
                wrong += date_from_civil(year, month, day) != expected || y != year || m != month || d != day ? 1 : 0;
            }
        }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(date_from_civil(1970, 1, 1), 0);
    CU_ASSERT_EQUAL(date_from_civil(2000, 3, 1), 11017);
    CU_ASSERT_EQUAL(date_from_civil(9999, 12, 31), 2932896);
}

static void the_first_and_last_day_of_all_still_have_a_date(void)
{
    static const int32_t ends[] = {INT32_MIN, INT32_MIN + 1, -1, 0, INT32_MAX - 1, INT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        char text[DATE_TEXT];
        int year, month, day;
        date_to_civil(ends[i], &year, &month, &day);
        CU_ASSERT_EQUAL(date_from_civil(year, month, day), ends[i]);
        date_format(ends[i], text);
        CU_ASSERT(strlen(text) >= 10);
    }
}

static void a_date_is_read_strictly(void)
{
    static const char *const refuses[] = {
        "", "2020", "2020-3-9", "2020-03-9", "2020-02-30", "2019-02-29", "1900-02-29", "2020-13-01", "2020-00-01",
        "2020-01-00", "2020-01-32", "2020-04-31", "2020/01/01", "20200101", "2020-01-01 ", " 2020-01-01", "1899-12-31",
        "10000-01-01", "2020-01-1a", "-020-01-01", "2020-1-001", "２020-01-01", "2020-01-01T"};
    int32_t date = 77;
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++)
        CU_ASSERT_FALSE(date_parse(refuses[i], &date));
    CU_ASSERT_FALSE(date_parse(NULL, &date));
    CU_ASSERT_EQUAL(date, 77);
    CU_ASSERT_EQUAL(read_date("2000-02-29"), date_from_civil(2000, 2, 29));
    CU_ASSERT_EQUAL(read_date("1900-01-01"), -25567);
}

struct named {
    const char *text;
    enum period_kind kind;
    const char *first, *last;
};

static const struct named names[] = {
    {"2020", PERIOD_YEAR, "2020-01-01", "2020-12-31"},      {"2020-S1", PERIOD_HALF, "2020-01-01", "2020-06-30"},
    {"2020-S2", PERIOD_HALF, "2020-07-01", "2020-12-31"},   {"2020-Q1", PERIOD_QUARTER, "2020-01-01", "2020-03-31"},
    {"2020-Q4", PERIOD_QUARTER, "2020-10-01", "2020-12-31"}, {"2020-02", PERIOD_MONTH, "2020-02-01", "2020-02-29"},
    {"2019-02", PERIOD_MONTH, "2019-02-01", "2019-02-28"},  {"2020-12", PERIOD_MONTH, "2020-12-01", "2020-12-31"},
    {"2020-W10", PERIOD_WEEK, "2020-03-02", "2020-03-08"},  {"2020-W01", PERIOD_WEEK, "2019-12-30", "2020-01-05"},
    {"2020-W53", PERIOD_WEEK, "2020-12-28", "2021-01-03"},  {"2021-W01", PERIOD_WEEK, "2021-01-04", "2021-01-10"},
    {"2015-W53", PERIOD_WEEK, "2015-12-28", "2016-01-03"},  {"2024-W01", PERIOD_WEEK, "2024-01-01", "2024-01-07"},
    {"2020-03-09", PERIOD_DAY, "2020-03-09", "2020-03-09"}, {"1900", PERIOD_YEAR, "1900-01-01", "1900-12-31"},
    {"9999", PERIOD_YEAR, "9999-01-01", "9999-12-31"},
};

static void a_named_period_has_its_days_and_its_name(void)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct period period = read_period(names[i].text);
        char text[PERIOD_TEXT];
        CU_ASSERT_EQUAL(period.kind, names[i].kind);
        CU_ASSERT_EQUAL(period.first, read_date(names[i].first));
        CU_ASSERT_EQUAL(period.last, read_date(names[i].last));
        period_format(period, text);
        CU_ASSERT_STRING_EQUAL(text, names[i].text);
    }
}

static void anything_else_is_no_period(void)
{
    static const char *const refuses[] = {
        "", "20", "202", "20200", "2020-", "2020-S0", "2020-S3", "2020-Q0", "2020-Q5", "2020-q1", "2020-s1", "2020-00",
        "2020-13", "2020-1", "2020-W00", "2020-W54", "2019-W53", "2021-W53", "2020-W1", "2020-w10", "2020-W1a", "2020Q1",
        "2020-02-30", "2020-0309", "2020/03", "202003", "2020年", "2020年3月", "1899", "10000", "2020 ", " 2020", "abcd",
        "2020-..2021", "..", "2020..", "..2020", "2020...2021", "2020..2021..2022", "2021..2020", "2020-03..2020-02",
        "2020-Q2..2020-01", "2020.2021", "2020 .. 2021", "2020-01..2020-13", "2020--1", "2020-+1", "+020", "2020-Q12"};
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++) {
        struct period period = {PERIOD_DAY, 7, 7};
        struct fault why = {0};
        const enum status status = period_parse(refuses[i], &period, &why);
        if (status != STATUS_REFUSED)
            printf("\n  accepted: %s\n", refuses[i]);
        CU_ASSERT_EQUAL(status, STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, MESSAGE_BAD_PERIOD);
        CU_ASSERT(period.kind == PERIOD_DAY && period.first == 7);
    }
}

static void a_span_runs_from_the_first_day_to_the_last(void)
{
    static const struct {
        const char *text, *first, *last, *written;
    } cases[] = {
        {"2020-01..2020-08", "2020-01-01", "2020-08-31", "2020-01..2020-08"},
        {"2020-01..2020-01", "2020-01-01", "2020-01-31", "2020-01..2020-01"},
        {"2020-01..2020-12", "2020-01-01", "2020-12-31", "2020-01..2020-12"},
        {"2020..2020", "2020-01-01", "2020-12-31", "2020-01..2020-12"},
        {"2019..2020", "2019-01-01", "2020-12-31", "2019..2020"},
        {"2020-Q1..2020-Q3", "2020-01-01", "2020-09-30", "2020-01..2020-09"},
        {"2020-S1..2020-08", "2020-01-01", "2020-08-31", "2020-01..2020-08"},
        {"2020..2020-03", "2020-01-01", "2020-03-31", "2020-01..2020-03"},
        {"2020-03..2020", "2020-03-01", "2020-12-31", "2020-03..2020-12"},
        {"2020-W10..2020-W12", "2020-03-02", "2020-03-22", "2020-W10..2020-W12"},
        {"2020-W53..2021-W01", "2020-12-28", "2021-01-10", "2020-W53..2021-W01"},
        {"2020-W10..2020-W10", "2020-03-02", "2020-03-08", "2020-03-02..2020-03-08"},
        {"2020-03-09..2020-03-09", "2020-03-09", "2020-03-09", "2020-03-09..2020-03-09"},
        {"2020-01-01..2020-08-30", "2020-01-01", "2020-08-30", "2020-01-01..2020-08-30"},
        {"2020-01-02..2020-08", "2020-01-02", "2020-08-31", "2020-01-02..2020-08-31"},
        {"2021-02..2021-02", "2021-02-01", "2021-02-28", "2021-02..2021-02"}, /* four whole weeks, but a month */
        {"1900..9999", "1900-01-01", "9999-12-31", "1900..9999"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct period period = read_period(cases[i].text);
        char text[PERIOD_TEXT];
        CU_ASSERT_EQUAL(period.kind, PERIOD_SPAN);
        CU_ASSERT_EQUAL(period.first, read_date(cases[i].first));
        CU_ASSERT_EQUAL(period.last, read_date(cases[i].last));
        period_format(period, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].written);
    }
}

static void every_period_reads_back_from_its_text(void)
{
    const int32_t first = read_date("1900-01-01"), days = read_date("9999-01-01") - first;
    random_start("text");
    for (int round = 0; round < 100000; round++) {
        const int32_t from = first + (int32_t)(draw() % (uint64_t)days);
        const int32_t until = from + (int32_t)(draw() % 365 * (draw() % 2));
        struct period period, back = {PERIOD_DAY, 0, -1};
        char text[PERIOD_TEXT];
        if (draw() % 2 == 0)
            period = period_of_day(from, (enum period_kind)(draw() % PERIOD_SPAN));
        else if (draw() % 2 == 0)
            period = period_span(period_of_day(from, (enum period_kind)(draw() % PERIOD_SPAN)).first,
                                 period_of_day(until, (enum period_kind)(draw() % PERIOD_SPAN)).last);
        else
            period = period_span(from, until);
        if (period.first < first || period.first > period.last)
            continue;
        period_format(period, text);
        if (period_parse(text, &back, NULL) != STATUS_OK || !period_equal(back, period) || back.kind != period.kind) {
            printf("\n  %s\n", text);
            CU_FAIL("did not read back");
            return;
        }
    }
}

static void far_spans_are_still_written(void)
{
    char text[PERIOD_TEXT];
    period_format(period_span(INT32_MIN, INT32_MAX), text);
    CU_ASSERT_STRING_EQUAL(text, "-5877641-06-23..5881580-07-11");
}

static void kinds_have_names(void)
{
    static const char *const kinds[] = {"day", "week", "month", "quarter", "half", "year"};
    enum period_kind kind = PERIOD_SPAN;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        CU_ASSERT_TRUE(period_kind_by_name(kinds[i], &kind));
        CU_ASSERT_EQUAL(kind, (enum period_kind)i);
        CU_ASSERT_STRING_EQUAL(period_kind_name(kind), kinds[i]);
    }
    CU_ASSERT_FALSE(period_kind_by_name("span", &kind));
    CU_ASSERT_FALSE(period_kind_by_name("", &kind));
    CU_ASSERT_FALSE(period_kind_by_name("Month", &kind));
    CU_ASSERT_FALSE(period_kind_by_name(NULL, &kind));
}

static void weeks_agree_with_the_c_library(void)
{
    size_t wrong = 0;
    for (int32_t date = read_date("1900-01-01"); date <= read_date("2199-12-31"); date++) {
        const time_t moment = (time_t)date * 86400;
        struct tm civil;
        char expected[PERIOD_TEXT], text[PERIOD_TEXT];
        CU_ASSERT_PTR_NOT_NULL_FATAL(gmtime_r(&moment, &civil));
        (void)strftime(expected, sizeof expected, "%G-W%V", &civil);
        period_format(period_of_day(date, PERIOD_WEEK), text);
        wrong += strcmp(text, expected) != 0 ? 1 : 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void every_day_lies_in_one_period_of_each_kind_and_they_adjoin(void)
{
    for (enum period_kind kind = PERIOD_DAY; kind < PERIOD_SPAN; kind++) {
        struct period current = period_of_day(read_date("1995-01-01"), kind);
        size_t wrong = 0;
        for (int32_t date = read_date("1995-01-01"); date < read_date("2030-01-01"); date++) {
            const struct period period = period_of_day(date, kind);
            if (date > current.last) {
                const struct period next = period_next(current);
                wrong += next.first != current.last + 1 || !period_equal(next, period) ||
                                 !period_equal(period_previous(next), current) || next.kind != kind
                             ? 1
                             : 0;
                current = next;
            }
            wrong += !period_equal(period, current) || period.first > date || period.last < date ? 1 : 0;
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
}

static void neighbours_are_as_long_as_the_period(void)
{
    static const struct {
        const char *period, *previous, *next;
    } cases[] = {
        {"2020", "2019", "2021"},
        {"2020-S1", "2019-S2", "2020-S2"},
        {"2020-Q1", "2019-Q4", "2020-Q2"},
        {"2020-01", "2019-12", "2020-02"},
        {"2020-W53", "2020-W52", "2021-W01"},
        {"2020-03-01", "2020-02-29", "2020-03-02"},
        {"2020-01..2020-08", "2019-05..2019-12", "2020-09..2021-04"},
        {"2020-03..2020-03", "2020-02..2020-02", "2020-04..2020-04"},
        {"2019..2020", "2017..2018", "2021..2022"},
        {"2020-W10..2020-W11", "2020-W08..2020-W09", "2020-W12..2020-W13"},
        {"2020-03-01..2020-03-10", "2020-02-20..2020-02-29", "2020-03-11..2020-03-20"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[PERIOD_TEXT];
        period_format(period_previous(read_period(cases[i].period)), text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].previous);
        period_format(period_next(read_period(cases[i].period)), text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].next);
    }
}

static void the_year_before_keeps_the_name(void)
{
    static const struct {
        const char *period, *before;
    } cases[] = {
        {"2020", "2019"},
        {"2020-S2", "2019-S2"},
        {"2020-Q1", "2019-Q1"},
        {"2020-03", "2019-03"},
        {"2020-02", "2019-02"},
        {"2021-02", "2020-02"},
        {"2020-W10", "2019-W10"},
        {"2021-W52", "2020-W52"},
        {"2020-03-09", "2019-03-09"},
        {"2021-02-28", "2020-02-28"},
        {"2020-01..2020-08", "2019-01..2019-08"},
        {"2020-01..2020-02", "2019-01..2019-02"},
        {"2019..2020", "2018..2019"},
        {"2020-11..2021-02", "2019-11..2020-02"},
        {"2020-W10..2020-W12", "2019-W10..2019-W12"},
        {"2020-02-27..2020-03-05", "2019-02-27..2019-03-05"},
        {"2020-W53", NULL},
        {"2020-02-29", NULL},
        {"2020-W52..2020-W53", NULL},
        {"2020-02-29..2020-03-10", NULL},
        {"2020-02-20..2020-02-29", NULL},
        {"1900", NULL},
        {"1900-03", NULL},
        {"1900-W10", NULL},
        {"1900-03-09", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct period before = {PERIOD_DAY, 7, 7};
        const bool there_is = period_year_before(read_period(cases[i].period), &before);
        char text[PERIOD_TEXT];
        CU_ASSERT_EQUAL(there_is, cases[i].before != NULL);
        if (there_is && cases[i].before != NULL) {
            period_format(before, text);
            CU_ASSERT_STRING_EQUAL(text, cases[i].before);
        } else {
            CU_ASSERT_EQUAL(before.first, 7);
        }
    }
}

static void inside_is_about_days(void)
{
    const struct period year = read_period("2020"), quarter = read_period("2020-Q1"), week = read_period("2020-W01");
    CU_ASSERT_TRUE(period_contains(year, quarter));
    CU_ASSERT_TRUE(period_contains(year, year));
    CU_ASSERT_FALSE(period_contains(quarter, year));
    CU_ASSERT_FALSE(period_contains(year, week));
    CU_ASSERT_TRUE(period_equal(year, read_period("2020-01..2020-12")));
    CU_ASSERT_FALSE(period_equal(year, read_period("2021")));
}

/* All periods of the kind inside, found by looking at every day. */
static size_t walk_naively(struct period outer, enum period_kind kind, struct period *found, size_t capacity)
{
    size_t count = 0;
    for (int32_t day = outer.first; day <= outer.last; day++) {
        const struct period period = period_of_day(day, kind);
        if (period.first == day && period.last <= outer.last && count < capacity)
            found[count++] = period;
    }
    return count;
}

static void a_walk_meets_every_period_inside_once_and_in_order(void)
{
    struct period found[1500], period;
    random_start("walk");
    for (int round = 0; round < 3000; round++) {
        const int32_t first = read_date("1990-01-01") + (int32_t)(draw() % 20000);
        const struct period outer = period_span(first, first + (int32_t)(draw() % (draw() % 2 == 0 ? 40 : 1200)));
        const enum period_kind kind = (enum period_kind)(draw() % PERIOD_SPAN);
        const size_t count = walk_naively(outer, kind, found, ARRAY_LEN(found));
        size_t met = 0;
        bool same = period_count_inside(outer, kind) == count;
        for (bool more = period_first_inside(outer, kind, &period); more; more = period_next_inside(outer, &period))
            same = same && met < count && period_equal(period, found[met++]) && period.kind == kind;
        same = same && met == count && period_last_inside(outer, kind, &period) == (count > 0) &&
               (count == 0 || period_equal(period, found[count - 1]));
        if (!same) {
            char text[PERIOD_TEXT];
            period_format(outer, text);
            printf("\n  %s by %s\n", text, period_kind_name(kind));
            CU_FAIL("walked differently");
            return;
        }
    }
}

static void a_walk_without_limits_keeps_to_the_named_years(void)
{
    struct period period;
    CU_ASSERT_EQUAL(period_count_inside(period_span(INT32_MIN, INT32_MAX), PERIOD_YEAR), 8100);
    CU_ASSERT_EQUAL(period_count_inside(period_span(INT32_MIN, INT32_MAX), PERIOD_MONTH), 97200);
    CU_ASSERT_TRUE(period_first_inside(period_span(INT32_MIN, INT32_MAX), PERIOD_MONTH, &period));
    CU_ASSERT_TRUE(period_equal(period, read_period("1900-01")));
    CU_ASSERT_TRUE(period_last_inside(period_span(INT32_MIN, INT32_MAX), PERIOD_MONTH, &period));
    CU_ASSERT_TRUE(period_equal(period, read_period("9999-12")));
    CU_ASSERT_FALSE(period_first_inside(period_span(5, 4), PERIOD_DAY, &period));
    CU_ASSERT_EQUAL(period_count_inside(read_period("2020-01"), PERIOD_YEAR), 0);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(days_are_counted_without_a_gap_from_1900_to_9999),
        SENTENCE(the_first_and_last_day_of_all_still_have_a_date),
        SENTENCE(a_date_is_read_strictly),
        SENTENCE(a_named_period_has_its_days_and_its_name),
        SENTENCE(anything_else_is_no_period),
        SENTENCE(a_span_runs_from_the_first_day_to_the_last),
        SENTENCE(every_period_reads_back_from_its_text),
        SENTENCE(far_spans_are_still_written),
        SENTENCE(kinds_have_names),
        SENTENCE(weeks_agree_with_the_c_library),
        SENTENCE(every_day_lies_in_one_period_of_each_kind_and_they_adjoin),
        SENTENCE(neighbours_are_as_long_as_the_period),
        SENTENCE(the_year_before_keeps_the_name),
        SENTENCE(inside_is_about_days),
        SENTENCE(a_walk_meets_every_period_inside_once_and_in_order),
        SENTENCE(a_walk_without_limits_keeps_to_the_named_years),
    };
    return suite_run("period", sentences, ARRAY_LEN(sentences));
}
