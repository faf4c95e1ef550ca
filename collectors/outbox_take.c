/* outbox_take.c - the first hop: a file becomes batches.
 *
 * In one transaction: a manifest row (its hash: the same bytes are never taken twice), batches that are encoded, chained
 * and signed once and for all, and the last known figure of each cell. A crash before the commit leaves nothing, a crash
 * after it leaves everything; there is no state between. Records are sorted by element, period and unit before they are
 * cut: batches get small, and the known figures are written in the order of their table. */
#include "outbox_inside.h"

#include "limit.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* What a file is being cut into. */
struct cut {
    size_t first, count;
    unsigned char *bytes;
    size_t length;
};

struct taking {
    struct outbox *outbox;
    const struct catalogue *catalogue;
    struct submission *submission;
    struct record *records; /* sorted copy */
    size_t count;
    struct cut *cuts;
    size_t cut_count, cut_capacity;
    const char *path_refused;
    int64_t *element_words, *unit_words; /* by catalogue index, 0 unknown yet */
    int64_t manifest;
};

/* ---- sorting ---------------------------------------------------------------------------------------------------- */

struct sorted_record {
    struct record record;
    size_t place;
};

static int by_cell(const void *left, const void *right)
{
    const struct record *one = left, *other = right;
    if (one->element != other->element)
        return one->element < other->element ? -1 : 1;
    if (one->period.first != other->period.first)
        return one->period.first < other->period.first ? -1 : 1;
    if (one->period.last != other->period.last)
        return one->period.last < other->period.last ? -1 : 1;
    return one->unit < other->unit ? -1 : one->unit > other->unit;
}

/* qsort is not stable; the place in the file decides between records of one cell, since the later one is to be live. */
static int by_cell_and_place(const void *left, const void *right)
{
    const struct sorted_record *one = left, *other = right;
    const int order = by_cell(&one->record, &other->record);
    return order != 0 ? order : one->place < other->place ? -1 : one->place > other->place;
}

static struct record *sort_records(const struct record *records, size_t count)
{
    struct record *sorted = memory_array(count, sizeof(*sorted));
    struct sorted_record *items;
    bool in_order = true;
    for (size_t i = 1; i < count && in_order; i++)
        in_order = by_cell(&records[i - 1], &records[i]) <= 0;
    if (in_order) {
        if (count > 0)
            memcpy(sorted, records, count * sizeof(*sorted));
        return sorted;
    }
    items = memory_array(count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = (struct sorted_record){records[i], i};
    qsort(items, count, sizeof(*items), by_cell_and_place);
    for (size_t i = 0; i < count; i++)
        sorted[i] = items[i].record;
    free(items);
    return sorted;
}

/* ---- cutting ---------------------------------------------------------------------------------------------------- */

static void plan_cuts(struct taking *taking)
{
    for (size_t first = 0; first < taking->count; first += LIMIT_BATCH_RECORDS) {
        const size_t left = taking->count - first;
        taking->cuts = memory_grow(taking->cuts, &taking->cut_capacity, taking->cut_count + 1, sizeof(*taking->cuts));
        taking->cuts[taking->cut_count++] =
            (struct cut){first, left < LIMIT_BATCH_RECORDS ? left : LIMIT_BATCH_RECORDS, NULL, 0};
    }
}

/* A batch with long reasons may be too large: two of it. */
static void halve(struct taking *taking, size_t which)
{
    struct cut *cut;
    taking->cuts = memory_grow(taking->cuts, &taking->cut_capacity, taking->cut_count + 1, sizeof(*taking->cuts));
    cut = &taking->cuts[which];
    memmove(cut + 1, cut, (taking->cut_count - which) * sizeof(*cut));
    taking->cut_count++;
    cut[0].count /= 2;
    cut[1].first += cut[0].count;
    cut[1].count -= cut[0].count;
    cut[0].bytes = cut[1].bytes = NULL;
}

static void forget_encoded(struct taking *taking)
{
    for (size_t i = 0; i < taking->cut_count; i++) {
        free(taking->cuts[i].bytes);
        taking->cuts[i].bytes = NULL;
    }
}

static enum status encode_cut(struct taking *taking, size_t which, struct fault *why)
{
    struct cut *cut = &taking->cuts[which];
    taking->submission->part = (uint32_t)which;
    taking->submission->parts = (uint32_t)taking->cut_count;
    return batch_encode(taking->catalogue, taking->submission, taking->records + cut->first, cut->count, &cut->bytes,
                        &cut->length, why);
}

/* Encodes every batch. Each tells how many there are of the file, so when one has to be halved all begin anew. */
static enum status encode_all(struct taking *taking, struct fault *why)
{
    plan_cuts(taking);
    for (size_t i = 0; i < taking->cut_count;) {
        const enum status status = encode_cut(taking, i, why);
        if (status == STATUS_OK) {
            i++;
            continue;
        }
        if (status != STATUS_REFUSED || taking->cuts[i].count < 2)
            return status;
        forget_encoded(taking);
        halve(taking, i);
        i = 0;
    }
    return STATUS_OK;
}

/* ---- a file that was lost once ---------------------------------------------------------------------------------- */

static enum status find_lost(struct taking *taking, struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_LOST];
    outbox_bind_blob(statement, 1, taking->submission->hash, SEAL_HASH);
    const int step = sqlite3_step(statement);
    taking->manifest = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, step, why);
}

/* False when a later file has another figure for the cell. With a revision the revision decides, whenever it arrives. */
static enum status is_current(struct taking *taking, const struct record *record, bool *ret_current, struct fault *why)
{
    const struct element *element = &taking->catalogue->elements[record->element];
    struct known_figure known;
    char period[PERIOD_TEXT];
    bool is_known = false;
    *ret_current = true;
    if (record->revision != NO_REVISION)
        return STATUS_OK;
    period_format(record->period, period);
    const enum status status = outbox_known_figure(taking->outbox, element->code, taking->catalogue->units[record->unit].code,
                                                   period, &is_known, &known, why);
    if (status == STATUS_OK && is_known)
        *ret_current = known.status == record->status && known.value == record->value && known.decimals == element->decimals;
    return status;
}

/* A lost file comes back after later ones were delivered. Its figures without a revision would replace theirs, so only
 * those go out that are still the last word here: in whatever order lost files return, the figures come out the same. */
static enum status leave_out_superseded(struct taking *taking, struct fault *why)
{
    const size_t count = taking->count;
    enum status status = find_lost(taking, why);
    taking->outbox->superseded = 0;
    if (status != STATUS_OK || taking->manifest == 0)
        return status;
    taking->count = 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        bool current;
        status = is_current(taking, &taking->records[i], &current, why);
        if (current)
            taking->records[taking->count++] = taking->records[i];
    }
    taking->outbox->superseded = count - taking->count;
    return status;
}

size_t outbox_superseded(const struct outbox *outbox)
{
    return outbox->superseded;
}

/* ---- storing ---------------------------------------------------------------------------------------------------- */

static enum status store_manifest(struct taking *taking, struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    const enum statement which = taking->manifest != 0 ? SQL_MANIFEST_AGAIN : SQL_MANIFEST_ADD;
    sqlite3_stmt *statement = outbox->sql[which];
    enum status status;
    outbox_bind_blob(statement, 1, taking->submission->hash, SEAL_HASH);
    sqlite3_bind_text(statement, 2, taking->submission->file, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, taking->submission->taken_at);
    sqlite3_bind_int64(statement, 4, (int64_t)taking->count);
    sqlite3_bind_int64(statement, 5, (int64_t)taking->submission->refused_rows);
    sqlite3_bind_int64(statement, 6, taking->cut_count == 0 ? 0 : (int64_t)outbox->identity.high + 1);
    sqlite3_bind_int64(statement, 7, taking->cut_count == 0 ? 0 : (int64_t)(outbox->identity.high + taking->cut_count));
    sqlite3_bind_text(statement, 8, taking->path_refused, -1, SQLITE_STATIC);
    status = outbox_run(outbox, which, why);
    if (which == SQL_MANIFEST_ADD)
        taking->manifest = sqlite3_last_insert_rowid(outbox->db);
    return status;
}

static enum status store_batch(struct taking *taking, const struct cut *cut, struct outbox_identity *identity,
                               struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_ADD];
    unsigned char before[SEAL_HASH], digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    memcpy(before, identity->chain_at_high, SEAL_HASH);
    seal_chain_next(before, cut->bytes, cut->length, identity->chain_at_high);
    identity->high++;
    seal_batch_digest(outbox->agent, identity->id, identity->high, identity->chain_at_high, digest);
    seal_sign(digest, outbox->sign_secret, signature);
    sqlite3_bind_int64(statement, 1, (int64_t)identity->high);
    sqlite3_bind_int64(statement, 2, taking->manifest);
    outbox_bind_blob(statement, 3, before, SEAL_HASH);
    outbox_bind_blob(statement, 4, identity->chain_at_high, SEAL_HASH);
    outbox_bind_blob(statement, 5, signature, SEAL_SIGNATURE);
    outbox_bind_blob(statement, 6, cut->bytes, cut->length);
    return outbox_run(outbox, SQL_BATCH_ADD, why);
}

static enum status store_meta(struct outbox *outbox, const struct outbox_identity *identity, uint64_t refused,
                              struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_META_TAKEN];
    sqlite3_bind_int64(statement, 1, (int64_t)identity->high);
    outbox_bind_blob(statement, 2, identity->chain_at_high, SEAL_HASH);
    sqlite3_bind_int64(statement, 3, (int64_t)refused);
    return outbox_run(outbox, SQL_META_TAKEN, why);
}

static enum status store_known(struct taking *taking, const struct record *record, struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    sqlite3_stmt *statement = outbox->sql[SQL_KNOWN_SET];
    const struct element *element = &taking->catalogue->elements[record->element];
    int64_t *element_word = &taking->element_words[record->element], *unit_word = &taking->unit_words[record->unit];
    enum status status = STATUS_OK;
    if (*element_word == 0)
        status = outbox_word_of(outbox, element->code, true, element_word, why);
    if (status == STATUS_OK && *unit_word == 0)
        status = outbox_word_of(outbox, taking->catalogue->units[record->unit].code, true, unit_word, why);
    if (status != STATUS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, *element_word);
    sqlite3_bind_int64(statement, 2, outbox_period_number(record->period));
    sqlite3_bind_int64(statement, 3, *unit_word);
    sqlite3_bind_int64(statement, 4, record->revision);
    sqlite3_bind_int(statement, 5, (int)record->status);
    sqlite3_bind_int(statement, 6, element->decimals);
    sqlite3_bind_int64(statement, 7, record->value);
    return outbox_run(outbox, SQL_KNOWN_SET, why);
}

static enum status store_all(struct taking *taking, struct outbox_identity *identity, struct fault *why)
{
    enum status status = store_manifest(taking, why);
    for (size_t i = 0; i < taking->cut_count && status == STATUS_OK; i++)
        status = store_batch(taking, &taking->cuts[i], identity, why);
    for (size_t i = 0; i < taking->count && status == STATUS_OK; i++)
        status = store_known(taking, &taking->records[i], why);
    if (status == STATUS_OK)
        status = store_meta(taking->outbox, identity, taking->submission->refused_rows, why);
    return status;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

enum status outbox_take(struct outbox *outbox, const struct catalogue *catalogue, struct submission *submission,
                        const struct record *records, size_t count, const char *path_refused, struct fault *why)
{
    struct taking taking = {.outbox = outbox, .catalogue = catalogue, .submission = submission, .count = count,
                            .path_refused = path_refused};
    struct outbox_identity identity = outbox->identity;
    enum status status;
    taking.records = sort_records(records, count);
    taking.element_words = memory_array(catalogue->element_count, sizeof(int64_t));
    taking.unit_words = memory_array(catalogue->unit_count, sizeof(int64_t));
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    status = leave_out_superseded(&taking, why);
    if (status == STATUS_OK)
        status = encode_all(&taking, why);
    if (status == STATUS_OK)
        status = outbox_sql(outbox->db, "BEGIN IMMEDIATE", why);
    if (status == STATUS_OK)
        status = outbox_sql_end(outbox->db, store_all(&taking, &identity, why), why);
    if (status == STATUS_OK) {
        identity.refused_rows += submission->refused_rows;
        outbox->identity = identity;
    } else {
        outbox_forget_words(outbox);
    }
    forget_encoded(&taking);
    free(taking.cuts);
    free(taking.records);
    free(taking.element_words);
    free(taking.unit_words);
    return status;
}

enum status outbox_knows_file(struct outbox *outbox, const unsigned char hash[SEAL_HASH], bool *ret_known,
                              int64_t *ret_taken_at, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_FIND];
    int step;
    outbox_bind_blob(statement, 1, hash, SEAL_HASH);
    step = sqlite3_step(statement);
    *ret_known = step == SQLITE_ROW;
    if (step == SQLITE_ROW)
        *ret_taken_at = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, step, why);
}

enum status outbox_place(struct outbox *outbox, const unsigned char hash[SEAL_HASH], const char *path_done,
                         const char *path_refused, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_PLACE];
    outbox_bind_blob(statement, 1, hash, SEAL_HASH);
    sqlite3_bind_text(statement, 2, path_done, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, path_refused, -1, SQLITE_STATIC);
    return outbox_run(outbox, SQL_MANIFEST_PLACE, why);
}
