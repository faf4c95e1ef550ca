/* store_inside.h - what the store_*.c files share. Nobody else includes it: no SQL leaves the store. */
#ifndef AGGREGATOR_STORE_INSIDE_H
#define AGGREGATOR_STORE_INSIDE_H

#include "batch.h"
#include "limit.h"
#include "store.h"

#include <sqlite3.h>

/* Every statement of the store, prepared when first used and kept with the handle. */
#define STORE_STATEMENTS(X)                                                                                            \
    X(BEGIN_READ, "BEGIN")                                                                                             \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                                  \
    X(COMMIT, "COMMIT")                                                                                                \
    X(PIN, "PRAGMA user_version")                                                                                      \
    X(ABOUT, "SELECT value FROM about WHERE name = ?1")                                                                \
    X(ABOUT_SET, "INSERT INTO about(name, value) VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")     \
    X(OUTBOX, "SELECT id FROM outbox WHERE agent = ?1 AND outbox = ?2")                                                \
    X(OUTBOX_OTHER, "SELECT 1 FROM outbox WHERE agent = ?1 AND outbox <> ?2 LIMIT 1")                                  \
    X(OUTBOX_FIRST, "SELECT min(id) FROM outbox WHERE agent = ?1 AND outbox <> ?2 HAVING count(*) = 1")                \
    X(OUTBOX_ADD, "INSERT INTO outbox(agent, outbox) VALUES(?1, ?2)")                                                  \
    X(HEAD, "SELECT entry, hash, received_at FROM ledger ORDER BY entry DESC LIMIT 1")                                 \
    X(APPEND, "INSERT INTO ledger(entry, outbox, seq, received_at, chain, signature, hash, outcome, bytes)"            \
              " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                                           \
    X(TOUCH, "INSERT OR REPLACE INTO touch(form, period, entry, more) VALUES(?1, ?2, ?3, ?4)")                         \
    X(NEXT, "SELECT entry FROM ledger WHERE entry > ?1 ORDER BY entry LIMIT 1")                                        \
    X(TOUCH_UP_TO, "SELECT entry, more FROM touch WHERE form = ?1 AND period = ?2 AND entry <= ?3"                     \
                   " ORDER BY entry DESC LIMIT 1")                                                                     \
    X(TOUCH_AFTER, "SELECT entry FROM touch WHERE form = ?1 AND period = ?2 AND entry > ?3 ORDER BY entry LIMIT 1")    \
    X(ENTRY, "SELECT l.entry, o.agent, o.outbox, l.seq, l.received_at, l.chain, l.signature, l.hash, l.outcome,"       \
             " l.bytes FROM ledger l JOIN outbox o ON o.id = l.outbox WHERE l.entry = ?1")                             \
    X(RECEIVED, "SELECT received_at FROM ledger WHERE entry = ?1")                                                     \
    X(NEXT_PERIOD, "SELECT period FROM touch WHERE form = ?1 AND period > ?2 ORDER BY period LIMIT 1")                 \
    X(STREAM, "SELECT o.agent, o.outbox, s.epoch, s.watermark, s.chain, s.last_received_at"                            \
              " FROM outbox o JOIN stream s ON s.outbox = o.id WHERE o.agent = ?1 AND o.outbox = ?2")                  \
    X(STREAMS, "SELECT o.agent, o.outbox, s.epoch, s.watermark, s.chain, s.last_received_at"                           \
               " FROM outbox o JOIN stream s ON s.outbox = o.id ORDER BY o.agent, o.id")                               \
    X(STREAM_SAVE, "INSERT INTO stream(outbox, epoch, watermark, chain, last_received_at) VALUES(?1, ?2, ?3, ?4, ?5)"  \
                   " ON CONFLICT DO UPDATE SET epoch = excluded.epoch, watermark = excluded.watermark,"                \
                   " chain = excluded.chain, last_received_at = excluded.last_received_at")                            \
    X(TAKEN, "SELECT 1 FROM taken WHERE agent = ?1 AND hash = ?2 AND outbox <> ?3 LIMIT 1")                            \
    X(TAKE, "INSERT OR IGNORE INTO taken(agent, hash, outbox) VALUES(?1, ?2, ?3)")                                     \
    X(BATCHES_OF, "SELECT o.outbox, l.outcome, l.bytes FROM outbox o JOIN ledger l ON l.outbox = o.id"                 \
                  " WHERE o.id = ?1 ORDER BY l.seq")                                                                   \
    X(BLOCK, "SELECT bytes, seal FROM block WHERE subject = ?1 AND period = ?2 AND block = ?3")                        \
    X(BLOCK_SEAL, "SELECT seal FROM block WHERE subject = ?1 AND period = ?2 AND block = ?3")                          \
    X(BLOCK_SEALS, "SELECT subject, period, block, seal FROM block INDEXED BY sqlite_autoindex_block_1"                \
                   " ORDER BY subject, period, block")                                                                 \
    X(BLOCK_SAVE, "INSERT INTO block(subject, period, block, seal, bytes) VALUES(?1, ?2, ?3, ?4, ?5)"                  \
                  " ON CONFLICT DO UPDATE SET seal = excluded.seal, bytes = excluded.bytes")                           \
    X(HASH_AT, "SELECT hash FROM ledger WHERE entry = ?1")                                                             \
    X(BLOCK_PERIODS, "SELECT DISTINCT period FROM block WHERE subject = ?1 ORDER BY period")                           \
    X(BLOCKS_CLEAR, "DELETE FROM block")                                                                               \
    X(CATALOGUE, "SELECT version, hash, after FROM catalogue ORDER BY version DESC LIMIT 1")                           \
    X(CATALOGUE_OF, "SELECT version FROM catalogue WHERE hash = ?1 ORDER BY version DESC LIMIT 1")                          \
    X(CATALOGUE_ADD, "INSERT INTO catalogue(hash, after) SELECT ?1, coalesce(max(entry), 0) FROM ledger")              \
    X(CATALOGUE_FILE_ADD, "INSERT INTO catalogue_file(version, name, bytes) VALUES(?1, ?2, ?3)")                       \
    X(CATALOGUE_FILES, "SELECT name, bytes FROM catalogue_file WHERE version = ?1 ORDER BY name")                      \
    X(ALERTS, "SELECT alert, kind, state, severity, subject, unit, office, since, detail, acked_by, note FROM alert"   \
              " ORDER BY alert")                                                                                       \
    X(ALERT_SAVE, "INSERT OR REPLACE INTO alert(alert, kind, state, severity, subject, unit, office, since, detail,"   \
                  " acked_by, note) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                             \
    X(AGENTS, "SELECT agent, connected, last_seen, last_submission, backlog, refused, clock_skew_ms, software"         \
              " FROM agent ORDER BY agent")                                                                            \
    X(CHAIN_AT, "SELECT l.chain FROM ledger l JOIN outbox o ON o.id = l.outbox"                                       \
                " WHERE o.agent = ?1 AND o.outbox = ?2 AND l.seq = ?3")                                                \
    X(BATCH_AT, "SELECT l.seq FROM ledger l JOIN outbox o ON o.id = l.outbox"                                          \
                " WHERE o.agent = ?1 AND o.outbox = ?2 AND l.entry <= ?3 ORDER BY l.seq DESC LIMIT 1")                 \
    X(AFTER_OF_OUTBOX, "SELECT l.seq, l.chain, l.signature, l.bytes FROM ledger l JOIN outbox o ON o.id = l.outbox"     \
                       " WHERE o.agent = ?1 AND o.outbox = ?2 AND l.seq > ?3 ORDER BY l.seq")                              \
    X(PUBLICATIONS, "SELECT name, period, entry, ledger_hash, published_at, note, catalogue_hash, figures_hash,"       \
                    " signer, signature FROM publication ORDER BY published_at, name")                                 \
    X(PUBLICATION, "SELECT name, period, entry, ledger_hash, published_at, note, catalogue_hash, figures_hash,"        \
                   " signer, signature FROM publication WHERE name = ?1")                                              \
    X(PUBLICATION_ADD, "INSERT OR IGNORE INTO publication(name, period, entry, ledger_hash, published_at, note,"       \
                       " catalogue_hash, figures_hash, signer, signature)"                                             \
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")                                             \
    X(CLOCK, "SELECT min(seen_at) FROM registry WHERE kind = 'clock' AND after >= ?1")                                 \
    X(GAP_AT, "SELECT key FROM registry WHERE kind = 'gap' AND name = ?1"                                             \
              " AND scope LIKE lower(hex(?2)) || ':%-' || ?3")                                                         \
    X(REGISTRY, "SELECT number, kind, name, key, scope, status, after, seen_at, hash FROM registry ORDER BY number")   \
    X(REGISTRY_ADD, "INSERT INTO registry(number, kind, name, key, scope, status, after, seen_at, hash)"               \
                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                                     \
    X(CHECKPOINTS, "SELECT entry, text FROM checkpoint WHERE entry > ?1 ORDER BY entry")                               \
    X(CHECKPOINT_NEWEST, "SELECT entry, text FROM checkpoint ORDER BY entry DESC LIMIT 1")                             \
    X(CHECKPOINT_ADD, "INSERT OR REPLACE INTO checkpoint(entry, text) VALUES(?1, ?2)")                                 \
    X(TOUCHES_CLEAR, "DELETE FROM touch")                                                                              \
    X(TOUCHES, "SELECT form, period, entry, more FROM touch ORDER BY form, period, entry")                             \
    X(BLOCKS, "SELECT subject, period, block, bytes, seal FROM block ORDER BY subject, period, block")                 \
    X(BLOCKS_AFTER, "SELECT subject, period, block, bytes, seal, rowid FROM block WHERE rowid > ?1 ORDER BY rowid")    \
    X(CATALOGUES, "SELECT version, hash, after FROM catalogue ORDER BY version")                                       \
    X(FIGURE, "SELECT value, numerator, denominator, flag, name, unit_name, level, period_kind, first_day, last_day,"  \
              " reported, expected, value_units, value_scale FROM published_figures"                                  \
              " WHERE kind = ?1 AND code = ?2 AND unit = ?3 AND period = ?4")                                          \
    X(FIGURES, "SELECT kind, code, unit, period, value, numerator, denominator, reported, expected, flag"              \
               " FROM published_figures ORDER BY kind, code, unit, period")                                            \
    X(FIGURE_SAVE, "INSERT OR REPLACE INTO published_figures(kind, code, unit, period, name, unit_name, level,"        \
                   " period_kind, first_day, last_day, value, value_units, value_scale, numerator, denominator,"       \
                   " reported, expected, flag, updated_at)"                                                            \
                   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)")    \
    X(FIGURES_CLEAR, "DELETE FROM published_figures")                                                                  \
    X(GOAL_SAVE, "INSERT OR REPLACE INTO published_goals(goal, indicator, unit, unit_name, op, value, due, actual,"    \
                 " attainment_pct, expected_by_now, status, forecast, required_rate, reachable, reported, expected,"   \
                 " office, judged_on, updated_at)"                                                                     \
                 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)")      \
    X(GOALS_CLEAR, "DELETE FROM published_goals")                                                                      \
    X(REPORT_SAVE, "INSERT OR REPLACE INTO published_reports(form, unit, period, form_name, unit_name, level,"         \
                   " first_day, last_day, reports_expected, reports_received, reports_on_time, reports_clean,"         \
                   " updated_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")                      \
    X(REPORTS_CLEAR, "DELETE FROM published_reports")                                                                  \
    X(AGENT_SAVE, "INSERT OR REPLACE INTO agent(agent, connected, last_seen, last_submission, backlog, refused,"       \
                  " clock_skew_ms, software) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")

enum statement {
#define X(name, sql) STATEMENT_##name,
    STORE_STATEMENTS(X)
#undef X
    STATEMENT_COUNT
};

struct place {              /* of the index: a form and period ('' stands for any), and the entries gathered for it */
    char form[LIMIT_CODE_BYTES + 1], period[PERIOD_TEXT];
    uint32_t hash;
    uint64_t *entries;      /* ascending */
    size_t count, capacity;
};

struct memory {             /* bytes handed out to the caller; kept from call to call */
    unsigned char *bytes;
    size_t capacity;
};

struct store {
    sqlite3 *database;
    char *path;
    enum store_mode mode;
    int lock;                /* file descriptor of PATH.lock, -1 for readers */
    bool inside;             /* a transaction or snapshot is open */
    bool broken;             /* an I/O error was seen: never trusted again */
    int64_t version;         /* of the file; a reader takes older ones as they are */
    int log_pages, checkpointed_pages; /* of the write-ahead log, after the last commit / checkpoint */
    sqlite3_stmt *statements[STATEMENT_COUNT];

    bool head_known;         /* the newest entry, so that appending need not ask */
    uint64_t head;
    int64_t head_received_at;
    unsigned char head_hash[SEAL_HASH];

    struct {                 /* the outbox appended to last: many batches of one follow each other */
        bool known, has_others; /* has_others: its agent had other outboxes, which may have brought the same file */
        char agent[65];
        unsigned char outbox[16];
        int64_t id;          /* 0: not there yet */
    } outbox;

    struct {                 /* what the open transaction touches and the file does not say yet: store_touch.c */
        struct place *places;
        uint32_t *table;     /* by hash, place + 1; 0: free */
        size_t place_count, place_capacity, table_size, entries;
    } touched;

    bool index_seal_known;   /* the sum over all that the index names: store_touch.c */
    uint64_t index_seal;

    bool pages_seal_known;   /* the sum of the seals of all saved blocks, in this transaction */
    uint64_t pages_seal;

    struct memory entry_bytes, block_bytes;
    struct refusal *refusals;
    size_t refusal_capacity;
    unsigned char *outcome;
    size_t outcome_capacity;
    struct batch *batch;     /* to look into a batch whose submission the caller did not give */
};

/* The prepared statement, reset and ready to bind. */
enum status store_statement(struct store *store, enum statement which, sqlite3_stmt **ret_statement, struct fault *why)
    MUST_CHECK;
/* One step. *ret_row tells whether there is a row. On failure the transaction is rolled back. */
enum status store_step(struct store *store, sqlite3_stmt *statement, bool *ret_row, struct fault *why) MUST_CHECK;
/* Steps to the end and resets: for statements that give no rows. */
enum status store_run(struct store *store, sqlite3_stmt *statement, struct fault *why) MUST_CHECK;
/* Reads a row; false when it contradicts the schema, then `what` names it for people. */
typedef bool store_reader(sqlite3_stmt *statement, void *into);
/* The one row of a bound statement, read into what `into` points to, which is left alone when there is none. */
enum status store_row(struct store *store, sqlite3_stmt *statement, store_reader *read, const char *what, void *into,
                      bool *ret_found, struct fault *why) MUST_CHECK;
/* The same where the row is a number. */
enum status store_number(struct store *store, sqlite3_stmt *statement, uint64_t *ret_number, bool *ret_found,
                         struct fault *why) MUST_CHECK;
/* All rows of a bound statement, each read into `size` zeroed bytes; NULL when there are none. *ret_rows is the caller's. */
enum status store_rows(struct store *store, sqlite3_stmt *statement, store_reader *read, size_t size, const char *what,
                       void **ret_rows, size_t *ret_count, struct fault *why) MUST_CHECK;
/* The same of a statement with nothing to bind. */
enum status store_all_rows(struct store *store, enum statement which, store_reader *read, size_t size, const char *what,
                           void **ret_rows, size_t *ret_count, struct fault *why) MUST_CHECK;
/* Turns SQLite's answer into ours; rolls back. */
enum status store_failure(struct store *store, int result, struct fault *why) MUST_CHECK;
/* A row in the file contradicts the schema. */
enum status store_damaged(struct store *store, const char *what, struct fault *why) MUST_CHECK;

/* What is noted under the name, bound, to be stepped. */
enum status store_about(struct store *store, const char *name, sqlite3_stmt **ret_statement, struct fault *why) MUST_CHECK;
/* 0 when there is none. */
enum status store_about_number(struct store *store, const char *name, uint64_t *ret_number, struct fault *why) MUST_CHECK;
/* Whether it is this hash; what is noted otherwise is no fault. */
enum status store_about_is(struct store *store, const char *name, const unsigned char hash[SEAL_HASH], bool *ret_is,
                           struct fault *why) MUST_CHECK;
enum status store_set_about(struct store *store, const char *name, const void *bytes, size_t length, struct fault *why)
    MUST_CHECK;
enum status store_set_about_number(struct store *store, const char *name, uint64_t number, struct fault *why) MUST_CHECK;

/* The number of the agent's outbox, which is added when it is not there yet. */
enum status store_find_outbox(struct store *store, const char *agent, const unsigned char outbox[16], int64_t *ret_id,
                              struct fault *why) MUST_CHECK;
/* Of an entry just appended: a file counts as taken when all of its parts are in the ledger. */
enum status store_note_file(struct store *store, const struct entry *entry, struct fault *why) MUST_CHECK;

/* Writes what store_touch gathered: before a commit, and before anybody reads the index. */
enum status store_flush_touches(struct store *store, struct fault *why) MUST_CHECK;
void store_forget_touches(struct store *store);
/* The next entry after `after` that touches the form and period; 0 when there is none. */
enum status store_touching_after(struct store *store, const char *form, const char *period, uint64_t after,
                                 uint64_t *ret_entry, struct fault *why) MUST_CHECK;

/* The seal at the end of a block's bytes, as it is kept beside them. */
uint64_t store_seal_of(const unsigned char *bytes, size_t length);

void store_bind_text(sqlite3_stmt *statement, int index, const char *text);
void store_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t length);
void store_bind_number(sqlite3_stmt *statement, int index, uint64_t number);
bool store_read_text(sqlite3_stmt *statement, int column, char *ret_text, size_t capacity);
bool store_read_blob(sqlite3_stmt *statement, int column, void *ret_bytes, size_t length);
/* A store_reader of a row that is one SEAL_HASH. */
bool store_read_hash(sqlite3_stmt *statement, void *into);
/* Copies a blob into memory of the handle. */
void store_keep_blob(sqlite3_stmt *statement, int column, struct memory *memory, const unsigned char **ret_bytes,
                     size_t *ret_length);

#endif
