/* parts.h - one unit's share of an element's figure, and the records it is made of, worked out in the plainest way:
 * period by period, cell by cell. What combine.c gets from runs of pages has to come to the same; `explain` says
 * so or fails. */
#ifndef AGGREGATOR_OFFICE_PARTS_H
#define AGGREGATOR_OFFICE_PARTS_H

#include "answer.h"

enum part_role {
    PART_COUNTS,
    PART_SUBTRACTED, /* ytd: what stood before the period */
    PART_BEFORE,     /* ytd: the same, but its year has no later figure to subtract it from */
    PART_NO_FIGURE,  /* looked at and passed over: M, L, Q, taken back */
};
struct part {
    enum part_role role;
    struct period period;
    struct cell cell;
};

/* An element in a period, as it is asked of many units. */
struct parting {
    struct abacus *abacus;
    const struct catalogue *catalogue;
    uint32_t element;
    struct period period;
    struct period *pages; /* every form period that can matter and ever had a record, oldest first */
    size_t page_count;
    struct fault *why;
};
enum status parting_start(struct parting *parting, struct abacus *abacus, const struct catalogue *catalogue,
                          struct store *store, uint32_t element, struct period period, struct fault *why) MUST_CHECK;
void parting_end(struct parting *parting);

/* What units come to together; combine.h's figure before it is squeezed into 64 bits. */
struct share {
    uint64_t figures;
    __int128 sum, max, min;
};
void share_add(struct share *share, const struct share *more);
__int128 share_value(const struct share *share, enum element_aggregate aggregate);

/* The unit of the slot, on the days of its covers. *ret_parts is yours to free, newest last. */
enum status parting_unit(struct parting *parting, uint32_t slot, const struct cover *covers, size_t cover_count,
                         struct share *ret_share, struct part **ret_parts, size_t *ret_count) MUST_CHECK;

#endif
