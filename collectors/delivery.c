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

void delivery_start(struct delivery *delivery, uint64_t low, uint64_t high, uint64_t acked)
{
    memset(delivery, 0, sizeof *delivery);
    delivery->state = DELIVERY_APART;
    delivery->low = low;
    delivery->high = high;
    delivery->acked = acked;
    delivery->due = INT64_MAX;
}

static void hold(struct delivery *delivery, const struct delivery_event *event, enum delivery_hold why, int64_t wait)
{
    delivery->state = DELIVERY_HELD;
    delivery->hold = why;
    delivery->asked = false;
    delivery->due = delivery->hold_until = event->now_ms + spread(wait, event->random);
}

/* The history differs: no number of this outbox may be used again. */
static void hold_for_rebirth(struct delivery *delivery, const struct delivery_event *event, enum delivery_hold why,
                             struct delivery_actions *ret_actions)
{
    hold(delivery, event, why, HOLD_LONG_MS);
    ret_actions->rebirth = delivery->rebirths < DELIVERY_REBIRTHS;
}

/* A new session: what was said in the one before no longer counts, the WELCOME tells where things stand. */
static void greet(struct delivery *delivery, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    delivery->state = DELIVERY_GREETING;
    delivery->hold = HOLD_NOTHING;
    delivery->asked = false;
    delivery->session = event->random | 1;
    delivery->due = event->now_ms + spread(doubled(GREETING_MS, GREETING_MOST_MS, delivery->attempts), event->random);
    if (delivery->attempts < UINT32_MAX)
        delivery->attempts++;
    ret_actions->hello = true;
}

/* Greets after a pause: nothing is sent meanwhile. */
static void greet_later(struct delivery *delivery, const struct delivery_event *event, int64_t wait)
{
    delivery->state = DELIVERY_THROTTLED;
    delivery->asked = true; /* so that time running out greets */
    delivery->due = event->now_ms + wait;
}

static bool outstanding(const struct delivery *delivery)
{
    return delivery->next > delivery->watermark + 1;
}

static void settle(struct delivery *delivery, const struct delivery_event *event)
{
    delivery->credit = event->credit;
    delivery->asked = false;
    delivery->state = event->credit > 0 ? DELIVERY_STREAMING : DELIVERY_THROTTLED;
    delivery->due = event->now_ms + spread(event->credit == 0      ? THROTTLED_MS
                                           : outstanding(delivery) ? ACK_MS
                                                                   : ALIVE_MS,
                                           event->random);
}

/* True when watermark and chain fit to what is held; otherwise holds. */
static bool fits(struct delivery *delivery, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (event->chain == CHAIN_DIFFERS)
        hold_for_rebirth(delivery, event, HOLD_FORK, ret_actions);
    else if (event->watermark > delivery->high)
        hold_for_rebirth(delivery, event, HOLD_BEHIND, ret_actions);
    else if (event->watermark < delivery->high && event->watermark + 1 < delivery->low)
        hold(delivery, event, HOLD_GAP, HOLD_LONG_MS);
    else
        return true;
    return false;
}

static void welcome(struct delivery *delivery, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (delivery->state == DELIVERY_APART || delivery->state == DELIVERY_HELD || !fits(delivery, event, ret_actions))
        return;
    if (delivery->state == DELIVERY_GREETING) {
        delivery->watermark = event->watermark;
        delivery->next = event->watermark + 1;
        delivery->attempts = 0;
    } else if (event->watermark > delivery->watermark) { /* answer to a sign of life */
        delivery->watermark = event->watermark;
        if (delivery->next <= event->watermark)
            delivery->next = event->watermark + 1;
    }
    settle(delivery, event);
}

static void acknowledged(struct delivery *delivery, const struct delivery_event *event,
                         struct delivery_actions *ret_actions)
{
    if (delivery->state != DELIVERY_STREAMING && delivery->state != DELIVERY_THROTTLED)
        return;
    if (event->watermark >= delivery->watermark) {
        if (!fits(delivery, event, ret_actions))
            return;
        if (event->watermark > delivery->watermark)
            delivery->strikes = 0;
        delivery->watermark = event->watermark;
        if (delivery->next <= event->watermark)
            delivery->next = event->watermark + 1;
        if (event->watermark > delivery->acked)
            delivery->acked = ret_actions->acknowledge = event->watermark;
    }
    settle(delivery, event);
}

/* Refused in a way that may pass: a few more tries, then a person has to look. */
static void strike(struct delivery *delivery, const struct delivery_event *event)
{
    if (++delivery->strikes >= STRIKES)
        hold(delivery, event, HOLD_BAD_BATCH, HOLD_LONG_MS);
    else
        greet_later(delivery, event, spread(doubled(RETRY_MS, RETRY_MOST_MS, delivery->strikes), event->random));
}

static void refused(struct delivery *delivery, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    if (delivery->state == DELIVERY_APART || delivery->state == DELIVERY_HELD)
        return;
    switch (event->nack) {
    case NACK_GAP_AHEAD: /* go back to what is expected; anything else than a number of ours needs a WELCOME */
        if (delivery->state != DELIVERY_GREETING && event->first > delivery->watermark && event->first <= delivery->next)
            delivery->next = event->first;
        else
            greet(delivery, event, ret_actions);
        break;
    case NACK_UNKNOWN_OUTBOX: /* the aggregator started anew */
        if (delivery->attempts < 2)
            greet(delivery, event, ret_actions);
        else
            greet_later(delivery, event,
                        spread(doubled(RETRY_MS, RETRY_MOST_MS, delivery->attempts), event->random));
        break;
    case NACK_BUSY: {
        const int64_t wait = event->retry_after_ms < 100      ? 100
                             : event->retry_after_ms > 600000 ? 600000
                                                              : (int64_t)event->retry_after_ms;
        greet_later(delivery, event, spread(wait, event->random));
        break;
    }
    case NACK_BAD_CHAIN:
        if (delivery->state == DELIVERY_GREETING) /* it compared the chains of the HELLO */
            hold_for_rebirth(delivery, event, HOLD_FORK, ret_actions);
        else
            strike(delivery, event);
        break;
    case NACK_BAD_SIGNATURE:
    case NACK_MALFORMED: strike(delivery, event); break;
    case NACK_FENCED: hold(delivery, event, HOLD_FENCED, HOLD_MS); break;
    case NACK_REVOKED: hold(delivery, event, HOLD_REVOKED, HOLD_MS); break;
    case NACK_PROTOCOL: hold(delivery, event, HOLD_PROTOCOL, HOLD_PROTOCOL_MS); break;
    case NACK_STALE_EPOCH: hold_for_rebirth(delivery, event, HOLD_STALE_EPOCH, ret_actions); break;
    }
}

static void time_passed(struct delivery *delivery, const struct delivery_event *event,
                        struct delivery_actions *ret_actions)
{
    if (event->now_ms < delivery->due)
        return;
    switch (delivery->state) {
    case DELIVERY_APART: delivery->due = INT64_MAX; break;
    case DELIVERY_GREETING: greet(delivery, event, ret_actions); break;
    case DELIVERY_STREAMING:
    case DELIVERY_THROTTLED:
        if (delivery->asked || outstanding(delivery)) { /* no answer in time */
            greet(delivery, event, ret_actions);
        } else {
            delivery->asked = true;
            delivery->due = event->now_ms + spread(GREETING_MS * 5, event->random);
            ret_actions->hello = true; /* same session: a sign of life, and the question for credit */
        }
        break;
    case DELIVERY_HELD:
        if (delivery->link)
            greet(delivery, event, ret_actions);
        else
            delivery->due = INT64_MAX;
        break;
    }
}

static void link_changed(struct delivery *delivery, const struct delivery_event *event, bool up,
                         struct delivery_actions *ret_actions)
{
    delivery->link = up;
    if (delivery->state == DELIVERY_HELD && event->now_ms < delivery->hold_until)
        return;
    if (up) {
        greet(delivery, event, ret_actions);
    } else {
        delivery->state = DELIVERY_APART;
        delivery->due = INT64_MAX;
    }
}

static void reborn(struct delivery *delivery, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    const uint32_t rebirths = delivery->rebirths + 1;
    const bool link = delivery->link;
    delivery_start(delivery, event->low, event->high, 0);
    delivery->rebirths = rebirths;
    delivery->link = link;
    if (link)
        greet(delivery, event, ret_actions);
}

void delivery_step(struct delivery *delivery, const struct delivery_event *event, struct delivery_actions *ret_actions)
{
    ret_actions->hello = false;
    ret_actions->acknowledge = 0;
    ret_actions->rebirth = false;
    switch (event->kind) {
    case DELIVERY_TIME: time_passed(delivery, event, ret_actions); break;
    case DELIVERY_LINK_UP: link_changed(delivery, event, true, ret_actions); break;
    case DELIVERY_LINK_DOWN: link_changed(delivery, event, false, ret_actions); break;
    case DELIVERY_HELD_NOW:
        delivery->low = event->low;
        delivery->high = event->high;
        break;
    case DELIVERY_WELCOME:
        if (event->session == delivery->session)
            welcome(delivery, event, ret_actions);
        break;
    case DELIVERY_ACK:
        if (event->session == delivery->session)
            acknowledged(delivery, event, ret_actions);
        break;
    case DELIVERY_NACK:
        if (event->session == delivery->session)
            refused(delivery, event, ret_actions);
        break;
    case DELIVERY_LOST: hold(delivery, event, HOLD_GAP, HOLD_LONG_MS); break;
    case DELIVERY_REBORN: reborn(delivery, event, ret_actions); break;
    }
}

uint64_t delivery_wants(const struct delivery *delivery)
{
    if (delivery->state != DELIVERY_STREAMING || delivery->next > delivery->high || delivery->next < delivery->low)
        return 0;
    return delivery->next - delivery->watermark - 1 < delivery->credit ? delivery->next : 0;
}

void delivery_sent(struct delivery *delivery, int64_t now_ms)
{
    if (!outstanding(delivery)) {
        delivery->due = now_ms + ACK_MS;
        delivery->asked = false;
    }
    delivery->next++;
}

bool delivery_drained(const struct delivery *delivery)
{
    const bool in_session = delivery->state == DELIVERY_STREAMING || delivery->state == DELIVERY_THROTTLED;
    return delivery->low > delivery->high ||
           (delivery->acked >= delivery->high && (!in_session || delivery->watermark >= delivery->high));
}
