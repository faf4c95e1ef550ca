/* store_ledger.c - the ledger: append-only, chained, with the streams that end in it and the index of what touches what. */
#include "store_inside.h"

#include "memory.h"
#include "outcome.h"
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_entry_hash(const struct entry *entry, const unsigned char previous[SEAL_HASH],
                      unsigned char ret_hash[SEAL_HASH])
{
    unsigned char *outcome = NULL;
    size_t capacity = 0;
    const size_t length = outcome_write(entry, &outcome, &capacity);
    seal_ledger_next(entry->number, previous, entry->agent, entry->outbox, entry->seq, entry->chain, entry->signature,
                     entry->received_at, outcome, length, ret_hash);
    free(outcome);
}

/* ---- head ------------------------------------------------------------------------------------------------------------ */

#define CLOCK_SINCE 3 /* user_version with a registry */

/* The least of no moments is none. */
static bool read_moment(sqlite3_stmt *statement, void *into)
{
    if (sqlite3_column_type(statement, 0) != SQLITE_NULL)
        *(int64_t *)into = sqlite3_column_int64(statement, 0);
    return true;
}

/* The moment before which the entry was received whatever it says: the clock may have been ahead then (gaps.h). */
static enum status received_before(struct store *store, uint64_t entry, int64_t *ret_moment, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found;
    *ret_moment = INT64_MAX;
    if (store->version < CLOCK_SINCE)
        return STATUS_OK;
    enum status status = store_statement(store, STATEMENT_CLOCK, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, entry);
    return store_row(store, statement, read_moment, "registry: clock", ret_moment, &found, why);
}

static enum status learn_head(struct store *store, struct fault *why)
{
    int64_t before = INT64_MAX;
    sqlite3_stmt *statement;
    bool row;
    enum status status;
    /* The writer alone changes the ledger, so it may remember; a reader may while its snapshot lasts. */
    if (store->head_known && (store->mode == STORE_WRITE || store->inside))
        return STATUS_OK;
    status = store_statement(store, STATEMENT_HEAD, &statement, why);
    if (status == STATUS_OK)
        status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    store->head = 0;
    store->head_received_at = INT64_MIN;
    memset(store->head_hash, 0, sizeof store->head_hash);
    if (row) {
        store->head = (uint64_t)sqlite3_column_int64(statement, 0);
        store->head_received_at = sqlite3_column_int64(statement, 2);
        if (!store_read_blob(statement, 1, store->head_hash, SEAL_HASH))
            status = store_damaged(store, "ledger: hash", why);
    }
    sqlite3_reset(statement);
    if (status == STATUS_OK && row)
        status = received_before(store, store->head, &before, why);
    if (store->head_received_at > before)
        store->head_received_at = before;
    store->head_known = status == STATUS_OK;
    return status;
}

enum status store_head(struct store *store, uint64_t *ret_number, unsigned char ret_hash[SEAL_HASH],
                       int64_t *ret_received_at, struct fault *why)
{
    const enum status status = learn_head(store, why);
    if (status != STATUS_OK)
        return status;
    *ret_number = store->head;
    if (ret_hash != NULL)
        memcpy(ret_hash, store->head_hash, SEAL_HASH);
    if (ret_received_at != NULL)
        *ret_received_at = store->head == 0 ? 0 : store->head_received_at;
    return STATUS_OK;
}

/* ---- append ---------------------------------------------------------------------------------------------------------- */

static enum status insert_entry(struct store *store, const struct entry *entry, const unsigned char hash[SEAL_HASH],
                                size_t outcome_length, struct fault *why)
{
    sqlite3_stmt *statement;
    int64_t outbox;
    enum status status = store_find_outbox(store, entry->agent, entry->outbox, &outbox, why);
    if (status == STATUS_OK)
        status = store_statement(store, STATEMENT_APPEND, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, entry->number);
    sqlite3_bind_int64(statement, 2, outbox);
    store_bind_number(statement, 3, entry->seq);
    sqlite3_bind_int64(statement, 4, entry->received_at);
    store_bind_blob(statement, 5, entry->chain, SEAL_HASH);
    store_bind_blob(statement, 6, entry->signature, seal_is_absent(entry->signature) ? 0 : SEAL_SIGNATURE);
    store_bind_blob(statement, 7, hash, SEAL_HASH);
    store_bind_blob(statement, 8, store->outcome, outcome_length);
    store_bind_blob(statement, 9, entry->bytes, entry->length);
    return store_run(store, statement, why);
}

static enum status out_of_order(struct store *store, uint64_t number, struct fault *why)
{
    char texts[2][24];
    if (snprintf(texts[0], sizeof texts[0], "%" PRIu64, number) < 0 ||
        snprintf(texts[1], sizeof texts[1], "%" PRIu64, store->head) < 0)
        texts[0][0] = texts[1][0] = '\0';
    fault_set(why, MESSAGE_STORE_OUT_OF_ORDER, texts[0], texts[1], NULL);
    store_rollback(store);
    return STATUS_BROKEN;
}

enum status store_append(struct store *store, const struct entry *entry, const struct touch *touches,
                         size_t touch_count, struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    size_t outcome_length;
    enum status status = learn_head(store, why);
    if (status == STATUS_OK && entry->received_at < store->head_received_at) {
        store->head_known = false; /* it may have been written down meanwhile that the clock was ahead */
        status = learn_head(store, why);
    }
    if (status != STATUS_OK)
        return status;
    if (entry->number != store->head + 1 || entry->received_at < store->head_received_at || !store->inside)
        return out_of_order(store, entry->number, why);
    outcome_length = outcome_write(entry, &store->outcome, &store->outcome_capacity);
    seal_ledger_next(entry->number, store->head_hash, entry->agent, entry->outbox, entry->seq, entry->chain,
                     entry->signature, entry->received_at, store->outcome, outcome_length, hash);
    status = insert_entry(store, entry, hash, outcome_length, why);
    if (status == STATUS_OK)
        status = store_touch(store, entry->number, touches, touch_count, why);
    if (status == STATUS_OK)
        status = store_note_file(store, entry, why);
    if (status != STATUS_OK)
        return status;
    store->head = entry->number;
    store->head_received_at = entry->received_at;
    memcpy(store->head_hash, hash, SEAL_HASH);
    return STATUS_OK;
}

/* An absent signature lies there as an empty one. */
static bool read_signature(sqlite3_stmt *statement, int column, unsigned char ret_signature[SEAL_SIGNATURE])
{
    memset(ret_signature, 0, SEAL_SIGNATURE);
    return sqlite3_column_bytes(statement, column) == 0 ||
           store_read_blob(statement, column, ret_signature, SEAL_SIGNATURE);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static bool keep_outcome(struct store *store, const void *bytes, size_t length, struct entry *entry)
{
    store->outcome = memory_grow(store->outcome, &store->outcome_capacity, length + 1, 1);
    if (length != 0)
        memcpy(store->outcome, bytes, length);
    entry->outcome = store->outcome;
    entry->outcome_length = length;
    return outcome_read(entry, &store->refusals, &store->refusal_capacity);
}

static enum status read_entry(struct store *store, uint64_t number, struct entry *ret_entry, struct fault *why)
{
    sqlite3_stmt *statement;
    struct entry entry = {.number = number};
    bool row, is_sound;
    enum status status = store_statement(store, STATEMENT_ENTRY, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, number);
    status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    is_sound = row && store_read_text(statement, 1, entry.agent, sizeof entry.agent) &&
               store_read_blob(statement, 2, entry.outbox, sizeof entry.outbox) &&
               store_read_blob(statement, 5, entry.chain, SEAL_HASH) &&
               read_signature(statement, 6, entry.signature) &&
               store_read_blob(statement, 7, entry.hash, SEAL_HASH) &&
               keep_outcome(store, sqlite3_column_blob(statement, 8), (size_t)sqlite3_column_bytes(statement, 8),
                            &entry);
    if (is_sound) {
        entry.seq = (uint64_t)sqlite3_column_int64(statement, 3);
        entry.received_at = sqlite3_column_int64(statement, 4);
        store_keep_blob(statement, 9, &store->entry_bytes, &entry.bytes, &entry.length);
    }
    sqlite3_reset(statement);
    if (!is_sound)
        return store_damaged(store, "ledger: an entry cannot be read", why);
    *ret_entry = entry;
    return STATUS_OK;
}

enum status store_entry_after(struct store *store, uint64_t after, struct entry *ret_entry, bool *ret_found,
                              struct fault *why)
{
    sqlite3_stmt *statement;
    bool found = false;
    uint64_t number = 0;
    enum status status = store_statement(store, STATEMENT_NEXT, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, after);
    status = store_number(store, statement, &number, &found, why);
    if (status == STATUS_OK && found)
        status = read_entry(store, number, ret_entry, why);
    if (status == STATUS_OK)
        *ret_found = found;
    return status;
}

enum status store_entry_touching(struct store *store, uint64_t after, const char *form, const char *period,
                                 struct entry *ret_entry, bool *ret_found, struct fault *why)
{
    uint64_t next = 0;
    enum status status = store_touching_after(store, form, period == NULL ? "" : period, after, &next, why);
    if (status == STATUS_OK && next != 0)
        status = read_entry(store, next, ret_entry, why);
    if (status == STATUS_OK)
        *ret_found = next != 0;
    return status;
}

enum status store_signature_after(struct store *store, const struct entry *entry, bool *ret_found, uint64_t *ret_seq,
                                  unsigned char ret_chain[SEAL_HASH], unsigned char ret_signature[SEAL_SIGNATURE],
                                  struct fault *why)
{
    sqlite3_stmt *statement;
    bool row = true, leads = true;
    uint64_t seq = entry->seq;
    enum status status = store_statement(store, STATEMENT_AFTER_OF_OUTBOX, &statement, why);
    *ret_found = false;
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, entry->agent);
    store_bind_blob(statement, 2, entry->outbox, 16);
    store_bind_number(statement, 3, entry->seq);
    memcpy(ret_chain, entry->chain, SEAL_HASH);
    while (row && leads && !*ret_found && seq - entry->seq < WIRE_RUN_BATCHES - 1) {
        unsigned char chain[SEAL_HASH];
        status = store_step(store, statement, &row, why);
        if (status != STATUS_OK || !row)
            break;
        seal_chain_next(ret_chain, sqlite3_column_blob(statement, 3), (size_t)sqlite3_column_bytes(statement, 3), ret_chain);
        leads = (uint64_t)sqlite3_column_int64(statement, 0) == ++seq && store_read_blob(statement, 1, chain, SEAL_HASH) &&
                memcmp(chain, ret_chain, SEAL_HASH) == 0 && read_signature(statement, 2, ret_signature);
        *ret_found = leads && !seal_is_absent(ret_signature);
    }
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    *ret_seq = seq;
    return status;
}

static enum status received_at(struct store *store, uint64_t entry, int64_t *ret_received_at, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found = false;
    uint64_t received = 0;
    int64_t before = INT64_MAX;
    enum status status = received_before(store, entry, &before, why);
    if (status == STATUS_OK)
        status = store_statement(store, STATEMENT_RECEIVED, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 1, entry);
    status = store_number(store, statement, &received, &found, why);
    if (status != STATUS_OK)
        return status;
    if (!found)
        return store_damaged(store, "ledger: an entry is missing", why);
    *ret_received_at = (int64_t)received < before ? (int64_t)received : before;
    return STATUS_OK;
}

enum status store_entry_at(struct store *store, int64_t moment, uint64_t *ret_number, struct fault *why)
{
    uint64_t low = 0, high; /* the answer lies in low..high: entries have no gaps and these times never fall */
    enum status status = learn_head(store, why);
    high = store->head;
    while (status == STATUS_OK && low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        int64_t received = 0;
        status = received_at(store, middle, &received, why);
        if (received <= moment)
            low = middle;
        else
            high = middle - 1;
    }
    if (status == STATUS_OK)
        *ret_number = low;
    return status;
}

/* ---- streams --------------------------------------------------------------------------------------------------------- */

static bool read_stream(sqlite3_stmt *statement, void *into)
{
    struct stream *ret_stream = into;
    ret_stream->epoch = (uint64_t)sqlite3_column_int64(statement, 2);
    ret_stream->watermark = (uint64_t)sqlite3_column_int64(statement, 3);
    ret_stream->last_received_at = sqlite3_column_int64(statement, 5);
    return store_read_text(statement, 0, ret_stream->agent, sizeof ret_stream->agent) &&
           store_read_blob(statement, 1, ret_stream->outbox, sizeof ret_stream->outbox) &&
           store_read_blob(statement, 4, ret_stream->chain, SEAL_HASH);
}

enum status store_stream(struct store *store, const char *agent, const unsigned char outbox[16], bool *ret_found,
                         struct stream *ret_stream, struct fault *why)
{
    sqlite3_stmt *statement;
    struct stream stream = {0};
    enum status status = store_statement(store, STATEMENT_STREAM, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, outbox, 16);
    status = store_row(store, statement, read_stream, "stream", &stream, ret_found, why);
    if (status == STATUS_OK && *ret_found)
        *ret_stream = stream;
    return status;
}

enum status store_save_stream(struct store *store, const struct stream *stream, struct fault *why)
{
    sqlite3_stmt *statement;
    int64_t outbox;
    enum status status = store_find_outbox(store, stream->agent, stream->outbox, &outbox, why);
    if (status == STATUS_OK)
        status = store_statement(store, STATEMENT_STREAM_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    sqlite3_bind_int64(statement, 1, outbox);
    store_bind_number(statement, 2, stream->epoch);
    store_bind_number(statement, 3, stream->watermark);
    store_bind_blob(statement, 4, stream->chain, SEAL_HASH);
    sqlite3_bind_int64(statement, 5, stream->last_received_at);
    return store_run(store, statement, why);
}

enum status store_streams(struct store *store, struct stream **ret_streams, size_t *ret_count, struct fault *why)
{
    void *rows;
    const enum status status = store_all_rows(store, STATEMENT_STREAMS, read_stream, sizeof(struct stream),
                                              "stream", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_streams = rows;
    return status;
}
