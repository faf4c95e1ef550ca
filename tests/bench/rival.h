/* rival.h - what the rivals of the bench share: the rows they get, a connection, and how they report. */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include "workload.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RIVAL_COMMIT 10000
#define RIVAL_UNITS 3
#define RIVAL_ELEMENTS 200
#define RIVAL_RUN 1000 /* records of one agent before the next has its turn */

struct rival_row {
    int32_t agent, element, unit, month;
    int64_t seq, value;
};

static inline struct rival_row rival_row(uint64_t row, uint64_t seed)
{
    const uint32_t agent = (uint32_t)(row / RIVAL_RUN % WORKLOAD_AGENTS);
    const uint64_t index = row / RIVAL_RUN / WORKLOAD_AGENTS * RIVAL_RUN + row % RIVAL_RUN;
    const struct workload_cell cell = workload_cell(WORKLOAD_RESTATE, seed, agent, index, RIVAL_UNITS, RIVAL_ELEMENTS);
    return (struct rival_row){.agent = (int32_t)agent,
                              .element = (int32_t)cell.element,
                              .unit = (int32_t)(agent * RIVAL_UNITS + cell.unit),
                              .month = (int32_t)cell.month,
                              .seq = (int64_t)index,
                              .value = cell.value};
}

/* What the sum of all values must be. */
static inline int64_t rival_sum(uint64_t records, uint64_t seed)
{
    int64_t sum = 0;
    for (uint64_t row = 0; row < records; row++)
        sum += rival_row(row, seed).value;
    return sum;
}

static inline int rival_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (file < 0 || connect(file, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(EXIT_FAILURE);
    }
    (void)setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return file;
}

static inline void rival_send(int file, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        const ssize_t sent = send(file, at, length, 0);
        if (sent <= 0) {
            perror("send");
            exit(EXIT_FAILURE);
        }
        at += sent;
        length -= (size_t)sent;
    }
}

static inline void rival_die(const char *what)
{
    fprintf(stderr, "rival: %s\n", what);
    exit(EXIT_FAILURE);
}

/* Fails when not everything that was sent is there. */
static inline int rival_report(uint64_t records, int64_t stored, int64_t sum, int64_t wanted_sum, double seconds)
{
    printf("{\"records\": %" PRId64 ", \"sum\": %" PRId64 ", \"seconds\": %.6f}\n", stored, sum, seconds);
    if (stored == (int64_t)records && sum == wanted_sum)
        return EXIT_SUCCESS;
    fprintf(stderr, "rival: %" PRIu64 " records with sum %" PRId64 " were sent\n", records, wanted_sum);
    return EXIT_FAILURE;
}

#endif
