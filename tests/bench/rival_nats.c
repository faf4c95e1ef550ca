/* rival_nats.c - NATS JetStream in front of SQLite: records published 1000 a message to a file stream (its acknowledgement
 * is not a sync), then a pull consumer that stores keyed rows and sums in SQLite, FULL, a commit every 10,000 records,
 * and acknowledges after the commit.
 *
 *   bench-nats PORT FILE RECORDS SEED */
#include "rival.h"

#include <sqlite3.h>

#define A_MESSAGE 1000
#define WINDOW 64
#define FETCH (RIVAL_COMMIT / A_MESSAGE)

struct nats {
    int file;
    char *bytes;
    size_t at, end, capacity;
};

struct message {
    char reply[256];
    const char *payload; /* till the next call */
    size_t length;
};

static void need(struct nats *nats, size_t length)
{
    if (nats->at > 0 && nats->capacity - nats->at < length) {
        memmove(nats->bytes, nats->bytes + nats->at, nats->end - nats->at);
        nats->end -= nats->at;
        nats->at = 0;
    }
    while (nats->end - nats->at < length) {
        const ssize_t got = recv(nats->file, nats->bytes + nats->end, nats->capacity - nats->end, 0);
        if (got <= 0)
            rival_die("the server hung up");
        nats->end += (size_t)got;
    }
}

static void read_line(struct nats *nats, char *line, size_t capacity)
{
    size_t length = 0;
    for (;;) {
        need(nats, 1);
        const char byte = nats->bytes[nats->at++];
        if (byte == '\n')
            break;
        if (byte != '\r' && length + 1 < capacity)
            line[length++] = byte;
    }
    line[length] = '\0';
}

/* The next message; answers pings on the way. */
static void next_message(struct nats *nats, struct message *message)
{
    char line[1024], words[4][256];
    for (;;) {
        read_line(nats, line, sizeof line);
        if (strncmp(line, "PING", 4) == 0)
            rival_send(nats->file, "PONG\r\n", 6);
        if (strncmp(line, "-ERR", 4) == 0)
            rival_die(line);
        if (strncmp(line, "MSG ", 4) == 0)
            break;
    }
    /* MSG subject sid [reply] length */
    const int count = sscanf(line + 4, "%255s %255s %255s %255s", words[0], words[1], words[2], words[3]);
    message->length = strtoull(words[count - 1], NULL, 10);
    message->reply[0] = '\0';
    if (count == 4)
        memcpy(message->reply, words[2], sizeof words[2]);
    need(nats, message->length + 2);
    message->payload = nats->bytes + nats->at;
    nats->at += message->length + 2;
}

static void publish(struct nats *nats, const char *subject, const char *reply, const void *payload, size_t length)
{
    char head[640];
    const int size = snprintf(head, sizeof head, "PUB %s %s %zu\r\n", subject, reply, length);
    rival_send(nats->file, head, (size_t)size);
    rival_send(nats->file, payload, length);
    rival_send(nats->file, "\r\n", 2);
}

static void request(struct nats *nats, const char *subject, const char *json)
{
    struct message message;
    char text[512];
    publish(nats, subject, "_INBOX.b", json, strlen(json));
    next_message(nats, &message);
    (void)snprintf(text, sizeof text, "%.*s", (int)(message.length < 500 ? message.length : 500), message.payload);
    if (strstr(text, "\"error\"") != NULL)
        rival_die(text);
}

static void publish_all(struct nats *nats, uint64_t records, uint64_t seed)
{
    static struct rival_row rows[A_MESSAGE];
    struct message message;
    uint64_t out = 0;
    for (uint64_t row = 0; row < records;) {
        size_t count = 0;
        while (count < A_MESSAGE && row < records)
            rows[count++] = rival_row(row++, seed);
        publish(nats, "records", "_INBOX.b", rows, count * sizeof rows[0]);
        if (++out > WINDOW) {
            next_message(nats, &message);
            out--;
        }
    }
    for (; out > 0; out--)
        next_message(nats, &message);
}

static void run(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        rival_die(sqlite3_errmsg(database));
}

static void step(sqlite3 *database, sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        rival_die(sqlite3_errmsg(database));
    sqlite3_reset(statement);
}

static void store(sqlite3 *database, sqlite3_stmt *insert, sqlite3_stmt *add, struct rival_row row)
{
    sqlite3_bind_int(insert, 1, row.agent);
    sqlite3_bind_int64(insert, 2, row.seq);
    sqlite3_bind_int(insert, 3, row.element);
    sqlite3_bind_int(insert, 4, row.unit);
    sqlite3_bind_int(insert, 5, row.month);
    sqlite3_bind_int64(insert, 6, row.value);
    step(database, insert);
    if (sqlite3_changes(database) == 0)
        return;
    sqlite3_bind_int(add, 1, row.month);
    sqlite3_bind_int(add, 2, row.unit);
    sqlite3_bind_int(add, 3, row.element);
    sqlite3_bind_int64(add, 4, row.value);
    step(database, add);
}

static void consume_all(struct nats *nats, sqlite3 *database, sqlite3_stmt *insert, sqlite3_stmt *add, uint64_t records)
{
    static char replies[FETCH][256];
    char question[64];
    for (uint64_t stored = 0; stored < records;) {
        const uint64_t left = (records - stored + A_MESSAGE - 1) / A_MESSAGE;
        const int fetch = left < FETCH ? (int)left : FETCH;
        (void)snprintf(question, sizeof question, "{\"batch\":%d,\"expires\":30000000000}", fetch);
        publish(nats, "$JS.API.CONSUMER.MSG.NEXT.R.C", "_INBOX.b", question, strlen(question));
        run(database, "BEGIN IMMEDIATE");
        for (int i = 0; i < fetch; i++) {
            struct message message;
            struct rival_row row;
            next_message(nats, &message);
            memcpy(replies[i], message.reply, sizeof message.reply);
            for (size_t at = 0; at + sizeof row <= message.length; at += sizeof row, stored++) {
                memcpy(&row, message.payload + at, sizeof row);
                store(database, insert, add, row);
            }
        }
        run(database, "COMMIT");
        for (int i = 0; i < fetch; i++)
            publish(nats, replies[i], "", "+ACK", 4);
    }
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

static void greet(struct nats *nats, int port)
{
    static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB _INBOX.b 1\r\nPING\r\n";
    char line[2048] = "";
    nats->capacity = 4 << 20;
    nats->bytes = malloc(nats->capacity);
    if (nats->bytes == NULL)
        rival_die("no memory");
    nats->file = rival_connect(port);
    read_line(nats, line, sizeof line);
    rival_send(nats->file, hello, sizeof hello - 1);
    while (strncmp(line, "PONG", 4) != 0)
        read_line(nats, line, sizeof line);
}

int main(int argc, char *argv[])
{
    struct nats nats = {0};
    sqlite3 *database = NULL;
    sqlite3_stmt *insert = NULL, *add = NULL;
    if (argc != 5)
        rival_die("usage: bench-nats PORT FILE RECORDS SEED");
    const uint64_t records = strtoull(argv[3], NULL, 10), seed = strtoull(argv[4], NULL, 10);
    if (sqlite3_open(argv[2], &database) != SQLITE_OK)
        rival_die(argv[2]);
    run(database,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE record(agent INTEGER, seq INTEGER, element INTEGER, unit INTEGER, period INTEGER, value INTEGER,"
        " PRIMARY KEY(agent, seq)) WITHOUT ROWID;"
        "CREATE TABLE total(period INTEGER, unit INTEGER, element INTEGER, reported INTEGER, sum INTEGER,"
        " PRIMARY KEY(period, unit, element)) WITHOUT ROWID;");
    if (sqlite3_prepare_v2(database, "INSERT OR IGNORE INTO record VALUES(?1, ?2, ?3, ?4, ?5, ?6)", -1, &insert, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(database,
                           "INSERT INTO total VALUES(?1, ?2, ?3, 1, ?4) ON CONFLICT DO UPDATE SET"
                           " reported = reported + 1, sum = sum + excluded.sum",
                           -1, &add, NULL) != SQLITE_OK)
        rival_die(sqlite3_errmsg(database));
    greet(&nats, (int)strtol(argv[1], NULL, 10));
    request(&nats, "$JS.API.STREAM.CREATE.R", "{\"name\":\"R\",\"subjects\":[\"records\"],\"storage\":\"file\"}");
    request(&nats, "$JS.API.CONSUMER.DURABLE.CREATE.R.C",
            "{\"stream_name\":\"R\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\"}}");
    const double started = bench_seconds(CLOCK_MONOTONIC);
    publish_all(&nats, records, seed);
    consume_all(&nats, database, insert, add, records);
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    sqlite3_finalize(insert);
    sqlite3_finalize(add);
    const int code = rival_report(records, number(database, "SELECT count(*) FROM record"),
                                  number(database, "SELECT sum(sum) FROM total"), rival_sum(records, seed), seconds);
    sqlite3_close(database);
    close(nats.file);
    free(nats.bytes);
    return code;
}
