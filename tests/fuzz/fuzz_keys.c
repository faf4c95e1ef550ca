/* fuzz_keys.c - any file as a key file. The bytes 1 to 4 stand for the four halves of a key pair that was made at the start,
 * so that no secret lies in the corpus. What is taken signs what its public half verifies. */
#include "fuzz.h"

#include "keys.h"
#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char halves[4][160]; /* curve and sign of the secret file, curve and sign of the public one */

static void take_half(const char *text, const char *word, char *ret_half)
{
    const char *found = strstr(text, word);
    fuzz_require(found != NULL && sscanf(found + strlen(word), "%159s", ret_half) == 1, "a key file has its words");
}

static void make_keys(void)
{
    struct fault why = {.message = MESSAGE_NONE};
    char path[128];
    size_t length;
    fuzz_require(seal_start() == STATUS_OK && keys_generate(fuzz_folder(), "made", NULL, &why) == STATUS_OK, "keys are made");
    (void)snprintf(path, sizeof path, "%s/made.key", fuzz_folder());
    char *secret = fuzz_read(path, &length);
    (void)snprintf(path, sizeof path, "%s/made.pub", fuzz_folder());
    char *public_text = fuzz_read(path, &length);
    take_half(secret, "curve: ", halves[0]);
    take_half(secret, "sign: ", halves[1]);
    take_half(public_text, "curve: ", halves[2]);
    take_half(public_text, "sign: ", halves[3]);
    free(secret);
    free(public_text);
}

static const char *write_with_halves(const uint8_t *bytes, size_t length)
{
    char *text = NULL;
    size_t text_length = 0;
    FILE *out = open_memstream(&text, &text_length);
    fuzz_require(out != NULL, "memory");
    for (size_t i = 0; i < length; i++)
        if (bytes[i] >= 1 && bytes[i] <= 4)
            (void)fputs(halves[bytes[i] - 1], out);
        else
            (void)fputc(bytes[i], out);
    (void)fclose(out);
    const char *path = fuzz_write(0, "any.key", text, text_length);
    free(text);
    return path;
}

static void require_name(const char *name)
{
    size_t bad;
    fuzz_require(name[0] != '\0' && strlen(name) <= 64 && text_is_utf8(name, strlen(name), &bad), "a key has a name");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct secret_key secret;
    struct public_key public_key;
    if (halves[0][0] == '\0')
        make_keys();
    const char *path = write_with_halves(bytes, length);
    enum status status = keys_load_secret(path, &secret, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "a key file is taken or refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        const unsigned char digest[SEAL_HASH] = {7};
        unsigned char signature[SEAL_SIGNATURE];
        require_name(secret.public_key.name);
        fuzz_require(strlen(secret.curve) == 40 && strlen(secret.public_key.curve) == 40, "a link key has its length");
        seal_sign(digest, secret.sign, signature);
        fuzz_require(seal_verify(digest, signature, secret.public_key.sign), "a key signs what its public half verifies");
        keys_forget(&secret);
    }
    why = (struct fault){.message = MESSAGE_NONE};
    status = keys_load_public(path, &public_key, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "a key file is taken or refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        require_name(public_key.name);
        fuzz_require(strlen(public_key.curve) == 40, "a link key has its length");
    }
}
