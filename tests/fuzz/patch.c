/* patch.c - changes to sound files. */
#include "patch.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static uint32_t number(struct fuzz_input *input, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | fuzz_byte(input);
    return value;
}

static void change_run(struct fuzz_input *input, char *bytes, size_t length, bool zero)
{
    const size_t at = number(input, 3) % length;
    const size_t asked = zero ? number(input, 2) : number(input, 1);
    const size_t run = asked < length - at ? asked : length - at;
    for (size_t i = 0; i < run; i++)
        bytes[at + i] = zero ? 0 : (char)fuzz_byte(input);
}

void patch_bytes(struct fuzz_input *input, char *bytes, size_t *length)
{
    while (input->left > 0 && *input->at < 6 && *length > 0) {
        const uint8_t kind = fuzz_byte(input);
        if (kind == 4)
            *length = number(input, 3) % *length;
        else
            change_run(input, bytes, *length, kind == 5);
    }
}

/* The n-th name of a list of names, counted modulo their number; false when there is none. */
static bool pick(sqlite3 *db, const char *sql, uint32_t which, char *ret_name, size_t capacity)
{
    sqlite3_stmt *statement = NULL;
    uint32_t count = 0;
    bool found = false;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return false;
    while (sqlite3_step(statement) == SQLITE_ROW)
        count++;
    (void)sqlite3_reset(statement);
    for (uint32_t i = 0; count > 0 && i <= which % count && sqlite3_step(statement) == SQLITE_ROW; i++)
        if (i == which % count) {
            const unsigned char *name = sqlite3_column_text(statement, 0);
            found = name != NULL && snprintf(ret_name, capacity, "%s", (const char *)name) < (int)capacity;
        }
    (void)sqlite3_finalize(statement);
    return found;
}

static void bind(sqlite3_stmt *statement, uint32_t type, const char *bytes, size_t length)
{
    struct fuzz_input value = {(const uint8_t *)bytes, length};
    switch (type % 5) {
    case 0: (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)fuzz_number(&value)); break;
    case 1: (void)sqlite3_bind_blob(statement, 1, bytes, (int)length, SQLITE_TRANSIENT); break;
    case 2: (void)sqlite3_bind_text(statement, 1, bytes, (int)length, SQLITE_TRANSIENT); break;
    case 3: (void)sqlite3_bind_null(statement, 1); break;
    default: (void)sqlite3_bind_int64(statement, 1, length == 0 ? -1 : (sqlite3_int64)bytes[0]); break;
    }
}

static void change_cell(struct fuzz_input *input, sqlite3 *db)
{
    char table[64], column[64], sql[512], bytes[256];
    const uint32_t which_table = number(input, 1), which_column = number(input, 1), row = number(input, 1),
                   type = number(input, 1), length = number(input, 1);
    sqlite3_stmt *statement = NULL;
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (char)fuzz_byte(input);
    if (!pick(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%WITHOUT ROWID%'"
                  " AND name NOT LIKE 'sqlite%' ORDER BY name", which_table, table, sizeof table))
        return;
    (void)snprintf(sql, sizeof sql, "SELECT name FROM pragma_table_info('%s')", table);
    if (!pick(db, sql, which_column, column, sizeof column))
        return;
    (void)snprintf(sql, sizeof sql, "UPDATE \"%s\" SET \"%s\" = ?1 WHERE rowid = (SELECT rowid FROM \"%s\" ORDER BY rowid"
                                    " LIMIT 1 OFFSET %u %% max(1, (SELECT count(*) FROM \"%s\")))",
                   table, column, table, (unsigned)row, table);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return;
    bind(statement, type, bytes, length);
    (void)sqlite3_step(statement); /* a constraint or a damaged page may refuse it */
    (void)sqlite3_finalize(statement);
}

void patch_database(struct fuzz_input *input, const char *path)
{
    sqlite3 *db = NULL;
    if (input->left == 0 || *input->at < 6)
        return;
    if (sqlite3_open(path, &db) == SQLITE_OK) {
        (void)sqlite3_exec(db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL);
        while (input->left > 0 && *input->at >= 6) {
            (void)fuzz_byte(input);
            change_cell(input, db);
        }
    }
    (void)sqlite3_close(db); /* writes the log back into the file */
}
