/* catalogue_forms.c - forms.csv, form_units.csv and elements.csv: what is reported together, how often, by whom, and
 * which figures it consists of. */
#include "catalogue_reading.h"

#include "expression.h"
#include "memory.h"

#include <stdlib.h>

/* ---- forms.csv, form_units.csv ----------------------------------------------------------------------------------- */

enum { FORM_CODE, FORM_NAME_ZH, FORM_NAME_EN, FORM_FREQUENCY, FORM_LEVEL, FORM_DUE, FORM_LOCK, FORM_OFFICE };
static const struct column form_columns[] = {
    {"form", true},  {"name_zh", true},  {"name_en", false},   {"frequency", true},
    {"level", true}, {"due_days", true}, {"lock_days", false}, {"office", false},
};
static const struct word frequency_words[] = {
    {"day", PERIOD_DAY},         {"week", PERIOD_WEEK}, {"month", PERIOD_MONTH},
    {"quarter", PERIOD_QUARTER}, {"half", PERIOD_HALF}, {"year", PERIOD_YEAR},
};

static void read_form(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->form_count++;
    struct form form = {.code = cell_code(table, FORM_CODE)};
    reading_enter_code(reading, table, FORM_CODE, &reading->private->forms, PART_FORMS, form.code, number);
    form.name_zh = cell_keep(table, FORM_NAME_ZH, LIMIT_NAME_BYTES, true);
    form.name_en = cell_keep(table, FORM_NAME_EN, LIMIT_NAME_BYTES, false);
    form.office = cell_keep(table, FORM_OFFICE, LIMIT_NAME_BYTES, false);
    form.frequency = (enum period_kind)cell_word(table, FORM_FREQUENCY, frequency_words, ARRAY_LEN(frequency_words),
                                                 true, PERIOD_MONTH);
    form.level = cell_reference(table, FORM_LEVEL, &reading->private->levels, PART_UNITS, "units.csv");
    form.due_days = cell_integer(table, FORM_DUE, 0, 3660, true, 0);
    form.lock_days = cell_integer(table, FORM_LOCK, 0, 36600, false, -1);
    catalogue->forms = memory_grow(catalogue->forms, &reading->form_capacity, number + 1, sizeof(struct form));
    catalogue->forms[number] = form;
}

enum { SCOPE_FORM, SCOPE_UNIT };
static const struct column scope_columns[] = {{"form", true}, {"unit", true}};

static const char *level_name(const struct catalogue *catalogue, uint32_t level)
{
    return level == NO_INDEX ? "?" : catalogue->levels[level].name;
}

static void read_scope(struct table *table, void *context)
{
    struct reading *reading = context;
    const struct catalogue *catalogue = reading->catalogue;
    const struct place place = table_place(table, SCOPE_UNIT);
    const uint32_t number = cell_reference(table, SCOPE_FORM, &reading->private->forms, PART_FORMS, "forms.csv");
    const uint32_t unit = cell_reference(table, SCOPE_UNIT, &reading->private->units, PART_UNITS, "units.csv");
    if (number == NO_INDEX || unit == NO_INDEX)
        return;
    if (catalogue->units[unit].level != catalogue->forms[number].level) {
        if (catalogue->forms[number].level != NO_INDEX)
            loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_UNIT_NOT_OF_LEVEL,
                          catalogue->units[unit].code, level_name(catalogue, catalogue->units[unit].level),
                          catalogue->forms[number].code, level_name(catalogue, catalogue->forms[number].level));
        return;
    }
    reading_add_pair(&reading->form_units, number, unit, catalogue->units[unit].slot, table->row);
}

static const char *form_code(const struct catalogue *catalogue, uint32_t form)
{
    return catalogue->forms[form].code;
}

void catalogue_read_forms(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    (void)table_read(reading->loader, PART_FORMS, "forms.csv", true, form_columns, ARRAY_LEN(form_columns), read_form,
                     reading);
    (void)table_read(reading->loader, PART_FORM_UNITS, "form_units.csv", false, scope_columns,
                     ARRAY_LEN(scope_columns), read_scope, reading);
    reading_settle_pairs(reading, &reading->form_units, "form_units.csv", form_code);
    reading->private->form_units = reading_members(&reading->form_units);
    for (size_t i = 0; i < reading->form_units.count; i++) {
        struct form *form = &catalogue->forms[reading->form_units.items[i].owner];
        if (form->unit_count++ == 0)
            form->units = reading->private->form_units + i;
    }
}

/* ---- elements.csv ------------------------------------------------------------------------------------------------ */

enum {
    ELEMENT_CODE, ELEMENT_FORM, ELEMENT_NAME_ZH, ELEMENT_NAME_EN, ELEMENT_KIND, ELEMENT_AGGREGATE, ELEMENT_UNIT_ZH,
    ELEMENT_DECIMALS, ELEMENT_LEAST, ELEMENT_MOST, ELEMENT_JUMP, ELEMENT_REQUIRED
};
static const struct column element_columns[] = {
    {"element", true},    {"form", true},     {"name_zh", true}, {"name_en", false}, {"kind", true},
    {"aggregate", false}, {"unit_zh", true},  {"decimals", true}, {"min", false},    {"max", false},
    {"jump_pct", false},  {"required", false},
};
static const struct word kind_words[] = {
    {"flow", ELEMENT_FLOW}, {"stock", ELEMENT_STOCK}, {"ytd", ELEMENT_YTD}, {"base", ELEMENT_BASE}};
static const struct word aggregate_words[] = {{"sum", AGGREGATE_SUM}, {"max", AGGREGATE_MAX}, {"min", AGGREGATE_MIN}};
/* TRUE and FALSE: what a spreadsheet makes of true and false. */
static const struct word required_words[] = {{"yes", 1},  {"no", 0},    {"true", 1},  {"false", 0}, {"1", 1},
                                             {"0", 0},    {"TRUE", 1},  {"FALSE", 0}, {"是", 1},    {"否", 0}};

/* A bound, brought to the element's decimals. */
static bool read_bound(struct table *table, size_t column, uint8_t decimals, struct decimal *ret_bound)
{
    const struct place place = table_place(table, column);
    struct decimal value;
    char most[24];
    if (!cell_decimal(table, column, false, &value))
        return false;
    if (decimal_rescale(value, decimals, ret_bound) == STATUS_OK)
        return true;
    reading_number(most, decimals);
    if (value.scale > decimals)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_TOO_MANY_DECIMALS, cell_text(table, column), most,
                      NULL, NULL);
    else
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_OUT_OF_RANGE, cell_text(table, column), NULL,
                      NULL, NULL);
    return false;
}

static void read_bounds(struct table *table, struct element *element)
{
    struct place place = table_place(table, ELEMENT_LEAST);
    element->has_min = read_bound(table, ELEMENT_LEAST, element->decimals, &element->min);
    element->has_max = read_bound(table, ELEMENT_MOST, element->decimals, &element->max);
    if (element->has_min && element->has_max && element->min.units > element->max.units)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_MIN_ABOVE_MAX, cell_text(table, ELEMENT_LEAST),
                      cell_text(table, ELEMENT_MOST), NULL, NULL);
    element->has_jump = cell_decimal(table, ELEMENT_JUMP, false, &element->jump_pct);
    place = table_place(table, ELEMENT_JUMP);
    if (element->has_jump && element->jump_pct.units < 0)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_NEGATIVE, cell_text(table, ELEMENT_JUMP), NULL,
                      NULL, NULL);
}

/* Combinations that load but hardly mean what was wanted. */
static void check_kind(struct table *table, const struct catalogue *catalogue, const struct element *element)
{
    const struct place place = table_place(table, ELEMENT_KIND);
    enum period_kind frequency;
    if (element->kind != ELEMENT_YTD)
        return;
    if (element->aggregate != AGGREGATE_SUM)
        loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_YTD_NOT_SUMMED, element->code,
                      cell_text(table, ELEMENT_AGGREGATE), NULL, NULL);
    if (element->form == NO_INDEX)
        return;
    frequency = catalogue->forms[element->form].frequency;
    if (frequency == PERIOD_WEEK || frequency == PERIOD_YEAR)
        loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_YTD_FREQUENCY, element->code,
                      period_kind_name(frequency), NULL, NULL);
}

static void check_element_code(struct table *table, const char *code)
{
    const struct place place = table_place(table, ELEMENT_CODE);
    if (code[0] == '\0')
        return;
    if (expression_is_reserved(code))
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_RESERVED_CODE, code, NULL, NULL, NULL);
    else if (!expression_can_name(code))
        loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_CODE_NOT_A_NAME, code, NULL, NULL, NULL);
}

static void read_element(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->element_count++;
    struct element element = {.code = cell_code(table, ELEMENT_CODE)};
    check_element_code(table, element.code);
    reading_enter_code(reading, table, ELEMENT_CODE, &reading->private->elements, PART_ELEMENTS, element.code, number);
    element.form = cell_reference(table, ELEMENT_FORM, &reading->private->forms, PART_FORMS, "forms.csv");
    element.name_zh = cell_keep(table, ELEMENT_NAME_ZH, LIMIT_NAME_BYTES, true);
    element.name_en = cell_keep(table, ELEMENT_NAME_EN, LIMIT_NAME_BYTES, false);
    element.unit_zh = cell_keep(table, ELEMENT_UNIT_ZH, LIMIT_NAME_BYTES, false);
    element.kind = (enum element_kind)cell_word(table, ELEMENT_KIND, kind_words, ARRAY_LEN(kind_words), true,
                                                ELEMENT_FLOW);
    element.aggregate = (enum element_aggregate)cell_word(table, ELEMENT_AGGREGATE, aggregate_words,
                                                          ARRAY_LEN(aggregate_words), false, AGGREGATE_SUM);
    element.decimals = (uint8_t)cell_integer(table, ELEMENT_DECIMALS, 0, LIMIT_DECIMALS, true, 0);
    element.required = cell_word(table, ELEMENT_REQUIRED, required_words, ARRAY_LEN(required_words), false, 1) == 1;
    read_bounds(table, &element);
    check_kind(table, catalogue, &element);
    reading_enter_name(&reading->private->element_names, element.name_zh, (uint32_t)number);
    reading_enter_name(&reading->private->element_names, element.name_en, (uint32_t)number);
    catalogue->elements =
        memory_grow(catalogue->elements, &reading->element_capacity, number + 1, sizeof(struct element));
    catalogue->elements[number] = element;
}

/* Hands every form its elements, in catalogue order. */
static void give_elements(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    uint32_t *next = memory_array(catalogue->form_count, sizeof(*next)), first = 0;
    uint32_t *lists = memory_array(catalogue->element_count, sizeof(*lists));
    reading->private->form_elements = lists;
    for (size_t i = 0; i < catalogue->element_count; i++)
        if (catalogue->elements[i].form != NO_INDEX)
            catalogue->forms[catalogue->elements[i].form].element_count++;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        catalogue->forms[i].elements = lists + first;
        next[i] = first;
        first += (uint32_t)catalogue->forms[i].element_count;
    }
    for (uint32_t i = 0; i < catalogue->element_count; i++)
        if (catalogue->elements[i].form != NO_INDEX)
            lists[next[catalogue->elements[i].form]++] = i;
    free(next);
}

void catalogue_read_elements(struct reading *reading)
{
    const struct catalogue *catalogue = reading->catalogue;
    const bool readable = table_read(reading->loader, PART_ELEMENTS, "elements.csv", true, element_columns,
                                     ARRAY_LEN(element_columns), read_element, reading);
    give_elements(reading);
    for (size_t i = 0; readable && i < catalogue->form_count; i++) {
        const struct form *form = &catalogue->forms[i];
        const struct place place = {"forms.csv", reading->lines[PART_FORMS].items[i], "form", form->code};
        if (form->element_count == 0)
            loader_report(reading->loader, FINDING_INFO, &place, MESSAGE_FORM_WITHOUT_ELEMENTS, form->code, NULL,
                          NULL, NULL);
    }
}
