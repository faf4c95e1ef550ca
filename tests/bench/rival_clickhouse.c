/* rival_clickhouse.c - ClickHouse over HTTP: 100,000 rows a POST into a MergeTree table with a SummingMergeTree view of the
 * sums. It neither syncs nor drops duplicates.
 *
 *   bench-clickhouse PORT RECORDS SEED */
#include "rival.h"

#define ROWS_A_POST 100000
#define ROW_BYTES 40

/* Posts and gives the body of the answer in `answer`. */
static void post(int port, const char *query, const void *body, size_t length, char *answer, size_t capacity)
{
    char head[1024];
    size_t got = 0;
    ssize_t part;
    const int size = snprintf(head, sizeof head,
                              "POST /?query=%s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", query, length);
    const int file = rival_connect(port);
    if (size < 0 || (size_t)size >= sizeof head)
        rival_die("query too long");
    rival_send(file, head, (size_t)size);
    rival_send(file, body, length);
    while (got + 1 < capacity && (part = recv(file, answer + got, capacity - 1 - got, 0)) > 0)
        got += (size_t)part;
    answer[got] = '\0';
    close(file);
    if (strstr(answer, " 200 ") == NULL)
        rival_die(answer);
}

static void statement(int port, const char *sql)
{
    char answer[4096];
    post(port, "", sql, strlen(sql), answer, sizeof answer);
}

static int64_t number(int port, const char *sql)
{
    char answer[4096];
    post(port, "", sql, strlen(sql), answer, sizeof answer);
    const char *body = strstr(answer, "\r\n\r\n");
    return body == NULL ? -1 : strtoll(body + 4, NULL, 10);
}

static char *put(char *at, const void *value, size_t bytes)
{
    memcpy(at, value, bytes);
    return at + bytes;
}

static char *put_row(char *at, struct rival_row row)
{
    const int32_t none = 0;
    at = put(at, &row.agent, 4);
    at = put(at, &row.seq, 8);
    at = put(at, &row.element, 4);
    at = put(at, &row.unit, 4);
    at = put(at, &row.month, 4);
    at = put(at, &none, 4);
    at = put(at, &none, 4);
    return put(at, &row.value, 8);
}

int main(int argc, char *argv[])
{
    char answer[4096];
    if (argc != 4)
        rival_die("usage: bench-clickhouse PORT RECORDS SEED");
    const int port = (int)strtol(argv[1], NULL, 10);
    const uint64_t records = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10);
    char *buffer = malloc((size_t)ROWS_A_POST * ROW_BYTES);
    if (buffer == NULL)
        rival_die("no memory");
    statement(port, "DROP TABLE IF EXISTS total");
    statement(port, "DROP TABLE IF EXISTS record");
    statement(port, "CREATE TABLE record(agent Int32, seq Int64, element Int32, unit Int32, period Int32, revision Int32,"
                    " status Int32, value Int64) ENGINE = MergeTree() ORDER BY (agent, seq)");
    statement(port, "CREATE MATERIALIZED VIEW total ENGINE = SummingMergeTree() ORDER BY (period, unit, element) AS"
                    " SELECT period, unit, element, count() AS reported, sum(value) AS sum FROM record"
                    " GROUP BY period, unit, element");
    const double started = bench_seconds(CLOCK_MONOTONIC);
    for (uint64_t row = 0; row < records;) {
        char *at = buffer;
        for (int i = 0; i < ROWS_A_POST && row < records; i++)
            at = put_row(at, rival_row(row++, seed));
        post(port, "INSERT%20INTO%20record%20FORMAT%20RowBinary", buffer, (size_t)(at - buffer), answer, sizeof answer);
    }
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    free(buffer);
    return rival_report(records, number(port, "SELECT count() FROM record"), number(port, "SELECT sum(sum) FROM total"),
                        rival_sum(records, seed), seconds);
}
