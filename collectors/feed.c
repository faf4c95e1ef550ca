/* feed.c - reads a delivered file whole, refuses what is no table by what it is, and hands the bytes to the feed of the
 * source's kind. What is common to all kinds lives here: the delivery's memory, complaints, notes, and the rule that
 * the same cell twice in one file is either the same figure (counted once) or a conflict (all of it refused).
 *
 * A file is opened once, without following links (an inbox is writable by others, a link could lead to a key), and
 * looked at before and after reading: one that changed meanwhile is not complete and is left for later. */
#define _GNU_SOURCE /* leases */
#include "feed.h"

#include "limit.h"
#include "memory.h"
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the kinds ---------------------------------------------------------------------------------------------------- */

struct feed {
    const char *kind;
    enum status (*read)(const struct source_settings *source, const struct catalogue *catalogue, const char *bytes,
                        size_t length, struct delivery *delivery, struct fault *why);
};

static const struct feed feeds[] = {
    {"report", feed_report_read},
};

static const struct feed *feed_by_kind(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(feeds); i++)
        if (strcmp(feeds[i].kind, kind) == 0)
            return &feeds[i];
    return NULL;
}

bool feed_is_known(const char *kind, struct fault *why)
{
    char known[256] = "";
    size_t used = 0;
    if (feed_by_kind(kind) != NULL)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(feeds) && used < sizeof(known); i++) {
        const int wrote = snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ", feeds[i].kind);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    fault_set(why, MESSAGE_UNKNOWN_FEED, kind, known, NULL);
    return false;
}

/* ---- names -------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *ending)
{
    const size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcasecmp(name + length - tail, ending) == 0;
}

bool feed_is_input(const char *name)
{
    static const char *const never[] = {".refused.csv", ".reason.txt", ".tmp", ".part", ".partial", ".crdownload"};
    if (name[0] == '.' || name[0] == '\0' || strncmp(name, "~$", 2) == 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (ends_with(name, never[i]))
            return false;
    return true;
}

void feed_display_name(const char *name, char ret_name[256])
{
    char *text = NULL;
    size_t length = 0;
    enum text_encoding encoding;
    struct fault ignored = {0};
    if (text_decode(name, strlen(name), TEXT_AUTO, &text, &length, &encoding, &ignored) != STATUS_OK) {
        /* Neither UTF-8 nor GB18030: the bytes that are not ASCII are shown as question marks. */
        text = memory_copy_text(name);
        length = strlen(text);
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)text[i] >= 0x80)
                text[i] = '?';
    }
    /* A name goes into logs, terminals and tables: it must not break lines or steer a terminal. */
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
    length = text_cut(text, length, 255);
    memcpy(ret_name, text, length);
    ret_name[length] = '\0';
    free(text);
}

/* ---- the delivery's memory ------------------------------------------------------------------------------------------ */

#define CHUNK_BYTES ((size_t)64 << 10)

struct chunk {
    struct chunk *next;
    size_t used, size;
    char bytes[];
};

struct delivery_private {
    char *text;           /* the decoded file */
    struct chunk *chunks; /* reasons and complaints */
    size_t row_capacity, candidate_capacity, complaint_capacity, note_capacity;
    size_t notes_left_out;
};

static struct delivery *delivery_new(void)
{
    struct delivery *delivery = memory_new(struct delivery);
    delivery->private = memory_new(struct delivery_private);
    delivery->complaints = memory_grow(NULL, &delivery->private->complaint_capacity, 1, sizeof(struct complaint));
    delivery->complaints[0] = (struct complaint){MESSAGE_NONE, NO_COMPLAINT, ""};
    delivery->complaint_count = 1;
    delivery->separator = ',';
    return delivery;
}

void feed_free(struct delivery **delivery)
{
    struct delivery *gone = *delivery;
    if (gone == NULL)
        return;
    for (struct chunk *chunk = gone->private->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(gone->private->text);
    free(gone->private);
    free(gone->rows);
    free(gone->candidates);
    free(gone->complaints);
    free(gone->notes);
    free(gone);
    *delivery = NULL;
}

const char *feed_keep(struct delivery *delivery, const char *text, size_t length)
{
    struct chunk *chunk = delivery->private->chunks;
    char *copy;
    if (length == 0)
        return "";
    if (chunk == NULL || chunk->size - chunk->used < length + 1) {
        const size_t size = length + 1 > CHUNK_BYTES ? length + 1 : CHUNK_BYTES;
        chunk = memory_array(1, sizeof(*chunk) + size);
        chunk->size = size;
        chunk->next = delivery->private->chunks;
        delivery->private->chunks = chunk;
    }
    copy = chunk->bytes + chunk->used;
    memcpy(copy, text, length);
    copy[length] = '\0';
    chunk->used += length + 1;
    return copy;
}

void feed_own_text(struct delivery *delivery, char *text)
{
    free(delivery->private->text);
    delivery->private->text = text;
}

uint32_t feed_add_row(struct delivery *delivery, const struct feed_row *row)
{
    delivery->rows = memory_grow(delivery->rows, &delivery->private->row_capacity, delivery->row_count + 1,
                                 sizeof(*delivery->rows));
    delivery->rows[delivery->row_count] = *row;
    return (uint32_t)delivery->row_count++;
}

struct candidate *feed_add_candidate(struct delivery *delivery)
{
    struct candidate *candidate;
    delivery->candidates = memory_grow(delivery->candidates, &delivery->private->candidate_capacity,
                                       delivery->candidate_count + 1, sizeof(*delivery->candidates));
    candidate = &delivery->candidates[delivery->candidate_count++];
    *candidate = (struct candidate){.record = {.element = NO_INDEX, .unit = NO_INDEX, .reported_at = INT64_MIN,
                                               .reason = ""}};
    return candidate;
}

/* ---- complaints and notes ------------------------------------------------------------------------------------------- */

void feed_complain(struct delivery *delivery, struct candidate *candidate, const struct fault *fault)
{
    char text[2048];
    size_t used = 0;
    uint32_t *last = &candidate->complaint;
    const uint32_t added = (uint32_t)delivery->complaint_count;
    if (fault->column[0] != '\0') {
        const int wrote = snprintf(text, sizeof(text), "%s：", fault->column);
        used = wrote > 0 ? (size_t)wrote : 0;
    }
    fault_sentence(fault, LANGUAGE_ZH, text + used, sizeof(text) - used);
    delivery->complaints = memory_grow(delivery->complaints, &delivery->private->complaint_capacity,
                                       delivery->complaint_count + 1, sizeof(*delivery->complaints));
    while (*last != NO_COMPLAINT)
        last = &delivery->complaints[*last].next;
    *last = added;
    delivery->complaints[added] =
        (struct complaint){fault->message, NO_COMPLAINT, feed_keep(delivery, text, strlen(text))};
    delivery->complaint_count++;
}

void feed_note(struct delivery *delivery, const struct fault *note)
{
    struct delivery_private *private = delivery->private;
    char count[24];
    if (delivery->note_count < FEED_NOTES) {
        delivery->notes = memory_grow(delivery->notes, &private->note_capacity, delivery->note_count + 1,
                                      sizeof(*delivery->notes));
        delivery->notes[delivery->note_count++] = *note;
        return;
    }
    /* A file of a million total rows must not become a million notes: the last one counts the rest. */
    private->notes_left_out += private->notes_left_out == 0 ? 2 : 1;
    if (snprintf(count, sizeof(count), "%zu", private->notes_left_out) > 0) {
        struct fault *last = &delivery->notes[FEED_NOTES - 1];
        *last = (struct fault){0};
        fault_set(last, MESSAGE_MORE_NOTES, count, NULL);
        fault_at(last, delivery->file, 0, NULL);
    }
}

int64_t feed_line(const struct delivery *delivery, const struct candidate *candidate)
{
    return delivery->rows[candidate->row].line;
}

bool feed_accepted(const struct candidate *candidate)
{
    return candidate->complaint == NO_COMPLAINT && candidate->kind == CANDIDATE_RECORD;
}

size_t feed_refused_rows(const struct delivery *delivery)
{
    size_t refused = 0;
    uint32_t last = UINT32_MAX; /* candidates of one row stand together */
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct candidate *candidate = &delivery->candidates[i];
        if (candidate->complaint != NO_COMPLAINT && candidate->row != last) {
            refused++;
            last = candidate->row;
        }
    }
    return refused;
}

/* ---- the same cell twice -------------------------------------------------------------------------------------------- */

/* Open addressing over candidate indexes; a slot holds index + 1. */
struct cells {
    uint32_t *slots;
    size_t mask;
};

static bool same_cell(const struct record *one, const struct record *other)
{
    return one->element == other->element && one->unit == other->unit && one->revision == other->revision &&
           one->period.first == other->period.first && one->period.last == other->period.last;
}

static bool same_figure(const struct record *one, const struct record *other)
{
    return one->status == other->status && one->value == other->value;
}

static size_t cell_hash(const struct record *record)
{
    uint64_t hash = record->element;
    hash = hash * 0x9E3779B97F4A7C15u + record->unit;
    hash = hash * 0x9E3779B97F4A7C15u + (uint32_t)record->period.first;
    hash = hash * 0x9E3779B97F4A7C15u + (uint32_t)record->period.last;
    hash = hash * 0x9E3779B97F4A7C15u + record->revision;
    return (size_t)(hash ^ (hash >> 29) ^ (hash >> 43));
}

static void complain_conflict(struct delivery *delivery, struct candidate *candidate, int64_t other_line)
{
    struct fault fault = {0};
    char line[24];
    if (snprintf(line, sizeof(line), "%lld", (long long)other_line) < 0)
        return;
    fault_set(&fault, MESSAGE_CONFLICT_IN_FILE, line, NULL);
    feed_complain(delivery, candidate, &fault);
}

/* A second figure for a cell: the same counts once, another makes a conflict in which nobody is right. */
static void meet_again(struct delivery *delivery, struct candidate *first, struct candidate *again)
{
    if (same_figure(&first->record, &again->record)) {
        if (first->complaint == NO_COMPLAINT) {
            again->kind = CANDIDATE_REPEATED;
            if (first->record.reason[0] == '\0')
                first->record.reason = again->record.reason;
        } else { /* the cell is already in conflict with a third row */
            complain_conflict(delivery, again, feed_line(delivery, first));
        }
        return;
    }
    if (first->complaint == NO_COMPLAINT)
        complain_conflict(delivery, first, feed_line(delivery, again));
    complain_conflict(delivery, again, feed_line(delivery, first));
}

/* Rows that repeated a figure which then met a conflict belong to the conflict too. */
static void spread_conflicts(struct delivery *delivery, const struct cells *cells)
{
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        struct candidate *candidate = &delivery->candidates[i];
        if (candidate->kind != CANDIDATE_REPEATED)
            continue;
        for (size_t slot = cell_hash(&candidate->record) & cells->mask;; slot = (slot + 1) & cells->mask) {
            struct candidate *first = &delivery->candidates[cells->slots[slot] - 1];
            if (!same_cell(&first->record, &candidate->record))
                continue;
            if (first->complaint != NO_COMPLAINT) {
                candidate->kind = CANDIDATE_RECORD;
                complain_conflict(delivery, candidate, feed_line(delivery, first));
            }
            break;
        }
    }
}

static void find_repeated_cells(struct delivery *delivery)
{
    size_t size = 16, repeated = 0;
    struct cells cells;
    while (size < delivery->candidate_count * 2)
        size *= 2;
    cells = (struct cells){memory_array(size, sizeof(uint32_t)), size - 1};
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        struct candidate *candidate = &delivery->candidates[i];
        size_t slot = cell_hash(&candidate->record) & cells.mask;
        if (!feed_accepted(candidate))
            continue;
        while (cells.slots[slot] != 0 &&
               !same_cell(&delivery->candidates[cells.slots[slot] - 1].record, &candidate->record))
            slot = (slot + 1) & cells.mask;
        if (cells.slots[slot] == 0) {
            cells.slots[slot] = (uint32_t)(i + 1);
        } else {
            meet_again(delivery, &delivery->candidates[cells.slots[slot] - 1], candidate);
            repeated++;
        }
    }
    if (repeated > 0)
        spread_conflicts(delivery, &cells);
    free(cells.slots);
}

/* Says so once for each row that repeats another. */
static void note_repeated_rows(struct delivery *delivery)
{
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct candidate *candidate = &delivery->candidates[i];
        struct fault note = {0};
        if (candidate->kind != CANDIDATE_REPEATED || candidate->row == last)
            continue;
        last = candidate->row;
        fault_set(&note, MESSAGE_ROW_REPEATED, NULL);
        fault_at(&note, delivery->file, feed_line(delivery, candidate), NULL);
        feed_note(delivery, &note);
    }
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

static enum status cannot_read(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_READ, path, strerror(errno), NULL);
    return STATUS_AGAIN;
}

static bool same_state(const struct stat *one, const struct stat *other)
{
    return one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
           one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static enum status read_all(int fd, char *bytes, size_t length, const char *path, struct fault *why)
{
    size_t have = 0;
    while (have < length) {
        const ssize_t got = read(fd, bytes + have, length - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(path, why);
        if (got == 0) {
            fault_set(why, MESSAGE_FILE_CHANGING, path, NULL);
            return STATUS_AGAIN;
        }
        have += (size_t)got;
    }
    return STATUS_OK;
}

static enum status refuse_size(const char *path, struct fault *why)
{
    char limit[32];
    if (snprintf(limit, sizeof(limit), "%d MiB", LIMIT_FILE_BYTES >> 20) > 0)
        fault_set(why, MESSAGE_TOO_LARGE, path, limit, NULL);
    return STATUS_REFUSED;
}

/* True when a program still holds the file open for writing, however long it pauses: only then Linux refuses a read lease.
 * File systems without leases, and files of other users, leave the question open; then the settling time decides alone. */
static bool being_written(int fd)
{
#ifdef F_SETLEASE
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0)
        return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
#else
    (void)fd;
#endif
    return false;
}

static enum status read_file(const char *path, char **ret_bytes, size_t *ret_length, struct fault *why)
{
    enum status status = STATUS_AGAIN;
    struct stat before, after;
    char *bytes = NULL;
    size_t length = 0;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return cannot_read(path, why);
    errno = EINVAL; /* what a folder or a device is told */
    if (fstat(fd, &before) != 0 || !S_ISREG(before.st_mode)) {
        status = cannot_read(path, why);
        goto done;
    }
    if (before.st_size > LIMIT_FILE_BYTES) {
        status = refuse_size(path, why);
        goto done;
    }
    if (being_written(fd)) {
        fault_set(why, MESSAGE_FILE_BEING_WRITTEN, path, NULL);
        goto done;
    }
    length = (size_t)before.st_size;
    bytes = memory_array(length + 1, 1);
    status = read_all(fd, bytes, length, path, why);
    if (status != STATUS_OK)
        goto done;
    if (fstat(fd, &after) != 0 || !same_state(&before, &after)) {
        fault_set(why, MESSAGE_FILE_CHANGING, path, NULL);
        status = STATUS_AGAIN;
        goto done;
    }
    *ret_bytes = bytes;
    *ret_length = length;
    bytes = NULL;
done:
    free(bytes);
    close(fd);
    return status;
}

/* What a file is that is no text table, NULL when it may be one. */
static const char *foreign_kind(const char *bytes, size_t length)
{
    static const struct {
        const char *magic;
        size_t length;
        const char *kind;
    } kinds[] = {
        {"PK\x03\x04", 4, "Excel .xlsx / ZIP"},
        {"\xD0\xCF\x11\xE0", 4, "Excel .xls"},
        {"%PDF", 4, "PDF"},
        {"{\\rtf", 5, "RTF"},
        {"\x1F\x8B", 2, "gzip"},
        {"Rar!", 4, "RAR"},
        {"7z\xBC\xAF", 4, "7z"},
        {"\x89PNG", 4, "PNG"},
        {"\xFF\xD8\xFF", 3, "JPEG"},
        {"SQLite format 3", 15, "SQLite"},
    };
    const char *text = bytes;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (length >= kinds[i].length && memcmp(bytes, kinds[i].magic, kinds[i].length) == 0)
            return kinds[i].kind;
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3, length -= 3;
    if (text_trim(&text, length) > 0 && text[0] == '<')
        return "HTML / XML";
    return NULL;
}

/* NUL bytes mean something binary, except in UTF-16, which its BOM or the setting announces. */
static bool is_binary(const char *bytes, size_t length, enum text_encoding wanted)
{
    const bool utf16 = wanted == TEXT_UTF16LE || wanted == TEXT_UTF16BE ||
                       (wanted == TEXT_AUTO && length >= 2 &&
                        (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0));
    return !utf16 && memchr(bytes, '\0', length) != NULL;
}

static enum status refuse_foreign(const struct source_settings *source, const char *bytes, size_t length,
                                  struct fault *why)
{
    const char *kind = foreign_kind(bytes, length);
    if (length == 0) {
        fault_set(why, MESSAGE_FILE_EMPTY, NULL);
        return STATUS_REFUSED;
    }
    if (kind == NULL && is_binary(bytes, length, source->encoding))
        kind = "binary";
    if (kind == NULL)
        return STATUS_OK;
    fault_set(why, MESSAGE_WRONG_FILE_KIND, kind, NULL);
    return STATUS_REFUSED;
}

enum status feed_read(const struct source_settings *source, const struct catalogue *catalogue, const char *path,
                      struct delivery **ret_delivery, struct fault *why)
{
    const struct feed *feed = feed_by_kind(source->kind);
    const char *slash = strrchr(path, '/');
    struct delivery *delivery = NULL;
    char *bytes = NULL;
    size_t length = 0;
    enum status status = STATUS_BROKEN;
    if (feed == NULL) {
        feed_is_known(source->kind, why);
        return STATUS_BROKEN;
    }
    delivery = delivery_new();
    feed_display_name(slash == NULL ? path : slash + 1, delivery->file);
    status = read_file(path, &bytes, &length, why);
    if (status != STATUS_OK)
        goto done;
    seal_hash(bytes, length, delivery->hash);
    status = refuse_foreign(source, bytes, length, why);
    if (status == STATUS_OK)
        status = feed->read(source, catalogue, bytes, length, delivery, why);
    if (status != STATUS_OK)
        goto done;
    find_repeated_cells(delivery);
    note_repeated_rows(delivery);
    *ret_delivery = delivery;
    delivery = NULL;
done:
    if (status == STATUS_REFUSED)
        fault_at(why, slash == NULL ? path : slash + 1, 0, NULL);
    free(bytes);
    feed_free(&delivery);
    return status;
}
