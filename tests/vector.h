/* vector.h - byte-exact examples: tests/vectors/NAME.hex holds hex digits with a remark after `#` on each line, and
 * schemas/wire.md shows the same lines in a block fenced ```hex NAME. */
#ifndef TESTS_VECTOR_H
#define TESTS_VECTOR_H

#include "memory.h"
#include "suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A whole file as text, "" when it cannot be read. Yours to free. */
static inline char *vector_file(const char *path)
{
    char *text = NULL;
    size_t length = 0, capacity = 0, got = 0;
    FILE *file = fopen(path, "rb");
    do {
        text = memory_grow(text, &capacity, length + 4097, 1);
        got = file == NULL ? 0 : fread(text + length, 1, 4096, file);
        length += got;
    } while (got > 0);
    text[length] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return text;
}

static inline char *vector_text(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/tests/vectors/%s.hex", SOURCE_FOLDER, name);
    return vector_file(path);
}

static inline int vector_digit(char c)
{
    const char *digits = "0123456789abcdef", *found = c == '\0' ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

/* The bytes of a vector; NULL when it is absent or not hex. Yours to free. */
static inline unsigned char *vector_bytes(const char *name, size_t *ret_length)
{
    char *text = vector_text(name);
    unsigned char *bytes = memory_array(strlen(text) + 1, 1);
    size_t digits = 0;
    bool good = text[0] != '\0';
    for (const char *c = text; *c != '\0' && good; c++) {
        if (*c == '#')
            c += strcspn(c, "\n");
        const int digit = vector_digit(*c);
        if (digit >= 0) {
            bytes[digits / 2] = (unsigned char)(bytes[digits / 2] << 4 | digit);
            digits++;
        } else if (*c == '\0') {
            break;
        } else if (strchr(" \n", *c) == NULL) {
            good = false;
        }
    }
    free(text);
    *ret_length = digits / 2;
    if (good && digits % 2 == 0)
        return bytes;
    free(bytes);
    return NULL;
}

/* True when the bytes are those of the vector; says what they should be when not. */
static inline bool vector_matches(const char *name, const unsigned char *bytes, size_t length)
{
    size_t expected = 0;
    unsigned char *wanted = vector_bytes(name, &expected);
    const bool same = wanted != NULL && expected == length && memcmp(wanted, bytes, length) == 0;
    free(wanted);
    if (same)
        return true;
    printf("\n    tests/vectors/%s.hex differs from what is written now:\n    ", name);
    for (size_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
    printf("\n");
    return false;
}

/* True when wire.md shows the vector, line by line as it stands. */
static inline bool vector_is_drawn(const char *name)
{
    char head[64];
    char *wire = vector_file(SOURCE_FOLDER "/schemas/wire.md"), *text = vector_text(name);
    (void)snprintf(head, sizeof head, "\n```hex %s\n", name);
    const char *block = strstr(wire, head);
    const bool same = block != NULL && text[0] != '\0' && strncmp(block + strlen(head), text, strlen(text)) == 0 &&
                      strncmp(block + strlen(head) + strlen(text), "```\n", 4) == 0;
    free(wire);
    free(text);
    if (!same)
        printf("\n    wire.md does not show tests/vectors/%s.hex\n", name);
    return same;
}

/* Numbers that differ from run to run; TEST_SEED repeats a run. */
static uint64_t random_state;

static inline void random_start(void)
{
    const char *wanted = getenv("TEST_SEED");
    random_state = wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
    if (random_state == 0)
        random_state = 1;
    printf("[TEST_SEED=%llu] ", (unsigned long long)random_state);
}

static inline uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline uint64_t random_below(uint64_t limit)
{
    return random_next() % limit;
}

#endif
