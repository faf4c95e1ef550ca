/* world.h - a world of accidents, drawn from a seed, for both ends of the delivery protocol: collectors/delivery.c and
 * aggregator/session.c as they are shipped, driven here as publisher.c and intake.c drive them. world.c has the accidents and
 * judges, collector.c and aggregator.c are the two drivers. Nothing else of the two programs is needed, so millions of
 * schedules can be tried. */
#ifndef TESTS_DELIVERY_WORLD_H
#define TESTS_DELIVERY_WORLD_H

#include "delivery.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILES_MOST = 63,
    BATCHES_MOST = 100,
    LIVES_MOST = 32,
    QUEUE = 256,
    CREDIT = 4,
    RUN_MOST = 4, /* batches in one message */
    BACKUPS = 2,
    AGENTS = 2,
    COLLECTORS = 3, /* two of the first agent's name, one of the second's */
    SPOILT = 0x80,  /* contents that are not what was signed */
};

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
    FLAW_RUN_UNCHECKED,        /* nobody looks at the signature that covers a run */
    FLAW_RUN_END_UNSIGNED,     /* what stands before a bad batch of a run is stored without a signature of its own */
    FLAW_RUN_BEHIND_BAD,       /* a run goes on behind a bad batch */
    FLAW_RUN_REPEATED,         /* a run is taken from its start, whatever of it is there already */
    FLAW_OTHERS_GO_ON,         /* a group is rolled back, and the sessions of all but one of its agents do not know */
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
    SPOILT_STORED,
    UNPROVEN,
    BEYOND_CREDIT,
    TOO_MUCH, /* the world is too small */
};

extern const char *const complaints[];

/* ---- the world -------------------------------------------------------------------------------------------------------- */

struct letter { /* a message, whichever */
    enum wire_kind kind;
    uint64_t route, agent, session, seq, watermark, low, high, acked, epoch, first, backed;
    uint64_t chain; /* at high, before the batch, at the watermark, behind the gap, at seq */
    uint64_t files; /* GAP: a bit each */
    unsigned char life;
    unsigned char count, contents[RUN_MOST]; /* BATCH and RUN */
    uint64_t signatures[RUN_MOST];
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
    uint64_t signature[BATCHES_MOST + 1]; /* with the key of its day */
    bool damaged[BATCHES_MOST + 1]; /* its bytes do not fit their chain any more */
    uint64_t lost;                /* files that a gap took: may be taken again */
};

struct collector {
    bool runs;
    unsigned char agent;
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
    bool proven[BATCHES_MOST + 1];  /* a signature of its own that was checked is stored */
};

struct store {
    struct history of[LIVES_MOST];
    unsigned char home[FILES_MOST + 1]; /* by file: the life under which it was applied, 0: not */
    uint64_t missing;                   /* files in gaps that were written down */
};

struct pending { /* in the open group */
    uint64_t seq, chain, files;
    unsigned char life, content; /* content 0: a gap up to seq */
    bool proven;
};

struct peer { /* what the aggregator knows of an agent in memory */
    struct session session;
    uint64_t route, fenced_route;
    bool touched; /* by the open group */
    bool owes_welcome, owes_ack, owes_nack;
    struct letter nack;
};

struct world {
    enum flaw flaw;
    bool scripted;                /* nothing is left to chance: all that can be sent is, no pipe is full */
    enum complaint complaint;     /* the first one */
    int64_t now;
    uint64_t routes;
    struct collector collectors[COLLECTORS];
    bool two;                     /* a second one of the first agent's name may come */
    bool runs;                    /* several batches may travel in one message */
    uint64_t keys[AGENTS];        /* with which agents sign today; the aggregator takes no other */
    uint64_t unreadable;          /* files whose batches the aggregator cannot understand yet */
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
    struct peer peers[AGENTS];    /* lost with the process, and all below */
    struct pending group[QUEUE];
    size_t group_count;
    uint64_t group_epochs[LIVES_MOST]; /* written in the open group, 0: not */
    uint64_t restored, gaps, fights, seconds, cut_runs, shared_groups; /* how often */
    bool older;                   /* it was put back to an older backup than the newest */
};

extern struct world world;

/* ---- chance and what everybody needs: world.c ------------------------------------------------------------------------------ */

uint64_t chance(void);
bool one_in(uint64_t n);
uint64_t draw(uint64_t n); /* 0 to n - 1 */
void holds(bool condition, enum complaint complaint); /* the first one that does not is kept */
bool refuses(unsigned char content);                  /* does the aggregator refuse a record of this file? */
bool trusts_copies(void);
uint64_t file_bit(unsigned char content);
uint64_t chain_start(unsigned char life);
uint64_t chain_next(uint64_t before, unsigned char content);
uint64_t sign(uint64_t chain, unsigned agent); /* with the key of today */
void push(struct queue *queue, const struct letter *letter);
bool pop(struct queue *queue, struct letter *ret_letter);

/* A script instead of chance: it begins with the first collector of each agent, moves what it wants to be moved, and ends as
 * every schedule does: with all delivered, and judged. */
void script_begin(enum flaw flaw);
enum complaint script_end(void);
void join(struct collector *at);
void restore_outbox(struct collector *at);

/* One schedule from beginning to end. */
enum complaint schedule(uint64_t seed, enum flaw flaw);
void show(uint64_t seed);

/* ---- collector.c ------------------------------------------------------------------------------------------------------------ */

void collector_start(struct collector *at);
void collector_step(struct collector *at, struct delivery_event event);
void collector_take_file(struct collector *at);
void collector_note_outbox(struct collector *at);
void collector_acknowledge(struct collector *at);
void collector_prune(struct collector *at);
void collector_rebirth(struct collector *at);
void collector_receive(struct collector *at);
void collector_send(struct collector *at);
void leave_behind(const struct outbox_file *outbox, uint64_t until);

/* ---- aggregator.c ----------------------------------------------------------------------------------------------------------- */

struct history *history(unsigned char life);
void aggregator_hear(const struct letter *letter);
void aggregator_end_group(bool fails); /* commits and answers, or nothing of it happened */
void aggregator_work(bool accidents);
void aggregator_kill(void);

#endif
