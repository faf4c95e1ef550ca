/* table.c - one shape for every answer: rows of text under named columns.
 *
 * Programs get CSV or JSON with the names of the contract. People get an aligned table with titles and states in words of
 * their language; libsmartcols counts display columns (a Chinese character takes two), which needs LC_CTYPE in UTF-8: the
 * program sets that once. Programs' rows are printed in place, so a table as large as memory allows needs no second copy. */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "table.h"

#include "csv.h"
#include "memory.h"
#include "status.h"
#include "tree.h"

#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

struct title {
    const char *column, *zh;
    bool number; /* aligned to the right */
    bool state;  /* said in a word of the language, coloured by it */
};

static const struct title titles[] = {
    {"acked_by", "确认人", false, false},
    {"actual", "实际值", true, false},
    {"advice", "怎么办", false, false},
    {"after", "之后", true, false},
    {"agent", "采集端", false, false},
    {"alert", "预警代码", false, false},
    {"as_of", "截至", false, false},
    {"attainment_pct", "完成率%", true, false},
    {"backlog", "积压批数", true, false},
    {"before", "之前", true, false},
    {"bytes", "字节", true, false},
    {"cause", "原因", false, true},
    {"check", "检查", false, false},
    {"claim", "出处", false, false},
    {"clock_skew", "时钟偏差秒", true, false},
    {"code", "代码", false, false},
    {"column", "列", false, false},
    {"connected", "在线", false, true},
    {"coverage", "已报/应报", true, false},
    {"curve", "链路公钥", false, false},
    {"denominator", "分母", true, false},
    {"detail", "说明", false, false},
    {"due", "截止日", false, false},
    {"element", "指标代码", false, false},
    {"element_name", "指标", false, false},
    {"entries", "条目", true, false},
    {"entry", "台账条目", true, false},
    {"expected", "应报", true, false},
    {"expected_by_now", "序时应达", true, false},
    {"file", "文件", false, false},
    {"filled", "已填", true, false},
    {"fingerprint", "指纹", false, false},
    {"first_bad", "首个问题", true, false},
    {"flag", "完整性", false, true},
    {"folder", "文件夹", false, false},
    {"forecast", "预计值", true, false},
    {"form", "报表代码", false, false},
    {"form_name", "报表", false, false},
    {"from", "起批次", true, false},
    {"generation", "库代号", false, false},
    {"goal", "目标代码", false, false},
    {"hard_errors", "硬性错误", true, false},
    {"indicator", "指标", false, false},
    {"indicator_name", "指标", false, false},
    {"kind", "种类", false, true},
    {"last_seen", "最近在线", false, false},
    {"last_submission", "最近上报", false, false},
    {"line", "行", true, false},
    {"live", "有效", false, true},
    {"measure", "计量单位", false, false},
    {"message", "说明", false, false},
    {"mom_pct", "环比%", true, false},
    {"name", "名称", false, false},
    {"note", "说明", false, false},
    {"noted", "已登记", false, true},
    {"numerator", "分子", true, false},
    {"office", "责任处室", false, false},
    {"on_time_rate", "及时率%", true, false},
    {"op", "要求", false, false},
    {"outbox", "发件箱", false, false},
    {"path", "路径", false, false},
    {"period", "报告期", false, false},
    {"published_at", "发布时间", false, false},
    {"reachable", "能否达到", false, true},
    {"reason", "理由", false, false},
    {"received_at", "收到时间", false, false},
    {"refused", "退回行数", true, false},
    {"reported", "已报", true, false},
    {"reported_at", "填报时间", false, false},
    {"reporting_rate", "上报率%", true, false},
    {"reports_expected", "应报份数", true, false},
    {"reports_on_time", "及时份数", true, false},
    {"reports_received", "已报份数", true, false},
    {"required", "应填", true, false},
    {"required_rate", "每月需增", true, false},
    {"result", "结果", false, true},
    {"revision", "版本", true, false},
    {"row", "行", true, false},
    {"section", "类别", false, false},
    {"set_aside", "原库移至", false, false},
    {"severity", "级别", false, true},
    {"signature", "签名", false, true},
    {"signed", "已签名", false, true},
    {"since", "起始时间", false, false},
    {"soft_flags", "提示", true, false},
    {"software", "软件", false, false},
    {"state", "状态", false, true},
    {"status", "状态", false, true},
    {"store", "数据库", false, false},
    {"subject", "对象", false, false},
    {"submission", "上报批次", false, false},
    {"target", "目标值", true, false},
    {"time", "时间", false, false},
    {"to", "止批次", true, false},
    {"unit", "单位代码", false, false},
    {"unit_name", "单位", false, false},
    {"value", "数值", true, false},
    {"yoy_pct", "同比%", true, false},
};

/* English words are the codes with spaces. */
static const struct {
    const char *code, *zh, *colour;
} words[] = {
    {"acknowledged", "已确认", "yellow"}, {"at_risk", "有风险", "yellow"},   {"awaited", "待报", "blue"},
    {"batches_missing", "缺批次", "red"}, {"catalogue_newer", "目录较新", "yellow"},
    {"clock_off", "时钟不准", "yellow"},  {"clock_set_back", "时钟曾超前", "yellow"},
    {"complete", "完整", NULL},           {"critical", "严重", "red"},       {"error", "错误", "red"},
    {"goal_lagging", "滞后", "red"},      {"goal_missed", "未完成", "red"},  {"info", "提示", NULL},
    {"lagging", "滞后", "red"},           {"late", "迟报", "yellow"},        {"ledger_contradicted", "台账不符", "red"},
    {"ledger_restored", "台账已恢复", "yellow"}, {"met", "达标", "green"},
    {"missed", "未完成", "red"},          {"missing", "缺失", "red"},        {"no", "否", "red"},
    {"no_data", "无数据", "blue"},        {"not_due", "未到期", NULL},       {"on_pace", "进度正常", "green"},
    {"on_time", "按时", "green"},         {"open", "未解除", "red"},         {"overflow", "溢出", "red"},
    {"outbox_forked", "发件箱分叉", "yellow"}, {"outbox_replaced", "发件箱已更换", "yellow"},
    {"partial", "不全", "yellow"},        {"resolved", "已解除", "green"},   {"store_behind", "库曾恢复", "red"},
    {"two_collectors", "采集端重名", "red"}, {"warning", "警告", "yellow"},   {"yes", "是", "green"},
    {"ok", "正常", "green"},
    {"warn", "注意", "yellow"},
    {"bad", "有问题", "red"},
    {"skipped", "未查", "blue"},
    {"invalid", "无效", "red"},
    {"valid", "有效", "green"},
    {"correction", "更正", NULL},
    {"new", "新报", NULL},
    {"retraction", "收回", NULL},
};

void table_start(struct table *table, const char *const *columns, size_t column_count)
{
    *table = (struct table){.columns = columns, .column_count = column_count};
}

void table_add(struct table *table, const char *text)
{
    table->cells = memory_grow(table->cells, &table->capacity, table->cell_count + 1, sizeof *table->cells);
    table->cells[table->cell_count++] = text != NULL ? memory_copy_text(text) : NULL;
}

void table_add_number(struct table *table, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    table_add(table, text);
}

size_t table_rows(const struct table *table)
{
    return table->column_count > 0 ? table->cell_count / table->column_count : 0;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->cell_count = table->capacity = 0;
}

bool table_format_by_name(const char *name, enum table_format *ret_format)
{
    static const char *const names[] = {[TABLE_TABLE] = "table", [TABLE_CSV] = "csv", [TABLE_JSON] = "json"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *ret_format = (enum table_format)i;
            return true;
        }
    return false;
}

/* ---- CSV and JSON -------------------------------------------------------------------------------------------------- */

static bool print_csv(const struct table *table, FILE *out)
{
    for (size_t c = 0; c < table->column_count; c++) {
        if (c > 0)
            (void)fputc(',', out);
        csv_write_field(out, table->columns[c], ',');
    }
    (void)fputc('\n', out);
    for (size_t i = 0; i < table->cell_count; i++) {
        if (table->cells[i] != NULL)
            csv_write_field(out, table->cells[i], ',');
        (void)fputc((i + 1) % table->column_count == 0 ? '\n' : ',', out);
    }
    return ferror(out) == 0;
}

static bool print_json_text(const char *text, FILE *out)
{
    /* Text that is not UTF-8 cannot be a JSON string; nothing of that kind passes the edges, so null is honest. */
    json_t *value = text != NULL ? json_string(text) : NULL;
    bool good;
    if (value == NULL)
        return fputs("null", out) >= 0;
    good = json_dumpf(value, out, JSON_ENCODE_ANY) == 0;
    json_decref(value);
    return good;
}

static bool print_json(const struct table *table, FILE *out)
{
    bool good = fputc('[', out) != EOF;
    for (size_t i = 0; good && i < table->cell_count; i++) {
        const size_t column = i % table->column_count;
        if (column == 0)
            (void)fputs(i == 0 ? "\n{" : ",\n{", out);
        else
            (void)fputs(", ", out);
        good = print_json_text(table->columns[column], out) && fputs(": ", out) >= 0 &&
               print_json_text(table->cells[i], out);
        if (column + 1 == table->column_count)
            (void)fputc('}', out);
    }
    (void)fputs(table->cell_count > 0 ? "\n]\n" : "]\n", out);
    return good && ferror(out) == 0;
}

/* ---- a table for people -------------------------------------------------------------------------------------------- */

static const struct title *title_of(const char *column)
{
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        if (strcmp(titles[i].column, column) == 0)
            return &titles[i];
    return NULL;
}

/* Index of the code among the words; their number when it is none. */
static size_t word_of(const char *code)
{
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i].code, code) != 0)
        i++;
    return i;
}

/* A column's or a state's name in English: attainment_pct -> attainment %, at_risk -> at risk. */
static const char *in_english(const char *code, char *ret_text, size_t capacity)
{
    size_t length = strlen(code);
    if (length >= capacity)
        return code;
    memcpy(ret_text, code, length + 1);
    if (length > 4 && strcmp(ret_text + length - 4, "_pct") == 0)
        memcpy(ret_text + length - 4, " %", 3);
    for (char *at = ret_text; *at != '\0'; at++)
        if (*at == '_')
            *at = ' ';
    return ret_text;
}

static const char *title_text(const char *column, enum language language, char *ret_text, size_t capacity)
{
    const struct title *title = title_of(column);
    return title != NULL && language == LANGUAGE_ZH ? title->zh : in_english(column, ret_text, capacity);
}

static bool is_terminal(FILE *out)
{
    const int descriptor = fileno(out);
    return descriptor >= 0 && isatty(descriptor) == 1;
}

/* Colour only where a person looks at it, and never against NO_COLOR (https://no-color.org). */
static bool wants_colour(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    return (no_colour == NULL || no_colour[0] == '\0') && is_terminal(out);
}

/* Names and sentences may go over several lines. */
static bool is_prose(const char *column)
{
    return strcmp(column, "indicator_name") == 0 || strcmp(column, "element_name") == 0 ||
           strcmp(column, "detail") == 0 || strcmp(column, "message") == 0;
}

static bool add_columns(struct libscols_table *view, const struct table *table, enum language language)
{
    for (size_t c = 0; c < table->column_count; c++) {
        const struct title *title = title_of(table->columns[c]);
        const int flags = (title != NULL && title->number ? SCOLS_FL_RIGHT : 0) |
                          (is_prose(table->columns[c]) ? SCOLS_FL_WRAP : 0);
        char text[64];
        if (scols_table_new_column(view, title_text(table->columns[c], language, text, sizeof text), 0, flags) == NULL)
            return false;
    }
    return true;
}

static bool add_state(struct libscols_line *line, size_t column, const char *code, enum language language, bool colour)
{
    const size_t word = word_of(code);
    char text[64];
    if (word == ARRAY_LEN(words))
        return scols_line_set_data(line, column, code) == 0;
    if (scols_line_set_data(line, column,
                            language == LANGUAGE_ZH ? words[word].zh : in_english(code, text, sizeof text)) != 0)
        return false;
    return !colour || words[word].colour == NULL ||
           scols_cell_set_color(scols_line_get_cell(line, column), words[word].colour) == 0;
}

static bool add_row(struct libscols_table *view, const struct table *table, size_t row, enum language language,
                    bool colour)
{
    struct libscols_line *line = scols_table_new_line(view, NULL);
    bool good = line != NULL;
    for (size_t c = 0; good && c < table->column_count; c++) {
        const char *text = table->cells[row * table->column_count + c];
        const struct title *title = title_of(table->columns[c]);
        if (text == NULL)
            continue;
        good = title != NULL && title->state ? add_state(line, c, text, language, colour)
                                             : scols_line_set_data(line, c, text) == 0;
    }
    return good;
}

/* ---- narrow terminals: prose is wrapped, then columns that can be spared are left out and named, codes stay whole --- */

#define PROSE_COMFORT 40 /* display columns below which rather another column is spared */
#define PROSE_LEAST 20   /* narrower than this nobody reads: then the terminal breaks the lines */

static const char *const spared[] = {"forecast", "numerator", "denominator", "acked_by", "coverage", "due", "since", "office",
                                     "reported_at", "software", "submission"};

static size_t display_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0, left = text != NULL ? strlen(text) : 0;
    while (left > 0) {
        wchar_t character;
        const size_t bytes = mbrtowc(&character, text, left, &state);
        if (bytes == 0 || bytes > left)
            return width + left; /* no text of this locale: a column a byte */
        const int columns = wcwidth(character);
        width += columns > 0 ? (size_t)columns : 0;
        text += bytes;
        left -= bytes;
    }
    return width;
}

static void widen(size_t *width, const struct libscols_cell *cell)
{
    const size_t wide = display_width(scols_cell_get_data(cell));
    *width = wide > *width ? wide : *width;
}

/* The lines are a list: they are walked once, for all columns. False when memory is out. */
static bool measure(struct libscols_table *view, size_t column_count, size_t *ret_widths)
{
    struct libscols_iter *walk = scols_new_iter(SCOLS_ITER_FORWARD);
    struct libscols_line *line = NULL;
    if (walk == NULL)
        return false;
    for (size_t c = 0; c < column_count; c++)
        widen(&ret_widths[c], scols_column_get_header(scols_table_get_column(view, c)));
    while (scols_table_next_line(view, walk, &line) == 0)
        for (size_t c = 0; c < column_count; c++)
            widen(&ret_widths[c], scols_line_get_cell(line, c));
    scols_free_iter(walk);
    return true;
}

/* What all shown columns take when prose may shrink to `prose`. */
static size_t needed_width(struct libscols_table *view, const struct table *table, const size_t *widths, size_t prose)
{
    size_t needed = 0;
    for (size_t c = 0; c < table->column_count; c++) {
        const bool shrinks = is_prose(table->columns[c]) && widths[c] > prose;
        if (!scols_column_is_hidden(scols_table_get_column(view, c)))
            needed += (shrinks ? prose : widths[c]) + 1;
    }
    return needed > 0 ? needed - 1 : 0;
}

static bool spare(struct libscols_table *view, const struct table *table, const char *column)
{
    for (size_t c = 0; c < table->column_count; c++)
        if (strcmp(table->columns[c], column) == 0) {
            struct libscols_column *found = scols_table_get_column(view, c);
            return scols_column_set_flags(found, scols_column_get_flags(found) | SCOLS_FL_HIDDEN) == 0;
        }
    return false;
}

/* Fits the view to its terminal; ret_left_out[i] says whether spared[i] was. */
static bool fit(struct libscols_table *view, const struct table *table, bool *ret_left_out)
{
    const size_t terminal = scols_table_get_termwidth(view);
    size_t *widths = memory_array(table->column_count, sizeof *widths), least;
    const bool good = measure(view, table->column_count, widths);
    for (size_t i = 0; good && i < ARRAY_LEN(spared) && needed_width(view, table, widths, PROSE_COMFORT) > terminal; i++)
        ret_left_out[i] = spare(view, table, spared[i]);
    least = needed_width(view, table, widths, PROSE_LEAST);
    if (least > terminal)
        (void)scols_table_set_termwidth(view, least);
    free(widths);
    return good;
}

static void print_left_out(const bool *left_out, enum language language, FILE *out)
{
    const char *before = language == LANGUAGE_ZH ? "（窗口较窄，未显示：" : "(narrow window, not shown: ";
    char text[64];
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(spared); i++)
        if (left_out[i]) {
            (void)fprintf(out, "%s%s", any ? language == LANGUAGE_ZH ? "、" : ", " : before,
                          title_text(spared[i], language, text, sizeof text));
            any = true;
        }
    if (any)
        (void)fputs(language == LANGUAGE_ZH ? "）\n" : ")\n", out);
}

/* libsmartcols prints nothing at all for a table without rows; the titles still tell what was asked. */
static void print_titles(const struct table *table, enum language language, FILE *out)
{
    char text[64];
    for (size_t c = 0; c < table->column_count; c++)
        (void)fprintf(out, "%s%s", c > 0 ? " " : "", title_text(table->columns[c], language, text, sizeof text));
    (void)fputc('\n', out);
}

static bool print_table(const struct table *table, enum language language, FILE *out)
{
    const bool colour = wants_colour(out);
    bool left_out[ARRAY_LEN(spared)] = {false};
    struct libscols_table *view = scols_new_table();
    bool good = view != NULL && scols_table_set_stream(view, out) == 0 && add_columns(view, table, language);
    if (good && colour)
        (void)scols_table_enable_colors(view, 1);
    for (size_t row = 0; good && row < table_rows(table); row++)
        good = add_row(view, table, row, language, colour);
    if (good && is_terminal(out))
        good = fit(view, table, left_out);
    if (good && table_rows(table) == 0)
        print_titles(table, language, out);
    else
        good = good && scols_print_table(view) == 0;
    if (good)
        print_left_out(left_out, language, out);
    scols_unref_table(view);
    return good && ferror(out) == 0;
}

bool table_print(const struct table *table, enum table_format format, enum language language, FILE *out)
{
    switch (format) {
    case TABLE_TABLE:
        return table_is_tree(table) ? tree_print(table, language, out) : print_table(table, language, out);
    case TABLE_CSV:
        return print_csv(table, out);
    case TABLE_JSON:
        return print_json(table, out);
    }
    return false;
}
