/* Both ends of the delivery protocol against each other in a world of accidents, drawn from a seed: cuts of the link with
 * everything on it lost, kill -9 of either end, groups that cannot be committed, disks that fill, files taken at any
 * moment, an outbox put back from a backup. Whatever happens:
 *
 *   - the aggregator commits each number of an outbox once, in order, and applies no file twice;
 *   - nothing is acknowledged at the collector that is not committed at the aggregator;
 *   - every refusal was written by the collector before its batch counted as acknowledged;
 *   - when the accidents end, all that is in the outbox is delivered.
 *
 * SUANPAN_SEED=n repeats one schedule, SUANPAN_SCHEDULES=n runs more of them. */
#include "suite.h"

#include "delivery.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES_MOST = 100, LIVES_MOST = 40, QUEUE = 256, CREDIT = 4 };

/* ---- chance --------------------------------------------------------------------------------------------------------- */

static uint64_t chance_state;

static uint64_t chance(void) /* splitmix64 */
{
    uint64_t z = (chance_state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static bool one_in(uint64_t n)
{
    return chance() % n == 0;
}

/* ---- the world -------------------------------------------------------------------------------------------------------- */

struct letter { /* a message, whichever */
    enum wire_kind kind;
    uint64_t session, seq, watermark, high, acked, epoch, content, first;
    unsigned char life;
    unsigned char chain[SEAL_HASH]; /* at high, before the batch, at the watermark */
    uint32_t credit;
    enum wire_nack nack;
    uint64_t refused_from, refused_to; /* ACK: refusals of the batches (from, to] are inside */
};

struct queue {
    struct letter letters[QUEUE];
    size_t first, count;
};

struct outbox_file {              /* durable */
    unsigned char life;           /* its identity */
    uint64_t high, acked, epoch;
    uint64_t content[BATCHES_MOST + 1]; /* number of the file in the batch */
    unsigned char chain[BATCHES_MOST + 1][SEAL_HASH];
};

struct world {
    int64_t now;
    uint64_t route;               /* of the connection */
    bool connected;
    struct queue up, down;        /* collector -> aggregator and back */

    struct outbox_file outbox, backup;
    bool has_backup;
    bool written[BATCHES_MOST + 1]; /* by file: its refusals are in the clerk's file */
    uint64_t files;
    unsigned char lives;          /* identities given out */
    struct sender sender;         /* lost with the process */
    bool hello_owed, rebirth_owed;
    uint64_t acknowledge;         /* waits for the refusals to be written */

    struct {                      /* durable */
        struct stream streams[LIVES_MOST];
        uint64_t content[LIVES_MOST][BATCHES_MOST + 1];
        unsigned char home[BATCHES_MOST + 1]; /* by file: the life under which it was applied, 0: not */
    } store;
    struct session session;       /* lost with the process */
    uint64_t session_route;
    uint64_t group[BATCHES_MOST + 1]; /* contents of the open group, by seq */
    bool owes_welcome, owes_ack, owes_nack;
    struct letter nack;
    uint64_t epoch_in_group;
};

static struct world world;

static bool refuses(uint64_t content) /* does the aggregator refuse a record of this file? */
{
    return content % 3 == 0;
}

static void chain_next(const unsigned char before[SEAL_HASH], uint64_t content, unsigned char ret_chain[SEAL_HASH])
{
    seal_chain_next(before, &content, sizeof content, ret_chain);
}

static void push(struct queue *queue, const struct letter *letter)
{
    CU_ASSERT_FATAL(queue->count < QUEUE);
    queue->letters[(queue->first + queue->count++) % QUEUE] = *letter;
}

static bool pop(struct queue *queue, struct letter *ret_letter)
{
    if (queue->count == 0)
        return false;
    *ret_letter = queue->letters[queue->first];
    queue->first = (queue->first + 1) % QUEUE;
    queue->count--;
    return true;
}


/* ---- the collector ---------------------------------------------------------------------------------------------------- */

static void collector_hello(void)
{
    struct letter letter = {.kind = WIRE_HELLO, .session = world.sender.session, .high = world.outbox.high,
                            .acked = world.outbox.acked, .epoch = world.outbox.epoch, .life = world.outbox.life};
    memcpy(letter.chain, world.outbox.chain[world.outbox.high], SEAL_HASH);
    world.hello_owed = !world.connected;
    if (world.connected)
        push(&world.up, &letter);
}

static void collector_step(struct delivery_event event)
{
    struct delivery_actions actions;
    event.now_ms = world.now;
    event.random = chance();
    delivery_step(&world.sender, &event, &actions);
    if (actions.hello)
        collector_hello();
    if (actions.acknowledge > world.acknowledge)
        world.acknowledge = actions.acknowledge;
    world.rebirth_owed = world.rebirth_owed || actions.rebirth;
}

static void chain_start(unsigned char life, unsigned char ret_chain[SEAL_HASH])
{
    unsigned char id[16];
    memset(id, life, sizeof id);
    seal_chain_start("liyang", id, ret_chain);
}

/* As outbox_rebirth: what is not acknowledged gets new numbers under a new identity. */
static void collector_rebirth(void)
{
    struct outbox_file old = world.outbox;
    if (!world.rebirth_owed || world.acknowledge != 0)
        return;
    world.rebirth_owed = false;
    CU_ASSERT_FATAL(world.lives + 1 < LIVES_MOST);
    world.outbox = (struct outbox_file){.life = ++world.lives, .epoch = old.epoch};
    chain_start(world.outbox.life, world.outbox.chain[0]);
    for (uint64_t seq = old.acked + 1; seq <= old.high; seq++) {
        const uint64_t to = ++world.outbox.high;
        world.outbox.content[to] = old.content[seq];
        chain_next(world.outbox.chain[to - 1], old.content[seq], world.outbox.chain[to]);
    }
    collector_step((struct delivery_event){.kind = DELIVERY_REBORN, .low = 1, .high = world.outbox.high});
}

/* As publisher.c: refusals are written first; then, and not always at once, the outbox is told. */
static void collector_acknowledge(void)
{
    if (world.acknowledge == 0 || one_in(3))
        return;
    CU_ASSERT_FATAL(world.acknowledge <= world.store.streams[world.outbox.life].watermark);
    for (uint64_t seq = world.outbox.acked + 1; seq <= world.acknowledge; seq++)
        CU_ASSERT_FATAL(!refuses(world.outbox.content[seq]) || world.written[world.outbox.content[seq]] ||
                        world.store.home[world.outbox.content[seq]] != world.outbox.life); /* a repeated file refuses nothing */
    if (world.acknowledge > world.outbox.acked)
        world.outbox.acked = world.acknowledge;
    world.acknowledge = 0;
}

static enum delivery_chain compare_chain(uint64_t watermark, const unsigned char chain[SEAL_HASH])
{
    if (watermark > world.outbox.high)
        return CHAIN_UNKNOWN;
    return memcmp(world.outbox.chain[watermark], chain, SEAL_HASH) == 0 ? CHAIN_SAME : CHAIN_DIFFERS;
}

static void collector_receive(void)
{
    struct letter letter;
    if (!pop(&world.down, &letter))
        return;
    struct delivery_event event = {.session = letter.session, .watermark = letter.watermark, .credit = letter.credit,
                                   .nack = letter.nack, .first = letter.first, .retry_after_ms = 500};
    event.chain = compare_chain(letter.watermark, letter.chain);
    switch ((int)letter.kind) {
    case WIRE_WELCOME: event.kind = DELIVERY_WELCOME; break;
    case WIRE_ACK:
        event.kind = DELIVERY_ACK;
        if (letter.session == world.sender.session)
            for (uint64_t seq = letter.refused_from + 1; seq <= letter.refused_to; seq++)
                world.written[world.outbox.content[seq]] = true;
        break;
    default: event.kind = DELIVERY_NACK; break;
    }
    collector_step(event);
}

static void collector_send(void)
{
    uint64_t seq;
    if (world.hello_owed && world.sender.link && world.connected)
        collector_hello();
    while (!world.hello_owed && world.connected && (seq = delivery_wants(&world.sender)) != 0 && !one_in(8)) {
        struct letter letter = {.kind = WIRE_BATCH, .session = world.sender.session, .seq = seq,
                                .content = world.outbox.content[seq]};
        CU_ASSERT_FATAL(seq >= 1 && seq <= world.outbox.high);
        memcpy(letter.chain, world.outbox.chain[seq - 1], SEAL_HASH);
        push(&world.up, &letter);
        delivery_sent(&world.sender, world.now);
        CU_ASSERT_FATAL(world.sender.next - world.sender.watermark - 1 <= world.sender.credit);
    }
}

static void collector_take_file(void)
{
    if (world.files == BATCHES_MOST)
        return;
    const uint64_t seq = ++world.outbox.high;
    world.outbox.content[seq] = ++world.files;
    chain_next(world.outbox.chain[seq - 1], world.outbox.content[seq], world.outbox.chain[seq]);
    collector_step((struct delivery_event){.kind = DELIVERY_HELD_NOW, .low = 1, .high = seq});
}

static void collector_start(void)
{
    world.outbox.epoch++;
    world.acknowledge = 0;
    world.hello_owed = world.rebirth_owed = false;
    delivery_start(&world.sender, 1, world.outbox.high, world.outbox.acked);
}

/* ---- the aggregator ----------------------------------------------------------------------------------------------------- */

static void owe_nack(uint64_t session, enum wire_nack code, uint64_t first)
{
    if (!world.owes_nack)
        world.nack = (struct letter){.kind = WIRE_NACK, .session = session, .nack = code, .first = first};
    world.owes_nack = true;
}

static void aggregator_commit(void);

static void aggregator_hello(const struct letter *letter)
{
    struct session_answer answer;
    if (world.session.active && world.session.outbox[0] != letter->life)
        aggregator_commit(); /* intake.c keeps several streams in one group; here one is enough */
    struct stream known = world.store.streams[letter->life];
    struct wire_hello hello = {.protocol_min = 1, .protocol_max = 1, .epoch = letter->epoch, .session = letter->session,
                               .low = 1, .high = letter->high, .highest_acked = letter->acked};
    memset(hello.outbox, letter->life, sizeof hello.outbox);
    memcpy(hello.chain_at_high, letter->chain, SEAL_HASH);
    if (known.watermark == 0)
        chain_start(letter->life, known.chain);
    if (world.session.active && world.session.outbox[0] == letter->life) {
        known.watermark = world.session.watermark;
        memcpy(known.chain, world.session.chain, SEAL_HASH);
    }
    session_hello(&world.session, &hello, &known, world.session_route == world.route, world.now, &answer);
    if (answer.verdict == SESSION_NACK) {
        owe_nack(letter->session, answer.code, answer.first);
        return;
    }
    world.session_route = world.route;
    world.owes_welcome = true;
    world.owes_nack = false;
    world.owes_ack = world.session.watermark > letter->acked;
    if (answer.save_stream)
        world.epoch_in_group = letter->epoch;
}

static void aggregator_batch(const struct letter *letter)
{
    struct session_answer answer;
    struct wire_batch batch = {.session = letter->session, .seq = letter->seq};
    unsigned char chain[SEAL_HASH];
    memcpy(batch.chain_before, letter->chain, SEAL_HASH);
    session_batch(&world.session, &batch, world.session_route == world.route, world.now, &answer);
    if (answer.verdict == SESSION_NACK)
        owe_nack(letter->session, answer.code, answer.first);
    else if (answer.verdict == SESSION_ACK)
        world.owes_ack = true;
    if (answer.verdict != SESSION_TAKE)
        return;
    chain_next(world.session.chain, letter->content, chain);
    session_taken(&world.session, chain);
    world.group[world.session.watermark] = letter->content;
    world.owes_ack = true;
}

/* False when the pipe was full: then the answer stays owed. Into a dead link everything can be sent. */
static bool send_down(struct letter *letter)
{
    if (one_in(10))
        return false;
    if (letter->kind != WIRE_NACK) {
        letter->credit = CREDIT;
        letter->watermark = world.session.watermark;
        memcpy(letter->chain, world.session.chain, SEAL_HASH);
    }
    if (world.connected)
        push(&world.down, letter);
    return true;
}

static void aggregator_answer(void)
{
    if (world.owes_welcome) {
        struct letter welcome = {.kind = WIRE_WELCOME, .session = world.session.number};
        world.owes_welcome = !send_down(&welcome);
    }
    if (world.owes_ack && !world.owes_welcome) {
        struct letter ack = {.kind = WIRE_ACK, .session = world.session.number, .refused_from = world.session.told,
                             .refused_to = world.session.watermark};
        world.owes_ack = !send_down(&ack);
        if (!world.owes_ack)
            world.session.told = world.session.watermark;
    }
    if (world.owes_nack)
        world.owes_nack = !send_down(&world.nack);
}

static void aggregator_commit(void)
{
    const unsigned char life = world.session.outbox[0];
    struct stream *stream = &world.store.streams[life];
    if (world.epoch_in_group > stream->epoch)
        stream->epoch = world.epoch_in_group;
    if (world.session.active)
        for (uint64_t seq = stream->watermark + 1; seq <= world.session.watermark; seq++) {
            const uint64_t file = world.group[seq];
            CU_ASSERT_FATAL(world.store.content[life][seq] == 0);
            world.store.content[life][seq] = file;
            CU_ASSERT_FATAL(world.store.home[file] != life); /* under one life never twice */
            if (world.store.home[file] == 0) /* as store_knows_file */
                world.store.home[file] = life;
            stream->watermark = seq;
        }
    world.epoch_in_group = 0;
    if (world.session.active)
        memcpy(stream->chain, world.session.chain, SEAL_HASH);
    aggregator_answer();
}

static void aggregator_abandon(void)
{
    if (world.session.active && world.connected) {
        const struct letter busy = {.kind = WIRE_NACK, .session = world.session.number, .nack = NACK_BUSY};
        push(&world.down, &busy);
    }
    session_finish(&world.session);
    world.owes_welcome = world.owes_ack = world.owes_nack = false;
    world.epoch_in_group = 0;
}

static void aggregator_work(bool accidents)
{
    struct letter letter;
    for (uint64_t i = chance() % 6; i > 0 && pop(&world.up, &letter); i--) {
        if (letter.kind == WIRE_HELLO)
            aggregator_hello(&letter);
        else
            aggregator_batch(&letter);
    }
    if (accidents && one_in(12))
        aggregator_abandon();
    else
        aggregator_commit();
}

static void aggregator_kill(void)
{
    memset(&world.session, 0, sizeof world.session);
    world.session_route = 0;
    world.owes_welcome = world.owes_ack = world.owes_nack = false;
    world.epoch_in_group = 0;
}

/* ---- accidents ---------------------------------------------------------------------------------------------------------- */

static void cut(bool noticed)
{
    world.connected = false;
    world.up.count = world.down.count = 0;
    if (noticed && world.sender.link)
        collector_step((struct delivery_event){.kind = DELIVERY_LINK_DOWN});
}

static void join(void)
{
    world.connected = true;
    world.route++;
    collector_step((struct delivery_event){.kind = DELIVERY_LINK_UP});
}

static void accident(void)
{
    switch (chance() % 30) {
    case 0: cut(true); break;
    case 1: /* letters on the way are lost, the connection is a new one; nobody told the collector that it was cut */
        cut(false);
        join();
        break;
    case 2: /* kill -9 of the aggregator */
        aggregator_kill();
        cut(true);
        break;
    case 3: /* kill -9 of the collector */
        cut(false);
        collector_start();
        break;
    case 4:
        if (one_in(4)) {
            world.backup = world.outbox;
            world.has_backup = true;
        }
        break;
    case 5: /* its disk died and an old copy is put back */
        if (!world.has_backup || !one_in(6))
            break;
        cut(false);
        world.outbox = world.backup;
        collector_start();
        break;
    default: break;
    }
}

static void pass(bool accidents)
{
    world.now += (int64_t)(chance() % (one_in(20) ? 30000 : 200));
    if (accidents)
        accident();
    if (!world.connected && (!accidents || one_in(4)))
        join();
    collector_acknowledge();
    collector_rebirth();
    if (one_in(3))
        collector_receive();
    collector_step((struct delivery_event){.kind = DELIVERY_TIME});
    if (one_in(2))
        collector_send();
    if (one_in(2))
        aggregator_work(accidents);
    if (accidents && one_in(10))
        collector_take_file();
}

static bool schedule(uint64_t seed)
{
    chance_state = seed;
    memset(&world, 0, sizeof world);
    world.outbox.life = world.lives = 1;
    chain_start(1, world.outbox.chain[0]);
    collector_start();
    for (int i = 0; i < 400; i++)
        pass(true);
    for (int i = 0; i < 4000 && !(delivery_drained(&world.sender) && world.outbox.acked == world.outbox.high); i++)
        pass(false);
    for (uint64_t seq = 1; seq <= world.outbox.high; seq++)
        CU_ASSERT_FATAL(world.store.home[world.outbox.content[seq]] != 0);
    return world.outbox.acked == world.outbox.high;
}

static void whatever_happens_everything_arrives_once(void)
{
    const char *wanted = getenv("SUANPAN_SEED"), *many = getenv("SUANPAN_SCHEDULES");
    const char *tier = getenv("SUANPAN_TIER");
    const uint64_t usual = tier != NULL && strcmp(tier, "nightly") == 0 ? 10000000 : 100000;
    const uint64_t schedules = wanted != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : usual;
    const uint64_t first = wanted != NULL ? strtoull(wanted, NULL, 10) : 1;
    uint64_t batches = 0, lives = 0;
    for (uint64_t seed = first; seed < first + schedules; seed++) {
        const unsigned before = CU_get_number_of_failures();
        const bool arrived = schedule(seed);
        batches += world.files;
        lives += world.lives - 1u;
        if (!arrived || CU_get_number_of_failures() != before) {
            printf("\n    SUANPAN_SEED=%" PRIu64 ": state %d hold %d high %" PRIu64 " acked %" PRIu64 " committed %" PRIu64 "\n",
                   seed, (int)world.sender.state, (int)world.sender.hold, world.outbox.high, world.outbox.acked,
                   world.store.streams[world.outbox.life].watermark);
            CU_FAIL("not everything arrived");
            return;
        }
    }
    CU_ASSERT(batches > schedules); /* the world was not empty */
    CU_ASSERT(wanted != NULL || lives > schedules / 100); /* and outboxes were born again in it */
}

/* ---- the collector alone -------------------------------------------------------------------------------------------------- */

static struct sender one;
static struct delivery_actions does;

static void step(struct delivery_event event)
{
    delivery_step(&one, &event, &does);
}

/* In session 9 with batches 1..high of which the aggregator has `watermark`. */
static void streaming(uint64_t high, uint64_t watermark)
{
    delivery_start(&one, 1, high, watermark);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    CU_ASSERT_TRUE(does.hello);
    CU_ASSERT_EQUAL(one.session, 9);
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = watermark, .credit = 2});
    CU_ASSERT_EQUAL(one.state, DELIVERY_STREAMING);
}

static void nack(enum wire_nack code, uint64_t first)
{
    step((struct delivery_event){.kind = DELIVERY_NACK, .now_ms = 2000, .session = one.session, .nack = code, .first = first,
                                 .retry_after_ms = 3000});
}

static void batches_go_out_in_order_within_the_credit(void)
{
    streaming(5, 1);
    CU_ASSERT_EQUAL(delivery_wants(&one), 2);
    delivery_sent(&one, 1000);
    CU_ASSERT_EQUAL(delivery_wants(&one), 3);
    delivery_sent(&one, 1000);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1100, .session = 9, .watermark = 2, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 2);
    CU_ASSERT_EQUAL(delivery_wants(&one), 4);
}

static void a_welcome_acknowledges_nothing(void)
{
    delivery_start(&one, 1, 5, 0);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 5, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 0);
    CU_ASSERT_FALSE(delivery_drained(&one));
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 5, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 5);
    CU_ASSERT_TRUE(delivery_drained(&one));
}

static void answers_of_another_session_are_dropped(void)
{
    streaming(5, 1);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1100, .session = 8, .watermark = 5, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 0);
    step((struct delivery_event){.kind = DELIVERY_NACK, .now_ms = 1100, .session = 8, .nack = NACK_REVOKED});
    CU_ASSERT_EQUAL(one.state, DELIVERY_STREAMING);
}

static void credit_zero_waits_and_asks_again(void)
{
    streaming(5, 1);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1100, .session = 9, .watermark = 1, .credit = 0});
    CU_ASSERT_EQUAL(one.state, DELIVERY_THROTTLED);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due});
    CU_ASSERT_TRUE(does.hello);
    CU_ASSERT_EQUAL(one.session, 9);
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 9000, .session = 9, .watermark = 1, .credit = 1});
    CU_ASSERT_EQUAL(delivery_wants(&one), 2);
}

static void an_ack_that_does_not_come_starts_a_new_session(void)
{
    streaming(5, 1);
    delivery_sent(&one, 1000);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = 2000, .random = 100});
    CU_ASSERT_FALSE(does.hello);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 100});
    CU_ASSERT_TRUE(does.hello);
    CU_ASSERT_EQUAL(one.session, 101);
    CU_ASSERT_EQUAL(one.state, DELIVERY_GREETING);
}

static void a_gap_goes_back_and_what_cannot_be_greets_anew(void)
{
    streaming(5, 1);
    delivery_sent(&one, 1000);
    delivery_sent(&one, 1000);
    nack(NACK_GAP_AHEAD, 3);
    CU_ASSERT_EQUAL(delivery_wants(&one), 3);
    nack(NACK_GAP_AHEAD, 1);
    CU_ASSERT_EQUAL(one.state, DELIVERY_GREETING);
}

static void a_restored_aggregator_gets_what_it_lost(void)
{
    delivery_start(&one, 1, 5, 5);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 2, .credit = 9});
    CU_ASSERT_FALSE(delivery_drained(&one));
    CU_ASSERT_EQUAL(delivery_wants(&one), 3);
    delivery_sent(&one, 1000);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9});
    CU_ASSERT_EQUAL(does.acknowledge, 0); /* it was once */
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 5, .credit = 9});
    CU_ASSERT_TRUE(delivery_drained(&one));
}

static void batches_no_longer_held_are_said_to_be_a_gap(void)
{
    delivery_start(&one, 4, 5, 5);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 1, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_from, 2);
    CU_ASSERT_EQUAL(does.gap_to, 3);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0); /* not before it is written down there */
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_to, 0);
    CU_ASSERT_EQUAL(delivery_wants(&one), 4);
}

static void an_empty_outbox_says_what_it_once_held(void)
{
    delivery_start(&one, 6, 5, 5);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_from, 4);
    CU_ASSERT_EQUAL(does.gap_to, 5);
}

static void a_hole_is_said_when_all_before_it_is_committed(void)
{
    streaming(9, 1);
    CU_ASSERT_EQUAL(delivery_wants(&one), 2);
    delivery_sent(&one, 1000);
    step((struct delivery_event){.kind = DELIVERY_LOST, .now_ms = 1000, .low = 3, .high = 4});
    CU_ASSERT_EQUAL(does.gap_to, 0);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 2, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_from, 3);
    CU_ASSERT_EQUAL(does.gap_to, 4);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 20}); /* lost on the way */
    CU_ASSERT_TRUE(does.hello);
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = one.due, .session = 21, .watermark = 2, .credit = 9});
    CU_ASSERT_EQUAL(delivery_wants(&one), 3); /* and found out again */
}

static void an_aggregator_that_knows_more_holds_delivery(void)
{
    delivery_start(&one, 1, 5, 2);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 7, .credit = 9, .chain = CHAIN_UNKNOWN});
    CU_ASSERT_EQUAL(one.hold, HOLD_BEHIND);
    CU_ASSERT_TRUE(does.rebirth);
}

static void parting(void)
{
    delivery_start(&one, 1, 5, 2);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9, .chain = CHAIN_DIFFERS});
    CU_ASSERT_EQUAL(one.hold, HOLD_PARTING);
    CU_ASSERT_TRUE(does.prove);
    CU_ASSERT_FALSE(does.rebirth);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
}

static void where_another_history_parts_is_asked_for_before_rebirth(void)
{
    parting();
    nack(NACK_BAD_CHAIN, 2);
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 2);
    CU_ASSERT_EQUAL(one.hold, HOLD_FORK);
    parting(); /* an aggregator that does not answer */
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due});
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 0);
    parting(); /* a link that fails meanwhile */
    step((struct delivery_event){.kind = DELIVERY_LINK_DOWN, .now_ms = 2000});
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 2001});
    CU_ASSERT_TRUE(does.hello);
}

static void each_refusal_of_the_whole_holds_in_its_way(void)
{
    static const struct { enum wire_nack nack; enum delivery_hold hold; } cases[] = {
        {NACK_REVOKED, HOLD_REVOKED}, {NACK_FENCED, HOLD_FENCED},
        {NACK_PROTOCOL, HOLD_PROTOCOL}, {NACK_STALE_EPOCH, HOLD_STALE_EPOCH},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        streaming(5, 1);
        nack(cases[i].nack, 0);
        CU_ASSERT_EQUAL(one.state, DELIVERY_HELD);
        CU_ASSERT_EQUAL(one.hold, cases[i].hold);
        CU_ASSERT_EQUAL(delivery_wants(&one), 0);
        step((struct delivery_event){.kind = DELIVERY_LINK_DOWN, .now_ms = 2001});
        step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 2002});
        CU_ASSERT_FALSE(does.hello); /* a new link is no reason to knock at once */
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 20});
        CU_ASSERT_TRUE(does.hello);
        CU_ASSERT_EQUAL(one.state, DELIVERY_GREETING);
    }
}

static void refused_three_times(enum wire_nack code)
{
    streaming(5, 1);
    for (int i = 0; i < 2; i++) {
        nack(code, 2);
        CU_ASSERT_EQUAL(one.state, DELIVERY_THROTTLED);
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 8});
        CU_ASSERT_TRUE(does.hello);
        step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 9000, .session = 9, .watermark = 1, .credit = 2});
    }
    nack(code, 2);
    CU_ASSERT_EQUAL(one.state, DELIVERY_HELD);
    CU_ASSERT_EQUAL(one.hold, HOLD_BAD_BATCH);
}

static void a_bad_batch_is_tried_three_times_and_no_more(void)
{
    refused_three_times(NACK_MALFORMED);
    CU_ASSERT_FALSE(does.rebirth); /* the same bytes would come again */
    refused_three_times(NACK_BAD_CHAIN);
    CU_ASSERT_TRUE(does.rebirth);
    refused_three_times(NACK_BAD_SIGNATURE); /* signed anew, with the key of today */
    CU_ASSERT_TRUE(does.rebirth);
}

static void a_busy_aggregator_is_left_alone_as_long_as_it_asks(void)
{
    streaming(5, 1);
    nack(NACK_BUSY, 0);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    CU_ASSERT(one.due >= 2000 + 3000);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = 4999});
    CU_ASSERT_FALSE(does.hello);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due});
    CU_ASSERT_TRUE(does.hello);
}

static void greetings_without_an_answer_come_ever_more_slowly(void)
{
    int64_t before = 0, now = 1000;
    delivery_start(&one, 1, 5, 0);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = now});
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(does.hello);
        CU_ASSERT(one.due - now > before);
        before = one.due - now;
        now = one.due;
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = now});
    }
    for (int i = 0; i < 100; i++) {
        now = one.due;
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = now, .random = UINT64_MAX});
        CU_ASSERT(one.due - now <= 75000);
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(batches_go_out_in_order_within_the_credit),
        SENTENCE(a_welcome_acknowledges_nothing),
        SENTENCE(answers_of_another_session_are_dropped),
        SENTENCE(credit_zero_waits_and_asks_again),
        SENTENCE(an_ack_that_does_not_come_starts_a_new_session),
        SENTENCE(a_gap_goes_back_and_what_cannot_be_greets_anew),
        SENTENCE(a_restored_aggregator_gets_what_it_lost),
        SENTENCE(batches_no_longer_held_are_said_to_be_a_gap),
        SENTENCE(an_empty_outbox_says_what_it_once_held),
        SENTENCE(a_hole_is_said_when_all_before_it_is_committed),
        SENTENCE(an_aggregator_that_knows_more_holds_delivery),
        SENTENCE(where_another_history_parts_is_asked_for_before_rebirth),
        SENTENCE(each_refusal_of_the_whole_holds_in_its_way),
        SENTENCE(a_bad_batch_is_tried_three_times_and_no_more),
        SENTENCE(a_busy_aggregator_is_left_alone_as_long_as_it_asks),
        SENTENCE(greetings_without_an_answer_come_ever_more_slowly),
        SENTENCE(whatever_happens_everything_arrives_once),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("delivery", sentences, ARRAY_LEN(sentences));
}
