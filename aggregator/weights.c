/* weights.c - the goals of a ratio and their weights. The catalogue alone can only tell that a whole lies between its
 * parts; with the denominators reported so far it comes to one number: what the whole is when every part exactly meets
 * its goal. Compared exactly; rounded only in the sentence, to the indicator's decimals or as many more as tell the two
 * apart. */
#include "weights.h"

#include "goal_parts.h"
#include "progress.h"

#include <stdio.h>

struct weighing {
    struct figures *figures;
    const struct catalogue *catalogue;
    struct findings *findings;
    enum status status;
    struct fault *why;
};

/* Adds the part's value x denominator and denominator; false when there is no denominator. */
static bool add_part(struct weighing *weighing, const struct goal *whole, const struct goal *part, mpq_t weighted,
                     mpq_t weights)
{
    struct figure figure;
    bool has_weight = false;
    mpq_t value;
    mpq_init(value);
    figure_init(&figure);
    weighing->status = figures_indicator(weighing->figures, part->indicator,
                                         progress_scope(weighing->catalogue, part),
                                         period_span(whole->start, whole->due), &figure, weighing->why);
    if (weighing->status == STATUS_OK && figure.denominator_state == FIGURE_PRESENT) {
        has_weight = true;
        ratio_set_decimal(value, part->value);
        mpq_mul(value, value, figure.denominator);
        mpq_add(weighted, weighted, value);
        mpq_add(weights, weights, figure.denominator);
    }
    figure_clear(&figure);
    mpq_clear(value);
    return has_weight;
}

/* As few decimals as show the mean below the goal: "11.5 is above 11.5" helps nobody. */
static void format_below(const mpq_t mean, const struct goal *whole, uint8_t decimals, char ret_text[RATIO_TEXT])
{
    struct decimal shown;
    mpq_t value, rounded;
    mpq_inits(value, rounded, NULL);
    ratio_set_decimal(value, whole->value);
    for (;; decimals++) {
        ratio_format(mean, decimals, ret_text);
        if (decimals >= LIMIT_DECIMALS || !ratio_fits(mean, (uint8_t)(decimals + 1)) ||
            decimal_parse(ret_text, &shown, NULL) != STATUS_OK)
            break;
        ratio_set_decimal(rounded, shown);
        if (mpq_cmp(rounded, value) < 0)
            break;
    }
    mpq_clears(value, rounded, NULL);
}

static void report(const struct weighing *weighing, const struct goal *whole, const mpq_t mean, size_t count)
{
    const uint8_t decimals = weighing->catalogue->indicators[whole->indicator].decimals;
    char value_text[DECIMAL_TEXT], mean_text[RATIO_TEXT], count_text[24];
    struct fault fault = {.message = MESSAGE_NONE};
    if (!ratio_fits(mean, decimals))
        return; /* below any goal that can be written, and not printable */
    decimal_format(whole->value, value_text);
    format_below(mean, whole, decimals, mean_text);
    if (snprintf(count_text, sizeof count_text, "%zu", count) < 0)
        count_text[0] = '\0';
    fault_set(&fault, MESSAGE_GOAL_ABOVE_WEIGHTED_PARTS, value_text, mean_text, count_text, NULL);
    fault_at(&fault, "goals.csv", whole->row, "value");
    findings_add(weighing->findings, FINDING_WARNING, whole->code, &fault);
}

static void weigh(void *context, const struct goal *whole, const struct goal *const *parts, size_t count)
{
    struct weighing *weighing = context;
    mpq_t weighted, weights, value;
    bool known = weighing->status == STATUS_OK;
    if (!known)
        return;
    mpq_inits(weighted, weights, value, NULL);
    for (size_t i = 0; i < count && known; i++)
        known = add_part(weighing, whole, parts[i], weighted, weights);
    if (known && mpq_sgn(weights) > 0) {
        ratio_set_decimal(value, whole->value);
        mpq_div(weighted, weighted, weights);
        if (mpq_cmp(value, weighted) > 0)
            report(weighing, whole, weighted, count);
    }
    mpq_clears(weighted, weights, value, NULL);
}

enum status weights_check(struct figures *figures, struct findings *findings, struct fault *why)
{
    struct weighing weighing = {.figures = figures, .catalogue = figures_catalogue(figures), .findings = findings,
                                .status = STATUS_OK, .why = why};
    goal_parts_visit(weighing.catalogue, weigh, &weighing);
    return weighing.status;
}
