/* registry.h - the writer's side of what proves the ledger: it notes in the store who may report what with which key, its
 * own signing key and the catalogue in force, whenever one of them changes, before anything is decided by them. */
#ifndef AGGREGATOR_REGISTRY_H
#define AGGREGATOR_REGISTRY_H

#include "catalogue.h"
#include "checkpoint.h"
#include "keys.h"
#include "store.h"

#define REGISTRY_CHECKPOINT_ENTRIES 1000
#define REGISTRY_CHECKPOINT_MS 3600000

/* Chain value of a registry row after the one with hash `previous` (all zero before the first). */
void registry_hash(const struct registry_row *row, const unsigned char previous[SEAL_HASH],
                   unsigned char ret_hash[SEAL_HASH]);

/* Notes what differs from the registry's last word, in a transaction of its own. A key that is no longer in the table
 * counts as revoked. STATUS_AGAIN (a full disk): nothing was noted, what was in force must stay in force. */
enum status registry_note(struct store *store, const struct public_key *aggregator, const struct catalogue *catalogue,
                          const struct agent *agents, size_t agent_count, int64_t now_ms, struct fault *why) MUST_CHECK;

/* Notes, inside the caller's transaction, that the store came out of a backup: kind "restore", named after the generation
 * that ended, with the new one as its scope and the chain value of the newest entry as its key. */
enum status registry_note_restore(struct store *store, const unsigned char ended[16], const unsigned char begun[16],
                                  int64_t now_ms, struct fault *why) MUST_CHECK;

/* How often the store came out of a backup, in that order. Free the items. */
struct restores {
    struct restore_point {
        char ended[33];      /* generation, as hex digits */
        uint64_t after;      /* the last entry that is in both */
    } *items;
    size_t count;
};
enum status registry_restores(struct store *store, struct restores *ret_restores, struct fault *why) MUST_CHECK;
/* How far the store's ledger is that of another generation. One that is not known was given up with its store: it began with
 * what the last backup held. */
uint64_t restores_common(const struct restores *restores, const unsigned char generation[16]);

/* Checkpoints: those made from time to time and stored, and those made for a witness that asks. Zero-initialise. */
struct checkpoints {
    const struct secret_key *key; /* borrowed; NULL: none are made */
    bool loaded;
    uint64_t entry;          /* of the newest that is stored, 0: none */
    int64_t made_at;
    bool knows_registry;     /* set to false when the registry grew */
    uint64_t registry;
    unsigned char registry_hash[SEAL_HASH];
    uint64_t told;           /* entry of `text` */
    char text[CHECKPOINT_TEXT]; /* of the newest entry, for witnesses; "" */
};
/* True when the ledger with its newest entry `head` deserves one: 1,000 entries or an hour after the one before. */
bool checkpoints_due(const struct checkpoints *checkpoints, uint64_t head, int64_t now_ms);
/* Makes one of the ledger's newest entry as the open transaction sees it. Nothing is made of an empty ledger or when
 * there is one. After a rollback call checkpoints_forget. */
enum status checkpoints_make(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
    MUST_CHECK;
enum status checkpoints_load(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
    MUST_CHECK;
void checkpoints_forget(struct checkpoints *checkpoints);
/* What a witness is told, between transactions, so that it speaks of nothing that a power cut could take back: the
 * newest entry (checkpoints->text), and any other (ret_text; "" when there is no such entry). */
enum status checkpoints_tell_head(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
    MUST_CHECK;
enum status checkpoints_tell(struct checkpoints *checkpoints, struct store *store, uint64_t entry, int64_t now_ms,
                             char ret_text[CHECKPOINT_TEXT], struct fault *why) MUST_CHECK;

#endif
