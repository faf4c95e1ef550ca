/* published.h - which figures are published as plain rows (plain-sql.md), and how one of them is made.
 *
 * Published are all indicators and elements, for the units of every level that has at most PUBLISHED_UNITS_MOST units, by
 * month, quarter and year: the periods that hold something that was reported. Where nothing is owed there is no row. */
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

/* Nothing is owed there and nothing was reported: no row is made of it. */
static inline bool published_is_void(const struct published_figure *row)
{
    return row->value == NULL && row->reported == 0 && row->expected == 0;
}

/* ---- a sheaf: rows on their way from the desk, which makes them, to the writer, which stores them ------------------------- */

struct published_sheaf {
    bool anew;               /* what is published was of another catalogue: clear it first */
    struct published_figure *figures; /* texts of the catalogue borrowed, figures as text owned */
    size_t figure_count, figure_capacity;
    struct published_report *reports;
    size_t report_count, report_capacity;
    bool with_goals;         /* all goals follow */
    char **goals;            /* PUBLISHED_GOAL_CELLS a goal, owned, NULL where absent */
    size_t goal_count;
    char judged_on[16];
    uint64_t as_of;          /* with these rows all that is published is exact as of this entry; 0: more are coming */
    unsigned char catalogue[32];
    char updated_at[40];
    size_t written;          /* rows stored */
};

void sheaf_free(struct published_sheaf **sheaf);
void sheaf_add_figure(struct published_sheaf *sheaf, const struct published_figure *figure);
void sheaf_add_report(struct published_sheaf *sheaf, const struct published_report *report);
size_t sheaf_rows(const struct published_sheaf *sheaf);
/* Writer: stores up to `most` rows in a transaction of their own; *ret_done when nothing is left. */
enum status sheaf_write(struct published_sheaf *sheaf, struct store *store, size_t most, bool *ret_done,
                        struct fault *why) MUST_CHECK;

#endif
