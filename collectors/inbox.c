/* inbox.c - looks through an inbox and moves files out of it.
 *
 * Completeness is judged by what this process saw, not by the file's own time: a copy that keeps old times looks
 * complete while it still grows. What was seen (inode, size, time of change) is remembered from scan to scan, and the
 * file counts once it has stayed the same for the settling time.
 *
 * Moving never replaces a file of the same name: renameat2 where the file system knows it, else link + unlink. A crash
 * between those two, or a power cut that keeps one folder only, leaves the file in both places; its bytes are in the manifest, so the next start only finishes the
 * move. What arrived is then compared with what was read: a clerk may have saved the file anew meanwhile, and a report
 * that nobody read must not lie in done/. */
#define _GNU_SOURCE /* renameat2 */
#include "inbox.h"

#include "feed.h"
#include "file.h"
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_MS 500
#define NUMBER_MOST (1 << 30) /* behind a name that is taken */

struct seen {
    struct inbox_file file;
    int64_t since_ms; /* unchanged since */
    int64_t not_before_ms;
};

struct inbox {
    char *folder;
    int64_t settle_ms, due_ms;
    struct seen *seen;        /* by name */
    size_t seen_count;
    struct inbox_file *ready; /* names borrowed from seen */
    size_t ready_count, ready_capacity;
};

static enum status cannot_write(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    return STATUS_BROKEN;
}

/* ---- folders ------------------------------------------------------------------------------------------------------------ */

static enum status make_folder(const char *folder, struct fault *why)
{
    const enum status status = file_make_folders(folder, 0777, why);
    return status == STATUS_OK && access(folder, R_OK | W_OK | X_OK) != 0 ? cannot_write(folder, why) : status;
}

bool inbox_path(const struct inbox *inbox, const char *name, char ret_path[INBOX_PATH])
{
    const int length = snprintf(ret_path, INBOX_PATH, "%s/%s", inbox->folder, name);
    return length > 0 && length < INBOX_PATH;
}

/* Clerks may write in the inbox: a link there instead of done/ would lead files to wherever they like. */
static enum status make_below(const struct inbox *inbox, const char *below, struct fault *why)
{
    char path[INBOX_PATH];
    struct stat about;
    if (!inbox_path(inbox, below, path)) {
        errno = ENAMETOOLONG;
        return cannot_write(inbox->folder, why);
    }
    if (lstat(path, &about) == 0 && !S_ISDIR(about.st_mode)) {
        errno = ENOTDIR;
        return cannot_write(path, why);
    }
    return make_folder(path, why);
}

enum status inbox_open(const char *folder, int32_t settle_seconds, struct inbox **ret_inbox, struct fault *why)
{
    struct inbox *inbox = memory_new(struct inbox);
    enum status status = make_folder(folder, why);
    inbox->folder = memory_copy_text(folder);
    inbox->settle_ms = (int64_t)settle_seconds * 1000;
    if (status == STATUS_OK)
        status = make_below(inbox, "done", why);
    if (status == STATUS_OK)
        status = make_below(inbox, "refused", why);
    if (status == STATUS_OK)
        *ret_inbox = inbox;
    else
        inbox_close(&inbox);
    return status;
}

static void forget_seen(struct seen *seen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(seen[i].file.name);
    free(seen);
}

void inbox_close(struct inbox **inbox)
{
    struct inbox *gone = *inbox;
    if (gone == NULL)
        return;
    forget_seen(gone->seen, gone->seen_count);
    free(gone->ready);
    free(gone->folder);
    free(gone);
    *inbox = NULL;
}

enum status inbox_check(const char *folder, struct fault *why)
{
    char *path = memory_copy_text(folder);
    struct stat about;
    enum status status = STATUS_OK;
    /* The nearest part of the path that exists has to be a folder in which one may write. */
    while (stat(path, &about) != 0 && errno == ENOENT && strrchr(path, '/') != NULL && strrchr(path, '/') != path)
        *strrchr(path, '/') = '\0';
    if (stat(path, &about) != 0 || access(path, W_OK | X_OK) != 0) {
        status = cannot_write(path, why);
    } else if (!S_ISDIR(about.st_mode)) {
        errno = ENOTDIR;
        status = cannot_write(path, why);
    }
    free(path);
    return status;
}

const char *inbox_folder(const struct inbox *inbox)
{
    return inbox->folder;
}

int64_t inbox_due(const struct inbox *inbox)
{
    return inbox->due_ms;
}

size_t inbox_waiting(const struct inbox *inbox)
{
    return inbox->seen_count - inbox->ready_count;
}

/* ---- looking through ------------------------------------------------------------------------------------------------------ */

static int by_name(const void *left, const void *right)
{
    const struct seen *one = left, *other = right;
    return strcmp(one->file.name, other->file.name);
}

static int by_time(const void *left, const void *right)
{
    const struct inbox_file *one = left, *other = right;
    if (one->state.mtime_ns != other->state.mtime_ns)
        return one->state.mtime_ns < other->state.mtime_ns ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* Links and devices are no input: a link could lead to a file that the sender may not read himself. */
static bool look_at(int folder_fd, const char *name, struct inbox_state *ret_state)
{
    struct stat about;
    if (fstatat(folder_fd, name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
        return false;
    *ret_state = (struct inbox_state){
        .mtime_ns = (int64_t)((uint64_t)about.st_mtim.tv_sec * 1000000000 + (uint64_t)about.st_mtim.tv_nsec),
        .size = (int64_t)about.st_size,
        .inode = (uint64_t)about.st_ino,
    };
    return true;
}

static bool same_state(const struct inbox_state *one, const struct inbox_state *other)
{
    return one->mtime_ns == other->mtime_ns && one->size == other->size && one->inode == other->inode;
}

bool inbox_look(const struct inbox *inbox, const char *name, struct inbox_state *ret_state)
{
    char path[INBOX_PATH];
    return inbox_path(inbox, name, path) && look_at(AT_FDCWD, path, ret_state);
}

static struct seen *find_seen(const struct inbox *inbox, char *name)
{
    const struct seen key = {.file = {.name = name}};
    return inbox->seen_count == 0 ? NULL
                                  : bsearch(&key, inbox->seen, inbox->seen_count, sizeof(*inbox->seen), by_name);
}

/* What is known of a file from the scan before, as long as it has not changed. A clock set back must not keep it
 * waiting for ever. */
static struct seen remember(const struct inbox *inbox, const struct inbox_file *file, int64_t now_ms)
{
    const struct seen *before = find_seen(inbox, file->name);
    const bool same = before != NULL && same_state(&before->file.state, &file->state);
    return same ? (struct seen){*file, before->since_ms < now_ms ? before->since_ms : now_ms, before->not_before_ms}
                : (struct seen){*file, now_ms, INT64_MIN};
}

void inbox_postpone(struct inbox *inbox, const char *name, int64_t until_ms)
{
    char *key = memory_copy_text(name);
    struct seen *seen = find_seen(inbox, key);
    if (seen != NULL)
        seen->not_before_ms = until_ms;
    free(key);
}

static enum status list_folder(struct inbox *inbox, int64_t now_ms, struct seen **ret_seen, size_t *ret_count,
                               struct fault *why)
{
    DIR *folder = opendir(inbox->folder);
    struct seen *seen = NULL;
    size_t count = 0, capacity = 0;
    struct inbox_file file;
    if (folder == NULL) {
        fault_set(why, MESSAGE_CANNOT_READ, inbox->folder, strerror(errno), NULL);
        return STATUS_AGAIN;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!feed_is_input(entry->d_name) || !look_at(dirfd(folder), entry->d_name, &file.state))
            continue;
        seen = memory_grow(seen, &capacity, count + 1, sizeof(*seen));
        file.name = memory_copy_text(entry->d_name);
        seen[count++] = remember(inbox, &file, now_ms);
    }
    closedir(folder);
    if (count > 0)
        qsort(seen, count, sizeof(*seen), by_name);
    *ret_seen = seen;
    *ret_count = count;
    return STATUS_OK;
}

enum status inbox_scan(struct inbox *inbox, int64_t now_ms, bool at_once, const struct inbox_file **ret_files,
                       size_t *ret_count, struct fault *why)
{
    struct seen *seen = NULL;
    size_t count = 0;
    const enum status status = list_folder(inbox, now_ms, &seen, &count, why);
    inbox->due_ms = now_ms + SCAN_MS;
    inbox->ready_count = 0;
    *ret_count = 0;
    if (status != STATUS_OK)
        return status;
    forget_seen(inbox->seen, inbox->seen_count);
    inbox->seen = seen;
    inbox->seen_count = count;
    for (size_t i = 0; i < count; i++) {
        if ((!at_once && now_ms - seen[i].since_ms < inbox->settle_ms) || now_ms < seen[i].not_before_ms)
            continue;
        inbox->ready = memory_grow(inbox->ready, &inbox->ready_capacity, inbox->ready_count + 1, sizeof(*inbox->ready));
        inbox->ready[inbox->ready_count++] = seen[i].file;
    }
    if (inbox->ready_count > 0)
        qsort(inbox->ready, inbox->ready_count, sizeof(*inbox->ready), by_time);
    *ret_files = inbox->ready;
    *ret_count = inbox->ready_count;
    return STATUS_OK;
}

/* ---- moving ------------------------------------------------------------------------------------------------------------------ */

int inbox_free_number(bool (*taken)(const void *about, int number), const void *about)
{
    int low = 1, high = 2;
    if (!taken(about, 1))
        return 1;
    while (high < NUMBER_MOST && taken(about, high)) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (taken(about, middle))
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* A name below the inbox that may get a number: name.csv, name.2.csv, name.3.csv ... */
struct place {
    const struct inbox *inbox;
    const char *below, *name, *ending;
    size_t stem;
};

static bool write_place(const struct place *place, int number, char ret_path[INBOX_PATH])
{
    const char *folder = place->inbox->folder;
    const int length = number == 1
        ? snprintf(ret_path, INBOX_PATH, "%s/%s/%s", folder, place->below, place->name)
        : snprintf(ret_path, INBOX_PATH, "%s/%s/%.*s.%d%s", folder, place->below, (int)place->stem, place->name, number,
                   place->ending);
    return length > 0 && length < INBOX_PATH;
}

/* Two names of one file: a move that a crash left half done. */
static bool is_same_file(const char *path, const char *other)
{
    struct stat one, two;
    return lstat(path, &one) == 0 && lstat(other, &two) == 0 && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* Where the file lies already is free for it. */
static bool is_taken(const void *about, int number)
{
    const struct place *place = about;
    char path[INBOX_PATH], from[INBOX_PATH];
    struct stat ignored;
    return write_place(place, number, path) && lstat(path, &ignored) == 0 &&
           !(inbox_path(place->inbox, place->name, from) && is_same_file(from, path));
}

enum status inbox_free_path(const struct inbox *inbox, const char *below, const char *name, char ret_path[INBOX_PATH],
                            struct fault *why)
{
    const size_t digits = 12; /* room for a number */
    const char *dot = strrchr(name, '.');
    struct place place = {.inbox = inbox, .below = below, .name = name};
    place.stem = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    place.ending = name + place.stem;
    /* Somebody may have tidied the folder away. */
    if (make_below(inbox, below, why) != STATUS_OK)
        return STATUS_AGAIN;
    if (strlen(name) + digits > NAME_MAX && place.stem > digits)
        place.stem = text_cut(name, place.stem, place.stem - digits);
    if (write_place(&place, inbox_free_number(is_taken, &place), ret_path))
        return STATUS_OK;
    errno = ENAMETOOLONG;
    return cannot_write(inbox->folder, why);
}

/* Renames without replacing on file systems that know no links. */
static int move_without_links(const char *from, const char *to)
{
    struct stat ignored;
    if (lstat(to, &ignored) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

static int move_exclusively(const char *from, const char *to)
{
    if (is_same_file(from, to))
        return unlink(from);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from, to) == 0)
        return unlink(from);
    return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK ? move_without_links(from, to) : -1;
}

/* The file that came along instead of the one that was read goes back where it was, or beside a still newer one. */
static enum status put_back(const struct inbox *inbox, const char *path, const char *name, struct fault *why)
{
    char back[INBOX_PATH];
    if (inbox_path(inbox, name, back) && move_exclusively(path, back) == 0)
        return STATUS_OK;
    if (inbox_free_path(inbox, ".", name, back, why) == STATUS_OK && move_exclusively(path, back) == 0)
        return STATUS_OK;
    cannot_write(back, why);
    return STATUS_AGAIN;
}

enum status inbox_move(const struct inbox *inbox, const char *name, const struct inbox_state *read, const char *path,
                       bool *ret_other, struct fault *why)
{
    char from[INBOX_PATH], folder[INBOX_PATH];
    struct inbox_state state;
    enum status status;
    *ret_other = false;
    if (!inbox_path(inbox, name, from) || snprintf(folder, sizeof(folder), "%s", path) >= INBOX_PATH ||
        strrchr(folder, '/') == NULL) {
        errno = ENAMETOOLONG;
        return cannot_write(path, why);
    }
    *strrchr(folder, '/') = '\0';
    if (!look_at(AT_FDCWD, from, &state) || !same_state(&state, read)) {
        *ret_other = true;
        return STATUS_OK;
    }
    if (move_exclusively(from, path) != 0) {
        const bool taken = errno == EEXIST;
        cannot_write(path, why);
        return taken ? STATUS_REFUSED : STATUS_AGAIN;
    }
    if (!look_at(AT_FDCWD, path, &state) || !same_state(&state, read)) {
        *ret_other = true;
        status = put_back(inbox, path, name, why);
        if (status != STATUS_OK)
            return status;
    }
    status = file_sync_folder(folder, why);
    return status == STATUS_OK ? file_sync_folder(inbox->folder, why) : status;
}
