/* seal.c - hashes, chains and signatures over libsodium.
 *
 * Every hash of more than one part is taken over a label, then each part; texts carry their length in front, numbers are
 * eight bytes, most significant first. Without the lengths "ab" + "c" and "a" + "bc" would hash alike and a record could
 * be moved from one agent to another under the same signature. The labels keep a hash made for one purpose from being
 * passed off for another (a chain value is never also a signed digest). */
#include "seal.h"

#include "memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SEAL_HASH == crypto_generichash_BYTES, "BLAKE2b-256");
_Static_assert(SEAL_SIGNATURE == crypto_sign_BYTES, "ed25519");
_Static_assert(SEAL_PUBLIC == crypto_sign_PUBLICKEYBYTES, "ed25519");
_Static_assert(SEAL_SECRET == crypto_sign_SECRETKEYBYTES, "ed25519");

struct seal_hasher {
    crypto_generichash_state state;
};

/* libsodium's calls below fail only when their lengths are wrong, and those are constants. */
static void must(int result)
{
    if (result != 0)
        abort();
}

static void begin(crypto_generichash_state *state, const char *label)
{
    must(crypto_generichash_init(state, NULL, 0, SEAL_HASH));
    must(crypto_generichash_update(state, (const unsigned char *)label, strlen(label)));
}

static void add(crypto_generichash_state *state, const void *bytes, size_t length)
{
    if (length != 0)
        must(crypto_generichash_update(state, bytes, length));
}

static void add_number(crypto_generichash_state *state, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 7; i >= 0; i--, number >>= 8)
        bytes[i] = (unsigned char)number;
    add(state, bytes, sizeof bytes);
}

static void add_counted(crypto_generichash_state *state, const void *bytes, size_t length)
{
    add_number(state, length);
    add(state, bytes, length);
}

static void end(crypto_generichash_state *state, unsigned char ret_hash[SEAL_HASH])
{
    must(crypto_generichash_final(state, ret_hash, SEAL_HASH));
}

enum status seal_start(void)
{
    return sodium_init() < 0 ? STATUS_BROKEN : STATUS_OK; /* 1 means "already done" */
}

void seal_hash(const void *bytes, size_t length, unsigned char ret_hash[SEAL_HASH])
{
    must(crypto_generichash(ret_hash, SEAL_HASH, bytes, length, NULL, 0));
}

struct seal_hasher *seal_hasher_new(void)
{
    void *place = NULL; /* libsodium wants its state on a cache line */
    if (posix_memalign(&place, 64, sizeof(struct seal_hasher)) != 0)
        place = memory_array(SIZE_MAX, sizeof(struct seal_hasher)); /* out of memory: ends the process with its line */
    struct seal_hasher *hasher = place;
    must(crypto_generichash_init(&hasher->state, NULL, 0, SEAL_HASH));
    return hasher;
}

void seal_hasher_add(struct seal_hasher *hasher, const void *bytes, size_t length)
{
    add(&hasher->state, bytes, length);
}

void seal_hasher_add_number(struct seal_hasher *hasher, uint64_t number)
{
    add_number(&hasher->state, number);
}

void seal_hasher_add_text(struct seal_hasher *hasher, const char *text)
{
    add_counted(&hasher->state, text, strlen(text));
}

void seal_hasher_finish(struct seal_hasher **hasher, unsigned char ret_hash[SEAL_HASH])
{
    end(&(*hasher)->state, ret_hash);
    free(*hasher);
    *hasher = NULL;
}

void seal_chain_start(const char *agent, const unsigned char outbox[16], unsigned char ret_chain[SEAL_HASH])
{
    crypto_generichash_state state;
    begin(&state, "outbox/1");
    add_counted(&state, agent, strlen(agent));
    add(&state, outbox, 16);
    end(&state, ret_chain);
}

void seal_chain_next(const unsigned char chain[SEAL_HASH], const void *batch, size_t length,
                     unsigned char ret_chain[SEAL_HASH])
{
    crypto_generichash_state state;
    begin(&state, "");
    add(&state, chain, SEAL_HASH);
    add(&state, batch, length);
    end(&state, ret_chain);
}

void seal_batch_digest(const char *agent, const unsigned char outbox[16], uint64_t seq,
                       const unsigned char chain[SEAL_HASH], unsigned char ret_digest[SEAL_HASH])
{
    crypto_generichash_state state;
    begin(&state, "batch/1");
    add_counted(&state, agent, strlen(agent));
    add(&state, outbox, 16);
    add_number(&state, seq);
    add(&state, chain, SEAL_HASH);
    end(&state, ret_digest);
}

void seal_ledger_next(uint64_t entry, const unsigned char previous[SEAL_HASH], const char *agent,
                      const unsigned char outbox[16], uint64_t seq, const unsigned char chain[SEAL_HASH],
                      const unsigned char signature[SEAL_SIGNATURE], int64_t received_at, const void *refusals,
                      size_t refusals_length, unsigned char ret_hash[SEAL_HASH])
{
    crypto_generichash_state state;
    begin(&state, "ledger/1");
    add_number(&state, entry);
    add(&state, previous, SEAL_HASH);
    add_counted(&state, agent, strlen(agent));
    add(&state, outbox, 16);
    add_number(&state, seq);
    add(&state, chain, SEAL_HASH);
    add(&state, signature, SEAL_SIGNATURE);
    add_number(&state, (uint64_t)received_at);
    add_counted(&state, refusals, refusals_length);
    end(&state, ret_hash);
}

void seal_sign(const unsigned char digest[SEAL_HASH], const unsigned char secret[SEAL_SECRET],
               unsigned char ret_signature[SEAL_SIGNATURE])
{
    must(crypto_sign_detached(ret_signature, NULL, digest, SEAL_HASH, secret));
}

bool seal_verify(const unsigned char digest[SEAL_HASH], const unsigned char signature[SEAL_SIGNATURE],
                 const unsigned char public_key[SEAL_PUBLIC])
{
    return crypto_sign_verify_detached(signature, digest, SEAL_HASH, public_key) == 0;
}

bool seal_is_absent(const unsigned char signature[SEAL_SIGNATURE])
{
    static const unsigned char absent[SEAL_SIGNATURE];
    return memcmp(signature, absent, SEAL_SIGNATURE) == 0; /* no secret: sodium_is_zero looks at each byte by itself */
}

void seal_random(void *ret_bytes, size_t length)
{
    randombytes_buf(ret_bytes, length);
}

void seal_hex(const void *bytes, size_t length, char *ret_text)
{
    sodium_bin2hex(ret_text, 2 * length + 1, bytes, length);
}

void seal_base64(const void *bytes, size_t length, char *ret_text)
{
    sodium_bin2base64(ret_text, SEAL_BASE64(length), bytes, length, sodium_base64_VARIANT_ORIGINAL);
}

bool seal_base64_back(const char *text, size_t text_length, void *ret_bytes, size_t length)
{
    size_t got = 0;
    const char *end = NULL;
    return sodium_base642bin(ret_bytes, length, text, text_length, NULL, &got, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           got == length && end == text + text_length;
}
