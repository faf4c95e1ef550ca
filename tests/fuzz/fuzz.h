/* fuzz.h - what the fuzz targets share. A target is one function over any bytes; it asserts what its decoder promises, not
 * only that nothing crashes. With clang (-DSUANPAN_PRESET=fuzz) libFuzzer looks for bytes that break it, with any compiler
 * replay.c plays the kept corpus and mutants of it.
 *
 * entry.c runs a target on one input, and asserts for every one of them that it stays within its time. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target. What it keeps between inputs is static, and of no influence on the next one. */
void fuzz_one(const uint8_t *bytes, size_t length);

/* Ends the process with the sentence when it does not hold; libFuzzer and replay then name the input. */
void fuzz_require(bool holds, const char *sentence);
/* STATUS_REFUSED must say why, in both languages, within the limits of a fault; other failures likewise. */
void fuzz_require_reason(enum status status, const struct fault *why);

/* Only text comes past text_decode: what takes text is not asked about anything else. */
bool fuzz_is_text(const uint8_t *bytes, size_t length);

/* Input taken apart from the front: a text till the end, or till a line of its own "%%" (so that seeds can be read). */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};
uint8_t fuzz_byte(struct fuzz_input *input); /* 0 when nothing is left */
uint64_t fuzz_number(struct fuzz_input *input); /* eight bytes, fewer at the end */
/* The next part, terminated and yours to free; a NUL inside stays. */
char *fuzz_part(struct fuzz_input *input, size_t *ret_length);

/* A folder of this process, on a file system in memory where there is one; removed at exit. */
const char *fuzz_folder(void);
/* fuzz_folder()/name with these bytes (mode 0600); the path is static until the next call of the same slot (0 to 3). */
const char *fuzz_write(unsigned slot, const char *name, const void *bytes, size_t length);
/* Removes everything below a folder, and the folder. */
void fuzz_remove(const char *path);
/* Reads a whole file that must be there; terminated, yours to free. */
char *fuzz_read(const char *path, size_t *ret_length);

#endif
