/* restore.c - putting a backup into the store's place. See backup.h.
 *
 * The copy is made ready beside the store, under another name: proved, given its new generation, synced. Only then, under
 * the writer's lock, the former file (with its log, which belongs to it) is moved aside and the new one takes its name. */
#include "backup.h"

#include "backup_folder.h"
#include "calendar.h"
#include "file.h"
#include "memory.h"
#include "registry.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct restoring {
    const struct restore_request *request;
    struct restored *restored;
    char *fresh;             /* the new store until it is in place */
    const char *step;
};

static void tell(void *context, uint64_t done, uint64_t all)
{
    const struct restoring *restoring = context;
    if (restoring->request->progress != NULL)
        restoring->request->progress(restoring->request->context, restoring->step, done, all);
}

static char *beside(const char *path, const char *ending)
{
    const size_t size = strlen(path) + strlen(ending) + 1;
    char *text = memory_array(size, 1);
    (void)snprintf(text, size, "%s%s", path, ending);
    return text;
}

/* ---- is it what was made? ---------------------------------------------------------------------------------------------------- */

static enum status altered(const char *folder, const char *file, struct fault *why)
{
    fault_set(why, MESSAGE_BACKUP_ALTERED, folder, file, NULL);
    return STATUS_BROKEN;
}

static enum status read_statement(const struct restoring *restoring, struct checkpoint *statement, struct fault *why)
{
    const struct restore_request *request = restoring->request;
    char *path = file_path_in(request->folder, BACKUP_STATEMENT), *text = NULL;
    size_t length = 0;
    enum status status = file_read(path, CHECKPOINT_TEXT, &text, &length, why);
    free(path);
    if (status != STATUS_OK) {
        fault_set(why, MESSAGE_BACKUP_ABSENT, request->folder, NULL);
        return STATUS_REFUSED;
    }
    if (strlen(text) != length || !checkpoint_read(text, statement) || !statement->of_backup)
        status = altered(request->folder, BACKUP_STATEMENT, why);
    free(text);
    if (status == STATUS_OK && !statement->is_signed && !request->unsigned_too) {
        fault_set(why, MESSAGE_BACKUP_UNSIGNED, request->folder, NULL);
        status = STATUS_BROKEN;
    }
    if (status == STATUS_OK && statement->is_signed && request->key != NULL && !checkpoint_holds(statement, request->key)) {
        fault_set(why, MESSAGE_BACKUP_OTHER_KEY, request->folder, statement->signer, NULL);
        status = STATUS_BROKEN;
    }
    return status;
}

/* Without the aggregator's key at hand: one that the ledger itself says was its. */
static enum status check_registered(const char *path, const struct checkpoint *statement, struct fault *why)
{
    struct registry_row *rows = NULL;
    struct store *store = NULL;
    size_t count = 0;
    bool holds = !statement->is_signed;
    enum status status = store_open(path, STORE_READ, &store, why);
    if (status == STATUS_OK)
        status = store_registry(store, &rows, &count, why);
    for (size_t i = 0; i < count && !holds; i++)
        holds = strcmp(rows[i].kind, "aggregator") == 0 && checkpoint_holds(statement, rows[i].key);
    if (status == STATUS_OK && !holds)
        status = altered(path, BACKUP_STATEMENT, why);
    store_close(&store);
    free(rows);
    return status;
}

static enum status prove(struct restoring *restoring, struct fault *why)
{
    const struct restore_request *request = restoring->request;
    struct checkpoint *statement = &restoring->restored->statement;
    char *path = file_path_in(request->folder, BACKUP_STORE);
    enum status status = read_statement(restoring, statement, why);
    restoring->step = "hash";
    if (status == STATUS_OK)
        status = backup_folder_check(request->folder, statement->files, statement->files_hash, tell, restoring, why);
    if (status == STATUS_OK)
        status = backup_prove(path, statement, request->progress, request->context, why);
    if (status == STATUS_OK && request->key == NULL)
        status = check_registered(path, statement, why);
    free(path);
    return status;
}

/* ---- the new store --------------------------------------------------------------------------------------------------------- */

static void remove_fresh(const struct restoring *restoring)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal", ".lock"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = beside(restoring->fresh, endings[i]);
        (void)unlink(path); /* most are not there */
        free(path);
    }
}

static enum status copy_store(struct restoring *restoring, struct fault *why)
{
    char *path = file_path_in(restoring->request->folder, BACKUP_STORE);
    struct store *backup = NULL;
    enum status status = store_open(path, STORE_READ, &backup, why);
    restoring->step = "copy";
    if (status == STATUS_OK)
        status = store_begin(backup, why);
    if (status == STATUS_OK)
        status = store_copy(backup, restoring->fresh, tell, restoring, why);
    store_close(&backup);
    free(path);
    return status;
}

static enum status begin_anew(struct restoring *restoring, struct store *store, struct fault *why)
{
    struct restored *restored = restoring->restored;
    struct backup_mark mark = {.entry = restored->statement.entry};
    memcpy(mark.hash, restored->statement.hash, SEAL_HASH);
    if (!calendar_parse_time(restored->statement.time, &mark.made_at))
        mark.made_at = restoring->request->now_ms;
    seal_random(restored->generation, sizeof restored->generation);
    enum status status = store_begin(store, why);
    if (status == STATUS_OK)
        status = registry_note_restore(store, restored->statement.generation, restored->generation,
                                       restoring->request->now_ms, why);
    if (status == STATUS_OK)
        status = store_renew(store, restored->generation, why);
    /* What it was restored from is a verified backup of it. */
    if (status == STATUS_OK)
        status = store_set_backup(store, &mark, why);
    return status == STATUS_OK ? store_commit(store, why) : status;
}

static enum status prepare(struct restoring *restoring, struct fault *why)
{
    struct store *store = NULL;
    remove_fresh(restoring); /* of one that was killed */
    enum status status = copy_store(restoring, why);
    if (status == STATUS_OK)
        status = store_open(restoring->fresh, STORE_WRITE, &store, why);
    if (status == STATUS_OK)
        status = begin_anew(restoring, store, why);
    store_close(&store); /* the log is written back and goes */
    return status == STATUS_OK ? backup_sync(restoring->fresh, why) : status;
}

/* ---- in its place ------------------------------------------------------------------------------------------------------------ */

static enum status move(const char *from, const char *to, struct fault *why)
{
    if (rename(from, to) == 0 || errno == ENOENT)
        return STATUS_OK;
    fault_set(why, MESSAGE_CANNOT_WRITE, from, strerror(errno), NULL);
    return STATUS_BROKEN;
}

/* The file goes first: without it nobody takes its log for that of another. */
static enum status move_aside(struct restoring *restoring, struct fault *why)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    const char *store = restoring->request->store;
    char *aside = restoring->restored->aside;
    struct stat about;
    const bool any = lstat(store, &about) == 0;
    enum status status = STATUS_OK;
    for (long long i = restoring->request->now_ms / 1000;; i++)
        if (snprintf(aside, sizeof restoring->restored->aside, "%s.before-%lld", store, i) < 0 || lstat(aside, &about) != 0)
            break;
    for (size_t i = 0; i < sizeof endings / sizeof *endings && status == STATUS_OK; i++) {
        char *from = beside(store, endings[i]), *to = beside(aside, endings[i]);
        status = move(from, to, why);
        free(from);
        free(to);
    }
    if (!any)
        aside[0] = '\0';
    return status;
}

static enum status take_place(struct restoring *restoring, struct fault *why)
{
    char *copy = memory_copy_text(restoring->request->store);
    enum status status = move_aside(restoring, why);
    if (status == STATUS_OK && rename(restoring->fresh, restoring->request->store) != 0) {
        fault_set(why, MESSAGE_CANNOT_WRITE, restoring->request->store, strerror(errno), NULL);
        status = STATUS_BROKEN;
    }
    if (status == STATUS_OK)
        status = backup_sync(dirname(copy), why);
    free(copy);
    return status;
}

static enum status make_folder_of(const char *path, struct fault *why)
{
    char *copy = memory_copy_text(path);
    const char *folder = dirname(copy);
    const bool good = mkdir(folder, 0700) == 0 || errno == EEXIST;
    if (!good)
        fault_set(why, MESSAGE_CANNOT_WRITE, folder, strerror(errno), NULL);
    free(copy);
    return good ? STATUS_OK : STATUS_BROKEN;
}

enum status backup_restore(const struct restore_request *request, struct restored *ret_restored, struct fault *why)
{
    struct restoring restoring = {.request = request, .restored = ret_restored};
    struct stat about;
    int hold = -1;
    memset(ret_restored, 0, sizeof *ret_restored);
    enum status status = make_folder_of(request->store, why);
    if (status == STATUS_OK)
        status = store_hold(request->store, &hold, why);
    if (status == STATUS_OK && !request->force && lstat(request->store, &about) == 0) {
        fault_set(why, MESSAGE_RESTORE_OVER, request->store, NULL);
        status = STATUS_REFUSED;
    }
    restoring.fresh = beside(request->store, ".restoring");
    if (status == STATUS_OK)
        status = prove(&restoring, why);
    if (status == STATUS_OK)
        status = prepare(&restoring, why);
    if (status == STATUS_OK)
        status = take_place(&restoring, why);
    if (hold >= 0) {
        remove_fresh(&restoring); /* its lock file, and all of it after a failure */
        store_let_go(hold);
    }
    free(restoring.fresh);
    return status;
}
