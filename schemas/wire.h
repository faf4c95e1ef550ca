/* wire.h - every message that travels between the programs. wire.md draws each one with byte-exact examples.
 *
 * A message is one msgpack array whose first item is its kind; unknown trailing items are ignored; one ZeroMQ frame.
 * Version 1 (2026-11): first version. */
#ifndef SCHEMAS_WIRE_H
#define SCHEMAS_WIRE_H

#include "fault.h"
#include "seal.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1
#define WIRE_ACK_REFUSALS 4096 /* refusals an ACK carries at most: those of one batch */
#define WIRE_RUN_BATCHES 256   /* batches a RUN carries at most, LIMIT_BATCH_BYTES of them together */

enum wire_kind {
    WIRE_HELLO = 1, /* collector -> aggregator: who I am and what I hold */
    WIRE_WELCOME,   /* aggregator -> collector: up to where I have you, and how much you may send */
    WIRE_BATCH,     /* collector -> aggregator */
    WIRE_ACK,       /* aggregator -> collector: committed up to here (cumulative), what was refused of each batch */
    WIRE_NACK,      /* aggregator -> collector: not taken, why, when to try again */
    WIRE_GAP,       /* collector -> aggregator: these I no longer hold */
    WIRE_PROVE,     /* aggregator -> collector: show your chain at seq */
    WIRE_PROOF,     /* collector -> aggregator */
    WIRE_BYE,       /* either side: closing in good order */
    WIRE_QUESTION,  /* office -> aggregator */
    WIRE_ANSWER,    /* aggregator -> office */
    WIRE_ROLLUP,    /* published: a changed figure */
    WIRE_ALERT,     /* published: a changed alert */
    WIRE_RUN,       /* collector -> aggregator: small batches that follow each other, in one message */
};

enum wire_nack {
    NACK_GAP_AHEAD = 1, /* seq is beyond the next expected */
    NACK_BAD_CHAIN,
    NACK_BAD_SIGNATURE,
    NACK_MALFORMED,
    NACK_UNKNOWN_OUTBOX, /* no HELLO in this session yet */
    NACK_FENCED,         /* a newer collector of this name is connected */
    NACK_REVOKED,
    NACK_PROTOCOL,       /* no common version */
    NACK_BUSY,           /* try again after retry_after_ms */
    NACK_STALE_EPOCH,    /* this outbox was seen with a higher epoch: restored from a backup */
};

struct wire_hello {
    uint32_t protocol_min, protocol_max;
    char agent[65];
    unsigned char outbox[16];
    uint64_t epoch, session;
    uint64_t low, high; /* first and last batch held; low > high when none */
    unsigned char chain_at_high[SEAL_HASH];
    uint64_t highest_acked;
    unsigned char catalogue_hash[32];
    int64_t wall_time; /* Unix ms */
    char software[64];
    uint64_t backlog;  /* batches not acknowledged */
    uint64_t refused;  /* rows the collector refused since the outbox was made */
    const unsigned char *kept; /* the checkpoint it keeps as a witness, as text; borrowed */
    size_t kept_length;
};

struct wire_welcome {
    uint64_t session;
    uint32_t protocol;
    unsigned char generation[16]; /* of the aggregator's store; a restore makes a new one */
    uint64_t watermark;           /* highest batch committed of this outbox */
    unsigned char chain_at_watermark[SEAL_HASH];
    uint64_t backup_watermark;    /* batches up to here are in a verified backup */
    uint32_t credit;              /* unacknowledged batches allowed */
    int64_t server_time;
    const unsigned char *checkpoint; /* of the ledger's newest entry, as text; borrowed */
    size_t checkpoint_length;
    const unsigned char *earlier; /* a checkpoint of this same ledger at the entry of HELLO's `kept`; borrowed */
    size_t earlier_length;        /* 0: the ledger has no such entry */
    uint32_t run_batches;            /* batches a RUN may carry; 0: an aggregator that takes none */
};

struct wire_batch {
    uint64_t session, seq;
    unsigned char chain_before[SEAL_HASH];
    const unsigned char *bytes; /* batch.h; borrowed from the message */
    size_t length;
    unsigned char signature[SEAL_SIGNATURE];
};

/* The signature of the last batch is over the chain and so proves them all; see wire.md. */
struct wire_run {
    uint64_t session, seq;      /* seq of the first; the others follow without gaps */
    unsigned char chain_before[SEAL_HASH]; /* of the first */
    size_t count;               /* at least 1 */
    const struct wire_run_batch {
        const unsigned char *bytes; /* borrowed from the message */
        size_t length;
        unsigned char signature[SEAL_SIGNATURE];
    } *batches;                 /* borrowed / owned by the decoder */
};

struct wire_refusal {
    uint64_t seq;
    uint32_t index;  /* record of the batch */
    char code[33];   /* message code */
};

struct wire_ack {
    uint64_t session;
    unsigned char generation[16];
    uint64_t watermark;
    unsigned char chain_at_watermark[SEAL_HASH];
    uint64_t backup_watermark;
    uint32_t credit;
    const struct wire_refusal *refusals; /* of the batches this ACK newly covers; borrowed / owned by the decoder */
    size_t refusal_count;
    const unsigned char *checkpoint, *earlier; /* as in WELCOME, now and then; `earlier` at the checkpoint told last */
    size_t checkpoint_length, earlier_length;
};

struct wire_message_nack {
    uint64_t session;
    enum wire_nack code;
    uint64_t first;          /* batch concerned, or next expected */
    char detail[256];
    uint32_t retry_after_ms;
};

struct wire_gap {
    uint64_t session, from, to;
    unsigned char chain_after[SEAL_HASH];
    char reason[128];
};

struct wire_proof { /* PROVE carries session and seq only */
    uint64_t session, seq;
    unsigned char chain[SEAL_HASH];
};

/* A question is a command with its options, as on the command line; an answer is a table or a fault. */
#define WIRE_OPTIONS 24
struct wire_question {
    uint64_t id;
    char command[33];
    size_t option_count;
    struct { char name[33]; const char *value; } options[WIRE_OPTIONS]; /* values borrowed / owned by the decoder */
};

/* rows are row-major; a NULL cell is an absent figure. */
struct wire_answer {
    uint64_t id;
    uint32_t exit_code;
    char fault_code[33];       /* "" when answered */
    const char *fault_zh, *fault_en;
    const char *as_of;         /* time of the newest entry behind the answer */
    size_t column_count, row_count;
    const char *const *columns;
    const char *const *cells;
};

struct wire_published { /* ROLLUP and ALERT: sequence number per stream, then a row like those of query / alerts */
    uint64_t sequence;
    size_t field_count;
    const char *const *names;
    const char *const *values;
};

struct wire_message {
    enum wire_kind kind;
    union {
        struct wire_hello hello;
        struct wire_welcome welcome;
        struct wire_batch batch;
        struct wire_run run;
        struct wire_ack ack;
        struct wire_message_nack nack;
        struct wire_gap gap;
        struct wire_proof proof; /* PROVE and PROOF */
        struct wire_question question;
        struct wire_answer answer;
        struct wire_published published;
    };
    struct wire_private *private; /* memory behind the borrowed parts of a decoded message */
};

/* Encodes; cannot fail but for memory. *ret_bytes is yours to free. */
void wire_encode(const struct wire_message *message, unsigned char **ret_bytes, size_t *ret_length);
/* Decodes bytes from anywhere (limit is the length allowed for this socket). STATUS_REFUSED with malformed_message. What
 * the message borrows points into `bytes` or into memory freed by wire_release. */
enum status wire_decode(const unsigned char *bytes, size_t length, size_t limit, struct wire_message *ret_message,
                        struct fault *why) MUST_CHECK;
void wire_release(struct wire_message *message); /* NULL-safe, twice is fine */
const char *wire_kind_name(enum wire_kind kind);

#endif
