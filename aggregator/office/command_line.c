/* command_line.c - suanpan: the office's command line.
 *
 * Whom it asks: the running aggregator of a configuration (-c) when its store is held, else that store itself, opened
 * read-only; a store by URL (--store); an aggregator by endpoint (--server). All give the same rows, because the same
 * office_answer makes them. The table of commands in office.c gives the options, the help and the examples. */
#include "answer.h"
#include "ask.h"
#include "clock.h"
#include "examine.h"
#include "keep.h"
#include "keys.h"
#include "log.h"
#include "memory.h"
#include "office.h"
#include "options.h"
#include "prove.h"
#include "settings.h"
#include "weights.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MEMORY ((size_t)256 << 20)
#define DEFAULT_CONFIGURATION "aggregator.yaml"
#define DEFAULT_TIMEOUT_SECONDS 30
#define TIMEOUT_SECONDS_MOST 86400

enum {
    OPTION_CONFIG, OPTION_STORE, OPTION_SERVER, OPTION_KEY, OPTION_SERVER_KEY, OPTION_SECURITY, OPTION_TIMEOUT, OPTION_FORMAT,
    OPTION_LANG, OPTION_HELP, OPTION_VERSION, OPTION_COUNT
};
static const struct option_row global_rows[OPTION_COUNT] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", "汇总端配置（默认：当前目录的 aggregator.yaml）",
                       "the aggregator's configuration (default: aggregator.yaml here)"},
    [OPTION_STORE] = {"store", 0, "URL", "直接读数据库，如 sqlite:data/suanpan.db", "read a store, as sqlite:data/suanpan.db"},
    [OPTION_SERVER] = {"server", 0, "ENDPOINT", "询问运行中的汇总端，如 tcp://10.0.0.5:7422",
                       "ask a running aggregator, as tcp://10.0.0.5:7422"},
    [OPTION_KEY] = {"key", 0, "FILE", "--server：自己的密钥文件", "with --server: your own key file"},
    [OPTION_SERVER_KEY] = {"server-key", 0, "FILE", "--server：汇总端的公钥文件",
                           "with --server: the aggregator's public key file"},
    [OPTION_SECURITY] = {"security", 0, "none", "--server：汇总端写明 security: none 时不加密（仅限 ipc:// 和本机）",
                         "with --server: no encryption, where the aggregator has security: none (ipc:// and loopback)"},
    [OPTION_TIMEOUT] = {"timeout", 0, "SECONDS", "最多等待多少秒（默认 30）", "wait this long for an answer (default 30)"},
    [OPTION_FORMAT] = {"format", 0, "FORMAT", "table、csv 或 json（终端上默认 table，否则 csv）",
                       "table, csv or json (default: table on a terminal, else csv)"},
    [OPTION_LANG] = {"lang", 0, "zh|en", "语言", "language"},
    [OPTION_HELP] = {"help", 'h', NULL, "显示帮助", "show help"},
    [OPTION_VERSION] = {"version", 0, NULL, "显示版本", "show the version"},
};

struct program {
    const struct office_command *command;
    struct options globals;                /* before and after the command, together */
    const char *value[OPTIONS_MOST];       /* of the command's own options */
    const char *operand[OPTIONS_OPERANDS];
    size_t operand_count;
    enum table_format format;
    enum language language;
    int64_t timeout_ms;
};

static int exit_of(enum status status)
{
    switch (status) {
    case STATUS_OK: return EXIT_DONE;
    case STATUS_REFUSED: return EXIT_USAGE;
    case STATUS_AGAIN: return EXIT_UNREACHABLE;
    case STATUS_BROKEN: return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

static int complain(const struct program *program, int exit_code, const struct fault *fault)
{
    char text[2048];
    fault_format(fault, program->language, text, sizeof text);
    (void)fprintf(stderr, "suanpan: %s\n", text);
    return exit_code;
}

static int print_table(const struct program *program, const struct table *table, int exit_code)
{
    struct fault fault = {.message = MESSAGE_NONE};
    if (table_print(table, program->format, program->language, stdout) && fflush(stdout) == 0)
        return exit_code;
    fault_set(&fault, MESSAGE_CANNOT_WRITE, "stdout", strerror(errno), NULL);
    return complain(program, EXIT_FAILED, &fault);
}

/* ---- help ---------------------------------------------------------------------------------------------------------- */

static const char *say(const struct program *program, const char *zh, const char *en)
{
    return program->language == LANGUAGE_EN ? en : zh;
}

static int print_program_help(const struct program *program)
{
    size_t count;
    const struct office_command *commands = office_commands(&count);
    printf("%s\n  suanpan [-c aggregator.yaml | --store URL | --server ENDPOINT] COMMAND ...\n\n%s\n",
           say(program, "用法：", "Usage:"), say(program, "命令：", "Commands:"));
    for (size_t i = 0; i < count; i++)
        printf("  %-13s %s\n", commands[i].name, say(program, commands[i].zh, commands[i].en));
    printf("\n%s\n", say(program, "选项（命令前后都可以写）：", "Options (before or after the command):"));
    options_print(global_rows, OPTION_COUNT, program->language);
    printf("\n%s\n", say(program, "例：", "Examples:"));
    for (size_t i = 0; i < count; i++)
        printf("  %s\n", commands[i].example);
    printf("\n%s\n", say(program, "每条命令的选项：suanpan COMMAND --help", "Options of a command: suanpan COMMAND --help"));
    return EXIT_DONE;
}

static size_t command_rows(const struct office_command *command, struct option_row *rows)
{
    size_t count = OPTION_COUNT;
    memcpy(rows, global_rows, sizeof global_rows);
    for (size_t i = 0; i < command->option_count && count < OPTIONS_MOST; i++)
        rows[count++] = (struct option_row){command->options[i].name, 0, command->options[i].argument,
                                            command->options[i].zh, command->options[i].en};
    return count;
}

static int print_command_help(const struct program *program)
{
    struct option_row rows[OPTIONS_MOST];
    const struct office_command *command = program->command;
    const size_t count = command_rows(command, rows);
    printf("%s\n  suanpan %s%s%s%s\n\n%s\n", say(program, "用法：", "Usage:"), command->name,
           command->operands[0] != '\0' ? " " : "", command->operands,
           command->option_count > 0 ? say(program, " [选项]", " [options]") : "",
           say(program, command->zh, command->en));
    if (command->option_count > 0) {
        printf("\n%s\n", say(program, "选项：", "Options:"));
        options_print(rows + OPTION_COUNT, count - OPTION_COUNT, program->language);
    }
    printf("\n%s\n", say(program, "通用选项：", "General options:"));
    options_print(global_rows, OPTION_COUNT, program->language);
    printf("\n%s\n  %s\n", say(program, "例：", "Example:"), command->example);
    return EXIT_DONE;
}

/* ---- the question -------------------------------------------------------------------------------------------------- */

/* Operands as one option, joined by commas. */
static char *join_operands(const struct program *program)
{
    size_t length = 1, used = 0;
    char *joined;
    for (size_t i = 0; i < program->operand_count; i++)
        length += strlen(program->operand[i]) + 1;
    joined = memory_array(length, 1);
    for (size_t i = 0; i < program->operand_count; i++) {
        if (i > 0)
            joined[used++] = ',';
        memcpy(joined + used, program->operand[i], strlen(program->operand[i]));
        used += strlen(program->operand[i]);
    }
    return joined;
}

static void add_option(struct wire_question *question, const char *name, const char *value)
{
    if (value == NULL || question->option_count == WIRE_OPTIONS)
        return; /* no command has that many */
    (void)snprintf(question->options[question->option_count].name, sizeof question->options[0].name, "%s", name);
    question->options[question->option_count++].value = value;
}

static void make_question(const struct program *program, const char *operands, struct wire_question *question)
{
    *question = (struct wire_question){.id = 1};
    (void)snprintf(question->command, sizeof question->command, "%s", program->command->name);
    if (program->operand_count > 0)
        add_option(question, "operand", operands);
    for (size_t i = 0; i < program->command->option_count; i++)
        add_option(question, program->command->options[i].name, program->value[i]);
    /* Rows for programs never depend on the environment: English names only when asked for. */
    if (program->language == LANGUAGE_EN && (program->globals.value[OPTION_LANG] != NULL || program->format == TABLE_TABLE))
        add_option(question, "lang", "en");
    if (program->format == TABLE_TABLE)
        add_option(question, "readable", "");
}

/* ---- asking a running aggregator ----------------------------------------------------------------------------------- */

static int ask_running(const struct program *program, const struct ask_target *target)
{
    struct wire_question question;
    struct asked asked = {.bytes = NULL};
    struct fault fault = {.message = MESSAGE_NONE};
    char *operands = join_operands(program);
    int exit_code;
    make_question(program, operands, &question);
    const enum status status = ask_aggregator(target, &question, program->timeout_ms, &asked, &fault);
    if (status != STATUS_OK)
        exit_code = complain(program, exit_of(status), &fault);
    else if (asked.message.answer.fault_code[0] != '\0') {
        (void)fprintf(stderr, "suanpan: %s\n",
                      say(program, asked.message.answer.fault_zh, asked.message.answer.fault_en));
        exit_code = (int)asked.message.answer.exit_code;
    } else
        exit_code = print_table(program, &asked.table, (int)asked.message.answer.exit_code);
    asked_free(&asked);
    free(operands);
    return exit_code;
}

static int ask_server(const struct program *program)
{
    const char *endpoint = program->globals.value[OPTION_SERVER];
    const char *key = program->globals.value[OPTION_KEY], *server_key = program->globals.value[OPTION_SERVER_KEY];
    const char *security = program->globals.value[OPTION_SECURITY];
    struct ask_target target = {.endpoint = endpoint, .security = SECURITY_CURVE};
    struct secret_key own;
    struct public_key server;
    struct fault fault = {.message = MESSAGE_NONE};
    enum status status;
    int exit_code;
    if (security != NULL) {
        if (strcmp(security, "none") != 0)
            fault_set(&fault, MESSAGE_ASK_BAD_CHOICE, "security", security, "none", NULL);
        else if (key != NULL || server_key != NULL)
            fault_set(&fault, MESSAGE_ASK_ONE_OF, "--security, --key, --server-key", NULL);
        else if (!settings_is_loopback(endpoint))
            fault_set(&fault, MESSAGE_PLAIN_ENDPOINT, endpoint, NULL);
        target.security = SECURITY_NONE;
        return fault.message == MESSAGE_NONE ? ask_running(program, &target) : complain(program, EXIT_USAGE, &fault);
    }
    if (key == NULL || server_key == NULL) {
        fault_set(&fault, MESSAGE_ASK_NEEDS_KEYS, endpoint, NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    status = keys_load_secret(key, &own, &fault);
    if (status != STATUS_OK)
        return complain(program, EXIT_USAGE, &fault);
    status = keys_load_public(server_key, &server, &fault);
    target.own = &own;
    target.server_curve = server.curve;
    exit_code = status == STATUS_OK ? ask_running(program, &target) : complain(program, EXIT_USAGE, &fault);
    keys_forget(&own);
    return exit_code;
}

static int ask_holder(const struct program *program, const struct aggregator_settings *settings)
{
    struct ask_target target = {.endpoint = settings->listen_queries, .security = settings->security};
    struct secret_key own;
    struct fault fault = {.message = MESSAGE_NONE};
    int exit_code;
    if (settings->security == SECURITY_NONE)
        return ask_running(program, &target);
    if (keys_load_secret(settings->key, &own, &fault) != STATUS_OK)
        return complain(program, EXIT_USAGE, &fault);
    target.own = &own;
    target.server_curve = own.public_key.curve;
    exit_code = ask_running(program, &target);
    keys_forget(&own);
    return exit_code;
}

/* ---- reading a store ----------------------------------------------------------------------------------------------- */

/* The answer is right all the same, but somebody should look at the disk. */
static void warn_of_damage(const struct program *program, const struct office *office)
{
    const struct abacus *const looked_at[] = {office->abacus, office->past};
    struct fault fault = {.message = MESSAGE_NONE};
    bool is_damaged = false;
    for (size_t i = 0; i < ARRAY_LEN(looked_at); i++)
        is_damaged = is_damaged || (looked_at[i] != NULL && (abacus_repaired(looked_at[i]) > 0 ||
                                                             abacus_origin(looked_at[i]) != ABACUS_SAVED));
    if (!is_damaged)
        return;
    fault_set(&fault, MESSAGE_PAGES_NOT_USED, NULL);
    (void)complain(program, 0, &fault);
}

/* settings NULL: only the store is known, and nobody's keys. */
static int answer_here(const struct program *program, const struct catalogue *catalogue, struct store *store,
                       const struct aggregator_settings *settings, bool held)
{
    struct office *office = office_open(catalogue, store, ANSWER_MEMORY);
    struct wire_question question;
    struct answer answer;
    struct fault fault = {.message = MESSAGE_NONE};
    char *operands = join_operands(program);
    int exit_code;
    if (!held)
        office_set_offline(office);
    if (settings != NULL)
        office_set_agents(office, settings->agents);
    make_question(program, operands, &question);
    const enum status status = office_answer(office, &question, clock_ms(CLOCK_REALTIME), &answer, &fault);
    if (status == STATUS_OK) {
        exit_code = print_table(program, &answer.table, (int)answer.exit_code);
        answer_free(&answer);
    } else
        exit_code = complain(program, exit_of(status), &fault);
    warn_of_damage(program, office);
    office_close(&office);
    free(operands);
    return exit_code;
}

static enum status load_catalogue(const char *folder, struct catalogue **ret_catalogue, struct fault *why)
{
    struct findings findings = {.items = NULL};
    char errors[24];
    enum status status = catalogue_load(folder, ret_catalogue, &findings, why);
    if (status == STATUS_OK && findings.broken_count > 0) {
        (void)snprintf(errors, sizeof errors, "%zu", findings.broken_count);
        fault_set(why, MESSAGE_ASK_CATALOGUE_BROKEN, folder, errors, NULL);
        catalogue_free(ret_catalogue);
        status = STATUS_REFUSED;
    }
    findings_free(&findings);
    return status;
}

static enum status stored_catalogue(struct store *store, const char *path, struct catalogue **ret_catalogue,
                                    struct fault *why)
{
    struct findings findings = {.items = NULL};
    enum status status = store_load_catalogue(store, ret_catalogue, &findings, why);
    if (status == STATUS_OK && *ret_catalogue == NULL) {
        fault_set(why, MESSAGE_ASK_NO_CATALOGUE, path, NULL);
        status = STATUS_REFUSED;
    }
    findings_free(&findings);
    return status;
}

/* settings NULL: the catalogue kept in the store. */
static int ask_store(const struct program *program, const char *path, const struct aggregator_settings *settings)
{
    struct store *store = NULL;
    struct catalogue *catalogue = NULL;
    struct fault fault = {.message = MESSAGE_NONE};
    int exit_code;
    enum status status = store_open(path, STORE_READ, &store, &fault);
    if (status == STATUS_OK)
        status = settings != NULL ? load_catalogue(settings->catalogue, &catalogue, &fault)
                                  : stored_catalogue(store, path, &catalogue, &fault);
    if (status == STATUS_OK)
        status = calendar_use_timezone(catalogue->timezone, &fault);
    exit_code = status == STATUS_OK ? answer_here(program, catalogue, store, settings, store_is_held(path))
                                    : complain(program, exit_of(status), &fault);
    store_close(&store);
    catalogue_free(&catalogue);
    return exit_code;
}

static int ask_configured(const struct program *program, const char *file)
{
    struct aggregator_settings settings;
    struct fault fault = {.message = MESSAGE_NONE};
    const enum status status = aggregator_settings_load(file, &settings, &fault);
    int exit_code;
    if (status != STATUS_OK)
        return complain(program, exit_of(status), &fault);
    exit_code = store_is_held(settings.store_path) ? ask_holder(program, &settings)
                                                   : ask_store(program, settings.store_path, &settings);
    aggregator_settings_free(&settings);
    return exit_code;
}

static int ask_url(const struct program *program, const char *url)
{
    struct fault fault = {.message = MESSAGE_NONE};
    char *path = NULL;
    const enum status status = settings_store_path(url, &path, &fault);
    const int exit_code = status == STATUS_OK ? ask_store(program, path, NULL)
                                              : complain(program, exit_of(status), &fault);
    free(path);
    return exit_code;
}

static int ask(const struct program *program)
{
    const char *const *value = program->globals.value;
    const int named = (value[OPTION_CONFIG] != NULL) + (value[OPTION_STORE] != NULL) + (value[OPTION_SERVER] != NULL);
    struct fault fault = {.message = MESSAGE_NONE};
    if (named > 1) {
        fault_set(&fault, MESSAGE_ASK_ONE_OF, "--config, --store, --server", NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    if (value[OPTION_SERVER] != NULL)
        return ask_server(program);
    if (value[OPTION_STORE] != NULL)
        return ask_url(program, value[OPTION_STORE]);
    if (value[OPTION_CONFIG] != NULL)
        return ask_configured(program, value[OPTION_CONFIG]);
    if (access(DEFAULT_CONFIGURATION, F_OK) == 0)
        return ask_configured(program, DEFAULT_CONFIGURATION);
    fault_set(&fault, MESSAGE_ASK_WHOM, NULL);
    return complain(program, EXIT_USAGE, &fault);
}

/* ---- commands that need no aggregator ------------------------------------------------------------------------------ */

static int make_keys(const struct program *program)
{
    static const char *const columns[] = {"path", "fingerprint"};
    struct fault fault = {.message = MESSAGE_NONE};
    struct table table;
    char fingerprint[33], path[4096];
    int exit_code;
    if (program->operand_count != 2) {
        fault_set(&fault, MESSAGE_ASK_NEEDS_OPTION, "keygen", "DIR NAME", NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    if (keys_generate(program->operand[0], program->operand[1], fingerprint, &fault) != STATUS_OK)
        return complain(program, fault.message == MESSAGE_BAD_KEY_NAME ? EXIT_USAGE : EXIT_FAILED, &fault);
    table_start(&table, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.%s", program->operand[0], program->operand[1], i == 0 ? "key" : "pub");
        table_add(&table, path);
        table_add(&table, fingerprint);
    }
    exit_code = print_table(program, &table, EXIT_DONE);
    table_free(&table);
    return exit_code;
}

static void add_finding(const struct program *program, struct table *table, const struct finding *finding)
{
    static const char *const severities[] = {
        [FINDING_ERROR] = "error", [FINDING_WARNING] = "warning", [FINDING_INFO] = "info"};
    char sentence[2048];
    fault_sentence(&finding->fault, program->language, sentence, sizeof sentence);
    table_add(table, severities[finding->severity]);
    table_add(table, message_code(finding->fault.message));
    table_add(table, finding->fault.file);
    if (finding->fault.row > 0)
        table_add_number(table, (uint64_t)finding->fault.row);
    else
        table_add(table, NULL);
    table_add(table, finding->fault.column);
    table_add(table, finding->subject);
    table_add(table, sentence);
}

/* What the weights in force say about the goals (CONTRACT 2). */
static enum status check_weights(const struct catalogue *catalogue, const char *url, struct findings *findings,
                                 struct fault *why)
{
    struct store *store = NULL;
    struct office *office = NULL;
    char *path = NULL;
    enum status status = settings_store_path(url, &path, why);
    if (status == STATUS_OK)
        status = store_open(path, STORE_READ, &store, why);
    if (status == STATUS_OK)
        status = calendar_use_timezone(catalogue->timezone, why);
    if (status == STATUS_OK)
        status = store_begin(store, why);
    if (status == STATUS_OK) {
        office = office_open(catalogue, store, ANSWER_MEMORY);
        status = abacus_follow(office->abacus, UINT64_MAX, why);
        if (status == STATUS_OK)
            status = weights_check(office->figures, findings, why);
        store_rollback(store);
    }
    office_close(&office);
    store_close(&store);
    free(path);
    return status;
}

static int check_catalogue(const struct program *program)
{
    static const char *const columns[] = {"severity", "code", "file", "row", "column", "subject", "message"};
    const char *url = program->globals.value[OPTION_STORE];
    struct findings findings = {.items = NULL};
    struct catalogue *catalogue = NULL;
    struct fault fault = {.message = MESSAGE_NONE};
    struct table table;
    int exit_code;
    enum status status = catalogue_load(program->operand[1], &catalogue, &findings, &fault);
    if (status == STATUS_OK && url != NULL && findings.broken_count == 0)
        status = check_weights(catalogue, url, &findings, &fault);
    if (status != STATUS_OK)
        exit_code = complain(program, exit_of(status), &fault);
    else {
        table_start(&table, columns, ARRAY_LEN(columns));
        for (size_t i = 0; i < findings.count; i++)
            add_finding(program, &table, &findings.items[i]);
        exit_code = print_table(program, &table, findings.error_count > 0 ? EXIT_FAILED : EXIT_DONE);
        table_free(&table);
    }
    findings_free(&findings);
    catalogue_free(&catalogue);
    return exit_code;
}

/* ---- proofs ------------------------------------------------------------------------------------------------------------ */

/* The store that -c or --store names; yours to free. The settings, where -c named it: ret_settings->file is NULL where not. */
static enum status named_store(const struct program *program, char **ret_path, struct aggregator_settings *ret_settings,
                               struct fault *why)
{
    const char *const *value = program->globals.value;
    enum status status;
    *ret_settings = (struct aggregator_settings){.file = NULL};
    if ((value[OPTION_STORE] != NULL && value[OPTION_CONFIG] != NULL) || value[OPTION_SERVER] != NULL) {
        fault_set(why, MESSAGE_ASK_ONE_OF, "--config, --store", NULL);
        return STATUS_REFUSED;
    }
    if (value[OPTION_STORE] != NULL)
        return settings_store_path(value[OPTION_STORE], ret_path, why);
    status = aggregator_settings_load(value[OPTION_CONFIG] != NULL ? value[OPTION_CONFIG] : DEFAULT_CONFIGURATION,
                                      ret_settings, why);
    if (status == STATUS_OK) {
        *ret_path = memory_copy_text(ret_settings->store_path);
        *why = (struct fault){.message = MESSAGE_NONE}; /* the settings are no longer meant */
    }
    return status;
}

static int prove(const struct program *program)
{
    const bool is_verify = strcmp(program->command->name, "verify") == 0;
    const size_t first = is_verify ? 1 : 0; /* of the options both have */
    const char *what = is_verify ? "verify" : program->operand_count == 2 ? program->operand[0] : "";
    const struct prove_request request = {.full = is_verify && program->value[0] != NULL, .keys = program->value[first],
                                          .checkpoint = program->value[first + 1],
                                          .tells = isatty(STDERR_FILENO) == 1};
    struct aggregator_settings settings = {.file = NULL};
    struct fault fault = {.message = MESSAGE_NONE};
    struct table table = {.columns = NULL};
    char *path = NULL;
    bool is_sound = true;
    int exit_code;
    enum status status = STATUS_OK;
    if (is_verify ? program->operand_count != 0 : strcmp(what, "export") != 0 && strcmp(what, "verify") != 0) {
        fault_set(&fault, MESSAGE_ASK_NEEDS_OPTION, program->command->name, program->command->operands, NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    if (is_verify || strcmp(what, "export") == 0)
        status = named_store(program, &path, &settings, &fault);
    if (status == STATUS_OK)
        status = is_verify      ? prove_store(path, &request, &table, &is_sound, &fault)
                 : path != NULL ? prove_write_export(path, program->operand[1], &table, &fault)
                                : prove_export(program->operand[1], &request, &table, &is_sound, &fault);
    exit_code = status == STATUS_OK ? print_table(program, &table, is_sound ? EXIT_DONE : EXIT_FAILED)
                                    : complain(program, exit_of(status), &fault);
    table_free(&table);
    aggregator_settings_free(&settings);
    free(path);
    return exit_code;
}

/* ---- backups ------------------------------------------------------------------------------------------------------------ */

static int keep(const struct program *program)
{
    const bool restores = strcmp(program->command->name, "restore") == 0;
    struct aggregator_settings settings = {.file = NULL};
    struct fault fault = {.message = MESSAGE_NONE};
    struct table table = {.columns = NULL};
    char *path = NULL, entry[24];
    bool is_noted = true;
    int exit_code;
    enum status status = STATUS_OK;
    if (program->operand_count != 1) {
        fault_set(&fault, MESSAGE_ASK_NEEDS_OPTION, program->command->name, program->command->operands, NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    status = named_store(program, &path, &settings, &fault);
    const struct keep_request request = {.settings = settings.file != NULL ? &settings : NULL, .store = path,
                                         .folder = program->operand[0], .force = restores && program->value[0] != NULL,
                                         .unsigned_too = restores && program->value[1] != NULL,
                                         .tells = isatty(STDERR_FILENO) == 1, .now_ms = clock_ms(CLOCK_REALTIME),
                                         .timeout_ms = program->timeout_ms};
    if (status == STATUS_OK)
        status = restores ? keep_restore(&request, &table, &fault) : keep_backup(&request, &table, &is_noted, &fault);
    if (status != STATUS_OK)
        exit_code = complain(program, exit_of(status), &fault);
    else
        exit_code = print_table(program, &table, EXIT_DONE);
    if (status == STATUS_OK && !is_noted)
        exit_code = complain(program, EXIT_PARTLY, &fault);
    if (status == STATUS_OK && restores) {
        (void)snprintf(entry, sizeof entry, "%s", table.cells[1]);
        fault_set(&fault, MESSAGE_RESTORE_DONE, entry, NULL);
        (void)complain(program, EXIT_DONE, &fault);
    }
    table_free(&table);
    aggregator_settings_free(&settings);
    free(path);
    return exit_code;
}

/* ---- the doctor --------------------------------------------------------------------------------------------------------- */

static int call_doctor(const struct program *program)
{
    const char *config = program->globals.value[OPTION_CONFIG];
    struct fault fault = {.message = MESSAGE_NONE};
    struct table table = {.columns = NULL};
    bool is_healthy = false;
    if (program->operand_count != 0 || program->globals.value[OPTION_STORE] != NULL || program->globals.value[OPTION_SERVER] != NULL) {
        fault_set(&fault, MESSAGE_ASK_NEEDS_OPTION, "doctor", "--config FILE, --collector FILE", NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    if (config == NULL && program->value[0] == NULL)
        config = DEFAULT_CONFIGURATION;
    examine(&(struct examine_request){config, program->value[0], program->language, clock_ms(CLOCK_REALTIME)}, &table,
            &is_healthy);
    const int exit_code = print_table(program, &table, is_healthy ? EXIT_DONE : EXIT_FAILED);
    table_free(&table);
    return exit_code;
}

static int run(const struct program *program)
{
    const char *name = program->command->name;
    struct fault fault = {.message = MESSAGE_NONE};
    if (strcmp(name, "keygen") == 0)
        return make_keys(program);
    if (strcmp(name, "verify") == 0 || strcmp(name, "ledger") == 0)
        return prove(program);
    if (strcmp(name, "doctor") == 0)
        return call_doctor(program);
    if (strcmp(name, "backup") == 0 || strcmp(name, "restore") == 0)
        return keep(program);
    if (strcmp(name, "catalogue") == 0 && program->operand_count > 0 && strcmp(program->operand[0], "check") == 0) {
        if (program->operand_count == 2)
            return check_catalogue(program);
        fault_set(&fault, MESSAGE_ASK_NEEDS_OPTION, "catalogue check", "DIR", NULL);
        return complain(program, EXIT_USAGE, &fault);
    }
    return ask(program);
}

/* ---- the command line ---------------------------------------------------------------------------------------------- */

static enum status choose_format_and_language(struct program *program, struct fault *why)
{
    const char *format = program->globals.value[OPTION_FORMAT], *language = program->globals.value[OPTION_LANG];
    const char *timeout = program->globals.value[OPTION_TIMEOUT];
    char *rest = NULL;
    long seconds = DEFAULT_TIMEOUT_SECONDS;
    program->format = isatty(STDOUT_FILENO) == 1 ? TABLE_TABLE : TABLE_CSV;
    if (language != NULL && strcmp(language, "zh") != 0 && strcmp(language, "en") != 0) {
        fault_set(why, MESSAGE_ASK_BAD_CHOICE, "lang", language, "zh, en", NULL);
        return STATUS_REFUSED;
    }
    program->language = language_choose(language);
    if (format != NULL && !table_format_by_name(format, &program->format)) {
        fault_set(why, MESSAGE_ASK_BAD_CHOICE, "format", format, "table, csv, json", NULL);
        return STATUS_REFUSED;
    }
    if (timeout != NULL)
        seconds = strtol(timeout, &rest, 10);
    if (timeout != NULL && (rest == timeout || *rest != '\0' || seconds < 1 || seconds > TIMEOUT_SECONDS_MOST)) {
        fault_set(why, MESSAGE_ASK_BAD_CHOICE, "timeout", timeout, "1..86400", NULL);
        return STATUS_REFUSED;
    }
    program->timeout_ms = (int64_t)seconds * 1000;
    return STATUS_OK;
}

/* The options after the command: its own, and the general ones once more. */
static enum status parse_command(struct program *program, int argc, char *argv[], struct fault *why)
{
    struct option_row rows[OPTIONS_MOST];
    struct options parsed;
    const size_t count = command_rows(program->command, rows);
    const enum status status = options_parse(argc, argv, rows, count, false, &parsed, NULL, why);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (parsed.value[i] != NULL && program->globals.value[i] != NULL) {
            fault_set(why, MESSAGE_ASK_TWICE, global_rows[i].name, NULL);
            return STATUS_REFUSED;
        }
        program->globals.value[i] = parsed.value[i] != NULL ? parsed.value[i] : program->globals.value[i];
    }
    for (size_t i = OPTION_COUNT; i < count; i++)
        program->value[i - OPTION_COUNT] = parsed.value[i];
    memcpy(program->operand, parsed.operand, sizeof program->operand);
    program->operand_count = parsed.operand_count;
    return STATUS_OK;
}

static enum status parse(struct program *program, int argc, char *argv[], struct fault *why)
{
    int next = argc;
    enum status status = options_parse(argc, argv, global_rows, OPTION_COUNT, true, &program->globals, &next, why);
    if (status == STATUS_OK && next < argc) {
        program->command = office_command(argv[next]);
        if (program->command == NULL) {
            fault_set(why, MESSAGE_ASK_UNKNOWN_COMMAND, argv[next], NULL);
            return STATUS_REFUSED;
        }
        status = parse_command(program, argc - next, argv + next, why);
    }
    return status == STATUS_OK ? choose_format_and_language(program, why) : status;
}

/* The language of complaints about the command line itself, before it is understood. */
static enum language early_language(int argc, char *argv[])
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--lang") == 0)
            return language_choose(argv[i + 1]);
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--lang=", 7) == 0)
            return language_choose(argv[i] + 7);
    return language_choose(NULL);
}

int main(int argc, char *argv[])
{
    struct program program = {.language = early_language(argc, argv)};
    struct fault fault = {.message = MESSAGE_NONE};
    /* Chinese takes two columns a character only when the C library knows that text is UTF-8. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        (void)setlocale(LC_CTYPE, "");
    if (seal_start() != STATUS_OK)
        return EXIT_FAILED;
    if (parse(&program, argc, argv, &fault) != STATUS_OK)
        return complain(&program, EXIT_USAGE, &fault);
    if (program.globals.value[OPTION_VERSION] != NULL) {
        options_print_version("suanpan");
        return EXIT_DONE;
    }
    if (program.globals.value[OPTION_HELP] != NULL)
        return program.command != NULL ? print_command_help(&program) : print_program_help(&program);
    if (program.command == NULL) {
        fault_set(&fault, MESSAGE_ASK_NO_COMMAND, NULL);
        return complain(&program, EXIT_USAGE, &fault);
    }
    return run(&program);
}
