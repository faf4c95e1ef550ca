/* text.c - UTF-8 checked once, GB18030 and UTF-16 converted by glibc's iconv.
 *
 * Strict UTF-8 comes before GB18030 because nearly every GB18030 text is broken UTF-8 while nearly every UTF-8 text
 * passes as GB18030; statistical detectors misjudge short files. GB18030 is used for everything called GBK or GB2312:
 * it contains both, and only it can write rare characters in names. All offsets count bytes of the file, from 0. */
#include "text.h"

#include "memory.h"

#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- names --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum text_encoding encoding;
} names[] = {
    {"auto", TEXT_AUTO},           {"utf-8", TEXT_UTF8},         {"utf8", TEXT_UTF8},
    {"utf-8-bom", TEXT_UTF8_BOM},  {"utf-8-sig", TEXT_UTF8_BOM}, {"gb18030", TEXT_GB18030},
    {"gbk", TEXT_GB18030},         {"gb2312", TEXT_GB18030},     {"cp936", TEXT_GB18030},
    {"utf-16", TEXT_UTF16LE},      {"utf16", TEXT_UTF16LE},      {"utf-16le", TEXT_UTF16LE},
    {"utf16le", TEXT_UTF16LE},     {"utf-16be", TEXT_UTF16BE},   {"utf16be", TEXT_UTF16BE},
};

bool text_encoding_by_name(const char *name, enum text_encoding *ret_encoding)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(names); i++)
        if (strcasecmp(names[i].name, name) == 0) {
            *ret_encoding = names[i].encoding;
            return true;
        }
    return false;
}

/* glibc's iconv knows these names too, except the first and the third. */
const char *text_encoding_name(enum text_encoding encoding)
{
    switch (encoding) {
    case TEXT_AUTO:
        return "auto";
    case TEXT_UTF8:
        return "UTF-8";
    case TEXT_UTF8_BOM:
        return "UTF-8-BOM";
    case TEXT_GB18030:
        return "GB18030";
    case TEXT_UTF16LE:
        return "UTF-16LE";
    case TEXT_UTF16BE:
        return "UTF-16BE";
    }
    return "auto";
}

/* ---- UTF-8 ---------------------------------------------------------------------------------------------------- */

/* Length of the well-formed character at `at` (Unicode, table 3-7), 0 when there is none. */
static size_t character_length(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xBF;
    size_t length;
    if (at[0] < 0x80)
        return at[0] != 0 ? 1 : 0;
    if (at[0] >= 0xC2 && at[0] <= 0xDF)
        length = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF)
        length = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4)
        length = 4;
    else
        return 0;
    if (at[0] == 0xE0)
        low = 0xA0; /* no overlong forms */
    else if (at[0] == 0xED)
        high = 0x9F; /* no surrogates */
    else if (at[0] == 0xF0)
        low = 0x90;
    else if (at[0] == 0xF4)
        high = 0x8F; /* nothing above U+10FFFF */
    if (left < length || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

bool text_is_utf8(const char *text, size_t length, size_t *ret_bad)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t at = 0; at < length;) {
        const size_t step = character_length(bytes + at, length - at);
        if (step == 0) {
            if (ret_bad != NULL)
                *ret_bad = at;
            return false;
        }
        at += step;
    }
    return true;
}

static size_t blank_at_start(const char *text, size_t length)
{
    static const char *const blanks[] = {" ", "\t", "\r", "\n", "\xC2\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
        const size_t size = strlen(blanks[i]);
        if (length >= size && memcmp(text, blanks[i], size) == 0)
            return size;
    }
    return 0;
}

static size_t blank_at_end(const char *text, size_t length)
{
    for (size_t size = 1; size <= 3 && size <= length; size++)
        if (blank_at_start(text + length - size, size) == size)
            return size;
    return 0;
}

size_t text_trim(const char **text, size_t length)
{
    size_t size;
    while ((size = blank_at_start(*text, length)) != 0) {
        *text += size;
        length -= size;
    }
    while ((size = blank_at_end(*text, length)) != 0)
        length -= size;
    return length;
}

size_t text_cut(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    while (limit > 0 && ((unsigned char)text[limit] & 0xC0) == 0x80)
        limit--;
    return limit;
}

/* ---- conversion ------------------------------------------------------------------------------------------------ */

static void write_offset(char text[24], size_t offset)
{
    if (snprintf(text, 24, "%zu", offset) < 0)
        text[0] = '\0';
}

static enum status refuse_at(struct fault *why, enum message message, enum text_encoding encoding, size_t offset)
{
    char number[24];
    write_offset(number, offset);
    fault_set(why, message, text_encoding_name(encoding), number, NULL);
    return STATUS_REFUSED;
}

/* Converts everything or nothing. STATUS_REFUSED: *ret_bad is the offset of the first byte that means nothing. */
static enum status convert(const char *from, const char *to, const char *bytes, size_t length, char **ret_text,
                           size_t *ret_length, size_t *ret_bad)
{
    const iconv_t converter = iconv_open(to, from);
    size_t capacity = 0, used = 0, left = length, result;
    enum status status = STATUS_OK;
    char *text = NULL, *in = (char *)(uintptr_t)bytes; /* iconv does not write through it */
    if (converter == (iconv_t)-1)
        return STATUS_BROKEN;
    do {
        text = memory_grow(text, &capacity, capacity + left + left / 2 + 16, 1);
        char *out = text + used;
        size_t room = capacity - 1 - used;
        result = iconv(converter, &in, &left, &out, &room);
        used = (size_t)(out - text);
    } while (result == (size_t)-1 && errno == E2BIG);
    if (result == (size_t)-1) {
        *ret_bad = length - left;
        status = STATUS_REFUSED;
        free(text);
    } else {
        text[used] = '\0';
        *ret_text = text;
        *ret_length = used;
    }
    if (iconv_close(converter) != 0)
        errno = 0; /* cannot happen to a converter that was opened */
    return status;
}

struct mark {
    const char *bytes;
    size_t length;
    enum text_encoding encoding;
};

static const struct mark marks[] = {
    {"\xEF\xBB\xBF", 3, TEXT_UTF8_BOM},
    {"\xFF\xFE", 2, TEXT_UTF16LE},
    {"\xFE\xFF", 2, TEXT_UTF16BE},
    {"\x84\x31\x95\x33", 4, TEXT_GB18030},
};

static const struct mark *find_mark(const char *bytes, size_t length)
{
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (length >= marks[i].length && memcmp(bytes, marks[i].bytes, marks[i].length) == 0)
            return &marks[i];
    return NULL;
}

static bool is_utf16(enum text_encoding encoding)
{
    return encoding == TEXT_UTF16LE || encoding == TEXT_UTF16BE;
}

/* A mark overrides nobody's word, except about the byte order of UTF-16 (read the other way it would be U+FFFE, which
 * no text contains). */
static bool mark_agrees(const struct mark *mark, enum text_encoding wanted)
{
    switch (wanted) {
    case TEXT_AUTO:
        return true;
    case TEXT_UTF8:
    case TEXT_UTF8_BOM:
        return mark->encoding == TEXT_UTF8_BOM;
    case TEXT_GB18030:
        return mark->encoding == TEXT_GB18030;
    case TEXT_UTF16LE:
    case TEXT_UTF16BE:
        return is_utf16(mark->encoding);
    }
    return false;
}

/* No encoding here uses a zero byte inside another character, apart from UTF-16 where it is a zero pair. */
static bool find_nul(const char *bytes, size_t length, enum text_encoding encoding, size_t *ret_offset)
{
    if (!is_utf16(encoding)) {
        const char *nul = length == 0 ? NULL : memchr(bytes, '\0', length);
        if (nul != NULL)
            *ret_offset = (size_t)(nul - bytes);
        return nul != NULL;
    }
    for (size_t at = 0; at + 1 < length; at += 2)
        if (bytes[at] == '\0' && bytes[at + 1] == '\0') {
            *ret_offset = at;
            return true;
        }
    return false;
}

/* One file on its way through text_decode. `body` follows the mark, `skipped` bytes into the file. */
struct decoding {
    const char *body;
    size_t length, skipped;
    char *text;
    size_t text_length;
    struct fault *why;
};

static enum status decode_utf8(struct decoding *decoding, size_t *ret_bad)
{
    if (!text_is_utf8(decoding->body, decoding->length, ret_bad))
        return STATUS_REFUSED;
    decoding->text = memory_copy_text_length(decoding->body, decoding->length);
    decoding->text_length = decoding->length;
    return STATUS_OK;
}

static enum status decode_as(struct decoding *decoding, enum text_encoding encoding, size_t *ret_bad)
{
    if (encoding == TEXT_UTF8 || encoding == TEXT_UTF8_BOM)
        return decode_utf8(decoding, ret_bad);
    return convert(text_encoding_name(encoding), "UTF-8", decoding->body, decoding->length, &decoding->text,
                   &decoding->text_length, ret_bad);
}

static enum status no_converter(enum text_encoding encoding, struct fault *why)
{
    fault_set(why, MESSAGE_NO_CONVERTER, text_encoding_name(encoding), NULL);
    return STATUS_BROKEN;
}

static enum status decode_known(struct decoding *decoding, enum text_encoding encoding)
{
    size_t bad = 0;
    const enum status status = decode_as(decoding, encoding, &bad);
    if (status == STATUS_BROKEN)
        return no_converter(encoding, decoding->why);
    if (status != STATUS_OK)
        return refuse_at(decoding->why, MESSAGE_BAD_ENCODING, encoding == TEXT_UTF8_BOM ? TEXT_UTF8 : encoding,
                         decoding->skipped + bad);
    return STATUS_OK;
}

static enum status decode_unknown(struct decoding *decoding, enum text_encoding *ret_encoding)
{
    size_t utf8_bad = 0, gb_bad = 0;
    char utf8_text[24], gb_text[24];
    enum status status;
    *ret_encoding = TEXT_UTF8;
    if (decode_as(decoding, TEXT_UTF8, &utf8_bad) == STATUS_OK)
        return STATUS_OK;
    *ret_encoding = TEXT_GB18030;
    status = decode_as(decoding, TEXT_GB18030, &gb_bad);
    if (status == STATUS_BROKEN)
        return no_converter(TEXT_GB18030, decoding->why);
    if (status == STATUS_OK)
        return STATUS_OK;
    write_offset(utf8_text, utf8_bad);
    write_offset(gb_text, gb_bad);
    fault_set(decoding->why, MESSAGE_UNKNOWN_ENCODING, utf8_text, gb_text, NULL);
    return STATUS_REFUSED;
}

enum status text_decode(const char *bytes, size_t length, enum text_encoding wanted, char **ret_text,
                        size_t *ret_length, enum text_encoding *ret_encoding, struct fault *why)
{
    const struct mark *mark = find_mark(bytes, length);
    enum text_encoding encoding = wanted;
    struct decoding decoding = {.body = bytes, .length = length, .why = why};
    enum status status;
    size_t nul;
    if (mark != NULL && mark_agrees(mark, wanted)) {
        encoding = mark->encoding;
        decoding.body += mark->length;
        decoding.length -= mark->length;
        decoding.skipped = mark->length;
    }
    if (find_nul(decoding.body, decoding.length, encoding, &nul)) {
        char offset[24];
        write_offset(offset, decoding.skipped + nul);
        fault_set(why, MESSAGE_NUL_BYTE, offset, NULL);
        return STATUS_REFUSED;
    }
    status = encoding == TEXT_AUTO ? decode_unknown(&decoding, &encoding) : decode_known(&decoding, encoding);
    if (status != STATUS_OK)
        return status;
    *ret_text = decoding.text;
    *ret_length = decoding.text_length;
    if (ret_encoding != NULL)
        *ret_encoding = encoding;
    return STATUS_OK;
}

enum status text_encode(const char *text, size_t length, enum text_encoding encoding, char **ret_bytes,
                        size_t *ret_length, struct fault *why)
{
    enum status status;
    size_t bad = 0;
    if (encoding == TEXT_AUTO || encoding == TEXT_UTF8 || encoding == TEXT_UTF8_BOM) {
        *ret_bytes = memory_copy_text_length(text, length);
        *ret_length = length;
        return STATUS_OK;
    }
    status = convert("UTF-8", text_encoding_name(encoding), text, length, ret_bytes, ret_length, &bad);
    if (status == STATUS_BROKEN)
        return no_converter(encoding, why);
    if (status != STATUS_OK)
        return refuse_at(why, MESSAGE_CANNOT_ENCODE, encoding, bad);
    return STATUS_OK;
}
