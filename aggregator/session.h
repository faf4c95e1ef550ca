/* session.h - the aggregator's end of the delivery protocol for one agent, as a pure state machine: event in, answer out.
 * No clock, no socket, no store, so that a simulator can drive it against collectors/delivery.h; intake.c is its driver.
 *
 *              HELLO accepted              BATCH fits: TAKE, then session_taken
 *   no session ──────────────> ACTIVE ─────────────────────────────────────────> ACTIVE (watermark + 1, in the open group)
 *        ^                       │
 *        └───────────────────────┘ BYE, group rolled back, key revoked, another outbox took over
 *
 *        │ HELLO: too many take-overs
 *        v
 *      HELD: every HELLO is refused until SESSION_TAKEOVER_MS have passed
 *
 * The watermark here runs ahead of the disk while a group is open; whoever drives it says nothing to the agent before
 * the commit, and calls session_finish when the group was rolled back: the next HELLO starts from the store again. */
#ifndef AGGREGATOR_SESSION_H
#define AGGREGATOR_SESSION_H

#include "store.h"
#include "wire.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_TAKEOVERS 3          /* take-overs by another outbox ... */
#define SESSION_TAKEOVER_MS 600000   /* ... in so long are a fight of two collectors, not a new outbox */
#define SESSION_SILENT_MS 70000      /* no word for so long: not connected */

struct session {
    bool active;
    uint64_t number;                 /* random, chosen by the collector */
    unsigned char outbox[16];
    uint64_t epoch;
    uint64_t watermark;              /* in the open group */
    unsigned char chain[SEAL_HASH];  /* at the watermark */
    uint64_t told;                   /* refusals up to here were sent */
    uint64_t high;                   /* highest batch the collector is known to hold */
    uint64_t low;                    /* lowest batch the collector held at its HELLO */
    bool gap_told;                   /* one NACK for all that is in flight behind a gap */
    bool seeking;                    /* the collector's history differs from ours; looked for is where they part: */
    uint64_t agree, differ, asked;   /* after `agree`, at or before `differ`; the chain at `asked` was asked for */
    bool returned;                   /* the next HELLO comes from a collector that lost the session and is still there */
    int64_t held_until;              /* two collectors fought for the agent */
    int64_t last_seen;
    int64_t takeovers[SESSION_TAKEOVERS]; /* moments of the last ones, newest first */
};

enum session_verdict {
    SESSION_IGNORE,  /* say nothing */
    SESSION_WELCOME, /* accepted: WELCOME, and an ACK when watermark > told */
    SESSION_TAKE,    /* fits: check the signature, store, session_taken */
    SESSION_ACK,     /* a duplicate: acknowledge again */
    SESSION_NACK,    /* code, first, detail */
    SESSION_PROVE,   /* ask for the chain at `first` */
};

struct session_answer {
    enum session_verdict verdict;
    enum wire_nack code;
    uint64_t first;
    enum message detail; /* why: for the collector and for logs */
    bool fence_former;   /* the collector at the former route lost its session: NACK_FENCED */
    bool save_stream;    /* the stream is new or its epoch grew: store it in the group */
    bool fight;          /* from now on HELD: both collectors are refused */
    bool regression;     /* the collector was once acknowledged more than is stored: restored from a backup? */
};

/* known: the stored stream of (agent, outbox) as the open group sees it; for a new outbox watermark 0, epoch 0 and the
 * chain's start. same_route: it came over the connection of the current session. */
void session_hello(struct session *session, const struct wire_hello *hello, const struct stream *known, bool same_route,
                   int64_t now_ms, struct session_answer *ret_answer);
void session_batch(struct session *session, const struct wire_batch *batch, bool same_route, int64_t now_ms,
                   struct session_answer *ret_answer);
/* What the collector no longer holds. SESSION_TAKE only when it begins right behind the watermark: what is held here no
 * word of an agent takes away. */
void session_gap(struct session *session, const struct wire_gap *gap, bool same_route, int64_t now_ms,
                 struct session_answer *ret_answer);
/* The collector's chain at a batch, compared with ours there (false too when we have none). The first, unasked, says that
 * the one at the watermark differs; ends in NACK_BAD_CHAIN with the first batch that differs. */
void session_proof(struct session *session, const struct wire_proof *proof, bool is_same, bool same_route, int64_t now_ms,
                   struct session_answer *ret_answer);
/* The next HELLO comes over a connection that was fenced and still stands: two collectors are running. */
void session_returned(struct session *session);
/* The batch at watermark + 1 went into the group; chain: after it. */
void session_taken(struct session *session, const unsigned char chain[SEAL_HASH]);
/* The gap up to `to` was written in the group; chain: the agent's after it. */
void session_skipped(struct session *session, uint64_t to, const unsigned char chain[SEAL_HASH]);
/* A batch that fitted was refused (signature, contents): those in flight behind it get no NACK of their own. */
void session_refused(struct session *session);
void session_finish(struct session *session);
/* The clock was set back by so much: moments of the session follow it. */
void session_clock_back(struct session *session, int64_t by_ms);
uint64_t session_backlog(const struct session *session);

#endif
