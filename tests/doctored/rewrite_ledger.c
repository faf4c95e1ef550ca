/* rewrite_ledger STORE ENTRY: alters when the entry was received and writes the chain anew from there on, forgetting the stored
 * checkpoints: what somebody who has the store and is no friend of it would do. Nothing in the store contradicts it then. */
#include "store.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *what)
{
    fprintf(stderr, "rewrite_ledger: %s\n", what);
    return 1;
}

static bool write_entry(sqlite3 *database, const struct entry *entry, const unsigned char hash[SEAL_HASH])
{
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_prepare_v2(database, "UPDATE ledger SET received_at = ?2, hash = ?3 WHERE entry = ?1", -1, &statement,
                                   NULL) == SQLITE_OK;
    if (done) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)entry->number);
        sqlite3_bind_int64(statement, 2, entry->received_at);
        sqlite3_bind_blob(statement, 3, hash, SEAL_HASH, SQLITE_TRANSIENT);
        done = sqlite3_step(statement) == SQLITE_DONE && sqlite3_changes(database) == 1;
    }
    sqlite3_finalize(statement);
    return done;
}

int main(int argc, char *argv[])
{
    unsigned char previous[SEAL_HASH] = {0}, hash[SEAL_HASH];
    struct fault why = {0};
    struct store *store = NULL;
    struct entry entry;
    sqlite3 *database = NULL;
    bool found = true, good = true;
    if (argc != 3 || seal_start() != STATUS_OK || store_open(argv[1], STORE_READ, &store, &why) != STATUS_OK)
        return failed("cannot open the store");
    const uint64_t from = strtoull(argv[2], NULL, 10);
    if (sqlite3_open(argv[1], &database) != SQLITE_OK ||
        sqlite3_exec(database, "BEGIN; DELETE FROM checkpoint", NULL, NULL, NULL) != SQLITE_OK)
        return failed("cannot write the store");
    /* The reader sees the store as it was: one snapshot. */
    if (store_begin(store, &why) != STATUS_OK)
        return failed("cannot read the store");
    for (uint64_t after = 0; good && found; after = entry.number) {
        if (store_entry_after(store, after, &entry, &found, &why) != STATUS_OK)
            return failed("an entry cannot be read");
        if (!found)
            break;
        if (entry.number == from)
            entry.received_at -= 1;
        store_entry_hash(&entry, previous, hash);
        memcpy(previous, hash, SEAL_HASH);
        good = entry.number < from || write_entry(database, &entry, hash);
    }
    store_rollback(store);
    store_close(&store);
    good = good && sqlite3_exec(database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(database);
    return good ? 0 : failed("an entry could not be written");
}
