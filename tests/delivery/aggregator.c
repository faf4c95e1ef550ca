/* aggregator.c - the aggregator of the world: its store, and what intake.c does around session.c. */
#include "world.h"

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

struct history *history(unsigned char life)
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
        return; /* as store_knows */
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

void aggregator_work(bool accidents)
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

void aggregator_kill(void)
{
    memset(&world.session, 0, sizeof world.session);
    world.session_route = world.fenced_route = 0;
    forget_group();
}
