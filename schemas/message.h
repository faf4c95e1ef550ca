/* message.h - every sentence a person reads, in Chinese and English, from one table (messages.def).
 *
 * A message has a code (lower_case, stable: it appears in the column `code` of findings and refused rows) and
 * one text a language. The texts name their arguments {1} to {4}, so that word order may differ. */
#ifndef SCHEMAS_MESSAGE_H
#define SCHEMAS_MESSAGE_H

#include <stddef.h>

enum message {
    MESSAGE_NONE,
#define MESSAGE(name, code, zh, en) MESSAGE_##name,
#include "messages.def"
#undef MESSAGE
    MESSAGE_COUNT
};

enum language { LANGUAGE_ZH, LANGUAGE_EN };

/* The stable code, e.g. "unknown_element". */
const char *message_code(enum message message);
/* The message whose code this is, or MESSAGE_NONE. */
enum message message_by_code(const char *code);
/* Writes the sentence with its arguments filled in (a NULL argument reads as empty text). Always terminates;
 * returns the length the whole text needs, as snprintf does. */
size_t message_format(enum message message, enum language language, const char *const arguments[4], char *ret_text,
                      size_t capacity);

#endif
