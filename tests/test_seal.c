#include "seal.h"

#include "vector.h"

#include <sodium.h>

static void hash_is_blake2b_256(void)
{
    /* RFC 7693 defines BLAKE2b; the value is b2sum -l 256 of "abc". */
    unsigned char hash[SEAL_HASH];
    char text[2 * SEAL_HASH + 1];
    seal_hash("abc", 3, hash);
    seal_hex(hash, sizeof hash, text);
    CU_ASSERT_STRING_EQUAL(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    seal_hash(NULL, 0, hash);
    seal_hex(hash, sizeof hash, text);
    CU_ASSERT_STRING_EQUAL(text, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

static void hashing_in_pieces_gives_the_same(void)
{
    unsigned char bytes[1000], whole[SEAL_HASH], pieces[SEAL_HASH];
    random_start();
    seal_random(bytes, sizeof bytes);
    seal_hash(bytes, sizeof bytes, whole);
    struct seal_hasher *hasher = seal_hasher_new();
    for (size_t at = 0; at < sizeof bytes;) {
        size_t length = (size_t)random_below(200);
        length = length > sizeof bytes - at ? sizeof bytes - at : length;
        seal_hasher_add(hasher, bytes + at, length);
        at += length;
    }
    seal_hasher_finish(&hasher, pieces);
    CU_ASSERT_PTR_NULL(hasher);
    CU_ASSERT(memcmp(whole, pieces, SEAL_HASH) == 0);
}

/* The definitions of wire.md, written out byte by byte. */
static void chain_and_digest_are_what_wire_md_says(void)
{
    unsigned char outbox[16], first[SEAL_HASH], next[SEAL_HASH], found[SEAL_HASH], text[200];
    size_t length = 0;
    memset(outbox, 0xa0, sizeof outbox);
    memcpy(text, "outbox/1\0\0\0\0\0\0\0\6liyang", 22);
    memcpy(text + 22, outbox, 16);
    seal_hash(text, 38, first);
    seal_chain_start("liyang", outbox, found);
    CU_ASSERT(memcmp(first, found, SEAL_HASH) == 0);

    memcpy(text, first, SEAL_HASH);
    memcpy(text + SEAL_HASH, "batch bytes", 11);
    seal_hash(text, SEAL_HASH + 11, next);
    seal_chain_next(first, "batch bytes", 11, found);
    CU_ASSERT(memcmp(next, found, SEAL_HASH) == 0);

    memcpy(text, "batch/1\0\0\0\0\0\0\0\6liyang", 21);
    length = 21;
    memcpy(text + length, outbox, 16), length += 16;
    memcpy(text + length, "\0\0\0\0\0\0\1\2", 8), length += 8; /* seq 258 */
    memcpy(text + length, next, SEAL_HASH), length += SEAL_HASH;
    seal_hash(text, length, first);
    seal_batch_digest("liyang", outbox, 258, next, found);
    CU_ASSERT(memcmp(first, found, SEAL_HASH) == 0);
}

static void the_ledger_entry_is_what_wire_md_says(void)
{
    unsigned char text[400], wanted[SEAL_HASH], found[SEAL_HASH], previous[SEAL_HASH] = {0}, outbox[16], chain[SEAL_HASH];
    unsigned char signature[SEAL_SIGNATURE];
    size_t length = 0;
    memset(outbox, 1, sizeof outbox);
    memset(chain, 2, sizeof chain);
    memset(signature, 3, sizeof signature);
    memcpy(text, "ledger/1\0\0\0\0\0\0\0\1", 16), length = 16;
    memcpy(text + length, previous, SEAL_HASH), length += SEAL_HASH;
    memcpy(text + length, "\0\0\0\0\0\0\0\2a1", 10), length += 10;
    memcpy(text + length, outbox, 16), length += 16;
    memcpy(text + length, "\0\0\0\0\0\0\0\7", 8), length += 8;
    memcpy(text + length, chain, SEAL_HASH), length += SEAL_HASH;
    memcpy(text + length, signature, SEAL_SIGNATURE), length += SEAL_SIGNATURE;
    memcpy(text + length, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), length += 8; /* received_at -1 */
    memcpy(text + length, "\0\0\0\0\0\0\0\3xyz", 11), length += 11;
    seal_hash(text, length, wanted);
    seal_ledger_next(1, previous, "a1", outbox, 7, chain, signature, -1, "xyz", 3, found);
    CU_ASSERT(memcmp(wanted, found, SEAL_HASH) == 0);
}

/* Without lengths, agent "ab" with outbox "c..." and agent "abc" with outbox "..." could share a hash. */
static void every_part_changes_the_hash(void)
{
    unsigned char outbox[16] = {0}, other[16] = {1}, one[SEAL_HASH], two[SEAL_HASH];
    seal_chain_start("ab", outbox, one);
    seal_chain_start("abc", outbox, two);
    CU_ASSERT(memcmp(one, two, SEAL_HASH) != 0);
    seal_chain_start("ab", other, two);
    CU_ASSERT(memcmp(one, two, SEAL_HASH) != 0);
    seal_batch_digest("ab", outbox, 1, one, two);
    unsigned char three[SEAL_HASH];
    seal_batch_digest("ab", outbox, 2, one, three);
    CU_ASSERT(memcmp(two, three, SEAL_HASH) != 0);
}

static void a_signature_holds_for_its_digest_and_key_only(void)
{
    unsigned char public_key[SEAL_PUBLIC], secret[SEAL_SECRET], stranger[SEAL_PUBLIC], unused[SEAL_SECRET];
    unsigned char digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    CU_ASSERT(crypto_sign_keypair(public_key, secret) == 0 && crypto_sign_keypair(stranger, unused) == 0);
    seal_hash("figure", 6, digest);
    seal_sign(digest, secret, signature);
    CU_ASSERT(seal_verify(digest, signature, public_key));
    CU_ASSERT(!seal_verify(digest, signature, stranger));
    for (size_t at = 0; at < SEAL_SIGNATURE; at++) {
        signature[at] ^= 1;
        CU_ASSERT(!seal_verify(digest, signature, public_key));
        signature[at] ^= 1;
    }
    digest[0] ^= 1;
    CU_ASSERT(!seal_verify(digest, signature, public_key));
}

static void hex_is_lower_case_and_terminated(void)
{
    char text[7] = "??????";
    seal_hex("\x00\xAF\x10", 3, text);
    CU_ASSERT_STRING_EQUAL(text, "00af10");
}

static void starting_twice_is_fine(void)
{
    CU_ASSERT(seal_start() == STATUS_OK);
    CU_ASSERT(seal_start() == STATUS_OK);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(starting_twice_is_fine),
        SENTENCE(hash_is_blake2b_256),
        SENTENCE(hashing_in_pieces_gives_the_same),
        SENTENCE(chain_and_digest_are_what_wire_md_says),
        SENTENCE(the_ledger_entry_is_what_wire_md_says),
        SENTENCE(every_part_changes_the_hash),
        SENTENCE(a_signature_holds_for_its_digest_and_key_only),
        SENTENCE(hex_is_lower_case_and_terminated),
    };
    return suite_run("seal", sentences, ARRAY_LEN(sentences));
}
