/* catalogue_table.h - one CSV file of a catalogue while it is read: its columns by name, the cells of the row at hand,
 * and the checks every file needs. Each cell_x reports what is wrong where it stands and gives a value to go on with,
 * so that a row with three mistakes shows all three. */
#ifndef SCHEMAS_CATALOGUE_TABLE_H
#define SCHEMAS_CATALOGUE_TABLE_H

#include "catalogue_internal.h"
#include "csv.h"

#define TABLE_COLUMNS 16

struct column {
    const char *name;
    bool required;
};

struct table {
    struct loader *loader;
    const char *file;
    const struct column *columns;
    size_t column_count;
    size_t header_count;
    size_t where[TABLE_COLUMNS]; /* cell of the row, SIZE_MAX: the file has no such column */
    struct csv_field cells[TABLE_COLUMNS]; /* trimmed; "" when absent */
    char *scratch;
    size_t scratch_capacity;
    int64_t row;
    const char *subject; /* what findings about this row are about */
};

/* Called for each row that is not blank. */
typedef void table_row(struct table *table, void *context);

/* Reads the file `part`; false when it is not there or lacks columns (reported when that is an error). */
bool table_read(struct loader *loader, enum catalogue_part part, const char *file, bool required,
                const struct column *columns, size_t column_count, table_row *read_row, void *context);
const struct catalogue_file *loader_file(const struct loader *loader, const char *name);

struct place table_place(const struct table *table, size_t column);
/* The cell's text, borrowed until the next row. */
const char *cell_text(const struct table *table, size_t column);
bool cell_empty(const struct table *table, size_t column);
/* Text to keep, reported when longer than `limit` or, if `required`, empty. */
const char *cell_keep(struct table *table, size_t column, size_t limit, bool required);
/* A code to keep: not empty, not too long, no comma, quote, control or invisible space. "" when unusable. */
const char *cell_code(struct table *table, size_t column);
struct word {
    const char *text;
    int value;
};
/* The word's value; `fallback` when empty and allowed to be (`required` false), or unknown, which is reported. */
int cell_word(struct table *table, size_t column, const struct word *words, size_t count, bool required, int fallback);
int32_t cell_integer(struct table *table, size_t column, int32_t least, int32_t most, bool required, int32_t fallback);
/* False when empty or wrong; ret_value is untouched then. */
bool cell_decimal(struct table *table, size_t column, bool required, struct decimal *ret_value);
int32_t cell_date(struct table *table, size_t column, int32_t fallback);
bool cell_period(struct table *table, size_t column, bool required, struct period *ret_period);
/* The number behind a code of another file; NO_INDEX when unknown (reported unless that file could not be read). */
uint32_t cell_reference(struct table *table, size_t column, const struct code_index *index, enum catalogue_part part,
                        const char *file);

#endif
