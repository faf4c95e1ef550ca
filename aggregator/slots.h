/* slots.h - a set of slots of one level, as ascending runs that do not touch. Subtrees are runs, so sets stay short. */
#ifndef AGGREGATOR_SLOTS_H
#define AGGREGATOR_SLOTS_H

#include <stddef.h>
#include <stdint.h>

struct slot_run {
    uint32_t first, count;
};

/* Zero-initialise; slots_free gives the memory back and leaves an empty set. */
struct slots {
    struct slot_run *runs;
    size_t count, capacity;
};

/* Appends a run; one that touches the last run is joined to it. count 0 adds nothing. */
void slots_add(struct slots *slots, uint32_t first, uint32_t count);
/* Sorts and joins what was appended in any order, so that every slot is in the set once. */
void slots_settle(struct slots *slots);
/* Appends to ret_rest what is in `all` and not in `without`; both settled. */
void slots_subtract(const struct slots *all, const struct slots *without, struct slots *ret_rest);
uint64_t slots_total(const struct slots *slots);
void slots_free(struct slots *slots);

#endif
