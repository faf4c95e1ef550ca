/* Bytes from outside: UTF-8, GB18030, UTF-16, marks, what is refused and where, trimming and cutting. */
#include "random.h"
#include "suite.h"

#include "text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void names_lead_to_encodings(void)
{
    static const struct {
        const char *name;
        enum text_encoding encoding;
    } cases[] = {{"utf-8", TEXT_UTF8},     {"UTF-8", TEXT_UTF8},      {"utf8", TEXT_UTF8},
                 {"gb18030", TEXT_GB18030}, {"GBK", TEXT_GB18030},    {"gb2312", TEXT_GB18030},
                 {"utf-16", TEXT_UTF16LE}, {"UTF-16BE", TEXT_UTF16BE}, {"utf-16le", TEXT_UTF16LE},
                 {"auto", TEXT_AUTO}};
    static const char *const refuses[] = {"", "latin1", "utf", "utf-8 ", "big5", "utf-32"};
    enum text_encoding encoding;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT_TRUE(text_encoding_by_name(cases[i].name, &encoding));
        CU_ASSERT_EQUAL(encoding, cases[i].encoding);
    }
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++)
        CU_ASSERT_FALSE(text_encoding_by_name(refuses[i], &encoding));
    for (int i = TEXT_AUTO; i <= TEXT_UTF16BE; i++) {
        CU_ASSERT_TRUE(text_encoding_by_name(text_encoding_name((enum text_encoding)i), &encoding));
        CU_ASSERT_EQUAL(encoding, (enum text_encoding)i);
    }
}

#define BYTES(literal) (literal), sizeof(literal) - 1

static void a_file_becomes_utf8(void)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum text_encoding wanted;
        const char *text;
        enum text_encoding was;
    } cases[] = {
        {BYTES(""), TEXT_AUTO, "", TEXT_UTF8},
        {BYTES("plain"), TEXT_AUTO, "plain", TEXT_UTF8},
        {BYTES("常州"), TEXT_AUTO, "常州", TEXT_UTF8},
        {BYTES("常州"), TEXT_UTF8, "常州", TEXT_UTF8},
        {BYTES("\xEF\xBB\xBF常州"), TEXT_AUTO, "常州", TEXT_UTF8_BOM},
        {BYTES("\xEF\xBB\xBF常州"), TEXT_UTF8, "常州", TEXT_UTF8_BOM},
        {BYTES("\xEF\xBB\xBF"), TEXT_AUTO, "", TEXT_UTF8_BOM},
        {BYTES("\xB3\xA3\xD6\xDD"), TEXT_AUTO, "常州", TEXT_GB18030},
        {BYTES("\xB3\xA3\xD6\xDD"), TEXT_GB18030, "常州", TEXT_GB18030},
        {BYTES("\xC7\xF8"), TEXT_AUTO, "区", TEXT_GB18030}, /* two bytes that statistical detectors misjudge */
        {BYTES("\xE9\x46"), TEXT_GB18030, "镕", TEXT_GB18030},
        {BYTES("\x81\x39\xEF\x31"), TEXT_AUTO, "㐂", TEXT_GB18030}, /* four bytes, as in some names */
        {BYTES("\x95\x34\xB2\x35"), TEXT_GB18030, "𠮷", TEXT_GB18030},
        {BYTES("\x84\x31\x95\x33" "a\xB3\xA3"), TEXT_AUTO, "a常", TEXT_GB18030},
        {BYTES("\xFF\xFE\x38\x5E\xDE\x5D"), TEXT_AUTO, "常州", TEXT_UTF16LE},
        {BYTES("\xFE\xFF\x5E\x38\x5D\xDE"), TEXT_AUTO, "常州", TEXT_UTF16BE},
        {BYTES("\x38\x5E\xDE\x5D"), TEXT_UTF16LE, "常州", TEXT_UTF16LE},
        {BYTES("\x5E\x38\x5D\xDE"), TEXT_UTF16BE, "常州", TEXT_UTF16BE},
        {BYTES("\xFE\xFF\x5E\x38"), TEXT_UTF16LE, "常", TEXT_UTF16BE}, /* the mark knows the byte order best */
        {BYTES("\xFF\xFE\x42\xD8\xB7\xDF"), TEXT_AUTO, "𠮷", TEXT_UTF16LE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = NULL;
        size_t length = 0;
        enum text_encoding was = TEXT_AUTO;
        struct fault why = {0};
        const enum status status =
            text_decode(cases[i].bytes, cases[i].length, cases[i].wanted, &text, &length, &was, &why);
        if (status != STATUS_OK)
            printf("\n  case %zu: %s\n", i, message_code(why.message));
        CU_ASSERT_EQUAL(status, STATUS_OK);
        if (status != STATUS_OK)
            continue;
        if (strcmp(text, cases[i].text) != 0)
            printf("\n  case %zu: \"%s\"\n", i, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].text);
        CU_ASSERT_EQUAL(length, strlen(cases[i].text));
        CU_ASSERT_EQUAL(was, cases[i].was);
        free(text);
    }
}

static void what_is_no_text_is_refused_by_its_byte(void)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum text_encoding wanted;
        enum message message;
        const char *first, *second;
    } cases[] = {
        {BYTES("ab\xFF" "cd"), TEXT_AUTO, MESSAGE_UNKNOWN_ENCODING, "2", "2"},
        {BYTES("\xE5\xB8\xB8\xFF"), TEXT_AUTO, MESSAGE_UNKNOWN_ENCODING, "3", "2"},
        {BYTES("abc\xE5\xB8"), TEXT_UTF8, MESSAGE_BAD_ENCODING, "UTF-8", "3"},
        {BYTES("\xEF\xBB\xBF" "abc\xE5"), TEXT_AUTO, MESSAGE_BAD_ENCODING, "UTF-8", "6"},
        {BYTES("\xB3\xA3\xD6"), TEXT_GB18030, MESSAGE_BAD_ENCODING, "GB18030", "2"},
        {BYTES("\xB3\xA3\xD6"), TEXT_AUTO, MESSAGE_UNKNOWN_ENCODING, "0", "2"},
        {BYTES("\xB3\xA3\x80" "1"), TEXT_GB18030, MESSAGE_BAD_ENCODING, "GB18030", "2"},
        {BYTES("\xC3\x28"), TEXT_UTF8, MESSAGE_BAD_ENCODING, "UTF-8", "0"},
        {BYTES("\xFF\xFE\x38"), TEXT_AUTO, MESSAGE_BAD_ENCODING, "UTF-16LE", "2"},
        {BYTES("\xFF\xFE\x38\x5E\x42\xD8"), TEXT_AUTO, MESSAGE_BAD_ENCODING, "UTF-16LE", "4"},
        {BYTES("\xFE\xFF\xDF\xB7\x5E\x38"), TEXT_AUTO, MESSAGE_BAD_ENCODING, "UTF-16BE", "2"},
        {BYTES("ab\0c"), TEXT_AUTO, MESSAGE_NUL_BYTE, "2", ""},
        {BYTES("\xEF\xBB\xBF" "ab\0c"), TEXT_AUTO, MESSAGE_NUL_BYTE, "5", ""},
        {BYTES("\xB3\xA3\0"), TEXT_GB18030, MESSAGE_NUL_BYTE, "2", ""},
        {BYTES("\xFF\xFE\x38\x5E\0\0"), TEXT_AUTO, MESSAGE_NUL_BYTE, "4", ""},
        {BYTES("\x38\x5E\x61\0"), TEXT_AUTO, MESSAGE_NUL_BYTE, "3", ""}, /* UTF-16 without its mark */
        {BYTES("\xFF\xFE\0\0\x38\x5E\0\0"), TEXT_AUTO, MESSAGE_NUL_BYTE, "2", ""}, /* UTF-32 */
        {BYTES("\xB3\xA3\xD6\xDD"), TEXT_UTF8, MESSAGE_BAD_ENCODING, "UTF-8", "0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text = NULL;
        size_t length = 77;
        enum text_encoding was = TEXT_AUTO;
        struct fault why = {0};
        CU_ASSERT_EQUAL(text_decode(cases[i].bytes, cases[i].length, cases[i].wanted, &text, &length, &was, &why),
                        STATUS_REFUSED);
        if (why.message != cases[i].message || strcmp(why.argument[0], cases[i].first) != 0 ||
            strcmp(why.argument[1], cases[i].second) != 0)
            printf("\n  case %zu: %s %s %s\n", i, message_code(why.message), why.argument[0], why.argument[1]);
        CU_ASSERT_EQUAL(why.message, cases[i].message);
        CU_ASSERT_STRING_EQUAL(why.argument[0], cases[i].first);
        CU_ASSERT_STRING_EQUAL(why.argument[1], cases[i].second);
        CU_ASSERT(text == NULL && length == 77);
    }
}

static size_t write_utf8(uint32_t code, char *text)
{
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        text[0] = (char)(0xC0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        text[0] = (char)(0xE0 | code >> 12);
        text[1] = (char)(0x80 | (code >> 6 & 0x3F));
        text[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    text[0] = (char)(0xF0 | code >> 18);
    text[1] = (char)(0x80 | (code >> 12 & 0x3F));
    text[2] = (char)(0x80 | (code >> 6 & 0x3F));
    text[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static void every_character_is_utf8_and_surrogates_are_not(void)
{
    size_t wrong = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char text[4];
        const size_t length = write_utf8(code, text);
        const bool good = code != 0 && (code < 0xD800 || code > 0xDFFF);
        wrong += text_is_utf8(text, length, NULL) != good ? 1 : 0;
        for (size_t cut = 1; cut < length; cut++)
            wrong += text_is_utf8(text, cut, NULL) ? 1 : 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void overlong_forms_and_stray_bytes_are_named(void)
{
    static const struct {
        const char *bytes;
        size_t length, bad;
    } cases[] = {
        {BYTES("\x80"), 0},         {BYTES("a\xBF"), 1},          {BYTES("\xC0\xAF"), 0},       {BYTES("\xC1\xBF"), 0},
        {BYTES("\xE0\x80\xAF"), 0}, {BYTES("\xE0\x9F\xBF"), 0},   {BYTES("\xED\xA0\x80"), 0},   {BYTES("\xF0\x8F\xBF\xBF"), 0},
        {BYTES("\xF4\x90\x80\x80"), 0}, {BYTES("\xF5\x80\x80\x80"), 0}, {BYTES("ab\xF8\x88\x80\x80\x80"), 2},
        {BYTES("\xE5\xB8\x41"), 0}, {BYTES("常\xE5\xB8"), 3},     {BYTES("a\0b"), 1},           {BYTES("\xFE"), 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t bad = 99;
        CU_ASSERT_FALSE(text_is_utf8(cases[i].bytes, cases[i].length, &bad));
        CU_ASSERT_EQUAL(bad, cases[i].bad);
    }
    CU_ASSERT_TRUE(text_is_utf8("", 0, NULL));
}

static void any_text_goes_to_an_encoding_and_back(void)
{
    static const enum text_encoding encodings[] = {TEXT_UTF8, TEXT_UTF8_BOM, TEXT_GB18030, TEXT_UTF16LE, TEXT_UTF16BE};
    random_start("encodings");
    for (int round = 0; round < 500; round++) {
        const enum text_encoding encoding = encodings[draw() % ARRAY_LEN(encodings)];
        char text[4096], *bytes = NULL, *back = NULL;
        size_t length = 0, size = 0, back_length = 0;
        const size_t characters = draw() % 900;
        for (size_t i = 0; i < characters; i++) {
            /* Han, extension B, ASCII and European letters; the first must not look like a mark. */
            const uint64_t kind = draw() % 4;
            const uint32_t code = (uint32_t)(kind == 0   ? 0x4E00 + draw() % 0x5100
                                             : kind == 1 ? 0x20000 + draw() % 0xA000
                                             : kind == 2 ? 1 + draw() % 0x7F
                                                         : 0xA1 + draw() % 0x300);
            length += write_utf8(code, text + length);
        }
        CU_ASSERT_EQUAL_FATAL(text_encode(text, length, encoding, &bytes, &size, NULL), STATUS_OK);
        CU_ASSERT_EQUAL_FATAL(text_decode(bytes, size, encoding, &back, &back_length, NULL, NULL), STATUS_OK);
        if (back_length != length || memcmp(back, text, length) != 0)
            CU_FAIL("the text came back changed");
        free(bytes);
        free(back);
    }
}

static void random_bytes_are_decoded_to_utf8_or_refused(void)
{
    size_t decoded = 0, turned_away = 0;
    random_start("bytes");
    for (int round = 0; round < 20000; round++) {
        char bytes[64], *text = NULL;
        size_t length = draw() % sizeof bytes, text_length = 0;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(draw() % 3 == 0 ? draw() % 256 : 0x81 + draw() % 0x7E);
        if (text_decode(bytes, length, (enum text_encoding)(draw() % 6), &text, &text_length, NULL, NULL) == STATUS_OK) {
            decoded++;
            if (!text_is_utf8(text, text_length, NULL) || text[text_length] != '\0')
                CU_FAIL("decoded to something that is not UTF-8");
            free(text);
        } else {
            turned_away++;
        }
    }
    CU_ASSERT(decoded > 100 && turned_away > 100);
}

static void what_an_encoding_cannot_write_is_refused(void)
{
    char *bytes = NULL;
    size_t length = 0;
    struct fault why = {0};
    CU_ASSERT_EQUAL(text_encode("ab\xE5\xB8", 4, TEXT_GB18030, &bytes, &length, &why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_CANNOT_ENCODE);
    CU_ASSERT_STRING_EQUAL(why.argument[1], "2");
    CU_ASSERT_PTR_NULL(bytes);
}

static void trimming_takes_blanks_from_both_ends_only(void)
{
    static const struct {
        const char *text, *trimmed;
    } cases[] = {{"", ""},           {" ", ""},          {"a", "a"},         {"  a  b  ", "a  b"},
                 {"\t\r\na\r\n", "a"}, {"　a　", "a"},   {"\xC2\xA0" "a\xC2\xA0", "a"}, {"\xEF\xBB\xBF" "a", "a"},
                 {"　 \xC2\xA0\t", ""}, {"常 州", "常 州"}, {"\xC2\xA1" "a", "\xC2\xA1" "a"}, {"a\xE3\x80\x81", "a\xE3\x80\x81"},
                 {" 。", "。"},      {"\v", "\v"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *text = cases[i].text;
        const size_t length = text_trim(&text, strlen(text));
        CU_ASSERT_EQUAL(length, strlen(cases[i].trimmed));
        CU_ASSERT_EQUAL(memcmp(text, cases[i].trimmed, length), 0);
    }
}

static void cutting_keeps_characters_whole(void)
{
    const char *text = "a常𠮷b"; /* 1 + 3 + 4 + 1 bytes */
    static const size_t expected[] = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9};
    for (size_t limit = 0; limit < ARRAY_LEN(expected); limit++)
        CU_ASSERT_EQUAL(text_cut(text, strlen(text), limit), expected[limit]);
    CU_ASSERT_EQUAL(text_cut("", 0, 0), 0);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(names_lead_to_encodings),
        SENTENCE(a_file_becomes_utf8),
        SENTENCE(what_is_no_text_is_refused_by_its_byte),
        SENTENCE(every_character_is_utf8_and_surrogates_are_not),
        SENTENCE(overlong_forms_and_stray_bytes_are_named),
        SENTENCE(any_text_goes_to_an_encoding_and_back),
        SENTENCE(random_bytes_are_decoded_to_utf8_or_refused),
        SENTENCE(what_an_encoding_cannot_write_is_refused),
        SENTENCE(trimming_takes_blanks_from_both_ends_only),
        SENTENCE(cutting_keeps_characters_whole),
    };
    return suite_run("text", sentences, ARRAY_LEN(sentences));
}
