/* world.c - see world.h. */
#include "world.h"

struct world world;

/* ---- chance --------------------------------------------------------------------------------------------------------- */

static uint64_t chance_state;

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t chance(void) /* splitmix64 */
{
    return mix(chance_state += UINT64_C(0x9E3779B97F4A7C15));
}

bool one_in(uint64_t n)
{
    return !world.scripted && chance() % n == 0;
}

uint64_t draw(uint64_t n)
{
    return world.scripted ? n - 1 : chance() % n;
}

const char *const complaints[] = {
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
    [SPOILT_STORED] = "a batch is stored that is not what was signed",
    [UNPROVEN] = "a batch is stored that no signature proves",
    [BEYOND_CREDIT] = "more is under way than was allowed",
    [TOO_MUCH] = "the world is too small",
};

void holds(bool condition, enum complaint complaint)
{
    if (!condition && world.complaint == COMPLAINT_NONE)
        world.complaint = complaint;
}

bool refuses(unsigned char content) /* does the aggregator refuse a record of this file? */
{
    return content % 3 == 0;
}

bool trusts_copies(void)
{
    return world.flaw == FLAW_COPY_TRUSTED || world.flaw == FLAW_TWIN_TRUSTED;
}

uint64_t file_bit(unsigned char content)
{
    return UINT64_C(1) << content;
}

uint64_t chain_start(unsigned char life)
{
    return mix(life);
}

uint64_t chain_next(uint64_t before, unsigned char content)
{
    return mix(before * 31 + content);
}

uint64_t sign(uint64_t chain, unsigned agent)
{
    return mix(chain ^ mix(world.keys[agent] * AGENTS + agent + 1));
}

void push(struct queue *queue, const struct letter *letter)
{
    holds(queue->count < QUEUE, TOO_MUCH);
    if (queue->count < QUEUE)
        queue->letters[(queue->first + queue->count++) % QUEUE] = *letter;
}

bool pop(struct queue *queue, struct letter *ret_letter)
{
    if (queue->count == 0)
        return false;
    *ret_letter = queue->letters[queue->first];
    queue->first = (queue->first + 1) % QUEUE;
    queue->count--;
    return true;
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

void join(struct collector *at)
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
void restore_outbox(struct collector *at)
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

/* A letter to the aggregator carries something else than was signed. */
static void spoil(void)
{
    struct queue *up = &world.up;
    if (up->count == 0)
        return;
    struct letter *letter = &up->letters[(up->first + chance() % up->count) % QUEUE];
    if (letter->count > 0)
        letter->contents[chance() % letter->count] |= SPOILT;
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

static void start_first(struct collector *at, unsigned char agent)
{
    at->runs = true;
    at->agent = agent;
    new_outbox(at);
    collector_start(at);
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

static void kill_collector(struct collector *at)
{
    cut(at, false);
    collector_start(at);
}

/* What is signed with the former one nobody can check any more. A collector reads its key when it starts. */
static void change_key(unsigned char agent)
{
    world.keys[agent]++;
    for (size_t i = 0; i < COLLECTORS; i++)
        if (world.collectors[i].runs && world.collectors[i].agent == agent)
            kill_collector(&world.collectors[i]);
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
    case 3: kill_collector(at); break;
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
    case 13: spoil(); break;
    case 14: /* a file by a catalogue that the aggregator does not have yet */
        world.unreadable |= file_bit((unsigned char)(1 + (world.files + chance() % 3) % FILES_MOST));
        break;
    case 15: world.unreadable = 0; break;
    case 16:
        if (one_in(8))
            change_key(at->agent);
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
    struct collector *struck = &world.collectors[chance() % COLLECTORS];
    pass_time();
    accident(struck->runs ? struck : &world.collectors[0]);
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

/* A signature is over the chain, so the next one proves all that the chain leads through; over a gap it does not lead. */
static bool is_proven(const struct history *history, uint64_t seq)
{
    while (seq < history->watermark && !history->proven[seq] && history->content[seq] != 0)
        seq++;
    return history->proven[seq];
}

static void judge_end(void)
{
    const uint64_t excused = world.excused | world.store.missing | (world.older ? world.left_behind : 0);
    for (unsigned char life = 1; life <= world.lives; life++)
        for (uint64_t seq = 1; seq <= history(life)->watermark; seq++) {
            holds(history(life)->content[seq] != 0 || history(life)->missing[seq], NUMBER_MISSING);
            holds(history(life)->content[seq] == 0 || is_proven(history(life), seq), UNPROVEN);
        }
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

static enum complaint deliver_all(void)
{
    for (size_t i = 0; i < COLLECTORS; i++)
        if (world.collectors[i].runs)
            deliver_rest(&world.collectors[i]);
    judge_end();
    return world.complaint;
}

void script_begin(enum flaw flaw)
{
    memset(&world, 0, sizeof world);
    world.flaw = flaw;
    world.scripted = world.runs = true;
    world.now = 1;
    start_first(&world.collectors[0], 0);
    start_first(&world.collectors[COLLECTORS - 1], 1);
}

enum complaint script_end(void)
{
    world.scripted = false;
    return deliver_all();
}

enum complaint schedule(uint64_t seed, enum flaw flaw)
{
    chance_state = seed;
    memset(&world, 0, sizeof world);
    world.flaw = flaw;
    world.two = seed % 4 == 0;
    world.overtaking = seed % 2 == 1;
    world.runs = seed % 3 != 0;
    start_first(&world.collectors[0], 0);
    if (seed / 4 % 2 == 1)
        start_first(&world.collectors[COLLECTORS - 1], 1);
    for (int i = 0; i < 400 && world.complaint == COMPLAINT_NONE; i++)
        pass_with_accidents();
    world.unreadable = 0;
    for (size_t i = COLLECTORS; i-- > 1;)
        cut(&world.collectors[i], false);
    return deliver_all();
}

void show(uint64_t seed)
{
    printf("\n    SUANPAN_SEED=%" PRIu64 ": %s", seed, complaints[world.complaint]);
    for (const struct collector *at = world.collectors; at < world.collectors + COLLECTORS; at++)
        if (at->runs)
            printf("; state %d hold %d outbox %d low %" PRIu64 " high %" PRIu64 " acked %" PRIu64 " committed %" PRIu64,
                   (int)at->sender.state, (int)at->sender.hold, at->outbox.life, at->outbox.low, at->outbox.high,
                   at->outbox.acked, history(at->outbox.life)->watermark);
    printf("\n");
}
