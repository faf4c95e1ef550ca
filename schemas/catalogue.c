/* catalogue.c - what a catalogue owns, how it is looked up, and how its findings are kept.
 *
 * A catalogue is read once and never changes, so every text goes into one arena and every code into one hash table of
 * its kind: six hundred thousand villages load in about a second, and freeing them is a handful of calls. */
#include "catalogue.h"

#include "catalogue_internal.h"
#include "memory.h"
#include "seal.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

struct text_chunk {
    struct text_chunk *older;
    char bytes[];
};

const char *arena_keep(struct text_arena *arena, const char *text, size_t length)
{
    const size_t usual = 256 << 10;
    char *kept;
    if (length == 0)
        return "";
    if (arena->newest == NULL || arena->size - arena->used < length + 1) {
        const size_t size = length + 1 > usual ? length + 1 : usual;
        struct text_chunk *chunk = memory_array(1, sizeof(*chunk) + size);
        chunk->older = arena->newest;
        arena->newest = chunk;
        arena->used = 0;
        arena->size = size;
    }
    kept = arena->newest->bytes + arena->used;
    memcpy(kept, text, length);
    kept[length] = '\0';
    arena->used += length + 1;
    return kept;
}

static void arena_free(struct text_arena *arena)
{
    while (arena->newest != NULL) {
        struct text_chunk *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->used = arena->size = 0;
}

/* ---- code -> number ---------------------------------------------------------------------------------------------- */

static uint32_t hash_text(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a, then mixed: codes differ mostly in their last digits */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    return (uint32_t)hash;
}

static struct code_entry *place_of(const struct code_index *index, const char *key, size_t length, uint32_t hash)
{
    size_t at = hash & (index->capacity - 1);
    for (;; at = (at + 1) & (index->capacity - 1)) {
        struct code_entry *entry = &index->entries[at];
        if (entry->key == NULL)
            return entry;
        if (entry->hash == hash && strncmp(entry->key, key, length) == 0 && entry->key[length] == '\0')
            return entry;
    }
}

uint32_t code_index_find(const struct code_index *index, const char *key, size_t length)
{
    const struct code_entry *entry;
    if (index->count == 0)
        return NO_INDEX;
    entry = place_of(index, key, length, hash_text(key, length));
    return entry->key == NULL ? NO_INDEX : entry->value;
}

static void code_index_widen(struct code_index *index)
{
    struct code_index wider = {.capacity = index->capacity == 0 ? 64 : index->capacity * 2, .count = index->count};
    wider.entries = memory_array(wider.capacity, sizeof(*wider.entries));
    for (size_t i = 0; i < index->capacity; i++) {
        const struct code_entry *entry = &index->entries[i];
        if (entry->key != NULL) {
            size_t at = entry->hash & (wider.capacity - 1);
            while (wider.entries[at].key != NULL)
                at = (at + 1) & (wider.capacity - 1);
            wider.entries[at] = *entry;
        }
    }
    free(index->entries);
    *index = wider;
}

bool code_index_add(struct code_index *index, const char *key, uint32_t value, uint32_t *ret_existing)
{
    const size_t length = strlen(key);
    const uint32_t hash = hash_text(key, length);
    struct code_entry *entry;
    if ((index->count + 1) * 3 > index->capacity * 2)
        code_index_widen(index);
    entry = place_of(index, key, length, hash);
    if (entry->key != NULL) {
        if (ret_existing != NULL)
            *ret_existing = entry->value;
        return false;
    }
    *entry = (struct code_entry){key, hash, value};
    index->count++;
    return true;
}

void code_index_replace(struct code_index *index, const char *key, uint32_t value)
{
    const size_t length = strlen(key);
    if (!code_index_add(index, key, value, NULL))
        place_of(index, key, length, hash_text(key, length))->value = value;
}

static void code_index_free(struct code_index *index)
{
    free(index->entries);
    *index = (struct code_index){0};
}

/* ---- nearest code ------------------------------------------------------------------------------------------------ */

#define NEAREST_LETTERS 64
#define NEAREST_BUDGET 5000000 /* a few seconds, however many codes are wrong and however many there are */

static size_t letters_of(const char *text, uint32_t letters[NEAREST_LETTERS])
{
    size_t count = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0' && count < NEAREST_LETTERS;) {
        uint32_t letter = *at++;
        while ((*at & 0xc0) == 0x80)
            letter = letter << 8 | *at++;
        letters[count++] = letter;
    }
    return count;
}

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* How many letters must be changed, left out, put in or swapped; gives up beyond `limit`. */
static size_t distance(const uint32_t *one, size_t one_count, const uint32_t *other, size_t other_count, size_t limit)
{
    size_t rows[3][NEAREST_LETTERS + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= other_count; j++)
        last[j] = j;
    for (size_t i = 1; i <= one_count; i++) {
        size_t smallest = now[0] = i;
        for (size_t j = 1; j <= other_count; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (one[i - 1] != other[j - 1]));
            if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
            smallest = least(smallest, now[j]);
        }
        if (smallest > limit)
            return limit + 1;
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[other_count];
}

const char *code_nearest(const struct code_index *index, const char *word, size_t *budget)
{
    uint32_t wanted[NEAREST_LETTERS], letters[NEAREST_LETTERS];
    const size_t count = letters_of(word, wanted);
    size_t best = count < 4 ? 1 : count < 9 ? 2 : 3;
    const char *nearest = "-";
    if (*budget < index->capacity || count == 0)
        return nearest;
    *budget -= index->capacity;
    for (size_t i = 0; i < index->capacity; i++) {
        const char *key = index->entries[i].key;
        size_t length, far;
        if (key == NULL)
            continue;
        length = letters_of(key, letters);
        if (length > count + best || count > length + best)
            continue;
        far = distance(wanted, count, letters, length, best);
        /* Equal distances: the smaller text, so that the answer does not depend on the table's order. */
        if (far < best || (far == best && far < count && (nearest[0] == '-' || strcmp(key, nearest) < 0))) {
            best = far;
            nearest = key;
        }
    }
    return nearest;
}

const char *loader_nearest(struct loader *loader, const struct code_index *index, const char *word)
{
    return code_nearest(index, word, &loader->private->guesses_left);
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

/* A plan whose parts do not add up is wrong, but it says clearly what is to be counted: collecting goes on. */
static void count_error(struct findings *findings, enum message message)
{
    findings->error_count++;
    if (message != MESSAGE_PARTS_BELOW_GOAL)
        findings->broken_count++;
}

void findings_add(struct findings *findings, enum finding_severity severity, const char *subject,
                  const struct fault *fault)
{
    struct finding *finding;
    const size_t length = strlen(subject);
    findings->items = memory_grow(findings->items, &findings->capacity, findings->count + 1, sizeof(*finding));
    finding = &findings->items[findings->count++];
    *finding = (struct finding){.severity = severity, .fault = *fault};
    memcpy(finding->subject, subject, text_cut(subject, length, LIMIT_SUBJECT - 1));
    if (severity == FINDING_ERROR)
        count_error(findings, fault->message);
}

void findings_free(struct findings *findings)
{
    free(findings->items);
    *findings = (struct findings){0};
}

void loader_report_fault(struct loader *loader, enum finding_severity severity, const struct place *place,
                         const struct fault *fault)
{
    struct fault placed = *fault;
    if (loader->reported[fault->message]++ >= FINDINGS_PER_CODE) {
        if (severity == FINDING_ERROR)
            count_error(loader->findings, placed.message);
        return;
    }
    fault_at(&placed, place->file, place->row, place->column);
    findings_add(loader->findings, severity, place->subject == NULL ? "" : place->subject, &placed);
}

void loader_report(struct loader *loader, enum finding_severity severity, const struct place *place,
                   enum message message, const char *one, const char *two, const char *three, const char *four)
{
    struct fault fault = {.message = MESSAGE_NONE};
    fault_set(&fault, message, one, two, three, four, (const char *)NULL);
    loader_report_fault(loader, severity, place, &fault);
}

static void loader_report_rest(struct loader *loader)
{
    for (int message = 0; message < MESSAGE_COUNT; message++) {
        const uint32_t count = loader->reported[message];
        char rest[24];
        struct fault fault = {.message = MESSAGE_NONE};
        if (count <= FINDINGS_PER_CODE)
            continue;
        (void)snprintf(rest, sizeof(rest), "%lu", (unsigned long)(count - FINDINGS_PER_CODE));
        fault_set(&fault, MESSAGE_MORE_FINDINGS, rest, message_code((enum message)message), (const char *)NULL);
        findings_add(loader->findings, FINDING_INFO, message_code((enum message)message), &fault);
    }
}

/* ---- lookups ----------------------------------------------------------------------------------------------------- */

static uint32_t find(const struct code_index *index, const char *code)
{
    return code_index_find(index, code, strlen(code));
}

uint32_t catalogue_unit(const struct catalogue *catalogue, const char *code)
{
    return find(&catalogue->private->units, code);
}

uint32_t catalogue_group(const struct catalogue *catalogue, const char *code)
{
    return find(&catalogue->private->groups, code);
}

uint32_t catalogue_level(const struct catalogue *catalogue, const char *name)
{
    return find(&catalogue->private->levels, name);
}

uint32_t catalogue_form(const struct catalogue *catalogue, const char *code)
{
    return find(&catalogue->private->forms, code);
}

uint32_t catalogue_element(const struct catalogue *catalogue, const char *code)
{
    return find(&catalogue->private->elements, code);
}

uint32_t catalogue_indicator(const struct catalogue *catalogue, const char *code)
{
    return find(&catalogue->private->indicators, code);
}

uint32_t catalogue_goal(const struct catalogue *catalogue, const char *code)
{
    return find(&catalogue->private->goals, code);
}

uint32_t catalogue_unit_by_name(const struct catalogue *catalogue, const char *name)
{
    return find(&catalogue->private->unit_names, name);
}

uint32_t catalogue_element_by_name(const struct catalogue *catalogue, const char *name)
{
    return find(&catalogue->private->element_names, name);
}

/* ---- opening and freeing ----------------------------------------------------------------------------------------- */

/* The files of CONTRACT 2, in the order they are kept. */
static const char *const file_names[] = {
    "datapackage.json", "units.csv",      "groups.csv", "forms.csv", "form_units.csv",
    "elements.csv",     "indicators.csv", "goals.csv",  "rules.csv", "holidays.csv",
};

size_t catalogue_files(const struct catalogue *catalogue, const struct catalogue_file **ret_files)
{
    *ret_files = catalogue->private->files;
    return catalogue->private->file_count;
}

static int by_file_name(const void *one, const void *other)
{
    return strcmp(((const struct catalogue_file *)one)->name, ((const struct catalogue_file *)other)->name);
}

/* Names and lengths are hashed along, so that no bytes can move from one file into the next unnoticed. */
static void hash_files(struct catalogue *catalogue)
{
    struct catalogue_private *private = catalogue->private;
    struct catalogue_file *sorted = memory_array(private->file_count, sizeof(*sorted));
    struct seal_hasher *hasher = seal_hasher_new();
    if (private->file_count > 0)
        memcpy(sorted, private->files, private->file_count * sizeof(*sorted));
    qsort(sorted, private->file_count, sizeof(*sorted), by_file_name);
    for (size_t i = 0; i < private->file_count; i++) {
        unsigned char length[8];
        for (int byte = 0; byte < 8; byte++)
            length[byte] = (unsigned char)((uint64_t)sorted[i].length >> (8 * byte));
        seal_hasher_add(hasher, sorted[i].name, strlen(sorted[i].name) + 1);
        seal_hasher_add(hasher, length, sizeof(length));
        seal_hasher_add(hasher, sorted[i].bytes, sorted[i].length);
    }
    seal_hasher_finish(&hasher, catalogue->hash);
    free(sorted);
}

static struct catalogue *catalogue_new(void)
{
    struct catalogue *catalogue = memory_new(struct catalogue);
    catalogue->private = memory_new(struct catalogue_private);
    catalogue->private->guesses_left = NEAREST_BUDGET;
    catalogue->private->files = memory_array(ARRAY_LEN(file_names), sizeof(struct catalogue_file));
    catalogue->name = catalogue->title = catalogue->version = "";
    catalogue->timezone = "Asia/Shanghai";
    catalogue->year_start_month = catalogue->year_start_day = 1;
    catalogue->root = NO_INDEX;
    return catalogue;
}

/* Takes the bytes over. */
static void keep_file(struct catalogue *catalogue, const char *name, char *bytes, size_t length)
{
    struct catalogue_private *private = catalogue->private;
    private->files[private->file_count++] =
        (struct catalogue_file){.name = name, .bytes = bytes, .length = length};
}

static void load_kept(struct catalogue *catalogue, struct findings *findings)
{
    struct loader loader = {.catalogue = catalogue, .private = catalogue->private, .findings = findings};
    loader.reported = memory_array(MESSAGE_COUNT, sizeof(*loader.reported));
    hash_files(catalogue);
    catalogue_load_parts(&loader);
    loader_report_rest(&loader);
    free(loader.reported);
}

enum status catalogue_load_files(const struct catalogue_file *files, size_t count, struct catalogue **ret_catalogue,
                                 struct findings *findings, struct fault *why)
{
    struct catalogue *catalogue = catalogue_new();
    (void)why; /* files in memory can always be read; what is wrong inside them are findings */
    for (size_t name = 0; name < ARRAY_LEN(file_names); name++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(files[i].name, file_names[name]) == 0) {
                keep_file(catalogue, file_names[name], memory_copy_text_length(files[i].bytes, files[i].length),
                          files[i].length);
                break;
            }
    load_kept(catalogue, findings);
    *ret_catalogue = catalogue;
    return STATUS_OK;
}

static void report_unread(struct findings *findings, const char *name, enum message message, const char *reason)
{
    struct fault fault = {.message = MESSAGE_NONE};
    fault_set(&fault, message, name, reason, (const char *)NULL);
    fault_at(&fault, name, 0, NULL);
    findings_add(findings, FINDING_ERROR, name, &fault);
}

static bool read_stream(FILE *stream, char **ret_bytes, size_t *ret_length)
{
    size_t length = 0, capacity = 0, got;
    char *bytes = memory_grow(NULL, &capacity, 64 << 10, 1);
    while ((got = fread(bytes + length, 1, capacity - length, stream)) > 0) {
        length += got;
        if (length > LIMIT_FILE_BYTES)
            break;
        bytes = memory_grow(bytes, &capacity, length + 1, 1);
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return !ferror(stream);
}

/* An absent file is no matter here: whether it may be absent is for the loader to say. */
static void read_file(const char *folder, const char *name, struct catalogue *catalogue, struct findings *findings)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = memory_array(size, 1), *bytes = NULL;
    size_t length = 0;
    struct stat about;
    FILE *stream = NULL;
    (void)snprintf(path, size, "%s/%s", folder, name);
    /* Looked at before it is opened: opening a pipe would wait for a writer. */
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        report_unread(findings, name, MESSAGE_CANNOT_READ, strerror(S_ISDIR(about.st_mode) ? EISDIR : EINVAL));
        goto done;
    }
    stream = fopen(path, "rb");
    if (stream == NULL) {
        if (errno != ENOENT)
            report_unread(findings, name, MESSAGE_CANNOT_READ, strerror(errno));
        goto done;
    }
    if (!read_stream(stream, &bytes, &length)) {
        report_unread(findings, name, MESSAGE_CANNOT_READ, strerror(EIO));
    } else if (length > LIMIT_FILE_BYTES) {
        report_unread(findings, name, MESSAGE_TOO_LARGE, "256 MiB");
    } else {
        keep_file(catalogue, name, bytes, length);
        bytes = NULL;
    }
done:
    if (stream != NULL)
        (void)fclose(stream);
    free(bytes);
    free(path);
}

enum status catalogue_load(const char *folder, struct catalogue **ret_catalogue, struct findings *findings,
                           struct fault *why)
{
    struct catalogue *catalogue;
    struct stat about;
    if (stat(folder, &about) != 0) {
        fault_set(why, MESSAGE_CANNOT_READ, folder, strerror(errno), (const char *)NULL);
        return STATUS_REFUSED;
    }
    if (!S_ISDIR(about.st_mode)) {
        fault_set(why, MESSAGE_CANNOT_READ, folder, strerror(ENOTDIR), (const char *)NULL);
        return STATUS_REFUSED;
    }
    catalogue = catalogue_new();
    for (size_t i = 0; i < ARRAY_LEN(file_names); i++)
        read_file(folder, file_names[i], catalogue, findings);
    load_kept(catalogue, findings);
    *ret_catalogue = catalogue;
    return STATUS_OK;
}

static void free_expressions(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->indicator_count; i++) {
        free(catalogue->indicators[i].numerator.terms);
        free(catalogue->indicators[i].denominator.terms);
    }
    for (size_t i = 0; i < catalogue->rule_count; i++) {
        free(catalogue->rules[i].left.terms);
        free(catalogue->rules[i].right.terms);
    }
    for (size_t i = 0; i < catalogue->goal_count; i++)
        free(catalogue->goals[i].steps);
}

static void free_private(struct catalogue_private *private, size_t level_count)
{
    struct code_index *const indexes[] = {
        &private->units, &private->groups, &private->levels,     &private->forms,         &private->elements,
        &private->goals, &private->rules,  &private->indicators, &private->unit_names, &private->element_names,
    };
    for (size_t i = 0; i < private->file_count; i++)
        free((char *)private->files[i].bytes); /* borrowed by readers as const, owned here */
    free(private->files);
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
        code_index_free(indexes[i]);
    arena_free(&private->texts);
    free(private->placements);
    free(private->group_units);
    free(private->form_units);
    free(private->form_elements);
    catalogue_tree_free(&private->tree, level_count);
    free(private);
}

void catalogue_free(struct catalogue **catalogue)
{
    struct catalogue *gone = *catalogue;
    if (gone == NULL)
        return;
    free_expressions(gone);
    free_private(gone->private, gone->level_count);
    free(gone->units);
    free(gone->levels);
    free(gone->groups);
    free(gone->forms);
    free(gone->elements);
    free(gone->indicators);
    free(gone->goals);
    free(gone->rules);
    free(gone->holidays);
    free(gone);
    *catalogue = NULL;
}
