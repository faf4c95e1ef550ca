/* telling.h - progress of long work on one line of stderr, rewritten a few times a second. Zero-initialise. */
#ifndef AGGREGATOR_OFFICE_TELLING_H
#define AGGREGATOR_OFFICE_TELLING_H

#include <stdbool.h>
#include <stdint.h>

struct telling {
    int64_t told_ms;
    bool told;
};

/* context: a struct telling; all 0: not known. */
void telling_step(void *context, const char *step, uint64_t done, uint64_t all);
/* Leaves the line empty. */
void telling_end(const struct telling *telling);

#endif
