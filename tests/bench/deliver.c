/* deliver.c - delivers prepared outboxes to a running aggregator with the collectors' own publisher, one connection and one
 * key each, as fast as it is allowed to, and measures from the first connection to the last acknowledgement.
 *
 *   bench-deliver OUTBOX COLLECTOR.yaml...
 *
 * OUTBOX is the folder bench-fill filled. Every collector has a thread of its own, as it has a process of its own in a
 * district: what one waits for on its disk holds up no other. A batch's acknowledgement is timed from the moment it was given to the socket
 * to the moment the publisher learns that it is committed. */
#include "workload.h"

#include "keys.h"
#include "memory.h"
#include "outbox.h"
#include "publisher.h"
#include "settings.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define PATIENCE_SECONDS 300.0

struct agent_end {
    struct collector_settings settings;
    struct secret_key key;
    struct public_key aggregator;
    struct outbox *outbox;
    struct publisher *publisher;
    void *context;
    pthread_t thread;
    bool has_thread;
    double until;
    enum status status;
    struct fault why;
    uint64_t sent, acked; /* batches seen so far */
    double *sent_at;      /* by seq */
    double *waits;        /* of each acknowledged batch, seconds */
    size_t wait_count, wait_capacity;
    uint64_t refused;
};

static int fail(const struct fault *why)
{
    char text[1024];
    fault_sentence(why, LANGUAGE_EN, text, sizeof text);
    fprintf(stderr, "bench-deliver: %s\n", text);
    return EXIT_FAILURE;
}

static enum status open_end(struct agent_end *end, const char *folder, const char *file, struct fault *why)
{
    struct outbox_identity identity;
    char path[4096];
    enum status status = collector_settings_load(file, &end->settings, why);
    if (status == STATUS_OK)
        status = keys_load_secret(end->settings.key, &end->key, why);
    if (status == STATUS_OK)
        status = keys_load_public(end->settings.aggregator_key, &end->aggregator, why);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(path, sizeof path, "%s/%s", folder, end->settings.agent);
    status = outbox_open(path, end->settings.agent, end->key.sign, &end->outbox, why);
    if (status != STATUS_OK)
        return status;
    outbox_identity(end->outbox, &identity);
    end->sent = end->acked = identity.highest_acked;
    end->sent_at = memory_array(identity.high + 1, sizeof *end->sent_at);
    return STATUS_OK;
}

static int64_t now_ms(void)
{
    return (int64_t)(bench_seconds(CLOCK_REALTIME) * 1000);
}

/* Stamps what went out and what came back in the last step. */
static void note_progress(struct agent_end *end)
{
    const double now = bench_seconds(CLOCK_MONOTONIC);
    uint64_t sent, acked;
    publisher_progress(end->publisher, &sent, &acked);
    for (; end->sent < sent; end->sent++)
        end->sent_at[end->sent + 1] = now;
    for (; end->acked < acked; end->acked++) {
        end->waits = memory_grow(end->waits, &end->wait_capacity, end->wait_count + 1, sizeof *end->waits);
        end->waits[end->wait_count++] = now - end->sent_at[end->acked + 1];
    }
}

static enum status work(struct agent_end *end)
{
    const struct publisher_refusal *refusals;
    const enum status status = publisher_work(end->publisher, now_ms(), &end->why);
    end->refused += publisher_refusals(end->publisher, &refusals);
    note_progress(end);
    return status == STATUS_AGAIN ? STATUS_OK : status;
}

static enum status deliver(struct agent_end *end)
{
    unsigned char no_catalogue[32] = {0};
    enum status status = publisher_open(end->context, &end->settings, &end->key, &end->aggregator, no_catalogue, end->outbox,
                                        now_ms(), &end->publisher, &end->why);
    while (status == STATUS_OK && !publisher_is_drained(end->publisher)) {
        zmq_pollitem_t item = {.socket = publisher_socket(end->publisher), .events = ZMQ_POLLIN};
        if (bench_seconds(CLOCK_MONOTONIC) > end->until) {
            publisher_trouble(end->publisher, &end->why);
            return STATUS_AGAIN;
        }
        status = work(end);
        const int64_t due = publisher_due(end->publisher), now = now_ms();
        if (status == STATUS_OK && !publisher_is_drained(end->publisher))
            /* The monitor of a new link makes no noise on the socket, so it is looked at often. */
            (void)zmq_poll(&item, 1, due <= now ? 0 : end->sent == 0 ? 1 : due - now < 20 ? (long)(due - now) : 20);
    }
    return status;
}

static void *run(void *argument)
{
    struct agent_end *end = argument;
    end->status = deliver(end);
    return NULL;
}

static int by_size(const void *one, const void *other)
{
    const double left = *(const double *)one, right = *(const double *)other;
    return (left > right) - (left < right);
}

static void print(struct agent_end *ends, size_t count, double seconds, double cpu)
{
    double *waits = NULL;
    size_t wait_count = 0, capacity = 0;
    uint64_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        waits = memory_grow(waits, &capacity, wait_count + ends[i].wait_count + 1, sizeof *waits);
        if (ends[i].wait_count > 0)
            memcpy(waits + wait_count, ends[i].waits, ends[i].wait_count * sizeof *waits);
        wait_count += ends[i].wait_count;
        refused += ends[i].refused;
    }
    if (wait_count > 0)
        qsort(waits, wait_count, sizeof *waits, by_size);
    else
        waits[0] = 0;
    const size_t last = wait_count == 0 ? 0 : wait_count - 1;
    printf("{\"batches\": %zu, \"refused\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"ack_p50_ms\": %.3f, "
           "\"ack_p99_ms\": %.3f, \"ack_max_ms\": %.3f}\n",
           wait_count, refused, seconds, cpu, waits[last / 2] * 1000, waits[last * 99 / 100] * 1000, waits[last] * 1000);
    free(waits);
}

static void start_all(struct agent_end *ends, size_t count, double until)
{
    for (size_t i = 0; i < count; i++) {
        ends[i].until = until;
        ends[i].has_thread = pthread_create(&ends[i].thread, NULL, run, &ends[i]) == 0;
        if (!ends[i].has_thread)
            ends[i].status = STATUS_BROKEN;
    }
}

static enum status join_all(struct agent_end *ends, size_t count, struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        if (ends[i].has_thread)
            pthread_join(ends[i].thread, NULL);
        if (ends[i].status != STATUS_OK) {
            status = ends[i].status;
            *why = ends[i].why;
        }
    }
    return status;
}

static void close_end(struct agent_end *end)
{
    publisher_close(&end->publisher);
    outbox_close(&end->outbox);
    free(end->sent_at);
    free(end->waits);
    keys_forget(&end->key);
    collector_settings_free(&end->settings);
}

int main(int argc, char *argv[])
{
    struct fault why = {0};
    enum status status = seal_start();
    if (argc < 3) {
        fputs("usage: bench-deliver OUTBOX COLLECTOR.yaml...\n", stderr);
        return EXIT_FAILURE;
    }
    const size_t count = (size_t)argc - 2;
    struct agent_end *ends = memory_array(count, sizeof *ends);
    void *context = zmq_ctx_new();
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        ends[i].context = context;
        status = open_end(&ends[i], argv[1], argv[i + 2], &why);
    }
    const double started = bench_seconds(CLOCK_MONOTONIC), cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    if (status == STATUS_OK) {
        start_all(ends, count, started + PATIENCE_SECONDS);
        status = join_all(ends, count, &why);
    }
    const double seconds = bench_seconds(CLOCK_MONOTONIC) - started;
    if (status == STATUS_OK)
        print(ends, count, seconds, bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    for (size_t i = 0; i < count; i++)
        close_end(&ends[i]);
    zmq_ctx_term(context);
    free(ends);
    return status == STATUS_OK ? EXIT_SUCCESS : fail(&why);
}
