/* ballast.h - a file that only takes room, beside the outbox. On a full disk nothing can be committed any more, not even
 * that something may go; then the ballast goes first, and what is pruned and acknowledged makes the room to put it back.
 * While it is missing nothing new is taken: its room is not for files. */
#ifndef COLLECTORS_BALLAST_H
#define COLLECTORS_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

struct ballast;
/* At most `most` bytes, and 1/32 of the disk; 0: none is wanted. It is made by ballast_keep. */
struct ballast *ballast_new(const char *folder, int64_t most);
void ballast_free(struct ballast **ballast); /* the file stays */
/* Makes it when it is missing and the disk has room for twice as much. True when it is there, or none is wanted. */
bool ballast_keep(struct ballast *ballast);
int64_t ballast_bytes(const struct ballast *ballast); /* 0: none is wanted */
/* Gives its room away; false when there was none to give. */
bool ballast_drop(struct ballast *ballast);

#endif
