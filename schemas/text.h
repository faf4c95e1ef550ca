/* text.h - bytes from outside become checked UTF-8 here, once; inside, text is text. */
#ifndef SCHEMAS_TEXT_H
#define SCHEMAS_TEXT_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>

enum text_encoding { TEXT_AUTO, TEXT_UTF8, TEXT_UTF8_BOM, TEXT_GB18030, TEXT_UTF16LE, TEXT_UTF16BE };

/* "utf-8", "gb18030" (gbk, gb2312 are read as gb18030), "utf-16" ...; false when unknown. */
bool text_encoding_by_name(const char *name, enum text_encoding *ret_encoding);
const char *text_encoding_name(enum text_encoding encoding);

/* Converts a whole file to UTF-8 without BOM. TEXT_AUTO: BOM, else strict UTF-8, else strict GB18030, else
 * STATUS_REFUSED naming the byte offset. A NUL byte in text is refused. ret_encoding tells what it was.
 * *ret_text is terminated and yours to free. */
enum status text_decode(const char *bytes, size_t length, enum text_encoding wanted, char **ret_text,
                        size_t *ret_length, enum text_encoding *ret_encoding, struct fault *why) MUST_CHECK;
/* The way back, for refused rows: UTF-8 to the file's own encoding (BOM not written). Yours to free. */
enum status text_encode(const char *text, size_t length, enum text_encoding encoding, char **ret_bytes,
                        size_t *ret_length, struct fault *why) MUST_CHECK;
/* Strict UTF-8 (no surrogates, no overlong forms, no NUL). *ret_bad is the offset of the first bad byte. */
bool text_is_utf8(const char *text, size_t length, size_t *ret_bad);
/* Trims ASCII space, tab, CR, LF, U+00A0, U+3000 and U+FEFF from both ends; moves *text, returns the new length. */
size_t text_trim(const char **text, size_t length);
/* Largest length <= limit that does not cut a UTF-8 character. */
size_t text_cut(const char *text, size_t length, size_t limit);

#endif
