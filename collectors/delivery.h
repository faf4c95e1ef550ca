/* delivery.h - the collector's end of the delivery protocol as a pure state machine: event in, actions out. No clock, no
 * socket, no file, so that a simulator can drive it through millions of schedules; publisher.c is its driver.
 *
 *            link up                 WELCOME, credit > 0
 *   APART ────────────> GREETING ────────────────────────> STREAMING <──> THROTTLED (credit 0, aggregator busy)
 *     ^                    │ ^                                 │  │
 *     │ link down (any)    │ └───── no answer in time ─────────┘  │
 *     └────────────────────┤                                      │ refused for a reason that needs a person
 *                          └──────────> HELD <────────────────────┘ (tries again after a long while)
 *
 * Batches are sent in order from the aggregator's watermark + 1, at most `credit` of them unacknowledged (go-back-N).
 * Batches that are no longer held (the aggregator was restored from a backup older than what was let go; a row of the
 * outbox is damaged) are said to be a GAP, once everything before them is committed; the aggregator writes down what is
 * missing and delivery goes on behind it.
 *
 * Only an ACK acknowledges: a WELCOME carries no refusals, so taking its watermark for an acknowledgement would lose
 * the refusals of an ACK that got lost. Sequence numbers are never skipped and never given out here.
 *
 * An outbox whose history differs from what the aggregator has of it came out of a backup. Its numbers must not be used
 * again: they would be taken for duplicates. It is HELD and asks for rebirth: a new identity for what no backup of the
 * aggregator holds, and for what it says not to have, acknowledged or not. Where two histories of one outbox part, the
 * aggregator finds out (PROOF, PROVE ... NACK BAD_CHAIN with the first batch that differs); when it does not, everything
 * held is offered anew. Files that arrived under the old identity are known there by their hash and count once. */
#ifndef COLLECTORS_DELIVERY_H
#define COLLECTORS_DELIVERY_H

#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

enum delivery_state {
    DELIVERY_APART,     /* no link */
    DELIVERY_GREETING,  /* HELLO is out, or has to go out */
    DELIVERY_STREAMING,
    DELIVERY_THROTTLED, /* welcome, but no batch may be sent just now */
    DELIVERY_HELD,      /* does not move until somebody acts; tries again at `due` */
};

/* Why it is HELD. */
enum delivery_hold {
    HOLD_NOTHING,
    HOLD_FENCED,        /* another collector of this name took over */
    HOLD_REVOKED,
    HOLD_PROTOCOL,
    HOLD_STALE_EPOCH,   /* this outbox was seen in a later life: it came out of a backup; rebirth */
    HOLD_BEHIND,        /* the aggregator holds more of this outbox than the outbox itself; rebirth */
    HOLD_PARTING,       /* the same number names other bytes there; the aggregator looks for the first such batch */
    HOLD_FORK,          /* it was found, or could not be; rebirth */
    HOLD_BAD_BATCH,     /* chain, signature or contents were refused three times running; the former two: rebirth */
};

/* How the aggregator's chain at its watermark compares with ours at that number. */
enum delivery_chain { CHAIN_SAME, CHAIN_DIFFERS, CHAIN_UNKNOWN };

enum delivery_event_kind {
    DELIVERY_TIME,      /* time has passed */
    DELIVERY_LINK_UP,
    DELIVERY_LINK_DOWN,
    DELIVERY_HELD_NOW,  /* low, high: what the outbox holds changed */
    DELIVERY_WELCOME,   /* session, watermark, credit, chain */
    DELIVERY_ACK,       /* session, watermark, credit, chain */
    DELIVERY_NACK,      /* session, nack, first, retry_after_ms */
    DELIVERY_LOST,      /* low, high: these batches are no longer held */
    DELIVERY_REBORN,    /* low, high: the outbox has a new identity */
};

struct delivery_event {
    enum delivery_event_kind kind;
    int64_t now_ms;
    uint64_t random; /* any bits; for session numbers and jitter */
    uint64_t session;
    uint64_t low, high;
    uint64_t watermark;
    uint32_t credit;
    enum delivery_chain chain;
    enum wire_nack nack;
    uint64_t first;
    uint32_t retry_after_ms;
};

struct delivery_actions {
    bool hello;           /* send HELLO with delivery.session (delivery_greeted tells that it went out) */
    uint64_t acknowledge; /* 0, or: everything up to here is committed at the aggregator */
    bool prove;           /* send PROOF of our chain at the watermark that was told: histories differ */
    uint64_t gap_from, gap_to; /* 0, or: send GAP */
    bool rebirth;         /* give the outbox a new identity, then DELIVERY_REBORN; what no backup holds is offered anew,
                           * and in any case batches from rebirth_from on (0: nothing to add) */
    uint64_t rebirth_from;
};

#define DELIVERY_REBIRTHS 3 /* in the life of a process; more of them are a mistake that only a person can find */

struct sender {
    enum delivery_state state;
    enum delivery_hold hold;
    bool link;
    bool asked;            /* STREAMING or THROTTLED: a HELLO as sign of life is out and not answered */
    uint64_t session;      /* random, never 0 once greeted */
    uint64_t low, high;    /* held; low > high when none */
    uint64_t acked;        /* highest ever acknowledged */
    uint64_t watermark;    /* aggregator's, in this session */
    uint64_t next;         /* next batch to send */
    uint64_t gap_from, gap_to; /* no longer held and needed there; 0: nothing */
    bool gap_told;         /* in this session */
    uint32_t credit;
    uint32_t attempts;     /* greetings without a WELCOME */
    uint32_t strikes;      /* bad batches without progress */
    uint32_t rebirths;
    int64_t due;           /* next moment at which DELIVERY_TIME does something */
    int64_t hold_until;    /* HELD also across a new link */
};

void delivery_start(struct sender *sender, uint64_t low, uint64_t high, uint64_t acked);
void delivery_step(struct sender *sender, const struct delivery_event *event, struct delivery_actions *ret_actions);
/* The batch to send now, 0 when none. */
uint64_t delivery_wants(const struct sender *sender);
/* So many batches from there on may go out together. */
uint64_t delivery_window(const struct sender *sender);
/* Batch delivery_wants() went out. */
void delivery_sent(struct sender *sender, int64_t now_ms);
/* The aggregator has everything that is held, as far as this session or an earlier one knows. */
bool delivery_drained(const struct sender *sender);

#endif
