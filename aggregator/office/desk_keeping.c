/* desk_keeping.c - what is checked here and kept by the writer: publications, backups, rows for other programs. Whoever asked
 * is answered when it is kept, or told that it took too long. */
#include "desk_inside.h"

#include "backup.h"
#include "log.h"
#include "publication.h"

#include <string.h>
#include <zmq.h>

#define KEEPING_WAIT_MS 20000

static void fail_publication(struct desk *desk, enum message message, enum status status)
{
    struct fault fault = {.message = MESSAGE_NONE};
    fault_set(&fault, message, desk->publishing.publication.name, NULL);
    desk_send_fault(&desk->publishing.asker, status, &fault);
    desk->publishing.used = false;
}

void desk_publish(struct desk *desk, const struct asker *asker, const struct wire_question *question, int64_t now_ms)
{
    struct waiting_publication *waiting = &desk->publishing;
    struct desk_note note = {.kind = DESK_KEEP_PUBLICATION};
    struct fault fault = {.message = MESSAGE_NONE};
    int64_t as_of = 0;
    enum status status = desk_open_store(desk, &fault);
    if (status == STATUS_OK)
        status = office_publish(desk->office, question, now_ms, desk->key, &note.publication, &as_of, &fault);
    if (status != STATUS_OK) {
        desk_send_failure(desk, asker, status, &fault);
        return;
    }
    if (waiting->used || zmq_send(desk->writer, &note, sizeof note, ZMQ_DONTWAIT) < 0) {
        fault_set(&fault, MESSAGE_PUBLICATION_NOT_KEPT, note.publication.name, NULL);
        desk_send_fault(asker, STATUS_AGAIN, &fault);
        return;
    }
    *waiting = (struct waiting_publication){true, *asker, note.publication, as_of, now_ms + KEEPING_WAIT_MS};
}

void desk_publication_kept(struct desk *desk, const struct publication *publication, bool is_new)
{
    struct answer answer = {.exit_code = 0};
    if (!desk->publishing.used || strcmp(desk->publishing.publication.name, publication->name) != 0)
        return; /* it took too long, the asker was told so */
    if (!is_new) {
        fail_publication(desk, MESSAGE_PUBLICATION_TAKEN, STATUS_REFUSED);
        return;
    }
    log_event(LOG_LEVEL_INFO, "published", "name", publication->name, "note", publication->note, NULL);
    table_start(&answer.table, publication_columns, ARRAY_LEN(publication_columns));
    add_publication(&answer.table, publication, desk->publishing.as_of, "valid");
    desk_send_table(&desk->publishing.asker, &answer);
    answer_free(&answer);
    desk->publishing.used = false;
}

static void fail_backup(struct desk *desk, const struct asker *asker, enum message message, enum status status)
{
    struct fault fault = {.message = MESSAGE_NONE};
    fault_set(&fault, message, desk->settings->store_path, "backup", NULL);
    desk_send_fault(asker, status, &fault);
    if (asker == &desk->backup.asker)
        desk->backup.used = false;
}

void desk_note_backup(struct desk *desk, const struct asker *asker, const struct wire_question *question, int64_t now_ms)
{
    struct desk_note note = {.kind = DESK_KEEP_BACKUP};
    struct fault fault = {.message = MESSAGE_NONE};
    const char *statement = desk_option_of(question, "statement");
    bool holds = false;
    enum status status = desk_begin(desk, &fault);
    if (status == STATUS_OK)
        status = backup_holds(desk->store, statement != NULL ? statement : "", desk->key->public_key.sign, now_ms, &holds,
                              &note.backup, &fault);
    if (desk->store != NULL)
        store_rollback(desk->store);
    if (status != STATUS_OK) {
        desk_send_failure(desk, asker, status, &fault);
    } else if (!holds) {
        fail_backup(desk, asker, MESSAGE_BACKUP_NOT_OURS, STATUS_REFUSED);
    } else if (desk->backup.used || zmq_send(desk->writer, &note, sizeof note, ZMQ_DONTWAIT) < 0) {
        fail_backup(desk, asker, MESSAGE_STORE_BUSY, STATUS_AGAIN);
    } else {
        desk->backup = (struct waiting_backup){true, *asker, note.backup, now_ms + KEEPING_WAIT_MS};
    }
}

void desk_backup_kept(struct desk *desk, const struct backup_mark *mark)
{
    static const char *const noted_columns[] = {"entry", "made_at"};
    struct answer answer = {.exit_code = 0};
    if (!desk->backup.used || desk->backup.mark.entry != mark->entry)
        return; /* it took too long, the asker was told so */
    table_start(&answer.table, noted_columns, ARRAY_LEN(noted_columns));
    table_add_number(&answer.table, mark->entry);
    add_time(&answer.table, mark->made_at);
    desk_send_table(&desk->backup.asker, &answer);
    answer_free(&answer);
    desk->backup.used = false;
}

void desk_hand_over_sheaf(struct desk *desk)
{
    struct desk_note note = {.kind = DESK_KEEP_SHEAF, .sheaf = announcer_sheaf(desk->announcer)};
    if (note.sheaf != NULL && zmq_send(desk->writer, &note, sizeof note, ZMQ_DONTWAIT) < 0)
        announcer_returned(desk->announcer);
}

void desk_expire_keeping(struct desk *desk, int64_t now_ms)
{
    if (desk->publishing.used && now_ms >= desk->publishing.until_ms)
        fail_publication(desk, MESSAGE_PUBLICATION_NOT_KEPT, STATUS_AGAIN);
    if (desk->backup.used && now_ms >= desk->backup.until_ms)
        fail_backup(desk, &desk->backup.asker, MESSAGE_STORE_BUSY, STATUS_AGAIN);
}
