/* examine.h - `suanpan doctor`: what is wrong with an aggregator's machine, keys, store and sockets, and with a collector's
 * files beside it, where they can be compared. Rows check,state,subject,detail,advice. Looks, changes nothing. */
#ifndef AGGREGATOR_OFFICE_EXAMINE_H
#define AGGREGATOR_OFFICE_EXAMINE_H

#include "message.h"
#include "table.h"

#include <stdbool.h>
#include <stdint.h>

struct examine_request {
    const char *config;      /* aggregator.yaml, NULL: only the collector */
    const char *collector;   /* collector.yaml, NULL: only the aggregator */
    enum language language;
    int64_t now_ms;
};

/* *ret_healthy: no row says error. */
void examine(const struct examine_request *request, struct table *ret_table, bool *ret_healthy);

#endif
