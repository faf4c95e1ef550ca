/* store_backup.c - a copy of the store while it is being written, what the store knows of its newest backup, and the new
 * life it begins when it comes out of one.
 *
 * The copy is made by SQLite's backup over a connection that only reads. It holds one snapshot from the first page to the
 * last, so a commit meanwhile neither shows in the copy nor makes it start again; the one writer is not disturbed, only its
 * log cannot begin anew before the copy is done. The copy is a file of its own without a log, so that it can be read from
 * where nothing may be written. */
#include "store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES_A_STEP 1024 /* progress is told after each */
#define MARK_BYTES (8 + 8 + SEAL_HASH)

/* ---- the copy ---------------------------------------------------------------------------------------------------------- */

static enum status copy_failed(sqlite3 *copy, int result, const char *path, struct fault *why)
{
    const int kind = result & 0xff;
    /* A quota and a size limit are a full disk too; SQLite calls only ENOSPC so. */
    if (kind == SQLITE_FULL || result == SQLITE_IOERR_WRITE || result == SQLITE_IOERR_TRUNCATE)
        fault_set(why, MESSAGE_BACKUP_FULL, path, NULL);
    else
        fault_set(why, MESSAGE_CANNOT_WRITE, path, sqlite3_errmsg(copy), NULL);
    return STATUS_BROKEN;
}

/* A copy that was interrupted is thrown away: it needs no journal, and is synced once, as a whole, by whoever asked. */
static int open_copy(const char *path, sqlite3 **ret_copy)
{
    const int result =
        sqlite3_open_v2(path, ret_copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    return result == SQLITE_OK ? sqlite3_exec(*ret_copy, "PRAGMA synchronous = OFF", NULL, NULL, NULL) : result;
}

/* The copy's header still says that there is a log; nothing of it is needed beside the file. Only a connection that found
 * it so can take it back. */
static int leave_log(sqlite3 *copy)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(copy, "PRAGMA journal_mode = DELETE", -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    const bool left = result == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "delete") == 0;
    const int finished = sqlite3_finalize(statement);
    return left ? SQLITE_OK : finished != SQLITE_OK ? finished : SQLITE_ERROR;
}

static int copy_pages(sqlite3 *from, sqlite3 *copy, store_progress *progress, void *context)
{
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", from, "main");
    int result = SQLITE_OK;
    if (backup == NULL)
        return sqlite3_extended_errcode(copy);
    while (result == SQLITE_OK) {
        result = sqlite3_backup_step(backup, PAGES_A_STEP);
        if (progress != NULL)
            progress(context, (uint64_t)(sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup)),
                     (uint64_t)sqlite3_backup_pagecount(backup));
    }
    const int finished = sqlite3_backup_finish(backup);
    return result == SQLITE_DONE ? finished : result;
}

enum status store_copy(struct store *store, const char *path, store_progress *progress, void *context, struct fault *why)
{
    sqlite3 *copy = NULL;
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        fault_set(why, errno == ENOSPC ? MESSAGE_BACKUP_FULL : MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
        return STATUS_BROKEN;
    }
    close(file);
    int result = open_copy(path, &copy);
    if (result == SQLITE_OK)
        result = sqlite3_exec(copy, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
    if (result == SQLITE_OK)
        result = copy_pages(store->database, copy, progress, context);
    if (result == SQLITE_OK) {
        sqlite3_close(copy);
        result = open_copy(path, &copy);
    }
    if (result == SQLITE_OK)
        result = leave_log(copy);
    const enum status status = result == SQLITE_OK ? STATUS_OK : copy_failed(copy, result, path, why);
    sqlite3_close(copy);
    return status;
}

/* ---- the newest backup ------------------------------------------------------------------------------------------------- */

static void put_number(uint64_t number, unsigned char ret_bytes[8])
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        ret_bytes[i] = (unsigned char)number;
}

static uint64_t take_number(const unsigned char bytes[8])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

static bool read_mark(sqlite3_stmt *statement, void *into)
{
    unsigned char bytes[MARK_BYTES];
    struct backup_mark *mark = into;
    if (!store_read_blob(statement, 0, bytes, sizeof bytes))
        return false;
    mark->entry = take_number(bytes);
    mark->made_at = (int64_t)take_number(bytes + 8);
    memcpy(mark->hash, bytes + 16, SEAL_HASH);
    return true;
}

enum status store_backup(struct store *store, bool *ret_found, struct backup_mark *ret_mark, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_about(store, "backup", &statement, why);
    *ret_found = false;
    return status == STATUS_OK ? store_row(store, statement, read_mark, "backup", ret_mark, ret_found, why) : status;
}

enum status store_set_backup(struct store *store, const struct backup_mark *mark, struct fault *why)
{
    unsigned char bytes[MARK_BYTES];
    put_number(mark->entry, bytes);
    put_number((uint64_t)mark->made_at, bytes + 8);
    memcpy(bytes + 16, mark->hash, SEAL_HASH);
    return store_set_about(store, "backup", bytes, sizeof bytes, why);
}

enum status store_batch_at(struct store *store, const char *agent, const unsigned char outbox[16], uint64_t entry,
                           uint64_t *ret_seq, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found;
    const enum status status = store_statement(store, STATEMENT_BATCH_AT, &statement, why);
    *ret_seq = 0;
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, outbox, 16);
    store_bind_number(statement, 3, entry);
    return store_number(store, statement, ret_seq, &found, why);
}

/* ---- a new life -------------------------------------------------------------------------------------------------------- */

enum status store_renew(struct store *store, const unsigned char generation[16], struct fault *why)
{
    return store_set_about(store, "generation", generation, 16, why);
}
