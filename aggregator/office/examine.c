/* examine.c - see examine.h. What every program has in common is looked at by doctor.h; here is what only an aggregator has, and
 * what must agree on both sides of the link. The outbox itself is examined where it lies: suanpan-collector --doctor. */
#include "examine.h"

#include "calendar.h"
#include "doctor.h"
#include "file.h"
#include "memory.h"
#include "store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LARGE (INT64_C(256) << 20)
#define SKEW_WARN_MS INT64_C(300000)
#define SKEW_ERROR_MS INT64_C(86400000)
#define FINDINGS_SHOWN 20      /* of a catalogue; catalogue check has them all */
#define DESCRIPTORS_BESIDE 64 /* files, threads' sockets, the office */
#define DESCRIPTORS_AN_AGENT 4

struct examination {
    struct doctor doctor;
    int64_t now_ms;
    struct aggregator_settings settings; /* file NULL: no aggregator is looked at */
    struct catalogue *catalogue;
    struct agent *agents;
    size_t agent_count;
    struct secret_key key;
    bool has_key;
};

/* ---- the aggregator --------------------------------------------------------------------------------------------------- */

static void look_at_catalogue(struct doctor *doctor, const char *folder, struct catalogue **ret_catalogue)
{
    struct findings findings = {.items = NULL};
    struct fault why = {0};
    char count[24];
    if (catalogue_load(folder, ret_catalogue, &findings, &why) != STATUS_OK) {
        doctor_add_fault(doctor, "catalogue", DOCTOR_ERROR, folder, &why);
    } else if (findings.broken_count > 0) {
        for (size_t i = 0, shown = 0; i < findings.count && shown < FINDINGS_SHOWN; i++) {
            if (findings.items[i].severity != FINDING_ERROR)
                continue;
            doctor_add_fault(doctor, "catalogue", DOCTOR_ERROR, findings.items[i].fault.file, &findings.items[i].fault);
            shown++;
        }
        (void)snprintf(count, sizeof count, "%zu", findings.broken_count);
        fault_set(&why, MESSAGE_CATALOGUE_UNUSABLE, folder, count, NULL);
        doctor_add_fault(doctor, "catalogue", DOCTOR_ERROR, folder, &why);
    } else {
        doctor_add(doctor, "catalogue", DOCTOR_OK, folder, MESSAGE_DOCTOR_FINE, MESSAGE_NONE, (*ret_catalogue)->name, NULL);
        doctor_timezone(doctor, (*ret_catalogue)->timezone);
    }
    findings_free(&findings);
}

static void look_at_skew(struct doctor *doctor, struct store *store)
{
    struct agent_row *rows = NULL;
    struct fault why = {0};
    size_t count = 0;
    char seconds[24];
    if (store_agents(store, &rows, &count, &why) != STATUS_OK)
        return; /* the store's own rows say why */
    for (size_t i = 0; i < count; i++) {
        const int64_t skew = rows[i].clock_skew_ms;
        if (skew <= SKEW_WARN_MS && skew >= -SKEW_WARN_MS)
            continue;
        (void)snprintf(seconds, sizeof seconds, "%" PRId64, skew / 1000);
        doctor_add(doctor, "clock", skew > SKEW_ERROR_MS || skew < -SKEW_ERROR_MS ? DOCTOR_ERROR : DOCTOR_WARN, rows[i].agent,
                   MESSAGE_DOCTOR_SKEW, MESSAGE_DOCTOR_CLOCK_ADVICE, seconds, NULL);
    }
    free(rows);
}

static void look_at_log(struct doctor *doctor, const char *path)
{
    struct stat about;
    char name[4096], mebibytes[24];
    if ((size_t)snprintf(name, sizeof name, "%s-wal", path) >= sizeof name || stat(name, &about) != 0 ||
        about.st_size < LOG_LARGE)
        return;
    (void)snprintf(mebibytes, sizeof mebibytes, "%lld", (long long)about.st_size >> 20);
    doctor_add(doctor, "store", DOCTOR_WARN, name, MESSAGE_DOCTOR_LOG_LARGE, MESSAGE_DOCTOR_LOG_LARGE_ADVICE, mebibytes, NULL);
}

static void look_at_store(struct examination *examination)
{
    struct doctor *doctor = &examination->doctor;
    const char *path = examination->settings.store_path;
    struct store *store = NULL;
    struct fault why = {0};
    char detail[256] = "", number[24];
    bool is_sound = false;
    uint64_t head = 0;
    int64_t received_at = 0;
    if (store_is_gone(path)) {
        fault_set(&why, MESSAGE_STORE_GONE, path, NULL);
        doctor_add_fault(doctor, "store", DOCTOR_ERROR, path, &why);
        doctor_clock(doctor, examination->now_ms, 0);
        return;
    }
    if (access(path, F_OK) != 0) {
        doctor_add(doctor, "store", DOCTOR_OK, path, MESSAGE_DOCTOR_NO_STORE, MESSAGE_NONE, path, NULL);
        doctor_clock(doctor, examination->now_ms, 0);
        return;
    }
    enum status status = store_open(path, STORE_READ, &store, &why);
    if (status == STATUS_OK)
        status = store_begin(store, &why);
    if (status == STATUS_OK)
        status = store_head(store, &head, NULL, &received_at, &why);
    if (status == STATUS_OK)
        status = store_check_file(store, false, &is_sound, detail, sizeof detail, &why);
    (void)snprintf(number, sizeof number, "%" PRIu64, head);
    if (status != STATUS_OK)
        doctor_add_fault(doctor, "store", DOCTOR_ERROR, path, &why);
    else if (!is_sound)
        doctor_add(doctor, "store", DOCTOR_ERROR, path, MESSAGE_DOCTOR_DAMAGED, MESSAGE_DOCTOR_DAMAGED_ADVICE, detail, NULL);
    else
        doctor_add(doctor, "store", DOCTOR_OK, path,
                   store_is_held(path) ? MESSAGE_DOCTOR_STORE_HELD : MESSAGE_DOCTOR_STORE_FREE, MESSAGE_NONE, number, NULL);
    doctor_clock(doctor, examination->now_ms, received_at);
    if (status == STATUS_OK)
        look_at_skew(doctor, store);
    store_close(&store);
    look_at_log(doctor, path);
}

static void look_at_sockets(struct examination *examination)
{
    const struct aggregator_settings *settings = &examination->settings;
    const char *const endpoints[] = {settings->listen_collectors, settings->listen_queries, settings->listen_events,
                                     settings->listen_http};
    const bool is_running = store_is_held(settings->store_path);
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
        if (endpoints[i] != NULL)
            doctor_listens(&examination->doctor, endpoints[i], is_running);
}

static void look_at_agents(struct examination *examination)
{
    struct doctor *doctor = &examination->doctor;
    const char *file = examination->settings.agents;
    struct fault why = {0};
    if (agents_load(file, &examination->agents, &examination->agent_count, &why) != STATUS_OK) {
        doctor_add_fault(doctor, "keys", DOCTOR_ERROR, file, &why);
        return;
    }
    doctor_agents(doctor, examination->agents, examination->agent_count, calendar_local_day(examination->now_ms));
    for (size_t i = 0; i < examination->agent_count; i++)
        if (examination->has_key && strcmp(examination->agents[i].key.curve, examination->key.public_key.curve) == 0)
            doctor_add(doctor, "keys", DOCTOR_ERROR, examination->agents[i].code, MESSAGE_DOCTOR_OWN_KEY, MESSAGE_DOCTOR_OWN_KEY_ADVICE,
                       file, NULL);
    doctor_descriptors(doctor, DESCRIPTORS_BESIDE + DESCRIPTORS_AN_AGENT * examination->agent_count);
}

static void examine_aggregator(struct examination *examination, const char *config)
{
    struct doctor *doctor = &examination->doctor;
    struct fault why = {0};
    char *folder = NULL, *slash;
    if (aggregator_settings_load(config, &examination->settings, &why) != STATUS_OK) {
        examination->settings.file = NULL;
        doctor_add_fault(doctor, "settings", DOCTOR_ERROR, config, &why);
        return;
    }
    doctor_add(doctor, "settings", DOCTOR_OK, config, MESSAGE_DOCTOR_FINE, MESSAGE_NONE, NULL, NULL);
    look_at_catalogue(doctor, examination->settings.catalogue, &examination->catalogue);
    examination->has_key = doctor_secret(doctor, examination->settings.key, &examination->key);
    look_at_agents(examination);
    folder = memory_copy_text(examination->settings.store_path);
    slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder)
        *slash = '\0';
    doctor_disk(doctor, folder);
    free(folder);
    look_at_store(examination);
    look_at_sockets(examination);
}

/* ---- a collector beside it -------------------------------------------------------------------------------------------- */

/* Is its key one of those that are let in, under its name? */
static void compare_key(struct examination *examination, const struct collector_settings *settings, const struct secret_key *key)
{
    struct doctor *doctor = &examination->doctor;
    const int32_t day = calendar_local_day(examination->now_ms);
    for (size_t i = 0; i < examination->agent_count; i++) {
        const struct agent *agent = &examination->agents[i];
        if (strcmp(agent->key.curve, key->public_key.curve) != 0 ||
            memcmp(agent->key.sign, key->public_key.sign, SEAL_PUBLIC) != 0)
            continue;
        const enum agent_dates dates = agent_dates(agent, day);
        if (strcmp(agent->code, settings->agent) != 0)
            doctor_add(doctor, "keys", DOCTOR_ERROR, settings->agent, MESSAGE_DOCTOR_OTHER_NAME, MESSAGE_DOCTOR_OTHER_NAME_ADVICE,
                       agent->code, settings->agent);
        else if (agent->status != AGENT_ACTIVE || dates == AGENT_DATES_EARLY || dates == AGENT_DATES_OVER)
            doctor_add(doctor, "keys", DOCTOR_ERROR, settings->agent, MESSAGE_DOCTOR_REVOKED, MESSAGE_DOCTOR_REVOKED_ADVICE,
                       settings->key, NULL);
        return;
    }
    doctor_add(doctor, "keys", DOCTOR_ERROR, settings->agent, MESSAGE_DOCTOR_UNKNOWN_KEY, MESSAGE_DOCTOR_UNKNOWN_KEY_ADVICE,
               settings->key, examination->settings.agents);
}

static void examine_collector(struct examination *examination, const char *config)
{
    struct doctor *doctor = &examination->doctor;
    struct collector_settings settings;
    struct secret_key key = {.curve = ""};
    struct public_key aggregator;
    struct catalogue *catalogue = NULL;
    struct fault why = {0};
    if (collector_settings_load(config, &settings, &why) != STATUS_OK) {
        doctor_add_fault(doctor, "settings", DOCTOR_ERROR, config, &why);
        return;
    }
    doctor_add(doctor, "settings", DOCTOR_OK, config, MESSAGE_DOCTOR_FINE, MESSAGE_NONE, NULL, NULL);
    if (doctor_secret(doctor, settings.key, &key) && examination->agents != NULL)
        compare_key(examination, &settings, &key);
    if (doctor_public(doctor, settings.aggregator_key, &aggregator) && examination->has_key &&
        (strcmp(aggregator.curve, examination->key.public_key.curve) != 0 ||
         memcmp(aggregator.sign, examination->key.public_key.sign, SEAL_PUBLIC) != 0))
        doctor_add(doctor, "keys", DOCTOR_ERROR, settings.aggregator_key, MESSAGE_DOCTOR_OTHER_AGGREGATOR,
                   MESSAGE_DOCTOR_OTHER_AGGREGATOR_ADVICE, examination->settings.key, NULL);
    look_at_catalogue(doctor, settings.catalogue, &catalogue);
    if (catalogue != NULL && examination->catalogue != NULL &&
        memcmp(catalogue->hash, examination->catalogue->hash, SEAL_HASH) != 0)
        doctor_add(doctor, "catalogue", DOCTOR_ERROR, settings.catalogue, MESSAGE_DOCTOR_OTHER_CATALOGUE,
                   MESSAGE_DOCTOR_OTHER_CATALOGUE_ADVICE, settings.catalogue, examination->settings.catalogue);
    if ((examination->settings.security != settings.security) && examination->settings.file != NULL)
        doctor_add(doctor, "settings", DOCTOR_ERROR, config, MESSAGE_DOCTOR_SECURITY, MESSAGE_DOCTOR_SECURITY_ADVICE, NULL, NULL);
    doctor_disk(doctor, settings.outbox);
    doctor_reaches(doctor, settings.aggregator);
    keys_forget(&key);
    catalogue_free(&catalogue);
    collector_settings_free(&settings);
}

/* ---- both -------------------------------------------------------------------------------------------------------------- */

void examine(const struct examine_request *request, struct table *ret_table, bool *ret_healthy)
{
    struct examination examination = {.now_ms = request->now_ms};
    char text[2048];
    doctor_locale(&examination.doctor);
    if (request->config != NULL)
        examine_aggregator(&examination, request->config);
    else
        doctor_clock(&examination.doctor, request->now_ms, 0);
    if (request->collector != NULL)
        examine_collector(&examination, request->collector);
    table_start(ret_table, doctor_columns, ARRAY_LEN(doctor_columns));
    for (size_t i = 0; i < examination.doctor.count; i++) {
        const struct doctor_row *row = &examination.doctor.rows[i];
        table_add(ret_table, row->check);
        table_add(ret_table, doctor_state_name(row->state));
        table_add(ret_table, row->subject);
        doctor_detail(row, request->language, text, sizeof text);
        table_add(ret_table, text);
        doctor_advice(row, request->language, text, sizeof text);
        table_add(ret_table, text[0] == '\0' ? NULL : text);
    }
    *ret_healthy = doctor_is_healthy(&examination.doctor);
    free(examination.doctor.rows);
    free(examination.agents);
    catalogue_free(&examination.catalogue);
    keys_forget(&examination.key);
    aggregator_settings_free(&examination.settings);
}
