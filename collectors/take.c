/* take.c - the way of one file through the collector, and the way back of rows the aggregator refused. */
#include "take.h"

#include "calendar.h"
#include "check.h"
#include "memory.h"
#include "refused.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- there ------------------------------------------------------------------------------------------------------------ */

/* The reason is written under the name the file will have in refused/, then the file follows. */
static enum status refuse_whole(const struct taker *taker, const char *name, struct taken *taken)
{
    char reason[INBOX_PATH];
    struct fault why = {0};
    enum status status = STATUS_OK;
    taken->outcome = TAKE_REFUSED_WHOLE;
    if (taker->dry_run)
        return STATUS_OK;
    do {
        status = inbox_free_path(taker->inbox, "refused", name, taken->path, &why);
        if (status == STATUS_OK && snprintf(reason, sizeof(reason), "%s.reason.txt", taken->path) >= INBOX_PATH)
            status = STATUS_AGAIN;
        if (status == STATUS_OK)
            status = refused_reason(reason, name, &taken->why, &why);
        if (status == STATUS_OK)
            status = inbox_move(taker->inbox, name, &taken->state, taken->path, &taken->replaced, &why);
    } while (status == STATUS_REFUSED);
    if (status != STATUS_OK) {
        taken->outcome = TAKE_LATER;
        taken->why = why;
    }
    return STATUS_OK;
}

/* Remembers the place, then moves: after a crash between the two the file is still in the inbox and known, and this is
 * done again. */
static enum status move_to_done(const struct taker *taker, const char *name, struct taken *taken, struct fault *why)
{
    enum status status;
    do {
        status = inbox_free_path(taker->inbox, "done", name, taken->path, why);
        if (status == STATUS_OK)
            status = outbox_place(taker->outbox, taken->delivery->hash, taken->path,
                                  taken->refused[0] == '\0' ? NULL : taken->refused, why);
        if (status == STATUS_OK)
            status = inbox_move(taker->inbox, name, &taken->state, taken->path, &taken->replaced, why);
    } while (status == STATUS_REFUSED);
    return status;
}

/* What the outbox or the disk answered, for the program: broken ends it, anything else waits. */
static enum status stopped(struct taken *taken, enum status status, struct fault *why)
{
    taken->outcome = TAKE_STOP;
    if (why != NULL)
        taken->why = *why;
    return status == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
}

static enum status finish_known(const struct taker *taker, const char *name, int64_t taken_at, struct taken *taken,
                                struct fault *why)
{
    char when[TIME_TEXT];
    enum status status;
    taken->outcome = TAKE_KNOWN;
    calendar_format_time(taken_at, when);
    fault_set(&taken->why, MESSAGE_FILE_ALREADY_TAKEN, when, NULL);
    fault_at(&taken->why, taken->delivery->file, 0, NULL);
    if (taker->dry_run)
        return STATUS_OK;
    status = move_to_done(taker, name, taken, why);
    return status == STATUS_OK ? STATUS_OK : stopped(taken, status, why);
}

static struct record *accepted_records(const struct delivery *delivery, size_t *ret_count)
{
    struct record *records = memory_array(delivery->candidate_count, sizeof(*records));
    size_t count = 0;
    for (size_t i = 0; i < delivery->candidate_count; i++)
        if (feed_accepted(&delivery->candidates[i]))
            records[count++] = delivery->candidates[i].record;
    *ret_count = count;
    return records;
}

static void describe(const struct taker *taker, const struct delivery *delivery, int64_t now_ms, size_t refused_rows,
                     struct submission *ret_submission)
{
    *ret_submission = (struct submission){.taken_at = now_ms, .refused_rows = refused_rows};
    memcpy(ret_submission->file, delivery->file, sizeof(ret_submission->file));
    memcpy(ret_submission->hash, delivery->hash, sizeof(ret_submission->hash));
    memcpy(ret_submission->catalogue_hash, taker->catalogue->hash, sizeof(ret_submission->catalogue_hash));
    /* Kinds of sources are words of our own table, far shorter than the space. */
    if (snprintf(ret_submission->source, sizeof(ret_submission->source), "%s", taker->source->kind) < 0)
        ret_submission->source[0] = '\0';
}

static enum status store(const struct taker *taker, const char *name, int64_t now_ms, struct taken *taken,
                         struct fault *why)
{
    struct submission submission;
    enum status status = STATUS_OK;
    struct record *records = accepted_records(taken->delivery, &taken->records);
    taken->outcome = TAKE_TAKEN;
    if (taker->dry_run)
        goto done;
    describe(taker, taken->delivery, now_ms, taken->refused_rows, &submission);
    if (taken->refused_rows > 0)
        status = refused_write(taken->delivery, inbox_folder(taker->inbox), name, taken->refused, why);
    if (status == STATUS_OK)
        status = outbox_take(taker->outbox, taker->catalogue, &submission, records, taken->records, taken->refused,
                             why);
    if (status == STATUS_OK)
        status = move_to_done(taker, name, taken, why);
    if (status != STATUS_OK)
        status = stopped(taken, status, why);
done:
    free(records);
    return status;
}

enum status take_file(const struct taker *taker, const char *name, int64_t now_ms, struct taken *ret_taken,
                      struct fault *why)
{
    char path[INBOX_PATH];
    bool known = false;
    int64_t taken_at = 0;
    enum status status;
    *ret_taken = (struct taken){.outcome = TAKE_LATER};
    if (!inbox_path(taker->inbox, name, path)) {
        fault_set(&ret_taken->why, MESSAGE_CANNOT_READ, name, "path too long", NULL);
        return STATUS_OK;
    }
    if (!inbox_look(taker->inbox, name, &ret_taken->state)) {
        fault_set(&ret_taken->why, MESSAGE_CANNOT_READ, name, strerror(ENOENT), NULL);
        return STATUS_OK;
    }
    status = feed_read(taker->source, taker->catalogue, path, &ret_taken->delivery, &ret_taken->why);
    if (status == STATUS_REFUSED)
        return refuse_whole(taker, name, ret_taken);
    if (status != STATUS_OK)
        return status == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
    status = outbox_knows_file(taker->outbox, ret_taken->delivery->hash, &known, &taken_at, why);
    if (status == STATUS_OK && known)
        return finish_known(taker, name, taken_at, ret_taken, why);
    if (status == STATUS_OK)
        status = check_delivery(ret_taken->delivery, taker->catalogue, taker->outbox, why);
    if (status != STATUS_OK)
        return stopped(ret_taken, status, why);
    ret_taken->refused_rows = feed_refused_rows(ret_taken->delivery);
    return store(taker, name, now_ms, ret_taken, why);
}

/* ---- and back ------------------------------------------------------------------------------------------------------------ */

/* Refusals of one file, gathered until another file's begin. */
struct returning {
    const struct taker *taker;
    struct outbox_origin origin;
    struct delivery *delivery;
    struct refused_row *rows;
    size_t count, capacity;
};

static const struct taker *taker_of(const struct taker *takers, size_t count, const char *path_done)
{
    for (size_t i = 0; i < count; i++) {
        const char *folder = inbox_folder(takers[i].inbox);
        const size_t length = strlen(folder);
        if (strncmp(path_done, folder, length) == 0 && path_done[length] == '/')
            return &takers[i];
    }
    return NULL;
}

/* Row of a line by halving: rows stand in the order of their lines. */
static bool row_of_line(const struct delivery *delivery, int64_t line, uint32_t *ret_row)
{
    size_t low = 0, high = delivery->row_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (delivery->rows[middle].line < line)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_row = (uint32_t)low;
    return low < delivery->row_count && delivery->rows[low].line == line;
}

/* The record of a row, of which there are several in the wide layout. */
static const struct record *record_of_row(const struct delivery *delivery, uint32_t row, size_t *ret_count)
{
    const struct record *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct record *record = &delivery->candidates[i].record;
        if (delivery->candidates[i].row != row || record->element == NO_INDEX || record->unit == NO_INDEX)
            continue;
        found = found == NULL ? record : found;
        (*ret_count)++;
    }
    return found;
}

/* The acknowledgement carries the code alone; the words are the row's own. False: this code has none. */
static bool say_with_the_row(const struct catalogue *catalogue, const struct record *record, size_t records,
                             enum message message, struct fault *ret_fault)
{
    const struct element *element = &catalogue->elements[record->element];
    const struct unit *unit = &catalogue->units[record->unit];
    char period[PERIOD_TEXT], cell[sizeof ret_fault->argument[0]], revision[24];
    int length;
    period_format(record->period, period);
    if (message == MESSAGE_REVISION_CONFLICT) {
        length = snprintf(cell, sizeof cell, "%s%s%s %s", records == 1 ? element->name_zh : "", records == 1 ? " " : "",
                          unit->name_zh, period);
        if (length < 0 || (size_t)length >= sizeof cell ||
            snprintf(revision, sizeof revision, "%" PRIu32, record->revision) < 0)
            return false;
        fault_set(ret_fault, message, cell, revision, NULL);
    } else if (message == MESSAGE_FORBIDDEN) {
        fault_set(ret_fault, message, unit->name_zh, NULL);
    } else if (message == MESSAGE_UNIT_CLOSED) {
        fault_set(ret_fault, message, unit->name_zh, period, NULL);
    } else if (message == MESSAGE_UNKNOWN_UNIT) {
        fault_set(ret_fault, message, unit->code, NULL);
    } else if (message == MESSAGE_UNKNOWN_ELEMENT && records == 1) {
        fault_set(ret_fault, message, element->code, NULL);
    } else
        return false; /* what only the aggregator's catalogue knows */
    return true;
}

static void explain_refusal(const struct returning *work, enum message message, struct refused_row *ret_row)
{
    struct fault own = {0}, fault = {0};
    char inner[sizeof own.argument[0]];
    size_t records;
    const struct record *record = record_of_row(work->delivery, ret_row->row, &records);
    if (record != NULL && say_with_the_row(work->taker->catalogue, record, records, message, &own)) {
        const bool by_catalogue = message != MESSAGE_FORBIDDEN && message != MESSAGE_REVISION_CONFLICT;
        fault_nest(&own, inner, sizeof inner);
        fault_set(&fault, by_catalogue ? MESSAGE_REFUSED_BY_CATALOGUE : MESSAGE_REFUSED_BECAUSE, inner, NULL);
    } else
        fault_set(&fault, MESSAGE_REFUSED_BY_AGGREGATOR, message_code(message), NULL);
    fault_sentence(&fault, LANGUAGE_ZH, ret_row->message, sizeof(ret_row->message));
    if (snprintf(ret_row->code, sizeof(ret_row->code), "%s", message_code(message)) < 0)
        ret_row->code[0] = '\0';
}

static void add_row(struct returning *work, enum message message, int64_t line, struct fault *why)
{
    struct refused_row row = {0};
    if (work->delivery == NULL)
        return;
    if (!row_of_line(work->delivery, line, &row.row)) {
        fault_set(why, MESSAGE_CANNOT_READ, work->origin.path_done, "line", NULL);
        return;
    }
    explain_refusal(work, message, &row);
    /* Several cells of one wide row refused for one reason: the row is given back once. */
    for (size_t i = 0; i < work->count; i++)
        if (work->rows[i].row == row.row && strcmp(work->rows[i].code, row.code) == 0)
            return;
    work->rows = memory_grow(work->rows, &work->capacity, work->count + 1, sizeof(*work->rows));
    work->rows[work->count++] = row;
}

/* Writes what was gathered for one file. The place is remembered first: after a crash between the two the same refusals
 * come again, and find it. */
static enum status flush(struct returning *work, char *ret_path, struct fault *why)
{
    const char *slash = strrchr(work->origin.path_done, '/');
    char *path = work->origin.path_refused;
    enum status status = STATUS_OK;
    if (work->count > 0 && slash != NULL) {
        do {
            if (path[0] == '\0' || status == STATUS_REFUSED)
                status = refused_place(inbox_folder(work->taker->inbox), slash + 1, path, why);
            else
                status = STATUS_OK;
            if (status == STATUS_OK)
                status = outbox_place(work->taker->outbox, work->origin.hash, NULL, path, why);
            if (status == STATUS_OK)
                status = refused_add(work->delivery, work->rows, work->count, path, why);
        } while (status == STATUS_REFUSED);
        if (snprintf(ret_path, INBOX_PATH, "%s", path) < 0)
            ret_path[0] = '\0';
    }
    work->count = 0;
    feed_free(&work->delivery);
    return status;
}

/* Killed after it was taken and before it was moved: it still lies in its inbox, under the name it came with. */
static void look_in_inboxes(struct returning *work, const struct taker *takers, size_t taker_count)
{
    struct inbox_state ignored;
    for (size_t i = 0; i < taker_count && work->origin.path_done[0] == '\0'; i++)
        if (!inbox_look(takers[i].inbox, work->origin.file, &ignored) ||
            !inbox_path(takers[i].inbox, work->origin.file, work->origin.path_done))
            work->origin.path_done[0] = '\0';
}

/* Reads the taken file again for its rows as written. Without it (somebody emptied done/) the rows are told, not
 * written; the aggregator keeps them. */
static void open_origin(struct returning *work, const struct taker *takers, size_t taker_count, struct fault *why)
{
    struct fault trouble = {0};
    look_in_inboxes(work, takers, taker_count);
    work->taker = taker_of(takers, taker_count, work->origin.path_done);
    if (work->taker == NULL) {
        fault_set(why, MESSAGE_CANNOT_READ, work->origin.file, "done/", NULL);
        return;
    }
    if (feed_read(work->taker->source, work->taker->catalogue, work->origin.path_done, &work->delivery, &trouble) !=
        STATUS_OK) {
        if (why != NULL)
            *why = trouble;
        return;
    }
    if (memcmp(work->delivery->hash, work->origin.hash, SEAL_HASH) != 0) {
        fault_set(why, MESSAGE_FILE_CHANGING, work->origin.path_done, NULL);
        feed_free(&work->delivery);
    }
}

enum status take_returned(const struct taker *takers, size_t taker_count, const struct publisher_refusal *refusals,
                          size_t count, char *ret_path, struct fault *why)
{
    struct returning *work = memory_new(struct returning);
    struct outbox_origin *origin = memory_new(struct outbox_origin);
    enum status status = STATUS_OK;
    bool first = true;
    for (size_t i = 0; i < count && status == STATUS_OK && taker_count > 0; i++) {
        const struct publisher_refusal *refusal = &refusals[i];
        struct fault trouble = {0};
        if (outbox_origin(takers[0].outbox, refusal->seq, refusal->index, origin, &trouble) != STATUS_OK) {
            if (why != NULL)
                *why = trouble;
            continue;
        }
        if (first || memcmp(origin->hash, work->origin.hash, SEAL_HASH) != 0) {
            status = flush(work, ret_path, why);
            work->origin = *origin;
            open_origin(work, takers, taker_count, why);
            first = false;
        }
        add_row(work, refusal->message, origin->line, why);
        if (status == STATUS_OK)
            status = outbox_refused_later(takers[0].outbox, refusal->seq, refusal->index, why);
    }
    if (status == STATUS_OK)
        status = flush(work, ret_path, why);
    feed_free(&work->delivery);
    free(work->rows);
    free(work);
    free(origin);
    return status;
}
