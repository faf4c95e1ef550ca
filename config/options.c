/* options.c - one table gives the parser, the help text, and nothing else to keep in step.
 *
 * getopt_long does the splitting but never prints: what is wrong comes back as a fault in the user's language. Long names
 * must be written out; getopt's habit of completing them would make a script change its meaning when an option is added. */
#include "options.h"

#include <cyaml/cyaml.h>
#include <event2/event.h>
#include <getopt.h>
#include <msgpack.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define LONG_BASE 256 /* long options answer LONG_BASE + row, so that they never look like a letter */

struct tables {
    struct option longs[OPTIONS_MOST + 1];
    char letters[2 + 2 * OPTIONS_MOST + 1];
};

/* "+:" stops at the first operand, "-:" hands operands out in order; the colon keeps getopt quiet. */
static void make_tables(const struct option_row *rows, size_t count, bool stop_at_operand, struct tables *tables)
{
    char *letter = tables->letters;
    memset(tables, 0, sizeof *tables);
    *letter++ = stop_at_operand ? '+' : '-';
    *letter++ = ':';
    for (size_t i = 0; i < count; i++) {
        tables->longs[i].name = rows[i].name;
        tables->longs[i].has_arg = rows[i].argument != NULL ? required_argument : no_argument;
        tables->longs[i].val = LONG_BASE + (int)i;
        if (rows[i].letter == 0)
            continue;
        *letter++ = rows[i].letter;
        if (rows[i].argument != NULL)
            *letter++ = ':';
    }
}

/* The row getopt's answer stands for; count when none. */
static size_t row_of(const struct option_row *rows, size_t count, int answer)
{
    if (answer >= LONG_BASE && (size_t)(answer - LONG_BASE) < count)
        return (size_t)(answer - LONG_BASE);
    for (size_t i = 0; i < count; i++)
        if (rows[i].letter != 0 && answer == rows[i].letter)
            return i;
    return count;
}

/* A long option must be written in full: the word up to `=` is the row's name. */
static bool is_whole_name(const char *word, const struct option_row *row)
{
    if (strncmp(word, "--", 2) != 0)
        return true;
    const size_t length = strcspn(word + 2, "=");
    return length == strlen(row->name) && strncmp(word + 2, row->name, length) == 0;
}

/* Names a row as the user would write it. */
static void say(struct fault *why, enum message message, const struct option_row *row)
{
    char name[80];
    (void)snprintf(name, sizeof name, "--%s", row->name);
    fault_set(why, message, name, row->argument, NULL);
}

/* "-x": getopt names a letter by one byte; of 选 in `-选` all of them are wanted. */
static void write_letter(const char *word, char ret_text[8])
{
    const char *at = word + strcspn(word, (char[]){(char)optopt, '\0'});
    int length = *at == '\0' ? 0 : 1;
    while (length > 0 && length < 4 && ((unsigned char)at[length] & 0xC0) == 0x80)
        length++;
    (void)snprintf(ret_text, 8, "-%.*s", length, at);
}

/* '?': getopt knows no such option, or a flag was given a value. */
static enum status refuse_unknown(const struct option_row *rows, size_t count, const char *word, struct fault *why)
{
    char letter[8];
    const size_t row = row_of(rows, count, optopt);
    if (optopt >= LONG_BASE && row < count) {
        say(why, MESSAGE_UNEXPECTED_ARGUMENT, &rows[row]);
    } else if (strncmp(word, "--", 2) == 0) {
        fault_set(why, MESSAGE_UNKNOWN_OPTION, word, NULL);
    } else {
        write_letter(word, letter);
        fault_set(why, MESSAGE_UNKNOWN_OPTION, letter, NULL);
    }
    return STATUS_REFUSED;
}

static enum status add_operand(struct options *options, const char *operand, struct fault *why)
{
    if (options->operand_count == OPTIONS_OPERANDS) {
        fault_set(why, MESSAGE_TOO_MANY_OPERANDS, operand, NULL);
        return STATUS_REFUSED;
    }
    options->operand[options->operand_count++] = operand;
    return STATUS_OK;
}

static enum status take(int answer, const char *word, const struct option_row *rows, size_t count,
                        struct options *options, struct fault *why)
{
    if (answer == 1)
        return add_operand(options, optarg, why);
    if (answer == '?')
        return refuse_unknown(rows, count, word, why);
    const size_t row = row_of(rows, count, answer == ':' ? optopt : answer);
    if (row == count || !is_whole_name(word, &rows[row])) {
        fault_set(why, MESSAGE_UNKNOWN_OPTION, word, NULL);
        return STATUS_REFUSED;
    }
    if (answer == ':' || options->value[row] != NULL) {
        say(why, answer == ':' ? MESSAGE_MISSING_ARGUMENT : MESSAGE_REPEATED_OPTION, &rows[row]);
        return STATUS_REFUSED;
    }
    options->value[row] = rows[row].argument != NULL ? optarg : "";
    return STATUS_OK;
}

enum status options_parse(int argc, char *const argv[], const struct option_row *rows, size_t row_count,
                          bool stop_at_operand, struct options *ret_options, int *ret_next, struct fault *why)
{
    struct tables tables;
    struct options options = {.operand_count = 0};
    enum status status = STATUS_OK;
    if (row_count > OPTIONS_MOST)
        return STATUS_BROKEN; /* a table of ours that outgrew options.h */
    make_tables(rows, row_count, stop_at_operand, &tables);
    optind = 0; /* glibc: start afresh, whatever was parsed before */
    opterr = 0;
    while (status == STATUS_OK) {
        const int at = optind == 0 ? 1 : optind;
        const int answer = getopt_long(argc, argv, tables.letters, tables.longs, NULL);
        if (answer == -1)
            break;
        status = take(answer, at < argc ? argv[at] : "", rows, row_count, &options, why);
    }
    for (int i = optind; status == STATUS_OK && !stop_at_operand && i < argc; i++)
        status = add_operand(&options, argv[i], why);
    if (status != STATUS_OK)
        return status;
    *ret_options = options;
    if (ret_next != NULL)
        *ret_next = stop_at_operand ? optind : argc;
    return STATUS_OK;
}

/* "  -c, --config FILE" */
static int left_part(const struct option_row *row, char *ret_text, size_t capacity)
{
    char letter[5] = "    ";
    if (row->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    return snprintf(ret_text, capacity, "  %s--%s%s%s", letter, row->name, row->argument != NULL ? " " : "",
                    row->argument != NULL ? row->argument : "");
}

void options_print(const struct option_row *rows, size_t row_count, enum language language)
{
    char text[128];
    int widest = 0;
    for (size_t i = 0; i < row_count; i++) {
        const int width = left_part(&rows[i], text, sizeof text);
        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < row_count; i++) {
        (void)left_part(&rows[i], text, sizeof text);
        printf("%-*s  %s\n", widest, text, language == LANGUAGE_EN ? rows[i].en : rows[i].zh);
    }
}

void options_print_version(const char *program)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("%s " SUANPAN_VERSION " (libzmq %d.%d.%d, SQLite %s, msgpack %s, libsodium %s, libevent %s, libcyaml %s)\n",
           program, major, minor, patch, sqlite3_libversion(), msgpack_version(), sodium_version_string(),
           event_get_version(), cyaml_version_str);
}
