/* gaps.h - what is missing for good, as rows of the registry: chained, sealed by the signed checkpoints and exported with it,
 * so that applied batches, refused ones and written gaps together prove to be 1 .. watermark of every outbox.
 *
 *   kind "gap"     the agent no longer holds these batches and the aggregator never had them, or lost them; key: the
 *                  agent's chain after the last of them, which its next batch continues and signs
 *   kind "outbox"  another outbox of the agent took its place; from..to: what it was last known to hold beyond its
 *                  watermark (from = to + 1: nothing); key: chain at the watermark
 *   kind "clock"   the aggregator's clock was ahead until now: entries up to `after` were received before `seen_at`,
 *                  whatever they say, and later ones may say an earlier time
 *
 * The scope of the first two reads "<outbox in hex>:<from>-<to>". */
#ifndef AGGREGATOR_GAPS_H
#define AGGREGATOR_GAPS_H

#include "store.h"

#define GAP_KIND "gap"
#define GAP_KIND_OUTBOX "outbox"
#define GAP_KIND_CLOCK "clock"
#define GAP_SEQ_MOST UINT64_C(999999999999999) /* so that it fits the scope */
#define GAPS_AN_AGENT 1000 /* a collector that has more to say than this is not believed */

struct gap {
    const char *kind;        /* static: GAP_KIND or GAP_KIND_OUTBOX */
    char agent[65];
    unsigned char outbox[16];
    uint64_t from, to;
    unsigned char chain[SEAL_HASH];
    uint64_t after;          /* entries there were; set when read */
    int64_t noted_at;
};

/* False when the row is not of these kinds (or not as written here). */
bool gap_read(const struct registry_row *row, struct gap *ret_gap);
/* Inside the caller's transaction. STATUS_REFUSED with too_many_gaps. */
enum status gap_note(struct store *store, const struct gap *gap, struct fault *why) MUST_CHECK;
/* The same for the clock: the next entry may be received at `now_ms`, before the one in front of it. */
enum status gap_note_clock(struct store *store, int64_t now_ms, struct fault *why) MUST_CHECK;

#endif
