/* checkpoint.c - writing and reading the text. What is read is written again and must come out the same, so that a
 * checkpoint has exactly one form and no byte of it can be changed unseen. */
#include "checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "suanpan-ledger/"
#define ORIGIN_BACKUP "suanpan-backup/"
#define DASH "\xe2\x80\x94 "

static size_t write_files(const struct checkpoint *checkpoint, char *ret_text, size_t capacity)
{
    char hash[SEAL_BASE64(SEAL_HASH)];
    if (!checkpoint->of_backup)
        return 0;
    seal_base64(checkpoint->files_hash, SEAL_HASH, hash);
    const int length = snprintf(ret_text, capacity, "files %" PRIu64 " %s\n", checkpoint->files, hash);
    return length < 0 || (size_t)length >= capacity ? 0 : (size_t)length;
}

static size_t write_head(const struct checkpoint *checkpoint, char ret_text[CHECKPOINT_TEXT])
{
    char origin[33], hash[SEAL_BASE64(SEAL_HASH)], registry[SEAL_BASE64(SEAL_HASH)];
    seal_hex(checkpoint->generation, sizeof checkpoint->generation, origin);
    seal_base64(checkpoint->hash, SEAL_HASH, hash);
    seal_base64(checkpoint->registry_hash, SEAL_HASH, registry);
    const int length = snprintf(ret_text, CHECKPOINT_TEXT, "%s%s\n%" PRIu64 "\n%s\ntime %s\nregistry %" PRIu64 " %s\n",
                                checkpoint->of_backup ? ORIGIN_BACKUP : ORIGIN, origin, checkpoint->entry, hash,
                                checkpoint->time, checkpoint->registry, registry);
    if (length < 0 || length >= CHECKPOINT_TEXT)
        return 0;
    return (size_t)length + write_files(checkpoint, ret_text + length, CHECKPOINT_TEXT - (size_t)length);
}

static void write_tail(const struct checkpoint *checkpoint, size_t length, char ret_text[CHECKPOINT_TEXT])
{
    unsigned char bytes[4 + SEAL_SIGNATURE];
    char text[SEAL_BASE64(sizeof bytes)];
    memcpy(bytes, checkpoint->key_id, 4);
    memcpy(bytes + 4, checkpoint->signature, SEAL_SIGNATURE);
    seal_base64(bytes, sizeof bytes, text);
    /* All parts are bounded: under 600 bytes. */
    (void)snprintf(ret_text + length, CHECKPOINT_TEXT - length, "\n" DASH "%s %s\n", checkpoint->signer, text);
}

static void key_id(const unsigned char public_key[SEAL_PUBLIC], unsigned char ret_id[4])
{
    unsigned char hash[SEAL_HASH];
    seal_hash(public_key, SEAL_PUBLIC, hash);
    memcpy(ret_id, hash, 4);
}

void checkpoint_write(struct checkpoint *checkpoint, const unsigned char secret[SEAL_SECRET],
                      const unsigned char public_key[SEAL_PUBLIC], char ret_text[CHECKPOINT_TEXT])
{
    const size_t length = write_head(checkpoint, ret_text);
    seal_hash(ret_text, length, checkpoint->digest);
    checkpoint->is_signed = secret != NULL;
    if (secret == NULL)
        return;
    seal_sign(checkpoint->digest, secret, checkpoint->signature);
    key_id(public_key, checkpoint->key_id);
    write_tail(checkpoint, length, ret_text);
}

bool checkpoint_holds(const struct checkpoint *checkpoint, const unsigned char public_key[SEAL_PUBLIC])
{
    unsigned char id[4];
    key_id(public_key, id);
    return checkpoint->is_signed && memcmp(id, checkpoint->key_id, sizeof id) == 0 &&
           seal_verify(checkpoint->digest, checkpoint->signature, public_key);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

/* Copies the text up to `end` and steps over it; false when it does not fit or `end` does not come. */
static bool take_until(const char **text, char end, char *ret_part, size_t capacity)
{
    const char *found = strchr(*text, end);
    if (found == NULL || (size_t)(found - *text) >= capacity)
        return false;
    memcpy(ret_part, *text, (size_t)(found - *text));
    ret_part[found - *text] = '\0';
    *text = found + 1;
    return true;
}

static bool take_word(const char **text, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

static bool take_number(const char **text, char end, uint64_t *ret_number)
{
    char part[24], *rest;
    if (!take_until(text, end, part, sizeof part) || part[0] < '0' || part[0] > '9')
        return false;
    *ret_number = strtoull(part, &rest, 10);
    return *rest == '\0';
}

static bool take_hash(const char **text, unsigned char ret_hash[SEAL_HASH])
{
    char part[SEAL_BASE64(SEAL_HASH)];
    return take_until(text, '\n', part, sizeof part) && seal_base64_back(part, strlen(part), ret_hash, SEAL_HASH);
}

static bool take_generation(const char **text, unsigned char ret_generation[16])
{
    static const char digits[] = "0123456789abcdef";
    char part[33];
    if (!take_until(text, '\n', part, sizeof part) || strlen(part) != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        const char *high = strchr(digits, part[2 * i]), *low = strchr(digits, part[2 * i + 1]);
        if (high == NULL || low == NULL)
            return false;
        ret_generation[i] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool take_signature(const char **text, struct checkpoint *checkpoint)
{
    unsigned char bytes[4 + SEAL_SIGNATURE];
    char part[SEAL_BASE64(sizeof bytes)];
    checkpoint->is_signed = **text != '\0' || !checkpoint->of_backup;
    if (!checkpoint->is_signed)
        return true;
    if (!take_word(text, "\n" DASH) || !take_until(text, ' ', checkpoint->signer, sizeof checkpoint->signer) ||
        !take_until(text, '\n', part, sizeof part) || !seal_base64_back(part, strlen(part), bytes, sizeof bytes))
        return false;
    memcpy(checkpoint->key_id, bytes, 4);
    memcpy(checkpoint->signature, bytes + 4, SEAL_SIGNATURE);
    return true;
}

bool checkpoint_read(const char *text, struct checkpoint *ret_checkpoint)
{
    struct checkpoint read;
    char again[CHECKPOINT_TEXT];
    const char *at = text;
    memset(&read, 0, sizeof read);
    read.of_backup = take_word(&at, ORIGIN_BACKUP);
    if ((!read.of_backup && !take_word(&at, ORIGIN)) || !take_generation(&at, read.generation) || !take_number(&at, '\n', &read.entry) ||
        !take_hash(&at, read.hash) || !take_word(&at, "time ") || !take_until(&at, '\n', read.time, sizeof read.time) ||
        !take_word(&at, "registry ") || !take_number(&at, ' ', &read.registry) || !take_hash(&at, read.registry_hash) ||
        (read.of_backup &&
         (!take_word(&at, "files ") || !take_number(&at, ' ', &read.files) || !take_hash(&at, read.files_hash))) ||
        !take_signature(&at, &read) || *at != '\0')
        return false;
    const size_t length = write_head(&read, again);
    seal_hash(again, length, read.digest);
    if (read.is_signed)
        write_tail(&read, length, again);
    if (length == 0 || strcmp(again, text) != 0)
        return false;
    *ret_checkpoint = read;
    return true;
}

/* ---- witnesses ------------------------------------------------------------------------------------------------------- */

bool checkpoint_read_bytes(const void *bytes, size_t length, struct checkpoint *ret_checkpoint)
{
    char text[CHECKPOINT_TEXT];
    if (length >= sizeof text)
        return false;
    memcpy(text, bytes, length);
    text[length] = '\0';
    return strlen(text) == length && checkpoint_read(text, ret_checkpoint) && !ret_checkpoint->of_backup;
}

bool checkpoint_read_signed(const void *bytes, size_t length, const unsigned char public_key[SEAL_PUBLIC],
                            struct checkpoint *ret_checkpoint)
{
    return checkpoint_read_bytes(bytes, length, ret_checkpoint) && checkpoint_holds(ret_checkpoint, public_key);
}

enum checkpoint_verdict checkpoint_compare(const struct checkpoint *kept, const unsigned char generation[16],
                                           uint64_t common, uint64_t head, const unsigned char *hash)
{
    const bool same = memcmp(kept->generation, generation, sizeof kept->generation) == 0;
    if (head < kept->entry || (!same && common < kept->entry))
        return same ? CHECKPOINT_SHORTER : CHECKPOINT_RESTORED_OLDER;
    if (hash == NULL)
        return CHECKPOINT_UNPROVEN;
    if (memcmp(hash, kept->hash, SEAL_HASH) != 0)
        return CHECKPOINT_REWRITTEN;
    return same ? CHECKPOINT_GOES_ON : CHECKPOINT_RESTORED;
}

enum checkpoint_verdict checkpoint_judge(const struct checkpoint *kept, const unsigned char generation[16],
                                         const struct checkpoint_shown *shown,
                                         const unsigned char public_key[SEAL_PUBLIC])
{
    struct checkpoint head, earlier;
    if (shown->length == 0) /* an empty ledger */
        return kept == NULL ? CHECKPOINT_GOES_ON : checkpoint_compare(kept, generation, UINT64_MAX, 0, NULL);
    if (!checkpoint_read_signed(shown->text, shown->length, public_key, &head) ||
        memcmp(head.generation, generation, sizeof head.generation) != 0)
        return CHECKPOINT_UNSIGNED;
    if (kept == NULL)
        return CHECKPOINT_GOES_ON;
    if (shown->earlier_length == 0)
        return checkpoint_compare(kept, generation, UINT64_MAX, head.entry, head.entry == kept->entry ? head.hash : NULL);
    if (!checkpoint_read_signed(shown->earlier, shown->earlier_length, public_key, &earlier))
        return CHECKPOINT_UNSIGNED;
    const bool is_meant = memcmp(earlier.generation, generation, sizeof earlier.generation) == 0;
    /* Who restores a ledger may let it grow before we look: no more is believed than of one that still ends there. */
    const uint64_t common = is_meant && earlier.entry < kept->entry ? earlier.entry : UINT64_MAX;
    const unsigned char *at_kept = is_meant && earlier.entry == kept->entry ? earlier.hash
                                   : head.entry == kept->entry              ? head.hash
                                                                            : NULL;
    return checkpoint_compare(kept, generation, common, head.entry, at_kept);
}

bool checkpoint_is_alarm(enum checkpoint_verdict verdict)
{
    return verdict != CHECKPOINT_GOES_ON;
}

bool checkpoint_is_replaced(enum checkpoint_verdict verdict)
{
    return verdict == CHECKPOINT_GOES_ON || verdict == CHECKPOINT_RESTORED || verdict == CHECKPOINT_RESTORED_OLDER;
}

enum message checkpoint_message(enum checkpoint_verdict verdict)
{
    switch (verdict) {
    case CHECKPOINT_GOES_ON: break;
    case CHECKPOINT_RESTORED: return MESSAGE_LEDGER_RESTORED;
    case CHECKPOINT_RESTORED_OLDER: return MESSAGE_LEDGER_RESTORED_OLDER;
    case CHECKPOINT_SHORTER: return MESSAGE_LEDGER_SHORTENED;
    case CHECKPOINT_REWRITTEN: return MESSAGE_LEDGER_REWRITTEN;
    case CHECKPOINT_UNPROVEN: return MESSAGE_LEDGER_UNPROVEN;
    case CHECKPOINT_UNSIGNED: return MESSAGE_LEDGER_UNSIGNED;
    }
    return MESSAGE_NONE;
}
