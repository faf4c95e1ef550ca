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
#ifndef SCHEMAS_CHECKPOINT_H
#define SCHEMAS_CHECKPOINT_H

#include "message.h"
#include "seal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKPOINT_TEXT 768 /* bytes that hold one, terminated */

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

/* Reads text that need not be terminated; false unless it is a checkpoint (no backup's), and one that the key signed. */
bool checkpoint_read_bytes(const void *bytes, size_t length, struct checkpoint *ret_checkpoint);
bool checkpoint_read_signed(const void *bytes, size_t length, const unsigned char public_key[SEAL_PUBLIC],
                            struct checkpoint *ret_checkpoint);

/* What a witness makes of a ledger (wire.md draws the table). All but the first are worth an alarm. */
enum checkpoint_verdict {
    CHECKPOINT_GOES_ON,        /* it has what was kept, or nothing was kept */
    CHECKPOINT_RESTORED,       /* a new generation that has what was kept */
    CHECKPOINT_RESTORED_OLDER, /* a new generation that ends before it, or began before it and has grown since */
    CHECKPOINT_SHORTER,        /* the same generation ends before it: an older store was put back */
    CHECKPOINT_REWRITTEN,      /* other contents at the kept entry */
    CHECKPOINT_UNPROVEN,       /* nothing is said about the kept entry */
    CHECKPOINT_UNSIGNED,       /* not a checkpoint that the known key signed, or of another ledger than it belongs to */
};
struct checkpoint_shown {      /* as they travel: not terminated, borrowed; length 0: none. `earlier` speaks of the kept entry,
                                  or, when the ledger was restored to one before it, of that */
    const unsigned char *text, *earlier;
    size_t length, earlier_length;
};
/* kept: NULL when none. generation: of the store, as the message says that carries them. */
enum checkpoint_verdict checkpoint_judge(const struct checkpoint *kept, const unsigned char generation[16],
                                         const struct checkpoint_shown *shown,
                                         const unsigned char public_key[SEAL_PUBLIC]);
/* The same of a ledger that lies open: how far it is the one of the kept generation (UINT64_MAX: to its end), its newest
 * entry, and its chain value at the kept entry (NULL: not known). */
enum checkpoint_verdict checkpoint_compare(const struct checkpoint *kept, const unsigned char generation[16],
                                           uint64_t common, uint64_t head, const unsigned char *hash);
bool checkpoint_is_alarm(enum checkpoint_verdict verdict);
bool checkpoint_is_replaced(enum checkpoint_verdict verdict); /* what is shown is kept from now on */
/* MESSAGE_NONE when all is well; its arguments are the kept entry and the shown one. */
enum message checkpoint_message(enum checkpoint_verdict verdict);

#endif
