/* store_publications.c - named points of the ledger, and the chain values a signature is checked against. */
#include "store_inside.h"

#include <string.h>

#define PUBLICATIONS_SINCE 2 /* user_version; an older file that is only read has none */
#define GAPS_SINCE 3

/* The chain value that a statement gives for a batch of an outbox. */
static enum status chain_of(struct store *store, enum statement which, const char *what, const char *agent,
                            const unsigned char outbox[16], uint64_t seq, unsigned char ret_chain[SEAL_HASH],
                            bool *ret_found, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, which, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, agent);
    store_bind_blob(statement, 2, outbox, 16);
    store_bind_number(statement, 3, seq);
    return store_row(store, statement, store_read_hash, what, ret_chain, ret_found, why);
}

/* Where the agent's chain goes on behind batches that are missing for good (gaps.h). */
static enum status chain_behind_gap(struct store *store, const char *agent, const unsigned char outbox[16], uint64_t seq,
                                    unsigned char ret_chain[SEAL_HASH], bool *ret_found, struct fault *why)
{
    if (store->version < GAPS_SINCE)
        return STATUS_OK;
    return chain_of(store, STATEMENT_GAP_AT, "registry: gap", agent, outbox, seq, ret_chain, ret_found, why);
}

enum status store_chain_at(struct store *store, const char *agent, const unsigned char outbox[16], uint64_t seq,
                           unsigned char ret_chain[SEAL_HASH], bool *ret_found, struct fault *why)
{
    const enum status status =
        chain_of(store, STATEMENT_CHAIN_AT, "ledger: chain", agent, outbox, seq, ret_chain, ret_found, why);
    if (status != STATUS_OK)
        return status;
    return *ret_found || seq == 0 ? STATUS_OK : chain_behind_gap(store, agent, outbox, seq, ret_chain, ret_found, why);
}

static bool read_publication(sqlite3_stmt *statement, void *into)
{
    struct publication *row = into;
    char period[PERIOD_TEXT];
    struct fault ignored = {0};
    row->entry = (uint64_t)sqlite3_column_int64(statement, 2);
    row->published_at = sqlite3_column_int64(statement, 4);
    return store_read_text(statement, 0, row->name, sizeof row->name) &&
           store_read_text(statement, 1, period, sizeof period) &&
           period_parse(period, &row->period, &ignored) == STATUS_OK &&
           store_read_blob(statement, 3, row->ledger_hash, sizeof row->ledger_hash) &&
           store_read_text(statement, 5, row->note, sizeof row->note) &&
           store_read_blob(statement, 6, row->catalogue_hash, sizeof row->catalogue_hash) &&
           store_read_blob(statement, 7, row->figures_hash, sizeof row->figures_hash) &&
           store_read_blob(statement, 8, row->signer, sizeof row->signer) &&
           store_read_blob(statement, 9, row->signature, sizeof row->signature);
}

enum status store_publications(struct store *store, struct publication **ret_rows, size_t *ret_count,
                               struct fault *why)
{
    void *rows;
    *ret_rows = NULL;
    *ret_count = 0;
    if (store->version < PUBLICATIONS_SINCE)
        return STATUS_OK;
    const enum status status = store_all_rows(store, STATEMENT_PUBLICATIONS, read_publication, sizeof(struct publication),
                                              "publication", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_publication(struct store *store, const char *name, bool *ret_found, struct publication *ret_row,
                              struct fault *why)
{
    sqlite3_stmt *statement;
    *ret_found = false;
    memset(ret_row, 0, sizeof *ret_row);
    if (store->version < PUBLICATIONS_SINCE)
        return STATUS_OK;
    const enum status status = store_statement(store, STATEMENT_PUBLICATION, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, name);
    return store_row(store, statement, read_publication, "publication", ret_row, ret_found, why);
}

enum status store_add_publication(struct store *store, const struct publication *row, bool *ret_added,
                                  struct fault *why)
{
    char period[PERIOD_TEXT];
    sqlite3_stmt *statement;
    enum status status = store_statement(store, STATEMENT_PUBLICATION_ADD, &statement, why);
    if (status != STATUS_OK)
        return status;
    period_format(row->period, period);
    store_bind_text(statement, 1, row->name);
    store_bind_text(statement, 2, period);
    store_bind_number(statement, 3, row->entry);
    store_bind_blob(statement, 4, row->ledger_hash, sizeof row->ledger_hash);
    sqlite3_bind_int64(statement, 5, row->published_at);
    store_bind_text(statement, 6, row->note);
    store_bind_blob(statement, 7, row->catalogue_hash, sizeof row->catalogue_hash);
    store_bind_blob(statement, 8, row->figures_hash, sizeof row->figures_hash);
    store_bind_blob(statement, 9, row->signer, sizeof row->signer);
    store_bind_blob(statement, 10, row->signature, sizeof row->signature);
    status = store_run(store, statement, why);
    if (status == STATUS_OK)
        *ret_added = sqlite3_changes(store->database) > 0;
    return status;
}
