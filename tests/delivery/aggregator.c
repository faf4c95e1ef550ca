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

/* The first one says where to go back to. */
static void owe_nack(struct peer *peer, uint64_t session, enum wire_nack code, uint64_t first)
{
    if (!peer->owes_nack)
        peer->nack = (struct letter){.kind = WIRE_NACK, .session = session, .nack = code, .first = first};
    peer->owes_nack = true;
}

static void say(struct peer *peer, const struct letter *to, const struct session_answer *answer)
{
    const bool current = peer->session.active && peer->session.number == to->session && peer->route == to->route;
    if (answer->verdict == SESSION_ACK)
        peer->owes_ack = true;
    else if (answer->verdict == SESSION_NACK && !current)
        answer_now(to, answer->code, answer->first);
    else if (answer->verdict == SESSION_NACK)
        owe_nack(peer, to->session, answer->code, answer->first);
}

struct history *history(unsigned char life)
{
    return &world.store.of[life];
}

/* Where the stream stands, the open group included. */
static struct stream know_stream(const struct peer *peer, unsigned char life)
{
    const struct history *stored = history(life);
    struct stream known = {.epoch = stored->epoch, .watermark = stored->watermark};
    widen(known.watermark == 0 ? chain_start(life) : stored->chain, known.chain);
    if (world.group_epochs[life] > known.epoch)
        known.epoch = world.group_epochs[life];
    for (size_t i = 0; i < world.group_count; i++)
        if (world.group[i].life == life) {
            known.watermark = world.group[i].seq;
            widen(world.group[i].chain, known.chain);
        }
    if (peer->session.active && peer->session.outbox[0] == life) {
        known.epoch = peer->session.epoch;
        known.watermark = peer->session.watermark;
        memcpy(known.chain, peer->session.chain, SEAL_HASH);
    }
    if (trusts_copies())
        known.epoch = 0;
    return known;
}

static void fence(struct peer *peer, uint64_t session)
{
    send_down((struct letter){.kind = WIRE_NACK, .session = session, .nack = NACK_FENCED}, peer->route);
    peer->fenced_route = peer->route;
    peer->owes_welcome = peer->owes_ack = peer->owes_nack = false;
}

static void on_hello(struct peer *peer, const struct letter *letter)
{
    struct session_answer answer;
    const struct stream known = know_stream(peer, letter->life);
    struct wire_hello hello = {.protocol_min = 1, .protocol_max = 1, .epoch = letter->epoch, .session = letter->session,
                               .low = letter->low, .high = letter->high, .highest_acked = letter->acked};
    memset(hello.outbox, letter->life, sizeof hello.outbox);
    widen(letter->chain, hello.chain_at_high);
    const uint64_t former = peer->session.number;
    if (letter->route == peer->fenced_route)
        session_returned(&peer->session);
    session_hello(&peer->session, &hello, &known, peer->route == letter->route, world.now, &answer);
    world.fights += answer.fight;
    if (answer.fence_former)
        fence(peer, former);
    if (answer.verdict == SESSION_NACK) {
        answer_now(letter, answer.code, answer.first);
        return;
    }
    peer->route = letter->route;
    peer->owes_welcome = true;
    peer->owes_nack = false;
    peer->owes_ack = peer->session.watermark > letter->acked;
    if (answer.save_stream)
        world.group_epochs[letter->life] = letter->epoch;
}

static void add_to_group(struct peer *peer, struct pending pending)
{
    pending.life = peer->session.outbox[0];
    holds(world.group_count < QUEUE, TOO_MUCH);
    if (world.group_count < QUEUE)
        world.group[world.group_count++] = pending;
    peer->owes_ack = true;
}

static void take(struct peer *peer, uint64_t seq, unsigned char content, uint64_t after, bool proven)
{
    unsigned char chain[SEAL_HASH];
    widen(after, chain);
    session_skipped(&peer->session, seq, chain); /* of a batch that fits: session_taken */
    add_to_group(peer, (struct pending){.seq = seq, .chain = after, .content = content, .proven = proven});
}

static void refuse(struct peer *peer, const struct letter *letter, enum wire_nack code, uint64_t seq)
{
    session_refused(&peer->session);
    owe_nack(peer, letter->session, code, seq);
}

static bool is_readable(unsigned char content)
{
    return (world.unreadable & file_bit(content & (SPOILT - 1))) == 0;
}

/* It is not taken because it waits for a catalogue, or because nobody can read it. */
static void refuse_unreadable(struct peer *peer, const struct letter *letter, uint64_t seq, unsigned char content)
{
    refuse(peer, letter, content % 2 == 0 ? NACK_BUSY : NACK_MALFORMED, seq);
}

/* One batch of the letter, after `chain`. */
static void on_batch(struct peer *peer, const struct letter *letter, unsigned char at, uint64_t chain)
{
    struct session_answer answer;
    const unsigned char content = letter->contents[at];
    const uint64_t seq = letter->seq + at, after = chain_next(chain, content);
    struct wire_batch batch = {.session = letter->session, .seq = seq};
    widen(chain, batch.chain_before);
    session_batch(&peer->session, &batch, peer->route == letter->route, world.now, &answer);
    if (answer.verdict == SESSION_TAKE ||
        (world.flaw == FLAW_HOLES_TAKEN && answer.verdict == SESSION_NACK && answer.code == NACK_GAP_AHEAD)) {
        if (letter->signatures[at] != sign(after, (unsigned)letter->agent))
            refuse(peer, letter, NACK_BAD_SIGNATURE, seq);
        else if (!is_readable(content))
            refuse_unreadable(peer, letter, seq, content);
        else
            take(peer, seq, content, after, true);
        return;
    }
    say(peer, letter, &answer);
    if (world.flaw == FLAW_DUPLICATES_TAKEN && answer.verdict == SESSION_ACK)
        add_to_group(peer, (struct pending){.seq = seq, .chain = narrow(peer->session.chain), .content = content,
                                            .proven = true});
}

static bool is_signed(const struct letter *letter, unsigned char at, const uint64_t *chains)
{
    return letter->signatures[at] == sign(chains[at + 1], (unsigned)letter->agent);
}

/* As take_run in intake_batch.c: from `first` on, the last signature being good, up to a bad batch, before which one with
 * a good signature of its own has to stand. */
static void take_run(struct peer *peer, const struct letter *letter, unsigned char first, const uint64_t *chains)
{
    unsigned char fit = first, end;
    while (fit < letter->count && is_readable(letter->contents[fit]))
        fit++;
    for (end = fit; end < letter->count && end > first && world.flaw != FLAW_RUN_END_UNSIGNED; end--)
        if (is_signed(letter, (unsigned char)(end - 1), chains))
            break;
    for (unsigned char i = first; i < end; i++)
        take(peer, letter->seq + i, letter->contents[i], chains[i + 1],
             i + 1 == end && (end == letter->count || world.flaw != FLAW_RUN_END_UNSIGNED));
    world.cut_runs += end > first && end < letter->count;
    if (end < fit)
        refuse(peer, letter, NACK_BAD_SIGNATURE, letter->seq + end);
    else if (end < letter->count)
        refuse_unreadable(peer, letter, letter->seq + end, letter->contents[end]);
    for (unsigned char i = (unsigned char)(end + 1); i < letter->count && world.flaw == FLAW_RUN_BEHIND_BAD; i++)
        take(peer, letter->seq + i, letter->contents[i], chains[i + 1], true);
}

static void on_run(struct peer *peer, const struct letter *letter)
{
    const struct session *session = &peer->session;
    const unsigned char last = (unsigned char)(letter->count - 1);
    uint64_t chains[RUN_MOST + 1] = {letter->chain};
    if (!session->active || session->number != letter->session || letter->seq > session->watermark + 1 ||
        letter->seq + last <= session->watermark) { /* nothing of it will be taken: one answer is enough */
        on_batch(peer, letter, last, letter->chain);
        return;
    }
    for (unsigned char i = 0; i < letter->count; i++)
        chains[i + 1] = chain_next(chains[i], letter->contents[i]);
    unsigned char first = (unsigned char)(session->watermark + 1 - letter->seq);
    const bool fits = chains[first] == narrow(session->chain);
    if (fits && (letter->signatures[last] == sign(chains[letter->count], (unsigned)letter->agent) ||
                 world.flaw == FLAW_RUN_UNCHECKED)) {
        take_run(peer, letter, world.flaw == FLAW_RUN_REPEATED ? 0 : first, chains);
        return;
    }
    for (; first < letter->count; first++)
        on_batch(peer, letter, first, chains[first]);
}

static void on_gap(struct peer *peer, const struct letter *letter)
{
    struct session_answer answer;
    const struct wire_gap gap = {.session = letter->session, .from = letter->first, .to = letter->seq};
    unsigned char chain[SEAL_HASH];
    session_gap(&peer->session, &gap, peer->route == letter->route, world.now, &answer);
    if (answer.verdict != SESSION_TAKE) {
        say(peer, letter, &answer);
        return;
    }
    widen(letter->chain, chain);
    session_skipped(&peer->session, letter->seq, chain);
    add_to_group(peer, (struct pending){.seq = letter->seq, .chain = letter->chain, .files = letter->files});
}

/* As store_chain_at: of what was taken, the open group included; 0 when there is none. */
static uint64_t chain_at(unsigned char life, uint64_t seq)
{
    for (size_t i = 0; i < world.group_count; i++)
        if (world.group[i].life == life && world.group[i].seq == seq)
            return world.group[i].chain;
    return seq <= BATCHES_MOST ? history(life)->chains[seq] : 0;
}

static void on_proof(struct peer *peer, const struct letter *letter)
{
    struct session_answer answer;
    const struct wire_proof proof = {.session = letter->session, .seq = letter->seq};
    const bool is_same = chain_at(peer->session.outbox[0], letter->seq) == letter->chain;
    session_proof(&peer->session, &proof, is_same, peer->route == letter->route, world.now, &answer);
    say(peer, letter, &answer);
    if (answer.verdict == SESSION_PROVE)
        send_down((struct letter){.kind = WIRE_PROVE, .session = letter->session, .seq = answer.first}, letter->route);
}

/* False when the pipe was full: then the answer stays owed. Into a dead link everything can be sent. */
static bool tell(const struct peer *peer, struct letter letter)
{
    const unsigned char life = peer->session.outbox[0];
    if (one_in(10))
        return false;
    letter.session = peer->session.number;
    letter.credit = (uint32_t)draw(CREDIT + 1);
    letter.watermark = peer->session.watermark;
    letter.chain = narrow(peer->session.chain);
    letter.backed = world.backups[0].of[life].watermark;
    send_down(letter, peer->route);
    return true;
}

static void answer(struct peer *peer)
{
    if (peer->owes_welcome)
        peer->owes_welcome = !tell(peer, (struct letter){.kind = WIRE_WELCOME});
    if (peer->owes_ack && !peer->owes_welcome) {
        peer->owes_ack = !tell(peer, (struct letter){.kind = WIRE_ACK, .refused_from = peer->session.told,
                                                     .refused_to = peer->session.watermark});
        if (!peer->owes_ack || world.flaw == FLAW_REFUSALS_DROPPED)
            peer->session.told = peer->session.watermark;
    }
    if (peer->owes_nack && !one_in(10)) {
        send_down(peer->nack, peer->route);
        peer->owes_nack = false;
    }
}

static void answer_all(void)
{
    for (size_t i = 0; i < AGENTS; i++)
        answer(&world.peers[i]);
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
    holds((batch->content & SPOILT) == 0, SPOILT_STORED);
    holds(batch->seq == history->watermark + 1, NUMBER_TWICE);
    if (world.complaint != COMPLAINT_NONE)
        return;
    unsigned char *home = &world.store.home[batch->content];
    history->content[batch->seq] = world.ever[life].content[batch->seq] = batch->content;
    history->proven[batch->seq] = batch->proven;
    if (*home != 0 && *home != life && world.flaw != FLAW_FILES_FORGOTTEN)
        return; /* as store_knows */
    /* Known limit: a gap that is filled by the other of two copies, or by a batch that was overtaken, is no gap, but its
     * files are taken again. */
    holds(*home == 0 || ((world.two || world.overtaking) && (world.retaken & file_bit(batch->content)) != 0), FILE_TWICE);
    *home = life;
}

static void commit_pending(const struct pending *pending)
{
    struct history *of = history(pending->life), *ever = &world.ever[pending->life];
    if (pending->content == 0)
        commit_gap(of, pending->life, pending);
    else
        commit_batch(of, pending->life, pending);
    of->watermark = pending->seq;
    of->chain = of->chains[pending->seq] = pending->chain;
    if (of->watermark > ever->watermark)
        ever->watermark = of->watermark;
}

static void clear_group(void)
{
    memset(world.group_epochs, 0, sizeof world.group_epochs);
    world.group_count = 0;
    for (size_t i = 0; i < AGENTS; i++)
        world.peers[i].touched = false;
}

static void aggregator_commit(void)
{
    for (size_t life = 0; life < LIVES_MOST; life++)
        if (world.group_epochs[life] > world.store.of[life].epoch)
            world.store.of[life].epoch = world.group_epochs[life];
    for (size_t i = 0; i < world.group_count; i++)
        commit_pending(&world.group[i]);
    world.shared_groups += world.peers[0].touched && world.peers[1].touched && world.group_count > 1;
    clear_group();
    answer_all();
}

static void abandon(struct peer *peer)
{
    if (!peer->touched && !peer->owes_welcome)
        return;
    if (peer->session.active)
        send_down((struct letter){.kind = WIRE_NACK, .session = peer->session.number, .nack = NACK_BUSY}, peer->route);
    session_finish(&peer->session);
    peer->owes_welcome = peer->owes_ack = peer->owes_nack = false;
}

/* The group could not be committed: nothing of it happened, and every session it touched ends. */
static void aggregator_abandon(void)
{
    if (world.flaw == FLAW_ACKNOWLEDGED_EARLY)
        answer_all();
    for (size_t i = 0; i < world.group_count && world.flaw == FLAW_TORN_COMMIT; i++) {
        history(world.group[i].life)->watermark = world.group[i].seq;
        history(world.group[i].life)->chain = world.group[i].chain;
    }
    for (size_t i = 0; i < AGENTS; i++)
        if (i == 0 || world.flaw != FLAW_OTHERS_GO_ON)
            abandon(&world.peers[i]);
    clear_group();
}

void aggregator_hear(const struct letter *letter)
{
    struct peer *peer = &world.peers[letter->agent];
    peer->touched = true;
    switch ((int)letter->kind) {
    case WIRE_HELLO: on_hello(peer, letter); break;
    case WIRE_BATCH: on_batch(peer, letter, 0, letter->chain); break;
    case WIRE_RUN: on_run(peer, letter); break;
    case WIRE_GAP: on_gap(peer, letter); break;
    default: on_proof(peer, letter); break;
    }
}

void aggregator_end_group(bool fails)
{
    if (fails)
        aggregator_abandon();
    else
        aggregator_commit();
}

void aggregator_work(bool accidents)
{
    struct letter letter;
    for (uint64_t i = chance() % 6; i > 0 && pop(&world.up, &letter); i--)
        aggregator_hear(&letter);
    aggregator_end_group(accidents && one_in(12));
}

void aggregator_kill(void)
{
    memset(world.peers, 0, sizeof world.peers);
    clear_group();
}
