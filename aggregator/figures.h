/* figures.h - a figure of CONTRACT 3: any element or indicator, any unit or group, any period, from the abacus. */
#ifndef AGGREGATOR_FIGURES_H
#define AGGREGATOR_FIGURES_H

#include "abacus.h"
#include "catalogue.h"
#include "expression.h"

enum figure_state { FIGURE_NONE, FIGURE_PRESENT, FIGURE_OVERFLOW };
enum figure_flag { FLAG_COMPLETE, FLAG_PARTIAL, FLAG_MISSING, FLAG_OVERFLOW };

/* The values are exact and unrounded; print with the decimals given. */
struct figure {
    enum figure_state value_state, numerator_state, denominator_state;
    mpq_t value, numerator, denominator;
    uint8_t value_decimals, numerator_decimals, denominator_decimals;
    uint64_t reported, expected;
};

void figure_init(struct figure *figure);
void figure_clear(struct figure *figure);
enum figure_flag figure_flag(const struct figure *figure);
const char *figure_flag_text(enum figure_flag flag); /* "complete" ... */

/* What is asked about: one unit or one group. */
struct scope {
    const uint32_t *units;
    size_t unit_count;
};

/* Asks figures; keeps covers and lookups between calls. Borrows catalogue and abacus. */
struct figures;
struct figures *figures_new(const struct catalogue *catalogue, struct abacus *abacus);
void figures_free(struct figures **figures);
const struct catalogue *figures_catalogue(const struct figures *figures);
struct abacus *figures_abacus(const struct figures *figures);

enum status figures_indicator(struct figures *figures, uint32_t indicator, struct scope scope, struct period period,
                              struct figure *ret_figure, struct fault *why) MUST_CHECK;
enum status figures_element(struct figures *figures, uint32_t element, struct scope scope, struct period period,
                            struct figure *ret_figure, struct fault *why) MUST_CHECK;
/* An expression_lookup for rules on one unit's form and period (context: struct figures_at). Its `status` must be looked
 * at afterwards: a failing store shows there. Inside a rule the report counters have no value: what is complete depends
 * on the rules, and a rule that asks back would never end. */
struct figures_at {
    struct figures *figures;
    struct scope scope;
    struct period period;
    const struct expression *expression; /* for expected_units; NULL when it is not used */
    enum status status;
    struct fault *why;
};
expression_lookup figures_lookup;

/* The slots of a level at or below the scope, as catalogue_cover_units gives them, days that adjoin joined. Kept between
 * calls; *ret_covers is a copy, yours to free. */
size_t figures_covers(struct figures *figures, struct scope scope, uint32_t level, struct cover **ret_covers);

#endif
