/* checkpoint.h - a signed point of the ledger's chain, as text that a person can keep: on paper, in a mail, at every
 * collector. Whoever holds one can show later that the ledger was changed behind it. The shape of C2SP tlog-checkpoint:
 *
 *   suanpan-ledger/0f3a...             origin: the store's generation
 *   1000                               entry
 *   q1tR...=                           chain value of that entry, base64
 *   time 2026-11-23T18:00:00+08:00     aggregator's clock
 *   registry 12 8Hd0...=               rows of the registry by then, and its chain value
 *
 *   — aggregator 5tX...=               signer, base64 of 4 bytes of key id and the ed25519 signature
 *
 * The signature is over the BLAKE2b-256 of all lines above the empty one, newlines included.
 *
 * A backup is stated in the same way (backup.h): its origin is suanpan-backup/..., a line `files 9 <hash>` follows the
 * registry's, and where the key was not at hand the empty line and the signature are missing. */
#ifndef AGGREGATOR_CHECKPOINT_H
#define AGGREGATOR_CHECKPOINT_H

#include "store.h"

struct checkpoint {
    unsigned char generation[16];
    uint64_t entry;
    unsigned char hash[SEAL_HASH];
    char time[40];
    uint64_t registry;
    unsigned char registry_hash[SEAL_HASH];
    bool of_backup;
    uint64_t files;          /* of the backup, and the hash of their list */
    unsigned char files_hash[SEAL_HASH];
    bool is_signed;
    char signer[65];
    unsigned char key_id[4];
    unsigned char signature[SEAL_SIGNATURE];
    unsigned char digest[SEAL_HASH]; /* what is signed; set when read */
};

/* Signs everything above the signer and writes the text. secret NULL: a backup is stated without a signature. */
void checkpoint_write(struct checkpoint *checkpoint, const unsigned char secret[SEAL_SECRET],
                      const unsigned char public_key[SEAL_PUBLIC], char ret_text[CHECKPOINT_TEXT]);
/* False when the text is not exactly a checkpoint or the statement of a backup. The signature is checked by
 * checkpoint_holds. */
bool checkpoint_read(const char *text, struct checkpoint *ret_checkpoint);
bool checkpoint_holds(const struct checkpoint *checkpoint, const unsigned char public_key[SEAL_PUBLIC]);

/* Chain value of a registry row after the one with hash `previous` (all zero before the first). */
void registry_hash(const struct registry_row *row, const unsigned char previous[SEAL_HASH],
                   unsigned char ret_hash[SEAL_HASH]);

#endif
