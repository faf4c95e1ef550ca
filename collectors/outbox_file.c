/* outbox_file.c - opening the outbox's file: is it sound, an outbox, ours, and does its chain hold?
 *
 * A damaged file never prevents the start: whatever fails that is not the machine's trouble is damage, and there is
 * outbox_rescue.c for that. Only a sound file that is somebody else's, or made by a newer version, is left alone. */
#include "outbox_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const unsigned char schemas_outbox_sql[];

/* ---- tables ----------------------------------------------------------------------------------------------------- */

/* Sets a pragma and reads it back: a file system that cannot do WAL or a build without FULL must not pass unnoticed. */
static enum status set_pragma(sqlite3 *db, const char *set, const char *get, const char *wanted, struct fault *why)
{
    char answer[64] = "";
    int code = sqlite3_exec(db, set, NULL, NULL, NULL);
    if (code == SQLITE_OK && outbox_ask(db, get, answer, sizeof(answer), &code) && strcmp(answer, wanted) == 0)
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

/* ---- the chain -------------------------------------------------------------------------------------------------- */

bool outbox_link_holds(sqlite3_stmt *row, int chain_before, int chain, int bytes)
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
        holds = outbox_link_holds(row, 0, 1, 2) && sqlite3_column_int64(row, 3) == expected &&
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

/* ---- whose it is ------------------------------------------------------------------------------------------------ */

bool outbox_is_signed_otherwise(sqlite3 *db, const char *agent, const unsigned char outbox[16],
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
        is_signed = !outbox_is_signed_otherwise(db, agent, sqlite3_column_blob(row, 0), sign_secret);
    sqlite3_finalize(row);
    return is_signed || begins_as(db, agent) == 1;
}

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
                     outbox_ask(model, sql, wanted, sizeof(wanted), &code) && outbox_ask(db, sql, have, sizeof(have), &code) &&
                     strcmp(have, wanted) == 0;
    sqlite3_close(model);
    return has;
}

static int64_t number(sqlite3 *db, const char *pragma)
{
    char answer[32] = "0";
    int code;
    return outbox_ask(db, pragma, answer, sizeof(answer), &code) ? strtoll(answer, NULL, 10) : 0;
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
    if (!outbox_ask(db, "SELECT agent FROM meta", answer, sizeof(answer), &code))
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
    if (!outbox_ask(db, "SELECT count(*) FROM sqlite_schema", answer, sizeof(answer), &code))
        return outbox_sql_failed(db, code, why);
    if (strcmp(answer, "0") == 0)
        return make_tables(db, agent, why);
    if (!outbox_ask(db, "PRAGMA quick_check(1)", answer, sizeof(answer), &code) || strcmp(answer, "ok") != 0)
        return outbox_sql_failed(db, outbox_trouble_passes(code) ? code : SQLITE_CORRUPT, why);
    return check_marks(db, path, agent, sign_secret, why);
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

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
