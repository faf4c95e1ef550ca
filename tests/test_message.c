/* The sentences: complete, distinct, and the same arguments in both languages; faults and their places; letters. */
#include "suite.h"

#include "fault.h"
#include "message.h"
#include "record.h"
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *code, *zh, *en;
} rows[] = {
#define MESSAGE(name, code, zh, en) {#name, code, zh, en},
#include "messages.def"
#undef MESSAGE
};

/* The set of arguments a text names, as bits. */
static unsigned arguments_of(const char *text)
{
    unsigned set = 0;
    for (; *text != '\0'; text++)
        if (text[0] == '{' && text[1] >= '1' && text[1] <= '4' && text[2] == '}')
            set |= 1u << (text[1] - '0');
    return set;
}

static bool is_plain_code(const char *code)
{
    for (const char *at = code; *at != '\0'; at++)
        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && *at != '_')
            return false;
    return code[0] != '\0' && code[0] != '_' && strlen(code) <= 64;
}

static void every_message_is_complete_in_both_languages(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const bool good = is_plain_code(rows[i].code) && rows[i].zh[0] != '\0' && rows[i].en[0] != '\0' &&
                          text_is_utf8(rows[i].zh, strlen(rows[i].zh), NULL) &&
                          text_is_utf8(rows[i].en, strlen(rows[i].en), NULL);
        if (!good)
            printf("\n  incomplete: %s\n", rows[i].name);
        CU_ASSERT_TRUE(good);
    }
}

static void both_languages_use_the_same_arguments(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const unsigned zh = arguments_of(rows[i].zh), en = arguments_of(rows[i].en);
        if (zh != en)
            printf("\n  arguments differ: %s\n", rows[i].name);
        CU_ASSERT_EQUAL(zh, en);
    }
}

static void braces_are_only_used_for_arguments(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int language = 0; language < 2; language++)
            for (const char *at = language == 0 ? rows[i].zh : rows[i].en; (at = strchr(at, '{')) != NULL; at++) {
                const bool good = at[1] >= '1' && at[1] <= '4' && (at[2] == '}' || at[2] == '?');
                if (!good)
                    printf("\n  stray brace: %s\n", rows[i].name);
                CU_ASSERT_TRUE(good);
            }
}

static void a_part_about_nothing_is_left_out(void)
{
    char text[200];
    (void)message_format(MESSAGE_UNKNOWN_REFERENCE, LANGUAGE_EN, (const char *const[4]){"f", "w", "near", NULL}, text,
                         sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "f has no \"w\" (nearest: near); correct it or add it");
    (void)message_format(MESSAGE_UNKNOWN_REFERENCE, LANGUAGE_ZH, (const char *const[4]){"f", "w", "-", NULL}, text,
                         sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "f 里没有“w”；请改正或补上");
    (void)message_format(MESSAGE_UNKNOWN_REFERENCE, LANGUAGE_EN, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, " has no \"\"; correct it or add it");
}

static void a_sentence_within_a_sentence_is_said_in_the_language_of_the_outer_one(void)
{
    char inner[MESSAGE_NESTED], text[300];
    message_nest(MESSAGE_NACK_SPEAKS, (const char *const[4]){"1", NULL, NULL, NULL}, inner, sizeof inner);
    CU_ASSERT_TRUE(message_is_nested(inner));
    (void)message_format(MESSAGE_AGGREGATOR_BUSY, LANGUAGE_ZH, (const char *const[4]){inner, NULL, NULL, NULL}, text,
                         sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "汇总端暂时不能保存（汇总端使用协议版本 1）；会自动重试");
    message_say(inner, LANGUAGE_EN, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "the aggregator speaks protocol 1");
    message_say("plain", LANGUAGE_EN, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "plain");
    message_say("\x1e" "of_a_newer_program\x1f" "7\x1f\n", LANGUAGE_EN, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "of_a_newer_program 7  ");
    message_say("\x1enack_speaks\x1f" "1\x1f" "2\x1f" "3\x1f" "4\x1f" "5", LANGUAGE_EN, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "the aggregator speaks protocol 1");
}

static void no_two_messages_share_a_code(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t j = i + 1; j < ARRAY_LEN(rows); j++) {
            if (strcmp(rows[i].code, rows[j].code) == 0)
                printf("\n  code used twice: %s\n", rows[i].code);
            CU_ASSERT_STRING_NOT_EQUAL(rows[i].code, rows[j].code);
        }
}

static void a_code_leads_back_to_its_message(void)
{
    CU_ASSERT_EQUAL(ARRAY_LEN(rows), (size_t)MESSAGE_COUNT - 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CU_ASSERT_EQUAL(message_by_code(rows[i].code), (enum message)(i + 1));
        CU_ASSERT_STRING_EQUAL(message_code((enum message)(i + 1)), rows[i].code);
    }
    CU_ASSERT_EQUAL(message_by_code("Never A Code"), MESSAGE_NONE);
    CU_ASSERT_EQUAL(message_by_code(""), MESSAGE_NONE);
    CU_ASSERT_EQUAL(message_by_code(NULL), MESSAGE_NONE);
}

static void a_number_that_is_no_message_has_no_text(void)
{
    char text[8] = "before";
    CU_ASSERT_STRING_EQUAL(message_code((enum message)MESSAGE_COUNT), "");
    CU_ASSERT_EQUAL(message_format((enum message)MESSAGE_COUNT, LANGUAGE_ZH, NULL, text, sizeof text), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT_EQUAL(message_format(MESSAGE_NONE, LANGUAGE_EN, NULL, text, sizeof text), 0);
}

static void arguments_are_filled_in(void)
{
    const char *const arguments[4] = {"a.csv", "gone", NULL, NULL};
    char text[128];
    CU_ASSERT_EQUAL(message_format(MESSAGE_CANNOT_READ, LANGUAGE_EN, arguments, text, sizeof text), strlen(text));
    CU_ASSERT_STRING_EQUAL(text, "cannot read \"a.csv\": gone");
    (void)message_format(MESSAGE_CANNOT_READ, LANGUAGE_ZH, arguments, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "无法读取“a.csv”：gone");
}

static void an_absent_argument_reads_as_empty_text(void)
{
    const char *const arguments[4] = {NULL, "x", NULL, NULL};
    char text[128];
    (void)message_format(MESSAGE_CANNOT_READ, LANGUAGE_EN, arguments, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "cannot read \"\": x");
    (void)message_format(MESSAGE_CANNOT_READ, LANGUAGE_EN, NULL, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "cannot read \"\": ");
}

static void arguments_are_not_read_for_braces_again(void)
{
    const char *const arguments[4] = {"{2}", "{1}", NULL, NULL};
    char text[128];
    (void)message_format(MESSAGE_CANNOT_READ, LANGUAGE_EN, arguments, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "cannot read \"{2}\": {1}");
}

static void a_short_space_holds_whole_characters_and_the_full_length_is_told(void)
{
    const char *const arguments[4] = {"文件", "原因", NULL, NULL};
    char whole[128], text[128];
    const size_t length = message_format(MESSAGE_CANNOT_READ, LANGUAGE_ZH, arguments, whole, sizeof whole);
    for (size_t capacity = 1; capacity <= length + 2; capacity++) {
        memset(text, '#', sizeof text);
        CU_ASSERT_EQUAL(message_format(MESSAGE_CANNOT_READ, LANGUAGE_ZH, arguments, text, capacity), length);
        CU_ASSERT_EQUAL(text[capacity], '#');
        CU_ASSERT(strlen(text) < capacity && strncmp(text, whole, strlen(text)) == 0);
        CU_ASSERT_TRUE(text_is_utf8(text, strlen(text), NULL));
        CU_ASSERT(strlen(text) + 4 > capacity || strlen(text) == length);
    }
    CU_ASSERT_EQUAL(message_format(MESSAGE_CANNOT_READ, LANGUAGE_ZH, arguments, NULL, 0), length);
}

static void a_place_is_said_as_far_as_it_is_known(void)
{
    static const struct {
        const char *file;
        int64_t row;
        const char *column, *said;
    } cases[] = {
        {"units.csv", 12, "parent", "units.csv:12:parent: cannot read \"x\": y"},
        {"units.csv", 12, NULL, "units.csv:12: cannot read \"x\": y"},
        {"units.csv", 0, "parent", "units.csv:parent: cannot read \"x\": y"},
        {"units.csv", 0, NULL, "units.csv: cannot read \"x\": y"},
        {NULL, 12, "parent", "12:parent: cannot read \"x\": y"},
        {NULL, 12, NULL, "12: cannot read \"x\": y"},
        {NULL, 0, "parent", "parent: cannot read \"x\": y"},
        {NULL, 0, NULL, "cannot read \"x\": y"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fault fault = {0};
        char text[256];
        fault_at(&fault, cases[i].file, cases[i].row, cases[i].column);
        fault_set(&fault, MESSAGE_CANNOT_READ, "x", "y", NULL);
        fault_format(&fault, LANGUAGE_EN, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].said);
        fault_sentence(&fault, LANGUAGE_EN, text, sizeof text);
        CU_ASSERT_STRING_EQUAL(text, "cannot read \"x\": y");
    }
}

static void a_place_stays_when_a_part_is_not_given(void)
{
    struct fault fault = {0};
    char text[256];
    fault_at(&fault, "a.csv", 3, "code");
    fault_at(&fault, NULL, 7, NULL);
    fault_set(&fault, MESSAGE_CANNOT_READ, "x", "y", NULL);
    fault_at(&fault, NULL, 0, "name");
    fault_format(&fault, LANGUAGE_EN, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "a.csv:7:name: cannot read \"x\": y");
}

static void a_new_message_forgets_the_old_arguments(void)
{
    struct fault fault = {0};
    fault_set(&fault, MESSAGE_CANNOT_READ, "x", "y", NULL);
    fault_set(&fault, MESSAGE_CANNOT_READ, fault.argument[1], NULL);
    CU_ASSERT_STRING_EQUAL(fault.argument[0], "y");
    CU_ASSERT_STRING_EQUAL(fault.argument[1], "");
}

static void nobody_need_ask_for_the_fault(void)
{
    fault_set(NULL, MESSAGE_CANNOT_READ, "x", NULL);
    fault_at(NULL, "x", 1, "y");
    CU_PASS("no fault, no harm");
}

static void a_long_argument_is_cut_at_a_character_and_marked(void)
{
    for (size_t shift = 0; shift < 3; shift++) {
        struct fault fault = {0};
        char text[600] = {0};
        memset(text, 'a', shift);
        for (size_t at = shift; at + 3 < sizeof text - 3; at += 3)
            memcpy(text + at, "常", 3);
        fault_set(&fault, MESSAGE_CANNOT_READ, text, NULL);
        const size_t length = strlen(fault.argument[0]);
        CU_ASSERT(length < sizeof fault.argument[0] && length > sizeof fault.argument[0] - 5);
        CU_ASSERT_STRING_EQUAL(fault.argument[0] + length - 3, "...");
        CU_ASSERT_TRUE(text_is_utf8(fault.argument[0], length, NULL));
        fault_at(&fault, text, 1, text);
        CU_ASSERT_TRUE(text_is_utf8(fault.file, strlen(fault.file), NULL));
        CU_ASSERT_TRUE(text_is_utf8(fault.column, strlen(fault.column), NULL));
    }
}

static void an_argument_that_just_fits_is_kept_whole(void)
{
    struct fault fault = {0};
    char text[sizeof fault.argument[0]];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    fault_set(&fault, MESSAGE_CANNOT_READ, text, NULL);
    CU_ASSERT_STRING_EQUAL(fault.argument[0], text);
}

static void a_fault_in_a_short_space_ends_with_a_whole_character(void)
{
    struct fault fault = {0};
    char whole[512], text[512];
    fault_at(&fault, "单位.csv", 12, "上级");
    fault_set(&fault, MESSAGE_CANNOT_READ, "溧阳", "原因", NULL);
    fault_format(&fault, LANGUAGE_ZH, whole, sizeof whole);
    for (size_t capacity = 1; capacity <= strlen(whole) + 1; capacity++) {
        memset(text, '#', sizeof text);
        fault_format(&fault, LANGUAGE_ZH, text, capacity);
        CU_ASSERT(strlen(text) < capacity && strncmp(text, whole, strlen(text)) == 0);
        CU_ASSERT(strlen(text) + 4 > capacity);
        CU_ASSERT_TRUE(text_is_utf8(text, strlen(text), NULL));
        CU_ASSERT_EQUAL(text[capacity], '#');
    }
}

static void every_status_has_its_letter(void)
{
    static const char letters[] = "APEMLQX";
    for (size_t i = 0; letters[i] != '\0'; i++) {
        const char text[] = {letters[i], '\0'};
        enum record_status status;
        CU_ASSERT_TRUE_FATAL(record_status_by_letter(text, &status));
        CU_ASSERT_EQUAL(status, (enum record_status)i);
        CU_ASSERT_EQUAL(record_status_letter(status), letters[i]);
        CU_ASSERT_EQUAL(record_status_has_value(status), i < 3);
    }
}

static void other_letters_are_no_status(void)
{
    static const char *const refuses[] = {"", "a", "B", "AA", "A ", " A", "Ａ", "x", "0"};
    enum record_status status;
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++)
        CU_ASSERT_FALSE(record_status_by_letter(refuses[i], &status));
    CU_ASSERT_FALSE(record_status_by_letter(NULL, &status));
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(every_message_is_complete_in_both_languages),
        SENTENCE(both_languages_use_the_same_arguments),
        SENTENCE(braces_are_only_used_for_arguments),
        SENTENCE(no_two_messages_share_a_code),
        SENTENCE(a_part_about_nothing_is_left_out),
        SENTENCE(a_sentence_within_a_sentence_is_said_in_the_language_of_the_outer_one),
        SENTENCE(a_code_leads_back_to_its_message),
        SENTENCE(a_number_that_is_no_message_has_no_text),
        SENTENCE(arguments_are_filled_in),
        SENTENCE(an_absent_argument_reads_as_empty_text),
        SENTENCE(arguments_are_not_read_for_braces_again),
        SENTENCE(a_short_space_holds_whole_characters_and_the_full_length_is_told),
        SENTENCE(a_place_is_said_as_far_as_it_is_known),
        SENTENCE(a_place_stays_when_a_part_is_not_given),
        SENTENCE(a_new_message_forgets_the_old_arguments),
        SENTENCE(nobody_need_ask_for_the_fault),
        SENTENCE(a_long_argument_is_cut_at_a_character_and_marked),
        SENTENCE(an_argument_that_just_fits_is_kept_whole),
        SENTENCE(a_fault_in_a_short_space_ends_with_a_whole_character),
        SENTENCE(every_status_has_its_letter),
        SENTENCE(other_letters_are_no_status),
    };
    return suite_run("message", sentences, ARRAY_LEN(sentences));
}
