/* outbox_inside.h - what the outbox*.c files share: the open outbox, its statements, and the file below it. Nobody else
 * includes it. */
#ifndef COLLECTORS_OUTBOX_INSIDE_H
#define COLLECTORS_OUTBOX_INSIDE_H

#include "fault.h"
#include "outbox.h"
#include "seal.h"
#include "status.h"

#include <sqlite3.h>
#include <stdbool.h>

#define OUTBOX_APPLICATION 0x53504F31 /* "SPO1" */
#define OUTBOX_VERSION 1

enum statement {
    SQL_MANIFEST_FIND,
    SQL_MANIFEST_ADD,
    SQL_MANIFEST_LOST,
    SQL_MANIFEST_AGAIN,
    SQL_MANIFEST_LOSE,
    SQL_LOST_FILES,
    SQL_MANIFEST_PLACE,
    SQL_BATCH_ADD,
    SQL_BATCH_GET,
    SQL_BATCH_AFTER,
    SQL_BATCH_MANIFEST,
    SQL_WORD_FIND,
    SQL_WORD_ADD,
    SQL_KNOWN_GET,
    SQL_KNOWN_SET,
    SQL_KNOWN_FORGET,
    SQL_META_TAKEN,
    SQL_META_ACKED,
    SQL_META_REFUSED,
    SQL_OLDEST,
    SQL_PRUNE,
    SQL_USED,
    SQL_COUNT,
};

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *sql[SQL_COUNT];
    int lock_fd;
    char *agent;
    unsigned char sign_secret[SEAL_SECRET];
    struct outbox_identity identity;
    uint64_t backed;
    struct outbox_witness witness;
    uint64_t held_there; /* what the aggregator holds, as it said since the outbox was opened */
    struct fault rescue; /* MESSAGE_NONE when nothing was damaged */
    struct word *words;  /* outbox_known.c: open addressing over codes */
    size_t word_mask, word_count;
    struct batch *decoded; /* the batch last asked for an origin */
    uint64_t decoded_seq;  /* 0: none */
    size_t superseded;     /* records the last take left out */
};

/* outbox_sql.c */
/* Status of an SQLite answer, with its text in *why. */
enum status outbox_sql_failed(sqlite3 *db, int code, struct fault *why);
/* Whether the trouble is with the machine as it is just now: no reason to give up a file. */
bool outbox_trouble_passes(int code);
/* Whether a call failed because the file is damaged: there is outbox_rescue for that. */
bool outbox_is_damaged(enum status status, const struct fault *why);
enum status outbox_sql(sqlite3 *db, const char *sql, struct fault *why) MUST_CHECK;
/* First column of the first row as text; false when there is none. */
bool outbox_ask(sqlite3 *db, const char *sql, char *ret_text, size_t capacity, int *ret_code);
/* The end of a transaction that came to `status`: committed, or rolled back. */
enum status outbox_sql_end(sqlite3 *db, enum status status, struct fault *why) MUST_CHECK;
enum status outbox_prepare(struct outbox *outbox, struct fault *why) MUST_CHECK;
enum status outbox_failed(struct outbox *outbox, int code, struct fault *why);
/* Runs a bound statement that answers no rows, and leaves it ready for the next time. */
enum status outbox_run(struct outbox *outbox, enum statement which, struct fault *why) MUST_CHECK;
/* The bytes are borrowed till the statement has run. */
void outbox_bind_blob(sqlite3_stmt *statement, int at, const void *bytes, size_t length);

/* outbox.c */
enum status outbox_read_identity(struct outbox *outbox, struct fault *why) MUST_CHECK;

/* outbox_known.c */
int64_t outbox_period_number(struct period period);
/* Number of a code, 0 when it has none and `add` is false. */
enum status outbox_word_of(struct outbox *outbox, const char *code, bool add, int64_t *ret_id, struct fault *why) MUST_CHECK;
/* Numbers given out in a transaction that was rolled back must not be remembered. */
void outbox_forget_words(struct outbox *outbox);
enum status outbox_forget_known(struct outbox *outbox, const struct batch *batch, const struct batch_record *record,
                                struct fault *why) MUST_CHECK;

/* outbox_batches.c */
/* STATUS_REFUSED, and why. */
enum status outbox_not_held(uint64_t seq, struct fault *why);
/* Steps to the row of a batch; the caller resets SQL_BATCH_GET (or lends its blob out till the next call). */
enum status outbox_find_batch(struct outbox *outbox, uint64_t seq, struct fault *why) MUST_CHECK;

/* outbox_file.c */
/* Opens the file with every pragma read back; makes the tables when it is new. outbox_is_damaged tells a file that can no
 * longer be read, or is not what it was, from one that is out of order for another reason or not ours. */
enum status outbox_file_open(const char *path, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                             sqlite3 **ret_db, struct fault *why) MUST_CHECK;
/* Whether it has the tables and columns of an outbox of this version, and no others. */
bool outbox_has_its_tables(sqlite3 *db);
/* Whether nothing is left of an outbox that was made in the folder before. */
bool outbox_is_gone(const char *folder);
/* Whether the batches that the aggregator has not committed still follow from each other, from their beginning on; else the
 * file is damaged. */
enum status outbox_chain_check(sqlite3 *db, const char *agent, struct fault *why) MUST_CHECK;
/* Whether a row's bytes lead from its chain value before to the one after; columns by their place. */
bool outbox_link_holds(sqlite3_stmt *row, int chain_before, int chain, int bytes);
/* Whether a batch on its way, or the newest, bears another key's signature, or none that is any good. */
bool outbox_is_signed_otherwise(sqlite3 *db, const char *agent, const unsigned char outbox[16],
                                const unsigned char sign_secret[SEAL_SECRET]);

/* outbox_witness.c */
/* The table of what is kept of the aggregator's ledger: made when it lacks, read whole. */
enum status outbox_witness_tables(sqlite3 *db, struct fault *why) MUST_CHECK;
enum status outbox_witness_load(sqlite3 *db, struct outbox_witness *ret_witness, struct fault *why) MUST_CHECK;

/* outbox_rebirth.c */
/* Inside a transaction of the caller: new id, unacknowledged batches (and those from `from` on, when it is not 0) numbered
 * from 1, chained and signed anew. */
enum status outbox_renumber(sqlite3 *db, const char *agent, const unsigned char sign_secret[SEAL_SECRET], uint64_t from,
                            struct fault *why) MUST_CHECK;
/* Signs every batch held anew when one on its way, or the newest, is not signed with this key: the agent has another key
 * since, and the old one may be revoked by the time they are delivered, or offered again. Numbers, bytes and chain stay as
 * they are. */
enum status outbox_sign_anew(sqlite3 *db, const char *agent, const unsigned char outbox[16],
                             const unsigned char sign_secret[SEAL_SECRET], struct fault *why) MUST_CHECK;

/* outbox_rescue.c */
/* Sets the damaged file aside, and puts a new one at its path with what can be read of it; without `salvage` an empty
 * one. */
enum status outbox_rescue(const char *path, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                          int64_t now_s, bool salvage, struct fault *ret_note, struct fault *why) MUST_CHECK;
/* Before the file is opened: brings to its end a rescue that was interrupted. */
enum status outbox_rescue_finish(const char *path, int64_t now_s, struct fault *why) MUST_CHECK;

#endif
