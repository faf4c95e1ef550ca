/* explain_formula.c - an indicator: its formula with the numbers filled in, numerator and denominator name by name, and the
 * goals that use it as they stand today. */
#include "explain.h"
#include "expression.h"
#include "memory.h"
#include "progress.h"
#include "reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- formula ----------------------------------------------------------------------------------------------------- */

static bool shifted(struct period period, enum term_shift shift, struct period *ret_period)
{
    *ret_period = period;
    if (shift == SHIFT_PREV)
        *ret_period = period_previous(period);
    return shift != SHIFT_PREV_YEAR || period_year_before(period, ret_period);
}

static enum status count_term(struct explaining *explaining, const struct expression *side, const struct term *term,
                              mpq_t ret_value, bool *ret_present)
{
    struct asking *asking = explaining->asking;
    struct figures_at at = {.figures = asking->figures, .scope = explaining->place.scope, .period = explaining->period,
                            .expression = side, .why = asking->why};
    struct report_counts counts;
    struct period period;
    enum status status;
    uint64_t number = 0;
    *ret_present = false;
    if (term->kind == TERM_EXPECTED_UNITS) {
        *ret_present = figures_lookup(&at, term, ret_value) == TERM_PRESENT;
        return at.status;
    }
    if (!shifted(explaining->period, term->shift, &period))
        return STATUS_OK;
    status = reports_count(asking->figures, NO_INDEX, explaining->place.scope, period, &counts, asking->why);
    if (status != STATUS_OK)
        return status;
    if (term->kind == TERM_REPORTS_EXPECTED)
        number = counts.expected;
    else if (term->kind == TERM_REPORTS_RECEIVED)
        number = counts.received;
    else if (term->kind == TERM_REPORTS_ON_TIME)
        number = counts.on_time;
    else
        number = counts.clean;
    ratio_set_int128(ret_value, (__int128)number);
    *ret_present = true;
    return STATUS_OK;
}

/* What one name of a formula is worth, as text: "—" when there is nothing, "!" when it does not fit. */
static enum status term_text(struct explaining *explaining, const struct expression *side, const struct term *term,
                             char ret_text[RATIO_TEXT])
{
    struct asking *asking = explaining->asking;
    struct combined combined = {.state = FIGURE_NONE};
    struct period period;
    enum status status = STATUS_OK;
    (void)snprintf(ret_text, RATIO_TEXT, "—");
    if (term->kind == TERM_ELEMENT) {
        if (shifted(explaining->period, term->shift, &period))
            status = combine_element(asking->figures, term->element, explaining->place.scope, period, &combined,
                                     asking->why);
        if (status == STATUS_OK && combined.state == FIGURE_PRESENT)
            decimal_format((struct decimal){combined.value, explaining->catalogue->elements[term->element].decimals},
                           ret_text);
        else if (combined.state == FIGURE_OVERFLOW)
            (void)snprintf(ret_text, RATIO_TEXT, "!");
        return status;
    }
    mpq_t value;
    bool present = false;
    mpq_init(value);
    status = count_term(explaining, side, term, value, &present);
    if (status == STATUS_OK && present)
        ratio_format(value, 0, ret_text);
    mpq_clear(value);
    return status;
}

/* "12 + 2 × 30 - 5" */
static enum status print_side(struct explaining *explaining, const struct expression *side, FILE *out)
{
    for (size_t i = 0; i < side->count; i++) {
        const struct term *term = &side->terms[i];
        const bool minus = term->factor < 0;
        const uint64_t factor = minus ? 0 - (uint64_t)term->factor : (uint64_t)term->factor;
        char text[RATIO_TEXT] = "";
        enum status status = STATUS_OK;
        (void)fputs(i > 0 ? (minus ? " - " : " + ") : (minus ? "-" : ""), out);
        if (term->kind == TERM_INTEGER) {
            (void)fprintf(out, "%" PRIu64, factor);
            continue;
        }
        status = term_text(explaining, side, term, text);
        if (status != STATUS_OK)
            return status;
        if (factor != 1)
            (void)fprintf(out, "%" PRIu64 " × ", factor);
        (void)fprintf(out, text[0] == '-' && (i > 0 || minus || factor != 1) ? "(%s)" : "%s", text);
    }
    return STATUS_OK;
}

static bool is_one(struct decimal value)
{
    return value.units == decimal_power_of_ten(value.scale);
}

/* Whether a side needs brackets beside a factor or a stroke. */
static bool needs_brackets(const struct indicator *indicator, const struct expression *side)
{
    if (side->count == 1 && (side->terms[0].factor == 1 || side->terms[0].kind == TERM_INTEGER))
        return false;
    return side == &indicator->denominator || side->count > 1;
}

static enum status print_formula(struct explaining *explaining, bool in_numbers, FILE *out)
{
    const struct indicator *indicator = &explaining->catalogue->indicators[explaining->subject.indicator];
    const bool has_factor = !is_one(indicator->factor), is_ratio = indicator->denominator.count > 0;
    const struct expression *const sides[2] = {&indicator->numerator, &indicator->denominator};
    const char *const texts[2] = {indicator->numerator_text, indicator->denominator_text};
    char factor[DECIMAL_TEXT];
    enum status status = STATUS_OK;
    decimal_format(indicator->factor, factor);
    if (has_factor)
        (void)fprintf(out, "%s × ", factor);
    for (size_t i = 0; i < (is_ratio ? 2u : 1u) && status == STATUS_OK; i++) {
        const bool brackets = (has_factor || is_ratio) && needs_brackets(indicator, sides[i]);
        (void)fputs(i > 0 ? " ÷ " : "", out);
        (void)fputs(brackets ? "(" : "", out);
        if (in_numbers)
            status = print_side(explaining, sides[i], out);
        else
            (void)fputs(texts[i], out);
        (void)fputs(brackets ? ")" : "", out);
    }
    return status;
}

static enum status add_formula(struct explaining *explaining, uint32_t parent, const struct figure *figure)
{
    const uint32_t index = explain_add(explaining, parent, NODE_END);
    enum status status = STATUS_OK;
    for (int numbers = 0; numbers < 2 && status == STATUS_OK; numbers++) {
        char *text = NULL, value[RATIO_TEXT] = "—";
        size_t length = 0;
        FILE *out = memory_stream(&text, &length);
        status = print_formula(explaining, numbers == 1, out);
        if (figure->value_state == FIGURE_PRESENT)
            ratio_format(figure->value, figure->value_decimals, value);
        else if (figure->value_state == FIGURE_OVERFLOW)
            (void)snprintf(value, sizeof value, "!");
        if (numbers == 1)
            (void)fprintf(out, " = %s", value);
        (void)fclose(out);
        explain_write(&explaining->nodes[index], numbers == 1 ? COLUMN_DETAIL : COLUMN_SUBJECT, text);
        free(text);
    }
    explain_write(&explaining->nodes[index], COLUMN_KIND, "formula");
    explain_write_ratio(&explaining->nodes[index], figure->value_state, figure->value, figure->value_decimals);
    return status;
}

/* ---- the indicator ----------------------------------------------------------------------------------------------- */

static void add_side(struct explaining *explaining, uint32_t parent, const char *kind, const char *text,
                     const struct expression *side, enum figure_state state, const mpq_t value, uint8_t decimals)
{
    struct node *node = explain_row(explaining, parent, NODE_SIDE);
    node->side = side;
    explain_write(node, COLUMN_KIND, kind);
    explain_write(node, COLUMN_SUBJECT, text);
    explain_write(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    explain_write_period(node, explaining->period);
    explain_write_ratio(node, state, value, decimals);
}

static enum status add_goals(struct explaining *explaining, uint32_t parent)
{
    const struct catalogue *catalogue = explaining->catalogue;
    struct progress progress;
    enum status status = STATUS_OK;
    progress_init(&progress);
    for (uint32_t i = 0; i < catalogue->goal_count && status == STATUS_OK; i++) {
        const struct goal *goal = &catalogue->goals[i];
        if (goal->indicator != explaining->subject.indicator)
            continue;
        if (!explain_has_room(explaining)) {
            explain_cut(explaining, &explaining->nodes[parent]);
            break;
        }
        status = progress_judge(explaining->asking->figures, i, explaining->asking->today, false, &progress,
                                explaining->asking->why);
        struct node *node = explain_row(explaining, parent, NODE_END);
        explain_write(node, COLUMN_KIND, "goal");
        explain_write(node, COLUMN_SUBJECT, goal->code);
        explain_write(node, COLUMN_UNIT, goal->unit != NO_INDEX ? catalogue->units[goal->unit].code
                                                             : catalogue->groups[goal->group].code);
        explain_write_period(node, period_span(goal->start, goal->due));
        explain_write_decimal(node, goal->value.units, goal->value.scale);
        explain_write(node, COLUMN_DETAIL, compare_text(goal->op));
        if (status == STATUS_OK)
            explain_write(node, COLUMN_STATUS, goal_status_text(progress.status));
    }
    progress_clear(&progress);
    return status;
}

enum status explain_indicator(struct explaining *explaining, uint32_t index)
{
    const struct indicator *indicator = &explaining->catalogue->indicators[explaining->subject.indicator];
    struct asking *asking = explaining->asking;
    struct figure figure;
    enum status status;
    figure_init(&figure);
    status = figures_indicator(asking->figures, explaining->subject.indicator, explaining->place.scope,
                               explaining->period, &figure, asking->why);
    if (status != STATUS_OK)
        goto done;
    struct node *node = &explaining->nodes[index];
    explain_write_ratio(node, figure.value_state, figure.value, figure.value_decimals);
    explain_write(node, COLUMN_STATUS, figure_flag_text(figure_flag(&figure)));
    explain_write_counts(node, "", figure.reported, figure.expected);
    status = add_formula(explaining, index, &figure);
    add_side(explaining, index, "numerator", indicator->numerator_text, &indicator->numerator, figure.numerator_state,
             figure.numerator, figure.numerator_decimals);
    if (indicator->denominator.count > 0)
        add_side(explaining, index, "denominator", indicator->denominator_text, &indicator->denominator,
                 figure.denominator_state, figure.denominator, figure.denominator_decimals);
    if (status == STATUS_OK)
        status = add_goals(explaining, index);
done:
    figure_clear(&figure);
    return status;
}

/* ---- numerator and denominator ------------------------------------------------------------------------------------- */

static enum status add_count(struct explaining *explaining, uint32_t parent, const struct expression *side,
                             const struct term *term)
{
    static const char *const names[] = {[TERM_EXPECTED_UNITS] = "expected_units",
                                        [TERM_REPORTS_EXPECTED] = "reports_expected",
                                        [TERM_REPORTS_RECEIVED] = "reports_received",
                                        [TERM_REPORTS_ON_TIME] = "reports_on_time",
                                        [TERM_REPORTS_CLEAN] = "reports_clean"};
    struct period period;
    mpq_t value;
    bool present = false;
    mpq_init(value);
    const enum status status = count_term(explaining, side, term, value, &present);
    struct node *node = explain_row(explaining, parent, NODE_END);
    explain_write(node, COLUMN_KIND, "count");
    explain_write(node, COLUMN_SUBJECT, names[term->kind]);
    explain_write(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    if (shifted(explaining->period, term->shift, &period))
        explain_write_period(node, period);
    explain_write_ratio(node, present ? FIGURE_PRESENT : FIGURE_NONE, value, 0);
    mpq_clear(value);
    return status;
}

enum status explain_side(struct explaining *explaining, uint32_t index)
{
    const struct expression *side = explaining->nodes[index].side;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < side->count && status == STATUS_OK; i++) {
        const struct term *term = &side->terms[i];
        struct period period;
        if (term->kind == TERM_INTEGER)
            continue;
        if (!explain_has_room(explaining)) {
            explain_cut(explaining, &explaining->nodes[index]);
            return STATUS_OK;
        }
        if (term->kind != TERM_ELEMENT) {
            status = add_count(explaining, index, side, term);
            continue;
        }
        if (!shifted(explaining->period, term->shift, &period))
            continue; /* a 53rd week of the year before: nothing stands there */
        const uint32_t node = explain_add(explaining, index, NODE_UNITS);
        explain_write(&explaining->nodes[node], COLUMN_KIND, "element");
        status = explain_top(explaining, node, term->element, period);
    }
    return status;
}
