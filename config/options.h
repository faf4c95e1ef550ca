/* options.h - command lines from one table of options: parsing (getopt_long) and --help text. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of CONTRACT 1. */
enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTLY = 3, EXIT_UNREACHABLE = 4 };

struct option_row {
    const char *name;        /* long name without dashes */
    char letter;             /* short name or 0 */
    const char *argument;    /* "FILE", NULL for a flag */
    const char *zh, *en;     /* what it does */
};

#define OPTIONS_MOST 32
#define OPTIONS_OPERANDS 64

struct options {
    const char *value[OPTIONS_MOST]; /* by index of the row; "" for a given flag, NULL when absent; borrowed from argv */
    const char *operand[OPTIONS_OPERANDS];
    size_t operand_count;
};

/* Parses argv[1..]; operands and options may be mixed. STATUS_REFUSED with unknown_option, missing_argument or
 * repeated_option. stop_at_operand: stop before the first operand and give its index in *ret_next (sub-commands). */
enum status options_parse(int argc, char *const argv[], const struct option_row *rows, size_t row_count,
                          bool stop_at_operand, struct options *ret_options, int *ret_next, struct fault *why) MUST_CHECK;
/* The option lines of --help, aligned, in one language. */
void options_print(const struct option_row *rows, size_t row_count, enum language language);
/* "suanpan-collector 0.1.0 (libzmq 4.3.4, SQLite 3.40.1, ...)" */
void options_print_version(const char *program);

#endif
