/* ask.c - asks a running aggregator. A DEALER and not a REQ, so that an answer to another question could never be taken
 * for ours: the id is compared. One context for one question; the program ends afterwards. */
#include "ask.h"

#include "clock.h"
#include "limit.h"
#include "link.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

static void take_table(struct asked *asked)
{
    const struct wire_answer *answer = &asked->message.answer;
    table_start(&asked->table, answer->columns, answer->column_count);
    for (size_t i = 0; i < answer->column_count * answer->row_count; i++)
        table_add(&asked->table, answer->cells[i]);
}

/* Takes one frame; *ret_ours tells whether it answers the question. */
static enum status take_frame(void *socket, uint64_t id, struct asked *asked, bool *ret_ours, struct fault *why)
{
    zmq_msg_t frame;
    enum status status = STATUS_OK;
    if (zmq_msg_init(&frame) != 0)
        return STATUS_BROKEN;
    if (zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0 && !zmq_msg_more(&frame) && zmq_msg_size(&frame) > 0) {
        const size_t length = zmq_msg_size(&frame);
        asked->bytes = memory_array(length, 1);
        memcpy(asked->bytes, zmq_msg_data(&frame), length);
        status = wire_decode(asked->bytes, length, LIMIT_ANSWER_BYTES, &asked->message, why);
        *ret_ours = status == STATUS_OK && asked->message.kind == WIRE_ANSWER && asked->message.answer.id == id;
        if (status == STATUS_OK && !*ret_ours)
            asked_free(asked);
        else if (status != STATUS_OK) {
            free(asked->bytes);
            asked->bytes = NULL;
        }
    }
    (void)zmq_msg_close(&frame);
    return status;
}

static enum status wait_for_answer(void *socket, const struct ask_target *target, uint64_t id, int64_t timeout_ms,
                                   struct asked *asked, struct fault *why)
{
    const int64_t until = clock_ms(CLOCK_MONOTONIC) + timeout_ms;
    char seconds[24];
    for (int64_t left = timeout_ms; left > 0; left = until - clock_ms(CLOCK_MONOTONIC)) {
        zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
        bool ours = false;
        if (zmq_poll(&item, 1, (long)left) < 0 && errno != EINTR)
            break;
        if ((item.revents & ZMQ_POLLIN) == 0)
            continue;
        const enum status status = take_frame(socket, id, asked, &ours, why);
        if (status != STATUS_OK || ours)
            return status;
    }
    (void)snprintf(seconds, sizeof seconds, "%" PRId64, (timeout_ms + 999) / 1000);
    fault_set(why, MESSAGE_ASK_NO_ANSWER, target->endpoint, seconds, NULL);
    return STATUS_AGAIN;
}

enum status ask_aggregator(const struct ask_target *target, const struct wire_question *question, int64_t timeout_ms,
                           struct asked *ret_asked, struct fault *why)
{
    const struct wire_message message = {.kind = WIRE_QUESTION, .question = *question};
    struct asked asked = {.bytes = NULL};
    unsigned char *bytes = NULL;
    size_t length = 0;
    void *context = zmq_ctx_new();
    void *socket = context != NULL ? zmq_socket(context, ZMQ_DEALER) : NULL;
    enum status status = STATUS_REFUSED;
    if (socket == NULL) {
        fault_set(why, MESSAGE_ASK_SOCKET, target->endpoint, zmq_strerror(errno), NULL);
        goto done;
    }
    status = link_join(socket, target->own, target->server_curve, target->security, target->endpoint,
                       LIMIT_ANSWER_BYTES, why);
    if (status != STATUS_OK)
        goto done;
    wire_encode(&message, &bytes, &length);
    const int patience = timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    /* With ZMQ_IMMEDIATE a send waits for the handshake; an aggregator that is not there shows as the same silence. */
    if (zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience) != 0 ||
        zmq_connect(socket, target->endpoint) != 0) {
        fault_set(why, MESSAGE_ASK_SOCKET, target->endpoint, zmq_strerror(errno), NULL);
        status = STATUS_REFUSED;
        goto done;
    }
    if (zmq_send(socket, bytes, length, 0) < 0) {
        char seconds[24];
        (void)snprintf(seconds, sizeof seconds, "%" PRId64, (timeout_ms + 999) / 1000);
        fault_set(why, MESSAGE_ASK_NO_ANSWER, target->endpoint, seconds, NULL);
        status = STATUS_AGAIN;
        goto done;
    }
    status = wait_for_answer(socket, target, question->id, timeout_ms, &asked, why);
    if (status == STATUS_OK) {
        take_table(&asked);
        *ret_asked = asked;
    }
done:
    free(bytes);
    if (socket != NULL)
        (void)zmq_close(socket);
    if (context != NULL)
        (void)zmq_ctx_term(context);
    return status;
}

void asked_free(struct asked *asked)
{
    if (asked == NULL)
        return;
    table_free(&asked->table);
    wire_release(&asked->message);
    free(asked->bytes);
    *asked = (struct asked){.bytes = NULL};
}
