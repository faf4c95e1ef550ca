/* alarms.c - see alarms.h. Connections are rare and alerts few, so the stored ones are read each time. */
#include "alarms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *kind, *severity; } kinds[ALARMS_ROWS] = {
    {"ledger_contradicted", "critical"},
    {"ledger_restored", "warning"},
};

static size_t kind_of(enum checkpoint_verdict verdict)
{
    return checkpoint_is_replaced(verdict) ? 1 : 0;
}

static bool is_open(const struct alert_row *row)
{
    return row->state[0] != '\0' && strcmp(row->state, "resolved") != 0;
}

static bool is_alarm_of_another(const struct alert_row *row, const char *agent)
{
    return strcmp(row->subject, agent) != 0 &&
           (strcmp(row->kind, kinds[0].kind) == 0 || strcmp(row->kind, kinds[1].kind) == 0);
}

static void set_state(struct alert_row *row, const char *state, int64_t now_ms)
{
    (void)snprintf(row->state, sizeof row->state, "%s", state);
    row->since = now_ms;
}

/* True when the row is another one now. */
static bool raise_alarm(struct alert_row *row, size_t kind, const char *agent, const char *unit, const char *detail,
                        int64_t now_ms)
{
    if (is_open(row) && strcmp(row->detail, detail) == 0)
        return false;
    if (!is_open(row)) {
        row->acked_by[0] = row->note[0] = '\0';
        set_state(row, "open", now_ms);
    }
    (void)snprintf(row->kind, sizeof row->kind, "%s", kinds[kind].kind);
    (void)snprintf(row->severity, sizeof row->severity, "%s", kinds[kind].severity);
    (void)snprintf(row->subject, sizeof row->subject, "%s", agent);
    (void)snprintf(row->unit, sizeof row->unit, "%s", unit);
    (void)snprintf(row->detail, sizeof row->detail, "%s", detail);
    return true;
}

enum status alarms_judge(struct store *store, const char *agent, uint64_t kept, enum checkpoint_verdict verdict,
                         const char *unit, int64_t now_ms, struct alert_row ret_rows[ALARMS_ROWS], size_t *ret_count,
                         bool *ret_stand, struct fault *why)
{
    struct alert_row *stored = NULL;
    size_t stored_count = 0;
    uint64_t head = 0;
    char detail[sizeof ret_rows->detail];
    enum status status = store_alerts(store, &stored, &stored_count, why);
    if (status == STATUS_OK)
        status = store_head(store, &head, NULL, NULL, why);
    *ret_count = 0;
    *ret_stand = false;
    for (size_t i = 0; status == STATUS_OK && i < stored_count; i++)
        *ret_stand = *ret_stand || (is_alarm_of_another(&stored[i], agent) && is_open(&stored[i]));
    (void)snprintf(detail, sizeof detail, "kept=%" PRIu64 " ledger=%" PRIu64 " reason=%s", kept, head,
                   message_code(checkpoint_message(verdict)));
    for (size_t kind = 0; status == STATUS_OK && kind < ALARMS_ROWS; kind++) {
        struct alert_row row = {.since = 0};
        (void)snprintf(row.alert, sizeof row.alert, "%s.%s", kinds[kind].kind, agent);
        for (size_t i = 0; i < stored_count; i++)
            if (strcmp(stored[i].alert, row.alert) == 0)
                row = stored[i];
        bool changed = false;
        if (checkpoint_is_alarm(verdict) && kind_of(verdict) == kind) {
            changed = raise_alarm(&row, kind, agent, unit, detail, now_ms);
        } else if (!checkpoint_is_alarm(verdict) && is_open(&row)) {
            set_state(&row, "resolved", now_ms);
            changed = true;
        }
        *ret_stand = *ret_stand || is_open(&row);
        if (changed)
            ret_rows[(*ret_count)++] = row;
    }
    free(stored);
    return status;
}
