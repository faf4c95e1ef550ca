/* retain.h - how long the outbox keeps what it delivered, and what happens when it or its disk is full.
 *
 *   delivered, in a verified backup, old enough      goes
 *   quota or disk full: delivered                    goes, oldest first, whatever its age; said when no backup holds it
 *   not delivered                                    never goes: files stay in the inboxes until there is room */
#ifndef COLLECTORS_RETAIN_H
#define COLLECTORS_RETAIN_H

#include "outbox.h"
#include "settings.h"

struct retain;
/* Borrows the outbox. */
struct retain *retain_new(const struct collector_settings *settings, struct outbox *outbox);
void retain_free(struct retain **retain);
/* Something could not be stored for want of room: makes what room it can. */
void retain_disk_full(struct retain *retain);
/* Lets go what may go. Called at each turn, after what came back refused was written. */
enum status retain_work(struct retain *retain, int64_t now_ms, struct fault *why) MUST_CHECK;
/* True when files may be taken now; else *ret_why. */
bool retain_has_room(struct retain *retain, struct fault *ret_why);
/* Batches that went although no backup holds them, since the last call: 0 when none. They cannot be delivered again should
 * the aggregator have to be restored. */
uint64_t retain_at_risk(struct retain *retain, uint64_t *ret_first, uint64_t *ret_last);

#endif
