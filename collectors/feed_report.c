/* feed_report.c - the reports clerks send: delimited text in any of the usual encodings, long or wide (layout.h).
 *
 * Each row below the header becomes candidates: one in the long layout, one a figure column in the wide one. A row may
 * have several faults; all are told at once, so that a clerk corrects a file in one go. Neighbouring rows mostly name the
 * same element, unit or period, so each name is looked up only when it differs from the one before. */
#include "feed.h"

#include "calendar.h"
#include "csv.h"
#include "layout.h"
#include "limit.h"
#include "memory.h"
#include "seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_WITHIN 100 /* rows with text among which the header must stand */

/* The last name looked up, and its answer. */
struct recent {
    char text[LIMIT_NAME_BYTES + 1];
    uint32_t index;
    bool used;
};

struct reading {
    const struct source_settings *source;
    const struct catalogue *catalogue;
    struct delivery *delivery;
    struct layout layout;
    struct recent element, unit;
    char period_text[PERIOD_TEXT];
    struct period period, set_period; /* of period_text; of the source's setting */
    bool has_set_period;
    const char *last_reason;          /* as kept: rows of one report often share it */
};

/* What the cells around a figure say; faults are kept to be given to each candidate of the row. */
struct row_facts {
    uint32_t unit;
    struct period period;
    uint32_t revision;
    enum record_status status;
    int64_t reported_at;
    const char *reason;
    struct fault faults[8];
    size_t fault_count;
};

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

static void complain_row(struct row_facts *facts, enum message message, const char *first, const char *second)
{
    if (facts->fault_count == ARRAY_LEN(facts->faults))
        return;
    facts->faults[facts->fault_count] = (struct fault){0};
    fault_set(&facts->faults[facts->fault_count++], message, first, second, NULL);
}

/* Code or name -> index. A name longer than any name can be is unknown. */
static uint32_t look_up(struct recent *recent, const struct catalogue *catalogue, const char *text, size_t length,
                        uint32_t (*find)(const struct catalogue *catalogue, const char *text))
{
    if (length > LIMIT_NAME_BYTES)
        return NO_INDEX;
    if (recent->used && strlen(recent->text) == length && memcmp(recent->text, text, length) == 0)
        return recent->index;
    memcpy(recent->text, text, length);
    recent->text[length] = '\0';
    recent->index = find(catalogue, recent->text);
    recent->used = true;
    return recent->index;
}

static void excerpt(const char *text, size_t length, char ret_text[128])
{
    const size_t cut = text_cut(text, length, 120);
    if (snprintf(ret_text, 128, "%.*s%s", (int)cut, text, cut < length ? "..." : "") < 0)
        ret_text[0] = '\0';
}

static void complain_name(struct row_facts *facts, enum column_role role, uint32_t index, const char *text,
                          size_t length)
{
    char shown[128];
    excerpt(text, length, shown);
    if (length == 0)
        complain_row(facts, MESSAGE_CELL_EMPTY, role == COLUMN_UNIT ? "unit|单位" : "element|指标", NULL);
    else if (index == AMBIGUOUS_INDEX)
        complain_row(facts, MESSAGE_AMBIGUOUS_NAME, shown, NULL);
    else
        complain_row(facts, role == COLUMN_UNIT ? MESSAGE_UNKNOWN_UNIT : MESSAGE_UNKNOWN_ELEMENT, shown, NULL);
}

/* ASCII digits of a number written with ASCII or full-width digits; false for anything else. */
static bool plain_digits(const char *text, size_t length, char *ret_digits, size_t capacity)
{
    size_t used = 0;
    while (length > 0) {
        char digit;
        if (*text >= '0' && *text <= '9') {
            digit = *text;
            text++, length--;
        } else if (length >= 3 && (unsigned char)text[0] == 0xEF && (unsigned char)text[1] == 0xBC &&
                   (unsigned char)text[2] >= 0x90 && (unsigned char)text[2] <= 0x99) {
            digit = (char)('0' + ((unsigned char)text[2] - 0x90));
            text += 3, length -= 3;
        } else {
            return false;
        }
        if (used + 1 >= capacity)
            return false;
        ret_digits[used++] = digit;
    }
    ret_digits[used] = '\0';
    return used > 0;
}

static void read_revision(const struct reading *reading, const struct csv_row *row, struct row_facts *facts)
{
    char digits[16], shown[128], limit[16];
    size_t length;
    const char *text = layout_cell(&reading->layout, row, COLUMN_REVISION, &length);
    long revision = 0;
    facts->revision = NO_REVISION;
    if (length == 0)
        return;
    if (plain_digits(text, length, digits, sizeof(digits)))
        revision = strtol(digits, NULL, 10);
    if (revision < 1 || revision > LIMIT_REVISION) {
        excerpt(text, length, shown);
        if (snprintf(limit, sizeof(limit), "%d", LIMIT_REVISION) > 0)
            complain_row(facts, MESSAGE_BAD_REVISION, shown, limit);
        return;
    }
    facts->revision = (uint32_t)revision;
}

static void read_status(const struct reading *reading, const struct csv_row *row, struct row_facts *facts)
{
    char letter[8] = "", shown[128];
    size_t length;
    const char *text = layout_cell(&reading->layout, row, COLUMN_STATUS, &length);
    facts->status = RECORD_NORMAL;
    if (length == 0)
        return;
    if (length < sizeof(letter)) {
        memcpy(letter, text, length);
        letter[length] = '\0';
    }
    if (!record_status_by_letter(letter, &facts->status)) {
        excerpt(text, length, shown);
        complain_row(facts, MESSAGE_BAD_STATUS, shown, NULL);
    }
}

static void read_reported_at(const struct reading *reading, const struct csv_row *row, struct row_facts *facts)
{
    char shown[128];
    size_t length;
    const char *text = layout_cell(&reading->layout, row, COLUMN_REPORTED_AT, &length);
    facts->reported_at = INT64_MIN;
    if (length == 0)
        return;
    excerpt(text, length, shown);
    if (!calendar_parse_time(shown, &facts->reported_at)) {
        facts->reported_at = INT64_MIN;
        complain_row(facts, MESSAGE_BAD_TIME, shown, NULL);
    }
}

static void read_reason(struct reading *reading, const struct csv_row *row, struct row_facts *facts)
{
    char limit[16];
    size_t length;
    const char *text = layout_cell(&reading->layout, row, COLUMN_REASON, &length);
    facts->reason = "";
    if (length == 0)
        return;
    if (length > LIMIT_TEXT_BYTES) {
        if (snprintf(limit, sizeof(limit), "%d", LIMIT_TEXT_BYTES) > 0)
            complain_row(facts, MESSAGE_REASON_TOO_LONG, limit, NULL);
        return;
    }
    if (reading->last_reason == NULL || strlen(reading->last_reason) != length ||
        memcmp(reading->last_reason, text, length) != 0)
        reading->last_reason = feed_keep(reading->delivery, text, length);
    facts->reason = reading->last_reason;
}

static void read_period(struct reading *reading, const struct csv_row *row, struct row_facts *facts)
{
    char text[128];
    size_t length;
    const char *cell = layout_cell(&reading->layout, row, COLUMN_PERIOD, &length);
    struct fault why = {0};
    if (reading->layout.at[COLUMN_PERIOD] == NO_COLUMN) {
        facts->period = reading->set_period;
        return;
    }
    if (length == 0) {
        complain_row(facts, MESSAGE_CELL_EMPTY, "period|报告期", NULL);
        return;
    }
    excerpt(cell, length, text);
    if (reading->period_text[0] != '\0' && strcmp(text, reading->period_text) == 0) {
        facts->period = reading->period;
        return;
    }
    if (period_parse(text, &facts->period, &why) != STATUS_OK) {
        if (facts->fault_count < ARRAY_LEN(facts->faults))
            facts->faults[facts->fault_count++] = why;
        return;
    }
    reading->period = facts->period;
    if (snprintf(reading->period_text, sizeof(reading->period_text), "%s", text) >= (int)sizeof(reading->period_text))
        reading->period_text[0] = '\0';
}

/* ---- candidates ------------------------------------------------------------------------------------------------------ */

static struct candidate *add_candidate(struct reading *reading, const struct row_facts *facts, uint32_t row,
                                       uint32_t element)
{
    struct candidate *candidate = feed_add_candidate(reading->delivery);
    struct record *record = &candidate->record;
    candidate->row = row;
    record->element = element < AMBIGUOUS_INDEX ? element : NO_INDEX;
    record->unit = facts->unit < AMBIGUOUS_INDEX ? facts->unit : NO_INDEX;
    record->period = facts->period;
    record->revision = facts->revision;
    record->status = facts->status;
    record->line = reading->delivery->rows[row].line;
    record->reported_at = facts->reported_at;
    record->reason = facts->reason;
    return candidate;
}

static void complain_status(struct reading *reading, struct candidate *candidate, enum message message,
                            const char *column)
{
    const char letter[2] = {record_status_letter(candidate->record.status), '\0'};
    struct fault fault = {0};
    fault_set(&fault, message, letter, NULL);
    fault_at(&fault, NULL, 0, column);
    feed_complain(reading->delivery, candidate, &fault);
}

/* Puts the figure of one cell into the candidate. `column` names the cell in the wide layout, NULL in the long one. */
static void read_value(struct reading *reading, struct candidate *candidate, const struct row_facts *facts,
                       const char *text, size_t length, const char *column)
{
    struct record *record = &candidate->record;
    struct decimal value = {0, 0};
    enum cell_kind kind = CELL_MISSING;
    struct fault why = {0};
    const uint8_t decimals =
        record->element == NO_INDEX ? LIMIT_DECIMALS : reading->catalogue->elements[record->element].decimals;
    if (decimal_read_cell(text, length, decimals, &kind, &value, &why) != STATUS_OK) {
        fault_at(&why, NULL, 0, column);
        /* Without an element the number of decimals is not known, and the row is refused anyway. */
        if (record->element != NO_INDEX)
            feed_complain(reading->delivery, candidate, &why);
        return;
    }
    if (!record_status_has_value(facts->status)) {
        if (kind == CELL_VALUE)
            complain_status(reading, candidate, MESSAGE_STATUS_WITH_VALUE, column);
        return;
    }
    if (kind == CELL_VALUE)
        record->value = value.units;
    else if (facts->status != RECORD_NORMAL && column == NULL) /* A is what a row without a letter is */
        complain_status(reading, candidate, MESSAGE_VALUE_MISSING, column);
    else if (candidate->complaint == NO_COMPLAINT)
        candidate->kind = CANDIDATE_MISSING; /* in a wide row the status letter speaks of the cells that are filled */
}

static void complain_facts(struct reading *reading, struct candidate *candidate, const struct row_facts *facts)
{
    for (size_t i = 0; i < facts->fault_count; i++)
        feed_complain(reading->delivery, candidate, &facts->faults[i]);
}

static void read_long_row(struct reading *reading, const struct csv_row *row, struct row_facts *facts, uint32_t index)
{
    size_t length;
    const char *text = layout_cell(&reading->layout, row, COLUMN_ELEMENT, &length);
    const uint32_t element =
        length == 0 ? NO_INDEX : look_up(&reading->element, reading->catalogue, text, length, layout_element);
    struct candidate *candidate;
    if (element >= AMBIGUOUS_INDEX)
        complain_name(facts, COLUMN_ELEMENT, element, text, length);
    candidate = add_candidate(reading, facts, index, element);
    complain_facts(reading, candidate, facts);
    text = layout_cell(&reading->layout, row, COLUMN_VALUE, &length);
    read_value(reading, candidate, facts, text, length, NULL);
}

/* A row that is wrong as a whole is refused as a whole: one candidate says so. */
static void refuse_wide_row(struct reading *reading, const struct row_facts *facts, uint32_t index)
{
    complain_facts(reading, add_candidate(reading, facts, index, NO_INDEX), facts);
}

static void read_wide_row(struct reading *reading, const struct csv_row *row, struct row_facts *facts, uint32_t index)
{
    if (facts->fault_count > 0) {
        refuse_wide_row(reading, facts, index);
        return;
    }
    for (size_t i = 0; i < reading->layout.count; i++) {
        const struct column *column = &reading->layout.columns[i];
        const char *text = i < row->count ? row->fields[i].text : "";
        const size_t length = i < row->count ? row->fields[i].length : 0;
        struct candidate *candidate;
        if (column->role != COLUMN_FIGURE)
            continue;
        candidate = add_candidate(reading, facts, index, column->element);
        if (column->element == AMBIGUOUS_INDEX) {
            struct fault why = {0};
            fault_set(&why, MESSAGE_AMBIGUOUS_NAME, column->name, NULL);
            feed_complain(reading->delivery, candidate, &why);
            continue;
        }
        read_value(reading, candidate, facts, text, length, column->name);
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static void note_row(struct reading *reading, enum message message, const struct csv_row *row)
{
    struct fault note = {0};
    char shown[128];
    size_t length;
    const char *text = layout_first_text(row, &length);
    excerpt(text, length, shown);
    fault_set(&note, message, shown, NULL);
    fault_at(&note, reading->delivery->file, row->line, NULL);
    feed_note(reading->delivery, &note);
}

static struct feed_row row_of(const struct csv_row *row)
{
    return (struct feed_row){row->line, row->raw, row->raw_length, (uint32_t)row->count};
}

static void read_data_row(struct reading *reading, const struct csv_row *row, struct row_facts *facts,
                          const char *unit, size_t unit_length)
{
    const struct feed_row place = row_of(row);
    const uint32_t index = feed_add_row(reading->delivery, &place);
    char columns[24];
    if (layout_has_extra_cells(&reading->layout, row) &&
        snprintf(columns, sizeof(columns), "%zu", reading->layout.count) > 0)
        complain_row(facts, MESSAGE_EXTRA_CELLS, columns, NULL);
    if (facts->unit >= AMBIGUOUS_INDEX)
        complain_name(facts, COLUMN_UNIT, facts->unit, unit, unit_length);
    read_period(reading, row, facts);
    read_revision(reading, row, facts);
    read_status(reading, row, facts);
    read_reported_at(reading, row, facts);
    read_reason(reading, row, facts);
    if (reading->layout.wide)
        read_wide_row(reading, row, facts, index);
    else
        read_long_row(reading, row, facts, index);
}

static enum status refuse_second_table(const struct csv_row *row, struct fault *why)
{
    char line[24];
    if (snprintf(line, sizeof(line), "%lld", (long long)row->line) > 0)
        fault_set(why, MESSAGE_SECOND_TABLE, line, NULL);
    return STATUS_REFUSED;
}

static enum status read_row(struct reading *reading, const struct csv_row *row, struct fault *why)
{
    struct row_facts facts;
    size_t length;
    const char *unit = layout_cell(&reading->layout, row, COLUMN_UNIT, &length);
    facts.fault_count = 0;
    facts.period = (struct period){PERIOD_DAY, 0, 0};
    facts.unit = length == 0 ? NO_INDEX : look_up(&reading->unit, reading->catalogue, unit, length, layout_unit);
    switch (layout_row_kind(&reading->layout, reading->catalogue, row, facts.unit != NO_INDEX)) {
    case ROW_DATA:
        read_data_row(reading, row, &facts, unit, length);
        break;
    case ROW_TOTAL:
        note_row(reading, MESSAGE_TOTAL_SKIPPED, row);
        break;
    case ROW_SIGNATURE:
        note_row(reading, MESSAGE_SIGNATURE_SKIPPED, row);
        break;
    case ROW_HEADER:
        note_row(reading, MESSAGE_HEADER_REPEATED, row);
        break;
    case ROW_OTHER_HEADER:
        return refuse_second_table(row, why);
    case ROW_BLANK:
        break;
    }
    return STATUS_OK;
}

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

static void note_ignored_columns(struct reading *reading)
{
    for (size_t i = 0; i < reading->layout.count; i++) {
        const struct column *column = &reading->layout.columns[i];
        struct fault note = {0};
        if (column->role != COLUMN_IGNORED)
            continue;
        fault_set(&note, MESSAGE_COLUMN_IGNORED, column->name, NULL);
        fault_at(&note, reading->delivery->file, reading->delivery->header.line, NULL);
        feed_note(reading->delivery, &note);
    }
}

/* Walks down to the header; rows above it are titles. */
static enum status find_header(struct reading *reading, struct csv_reader *reader, struct fault *why)
{
    struct csv_row row;
    bool found = false, end = false;
    for (size_t seen = 0; seen < HEADER_WITHIN;) {
        size_t length;
        enum status status = csv_next(reader, &row, &end, why);
        if (status != STATUS_OK || end)
            return status == STATUS_OK ? STATUS_REFUSED : status;
        layout_first_text(&row, &length);
        if (length == 0)
            continue;
        seen++;
        status = layout_recognise(&reading->layout, reading->catalogue, &row, reading->has_set_period, &found, why);
        if (status != STATUS_OK)
            return status;
        if (found) {
            reading->delivery->header = row_of(&row);
            return STATUS_OK;
        }
        note_row(reading, MESSAGE_TITLE_SKIPPED, &row);
    }
    return STATUS_REFUSED;
}

static enum status read_table(struct reading *reading, struct csv_reader *reader, struct fault *why)
{
    struct csv_row row;
    bool end = false;
    enum status status = find_header(reading, reader, why);
    if (status == STATUS_REFUSED && why->message == MESSAGE_NONE) {
        if (reading->layout.nearly.message != MESSAGE_NONE)
            *why = reading->layout.nearly;
        else
            fault_set(why, MESSAGE_NO_HEADER, NULL);
    }
    if (status != STATUS_OK)
        return status;
    note_ignored_columns(reading);
    for (;;) {
        status = csv_next(reader, &row, &end, why);
        if (status != STATUS_OK || end)
            return status;
        status = read_row(reading, &row, why);
        if (status != STATUS_OK)
            return status;
        if (reading->delivery->candidate_count > LIMIT_FILE_FIGURES) {
            char most[24];
            if (snprintf(most, sizeof(most), "%d", LIMIT_FILE_FIGURES) > 0)
                fault_set(why, MESSAGE_TOO_MANY_FIGURES, most, NULL);
            return STATUS_REFUSED;
        }
    }
}

/* The same bytes are one report in March and another in April when the source's setting says which month they are. */
static void hash_set_period(const struct reading *reading, struct delivery *delivery)
{
    char text[sizeof(delivery->hash) + PERIOD_TEXT];
    if (!reading->has_set_period || reading->layout.at[COLUMN_PERIOD] != NO_COLUMN)
        return;
    memcpy(text, delivery->hash, sizeof(delivery->hash));
    period_format(reading->set_period, text + sizeof(delivery->hash));
    seal_hash(text, sizeof(delivery->hash) + strlen(text + sizeof(delivery->hash)), delivery->hash);
}

static bool ends_with_crlf(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);
    return end != NULL && end > text && end[-1] == '\r';
}

enum status feed_report_read(const struct source_settings *source, const struct catalogue *catalogue,
                             const char *bytes, size_t length, struct delivery *delivery, struct fault *why)
{
    struct reading *reading = memory_new(struct reading);
    struct csv_reader *reader = NULL;
    struct fault fault = {0};
    char *text = NULL;
    size_t text_length = 0;
    enum status status;
    reading->source = source;
    reading->catalogue = catalogue;
    reading->delivery = delivery;
    reading->has_set_period = source->period != NULL;
    if (source->period != NULL) {
        status = period_parse(source->period, &reading->set_period, &fault);
        if (status != STATUS_OK)
            goto done;
    }
    status = text_decode(bytes, length, source->encoding, &text, &text_length, &delivery->encoding, &fault);
    if (status != STATUS_OK)
        goto done;
    feed_own_text(delivery, text);
    delivery->crlf = ends_with_crlf(text, text_length);
    reader = csv_open(text, text_length, 0);
    delivery->separator = csv_separator(reader);
    status = read_table(reading, reader, &fault);
    /* The separator of a file whose first lines are titles is only certain once rows were read. */
    delivery->separator = csv_separator(reader);
    hash_set_period(reading, delivery);
done:
    if (status != STATUS_OK && why != NULL)
        *why = fault;
    csv_close(&reader);
    layout_free(&reading->layout);
    free(reading);
    return status;
}
