/* fuzz_checkpoint.c - any text as a checkpoint. The corpus holds one that is signed with the key below: whatever holds under
 * that key says what was signed (the signer's name stands below the signed lines, and is looked up by whoever reads it). */
#include "fuzz.h"

#include "checkpoint.h"
#include "memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static unsigned char public_key[SEAL_PUBLIC], secret[SEAL_SECRET];
static char genuine[CHECKPOINT_TEXT];
static struct checkpoint signed_one;

static void make_genuine(void)
{
    const unsigned char seed[crypto_sign_SEEDBYTES] = {1, 2, 3};
    struct checkpoint checkpoint = {.entry = 1000, .time = "2026-11-23T18:00:00+08:00", .registry = 12,
                                    .signer = "aggregator"};
    fuzz_require(seal_start() == STATUS_OK, "libsodium starts");
    (void)crypto_sign_seed_keypair(public_key, secret, seed);
    memset(checkpoint.hash, 0xa5, sizeof checkpoint.hash);
    memset(checkpoint.generation, 0x0f, sizeof checkpoint.generation);
    checkpoint_write(&checkpoint, secret, public_key, genuine);
    fuzz_require(checkpoint_read(genuine, &signed_one), "the genuine one is read");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct checkpoint checkpoint, again;
    char written[CHECKPOINT_TEXT];
    if (genuine[0] == '\0')
        make_genuine();
    char *text = memory_copy_text_length((const char *)bytes, length);
    if (checkpoint_read(text, &checkpoint)) {
        fuzz_require(!checkpoint_holds(&checkpoint, public_key) ||
                         memcmp(checkpoint.digest, signed_one.digest, sizeof checkpoint.digest) == 0,
                     "only what was signed holds");
        again = checkpoint;
        checkpoint_write(&again, secret, public_key, written);
        fuzz_require(checkpoint_read(written, &again) && checkpoint_holds(&again, public_key),
                     "what is signed anew is read and holds");
        fuzz_require(again.entry == checkpoint.entry && again.registry == checkpoint.registry &&
                         memcmp(again.hash, checkpoint.hash, SEAL_HASH) == 0 && strcmp(again.time, checkpoint.time) == 0 &&
                         strcmp(again.signer, checkpoint.signer) == 0,
                     "a checkpoint is written as it was read");
    } else
        fuzz_require(strcmp(text, genuine) != 0, "the genuine one is read");
    free(text);
}
