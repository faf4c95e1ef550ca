/* store_proof.c - what somebody else needs to check the ledger: the registry, signed checkpoints, and ways to look at the
 * saved blocks and the file itself. */
#include "store_inside.h"

#include <stdio.h>
#include <string.h>

#define PROOF_SINCE 3 /* user_version; an older file that is only read has no registry and no checkpoints */

/* ---- registry ------------------------------------------------------------------------------------------------------ */

static bool read_registry(sqlite3_stmt *statement, void *into)
{
    struct registry_row *row = into;
    row->number = (uint64_t)sqlite3_column_int64(statement, 0);
    row->after = (uint64_t)sqlite3_column_int64(statement, 6);
    row->seen_at = sqlite3_column_int64(statement, 7);
    return store_read_text(statement, 1, row->kind, sizeof row->kind) &&
           store_read_text(statement, 2, row->name, sizeof row->name) &&
           store_read_blob(statement, 3, row->key, sizeof row->key) &&
           store_read_text(statement, 4, row->scope, sizeof row->scope) &&
           store_read_text(statement, 5, row->status, sizeof row->status) &&
           store_read_blob(statement, 8, row->hash, sizeof row->hash);
}

enum status store_registry(struct store *store, struct registry_row **ret_rows, size_t *ret_count, struct fault *why)
{
    void *rows;
    *ret_rows = NULL;
    *ret_count = 0;
    if (store->version < PROOF_SINCE)
        return STATUS_OK;
    const enum status status = store_all_rows(store, STATEMENT_REGISTRY, read_registry, sizeof(struct registry_row),
                                              "registry", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_add_registry(struct store *store, const struct registry_row *row, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_REGISTRY_ADD, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, row->number);
    store_bind_text(statement, 2, row->kind);
    store_bind_text(statement, 3, row->name);
    store_bind_blob(statement, 4, row->key, sizeof row->key);
    store_bind_text(statement, 5, row->scope);
    store_bind_text(statement, 6, row->status);
    store_bind_number(statement, 7, row->after);
    sqlite3_bind_int64(statement, 8, row->seen_at);
    store_bind_blob(statement, 9, row->hash, sizeof row->hash);
    return store_run(store, statement, why);
}

/* ---- checkpoints --------------------------------------------------------------------------------------------------- */

static bool read_checkpoint(sqlite3_stmt *statement, void *into)
{
    struct checkpoint_row *row = into;
    row->entry = (uint64_t)sqlite3_column_int64(statement, 0);
    return store_read_text(statement, 1, row->text, sizeof row->text);
}

enum status store_checkpoints(struct store *store, uint64_t after, struct checkpoint_row **ret_rows, size_t *ret_count,
                              struct fault *why)
{
    sqlite3_stmt *statement;
    void *rows = NULL;
    *ret_rows = NULL;
    *ret_count = 0;
    if (store->version < PROOF_SINCE)
        return STATUS_OK;
    enum status status = store_statement(store, STATEMENT_CHECKPOINTS, &statement, why);
    if (status == STATUS_OK)
        store_bind_number(statement, 1, after);
    if (status == STATUS_OK)
        status = store_rows(store, statement, read_checkpoint, sizeof(struct checkpoint_row), "checkpoint", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_newest_checkpoint(struct store *store, bool *ret_found, struct checkpoint_row *ret_row,
                                    struct fault *why)
{
    sqlite3_stmt *statement;
    *ret_found = false;
    if (store->version < PROOF_SINCE)
        return STATUS_OK;
    const enum status status = store_statement(store, STATEMENT_CHECKPOINT_NEWEST, &statement, why);
    return status == STATUS_OK ? store_row(store, statement, read_checkpoint, "checkpoint", ret_row, ret_found, why) : status;
}

enum status store_hash_at(struct store *store, uint64_t entry, unsigned char ret_hash[SEAL_HASH], bool *ret_found,
                          struct fault *why)
{
    sqlite3_stmt *statement;
    bool row;
    enum status status = store_statement(store, STATEMENT_HASH_AT, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, entry);
    status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    *ret_found = row && store_read_blob(statement, 0, ret_hash, SEAL_HASH);
    sqlite3_reset(statement);
    return STATUS_OK;
}

enum status store_add_checkpoint(struct store *store, uint64_t entry, const char *text, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_CHECKPOINT_ADD, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, entry);
    store_bind_text(statement, 2, text);
    return store_run(store, statement, why);
}

/* ---- the blocks, the file -------------------------------------------------------------------------------------------- */

/* One step of a statement over blocks. *ret_length: of the bytes as they lie there. */
static enum status visit_block(struct store *store, sqlite3_stmt *statement, store_block_visitor *visit, void *context,
                               bool *ret_more, size_t *ret_length, struct fault *why)
{
    char subject[LIMIT_CODE_BYTES + 2], period[PERIOD_TEXT];
    bool row;
    const enum status status = store_step(store, statement, &row, why);
    *ret_more = false;
    if (status != STATUS_OK || !row)
        return status;
    if (!store_read_text(statement, 0, subject, sizeof subject) || !store_read_text(statement, 1, period, sizeof period))
        return store_damaged(store, "block", why);
    const unsigned char *bytes = sqlite3_column_blob(statement, 3);
    const size_t length = *ret_length = (size_t)sqlite3_column_bytes(statement, 3);
    const bool is_sealed = (uint64_t)sqlite3_column_int64(statement, 4) == store_seal_of(bytes, length);
    *ret_more = visit(context, subject, period, (uint32_t)sqlite3_column_int64(statement, 2), bytes, is_sealed ? length : 0);
    return STATUS_OK;
}

enum status store_blocks(struct store *store, store_block_visitor *visit, void *context, struct fault *why)
{
    sqlite3_stmt *statement;
    bool more = true;
    size_t length;
    enum status status = store_statement(store, STATEMENT_BLOCKS, &statement, why);
    while (status == STATUS_OK && more)
        status = visit_block(store, statement, visit, context, &more, &length, why);
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    return status;
}

enum status store_blocks_slice(struct store *store, int64_t *place, size_t bytes, store_block_visitor *visit, void *context,
                               bool *ret_end, struct fault *why)
{
    sqlite3_stmt *statement;
    bool more = true;
    size_t length, read = 0;
    enum status status = store_statement(store, STATEMENT_BLOCKS_AFTER, &statement, why);
    if (status != STATUS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, *place);
    while (status == STATUS_OK && more && read < bytes) {
        status = visit_block(store, statement, visit, context, &more, &length, why);
        if (status == STATUS_OK && more) {
            *place = sqlite3_column_int64(statement, 5);
            read += length;
        }
    }
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    *ret_end = !more;
    return status;
}

enum status store_check_file(struct store *store, bool indexes, bool *ret_sound, char *ret_detail, size_t capacity,
                             struct fault *why)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, indexes ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", -1,
                                    &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        *ret_sound = text != NULL && strcmp(text, "ok") == 0;
        if (snprintf(ret_detail, capacity, "%s", *ret_sound || text == NULL ? "" : text) < 0)
            ret_detail[0] = '\0';
    }
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? STATUS_OK : store_failure(store, sqlite3_extended_errcode(store->database), why);
}
