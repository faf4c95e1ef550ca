/* outbox_rebirth.c - the same batches under a new name: numbered, chained and signed anew when the aggregator knows another
 * history under the old one, or signed with the agent's new key. */
#include "outbox_inside.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- new numbers ------------------------------------------------------------------------------------------------ */

struct renumbering {
    sqlite3 *db;
    const char *agent;
    const unsigned char *secret;
    unsigned char id[16], chain[SEAL_HASH];
    int64_t behind, next; /* batches up to `behind` are left behind */
    sqlite3_stmt *find, *update, *meta;
};

static enum status renumber_one(struct renumbering *work, int64_t seq, const unsigned char *bytes, size_t length,
                                struct fault *why)
{
    unsigned char before[SEAL_HASH], digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    int code;
    memcpy(before, work->chain, SEAL_HASH);
    seal_chain_next(before, bytes, length, work->chain);
    seal_batch_digest(work->agent, work->id, (uint64_t)work->next, work->chain, digest);
    seal_sign(digest, work->secret, signature);
    sqlite3_bind_int64(work->update, 1, seq);
    sqlite3_bind_int64(work->update, 2, work->next);
    sqlite3_bind_blob(work->update, 3, before, SEAL_HASH, SQLITE_TRANSIENT);
    sqlite3_bind_blob(work->update, 4, work->chain, SEAL_HASH, SQLITE_TRANSIENT);
    sqlite3_bind_blob(work->update, 5, signature, SEAL_SIGNATURE, SQLITE_TRANSIENT);
    code = sqlite3_step(work->update);
    sqlite3_reset(work->update);
    work->next++;
    return code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(work->db, code, why);
}

/* Bytes that changed on the disk must not be signed anew. Their file is lost to this outbox, as after outbox_lose, unless it
 * was lost before and taken again: then its batches are later ones. */
static enum status leave_out(struct renumbering *work, int64_t seq, struct fault *why)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE manifest SET first_batch = -1, last_batch = -1"
                   " WHERE id = (SELECT manifest FROM batch WHERE seq = %lld) AND %lld BETWEEN first_batch AND last_batch;"
                   "DELETE FROM batch WHERE seq = %lld",
                   (long long)seq, (long long)seq, (long long)seq);
    return outbox_sql(work->db, sql, why);
}

/* New numbers never exceed the old ones, and the old ones are gone through upwards, so a number is free when it is
 * given. */
static enum status renumber_all(struct renumbering *work, struct fault *why)
{
    int64_t after = work->behind;
    for (;;) {
        enum status status;
        int64_t seq;
        int code;
        sqlite3_bind_int64(work->find, 1, after);
        code = sqlite3_step(work->find);
        if (code != SQLITE_ROW) {
            sqlite3_reset(work->find);
            return code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(work->db, code, why);
        }
        seq = sqlite3_column_int64(work->find, 0);
        const bool is_sound = outbox_link_holds(work->find, 2, 3, 1);
        unsigned char *bytes = memory_array((size_t)sqlite3_column_bytes(work->find, 1), 1);
        const size_t length = (size_t)sqlite3_column_bytes(work->find, 1);
        memcpy(bytes, sqlite3_column_blob(work->find, 1), length);
        sqlite3_reset(work->find);
        status = is_sound ? renumber_one(work, seq, bytes, length, why) : leave_out(work, seq, why);
        free(bytes);
        if (status != STATUS_OK)
            return status;
        after = seq;
    }
}

static enum status start_renumbering(struct renumbering *work, uint64_t from, struct fault *why)
{
    char kept_there[32] = "0", sql[80];
    int code;
    enum status status;
    /* What is committed but in no backup yet comes along: an aggregator restored later would not know whom to ask. */
    if (!outbox_ask(work->db, "SELECT min(acked, backed) FROM meta", kept_there, sizeof(kept_there), &code))
        return outbox_sql_failed(work->db, code, why);
    work->behind = strtoll(kept_there, NULL, 10);
    if (from != 0 && from <= (uint64_t)work->behind)
        work->behind = (int64_t)from - 1;
    work->next = 1;
    seal_random(work->id, sizeof(work->id));
    seal_chain_start(work->agent, work->id, work->chain);
    (void)snprintf(sql, sizeof(sql), "DELETE FROM batch WHERE seq <= %lld", (long long)work->behind);
    status = outbox_sql(work->db, sql, why);
    if (status != STATUS_OK)
        return status;
    code = sqlite3_prepare_v2(work->db, "SELECT seq, bytes, chain_before, chain FROM batch WHERE seq > ?1"
                                        " ORDER BY seq LIMIT 1",
                              -1, &work->find, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(work->db,
                                  "UPDATE batch SET seq = ?2, chain_before = ?3, chain = ?4, signature = ?5"
                                  " WHERE seq = ?1",
                                  -1, &work->update, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(work->db,
                                  "UPDATE meta SET outbox = ?1, epoch = epoch + 1, high = ?2, chain = ?3, acked = 0,"
                                  " backed = 0",
                                  -1, &work->meta, NULL);
    return code == SQLITE_OK ? STATUS_OK : outbox_sql_failed(work->db, code, why);
}

enum status outbox_renumber(sqlite3 *db, const char *agent, const unsigned char sign_secret[SEAL_SECRET], uint64_t from,
                            struct fault *why)
{
    struct renumbering work = {.db = db, .agent = agent, .secret = sign_secret};
    enum status status = start_renumbering(&work, from, why);
    if (status == STATUS_OK)
        status = renumber_all(&work, why);
    if (status == STATUS_OK) {
        int code;
        sqlite3_bind_blob(work.meta, 1, work.id, sizeof(work.id), SQLITE_STATIC);
        sqlite3_bind_int64(work.meta, 2, work.next - 1);
        sqlite3_bind_blob(work.meta, 3, work.chain, SEAL_HASH, SQLITE_STATIC);
        code = sqlite3_step(work.meta);
        status = code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(db, code, why);
    }
    if (status == STATUS_OK)
        status = outbox_sql(db, "UPDATE manifest SET first_batch = 0, last_batch = 0 WHERE first_batch > 0;"
                                "UPDATE manifest SET first_batch = b.low, last_batch = b.high FROM"
                                " (SELECT manifest, min(seq) AS low, max(seq) AS high FROM batch GROUP BY manifest) b"
                                " WHERE b.manifest = manifest.id AND manifest.first_batch >= 0", why);
    sqlite3_finalize(work.find);
    sqlite3_finalize(work.update);
    sqlite3_finalize(work.meta);
    return status;
}

enum status outbox_rebirth(struct outbox *outbox, uint64_t from, struct fault *why)
{
    enum status status;
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    outbox->decoded_seq = 0;
    status = outbox_sql(outbox->db, "BEGIN IMMEDIATE", why);
    if (status != STATUS_OK)
        return status;
    status = outbox_renumber(outbox->db, outbox->agent, outbox->sign_secret, from, why);
    status = outbox_sql_end(outbox->db, status, why);
    outbox->held_there = 0;
    return status == STATUS_OK ? outbox_read_identity(outbox, why) : status;
}

/* ---- another key ------------------------------------------------------------------------------------------------ */

static int sign_rows(sqlite3 *db, const char *agent, const unsigned char outbox[16],
                     const unsigned char sign_secret[SEAL_SECRET])
{
    unsigned char digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    sqlite3_stmt *row = NULL, *update = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT seq, chain FROM batch ORDER BY seq", -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(db, "UPDATE batch SET signature = ?2 WHERE seq = ?1", -1, &update, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        code = SQLITE_CORRUPT;
        if (sqlite3_column_bytes(row, 1) != SEAL_HASH)
            break;
        seal_batch_digest(agent, outbox, (uint64_t)sqlite3_column_int64(row, 0), sqlite3_column_blob(row, 1), digest);
        seal_sign(digest, sign_secret, signature);
        sqlite3_bind_int64(update, 1, sqlite3_column_int64(row, 0));
        sqlite3_bind_blob(update, 2, signature, SEAL_SIGNATURE, SQLITE_STATIC);
        code = sqlite3_step(update);
        sqlite3_reset(update);
        code = code == SQLITE_DONE ? SQLITE_OK : code;
    }
    sqlite3_finalize(row);
    sqlite3_finalize(update);
    return code;
}

enum status outbox_sign_anew(sqlite3 *db, const char *agent, const unsigned char outbox[16],
                             const unsigned char sign_secret[SEAL_SECRET], struct fault *why)
{
    if (!outbox_is_signed_otherwise(db, agent, outbox, sign_secret))
        return STATUS_OK;
    enum status status = outbox_sql(db, "BEGIN IMMEDIATE", why);
    if (status != STATUS_OK)
        return status;
    const int code = sign_rows(db, agent, outbox, sign_secret);
    return outbox_sql_end(db, code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(db, code, why), why);
}
