/* The aggregator's end against a collector played by hand, over real CURVE sockets with the gate in place. */
#define _GNU_SOURCE
#include "suite.h"
#include "support.h"

#include "gate.h"
#include "intake.h"
#include "link.h"
#include "network/hand.h"
#include "network/line.h"
#include "recall.h"
#include "wire.h"

#include <dlfcn.h>
#include <time.h>
#include <zmq.h>

static const struct catalogue_file files[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh\nC,,city,C\nA,C,district,A\na1,A,town,a1\na2,A,town,a2\n"
                           "B,C,district,B\nb1,B,town,b1\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nmon,mon,month,town,10\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,unit_zh,decimals\nhomes,mon,homes,flow,x,0\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,decimals,better\ni_homes,homes,homes,0,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\n"),
};

struct collector {
    struct hand hand;
    void *socket;
    int64_t wall_time;          /* 0: the bureau's */
    struct wire_message answer; /* as received last */
    zmq_msg_t frame;
    bool has_answer;
};

struct bureau {
    struct city city;
    void *context, *router;
    struct secret_key key;
    struct agent agents[2];
    enum security security;
    struct gate *gate;
    struct intake *intake;
    char endpoint[256];
    int64_t now_ms;
    uint64_t committed;
};

static struct bureau bureau;
static struct collector east, west;

/* ---- the house ------------------------------------------------------------------------------------------------------ */

static void make_key(struct secret_key *key)
{
    unsigned char folder[8];
    char name[32], path[128];
    struct fault why = {0};
    seal_random(folder, sizeof folder);
    name[0] = 'k';
    seal_hex(folder, 4, name + 1);
    city_must(keys_generate(bureau.city.folder, name, NULL, &why), &why, "keys_generate");
    snprintf(path, sizeof path, "%s/%s.key", bureau.city.folder, name);
    city_must(keys_load_secret(path, key, &why), &why, "keys_load_secret");
}

static void open_intake(void)
{
    bureau.intake = intake_new(bureau.router, bureau.city.catalogue, bureau.city.store, bureau.city.writing,
                               bureau.security, bureau.agents, 2);
}

/* What a restart does: memory is gone, the store is there. */
static void restart(void)
{
    struct fault why = {0};
    intake_free(&bureau.intake);
    city_must(abacus_forget(bureau.city.writing, &why), &why, "abacus_forget");
    open_intake();
}

static void start_collector(struct collector *collector, const char *agent, int agent_index)
{
    struct fault why = {0};
    memset(collector, 0, sizeof *collector);
    snprintf(collector->hand.agent, sizeof collector->hand.agent, "%s", agent);
    make_key(&collector->hand.key);
    hand_new_outbox(&collector->hand);
    memcpy(bureau.agents[agent_index].code, collector->hand.agent, sizeof collector->hand.agent);
    bureau.agents[agent_index].key = collector->hand.key.public_key;
    collector->socket = zmq_socket(bureau.context, ZMQ_DEALER);
    city_must(link_join(collector->socket, &collector->hand.key, bureau.key.public_key.curve, bureau.security,
                        bureau.endpoint, LIMIT_MESSAGE_BYTES, &why), &why, "link_join");
}

static void open_bureau_at(enum security security, const char *endpoint)
{
    struct fault why = {0};
    size_t size = sizeof bureau.endpoint;
    memset(&bureau, 0, sizeof bureau);
    bureau.security = security;
    city_open(&bureau.city, files, ARRAY_LEN(files));
    bureau.now_ms = 1600000000000;
    bureau.context = zmq_ctx_new();
    make_key(&bureau.key);
    bureau.router = zmq_socket(bureau.context, ZMQ_ROUTER); /* there before the gate's thread, which asks whose socket it has */
    city_must(gate_start(bureau.context, SECURITY_CURVE, NULL, 0, &bureau.key.public_key, &bureau.gate, &why), &why, "gate");
    city_must(link_serve(bureau.router, "collectors", &bureau.key, security, endpoint, LIMIT_MESSAGE_BYTES, &why), &why,
              "link_serve");
    CU_ASSERT_EQUAL_FATAL(zmq_bind(bureau.router, endpoint), 0);
    CU_ASSERT_EQUAL_FATAL(zmq_getsockopt(bureau.router, ZMQ_LAST_ENDPOINT, bureau.endpoint, &size), 0);
    start_collector(&east, "east", 0);
    start_collector(&west, "west", 1);
    snprintf(bureau.agents[0].scope, sizeof bureau.agents[0].scope, "A");
    snprintf(bureau.agents[1].scope, sizeof bureau.agents[1].scope, "B");
    city_must(gate_update(bureau.gate, bureau.agents, 2, &why), &why, "gate_update");
    open_intake();
    CU_ASSERT_EQUAL_FATAL(zmq_connect(east.socket, bureau.endpoint), 0);
    CU_ASSERT_EQUAL_FATAL(zmq_connect(west.socket, bureau.endpoint), 0);
}

static void open_bureau(void)
{
    open_bureau_at(SECURITY_CURVE, "tcp://127.0.0.1:*");
}

static void forget_answer(struct collector *collector)
{
    if (!collector->has_answer)
        return;
    wire_release(&collector->answer);
    zmq_msg_close(&collector->frame);
    collector->has_answer = false;
}

static void close_bureau(void)
{
    forget_answer(&east);
    forget_answer(&west);
    zmq_close(east.socket);
    zmq_close(west.socket);
    intake_free(&bureau.intake);
    zmq_close(bureau.router);
    gate_stop(&bureau.gate);
    zmq_ctx_term(bureau.context);
    city_close(&bureau.city);
}

/* ---- messages ------------------------------------------------------------------------------------------------------- */

static void work(void)
{
    struct fault why = {0};
    uint64_t committed = 0;
    city_must(intake_work(bureau.intake, bureau.now_ms, &committed, &why), &why, "intake_work");
    if (committed != 0)
        bureau.committed = committed;
    bureau.now_ms += 1;
}

static void post(struct collector *collector, const struct wire_message *message)
{
    unsigned char *bytes;
    size_t length;
    const int patience = 2000;
    wire_encode(message, &bytes, &length);
    zmq_setsockopt(collector->socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    CU_ASSERT_FATAL(zmq_send(collector->socket, bytes, length, 0) >= 0);
    free(bytes);
}

/* Works until the collector gets an answer; its kind, 0 when none comes. */
static int await(struct collector *collector)
{
    struct fault why = {0};
    forget_answer(collector);
    for (int i = 0; i < 300; i++) {
        zmq_pollitem_t items[] = {{.socket = bureau.router, .events = ZMQ_POLLIN},
                                  {.socket = collector->socket, .events = ZMQ_POLLIN}};
        zmq_poll(items, 2, 5);
        if (items[1].revents & ZMQ_POLLIN) {
            zmq_msg_init(&collector->frame);
            CU_ASSERT_FATAL(zmq_msg_recv(&collector->frame, collector->socket, 0) >= 0);
            city_must(wire_decode(zmq_msg_data(&collector->frame), zmq_msg_size(&collector->frame), LIMIT_MESSAGE_BYTES,
                                  &collector->answer, &why), &why, "wire_decode");
            collector->has_answer = true;
            return (int)collector->answer.kind;
        }
        work();
    }
    return 0;
}

static void hello(struct collector *collector)
{
    struct wire_message message;
    hand_fill_hello(&collector->hand, bureau.city.catalogue->hash,
                    collector->wall_time != 0 ? collector->wall_time : bureau.now_ms, &message);
    post(collector, &message);
}

static int greet(struct collector *collector)
{
    hello(collector);
    return await(collector);
}

/* A batch of rows "element,unit,period,value..."; kept so that it can be sent again. */
static struct parcel pack(struct collector *collector, const char *rows, unsigned char file)
{
    struct fault why = {0};
    struct parcel parcel;
    struct submission submission = {.file = "a.csv", .source = "report", .parts = 1};
    unsigned char *bytes = NULL;
    size_t count, length = 0;
    char *text = memory_copy_text(rows);
    struct record *records = city_parse(&bureau.city, text, &count);
    memset(submission.hash, file, sizeof submission.hash);
    city_must(batch_encode(bureau.city.catalogue, &submission, records, count, &bytes, &length, &why), &why,
              "batch_encode");
    hand_wrap(&collector->hand, bytes, length, &parcel);
    free(records);
    free(text);
    return parcel;
}

static int deliver(struct collector *collector, const char *rows, unsigned char file)
{
    struct parcel parcel = pack(collector, rows, file);
    post(collector, &parcel.message);
    free(parcel.bytes);
    return await(collector);
}

static void check_homes(const char *unit, const char *wanted)
{
    city_snapshot(&bureau.city);
    city_equal(unit, city_ask(&bureau.city, "homes", unit, "2020-01"), wanted);
}

/* ---- sentences ------------------------------------------------------------------------------------------------------ */

static void a_batch_is_committed_and_then_acknowledged(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(east.answer.welcome.session, east.hand.session);
    CU_ASSERT_EQUAL(east.answer.welcome.watermark, 0);
    CU_ASSERT(east.answer.welcome.credit >= 1);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\nhomes,a2,2020-01,7\n", 1), WIRE_ACK);
    CU_ASSERT_EQUAL(east.answer.ack.watermark, 1);
    CU_ASSERT_EQUAL(memcmp(east.answer.ack.chain_at_watermark, east.hand.chain, SEAL_HASH), 0);
    CU_ASSERT_EQUAL(east.answer.ack.refusal_count, 0);
    CU_ASSERT_EQUAL(bureau.committed, 1);
    check_homes("A", "12 2/2 complete");
    close_bureau();
}

static void a_duplicate_is_acknowledged_again_without_effect(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    struct parcel parcel = pack(&east, "homes,a1,2020-01,5\n", 1);
    for (int i = 0; i < 3; i++) {
        post(&east, &parcel.message);
        CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
        CU_ASSERT_EQUAL(east.answer.ack.watermark, 1);
    }
    free(parcel.bytes);
    CU_ASSERT_EQUAL(bureau.committed, 1);
    check_homes("A", "5 1/2 partial");
    close_bureau();
}

static void a_gap_names_the_batch_that_is_missing(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    struct parcel first = pack(&east, "homes,a1,2020-01,5\n", 1), second = pack(&east, "homes,a2,2020-01,6\n", 2);
    post(&east, &second.message);
    CU_ASSERT_EQUAL(await(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_GAP_AHEAD);
    CU_ASSERT_EQUAL(east.answer.nack.first, 1);
    post(&east, &first.message);
    post(&east, &second.message);
    while (await(&east) == WIRE_ACK && east.answer.ack.watermark < 2)
        ;
    CU_ASSERT_EQUAL(east.answer.ack.watermark, 2);
    check_homes("A", "11 2/2 complete");
    free(first.bytes);
    free(second.bytes);
    close_bureau();
}

static void a_batch_without_a_session_asks_for_a_hello(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_UNKNOWN_OUTBOX);
    check_homes("A", "- 0/2 missing");
    close_bureau();
}

static void a_signature_by_any_other_key_is_refused(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    memcpy(east.hand.key.sign, west.hand.key.sign, sizeof east.hand.key.sign);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_BAD_SIGNATURE);
    check_homes("A", "- 0/2 missing");
    close_bureau();
}

/* ---- runs ----------------------------------------------------------------------------------------------------------- */

#define RUN 5

/* Five batches of one row each, in one message: what is wrong with which (from 0) is said by `harm`. */
enum harm { HARM_NONE, HARM_SIGNATURE, HARM_BYTES, HARM_CONTENTS, HARM_BOTH /* contents, and the signature before them */ };

struct convoy {
    struct parcel parcels[RUN];
    struct wire_run_batch batches[RUN];
    struct wire_message message;
};

static void make_run(struct convoy *run, enum harm harm, size_t at)
{
    static const char *const rows[RUN] = {"homes,a1,2020-01,1\n", "homes,a2,2020-01,2\n", "homes,a1,2020-01,10\n",
                                          "homes,a2,2020-01,20\n", "homes,a1,2020-01,100\n"};
    struct wire_run *sent = &run->message.run;
    run->message = (struct wire_message){.kind = WIRE_RUN};
    for (size_t i = 0; i < RUN; i++) {
        struct wire_batch *batch = &run->parcels[i].message.batch;
        run->parcels[i] = pack(&east, rows[i], (unsigned char)(i + 1));
        if ((harm == HARM_CONTENTS || harm == HARM_BOTH) && i == at) { /* and everything else about it right */
            run->parcels[i].bytes[0] ^= 1;
            seal_chain_next(batch->chain_before, batch->bytes, batch->length, east.hand.chain);
            hand_sign(&east.hand, &run->parcels[i]);
        }
        if ((harm == HARM_SIGNATURE && i == at) || (harm == HARM_BOTH && i + 1 == at))
            batch->signature[3] ^= 1;
        run->batches[i] = (struct wire_run_batch){.bytes = batch->bytes, .length = batch->length};
        memcpy(run->batches[i].signature, batch->signature, SEAL_SIGNATURE);
    }
    if (harm == HARM_BYTES)
        run->parcels[at].bytes[30] ^= 1;
    *sent = (struct wire_run){.session = east.hand.session, .seq = 1, .count = RUN, .batches = run->batches};
    memcpy(sent->chain_before, run->parcels[0].message.batch.chain_before, SEAL_HASH);
}

static void free_run(struct convoy *run)
{
    for (size_t i = 0; i < RUN; i++)
        free(run->parcels[i].bytes);
}

/* Which of the first entries bear a signature, as a text of 0 and 1; each that does bears its own. */
static void check_signatures(const struct convoy *run, const char *wanted)
{
    struct fault why = {0};
    struct entry entry;
    bool found = true;
    char text[RUN + 1] = "";
    city_snapshot(&bureau.city);
    for (uint64_t after = 0; found && after < RUN; after++) {
        city_must(store_entry_after(bureau.city.reader, after, &entry, &found, &why), &why, "store_entry_after");
        if (found)
            text[after] = seal_is_absent(entry.signature) ? '0' : '1';
        if (found && text[after] == '1')
            CU_ASSERT_EQUAL(memcmp(entry.signature, run->batches[after].signature, SEAL_SIGNATURE), 0);
    }
    CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void one_good_signature_proves_a_run(void)
{
    static const struct {
        enum harm harm;
        size_t at;
        uint64_t watermark;     /* taken up to here */
        enum wire_nack nack;    /* 0: none */
        const char *signatures, *figure;
    } cases[] = {
        {HARM_NONE, 0, 5, 0, "00001", "120 2/2 complete"},
        {HARM_SIGNATURE, 2, 5, 0, "00001", "120 2/2 complete"},
        {HARM_SIGNATURE, 4, 4, NACK_BAD_SIGNATURE, "1111", "30 2/2 complete"},
        {HARM_BYTES, 0, 0, NACK_BAD_SIGNATURE, "", "- 0/2 missing"},
        {HARM_BYTES, 3, 3, NACK_BAD_SIGNATURE, "111", "12 2/2 complete"},
        {HARM_CONTENTS, 3, 3, NACK_MALFORMED, "001", "12 2/2 complete"},
        {HARM_CONTENTS, 0, 0, NACK_MALFORMED, "", "- 0/2 missing"},
        {HARM_BOTH, 3, 2, NACK_BAD_SIGNATURE, "01", "3 2/2 complete"},
        {HARM_BOTH, 1, 0, NACK_BAD_SIGNATURE, "", "- 0/2 missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct convoy run;
        open_bureau();
        CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
        CU_ASSERT_EQUAL(east.answer.welcome.run_batches, WIRE_RUN_BATCHES);
        make_run(&run, cases[i].harm, cases[i].at);
        post(&east, &run.message);
        if (cases[i].watermark > 0) {
            CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
            CU_ASSERT_EQUAL(east.answer.ack.watermark, cases[i].watermark);
        }
        if (cases[i].nack != 0) {
            CU_ASSERT_EQUAL_FATAL(await(&east), WIRE_NACK);
            CU_ASSERT_EQUAL(east.answer.nack.code, cases[i].nack);
            CU_ASSERT_EQUAL(east.answer.nack.first, cases[i].watermark + 1);
        }
        check_signatures(&run, cases[i].signatures);
        check_homes("A", cases[i].figure);
        free_run(&run);
        close_bureau();
    }
}

static void a_run_that_was_partly_taken_goes_on_where_it_stopped(void)
{
    struct convoy run;
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    make_run(&run, HARM_NONE, 0);
    for (size_t i = 0; i < 2; i++) {
        post(&east, &run.parcels[i].message);
        CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
    }
    for (int again = 0; again < 2; again++) {
        post(&east, &run.message);
        CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
        CU_ASSERT_EQUAL(east.answer.ack.watermark, RUN);
    }
    CU_ASSERT_EQUAL(bureau.committed, RUN);
    check_signatures(&run, "11001");
    check_homes("A", "120 2/2 complete");
    free_run(&run);
    close_bureau();
}

static void a_run_out_of_place_gets_one_answer(void)
{
    struct convoy run;
    open_bureau();
    make_run(&run, HARM_NONE, 0);
    post(&east, &run.message);
    CU_ASSERT_EQUAL_FATAL(await(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_UNKNOWN_OUTBOX);
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    run.message.run.session = east.hand.session;
    run.message.run.seq = 2;
    post(&east, &run.message);
    CU_ASSERT_EQUAL_FATAL(await(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_GAP_AHEAD);
    CU_ASSERT_EQUAL(east.answer.nack.first, 1);
    run.message.run.seq = 1;
    run.message.run.chain_before[0] ^= 1;
    post(&east, &run.message);
    CU_ASSERT_EQUAL_FATAL(await(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_BAD_CHAIN);
    check_homes("A", "- 0/2 missing");
    free_run(&run);
    close_bureau();
}

static void a_chain_that_does_not_continue_is_refused(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    east.hand.chain[0] ^= 1;
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_BAD_CHAIN);
    close_bureau();
}

static void contents_nobody_can_read_are_refused_whole(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    struct parcel parcel = pack(&east, "homes,a1,2020-01,5\n", 1);
    struct wire_batch *batch = &parcel.message.batch;
    char said[512];
    unsigned char chain[SEAL_HASH], digest[SEAL_HASH];
    parcel.bytes[batch->length / 2] ^= 0xff;
    batch->length--;
    seal_chain_next(batch->chain_before, batch->bytes, batch->length, chain);
    seal_batch_digest(east.hand.agent, east.hand.outbox, batch->seq, chain, digest);
    seal_sign(digest, east.hand.key.sign, batch->signature);
    post(&east, &parcel.message);
    CU_ASSERT_EQUAL(await(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_MALFORMED);
    CU_ASSERT_TRUE(message_is_nested(east.answer.nack.detail)); /* the collector says it in its own language */
    message_say(east.answer.nack.detail, LANGUAGE_EN, said, sizeof said);
    CU_ASSERT_EQUAL(strncmp(said, "malformed batch, nothing of it was taken", 40), 0);
    message_say(east.answer.nack.detail, LANGUAGE_ZH, said, sizeof said);
    CU_ASSERT_EQUAL(strncmp(said, "批次格式不对", strlen("批次格式不对")), 0);
    CU_ASSERT_EQUAL(bureau.committed, 0);
    free(parcel.bytes);
    close_bureau();
}

static void check_foreign_row_told(void)
{
    CU_ASSERT_EQUAL(east.answer.ack.watermark, 1);
    CU_ASSERT_EQUAL_FATAL(east.answer.ack.refusal_count, 1);
    CU_ASSERT_EQUAL(east.answer.ack.refusals[0].seq, 1);
    CU_ASSERT_EQUAL(east.answer.ack.refusals[0].index, 1);
    CU_ASSERT_STRING_EQUAL(east.answer.ack.refusals[0].code, "forbidden");
}

static void a_foreign_unit_is_refused_and_told_until_the_collector_has_seen_it(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\nhomes,b1,2020-01,9\nhomes,a2,2020-01,7\n", 1), WIRE_ACK);
    check_foreign_row_told();
    check_homes("C", "12 2/3 partial");
    /* The ACK got lost: the collector comes back and has seen nothing. */
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
    check_foreign_row_told();
    /* So did the aggregator's memory. */
    restart();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(east.answer.welcome.watermark, 1);
    CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
    check_foreign_row_told();
    /* Now it has seen it. */
    east.hand.acked = 1;
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(await(&east), 0);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-02,5\n", 2), WIRE_ACK);
    CU_ASSERT_EQUAL(east.answer.ack.refusal_count, 0);
    close_bureau();
}

static void a_restart_goes_on_where_it_stopped(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    restart();
    CU_ASSERT_EQUAL(deliver(&east, "homes,a2,2020-01,6\n", 2), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_UNKNOWN_OUTBOX);
    east.hand.high = 1;
    unsigned char unused[SEAL_HASH];
    memcpy(unused, east.hand.chain, SEAL_HASH);
    CU_ASSERT_EQUAL(east.answer.kind, WIRE_NACK);
    /* The hello names the chain of batch 1 again. */
    struct stream stream;
    struct fault why = {0};
    bool found;
    city_must(store_stream(bureau.city.store, "east", east.hand.outbox, &found, &stream, &why), &why, "store_stream");
    CU_ASSERT_TRUE_FATAL(found);
    memcpy(east.hand.chain, stream.chain, SEAL_HASH);
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(east.answer.welcome.watermark, 1);
    CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a2,2020-01,6\n", 2), WIRE_ACK);
    CU_ASSERT_EQUAL(east.answer.ack.watermark, 2);
    check_homes("A", "11 2/2 complete");
    close_bureau();
}

static void nobody_speaks_for_another_agent(void)
{
    open_bureau();
    snprintf(east.hand.agent, sizeof east.hand.agent, "west");
    CU_ASSERT_EQUAL(greet(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_MALFORMED);
    snprintf(east.hand.agent, sizeof east.hand.agent, "east");
    CU_ASSERT_EQUAL(greet(&west), WIRE_WELCOME);
    /* With the number of west's session, over east's own connection and key. */
    east.hand.session = west.hand.session;
    memcpy(east.hand.outbox, west.hand.outbox, sizeof east.hand.outbox);
    snprintf(east.hand.agent, sizeof east.hand.agent, "west");
    seal_chain_start("west", west.hand.outbox, east.hand.chain);
    CU_ASSERT_EQUAL(deliver(&east, "homes,b1,2020-01,5\n", 1), WIRE_NACK);
    check_homes("B", "- 0/1 missing");
    close_bureau();
}

static void a_revoked_key_is_refused_on_the_next_message(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    bureau.agents[0].status = AGENT_REVOKED;
    intake_agents(bureau.intake, bureau.agents, 2);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a2,2020-01,6\n", 2), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_REVOKED);
    CU_ASSERT_EQUAL(greet(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_REVOKED);
    check_homes("A", "5 1/2 partial");
    CU_ASSERT_EQUAL(greet(&west), WIRE_WELCOME);
    /* An agent that no longer stands in the table is out as well. */
    intake_agents(bureau.intake, bureau.agents, 0);
    CU_ASSERT_EQUAL(greet(&west), WIRE_NACK);
    CU_ASSERT_EQUAL(west.answer.nack.code, NACK_REVOKED);
    close_bureau();
}

static void a_message_of_many_parts_is_thrown_away_with_its_session(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    for (int i = 0; i < 500; i++)
        CU_ASSERT_FATAL(zmq_send(east.socket, "x", 1, ZMQ_SNDMORE) == 1);
    CU_ASSERT_FATAL(zmq_send(east.socket, "x", 1, 0) == 1);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_UNKNOWN_OUTBOX);
    CU_ASSERT_EQUAL(greet(&west), WIRE_WELCOME);
    close_bureau();
}

static void noise_is_dropped_and_noted(void)
{
    struct intake_event event;
    bool noted = false;
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    for (int i = 0; i < 50; i++) {
        unsigned char noise[64];
        seal_random(noise, sizeof noise);
        CU_ASSERT_FATAL(zmq_send(east.socket, noise, (size_t)i + 1, 0) > 0);
    }
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    while (intake_event(bureau.intake, &event))
        noted = noted || strcmp(event.name, "malformed_message") == 0;
    CU_ASSERT_TRUE(noted);
    close_bureau();
}

static void batches_of_two_agents_are_committed_together(void)
{
    struct fault why = {0};
    uint64_t committed = 0;
    const struct timespec pause = {.tv_nsec = 100000000};
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(greet(&west), WIRE_WELCOME);
    struct parcel parcels[] = {pack(&east, "homes,a1,2020-01,5\n", 1), pack(&east, "homes,a2,2020-01,6\n", 2),
                               pack(&west, "homes,b1,2020-01,7\n", 1)};
    post(&east, &parcels[0].message);
    post(&east, &parcels[1].message);
    post(&west, &parcels[2].message);
    nanosleep(&pause, NULL);
    city_must(intake_work(bureau.intake, bureau.now_ms, &committed, &why), &why, "intake_work");
    CU_ASSERT_EQUAL(committed, 3);
    CU_ASSERT_EQUAL(await(&east), WIRE_ACK);
    CU_ASSERT_EQUAL(east.answer.ack.watermark, 2);
    CU_ASSERT_EQUAL(await(&west), WIRE_ACK);
    CU_ASSERT_EQUAL(west.answer.ack.watermark, 1);
    check_homes("C", "18 3/3 complete");
    for (size_t i = 0; i < ARRAY_LEN(parcels); i++)
        free(parcels[i].bytes);
    close_bureau();
}

static void the_same_file_from_a_new_outbox_is_kept_but_not_counted(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,8\n", 2), WIRE_ACK);
    hand_new_outbox(&east.hand);
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(east.answer.welcome.watermark, 0);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    check_homes("A", "8 1/2 partial");
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,9\n", 3), WIRE_ACK);
    check_homes("A", "9 1/2 partial");
    close_bureau();
}

static void an_outbox_out_of_a_backup_is_not_taken_for_the_present_one(void)
{
    open_bureau();
    east.hand.epoch = 5;
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    east.hand.epoch = 4;
    CU_ASSERT_EQUAL(greet(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_STALE_EPOCH);
    restart();
    CU_ASSERT_EQUAL(greet(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_STALE_EPOCH);
    east.hand.epoch = 6;
    east.hand.high = 0; /* more than it, the aggregator holds */
    CU_ASSERT_EQUAL(greet(&east), WIRE_NACK);
    CU_ASSERT_EQUAL(east.answer.nack.code, NACK_STALE_EPOCH);
    close_bureau();
}

static const struct agent_row *row_of(const char *agent)
{
    static struct agent_row row;
    struct agent_row *rows = NULL;
    struct fault why = {0};
    size_t count = 0;
    memset(&row, 0, sizeof row);
    city_snapshot(&bureau.city);
    city_must(store_agents(bureau.city.reader, &rows, &count, &why), &why, "store_agents");
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].agent, agent) == 0)
            row = rows[i];
    free(rows);
    return &row;
}

static void the_office_sees_who_is_connected_and_what_was_refused(void)
{
    const struct wire_message bye = {.kind = WIRE_BYE};
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\nhomes,b1,2020-01,9\n", 1), WIRE_ACK);
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_TRUE(row_of("east")->connected);
    CU_ASSERT_EQUAL(row_of("east")->refused, 1);
    CU_ASSERT_EQUAL(row_of("east")->backlog, 0);
    CU_ASSERT_STRING_EQUAL(row_of("east")->software, "by hand");
    CU_ASSERT(row_of("east")->last_submission >= 1600000000000);
    bureau.now_ms += 100000; /* silence */
    work();
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_FALSE(row_of("east")->connected);
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_TRUE(row_of("east")->connected);
    post(&east, &bye);
    CU_ASSERT_EQUAL(await(&east), WIRE_ACK); /* of the hello: it has seen nothing yet */
    CU_ASSERT_EQUAL(await(&east), 0);
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_FALSE(row_of("east")->connected);
    CU_ASSERT_EQUAL(row_of("east")->refused, 1);
    close_bureau();
}

static void received_at_never_goes_back_with_the_clock(void)
{
    uint64_t head;
    int64_t first, second;
    struct fault why = {0};
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    city_must(store_head(bureau.city.store, &head, NULL, &first, &why), &why, "store_head");
    bureau.now_ms -= 3600000;
    CU_ASSERT_EQUAL(deliver(&east, "homes,a2,2020-01,5\n", 2), WIRE_ACK);
    city_must(store_head(bureau.city.store, &head, NULL, &second, &why), &why, "store_head");
    CU_ASSERT_EQUAL(head, 2);
    CU_ASSERT(second >= first);
    close_bureau();
}

static void a_clock_set_back_by_years_stops_nothing(void)
{
    const int64_t years = (int64_t)10 * 365 * 86400 * 1000;
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    bureau.now_ms += 2000;
    work();
    bureau.now_ms -= years;
    CU_ASSERT_EQUAL(greet(&west), WIRE_WELCOME);
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_TRUE(row_of("west")->connected);
    CU_ASSERT_TRUE(row_of("east")->connected);
    bureau.now_ms += 100000; /* silence is noticed by the new clock too */
    work();
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_FALSE(row_of("east")->connected);
    close_bureau();
}

static int64_t newest_received_at(void)
{
    uint64_t head = 0;
    struct entry entry;
    bool found = false;
    struct fault why = {0};
    city_must(store_head(bureau.city.store, &head, NULL, NULL, &why), &why, "store_head");
    city_must(store_entry_after(bureau.city.store, head - 1, &entry, &found, &why), &why, "entry");
    CU_ASSERT_TRUE_FATAL(found);
    return entry.received_at;
}

static void a_clock_that_was_years_ahead_is_believed_again_when_the_agents_confirm_it(void)
{
    const int64_t years = (int64_t)10 * 365 * 86400 * 1000, today = 1600000000000;
    struct fault why = {0};
    struct alert_row alert;
    uint64_t at = 0;
    bool told = false;
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    bureau.now_ms = today + years;
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,6\n", 2), WIRE_ACK);
    bureau.now_ms = today + 60000;
    east.hand.acked = 2;
    east.wall_time = today + years; /* the agent says that it is later: perhaps ours is behind */
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,7\n", 3), WIRE_ACK);
    CU_ASSERT_EQUAL(newest_received_at(), today + years);
    east.wall_time = 0;
    east.hand.acked = 3;
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,8\n", 4), WIRE_ACK);
    const int64_t now = newest_received_at();
    CU_ASSERT(now >= today + 60000 && now < today + 3600000);
    city_must(store_entry_at(bureau.city.store, now, &at, &why), &why, "entry_at");
    CU_ASSERT_EQUAL(at, 4); /* as of now all of it had come in ... */
    city_must(store_entry_at(bureau.city.store, today + 30000, &at, &why), &why, "entry_at");
    CU_ASSERT_EQUAL(at, 1); /* ... and what came meanwhile not before it could have */
    bureau.now_ms += 2000;
    work();
    while (intake_alert(bureau.intake, &alert))
        told = told || strcmp(alert.kind, "clock_set_back") == 0;
    CU_ASSERT_TRUE(told);
    restart();
    east.hand.acked = 4;
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,9\n", 5), WIRE_ACK);
    CU_ASSERT(newest_received_at() < today + 3600000);
    close_bureau();
}

static void a_clock_may_claim_any_time(void)
{
    open_bureau();
    bureau.now_ms = 1600000000000;
    east.wall_time = INT64_MIN;
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    bureau.now_ms += 2000;
    work();
    CU_ASSERT_EQUAL(row_of("east")->clock_skew_ms, INT64_MIN);
    close_bureau();
}

/* Streams the store knows, whoever sends. */
static bool knows_stream(const struct collector *collector)
{
    struct stream stream;
    struct fault why = {0};
    bool found = false;
    city_must(store_stream(bureau.city.store, collector->hand.agent, collector->hand.outbox, &found, &stream, &why),
              &why, "stream");
    return found;
}

static void names_of_outboxes_alone_leave_nothing_behind(void)
{
    open_bureau();
    for (int i = 0; i < 20; i++) {
        hand_new_outbox(&east.hand);
        CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
        CU_ASSERT_FALSE(knows_stream(&east));
    }
    CU_ASSERT_EQUAL(deliver(&east, "homes,a1,2020-01,5\n", 1), WIRE_ACK);
    CU_ASSERT_TRUE(knows_stream(&east));
    close_bureau();
}

static void refusals_are_not_kept_in_memory_without_end(void)
{
    static struct refusal refusals[10];
    const struct wire_refusal *told = NULL;
    struct fault why = {0};
    size_t count = 0;
    const uint64_t batches = 10000;
    struct recall *recall = recall_new();
    open_bureau(); /* an empty ledger: what memory no longer holds cannot be read back */
    for (uint32_t i = 0; i < ARRAY_LEN(refusals); i++)
        refusals[i] = (struct refusal){.index = i, .message = MESSAGE_UNKNOWN_UNIT};
    for (uint64_t seq = 1; seq <= batches; seq++)
        recall_add(recall, "east", east.hand.outbox, seq, refusals, ARRAY_LEN(refusals));
    city_must(recall_after(recall, bureau.city.store, "east", east.hand.outbox, 0, batches, &told, &count, &why), &why,
              "recall");
    CU_ASSERT(count < batches * ARRAY_LEN(refusals) / 2);
    CU_ASSERT_FATAL(count >= ARRAY_LEN(refusals) && count % ARRAY_LEN(refusals) == 0); /* whole batches */
    CU_ASSERT_EQUAL(told[count - 1].seq, batches);
    city_must(recall_after(recall, bureau.city.store, "east", east.hand.outbox, batches - 3, batches, &told, &count,
                           &why), &why, "recall");
    CU_ASSERT_EQUAL(count, 3 * ARRAY_LEN(refusals));
    recall_free(&recall);
    close_bureau();
}

/* Credit as the next acknowledgement of a large batch tells it. */
static uint32_t credit_after(int64_t ms, unsigned char file)
{
    static char rows[4000 * 40];
    for (size_t i = 0, length = 0; i < 4000; i++) /* values that take many bytes */
        length += (size_t)sprintf(rows + length, "homes,a%zu,%04zu-%02zu,%zu\n", 1 + i % 2, 1900 + i / 24, 1 + i / 2 % 12,
                                  i * 2654435761U % 1000003 * 1000000007);
    intake_took(bureau.intake, ms);
    CU_ASSERT_EQUAL(deliver(&east, rows, file), WIRE_ACK);
    return east.answer.ack.credit;
}

static void a_slow_disk_takes_credit_and_gives_it_back(void)
{
    open_bureau();
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    const uint32_t full = credit_after(10, 1);
    uint32_t before = full, least = full;
    for (unsigned char i = 2; i < 6; before = least, i++)
        CU_ASSERT((least = credit_after(150, i)) <= before);
    CU_ASSERT(least >= 1 && least * 4 <= full);
    CU_ASSERT_EQUAL(credit_after(5000, 6), least);
    CU_ASSERT_EQUAL(credit_after(100, 7), least); /* neither slow nor brisk */
    for (unsigned char i = 8; i < 11; i++)
        (void)credit_after(3, i);
    CU_ASSERT_EQUAL(credit_after(3, 11), full);
    for (int i = 0; i < 4; i++)
        intake_took(bureau.intake, 150);
    for (int i = 0; i < 1000; i++) /* in its good moments a slow disk is no quicker than this */
        intake_took(bureau.intake, i % 50 == 49 ? 150 : 100);
    CU_ASSERT_EQUAL(credit_after(100, 12), least); /* too often in trouble */
    for (int i = 0; i < 1000; i++)
        intake_took(bureau.intake, 100);
    CU_ASSERT_EQUAL(credit_after(100, 13), full);
    close_bureau();
}

/* ---- one agent that sends and sends ---------------------------------------------------------------------------------- */

enum { GREEDY_TURN = 64, GREEDY_QUEUE = 128, GREEDY_ROUNDS = 3, LARGE_ROWS = 4096 };

enum shape { SHAPE_SMALL, SHAPE_LARGE, SHAPE_RUNS, SHAPES };

/* Stands before the library's own, for the control. */
static bool serves_first_comer;
int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    static line_receive *receive;
    static struct line line;
    if (receive == NULL)
        *(void **)&receive = dlsym(RTLD_NEXT, "zmq_msg_recv");
    return serves_first_comer && socket == bureau.router ? line_recv(&line, message, socket, receive)
                                                          : receive(message, socket, flags);
}

/* False when East's pipe takes no more. */
static bool stuff(const struct wire_message *message)
{
    unsigned char *bytes;
    size_t length;
    wire_encode(message, &bytes, &length);
    const bool sent = zmq_send(east.socket, bytes, length, ZMQ_DONTWAIT) >= 0;
    free(bytes);
    return sent;
}

static bool stuff_batch(const char *rows)
{
    unsigned char chain[SEAL_HASH];
    memcpy(chain, east.hand.chain, SEAL_HASH);
    struct parcel parcel = pack(&east, rows, (unsigned char)east.hand.high);
    const bool sent = stuff(&parcel.message);
    free(parcel.bytes);
    if (!sent) {
        memcpy(east.hand.chain, chain, SEAL_HASH);
        east.hand.high--;
    }
    return sent;
}

static bool stuff_run(void)
{
    static struct parcel parcels[WIRE_RUN_BATCHES];
    static struct wire_run_batch batches[WIRE_RUN_BATCHES];
    struct wire_message message = {.kind = WIRE_RUN};
    unsigned char chain[SEAL_HASH];
    memcpy(chain, east.hand.chain, SEAL_HASH);
    for (size_t i = 0; i < WIRE_RUN_BATCHES; i++) {
        parcels[i] = pack(&east, "homes,a1,2020-01,1\n", (unsigned char)east.hand.high);
        batches[i].bytes = parcels[i].bytes;
        batches[i].length = parcels[i].message.batch.length;
        memcpy(batches[i].signature, parcels[i].message.batch.signature, SEAL_SIGNATURE);
    }
    message.run = (struct wire_run){.session = east.hand.session, .seq = east.hand.high - WIRE_RUN_BATCHES + 1,
                                    .count = WIRE_RUN_BATCHES, .batches = batches};
    memcpy(message.run.chain_before, chain, SEAL_HASH);
    const bool sent = stuff(&message);
    for (size_t i = 0; i < WIRE_RUN_BATCHES; i++)
        free(parcels[i].bytes);
    if (!sent) {
        memcpy(east.hand.chain, chain, SEAL_HASH);
        east.hand.high -= WIRE_RUN_BATCHES;
    }
    return sent;
}

static bool is_acknowledged(struct collector *collector)
{
    struct fault why = {0};
    bool acknowledged = false;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, collector->socket, ZMQ_DONTWAIT) >= 0) {
        struct wire_message message;
        city_must(wire_decode(zmq_msg_data(&frame), zmq_msg_size(&frame), LIMIT_MESSAGE_BYTES, &message, &why), &why,
                  "wire_decode");
        if (message.kind == WIRE_ACK)
            collector->hand.acked = message.ack.watermark;
        CU_ASSERT_NOT_EQUAL(message.kind, WIRE_NACK);
        wire_release(&message);
        acknowledged = collector->hand.acked == collector->hand.high;
    }
    zmq_msg_close(&frame);
    return acknowledged;
}

/* East stuffs its pipe to the brim, then West sends one batch; how many batches and passes of East West has to wait for, at
 * most. Without a network between them, so that what was sent is there. */
static void wait_beside(enum shape shape, char *large, uint64_t *ret_batches, int *ret_passes)
{
    open_bureau_at(SECURITY_NONE, "inproc://collectors");
    *ret_batches = 0;
    *ret_passes = 0;
    CU_ASSERT_EQUAL(greet(&east), WIRE_WELCOME);
    CU_ASSERT_EQUAL(greet(&west), WIRE_WELCOME);
    for (int round = 0; round < (shape == SHAPE_SMALL ? GREEDY_ROUNDS : 1); round++) {
        int passes = 0;
        while (shape == SHAPE_RUNS ? stuff_run() : stuff_batch(shape == SHAPE_LARGE ? large : "homes,a1,2020-01,1\n"))
            ;
        struct parcel parcel = pack(&west, "homes,b1,2020-01,7\n", (unsigned char)(round + 1));
        (void)is_acknowledged(&east);
        const uint64_t before = east.hand.acked;
        post(&west, &parcel.message);
        free(parcel.bytes);
        do {
            zmq_pollitem_t item = {.socket = bureau.router, .events = ZMQ_POLLIN};
            zmq_poll(&item, 1, 0); /* as the program does; libzmq looks for newcomers then */
            work();
            passes++;
        } while (!is_acknowledged(&west) && passes < 1000);
        (void)is_acknowledged(&east);
        *ret_batches = east.hand.acked - before > *ret_batches ? east.hand.acked - before : *ret_batches;
        *ret_passes = passes > *ret_passes ? passes : *ret_passes;
    }
    for (int i = 0; i < 1000 && !is_acknowledged(&east); i++)
        work();
    CU_ASSERT_EQUAL(east.hand.acked, east.hand.high); /* and East loses nothing by it */
    close_bureau();
}

/* A turn of messages, or a group, whichever is less. */
static void nobody_waits_for_an_agent_that_sends_and_sends(void)
{
    static const uint64_t most[SHAPES] = {
        [SHAPE_SMALL] = GREEDY_TURN, [SHAPE_LARGE] = 32, [SHAPE_RUNS] = INTAKE_GROUP + WIRE_RUN_BATCHES};
    char *large = memory_array(LARGE_ROWS, 24);
    uint64_t batches;
    int passes;
    for (size_t i = 0, length = 0; i < LARGE_ROWS; i++)
        length += (size_t)sprintf(large + length, "homes,a%zu,%04zu-%02zu,1\n", 1 + i % 2, 1900 + i / 24, 1 + i / 2 % 12);
    for (enum shape shape = 0; shape < SHAPES; shape++) {
        wait_beside(shape, large, &batches, &passes);
        CU_ASSERT(batches > 0);
        CU_ASSERT(batches <= most[shape]);
        CU_ASSERT_EQUAL(passes, 1);
    }
    serves_first_comer = true; /* the control */
    wait_beside(SHAPE_SMALL, large, &batches, &passes);
    serves_first_comer = false;
    CU_ASSERT(batches > most[SHAPE_SMALL]);
    free(large);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_batch_is_committed_and_then_acknowledged),
        SENTENCE(a_duplicate_is_acknowledged_again_without_effect),
        SENTENCE(a_gap_names_the_batch_that_is_missing),
        SENTENCE(a_batch_without_a_session_asks_for_a_hello),
        SENTENCE(a_signature_by_any_other_key_is_refused),
        SENTENCE(one_good_signature_proves_a_run),
        SENTENCE(a_run_that_was_partly_taken_goes_on_where_it_stopped),
        SENTENCE(a_run_out_of_place_gets_one_answer),
        SENTENCE(a_chain_that_does_not_continue_is_refused),
        SENTENCE(contents_nobody_can_read_are_refused_whole),
        SENTENCE(a_foreign_unit_is_refused_and_told_until_the_collector_has_seen_it),
        SENTENCE(a_restart_goes_on_where_it_stopped),
        SENTENCE(nobody_speaks_for_another_agent),
        SENTENCE(a_revoked_key_is_refused_on_the_next_message),
        SENTENCE(a_message_of_many_parts_is_thrown_away_with_its_session),
        SENTENCE(noise_is_dropped_and_noted),
        SENTENCE(batches_of_two_agents_are_committed_together),
        SENTENCE(the_same_file_from_a_new_outbox_is_kept_but_not_counted),
        SENTENCE(an_outbox_out_of_a_backup_is_not_taken_for_the_present_one),
        SENTENCE(the_office_sees_who_is_connected_and_what_was_refused),
        SENTENCE(received_at_never_goes_back_with_the_clock),
        SENTENCE(a_clock_set_back_by_years_stops_nothing),
        SENTENCE(a_clock_that_was_years_ahead_is_believed_again_when_the_agents_confirm_it),
        SENTENCE(a_clock_may_claim_any_time),
        SENTENCE(names_of_outboxes_alone_leave_nothing_behind),
        SENTENCE(refusals_are_not_kept_in_memory_without_end),
        SENTENCE(a_slow_disk_takes_credit_and_gives_it_back),
        SENTENCE(nobody_waits_for_an_agent_that_sends_and_sends),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("intake", sentences, ARRAY_LEN(sentences));
}
