/* layout.h - how a report table is laid out: which row is its header, which column means what, and which rows below are
 * no data (totals, signatures, footnotes, repeated headers). Long: one figure a row; wide: one unit a row, one element
 * a column. Nothing that could be a figure is ever skipped: a row whose unit cell names a unit is data. */
#ifndef COLLECTORS_LAYOUT_H
#define COLLECTORS_LAYOUT_H

#include "catalogue.h"
#include "csv.h"
#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum column_role {
    COLUMN_ELEMENT,
    COLUMN_UNIT,
    COLUMN_PERIOD,
    COLUMN_VALUE,
    COLUMN_REVISION,
    COLUMN_STATUS,
    COLUMN_REASON,
    COLUMN_REPORTED_AT,
    COLUMN_ROLES,   /* how many of the above */
    COLUMN_FIGURE,  /* wide: the cells of one element */
    COLUMN_IGNORED,
    COLUMN_UNNAMED, /* a header cell without text */
};

#define NO_COLUMN SIZE_MAX

struct column {
    enum column_role role;
    uint32_t element; /* COLUMN_FIGURE: element, or AMBIGUOUS_INDEX when several bear the name */
    char *name;       /* as written, trimmed */
};

struct layout {
    bool wide;
    struct column *columns;
    size_t count;                /* up to the last named column: cells beyond belong to no column */
    size_t width;                /* cells of the header row */
    size_t at[COLUMN_ROLES];     /* column of a role, NO_COLUMN when absent */
    struct fault nearly;         /* a row that looked like the header but lacked columns; MESSAGE_NONE when none did */
};

/* Looks at one row. *ret_found when it is the header. STATUS_REFUSED: it is, and two columns are the same one.
 * Begin with a zeroed layout; free it in any case. */
enum status layout_recognise(struct layout *layout, const struct catalogue *catalogue, const struct csv_row *row,
                             bool period_is_set, bool *ret_found, struct fault *why) MUST_CHECK;
void layout_free(struct layout *layout);

enum row_kind { ROW_DATA, ROW_BLANK, ROW_TOTAL, ROW_SIGNATURE, ROW_HEADER, ROW_OTHER_HEADER };

/* What a row below the header is. `unit_is_known`: its unit cell names a unit (then it is data). */
enum row_kind layout_row_kind(const struct layout *layout, const struct catalogue *catalogue,
                              const struct csv_row *row, bool unit_is_known);
/* Text of the row's cell in a role's column, trimmed; "" when the column or cell is absent. */
const char *layout_cell(const struct layout *layout, const struct csv_row *row, enum column_role role,
                        size_t *ret_length);
/* First cell with text, trimmed; "" when there is none. */
const char *layout_first_text(const struct csv_row *row, size_t *ret_length);
/* True when cells stand beyond the table's columns in a way that may have shifted figures. */
bool layout_has_extra_cells(const struct layout *layout, const struct csv_row *row);

/* Element or unit by code or exact name; NO_INDEX, AMBIGUOUS_INDEX. */
uint32_t layout_element(const struct catalogue *catalogue, const char *text);
uint32_t layout_unit(const struct catalogue *catalogue, const char *text);

#endif
