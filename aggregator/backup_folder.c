/* backup_folder.c - see backup_folder.h. */
#define _XOPEN_SOURCE 700 /* nftw */

#include "backup_folder.h"

#include "file.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (1 << 20)
#define LIST_BYTES (16 << 20)
#define DEPTH 16 /* folders held open while a tree is removed */

struct backup_folder {
    char *name, *partial;
    int hold;                /* the partial folder itself, locked */
    bool begun, finished;
    char *list;
    size_t length, capacity;
    uint64_t count, bytes;
};

static enum status cannot_write(const char *path, struct fault *why)
{
    const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    fault_set(why, full ? MESSAGE_BACKUP_FULL : MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    return STATUS_BROKEN;
}

static enum status cannot_read(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_READ, path, strerror(errno), NULL);
    return STATUS_BROKEN;
}

enum status backup_sync(const char *path, struct fault *why)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const bool good = file >= 0 && fsync(file) == 0;
    const enum status status = good ? STATUS_OK : cannot_write(path, why);
    if (file >= 0)
        close(file);
    return status;
}

/* ---- beginning and ending ---------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    return place->level == 0 ? 0 : remove(path); /* the folder itself is held */
}

/* The folder is ours when nobody else holds it and it is still the one of this name. */
static enum status hold_partial(struct backup_folder *folder, struct fault *why)
{
    struct stat held, named;
    if (mkdir(folder->partial, 0700) != 0 && errno != EEXIST)
        return cannot_write(folder->partial, why);
    folder->hold = open(folder->partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->hold < 0)
        return cannot_write(folder->partial, why);
    if (flock(folder->hold, LOCK_EX | LOCK_NB) != 0 || fstat(folder->hold, &held) != 0 ||
        stat(folder->partial, &named) != 0 || held.st_ino != named.st_ino || held.st_dev != named.st_dev) {
        fault_set(why, MESSAGE_BACKUP_UNDER_WAY, folder->partial, NULL);
        return STATUS_AGAIN;
    }
    folder->begun = true;
    return nftw(folder->partial, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS) == 0 ? STATUS_OK
                                                                              : cannot_write(folder->partial, why);
}

enum status backup_folder_begin(const char *name, struct backup_folder **ret_folder, struct fault *why)
{
    struct backup_folder *folder = memory_new(struct backup_folder);
    struct stat about;
    size_t length = strlen(name);
    enum status status = STATUS_OK;
    while (length > 1 && name[length - 1] == '/')
        length--;
    folder->hold = -1;
    folder->name = memory_copy_text_length(name, length);
    folder->partial = memory_array(length + sizeof ".partial", 1);
    (void)snprintf(folder->partial, length + sizeof ".partial", "%s.partial", folder->name);
    if (lstat(folder->name, &about) == 0) {
        fault_set(why, MESSAGE_BACKUP_EXISTS, folder->name, NULL);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_OK)
        status = hold_partial(folder, why);
    if (status == STATUS_OK)
        *ret_folder = folder;
    else
        backup_folder_end(&folder);
    return status;
}

void backup_folder_end(struct backup_folder **folder)
{
    struct backup_folder *old = *folder;
    *folder = NULL;
    if (old == NULL)
        return;
    if (old->begun && !old->finished) { /* what cannot be removed now, the next backup removes */
        (void)nftw(old->partial, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS);
        (void)rmdir(old->partial);
    }
    if (old->hold >= 0)
        close(old->hold);
    free(old->list);
    free(old->partial);
    free(old->name);
    free(old);
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

char *backup_folder_path(struct backup_folder *folder, const char *name)
{
    char *path = file_path_in(folder->partial, name);
    for (char *slash = strchr(path + strlen(folder->partial) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* a failure shows when the file is opened */
        *slash = '/';
    }
    return path;
}

static enum status write_synced(const char *path, const void *bytes, size_t length, struct fault *why)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const char *at = bytes;
    bool good = file >= 0;
    while (good && length > 0) {
        const ssize_t wrote = write(file, at, length);
        good = wrote > 0 || (wrote < 0 && errno == EINTR);
        at += wrote > 0 ? wrote : 0;
        length -= wrote > 0 ? (size_t)wrote : 0;
    }
    good = good && fsync(file) == 0;
    const enum status status = good ? STATUS_OK : cannot_write(path, why);
    if (file >= 0)
        close(file);
    return status;
}

static enum status hash_file(const char *path, hash_progress *progress, void *context, uint64_t *ret_bytes,
                             unsigned char ret_hash[SEAL_HASH], struct fault *why)
{
    FILE *file = file_open(path);
    struct stat about;
    struct seal_hasher *hasher;
    unsigned char *piece;
    size_t got;
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        if (file != NULL)
            (void)fclose(file);
        return cannot_read(path, why);
    }
    hasher = seal_hasher_new();
    piece = memory_array(PIECE, 1);
    *ret_bytes = 0;
    while ((got = fread(piece, 1, PIECE, file)) > 0) {
        seal_hasher_add(hasher, piece, got);
        *ret_bytes += got;
        if (progress != NULL)
            progress(context, *ret_bytes, (uint64_t)about.st_size);
    }
    seal_hasher_finish(&hasher, ret_hash);
    const enum status status = ferror(file) != 0 ? cannot_read(path, why) : STATUS_OK;
    (void)fclose(file); /* only read */
    free(piece);
    return status;
}

static void list_file(struct backup_folder *folder, const char *name, uint64_t bytes, const unsigned char hash[SEAL_HASH])
{
    const size_t most = 2 * SEAL_HASH + 1 + 20 + 1 + strlen(name) + 2;
    char hex[2 * SEAL_HASH + 1];
    seal_hex(hash, SEAL_HASH, hex);
    folder->list = memory_grow(folder->list, &folder->capacity, folder->length + most, 1);
    const int wrote = snprintf(folder->list + folder->length, most, "%s %" PRIu64 " %s\n", hex, bytes, name);
    folder->length += wrote > 0 ? (size_t)wrote : 0;
    folder->bytes += bytes;
    folder->count++;
}

enum status backup_folder_write(struct backup_folder *folder, const char *name, const void *bytes, size_t length,
                                struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    char *path = backup_folder_path(folder, name);
    const enum status status = write_synced(path, bytes, length, why);
    seal_hash(bytes, length, hash);
    if (status == STATUS_OK)
        list_file(folder, name, length, hash);
    free(path);
    return status;
}

enum status backup_folder_add(struct backup_folder *folder, const char *name, hash_progress *progress, void *context,
                              struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    uint64_t bytes = 0;
    char *path = backup_folder_path(folder, name);
    enum status status = backup_sync(path, why);
    if (status == STATUS_OK)
        status = hash_file(path, progress, context, &bytes, hash, why);
    if (status == STATUS_OK)
        list_file(folder, name, bytes, hash);
    free(path);
    return status;
}

enum status backup_folder_list(struct backup_folder *folder, uint64_t *ret_count, unsigned char ret_hash[SEAL_HASH],
                               struct fault *why)
{
    char *path = backup_folder_path(folder, BACKUP_LIST);
    const enum status status = write_synced(path, folder->list, folder->length, why);
    seal_hash(folder->list, folder->length, ret_hash);
    *ret_count = folder->count;
    free(path);
    return status;
}

static int sync_folder(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)place;
    return kind == FTW_DP && backup_sync(path, NULL) != STATUS_OK ? -1 : 0;
}

enum status backup_folder_seal(struct backup_folder *folder, const char *name, const char *text, struct fault *why)
{
    char *path = backup_folder_path(folder, name), *copy = memory_copy_text(folder->name);
    enum status status = write_synced(path, text, strlen(text), why);
    if (status == STATUS_OK && nftw(folder->partial, sync_folder, DEPTH, FTW_DEPTH | FTW_PHYS) != 0)
        status = cannot_write(folder->partial, why);
    if (status == STATUS_OK && rename(folder->partial, folder->name) != 0)
        status = cannot_write(folder->name, why);
    folder->finished = status == STATUS_OK;
    if (status == STATUS_OK)
        status = backup_sync(dirname(copy), why);
    free(copy);
    free(path);
    return status;
}

uint64_t backup_folder_bytes(const struct backup_folder *folder)
{
    return folder->bytes;
}

/* ---- looking at a finished one ----------------------------------------------------------------------------------------- */

static enum status differs(const char *name, const char *file, struct fault *why)
{
    fault_set(why, MESSAGE_BACKUP_ALTERED, name, file, NULL);
    return STATUS_BROKEN;
}

/* One line of the list; *line moves behind it. */
static enum status check_line(const char *name, char **line, hash_progress *progress, void *context, struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    char hex[2 * SEAL_HASH + 1], *end = strchr(*line, '\n'), *rest = NULL;
    uint64_t listed, bytes = 0;
    if (end == NULL || end - *line < 2 * SEAL_HASH + 4 || (*line)[2 * SEAL_HASH] != ' ')
        return differs(name, BACKUP_LIST, why);
    *end = '\0';
    listed = strtoull(*line + 2 * SEAL_HASH + 1, &rest, 10);
    if (*rest != ' ' || rest[1] == '/' || rest[1] == '\0' || strstr(rest + 1, "..") != NULL)
        return differs(name, BACKUP_LIST, why);
    char *path = file_path_in(name, rest + 1);
    enum status status = hash_file(path, progress, context, &bytes, hash, why);
    seal_hex(hash, SEAL_HASH, hex);
    if (status == STATUS_OK && (bytes != listed || strncmp(hex, *line, 2 * SEAL_HASH) != 0))
        status = differs(name, rest + 1, why);
    free(path);
    *line = end + 1;
    return status;
}

enum status backup_folder_check(const char *name, uint64_t count, const unsigned char hash[SEAL_HASH],
                                hash_progress *progress, void *context, struct fault *why)
{
    unsigned char found[SEAL_HASH];
    char *path = file_path_in(name, BACKUP_LIST), *list = NULL, *line;
    size_t length = 0;
    uint64_t lines = 0;
    enum status status = file_read(path, LIST_BYTES, &list, &length, why);
    free(path);
    if (status != STATUS_OK)
        return STATUS_BROKEN;
    seal_hash(list, length, found);
    if (memcmp(found, hash, SEAL_HASH) != 0)
        status = differs(name, BACKUP_LIST, why);
    for (line = list; status == STATUS_OK && *line != '\0'; lines++)
        status = check_line(name, &line, progress, context, why);
    if (status == STATUS_OK && lines != count)
        status = differs(name, BACKUP_LIST, why);
    free(list);
    return status;
}
