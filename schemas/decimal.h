/* decimal.h - exact decimals: an int64 count of units of 10^-scale. 12.50 is {1250, 2}. No floating point anywhere. */
#ifndef SCHEMAS_DECIMAL_H
#define SCHEMAS_DECIMAL_H

#include "fault.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

struct decimal {
    int64_t units;
    uint8_t scale; /* 0..LIMIT_DECIMALS */
};

#define DECIMAL_TEXT 32 /* bytes that hold any decimal as text, with terminator */

enum cell_kind {
    CELL_VALUE,   /* a number */
    CELL_MISSING, /* a cell that means no figure: empty, -, —, /, 无数据 */
};

/* Reads a figure as clerks write it (CONTRACT 4): optional sign, digits, optional point with at most `scale` decimals,
 * thousands separators that group correctly, full-width digits, surrounding spaces. The result has exactly `scale`.
 * STATUS_REFUSED with not_a_number, too_many_decimals or out_of_range otherwise; nothing is guessed. */
enum status decimal_read_cell(const char *text, size_t length, uint8_t scale, enum cell_kind *ret_kind,
                              struct decimal *ret_value, struct fault *why) MUST_CHECK;
/* Reads a plain decimal of a catalogue (sign, digits, point; scale as written, at most LIMIT_DECIMALS). */
enum status decimal_parse(const char *text, struct decimal *ret_value, struct fault *why) MUST_CHECK;
/* Same value at another scale; STATUS_REFUSED when digits would be lost or it does not fit. */
enum status decimal_rescale(struct decimal value, uint8_t scale, struct decimal *ret_value) MUST_CHECK;
/* Writes the value with all its decimals: {1250,2} -> "12.50". */
void decimal_format(struct decimal value, char ret_text[DECIMAL_TEXT]);
/* 10^exponent for exponent 0..18. */
int64_t decimal_power_of_ten(uint8_t exponent);

#endif
