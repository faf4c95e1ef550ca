/* reports.c - who owes which form for which period, and what became of it. Nothing is kept: filled, broken rules and flags
 * are read from the live cells each time, so a correction is seen at once; only the moment a report first was complete
 * comes from the abacus, which noted it when it happened. */
#include "reports.h"

#include "calendar.h"
#include "combine.h"

#include <stdlib.h>

const char *report_state_text(enum report_state state)
{
    switch (state) {
    case REPORT_ON_TIME:
        return "on_time";
    case REPORT_LATE:
        return "late";
    case REPORT_MISSING:
        return "missing";
    case REPORT_AWAITED:
        return "awaited";
    }
    return "";
}

/* One report while it is looked at. */
struct looking {
    struct figures *figures;
    const struct catalogue *catalogue;
    const struct form *form;
    uint32_t form_index, unit, slot;
    struct period period;
    struct fault *why;
};

static enum status own_cell(const struct looking *look, uint32_t element, struct cell *ret_cell)
{
    return abacus_cell(figures_abacus(look->figures), element, look->period, look->slot, ret_cell, look->why);
}

static enum status count_filled(const struct looking *look, struct report *report, bool *ret_any)
{
    for (size_t i = 0; i < look->form->element_count; i++) {
        const uint32_t element = look->form->elements[i];
        struct cell cell;
        const enum status status = own_cell(look, element, &cell);
        if (status != STATUS_OK)
            return status;
        *ret_any = *ret_any || cell.reported;
        if (look->catalogue->elements[element].required) {
            report->required++;
            report->filled += cell.reported ? 1u : 0u;
        }
    }
    return STATUS_OK;
}

/* ---- rules --------------------------------------------------------------------------------------------------------------- */

/* Whether a record of this report that the expression speaks of carries a reason. */
static enum status has_reason(const struct looking *look, const struct expression *expression, bool *ret_reason)
{
    for (size_t i = 0; i < expression->count && !*ret_reason; i++) {
        const struct term *term = &expression->terms[i];
        struct cell cell;
        if (term->kind != TERM_ELEMENT || term->shift != SHIFT_NONE ||
            look->catalogue->elements[term->element].form != look->form_index)
            continue;
        const enum status status = own_cell(look, term->element, &cell);
        if (status != STATUS_OK)
            return status;
        *ret_reason = cell.reported && cell.has_reason;
    }
    return STATUS_OK;
}

struct judging {
    const struct looking *look;
    struct figures_at at;
};

/* A year-to-date element stands on the report as it was cumulated; what the month added could not tell that it never
 * falls. */
static bool stands_cumulated(const struct looking *look, const struct term *term)
{
    if (term->kind != TERM_ELEMENT || look->catalogue->elements[term->element].kind != ELEMENT_YTD)
        return false;
    const struct form *form = &look->catalogue->forms[look->catalogue->elements[term->element].form];
    return form->level == look->form->level && form->frequency == look->form->frequency;
}

static enum term_state rule_term(void *context, const struct term *term, mpq_t ret_value)
{
    struct judging *judging = context;
    const struct looking *look = judging->look;
    struct period period = look->period;
    struct cell cell;
    if (judging->at.status != STATUS_OK || !stands_cumulated(look, term))
        return figures_lookup(&judging->at, term, ret_value);
    if (term->shift == SHIFT_PREV)
        period = period_previous(period);
    if (term->shift == SHIFT_PREV_YEAR && !period_year_before(period, &period))
        return TERM_MISSING;
    judging->at.status =
        abacus_cell(figures_abacus(look->figures), term->element, period, look->slot, &cell, look->why);
    if (judging->at.status != STATUS_OK || !cell.has_figure)
        return TERM_MISSING;
    ratio_set_decimal(ret_value, (struct decimal){cell.value, look->catalogue->elements[term->element].decimals});
    return TERM_PRESENT;
}

static enum status count_rule(const struct looking *look, const struct rule *rule, struct report *report)
{
    bool reason = false;
    struct judging judging = {.look = look,
                              .at = {.figures = look->figures, .scope = {&look->unit, 1}, .period = look->period,
                                     .why = look->why}};
    judging.at.expression = rule->left.expected_units_form != NO_INDEX ? &rule->left : &rule->right;
    const enum rule_outcome outcome = rule_evaluate(rule, rule_term, &judging);
    if (judging.at.status != STATUS_OK || outcome != RULE_BROKEN)
        return judging.at.status;
    if (rule->severity == SEVERITY_HARD) {
        report->hard_errors++;
        return STATUS_OK;
    }
    enum status status = has_reason(look, &rule->left, &reason);
    if (status == STATUS_OK)
        status = has_reason(look, &rule->right, &reason);
    if (status == STATUS_OK && !reason)
        report->soft_flags++;
    return status;
}

static enum status count_rules(const struct looking *look, struct report *report)
{
    for (size_t i = 0; i < look->catalogue->rule_count; i++) {
        const struct rule *rule = &look->catalogue->rules[i];
        if (rule->form != look->form_index)
            continue;
        const enum status status = count_rule(look, rule, report);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* ---- jumps --------------------------------------------------------------------------------------------------------------- */

/* |now - before| > jump_pct percent of |before|. A jump from zero has no percentage and is none. Fits: the left is below
 * 2^64 x 100 x 10^9 < 2^101, the right below 2^126. */
static bool jumps(const struct element *element, int64_t now, int64_t before)
{
    const __int128 difference = (__int128)now - before;
    const __int128 change = difference < 0 ? -difference : difference;
    const __int128 base = before < 0 ? -(__int128)before : before;
    return base != 0 && change * 100 * decimal_power_of_ten(element->jump_pct.scale) > base * element->jump_pct.units;
}

/* The figure of the form period against that of the period before: for a year-to-date element what the period added, or
 * every January would be a jump. */
static enum status count_jump(const struct looking *look, uint32_t index, struct report *report)
{
    const struct element *element = &look->catalogue->elements[index];
    const struct scope scope = {&look->unit, 1};
    struct cell cell;
    struct combined now, before;
    enum status status = own_cell(look, index, &cell);
    if (status != STATUS_OK || !cell.has_figure || cell.has_reason)
        return status;
    status = combine_element(look->figures, index, scope, look->period, &now, look->why);
    if (status == STATUS_OK)
        status = combine_element(look->figures, index, scope, period_previous(look->period), &before, look->why);
    if (status == STATUS_OK && now.state == FIGURE_PRESENT && before.state == FIGURE_PRESENT &&
        jumps(element, now.value, before.value))
        report->soft_flags++;
    return status;
}

static enum status count_jumps(const struct looking *look, struct report *report)
{
    for (size_t i = 0; i < look->form->element_count; i++) {
        if (!look->catalogue->elements[look->form->elements[i]].has_jump)
            continue;
        const enum status status = count_jump(look, look->form->elements[i], report);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* ---- one report ------------------------------------------------------------------------------------------------------------ */

/* Complete now, but the moment was never noted (a rule reaches into another form that came later): then it counts as
 * received on the asked day. */
static bool received_in_time(const struct report *report, int32_t on)
{
    const int32_t day = report->received_at > 0 ? calendar_local_day(report->received_at) : on;
    return day <= report->due;
}

static enum report_state state_on(const struct report *report, int32_t on)
{
    if (report->complete)
        return received_in_time(report, on) ? REPORT_ON_TIME : REPORT_LATE;
    return on > report->due ? REPORT_MISSING : REPORT_AWAITED;
}

/* with_flags false leaves rules and jumps out when something required is missing: it cannot be complete anyway. */
static enum status look_at(const struct looking *look, bool with_flags, struct report *report)
{
    bool any = false;
    enum status status = count_filled(look, report, &any);
    const bool full = any && report->filled == report->required;
    if (status == STATUS_OK && any && (with_flags || full))
        status = count_rules(look, report);
    if (status == STATUS_OK && any && (with_flags || full))
        status = count_jumps(look, report);
    report->complete = full && report->hard_errors == 0;
    if (status == STATUS_OK && (with_flags || report->complete))
        status = abacus_completed_at(figures_abacus(look->figures), look->form_index, look->period, look->slot,
                                     &report->received_at, look->why);
    return status;
}

static struct looking look_for(struct figures *figures, uint32_t form, uint32_t unit, struct period period,
                               struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    return (struct looking){.figures = figures, .catalogue = catalogue, .form = &catalogue->forms[form],
                            .form_index = form, .unit = unit, .slot = catalogue->units[unit].slot, .period = period,
                            .why = why};
}

enum status reports_one(struct figures *figures, uint32_t form, uint32_t unit, struct period period, int32_t on,
                        struct report *ret_report, struct fault *why)
{
    const struct looking look = look_for(figures, form, unit, period, why);
    struct report report = {.form = form, .unit = unit, .period = period};
    report.due = calendar_due_date(look.catalogue, look.form, period);
    const enum status status = look_at(&look, true, &report);
    if (status != STATUS_OK)
        return status;
    report.state = state_on(&report, on);
    *ret_report = report;
    return STATUS_OK;
}

/* ---- counters --------------------------------------------------------------------------------------------------------------- */

static enum status count_report(const struct looking *look, int32_t due, struct report_counts *counts)
{
    struct report report = {.form = look->form_index, .unit = look->unit, .period = look->period, .due = due};
    const enum status status = look_at(look, false, &report);
    if (status != STATUS_OK || !report.complete)
        return status;
    counts->received++;
    if (report.received_at > 0 && calendar_local_day(report.received_at) <= due)
        counts->on_time++;
    if (report.soft_flags == 0)
        counts->clean++;
    return STATUS_OK;
}

/* True when some required element has no record at all from these slots: then none of them is complete. */
static enum status nothing_there(struct figures *figures, const struct form *form, struct period period,
                                 struct slot_run slots, bool *ret_nothing, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    *ret_nothing = form->element_count == 0;
    for (size_t i = 0; i < form->element_count && !*ret_nothing; i++) {
        struct run run;
        if (!catalogue->elements[form->elements[i]].required)
            continue;
        const enum status status =
            abacus_run(figures_abacus(figures), form->elements[i], period, slots.first, slots.count, &run, why);
        if (status != STATUS_OK)
            return status;
        *ret_nothing = run.reported == 0;
    }
    return STATUS_OK;
}

static enum status count_slots(struct figures *figures, uint32_t form_index, struct period period,
                               const struct slots *owed, struct report_counts *counts, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    const struct form *form = &catalogue->forms[form_index];
    const int32_t due = calendar_due_date(catalogue, form, period);
    counts->expected += slots_total(owed);
    for (size_t i = 0; i < owed->count; i++) {
        const struct slot_run slots = owed->runs[i];
        bool nothing;
        enum status status = nothing_there(figures, form, period, slots, &nothing, why);
        for (uint32_t n = 0; n < slots.count && status == STATUS_OK && !nothing; n++) {
            const uint32_t unit = catalogue->levels[form->level].unit_of_slot[slots.first + n];
            const struct looking look = look_for(figures, form_index, unit, period, why);
            status = count_report(&look, due, counts);
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status count_form(struct figures *figures, uint32_t form_index, struct scope scope, struct period period,
                              struct report_counts *counts, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    const struct form *form = &catalogue->forms[form_index];
    struct cover *covers;
    const size_t cover_count = figures_covers(figures, scope, form->level, &covers);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < cover_count && status == STATUS_OK; i++) {
        struct period at, last;
        if (!combine_periods_within(&covers[i], period, form->frequency, &at, &last))
            continue;
        for (bool more = true; more && status == STATUS_OK;) {
            struct slots owed = {0};
            combine_owed_slots(catalogue, form, covers[i].first_slot, covers[i].slot_count, at, &owed);
            status = count_slots(figures, form_index, at, &owed, counts, why);
            slots_free(&owed);
            more = at.first != last.first;
            if (more)
                at = period_next(at);
        }
    }
    free(covers);
    return status;
}

enum status reports_count(struct figures *figures, uint32_t form, struct scope scope, struct period period,
                          struct report_counts *ret_counts, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    struct report_counts counts = {0};
    for (uint32_t i = 0; i < catalogue->form_count; i++) {
        if (form != NO_INDEX && form != i)
            continue;
        const enum status status = count_form(figures, i, scope, period, &counts, why);
        if (status != STATUS_OK)
            return status;
    }
    *ret_counts = counts;
    return STATUS_OK;
}
