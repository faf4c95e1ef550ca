/* proof.h - is this ledger what was received? Pure checks over entries given one after another: no store, no file, no
 * clock. `suanpan verify` feeds it from a store, `suanpan ledger verify` from an export and public keys alone.
 *
 *   entries      numbered from 1 without gaps, times never fall, batch and outcome can be read
 *   chain        each entry's hash over its contents and the hash before
 *   batches      each outbox's own chain over the batches as sent, numbered from 1 but for written gaps
 *   signatures   each batch signed with a key its agent had then, or without a signature and proven by that of a later batch
 *                of its RUN, to which the chain leads (wire.md)
 *   registry     chain of keys and catalogues
 *   checkpoints  signed by the aggregator, and what they sealed is still on the chain
 *   streams      the store's watermarks are the ends of the outboxes' chains (a ledger cut short shows here)
 *
 * Each check names the first bad entry it found; an altered entry breaks several, and the smallest number is the entry
 * itself. After a break each check goes on from what is written, so that one wound is not taken for many. */
#ifndef AGGREGATOR_PROOF_H
#define AGGREGATOR_PROOF_H

#include "checkpoint.h"
#include "store.h"

enum proof_check {
    PROOF_ENTRIES, PROOF_CHAIN, PROOF_BATCHES, PROOF_SIGNATURES, PROOF_REGISTRY, PROOF_CHECKPOINTS, PROOF_STREAMS,
    PROOF_CHECKS
};

struct finding_of_proof {
    uint64_t looked_at;      /* entries, rows, checkpoints or outboxes */
    uint64_t bad;            /* how many of them are bad */
    uint64_t first_bad;      /* entry (of the first found; the smallest number) */
    char detail[256];        /* what is wrong there, English; "" */
};

struct proof;
struct proof *proof_new(void);
void proof_free(struct proof **proof);
const char *proof_check_name(enum proof_check check);
const struct finding_of_proof *proof_finding(const struct proof *proof, enum proof_check check);
uint64_t proof_position(const struct proof *proof); /* number of the newest entry given */

/* Only these keys count from now on (besides being in the registry): what the verifier got from elsewhere. `name` is an
 * agent's or the aggregator's. */
void proof_trust(struct proof *proof, const char *name, const unsigned char key[SEAL_PUBLIC]);
/* The whole registry as it stands; may be called again with a longer one. Copied. */
void proof_registry(struct proof *proof, const struct registry_row *rows, size_t count);
/* The next entry, in the order of their numbers. */
void proof_entry(struct proof *proof, const struct entry *entry);
/* The entry after the newest given cannot be read. */
void proof_unreadable(struct proof *proof, const char *why);
/* After the last entry. `text`: of the checkpoint stored for `entry` (0: not from the store, any entry). */
void proof_checkpoint(struct proof *proof, uint64_t entry, const char *text);
void proof_stream(struct proof *proof, const struct stream *stream);
/* After the last stream: outboxes of the ledger that no stream was given for, last batches that no signature proves. */
void proof_streams_end(struct proof *proof);
/* The scope in force for the agent at the entry; NULL when it had none. Borrowed till the registry is given again. */
const char *proof_scope(const struct proof *proof, const char *agent, uint64_t entry);
/* The hash the ledger has at the entry; NULL when it was not given. */
const unsigned char *proof_hash(const struct proof *proof, uint64_t entry);

#endif
