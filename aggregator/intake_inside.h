/* intake_inside.h - what the files of intake share: the agents, the open group, and the steps of one pass (intake.c).
 */
#ifndef AGGREGATOR_INTAKE_INSIDE_H
#define AGGREGATOR_INTAKE_INSIDE_H

#include "intake.h"

#include "checkpoint.h"
#include "gaps.h"
#include "incidents.h"
#include "limit.h"
#include "recall.h"
#include "registry.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

enum {
    MESSAGES_A_PASS = 2048, /* of any kind, so that nobody starves the answers */
    TURN = 64,              /* of one agent: what its connection queues, more than CREDIT_SMALL allows it to send */
    ROUTE_MOST = 255,
    CREDIT_MOST = 16,  /* large batches in flight an agent ... */
    CREDIT_ALL = 256,  /* ... and all together: 64 MiB of LIMIT_BATCH_BYTES */
    CREDIT_SMALL = 60, /* small ones an agent, one a message: below the 64 that a connection queues (link.c) ... */
    CREDIT_RUNS = 2 * WIRE_RUN_BATCHES,       /* ... or many a message: one run under way while another is committed */
    SLOW_MS = 150,     /* a group that takes so long halves the credit, ... */
    BRISK_MS = 75,     /* ... one that takes less than this doubles it again, ... */
    CALM_GROUPS = 64,  /* ... and so do so many after each other that were not slow */
    SLOW_HALVINGS = 4, /* of CREDIT_MOST one is left */
    GROUP_RECORDS = 32 * LIMIT_BATCH_RECORDS, /* a group this large is committed: about 20 ms of work */
    GROUP_BYTES = 4 << 20,
    BUSY_RETRY_MS = 2000,
    ROW_MS = 1000,           /* an agent's row is written at most so often */
    SILENCE_MS = 5000,       /* how often silence is looked for */
    OWED_MS = 50,            /* an answer that found a full pipe */
    SAVE_COMMITS = 256,      /* pages are saved after so many commits, ... */
    SAVE_RECORDS = 1 << 20,  /* ... so many records (a killed program replays them in about 0.1 s), ... */
    SAVE_BLOCKS = 16384,     /* ... with so many changed blocks (saving them takes about 0.1 s), ... */
    SAVE_IDLE_MS = 30000,    /* ... or when nothing happened for so long */
    SKEW_MS = 300000,        /* a clock this far off is worth a word, ... */
    SKEW_FLAG_MS = 86400000, /* ... this far an alert */
    AHEAD_MS = 3600000,      /* our own clock must have been ahead by so much to be believed again at an earlier time */
    WAIT_RETRY_MS = 60000,   /* batches under a catalogue that is not loaded yet */
    ADDRESS = 64,
    WITNESS_MS = 60000, /* an acknowledgement carries a checkpoint at most so often */
    EVENTS = 64,
};

/* An answer that waits for the commit. */
struct owed_nack {
    bool owed;
    enum wire_nack code;
    uint64_t session, first;
    uint32_t retry_after_ms;
    char detail[256];
};

struct peer { /* one agent */
    char agent[65];
    uint32_t scope;
    unsigned char keys[AGENT_KEYS_MOST][SEAL_PUBLIC]; /* active ones */
    size_t key_count;                                 /* 0: revoked */
    struct session session;
    unsigned char route[ROUTE_MOST];
    size_t route_length;
    char address[ADDRESS];         /* of the connection, as far as the transport tells */
    unsigned char last_outbox[16]; /* of its HELLOs */
    uint64_t
        former_backlog; /* when that one was new: what the outbox before it was known to hold beyond its watermark */
    unsigned char fenced_route[ROUTE_MOST]; /* over which the session was lost to another collector */
    size_t fenced_length;
    bool touched; /* in this group */
    int turn;     /* messages of it in this pass */
    bool owes_welcome, owes_ack;
    struct owed_nack nack;
    struct agent_row row;
    bool row_changed;
    int64_t row_saved_at;
    bool refused_uncounted; /* the next ACK carries refusals that are not in row.refused yet */
    uint64_t group_refused; /* refused in the open group */
    bool stream_moved;      /* in the open group; saved once, before the commit */
    int64_t stream_moved_at;
    uint32_t usual_bytes; /* of its batches lately; 0: not known */
    bool backed_known;
    uint64_t backed; /* batches of the session's outbox up to here are in a verified backup */
    bool sends_runs;
    bool group_submitted;
    uint64_t kept;         /* entry of the checkpoint it was told last, or says that it keeps; 0: none */
    int64_t witness_at;    /* the next acknowledgement with a checkpoint not before; 0: at once */
    bool catalogue_judged; /* in this session: its batches can be understood */
};

struct taken { /* a batch of the open group */
    uint32_t peer;
    unsigned char outbox[16];
    uint64_t seq;
    size_t first_refusal, refusal_count;
};

struct intake {
    void *router;
    const struct catalogue *catalogue;
    struct store *store;
    struct abacus *abacus;
    enum security security;
    struct peer *peers; /* by agent */
    size_t peer_count;
    struct recall *recall;
    struct incidents *incidents;
    const char *address; /* of the message that is looked at */
    struct checkpoints checkpoints;
    struct porter *porter;       /* NULL: none */
    struct batch *batch; /* memory of the decoder */

    bool primed;
    struct catalogue_row *catalogues; /* that were ever in force */
    size_t catalogue_count;
    unsigned char generation[16];
    struct restores restores;
    uint64_t head;   /* newest committed entry */
    uint64_t backed; /* newest entry of a verified backup, 0: none */
    int64_t last_received_at;

    bool turn_over; /* an agent had all of its turn in this pass */
    bool open;      /* a transaction is open */
    bool applied;   /* the abacus is ahead of the disk */
    struct taken taken[INTAKE_GROUP + WIRE_RUN_BATCHES];
    size_t taken_count;
    struct refusal *refusals; /* of the group */
    size_t refusal_count, refusal_capacity;
    size_t group_records, group_bytes;

    size_t commits, records; /* since the pages were saved */
    int64_t saved_at, worked_at, silence_at;
    int64_t now_ms;
    bool owing; /* some answer found a full pipe */
    int halvings; /* of the credit, while the disk is slow */
    int groups_in_time; /* since a slow one, or since credit was given back */

    struct intake_event events[EVENTS];
    size_t event_first, event_count;
};

/* intake_peers.c */
struct peer *intake_find_peer(const struct intake *intake, const char *agent);
struct peer *intake_peer_on_route(const struct intake *intake, const unsigned char *route, size_t length);
/* The newest event, to say more in it. */
struct intake_event *intake_last_event(struct intake *intake);
/* For the program's log; `detail` is English text, may be NULL. */
void intake_note(struct intake *intake, bool warning, const char *name, const char *agent, uint64_t number,
                 const char *detail);
/* The same with a sentence of messages.def. */
void intake_note_message(struct intake *intake, bool warning, const char *name, const char *agent, uint64_t number,
                         enum message message);
/* An alert that stays until somebody acknowledges it or intake_settle_incident says that it is over. */
void intake_raise_incident(struct intake *intake, const struct peer *peer, enum incident_kind kind, const char *detail);
void intake_settle_incident(struct intake *intake, const struct peer *peer, enum incident_kind kind);
void intake_name_outbox(const unsigned char outbox[16], char ret_text[33]);

/* intake_answers.c */
enum sent { SENT, SENT_LATER, SENT_NEVER };
/* SENT_LATER: the pipe is full; SENT_NEVER: nobody is there any more. */
enum sent intake_send_to(const struct intake *intake, const unsigned char *route, size_t route_length,
                         const struct wire_message *message);
/* For a message that has no place in the open group: does not wait for the commit. */
void intake_nack_now(struct intake *intake, const unsigned char *route, size_t route_length, uint64_t session,
                     enum wire_nack code, const char *detail, uint32_t retry_after_ms);
const char *intake_nack_reason(enum message message, char ret_text[MESSAGE_NESTED]);
/* Goes out after the commit. */
void intake_owe_nack(struct peer *peer, uint64_t session, enum wire_nack code, uint64_t first, const char *detail);
/* Its connection is gone. */
void intake_lose_peer(struct peer *peer);
/* All that is owed, after the commit. */
enum status intake_answer_all(struct intake *intake, struct fault *why) MUST_CHECK;

/* intake_group.c */
enum status intake_open_group(struct intake *intake, struct fault *why) MUST_CHECK;
/* Rolls the group back, ends the sessions it touched; `reason` unless that went wrong too. */
enum status intake_abandon_group(struct intake *intake, enum status reason, struct fault *why) MUST_CHECK;
enum status intake_save_pages(struct intake *intake, struct fault *why) MUST_CHECK;
enum status intake_save_stream(struct intake *intake, struct peer *peer, struct fault *why) MUST_CHECK;
/* The agent's row of `status`. */
enum status intake_save_row(struct intake *intake, struct peer *peer, struct fault *why) MUST_CHECK;
bool intake_row_is_due(const struct intake *intake, const struct peer *peer);
enum status intake_commit_group(struct intake *intake, uint64_t *ret_committed, struct fault *why) MUST_CHECK;

/* intake_hello.c */
/* A known agent comes with an outbox never seen: what the one before held may be lost. */
enum status intake_note_other_outbox(struct intake *intake, const struct peer *peer, struct fault *why) MUST_CHECK;
bool intake_is_route(const unsigned char *route, size_t length, const unsigned char *other, size_t other_length);
enum status intake_on_hello(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_hello *hello, struct fault *why) MUST_CHECK;

/* intake_batch.c */
/* What session.h said of a message that is not taken: answered, noted. */
void intake_note_verdict(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                         uint64_t session, const struct session_answer *verdict);
enum status intake_on_batch(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_batch *batch, struct fault *why) MUST_CHECK;
enum status intake_on_run(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                          const struct wire_run *run, struct fault *why) MUST_CHECK;

/* intake_gap.c */
enum status intake_on_gap(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                          const struct wire_gap *gap, struct fault *why) MUST_CHECK;
enum status intake_on_proof(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_proof *proof, struct fault *why) MUST_CHECK;

#endif
