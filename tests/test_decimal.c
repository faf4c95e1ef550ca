/* Cells as clerks write them, catalogue decimals, scales and text. */
#include "random.h"
#include "suite.h"

#include "decimal.h"
#include "limit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void a_cell_with_a_number_gives_its_value(void)
{
    static const struct {
        const char *text;
        uint8_t scale;
        int64_t units;
    } accepts[] = {
        {"0", 0, 0}, {"1", 0, 1}, {"12", 2, 1200}, {"12.5", 2, 1250}, {"12.50", 2, 1250}, {"+7", 0, 7}, {"-7", 0, -7},
        {"-0", 0, 0}, {"-0.00", 2, 0}, {"+0", 3, 0}, {"007", 0, 7}, {"000000000000000000000000000001", 0, 1},
        {"1,234", 0, 1234}, {"1,234,567.80", 2, 123456780}, {"-12,345.6", 1, -123456}, {"123,456", 0, 123456},
        {"0,123", 0, 123}, {" 12 ", 0, 12}, {"\t12\r\n", 0, 12}, {"\xC2\xA0" "12\xE3\x80\x80", 0, 12},
        {"\xEF\xBB\xBF" "12", 0, 12}, {"１２３", 0, 123}, {"１2３.4５", 2, 12345},
        {"１,２３４", 0, 1234}, {"9223372036854775807", 0, INT64_MAX}, {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036.854775807", 9, INT64_MAX}, {"-9,223,372,036.854775808", 9, INT64_MIN}, {"0.000000001", 9, 1},
        {"922337203685477580.7", 1, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(accepts); i++) {
        enum cell_kind kind = CELL_MISSING;
        struct decimal value = {0};
        struct fault why = {0};
        const enum status status =
            decimal_read_cell(accepts[i].text, strlen(accepts[i].text), accepts[i].scale, &kind, &value, &why);
        if (status != STATUS_OK || value.units != accepts[i].units)
            printf("\n  \"%s\" gave %d, %" PRId64 "\n", accepts[i].text, (int)status, value.units);
        CU_ASSERT_EQUAL(status, STATUS_OK);
        CU_ASSERT_EQUAL(kind, CELL_VALUE);
        CU_ASSERT_EQUAL(value.units, accepts[i].units);
        CU_ASSERT_EQUAL(value.scale, accepts[i].scale);
    }
}

static void a_cell_that_means_no_figure_is_missing(void)
{
    static const char *const missing[] = {"",     " ",   "　",        "-",        " - ",  "—",
                                          "/",    "\t/", "无数据", "　无数据 ", "\r\n", "\xC2\xA0—\xEF\xBB\xBF"};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        enum cell_kind kind = CELL_VALUE;
        struct decimal value = {5, 5};
        CU_ASSERT_EQUAL(decimal_read_cell(missing[i], strlen(missing[i]), 2, &kind, &value, NULL), STATUS_OK);
        CU_ASSERT_EQUAL(kind, CELL_MISSING);
    }
}

static void refused(const char *text, size_t length, uint8_t scale, enum message message)
{
    enum cell_kind kind = CELL_MISSING;
    struct decimal value = {7, 7};
    struct fault why = {0};
    const enum status status = decimal_read_cell(text, length, scale, &kind, &value, &why);
    if (status != STATUS_REFUSED || why.message != message)
        printf("\n  \"%s\" gave %d %s\n", text, (int)status, message_code(why.message));
    CU_ASSERT_EQUAL(status, STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, message);
    CU_ASSERT(kind == CELL_MISSING && value.units == 7 && value.scale == 7);
}

static void a_cell_that_is_not_a_number_is_refused(void)
{
    static const char *const refuses[] = {
        ".5", "12.", ".", "+", "+.", "--1", "+-1", "- 1", "1 2", "1e3", "1E3", "1.5e2", "0x10", "12,34", "1,2345", "1234,567",
        ",123", "123,", "1,,234", "1,234,5", "1,234.5,6", "1.234,5", "1.2.3", "3.5万", "约3", "3个", "3元", "¥3", "3%", "12人",
        "1，234", "12．5", "－5", "＋5", "\xE2\x88\x92" "5", "NaN", "nan", "inf", "Infinity", "null", "NULL", "N/A", "无",
        "--", "——", "//", "…", "零", "一百", "١٢", "1'234", "1 234", "1\xC2\xA0" "234", "(12)", "\"12\"", "=1+1", "'12",
        "12-", "0 .5", "1\n2", "\xFF", "1\xEF\xBC", "无 数据", "空", "O", "l2", "２．５", "-１，",
    };
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++)
        refused(refuses[i], strlen(refuses[i]), 4, MESSAGE_NOT_A_NUMBER);
    refused("1\0002", 3, 4, MESSAGE_NOT_A_NUMBER);
    refused("\0", 1, 4, MESSAGE_NOT_A_NUMBER);
}

static void more_decimals_than_the_element_has_are_refused_even_zeros(void)
{
    refused("1.5", 3, 0, MESSAGE_TOO_MANY_DECIMALS);
    refused("1.0", 3, 0, MESSAGE_TOO_MANY_DECIMALS);
    refused("1.250", 5, 2, MESSAGE_TOO_MANY_DECIMALS);
    refused("0.0000000000", 12, 9, MESSAGE_TOO_MANY_DECIMALS);
    refused("99999999999999999999.55", 23, 1, MESSAGE_TOO_MANY_DECIMALS);
}

static void a_value_beyond_int64_after_scaling_is_refused(void)
{
    refused("9223372036854775808", 19, 0, MESSAGE_OUT_OF_RANGE);
    refused("-9223372036854775809", 20, 0, MESSAGE_OUT_OF_RANGE);
    refused("922337203685477580.8", 20, 1, MESSAGE_OUT_OF_RANGE);
    refused("92233720368547759", 17, 2, MESSAGE_OUT_OF_RANGE);
    refused("9,223,372,036,854,775,808", 25, 0, MESSAGE_OUT_OF_RANGE);
    refused("18446744073709551616", 20, 0, MESSAGE_OUT_OF_RANGE);
    refused("18446744073709551617", 20, 0, MESSAGE_OUT_OF_RANGE);
    refused("99999999999999999999999999999999999999999999999999", 50, 0, MESSAGE_OUT_OF_RANGE);
    refused("340282366920938463463374607431768211456", 39, 0, MESSAGE_OUT_OF_RANGE);
    refused("10000000000", 11, 9, MESSAGE_OUT_OF_RANGE);
}

static void a_refusal_quotes_the_cell_and_a_long_cell_only_in_part(void)
{
    struct fault why = {0};
    enum cell_kind kind;
    struct decimal value;
    char text[2000];
    CU_ASSERT_EQUAL(decimal_read_cell(" 3.5万 tail", 8, 2, &kind, &value, &why), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "3.5万");
    CU_ASSERT_EQUAL(decimal_read_cell("1.234", 5, 2, &kind, &value, &why), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(why.argument[1], "2");
    memset(text, '9', sizeof text);
    CU_ASSERT_EQUAL(decimal_read_cell(text, sizeof text, 2, &kind, &value, &why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_OUT_OF_RANGE);
    CU_ASSERT_STRING_EQUAL(why.argument[0] + strlen(why.argument[0]) - 3, "...");
}

/* Writes magnitude at scale with a comma every three digits if asked, some digits full-width. */
static void write_clerk(char *text, size_t capacity, bool negative, uint64_t magnitude, uint8_t scale, bool commas)
{
    char digits[64];
    size_t used = 0;
    const int length = snprintf(digits, sizeof digits, "%0*" PRIu64, scale + 1, magnitude);
    const size_t before = (size_t)length - scale;
    if (negative)
        text[used++] = '-';
    for (size_t i = 0; i < (size_t)length && used + 8 < capacity; i++) {
        if (i == before)
            text[used++] = '.';
        else if (commas && i > 0 && i < before && (before - i) % 3 == 0)
            text[used++] = ',';
        if (draw() % 4 == 0) {
            text[used++] = '\xEF';
            text[used++] = '\xBC';
            text[used++] = (char)(0x90 + (digits[i] - '0'));
        } else {
            text[used++] = digits[i];
        }
    }
    text[used] = '\0';
}

static void any_value_written_by_a_clerk_reads_back(void)
{
    random_start("clerk");
    for (int round = 0; round < 200000; round++) {
        const uint8_t scale = (uint8_t)(draw() % (LIMIT_DECIMALS + 1));
        const uint64_t magnitude = (draw() >> 1) >> (draw() % 63);
        const bool negative = draw() % 2 == 0;
        const int64_t expected = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        enum cell_kind kind;
        struct decimal value = {0};
        char text[160];
        write_clerk(text, sizeof text, negative, magnitude, scale, draw() % 2 == 0);
        const enum status status = decimal_read_cell(text, strlen(text), scale, &kind, &value, NULL);
        if (status != STATUS_OK || value.units != expected) {
            printf("\n  \"%s\" scale %u\n", text, (unsigned)scale);
            CU_FAIL("a written value did not read back");
            return;
        }
    }
}

/* Another way to say what is accepted: a grammar over plain ASCII, by brute force. */
static bool naive(const char *text, uint8_t scale, __int128 *ret_units)
{
    size_t at = 0, before = 0, after = 0, comma_at[64], commas = 0;
    bool negative = false, point = false;
    __int128 units = 0;
    if (text[0] == '+' || text[0] == '-')
        negative = text[at++] == '-';
    for (; text[at] != '\0'; at++) {
        if (text[at] >= '0' && text[at] <= '9') {
            units = units * 10 + (text[at] - '0');
            if (point)
                after++;
            else
                before++;
        } else if (text[at] == ',' && !point) {
            comma_at[commas++] = before;
        } else if (text[at] == '.' && !point) {
            point = true;
        } else {
            return false;
        }
    }
    for (size_t i = 0; i < commas; i++)
        if (comma_at[i] == 0 || before - comma_at[i] != 3 * (commas - i))
            return false;
    if (before == 0 || (point && after == 0) || (commas > 0 && comma_at[0] > 3) || after > scale)
        return false;
    for (size_t i = after; i < scale; i++)
        units *= 10;
    *ret_units = negative ? -units : units;
    return *ret_units >= INT64_MIN && *ret_units <= INT64_MAX;
}

static void random_scribbles_are_judged_as_the_grammar_says(void)
{
    static const char letters[] = "0123456789000111,,,..-+e ";
    random_start("scribbles");
    size_t accepted = 0;
    for (int round = 0; round < 400000; round++) {
        const uint8_t scale = (uint8_t)(draw() % 4);
        char text[24];
        const size_t length = 1 + draw() % 14;
        for (size_t i = 0; i < length; i++)
            text[i] = letters[draw() % (i == 0 || i + 1 == length ? sizeof letters - 2 : sizeof letters - 1)];
        text[length] = '\0';
        enum cell_kind kind = CELL_MISSING;
        struct decimal value = {0};
        __int128 expected = 0;
        const bool good = naive(text, scale, &expected);
        const enum status status = decimal_read_cell(text, length, scale, &kind, &value, NULL);
        if (status == STATUS_OK && kind == CELL_MISSING) {
            CU_ASSERT_STRING_EQUAL(text, "-");
            continue;
        }
        accepted += good ? 1 : 0;
        if (good != (status == STATUS_OK) || (good && value.units != (int64_t)expected)) {
            printf("\n  \"%s\" scale %u\n", text, (unsigned)scale);
            CU_FAIL("the reader and the grammar differ");
            return;
        }
    }
    CU_ASSERT(accepted > 1000);
}

static void a_catalogue_decimal_keeps_its_own_scale(void)
{
    static const struct {
        const char *text;
        int64_t units;
        uint8_t scale;
    } accepts[] = {{"0", 0, 0},       {"-0.0", 0, 1},        {"12.50", 1250, 2},
                   {"-3", -3, 0},     {"+3.1", 31, 1},       {"0.000000001", 1, 9},
                   {"007.10", 710, 2}, {"-9223372036854775808", INT64_MIN, 0}};
    for (size_t i = 0; i < ARRAY_LEN(accepts); i++) {
        struct decimal value = {0};
        CU_ASSERT_EQUAL(decimal_parse(accepts[i].text, &value, NULL), STATUS_OK);
        CU_ASSERT_EQUAL(value.units, accepts[i].units);
        CU_ASSERT_EQUAL(value.scale, accepts[i].scale);
    }
}

static void a_catalogue_decimal_is_plain_or_refused(void)
{
    static const struct {
        const char *text;
        enum message message;
    } refuses[] = {{"", MESSAGE_NOT_A_NUMBER},      {" 1", MESSAGE_NOT_A_NUMBER},
                   {"1,234", MESSAGE_NOT_A_NUMBER}, {"１", MESSAGE_NOT_A_NUMBER},
                   {"-", MESSAGE_NOT_A_NUMBER},     {"1.", MESSAGE_NOT_A_NUMBER},
                   {".1", MESSAGE_NOT_A_NUMBER},    {"1e3", MESSAGE_NOT_A_NUMBER},
                   {"10%", MESSAGE_NOT_A_NUMBER},   {"0.0000000001", MESSAGE_TOO_MANY_DECIMALS},
                   {"无数据", MESSAGE_NOT_A_NUMBER}, {"9223372036854775808", MESSAGE_OUT_OF_RANGE}};
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++) {
        struct decimal value = {7, 7};
        struct fault why = {0};
        CU_ASSERT_EQUAL(decimal_parse(refuses[i].text, &value, &why), STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, refuses[i].message);
        CU_ASSERT_EQUAL(value.units, 7);
    }
}

static void a_scale_changes_only_without_loss(void)
{
    struct decimal value = {0};
    CU_ASSERT_EQUAL(decimal_rescale((struct decimal){125, 1}, 3, &value), STATUS_OK);
    CU_ASSERT(value.units == 12500 && value.scale == 3);
    CU_ASSERT_EQUAL(decimal_rescale((struct decimal){-12500, 3}, 1, &value), STATUS_OK);
    CU_ASSERT(value.units == -125 && value.scale == 1);
    CU_ASSERT_EQUAL(decimal_rescale((struct decimal){INT64_MIN, 0}, 0, &value), STATUS_OK);
    CU_ASSERT_EQUAL(value.units, INT64_MIN);
    CU_ASSERT_EQUAL(decimal_rescale((struct decimal){125, 1}, 0, &value), STATUS_REFUSED);
    CU_ASSERT_EQUAL(decimal_rescale((struct decimal){INT64_MAX, 0}, 1, &value), STATUS_REFUSED);
    CU_ASSERT_EQUAL(decimal_rescale((struct decimal){INT64_MIN / 10 - 1, 0}, 1, &value), STATUS_REFUSED);
    CU_ASSERT(value.units == INT64_MIN && value.scale == 0);
}

static void a_decimal_is_written_with_all_its_decimals(void)
{
    static const struct {
        struct decimal value;
        const char *text;
    } cases[] = {{{1250, 2}, "12.50"},       {{-5, 1}, "-0.5"},          {{0, 0}, "0"},
                 {{0, 3}, "0.000"},          {{-1, 9}, "-0.000000001"},  {{INT64_MAX, 0}, "9223372036854775807"},
                 {{INT64_MIN, 0}, "-9223372036854775808"}, {{INT64_MIN, 9}, "-9223372036.854775808"},
                 {{INT64_MIN, 18}, "-9.223372036854775808"}, {{100, 2}, "1.00"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[DECIMAL_TEXT];
        decimal_format(cases[i].value, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
    }
}

static void what_is_written_reads_back(void)
{
    random_start("round trip");
    for (int round = 0; round < 100000; round++) {
        const struct decimal value = {(int64_t)(draw() >> (1 + draw() % 62)) * (draw() % 2 == 0 ? 1 : -1),
                                      (uint8_t)(draw() % (LIMIT_DECIMALS + 1))};
        struct decimal back = {0};
        char text[DECIMAL_TEXT];
        decimal_format(value, text);
        if (decimal_parse(text, &back, NULL) != STATUS_OK || back.units != value.units || back.scale != value.scale) {
            printf("\n  %s\n", text);
            CU_FAIL("a written decimal did not read back");
            return;
        }
    }
}

static void powers_of_ten_are_powers_of_ten(void)
{
    int64_t power = 1;
    for (uint8_t exponent = 0; exponent <= 18; exponent++) {
        CU_ASSERT_EQUAL(decimal_power_of_ten(exponent), power);
        if (exponent < 18)
            power *= 10;
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_cell_with_a_number_gives_its_value),
        SENTENCE(a_cell_that_means_no_figure_is_missing),
        SENTENCE(a_cell_that_is_not_a_number_is_refused),
        SENTENCE(more_decimals_than_the_element_has_are_refused_even_zeros),
        SENTENCE(a_value_beyond_int64_after_scaling_is_refused),
        SENTENCE(a_refusal_quotes_the_cell_and_a_long_cell_only_in_part),
        SENTENCE(any_value_written_by_a_clerk_reads_back),
        SENTENCE(random_scribbles_are_judged_as_the_grammar_says),
        SENTENCE(a_catalogue_decimal_keeps_its_own_scale),
        SENTENCE(a_catalogue_decimal_is_plain_or_refused),
        SENTENCE(a_scale_changes_only_without_loss),
        SENTENCE(a_decimal_is_written_with_all_its_decimals),
        SENTENCE(what_is_written_reads_back),
        SENTENCE(powers_of_ten_are_powers_of_ten),
    };
    return suite_run("decimal", sentences, ARRAY_LEN(sentences));
}
