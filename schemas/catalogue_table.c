/* catalogue_table.c - reads the CSV files of a catalogue cell by cell, reporting everything and stopping at nothing.
 *
 * Spreadsheets leave traces: a byte order mark, spaces around cells, rows of empty cells below the table. Those are
 * passed over in silence. A row with more cells than the header is an error, because a comma inside an unquoted name
 * has then shifted every figure behind it. */
#include "catalogue_table.h"

#include "memory.h"
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows -------------------------------------------------------------------------------------------------------- */

const struct catalogue_file *loader_file(const struct loader *loader, const char *name)
{
    for (size_t i = 0; i < loader->private->file_count; i++)
        if (strcmp(loader->private->files[i].name, name) == 0)
            return &loader->private->files[i];
    return NULL;
}

static struct place file_place(const struct table *table)
{
    return (struct place){table->file, 0, NULL, table->file};
}

static void list_columns(const struct table *table, char *ret_text, size_t capacity)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < table->column_count; i++) {
        int wrote;
        if (!table->columns[i].required)
            continue;
        wrote = snprintf(ret_text + used, capacity - used, "%s%s", used == 0 ? "" : ",", table->columns[i].name);
        if (wrote < 0 || (size_t)wrote >= capacity - used)
            return;
        used += (size_t)wrote;
    }
}

static size_t column_named(const struct table *table, const char *text, size_t length)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strlen(table->columns[i].name) == length && memcmp(table->columns[i].name, text, length) == 0)
            return i;
    return SIZE_MAX;
}

static bool read_header(struct table *table, const struct csv_row *row)
{
    struct place place = {table->file, row->line, NULL, table->file};
    char wanted[200];
    bool complete = true;
    table->header_count = row->count;
    for (size_t i = 0; i < row->count; i++) {
        const char *name = row->fields[i].text;
        const size_t length = text_trim(&name, row->fields[i].length);
        const size_t column = column_named(table, name, length);
        if (column == SIZE_MAX)
            continue;
        place.column = table->columns[column].name;
        if (table->where[column] != SIZE_MAX)
            loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_REPEATED_COLUMN, place.column, NULL, NULL,
                          NULL);
        else
            table->where[column] = i;
    }
    list_columns(table, wanted, sizeof(wanted));
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->where[i] != SIZE_MAX || !table->columns[i].required)
            continue;
        place.column = table->columns[i].name;
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_MISSING_COLUMN, place.column, wanted, NULL, NULL);
        complete = false;
    }
    return complete;
}

static bool is_plain(char letter)
{
    return letter > ' ' && letter < 0x7f;
}

/* text_trim, but quick about the millions of cells that begin and end with an ordinary letter. */
static size_t trim(const char **text, size_t length)
{
    if (length == 0 || (is_plain((*text)[0]) && is_plain((*text)[length - 1])))
        return length;
    return text_trim(text, length);
}

static bool is_blank(const struct csv_row *row, size_t from)
{
    for (size_t i = from; i < row->count; i++) {
        const char *text = row->fields[i].text;
        if (trim(&text, row->fields[i].length) > 0)
            return false;
    }
    return true;
}

/* Trims the cells that are asked for. What lost something at its end is copied, to be terminated there. */
static void take_cells(struct table *table, const struct csv_row *row)
{
    size_t used = 0;
    table->scratch = memory_grow(table->scratch, &table->scratch_capacity, row->raw_length + TABLE_COLUMNS, 1);
    for (size_t i = 0; i < table->column_count; i++) {
        const size_t at = table->where[i];
        const char *text;
        size_t length;
        table->cells[i] = (struct csv_field){"", 0};
        if (at >= row->count)
            continue;
        text = row->fields[at].text;
        length = trim(&text, row->fields[at].length);
        if (text[length] != '\0') {
            memcpy(table->scratch + used, text, length);
            table->scratch[used + length] = '\0';
            text = table->scratch + used;
            used += length + 1;
        }
        table->cells[i] = (struct csv_field){text, length};
    }
}

static void read_rows(struct table *table, struct csv_reader *reader, table_row *read_row, void *context)
{
    for (;;) {
        struct csv_row row;
        struct fault fault = {.message = MESSAGE_NONE};
        struct place place = file_place(table);
        bool end = false;
        if (csv_next(reader, &row, &end, &fault) != STATUS_OK) {
            place.row = fault.row;
            loader_report_fault(table->loader, FINDING_ERROR, &place, &fault);
            continue;
        }
        if (end)
            return;
        if (is_blank(&row, 0))
            continue;
        table->row = row.line;
        take_cells(table, &row);
        table->subject = table->cells[0].text;
        if (row.count > table->header_count && !is_blank(&row, table->header_count)) {
            char count[24];
            (void)snprintf(count, sizeof(count), "%zu", table->header_count);
            place = table_place(table, SIZE_MAX);
            loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_EXTRA_CELLS, count, NULL, NULL, NULL);
        }
        read_row(table, context);
    }
}

/* The first row that is not blank names the columns. */
static bool read_text(struct table *table, const char *text, size_t length, table_row *read_row, void *context)
{
    struct csv_reader *reader = csv_open(text, length, ',');
    struct place place = file_place(table);
    struct csv_row row = {0};
    struct fault fault = {.message = MESSAGE_NONE};
    bool end = false, readable = false;
    char wanted[200];
    enum status status;
    do
        status = csv_next(reader, &row, &end, &fault);
    while (status == STATUS_OK && !end && is_blank(&row, 0));
    if (status != STATUS_OK) {
        place.row = fault.row;
        loader_report_fault(table->loader, FINDING_ERROR, &place, &fault);
    } else if (end) {
        list_columns(table, wanted, sizeof(wanted));
        loader_report(table->loader, FINDING_ERROR, &place, MESSAGE_EMPTY_TABLE, wanted, NULL, NULL, NULL);
    } else if (read_header(table, &row)) {
        readable = true;
        read_rows(table, reader, read_row, context);
    }
    csv_close(&reader);
    return readable;
}

/* The row of the byte the fault names: whoever looks for it has a spreadsheet, which counts no bytes. */
static int64_t row_of_byte(const struct catalogue_file *file, const struct fault *fault)
{
    unsigned long long offset;
    int64_t row = 1;
    if (fault->message != MESSAGE_BAD_ENCODING && fault->message != MESSAGE_NUL_BYTE)
        return 0;
    offset = strtoull(fault->argument[fault->message == MESSAGE_BAD_ENCODING ? 1 : 0], NULL, 10);
    for (size_t i = 0; i < file->length && i < offset; i++)
        row += file->bytes[i] == '\n';
    return row;
}

bool table_read(struct loader *loader, enum catalogue_part part, const char *file, bool required,
                const struct column *columns, size_t column_count, table_row *read_row, void *context)
{
    struct table table = {.loader = loader, .file = file, .columns = columns, .column_count = column_count};
    const struct catalogue_file *bytes = loader_file(loader, file);
    struct place place = file_place(&table);
    struct fault fault = {.message = MESSAGE_NONE};
    char *text = NULL;
    size_t length = 0;
    if (bytes == NULL) {
        if (required)
            loader_report(loader, FINDING_ERROR, &place, MESSAGE_MISSING_FILE, file, NULL, NULL, NULL);
        loader->usable[part] = !required;
        return false;
    }
    for (size_t i = 0; i < TABLE_COLUMNS; i++)
        table.where[i] = SIZE_MAX;
    if (text_decode(bytes->bytes, bytes->length, TEXT_UTF8, &text, &length, NULL, &fault) != STATUS_OK) {
        place.row = row_of_byte(bytes, &fault);
        loader_report_fault(loader, FINDING_ERROR, &place, &fault);
        return false;
    }
    loader->usable[part] = read_text(&table, text, length, read_row, context);
    free(table.scratch);
    free(text);
    return loader->usable[part];
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

struct place table_place(const struct table *table, size_t column)
{
    return (struct place){table->file, table->row, column < table->column_count ? table->columns[column].name : NULL,
                          table->subject};
}

const char *cell_text(const struct table *table, size_t column)
{
    return table->cells[column].text;
}

bool cell_empty(const struct table *table, size_t column)
{
    return table->cells[column].length == 0;
}

static void report_cell(struct table *table, size_t column, enum message message, const char *one, const char *two,
                        const char *three)
{
    const struct place place = table_place(table, column);
    loader_report(table->loader, FINDING_ERROR, &place, message, one, two, three, NULL);
}

/* True when there is nothing to read; reported when there should be. */
static bool nothing_in(struct table *table, size_t column, bool required)
{
    if (!cell_empty(table, column))
        return false;
    if (required)
        report_cell(table, column, MESSAGE_EMPTY_VALUE, table->columns[column].name, NULL, NULL);
    return true;
}

const char *cell_keep(struct table *table, size_t column, size_t limit, bool required)
{
    const struct csv_field *cell = &table->cells[column];
    char most[24];
    size_t length = cell->length;
    if (nothing_in(table, column, required))
        return "";
    if (length > limit) {
        (void)snprintf(most, sizeof(most), "%zu", limit);
        report_cell(table, column, MESSAGE_TEXT_TOO_LONG, table->columns[column].name, most, NULL);
        length = text_cut(cell->text, length, limit);
    }
    return arena_keep(&table->loader->private->texts, cell->text, length);
}

/* Characters that look like nothing: two codes that differ only in them look the same on every screen. */
static bool is_invisible(const unsigned char *at)
{
    static const char *const invisible[] = {
        "\xc2\xa0",     "\xc2\xad",     "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
        "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x81\xa0", "\xe3\x80\x80", "\xef\xbb\xbf",
    };
    if (*at < 0xc2)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(invisible); i++)
        if (strncmp((const char *)at, invisible[i], strlen(invisible[i])) == 0)
            return true;
    return false;
}

static bool is_usable_code(const char *code)
{
    for (const unsigned char *at = (const unsigned char *)code; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f || *at == ',' || *at == '"' || is_invisible(at))
            return false;
    return true;
}

const char *cell_code(struct table *table, size_t column)
{
    const char *code = cell_keep(table, column, LIMIT_CODE_BYTES, true);
    if (!is_usable_code(code))
        report_cell(table, column, MESSAGE_BAD_CODE, code, NULL, NULL);
    return code;
}

int cell_word(struct table *table, size_t column, const struct word *words, size_t count, bool required, int fallback)
{
    const char *text = cell_text(table, column);
    char known[120];
    size_t used = 0;
    if (nothing_in(table, column, required))
        return fallback;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i].text, text) == 0)
            return words[i].value;
    for (size_t i = 0; i < count; i++) {
        const int wrote =
            snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : " ", words[i].text);
        if (wrote < 0 || (size_t)wrote >= sizeof(known) - used)
            break;
        used += (size_t)wrote;
    }
    report_cell(table, column, MESSAGE_UNKNOWN_WORD, text, known, NULL);
    return fallback;
}

/* Digits with an optional minus, nothing else; false when it is not that or lies outside. */
static bool parse_integer(const char *text, int32_t least, int32_t most, int32_t *ret_integer)
{
    const bool negative = *text == '-';
    int64_t integer = 0;
    text += negative;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        integer = integer * 10 + (*text - '0');
        if (integer > INT32_MAX)
            return false;
    }
    integer = negative ? -integer : integer;
    if (integer < least || integer > most)
        return false;
    *ret_integer = (int32_t)integer;
    return true;
}

int32_t cell_integer(struct table *table, size_t column, int32_t least, int32_t most, bool required, int32_t fallback)
{
    char low[16], high[16];
    int32_t integer;
    if (nothing_in(table, column, required))
        return fallback;
    if (parse_integer(cell_text(table, column), least, most, &integer))
        return integer;
    (void)snprintf(low, sizeof(low), "%ld", (long)least);
    (void)snprintf(high, sizeof(high), "%ld", (long)most);
    report_cell(table, column, MESSAGE_BAD_INTEGER, cell_text(table, column), low, high);
    return fallback;
}

bool cell_decimal(struct table *table, size_t column, bool required, struct decimal *ret_value)
{
    const struct place place = table_place(table, column);
    struct fault fault = {.message = MESSAGE_NONE};
    if (nothing_in(table, column, required))
        return false;
    if (decimal_parse(cell_text(table, column), ret_value, &fault) == STATUS_OK)
        return true;
    loader_report_fault(table->loader, FINDING_ERROR, &place, &fault);
    return false;
}

int32_t cell_date(struct table *table, size_t column, int32_t fallback)
{
    int32_t date;
    if (cell_empty(table, column))
        return fallback;
    if (date_parse(cell_text(table, column), &date))
        return date;
    report_cell(table, column, MESSAGE_BAD_DATE, cell_text(table, column), NULL, NULL);
    return fallback;
}

bool cell_period(struct table *table, size_t column, bool required, struct period *ret_period)
{
    const struct place place = table_place(table, column);
    struct fault fault = {.message = MESSAGE_NONE};
    if (nothing_in(table, column, required))
        return false;
    if (period_parse(cell_text(table, column), ret_period, &fault) == STATUS_OK)
        return true;
    loader_report_fault(table->loader, FINDING_ERROR, &place, &fault);
    return false;
}

uint32_t cell_reference(struct table *table, size_t column, const struct code_index *index, enum catalogue_part part,
                        const char *file)
{
    const struct csv_field *cell = &table->cells[column];
    uint32_t found;
    if (nothing_in(table, column, true))
        return NO_INDEX;
    found = code_index_find(index, cell->text, cell->length);
    if (found == NO_INDEX && table->loader->usable[part])
        report_cell(table, column, MESSAGE_UNKNOWN_REFERENCE, file, cell->text,
                    loader_nearest(table->loader, index, cell->text));
    return found;
}
