/* ratio.h - exact rationals (GMP) for everything behind a figure: formulas, goals, pace, forecasts. Comparisons are
 * exact; rounding happens once, when a figure is printed, half away from zero. */
#ifndef SCHEMAS_RATIO_H
#define SCHEMAS_RATIO_H

#include "decimal.h"

#include <gmp.h>
#include <stdbool.h>

#define RATIO_TEXT 64

/* All take initialised mpq_t. */
void ratio_set_decimal(mpq_t ret_value, struct decimal value);
void ratio_set_int64(mpq_t ret_value, int64_t value);
void ratio_set_int128(mpq_t ret_value, __int128 value);
/* True when the value, rounded half away from zero to `decimals`, fits an int64 of that scale. */
bool ratio_fits(const mpq_t value, uint8_t decimals);
/* Rounds half away from zero to `decimals` and writes it with all of them ("62.00", "-0.5" never "-0.0").
 * The value must satisfy ratio_fits (then RATIO_TEXT bytes suffice). */
void ratio_format(const mpq_t value, uint8_t decimals, char ret_text[RATIO_TEXT]);

#endif
