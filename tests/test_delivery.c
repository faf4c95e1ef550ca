/* Both ends of the delivery protocol against each other in a world of accidents, drawn from a seed: cuts of the link with
 * everything on it lost, letters that come late and twice, kill -9 of either end, groups that cannot be committed, batches
 * that an outbox can no longer read, credit that runs out, files taken at any moment, an outbox put back from a backup, the
 * aggregator put back to its newest backup or to an older one, and in every fourth schedule a second collector of the same
 * name, with a copy of the outbox or with one of its own. Whatever happens:
 *
 *   - the aggregator commits each number of an outbox once, in order, and applies no file twice;
 *   - what it applied and what it wrote down as missing are the numbers 1 to its watermark;
 *   - nothing is acknowledged at the collector that is not committed at the aggregator;
 *   - every refusal was written by the collector before its batch counted as acknowledged;
 *   - when the accidents end, every file is there, or is written down as missing, or went down with a disk.
 *
 * And that this world would notice: the same with a fault in it (see `enum flaw`), which has to be found.
 *
 * SUANPAN_SEED=n repeats one schedule, SUANPAN_SCHEDULES=n runs more of them. */
#include "suite.h"

#include "delivery.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MOST = 63, BATCHES_MOST = 100, LIVES_MOST = 24, QUEUE = 256, CREDIT = 4, BACKUPS = 2, COLLECTORS = 2 };

/* ---- chance --------------------------------------------------------------------------------------------------------- */

static uint64_t chance_state;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t chance(void) /* splitmix64 */
{
    return mix(chance_state += UINT64_C(0x9E3779B97F4A7C15));
}

static bool one_in(uint64_t n)
{
    return chance() % n == 0;
}

/* ---- what is looked for ------------------------------------------------------------------------------------------------ */

/* Mistakes of the world around the two modules, one a control run. */
enum flaw {
    FLAW_NONE,
    FLAW_ACKNOWLEDGED_EARLY,   /* the aggregator answers before it commits */
    FLAW_DUPLICATES_TAKEN,     /* a batch below the watermark is stored once more */
    FLAW_HOLES_TAKEN,          /* a batch that does not follow the watermark is stored */
    FLAW_TORN_COMMIT,          /* the watermark is kept of a group that was rolled back */
    FLAW_FILES_FORGOTTEN,      /* a file is not known again under another outbox */
    FLAW_REFUSALS_DROPPED,     /* refusals count as told though the message did not go out */
    FLAW_WELCOME_ACKNOWLEDGES, /* the collector takes a WELCOME for an acknowledgement */
    FLAW_COPY_TRUSTED,         /* an outbox out of a backup: neither epochs nor chains are compared */
    FLAW_TWIN_TRUSTED,         /* the same when nothing was restored, but two collectors have copies of one outbox */
    FLAW_NOT_REBORN,           /* ... or it keeps its identity when it should get a new one */
    FLAW_FORGETFUL_REBIRTH,    /* the new identity leaves behind what is acknowledged and in no backup */
    FLAW_PRUNED_AT_ONCE,       /* the outbox lets go of what is acknowledged, whether a backup has it or not */
    FLAW_GAP_UNRECORDED,       /* a gap is passed and not written down */
};

enum complaint {
    COMPLAINT_NONE,
    NOT_ARRIVED,
    ACKNOWLEDGED_UNCOMMITTED,
    TWO_CONTENTS,
    REFUSAL_LOST,
    NUMBER_TWICE,
    FILE_TWICE,
    NUMBER_MISSING,
    FILE_LOST,
    NEEDLESSLY_LOST,
    NOT_HELD_SENT,
    BEYOND_CREDIT,
    TOO_MUCH, /* the world is too small */
};

static const char *const complaints[] = {
    [COMPLAINT_NONE] = "nothing",
    [NOT_ARRIVED] = "not everything arrives",
    [ACKNOWLEDGED_UNCOMMITTED] = "acknowledged, not committed",
    [TWO_CONTENTS] = "acknowledged is a number under which something else is committed",
    [REFUSAL_LOST] = "acknowledged before its refusals were written",
    [NUMBER_TWICE] = "a number is committed twice or out of order",
    [FILE_TWICE] = "a file is applied twice",
    [NUMBER_MISSING] = "a number below the watermark is neither applied nor written down as missing",
    [FILE_LOST] = "a file is lost and no gap says so",
    [NEEDLESSLY_LOST] = "a batch is missing that a good backup would have brought back",
    [NOT_HELD_SENT] = "a batch is sent that is not held",
    [BEYOND_CREDIT] = "more is under way than was allowed",
    [TOO_MUCH] = "the world is too small",
};

/* ---- the world -------------------------------------------------------------------------------------------------------- */

struct letter { /* a message, whichever */
    enum wire_kind kind;
    uint64_t route, session, seq, watermark, low, high, acked, epoch, first, backed;
    uint64_t chain; /* at high, before the batch, at the watermark, behind the gap, at seq */
    uint64_t files; /* GAP: a bit each */
    unsigned char content, life;
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
    uint64_t low, high, acked, backed, epoch;
    unsigned char content[BATCHES_MOST + 1]; /* number of the file in the batch */
    uint64_t chain[BATCHES_MOST + 1];
    bool damaged[BATCHES_MOST + 1]; /* its bytes do not fit their chain any more */
    uint64_t lost;                /* files that a gap took: may be taken again */
};

struct collector {
    bool runs;
    uint64_t route;               /* of the connection */
    bool connected;
    struct queue down;
    struct outbox_file outbox, backup;
    bool has_backup;
    struct sender sender;         /* lost with the process, and all below */
    bool hello_owed, rebirth_owed, proof_owed;
    uint64_t rebirth_from;
    uint64_t gap_from, gap_to;
    uint64_t acknowledge;         /* waits for the refusals to be written */
};

struct history {                  /* of one outbox */
    uint64_t epoch, watermark, chain;
    uint64_t chains[BATCHES_MOST + 1];
    unsigned char content[BATCHES_MOST + 1];
    bool missing[BATCHES_MOST + 1]; /* written down */
};

struct store {
    struct history of[LIVES_MOST];
    unsigned char home[FILES_MOST + 1]; /* by file: the life under which it was applied, 0: not */
    uint64_t missing;                   /* files in gaps that were written down */
};

struct pending { /* in the open group */
    uint64_t seq, chain, files;
    unsigned char content; /* 0: a gap up to seq */
};

struct world {
    enum flaw flaw;
    enum complaint complaint;     /* the first one */
    int64_t now;
    uint64_t routes;
    struct collector collectors[COLLECTORS];
    bool two;                     /* a second one may come */
    bool overtaking;              /* letters of one connection may overtake each other, which TCP does not let happen */
    struct queue up;              /* to the aggregator */
    bool written[FILES_MOST + 1]; /* by file: its refusals are in the clerk's file */
    unsigned char files;
    unsigned char lives;          /* identities given out */
    uint64_t damaged;             /* files whose batch an outbox could not read any more */
    uint64_t retaken;             /* files taken again after a gap */
    uint64_t excused;             /* files that went down with a disk */
    uint64_t left_behind;         /* files in the newest backup of the aggregator that no outbox knows of any more */

    struct store store;           /* durable */
    struct store backups[BACKUPS]; /* the newest first */
    uint64_t backups_made;
    struct history ever[LIVES_MOST]; /* of committed batches, restored or not: watermark, content, gaps */
    struct session session;       /* lost with the process, and all below */
    uint64_t session_route, fenced_route;
    struct pending group[QUEUE];
    size_t group_count;
    bool owes_welcome, owes_ack, owes_nack;
    struct letter nack;
    uint64_t epoch_in_group;
    uint64_t restored, gaps, fights, seconds; /* how often */
    bool older;                   /* it was put back to an older backup than the newest */
};

static struct world world;

static void holds(bool condition, enum complaint complaint)
{
    if (!condition && world.complaint == COMPLAINT_NONE)
        world.complaint = complaint;
}

static bool refuses(unsigned char content) /* does the aggregator refuse a record of this file? */
{
    return content % 3 == 0;
}

static bool trusts_copies(void)
{
    return world.flaw == FLAW_COPY_TRUSTED || world.flaw == FLAW_TWIN_TRUSTED;
}

static uint64_t file_bit(unsigned char content)
{
    return UINT64_C(1) << content;
}

static uint64_t chain_start(unsigned char life)
{
    return mix(life);
}

static uint64_t chain_next(uint64_t before, unsigned char content)
{
    return mix(before * 31 + content);
}

static void widen(uint64_t chain, unsigned char ret_chain[SEAL_HASH])
{
    memset(ret_chain, 0, SEAL_HASH);
    memcpy(ret_chain, &chain, sizeof chain);
}

static uint64_t narrow(const unsigned char chain[SEAL_HASH])
{
    uint64_t narrow;
    memcpy(&narrow, chain, sizeof narrow);
    return narrow;
}

static void push(struct queue *queue, const struct letter *letter)
{
    holds(queue->count < QUEUE, TOO_MUCH);
    if (queue->count < QUEUE)
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

static void send_up(const struct collector *at, struct letter letter)
{
    letter.route = at->route;
    letter.session = at->sender.session;
    push(&world.up, &letter);
}

static void collector_hello(struct collector *at)
{
    const struct outbox_file *outbox = &at->outbox;
    at->hello_owed = !at->connected;
    if (at->connected)
        send_up(at, (struct letter){.kind = WIRE_HELLO, .low = outbox->low, .high = outbox->high, .acked = outbox->acked,
                                    .epoch = outbox->epoch, .life = outbox->life, .chain = outbox->chain[outbox->high]});
}

static void collector_step(struct collector *at, struct delivery_event event)
{
    struct delivery_actions actions;
    event.now_ms = world.now;
    event.random = chance();
    delivery_step(&at->sender, &event, &actions);
    if (actions.hello) {
        at->gap_to = 0;
        collector_hello(at);
    }
    if (actions.gap_to != 0) {
        at->gap_from = actions.gap_from;
        at->gap_to = actions.gap_to;
    }
    if (actions.acknowledge > at->acknowledge)
        at->acknowledge = actions.acknowledge;
    at->proof_owed = at->proof_owed || actions.prove;
    if (actions.rebirth)
        at->rebirth_from = actions.rebirth_from;
    at->rebirth_owed = at->rebirth_owed || actions.rebirth;
}

static void leave_behind(const struct outbox_file *outbox, uint64_t until)
{
    for (uint64_t seq = 1; seq <= until; seq++)
        world.left_behind |= file_bit(outbox->content[seq]);
}

/* Not taken again already? As the manifest, which knows of a file where it was cut last. */
static bool is_last_of_file(const struct outbox_file *outbox, uint64_t seq)
{
    for (uint64_t later = seq + 1; later <= outbox->high; later++)
        if (outbox->content[later] == outbox->content[seq])
            return false;
    return true;
}

/* As outbox_rebirth: what no backup is known to hold, and what the aggregator has otherwise, gets new numbers under a new
 * identity. */
static void collector_rebirth(struct collector *at)
{
    const struct outbox_file old = at->outbox;
    if (!at->rebirth_owed || at->acknowledge != 0 || world.lives + 1 == LIVES_MOST)
        return;
    at->rebirth_owed = false;
    if (world.flaw != FLAW_NOT_REBORN) {
        uint64_t behind = old.backed < old.acked && world.flaw != FLAW_FORGETFUL_REBIRTH ? old.backed : old.acked;
        if (at->rebirth_from != 0 && at->rebirth_from <= behind)
            behind = at->rebirth_from - 1;
        leave_behind(&old, behind > old.low - 1 ? behind : old.low - 1);
        at->outbox = (struct outbox_file){.life = ++world.lives, .low = 1, .epoch = old.epoch + 1, .lost = old.lost};
        at->outbox.chain[0] = chain_start(at->outbox.life);
        for (uint64_t seq = behind + 1 > old.low ? behind + 1 : old.low; seq <= old.high; seq++) {
            if (old.damaged[seq]) { /* is not signed anew; its file may be taken again */
                at->outbox.lost |= is_last_of_file(&old, seq) ? file_bit(old.content[seq]) : 0;
                continue;
            }
            const uint64_t to = ++at->outbox.high;
            at->outbox.content[to] = old.content[seq];
            at->outbox.chain[to] = chain_next(at->outbox.chain[to - 1], old.content[seq]);
        }
    }
    collector_step(at, (struct delivery_event){.kind = DELIVERY_REBORN, .low = at->outbox.low, .high = at->outbox.high});
}

/* As publisher.c: refusals are written first; then, and not always at once, the outbox is told. */
static void collector_acknowledge(struct collector *at)
{
    struct outbox_file *outbox = &at->outbox;
    const struct history *ever = &world.ever[outbox->life];
    if (at->acknowledge == 0 || one_in(3))
        return;
    holds(at->acknowledge <= ever->watermark, ACKNOWLEDGED_UNCOMMITTED);
    for (uint64_t seq = outbox->acked + 1; seq <= at->acknowledge; seq++) {
        const unsigned char file = outbox->content[seq];
        holds(ever->content[seq] == file || ever->missing[seq] || seq < outbox->low, TWO_CONTENTS);
        holds(!refuses(file) || world.written[file] || world.store.home[file] != outbox->life,
              REFUSAL_LOST); /* a repeated file refuses nothing */
    }
    if (at->acknowledge > outbox->acked)
        outbox->acked = at->acknowledge;
    at->acknowledge = 0;
}

/* As outbox_prune: what the aggregator has and a backup of it has as well. */
static void collector_prune(struct collector *at)
{
    struct outbox_file *outbox = &at->outbox;
    uint64_t until = outbox->acked;
    if (world.flaw != FLAW_PRUNED_AT_ONCE && outbox->backed < until)
        until = outbox->backed;
    if (until >= outbox->low && one_in(4))
        outbox->low = until + 1;
}

static bool is_held(const struct outbox_file *outbox, uint64_t seq)
{
    return seq >= outbox->low && seq <= outbox->high && !outbox->damaged[seq];
}

/* A batch knows its own chain and the one before, whatever became of its bytes. */
static bool chain_known(const struct outbox_file *outbox, uint64_t seq)
{
    return seq == 0 || (seq <= outbox->high && seq + 1 >= outbox->low);
}

static enum delivery_chain compare_chain(const struct outbox_file *outbox, uint64_t watermark, uint64_t chain)
{
    if (!chain_known(outbox, watermark))
        return CHAIN_UNKNOWN;
    return outbox->chain[watermark] == chain || trusts_copies() ? CHAIN_SAME : CHAIN_DIFFERS;
}

static void collector_prove(const struct collector *at, uint64_t seq)
{
    if (at->connected && chain_known(&at->outbox, seq))
        send_up(at, (struct letter){.kind = WIRE_PROOF, .seq = seq, .chain = at->outbox.chain[seq]});
}

/* As outbox_hears: the aggregator's last word on its backups. */
static void collector_hears(struct collector *at, const struct letter *letter, enum delivery_chain chain)
{
    const bool is_late = letter->kind == WIRE_ACK && letter->watermark < at->sender.watermark;
    if (letter->session != at->sender.session || is_late || chain != CHAIN_SAME)
        return;
    at->outbox.backed = letter->backed < at->outbox.acked ? letter->backed : at->outbox.acked;
}

static void keep_refusals(const struct collector *at, const struct letter *letter)
{
    if (letter->session == at->sender.session)
        for (uint64_t seq = letter->refused_from + 1; seq <= letter->refused_to && seq <= at->outbox.high; seq++)
            world.written[at->outbox.content[seq]] = true;
}

static void collector_receive(struct collector *at)
{
    struct letter letter;
    if (!pop(&at->down, &letter))
        return;
    struct delivery_event event = {.kind = DELIVERY_NACK, .session = letter.session, .watermark = letter.watermark,
                                   .credit = letter.credit, .nack = letter.nack, .first = letter.first,
                                   .retry_after_ms = 500};
    if (letter.kind == WIRE_PROVE) {
        if (letter.session == at->sender.session)
            collector_prove(at, letter.seq);
        return;
    }
    if (letter.kind != WIRE_NACK) {
        event.kind = letter.kind == WIRE_WELCOME ? DELIVERY_WELCOME : DELIVERY_ACK;
        event.chain = compare_chain(&at->outbox, letter.watermark, letter.chain);
        collector_hears(at, &letter, event.chain);
    }
    if (letter.kind == WIRE_ACK)
        keep_refusals(at, &letter);
    collector_step(at, event);
    if (letter.kind == WIRE_WELCOME && world.flaw == FLAW_WELCOME_ACKNOWLEDGES) {
        event.kind = DELIVERY_ACK;
        collector_step(at, event);
    }
    if (at->proof_owed)
        collector_prove(at, letter.watermark);
    at->proof_owed = false;
}

/* As publisher.c: what is said to be missing may be taken again. */
static void collector_gap(struct collector *at)
{
    struct outbox_file *outbox = &at->outbox;
    uint64_t files = 0;
    if (at->gap_to == 0 || at->hello_owed || !at->connected || one_in(8) || !chain_known(outbox, at->gap_to))
        return;
    for (uint64_t seq = at->gap_from; seq <= at->gap_to; seq++) {
        files |= file_bit(outbox->content[seq]);
        if (is_last_of_file(outbox, seq))
            outbox->lost |= file_bit(outbox->content[seq]);
    }
    if (!chain_known(outbox, at->gap_from - 1)) /* whether the aggregator has the same before it, nobody can tell */
        leave_behind(outbox, at->gap_from - 1);
    send_up(at, (struct letter){.kind = WIRE_GAP, .first = at->gap_from, .seq = at->gap_to,
                                .chain = outbox->chain[at->gap_to], .files = files});
    at->gap_to = 0;
}

static void find_hole(struct collector *at, uint64_t seq)
{
    uint64_t last = seq;
    while (last < at->outbox.high && at->outbox.damaged[last + 1])
        last++;
    collector_step(at, (struct delivery_event){.kind = DELIVERY_LOST, .low = seq, .high = last});
}

static void collector_send(struct collector *at)
{
    const struct outbox_file *outbox = &at->outbox;
    uint64_t seq;
    if (at->hello_owed && at->sender.link && at->connected)
        collector_hello(at);
    collector_gap(at);
    while (!at->hello_owed && at->connected && (seq = delivery_wants(&at->sender)) != 0 && !one_in(8)) {
        if (outbox->damaged[seq]) {
            find_hole(at, seq);
            return;
        }
        holds(is_held(outbox, seq), NOT_HELD_SENT);
        if (world.complaint != COMPLAINT_NONE)
            return;
        send_up(at, (struct letter){.kind = WIRE_BATCH, .seq = seq, .content = outbox->content[seq],
                                    .chain = outbox->chain[seq - 1]});
        delivery_sent(&at->sender, world.now);
        holds(at->sender.next - at->sender.watermark - 1 <= at->sender.credit || at->gap_to != 0, BEYOND_CREDIT);
    }
}

static void collector_cut_batch(struct collector *at, unsigned char file)
{
    struct outbox_file *outbox = &at->outbox;
    const uint64_t seq = ++outbox->high;
    outbox->content[seq] = file;
    outbox->chain[seq] = chain_next(outbox->chain[seq - 1], file);
    outbox->lost &= ~file_bit(file);
}

static void collector_take_file(struct collector *at)
{
    if (at->outbox.high == BATCHES_MOST)
        return;
    world.retaken |= at->outbox.lost;
    if (at->outbox.lost != 0)
        collector_cut_batch(at, (unsigned char)__builtin_ctzll(at->outbox.lost));
    else if (world.files < FILES_MOST)
        collector_cut_batch(at, ++world.files);
}

static void collector_note_outbox(struct collector *at)
{
    if (at->sender.low != at->outbox.low || at->sender.high != at->outbox.high)
        collector_step(at, (struct delivery_event){.kind = DELIVERY_HELD_NOW, .low = at->outbox.low, .high = at->outbox.high});
}

static void collector_start(struct collector *at)
{
    at->outbox.epoch++;
    at->acknowledge = at->gap_to = 0;
    at->hello_owed = at->rebirth_owed = at->proof_owed = false;
    delivery_start(&at->sender, at->outbox.low, at->outbox.high, at->outbox.acked);
}

/* ---- the aggregator ----------------------------------------------------------------------------------------------------- */

static void send_down(struct letter letter, uint64_t route)
{
    for (size_t i = 0; i < COLLECTORS; i++)
        if (world.collectors[i].connected && world.collectors[i].route == route)
            push(&world.collectors[i].down, &letter);
}

static void answer_now(const struct letter *to, enum wire_nack code, uint64_t first)
{
    send_down((struct letter){.kind = WIRE_NACK, .session = to->session, .nack = code, .first = first}, to->route);
}

static void say(const struct letter *to, const struct session_answer *answer)
{
    const bool current = world.session.active && world.session.number == to->session && world.session_route == to->route;
    if (answer->verdict == SESSION_ACK)
        world.owes_ack = true;
    else if (answer->verdict == SESSION_NACK && !current)
        answer_now(to, answer->code, answer->first);
    else if (answer->verdict == SESSION_NACK && !world.owes_nack) {
        world.nack = (struct letter){.kind = WIRE_NACK, .session = to->session, .nack = answer->code, .first = answer->first};
        world.owes_nack = true;
    }
}

static void aggregator_commit(void);

static struct history *history(unsigned char life)
{
    return &world.store.of[life];
}

static bool is_of_life(unsigned char life)
{
    return world.session.active && world.session.outbox[0] == life;
}

/* Where the stream stands, the open group included. */
static struct stream know_stream(unsigned char life)
{
    struct stream known = {.epoch = history(life)->epoch, .watermark = history(life)->watermark};
    widen(known.watermark == 0 ? chain_start(life) : history(life)->chain, known.chain);
    if (is_of_life(life)) {
        known.epoch = world.session.epoch;
        known.watermark = world.session.watermark;
        memcpy(known.chain, world.session.chain, SEAL_HASH);
    }
    if (trusts_copies())
        known.epoch = 0;
    return known;
}

static void fence(uint64_t session)
{
    send_down((struct letter){.kind = WIRE_NACK, .session = session, .nack = NACK_FENCED}, world.session_route);
    world.fenced_route = world.session_route;
    world.owes_welcome = world.owes_ack = world.owes_nack = false;
}

static void aggregator_hello(const struct letter *letter)
{
    struct session_answer answer;
    if (world.session.active && !is_of_life(letter->life))
        aggregator_commit(); /* intake.c keeps several streams in one group; here one is enough */
    const struct stream known = know_stream(letter->life);
    struct wire_hello hello = {.protocol_min = 1, .protocol_max = 1, .epoch = letter->epoch, .session = letter->session,
                               .low = letter->low, .high = letter->high, .highest_acked = letter->acked};
    memset(hello.outbox, letter->life, sizeof hello.outbox);
    widen(letter->chain, hello.chain_at_high);
    const uint64_t former = world.session.number;
    if (letter->route == world.fenced_route)
        session_returned(&world.session);
    session_hello(&world.session, &hello, &known, world.session_route == letter->route, world.now, &answer);
    world.fights += answer.fight;
    if (answer.fence_former)
        fence(former);
    if (answer.verdict == SESSION_NACK) {
        answer_now(letter, answer.code, answer.first);
        return;
    }
    world.session_route = letter->route;
    world.owes_welcome = true;
    world.owes_nack = false;
    world.owes_ack = world.session.watermark > letter->acked;
    if (answer.save_stream)
        world.epoch_in_group = letter->epoch;
}

static void add_to_group(struct pending pending)
{
    holds(world.group_count < QUEUE, TOO_MUCH);
    if (world.group_count < QUEUE)
        world.group[world.group_count++] = pending;
    world.owes_ack = true;
}

static void take(const struct letter *letter)
{
    unsigned char chain[SEAL_HASH];
    const uint64_t after = chain_next(letter->chain, letter->content);
    widen(after, chain);
    session_skipped(&world.session, letter->seq, chain); /* of a batch that fits: session_taken */
    add_to_group((struct pending){.seq = letter->seq, .chain = after, .content = letter->content});
}

static void aggregator_batch(const struct letter *letter)
{
    struct session_answer answer;
    struct wire_batch batch = {.session = letter->session, .seq = letter->seq};
    widen(letter->chain, batch.chain_before);
    session_batch(&world.session, &batch, world.session_route == letter->route, world.now, &answer);
    if (answer.verdict == SESSION_TAKE ||
        (world.flaw == FLAW_HOLES_TAKEN && answer.verdict == SESSION_NACK && answer.code == NACK_GAP_AHEAD)) {
        take(letter);
        return;
    }
    say(letter, &answer);
    if (world.flaw == FLAW_DUPLICATES_TAKEN && answer.verdict == SESSION_ACK)
        add_to_group((struct pending){.seq = letter->seq, .chain = narrow(world.session.chain), .content = letter->content});
}

static void aggregator_gap(const struct letter *letter)
{
    struct session_answer answer;
    const struct wire_gap gap = {.session = letter->session, .from = letter->first, .to = letter->seq};
    unsigned char chain[SEAL_HASH];
    session_gap(&world.session, &gap, world.session_route == letter->route, world.now, &answer);
    if (answer.verdict != SESSION_TAKE) {
        say(letter, &answer);
        return;
    }
    widen(letter->chain, chain);
    session_skipped(&world.session, letter->seq, chain);
    add_to_group((struct pending){.seq = letter->seq, .chain = letter->chain, .files = letter->files});
}

/* As store_chain_at: of what was taken, the open group included; 0 when there is none. */
static uint64_t chain_at(unsigned char life, uint64_t seq)
{
    for (size_t i = 0; i < world.group_count; i++)
        if (world.group[i].seq == seq)
            return world.group[i].chain;
    return seq <= BATCHES_MOST ? history(life)->chains[seq] : 0;
}

static void aggregator_proof(const struct letter *letter)
{
    struct session_answer answer;
    const struct wire_proof proof = {.session = letter->session, .seq = letter->seq};
    const bool is_same = chain_at(world.session.outbox[0], letter->seq) == letter->chain;
    session_proof(&world.session, &proof, is_same, world.session_route == letter->route, world.now, &answer);
    say(letter, &answer);
    if (answer.verdict == SESSION_PROVE)
        send_down((struct letter){.kind = WIRE_PROVE, .session = letter->session, .seq = answer.first}, letter->route);
}

/* False when the pipe was full: then the answer stays owed. Into a dead link everything can be sent. */
static bool tell(struct letter letter)
{
    const unsigned char life = world.session.outbox[0];
    if (one_in(10))
        return false;
    letter.session = world.session.number;
    letter.credit = (uint32_t)(chance() % (CREDIT + 1));
    letter.watermark = world.session.watermark;
    letter.chain = narrow(world.session.chain);
    letter.backed = world.backups[0].of[life].watermark;
    send_down(letter, world.session_route);
    return true;
}

static void aggregator_answer(void)
{
    if (world.owes_welcome)
        world.owes_welcome = !tell((struct letter){.kind = WIRE_WELCOME});
    if (world.owes_ack && !world.owes_welcome) {
        world.owes_ack = !tell((struct letter){.kind = WIRE_ACK, .refused_from = world.session.told,
                                               .refused_to = world.session.watermark});
        if (!world.owes_ack || world.flaw == FLAW_REFUSALS_DROPPED)
            world.session.told = world.session.watermark;
    }
    if (world.owes_nack && !one_in(10)) {
        send_down(world.nack, world.session_route);
        world.owes_nack = false;
    }
}

static void commit_gap(struct history *history, unsigned char life, const struct pending *gap)
{
    if (world.flaw != FLAW_GAP_UNRECORDED) {
        for (uint64_t seq = history->watermark + 1; seq <= gap->seq; seq++)
            history->missing[seq] = world.ever[life].missing[seq] = true;
        world.store.missing |= gap->files;
    }
    world.gaps++;
    holds(world.older || (gap->files & ~world.damaged) == 0, NEEDLESSLY_LOST); /* what may be let go is in the newest */
}

static void commit_batch(struct history *history, unsigned char life, const struct pending *batch)
{
    unsigned char *home = &world.store.home[batch->content];
    holds(batch->seq == history->watermark + 1, NUMBER_TWICE);
    history->content[batch->seq] = world.ever[life].content[batch->seq] = batch->content;
    if (*home != 0 && *home != life && world.flaw != FLAW_FILES_FORGOTTEN)
        return; /* as store_knows_file */
    /* Known limit: a gap that is filled by the other of two copies, or by a batch that was overtaken, is no gap, but its
     * files are taken again. */
    holds(*home == 0 || ((world.two || world.overtaking) && (world.retaken & file_bit(batch->content)) != 0), FILE_TWICE);
    *home = life;
}

static void aggregator_commit(void)
{
    const unsigned char life = world.session.outbox[0];
    struct history *of = history(life);
    if (world.epoch_in_group > of->epoch)
        of->epoch = world.epoch_in_group;
    for (size_t i = 0; i < world.group_count; i++) {
        const struct pending *pending = &world.group[i];
        if (pending->content == 0)
            commit_gap(of, life, pending);
        else
            commit_batch(of, life, pending);
        of->watermark = pending->seq;
        of->chain = of->chains[pending->seq] = pending->chain;
    }
    if (of->watermark > world.ever[life].watermark)
        world.ever[life].watermark = of->watermark;
    world.group_count = 0;
    world.epoch_in_group = 0;
    aggregator_answer();
}

static void forget_group(void)
{
    world.owes_welcome = world.owes_ack = world.owes_nack = false;
    world.epoch_in_group = 0;
    world.group_count = 0;
}

static void aggregator_abandon(void)
{
    if (world.flaw == FLAW_ACKNOWLEDGED_EARLY)
        aggregator_answer();
    if (world.flaw == FLAW_TORN_COMMIT && world.group_count > 0) {
        history(world.session.outbox[0])->watermark = world.session.watermark;
        history(world.session.outbox[0])->chain = narrow(world.session.chain);
    }
    if (world.session.active)
        send_down((struct letter){.kind = WIRE_NACK, .session = world.session.number, .nack = NACK_BUSY}, world.session_route);
    session_finish(&world.session);
    forget_group();
}

static void aggregator_work(bool accidents)
{
    struct letter letter;
    for (uint64_t i = chance() % 6; i > 0 && pop(&world.up, &letter); i--) {
        switch ((int)letter.kind) {
        case WIRE_HELLO: aggregator_hello(&letter); break;
        case WIRE_BATCH: aggregator_batch(&letter); break;
        case WIRE_GAP: aggregator_gap(&letter); break;
        default: aggregator_proof(&letter); break;
        }
    }
    if (accidents && one_in(12))
        aggregator_abandon();
    else
        aggregator_commit();
}

static void aggregator_kill(void)
{
    memset(&world.session, 0, sizeof world.session);
    world.session_route = world.fenced_route = 0;
    forget_group();
}

/* ---- accidents ---------------------------------------------------------------------------------------------------------- */

static void cut(struct collector *at, bool noticed)
{
    struct letter letter;
    at->connected = false;
    at->down.count = 0;
    for (size_t i = world.up.count; i > 0 && pop(&world.up, &letter); i--)
        if (letter.route != at->route)
            push(&world.up, &letter);
    if (noticed && at->sender.link)
        collector_step(at, (struct delivery_event){.kind = DELIVERY_LINK_DOWN});
}

static void join(struct collector *at)
{
    at->connected = true;
    at->route = ++world.routes;
    collector_step(at, (struct delivery_event){.kind = DELIVERY_LINK_UP});
}

static uint64_t files_in(const struct outbox_file *outbox)
{
    uint64_t files = outbox->lost;
    for (uint64_t seq = outbox->low; seq <= outbox->high; seq++)
        files |= file_bit(outbox->content[seq]);
    return files;
}

/* Its disk died and an old copy is put back: what came after it is at the aggregator or gone. */
static void restore_outbox(struct collector *at)
{
    if (!at->has_backup || world.flaw == FLAW_TWIN_TRUSTED)
        return;
    cut(at, false);
    leave_behind(&at->outbox, at->outbox.low - 1);
    world.excused |= files_in(&at->outbox) & ~files_in(&at->backup);
    at->outbox = at->backup;
    collector_start(at);
}

static void damage_batch(struct outbox_file *outbox)
{
    if (outbox->low > outbox->high)
        return;
    const uint64_t seq = outbox->low + chance() % (outbox->high - outbox->low + 1);
    outbox->damaged[seq] = true;
    world.damaged |= file_bit(outbox->content[seq]);
}

static void back_up_store(void)
{
    memmove(world.backups + 1, world.backups, sizeof world.backups - sizeof world.backups[0]);
    world.backups[0] = world.store;
    world.backups_made++;
}

static void stop_aggregator(void)
{
    aggregator_kill();
    world.up.count = 0;
    for (size_t i = 0; i < COLLECTORS; i++)
        cut(&world.collectors[i], true);
}

static void restore_store(bool older)
{
    if (world.backups_made <= older)
        return;
    stop_aggregator();
    if (older) /* and what was made since is another history */
        world.backups[0] = world.backups[1];
    world.older = world.older || older;
    world.store = world.backups[0];
    world.restored++;
}

/* One letter to the aggregator is lost, comes late, or comes late and twice. */
static void disturb(void)
{
    struct letter letter;
    if (!world.overtaking || !pop(&world.up, &letter) || one_in(3))
        return;
    push(&world.up, &letter);
    if (one_in(2))
        push(&world.up, &letter);
}

/* What comes to a collector over one connection comes in order and whole, or the connection fails: refusals rely on it.
 * But it may come twice, and what an old connection still held may come when there is a new one. */
static void repeat(struct queue *queue)
{
    if (queue->count == 0 || queue->count == QUEUE)
        return;
    const struct letter letter = queue->letters[queue->first];
    queue->first = (queue->first + QUEUE - 1) % QUEUE;
    queue->letters[queue->first] = letter;
    queue->count++;
}

static void new_outbox(struct collector *at)
{
    at->outbox = (struct outbox_file){.life = ++world.lives, .low = 1, .chain = {chain_start(world.lives)}};
}

/* Another machine gets the name, with a copy of the outbox or without. */
static void start_second(const struct collector *first, struct collector *at)
{
    if (!world.two || at->runs || world.lives + 1 == LIVES_MOST)
        return;
    at->runs = true;
    if (one_in(3))
        new_outbox(at);
    else
        at->outbox = first->outbox;
    collector_start(at);
    world.seconds++;
}

static void accident(struct collector *at)
{
    switch (chance() % 30) {
    case 0: cut(at, true); break;
    case 1: /* letters on the way are lost, the connection is a new one; nobody told the collector that it was cut */
        cut(at, false);
        join(at);
        break;
    case 2: /* kill -9 of the aggregator */
        stop_aggregator();
        break;
    case 3: /* kill -9 of the collector */
        cut(at, false);
        collector_start(at);
        break;
    case 4:
        if (one_in(4)) {
            at->backup = at->outbox;
            at->has_backup = true;
        }
        break;
    case 5:
        if (one_in(6))
            restore_outbox(at);
        break;
    case 6:
        if (one_in(2))
            back_up_store();
        break;
    case 7:
        if (one_in(6))
            restore_store(one_in(3));
        break;
    case 8: disturb(); break;
    case 9: repeat(&at->down); break;
    case 10: /* as 1, but what was on the way comes late */
        join(at);
        break;
    case 12:
        if (one_in(4))
            damage_batch(&at->outbox);
        break;
    case 11: start_second(&world.collectors[0], &world.collectors[1]); break;
    default: break;
    }
}

static void collector_work(struct collector *at, bool accidents)
{
    if (!at->connected && (!accidents || one_in(4)))
        join(at);
    collector_acknowledge(at);
    collector_prune(at);
    collector_note_outbox(at);
    collector_rebirth(at);
    if (one_in(3))
        collector_receive(at);
    collector_step(at, (struct delivery_event){.kind = DELIVERY_TIME});
    if (one_in(2))
        collector_send(at);
    if (accidents ? one_in(10) : at->outbox.lost != 0)
        collector_take_file(at);
}

static void pass_time(void)
{
    world.now += (int64_t)(chance() % (one_in(20) ? 30000 : 200));
}

static void pass_with_accidents(void)
{
    struct collector *second = &world.collectors[1];
    pass_time();
    accident(second->runs && one_in(2) ? second : &world.collectors[0]);
    for (size_t i = 0; i < COLLECTORS; i++)
        if (world.collectors[i].runs)
            collector_work(&world.collectors[i], true);
    if (one_in(2))
        aggregator_work(true);
}

/* A collector that was acknowledged everything rests until it hears that the aggregator was put back. */
static bool is_delivered(const struct collector *at)
{
    return history(at->outbox.life)->watermark >= at->outbox.high && delivery_drained(&at->sender) && at->outbox.acked == at->outbox.high &&
           (at->outbox.lost == 0 || at->outbox.high == BATCHES_MOST);
}

static void judge_end(void)
{
    const uint64_t excused = world.excused | world.store.missing | (world.older ? world.left_behind : 0);
    for (unsigned char life = 1; life <= world.lives; life++)
        for (uint64_t seq = 1; seq <= history(life)->watermark; seq++)
            holds(history(life)->content[seq] != 0 || history(life)->missing[seq], NUMBER_MISSING);
    for (unsigned char file = 1; file <= world.files; file++)
        holds(world.store.home[file] != 0 || (excused & file_bit(file)) != 0, FILE_LOST);
}

/* Only this one runs, and delivers all it has; then it is switched off. */
static void deliver_rest(struct collector *at)
{
    for (int i = 0; i < 4000 && world.complaint == COMPLAINT_NONE && !is_delivered(at); i++) {
        pass_time();
        collector_work(at, false);
        if (one_in(2))
            aggregator_work(false);
    }
    holds(is_delivered(at), NOT_ARRIVED);
    cut(at, false);
}

static enum complaint schedule(uint64_t seed, enum flaw flaw)
{
    chance_state = seed;
    memset(&world, 0, sizeof world);
    world.flaw = flaw;
    world.two = seed % 4 == 0;
    world.overtaking = seed % 2 == 1;
    world.collectors[0].runs = true;
    new_outbox(&world.collectors[0]);
    collector_start(&world.collectors[0]);
    for (int i = 0; i < 400 && world.complaint == COMPLAINT_NONE; i++)
        pass_with_accidents();
    for (size_t i = COLLECTORS; i-- > 1;)
        cut(&world.collectors[i], false);
    for (size_t i = 0; i < COLLECTORS; i++)
        if (world.collectors[i].runs)
            deliver_rest(&world.collectors[i]);
    judge_end();
    return world.complaint;
}

static void show(uint64_t seed)
{
    printf("\n    SUANPAN_SEED=%" PRIu64 ": %s", seed, complaints[world.complaint]);
    for (const struct collector *at = world.collectors; at < world.collectors + COLLECTORS && at->runs; at++)
        printf("; state %d hold %d outbox %d low %" PRIu64 " high %" PRIu64 " acked %" PRIu64 " committed %" PRIu64,
               (int)at->sender.state, (int)at->sender.hold, at->outbox.life, at->outbox.low, at->outbox.high,
               at->outbox.acked, history(at->outbox.life)->watermark);
    printf("\n");
}

static void whatever_happens_everything_arrives_once(void)
{
    const char *wanted = getenv("SUANPAN_SEED"), *many = getenv("SUANPAN_SCHEDULES");
    const char *tier = getenv("SUANPAN_TIER");
    const uint64_t usual = tier != NULL && strcmp(tier, "nightly") == 0 ? 10000000 : 100000;
    const uint64_t schedules = wanted != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : usual;
    const uint64_t first = wanted != NULL ? strtoull(wanted, NULL, 10) : 1;
    uint64_t files = 0, lives = 0, restored = 0, gaps = 0, seconds = 0, fights = 0;
    for (uint64_t seed = first; seed < first + schedules; seed++) {
        if (schedule(seed, FLAW_NONE) != COMPLAINT_NONE) {
            show(seed);
            CU_FAIL("the protocol broke its word");
            return;
        }
        files += world.files;
        lives += world.lives - 1u;
        restored += world.restored;
        gaps += world.gaps;
        seconds += world.seconds;
        fights += world.fights;
    }
    printf("\n    %" PRIu64 " schedules, %" PRIu64 " files, %" PRIu64 " rebirths, %" PRIu64 " restores, %" PRIu64
           " gaps, %" PRIu64 " second collectors, %" PRIu64 " fights ",
           schedules, files, lives, restored, gaps, seconds, fights);
    CU_ASSERT(wanted != NULL || files > schedules); /* the world was not empty, */
    CU_ASSERT(wanted != NULL || lives > schedules / 100); /* outboxes were born again in it, */
    CU_ASSERT(wanted != NULL || restored > schedules / 10); /* the aggregator was put back, */
    CU_ASSERT(wanted != NULL || gaps > schedules / 100); /* batches were missing, */
    CU_ASSERT(wanted != NULL || seconds > schedules / 10); /* and two collectors had one name */
}

/* ---- controls: the world notices ------------------------------------------------------------------------------------------ */

/* The fault shows as this complaint within so many schedules. */
static void finds(enum flaw flaw, enum complaint complaint)
{
    enum { CONTROL_SCHEDULES = 2000 };
    for (uint64_t seed = 1; seed <= CONTROL_SCHEDULES; seed++)
        if (schedule(seed, flaw) == complaint) {
            printf("\n    schedule %" PRIu64 ": %s ", seed, complaints[complaint]);
            return;
        }
    printf("\n    not found in %d schedules: %s ", (int)CONTROL_SCHEDULES, complaints[complaint]);
    CU_FAIL("a seeded fault was not found");
}

static void an_answer_before_the_commit_is_found(void)
{
    finds(FLAW_ACKNOWLEDGED_EARLY, ACKNOWLEDGED_UNCOMMITTED);
}

static void a_duplicate_that_is_stored_again_is_found(void)
{
    finds(FLAW_DUPLICATES_TAKEN, NUMBER_TWICE);
}

static void a_batch_stored_behind_a_hole_is_found(void)
{
    finds(FLAW_HOLES_TAKEN, NUMBER_TWICE);
}

static void a_watermark_kept_of_a_group_rolled_back_is_found(void)
{
    finds(FLAW_TORN_COMMIT, NUMBER_MISSING);
}

static void a_file_not_known_again_after_a_rebirth_is_found(void)
{
    finds(FLAW_FILES_FORGOTTEN, FILE_TWICE);
}

static void refusals_that_never_went_out_are_found(void)
{
    finds(FLAW_REFUSALS_DROPPED, REFUSAL_LOST);
}

static void a_welcome_taken_for_an_acknowledgement_is_found(void)
{
    finds(FLAW_WELCOME_ACKNOWLEDGES, REFUSAL_LOST);
}

static void a_restored_outbox_that_is_trusted_is_found(void)
{
    finds(FLAW_COPY_TRUSTED, TWO_CONTENTS);
}

static void two_copies_of_an_outbox_that_are_trusted_are_found(void)
{
    finds(FLAW_TWIN_TRUSTED, TWO_CONTENTS);
}

static void a_restored_outbox_that_keeps_its_identity_is_found(void)
{
    finds(FLAW_NOT_REBORN, NOT_ARRIVED);
}

static void a_rebirth_that_leaves_behind_what_is_in_no_backup_is_found(void)
{
    finds(FLAW_FORGETFUL_REBIRTH, FILE_LOST);
}

static void an_outbox_that_lets_go_of_what_is_in_no_backup_is_found(void)
{
    finds(FLAW_PRUNED_AT_ONCE, NEEDLESSLY_LOST);
}

static void a_gap_that_is_not_written_down_is_found(void)
{
    finds(FLAW_GAP_UNRECORDED, NUMBER_MISSING);
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

static void an_outbox_from_a_backup_offers_what_the_aggregator_does_not_have(void)
{
    delivery_start(&one, 1, 5, 4);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    nack(NACK_STALE_EPOCH, 3); /* it was restored as well, to before what it acknowledged */
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 3);
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
    CU_ASSERT_EQUAL(does.rebirth_from, 1);
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
    CU_ASSERT_EQUAL(does.rebirth_from, 2); /* all that is missing there, acknowledged once or not */
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
        SENTENCE(an_outbox_from_a_backup_offers_what_the_aggregator_does_not_have),
        SENTENCE(where_another_history_parts_is_asked_for_before_rebirth),
        SENTENCE(each_refusal_of_the_whole_holds_in_its_way),
        SENTENCE(a_bad_batch_is_tried_three_times_and_no_more),
        SENTENCE(a_busy_aggregator_is_left_alone_as_long_as_it_asks),
        SENTENCE(greetings_without_an_answer_come_ever_more_slowly),
        SENTENCE(whatever_happens_everything_arrives_once),
        SENTENCE(an_answer_before_the_commit_is_found),
        SENTENCE(a_duplicate_that_is_stored_again_is_found),
        SENTENCE(a_batch_stored_behind_a_hole_is_found),
        SENTENCE(a_watermark_kept_of_a_group_rolled_back_is_found),
        SENTENCE(a_file_not_known_again_after_a_rebirth_is_found),
        SENTENCE(refusals_that_never_went_out_are_found),
        SENTENCE(a_welcome_taken_for_an_acknowledgement_is_found),
        SENTENCE(a_restored_outbox_that_is_trusted_is_found),
        SENTENCE(two_copies_of_an_outbox_that_are_trusted_are_found),
        SENTENCE(a_restored_outbox_that_keeps_its_identity_is_found),
        SENTENCE(a_rebirth_that_leaves_behind_what_is_in_no_backup_is_found),
        SENTENCE(an_outbox_that_lets_go_of_what_is_in_no_backup_is_found),
        SENTENCE(a_gap_that_is_not_written_down_is_found),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("delivery", sentences, ARRAY_LEN(sentences));
}
