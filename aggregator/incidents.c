/* incidents.c - see incidents.h. An alert is stored before anybody is told of it; what a transaction that was rolled back
 * wrote waits for the next one. The desk may acknowledge an alert meanwhile, so the stored row is read before it changes. */
#include "incidents.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *severity;
    bool ends_by_word;
} kinds[INCIDENT_KINDS] = {
    [INCIDENT_BATCHES_MISSING] = {"batches_missing", "critical", true},
    [INCIDENT_OUTBOX_REPLACED] = {"outbox_replaced", "warning", true},
    [INCIDENT_OUTBOX_FORKED] = {"outbox_forked", "warning", true},
    [INCIDENT_STORE_BEHIND] = {"store_behind", "critical", true},
    [INCIDENT_TWO_COLLECTORS] = {"two_collectors", "critical", true},
    [INCIDENT_CATALOGUE_NEWER] = {"catalogue_newer", "warning", false},
    [INCIDENT_CLOCK_OFF] = {"clock_off", "warning", false},
    [INCIDENT_CLOCK_SET_BACK] = {"clock_set_back", "warning", true},
};

struct change {
    struct alert_row row;
    bool written;
};

struct incidents {
    struct store *store;
    bool loaded;
    struct alert_row *known; /* those that intake has raised, as it last saw them */
    size_t known_count, known_capacity;
    struct change *changes;
    size_t count, capacity;
    struct alert_row *kept;  /* to be told */
    size_t kept_count, kept_capacity;
};

struct incidents *incidents_new(struct store *store)
{
    struct incidents *incidents = memory_new(struct incidents);
    incidents->store = store;
    return incidents;
}

void incidents_free(struct incidents **incidents)
{
    struct incidents *old = *incidents;
    *incidents = NULL;
    if (old == NULL)
        return;
    free(old->known);
    free(old->changes);
    free(old->kept);
    free(old);
}

bool incident_ends_by_word(const char *kind)
{
    for (size_t i = 0; i < INCIDENT_KINDS; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return kinds[i].ends_by_word;
    return false;
}

static bool is_incident(const char *kind)
{
    for (size_t i = 0; i < INCIDENT_KINDS; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            return true;
    return false;
}

static struct alert_row *find(struct alert_row *rows, size_t count, const char *alert)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].alert, alert) == 0)
            return &rows[i];
    return NULL;
}

static void remember(struct incidents *incidents, const struct alert_row *row)
{
    struct alert_row *known = find(incidents->known, incidents->known_count, row->alert);
    if (known == NULL) {
        incidents->known = memory_grow(incidents->known, &incidents->known_capacity, incidents->known_count + 1,
                                       sizeof *incidents->known);
        known = &incidents->known[incidents->known_count++];
    }
    *known = *row;
}

/* What stands in the store already. Should it not be readable now, the worst is an alert told twice. */
static void load(struct incidents *incidents)
{
    struct alert_row *rows = NULL;
    size_t count = 0;
    if (incidents->loaded || store_alerts(incidents->store, &rows, &count, NULL) != STATUS_OK)
        return;
    for (size_t i = 0; i < count; i++)
        if (is_incident(rows[i].kind))
            remember(incidents, &rows[i]);
    free(rows);
    incidents->loaded = true;
}

/* Later words about the same alert replace earlier ones that were not written yet. */
static void change(struct incidents *incidents, const struct alert_row *row)
{
    size_t i = 0;
    while (i < incidents->count && strcmp(incidents->changes[i].row.alert, row->alert) != 0)
        i++;
    if (i == incidents->count) {
        incidents->changes =
            memory_grow(incidents->changes, &incidents->capacity, incidents->count + 1, sizeof *incidents->changes);
        incidents->count++;
    }
    incidents->changes[i] = (struct change){.row = *row};
    remember(incidents, row);
}

static void name(enum incident_kind kind, const char *agent, char ret_alert[160])
{
    (void)snprintf(ret_alert, 160, "%s.%s", kinds[kind].name, agent);
}

void incidents_raise(struct incidents *incidents, enum incident_kind kind, const char *agent, const char *unit,
                     int64_t now_ms, const char *detail)
{
    struct alert_row row = {.since = now_ms};
    load(incidents);
    name(kind, agent, row.alert);
    (void)snprintf(row.kind, sizeof row.kind, "%s", kinds[kind].name);
    (void)snprintf(row.severity, sizeof row.severity, "%s", kinds[kind].severity);
    (void)snprintf(row.state, sizeof row.state, "open");
    (void)snprintf(row.subject, sizeof row.subject, "%s", agent);
    (void)snprintf(row.unit, sizeof row.unit, "%s", unit);
    (void)snprintf(row.detail, sizeof row.detail, "%s", detail);
    const struct alert_row *known = find(incidents->known, incidents->known_count, row.alert);
    if (known == NULL || strcmp(known->state, "open") != 0 || strcmp(known->detail, row.detail) != 0)
        change(incidents, &row);
}

void incidents_settle(struct incidents *incidents, enum incident_kind kind, const char *agent, int64_t now_ms)
{
    char alert[160];
    load(incidents);
    name(kind, agent, alert);
    const struct alert_row *known = find(incidents->known, incidents->known_count, alert);
    if (known == NULL || strcmp(known->state, "open") != 0)
        return;
    struct alert_row row = *known;
    (void)snprintf(row.state, sizeof row.state, "resolved");
    row.since = now_ms;
    change(incidents, &row);
}

bool incidents_wait(const struct incidents *incidents)
{
    return incidents->count > 0;
}

enum status incidents_save(struct incidents *incidents, struct fault *why)
{
    struct alert_row *stored = NULL;
    size_t count = 0;
    if (incidents->count == 0)
        return STATUS_OK;
    enum status status = store_alerts(incidents->store, &stored, &count, why);
    for (size_t i = 0; i < incidents->count && status == STATUS_OK; i++) {
        struct alert_row *row = &incidents->changes[i].row;
        const struct alert_row *before = find(stored, count, row->alert);
        if (before != NULL && strcmp(row->state, "resolved") == 0) { /* who looked into it stays known */
            memcpy(row->acked_by, before->acked_by, sizeof row->acked_by);
            memcpy(row->note, before->note, sizeof row->note);
        }
        status = store_save_alert(incidents->store, row, why);
        incidents->changes[i].written = status == STATUS_OK;
    }
    free(stored);
    return status;
}

void incidents_kept(struct incidents *incidents)
{
    size_t left = 0;
    for (size_t i = 0; i < incidents->count; i++) {
        if (!incidents->changes[i].written) {
            incidents->changes[left++] = incidents->changes[i];
            continue;
        }
        incidents->kept =
            memory_grow(incidents->kept, &incidents->kept_capacity, incidents->kept_count + 1, sizeof *incidents->kept);
        incidents->kept[incidents->kept_count++] = incidents->changes[i].row;
    }
    incidents->count = left;
}

void incidents_learn(struct incidents *incidents, const struct alert_row *row)
{
    if (is_incident(row->kind))
        remember(incidents, row);
}

bool incidents_next(struct incidents *incidents, struct alert_row *ret_row)
{
    if (incidents->kept_count == 0)
        return false;
    *ret_row = incidents->kept[0];
    incidents->kept_count--;
    memmove(incidents->kept, incidents->kept + 1, incidents->kept_count * sizeof *incidents->kept);
    return true;
}
