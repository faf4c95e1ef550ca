/* main_conclude.c - the end of --once and of --dry-run: what came of it, in words and as the exit code. */
#include "main_inside.h"

#include "memory.h"

#include <stdio.h>
#include <string.h>

void main_remember_refused(struct collector *collector, const char *path)
{
    for (size_t i = 0; i < collector->refused_path_count; i++)
        if (strcmp(collector->refused_paths[i], path) == 0)
            return;
    if (path[0] != '\0' && collector->refused_path_count < REFUSED_PATHS)
        collector->refused_paths[collector->refused_path_count++] = memory_copy_text(path);
}

static void tell_undelivered(struct collector *collector)
{
    struct outbox_identity identity;
    struct fault fault = {0};
    char seconds[24], batches[24];
    outbox_identity(collector->outbox, &identity);
    main_number((size_t)(collector->timeout_ms / 1000), seconds);
    main_number((size_t)(identity.high - identity.highest_acked), batches);
    fault_set(&fault, MESSAGE_UNDELIVERED, seconds, batches, collector->settings.outbox, NULL);
    main_say(collector, &fault);
    fault = (struct fault){0};
    if (publisher_trouble(collector->publisher, &fault))
        main_say(collector, &fault);
}

static void tell_refused(struct collector *collector)
{
    struct fault fault = {0};
    char rows[24], files[24];
    main_number(collector->refused_rows, rows);
    main_number(collector->refused_files, files);
    fault_set(&fault, MESSAGE_ROWS_REFUSED, rows, files, NULL);
    main_say(collector, &fault);
    for (size_t i = 0; i < collector->refused_path_count; i++)
        fprintf(stderr, "  %s\n", collector->refused_paths[i]);
}

int main_conclude(struct collector *collector, bool delivered)
{
    struct fault fault = {0};
    char files[24];
    if (main_files_left(collector) > 0) {
        main_number(main_files_left(collector), files);
        fault_set(&fault, MESSAGE_FILES_LEFT, files, NULL);
        main_say(collector, &fault);
    }
    if (collector->refused_rows + collector->refused_files > 0 && !main_given(collector, OPTION_DRY_RUN))
        tell_refused(collector);
    if (collector->alarm.message != MESSAGE_NONE)
        main_say(collector, &collector->alarm);
    if (!delivered) {
        tell_undelivered(collector);
        return EXIT_UNREACHABLE;
    }
    return collector->refused_rows + collector->refused_files + main_still_lost(collector) + main_files_left(collector) > 0
               ? EXIT_PARTLY
               : EXIT_DONE;
}
