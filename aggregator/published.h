/* published.h - which figures are published as plain rows (plain-sql.md), and how one of them is made.
 *
 * Published are all indicators and elements, for the units of every level that has at most PUBLISHED_UNITS_MOST units, by
 * month, quarter and year: the periods that hold something that was reported. */
#ifndef AGGREGATOR_PUBLISHED_H
#define AGGREGATOR_PUBLISHED_H

#include "figures.h"
#include "store.h"

#define PUBLISHED_UNITS_MOST 256

struct published_subject {
    bool is_indicator;
    uint32_t index;          /* of the indicator or element */
};

bool published_level(const struct catalogue *catalogue, uint32_t level);

struct published_maker;
struct published_maker *published_maker_new(const struct catalogue *catalogue);
void published_maker_free(struct published_maker **maker);
/* The row; its texts are borrowed from the catalogue, figures as text till the next call. */
enum status published_make(struct published_maker *maker, struct figures *figures, struct published_subject subject,
                           uint32_t unit, struct period period, struct published_figure *ret_row, struct fault *why)
    MUST_CHECK;

#endif
