/* publisher_inside.h - what the publisher*.c files share. Nobody else includes it. */
#ifndef COLLECTORS_PUBLISHER_INSIDE_H
#define COLLECTORS_PUBLISHER_INSIDE_H

#include "publisher.h"

#include "checkpoint.h"
#include "delivery.h"
#include "wire.h"

/* What the monitor last said about why there is no link. */
enum link_trouble { LINK_FINE, LINK_UNREACHABLE, LINK_KEY_REFUSED, LINK_NO_HANDSHAKE };

struct publisher {
    void *socket, *monitor;
    struct outbox *outbox;
    struct sender sender;
    char agent[65];
    char *endpoint;
    unsigned char catalogue_hash[32];
    bool hello_owed;
    uint64_t gap_from, gap_to; /* to be said, 0: nothing */
    bool lost;                 /* a gap was said: the program has not asked for the files yet */
    bool proof_owed;           /* of the watermark told last, which is not ours */
    bool rebirth_owed;         /* the outbox has to get a new identity */
    uint64_t rebirth_from;
    bool reborn;               /* it did, and was not welcomed yet */
    uint32_t run_batches;      /* batches the aggregator takes in one message; 0 or 1: one */
    struct wire_run_batch run[WIRE_RUN_BATCHES];
    unsigned char *run_bytes;  /* LIMIT_BATCH_BYTES behind the batches of a run */
    enum link_trouble link_trouble;
    int64_t anew_at;           /* connect again then, INT64_MAX: not needed */
    uint32_t anew_count;
    uint64_t nack_first;       /* of the last NACK, for the sentence */
    bool busy;                 /* the last NACK was NACK_BUSY */
    char nack_detail[256];
    struct publisher_refusal *refusals;
    size_t refusal_count, refusal_capacity;
    bool handed_out;           /* publisher_refusals was asked since they came */
    uint64_t acknowledge;      /* to be told to the outbox, 0: nothing */
    uint64_t backup_watermark;
    unsigned char sign_key[SEAL_PUBLIC]; /* of the aggregator: what it says of its ledger is signed with it */
    struct fault alarm;        /* about its ledger, not told yet */
    bool alarm_contradicts;
    uint64_t alarmed_session;  /* an alarm that stands is told once a session */
    bool disk_full;            /* the outbox could not be told something; asked by publisher_needs_room */
    bool heard;                /* the outbox was not told yet what the aggregator holds */
    uint64_t heard_watermark;
    int64_t opened_at, now_ms;
};

/* publisher.c */
/* What happened goes through the state machine; what it wants done is done, or owed to the next pass. */
void publisher_step(struct publisher *publisher, struct delivery_event *event);

/* publisher_link.c */
enum status publisher_connect(struct publisher *publisher, void *zmq_context, const struct secret_key *key,
                              const char aggregator[41], enum security security, struct fault *why) MUST_CHECK;
/* Says goodbye where there is somebody to hear it. A publisher that was not connected is passed over. */
void publisher_disconnect(struct publisher *publisher);
void publisher_watch_link(struct publisher *publisher);
/* When ZeroMQ gave the connection up and it is time. */
enum status publisher_connect_anew(struct publisher *publisher, struct fault *why) MUST_CHECK;

/* publisher_send.c */
/* False when it could not go out now. */
bool publisher_send(struct publisher *publisher, const struct wire_message *message);
void publisher_send_hello(struct publisher *publisher);
enum status publisher_send_gap(struct publisher *publisher, struct fault *why) MUST_CHECK;
/* Fills the window. STATUS_BROKEN: the outbox failed. */
enum status publisher_send_batches(struct publisher *publisher, struct fault *why) MUST_CHECK;
enum status publisher_send_proof(struct publisher *publisher, uint64_t session, uint64_t seq, struct fault *why) MUST_CHECK;

/* publisher_receive.c */
enum status publisher_receive_all(struct publisher *publisher, struct fault *why) MUST_CHECK;

/* publisher_witness.c */
/* Holds what is shown against what is kept. */
enum status publisher_heed_ledger(struct publisher *publisher, const unsigned char generation[16],
                                  const struct checkpoint_shown *shown, struct fault *why) MUST_CHECK;
/* An acknowledgement is only heeded when it speaks of what is kept: one that was on its way says nothing. */
enum status publisher_heed_ack(struct publisher *publisher, const struct wire_ack *ack, struct fault *why) MUST_CHECK;

#endif
