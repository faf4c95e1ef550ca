/* question.c - the same question again and again over one connection to the running aggregator: what a figure costs
 * without starting a program for it.
 *
 *   bench-question AGGREGATOR.yaml CODE UNIT PERIOD TIMES */
#include "workload.h"

#include "keys.h"
#include "limit.h"
#include "link.h"
#include "memory.h"
#include "settings.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define PATIENCE_MS 60000

struct asker {
    struct aggregator_settings settings;
    struct secret_key key;
    void *socket;
};

static enum status open_asker(struct asker *asker, const char *file, void *context, struct fault *why)
{
    const int patience = PATIENCE_MS;
    enum status status = aggregator_settings_load(file, &asker->settings, why);
    if (status == STATUS_OK)
        status = keys_load_secret(asker->settings.key, &asker->key, why);
    if (status != STATUS_OK)
        return status;
    asker->socket = zmq_socket(context, ZMQ_DEALER);
    status = link_join(asker->socket, &asker->key, asker->key.public_key.curve, asker->settings.security,
                       asker->settings.listen_queries, LIMIT_ANSWER_BYTES, why);
    if (status == STATUS_OK && (zmq_setsockopt(asker->socket, ZMQ_SNDTIMEO, &patience, sizeof patience) != 0 ||
                                zmq_setsockopt(asker->socket, ZMQ_RCVTIMEO, &patience, sizeof patience) != 0 ||
                                zmq_connect(asker->socket, asker->settings.listen_queries) != 0))
        status = STATUS_BROKEN;
    return status;
}

/* Asks once; the value of the first row goes into ret_value. */
static enum status ask(struct asker *asker, struct wire_question *question, char ret_value[64], struct fault *why)
{
    const struct wire_message message = {.kind = WIRE_QUESTION, .question = *question};
    struct wire_message answer = {0};
    unsigned char *bytes = NULL;
    size_t length;
    zmq_msg_t frame;
    enum status status = STATUS_AGAIN;
    zmq_msg_init(&frame);
    wire_encode(&message, &bytes, &length);
    if (zmq_send(asker->socket, bytes, length, 0) >= 0 && zmq_msg_recv(&frame, asker->socket, 0) >= 0)
        status = wire_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), LIMIT_ANSWER_BYTES, &answer, why);
    if (status == STATUS_OK && (answer.kind != WIRE_ANSWER || answer.answer.id != question->id ||
                                answer.answer.row_count == 0 || answer.answer.column_count < 5))
        status = STATUS_REFUSED;
    if (status == STATUS_OK)
        (void)snprintf(ret_value, 64, "%s", answer.answer.cells[4] == NULL ? "" : answer.answer.cells[4]);
    wire_release(&answer);
    zmq_msg_close(&frame);
    free(bytes);
    return status;
}

static int by_size(const void *one, const void *other)
{
    const double left = *(const double *)one, right = *(const double *)other;
    return (left > right) - (left < right);
}

int main(int argc, char *argv[])
{
    struct asker asker = {0};
    struct wire_question question = {.id = 1, .command = "query", .option_count = 3};
    struct fault why = {0};
    char value[64] = "", text[1024];
    if (argc != 6) {
        fputs("usage: bench-question AGGREGATOR.yaml CODE UNIT PERIOD TIMES\n", stderr);
        return EXIT_FAILURE;
    }
    static const char *const names[] = {"operand", "unit", "period"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(question.options[i].name, sizeof question.options[i].name, "%s", names[i]);
        question.options[i].value = argv[i + 2];
    }
    const size_t times = strtoul(argv[5], NULL, 10);
    double *waits = memory_array(times, sizeof *waits), first = 0;
    void *context = zmq_ctx_new();
    enum status status = seal_start();
    if (status == STATUS_OK)
        status = open_asker(&asker, argv[1], context, &why);
    for (size_t i = 0; i <= times && status == STATUS_OK; i++, question.id++) {
        const double begun = bench_seconds(CLOCK_MONOTONIC);
        status = ask(&asker, &question, value, &why);
        *(i == 0 ? &first : &waits[i - 1]) = bench_seconds(CLOCK_MONOTONIC) - begun;
    }
    if (status == STATUS_OK) {
        qsort(waits, times, sizeof *waits, by_size);
        printf("{\"value\": \"%s\", \"first_us\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", value, first * 1e6,
               waits[times / 2] * 1e6, waits[times * 99 / 100] * 1e6);
    } else {
        fault_sentence(&why, LANGUAGE_EN, text, sizeof text);
        fprintf(stderr, "bench-question: %s\n", text);
    }
    if (asker.socket != NULL)
        zmq_close(asker.socket);
    zmq_ctx_term(context);
    keys_forget(&asker.key);
    aggregator_settings_free(&asker.settings);
    free(waits);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
