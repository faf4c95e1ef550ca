/* goal_inside.h - what the files that prove goals share: goal_shape.c (what an indicator's figures do when units are
 * combined), goal_parts.c (which goals are the parts of which), goal_claims.c (claims that differ), goal_finding.c (how
 * a finding is said) and goal_arithmetic.c (the checks). */
#ifndef SCHEMAS_GOAL_INSIDE_H
#define SCHEMAS_GOAL_INSIDE_H

#include "catalogue_internal.h"
#include "goal_parts.h"

#include <string.h>

struct shape {
    bool adds;     /* the whole's figure is the sum of its parts' */
    bool averages; /* ... is a weighted mean of its parts' */
    bool elements; /* some element is in it, not only counters */
    bool reports;  /* counters of reports are in it */
    uint32_t *forms;
    size_t form_count;
};
struct shape shape_of(const struct catalogue *catalogue, const struct indicator *indicator); /* free() its forms */

/* A goal on a unit, and those of the same indicator below it. */
struct whole {
    const struct goal *goal;
    const struct shape *shape;
    const struct goal *const *chosen; /* one a scope */
    size_t chosen_count;
    const struct goal *const *parts; /* those of them that are topmost and comparable */
    size_t part_count;
};

/* All borrowed for the call; goals in order of goals.csv. */
struct goal_visitor {
    void *context;
    void (*indicator)(void *context, const struct goal *const *goals,
                      size_t count); /* before its wholes; may be NULL */
    void (*whole)(void *context, const struct whole *whole);
};
void goal_walk(const struct catalogue *catalogue, const struct goal_visitor *visitor);

/* Unit or group as one number. */
static inline uint64_t scope_of(const struct goal *goal)
{
    return goal->group != NO_INDEX ? (uint64_t)1 << 32 | goal->group : goal->unit;
}

static inline bool same_claim(const struct goal *one, const struct goal *other)
{
    return strcmp(one->claim, other->claim) == 0;
}

static inline int order_of(int64_t one, int64_t other)
{
    return (one > other) - (one < other);
}

/* A value in units of 10^-9: an int64 of any allowed scale times any number of goals fits. */
static inline __int128 exact(struct decimal value)
{
    return (__int128)value.units * decimal_power_of_ten((uint8_t)(LIMIT_DECIMALS - value.scale));
}

#define EXACT_TEXT 56
/* Writes units of 10^-9 with `decimals` decimals, which must suffice. */
void exact_text(__int128 value, uint8_t decimals, char ret_text[EXACT_TEXT]);
void report_goal(struct loader *loader, enum finding_severity severity, const struct goal *goal, enum message message,
                 const char *one, const char *two, const char *three, const char *four);

/* claims_differ for the goals of one indicator. */
void check_claims(struct loader *loader, const struct goal *const *goals, size_t count);

#endif
