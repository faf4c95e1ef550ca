/* seal.h - hashes, chains and signatures (libsodium: BLAKE2b-256, ed25519). No keys on disk here; see config/keys.h. */
#ifndef SCHEMAS_SEAL_H
#define SCHEMAS_SEAL_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_HASH 32
#define SEAL_SIGNATURE 64
#define SEAL_PUBLIC 32
#define SEAL_SECRET 64

/* Initialises libsodium; call once in main. STATUS_BROKEN when it cannot. */
enum status seal_start(void) MUST_CHECK;
void seal_hash(const void *bytes, size_t length, unsigned char ret_hash[SEAL_HASH]);

struct seal_hasher; /* hash while reading */
struct seal_hasher *seal_hasher_new(void);
void seal_hasher_add(struct seal_hasher *hasher, const void *bytes, size_t length);
/* As in all seals: eight bytes, most significant first; a text with its length in front. */
void seal_hasher_add_number(struct seal_hasher *hasher, uint64_t number);
void seal_hasher_add_text(struct seal_hasher *hasher, const char *text);
void seal_hasher_finish(struct seal_hasher **hasher, unsigned char ret_hash[SEAL_HASH]); /* and frees it */

/* Chain of an outbox: chain[0] = H("outbox/1" | agent | outbox id), chain[n] = H(chain[n-1] | batch bytes). */
void seal_chain_start(const char *agent, const unsigned char outbox[16], unsigned char ret_chain[SEAL_HASH]);
void seal_chain_next(const unsigned char chain[SEAL_HASH], const void *batch, size_t length,
                     unsigned char ret_chain[SEAL_HASH]);
/* What an agent signs for a batch: H("batch/1" | agent | outbox | seq | chain[seq]). */
void seal_batch_digest(const char *agent, const unsigned char outbox[16], uint64_t seq,
                       const unsigned char chain[SEAL_HASH], unsigned char ret_digest[SEAL_HASH]);
/* Chain of the ledger: H_n = H("ledger/1" | n | H_(n-1) | agent | outbox | seq | chain[seq] | signature | received_at |
 * refusals). H_0 is all zero. */
void seal_ledger_next(uint64_t entry, const unsigned char previous[SEAL_HASH], const char *agent,
                      const unsigned char outbox[16], uint64_t seq, const unsigned char chain[SEAL_HASH],
                      const unsigned char signature[SEAL_SIGNATURE], int64_t received_at, const void *refusals,
                      size_t refusals_length, unsigned char ret_hash[SEAL_HASH]);
void seal_sign(const unsigned char digest[SEAL_HASH], const unsigned char secret[SEAL_SECRET],
               unsigned char ret_signature[SEAL_SIGNATURE]);
bool seal_verify(const unsigned char digest[SEAL_HASH], const unsigned char signature[SEAL_SIGNATURE],
                 const unsigned char public_key[SEAL_PUBLIC]) MUST_CHECK;
/* All zero: what the ledger holds for a batch that is proven by the signature of a later one (wire.md). */
bool seal_is_absent(const unsigned char signature[SEAL_SIGNATURE]);
void seal_random(void *ret_bytes, size_t length);
void seal_hex(const void *bytes, size_t length, char *ret_text); /* 2 * length + 1 bytes */
/* Base64 with padding. ret_text: SEAL_BASE64(length) bytes. The way back is strict: exactly `length` bytes or false. */
#define SEAL_BASE64(length) (((length) + 2) / 3 * 4 + 1)
void seal_base64(const void *bytes, size_t length, char *ret_text);
bool seal_base64_back(const char *text, size_t text_length, void *ret_bytes, size_t length) MUST_CHECK;

#endif
