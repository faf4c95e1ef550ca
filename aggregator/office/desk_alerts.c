/* desk_alerts.c - the alerts as they stand: judged here, kept by the writer, and only then told to the world.
 *
 *   judged or acknowledged ─> TO_KEEP ─> HANDED_OVER to the writer ─> KEPT: published, and whoever acknowledged it is answered
 */
#include "desk_inside.h"

#include "alerts.h"
#include "calendar.h"
#include "incidents.h"
#include "log.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define KEEP_AGAIN_MS 5000 /* an alert the writer did not confirm is handed over again */
#define ACK_WAIT_MS 8000

static struct standing *find_alert(struct desk *desk, const char *alert)
{
    for (size_t i = 0; i < desk->alert_count; i++)
        if (strcmp(desk->alerts[i].row.alert, alert) == 0)
            return &desk->alerts[i];
    return NULL;
}

void desk_hand_over_alerts(struct desk *desk, int64_t now_ms)
{
    for (size_t i = 0; i < desk->alert_count; i++) {
        struct standing *standing = &desk->alerts[i];
        const bool again = standing->keeping == HANDED_OVER && now_ms - standing->handed_over_ms > KEEP_AGAIN_MS;
        struct desk_note note = {.kind = DESK_KEEP_ALERT};
        if (standing->keeping != TO_KEEP && !again)
            continue;
        note.alert = standing->row;
        if (zmq_send(desk->writer, &note, sizeof note, ZMQ_DONTWAIT) < 0)
            return;
        standing->keeping = HANDED_OVER;
        standing->handed_over_ms = now_ms;
    }
}

/* The new rows replace the old; what was on its way to the writer stays so. */
static void take_rows(struct desk *desk, const struct alert_row *rows, const bool *changed, size_t count)
{
    struct standing *alerts = memory_array(count, sizeof *alerts);
    for (size_t i = 0; i < count; i++) {
        /* Judging keeps the order of what it was given and adds at the end. */
        const bool same = i < desk->alert_count && strcmp(desk->alerts[i].row.alert, rows[i].alert) == 0;
        const struct standing *before = same ? &desk->alerts[i] : find_alert(desk, rows[i].alert);
        alerts[i].row = rows[i];
        alerts[i].keeping = before != NULL ? before->keeping : KEPT;
        alerts[i].handed_over_ms = before != NULL ? before->handed_over_ms : 0;
        if (changed != NULL && changed[i])
            alerts[i].keeping = TO_KEEP;
    }
    free(desk->alerts);
    desk->alerts = alerts;
    desk->alert_count = count;
}

static enum status load_alerts(struct desk *desk, struct fault *why)
{
    struct alert_row *rows = NULL;
    size_t count = 0;
    enum status status;
    if (desk->alerts_loaded)
        return STATUS_OK;
    status = store_alerts(desk->store, &rows, &count, why);
    if (status == STATUS_OK)
        take_rows(desk, rows, NULL, count);
    desk->alerts_loaded = status == STATUS_OK;
    free(rows);
    return status;
}

static enum status judge_goals(struct desk *desk, int32_t today, int64_t now_ms, struct fault *why)
{
    struct alert_row *stored = NULL, *rows = NULL;
    bool *changed = NULL;
    size_t count = 0;
    enum status status = load_alerts(desk, why);
    if (status == STATUS_OK)
        status = abacus_follow(desk->office->abacus, UINT64_MAX, why);
    if (status != STATUS_OK)
        return status;
    stored = memory_array(desk->alert_count, sizeof *stored);
    for (size_t i = 0; i < desk->alert_count; i++)
        stored[i] = desk->alerts[i].row;
    status = alerts_judge(desk->office->figures, today, now_ms, stored, desk->alert_count, &rows, &changed, &count,
                          why);
    if (status == STATUS_OK)
        take_rows(desk, rows, changed, count);
    free(stored);
    free(rows);
    free(changed);
    return status;
}

enum status desk_judge(struct desk *desk, int32_t today, int64_t now_ms, struct fault *why)
{
    const enum status status = desk_begin(desk, why);
    return status == STATUS_OK ? desk_end(desk, judge_goals(desk, today, now_ms, why), why) : status;
}

static void log_alert(const struct alert_row *row)
{
    log_event(LOG_LEVEL_INFO, "alert", "alert", row->alert, "state", row->state, "severity", row->severity, "unit",
              row->unit, "office", row->office, "detail", row->detail, NULL);
}

/* One that the writer raised by itself (alarms.h, incidents.h). An acknowledgement that is on its way to it is not lost. */
static void take_alarm(struct desk *desk, struct standing *standing, const struct alert_row *row)
{
    if (standing == NULL) {
        struct standing *alerts = memory_array(desk->alert_count + 1, sizeof *alerts);
        if (desk->alert_count > 0)
            memcpy(alerts, desk->alerts, desk->alert_count * sizeof *alerts);
        free(desk->alerts);
        desk->alerts = alerts;
        standing = &alerts[desk->alert_count++];
        standing->keeping = KEPT;
    }
    struct alert_row fresh = *row;
    if (standing->keeping == TO_KEEP) {
        memcpy(fresh.acked_by, standing->row.acked_by, sizeof fresh.acked_by);
        memcpy(fresh.note, standing->row.note, sizeof fresh.note);
    }
    standing->row = fresh;
}

static bool check_ack(const struct wire_question *question, struct fault *why)
{
    const char *by = desk_option_of(question, "by"), *note = desk_option_of(question, "note");
    const struct alert_row *row = NULL;
    char most[16];
    if (by == NULL || by[0] == '\0' || note == NULL || note[0] == '\0' ||
        strlen(desk_option_of(question, "operand")) <= strlen("ack,")) {
        fault_set(why, MESSAGE_ASK_NEEDS_OPTION, "alerts ack", "ID --by WHO --note TEXT", NULL);
        return false;
    }
    if (strlen(by) < sizeof row->acked_by && strlen(note) < sizeof row->note)
        return true;
    (void)snprintf(most, sizeof most, "%zu", sizeof row->note - 1);
    fault_set(why, MESSAGE_TOO_LARGE, "--by / --note", most, NULL);
    return false;
}

/* The open alert of the same goal, when the one asked for does not stand today; "" when there is none. */
static const char *same_subject_today(const struct desk *desk, const char *alert)
{
    const char *dot = strchr(alert, '.');
    for (size_t i = 0; dot != NULL && i < desk->alert_count; i++) {
        const struct alert_row *row = &desk->alerts[i].row;
        if (strcmp(row->subject, dot + 1) == 0 && strcmp(row->state, "resolved") != 0)
            return row->alert;
    }
    return "";
}

void desk_acknowledge(struct desk *desk, const struct asker *asker, const struct wire_question *question,
                        int64_t now_ms)
{
    struct fault fault = {.message = MESSAGE_NONE};
    struct standing *standing;
    struct waiting_ack *ack = NULL;
    const char *alert;
    enum status status;
    if (!check_ack(question, &fault)) {
        desk_send_fault(asker, STATUS_REFUSED, &fault);
        return;
    }
    alert = desk_option_of(question, "operand") + strlen("ack,");
    /* `alerts` judges when it is asked, so what it listed may be newer than what was judged here last. */
    status = desk_judge(desk, calendar_local_day(now_ms), now_ms, &fault);
    if (status != STATUS_OK) {
        desk_send_failure(desk, asker, status, &fault);
        return;
    }
    standing = find_alert(desk, alert);
    if (standing != NULL && standing->row.acked_by[0] != '\0' &&
        strcmp(standing->row.acked_by, desk_option_of(question, "by")) != 0) {
        fault_set(&fault, MESSAGE_ASK_ALERT_ACKED, alert, standing->row.acked_by, standing->row.note, NULL);
        desk_send_fault(asker, STATUS_REFUSED, &fault);
        return;
    }
    for (size_t i = 0; i < ACKS_MOST && ack == NULL; i++)
        ack = desk->acks[i].used ? NULL : &desk->acks[i];
    if (standing == NULL || ack == NULL) {
        fault_set(&fault, standing == NULL ? MESSAGE_ASK_UNKNOWN_ALERT : MESSAGE_ASK_NOT_KEPT, alert,
                  standing == NULL ? same_subject_today(desk, alert) : NULL, NULL);
        desk_send_fault(asker, standing == NULL ? STATUS_REFUSED : STATUS_AGAIN, &fault);
        return;
    }
    (void)snprintf(standing->row.acked_by, sizeof standing->row.acked_by, "%s", desk_option_of(question, "by"));
    (void)snprintf(standing->row.note, sizeof standing->row.note, "%s", desk_option_of(question, "note"));
    if (incident_ends_by_word(standing->row.kind)) {
        (void)snprintf(standing->row.state, sizeof standing->row.state, "resolved");
        standing->row.since = now_ms;
    }
    standing->keeping = TO_KEEP;
    *ack = (struct waiting_ack){.used = true, .asker = *asker, .until_ms = now_ms + ACK_WAIT_MS};
    (void)snprintf(ack->alert, sizeof ack->alert, "%s", alert);
}

void desk_alert_kept(struct desk *desk, const struct alert_row *row)
{
    struct standing *standing = find_alert(desk, row->alert);
    if (standing != NULL && standing->keeping == HANDED_OVER)
        standing->keeping = KEPT;
    else
        take_alarm(desk, standing, row);
    log_alert(row);
    announcer_alert(desk->announcer, row);
    for (size_t i = 0; i < ACKS_MOST; i++) {
        struct waiting_ack *ack = &desk->acks[i];
        struct answer answer = {.exit_code = 0};
        if (!ack->used || strcmp(ack->alert, row->alert) != 0 || row->acked_by[0] == '\0')
            continue;
        table_start(&answer.table, alert_columns, ARRAY_LEN(alert_columns));
        add_alert(&answer.table, row);
        desk_send_table(&ack->asker, &answer);
        answer_free(&answer);
        ack->used = false;
    }
}

void desk_expire_acks(struct desk *desk, int64_t now_ms)
{
    for (size_t i = 0; i < ACKS_MOST; i++) {
        struct waiting_ack *ack = &desk->acks[i];
        struct fault fault = {.message = MESSAGE_NONE};
        if (!ack->used || now_ms < ack->until_ms)
            continue;
        fault_set(&fault, MESSAGE_ASK_NOT_KEPT, ack->alert, NULL);
        desk_send_fault(&ack->asker, STATUS_AGAIN, &fault);
        ack->used = false;
    }
}
