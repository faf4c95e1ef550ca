/* store_statements.c - statements and their rows: prepared, bound, stepped and read in one way everywhere, so that no row that
 * contradicts the schema is taken for data. */
#include "store_inside.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

static const char *const sql[STATEMENT_COUNT] = {
#define X(name, text) text,
    STORE_STATEMENTS(X)
#undef X
};

enum status store_statement(struct store *store, enum statement which, sqlite3_stmt **ret_statement, struct fault *why)
{
    sqlite3_stmt **statement = &store->statements[which];
    if (store->broken)
        return store_damaged(store, "closed after an earlier failure", why);
    if (*statement == NULL) {
        const int result = sqlite3_prepare_v3(store->database, sql[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
        if (result != SQLITE_OK)
            return store_failure(store, result, why);
    }
    sqlite3_reset(*statement);
    sqlite3_clear_bindings(*statement);
    *ret_statement = *statement;
    return STATUS_OK;
}

enum status store_step(struct store *store, sqlite3_stmt *statement, bool *ret_row, struct fault *why)
{
    const int result = sqlite3_step(statement);
    if (result == SQLITE_ROW || result == SQLITE_DONE) {
        *ret_row = result == SQLITE_ROW;
        return STATUS_OK;
    }
    sqlite3_reset(statement);
    return store_failure(store, sqlite3_extended_errcode(store->database), why);
}

enum status store_run(struct store *store, sqlite3_stmt *statement, struct fault *why)
{
    bool row;
    const enum status status = store_step(store, statement, &row, why);
    sqlite3_reset(statement);
    return status;
}

enum status store_row(struct store *store, sqlite3_stmt *statement, store_reader *read, const char *what, void *into,
                      bool *ret_found, struct fault *why)
{
    bool row, is_sound = true;
    const enum status status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    if (row)
        is_sound = read(statement, into);
    sqlite3_reset(statement);
    if (!is_sound)
        return store_damaged(store, what, why);
    *ret_found = row;
    return STATUS_OK;
}

static bool read_number(sqlite3_stmt *statement, void *into)
{
    *(uint64_t *)into = (uint64_t)sqlite3_column_int64(statement, 0);
    return true;
}

enum status store_number(struct store *store, sqlite3_stmt *statement, uint64_t *ret_number, bool *ret_found,
                         struct fault *why)
{
    return store_row(store, statement, read_number, "", ret_number, ret_found, why);
}

enum status store_rows(struct store *store, sqlite3_stmt *statement, store_reader *read, size_t size, const char *what,
                       void **ret_rows, size_t *ret_count, struct fault *why)
{
    unsigned char *rows = NULL;
    size_t count = 0, capacity = 0;
    bool row = true;
    enum status status = STATUS_OK;
    while ((status = store_step(store, statement, &row, why)) == STATUS_OK && row) {
        rows = memory_grow(rows, &capacity, count + 1, size);
        memset(rows + count * size, 0, size);
        if (!read(statement, rows + count++ * size)) {
            status = store_damaged(store, what, why);
            break;
        }
    }
    sqlite3_reset(statement);
    if (status == STATUS_OK) {
        *ret_rows = rows;
        *ret_count = count;
    } else {
        free(rows);
    }
    return status;
}

enum status store_all_rows(struct store *store, enum statement which, store_reader *read, size_t size, const char *what,
                           void **ret_rows, size_t *ret_count, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, which, &statement, why);
    return status == STATUS_OK ? store_rows(store, statement, read, size, what, ret_rows, ret_count, why) : status;
}

void store_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    /* Binding fails only for a wrong index (our bug) or for want of memory; then the row would violate NOT NULL. */
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

void store_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t length)
{
    sqlite3_bind_blob64(statement, index, length == 0 ? (const void *)"" : bytes, length, SQLITE_STATIC);
}

void store_bind_number(sqlite3_stmt *statement, int index, uint64_t number)
{
    sqlite3_bind_int64(statement, index, (sqlite3_int64)number);
}

bool store_read_text(sqlite3_stmt *statement, int column, char *ret_text, size_t capacity)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    const size_t length = (size_t)sqlite3_column_bytes(statement, column);
    if (text == NULL || length >= capacity)
        return false;
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
    return true;
}

bool store_read_blob(sqlite3_stmt *statement, int column, void *ret_bytes, size_t length)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (bytes == NULL || (size_t)sqlite3_column_bytes(statement, column) != length)
        return false;
    memcpy(ret_bytes, bytes, length);
    return true;
}

bool store_read_hash(sqlite3_stmt *statement, void *into)
{
    return store_read_blob(statement, 0, into, SEAL_HASH);
}

void store_keep_blob(sqlite3_stmt *statement, int column, struct memory *memory, const unsigned char **ret_bytes,
                     size_t *ret_length)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    const size_t length = (size_t)sqlite3_column_bytes(statement, column);
    memory->bytes = memory_grow(memory->bytes, &memory->capacity, length, 1);
    if (length != 0)
        memcpy(memory->bytes, bytes, length);
    *ret_bytes = memory->bytes;
    *ret_length = length;
}
