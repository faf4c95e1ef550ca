/* check.h - what a figure means: is the unit one that may report it, is the period one of its form's, does it lie within
 * min and max, do the rules of its form hold. Figures of the same file stand before what the outbox last knew.
 *
 * min, max, level, frequency, opening dates and hard rules refuse (complaints on candidates); soft rules and jump_pct
 * only note, and are silent when one of the rows involved gives a reason. */
#ifndef COLLECTORS_CHECK_H
#define COLLECTORS_CHECK_H

#include "catalogue.h"
#include "feed.h"
#include "outbox.h"
#include "status.h"

/* Adds complaints and notes to the delivery. STATUS_OK whatever is refused; anything else comes from the outbox, which
 * may be NULL (nothing known). */
enum status check_delivery(struct delivery *delivery, const struct catalogue *catalogue, struct outbox *outbox,
                           struct fault *why) MUST_CHECK;

#endif
