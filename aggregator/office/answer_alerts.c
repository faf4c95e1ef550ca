/* answer_alerts.c - `alerts`: the alerts as they stand, judged at the moment of asking so that they are as fresh as the
 * newest batch. A look at another day (--on) judges that day afresh: which goals it would have raised. */
#include "alerts.h"
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const alert_columns[10] = {"alert", "kind", "state", "severity", "subject",
                                       "unit",  "office", "since", "detail", "acked_by"};

/* Behind what was judged stands what was said about it: "actual=24 value=60 note=已督办". */
static void add_detail(struct table *table, const struct alert_row *row)
{
    char text[sizeof row->detail + sizeof row->note + sizeof " note="];
    (void)snprintf(text, sizeof text, "%s%s%s", row->detail, row->note[0] != '\0' ? " note=" : "", row->note);
    table_add(table, text);
}

void add_alert(struct table *table, const struct alert_row *row)
{
    table_add(table, row->alert);
    table_add(table, row->kind);
    table_add(table, row->state);
    table_add(table, row->severity);
    table_add(table, row->subject);
    table_add(table, row->unit);
    table_add(table, row->office[0] != '\0' ? row->office : NULL);
    add_time(table, row->since);
    add_detail(table, row);
    table_add(table, row->acked_by[0] != '\0' ? row->acked_by : NULL);
}

static enum status list_alerts(struct asking *asking)
{
    struct alert_row *stored = NULL, *rows = NULL;
    bool *changed = NULL;
    size_t stored_count = 0, count = 0;
    int32_t on = asking->today;
    int64_t moment = asking->now_ms;
    const bool all = asking_flag(asking, "all");
    enum status status = asking_date(asking, "on", &on);
    if (status == STATUS_OK && on == asking->today)
        status = store_alerts(asking->office->store, &stored, &stored_count, asking->why);
    else if (status == STATUS_OK && !calendar_parse_time(asking_option(asking, "on"), &moment))
        moment = asking->now_ms;
    if (status == STATUS_OK)
        status = alerts_judge(asking->figures, on, moment, stored, stored_count, &rows, &changed, &count, asking->why);
    table_start(asking->table, alert_columns, ARRAY_LEN(alert_columns));
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        if (all || strcmp(rows[i].state, "resolved") != 0)
            add_alert(asking->table, &rows[i]);
    free(stored);
    free(rows);
    free(changed);
    return status;
}

enum status answer_alerts(struct asking *asking)
{
    const char *operand = asking_option(asking, "operand");
    if (operand == NULL) {
        for (size_t i = 0; i < asking->question->option_count; i++)
            if (strcmp(asking->question->options[i].name, "by") == 0 ||
                strcmp(asking->question->options[i].name, "note") == 0) {
                fault_set(asking->why, MESSAGE_ASK_NEEDS_OPTION, "alerts", "ack ID", NULL);
                return STATUS_REFUSED;
            }
        return list_alerts(asking);
    }
    /* The desk of a running aggregator takes acknowledgements before they get here: only it has a writer. */
    if (strncmp(operand, "ack,", 4) == 0) {
        fault_set(asking->why, MESSAGE_ASK_NEEDS_AGGREGATOR, "alerts ack", NULL);
        return STATUS_AGAIN;
    }
    fault_set(asking->why, MESSAGE_ASK_OPERAND, "alerts", operand, NULL);
    return STATUS_REFUSED;
}
