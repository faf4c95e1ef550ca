/* catalogue_reading.h - what the readers of the catalogue's files share while they read: one .c a group of tables
 * (catalogue_package.c, catalogue_units.c, catalogue_forms.c, catalogue_goals.c), called in turn by catalogue_load.c. */
#ifndef SCHEMAS_CATALOGUE_READING_H
#define SCHEMAS_CATALOGUE_READING_H

#include "catalogue_internal.h"
#include "catalogue_table.h"

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

/* ---- in the order they run --------------------------------------------------------------------------------------- */

void catalogue_read_package(struct loader *loader);
void catalogue_read_units(struct reading *reading);
void catalogue_read_groups(struct reading *reading);
void catalogue_read_forms(struct reading *reading);
void catalogue_read_elements(struct reading *reading);
void catalogue_read_indicators(struct reading *reading);
void catalogue_read_goals(struct reading *reading);
void catalogue_read_rules(struct reading *reading);
void catalogue_read_holidays(struct reading *reading);

/* ---- for the readers --------------------------------------------------------------------------------------------- */

/* Remembers the line of a part's item, for findings about it later. */
void reading_note_line(struct reading *reading, enum catalogue_part part, size_t number, int64_t row);
void reading_number(char ret_text[24], int64_t number);
/* Enters a code of a row; a second one of the same code is reported and stays out of the lookup. */
void reading_enter_code(struct reading *reading, struct table *table, size_t column, struct code_index *index,
                        enum catalogue_part part, const char *code, size_t number);
/* A name that two of them have is AMBIGUOUS_INDEX. */
void reading_enter_name(struct code_index *index, const char *name, uint32_t value);
void reading_add_pair(struct pairs *pairs, uint32_t owner, uint32_t member, uint32_t order, int64_t row);
/* Drops repeated rows (a warning each), then sorts by owner and order. */
void reading_settle_pairs(struct reading *reading, struct pairs *pairs, const char *file,
                          const char *(*owner_code)(const struct catalogue *, uint32_t));
/* The members alone, in that order; yours. */
uint32_t *reading_members(const struct pairs *pairs);

#endif
