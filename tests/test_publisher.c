/* The collector's end against an aggregator played by hand, with the real outbox, over an ipc socket. */
#include "suite.h"

#include "catalogue.h"
#include "link.h"
#include "memory.h"
#include "outbox.h"
#include "publisher.h"
#include "wire.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

struct stage {
    char folder[64], endpoint[128], outbox_folder[96];
    struct catalogue *catalogue;
    struct secret_key key, aggregator_key;
    struct collector_settings settings;
    struct outbox *outbox;
    void *context, *router;
    struct publisher *publisher;
    int64_t now_ms;
    unsigned char route[64];
    size_t route_length;
    struct wire_message heard; /* from the collector */
    zmq_msg_t frame;
    bool has_heard;
    uint64_t files;
};

static struct stage stage;

static void must(enum status status, const struct fault *why, const char *what)
{
    char text[1024];
    if (status == STATUS_OK)
        return;
    fault_format(why, LANGUAGE_EN, text, sizeof text);
    fprintf(stderr, "\n%s: status %d: %s\n", what, (int)status, text);
    CU_FAIL_FATAL("the stage does not stand");
}

static void bind_aggregator(void)
{
    struct fault why = {0};
    stage.router = zmq_socket(stage.context, ZMQ_ROUTER);
    must(link_serve(stage.router, "collectors", &stage.aggregator_key, SECURITY_NONE, stage.endpoint, 1 << 20, &why), &why,
         "link_serve");
    CU_ASSERT_EQUAL_FATAL(zmq_bind(stage.router, stage.endpoint), 0);
}

static void open_publisher(void)
{
    struct fault why = {0};
    must(publisher_open(stage.context, &stage.settings, &stage.key, &stage.aggregator_key.public_key, stage.catalogue->hash,
                        stage.outbox, stage.now_ms, &stage.publisher, &why), &why, "publisher_open");
}

static void make_key(const char *name, struct secret_key *key)
{
    char path[128];
    struct fault why = {0};
    must(keys_generate(stage.folder, name, NULL, &why), &why, "keys_generate");
    snprintf(path, sizeof path, "%s/%s.key", stage.folder, name);
    must(keys_load_secret(path, key, &why), &why, "keys_load_secret");
}

static void open_outbox(void)
{
    struct fault why = {0};
    must(outbox_open(stage.outbox_folder, "east", stage.key.sign, &stage.outbox, &why), &why, "outbox_open");
}

static void open_stage(bool with_aggregator)
{
    struct findings findings = {0};
    struct fault why = {0};
    memset(&stage, 0, sizeof stage);
    stage.now_ms = 1600000000000;
    snprintf(stage.folder, sizeof stage.folder, "/tmp/suanpan-publisher-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(stage.folder));
    snprintf(stage.endpoint, sizeof stage.endpoint, "ipc://%s/c.sock", stage.folder);
    snprintf(stage.outbox_folder, sizeof stage.outbox_folder, "%s/outbox", stage.folder);
    must(catalogue_load(SOURCE_FOLDER "/tests/process/catalogue", &stage.catalogue, &findings, &why), &why, "catalogue");
    CU_ASSERT_EQUAL_FATAL(findings.error_count, 0);
    findings_free(&findings);
    make_key("east", &stage.key);
    make_key("aggregator", &stage.aggregator_key);
    stage.settings.agent = "east";
    stage.settings.aggregator = stage.endpoint;
    stage.settings.security = SECURITY_NONE;
    open_outbox();
    stage.context = zmq_ctx_new();
    if (with_aggregator)
        bind_aggregator();
    open_publisher();
}

static void sweep(const char *path)
{
    DIR *folder = opendir(path);
    char inner[512];
    for (struct dirent *item = folder == NULL ? NULL : readdir(folder); item != NULL; item = readdir(folder)) {
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, item->d_name);
        if (unlink(inner) != 0)
            sweep(inner);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(path);
}

static void forget(void)
{
    if (!stage.has_heard)
        return;
    wire_release(&stage.heard);
    zmq_msg_close(&stage.frame);
    stage.has_heard = false;
}

static void close_stage(void)
{
    forget();
    publisher_close(&stage.publisher);
    CU_ASSERT_PTR_NULL(stage.publisher);
    publisher_close(&stage.publisher);
    if (stage.router != NULL)
        zmq_close(stage.router);
    zmq_ctx_term(stage.context);
    outbox_close(&stage.outbox);
    catalogue_free(&stage.catalogue);
    sweep(stage.folder);
}

static void take_file(int64_t value)
{
    struct fault why = {0};
    struct record record = {.element = catalogue_element(stage.catalogue, "homes"), .value = value, .line = 2,
                            .unit = catalogue_unit(stage.catalogue, "a1"), .reported_at = INT64_MIN, .reason = ""};
    struct submission submission = {.file = "a.csv", .source = "report", .taken_at = stage.now_ms};
    stage.files++;
    memcpy(submission.hash, &stage.files, sizeof stage.files);
    memcpy(submission.catalogue_hash, stage.catalogue->hash, 32);
    must(period_parse("2020-01", &record.period, &why), &why, "period_parse");
    must(outbox_take(stage.outbox, stage.catalogue, &submission, &record, 1, "", &why), &why, "outbox_take");
}

static void work(void)
{
    struct fault why = {0};
    must(publisher_work(stage.publisher, stage.now_ms, &why), &why, "publisher_work");
}

/* Lets both work until the aggregator hears something; its kind, 0 when it hears nothing. Time runs ten times as fast. */
static int hear(void)
{
    forget();
    for (int i = 0; i < 400; i++) {
        zmq_pollitem_t item = {.socket = stage.router, .events = ZMQ_POLLIN};
        work();
        zmq_poll(&item, 1, 5);
        stage.now_ms += 50;
        if ((item.revents & ZMQ_POLLIN) == 0)
            continue;
        struct fault why = {0};
        const int length = zmq_recv(stage.router, stage.route, sizeof stage.route, 0);
        CU_ASSERT_FATAL(length > 0 && (size_t)length <= sizeof stage.route && stage.route[0] == 0);
        stage.route_length = (size_t)length;
        zmq_msg_init(&stage.frame);
        CU_ASSERT_FATAL(zmq_msg_recv(&stage.frame, stage.router, 0) > 0);
        CU_ASSERT_FALSE(zmq_msg_more(&stage.frame));
        must(wire_decode(zmq_msg_data(&stage.frame), zmq_msg_size(&stage.frame), 1 << 20, &stage.heard, &why), &why,
             "wire_decode");
        stage.has_heard = true;
        return (int)stage.heard.kind;
    }
    return 0;
}

static void tell(const struct wire_message *message)
{
    unsigned char *bytes;
    size_t length;
    wire_encode(message, &bytes, &length);
    CU_ASSERT_FATAL(zmq_send(stage.router, stage.route, stage.route_length, ZMQ_SNDMORE) >= 0);
    CU_ASSERT_FATAL(zmq_send(stage.router, bytes, length, 0) >= 0);
    free(bytes);
    for (int i = 0; i < 10; i++) {
        zmq_pollitem_t item = {.socket = publisher_socket(stage.publisher), .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 20);
        if (item.revents & ZMQ_POLLIN)
            break;
    }
}

static void chain_at(uint64_t seq, unsigned char ret_chain[SEAL_HASH])
{
    struct fault why = {0};
    must(outbox_chain(stage.outbox, seq, ret_chain, &why), &why, "outbox_chain");
}

static void tell_welcome(uint64_t session, uint64_t watermark, uint32_t credit)
{
    struct wire_message message = {.kind = WIRE_WELCOME, .welcome = {.session = session, .protocol = 1,
                                   .watermark = watermark, .credit = credit, .checkpoint = (const unsigned char *)""}};
    chain_at(watermark, message.welcome.chain_at_watermark);
    tell(&message);
}

static void tell_ack(uint64_t session, uint64_t watermark, uint32_t credit, const struct wire_refusal *refusals, size_t count)
{
    struct wire_message message = {.kind = WIRE_ACK, .ack = {.session = session, .watermark = watermark, .credit = credit,
                                   .refusals = refusals, .refusal_count = count}};
    chain_at(watermark, message.ack.chain_at_watermark);
    tell(&message);
}

static void tell_nack(uint64_t session, enum wire_nack code, uint64_t first)
{
    struct wire_message message = {.kind = WIRE_NACK, .nack = {.session = session, .code = code, .first = first,
                                   .detail = "because"}};
    tell(&message);
}

static uint64_t welcome_at(uint64_t watermark, uint32_t credit)
{
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    const uint64_t session = stage.heard.hello.session;
    tell_welcome(session, watermark, credit);
    return session;
}

static uint64_t acked(void)
{
    struct outbox_identity identity;
    outbox_identity(stage.outbox, &identity);
    return identity.highest_acked;
}

static enum message trouble(void)
{
    struct fault why;
    return publisher_trouble(stage.publisher, &why) ? why.message : MESSAGE_NONE;
}

/* ---- sentences ------------------------------------------------------------------------------------------------------ */

static void an_empty_outbox_is_drained(void)
{
    open_stage(false);
    CU_ASSERT_TRUE(publisher_is_drained(stage.publisher));
    take_file(1);
    work();
    CU_ASSERT_FALSE(publisher_is_drained(stage.publisher));
    close_stage();
}

static void the_hello_says_what_the_outbox_holds(void)
{
    struct outbox_identity identity;
    unsigned char chain[SEAL_HASH];
    open_stage(true);
    take_file(1);
    take_file(2);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    outbox_identity(stage.outbox, &identity);
    chain_at(2, chain);
    const struct wire_hello *hello = &stage.heard.hello;
    CU_ASSERT_STRING_EQUAL(hello->agent, "east");
    CU_ASSERT_EQUAL(hello->low, 1);
    CU_ASSERT_EQUAL(hello->high, 2);
    CU_ASSERT_EQUAL(hello->epoch, identity.epoch);
    CU_ASSERT_EQUAL(hello->backlog, 2);
    CU_ASSERT_EQUAL(memcmp(hello->outbox, identity.id, 16), 0);
    CU_ASSERT_EQUAL(memcmp(hello->chain_at_high, chain, SEAL_HASH), 0);
    CU_ASSERT(hello->session != 0);
    close_stage();
}

static void batches_travel_signed_and_chained_and_are_acknowledged(void)
{
    unsigned char chain[SEAL_HASH], digest[SEAL_HASH];
    struct outbox_identity identity;
    open_stage(true);
    for (int i = 0; i < 3; i++)
        take_file(i);
    outbox_identity(stage.outbox, &identity);
    const uint64_t session = welcome_at(0, 2);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
        const struct wire_batch *batch = &stage.heard.batch;
        CU_ASSERT_EQUAL(batch->seq, seq);
        CU_ASSERT_EQUAL(batch->session, session);
        seal_chain_next(batch->chain_before, batch->bytes, batch->length, chain);
        seal_batch_digest("east", identity.id, seq, chain, digest);
        CU_ASSERT_TRUE(seal_verify(digest, batch->signature, stage.key.public_key.sign));
    }
    tell_ack(session, 2, 2, NULL, 0);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    CU_ASSERT_EQUAL(stage.heard.batch.seq, 3);
    CU_ASSERT_EQUAL(acked(), 2);
    CU_ASSERT_FALSE(publisher_is_drained(stage.publisher));
    tell_ack(session, 3, 2, NULL, 0);
    work();
    CU_ASSERT_EQUAL(acked(), 3);
    CU_ASSERT_TRUE(publisher_is_drained(stage.publisher));
    CU_ASSERT_EQUAL(trouble(), MESSAGE_NONE);
    close_stage();
}

static void refusals_are_handed_out_before_their_batch_is_acknowledged(void)
{
    const struct wire_refusal refusals[] = {{.seq = 1, .index = 0, .code = "below_min"},
                                            {.seq = 1, .index = 7, .code = "of_another_age"}};
    const struct publisher_refusal *handed;
    open_stage(true);
    take_file(1);
    const uint64_t session = welcome_at(0, 2);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    tell_ack(session, 1, 2, refusals, 2);
    work();
    CU_ASSERT_EQUAL(acked(), 0);
    CU_ASSERT_FALSE(publisher_is_drained(stage.publisher));
    CU_ASSERT_EQUAL_FATAL(publisher_refusals(stage.publisher, &handed), 2);
    CU_ASSERT_EQUAL(handed[0].message, MESSAGE_BELOW_MIN);
    CU_ASSERT_EQUAL(handed[1].index, 7);
    CU_ASSERT_EQUAL(handed[1].message, MESSAGE_REFUSED_BY_AGGREGATOR);
    CU_ASSERT(publisher_due(stage.publisher) <= stage.now_ms);
    work(); /* the program has written them */
    CU_ASSERT_EQUAL(acked(), 1);
    CU_ASSERT_EQUAL(publisher_refusals(stage.publisher, &handed), 0);
    CU_ASSERT_TRUE(publisher_is_drained(stage.publisher));
    close_stage();
}

static void a_collector_that_is_killed_asks_for_refusals_again(void)
{
    const struct wire_refusal refusal = {.seq = 1, .index = 0, .code = "below_min"};
    open_stage(true);
    take_file(1);
    const uint64_t session = welcome_at(0, 2);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    tell_ack(session, 1, 2, &refusal, 1);
    work();
    /* Killed before the program wrote them. */
    publisher_close(&stage.publisher);
    outbox_close(&stage.outbox);
    open_outbox();
    open_publisher();
    do {
        CU_ASSERT_FATAL(hear() != 0);
    } while (stage.heard.kind != WIRE_HELLO || stage.heard.hello.session == session);
    CU_ASSERT_EQUAL(stage.heard.hello.highest_acked, 0);
    close_stage();
}

static void after_a_cut_it_goes_on_from_the_watermark(void)
{
    open_stage(true);
    for (int i = 0; i < 4; i++)
        take_file(i);
    const uint64_t session = welcome_at(0, 4);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    zmq_close(stage.router);
    stage.now_ms += 1000;
    bind_aggregator();
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    CU_ASSERT(stage.heard.hello.session != session);
    tell_welcome(stage.heard.hello.session, 2, 4);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    CU_ASSERT_EQUAL(stage.heard.batch.seq, 3);
    CU_ASSERT_EQUAL(acked(), 0); /* a WELCOME acknowledges nothing */
    close_stage();
}

static void an_unreachable_aggregator_is_named(void)
{
    open_stage(false);
    take_file(1);
    work();
    for (int i = 0; i < 20; i++) {
        stage.now_ms += 100;
        work();
        zmq_poll(NULL, 0, 5);
    }
    CU_ASSERT_EQUAL(trouble(), MESSAGE_AGGREGATOR_UNREACHABLE);
    CU_ASSERT(publisher_due(stage.publisher) <= stage.now_ms + 1000);
    bind_aggregator(); /* there it is */
    const uint64_t session = welcome_at(0, 1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    CU_ASSERT_EQUAL(trouble(), MESSAGE_NONE);
    tell_ack(session, 1, 1, NULL, 0);
    work();
    CU_ASSERT_TRUE(publisher_is_drained(stage.publisher));
    close_stage();
}

static void every_reason_to_hold_is_said(void)
{
    static const struct { enum wire_nack nack; enum message message; } cases[] = {
        {NACK_REVOKED, MESSAGE_AGENT_REVOKED}, {NACK_FENCED, MESSAGE_AGENT_FENCED},
        {NACK_PROTOCOL, MESSAGE_PROTOCOL_MISMATCH}, {NACK_STALE_EPOCH, MESSAGE_OUTBOX_RESTORED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        open_stage(true);
        take_file(1);
        CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
        tell_nack(stage.heard.hello.session, cases[i].nack, 1);
        work();
        CU_ASSERT_EQUAL(trouble(), cases[i].message);
        CU_ASSERT_FALSE(publisher_is_drained(stage.publisher));
        close_stage();
    }
}

static void a_busy_aggregator_is_said_and_tried_again(void)
{
    open_stage(true);
    take_file(1);
    const uint64_t session = welcome_at(0, 1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    tell_nack(session, NACK_BUSY, 1);
    work();
    CU_ASSERT_EQUAL(trouble(), MESSAGE_AGGREGATOR_BUSY);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    tell_welcome(stage.heard.hello.session, 0, 1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    CU_ASSERT_EQUAL(trouble(), MESSAGE_NONE);
    close_stage();
}

static void another_chain_at_the_aggregator_holds_delivery(void)
{
    open_stage(true);
    take_file(1);
    take_file(2);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    struct wire_message message = {.kind = WIRE_WELCOME,
                                   .welcome = {.session = stage.heard.hello.session, .protocol = 1, .watermark = 1,
                                               .credit = 1, .checkpoint = (const unsigned char *)""}};
    memset(message.welcome.chain_at_watermark, 9, SEAL_HASH);
    tell(&message);
    work();
    CU_ASSERT_EQUAL(trouble(), MESSAGE_OUTBOX_FORKED);
    CU_ASSERT_EQUAL(acked(), 0);
    close_stage();
}

static void a_restored_aggregator_gets_again_what_it_lost(void)
{
    open_stage(true);
    for (int i = 0; i < 3; i++)
        take_file(i);
    uint64_t session = welcome_at(0, 3);
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    tell_ack(session, 3, 3, NULL, 0);
    work();
    CU_ASSERT_EQUAL(acked(), 3);
    zmq_close(stage.router);
    bind_aggregator();
    session = welcome_at(1, 3);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    CU_ASSERT_EQUAL(stage.heard.batch.seq, 2);
    CU_ASSERT_FALSE(publisher_is_drained(stage.publisher));
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    tell_ack(session, 3, 3, NULL, 0);
    work();
    CU_ASSERT_TRUE(publisher_is_drained(stage.publisher));
    close_stage();
}

static void a_proof_is_given_when_asked(void)
{
    unsigned char chain[SEAL_HASH];
    open_stage(true);
    take_file(1);
    const uint64_t session = welcome_at(0, 1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    const struct wire_message prove = {.kind = WIRE_PROVE, .proof = {.session = session, .seq = 1}};
    tell(&prove);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_PROOF);
    chain_at(1, chain);
    CU_ASSERT_EQUAL(memcmp(stage.heard.proof.chain, chain, SEAL_HASH), 0);
    close_stage();
}

static void noise_from_the_peer_changes_nothing(void)
{
    open_stage(true);
    take_file(1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    const uint64_t session = stage.heard.hello.session;
    for (int i = 1; i < 60; i++) {
        unsigned char noise[64];
        seal_random(noise, sizeof noise);
        CU_ASSERT_FATAL(zmq_send(stage.router, stage.route, stage.route_length, ZMQ_SNDMORE) >= 0);
        if (i % 10 == 0) /* and messages of many parts */
            CU_ASSERT_FATAL(zmq_send(stage.router, noise, 3, ZMQ_SNDMORE) >= 0);
        CU_ASSERT_FATAL(zmq_send(stage.router, noise, (size_t)i, 0) >= 0);
    }
    tell_welcome(session, 0, 1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    close_stage();
}

static void a_quiet_collector_gives_signs_of_life(void)
{
    open_stage(true);
    take_file(1);
    const uint64_t session = welcome_at(0, 1);
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_BATCH);
    tell_ack(session, 1, 1, NULL, 0);
    work();
    stage.now_ms += 30000;
    CU_ASSERT_EQUAL_FATAL(hear(), WIRE_HELLO);
    CU_ASSERT_EQUAL(stage.heard.hello.session, session);
    CU_ASSERT_EQUAL(stage.heard.hello.highest_acked, 1);
    close_stage();
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(an_empty_outbox_is_drained),
        SENTENCE(the_hello_says_what_the_outbox_holds),
        SENTENCE(batches_travel_signed_and_chained_and_are_acknowledged),
        SENTENCE(refusals_are_handed_out_before_their_batch_is_acknowledged),
        SENTENCE(a_collector_that_is_killed_asks_for_refusals_again),
        SENTENCE(after_a_cut_it_goes_on_from_the_watermark),
        SENTENCE(an_unreachable_aggregator_is_named),
        SENTENCE(every_reason_to_hold_is_said),
        SENTENCE(a_busy_aggregator_is_said_and_tried_again),
        SENTENCE(another_chain_at_the_aggregator_holds_delivery),
        SENTENCE(a_restored_aggregator_gets_again_what_it_lost),
        SENTENCE(a_proof_is_given_when_asked),
        SENTENCE(noise_from_the_peer_changes_nothing),
        SENTENCE(a_quiet_collector_gives_signs_of_life),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("publisher", sentences, ARRAY_LEN(sentences));
}
