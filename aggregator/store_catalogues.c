/* store_catalogues.c - every catalogue that was in force, with its files: the one of its time decides what a record means. */
#include "store_inside.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- keeping -------------------------------------------------------------------------------------------------------- */

static bool read_catalogue(sqlite3_stmt *statement, void *into)
{
    struct catalogue_row *row = into;
    row->version = sqlite3_column_int64(statement, 0);
    row->after = (uint64_t)sqlite3_column_int64(statement, 2);
    return store_read_blob(statement, 1, row->hash, SEAL_HASH);
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
        status = store_row(store, statement, read_catalogue, "catalogue", &newest, &found, why);
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

/* ---- reading -------------------------------------------------------------------------------------------------------- */

enum status store_catalogues(struct store *store, struct catalogue_row **ret_rows, size_t *ret_count, struct fault *why)
{
    void *rows;
    const enum status status = store_all_rows(store, STATEMENT_CATALOGUES, read_catalogue, sizeof(struct catalogue_row),
                                              "catalogue", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_catalogue_files(struct store *store, int64_t version, store_file_visitor *visit, void *context,
                                  struct fault *why)
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
        const char *name = (const char *)sqlite3_column_text(statement, 0), *bytes = sqlite3_column_blob(statement, 1);
        if (name == NULL) {
            status = store_damaged(store, "catalogue_file: name", why);
            break;
        }
        visit(context, name, bytes == NULL ? "" : bytes, (size_t)sqlite3_column_bytes(statement, 1));
    }
    sqlite3_reset(statement);
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

static void keep_file(void *context, const char *name, const char *bytes, size_t length)
{
    struct kept_files *files = context;
    files->items = memory_grow(files->items, &files->capacity, files->count + 1, sizeof *files->items);
    files->items[files->count++] =
        (struct catalogue_file){memory_copy_text(name), memory_copy_text_length(bytes, length), length};
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
    enum status status = store_catalogue_files(store, version, keep_file, &files, why);
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
