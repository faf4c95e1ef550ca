/* message.h - every sentence a person reads, in Chinese and English, from one table (messages.def).
 *
 * A message has a code (lower_case, stable: it appears in the column `code` of findings and refused rows) and
 * one text a language. The texts name their arguments {1} to {4}, so that word order may differ. {3?...} is left out
 * when there is no argument 3 ("" or "-"). */
#ifndef SCHEMAS_MESSAGE_H
#define SCHEMAS_MESSAGE_H

#include <stdbool.h>
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

/* An argument may itself be a sentence of the table: it travels as its code and arguments and is said in the language of
 * the sentence around it, also where that is another process. message_nest makes such a text; message_format says it
 * wherever it stands as an argument; message_say says one that stands alone (any other text is copied). Arguments of a
 * nested sentence are plain text. */
#define MESSAGE_NESTED 256 /* bytes that hold one */
void message_nest(enum message message, const char *const arguments[4], char *ret_text, size_t capacity);
bool message_is_nested(const char *text);
void message_say(const char *text, enum language language, char *ret_text, size_t capacity);

#endif
