/* calendar.h - working days, due dates, and local time of the catalogue's timezone. Takes moments, never the clock. */
#ifndef SCHEMAS_CALENDAR_H
#define SCHEMAS_CALENDAR_H

#include "catalogue.h"
#include "period.h"

#include <stdint.h>

#define TIME_TEXT 40

/* Puts the process into the catalogue's timezone (TZ, tzset). Called once by each main before threads start.
 * STATUS_REFUSED when the zone is unknown on this machine (package tzdata). */
enum status calendar_use_timezone(const char *timezone, struct fault *why) MUST_CHECK;
bool calendar_knows_timezone(const char *timezone);
/* Saturday and Sunday rest unless holidays.csv says `workday`; its `holiday` rows rest. */
bool calendar_is_working_day(const struct catalogue *catalogue, int32_t date);
/* Due date of a form for a period: last day + due_days, moved on to the next working day. */
int32_t calendar_due_date(const struct catalogue *catalogue, const struct form *form, struct period period);
/* The reporting year that holds a period's last day, named after the calendar year in which it starts (year_start). */
int calendar_reporting_year(const struct catalogue *catalogue, struct period period);
/* Local calendar day of a moment (Unix milliseconds). */
int32_t calendar_local_day(int64_t time_ms);
/* RFC 3339 with seconds (milliseconds when not zero) and offset: 2020-09-30T08:15:02+08:00; parse also takes Z,
 * local time without an offset (seconds may then be left out), a space for the T, and a bare date as that day's first
 * moment in local time. False for a local time that the clock skipped. */
void calendar_format_time(int64_t time_ms, char ret_text[TIME_TEXT]);
bool calendar_parse_time(const char *text, int64_t *ret_time_ms);

#endif
