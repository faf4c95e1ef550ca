/* Exact rationals against __int128 arithmetic. */
#include "random.h"
#include "suite.h"

#include "ratio.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void set_fraction(mpq_t value, int64_t numerator, int64_t denominator)
{
    mpq_t divisor;
    mpq_init(divisor);
    ratio_set_int64(value, numerator);
    ratio_set_int64(divisor, denominator);
    mpq_div(value, value, divisor);
    mpq_clear(divisor);
}

static void rounding_is_half_away_from_zero(void)
{
    static const struct {
        int64_t numerator, denominator;
        uint8_t decimals;
        const char *text;
    } cases[] = {
        {62, 1, 2, "62.00"}, {1, 2, 0, "1"},     {-1, 2, 0, "-1"},    {3, 2, 0, "2"},       {5, 2, 0, "3"},
        {-5, 2, 0, "-3"},    {1, 3, 2, "0.33"},  {2, 3, 2, "0.67"},   {-2, 3, 2, "-0.67"},  {1, 200, 2, "0.01"},
        {-1, 200, 2, "-0.01"}, {1, 201, 2, "0.00"}, {-1, 201, 2, "0.00"}, {-1, 3, 0, "0"},  {0, 7, 1, "0.0"},
        {-1, 2, 1, "-0.5"},  {-1, 21, 1, "0.0"}, {-1, 20, 1, "-0.1"}, {-4, 100, 1, "0.0"},  {1005, 1000, 2, "1.01"},
        {1004999, 1000000, 2, "1.00"}, {999, 1000, 2, "1.00"}, {INT64_MAX, 1, 0, "9223372036854775807"},
        {INT64_MIN, 1, 0, "-9223372036854775808"}, {INT64_MIN, 1000000000, 9, "-9223372036.854775808"},
        {1, INT64_MAX, 9, "0.000000000"}, {1, 1000000000, 9, "0.000000001"},
    };
    mpq_t value;
    mpq_init(value);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[RATIO_TEXT];
        set_fraction(value, cases[i].numerator, cases[i].denominator);
        CU_ASSERT_TRUE_FATAL(ratio_fits(value, cases[i].decimals));
        ratio_format(value, cases[i].decimals, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
    }
    mpq_clear(value);
}

static void a_value_fits_when_its_rounded_units_fit(void)
{
    static const struct {
        int64_t numerator, denominator;
        uint8_t decimals;
        bool fits;
    } cases[] = {
        {INT64_MAX, 1, 0, true},  {INT64_MIN, 1, 0, true},   {INT64_MAX, 1, 1, false}, {INT64_MIN, 1, 1, false},
        {INT64_MAX, 10, 1, true}, {INT64_MIN, 10, 1, true},  {INT64_MAX, 9, 1, false}, {922337203685477580, 1, 1, true},
        {922337203685477581, 1, 1, false}, {0, 1, 9, true},  {9223372037, 1, 9, false}, {9223372036, 1, 9, true},
    };
    mpq_t value, half;
    mpq_init(value);
    mpq_init(half);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_fraction(value, cases[i].numerator, cases[i].denominator);
        CU_ASSERT_EQUAL(ratio_fits(value, cases[i].decimals), cases[i].fits);
    }
    /* A half above the largest rounds up and out; just below it stays. */
    ratio_set_int64(value, INT64_MAX);
    set_fraction(half, 1, 2);
    mpq_add(value, value, half);
    CU_ASSERT_FALSE(ratio_fits(value, 0));
    set_fraction(half, 1, 1000);
    mpq_sub(value, value, half);
    CU_ASSERT_TRUE(ratio_fits(value, 0));
    mpq_clear(half);
    mpq_clear(value);
}

static void every_width_is_taken_over_exactly(void)
{
    static const struct {
        __int128 value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {(__int128)INT64_MAX + 1, "9223372036854775808"},
        {(__int128)UINT64_MAX, "18446744073709551615"},
        {(__int128)UINT64_MAX + 1, "18446744073709551616"},
        {-((__int128)UINT64_MAX + 1), "-18446744073709551616"},
        {(__int128)(~(unsigned __int128)0 >> 1), "170141183460469231731687303715884105727"},
        {-(__int128)(~(unsigned __int128)0 >> 1) - 1, "-170141183460469231731687303715884105728"},
    };
    mpq_t value;
    mpq_init(value);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[RATIO_TEXT];
        set_fraction(value, 1, 3); /* what was there before leaves nothing behind */
        ratio_set_int128(value, cases[i].value);
        CU_ASSERT_PTR_NOT_NULL(mpq_get_str(text, 10, value));
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
    }
    mpq_clear(value);
}

static void a_decimal_becomes_a_reduced_fraction(void)
{
    mpq_t value;
    char text[RATIO_TEXT];
    mpq_init(value);
    ratio_set_decimal(value, (struct decimal){1250, 2});
    CU_ASSERT_STRING_EQUAL(mpq_get_str(text, 10, value), "25/2");
    ratio_set_decimal(value, (struct decimal){-5, 9});
    CU_ASSERT_STRING_EQUAL(mpq_get_str(text, 10, value), "-1/200000000");
    ratio_set_decimal(value, (struct decimal){0, 9});
    CU_ASSERT_STRING_EQUAL(mpq_get_str(text, 10, value), "0");
    ratio_set_decimal(value, (struct decimal){INT64_MIN, 0});
    CU_ASSERT_STRING_EQUAL(mpq_get_str(text, 10, value), "-9223372036854775808");
    mpq_clear(value);
}

static __int128 rounded_naively(int64_t numerator, int64_t denominator, int64_t power)
{
    __int128 above = (__int128)numerator * power, below = denominator;
    if (below < 0) {
        above = -above;
        below = -below;
    }
    const __int128 quotient = above / below, rest = above % below, size = rest < 0 ? -rest : rest;
    return size * 2 >= below ? quotient + (above < 0 ? -1 : 1) : quotient;
}

static void any_fraction_is_rounded_as_long_division_says(void)
{
    mpq_t value;
    mpq_init(value);
    random_start("ratio");
    for (int round = 0; round < 100000; round++) {
        const uint8_t decimals = (uint8_t)(draw() % 10);
        const int64_t numerator = (int64_t)(draw() >> (1 + draw() % 62)) * (draw() % 2 == 0 ? 1 : -1);
        const int64_t denominator = (int64_t)(1 + (draw() >> (2 + draw() % 61))) * (draw() % 2 == 0 ? 1 : -1);
        const __int128 expected = rounded_naively(numerator, denominator, decimal_power_of_ten(decimals));
        const bool fits = expected >= INT64_MIN && expected <= INT64_MAX;
        char text[RATIO_TEXT] = "", wanted[DECIMAL_TEXT] = "";
        set_fraction(value, numerator, denominator);
        if (fits) {
            ratio_format(value, decimals, text);
            decimal_format((struct decimal){(int64_t)expected, decimals}, wanted);
        }
        if (ratio_fits(value, decimals) != fits || strcmp(text, wanted) != 0) {
            printf("\n  %" PRId64 "/%" PRId64 " to %u: %s, %s\n", numerator, denominator, (unsigned)decimals, text, wanted);
            CU_FAIL("rounded differently");
            break;
        }
    }
    mpq_clear(value);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(rounding_is_half_away_from_zero),
        SENTENCE(a_value_fits_when_its_rounded_units_fit),
        SENTENCE(every_width_is_taken_over_exactly),
        SENTENCE(a_decimal_becomes_a_reduced_fraction),
        SENTENCE(any_fraction_is_rounded_as_long_division_says),
    };
    return suite_run("ratio", sentences, ARRAY_LEN(sentences));
}
