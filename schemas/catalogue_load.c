/* catalogue_load.c - reads the files of CONTRACT 2 in the order in which they refer to each other: package, units,
 * groups, forms, scopes, elements, indicators, goals, rules, holidays; then the goals' arithmetic.
 *
 * Nothing stops at the first mistake: a row that is wrong is reported and still entered as far as it can be, so that
 * what refers to it is not reported as unknown as well. A reference that is wrong is NO_INDEX in the catalogue; such a
 * catalogue has an error finding and is only looked at. */
#include "calendar.h"
#include "catalogue_internal.h"
#include "catalogue_table.h"
#include "expression.h"
#include "memory.h"
#include "seal.h"
#include "text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* (owner, member) rows of groups.csv and form_units.csv, before they are sorted into one list an owner. */
struct pair {
    uint32_t owner, member, order;
    int64_t row;
};
struct pairs {
    struct pair *items;
    size_t count, capacity;
};

/* One row of units.csv, before rows of one unit are brought together. */
struct unit_row {
    const char *name_zh, *name_en, *parent;
    uint32_t unit, level;
    int32_t opened, closed;
    int64_t row;
};

struct lines {
    int64_t *items;
    size_t capacity;
};

/* What is needed while reading and no longer. */
struct reading {
    struct loader *loader;
    struct catalogue *catalogue;
    struct catalogue_private *private;
    struct lines lines[PART_COUNT]; /* by part and number: where it was read */
    size_t unit_capacity, level_capacity, group_capacity, form_capacity, element_capacity, indicator_capacity,
        goal_capacity, rule_capacity, holiday_capacity;
    struct unit_row *unit_rows;
    size_t unit_row_count, unit_row_capacity;
    struct pairs group_units, form_units;
};

static void note_line(struct reading *reading, enum catalogue_part part, size_t number, int64_t row)
{
    struct lines *lines = &reading->lines[part];
    lines->items = memory_grow(lines->items, &lines->capacity, number + 1, sizeof(*lines->items));
    lines->items[number] = row;
}

static void number_text(char ret_text[24], int64_t number)
{
    (void)snprintf(ret_text, 24, "%lld", (long long)number);
}

/* Enters a code of a row; a second one of the same code is reported and stays out of the lookup. */
static void enter_code(struct reading *reading, struct table *table, size_t column, struct code_index *index,
                       enum catalogue_part part, const char *code, size_t number)
{
    const struct place place = table_place(table, column);
    uint32_t existing = NO_INDEX;
    char line[24];
    note_line(reading, part, number, table->row);
    if (code[0] == '\0' || code_index_add(index, code, (uint32_t)number, &existing))
        return;
    number_text(line, reading->lines[part].items[existing]);
    loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_DUPLICATE_CODE, code, line, NULL, NULL);
}

static void enter_name(struct code_index *index, const char *name, uint32_t value)
{
    uint32_t existing;
    if (name[0] != '\0' && !code_index_add(index, name, value, &existing) && existing != value)
        code_index_replace(index, name, AMBIGUOUS_INDEX);
}

/* ---- datapackage.json -------------------------------------------------------------------------------------------- */

#define PACKAGE "datapackage.json"

static struct place package_place(const char *key)
{
    return (struct place){PACKAGE, 0, key, PACKAGE};
}

/* The text of a key; NULL when absent or not a text (reported). */
static const char *package_text(struct loader *loader, const json_t *package, const char *key, bool needed)
{
    const struct place place = package_place(key);
    const json_t *value = json_object_get(package, key);
    if (value == NULL || (json_is_string(value) && json_string_value(value)[0] == '\0')) {
        if (needed)
            loader_report(loader, strcmp(key, "name") == 0 ? FINDING_ERROR : FINDING_WARNING, &place,
                          MESSAGE_EMPTY_VALUE, key, NULL, NULL, NULL);
        return NULL;
    }
    if (!json_is_string(value)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_WRONG_TYPE, key, "string", NULL, NULL);
        return NULL;
    }
    if (json_string_length(value) > LIMIT_NAME_BYTES) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_TEXT_TOO_LONG, key, "512", NULL, NULL);
        return NULL;
    }
    return arena_keep(&loader->private->texts, json_string_value(value), json_string_length(value));
}

static void read_year_start(struct loader *loader, const json_t *package)
{
    const struct place place = package_place("year_start");
    const char *text = package_text(loader, package, "year_start", false);
    char date_text[16];
    int32_t date;
    int year;
    if (text == NULL)
        return;
    /* 2001 has no 29 February, and neither has every year. */
    if (strlen(text) != 5 || snprintf(date_text, sizeof(date_text), "2001-%s", text) != 10 ||
        !date_parse(date_text, &date)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_BAD_YEAR_START, text, NULL, NULL, NULL);
        return;
    }
    date_to_civil(date, &year, &loader->catalogue->year_start_month, &loader->catalogue->year_start_day);
}

static void read_timezone(struct loader *loader, const json_t *package)
{
    const struct place place = package_place("timezone");
    const char *text = package_text(loader, package, "timezone", false);
    if (text == NULL)
        return;
    if (text[0] == '/' || strstr(text, "..") != NULL ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != strlen(text)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_BAD_TIMEZONE, text, NULL, NULL, NULL);
        return;
    }
    if (!calendar_knows_timezone(text)) /* every program would refuse it at its start */
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_UNKNOWN_TIMEZONE, text, NULL, NULL, NULL);
    loader->catalogue->timezone = text;
}

/* A listed file of ours that is not there was forgotten, or removed without its entry. */
static void check_resource_path(struct loader *loader, const json_t *path)
{
    static const char *const ours[] = {"units.csv",    "groups.csv",     "forms.csv", "form_units.csv",
                                       "elements.csv", "indicators.csv", "goals.csv", "rules.csv",
                                       "holidays.csv"};
    const struct place place = package_place("resources");
    const char *name = json_string_value(path);
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(ours); i++)
        if (strcmp(name, ours[i]) == 0 && loader_file(loader, name) == NULL)
            loader_report(loader, FINDING_WARNING, &place, MESSAGE_RESOURCE_ABSENT, name, NULL, NULL, NULL);
}

static void check_resources(struct loader *loader, const json_t *package)
{
    const struct place place = package_place("resources");
    const json_t *resources = json_object_get(package, "resources");
    if (resources == NULL) {
        loader_report(loader, FINDING_WARNING, &place, MESSAGE_EMPTY_VALUE, "resources", NULL, NULL, NULL);
        return;
    }
    if (!json_is_array(resources)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_WRONG_TYPE, "resources", "list", NULL, NULL);
        return;
    }
    for (size_t i = 0; i < json_array_size(resources); i++) {
        const json_t *path = json_object_get(json_array_get(resources, i), "path");
        for (size_t j = 0; j < json_array_size(path); j++)
            check_resource_path(loader, json_array_get(path, j));
        check_resource_path(loader, path);
    }
}

static void read_members(struct loader *loader, const json_t *package)
{
    struct catalogue *catalogue = loader->catalogue;
    const char *name = package_text(loader, package, "name", true);
    const char *title = package_text(loader, package, "title", true);
    const char *version = package_text(loader, package, "version", true);
    catalogue->name = name == NULL ? "" : name;
    catalogue->title = title == NULL ? "" : title;
    catalogue->version = version == NULL ? "" : version;
    read_year_start(loader, package);
    read_timezone(loader, package);
    check_resources(loader, package);
}

static void report_json(struct loader *loader, const json_error_t *error)
{
    struct place place = package_place(NULL);
    char line[24], column[24];
    number_text(line, error->line);
    number_text(column, error->column);
    place.row = error->line > 0 ? error->line : 0;
    loader_report(loader, FINDING_ERROR, &place, MESSAGE_BAD_JSON, line, column, error->text, NULL);
}

static void read_package(struct loader *loader)
{
    const struct place place = package_place(NULL);
    const struct catalogue_file *file = loader_file(loader, PACKAGE);
    struct fault fault = {.message = MESSAGE_NONE};
    json_error_t error;
    json_t *package = NULL;
    char *text = NULL;
    size_t length = 0;
    if (file == NULL) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_MISSING_FILE, PACKAGE, NULL, NULL, NULL);
        return;
    }
    if (text_decode(file->bytes, file->length, TEXT_UTF8, &text, &length, NULL, &fault) != STATUS_OK) {
        loader_report_fault(loader, FINDING_ERROR, &place, &fault);
        return;
    }
    package = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (package == NULL)
        report_json(loader, &error);
    else if (!json_is_object(package))
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_WRONG_TYPE, PACKAGE, "object", NULL, NULL);
    else
        read_members(loader, package);
    json_decref(package);
    free(text);
}

/* ---- units.csv --------------------------------------------------------------------------------------------------- */

enum { UNIT_CODE, UNIT_PARENT, UNIT_LEVEL, UNIT_NAME_ZH, UNIT_NAME_EN, UNIT_OPENED, UNIT_CLOSED };
static const struct column unit_columns[] = {
    {"code", true},     {"parent", true},  {"level", true},   {"name_zh", true},
    {"name_en", false}, {"opened", false}, {"closed", false},
};

/* Levels are what units.csv names, in the order of first appearance. */
static uint32_t level_of(struct reading *reading, struct table *table)
{
    struct catalogue *catalogue = reading->catalogue;
    const struct csv_field *cell = &table->cells[UNIT_LEVEL];
    uint32_t level = code_index_find(&reading->private->levels, cell->text, cell->length);
    const char *name;
    if (level != NO_INDEX && cell->length > 0)
        return level;
    name = cell_code(table, UNIT_LEVEL);
    if (level != NO_INDEX) /* the level "" of rows that name none */
        return level;
    level = (uint32_t)catalogue->level_count++;
    catalogue->levels =
        memory_grow(catalogue->levels, &reading->level_capacity, catalogue->level_count, sizeof(struct level));
    catalogue->levels[level] = (struct level){.name = name};
    (void)code_index_add(&reading->private->levels, name, level, NULL);
    return level;
}

static uint32_t unit_of_row(struct reading *reading, struct table *table)
{
    struct catalogue *catalogue = reading->catalogue;
    const struct csv_field *cell = &table->cells[UNIT_CODE];
    uint32_t unit = code_index_find(&reading->private->units, cell->text, cell->length);
    const char *code;
    if (unit != NO_INDEX && cell->length > 0)
        return unit;
    code = cell_code(table, UNIT_CODE);
    unit = (uint32_t)catalogue->unit_count++;
    catalogue->units =
        memory_grow(catalogue->units, &reading->unit_capacity, catalogue->unit_count, sizeof(struct unit));
    catalogue->units[unit] = (struct unit){.code = code, .name_zh = "", .name_en = "", .parent = NO_INDEX};
    if (code[0] != '\0')
        (void)code_index_add(&reading->private->units, code, unit, NULL);
    return unit;
}

static void read_unit(struct table *table, void *context)
{
    struct reading *reading = context;
    struct unit_row row = {.row = table->row};
    row.unit = unit_of_row(reading, table);
    row.parent = cell_keep(table, UNIT_PARENT, LIMIT_CODE_BYTES, false);
    row.level = level_of(reading, table);
    row.name_zh = cell_keep(table, UNIT_NAME_ZH, LIMIT_NAME_BYTES, true);
    row.name_en = cell_keep(table, UNIT_NAME_EN, LIMIT_NAME_BYTES, false);
    row.opened = cell_date(table, UNIT_OPENED, DAY_MIN);
    row.closed = cell_date(table, UNIT_CLOSED, DAY_MAX);
    if (row.opened > row.closed) {
        const struct place place = table_place(table, UNIT_CLOSED);
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_CLOSED_BEFORE_OPENED,
                      cell_text(table, UNIT_OPENED), cell_text(table, UNIT_CLOSED), NULL, NULL);
        row.closed = DAY_MAX;
    }
    reading->unit_rows = memory_grow(reading->unit_rows, &reading->unit_row_capacity, reading->unit_row_count + 1,
                                     sizeof(struct unit_row));
    reading->unit_rows[reading->unit_row_count++] = row;
}

static int by_unit_and_time(const void *one, const void *other)
{
    const struct unit_row *a = one, *b = other;
    if (a->unit != b->unit)
        return a->unit < b->unit ? -1 : 1;
    if (a->opened != b->opened)
        return a->opened < b->opened ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static bool rows_are_sorted(const struct unit_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (by_unit_and_time(&rows[i - 1], &rows[i]) > 0)
            return false;
    return true;
}

/* A later row of a unit is a later placement of it: it keeps its level and must not overlap the one before. */
static bool check_next_row(struct reading *reading, const struct unit_row *before, const struct unit_row *row)
{
    const struct catalogue *catalogue = reading->catalogue;
    const char *code = catalogue->units[row->unit].code;
    const int64_t later = row->row > before->row ? row->row : before->row;
    struct place place = {"units.csv", later, "code", code};
    char line[24];
    number_text(line, row->row + before->row - later);
    if (row->opened <= before->closed) {
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_DUPLICATE_UNIT, code, line, NULL, NULL);
        return false;
    }
    if (row->level != before->level) {
        place.column = "level";
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_LEVEL_CHANGED, code, line,
                      catalogue->levels[before->level].name, NULL);
    }
    return true;
}

static uint32_t parent_of_row(struct reading *reading, const struct unit_row *row)
{
    const struct place place = {"units.csv", row->row, "parent", reading->catalogue->units[row->unit].code};
    uint32_t parent;
    if (row->parent[0] == '\0')
        return NO_INDEX;
    parent = code_index_find(&reading->private->units, row->parent, strlen(row->parent));
    if (parent == NO_INDEX)
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_UNKNOWN_REFERENCE, "units.csv", row->parent,
                      loader_nearest(reading->loader, &reading->private->units, row->parent), NULL);
    return parent;
}

/* Rows of one unit become its placements, oldest first; names and level are those of the newest row. */
static void place_units(struct reading *reading, bool *named)
{
    struct catalogue *catalogue = reading->catalogue;
    struct placement *placements = memory_array(reading->unit_row_count, sizeof(*placements));
    struct unit_row *rows = reading->unit_rows;
    const struct unit_row *before = NULL;
    size_t count = 0;
    reading->private->placements = placements;
    if (!rows_are_sorted(rows, reading->unit_row_count)) /* it is, unless a unit moved */
        qsort(rows, reading->unit_row_count, sizeof(*rows), by_unit_and_time);
    for (size_t i = 0; i < reading->unit_row_count; i++) {
        const struct unit_row *row = &rows[i];
        struct unit *unit = &catalogue->units[row->unit];
        const bool again = before != NULL && before->unit == row->unit;
        if (again && !check_next_row(reading, before, row))
            continue;
        if (!again)
            unit->placements = placements + count;
        named[count] = row->parent[0] != '\0';
        placements[count++] =
            (struct placement){parent_of_row(reading, row), row->opened, row->closed, row->row};
        unit->placement_count++;
        unit->parent = placements[count - 1].parent;
        unit->level = row->level;
        unit->name_zh = row->name_zh;
        unit->name_en = row->name_en;
        before = row;
    }
}

static void read_units(struct reading *reading)
{
    bool *named;
    (void)table_read(reading->loader, PART_UNITS, "units.csv", true, unit_columns, ARRAY_LEN(unit_columns), read_unit,
                     reading);
    named = memory_array(reading->unit_row_count, sizeof(*named));
    place_units(reading, named);
    for (size_t i = 0; i < reading->unit_row_count; i++) {
        enter_name(&reading->private->unit_names, reading->unit_rows[i].name_zh, reading->unit_rows[i].unit);
        enter_name(&reading->private->unit_names, reading->unit_rows[i].name_en, reading->unit_rows[i].unit);
    }
    catalogue_tree_build(reading->loader, named);
    free(named);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static void add_pair(struct pairs *pairs, uint32_t owner, uint32_t member, uint32_t order, int64_t row)
{
    pairs->items = memory_grow(pairs->items, &pairs->capacity, pairs->count + 1, sizeof(struct pair));
    pairs->items[pairs->count++] = (struct pair){owner, member, order, row};
}

static int by_owner_and_member(const void *one, const void *other)
{
    const struct pair *a = one, *b = other;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    if (a->member != b->member)
        return a->member < b->member ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_owner_and_order(const void *one, const void *other)
{
    const struct pair *a = one, *b = other;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Drops repeated rows (a warning each), then sorts by owner and order. */
static void settle_pairs(struct reading *reading, struct pairs *pairs, const char *file,
                         const char *(*owner_code)(const struct catalogue *, uint32_t))
{
    size_t kept = 0;
    if (pairs->count == 0)
        return;
    qsort(pairs->items, pairs->count, sizeof(struct pair), by_owner_and_member);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[i], *last = kept == 0 ? NULL : &pairs->items[kept - 1];
        if (last != NULL && last->owner == pair->owner && last->member == pair->member) {
            const char *owner = owner_code(reading->catalogue, pair->owner);
            const struct place place = {file, pair->row, "unit", owner};
            char line[24];
            number_text(line, last->row);
            loader_report(reading->loader, FINDING_WARNING, &place, MESSAGE_DUPLICATE_ROW, owner,
                          reading->catalogue->units[pair->member].code, line, NULL);
            continue;
        }
        pairs->items[kept++] = *pair;
    }
    pairs->count = kept;
    qsort(pairs->items, pairs->count, sizeof(struct pair), by_owner_and_order);
}

static uint32_t *members_of(const struct pairs *pairs)
{
    uint32_t *members = memory_array(pairs->count, sizeof(*members));
    for (size_t i = 0; i < pairs->count; i++)
        members[i] = pairs->items[i].member;
    return members;
}

/* ---- groups.csv -------------------------------------------------------------------------------------------------- */

enum { GROUP_CODE, GROUP_UNIT };
static const struct column group_columns[] = {{"group", true}, {"unit", true}};

static uint32_t group_of_row(struct reading *reading, struct table *table)
{
    struct catalogue *catalogue = reading->catalogue;
    const struct place place = table_place(table, GROUP_CODE);
    const struct csv_field *cell = &table->cells[GROUP_CODE];
    uint32_t group = code_index_find(&reading->private->groups, cell->text, cell->length);
    const char *code;
    if (group != NO_INDEX)
        return group;
    code = cell_code(table, GROUP_CODE);
    if (code[0] == '\0')
        return NO_INDEX;
    group = (uint32_t)catalogue->group_count++;
    catalogue->groups =
        memory_grow(catalogue->groups, &reading->group_capacity, catalogue->group_count, sizeof(struct group));
    catalogue->groups[group] = (struct group){.code = code};
    (void)code_index_add(&reading->private->groups, code, group, NULL);
    note_line(reading, PART_GROUPS, group, table->row);
    if (catalogue_unit(catalogue, code) != NO_INDEX)
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_GROUP_NAMED_AS_UNIT, code, NULL, NULL, NULL);
    return group;
}

static void read_group(struct table *table, void *context)
{
    struct reading *reading = context;
    const uint32_t group = group_of_row(reading, table);
    const uint32_t unit = cell_reference(table, GROUP_UNIT, &reading->private->units, PART_UNITS, "units.csv");
    if (group != NO_INDEX && unit != NO_INDEX)
        add_pair(&reading->group_units, group, unit, (uint32_t)reading->group_units.count, table->row);
}

static const char *group_code(const struct catalogue *catalogue, uint32_t group)
{
    return catalogue->groups[group].code;
}

static int by_unit_position(const void *one, const void *other)
{
    const struct unit *a = *(const struct unit *const *)one, *b = *(const struct unit *const *)other;
    return (a->position > b->position) - (a->position < b->position);
}

/* A member below another member adds nothing; whoever wrote it may have expected it to. */
static void check_group_overlap(struct reading *reading, uint32_t number)
{
    const struct catalogue *catalogue = reading->catalogue;
    const struct group *group = &catalogue->groups[number];
    const struct place place = {"groups.csv", reading->lines[PART_GROUPS].items[number], "unit", group->code};
    const struct unit **members = memory_array(group->unit_count, sizeof(*members)), *upper = NULL;
    for (size_t i = 0; i < group->unit_count; i++)
        members[i] = &catalogue->units[group->units[i]];
    qsort(members, group->unit_count, sizeof(*members), by_unit_position);
    for (size_t i = 0; i < group->unit_count; i++) {
        if (upper != NULL && members[i]->position < upper->subtree_end)
            loader_report(reading->loader, FINDING_WARNING, &place, MESSAGE_GROUP_OVERLAP, group->code,
                          members[i]->code, upper->code, NULL);
        else
            upper = members[i];
    }
    free(members);
}

static void read_groups(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    (void)table_read(reading->loader, PART_GROUPS, "groups.csv", false, group_columns, ARRAY_LEN(group_columns),
                     read_group, reading);
    settle_pairs(reading, &reading->group_units, "groups.csv", group_code);
    reading->private->group_units = members_of(&reading->group_units);
    for (size_t i = 0; i < reading->group_units.count; i++) {
        struct group *group = &catalogue->groups[reading->group_units.items[i].owner];
        if (group->unit_count++ == 0)
            group->units = reading->private->group_units + i;
    }
    for (uint32_t i = 0; i < catalogue->group_count; i++)
        check_group_overlap(reading, i);
}

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
    enter_code(reading, table, FORM_CODE, &reading->private->forms, PART_FORMS, form.code, number);
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
    add_pair(&reading->form_units, number, unit, catalogue->units[unit].slot, table->row);
}

static const char *form_code(const struct catalogue *catalogue, uint32_t form)
{
    return catalogue->forms[form].code;
}

static void read_forms(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    (void)table_read(reading->loader, PART_FORMS, "forms.csv", true, form_columns, ARRAY_LEN(form_columns), read_form,
                     reading);
    (void)table_read(reading->loader, PART_FORM_UNITS, "form_units.csv", false, scope_columns,
                     ARRAY_LEN(scope_columns), read_scope, reading);
    settle_pairs(reading, &reading->form_units, "form_units.csv", form_code);
    reading->private->form_units = members_of(&reading->form_units);
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
    number_text(most, decimals);
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
    enter_code(reading, table, ELEMENT_CODE, &reading->private->elements, PART_ELEMENTS, element.code, number);
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
    enter_name(&reading->private->element_names, element.name_zh, (uint32_t)number);
    enter_name(&reading->private->element_names, element.name_en, (uint32_t)number);
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

static void read_elements(struct reading *reading)
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

/* ---- indicators.csv ---------------------------------------------------------------------------------------------- */

enum {
    INDICATOR_CODE, INDICATOR_NAME_ZH, INDICATOR_NAME_EN, INDICATOR_NUMERATOR, INDICATOR_DENOMINATOR, INDICATOR_FACTOR,
    INDICATOR_DECIMALS, INDICATOR_BETTER, INDICATOR_OFFICE, INDICATOR_SECTION, INDICATOR_SOURCE
};
static const struct column indicator_columns[] = {
    {"indicator", true}, {"name_zh", true}, {"name_en", false}, {"numerator", true}, {"denominator", false},
    {"factor", false},   {"decimals", true}, {"better", true},  {"office", false},   {"section", false},
    {"source", false},
};
static const struct word better_words[] = {{"up", BETTER_UP}, {"down", BETTER_DOWN}};

/* Without a readable elements.csv every name would be unknown; that is reported once, as the missing file. */
static void read_expression(struct reading *reading, struct table *table, size_t column, struct expression *expression)
{
    const struct place place = table_place(table, column);
    struct fault fault = {.message = MESSAGE_NONE};
    *expression = (struct expression){.expected_units_form = NO_INDEX};
    if (cell_empty(table, column) || !reading->loader->usable[PART_ELEMENTS])
        return;
    if (expression_parse(cell_text(table, column), reading->catalogue, expression, &fault) != STATUS_OK)
        loader_report_fault(reading->loader, FINDING_ERROR, &place, &fault);
}

static void bind_expression(struct reading *reading, struct table *table, size_t column, struct expression *expression,
                            const struct expression *other)
{
    const struct place place = table_place(table, column);
    struct fault fault = {.message = MESSAGE_NONE};
    if (expression_bind(expression, other, reading->catalogue, &fault) != STATUS_OK)
        loader_report_fault(reading->loader, FINDING_ERROR, &place, &fault);
}

static void read_formula(struct reading *reading, struct table *table, struct indicator *indicator)
{
    const struct place place = table_place(table, INDICATOR_FACTOR);
    indicator->numerator_text = cell_keep(table, INDICATOR_NUMERATOR, LIMIT_TEXT_BYTES, true);
    indicator->denominator_text = cell_keep(table, INDICATOR_DENOMINATOR, LIMIT_TEXT_BYTES, false);
    read_expression(reading, table, INDICATOR_NUMERATOR, &indicator->numerator);
    read_expression(reading, table, INDICATOR_DENOMINATOR, &indicator->denominator);
    bind_expression(reading, table, INDICATOR_NUMERATOR, &indicator->numerator, &indicator->denominator);
    bind_expression(reading, table, INDICATOR_DENOMINATOR, &indicator->denominator, &indicator->numerator);
    indicator->factor = (struct decimal){1, 0};
    if (cell_decimal(table, INDICATOR_FACTOR, false, &indicator->factor) && indicator->factor.units == 0)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_ZERO_FACTOR, NULL, NULL, NULL, NULL);
}

static void read_indicator(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->indicator_count++;
    struct indicator indicator = {.code = cell_code(table, INDICATOR_CODE)};
    enter_code(reading, table, INDICATOR_CODE, &reading->private->indicators, PART_INDICATORS, indicator.code, number);
    indicator.name_zh = cell_keep(table, INDICATOR_NAME_ZH, LIMIT_NAME_BYTES, true);
    indicator.name_en = cell_keep(table, INDICATOR_NAME_EN, LIMIT_NAME_BYTES, false);
    indicator.office = cell_keep(table, INDICATOR_OFFICE, LIMIT_NAME_BYTES, false);
    indicator.section = cell_keep(table, INDICATOR_SECTION, LIMIT_NAME_BYTES, false);
    indicator.source = cell_keep(table, INDICATOR_SOURCE, LIMIT_TEXT_BYTES, false);
    read_formula(reading, table, &indicator);
    indicator.decimals = (uint8_t)cell_integer(table, INDICATOR_DECIMALS, 0, LIMIT_DECIMALS, true, 0);
    indicator.better = (enum better)cell_word(table, INDICATOR_BETTER, better_words, ARRAY_LEN(better_words), true,
                                              BETTER_UP);
    catalogue->indicators =
        memory_grow(catalogue->indicators, &reading->indicator_capacity, number + 1, sizeof(struct indicator));
    catalogue->indicators[number] = indicator;
}

/* ---- goals.csv --------------------------------------------------------------------------------------------------- */

enum {
    GOAL_CODE, GOAL_INDICATOR, GOAL_UNIT, GOAL_OP, GOAL_VALUE, GOAL_DUE, GOAL_PACE, GOAL_WARN, GOAL_BASELINE,
    GOAL_START, GOAL_CLAIM, GOAL_SOURCE
};
static const struct column goal_columns[] = {
    {"goal", true},      {"indicator", true}, {"unit", true},  {"op", true},     {"value", true}, {"due", true},
    {"pace", false},     {"warn_pct", false}, {"baseline", false}, {"start", false}, {"claim", false},
    {"source", false},
};
static const struct word op_words[] = {{">=", COMPARE_GE}, {"<=", COMPARE_LE}, {"=", COMPARE_EQ}};
static const struct word pace_words[] = {{"linear", PACE_LINEAR}, {"level", PACE_LEVEL}, {"due", PACE_DUE}};

/* One `2020-06=40`; false when it is not that or not after the step before. */
static bool parse_step(const char *text, size_t length, const struct goal *goal, struct pace_step *ret_step)
{
    char buffer[64], *equals;
    length = text_trim(&text, length);
    if (length == 0 || length >= sizeof(buffer))
        return false;
    memcpy(buffer, text, length);
    buffer[length] = '\0';
    equals = strchr(buffer, '=');
    if (equals == NULL)
        return false;
    *equals = '\0';
    if (period_parse(buffer, &ret_step->month, NULL) != STATUS_OK || ret_step->month.kind != PERIOD_MONTH)
        return false;
    if (decimal_parse(equals + 1, &ret_step->percent, NULL) != STATUS_OK || ret_step->percent.units < 0)
        return false;
    return goal->step_count == 0 || goal->steps[goal->step_count - 1].month.first < ret_step->month.first;
}

static void read_steps(struct table *table, const char *text, struct goal *goal)
{
    const struct place place = table_place(table, GOAL_PACE);
    size_t capacity = 0;
    goal->pace = PACE_STEPS;
    for (bool more = true; more;) {
        const size_t length = strcspn(text, ";");
        struct pace_step step;
        more = text[length] == ';';
        if (parse_step(text, length, goal, &step)) {
            goal->steps = memory_grow(goal->steps, &capacity, goal->step_count + 1, sizeof(step));
            goal->steps[goal->step_count++] = step;
        } else {
            char wrong[64];
            const size_t kept = text_cut(text, length, sizeof(wrong) - 1);
            memcpy(wrong, text, kept);
            wrong[kept] = '\0';
            loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_BAD_STEPS, cell_text(table, GOAL_PACE), wrong,
                          NULL, NULL);
        }
        text += length + more;
    }
}

static void read_pace(struct table *table, struct goal *goal)
{
    static const char steps[] = "steps:";
    const char *text = cell_text(table, GOAL_PACE);
    goal->pace = PACE_DEFAULT;
    if (strncmp(text, steps, sizeof(steps) - 1) == 0)
        read_steps(table, text + sizeof(steps) - 1, goal);
    else
        goal->pace = (enum pace_kind)cell_word(table, GOAL_PACE, pace_words, ARRAY_LEN(pace_words), false,
                                               PACE_DEFAULT);
}

/* The cell may name a unit or a group. */
static void read_goal_scope(struct reading *reading, struct table *table, struct goal *goal)
{
    const struct place place = table_place(table, GOAL_UNIT);
    const char *text = cell_text(table, GOAL_UNIT);
    goal->unit = goal->group = NO_INDEX;
    if (cell_empty(table, GOAL_UNIT)) {
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_GOAL_WITHOUT_SCOPE, goal->code, NULL, NULL,
                      NULL);
        return;
    }
    goal->unit = catalogue_unit(reading->catalogue, text);
    if (goal->unit == NO_INDEX)
        goal->group = catalogue_group(reading->catalogue, text);
    if (goal->unit == NO_INDEX && goal->group == NO_INDEX && reading->loader->usable[PART_UNITS] &&
        reading->loader->usable[PART_GROUPS]) {
        const char *nearest = loader_nearest(reading->loader, &reading->private->units, text);
        if (nearest[0] == '-')
            nearest = loader_nearest(reading->loader, &reading->private->groups, text);
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_UNKNOWN_REFERENCE, "units.csv, groups.csv", text,
                      nearest, NULL);
    }
}

static void read_goal_days(struct table *table, struct goal *goal)
{
    const struct place place = table_place(table, GOAL_DUE);
    struct period due = {.kind = PERIOD_DAY}, start;
    int year, month, day;
    if (cell_period(table, GOAL_DUE, true, &due))
        goal->due = due.last;
    date_to_civil(goal->due, &year, &month, &day);
    goal->start = date_from_civil(year, 1, 1);
    if (cell_period(table, GOAL_START, false, &start))
        goal->start = start.first;
    if (goal->start > goal->due && !cell_empty(table, GOAL_DUE))
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_DUE_BEFORE_START, cell_text(table, GOAL_START),
                      cell_text(table, GOAL_DUE), NULL, NULL);
}

static void check_steps_inside(struct table *table, const struct goal *goal)
{
    const struct place place = table_place(table, GOAL_PACE);
    char month[PERIOD_TEXT], start[DATE_TEXT], due[DATE_TEXT];
    date_format(goal->start, start);
    date_format(goal->due, due);
    for (size_t i = 0; i < goal->step_count; i++) {
        const struct period step = goal->steps[i].month;
        if (step.first <= goal->due && step.last >= goal->start)
            continue;
        period_format(step, month);
        loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_STEP_OUTSIDE, month, start, due, NULL);
    }
}

static void read_goal_figures(struct reading *reading, struct table *table, struct goal *goal)
{
    const struct catalogue *catalogue = reading->catalogue;
    struct place place = table_place(table, GOAL_VALUE);
    goal->warn_pct = (struct decimal){10, 0};
    if (cell_decimal(table, GOAL_VALUE, true, &goal->value) && goal->indicator != NO_INDEX) {
        const struct indicator *indicator = &catalogue->indicators[goal->indicator];
        struct decimal coarser;
        char decimals[24];
        number_text(decimals, indicator->decimals);
        if (goal->value.scale > indicator->decimals &&
            decimal_rescale(goal->value, indicator->decimals, &coarser) != STATUS_OK)
            loader_report(table->loader, FINDING_WARNING, &place, MESSAGE_GOAL_TOO_FINE, cell_text(table, GOAL_VALUE),
                          indicator->code, decimals, NULL);
    }
    (void)cell_decimal(table, GOAL_BASELINE, false, &goal->baseline);
    place = table_place(table, GOAL_WARN);
    if (cell_decimal(table, GOAL_WARN, false, &goal->warn_pct) && goal->warn_pct.units < 0)
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_NEGATIVE, cell_text(table, GOAL_WARN), NULL, NULL,
                      NULL);
}

static void read_goal(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->goal_count++;
    struct goal goal = {.code = cell_code(table, GOAL_CODE), .row = table->row};
    enter_code(reading, table, GOAL_CODE, &reading->private->goals, PART_GOALS, goal.code, number);
    goal.indicator =
        cell_reference(table, GOAL_INDICATOR, &reading->private->indicators, PART_INDICATORS, "indicators.csv");
    read_goal_scope(reading, table, &goal);
    goal.op = (enum compare)cell_word(table, GOAL_OP, op_words, ARRAY_LEN(op_words), true, COMPARE_GE);
    read_goal_figures(reading, table, &goal);
    read_goal_days(table, &goal);
    read_pace(table, &goal);
    check_steps_inside(table, &goal);
    goal.claim = cell_keep(table, GOAL_CLAIM, LIMIT_NAME_BYTES, false);
    goal.source = cell_keep(table, GOAL_SOURCE, LIMIT_TEXT_BYTES, false);
    catalogue->goals = memory_grow(catalogue->goals, &reading->goal_capacity, number + 1, sizeof(struct goal));
    catalogue->goals[number] = goal;
}

/* ---- rules.csv --------------------------------------------------------------------------------------------------- */

enum { RULE_CODE, RULE_FORM, RULE_CHECK, RULE_SEVERITY, RULE_MISSING, RULE_MESSAGE_ZH, RULE_MESSAGE_EN };
static const struct column rule_columns[] = {
    {"rule", true},     {"form", true},       {"check", true},       {"severity", true},
    {"missing", false}, {"message_zh", true}, {"message_en", false},
};
static const struct word severity_words[] = {{"hard", SEVERITY_HARD}, {"soft", SEVERITY_SOFT}};
static const struct word missing_words[] = {
    {"skip_any", MISSING_SKIP_ANY}, {"skip_all", MISSING_SKIP_ALL}, {"zero", MISSING_ZERO}};

static void read_check(struct reading *reading, struct table *table, struct rule *rule)
{
    const struct place place = table_place(table, RULE_CHECK);
    struct fault fault = {.message = MESSAGE_NONE};
    rule->left.expected_units_form = rule->right.expected_units_form = NO_INDEX;
    rule->check_text = cell_keep(table, RULE_CHECK, LIMIT_TEXT_BYTES, true);
    if (cell_empty(table, RULE_CHECK) || !reading->loader->usable[PART_ELEMENTS])
        return;
    if (expression_parse_check(cell_text(table, RULE_CHECK), reading->catalogue, &rule->left, &rule->op, &rule->right,
                               &fault) != STATUS_OK)
        loader_report_fault(reading->loader, FINDING_ERROR, &place, &fault);
}

static void read_rule(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const size_t number = catalogue->rule_count++;
    struct rule rule = {.code = cell_code(table, RULE_CODE)};
    enter_code(reading, table, RULE_CODE, &reading->private->rules, PART_RULES, rule.code, number);
    rule.form = cell_reference(table, RULE_FORM, &reading->private->forms, PART_FORMS, "forms.csv");
    read_check(reading, table, &rule);
    rule.severity = (enum severity)cell_word(table, RULE_SEVERITY, severity_words, ARRAY_LEN(severity_words), true,
                                             SEVERITY_HARD);
    rule.missing = (enum rule_missing)cell_word(table, RULE_MISSING, missing_words, ARRAY_LEN(missing_words), false,
                                                MISSING_SKIP_ANY);
    rule.message_zh = cell_keep(table, RULE_MESSAGE_ZH, LIMIT_TEXT_BYTES, true);
    rule.message_en = cell_keep(table, RULE_MESSAGE_EN, LIMIT_TEXT_BYTES, false);
    catalogue->rules = memory_grow(catalogue->rules, &reading->rule_capacity, number + 1, sizeof(struct rule));
    catalogue->rules[number] = rule;
}

/* ---- holidays.csv ------------------------------------------------------------------------------------------------ */

enum { HOLIDAY_DATE, HOLIDAY_KIND };
static const struct column holiday_columns[] = {{"date", true}, {"kind", true}, {"name", false}};
static const struct word holiday_words[] = {{"holiday", 0}, {"workday", 1}};

static void read_holiday(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const struct place place = table_place(table, HOLIDAY_DATE);
    struct holiday holiday = {.date = cell_date(table, HOLIDAY_DATE, DAY_MIN)};
    holiday.works = cell_word(table, HOLIDAY_KIND, holiday_words, ARRAY_LEN(holiday_words), true, 0) == 1;
    if (cell_empty(table, HOLIDAY_DATE))
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_EMPTY_VALUE, "date", NULL, NULL, NULL);
    if (holiday.date == DAY_MIN)
        return;
    catalogue->holidays = memory_grow(catalogue->holidays, &reading->holiday_capacity, catalogue->holiday_count + 1,
                                      sizeof(struct holiday));
    note_line(reading, PART_HOLIDAYS, catalogue->holiday_count, table->row);
    catalogue->holidays[catalogue->holiday_count++] = holiday;
}

struct dated_row {
    struct holiday holiday;
    int64_t row;
};

static int by_date_and_row(const void *one, const void *other)
{
    const struct dated_row *a = one, *b = other;
    if (a->holiday.date != b->holiday.date)
        return a->holiday.date < b->holiday.date ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* A date may be listed twice (two lists pasted together), as long as both say the same. */
static void settle_holidays(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    struct dated_row *rows = memory_array(catalogue->holiday_count, sizeof(*rows));
    size_t kept = 0;
    for (size_t i = 0; i < catalogue->holiday_count; i++)
        rows[i] = (struct dated_row){catalogue->holidays[i], reading->lines[PART_HOLIDAYS].items[i]};
    qsort(rows, catalogue->holiday_count, sizeof(*rows), by_date_and_row);
    for (size_t i = 0; i < catalogue->holiday_count; i++) {
        char date[DATE_TEXT], line[24];
        const struct place place = {"holidays.csv", rows[i].row, "date", date};
        if (i == 0 || rows[i].holiday.date != rows[i - 1].holiday.date) {
            catalogue->holidays[kept++] = rows[i].holiday;
            continue;
        }
        date_format(rows[i].holiday.date, date);
        number_text(line, rows[i - 1].row);
        if (rows[i].holiday.works != rows[i - 1].holiday.works)
            loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_HOLIDAY_TWICE, date, line, NULL, NULL);
    }
    catalogue->holiday_count = kept;
    free(rows);
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

static void hash_text(struct seal_hasher *hasher, const char *text)
{
    seal_hasher_add(hasher, text, strlen(text) + 1);
}

static void hash_number(struct seal_hasher *hasher, uint32_t number)
{
    const unsigned char bytes[4] = {(unsigned char)number, (unsigned char)(number >> 8), (unsigned char)(number >> 16),
                                    (unsigned char)(number >> 24)};
    seal_hasher_add(hasher, bytes, sizeof(bytes));
}

/* What a stored page takes for granted: which unit a slot is, which element a page is of, at which scale and kind. */
static void hash_layout(struct catalogue *catalogue)
{
    struct seal_hasher *hasher = seal_hasher_new();
    hash_text(hasher, "layout/1");
    hash_number(hasher, (uint32_t)catalogue->unit_count);
    for (size_t i = 0; i < catalogue->unit_count; i++) {
        hash_text(hasher, catalogue->units[i].code);
        hash_number(hasher, catalogue->units[i].level);
        hash_number(hasher, catalogue->units[i].slot);
    }
    hash_number(hasher, (uint32_t)catalogue->level_count);
    for (size_t i = 0; i < catalogue->level_count; i++)
        hash_text(hasher, catalogue->levels[i].name);
    hash_number(hasher, (uint32_t)catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++) {
        hash_text(hasher, catalogue->forms[i].code);
        hash_number(hasher, catalogue->forms[i].level);
        hash_number(hasher, (uint32_t)catalogue->forms[i].frequency);
    }
    hash_number(hasher, (uint32_t)catalogue->element_count);
    for (size_t i = 0; i < catalogue->element_count; i++) {
        hash_text(hasher, catalogue->elements[i].code);
        hash_number(hasher, catalogue->elements[i].form);
        hash_number(hasher, (uint32_t)catalogue->elements[i].kind);
        hash_number(hasher, (uint32_t)catalogue->elements[i].aggregate);
        hash_number(hasher, catalogue->elements[i].decimals);
    }
    seal_hasher_finish(&hasher, catalogue->layout_hash);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

void catalogue_load_parts(struct loader *loader)
{
    struct reading reading = {.loader = loader, .catalogue = loader->catalogue, .private = loader->private};
    read_package(loader);
    read_units(&reading);
    read_groups(&reading);
    read_forms(&reading);
    read_elements(&reading);
    (void)table_read(loader, PART_INDICATORS, "indicators.csv", true, indicator_columns, ARRAY_LEN(indicator_columns),
                     read_indicator, &reading);
    (void)table_read(loader, PART_GOALS, "goals.csv", true, goal_columns, ARRAY_LEN(goal_columns), read_goal,
                     &reading);
    (void)table_read(loader, PART_RULES, "rules.csv", false, rule_columns, ARRAY_LEN(rule_columns), read_rule,
                     &reading);
    (void)table_read(loader, PART_HOLIDAYS, "holidays.csv", false, holiday_columns, ARRAY_LEN(holiday_columns),
                     read_holiday, &reading);
    settle_holidays(&reading);
    hash_layout(loader->catalogue);
    goal_arithmetic_check(loader);
    for (size_t part = 0; part < PART_COUNT; part++)
        free(reading.lines[part].items);
    free(reading.unit_rows);
    free(reading.group_units.items);
    free(reading.form_units.items);
}
