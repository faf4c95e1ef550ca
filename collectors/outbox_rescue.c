/* outbox_rescue.c - going on when the outbox's file can no longer be read.
 *
 * Manifest, known figures and batches are copied as far as their pages can be read, from the front up to the damage and
 * from the back down to it; then the file is set aside. A batch is only trusted when its bytes still give the chain value
 * stored beside it. What a backup of the aggregator holds is left out, the rest goes into a new outbox (new id, new
 * numbers, new signatures), because numbers of the old one may have been used for batches that are lost. The order of what
 * is saved stays the order in which it was taken. */
#include "outbox_inside.h"

#include "batch.h"
#include "file.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rescue {
    sqlite3 *from, *to;
    size_t doubtful;
    int trouble; /* of the machine, not of the damaged file: then nothing is given up */
};

/* Copies one row column by column. A row that its new table does not take is part of the damage. */
static void copy_row(struct rescue *rescue, sqlite3_stmt *row, sqlite3_stmt *insert)
{
    int code;
    for (int i = 0; i < sqlite3_column_count(row); i++)
        sqlite3_bind_value(insert, i + 1, sqlite3_column_value(row, i));
    code = sqlite3_step(insert);
    sqlite3_reset(insert);
    if (code != SQLITE_DONE && (code & 0xFF) != SQLITE_CONSTRAINT && (code & 0xFF) != SQLITE_MISMATCH)
        rescue->trouble = code;
}

/* Copies rows in the order of the query until it ends or the damage is met. False when the damage was met. */
static bool copy_until_damage(struct rescue *rescue, const char *select, const char *insert_sql, bool are_batches)
{
    sqlite3_stmt *row = NULL, *insert = NULL;
    int step = sqlite3_prepare_v2(rescue->from, select, -1, &row, NULL);
    if (step == SQLITE_OK)
        step = sqlite3_prepare_v2(rescue->to, insert_sql, -1, &insert, NULL);
    while ((step == SQLITE_OK || step == SQLITE_ROW) && rescue->trouble == SQLITE_OK) {
        step = sqlite3_step(row);
        if (step != SQLITE_ROW)
            break;
        if (are_batches && !outbox_link_holds(row, 2, 3, 5))
            rescue->doubtful++;
        else
            copy_row(rescue, row, insert);
    }
    sqlite3_finalize(row);
    sqlite3_finalize(insert);
    if (outbox_trouble_passes(step))
        rescue->trouble = step;
    return step == SQLITE_DONE || rescue->trouble != SQLITE_OK;
}

static void copy_table(struct rescue *rescue, const char *forwards, const char *backwards, const char *insert,
                       bool are_batches)
{
    const size_t doubtful = rescue->doubtful;
    if (copy_until_damage(rescue, forwards, insert, are_batches))
        return;
    copy_until_damage(rescue, backwards, insert, are_batches); /* rows met twice are ignored by their key */
    rescue->doubtful = are_batches ? doubtful + 1 : rescue->doubtful;
}

/* Numbers that cannot be are spoilt. Without a word of what was committed, everything held is offered anew. */
#define META_OF_THE_DAMAGED                                                                                                      \
    "SELECT iif(acked BETWEEN 0 AND high, acked, 0), iif(refused BETWEEN 0 AND 1 << 40, refused, 0),"                            \
    " iif(epoch BETWEEN 0 AND 1 << 40, epoch, 0), iif(backed BETWEEN 0 AND high, backed, 0) FROM meta"

static void copy_tables(struct rescue *rescue)
{
    copy_table(rescue, META_OF_THE_DAMAGED, META_OF_THE_DAMAGED,
               "UPDATE meta SET acked = ?1, refused = ?2, epoch = ?3, backed = ?4", false);
    copy_table(rescue, "SELECT role, text FROM witness ORDER BY role", "SELECT role, text FROM witness ORDER BY role DESC",
               "INSERT OR IGNORE INTO witness VALUES (?1, ?2)", false);
    copy_table(rescue, "SELECT * FROM manifest ORDER BY id", "SELECT * FROM manifest ORDER BY id DESC",
               "INSERT OR IGNORE INTO manifest VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", false);
    copy_table(rescue, "SELECT * FROM word ORDER BY id", "SELECT * FROM word ORDER BY id DESC",
               "INSERT OR IGNORE INTO word VALUES (?1, ?2)", false);
    copy_table(rescue, "SELECT * FROM known ORDER BY element, period, unit",
               "SELECT * FROM known ORDER BY element DESC, period DESC, unit DESC",
               "INSERT OR IGNORE INTO known VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", false);
    copy_table(rescue, "SELECT seq, manifest, chain_before, chain, signature, bytes FROM batch ORDER BY seq",
               "SELECT seq, manifest, chain_before, chain, signature, bytes FROM batch ORDER BY seq DESC",
               "INSERT OR IGNORE INTO batch VALUES (?1, ?2, ?3, ?4, ?5, ?6)", true);
    /* Known figures whose words could not be read mean nothing; a file some of whose batches are lost has to be taken
     * anew when it is delivered again, as after outbox_lose. */
    sqlite3_exec(rescue->to,
                 "DELETE FROM known WHERE element NOT IN (SELECT id FROM word) OR unit NOT IN (SELECT id FROM word);"
                 "UPDATE manifest SET first_batch = -1, last_batch = -1 WHERE id IN (SELECT m.id FROM manifest m JOIN meta LEFT JOIN"
                 " (SELECT manifest, count(*) AS held FROM batch JOIN meta WHERE seq > acked GROUP BY manifest) b"
                 " ON b.manifest = m.id WHERE m.last_batch > meta.acked"
                 " AND coalesce(b.held, 0) < m.last_batch - max(m.first_batch - 1, meta.acked))",
                 NULL, NULL, NULL);
}

/* ---- one file in the place of another ------------------------------------------------------------------------- */

/* outbox.db.rescuing    being filled; of no worth after a crash
 * outbox.db.rescued     complete and on the disk; takes the place of outbox.db, now or at the next start */
static bool with_ending(const char *path, const char *ending, char ret_path[4096], struct fault *why)
{
    if (snprintf(ret_path, 4096, "%s%s", path, ending) < 4096)
        return true;
    fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(ENAMETOOLONG), NULL);
    return false;
}

static enum status sync_folder_of(const char *path, struct fault *why)
{
    char *folder = memory_copy_text(path);
    *strrchr(folder, '/') = '\0'; /* the outbox lies in a folder of its own */
    const enum status status = file_sync_folder(folder, why);
    free(folder);
    return status;
}

static enum status move(const char *from, const char *to, struct fault *why)
{
    if (rename(from, to) == 0 || errno == ENOENT)
        return STATUS_OK;
    fault_set(why, MESSAGE_CANNOT_WRITE, from, strerror(errno), NULL);
    return STATUS_BROKEN;
}

/* The write-ahead log goes first: beside a new file it would be played into it. */
static enum status set_aside(const char *path, const char *aside, struct fault *why)
{
    static const char *const endings[] = {"-wal", "-shm", ""};
    char from[4096], to[4096];
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_LEN(endings) && status == STATUS_OK; i++)
        status = with_ending(path, endings[i], from, why) && with_ending(aside, endings[i], to, why)
                     ? move(from, to, why)
                     : STATUS_BROKEN;
    return status == STATUS_OK ? sync_folder_of(path, why) : status;
}

static enum status name_aside(const char *path, int64_t now_s, char ret_aside[4096], struct fault *why)
{
    struct stat ignored;
    char ending[64];
    for (int64_t i = 0; i < 1000; i++) {
        (void)snprintf(ending, sizeof(ending), ".damaged-%lld", (long long)(now_s + i));
        if (!with_ending(path, ending, ret_aside, why))
            return STATUS_BROKEN;
        if (lstat(ret_aside, &ignored) != 0)
            break;
    }
    return STATUS_OK;
}

static enum status take_its_place(const char *rescued, const char *path, const char *aside, struct fault *why)
{
    enum status status = set_aside(path, aside, why);
    if (status == STATUS_OK)
        status = move(rescued, path, why);
    return status == STATUS_OK ? sync_folder_of(path, why) : status;
}

enum status outbox_rescue_finish(const char *path, int64_t now_s, struct fault *why)
{
    char rescued[4096], aside[4096];
    struct stat ignored;
    if (!with_ending(path, ".rescued", rescued, why) || name_aside(path, now_s, aside, why) != STATUS_OK)
        return STATUS_BROKEN;
    return lstat(rescued, &ignored) == 0 ? take_its_place(rescued, path, aside, why) : STATUS_OK;
}

static void note_rescue(sqlite3 *db, const struct rescue *rescue, const char *aside, struct fault *ret_note)
{
    char saved[32] = "0", doubtful[32];
    int code;
    if (!outbox_ask(db, "SELECT count(*) FROM batch", saved, sizeof(saved), &code) ||
        snprintf(doubtful, sizeof(doubtful), "%zu", rescue->doubtful) < 0)
        return;
    fault_set(ret_note, MESSAGE_OUTBOX_SALVAGED, aside, saved, doubtful, NULL);
}

/* In one transaction from the damaged file into the new one. A file that SQLite cannot even open gives nothing. */
static enum status fill(struct rescue *rescue, const char *path, const char *agent,
                        const unsigned char sign_secret[SEAL_SECRET], struct fault *why)
{
    enum status status = STATUS_OK;
    if (sqlite3_open_v2(path, &rescue->from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) ==
        SQLITE_OK) {
        status = outbox_sql(rescue->to, "BEGIN IMMEDIATE", why);
        if (status == STATUS_OK)
            copy_tables(rescue);
        if (rescue->trouble != SQLITE_OK)
            status = outbox_sql_failed(rescue->to, rescue->trouble, why);
        if (status == STATUS_OK)
            status = outbox_renumber(rescue->to, agent, sign_secret, 0, why);
        if (status == STATUS_OK)
            status = outbox_sql(rescue->to, "COMMIT", why);
    }
    sqlite3_close(rescue->from);
    return status;
}

/* One file, without a write-ahead log that would have to be renamed with it. */
static enum status close_whole(sqlite3 *db, const char *path, struct fault *why)
{
    char log[4096];
    struct stat about;
    enum status status = outbox_sql(db, "PRAGMA wal_checkpoint(TRUNCATE)", why);
    sqlite3_close(db);
    if (status == STATUS_OK && (!with_ending(path, "-wal", log, why) || (lstat(log, &about) == 0 && about.st_size > 0))) {
        fault_set(why, MESSAGE_OUTBOX_FAILED, path, NULL);
        status = STATUS_AGAIN;
    }
    return status;
}

static void remove_file(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char name[4096];
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (with_ending(path, endings[i], name, NULL))
            (void)unlink(name); /* mostly there is none */
}

/* Everything that can be read is on the disk under another name before the damaged file is touched: whenever the process or
 * the power ends, the next start has the one or the other. */
enum status outbox_rescue(const char *path, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                          int64_t now_s, bool salvage, struct fault *ret_note, struct fault *why)
{
    struct rescue rescue = {0};
    char rescuing[4096], rescued[4096], aside[4096];
    if (!with_ending(path, ".rescuing", rescuing, why) || !with_ending(path, ".rescued", rescued, why) ||
        name_aside(path, now_s, aside, why) != STATUS_OK)
        return STATUS_BROKEN;
    remove_file(rescuing);
    enum status status = outbox_file_open(rescuing, agent, sign_secret, &rescue.to, why);
    if (status != STATUS_OK)
        return status;
    if (salvage)
        status = fill(&rescue, path, agent, sign_secret, why);
    if (status == STATUS_OK) {
        note_rescue(rescue.to, &rescue, aside, ret_note);
        status = close_whole(rescue.to, rescuing, why);
    } else {
        sqlite3_close(rescue.to);
    }
    if (status == STATUS_OK)
        status = move(rescuing, rescued, why);
    if (status == STATUS_OK)
        status = sync_folder_of(path, why);
    if (status == STATUS_OK)
        status = take_its_place(rescued, path, aside, why);
    if (status != STATUS_OK)
        remove_file(rescuing); /* on a full disk it would be in the way */
    return status;
}
