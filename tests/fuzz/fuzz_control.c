/* fuzz_control.c - the control run: the message decoder, and beside it what a careless author would have written.
 * SUANPAN_FUZZ_FAULT names the fault; the harness must find each of them from a corpus of one sound GAP message:
 *   promise   a property that does not hold: "no GAP is of a single batch"
 *   memory    a length that the bytes claim is allocated before anything else is looked at
 *   time      every pair of bytes is compared
 *   overrun   a length that the bytes claim is read */
#include "fuzz.h"

#include "limit.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

static uint64_t claimed(const uint8_t *bytes, size_t length)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 5 && i < length; i++)
        number = number << 8 | bytes[i];
    return number;
}

static bool is_fault(const char *fault)
{
    const char *wanted = getenv("SUANPAN_FUZZ_FAULT");
    return wanted != NULL && strcmp(wanted, fault) == 0;
}

static void wait_long(const uint8_t *bytes, size_t length)
{
    volatile uint64_t same = 0;
    for (size_t i = 0; i < length * 4096; i++)
        for (size_t j = 0; j < length; j++)
            same += bytes[i % length] == bytes[j];
    fuzz_require(same > 0, "a byte is itself");
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct wire_message message = {.private = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    const enum status status = wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, &why);
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK && is_fault("promise"))
        fuzz_require(message.kind != WIRE_GAP || message.gap.from != message.gap.to, "the control's promise");
    wire_release(&message);
    if (length > 5 && is_fault("memory")) {
        char *volatile space = calloc(claimed(bytes, length), 1); /* clang leaves out what nobody can see */
        fuzz_require(space != NULL, "memory");
        free(space);
    }
    if (length > 100 && is_fault("time"))
        wait_long(bytes, length);
    if (length > 5 && is_fault("overrun")) {
        uint8_t *copy = malloc(length);
        unsigned sum = 0;
        fuzz_require(copy != NULL, "memory");
        memcpy(copy, bytes, length);
        const size_t end = claimed(bytes, length) % 100000;
        for (size_t i = 0; i < end; i++)
            sum += *(volatile uint8_t *)(copy + i);
        free(copy);
        fuzz_require(sum <= 255 * end, "bytes are at most 255");
    }
}
