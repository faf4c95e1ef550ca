/* collector.c - a collector of the world: its outbox, and what publisher.c does around delivery.c. */
#include "world.h"

static void send_up(const struct collector *at, struct letter letter)
{
    letter.route = at->route;
    letter.agent = at->agent;
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

void collector_step(struct collector *at, struct delivery_event event)
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

void leave_behind(const struct outbox_file *outbox, uint64_t until)
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

/* The next batch: numbered, chained and signed. */
static void collector_seal(struct collector *at, unsigned char file)
{
    struct outbox_file *outbox = &at->outbox;
    const uint64_t seq = ++outbox->high;
    outbox->content[seq] = file;
    outbox->chain[seq] = chain_next(outbox->chain[seq - 1], file);
    outbox->signature[seq] = sign(outbox->chain[seq], at->agent);
}

/* As outbox_rebirth: what no backup is known to hold, and what the aggregator has otherwise, gets new numbers under a new
 * identity. */
void collector_rebirth(struct collector *at)
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
            collector_seal(at, old.content[seq]);
        }
    }
    collector_step(at, (struct delivery_event){.kind = DELIVERY_REBORN, .low = at->outbox.low, .high = at->outbox.high});
}

/* As publisher.c: refusals are written first; then, and not always at once, the outbox is told. */
void collector_acknowledge(struct collector *at)
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
void collector_prune(struct collector *at)
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

void collector_receive(struct collector *at)
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

/* As publisher_send.c: what is said to be missing may be taken again. */
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

/* As gather in publisher_send.c: batch seq and some that follow it, as far as they can be read. */
static struct letter gather(const struct collector *at, uint64_t seq, uint64_t most)
{
    const struct outbox_file *outbox = &at->outbox;
    struct letter letter = {.kind = WIRE_BATCH, .seq = seq, .chain = outbox->chain[seq - 1]};
    const uint64_t wanted = 1 + (most > 1 ? draw(most) : 0);
    while (letter.count < wanted && !outbox->damaged[seq + letter.count]) {
        letter.contents[letter.count] = outbox->content[seq + letter.count];
        letter.signatures[letter.count] = outbox->signature[seq + letter.count];
        letter.count++;
    }
    if (letter.count > 1)
        letter.kind = WIRE_RUN;
    return letter;
}

void collector_send(struct collector *at)
{
    const struct outbox_file *outbox = &at->outbox;
    uint64_t seq;
    if (at->hello_owed && at->sender.link && at->connected)
        collector_hello(at);
    collector_gap(at);
    while (!at->hello_owed && at->connected && (seq = delivery_wants(&at->sender)) != 0 && !one_in(8)) {
        const uint64_t window = delivery_window(&at->sender), most = world.runs ? RUN_MOST : 1;
        if (outbox->damaged[seq]) {
            find_hole(at, seq);
            return;
        }
        const struct letter letter = gather(at, seq, window < most ? window : most);
        holds(is_held(outbox, seq) && seq + letter.count - 1 <= outbox->high, NOT_HELD_SENT);
        if (world.complaint != COMPLAINT_NONE)
            return;
        send_up(at, letter);
        for (unsigned char i = 0; i < letter.count; i++)
            delivery_sent(&at->sender, world.now);
        holds(at->sender.next - at->sender.watermark - 1 <= at->sender.credit || at->gap_to != 0, BEYOND_CREDIT);
    }
}

static void collector_cut_batch(struct collector *at, unsigned char file)
{
    collector_seal(at, file);
    at->outbox.lost &= ~file_bit(file);
}

void collector_take_file(struct collector *at)
{
    if (at->outbox.high == BATCHES_MOST)
        return;
    world.retaken |= at->outbox.lost;
    if (at->outbox.lost != 0)
        collector_cut_batch(at, (unsigned char)__builtin_ctzll(at->outbox.lost));
    else if (world.files < FILES_MOST)
        collector_cut_batch(at, ++world.files);
}

void collector_note_outbox(struct collector *at)
{
    if (at->sender.low != at->outbox.low || at->sender.high != at->outbox.high)
        collector_step(at, (struct delivery_event){.kind = DELIVERY_HELD_NOW, .low = at->outbox.low, .high = at->outbox.high});
}

void collector_start(struct collector *at)
{
    at->outbox.epoch++;
    at->acknowledge = at->gap_to = 0;
    at->hello_owed = at->rebirth_owed = at->proof_owed = false;
    delivery_start(&at->sender, at->outbox.low, at->outbox.high, at->outbox.acked);
}
