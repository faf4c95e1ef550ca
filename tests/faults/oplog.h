/* oplog.h - what the preload writes down (preload.c) and the replayer reads (powercut.c): every change of files below a
 * folder, in the order in which it happened, from all programs into one file, and every message that left. */
#ifndef TESTS_FAULTS_OPLOG_H
#define TESTS_FAULTS_OPLOG_H

#include <stdint.h>

enum oplog_kind {
    OPLOG_OPEN = 1, /* path; offset: flags of open */
    OPLOG_CLOSE,
    OPLOG_WRITE,    /* bytes at offset */
    OPLOG_TRUNCATE, /* to offset */
    OPLOG_SYNC,
    OPLOG_SYNC_FAILED,
    OPLOG_RENAME, /* path, NUL, path */
    OPLOG_LINK,   /* path, NUL, path */
    OPLOG_UNLINK, /* path */
    OPLOG_MKDIR,  /* path */
    OPLOG_SEND,   /* a message that is about to leave */
};

struct oplog_entry {
    uint32_t kind, length; /* bytes that follow */
    int32_t process, file; /* descriptor */
    int64_t offset;
};

#endif
