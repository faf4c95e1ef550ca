/* store_sqlite.c - the handle on the file: opening, the writer's lock, transactions, errors, checkpoints.
 *
 * SQLite 3.40 has the WAL-reset race: two connections of which one checkpoints while the other commits can lose a
 * commit. So exactly one connection in the world writes and checkpoints: the one that holds the kernel's lock on
 * PATH.lock. Every other is opened read-only with automatic checkpoints off. The lock is an open file description lock:
 * it goes with the process however that ends, and (unlike the older kind) another open of the same file in this process
 * neither sees it as its own nor drops it by closing.
 *
 * synchronous=FULL belongs to the connection, so it is set and read back at each open. The checkpoint never sits inside
 * a commit by SQLite's choice: the log is written back when the program is idle, or after a commit once it has grown by
 * LOG_BOUND pages, and then only as far as readers allow (passive). */
#include "store_inside.h"

#include "file.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION_ID 0x5375616E /* "Suan" */
#define USER_VERSION 5
#define LOG_BOUND 8192  /* pages of 4 KiB the log may grow by before a commit is followed by a checkpoint */
#define LOG_IDLE 256    /* pages that make a checkpoint in an idle moment worth it */
#define BUSY_MS 2000
#define HANDED_OVER 40  /* tries of 25 ms for a lock whose holder is just ending */

/* POSIX.1-2024 has them; older headers of the C library hide them with the names of its dialect. */
#ifndef F_OFD_SETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif

extern const unsigned char schemas_store_sql[], schemas_store_2_sql[], schemas_store_3_sql[], schemas_store_4_sql[],
    schemas_store_5_sql[];

/* What each version adds to the one before. */
static const unsigned char *const additions[USER_VERSION + 1] = {[2] = schemas_store_2_sql, [3] = schemas_store_3_sql,
                                                                  [4] = schemas_store_4_sql, [5] = schemas_store_5_sql};

/* ---- errors ---------------------------------------------------------------------------------------------------- */

static void give_up(struct store *store)
{
    if (store->inside && sqlite3_get_autocommit(store->database) == 0)
        /* A failing ROLLBACK leaves nothing more to do: the file is rolled back by whoever opens it next. */
        store->broken |= sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK;
    store->inside = false;
    store_forget_touches(store);
    store->head_known = store->pages_seal_known = store->index_seal_known = store->outbox.known = false;
}

enum status store_failure(struct store *store, int result, struct fault *why)
{
    const int kind = result & 0xff;
    enum status status = STATUS_BROKEN;
    char detail[256];
    const int length = snprintf(detail, sizeof detail, "%s (%d)", sqlite3_errmsg(store->database), result);
    if (length < 0)
        detail[0] = '\0';
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED) {
        fault_set(why, MESSAGE_STORE_BUSY, store->path, detail, NULL);
        status = STATUS_AGAIN;
    } else if (kind == SQLITE_FULL) {
        fault_set(why, MESSAGE_STORE_FULL, store->path, NULL);
        status = STATUS_AGAIN;
    } else {
        fault_set(why, MESSAGE_STORE_FAILED, store->path, detail, NULL);
        store->broken = true;
    }
    give_up(store);
    return status;
}

enum status store_damaged(struct store *store, const char *what, struct fault *why)
{
    fault_set(why, MESSAGE_STORE_FAILED, store->path, what, NULL);
    store->broken = true;
    give_up(store);
    return STATUS_BROKEN;
}

/* ---- the lock of the one writer ------------------------------------------------------------------------------------ */

static char *with_suffix(const char *path, const char *suffix)
{
    const size_t size = strlen(path) + strlen(suffix) + 1;
    char *text = memory_array(size, 1);
    if (snprintf(text, size, "%s%s", path, suffix) < 0)
        text[0] = '\0';
    return text;
}

static bool take_lock(int file)
{
    const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(file, F_OFD_SETLK, &whole) == 0;
}

enum status store_hold(const char *store, int *ret_hold, struct fault *why)
{
    char *path = with_suffix(store, ".lock");
    const struct timespec pause = {.tv_nsec = 25000000};
    enum status status = STATUS_OK;
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
        status = STATUS_BROKEN;
    }
    for (int try = 0; status == STATUS_OK && !take_lock(file); try++) {
        const int reason = errno;
        if (reason != EAGAIN && reason != EACCES) {
            fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(reason), NULL);
            status = STATUS_BROKEN;
        } else if (try == HANDED_OVER) {
            fault_set(why, MESSAGE_STORE_HELD, store, NULL);
            status = STATUS_AGAIN;
        } else {
            nanosleep(&pause, NULL);
        }
    }
    if (status == STATUS_OK)
        *ret_hold = file;
    else if (file >= 0)
        close(file);
    free(path);
    return status;
}

void store_let_go(int hold)
{
    close(hold);
}

bool store_is_held(const char *path)
{
    char *name = with_suffix(path, ".lock");
    const int file = open(name, O_RDONLY | O_CLOEXEC);
    const bool absent = file < 0 && (errno == ENOENT || errno == ENOTDIR);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    /* A lock file that may not be looked at counts as held: the careful answer. */
    const bool is_held = !absent && (file < 0 || fcntl(file, F_OFD_GETLK, &whole) != 0 || whole.l_type != F_UNLCK);
    if (file >= 0)
        close(file);
    free(name);
    return is_held;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* Makes the missing folders above the file, for the owner only. */
static enum status make_folders(const char *path, struct fault *why)
{
    char *folder = memory_copy_text(path);
    char *slash = strrchr(folder, '/');
    enum status status = STATUS_OK;
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        status = file_make_folders(folder, 0700, why);
    }
    free(folder);
    return status;
}

static enum status pragma_number(struct store *store, const char *text, int64_t *ret_number, struct fault *why)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(store->database, text, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW || result == SQLITE_DONE
               ? STATUS_OK
               : store_failure(store, sqlite3_extended_errcode(store->database), why);
}

static enum status execute(struct store *store, const char *text, struct fault *why)
{
    return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK
               ? STATUS_OK
               : store_failure(store, sqlite3_extended_errcode(store->database), why);
}

/* Runs what the versions after `version` add, inside the caller's transaction. */
static enum status bring_up(struct store *store, int64_t version, struct fault *why)
{
    char marks[128];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && version < USER_VERSION)
        status = execute(store, (const char *)additions[++version], why);
    if (status != STATUS_OK)
        return status;
    if (snprintf(marks, sizeof marks, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
                 USER_VERSION) < 0)
        return store_damaged(store, "no room", why);
    store->version = USER_VERSION;
    return execute(store, marks, why);
}

static enum status upgrade(struct store *store, int64_t version, struct fault *why)
{
    enum status status = store_begin(store, why);
    if (status == STATUS_OK)
        status = bring_up(store, version, why);
    return status == STATUS_OK ? store_commit(store, why) : status;
}

static enum status make_schema(struct store *store, struct fault *why)
{
    unsigned char generation[16];
    enum status status = store_begin(store, why);
    if (status == STATUS_OK)
        status = execute(store, (const char *)schemas_store_sql, why);
    if (status == STATUS_OK)
        status = bring_up(store, 1, why);
    if (status != STATUS_OK)
        return status;
    seal_random(generation, sizeof generation);
    status = store_set_about(store, "generation", generation, sizeof generation, why);
    return status == STATUS_OK ? store_commit(store, why) : status;
}

static enum status newer(struct store *store, int64_t version, struct fault *why)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRId64, version);
    fault_set(why, MESSAGE_STORE_NEWER, store->path, number, NULL);
    return STATUS_BROKEN;
}

/* Whose file it is. Only an entirely empty file becomes a store. */
static enum status recognise(struct store *store, struct fault *why)
{
    int64_t application = 0, version = 0, tables = 0;
    enum status status = pragma_number(store, "PRAGMA application_id", &application, why);
    if (status == STATUS_OK)
        status = pragma_number(store, "PRAGMA user_version", &version, why);
    if (status == STATUS_OK)
        status = pragma_number(store, "SELECT count(*) FROM sqlite_master", &tables, why);
    if (status != STATUS_OK)
        return status;
    if (application == 0 && tables == 0) {
        if (store->mode == STORE_WRITE)
            return make_schema(store, why);
        fault_set(why, MESSAGE_STORE_ABSENT, store->path, NULL);
        return STATUS_AGAIN;
    }
    if (application != APPLICATION_ID) {
        fault_set(why, MESSAGE_STORE_FOREIGN, store->path, NULL);
        return STATUS_BROKEN;
    }
    store->version = version;
    if (version >= 1 && version < USER_VERSION)
        return store->mode == STORE_WRITE ? upgrade(store, version, why) : STATUS_OK;
    return version == USER_VERSION ? STATUS_OK : newer(store, version, why);
}

static int count_log_pages(void *context, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    ((struct store *)context)->log_pages = pages;
    return SQLITE_OK;
}

static enum status set_up_writer(struct store *store, struct fault *why)
{
    sqlite3_stmt *statement = NULL;
    int64_t synchronous = 0;
    bool is_wal;
    enum status status = execute(store, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                        "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16384", why);
    if (status == STATUS_OK)
        status = pragma_number(store, "PRAGMA synchronous", &synchronous, why);
    if (status != STATUS_OK)
        return status;
    is_wal = sqlite3_prepare_v2(store->database, "PRAGMA journal_mode", -1, &statement, NULL) == SQLITE_OK &&
             sqlite3_step(statement) == SQLITE_ROW &&
             strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    if (synchronous != 2 || !is_wal)
        return store_damaged(store, "this file system cannot keep a write-ahead log with synchronous=FULL", why);
    sqlite3_wal_hook(store->database, count_log_pages, store); /* takes the place of automatic checkpoints */
    return STATUS_OK;
}

static int open_database(struct store *store, const char *name, int flags)
{
    int result;
    sqlite3_close(store->database);
    store->database = NULL;
    result = sqlite3_open_v2(name, &store->database, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result != SQLITE_OK)
        return result;
    sqlite3_busy_timeout(store->database, BUSY_MS);
    sqlite3_wal_autocheckpoint(store->database, 0);
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* Opening reads nothing yet; the first read shows whether the log can be had. */
    return sqlite3_exec(store->database, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
}

/* file:PATH?immutable=1 with the characters escaped that mean something in a URI. */
static char *immutable_name(const char *path)
{
    static const char digits[] = "0123456789ABCDEF";
    static const char prefix[] = "file:", suffix[] = "?immutable=1";
    char *name = memory_array(sizeof prefix + sizeof suffix + 3 * strlen(path), 1);
    size_t at = sizeof prefix - 1;
    memcpy(name, prefix, at);
    for (; *path != '\0'; path++) {
        if (*path == '%' || *path == '?' || *path == '#') {
            name[at++] = '%';
            name[at++] = digits[(unsigned char)*path >> 4];
            name[at++] = digits[(unsigned char)*path & 15];
        } else
            name[at++] = *path;
    }
    memcpy(name + at, suffix, sizeof suffix);
    return name;
}

/* A reader that may not write the folder cannot make the log's index. When the store was closed cleanly (no log with
 * anything in it) and nobody writes, the file alone is the whole truth and can be read as it lies. */
static bool lies_still(const char *path)
{
    char *log = with_suffix(path, "-wal");
    struct stat about;
    const bool has_log = stat(log, &about) == 0 ? about.st_size != 0 : errno != ENOENT;
    free(log);
    return !has_log && !store_is_held(path);
}

static enum status open_reader(struct store *store, struct fault *why)
{
    struct stat about;
    int result;
    if (stat(store->path, &about) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            fault_set(why, store_is_gone(store->path) ? MESSAGE_STORE_GONE : MESSAGE_STORE_ABSENT, store->path, NULL);
            return STATUS_AGAIN;
        }
        fault_set(why, MESSAGE_CANNOT_READ, store->path, strerror(errno), NULL);
        return STATUS_BROKEN;
    }
    result = open_database(store, store->path, SQLITE_OPEN_READONLY);
    if (((result & 0xff) == SQLITE_CANTOPEN || (result & 0xff) == SQLITE_READONLY) && lies_still(store->path)) {
        char *name = immutable_name(store->path);
        result = open_database(store, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
        free(name);
    }
    return result == SQLITE_OK ? STATUS_OK : store_failure(store, result, why);
}

/* A new store begins where there was none. Where there was one (the lock file says so, or a log is left, which SQLite would
 * delete), an empty file or none is the greatest of damages, and a new store in its place would answer that nothing was ever reported. */
bool store_is_gone(const char *path)
{
    struct stat about;
    char *log = with_suffix(path, "-wal"), *lock = with_suffix(path, ".lock");
    const bool was_made = (stat(lock, &about) == 0 && about.st_size > 0) || (stat(log, &about) == 0 && about.st_size > 0);
    free(log);
    free(lock);
    return was_made && (stat(path, &about) == 0 ? about.st_size == 0 : errno == ENOENT);
}

/* The lock file's word for store_is_gone, once the store is on the disk. Nothing rests on it, and the next start tries again. */
static void note_that_it_was_made(const struct store *store)
{
    static const char word[] = "a store was made here\n";
    struct stat about;
    if (fstat(store->lock, &about) == 0 && about.st_size == 0 && write(store->lock, word, sizeof word - 1) > 0)
        (void)fsync(store->lock);
}

static enum status open_writer(struct store *store, struct fault *why)
{
    int file, result;
    enum status status = make_folders(store->path, why);
    if (status == STATUS_OK)
        status = store_hold(store->path, &store->lock, why);
    if (status == STATUS_OK && store_is_gone(store->path)) {
        fault_set(why, MESSAGE_STORE_GONE, store->path, NULL);
        status = STATUS_BROKEN;
    }
    if (status != STATUS_OK)
        return status;
    /* SQLite would make the file readable for all that umask allows; the log takes over the file's rights. */
    file = open(store->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        fault_set(why, MESSAGE_CANNOT_WRITE, store->path, strerror(errno), NULL);
        return STATUS_BROKEN;
    }
    close(file);
    result = open_database(store, store->path, SQLITE_OPEN_READWRITE);
    return result == SQLITE_OK ? set_up_writer(store, why) : store_failure(store, result, why);
}

/* SQLite syncs the folder when it has made the log, and passes over it when that fails. Commits would then rest on a log
 * whose name may not survive. It is the same log until the store is closed. */
static enum status sync_name_of_log(const struct store *store, struct fault *why)
{
    char *folder = memory_copy_text(store->path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0';
    const enum status status = file_sync_folder(slash == NULL ? "." : folder, why);
    free(folder);
    return status;
}

enum status store_open(const char *path, enum store_mode mode, struct store **ret_store, struct fault *why)
{
    struct store *store = memory_new(struct store);
    enum status status;
    store->path = memory_copy_text(path);
    store->mode = mode;
    store->lock = -1;
    status = mode == STORE_WRITE ? open_writer(store, why) : open_reader(store, why);
    if (status == STATUS_OK)
        status = recognise(store, why);
    if (status == STATUS_OK && mode == STORE_WRITE)
        status = sync_name_of_log(store, why);
    if (status == STATUS_OK && mode == STORE_WRITE)
        note_that_it_was_made(store);
    if (status == STATUS_OK)
        *ret_store = store;
    else
        store_close(&store);
    return status;
}

void store_close(struct store **store)
{
    struct store *closed = *store;
    *store = NULL;
    if (closed == NULL)
        return;
    store_rollback(closed);
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(closed->statements[i]);
    sqlite3_close(closed->database);
    if (closed->lock >= 0)
        close(closed->lock); /* after the database: the log is written back under the lock */
    batch_free(&closed->batch);
    free(closed->entry_bytes.bytes);
    free(closed->block_bytes.bytes);
    free(closed->refusals);
    free(closed->outcome);
    free(closed->touched.places);
    free(closed->touched.table);
    free(closed->path);
    free(closed);
}

enum store_mode store_mode_of(const struct store *store)
{
    return store->mode;
}

enum status store_is_current(const struct store *store, struct fault *why)
{
    char number[24];
    if (store->version == USER_VERSION)
        return STATUS_OK;
    if (snprintf(number, sizeof number, "%" PRId64, store->version) < 0)
        number[0] = '\0';
    fault_set(why, MESSAGE_STORE_OLDER, store->path, number, NULL);
    return STATUS_BROKEN;
}

const char *store_path(const struct store *store)
{
    return store->path;
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

/* BEGIN alone takes no snapshot: the first read does. It may be that of a file which was brought up to date since the last. */
static enum status pin(struct store *store, struct fault *why)
{
    sqlite3_stmt *statement;
    bool row;
    enum status status = store_statement(store, STATEMENT_PIN, &statement, why);
    if (status == STATUS_OK)
        status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    store->version = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    if (store->version <= USER_VERSION)
        return STATUS_OK;
    give_up(store);
    return newer(store, store->version, why);
}

enum status store_begin(struct store *store, struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store_statement(
        store, store->mode == STORE_WRITE ? STATEMENT_BEGIN_WRITE : STATEMENT_BEGIN_READ, &statement, why);
    if (status == STATUS_OK)
        status = store_run(store, statement, why);
    if (status != STATUS_OK)
        return status;
    store->inside = true;
    if (store->mode == STORE_WRITE)
        return STATUS_OK;
    store->head_known = false;
    return pin(store, why);
}

static void checkpoint(struct store *store)
{
    const int result = sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    store->checkpointed_pages = store->log_pages;
    /* What was committed stays committed, but after a failed write the handle is not to be trusted. */
    if (result != SQLITE_OK && (result & 0xff) != SQLITE_BUSY && (result & 0xff) != SQLITE_LOCKED &&
        (result & 0xff) != SQLITE_FULL)
        store->broken = true;
}

static void checkpoint_beyond(struct store *store, int pages)
{
    if (store->log_pages < store->checkpointed_pages) /* the log began anew */
        store->checkpointed_pages = 0;
    if (store->log_pages - store->checkpointed_pages >= pages)
        checkpoint(store);
}

enum status store_commit(struct store *store, struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store_flush_touches(store, why);
    if (status == STATUS_OK)
        status = store_statement(store, STATEMENT_COMMIT, &statement, why);
    if (status == STATUS_OK)
        status = store_run(store, statement, why);
    if (status != STATUS_OK)
        return status;
    store->inside = false;
    if (store->mode == STORE_WRITE)
        checkpoint_beyond(store, LOG_BOUND);
    return STATUS_OK;
}

void store_rollback(struct store *store)
{
    if (store->inside)
        give_up(store);
}

bool store_is_inside(const struct store *store)
{
    return store->inside;
}

void store_idle(struct store *store)
{
    if (store->mode == STORE_WRITE && !store->inside && !store->broken)
        checkpoint_beyond(store, LOG_IDLE);
}
