/* file.h - a small file whole into memory, never more than a limit. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "fault.h"
#include "status.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* *ret_bytes is terminated and yours to free. STATUS_REFUSED with cannot_read or too_large. */
enum status file_read(const char *path, size_t limit, char **ret_bytes, size_t *ret_length, struct fault *why)
    MUST_CHECK;
/* The same from an open file (not closed here); path is only for the fault. */
enum status file_read_from(FILE *file, const char *path, size_t limit, char **ret_bytes, size_t *ret_length,
                           struct fault *why) MUST_CHECK;
/* Opens for reading without ever waiting; NULL with errno. What it is (a folder, a pipe) is for file_read_from to say. */
FILE *file_open(const char *path);
/* `path`, or folder/path when it is relative. Yours to free. */
char *file_path_in(const char *folder, const char *path);
/* Makes the folders of a path that are missing, each with this mode, and has them survive a power cut: what is synced inside
 * a folder whose own name is not is lost with it. STATUS_BROKEN with cannot_write. */
enum status file_make_folders(const char *folder, mode_t mode, struct fault *why) MUST_CHECK;
/* Makes a folder's entries survive a power cut. STATUS_BROKEN with cannot_write. */
enum status file_sync_folder(const char *folder, struct fault *why) MUST_CHECK;
/* The folder a file lies in, absolute. Yours to free; STATUS_REFUSED when it does not exist. */
enum status file_folder(const char *file, char **ret_folder, struct fault *why) MUST_CHECK;

#endif
