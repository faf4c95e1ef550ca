/* main_news.c - what intake and abacus have to say after a pass: for the log, and as an alert where a collector's witness
 * contradicts the ledger. */
#include "main_inside.h"

#include "alarms.h"
#include "catalogue.h"
#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>

/* What a collector keeps of the ledger against what the ledger is: stored and published like the desk's alerts. */
static void judge_witness(struct program *program, const struct intake_event *event)
{
    struct alert_row changed[ALARMS_ROWS];
    struct fault why = {0};
    size_t count = 0;
    const char *root = program->catalogue->units[program->catalogue->root].code;
    if (!program->alarms_stand && !checkpoint_is_alarm(event->verdict))
        return; /* the usual case, a thousand times when everybody comes back at once */
    if (alarms_judge(program->store, event->agent, event->number, event->verdict, root, clock_ms(CLOCK_REALTIME),
                     changed, &count, &program->alarms_stand, &why) != STATUS_OK)
        log_fault(LOG_LEVEL_ERROR, "alarm_not_judged", &why);
    for (size_t i = 0; i < count && program->alert_count < ALERTS_MOST; i++)
        main_add_alert(program, &changed[i]);
}

void main_log_intake(struct program *program)
{
    struct intake_event event;
    char number[24];
    while (intake_event(program->intake, &event)) {
        (void)snprintf(number, sizeof number, "%" PRIu64, event.number);
        if (event.is_witness)
            judge_witness(program, &event);
        const enum log_level quiet = event.is_witness ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
        log_event(event.warning ? LOG_LEVEL_WARN : quiet, event.name, "agent", event.agent, "number", number, "detail",
                  event.detail, NULL);
    }
}

void main_log_repairs(struct program *program)
{
    char blocks[24];
    if (abacus_repaired(program->abacus) == program->repairs_told)
        return;
    program->repairs_told = abacus_repaired(program->abacus);
    (void)snprintf(blocks, sizeof blocks, "%" PRIu64, program->repairs_told);
    log_event(LOG_LEVEL_WARN, "abacus_repaired", "who", "writer", "blocks", blocks, "detail",
              "saved pages were damaged and made anew from the ledger", NULL);
}
