/* outbox.c - the collector's durable memory in one SQLite file.
 *
 *   folder/            0700   locked by fcntl on folder/lock as long as the outbox is open
 *     lock             0600   holds a word once there was an outbox: an empty file beside it is no new one
 *     outbox.db        0600   WAL, synchronous=FULL: what was committed survives a power cut
 *     outbox.db.damaged-<time>  a file that could not be read any more, kept for a person to look at
 *     outbox.db.rescu*   a rescue on its way
 *
 * Here it is opened and closed, and says who it is. What passes through it, in this order: outbox_take.c cuts a file into
 * batches (outbox_known.c: the figures known of it), outbox_batches.c lends them to the publisher, outbox_refused.c finds
 * the line of what comes back refused, outbox_prune.c lets go of what need not be kept. What can befall the file:
 * outbox_file.c (is it whole and ours?), outbox_rescue.c (it is not), outbox_rebirth.c (a new name for the same batches). */
#include "outbox_inside.h"

#include "file.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- opening -------------------------------------------------------------------------------------------------- */

static enum status refuse_folder(const char *folder, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_WRITE, folder, strerror(errno), NULL);
    return STATUS_BROKEN;
}

/* For its owner alone. An existing folder may be open to others; what is in it is nobody else's. */
static enum status make_folder(const char *folder, struct fault *why)
{
    const enum status status = file_make_folders(folder, 0700, why);
    return status == STATUS_OK && chmod(folder, 0700) != 0 ? refuse_folder(folder, why) : status;
}

static enum status lock_folder(const char *folder, int *ret_fd, struct fault *why)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[4096];
    int fd;
    if (snprintf(path, sizeof(path), "%s/lock", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return refuse_folder(folder, why);
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse_folder(path, why);
    if (fcntl(fd, F_SETLK, &lock) != 0) {
        const bool held = errno == EACCES || errno == EAGAIN;
        if (held)
            fault_set(why, MESSAGE_OUTBOX_LOCKED, folder, NULL);
        else
            refuse_folder(path, why);
        close(fd);
        return held ? STATUS_AGAIN : STATUS_BROKEN;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

enum status outbox_read_identity(struct outbox *outbox, struct fault *why)
{
    struct outbox_identity *identity = &outbox->identity;
    sqlite3_stmt *statement = NULL;
    enum status status = STATUS_BROKEN;
    int code = sqlite3_prepare_v2(outbox->db,
                                  "SELECT outbox, epoch, high, chain, acked, backed, refused,"
                                  " coalesce((SELECT min(seq) FROM batch), high + 1) FROM meta",
                                  -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code != SQLITE_ROW || sqlite3_column_bytes(statement, 0) != (int)sizeof(identity->id) ||
        sqlite3_column_bytes(statement, 3) != SEAL_HASH) {
        status = outbox_failed(outbox, code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_CORRUPT : code, why);
        goto done;
    }
    memcpy(identity->id, sqlite3_column_blob(statement, 0), sizeof(identity->id));
    identity->epoch = (uint64_t)sqlite3_column_int64(statement, 1);
    identity->high = (uint64_t)sqlite3_column_int64(statement, 2);
    memcpy(identity->chain_at_high, sqlite3_column_blob(statement, 3), SEAL_HASH);
    identity->highest_acked = (uint64_t)sqlite3_column_int64(statement, 4);
    outbox->backed = (uint64_t)sqlite3_column_int64(statement, 5);
    identity->refused_rows = (uint64_t)sqlite3_column_int64(statement, 6);
    identity->low = (uint64_t)sqlite3_column_int64(statement, 7);
    status = STATUS_OK;
done:
    sqlite3_finalize(statement);
    return status;
}

static void close_file(struct outbox *outbox)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(outbox->sql[i]);
        outbox->sql[i] = NULL;
    }
    sqlite3_close(outbox->db);
    outbox->db = NULL;
}

/* Everything that a start needs of the file. */
static enum status start_on(struct outbox *outbox, const char *folder, const char *path, struct fault *why)
{
    enum status status = outbox_file_open(path, outbox->agent, outbox->sign_secret, &outbox->db, why);
    if (status == STATUS_OK)
        status = outbox_chain_check(outbox->db, outbox->agent, why);
    /* A later life of the outbox is told from an earlier one by its epoch: counted before anything is said or taken. */
    if (status == STATUS_OK)
        status = outbox_sql(outbox->db, "UPDATE meta SET epoch = epoch + 1", why);
    /* SQLite passes over a failing sync of the folder in which it has just made its log; the commits rest on that. */
    if (status == STATUS_OK)
        status = file_sync_folder(folder, why);
    if (status == STATUS_OK)
        status = outbox_read_identity(outbox, why);
    if (status == STATUS_OK)
        status = outbox_sign_anew(outbox->db, outbox->agent, outbox->identity.id, outbox->sign_secret, why);
    if (status == STATUS_OK)
        status = outbox_witness_load(outbox->db, &outbox->witness, why);
    return status == STATUS_OK ? outbox_prepare(outbox, why) : status;
}

/* The word for outbox_is_gone, once the outbox is on the disk. Nothing rests on it, and the next start tries again. */
static void note_that_it_was_made(int lock_fd)
{
    static const char word[] = "an outbox was made here\n";
    struct stat about;
    if (fstat(lock_fd, &about) == 0 && about.st_size == 0 && write(lock_fd, word, sizeof(word) - 1) > 0)
        (void)fsync(lock_fd);
}

/* Damage is mended with what can be read; should that not do either, with a new file that has nothing of it. */
static enum status open_file(struct outbox *outbox, const char *folder, struct fault *why)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/outbox.db", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return refuse_folder(folder, why);
    }
    enum status status = outbox_rescue_finish(path, (int64_t)time(NULL), why);
    if (status == STATUS_OK && outbox_is_gone(folder))
        fault_set(&outbox->rescue, MESSAGE_OUTBOX_GONE, path, NULL);
    if (status == STATUS_OK)
        status = start_on(outbox, folder, path, why);
    for (int attempt = 0; attempt < 2 && outbox_is_damaged(status, why); attempt++) {
        close_file(outbox);
        status = outbox_rescue(path, outbox->agent, outbox->sign_secret, (int64_t)time(NULL), attempt == 0,
                               &outbox->rescue, why);
        if (status == STATUS_OK)
            status = start_on(outbox, folder, path, why);
    }
    if (status == STATUS_OK)
        note_that_it_was_made(outbox->lock_fd);
    return status;
}

enum status outbox_open(const char *folder, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                        struct outbox **ret_outbox, struct fault *why)
{
    struct outbox *outbox = memory_new(struct outbox);
    struct fault trouble = {0};
    enum status status;
    outbox->lock_fd = -1;
    outbox->agent = memory_copy_text(agent);
    memcpy(outbox->sign_secret, sign_secret, SEAL_SECRET);
    status = make_folder(folder, &trouble);
    if (status == STATUS_OK)
        status = lock_folder(folder, &outbox->lock_fd, &trouble);
    if (status == STATUS_OK)
        status = open_file(outbox, folder, &trouble);
    if (status == STATUS_OK)
        *ret_outbox = outbox;
    else
        outbox_close(&outbox);
    if (status != STATUS_OK && why != NULL)
        *why = trouble;
    return status;
}

void outbox_close(struct outbox **outbox)
{
    struct outbox *gone = *outbox;
    if (gone == NULL)
        return;
    close_file(gone);
    if (gone->lock_fd >= 0)
        close(gone->lock_fd);
    batch_free(&gone->decoded);
    outbox_forget_words(gone);
    free(gone->agent);
    for (volatile unsigned char *byte = gone->sign_secret; byte < gone->sign_secret + SEAL_SECRET; byte++)
        *byte = 0;
    free(gone);
    *outbox = NULL;
}

void outbox_identity(const struct outbox *outbox, struct outbox_identity *ret_identity)
{
    *ret_identity = outbox->identity;
}

uint64_t outbox_backed(const struct outbox *outbox)
{
    return outbox->backed;
}

bool outbox_was_rescued(const struct outbox *outbox, struct fault *ret_note)
{
    if (outbox->rescue.message == MESSAGE_NONE)
        return false;
    *ret_note = outbox->rescue;
    return true;
}
