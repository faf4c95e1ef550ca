/* patch.h - an input as a list of changes to a file that was sound: what the targets that open whole files are fed with.
 *
 *   kind, then by kind (numbers are most significant byte first)
 *   0..3  offset 3, length 1, bytes          bytes there are these
 *   4     offset 3                           the file ends there
 *   5     offset 3, length 2                 a run is zero, as a page that was never written
 *   6..   table 1, column 1, row 1, type 1, length 1, bytes    (patch_database) one cell of one row has another value
 * Offsets and the other numbers count modulo what there is. */
#ifndef TESTS_FUZZ_PATCH_H
#define TESTS_FUZZ_PATCH_H

#include "fuzz.h"

/* Changes *bytes (of *length); stops before a change of kind 6 or more. Those are left to patch_database. */
void patch_bytes(struct fuzz_input *input, char *bytes, size_t *length);
/* Applies the changes of kind 6 and more at the front of the input to an SQLite file; what SQLite refuses is left out. */
void patch_database(struct fuzz_input *input, const char *path);

#endif
