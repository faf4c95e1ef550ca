/* deliver.c - delivers prepared outboxes to a running aggregator with the collectors' own publisher, one connection and one
 * key each, as fast as it is allowed to, and measures from the first connection to the last acknowledgement.
 *
 *   bench-deliver OUTBOX COLLECTOR.yaml...
 *
 * OUTBOX is the folder bench-fill filled. A batch's acknowledgement is timed from the moment it was given to the socket
 * to the moment the publisher learns that it is committed. */
#include "workload.h"

#include "keys.h"
#include "memory.h"
#include "outbox.h"
#include "publisher.h"
#include "settings.h"

#include <inttypes.h>
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
    uint64_t sent, acked; /* batches seen so far */
    double *sent_at;      /* by seq */
};

struct bench {
    struct agent_end *ends;
    size_t count;
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
static void note_progress(struct bench *bench, struct agent_end *end)
{
    const double now = bench_seconds(CLOCK_MONOTONIC);
    uint64_t sent, acked;
    publisher_progress(end->publisher, &sent, &acked);
    for (; end->sent < sent; end->sent++)
        end->sent_at[end->sent + 1] = now;
    for (; end->acked < acked; end->acked++) {
        bench->waits = memory_grow(bench->waits, &bench->wait_capacity, bench->wait_count + 1, sizeof *bench->waits);
        bench->waits[bench->wait_count++] = now - end->sent_at[end->acked + 1];
    }
}

static enum status work(struct bench *bench, struct agent_end *end, struct fault *why)
{
    const struct publisher_refusal *refusals;
    const enum status status = publisher_work(end->publisher, now_ms(), why);
    bench->refused += publisher_refusals(end->publisher, &refusals);
    note_progress(bench, end);
    return status == STATUS_AGAIN ? STATUS_OK : status;
}

static enum status deliver(struct bench *bench, double until, struct fault *why)
{
    zmq_pollitem_t *items = memory_array(bench->count, sizeof *items);
    enum status status = STATUS_OK;
    size_t drained = 0;
    for (size_t i = 0; i < bench->count; i++)
        items[i] = (zmq_pollitem_t){.socket = publisher_socket(bench->ends[i].publisher), .events = ZMQ_POLLIN,
                                    .revents = ZMQ_POLLIN};
    while (drained < bench->count && status == STATUS_OK && bench_seconds(CLOCK_MONOTONIC) < until) {
        drained = 0;
        for (size_t i = 0; i < bench->count && status == STATUS_OK; i++) {
            struct agent_end *end = &bench->ends[i];
            if ((items[i].revents & ZMQ_POLLIN) != 0 || publisher_due(end->publisher) <= now_ms())
                status = work(bench, end, why);
            drained += publisher_is_drained(end->publisher);
        }
        if (drained < bench->count)
            (void)zmq_poll(items, (int)bench->count, 5);
    }
    free(items);
    if (status == STATUS_OK && drained < bench->count) {
        fprintf(stderr, "bench-deliver: %zu of %zu collectors were not done in time\n", bench->count - drained, bench->count);
        status = STATUS_AGAIN;
    }
    return status;
}

static int by_size(const void *one, const void *other)
{
    const double left = *(const double *)one, right = *(const double *)other;
    return (left > right) - (left < right);
}

static double quantile(const struct bench *bench, size_t thousandth)
{
    return bench->wait_count == 0 ? 0 : bench->waits[(bench->wait_count - 1) * thousandth / 1000] * 1000;
}

static void print(struct bench *bench, double seconds, double cpu)
{
    if (bench->wait_count > 0)
        qsort(bench->waits, bench->wait_count, sizeof *bench->waits, by_size);
    printf("{\"batches\": %zu, \"refused\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"ack_p50_ms\": %.3f, "
           "\"ack_p99_ms\": %.3f, \"ack_max_ms\": %.3f}\n",
           bench->wait_count, bench->refused, seconds, cpu, quantile(bench, 500), quantile(bench, 990),
           quantile(bench, 1000));
}

int main(int argc, char *argv[])
{
    struct bench bench = {0};
    struct fault why = {0};
    unsigned char no_catalogue[32] = {0};
    void *context = NULL;
    int code = EXIT_FAILURE;
    enum status status = seal_start();
    if (argc < 3) {
        fputs("usage: bench-deliver OUTBOX COLLECTOR.yaml...\n", stderr);
        return EXIT_FAILURE;
    }
    bench.count = (size_t)argc - 2;
    bench.ends = memory_array(bench.count, sizeof *bench.ends);
    context = zmq_ctx_new();
    for (size_t i = 0; i < bench.count && status == STATUS_OK; i++)
        status = open_end(&bench.ends[i], argv[1], argv[i + 2], &why);
    const double started = bench_seconds(CLOCK_MONOTONIC), cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < bench.count && status == STATUS_OK; i++) {
        struct agent_end *end = &bench.ends[i];
        status = publisher_open(context, &end->settings, &end->key, &end->aggregator, no_catalogue, end->outbox, now_ms(),
                                &end->publisher, &why);
    }
    if (status == STATUS_OK)
        status = deliver(&bench, started + PATIENCE_SECONDS, &why);
    if (status == STATUS_OK) {
        print(&bench, bench_seconds(CLOCK_MONOTONIC) - started, bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        code = EXIT_SUCCESS;
    } else {
        code = fail(&why);
    }
    for (size_t i = 0; i < bench.count; i++) {
        publisher_close(&bench.ends[i].publisher);
        outbox_close(&bench.ends[i].outbox);
        free(bench.ends[i].sent_at);
        keys_forget(&bench.ends[i].key);
        collector_settings_free(&bench.ends[i].settings);
    }
    zmq_ctx_term(context);
    free(bench.ends);
    free(bench.waits);
    return code;
}
