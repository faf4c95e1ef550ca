/* main_start.c - the steps of the start. Each says in the log what stopped it and leaves what it made to main.c's stop. */
#include "main_inside.h"

#include "calendar.h"
#include "catalogue.h"
#include "clock.h"
#include "limit.h"
#include "link.h"
#include "log.h"
#include "memory.h"
#include "registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum exit_code main_failed(enum exit_code code, const struct fault *why)
{
    log_fault(LOG_LEVEL_ERROR, "not_started", why);
    return code;
}

static void print_findings(const struct program *program, const struct findings *findings)
{
    static const enum log_level levels[] = {[FINDING_ERROR] = LOG_LEVEL_ERROR, [FINDING_WARNING] = LOG_LEVEL_WARN,
                                            [FINDING_INFO] = LOG_LEVEL_INFO};
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].severity == FINDING_ERROR || program->check || program->verbose)
            log_fault(levels[findings->items[i].severity], "catalogue_finding", &findings->items[i].fault);
}

static enum exit_code load_catalogue(struct program *program)
{
    struct findings findings = {0};
    struct fault why = {0};
    char count[24];
    enum exit_code code = EXIT_DONE;
    if (catalogue_load(program->settings.catalogue, &program->catalogue, &findings, &why) != STATUS_OK) {
        code = main_failed(EXIT_USAGE, &why);
        goto done;
    }
    print_findings(program, &findings);
    if (findings.broken_count > 0) {
        (void)snprintf(count, sizeof count, "%zu", findings.broken_count);
        fault_set(&why, MESSAGE_CATALOGUE_UNUSABLE, program->settings.catalogue, count, NULL);
        code = main_failed(EXIT_USAGE, &why);
    } else if (calendar_use_timezone(program->catalogue->timezone, &why) != STATUS_OK) {
        code = main_failed(EXIT_USAGE, &why);
    }
done:
    findings_free(&findings);
    return code;
}

/* The store, when it is there already, and the nearest folder on its path that exists must be writable. */
static enum status check_store_path(const char *store, struct fault *why)
{
    char *path = memory_copy_text(store);
    char *slash = NULL;
    bool writable = access(path, F_OK) != 0 || access(path, R_OK | W_OK) == 0;
    while (writable && (slash = strrchr(path, '/')) != NULL && slash != path) {
        *slash = '\0';
        if (access(path, F_OK) == 0)
            break;
    }
    writable = writable && access(slash == path ? "/" : path, W_OK | X_OK) == 0;
    if (!writable)
        fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    free(path);
    return writable ? STATUS_OK : STATUS_REFUSED;
}

enum exit_code main_read_configuration(struct program *program, const char *file)
{
    struct fault why = {0};
    if (aggregator_settings_load(file, &program->settings, &why) != STATUS_OK)
        return main_failed(EXIT_USAGE, &why);
    program->has_settings = true;
    if (keys_load_secret(program->settings.key, &program->key, &why) != STATUS_OK)
        return main_failed(EXIT_USAGE, &why);
    const enum exit_code code = load_catalogue(program);
    if (code != EXIT_DONE)
        return code;
    enum status status = main_load_agents(program, &why);
    if (status != STATUS_OK)
        return main_failed(EXIT_USAGE, &why);
    why = (struct fault){0}; /* agents.csv is no longer meant */
    status = check_store_path(program->settings.store_path, &why);
    return status == STATUS_OK ? EXIT_DONE : main_failed(EXIT_USAGE, &why);
}

enum exit_code main_open_store(struct program *program)
{
    struct fault why = {0};
    const size_t memory = settings_pages_bytes(&program->settings);
    enum status status = store_open(program->settings.store_path, STORE_WRITE, &program->store, &why);
    if (status == STATUS_AGAIN) { /* held, or its disk is full */
        if (why.message == MESSAGE_STORE_HELD)
            fault_set(&why, MESSAGE_ALREADY_RUNNING, program->settings.store_path, NULL);
        return main_failed(EXIT_UNREACHABLE, &why);
    }
    if (status == STATUS_OK)
        status = store_begin(program->store, &why);
    if (status == STATUS_OK)
        status = store_save_catalogue(program->store, program->catalogue, &why);
    if (status == STATUS_OK)
        status = store_commit(program->store, &why);
    if (status == STATUS_OK)
        status = registry_note(program->store, &program->key.public_key, program->catalogue, program->agents,
                               program->agent_count, clock_ms(CLOCK_REALTIME), &why);
    if (status != STATUS_OK)
        return main_failed(EXIT_FAILED, &why);
    program->abacus = abacus_open(program->store, program->catalogue, memory);
    return EXIT_DONE;
}

enum exit_code main_start_abacus(struct program *program)
{
    static const char *const reasons[] = {
        [ABACUS_SAVED] = "saved pages were used", [ABACUS_LAYOUT] = "no saved pages of this catalogue's layout",
        [ABACUS_AHEAD] = "the saved pages are newer than the ledger",
        [ABACUS_DAMAGED] = "saved pages are missing, of an earlier time or of another ledger"};
    struct fault why = {0};
    char entries[24];
    if (abacus_start(program->abacus, &why) != STATUS_OK)
        return main_failed(EXIT_FAILED, &why);
    const enum abacus_origin origin = abacus_origin(program->abacus);
    const bool is_damage = origin == ABACUS_AHEAD || origin == ABACUS_DAMAGED;
    (void)snprintf(entries, sizeof entries, "%" PRIu64, abacus_replayed(program->abacus));
    if (is_damage || abacus_replayed(program->abacus) > 0)
        log_event(is_damage ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, is_damage ? "abacus_rebuilt" : "ledger_replayed",
                  "entries", entries, "reason", reasons[origin], NULL);
    return EXIT_DONE;
}

/* A socket file needs its folder. */
static void make_folder_of(const char *endpoint)
{
    const char *path = strncmp(endpoint, "ipc:///", 7) == 0 ? endpoint + 6 : NULL;
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    char *folder = memory_copy_text_length(path, (size_t)(slash - path));
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        log_event(LOG_LEVEL_WARN, "folder_not_made", "folder", folder, "reason", strerror(errno), NULL);
    free(folder);
}

enum exit_code main_open_sockets(struct program *program)
{
    struct fault why = {0};
    const char *endpoint = program->settings.listen_collectors;
    const int linger = 0;
    program->context = zmq_ctx_new();
    if (program->context == NULL ||
        gate_start(program->context, program->settings.security, program->agents, program->agent_count,
                   &program->key.public_key, &program->gate, &why) != STATUS_OK)
        return main_failed(EXIT_FAILED, &why);
    program->collectors = zmq_socket(program->context, ZMQ_ROUTER);
    program->notes = zmq_socket(program->context, ZMQ_PAIR);
    make_folder_of(endpoint);
    make_folder_of(program->settings.listen_queries);
    if (program->collectors == NULL || program->notes == NULL ||
        zmq_setsockopt(program->notes, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(program->notes, DESK_ENDPOINT) != 0) {
        fault_set(&why, MESSAGE_SOCKET_TROUBLE, DESK_ENDPOINT, zmq_strerror(zmq_errno()), NULL);
        return main_failed(EXIT_FAILED, &why);
    }
    if (link_serve(program->collectors, "collectors", &program->key, program->settings.security, endpoint,
                   LIMIT_MESSAGE_BYTES, &why) != STATUS_OK)
        return main_failed(why.message == MESSAGE_PLAIN_ENDPOINT ? EXIT_USAGE : EXIT_FAILED, &why);
    if (porter_start(program->context, program->collectors, endpoint, &program->porter, &why) != STATUS_OK)
        return main_failed(EXIT_FAILED, &why);
    if (zmq_bind(program->collectors, endpoint) != 0) {
        fault_set(&why, MESSAGE_CANNOT_BIND, endpoint, zmq_strerror(zmq_errno()), NULL);
        return main_failed(EXIT_FAILED, &why);
    }
    return EXIT_DONE;
}

enum exit_code main_start_services(struct program *program)
{
    struct fault why = {0};
    program->intake = intake_new(program->collectors, program->catalogue, program->store, program->abacus,
                                 program->settings.security, program->agents, program->agent_count);
    intake_sign(program->intake, &program->key);
    intake_tell(program->intake, program->porter);
    if (desk_start(program->context, &program->settings, program->catalogue, &program->key, &program->desk, &why) !=
        STATUS_OK)
        return main_failed(EXIT_FAILED, &why);
    return EXIT_DONE;
}

void main_say_ready(const struct program *program)
{
    char bound[512] = "", agents[24];
    size_t size = sizeof bound;
    const struct aggregator_settings *settings = &program->settings;
    if (zmq_getsockopt(program->collectors, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
        bound[0] = '\0';
    (void)snprintf(agents, sizeof agents, "%zu", program->agent_count);
    log_event(LOG_LEVEL_INFO, "ready", "collectors", bound, "queries", settings->listen_queries, "events",
              settings->listen_events == NULL ? "" : settings->listen_events, "http",
              settings->listen_http == NULL ? "" : settings->listen_http, "agents", agents, "security",
              settings->security == SECURITY_NONE ? "none" : "curve", NULL);
    main_notify("READY=1");
}
