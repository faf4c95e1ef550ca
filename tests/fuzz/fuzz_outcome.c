/* fuzz_outcome.c - any bytes as the outcome of a batch: what is read and written again reads the same. */
#include "fuzz.h"

#include "limit.h"
#include "memory.h"
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static struct refusal *refusals, *others;
    static size_t capacity, other_capacity, written_capacity;
    static unsigned char *written;
    struct entry entry = {.outcome = bytes, .outcome_length = length}, again = {.number = 0};
    const bool is_outcome = outcome_read(&entry, &refusals, &capacity);
    fuzz_require(entry.refusal_count <= length, "no more refusals than bytes");
    if (!is_outcome)
        return;
    for (size_t i = 1; i < entry.refusal_count; i++)
        fuzz_require(entry.refusals[i].index > entry.refusals[i - 1].index, "refusals come by index");
    for (size_t i = 0; i < entry.refusal_count; i++)
        fuzz_require(entry.refusals[i].message < MESSAGE_COUNT, "a refusal has a known message or none");
    again.outcome_length = outcome_write(&entry, &written, &written_capacity);
    again.outcome = written;
    fuzz_require(outcome_read(&again, &others, &other_capacity), "what was written can be read");
    fuzz_require(again.repeated == entry.repeated && again.refusal_count == entry.refusal_count,
                 "an outcome comes back whole");
    for (size_t i = 0; i < entry.refusal_count; i++)
        fuzz_require(again.refusals[i].index == entry.refusals[i].index &&
                         again.refusals[i].message == entry.refusals[i].message,
                     "every refusal comes back");
}
