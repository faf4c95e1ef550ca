/* figures.c - indicators from elements: factor x numerator / denominator on combined figures, exact to the end. What one
 * element comes to is combine.c's; here is the formula, the flag, and who is asked about (covers, kept between calls:
 * they change with the catalogue only). */
#include "figures.h"

#include "combine.h"
#include "memory.h"
#include "reports.h"

#include <stdlib.h>
#include <string.h>

#define COVER_BUCKETS 16384u
#define COVERS_KEPT 65536u /* then the cache starts anew */

/* The covers of one scope at one level. */
struct kept_cover {
    struct kept_cover *next;
    uint32_t *units;
    size_t unit_count;
    uint32_t level;
    struct cover *covers;
    size_t cover_count;
};

struct figures {
    const struct catalogue *catalogue;
    struct abacus *abacus;
    struct kept_cover *buckets[COVER_BUCKETS];
    size_t kept;
};

/* ---- figure ---------------------------------------------------------------------------------------------------------- */

void figure_init(struct figure *figure)
{
    *figure = (struct figure){0};
    mpq_init(figure->value);
    mpq_init(figure->numerator);
    mpq_init(figure->denominator);
}

void figure_clear(struct figure *figure)
{
    mpq_clear(figure->value);
    mpq_clear(figure->numerator);
    mpq_clear(figure->denominator);
}

enum figure_flag figure_flag(const struct figure *figure)
{
    if (figure->value_state == FIGURE_OVERFLOW)
        return FLAG_OVERFLOW;
    if (figure->value_state == FIGURE_NONE)
        return FLAG_MISSING;
    return figure->reported < figure->expected ? FLAG_PARTIAL : FLAG_COMPLETE;
}

const char *figure_flag_text(enum figure_flag flag)
{
    switch (flag) {
    case FLAG_COMPLETE:
        return "complete";
    case FLAG_PARTIAL:
        return "partial";
    case FLAG_MISSING:
        return "missing";
    case FLAG_OVERFLOW:
        return "overflow";
    }
    return "";
}

/* ---- covers ---------------------------------------------------------------------------------------------------------- */

struct figures *figures_new(const struct catalogue *catalogue, struct abacus *abacus)
{
    struct figures *figures = memory_new(struct figures);
    figures->catalogue = catalogue;
    figures->abacus = abacus;
    return figures;
}

static void forget_covers(struct figures *figures)
{
    for (size_t i = 0; i < COVER_BUCKETS; i++) {
        while (figures->buckets[i] != NULL) {
            struct kept_cover *kept = figures->buckets[i];
            figures->buckets[i] = kept->next;
            free(kept->units);
            free(kept->covers);
            free(kept);
        }
    }
    figures->kept = 0;
}

void figures_free(struct figures **figures)
{
    if (figures == NULL || *figures == NULL)
        return;
    forget_covers(*figures);
    free(*figures);
    *figures = NULL;
}

const struct catalogue *figures_catalogue(const struct figures *figures)
{
    return figures->catalogue;
}

struct abacus *figures_abacus(const struct figures *figures)
{
    return figures->abacus;
}

static int by_slot_and_day(const void *one, const void *other)
{
    const struct cover *left = one, *right = other;
    if (left->first_slot != right->first_slot)
        return left->first_slot < right->first_slot ? -1 : 1;
    if (left->slot_count != right->slot_count)
        return left->slot_count < right->slot_count ? -1 : 1;
    return (left->from > right->from) - (left->from < right->from);
}

/* A unit that moved within the scope was in it all the time: one cover, or its stock would be taken twice. */
static size_t join_days(struct cover *covers, size_t count)
{
    size_t kept = 0;
    if (count == 0)
        return 0;
    qsort(covers, count, sizeof *covers, by_slot_and_day);
    for (size_t i = 1; i < count; i++) {
        struct cover *last = &covers[kept];
        if (covers[i].first_slot == last->first_slot && covers[i].slot_count == last->slot_count &&
            last->until != DAY_MAX && covers[i].from == last->until + 1)
            last->until = covers[i].until;
        else
            covers[++kept] = covers[i];
    }
    return kept + 1;
}

static size_t bucket_of(struct scope scope, uint32_t level)
{
    uint64_t mix = level + 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < scope.unit_count; i++)
        mix = (mix ^ scope.units[i]) * 0x100000001b3u;
    return (size_t)((mix ^ (mix >> 29)) % COVER_BUCKETS);
}

static const struct kept_cover *kept_cover(struct figures *figures, struct scope scope, uint32_t level)
{
    const size_t bucket = bucket_of(scope, level);
    const size_t bytes = scope.unit_count * sizeof *scope.units;
    for (struct kept_cover *kept = figures->buckets[bucket]; kept != NULL; kept = kept->next)
        if (kept->level == level && kept->unit_count == scope.unit_count && memcmp(kept->units, scope.units, bytes) == 0)
            return kept;
    if (figures->kept >= COVERS_KEPT)
        forget_covers(figures);
    struct kept_cover *kept = memory_new(struct kept_cover);
    kept->units = memory_array(scope.unit_count, sizeof *kept->units);
    memcpy(kept->units, scope.units, bytes);
    kept->unit_count = scope.unit_count;
    kept->level = level;
    kept->cover_count =
        scope.unit_count == 1
            ? catalogue_cover(figures->catalogue, scope.units[0], level, &kept->covers)
            : catalogue_cover_units(figures->catalogue, scope.units, scope.unit_count, level, &kept->covers);
    kept->cover_count = join_days(kept->covers, kept->cover_count);
    kept->next = figures->buckets[bucket];
    figures->buckets[bucket] = kept;
    figures->kept++;
    return kept;
}

size_t figures_covers(struct figures *figures, struct scope scope, uint32_t level, struct cover **ret_covers)
{
    const struct kept_cover *kept = kept_cover(figures, scope, level);
    *ret_covers = memory_array(kept->cover_count, sizeof **ret_covers);
    if (kept->cover_count > 0)
        memcpy(*ret_covers, kept->covers, kept->cover_count * sizeof **ret_covers);
    return kept->cover_count;
}

/* ---- terms ------------------------------------------------------------------------------------------------------------ */

static bool shifted(struct period period, enum term_shift shift, struct period *ret_period)
{
    switch (shift) {
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

static enum term_state element_term(const struct element *element, const struct combined *combined, mpq_t ret_value)
{
    switch (combined->state) {
    case FIGURE_NONE:
        return TERM_MISSING;
    case FIGURE_OVERFLOW:
        return TERM_OVERFLOW;
    case FIGURE_PRESENT:
        ratio_set_decimal(ret_value, (struct decimal){combined->value, element->decimals});
        return TERM_PRESENT;
    }
    return TERM_MISSING;
}

static enum term_state expected_units_term(const struct figures_at *at, struct period period, mpq_t ret_value)
{
    struct slots owed = {0};
    if (at->expression == NULL || at->expression->expected_units_form == NO_INDEX)
        return TERM_MISSING;
    combine_owed_units(at->figures, &at->figures->catalogue->forms[at->expression->expected_units_form], at->scope,
                       period, &owed);
    ratio_set_int128(ret_value, (__int128)slots_total(&owed));
    slots_free(&owed);
    return TERM_PRESENT;
}

enum term_state figures_lookup(void *context, const struct term *term, mpq_t ret_value)
{
    struct figures_at *at = context;
    struct period period;
    struct combined combined;
    if (at->status != STATUS_OK || !shifted(at->period, term->shift, &period))
        return TERM_MISSING;
    if (term->kind == TERM_EXPECTED_UNITS)
        return expected_units_term(at, period, ret_value);
    if (term->kind != TERM_ELEMENT)
        return TERM_MISSING;
    at->status = combine_element(at->figures, term->element, at->scope, period, &combined, at->why);
    if (at->status != STATUS_OK)
        return TERM_MISSING;
    return element_term(&at->figures->catalogue->elements[term->element], &combined, ret_value);
}

/* ---- indicators -------------------------------------------------------------------------------------------------------- */

/* One element of an indicator's formula at one shift, asked once however often it stands there. */
struct asked {
    uint32_t element;
    enum term_shift shift;
    struct combined combined;
};

struct formula {
    struct figures_at at;
    struct asked *asked;
    size_t count, capacity;
    bool has_counts;
    struct report_counts counts;
    enum term_shift counts_shift;
};

static enum status ask_element(struct formula *formula, uint32_t element, enum term_shift shift,
                               const struct asked **ret_asked)
{
    struct period period;
    for (size_t i = 0; i < formula->count; i++) {
        if (formula->asked[i].element == element && formula->asked[i].shift == shift) {
            *ret_asked = &formula->asked[i];
            return STATUS_OK;
        }
    }
    formula->asked = memory_grow(formula->asked, &formula->capacity, formula->count + 1, sizeof *formula->asked);
    struct asked *asked = &formula->asked[formula->count];
    *asked = (struct asked){.element = element, .shift = shift, .combined = {.state = FIGURE_NONE}};
    if (shifted(formula->at.period, shift, &period)) {
        const enum status status = combine_element(formula->at.figures, element, formula->at.scope, period,
                                                   &asked->combined, formula->at.why);
        if (status != STATUS_OK)
            return status;
    }
    formula->count++;
    *ret_asked = asked;
    return STATUS_OK;
}

static enum term_state counter_term(struct formula *formula, const struct term *term, mpq_t ret_value)
{
    struct period period;
    uint64_t count = 0;
    if (!shifted(formula->at.period, term->shift, &period))
        return TERM_MISSING;
    if (!formula->has_counts || formula->counts_shift != term->shift) {
        formula->at.status = reports_count(formula->at.figures, NO_INDEX, formula->at.scope, period, &formula->counts,
                                           formula->at.why);
        if (formula->at.status != STATUS_OK)
            return TERM_MISSING;
        formula->has_counts = true;
        formula->counts_shift = term->shift;
    }
    switch (term->kind) {
    case TERM_REPORTS_EXPECTED:
        count = formula->counts.expected;
        break;
    case TERM_REPORTS_RECEIVED:
        count = formula->counts.received;
        break;
    case TERM_REPORTS_ON_TIME:
        count = formula->counts.on_time;
        break;
    case TERM_REPORTS_CLEAN:
        count = formula->counts.clean;
        break;
    case TERM_INTEGER:
    case TERM_ELEMENT:
    case TERM_EXPECTED_UNITS:
        return TERM_MISSING;
    }
    ratio_set_int128(ret_value, (__int128)count);
    return TERM_PRESENT;
}

static enum term_state formula_lookup(void *context, const struct term *term, mpq_t ret_value)
{
    struct formula *formula = context;
    const struct asked *asked;
    if (formula->at.status != STATUS_OK)
        return TERM_MISSING;
    if (term->kind == TERM_EXPECTED_UNITS)
        return figures_lookup(&formula->at, term, ret_value);
    if (term->kind != TERM_ELEMENT)
        return counter_term(formula, term, ret_value);
    formula->at.status = ask_element(formula, term->element, term->shift, &asked);
    if (formula->at.status != STATUS_OK)
        return TERM_MISSING;
    return element_term(&formula->at.figures->catalogue->elements[term->element], &asked->combined, ret_value);
}

static enum status evaluate(struct formula *formula, const struct expression *expression, mpq_t ret_value,
                            enum figure_state *ret_state, uint8_t *ret_decimals)
{
    *ret_state = FIGURE_NONE;
    *ret_decimals = expression_decimals(expression, formula->at.figures->catalogue);
    if (expression->count == 0)
        return STATUS_OK;
    formula->at.expression = expression;
    const enum term_state state = expression_evaluate(expression, formula_lookup, formula, false, ret_value);
    if (formula->at.status != STATUS_OK)
        return formula->at.status;
    if (state == TERM_OVERFLOW || (state == TERM_PRESENT && !ratio_fits(ret_value, *ret_decimals)))
        *ret_state = FIGURE_OVERFLOW;
    else if (state == TERM_PRESENT)
        *ret_state = FIGURE_PRESENT;
    return STATUS_OK;
}

/* Every element counts once, at the asked period, however it is shifted. */
static enum status count_expression(struct formula *formula, const struct expression *expression, uint32_t *seen,
                                    size_t *seen_count, struct figure *figure)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct asked *asked;
        bool known = expression->terms[i].kind != TERM_ELEMENT;
        for (size_t n = 0; n < *seen_count && !known; n++)
            known = seen[n] == expression->terms[i].element;
        if (known)
            continue;
        seen[(*seen_count)++] = expression->terms[i].element;
        const enum status status = ask_element(formula, expression->terms[i].element, SHIFT_NONE, &asked);
        if (status != STATUS_OK)
            return status;
        figure->reported += asked->combined.reported;
        figure->expected += asked->combined.expected;
    }
    return STATUS_OK;
}

static enum status count_pairs(struct formula *formula, const struct indicator *indicator, struct figure *figure)
{
    uint32_t *seen = memory_array(indicator->numerator.count + indicator->denominator.count, sizeof *seen);
    size_t seen_count = 0;
    enum status status = count_expression(formula, &indicator->numerator, seen, &seen_count, figure);
    if (status == STATUS_OK)
        status = count_expression(formula, &indicator->denominator, seen, &seen_count, figure);
    free(seen);
    return status;
}

/* factor x numerator / denominator; overflow beats missing, and a zero denominator gives no value. */
static void divide(const struct indicator *indicator, struct figure *figure)
{
    const bool ratio = indicator->denominator.count > 0;
    figure->value_state = FIGURE_NONE;
    if (figure->numerator_state == FIGURE_OVERFLOW || (ratio && figure->denominator_state == FIGURE_OVERFLOW)) {
        figure->value_state = FIGURE_OVERFLOW;
        return;
    }
    if (figure->numerator_state == FIGURE_NONE)
        return;
    if (ratio && (figure->denominator_state == FIGURE_NONE || mpq_sgn(figure->denominator) == 0))
        return;
    ratio_set_decimal(figure->value, indicator->factor);
    mpq_mul(figure->value, figure->value, figure->numerator);
    if (ratio)
        mpq_div(figure->value, figure->value, figure->denominator);
    figure->value_state = ratio_fits(figure->value, indicator->decimals) ? FIGURE_PRESENT : FIGURE_OVERFLOW;
}

enum status figures_indicator(struct figures *figures, uint32_t indicator_index, struct scope scope,
                              struct period period, struct figure *ret_figure, struct fault *why)
{
    const struct indicator *indicator = &figures->catalogue->indicators[indicator_index];
    struct formula formula = {.at = {.figures = figures, .scope = scope, .period = period, .why = why}};
    enum status status;
    ret_figure->reported = ret_figure->expected = 0;
    ret_figure->value_decimals = indicator->decimals;
    status = evaluate(&formula, &indicator->numerator, ret_figure->numerator, &ret_figure->numerator_state,
                      &ret_figure->numerator_decimals);
    if (status == STATUS_OK)
        status = evaluate(&formula, &indicator->denominator, ret_figure->denominator, &ret_figure->denominator_state,
                          &ret_figure->denominator_decimals);
    if (status == STATUS_OK)
        status = count_pairs(&formula, indicator, ret_figure);
    if (status == STATUS_OK)
        divide(indicator, ret_figure);
    free(formula.asked);
    return status;
}

enum status figures_element(struct figures *figures, uint32_t element, struct scope scope, struct period period,
                            struct figure *ret_figure, struct fault *why)
{
    struct combined combined;
    const uint8_t decimals = figures->catalogue->elements[element].decimals;
    const enum status status = combine_element(figures, element, scope, period, &combined, why);
    if (status != STATUS_OK)
        return status;
    ret_figure->value_state = combined.state;
    ret_figure->numerator_state = ret_figure->denominator_state = FIGURE_NONE;
    ret_figure->value_decimals = ret_figure->numerator_decimals = ret_figure->denominator_decimals = decimals;
    ret_figure->reported = combined.reported;
    ret_figure->expected = combined.expected;
    if (combined.state == FIGURE_PRESENT)
        ratio_set_decimal(ret_figure->value, (struct decimal){combined.value, decimals});
    return STATUS_OK;
}
