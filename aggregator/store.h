/* store.h - all the aggregator asks of storage, as semantic operations. One implementation now (store_*.c, SQLite);
 * a PostgreSQL one fits behind the same header: no SQL leaves it, keys start with what it would be sharded by.
 *
 * One store handle per thread. Exactly one handle in the world is opened STORE_WRITE (it writes and checkpoints, holds
 * the lock file PATH.lock); every other is STORE_READ and answers from snapshots. */
#ifndef AGGREGATOR_STORE_H
#define AGGREGATOR_STORE_H

#include "batch.h"
#include "catalogue.h"
#include "checkpoint.h"
#include "fault.h"
#include "seal.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers are kept as 64 bits with a sign: entries, seq, epochs and watermarks stay below 2^63. */
enum store_mode { STORE_READ, STORE_WRITE };

struct store;

/* WRITE: makes the file when absent (0600), STATUS_AGAIN when another process holds it. READ: STATUS_AGAIN when the file
 * does not exist. STATUS_BROKEN with what is wrong otherwise. */
enum status store_open(const char *path, enum store_mode mode, struct store **ret_store, struct fault *why) MUST_CHECK;
void store_close(struct store **store);
/* True when some process holds the store for writing. */
bool store_is_held(const char *path);
enum store_mode store_mode_of(const struct store *store);
/* True when a store was made at the path, and the file is empty or no longer there. */
bool store_is_gone(const char *path);
/* STATUS_BROKEN when the file, which is only read, is of an older version: what came later is not in it. */
enum status store_is_current(const struct store *store, struct fault *why) MUST_CHECK;
const char *store_path(const struct store *store);

/* A write transaction, or in READ mode one consistent snapshot. Nothing is durable before store_commit says OK; after
 * any failure the transaction is rolled back and, for STATUS_BROKEN, the handle must be closed. */
enum status store_begin(struct store *store, struct fault *why) MUST_CHECK;
enum status store_commit(struct store *store, struct fault *why) MUST_CHECK;
void store_rollback(struct store *store);
bool store_is_inside(const struct store *store); /* between begin and commit */

/* ---- ledger -------------------------------------------------------------------------------------------------------- */

struct stream {              /* one outbox of one agent */
    char agent[65];
    unsigned char outbox[16];
    uint64_t epoch;          /* highest seen */
    uint64_t watermark;      /* highest batch committed */
    unsigned char chain[SEAL_HASH]; /* at the watermark */
    int64_t last_received_at;
};

struct refusal {
    uint32_t index;          /* record of the batch */
    enum message message;
};

struct entry {               /* one batch in the ledger; entry numbers start at 1 without gaps */
    uint64_t number;
    char agent[65];
    unsigned char outbox[16];
    uint64_t seq;
    unsigned char chain[SEAL_HASH];
    unsigned char signature[SEAL_SIGNATURE];
    int64_t received_at;     /* aggregator's clock, Unix ms, never falls from entry to entry but where gaps.h says so */
    const unsigned char *bytes; /* the batch as received; borrowed till the next call */
    size_t length;
    const struct refusal *refusals; /* borrowed, by index; what intake refused */
    size_t refusal_count;
    const unsigned char *outcome; /* read only: refusals and `repeated` as the chain seals them; borrowed likewise */
    size_t outcome_length;
    bool repeated;           /* the same file of the same agent was taken before: kept, never applied */
    unsigned char hash[SEAL_HASH]; /* ledger chain; store_append works it out itself */
    const struct submission *submission; /* appending: of the decoded batch, so that it need not be decoded again; may be
                                          * NULL. Always NULL when read */
};

/* What a batch touches, so that readers find it. Form and period as text: independent of catalogue versions. */
struct touch { const char *form; const char *period; };

enum status store_append(struct store *store, const struct entry *entry, const struct touch *touches,
                         size_t touch_count, struct fault *why) MUST_CHECK;
/* The chain value an entry must have after `previous` (all zero before the first): what `verify` compares. */
void store_entry_hash(const struct entry *entry, const unsigned char previous[SEAL_HASH],
                      unsigned char ret_hash[SEAL_HASH]);
/* True when the entry just read is what was stored: its bytes continue its outbox' chain, and it the ledger's. */
enum status store_entry_sound(struct store *store, const struct entry *entry, bool *ret_sound, struct fault *why)
    MUST_CHECK;
/* Adds touches of an entry that is in the ledger already (its elements moved to other forms in a new catalogue). */
enum status store_touch(struct store *store, uint64_t entry, const struct touch *touches, size_t touch_count,
                        struct fault *why) MUST_CHECK;
/* Number of the newest entry, 0 when empty; its hash and the earliest moment at which the next may be received (either
 * may be NULL). */
enum status store_head(struct store *store, uint64_t *ret_number, unsigned char ret_hash[SEAL_HASH],
                       int64_t *ret_received_at, struct fault *why) MUST_CHECK;
/* Reads entry by entry in ledger order: the first whose number is > after. *ret_found false at the end. What an entry
 * borrows lasts till the next entry is read (other calls leave it alone). */
enum status store_entry_after(struct store *store, uint64_t after, struct entry *ret_entry, bool *ret_found,
                              struct fault *why) MUST_CHECK;
/* The same, only entries that touch (form, period); period NULL: any period of the form. */
enum status store_entry_touching(struct store *store, uint64_t after, const char *form, const char *period,
                                 struct entry *ret_entry, bool *ret_found, struct fault *why) MUST_CHECK;
/* The agent's chain value at batch `seq` of an outbox, also behind a gap (not found for 0: there the chain starts). Leaves a read entry alone. */
enum status store_chain_at(struct store *store, const char *agent, const unsigned char outbox[16], uint64_t seq,
                           unsigned char ret_chain[SEAL_HASH], bool *ret_found, struct fault *why) MUST_CHECK;
/* The next batch of the entry's outbox that bears a signature, found when the chain leads there from an entry that bears
 * none (wire.md). Leaves a read entry alone. */
enum status store_signature_after(struct store *store, const struct entry *entry, bool *ret_found, uint64_t *ret_seq,
                                  unsigned char ret_chain[SEAL_HASH], unsigned char ret_signature[SEAL_SIGNATURE],
                                  struct fault *why) MUST_CHECK;
/* True when the index names just what was written into it: `about` holds a sum over all of it. What an older version wrote has
 * none and counts as sound. A figure found through a damaged index would be wrong, so nobody asks one. */
enum status store_index_sound(struct store *store, bool *ret_sound, struct fault *why) MUST_CHECK;
/* Empties it: whoever calls goes through the ledger and touches anew. */
enum status store_index_reset(struct store *store, struct fault *why) MUST_CHECK;
/* Calls visit for every period of the form that any entry touches, in the order of their texts. */
typedef void store_period_visitor(void *context, const char *period);
enum status store_touched_periods(struct store *store, const char *form, store_period_visitor *visit, void *context,
                                  struct fault *why) MUST_CHECK;
/* Number of the last entry received at or before the moment (0 when none). */
enum status store_entry_at(struct store *store, int64_t received_at, uint64_t *ret_number, struct fault *why) MUST_CHECK;

enum status store_stream(struct store *store, const char *agent, const unsigned char outbox[16], bool *ret_found,
                         struct stream *ret_stream, struct fault *why) MUST_CHECK;
enum status store_save_stream(struct store *store, const struct stream *stream, struct fault *why) MUST_CHECK;
/* All streams; *ret_streams is yours to free(). */
enum status store_streams(struct store *store, struct stream **ret_streams, size_t *ret_count, struct fault *why)
    MUST_CHECK;
/* A file is taken when its last part is appended after all before it, through whichever outboxes. Whether the entry's file
 * was taken from the agent through another outbox; or, of one that was not taken whole, this very part of it. */
enum store_known { STORE_KNOWS_NOT, STORE_KNOWS_PART, STORE_KNOWS_FILE };
enum status store_knows(struct store *store, const struct entry *entry, const struct submission *submission,
                        enum store_known *ret_known, struct fault *why) MUST_CHECK;

/* ---- abacus pages ---------------------------------------------------------------------------------------------------- */

/* Blocks of pages as blobs, keyed by (element or form code, period, block). Valid for one layout of the catalogue and
 * exact as of the watermark saved with them. A block ends in a checksum of STORE_SEAL bytes over itself and its place;
 * the store keeps it beside the block as well and knows the sum of all: see store_pages_sound. */
#define STORE_SEAL 8
enum status store_pages_watermark(struct store *store, const unsigned char layout[32], uint64_t *ret_watermark,
                                  struct fault *why) MUST_CHECK; /* 0 when another layout or none */
/* True when the saved pages and the touches are those of this layout. */
enum status store_pages_fit(struct store *store, const unsigned char layout[32], bool *ret_fit, struct fault *why)
    MUST_CHECK;
enum status store_pages_reset(struct store *store, const unsigned char layout[32], struct fault *why) MUST_CHECK;
/* After the last store_block_save of a transaction. */
enum status store_pages_set_watermark(struct store *store, uint64_t watermark, struct fault *why) MUST_CHECK;
/* True when the saved blocks are those that were there when the watermark was set, over this ledger: none lost, none of
 * an earlier time, none of another ledger. Looks at the seal of every block; the bytes speak for themselves when loaded. */
enum status store_pages_sound(struct store *store, bool *ret_sound, struct fault *why) MUST_CHECK;
/* Bytes that do not bear their seal are given as none: *ret_found with *ret_length 0. */
enum status store_block_load(struct store *store, const char *subject, const char *period, uint32_t block,
                             const unsigned char **ret_bytes, size_t *ret_length, bool *ret_found, struct fault *why)
    MUST_CHECK;
enum status store_block_save(struct store *store, const char *subject, const char *period, uint32_t block,
                             const unsigned char *bytes, size_t length, struct fault *why) MUST_CHECK;
/* Calls visit for every period for which the subject has a saved block. */
enum status store_block_periods(struct store *store, const char *subject, store_period_visitor *visit, void *context,
                                struct fault *why) MUST_CHECK;

/* ---- what the office keeps --------------------------------------------------------------------------------------------- */

/* Catalogue files in force, so that a store can be asked without its configuration. */
enum status store_save_catalogue(struct store *store, const struct catalogue *catalogue, struct fault *why) MUST_CHECK;
enum status store_load_catalogue(struct store *store, struct catalogue **ret_catalogue, struct findings *findings,
                                 struct fault *why) MUST_CHECK;

struct alert_row {
    char alert[160];         /* identity: kind.subject */
    char kind[33], state[17], severity[17];
    char subject[65];        /* goal */
    char unit[65], office[257];
    int64_t since;           /* Unix ms of the last change of state */
    char detail[512];
    char acked_by[257], note[513];
};
/* *ret_rows is yours to free(). */
enum status store_alerts(struct store *store, struct alert_row **ret_rows, size_t *ret_count, struct fault *why)
    MUST_CHECK;
enum status store_save_alert(struct store *store, const struct alert_row *row, struct fault *why) MUST_CHECK;

struct agent_row {           /* what the aggregator knows of each agent for `status` */
    char agent[65];
    bool connected;          /* as of the last change written */
    int64_t last_seen, last_submission; /* Unix ms, 0 when never */
    uint64_t backlog, refused;
    int64_t clock_skew_ms;   /* agent minus aggregator */
    char software[64];
};
enum status store_agents(struct store *store, struct agent_row **ret_rows, size_t *ret_count, struct fault *why)
    MUST_CHECK;
enum status store_save_agent(struct store *store, const struct agent_row *row, struct fault *why) MUST_CHECK;

struct publication {         /* a named, signed as-of point of a period's figures; see office/publication.h */
    char name[65];
    struct period period;
    uint64_t entry;                         /* the figures as of this entry ... */
    unsigned char ledger_hash[SEAL_HASH];   /* ... of the ledger that has this chain value there */
    int64_t published_at;
    char note[513];
    unsigned char catalogue_hash[SEAL_HASH];
    unsigned char figures_hash[SEAL_HASH];  /* over the CSV of the period's figures */
    unsigned char signer[SEAL_PUBLIC];
    unsigned char signature[SEAL_SIGNATURE];
};
/* By time of publication; *ret_rows is yours to free(). */
enum status store_publications(struct store *store, struct publication **ret_rows, size_t *ret_count,
                               struct fault *why) MUST_CHECK;
enum status store_publication(struct store *store, const char *name, bool *ret_found, struct publication *ret_row,
                              struct fault *why) MUST_CHECK;
/* A name is given once: *ret_added is false when it is taken. */
enum status store_add_publication(struct store *store, const struct publication *row, bool *ret_added,
                                  struct fault *why) MUST_CHECK;
/* The catalogue of that hash, as kept when it was in force; *ret_catalogue is NULL when it was not kept. */
enum status store_load_catalogue_of(struct store *store, const unsigned char hash[SEAL_HASH],
                                    struct catalogue **ret_catalogue, struct findings *findings, struct fault *why)
    MUST_CHECK;

/* ---- proof: what somebody else needs to check the ledger (proof.h) ------------------------------------------------- */

struct registry_row {        /* who was allowed and what was in force, for the entries after `after` */
    uint64_t number;         /* from 1 without gaps */
    char kind[16];           /* "aggregator", "agent": key signs; "catalogue": key is its hash */
    char name[65];
    unsigned char key[SEAL_PUBLIC];
    char scope[65];          /* agent: unit; else "" */
    char status[16];         /* "active", "revoked" */
    uint64_t after;
    int64_t seen_at;
    unsigned char hash[SEAL_HASH]; /* chained */
};
enum status store_registry(struct store *store, struct registry_row **ret_rows, size_t *ret_count, struct fault *why)
    MUST_CHECK;              /* by number; *ret_rows is yours to free() */
enum status store_add_registry(struct store *store, const struct registry_row *row, struct fault *why) MUST_CHECK;

/* The ledger's chain value at the entry. */
enum status store_hash_at(struct store *store, uint64_t entry, unsigned char ret_hash[SEAL_HASH], bool *ret_found,
                          struct fault *why) MUST_CHECK;
struct checkpoint_row {
    uint64_t entry;
    char text[CHECKPOINT_TEXT];
};
enum status store_checkpoints(struct store *store, uint64_t after, struct checkpoint_row **ret_rows, size_t *ret_count,
                              struct fault *why) MUST_CHECK; /* by entry; *ret_rows is yours to free() */
enum status store_newest_checkpoint(struct store *store, bool *ret_found, struct checkpoint_row *ret_row,
                                    struct fault *why) MUST_CHECK;
enum status store_add_checkpoint(struct store *store, uint64_t entry, const char *text, struct fault *why) MUST_CHECK;

/* Every catalogue that was in force, by version; `after`: the last entry decided under the one before. *ret_rows is yours
 * to free(). Its files: store_catalogue_files calls visit for each, borrowed for the call. */
struct catalogue_row {
    int64_t version;
    unsigned char hash[SEAL_HASH];
    uint64_t after;
};
typedef void store_file_visitor(void *context, const char *name, const char *bytes, size_t length);
enum status store_catalogues(struct store *store, struct catalogue_row **ret_rows, size_t *ret_count, struct fault *why)
    MUST_CHECK;
enum status store_catalogue_files(struct store *store, int64_t version, store_file_visitor *visit, void *context,
                                  struct fault *why) MUST_CHECK;
/* STATUS_REFUSED when its files no longer have this hash. */
enum status store_load_catalogue_version(struct store *store, int64_t version, const unsigned char hash[SEAL_HASH],
                                         struct catalogue **ret_catalogue, struct findings *findings, struct fault *why)
    MUST_CHECK;

/* Whether the entry is in the index of (form, period); the period with any entry after `after`. */
enum status store_is_touched(struct store *store, const char *form, const char *period, uint64_t entry,
                             bool *ret_touched, struct fault *why) MUST_CHECK;
typedef void store_touch_visitor(void *context, const char *form, const char *period);
enum status store_touched_since(struct store *store, const char *form, uint64_t after, store_touch_visitor *visit,
                                void *context, struct fault *why) MUST_CHECK;
/* Visits the whole index; a visitor that says false ends the walk. It may not ask this store. */
typedef bool store_touched_visitor(void *context, const char *form, const char *period, uint64_t entry);
enum status store_touches(struct store *store, store_touched_visitor *visit, void *context, struct fault *why) MUST_CHECK;
/* Visits every saved block; a visitor that says false ends the walk. It may not ask the store. Bytes that do not bear
 * their seal have length 0. */
typedef bool store_block_visitor(void *context, const char *subject, const char *period, uint32_t block,
                                 const unsigned char *bytes, size_t length);
enum status store_blocks(struct store *store, store_block_visitor *visit, void *context, struct fault *why) MUST_CHECK;
/* The same in slices, as the blocks lie in the file: from *place (0 at first) on, until about `bytes` were read. *ret_end when
 * there are no more. */
enum status store_blocks_slice(struct store *store, int64_t *place, size_t bytes, store_block_visitor *visit, void *context,
                               bool *ret_end, struct fault *why) MUST_CHECK;
/* Looks through the file for damage that shows without understanding it (indexes too when `indexes`); *ret_sound, and in
 * ret_detail the first thing that is not. */
enum status store_check_file(struct store *store, bool indexes, bool *ret_sound, char *ret_detail, size_t capacity,
                             struct fault *why) MUST_CHECK;

/* ---- published rows: figures, goals and reports for other programs (plain-sql.md) ------------------------------------- */

struct published_figure {    /* texts borrowed; figures as text, NULL when there is none */
    const char *kind;        /* "indicator", "element" */
    const char *code, *name, *unit, *unit_name, *level;
    struct period period;
    const char *value, *numerator, *denominator;
    int64_t value_units;     /* value in units of 10^-value_scale; only with a value */
    uint8_t value_scale;
    uint64_t reported, expected;
    const char *flag;
};
struct published_report {
    const char *form, *form_name, *unit, *unit_name, *level;
    struct period period;
    uint64_t expected, received, on_time, clean;
};
#define PUBLISHED_GOAL_CELLS 17 /* the columns of `progress`, in its order */

/* Publish these; `updated_at` is printed with them. Inside a write transaction. */
enum status store_publish_figure(struct store *store, const struct published_figure *figure, const char *updated_at,
                                 struct fault *why) MUST_CHECK;
enum status store_publish_report(struct store *store, const struct published_report *report, const char *updated_at,
                                 struct fault *why) MUST_CHECK;
enum status store_publish_goal(struct store *store, const char *const cells[PUBLISHED_GOAL_CELLS], const char *judged_on,
                               const char *updated_at, struct fault *why) MUST_CHECK;
enum status store_unpublish_goals(struct store *store, struct fault *why) MUST_CHECK;
enum status store_unpublish(struct store *store, struct fault *why) MUST_CHECK; /* all of it: another catalogue */
/* True when the row is published just so; or is not there and says that nothing is owed and nothing was reported. */
enum status store_is_published(struct store *store, const struct published_figure *figure, bool *ret_same,
                               struct fault *why) MUST_CHECK;
/* Visits every published figure (name, unit_name and level are NULL); a visitor that says false ends the walk. */
typedef bool store_figure_visitor(void *context, const struct published_figure *figure);
enum status store_published_figures(struct store *store, store_figure_visitor *visit, void *context, struct fault *why)
    MUST_CHECK;
/* The published rows are exact as of this entry, under the catalogue of this hash. 0: nothing is published. */
enum status store_published_as_of(struct store *store, const unsigned char catalogue[SEAL_HASH], uint64_t *ret_entry,
                                  struct fault *why) MUST_CHECK;
enum status store_set_published_as_of(struct store *store, const unsigned char catalogue[SEAL_HASH], uint64_t entry,
                                      struct fault *why) MUST_CHECK;

/* ---- backups (store_backup.c; backup.h makes and restores them) -------------------------------------------------------- */

/* Copies what the open snapshot sees into a new file (0600), not yet synced. STATUS_BROKEN when it cannot be written; a
 * part of it may be left then. `progress` may be NULL: pages done, pages in all. */
typedef void store_progress(void *context, uint64_t done, uint64_t all);
enum status store_copy(struct store *store, const char *path, store_progress *progress, void *context, struct fault *why)
    MUST_CHECK;
/* The newest verified backup that the store was told of. */
struct backup_mark {
    uint64_t entry;          /* newest entry in it */
    int64_t made_at;         /* Unix ms */
    unsigned char hash[SEAL_HASH]; /* the ledger's chain value there */
};
enum status store_backup(struct store *store, bool *ret_found, struct backup_mark *ret_mark, struct fault *why) MUST_CHECK;
enum status store_set_backup(struct store *store, const struct backup_mark *mark, struct fault *why) MUST_CHECK;
/* Highest batch of an outbox in the ledger up to the entry, 0 when there is none. */
enum status store_batch_at(struct store *store, const char *agent, const unsigned char outbox[16], uint64_t entry,
                           uint64_t *ret_seq, struct fault *why) MUST_CHECK;
/* A restored store is another one than the one that was lost: what agents knew of that no longer holds. */
enum status store_renew(struct store *store, const unsigned char generation[16], struct fault *why) MUST_CHECK;
/* The writer's lock without the store, for whoever puts another file into its place. STATUS_AGAIN when it is held. */
enum status store_hold(const char *path, int *ret_hold, struct fault *why) MUST_CHECK;
void store_let_go(int hold);

/* 16 random bytes made with the file. */
enum status store_generation(struct store *store, unsigned char ret_generation[16], struct fault *why) MUST_CHECK;
/* Idle work of the one writer: a passive checkpoint when the log has grown. */
void store_idle(struct store *store);

#endif
