/* wire.c - every message that travels, written with msgpack-c and read with the bounds-checked cursor.
 *
 * A message is an array: its kind, then its fields in the order of its struct in wire.h. Reading first walks the whole
 * message once (depth, counts against the bytes left, number of items, nothing after it), so that the second walk
 * allocates no more than the message can fill; then it takes the fields it knows and leaves unknown trailing ones alone.
 * Texts come out terminated: each is copied to one block as long as the message, where the byte that held its length
 * makes room for its terminator. */
#include "wire.h"

#include "cursor.h"
#include "limit.h"
#include "memory.h"
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DEPTH 8
#define MOST_ITEMS (1u << 25) /* of one message: some two million rows of an answer */
#define MOST_COLUMNS 256      /* of an answer or a published row */

struct wire_private {
    char *texts, *place; /* block of terminated texts, and where the next one goes */
    const char **pointers;
    struct wire_refusal *refusals;
    struct wire_run_batch *batches;
};

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void pack_text_or_nil(msgpack_packer *packer, const char *text)
{
    if (text == NULL)
        msgpack_pack_nil(packer);
    else
        pack_text(packer, text);
}

static void pack_head(msgpack_packer *packer, size_t items, enum wire_kind kind)
{
    msgpack_pack_array(packer, items);
    msgpack_pack_uint32(packer, (uint32_t)kind);
}

static void pack_hello(msgpack_packer *packer, const struct wire_hello *hello)
{
    pack_head(packer, 17, WIRE_HELLO);
    msgpack_pack_uint32(packer, hello->protocol_min);
    msgpack_pack_uint32(packer, hello->protocol_max);
    pack_text(packer, hello->agent);
    pack_binary(packer, hello->outbox, sizeof hello->outbox);
    msgpack_pack_uint64(packer, hello->epoch);
    msgpack_pack_uint64(packer, hello->session);
    msgpack_pack_uint64(packer, hello->low);
    msgpack_pack_uint64(packer, hello->high);
    pack_binary(packer, hello->chain_at_high, sizeof hello->chain_at_high);
    msgpack_pack_uint64(packer, hello->highest_acked);
    pack_binary(packer, hello->catalogue_hash, sizeof hello->catalogue_hash);
    msgpack_pack_int64(packer, hello->wall_time);
    pack_text(packer, hello->software);
    msgpack_pack_uint64(packer, hello->backlog);
    msgpack_pack_uint64(packer, hello->refused);
    pack_binary(packer, hello->kept, hello->kept_length);
}

static void pack_welcome(msgpack_packer *packer, const struct wire_welcome *welcome)
{
    pack_head(packer, 12, WIRE_WELCOME);
    msgpack_pack_uint64(packer, welcome->session);
    msgpack_pack_uint32(packer, welcome->protocol);
    pack_binary(packer, welcome->generation, sizeof welcome->generation);
    msgpack_pack_uint64(packer, welcome->watermark);
    pack_binary(packer, welcome->chain_at_watermark, sizeof welcome->chain_at_watermark);
    msgpack_pack_uint64(packer, welcome->backup_watermark);
    msgpack_pack_uint32(packer, welcome->credit);
    msgpack_pack_int64(packer, welcome->server_time);
    pack_binary(packer, welcome->checkpoint, welcome->checkpoint_length);
    pack_binary(packer, welcome->earlier, welcome->earlier_length);
    msgpack_pack_uint32(packer, welcome->run_batches);
}

static void pack_batch(msgpack_packer *packer, const struct wire_batch *batch)
{
    pack_head(packer, 6, WIRE_BATCH);
    msgpack_pack_uint64(packer, batch->session);
    msgpack_pack_uint64(packer, batch->seq);
    pack_binary(packer, batch->chain_before, sizeof batch->chain_before);
    pack_binary(packer, batch->bytes, batch->length);
    pack_binary(packer, batch->signature, sizeof batch->signature);
}

static void pack_run(msgpack_packer *packer, const struct wire_run *run)
{
    pack_head(packer, 5, WIRE_RUN);
    msgpack_pack_uint64(packer, run->session);
    msgpack_pack_uint64(packer, run->seq);
    pack_binary(packer, run->chain_before, sizeof run->chain_before);
    msgpack_pack_array(packer, run->count);
    for (size_t i = 0; i < run->count; i++) {
        msgpack_pack_array(packer, 2);
        pack_binary(packer, run->batches[i].bytes, run->batches[i].length);
        pack_binary(packer, run->batches[i].signature, sizeof run->batches[i].signature);
    }
}

static void pack_ack(msgpack_packer *packer, const struct wire_ack *ack)
{
    pack_head(packer, 10, WIRE_ACK);
    msgpack_pack_uint64(packer, ack->session);
    pack_binary(packer, ack->generation, sizeof ack->generation);
    msgpack_pack_uint64(packer, ack->watermark);
    pack_binary(packer, ack->chain_at_watermark, sizeof ack->chain_at_watermark);
    msgpack_pack_uint64(packer, ack->backup_watermark);
    msgpack_pack_uint32(packer, ack->credit);
    msgpack_pack_array(packer, ack->refusal_count);
    for (size_t i = 0; i < ack->refusal_count; i++) {
        msgpack_pack_array(packer, 3);
        msgpack_pack_uint64(packer, ack->refusals[i].seq);
        msgpack_pack_uint32(packer, ack->refusals[i].index);
        pack_text(packer, ack->refusals[i].code);
    }
    pack_binary(packer, ack->checkpoint, ack->checkpoint_length);
    pack_binary(packer, ack->earlier, ack->earlier_length);
}

static void pack_nack(msgpack_packer *packer, const struct wire_message_nack *nack)
{
    pack_head(packer, 6, WIRE_NACK);
    msgpack_pack_uint64(packer, nack->session);
    msgpack_pack_uint32(packer, (uint32_t)nack->code);
    msgpack_pack_uint64(packer, nack->first);
    pack_text(packer, nack->detail);
    msgpack_pack_uint32(packer, nack->retry_after_ms);
}

static void pack_gap(msgpack_packer *packer, const struct wire_gap *gap)
{
    pack_head(packer, 6, WIRE_GAP);
    msgpack_pack_uint64(packer, gap->session);
    msgpack_pack_uint64(packer, gap->from);
    msgpack_pack_uint64(packer, gap->to);
    pack_binary(packer, gap->chain_after, sizeof gap->chain_after);
    pack_text(packer, gap->reason);
}

static void pack_proof(msgpack_packer *packer, const struct wire_proof *proof, enum wire_kind kind)
{
    pack_head(packer, kind == WIRE_PROVE ? 3 : 4, kind);
    msgpack_pack_uint64(packer, proof->session);
    msgpack_pack_uint64(packer, proof->seq);
    if (kind == WIRE_PROOF)
        pack_binary(packer, proof->chain, sizeof proof->chain);
}

static void pack_question(msgpack_packer *packer, const struct wire_question *question)
{
    pack_head(packer, 4, WIRE_QUESTION);
    msgpack_pack_uint64(packer, question->id);
    pack_text(packer, question->command);
    msgpack_pack_array(packer, question->option_count);
    for (size_t i = 0; i < question->option_count; i++) {
        msgpack_pack_array(packer, 2);
        pack_text(packer, question->options[i].name);
        pack_text(packer, question->options[i].value);
    }
}

static void pack_answer(msgpack_packer *packer, const struct wire_answer *answer)
{
    pack_head(packer, 9, WIRE_ANSWER);
    msgpack_pack_uint64(packer, answer->id);
    msgpack_pack_uint32(packer, answer->exit_code);
    pack_text(packer, answer->fault_code);
    pack_text(packer, answer->fault_zh);
    pack_text(packer, answer->fault_en);
    pack_text(packer, answer->as_of);
    msgpack_pack_array(packer, answer->column_count);
    for (size_t i = 0; i < answer->column_count; i++)
        pack_text(packer, answer->columns[i]);
    msgpack_pack_array(packer, answer->row_count);
    for (size_t row = 0; row < answer->row_count; row++) {
        msgpack_pack_array(packer, answer->column_count);
        for (size_t i = 0; i < answer->column_count; i++)
            pack_text_or_nil(packer, answer->cells[row * answer->column_count + i]);
    }
}

static void pack_published(msgpack_packer *packer, const struct wire_published *published, enum wire_kind kind)
{
    pack_head(packer, 3, kind);
    msgpack_pack_uint64(packer, published->sequence);
    msgpack_pack_map(packer, published->field_count);
    for (size_t i = 0; i < published->field_count; i++) {
        pack_text(packer, published->names[i]);
        pack_text_or_nil(packer, published->values[i]);
    }
}

void wire_encode(const struct wire_message *message, unsigned char **ret_bytes, size_t *ret_length)
{
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    pack_open(&packer, &buffer);
    switch (message->kind) {
    case WIRE_HELLO: pack_hello(&packer, &message->hello); break;
    case WIRE_WELCOME: pack_welcome(&packer, &message->welcome); break;
    case WIRE_BATCH: pack_batch(&packer, &message->batch); break;
    case WIRE_ACK: pack_ack(&packer, &message->ack); break;
    case WIRE_NACK: pack_nack(&packer, &message->nack); break;
    case WIRE_GAP: pack_gap(&packer, &message->gap); break;
    case WIRE_PROVE:
    case WIRE_PROOF: pack_proof(&packer, &message->proof, message->kind); break;
    case WIRE_BYE: pack_head(&packer, 1, WIRE_BYE); break;
    case WIRE_QUESTION: pack_question(&packer, &message->question); break;
    case WIRE_ANSWER: pack_answer(&packer, &message->answer); break;
    case WIRE_ROLLUP:
    case WIRE_ALERT: pack_published(&packer, &message->published, message->kind); break;
    case WIRE_RUN: pack_run(&packer, &message->run); break;
    }
    *ret_length = buffer.size;
    *ret_bytes = (unsigned char *)msgpack_sbuffer_release(&buffer);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

struct reader {
    struct cursor cursor;
    size_t length, items; /* of the whole message */
    size_t fields;        /* of the message itself, its kind included */
    struct wire_private *private;
};

static uint64_t take_u64(struct reader *reader)
{
    return cursor_unsigned(&reader->cursor, UINT64_MAX);
}

static uint32_t take_u32(struct reader *reader)
{
    return (uint32_t)cursor_unsigned(&reader->cursor, UINT32_MAX);
}

/* A terminated copy of a text of any length. */
static const char *take_text(struct reader *reader)
{
    size_t length;
    const char *text = cursor_text(&reader->cursor, reader->length, &length);
    char *copy = reader->private->place;
    if (copy == NULL)
        copy = reader->private->texts = reader->private->place = memory_array(reader->length, 1);
    if (reader->cursor.wrong != NULL)
        return "";
    memcpy(copy, text, length);
    copy[length] = '\0';
    reader->private->place += length + 1;
    return copy;
}

static const char *take_text_or_nil(struct reader *reader)
{
    return cursor_is_nil(&reader->cursor) ? NULL : take_text(reader);
}

/* A binary that was added to its message later, as the item of this number: empty when the sender does not know it. */
static const unsigned char *take_later(struct reader *reader, size_t item, size_t *ret_length)
{
    *ret_length = 0;
    return reader->fields < item ? (const unsigned char *)"" : cursor_binary(&reader->cursor, LIMIT_TEXT_BYTES, ret_length);
}

/* Items a message has, its kind included; more may follow. */
static size_t items_of(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_HELLO: return 16;
    case WIRE_WELCOME: return 10;
    case WIRE_BATCH: return 6;
    case WIRE_ACK: return 8;
    case WIRE_NACK: return 6;
    case WIRE_GAP: return 6;
    case WIRE_PROVE: return 3;
    case WIRE_PROOF: return 4;
    case WIRE_BYE: return 1;
    case WIRE_QUESTION: return 4;
    case WIRE_ANSWER: return 9;
    case WIRE_ROLLUP:
    case WIRE_ALERT: return 3;
    case WIRE_RUN: return 5;
    }
    return SIZE_MAX;
}

static void read_hello(struct reader *reader, struct wire_hello *hello)
{
    hello->protocol_min = take_u32(reader);
    hello->protocol_max = take_u32(reader);
    cursor_copy_text(&reader->cursor, hello->agent, sizeof hello->agent);
    cursor_copy_binary(&reader->cursor, hello->outbox, sizeof hello->outbox);
    hello->epoch = take_u64(reader);
    hello->session = take_u64(reader);
    hello->low = take_u64(reader);
    hello->high = take_u64(reader);
    cursor_copy_binary(&reader->cursor, hello->chain_at_high, sizeof hello->chain_at_high);
    hello->highest_acked = take_u64(reader);
    cursor_copy_binary(&reader->cursor, hello->catalogue_hash, sizeof hello->catalogue_hash);
    hello->wall_time = cursor_signed(&reader->cursor, INT64_MIN, INT64_MAX);
    cursor_copy_text(&reader->cursor, hello->software, sizeof hello->software);
    hello->backlog = take_u64(reader);
    hello->refused = take_u64(reader);
    hello->kept = take_later(reader, 17, &hello->kept_length);
}

static void read_welcome(struct reader *reader, struct wire_welcome *welcome)
{
    welcome->session = take_u64(reader);
    welcome->protocol = take_u32(reader);
    cursor_copy_binary(&reader->cursor, welcome->generation, sizeof welcome->generation);
    welcome->watermark = take_u64(reader);
    cursor_copy_binary(&reader->cursor, welcome->chain_at_watermark, sizeof welcome->chain_at_watermark);
    welcome->backup_watermark = take_u64(reader);
    welcome->credit = take_u32(reader);
    welcome->server_time = cursor_signed(&reader->cursor, INT64_MIN, INT64_MAX);
    welcome->checkpoint = cursor_binary(&reader->cursor, LIMIT_TEXT_BYTES, &welcome->checkpoint_length);
    welcome->earlier = take_later(reader, 11, &welcome->earlier_length);
    if (reader->fields >= 12) /* not said by the first aggregators */
        welcome->run_batches = take_u32(reader);
}

static void read_batch(struct reader *reader, struct wire_batch *batch)
{
    batch->session = take_u64(reader);
    batch->seq = take_u64(reader);
    cursor_copy_binary(&reader->cursor, batch->chain_before, sizeof batch->chain_before);
    batch->bytes = cursor_binary(&reader->cursor, LIMIT_BATCH_BYTES, &batch->length);
    cursor_copy_binary(&reader->cursor, batch->signature, sizeof batch->signature);
}

static void read_run(struct reader *reader, struct wire_run *run)
{
    size_t bytes = 0;
    run->session = take_u64(reader);
    run->seq = take_u64(reader);
    cursor_copy_binary(&reader->cursor, run->chain_before, sizeof run->chain_before);
    run->count = cursor_array(&reader->cursor, WIRE_RUN_BATCHES);
    struct wire_run_batch *batches = memory_array(run->count, sizeof *batches);
    run->batches = reader->private->batches = batches;
    for (size_t i = 0; i < run->count && reader->cursor.wrong == NULL; i++) {
        if (cursor_array(&reader->cursor, 2) != 2)
            cursor_fail(&reader->cursor, "batch of a run is not bytes and a signature");
        batches[i].bytes = cursor_binary(&reader->cursor, LIMIT_BATCH_BYTES - bytes, &batches[i].length);
        cursor_copy_binary(&reader->cursor, batches[i].signature, sizeof batches[i].signature);
        bytes += batches[i].length;
    }
    if (reader->cursor.wrong == NULL && (run->count == 0 || run->seq == 0 || run->seq > UINT64_MAX - run->count))
        cursor_fail(&reader->cursor, "run of no batches");
}

static void read_ack(struct reader *reader, struct wire_ack *ack)
{
    ack->session = take_u64(reader);
    cursor_copy_binary(&reader->cursor, ack->generation, sizeof ack->generation);
    ack->watermark = take_u64(reader);
    cursor_copy_binary(&reader->cursor, ack->chain_at_watermark, sizeof ack->chain_at_watermark);
    ack->backup_watermark = take_u64(reader);
    ack->credit = take_u32(reader);
    ack->refusal_count = cursor_array(&reader->cursor, WIRE_ACK_REFUSALS);
    struct wire_refusal *refusals = memory_array(ack->refusal_count, sizeof *refusals);
    ack->refusals = reader->private->refusals = refusals;
    for (size_t i = 0; i < ack->refusal_count && reader->cursor.wrong == NULL; i++) {
        if (cursor_array(&reader->cursor, 3) != 3)
            cursor_fail(&reader->cursor, "refusal of another length");
        refusals[i].seq = take_u64(reader);
        refusals[i].index = (uint32_t)cursor_unsigned(&reader->cursor, LIMIT_BATCH_RECORDS - 1);
        cursor_copy_text(&reader->cursor, refusals[i].code, sizeof refusals[i].code);
    }
    ack->checkpoint = take_later(reader, 9, &ack->checkpoint_length);
    ack->earlier = take_later(reader, 10, &ack->earlier_length);
}

static void read_nack(struct reader *reader, struct wire_message_nack *nack)
{
    nack->session = take_u64(reader);
    const uint64_t code = cursor_unsigned(&reader->cursor, NACK_STALE_EPOCH);
    if (code == 0)
        cursor_fail(&reader->cursor, "unknown code of a refusal");
    nack->code = (enum wire_nack)code;
    nack->first = take_u64(reader);
    cursor_copy_text(&reader->cursor, nack->detail, sizeof nack->detail);
    nack->retry_after_ms = take_u32(reader);
}

static void read_gap(struct reader *reader, struct wire_gap *gap)
{
    gap->session = take_u64(reader);
    gap->from = take_u64(reader);
    gap->to = take_u64(reader);
    cursor_copy_binary(&reader->cursor, gap->chain_after, sizeof gap->chain_after);
    cursor_copy_text(&reader->cursor, gap->reason, sizeof gap->reason);
    if (gap->from > gap->to)
        cursor_fail(&reader->cursor, "gap that ends before it begins");
}

static void read_proof(struct reader *reader, struct wire_proof *proof, enum wire_kind kind)
{
    proof->session = take_u64(reader);
    proof->seq = take_u64(reader);
    if (kind == WIRE_PROOF)
        cursor_copy_binary(&reader->cursor, proof->chain, sizeof proof->chain);
}

static void read_question(struct reader *reader, struct wire_question *question)
{
    question->id = take_u64(reader);
    cursor_copy_text(&reader->cursor, question->command, sizeof question->command);
    question->option_count = cursor_array(&reader->cursor, WIRE_OPTIONS);
    for (size_t i = 0; i < question->option_count && reader->cursor.wrong == NULL; i++) {
        if (cursor_array(&reader->cursor, 2) != 2)
            cursor_fail(&reader->cursor, "option is not a name and a value");
        cursor_copy_text(&reader->cursor, question->options[i].name, sizeof question->options[i].name);
        question->options[i].value = take_text(reader);
    }
}

static void read_answer(struct reader *reader, struct wire_answer *answer)
{
    answer->id = take_u64(reader);
    answer->exit_code = take_u32(reader);
    cursor_copy_text(&reader->cursor, answer->fault_code, sizeof answer->fault_code);
    answer->fault_zh = take_text(reader);
    answer->fault_en = take_text(reader);
    answer->as_of = take_text(reader);
    answer->column_count = cursor_array(&reader->cursor, MOST_COLUMNS);
    /* The first walk counted every item, so there are never more pointers than items. */
    const char **next = reader->private->pointers = memory_array(reader->items, sizeof *next);
    answer->columns = next;
    for (size_t i = 0; i < answer->column_count; i++)
        *next++ = take_text(reader);
    answer->row_count = cursor_array(&reader->cursor, reader->items);
    answer->cells = next;
    for (size_t row = 0; row < answer->row_count && reader->cursor.wrong == NULL; row++) {
        if (cursor_array(&reader->cursor, answer->column_count) != answer->column_count) {
            cursor_fail(&reader->cursor, "row of another length than the columns");
            return;
        }
        for (size_t i = 0; i < answer->column_count; i++)
            *next++ = take_text_or_nil(reader);
    }
}

static void read_published(struct reader *reader, struct wire_published *published)
{
    published->sequence = take_u64(reader);
    published->field_count = cursor_map(&reader->cursor, MOST_COLUMNS);
    const char **pointers = reader->private->pointers = memory_array(2 * published->field_count, sizeof *pointers);
    published->names = pointers;
    published->values = pointers + published->field_count;
    for (size_t i = 0; i < published->field_count; i++) {
        pointers[i] = take_text(reader);
        pointers[published->field_count + i] = take_text_or_nil(reader);
    }
}

static void read_message(struct reader *reader, struct wire_message *message)
{
    const size_t items = cursor_array(&reader->cursor, 64);
    const uint64_t kind = cursor_unsigned(&reader->cursor, WIRE_RUN);
    message->kind = (enum wire_kind)kind;
    reader->fields = items;
    if (kind == 0 || items < items_of(message->kind))
        cursor_fail(&reader->cursor, kind == 0 ? "unknown kind of message" : "message lacks items");
    if (reader->cursor.wrong != NULL)
        return;
    switch (message->kind) {
    case WIRE_HELLO: read_hello(reader, &message->hello); break;
    case WIRE_WELCOME: read_welcome(reader, &message->welcome); break;
    case WIRE_BATCH: read_batch(reader, &message->batch); break;
    case WIRE_ACK: read_ack(reader, &message->ack); break;
    case WIRE_NACK: read_nack(reader, &message->nack); break;
    case WIRE_GAP: read_gap(reader, &message->gap); break;
    case WIRE_PROVE:
    case WIRE_PROOF: read_proof(reader, &message->proof, message->kind); break;
    case WIRE_BYE: break;
    case WIRE_QUESTION: read_question(reader, &message->question); break;
    case WIRE_ANSWER: read_answer(reader, &message->answer); break;
    case WIRE_ROLLUP:
    case WIRE_ALERT: read_published(reader, &message->published); break;
    case WIRE_RUN: read_run(reader, &message->run); break;
    }
}

/* The first walk: one whole msgpack value and nothing after it. */
static size_t walk(struct cursor *cursor, size_t length, size_t limit)
{
    if (length > limit)
        cursor_fail(cursor, "longer than a message may be here");
    const size_t items = cursor_skip(cursor, MOST_DEPTH);
    if (cursor->wrong == NULL && cursor_left(cursor) > 0)
        cursor_fail(cursor, "bytes left over");
    if (items > MOST_ITEMS)
        cursor_fail(cursor, "too many items");
    return items;
}

enum status wire_decode(const unsigned char *bytes, size_t length, size_t limit, struct wire_message *ret_message,
                        struct fault *why)
{
    struct wire_message message;
    struct reader reader = {.cursor = cursor_over(bytes, length), .length = length};
    memset(&message, 0, sizeof message); /* a proof without its chain is all zero, as are unused options */
    reader.items = walk(&reader.cursor, length, limit);
    if (reader.cursor.wrong == NULL) {
        reader.cursor = cursor_over(bytes, length);
        message.private = reader.private = memory_new(struct wire_private);
        read_message(&reader, &message);
    }
    const enum status status = cursor_verdict(&reader.cursor, bytes, MESSAGE_MALFORMED_MESSAGE, why);
    if (status == STATUS_OK)
        *ret_message = message;
    else
        wire_release(&message);
    return status;
}

void wire_release(struct wire_message *message)
{
    if (message == NULL || message->private == NULL)
        return;
    free(message->private->texts);
    free(message->private->pointers);
    free(message->private->refusals);
    free(message->private->batches);
    free(message->private);
    message->private = NULL;
}

const char *wire_kind_name(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_HELLO: return "hello";
    case WIRE_WELCOME: return "welcome";
    case WIRE_BATCH: return "batch";
    case WIRE_ACK: return "ack";
    case WIRE_NACK: return "nack";
    case WIRE_GAP: return "gap";
    case WIRE_PROVE: return "prove";
    case WIRE_PROOF: return "proof";
    case WIRE_BYE: return "bye";
    case WIRE_QUESTION: return "question";
    case WIRE_ANSWER: return "answer";
    case WIRE_ROLLUP: return "rollup";
    case WIRE_ALERT: return "alert";
    case WIRE_RUN: return "run";
    }
    return "unknown";
}
