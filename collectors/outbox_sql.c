/* outbox_sql.c - every statement of an open outbox, prepared once, and what SQLite's answers mean here: what passes by
 * itself (a full disk, a lock) is tried again, what does not is the machine's trouble or a damaged file. */
#include "outbox_inside.h"

#include <stdio.h>

static const char *const statements[SQL_COUNT] = {
    [SQL_MANIFEST_FIND] = "SELECT taken_at FROM manifest WHERE hash = ?1 AND first_batch >= 0",
    [SQL_MANIFEST_LOST] = "SELECT id FROM manifest WHERE hash = ?1 AND first_batch < 0",
    [SQL_MANIFEST_AGAIN] = "UPDATE manifest SET file = ?2, taken_at = ?3, records = ?4, refused = ?5, first_batch = ?6,"
                           " last_batch = ?7, path_refused = ?8 WHERE hash = ?1",
    [SQL_MANIFEST_LOSE] = "UPDATE manifest SET first_batch = -1, last_batch = -1"
                          " WHERE first_batch > 0 AND first_batch <= ?2 AND last_batch >= ?1",
    [SQL_LOST_FILES] = "SELECT file, path_done FROM manifest WHERE first_batch < 0 ORDER BY taken_at, id",
    [SQL_MANIFEST_ADD] = "INSERT INTO manifest (hash, file, taken_at, records, refused, first_batch, last_batch,"
                         " path_refused) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_MANIFEST_PLACE] = "UPDATE manifest SET path_done = coalesce(?2, path_done),"
                           " path_refused = coalesce(?3, path_refused) WHERE hash = ?1",
    [SQL_BATCH_ADD] = "INSERT INTO batch (seq, manifest, chain_before, chain, signature, bytes)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_BATCH_GET] = "SELECT chain_before, chain, signature, bytes, seq FROM batch WHERE seq >= ?1 ORDER BY seq",
    [SQL_BATCH_AFTER] = "SELECT min(seq) FROM batch WHERE seq > ?1",
    [SQL_BATCH_MANIFEST] = "SELECT m.path_done, m.path_refused, m.file, m.hash FROM batch b"
                           " JOIN manifest m ON m.id = b.manifest WHERE b.seq = ?1",
    [SQL_WORD_FIND] = "SELECT id FROM word WHERE code = ?1",
    [SQL_WORD_ADD] = "INSERT INTO word (code) VALUES (?1)",
    [SQL_KNOWN_GET] = "SELECT revision, status, decimals, value FROM known"
                      " WHERE element = ?1 AND period = ?2 AND unit = ?3",
    /* Without a revision a figure becomes the live one + 1; a lower one is history and changes nothing. */
    [SQL_KNOWN_SET] = "INSERT INTO known (element, period, unit, revision, status, decimals, value)"
                      " VALUES (?1, ?2, ?3, max(?4, 1), ?5, ?6, ?7) ON CONFLICT DO UPDATE SET"
                      " revision = CASE ?4 WHEN 0 THEN revision + 1 ELSE ?4 END, status = ?5, decimals = ?6, value = ?7"
                      " WHERE ?4 = 0 OR ?4 >= revision",
    [SQL_KNOWN_FORGET] = "DELETE FROM known WHERE element = ?1 AND period = ?2 AND unit = ?3",
    [SQL_META_TAKEN] = "UPDATE meta SET high = ?1, chain = ?2, refused = refused + ?3",
    [SQL_META_ACKED] = "UPDATE meta SET acked = max(acked, ?1), backed = ?2",
    [SQL_META_REFUSED] = "UPDATE meta SET refused = refused + 1",
    [SQL_OLDEST] = "SELECT b.seq, m.taken_at FROM batch b LEFT JOIN manifest m ON m.id = b.manifest WHERE b.seq <= ?1"
                   " ORDER BY b.seq LIMIT ?2",
    [SQL_PRUNE] = "DELETE FROM batch WHERE seq <= ?1",
    [SQL_USED] = "SELECT (page_count - freelist_count) * page_size, freelist_count * page_size"
                 " FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
};

/* A sector that can no longer be read is damage like any other. */
static bool is_damage(int code)
{
    return code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS;
}

bool outbox_trouble_passes(int code)
{
    const int kind = code & 0xFF;
    return kind == SQLITE_NOMEM || kind == SQLITE_FULL || kind == SQLITE_BUSY || kind == SQLITE_LOCKED ||
           kind == SQLITE_CANTOPEN || kind == SQLITE_PERM || kind == SQLITE_READONLY || kind == SQLITE_MISUSE ||
           (kind == SQLITE_IOERR && !is_damage(code));
}

enum status outbox_sql_failed(sqlite3 *db, int code, struct fault *why)
{
    switch (code & 0xFF) {
    case SQLITE_FULL:
        fault_set(why, MESSAGE_OUTBOX_FULL, NULL);
        return STATUS_AGAIN;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        fault_set(why, MESSAGE_OUTBOX_FAILED, sqlite3_errmsg(db), NULL);
        return STATUS_AGAIN;
    case SQLITE_IOERR:
        /* A quota or a size limit is a full disk too, but SQLite only knows ENOSPC by that name. What could not be
         * written was never committed, so trying again is safe; after a failed sync nothing is certain any more. */
        if (code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE || code == SQLITE_IOERR_TRUNCATE) {
            fault_set(why, MESSAGE_OUTBOX_FULL, NULL);
            return STATUS_AGAIN;
        }
        break;
    default:
        break;
    }
    if (outbox_trouble_passes(code))
        fault_set(why, MESSAGE_OUTBOX_FAILED, sqlite3_errmsg(db), NULL);
    else
        fault_set(why, MESSAGE_OUTBOX_DAMAGED, sqlite3_errcode(db) == SQLITE_OK ? sqlite3_errstr(code) : sqlite3_errmsg(db), NULL);
    return STATUS_BROKEN;
}

bool outbox_is_damaged(enum status status, const struct fault *why)
{
    return status == STATUS_BROKEN && why->message == MESSAGE_OUTBOX_DAMAGED;
}

enum status outbox_sql(sqlite3 *db, const char *sql, struct fault *why)
{
    const int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : outbox_sql_failed(db, code, why);
}

bool outbox_ask(sqlite3 *db, const char *sql, char *ret_text, size_t capacity, int *ret_code)
{
    sqlite3_stmt *statement = NULL;
    bool answered = false;
    *ret_code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (*ret_code == SQLITE_OK)
        *ret_code = sqlite3_step(statement);
    if (*ret_code == SQLITE_ROW) {
        const unsigned char *text = sqlite3_column_text(statement, 0);
        answered = text != NULL && snprintf(ret_text, capacity, "%s", (const char *)text) < (int)capacity;
    }
    sqlite3_finalize(statement);
    return answered;
}

enum status outbox_sql_end(sqlite3 *db, enum status status, struct fault *why)
{
    if (status == STATUS_OK)
        status = outbox_sql(db, "COMMIT", why);
    if (status != STATUS_OK && sqlite3_get_autocommit(db) == 0)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL); /* the failure before it is what counts */
    return status;
}

enum status outbox_prepare(struct outbox *outbox, struct fault *why)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        const int code = sqlite3_prepare_v3(outbox->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &outbox->sql[i],
                                            NULL);
        if (code != SQLITE_OK)
            return outbox_failed(outbox, code, why);
    }
    return STATUS_OK;
}

enum status outbox_failed(struct outbox *outbox, int code, struct fault *why)
{
    return outbox_sql_failed(outbox->db, code, why);
}

enum status outbox_run(struct outbox *outbox, enum statement which, struct fault *why)
{
    const int code = sqlite3_step(outbox->sql[which]);
    const enum status status = code == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, code, why);
    sqlite3_reset(outbox->sql[which]);
    return status;
}

void outbox_bind_blob(sqlite3_stmt *statement, int at, const void *bytes, size_t length)
{
    sqlite3_bind_blob64(statement, at, bytes, length, SQLITE_STATIC);
}
