/* fuzz_message.c - sentences whose arguments come from outside: any of them, also one that pretends to be a nested sentence,
 * gives a text that ends within its space. First two bytes choose the sentence, four parts are its arguments. */
#include "fuzz.h"

#include "fault.h"
#include "memory.h"
#include "message.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void say(enum message message, char *const arguments[4], bool is_utf8)
{
    const char *const texts[4] = {arguments[0], arguments[1], arguments[2], arguments[3]};
    for (int language = LANGUAGE_ZH; language <= LANGUAGE_EN; language++) {
        char small[40], large[1 << 17], nested[MESSAGE_NESTED], said[1 << 16];
        size_t bad;
        const size_t needed = message_format(message, (enum language)language, texts, large, sizeof large);
        fuzz_require(needed == message_format(message, (enum language)language, texts, small, sizeof small),
                     "the length a sentence needs is the same in any space");
        fuzz_require(strlen(small) < sizeof small && strlen(large) < sizeof large, "a sentence ends");
        if (needed < sizeof large)
            fuzz_require(strlen(large) == needed, "a sentence is as long as it says");
        message_nest(message, texts, nested, sizeof nested);
        fuzz_require(memchr(nested, '\0', sizeof nested) != NULL, "a nested sentence ends");
        message_say(nested, (enum language)language, said, sizeof said);
        fuzz_require(memchr(said, '\0', sizeof said) != NULL, "a said sentence ends");
        message_say(texts[0], (enum language)language, said, sizeof said);
        fuzz_require(memchr(said, '\0', sizeof said) != NULL, "a said text ends");
        if (is_utf8 && needed < sizeof large)
            fuzz_require(text_is_utf8(large, strlen(large), &bad), "a sentence of UTF-8 is UTF-8");
    }
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    const unsigned high = fuzz_byte(&input), number = high << 8 | fuzz_byte(&input);
    const enum message message = (enum message)(1 + number % (MESSAGE_COUNT - 1));
    struct fault fault = {.message = MESSAGE_NONE};
    char *arguments[4];
    bool is_utf8 = true;
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
        size_t part_length, bad;
        arguments[i] = fuzz_part(&input, &part_length);
        is_utf8 = is_utf8 && text_is_utf8(arguments[i], strlen(arguments[i]), &bad);
    }
    say(message, arguments, is_utf8);
    fuzz_require(message_by_code(message_code(message)) == message, "a message is found by its code");
    (void)message_by_code(arguments[0]);
    fault_set(&fault, message, arguments[0], arguments[1], arguments[2], arguments[3], NULL);
    fault_at(&fault, arguments[1], (int64_t)number, arguments[2]);
    if (is_utf8)
        fuzz_require_reason(STATUS_REFUSED, &fault);
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
        free(arguments[i]);
}
