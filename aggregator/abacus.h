/* abacus.h - the live figures. For each (element, period) a page: one slot per unit of the form's level in tree
 * preorder, so that a subtree is a run of slots and its figure a sum over the run (block sums keep that flat).
 *
 * The writer applies batches to it as they are accepted; a reader follows the ledger. Both start from the saved blocks
 * and replay what came after their watermark. Nothing here is truth: any page can be dropped and rebuilt. */
#ifndef AGGREGATOR_ABACUS_H
#define AGGREGATOR_ABACUS_H

#include "batch.h"
#include "catalogue.h"
#include "store.h"

struct abacus;

/* One cell. */
struct cell {
    bool reported;           /* a live record: any status but X */
    bool has_figure;         /* reported with status A, P or E */
    bool has_reason;         /* its record carries a reason */
    enum record_status status;
    int64_t value;
    uint32_t revision;       /* 0: nothing was ever recorded */
    uint64_t entry;          /* ledger entry of the live record (or of the retraction) */
};

/* A run of slots of one page. */
struct run {
    uint64_t reported, figures; /* slots with a live record / with a figure */
    __int128 sum;               /* over figures */
    int64_t max, min;           /* over figures; meaningless when figures == 0 */
};

/* Opens over a store (borrowed, outlives the abacus). memory: bound of cached pages in bytes. */
struct abacus *abacus_open(struct store *store, const struct catalogue *catalogue, size_t memory);
void abacus_close(struct abacus **abacus);
/* Writer, when the program starts: looks whether the saved pages are all there and as they were, makes them anew from the
 * ledger when not, and replays what came after them. Otherwise the first use does it. The bytes of a block speak for
 * themselves when it is loaded; those that nobody asks for are looked at by abacus_look. */
enum status abacus_start(struct abacus *abacus, struct fault *why) MUST_CHECK;
/* Writer, in idle moments after the start and outside a transaction: looks at the bytes of some saved blocks (a few
 * milliseconds) and makes damaged ones anew, or, when there are many, all. *ret_end when it has seen them all. */
enum status abacus_look(struct abacus *abacus, bool *ret_end, struct fault *why) MUST_CHECK;
/* Why the saved pages were not used when it was opened. */
enum abacus_origin {
    ABACUS_SAVED,       /* they were */
    ABACUS_LAYOUT,      /* the catalogue has another layout; or none were saved yet */
    ABACUS_AHEAD,       /* they knew entries that are not in the ledger */
    ABACUS_DAMAGED,     /* some were lost, put back from an earlier time, or of another ledger */
};
enum abacus_origin abacus_origin(const struct abacus *abacus);
uint64_t abacus_replayed(const struct abacus *abacus); /* entries behind the saved pages when the writer started */

/* Reader: brings it to the newest entry of the store's snapshot. Call inside store_begin .. store_commit and ask only
 * there. as_of: only entries up to that number count (UINT64_MAX: all); a smaller one than before starts anew. */
enum status abacus_follow(struct abacus *abacus, uint64_t as_of, struct fault *why) MUST_CHECK;
uint64_t abacus_position(const struct abacus *abacus); /* newest entry it reflects */

/* Writer: applies one batch of an agent whose subtree is `scope`. Decides each record by the rules of CONTRACT 4
 * (unknown codes, wrong level, wrong frequency, foreign unit, out of range, conflicts). *ret_refusals (by index,
 * borrowed till the next call) is what was refused; the rest is in the pages. entry: the number it will get.
 * Nothing is written yet; when the commit fails call abacus_forget. */
enum status abacus_apply(struct abacus *abacus, const struct batch *batch, uint32_t scope, uint64_t entry,
                         int64_t received_at, const struct refusal **ret_refusals, size_t *ret_refusal_count,
                         struct fault *why) MUST_CHECK;
/* Writer: what the last abacus_apply touched, for store_append. Borrowed till the next call. */
size_t abacus_touches(const struct abacus *abacus, const struct touch **ret_touches);
/* Drops everything in memory; the next use starts from the store again (after a failed commit). */
enum status abacus_forget(struct abacus *abacus, struct fault *why) MUST_CHECK;
/* Writer: saves dirty blocks and the watermark inside the caller's transaction. */
enum status abacus_save(struct abacus *abacus, struct fault *why) MUST_CHECK;
size_t abacus_dirty_blocks(const struct abacus *abacus);
/* Saved blocks that were damaged and were made anew from the ledger since it was opened; worth a line in the log. */
uint64_t abacus_repaired(const struct abacus *abacus);

/* ---- asking. period must be of the form's frequency. --------------------------------------------------------------- */
enum status abacus_cell(struct abacus *abacus, uint32_t element, struct period period, uint32_t slot,
                        struct cell *ret_cell, struct fault *why) MUST_CHECK;
enum status abacus_run(struct abacus *abacus, uint32_t element, struct period period, uint32_t first_slot,
                       uint32_t slot_count, struct run *ret_run, struct fault *why) MUST_CHECK;
/* The newest period with any live record of the element that starts on or before `day` (for base figures).
 * ret_found is false when none. Call again with the day before the found period's first to go further back. */
enum status abacus_period_before(struct abacus *abacus, uint32_t element, int32_t day, bool *ret_found,
                                 struct period *ret_period, struct fault *why) MUST_CHECK;
/* When the unit's report of the form first was complete (Unix ms), 0 when it never was. */
enum status abacus_completed_at(struct abacus *abacus, uint32_t form, struct period period, uint32_t slot,
                                int64_t *ret_received_at, struct fault *why) MUST_CHECK;

#endif
