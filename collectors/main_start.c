/* main_start.c - the steps of a start: settings -> keys -> catalogue -> outbox -> inboxes -> publisher. */
#include "main_inside.h"

#include "calendar.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <zmq.h>

enum status main_load_settings(struct collector *collector, struct fault *why)
{
    enum status status;
    if (collector->options.operand_count > 0) {
        fault_set(why, MESSAGE_UNKNOWN_OPTION, collector->options.operand[0], NULL);
        return STATUS_REFUSED;
    }
    if (!main_given(collector, OPTION_CONFIG)) {
        fault_set(why, MESSAGE_NO_CONFIG, NULL);
        return STATUS_REFUSED;
    }
    status = collector_settings_load(collector->options.value[OPTION_CONFIG], &collector->settings, why);
    for (size_t i = 0; status == STATUS_OK && i < collector->settings.source_count; i++) {
        const struct source_settings *source = &collector->settings.sources[i];
        struct period period;
        if (!feed_is_known(source->kind, why))
            status = STATUS_REFUSED;
        else if (source->period != NULL)
            status = period_parse(source->period, &period, why);
        if (status != STATUS_OK)
            fault_at(why, collector->settings.file, 0, "sources");
    }
    return status;
}

enum status main_load_keys(struct collector *collector, struct fault *why)
{
    const enum status status = keys_load_secret(collector->settings.key, &collector->key, why);
    return status == STATUS_OK ? keys_load_public(collector->settings.aggregator_key, &collector->aggregator, why)
                               : status;
}

/* Errors make a catalogue unusable; everything that was found is shown. */
enum status main_load_catalogue(struct collector *collector, struct fault *why)
{
    struct findings findings = {0};
    char count[24];
    enum status status = catalogue_load(collector->settings.catalogue, &collector->catalogue, &findings, why);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].severity == FINDING_ERROR)
            main_say(collector, &findings.items[i].fault);
    if (status == STATUS_OK && findings.broken_count > 0) {
        main_number(findings.broken_count, count);
        fault_set(why, MESSAGE_CATALOGUE_UNUSABLE, collector->settings.catalogue, count, NULL);
        status = STATUS_REFUSED;
    }
    findings_free(&findings);
    return status == STATUS_OK ? calendar_use_timezone(collector->catalogue->timezone, why) : status;
}

enum status main_open_outbox(struct collector *collector, struct fault *why)
{
    struct fault rescue = {0};
    enum status status = outbox_open(collector->settings.outbox, collector->settings.agent, collector->key.sign,
                                     &collector->outbox, why);
    if (status == STATUS_OK && outbox_was_rescued(collector->outbox, &rescue)) {
        status = main_name_lost(collector, why);
        log_fault(LOG_LEVEL_ERROR, "outbox_rescued", &rescue);
    }
    if (status == STATUS_OK && !main_given(collector, OPTION_DRY_RUN))
        collector->retain = retain_new(&collector->settings, collector->outbox);
    return status;
}

enum status main_open_inboxes(struct collector *collector, struct fault *why)
{
    const size_t count = collector->settings.source_count;
    enum status status = STATUS_OK;
    collector->inboxes = memory_array(count, sizeof(struct inbox *));
    collector->takers = memory_array(count, sizeof(*collector->takers));
    collector->left = memory_array(count, sizeof(*collector->left));
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct source_settings *source = &collector->settings.sources[i];
        status = inbox_open(source->inbox, source->settle_seconds, &collector->inboxes[i], why);
        collector->takers[i] = (struct taker){source, collector->catalogue, collector->inboxes[i], collector->outbox,
                                              main_given(collector, OPTION_DRY_RUN)};
    }
    return status;
}

enum status main_open_publisher(struct collector *collector, struct fault *why)
{
    collector->zmq = zmq_ctx_new();
    if (collector->zmq == NULL) {
        fault_set(why, MESSAGE_CANNOT_WRITE, collector->settings.aggregator, zmq_strerror(errno), NULL);
        return STATUS_BROKEN;
    }
    return publisher_open(collector->zmq, &collector->settings, &collector->key, &collector->aggregator,
                          collector->catalogue->hash, collector->outbox, main_now_ms(), &collector->publisher, why);
}
