/* registry.c - see registry.h. Rows are few (a key's life has two or three), so the whole registry is read and compared. */
#include "registry.h"

#include "calendar.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- chain ------------------------------------------------------------------------------------------------------------- */

void registry_hash(const struct registry_row *row, const unsigned char previous[SEAL_HASH],
                   unsigned char ret_hash[SEAL_HASH])
{
    struct seal_hasher *hasher = seal_hasher_new();
    seal_hasher_add(hasher, "registry/1", 10);
    seal_hasher_add_number(hasher, row->number);
    seal_hasher_add(hasher, previous, SEAL_HASH);
    seal_hasher_add_text(hasher, row->kind);
    seal_hasher_add_text(hasher, row->name);
    seal_hasher_add(hasher, row->key, sizeof row->key);
    seal_hasher_add_text(hasher, row->scope);
    seal_hasher_add_text(hasher, row->status);
    seal_hasher_add_number(hasher, row->after);
    seal_hasher_add_number(hasher, (uint64_t)row->seen_at);
    seal_hasher_finish(&hasher, ret_hash);
}

/* ---- what differs ---------------------------------------------------------------------------------------------------- */

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

enum status registry_restores(struct store *store, struct restores *ret_restores, struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0, capacity = 0;
    const enum status status = store_registry(store, &rows, &count, why);
    *ret_restores = (struct restores){0};
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        if (strcmp(rows[i].kind, "restore") != 0)
            continue;
        ret_restores->items = memory_grow(ret_restores->items, &capacity, ret_restores->count + 1, sizeof *ret_restores->items);
        struct restore_point *point = &ret_restores->items[ret_restores->count++];
        (void)snprintf(point->ended, sizeof point->ended, "%.32s", rows[i].name);
        point->after = rows[i].after;
    }
    free(rows);
    return status;
}

uint64_t restores_common(const struct restores *restores, const unsigned char generation[16])
{
    char name[33];
    uint64_t common = UINT64_MAX;
    seal_hex(generation, 16, name);
    for (size_t i = restores->count; i-- > 0;) {
        common = restores->items[i].after < common ? restores->items[i].after : common;
        if (strcmp(restores->items[i].ended, name) == 0)
            return common;
    }
    return restores->count == 0 ? UINT64_MAX : restores->items[restores->count - 1].after;
}

/* ---- checkpoints ----------------------------------------------------------------------------------------------------- */

void checkpoints_forget(struct checkpoints *checkpoints)
{
    checkpoints->loaded = checkpoints->knows_registry = false;
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

static enum status learn_registry(struct checkpoints *checkpoints, struct store *store, struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    if (checkpoints->knows_registry)
        return STATUS_OK;
    const enum status status = store_registry(store, &rows, &count, why);
    if (status != STATUS_OK)
        return status;
    checkpoints->registry = count;
    memset(checkpoints->registry_hash, 0, SEAL_HASH);
    if (count > 0)
        memcpy(checkpoints->registry_hash, rows[count - 1].hash, SEAL_HASH);
    checkpoints->knows_registry = true;
    free(rows);
    return STATUS_OK;
}

/* Signs that the ledger has this chain value at this entry. */
static enum status sign(struct checkpoints *checkpoints, struct store *store, uint64_t entry,
                        const unsigned char hash[SEAL_HASH], int64_t now_ms, char ret_text[CHECKPOINT_TEXT],
                        struct fault *why)
{
    struct checkpoint made = {.entry = entry};
    enum status status = store_generation(store, made.generation, why);
    if (status == STATUS_OK)
        status = learn_registry(checkpoints, store, why);
    if (status != STATUS_OK)
        return status;
    memcpy(made.hash, hash, SEAL_HASH);
    made.registry = checkpoints->registry;
    memcpy(made.registry_hash, checkpoints->registry_hash, SEAL_HASH);
    calendar_format_time(now_ms, made.time);
    memcpy(made.signer, checkpoints->key->public_key.name, sizeof made.signer);
    checkpoint_write(&made, checkpoints->key->sign, checkpoints->key->public_key.sign, ret_text);
    return STATUS_OK;
}

enum status checkpoints_make(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    uint64_t head = 0;
    char text[CHECKPOINT_TEXT];
    if (checkpoints->key == NULL)
        return STATUS_OK;
    enum status status = store_head(store, &head, hash, NULL, why);
    if (status == STATUS_OK && (head == 0 || head == checkpoints->entry))
        return STATUS_OK;
    if (status == STATUS_OK)
        status = sign(checkpoints, store, head, hash, now_ms, text, why);
    if (status == STATUS_OK)
        status = store_add_checkpoint(store, head, text, why);
    if (status != STATUS_OK)
        return status;
    checkpoints->entry = head;
    checkpoints->made_at = now_ms;
    return STATUS_OK;
}

enum status checkpoints_tell_head(struct checkpoints *checkpoints, struct store *store, int64_t now_ms, struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    uint64_t head = 0;
    if (checkpoints->key == NULL)
        return STATUS_OK;
    enum status status = store_head(store, &head, hash, NULL, why);
    if (status != STATUS_OK || head == 0 || (head == checkpoints->told && checkpoints->knows_registry))
        return status;
    status = sign(checkpoints, store, head, hash, now_ms, checkpoints->text, why);
    if (status == STATUS_OK)
        checkpoints->told = head;
    return status;
}

enum status checkpoints_tell(struct checkpoints *checkpoints, struct store *store, uint64_t entry, int64_t now_ms,
                             char ret_text[CHECKPOINT_TEXT], struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    bool found = false;
    ret_text[0] = '\0';
    if (checkpoints->key == NULL || entry == 0)
        return STATUS_OK;
    const enum status status = store_hash_at(store, entry, hash, &found, why);
    return status == STATUS_OK && found ? sign(checkpoints, store, entry, hash, now_ms, ret_text, why) : status;
}
