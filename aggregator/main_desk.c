/* main_desk.c - notes between the writer and the desk (desk.h): what the desk is told, and what it hands over to be kept.
 *
 * The desk hears that something is kept only after it is: what a subscriber or an asker was told, no crash takes back. A
 * full disk lets all of it wait; meanwhile the collectors' messages are answered as ever. */
#include "main_inside.h"

#include "backup.h"
#include "clock.h"
#include "log.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum {
    NOTES_A_PASS = 256,
    SHEAF_ROWS = 128,    /* published rows a transaction: a millisecond or two */
    SHEAF_WAIT_MS = 500, /* so long they wait for a moment without batches, ... */
    SHEAF_PAUSE_MS = 50, /* ... then one transaction so often */
};

void main_add_alert(struct program *program, const struct alert_row *row)
{
    program->alerts =
        memory_grow(program->alerts, &program->alert_capacity, program->alert_count + 1, sizeof *program->alerts);
    program->alerts[program->alert_count++] = *row;
}

void main_tell_committed(struct program *program)
{
    const struct desk_note note = {.kind = DESK_COMMITTED, .entry = program->committed_owed};
    if (program->committed_owed != 0 && zmq_send(program->notes, &note, sizeof note, ZMQ_DONTWAIT) >= 0)
        program->committed_owed = 0;
}

void main_tell_incidents(struct program *program)
{
    program->incident.kind = DESK_KEPT_ALERT;
    for (;;) {
        program->incident_owed = program->incident_owed || intake_alert(program->intake, &program->incident.alert);
        if (!program->incident_owed ||
            zmq_send(program->notes, &program->incident, sizeof program->incident, ZMQ_DONTWAIT) < 0)
            return; /* what did not fit goes with the next pass */
        program->incident_owed = false;
    }
}

void main_take_notes(struct program *program)
{
    struct desk_note note;
    for (int i = 0; i < NOTES_A_PASS && program->alert_count < ALERTS_MOST; i++) {
        if (zmq_recv(program->notes, &note, sizeof note, ZMQ_DONTWAIT) != (int)sizeof note)
            return;
        if (note.kind == DESK_KEEP_PUBLICATION && !program->publishes) { /* the desk has one at a time */
            program->publication = note.publication;
            program->publishes = true;
        }
        if (note.kind == DESK_KEEP_BACKUP) { /* a newer one covers an older one */
            program->backup = note.backup;
            program->backs_up = true;
        }
        if (note.kind == DESK_KEEP_SHEAF) { /* the desk has one at a time */
            program->sheaf = note.sheaf;
            program->sheaf_stored = false;
            program->sheaf_at = clock_ms(CLOCK_REALTIME) + SHEAF_WAIT_MS;
        }
        if (note.kind != DESK_KEEP_ALERT)
            continue;
        main_add_alert(program, &note.alert);
    }
}

static enum status end_transaction(struct program *program, enum status status, struct fault *why)
{
    if (status == STATUS_OK)
        status = store_commit(program->store, why);
    if (status != STATUS_OK)
        store_rollback(program->store);
    return status;
}

/* Only a broken store stops the program; a full disk lets what is to be kept wait until *ret_retry_at. */
static enum status wait_for_disk(const char *event, enum status status, int64_t now_ms, int64_t *ret_retry_at,
                                 const struct fault *why)
{
    if (status == STATUS_BROKEN)
        return status;
    log_fault(LOG_LEVEL_WARN, event, why);
    *ret_retry_at = now_ms + LOOK_MS;
    return STATUS_OK;
}

/* Alerts are published by the desk only after they are stored: a subscriber never sees one that a crash takes back. */
enum status main_keep_alerts(struct program *program, int64_t now_ms, struct fault *why)
{
    if (program->alerts_stored == program->alert_count || now_ms < program->alerts_at)
        return STATUS_OK;
    enum status status = store_begin(program->store, why);
    for (size_t i = program->alerts_stored; status == STATUS_OK && i < program->alert_count; i++)
        status = store_save_alert(program->store, &program->alerts[i], why);
    status = end_transaction(program, status, why);
    if (status != STATUS_OK)
        return wait_for_disk("alerts_wait", status, now_ms, &program->alerts_at, why);
    for (size_t i = program->alerts_stored; i < program->alert_count; i++)
        intake_alert_stored(program->intake, &program->alerts[i]);
    program->alerts_stored = program->alert_count;
    return STATUS_OK;
}

void main_tell_kept(struct program *program)
{
    size_t told = 0;
    for (; told < program->alerts_stored; told++) {
        struct desk_note note = {.kind = DESK_KEPT_ALERT, .alert = program->alerts[told]};
        if (zmq_send(program->notes, &note, sizeof note, ZMQ_DONTWAIT) < 0)
            break;
    }
    if (told == 0)
        return;
    memmove(program->alerts, program->alerts + told, (program->alert_count - told) * sizeof *program->alerts);
    program->alert_count -= told;
    program->alerts_stored -= told;
}

/* A full disk lets it wait; should the asker be gone by then, it is published all the same. */
enum status main_keep_publication(struct program *program, int64_t now_ms, struct fault *why)
{
    struct desk_note note = {.kind = DESK_KEPT_PUBLICATION, .publication = program->publication};
    bool added = false;
    enum status status;
    if (!program->publishes || now_ms < program->alerts_at)
        return STATUS_OK;
    status = store_begin(program->store, why);
    if (status == STATUS_OK)
        status = store_add_publication(program->store, &program->publication, &added, why);
    status = end_transaction(program, status, why);
    if (status != STATUS_OK)
        return wait_for_disk("publication_waits", status, now_ms, &program->alerts_at, why);
    note.entry = added ? program->publication.entry : 0;
    program->publishes = false;
    (void)zmq_send(program->notes, &note, sizeof note, ZMQ_DONTWAIT); /* else it is listed by `publications` */
    return STATUS_OK;
}

/* From now on collectors are told that they need not hold longer what is in this backup. */
enum status main_keep_backup(struct program *program, int64_t now_ms, struct fault *why)
{
    struct desk_note note = {.kind = DESK_KEPT_BACKUP, .backup = program->backup};
    char entry[24];
    if (!program->backs_up || now_ms < program->alerts_at)
        return STATUS_OK;
    const enum status status = backup_note(program->store, &program->backup, why);
    if (status != STATUS_OK)
        return wait_for_disk("backup_note_waits", status, now_ms, &program->alerts_at, why);
    program->backs_up = false;
    intake_backed(program->intake, program->backup.entry);
    (void)snprintf(entry, sizeof entry, "%" PRIu64, program->backup.entry);
    log_event(LOG_LEVEL_INFO, "backup_noted", "entry", entry, NULL);
    (void)zmq_send(program->notes, &note, sizeof note, ZMQ_DONTWAIT); /* else the asker is told that it took too long */
    return STATUS_OK;
}

/* Rows for other programs. They can wait, batches cannot: a small transaction of their own in a quiet moment. */
enum status main_keep_sheaf(struct program *program, bool is_busy, int64_t now_ms, struct fault *why)
{
    enum status status = STATUS_OK;
    if (program->sheaf == NULL || (is_busy && now_ms < program->sheaf_at) || now_ms < program->sheaf_retry_at)
        return STATUS_OK;
    if (!program->sheaf_stored)
        status = sheaf_write(program->sheaf, program->store, SHEAF_ROWS, &program->sheaf_stored, why);
    program->sheaf_at = now_ms + SHEAF_PAUSE_MS;
    if (status != STATUS_OK)
        return wait_for_disk("published_rows_wait", status, now_ms, &program->sheaf_retry_at, why);
    struct desk_note note = {.kind = DESK_KEPT_SHEAF, .sheaf = program->sheaf};
    if (program->sheaf_stored && zmq_send(program->notes, &note, sizeof note, ZMQ_DONTWAIT) >= 0)
        program->sheaf = NULL;
    return STATUS_OK;
}

void main_stop_desk(struct program *program)
{
    const struct desk_note note = {.kind = DESK_STOP};
    if (program->desk == NULL)
        return;
    if (zmq_send(program->notes, &note, sizeof note, ZMQ_DONTWAIT) < 0)
        log_event(LOG_LEVEL_WARN, "desk_not_told", "reason", zmq_strerror(zmq_errno()), NULL);
    desk_stop(&program->desk);
    program->sheaf = NULL; /* was the desk's */
}
