/* hostile.c - an agent with a valid key that does everything it should not, while another goes on reporting.
 *
 *   network-hostile CATALOGUE ENDPOINT AGGREGATOR.pub EAST.key WEST.key AGGREGATOR-PID MEMORY-MIB
 *
 * East (scope A) is honest and delivers a batch all the time, in a thread of its own. West (scope B) runs the table of
 * cases; each has to be refused with its code, or dropped without a word where it is no message at all. After each one
 * East must have been acknowledged again. The aggregator's peak of memory must stay below MEMORY-MIB.
 *
 * Prints a line a case and at the end `east N west N`: the batches that were acknowledged, for the ledger to be compared. */
#include "peer.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    PATIENCE_MS = 20000,   /* for an answer that must come, on a loaded machine */
    SILENCE_MS = 300,      /* for one that must not */
    PACE_MS = 10,          /* between batches of the honest one */
    WAITS_MOST = 40000,
    FLOOD_MS = 2500,       /* a flood lasts at most so long ... */
    TINY = 1000000,        /* ... or until so many messages */
    HELLOS = 20000,
    OUTBOXES = 3000,
};

static struct peer east, west;
static uint64_t west_taken; /* batches of West that count: the ledger holds them */
static const char *aggregator_pid;

/* ---- the honest one ----------------------------------------------------------------------------------------------------- */

static atomic_bool stop;
static atomic_uint_fast64_t east_acknowledged;
static int waits[WAITS_MOST]; /* ms from a batch to its ACK; written by the thread, read when it has ended */

static void *report(void *unused)
{
    (void)unused;
    if (peer_greet(&east, PATIENCE_MS) != WIRE_WELCOME)
        peer_fail("the honest agent is not welcome");
    for (uint64_t i = 0; !atomic_load(&stop) && i < WAITS_MOST; i++) {
        struct parcel parcel;
        /* One cell a batch and never twice the same: a figure of 1 each, so that the sum is their count. */
        const char *unit = i / 12 / 4000 == 0 ? "a1" : "a2";
        peer_pack(&east, unit, 2000 + (int)(i / 12 % 4000), 1 + (int)(i % 12), 1, &parcel);
        const int64_t sent = peer_steady();
        peer_post(&east, &parcel.message);
        parcel_free(&parcel);
        if (peer_await(&east, PATIENCE_MS) != WIRE_ACK || east.answer.ack.watermark != east.hand.high ||
            east.refusal[0] != '\0')
            peer_fail("batch %" PRIu64 " of the honest agent was not acknowledged", east.hand.high);
        waits[i] = (int)(peer_steady() - sent);
        atomic_store(&east_acknowledged, i + 1);
        peer_sleep(PACE_MS);
    }
    return NULL;
}

static void east_must_go_on(const char *after)
{
    const uint64_t before = atomic_load(&east_acknowledged);
    const int64_t until = peer_steady() + PATIENCE_MS;
    while (atomic_load(&east_acknowledged) < before + 2)
        if (peer_steady() > until)
            peer_fail("after %s the honest agent is no longer acknowledged", after);
        else
            peer_sleep(2);
}

/* ---- what West says and must hear ------------------------------------------------------------------------------------------ */

static void must_hear(int kind, const char *what)
{
    const int heard = peer_await(&west, PATIENCE_MS);
    if (heard != kind)
        peer_fail("%s: expected %s, heard %s", what, wire_kind_name((enum wire_kind)kind),
                  heard == 0 ? "nothing" : wire_kind_name((enum wire_kind)heard));
}

static void must_be_refused(enum wire_nack code, const char *what)
{
    must_hear(WIRE_NACK, what);
    if (west.answer.nack.code != code)
        peer_fail("%s: expected refusal %d, got %d", what, (int)code, (int)west.answer.nack.code);
}

static void must_be_silent(const char *what)
{
    const int heard = peer_await(&west, SILENCE_MS);
    if (heard != 0)
        peer_fail("%s: no answer expected, heard %s", what, wire_kind_name((enum wire_kind)heard));
}

static void must_be_welcome(const char *what)
{
    if (peer_greet(&west, PATIENCE_MS) != WIRE_WELCOME)
        peer_fail("%s: a proper HELLO is no longer welcome", what);
}

static void post_bytes(const void *bytes, size_t length)
{
    if (!peer_send(&west, bytes, length, PATIENCE_MS, 0))
        peer_fail("cannot send: %s", zmq_strerror(zmq_errno()));
}

/* A batch of West's own unit that is as it should be; a cell of its own each time. */
static void pack(struct parcel *ret_parcel)
{
    static int cell;
    peer_pack(&west, "b1", 2000 + cell / 12, 1 + cell % 12, 1, ret_parcel);
    cell++;
}

static void post_parcel(struct parcel *parcel)
{
    peer_post(&west, &parcel->message);
    parcel_free(parcel);
}

static void deliver(void)
{
    struct parcel parcel;
    pack(&parcel);
    post_parcel(&parcel);
    must_hear(WIRE_ACK, "a proper batch");
    if (west.answer.ack.watermark != west.hand.high)
        peer_fail("a proper batch was not taken");
    west_taken++;
}

/* Spoils the next batch, hears the code, and takes it back: it never happened. */
static void refused_batch(void (*spoil)(struct parcel *), enum wire_nack code, const char *what)
{
    struct parcel parcel;
    unsigned char chain[SEAL_HASH];
    memcpy(chain, west.hand.chain, sizeof chain);
    pack(&parcel);
    spoil(&parcel);
    post_parcel(&parcel);
    must_be_refused(code, what);
    peer_take_back(&west, chain);
}

/* Bytes of any kind under a good chain and a good signature. */
static void refused_bytes(const void *bytes, size_t length, enum wire_nack code, const char *what)
{
    struct parcel parcel;
    unsigned char chain[SEAL_HASH], *copy = memory_array(length, 1);
    memcpy(chain, west.hand.chain, sizeof chain);
    memcpy(copy, bytes, length);
    hand_wrap(&west.hand, copy, length, &parcel);
    post_parcel(&parcel);
    must_be_refused(code, what);
    peer_take_back(&west, chain);
}

static void anew(void)
{
    peer_connect_as(&west, NULL, 0);
}

/* After a flood: what is still under way over the former connection takes the new one's place, until it has run dry. */
static void must_be_welcome_again(const char *what)
{
    const int64_t until = peer_steady() + PATIENCE_MS;
    do {
        anew();
        if (peer_steady() > until)
            peer_fail("%s: a proper HELLO is no longer welcome", what);
    } while (peer_greet(&west, PATIENCE_MS) != WIRE_WELCOME || peer_await(&west, SILENCE_MS) == WIRE_NACK);
}

/* ---- the cases ---------------------------------------------------------------------------------------------------------------- */

static void replayed_batch(void)
{
    struct parcel parcel;
    pack(&parcel);
    for (int i = 0; i < 50; i++) {
        peer_post(&west, &parcel.message);
        must_hear(WIRE_ACK, "a replayed batch");
        if (west.answer.ack.watermark != west.hand.high)
            peer_fail("a replayed batch moved the watermark");
    }
    parcel_free(&parcel);
    west_taken++;
}

static void replayed_in_another_place(void)
{
    struct parcel parcel, copy;
    unsigned char chain[SEAL_HASH];
    pack(&parcel);
    memcpy(chain, west.hand.chain, sizeof chain);
    copy = parcel;
    copy.message.batch.seq++; /* signed for the number before */
    memcpy(copy.message.batch.chain_before, chain, sizeof chain);
    peer_post(&west, &parcel.message);
    must_hear(WIRE_ACK, "the first");
    west_taken++;
    peer_post(&west, &copy.message);
    must_be_refused(NACK_BAD_SIGNATURE, "an old batch under a new number");
    parcel_free(&parcel);
}

static void old_session(void)
{
    struct parcel parcel;
    unsigned char chain[SEAL_HASH];
    memcpy(chain, west.hand.chain, sizeof chain);
    pack(&parcel);
    must_be_welcome("old session"); /* a new number; the parcel has the former one */
    post_parcel(&parcel);
    must_be_refused(NACK_UNKNOWN_OUTBOX, "a batch of an old session");
    peer_take_back(&west, chain);
    must_be_welcome("old session");
}

static void another_agents_name(void)
{
    struct wire_message message;
    peer_fill_hello(&west, &message);
    memcpy(message.hello.agent, east.hand.agent, sizeof message.hello.agent);
    memcpy(message.hello.outbox, east.hand.outbox, sizeof message.hello.outbox);
    message.hello.epoch = UINT64_MAX;
    peer_post(&west, &message);
    must_be_refused(NACK_MALFORMED, "another agent's name");
}

static void another_agents_outbox(void)
{
    struct wire_message message;
    peer_fill_hello(&west, &message);
    memcpy(message.hello.outbox, east.hand.outbox, sizeof message.hello.outbox);
    message.hello.high = 0;
    peer_post(&west, &message);
    /* An outbox is known under its agent's name: nothing of East's is found under this one. */
    const int heard = peer_await(&west, PATIENCE_MS);
    if (heard == 0 || (heard == WIRE_WELCOME && west.answer.welcome.watermark != 0))
        peer_fail("another agent's outbox: what is held of it was told");
    anew();
    must_be_welcome("another agent's outbox");
}

static void chosen_route(void)
{
    peer_connect_as(&west, "east", 4);
    struct wire_message message;
    peer_fill_hello(&west, &message);
    peer_post(&west, &message);
    must_be_silent("a chosen routing id");
    anew();
    must_be_welcome("a chosen routing id");
}

/* One that looks like libzmq's own: whose it is comes from the key. */
static void forged_route(void)
{
    peer_connect_as(&west, "\0\1\2\3\4", 5);
    must_be_welcome("a forged routing id");
    deliver();
    anew();
    must_be_welcome("a forged routing id");
}

static void foreign_unit(void)
{
    struct parcel parcel;
    peer_pack(&west, "a1", 2000, 1, 999999, &parcel);
    post_parcel(&parcel);
    must_hear(WIRE_ACK, "a foreign unit");
    west_taken++;
    if (strcmp(west.refusal, "forbidden") != 0)
        peer_fail("a foreign unit: expected forbidden, got \"%s\"", west.refusal);
}

static void spoil_chain(struct parcel *parcel)
{
    parcel->message.batch.chain_before[7] ^= 1;
}

static void spoil_signature(struct parcel *parcel)
{
    parcel->message.batch.signature[11] ^= 1;
}

static void spoil_bytes(struct parcel *parcel)
{
    parcel->bytes[parcel->message.batch.length / 2] ^= 1;
}

static void spoil_seq(struct parcel *parcel)
{
    parcel->message.batch.seq += 1000;
}

static void spoil_seq_most(struct parcel *parcel)
{
    parcel->message.batch.seq = UINT64_MAX;
}

static void bad_chain(void) { refused_batch(spoil_chain, NACK_BAD_CHAIN, "a broken chain"); }
static void bad_signature(void) { refused_batch(spoil_signature, NACK_BAD_SIGNATURE, "a bad signature"); }
static void altered_bytes(void) { refused_batch(spoil_bytes, NACK_BAD_SIGNATURE, "altered bytes"); }

static void number_jumps(void)
{
    deliver(); /* one NACK for all behind a gap: progress allows the next */
    refused_batch(spoil_seq, NACK_GAP_AHEAD, "a number far ahead");
    deliver();
    refused_batch(spoil_seq_most, NACK_GAP_AHEAD, "the highest number there is");
    deliver();
}

static void many_parts(void)
{
    for (int i = 0; i < 5; i++)
        if (!peer_send(&west, "part", 4, PATIENCE_MS, i < 4 ? ZMQ_SNDMORE : 0))
            peer_fail("cannot send a part");
    must_be_silent("a message of many parts");
    must_be_welcome("a message of many parts");
}

static void tiny_messages(void)
{
    const int64_t until = peer_steady() + FLOOD_MS;
    int sent = 0;
    for (; sent < TINY && peer_steady() < until; sent++)
        if (!peer_send(&west, "x", 1, 100, 0))
            peer_sleep(1);
    printf("  (%d of them)\n", sent);
    must_be_welcome_again("a flood of tiny messages");
}

static void hello_flood(void)
{
    const int64_t until = peer_steady() + FLOOD_MS;
    struct wire_message message;
    int sent = 0;
    for (; sent < HELLOS && peer_steady() < until; sent++) { /* answers are never read */
        unsigned char *bytes;
        size_t length;
        peer_fill_hello(&west, &message);
        wire_encode(&message, &bytes, &length);
        (void)peer_send(&west, bytes, length, 100, 0);
        free(bytes);
    }
    printf("  (%d of them)\n", sent);
    must_be_welcome_again("a flood of HELLOs");
}

static void many_outboxes(void)
{
    const int64_t until = peer_steady() + FLOOD_MS * 2;
    int made = 0;
    for (; made < OUTBOXES && peer_steady() < until; made++) {
        hand_new_outbox(&west.hand);
        must_be_welcome("one more outbox");
    }
    printf("  (%d of them)\n", made);
    deliver();
}

/* What an aggregator says itself, said to it. */
static void answers_to_the_server(void)
{
    const struct wire_message messages[] = {
        {.kind = WIRE_WELCOME, .welcome = {.session = west.hand.session, .watermark = 1u << 30, .credit = 1u << 30}},
        {.kind = WIRE_ACK, .ack = {.session = west.hand.session, .watermark = 1u << 30}},
        {.kind = WIRE_NACK, .nack = {.session = west.hand.session, .code = NACK_REVOKED, .detail = "go away"}},
        {.kind = WIRE_PROVE, .proof = {.session = west.hand.session, .seq = 1}},
        {.kind = WIRE_QUESTION, .question = {.id = 1, .command = "query"}},
        {.kind = WIRE_ALERT, .published = {.sequence = 1}},
    };
    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        peer_post(&west, &messages[i]);
    must_be_silent("answers said to the server");
    deliver();
}

static void huge_headers(void)
{
    static const struct { const char *bytes; size_t length; } claims[] = {
        {"\xdd\x0f\xff\xff\xff", 5},         {"\xdd\xff\xff\xff\xff", 5},         {"\xdf\xff\xff\xff\xff", 5},
        {"\x91\xc6\xff\xff\xff\xff", 6},     {"\x93\x03\xdb\xff\xff\xff\xff", 7}, {"\xdc\xff\xff\x01", 4},
        {"\x9f\x01\xdd\x0f\xff\xff\xff", 7}, {"\x96\x03\x01\x01\xc6\x7f\xff\xff\xff", 9},
    };
    const long before = process_kib(aggregator_pid, "VmPeak:");
    for (size_t i = 0; i < ARRAY_LEN(claims); i++)
        post_bytes(claims[i].bytes, claims[i].length);
    must_be_silent("headers that claim more than there is");
    deliver();
    if (process_kib(aggregator_pid, "VmPeak:") > before + (1 << 20))
        peer_fail("headers that claim more than there is: more than 1 GiB of addresses was taken");
    refused_bytes(claims[0].bytes, claims[0].length, NACK_MALFORMED, "such a header as a batch");
    deliver();
}

static void nesting(void)
{
    unsigned char deep[100000];
    memset(deep, 0x91, sizeof deep);
    post_bytes(deep, sizeof deep);
    must_be_silent("deep nesting");
    refused_bytes(deep, sizeof deep, NACK_MALFORMED, "deep nesting as a batch");
    deliver();
}

static void trailing_bytes(void)
{
    struct wire_message message;
    unsigned char *bytes, *longer;
    size_t length;
    peer_fill_hello(&west, &message);
    wire_encode(&message, &bytes, &length);
    longer = memory_array(length + 1, 1);
    memcpy(longer, bytes, length);
    post_bytes(longer, length + 1);
    post_bytes(bytes, length - 1);
    must_be_silent("a byte too many, a byte too few");
    free(longer);
    free(bytes);
    must_be_welcome("trailing bytes");
}

static void over_the_limits(void)
{
    const size_t most = LIMIT_BATCH_BYTES + 1, message = LIMIT_MESSAGE_BYTES + 1;
    unsigned char *bytes = memory_array(message, 1), chain[SEAL_HASH], *batch = memory_array(most, 1);
    struct parcel parcel;
    memcpy(chain, west.hand.chain, sizeof chain);
    hand_wrap(&west.hand, batch, most, &parcel);
    post_parcel(&parcel); /* no message: nothing of it is looked at */
    must_be_silent("a batch over the limit");
    peer_take_back(&west, chain);
    (void)peer_send(&west, bytes, message, PATIENCE_MS, 0); /* libzmq ends the connection over it */
    free(bytes);
    anew();
    must_be_welcome("a message over the limit");
    deliver();
}

/* A float, an extension type and a NaN where numbers belong. */
static void strange_types(void)
{
    static const char nan_batch[] = "\x96\x01\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x01\x01\x01\x01";
    static const char extension[] = "\x96\x01\xd8\x05................\x01\x01\x01\x01";
    struct wire_message message;
    unsigned char *bytes;
    size_t length;
    refused_bytes(nan_batch, sizeof nan_batch - 1, NACK_MALFORMED, "a NaN in a batch");
    refused_bytes(extension, sizeof extension - 1, NACK_MALFORMED, "an extension type in a batch");
    peer_fill_hello(&west, &message);
    wire_encode(&message, &bytes, &length);
    bytes[4] = 0xca; /* protocol_min becomes the head of a float */
    post_bytes(bytes, length);
    free(bytes);
    must_be_silent("a float in a HELLO");
    must_be_welcome("strange types");
    deliver();
}

static void gap_over_held_batches(void)
{
    struct wire_message gap = {.kind = WIRE_GAP};
    const uint64_t watermark = west.hand.high;
    gap.gap.session = west.hand.session;
    gap.gap.from = 1;
    gap.gap.to = watermark;
    (void)snprintf(gap.gap.reason, sizeof gap.gap.reason, "never mind");
    peer_post(&west, &gap);
    (void)peer_await(&west, SILENCE_MS); /* refused or not heard: either way nothing moves */
    must_be_welcome("a gap over batches that are there");
    if (west.hand.acked != watermark)
        peer_fail("a gap over batches that are there moved the watermark from %" PRIu64 " to %" PRIu64, watermark,
                  west.hand.acked);
    deliver();
}

static void unasked_proof(void)
{
    const struct wire_message proof = {.kind = WIRE_PROOF, .proof = {.session = west.hand.session, .seq = UINT64_MAX}};
    peer_post(&west, &proof);
    (void)peer_await(&west, SILENCE_MS);
    must_be_welcome("a proof nobody asked for");
    deliver();
}

static void wrong_catalogue(void)
{
    struct wire_message message;
    peer_fill_hello(&west, &message);
    memset(message.hello.catalogue_hash, 0xee, sizeof message.hello.catalogue_hash);
    peer_post(&west, &message);
    if (peer_await(&west, PATIENCE_MS) == 0)
        peer_fail("a wrong catalogue hash is not answered");
    must_be_welcome("a wrong catalogue hash");
    deliver();
}

static void wrong_protocol(void)
{
    struct wire_message message;
    peer_fill_hello(&west, &message);
    message.hello.protocol_min = 77;
    message.hello.protocol_max = UINT32_MAX;
    peer_post(&west, &message);
    must_be_refused(NACK_PROTOCOL, "a protocol nobody speaks");
    must_be_welcome("a protocol nobody speaks");
}

/* It binds nobody but its own outbox: that one is at its end then. */
static void highest_epoch(void)
{
    deliver();
    for (int i = 0; i < 2; i++) {
        west.hand.epoch = i == 0 ? UINT64_C(1) << 63 : UINT64_MAX;
        must_be_welcome("an epoch of 2^63 and more");
        deliver();
    }
    west.hand.epoch = 2;
    if (peer_greet(&west, PATIENCE_MS) != WIRE_NACK || west.answer.nack.code != NACK_STALE_EPOCH)
        peer_fail("an epoch of 2^63: a lower one is taken afterwards");
    hand_new_outbox(&west.hand);
    must_be_welcome("a new outbox after it");
    deliver();
}

static void strange_numbers(void)
{
    struct wire_message message;
    peer_fill_hello(&west, &message);
    message.hello.low = UINT64_MAX;
    message.hello.high = UINT64_MAX;
    message.hello.highest_acked = UINT64_MAX;
    message.hello.backlog = message.hello.refused = UINT64_MAX;
    message.hello.wall_time = INT64_MIN;
    peer_post(&west, &message);
    (void)peer_await(&west, PATIENCE_MS);
    hand_new_outbox(&west.hand);
    must_be_welcome("numbers at the end of their range");
    deliver();
}

static void leaves_and_goes_on(void)
{
    const struct wire_message bye = {.kind = WIRE_BYE};
    struct parcel parcel;
    unsigned char chain[SEAL_HASH];
    peer_post(&west, &bye);
    memcpy(chain, west.hand.chain, sizeof chain);
    pack(&parcel);
    post_parcel(&parcel);
    must_be_refused(NACK_UNKNOWN_OUTBOX, "a batch after BYE");
    peer_take_back(&west, chain);
    must_be_welcome("after BYE");
}

static const struct { const char *name; void (*run)(void); } cases[] = {
    {"a batch replayed fifty times", replayed_batch},
    {"an old batch under a new number", replayed_in_another_place},
    {"a batch of an old session", old_session},
    {"another agent's name in HELLO", another_agents_name},
    {"another agent's outbox in HELLO", another_agents_outbox},
    {"a routing id of its own choice", chosen_route},
    {"a routing id like libzmq's", forged_route},
    {"a unit of somebody else", foreign_unit},
    {"a broken chain", bad_chain},
    {"a bad signature", bad_signature},
    {"altered bytes", altered_bytes},
    {"numbers that jump", number_jumps},
    {"a message of many parts", many_parts},
    {"a flood of tiny messages", tiny_messages},
    {"a flood of HELLOs", hello_flood},
    {"answers said to the server", answers_to_the_server},
    {"headers that claim more than there is", huge_headers},
    {"deep nesting", nesting},
    {"a byte too many", trailing_bytes},
    {"over the limits", over_the_limits},
    {"NaN, floats and extension types", strange_types},
    {"a gap over batches that are there", gap_over_held_batches},
    {"a proof nobody asked for", unasked_proof},
    {"a catalogue nobody knows", wrong_catalogue},
    {"a protocol nobody speaks", wrong_protocol},
    {"epochs of 2^63 and more", highest_epoch},
    {"numbers at the end of their range", strange_numbers},
    {"a batch after BYE", leaves_and_goes_on},
    {"thousands of outboxes", many_outboxes},
};

/* ---- the program ---------------------------------------------------------------------------------------------------------------- */

static int by_size(const void *one, const void *other)
{
    return *(const int *)one - *(const int *)other;
}

static void print_waits(const char *when, size_t first, size_t last)
{
    if (last <= first)
        return;
    qsort(waits + first, last - first, sizeof waits[0], by_size);
    printf("acknowledged %s: %zu batches, p50 %d ms, p99 %d ms, most %d ms\n", when, last - first,
           waits[first + (last - first) / 2], waits[first + (last - first) * 99 / 100], waits[last - 1]);
}

int main(int argc, char *argv[])
{
    pthread_t thread;
    if (argc != 8 || seal_start() != STATUS_OK) {
        fputs("usage: network-hostile CATALOGUE ENDPOINT AGGREGATOR.pub EAST.key WEST.key AGGREGATOR-PID MEMORY-MIB\n", stderr);
        return EXIT_FAILURE;
    }
    aggregator_pid = argv[6];
    struct catalogue *catalogue = peer_catalogue(argv[1]);
    void *context = zmq_ctx_new(), *other = zmq_ctx_new();
    peer_open(&east, context, catalogue, argv[2], argv[3], "east", argv[4]);
    peer_open(&west, other, catalogue, argv[2], argv[3], "west", argv[5]);
    if (pthread_create(&thread, NULL, report, NULL) != 0)
        peer_fail("no thread");
    east_must_go_on("the start");
    peer_sleep(500);
    const size_t calm = atomic_load(&east_acknowledged);
    must_be_welcome("the start");
    deliver();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const int64_t started = peer_steady();
        cases[i].run();
        east_must_go_on(cases[i].name);
        printf("refused: %s (%" PRId64 " ms)\n", cases[i].name, peer_steady() - started);
        (void)fflush(stdout);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    const uint64_t east_taken = atomic_load(&east_acknowledged);
    print_waits("before", 0, calm);
    print_waits("meanwhile", calm, east_taken);
    const long peak = process_kib(aggregator_pid, "VmHWM:") / 1024;
    printf("peak of memory %ld MiB\n", peak);
    if (peak == 0 || peak > strtol(argv[7], NULL, 10))
        peer_fail("the aggregator needed %ld MiB", peak);
    printf("cases %zu east %" PRIu64 " west %" PRIu64 "\n", ARRAY_LEN(cases), east_taken, west_taken);
    peer_close(&east);
    peer_close(&west);
    zmq_ctx_term(context);
    zmq_ctx_term(other);
    catalogue_free(&catalogue);
    keys_forget(&east.hand.key);
    keys_forget(&west.hand.key);
    return EXIT_SUCCESS;
}
