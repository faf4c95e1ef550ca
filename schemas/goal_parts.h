/* goal_parts.h - which goals are the parts of which: for those who know the weights (weights.c); the checks of the catalogue share goal_inside.h. */
#ifndef SCHEMAS_GOAL_PARTS_H
#define SCHEMAS_GOAL_PARTS_H

#include "catalogue.h"

/* A whole whose indicator is a weighted mean (a denominator of sums, op >= or =) and its parts, one at least. Borrowed
 * for the call. */
typedef void goal_parts_visitor(void *context, const struct goal *whole, const struct goal *const *parts, size_t count);

/* Visits every such whole of a catalogue without errors. */
void goal_parts_visit(const struct catalogue *catalogue, goal_parts_visitor *visit, void *context);

/* Counters of reports speak of every form of the catalogue that has figures of its own time: a form of nothing but base
 * figures is set aside, unless the catalogue has no other. */
bool goal_counts_reports_of(const struct catalogue *catalogue, uint32_t form);

#endif
