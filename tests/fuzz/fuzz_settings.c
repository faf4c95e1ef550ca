/* fuzz_settings.c - any file as the settings of both programs: what is taken is complete, with absolute paths. */
#include "fuzz.h"

#include "settings.h"

#include <string.h>

static void require_path(const char *path)
{
    fuzz_require(path != NULL && path[0] == '/', "a path is absolute");
}

static void look_at_collector(const char *file)
{
    struct collector_settings settings = {.file = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    const enum status status = collector_settings_load(file, &settings, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "settings are taken or refused");
    fuzz_require_reason(status, &why);
    if (status != STATUS_OK)
        return;
    require_path(settings.catalogue);
    require_path(settings.outbox);
    fuzz_require(settings.agent != NULL && settings.agent[0] != '\0' && settings.aggregator != NULL, "nothing is missing");
    fuzz_require(settings.security == SECURITY_CURVE || settings_is_loopback(settings.aggregator),
                 "no unencrypted link leaves the machine");
    if (settings.security == SECURITY_CURVE)
        require_path(settings.key);
    for (size_t i = 0; i < settings.source_count; i++) {
        require_path(settings.sources[i].inbox);
        fuzz_require(settings.sources[i].kind != NULL && settings.sources[i].settle_seconds >= 0, "a source is complete");
    }
    collector_settings_free(&settings);
}

static void look_at_aggregator(const char *file)
{
    struct aggregator_settings settings = {.file = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    const enum status status = aggregator_settings_load(file, &settings, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "settings are taken or refused");
    fuzz_require_reason(status, &why);
    if (status != STATUS_OK)
        return;
    require_path(settings.catalogue);
    require_path(settings.store_path);
    fuzz_require(settings.listen_collectors != NULL && settings.listen_queries != NULL, "nothing is missing");
    fuzz_require(settings.memory_mib >= 1 && settings.memory_mib <= 1048576, "memory within its limits");
    fuzz_require(settings.security == SECURITY_CURVE || (settings_is_loopback(settings.listen_collectors) &&
                                                         settings_is_loopback(settings.listen_queries)),
                 "no unencrypted link leaves the machine");
    aggregator_settings_free(&settings);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    const char *file = fuzz_write(0, "settings.yaml", bytes, length);
    look_at_collector(file);
    look_at_aggregator(file);
}
