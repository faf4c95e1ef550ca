/* file.c - settings, key files and tables of agents are small: read whole, under a limit, so that a wrong path (a device,
 * a log of gigabytes) is a message and not a hung program. */
#define _XOPEN_SOURCE 700 /* realpath */

#include "file.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status cannot_read(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_READ, path, strerror(errno), NULL);
    return STATUS_REFUSED;
}

enum status file_read_from(FILE *file, const char *path, size_t limit, char **ret_bytes, size_t *ret_length,
                           struct fault *why)
{
    char *bytes = NULL, number[24];
    size_t length = 0, capacity = 0, got;
    struct stat about;
    if (fstat(fileno(file), &about) != 0)
        return cannot_read(path, why);
    if (!S_ISREG(about.st_mode)) {
        errno = S_ISDIR(about.st_mode) ? EISDIR : EINVAL;
        return cannot_read(path, why);
    }
    do {
        bytes = memory_grow(bytes, &capacity, length + 4096 + 1, 1);
        got = fread(bytes + length, 1, 4096, file);
        length += got;
    } while (got > 0 && length <= limit);
    bytes[length] = '\0';
    if (ferror(file) || length > limit) {
        if (ferror(file)) {
            (void)cannot_read(path, why);
        } else {
            (void)snprintf(number, sizeof number, "%zu", limit);
            fault_set(why, MESSAGE_TOO_LARGE, path, number, NULL);
        }
        free(bytes);
        return STATUS_REFUSED;
    }
    *ret_bytes = bytes;
    *ret_length = length;
    return STATUS_OK;
}

/* fopen would wait for a writer at the end of a pipe, for ever, in the thread that serves everybody. */
FILE *file_open(const char *path)
{
    const int handle = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    FILE *file = handle < 0 ? NULL : fdopen(handle, "rb");
    if (file == NULL && handle >= 0)
        (void)close(handle);
    return file;
}

enum status file_read(const char *path, size_t limit, char **ret_bytes, size_t *ret_length, struct fault *why)
{
    FILE *file = file_open(path);
    if (file == NULL)
        return cannot_read(path, why);
    const enum status status = file_read_from(file, path, limit, ret_bytes, ret_length, why);
    (void)fclose(file); /* only read */
    return status;
}

char *file_path_in(const char *folder, const char *path)
{
    if (path[0] == '/')
        return memory_copy_text(path);
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    const size_t size = strlen(folder) + 1 + strlen(path) + 1;
    char *joined = memory_array(size, 1);
    (void)snprintf(joined, size, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", path);
    return joined;
}

static enum status cannot_write(const char *path, struct fault *why)
{
    fault_set(why, MESSAGE_CANNOT_WRITE, path, strerror(errno), NULL);
    return STATUS_BROKEN;
}

enum status file_sync_folder(const char *folder, struct fault *why)
{
    const int handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some network file systems cannot sync a folder and say EINVAL; there is nothing more to be done there. */
    const bool synced = handle >= 0 && (fsync(handle) == 0 || errno == EINVAL || errno == EROFS);
    const enum status status = synced ? STATUS_OK : cannot_write(folder, why);
    if (handle >= 0)
        (void)close(handle);
    return status;
}

/* The folder above one that was just made, or that a process may have made and not lived to sync. A folder that may be
 * passed but not looked into cannot be synced. */
static enum status sync_above(char *path, struct fault *why)
{
    char *slash = strrchr(path, '/');
    const char *above = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL && slash != path)
        *slash = '\0';
    enum status status = file_sync_folder(above, why);
    if (status != STATUS_OK && errno == EACCES)
        status = STATUS_OK;
    if (slash != NULL)
        *slash = '/';
    return status;
}

enum status file_make_folders(const char *folder, mode_t mode, struct fault *why)
{
    char *path = memory_copy_text(folder);
    const size_t length = strlen(path);
    enum status status = STATUS_OK;
    for (size_t end = 1; end <= length && status == STATUS_OK; end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        path[end] = '\0';
        const bool made = mkdir(path, mode) == 0;
        if (!made && errno != EEXIST && access(path, F_OK) != 0)
            status = cannot_write(path, why);
        else if (made || end == length)
            status = sync_above(path, why);
        if (end < length)
            path[end] = '/';
    }
    free(path);
    return status;
}

enum status file_folder(const char *file, char **ret_folder, struct fault *why)
{
    char *copy = memory_copy_text(file);
    char *folder = realpath(dirname(copy), NULL);
    free(copy);
    if (folder == NULL)
        return cannot_read(file, why);
    *ret_folder = folder;
    return STATUS_OK;
}
