/* csv.c - RFC 4180 as a state machine over text in memory.
 *
 *              quote at the start            quote                 quote again: one quote
 *    START ─────────────────────────> QUOTED ──────> QUOTE_SEEN ───────────────────────────> QUOTED
 *      │ anything else                                   │ separator or line end
 *      └───────────> PLAIN ── separator or line end ─────┴─────> next cell, or the row is done
 *
 * A quote inside a plain cell is a character like any other (5" pipe), as every spreadsheet reads it. Cells are gathered
 * unquoted in one buffer and given out only when the row is done, so that the buffer may move while it grows. After a
 * refused row reading goes on behind the end of its last line. */
#include "csv.h"

#include "limit.h"
#include "memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SNIFF_ROWS 64             /* rows looked at to recognise the separator */
#define SNIFF_BYTES (256 * 1024)  /* and bytes */

struct csv_reader {
    const char *at, *end;
    int64_t line; /* of `at` */
    char separator;
    struct csv_field *fields;
    size_t count, field_capacity;
    size_t *starts; /* offsets of the cells in buffer */
    size_t start_capacity;
    char *buffer;
    size_t used, buffer_capacity;
};

/* ---- separators --------------------------------------------------------------------------------------------------- */

/* Length of the line end at `at`: 2 for CRLF, 1 for CR or LF, else 0. */
static size_t line_end_at(const char *at, const char *end)
{
    if (at == end || (*at != '\r' && *at != '\n'))
        return 0;
    return *at == '\r' && end - at > 1 && at[1] == '\n' ? 2 : 1;
}

/* Excel's first line `sep=;` (some programs quote it). Returns its length with the line end, 0 when there is none. */
static size_t separator_line(const char *text, const char *end, char *ret_separator)
{
    const bool quoted = end - text > 0 && *text == '"';
    const char *at = text + (quoted ? 1 : 0);
    char separator;
    if (end - at < 5 || (at[0] | 0x20) != 's' || (at[1] | 0x20) != 'e' || (at[2] | 0x20) != 'p' || at[3] != '=')
        return 0;
    separator = at[4];
    if (separator == '"' || strchr(",;\t|:", separator) == NULL || separator == '\0')
        return 0;
    at += 5;
    if (quoted && (at == end || *at++ != '"'))
        return 0;
    if (at != end && line_end_at(at, end) == 0)
        return 0;
    *ret_separator = separator;
    return (size_t)(at - text) + line_end_at(at, end);
}

/* Moves past one row and counts the separators outside quotes. */
static const char *count_in_row(const char *at, const char *end, char separator, size_t *ret_count)
{
    bool quoted = false, cell_start = true;
    size_t count = 0, line_end;
    for (; at != end; at++) {
        if (quoted) {
            quoted = *at != '"';
            continue; /* a doubled quote closes and opens again */
        }
        if ((line_end = line_end_at(at, end)) != 0) {
            at += line_end;
            break;
        }
        if (*at == '"' && cell_start) {
            quoted = true;
            continue;
        }
        cell_start = *at == separator;
        count += *at == separator ? 1 : 0;
    }
    *ret_count = count;
    return at;
}

/* How many of the first rows have the most frequent number of this separator (rows with none do not count: titles). */
static size_t consistency(const char *text, const char *end, char separator)
{
    size_t counts[SNIFF_ROWS], rows = 0, best = 0;
    while (text != end && rows < SNIFF_ROWS)
        text = count_in_row(text, end, separator, &counts[rows++]);
    for (size_t i = 0; i < rows; i++) {
        size_t same = 0;
        for (size_t j = 0; j < rows; j++)
            same += counts[j] == counts[i] ? 1 : 0;
        if (counts[i] > 0 && same > best)
            best = same;
    }
    return best;
}

static char recognise(const char *text, const char *end)
{
    static const char candidates[] = {',', ';', '\t'}; /* the first of equals wins */
    size_t best = 0;
    char separator = ',';
    if (end - text > SNIFF_BYTES)
        end = text + SNIFF_BYTES;
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++) {
        const size_t rows = consistency(text, end, candidates[i]);
        if (rows > best) {
            best = rows;
            separator = candidates[i];
        }
    }
    return separator;
}

struct csv_reader *csv_open(const char *text, size_t length, char separator)
{
    struct csv_reader *reader = memory_new(struct csv_reader);
    const char *end = text + length;
    char stated = 0;
    const size_t skipped = length == 0 ? 0 : separator_line(text, end, &stated);
    reader->at = text + skipped;
    reader->end = end;
    reader->line = skipped > 0 ? 2 : 1;
    reader->separator = separator != 0 ? separator : stated != 0 ? stated : recognise(text, end);
    return reader;
}

void csv_close(struct csv_reader **reader)
{
    if (*reader == NULL)
        return;
    free((*reader)->fields);
    free((*reader)->starts);
    free((*reader)->buffer);
    free(*reader);
    *reader = NULL;
}

char csv_separator(const struct csv_reader *reader)
{
    return reader->separator;
}

/* ---- one row ------------------------------------------------------------------------------------------------------- */

static void append(struct csv_reader *reader, const char *bytes, size_t length)
{
    reader->buffer = memory_grow(reader->buffer, &reader->buffer_capacity, reader->used + length + 1, 1);
    if (length > 0)
        memcpy(reader->buffer + reader->used, bytes, length);
    reader->used += length;
}

/* What a row can be refused for, and the line the sentence names. */
struct refusal {
    enum message message;
    int64_t line;
};

/* A quoted cell; `at` is behind the opening quote. Stops behind the closing one. */
static bool read_quoted(struct csv_reader *reader, struct refusal *refusal)
{
    const int64_t opened = reader->line;
    const char *run = reader->at;
    while (reader->at != reader->end) {
        const size_t line_end = line_end_at(reader->at, reader->end);
        if (line_end > 0) {
            reader->line++;
            reader->at += line_end;
        } else if (*reader->at != '"') {
            reader->at++;
        } else {
            append(reader, run, (size_t)(reader->at - run));
            reader->at++;
            if (reader->at == reader->end || *reader->at != '"')
                return true;
            run = reader->at++; /* the second of two quotes is the one that is meant */
        }
    }
    *refusal = (struct refusal){MESSAGE_UNCLOSED_QUOTE, opened};
    return false;
}

static void read_plain(struct csv_reader *reader)
{
    const char *start = reader->at;
    while (reader->at != reader->end && *reader->at != reader->separator && *reader->at != '\n' && *reader->at != '\r')
        reader->at++;
    append(reader, start, (size_t)(reader->at - start));
}

static bool read_cell(struct csv_reader *reader, struct refusal *refusal)
{
    const size_t start = reader->used;
    if (reader->count == LIMIT_CSV_COLUMNS) {
        *refusal = (struct refusal){MESSAGE_TOO_MANY_COLUMNS, reader->line};
        return false;
    }
    reader->starts =
        memory_grow(reader->starts, &reader->start_capacity, reader->count + 1, sizeof *reader->starts);
    reader->starts[reader->count++] = start;
    if (reader->at != reader->end && *reader->at == '"') {
        reader->at++;
        if (!read_quoted(reader, refusal))
            return false;
    } else {
        read_plain(reader);
    }
    if (reader->used - start > LIMIT_CSV_FIELD_BYTES) {
        *refusal = (struct refusal){MESSAGE_FIELD_TOO_LONG, reader->line};
        return false;
    }
    append(reader, "", 1); /* the terminator */
    if (reader->at == reader->end || *reader->at == reader->separator || line_end_at(reader->at, reader->end) > 0)
        return true;
    *refusal = (struct refusal){MESSAGE_TEXT_AFTER_QUOTE, reader->line};
    return false;
}

static void skip_line_end(struct csv_reader *reader)
{
    const size_t line_end = line_end_at(reader->at, reader->end);
    reader->at += line_end;
    reader->line += line_end > 0 ? 1 : 0;
}

static void give_fields(struct csv_reader *reader)
{
    reader->fields =
        memory_grow(reader->fields, &reader->field_capacity, reader->count, sizeof *reader->fields);
    for (size_t i = 0; i < reader->count; i++) {
        const size_t next = i + 1 < reader->count ? reader->starts[i + 1] : reader->used;
        reader->fields[i].text = reader->buffer + reader->starts[i];
        reader->fields[i].length = next - reader->starts[i] - 1;
    }
}

static void explain(const struct csv_reader *reader, const struct refusal *refusal, struct fault *why)
{
    char line[24], cell[24];
    const long long limit =
        refusal->message == MESSAGE_FIELD_TOO_LONG ? LIMIT_CSV_FIELD_BYTES : LIMIT_CSV_COLUMNS;
    char most[24];
    if (snprintf(line, sizeof line, "%" PRId64, refusal->line) < 0 ||
        snprintf(cell, sizeof cell, "%zu", reader->count) < 0 || snprintf(most, sizeof most, "%lld", limit) < 0)
        return;
    if (refusal->message == MESSAGE_TOO_MANY_COLUMNS)
        fault_set(why, refusal->message, line, most, NULL);
    else
        fault_set(why, refusal->message, line, cell, most, NULL);
    fault_at(why, NULL, refusal->line, NULL);
}

enum status csv_next(struct csv_reader *reader, struct csv_row *ret_row, bool *ret_end, struct fault *why)
{
    struct csv_row row = {.line = reader->line, .raw = reader->at};
    struct refusal refusal = {MESSAGE_NONE, 0};
    bool good = true;
    *ret_end = reader->at == reader->end;
    if (*ret_end)
        return STATUS_OK;
    reader->count = 0;
    reader->used = 0;
    while ((good = read_cell(reader, &refusal)) && reader->at != reader->end && *reader->at == reader->separator)
        reader->at++;
    /* Behind a refused cell, the rest of its line belongs to it. */
    while (!good && reader->at != reader->end && line_end_at(reader->at, reader->end) == 0)
        reader->at++;
    row.raw_length = (size_t)(reader->at - row.raw);
    skip_line_end(reader);
    if (good) {
        give_fields(reader);
        row.fields = reader->fields;
        row.count = reader->count;
    } else {
        explain(reader, &refusal, why);
    }
    *ret_row = row;
    return good ? STATUS_OK : STATUS_REFUSED;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static bool needs_quotes(const char *text, char separator)
{
    const size_t length = strlen(text);
    const char special[] = {separator, '"', '\r', '\n', '\0'};
    if (length == 0)
        return false;
    return text[0] == ' ' || text[length - 1] == ' ' || text[0] == '\t' || text[length - 1] == '\t' ||
           strcspn(text, special) != length;
}

/* Errors stay with the stream, where the writer of the file looks for them at the end (ferror). */
void csv_write_field(FILE *out, const char *text, char separator)
{
    if (!needs_quotes(text, separator)) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}
