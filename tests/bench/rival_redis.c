/* rival_redis.c - a stream, XADD a record with its fields, 1000 in the pipe, appendfsync always on the server.
 *
 *   bench-redis PORT RECORDS SEED */
#include "rival.h"

#define PIPE 1000

struct answers {
    int file;
    char bytes[65536];
    size_t at, end;
};

static int next_byte(struct answers *answers)
{
    if (answers->at == answers->end) {
        const ssize_t got = recv(answers->file, answers->bytes, sizeof answers->bytes, 0);
        if (got <= 0)
            rival_die("the server hung up");
        answers->at = 0;
        answers->end = (size_t)got;
    }
    return (unsigned char)answers->bytes[answers->at++];
}

static void read_line(struct answers *answers, char *line, size_t capacity)
{
    size_t length = 0;
    int byte;
    while ((byte = next_byte(answers)) != '\n')
        if (length + 1 < capacity && byte != '\r')
            line[length++] = (char)byte;
    line[length] = '\0';
}

/* One answer; gives the number of an integer answer. */
static int64_t read_answer(struct answers *answers)
{
    char line[512];
    read_line(answers, line, sizeof line);
    if (line[0] == '-')
        rival_die(line);
    if (line[0] == '$')
        read_line(answers, line + 1, sizeof line - 1);
    return strtoll(line + 1, NULL, 10);
}

static size_t put_field(char *at, size_t left, const char *name, int64_t value)
{
    char digits[24];
    const int width = snprintf(digits, sizeof digits, "%" PRId64, value);
    const int length = snprintf(at, left, "$%zu\r\n%s\r\n$%d\r\n%s\r\n", strlen(name), name, width, digits);
    if (length < 0 || (size_t)length >= left)
        rival_die("no room");
    return (size_t)length;
}

static size_t put_row(char *at, size_t left, struct rival_row row)
{
    static const char head[] = "*17\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n";
    const struct { const char *name; int64_t value; } fields[] = {{"agent", row.agent}, {"seq", row.seq},
        {"element", row.element}, {"unit", row.unit}, {"period", row.month}, {"revision", 0}, {"value", row.value}};
    size_t length = sizeof head - 1;
    memcpy(at, head, length);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        length += put_field(at + length, left - length, fields[i].name, fields[i].value);
    return length;
}

int main(int argc, char *argv[])
{
    struct answers answers = {0};
    if (argc != 4)
        rival_die("usage: bench-redis PORT RECORDS SEED");
    const uint64_t records = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10);
    const size_t room = (size_t)PIPE * 512;
    char *buffer = malloc(room);
    if (buffer == NULL)
        rival_die("no memory");
    answers.file = rival_connect((int)strtol(argv[1], NULL, 10));
    rival_send(answers.file, "DEL s\r\n", 7);
    (void)read_answer(&answers);
    const double started = bench_seconds(CLOCK_MONOTONIC);
    for (uint64_t row = 0; row < records;) {
        size_t length = 0;
        uint64_t count = 0;
        for (; count < PIPE && row < records; count++)
            length += put_row(buffer + length, room - length, rival_row(row++, seed));
        rival_send(answers.file, buffer, length);
        while (count-- > 0)
            (void)read_answer(&answers);
    }
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    rival_send(answers.file, "XLEN s\r\n", 8);
    const int64_t stored = read_answer(&answers), sum = rival_sum(records, seed);
    close(answers.file);
    free(buffer);
    return rival_report(records, stored, sum, sum, seconds);
}
