/* alerts.c - what becomes of the alerts when the goals are judged.
 *
 *   goal_lagging.<goal>   (none) --lagging--> open --met, on_pace, at_risk, missed--> resolved --lagging--> open ...
 *   goal_missed.<goal>    (none) --missed---> open --anything judged but missed-----> resolved --missed---> open ...
 *
 * not_due and no_data judge nothing and change nothing. An acknowledged alert stays open and keeps who acknowledged it; one
 * that opens again is a new matter and must be acknowledged anew. Alerts of goals the catalogue no longer has stay as they
 * are: nobody judged them. */
#include "alerts.h"

#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct alert_kind {
    const char *name, *severity;
    enum goal_status opens;
};

static const struct alert_kind kinds[] = {
    {"goal_lagging", "warning", GOAL_LAGGING},
    {"goal_missed", "critical", GOAL_MISSED},
};

struct alerts {
    struct alert_row *rows;
    bool *changed;
    size_t count, capacity, changed_capacity;
    const struct alert_row **by_name; /* the stored rows, sorted */
    size_t stored_count;
};

/* Only an office can be longer than its place; it is cut at a character. */
static void put(char *ret_text, size_t capacity, const char *text)
{
    const size_t length = text_cut(text, strlen(text), capacity - 1);
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

/* ---- detail ------------------------------------------------------------------------------------------------------------------- */

static void append(char *text, size_t capacity, const char *name, bool present, const mpq_t value, uint8_t decimals,
                   const char *suffix)
{
    char number[RATIO_TEXT];
    const size_t used = strlen(text);
    if (!present || !ratio_fits(value, decimals))
        return;
    ratio_format(value, decimals, number);
    const int length = snprintf(text + used, capacity - used, "%s%s=%s%s", used == 0 ? "" : " ", name, number, suffix);
    if (length < 0 || (size_t)length >= capacity - used)
        text[used] = '\0';
}

/* Figures with names, the same in either language: actual=24 expected=30.5 value=60 attainment=40.0% */
static void describe(const struct catalogue *catalogue, const struct goal *goal, const struct progress *progress,
                     char *ret_text, size_t capacity)
{
    const uint8_t decimals = catalogue->indicators[goal->indicator].decimals;
    const uint8_t finer = decimals < LIMIT_DECIMALS ? (uint8_t)(decimals + 1) : decimals;
    mpq_t value;
    mpq_init(value);
    ratio_set_decimal(value, goal->value);
    ret_text[0] = '\0';
    append(ret_text, capacity, "actual", progress->has_actual, progress->actual, decimals, "");
    append(ret_text, capacity, "expected", progress->has_expected, progress->expected_by_now, finer, "");
    append(ret_text, capacity, "value", true, value, goal->value.scale, "");
    append(ret_text, capacity, "attainment", progress->has_attainment, progress->attainment_pct, 1, "%");
    mpq_clear(value);
}

/* ---- rows --------------------------------------------------------------------------------------------------------------------- */

static int by_alert(const void *one, const void *other)
{
    const struct alert_row *const *left = one, *const *right = other;
    return strcmp((*left)->alert, (*right)->alert);
}

static void take_stored(struct alerts *alerts, const struct alert_row *stored, size_t count)
{
    alerts->rows = memory_grow(NULL, &alerts->capacity, count + 1, sizeof *alerts->rows);
    alerts->changed = memory_grow(NULL, &alerts->changed_capacity, count + 1, sizeof *alerts->changed);
    alerts->by_name = memory_array(count, sizeof *alerts->by_name);
    for (size_t i = 0; i < count; i++) {
        alerts->rows[i] = stored[i];
        alerts->changed[i] = false;
        alerts->by_name[i] = &stored[i];
    }
    alerts->count = alerts->stored_count = count;
    if (count > 1)
        qsort(alerts->by_name, count, sizeof *alerts->by_name, by_alert);
}

/* Index of the alert among the rows, or the count when it was never raised. A goal is judged once, so only stored rows
 * need to be searched. */
static size_t find_row(const struct alerts *alerts, const struct alert_row *stored, const char *alert)
{
    size_t low = 0, high = alerts->stored_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(alerts->by_name[middle]->alert, alert);
        if (order == 0)
            return (size_t)(alerts->by_name[middle] - stored);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return alerts->count;
}

static struct alert_row *add_row(struct alerts *alerts, const char *alert)
{
    alerts->rows = memory_grow(alerts->rows, &alerts->capacity, alerts->count + 1, sizeof *alerts->rows);
    alerts->changed = memory_grow(alerts->changed, &alerts->changed_capacity, alerts->count + 1,
                                  sizeof *alerts->changed);
    struct alert_row *row = &alerts->rows[alerts->count];
    *row = (struct alert_row){0};
    put(row->alert, sizeof row->alert, alert);
    alerts->changed[alerts->count++] = false;
    return row;
}

static void set_state(struct alert_row *row, const char *state, int64_t now_ms)
{
    put(row->state, sizeof row->state, state);
    row->since = now_ms;
}

/* Whose alert it is; follows the catalogue while it is open. */
static void set_subject(struct alert_row *row, const struct alert_kind *kind, const struct catalogue *catalogue,
                        const struct goal *goal)
{
    put(row->kind, sizeof row->kind, kind->name);
    put(row->severity, sizeof row->severity, kind->severity);
    put(row->subject, sizeof row->subject, goal->code);
    put(row->unit, sizeof row->unit,
        goal->unit != NO_INDEX ? catalogue->units[goal->unit].code : catalogue->groups[goal->group].code);
    put(row->office, sizeof row->office, catalogue->indicators[goal->indicator].office);
}

static void judge_kind(struct alerts *alerts, const struct alert_row *stored, const struct alert_kind *kind,
                       const struct catalogue *catalogue, const struct progress *progress, int64_t now_ms)
{
    const struct goal *goal = &catalogue->goals[progress->goal];
    char alert[sizeof stored->alert];
    const int length = snprintf(alert, sizeof alert, "%s.%s", kind->name, goal->code);
    if (length < 0 || (size_t)length >= sizeof alert)
        return; /* codes are bounded well below it */
    const size_t index = find_row(alerts, stored, alert);
    const bool applies = progress->status == kind->opens;
    if (index == alerts->count && !applies)
        return;
    struct alert_row *row = index == alerts->count ? add_row(alerts, alert) : &alerts->rows[index];
    const bool open = row->state[0] != '\0' && strcmp(row->state, "resolved") != 0;
    const struct alert_row was = *row;
    if (applies && !open) {
        row->acked_by[0] = row->note[0] = '\0';
        set_state(row, "open", now_ms);
    } else if (!applies && open) {
        set_state(row, "resolved", now_ms);
    }
    if (applies || open) {
        set_subject(row, kind, catalogue, goal);
        describe(catalogue, goal, progress, row->detail, sizeof row->detail);
    }
    alerts->changed[index] = strcmp(was.state, row->state) != 0 || strcmp(was.detail, row->detail) != 0 ||
                             strcmp(was.office, row->office) != 0 || strcmp(was.unit, row->unit) != 0;
}

enum status alerts_judge(struct figures *figures, int32_t on, int64_t now_ms, const struct alert_row *stored,
                         size_t stored_count, struct alert_row **ret_rows, bool **ret_changed, size_t *ret_count,
                         struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    struct alerts alerts = {0};
    struct progress progress;
    enum status status = STATUS_OK;
    progress_init(&progress);
    take_stored(&alerts, stored, stored_count);
    for (uint32_t goal = 0; goal < catalogue->goal_count && status == STATUS_OK; goal++) {
        status = progress_judge(figures, goal, on, false, &progress, why);
        if (status != STATUS_OK || progress.status == GOAL_NOT_DUE || progress.status == GOAL_NO_DATA)
            continue;
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            judge_kind(&alerts, stored, &kinds[i], catalogue, &progress, now_ms);
    }
    progress_clear(&progress);
    free(alerts.by_name);
    if (status != STATUS_OK) {
        free(alerts.rows);
        free(alerts.changed);
        return status;
    }
    *ret_rows = alerts.rows;
    *ret_changed = alerts.changed;
    *ret_count = alerts.count;
    return STATUS_OK;
}
