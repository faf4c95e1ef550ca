/* fuzz_batch.c - any bytes as a batch of records. What is taken is encoded again over a catalogue made of its own
 * dictionaries, and must come back record for record. */
#include "fuzz.h"

#include "batch.h"
#include "limit.h"
#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void require_code(const char *code)
{
    size_t bad;
    fuzz_require(code[0] != '\0' && strlen(code) <= LIMIT_CODE_BYTES && text_is_utf8(code, strlen(code), &bad),
                 "a code is UTF-8 within its limit");
}

static void look_at(const struct batch *batch, size_t length)
{
    fuzz_require(batch->record_count <= LIMIT_BATCH_RECORDS && batch->record_count <= length,
                 "no more records than a batch may have, or bytes can hold");
    for (size_t i = 0; i < batch->element_count; i++) {
        require_code(batch->elements[i].code);
        fuzz_require(batch->elements[i].decimals <= LIMIT_DECIMALS, "decimals lie within their limit");
    }
    for (size_t i = 0; i < batch->unit_count; i++)
        require_code(batch->units[i]);
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct batch_record *record = &batch->records[i];
        size_t bad;
        fuzz_require(record->element < batch->element_count && record->unit < batch->unit_count &&
                         record->period < batch->period_count,
                     "a record names what the dictionaries hold");
        fuzz_require(record->status <= RECORD_RETRACTED && record->revision <= LIMIT_REVISION, "a record is in its limits");
        fuzz_require(text_is_utf8(record->reason, strlen(record->reason), &bad) &&
                         strlen(record->reason) <= LIMIT_TEXT_BYTES,
                     "a reason is UTF-8 within its limit");
    }
}

/* The dictionaries as a catalogue: as much of one as batch_encode reads. */
static void encode(const struct batch *batch, unsigned char **ret_bytes, size_t *ret_length, enum status *ret_status)
{
    struct catalogue catalogue = {.element_count = batch->element_count, .unit_count = batch->unit_count};
    struct record *records = memory_array(batch->record_count, sizeof *records);
    struct submission submission = batch->submission;
    struct fault why = {.message = MESSAGE_NONE};
    catalogue.elements = memory_array(batch->element_count, sizeof *catalogue.elements);
    catalogue.units = memory_array(batch->unit_count, sizeof *catalogue.units);
    for (size_t i = 0; i < batch->element_count; i++) {
        catalogue.elements[i].code = batch->elements[i].code;
        catalogue.elements[i].decimals = batch->elements[i].decimals;
    }
    for (size_t i = 0; i < batch->unit_count; i++)
        catalogue.units[i].code = batch->units[i];
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct batch_record *record = &batch->records[i];
        records[i] = (struct record){.element = record->element, .unit = record->unit,
                                     .period = batch->periods[record->period], .value = record->value,
                                     .revision = record->revision, .status = record->status, .line = record->line,
                                     .reported_at = record->reported_at, .reason = record->reason};
    }
    *ret_status = batch_encode(&catalogue, &submission, records, batch->record_count, ret_bytes, ret_length, &why);
    fuzz_require_reason(*ret_status, &why);
    free(catalogue.elements);
    free(catalogue.units);
    free(records);
}

static bool same_record(const struct batch *one, const struct batch *other, size_t i)
{
    const struct batch_record *a = &one->records[i], *b = &other->records[i];
    return strcmp(one->elements[a->element].code, other->elements[b->element].code) == 0 &&
           one->elements[a->element].decimals == other->elements[b->element].decimals &&
           strcmp(one->units[a->unit], other->units[b->unit]) == 0 &&
           period_equal(one->periods[a->period], other->periods[b->period]) && a->value == b->value &&
           a->revision == b->revision && a->status == b->status && a->line == b->line &&
           a->reported_at == b->reported_at && strcmp(a->reason, b->reason) == 0;
}

static void require_same(const struct batch *one, const struct batch *other)
{
    fuzz_require(one->record_count == other->record_count, "as many records come back");
    fuzz_require(strcmp(one->submission.file, other->submission.file) == 0 &&
                     memcmp(one->submission.hash, other->submission.hash, 32) == 0 &&
                     strcmp(one->submission.source, other->submission.source) == 0 &&
                     one->submission.taken_at == other->submission.taken_at &&
                     one->submission.part == other->submission.part && one->submission.parts == other->submission.parts &&
                     one->submission.refused_rows == other->submission.refused_rows &&
                     memcmp(one->submission.catalogue_hash, other->submission.catalogue_hash, 32) == 0,
                 "the submission comes back");
    for (size_t i = 0; i < one->record_count; i++)
        fuzz_require(same_record(one, other, i), "every record comes back");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static struct batch *reused; /* as the hot path does: what an earlier batch left must not show in this one */
    struct batch *fresh = NULL, *second = NULL;
    struct fault why = {.message = MESSAGE_NONE};
    unsigned char *once = NULL, *twice = NULL;
    size_t once_length = 0, twice_length = 0;
    enum status status = batch_decode(bytes, length, &fresh, &why);
    const enum status again = batch_decode(bytes, length, &reused, &why);
    fuzz_require(status == again, "reused memory decodes as fresh memory does");
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "bytes are a batch or are refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        look_at(fresh, length);
        require_same(fresh, reused);
        encode(fresh, &once, &once_length, &status);
        if (status == STATUS_OK) { /* refused: what came with idle bytes may be too large when it is cut anew */
            fuzz_require(once_length <= LIMIT_BATCH_BYTES, "a batch is never larger than it may be");
            fuzz_require(batch_decode(once, once_length, &second, &why) == STATUS_OK, "what was encoded can be decoded");
            require_same(fresh, second);
            encode(second, &twice, &twice_length, &status);
            fuzz_require(status == STATUS_OK && once_length == twice_length && memcmp(once, twice, once_length) == 0,
                         "decoding and encoding again changes nothing");
        }
    }
    batch_free(&fresh);
    batch_free(&second);
    free(once);
    free(twice);
}
