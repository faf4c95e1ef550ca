/* refused.c - writes refused rows back in the form in which they came, so that a clerk opens the file in the program it
 * was made with, corrects the cells and delivers it again. The three columns added are ignored then.
 *
 * The content of a refused file follows from the input alone, so after a crash between writing it and taking the file
 * the second run makes the same bytes and finds them there already. */
#include "refused.h"

#include "csv.h"
#include "file.h"
#include "inbox.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".refused.csv"

static enum status cannot_write(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    return STATUS_AGAIN;
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

/* The whole file, or NULL when it cannot be read. Clerks may write in this folder: a link could lead to a key, a pipe would
 * keep the program waiting for ever. */
static char *read_whole(const char *path, size_t *ret_length)
{
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "rb");
    struct stat about;
    char *bytes = NULL;
    size_t length = 0;
    if (file == NULL) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= LIMIT_FILE_BYTES) {
        bytes = memory_array((size_t)about.st_size + 1, 1);
        length = fread(bytes, 1, (size_t)about.st_size, file);
        if (length != (size_t)about.st_size) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    *ret_length = length;
    return bytes;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        const ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return true;
}

/* Temporary name, sync, then the name. replace: the name is ours already; else somebody's file is never replaced. */
static enum status publish(const char *path, const char *bytes, size_t length, bool replace, struct fault *why)
{
    char temporary[INBOX_PATH], folder[INBOX_PATH];
    const char *slash = strrchr(path, '/');
    enum status status = STATUS_AGAIN;
    int fd, trouble;
    if (slash == NULL || snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path) >= INBOX_PATH ||
        snprintf(temporary, sizeof(temporary), "%s/.suanpan-%ld.tmp", folder, (long)getpid()) >= INBOX_PATH) {
        errno = ENAMETOOLONG;
        return cannot_write(path, why);
    }
    unlink(temporary);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return cannot_write(temporary, why);
    if (!write_all(fd, bytes, length) || fsync(fd) != 0) {
        status = cannot_write(temporary, why);
    } else if (replace ? rename(temporary, path) != 0 : link(temporary, path) != 0) {
        /* Without links the name was looked at just before; a race is unlikely and there is no better way. */
        if (replace || errno == EEXIST || rename(temporary, path) != 0)
            status = cannot_write(path, why);
        else
            status = STATUS_OK;
    } else {
        status = STATUS_OK;
    }
    trouble = errno;
    close(fd);
    unlink(temporary);
    errno = trouble; /* the caller asks whether the name was taken */
    return status == STATUS_OK ? file_sync_folder(folder, why) : status;
}

/* ---- text -------------------------------------------------------------------------------------------------------------- */

struct page {
    FILE *file; /* grows text */
    char *text;
    size_t length;
};

static void page_open(struct page *page)
{
    *page = (struct page){0};
    page->file = memory_stream(&page->text, &page->length);
}

static void page_close(struct page *page)
{
    (void)fclose(page->file); /* to memory */
    page->file = NULL;
}

static void write_row(FILE *file, const struct delivery *delivery, const struct feed_row *row, uint32_t width)
{
    fwrite(row->raw, 1, row->raw_length, file);
    for (uint32_t i = row->cells; i < width; i++)
        fputc(delivery->separator, file);
}

static void write_header(FILE *file, const struct delivery *delivery, uint32_t width)
{
    write_row(file, delivery, &delivery->header, width);
    fprintf(file, "%cline%ccode%cmessage%s", delivery->separator, delivery->separator, delivery->separator,
            delivery->crlf ? "\r\n" : "\n");
}

static void write_refusal(FILE *file, const struct delivery *delivery, const struct feed_row *row, uint32_t width,
                          const char *codes, const char *messages)
{
    write_row(file, delivery, row, width);
    fprintf(file, "%c%lld%c", delivery->separator, (long long)row->line, delivery->separator);
    csv_write_field(file, codes, delivery->separator);
    fputc(delivery->separator, file);
    csv_write_field(file, messages, delivery->separator);
    fputs(delivery->crlf ? "\r\n" : "\n", file);
}

/* Rows shorter than the header are filled up with separators, longer ones widen the table. */
static uint32_t table_width(const struct delivery *delivery)
{
    uint32_t width = delivery->header.cells;
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct candidate *candidate = &delivery->candidates[i];
        if (candidate->complaint != NO_COMPLAINT && delivery->rows[candidate->row].cells > width)
            width = delivery->rows[candidate->row].cells;
    }
    return width;
}

/* What is wrong with a row: its codes joined by ";", each once, and every sentence. */
struct verdict {
    bool seen[MESSAGE_COUNT];
    struct page codes, messages;
    bool begun; /* something stands there */
};

static bool said_before(const struct delivery *delivery, const struct candidate *first_of_row,
                        const struct candidate *candidate, const struct complaint *complaint)
{
    for (const struct candidate *before = first_of_row; before < candidate; before++)
        for (uint32_t at = before->complaint; at != NO_COMPLAINT; at = delivery->complaints[at].next)
            if (delivery->complaints[at].message == complaint->message &&
                strcmp(delivery->complaints[at].text, complaint->text) == 0)
                return true;
    return false;
}

static void collect(struct verdict *verdict, const struct delivery *delivery, const struct candidate *first_of_row,
                    const struct candidate *candidate)
{
    for (uint32_t at = candidate->complaint; at != NO_COMPLAINT; at = delivery->complaints[at].next) {
        const struct complaint *complaint = &delivery->complaints[at];
        /* Every cell of a wide row falls with its report: one sentence is enough. */
        if (complaint->message == MESSAGE_HARD_RULE && said_before(delivery, first_of_row, candidate, complaint))
            continue;
        if (!verdict->seen[complaint->message])
            fprintf(verdict->codes.file, "%s%s", verdict->begun ? ";" : "", message_code(complaint->message));
        verdict->seen[complaint->message] = true;
        fprintf(verdict->messages.file, "%s%s", verdict->begun ? "；" : "", complaint->text);
        verdict->begun = true;
    }
}

/* Candidates of one row stand together: writes the row of candidate `first`, returns the first one of the next row. */
static size_t write_judged_row(FILE *file, const struct delivery *delivery, size_t first, uint32_t width)
{
    struct verdict verdict = {0};
    size_t i = first;
    page_open(&verdict.codes);
    page_open(&verdict.messages);
    for (; i < delivery->candidate_count && delivery->candidates[i].row == delivery->candidates[first].row; i++)
        collect(&verdict, delivery, &delivery->candidates[first], &delivery->candidates[i]);
    page_close(&verdict.codes);
    page_close(&verdict.messages);
    if (verdict.messages.length > 0)
        write_refusal(file, delivery, &delivery->rows[delivery->candidates[first].row], width, verdict.codes.text,
                      verdict.messages.text);
    free(verdict.codes.text);
    free(verdict.messages.text);
    return i;
}

static void write_refused_rows(FILE *file, const struct delivery *delivery)
{
    const uint32_t width = table_width(delivery);
    uint32_t last = UINT32_MAX;
    write_header(file, delivery, width);
    for (size_t i = 0; i < delivery->candidate_count;) {
        const struct candidate *candidate = &delivery->candidates[i];
        /* Find the first candidate of a row with complaints; rows without any are passed by quickly. */
        if (candidate->complaint == NO_COMPLAINT || candidate->row == last) {
            i++;
            continue;
        }
        last = candidate->row;
        while (i > 0 && delivery->candidates[i - 1].row == last)
            i--;
        i = write_judged_row(file, delivery, i, width);
    }
}

/* ---- bytes --------------------------------------------------------------------------------------------------------------- */

static const char *byte_order_mark(enum text_encoding encoding)
{
    switch (encoding) {
    case TEXT_UTF8_BOM:
        return "\xEF\xBB\xBF";
    case TEXT_UTF16LE:
        return "\xFF\xFE";
    case TEXT_UTF16BE:
        return "\xFE\xFF";
    case TEXT_AUTO:
    case TEXT_UTF8:
    case TEXT_GB18030:
        return "";
    }
    return "";
}

/* Text in the delivery's encoding after `before` (the file so far, or its byte order mark). */
static enum status to_bytes(const struct delivery *delivery, const char *before, size_t before_length,
                            const struct page *page, char **ret_bytes, size_t *ret_length, struct fault *why)
{
    char *encoded = NULL, *bytes;
    size_t length = 0;
    const enum status status = text_encode(page->text, page->length, delivery->encoding, &encoded, &length, why);
    if (status != STATUS_OK)
        return status;
    bytes = memory_array(before_length + length + 1, 1);
    memcpy(bytes, before, before_length);
    memcpy(bytes + before_length, encoded, length);
    free(encoded);
    *ret_bytes = bytes;
    *ret_length = before_length + length;
    return STATUS_OK;
}

static bool holds_same(const char *path, const char *bytes, size_t length)
{
    size_t existing_length = 0;
    char *existing = read_whole(path, &existing_length);
    const bool same = existing != NULL && existing_length == length && memcmp(existing, bytes, length) == 0;
    free(existing);
    return same;
}

/* Where refused rows of a file go. */
struct beside {
    const char *folder, *name;
};

/* folder/name.refused.csv, name.2.refused.csv ...; a very long name is cut so that the ending fits. */
static bool refused_path(const struct beside *beside, int number, char ret_path[INBOX_PATH])
{
    const char *name = beside->name;
    const size_t stem = text_cut(name, strlen(name), NAME_MAX - sizeof(ENDING) - 12);
    const int length = number == 1
        ? snprintf(ret_path, INBOX_PATH, "%s/%.*s" ENDING, beside->folder, (int)stem, name)
        : snprintf(ret_path, INBOX_PATH, "%s/%.*s.%d" ENDING, beside->folder, (int)stem, name, number);
    return length > 0 && length < INBOX_PATH;
}

static bool is_taken(const void *about, int number)
{
    char path[INBOX_PATH];
    struct stat ignored;
    return refused_path(about, number, path) && lstat(path, &ignored) == 0;
}

/* Beside the input under the first free number. After a crash the last one taken holds the same rows already. */
static enum status publish_beside(const char *folder, const char *name, const char *bytes, size_t length,
                                  char *ret_path, struct fault *why)
{
    const struct beside beside = {folder, name};
    enum status status;
    do {
        const int number = inbox_free_number(is_taken, &beside);
        if (number > 1 && refused_path(&beside, number - 1, ret_path) && holds_same(ret_path, bytes, length))
            return STATUS_OK;
        if (!refused_path(&beside, number, ret_path)) {
            errno = ENAMETOOLONG;
            return cannot_write(folder, why);
        }
        status = publish(ret_path, bytes, length, false, why);
    } while (status != STATUS_OK && errno == EEXIST);
    return status;
}

static enum status publish_page(const struct delivery *delivery, const struct page *page, const char *folder,
                                const char *name, char *ret_path, struct fault *why)
{
    const char *mark = byte_order_mark(delivery->encoding);
    char *bytes = NULL;
    size_t length = 0;
    enum status status = to_bytes(delivery, mark, strlen(mark), page, &bytes, &length, why);
    if (status == STATUS_OK)
        status = publish_beside(folder, name, bytes, length, ret_path, why);
    free(bytes);
    return status;
}

enum status refused_write(const struct delivery *delivery, const char *folder, const char *name, char *ret_path,
                          struct fault *why)
{
    struct page page;
    enum status status;
    page_open(&page);
    write_refused_rows(page.file, delivery);
    page_close(&page);
    status = publish_page(delivery, &page, folder, name, ret_path, why);
    free(page.text);
    return status;
}

/* ---- rows that come back later ---------------------------------------------------------------------------------------------- */

/* What a refused file holds already. */
struct existing {
    char *bytes;
    size_t length;
    uint32_t width;     /* columns of the input: those before line, code, message */
    bool *stands;       /* by row to be added */
};

static void note_standing(struct existing *existing, const struct delivery *delivery, const struct refused_row *rows,
                          size_t count, const struct csv_row *row)
{
    const char *code = row->fields[row->count - 2].text;
    const long long line = strtoll(row->fields[row->count - 3].text, NULL, 10);
    for (size_t i = 0; i < count; i++)
        if (delivery->rows[rows[i].row].line == line && strcmp(rows[i].code, code) == 0)
            existing->stands[i] = true;
}

/* False when the bytes are no refused file (any more). */
static bool read_existing(struct existing *existing, const struct delivery *delivery, const struct refused_row *rows,
                          size_t count)
{
    char *text = NULL;
    size_t text_length = 0;
    enum text_encoding found;
    struct csv_reader *reader = NULL;
    struct csv_row row;
    struct fault ignored = {0};
    bool end = true, good = false;
    if (text_decode(existing->bytes, existing->length, delivery->encoding, &text, &text_length, &found, &ignored) ==
        STATUS_OK) {
        reader = csv_open(text, text_length, delivery->separator);
        good = csv_next(reader, &row, &end, &ignored) == STATUS_OK && !end && row.count > 3 &&
               strcmp(row.fields[row.count - 1].text, "message") == 0;
        if (good)
            existing->width = (uint32_t)row.count - 3;
        while (good && csv_next(reader, &row, &end, &ignored) == STATUS_OK && !end)
            if (row.count == (size_t)existing->width + 3)
                note_standing(existing, delivery, rows, count, &row);
    }
    csv_close(&reader);
    free(text);
    return good;
}

/* The file as it is to be: what is there, else a header, and the rows that do not stand there yet. */
static enum status write_with_rows(const struct delivery *delivery, const struct refused_row *rows, size_t count,
                                   const char *path, const struct existing *existing, struct fault *why)
{
    const char *before = existing->bytes != NULL ? existing->bytes : byte_order_mark(delivery->encoding);
    struct page page;
    char *bytes = NULL;
    size_t length = 0;
    enum status status;
    page_open(&page);
    if (existing->bytes == NULL)
        write_header(page.file, delivery, existing->width);
    for (size_t i = 0; i < count; i++)
        if (!existing->stands[i])
            write_refusal(page.file, delivery, &delivery->rows[rows[i].row], existing->width, rows[i].code,
                          rows[i].message);
    page_close(&page);
    status = to_bytes(delivery, before, existing->bytes != NULL ? existing->length : strlen(before), &page, &bytes,
                      &length, why);
    if (status == STATUS_OK)
        status = publish(path, bytes, length, existing->bytes != NULL, why);
    free(bytes);
    free(page.text);
    return status;
}

enum status refused_place(const char *folder, const char *name, char *ret_path, struct fault *why)
{
    const struct beside beside = {folder, name};
    if (refused_path(&beside, inbox_free_number(is_taken, &beside), ret_path))
        return STATUS_OK;
    errno = ENAMETOOLONG;
    return cannot_write(folder, why);
}

enum status refused_add(const struct delivery *delivery, const struct refused_row *rows, size_t count, const char *path,
                        struct fault *why)
{
    struct stat ignored;
    struct existing existing = {.width = delivery->header.cells, .stands = memory_array(count, sizeof(bool))};
    enum status status = STATUS_REFUSED;
    if (lstat(path, &ignored) != 0) {
        status = write_with_rows(delivery, rows, count, path, &existing, why);
    } else {
        existing.bytes = read_whole(path, &existing.length);
        if (existing.bytes != NULL && read_existing(&existing, delivery, rows, count))
            status = write_with_rows(delivery, rows, count, path, &existing, why);
    }
    free(existing.bytes);
    free(existing.stands);
    return status;
}

/* ---- files refused whole ------------------------------------------------------------------------------------------------------- */

enum status refused_reason(const char *path, const char *name, const struct fault *reason, struct fault *why)
{
    struct page page;
    char zh[2048], en[2048];
    enum status status;
    fault_format(reason, LANGUAGE_ZH, zh, sizeof(zh));
    fault_format(reason, LANGUAGE_EN, en, sizeof(en));
    page_open(&page);
    fprintf(page.file, "%s\n%s\n%s\n%s\n", name, message_code(reason->message), zh, en);
    page_close(&page);
    status = publish(path, page.text, page.length, true, why);
    free(page.text);
    return status;
}
