/* outbox_rescue.c - opening the outbox's file, and going on when it can no longer be read.
 *
 * A damaged file never prevents the start: whatever fails that is not the machine's trouble is damage. Only a sound file
 * that is somebody else's, or made by a newer version, is left alone. Manifest, known figures and batches are copied as far
 * as their pages can be read, from the front up to the damage and from the back down to it; then the file is set aside. A batch is only trusted
 * when its bytes still give the chain value stored beside it. What a backup of the aggregator holds is left out, the rest
 * goes into a new outbox (new id, new numbers, new signatures), because numbers of the old one may have been used for
 * batches that are lost. The order of what is saved stays the order in which it was taken. */
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

extern const unsigned char schemas_outbox_sql[];

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

/* First column of the first row as text; false when there is none. */
static bool ask(sqlite3 *db, const char *sql, char *ret_text, size_t capacity, int *ret_code)
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

bool outbox_is_damaged(enum status status, const struct fault *why)
{
    return status == STATUS_BROKEN && why->message == MESSAGE_OUTBOX_DAMAGED;
}

/* Sets a pragma and reads it back: a file system that cannot do WAL or a build without FULL must not pass unnoticed. */
static enum status set_pragma(sqlite3 *db, const char *set, const char *get, const char *wanted, struct fault *why)
{
    char answer[64] = "";
    int code = sqlite3_exec(db, set, NULL, NULL, NULL);
    if (code == SQLITE_OK && ask(db, get, answer, sizeof(answer), &code) && strcmp(answer, wanted) == 0)
        return STATUS_OK;
    if (code != SQLITE_OK && code != SQLITE_ROW)
        return outbox_sql_failed(db, code, why);
    fault_set(why, MESSAGE_OUTBOX_FAILED, set, NULL);
    return STATUS_BROKEN;
}

static enum status make_tables(sqlite3 *db, const char *agent, struct fault *why)
{
    unsigned char id[16], chain[SEAL_HASH];
    char pragmas[96];
    sqlite3_stmt *statement = NULL;
    enum status status = outbox_sql(db, "BEGIN IMMEDIATE", why);
    int code;
    if (status == STATUS_OK)
        status = outbox_sql(db, (const char *)schemas_outbox_sql, why);
    if (snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d", OUTBOX_APPLICATION,
                 OUTBOX_VERSION) >= (int)sizeof(pragmas))
        status = STATUS_BROKEN;
    if (status == STATUS_OK)
        status = outbox_sql(db, pragmas, why);
    if (status != STATUS_OK)
        goto done;
    seal_random(id, sizeof(id));
    seal_chain_start(agent, id, chain);
    code = sqlite3_prepare_v2(db, "INSERT INTO meta VALUES (1, ?1, ?2, 0, 0, ?3, 0, 0, 0)", -1, &statement, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_blob(statement, 1, id, sizeof(id), SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, agent, -1, SQLITE_STATIC);
        sqlite3_bind_blob(statement, 3, chain, sizeof(chain), SQLITE_STATIC);
        code = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    status = code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(db, code, why);
done:
    return outbox_sql_end(db, status, why);
}

/* ---- the chain -------------------------------------------------------------------------------------------------------------- */

static bool link_holds(sqlite3_stmt *row, int chain_before, int chain, int bytes)
{
    unsigned char after[SEAL_HASH];
    if (sqlite3_column_bytes(row, chain_before) != SEAL_HASH || sqlite3_column_bytes(row, chain) != SEAL_HASH)
        return false;
    seal_chain_next(sqlite3_column_blob(row, chain_before), sqlite3_column_blob(row, bytes),
                    (size_t)sqlite3_column_bytes(row, bytes), after);
    return memcmp(after, sqlite3_column_blob(row, chain), SEAL_HASH) == 0;
}

/* Every batch on its way gives its chain value, begins where the one before ended, none is missing, and the last one
 * is what meta says. */
static enum status check_links(sqlite3 *db, struct fault *why)
{
    sqlite3_stmt *row = NULL;
    unsigned char previous[SEAL_HASH];
    int64_t expected = 0, high = 0;
    bool holds = true;
    int step = sqlite3_prepare_v2(db,
                                  "SELECT b.chain_before, b.chain, b.bytes, b.seq, m.acked, m.high, m.chain FROM meta m"
                                  " LEFT JOIN batch b ON b.seq > m.acked ORDER BY b.seq",
                                  -1, &row, NULL);
    while (holds && (step == SQLITE_OK || step == SQLITE_ROW) && (step = sqlite3_step(row)) == SQLITE_ROW) {
        high = sqlite3_column_int64(row, 5);
        if (expected == 0)
            expected = sqlite3_column_int64(row, 4) + 1;
        if (sqlite3_column_type(row, 3) == SQLITE_NULL) /* nothing on its way */
            break;
        holds = link_holds(row, 0, 1, 2) && sqlite3_column_int64(row, 3) == expected &&
                (expected == sqlite3_column_int64(row, 4) + 1 ||
                 memcmp(previous, sqlite3_column_blob(row, 0), SEAL_HASH) == 0);
        if (holds)
            memcpy(previous, sqlite3_column_blob(row, 1), SEAL_HASH);
        if (holds && expected == high)
            holds = sqlite3_column_bytes(row, 6) == SEAL_HASH &&
                    memcmp(previous, sqlite3_column_blob(row, 6), SEAL_HASH) == 0;
        expected++;
    }
    sqlite3_finalize(row);
    if (outbox_trouble_passes(step))
        return outbox_sql_failed(db, step, why);
    return holds && (step == SQLITE_ROW || step == SQLITE_DONE) && expected == high + 1
               ? STATUS_OK
               : outbox_sql_failed(db, SQLITE_CORRUPT, why);
}

/* Where the chain begins, as far as that is still held: it names agent and outbox. 1 as it should, 0 otherwise, -1 unknown. */
static int begins_as(sqlite3 *db, const char *agent)
{
    unsigned char start[SEAL_HASH];
    sqlite3_stmt *row = NULL;
    int begins = -1;
    if (sqlite3_prepare_v2(db,
                           "SELECT m.outbox, CASE m.high WHEN 0 THEN m.chain ELSE b.chain_before END FROM meta m"
                           " LEFT JOIN batch b ON b.seq = 1",
                           -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == 16 && sqlite3_column_bytes(row, 1) == SEAL_HASH) {
        seal_chain_start(agent, sqlite3_column_blob(row, 0), start);
        begins = memcmp(start, sqlite3_column_blob(row, 1), SEAL_HASH) == 0;
    }
    sqlite3_finalize(row);
    return begins;
}

enum status outbox_chain_check(sqlite3 *db, const char *agent, struct fault *why)
{
    return begins_as(db, agent) == 0 ? outbox_sql_failed(db, SQLITE_CORRUPT, why) : check_links(db, why);
}

/* Whether a batch on its way, or the newest, bears another key's signature, or none that is any good. */
static bool is_signed_otherwise(sqlite3 *db, const char *agent, const unsigned char outbox[16],
                                const unsigned char sign_secret[SEAL_SECRET])
{
    const unsigned char *public_key = sign_secret + SEAL_SECRET - SEAL_PUBLIC; /* the second half of an ed25519 secret */
    unsigned char digest[SEAL_HASH];
    sqlite3_stmt *row = NULL;
    bool otherwise = false;
    if (sqlite3_prepare_v2(db,
                           "SELECT seq, chain, signature FROM batch WHERE seq > (SELECT acked FROM meta)"
                           " OR seq = (SELECT max(seq) FROM batch) ORDER BY seq DESC",
                           -1, &row, NULL) == SQLITE_OK)
        while (!otherwise && sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 1) == SEAL_HASH) {
            seal_batch_digest(agent, outbox, (uint64_t)sqlite3_column_int64(row, 0), sqlite3_column_blob(row, 1), digest);
            otherwise = sqlite3_column_bytes(row, 2) != SEAL_SIGNATURE ||
                        !seal_verify(digest, sqlite3_column_blob(row, 2), public_key);
        }
    sqlite3_finalize(row);
    return otherwise;
}

/* An outbox under another name is ours all the same when its chain begins with ours, or its batches bear our signature. */
static bool is_of(sqlite3 *db, const char *agent, const unsigned char sign_secret[SEAL_SECRET])
{
    sqlite3_stmt *row = NULL;
    bool is_signed = false;
    if (sqlite3_prepare_v2(db, "SELECT m.outbox FROM meta m JOIN batch LIMIT 1", -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == 16)
        is_signed = !is_signed_otherwise(db, agent, sqlite3_column_blob(row, 0), sign_secret);
    sqlite3_finalize(row);
    return is_signed || begins_as(db, agent) == 1;
}

/* ---- whose it is ------------------------------------------------------------------------------------------------------------ */

bool outbox_has_its_tables(sqlite3 *db)
{
    /* The witness's came later, and an outbox may be without. */
    static const char sql[] = "SELECT group_concat(name, '/') FROM (SELECT m.type || ' ' || m.name || ' ' ||"
                              " coalesce(c.name, '') AS name FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c"
                              " WHERE m.tbl_name != 'witness' ORDER BY 1)";
    char have[4096] = "", wanted[4096] = "";
    sqlite3 *model = NULL;
    int code;
    const bool has = sqlite3_open(":memory:", &model) == SQLITE_OK &&
                     sqlite3_exec(model, (const char *)schemas_outbox_sql, NULL, NULL, NULL) == SQLITE_OK &&
                     ask(model, sql, wanted, sizeof(wanted), &code) && ask(db, sql, have, sizeof(have), &code) &&
                     strcmp(have, wanted) == 0;
    sqlite3_close(model);
    return has;
}

static int64_t number(sqlite3 *db, const char *pragma)
{
    char answer[32] = "0";
    int code;
    return ask(db, pragma, answer, sizeof(answer), &code) ? strtoll(answer, NULL, 10) : 0;
}

/* Of a sound file: whose is it? A mark that is wrong on an outbox of ours was spoilt: it is rescued like any other. */
static enum status check_marks(sqlite3 *db, const char *path, const char *agent,
                               const unsigned char sign_secret[SEAL_SECRET], struct fault *why)
{
    const int64_t version = number(db, "PRAGMA user_version");
    const bool is_marked = number(db, "PRAGMA application_id") == OUTBOX_APPLICATION;
    char answer[256];
    int code;
    if (!is_marked || version > OUTBOX_VERSION) {
        if (outbox_has_its_tables(db))
            return outbox_sql_failed(db, SQLITE_CORRUPT, why);
        (void)snprintf(answer, sizeof(answer), "%lld", (long long)version);
        fault_set(why, is_marked ? MESSAGE_OUTBOX_NEWER : MESSAGE_OUTBOX_FOREIGN, path, answer, NULL);
        return STATUS_BROKEN;
    }
    if (!ask(db, "SELECT agent FROM meta", answer, sizeof(answer), &code))
        return outbox_sql_failed(db, outbox_trouble_passes(code) ? code : SQLITE_CORRUPT, why);
    if (strcmp(answer, agent) == 0)
        return STATUS_OK;
    if (is_of(db, agent, sign_secret))
        return outbox_sql_failed(db, SQLITE_CORRUPT, why);
    fault_set(why, MESSAGE_OUTBOX_OTHER_AGENT, path, answer, NULL);
    return STATUS_BROKEN;
}

/* Is it sound, an outbox, ours, and of a version we know? New files get their tables. */
static enum status check_file(sqlite3 *db, const char *path, const char *agent,
                              const unsigned char sign_secret[SEAL_SECRET], struct fault *why)
{
    char answer[256] = "";
    int code;
    if (!ask(db, "SELECT count(*) FROM sqlite_schema", answer, sizeof(answer), &code))
        return outbox_sql_failed(db, code, why);
    if (strcmp(answer, "0") == 0)
        return make_tables(db, agent, why);
    if (!ask(db, "PRAGMA quick_check(1)", answer, sizeof(answer), &code) || strcmp(answer, "ok") != 0)
        return outbox_sql_failed(db, outbox_trouble_passes(code) ? code : SQLITE_CORRUPT, why);
    return check_marks(db, path, agent, sign_secret, why);
}

/* What SQLite would not say: a file emptied beside its log, which it would then delete; and a header that forbids to write
 * what the file system lets us write. */
static enum status look_at_header(const char *path, struct fault *why)
{
    enum { WRITE_VERSION = 18, KNOWN_WRITE_VERSION = 2 };
    unsigned char header[WRITE_VERSION + 1] = {0};
    char log[4096];
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? -1 : pread(fd, header, sizeof(header), 0);
    if (fd >= 0)
        close(fd);
    const bool is_emptied = got == 0 && snprintf(log, sizeof(log), "%s-wal", path) < (int)sizeof(log) &&
                            lstat(log, &about) == 0 && about.st_size > 0;
    if (!is_emptied && header[WRITE_VERSION] <= KNOWN_WRITE_VERSION)
        return STATUS_OK;
    fault_set(why, MESSAGE_OUTBOX_DAMAGED, path, NULL);
    return STATUS_BROKEN;
}

/* A file emptied beside its log is damaged instead: look_at_header. */
bool outbox_is_gone(const char *folder)
{
    char path[4096], log[4096], lock[4096];
    struct stat about;
    if (snprintf(path, sizeof(path), "%s/outbox.db", folder) >= (int)sizeof(path) ||
        snprintf(log, sizeof(log), "%s-wal", path) >= (int)sizeof(log) ||
        snprintf(lock, sizeof(lock), "%s/lock", folder) >= (int)sizeof(lock))
        return false;
    const bool was_made = stat(lock, &about) == 0 && about.st_size > 0;
    const bool is_empty = lstat(path, &about) == 0 ? about.st_size == 0 : errno == ENOENT;
    return was_made && is_empty && (lstat(log, &about) != 0 || about.st_size == 0);
}

/* The file is made 0600 before SQLite opens it: its journals take over the mode. */
static enum status make_private(const char *path, struct fault *why)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool made = fd >= 0 && fchmod(fd, 0600) == 0;
    if (!made)
        fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    if (fd >= 0)
        close(fd);
    return made ? STATUS_OK : STATUS_BROKEN;
}

enum status outbox_file_open(const char *path, const char *agent, const unsigned char sign_secret[SEAL_SECRET],
                             sqlite3 **ret_db, struct fault *why)
{
    sqlite3 *db = NULL;
    enum status status = make_private(path, why);
    int code;
    if (status == STATUS_OK)
        status = look_at_header(path, why);
    if (status != STATUS_OK)
        return status;
    code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        status = outbox_sql_failed(db, code, why);
        goto done;
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 2000);
    status = set_pragma(db, "PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal", why);
    if (status == STATUS_OK)
        status = set_pragma(db, "PRAGMA synchronous = FULL", "PRAGMA synchronous", "2", why);
    if (status == STATUS_OK)
        status = set_pragma(db, "PRAGMA cache_size = -32768", "PRAGMA cache_size", "-32768", why);
    if (status == STATUS_OK)
        status = set_pragma(db, "PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0", why);
    if (status == STATUS_OK)
        status = check_file(db, path, agent, sign_secret, why);
    if (status == STATUS_OK)
        status = outbox_witness_tables(db, why);
done:
    if (status == STATUS_OK)
        *ret_db = db;
    else
        sqlite3_close(db);
    return status;
}

/* ---- new numbers ---------------------------------------------------------------------------------------------------------------- */

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
        const bool is_sound = link_holds(work->find, 2, 3, 1);
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
    if (!ask(work->db, "SELECT min(acked, backed) FROM meta", kept_there, sizeof(kept_there), &code))
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

/* ---- another key ---------------------------------------------------------------------------------------------------------------- */

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
    if (!is_signed_otherwise(db, agent, outbox, sign_secret))
        return STATUS_OK;
    enum status status = outbox_sql(db, "BEGIN IMMEDIATE", why);
    if (status != STATUS_OK)
        return status;
    const int code = sign_rows(db, agent, outbox, sign_secret);
    return outbox_sql_end(db, code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(db, code, why), why);
}

/* ---- rescue ------------------------------------------------------------------------------------------------------------------------ */

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
        if (are_batches && !link_holds(row, 2, 3, 5))
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

/* ---- one file in the place of another ------------------------------------------------------------------------------------------------ */

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
    if (!ask(db, "SELECT count(*) FROM batch", saved, sizeof(saved), &code) ||
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
