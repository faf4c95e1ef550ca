/* backup.h - copies of the store that are proved before they count, and the way back from one.
 *
 *   DIR/suanpan.db      the store as it was at one moment, one file without a log, readable with --store
 *       agents.csv      and the public keys it names, where the configuration is known; never a secret key
 *       catalogue/      the catalogue in force, as the store keeps it
 *       files.txt       every file above with its hash
 *       backup.txt      which entry of which ledger this is, and the hash of files.txt; signed with the aggregator's key
 *                       (checkpoint.h)
 *
 * DIR appears when all of it is on disk and the copy was opened again, its chain and every signature checked and its
 * newest entry compared with the ledger's. */
#ifndef AGGREGATOR_BACKUP_H
#define AGGREGATOR_BACKUP_H

#include "checkpoint.h"
#include "store.h"
#include "keys.h"

#define BACKUP_STORE "suanpan.db"
#define BACKUP_STATEMENT "backup.txt"

typedef void backup_progress(void *context, const char *step, uint64_t done, uint64_t all);

struct backup_request {
    const char *store;            /* path */
    const char *folder;
    const char *agents;           /* agents.csv, NULL: not known */
    const struct secret_key *key; /* NULL: the statement is not signed */
    int64_t now_ms;
    backup_progress *progress;    /* may be NULL */
    void *context;
};
struct backup_made {
    struct checkpoint statement;
    char text[CHECKPOINT_TEXT];   /* of the statement */
    uint64_t bytes;
};
/* STATUS_REFUSED when the folder exists or the store is empty, STATUS_AGAIN when the store is absent or another backup into
 * the folder is under way, STATUS_BROKEN for a full disk or a store that is not sound. Only STATUS_OK leaves the folder. */
enum status backup_make(const struct backup_request *request, struct backup_made *ret_made, struct fault *why) MUST_CHECK;
/* True when the statement is a signed one by this key, of this store, and what it says of the ledger is so: then the store
 * may take note of it. */
enum status backup_holds(struct store *store, const char *statement, const unsigned char key[SEAL_PUBLIC], int64_t now_ms,
                         bool *ret_holds, struct backup_mark *ret_mark, struct fault *why) MUST_CHECK;
/* Notes it, in a transaction of its own. An older backup than the one noted changes nothing. */
enum status backup_note(struct store *store, const struct backup_mark *mark, struct fault *why) MUST_CHECK;

struct restore_request {
    const char *folder;
    const char *store;            /* path */
    bool force;                   /* a store that is there is moved aside */
    bool unsigned_too;            /* a statement without signature is good enough */
    const unsigned char *key;     /* the aggregator's; NULL: not known, the one the backup's own registry names counts */
    int64_t now_ms;
    backup_progress *progress;
    void *context;
};
struct restored {
    struct checkpoint statement;
    unsigned char generation[16]; /* the new one */
    char aside[4096];             /* where the former store is now, "" when there was none */
};
/* Proves the backup, then puts it into the store's place as a new generation. STATUS_AGAIN when the store is in use,
 * STATUS_REFUSED when one is there and `force` is not given, STATUS_BROKEN when the backup is not what was made: then
 * nothing was touched. */
enum status backup_restore(const struct restore_request *request, struct restored *ret_restored, struct fault *why)
    MUST_CHECK;

/* Proves that the file is a sound store (chain, signatures, registry, catalogues) whose newest entry is this one. */
enum status backup_prove(const char *store, const struct checkpoint *statement, backup_progress *progress, void *context,
                         struct fault *why) MUST_CHECK;

#endif
