/* weights.h - what the goals of a ratio come to with the weights in force (CONTRACT 2, goal_above_weighted_parts). */
#ifndef AGGREGATOR_WEIGHTS_H
#define AGGREGATOR_WEIGHTS_H

#include "figures.h"

/* For every goal with a denominator and op >= (or =) that has parts: the sum of part value x part's denominator over the
 * sum of the denominators, each in force over start..due of the whole. A whole above it is a warning with both numbers.
 * Skipped where a part's denominator is missing. Findings are appended. */
enum status weights_check(struct figures *figures, struct findings *findings, struct fault *why) MUST_CHECK;

#endif
