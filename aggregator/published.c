/* published.c - see published.h. */
#include "published.h"

#include "memory.h"

#include <stdlib.h>

struct published_maker {
    const struct catalogue *catalogue;
    struct figure figure;
    char value[RATIO_TEXT], numerator[RATIO_TEXT], denominator[RATIO_TEXT];
};

bool published_level(const struct catalogue *catalogue, uint32_t level)
{
    return catalogue->levels[level].unit_count <= PUBLISHED_UNITS_MOST;
}

struct published_maker *published_maker_new(const struct catalogue *catalogue)
{
    struct published_maker *maker = memory_new(struct published_maker);
    maker->catalogue = catalogue;
    figure_init(&maker->figure);
    return maker;
}

void published_maker_free(struct published_maker **maker)
{
    if (*maker == NULL)
        return;
    figure_clear(&(*maker)->figure);
    free(*maker);
    *maker = NULL;
}

static const char *text_of(enum figure_state state, const mpq_t value, uint8_t decimals, char text[RATIO_TEXT])
{
    if (state != FIGURE_PRESENT || !ratio_fits(value, decimals))
        return NULL;
    ratio_format(value, decimals, text);
    return text;
}

static void set_names(const struct catalogue *catalogue, struct published_subject subject, uint32_t unit,
                      struct published_figure *row)
{
    const struct unit *about = &catalogue->units[unit];
    row->kind = subject.is_indicator ? "indicator" : "element";
    row->code = subject.is_indicator ? catalogue->indicators[subject.index].code : catalogue->elements[subject.index].code;
    row->name = subject.is_indicator ? catalogue->indicators[subject.index].name_zh
                                     : catalogue->elements[subject.index].name_zh;
    row->unit = about->code;
    row->unit_name = about->name_zh;
    row->level = catalogue->levels[about->level].name;
}

enum status published_make(struct published_maker *maker, struct figures *figures, struct published_subject subject,
                           uint32_t unit, struct period period, struct published_figure *ret_row, struct fault *why)
{
    struct figure *figure = &maker->figure;
    const struct scope scope = {&unit, 1};
    struct published_figure row = {.period = period};
    struct decimal units;
    const enum status status = subject.is_indicator
                                   ? figures_indicator(figures, subject.index, scope, period, figure, why)
                                   : figures_element(figures, subject.index, scope, period, figure, why);
    if (status != STATUS_OK)
        return status;
    set_names(maker->catalogue, subject, unit, &row);
    row.value = text_of(figure->value_state, figure->value, figure->value_decimals, maker->value);
    row.value_scale = figure->value_decimals;
    if (row.value != NULL && decimal_parse(row.value, &units, NULL) == STATUS_OK)
        row.value_units = units.units;
    if (subject.is_indicator) {
        row.numerator = text_of(figure->numerator_state, figure->numerator, figure->numerator_decimals, maker->numerator);
        row.denominator =
            text_of(figure->denominator_state, figure->denominator, figure->denominator_decimals, maker->denominator);
    }
    row.reported = figure->reported;
    row.expected = figure->expected;
    row.flag = figure_flag_text(figure_flag(figure));
    *ret_row = row;
    return STATUS_OK;
}
