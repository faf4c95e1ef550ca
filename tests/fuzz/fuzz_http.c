/* fuzz_http.c - any bytes on a connection of the HTTP server; its desk answers every question with one row. Whatever comes,
 * the connection ends, what was answered is HTTP with our headers, and the next client is served. */
#include "fuzz.h"

#include "http.h"
#include "memory.h"
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#define ANSWER_MOST (1 << 20)
#define PATIENCE_MS 30000
#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static struct http *http;
static void *context, *desk;
static pthread_t desk_thread;

/* Answers as the desk would; a question that is not one ends the process. */
static void *answer_all(void *unused)
{
    static const char *const columns[] = {"code", "value"}, *const cells[] = {"homes", NULL};
    (void)unused;
    for (;;) {
        zmq_msg_t peer, frame;
        struct wire_message question = {.private = NULL};
        struct wire_message answer = {.kind = WIRE_ANSWER};
        struct fault why = {.message = MESSAGE_NONE};
        unsigned char *bytes = NULL;
        size_t length;
        (void)zmq_msg_init(&peer);
        (void)zmq_msg_init(&frame);
        if (zmq_msg_recv(&peer, desk, 0) < 0 || zmq_msg_recv(&frame, desk, 0) < 0)
            return NULL;
        fuzz_require(wire_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), 1 << 20, &question, &why) == STATUS_OK &&
                         question.kind == WIRE_QUESTION,
                     "what HTTP asks the desk is a question");
        answer.answer = (struct wire_answer){.id = question.question.id, .fault_zh = "", .fault_en = "", .as_of = "",
                                             .column_count = 2, .row_count = 1, .columns = columns, .cells = cells};
        wire_encode(&answer, &bytes, &length);
        (void)zmq_msg_send(&peer, desk, ZMQ_SNDMORE);
        (void)zmq_send(desk, bytes, length, 0);
        free(bytes);
        wire_release(&question);
        (void)zmq_msg_close(&frame);
        (void)zmq_msg_close(&peer);
    }
}

static void stop(void)
{
    http_stop(&http);
    (void)zmq_ctx_shutdown(context);
    (void)pthread_join(desk_thread, NULL);
    (void)zmq_close(desk);
    (void)zmq_ctx_term(context);
}

static void start(void)
{
    struct fault why = {.message = MESSAGE_NONE};
    const int linger = 0;
    (void)signal(SIGPIPE, SIG_IGN);
    context = zmq_ctx_new();
    desk = zmq_socket(context, ZMQ_ROUTER);
    fuzz_require(desk != NULL && zmq_setsockopt(desk, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
                     zmq_bind(desk, HTTP_DESK_ENDPOINT) == 0 && pthread_create(&desk_thread, NULL, answer_all, NULL) == 0,
                 "a desk");
    fuzz_require(http_start(context, "127.0.0.1:0", &http, &why) == STATUS_OK, "the server starts");
    (void)atexit(stop);
}

/* Every connection comes from another address of this machine: ports of one would run out in a minute. */
static int connect_http(void)
{
    static uint32_t count;
    struct sockaddr_in own = {.sin_family = AF_INET}, server = {.sin_family = AF_INET};
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    own.sin_addr.s_addr = htonl(0x7f000002u + count++ % 0xfffff0u);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.sin_port = htons(http_port(http));
    fuzz_require(client >= 0 && bind(client, (struct sockaddr *)&own, sizeof own) == 0 &&
                     connect(client, (struct sockaddr *)&server, sizeof server) == 0,
                 "the server takes a connection");
    return client;
}

/* Sends, says that nothing more comes, and reads till the server closes. Yours to free, terminated. */
static char *talk(const void *bytes, size_t length)
{
    const int client = connect_http();
    char *answer = memory_array(ANSWER_MOST + 1, 1);
    size_t used = 0;
    for (size_t sent = 0; sent < length;) {
        const ssize_t now = send(client, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);
        if (now <= 0)
            break; /* it has seen enough */
        sent += (size_t)now;
    }
    (void)shutdown(client, SHUT_WR);
    for (;;) {
        struct pollfd item = {client, POLLIN, 0};
        fuzz_require(poll(&item, 1, PATIENCE_MS) > 0, "a connection comes to an end");
        const ssize_t now = recv(client, answer + used, ANSWER_MOST - used, 0);
        if (now <= 0)
            break;
        used += (size_t)now;
    }
    (void)close(client);
    return answer;
}

static void look_at(const char *answer)
{
    int code = 0;
    if (answer[0] == '\0')
        return;
    fuzz_require(sscanf(answer, "HTTP/%*d.%*d %d ", &code) == 1 && code >= 100 && code <= 599, "an answer is HTTP");
    if (code == 200)
        fuzz_require(strstr(answer, "Content-Security-Policy: default-src 'none'") != NULL &&
                         strstr(answer, "X-Content-Type-Options: nosniff") != NULL,
                     "what is served bears our headers");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static unsigned inputs;
    if (http == NULL)
        start();
    char *answer = talk(bytes, length);
    look_at(answer);
    free(answer);
    if (inputs++ % 16 != 0)
        return;
    answer = talk(HEALTH, sizeof HEALTH - 1);
    fuzz_require(strncmp(answer, "HTTP/1.1 200 ", 13) == 0, "the next client is served");
    free(answer);
}
