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

/* A store that cannot be read now is opened again before the next question. */
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
