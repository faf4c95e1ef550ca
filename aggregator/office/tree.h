/* tree.h - an answer whose first column is `depth`, printed for people: one line a row, branches drawn. */
#ifndef AGGREGATOR_OFFICE_TREE_H
#define AGGREGATOR_OFFICE_TREE_H

#include "table.h"

bool table_is_tree(const struct table *table);
bool tree_print(const struct table *table, enum language language, FILE *out);

#endif
