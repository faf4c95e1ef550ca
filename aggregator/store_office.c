/* store_office.c - what lies beside the ledger: catalogues in force, alerts, agents. */
#include "store_inside.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- catalogues in force ------------------------------------------------------------------------------------------- */

static bool read_newest(sqlite3_stmt *statement, void *into)
{
    struct catalogue_row *newest = into;
    newest->version = sqlite3_column_int64(statement, 0);
    return store_read_blob(statement, 1, newest->hash, SEAL_HASH);
}

/* The newest kept version: *ret_version 0 when there is none. */
static enum status newest_catalogue(struct store *store, int64_t *ret_version, unsigned char ret_hash[SEAL_HASH],
                                    struct fault *why)
{
    sqlite3_stmt *statement;
    struct catalogue_row newest = {0};
    bool found;
    enum status status = store_statement(store, STATEMENT_CATALOGUE, &statement, why);
    if (status == STATUS_OK)
        status = store_row(store, statement, read_newest, "catalogue", &newest, &found, why);
    if (status != STATUS_OK)
        return status;
    *ret_version = newest.version;
    memcpy(ret_hash, newest.hash, SEAL_HASH);
    return STATUS_OK;
}

static enum status add_catalogue(struct store *store, const struct catalogue *catalogue, struct fault *why)
{
    const struct catalogue_file *files;
    const size_t count = catalogue_files(catalogue, &files);
    sqlite3_stmt *statement;
    int64_t version;
    enum status status = store_statement(store, STATEMENT_CATALOGUE_ADD, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_blob(statement, 1, catalogue->hash, SEAL_HASH);
    status = store_run(store, statement, why);
    version = sqlite3_last_insert_rowid(store->database);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = store_statement(store, STATEMENT_CATALOGUE_FILE_ADD, &statement, why);
        if (status != STATUS_OK)
            break;
        sqlite3_bind_int64(statement, 1, version);
        store_bind_text(statement, 2, files[i].name);
        store_bind_blob(statement, 3, files[i].bytes, files[i].length);
        status = store_run(store, statement, why);
    }
    return status;
}

enum status store_save_catalogue(struct store *store, const struct catalogue *catalogue, struct fault *why)
{
    const bool is_own = !store->inside; /* the program calls this at start, outside any transaction */
    unsigned char hash[SEAL_HASH];
    int64_t version = 0;
    enum status status = is_own ? store_begin(store, why) : STATUS_OK;
    if (status == STATUS_OK)
        status = newest_catalogue(store, &version, hash, why);
    if (status == STATUS_OK && (version == 0 || memcmp(hash, catalogue->hash, SEAL_HASH) != 0))
        status = add_catalogue(store, catalogue, why);
    if (status == STATUS_OK && is_own)
        status = store_commit(store, why);
    return status;
}

struct kept_files {
    struct catalogue_file *items;
    size_t count, capacity;
};

static void free_files(struct kept_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        free((void *)(uintptr_t)files->items[i].name);
        free((void *)(uintptr_t)files->items[i].bytes);
    }
    free(files->items);
}

static enum status read_files(struct store *store, int64_t version, struct kept_files *files, struct fault *why)
{
    sqlite3_stmt *statement;
    bool row;
    enum status status = store_statement(store, STATEMENT_CATALOGUE_FILES, &statement, why);
    if (status != STATUS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, version);
    for (;;) {
        status = store_step(store, statement, &row, why);
        if (status != STATUS_OK || !row)
            break;
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *bytes = sqlite3_column_blob(statement, 1);
        const size_t length = (size_t)sqlite3_column_bytes(statement, 1);
        if (name == NULL) {
            status = store_damaged(store, "catalogue_file: name", why);
            break;
        }
        files->items = memory_grow(files->items, &files->capacity, files->count + 1, sizeof *files->items);
        files->items[files->count++] = (struct catalogue_file){
            memory_copy_text(name), memory_copy_text_length(bytes == NULL ? "" : bytes, length), length};
    }
    sqlite3_reset(statement);
    return status;
}

/* One flipped bit may well be another catalogue, with another meaning of every figure. */
static enum status refuse_other_catalogue(struct store *store, struct catalogue **catalogue, struct fault *why)
{
    catalogue_free(catalogue);
    fault_set(why, MESSAGE_STORE_FAILED, store->path, "catalogue", NULL);
    return STATUS_REFUSED;
}

enum status store_load_catalogue_version(struct store *store, int64_t version, const unsigned char hash[SEAL_HASH],
                                         struct catalogue **ret_catalogue, struct findings *findings, struct fault *why)
{
    struct kept_files files = {0};
    enum status status = read_files(store, version, &files, why);
    if (status == STATUS_OK)
        status = catalogue_load_files(files.items, files.count, ret_catalogue, findings, why);
    free_files(&files);
    if (status == STATUS_OK && memcmp((*ret_catalogue)->hash, hash, SEAL_HASH) != 0)
        status = refuse_other_catalogue(store, ret_catalogue, why);
    return status;
}

enum status store_load_catalogue(struct store *store, struct catalogue **ret_catalogue, struct findings *findings,
                                 struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    int64_t version = 0;
    const enum status status = newest_catalogue(store, &version, hash, why);
    if (status == STATUS_OK && version == 0) {
        fault_set(why, MESSAGE_STORE_WITHOUT_CATALOGUE, store->path, NULL);
        return STATUS_AGAIN;
    }
    return status == STATUS_OK ? store_load_catalogue_version(store, version, hash, ret_catalogue, findings, why)
                               : status;
}

enum status store_load_catalogue_of(struct store *store, const unsigned char hash[SEAL_HASH],
                                    struct catalogue **ret_catalogue, struct findings *findings, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found = false;
    uint64_t version = 0;
    enum status status = store_statement(store, STATEMENT_CATALOGUE_OF, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_blob(statement, 1, hash, SEAL_HASH);
    status = store_number(store, statement, &version, &found, why);
    if (status != STATUS_OK)
        return status;
    *ret_catalogue = NULL;
    return found ? store_load_catalogue_version(store, (int64_t)version, hash, ret_catalogue, findings, why) : STATUS_OK;
}

/* ---- alerts ------------------------------------------------------------------------------------------------------------ */

static bool read_alert(sqlite3_stmt *statement, void *into)
{
    struct alert_row *row = into;
    row->since = sqlite3_column_int64(statement, 7);
    return store_read_text(statement, 0, row->alert, sizeof row->alert) &&
           store_read_text(statement, 1, row->kind, sizeof row->kind) &&
           store_read_text(statement, 2, row->state, sizeof row->state) &&
           store_read_text(statement, 3, row->severity, sizeof row->severity) &&
           store_read_text(statement, 4, row->subject, sizeof row->subject) &&
           store_read_text(statement, 5, row->unit, sizeof row->unit) &&
           store_read_text(statement, 6, row->office, sizeof row->office) &&
           store_read_text(statement, 8, row->detail, sizeof row->detail) &&
           store_read_text(statement, 9, row->acked_by, sizeof row->acked_by) &&
           store_read_text(statement, 10, row->note, sizeof row->note);
}

enum status store_alerts(struct store *store, struct alert_row **ret_rows, size_t *ret_count, struct fault *why)
{
    void *rows;
    const enum status status = store_all_rows(store, STATEMENT_ALERTS, read_alert, sizeof(struct alert_row),
                                              "alert", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_save_alert(struct store *store, const struct alert_row *row, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_ALERT_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, row->alert);
    store_bind_text(statement, 2, row->kind);
    store_bind_text(statement, 3, row->state);
    store_bind_text(statement, 4, row->severity);
    store_bind_text(statement, 5, row->subject);
    store_bind_text(statement, 6, row->unit);
    store_bind_text(statement, 7, row->office);
    sqlite3_bind_int64(statement, 8, row->since);
    store_bind_text(statement, 9, row->detail);
    store_bind_text(statement, 10, row->acked_by);
    store_bind_text(statement, 11, row->note);
    return store_run(store, statement, why);
}

/* ---- agents ------------------------------------------------------------------------------------------------------------ */

static bool read_agent(sqlite3_stmt *statement, void *into)
{
    struct agent_row *row = into;
    row->connected = sqlite3_column_int(statement, 1) != 0;
    row->last_seen = sqlite3_column_int64(statement, 2);
    row->last_submission = sqlite3_column_int64(statement, 3);
    row->backlog = (uint64_t)sqlite3_column_int64(statement, 4);
    row->refused = (uint64_t)sqlite3_column_int64(statement, 5);
    row->clock_skew_ms = sqlite3_column_int64(statement, 6);
    return store_read_text(statement, 0, row->agent, sizeof row->agent) &&
           store_read_text(statement, 7, row->software, sizeof row->software);
}

enum status store_agents(struct store *store, struct agent_row **ret_rows, size_t *ret_count, struct fault *why)
{
    void *rows;
    const enum status status = store_all_rows(store, STATEMENT_AGENTS, read_agent, sizeof(struct agent_row),
                                              "agent", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_save_agent(struct store *store, const struct agent_row *row, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_AGENT_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, row->agent);
    sqlite3_bind_int(statement, 2, row->connected);
    sqlite3_bind_int64(statement, 3, row->last_seen);
    sqlite3_bind_int64(statement, 4, row->last_submission);
    store_bind_number(statement, 5, row->backlog);
    store_bind_number(statement, 6, row->refused);
    sqlite3_bind_int64(statement, 7, row->clock_skew_ms);
    store_bind_text(statement, 8, row->software);
    return store_run(store, statement, why);
}
