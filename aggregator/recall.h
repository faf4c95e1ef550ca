/* recall.h - what was refused of batches whose acknowledgement a collector may not have seen.
 *
 * An ACK tells the refused records of the batches it covers. When it is lost, or this program was killed between commit and
 * ACK, the collector says in its next HELLO what it has seen; everything after that is told again from here. The ledger
 * is the memory; this is a window onto its end. */
#ifndef AGGREGATOR_RECALL_H
#define AGGREGATOR_RECALL_H

#include "store.h"
#include "wire.h"

struct recall;

struct recall *recall_new(void);
void recall_free(struct recall **recall);
/* A batch was committed. */
void recall_add(struct recall *recall, const char *agent, const unsigned char outbox[16], uint64_t seq,
                const struct refusal *refusals, size_t count);
/* The collector has durably seen everything up to `seen`. */
void recall_forget(struct recall *recall, const char *agent, const unsigned char outbox[16], uint64_t seen);
/* All refusals of the stream's batches after `after`, by batch and record; reads the ledger backwards where it was not
 * there when they were committed. Outside a write transaction. Borrowed till the next call. */
enum status recall_after(struct recall *recall, struct store *store, const char *agent, const unsigned char outbox[16],
                         uint64_t after, uint64_t watermark, const struct wire_refusal **ret_refusals,
                         size_t *ret_count, struct fault *why) MUST_CHECK;

#endif
