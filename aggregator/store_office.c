/* store_office.c - what lies beside the ledger for the office: alerts, agents. */
#include "store_inside.h"

/* ---- alerts ------------------------------------------------------------------------------------------------------------ */

static bool read_alert(sqlite3_stmt *statement, void *into)
{
    struct alert_row *row = into;
    row->since = sqlite3_column_int64(statement, 7);
    return store_read_text(statement, 0, row->alert, sizeof row->alert) &&
           store_read_text(statement, 1, row->kind, sizeof row->kind) &&
           store_read_text(statement, 2, row->state, sizeof row->state) &&
           store_read_text(statement, 3, row->severity, sizeof row->severity) &&
           store_read_text(statement, 4, row->subject, sizeof row->subject) &&
           store_read_text(statement, 5, row->unit, sizeof row->unit) &&
           store_read_text(statement, 6, row->office, sizeof row->office) &&
           store_read_text(statement, 8, row->detail, sizeof row->detail) &&
           store_read_text(statement, 9, row->acked_by, sizeof row->acked_by) &&
           store_read_text(statement, 10, row->note, sizeof row->note);
}

enum status store_alerts(struct store *store, struct alert_row **ret_rows, size_t *ret_count, struct fault *why)
{
    void *rows;
    const enum status status = store_all_rows(store, STATEMENT_ALERTS, read_alert, sizeof(struct alert_row),
                                              "alert", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_save_alert(struct store *store, const struct alert_row *row, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_ALERT_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, row->alert);
    store_bind_text(statement, 2, row->kind);
    store_bind_text(statement, 3, row->state);
    store_bind_text(statement, 4, row->severity);
    store_bind_text(statement, 5, row->subject);
    store_bind_text(statement, 6, row->unit);
    store_bind_text(statement, 7, row->office);
    sqlite3_bind_int64(statement, 8, row->since);
    store_bind_text(statement, 9, row->detail);
    store_bind_text(statement, 10, row->acked_by);
    store_bind_text(statement, 11, row->note);
    return store_run(store, statement, why);
}

/* ---- agents ------------------------------------------------------------------------------------------------------------ */

static bool read_agent(sqlite3_stmt *statement, void *into)
{
    struct agent_row *row = into;
    row->connected = sqlite3_column_int(statement, 1) != 0;
    row->last_seen = sqlite3_column_int64(statement, 2);
    row->last_submission = sqlite3_column_int64(statement, 3);
    row->backlog = (uint64_t)sqlite3_column_int64(statement, 4);
    row->refused = (uint64_t)sqlite3_column_int64(statement, 5);
    row->clock_skew_ms = sqlite3_column_int64(statement, 6);
    return store_read_text(statement, 0, row->agent, sizeof row->agent) &&
           store_read_text(statement, 7, row->software, sizeof row->software);
}

enum status store_agents(struct store *store, struct agent_row **ret_rows, size_t *ret_count, struct fault *why)
{
    void *rows;
    const enum status status = store_all_rows(store, STATEMENT_AGENTS, read_agent, sizeof(struct agent_row),
                                              "agent", &rows, ret_count, why);
    if (status == STATUS_OK)
        *ret_rows = rows;
    return status;
}

enum status store_save_agent(struct store *store, const struct agent_row *row, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_AGENT_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, row->agent);
    sqlite3_bind_int(statement, 2, row->connected);
    sqlite3_bind_int64(statement, 3, row->last_seen);
    sqlite3_bind_int64(statement, 4, row->last_submission);
    store_bind_number(statement, 5, row->backlog);
    store_bind_number(statement, 6, row->refused);
    sqlite3_bind_int64(statement, 7, row->clock_skew_ms);
    store_bind_text(statement, 8, row->software);
    return store_run(store, statement, why);
}
