/* fuzz_csv.c - any UTF-8 text as a table: rows cover the text in order, limits hold, and what was read and is written again
 * reads the same. */
#include "fuzz.h"

#include "csv.h"
#include "limit.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cells {
    char **texts;
    size_t *row_of;
    size_t count, capacity, row_capacity, rows;
};

static void keep_row(struct cells *cells, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        cells->texts = memory_grow(cells->texts, &cells->capacity, cells->count + 1, sizeof *cells->texts);
        cells->row_of = memory_grow(cells->row_of, &cells->row_capacity, cells->count + 1, sizeof *cells->row_of);
        cells->texts[cells->count] = memory_copy_text_length(row->fields[i].text, row->fields[i].length);
        cells->row_of[cells->count++] = cells->rows;
    }
    cells->rows++;
}

static void require_row(const struct csv_row *row, enum status status, const char *text, size_t length, int64_t *line,
                        const char **place)
{
    fuzz_require(row->line > *line, "lines grow");
    fuzz_require(row->raw >= *place && row->raw + row->raw_length <= text + length, "rows follow each other in the text");
    *line = row->line;
    *place = row->raw + row->raw_length;
    if (status != STATUS_OK)
        return;
    fuzz_require(row->count >= 1 && row->count <= LIMIT_CSV_COLUMNS, "a row has a cell and no more than it may");
    for (size_t i = 0; i < row->count; i++)
        fuzz_require(row->fields[i].length <= LIMIT_CSV_FIELD_BYTES && row->fields[i].text[row->fields[i].length] == '\0',
                     "a cell ends, within its limit");
}

static void read_all(const char *text, size_t length, char separator, struct cells *cells, char *ret_separator)
{
    struct csv_reader *reader = csv_open(text, length, separator);
    const char *place = text;
    int64_t line = 0;
    size_t calls = 0;
    *ret_separator = csv_separator(reader);
    for (bool end = false; !end;) {
        struct fault why = {.message = MESSAGE_NONE};
        struct csv_row row = {.fields = NULL};
        const enum status status = csv_next(reader, &row, &end, &why);
        fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "a row is read or refused");
        fuzz_require_reason(status, &why);
        fuzz_require(calls++ <= length + 1, "reading ends");
        if (end && status == STATUS_OK)
            break;
        require_row(&row, status, text, length, &line, &place);
        if (status == STATUS_OK)
            keep_row(cells, &row);
    }
    csv_close(&reader);
}

static void write_all(const struct cells *cells, char separator, char **ret_text, size_t *ret_length)
{
    FILE *out = open_memstream(ret_text, ret_length);
    fuzz_require(out != NULL, "memory");
    for (size_t i = 0; i < cells->count; i++) {
        csv_write_field(out, cells->texts[i], separator);
        (void)fputc(i + 1 == cells->count || cells->row_of[i + 1] != cells->row_of[i] ? '\n' : separator, out);
    }
    (void)fclose(out);
}

static void cells_free(struct cells *cells)
{
    for (size_t i = 0; i < cells->count; i++)
        free(cells->texts[i]);
    free(cells->texts);
    free(cells->row_of);
    *cells = (struct cells){.texts = NULL};
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static const char separators[] = {0, ',', ';', '\t'};
    struct cells cells = {.texts = NULL}, again = {.texts = NULL};
    char *written = NULL, separator, same;
    size_t written_length = 0;
    if (length == 0 || !fuzz_is_text(bytes + 1, length - 1))
        return;
    char *text = memory_copy_text_length((const char *)bytes + 1, length - 1);
    read_all(text, length - 1, separators[bytes[0] & 3], &cells, &separator);
    write_all(&cells, separator, &written, &written_length);
    read_all(written, written_length, separator, &again, &same);
    /* A first line "sep=;" or "SEP=;" is for the reader, also where it was a row (behind such a line, or a refused one). */
    const bool told = cells.count > 0 && strncasecmp(cells.texts[0], "sep=", 4) == 0;
    fuzz_require(told || cells.count == again.count, "as many cells come back");
    for (size_t i = 0; i < cells.count && !told; i++)
        fuzz_require(cells.row_of[i] == again.row_of[i] && strcmp(cells.texts[i], again.texts[i]) == 0,
                     "every cell comes back in its row");
    cells_free(&cells);
    cells_free(&again);
    free(written);
    free(text);
}
