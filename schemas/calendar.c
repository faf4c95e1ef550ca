/* calendar.c - working days from holidays.csv, and moments in the catalogue's local time.
 *
 * glibc's zone tables do the work (TZ is set once, before threads start). The offset written out is found by comparing
 * the local clock with the moment itself, because struct tm has no portable field for it. */
#include "calendar.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define SECONDS_OF_DAY 86400
#define ZONE_NAME_BYTES 64

/* ---- time zone ---------------------------------------------------------------------------------------------------- */

/* A name out of a catalogue becomes part of a path, so only names such as Asia/Shanghai or Etc/GMT+8 pass. */
static bool is_zone_name(const char *name)
{
    const size_t length = strlen(name);
    const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    return length > 0 && length < ZONE_NAME_BYTES && strspn(name, letters) == length && name[0] != '/' &&
           name[length - 1] != '/' && strstr(name, "//") == NULL;
}

static bool zone_is_installed(const char *name)
{
    char path[sizeof ZONE_FOLDER + 1 + ZONE_NAME_BYTES], magic[4] = "";
    const int length = snprintf(path, sizeof path, "%s/%s", ZONE_FOLDER, name);
    bool installed = false;
    FILE *file;
    if (length < 0 || (size_t)length >= sizeof path || (file = fopen(path, "rb")) == NULL)
        return false;
    installed = fread(magic, sizeof magic, 1, file) == 1 && memcmp(magic, "TZif", sizeof magic) == 0;
    if (fclose(file) != 0)
        installed = false;
    return installed;
}

bool calendar_knows_timezone(const char *timezone)
{
    return timezone != NULL && is_zone_name(timezone) && zone_is_installed(timezone);
}

enum status calendar_use_timezone(const char *timezone, struct fault *why)
{
    /* Unknown zones must be refused here: tzset would silently take UTC. */
    if (!calendar_knows_timezone(timezone) || setenv("TZ", timezone, 1) != 0) {
        fault_set(why, MESSAGE_UNKNOWN_TIMEZONE, timezone == NULL ? "" : timezone, NULL);
        return STATUS_REFUSED;
    }
    tzset();
    return STATUS_OK;
}

/* ---- working days ------------------------------------------------------------------------------------------------- */

static int compare_holiday(const void *key, const void *item)
{
    const int32_t date = *(const int32_t *)key, other = ((const struct holiday *)item)->date;
    return (date > other) - (date < other);
}

bool calendar_is_working_day(const struct catalogue *catalogue, int32_t date)
{
    const struct holiday *holiday = NULL;
    if (catalogue->holiday_count > 0)
        holiday = bsearch(&date, catalogue->holidays, catalogue->holiday_count, sizeof *catalogue->holidays,
                          compare_holiday);
    if (holiday != NULL)
        return holiday->works;
    /* 1970-01-01 was a Thursday: (date + 3) mod 7 counts from Monday. */
    return (((int64_t)date + 3) % 7 + 7) % 7 < 5;
}

int32_t calendar_due_date(const struct catalogue *catalogue, const struct form *form, struct period period)
{
    int64_t due = (int64_t)period.last + form->due_days;
    assert(due >= INT32_MIN && due <= INT32_MAX);
    /* Ends: the list of holidays is finite, and five days of every week beyond it are worked. */
    while (due < INT32_MAX && !calendar_is_working_day(catalogue, (int32_t)due))
        due++;
    return (int32_t)due;
}

int calendar_reporting_year(const struct catalogue *catalogue, struct period period)
{
    int year, month, day;
    date_to_civil(period.last, &year, &month, &day);
    const bool begun = month > catalogue->year_start_month ||
                       (month == catalogue->year_start_month && day >= catalogue->year_start_day);
    return begun ? year : year - 1;
}

/* ---- moments ------------------------------------------------------------------------------------------------------ */

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    const int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

/* Moments outside the years a period can name are held at the nearer end; only a broken clock sends them. */
static int64_t seconds_of(int64_t time_ms)
{
    const int64_t earliest = (int64_t)date_from_civil(1900, 1, 2) * SECONDS_OF_DAY;
    const int64_t latest = (int64_t)date_from_civil(9999, 12, 31) * SECONDS_OF_DAY - 1;
    const int64_t seconds = floor_divide(time_ms, 1000);
    return seconds < earliest ? earliest : seconds > latest ? latest : seconds;
}

static int64_t civil_seconds(const struct tm *civil)
{
    return (int64_t)date_from_civil(civil->tm_year + 1900, civil->tm_mon + 1, civil->tm_mday) * SECONDS_OF_DAY +
           (int64_t)civil->tm_hour * 3600 + civil->tm_min * 60 + civil->tm_sec;
}

/* How far the local clock is ahead of UTC at a moment, in seconds. */
static int64_t offset_at(int64_t seconds)
{
    const time_t moment = (time_t)seconds;
    struct tm local;
    if (localtime_r(&moment, &local) == NULL)
        return 0; /* cannot happen: seconds_of keeps the year within int */
    return civil_seconds(&local) - seconds;
}

int32_t calendar_local_day(int64_t time_ms)
{
    const int64_t seconds = seconds_of(time_ms);
    return (int32_t)floor_divide(seconds + offset_at(seconds), SECONDS_OF_DAY);
}

void calendar_format_time(int64_t time_ms, char ret_text[TIME_TEXT])
{
    const int64_t seconds = seconds_of(time_ms), offset = floor_divide(offset_at(seconds), 60);
    /* RFC 3339 has no seconds in an offset (Shanghai before 1901: +08:05:43); the clock shown follows the offset shown,
     * so that the text always names the same moment. */
    const int64_t local = seconds + offset * 60, of_day = local - floor_divide(local, SECONDS_OF_DAY) * SECONDS_OF_DAY;
    const int64_t distance = offset < 0 ? -offset : offset, milliseconds = (time_ms % 1000 + 1000) % 1000;
    char date[DATE_TEXT], fraction[8] = "";
    int length;
    date_format((int32_t)floor_divide(local, SECONDS_OF_DAY), date);
    if (milliseconds != 0 && snprintf(fraction, sizeof fraction, ".%03d", (int)milliseconds) < 0)
        fraction[0] = '\0';
    length = snprintf(ret_text, TIME_TEXT, "%s""T%02d:%02d:%02d%s%c%02d:%02d", date, (int)(of_day / 3600),
                      (int)(of_day / 60 % 60), (int)(of_day % 60), fraction, offset < 0 ? '-' : '+',
                      (int)(distance / 60), (int)(distance % 60));
    assert(length > 0 && length < TIME_TEXT);
    (void)length;
}

/* The first second of a local day. Searched for, not asked from mktime: clocks may be put forward at midnight, and then
 * the day starts at one o'clock. */
static int64_t start_of_day(int32_t date)
{
    int64_t before = ((int64_t)date - 2) * SECONDS_OF_DAY, after = ((int64_t)date + 2) * SECONDS_OF_DAY;
    while (after - before > 1) {
        const int64_t middle = before + (after - before) / 2;
        if (floor_divide(middle + offset_at(middle), SECONDS_OF_DAY) >= date)
            after = middle;
        else
            before = middle;
    }
    return after;
}

/* The moment at which the local clock shows this; false when it never does (an hour skipped in spring). */
static bool from_local(int64_t shown, int64_t *ret_seconds)
{
    for (int64_t guess = shown - offset_at(shown - SECONDS_OF_DAY / 2), tries = 0; tries < 4; tries++) {
        const int64_t difference = shown - (guess + offset_at(guess));
        if (difference == 0) {
            *ret_seconds = guess;
            return true;
        }
        guess += difference;
    }
    return false;
}

/* Exactly two digits up to `most` at text, or -1. */
static int two_digits(const char *text, int most)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    const int value = (text[0] - '0') * 10 + (text[1] - '0');
    return value <= most ? value : -1;
}

/* hh:mm at text, in minutes, or -1. */
static int hours_minutes(const char *text)
{
    const int hours = two_digits(text, 23);
    const int minutes = hours >= 0 && text[2] == ':' ? two_digits(text + 3, 59) : -1;
    return minutes < 0 ? -1 : hours * 60 + minutes;
}

/* :ss and .fff; moves *text. Digits beyond milliseconds are dropped. */
static bool take_seconds(const char **text, int64_t *ret_ms)
{
    const char *at = *text;
    const int seconds = at[0] == ':' ? two_digits(at + 1, 60) : -1; /* 60: a leap second, read as the next second */
    int64_t milliseconds = 0, weight = 100;
    if (seconds < 0)
        return false;
    at += 3;
    if (*at == '.') {
        if (*++at < '0' || *at > '9')
            return false;
        for (; *at >= '0' && *at <= '9'; at++, weight /= 10)
            milliseconds += (*at - '0') * weight;
    }
    *text = at;
    *ret_ms = seconds * 1000 + milliseconds;
    return true;
}

/* Z, +hh:mm or -hh:mm to the end of the text, in seconds. */
static bool take_offset(const char *text, int64_t *ret_offset)
{
    int minutes;
    if ((text[0] == 'Z' || text[0] == 'z') && text[1] == '\0') {
        *ret_offset = 0;
        return true;
    }
    if ((text[0] != '+' && text[0] != '-') || (minutes = hours_minutes(text + 1)) < 0 || text[6] != '\0')
        return false;
    *ret_offset = (text[0] == '-' ? -60 : 60) * (int64_t)minutes;
    return true;
}

/* What follows the date: time of day, then an offset or nothing (local time). */
static bool parse_clock(int32_t date, const char *text, int64_t *ret_time_ms)
{
    const int minutes = hours_minutes(text);
    int64_t rest_ms = 0, offset, seconds;
    const char *at = text + 5;
    if (minutes < 0)
        return false;
    const bool exact = take_seconds(&at, &rest_ms);
    seconds = (int64_t)date * SECONDS_OF_DAY + minutes * 60;
    if (exact && take_offset(at, &offset))
        seconds -= offset;
    else if (*at != '\0' || !from_local(seconds, &seconds))
        return false;
    *ret_time_ms = seconds * 1000 + rest_ms;
    return true;
}

bool calendar_parse_time(const char *text, int64_t *ret_time_ms)
{
    const size_t length = text == NULL ? 0 : strlen(text);
    char day[11];
    int32_t date;
    if (length < 10)
        return false;
    memcpy(day, text, 10);
    day[10] = '\0';
    if (!date_parse(day, &date))
        return false;
    if (length == 10) {
        *ret_time_ms = start_of_day(date) * 1000;
        return true;
    }
    if (text[10] != 'T' && text[10] != 't' && text[10] != ' ')
        return false;
    return parse_clock(date, text + 11, ret_time_ms);
}
