#include "options.h"

#include "log.h"
#include "vector.h"

#include <unistd.h>

static const struct option_row rows[] = {
    {"config", 'c', "FILE", "配置文件", "settings file"},
    {"once", 0, NULL, "取完即退", "take everything and exit"},
    {"timeout", 't', "SECONDS", "最多等待的秒数", "wait no longer"},
    {"help", 'h', NULL, "显示帮助", "show this help"},
};
enum { CONFIG, ONCE, TIMEOUT, HELP };

#define PARSE(stop, ...) parse(stop, (char *[]){"suanpan", __VA_ARGS__, NULL})

static struct options options;
static struct fault why;
static int next;

static enum status parse(bool stop_at_operand, char **words)
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    why = (struct fault){0};
    return options_parse(count, words, rows, ARRAY_LEN(rows), stop_at_operand, &options, &next, &why);
}

static void options_and_operands_may_be_mixed(void)
{
    CU_ASSERT_FATAL(PARSE(false, "query", "--config", "a.yaml", "I01", "--once", "-t5", "--", "-x") == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "a.yaml");
    CU_ASSERT_STRING_EQUAL(options.value[ONCE], "");
    CU_ASSERT_STRING_EQUAL(options.value[TIMEOUT], "5");
    CU_ASSERT_PTR_NULL(options.value[HELP]);
    CU_ASSERT_EQUAL_FATAL(options.operand_count, 3);
    CU_ASSERT_STRING_EQUAL(options.operand[0], "query");
    CU_ASSERT_STRING_EQUAL(options.operand[1], "I01");
    CU_ASSERT_STRING_EQUAL(options.operand[2], "-x");
}

static void every_way_to_write_a_value_is_taken(void)
{
    CU_ASSERT(PARSE(false, "--config=x") == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "x");
    CU_ASSERT(PARSE(false, "-c", "y") == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "y");
    CU_ASSERT(PARSE(false, "--config=") == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "");
    CU_ASSERT(PARSE(false, "-c", "-") == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "-");
    CU_ASSERT(PARSE(false, "-hcz") == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(options.value[HELP], "");
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "z");
}

static void a_command_starts_where_options_stop(void)
{
    CU_ASSERT_FATAL(PARSE(true, "-c", "a.yaml", "query", "--by", "month") == STATUS_OK);
    CU_ASSERT_EQUAL(next, 3);
    CU_ASSERT_EQUAL(options.operand_count, 0);
    CU_ASSERT_STRING_EQUAL(options.value[CONFIG], "a.yaml");
    CU_ASSERT_FATAL(PARSE(true, "-c", "a.yaml") == STATUS_OK);
    CU_ASSERT_EQUAL(next, 3);
}

static void nothing_is_nothing(void)
{
    char *words[] = {"suanpan", NULL};
    CU_ASSERT_FATAL(parse(false, words) == STATUS_OK);
    CU_ASSERT_EQUAL(options.operand_count, 0);
    CU_ASSERT_EQUAL(next, 1);
}

static void what_is_wrong_is_named(void)
{
    CU_ASSERT(PARSE(false, "--colour") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_UNKNOWN_OPTION);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "--colour");
    CU_ASSERT(PARSE(false, "-x") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_UNKNOWN_OPTION);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "-x");
    CU_ASSERT(PARSE(false, "-hx") == STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "-x");
    CU_ASSERT(PARSE(false, "-h选项") == STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "-选");
    CU_ASSERT(PARSE(false, "--config") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_MISSING_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "--config");
    CU_ASSERT_STRING_EQUAL(why.argument[1], "FILE");
    CU_ASSERT(PARSE(false, "-t") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_MISSING_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "--timeout");
    CU_ASSERT(PARSE(false, "--once=yes") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_UNEXPECTED_ARGUMENT);
    CU_ASSERT(PARSE(false, "-c", "a", "--config", "b") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_REPEATED_OPTION);
}

static void a_long_name_is_written_in_full(void)
{
    CU_ASSERT(PARSE(false, "--conf", "x") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_UNKNOWN_OPTION);
    CU_ASSERT(PARSE(false, "--conf=x") == STATUS_REFUSED);
    CU_ASSERT(PARSE(false, "--conf") == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_UNKNOWN_OPTION);
    CU_ASSERT(PARSE(false, "--onc") == STATUS_REFUSED);
}

static void operands_have_a_limit(void)
{
    char *words[OPTIONS_OPERANDS + 3];
    for (size_t i = 0; i < ARRAY_LEN(words) - 1; i++)
        words[i] = "x";
    words[ARRAY_LEN(words) - 1] = NULL;
    CU_ASSERT(parse(false, words) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_TOO_MANY_OPERANDS);
    words[ARRAY_LEN(words) - 2] = NULL;
    CU_ASSERT(parse(false, words) == STATUS_OK);
    CU_ASSERT_EQUAL(options.operand_count, OPTIONS_OPERANDS);
}

/* What a call prints on a stream, as text. */
static char *printed(int stream, void (*call)(void))
{
    char path[] = "/tmp/suanpan-options-XXXXXX";
    (void)fflush(stdout);
    const int file = mkstemp(path), kept = dup(stream);
    CU_ASSERT_FATAL(file >= 0 && kept >= 0 && dup2(file, stream) == stream);
    call();
    (void)fflush(stdout);
    (void)dup2(kept, stream);
    (void)close(kept);
    (void)close(file);
    char *text = vector_file(path);
    (void)unlink(path);
    return text;
}

static void print_help(void)
{
    options_print(rows, ARRAY_LEN(rows), LANGUAGE_EN);
}

static void help_is_aligned(void)
{
    char *text = printed(STDOUT_FILENO, print_help);
    CU_ASSERT_STRING_EQUAL(text, "  -c, --config FILE      settings file\n"
                                 "      --once             take everything and exit\n"
                                 "  -t, --timeout SECONDS  wait no longer\n"
                                 "  -h, --help             show this help\n");
    free(text);
}

static void print_version(void)
{
    options_print_version("suanpan");
}

static void the_version_names_program_and_libraries(void)
{
    char *text = printed(STDOUT_FILENO, print_version);
    CU_ASSERT(strncmp(text, "suanpan " SUANPAN_VERSION " (", strlen("suanpan " SUANPAN_VERSION " (")) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "SQLite 3."));
    free(text);
}

/* ---- the log ----------------------------------------------------------------------------------------------------------- */

static void log_some(void)
{
    struct fault fault = {0};
    log_start(LOG_LEVEL_INFO, LANGUAGE_EN);
    log_event(LOG_LEVEL_DEBUG, "unseen", "key", "value", NULL);
    log_event(LOG_LEVEL_WARN, "batch_refused", "agent", "liyang", "reason", "unit is \"percent\"\nerror forged", "row", "3",
              "empty", "", "nothing", NULL, NULL);
    fault_at(&fault, "units.csv", 12, "parent");
    fault_set(&fault, MESSAGE_CANNOT_READ, "x", "y", NULL);
    log_fault(LOG_LEVEL_ERROR, "stopped", &fault);
}

static void the_journal_gets_priorities_and_no_forged_lines(void)
{
    setenv("JOURNAL_STREAM", "8:12345", 1);
    char *text = printed(STDERR_FILENO, log_some);
    CU_ASSERT_STRING_EQUAL(text, "<4>warn batch_refused agent=liyang reason=\"unit is \\\"percent\\\"\\nerror forged\" row=3 "
                                 "empty=\"\" nothing=\"\"\n"
                                 "<3>error stopped code=cannot_read reason=\"cannot read \\\"x\\\": y\" "
                                 "where=units.csv:12:parent\n");
    free(text);
    unsetenv("JOURNAL_STREAM");
}

static void elsewhere_lines_begin_with_the_time(void)
{
    char *text = printed(STDERR_FILENO, log_some);
    CU_ASSERT(strlen(text) > 30 && text[4] == '-' && text[10] == 'T');
    /* before any catalogue is loaded in its default zone, as the lines after it most likely are */
    CU_ASSERT_EQUAL(strncmp(text + strcspn(text, " ") - 6, "+08:00 ", 7), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " warn batch_refused agent=liyang "));
    CU_ASSERT_PTR_NULL(strstr(text, "unseen"));
    free(text);
}

static void log_much(void)
{
    static char huge[20000];
    memset(huge, 'x', sizeof huge - 1);
    log_start(LOG_LEVEL_INFO, LANGUAGE_EN);
    log_event(LOG_LEVEL_INFO, "huge", "text", huge, "more", "y", NULL);
}

static void a_line_has_a_limit(void)
{
    char *text = printed(STDERR_FILENO, log_much);
    const size_t length = strlen(text);
    CU_ASSERT(length == 8192 && strcmp(text + length - 4, "...\n") == 0);
    free(text);
}

static void language_is_chosen_by_option_then_environment(void)
{
    setenv("LC_ALL", "zh_CN.UTF-8", 1);
    setenv("LANG", "en_US.UTF-8", 1);
    CU_ASSERT_EQUAL(language_choose("en"), LANGUAGE_EN);
    CU_ASSERT_EQUAL(language_choose("zh"), LANGUAGE_ZH);
    CU_ASSERT_EQUAL(language_choose(NULL), LANGUAGE_ZH);
    unsetenv("LC_ALL");
    CU_ASSERT_EQUAL(language_choose(NULL), LANGUAGE_EN);
    unsetenv("LANG");
    CU_ASSERT_EQUAL(language_choose(NULL), LANGUAGE_ZH);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(options_and_operands_may_be_mixed),
        SENTENCE(every_way_to_write_a_value_is_taken),
        SENTENCE(a_command_starts_where_options_stop),
        SENTENCE(nothing_is_nothing),
        SENTENCE(what_is_wrong_is_named),
        SENTENCE(a_long_name_is_written_in_full),
        SENTENCE(operands_have_a_limit),
        SENTENCE(help_is_aligned),
        SENTENCE(the_version_names_program_and_libraries),
        SENTENCE(the_journal_gets_priorities_and_no_forged_lines),
        SENTENCE(elsewhere_lines_begin_with_the_time),
        SENTENCE(a_line_has_a_limit),
        SENTENCE(language_is_chosen_by_option_then_environment),
    };
    return suite_run("options", sentences, ARRAY_LEN(sentences));
}
