/* fuzz_period.c - any text as a period, a date, a moment: written it reads the same; neighbours are neighbours. */
#include "fuzz.h"

#include "calendar.h"
#include "memory.h"
#include "period.h"

#include <stdlib.h>
#include <string.h>

static void walk(struct period period)
{
    struct period inside;
    size_t count = 0;
    for (bool more = period_first_inside(period, PERIOD_MONTH, &inside); more && count < 400;
         more = period_next_inside(period, &inside), count++)
        fuzz_require(period_contains(period, inside), "what is walked inside lies inside");
    if (count < 400)
        fuzz_require(count == period_count_inside(period, PERIOD_MONTH), "the walk visits what is counted");
}

static void look_at_period(const char *text)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct period period, again, other;
    char written[PERIOD_TEXT], twice[PERIOD_TEXT];
    const enum status status = period_parse(text, &period, &why);
    fuzz_require_reason(status, &why);
    if (status != STATUS_OK)
        return;
    fuzz_require(period.first <= period.last, "a period does not end before it starts");
    period_format(period, written);
    fuzz_require(period_parse(written, &again, &why) == STATUS_OK && period_equal(period, again),
                 "a written period reads as the same days");
    period_format(again, twice);
    fuzz_require(strcmp(written, twice) == 0, "a period has one text");
    if (period.first > date_from_civil(1910, 1, 1) && period.last < date_from_civil(5000, 1, 1)) {
        other = period_next(period);
        fuzz_require(other.first == period.last + 1, "the next period starts the day after");
        other = period_previous(period);
        fuzz_require(other.last + 1 == period.first, "the period before ends the day before");
        if (period_year_before(period, &other))
            fuzz_require(other.first < period.first && other.first <= other.last, "a year before is before");
    }
    walk(period);
}

static void look_at_time(const char *text)
{
    char written[TIME_TEXT];
    int64_t time_ms, again;
    int32_t date, day;
    if (date_parse(text, &date)) {
        char date_text[DATE_TEXT];
        date_format(date, date_text);
        fuzz_require(strcmp(text, date_text) == 0, "a date has one text");
    }
    if (!calendar_parse_time(text, &time_ms) || time_ms < -2082844800000 || time_ms > 253000000000000)
        return; /* beyond the years 1904 to 9987 moments may be held at the end that a period can name */
    calendar_format_time(time_ms, written);
    fuzz_require(strlen(written) < TIME_TEXT, "a moment fits its text");
    day = calendar_local_day(time_ms);
    fuzz_require(calendar_parse_time(written, &again) && again == time_ms, "a written moment reads as the same moment");
    written[10] = '\0';
    fuzz_require(date_parse(written, &date) && date == day, "a moment lies in its local day");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static bool zoned;
    struct fault why = {.message = MESSAGE_NONE};
    enum period_kind kind;
    if (!fuzz_is_text(bytes, length))
        return;
    char *text = memory_copy_text_length((const char *)bytes, length);
    if (!zoned)
        fuzz_require(calendar_use_timezone("Asia/Shanghai", &why) == STATUS_OK, "the zone of the contract is known");
    zoned = true;
    look_at_period(text);
    look_at_time(text);
    if (period_kind_by_name(text, &kind))
        fuzz_require(strcmp(period_kind_name(kind), text) == 0, "a kind has one name");
    (void)calendar_knows_timezone(text);
    free(text);
}
