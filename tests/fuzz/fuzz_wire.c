/* fuzz_wire.c - any bytes as a message: what is taken means the same after encoding, whatever kind it is. */
#include "fuzz.h"

#include "limit.h"
#include "text.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

static void require_text(const char *text)
{
    size_t bad;
    fuzz_require(text == NULL || text_is_utf8(text, strlen(text), &bad), "texts of a message are UTF-8");
}

/* Every borrowed part is read to its end: one that points astray shows under the address sanitizer. */
static void look_at(const struct wire_message *message, size_t length)
{
    unsigned char hash[SEAL_HASH];
    switch (message->kind) {
    case WIRE_WELCOME:
        seal_hash(message->welcome.checkpoint, message->welcome.checkpoint_length, hash);
        seal_hash(message->welcome.earlier, message->welcome.earlier_length, hash);
        break;
    case WIRE_BATCH:
        seal_hash(message->batch.bytes, message->batch.length, hash);
        break;
    case WIRE_RUN:
        fuzz_require(message->run.count >= 1 && message->run.count <= WIRE_RUN_BATCHES, "a RUN has batches within its limit");
        for (size_t i = 0; i < message->run.count; i++)
            seal_hash(message->run.batches[i].bytes, message->run.batches[i].length, hash);
        break;
    case WIRE_ACK:
        seal_hash(message->ack.checkpoint, message->ack.checkpoint_length, hash);
        seal_hash(message->ack.earlier, message->ack.earlier_length, hash);
        fuzz_require(message->ack.refusal_count <= WIRE_ACK_REFUSALS, "an ACK carries no more refusals than a batch has");
        for (size_t i = 0; i < message->ack.refusal_count; i++)
            require_text(message->ack.refusals[i].code);
        break;
    case WIRE_QUESTION:
        fuzz_require(message->question.option_count <= WIRE_OPTIONS, "a question has no more options than fit");
        for (size_t i = 0; i < message->question.option_count; i++)
            require_text(message->question.options[i].value);
        break;
    case WIRE_ANSWER:
        fuzz_require(message->answer.row_count <= length && message->answer.column_count <= length,
                     "a table is no larger than its bytes");
        for (size_t i = 0; i < message->answer.column_count; i++)
            require_text(message->answer.columns[i]);
        for (size_t i = 0; i < message->answer.column_count * message->answer.row_count; i++)
            require_text(message->answer.cells[i]);
        break;
    case WIRE_ROLLUP:
    case WIRE_ALERT:
        for (size_t i = 0; i < message->published.field_count; i++) {
            require_text(message->published.names[i]);
            require_text(message->published.values[i]);
        }
        break;
    case WIRE_HELLO:
        seal_hash(message->hello.kept, message->hello.kept_length, hash);
        break;
    case WIRE_NACK:
    case WIRE_GAP:
    case WIRE_PROVE:
    case WIRE_PROOF:
    case WIRE_BYE: break;
    }
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct wire_message message = {.private = NULL}, second = {.private = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    unsigned char *once = NULL, *twice = NULL;
    size_t once_length, twice_length;
    enum status status = wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "bytes are a message or are refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        look_at(&message, length);
        wire_encode(&message, &once, &once_length);
        status = wire_decode(once, once_length, LIMIT_MESSAGE_BYTES, &second, &why);
        fuzz_require(status == STATUS_OK && second.kind == message.kind, "what was encoded can be decoded");
        wire_encode(&second, &twice, &twice_length);
        fuzz_require(once_length == twice_length && memcmp(once, twice, once_length) == 0,
                     "decoding and encoding again changes nothing");
    }
    wire_release(&second);
    wire_release(&message);
    free(once);
    free(twice);
}
