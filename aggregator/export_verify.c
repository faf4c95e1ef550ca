/* export_verify.c - checks an export. Shares the pure checks of proof.h and the decoders of schemas with the aggregator,
 * and nothing that stores, caches or adds up: records are played one by one into a table of cells, the slow and obvious
 * way, so that an error in the abacus would show as other sums. */
#include "export.h"

#include "csv.h"
#include "file.h"
#include "limit.h"
#include "memory.h"
#include "outcome.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MOST (LIMIT_BATCH_BYTES + (1 << 20))
#define TELL_EACH 256

struct cell_of_export {
    bool used, live, has_figure;
    uint32_t element, unit, revision;
    struct period period;
    int64_t value;
};

struct checking {
    const char *folder;
    const struct verify_request *request;
    struct verification *found;
    struct proof *proof;
    struct catalogue *catalogue;
    FILE *ledger;
    unsigned char *frame; size_t frame_capacity;
    struct refusal *refusals; size_t refusal_capacity;
    struct batch *batch;
    struct cell_of_export *cells; size_t cell_count, cell_space;
    uint64_t records;
};

/* ---- small files ------------------------------------------------------------------------------------------------------- */

static bool read_hex(const char *text, unsigned char *ret_bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * length)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);
        if (high == NULL || low == NULL)
            return false;
        ret_bytes[i] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return true;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
    char *rest;
    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret_number = strtoull(text, &rest, 10);
    return *rest == '\0';
}

static bool copy_text(const char *text, char *ret_text, size_t capacity)
{
    const int length = snprintf(ret_text, capacity, "%s", text);
    return length >= 0 && (size_t)length < capacity;
}

static bool read_registry_row(const struct csv_row *row, struct registry_row *ret_row)
{
    uint64_t seen_at = 0;
    bool is_sound;
    *ret_row = (struct registry_row){.number = 0};
    if (row->count != 9)
        return false;
    is_sound = read_number(row->fields[0].text, &ret_row->number) &&
               copy_text(row->fields[1].text, ret_row->kind, sizeof ret_row->kind) &&
               copy_text(row->fields[2].text, ret_row->name, sizeof ret_row->name) &&
               read_hex(row->fields[3].text, ret_row->key, SEAL_PUBLIC) &&
               copy_text(row->fields[4].text, ret_row->scope, sizeof ret_row->scope) &&
               copy_text(row->fields[5].text, ret_row->status, sizeof ret_row->status) &&
               read_number(row->fields[6].text, &ret_row->after) && read_number(row->fields[7].text, &seen_at) &&
               read_hex(row->fields[8].text, ret_row->hash, SEAL_HASH);
    ret_row->seen_at = (int64_t)seen_at;
    return is_sound;
}

static bool read_stream_row(const struct csv_row *row, struct stream *ret_row)
{
    *ret_row = (struct stream){.epoch = 0};
    return row->count == 4 && copy_text(row->fields[0].text, ret_row->agent, sizeof ret_row->agent) &&
           read_hex(row->fields[1].text, ret_row->outbox, 16) && read_number(row->fields[2].text, &ret_row->watermark) &&
           read_hex(row->fields[3].text, ret_row->chain, SEAL_HASH);
}

/* Calls `take` for every row but the first; STATUS_REFUSED for a file that is not what was written. */
typedef bool row_taker(void *context, const struct csv_row *row);

static enum status each_row(const char *folder, const char *name, const char *heading, row_taker *take, void *context,
                            struct fault *why)
{
    char *path = file_path_in(folder, name), *bytes = NULL;
    struct csv_reader *reader = NULL;
    struct csv_row row;
    size_t length = 0;
    bool end = false;
    enum status status = file_read(path, LIMIT_FILE_BYTES, &bytes, &length, why);
    if (status != STATUS_OK)
        goto done;
    reader = csv_open(bytes, length, ',');
    for (bool first = true; status == STATUS_OK; first = false) {
        status = csv_next(reader, &row, &end, why);
        if (status != STATUS_OK || end)
            break;
        if (first ? row.raw_length != strlen(heading) || memcmp(row.raw, heading, row.raw_length) != 0
                  : !take(context, &row)) {
            fault_set(why, MESSAGE_CANNOT_READ, path, "a row is not what was written", NULL);
            status = STATUS_REFUSED;
        }
    }
done:
    csv_close(&reader);
    free(bytes);
    free(path);
    return status;
}

struct registry_list {
    struct registry_row *rows;
    size_t count, capacity;
};

static bool take_registry_row(void *context, const struct csv_row *row)
{
    struct registry_list *list = context;
    list->rows = memory_grow(list->rows, &list->capacity, list->count + 1, sizeof *list->rows);
    return read_registry_row(row, &list->rows[list->count++]);
}

static bool take_stream_row(void *context, const struct csv_row *row)
{
    struct checking *checking = context;
    struct stream stream;
    if (!read_stream_row(row, &stream))
        return false;
    proof_stream(checking->proof, &stream);
    return true;
}

static enum status check_registry_file(struct checking *checking, struct fault *why)
{
    struct registry_list list = {.rows = NULL};
    const enum status status = each_row(checking->folder, "registry.csv", EXPORT_REGISTRY, take_registry_row, &list, why);
    if (status == STATUS_OK)
        proof_registry(checking->proof, list.rows, list.count);
    free(list.rows);
    return status;
}

static int by_text(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Names in the folder that do not start with a dot, sorted; *ret_names and each of them are yours to free. */
static size_t list_folder(const char *path, char ***ret_names)
{
    DIR *folder = opendir(path);
    size_t count = 0, capacity = 0;
    *ret_names = NULL;
    if (folder == NULL)
        return 0;
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        if (item->d_name[0] == '.')
            continue;
        *ret_names = memory_grow(*ret_names, &capacity, count + 1, sizeof **ret_names);
        (*ret_names)[count++] = memory_copy_text(item->d_name);
    }
    closedir(folder);
    if (count > 0)
        qsort(*ret_names, count, sizeof **ret_names, by_text);
    return count;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static enum status check_checkpoint_files(struct checking *checking, struct fault *why)
{
    char *folder = file_path_in(checking->folder, "checkpoints"), **names = NULL;
    const size_t count = list_folder(folder, &names);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        char *path = file_path_in(folder, names[i]), *text = NULL;
        size_t length = 0;
        status = file_read(path, CHECKPOINT_TEXT, &text, &length, why);
        if (status == STATUS_OK) /* a zero byte inside ends the text, and then it is no checkpoint */
            proof_checkpoint(checking->proof, strtoull(names[i], NULL, 10), text);
        free(text);
        free(path);
    }
    for (size_t i = 0; i < checking->request->checkpoint_count; i++)
        proof_checkpoint(checking->proof, 0, checking->request->checkpoints[i]);
    free_names(names, count);
    free(folder);
    return status;
}

/* ---- the catalogue ------------------------------------------------------------------------------------------------------- */

static bool is_registered(const struct registry_list *list, const unsigned char hash[SEAL_HASH])
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].kind, "catalogue") == 0 && memcmp(list->rows[i].key, hash, SEAL_HASH) == 0)
            return true;
    return list->count == 0;
}

/* The newest; all must be ones the registry names. */
static enum status load_catalogues(struct checking *checking, struct fault *why)
{
    char *folder = file_path_in(checking->folder, "catalogue"), **names = NULL;
    const size_t count = list_folder(folder, &names);
    struct registry_list list = {.rows = NULL};
    uint64_t newest = 0, bad = 0;
    enum status status = each_row(checking->folder, "registry.csv", EXPORT_REGISTRY, take_registry_row, &list, why);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        char *path = file_path_in(folder, names[i]);
        struct findings findings = {0};
        struct catalogue *catalogue = NULL;
        const uint64_t version = strtoull(names[i], NULL, 10);
        status = catalogue_load(path, &catalogue, &findings, why);
        const bool is_broken = findings.error_count > 0;
        findings_free(&findings);
        free(path);
        if (status != STATUS_OK)
            break;
        bad += is_broken || !is_registered(&list, catalogue->hash);
        if (version >= newest && !is_broken) { /* what has errors was never in force */
            newest = version;
            catalogue_free(&checking->catalogue);
            checking->catalogue = catalogue;
        } else
            catalogue_free(&catalogue);
    }
    if (status == STATUS_OK)
        verification_add(checking->found, "catalogues", bad > 0 || count == 0 ? VERIFY_BAD : VERIFY_OK, count, 0,
                         count == 0 ? "there is none" : bad > 0 ? "a catalogue is not the one the registry names" : "");
    free(list.rows);
    free_names(names, count);
    free(folder);
    return status;
}

/* ---- playing the records --------------------------------------------------------------------------------------------------- */

static size_t place_of(const struct checking *checking, uint32_t element, uint32_t unit, int32_t first)
{
    uint64_t key = ((uint64_t)element << 32 | unit) * 0x9E3779B97F4A7C15u;
    key = (key ^ (uint64_t)(uint32_t)first) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(key >> 20) & (checking->cell_space - 1);
    while (checking->cells[at].used && (checking->cells[at].element != element || checking->cells[at].unit != unit ||
                                        checking->cells[at].period.first != first))
        at = (at + 1) & (checking->cell_space - 1);
    return at;
}

static void make_room(struct checking *checking)
{
    struct cell_of_export *old = checking->cells;
    const size_t space = checking->cell_space;
    if (checking->cell_count * 2 < space)
        return;
    checking->cell_space = space == 0 ? 1024 : space * 2;
    checking->cells = memory_array(checking->cell_space, sizeof *checking->cells);
    for (size_t i = 0; i < space; i++)
        if (old[i].used)
            checking->cells[place_of(checking, old[i].element, old[i].unit, old[i].period.first)] = old[i];
    free(old);
}

/* CONTRACT 4: none given replaces; higher replaces; the rest is history. */
static void play_record(struct checking *checking, const struct batch *batch, const struct batch_record *record)
{
    const struct catalogue *catalogue = checking->catalogue;
    const struct period period = batch->periods[record->period];
    const uint32_t element = catalogue_element(catalogue, batch->elements[record->element].code);
    const uint32_t unit = catalogue_unit(catalogue, batch->units[record->unit]);
    struct decimal value = {0, 0};
    if (element == NO_INDEX || unit == NO_INDEX)
        return;
    const struct form *form = &catalogue->forms[catalogue->elements[element].form];
    if (form->frequency != period.kind || form->level != catalogue->units[unit].level)
        return;
    if (record_status_has_value(record->status) &&
        decimal_rescale((struct decimal){record->value, batch->elements[record->element].decimals},
                        catalogue->elements[element].decimals, &value) != STATUS_OK)
        return;
    make_room(checking);
    struct cell_of_export *cell = &checking->cells[place_of(checking, element, unit, period.first)];
    const uint32_t revision = record->revision == NO_REVISION ? cell->revision + 1 : record->revision;
    if (revision <= cell->revision)
        return;
    checking->cell_count += !cell->used;
    *cell = (struct cell_of_export){.used = true, .live = record->status != RECORD_RETRACTED,
                                    .has_figure = record_status_has_value(record->status), .element = element,
                                    .unit = unit, .revision = revision, .period = period, .value = value.units};
}

static void play_entry(struct checking *checking, struct entry *entry)
{
    struct fault ignored = {0};
    size_t next = 0;
    if (checking->catalogue == NULL || !outcome_read(entry, &checking->refusals, &checking->refusal_capacity) ||
        entry->repeated || batch_decode(entry->bytes, entry->length, &checking->batch, &ignored) != STATUS_OK)
        return;
    for (size_t i = 0; i < checking->batch->record_count; i++) {
        if (next < entry->refusal_count && entry->refusals[next].index == i) {
            next++;
            continue;
        }
        checking->records++;
        play_record(checking, checking->batch, &checking->batch->records[i]);
    }
}

static const struct catalogue *sorting; /* qsort has no context; verification is one thread */

static int by_form(const void *one, const void *other)
{
    const struct cell_of_export *left = one, *right = other;
    const uint32_t left_form = sorting->elements[left->element].form, right_form = sorting->elements[right->element].form;
    if (left_form != right_form)
        return left_form < right_form ? -1 : 1;
    if (left->element != right->element)
        return left->element < right->element ? -1 : 1;
    return left->period.first < right->period.first ? -1 : left->period.first > right->period.first;
}

static void sum_cells(struct checking *checking)
{
    struct sums *sums = sums_new();
    char hex[2 * SEAL_HASH + 1], detail[128];
    uint64_t lines = 0;
    size_t count = 0;
    for (size_t i = 0; i < checking->cell_space; i++)
        if (checking->cells[i].used)
            checking->cells[count++] = checking->cells[i];
    sorting = checking->catalogue;
    if (count > 0)
        qsort(checking->cells, count, sizeof *checking->cells, by_form);
    for (size_t i = 0; i < count;) {
        const struct cell_of_export first = checking->cells[i];
        const struct element *element = &checking->catalogue->elements[first.element];
        uint64_t reported = 0, figures = 0;
        __int128 sum = 0;
        for (; i < count && checking->cells[i].element == first.element &&
               checking->cells[i].period.first == first.period.first; i++) {
            reported += checking->cells[i].live;
            figures += checking->cells[i].live && checking->cells[i].has_figure;
            sum += checking->cells[i].live && checking->cells[i].has_figure ? checking->cells[i].value : 0;
        }
        sums_add(sums, element->code, first.period, sum, element->decimals, reported, figures);
    }
    sums_finish(&sums, &lines, hex);
    (void)snprintf(detail, sizeof detail, "sums %s", hex);
    verification_add(checking->found, "figures", VERIFY_OK, lines, 0, detail);
}

/* ---- frames ------------------------------------------------------------------------------------------------------------------- */

static uint64_t take_number(const unsigned char **at, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | *(*at)++;
    return number;
}

static void take_bytes(const unsigned char **at, void *ret_bytes, size_t length)
{
    memcpy(ret_bytes, *at, length);
    *at += length;
}

static bool read_frame(const unsigned char *bytes, size_t length, struct entry *ret_entry)
{
    const size_t fixed = 8 + 8 + 8 + 16 + SEAL_HASH + SEAL_SIGNATURE + SEAL_HASH + 1;
    const unsigned char *at = bytes, *end = bytes + length;
    struct entry entry;
    memset(&entry, 0, sizeof entry);
    if (length < fixed + 4)
        return false;
    entry.number = take_number(&at, 8);
    entry.received_at = (int64_t)take_number(&at, 8);
    entry.seq = take_number(&at, 8);
    take_bytes(&at, entry.outbox, 16);
    take_bytes(&at, entry.chain, SEAL_HASH);
    take_bytes(&at, entry.signature, SEAL_SIGNATURE);
    take_bytes(&at, entry.hash, SEAL_HASH);
    const size_t agent = (size_t)take_number(&at, 1);
    if (agent >= sizeof entry.agent || (size_t)(end - at) < agent + 4 || memchr(at, '\0', agent) != NULL)
        return false;
    take_bytes(&at, entry.agent, agent);
    entry.outcome_length = (size_t)take_number(&at, 4);
    if ((size_t)(end - at) < entry.outcome_length)
        return false;
    entry.outcome = at;
    entry.bytes = at + entry.outcome_length;
    entry.length = (size_t)(end - entry.bytes);
    *ret_entry = entry;
    return true;
}

/* *ret_wrong is set when the file ends or errs inside a frame. */
static bool next_frame(struct checking *checking, struct entry *ret_entry, const char **ret_wrong)
{
    unsigned char head[4];
    const unsigned char *at = head;
    const size_t got = fread(head, 1, sizeof head, checking->ledger);
    if (got == 0 && feof(checking->ledger) != 0)
        return false;
    const size_t length = got < sizeof head ? 0 : (size_t)take_number(&at, 4);
    *ret_wrong = "ledger.bin ends inside it or was changed";
    if (length == 0 || length > FRAME_MOST)
        return false;
    checking->frame = memory_grow(checking->frame, &checking->frame_capacity, length, 1);
    if (fread(checking->frame, 1, length, checking->ledger) != length || !read_frame(checking->frame, length, ret_entry))
        return false;
    *ret_wrong = NULL;
    return true;
}

static enum status check_entries(struct checking *checking, struct fault *why)
{
    char *path = file_path_in(checking->folder, "ledger.bin"), magic[sizeof EXPORT_MAGIC] = "";
    const char *wrong = NULL;
    struct entry entry;
    enum status status = STATUS_OK;
    checking->ledger = fopen(path, "rb");
    if (checking->ledger == NULL) {
        fault_set(why, MESSAGE_CANNOT_READ, path, strerror(errno), NULL);
        status = STATUS_REFUSED;
    } else if (fread(magic, 1, strlen(EXPORT_MAGIC), checking->ledger) != strlen(EXPORT_MAGIC) ||
               strcmp(magic, EXPORT_MAGIC) != 0) {
        proof_unreadable(checking->proof, "ledger.bin does not begin as one");
    } else {
        while (next_frame(checking, &entry, &wrong)) {
            proof_entry(checking->proof, &entry);
            play_entry(checking, &entry);
            if (entry.number % TELL_EACH == 0 && checking->request->progress != NULL)
                checking->request->progress(checking->request->context, "ledger", entry.number, 0);
        }
        if (wrong != NULL)
            proof_unreadable(checking->proof, wrong);
    }
    free(path);
    return status;
}

/* A small file that is not what was written is a finding, not an end. */
static void note_file(struct checking *checking, const char *check, enum status status, const struct fault *found)
{
    char detail[200];
    if (status == STATUS_OK)
        return;
    fault_format(found, LANGUAGE_EN, detail, sizeof detail);
    verification_add(checking->found, check, VERIFY_BAD, 0, 0, detail);
}

enum status export_verify(const char *folder, const struct verify_request *request,
                          struct verification *ret_verification, struct fault *why)
{
    struct checking checking = {.folder = folder, .request = request, .found = ret_verification, .proof = proof_new()};
    struct fault found = {0};
    memset(ret_verification, 0, sizeof *ret_verification);
    ret_verification->sound = true;
    for (size_t i = 0; i < request->key_count; i++)
        proof_trust(checking.proof, request->keys[i].name, request->keys[i].key);
    note_file(&checking, "registry.csv", check_registry_file(&checking, &found), &found);
    note_file(&checking, "catalogue", load_catalogues(&checking, &found), &found);
    const enum status status = check_entries(&checking, why);
    if (status == STATUS_OK) {
        note_file(&checking, "checkpoints/", check_checkpoint_files(&checking, &found), &found);
        note_file(&checking, "streams.csv", each_row(folder, "streams.csv", EXPORT_STREAMS, take_stream_row, &checking, &found), &found);
        proof_streams_end(checking.proof);
        verification_add_proof(ret_verification, checking.proof, true);
        if (checking.catalogue != NULL)
            sum_cells(&checking);
    }
    if (checking.ledger != NULL)
        (void)fclose(checking.ledger);
    free(checking.frame);
    free(checking.refusals);
    batch_free(&checking.batch);
    free(checking.cells);
    catalogue_free(&checking.catalogue);
    proof_free(&checking.proof);
    return status;
}
