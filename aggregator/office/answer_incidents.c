/* answer_incidents.c - `incidents`: what is missing for good, exactly, so that somebody can have it delivered again. From the
 * registry, where it is proven like the ledger itself (gaps.h); the alerts of the same kinds say what is new. */
#include "answer.h"
#include "gaps.h"

#include <stdlib.h>
#include <string.h>

static const char *const columns[] = {"kind", "agent", "outbox", "from", "to", "entry", "since"};

static void add_gap(struct table *table, const struct registry_row *row, const struct gap *gap)
{
    char outbox[33];
    memcpy(outbox, row->scope, 32); /* as it is written there */
    outbox[32] = '\0';
    table_add(table, strcmp(gap->kind, GAP_KIND) == 0 ? "batches_missing" : "outbox_replaced");
    table_add(table, gap->agent);
    table_add(table, outbox);
    /* An outbox that was replaced may have been empty: then nothing is known to be missing. */
    if (gap->from <= gap->to) {
        table_add_number(table, gap->from);
        table_add_number(table, gap->to);
    } else {
        table_add(table, NULL);
        table_add(table, NULL);
    }
    table_add_number(table, gap->after);
    add_time(table, gap->noted_at);
}

static void add_clock(struct table *table, const struct registry_row *row)
{
    table_add(table, "clock_set_back");
    for (int i = 0; i < 4; i++)
        table_add(table, NULL);
    table_add_number(table, row->after);
    add_time(table, row->seen_at);
}

enum status answer_incidents(struct asking *asking)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    struct gap gap;
    const enum status status = store_registry(asking->office->store, &rows, &count, asking->why);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        if (gap_read(&rows[i], &gap))
            add_gap(asking->table, &rows[i], &gap);
        else if (strcmp(rows[i].kind, GAP_KIND_CLOCK) == 0)
            add_clock(asking->table, &rows[i]);
    }
    free(rows);
    return STATUS_OK;
}
