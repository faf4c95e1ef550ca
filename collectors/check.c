/* check.c - judges the candidates of one file against the catalogue and the figures already known.
 *
 * Rules are judged per report: (form, unit, period). A report in the file is judged by the file's own figures first and
 * by the outbox's last known ones for the rest, because clerks often send a form in pieces. A broken hard rule refuses
 * every row of that report in the file; since its figures then no longer count for other reports (prev() of the next
 * month, say), judging is repeated until nothing more falls. Reports are judged in time order, so one round mostly does.
 *
 * A collector knows only what passed through it. A rule whose figures it does not have is left to the aggregator. */
#include "check.h"

#include "calendar.h"
#include "expression.h"
#include "memory.h"
#include "ratio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the file's live figures by cell ---------------------------------------------------------------------------------- */

/* One report of the file: a run of candidates in an order by form, period, unit. */
struct report {
    uint32_t form, unit;
    struct period period;
    size_t first, count; /* run in `order` */
    bool refused;
};

struct checking {
    struct delivery *delivery;
    const struct catalogue *catalogue;
    struct outbox *outbox;
    struct fault *why;
    enum status failure;        /* of the outbox while a rule was being judged */
    uint32_t *cells; size_t mask; /* open addressing: candidate index + 1, the newest of each cell */
    uint32_t *order; size_t order_count; /* accepted candidates of forms with rules */
    struct report *reports; size_t report_count;
    const struct report *judged; /* the report and the rule being judged */
    const struct rule *rule;
};

static size_t hash_cell(uint32_t element, uint32_t unit, struct period period)
{
    uint64_t hash = element;
    hash = hash * 0x9E3779B97F4A7C15u + unit;
    hash = hash * 0x9E3779B97F4A7C15u + (uint32_t)period.first;
    hash = hash * 0x9E3779B97F4A7C15u + (uint32_t)period.last;
    return (size_t)(hash ^ (hash >> 29) ^ (hash >> 43));
}

/* The slot of a cell: its candidate, or the free place where it would stand. */
static uint32_t *find_cell(const struct checking *checking, uint32_t element, uint32_t unit, struct period period)
{
    size_t slot = hash_cell(element, unit, period) & checking->mask;
    while (checking->cells[slot] != 0) {
        const struct record *record = &checking->delivery->candidates[checking->cells[slot] - 1].record;
        if (record->element == element && record->unit == unit && record->period.first == period.first &&
            record->period.last == period.last)
            break;
        slot = (slot + 1) & checking->mask;
    }
    return &checking->cells[slot];
}

/* Which of two figures for a cell in one file will be live: no revision replaces, else the higher one. */
static bool takes_over(const struct record *old, const struct record *new)
{
    return new->revision == NO_REVISION || old->revision == NO_REVISION || new->revision > old->revision;
}

static void index_cells(struct checking *checking)
{
    struct delivery *delivery = checking->delivery;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct candidate *candidate = &delivery->candidates[i];
        uint32_t *slot;
        if (!feed_accepted(candidate))
            continue;
        slot = find_cell(checking, candidate->record.element, candidate->record.unit, candidate->record.period);
        if (*slot == 0 || takes_over(&delivery->candidates[*slot - 1].record, &candidate->record))
            *slot = (uint32_t)(i + 1);
    }
}

/* ---- what is known of a cell -------------------------------------------------------------------------------------------- */

enum figure_state { FIGURE_KNOWN, FIGURE_NONE };

static enum figure_state from_outbox(struct checking *checking, uint32_t element, uint32_t unit, struct period period,
                                     struct known_figure *ret_known, bool *ret_is_known)
{
    const struct catalogue *catalogue = checking->catalogue;
    char text[PERIOD_TEXT];
    enum status status;
    *ret_is_known = false;
    if (checking->outbox == NULL || checking->failure != STATUS_OK)
        return FIGURE_NONE;
    period_format(period, text);
    status = outbox_known_figure(checking->outbox, catalogue->elements[element].code, catalogue->units[unit].code, text,
                                 ret_is_known, ret_known, checking->why);
    if (status != STATUS_OK)
        checking->failure = status;
    return status == STATUS_OK && *ret_is_known ? FIGURE_KNOWN : FIGURE_NONE;
}

/* The live figure of a cell once this file is taken: false when it has none (missing, withheld, retracted). */
static bool live_figure(struct checking *checking, uint32_t element, uint32_t unit, struct period period,
                        int64_t *ret_value)
{
    const uint32_t found = *find_cell(checking, element, unit, period);
    /* A refused figure no longer counts; all revisions of a cell stand in one report and fall together. */
    const struct record *record = found == 0 || !feed_accepted(&checking->delivery->candidates[found - 1])
                                      ? NULL
                                      : &checking->delivery->candidates[found - 1].record;
    struct known_figure known;
    struct decimal value;
    bool is_known = false;
    /* A row with a lower revision than the known one is history and changes nothing. */
    if (record == NULL || record->revision != NO_REVISION)
        from_outbox(checking, element, unit, period, &known, &is_known);
    if (record != NULL && (!is_known || record->revision >= known.revision)) {
        *ret_value = record->value;
        return record_status_has_value(record->status);
    }
    if (!is_known || !record_status_has_value(known.status))
        return false;
    value = (struct decimal){known.value, known.decimals};
    if (decimal_rescale(value, checking->catalogue->elements[element].decimals, &value) != STATUS_OK)
        return false;
    *ret_value = value.units;
    return true;
}

#define BASE_LOOKBACK 24 /* periods a base figure is sought back */

/* The figure an element has for a report's period. Another form may have another frequency: a coarser period that holds
 * the day is meant; a finer one has no single figure. */
static bool figure_for(struct checking *checking, uint32_t element, uint32_t unit, struct period period,
                       int64_t *ret_value)
{
    const struct element *about = &checking->catalogue->elements[element];
    const enum period_kind frequency = checking->catalogue->forms[about->form].frequency;
    struct period own = period;
    if (about->kind == ELEMENT_BASE)
        own = period_of_day(period.last, frequency); /* carried forward: the latest that starts by then */
    else if (frequency != period.kind)
        own = period_of_day(period.first, frequency);
    if (about->kind != ELEMENT_BASE && !period_contains(own, period))
        return false;
    if (live_figure(checking, element, unit, own, ret_value))
        return true;
    for (int back = 0; about->kind == ELEMENT_BASE && back < BASE_LOOKBACK; back++) {
        own = period_previous(own);
        if (live_figure(checking, element, unit, own, ret_value))
            return true;
    }
    return false;
}

/* ---- single figures ------------------------------------------------------------------------------------------------------- */

static void complain_limit(struct checking *checking, struct candidate *candidate, enum message message, int64_t limit)
{
    const struct element *element = &checking->catalogue->elements[candidate->record.element];
    char value[DECIMAL_TEXT], bound[DECIMAL_TEXT];
    struct fault fault = {0};
    decimal_format((struct decimal){candidate->record.value, element->decimals}, value);
    decimal_format((struct decimal){limit, element->decimals}, bound);
    fault_set(&fault, message, element->name_zh, value, bound, NULL);
    feed_complain(checking->delivery, candidate, &fault);
}

static void check_limits(struct checking *checking, struct candidate *candidate)
{
    const struct element *element = &checking->catalogue->elements[candidate->record.element];
    if (!record_status_has_value(candidate->record.status))
        return;
    if (element->has_min && candidate->record.value < element->min.units)
        complain_limit(checking, candidate, MESSAGE_BELOW_MIN, element->min.units);
    if (element->has_max && candidate->record.value > element->max.units)
        complain_limit(checking, candidate, MESSAGE_ABOVE_MAX, element->max.units);
}

static void check_place(struct checking *checking, struct candidate *candidate)
{
    const struct catalogue *catalogue = checking->catalogue;
    const struct record *record = &candidate->record;
    const struct form *form = &catalogue->forms[catalogue->elements[record->element].form];
    const struct unit *unit = &catalogue->units[record->unit];
    char period[PERIOD_TEXT];
    struct fault fault = {0};
    period_format(record->period, period);
    if (unit->level != form->level) {
        fault_set(&fault, MESSAGE_WRONG_LEVEL, unit->name_zh, catalogue->levels[unit->level].name, form->code,
                  catalogue->levels[form->level].name, NULL);
        feed_complain(checking->delivery, candidate, &fault);
    }
    if (record->period.kind != form->frequency) {
        fault_set(&fault, MESSAGE_WRONG_FREQUENCY, period, form->code, period_kind_name(form->frequency), NULL);
        feed_complain(checking->delivery, candidate, &fault);
    }
    if (!catalogue_unit_open(catalogue, record->unit, record->period)) {
        fault_set(&fault, MESSAGE_UNIT_CLOSED, unit->name_zh, period, NULL);
        feed_complain(checking->delivery, candidate, &fault);
    }
}

/* True when nothing speaks against the place of a record; the sentences are only made when something does. */
static bool place_is_right(const struct catalogue *catalogue, const struct record *record)
{
    const struct form *form = &catalogue->forms[catalogue->elements[record->element].form];
    return catalogue->units[record->unit].level == form->level && record->period.kind == form->frequency &&
           catalogue_unit_open(catalogue, record->unit, record->period);
}

static void check_figures(struct checking *checking)
{
    struct delivery *delivery = checking->delivery;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        struct candidate *candidate = &delivery->candidates[i];
        if (candidate->complaint != NO_COMPLAINT || candidate->record.element == NO_INDEX ||
            candidate->record.unit == NO_INDEX)
            continue;
        if (!place_is_right(checking->catalogue, &candidate->record))
            check_place(checking, candidate);
        else if (candidate->kind != CANDIDATE_MISSING)
            check_limits(checking, candidate);
    }
}

/* ---- rules ------------------------------------------------------------------------------------------------------------------ */

static bool shifted(const struct term *term, struct period period, struct period *ret_period)
{
    switch (term->shift) {
    case SHIFT_NONE:
        *ret_period = period;
        return true;
    case SHIFT_PREV:
        *ret_period = period_previous(period);
        return true;
    case SHIFT_PREV_YEAR:
        return period_year_before(period, ret_period);
    }
    return false;
}

static enum term_state element_term(struct checking *checking, const struct term *term, mpq_t ret_value)
{
    const struct report *report = checking->judged;
    struct period period;
    int64_t value;
    if (!shifted(term, report->period, &period) ||
        !figure_for(checking, term->element, report->unit, period, &value))
        return TERM_MISSING;
    ratio_set_decimal(ret_value, (struct decimal){value, checking->catalogue->elements[term->element].decimals});
    return TERM_PRESENT;
}

/* The form that expected_units counts on the side of the rule where the term stands. */
static uint32_t expected_form(const struct rule *rule, const struct term *term)
{
    uint32_t form = rule->right.expected_units_form;
    for (size_t i = 0; i < rule->left.count; i++)
        if (&rule->left.terms[i] == term)
            form = rule->left.expected_units_form;
    return form != NO_INDEX ? form : rule->form;
}

/* expected_units asked of one unit is 1 when the unit owes the form. */
static enum term_state owing_term(struct checking *checking, const struct term *term, mpq_t ret_value)
{
    const struct form *form = &checking->catalogue->forms[expected_form(checking->rule, term)];
    struct period period;
    if (!shifted(term, checking->judged->period, &period))
        return TERM_MISSING;
    ratio_set_int64(ret_value, catalogue_owes(checking->catalogue, form, checking->judged->unit, period) ? 1 : 0);
    return TERM_PRESENT;
}

static enum term_state look_up_term(void *context, const struct term *term, mpq_t ret_value)
{
    struct checking *checking = context;
    switch (term->kind) {
    case TERM_ELEMENT:
        return element_term(checking, term, ret_value);
    case TERM_EXPECTED_UNITS:
        return owing_term(checking, term, ret_value);
    case TERM_INTEGER:
    case TERM_REPORTS_EXPECTED: /* counts of reports are the aggregator's to know */
    case TERM_REPORTS_RECEIVED:
    case TERM_REPORTS_ON_TIME:
    case TERM_REPORTS_CLEAN:
        return TERM_MISSING;
    }
    return TERM_MISSING;
}

static const char *rule_sentence(const struct rule *rule)
{
    return rule->message_zh != NULL && rule->message_zh[0] != '\0' ? rule->message_zh : rule->check_text;
}

/* "60 > 50": what the two sides of a broken rule are; "" when one of them cannot be printed. */
static void sides_of(struct checking *checking, const struct rule *rule, char *ret_text, size_t capacity)
{
    static const enum compare opposite[] = {
        [COMPARE_EQ] = COMPARE_NE, [COMPARE_NE] = COMPARE_EQ, [COMPARE_LE] = COMPARE_GT,
        [COMPARE_GE] = COMPARE_LT, [COMPARE_LT] = COMPARE_GE, [COMPARE_GT] = COMPARE_LE,
    };
    const uint8_t left_decimals = expression_decimals(&rule->left, checking->catalogue);
    const uint8_t right_decimals = expression_decimals(&rule->right, checking->catalogue);
    char left_text[RATIO_TEXT], right_text[RATIO_TEXT];
    mpq_t left, right;
    mpq_inits(left, right, NULL);
    ret_text[0] = '\0';
    if (expression_evaluate(&rule->left, look_up_term, checking, true, left) != TERM_OVERFLOW &&
        expression_evaluate(&rule->right, look_up_term, checking, true, right) != TERM_OVERFLOW &&
        ratio_fits(left, left_decimals) && ratio_fits(right, right_decimals)) {
        ratio_format(left, left_decimals, left_text);
        ratio_format(right, right_decimals, right_text);
        (void)snprintf(ret_text, capacity, "%s %s %s", left_text, compare_text(opposite[rule->op]), right_text);
    }
    mpq_clears(left, right, NULL);
}

static void refuse_report(struct checking *checking, struct report *report, const struct rule *rule)
{
    struct fault fault = {0};
    char sides[2 * RATIO_TEXT + 8];
    sides_of(checking, rule, sides, sizeof sides);
    fault_set(&fault, MESSAGE_HARD_RULE, rule->code, rule_sentence(rule), sides, NULL);
    for (size_t i = 0; i < report->count; i++)
        feed_complain(checking->delivery, &checking->delivery->candidates[checking->order[report->first + i]], &fault);
    report->refused = true;
}

static bool speaks_of(const struct expression *expression, uint32_t element)
{
    for (size_t i = 0; i < expression->count; i++)
        if (expression->terms[i].kind == TERM_ELEMENT && expression->terms[i].shift == SHIFT_NONE &&
            expression->terms[i].element == element)
            return true;
    return false;
}

/* A reason on any figure of the report that a soft rule speaks of explains what it asks about. */
static bool report_has_reason(const struct checking *checking, const struct report *report, const struct rule *rule)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct record *record = &checking->delivery->candidates[checking->order[report->first + i]].record;
        if (record->reason[0] != '\0' &&
            (speaks_of(&rule->left, record->element) || speaks_of(&rule->right, record->element)))
            return true;
    }
    return false;
}

static void note_soft_rule(struct checking *checking, const struct report *report, const struct rule *rule)
{
    struct delivery *delivery = checking->delivery;
    struct fault note = {0};
    char period[PERIOD_TEXT];
    period_format(report->period, period);
    fault_set(&note, MESSAGE_SOFT_RULE, rule->code, rule_sentence(rule),
              checking->catalogue->units[report->unit].name_zh, period, NULL);
    fault_at(&note, delivery->file, feed_line(delivery, &delivery->candidates[checking->order[report->first]]), NULL);
    feed_note(delivery, &note);
}

static enum rule_outcome judge(struct checking *checking, const struct rule *rule)
{
    checking->rule = rule;
    return rule_evaluate(rule, look_up_term, checking);
}

/* True when the report fell. */
static bool judge_hard(struct checking *checking, struct report *report)
{
    bool fell = false;
    checking->judged = report;
    for (size_t i = 0; i < checking->catalogue->rule_count; i++) {
        const struct rule *rule = &checking->catalogue->rules[i];
        if (rule->form != report->form || rule->severity != SEVERITY_HARD)
            continue;
        if (judge(checking, rule) == RULE_BROKEN && checking->failure == STATUS_OK) {
            refuse_report(checking, report, rule);
            fell = true;
        }
    }
    return fell;
}

static void judge_soft(struct checking *checking, const struct report *report)
{
    checking->judged = report;
    for (size_t i = 0; i < checking->catalogue->rule_count; i++) {
        const struct rule *rule = &checking->catalogue->rules[i];
        if (rule->form == report->form && rule->severity == SEVERITY_SOFT &&
            judge(checking, rule) == RULE_BROKEN && !report_has_reason(checking, report, rule))
            note_soft_rule(checking, report, rule);
    }
}

/* ---- the reports of the file -------------------------------------------------------------------------------------------------- */

/* qsort has no context argument in C17: what it compares carries its keys along. */
struct sorted {
    uint32_t form, unit, candidate;
    struct period period;
};

static int by_report(const void *left, const void *right)
{
    const struct sorted *one = left, *other = right;
    if (one->period.first != other->period.first)
        return one->period.first < other->period.first ? -1 : 1;
    if (one->period.last != other->period.last)
        return one->period.last < other->period.last ? -1 : 1;
    if (one->form != other->form)
        return one->form < other->form ? -1 : 1;
    if (one->unit != other->unit)
        return one->unit < other->unit ? -1 : 1;
    return one->candidate < other->candidate ? -1 : one->candidate > other->candidate;
}

static bool same_report(const struct report *report, const struct sorted *item)
{
    return report->form == item->form && report->unit == item->unit && period_equal(report->period, item->period);
}

static bool *forms_with_rules(const struct catalogue *catalogue)
{
    bool *has_rules = memory_array(catalogue->form_count, sizeof(*has_rules));
    for (size_t i = 0; i < catalogue->rule_count; i++)
        has_rules[catalogue->rules[i].form] = true;
    return has_rules;
}

static struct sorted *sort_candidates(const struct checking *checking, size_t *ret_count)
{
    const struct delivery *delivery = checking->delivery;
    const struct catalogue *catalogue = checking->catalogue;
    struct sorted *items = memory_array(delivery->candidate_count, sizeof(*items));
    bool *has_rules = forms_with_rules(catalogue);
    size_t count = 0;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct record *record = &delivery->candidates[i].record;
        if (feed_accepted(&delivery->candidates[i]) && has_rules[catalogue->elements[record->element].form])
            items[count++] = (struct sorted){catalogue->elements[record->element].form, record->unit, (uint32_t)i,
                                             record->period};
    }
    free(has_rules);
    qsort(items, count, sizeof(*items), by_report);
    *ret_count = count;
    return items;
}

static void find_reports(struct checking *checking)
{
    size_t capacity = 0;
    struct sorted *items = sort_candidates(checking, &checking->order_count);
    checking->order = memory_array(checking->order_count, sizeof(*checking->order));
    for (size_t i = 0; i < checking->order_count; i++) {
        checking->order[i] = items[i].candidate;
        if (checking->report_count == 0 || !same_report(&checking->reports[checking->report_count - 1], &items[i])) {
            checking->reports = memory_grow(checking->reports, &capacity, checking->report_count + 1,
                                            sizeof(*checking->reports));
            checking->reports[checking->report_count++] =
                (struct report){items[i].form, items[i].unit, items[i].period, i, 0, false};
        }
        checking->reports[checking->report_count - 1].count++;
    }
    free(items);
}

static void check_rules(struct checking *checking)
{
    bool more = true;
    find_reports(checking);
    while (more && checking->failure == STATUS_OK) {
        more = false;
        for (size_t i = 0; i < checking->report_count && checking->failure == STATUS_OK; i++)
            if (!checking->reports[i].refused && judge_hard(checking, &checking->reports[i]))
                more = true;
    }
    for (size_t i = 0; i < checking->report_count && checking->failure == STATUS_OK; i++)
        if (!checking->reports[i].refused)
            judge_soft(checking, &checking->reports[i]);
}

/* ---- jumps ---------------------------------------------------------------------------------------------------------------------- */

/* |now - before| / |before| > pct / 100, exactly. A jump from zero has no percentage. */
static bool jumps(int64_t before, int64_t now, struct decimal pct)
{
    const __int128 change = (__int128)now - before;
    const __int128 size = change < 0 ? -change : change, base = before < 0 ? -(__int128)before : before;
    return base != 0 && size * 100 * decimal_power_of_ten(pct.scale) > base * pct.units;
}

static void note_jump(struct checking *checking, const struct candidate *candidate, int64_t before, int64_t now)
{
    const struct record *record = &candidate->record;
    const struct element *element = &checking->catalogue->elements[record->element];
    char from[DECIMAL_TEXT], to[DECIMAL_TEXT];
    struct fault note = {0};
    decimal_format((struct decimal){before, element->decimals}, from);
    decimal_format((struct decimal){now, element->decimals}, to);
    fault_set(&note, MESSAGE_JUMP, element->name_zh, checking->catalogue->units[record->unit].name_zh, from, to, NULL);
    fault_at(&note, checking->delivery->file, record->line, NULL);
    feed_note(checking->delivery, &note);
}

/* What a form period says by itself: of a cumulative element what the period added, or every January would be a jump. */
static bool own_figure(struct checking *checking, uint32_t element, uint32_t unit, struct period period,
                       int64_t *ret_value)
{
    const struct catalogue *catalogue = checking->catalogue;
    const struct period before = period_previous(period);
    int64_t value, earlier = 0;
    __int128 own;
    if (!live_figure(checking, element, unit, period, &value))
        return false;
    if (catalogue->elements[element].kind == ELEMENT_YTD &&
        calendar_reporting_year(catalogue, before) == calendar_reporting_year(catalogue, period) &&
        !live_figure(checking, element, unit, before, &earlier))
        return false;
    own = (__int128)value - earlier;
    *ret_value = (int64_t)own;
    return own >= INT64_MIN && own <= INT64_MAX;
}

static void check_jumps(struct checking *checking)
{
    for (size_t i = 0; i < checking->delivery->candidate_count && checking->failure == STATUS_OK; i++) {
        const struct candidate *candidate = &checking->delivery->candidates[i];
        const struct record *record = &candidate->record;
        int64_t before, now;
        if (!feed_accepted(candidate) || !checking->catalogue->elements[record->element].has_jump ||
            record->reason[0] != '\0' || !record_status_has_value(record->status) ||
            *find_cell(checking, record->element, record->unit, record->period) != i + 1)
            continue;
        if (own_figure(checking, record->element, record->unit, record->period, &now) &&
            own_figure(checking, record->element, record->unit, period_previous(record->period), &before) &&
            jumps(before, now, checking->catalogue->elements[record->element].jump_pct))
            note_jump(checking, candidate, before, now);
    }
}

enum status check_delivery(struct delivery *delivery, const struct catalogue *catalogue, struct outbox *outbox,
                           struct fault *why)
{
    struct checking checking = {.delivery = delivery, .catalogue = catalogue, .outbox = outbox, .why = why,
                                .failure = STATUS_OK};
    size_t size = 16;
    while (size < delivery->candidate_count * 2)
        size *= 2;
    check_figures(&checking);
    checking.cells = memory_array(size, sizeof(*checking.cells));
    checking.mask = size - 1;
    index_cells(&checking);
    if (catalogue->rule_count > 0)
        check_rules(&checking);
    check_jumps(&checking);
    free(checking.cells);
    free(checking.order);
    free(checking.reports);
    return checking.failure;
}
