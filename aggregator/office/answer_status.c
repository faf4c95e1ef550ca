/* answer_status.c - `status`: what the aggregator knows of each agent. */
#include "answer.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const columns[] = {"agent",   "connected", "last_seen",  "last_submission",
                                      "backlog", "refused",   "clock_skew", "software"};

/* Milliseconds as seconds with three decimals. */
static void add_seconds(struct table *table, int64_t milliseconds)
{
    char text[DECIMAL_TEXT];
    decimal_format((struct decimal){milliseconds, 3}, text);
    table_add(table, text);
}

enum status answer_status(struct asking *asking)
{
    struct agent_row *agents = NULL;
    size_t count = 0;
    const enum status status = store_agents(asking->office->store, &agents, &count, asking->why);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        table_add(asking->table, agents[i].agent);
        table_add(asking->table, agents[i].connected && !asking->office->offline ? "yes" : "no");
        add_time(asking->table, agents[i].last_seen);
        add_time(asking->table, agents[i].last_submission);
        table_add_number(asking->table, agents[i].backlog);
        table_add_number(asking->table, agents[i].refused);
        add_seconds(asking->table, agents[i].clock_skew_ms);
        table_add(asking->table, agents[i].software);
    }
    free(agents);
    return STATUS_OK;
}
