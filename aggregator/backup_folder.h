/* backup_folder.h - a folder of files that appears under its name whole and durable, or not at all. It grows under
 * NAME.partial; what a killed program left there is removed by the next one. Every file is listed with its hash. */
#ifndef AGGREGATOR_BACKUP_FOLDER_H
#define AGGREGATOR_BACKUP_FOLDER_H

#include "fault.h"
#include "seal.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

#define BACKUP_LIST "files.txt" /* "<BLAKE2b-256 in hex> <bytes> <name>" a line */

typedef void hash_progress(void *context, uint64_t done, uint64_t all);

struct backup_folder;
/* STATUS_REFUSED when `name` exists, STATUS_AGAIN when another process is at it. */
enum status backup_folder_begin(const char *name, struct backup_folder **ret_folder, struct fault *why) MUST_CHECK;
/* Where a file of the folder is until it is finished; yours to free. Folders above it are made. */
char *backup_folder_path(struct backup_folder *folder, const char *name);
/* Writes a file, syncs and lists it. */
enum status backup_folder_write(struct backup_folder *folder, const char *name, const void *bytes, size_t length,
                                struct fault *why) MUST_CHECK;
/* Syncs and lists a file that somebody else wrote at backup_folder_path. */
enum status backup_folder_add(struct backup_folder *folder, const char *name, hash_progress *progress, void *context,
                              struct fault *why) MUST_CHECK;
/* Writes the list. No file may be added afterwards but by backup_folder_seal. */
enum status backup_folder_list(struct backup_folder *folder, uint64_t *ret_count, unsigned char ret_hash[SEAL_HASH],
                               struct fault *why) MUST_CHECK;
/* Writes one last file that is not listed, syncs the folders, and gives the folder its name. */
enum status backup_folder_seal(struct backup_folder *folder, const char *name, const char *text, struct fault *why)
    MUST_CHECK;
uint64_t backup_folder_bytes(const struct backup_folder *folder);
/* Removes what is not finished. */
void backup_folder_end(struct backup_folder **folder);

/* Compares a finished folder with its list, and the list with its hash. STATUS_BROKEN names the first file that differs. */
enum status backup_folder_check(const char *name, uint64_t count, const unsigned char hash[SEAL_HASH],
                                hash_progress *progress, void *context, struct fault *why) MUST_CHECK;
/* Makes what was written to a file, or the names in a folder, durable. */
enum status backup_sync(const char *path, struct fault *why) MUST_CHECK;

#endif
