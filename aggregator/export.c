/* export.c - writing the folder. In short snapshots, as `verify` reads: an export of years does not hold the log back. */
#include "export.h"

#include "csv.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK 256

struct exporting {
    struct store *store;
    const char *folder;
    FILE *ledger;
    uint64_t position;
    struct fault *why;
    enum status status;      /* of the visitors */
    int64_t version;
};

static enum status cannot(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    return STATUS_BROKEN;
}

PRINTF_LIKE(2, 3)
static char *path_in(const char *folder, const char *format, ...)
{
    char name[400];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const size_t size = strlen(folder) + 1 + (length < 0 ? 0 : (size_t)length) + 1;
    char *path = memory_array(size, 1);
    if (length < 0 || (size_t)length >= sizeof name || snprintf(path, size, "%s/%s", folder, name) < 0)
        path[0] = '\0'; /* opens nothing */
    return path;
}

static enum status make_folder(const char *path, struct fault *why)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ? STATUS_OK : cannot(path, why);
}

static enum status close_file(FILE *file, const char *path, struct fault *why)
{
    const bool failed = ferror(file) != 0;
    return fclose(file) == 0 && !failed ? STATUS_OK : cannot(path, why);
}

static enum status write_file(const char *path, const void *bytes, size_t length, struct fault *why)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return cannot(path, why);
    if (length > 0)
        (void)fwrite(bytes, 1, length, file); /* a failure shows when it is closed */
    return close_file(file, path, why);
}

/* ---- entries --------------------------------------------------------------------------------------------------------- */

static void put_number(FILE *file, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        (void)fputc((int)(number >> 8 * i & 0xff), file);
}

static void put_bytes(FILE *file, const void *bytes, size_t length)
{
    if (length > 0)
        (void)fwrite(bytes, 1, length, file);
}

static void put_entry(FILE *file, const struct entry *entry)
{
    const size_t agent = strlen(entry->agent);
    put_number(file, 8 + 8 + 8 + 16 + SEAL_HASH + SEAL_SIGNATURE + SEAL_HASH + 1 + agent + 4 + entry->outcome_length +
                         entry->length, 4);
    put_number(file, entry->number, 8);
    put_number(file, (uint64_t)entry->received_at, 8);
    put_number(file, entry->seq, 8);
    put_bytes(file, entry->outbox, 16);
    put_bytes(file, entry->chain, SEAL_HASH);
    put_bytes(file, entry->signature, SEAL_SIGNATURE);
    put_bytes(file, entry->hash, SEAL_HASH);
    put_number(file, agent, 1);
    put_bytes(file, entry->agent, agent);
    put_number(file, entry->outcome_length, 4);
    put_bytes(file, entry->outcome, entry->outcome_length);
    put_bytes(file, entry->bytes, entry->length);
}

static enum status write_chunk(struct exporting *exporting, bool *ret_end, struct fault *why)
{
    enum status status = STATUS_OK;
    *ret_end = false;
    for (int i = 0; status == STATUS_OK && i < CHUNK && !*ret_end; i++) {
        struct entry entry;
        bool found = false;
        status = store_entry_after(exporting->store, exporting->position, &entry, &found, why);
        *ret_end = status == STATUS_OK && !found;
        if (status != STATUS_OK || !found)
            break;
        put_entry(exporting->ledger, &entry);
        exporting->position = entry.number;
        if (ferror(exporting->ledger) != 0)
            status = cannot(exporting->folder, why);
    }
    return status;
}

/* ---- what stands beside them ------------------------------------------------------------------------------------------- */

static void put_field(FILE *file, const char *text, char end)
{
    csv_write_field(file, text, ',');
    (void)fputc(end, file);
}

static void put_hex(FILE *file, const void *bytes, size_t length, char end)
{
    char hex[2 * SEAL_HASH + 1];
    seal_hex(bytes, length, hex);
    put_field(file, hex, end);
}

static enum status begin_csv(const char *path, const char *head, FILE **ret_file, struct fault *why)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return cannot(path, why);
    (void)fputs(head, file);
    *ret_file = file;
    return STATUS_OK;
}

static enum status write_registry(struct exporting *exporting, struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    enum status status = store_registry(exporting->store, &rows, &count, why);
    char *path = path_in(exporting->folder, "registry.csv");
    FILE *file = NULL;
    if (status == STATUS_OK)
        status = begin_csv(path, EXPORT_REGISTRY "\n", &file, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        (void)fprintf(file, "%" PRIu64 ",%s,", rows[i].number, rows[i].kind);
        put_field(file, rows[i].name, ',');
        put_hex(file, rows[i].key, SEAL_PUBLIC, ',');
        put_field(file, rows[i].scope, ',');
        (void)fprintf(file, "%s,%" PRIu64 ",%" PRId64 ",", rows[i].status, rows[i].after, rows[i].seen_at);
        put_hex(file, rows[i].hash, SEAL_HASH, '\n');
    }
    if (status == STATUS_OK)
        status = close_file(file, path, why);
    free(rows);
    free(path);
    return status;
}

static enum status write_streams(struct exporting *exporting, struct fault *why)
{
    struct stream *rows = NULL;
    size_t count = 0;
    enum status status = store_streams(exporting->store, &rows, &count, why);
    char *path = path_in(exporting->folder, "streams.csv");
    FILE *file = NULL;
    if (status == STATUS_OK)
        status = begin_csv(path, EXPORT_STREAMS "\n", &file, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        put_field(file, rows[i].agent, ',');
        put_hex(file, rows[i].outbox, 16, ',');
        (void)fprintf(file, "%" PRIu64 ",", rows[i].watermark);
        put_hex(file, rows[i].chain, SEAL_HASH, '\n');
    }
    if (status == STATUS_OK)
        status = close_file(file, path, why);
    free(rows);
    free(path);
    return status;
}

static enum status write_checkpoints(struct exporting *exporting, struct fault *why)
{
    struct checkpoint_row *rows = NULL;
    size_t count = 0;
    char *folder = path_in(exporting->folder, "checkpoints");
    enum status status = make_folder(folder, why);
    if (status == STATUS_OK)
        status = store_checkpoints(exporting->store, 0, &rows, &count, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        char *path = path_in(folder, "%012" PRIu64 ".txt", rows[i].entry);
        status = write_file(path, rows[i].text, strlen(rows[i].text), why);
        free(path);
    }
    free(rows);
    free(folder);
    return status;
}

static void write_catalogue_file(void *context, const char *name, const char *bytes, size_t length)
{
    struct exporting *exporting = context;
    if (exporting->status != STATUS_OK || strchr(name, '/') != NULL)
        return;
    char *path = path_in(exporting->folder, "catalogue/%" PRId64 "/%s", exporting->version, name);
    exporting->status = write_file(path, bytes, length, exporting->why);
    free(path);
}

static enum status write_catalogues(struct exporting *exporting, struct fault *why)
{
    struct catalogue_row *rows = NULL;
    size_t count = 0;
    char *folder = path_in(exporting->folder, "catalogue");
    enum status status = make_folder(folder, why);
    if (status == STATUS_OK)
        status = store_catalogues(exporting->store, &rows, &count, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        char *path = path_in(folder, "%" PRId64, rows[i].version);
        exporting->version = rows[i].version;
        status = make_folder(path, why);
        if (status == STATUS_OK)
            status = store_catalogue_files(exporting->store, rows[i].version, write_catalogue_file, exporting, why);
        if (status == STATUS_OK)
            status = exporting->status;
        free(path);
    }
    free(rows);
    free(folder);
    return status;
}

static enum status write_readme(const struct exporting *exporting, struct fault *why)
{
    char text[1024];
    char *path = path_in(exporting->folder, "README.txt");
    (void)snprintf(text, sizeof text,
                   "The ledger of a Suanpan aggregator, entries 1 to %" PRIu64 ".\n"
                   "Check it anywhere, with nothing but this folder and the public keys you trust:\n"
                   "  suanpan ledger verify THIS_FOLDER --keys FOLDER_OF_PUB_FILES --checkpoint A_CHECKPOINT_YOU_KEPT\n"
                   "Without --keys the keys in registry.csv are believed. ledger.bin: one frame an entry, drawn in export.h.\n",
                   exporting->position);
    const enum status status = write_file(path, text, strlen(text), why);
    free(path);
    return status;
}

/* Inside the snapshot that saw the end of the ledger. */
static enum status write_rest(struct exporting *exporting, struct fault *why)
{
    enum status status = write_registry(exporting, why);
    if (status == STATUS_OK)
        status = write_streams(exporting, why);
    if (status == STATUS_OK)
        status = write_checkpoints(exporting, why);
    if (status == STATUS_OK)
        status = write_catalogues(exporting, why);
    return status == STATUS_OK ? write_readme(exporting, why) : status;
}

static enum status write_all(struct exporting *exporting, struct fault *why)
{
    bool end = false;
    enum status status = STATUS_OK;
    put_bytes(exporting->ledger, EXPORT_MAGIC, strlen(EXPORT_MAGIC));
    while (status == STATUS_OK && !end) {
        status = store_begin(exporting->store, why);
        if (status == STATUS_OK)
            status = write_chunk(exporting, &end, why);
        if (status == STATUS_OK && end)
            status = write_rest(exporting, why);
        store_rollback(exporting->store);
    }
    return status;
}

enum status export_write(const char *store_path, const char *folder, uint64_t *ret_entries, struct fault *why)
{
    struct exporting exporting = {.folder = folder, .why = why};
    char *path = path_in(folder, "ledger.bin");
    struct stat about;
    enum status status = store_open(store_path, STORE_READ, &exporting.store, why);
    if (status == STATUS_OK && stat(path, &about) == 0) {
        fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(EEXIST), NULL);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_OK)
        status = make_folder(folder, why);
    exporting.ledger = status == STATUS_OK ? fopen(path, "wb") : NULL;
    if (status == STATUS_OK && exporting.ledger == NULL)
        status = cannot(path, why);
    if (status == STATUS_OK)
        status = write_all(&exporting, why);
    if (exporting.ledger != NULL) {
        struct fault ignored = {0};
        const enum status closed = close_file(exporting.ledger, path, status == STATUS_OK ? why : &ignored);
        status = status == STATUS_OK ? closed : status;
    }
    if (status == STATUS_OK)
        *ret_entries = exporting.position;
    store_close(&exporting.store);
    free(path);
    return status;
}
