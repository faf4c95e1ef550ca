/* readable.c - answers as people read them. The rows are those of the contract, made by the same answer_*.c; only then, and
 * only when a person asked (the question carries `readable`), codes become names. Nothing is worked out here: a figure
 * that is shown is a text of the row.
 *
 * What must be typed again stays, as the last column: a goal's code, an alert's. */
#include "readable.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCE_BYTES 2048

/* ---- cells ----------------------------------------------------------------------------------------------------------------- */

/* The text of a row under a column of the contract; NULL when there is none. */
static const char *cell(const struct table *rows, size_t row, const char *column)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (strcmp(rows->columns[i], column) == 0)
            return rows->cells[row * rows->column_count + i];
    return NULL;
}

static const char *text_or(const char *text, const char *other)
{
    return text != NULL ? text : other;
}

static bool has_column(const struct table *rows, const char *column)
{
    for (size_t i = 0; i < rows->column_count; i++)
        if (strcmp(rows->columns[i], column) == 0)
            return true;
    return false;
}

/* "8/8", and "*7/8" when some reports are not there yet. */
static void add_coverage(struct table *table, const struct table *rows, size_t row)
{
    const char *reported = text_or(cell(rows, row, "reported"), "0"), *expected = text_or(cell(rows, row, "expected"), "0");
    char text[64];
    (void)snprintf(text, sizeof text, "%s%s/%s", strcmp(reported, expected) == 0 ? "" : "*", reported, expected);
    table_add(table, text);
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* The word all elements of the expression are counted in; NULL when it names none, "" when they differ. */
static const char *counted_in(const struct catalogue *catalogue, const struct expression *expression)
{
    const char *word = NULL;
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        if (term->kind != TERM_ELEMENT)
            continue;
        const char *own = catalogue->elements[term->element].unit_zh;
        if (word != NULL && strcmp(word, own) != 0)
            return "";
        word = own;
    }
    return word;
}

static bool factor_is(const struct indicator *indicator, int64_t wanted)
{
    for (uint8_t i = 0; i < indicator->factor.scale; i++)
        if (__builtin_mul_overflow(wanted, 10, &wanted))
            return false;
    return indicator->factor.units == wanted;
}

const char *readable_measure(const struct catalogue *catalogue, const struct indicator *indicator,
                             enum language language)
{
    const char *word = NULL;
    if (indicator->denominator.count > 0)
        return factor_is(indicator, 100) ? "%" : "";
    if (!factor_is(indicator, 1))
        return ""; /* thousands of something: the catalogue has no word for it */
    word = counted_in(catalogue, &indicator->numerator);
    return word != NULL && (language == LANGUAGE_ZH || is_ascii(word)) ? word : "";
}

/* ---- goals ----------------------------------------------------------------------------------------------------------------- */

static const struct indicator *indicator_of(const struct catalogue *catalogue, const char *code)
{
    const uint32_t index = code != NULL ? catalogue_indicator(catalogue, code) : NO_INDEX;
    return index != NO_INDEX ? &catalogue->indicators[index] : NULL;
}

static const char *indicator_name(const struct indicator *indicator, enum language language, const char *code)
{
    return indicator != NULL ? name_in(language, indicator->name_zh, indicator->name_en) : text_or(code, "");
}

static const char *space_before(const char *measure)
{
    return measure[0] == '\0' || measure[0] == '%' ? "" : " ";
}

/* ">= 13000 人", "100%" */
static void add_target(struct asking *asking, struct table *table, const struct table *rows, size_t row,
                       const struct indicator *indicator)
{
    const char *measure = indicator != NULL ? readable_measure(asking->catalogue, indicator, asking->language) : "";
    char text[256];
    (void)snprintf(text, sizeof text, "%s %s%s%s", text_or(cell(rows, row, "op"), ""),
                   text_or(cell(rows, row, "value"), ""), space_before(measure), measure);
    table_add(table, text);
}

static const char *const progress_columns[] = {
    "indicator_name", "unit_name", "target", "actual", "attainment_pct", "expected_by_now", "status", "forecast",
    "coverage", "due", "office", "goal",
};

static void read_progress(struct asking *asking, const struct table *rows, struct table *table)
{
    table_start(table, progress_columns, ARRAY_LEN(progress_columns));
    for (size_t row = 0; row < table_rows(rows); row++) {
        const char *code = cell(rows, row, "indicator");
        const struct indicator *indicator = indicator_of(asking->catalogue, code);
        table_add(table, indicator_name(indicator, asking->language, code));
        table_add(table, cell(rows, row, "unit_name"));
        add_target(asking, table, rows, row, indicator);
        table_add(table, cell(rows, row, "actual"));
        table_add(table, cell(rows, row, "attainment_pct"));
        table_add(table, cell(rows, row, "expected_by_now"));
        table_add(table, cell(rows, row, "status"));
        table_add(table, cell(rows, row, "forecast"));
        add_coverage(table, rows, row);
        table_add(table, cell(rows, row, "due"));
        table_add(table, cell(rows, row, "office"));
        table_add(table, cell(rows, row, "goal"));
    }
}

/* ---- alerts ---------------------------------------------------------------------------------------------------------------- */

/* Writes the value of `name` in "actual=24 expected=30.50"; false when it is not there. */
static bool detail_value(const char *detail, const char *name, char *ret_text, size_t capacity)
{
    const size_t name_length = strlen(name);
    while (*detail != '\0') {
        const size_t length = strcspn(detail, " ");
        if (length > name_length && strncmp(detail, name, name_length) == 0 && detail[name_length] == '=') {
            const int written = snprintf(ret_text, capacity, "%.*s", (int)(length - name_length - 1),
                                         detail + name_length + 1);
            return written > 0 && (size_t)written < capacity;
        }
        detail += length;
        detail += strspn(detail, " ");
    }
    return false;
}

/* 66.6670 -> 66.667, 100.000 -> 100: the detail has a place more than the indicator, to show a narrow miss. */
static void cut_zeros(char *number)
{
    size_t length = strlen(number);
    if (strchr(number, '.') == NULL)
        return;
    while (length > 0 && number[length - 1] == '0')
        length--;
    if (length > 0 && number[length - 1] == '.')
        length--;
    number[length] = '\0';
}

struct alert_words {
    const char *actual, *expected, *at_least, *at_most, *exactly, *attained, *end, *note;
};
static const struct alert_words alert_words[] = {
    [LANGUAGE_ZH] = {"：实际 ", "，序时应达 ", "，目标 ", "，目标不超过 ", "，目标恰为 ", "（完成 ", "）",
                     "；确认时注明："},
    [LANGUAGE_EN] = {": actual ", ", expected by now ", ", goal ", ", goal at most ", ", goal exactly ", " (", " attained)",
                     "; acknowledged with: "},
};

static void say(char *sentence, const char *before, const char *text, const char *after)
{
    const size_t used = strlen(sentence);
    const int length = snprintf(sentence + used, SENTENCE_BYTES - used, "%s%s%s", before, text, after);
    if (length < 0 || (size_t)length >= SENTENCE_BYTES - used)
        sentence[used] = '\0'; /* names are bounded well below it */
}

/* "居家上门服务老年人数：实际 5922 人，序时应达 8666.7 人，目标 13000 人（完成 45.6%）" */
static void add_sentence(struct asking *asking, struct table *table, const char *kind, const char *detail,
                         const struct goal *goal)
{
    const struct alert_words *words = &alert_words[asking->language];
    const struct indicator *indicator = &asking->catalogue->indicators[goal->indicator];
    const char *measure = readable_measure(asking->catalogue, indicator, asking->language);
    char sentence[SENTENCE_BYTES] = "", number[128], after[LIMIT_TEXT_BYTES];
    const int length = snprintf(after, sizeof after, "%s%s", space_before(measure), measure);
    if (length < 0 || (size_t)length >= sizeof after)
        after[0] = '\0';
    say(sentence, "", name_in(asking->language, indicator->name_zh, indicator->name_en), "");
    if (detail_value(detail, "actual", number, sizeof number))
        say(sentence, words->actual, number, after);
    if (strcmp(kind, "goal_missed") != 0 && detail_value(detail, "expected", number, sizeof number)) {
        cut_zeros(number);
        say(sentence, words->expected, number, after);
    }
    if (detail_value(detail, "value", number, sizeof number))
        say(sentence, goal->op == COMPARE_LE ? words->at_most : goal->op == COMPARE_EQ ? words->exactly : words->at_least,
            number, after);
    if (detail_value(detail, "attainment", number, sizeof number))
        say(sentence, words->attained, number, words->end);
    if (strstr(detail, " note=") != NULL)
        say(sentence, words->note, strstr(detail, " note=") + strlen(" note="), "");
    table_add(table, sentence);
}

static void add_place_name(struct asking *asking, struct table *table, const char *code)
{
    const struct catalogue *catalogue = asking->catalogue;
    const uint32_t unit = code != NULL ? catalogue_unit(catalogue, code) : NO_INDEX;
    const uint32_t group = code != NULL && unit == NO_INDEX ? catalogue_group(catalogue, code) : NO_INDEX;
    if (unit != NO_INDEX) {
        table_add(table, name_in(asking->language, catalogue->units[unit].name_zh, catalogue->units[unit].name_en));
    } else if (group != NO_INDEX) {
        const struct group *found = &catalogue->groups[group];
        char *name = place_name(catalogue, (struct place){NO_INDEX, group, {found->units, found->unit_count}},
                                asking->language);
        table_add(table, name);
        free(name);
    } else
        table_add(table, code);
}

/* 2020-09-30T08:00:00+08:00 -> 2020-09-30 08:00; anything else as it is. */
static void add_minute(struct table *table, const char *time)
{
    char text[17];
    if (time == NULL || strlen(time) < 17 || time[10] != 'T') {
        table_add(table, time);
        return;
    }
    (void)snprintf(text, sizeof text, "%.10s %.5s", time, time + 11);
    table_add(table, text);
}

static const char *const alert_reading[] = {
    "severity", "kind", "state", "unit_name", "detail", "office", "since", "acked_by", "alert",
};

static void read_alerts(struct asking *asking, const struct table *rows, struct table *table)
{
    table_start(table, alert_reading, ARRAY_LEN(alert_reading));
    for (size_t row = 0; row < table_rows(rows); row++) {
        const char *subject = cell(rows, row, "subject"), *detail = text_or(cell(rows, row, "detail"), "");
        const uint32_t goal = subject != NULL ? catalogue_goal(asking->catalogue, subject) : NO_INDEX;
        table_add(table, cell(rows, row, "severity"));
        table_add(table, cell(rows, row, "kind"));
        table_add(table, cell(rows, row, "state"));
        add_place_name(asking, table, cell(rows, row, "unit"));
        if (goal != NO_INDEX)
            add_sentence(asking, table, text_or(cell(rows, row, "kind"), ""), detail,
                         &asking->catalogue->goals[goal]);
        else
            table_add(table, detail);
        table_add(table, cell(rows, row, "office"));
        add_minute(table, cell(rows, row, "since"));
        table_add(table, cell(rows, row, "acked_by"));
        table_add(table, cell(rows, row, "alert"));
    }
}

/* ---- figures --------------------------------------------------------------------------------------------------------------- */

#define FIGURE_COLUMNS \
    "indicator_name", "unit_name", "period", "value", "measure", "numerator", "denominator", "coverage", "flag"
static const char *const figure_columns[] = {FIGURE_COLUMNS, "code"};
static const char *const figure_columns_yoy[] = {FIGURE_COLUMNS, "yoy_pct", "code"};
static const char *const figure_columns_mom[] = {FIGURE_COLUMNS, "mom_pct", "code"};
static const char *const figure_columns_both[] = {FIGURE_COLUMNS, "yoy_pct", "mom_pct", "code"};

static void start_figures(struct table *table, const struct table *rows)
{
    const bool yoy = has_column(rows, "yoy_pct"), mom = has_column(rows, "mom_pct");
    if (yoy && mom)
        table_start(table, figure_columns_both, ARRAY_LEN(figure_columns_both));
    else if (yoy)
        table_start(table, figure_columns_yoy, ARRAY_LEN(figure_columns_yoy));
    else if (mom)
        table_start(table, figure_columns_mom, ARRAY_LEN(figure_columns_mom));
    else
        table_start(table, figure_columns, ARRAY_LEN(figure_columns));
}

static const struct element *element_of(const struct catalogue *catalogue, const char *code)
{
    const uint32_t index = code != NULL ? catalogue_element(catalogue, code) : NO_INDEX;
    return index != NO_INDEX ? &catalogue->elements[index] : NULL;
}

/* A code is an indicator's before it is an element's, as `query` takes it. */
static void add_figure_name(struct asking *asking, struct table *table, const char *code)
{
    const struct indicator *indicator = indicator_of(asking->catalogue, code);
    const struct element *element = indicator == NULL ? element_of(asking->catalogue, code) : NULL;
    table_add(table, element != NULL ? name_in(asking->language, element->name_zh, element->name_en)
                                     : indicator_name(indicator, asking->language, code));
}

static void add_figure_measure(struct asking *asking, struct table *table, const char *code)
{
    const struct indicator *indicator = indicator_of(asking->catalogue, code);
    const struct element *element = indicator == NULL ? element_of(asking->catalogue, code) : NULL;
    const char *measure = indicator != NULL ? readable_measure(asking->catalogue, indicator, asking->language)
                          : element != NULL && (asking->language == LANGUAGE_ZH || is_ascii(element->unit_zh))
                              ? element->unit_zh
                              : "";
    table_add(table, measure[0] != '\0' ? measure : NULL);
}

static void read_query(struct asking *asking, const struct table *rows, struct table *table)
{
    start_figures(table, rows);
    for (size_t row = 0; row < table_rows(rows); row++)
        for (size_t i = 0; i < table->column_count; i++) {
            const char *column = table->columns[i], *code = cell(rows, row, "code");
            if (strcmp(column, "indicator_name") == 0)
                add_figure_name(asking, table, code);
            else if (strcmp(column, "measure") == 0)
                add_figure_measure(asking, table, code);
            else if (strcmp(column, "coverage") == 0)
                add_coverage(table, rows, row);
            else
                table_add(table, cell(rows, row, column));
        }
}

/* ---- reports and records ---------------------------------------------------------------------------------------------------- */

static const char *const reporting_columns[] = {
    "form_name", "unit_name", "period", "due", "received_at", "state", "filled", "required", "hard_errors", "soft_flags",
    "form", "unit",
};
static const char *const summary_columns[] = {
    "form_name", "unit_name", "period", "reports_expected", "reports_received", "reports_on_time", "reporting_rate",
    "on_time_rate", "form", "unit",
};
static const char *const record_columns[] = {
    "element_name", "unit_name", "period", "value", "measure", "status", "revision", "live", "reported_at", "received_at",
    "agent", "submission", "element", "unit",
};
static const char *const status_columns[] = {
    "agent", "connected", "last_seen", "last_submission", "backlog", "refused", "clock_skew", "software",
};

static void add_form_name(struct asking *asking, struct table *table, const char *code)
{
    const uint32_t index = code != NULL ? catalogue_form(asking->catalogue, code) : NO_INDEX;
    const struct form *form = index != NO_INDEX ? &asking->catalogue->forms[index] : NULL;
    table_add(table, form != NULL ? name_in(asking->language, form->name_zh, form->name_en) : code);
}

static void add_element_name(struct asking *asking, struct table *table, const char *code)
{
    const struct element *element = element_of(asking->catalogue, code);
    table_add(table, element != NULL ? name_in(asking->language, element->name_zh, element->name_en) : code);
}

static void add_element_measure(struct asking *asking, struct table *table, const char *code)
{
    const struct element *element = element_of(asking->catalogue, code);
    table_add(table, element != NULL && (asking->language == LANGUAGE_ZH || is_ascii(element->unit_zh)) ? element->unit_zh
                                                                                                        : NULL);
}

static bool is_time(const char *column)
{
    static const char *const times[] = {"received_at", "reported_at", "last_seen", "last_submission"};
    for (size_t i = 0; i < ARRAY_LEN(times); i++)
        if (strcmp(times[i], column) == 0)
            return true;
    return false;
}

static void read_columns(struct asking *asking, const struct table *rows, struct table *table, const char *const *columns,
                         size_t column_count)
{
    table_start(table, columns, column_count);
    for (size_t row = 0; row < table_rows(rows); row++)
        for (size_t i = 0; i < column_count; i++) {
            if (strcmp(columns[i], "form_name") == 0)
                add_form_name(asking, table, cell(rows, row, "form"));
            else if (strcmp(columns[i], "unit_name") == 0)
                add_place_name(asking, table, cell(rows, row, "unit"));
            else if (strcmp(columns[i], "element_name") == 0)
                add_element_name(asking, table, cell(rows, row, "element"));
            else if (strcmp(columns[i], "measure") == 0)
                add_element_measure(asking, table, cell(rows, row, "element"));
            else if (is_time(columns[i]))
                add_minute(table, cell(rows, row, columns[i]));
            else
                table_add(table, cell(rows, row, columns[i]));
        }
}

static void read_reporting(struct asking *asking, const struct table *rows, struct table *table)
{
    if (has_column(rows, "reports_expected"))
        read_columns(asking, rows, table, summary_columns, ARRAY_LEN(summary_columns));
    else
        read_columns(asking, rows, table, reporting_columns, ARRAY_LEN(reporting_columns));
}

static void read_records(struct asking *asking, const struct table *rows, struct table *table)
{
    read_columns(asking, rows, table, record_columns, ARRAY_LEN(record_columns));
}

static void read_status(struct asking *asking, const struct table *rows, struct table *table)
{
    read_columns(asking, rows, table, status_columns, ARRAY_LEN(status_columns));
}

/* ---- by command ------------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *command;
    void (*read)(struct asking *asking, const struct table *rows, struct table *table);
} readings[] = {
    {"query", read_query},
    {"progress", read_progress},
    {"alerts", read_alerts},
    {"reporting", read_reporting},
    {"records", read_records},
    {"status", read_status},
};

void readable_rows(struct asking *asking)
{
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        if (strcmp(readings[i].command, asking->question->command) == 0) {
            struct table read;
            readings[i].read(asking, asking->table, &read);
            table_free(asking->table);
            *asking->table = read;
            return;
        }
}
