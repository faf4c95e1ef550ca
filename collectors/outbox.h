/* outbox.h - the collector's durable memory, one SQLite file (WAL, synchronous=FULL) in its own folder (0700).
 *
 * It keeps batches from the moment a file is taken until the aggregator has them in a verified backup, the manifest of
 * taken files, and the last known figure of each cell (what rules and jumps compare with). One transaction per file;
 * a batch never changes after it was cut. Exclusive lock on the folder; a damaged file is set aside, its readable rows
 * are saved into a new outbox, and the start goes on. */
#ifndef COLLECTORS_OUTBOX_H
#define COLLECTORS_OUTBOX_H

#include "batch.h"
#include "checkpoint.h"
#include "doctor.h"
#include "fault.h"
#include "seal.h"
#include "status.h"

struct outbox;

struct outbox_identity {
    unsigned char id[16];
    uint64_t epoch;          /* +1 durably at each open */
    uint64_t low, high;      /* batches held; low > high when none */
    uint64_t highest_acked;
    unsigned char chain_at_high[SEAL_HASH];
    uint64_t refused_rows;
};

/* STATUS_AGAIN when another process holds it, STATUS_BROKEN when the folder cannot be used. `agent` and `sign_secret`
 * are used for chain and signatures. */
enum status outbox_open(const char *folder, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                        struct outbox **ret_outbox, struct fault *why) MUST_CHECK;
void outbox_close(struct outbox **outbox);
void outbox_identity(const struct outbox *outbox, struct outbox_identity *ret_identity);

/* True (and when, Unix ms) when a file of these bytes was taken before. */
enum status outbox_knows_file(struct outbox *outbox, const unsigned char hash[SEAL_HASH], bool *ret_known,
                              int64_t *ret_taken_at, struct fault *why) MUST_CHECK;
/* Last accepted figure of a cell by codes; *ret_known false when none. */
struct known_figure { enum record_status status; int64_t value; uint8_t decimals; uint32_t revision; };
enum status outbox_known_figure(struct outbox *outbox, const char *element, const char *unit, const char *period,
                                bool *ret_known, struct known_figure *ret_figure, struct fault *why) MUST_CHECK;

/* Takes a file: cuts its records into batches, chains, signs and stores them with the manifest row and the known
 * figures in one transaction. Records may be 0 (all refused): then only the manifest row. path_refused: where its refused
 * rows were written, "" when there are none. STATUS_AGAIN: disk full. */
enum status outbox_take(struct outbox *outbox, const struct catalogue *catalogue, struct submission *submission,
                        const struct record *records, size_t count, const char *path_refused, struct fault *why) MUST_CHECK;

/* A stored batch; *ret_bytes is borrowed till the next call. STATUS_REFUSED when it is no longer held. */
enum status outbox_batch(struct outbox *outbox, uint64_t seq, const unsigned char **ret_bytes, size_t *ret_length,
                         unsigned char ret_chain_before[SEAL_HASH], unsigned char ret_signature[SEAL_SIGNATURE],
                         struct fault *why) MUST_CHECK;
/* The first batch after `seq` that is held; high + 1 when there is none. */
enum status outbox_held_after(struct outbox *outbox, uint64_t seq, uint64_t *ret_seq, struct fault *why) MUST_CHECK;
/* Chain value after batch seq (0: the start). STATUS_REFUSED when unknown. */
enum status outbox_chain(struct outbox *outbox, uint64_t seq, unsigned char ret_chain[SEAL_HASH], struct fault *why)
    MUST_CHECK;
/* Everything up to `watermark` is committed at the aggregator and counts as delivered, for ever; up to `backup_watermark`
 * it is in a verified backup and may be pruned. The latter is the aggregator's last word: after a restore it is less. */
enum status outbox_acknowledge(struct outbox *outbox, uint64_t watermark, uint64_t backup_watermark, struct fault *why)
    MUST_CHECK;
/* The same words without acknowledging anything: how much the aggregator holds, and how much of it is in a backup. */
enum status outbox_hears(struct outbox *outbox, uint64_t watermark, uint64_t backup_watermark, struct fault *why) MUST_CHECK;
/* The file and line a record of a batch came from (for refusals that come back from the aggregator). */
struct outbox_origin {
    char path_done[4096];    /* "" when not placed yet */
    char path_refused[4096]; /* its refused rows, "" when it has none yet */
    char file[256];
    unsigned char hash[SEAL_HASH]; /* of the file: names it for outbox_place */
    int64_t line;
};
enum status outbox_origin(struct outbox *outbox, uint64_t seq, uint32_t index, struct outbox_origin *ret_origin,
                          struct fault *why) MUST_CHECK;
/* Remembers where a taken file and its refused rows (NULL: unchanged) lie. */
enum status outbox_place(struct outbox *outbox, const unsigned char hash[SEAL_HASH], const char *path_done,
                         const char *path_refused, struct fault *why) MUST_CHECK;
/* Counts rows that the aggregator refused, and forgets what was thought known of the cell. */
enum status outbox_refused_later(struct outbox *outbox, uint64_t seq, uint32_t index, struct fault *why) MUST_CHECK;
/* Removes the oldest batches that are committed, in a verified backup and of files taken at or before `cutoff` (Unix ms); a
 * few hundred a call, *ret_any when there were some. Apart from outbox_acknowledge, so that the origins of what was refused
 * in them can be asked for first. */
enum status outbox_prune(struct outbox *outbox, int64_t cutoff, bool *ret_any, struct fault *why) MUST_CHECK;
/* For want of room: the oldest ones that the aggregator holds, whether a backup does or not. Never one that it may still ask
 * for. *ret_last is 0 when there was none. */
enum status outbox_sacrifice(struct outbox *outbox, uint64_t *ret_first, uint64_t *ret_last, struct fault *why) MUST_CHECK;
/* Bytes the outbox needs, and bytes that are free inside its file. */
enum status outbox_used(struct outbox *outbox, uint64_t *ret_used, uint64_t *ret_free, struct fault *why) MUST_CHECK;
uint64_t outbox_backed(const struct outbox *outbox); /* batches up to here are in a verified backup */
/* Gives the outbox a new id and the batches that no backup holds new numbers, chain and signatures, when the aggregator
 * knows another history under the old id (an outbox that came out of a backup, a forked chain). Files that arrived under the
 * old id are known there and count once. `from`: batches from there on are offered anew whatever was said of backups;
 * 0: nothing to add. A batch whose bytes no longer fit their chain is lost, as by outbox_lose. */
enum status outbox_rebirth(struct outbox *outbox, uint64_t from, struct fault *why) MUST_CHECK;
/* Batches from..to are neither held nor at the aggregator: their files may be taken once more. */
enum status outbox_lose(struct outbox *outbox, uint64_t from, uint64_t to, struct fault *why) MUST_CHECK;
/* Visits the files that were lost so and not taken again yet, in the order in which they were taken. */
typedef void outbox_lost_visitor(void *context, const char *file, const char *path_done);
enum status outbox_lost_files(struct outbox *outbox, outbox_lost_visitor *visit, void *context, struct fault *why)
    MUST_CHECK;
/* How many records the last outbox_take left out: the file was lost once, and a later file has other figures for them. */
size_t outbox_superseded(const struct outbox *outbox);

/* ---- witness: what this collector saw of the aggregator's ledger (wire.md, "Witnesses") ---- */

struct outbox_witness {          /* texts of checkpoints, "" when none */
    char kept[CHECKPOINT_TEXT];    /* the newest that went on from the one before */
    char former[CHECKPOINT_TEXT];  /* kept before the aggregator was restored or trusted anew */
    char shown[CHECKPOINT_TEXT];   /* an alarm stands: this head contradicts `kept` ... */
    char earlier[CHECKPOINT_TEXT]; /* ... and this is what the same ledger has at that entry */
    enum message alarm;            /* why; MESSAGE_NONE: no alarm stands */
};
void outbox_witness(const struct outbox *outbox, struct outbox_witness *ret_witness);
/* Durable when it returns; nothing is written when nothing changed. STATUS_AGAIN: disk full. */
enum status outbox_keep_witness(struct outbox *outbox, const struct outbox_witness *witness, struct fault *why) MUST_CHECK;
/* The same from a folder that another process may have open. STATUS_REFUSED when there is no outbox. */
enum status outbox_read_witness(const char *folder, struct outbox_witness *ret_witness, struct fault *why) MUST_CHECK;

/* What is wrong with the outbox in the folder, for --doctor: looks from beside whoever holds it. */
void outbox_examine(struct doctor *doctor, const char *folder, const char *agent);

/* What the last outbox_open had to rescue; false when nothing was damaged. */
bool outbox_was_rescued(const struct outbox *outbox, struct fault *ret_note);

#endif
