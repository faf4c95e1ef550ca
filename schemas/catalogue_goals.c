/* catalogue_goals.c - indicators.csv, goals.csv and rules.csv: what is computed from figures, what it should come to,
 * and what figures have to satisfy. */
#include "catalogue_reading.h"

#include "expression.h"
#include "memory.h"
#include "text.h"

#include <string.h>

/* ---- indicators.csv ---------------------------------------------------------------------------------------------- */

enum {
    INDICATOR_CODE, INDICATOR_NAME_ZH, INDICATOR_NAME_EN, INDICATOR_NUMERATOR, INDICATOR_DENOMINATOR, INDICATOR_FACTOR,
    INDICATOR_DECIMALS, INDICATOR_BETTER, INDICATOR_OFFICE, INDICATOR_SECTION, INDICATOR_SOURCE
};
static const struct column indicator_columns[] = {
    {"indicator", true}, {"name_zh", true}, {"name_en", false}, {"numerator", true}, {"denominator", false},
    {"factor", false},   {"decimals", true}, {"better", true},  {"office", false},   {"section", false},
    {"source", false},
};
static const struct word better_words[] = {{"up", BETTER_UP}, {"down", BETTER_DOWN}};

/* Without a readable elements.csv every name would be unknown; that is reported once, as the missing file. */
static void read_expression(struct reading *reading, struct table *table, size_t column, struct expression *expression)
{
    const struct place place = table_place(table, column);
    struct fault fault = {.message = MESSAGE_NONE};
    *expression = (struct expression){.expected_units_form = NO_INDEX};
    if (cell_empty(table, column) || !reading->loader->usable[PART_ELEMENTS])
        return;
    if (expression_parse(cell_text(table, column), reading->catalogue, expression, &fault) != STATUS_OK)
        loader_report_fault(reading->loader, FINDING_ERROR, &place, &fault);
}

static void bind_expression(struct reading *reading, struct table *table, size_t column, struct expression *expression,
                            const struct expression *other)
{
    const struct place place = table_place(table, column);
    struct fault fault = {.message = MESSAGE_NONE};
    if (expression_bind(expression, other, reading->catalogue, &fault) != STATUS_OK)
        loader_report_fault(reading->loader, FINDING_ERROR, &place, &fault);
}

static void read_formula(struct reading *reading, struct table *table, struct indicator *indicator)
{
    const struct place place = table_place(table, INDICATOR_FACTOR);
    indicator->numerator_text = cell_keep(table, INDICATOR_NUMERATOR, LIMIT_TEXT_BYTES, true);
    indicator->denominator_text = cell_keep(table, INDICATOR_DENOMINATOR, LIMIT_TEXT_BYTES, false);
    read_expression(reading, table, INDICATOR_NUMERATOR, &indicator->numerator);
    read_expression(reading, table, INDICATOR_DENOMINATOR, &indicator->denominator);
    bind_expression(reading, table, INDICATOR_NUMERATOR, &indicator->numerator, &indicator->denominator);
    bind_expression(reading, table, INDICATOR_DENOMINATOR, &indicator->denominator, &indicator->numerator);
    indicator->factor = (struct decimal){1, 0};
    if (cell_decimal(table, INDICATOR_FACTOR, false, &indicator->factor) && indicator->factor.units == 0)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_ZERO_FACTOR, NULL, NULL, NULL, NULL);
}

static void read_indicator(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->indicator_count++;
    struct indicator indicator = {.code = cell_code(table, INDICATOR_CODE)};
    reading_enter_code(reading, table, INDICATOR_CODE, &reading->private->indicators, PART_INDICATORS, indicator.code, number);
    indicator.name_zh = cell_keep(table, INDICATOR_NAME_ZH, LIMIT_NAME_BYTES, true);
    indicator.name_en = cell_keep(table, INDICATOR_NAME_EN, LIMIT_NAME_BYTES, false);
    indicator.office = cell_keep(table, INDICATOR_OFFICE, LIMIT_NAME_BYTES, false);
    indicator.section = cell_keep(table, INDICATOR_SECTION, LIMIT_NAME_BYTES, false);
    indicator.source = cell_keep(table, INDICATOR_SOURCE, LIMIT_TEXT_BYTES, false);
    read_formula(reading, table, &indicator);
    indicator.decimals = (uint8_t)cell_integer(table, INDICATOR_DECIMALS, 0, LIMIT_DECIMALS, true, 0);
    indicator.better = (enum better)cell_word(table, INDICATOR_BETTER, better_words, ARRAY_LEN(better_words), true,
                                              BETTER_UP);
    catalogue->indicators =
        memory_grow(catalogue->indicators, &reading->indicator_capacity, number + 1, sizeof(struct indicator));
    catalogue->indicators[number] = indicator;
}

void catalogue_read_indicators(struct reading *reading)
{
    (void)table_read(reading->loader, PART_INDICATORS, "indicators.csv", true, indicator_columns,
                     ARRAY_LEN(indicator_columns), read_indicator, reading);
}

/* ---- goals.csv --------------------------------------------------------------------------------------------------- */

enum {
    GOAL_CODE, GOAL_INDICATOR, GOAL_UNIT, GOAL_OP, GOAL_VALUE, GOAL_DUE, GOAL_PACE, GOAL_WARN, GOAL_BASELINE,
    GOAL_START, GOAL_CLAIM, GOAL_SOURCE
};
static const struct column goal_columns[] = {
    {"goal", true},      {"indicator", true}, {"unit", true},  {"op", true},     {"value", true}, {"due", true},
    {"pace", false},     {"warn_pct", false}, {"baseline", false}, {"start", false}, {"claim", false},
    {"source", false},
};
static const struct word op_words[] = {{">=", COMPARE_GE}, {"<=", COMPARE_LE}, {"=", COMPARE_EQ}};
static const struct word pace_words[] = {{"linear", PACE_LINEAR}, {"level", PACE_LEVEL}, {"due", PACE_DUE}};

/* One `2020-06=40`; false when it is not that or not after the step before. */
static bool parse_step(const char *text, size_t length, const struct goal *goal, struct pace_step *ret_step)
{
    char buffer[64], *equals;
    length = text_trim(&text, length);
    if (length == 0 || length >= sizeof(buffer))
        return false;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    equals = strchr(buffer, '=');
    if (equals == NULL)
        return false;
    *equals = '\0';
    if (period_parse(buffer, &ret_step->month, NULL) != STATUS_OK || ret_step->month.kind != PERIOD_MONTH)
        return false;
    if (decimal_parse(equals + 1, &ret_step->percent, NULL) != STATUS_OK || ret_step->percent.units < 0)
        return false;
    return goal->step_count == 0 || goal->steps[goal->step_count - 1].month.first < ret_step->month.first;
}

static void read_steps(struct table *table, const char *text, struct goal *goal)
{
    const struct place place = table_place(table, GOAL_PACE);
    size_t capacity = 0;
    goal->pace = PACE_STEPS;
    for (bool more = true; more;) {
        const size_t length = strcspn(text, ";");
        struct pace_step step;
        more = text[length] == ';';
        if (parse_step(text, length, goal, &step)) {
            goal->steps = memory_grow(goal->steps, &capacity, goal->step_count + 1, sizeof(step));
            goal->steps[goal->step_count++] = step;
        } else {
            char wrong[64];
            const size_t kept = text_cut(text, length, sizeof(wrong) - 1);
            memcpy(wrong, text, kept);
            wrong[kept] = '\0';
            loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_BAD_STEPS, cell_text(table, GOAL_PACE), wrong,
                          NULL, NULL);
        }
        text += length + more;
    }
}

static void read_pace(struct table *table, struct goal *goal)
{
    static const char steps[] = "steps:";
    const char *text = cell_text(table, GOAL_PACE);
    goal->pace = PACE_DEFAULT;
    if (strncmp(text, steps, sizeof(steps) - 1) == 0)
        read_steps(table, text + sizeof(steps) - 1, goal);
    else
        goal->pace = (enum pace_kind)cell_word(table, GOAL_PACE, pace_words, ARRAY_LEN(pace_words), false,
                                               PACE_DEFAULT);
}

/* The cell may name a unit or a group. */
static void read_goal_scope(struct reading *reading, struct table *table, struct goal *goal)
{
    const struct place place = table_place(table, GOAL_UNIT);
    const char *text = cell_text(table, GOAL_UNIT);
    goal->unit = goal->group = NO_INDEX;
    if (cell_empty(table, GOAL_UNIT)) {
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_GOAL_WITHOUT_SCOPE, goal->code, NULL, NULL,
                      NULL);
        return;
    }
    goal->unit = catalogue_unit(reading->catalogue, text);
    if (goal->unit == NO_INDEX)
        goal->group = catalogue_group(reading->catalogue, text);
    if (goal->unit == NO_INDEX && goal->group == NO_INDEX && reading->loader->usable[PART_UNITS] &&
        reading->loader->usable[PART_GROUPS]) {
        const char *nearest = loader_nearest(reading->loader, &reading->private->units, text);
        if (nearest[0] == '-')
            nearest = loader_nearest(reading->loader, &reading->private->groups, text);
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_UNKNOWN_REFERENCE, "units.csv, groups.csv", text,
                      nearest, NULL);
    }
}

static void read_goal_days(struct table *table, struct goal *goal)
{
    const struct place place = table_place(table, GOAL_DUE);
    struct period due = {.kind = PERIOD_DAY}, start;
    int year, month, day;
    if (cell_period(table, GOAL_DUE, true, &due))
        goal->due = due.last;
    date_to_civil(goal->due, &year, &month, &day);
    goal->start = date_from_civil(year, 1, 1);
    if (cell_period(table, GOAL_START, false, &start))
        goal->start = start.first;
    if (goal->start > goal->due && !cell_empty(table, GOAL_DUE))
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_DUE_BEFORE_START, cell_text(table, GOAL_START),
                      cell_text(table, GOAL_DUE), NULL, NULL);
}

static void check_steps_inside(struct table *table, const struct goal *goal)
{
    const struct place place = table_place(table, GOAL_PACE);
    char month[PERIOD_TEXT], start[DATE_TEXT], due[DATE_TEXT];
    date_format(goal->start, start);
    date_format(goal->due, due);
    for (size_t i = 0; i < goal->step_count; i++) {
        const struct period step = goal->steps[i].month;
        if (step.first <= goal->due && step.last >= goal->start)
            continue;
        period_format(step, month);
        loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_STEP_OUTSIDE, month, start, due, NULL);
    }
}

static void read_goal_figures(struct reading *reading, struct table *table, struct goal *goal)
{
    const struct catalogue *catalogue = reading->catalogue;
    struct place place = table_place(table, GOAL_VALUE);
    goal->warn_pct = (struct decimal){10, 0};
    if (cell_decimal(table, GOAL_VALUE, true, &goal->value) && goal->indicator != NO_INDEX) {
        const struct indicator *indicator = &catalogue->indicators[goal->indicator];
        struct decimal coarser;
        char decimals[24];
        reading_number(decimals, indicator->decimals);
        if (goal->value.scale > indicator->decimals &&
            decimal_rescale(goal->value, indicator->decimals, &coarser) != STATUS_OK)
            loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_GOAL_TOO_FINE, cell_text(table, GOAL_VALUE),
                          indicator->code, decimals, NULL);
    }
    (void)cell_decimal(table, GOAL_BASELINE, false, &goal->baseline);
    place = table_place(table, GOAL_WARN);
    if (cell_decimal(table, GOAL_WARN, false, &goal->warn_pct) && goal->warn_pct.units < 0)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_NEGATIVE, cell_text(table, GOAL_WARN), NULL, NULL,
                      NULL);
}

static void read_goal(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->goal_count++;
    struct goal goal = {.code = cell_code(table, GOAL_CODE), .row = table->row};
    reading_enter_code(reading, table, GOAL_CODE, &reading->private->goals, PART_GOALS, goal.code, number);
    goal.indicator =
        cell_reference(table, GOAL_INDICATOR, &reading->private->indicators, PART_INDICATORS, "indicators.csv");
    read_goal_scope(reading, table, &goal);
    goal.op = (enum compare)cell_word(table, GOAL_OP, op_words, ARRAY_LEN(op_words), true, COMPARE_GE);
    read_goal_figures(reading, table, &goal);
    read_goal_days(table, &goal);
    read_pace(table, &goal);
    check_steps_inside(table, &goal);
    goal.claim = cell_keep(table, GOAL_CLAIM, LIMIT_NAME_BYTES, false);
    goal.source = cell_keep(table, GOAL_SOURCE, LIMIT_TEXT_BYTES, false);
    catalogue->goals = memory_grow(catalogue->goals, &reading->goal_capacity, number + 1, sizeof(struct goal));
    catalogue->goals[number] = goal;
}

void catalogue_read_goals(struct reading *reading)
{
    (void)table_read(reading->loader, PART_GOALS, "goals.csv", true, goal_columns, ARRAY_LEN(goal_columns), read_goal,
                     reading);
}

/* ---- rules.csv --------------------------------------------------------------------------------------------------- */

enum { RULE_CODE, RULE_FORM, RULE_CHECK, RULE_SEVERITY, RULE_MISSING, RULE_MESSAGE_ZH, RULE_MESSAGE_EN };
static const struct column rule_columns[] = {
    {"rule", true},     {"form", true},       {"check", true},       {"severity", true},
    {"missing", false}, {"message_zh", true}, {"message_en", false},
};
static const struct word severity_words[] = {{"hard", SEVERITY_HARD}, {"soft", SEVERITY_SOFT}};
static const struct word missing_words[] = {
    {"skip_any", MISSING_SKIP_ANY}, {"skip_all", MISSING_SKIP_ALL}, {"zero", MISSING_ZERO}};

static void read_check(struct reading *reading, struct table *table, struct rule *rule)
{
    const struct place place = table_place(table, RULE_CHECK);
    struct fault fault = {.message = MESSAGE_NONE};
    rule->left.expected_units_form = rule->right.expected_units_form = NO_INDEX;
    rule->check_text = cell_keep(table, RULE_CHECK, LIMIT_TEXT_BYTES, true);
    if (cell_empty(table, RULE_CHECK) || !reading->loader->usable[PART_ELEMENTS])
        return;
    if (expression_parse_check(cell_text(table, RULE_CHECK), reading->catalogue, &rule->left, &rule->op, &rule->right,
                               &fault) != STATUS_OK)
        loader_report_fault(reading->loader, FINDING_ERROR, &place, &fault);
}

static void read_rule(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->rule_count++;
    struct rule rule = {.code = cell_code(table, RULE_CODE)};
    reading_enter_code(reading, table, RULE_CODE, &reading->private->rules, PART_RULES, rule.code, number);
    rule.form = cell_reference(table, RULE_FORM, &reading->private->forms, PART_FORMS, "forms.csv");
    read_check(reading, table, &rule);
    rule.severity = (enum severity)cell_word(table, RULE_SEVERITY, severity_words, ARRAY_LEN(severity_words), true,
                                             SEVERITY_HARD);
    rule.missing = (enum rule_missing)cell_word(table, RULE_MISSING, missing_words, ARRAY_LEN(missing_words), false,
                                                MISSING_SKIP_ANY);
    rule.message_zh = cell_keep(table, RULE_MESSAGE_ZH, LIMIT_TEXT_BYTES, true);
    rule.message_en = cell_keep(table, RULE_MESSAGE_EN, LIMIT_TEXT_BYTES, false);
    catalogue->rules = memory_grow(catalogue->rules, &reading->rule_capacity, number + 1, sizeof(struct rule));
    catalogue->rules[number] = rule;
}

void catalogue_read_rules(struct reading *reading)
{
    (void)table_read(reading->loader, PART_RULES, "rules.csv", false, rule_columns, ARRAY_LEN(rule_columns), read_rule,
                     reading);
}
