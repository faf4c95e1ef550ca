/* fuzz_report.c - any file in an inbox: encodings, layouts, cells, rules. The first byte sets the source (encoding, period).
 * What is accepted keeps every promise that the aggregator counts on, what is refused stands in the refused file as it was
 * written, and nothing is in both or in neither. */
#include "county.h"
#include "fuzz.h"

static struct catalogue *catalogue;

static const enum text_encoding encodings[] = {TEXT_AUTO, TEXT_UTF8, TEXT_GB18030, TEXT_UTF16LE};

static void require_record(const struct candidate *candidate)
{
    const struct record *record = &candidate->record;
    fuzz_require(record->element < catalogue->element_count && record->unit < catalogue->unit_count,
                 "an accepted record names an element and a unit");
    const struct element *element = &catalogue->elements[record->element];
    const struct form *form = &catalogue->forms[element->form];
    fuzz_require(catalogue->units[record->unit].level == form->level && record->period.kind == form->frequency,
                 "an accepted record is of its form's level and frequency");
    fuzz_require(record->status <= RECORD_RETRACTED && record->revision <= LIMIT_REVISION, "and within the limits");
    if (!record_status_has_value(record->status)) {
        fuzz_require(record->value == 0, "a status without a value has none");
        return;
    }
    fuzz_require((!element->has_min || record->value >= element->min.units) &&
                     (!element->has_max || record->value <= element->max.units),
                 "an accepted figure lies within min and max");
}

static size_t look_at_candidates(const struct delivery *delivery, struct record *records)
{
    size_t count = 0;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct candidate *candidate = &delivery->candidates[i];
        size_t steps = 0;
        fuzz_require(candidate->row < delivery->row_count, "a candidate stands in a row");
        for (uint32_t at = candidate->complaint; at != NO_COMPLAINT; at = delivery->complaints[at].next)
            fuzz_require(at < delivery->complaint_count && delivery->complaints[at].text[0] != '\0' &&
                             ++steps <= delivery->complaint_count,
                         "complaints are a list of sentences");
        if (!feed_accepted(candidate))
            continue;
        require_record(candidate);
        records[count++] = candidate->record;
    }
    return count;
}

/* Accepted records make batches that come back; `records` are cut as the outbox would. */
static void look_at_batch(const struct record *records, size_t count)
{
    struct submission submission = {.file = "f.csv", .source = "report", .parts = 1};
    struct fault why = {.message = MESSAGE_NONE};
    struct batch *batch = NULL;
    unsigned char *bytes = NULL;
    size_t length = 0;
    if (count > 512)
        count = 512;
    if (count == 0 || batch_encode(catalogue, &submission, records, count, &bytes, &length, &why) != STATUS_OK)
        return;
    fuzz_require(batch_decode(bytes, length, &batch, &why) == STATUS_OK && batch->record_count == count,
                 "accepted records make a batch");
    for (size_t i = 0; i < count; i++)
        fuzz_require(batch->records[i].value == records[i].value &&
                         strcmp(batch->records[i].reason, records[i].reason) == 0,
                     "an accepted record arrives as it was read");
    batch_free(&batch);
    free(bytes);
}

/* The refused file reads back in the input's own encoding; it holds what was written of every refused row. */
static void look_at_refused(const struct delivery *delivery)
{
    static char path[INBOX_PATH];
    struct fault why = {.message = MESSAGE_NONE};
    enum text_encoding found;
    char *text = NULL;
    size_t length, text_length;
    if (feed_refused_rows(delivery) == 0)
        return;
    const enum status status = refused_write(delivery, fuzz_folder(), "in.csv", path, &why);
    fuzz_require_reason(status, &why);
    fuzz_require(status == STATUS_OK, "refused rows can be written");
    char *bytes = fuzz_read(path, &length);
    fuzz_require(text_decode(bytes, length, delivery->encoding, &text, &text_length, &found, &why) == STATUS_OK,
                 "the refused file is of the input's encoding");
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct feed_row *row = &delivery->rows[delivery->candidates[i].row];
        if (i >= 20 || delivery->candidates[i].complaint == NO_COMPLAINT || row->raw_length == 0)
            continue;
        char *raw = memory_copy_text_length(row->raw, row->raw_length);
        fuzz_require(strstr(text, raw) != NULL, "a refused row stands there as it was written");
        free(raw);
    }
    free(text);
    free(bytes);
    fuzz_require(unlink(path) == 0, "the refused file is there");
}

static void look_at(struct delivery *delivery)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct record *records;
    fuzz_require(check_delivery(delivery, catalogue, NULL, &why) == STATUS_OK, "judging refuses figures, not the file");
    fuzz_require(delivery->note_count <= FEED_NOTES, "notes within their limit");
    for (size_t i = 0; i < delivery->note_count; i++)
        fuzz_require_reason(STATUS_REFUSED, &delivery->notes[i]);
    records = memory_array(delivery->candidate_count, sizeof *records);
    look_at_batch(records, look_at_candidates(delivery, records));
    look_at_refused(delivery);
    free(records);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct source_settings source = {.kind = "report"};
    struct delivery *delivery = NULL;
    struct fault why = {.message = MESSAGE_NONE};
    if (catalogue == NULL) {
        fuzz_require(seal_start() == STATUS_OK, "libsodium starts");
        catalogue = county_catalogue(county_files, ARRAY_LEN(county_files));
    }
    if (length == 0)
        return;
    source.encoding = encodings[bytes[0] & 3];
    source.period = (bytes[0] & 4) != 0 ? "2020-05" : NULL;
    const char *path = fuzz_write(0, "in.csv", bytes + 1, length - 1);
    const enum status status = feed_read(&source, catalogue, path, &delivery, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "a file is read or refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK)
        look_at(delivery);
    feed_free(&delivery);
}
