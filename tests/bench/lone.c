/* lone.c - one small submission at a time to an aggregator at rest: how long from the moment it is safe in the outbox to
 * the moment the collector knows that the office has it. Between them is silence. Beside it the disk's own time for
 * fdatasync after an append, measured in the same minute on the same file system.
 *
 *   bench-lone COLLECTOR.yaml OUTBOX RECORDS ROUNDS */
#include "workload.h"

#include "catalogue.h"
#include "keys.h"
#include "memory.h"
#include "outbox.h"
#include "publisher.h"
#include "settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define PAUSE_MS 60
#define PATIENCE_SECONDS 10.0
#define APPENDED 4096

struct lone {
    struct collector_settings settings;
    struct secret_key key;
    struct public_key aggregator;
    struct catalogue *catalogue;
    struct findings findings;
    struct outbox *outbox;
    struct publisher *publisher;
    uint32_t unit;
};

static int64_t now_ms(void)
{
    return (int64_t)(bench_seconds(CLOCK_REALTIME) * 1000);
}

static enum status open_all(struct lone *lone, const char *file, const char *folder, void *context, struct fault *why)
{
    enum status status = collector_settings_load(file, &lone->settings, why);
    if (status == STATUS_OK)
        status = keys_load_secret(lone->settings.key, &lone->key, why);
    if (status == STATUS_OK)
        status = keys_load_public(lone->settings.aggregator_key, &lone->aggregator, why);
    if (status == STATUS_OK)
        status = catalogue_load(lone->settings.catalogue, &lone->catalogue, &lone->findings, why);
    if (status == STATUS_OK)
        status = outbox_open(folder, lone->settings.agent, lone->key.sign, &lone->outbox, why);
    if (status != STATUS_OK)
        return status;
    const uint32_t scope = catalogue_unit(lone->catalogue, lone->settings.agent);
    for (lone->unit = 0; lone->catalogue->units[lone->unit].parent != scope ||
                         lone->catalogue->units[lone->unit].level != lone->catalogue->forms[0].level;)
        lone->unit++;
    return publisher_open(context, &lone->settings, &lone->key, &lone->aggregator, lone->catalogue->hash, lone->outbox,
                          now_ms(), &lone->publisher, why);
}

static enum status take(struct lone *lone, size_t count, size_t round, struct fault *why)
{
    struct record *records = memory_array(count, sizeof *records);
    struct submission submission = {.file = "lone.csv", .source = "report", .taken_at = now_ms(), .parts = 1};
    seal_random(submission.hash, sizeof submission.hash);
    memcpy(submission.catalogue_hash, lone->catalogue->hash, sizeof submission.catalogue_hash);
    for (size_t i = 0; i < count; i++)
        records[i] = (struct record){.element = (uint32_t)(i % lone->catalogue->element_count), .unit = lone->unit,
                                     .period = period_of_day(date_from_civil(2001, 1, 1), PERIOD_MONTH),
                                     .value = (int64_t)(workload_mix(round) % WORKLOAD_VALUE_MOST),
                                     .line = (int64_t)i + 2, .reported_at = INT64_MIN, .reason = ""};
    const enum status status = outbox_take(lone->outbox, lone->catalogue, &submission, records, count, "", why);
    free(records);
    return status;
}

/* Works until everything is acknowledged, or for `most` seconds. */
static enum status work_until(struct lone *lone, double most, struct fault *why)
{
    const double until = bench_seconds(CLOCK_MONOTONIC) + most;
    uint64_t sent = 0, acked = 0;
    struct outbox_identity identity;
    outbox_identity(lone->outbox, &identity);
    for (;;) {
        zmq_pollitem_t item = {.socket = publisher_socket(lone->publisher), .events = ZMQ_POLLIN};
        const enum status status = publisher_work(lone->publisher, now_ms(), why);
        if (status != STATUS_OK)
            return status;
        publisher_progress(lone->publisher, &sent, &acked);
        if (acked >= identity.high)
            return STATUS_OK;
        if (bench_seconds(CLOCK_MONOTONIC) > until)
            return STATUS_AGAIN;
        (void)zmq_poll(&item, 1, sent == 0 ? 1 : 20);
    }
}

static enum status rest(struct lone *lone, struct fault *why)
{
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    enum status status = publisher_work(lone->publisher, now_ms(), why); /* what the acknowledgement leaves to do */
    nanosleep(&pause, NULL);
    return status;
}

static double sync_once(int file, char *bytes)
{
    memset(bytes, (int)workload_mix((uint64_t)bytes[0]), APPENDED);
    const double begun = bench_seconds(CLOCK_MONOTONIC);
    if (write(file, bytes, APPENDED) != APPENDED || fdatasync(file) != 0)
        perror("fdatasync");
    return bench_seconds(CLOCK_MONOTONIC) - begun;
}

static int by_size(const void *one, const void *other)
{
    const double left = *(const double *)one, right = *(const double *)other;
    return (left > right) - (left < right);
}

int main(int argc, char *argv[])
{
    static char bytes[APPENDED];
    struct lone lone = {0};
    struct fault why = {0};
    char path[4096], text[1024];
    if (argc != 5) {
        fputs("usage: bench-lone COLLECTOR.yaml OUTBOX RECORDS ROUNDS\n", stderr);
        return EXIT_FAILURE;
    }
    const size_t count = strtoul(argv[3], NULL, 10), rounds = strtoul(argv[4], NULL, 10);
    double *acks = memory_array(rounds + 1, sizeof *acks), *syncs = memory_array(rounds + 1, sizeof *syncs);
    void *context = zmq_ctx_new();
    enum status status = seal_start();
    if (status == STATUS_OK)
        status = open_all(&lone, argv[1], argv[2], context, &why);
    (void)snprintf(path, sizeof path, "%s.sync", argv[2]);
    const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (size_t round = 0; round <= rounds && status == STATUS_OK; round++) { /* the first one connects */
        status = take(&lone, count, round, &why);
        const double begun = bench_seconds(CLOCK_MONOTONIC);
        if (status == STATUS_OK)
            status = work_until(&lone, PATIENCE_SECONDS, &why);
        acks[round == 0 ? rounds : round - 1] = bench_seconds(CLOCK_MONOTONIC) - begun;
        if (status == STATUS_OK)
            status = rest(&lone, &why);
        syncs[round == 0 ? rounds : round - 1] = sync_once(file, bytes);
    }
    if (status == STATUS_OK && rounds > 0) {
        qsort(acks, rounds, sizeof *acks, by_size);
        qsort(syncs, rounds, sizeof *syncs, by_size);
        printf("{\"ack_p50_ms\": %.4f, \"ack_p99_ms\": %.4f, \"sync_p50_ms\": %.4f, \"sync_p99_ms\": %.4f}\n",
               acks[rounds / 2] * 1000, acks[rounds * 99 / 100] * 1000, syncs[rounds / 2] * 1000,
               syncs[rounds * 99 / 100] * 1000);
    } else {
        fault_sentence(&why, LANGUAGE_EN, text, sizeof text);
        fprintf(stderr, "bench-lone: %s\n", text);
    }
    close(file);
    publisher_close(&lone.publisher);
    outbox_close(&lone.outbox);
    catalogue_free(&lone.catalogue);
    findings_free(&lone.findings);
    keys_forget(&lone.key);
    collector_settings_free(&lone.settings);
    zmq_ctx_term(context);
    free(acks);
    free(syncs);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
