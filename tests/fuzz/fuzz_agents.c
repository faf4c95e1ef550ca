/* fuzz_agents.c - any file as agents.csv, beside the key files one.pub to four.pub: what is taken names each key for one
 * agent, with one scope an agent and no more active keys than it may have. */
#include "fuzz.h"

#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void look_at(const struct agent *agents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t active = 0;
        fuzz_require(agents[i].code[0] != '\0' && agents[i].scope[0] != '\0', "an agent has a name and a scope");
        for (size_t other = 0; other < count; other++) {
            const bool same = strcmp(agents[i].code, agents[other].code) == 0;
            fuzz_require(other == i || strcmp(agents[i].key.curve, agents[other].key.curve) != 0, "a key stands once");
            fuzz_require(!same || strcmp(agents[i].scope, agents[other].scope) == 0, "an agent has one scope");
            active += same && agents[other].status == AGENT_ACTIVE;
        }
        fuzz_require(active <= AGENT_KEYS_MOST, "no more active keys than an agent may have");
    }
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static const char *const names[] = {"one", "two", "three", "four", "five"};
    static bool made;
    struct fault why = {.message = MESSAGE_NONE};
    struct agent *agents = NULL;
    size_t count = 0;
    if (!made)
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            fuzz_require(seal_start() == STATUS_OK && keys_generate(fuzz_folder(), names[i], NULL, &why) == STATUS_OK,
                         "keys are made");
    made = true;
    const enum status status = agents_load(fuzz_write(0, "agents.csv", bytes, length), &agents, &count, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "agents.csv is taken or refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK)
        look_at(agents, count);
    free(agents);
}
