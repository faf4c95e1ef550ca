/* combine.h - the combined figure of one element (CONTRACT 3): within the period by its kind, over units by its
 * aggregate. Inner part of figures.h, which is what others ask. */
#ifndef AGGREGATOR_COMBINE_H
#define AGGREGATOR_COMBINE_H

#include "figures.h"
#include "slots.h"

struct combined {
    enum figure_state state;
    int64_t value;               /* at the element's decimals, when FIGURE_PRESENT */
    uint64_t reported, expected;
};

enum status combine_element(struct figures *figures, uint32_t element, struct scope scope, struct period period,
                            struct combined *ret_combined, struct fault *why) MUST_CHECK;

/* The same over some of the slots of a scope: `covers` are such as figures_covers gives, or parts of them, of the level of
 * the element's form. All covers of a slot have to be given together. */
enum status combine_covers(struct figures *figures, uint32_t element, const struct cover *covers, size_t cover_count,
                           struct period period, struct combined *ret_combined, struct fault *why) MUST_CHECK;

/* The form periods of `frequency` inside `period` that belong to the cover; false when there are none. */
bool combine_periods_within(const struct cover *cover, struct period period, enum period_kind frequency,
                            struct period *ret_first, struct period *ret_last);
/* Appends the slots of first..first+count-1 whose units owe the form for the period. */
void combine_owed_slots(const struct catalogue *catalogue, const struct form *form, uint32_t first, uint32_t count,
                        struct period period, struct slots *ret_owed);
/* The reporting year a form period is cumulated in: the one that holds its last day, named by the year it starts in. */
int combine_reporting_year(const struct catalogue *catalogue, struct period period);
/* The units of the scope that owe the form in any of its periods inside `period` (a period shorter than the form's: in the
 * form period that holds its last day), each once. Appends, settled. */
void combine_owed_units(struct figures *figures, const struct form *form, struct scope scope, struct period period,
                        struct slots *ret_owed);

#endif
