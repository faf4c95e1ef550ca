/* Working days, due dates and moments in local time. */
#include "random.h"
#include "suite.h"

#include "calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void use(const char *timezone)
{
    CU_ASSERT_EQUAL_FATAL(calendar_use_timezone(timezone, NULL), STATUS_OK);
}

static int32_t day(const char *text)
{
    int32_t date = 0;
    CU_ASSERT_TRUE(date_parse(text, &date));
    return date;
}

/* The National Day week of 2020: rest from 1 to 8 October, worked Sundays and Saturdays around it. */
static struct holiday holidays[12];

static void fill_catalogue(struct catalogue *catalogue)
{
    size_t count = 0;
    holidays[count++] = (struct holiday){day("2020-09-27"), true};
    for (int32_t date = day("2020-10-01"); date <= day("2020-10-08"); date++)
        holidays[count++] = (struct holiday){date, false};
    holidays[count++] = (struct holiday){day("2020-10-10"), true};
    memset(catalogue, 0, sizeof *catalogue);
    catalogue->holidays = holidays;
    catalogue->holiday_count = count;
}

static void weekends_rest_unless_they_are_worked(void)
{
    static const struct {
        const char *date;
        bool works;
    } cases[] = {{"2020-09-25", true},  {"2020-09-26", false}, {"2020-09-27", true},  {"2020-09-28", true},
                 {"2020-09-30", true},  {"2020-10-01", false}, {"2020-10-08", false}, {"2020-10-09", true},
                 {"2020-10-10", true},  {"2020-10-11", false}, {"2020-10-12", true},  {"1969-12-31", true},
                 {"1970-01-03", false}, {"1969-12-28", false}, {"1969-12-29", true}};
    struct catalogue catalogue;
    fill_catalogue(&catalogue);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CU_ASSERT_EQUAL(calendar_is_working_day(&catalogue, day(cases[i].date)), cases[i].works);
}

static void a_due_date_moves_on_to_the_next_working_day(void)
{
    static const struct {
        const char *period;
        int32_t due_days;
        const char *due;
    } cases[] = {
        {"2020-09", 0, "2020-09-30"}, {"2020-09", 1, "2020-10-09"},     {"2020-09", 8, "2020-10-09"},
        {"2020-09", 9, "2020-10-09"}, {"2020-09", 10, "2020-10-10"},    {"2020-09", 11, "2020-10-12"},
        {"2020-08", 5, "2020-09-07"}, {"2020-09-25", 1, "2020-09-27"},  {"2020-Q3", 15, "2020-10-15"},
        {"2020", 31, "2021-02-01"},   {"2020-W39", 0, "2020-09-27"},    {"2020-09", -3, "2020-09-27"},
    };
    struct catalogue catalogue;
    fill_catalogue(&catalogue);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct form form = {.due_days = cases[i].due_days};
        struct period period = {0};
        char text[DATE_TEXT];
        CU_ASSERT_EQUAL(period_parse(cases[i].period, &period, NULL), STATUS_OK);
        date_format(calendar_due_date(&catalogue, &form, period), text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].due);
    }
}

static void without_holidays_only_weekends_rest(void)
{
    const struct catalogue catalogue = {0};
    int resting = 0;
    for (int32_t date = day("2020-01-06"); date < day("2020-01-06") + 700; date++)
        resting += calendar_is_working_day(&catalogue, date) ? 0 : 1;
    CU_ASSERT_EQUAL(resting, 200);
}

static void an_unknown_timezone_is_refused(void)
{
    static const char *const refuses[] = {"",        "Asia/Changzhou", "../../etc/passwd", "/etc/localtime",
                                          "Asia",    "Asia/Shanghai ", "CST-8",            ":UTC",
                                          "Asia//Shanghai", "Asia/../Asia/Shanghai", "tzdata.zi", "zone.tab"};
    use("Asia/Shanghai");
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++) {
        struct fault why = {0};
        CU_ASSERT_EQUAL(calendar_use_timezone(refuses[i], &why), STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, MESSAGE_UNKNOWN_TIMEZONE);
        CU_ASSERT_STRING_EQUAL(why.argument[0], refuses[i]);
    }
    CU_ASSERT_EQUAL(calendar_use_timezone(NULL, NULL), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(getenv("TZ"), "Asia/Shanghai");
}

static void a_moment_is_written_in_local_time(void)
{
    static const struct {
        const char *zone;
        int64_t time_ms;
        const char *text;
    } cases[] = {
        {"Asia/Shanghai", 0, "1970-01-01T08:00:00+08:00"},
        {"Asia/Shanghai", 1601424902000, "2020-09-30T08:15:02+08:00"},
        {"Asia/Shanghai", 1601424902007, "2020-09-30T08:15:02.007+08:00"},
        {"Asia/Shanghai", -1, "1970-01-01T07:59:59.999+08:00"},
        {"Asia/Shanghai", 1601395199000, "2020-09-29T23:59:59+08:00"},
        {"Asia/Shanghai", 1601395200000, "2020-09-30T00:00:00+08:00"},
        {"Asia/Shanghai", 549216000000, "1987-05-29T01:00:00+09:00"}, /* summer time, 1986 to 1991 */
        {"UTC", 0, "1970-01-01T00:00:00+00:00"},
        {"America/New_York", 1601424902000, "2020-09-29T20:15:02-04:00"},
        {"America/New_York", 1577836800000, "2019-12-31T19:00:00-05:00"},
        {"Asia/Kathmandu", 1577836800000, "2020-01-01T05:45:00+05:45"},
        {"Africa/Monrovia", 0, "1969-12-31T23:15:00-00:45"}, /* -00:44:30, which no offset can show */
        {"America/St_Johns", 1577836800000, "2019-12-31T20:30:00-03:30"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[TIME_TEXT];
        int64_t back = 7;
        use(cases[i].zone);
        calendar_format_time(cases[i].time_ms, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
        CU_ASSERT_TRUE(calendar_parse_time(cases[i].text, &back));
        CU_ASSERT_EQUAL(back, cases[i].time_ms);
    }
}

static void a_moment_is_read_with_its_offset_or_as_local_time(void)
{
    static const struct {
        const char *text;
        int64_t time_ms;
    } cases[] = {
        {"2020-09-30T00:15:02Z", 1601424902000},       {"2020-09-30t00:15:02z", 1601424902000},
        {"2020-09-30 08:15:02+08:00", 1601424902000},  {"2020-09-29T20:15:02-04:00", 1601424902000},
        {"2020-09-30T08:15:02", 1601424902000},        {"2020-09-30 08:15:02.5", 1601424902500},
        {"2020-09-30 08:15", 1601424900000},           {"2020-09-30T00:15:02.1239999Z", 1601424902123},
        {"2020-09-30", 1601395200000},                 {"1970-01-01", -28800000},
        {"2016-12-31T23:59:60Z", 1483228800000},       {"1969-12-31T23:59:59.001Z", -999},
    };
    static const char *const refuses[] = {
        "", "2020", "2020-09", "2020-09-31", "2020-09-30T", "2020-09-30T08", "2020-09-30T08:1", "2020-09-30T8:15:02",
        "2020-09-30T24:00:00Z", "2020-09-30T08:60:00Z", "2020-09-30T08:15:61Z", "2020-09-30T08:15:02.Z", "2020-09-30T08:15Z",
        "2020-09-30T08:15:02+8", "2020-09-30T08:15:02+0800", "2020-09-30T08:15:02+24:00", "2020-09-30T08:15:02+08:60",
        "2020-09-30T08:15:02 +08:00", "2020-09-30T08:15:02Zx", "2020-09-30T08:15:02+08:00x", "2020-09-30  08:15:02",
        "2020-09-30Z", "2020-09-30T08:15:02Q", "2020/09/30", "20200930T081502Z", "2020-09-30T08:15:", "2020-09-30T08-15-02"};
    use("Asia/Shanghai");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t time_ms = 7;
        if (!calendar_parse_time(cases[i].text, &time_ms) || time_ms != cases[i].time_ms)
            printf("\n  %s: %" PRId64 "\n", cases[i].text, time_ms);
        CU_ASSERT_EQUAL(time_ms, cases[i].time_ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++) {
        int64_t time_ms = 7;
        const bool read = calendar_parse_time(refuses[i], &time_ms);
        if (read)
            printf("\n  accepted: %s\n", refuses[i]);
        CU_ASSERT_FALSE(read);
        CU_ASSERT_EQUAL(time_ms, 7);
    }
    CU_ASSERT_FALSE(calendar_parse_time(NULL, NULL));
}

static void a_day_starts_when_its_first_hour_does(void)
{
    int64_t time_ms = 0;
    char text[TIME_TEXT];
    use("America/Sao_Paulo"); /* clocks went forward at midnight: 2018-11-04 began at 01:00 */
    CU_ASSERT_TRUE(calendar_parse_time("2018-11-04", &time_ms));
    calendar_format_time(time_ms, text);
    CU_ASSERT_STRING_EQUAL(text, "2018-11-04T01:00:00-02:00");
    CU_ASSERT_FALSE(calendar_parse_time("2018-11-04T00:30:00", &time_ms));
    CU_ASSERT_TRUE(calendar_parse_time("2018-11-04T01:30:00", &time_ms));
    use("America/New_York");
    CU_ASSERT_FALSE(calendar_parse_time("2020-03-08T02:30:00", &time_ms));
    CU_ASSERT_TRUE(calendar_parse_time("2020-11-01T01:30:00", &time_ms)); /* twice that day: one of the two */
    use("Asia/Shanghai");
}

static void the_local_day_changes_at_local_midnight(void)
{
    use("Asia/Shanghai");
    CU_ASSERT_EQUAL(calendar_local_day(1601395199999), day("2020-09-29"));
    CU_ASSERT_EQUAL(calendar_local_day(1601395200000), day("2020-09-30"));
    CU_ASSERT_EQUAL(calendar_local_day(-28800001), day("1969-12-31"));
    CU_ASSERT_EQUAL(calendar_local_day(-28800000), day("1970-01-01"));
}

static void a_broken_clock_does_no_harm(void)
{
    static const int64_t moments[] = {INT64_MIN, INT64_MIN + 999, INT64_MAX, INT64_MAX - 999};
    use("Asia/Shanghai");
    for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
        char text[TIME_TEXT];
        calendar_format_time(moments[i], text);
        CU_ASSERT(strlen(text) >= 25);
        const int32_t date = calendar_local_day(moments[i]);
        CU_ASSERT(date >= day("1900-01-01") && date <= day("9999-12-31") + 1);
    }
}

static void any_moment_reads_back_from_its_text(void)
{
    static const char *const zones[] = {"Asia/Shanghai", "UTC", "America/New_York", "Europe/London", "Asia/Kathmandu"};
    random_start("calendar");
    for (size_t zone = 0; zone < ARRAY_LEN(zones); zone++) {
        use(zones[zone]);
        for (int round = 0; round < 20000; round++) {
            const int64_t time_ms = (int64_t)(draw() % 6500000000000u) - 2200000000000; /* 1900 to 2106 */
            int64_t back = 0;
            int32_t date = 0;
            char text[TIME_TEXT];
            calendar_format_time(time_ms, text);
            const bool read = calendar_parse_time(text, &back);
            text[10] = '\0';
            /* The day as well, except where the offset has seconds that RFC 3339 cannot show. */
            const bool same_day = time_ms < -1500000000000 ||
                                  (date_parse(text, &date) && date == calendar_local_day(time_ms));
            if (!read || back != time_ms || !same_day) {
                printf("\n  %s %" PRId64 "\n", zones[zone], time_ms);
                CU_FAIL("did not read back");
                return;
            }
        }
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(weekends_rest_unless_they_are_worked),
        SENTENCE(a_due_date_moves_on_to_the_next_working_day),
        SENTENCE(without_holidays_only_weekends_rest),
        SENTENCE(an_unknown_timezone_is_refused),
        SENTENCE(a_moment_is_written_in_local_time),
        SENTENCE(a_moment_is_read_with_its_offset_or_as_local_time),
        SENTENCE(a_day_starts_when_its_first_hour_does),
        SENTENCE(the_local_day_changes_at_local_midnight),
        SENTENCE(a_broken_clock_does_no_harm),
        SENTENCE(any_moment_reads_back_from_its_text),
    };
    return suite_run("calendar", sentences, ARRAY_LEN(sentences));
}
