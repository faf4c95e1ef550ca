/* backup.c - making one: copy, prove, state, give it its name. See backup.h. */
#include "backup.h"

#include "backup_folder.h"
#include "calendar.h"
#include "csv.h"
#include "file.h"
#include "memory.h"
#include "text.h"
#include "verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES (16 << 20)
#define KEY_BYTES 4096
#define AHEAD_MS 600000 /* a statement made with another clock may be so far ahead of ours */

struct making {
    const struct backup_request *request;
    struct backup_folder *folder;
    struct store *store;     /* only read */
    const char *step;
    enum status status;      /* of the visitor */
    struct fault *why;
};

static void tell(void *context, uint64_t done, uint64_t all)
{
    const struct making *making = context;
    if (making->request->progress != NULL)
        making->request->progress(making->request->context, making->step, done, all);
}

/* ---- the copy and what is in force beside it ------------------------------------------------------------------------------ */

static void write_catalogue_file(void *context, const char *name, const char *bytes, size_t length)
{
    struct making *making = context;
    char path[512];
    if (making->status == STATUS_OK && snprintf(path, sizeof path, "catalogue/%s", name) < (int)sizeof path)
        making->status = backup_folder_write(making->folder, path, bytes, length, making->why);
}

static enum status write_catalogue(struct making *making, struct fault *why)
{
    struct catalogue_row *rows = NULL;
    size_t count = 0;
    enum status status = store_catalogues(making->store, &rows, &count, why);
    making->why = why;
    making->status = STATUS_OK;
    if (status == STATUS_OK && count > 0)
        status = store_catalogue_files(making->store, rows[count - 1].version, write_catalogue_file, making, why);
    free(rows);
    return status == STATUS_OK ? making->status : status;
}

/* What the snapshot says of the ledger; everything else is copied and proved against it. */
static enum status read_head(struct making *making, struct checkpoint *statement, struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    enum status status = store_head(making->store, &statement->entry, statement->hash, NULL, why);
    if (status == STATUS_OK && statement->entry == 0) {
        fault_set(why, MESSAGE_BACKUP_EMPTY, making->request->store, NULL);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_OK)
        status = store_generation(making->store, statement->generation, why);
    if (status == STATUS_OK)
        status = store_registry(making->store, &rows, &count, why);
    statement->registry = count;
    if (count > 0)
        memcpy(statement->registry_hash, rows[count - 1].hash, SEAL_HASH);
    free(rows);
    return status;
}

static enum status copy_store(struct making *making, struct checkpoint *statement, struct fault *why)
{
    char *path = backup_folder_path(making->folder, BACKUP_STORE);
    enum status status = store_begin(making->store, why);
    if (status == STATUS_OK)
        status = read_head(making, statement, why);
    making->step = "copy";
    if (status == STATUS_OK)
        status = store_copy(making->store, path, tell, making, why);
    if (status == STATUS_OK)
        status = write_catalogue(making, why);
    store_rollback(making->store);
    making->step = "hash";
    if (status == STATUS_OK)
        status = backup_folder_add(making->folder, BACKUP_STORE, tell, making, why);
    free(path);
    return status;
}

/* A relative path that stays below the folder is kept as it is, any other key lies under its own name. */
static void place_key(const char *path, char *ret_name, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    const bool inside = path[0] != '/' && strstr(path, "..") == NULL && path[0] != '\0';
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    (void)snprintf(ret_name, capacity, "%s%s", inside ? "" : "keys/", inside || slash == NULL ? path : slash + 1);
}

static enum status copy_key(struct making *making, const char *agents_folder, const char *path, struct fault *why)
{
    char name[4096], *bytes = NULL, *full = file_path_in(agents_folder, path);
    size_t length = 0;
    struct public_key key;
    /* Loaded as a public key first: whatever else stands there does not belong into a backup. */
    enum status status = keys_load_public(full, &key, why);
    if (status == STATUS_OK)
        status = file_read(full, KEY_BYTES, &bytes, &length, why);
    place_key(path, name, sizeof name);
    char *place = backup_folder_path(making->folder, name);
    FILE *there = file_open(place); /* two rows may name one file */
    if (status == STATUS_OK && there == NULL)
        status = backup_folder_write(making->folder, name, bytes, length, why);
    if (there != NULL)
        (void)fclose(there);
    free(place);
    free(bytes);
    free(full);
    return status;
}

/* Every file that the column `pub` names. */
static enum status copy_keys(struct making *making, const char *text, size_t length, const char *folder,
                             struct fault *why)
{
    struct csv_reader *reader = csv_open(text, length, 0);
    struct csv_row row;
    size_t column = SIZE_MAX;
    bool end = false;
    enum status status;
    while ((status = csv_next(reader, &row, &end, why)) == STATUS_OK && !end) {
        for (size_t i = 0; column == SIZE_MAX && i < row.count; i++) {
            const char *name = row.fields[i].text;
            const size_t width = text_trim(&name, row.fields[i].length);
            column = width == 3 && memcmp(name, "pub", 3) == 0 ? i : SIZE_MAX;
            if (column == i)
                row.count = 0; /* the head itself names no file */
        }
        if (column == SIZE_MAX || column >= row.count)
            continue;
        const char *cell = row.fields[column].text;
        const size_t width = text_trim(&cell, row.fields[column].length);
        char *path = memory_copy_text_length(cell, width);
        status = width > 0 ? copy_key(making, folder, path, why) : STATUS_OK;
        free(path);
        if (status != STATUS_OK)
            break;
    }
    csv_close(&reader);
    return status;
}

static enum status copy_agents(struct making *making, struct fault *why)
{
    char *bytes = NULL, *text = NULL, *folder = NULL;
    size_t length = 0, text_length = 0;
    enum text_encoding encoding;
    if (making->request->agents == NULL)
        return STATUS_OK;
    enum status status = file_read(making->request->agents, TABLE_BYTES, &bytes, &length, why);
    if (status == STATUS_OK)
        status = backup_folder_write(making->folder, "agents.csv", bytes, length, why);
    if (status == STATUS_OK)
        status = file_folder(making->request->agents, &folder, why);
    if (status == STATUS_OK)
        status = text_decode(bytes, length, TEXT_AUTO, &text, &text_length, &encoding, why);
    if (status == STATUS_OK)
        status = copy_keys(making, text, text_length, folder, why);
    free(folder);
    free(text);
    free(bytes);
    return status;
}

/* ---- proving ----------------------------------------------------------------------------------------------------------- */

static enum status unsound(const char *store, const char *detail, struct fault *why)
{
    fault_set(why, MESSAGE_BACKUP_UNSOUND, store, detail, NULL);
    return STATUS_BROKEN;
}

/* Saved pages are made anew from the ledger when they are not sound: they decide nothing about a backup. */
static enum status judge(const char *store, const struct verification *found, struct fault *why)
{
    char detail[256];
    for (size_t i = 0; i < found->count; i++) {
        const struct verify_row *row = &found->rows[i];
        if (row->result != VERIFY_BAD || strcmp(row->check, "seals") == 0)
            continue;
        (void)snprintf(detail, sizeof detail, "%s, %" PRIu64 ": %.180s", row->check, row->first_bad, row->detail);
        return unsound(store, detail, why);
    }
    return STATUS_OK;
}

enum status backup_prove(const char *path, const struct checkpoint *statement, backup_progress *progress, void *context,
                         struct fault *why)
{
    const struct verify_request request = {.path = path, .progress = progress, .context = context};
    struct verification *found = memory_new(struct verification);
    struct store *store = NULL;
    unsigned char hash[SEAL_HASH] = {0}, generation[16];
    uint64_t head = 0;
    enum status status = verify_store(&request, found, why);
    if (status == STATUS_OK)
        status = judge(path, found, why);
    if (status == STATUS_OK)
        status = store_open(path, STORE_READ, &store, why);
    if (status == STATUS_OK)
        status = store_head(store, &head, hash, NULL, why);
    if (status == STATUS_OK)
        status = store_generation(store, generation, why);
    if (status == STATUS_OK && (head != statement->entry || memcmp(hash, statement->hash, SEAL_HASH) != 0 ||
                                memcmp(generation, statement->generation, sizeof generation) != 0))
        status = unsound(path, "its newest entry is not the one that was stated", why);
    store_close(&store);
    free(found);
    return status == STATUS_OK ? STATUS_OK : STATUS_BROKEN;
}

/* ---- making ------------------------------------------------------------------------------------------------------------- */

static void state(const struct backup_request *request, struct backup_made *made)
{
    struct checkpoint *statement = &made->statement;
    statement->of_backup = true;
    calendar_format_time(request->now_ms, statement->time);
    if (request->key != NULL)
        memcpy(statement->signer, request->key->public_key.name, sizeof statement->signer);
    checkpoint_write(statement, request->key != NULL ? request->key->sign : NULL,
                     request->key != NULL ? request->key->public_key.sign : NULL, made->text);
}

enum status backup_make(const struct backup_request *request, struct backup_made *ret_made, struct fault *why)
{
    struct making making = {.request = request};
    memset(ret_made, 0, sizeof *ret_made);
    enum status status = store_open(request->store, STORE_READ, &making.store, why);
    if (status == STATUS_OK)
        status = backup_folder_begin(request->folder, &making.folder, why);
    if (status == STATUS_OK)
        status = copy_store(&making, &ret_made->statement, why);
    if (status == STATUS_OK)
        status = copy_agents(&making, why);
    store_close(&making.store); /* proving takes its time, and the copy stands alone */
    if (status == STATUS_OK) {
        char *path = backup_folder_path(making.folder, BACKUP_STORE);
        status = backup_prove(path, &ret_made->statement, request->progress, request->context, why);
        free(path);
    }
    if (status == STATUS_OK)
        status = backup_folder_list(making.folder, &ret_made->statement.files, ret_made->statement.files_hash, why);
    if (status == STATUS_OK) {
        state(request, ret_made);
        ret_made->bytes = backup_folder_bytes(making.folder);
        status = backup_folder_seal(making.folder, BACKUP_STATEMENT, ret_made->text, why);
    }
    backup_folder_end(&making.folder);
    return status;
}

/* ---- taking note --------------------------------------------------------------------------------------------------------- */

enum status backup_holds(struct store *store, const char *text, const unsigned char key[SEAL_PUBLIC], int64_t now_ms,
                         bool *ret_holds, struct backup_mark *ret_mark, struct fault *why)
{
    struct checkpoint statement;
    unsigned char generation[16];
    struct entry entry;
    bool found = false;
    *ret_holds = false;
    if (!checkpoint_read(text, &statement) || !statement.of_backup || !checkpoint_holds(&statement, key) ||
        !calendar_parse_time(statement.time, &ret_mark->made_at) || ret_mark->made_at > now_ms + AHEAD_MS)
        return STATUS_OK;
    enum status status = store_generation(store, generation, why);
    if (status == STATUS_OK)
        status = store_entry_after(store, statement.entry - 1, &entry, &found, why);
    if (status != STATUS_OK)
        return status;
    ret_mark->entry = statement.entry;
    memcpy(ret_mark->hash, statement.hash, SEAL_HASH);
    *ret_holds = found && entry.number == statement.entry && memcmp(entry.hash, statement.hash, SEAL_HASH) == 0 &&
                 memcmp(generation, statement.generation, sizeof generation) == 0;
    return STATUS_OK;
}

enum status backup_note(struct store *store, const struct backup_mark *mark, struct fault *why)
{
    struct backup_mark former = {.entry = 0};
    bool found = false;
    enum status status = store_begin(store, why);
    if (status == STATUS_OK)
        status = store_backup(store, &found, &former, why);
    if (status == STATUS_OK && (!found || former.entry < mark->entry ||
                                (former.entry == mark->entry && former.made_at < mark->made_at)))
        status = store_set_backup(store, mark, why);
    if (status == STATUS_OK)
        status = store_commit(store, why);
    if (status != STATUS_OK)
        store_rollback(store);
    return status;
}
