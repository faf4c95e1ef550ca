/* main.c - the district's service: takes files, stores them, brings them to the aggregator.
 *
 *   settings -> keys -> catalogue -> outbox -> inboxes -> publisher -> loop      (and back in the opposite order)
 *
 * One thread, one loop: take what is complete (main_take.c), deliver what is due and write back what came refused
 * (main_deliver.c), sleep until something happens. With --once the loop ends when everything is taken and the aggregator
 * has it durably. */
#include "main_inside.h"

#include "log.h"
#include "memory.h"
#include "seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define SLEEP_MOST_MS 1000

/* ---- start, and stop -------------------------------------------------------------------------------------------- */

static enum status start(struct collector *collector, struct fault *why)
{
    static enum status (*const steps[])(struct collector *collector, struct fault *why) = {
        main_load_settings, main_load_keys, main_load_catalogue,
        main_open_outbox, main_open_inboxes, main_open_publisher,
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++) {
        *why = (struct fault){0}; /* the place a step before had in mind is no longer meant */
        if (steps[i] == main_open_outbox && main_given(collector, OPTION_CHECK))
            return main_check_only(collector, why);
        if (steps[i] == main_open_inboxes && main_given(collector, OPTION_TRUST))
            return main_trust_ledger(collector, why);
        if (steps[i] != main_open_publisher || !main_given(collector, OPTION_DRY_RUN))
            status = steps[i](collector, why);
    }
    return status;
}

/* Everything closes in the opposite order; what was never opened is passed over. */
static void close_all(struct collector *collector)
{
    publisher_close(&collector->publisher);
    if (collector->zmq != NULL)
        zmq_ctx_term(collector->zmq);
    for (size_t i = 0; collector->inboxes != NULL && i < collector->settings.source_count; i++)
        inbox_close(&collector->inboxes[i]);
    free(collector->inboxes);
    free(collector->takers);
    free(collector->left);
    retain_free(&collector->retain);
    outbox_close(&collector->outbox);
    catalogue_free(&collector->catalogue);
    keys_forget(&collector->key);
    collector_settings_free(&collector->settings);
    for (size_t i = 0; i < collector->refused_path_count; i++)
        free(collector->refused_paths[i]);
}

/* ---- the loop, and the ways to run it --------------------------------------------------------------------------- */

/* Sleeps till the aggregator says something, a signal comes, or something is due. taking: inboxes are still looked at. */
static void sleep_till_due(struct collector *collector, bool taking)
{
    zmq_pollitem_t items[] = {{publisher_socket(collector->publisher), 0, ZMQ_POLLIN, 0},
                              {NULL, main_wake_descriptor(), ZMQ_POLLIN, 0}};
    const int64_t now = main_now_ms();
    int64_t due = publisher_due(collector->publisher);
    for (size_t i = 0; taking && i < collector->settings.source_count; i++)
        if (inbox_due(collector->inboxes[i]) < due)
            due = inbox_due(collector->inboxes[i]);
    if (taking && due < collector->take_after_ms && publisher_due(collector->publisher) > now)
        due = collector->take_after_ms; /* inboxes are due but the disk is full */
    if (due > now + SLEEP_MOST_MS)
        due = now + SLEEP_MOST_MS;
    if (zmq_poll(items, (int)ARRAY_LEN(items), due > now ? (long)(due - now) : 0) < 0 && errno != EINTR)
        log_event(LOG_LEVEL_ERROR, "poll_failed", "reason", zmq_strerror(errno), NULL);
}

static enum status serve(struct collector *collector, struct fault *why)
{
    enum status status = STATUS_OK;
    bool any;
    log_event(LOG_LEVEL_INFO, "collector_started", "agent", collector->settings.agent, "aggregator",
              collector->settings.aggregator, NULL);
    while (!main_is_stopping() && status == STATUS_OK) {
        status = main_take_all(collector, &any, why);
        if (status == STATUS_OK)
            status = main_deliver(collector, why);
        if (status == STATUS_OK && !main_is_stopping())
            sleep_till_due(collector, true);
    }
    log_event(LOG_LEVEL_INFO, "collector_stopped", "agent", collector->settings.agent, NULL);
    return status;
}

/* Takes till an inbox shows nothing new, then waits till all is acknowledged. */
static int run_once(struct collector *collector, enum status *ret_status, struct fault *why)
{
    bool any = true, settled = false, drained = false;
    int64_t until = main_now_ms() + collector->timeout_ms;
    while (!main_is_stopping() && *ret_status == STATUS_OK && main_now_ms() < until) {
        if (!settled) {
            *ret_status = main_take_all(collector, &any, why);
            if (any) /* the time given is for delivery, not for a long day's files */
                until = main_now_ms() + collector->timeout_ms;
            settled = !any && main_files_left(collector) == 0;
        }
        if (*ret_status == STATUS_OK)
            *ret_status = main_deliver(collector, why);
        drained = *ret_status == STATUS_OK && publisher_is_drained(collector->publisher);
        if (*ret_status != STATUS_OK || (settled && drained))
            break;
        sleep_till_due(collector, !settled);
    }
    return main_conclude(collector, drained);
}

static int run_dry(struct collector *collector, enum status *ret_status, struct fault *why)
{
    bool any;
    *ret_status = main_take_all(collector, &any, why);
    return main_conclude(collector, true);
}

/* ---- the program ------------------------------------------------------------------------------------------------ */

static int run(struct collector *collector, struct fault *why)
{
    const bool only_looks = main_given(collector, OPTION_CHECKPOINT) || main_given(collector, OPTION_DOCTOR);
    enum status status = only_looks ? main_load_settings(collector, why) : start(collector, why);
    if (status == STATUS_OK && only_looks)
        return main_given(collector, OPTION_DOCTOR) ? main_call_doctor(collector, why)
                                                    : main_print_checkpoints(collector, why);
    int code = EXIT_DONE;
    if (status != STATUS_OK) {
        main_say(collector, why);
        return status == STATUS_AGAIN ? EXIT_UNREACHABLE : EXIT_USAGE; /* AGAIN: another process holds the outbox */
    }
    if (main_given(collector, OPTION_CHECK) || main_given(collector, OPTION_TRUST))
        return EXIT_DONE;
    if (main_given(collector, OPTION_DRY_RUN))
        code = run_dry(collector, &status, why);
    else if (main_given(collector, OPTION_ONCE))
        code = run_once(collector, &status, why);
    else
        status = serve(collector, why);
    if (status != STATUS_OK) {
        main_say(collector, why);
        return EXIT_FAILED;
    }
    return code;
}

int main(int argc, char *argv[])
{
    struct collector *collector = memory_new(struct collector);
    struct fault why = {0};
    int code = EXIT_USAGE;
    if (main_read_options(collector, argc, argv, &why) != STATUS_OK) {
        main_say(collector, &why);
    } else if (main_given(collector, OPTION_HELP)) {
        main_print_help(collector->language);
        code = EXIT_DONE;
    } else if (main_given(collector, OPTION_VERSION)) {
        options_print_version("suanpan-collector");
        code = EXIT_DONE;
    } else if (seal_start() != STATUS_OK || !main_catch_signals()) {
        fprintf(stderr, "suanpan-collector: %s\n", strerror(errno));
        code = EXIT_FAILED;
    } else {
        log_start(main_given(collector, OPTION_VERBOSE) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, collector->language);
        code = run(collector, &why);
    }
    close_all(collector);
    free(collector);
    return code;
}
