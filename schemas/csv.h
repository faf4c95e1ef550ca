/* csv.h - RFC 4180 reading with the place of every cell, and writing. Works on UTF-8 text in memory (text_decode). */
#ifndef SCHEMAS_CSV_H
#define SCHEMAS_CSV_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct csv_field {
    const char *text; /* unquoted, terminated, borrowed till the next csv_next */
    size_t length;
};

struct csv_row {
    struct csv_field *fields;
    size_t count;
    int64_t line;     /* 1-based line the row starts on */
    const char *raw;  /* the row as written, without its line end; borrowed from the text */
    size_t raw_length;
};

struct csv_reader;

/* The text must outlive the reader. separator 0: recognised from Excel's sep= line or the first lines (, ; tab). */
struct csv_reader *csv_open(const char *text, size_t length, char separator);
void csv_close(struct csv_reader **reader);
char csv_separator(const struct csv_reader *reader);
/* Next row (an empty line is a row with one empty field). *ret_end is true at the end, then *ret_row is untouched.
 * STATUS_REFUSED for an unclosed quote, text after a closing quote, or a row beyond the limits, with the line; *ret_row
 * then has line, raw and raw_length but no fields, and the next call goes on with the line after it. */
enum status csv_next(struct csv_reader *reader, struct csv_row *ret_row, bool *ret_end, struct fault *why) MUST_CHECK;

/* Writes one field, quoted when it must be (separator, quote, line break, leading or trailing space). */
void csv_write_field(FILE *out, const char *text, char separator);

#endif
