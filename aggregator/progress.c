/* progress.c - goals against figures (CONTRACT 6).
 *
 *      start        m counting months        |    months whose reports are not due yet      due
 *        |---------|---------|------- ... ---|---------|------------- ... ---------|----------|
 *        '------------ actual ---------------'         M months in all
 *
 * A month is never judged before its reports are due, so a goal does not lag in the days in which nobody could have
 * reported. Everything is a ratio; nothing is rounded here. */
#include "progress.h"

#include "calendar.h"
#include "goal_parts.h"

/* ---- words --------------------------------------------------------------------------------------------------------------- */

void progress_init(struct progress *progress)
{
    *progress = (struct progress){0};
    mpq_inits(progress->actual, progress->expected_by_now, progress->attainment_pct, progress->forecast,
              progress->required_rate, NULL);
}

void progress_clear(struct progress *progress)
{
    mpq_clears(progress->actual, progress->expected_by_now, progress->attainment_pct, progress->forecast,
               progress->required_rate, NULL);
}

const char *goal_status_text(enum goal_status status)
{
    switch (status) {
    case GOAL_NOT_DUE:
        return "not_due";
    case GOAL_NO_DATA:
        return "no_data";
    case GOAL_MET:
        return "met";
    case GOAL_MISSED:
        return "missed";
    case GOAL_ON_PACE:
        return "on_pace";
    case GOAL_AT_RISK:
        return "at_risk";
    case GOAL_LAGGING:
        return "lagging";
    }
    return "";
}

const char *reachable_text(enum reachable reachable)
{
    switch (reachable) {
    case REACHABLE_UNKNOWN:
        return "";
    case REACHABLE_YES:
        return "yes";
    case REACHABLE_NO:
        return "no";
    }
    return "";
}

struct scope progress_scope(const struct catalogue *catalogue, const struct goal *goal)
{
    if (goal->unit != NO_INDEX)
        return (struct scope){&goal->unit, 1};
    return (struct scope){catalogue->groups[goal->group].units, catalogue->groups[goal->group].unit_count};
}

/* No denominator and only flow or ytd elements (counters of reports are such): the figure is made month by month.
 * summed: and every month adds to it. The highest of the months so far is no sum of anything. */
static bool grows(const struct catalogue *catalogue, const struct goal *goal, bool summed)
{
    const struct indicator *indicator = &catalogue->indicators[goal->indicator];
    if (indicator->denominator.count > 0)
        return false;
    for (size_t i = 0; i < indicator->numerator.count; i++) {
        const struct term *term = &indicator->numerator.terms[i];
        if (term->kind == TERM_EXPECTED_UNITS)
            return false;
        if (term->kind != TERM_ELEMENT)
            continue;
        const struct element *element = &catalogue->elements[term->element];
        if ((element->kind != ELEMENT_FLOW && element->kind != ELEMENT_YTD) ||
            (summed && element->aggregate != AGGREGATE_SUM))
            return false;
    }
    return true;
}

enum pace_kind progress_pace(const struct catalogue *catalogue, const struct goal *goal)
{
    if (goal->pace != PACE_DEFAULT)
        return goal->pace;
    return grows(catalogue, goal, false) ? PACE_LINEAR : PACE_LEVEL;
}

/* ---- which months count ---------------------------------------------------------------------------------------------------- */

struct judging {
    struct figures *figures;
    const struct catalogue *catalogue;
    const struct goal *goal;
    bool cumulative; /* the figure is nothing before the first month, and each month adds to it */
    struct scope scope;
    int32_t on;
    struct fault *why;
    mpq_t value, baseline; /* of the goal */
};

/* Which of its period ends last decides: the ones before it were due no later. */
static bool form_reported(const struct judging *judging, const struct form *form, struct period month)
{
    struct period last;
    if (form->frequency == PERIOD_DAY || form->frequency == PERIOD_WEEK) {
        if (!period_last_inside(month, form->frequency, &last))
            return true;
    } else {
        last = period_of_day(month.last, form->frequency); /* is the month or contains it */
    }
    return last.last <= judging->on && calendar_due_date(judging->catalogue, form, last) <= judging->on;
}

static bool expression_reported(const struct judging *judging, const struct expression *expression, bool with_base,
                                struct period month)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        if (term->kind != TERM_ELEMENT)
            continue;
        const struct element *element = &judging->catalogue->elements[term->element];
        if ((with_base || element->kind != ELEMENT_BASE) &&
            !form_reported(judging, &judging->catalogue->forms[element->form], month))
            return false;
    }
    return true;
}

static bool counts_reports(const struct expression *expression)
{
    for (size_t i = 0; i < expression->count; i++) {
        const enum term_kind kind = expression->terms[i].kind;
        if (kind == TERM_REPORTS_EXPECTED || kind == TERM_REPORTS_RECEIVED || kind == TERM_REPORTS_ON_TIME ||
            kind == TERM_REPORTS_CLEAN)
            return true;
    }
    return false;
}

static bool only_base(const struct judging *judging, const struct expression *expression)
{
    for (size_t i = 0; i < expression->count; i++)
        if (expression->terms[i].kind == TERM_ELEMENT &&
            judging->catalogue->elements[expression->terms[i].element].kind != ELEMENT_BASE)
            return false;
    return true;
}

static bool month_counts(const struct judging *judging, struct period month)
{
    const struct indicator *indicator = &judging->catalogue->indicators[judging->goal->indicator];
    const struct expression *top = &indicator->numerator, *bottom = &indicator->denominator;
    if (month.last > judging->on)
        return false;
    const bool reports = counts_reports(top) || counts_reports(bottom);
    for (uint32_t i = 0; reports && i < judging->catalogue->form_count; i++)
        if (goal_counts_reports_of(judging->catalogue, i) &&
            !form_reported(judging, &judging->catalogue->forms[i], month))
            return false;
    const bool with_base = !reports && only_base(judging, top) && only_base(judging, bottom);
    return expression_reported(judging, top, with_base, month) && expression_reported(judging, bottom, with_base, month);
}

/* M and m; a month only counts when all before it do. */
static void count_months(const struct judging *judging, struct progress *progress)
{
    const int32_t due = judging->goal->due;
    bool counting = true;
    progress->months = progress->months_counting = 0;
    for (struct period month = period_of_day(judging->goal->start, PERIOD_MONTH); month.first <= due;
         month = period_next(month)) {
        progress->months++;
        counting = counting && month_counts(judging, month);
        progress->months_counting += counting ? 1u : 0u;
    }
}

/* From the goal's start to the end of its k-th month, and so for the last month too when the goal is due in the middle of
 * it: its reports speak of the whole month. */
static struct period span_to_month(const struct goal *goal, uint32_t k)
{
    struct period month = period_of_day(goal->start, PERIOD_MONTH);
    for (uint32_t i = 1; i < k; i++)
        month = period_next(month);
    return period_span(goal->start, month.last);
}

/* ---- actual and expectation -------------------------------------------------------------------------------------------------- */

static enum status find_actual(const struct judging *judging, struct progress *progress)
{
    struct figure figure;
    enum status status = STATUS_OK;
    progress->has_actual = progress->overflow = false;
    progress->reported = progress->expected = 0;
    if (progress->months_counting == 0)
        return STATUS_OK;
    figure_init(&figure);
    status = figures_indicator(judging->figures, judging->goal->indicator, judging->scope,
                               span_to_month(judging->goal, progress->months_counting), &figure, judging->why);
    if (status == STATUS_OK) {
        progress->has_actual = figure.value_state == FIGURE_PRESENT;
        progress->overflow = figure.value_state == FIGURE_OVERFLOW;
        progress->reported = figure.reported;
        progress->expected = figure.expected;
        if (progress->has_actual)
            mpq_set(progress->actual, figure.value);
    }
    figure_clear(&figure);
    return status;
}

/* baseline + (value - baseline) x part */
static void set_part_of_way(const struct judging *judging, const mpq_t part, mpq_t ret_expected)
{
    mpq_sub(ret_expected, judging->value, judging->baseline);
    mpq_mul(ret_expected, ret_expected, part);
    mpq_add(ret_expected, ret_expected, judging->baseline);
}

/* Percent of the last step whose month counts; steps may stand in any order. */
static void steps_part(const struct goal *goal, uint32_t counting, mpq_t ret_part)
{
    int32_t newest = DAY_MIN;
    mpq_set_ui(ret_part, 0, 1);
    if (counting == 0)
        return;
    const int32_t end = period_of_day(span_to_month(goal, counting).last, PERIOD_MONTH).last;
    for (size_t i = 0; i < goal->step_count; i++) {
        const struct pace_step *step = &goal->steps[i];
        if (step->month.last > end || step->month.last < newest)
            continue;
        newest = step->month.last;
        ratio_set_decimal(ret_part, step->percent);
    }
    mpq_t hundred;
    mpq_init(hundred);
    mpq_set_ui(hundred, 100, 1);
    mpq_div(ret_part, ret_part, hundred);
    mpq_clear(hundred);
}

static void find_expectation(const struct judging *judging, struct progress *progress)
{
    mpq_t part;
    mpq_init(part);
    progress->has_expected = true;
    switch (progress_pace(judging->catalogue, judging->goal)) {
    case PACE_DEFAULT:
    case PACE_LEVEL:
        mpq_set(progress->expected_by_now, judging->value);
        break;
    case PACE_DUE:
        progress->has_expected = progress->months_counting == progress->months;
        if (progress->has_expected)
            mpq_set(progress->expected_by_now, judging->value);
        break;
    case PACE_LINEAR:
        mpq_set_ui(part, progress->months_counting, progress->months);
        mpq_canonicalize(part);
        set_part_of_way(judging, part, progress->expected_by_now);
        break;
    case PACE_STEPS:
        steps_part(judging->goal, progress->months_counting, part);
        set_part_of_way(judging, part, progress->expected_by_now);
        break;
    }
    mpq_clear(part);
}

static void find_attainment(const struct judging *judging, struct progress *progress)
{
    mpq_t way;
    mpq_init(way);
    mpq_sub(way, judging->value, judging->baseline);
    progress->has_attainment = progress->has_actual && mpq_sgn(way) != 0;
    if (progress->has_attainment) {
        mpq_sub(progress->attainment_pct, progress->actual, judging->baseline);
        mpq_div(progress->attainment_pct, progress->attainment_pct, way);
        mpq_set_ui(way, 100, 1);
        mpq_mul(progress->attainment_pct, progress->attainment_pct, way);
    }
    mpq_clear(way);
}

/* ---- status -------------------------------------------------------------------------------------------------------------------- */

/* How far the actual falls short of what is expected by now: on pace, at risk or lagging. */
static enum goal_status judge_pace(const struct judging *judging, const struct progress *progress)
{
    enum goal_status status = GOAL_ON_PACE;
    mpq_t shortfall, tolerated, percent;
    mpq_inits(shortfall, tolerated, percent, NULL);
    mpq_sub(shortfall, progress->expected_by_now, progress->actual);
    if (judging->goal->op == COMPARE_LE)
        mpq_neg(shortfall, shortfall);
    if (mpq_sgn(shortfall) > 0) {
        ratio_set_decimal(percent, judging->goal->warn_pct);
        mpq_abs(tolerated, progress->expected_by_now);
        mpq_mul(tolerated, tolerated, percent);
        mpq_set_ui(percent, 100, 1);
        mpq_div(tolerated, tolerated, percent);
        status = mpq_cmp(shortfall, tolerated) <= 0 ? GOAL_AT_RISK : GOAL_LAGGING;
    }
    mpq_clears(shortfall, tolerated, percent, NULL);
    return status;
}

static enum goal_status judge(const struct judging *judging, const struct progress *progress)
{
    if (progress->months_counting == 0)
        return GOAL_NOT_DUE;
    if (!progress->has_actual)
        return GOAL_NO_DATA;
    if (expression_compare(progress->actual, judging->goal->op, judging->value))
        return GOAL_MET;
    if (progress->months_counting == progress->months)
        return GOAL_MISSED;
    if (!progress->has_expected)
        return GOAL_NOT_DUE;
    return judge_pace(judging, progress);
}

/* ---- outlook -------------------------------------------------------------------------------------------------------------------- */

struct changes {
    uint32_t recent;    /* how many of the last three counting months have a change */
    uint32_t all;
    mpq_t recent_sum, best;
};

static void add_change(const struct judging *judging, const mpq_t change, bool is_recent, struct changes *changes)
{
    const int order = changes->all == 0 ? 0 : mpq_cmp(change, changes->best);
    if (changes->all == 0 || (judging->goal->op == COMPARE_LE ? order < 0 : order > 0))
        mpq_set(changes->best, change);
    changes->all++;
    if (is_recent) {
        mpq_add(changes->recent_sum, changes->recent_sum, change);
        changes->recent++;
    }
}

/* Change of month k = A(k) - A(k-1). What is cumulative starts from nothing; anything else has no change in its first month. */
static enum status find_changes(const struct judging *judging, const struct progress *progress,
                                struct changes *changes)
{
    const uint32_t m = progress->months_counting;
    enum status status = STATUS_OK;
    struct figure figure;
    bool has_last = judging->cumulative;
    mpq_t last, change;
    mpq_inits(last, change, NULL);
    figure_init(&figure);
    /* only what is cumulative needs every month, for its best one; the forecast needs the last three changes */
    for (uint32_t k = judging->cumulative || m <= 4 ? 1 : m - 3; k <= m && status == STATUS_OK; k++) {
        status = figures_indicator(judging->figures, judging->goal->indicator, judging->scope,
                                   span_to_month(judging->goal, k), &figure, judging->why);
        const bool has_now = status == STATUS_OK && figure.value_state == FIGURE_PRESENT;
        if (has_now && has_last) {
            mpq_sub(change, figure.value, last);
            add_change(judging, change, k + 3 > m, changes);
        }
        if (has_now)
            mpq_set(last, figure.value);
        has_last = has_now;
    }
    figure_clear(&figure);
    mpq_clears(last, change, NULL);
    return status;
}

static bool already_there(const struct judging *judging, const struct progress *progress)
{
    return judging->goal->op != COMPARE_LE && mpq_cmp(progress->actual, judging->value) >= 0;
}

static void find_forecast(const struct changes *changes, mpq_t remaining, struct progress *progress)
{
    progress->has_forecast = changes->recent > 0 || mpq_sgn(remaining) == 0;
    mpq_set(progress->forecast, progress->actual);
    if (changes->recent == 0 || mpq_sgn(remaining) == 0)
        return;
    mpq_t mean, count;
    mpq_inits(mean, count, NULL);
    mpq_set_ui(count, changes->recent, 1);
    mpq_div(mean, changes->recent_sum, count);
    mpq_mul(mean, mean, remaining);
    mpq_add(progress->forecast, progress->forecast, mean);
    mpq_clears(mean, count, NULL);
}

static void find_required_rate(const struct judging *judging, mpq_t remaining, struct progress *progress)
{
    progress->has_required_rate = mpq_sgn(remaining) > 0;
    if (!progress->has_required_rate)
        return;
    if (already_there(judging, progress)) {
        mpq_set_ui(progress->required_rate, 0, 1);
        return;
    }
    mpq_sub(progress->required_rate, judging->value, progress->actual);
    mpq_div(progress->required_rate, progress->required_rate, remaining);
}

/* Even the best month so far, repeated, cannot get there. */
static enum reachable find_reachable(const struct judging *judging, const struct progress *progress,
                                     const struct changes *changes, mpq_t remaining)
{
    if (!judging->cumulative)
        return REACHABLE_UNKNOWN;
    if (mpq_sgn(remaining) == 0) /* the last word is spoken */
        return progress->status == GOAL_MET ? REACHABLE_YES : REACHABLE_NO;
    if (already_there(judging, progress))
        return REACHABLE_YES;
    if (changes->all == 0)
        return REACHABLE_UNKNOWN;
    mpq_t end;
    mpq_init(end);
    mpq_mul(end, changes->best, remaining);
    mpq_add(end, end, progress->actual);
    const bool there = judging->goal->op == COMPARE_LE ? mpq_cmp(end, judging->value) <= 0
                                                       : mpq_cmp(end, judging->value) >= 0;
    mpq_clear(end);
    return there ? REACHABLE_YES : REACHABLE_NO;
}

static enum status find_outlook(const struct judging *judging, struct progress *progress)
{
    struct changes changes = {0};
    mpq_t remaining;
    mpq_inits(remaining, changes.recent_sum, changes.best, NULL);
    mpq_set_ui(remaining, progress->months - progress->months_counting, 1);
    const enum status status = find_changes(judging, progress, &changes);
    if (status == STATUS_OK) {
        find_forecast(&changes, remaining, progress);
        find_required_rate(judging, remaining, progress);
        progress->reachable = find_reachable(judging, progress, &changes, remaining);
    }
    mpq_clears(remaining, changes.recent_sum, changes.best, NULL);
    return status;
}

/* ---- judging --------------------------------------------------------------------------------------------------------------------- */

enum status progress_judge(struct figures *figures, uint32_t goal, int32_t on, bool with_outlook,
                           struct progress *ret_progress, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    struct judging judging = {.figures = figures, .catalogue = catalogue, .goal = &catalogue->goals[goal],
                              .scope = progress_scope(catalogue, &catalogue->goals[goal]), .on = on, .why = why};
    enum status status;
    mpq_inits(judging.value, judging.baseline, NULL);
    ratio_set_decimal(judging.value, judging.goal->value);
    ratio_set_decimal(judging.baseline, judging.goal->baseline);
    judging.cumulative = grows(catalogue, judging.goal, true);
    ret_progress->goal = goal;
    ret_progress->has_forecast = ret_progress->has_required_rate = false;
    ret_progress->reachable = REACHABLE_UNKNOWN;
    count_months(&judging, ret_progress);
    status = find_actual(&judging, ret_progress);
    if (status == STATUS_OK) {
        find_expectation(&judging, ret_progress);
        find_attainment(&judging, ret_progress);
        ret_progress->status = judge(&judging, ret_progress);
        if (with_outlook && ret_progress->has_actual)
            status = find_outlook(&judging, ret_progress);
    }
    mpq_clears(judging.value, judging.baseline, NULL);
    return status;
}
