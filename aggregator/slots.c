#include "slots.h"

#include "memory.h"

#include <stdlib.h>

void slots_add(struct slots *slots, uint32_t first, uint32_t count)
{
    if (count == 0)
        return;
    if (slots->count > 0) {
        struct slot_run *last = &slots->runs[slots->count - 1];
        if (last->first + last->count == first) {
            last->count += count;
            return;
        }
    }
    slots->runs = memory_grow(slots->runs, &slots->capacity, slots->count + 1, sizeof *slots->runs);
    slots->runs[slots->count++] = (struct slot_run){first, count};
}

static int by_first(const void *one, const void *other)
{
    const struct slot_run *left = one, *right = other;
    return (left->first > right->first) - (left->first < right->first);
}

void slots_settle(struct slots *slots)
{
    size_t kept = 0;
    if (slots->count < 2)
        return;
    qsort(slots->runs, slots->count, sizeof *slots->runs, by_first);
    for (size_t i = 1; i < slots->count; i++) {
        struct slot_run *last = &slots->runs[kept];
        const struct slot_run next = slots->runs[i];
        if (next.first > last->first + last->count)
            slots->runs[++kept] = next;
        else if (next.first + next.count > last->first + last->count)
            last->count = next.first + next.count - last->first;
    }
    slots->count = kept + 1;
}

void slots_subtract(const struct slots *all, const struct slots *without, struct slots *ret_rest)
{
    size_t next = 0;
    for (size_t i = 0; i < all->count; i++) {
        uint32_t at = all->runs[i].first;
        const uint32_t end = at + all->runs[i].count;
        while (at < end) {
            while (next < without->count && without->runs[next].first + without->runs[next].count <= at)
                next++;
            if (next == without->count || without->runs[next].first >= end) {
                slots_add(ret_rest, at, end - at);
                break;
            }
            if (without->runs[next].first > at)
                slots_add(ret_rest, at, without->runs[next].first - at);
            at = without->runs[next].first + without->runs[next].count;
        }
    }
}

uint64_t slots_total(const struct slots *slots)
{
    uint64_t total = 0;
    for (size_t i = 0; i < slots->count; i++)
        total += slots->runs[i].count;
    return total;
}

void slots_free(struct slots *slots)
{
    free(slots->runs);
    *slots = (struct slots){0};
}
