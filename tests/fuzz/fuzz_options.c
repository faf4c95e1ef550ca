/* fuzz_options.c - any words as a command line: the first byte says whether to stop at an operand, parts divided by NUL are
 * the words. */
#include "fuzz.h"

#include "memory.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

#define WORDS 100

static const struct option_row rows[] = {
    {"config", 'c', "FILE", "配置", "settings"}, {"once", 0, NULL, "一次", "once"},
    {"timeout", 't', "SECONDS", "秒", "seconds"}, {"lang", 0, "LANG", "语言", "language"},
    {"full", 'f', NULL, "全部", "all of it"},
};

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct options options;
    char *words[WORDS + 1] = {(char *)"suanpan"};
    int count = 1, next = 0;
    if (length == 0)
        return;
    char *text = memory_copy_text_length((const char *)bytes + 1, length - 1);
    for (char *word = text; word < text + length && count < WORDS; word += strlen(word) + 1)
        words[count++] = word;
    for (int i = 1; i < count; i++)
        if (!fuzz_is_text((const uint8_t *)words[i], strlen(words[i]))) {
            free(text);
            return;
        }
    memset(&options, 0, sizeof options);
    const enum status status = options_parse(count, words, rows, ARRAY_LEN(rows), (bytes[0] & 1) != 0, &options, &next, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "a command line is taken or refused");
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        fuzz_require(options.operand_count <= OPTIONS_OPERANDS, "no more operands than fit");
        for (size_t i = 0; i < options.operand_count; i++)
            fuzz_require(options.operand[i] != NULL, "an operand is a word");
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            fuzz_require(options.value[i] == NULL || rows[i].argument != NULL || options.value[i][0] == '\0',
                         "a flag has no value");
        if ((bytes[0] & 1) != 0)
            fuzz_require(next >= 1 && next <= count, "the next word is a word, or the end");
    }
    free(text);
}
