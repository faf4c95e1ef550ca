/* catalogue_units.c - units.csv and groups.csv: who reports, below whom and since when, and named sets of them. */
#include "catalogue_reading.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

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
    reading_number(line, row->row + before->row - later);
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

void catalogue_read_units(struct reading *reading)
{
    bool *named;
    (void)table_read(reading->loader, PART_UNITS, "units.csv", true, unit_columns, ARRAY_LEN(unit_columns), read_unit,
                     reading);
    named = memory_array(reading->unit_row_count, sizeof(*named));
    place_units(reading, named);
    for (size_t i = 0; i < reading->unit_row_count; i++) {
        reading_enter_name(&reading->private->unit_names, reading->unit_rows[i].name_zh, reading->unit_rows[i].unit);
        reading_enter_name(&reading->private->unit_names, reading->unit_rows[i].name_en, reading->unit_rows[i].unit);
    }
    catalogue_tree_build(reading->loader, named);
    free(named);
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
    reading_note_line(reading, PART_GROUPS, group, table->row);
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
        reading_add_pair(&reading->group_units, group, unit, (uint32_t)reading->group_units.count, table->row);
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

void catalogue_read_groups(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    (void)table_read(reading->loader, PART_GROUPS, "groups.csv", false, group_columns, ARRAY_LEN(group_columns),
                     read_group, reading);
    reading_settle_pairs(reading, &reading->group_units, "groups.csv", group_code);
    reading->private->group_units = reading_members(&reading->group_units);
    for (size_t i = 0; i < reading->group_units.count; i++) {
        struct group *group = &catalogue->groups[reading->group_units.items[i].owner];
        if (group->unit_count++ == 0)
            group->units = reading->private->group_units + i;
    }
    for (uint32_t i = 0; i < catalogue->group_count; i++)
        check_group_overlap(reading, i);
}
