/* peer.h - an agent played by hand against a running aggregator: real CURVE sockets, real keys, every message made here, so
 * that any of them can be made wrong. What must work stops the program with a sentence when it does not. */
#ifndef TESTS_NETWORK_PEER_H
#define TESTS_NETWORK_PEER_H

#include "batch.h"
#include "catalogue.h"
#include "clock.h"
#include "hand.h"
#include "keys.h"
#include "limit.h"
#include "link.h"
#include "memory.h"
#include "seal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

struct peer {
    struct hand hand;
    void *context, *socket;
    const char *endpoint;
    char server_curve[41];
    const struct catalogue *catalogue;
    struct wire_message answer; /* as received last; its borrowed parts are gone */
    char refusal[33];           /* code of the first refusal of the last ACK, "" when none */
};

static inline void peer_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static inline void peer_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("FAILED: ", stdout);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    (void)fflush(stdout);
    _Exit(EXIT_FAILURE); /* threads and sockets may be busy; the process is all there is to clean up */
}

static inline void peer_must(enum status status, const struct fault *why, const char *what)
{
    char text[1024];
    if (status == STATUS_OK)
        return;
    fault_format(why, LANGUAGE_EN, text, sizeof text);
    peer_fail("%s: %s", what, text);
}

static inline int64_t peer_steady(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static inline void peer_sleep(int milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000L};
    (void)nanosleep(&pause, NULL);
}

static inline struct catalogue *peer_catalogue(const char *folder)
{
    struct catalogue *catalogue = NULL;
    struct findings findings = {0};
    struct fault why = {0};
    peer_must(catalogue_load(folder, &catalogue, &findings, &why), &why, folder);
    findings_free(&findings);
    return catalogue;
}

/* ---- connections ------------------------------------------------------------------------------------------------------ */

static inline void peer_close(struct peer *peer)
{
    if (peer->socket != NULL)
        zmq_close(peer->socket);
    peer->socket = NULL;
}

/* A new connection; route: a routing id of its own choosing, NULL for none as is proper. */
static inline void peer_connect_as(struct peer *peer, const void *route, size_t length)
{
    struct fault why = {0};
    peer_close(peer);
    peer->socket = zmq_socket(peer->context, ZMQ_DEALER);
    if (peer->socket == NULL)
        peer_fail("zmq_socket: %s", zmq_strerror(zmq_errno()));
    peer_must(link_join(peer->socket, &peer->hand.key, peer->server_curve, SECURITY_CURVE, peer->endpoint,
                        LIMIT_MESSAGE_BYTES, &why), &why, "link_join");
    if ((route != NULL && zmq_setsockopt(peer->socket, ZMQ_ROUTING_ID, route, length) != 0) ||
        zmq_connect(peer->socket, peer->endpoint) != 0)
        peer_fail("zmq_connect: %s", zmq_strerror(zmq_errno()));
}

static inline void peer_open(struct peer *peer, void *context, const struct catalogue *catalogue, const char *endpoint,
                             const char *server_file, const char *agent, const char *key_file)
{
    struct fault why = {0};
    struct public_key server;
    memset(peer, 0, sizeof *peer);
    (void)snprintf(peer->hand.agent, sizeof peer->hand.agent, "%s", agent);
    peer->context = context;
    peer->catalogue = catalogue;
    peer->endpoint = endpoint;
    peer_must(keys_load_public(server_file, &server, &why), &why, server_file);
    memcpy(peer->server_curve, server.curve, sizeof peer->server_curve);
    peer_must(keys_load_secret(key_file, &peer->hand.key, &why), &why, key_file);
    hand_new_outbox(&peer->hand);
    peer_connect_as(peer, NULL, 0);
}

/* ---- messages --------------------------------------------------------------------------------------------------------- */

/* False when nothing takes it within `patience` ms. */
static inline bool peer_send(struct peer *peer, const void *bytes, size_t length, int patience, int flags)
{
    if (zmq_setsockopt(peer->socket, ZMQ_SNDTIMEO, &patience, sizeof patience) != 0)
        peer_fail("ZMQ_SNDTIMEO: %s", zmq_strerror(zmq_errno()));
    return zmq_send(peer->socket, bytes, length, flags) >= 0;
}

static inline void peer_post(struct peer *peer, const struct wire_message *message)
{
    unsigned char *bytes;
    size_t length;
    wire_encode(message, &bytes, &length);
    if (!peer_send(peer, bytes, length, 20000, 0))
        peer_fail("%s: %s cannot be sent: %s", peer->hand.agent, wire_kind_name(message->kind),
                  zmq_strerror(zmq_errno()));
    free(bytes);
}

/* Kind of the next answer within `patience` ms, 0 when none comes. */
static inline int peer_await(struct peer *peer, int patience)
{
    zmq_pollitem_t item = {.socket = peer->socket, .events = ZMQ_POLLIN};
    struct fault why = {0};
    zmq_msg_t frame;
    int kind = 0;
    if (zmq_poll(&item, 1, patience) != 1)
        return 0;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, peer->socket, ZMQ_DONTWAIT) >= 0) {
        peer_must(wire_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), LIMIT_MESSAGE_BYTES, &peer->answer, &why), &why,
                  "answer");
        kind = (int)peer->answer.kind;
        peer->refusal[0] = '\0';
        if (kind == WIRE_ACK)
            peer->hand.acked = peer->answer.ack.watermark;
        if (kind == WIRE_ACK && peer->answer.ack.refusal_count > 0)
            memcpy(peer->refusal, peer->answer.ack.refusals[0].code, sizeof peer->refusal);
        wire_release(&peer->answer);
    }
    zmq_msg_close(&frame);
    return kind;
}

static inline void peer_fill_hello(struct peer *peer, struct wire_message *ret_message)
{
    hand_fill_hello(&peer->hand, peer->catalogue->hash, clock_ms(CLOCK_REALTIME), ret_message);
}

/* Greets; the kind of the answer. */
static inline int peer_greet(struct peer *peer, int patience)
{
    struct wire_message message;
    peer_fill_hello(peer, &message);
    peer_post(peer, &message);
    const int kind = peer_await(peer, patience);
    if (kind == WIRE_WELCOME)
        peer->hand.acked = peer->answer.welcome.watermark;
    return kind;
}

/* The next batch: one record of `homes`. */
static inline void peer_pack(struct peer *peer, const char *unit, int year, int month, int64_t value,
                             struct parcel *ret_parcel)
{
    struct fault why = {0};
    struct submission submission = {.file = "by hand.csv", .source = "report", .parts = 1};
    struct record record = {.value = value, .line = 2, .reported_at = INT64_MIN, .reason = ""};
    unsigned char *bytes = NULL;
    size_t length = 0;
    char period[16];
    (void)snprintf(period, sizeof period, "%04d-%02d", year % 10000, month % 100);
    peer_must(period_parse(period, &record.period, &why), &why, period);
    record.element = catalogue_element(peer->catalogue, "homes");
    record.unit = catalogue_unit(peer->catalogue, unit);
    if (record.element == NO_INDEX || record.unit == NO_INDEX)
        peer_fail("the catalogue has no homes or no %s", unit);
    seal_random(submission.hash, sizeof submission.hash); /* every batch is a file of its own */
    memcpy(submission.catalogue_hash, peer->catalogue->hash, sizeof submission.catalogue_hash);
    submission.taken_at = clock_ms(CLOCK_REALTIME);
    peer_must(batch_encode(peer->catalogue, &submission, &record, 1, &bytes, &length, &why), &why, "batch_encode");
    hand_wrap(&peer->hand, bytes, length, ret_parcel);
}

/* As if the last batch had never been cut: it was refused. `chain` is what it was before. */
static inline void peer_take_back(struct peer *peer, const unsigned char chain[SEAL_HASH])
{
    peer->hand.high--;
    memcpy(peer->hand.chain, chain, SEAL_HASH);
}

/* ---- what a program uses ------------------------------------------------------------------------------------------------- */

/* A line "Name:   number kB" of /proc/PID/status, in KiB; 0 when it cannot be read. */
static inline long process_kib(const char *pid, const char *name)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%.20s/status", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kib;
}

#endif
