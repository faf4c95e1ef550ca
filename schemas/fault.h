/* fault.h - what went wrong and where, kept apart from its wording so that it can be said in either language. */
#ifndef SCHEMAS_FAULT_H
#define SCHEMAS_FAULT_H

#include "message.h"

#include <stdint.h>

struct fault {
    enum message message; /* MESSAGE_NONE: nothing went wrong */
    char file[256];       /* empty when no file is concerned */
    int64_t row;          /* 1-based line of the file, 0 when none is concerned */
    char column[64];      /* column or key name, empty when none is concerned */
    char argument[4][256];
};

/* Sets message and up to four text arguments (end the list with NULL); file, row and column stay as they are. A
 * NULL fault is fine. Arguments longer than the space are cut at a character boundary and marked with "...". */
void fault_set(struct fault *fault, enum message message, ... /* const char *, NULL */) __attribute__((sentinel));
/* Sets where; NULL, 0 and NULL leave that part alone. */
void fault_at(struct fault *fault, const char *file, int64_t row, const char *column);
/* The whole sentence with its place: "units.csv:12:parent: 未知上级单位“3299”". Always terminates. */
void fault_format(const struct fault *fault, enum language language, char *ret_text, size_t capacity);
/* Only the sentence. */
void fault_sentence(const struct fault *fault, enum language language, char *ret_text, size_t capacity);
/* The sentence as an argument of another one (message_nest): said later, in the language of whoever reads it. */
void fault_nest(const struct fault *fault, char *ret_text, size_t capacity);

#endif
