/* settings.h - the YAML of CONTRACT 5, read strictly: an unknown key, a wrong type or a missing value is a fault with
 * file, line and reason. Paths in the result are absolute (relative ones are resolved against the file's folder);
 * endpoints ipc://relative/path likewise. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "fault.h"
#include "status.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum security { SECURITY_CURVE, SECURITY_NONE };

struct source_settings {
    const char *kind;             /* "report" */
    const char *inbox;            /* folder */
    const char *period;           /* default period of wide files, NULL when absent */
    enum text_encoding encoding;  /* TEXT_AUTO when absent */
    int32_t settle_seconds;       /* a file is complete when unchanged so long; default 2; --once takes files at once */
};

struct collector_settings {
    const char *file; /* the settings file, absolute */
    const char *agent, *catalogue, *aggregator, *key, *aggregator_key, *outbox;
    enum security security;
    int64_t keep_days;   /* delivered batches are kept so long at least, default 7 */
    int64_t quota_mib;   /* the outbox takes no more files beyond, default 1024 */
    int64_t ballast_mib; /* room kept free for the outbox' own work, default 32, 0: none */
    struct source_settings *sources;
    size_t source_count;
    struct settings_private *private;
};

struct aggregator_settings {
    const char *file;
    const char *catalogue, *store /* URL, path made absolute */, *store_path /* of sqlite: */, *agents, *key;
    const char *listen_collectors, *listen_queries, *listen_events /* or NULL */, *listen_http /* or NULL; loopback only */;
    enum security security;
    int64_t memory_mib; /* live figures and all that grows with them, 1 to 1048576, default 256 */
    struct settings_private *private;
};

/* STATUS_REFUSED: bad settings, *why says where. */
enum status collector_settings_load(const char *file, struct collector_settings *ret_settings, struct fault *why)
    MUST_CHECK;
void collector_settings_free(struct collector_settings *settings);
enum status aggregator_settings_load(const char *file, struct aggregator_settings *ret_settings, struct fault *why)
    MUST_CHECK;
void aggregator_settings_free(struct aggregator_settings *settings);
/* Bytes of pages for each of the two that keep some, the writer and the desk: three eighths of memory_mib. The last quarter
 * is for what else grows with the records: the store's cache, batches under way, what the allocator loses. */
size_t settings_pages_bytes(const struct aggregator_settings *settings);
/* sqlite:PATH -> absolute PATH (relative to the working directory); STATUS_REFUSED for an unknown kind of store. */
enum status settings_store_path(const char *url, char **ret_path, struct fault *why) MUST_CHECK;
/* True when the endpoint stays on this machine: ipc://, inproc://, tcp://127.x.x.x, tcp://[::1], tcp://localhost. */
bool settings_is_loopback(const char *endpoint);

#endif
