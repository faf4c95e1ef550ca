/* disk.h - a model of the disks under a log of operations (oplog.h): what is durable, and what a power cut may leave of the
 * rest. Files are durable up to their last sync; names up to the last sync of their folder; a rename is never half done,
 * but its two folders may be written at different times. The bytes of a failed sync are gone for good. */
#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

enum disk_rest {
    DISK_NONE, /* nothing that was not synced */
    DISK_ALL,  /* everything */
    DISK_TORN, /* any subset of names, and of the 512-byte sectors of what was written */
};

struct disk_faults { /* for control runs: syncs that are worth nothing */
    bool log_syncs;    /* of write-ahead logs */
    bool folder_syncs; /* of folders */
};

/* `root` is the folder of the log; `base` holds what was there, durably, before it. */
struct disk *disk_new(const char *base, const char *root, struct disk_faults faults, uint64_t seed);
void disk_free(struct disk **disk);
/* Performs one operation. */
struct oplog_entry;
void disk_perform(struct disk *disk, const struct oplog_entry *entry, const unsigned char *bytes);
/* Writes what is left below `below` ("data", "outbox/east") to folder/below. Locks and shared memory are left out. */
void disk_write(const struct disk *disk, const char *below, enum disk_rest rest, const char *folder);

#endif
