/* rival_sqlite.c - the yardstick: one prepared INSERT in a loop into a rowid table without any index, WAL,
 * synchronous=FULL, a commit every 10,000 rows. No network, no keys, no sums, nothing checked.
 *
 *   bench-sqlite FILE RECORDS SEED */
#include "rival.h"

#include <sqlite3.h>

static int fail(sqlite3 *database)
{
    fprintf(stderr, "bench-sqlite: %s\n", sqlite3_errmsg(database));
    sqlite3_close(database);
    return EXIT_FAILURE;
}

static int insert(sqlite3_stmt *statement, struct rival_row row)
{
    sqlite3_bind_int(statement, 1, row.agent);
    sqlite3_bind_int64(statement, 2, row.seq);
    sqlite3_bind_int(statement, 3, row.element);
    sqlite3_bind_int(statement, 4, row.unit);
    sqlite3_bind_int(statement, 5, row.month);
    sqlite3_bind_int(statement, 6, 0);
    sqlite3_bind_int(statement, 7, 0);
    sqlite3_bind_int64(statement, 8, row.value);
    const int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result;
}

static int64_t number(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t found = -1;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return found;
}

int main(int argc, char *argv[])
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    if (argc != 4) {
        fputs("usage: bench-sqlite FILE RECORDS SEED\n", stderr);
        return EXIT_FAILURE;
    }
    const uint64_t records = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10);
    if (sqlite3_open(argv[1], &database) != SQLITE_OK ||
        sqlite3_exec(database,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE record(agent INTEGER, seq INTEGER, element INTEGER, unit INTEGER, period INTEGER,"
                     " revision INTEGER, status INTEGER, value INTEGER);",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, "INSERT INTO record VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", -1, &statement, NULL) !=
            SQLITE_OK)
        return fail(database);
    const double started = bench_seconds(CLOCK_MONOTONIC);
    for (uint64_t row = 0; row < records;) {
        if (sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
            return fail(database);
        for (int i = 0; i < RIVAL_COMMIT && row < records; i++)
            if (insert(statement, rival_row(row++, seed)) != SQLITE_DONE)
                return fail(database);
        if (sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            return fail(database);
    }
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    sqlite3_finalize(statement);
    const int code = rival_report(records, number(database, "SELECT count(*) FROM record"),
                                  number(database, "SELECT sum(value) FROM record"), rival_sum(records, seed), seconds);
    return sqlite3_close(database) == SQLITE_OK ? code : EXIT_FAILURE;
}
