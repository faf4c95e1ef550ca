/* main_options.c - the command line, and the words to whoever typed it. */
#include "main_inside.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void main_print_help(enum language language)
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

enum status main_read_options(struct collector *collector, int argc, char *const argv[], struct fault *why)
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

bool main_given(const struct collector *collector, enum option option)
{
    return collector->options.value[option] != NULL;
}

/* ---- what a person reads --------------------------------------------------------------------------------------- */

void main_say(const struct collector *collector, const struct fault *fault)
{
    char text[2048];
    fault_format(fault, collector->language, text, sizeof(text));
    fprintf(stderr, "suanpan-collector: %s\n", text);
}

void main_number(size_t count, char ret_text[24])
{
    if (snprintf(ret_text, 24, "%zu", count) < 0)
        ret_text[0] = '\0';
}
