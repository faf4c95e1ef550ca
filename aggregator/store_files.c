/* store_files.c - the outboxes of each agent, and the files that came through them.
 *
 * A file that comes again through another outbox of its agent must not be taken twice: as a whole once its last part is in
 * the ledger, by its hash; before that part by part, by the hash of each batch, for an outbox that is born again in the middle
 * of a file offers the same batches under new numbers. Nearly every agent has one outbox for life, so its files are listed in `taken` from the moment on that a second one shows: those before are found in the ledger
 * then, once. */
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
    bool row;
    enum status status = store_statement(store, which, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, outbox, 16);
    status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    *ret_number = row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return STATUS_OK;
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

/* What a batch is listed by. */
static void mark_of(const struct submission *submission, const unsigned char *bytes, size_t length, unsigned char ret_mark[SEAL_HASH])
{
    if (submission->part + 1 == submission->parts)
        memcpy(ret_mark, submission->hash, SEAL_HASH);
    else
        seal_hash(bytes, length, ret_mark);
}

static enum status list_file(struct store *store, const struct entry *entry, const struct submission *submission, struct fault *why)
{
    unsigned char mark[SEAL_HASH];
    sqlite3_stmt *statement;
    mark_of(submission, entry->bytes, entry->length, mark);
    const enum status status = store_statement(store, STATEMENT_TAKE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, entry->agent);
    store_bind_blob(statement, 2, mark, SEAL_HASH);
    store_bind_blob(statement, 3, entry->outbox, 16);
    return store_run(store, statement, why);
}

/* Lists what a batch in the ledger took; one that cannot be read, kept for the record, takes no file. */
static enum status list_batch(struct store *store, const char *agent, sqlite3_stmt *statement, struct batch **batch,
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
    if (entry.repeated || batch_decode(entry.bytes, entry.length, batch, &ignored) != STATUS_OK)
        return STATUS_OK;
    (void)snprintf(entry.agent, sizeof entry.agent, "%s", agent);
    return list_file(store, &entry, &(*batch)->submission, why);
}

static enum status list_all_files(struct store *store, const char *agent, struct fault *why)
{
    sqlite3_stmt *statement;
    struct batch *batch = NULL;
    bool row = true;
    enum status status = store_statement(store, STATEMENT_BATCHES_OF, &statement, why);
    if (status == STATUS_OK)
        store_bind_text(statement, 1, agent);
    while (status == STATUS_OK && row) {
        status = store_step(store, statement, &row, why);
        if (status == STATUS_OK && row)
            status = list_batch(store, agent, statement, &batch, why);
    }
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    batch_free(&batch);
    return status;
}

static enum status add_outbox(struct store *store, const char *agent, const unsigned char outbox[16], struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store->outbox.has_others ? list_all_files(store, agent, why) : STATUS_OK;
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
    if (status != STATUS_OK || entry->repeated || !store->outbox.has_others)
        return status;
    if (submission == NULL) {
        if (batch_decode(entry->bytes, entry->length, &store->batch, &ignored) != STATUS_OK)
            return STATUS_OK;
        submission = &store->batch->submission;
    }
    return list_file(store, entry, submission, why);
}

static enum status is_listed(struct store *store, const struct entry *entry, const unsigned char mark[SEAL_HASH], bool *ret_listed,
                             struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store_statement(store, STATEMENT_TAKEN, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, entry->agent);
    store_bind_blob(statement, 2, mark, SEAL_HASH);
    store_bind_blob(statement, 3, entry->outbox, 16);
    status = store_step(store, statement, ret_listed, why);
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    return status;
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
        status = is_listed(store, entry, submission->hash, &is_file, why);
    if (status == STATUS_OK && store->outbox.has_others && !is_file && submission->part + 1 != submission->parts) {
        mark_of(submission, entry->bytes, entry->length, mark);
        status = is_listed(store, entry, mark, &is_part, why);
    }
    if (status == STATUS_OK)
        *ret_known = is_file ? STORE_KNOWS_FILE : is_part ? STORE_KNOWS_PART : STORE_KNOWS_NOT;
    return status;
}
