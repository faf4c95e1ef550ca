/* store_about.c - what is noted once about the whole store, by name: numbers and short blobs in the table `about`. */
#include "store_inside.h"

#include <string.h>

enum status store_about(struct store *store, const char *name, sqlite3_stmt **ret_statement, struct fault *why)
{
    const enum status status = store_statement(store, STATEMENT_ABOUT, ret_statement, why);
    if (status == STATUS_OK)
        store_bind_text(*ret_statement, 1, name);
    return status;
}

enum status store_about_number(struct store *store, const char *name, uint64_t *ret_number, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found;
    uint64_t number = 0;
    enum status status = store_about(store, name, &statement, why);
    if (status == STATUS_OK)
        status = store_number(store, statement, &number, &found, why);
    if (status == STATUS_OK)
        *ret_number = number;
    return status;
}

enum status store_about_is(struct store *store, const char *name, const unsigned char hash[SEAL_HASH], bool *ret_is,
                           struct fault *why)
{
    unsigned char noted[SEAL_HASH];
    sqlite3_stmt *statement;
    bool row = false;
    enum status status = store_about(store, name, &statement, why);
    if (status == STATUS_OK)
        status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    *ret_is = row && store_read_blob(statement, 0, noted, sizeof noted) && memcmp(noted, hash, sizeof noted) == 0;
    sqlite3_reset(statement);
    return STATUS_OK;
}

static enum status set_about(struct store *store, const char *name, sqlite3_stmt **ret_statement, struct fault *why)
{
    const enum status status = store_statement(store, STATEMENT_ABOUT_SET, ret_statement, why);
    if (status == STATUS_OK)
        store_bind_text(*ret_statement, 1, name);
    return status;
}

enum status store_set_about(struct store *store, const char *name, const void *bytes, size_t length, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = set_about(store, name, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_blob(statement, 2, bytes, length);
    return store_run(store, statement, why);
}

enum status store_set_about_number(struct store *store, const char *name, uint64_t number, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = set_about(store, name, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 2, number);
    return store_run(store, statement, why);
}
