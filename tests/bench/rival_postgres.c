/* rival_postgres.c - PostgreSQL as an office would use it for the same duty: per transaction of 10,000 records a binary
 * COPY into a temporary table, an insert that drops duplicates by (agent, seq), and the sums by element, unit and month.
 *
 *   bench-postgres CONNINFO RECORDS SEED */
#include "rival.h"

#include <libpq-fe.h>

#define FIELDS 8
#define ROW_BYTES (2 + 6 * 8 + 2 * 12)

static void run(PGconn *connection, const char *sql, ExecStatusType wanted)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != wanted)
        rival_die(PQerrorMessage(connection));
    PQclear(result);
}

static int64_t number(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        rival_die(PQerrorMessage(connection));
    const int64_t found = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return found;
}

static char *put(char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        *at++ = (char)(value >> (8 * i));
    return at;
}

static char *put_field(char *at, int64_t value, int bytes)
{
    at = put(at, (uint64_t)bytes, 4);
    return put(at, (uint64_t)value, bytes);
}

static char *put_row(char *at, struct rival_row row)
{
    at = put(at, FIELDS, 2);
    at = put_field(at, row.agent, 4);
    at = put_field(at, row.seq, 8);
    at = put_field(at, row.element, 4);
    at = put_field(at, row.unit, 4);
    at = put_field(at, row.month, 4);
    at = put_field(at, 0, 4);
    at = put_field(at, 0, 4);
    return put_field(at, row.value, 8);
}

static void copy(PGconn *connection, char *buffer, uint64_t first, uint64_t end, uint64_t seed)
{
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    char *at = buffer;
    memcpy(at, head, 19);
    at += 19;
    while (first < end)
        at = put_row(at, rival_row(first++, seed));
    at = put(at, 0xffff, 2);
    run(connection, "COPY arrived FROM STDIN BINARY", PGRES_COPY_IN);
    if (PQputCopyData(connection, buffer, (int)(at - buffer)) != 1 || PQputCopyEnd(connection, NULL) != 1)
        rival_die(PQerrorMessage(connection));
    PGresult *result;
    while ((result = PQgetResult(connection)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            rival_die(PQerrorMessage(connection));
        PQclear(result);
    }
}

int main(int argc, char *argv[])
{
    if (argc != 4)
        rival_die("usage: bench-postgres CONNINFO RECORDS SEED");
    const uint64_t records = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10);
    char *buffer = malloc(64 + (size_t)RIVAL_COMMIT * ROW_BYTES);
    PGconn *connection = PQconnectdb(argv[1]);
    if (buffer == NULL || PQstatus(connection) != CONNECTION_OK)
        rival_die(PQerrorMessage(connection));
    run(connection,
        "SET client_min_messages = warning; DROP TABLE IF EXISTS record, total;"
        "CREATE TABLE record(agent int4, seq int8, element int4, unit int4, period int4, revision int4, status int4,"
        " value int8, PRIMARY KEY(agent, seq));"
        "CREATE TABLE total(element int4, unit int4, period int4, reported int8, sum int8,"
        " PRIMARY KEY(period, unit, element));"
        "CREATE TEMP TABLE arrived(agent int4, seq int8, element int4, unit int4, period int4, revision int4, status int4,"
        " value int8) ON COMMIT DELETE ROWS",
        PGRES_COMMAND_OK);
    const double started = bench_seconds(CLOCK_MONOTONIC);
    for (uint64_t row = 0; row < records; row += RIVAL_COMMIT) {
        run(connection, "BEGIN", PGRES_COMMAND_OK);
        copy(connection, buffer, row, row + RIVAL_COMMIT < records ? row + RIVAL_COMMIT : records, seed);
        run(connection,
            "WITH new AS (INSERT INTO record SELECT * FROM arrived ON CONFLICT DO NOTHING"
            " RETURNING element, unit, period, value)"
            " INSERT INTO total SELECT element, unit, period, count(*), sum(value) FROM new GROUP BY 1, 2, 3"
            " ON CONFLICT(period, unit, element) DO UPDATE SET reported = total.reported + excluded.reported,"
            " sum = total.sum + excluded.sum",
            PGRES_COMMAND_OK);
        run(connection, "COMMIT", PGRES_COMMAND_OK);
    }
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    const int code = rival_report(records, number(connection, "SELECT count(*) FROM record"),
                                  number(connection, "SELECT sum(sum)::int8 FROM total"), rival_sum(records, seed), seconds);
    PQfinish(connection);
    free(buffer);
    return code;
}
