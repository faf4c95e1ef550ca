/* fuzz_decimal.c - any cell as a figure, any text as a decimal of a catalogue: written with all its decimals it reads the
 * same, at every scale that holds it. */
#include "fuzz.h"

#include "decimal.h"
#include "limit.h"
#include "memory.h"
#include "ratio.h"

#include <stdlib.h>
#include <string.h>

static void require_same(struct decimal value)
{
    struct decimal read, wider, back;
    struct fault why = {.message = MESSAGE_NONE};
    enum cell_kind kind;
    char text[DECIMAL_TEXT], ratio_text[RATIO_TEXT];
    mpq_t ratio;
    decimal_format(value, text);
    fuzz_require(strlen(text) < DECIMAL_TEXT, "a decimal fits its text");
    fuzz_require(decimal_read_cell(text, strlen(text), value.scale, &kind, &read, &why) == STATUS_OK &&
                     kind == CELL_VALUE && read.units == value.units && read.scale == value.scale,
                 "a written decimal reads as the same cell");
    fuzz_require(decimal_parse(text, &read, &why) == STATUS_OK && read.units == value.units && read.scale == value.scale,
                 "a written decimal parses as the same decimal");
    for (uint8_t scale = value.scale; scale <= LIMIT_DECIMALS; scale++)
        if (decimal_rescale(value, scale, &wider) == STATUS_OK)
            fuzz_require(decimal_rescale(wider, value.scale, &back) == STATUS_OK && back.units == value.units,
                         "a wider scale holds the same value");
    mpq_init(ratio);
    ratio_set_decimal(ratio, value);
    fuzz_require(ratio_fits(ratio, value.scale), "an exact ratio of a decimal fits it");
    ratio_format(ratio, value.scale, ratio_text);
    fuzz_require(strcmp(ratio_text, text) == 0, "the exact ratio of a decimal is written as the decimal");
    mpq_clear(ratio);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct decimal value = {0, 0};
    enum cell_kind kind = CELL_MISSING;
    if (length == 0 || !fuzz_is_text(bytes + 1, length - 1))
        return;
    const uint8_t scale = bytes[0] % (LIMIT_DECIMALS + 1);
    char *text = memory_copy_text_length((const char *)bytes + 1, length - 1);
    enum status status = decimal_read_cell(text, length - 1, scale, &kind, &value, &why);
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK && kind == CELL_VALUE) {
        fuzz_require(value.scale == scale, "a figure has the scale that was asked for");
        require_same(value);
    }
    why = (struct fault){.message = MESSAGE_NONE};
    status = decimal_parse(text, &value, &why);
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK)
        require_same(value);
    free(text);
}
