/* outcome.c - what was decided about a batch, as the bytes that the ledger's chain seals. */
#include "outcome.h"

#include "cursor.h"
#include "limit.h"
#include "memory.h"

#include <string.h>

#define OUTCOME_REPEATED 1
#define CODES 64 /* kinds of refusal one batch can show */

struct outcome {
    unsigned char **bytes;
    size_t *capacity;
    size_t length;
};

static void put_varint(struct outcome *outcome, uint64_t number)
{
    *outcome->bytes = memory_grow(*outcome->bytes, outcome->capacity, outcome->length + VARINT_MOST, 1);
    outcome->length += varint_write(*outcome->bytes + outcome->length, number);
}

static void put_text(struct outcome *outcome, const char *text)
{
    const size_t length = strlen(text);
    put_varint(outcome, length);
    *outcome->bytes = memory_grow(*outcome->bytes, outcome->capacity, outcome->length + length + 1, 1);
    memcpy(*outcome->bytes + outcome->length, text, length);
    outcome->length += length;
}

static size_t number_of_code(enum message *codes, size_t *count, enum message message)
{
    size_t i = 0;
    while (i < *count && codes[i] != message)
        i++;
    if (i == *count && *count < CODES)
        codes[(*count)++] = message;
    return i < CODES ? i : CODES - 1;
}

size_t outcome_write(const struct entry *entry, unsigned char **bytes, size_t *capacity)
{
    struct outcome outcome = {bytes, capacity, 0};
    enum message codes[CODES];
    size_t code_count = 0;
    int64_t before = -1;
    if (!entry->repeated && entry->refusal_count == 0)
        return 0;
    for (size_t i = 0; i < entry->refusal_count; i++)
        number_of_code(codes, &code_count, entry->refusals[i].message);
    put_varint(&outcome, entry->repeated ? OUTCOME_REPEATED : 0);
    put_varint(&outcome, code_count);
    for (size_t i = 0; i < code_count; i++)
        put_text(&outcome, message_code(codes[i]));
    for (size_t i = 0; i < entry->refusal_count; i++) {
        put_varint(&outcome, (uint64_t)((int64_t)entry->refusals[i].index - before));
        put_varint(&outcome, number_of_code(codes, &code_count, entry->refusals[i].message));
        before = entry->refusals[i].index;
    }
    return outcome.length;
}

static enum message read_code(struct cursor *cursor)
{
    char code[LIMIT_CODE_BYTES + 1];
    const uint64_t length = cursor_varint(cursor);
    if (length >= sizeof code || length > cursor_left(cursor)) {
        cursor_fail(cursor, "code too long");
        return MESSAGE_NONE;
    }
    memcpy(code, cursor->at, length);
    code[length] = '\0';
    cursor->at += length;
    return message_by_code(code); /* NONE for a code of another version: still refused */
}

bool outcome_read(struct entry *entry, struct refusal **refusals, size_t *capacity)
{
    struct cursor cursor = cursor_over(entry->outcome, entry->outcome_length);
    enum message codes[CODES];
    int64_t index = -1;
    size_t count = 0;
    entry->refusals = NULL;
    entry->refusal_count = 0;
    entry->repeated = false;
    if (entry->outcome_length == 0)
        return true;
    const uint64_t flags = cursor_varint(&cursor), code_count = cursor_varint(&cursor);
    if (flags > OUTCOME_REPEATED || code_count > CODES)
        return false;
    for (uint64_t i = 0; i < code_count; i++)
        codes[i] = read_code(&cursor);
    while (cursor.wrong == NULL && cursor_left(&cursor) != 0) {
        const uint64_t delta = cursor_varint(&cursor), code = cursor_varint(&cursor);
        if (delta == 0 || delta > LIMIT_BATCH_RECORDS || code >= code_count || index + (int64_t)delta > UINT32_MAX)
            return false;
        index += (int64_t)delta;
        *refusals = memory_grow(*refusals, capacity, count + 1, sizeof **refusals);
        (*refusals)[count++] = (struct refusal){(uint32_t)index, codes[code]};
    }
    entry->repeated = flags == OUTCOME_REPEATED;
    entry->refusals = *refusals;
    entry->refusal_count = count;
    return cursor.wrong == NULL;
}
