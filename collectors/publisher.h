/* publisher.h - brings the outbox to the aggregator: the collector's end of the delivery protocol (wire.md).
 *
 * The state machine (START, HELLO_SENT, STREAMING, THROTTLED, REBIRTH, HELD) is a pure function of events; this module
 * drives it with a DEALER socket. Taking files goes on in every state. */
#ifndef COLLECTORS_PUBLISHER_H
#define COLLECTORS_PUBLISHER_H

#include "keys.h"
#include "outbox.h"
#include "settings.h"

struct publisher;

/* A row of a batch that the aggregator refused. */
struct publisher_refusal { uint64_t seq; uint32_t index; enum message message; };

enum status publisher_open(void *zmq_context, const struct collector_settings *settings, const struct secret_key *key,
                           const struct public_key *aggregator, const unsigned char catalogue_hash[32],
                           struct outbox *outbox, int64_t now_ms, struct publisher **ret_publisher, struct fault *why)
    MUST_CHECK;
void publisher_close(struct publisher **publisher);
void *publisher_socket(struct publisher *publisher); /* for the program's zmq_poll */
/* Everything that is ready and due; called when the socket is readable, after new batches, and at publisher_due. */
enum status publisher_work(struct publisher *publisher, int64_t now_ms, struct fault *why) MUST_CHECK;
int64_t publisher_due(const struct publisher *publisher); /* moment of the next timer */
bool publisher_is_drained(const struct publisher *publisher); /* everything in the outbox is acknowledged */
/* True when what arrived could not be noted in the outbox for want of room since the last call; it is tried again. */
bool publisher_needs_room(struct publisher *publisher);
/* Numbers of the newest batch that went out and of the newest that is acknowledged, in this session. */
void publisher_progress(const struct publisher *publisher, uint64_t *ret_sent, uint64_t *ret_acknowledged);
/* Refusals that came back since the last call; borrowed till the next publisher_work. */
size_t publisher_refusals(struct publisher *publisher, const struct publisher_refusal **ret_refusals);
/* What the aggregator's ledger came to against the checkpoint kept here, since the last call (the alarm that stands,
 * once, also at the start); false when there is nothing to say. *ret_contradicts: a person has to look into it. */
bool publisher_alarm(struct publisher *publisher, struct fault *ret_alarm, bool *ret_contradicts);
/* True once when batches are no longer held that the aggregator has not (it was told of a gap, or a new life of the outbox
 * left out damaged ones): outbox_lost_files names their files. */
bool publisher_lost(struct publisher *publisher);
/* Why delivery does not move just now (unreachable, key refused, revoked ...), for --once and the log; false when it does. */
bool publisher_trouble(const struct publisher *publisher, struct fault *ret_why);

#endif
