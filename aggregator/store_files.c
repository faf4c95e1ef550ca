/* store_files.c - the outboxes of each agent, and the files that came through them.
 *
 * A file that comes again through another outbox of its agent must not be taken twice: as a whole once all of its parts are in
 * the ledger, by its hash; before that part by part, by the records of each, for an outbox that is born again in the middle of
 * a file offers the same batches under new numbers, and a new one cuts the same out of the file that is put into the inbox
 * again. The last part alone says nothing: an outbox whose disk was damaged goes on without what it lost. So a part is noted by
 * its place as well when the one before it was, and the file with its last.
 *
 * Nearly every agent has one outbox for life, so its files are listed in `taken` from the moment on that a second one shows:
 * those before are found in the ledger then, once. */
#include "store_inside.h"

#include "outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- outboxes -------------------------------------------------------------------------------------------------------- */

/* The first column of the row that (agent, outbox) give; 0 when there is none. */
static enum status ask_outbox(struct store *store, enum statement which, const char *agent, const unsigned char outbox[16],
                              int64_t *ret_number, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found;
    uint64_t number = 0;
    enum status status = store_statement(store, which, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, outbox, 16);
    status = store_number(store, statement, &number, &found, why);
    if (status == STATUS_OK)
        *ret_number = (int64_t)number;
    return status;
}

/* The writer alone adds outboxes, so it may remember; a rollback forgets. */
static enum status learn_outbox(struct store *store, const char *agent, const unsigned char outbox[16], struct fault *why)
{
    int64_t others = 0;
    if (store->mode == STORE_WRITE && store->outbox.known && memcmp(store->outbox.outbox, outbox, 16) == 0 &&
        strcmp(store->outbox.agent, agent) == 0)
        return STATUS_OK;
    store->outbox.known = false;
    enum status status = ask_outbox(store, STATEMENT_OUTBOX, agent, outbox, &store->outbox.id, why);
    if (status == STATUS_OK)
        status = ask_outbox(store, STATEMENT_OUTBOX_OTHER, agent, outbox, &others, why);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(store->outbox.agent, sizeof store->outbox.agent, "%s", agent);
    memcpy(store->outbox.outbox, outbox, 16);
    store->outbox.has_others = others != 0;
    store->outbox.known = true;
    return STATUS_OK;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

/* Stands for a part of a file: for its place, or with `records` for these very records there. */
static void mark_of_part(const struct submission *submission, uint32_t part, const void *records, size_t length,
                         unsigned char ret_mark[SEAL_HASH])
{
    struct seal_hasher *hasher = seal_hasher_new();
    seal_hasher_add(hasher, submission->hash, SEAL_HASH);
    seal_hasher_add_number(hasher, part);
    seal_hasher_add_number(hasher, submission->parts);
    seal_hasher_add(hasher, records, length);
    seal_hasher_finish(&hasher, ret_mark);
}

/* When it was taken, under which name and by which catalogue is another thing each time. */
static void mark_of_records(const struct entry *entry, const struct submission *submission, unsigned char ret_mark[SEAL_HASH])
{
    const size_t head = batch_head(entry->bytes, entry->length);
    mark_of_part(submission, submission->part, entry->bytes + head, entry->length - head, ret_mark);
}

/* Whether the agent has the mark through another outbox than this one, which may be none at all: NULL. */
static enum status is_listed(struct store *store, const char *agent, const unsigned char *outbox,
                             const unsigned char mark[SEAL_HASH], bool *ret_listed, struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store_statement(store, STATEMENT_TAKEN, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, mark, SEAL_HASH);
    store_bind_blob(statement, 3, outbox, outbox == NULL ? 0 : 16);
    status = store_step(store, statement, ret_listed, why);
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    return status;
}

static enum status list_mark(struct store *store, const struct entry *entry, const unsigned char mark[SEAL_HASH],
                             struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_TAKE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, entry->agent);
    store_bind_blob(statement, 2, mark, SEAL_HASH);
    store_bind_blob(statement, 3, entry->outbox, 16);
    return store_run(store, statement, why);
}

/* The place of a part that is in the ledger, when all before it are; of the last one the file. */
static enum status list_place(struct store *store, const struct entry *entry, const struct submission *submission,
                              struct fault *why)
{
    unsigned char mark[SEAL_HASH];
    bool follows = submission->part == 0;
    enum status status = STATUS_OK;
    if (!follows) {
        mark_of_part(submission, submission->part - 1, NULL, 0, mark);
        status = is_listed(store, entry->agent, NULL, mark, &follows, why);
    }
    if (status != STATUS_OK || !follows)
        return status;
    if (submission->part + 1 == submission->parts)
        return list_mark(store, entry, submission->hash, why);
    mark_of_part(submission, submission->part, NULL, 0, mark);
    return list_mark(store, entry, mark, why);
}

/* A part that was there before is in the ledger too, for what comes after it. */
static enum status list_batch(struct store *store, const struct entry *entry, const struct submission *submission,
                              struct fault *why)
{
    unsigned char mark[SEAL_HASH];
    bool is_there = !entry->repeated;
    enum status status = STATUS_OK;
    if (submission->parts > 1) {
        mark_of_records(entry, submission, mark);
        status = is_there ? list_mark(store, entry, mark, why) : is_listed(store, entry->agent, NULL, mark, &is_there, why);
    }
    return status == STATUS_OK && is_there ? list_place(store, entry, submission, why) : status;
}

/* Lists what a batch in the ledger took; one that cannot be read, kept for the record, takes no file. */
static enum status list_row(struct store *store, const char *agent, sqlite3_stmt *statement, struct batch **batch,
                            struct fault *why)
{
    struct entry entry = {.outcome = sqlite3_column_blob(statement, 1),
                          .outcome_length = (size_t)sqlite3_column_bytes(statement, 1),
                          .bytes = sqlite3_column_blob(statement, 2),
                          .length = (size_t)sqlite3_column_bytes(statement, 2)};
    struct fault ignored = {0};
    struct refusal *refusals = NULL;
    size_t capacity = 0;
    const bool is_sound = store_read_blob(statement, 0, entry.outbox, sizeof entry.outbox) &&
                          outcome_read(&entry, &refusals, &capacity);
    free(refusals);
    if (!is_sound)
        return store_damaged(store, "ledger: an entry cannot be read", why);
    if (batch_decode(entry.bytes, entry.length, batch, &ignored) != STATUS_OK)
        return STATUS_OK;
    (void)snprintf(entry.agent, sizeof entry.agent, "%s", agent);
    return list_batch(store, &entry, &(*batch)->submission, why);
}

static enum status list_outbox(struct store *store, const char *agent, int64_t outbox, struct fault *why)
{
    sqlite3_stmt *statement;
    struct batch *batch = NULL;
    bool row = true;
    enum status status = store_statement(store, STATEMENT_BATCHES_OF, &statement, why);
    if (status == STATUS_OK)
        sqlite3_bind_int64(statement, 1, outbox);
    while (status == STATUS_OK && row) {
        status = store_step(store, statement, &row, why);
        if (status == STATUS_OK && row)
            status = list_row(store, agent, statement, &batch, why);
    }
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    batch_free(&batch);
    return status;
}

/* With the second outbox of an agent; from then on all is listed as it comes. */
static enum status list_the_first(struct store *store, const char *agent, const unsigned char outbox[16], struct fault *why)
{
    int64_t first = 0;
    const enum status status = ask_outbox(store, STATEMENT_OUTBOX_FIRST, agent, outbox, &first, why);
    return status == STATUS_OK && first != 0 ? list_outbox(store, agent, first, why) : status;
}

static enum status add_outbox(struct store *store, const char *agent, const unsigned char outbox[16], struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store->outbox.has_others ? list_the_first(store, agent, outbox, why) : STATUS_OK;
    if (status == STATUS_OK)
        status = store_statement(store, STATEMENT_OUTBOX_ADD, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, outbox, 16);
    status = store_run(store, statement, why);
    if (status == STATUS_OK)
        store->outbox.id = sqlite3_last_insert_rowid(store->database);
    return status;
}

enum status store_find_outbox(struct store *store, const char *agent, const unsigned char outbox[16], int64_t *ret_id,
                              struct fault *why)
{
    enum status status = learn_outbox(store, agent, outbox, why);
    if (status == STATUS_OK && store->outbox.id == 0)
        status = add_outbox(store, agent, outbox, why);
    if (status == STATUS_OK)
        *ret_id = store->outbox.id;
    return status;
}

enum status store_note_file(struct store *store, const struct entry *entry, struct fault *why)
{
    const struct submission *submission = entry->submission;
    struct fault ignored = {0};
    enum status status = learn_outbox(store, entry->agent, entry->outbox, why);
    if (status != STATUS_OK || !store->outbox.has_others)
        return status;
    if (submission == NULL) {
        if (batch_decode(entry->bytes, entry->length, &store->batch, &ignored) != STATUS_OK)
            return STATUS_OK;
        submission = &store->batch->submission;
    }
    return list_batch(store, entry, submission, why);
}

enum status store_knows(struct store *store, const struct entry *entry, const struct submission *submission,
                        enum store_known *ret_known, struct fault *why)
{
    unsigned char mark[SEAL_HASH];
    bool is_file = false, is_part = false;
    enum status status = learn_outbox(store, entry->agent, entry->outbox, why);
    if (status == STATUS_OK && store->outbox.has_others && store->outbox.id == 0)
        status = add_outbox(store, entry->agent, entry->outbox, why);
    if (status == STATUS_OK && store->outbox.has_others)
        status = is_listed(store, entry->agent, entry->outbox, submission->hash, &is_file, why);
    if (status == STATUS_OK && store->outbox.has_others && !is_file && submission->parts > 1) {
        mark_of_records(entry, submission, mark);
        status = is_listed(store, entry->agent, entry->outbox, mark, &is_part, why);
    }
    if (status == STATUS_OK)
        *ret_known = is_file ? STORE_KNOWS_FILE : is_part ? STORE_KNOWS_PART : STORE_KNOWS_NOT;
    return status;
}
