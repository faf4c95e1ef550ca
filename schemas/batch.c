/* batch.c - the columnar codec. wire.md draws it byte by byte.
 *
 *   [1, [file, hash, source, taken_at, part, parts, refused_rows, catalogue_hash], count,
 *    [[code, decimals]...], [unit code...], [period...],                      dictionaries, in order of first use
 *    element, unit, period, line, revision, status, value, reported_at, reason]     nine columns, one binary each
 *
 * Six columns are runs of deltas: a token zigzag(delta) << 1 | more, and when `more` the number of repeats less two. A
 * wide table then costs hardly anything beside its values: the unit moves once a row, the element by one a cell, the
 * period, the status and the revision never. Values are plain zigzag varints, because neighbours in a file are figures of
 * different elements. reported_at and reason are given for runs of records: skip, repeat, value.
 *
 * Decoding walks all columns side by side and writes each record once; a record costs a few nanoseconds. The value
 * column holds at least a byte a record, so a count is never believed beyond the bytes that came. */
#include "batch.h"

#include "cursor.h"
#include "limit.h"
#include "memory.h"
#include "pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_VERSION 1
#define ITEMS 15                        /* of the envelope */
#define SUBMISSION_ITEMS 8
#define MOST_LINE (INT64_C(1) << 53)    /* lines and moments stay exact in every language that reads a batch */
#define MOST_MOMENT (INT64_C(1) << 53)

enum column {
    COLUMN_ELEMENT,
    COLUMN_UNIT,
    COLUMN_PERIOD,
    COLUMN_LINE,
    COLUMN_REVISION,
    COLUMN_STATUS,
    COLUMN_RUNS, /* columns up to here are runs of deltas */
    COLUMN_VALUE = COLUMN_RUNS,
    COLUMN_REPORTED_AT,
    COLUMN_REASON,
    COLUMNS,
};

struct batch_private {
    size_t element_capacity, unit_capacity, period_capacity, record_capacity, reason_capacity;
    char *reasons; /* terminated texts, one after another */
};

/* ---- writing ------------------------------------------------------------------------------------------------------ */

struct bytes {
    unsigned char *data;
    size_t length, capacity;
};

static void put(struct bytes *bytes, const void *data, size_t length)
{
    bytes->data = memory_grow(bytes->data, &bytes->capacity, bytes->length + length, 1);
    memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
}

static void put_varint(struct bytes *bytes, uint64_t number)
{
    unsigned char digits[VARINT_MOST];
    put(bytes, digits, varint_write(digits, number));
}

struct run_writer {
    struct bytes bytes;
    int64_t last, delta;
    uint64_t repeats;
};

static void run_flush(struct run_writer *writer)
{
    if (writer->repeats == 0)
        return;
    put_varint(&writer->bytes, zigzag(writer->delta) << 1 | (writer->repeats > 1));
    if (writer->repeats > 1)
        put_varint(&writer->bytes, writer->repeats - 2);
    writer->repeats = 0;
}

static void run_add(struct run_writer *writer, int64_t value)
{
    const int64_t delta = value - writer->last;
    if (writer->repeats > 0 && delta != writer->delta)
        run_flush(writer);
    writer->delta = delta;
    writer->last = value;
    writer->repeats++;
}

/* Catalogue indexes and periods to dictionary numbers, in order of first use. Open addressing; at most half full. */
#define BUCKETS (2 * LIMIT_BATCH_RECORDS)
_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "masks need a power of two");

struct dictionary {
    struct { uint64_t key; uint32_t kind, number; /* 0: free, else number + 1 */ } *buckets;
    uint32_t *first_record; /* the record that brought each entry in */
    uint32_t count;
};

static void dictionary_open(struct dictionary *dictionary, size_t records)
{
    dictionary->buckets = memory_array(BUCKETS, sizeof *dictionary->buckets);
    dictionary->first_record = memory_array(records, sizeof *dictionary->first_record);
}

static uint32_t dictionary_number(struct dictionary *dictionary, uint64_t key, uint32_t kind, uint32_t record)
{
    uint64_t place = (key * UINT64_C(0x9e3779b97f4a7c15) + kind) >> 20;
    for (;; place++) {
        const size_t at = (size_t)(place & (BUCKETS - 1));
        if (dictionary->buckets[at].number == 0) {
            dictionary->buckets[at].key = key;
            dictionary->buckets[at].kind = kind;
            dictionary->first_record[dictionary->count] = record;
            dictionary->buckets[at].number = ++dictionary->count;
        } else if (dictionary->buckets[at].key != key || dictionary->buckets[at].kind != kind) {
            continue;
        }
        return dictionary->buckets[at].number - 1;
    }
}

struct writer {
    struct dictionary elements, units, periods;
    struct run_writer runs[COLUMN_RUNS];
    struct bytes value, reported_at, reason;
};

static void writer_free(struct writer *writer)
{
    struct dictionary *dictionaries[] = {&writer->elements, &writer->units, &writer->periods};
    for (size_t i = 0; i < ARRAY_LEN(dictionaries); i++) {
        free(dictionaries[i]->buckets);
        free(dictionaries[i]->first_record);
    }
    for (size_t i = 0; i < COLUMN_RUNS; i++)
        free(writer->runs[i].bytes.data);
    free(writer->value.data);
    free(writer->reported_at.data);
    free(writer->reason.data);
}

/* NULL when the record can be encoded and will be decoded again, else what is wrong with it. */
static const char *unfit(const struct catalogue *catalogue, const struct record *record)
{
    if (record->element >= catalogue->element_count || record->unit >= catalogue->unit_count)
        return "element or unit is not of the catalogue";
    if ((unsigned)record->status > RECORD_RETRACTED)
        return "unknown status";
    if (!record_status_has_value(record->status) && record->value != 0)
        return "a value with a status that carries none";
    if (record->revision > LIMIT_REVISION)
        return "revision too high";
    if (record->line < 0 || record->line > MOST_LINE)
        return "line out of range";
    if (record->reported_at != INT64_MIN && (record->reported_at < -MOST_MOMENT || record->reported_at > MOST_MOMENT))
        return "reported_at out of range";
    if (record->reason != NULL && strlen(record->reason) > LIMIT_TEXT_BYTES)
        return "reason too long";
    if (strlen(catalogue->elements[record->element].code) > LIMIT_CODE_BYTES ||
        strlen(catalogue->units[record->unit].code) > LIMIT_CODE_BYTES)
        return "code too long";
    return NULL;
}

static void write_columns(struct writer *writer, const struct record *records, size_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct record *r = &records[i];
        const uint64_t days = (uint64_t)(uint32_t)r->period.first << 32 | (uint32_t)r->period.last;
        run_add(&writer->runs[COLUMN_ELEMENT], dictionary_number(&writer->elements, r->element, 0, i));
        run_add(&writer->runs[COLUMN_UNIT], dictionary_number(&writer->units, r->unit, 0, i));
        run_add(&writer->runs[COLUMN_PERIOD], dictionary_number(&writer->periods, days, r->period.kind, i));
        run_add(&writer->runs[COLUMN_LINE], r->line);
        run_add(&writer->runs[COLUMN_REVISION], r->revision);
        run_add(&writer->runs[COLUMN_STATUS], r->status);
        put_varint(&writer->value, zigzag(r->value));
    }
    for (size_t i = 0; i < COLUMN_RUNS; i++)
        run_flush(&writer->runs[i]);
}

/* Triples (records skipped, repeats less one, the moment as a delta to the one before). */
static void write_reported_at(struct bytes *bytes, const struct record *records, size_t count)
{
    int64_t last = 0;
    for (size_t i = 0, done = 0; i < count; i++) {
        const size_t first = i;
        if (records[i].reported_at == INT64_MIN)
            continue;
        while (i + 1 < count && records[i + 1].reported_at == records[first].reported_at)
            i++;
        put_varint(bytes, first - done);
        put_varint(bytes, i - first);
        put_varint(bytes, zigzag(records[first].reported_at - last));
        last = records[first].reported_at;
        done = i + 1;
    }
}

static const char *reason_of(const struct record *record)
{
    return record->reason == NULL ? "" : record->reason;
}

/* (records skipped, repeats less one, length, text): a reason given for a row stands in each of its cells. */
static void write_reasons(struct bytes *bytes, const struct record *records, size_t count)
{
    for (size_t i = 0, done = 0; i < count; i++) {
        const size_t first = i;
        const char *reason = reason_of(&records[i]);
        if (reason[0] == '\0')
            continue;
        while (i + 1 < count && strcmp(reason_of(&records[i + 1]), reason) == 0)
            i++;
        put_varint(bytes, first - done);
        put_varint(bytes, i - first);
        put_varint(bytes, strlen(reason));
        put(bytes, reason, strlen(reason));
        done = i + 1;
    }
}

static void pack_submission(msgpack_packer *packer, const struct submission *submission)
{
    msgpack_pack_array(packer, SUBMISSION_ITEMS);
    pack_text(packer, submission->file);
    pack_binary(packer, submission->hash, sizeof submission->hash);
    pack_text(packer, submission->source);
    msgpack_pack_int64(packer, submission->taken_at);
    msgpack_pack_uint32(packer, submission->part);
    msgpack_pack_uint32(packer, submission->parts);
    msgpack_pack_uint64(packer, submission->refused_rows);
    pack_binary(packer, submission->catalogue_hash, sizeof submission->catalogue_hash);
}

static void pack_dictionaries(msgpack_packer *packer, const struct writer *writer, const struct catalogue *catalogue,
                              const struct record *records)
{
    msgpack_pack_array(packer, writer->elements.count);
    for (uint32_t i = 0; i < writer->elements.count; i++) {
        const struct element *element = &catalogue->elements[records[writer->elements.first_record[i]].element];
        msgpack_pack_array(packer, 2);
        pack_text(packer, element->code);
        msgpack_pack_uint8(packer, element->decimals);
    }
    msgpack_pack_array(packer, writer->units.count);
    for (uint32_t i = 0; i < writer->units.count; i++)
        pack_text(packer, catalogue->units[records[writer->units.first_record[i]].unit].code);
    msgpack_pack_array(packer, writer->periods.count);
    for (uint32_t i = 0; i < writer->periods.count; i++) {
        char text[PERIOD_TEXT];
        period_format(records[writer->periods.first_record[i]].period, text);
        pack_text(packer, text);
    }
}

static void pack_columns(msgpack_packer *packer, const struct writer *writer)
{
    for (size_t i = 0; i < COLUMN_RUNS; i++)
        pack_binary(packer, writer->runs[i].bytes.data, writer->runs[i].bytes.length);
    pack_binary(packer, writer->value.data, writer->value.length);
    pack_binary(packer, writer->reported_at.data, writer->reported_at.length);
    pack_binary(packer, writer->reason.data, writer->reason.length);
}

static void fault_with_number(struct fault *why, enum message message, const char *text, size_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%zu", number); /* 20 digits at most */
    fault_set(why, message, text, digits, NULL);
}

static enum status check_before_writing(const struct catalogue *catalogue, const struct submission *submission,
                                        const struct record *records, size_t count, struct fault *why)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%zu", count);
    if (count > LIMIT_BATCH_RECORDS) {
        fault_with_number(why, MESSAGE_BATCH_TOO_LARGE, digits, LIMIT_BATCH_BYTES);
        return STATUS_REFUSED;
    }
    if (submission->part >= submission->parts) {
        fault_with_number(why, MESSAGE_UNFIT_RECORD, "part is not one of its parts", 0);
        return STATUS_REFUSED;
    }
    for (size_t i = 0; i < count; i++) {
        const char *wrong = unfit(catalogue, &records[i]);
        if (wrong == NULL)
            continue;
        fault_with_number(why, MESSAGE_UNFIT_RECORD, wrong, i + 1);
        return STATUS_REFUSED;
    }
    return STATUS_OK;
}

enum status batch_encode(const struct catalogue *catalogue, const struct submission *submission,
                         const struct record *records, size_t count, unsigned char **ret_bytes, size_t *ret_length,
                         struct fault *why)
{
    struct writer writer = {0};
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    char digits[24];
    pack_open(&packer, &buffer);
    enum status status = check_before_writing(catalogue, submission, records, count, why);
    if (status != STATUS_OK)
        goto done;

    dictionary_open(&writer.elements, count);
    dictionary_open(&writer.units, count);
    dictionary_open(&writer.periods, count);
    write_columns(&writer, records, count);
    write_reported_at(&writer.reported_at, records, count);
    write_reasons(&writer.reason, records, count);

    msgpack_pack_array(&packer, ITEMS);
    msgpack_pack_uint8(&packer, BATCH_VERSION);
    pack_submission(&packer, submission);
    msgpack_pack_uint32(&packer, (uint32_t)count);
    pack_dictionaries(&packer, &writer, catalogue, records);
    pack_columns(&packer, &writer);
    if (buffer.size > LIMIT_BATCH_BYTES) {
        (void)snprintf(digits, sizeof digits, "%zu", count);
        fault_with_number(why, MESSAGE_BATCH_TOO_LARGE, digits, LIMIT_BATCH_BYTES);
        status = STATUS_REFUSED;
        goto done;
    }
    *ret_length = buffer.size;
    *ret_bytes = (unsigned char *)msgpack_sbuffer_release(&buffer);
done:
    msgpack_sbuffer_destroy(&buffer);
    writer_free(&writer);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct run_reader {
    struct cursor cursor;
    int64_t value, delta;
    uint64_t left;
    uint64_t most; /* largest value allowed */
};

/* A new token; kept out of line so that the common case, one more of the same run, stays short. */
static void run_turn(struct run_reader *run)
{
    const uint64_t token = cursor_varint(&run->cursor);
    run->delta = zigzag_back(token >> 1);
    run->left = 1;
    if (token & 1) {
        const uint64_t more = cursor_varint(&run->cursor);
        if (more > LIMIT_BATCH_RECORDS)
            cursor_fail(&run->cursor, "run beyond the records");
        run->left = more + 2;
    }
}

/* The next value, 0..most; 0 after anything wrong. |delta| < 2^62 and value <= 2^53, so the sum cannot overflow. */
static inline int64_t run_next(struct run_reader *run)
{
    if (run->left == 0)
        run_turn(run);
    run->left--;
    run->value += run->delta;
    if (__builtin_expect((uint64_t)run->value > run->most, 0)) {
        cursor_fail(&run->cursor, "number outside its column's range");
        run->value = 0;
    }
    return run->value;
}

static void read_submission(struct cursor *cursor, struct submission *submission)
{
    if (cursor_array(cursor, SUBMISSION_ITEMS) != SUBMISSION_ITEMS)
        cursor_fail(cursor, "submission of another length");
    cursor_copy_text(cursor, submission->file, sizeof submission->file);
    cursor_copy_binary(cursor, submission->hash, sizeof submission->hash);
    cursor_copy_text(cursor, submission->source, sizeof submission->source);
    submission->taken_at = cursor_signed(cursor, -MOST_MOMENT, MOST_MOMENT);
    submission->part = (uint32_t)cursor_unsigned(cursor, UINT32_MAX);
    submission->parts = (uint32_t)cursor_unsigned(cursor, UINT32_MAX);
    submission->refused_rows = cursor_unsigned(cursor, UINT64_MAX);
    cursor_copy_binary(cursor, submission->catalogue_hash, sizeof submission->catalogue_hash);
    if (submission->part >= submission->parts)
        cursor_fail(cursor, "part is not one of its parts");
}

static void read_code(struct cursor *cursor, char ret_code[LIMIT_CODE_BYTES + 1])
{
    cursor_copy_text(cursor, ret_code, LIMIT_CODE_BYTES + 1);
    if (ret_code[0] == '\0')
        cursor_fail(cursor, "empty code");
}

/* Each entry is used by a record, so no dictionary is longer than the records. */
static void read_elements(struct cursor *cursor, struct batch *batch, size_t most)
{
    batch->element_count = cursor_array(cursor, most);
    batch->elements = memory_grow(batch->elements, &batch->private->element_capacity, batch->element_count,
                                  sizeof *batch->elements);
    for (size_t i = 0; i < batch->element_count && cursor->wrong == NULL; i++) {
        if (cursor_array(cursor, 2) != 2)
            cursor_fail(cursor, "element is not a code and its decimals");
        read_code(cursor, batch->elements[i].code);
        batch->elements[i].decimals = (uint8_t)cursor_unsigned(cursor, LIMIT_DECIMALS);
    }
}

static void read_units(struct cursor *cursor, struct batch *batch, size_t most)
{
    batch->unit_count = cursor_array(cursor, most);
    batch->units = memory_grow(batch->units, &batch->private->unit_capacity, batch->unit_count, sizeof *batch->units);
    for (size_t i = 0; i < batch->unit_count && cursor->wrong == NULL; i++)
        read_code(cursor, batch->units[i]);
}

static void read_periods(struct cursor *cursor, struct batch *batch, size_t most)
{
    char text[PERIOD_TEXT];
    batch->period_count = cursor_array(cursor, most);
    batch->periods = memory_grow(batch->periods, &batch->private->period_capacity, batch->period_count,
                                 sizeof *batch->periods);
    for (size_t i = 0; i < batch->period_count && cursor->wrong == NULL; i++) {
        cursor_copy_text(cursor, text, sizeof text);
        if (cursor->wrong == NULL && period_parse(text, &batch->periods[i], NULL) != STATUS_OK)
            cursor_fail(cursor, "not a period");
    }
}

/* The fields of every record that stand in columns for all. */
static void read_records(struct cursor columns[COLUMNS], struct batch *batch)
{
    struct run_reader runs[COLUMN_RUNS];
    const uint64_t most[COLUMN_RUNS] = {batch->element_count - 1, batch->unit_count - 1, batch->period_count - 1,
                                        (uint64_t)MOST_LINE,      LIMIT_REVISION,        RECORD_RETRACTED};
    struct cursor value = columns[COLUMN_VALUE];
    bool valueless_given = false;
    for (size_t i = 0; i < COLUMN_RUNS; i++)
        runs[i] = (struct run_reader){.cursor = columns[i], .most = most[i]};
    for (size_t i = 0; i < batch->record_count; i++) {
        struct batch_record *record = &batch->records[i];
        record->element = (uint32_t)run_next(&runs[COLUMN_ELEMENT]);
        record->unit = (uint32_t)run_next(&runs[COLUMN_UNIT]);
        record->period = (uint32_t)run_next(&runs[COLUMN_PERIOD]);
        record->line = run_next(&runs[COLUMN_LINE]);
        record->revision = (uint32_t)run_next(&runs[COLUMN_REVISION]);
        record->status = (enum record_status)run_next(&runs[COLUMN_STATUS]);
        record->value = zigzag_back(cursor_varint(&value));
        record->reported_at = INT64_MIN;
        record->reason = "";
        valueless_given |= record->status > RECORD_ESTIMATED && record->value != 0;
    }
    if (valueless_given)
        cursor_fail(&value, "a value with a status that carries none");
    for (size_t i = 0; i < COLUMN_RUNS; i++) {
        if (runs[i].left != 0)
            cursor_fail(&runs[i].cursor, "run beyond the records");
        columns[i] = runs[i].cursor;
    }
    columns[COLUMN_VALUE] = value;
}

/* The records a sparse entry is about: *next..result-1. */
static size_t sparse_span(struct cursor *column, size_t *next, size_t count)
{
    const uint64_t skipped = cursor_varint(column), more = cursor_varint(column);
    if (column->wrong == NULL && (skipped >= count - *next || more >= count - *next - skipped)) {
        cursor_fail(column, "entry beyond the records");
        return *next;
    }
    *next += skipped;
    return *next + (column->wrong == NULL ? more + 1 : 0);
}

static void read_reported_at(struct cursor *column, struct batch *batch)
{
    int64_t moment = 0;
    for (size_t next = 0; cursor_left(column) > 0;) {
        const size_t end = sparse_span(column, &next, batch->record_count);
        if (__builtin_add_overflow(moment, zigzag_back(cursor_varint(column)), &moment) || moment < -MOST_MOMENT ||
            moment > MOST_MOMENT) {
            cursor_fail(column, "moment out of range");
            return;
        }
        while (next < end)
            batch->records[next++].reported_at = moment;
    }
}

/* A reason's three numbers take at least three bytes, so its terminator always finds room in a copy of the column. */
static void read_reasons(struct cursor *column, struct batch *batch)
{
    struct batch_private *private = batch->private;
    private->reasons = memory_grow(private->reasons, &private->reason_capacity, cursor_left(column), 1);
    char *place = private->reasons;
    for (size_t next = 0; cursor_left(column) > 0;) {
        const size_t end = sparse_span(column, &next, batch->record_count);
        const uint64_t length = cursor_varint(column);
        if (column->wrong != NULL || length == 0 || length > LIMIT_TEXT_BYTES || length > cursor_left(column)) {
            cursor_fail(column, "reason of impossible length");
            return;
        }
        if (!cursor_is_text(column->at, (size_t)length)) {
            cursor_fail(column, "text is not UTF-8");
            return;
        }
        memcpy(place, column->at, (size_t)length);
        place[length] = '\0';
        column->at += length;
        while (next < end)
            batch->records[next++].reason = place;
        place += length + 1;
    }
}

static void read_columns(struct cursor *cursor, struct batch *batch)
{
    struct cursor columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t length;
        const unsigned char *bytes = cursor_binary(cursor, LIMIT_BATCH_BYTES, &length);
        columns[i] = cursor_over(bytes, length);
        if (i == COLUMN_VALUE && length < batch->record_count)
            cursor_fail(cursor, "more records than values");
    }
    if (cursor->wrong != NULL)
        return;
    batch->records = memory_grow(batch->records, &batch->private->record_capacity, batch->record_count,
                                 sizeof *batch->records);
    read_records(columns, batch);
    read_reported_at(&columns[COLUMN_REPORTED_AT], batch);
    read_reasons(&columns[COLUMN_REASON], batch);
    for (size_t i = 0; i < COLUMNS && cursor->wrong == NULL; i++) {
        if (cursor_left(&columns[i]) > 0)
            cursor_fail(&columns[i], "bytes left over in a column");
        if (columns[i].wrong != NULL)
            *cursor = columns[i];
    }
}

static void read_head(struct cursor *cursor, struct submission *submission)
{
    if (cursor_array(cursor, ITEMS) != ITEMS)
        cursor_fail(cursor, "envelope of another length");
    if (cursor_unsigned(cursor, UINT32_MAX) != BATCH_VERSION)
        cursor_fail(cursor, "unknown version of the batch layout");
    read_submission(cursor, submission);
}

size_t batch_head(const unsigned char *bytes, size_t length)
{
    struct cursor cursor = cursor_over(bytes, length);
    struct submission submission = {0};
    read_head(&cursor, &submission);
    return cursor.wrong == NULL ? length - cursor_left(&cursor) : 0;
}

static void read_envelope(struct cursor *cursor, struct batch *batch)
{
    read_head(cursor, &batch->submission);
    batch->record_count = (size_t)cursor_unsigned(cursor, LIMIT_BATCH_RECORDS);
    read_elements(cursor, batch, batch->record_count);
    read_units(cursor, batch, batch->record_count);
    read_periods(cursor, batch, batch->record_count);
    if (batch->record_count > 0 && (batch->element_count == 0 || batch->unit_count == 0 || batch->period_count == 0))
        cursor_fail(cursor, "records without a dictionary");
    read_columns(cursor, batch);
    if (cursor->wrong == NULL && cursor_left(cursor) > 0)
        cursor_fail(cursor, "bytes left over");
}

static struct batch *batch_new(void)
{
    struct batch *batch = memory_new(struct batch);
    batch->private = memory_new(struct batch_private);
    return batch;
}

enum status batch_decode(const unsigned char *bytes, size_t length, struct batch **batch, struct fault *why)
{
    struct batch *into = *batch != NULL ? *batch : batch_new();
    struct cursor cursor = cursor_over(bytes, length);
    if (length > LIMIT_BATCH_BYTES)
        cursor_fail(&cursor, "longer than a batch may be");
    read_envelope(&cursor, into);
    const enum status status = cursor_verdict(&cursor, bytes, MESSAGE_MALFORMED_BATCH, why);
    if (status != STATUS_OK)
        into->element_count = into->unit_count = into->period_count = into->record_count = 0;
    if (status == STATUS_OK)
        *batch = into;
    else if (*batch == NULL)
        batch_free(&into);
    return status;
}

void batch_free(struct batch **batch)
{
    if (batch == NULL || *batch == NULL)
        return;
    free((*batch)->elements);
    free((*batch)->units);
    free((*batch)->periods);
    free((*batch)->records);
    free((*batch)->private->reasons);
    free((*batch)->private);
    free(*batch);
    *batch = NULL;
}
