/* office.c - from a question to its answer: the table of commands, the checks every option passes, and the one snapshot
 * of the store that an answer is made from.
 *
 * A question comes from the command line, the network or a browser, so nothing in it is trusted: an option the command
 * does not have, a code the catalogue does not have, a date that is none is refused with a sentence that says what may
 * stand there. The live abacus follows the ledger from question to question; an answer `as of` an earlier time has an
 * abacus of its own, so that looking back never throws the live pages away. */
#include "office.h"

#include "answer.h"
#include "memory.h"
#include "publication.h"
#include "readable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- commands ------------------------------------------------------------------------------------------------------ */

static const struct office_option query_options[] = {
    {"unit", "UNIT", "单位代码或唯一的全名（默认：最上级）", "unit by code or unambiguous name (default: the root)"},
    {"level", "LEVEL", "该单位以下某一层级，每个单位一行", "one row for each unit of this level below it"},
    {"period", "PERIOD", "时期，如 2020、2020-Q1、2020-01..2020-08（默认：本年）",
     "period: 2020, 2020-Q1, 2020-01..2020-08 (default: this year)"},
    {"by", "KIND", "时期内每个 month、quarter 或 year 一行", "one row for each month, quarter or year in the period"},
    {"as-of", "TIME", "只用此刻之前收到的数据，如 2020-09-30T08:00:00+08:00",
     "use only what had been received by then, as 2020-09-30T08:00:00+08:00"},
    {"publication", "NAME", "按发布时的数字（也可写 --as-of NAME）", "the figures as published (--as-of NAME does the same)"},
    {"compare", "LIST", "加同比 yoy、环比 mom 列", "add the changes yoy, mom in percent"},
};
static const struct office_option progress_options[] = {
    {"on", "DATE", "在哪一天评判（默认：今天）", "day of judgement (default: today)"},
    {"unit", "UNIT", "只看该单位及其下级的目标", "only goals of this unit and below"},
    {"level", "LEVEL", "只看该层级单位的目标", "only goals of units of this level"},
    {"office", "OFFICE", "只看该处室负责的指标", "only indicators of this office"},
    {"as-of", "TIME", "只用此刻之前收到的数据", "use only what had been received by then"},
};
static const struct office_option alerts_options[] = {
    {"all", NULL, "连同已解除的预警", "resolved ones too"},
    {"on", "DATE", "按哪一天评判（默认：今天）", "day of judgement (default: today)"},
    {"by", "WHO", "ack：谁确认", "ack: who acknowledges"},
    {"note", "TEXT", "ack：说明", "ack: what is being done about it"},
};
static const struct office_option reporting_options[] = {
    {"period", "PERIOD", "时期（默认：本年）", "period (default: this year)"},
    {"unit", "UNIT", "该单位及其下级（默认：最上级）", "this unit and below (default: the root)"},
    {"on", "DATE", "在哪一天评判（默认：今天）", "day of judgement (default: today)"},
    {"summary", NULL, "每张报表一行：应报、已报、及时", "one row for each form: expected, received, on time"},
};
static const struct office_option records_options[] = {
    {"element", "ELEMENT", "数据项代码或唯一的全名（默认：全部）", "element by code or unambiguous name (default: all)"},
    {"unit", "UNIT", "该单位及其下级（默认：最上级）", "this unit and below (default: the root)"},
    {"period", "PERIOD", "时期（默认：全部）", "period (default: all)"},
    {"history", NULL, "连同被取代、被收回的记录", "superseded and retracted records too"},
};
static const struct office_option catalogue_options[] = {
    {"kind", "LIST", "只看这些种类，如 indicator,goal（默认：全部）", "only these kinds, as indicator,goal (default: all)"},
};

static const struct office_option explain_options[] = {
    {"unit", "UNIT", "单位代码或唯一的全名（默认：最上级）", "unit by code or unambiguous name (default: the root)"},
    {"period", "PERIOD", "时期（默认：本年）", "period (default: this year)"},
    {"as-of", "TIME", "只用此刻之前收到的数据", "use only what had been received by then"},
    {"most", "N", "最多多少行（默认 1000）", "at most so many rows (default 1000)"},
};
static const struct office_option diff_options[] = {
    {"from", "MOMENT", "从何时起：时间，或发布的名称", "since when: a time, or the name of a publication"},
    {"to", "MOMENT", "到何时止（默认：现在）", "until when (default: now)"},
    {"period", "PERIOD", "时期（默认：发布的时期，否则本年）", "period (default: that of the publication, else this year)"},
    {"unit", "UNIT", "该单位及其下级（默认：最上级）", "this unit and below (default: the root)"},
    {"most", "N", "每个数字最多列出多少条原因（默认 100）", "at most so many causes of each figure (default 100)"},
};
static const struct office_option publish_options[] = {
    {"period", "PERIOD", "发布哪个时期的数字", "period whose figures are published"},
    {"note", "TEXT", "说明", "what it was published for"},
};

static const struct office_option verify_options[] = {
    {"full", NULL, "再由台账重建全部数字并逐格比较", "rebuild every figure from the ledger too, and compare"},
    {"keys", "FOLDER", "只认这个文件夹里的公钥（*.pub）", "believe only the public keys (*.pub) in this folder"},
    {"checkpoint", "FILE", "另行保存的检查点", "a checkpoint kept elsewhere"},
};
static const struct office_option ledger_options[] = {
    {"keys", "FOLDER", "verify：只认这个文件夹里的公钥（*.pub）", "verify: believe only the public keys (*.pub) in this folder"},
    {"checkpoint", "FILE", "verify：另行保存的检查点", "verify: a checkpoint kept elsewhere"},
};
static const struct office_option restore_options[] = {
    {"force", NULL, "现有的数据库改名保留，由备份取代", "keep a store that is there under another name and take its place"},
    {"unsigned", NULL, "没有签名的备份也恢复", "restore a backup that nobody signed, too"},
};

static const struct office_option doctor_options[] = {
    {"collector", "FILE", "一并检查这个采集端（collector.yaml）", "look at this collector (collector.yaml) too"},
};

#define OPTIONS(table) table, ARRAY_LEN(table)
static const struct office_command commands[] = {
    {"query", "[CODE[,CODE...]]", "查询指标或数据项（不写代码：全部指标）",
     "figures of indicators or elements (no code: every indicator)", OPTIONS(query_options), true,
     "suanpan query smart_relief_window_coverage --level district --period 2020 --by quarter --compare yoy"},
    {"progress", "", "目标进度", "goals against figures", OPTIONS(progress_options), true,
     "suanpan progress --on 2020-09-30 --level district"},
    {"alerts", "[ack ID --by WHO --note TEXT]", "预警；确认预警", "alerts; acknowledging one",
     OPTIONS(alerts_options), true, "suanpan alerts ack goal_lagging.home_care_users.320411.table --by 王某 --note 已督办"},
    {"reporting", "", "上报情况", "who reported what, when, how completely", OPTIONS(reporting_options), true,
     "suanpan reporting --period 2020-09 --summary"},
    {"records", "", "记录明细", "single records", OPTIONS(records_options), true,
     "suanpan records --element home_care_users --unit 320411 --period 2020 --history"},
    {"explain", "CODE", "一个数字从何而来：公式、单位、记录、文件、签名",
     "where a figure comes from: formula, units, records, files, signatures", OPTIONS(explain_options), true,
     "suanpan explain smart_relief_window_coverage --unit 320411 --period 2020-09"},
    {"diff", "", "两个时刻之间哪些数字变了、因何而变", "which figures changed between two moments, and what changed them",
     OPTIONS(diff_options), true, "suanpan diff --from 2020-09-30T08:00:00+08:00 --period 2020"},
    {"publish", "NAME", "把某一时期的数字以一个名称固定下来并签名", "pin a period's figures under a name, signed",
     OPTIONS(publish_options), false, "suanpan publish 2020年三季度 --period 2020-Q3 --note 季度例会"},
    {"publications", "", "已发布的名称", "what was published", NULL, 0, true, "suanpan publications"},
    {"status", "", "各采集端状况", "the state of each agent", NULL, 0, true, "suanpan status"},
    {"incidents", "", "确定缺失的批次、被替换的发件箱", "batches that are missing for good, outboxes that were replaced", NULL, 0,
     true, "suanpan incidents"},
    {"catalogue", "show | check DIR", "查看目录；检查目录文件夹", "show the catalogue; check a catalogue folder",
     OPTIONS(catalogue_options), true, "suanpan catalogue check changzhou-2020 --format csv"},
    {"verify", "", "证明台账和数字无误，指出第一条有问题的记录", "prove ledger and figures; name the first bad entry",
     OPTIONS(verify_options), false, "suanpan verify --full --keys keys --checkpoint kept.txt"},
    {"ledger", "export DIR | verify DIR", "导出台账；凭导出和公钥离线验证", "export the ledger; check an export with public keys alone",
     OPTIONS(ledger_options), false, "suanpan ledger verify export-2020 --keys keys"},
    {"backup", "DIR", "运行时备份数据库，验证后才算完成", "copy the store while it runs; done only when the copy is proved",
     NULL, 0, false, "suanpan -c aggregator.yaml backup /mnt/backup/2020-10-01"},
    {"restore", "DIR", "验证备份并以它重建数据库", "prove a backup and put it into the store's place",
     OPTIONS(restore_options), false, "suanpan -c aggregator.yaml restore /mnt/backup/2020-10-01"},
    {"doctor", "", "查出密钥、时钟、磁盘、端口、数据库等有何问题及如何处理",
     "find what is wrong with keys, clock, disk, ports, store, and what to do about it", OPTIONS(doctor_options), false,
     "suanpan -c aggregator.yaml doctor --collector liyang.yaml"},
    {"keygen", "DIR NAME", "生成一对密钥 NAME.key、NAME.pub", "make a pair of keys NAME.key and NAME.pub", NULL, 0, false,
     "suanpan keygen keys liyang"},
};
/* The same order as `commands`; NULL: the program itself does it. */
static enum status (*const answers[])(struct asking *) = {
    answer_query,   answer_progress, answer_alerts,    answer_reporting,
    answer_records, answer_explain,  answer_diff,      answer_publish,
    answer_publications, answer_status, answer_incidents, answer_catalogue, NULL, NULL, NULL, NULL, NULL, NULL,
};
_Static_assert(ARRAY_LEN(commands) == ARRAY_LEN(answers), "one answer a command");

const struct office_command *office_commands(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(commands);
    return commands;
}

const struct office_command *office_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* ---- the office ---------------------------------------------------------------------------------------------------- */

struct office *office_open(const struct catalogue *catalogue, struct store *store, size_t memory)
{
    struct office *office = memory_new(struct office);
    office->catalogue = catalogue;
    office->store = store;
    office->memory = memory;
    office->abacus = abacus_open(store, catalogue, memory);
    office->figures = figures_new(catalogue, office->abacus);
    office->unit_numbers = memory_array(catalogue->unit_count, sizeof *office->unit_numbers);
    for (size_t i = 0; i < catalogue->unit_count; i++)
        office->unit_numbers[i] = (uint32_t)i;
    return office;
}

void office_set_offline(struct office *office)
{
    office->offline = true;
}

void office_set_agents(struct office *office, const char *agents_file)
{
    free(office->agents_file);
    office->agents_file = agents_file != NULL ? memory_copy_text(agents_file) : NULL;
}

static void forget_past(struct office *office)
{
    figures_free(&office->past_figures);
    abacus_close(&office->past);
    figures_free(&office->other_past_figures);
    abacus_close(&office->other_past);
    for (size_t i = 0; i < ARRAY_LEN(office->archives); i++) {
        office_close(&office->archives[i].office);
        catalogue_free(&office->archives[i].catalogue);
    }
}

void office_close(struct office **office)
{
    if (office == NULL || *office == NULL)
        return;
    forget_past(*office);
    figures_free(&(*office)->figures);
    abacus_close(&(*office)->abacus);
    free((*office)->unit_numbers);
    free((*office)->agents_file);
    free(*office);
    *office = NULL;
}

/* ---- options ------------------------------------------------------------------------------------------------------- */

const char *asking_option(const struct asking *asking, const char *name)
{
    for (size_t i = 0; i < asking->question->option_count; i++)
        if (strcmp(asking->question->options[i].name, name) == 0)
            return asking->question->options[i].value;
    return NULL;
}

bool asking_flag(const struct asking *asking, const char *name)
{
    const char *value = asking_option(asking, name);
    return value != NULL && strcmp(value, "0") != 0 && strcmp(value, "false") != 0 && strcmp(value, "no") != 0;
}

enum status asking_place(struct asking *asking, const char *name, struct place *ret_place)
{
    const char *text = asking_option(asking, name);
    uint32_t unit;
    if (text == NULL) {
        *ret_place = place_of_unit(asking->office, asking->catalogue->root);
        return STATUS_OK;
    }
    unit = catalogue_unit(asking->catalogue, text);
    if (unit == NO_INDEX) {
        const uint32_t group = catalogue_group(asking->catalogue, text);
        if (group != NO_INDEX) {
            const struct group *found = &asking->catalogue->groups[group];
            *ret_place = (struct place){NO_INDEX, group, {found->units, found->unit_count}};
            return STATUS_OK;
        }
        unit = catalogue_unit_by_name(asking->catalogue, text);
    }
    if (unit == NO_INDEX || unit == AMBIGUOUS_INDEX) {
        fault_set(asking->why, unit == NO_INDEX ? MESSAGE_ASK_UNKNOWN_UNIT : MESSAGE_ASK_AMBIGUOUS_UNIT, text, NULL);
        return STATUS_REFUSED;
    }
    *ret_place = place_of_unit(asking->office, unit);
    return STATUS_OK;
}

enum status asking_level(struct asking *asking, const char *name, uint32_t *ret_level)
{
    const char *text = asking_option(asking, name);
    char known[256] = "";
    size_t used = 0;
    *ret_level = text != NULL ? catalogue_level(asking->catalogue, text) : NO_INDEX;
    if (text == NULL || *ret_level != NO_INDEX)
        return STATUS_OK;
    for (size_t i = 0; i < asking->catalogue->level_count && used < sizeof known; i++) {
        const int more = snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                                  asking->catalogue->levels[i].name);
        used += more > 0 ? (size_t)more : 0;
    }
    fault_set(asking->why, MESSAGE_ASK_UNKNOWN_LEVEL, text, known, NULL);
    return STATUS_REFUSED;
}

enum status asking_date(struct asking *asking, const char *name, int32_t *ret_date)
{
    const char *text = asking_option(asking, name);
    if (text == NULL || date_parse(text, ret_date))
        return STATUS_OK;
    fault_set(asking->why, MESSAGE_ASK_BAD_DATE, name, text, NULL);
    return STATUS_REFUSED;
}

enum status asking_period(struct asking *asking, const char *name, struct period *ret_period)
{
    const char *text = asking_option(asking, name);
    return text != NULL ? period_parse(text, ret_period, asking->why) : STATUS_OK;
}

enum status asking_number(struct asking *asking, const char *name, size_t most, size_t *ret_number)
{
    const char *text = asking_option(asking, name);
    char range[32];
    size_t number = 0, digits = 0;
    if (text == NULL)
        return STATUS_OK;
    for (; text[digits] >= '0' && text[digits] <= '9' && number <= most; digits++)
        number = number * 10 + (size_t)(text[digits] - '0');
    if (text[digits] == '\0' && number >= 1 && number <= most) {
        *ret_number = number;
        return STATUS_OK;
    }
    (void)snprintf(range, sizeof range, "1..%zu", most);
    fault_set(asking->why, MESSAGE_ASK_BAD_CHOICE, name, text, range, NULL);
    return STATUS_REFUSED;
}

struct period asking_usual_period(const struct asking *asking)
{
    return asking->publication != NULL ? asking->publication->period : period_of_day(asking->today, PERIOD_YEAR);
}

enum status asking_room(struct asking *asking, size_t more_rows)
{
    char most[24];
    if (table_rows(asking->table) + more_rows <= ANSWER_ROWS_MOST)
        return STATUS_OK;
    (void)snprintf(most, sizeof most, "%d", ANSWER_ROWS_MOST);
    fault_set(asking->why, MESSAGE_ASK_TOO_MANY_ROWS, most, NULL);
    return STATUS_REFUSED;
}

/* ---- places -------------------------------------------------------------------------------------------------------- */

struct place place_of_unit(const struct office *office, uint32_t unit)
{
    return (struct place){unit, NO_INDEX, {&office->unit_numbers[unit], 1}};
}

const char *place_code(const struct catalogue *catalogue, struct place place)
{
    return place.unit != NO_INDEX ? catalogue->units[place.unit].code : catalogue->groups[place.group].code;
}

const char *name_in(enum language language, const char *chinese, const char *english)
{
    return language == LANGUAGE_EN && english != NULL && english[0] != '\0' ? english : chinese;
}

char *place_name(const struct catalogue *catalogue, struct place place, enum language language)
{
    size_t length = 0, used = 0;
    char *name;
    for (size_t i = 0; i < place.scope.unit_count; i++) {
        const struct unit *unit = &catalogue->units[place.scope.units[i]];
        length += strlen(name_in(language, unit->name_zh, unit->name_en)) + 1;
    }
    name = memory_array(length + 1, 1);
    for (size_t i = 0; i < place.scope.unit_count; i++) {
        const struct unit *unit = &catalogue->units[place.scope.units[i]];
        const char *part = name_in(language, unit->name_zh, unit->name_en);
        if (i > 0)
            name[used++] = '+';
        memcpy(name + used, part, strlen(part));
        used += strlen(part);
    }
    return name;
}

static bool is_within(const struct catalogue *catalogue, uint32_t unit, uint32_t ancestor, struct period period)
{
    const struct unit *below = &catalogue->units[unit];
    if (unit == ancestor)
        return true;
    /* A unit that moved or closed during the period was below on some day of each of its placements. */
    for (size_t i = 0; i < below->placement_count; i++) {
        const struct placement *stay = &below->placements[i];
        const int32_t from = stay->opened > period.first ? stay->opened : period.first;
        const int32_t until = stay->closed < period.last ? stay->closed : period.last;
        if (from <= until && (catalogue_is_below(catalogue, unit, ancestor, until) ||
                              catalogue_is_below(catalogue, unit, ancestor, from)))
            return true;
    }
    return false;
}

bool place_holds(const struct catalogue *catalogue, struct place place, uint32_t unit, struct period period)
{
    for (size_t i = 0; i < place.scope.unit_count; i++)
        if (is_within(catalogue, unit, place.scope.units[i], period))
            return true;
    return false;
}

/* ---- cells --------------------------------------------------------------------------------------------------------- */

void add_ratio(struct table *table, bool present, const mpq_t value, uint8_t decimals)
{
    char text[RATIO_TEXT];
    if (!present || !ratio_fits(value, decimals)) {
        table_add(table, NULL);
        return;
    }
    ratio_format(value, decimals, text);
    table_add(table, text);
}

void add_date(struct table *table, int32_t date)
{
    char text[DATE_TEXT];
    date_format(date, text);
    table_add(table, text);
}

void add_time(struct table *table, int64_t time_ms)
{
    char text[TIME_TEXT];
    if (time_ms == 0 || time_ms == INT64_MIN) {
        table_add(table, NULL);
        return;
    }
    calendar_format_time(time_ms, text);
    table_add(table, text);
}

void add_period(struct table *table, struct period period)
{
    char text[PERIOD_TEXT];
    period_format(period, text);
    table_add(table, text);
}

/* Whoever asked for 2020-Q1..2020-Q3 looks for that and not for 2020-01..2020-09. */
void add_asked_period(const struct asking *asking, const char *name, struct period period)
{
    const char *text = asking_option(asking, name);
    if (text != NULL)
        table_add(asking->table, text);
    else
        add_period(asking->table, period);
}

/* ---- answering ----------------------------------------------------------------------------------------------------- */

static bool has_option(const struct office_command *command, const char *name)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    /* readable: rows as people read them, asked for by the command line when it prints a table. */
    return strcmp(name, "lang") == 0 || strcmp(name, "operand") == 0 || strcmp(name, "readable") == 0;
}

static enum status check_options(const struct office_command *command, const struct wire_question *question,
                                 struct fault *why)
{
    for (size_t i = 0; i < question->option_count; i++) {
        const char *name = question->options[i].name;
        if (!has_option(command, name)) {
            fault_set(why, MESSAGE_ASK_UNKNOWN_OPTION, command->name, name, NULL);
            return STATUS_REFUSED;
        }
        if (strcmp(name, "operand") == 0 && command->operands[0] == '\0') {
            fault_set(why, MESSAGE_ASK_OPERAND, command->name, question->options[i].value, NULL);
            return STATUS_REFUSED;
        }
        for (size_t j = 0; j < i; j++)
            if (strcmp(question->options[j].name, name) == 0) {
                fault_set(why, MESSAGE_ASK_TWICE, name, NULL);
                return STATUS_REFUSED;
            }
    }
    return STATUS_OK;
}

static enum status choose_language(struct asking *asking)
{
    const char *text = asking_option(asking, "lang");
    if (text == NULL || strcmp(text, "zh") == 0)
        asking->language = LANGUAGE_ZH;
    else if (strcmp(text, "en") == 0)
        asking->language = LANGUAGE_EN;
    else {
        fault_set(asking->why, MESSAGE_ASK_BAD_CHOICE, "lang", text, "zh, en", NULL);
        return STATUS_REFUSED;
    }
    return STATUS_OK;
}

/* The moment the answer is about: now, or what --as-of or --publication names. */
static enum status follow(struct asking *asking, struct moment *moment)
{
    const char *as_of = asking_option(asking, "as-of"), *name = asking_option(asking, "publication");
    struct view view;
    enum status status = STATUS_OK;
    *moment = (struct moment){.entry = UINT64_MAX};
    if (as_of != NULL && name != NULL) {
        fault_set(asking->why, MESSAGE_ASK_ONE_OF, "--as-of, --publication", NULL);
        return STATUS_REFUSED;
    }
    if (name != NULL)
        status = moment_find(asking, "publication", name, moment);
    else if (as_of != NULL)
        status = moment_find(asking, "as-of", as_of, moment);
    if (status == STATUS_OK && name != NULL && !moment->is_published) {
        fault_set(asking->why, MESSAGE_ASK_BAD_MOMENT, "publication", name, NULL);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_OK)
        status = moment_view(asking, moment, 0, &view);
    if (status != STATUS_OK)
        return status;
    asking->office = view.office;
    asking->catalogue = view.catalogue;
    asking->abacus = view.abacus;
    asking->figures = view.figures;
    asking->newest = view.entry;
    asking->publication = moment->is_published ? &moment->publication : NULL;
    return STATUS_OK;
}

static enum status write_as_of(struct asking *asking, struct answer *answer)
{
    struct entry entry;
    bool found = false;
    enum status status;
    if (asking->newest == 0)
        return STATUS_OK;
    status = store_entry_after(asking->office->store, asking->newest - 1, &entry, &found, asking->why);
    if (status == STATUS_OK && found)
        calendar_format_time(entry.received_at, answer->as_of);
    return status;
}

enum status office_answer(struct office *office, const struct wire_question *question, int64_t now_ms,
                          struct answer *ret_answer, struct fault *why)
{
    const struct office_command *command = office_command(question->command);
    struct answer answer = {.exit_code = 0};
    struct asking asking = {.office = office, .catalogue = office->catalogue, .question = question, .now_ms = now_ms,
                            .today = calendar_local_day(now_ms), .table = &answer.table, .why = why};
    struct moment moment;
    enum status status;
    if (command == NULL) {
        fault_set(why, MESSAGE_ASK_UNKNOWN_COMMAND, question->command, NULL);
        return STATUS_REFUSED;
    }
    if (answers[command - commands] == NULL) {
        fault_set(why, MESSAGE_ASK_NOT_HERE, command->name, NULL);
        return STATUS_REFUSED;
    }
    status = check_options(command, question, why);
    if (status == STATUS_OK)
        status = choose_language(&asking);
    if (status != STATUS_OK || (status = store_begin(office->store, why)) != STATUS_OK)
        return status;
    status = follow(&asking, &moment);
    if (status == STATUS_OK)
        status = answers[command - commands](&asking);
    if (status == STATUS_OK && asking_flag(&asking, "readable"))
        readable_rows(&asking);
    if (status == STATUS_OK)
        status = write_as_of(&asking, &answer);
    if (status != STATUS_OK) {
        store_rollback(office->store);
        table_free(&answer.table);
        return status;
    }
    status = store_commit(office->store, why);
    if (status != STATUS_OK) {
        table_free(&answer.table);
        return status;
    }
    *ret_answer = answer;
    return STATUS_OK;
}

enum status office_publish(struct office *office, const struct wire_question *question, int64_t now_ms,
                           const struct secret_key *key, struct publication *ret_publication, int64_t *ret_as_of,
                           struct fault *why)
{
    struct asking asking = {.office = office, .catalogue = office->catalogue, .question = question, .now_ms = now_ms,
                            .today = calendar_local_day(now_ms), .why = why};
    struct moment moment;
    enum status status = check_options(office_command("publish"), question, why);
    if (status != STATUS_OK || (status = store_begin(office->store, why)) != STATUS_OK)
        return status;
    status = follow(&asking, &moment);
    if (status == STATUS_OK)
        status = publication_make(&asking, key, ret_publication, ret_as_of);
    if (status == STATUS_OK)
        return store_commit(office->store, why);
    store_rollback(office->store);
    return status;
}

void answer_free(struct answer *answer)
{
    if (answer != NULL)
        table_free(&answer->table);
}
