/* ratio.c - exact rationals, rounded once when a figure is printed.
 *
 * Rounding is half away from zero (四舍五入 on the magnitude), done on integers: |n/d| rounded to k decimals is
 * floor((2 |n| 10^k + d) / (2 d)). */
#include "ratio.h"

#include "limit.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

static_assert(sizeof(long) == sizeof(int64_t), "GMP's signed long functions are used for int64_t");

void ratio_set_int64(mpq_t ret_value, int64_t value)
{
    mpq_set_si(ret_value, value, 1);
}

void ratio_set_int128(mpq_t ret_value, __int128 value)
{
    const unsigned __int128 magnitude = value < 0 ? 0 - (unsigned __int128)value : (unsigned __int128)value;
    mpz_ptr numerator = mpq_numref(ret_value);
    mpz_set_ui(numerator, (uint64_t)(magnitude >> 64));
    mpz_mul_2exp(numerator, numerator, 64);
    mpz_add_ui(numerator, numerator, (uint64_t)magnitude);
    if (value < 0)
        mpz_neg(numerator, numerator);
    mpz_set_ui(mpq_denref(ret_value), 1);
}

void ratio_set_decimal(mpq_t ret_value, struct decimal value)
{
    mpq_set_si(ret_value, value.units, (unsigned long)decimal_power_of_ten(value.scale));
    mpq_canonicalize(ret_value);
}

/* The value in units of 10^-decimals, rounded half away from zero. */
static void rounded(mpz_t ret_units, const mpq_t value, uint8_t decimals)
{
    mpz_t divisor;
    mpz_init(divisor);
    mpz_abs(ret_units, mpq_numref(value));
    mpz_mul_ui(ret_units, ret_units, (unsigned long)decimal_power_of_ten(decimals));
    mpz_mul_2exp(ret_units, ret_units, 1);
    mpz_add(ret_units, ret_units, mpq_denref(value));
    mpz_mul_2exp(divisor, mpq_denref(value), 1);
    mpz_fdiv_q(ret_units, ret_units, divisor);
    if (mpq_sgn(value) < 0)
        mpz_neg(ret_units, ret_units);
    mpz_clear(divisor);
}

bool ratio_fits(const mpq_t value, uint8_t decimals)
{
    mpz_t units;
    bool fits;
    mpz_init(units);
    rounded(units, value, decimals);
    fits = mpz_fits_slong_p(units) != 0;
    mpz_clear(units);
    return fits;
}

void ratio_format(const mpq_t value, uint8_t decimals, char ret_text[RATIO_TEXT])
{
    char text[DECIMAL_TEXT];
    int length;
    mpz_t units;
    mpz_init(units);
    rounded(units, value, decimals);
    assert(mpz_fits_slong_p(units));
    decimal_format((struct decimal){.units = mpz_get_si(units), .scale = decimals}, text);
    length = snprintf(ret_text, RATIO_TEXT, "%s", text);
    assert(length > 0 && length < RATIO_TEXT);
    (void)length;
    mpz_clear(units);
}
