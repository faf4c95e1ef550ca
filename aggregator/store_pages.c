/* store_pages.c - saved blocks of the abacus' pages, and how damage to them is found.
 *
 *   block   subject | period | number | seal | bytes ... checksum      seal: the checksum, kept apart from the bytes
 *   about   pages_watermark, pages_layout, pages_ledger (chain value at the watermark),
 *           pages_seal: exclusive or over all blocks of H(subject, period, number, seal)
 *
 * A flipped bit in the bytes shows when a block is loaded. A lost block, an older one put back, one moved elsewhere or
 * pages of another ledger cannot show there: the sum over all of them does, and it costs one look at each seal when a
 * store is opened. It guards against accidents, not against somebody who can compute: against him there is the ledger. */
#include "store_inside.h"

#include "memory.h"

#include <string.h>

#define SEALED_SINCE 4 /* user_version; an older file that is only read is answered from its ledger */

/* ---- single facts ---------------------------------------------------------------------------------------------------- */

static bool read_generation(sqlite3_stmt *statement, void *into)
{
    return store_read_blob(statement, 0, into, 16);
}

enum status store_generation(struct store *store, unsigned char ret_generation[16], struct fault *why)
{
    sqlite3_stmt *statement;
    bool found = false;
    enum status status = store_about(store, "generation", &statement, why);
    if (status == STATUS_OK)
        status = store_row(store, statement, read_generation, "generation", ret_generation, &found, why);
    return status != STATUS_OK || found ? status : store_damaged(store, "generation", why);
}

/* ---- seals ----------------------------------------------------------------------------------------------------------- */

/* The checksum at the end of a block. */
uint64_t store_seal_of(const unsigned char *bytes, size_t length)
{
    uint64_t seal = 0;
    for (size_t i = length > STORE_SEAL ? length - STORE_SEAL : 0; i < length; i++)
        seal = seal << 8 | bytes[i];
    return seal;
}

/* What a block adds to, and takes from, the sum. */
static uint64_t share_of(const char *subject, const char *period, uint64_t block, uint64_t seal)
{
    unsigned char numbers[16], hash[SEAL_HASH];
    struct seal_hasher *hasher = seal_hasher_new();
    for (unsigned i = 0; i < 8; i++) {
        numbers[i] = (unsigned char)(block >> 8 * i);
        numbers[8 + i] = (unsigned char)(seal >> 8 * i);
    }
    seal_hasher_add(hasher, subject, strlen(subject) + 1);
    seal_hasher_add(hasher, period, strlen(period) + 1);
    seal_hasher_add(hasher, numbers, sizeof numbers);
    seal_hasher_finish(&hasher, hash);
    return store_seal_of(hash, sizeof hash);
}

static enum status learn_seal(struct store *store, struct fault *why)
{
    if (store->pages_seal_known)
        return STATUS_OK;
    const enum status status = store_about_number(store, "pages_seal", &store->pages_seal, why);
    store->pages_seal_known = status == STATUS_OK;
    return status;
}

/* A statement about one block, the first three of its values bound. */
static enum status block_statement(struct store *store, enum statement which, const char *subject, const char *period,
                                   uint32_t block, sqlite3_stmt **ret_statement, struct fault *why)
{
    const enum status status = store_statement(store, which, ret_statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(*ret_statement, 1, subject);
    store_bind_text(*ret_statement, 2, period);
    store_bind_number(*ret_statement, 3, block);
    return STATUS_OK;
}

/* The share of the block that is there now; 0 when there is none. */
static enum status share_before(struct store *store, const char *subject, const char *period, uint32_t block,
                                uint64_t *ret_share, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found = false;
    uint64_t seal = 0;
    enum status status = block_statement(store, STATEMENT_BLOCK_SEAL, subject, period, block, &statement, why);
    if (status == STATUS_OK)
        status = store_number(store, statement, &seal, &found, why);
    if (status == STATUS_OK)
        *ret_share = found ? share_of(subject, period, block, seal) : 0;
    return status;
}

/* By the index, as blocks are looked for: one that only the table has would not be found, and count as never saved. */
static enum status sum_shares(struct store *store, uint64_t *ret_sum, struct fault *why)
{
    sqlite3_stmt *statement;
    uint64_t sum = 0;
    bool row = true;
    enum status status = store_statement(store, STATEMENT_BLOCK_SEALS, &statement, why);
    while (status == STATUS_OK && row) {
        status = store_step(store, statement, &row, why);
        if (status != STATUS_OK || !row)
            break;
        const char *subject = (const char *)sqlite3_column_text(statement, 0);
        const char *period = (const char *)sqlite3_column_text(statement, 1);
        sum ^= share_of(subject == NULL ? "" : subject, period == NULL ? "" : period,
                        (uint64_t)sqlite3_column_int64(statement, 2), (uint64_t)sqlite3_column_int64(statement, 3));
    }
    if (status == STATUS_OK) {
        sqlite3_reset(statement);
        *ret_sum = sum;
    }
    return status;
}

/* The ledger's chain value at the entry; zeros when there is no such entry. */
static enum status chain_at(struct store *store, uint64_t entry, unsigned char ret_hash[SEAL_HASH], struct fault *why)
{
    bool found = false;
    const enum status status = store_hash_at(store, entry, ret_hash, &found, why);
    if (status == STATUS_OK && !found)
        memset(ret_hash, 0, SEAL_HASH);
    return status;
}

enum status store_pages_sound(struct store *store, bool *ret_sound, struct fault *why)
{
    unsigned char chain[SEAL_HASH];
    uint64_t sum = 0, watermark = 0;
    bool is_kept = false;
    enum status status;
    *ret_sound = false;
    if (store->version < SEALED_SINCE)
        return STATUS_OK;
    store->pages_seal_known = false;
    status = store_about_number(store, "pages_watermark", &watermark, why);
    if (status == STATUS_OK)
        status = chain_at(store, watermark, chain, why);
    if (status == STATUS_OK)
        status = learn_seal(store, why);
    if (status == STATUS_OK)
        status = sum_shares(store, &sum, why);
    if (status == STATUS_OK)
        status = store_about_is(store, "pages_ledger", chain, &is_kept, why);
    if (status == STATUS_OK)
        *ret_sound = sum == store->pages_seal && (watermark == 0 || is_kept);
    return status;
}

/* ---- pages ----------------------------------------------------------------------------------------------------------- */

enum status store_pages_fit(struct store *store, const unsigned char layout[32], bool *ret_fit, struct fault *why)
{
    return store_about_is(store, "pages_layout", layout, ret_fit, why);
}

enum status store_pages_watermark(struct store *store, const unsigned char layout[32], uint64_t *ret_watermark,
                                  struct fault *why)
{
    bool fits = false;
    uint64_t watermark = 0;
    enum status status = store_pages_fit(store, layout, &fits, why);
    if (status == STATUS_OK && fits && store->version >= SEALED_SINCE)
        status = store_about_number(store, "pages_watermark", &watermark, why);
    if (status == STATUS_OK)
        *ret_watermark = watermark;
    return status;
}

enum status store_pages_set_watermark(struct store *store, uint64_t watermark, struct fault *why)
{
    unsigned char chain[SEAL_HASH];
    enum status status = learn_seal(store, why);
    if (status == STATUS_OK)
        status = chain_at(store, watermark, chain, why);
    if (status == STATUS_OK)
        status = store_set_about(store, "pages_ledger", chain, sizeof chain, why);
    if (status == STATUS_OK)
        status = store_set_about_number(store, "pages_seal", store->pages_seal, why);
    return status == STATUS_OK ? store_set_about_number(store, "pages_watermark", watermark, why) : status;
}

enum status store_pages_reset(struct store *store, const unsigned char layout[32], struct fault *why)
{
    sqlite3_stmt *statement;
    enum status status = store_statement(store, STATEMENT_BLOCKS_CLEAR, &statement, why);
    if (status == STATUS_OK)
        status = store_run(store, statement, why);
    store->pages_seal = 0;
    store->pages_seal_known = true;
    if (status == STATUS_OK)
        status = store_pages_set_watermark(store, 0, why);
    return status == STATUS_OK ? store_set_about(store, "pages_layout", layout, SEAL_HASH, why) : status;
}

enum status store_block_load(struct store *store, const char *subject, const char *period, uint32_t block,
                             const unsigned char **ret_bytes, size_t *ret_length, bool *ret_found, struct fault *why)
{
    sqlite3_stmt *statement;
    bool row = false;
    enum status status = block_statement(store, STATEMENT_BLOCK, subject, period, block, &statement, why);
    if (status == STATUS_OK)
        status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    if (row) {
        store_keep_blob(statement, 0, &store->block_bytes, ret_bytes, ret_length);
        if ((uint64_t)sqlite3_column_int64(statement, 1) != store_seal_of(*ret_bytes, *ret_length))
            *ret_length = 0;
    }
    sqlite3_reset(statement);
    *ret_found = row;
    return STATUS_OK;
}

enum status store_block_save(struct store *store, const char *subject, const char *period, uint32_t block,
                             const unsigned char *bytes, size_t length, struct fault *why)
{
    const uint64_t seal = store_seal_of(bytes, length);
    uint64_t before = 0;
    sqlite3_stmt *statement;
    enum status status = learn_seal(store, why);
    if (status == STATUS_OK)
        status = share_before(store, subject, period, block, &before, why);
    if (status == STATUS_OK)
        status = block_statement(store, STATEMENT_BLOCK_SAVE, subject, period, block, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_number(statement, 4, seal);
    store_bind_blob(statement, 5, bytes, length);
    status = store_run(store, statement, why);
    if (status == STATUS_OK)
        store->pages_seal ^= before ^ share_of(subject, period, block, seal);
    return status;
}

enum status store_block_periods(struct store *store, const char *subject, store_period_visitor *visit, void *context,
                                struct fault *why)
{
    char period[PERIOD_TEXT];
    sqlite3_stmt *statement;
    bool row;
    enum status status = store_statement(store, STATEMENT_BLOCK_PERIODS, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, subject);
    for (;;) {
        status = store_step(store, statement, &row, why);
        if (status != STATUS_OK || !row)
            break;
        if (!store_read_text(statement, 0, period, sizeof period)) {
            status = store_damaged(store, "block: period", why);
            break;
        }
        visit(context, period);
    }
    sqlite3_reset(statement);
    return status;
}

/* ---- the ledger's own proof ------------------------------------------------------------------------------------------ */

enum status store_entry_sound(struct store *store, const struct entry *entry, bool *ret_sound, struct fault *why)
{
    unsigned char chain[SEAL_HASH], previous[SEAL_HASH], hash[SEAL_HASH];
    bool found = true;
    enum status status = STATUS_OK;
    *ret_sound = false;
    if (entry->seq == 1)
        seal_chain_start(entry->agent, entry->outbox, chain);
    else
        status = store_chain_at(store, entry->agent, entry->outbox, entry->seq - 1, chain, &found, why);
    if (status == STATUS_OK)
        status = chain_at(store, entry->number - 1, previous, why);
    if (status != STATUS_OK || !found)
        return status;
    seal_chain_next(chain, entry->bytes, entry->length, chain);
    seal_ledger_next(entry->number, previous, entry->agent, entry->outbox, entry->seq, chain, entry->signature,
                     entry->received_at, entry->outcome, entry->outcome_length, hash);
    *ret_sound = memcmp(chain, entry->chain, SEAL_HASH) == 0 && memcmp(hash, entry->hash, SEAL_HASH) == 0;
    return STATUS_OK;
}
