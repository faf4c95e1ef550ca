/* main.c - suanpan-aggregator: the table of contents of the central service.
 *
 *   start: settings, key, catalogue, agents ─> store ─> abacus ─> gate ─> porter, listener ─> intake ─> desk ─> ready
 *   loop:  collectors' messages, the desk's notes, signals, agents.csv, idle work of the store
 *   stop:  desk, intake (pages saved), porter, listener, gate, abacus, store: the mirror of the start
 *
 * The steps: main_start.c; main_agents.c (agents.csv), main_news.c (log, alarms), main_desk.c (notes, what is kept for the
 * desk); main_system.c (signals, descriptors, systemd).
 *
 * One thread writes: this one. The gate judges handshakes in its own, the desk answers the office in its own. */
#include "main_inside.h"

#include "catalogue.h"
#include "clock.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    IDLE_MS = 200,        /* quiet for so long: the store may tidy up */
    PAGES_AFTER_MS = 500, /* saved pages are looked at so long after the start, some at a time, ... */
    PAGES_QUIET_MS = 5,   /* ... so often in quiet times, ... */
    PAGES_BUSY_MS = 100,  /* ... and in busy ones */
};

enum option_name { OPTION_CONFIG, OPTION_CHECK, OPTION_LANG, OPTION_VERBOSE, OPTION_HELP, OPTION_VERSION, OPTION_COUNT };
static const struct option_row rows[OPTION_COUNT] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", "汇总端的 YAML 配置", "YAML configuration of the aggregator"},
    [OPTION_CHECK] = {"check", 0, NULL, "只检查配置、密钥、目录和 agents.csv，然后退出",
                      "check configuration, keys, catalogue and agents.csv, then exit"},
    [OPTION_LANG] = {"lang", 0, "zh|en", "提示所用语言", "language of messages"},
    [OPTION_VERBOSE] = {"verbose", 'v', NULL, "多写日志", "log more"},
    [OPTION_HELP] = {"help", 'h', NULL, "显示本帮助", "show this help"},
    [OPTION_VERSION] = {"version", 0, NULL, "显示版本", "show the version"},
};

/* ---- the loop ----------------------------------------------------------------------------------------------------------- */

/* A clock that was set back must not keep what is due waiting until it has caught up. */
static void heed_clock(struct program *program, int64_t now_ms)
{
    int64_t *const moments[] = {&program->busy_at, &program->alerts_at, &program->sheaf_at, &program->sheaf_retry_at,
                                &program->pages_at};
    for (size_t i = 0; i < ARRAY_LEN(moments); i++)
        if (*moments[i] > now_ms + LOOK_MS) /* none is set further ahead */
            *moments[i] = now_ms;
}

/* A page that nobody asks for could lie damaged for years; a start that read them all would keep everybody waiting. */
static enum status look_at_pages(struct program *program, int64_t now_ms, struct fault *why)
{
    const bool is_quiet = now_ms - program->busy_at >= IDLE_MS;
    if (program->pages_seen || now_ms < program->pages_at)
        return STATUS_OK;
    program->pages_at = now_ms + (is_quiet ? PAGES_QUIET_MS : PAGES_BUSY_MS);
    return abacus_look(program->abacus, &program->pages_seen, why);
}

/* One pass: what is ready, then what is due. */
static enum status work(struct program *program, int64_t now_ms, struct fault *why)
{
    uint64_t committed = 0;
    heed_clock(program, now_ms);
    const int64_t began = clock_ms(CLOCK_MONOTONIC);
    gate_watch(program->gate, began);
    enum status status = intake_work(program->intake, now_ms, &committed, why);
    const int64_t ended = clock_ms(CLOCK_MONOTONIC);
    if (committed != 0)
        intake_took(program->intake, ended - began);
    porter_look(program->porter, ended);
    main_log_intake(program);
    main_log_repairs(program);
    if (status != STATUS_OK)
        return status;
    if (committed != 0) {
        program->committed_owed = committed;
        program->busy_at = now_ms;
    }
    main_tell_committed(program);
    main_tell_incidents(program);
    main_take_notes(program);
    status = main_keep_alerts(program, now_ms, why);
    if (status != STATUS_OK)
        return status;
    main_tell_kept(program);
    status = main_keep_publication(program, now_ms, why);
    if (status == STATUS_OK)
        status = main_keep_backup(program, now_ms, why);
    if (status == STATUS_OK)
        status = main_keep_sheaf(program, committed != 0, now_ms, why);
    if (status != STATUS_OK)
        return status;
    if (now_ms - program->looked_at >= LOOK_MS || now_ms < program->looked_at) {
        program->looked_at = now_ms;
        program->reload = program->reload || main_agents_changed(program);
    }
    if (program->reload)
        main_reload_agents(program);
    if (now_ms - program->busy_at >= IDLE_MS)
        store_idle(program->store);
    return look_at_pages(program, now_ms, why);
}

static long wait_for(const struct program *program, int64_t now_ms)
{
    const int64_t due = intake_due(program->intake);
    if (program->sheaf != NULL && now_ms >= program->sheaf_retry_at)
        return 0; /* the collectors are looked at first */
    const bool is_owing = program->committed_owed != 0 || program->alert_count != 0 || program->publishes ||
                          program->backs_up;
    const int64_t most = is_owing ? 20 : PORTER_LOOK_MS;
    const int64_t wait = due - now_ms < most ? due - now_ms : most;
    const int64_t pages = program->pages_seen || program->pages_at - now_ms > wait ? wait : program->pages_at - now_ms;
    return (long)(pages < 0 ? 0 : pages);
}

static enum exit_code loop(struct program *program)
{
    struct fault why = {0};
    bool stop = false;
    program->pages_at = clock_ms(CLOCK_REALTIME) + PAGES_AFTER_MS;
    while (!stop) {
        zmq_pollitem_t items[] = {{.socket = program->collectors, .events = ZMQ_POLLIN},
                                  {.socket = program->notes, .events = ZMQ_POLLIN},
                                  {.fd = program->signals, .events = ZMQ_POLLIN}};
        const long wait = wait_for(program, clock_ms(CLOCK_REALTIME));
        if (zmq_poll(items, ARRAY_LEN(items), wait) < 0 && zmq_errno() != EINTR) {
            fault_set(&why, MESSAGE_SOCKET_TROUBLE, program->settings.listen_collectors, zmq_strerror(zmq_errno()), NULL);
            log_fault(LOG_LEVEL_ERROR, "loop_failed", &why);
            return EXIT_FAILED;
        }
        stop = main_read_signals(program);
        if (work(program, clock_ms(CLOCK_REALTIME), &why) != STATUS_OK) {
            /* Nothing of the group was acknowledged. A fresh process opens the store anew and finds out what is on disk. */
            log_fault(LOG_LEVEL_ERROR, "store_failed", &why);
            return EXIT_FAILED;
        }
    }
    log_event(LOG_LEVEL_INFO, "stopping", NULL);
    main_notify("STOPPING=1");
    return EXIT_DONE;
}

/* ---- stop --------------------------------------------------------------------------------------------------------------- */

/* The mirror of the start; every part may be absent. */
static enum exit_code stop(struct program *program, enum exit_code code)
{
    struct fault why = {0};
    main_stop_desk(program);
    if (program->intake != NULL && code == EXIT_DONE) {
        main_take_notes(program); /* alerts the desk gave away at the end */
        program->alerts_at = 0; /* now or never */
        if (main_keep_alerts(program, clock_ms(CLOCK_REALTIME), &why) != STATUS_OK ||
            intake_finish(program->intake, clock_ms(CLOCK_REALTIME), &why) != STATUS_OK) {
            log_fault(LOG_LEVEL_WARN, "pages_not_saved", &why); /* they are rebuilt from the ledger */
            code = EXIT_FAILED;
        }
    }
    intake_free(&program->intake);
    porter_stop(&program->porter);
    if (program->collectors != NULL)
        zmq_close(program->collectors);
    gate_stop(&program->gate);
    if (program->notes != NULL)
        zmq_close(program->notes);
    abacus_close(&program->abacus);
    store_close(&program->store);
    if (program->context != NULL)
        zmq_ctx_term(program->context);
    free(program->alerts);
    free(program->agents);
    catalogue_free(&program->catalogue);
    keys_forget(&program->key);
    if (program->has_settings)
        aggregator_settings_free(&program->settings);
    return code;
}

static enum exit_code run(struct program *program, const char *file)
{
    enum exit_code code = main_read_configuration(program, file);
    if (code == EXIT_DONE && program->check) {
        log_event(LOG_LEVEL_INFO, "configuration_sound", "config", program->settings.file, NULL);
        return stop(program, code);
    }
    if (code == EXIT_DONE)
        code = main_open_store(program);
    if (code == EXIT_DONE)
        code = main_start_abacus(program);
    if (code == EXIT_DONE)
        code = main_open_sockets(program);
    if (code == EXIT_DONE)
        code = main_start_services(program);
    if (code == EXIT_DONE) {
        main_say_ready(program);
        code = loop(program);
    }
    return stop(program, code);
}

/* ---- the command line --------------------------------------------------------------------------------------------------- */

static void print_help(enum language language)
{
    puts(language == LANGUAGE_EN ? "suanpan-aggregator - receives, stores and adds up what the districts report\n\n"
                                   "usage: suanpan-aggregator --config FILE [--check]\n"
                                 : "suanpan-aggregator - 接收、保存并汇总各区县上报的数据\n\n"
                                   "用法：suanpan-aggregator --config 文件 [--check]\n");
    options_print(rows, OPTION_COUNT, language);
    puts(language == LANGUAGE_EN ? "\nexamples:\n"
                                   "  suanpan-aggregator --config aggregator.yaml --check   is everything in order?\n"
                                   "  suanpan-aggregator --config aggregator.yaml           run until Ctrl-C or SIGTERM\n"
                                   "  kill -HUP PID                                         read agents.csv again\n\n"
                                   "exit: 0 stopped in good order, 1 failed, 2 configuration error, 4 already running"
                                 : "\n示例：\n"
                                   "  suanpan-aggregator --config aggregator.yaml --check   检查配置是否齐全\n"
                                   "  suanpan-aggregator --config aggregator.yaml           运行，直到 Ctrl-C 或 SIGTERM\n"
                                   "  kill -HUP PID                                         重新读取 agents.csv\n\n"
                                   "退出码：0 正常停止，1 失败，2 配置错误，4 已有一个在运行");
}

int main(int argc, char *argv[])
{
    struct program program;
    struct options options;
    struct fault why = {0};
    memset(&program, 0, sizeof program);
    program.alarms_stand = true; /* the store knows */
    enum status parsed = options_parse(argc, argv, rows, OPTION_COUNT, false, &options, NULL, &why);
    const char *language = parsed == STATUS_OK ? options.value[OPTION_LANG] : NULL;
    if (language != NULL && strcmp(language, "zh") != 0 && strcmp(language, "en") != 0) {
        fault_set(&why, MESSAGE_UNKNOWN_LANGUAGE, NULL);
        parsed = STATUS_REFUSED;
    }
    program.language = language_choose(language);
    log_start(LOG_LEVEL_INFO, program.language);
    if (parsed != STATUS_OK)
        return (int)main_failed(EXIT_USAGE, &why);
    if (options.value[OPTION_HELP] != NULL) {
        print_help(program.language);
        return EXIT_DONE;
    }
    if (options.value[OPTION_VERSION] != NULL) {
        options_print_version("suanpan-aggregator");
        return EXIT_DONE;
    }
    if (options.value[OPTION_CONFIG] == NULL || options.operand_count > 0) {
        fputs(program.language == LANGUAGE_EN ? "usage: suanpan-aggregator --config FILE; see --help\n"
                                              : "用法：suanpan-aggregator --config 文件；详见 --help\n",
              stderr);
        return EXIT_USAGE;
    }
    program.check = options.value[OPTION_CHECK] != NULL;
    program.verbose = options.value[OPTION_VERBOSE] != NULL;
    if (program.verbose)
        log_start(LOG_LEVEL_DEBUG, program.language);
    if (seal_start() != STATUS_OK || !main_catch_signals(&program)) {
        log_event(LOG_LEVEL_ERROR, "not_started", "reason", strerror(errno), NULL);
        return EXIT_FAILED;
    }
    main_raise_limits();
    return (int)run(&program, options.value[OPTION_CONFIG]);
}
