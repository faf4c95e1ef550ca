/* decimal.c - reading and writing exact decimals.
 *
 * One scanner serves the clerks' cells and the catalogue. It first takes the text apart (sign, digits before and after
 * the point) without caring for size, and only then builds the number, so that "is it a number at all", "has it too
 * many decimals" and "does it fit" are three separate answers. Nothing is repaired: 3.5万 or 1e3 could mean several
 * things, and a wrong guess in a thousand villages is not found again. */
#include "decimal.h"

#include "limit.h"
#include "text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const int64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

int64_t decimal_power_of_ten(uint8_t exponent)
{
    assert(exponent < ARRAY_LEN(powers));
    return powers[exponent];
}

/* What stands in the text. */
struct figure {
    uint64_t magnitude; /* all digits, the point left out */
    size_t decimals;    /* digits after the point */
    bool negative, too_large;
};

struct cursor {
    const char *at, *end;
    bool clerk; /* full-width digits and thousands separators are welcome */
};

/* Takes one digit; -1 when there is none. */
static int take_digit(struct cursor *cursor)
{
    const unsigned char *at = (const unsigned char *)cursor->at;
    const size_t left = (size_t)(cursor->end - cursor->at);
    if (left >= 1 && at[0] >= '0' && at[0] <= '9') {
        cursor->at++;
        return at[0] - '0';
    }
    /* U+FF10 to U+FF19, as an input method writes them. */
    if (cursor->clerk && left >= 3 && at[0] == 0xEF && at[1] == 0xBC && at[2] >= 0x90 && at[2] <= 0x99) {
        cursor->at += 3;
        return at[2] - 0x90;
    }
    return -1;
}

static bool take(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

static void append_digit(struct figure *figure, int digit)
{
    if (__builtin_mul_overflow(figure->magnitude, (uint64_t)10, &figure->magnitude) ||
        __builtin_add_overflow(figure->magnitude, (uint64_t)digit, &figure->magnitude))
        figure->too_large = true;
}

/* Takes a run of digits; returns how many. */
static size_t take_digits(struct cursor *cursor, struct figure *figure)
{
    size_t count = 0;
    for (int digit; (digit = take_digit(cursor)) >= 0; count++)
        append_digit(figure, digit);
    return count;
}

static bool take_whole_part(struct cursor *cursor, struct figure *figure)
{
    size_t digits = take_digits(cursor, figure);
    if (digits == 0)
        return false;
    if (!cursor->clerk || digits > 3)
        return true; /* a separator after this is left over and refuses the text */
    while (take(cursor, ','))
        if (take_digits(cursor, figure) != 3)
            return false;
    return true;
}

static bool scan(const char *text, size_t length, bool clerk, struct figure *ret_figure)
{
    struct cursor cursor = {.at = text, .end = text + length, .clerk = clerk};
    struct figure figure = {0};
    if (take(&cursor, '-'))
        figure.negative = true;
    else
        (void)take(&cursor, '+');
    if (!take_whole_part(&cursor, &figure))
        return false;
    if (take(&cursor, '.')) {
        figure.decimals = take_digits(&cursor, &figure);
        if (figure.decimals == 0)
            return false;
    }
    *ret_figure = figure;
    return cursor.at == cursor.end;
}

/* The figure at a scale not smaller than its own decimals; false when it does not fit. */
static bool scale_figure(const struct figure *figure, uint8_t scale, struct decimal *ret_value)
{
    const uint64_t largest = (uint64_t)INT64_MAX + (figure->negative ? 1 : 0);
    const uint64_t power = (uint64_t)powers[scale - figure->decimals];
    uint64_t magnitude;
    if (figure->too_large || __builtin_mul_overflow(figure->magnitude, power, &magnitude) || magnitude > largest)
        return false;
    ret_value->units = figure->negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    ret_value->scale = scale;
    return true;
}

static enum status refuse(struct fault *why, enum message message, const char *text, size_t length, uint8_t scale)
{
    char shown[sizeof why->argument[0] + 8], decimals[8];
    const size_t kept = text_cut(text, length, sizeof shown - 1);
    memcpy(shown, text, kept);
    shown[kept] = '\0';
    if (snprintf(decimals, sizeof decimals, "%u", (unsigned)scale) < 0)
        decimals[0] = '\0';
    fault_set(why, message, shown, decimals, NULL);
    return STATUS_REFUSED;
}

static bool means_missing(const char *text, size_t length)
{
    static const char *const markers[] = {"", "-", "—", "/", "无数据"};
    for (size_t i = 0; i < ARRAY_LEN(markers); i++)
        if (strlen(markers[i]) == length && memcmp(markers[i], text, length) == 0)
            return true;
    return false;
}

enum status decimal_read_cell(const char *text, size_t length, uint8_t scale, enum cell_kind *ret_kind,
                              struct decimal *ret_value, struct fault *why)
{
    struct figure figure;
    struct decimal value;
    assert(scale <= LIMIT_DECIMALS);
    length = text_trim(&text, length);
    if (means_missing(text, length)) {
        *ret_kind = CELL_MISSING;
        *ret_value = (struct decimal){.units = 0, .scale = scale};
        return STATUS_OK;
    }
    if (!scan(text, length, true, &figure))
        return refuse(why, MESSAGE_NOT_A_NUMBER, text, length, scale);
    if (figure.decimals > scale)
        return refuse(why, MESSAGE_TOO_MANY_DECIMALS, text, length, scale);
    if (!scale_figure(&figure, scale, &value))
        return refuse(why, MESSAGE_OUT_OF_RANGE, text, length, scale);
    *ret_kind = CELL_VALUE;
    *ret_value = value;
    return STATUS_OK;
}

enum status decimal_parse(const char *text, struct decimal *ret_value, struct fault *why)
{
    const size_t length = strlen(text);
    struct figure figure;
    struct decimal value;
    if (!scan(text, length, false, &figure))
        return refuse(why, MESSAGE_NOT_A_NUMBER, text, length, 0);
    if (figure.decimals > LIMIT_DECIMALS)
        return refuse(why, MESSAGE_TOO_MANY_DECIMALS, text, length, LIMIT_DECIMALS);
    if (!scale_figure(&figure, (uint8_t)figure.decimals, &value))
        return refuse(why, MESSAGE_OUT_OF_RANGE, text, length, 0);
    *ret_value = value;
    return STATUS_OK;
}

enum status decimal_rescale(struct decimal value, uint8_t scale, struct decimal *ret_value)
{
    struct decimal result = {.units = value.units, .scale = scale};
    if (scale >= value.scale) {
        if (__builtin_mul_overflow(value.units, decimal_power_of_ten((uint8_t)(scale - value.scale)), &result.units))
            return STATUS_REFUSED;
    } else {
        const int64_t power = decimal_power_of_ten((uint8_t)(value.scale - scale));
        if (value.units % power != 0)
            return STATUS_REFUSED;
        result.units = value.units / power;
    }
    *ret_value = result;
    return STATUS_OK;
}

void decimal_format(struct decimal value, char ret_text[DECIMAL_TEXT])
{
    const uint64_t magnitude = value.units < 0 ? 0 - (uint64_t)value.units : (uint64_t)value.units;
    const uint64_t power = (uint64_t)decimal_power_of_ten(value.scale);
    const char *sign = value.units < 0 ? "-" : "";
    int length;
    if (value.scale == 0)
        length = snprintf(ret_text, DECIMAL_TEXT, "%s%" PRIu64, sign, magnitude);
    else
        length = snprintf(ret_text, DECIMAL_TEXT, "%s%" PRIu64 ".%0*" PRIu64, sign, magnitude / power,
                          (int)value.scale, magnitude % power);
    assert(length > 0 && length < DECIMAL_TEXT);
    (void)length;
}
