/* export.h - the ledger as a folder that somebody else can check without any of our stores: `suanpan ledger export DIR`,
 * `suanpan ledger verify DIR`.
 *
 *   README.txt            what this is
 *   ledger.bin            "suanpan ledger export 1\n", then a frame an entry; numbers are most significant byte first:
 *                         length u32 | number u64 | received_at i64 (Unix ms) | seq u64 | outbox 16 | chain 32 |
 *                         signature 64 | hash 32 | agent length u8 | agent | outcome length u32 | outcome | batch
 *   registry.csv          keys of the agents and the aggregator, hashes of the catalogues, and since which entry
 *   streams.csv           how far each outbox was acknowledged
 *   checkpoints/N.txt     signed points of the chain
 *   catalogue/N/...       the files of every catalogue that was in force
 *
 * What is hashed and signed how is said in seal.h, checkpoint.h, outcome.h and, for a batch, in wire.md. */
#ifndef AGGREGATOR_EXPORT_H
#define AGGREGATOR_EXPORT_H

#include "verify.h"

#define EXPORT_REGISTRY "number,kind,name,key,scope,status,after,seen_at,hash"
#define EXPORT_STREAMS "agent,outbox,watermark,chain"
#define EXPORT_MAGIC "suanpan ledger export 1\n"

/* STATUS_REFUSED when the folder holds an export already. */
enum status export_write(const char *store_path, const char *folder, uint64_t *ret_entries, struct fault *why)
    MUST_CHECK;
/* Checks an export with the files in it and, of the request, keys, checkpoints and progress: chain, signatures,
 * checkpoints; then plays the records one by one by the rules of revisions (no abacus, no store) and tells the same sums
 * as `suanpan verify --full` does of the store. */
enum status export_verify(const char *folder, const struct verify_request *request,
                          struct verification *ret_verification, struct fault *why) MUST_CHECK;

#endif
