/* outbox_inside.h - what outbox.c and outbox_rescue.c share. Nobody else includes it. */
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

/* Opens the file with every pragma read back; makes the tables when it is new. outbox_is_damaged tells a file that can no
 * longer be read, or is not what it was, from one that is out of order for another reason or not ours. */
enum status outbox_file_open(const char *path, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                             sqlite3 **ret_db, struct fault *why) MUST_CHECK;
/* Whether it has the tables and columns of an outbox of this version, and no others. */
bool outbox_has_its_tables(sqlite3 *db);
/* Status of an SQLite answer, with its text in *why. */
enum status outbox_sql_failed(sqlite3 *db, int code, struct fault *why);
enum status outbox_sql(sqlite3 *db, const char *sql, struct fault *why) MUST_CHECK;
/* Whether the trouble is with the machine as it is just now: no reason to give up a file. */
bool outbox_trouble_passes(int code);
/* Whether nothing is left of an outbox that was made in the folder before. */
bool outbox_is_gone(const char *folder);
/* Whether a call failed because the file is damaged: there is outbox_rescue for that. */
bool outbox_is_damaged(enum status status, const struct fault *why);
/* Whether the batches that the aggregator has not committed still follow from each other, from their beginning on; else the
 * file is damaged. */
enum status outbox_chain_check(sqlite3 *db, const char *agent, struct fault *why) MUST_CHECK;

/* The table of what is kept of the aggregator's ledger (outbox_witness.c): made when it lacks, read whole, written whole. */
enum status outbox_witness_tables(sqlite3 *db, struct fault *why) MUST_CHECK;
enum status outbox_witness_load(sqlite3 *db, struct outbox_witness *ret_witness, struct fault *why) MUST_CHECK;
enum status outbox_witness_save(sqlite3 *db, const struct outbox_witness *witness, struct fault *why) MUST_CHECK;

/* Inside a transaction of the caller: new id, unacknowledged batches (and those from `from` on, when it is not 0) numbered
 * from 1, chained and signed anew. */
enum status outbox_renumber(sqlite3 *db, const char *agent, const unsigned char sign_secret[SEAL_SECRET], uint64_t from,
                            struct fault *why) MUST_CHECK;
/* Signs every batch held anew when one on its way, or the newest, is not signed with this key: the agent has another key
 * since, and the old one may be revoked by the time they are delivered, or offered again. Numbers, bytes and chain stay as they are. */
enum status outbox_sign_anew(sqlite3 *db, const char *agent, const unsigned char outbox[16],
                             const unsigned char sign_secret[SEAL_SECRET], struct fault *why) MUST_CHECK;
/* Sets the damaged file aside, and puts a new one at its path with what can be read of it; without `salvage` an empty one. */
enum status outbox_rescue(const char *path, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                          int64_t now_s, bool salvage, struct fault *ret_note, struct fault *why) MUST_CHECK;
/* Before the file is opened: brings to its end a rescue that was interrupted. */
enum status outbox_rescue_finish(const char *path, int64_t now_s, struct fault *why) MUST_CHECK;

#endif
