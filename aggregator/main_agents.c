/* main_agents.c - agents.csv: who may deliver, read at the start and whenever the file, or the day that its dates are held
 * against, is another. What is sound comes into force everywhere at once; of what is not, only what it takes away. */
#include "main_inside.h"

#include "calendar.h"
#include "catalogue.h"
#include "clock.h"
#include "log.h"
#include "registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status check_scopes(const struct program *program, const struct agent *agents, size_t count,
                                struct fault *why)
{
    for (size_t i = 0; i < count; i++)
        if (catalogue_unit(program->catalogue, agents[i].scope) == NO_INDEX) {
            fault_at(why, program->settings.agents, 0, "scope");
            fault_set(why, MESSAGE_UNKNOWN_SCOPE, agents[i].code, agents[i].scope, NULL);
            return STATUS_REFUSED;
        }
    return STATUS_OK;
}

/* What the dates of keys come to today. */
static void tell_dates(const struct program *program, const struct agent *agents, size_t count)
{
    static const struct { const char *event; enum message message; } words[] = {
        [AGENT_DATES_EARLY] = {"key_not_yet_valid", MESSAGE_KEY_EARLY},
        [AGENT_DATES_SOON] = {"key_expires_soon", MESSAGE_KEY_SOON},
        [AGENT_DATES_OVER] = {"key_expired", MESSAGE_KEY_OVER},
    };
    for (size_t i = 0; i < count; i++) {
        const enum agent_dates dates = agent_dates(&agents[i], program->agents_day);
        struct fault fault = {0};
        char day[DATE_TEXT];
        if (agents[i].status != AGENT_ACTIVE || dates == AGENT_DATES_FINE)
            continue;
        date_format(dates == AGENT_DATES_EARLY ? agents[i].valid_from : agents[i].valid_to, day);
        fault_set(&fault, words[dates].message, agents[i].code, agents[i].key.name, day, NULL);
        log_fault(LOG_LEVEL_WARN, words[dates].event, &fault);
    }
}

enum status main_load_agents(struct program *program, struct fault *why)
{
    struct agent *agents = NULL;
    size_t count = 0;
    struct stat file;
    memset(&file, 0, sizeof file);
    (void)stat(program->settings.agents, &file); /* before reading: a change meanwhile shows at the next look */
    enum status status = agents_load(program->settings.agents, &agents, &count, why);
    if (status == STATUS_OK)
        status = check_scopes(program, agents, count, why);
    program->agents_file = file;
    program->agents_day = calendar_local_day(clock_ms(CLOCK_REALTIME));
    if (status == STATUS_OK) {
        tell_dates(program, agents, count);
        agents_apply_dates(agents, count, program->agents_day);
        free(program->agents);
        program->agents = agents;
        program->agent_count = count;
    } else {
        free(agents);
    }
    return status;
}

/* A mistake in one row must not keep a revocation in another waiting. */
static enum status tighten_agents(struct program *program, const struct fault *why)
{
    char revoked[24];
    const size_t count = agents_tighten(program->settings.agents, program->agents, program->agent_count);
    log_fault(LOG_LEVEL_ERROR, "agents_not_reloaded", why);
    (void)snprintf(revoked, sizeof revoked, "%zu", count);
    if (count > 0)
        log_event(LOG_LEVEL_WARN, "agents_revoked", "keys", revoked, "detail",
                  "the file has a fault; only what it takes away is in force", NULL);
    return count > 0 ? STATUS_OK : STATUS_REFUSED;
}

void main_reload_agents(struct program *program)
{
    struct fault why = {0};
    enum status status = main_load_agents(program, &why);
    program->reload = false;
    if (status == STATUS_REFUSED) {
        status = tighten_agents(program, &why);
        if (status != STATUS_OK)
            return;
    }
    if (status == STATUS_OK) {
        /* Noted before anything is decided by it. A full disk takes nothing of anybody either: again with the next pass. */
        status = registry_note(program->store, &program->key.public_key, program->catalogue, program->agents,
                               program->agent_count, clock_ms(CLOCK_REALTIME), &why);
        program->reload = status == STATUS_AGAIN;
    }
    if (status == STATUS_OK)
        status = gate_update(program->gate, program->agents, program->agent_count, &why);
    if (status != STATUS_OK) {
        log_fault(LOG_LEVEL_ERROR, "agents_not_reloaded", &why);
        return;
    }
    intake_agents(program->intake, program->agents, program->agent_count);
    log_event(LOG_LEVEL_INFO, "agents_reloaded", "file", program->settings.agents, NULL);
}

bool main_agents_changed(const struct program *program)
{
    struct stat now;
    const struct stat *before = &program->agents_file;
    if (calendar_local_day(clock_ms(CLOCK_REALTIME)) != program->agents_day)
        return true; /* keys may have begun or ended with the day */
    return stat(program->settings.agents, &now) == 0 &&
           (now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec ||
            now.st_ino != before->st_ino || now.st_size != before->st_size);
}
