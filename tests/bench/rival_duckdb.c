/* rival_duckdb.c - DuckDB in this process: per transaction of 10,000 records the appender into a temporary table, an insert
 * that drops duplicates by key, and the sums. The library is opened by path, so that building needs nothing of it.
 *
 *   bench-duckdb LIBRARY FILE RECORDS SEED */
#include "rival.h"

#include <dlfcn.h>

struct result {
    char room[256]; /* more than any version's duckdb_result */
};

struct duckdb {
    void *library;
    int (*open)(const char *path, void **database);
    int (*connect)(void *database, void **connection);
    int (*query)(void *connection, const char *sql, struct result *result);
    const char *(*error)(struct result *result);
    void (*destroy_result)(struct result *result);
    int64_t (*value)(struct result *result, uint64_t column, uint64_t row);
    int (*appender)(void *connection, const char *schema, const char *table, void **appender);
    int (*append32)(void *appender, int32_t value);
    int (*append64)(void *appender, int64_t value);
    int (*end_row)(void *appender);
    int (*flush)(void *appender);
    void (*disconnect)(void **connection);
    void (*close)(void **database);
    int (*destroy_appender)(void **appender);
};

/* POSIX lets a symbol's address become a function's this way only. */
static void load(struct duckdb *duckdb, const char *name, void *ret_function)
{
    void *symbol = dlsym(duckdb->library, name);
    if (symbol == NULL)
        rival_die(name);
    memcpy(ret_function, &symbol, sizeof symbol);
}

static void load_all(struct duckdb *duckdb, const char *path)
{
    duckdb->library = dlopen(path, RTLD_NOW);
    if (duckdb->library == NULL)
        rival_die(dlerror());
    load(duckdb, "duckdb_open", &duckdb->open);
    load(duckdb, "duckdb_connect", &duckdb->connect);
    load(duckdb, "duckdb_query", &duckdb->query);
    load(duckdb, "duckdb_result_error", &duckdb->error);
    load(duckdb, "duckdb_destroy_result", &duckdb->destroy_result);
    load(duckdb, "duckdb_value_int64", &duckdb->value);
    load(duckdb, "duckdb_appender_create", &duckdb->appender);
    load(duckdb, "duckdb_append_int32", &duckdb->append32);
    load(duckdb, "duckdb_append_int64", &duckdb->append64);
    load(duckdb, "duckdb_appender_end_row", &duckdb->end_row);
    load(duckdb, "duckdb_appender_flush", &duckdb->flush);
    load(duckdb, "duckdb_appender_destroy", &duckdb->destroy_appender);
    load(duckdb, "duckdb_disconnect", &duckdb->disconnect);
    load(duckdb, "duckdb_close", &duckdb->close);
}

static int64_t run(const struct duckdb *duckdb, void *connection, const char *sql, bool is_question)
{
    struct result result = {{0}};
    if (duckdb->query(connection, sql, &result) != 0)
        rival_die(duckdb->error(&result));
    const int64_t found = is_question ? duckdb->value(&result, 0, 0) : 0;
    duckdb->destroy_result(&result);
    return found;
}

static void append(const struct duckdb *duckdb, void *appender, struct rival_row row)
{
    int bad = duckdb->append32(appender, row.agent) | duckdb->append64(appender, row.seq);
    bad |= duckdb->append32(appender, row.element) | duckdb->append32(appender, row.unit);
    bad |= duckdb->append32(appender, row.month) | duckdb->append32(appender, 0) | duckdb->append32(appender, 0);
    bad |= duckdb->append64(appender, row.value) | duckdb->end_row(appender);
    if (bad != 0)
        rival_die("append");
}

int main(int argc, char *argv[])
{
    struct duckdb duckdb;
    void *database = NULL, *connection = NULL, *appender = NULL;
    if (argc != 5)
        rival_die("usage: bench-duckdb LIBRARY FILE RECORDS SEED");
    const uint64_t records = strtoull(argv[3], NULL, 10), seed = strtoull(argv[4], NULL, 10);
    load_all(&duckdb, argv[1]);
    if (duckdb.open(argv[2], &database) != 0 || duckdb.connect(database, &connection) != 0)
        rival_die("open");
    run(&duckdb, connection,
        "CREATE TABLE record(agent INTEGER, seq BIGINT, element INTEGER, unit INTEGER, period INTEGER, revision INTEGER,"
        " status INTEGER, value BIGINT, PRIMARY KEY(agent, seq))", false);
    run(&duckdb, connection,
        "CREATE TABLE total(period INTEGER, unit INTEGER, element INTEGER, reported BIGINT, sum BIGINT,"
        " PRIMARY KEY(period, unit, element))", false);
    run(&duckdb, connection,
        "CREATE TEMP TABLE arrived(agent INTEGER, seq BIGINT, element INTEGER, unit INTEGER, period INTEGER,"
        " revision INTEGER, status INTEGER, value BIGINT)", false);
    const double started = bench_seconds(CLOCK_MONOTONIC);
    for (uint64_t row = 0; row < records;) {
        run(&duckdb, connection, "BEGIN", false);
        if (duckdb.appender(connection, NULL, "arrived", &appender) != 0)
            rival_die("appender");
        for (int i = 0; i < RIVAL_COMMIT && row < records; i++)
            append(&duckdb, appender, rival_row(row++, seed));
        if (duckdb.destroy_appender(&appender) != 0)
            rival_die("flush");
        run(&duckdb, connection,
            "INSERT INTO total SELECT period, unit, element, count(*), sum(value) FROM arrived"
            " WHERE NOT EXISTS (SELECT 1 FROM record WHERE record.agent = arrived.agent AND record.seq = arrived.seq)"
            " GROUP BY 1, 2, 3 ON CONFLICT DO UPDATE SET reported = reported + excluded.reported,"
            " sum = sum + excluded.sum", false);
        run(&duckdb, connection, "INSERT INTO record SELECT * FROM arrived ON CONFLICT DO NOTHING", false);
        run(&duckdb, connection, "DELETE FROM arrived", false);
        run(&duckdb, connection, "COMMIT", false);
    }
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    const int code = rival_report(records, run(&duckdb, connection, "SELECT count(*) FROM record", true),
                                  run(&duckdb, connection, "SELECT sum(sum)::BIGINT FROM total", true),
                                  rival_sum(records, seed), seconds);
    duckdb.disconnect(&connection);
    duckdb.close(&database);
    return code;
}
