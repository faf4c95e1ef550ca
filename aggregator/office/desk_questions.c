/* desk_questions.c - questions as they come over a socket, and the answers that go back.
 *
 * What is asked can be wrong in any way and is answered with a fault. What changes something (an acknowledgement, a
 * publication, a backup) is answered when the writer has kept it. */
#include "desk_inside.h"

#include "gate.h"
#include "limit.h"
#include "log.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* ---- answers ------------------------------------------------------------------------------------------------------- */

static void send_answer(const struct asker *asker, struct wire_answer answer)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    bool sent;
    answer.id = asker->id;
    wire_encode(&(struct wire_message){.kind = WIRE_ANSWER, .answer = answer}, &bytes, &length);
    /* Nobody waits for an asker that went away or does not read. */
    sent = zmq_send(asker->socket, asker->identity, asker->identity_length, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0;
    if (sent && asker->delimiter)
        sent = zmq_send(asker->socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0;
    if (sent)
        (void)zmq_send(asker->socket, bytes, length, ZMQ_DONTWAIT);
    free(bytes);
}

void desk_send_fault(const struct asker *asker, enum status status, const struct fault *fault)
{
    char zh[1024], en[1024];
    struct wire_answer answer = {.exit_code = status == STATUS_REFUSED ? 2 : status == STATUS_AGAIN ? 4 : 1,
                                 .fault_zh = zh, .fault_en = en, .as_of = ""};
    fault_format(fault, LANGUAGE_ZH, zh, sizeof zh);
    fault_format(fault, LANGUAGE_EN, en, sizeof en);
    (void)snprintf(answer.fault_code, sizeof answer.fault_code, "%s",
                   fault->message != MESSAGE_NONE ? message_code(fault->message) : "failed");
    send_answer(asker, answer);
}

void desk_send_failure(struct desk *desk, const struct asker *asker, enum status status, const struct fault *fault)
{
    desk_send_fault(asker, status, fault);
    if (status == STATUS_BROKEN)
        desk_close_store(desk);
}

static size_t answer_bytes(const struct table *table)
{
    size_t bytes = 0;
    for (size_t i = 0; i < table->cell_count; i++)
        bytes += 5 + (table->cells[i] != NULL ? strlen(table->cells[i]) : 0);
    return bytes;
}

void desk_send_table(const struct asker *asker, const struct answer *answer)
{
    struct fault fault = {.message = MESSAGE_NONE};
    char most[24];
    if (answer_bytes(&answer->table) > LIMIT_ANSWER_BYTES - 65536) {
        (void)snprintf(most, sizeof most, "%d", ANSWER_ROWS_MOST);
        fault_set(&fault, MESSAGE_ASK_TOO_MANY_ROWS, most, NULL);
        desk_send_fault(asker, STATUS_REFUSED, &fault);
        return;
    }
    send_answer(asker, (struct wire_answer){.exit_code = answer->exit_code, .fault_zh = "", .fault_en = "",
                                            .as_of = answer->as_of, .column_count = answer->table.column_count,
                                            .row_count = table_rows(&answer->table),
                                            .columns = answer->table.columns,
                                            .cells = (const char *const *)answer->table.cells});
}

const char *desk_option_of(const struct wire_question *question, const char *name)
{
    for (size_t i = 0; i < question->option_count; i++)
        if (strcmp(question->options[i].name, name) == 0)
            return question->options[i].value;
    return NULL;
}

/* ---- questions ----------------------------------------------------------------------------------------------------- */

static bool is_ack(const struct wire_question *question)
{
    const char *operand = desk_option_of(question, "operand");
    return strcmp(question->command, "alerts") == 0 && operand != NULL &&
           (strcmp(operand, "ack") == 0 || strncmp(operand, "ack,", 4) == 0);
}

static void answer_question(struct desk *desk, const struct asker *asker, const struct wire_question *question,
                            int64_t now_ms)
{
    struct fault fault = {.message = MESSAGE_NONE};
    struct answer answer;
    enum status status;
    if (strcmp(question->command, "publish") == 0) {
        desk_publish(desk, asker, question, now_ms);
        return;
    }
    if (strcmp(question->command, "backup") == 0) {
        desk_note_backup(desk, asker, question, now_ms);
        return;
    }
    if (is_ack(question)) {
        desk_acknowledge(desk, asker, question, now_ms);
        return;
    }
    status = desk_open_store(desk, &fault);
    if (status == STATUS_OK)
        status = office_answer(desk->office, question, now_ms, &answer, &fault);
    if (status == STATUS_OK) {
        desk_send_table(asker, &answer);
        answer_free(&answer);
        return;
    }
    if (status == STATUS_BROKEN)
        log_fault(LOG_LEVEL_ERROR, "question_failed", &fault);
    desk_send_failure(desk, asker, status, &fault);
}

/* Takes the frames of one message: identity, perhaps an empty delimiter, the question. Further frames are dropped. */
static bool take_question(void *socket, struct asker *asker, zmq_msg_t *ret_payload)
{
    bool more = true;
    size_t part = 0;
    *asker = (struct asker){.socket = socket};
    while (more) {
        zmq_msg_t frame;
        if (zmq_msg_init(&frame) != 0 || zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) < 0) {
            (void)zmq_msg_close(&frame);
            return false;
        }
        more = zmq_msg_more(&frame) != 0;
        if (part == 0 && zmq_msg_size(&frame) <= sizeof asker->identity) {
            asker->identity_length = zmq_msg_size(&frame);
            memcpy(asker->identity, zmq_msg_data(&frame), asker->identity_length);
        } else if (part == 1 && zmq_msg_size(&frame) == 0 && more)
            asker->delimiter = true;
        else if (part == (asker->delimiter ? 2u : 1u))
            (void)zmq_msg_move(ret_payload, &frame);
        (void)zmq_msg_close(&frame);
        part++;
    }
    return true;
}

/* The gate let only the operator in; a message without that name came past it. Questions of the browser come over an
 * inproc socket of this program, where there are no keys. */
static bool is_let_in(const struct desk *desk, const void *socket, zmq_msg_t *payload)
{
    const char *user = zmq_msg_gets(payload, "User-Id");
    return socket == desk->http_desk || desk->settings->security == SECURITY_NONE ||
           (user != NULL && strcmp(user, GATE_OPERATOR) == 0);
}

bool desk_serve_one(struct desk *desk, void *socket, int64_t now_ms)
{
    struct asker asker;
    struct wire_message message = {.private = NULL};
    struct fault fault = {.message = MESSAGE_NONE};
    zmq_msg_t payload;
    enum status status;
    if (zmq_msg_init(&payload) != 0)
        return false;
    if (!take_question(socket, &asker, &payload)) {
        (void)zmq_msg_close(&payload);
        return false;
    }
    if (!is_let_in(desk, socket, &payload)) {
        log_event(LOG_LEVEL_WARN, "question_without_a_key", NULL);
        (void)zmq_msg_close(&payload);
        return true;
    }
    status = wire_decode(zmq_msg_data(&payload), zmq_msg_size(&payload), LIMIT_QUESTION_BYTES, &message, &fault);
    if (status == STATUS_OK && message.kind == WIRE_QUESTION) {
        asker.id = message.question.id;
        answer_question(desk, &asker, &message.question, now_ms);
    } else {
        if (status == STATUS_OK)
            fault_set(&fault, MESSAGE_ASK_UNKNOWN_COMMAND, wire_kind_name(message.kind), NULL);
        desk_send_fault(&asker, STATUS_REFUSED, &fault);
    }
    if (status == STATUS_OK)
        wire_release(&message);
    (void)zmq_msg_close(&payload);
    return true;
}
