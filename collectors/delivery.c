/* delivery.c - see delivery.h for the picture.
 *
 * Every wait is doubled with each fruitless attempt and spread by a quarter, so that a thousand districts do not knock in
 * step after a power cut. The first waits are short: a clerk who starts a collector by hand should not notice them. */
#include "delivery.h"

#include <string.h>

enum {
    GREETING_MS = 2000,         /* patience for a WELCOME, doubled up to ... */
    GREETING_MOST_MS = 60000,
    RETRY_MS = 200,             /* pause before greeting again after a refusal that may pass, doubled up to ... */
    RETRY_MOST_MS = 30000,
    ACK_MS = 20000,             /* patience for an ACK while batches are out */
    ALIVE_MS = 20000,           /* sign of life while there is nothing to send */
    THROTTLED_MS = 2000,        /* asks for credit again */
    PARTING_MS = 30000,         /* patience for what the aggregator finds out */
    HOLD_MS = 60000,
    HOLD_LONG_MS = 600000,
    HOLD_PROTOCOL_MS = 3600000, /* an upgrade takes its time */
    STRIKES = 3,
};

static int64_t doubled(int64_t base, int64_t most, uint32_t times)
{
    while (times-- > 0 && base < most)
        base *= 2;
    return base < most ? base : most;
}

static int64_t spread(int64_t wait, uint64_t random)
{
    return wait + (int64_t)(random % (uint64_t)(wait / 4 + 1));
}

void delivery_start(struct sender *sender, uint64_t low, uint64_t high, uint64_t acked)
{
    memset(sender, 0, sizeof *sender);
    sender->state = DELIVERY_APART;
    sender->low = low;
    sender->high = high;
    sender->acked = acked;
    sender->due = INT64_MAX;
}

static void hold(struct sender *sender, const struct delivery_event *event, enum delivery_hold why, int64_t wait)
{
    sender->state = DELIVERY_HELD;
    sender->hold = why;
    sender->asked = false;
    sender->due = sender->hold_until = event->now_ms + spread(wait, event->random);
}

/* The history differs: no number of this outbox may be used again. */
static void hold_for_rebirth(struct sender *sender, const struct delivery_event *event, enum delivery_hold why,
                             uint64_t from, struct delivery_actions *ret_actions)
{
    hold(sender, event, why, HOLD_LONG_MS);
    ret_actions->rebirth = sender->rebirths < DELIVERY_REBIRTHS;
    ret_actions->rebirth_from = from;
}

/* The aggregator is asked where the histories part; one that does not answer is not waited for. */
static void part(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    hold(sender, event, HOLD_PARTING, PARTING_MS);
    ret_actions->prove = true;
}

/* A new session: what was said in the one before no longer counts, the WELCOME tells where things stand. */
static void greet(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    sender->state = DELIVERY_GREETING;
    sender->hold = HOLD_NOTHING;
    sender->asked = false;
    sender->gap_from = sender->gap_to = 0;
    sender->gap_told = false;
    sender->session = event->random | 1;
    sender->due = event->now_ms + spread(doubled(GREETING_MS, GREETING_MOST_MS, sender->attempts), event->random);
    if (sender->attempts < UINT32_MAX)
        sender->attempts++;
    ret_actions->hello = true;
}

/* Greets after a pause: nothing is sent meanwhile. */
static void greet_later(struct sender *sender, const struct delivery_event *event, int64_t wait)
{
    sender->state = DELIVERY_THROTTLED;
    sender->asked = true; /* so that time running out greets */
    sender->due = event->now_ms + wait;
}

static bool outstanding(const struct sender *sender)
{
    return sender->next > sender->watermark + 1;
}

static void settle(struct sender *sender, const struct delivery_event *event)
{
    sender->credit = event->credit;
    sender->asked = false;
    sender->state = event->credit > 0 ? DELIVERY_STREAMING : DELIVERY_THROTTLED;
    sender->due = event->now_ms + spread(event->credit == 0      ? THROTTLED_MS
                                           : outstanding(sender) ? ACK_MS
                                                                   : ALIVE_MS,
                                           event->random);
}

/* True when watermark and chain fit to what is held; otherwise holds. */
static bool fits(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (event->chain == CHAIN_DIFFERS)
        part(sender, event, ret_actions);
    else if (event->watermark > sender->high)
        hold_for_rebirth(sender, event, HOLD_BEHIND, 0, ret_actions);
    else
        return true;
    return false;
}

/* What the aggregator needs next and is not held is a gap; it is said when all before it is committed, so that it is exact. */
static void heed_gap(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (sender->watermark < sender->high && sender->watermark + 1 < sender->low && sender->gap_to + 1 < sender->low) {
        sender->gap_from = sender->watermark + 1;
        sender->gap_to = sender->low - 1;
        sender->gap_told = false;
    }
    if (sender->gap_to != 0 && sender->watermark >= sender->gap_to)
        sender->gap_from = sender->gap_to = 0;
    if (sender->gap_to == 0 || sender->gap_told || sender->watermark + 1 < sender->gap_from)
        return;
    sender->gap_told = true;
    ret_actions->gap_from = sender->watermark + 1;
    ret_actions->gap_to = sender->gap_to;
    sender->next = sender->gap_to + 1;
    sender->due = event->now_ms + spread(ACK_MS, event->random);
}

static void welcome(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (sender->state == DELIVERY_APART || sender->state == DELIVERY_HELD || !fits(sender, event, ret_actions))
        return;
    if (sender->state == DELIVERY_GREETING) {
        sender->watermark = event->watermark;
        sender->next = event->watermark + 1;
        sender->attempts = 0;
    } else if (event->watermark > sender->watermark) { /* answer to a sign of life */
        sender->watermark = event->watermark;
        if (sender->next <= event->watermark)
            sender->next = event->watermark + 1;
    }
    settle(sender, event);
    heed_gap(sender, event, ret_actions);
}

static void acknowledged(struct sender *sender, const struct delivery_event *event,
                         struct delivery_actions *ret_actions)
{
    if (sender->state != DELIVERY_STREAMING && sender->state != DELIVERY_THROTTLED)
        return;
    if (event->watermark >= sender->watermark) {
        if (!fits(sender, event, ret_actions))
            return;
        if (event->watermark > sender->watermark)
            sender->strikes = 0;
        sender->watermark = event->watermark;
        if (sender->next <= event->watermark)
            sender->next = event->watermark + 1;
        if (event->watermark > sender->acked)
            sender->acked = ret_actions->acknowledge = event->watermark;
    }
    settle(sender, event);
    heed_gap(sender, event, ret_actions);
}

/* Refused in a way that may pass: a few more tries. Then what is missing there is chained and signed anew, which mends all
 * but contents that cannot be read: those a person has to look at. */
static void strike(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (++sender->strikes >= STRIKES && event->nack != NACK_MALFORMED)
        hold_for_rebirth(sender, event, HOLD_BAD_BATCH, sender->watermark + 1, ret_actions);
    else if (sender->strikes >= STRIKES)
        hold(sender, event, HOLD_BAD_BATCH, HOLD_LONG_MS);
    else
        greet_later(sender, event, spread(doubled(RETRY_MS, RETRY_MOST_MS, sender->strikes), event->random));
}

static void refused(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (sender->hold == HOLD_PARTING && event->nack == NACK_BAD_CHAIN) /* here the histories part */
        hold_for_rebirth(sender, event, HOLD_FORK, event->first, ret_actions);
    if (sender->state == DELIVERY_APART || sender->state == DELIVERY_HELD)
        return;
    switch (event->nack) {
    case NACK_GAP_AHEAD: /* go back to what is expected; anything else than a number of ours needs a WELCOME */
        if (sender->state != DELIVERY_GREETING && event->first > sender->watermark && event->first <= sender->next &&
            !sender->gap_told)
            sender->next = event->first;
        else
            greet(sender, event, ret_actions);
        break;
    case NACK_UNKNOWN_OUTBOX: /* the aggregator started anew */
        if (sender->attempts < 2)
            greet(sender, event, ret_actions);
        else
            greet_later(sender, event,
                        spread(doubled(RETRY_MS, RETRY_MOST_MS, sender->attempts), event->random));
        break;
    case NACK_BUSY: {
        const int64_t wait = event->retry_after_ms < 100      ? 100
                             : event->retry_after_ms > 600000 ? 600000
                                                              : (int64_t)event->retry_after_ms;
        greet_later(sender, event, spread(wait, event->random));
        break;
    }
    case NACK_BAD_CHAIN:
    case NACK_BAD_SIGNATURE:
    case NACK_MALFORMED: strike(sender, event, ret_actions); break;
    case NACK_FENCED: hold(sender, event, HOLD_FENCED, HOLD_MS); break;
    case NACK_REVOKED: hold(sender, event, HOLD_REVOKED, HOLD_MS); break;
    case NACK_PROTOCOL: hold(sender, event, HOLD_PROTOCOL, HOLD_PROTOCOL_MS); break;
    case NACK_STALE_EPOCH: /* says where the aggregator goes on */
        hold_for_rebirth(sender, event, HOLD_STALE_EPOCH, event->first, ret_actions);
        break;
    }
}

static void time_passed(struct sender *sender, const struct delivery_event *event,
                        struct delivery_actions *ret_actions)
{
    if (event->now_ms < sender->due)
        return;
    switch (sender->state) {
    case DELIVERY_APART: sender->due = INT64_MAX; break;
    case DELIVERY_GREETING: greet(sender, event, ret_actions); break;
    case DELIVERY_STREAMING:
    case DELIVERY_THROTTLED:
        if (sender->asked || outstanding(sender)) { /* no answer in time */
            greet(sender, event, ret_actions);
        } else {
            sender->asked = true;
            sender->due = event->now_ms + spread(GREETING_MS * 5, event->random);
            ret_actions->hello = true; /* same session: a sign of life, and the question for credit */
        }
        break;
    case DELIVERY_HELD:
        if (sender->hold == HOLD_PARTING)
            hold_for_rebirth(sender, event, HOLD_FORK, 1, ret_actions); /* it may be anywhere */
        else if (sender->link)
            greet(sender, event, ret_actions);
        else
            sender->due = INT64_MAX;
        break;
    }
}

static void link_changed(struct sender *sender, const struct delivery_event *event, bool up,
                         struct delivery_actions *ret_actions)
{
    sender->link = up;
    if (sender->state == DELIVERY_HELD && sender->hold != HOLD_PARTING && event->now_ms < sender->hold_until)
        return;
    if (up) {
        greet(sender, event, ret_actions);
    } else {
        sender->state = DELIVERY_APART;
        sender->due = INT64_MAX;
    }
}

static void reborn(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    const uint32_t rebirths = sender->rebirths + 1;
    const bool link = sender->link;
    delivery_start(sender, event->low, event->high, 0);
    sender->rebirths = rebirths;
    sender->link = link;
    if (link)
        greet(sender, event, ret_actions);
}

static void lost(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (sender->state != DELIVERY_STREAMING || event->high < event->low || event->high > sender->high)
        return;
    sender->gap_from = event->low;
    sender->gap_to = event->high;
    sender->gap_told = false;
    heed_gap(sender, event, ret_actions);
}

void delivery_step(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    *ret_actions = (struct delivery_actions){0};
    switch (event->kind) {
    case DELIVERY_TIME: time_passed(sender, event, ret_actions); break;
    case DELIVERY_LINK_UP: link_changed(sender, event, true, ret_actions); break;
    case DELIVERY_LINK_DOWN: link_changed(sender, event, false, ret_actions); break;
    case DELIVERY_HELD_NOW:
        sender->low = event->low;
        sender->high = event->high;
        break;
    case DELIVERY_WELCOME:
        if (event->session == sender->session)
            welcome(sender, event, ret_actions);
        break;
    case DELIVERY_ACK:
        if (event->session == sender->session)
            acknowledged(sender, event, ret_actions);
        break;
    case DELIVERY_NACK:
        if (event->session == sender->session)
            refused(sender, event, ret_actions);
        break;
    case DELIVERY_LOST: lost(sender, event, ret_actions); break;
    case DELIVERY_REBORN: reborn(sender, event, ret_actions); break;
    }
}

uint64_t delivery_window(const struct sender *sender)
{
    if (sender->state != DELIVERY_STREAMING || sender->next > sender->high || sender->next < sender->low ||
        (sender->gap_to != 0 && sender->next >= sender->gap_from))
        return 0;
    const uint64_t out = sender->next - sender->watermark - 1, held = sender->high - sender->next + 1;
    const uint64_t allowed = out < sender->credit ? sender->credit - out : 0;
    return allowed < held ? allowed : held;
}

uint64_t delivery_wants(const struct sender *sender)
{
    return delivery_window(sender) > 0 ? sender->next : 0;
}

void delivery_sent(struct sender *sender, int64_t now_ms)
{
    if (!outstanding(sender)) {
        sender->due = now_ms + ACK_MS;
        sender->asked = false;
    }
    sender->next++;
}

bool delivery_drained(const struct sender *sender)
{
    const bool in_session = sender->state == DELIVERY_STREAMING || sender->state == DELIVERY_THROTTLED;
    return sender->low > sender->high ||
           (sender->acked >= sender->high && (!in_session || sender->watermark >= sender->high));
}
