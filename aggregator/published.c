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

/* ---- sheaves --------------------------------------------------------------------------------------------------------- */

void sheaf_free(struct published_sheaf **sheaf)
{
    struct published_sheaf *old = *sheaf;
    *sheaf = NULL;
    if (old == NULL)
        return;
    for (size_t i = 0; i < old->figure_count; i++) {
        free((void *)(uintptr_t)old->figures[i].value);
        free((void *)(uintptr_t)old->figures[i].numerator);
        free((void *)(uintptr_t)old->figures[i].denominator);
    }
    for (size_t i = 0; i < old->goal_count * PUBLISHED_GOAL_CELLS; i++)
        free(old->goals[i]);
    free(old->figures);
    free(old->reports);
    free(old->goals);
    free(old);
}

static const char *copy_or_null(const char *text)
{
    return text == NULL ? NULL : memory_copy_text(text);
}

void sheaf_add_figure(struct published_sheaf *sheaf, const struct published_figure *figure)
{
    sheaf->figures = memory_grow(sheaf->figures, &sheaf->figure_capacity, sheaf->figure_count + 1, sizeof *sheaf->figures);
    struct published_figure *added = &sheaf->figures[sheaf->figure_count++];
    *added = *figure;
    added->value = copy_or_null(figure->value);
    added->numerator = copy_or_null(figure->numerator);
    added->denominator = copy_or_null(figure->denominator);
}

void sheaf_add_report(struct published_sheaf *sheaf, const struct published_report *report)
{
    sheaf->reports = memory_grow(sheaf->reports, &sheaf->report_capacity, sheaf->report_count + 1, sizeof *sheaf->reports);
    sheaf->reports[sheaf->report_count++] = *report;
}

size_t sheaf_rows(const struct published_sheaf *sheaf)
{
    return sheaf->figure_count + sheaf->report_count + (sheaf->with_goals ? sheaf->goal_count : 0);
}

static enum status write_row(const struct published_sheaf *sheaf, struct store *store, size_t row, struct fault *why)
{
    if (row < sheaf->figure_count)
        return store_publish_figure(store, &sheaf->figures[row], sheaf->updated_at, why);
    row -= sheaf->figure_count;
    if (row < sheaf->report_count)
        return store_publish_report(store, &sheaf->reports[row], sheaf->updated_at, why);
    row -= sheaf->report_count;
    /* Goals are published all together; those that are gone must go. */
    const enum status status = row == 0 ? store_unpublish_goals(store, why) : STATUS_OK;
    return status == STATUS_OK ? store_publish_goal(store, (const char *const *)sheaf->goals + row * PUBLISHED_GOAL_CELLS,
                                                    sheaf->judged_on, sheaf->updated_at, why)
                               : status;
}

enum status sheaf_write(struct published_sheaf *sheaf, struct store *store, size_t most, bool *ret_done,
                        struct fault *why)
{
    const size_t rows = sheaf_rows(sheaf);
    size_t next = sheaf->written;
    enum status status = store_begin(store, why);
    if (status == STATUS_OK && sheaf->anew && next == 0) {
        status = store_unpublish(store, why);
        if (status == STATUS_OK)
            status = store_set_published_as_of(store, sheaf->catalogue, 0, why);
    }
    for (size_t i = 0; i < most && next < rows && status == STATUS_OK; i++)
        status = write_row(sheaf, store, next++, why);
    if (status == STATUS_OK && next == rows && sheaf->as_of != 0)
        status = store_set_published_as_of(store, sheaf->catalogue, sheaf->as_of, why);
    if (status == STATUS_OK)
        status = store_commit(store, why);
    if (status != STATUS_OK) {
        store_rollback(store);
        return status;
    }
    sheaf->written = next;
    *ret_done = next == rows;
    return STATUS_OK;
}
