/* registry.c - see registry.h. Rows are few (a key's life has two or three), so the whole registry is read and compared. */
#include "registry.h"

#include "calendar.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct noting {
    struct store *store;
    struct registry_row *rows;
    size_t count, capacity, known;
    uint64_t head;
    int64_t now_ms;
};

static bool is_about(const struct registry_row *row, const char *kind, const char *name, const unsigned char *key)
{
    return strcmp(row->kind, kind) == 0 && (name == NULL || strcmp(row->name, name) == 0) &&
           (key == NULL || memcmp(row->key, key, SEAL_PUBLIC) == 0);
}

static const struct registry_row *last_word(const struct noting *noting, const char *kind, const char *name,
                                            const unsigned char *key)
{
    for (size_t i = noting->count; i-- > 0;)
        if (is_about(&noting->rows[i], kind, name, key))
            return &noting->rows[i];
    return NULL;
}

static void add(struct noting *noting, const char *kind, const char *name, const unsigned char key[SEAL_PUBLIC],
                const char *scope, const char *status)
{
    static const unsigned char zero[SEAL_HASH];
    const unsigned char *previous = noting->count == 0 ? zero : noting->rows[noting->count - 1].hash;
    struct registry_row row = {.number = noting->count + 1, .after = noting->head, .seen_at = noting->now_ms};
    /* A store that is older than its registry: what is known now is the best there is for its past. */
    if (noting->known == 0)
        row.after = 0;
    (void)snprintf(row.kind, sizeof row.kind, "%s", kind);
    (void)snprintf(row.name, sizeof row.name, "%s", name);
    memcpy(row.key, key, SEAL_PUBLIC);
    (void)snprintf(row.scope, sizeof row.scope, "%s", scope);
    (void)snprintf(row.status, sizeof row.status, "%s", status);
    registry_hash(&row, previous, row.hash);
    noting->rows = memory_grow(noting->rows, &noting->capacity, noting->count + 1, sizeof *noting->rows);
    noting->rows[noting->count++] = row;
}

static void note_agents(struct noting *noting, const struct agent *agents, size_t agent_count)
{
    for (size_t i = 0; i < agent_count; i++) {
        const struct agent *agent = &agents[i];
        const char *status = agent->status == AGENT_ACTIVE ? "active" : "revoked";
        const struct registry_row *before = last_word(noting, "agent", agent->code, agent->key.sign);
        if (before == NULL || strcmp(before->scope, agent->scope) != 0 || strcmp(before->status, status) != 0)
            add(noting, "agent", agent->code, agent->key.sign, agent->scope, status);
    }
}

/* Who no longer stands in the table is out. */
static void note_gone(struct noting *noting, const struct agent *agents, size_t agent_count)
{
    for (size_t i = 0; i < noting->known; i++) {
        const struct registry_row row = noting->rows[i];
        bool stands = false;
        for (size_t a = 0; a < agent_count && !stands; a++)
            stands = is_about(&row, "agent", agents[a].code, agents[a].key.sign);
        if (!stands && strcmp(row.kind, "agent") == 0 &&
            strcmp(last_word(noting, "agent", row.name, row.key)->status, "active") == 0)
            add(noting, "agent", row.name, row.key, row.scope, "revoked");
    }
}

static enum status save(struct noting *noting, struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = noting->known; i < noting->count && status == STATUS_OK; i++)
        status = store_add_registry(noting->store, &noting->rows[i], why);
    return status;
}

enum status registry_note(struct store *store, const struct public_key *aggregator, const struct catalogue *catalogue,
                          const struct agent *agents, size_t agent_count, int64_t now_ms, struct fault *why)
{
    struct noting noting = {.store = store, .now_ms = now_ms};
    enum status status = store_begin(store, why);
    if (status == STATUS_OK)
        status = store_registry(store, &noting.rows, &noting.count, why);
    if (status == STATUS_OK)
        status = store_head(store, &noting.head, NULL, NULL, why);
    if (status != STATUS_OK)
        goto done;
    noting.known = noting.capacity = noting.count;
    const struct registry_row *own = last_word(&noting, "aggregator", NULL, NULL);
    if (own == NULL || !is_about(own, "aggregator", aggregator->name, aggregator->sign))
        add(&noting, "aggregator", aggregator->name, aggregator->sign, "", "active");
    const struct registry_row *before = last_word(&noting, "catalogue", NULL, NULL);
    if (before == NULL || memcmp(before->key, catalogue->hash, SEAL_HASH) != 0)
        add(&noting, "catalogue", catalogue->name, catalogue->hash, "", "active");
    note_agents(&noting, agents, agent_count);
    note_gone(&noting, agents, agent_count);
    status = save(&noting, why);
    if (status == STATUS_OK)
        status = store_commit(store, why);
done:
    if (status != STATUS_OK)
        store_rollback(store);
    free(noting.rows);
    return status;
}

enum status registry_note_restore(struct store *store, const unsigned char ended[16], const unsigned char begun[16],
                                  int64_t now_ms, struct fault *why)
{
    struct noting noting = {.store = store, .now_ms = now_ms};
    unsigned char hash[SEAL_HASH] = {0};
    char name[33], scope[33];
    enum status status = store_registry(store, &noting.rows, &noting.count, why);
    if (status == STATUS_OK)
        status = store_head(store, &noting.head, hash, NULL, why);
    if (status == STATUS_OK) {
        noting.known = noting.capacity = noting.count;
        seal_hex(ended, 16, name);
        seal_hex(begun, 16, scope);
        add(&noting, "restore", name, hash, scope, "restored");
        status = save(&noting, why);
    }
    free(noting.rows);
    return status;
}

/* ---- checkpoints ----------------------------------------------------------------------------------------------------- */

void checkpoints_forget(struct checkpoints *checkpoints)
{
    checkpoints->loaded = false;
}

enum status checkpoints_load(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
{
    struct checkpoint_row row;
    bool found;
    if (checkpoints->loaded)
        return STATUS_OK;
    const enum status status = store_newest_checkpoint(store, &found, &row, why);
    if (status != STATUS_OK)
        return status;
    checkpoints->entry = found ? row.entry : 0;
    checkpoints->text[0] = '\0';
    if (found)
        memcpy(checkpoints->text, row.text, sizeof checkpoints->text);
    /* When the last one was made is not asked of its text: the hour starts anew with the process. */
    checkpoints->made_at = now_ms;
    checkpoints->loaded = true;
    return STATUS_OK;
}

bool checkpoints_due(const struct checkpoints *checkpoints, uint64_t head, int64_t now_ms)
{
    return checkpoints->key != NULL && checkpoints->loaded && head > checkpoints->entry &&
           (head - checkpoints->entry >= REGISTRY_CHECKPOINT_ENTRIES ||
            now_ms - checkpoints->made_at >= REGISTRY_CHECKPOINT_MS || now_ms < checkpoints->made_at);
}

enum status checkpoints_make(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
{
    struct checkpoint made;
    struct registry_row *rows = NULL;
    size_t count = 0;
    char text[CHECKPOINT_TEXT];
    memset(&made, 0, sizeof made);
    if (checkpoints->key == NULL)
        return STATUS_OK;
    enum status status = store_head(store, &made.entry, made.hash, NULL, why);
    if (status == STATUS_OK && (made.entry == 0 || made.entry == checkpoints->entry))
        return STATUS_OK;
    if (status == STATUS_OK)
        status = store_generation(store, made.generation, why);
    if (status == STATUS_OK)
        status = store_registry(store, &rows, &count, why);
    if (status != STATUS_OK)
        return status;
    made.registry = count;
    if (count > 0)
        memcpy(made.registry_hash, rows[count - 1].hash, SEAL_HASH);
    free(rows);
    calendar_format_time(now_ms, made.time);
    memcpy(made.signer, checkpoints->key->public_key.name, sizeof made.signer);
    checkpoint_write(&made, checkpoints->key->sign, checkpoints->key->public_key.sign, text);
    status = store_add_checkpoint(store, made.entry, text, why);
    if (status != STATUS_OK)
        return status;
    checkpoints->entry = made.entry;
    checkpoints->made_at = now_ms;
    memcpy(checkpoints->text, text, sizeof text);
    return STATUS_OK;
}
