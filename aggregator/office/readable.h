/* readable.h - the same rows as people read them on a terminal: names for codes, a measure beside a figure, one sentence for
 * an alert. Programs never get these columns: CSV, JSON and HTTP keep those of the contract. */
#ifndef AGGREGATOR_OFFICE_READABLE_H
#define AGGREGATOR_OFFICE_READABLE_H

#include "answer.h"

/* Turns the rows of asking->table into readable ones, for the commands that have such a form; others stay as they are. */
void readable_rows(struct asking *asking);

/* What an indicator is measured in: "%", or what all its elements are counted in ("人"); "" when there is no such word. In
 * English only what needs no Chinese. */
const char *readable_measure(const struct catalogue *catalogue, const struct indicator *indicator,
                             enum language language);

#endif
