/* main_deliver.c - the second stretch: what is due goes to the aggregator (publisher.h), what it refused is written beside
 * its file, what need not be kept is let go, and what is lost or does not move is said. */
#include "main_inside.h"

#include "log.h"
#include "take.h"

/* ---- what is lost ---------------------------------------------------------------------------------------------- */

static void count_lost(void *context, const char *file, const char *path_done)
{
    struct collector *collector = context;
    (void)file, (void)path_done;
    collector->lost_files++;
}

static void log_lost(void *context, const char *file, const char *path_done)
{
    count_lost(context, file, path_done);
    log_event(LOG_LEVEL_ERROR, "file_lost", "file", file, "lies_in", path_done, NULL);
}

enum status main_name_lost(struct collector *collector, struct fault *why)
{
    collector->lost_files = 0;
    return outbox_lost_files(collector->outbox, log_lost, collector, why);
}

size_t main_still_lost(struct collector *collector)
{
    if (collector->lost_files == 0)
        return 0;
    collector->lost_files = 0;
    return outbox_lost_files(collector->outbox, count_lost, collector, NULL) == STATUS_OK ? collector->lost_files : 1;
}

/* ---- delivering ------------------------------------------------------------------------------------------------ */

/* Why delivery stands still is told once, not at every turn of the loop. */
static void tell_trouble(struct collector *collector)
{
    struct fault trouble = {0};
    const bool troubled = publisher_trouble(collector->publisher, &trouble);
    if (troubled && (!collector->trouble_told || trouble.message != collector->last_trouble))
        log_fault(LOG_LEVEL_WARN, "delivery_stands", &trouble);
    if (!troubled && collector->trouble_told)
        log_event(LOG_LEVEL_INFO, "delivery_goes_on", "aggregator", collector->settings.aggregator, NULL);
    collector->trouble_told = troubled;
    collector->last_trouble = trouble.message;
}

static void tell_alarm(struct collector *collector)
{
    struct fault alarm = {0};
    bool contradicts = false;
    if (!publisher_alarm(collector->publisher, &alarm, &contradicts))
        return;
    collector->alarm = alarm;
    log_fault(contradicts ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, contradicts ? "ledger_contradicted" : "ledger_restored", &alarm);
}

static enum status give_back(struct collector *collector, struct fault *why)
{
    const struct publisher_refusal *refusals = NULL;
    const size_t count = publisher_refusals(collector->publisher, &refusals);
    struct fault trouble = {0};
    char path[INBOX_PATH] = "", rows[24];
    enum status status;
    if (count == 0)
        return STATUS_OK;
    status = take_returned(collector->takers, collector->settings.source_count, refusals, count, path, &trouble);
    if (status == STATUS_BROKEN && why != NULL)
        *why = trouble;
    if (trouble.message != MESSAGE_NONE)
        log_fault(LOG_LEVEL_ERROR, "refused_rows_not_written", &trouble);
    main_number(count, rows);
    log_event(LOG_LEVEL_WARN, "refused_by_aggregator", "records", rows, "refused_file", path, NULL);
    collector->refused_rows += count;
    main_remember_refused(collector, path);
    return status == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
}

/* What neither the aggregator nor the outbox has any more is named file by file. */
static enum status tell_lost(struct collector *collector, struct fault *why)
{
    struct fault fault = {0};
    char files[24];
    if (!publisher_lost(collector->publisher))
        return STATUS_OK;
    const enum status status = main_name_lost(collector, why);
    main_number(collector->lost_files, files);
    fault_set(&fault, MESSAGE_OUTBOX_GAP, files, NULL);
    log_fault(LOG_LEVEL_ERROR, "batches_lost", &fault);
    return status;
}

/* Lets go what need not be kept, and says what it should better have kept. */
static enum status retain(struct collector *collector, struct fault *why)
{
    struct fault risk = {0};
    uint64_t first = 0, last = 0;
    char from[24], to[24];
    enum status status;
    if (publisher_needs_room(collector->publisher))
        retain_disk_full(collector->retain);
    status = retain_work(collector->retain, main_now_ms(), why);
    if (retain_at_risk(collector->retain, &first, &last) > 0) {
        main_number((size_t)first, from);
        main_number((size_t)last, to);
        fault_set(&risk, MESSAGE_OUTBOX_RISK, from, to, NULL);
        log_fault(LOG_LEVEL_WARN, "gap_risk", &risk);
    }
    return status;
}

enum status main_deliver(struct collector *collector, struct fault *why)
{
    enum status status;
    if (main_given(collector, OPTION_DRY_RUN))
        return STATUS_OK;
    status = publisher_work(collector->publisher, main_now_ms(), why);
    if (status == STATUS_AGAIN)
        status = STATUS_OK;
    if (status == STATUS_OK)
        status = give_back(collector, why);
    if (status == STATUS_OK)
        status = retain(collector, why);
    if (status == STATUS_OK)
        status = tell_lost(collector, why);
    tell_trouble(collector);
    tell_alarm(collector);
    return status == STATUS_AGAIN ? STATUS_OK : status;
}
