/* table.h - rows for people and programs: one shape for the command line, HTTP and the wire. */
#ifndef AGGREGATOR_OFFICE_TABLE_H
#define AGGREGATOR_OFFICE_TABLE_H

#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table {
    const char *const *columns; /* static */
    size_t column_count;
    char **cells;               /* row-major, owned; NULL is an absent figure */
    size_t cell_count, capacity;
};

void table_start(struct table *table, const char *const *columns, size_t column_count);
void table_add(struct table *table, const char *text); /* copies; NULL for absent */
void table_add_number(struct table *table, uint64_t number);
size_t table_rows(const struct table *table);
void table_free(struct table *table);

enum table_format { TABLE_TABLE, TABLE_CSV, TABLE_JSON };
bool table_format_by_name(const char *name, enum table_format *ret_format);
/* CSV: the header, then rows. JSON: an array of objects, figures as strings, absent as null. TABLE: aligned by display
 * width (CJK is two columns), titles and states in words of the asked language, states coloured on a terminal. False when writing failed. */
bool table_print(const struct table *table, enum table_format format, enum language language, FILE *out);

#endif
