/* fuzz_text.c - any bytes in any encoding: what is taken is strict UTF-8, and goes back into the encoding as it came. */
#include "fuzz.h"

#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void look_at(const char *text, size_t length)
{
    const char *trimmed = text;
    size_t bad, kept = text_trim(&trimmed, length);
    fuzz_require(text_is_utf8(text, length, &bad), "decoded text is UTF-8");
    fuzz_require(text[length] == '\0' && strlen(text) == length, "decoded text ends, and has no NUL");
    fuzz_require(trimmed >= text && trimmed + kept <= text + length, "a trimmed text lies in the text");
    fuzz_require(text_is_utf8(trimmed, kept, &bad), "trimming cuts no character");
    const char *twice = trimmed;
    fuzz_require(text_trim(&twice, kept) == kept, "a trimmed text is trimmed");
    for (size_t limit = 0; limit <= length && limit < 40; limit++) {
        const size_t cut = text_cut(text, length, limit);
        fuzz_require(cut <= limit && cut + 4 > (limit < length ? limit : length) && text_is_utf8(text, cut, &bad),
                     "a cut is as long as it may be and cuts no character");
    }
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static const enum text_encoding wanted[] = {TEXT_AUTO, TEXT_UTF8, TEXT_UTF8_BOM, TEXT_GB18030, TEXT_UTF16LE,
                                                TEXT_UTF16BE};
    struct fault why = {.message = MESSAGE_NONE};
    enum text_encoding found = TEXT_AUTO, same;
    char *text = NULL, *back = NULL, *again = NULL;
    size_t text_length = 0, back_length = 0, again_length = 0;
    if (length == 0)
        return;
    enum status status = text_decode((const char *)bytes + 1, length - 1, wanted[bytes[0] % ARRAY_LEN(wanted)], &text,
                                     &text_length, &found, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "bytes are text or are refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        fuzz_require(found != TEXT_AUTO, "the encoding is known");
        look_at(text, text_length);
        status = text_encode(text, text_length, found, &back, &back_length, &why);
        fuzz_require(status == STATUS_OK, "what was decoded can be encoded");
        status = text_decode(back, back_length, found, &again, &again_length, &same, &why);
        /* The mark in front is not written again; what follows it may look like one, in either byte order. */
        const bool mark_again = strncmp(text, "\xEF\xBB\xBF", 3) == 0 || strncmp(text, "\xEF\xBF\xBE", 3) == 0;
        fuzz_require(mark_again || (status == STATUS_OK && again_length == text_length && memcmp(again, text, text_length) == 0),
                     "text goes into its encoding and back unchanged");
    }
    free(text);
    free(back);
    free(again);
}
