/* main_take.c - the first stretch of the way: the complete files of every inbox are taken one after another (take.h), and
 * the log, or with --dry-run the screen, says what became of each. */
#include "main_inside.h"

#include "feed.h"
#include "log.h"
#include "memory.h"
#include "take.h"

#include <stdio.h>
#include <stdlib.h>

#define TAKE_AGAIN_MS 2000 /* after a full disk, or for a file that could not be read */

/* ---- what became of a file ------------------------------------------------------------------------------------- */

static void log_notes(const struct taken *taken)
{
    for (size_t i = 0; taken->delivery != NULL && i < taken->delivery->note_count; i++)
        log_fault(LOG_LEVEL_INFO, "file_note", &taken->delivery->notes[i]);
}

static void log_taken(const char *name, const struct taken *taken)
{
    char file[256], records[24], refused[24];
    feed_display_name(name, file);
    main_number(taken->records, records);
    main_number(taken->refused_rows, refused);
    log_event(taken->refused_rows > 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "file_taken", "file", file, "records", records,
              "refused", refused, "refused_file", taken->refused, NULL);
}

static void log_superseded(const struct collector *collector)
{
    char records[24];
    const size_t count = main_given(collector, OPTION_DRY_RUN) ? 0 : outbox_superseded(collector->outbox);
    if (count == 0)
        return;
    main_number(count, records);
    log_event(LOG_LEVEL_WARN, "superseded_left_out", "records", records, "detail",
              "the file was lost once; later files have other figures for these", NULL);
}

/* With --dry-run nothing is written, so what would be refused is printed. */
static void print_judged(const struct taken *taken)
{
    const struct delivery *delivery = taken->delivery;
    for (size_t i = 0; delivery != NULL && i < delivery->candidate_count; i++)
        for (uint32_t at = delivery->candidates[i].complaint; at != NO_COMPLAINT; at = delivery->complaints[at].next)
            printf("%s:%lld: %s: %s\n", delivery->file, (long long)feed_line(delivery, &delivery->candidates[i]),
                   message_code(delivery->complaints[at].message), delivery->complaints[at].text);
}

static void report_taken(struct collector *collector, const char *name, const struct taken *taken)
{
    log_notes(taken);
    if (taken->replaced) {
        char file[256];
        feed_display_name(name, file);
        log_event(LOG_LEVEL_WARN, "file_replaced_meanwhile", "file", file, "detail", "what took its place is read next", NULL);
    }
    switch (taken->outcome) {
    case TAKE_TAKEN:
        log_taken(name, taken);
        log_superseded(collector);
        collector->refused_rows += taken->refused_rows;
        main_remember_refused(collector, taken->refused);
        if (main_given(collector, OPTION_DRY_RUN))
            print_judged(taken);
        break;
    case TAKE_KNOWN:
        log_fault(LOG_LEVEL_WARN, "file_already_taken", &taken->why);
        break;
    case TAKE_REFUSED_WHOLE:
        log_fault(LOG_LEVEL_WARN, "file_refused", &taken->why);
        collector->refused_files++;
        main_remember_refused(collector, taken->path);
        break;
    case TAKE_LATER:
        log_fault(LOG_LEVEL_WARN, "file_later", &taken->why);
        break;
    case TAKE_STOP:
        log_fault(LOG_LEVEL_ERROR, "taking_paused", &taken->why);
        break;
    }
}

/* ---- the files of the inboxes ---------------------------------------------------------------------------------- */

/* Takes one file and says what became of it. *ret_gone when it left the inbox. */
static enum status take_one(struct collector *collector, size_t which, const char *name, bool *ret_gone,
                            struct fault *why)
{
    struct taken *taken = memory_new(struct taken);
    const enum status status = take_file(&collector->takers[which], name, main_now_ms(), taken, why);
    if (status == STATUS_OK)
        report_taken(collector, name, taken);
    if (taken->outcome == TAKE_STOP) {
        collector->take_after_ms = main_now_ms() + TAKE_AGAIN_MS;
        if (collector->retain != NULL)
            retain_disk_full(collector->retain);
    }
    if (taken->outcome == TAKE_LATER)
        inbox_postpone(collector->inboxes[which], name, main_now_ms() + TAKE_AGAIN_MS);
    *ret_gone = taken->outcome != TAKE_STOP && taken->outcome != TAKE_LATER;
    feed_free(&taken->delivery);
    free(taken);
    return status;
}

/* Quota or disk: files stay in their inboxes, which is said, and everything else goes on. */
static bool may_take(struct collector *collector)
{
    struct fault why = {0};
    if (main_now_ms() < collector->take_after_ms)
        return false;
    if (collector->retain == NULL || retain_has_room(collector->retain, &why))
        return true;
    collector->take_after_ms = main_now_ms() + TAKE_AGAIN_MS;
    log_fault(LOG_LEVEL_WARN, "taking_paused", &why);
    return false;
}

/* Takes the complete files of one inbox, delivering in between. *ret_any when there were some. */
static enum status take_inbox(struct collector *collector, size_t which, bool *ret_any, struct fault *why)
{
    const struct inbox_file *files = NULL;
    size_t count = 0, gone = 0;
    const bool at_once = main_given(collector, OPTION_ONCE) || main_given(collector, OPTION_DRY_RUN);
    enum status status = inbox_scan(collector->inboxes[which], main_now_ms(), at_once, &files, &count, why);
    if (status == STATUS_AGAIN) {
        log_fault(LOG_LEVEL_ERROR, "inbox_unreadable", why);
        return STATUS_OK;
    }
    for (size_t i = 0; i < count && status == STATUS_OK && !main_is_stopping() && may_take(collector); i++) {
        bool is_gone = false;
        status = take_one(collector, which, files[i].name, &is_gone, why);
        gone += is_gone ? 1 : 0;
        if (status == STATUS_OK)
            status = main_deliver(collector, why);
    }
    *ret_any = *ret_any || gone > 0;
    collector->left[which] = count - gone + inbox_waiting(collector->inboxes[which]);
    return status;
}

size_t main_files_left(const struct collector *collector)
{
    size_t left = 0;
    for (size_t i = 0; i < collector->settings.source_count; i++)
        left += collector->left[i];
    return left;
}

enum status main_take_all(struct collector *collector, bool *ret_any, struct fault *why)
{
    enum status status = STATUS_OK;
    *ret_any = false;
    for (size_t i = 0; i < collector->settings.source_count && status == STATUS_OK && !main_is_stopping(); i++)
        if (main_now_ms() >= inbox_due(collector->inboxes[i]) && main_now_ms() >= collector->take_after_ms)
            status = take_inbox(collector, i, ret_any, why);
    return status;
}
