/* refused.h - what a clerk gets back: <file>.refused.csv beside the input, in the input's own encoding and separator, each
 * refused row as it was written with `line`, `code` and `message`; and <file>.reason.txt for a file refused whole.
 * Everything is written under a temporary name, synced and then given its name; nothing existing is replaced. */
#ifndef COLLECTORS_REFUSED_H
#define COLLECTORS_REFUSED_H

#include "feed.h"

/* A row that the aggregator refused. */
struct refused_row {
    uint32_t row; /* of the delivery */
    char code[33];
    char message[512];
};

/* Writes the delivery's refused rows into folder/<name>.refused.csv, or <name>.2.refused.csv ... when another file has
 * that name. The same content a second time (a start after a crash) is left as it is. STATUS_AGAIN when it cannot be
 * written now: then the file must not be taken. ret_path: 4096 bytes. */
enum status refused_write(const struct delivery *delivery, const char *folder, const char *name, char *ret_path,
                          struct fault *why) MUST_CHECK;
/* A path beside the input that no file has, where refused_add may make one. STATUS_AGAIN when there is none. */
enum status refused_place(const char *folder, const char *name, char *ret_path, struct fault *why) MUST_CHECK;
/* Adds rows to the refused file at `path`, or makes it. Rows that stand there already (told once more after a crash) are not
 * added again. STATUS_REFUSED when something else lies there. */
enum status refused_add(const struct delivery *delivery, const struct refused_row *rows, size_t count, const char *path,
                        struct fault *why) MUST_CHECK;
/* Writes the reason why a file was refused whole, in both languages, to path. */
enum status refused_reason(const char *path, const char *name, const struct fault *reason, struct fault *why)
    MUST_CHECK;

#endif
