/* disk.c - names and files, each with what is durable and what is pending. */
#include "disk.h"

#include "memory.h"
#include "oplog.h"
#include "random.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, ABSENT = -1, FOLDER = -2 };

struct change { /* of a file: bytes, or (NULL) a new length */
    const unsigned char *bytes;
    int64_t offset, length;
};

struct content {
    unsigned char *bytes; /* durable */
    size_t length, capacity;
    struct change *changes; /* pending */
    size_t change_count, change_capacity;
};

struct state { /* of a name */
    int file;    /* ABSENT, FOLDER, or which content */
    int tied_to; /* name that the same rename made, -1: none */
    size_t tied_state;
};

struct name {
    char *path; /* below the root */
    struct state *states; /* [0] is durable, the last is what programs see */
    size_t state_count, state_capacity, dropped; /* dropped: states before [0] */
};

struct handle {
    int32_t process, file;
    int content, name; /* content ABSENT: a folder */
};

struct disk {
    char *root;
    struct disk_faults faults;
    struct content *contents;
    size_t content_count, content_capacity;
    struct name *names;
    size_t name_count, name_capacity;
    struct handle *handles;
    size_t handle_count, handle_capacity;
};

static void must(bool good, const char *what, const char *path)
{
    if (good)
        return;
    fprintf(stderr, "powercut: %s: %s\n", what, path);
    exit(2);
}

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static int find_name(struct disk *disk, const char *path, bool add)
{
    for (size_t i = 0; i < disk->name_count; i++)
        if (strcmp(disk->names[i].path, path) == 0)
            return (int)i;
    if (!add)
        return -1;
    disk->names = memory_grow(disk->names, &disk->name_capacity, disk->name_count + 1, sizeof *disk->names);
    struct name *name = &disk->names[disk->name_count];
    memset(name, 0, sizeof *name);
    name->path = memory_copy_text(path);
    name->states = memory_grow(NULL, &name->state_capacity, 1, sizeof *name->states);
    name->states[name->state_count++] = (struct state){ABSENT, -1, 0};
    return (int)disk->name_count++;
}

static int seen(const struct name *name)
{
    return name->states[name->state_count - 1].file;
}

static void add_state(struct disk *disk, int which, int file, int tied_to, size_t tied_state)
{
    struct name *name = &disk->names[which];
    name->states = memory_grow(name->states, &name->state_capacity, name->state_count + 1, sizeof *name->states);
    name->states[name->state_count++] = (struct state){file, tied_to, tied_state};
}

/* Number of the newest state, for ever the same. */
static size_t newest(const struct name *name)
{
    return name->dropped + name->state_count - 1;
}

/* A name is durable up to this state; so is then the other side of the renames that led there. */
static void make_durable(struct disk *disk, int which, size_t state)
{
    struct name *name = &disk->names[which];
    if (state <= name->dropped)
        return;
    const size_t gone = state - name->dropped;
    for (size_t i = 1; i <= gone; i++) {
        const struct state tied = name->states[i];
        if (tied.tied_to >= 0)
            make_durable(disk, tied.tied_to, tied.tied_state);
    }
    memmove(name->states, name->states + gone, (name->state_count - gone) * sizeof *name->states);
    name->state_count -= gone;
    name->dropped = state;
}

static bool lies_in(const char *path, const char *folder)
{
    const size_t length = strlen(folder);
    if (length == 0)
        return path[0] != '\0' && strchr(path, '/') == NULL;
    return strncmp(path, folder, length) == 0 && path[length] == '/' && strchr(path + length + 1, '/') == NULL;
}

static void sync_folder(struct disk *disk, const char *folder)
{
    for (size_t i = 0; i < disk->name_count; i++)
        if (lies_in(disk->names[i].path, folder))
            make_durable(disk, (int)i, newest(&disk->names[i]));
}

/* ---- contents ------------------------------------------------------------------------------------------------------------ */

static int add_content(struct disk *disk)
{
    disk->contents =
        memory_grow(disk->contents, &disk->content_capacity, disk->content_count + 1, sizeof *disk->contents);
    memset(&disk->contents[disk->content_count], 0, sizeof *disk->contents);
    return (int)disk->content_count++;
}

static void set_length(struct content *content, size_t length)
{
    content->bytes = memory_grow(content->bytes, &content->capacity, length + 1, 1);
    if (length > content->length)
        memset(content->bytes + content->length, 0, length - content->length);
    content->length = length;
}

static void put_bytes(struct content *content, const unsigned char *bytes, size_t offset, size_t length)
{
    if (offset + length > content->length)
        set_length(content, offset + length);
    if (length > 0) /* nothing comes as NULL, which memcpy does not take */
        memcpy(content->bytes + offset, bytes, length);
}

/* Sectors are written or not, each by itself. */
static void put_torn(struct content *content, const struct change *change, uint32_t percent)
{
    size_t at = (size_t)change->offset;
    const size_t end = at + (size_t)change->length;
    while (at < end) {
        const size_t next = (at / SECTOR + 1) * SECTOR < end ? (at / SECTOR + 1) * SECTOR : end;
        if (draw_below(100) < percent)
            put_bytes(content, change->bytes + (at - (size_t)change->offset), at, next - at);
        at = next;
    }
}

static void apply(struct content *content, const struct change *change, uint32_t percent)
{
    if (change->bytes == NULL) {
        if (draw_below(100) < percent)
            set_length(content, (size_t)change->offset);
    } else if (percent >= 100) {
        put_bytes(content, change->bytes, (size_t)change->offset, (size_t)change->length);
    } else {
        put_torn(content, change, percent);
    }
}

static void sync_content(struct content *content)
{
    for (size_t i = 0; i < content->change_count; i++)
        apply(content, &content->changes[i], 100);
    content->change_count = 0;
}

static void add_change(struct disk *disk, int which, const unsigned char *bytes, int64_t offset, int64_t length)
{
    struct content *content = &disk->contents[which];
    content->changes =
        memory_grow(content->changes, &content->change_capacity, content->change_count + 1, sizeof *content->changes);
    content->changes[content->change_count++] = (struct change){bytes, offset, length};
}

/* ---- operations ------------------------------------------------------------------------------------------------------------ */

/* Path below the root, without "/./" and the like. */
static void relative(const struct disk *disk, const char *path, char ret_path[PATH_MAX])
{
    size_t length = 0;
    path += strlen(disk->root);
    while (*path != '\0') {
        while (*path == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0') && length == 0))
            path++;
        const size_t part = strcspn(path, "/");
        if (part == 1 && path[0] == '.') {
            path++;
            continue;
        }
        if (part > 0)
            length += (size_t)snprintf(ret_path + length, PATH_MAX - length, "%s%.*s", length > 0 ? "/" : "", (int)part, path);
        path += part;
    }
    ret_path[length] = '\0';
}

static struct handle *find_handle(struct disk *disk, const struct oplog_entry *entry)
{
    for (size_t i = disk->handle_count; i-- > 0;)
        if (disk->handles[i].process == entry->process && disk->handles[i].file == entry->file)
            return &disk->handles[i];
    return NULL;
}

static void open_file(struct disk *disk, const struct oplog_entry *entry, const char *path)
{
    const int which = find_name(disk, path, true);
    int file = seen(&disk->names[which]);
    if (file == ABSENT && (entry->offset & O_CREAT) != 0) {
        file = add_content(disk);
        add_state(disk, which, file, -1, 0);
    }
    if (file == ABSENT) /* keys, the catalogue: only read, and not in the base */
        return;
    if (file >= 0 && (entry->offset & O_TRUNC) != 0)
        add_change(disk, file, NULL, 0, 0);
    disk->handles = memory_grow(disk->handles, &disk->handle_capacity, disk->handle_count + 1, sizeof *disk->handles);
    disk->handles[disk->handle_count++] = (struct handle){entry->process, entry->file, file, which};
}

static void sync_file(struct disk *disk, const struct oplog_entry *entry)
{
    const struct handle *handle = find_handle(disk, entry);
    const char *path = handle == NULL ? "" : disk->names[handle->name].path;
    const size_t length = strlen(path);
    const bool is_log = length > 4 && strcmp(path + length - 4, "-wal") == 0;
    if (handle == NULL)
        return;
    if (handle->content < 0 && !disk->faults.folder_syncs)
        sync_folder(disk, path);
    if (handle->content >= 0 && !(is_log && disk->faults.log_syncs))
        sync_content(&disk->contents[handle->content]);
}

static void move_name(struct disk *disk, const char *from, const char *to)
{
    const int source = find_name(disk, from, true), target = find_name(disk, to, true);
    const int file = seen(&disk->names[source]);
    add_state(disk, target, file, -1, 0);
    add_state(disk, source, ABSENT, target, newest(&disk->names[target]));
}

static void link_name(struct disk *disk, const char *from, const char *to)
{
    const int source = find_name(disk, from, true), target = find_name(disk, to, true);
    add_state(disk, target, seen(&disk->names[source]), -1, 0);
}

void disk_perform(struct disk *disk, const struct oplog_entry *entry, const unsigned char *bytes)
{
    char path[PATH_MAX] = "", other[PATH_MAX] = "";
    struct handle *handle = entry->file < 0 ? NULL : find_handle(disk, entry);
    if (entry->kind == OPLOG_OPEN || entry->kind >= OPLOG_RENAME) {
        if (entry->kind == OPLOG_SEND)
            return;
        relative(disk, (const char *)bytes, path);
    }
    if (entry->kind == OPLOG_RENAME || entry->kind == OPLOG_LINK)
        relative(disk, (const char *)bytes + strlen((const char *)bytes) + 1, other);
    switch ((enum oplog_kind)entry->kind) {
    case OPLOG_OPEN: open_file(disk, entry, path); break;
    case OPLOG_CLOSE:
        if (handle != NULL)
            *handle = disk->handles[--disk->handle_count];
        break;
    case OPLOG_WRITE:
        if (handle != NULL && handle->content >= 0)
            add_change(disk, handle->content, bytes, entry->offset, entry->length);
        break;
    case OPLOG_TRUNCATE:
        if (handle != NULL && handle->content >= 0)
            add_change(disk, handle->content, NULL, entry->offset, 0);
        break;
    case OPLOG_SYNC: sync_file(disk, entry); break;
    case OPLOG_SYNC_FAILED: /* the kernel takes the pages for clean */
        if (handle != NULL && handle->content >= 0)
            disk->contents[handle->content].change_count = 0;
        break;
    case OPLOG_RENAME: move_name(disk, path, other); break;
    case OPLOG_LINK: link_name(disk, path, other); break;
    case OPLOG_UNLINK: add_state(disk, find_name(disk, path, true), ABSENT, -1, 0); break;
    case OPLOG_MKDIR: add_state(disk, find_name(disk, path, true), FOLDER, -1, 0); break;
    case OPLOG_SEND: break;
    }
}

/* ---- what was there before --------------------------------------------------------------------------------------------------- */

static void read_whole(struct content *content, const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char part[65536];
    size_t got;
    must(file != NULL, "cannot read", path);
    while ((got = fread(part, 1, sizeof part, file)) > 0)
        put_bytes(content, part, content->length, got);
    (void)fclose(file);
}

static void read_folder(struct disk *disk, const char *base, const char *below)
{
    char path[PATH_MAX], inner[PATH_MAX];
    struct stat about;
    must(snprintf(path, sizeof path, "%s/%s", base, below) < PATH_MAX, "too long", below);
    DIR *folder = opendir(path);
    must(folder != NULL, "cannot read", path);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        must(snprintf(inner, sizeof inner, "%s%s%s", below, below[0] == '\0' ? "" : "/", entry->d_name) < PATH_MAX &&
                 snprintf(path, sizeof path, "%s/%s", base, inner) < PATH_MAX, "too long", below);
        if (stat(path, &about) != 0)
            continue;
        const int which = find_name(disk, inner, true);
        if (S_ISDIR(about.st_mode)) {
            disk->names[which].states[0].file = FOLDER;
            read_folder(disk, base, inner);
        } else if (S_ISREG(about.st_mode)) {
            const int content = add_content(disk);
            disk->names[which].states[0].file = content;
            read_whole(&disk->contents[content], path);
        }
    }
    (void)closedir(folder);
}

struct disk *disk_new(const char *base, const char *root, struct disk_faults faults, uint64_t seed)
{
    random_state = seed | 1; /* this file has chances of its own */
    struct disk *disk = memory_new(struct disk);
    disk->root = memory_copy_text(root);
    disk->faults = faults;
    const int top = find_name(disk, "", true);
    disk->names[top].states[0].file = FOLDER;
    read_folder(disk, base, "");
    return disk;
}

void disk_free(struct disk **disk)
{
    struct disk *gone = *disk;
    for (size_t i = 0; i < gone->content_count; i++) {
        free(gone->contents[i].bytes);
        free(gone->contents[i].changes);
    }
    for (size_t i = 0; i < gone->name_count; i++) {
        free(gone->names[i].path);
        free(gone->names[i].states);
    }
    free(gone->contents);
    free(gone->names);
    free(gone->handles);
    free(gone->root);
    free(gone);
    *disk = NULL;
}

/* ---- what a power cut leaves --------------------------------------------------------------------------------------------------- */

/* A state for each name; where a rename took a name away, the other one has it. */
static size_t *choose_states(const struct disk *disk, enum disk_rest rest, uint32_t percent)
{
    size_t *chosen = memory_array(disk->name_count, sizeof *chosen);
    for (size_t i = 0; i < disk->name_count; i++) {
        const size_t most = disk->names[i].state_count - 1;
        if (rest == DISK_ALL)
            chosen[i] = most;
        while (rest == DISK_TORN && chosen[i] < most && draw_below(100) < percent)
            chosen[i]++;
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < disk->name_count; i++)
            for (size_t s = 1; s <= chosen[i]; s++) {
                const struct state *state = &disk->names[i].states[s];
                if (state->tied_to < 0)
                    continue;
                const struct name *other = &disk->names[state->tied_to];
                if (other->dropped + chosen[state->tied_to] < state->tied_state) {
                    chosen[state->tied_to] = state->tied_state - other->dropped;
                    again = true;
                }
            }
    }
    return chosen;
}

static bool is_below(const char *path, const char *below)
{
    const size_t length = strlen(below);
    return strncmp(path, below, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool has_ending(const char *path, const char *ending)
{
    const size_t length = strlen(path), end = strlen(ending);
    return length >= end && strcmp(path + length - end, ending) == 0;
}

/* Makes the folders above a path as far as they are part of the image; false when one of them is not. */
static bool folders_are_there(struct disk *disk, const size_t *chosen, const char *path)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strrchr(folder, '/'); slash != NULL; slash = strrchr(folder, '/')) {
        *slash = '\0';
        const int which = find_name(disk, folder, false);
        if (which >= 0 && disk->names[which].states[chosen[which]].file != FOLDER)
            return false;
    }
    return true;
}

static void make_folders(const char *path)
{
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700);
        *slash = '/';
    }
}

static void write_content(const struct content *content, enum disk_rest rest, uint32_t percent, const char *path)
{
    struct content copy = {0};
    put_bytes(&copy, content->length == 0 ? (const unsigned char *)"" : content->bytes, 0, content->length);
    for (size_t i = 0; rest != DISK_NONE && i < content->change_count; i++)
        apply(&copy, &content->changes[i], rest == DISK_ALL ? 100 : percent);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    must(file >= 0 && (copy.length == 0 || write(file, copy.bytes, copy.length) == (ssize_t)copy.length), "cannot write", path);
    (void)close(file);
    free(copy.bytes);
}

void disk_write(const struct disk *disk, const char *below, enum disk_rest rest, const char *folder)
{
    static const uint32_t percents[] = {5, 30, 50, 70, 95};
    const uint32_t percent = percents[draw_below(5)];
    size_t *chosen = choose_states(disk, rest, percent);
    char path[PATH_MAX], **written = memory_array(disk->content_count, sizeof *written);
    for (size_t i = 0; i < disk->name_count; i++) {
        const struct name *name = &disk->names[i];
        const int file = name->states[chosen[i]].file;
        if (!is_below(name->path, below) || file == ABSENT || has_ending(name->path, "-shm") ||
            has_ending(name->path, "lock") || has_ending(name->path, ".sock") ||
            !folders_are_there((struct disk *)(uintptr_t)disk, chosen, name->path))
            continue;
        must(snprintf(path, sizeof path, "%s/%s", folder, name->path) < PATH_MAX, "too long", name->path);
        make_folders(path);
        if (file == FOLDER)
            (void)mkdir(path, 0700);
        else if (written[file] != NULL) /* one file, two names */
            must(link(written[file], path) == 0, "cannot link", path);
        else
            write_content(&disk->contents[file], rest, percent, written[file] = memory_copy_text(path));
    }
    for (size_t i = 0; i < disk->content_count; i++)
        free(written[i]);
    free(written);
    free(chosen);
}
