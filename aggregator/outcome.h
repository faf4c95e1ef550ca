/* outcome.h - what was decided about a batch, beside what its agent signed; the ledger's chain seals these bytes:
 *   empty                            taken as it is
 *   flags, count, [length, code]..., [index delta, code number]...
 * flags 1: the same file was taken before. Messages are kept by code, not by number: numbers change as the table of
 * messages grows. Numbers are varints, index deltas start from -1, so they are never zero. */
#ifndef AGGREGATOR_OUTCOME_H
#define AGGREGATOR_OUTCOME_H

#include "store.h"

/* Writes the outcome of the entry's refusals and its `repeated`; *bytes grows as needed. Returns the length. */
size_t outcome_write(const struct entry *entry, unsigned char **bytes, size_t *capacity);
/* Sets the entry's refusals and `repeated` from its outcome; *refusals grows as needed and holds what the entry borrows. A
 * refusal whose code this version does not know has MESSAGE_NONE. False when the bytes are no outcome. */
bool outcome_read(struct entry *entry, struct refusal **refusals, size_t *capacity);

#endif
