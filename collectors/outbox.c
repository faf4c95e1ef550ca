/* outbox.c - the collector's durable memory in one SQLite file.
 *
 *   folder/            0700   locked by fcntl on folder/lock as long as the outbox is open
 *     lock             0600   holds a word once there was an outbox: an empty file beside it is no new one
 *     outbox.db        0600   WAL, synchronous=FULL: what was committed survives a power cut
 *     outbox.db.damaged-<time>  a file that could not be read any more, kept for a person to look at
 *     outbox.db.rescu*   a rescue on its way (outbox_rescue.c)
 *
 * A file becomes, in one transaction: a manifest row (its hash: the same bytes are never taken twice), batches that are
 * encoded, chained and signed once and for all, and the last known figure of each cell. A crash before the commit leaves
 * nothing, a crash after it leaves everything; there is no state between. Records are sorted by element, period and
 * unit before they are cut: batches get small, and the known figures are written in the order of their table. */
#include "outbox.h"

#include "file.h"
#include "limit.h"
#include "memory.h"
#include "outbox_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PRUNED_AT_ONCE 256 /* batches a transaction */

enum statement {
    SQL_MANIFEST_FIND,
    SQL_MANIFEST_ADD,
    SQL_MANIFEST_LOST,
    SQL_MANIFEST_AGAIN,
    SQL_MANIFEST_LOSE,
    SQL_LOST_FILES,
    SQL_MANIFEST_PLACE,
    SQL_BATCH_ADD,
    SQL_BATCH_GET,
    SQL_BATCH_AFTER,
    SQL_BATCH_MANIFEST,
    SQL_WORD_FIND,
    SQL_WORD_ADD,
    SQL_KNOWN_GET,
    SQL_KNOWN_SET,
    SQL_KNOWN_FORGET,
    SQL_META_TAKEN,
    SQL_META_ACKED,
    SQL_META_REFUSED,
    SQL_OLDEST,
    SQL_PRUNE,
    SQL_USED,
    SQL_COUNT,
};

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

/* A code's number in the table `word`, remembered by catalogue index while one file is taken, by code otherwise. */
struct word {
    char code[LIMIT_CODE_BYTES + 1];
    int64_t id;
};

struct outbox {
    sqlite3 *db;
    sqlite3_stmt *sql[SQL_COUNT];
    int lock_fd;
    char *agent;
    unsigned char sign_secret[SEAL_SECRET];
    struct outbox_identity identity;
    uint64_t backed;
    struct outbox_witness witness;
    uint64_t held_there; /* what the aggregator holds, as it said since the outbox was opened */
    struct fault rescue; /* MESSAGE_NONE when nothing was damaged */
    struct word *words;  /* open addressing over codes */
    size_t word_mask, word_count;
    struct batch *decoded; /* the batch last asked for an origin */
    uint64_t decoded_seq;  /* 0: none */
    size_t superseded;     /* records the last take left out */
};

/* ---- SQLite ----------------------------------------------------------------------------------------------------------- */

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

enum status outbox_sql(sqlite3 *db, const char *sql, struct fault *why)
{
    const int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STATUS_OK : outbox_sql_failed(db, code, why);
}

static enum status failed(struct outbox *outbox, int code, struct fault *why)
{
    return outbox_sql_failed(outbox->db, code, why);
}

/* Runs a bound statement that answers no rows, and leaves it ready for the next time. */
static enum status run(struct outbox *outbox, enum statement which, struct fault *why)
{
    const int code = sqlite3_step(outbox->sql[which]);
    const enum status status = code == SQLITE_DONE ? STATUS_OK : failed(outbox, code, why);
    sqlite3_reset(outbox->sql[which]);
    return status;
}

static void bind_blob(sqlite3_stmt *statement, int at, const void *bytes, size_t length)
{
    sqlite3_bind_blob64(statement, at, bytes, length, SQLITE_STATIC);
}

static enum status commit_or_roll_back(struct outbox *outbox, enum status status, struct fault *why)
{
    if (status == STATUS_OK)
        status = outbox_sql(outbox->db, "COMMIT", why);
    if (status != STATUS_OK && sqlite3_get_autocommit(outbox->db) == 0)
        sqlite3_exec(outbox->db, "ROLLBACK", NULL, NULL, NULL); /* the failure before it is what counts */
    return status;
}

/* ---- opening ---------------------------------------------------------------------------------------------------------- */

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

static enum status prepare(struct outbox *outbox, struct fault *why)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        const int code = sqlite3_prepare_v3(outbox->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &outbox->sql[i],
                                            NULL);
        if (code != SQLITE_OK)
            return failed(outbox, code, why);
    }
    return STATUS_OK;
}

static enum status read_identity(struct outbox *outbox, struct fault *why)
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
        status = failed(outbox, code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_CORRUPT : code, why);
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
        status = read_identity(outbox, why);
    if (status == STATUS_OK)
        status = outbox_sign_anew(outbox->db, outbox->agent, outbox->identity.id, outbox->sign_secret, why);
    if (status == STATUS_OK)
        status = outbox_witness_load(outbox->db, &outbox->witness, why);
    return status == STATUS_OK ? prepare(outbox, why) : status;
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
    free(gone->words);
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

void outbox_witness(const struct outbox *outbox, struct outbox_witness *ret_witness)
{
    *ret_witness = outbox->witness;
}

enum status outbox_keep_witness(struct outbox *outbox, const struct outbox_witness *witness, struct fault *why)
{
    const struct outbox_witness *old = &outbox->witness;
    if (strcmp(old->kept, witness->kept) == 0 && strcmp(old->former, witness->former) == 0 &&
        strcmp(old->shown, witness->shown) == 0 && strcmp(old->earlier, witness->earlier) == 0 &&
        old->alarm == witness->alarm)
        return STATUS_OK;
    const enum status status = outbox_witness_save(outbox->db, witness, why);
    if (status == STATUS_OK)
        outbox->witness = *witness;
    return status;
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

/* ---- words --------------------------------------------------------------------------------------------------------------- */

static size_t hash_code(const char *code)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *code != '\0'; code++)
        hash = (hash ^ (unsigned char)*code) * 0x100000001B3u;
    return (size_t)(hash ^ (hash >> 32));
}

static void grow_words(struct outbox *outbox)
{
    struct word *old = outbox->words;
    const size_t old_size = old == NULL ? 0 : outbox->word_mask + 1, size = old_size == 0 ? 1024 : old_size * 2;
    outbox->words = memory_array(size, sizeof(*outbox->words));
    outbox->word_mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        size_t slot = hash_code(old[i].code) & outbox->word_mask;
        if (old[i].id == 0)
            continue;
        while (outbox->words[slot].id != 0)
            slot = (slot + 1) & outbox->word_mask;
        outbox->words[slot] = old[i];
    }
    free(old);
}

/* Numbers given out in a transaction that was rolled back must not be remembered. */
static void forget_words(struct outbox *outbox)
{
    free(outbox->words);
    outbox->words = NULL;
    outbox->word_mask = outbox->word_count = 0;
}

static enum status find_word(struct outbox *outbox, const char *code, int64_t *ret_id, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_WORD_FIND];
    int step;
    sqlite3_bind_text(statement, 1, code, -1, SQLITE_STATIC);
    step = sqlite3_step(statement);
    *ret_id = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : failed(outbox, step, why);
}

/* Number of a code, 0 when it has none and `add` is false. */
static enum status word_of(struct outbox *outbox, const char *code, bool add, int64_t *ret_id, struct fault *why)
{
    enum status status;
    size_t slot;
    if (outbox->words == NULL || outbox->word_count * 2 > outbox->word_mask)
        grow_words(outbox);
    slot = hash_code(code) & outbox->word_mask;
    while (outbox->words[slot].id != 0 && strcmp(outbox->words[slot].code, code) != 0)
        slot = (slot + 1) & outbox->word_mask;
    *ret_id = outbox->words[slot].id;
    if (*ret_id != 0)
        return STATUS_OK;
    status = find_word(outbox, code, ret_id, why);
    if (status == STATUS_OK && *ret_id == 0 && add) {
        sqlite3_bind_text(outbox->sql[SQL_WORD_ADD], 1, code, -1, SQLITE_STATIC);
        status = run(outbox, SQL_WORD_ADD, why);
        *ret_id = sqlite3_last_insert_rowid(outbox->db);
    }
    if (status == STATUS_OK && *ret_id != 0 &&
        snprintf(outbox->words[slot].code, sizeof(outbox->words[slot].code), "%s", code) <= LIMIT_CODE_BYTES) {
        outbox->words[slot].id = *ret_id;
        outbox->word_count++;
    }
    return status;
}

/* ---- known figures -------------------------------------------------------------------------------------------------------- */

static int64_t period_number(struct period period)
{
    return (int64_t)period.first * 8 + (int64_t)period.kind;
}

static enum status read_known(struct outbox *outbox, bool *ret_known, struct known_figure *ret_figure,
                              struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_KNOWN_GET];
    const int step = sqlite3_step(statement);
    *ret_known = step == SQLITE_ROW;
    if (step == SQLITE_ROW) {
        ret_figure->revision = (uint32_t)sqlite3_column_int64(statement, 0);
        ret_figure->status = (enum record_status)sqlite3_column_int(statement, 1);
        ret_figure->decimals = (uint8_t)sqlite3_column_int(statement, 2);
        ret_figure->value = sqlite3_column_int64(statement, 3);
    }
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : failed(outbox, step, why);
}

enum status outbox_known_figure(struct outbox *outbox, const char *element, const char *unit, const char *period,
                                bool *ret_known, struct known_figure *ret_figure, struct fault *why)
{
    int64_t element_word = 0, unit_word = 0;
    struct period when;
    enum status status = period_parse(period, &when, why);
    *ret_known = false;
    if (status == STATUS_OK)
        status = word_of(outbox, element, false, &element_word, why);
    if (status == STATUS_OK)
        status = word_of(outbox, unit, false, &unit_word, why);
    if (status != STATUS_OK || element_word == 0 || unit_word == 0)
        return status;
    sqlite3_bind_int64(outbox->sql[SQL_KNOWN_GET], 1, element_word);
    sqlite3_bind_int64(outbox->sql[SQL_KNOWN_GET], 2, period_number(when));
    sqlite3_bind_int64(outbox->sql[SQL_KNOWN_GET], 3, unit_word);
    return read_known(outbox, ret_known, ret_figure, why);
}

/* ---- taking a file ---------------------------------------------------------------------------------------------------------- */

/* What a file is being cut into. */
struct cut {
    size_t first, count;
    unsigned char *bytes;
    size_t length;
};

struct taking {
    struct outbox *outbox;
    const struct catalogue *catalogue;
    struct submission *submission;
    struct record *records; /* sorted copy */
    size_t count;
    struct cut *cuts;
    size_t cut_count, cut_capacity;
    const char *path_refused;
    int64_t *element_words, *unit_words; /* by catalogue index, 0 unknown yet */
    int64_t manifest;
};

struct sorted_record {
    struct record record;
    size_t place;
};

static int by_cell(const void *left, const void *right)
{
    const struct record *one = left, *other = right;
    if (one->element != other->element)
        return one->element < other->element ? -1 : 1;
    if (one->period.first != other->period.first)
        return one->period.first < other->period.first ? -1 : 1;
    if (one->period.last != other->period.last)
        return one->period.last < other->period.last ? -1 : 1;
    return one->unit < other->unit ? -1 : one->unit > other->unit;
}

/* qsort is not stable; the place in the file decides between records of one cell, since the later one is to be live. */
static int by_cell_and_place(const void *left, const void *right)
{
    const struct sorted_record *one = left, *other = right;
    const int order = by_cell(&one->record, &other->record);
    return order != 0 ? order : one->place < other->place ? -1 : one->place > other->place;
}

static struct record *sort_records(const struct record *records, size_t count)
{
    struct record *sorted = memory_array(count, sizeof(*sorted));
    struct sorted_record *items;
    bool in_order = true;
    for (size_t i = 1; i < count && in_order; i++)
        in_order = by_cell(&records[i - 1], &records[i]) <= 0;
    if (in_order) {
        if (count > 0)
            memcpy(sorted, records, count * sizeof(*sorted));
        return sorted;
    }
    items = memory_array(count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        items[i] = (struct sorted_record){records[i], i};
    qsort(items, count, sizeof(*items), by_cell_and_place);
    for (size_t i = 0; i < count; i++)
        sorted[i] = items[i].record;
    free(items);
    return sorted;
}

static void plan_cuts(struct taking *taking)
{
    for (size_t first = 0; first < taking->count; first += LIMIT_BATCH_RECORDS) {
        const size_t left = taking->count - first;
        taking->cuts = memory_grow(taking->cuts, &taking->cut_capacity, taking->cut_count + 1, sizeof(*taking->cuts));
        taking->cuts[taking->cut_count++] =
            (struct cut){first, left < LIMIT_BATCH_RECORDS ? left : LIMIT_BATCH_RECORDS, NULL, 0};
    }
}

/* A batch with long reasons may be too large: two of it. */
static void halve(struct taking *taking, size_t which)
{
    struct cut *cut;
    taking->cuts = memory_grow(taking->cuts, &taking->cut_capacity, taking->cut_count + 1, sizeof(*taking->cuts));
    cut = &taking->cuts[which];
    memmove(cut + 1, cut, (taking->cut_count - which) * sizeof(*cut));
    taking->cut_count++;
    cut[0].count /= 2;
    cut[1].first += cut[0].count;
    cut[1].count -= cut[0].count;
    cut[0].bytes = cut[1].bytes = NULL;
}

static void forget_encoded(struct taking *taking)
{
    for (size_t i = 0; i < taking->cut_count; i++) {
        free(taking->cuts[i].bytes);
        taking->cuts[i].bytes = NULL;
    }
}

static enum status encode_cut(struct taking *taking, size_t which, struct fault *why)
{
    struct cut *cut = &taking->cuts[which];
    taking->submission->part = (uint32_t)which;
    taking->submission->parts = (uint32_t)taking->cut_count;
    return batch_encode(taking->catalogue, taking->submission, taking->records + cut->first, cut->count, &cut->bytes,
                        &cut->length, why);
}

/* Encodes every batch. Each tells how many there are of the file, so when one has to be halved all begin anew. */
static enum status encode_all(struct taking *taking, struct fault *why)
{
    plan_cuts(taking);
    for (size_t i = 0; i < taking->cut_count;) {
        const enum status status = encode_cut(taking, i, why);
        if (status == STATUS_OK) {
            i++;
            continue;
        }
        if (status != STATUS_REFUSED || taking->cuts[i].count < 2)
            return status;
        forget_encoded(taking);
        halve(taking, i);
        i = 0;
    }
    return STATUS_OK;
}

/* ---- a file that was lost once ---- */

static enum status find_lost(struct taking *taking, struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_LOST];
    bind_blob(statement, 1, taking->submission->hash, SEAL_HASH);
    const int step = sqlite3_step(statement);
    taking->manifest = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : failed(outbox, step, why);
}

/* False when a later file has another figure for the cell. With a revision the revision decides, whenever it arrives. */
static enum status is_current(struct taking *taking, const struct record *record, bool *ret_current, struct fault *why)
{
    const struct element *element = &taking->catalogue->elements[record->element];
    struct known_figure known;
    char period[PERIOD_TEXT];
    bool is_known = false;
    *ret_current = true;
    if (record->revision != NO_REVISION)
        return STATUS_OK;
    period_format(record->period, period);
    const enum status status = outbox_known_figure(taking->outbox, element->code, taking->catalogue->units[record->unit].code,
                                                   period, &is_known, &known, why);
    if (status == STATUS_OK && is_known)
        *ret_current = known.status == record->status && known.value == record->value && known.decimals == element->decimals;
    return status;
}

/* A lost file comes back after later ones were delivered. Its figures without a revision would replace theirs, so only
 * those go out that are still the last word here: in whatever order lost files return, the figures come out the same. */
static enum status leave_out_superseded(struct taking *taking, struct fault *why)
{
    const size_t count = taking->count;
    enum status status = find_lost(taking, why);
    taking->outbox->superseded = 0;
    if (status != STATUS_OK || taking->manifest == 0)
        return status;
    taking->count = 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        bool current;
        status = is_current(taking, &taking->records[i], &current, why);
        if (current)
            taking->records[taking->count++] = taking->records[i];
    }
    taking->outbox->superseded = count - taking->count;
    return status;
}

size_t outbox_superseded(const struct outbox *outbox)
{
    return outbox->superseded;
}

static enum status store_manifest(struct taking *taking, struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    const enum statement which = taking->manifest != 0 ? SQL_MANIFEST_AGAIN : SQL_MANIFEST_ADD;
    sqlite3_stmt *statement = outbox->sql[which];
    enum status status;
    bind_blob(statement, 1, taking->submission->hash, SEAL_HASH);
    sqlite3_bind_text(statement, 2, taking->submission->file, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, taking->submission->taken_at);
    sqlite3_bind_int64(statement, 4, (int64_t)taking->count);
    sqlite3_bind_int64(statement, 5, (int64_t)taking->submission->refused_rows);
    sqlite3_bind_int64(statement, 6, taking->cut_count == 0 ? 0 : (int64_t)outbox->identity.high + 1);
    sqlite3_bind_int64(statement, 7, taking->cut_count == 0 ? 0 : (int64_t)(outbox->identity.high + taking->cut_count));
    sqlite3_bind_text(statement, 8, taking->path_refused, -1, SQLITE_STATIC);
    status = run(outbox, which, why);
    if (which == SQL_MANIFEST_ADD)
        taking->manifest = sqlite3_last_insert_rowid(outbox->db);
    return status;
}

static enum status store_batch(struct taking *taking, const struct cut *cut, struct outbox_identity *identity,
                               struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_ADD];
    unsigned char before[SEAL_HASH], digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    memcpy(before, identity->chain_at_high, SEAL_HASH);
    seal_chain_next(before, cut->bytes, cut->length, identity->chain_at_high);
    identity->high++;
    seal_batch_digest(outbox->agent, identity->id, identity->high, identity->chain_at_high, digest);
    seal_sign(digest, outbox->sign_secret, signature);
    sqlite3_bind_int64(statement, 1, (int64_t)identity->high);
    sqlite3_bind_int64(statement, 2, taking->manifest);
    bind_blob(statement, 3, before, SEAL_HASH);
    bind_blob(statement, 4, identity->chain_at_high, SEAL_HASH);
    bind_blob(statement, 5, signature, SEAL_SIGNATURE);
    bind_blob(statement, 6, cut->bytes, cut->length);
    return run(outbox, SQL_BATCH_ADD, why);
}

static enum status store_meta(struct outbox *outbox, const struct outbox_identity *identity, uint64_t refused,
                              struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_META_TAKEN];
    sqlite3_bind_int64(statement, 1, (int64_t)identity->high);
    bind_blob(statement, 2, identity->chain_at_high, SEAL_HASH);
    sqlite3_bind_int64(statement, 3, (int64_t)refused);
    return run(outbox, SQL_META_TAKEN, why);
}

static enum status store_known(struct taking *taking, const struct record *record, struct fault *why)
{
    struct outbox *outbox = taking->outbox;
    sqlite3_stmt *statement = outbox->sql[SQL_KNOWN_SET];
    const struct element *element = &taking->catalogue->elements[record->element];
    int64_t *element_word = &taking->element_words[record->element], *unit_word = &taking->unit_words[record->unit];
    enum status status = STATUS_OK;
    if (*element_word == 0)
        status = word_of(outbox, element->code, true, element_word, why);
    if (status == STATUS_OK && *unit_word == 0)
        status = word_of(outbox, taking->catalogue->units[record->unit].code, true, unit_word, why);
    if (status != STATUS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, *element_word);
    sqlite3_bind_int64(statement, 2, period_number(record->period));
    sqlite3_bind_int64(statement, 3, *unit_word);
    sqlite3_bind_int64(statement, 4, record->revision);
    sqlite3_bind_int(statement, 5, (int)record->status);
    sqlite3_bind_int(statement, 6, element->decimals);
    sqlite3_bind_int64(statement, 7, record->value);
    return run(outbox, SQL_KNOWN_SET, why);
}

static enum status store_all(struct taking *taking, struct outbox_identity *identity, struct fault *why)
{
    enum status status = store_manifest(taking, why);
    for (size_t i = 0; i < taking->cut_count && status == STATUS_OK; i++)
        status = store_batch(taking, &taking->cuts[i], identity, why);
    for (size_t i = 0; i < taking->count && status == STATUS_OK; i++)
        status = store_known(taking, &taking->records[i], why);
    if (status == STATUS_OK)
        status = store_meta(taking->outbox, identity, taking->submission->refused_rows, why);
    return status;
}

enum status outbox_take(struct outbox *outbox, const struct catalogue *catalogue, struct submission *submission,
                        const struct record *records, size_t count, const char *path_refused, struct fault *why)
{
    struct taking taking = {.outbox = outbox, .catalogue = catalogue, .submission = submission, .count = count,
                            .path_refused = path_refused};
    struct outbox_identity identity = outbox->identity;
    enum status status;
    taking.records = sort_records(records, count);
    taking.element_words = memory_array(catalogue->element_count, sizeof(int64_t));
    taking.unit_words = memory_array(catalogue->unit_count, sizeof(int64_t));
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    status = leave_out_superseded(&taking, why);
    if (status == STATUS_OK)
        status = encode_all(&taking, why);
    if (status == STATUS_OK)
        status = outbox_sql(outbox->db, "BEGIN IMMEDIATE", why);
    if (status == STATUS_OK)
        status = commit_or_roll_back(outbox, store_all(&taking, &identity, why), why);
    if (status == STATUS_OK) {
        identity.refused_rows += submission->refused_rows;
        outbox->identity = identity;
    } else {
        forget_words(outbox);
    }
    forget_encoded(&taking);
    free(taking.cuts);
    free(taking.records);
    free(taking.element_words);
    free(taking.unit_words);
    return status;
}

enum status outbox_knows_file(struct outbox *outbox, const unsigned char hash[SEAL_HASH], bool *ret_known,
                              int64_t *ret_taken_at, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_FIND];
    int step;
    bind_blob(statement, 1, hash, SEAL_HASH);
    step = sqlite3_step(statement);
    *ret_known = step == SQLITE_ROW;
    if (step == SQLITE_ROW)
        *ret_taken_at = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : failed(outbox, step, why);
}

enum status outbox_place(struct outbox *outbox, const unsigned char hash[SEAL_HASH], const char *path_done,
                         const char *path_refused, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_PLACE];
    bind_blob(statement, 1, hash, SEAL_HASH);
    sqlite3_bind_text(statement, 2, path_done, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, path_refused, -1, SQLITE_STATIC);
    return run(outbox, SQL_MANIFEST_PLACE, why);
}

/* ---- batches on their way ------------------------------------------------------------------------------------------------------ */

static enum status not_held(uint64_t seq, struct fault *why)
{
    char number[24];
    if (snprintf(number, sizeof(number), "%llu", (unsigned long long)seq) > 0)
        fault_set(why, MESSAGE_BATCH_NOT_HELD, number, NULL);
    return STATUS_REFUSED;
}

/* Steps to the row of a batch; the caller resets SQL_BATCH_GET (or lends its blob out till the next call). Batches are
 * mostly read one after another: then it steps on from the last, without asking for the file's lock anew. */
static enum status find_batch(struct outbox *outbox, uint64_t seq, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_GET];
    int step;
    if (!sqlite3_stmt_busy(statement) || (uint64_t)sqlite3_column_int64(statement, 4) + 1 != seq) {
        sqlite3_reset(statement);
        sqlite3_bind_int64(statement, 1, (int64_t)seq);
    }
    step = sqlite3_step(statement);
    if (step != SQLITE_ROW || (uint64_t)sqlite3_column_int64(statement, 4) != seq) {
        sqlite3_reset(statement);
        return step == SQLITE_ROW || step == SQLITE_DONE ? not_held(seq, why) : failed(outbox, step, why);
    }
    if (sqlite3_column_bytes(statement, 0) == SEAL_HASH && sqlite3_column_bytes(statement, 1) == SEAL_HASH &&
        sqlite3_column_bytes(statement, 2) == SEAL_SIGNATURE)
        return STATUS_OK;
    sqlite3_reset(statement);
    return failed(outbox, SQLITE_CORRUPT, why);
}

enum status outbox_batch(struct outbox *outbox, uint64_t seq, const unsigned char **ret_bytes, size_t *ret_length,
                         unsigned char ret_chain_before[SEAL_HASH], unsigned char ret_signature[SEAL_SIGNATURE],
                         struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_GET];
    const enum status status = find_batch(outbox, seq, why);
    if (status != STATUS_OK)
        return status;
    memcpy(ret_chain_before, sqlite3_column_blob(statement, 0), SEAL_HASH);
    memcpy(ret_signature, sqlite3_column_blob(statement, 2), SEAL_SIGNATURE);
    *ret_bytes = sqlite3_column_blob(statement, 3);
    *ret_length = (size_t)sqlite3_column_bytes(statement, 3);
    return STATUS_OK;
}

enum status outbox_chain(struct outbox *outbox, uint64_t seq, unsigned char ret_chain[SEAL_HASH], struct fault *why)
{
    const bool before_low = seq + 1 == outbox->identity.low && outbox->identity.low <= outbox->identity.high;
    enum status status;
    if (seq == 0) {
        seal_chain_start(outbox->agent, outbox->identity.id, ret_chain);
        return STATUS_OK;
    }
    if (seq == outbox->identity.high) {
        memcpy(ret_chain, outbox->identity.chain_at_high, SEAL_HASH);
        return STATUS_OK;
    }
    status = before_low ? STATUS_REFUSED : find_batch(outbox, seq, why);
    if (status == STATUS_OK) {
        memcpy(ret_chain, sqlite3_column_blob(outbox->sql[SQL_BATCH_GET], 1), SEAL_HASH);
    } else if (status == STATUS_REFUSED && (status = find_batch(outbox, seq + 1, why)) == STATUS_OK) {
        memcpy(ret_chain, sqlite3_column_blob(outbox->sql[SQL_BATCH_GET], 0), SEAL_HASH); /* the next one knows it */
    }
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    return status;
}

enum status outbox_held_after(struct outbox *outbox, uint64_t seq, uint64_t *ret_seq, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_AFTER];
    sqlite3_bind_int64(statement, 1, (int64_t)seq);
    const int step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        *ret_seq = sqlite3_column_type(statement, 0) == SQLITE_NULL ? outbox->identity.high + 1
                                                                     : (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return step == SQLITE_ROW ? STATUS_OK : failed(outbox, step, why);
}

enum status outbox_lose(struct outbox *outbox, uint64_t from, uint64_t to, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_LOSE];
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    sqlite3_bind_int64(statement, 1, (int64_t)from);
    sqlite3_bind_int64(statement, 2, (int64_t)to);
    return run(outbox, SQL_MANIFEST_LOSE, why);
}

enum status outbox_lost_files(struct outbox *outbox, outbox_lost_visitor *visit, void *context, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_LOST_FILES];
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        visit(context, (const char *)sqlite3_column_text(statement, 0), (const char *)sqlite3_column_text(statement, 1));
    sqlite3_reset(statement);
    return step == SQLITE_DONE ? STATUS_OK : failed(outbox, step, why);
}

static enum status save_marks(struct outbox *outbox, uint64_t acked, uint64_t backed, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_META_ACKED];
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    sqlite3_bind_int64(statement, 1, (int64_t)acked);
    sqlite3_bind_int64(statement, 2, (int64_t)backed);
    const enum status status = run(outbox, SQL_META_ACKED, why);
    if (status == STATUS_OK) {
        outbox->identity.highest_acked = acked;
        outbox->backed = backed;
    }
    return status;
}

enum status outbox_acknowledge(struct outbox *outbox, uint64_t watermark, uint64_t backup_watermark, struct fault *why)
{
    uint64_t acked = outbox->identity.highest_acked;
    /* An aggregator cannot have what was never cut. */
    if (watermark > outbox->identity.high)
        watermark = outbox->identity.high;
    if (backup_watermark > watermark)
        backup_watermark = watermark;
    outbox->held_there = watermark;
    if (watermark > acked)
        acked = watermark;
    return acked == outbox->identity.highest_acked && backup_watermark == outbox->backed
               ? STATUS_OK
               : save_marks(outbox, acked, backup_watermark, why);
}

enum status outbox_hears(struct outbox *outbox, uint64_t watermark, uint64_t backup_watermark, struct fault *why)
{
    const uint64_t acked = outbox->identity.highest_acked;
    outbox->held_there = watermark < outbox->identity.high ? watermark : outbox->identity.high;
    if (backup_watermark > watermark)
        backup_watermark = watermark;
    if (backup_watermark > acked)
        backup_watermark = acked;
    return backup_watermark == outbox->backed ? STATUS_OK : save_marks(outbox, acked, backup_watermark, why);
}

/* ---- keeping what was delivered, and letting it go ---------------------------------------------------------------------------------- */

/* The last of the oldest batches up to `most` whose file was taken at or before `cutoff`; 0: none. */
static enum status find_old(struct outbox *outbox, uint64_t most, int64_t cutoff, uint64_t *ret_until, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_OLDEST];
    int step;
    *ret_until = 0;
    sqlite3_bind_int64(statement, 1, (int64_t)most);
    sqlite3_bind_int64(statement, 2, PRUNED_AT_ONCE);
    /* A rescued batch may have lost its file's row: it has no age, and is not kept for one. */
    while ((step = sqlite3_step(statement)) == SQLITE_ROW &&
           (sqlite3_column_type(statement, 1) == SQLITE_NULL || sqlite3_column_int64(statement, 1) <= cutoff))
        *ret_until = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : failed(outbox, step, why);
}

static enum status let_go(struct outbox *outbox, uint64_t most, int64_t cutoff, uint64_t *ret_until, struct fault *why)
{
    enum status status;
    *ret_until = 0;
    if (outbox->identity.low > most || outbox->identity.low > outbox->identity.high)
        return STATUS_OK;
    status = find_old(outbox, most, cutoff, ret_until, why);
    if (status != STATUS_OK || *ret_until == 0)
        return status;
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    sqlite3_bind_int64(outbox->sql[SQL_PRUNE], 1, (int64_t)*ret_until);
    status = run(outbox, SQL_PRUNE, why);
    if (status == STATUS_OK)
        outbox->identity.low = *ret_until + 1;
    return status;
}

static uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

enum status outbox_prune(struct outbox *outbox, int64_t cutoff, bool *ret_any, struct fault *why)
{
    uint64_t until = 0;
    const enum status status =
        let_go(outbox, smaller(outbox->identity.highest_acked, outbox->backed), cutoff, &until, why);
    *ret_any = until != 0;
    return status;
}

enum status outbox_sacrifice(struct outbox *outbox, uint64_t *ret_first, uint64_t *ret_last, struct fault *why)
{
    const uint64_t low = outbox->identity.low;
    /* After a restore the aggregator holds less than it once acknowledged, and asks again for the rest. */
    const enum status status = let_go(outbox, smaller(outbox->identity.highest_acked, outbox->held_there), INT64_MAX,
                                      ret_last, why);
    *ret_first = low;
    return status;
}

enum status outbox_used(struct outbox *outbox, uint64_t *ret_used, uint64_t *ret_free, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_USED];
    const int step = sqlite3_step(statement);
    *ret_used = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    *ret_free = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 1) : 0;
    sqlite3_reset(statement);
    return step == SQLITE_ROW ? STATUS_OK : failed(outbox, step, why);
}

/* ---- what comes back refused ------------------------------------------------------------------------------------------------------ */

static enum status decode_batch(struct outbox *outbox, uint64_t seq, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_GET];
    enum status status;
    if (outbox->decoded_seq == seq && seq != 0)
        return STATUS_OK;
    outbox->decoded_seq = 0;
    status = find_batch(outbox, seq, why);
    if (status == STATUS_OK)
        status = batch_decode(sqlite3_column_blob(statement, 3), (size_t)sqlite3_column_bytes(statement, 3),
                              &outbox->decoded, why);
    sqlite3_reset(statement);
    if (status == STATUS_OK)
        outbox->decoded_seq = seq;
    return status;
}

static void copy_column(sqlite3_stmt *statement, int column, char *ret_text, size_t capacity)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    if (text == NULL || snprintf(ret_text, capacity, "%s", (const char *)text) >= (int)capacity)
        ret_text[0] = '\0'; /* no path is that long; without one the caller makes a new place */
}

enum status outbox_origin(struct outbox *outbox, uint64_t seq, uint32_t index, struct outbox_origin *ret_origin,
                          struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_MANIFEST];
    enum status status = decode_batch(outbox, seq, why);
    int step;
    if (status != STATUS_OK)
        return status;
    if (index >= outbox->decoded->record_count)
        return not_held(seq, why);
    sqlite3_bind_int64(statement, 1, (int64_t)seq);
    step = sqlite3_step(statement);
    if (step == SQLITE_ROW && sqlite3_column_bytes(statement, 3) == SEAL_HASH) {
        copy_column(statement, 0, ret_origin->path_done, sizeof(ret_origin->path_done));
        copy_column(statement, 1, ret_origin->path_refused, sizeof(ret_origin->path_refused));
        copy_column(statement, 2, ret_origin->file, sizeof(ret_origin->file));
        memcpy(ret_origin->hash, sqlite3_column_blob(statement, 3), SEAL_HASH);
        ret_origin->line = outbox->decoded->records[index].line;
    } else {
        status = step == SQLITE_ROW || step == SQLITE_DONE ? not_held(seq, why) : failed(outbox, step, why);
    }
    sqlite3_reset(statement);
    return status;
}

static enum status forget_known(struct outbox *outbox, const struct batch_record *record, struct fault *why)
{
    const struct batch *batch = outbox->decoded;
    sqlite3_stmt *statement = outbox->sql[SQL_KNOWN_FORGET];
    int64_t element = 0, unit = 0;
    enum status status = word_of(outbox, batch->elements[record->element].code, false, &element, why);
    if (status == STATUS_OK)
        status = word_of(outbox, batch->units[record->unit], false, &unit, why);
    if (status != STATUS_OK || element == 0 || unit == 0)
        return status;
    sqlite3_bind_int64(statement, 1, element);
    sqlite3_bind_int64(statement, 2, period_number(batch->periods[record->period]));
    sqlite3_bind_int64(statement, 3, unit);
    return run(outbox, SQL_KNOWN_FORGET, why);
}

enum status outbox_refused_later(struct outbox *outbox, uint64_t seq, uint32_t index, struct fault *why)
{
    enum status status = decode_batch(outbox, seq, why);
    if (status != STATUS_OK)
        return status;
    if (index >= outbox->decoded->record_count)
        return not_held(seq, why);
    status = outbox_sql(outbox->db, "BEGIN IMMEDIATE", why);
    if (status != STATUS_OK)
        return status;
    status = forget_known(outbox, &outbox->decoded->records[index], why);
    if (status == STATUS_OK)
        status = run(outbox, SQL_META_REFUSED, why);
    status = commit_or_roll_back(outbox, status, why);
    if (status == STATUS_OK)
        outbox->identity.refused_rows++;
    return status;
}

/* ---- rebirth -------------------------------------------------------------------------------------------------------------------------- */

enum status outbox_rebirth(struct outbox *outbox, uint64_t from, struct fault *why)
{
    enum status status;
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    outbox->decoded_seq = 0;
    status = outbox_sql(outbox->db, "BEGIN IMMEDIATE", why);
    if (status != STATUS_OK)
        return status;
    status = outbox_renumber(outbox->db, outbox->agent, outbox->sign_secret, from, why);
    status = commit_or_roll_back(outbox, status, why);
    outbox->held_there = 0;
    return status == STATUS_OK ? read_identity(outbox, why) : status;
}
