#include "wire.h"

#include "limit.h"
#include "vector.h"

#include <msgpack.h>
#include <stdint.h>

/* ---- the examples of wire.md ----------------------------------------------------------------------------------------- */

static const unsigned char batch_bytes[] = {0x9f, 0x01}; /* stands for a whole batch, which has a vector of its own */
static const char checkpoint[] = "suanpan\n7\n", earlier[] = "suanpan\n6\n";
static const struct wire_refusal refusals[] = {{42, 3, "forbidden"}, {42, 17, "revision_conflict"}};
static const char *const columns[] = {"code", "unit", "value"};
static const char *const cells[] = {"I01", "320400", "12.50", "I01", "320481", NULL};
static const char *const rollup_names[] = {"code", "unit", "period", "value"};
static const char *const rollup_values[] = {"I01", "320481", "2020", NULL};
static const char *const alert_names[] = {"alert", "kind", "unit", "state"};
static const char *const alert_values[] = {"17", "goal_lagging", "320481", "open"};

static void fill(void *bytes, int value, size_t length)
{
    memset(bytes, value, length);
}

static void hello(struct wire_message *message)
{
    struct wire_hello *hello = &message->hello;
    *hello = (struct wire_hello){.protocol_min = 1, .protocol_max = 1, .agent = "liyang", .epoch = 3,
                                 .session = UINT64_C(0x0123456789abcdef), .low = 40, .high = 42, .highest_acked = 41,
                                 .wall_time = INT64_C(1585872000123), .software = "suanpan-collector 0.1.0",
                                 .backlog = 1, .refused = 5, .kept = (const unsigned char *)earlier,
                                 .kept_length = sizeof earlier - 1};
    fill(hello->outbox, 0xa0, sizeof hello->outbox);
    fill(hello->chain_at_high, 0xc2, sizeof hello->chain_at_high);
    fill(hello->catalogue_hash, 0x22, sizeof hello->catalogue_hash);
}

static void welcome(struct wire_message *message)
{
    struct wire_welcome *welcome = &message->welcome;
    *welcome = (struct wire_welcome){.session = UINT64_C(0x0123456789abcdef), .protocol = 1, .watermark = 41,
                                     .backup_watermark = 30, .credit = 8, .server_time = INT64_C(1585872000456),
                                     .checkpoint = (const unsigned char *)checkpoint,
                                     .checkpoint_length = sizeof checkpoint - 1,
                                     .earlier = (const unsigned char *)earlier, .earlier_length = sizeof earlier - 1,
                                     .run_batches = 256};
    fill(welcome->generation, 0xd0, sizeof welcome->generation);
    fill(welcome->chain_at_watermark, 0xc1, sizeof welcome->chain_at_watermark);
}

static void batch(struct wire_message *message)
{
    struct wire_batch *batch = &message->batch;
    *batch = (struct wire_batch){.session = UINT64_C(0x0123456789abcdef), .seq = 42, .bytes = batch_bytes,
                                 .length = sizeof batch_bytes};
    fill(batch->chain_before, 0xc1, sizeof batch->chain_before);
    fill(batch->signature, 0x5e, sizeof batch->signature);
}

static void run(struct wire_message *message)
{
    static struct wire_run_batch batches[2];
    message->run = (struct wire_run){.session = UINT64_C(0x0123456789abcdef), .seq = 42, .batches = batches,
                                     .count = ARRAY_LEN(batches)};
    fill(message->run.chain_before, 0xc1, sizeof message->run.chain_before);
    for (size_t i = 0; i < ARRAY_LEN(batches); i++) {
        batches[i] = (struct wire_run_batch){.bytes = batch_bytes, .length = sizeof batch_bytes};
        fill(batches[i].signature, 0x5e + (int)i, sizeof batches[i].signature);
    }
}

static void ack(struct wire_message *message)
{
    struct wire_ack *ack = &message->ack;
    *ack = (struct wire_ack){.session = UINT64_C(0x0123456789abcdef), .watermark = 42, .backup_watermark = 30,
                             .credit = 8, .refusals = refusals, .refusal_count = ARRAY_LEN(refusals),
                             .checkpoint = (const unsigned char *)checkpoint, .checkpoint_length = sizeof checkpoint - 1,
                             .earlier = (const unsigned char *)"", .earlier_length = 0};
    fill(ack->generation, 0xd0, sizeof ack->generation);
    fill(ack->chain_at_watermark, 0xc2, sizeof ack->chain_at_watermark);
}

static void nack(struct wire_message *message)
{
    message->nack = (struct wire_message_nack){.session = UINT64_C(0x0123456789abcdef), .code = NACK_GAP_AHEAD,
                                               .first = 42, .detail = "44 follows 41", .retry_after_ms = 1000};
}

static void gap(struct wire_message *message)
{
    message->gap = (struct wire_gap){.session = UINT64_C(0x0123456789abcdef), .from = 38, .to = 39,
                                     .reason = "outbox damaged"};
    fill(message->gap.chain_after, 0xb9, sizeof message->gap.chain_after);
}

static void prove(struct wire_message *message)
{
    message->proof = (struct wire_proof){.session = UINT64_C(0x0123456789abcdef), .seq = 40};
}

static void proof(struct wire_message *message)
{
    prove(message);
    fill(message->proof.chain, 0xc0, sizeof message->proof.chain);
}

static void bye(struct wire_message *message)
{
    (void)message; /* a BYE is its kind alone */
}

static void question(struct wire_message *message)
{
    message->question = (struct wire_question){.id = 9, .command = "query", .option_count = 2};
    memcpy(message->question.options[0].name, "code", 5);
    message->question.options[0].value = "I01";
    memcpy(message->question.options[1].name, "period", 7);
    message->question.options[1].value = "2020-Q1";
}

static void answer(struct wire_message *message)
{
    message->answer = (struct wire_answer){.id = 9, .as_of = "2020-04-03T08:00:00+08:00", .fault_zh = "", .fault_en = "",
                                           .column_count = 3, .row_count = 2, .columns = columns, .cells = cells};
}

static void answer_fault(struct wire_message *message)
{
    message->answer = (struct wire_answer){.id = 10, .exit_code = 2, .fault_code = "unknown_unit",
                                           .fault_zh = "没有单位“3299”", .fault_en = "no unit \"3299\"", .as_of = ""};
}

static void rollup(struct wire_message *message)
{
    message->published = (struct wire_published){.sequence = 1001, .field_count = ARRAY_LEN(rollup_names),
                                                 .names = rollup_names, .values = rollup_values};
}

static void alert(struct wire_message *message)
{
    message->published = (struct wire_published){.sequence = 77, .field_count = ARRAY_LEN(alert_names),
                                                 .names = alert_names, .values = alert_values};
}

static const struct example {
    const char *name;
    enum wire_kind kind;
    void (*make)(struct wire_message *message);
} examples[] = {
    {"hello", WIRE_HELLO, hello},       {"welcome", WIRE_WELCOME, welcome},
    {"batch", WIRE_BATCH, batch},       {"ack", WIRE_ACK, ack},
    {"nack", WIRE_NACK, nack},          {"gap", WIRE_GAP, gap},
    {"prove", WIRE_PROVE, prove},       {"proof", WIRE_PROOF, proof},
    {"bye", WIRE_BYE, bye},             {"question", WIRE_QUESTION, question},
    {"answer", WIRE_ANSWER, answer},    {"answer-fault", WIRE_ANSWER, answer_fault},
    {"rollup", WIRE_ROLLUP, rollup},    {"alert", WIRE_ALERT, alert},
    {"run", WIRE_RUN, run},
};

static unsigned char *encode_example(const struct example *example, size_t *ret_length)
{
    struct wire_message message;
    unsigned char *bytes = NULL;
    memset(&message, 0, sizeof message);
    message.kind = example->kind;
    example->make(&message);
    wire_encode(&message, &bytes, ret_length);
    return bytes;
}

static void every_message_is_written_as_its_vector_says(void)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        size_t length;
        unsigned char *bytes = encode_example(&examples[i], &length);
        CU_ASSERT(vector_matches(examples[i].name, bytes, length));
        free(bytes);
    }
}

static void every_vector_decodes_and_is_written_again(void)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct wire_message message;
        size_t length, again_length;
        unsigned char *again = NULL, *bytes = vector_bytes(examples[i].name, &length);
        CU_ASSERT_FATAL(bytes != NULL);
        CU_ASSERT_FATAL(wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
        CU_ASSERT_EQUAL(message.kind, examples[i].kind);
        wire_encode(&message, &again, &again_length);
        CU_ASSERT(again_length == length && memcmp(again, bytes, length) == 0);
        wire_release(&message);
        wire_release(&message);
        free(again);
        free(bytes);
    }
}

static void every_vector_is_drawn_in_wire_md(void)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++)
        CU_ASSERT(vector_is_drawn(examples[i].name));
}

static void fields_arrive_where_they_belong(void)
{
    struct wire_message message;
    size_t length;
    unsigned char *bytes = encode_example(&examples[0], &length);
    CU_ASSERT_FATAL(wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(message.hello.agent, "liyang");
    CU_ASSERT_EQUAL(message.hello.low, 40);
    CU_ASSERT_EQUAL(message.hello.high, 42);
    CU_ASSERT_EQUAL(message.hello.highest_acked, 41);
    CU_ASSERT_EQUAL(message.hello.refused, 5);
    wire_release(&message);
    free(bytes);
    bytes = encode_example(&examples[10], &length);
    CU_ASSERT_FATAL(wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(message.answer.row_count, 2);
    CU_ASSERT_STRING_EQUAL(message.answer.columns[2], "value");
    CU_ASSERT_STRING_EQUAL(message.answer.cells[2], "12.50");
    CU_ASSERT_PTR_NULL(message.answer.cells[5]);
    wire_release(&message);
    free(bytes);
}

/* ---- bytes from anybody --------------------------------------------------------------------------------------------------- */

static enum status decode(const unsigned char *bytes, size_t length)
{
    struct wire_message message;
    const enum status status = wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, NULL);
    if (status != STATUS_OK)
        return status;
    /* Walk everything it lends, so that asan sees a wrong pointer, and write it again. */
    unsigned char *again = NULL;
    size_t again_length;
    wire_encode(&message, &again, &again_length);
    free(again);
    wire_release(&message);
    return STATUS_OK;
}

static void every_truncation_is_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        size_t length;
        unsigned char *bytes = encode_example(&examples[i], &length);
        for (size_t cut = 0; cut < length; cut++) {
            unsigned char *part = memory_array(cut, 1);
            memcpy(part, bytes, cut);
            CU_ASSERT(decode(part, cut) == STATUS_REFUSED);
            free(part);
        }
        free(bytes);
    }
    CU_ASSERT(decode(NULL, 0) == STATUS_REFUSED);
}

static void a_changed_byte_is_refused_or_decodes_soundly(void)
{
    size_t decoded = 0, refused = 0;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        size_t length;
        unsigned char *bytes = encode_example(&examples[i], &length);
        for (size_t at = 0; at < length; at++) {
            const unsigned char was = bytes[at];
            for (unsigned other = 0; other < 256; other++) {
                bytes[at] = (unsigned char)other;
                const enum status status = decode(bytes, length);
                CU_ASSERT(status == STATUS_OK || status == STATUS_REFUSED);
                decoded += status == STATUS_OK;
                refused += status == STATUS_REFUSED;
            }
            bytes[at] = was;
        }
        free(bytes);
    }
    CU_ASSERT(decoded > 0 && refused > 0);
}

static void noise_is_refused_or_decodes_soundly(void)
{
    random_start();
    for (int round = 0; round < 50000; round++) {
        unsigned char noise[96];
        const size_t length = 2 + (size_t)random_below(sizeof noise - 2);
        for (size_t i = 0; i < length; i++)
            noise[i] = (unsigned char)(random_below(3) == 0 ? random_below(16) : random_next());
        noise[0] = (unsigned char)(0x90 | random_below(16));
        noise[1] = (unsigned char)(1 + random_below(13));
        CU_ASSERT(decode(noise, length) != STATUS_BROKEN);
    }
}

/* Every one of these is refused, whatever it claims to be. */
static void bad_bytes_are_refused(void)
{
    static const struct { const char *what; unsigned char bytes[24]; size_t length; } bad[] = {
        {"nothing", {0}, 0},
        {"not an array", {0x81, 0x01, 0x02}, 3},
        {"an empty array", {0x90}, 1},
        {"kind 0", {0x91, 0x00}, 2},
        {"kind 14", {0x91, 0x0e}, 2},
        {"a kind that is a text", {0x91, 0xa1, 0x39}, 3},
        {"a prove without its items", {0x92, 0x07, 0x01}, 3},
        {"a negative number", {0x93, 0x07, 0xff, 0x01}, 4},
        {"a float for a number", {0x93, 0x07, 0xca, 0, 0, 0, 0, 0x01}, 8},
        {"the byte msgpack never uses", {0x92, 0x09, 0xc1}, 3},
        {"bytes left over", {0x91, 0x09, 0x00}, 3},
        {"an array of 2^28 items", {0xdd, 0x10, 0x00, 0x00, 0x00, 0x09}, 6},
        {"a binary of 4 GiB", {0x92, 0x09, 0xc6, 0xff, 0xff, 0xff, 0xff}, 7},
        {"nested nine deep", {0x92, 0x09, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x00}, 11},
        {"text that is not UTF-8", {0x94, 0x0a, 0x01, 0xa1, 0xff, 0x90}, 6},
        {"text with a NUL", {0x94, 0x0a, 0x01, 0xa1, 0x00, 0x90}, 6},
        {"an option that is no pair", {0x94, 0x0a, 0x01, 0xa1, 0x71, 0x91, 0x91, 0xa1, 0x61}, 9},
        {"nack of an unknown code", {0x96, 0x05, 0x01, 0x0b, 0x01, 0xa0, 0x01}, 7},
        {"a published row without its map", {0x93, 0x0c, 0x01, 0x90}, 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const enum status status = decode(bad[i].bytes, bad[i].length);
        if (status != STATUS_REFUSED)
            printf("\n    taken: %s\n", bad[i].what);
        CU_ASSERT(status == STATUS_REFUSED);
    }
}

static void unknown_trailing_items_are_ignored(void)
{
    /* PROVE of a later version: [7, 1, 2, {"a": [nil, 1.5]}, ext] */
    const unsigned char later[] = {0x95, 0x07, 0x01, 0x02, 0x81, 0xa1, 0x61, 0x92, 0xc0,
                                   0xca, 0x3f, 0xc0, 0x00, 0x00, 0xd4, 0x01, 0x00};
    struct wire_message message;
    CU_ASSERT_FATAL(wire_decode(later, sizeof later, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(message.proof.session, 1);
    CU_ASSERT_EQUAL(message.proof.seq, 2);
    wire_release(&message);
}

static void numbers_of_any_width_are_taken(void)
{
    const unsigned char wide[] = {0x93, 0xcc, 0x07, 0xcf, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xd1, 0x00, 0x02};
    struct wire_message message;
    CU_ASSERT_FATAL(wire_decode(wide, sizeof wide, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(message.proof.session, 1);
    CU_ASSERT_EQUAL(message.proof.seq, 2);
    wire_release(&message);
}

static void a_message_beyond_its_limit_is_refused(void)
{
    struct wire_message message;
    struct fault why = {0};
    size_t length;
    unsigned char *bytes = encode_example(&examples[0], &length);
    CU_ASSERT(wire_decode(bytes, length, length - 1, &message, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_MALFORMED_MESSAGE);
    CU_ASSERT_STRING_NOT_EQUAL(why.argument[0], "");
    free(bytes);
}

/* ---- there and back ------------------------------------------------------------------------------------------------------- */

static const char *random_text(void)
{
    static const char *const texts[] = {"", "a", "320481", "溧阳市", "a longer text, of more than thirty-one bytes",
                                        "1234567890", "2020-Q1"};
    return texts[random_below(ARRAY_LEN(texts))];
}

static void random_answers_come_back_as_they_were(void)
{
    random_start();
    for (int round = 0; round < 200; round++) {
        const size_t width = 1 + (size_t)random_below(20), rows = (size_t)random_below(60);
        const char **names = memory_array(width, sizeof *names), **values = memory_array(width * rows, sizeof *values);
        for (size_t i = 0; i < width; i++)
            names[i] = random_text();
        for (size_t i = 0; i < width * rows; i++)
            values[i] = random_below(4) == 0 ? NULL : random_text();
        const struct wire_message sent = {.kind = WIRE_ANSWER,
            .answer = {.id = random_next(), .fault_zh = "", .fault_en = "", .as_of = random_text(),
                       .column_count = width, .row_count = rows, .columns = names, .cells = values}};
        struct wire_message got;
        unsigned char *bytes = NULL;
        size_t length, wrong = 0;
        wire_encode(&sent, &bytes, &length);
        CU_ASSERT_FATAL(wire_decode(bytes, length, LIMIT_ANSWER_BYTES, &got, NULL) == STATUS_OK);
        CU_ASSERT(got.answer.id == sent.answer.id && got.answer.column_count == width && got.answer.row_count == rows);
        for (size_t i = 0; i < width * rows; i++)
            wrong += values[i] == NULL ? got.answer.cells[i] != NULL
                                       : got.answer.cells[i] == NULL || strcmp(values[i], got.answer.cells[i]) != 0;
        CU_ASSERT_EQUAL(wrong, 0);
        wire_release(&got);
        free(bytes);
        free(names);
        free(values);
    }
}

static void an_ack_carries_a_refusal_for_each_record_of_a_batch(void)
{
    static struct wire_refusal many[WIRE_ACK_REFUSALS + 1];
    struct wire_message sent = {.kind = WIRE_ACK}, got;
    unsigned char *bytes = NULL;
    size_t length;
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (struct wire_refusal){.seq = UINT64_MAX, .index = (uint32_t)(i % LIMIT_BATCH_RECORDS)};
        memset(many[i].code, 'x', sizeof many[i].code - 1);
    }
    sent.ack.refusals = many;
    sent.ack.refusal_count = WIRE_ACK_REFUSALS;
    wire_encode(&sent, &bytes, &length);
    CU_ASSERT_FATAL(wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &got, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(got.ack.refusal_count, WIRE_ACK_REFUSALS);
    CU_ASSERT_EQUAL(got.ack.refusals[4095].index, 4095);
    CU_ASSERT_EQUAL(strlen(got.ack.refusals[4095].code), 32);
    wire_release(&got);
    free(bytes);
    sent.ack.refusal_count = WIRE_ACK_REFUSALS + 1;
    wire_encode(&sent, &bytes, &length);
    CU_ASSERT(wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &got, NULL) == STATUS_REFUSED);
    free(bytes);
}

static void a_run_carries_many_small_batches_or_few_large_ones(void)
{
    static struct wire_run_batch batches[WIRE_RUN_BATCHES + 1];
    static const unsigned char large[LIMIT_BATCH_BYTES / 2 + 1];
    static const struct { size_t count, length; bool is_sound; } cases[] = {
        {WIRE_RUN_BATCHES, 2, true}, {WIRE_RUN_BATCHES + 1, 2, false}, {0, 2, false},
        {2, LIMIT_BATCH_BYTES / 2, true}, {2, LIMIT_BATCH_BYTES / 2 + 1, false}, {1, 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wire_message got, sent = {.kind = WIRE_RUN};
        unsigned char *bytes = NULL;
        size_t length;
        for (size_t b = 0; b < cases[i].count; b++)
            batches[b] = (struct wire_run_batch){.bytes = large, .length = cases[i].length};
        sent.run = (struct wire_run){.seq = 1, .batches = batches, .count = cases[i].count};
        wire_encode(&sent, &bytes, &length);
        const enum status status = wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &got, NULL);
        CU_ASSERT_EQUAL(status, cases[i].is_sound ? STATUS_OK : STATUS_REFUSED);
        if (status == STATUS_OK) {
            CU_ASSERT_EQUAL(got.run.count, cases[i].count);
            CU_ASSERT_EQUAL(got.run.batches[cases[i].count - 1].length, cases[i].length);
            wire_release(&got);
        }
        free(bytes);
    }
}

/* A WELCOME from before there were runs ends before run_batches. */
static void an_older_welcome_takes_no_runs(void)
{
    struct wire_message message;
    size_t length;
    unsigned char *bytes = encode_example(&examples[1], &length);
    CU_ASSERT_FATAL(wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(message.welcome.run_batches, 256);
    wire_release(&message);
    bytes[0] = 0x9b; /* array of 11 */
    CU_ASSERT_FATAL(wire_decode(bytes, length - 3, LIMIT_MESSAGE_BYTES, &message, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(message.welcome.run_batches, 0);
    wire_release(&message);
    free(bytes);
}

static void what_we_write_others_read(void)
{
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        size_t length, offset = 0;
        unsigned char *bytes = encode_example(&examples[i], &length);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        CU_ASSERT(msgpack_unpack_next(&unpacked, (const char *)bytes, length, &offset) == MSGPACK_UNPACK_SUCCESS);
        CU_ASSERT_EQUAL(offset, length);
        CU_ASSERT(unpacked.data.type == MSGPACK_OBJECT_ARRAY && unpacked.data.via.array.size > 0);
        CU_ASSERT(unpacked.data.via.array.ptr[0].via.u64 == (uint64_t)examples[i].kind);
        msgpack_unpacked_destroy(&unpacked);
        free(bytes);
    }
}

static void every_kind_has_a_name(void)
{
    for (int kind = WIRE_HELLO; kind <= WIRE_RUN; kind++)
        CU_ASSERT_STRING_NOT_EQUAL(wire_kind_name((enum wire_kind)kind), "unknown");
    CU_ASSERT_STRING_EQUAL(wire_kind_name((enum wire_kind)0), "unknown");
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(every_message_is_written_as_its_vector_says),
        SENTENCE(every_vector_decodes_and_is_written_again),
        SENTENCE(every_vector_is_drawn_in_wire_md),
        SENTENCE(fields_arrive_where_they_belong),
        SENTENCE(every_truncation_is_refused),
        SENTENCE(a_changed_byte_is_refused_or_decodes_soundly),
        SENTENCE(noise_is_refused_or_decodes_soundly),
        SENTENCE(bad_bytes_are_refused),
        SENTENCE(unknown_trailing_items_are_ignored),
        SENTENCE(numbers_of_any_width_are_taken),
        SENTENCE(a_message_beyond_its_limit_is_refused),
        SENTENCE(random_answers_come_back_as_they_were),
        SENTENCE(an_ack_carries_a_refusal_for_each_record_of_a_batch),
        SENTENCE(a_run_carries_many_small_batches_or_few_large_ones),
        SENTENCE(an_older_welcome_takes_no_runs),
        SENTENCE(what_we_write_others_read),
        SENTENCE(every_kind_has_a_name),
    };
    return suite_run("wire", sentences, ARRAY_LEN(sentences));
}
