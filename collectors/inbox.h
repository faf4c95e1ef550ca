/* inbox.h - one folder into which clerks put files, with done/ and refused/ below it. A file is complete when it has not
 * changed for the settling time; it is moved, never over another one, with both folders synced. */
#ifndef COLLECTORS_INBOX_H
#define COLLECTORS_INBOX_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INBOX_PATH 4096

struct inbox;

/* What a file is known by from one look to the next. */
struct inbox_state {
    int64_t mtime_ns;
    int64_t size;
    uint64_t inode;
};

struct inbox_file {
    char *name; /* as in the folder */
    struct inbox_state state;
};

/* Makes the folder, done/ and refused/ when absent. STATUS_BROKEN when they cannot be written. */
enum status inbox_open(const char *folder, int32_t settle_seconds, struct inbox **ret_inbox, struct fault *why)
    MUST_CHECK;
void inbox_close(struct inbox **inbox);
/* Whether inbox_open could succeed, without making anything. */
enum status inbox_check(const char *folder, struct fault *why) MUST_CHECK;

/* Complete files in the order in which they are to be taken: by time of change, then name. at_once: whatever is there
 * counts as complete. Borrowed till the next scan. STATUS_AGAIN when the folder cannot be read just now. */
enum status inbox_scan(struct inbox *inbox, int64_t now_ms, bool at_once, const struct inbox_file **ret_files,
                       size_t *ret_count, struct fault *why) MUST_CHECK;
/* A file that could not be taken now is not offered again before then. */
void inbox_postpone(struct inbox *inbox, const char *name, int64_t until_ms);
int64_t inbox_due(const struct inbox *inbox); /* moment of the next scan */
size_t inbox_waiting(const struct inbox *inbox); /* files seen at the last scan that were not offered */
const char *inbox_folder(const struct inbox *inbox);

/* folder/name. False when it is too long. */
bool inbox_path(const struct inbox *inbox, const char *name, char ret_path[INBOX_PATH]);
/* What lies there now under this name; false when it is no plain file or gone. Ask before reading it. */
bool inbox_look(const struct inbox *inbox, const char *name, struct inbox_state *ret_state);
/* A number (1, 2 ...) that is not taken, 1 when that is free; asks a few times however many are taken. */
int inbox_free_number(bool (*taken)(const void *about, int number), const void *about);
/* A path in done/ or refused/ that is not taken: name, else name.2.csv, name.3.csv ... STATUS_AGAIN when the folder cannot
 * be made or is none. */
enum status inbox_free_path(const struct inbox *inbox, const char *below, const char *name, char ret_path[INBOX_PATH],
                            struct fault *why) MUST_CHECK;
/* Moves a file of the folder there and syncs both folders. STATUS_REFUSED when something lies there by now. *ret_other:
 * the file is no longer the one that was `read`; then it stays in the inbox (under another name when a third one came). */
enum status inbox_move(const struct inbox *inbox, const char *name, const struct inbox_state *read, const char *path,
                       bool *ret_other, struct fault *why) MUST_CHECK;

#endif
