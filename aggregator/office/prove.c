/* prove.c - see prove.h: keys and checkpoints from outside, progress, rows. */
#include "prove.h"

#include "export.h"
#include "file.h"
#include "keys.h"
#include "memory.h"
#include "telling.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_HEAD "suanpan-ledger/"

static const char *const columns[] = {"check", "result", "entries", "first_bad", "detail"};
static const char *const export_columns[] = {"entries", "folder"};

/* ---- from outside ---------------------------------------------------------------------------------------------------- */

struct outside {
    struct public_key_of *keys;
    size_t key_count, key_capacity;
    char *text;              /* the checkpoint file */
    const char **checkpoints;
    size_t checkpoint_count, checkpoint_capacity;
};

static void add_key(struct outside *outside, const char *name, const unsigned char key[SEAL_PUBLIC])
{
    outside->keys = memory_grow(outside->keys, &outside->key_capacity, outside->key_count + 1, sizeof *outside->keys);
    struct public_key_of *added = &outside->keys[outside->key_count++];
    memset(added, 0, sizeof *added);
    (void)snprintf(added->name, sizeof added->name, "%s", name);
    memcpy(added->key, key, SEAL_PUBLIC);
}

/* A later key of an agent is kept under its name with a number, east.2: the name without it, or NULL. */
static char *without_number(const char *name)
{
    const char *point = strrchr(name, '.');
    const bool is_numbered = point != NULL && point != name && point[1] != '\0' && strspn(point + 1, "0123456789") == strlen(point + 1);
    return is_numbered ? memory_copy_text_length(name, (size_t)(point - name)) : NULL;
}

/* Every NAME.pub: a key of NAME, of the name inside, and of the agent whose later key it is. */
static enum status load_keys(const char *folder, struct outside *outside, struct fault *why)
{
    DIR *listing = opendir(folder);
    enum status status = STATUS_OK;
    if (listing == NULL) {
        fault_set(why, MESSAGE_CANNOT_READ, folder, strerror(errno), NULL);
        return STATUS_REFUSED;
    }
    for (const struct dirent *item = readdir(listing); item != NULL && status == STATUS_OK; item = readdir(listing)) {
        const size_t length = strlen(item->d_name);
        struct public_key key;
        if (length <= 4 || strcmp(item->d_name + length - 4, ".pub") != 0)
            continue;
        char *path = file_path_in(folder, item->d_name), *name = memory_copy_text_length(item->d_name, length - 4);
        status = keys_load_public(path, &key, why);
        if (status == STATUS_OK)
            add_key(outside, name, key.sign);
        if (status == STATUS_OK && strcmp(name, key.name) != 0)
            add_key(outside, key.name, key.sign);
        char *agent = without_number(name);
        if (status == STATUS_OK && agent != NULL)
            add_key(outside, agent, key.sign);
        free(agent);
        free(name);
        free(path);
    }
    closedir(listing);
    if (status == STATUS_OK && outside->key_count == 0) {
        fault_set(why, MESSAGE_CANNOT_READ, folder, "no .pub file", NULL);
        status = STATUS_REFUSED;
    }
    return status;
}

/* One checkpoint after another, as they were kept. Each begins with its origin. */
static enum status load_checkpoints(const char *path, struct outside *outside, struct fault *why)
{
    size_t length = 0;
    const enum status status = file_read(path, LIMIT_FILE_BYTES, &outside->text, &length, why);
    if (status != STATUS_OK)
        return status;
    for (char *at = outside->text; at != NULL;) {
        char *next = strstr(at + 1, "\n" NOTE_HEAD);
        if (next != NULL) { /* the line end belongs to the one before */
            char *copy = memory_copy_text_length(at, (size_t)(next + 1 - at));
            outside->checkpoints = memory_grow(outside->checkpoints, &outside->checkpoint_capacity,
                                               outside->checkpoint_count + 1, sizeof *outside->checkpoints);
            outside->checkpoints[outside->checkpoint_count++] = copy;
            at = next + 1;
            continue;
        }
        outside->checkpoints = memory_grow(outside->checkpoints, &outside->checkpoint_capacity,
                                           outside->checkpoint_count + 1, sizeof *outside->checkpoints);
        outside->checkpoints[outside->checkpoint_count++] = memory_copy_text(at);
        at = NULL;
    }
    return STATUS_OK;
}

static void outside_free(struct outside *outside)
{
    for (size_t i = 0; i < outside->checkpoint_count; i++)
        free((void *)(uintptr_t)outside->checkpoints[i]);
    free(outside->checkpoints);
    free(outside->keys);
    free(outside->text);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static void add_row(struct table *table, const char *check, enum verify_result result, uint64_t looked_at,
                    uint64_t first_bad, const char *detail)
{
    static const char *const results[] = {[VERIFY_OK] = "ok", [VERIFY_BAD] = "bad", [VERIFY_SKIPPED] = "skipped"};
    table_add(table, check);
    table_add(table, results[result]);
    table_add_number(table, looked_at);
    if (first_bad == 0)
        table_add(table, NULL);
    else
        table_add_number(table, first_bad);
    table_add(table, detail[0] == '\0' ? NULL : detail);
}

static void make_table(const struct verification *verification, struct table *table)
{
    uint64_t entries = 0;
    table_start(table, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < verification->count; i++) {
        const struct verify_row *row = &verification->rows[i];
        add_row(table, row->check, row->result, row->looked_at, row->first_bad, row->detail);
        entries = strcmp(row->check, proof_check_name(PROOF_ENTRIES)) == 0 ? row->looked_at : entries;
    }
    add_row(table, "all", verification->sound ? VERIFY_OK : VERIFY_BAD, entries, verification->first_bad, "");
}

typedef enum status prover(const char *place, const struct verify_request *request, struct verification *found,
                           struct fault *why);

static enum status run_store(const char *place, const struct verify_request *request, struct verification *found,
                             struct fault *why)
{
    struct verify_request asked = *request;
    asked.path = place;
    return verify_store(&asked, found, why);
}

static enum status prove(const char *place, prover *run, const struct prove_request *request, struct table *ret_table,
                         bool *ret_sound, struct fault *why)
{
    struct outside outside = {.keys = NULL};
    struct telling telling = {.told = false};
    struct verification found;
    enum status status = request->keys != NULL ? load_keys(request->keys, &outside, why) : STATUS_OK;
    if (status == STATUS_OK && request->checkpoint != NULL)
        status = load_checkpoints(request->checkpoint, &outside, why);
    const struct verify_request asked = {.full = request->full, .keys = outside.keys, .key_count = outside.key_count,
                                         .checkpoints = outside.checkpoints,
                                         .checkpoint_count = outside.checkpoint_count,
                                         .progress = request->tells ? telling_step : NULL, .context = &telling};
    if (status == STATUS_OK)
        status = run(place, &asked, &found, why);
    telling_end(&telling);
    if (status == STATUS_OK) {
        make_table(&found, ret_table);
        *ret_sound = found.sound;
    }
    outside_free(&outside);
    return status;
}

enum status prove_store(const char *path, const struct prove_request *request, struct table *ret_table, bool *ret_sound,
                        struct fault *why)
{
    return prove(path, run_store, request, ret_table, ret_sound, why);
}

enum status prove_export(const char *folder, const struct prove_request *request, struct table *ret_table,
                         bool *ret_sound, struct fault *why)
{
    return prove(folder, export_verify, request, ret_table, ret_sound, why);
}

enum status prove_write_export(const char *path, const char *folder, struct table *ret_table, struct fault *why)
{
    uint64_t entries = 0;
    const enum status status = export_write(path, folder, &entries, why);
    if (status != STATUS_OK)
        return status;
    table_start(ret_table, export_columns, ARRAY_LEN(export_columns));
    table_add_number(ret_table, entries);
    table_add(ret_table, folder);
    return STATUS_OK;
}
