/* main.c - the district's service: takes files, stores them, brings them to the aggregator.
 *
 *   settings -> keys -> catalogue -> outbox -> inboxes -> publisher -> loop      (and back in the opposite order)
 *
 * One thread, one loop: take what is complete, deliver what is due, write back what came refused, sleep until something
 * happens. With --once the loop ends when everything is taken and the aggregator has it durably. */
#include "calendar.h"
#include "clock.h"
#include "csv.h"
#include "doctor.h"
#include "feed.h"
#include "inbox.h"
#include "keys.h"
#include "log.h"
#include "memory.h"
#include "options.h"
#include "outbox.h"
#include "publisher.h"
#include "retain.h"
#include "seal.h"
#include "settings.h"
#include "take.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define TAKE_AGAIN_MS 2000  /* after a full disk, or for a file that could not be read */
#define SLEEP_MOST_MS 1000
#define REFUSED_PATHS 64    /* places told at the end of --once */

enum option { OPTION_CONFIG, OPTION_ONCE, OPTION_TIMEOUT, OPTION_CHECK, OPTION_DRY_RUN, OPTION_CHECKPOINT,
              OPTION_TRUST, OPTION_DOCTOR, OPTION_LANG, OPTION_VERBOSE,
              OPTION_HELP, OPTION_VERSION };

static const struct option_row option_rows[] = {
    [OPTION_CONFIG] = {"config", 'c', "FILE", "设置文件（YAML）", "settings file (YAML)"},
    [OPTION_ONCE] = {"once", 0, NULL, "收完收件夹中的文件，送达后退出", "take what is in the inboxes, deliver it, exit"},
    [OPTION_TIMEOUT] = {"timeout", 0, "SECONDS", "--once 等待送达的秒数，默认 60",
                        "how long --once waits for delivery, default 60"},
    [OPTION_CHECK] = {"check", 0, NULL, "只检查设置、密钥和目录", "only check settings, keys and catalogue"},
    [OPTION_DRY_RUN] = {"dry-run", 0, NULL, "只核对收件夹中的文件，不保存、不移动",
                        "judge the files in the inboxes, store and move nothing"},
    [OPTION_CHECKPOINT] = {"checkpoint", 0, NULL, "打印所保存的汇总端台账检查点，交审计人员核对（有警报时退出码 1）",
                           "print the checkpoints kept of the aggregator's ledger, for an auditor (exit 1: an alarm stands)"},
    [OPTION_TRUST] = {"trust-ledger", 0, NULL, "查明警报后：改为相信汇总端如今出示的台账",
                      "after an alarm was looked into: believe the ledger that the aggregator shows now"},
    [OPTION_DOCTOR] = {"doctor", 0, NULL, "查出密钥、时钟、磁盘、出件库、汇总端地址等有何问题及如何处理",
                       "find what is wrong with keys, clock, disk, outbox, the aggregator's address, and what to do"},
    [OPTION_LANG] = {"lang", 0, "zh|en", "语言", "language"},
    [OPTION_VERBOSE] = {"verbose", 'v', NULL, "记录更多细节", "log more"},
    [OPTION_HELP] = {"help", 'h', NULL, "显示帮助", "show this help"},
    [OPTION_VERSION] = {"version", 0, NULL, "显示版本", "show the version"},
};

struct collector {
    struct options options;
    enum language language;
    int64_t timeout_ms;
    struct collector_settings settings;
    struct secret_key key;
    struct public_key aggregator;
    struct catalogue *catalogue;
    struct outbox *outbox;
    struct retain *retain;
    struct inbox **inboxes;
    struct taker *takers;
    void *zmq;
    struct publisher *publisher;
    /* of this run */
    int64_t take_after_ms;      /* a full disk: no file is taken before */
    size_t refused_rows, refused_files;
    size_t lost_files;       /* that the aggregator must be given again */
    size_t *left;               /* by source: files that stay in the inbox for now */
    char *refused_paths[REFUSED_PATHS];
    size_t refused_path_count;
    bool trouble_told;
    enum message last_trouble;
    struct fault alarm;         /* about the aggregator's ledger; MESSAGE_NONE: none */
};

/* ---- clock and signals ---------------------------------------------------------------------------------------------------- */

/* Unix time that never runs backwards: a clock set back by an hour must not stop every timer for an hour. */
static int64_t now_ms(void)
{
    static int64_t last, last_steady;
    const int64_t wall = clock_ms(CLOCK_REALTIME), steady = clock_ms(CLOCK_MONOTONIC);
    const int64_t least = last == 0 ? wall : last + (steady - last_steady);
    last = wall > least ? wall : least;
    last_steady = steady;
    return last;
}

static int wake[2] = {-1, -1}; /* signals write, the loop's poll reads */
static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    const int saved = errno;
    (void)number;
    stopping = 1;
    if (write(wake[1], "", 1) < 0)
        errno = saved; /* a full pipe wakes the loop as well */
    errno = saved;
}

static bool catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    if (pipe(wake) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(wake); i++)
        if (fcntl(wake[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(wake[i], F_SETFL, O_NONBLOCK) != 0)
            return false;
    /* A file size limit must come back as an error to be handled, not as a death. */
    return sigaction(SIGINT, &stop, NULL) == 0 && sigaction(SIGTERM, &stop, NULL) == 0 &&
           sigaction(SIGPIPE, &ignore, NULL) == 0 && sigaction(SIGXFSZ, &ignore, NULL) == 0 &&
           sigaction(SIGIO, &ignore, NULL) == 0; /* a file opened for writing while being_written() looks at it */
}

/* ---- what a person reads ------------------------------------------------------------------------------------------------------ */

static void print_help(enum language language)
{
    const bool zh = language == LANGUAGE_ZH;
    puts(zh ? "用法：suanpan-collector --config FILE [选项]\n\n区县采集服务：收取报表文件，核对，可靠保存，送到汇总端。\n"
            : "usage: suanpan-collector --config FILE [options]\n\nThe district's service: takes report files, checks them, "
              "stores them durably and delivers them.\n");
    options_print(option_rows, ARRAY_LEN(option_rows), language);
    puts(zh ? "\n例子：\n  suanpan-collector --config liyang.yaml            作为服务运行，Ctrl-C 结束\n"
              "  suanpan-collector --config liyang.yaml --once     收完并送达后退出\n"
              "  suanpan-collector --config liyang.yaml --check    只检查设置\n"
              "  suanpan-collector --config liyang.yaml --dry-run  先看看哪些行会被拒收\n\n"
              "退出码：0 完成；1 失败；2 用法或设置错误；3 有行或文件被拒收；4 未能送达（没有丢失）"
            : "\nexamples:\n  suanpan-collector --config liyang.yaml            run as a service until Ctrl-C\n"
              "  suanpan-collector --config liyang.yaml --once     take, deliver, exit\n"
              "  suanpan-collector --config liyang.yaml --check    only check the settings\n"
              "  suanpan-collector --config liyang.yaml --dry-run  see first which rows would be refused\n\n"
              "exit codes: 0 done; 1 failed; 2 usage or settings; 3 some rows or files refused; 4 undelivered (nothing lost)");
}

static void say(const struct collector *collector, const struct fault *fault)
{
    char text[2048];
    fault_format(fault, collector->language, text, sizeof(text));
    fprintf(stderr, "suanpan-collector: %s\n", text);
}

static void number(size_t count, char ret_text[24])
{
    if (snprintf(ret_text, 24, "%zu", count) < 0)
        ret_text[0] = '\0';
}

/* ---- start ---------------------------------------------------------------------------------------------------------------------- */

static enum status read_options(struct collector *collector, int argc, char *const argv[], struct fault *why)
{
    const char *language, *timeout;
    char *end = NULL;
    long seconds = 60;
    int next = 0;
    enum status status = options_parse(argc, argv, option_rows, ARRAY_LEN(option_rows), false, &collector->options,
                                       &next, why);
    collector->language = language_choose(NULL);
    if (status != STATUS_OK)
        return status;
    language = collector->options.value[OPTION_LANG];
    if (language != NULL && strcmp(language, "zh") != 0 && strcmp(language, "en") != 0) {
        fault_set(why, MESSAGE_UNKNOWN_LANGUAGE, NULL);
        return STATUS_REFUSED;
    }
    collector->language = language_choose(language);
    timeout = collector->options.value[OPTION_TIMEOUT];
    if (timeout != NULL)
        seconds = strtol(timeout, &end, 10);
    if (timeout != NULL && (end == timeout || *end != '\0' || seconds < 1 || seconds > 86400)) {
        fault_set(why, MESSAGE_BAD_TIMEOUT, timeout, NULL);
        return STATUS_REFUSED;
    }
    collector->timeout_ms = (int64_t)seconds * 1000;
    return STATUS_OK;
}

static bool given(const struct collector *collector, enum option option)
{
    return collector->options.value[option] != NULL;
}

static enum status load_settings(struct collector *collector, struct fault *why)
{
    enum status status;
    if (collector->options.operand_count > 0) {
        fault_set(why, MESSAGE_UNKNOWN_OPTION, collector->options.operand[0], NULL);
        return STATUS_REFUSED;
    }
    if (!given(collector, OPTION_CONFIG)) {
        fault_set(why, MESSAGE_NO_CONFIG, NULL);
        return STATUS_REFUSED;
    }
    status = collector_settings_load(collector->options.value[OPTION_CONFIG], &collector->settings, why);
    for (size_t i = 0; status == STATUS_OK && i < collector->settings.source_count; i++) {
        const struct source_settings *source = &collector->settings.sources[i];
        struct period period;
        if (!feed_is_known(source->kind, why))
            status = STATUS_REFUSED;
        else if (source->period != NULL)
            status = period_parse(source->period, &period, why);
        if (status != STATUS_OK)
            fault_at(why, collector->settings.file, 0, "sources");
    }
    return status;
}

static enum status load_keys(struct collector *collector, struct fault *why)
{
    const enum status status = keys_load_secret(collector->settings.key, &collector->key, why);
    return status == STATUS_OK ? keys_load_public(collector->settings.aggregator_key, &collector->aggregator, why)
                               : status;
}

/* Errors make a catalogue unusable; everything that was found is shown. */
static enum status load_catalogue(struct collector *collector, struct fault *why)
{
    struct findings findings = {0};
    char count[24];
    enum status status = catalogue_load(collector->settings.catalogue, &collector->catalogue, &findings, why);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].severity == FINDING_ERROR)
            say(collector, &findings.items[i].fault);
    if (status == STATUS_OK && findings.broken_count > 0) {
        number(findings.broken_count, count);
        fault_set(why, MESSAGE_CATALOGUE_UNUSABLE, collector->settings.catalogue, count, NULL);
        status = STATUS_REFUSED;
    }
    findings_free(&findings);
    return status == STATUS_OK ? calendar_use_timezone(collector->catalogue->timezone, why) : status;
}

static void count_lost(void *context, const char *file, const char *path_done)
{
    struct collector *collector = context;
    (void)file, (void)path_done;
    collector->lost_files++;
}

static void log_lost(void *context, const char *file, const char *path_done)
{
    count_lost(context, file, path_done);
    log_event(LOG_LEVEL_ERROR, "file_lost", "file", file, "lies_in", path_done, NULL);
}

static enum status open_outbox(struct collector *collector, struct fault *why)
{
    struct fault rescue = {0};
    enum status status = outbox_open(collector->settings.outbox, collector->settings.agent, collector->key.sign,
                                     &collector->outbox, why);
    if (status == STATUS_OK && outbox_was_rescued(collector->outbox, &rescue)) {
        status = outbox_lost_files(collector->outbox, log_lost, collector, why);
        log_fault(LOG_LEVEL_ERROR, "outbox_rescued", &rescue);
    }
    if (status == STATUS_OK && !given(collector, OPTION_DRY_RUN))
        collector->retain = retain_new(&collector->settings, collector->outbox);
    return status;
}

static enum status open_inboxes(struct collector *collector, struct fault *why)
{
    const size_t count = collector->settings.source_count;
    enum status status = STATUS_OK;
    collector->inboxes = memory_array(count, sizeof(struct inbox *));
    collector->takers = memory_array(count, sizeof(*collector->takers));
    collector->left = memory_array(count, sizeof(*collector->left));
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct source_settings *source = &collector->settings.sources[i];
        status = inbox_open(source->inbox, source->settle_seconds, &collector->inboxes[i], why);
        collector->takers[i] = (struct taker){source, collector->catalogue, collector->inboxes[i], collector->outbox,
                                              given(collector, OPTION_DRY_RUN)};
    }
    return status;
}

static enum status open_publisher(struct collector *collector, struct fault *why)
{
    collector->zmq = zmq_ctx_new();
    if (collector->zmq == NULL) {
        fault_set(why, MESSAGE_CANNOT_WRITE, collector->settings.aggregator, zmq_strerror(errno), NULL);
        return STATUS_BROKEN;
    }
    return publisher_open(collector->zmq, &collector->settings, &collector->key, &collector->aggregator,
                          collector->catalogue->hash, collector->outbox, now_ms(), &collector->publisher, why);
}

/* Everything closes in the opposite order; what was never opened is passed over. */
static void close_all(struct collector *collector)
{
    publisher_close(&collector->publisher);
    if (collector->zmq != NULL)
        zmq_ctx_term(collector->zmq);
    for (size_t i = 0; collector->inboxes != NULL && i < collector->settings.source_count; i++)
        inbox_close(&collector->inboxes[i]);
    free(collector->inboxes);
    free(collector->takers);
    free(collector->left);
    retain_free(&collector->retain);
    outbox_close(&collector->outbox);
    catalogue_free(&collector->catalogue);
    keys_forget(&collector->key);
    collector_settings_free(&collector->settings);
    for (size_t i = 0; i < collector->refused_path_count; i++)
        free(collector->refused_paths[i]);
}

/* ---- taking --------------------------------------------------------------------------------------------------------------------- */

static void remember_refused(struct collector *collector, const char *path)
{
    for (size_t i = 0; i < collector->refused_path_count; i++)
        if (strcmp(collector->refused_paths[i], path) == 0)
            return;
    if (path[0] != '\0' && collector->refused_path_count < REFUSED_PATHS)
        collector->refused_paths[collector->refused_path_count++] = memory_copy_text(path);
}

static void log_notes(const struct taken *taken)
{
    for (size_t i = 0; taken->delivery != NULL && i < taken->delivery->note_count; i++)
        log_fault(LOG_LEVEL_INFO, "file_note", &taken->delivery->notes[i]);
}

static void log_taken(const char *name, const struct taken *taken)
{
    char file[256], records[24], refused[24];
    feed_display_name(name, file);
    number(taken->records, records);
    number(taken->refused_rows, refused);
    log_event(taken->refused_rows > 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "file_taken", "file", file, "records", records,
              "refused", refused, "refused_file", taken->refused, NULL);
}

static void log_superseded(const struct collector *collector)
{
    char records[24];
    const size_t count = given(collector, OPTION_DRY_RUN) ? 0 : outbox_superseded(collector->outbox);
    if (count == 0)
        return;
    number(count, records);
    log_event(LOG_LEVEL_WARN, "superseded_left_out", "records", records, "detail",
              "the file was lost once; later files have other figures for these", NULL);
}

/* With --dry-run nothing is written, so what would be refused is printed. */
static void print_judged(const struct taken *taken)
{
    const struct delivery *delivery = taken->delivery;
    for (size_t i = 0; delivery != NULL && i < delivery->candidate_count; i++)
        for (uint32_t at = delivery->candidates[i].complaint; at != NO_COMPLAINT; at = delivery->complaints[at].next)
            printf("%s:%lld: %s: %s\n", delivery->file, (long long)feed_line(delivery, &delivery->candidates[i]),
                   message_code(delivery->complaints[at].message), delivery->complaints[at].text);
}

static void report_taken(struct collector *collector, const char *name, const struct taken *taken)
{
    log_notes(taken);
    if (taken->replaced) {
        char file[256];
        feed_display_name(name, file);
        log_event(LOG_LEVEL_WARN, "file_replaced_meanwhile", "file", file, "detail", "what took its place is read next", NULL);
    }
    switch (taken->outcome) {
    case TAKE_TAKEN:
        log_taken(name, taken);
        log_superseded(collector);
        collector->refused_rows += taken->refused_rows;
        remember_refused(collector, taken->refused);
        if (given(collector, OPTION_DRY_RUN))
            print_judged(taken);
        break;
    case TAKE_KNOWN:
        log_fault(LOG_LEVEL_WARN, "file_already_taken", &taken->why);
        break;
    case TAKE_REFUSED_WHOLE:
        log_fault(LOG_LEVEL_WARN, "file_refused", &taken->why);
        collector->refused_files++;
        remember_refused(collector, taken->path);
        break;
    case TAKE_LATER:
        log_fault(LOG_LEVEL_WARN, "file_later", &taken->why);
        break;
    case TAKE_STOP:
        log_fault(LOG_LEVEL_ERROR, "taking_paused", &taken->why);
        break;
    }
}

static enum status deliver(struct collector *collector, struct fault *why);

/* Takes one file and says what became of it. *ret_gone when it left the inbox. */
static enum status take_one(struct collector *collector, size_t which, const char *name, bool *ret_gone,
                            struct fault *why)
{
    struct taken *taken = memory_new(struct taken);
    const enum status status = take_file(&collector->takers[which], name, now_ms(), taken, why);
    if (status == STATUS_OK)
        report_taken(collector, name, taken);
    if (taken->outcome == TAKE_STOP) {
        collector->take_after_ms = now_ms() + TAKE_AGAIN_MS;
        if (collector->retain != NULL)
            retain_disk_full(collector->retain);
    }
    if (taken->outcome == TAKE_LATER)
        inbox_postpone(collector->inboxes[which], name, now_ms() + TAKE_AGAIN_MS);
    *ret_gone = taken->outcome != TAKE_STOP && taken->outcome != TAKE_LATER;
    feed_free(&taken->delivery);
    free(taken);
    return status;
}

/* Quota or disk: files stay in their inboxes, which is said, and everything else goes on. */
static bool may_take(struct collector *collector)
{
    struct fault why = {0};
    if (now_ms() < collector->take_after_ms)
        return false;
    if (collector->retain == NULL || retain_has_room(collector->retain, &why))
        return true;
    collector->take_after_ms = now_ms() + TAKE_AGAIN_MS;
    log_fault(LOG_LEVEL_WARN, "taking_paused", &why);
    return false;
}

/* Takes the complete files of one inbox, delivering in between. *ret_any when there were some. */
static enum status take_inbox(struct collector *collector, size_t which, bool *ret_any, struct fault *why)
{
    const struct inbox_file *files = NULL;
    size_t count = 0, gone = 0;
    const bool at_once = given(collector, OPTION_ONCE) || given(collector, OPTION_DRY_RUN);
    enum status status = inbox_scan(collector->inboxes[which], now_ms(), at_once, &files, &count, why);
    if (status == STATUS_AGAIN) {
        log_fault(LOG_LEVEL_ERROR, "inbox_unreadable", why);
        return STATUS_OK;
    }
    for (size_t i = 0; i < count && status == STATUS_OK && !stopping && may_take(collector); i++) {
        bool is_gone = false;
        status = take_one(collector, which, files[i].name, &is_gone, why);
        gone += is_gone ? 1 : 0;
        if (status == STATUS_OK)
            status = deliver(collector, why);
    }
    *ret_any = *ret_any || gone > 0;
    collector->left[which] = count - gone + inbox_waiting(collector->inboxes[which]);
    return status;
}

static size_t files_left(const struct collector *collector)
{
    size_t left = 0;
    for (size_t i = 0; i < collector->settings.source_count; i++)
        left += collector->left[i];
    return left;
}

static enum status take_all(struct collector *collector, bool *ret_any, struct fault *why)
{
    enum status status = STATUS_OK;
    *ret_any = false;
    for (size_t i = 0; i < collector->settings.source_count && status == STATUS_OK && !stopping; i++)
        if (now_ms() >= inbox_due(collector->inboxes[i]) && now_ms() >= collector->take_after_ms)
            status = take_inbox(collector, i, ret_any, why);
    return status;
}

/* ---- delivering --------------------------------------------------------------------------------------------------------------------- */

/* Why delivery stands still is told once, not at every turn of the loop. */
static void tell_trouble(struct collector *collector)
{
    struct fault trouble = {0};
    const bool troubled = publisher_trouble(collector->publisher, &trouble);
    if (troubled && (!collector->trouble_told || trouble.message != collector->last_trouble))
        log_fault(LOG_LEVEL_WARN, "delivery_stands", &trouble);
    if (!troubled && collector->trouble_told)
        log_event(LOG_LEVEL_INFO, "delivery_goes_on", "aggregator", collector->settings.aggregator, NULL);
    collector->trouble_told = troubled;
    collector->last_trouble = trouble.message;
}

static void tell_alarm(struct collector *collector)
{
    struct fault alarm = {0};
    bool contradicts = false;
    if (!publisher_alarm(collector->publisher, &alarm, &contradicts))
        return;
    collector->alarm = alarm;
    log_fault(contradicts ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, contradicts ? "ledger_contradicted" : "ledger_restored", &alarm);
}

static enum status give_back(struct collector *collector, struct fault *why)
{
    const struct publisher_refusal *refusals = NULL;
    const size_t count = publisher_refusals(collector->publisher, &refusals);
    struct fault trouble = {0};
    char path[INBOX_PATH] = "", rows[24];
    enum status status;
    if (count == 0)
        return STATUS_OK;
    status = take_returned(collector->takers, collector->settings.source_count, refusals, count, path, &trouble);
    if (status == STATUS_BROKEN && why != NULL)
        *why = trouble;
    if (trouble.message != MESSAGE_NONE)
        log_fault(LOG_LEVEL_ERROR, "refused_rows_not_written", &trouble);
    number(count, rows);
    log_event(LOG_LEVEL_WARN, "refused_by_aggregator", "records", rows, "refused_file", path, NULL);
    collector->refused_rows += count;
    remember_refused(collector, path);
    return status == STATUS_BROKEN ? STATUS_BROKEN : STATUS_OK;
}

/* What neither the aggregator nor the outbox has any more is named file by file. */
static enum status tell_lost(struct collector *collector, struct fault *why)
{
    struct fault fault = {0};
    char files[24];
    if (!publisher_lost(collector->publisher))
        return STATUS_OK;
    collector->lost_files = 0;
    const enum status status = outbox_lost_files(collector->outbox, log_lost, collector, why);
    number(collector->lost_files, files);
    fault_set(&fault, MESSAGE_OUTBOX_GAP, files, NULL);
    log_fault(LOG_LEVEL_ERROR, "batches_lost", &fault);
    return status;
}

/* Lets go what need not be kept, and says what it should better have kept. */
static enum status retain(struct collector *collector, struct fault *why)
{
    struct fault risk = {0};
    uint64_t first = 0, last = 0;
    char from[24], to[24];
    enum status status;
    if (publisher_needs_room(collector->publisher))
        retain_disk_full(collector->retain);
    status = retain_work(collector->retain, now_ms(), why);
    if (retain_at_risk(collector->retain, &first, &last) > 0) {
        number((size_t)first, from);
        number((size_t)last, to);
        fault_set(&risk, MESSAGE_OUTBOX_RISK, from, to, NULL);
        log_fault(LOG_LEVEL_WARN, "gap_risk", &risk);
    }
    return status;
}

static enum status deliver(struct collector *collector, struct fault *why)
{
    enum status status;
    if (given(collector, OPTION_DRY_RUN))
        return STATUS_OK;
    status = publisher_work(collector->publisher, now_ms(), why);
    if (status == STATUS_AGAIN)
        status = STATUS_OK;
    if (status == STATUS_OK)
        status = give_back(collector, why);
    if (status == STATUS_OK)
        status = retain(collector, why);
    if (status == STATUS_OK)
        status = tell_lost(collector, why);
    tell_trouble(collector);
    tell_alarm(collector);
    return status == STATUS_AGAIN ? STATUS_OK : status;
}

/* Sleeps till the aggregator says something, a signal comes, or something is due. taking: inboxes are still looked at. */
static void sleep_till_due(struct collector *collector, bool taking)
{
    zmq_pollitem_t items[] = {{publisher_socket(collector->publisher), 0, ZMQ_POLLIN, 0}, {NULL, wake[0], ZMQ_POLLIN, 0}};
    const int64_t now = now_ms();
    int64_t due = publisher_due(collector->publisher);
    for (size_t i = 0; taking && i < collector->settings.source_count; i++)
        if (inbox_due(collector->inboxes[i]) < due)
            due = inbox_due(collector->inboxes[i]);
    if (taking && due < collector->take_after_ms && publisher_due(collector->publisher) > now)
        due = collector->take_after_ms; /* inboxes are due but the disk is full */
    if (due > now + SLEEP_MOST_MS)
        due = now + SLEEP_MOST_MS;
    if (zmq_poll(items, (int)ARRAY_LEN(items), due > now ? (long)(due - now) : 0) < 0 && errno != EINTR)
        log_event(LOG_LEVEL_ERROR, "poll_failed", "reason", zmq_strerror(errno), NULL);
}

/* ---- the two ways to run ---------------------------------------------------------------------------------------------------------------- */

static enum status serve(struct collector *collector, struct fault *why)
{
    enum status status = STATUS_OK;
    bool any;
    log_event(LOG_LEVEL_INFO, "collector_started", "agent", collector->settings.agent, "aggregator",
              collector->settings.aggregator, NULL);
    while (!stopping && status == STATUS_OK) {
        status = take_all(collector, &any, why);
        if (status == STATUS_OK)
            status = deliver(collector, why);
        if (status == STATUS_OK && !stopping)
            sleep_till_due(collector, true);
    }
    log_event(LOG_LEVEL_INFO, "collector_stopped", "agent", collector->settings.agent, NULL);
    return status;
}

static void tell_undelivered(struct collector *collector)
{
    struct outbox_identity identity;
    struct fault fault = {0};
    char seconds[24], batches[24];
    outbox_identity(collector->outbox, &identity);
    number((size_t)(collector->timeout_ms / 1000), seconds);
    number((size_t)(identity.high - identity.highest_acked), batches);
    fault_set(&fault, MESSAGE_UNDELIVERED, seconds, batches, collector->settings.outbox, NULL);
    say(collector, &fault);
    fault = (struct fault){0};
    if (publisher_trouble(collector->publisher, &fault))
        say(collector, &fault);
}

static void tell_refused(struct collector *collector)
{
    struct fault fault = {0};
    char rows[24], files[24];
    number(collector->refused_rows, rows);
    number(collector->refused_files, files);
    fault_set(&fault, MESSAGE_ROWS_REFUSED, rows, files, NULL);
    say(collector, &fault);
    for (size_t i = 0; i < collector->refused_path_count; i++)
        fprintf(stderr, "  %s\n", collector->refused_paths[i]);
}

/* What was named as lost may have been taken again meanwhile. */
static size_t still_lost(struct collector *collector)
{
    if (collector->lost_files == 0)
        return 0;
    collector->lost_files = 0;
    return outbox_lost_files(collector->outbox, count_lost, collector, NULL) == STATUS_OK ? collector->lost_files : 1;
}

/* Exit code of a run that came to its end. */
static int conclude(struct collector *collector, bool delivered)
{
    struct fault fault = {0};
    char files[24];
    if (files_left(collector) > 0) {
        number(files_left(collector), files);
        fault_set(&fault, MESSAGE_FILES_LEFT, files, NULL);
        say(collector, &fault);
    }
    if (collector->refused_rows + collector->refused_files > 0 && !given(collector, OPTION_DRY_RUN))
        tell_refused(collector);
    if (collector->alarm.message != MESSAGE_NONE)
        say(collector, &collector->alarm);
    if (!delivered) {
        tell_undelivered(collector);
        return EXIT_UNREACHABLE;
    }
    return collector->refused_rows + collector->refused_files + still_lost(collector) + files_left(collector) > 0
               ? EXIT_PARTLY
               : EXIT_DONE;
}

/* Takes till an inbox shows nothing new, then waits till all is acknowledged. */
static int run_once(struct collector *collector, enum status *ret_status, struct fault *why)
{
    bool any = true, settled = false, drained = false;
    int64_t until = now_ms() + collector->timeout_ms;
    while (!stopping && *ret_status == STATUS_OK && now_ms() < until) {
        if (!settled) {
            *ret_status = take_all(collector, &any, why);
            if (any) /* the time given is for delivery, not for a long day's files */
                until = now_ms() + collector->timeout_ms;
            settled = !any && files_left(collector) == 0;
        }
        if (*ret_status == STATUS_OK)
            *ret_status = deliver(collector, why);
        drained = *ret_status == STATUS_OK && publisher_is_drained(collector->publisher);
        if (*ret_status != STATUS_OK || (settled && drained))
            break;
        sleep_till_due(collector, !settled);
    }
    return conclude(collector, drained);
}

static int run_dry(struct collector *collector, enum status *ret_status, struct fault *why)
{
    bool any;
    *ret_status = take_all(collector, &any, why);
    return conclude(collector, true);
}

/* ---- what was seen of the aggregator's ledger --------------------------------------------------------------------------- */

static void print_row(const char *const cells[5])
{
    for (size_t i = 0; i < 5; i++) {
        csv_write_field(stdout, cells[i], ',');
        (void)putchar(i < 4 ? ',' : '\n');
    }
}

/* The rows of `suanpan doctor`, with what only the place of the outbox can tell. */
static int call_doctor(struct collector *collector, struct fault *why)
{
    struct doctor doctor = {.rows = NULL};
    const struct collector_settings *settings = &collector->settings;
    doctor_locale(&doctor);
    doctor_clock(&doctor, now_ms(), 0);
    (void)doctor_secret(&doctor, settings->key, &collector->key);
    (void)doctor_public(&doctor, settings->aggregator_key, &collector->aggregator);
    if (load_catalogue(collector, why) != STATUS_OK)
        doctor_add_fault(&doctor, "catalogue", DOCTOR_ERROR, settings->catalogue, why);
    doctor_disk(&doctor, settings->outbox);
    outbox_examine(&doctor, settings->outbox, settings->agent);
    for (size_t i = 0; i < settings->source_count; i++) {
        struct fault fault = {0};
        if (inbox_check(settings->sources[i].inbox, &fault) != STATUS_OK)
            doctor_add_fault(&doctor, "disk", DOCTOR_ERROR, settings->sources[i].inbox, &fault);
    }
    doctor_reaches(&doctor, settings->aggregator);
    print_row(doctor_columns);
    for (size_t i = 0; i < doctor.count; i++) {
        char detail[2048], advice[2048];
        doctor_detail(&doctor.rows[i], collector->language, detail, sizeof detail);
        doctor_advice(&doctor.rows[i], collector->language, advice, sizeof advice);
        print_row((const char *const[5]){doctor.rows[i].check, doctor_state_name(doctor.rows[i].state), doctor.rows[i].subject,
                                         detail, advice});
    }
    const bool is_healthy = doctor_is_healthy(&doctor);
    free(doctor.rows);
    return is_healthy ? EXIT_DONE : EXIT_FAILED;
}

/* One checkpoint after another: what `suanpan verify --checkpoint` reads. */
static int print_checkpoints(struct collector *collector, struct fault *why)
{
    struct outbox_witness witness;
    struct fault fault = {0};
    if (outbox_read_witness(collector->settings.outbox, &witness, why) != STATUS_OK) {
        say(collector, why);
        return EXIT_FAILED;
    }
    printf("%s%s%s%s", witness.former, witness.kept, witness.earlier, witness.shown);
    if (witness.alarm != MESSAGE_NONE) {
        fault_set(&fault, MESSAGE_ALARM_STANDS, message_code(witness.alarm), NULL);
        say(collector, &fault);
        return EXIT_FAILED;
    }
    if (witness.kept[0] == '\0') {
        fault_set(&fault, MESSAGE_NO_CHECKPOINT, NULL);
        say(collector, &fault);
    }
    return EXIT_DONE;
}

/* What contradicts becomes what is kept; the former one stays beside it. */
static enum status trust_ledger(struct collector *collector, struct fault *why)
{
    struct outbox_witness witness;
    struct fault fault = {0};
    outbox_witness(collector->outbox, &witness);
    fault_set(&fault, witness.alarm == MESSAGE_NONE ? MESSAGE_NO_ALARM : MESSAGE_LEDGER_TRUSTED, NULL);
    if (witness.alarm != MESSAGE_NONE) {
        memcpy(witness.former, witness.kept, sizeof witness.former);
        memcpy(witness.kept, witness.shown, sizeof witness.kept);
        witness.shown[0] = witness.earlier[0] = '\0';
        witness.alarm = MESSAGE_NONE;
    }
    const enum status status = outbox_keep_witness(collector->outbox, &witness, why);
    if (status == STATUS_OK)
        say(collector, &fault);
    return status;
}

static enum status check_only(struct collector *collector, struct fault *why)
{
    enum status status = STATUS_OK;
    struct fault good = {0};
    for (size_t i = 0; i < collector->settings.source_count && status == STATUS_OK; i++)
        status = inbox_check(collector->settings.sources[i].inbox, why);
    if (status == STATUS_OK)
        status = inbox_check(collector->settings.outbox, why);
    if (status == STATUS_OK) {
        fault_set(&good, MESSAGE_CHECKED_GOOD, collector->settings.file, NULL);
        say(collector, &good);
    }
    return status;
}

/* ---- table of contents ---------------------------------------------------------------------------------------------------------------------- */

static enum status start(struct collector *collector, struct fault *why)
{
    static enum status (*const steps[])(struct collector *collector, struct fault *why) = {
        load_settings, load_keys, load_catalogue, open_outbox, open_inboxes, open_publisher,
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ARRAY_LEN(steps) && status == STATUS_OK; i++) {
        *why = (struct fault){0}; /* the place a step before had in mind is no longer meant */
        if (steps[i] == open_outbox && given(collector, OPTION_CHECK))
            return check_only(collector, why);
        if (steps[i] == open_inboxes && given(collector, OPTION_TRUST))
            return trust_ledger(collector, why);
        if (steps[i] != open_publisher || !given(collector, OPTION_DRY_RUN))
            status = steps[i](collector, why);
    }
    return status;
}

static int run(struct collector *collector, struct fault *why)
{
    const bool only_looks = given(collector, OPTION_CHECKPOINT) || given(collector, OPTION_DOCTOR);
    enum status status = only_looks ? load_settings(collector, why) : start(collector, why);
    if (status == STATUS_OK && only_looks)
        return given(collector, OPTION_DOCTOR) ? call_doctor(collector, why) : print_checkpoints(collector, why);
    int code = EXIT_DONE;
    if (status != STATUS_OK) {
        say(collector, why);
        return status == STATUS_AGAIN ? EXIT_UNREACHABLE : EXIT_USAGE; /* AGAIN: another process holds the outbox */
    }
    if (given(collector, OPTION_CHECK) || given(collector, OPTION_TRUST))
        return EXIT_DONE;
    if (given(collector, OPTION_DRY_RUN))
        code = run_dry(collector, &status, why);
    else if (given(collector, OPTION_ONCE))
        code = run_once(collector, &status, why);
    else
        status = serve(collector, why);
    if (status != STATUS_OK) {
        say(collector, why);
        return EXIT_FAILED;
    }
    return code;
}

int main(int argc, char *argv[])
{
    struct collector *collector = memory_new(struct collector);
    struct fault why = {0};
    int code = EXIT_USAGE;
    if (read_options(collector, argc, argv, &why) != STATUS_OK) {
        say(collector, &why);
    } else if (given(collector, OPTION_HELP)) {
        print_help(collector->language);
        code = EXIT_DONE;
    } else if (given(collector, OPTION_VERSION)) {
        options_print_version("suanpan-collector");
        code = EXIT_DONE;
    } else if (seal_start() != STATUS_OK || !catch_signals()) {
        fprintf(stderr, "suanpan-collector: %s\n", strerror(errno));
        code = EXIT_FAILED;
    } else {
        log_start(given(collector, OPTION_VERBOSE) ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, collector->language);
        code = run(collector, &why);
    }
    close_all(collector);
    free(collector);
    return code;
}
