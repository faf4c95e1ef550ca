#include "batch.h"

#include "seal.h"
#include "vector.h"

#include <inttypes.h>
#include <stdint.h>

/* A catalogue with what a batch looks at: codes and decimals. */
#define ELEMENTS 300
#define UNITS 5000
static struct element elements[ELEMENTS];
static struct unit units[UNITS];
static char codes[ELEMENTS + UNITS][24];
static struct catalogue catalogue = {
    .elements = elements, .element_count = ELEMENTS, .units = units, .unit_count = UNITS};

static void make_catalogue(void)
{
    for (unsigned i = 0; i < ELEMENTS; i++) {
        (void)snprintf(codes[i], sizeof codes[i], i % 7 == 3 ? "要素_%u" : "E_%u", i);
        elements[i].code = codes[i];
        elements[i].decimals = (uint8_t)(i % (LIMIT_DECIMALS + 1));
    }
    for (unsigned i = 0; i < UNITS; i++) {
        (void)snprintf(codes[ELEMENTS + i], sizeof codes[0], "3204%05u", i);
        units[i].code = codes[ELEMENTS + i];
    }
}

static struct submission a_submission(void)
{
    struct submission submission = {.file = "溧阳_2020-03.csv", .source = "report",
                                    .taken_at = INT64_C(1585872000123), .part = 1, .parts = 2, .refused_rows = 3};
    memset(submission.hash, 0x11, sizeof submission.hash);
    memset(submission.catalogue_hash, 0x22, sizeof submission.catalogue_hash);
    return submission;
}

static struct period month(int year, int number)
{
    return period_of_day(date_from_civil(year, number, 1), PERIOD_MONTH);
}

/* What wire.md works through: two units with two elements, a correction, a cell that is not collected. */
static size_t drawn_records(struct record *records)
{
    const struct period march = month(2020, 3), february = month(2020, 2);
    const struct record drawn[] = {
        {.element = 1, .unit = 10, .period = march, .value = 12345, .line = 2, .reported_at = INT64_MIN, .reason = ""},
        {.element = 2, .unit = 10, .period = march, .value = -50, .line = 2, .reported_at = INT64_MIN, .reason = ""},
        {.element = 1, .unit = 11, .period = march, .value = 999, .line = 3,
         .reported_at = INT64_C(1585699200000), .reason = ""},
        {.element = 2, .unit = 11, .period = march, .status = RECORD_NOT_COLLECTED, .line = 3,
         .reported_at = INT64_C(1585699200000), .reason = "停产"},
        {.element = 1, .unit = 10, .period = february, .value = 12000, .revision = 2, .line = 7,
         .reported_at = INT64_MIN, .reason = ""},
    };
    memcpy(records, drawn, sizeof drawn);
    return ARRAY_LEN(drawn);
}

static unsigned char *encode(const struct submission *submission, const struct record *records, size_t count,
                             size_t *ret_length)
{
    unsigned char *bytes = NULL;
    CU_ASSERT_FATAL(batch_encode(&catalogue, submission, records, count, &bytes, ret_length, NULL) == STATUS_OK);
    return bytes;
}

static bool same_record(const struct batch *batch, size_t index, const struct record *record)
{
    const struct batch_record *found = &batch->records[index];
    return strcmp(batch->elements[found->element].code, elements[record->element].code) == 0 &&
           batch->elements[found->element].decimals == elements[record->element].decimals &&
           strcmp(batch->units[found->unit], units[record->unit].code) == 0 &&
           batch->periods[found->period].kind == record->period.kind &&
           period_equal(batch->periods[found->period], record->period) && found->value == record->value &&
           found->revision == record->revision && found->status == record->status && found->line == record->line &&
           found->reported_at == record->reported_at &&
           strcmp(found->reason, record->reason == NULL ? "" : record->reason) == 0;
}

static bool same_submission(const struct submission *one, const struct submission *other)
{
    return strcmp(one->file, other->file) == 0 && strcmp(one->source, other->source) == 0 &&
           memcmp(one->hash, other->hash, sizeof one->hash) == 0 && one->taken_at == other->taken_at &&
           one->part == other->part && one->parts == other->parts && one->refused_rows == other->refused_rows &&
           memcmp(one->catalogue_hash, other->catalogue_hash, sizeof one->catalogue_hash) == 0;
}

static void a_batch_is_written_as_its_vector_says(void)
{
    struct record records[8];
    const struct submission submission = a_submission();
    const size_t count = drawn_records(records);
    size_t length;
    unsigned char *bytes = encode(&submission, records, count, &length);
    CU_ASSERT(vector_matches("batch-layout", bytes, length));
    free(bytes);
}

static void a_vector_decodes_to_its_records(void)
{
    struct record records[8];
    const struct submission submission = a_submission();
    const size_t count = drawn_records(records);
    struct batch *batch = NULL;
    size_t length;
    unsigned char *bytes = vector_bytes("batch-layout", &length);
    CU_ASSERT_FATAL(bytes != NULL);
    CU_ASSERT_FATAL(batch_decode(bytes, length, &batch, NULL) == STATUS_OK);
    CU_ASSERT(same_submission(&batch->submission, &submission));
    CU_ASSERT_EQUAL(batch->record_count, count);
    for (size_t i = 0; i < count && i < batch->record_count; i++)
        CU_ASSERT(same_record(batch, i, &records[i]));
    batch_free(&batch);
    CU_ASSERT_PTR_NULL(batch);
    batch_free(&batch);
    free(bytes);
}

static void the_vector_is_drawn_in_wire_md(void)
{
    CU_ASSERT(vector_is_drawn("batch-layout"));
}

static int64_t random_value(void)
{
    switch (random_below(4)) {
    case 0: return (int64_t)random_below(100000);
    case 1: return (int64_t)random_next(); /* any 64 bits */
    case 2: return random_below(2) == 0 ? INT64_MAX : INT64_MIN;
    default: return -(int64_t)random_below(1000);
    }
}

static void random_record(struct record *record)
{
    static const char *const reasons[] = {"", "", "", "补报", "according to the ledger of 2019", "原因：停产\n第二行"};
    static const enum period_kind kinds[] = {PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_HALF,
                                             PERIOD_YEAR};
    const int32_t day = date_from_civil(2019, 1, 1) + (int32_t)random_below(700);
    record->element = (uint32_t)random_below(ELEMENTS);
    record->unit = (uint32_t)random_below(UNITS);
    record->period = period_of_day(day, kinds[random_below(ARRAY_LEN(kinds))]);
    record->status = (enum record_status)random_below(RECORD_RETRACTED + 1);
    record->value = record_status_has_value(record->status) ? random_value() : 0;
    record->revision = random_below(2) == 0 ? NO_REVISION : (uint32_t)random_below(LIMIT_REVISION + 1);
    record->line = (int64_t)random_below(UINT64_C(1) << (random_below(53) + 1));
    record->reported_at = random_below(3) != 0 ? INT64_MIN : (int64_t)random_below(UINT64_C(1) << 53) * (random_below(2) ? 1 : -1);
    record->reason = reasons[random_below(ARRAY_LEN(reasons))];
}

/* Half of the fields stay as in the record before, so that runs of every length occur. */
static size_t random_records(struct record *records, size_t most)
{
    const size_t count = (size_t)random_below(most + 1);
    for (size_t i = 0; i < count; i++) {
        struct record fresh;
        random_record(&fresh);
        records[i] = fresh;
        if (i == 0 || random_below(4) == 0)
            continue;
        records[i] = records[i - 1];
        switch (random_below(5)) {
        case 0: records[i].element = (records[i].element + 1) % ELEMENTS; break;
        case 1: records[i].unit = fresh.unit; break;
        case 2: records[i].period = fresh.period; break;
        case 3: records[i].status = fresh.status, records[i].value = fresh.value; break;
        default: records[i].reported_at = fresh.reported_at, records[i].reason = fresh.reason; break;
        }
    }
    return count;
}

static void random_batches_come_back_as_they_were(void)
{
    static struct record records[LIMIT_BATCH_RECORDS];
    struct batch *batch = NULL;
    random_start();
    for (int round = 0; round < 300; round++) {
        const size_t count = random_records(records, round % 10 == 0 ? LIMIT_BATCH_RECORDS : 50);
        const struct submission submission = a_submission();
        unsigned char *bytes = NULL;
        size_t length;
        if (batch_encode(&catalogue, &submission, records, count, &bytes, &length, NULL) != STATUS_OK)
            continue; /* larger than LIMIT_BATCH_BYTES */
        struct fault why = {0};
        CU_ASSERT_FATAL(batch_decode(bytes, length, &batch, &why) == STATUS_OK);
        CU_ASSERT_EQUAL_FATAL(batch->record_count, count);
        size_t wrong = 0;
        for (size_t i = 0; i < count; i++)
            wrong += !same_record(batch, i, &records[i]);
        CU_ASSERT_EQUAL(wrong, 0);
        free(bytes);
    }
    batch_free(&batch);
}

static void every_truncation_is_refused(void)
{
    struct record records[64];
    const struct submission submission = a_submission();
    random_start();
    size_t count = random_records(records, 40), length;
    if (count == 0)
        count = drawn_records(records);
    unsigned char *bytes = encode(&submission, records, count, &length);
    struct batch *batch = NULL;
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *part = memory_array(cut, 1); /* exactly so long, so that asan sees one byte too many */
        memcpy(part, bytes, cut);
        CU_ASSERT(batch_decode(part, cut, &batch, NULL) == STATUS_REFUSED);
        free(part);
    }
    CU_ASSERT_PTR_NULL(batch);
    free(bytes);
}

/* Whatever decodes must keep every promise of batch.h. */
static bool is_sound(const struct batch *batch)
{
    bool sound = batch->record_count <= LIMIT_BATCH_RECORDS;
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct batch_record *record = &batch->records[i];
        sound = sound && record->element < batch->element_count && record->unit < batch->unit_count &&
                record->period < batch->period_count && record->revision <= LIMIT_REVISION &&
                record->status <= RECORD_RETRACTED && record->line >= 0 &&
                strlen(record->reason) <= LIMIT_TEXT_BYTES &&
                (record_status_has_value(record->status) || record->value == 0);
    }
    for (size_t i = 0; i < batch->element_count; i++)
        sound = sound && batch->elements[i].decimals <= LIMIT_DECIMALS && batch->elements[i].code[0] != '\0';
    return sound;
}

static void a_changed_byte_is_refused_or_decodes_soundly(void)
{
    struct record records[64];
    const struct submission submission = a_submission();
    struct batch *batch = NULL;
    size_t decoded = 0, refused = 0;
    random_start();
    for (int round = 0; round < 20; round++) {
        const size_t count = random_records(records, 30);
        size_t length;
        unsigned char *bytes = encode(&submission, records, count, &length);
        for (size_t at = 0; at < length; at++) {
            const unsigned char was = bytes[at];
            bytes[at] = (unsigned char)(was ^ (1 + random_below(255)));
            const enum status status = batch_decode(bytes, length, &batch, NULL);
            CU_ASSERT(status == STATUS_OK ? is_sound(batch) : status == STATUS_REFUSED);
            decoded += status == STATUS_OK;
            refused += status == STATUS_REFUSED;
            bytes[at] = was;
        }
        free(bytes);
    }
    CU_ASSERT(decoded > 0 && refused > 0);
    batch_free(&batch);
}

static void noise_is_refused(void)
{
    struct batch *batch = NULL;
    random_start();
    for (int round = 0; round < 20000; round++) {
        unsigned char noise[64];
        const size_t length = (size_t)random_below(sizeof noise);
        for (size_t i = 0; i < length; i++)
            noise[i] = (unsigned char)random_next();
        if (length > 0)
            noise[0] = 0x9f; /* as an array of fifteen begins */
        CU_ASSERT(batch_decode(noise, length, &batch, NULL) == STATUS_REFUSED);
    }
    CU_ASSERT(batch_decode(NULL, 0, &batch, NULL) == STATUS_REFUSED);
    CU_ASSERT_PTR_NULL(batch);
}

static void a_refusal_names_byte_and_reason(void)
{
    struct fault why = {0};
    struct batch *batch = NULL;
    const unsigned char another_version[] = {0xdc, 0x00, 0x0f, 0x02};
    CU_ASSERT(batch_decode(another_version, sizeof another_version, &batch, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_MALFORMED_BATCH);
    CU_ASSERT_STRING_NOT_EQUAL(why.argument[0], "");
    CU_ASSERT_STRING_NOT_EQUAL(why.argument[1], "");
}

static void a_byte_left_over_refuses_the_batch(void)
{
    struct record records[8];
    const struct submission submission = a_submission();
    const size_t count = drawn_records(records);
    size_t length;
    struct batch *batch = NULL;
    unsigned char *bytes = encode(&submission, records, count, &length);
    unsigned char *longer = memory_array(length + 1, 1);
    memcpy(longer, bytes, length);
    CU_ASSERT(batch_decode(longer, length + 1, &batch, NULL) == STATUS_REFUSED);
    CU_ASSERT(batch_decode(longer, length, &batch, NULL) == STATUS_OK);
    batch_free(&batch);
    free(longer);
    free(bytes);
}

static void a_batch_without_records_is_a_batch(void)
{
    const struct submission submission = a_submission();
    struct batch *batch = NULL;
    size_t length;
    unsigned char *bytes = encode(&submission, NULL, 0, &length);
    CU_ASSERT(batch_decode(bytes, length, &batch, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(batch->record_count, 0);
    batch_free(&batch);
    free(bytes);
}

static void what_cannot_be_encoded_is_refused(void)
{
    static struct record many[LIMIT_BATCH_RECORDS + 1];
    const struct submission submission = a_submission();
    const struct record good = {.element = 1, .unit = 1, .period = month(2020, 3), .value = 1,
                                .reported_at = INT64_MIN, .reason = ""};
    struct record bad[7];
    unsigned char *bytes = NULL;
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = good;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = good;
    bad[0].element = ELEMENTS;
    bad[1].unit = NO_INDEX;
    bad[2].status = RECORD_WITHHELD; /* with a value */
    bad[3].revision = LIMIT_REVISION + 1;
    bad[4].line = -1;
    bad[5].reported_at = INT64_MAX;
    bad[6].status = (enum record_status)(RECORD_RETRACTED + 1);
    CU_ASSERT(batch_encode(&catalogue, &submission, many, ARRAY_LEN(many), &bytes, &length, NULL) == STATUS_REFUSED);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CU_ASSERT(batch_encode(&catalogue, &submission, &bad[i], 1, &bytes, &length, NULL) == STATUS_REFUSED);
    CU_ASSERT_PTR_NULL(bytes);
}

static void too_many_bytes_ask_for_smaller_batches(void)
{
    static struct record records[LIMIT_BATCH_RECORDS];
    static char reasons[2][4000];
    const struct submission submission = a_submission();
    unsigned char *bytes = NULL;
    size_t length = 0;
    struct fault why = {0};
    memset(reasons[0], 'a', sizeof reasons[0] - 1);
    memset(reasons[1], 'b', sizeof reasons[1] - 1);
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        records[i] = (struct record){.element = 1, .unit = (uint32_t)i, .period = month(2020, 3), .value = 1,
                                     .reported_at = INT64_MIN, .reason = reasons[i % 2]};
    CU_ASSERT(batch_encode(&catalogue, &submission, records, ARRAY_LEN(records), &bytes, &length, &why) ==
              STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_BATCH_TOO_LARGE);
    CU_ASSERT(batch_encode(&catalogue, &submission, records, 32, &bytes, &length, NULL) == STATUS_OK);
    free(bytes);
}

static void the_same_records_give_the_same_bytes(void)
{
    struct record records[64];
    const struct submission submission = a_submission();
    random_start();
    const size_t count = random_records(records, 60);
    size_t one_length, two_length;
    unsigned char *one = encode(&submission, records, count, &one_length);
    unsigned char *two = encode(&submission, records, count, &two_length);
    CU_ASSERT(one_length == two_length && memcmp(one, two, one_length) == 0);
    free(one);
    free(two);
}

/* A month of one wide file: the figures cost three bytes each, everything else next to nothing. */
static void a_full_batch_is_small(void)
{
    static struct record records[LIMIT_BATCH_RECORDS];
    const struct submission submission = a_submission();
    struct batch *batch = NULL;
    size_t length;
    random_start();
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        records[i] = (struct record){.element = (uint32_t)(i % 10), .unit = (uint32_t)(i / 10), .period = month(2020, 3),
                                     .value = (int64_t)random_below(100000), .line = (int64_t)(i / 10 + 2),
                                     .reported_at = INT64_MIN, .reason = ""};
    unsigned char *bytes = encode(&submission, records, ARRAY_LEN(records), &length);
    CU_ASSERT(length < 7 * LIMIT_BATCH_RECORDS);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < 200; i++)
        CU_ASSERT(batch_decode(bytes, length, &batch, NULL) == STATUS_OK);
    clock_gettime(CLOCK_MONOTONIC, &end);
    const long elapsed = (long)(end.tv_sec - start.tv_sec) * 1000000000L + (end.tv_nsec - start.tv_nsec);
    printf("[%zu bytes, decoded in %ld ns a record] ", length, elapsed / 200 / LIMIT_BATCH_RECORDS);
    batch_free(&batch);
    free(bytes);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_batch_is_written_as_its_vector_says),
        SENTENCE(a_vector_decodes_to_its_records),
        SENTENCE(the_vector_is_drawn_in_wire_md),
        SENTENCE(random_batches_come_back_as_they_were),
        SENTENCE(every_truncation_is_refused),
        SENTENCE(a_changed_byte_is_refused_or_decodes_soundly),
        SENTENCE(noise_is_refused),
        SENTENCE(a_refusal_names_byte_and_reason),
        SENTENCE(a_byte_left_over_refuses_the_batch),
        SENTENCE(a_batch_without_records_is_a_batch),
        SENTENCE(what_cannot_be_encoded_is_refused),
        SENTENCE(too_many_bytes_ask_for_smaller_batches),
        SENTENCE(the_same_records_give_the_same_bytes),
        SENTENCE(a_full_batch_is_small),
    };
    make_catalogue();
    return suite_run("batch", sentences, ARRAY_LEN(sentences));
}
