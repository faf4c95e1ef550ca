/* memory.h - memory that cannot fail: when it is out the process ends with one line on stderr.
 * Safe because outbox and ledger survive being killed at any moment. Free with free(). */
#ifndef SCHEMAS_MEMORY_H
#define SCHEMAS_MEMORY_H

#include <stddef.h>
#include <stdio.h>

/* Zeroed memory for `count` items of `size` bytes; never NULL (count 0 gives one byte). */
void *memory_array(size_t count, size_t size);
/* One zeroed object. */
#define memory_new(type) ((type *)memory_array(1, sizeof(type)))
/* Grows an array so that it holds at least `needed` items; doubles; new space is not zeroed. */
void *memory_grow(void *array, size_t *capacity, size_t needed, size_t size);
char *memory_copy_text(const char *text);
char *memory_copy_text_length(const char *text, size_t length);
/* A stream to print into, forward only; once it is closed *ret_text (zero-terminated, the caller's) and *ret_length are what
 * was printed. Never short: open_memstream of the C library drops what it has no memory for, and neither ferror nor fclose
 * tells. */
FILE *memory_stream(char **ret_text, size_t *ret_length);

#endif
