/* answer_reporting.c - `reporting`: one row for each report owed, or with --summary one row for each form with its
 * rates, in percent of the reports expected. */
#include "answer.h"
#include "memory.h"
#include "reports.h"

#include <stdlib.h>

static const char *const columns[] = {"form",  "unit",   "period",   "due",         "received_at",
                                      "state", "filled", "required", "hard_errors", "soft_flags"};
static const char *const summary_columns[] = {
    "form",           "unit",         "period", "reports_expected", "reports_received", "reports_on_time",
    "reporting_rate", "on_time_rate",
};

struct reporting {
    struct place place;
    struct period period;
    int32_t on;
};

static void add_report(struct asking *asking, const struct report *report)
{
    const struct catalogue *catalogue = asking->catalogue;
    table_add(asking->table, catalogue->forms[report->form].code);
    table_add(asking->table, catalogue->units[report->unit].code);
    add_period(asking->table, report->period);
    add_date(asking->table, report->due);
    add_time(asking->table, report->received_at);
    table_add(asking->table, report_state_text(report->state));
    table_add_number(asking->table, report->filled);
    table_add_number(asking->table, report->required);
    table_add_number(asking->table, report->hard_errors);
    table_add_number(asking->table, report->soft_flags);
}

/* Below the place on the day the period ends, as figures count it. */
static bool place_holds_on(const struct catalogue *catalogue, struct place place, uint32_t unit, int32_t day)
{
    for (size_t i = 0; i < place.scope.unit_count; i++)
        if (unit == place.scope.units[i] || catalogue_is_below(catalogue, unit, place.scope.units[i], day))
            return true;
    return false;
}

static enum status each_report(struct asking *asking, const struct reporting *asked, uint32_t form,
                               struct report_counts *counts)
{
    const struct catalogue *catalogue = asking->catalogue;
    const struct form *owed = &catalogue->forms[form];
    const struct level *level = &catalogue->levels[owed->level];
    struct period period;
    struct report report;
    enum status status = STATUS_OK;
    for (uint32_t slot = 0; slot < level->unit_count; slot++) {
        const uint32_t unit = level->unit_of_slot[slot];
        if (!place_holds(catalogue, asked->place, unit, asked->period))
            continue;
        for (bool more = period_first_inside(asked->period, owed->frequency, &period); more;
             more = period_next_inside(asked->period, &period)) {
            if (!catalogue_owes(catalogue, owed, unit, period) ||
                !place_holds_on(catalogue, asked->place, unit, period.last))
                continue;
            status = asking_room(asking, 1);
            if (status == STATUS_OK)
                status = reports_one(asking->figures, form, unit, period, asked->on, &report, asking->why);
            if (status != STATUS_OK)
                return status;
            if (counts == NULL) {
                add_report(asking, &report);
                continue;
            }
            counts->expected++;
            counts->received += report.state == REPORT_ON_TIME || report.state == REPORT_LATE;
            counts->on_time += report.state == REPORT_ON_TIME;
        }
    }
    return status;
}

static void add_rate(struct table *table, uint64_t part, uint64_t whole)
{
    mpq_t rate, hundred;
    if (whole == 0) {
        table_add(table, NULL);
        return;
    }
    mpq_inits(rate, hundred, NULL);
    ratio_set_int128(rate, (__int128)part * 100);
    ratio_set_int128(hundred, (__int128)whole);
    mpq_div(rate, rate, hundred);
    add_ratio(table, true, rate, 1);
    mpq_clears(rate, hundred, NULL);
}

static enum status add_summary(struct asking *asking, const struct reporting *asked, uint32_t form)
{
    struct report_counts counts = {0};
    /* Without a day these are the counters that formulas use too; a day asks each report what it was by then. */
    const enum status status = asking_option(asking, "on") != NULL
                                   ? each_report(asking, asked, form, &counts)
                                   : reports_count(asking->figures, form, asked->place.scope, asked->period, &counts,
                                                   asking->why);
    if (status != STATUS_OK)
        return status;
    table_add(asking->table, asking->catalogue->forms[form].code);
    table_add(asking->table, place_code(asking->catalogue, asked->place));
    add_asked_period(asking, "period", asked->period);
    table_add_number(asking->table, counts.expected);
    table_add_number(asking->table, counts.received);
    table_add_number(asking->table, counts.on_time);
    add_rate(asking->table, counts.received, counts.expected);
    add_rate(asking->table, counts.on_time, counts.expected);
    return STATUS_OK;
}

enum status answer_reporting(struct asking *asking)
{
    struct reporting asked = {.period = period_of_day(asking->today, PERIOD_YEAR), .on = asking->today};
    const bool summary = asking_flag(asking, "summary");
    enum status status = asking_place(asking, "unit", &asked.place);
    if (status == STATUS_OK)
        status = asking_period(asking, "period", &asked.period);
    if (status == STATUS_OK)
        status = asking_date(asking, "on", &asked.on);
    if (status != STATUS_OK)
        return status;
    if (summary)
        table_start(asking->table, summary_columns, ARRAY_LEN(summary_columns));
    else
        table_start(asking->table, columns, ARRAY_LEN(columns));
    for (uint32_t form = 0; form < asking->catalogue->form_count && status == STATUS_OK; form++)
        status = summary ? add_summary(asking, &asked, form) : each_report(asking, &asked, form, NULL);
    return status;
}
