/* Figures taken apart, looked back at and compared, over a random history of reports, corrections and retractions. What is
 * expected comes from a list of all records and the words of the contract: nothing is remembered between questions, for
 * every moment the whole list is read again. SUANPAN_SEED=n replays a run. */
#include "random.h"
#include "suite.h"

#include "keys.h"
#include "office.h"
#include "support.h"

#include <inttypes.h>
#include <time.h>

#define UNITS 10     /* towns */
#define MONTHS 18    /* 2019-07 .. 2020-12 */
#define ENTRIES 60
#define ROWS 14
#define EVENTS (ENTRIES * ROWS)

enum { FLOW, TOP, STOCK, YTD, BASE, KINDS };
static const char *const elements[KINDS] = {"flow", "top", "stock", "ytd", "base"};
static const char *const towns[UNITS] = {"t0", "t1", "t2", "t3", "mv", "t5", "t6", "t7", "t8", "cl"};

static const struct catalogue_file files[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh,opened,closed\n"
                           "R,,city,R,,\nD1,R,district,D1,,\nD2,R,district,D2,,\nD3,R,district,D3,,\n"
                           "t0,D1,town,t0,,\nt1,D1,town,t1,,\nt2,D1,town,t2,,\nt3,D2,town,t3,,\n"
                           "mv,D1,town,mv,,2020-03-31\nmv,D2,town,mv,2020-04-01,\n"
                           "t5,D2,town,t5,,\nt6,D2,town,t6,,\nt7,D3,town,t7,,\nt8,D3,town,t8,,\n"
                           "cl,D3,town,cl,,2020-09-30\n"),
    FILE_TEXT("groups.csv", "group,unit\nG,D1\nG,t7\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nm,m,month,town,10\nn,n,month,town,10\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\n"
                              "flow,m,flow,flow,sum,u,0\ntop,m,top,flow,max,u,2\nstock,m,stock,stock,sum,u,0\n"
                              "ytd,n,ytd,ytd,sum,u,0\nbase,n,base,base,sum,u,0\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                                "i_flow,i_flow,flow,,,0,up\ni_top,i_top,top,,,2,up\ni_stock,i_stock,stock,,,0,up\n"
                                "i_ytd,i_ytd,ytd,,,0,up\ni_base,i_base,base,,,0,up\n"
                                "i_rate,i_rate,2*flow - prev(stock) + 3,base,1000,3,up\n"
                                "i_received,i_received,reports_received,reports_expected,100,1,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\ng1,i_rate,R,>=,5,2020-12-31\n"),
};

struct event {
    uint64_t entry;
    int element, town, month;
    int64_t value; /* at the element's decimals */
    uint32_t revision;
    char status;
};

static struct city city;
static struct store *store;
static struct office *office;
static struct event events[EVENTS];
static size_t event_count;
static int64_t received_at[ENTRIES + 1];
static uint64_t entry_count;

static uint64_t dice(uint64_t sides)
{
    return draw() % sides;
}

static struct period month_of(int number)
{
    return period_of_day(date_from_civil(2019 + (number + 6) / 12, (number + 6) % 12 + 1, 1), PERIOD_MONTH);
}

/* ---- a random history -------------------------------------------------------------------------------------------- */

static void feed_one(void)
{
    static const char statuses[] = "AAAAAAAAPEMLQXX";
    char rows[ROWS * 64] = "";
    size_t used = 0;
    const size_t first = event_count;
    entry_count++;
    for (size_t i = 0; i < 1 + dice(ROWS); i++) {
        struct event *event = &events[event_count];
        char period[PERIOD_TEXT], value[DECIMAL_TEXT] = "", revision[16] = "";
        *event = (struct event){entry_count, (int)dice(KINDS), (int)dice(UNITS), (int)dice(MONTHS),
                                (int64_t)dice(2000) - 500, dice(3) == 0 ? (uint32_t)dice(4) + 1 : 0,
                                statuses[dice(sizeof statuses - 1)]};
        if (strcmp(towns[event->town], "cl") == 0 && event->month > 14)
            continue; /* closed by then */
        period_format(month_of(event->month), period);
        if (strchr("APE", event->status) != NULL)
            decimal_format((struct decimal){event->value, event->element == TOP ? 2 : 0}, value);
        if (event->revision > 0)
            snprintf(revision, sizeof revision, "%" PRIu32, event->revision);
        used += (size_t)snprintf(rows + used, sizeof rows - used, "%s,%s,%s,%s,%s,%c\n", elements[event->element],
                                 towns[event->town], period, value, revision, event->status);
        event_count++;
    }
    received_at[entry_count] = city.now_ms;
    if (used == 0) {
        entry_count--;
        return;
    }
    city_feed(&city, rows);
    city.now_ms += (int64_t)dice(3) * 3600000;
    size_t kept = first;
    for (size_t i = first; i < event_count; i++) /* what was refused never was */
        if (city.refusals[i - first] == MESSAGE_NONE)
            events[kept++] = events[i];
    event_count = kept;
}

static void open_history(void)
{
    struct fault why = {0};
    random_start("history");
    event_count = entry_count = 0;
    city_open(&city, files, ARRAY_LEN(files));
    while (entry_count < ENTRIES)
        feed_one();
    city_must(store_open(city.path, STORE_READ, &store, &why), &why, "store_open");
    office = office_open(city.catalogue, store, 16 << 20);
}

static void close_history(void)
{
    office_close(&office);
    store_close(&store);
    city_close(&city);
}

/* ---- the model: the list, read again for every question ---------------------------------------------------------- */

struct known {
    uint32_t revision;
    bool live, figure;
    int64_t value;
};

static struct known cell_at(uint64_t entry, int element, int town, int month)
{
    struct known cell = {0};
    for (size_t i = 0; i < event_count && events[i].entry <= entry; i++) {
        const struct event *event = &events[i];
        const uint32_t revision = event->revision > 0 ? event->revision : cell.revision + 1;
        if (event->element != element || event->town != town || event->month != month || revision <= cell.revision)
            continue;
        cell = (struct known){revision, event->status != 'X', strchr("APE", event->status) != NULL, event->value};
    }
    return cell;
}

static bool belongs(int town, const char *unit, int32_t day)
{
    if (strcmp(unit, "G") == 0)
        return belongs(town, "D1", day) || belongs(town, "t7", day);
    return catalogue_is_below(city.catalogue, catalogue_unit(city.catalogue, towns[town]),
                              catalogue_unit(city.catalogue, unit), day);
}

static bool is_open(int town, int32_t day)
{
    return catalogue_unit_open(city.catalogue, catalogue_unit(city.catalogue, towns[town]),
                               period_of_day(day, PERIOD_DAY));
}

struct naive {
    bool present;
    int64_t value;
};

static void take(struct naive *naive, int element, int64_t value)
{
    if (!naive->present)
        naive->value = value;
    else if (element != TOP)
        naive->value += value;
    else if (value > naive->value)
        naive->value = value;
    naive->present = true;
}

/* ytd here is only asked of places nothing moves in or out of. */
static void take_ytd(struct naive *naive, uint64_t entry, int town, struct period period)
{
    int first = -1, last = -1;
    struct known before = {.figure = true};
    for (int m = 0; m < MONTHS; m++)
        if (period_contains(period, month_of(m))) {
            first = first < 0 ? m : first;
            last = m;
        }
    if (first < 0)
        return;
    if (first != 6) { /* 2020-01 begins a year; 2019-07 is preceded by nothing that is known */
        before = first > 0 ? cell_at(entry, YTD, town, first - 1) : (struct known){.figure = false};
        if (!before.figure)
            return;
    }
    for (int m = last; m >= first; m--) {
        const struct known cell = cell_at(entry, YTD, town, m);
        if (cell.figure) {
            take(naive, YTD, cell.value - before.value);
            return;
        }
    }
}

static void take_latest(struct naive *naive, uint64_t entry, int element, int town, const char *unit,
                        struct period period)
{
    for (int m = MONTHS - 1; m >= 0; m--) {
        const struct period month = month_of(m);
        const struct known cell = cell_at(entry, element, town, m);
        if (element == BASE ? month.first > period.last
                            : !period_contains(period, month) || !belongs(town, unit, month.last))
            continue;
        if (!cell.live)
            continue;
        if (cell.figure)
            take(naive, element, cell.value);
        return;
    }
}

static struct naive figure_at(uint64_t entry, int element, const char *unit, struct period period)
{
    struct naive naive = {false, 0};
    for (int town = 0; town < UNITS; town++) {
        if (element == YTD && belongs(town, unit, period.last))
            take_ytd(&naive, entry, town, period);
        if (element == STOCK || (element == BASE && belongs(town, unit, period.last) && is_open(town, period.last)))
            take_latest(&naive, entry, element, town, unit, period);
        for (int m = 0; (element == FLOW || element == TOP) && m < MONTHS; m++) {
            const struct known cell = cell_at(entry, element, town, m);
            if (cell.figure && period_contains(period, month_of(m)) && belongs(town, unit, month_of(m).last))
                take(&naive, element, cell.value);
        }
    }
    return naive;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

#define ASKED 8
static enum status ask(const char *command, const char *const options[][2], struct answer *ret_answer,
                       struct fault *why)
{
    struct wire_question question = {.id = 1};
    snprintf(question.command, sizeof question.command, "%s", command);
    for (; options[question.option_count][0] != NULL; question.option_count++) {
        snprintf(question.options[question.option_count].name, sizeof question.options[0].name, "%s",
                 options[question.option_count][0]);
        question.options[question.option_count].value = options[question.option_count][1];
    }
    return office_answer(office, &question, city.now_ms, ret_answer, why);
}

static const char *cell_of(const struct answer *answer, size_t row, const char *column)
{
    for (size_t c = 0; c < answer->table.column_count; c++)
        if (strcmp(answer->table.columns[c], column) == 0) {
            const char *text = answer->table.cells[row * answer->table.column_count + c];
            return text != NULL ? text : "";
        }
    CU_FAIL_FATAL("no such column");
    return "";
}

static const char *value_as_of(const char *code, const char *unit, const char *period, const char *moment)
{
    static char text[64];
    struct answer answer;
    struct fault why = {0};
    city_must(ask("query", (const char *const[][2]){{"operand", code}, {"unit", unit}, {"period", period},
                                                    {"as-of", moment}, {NULL, NULL}},
                  &answer, &why), &why, "query");
    CU_ASSERT_EQUAL_FATAL(table_rows(&answer.table), 1);
    snprintf(text, sizeof text, "%s", cell_of(&answer, 0, "value"));
    answer_free(&answer);
    return text;
}

static const char *moment_of(uint64_t entry)
{
    static char text[TIME_TEXT];
    calendar_format_time(received_at[entry], text);
    return text;
}

static const char *const places[] = {"R", "D1", "D2", "D3", "G", "t1", "mv", "cl"};
static const char *const fixed_places[] = {"R", "D3", "t1", "t8"}; /* nobody moves in or out */
static const char *const spans[] = {"2019", "2020", "2020-Q1", "2020-Q2", "2020-03", "2019-10..2020-05", "2020-12"};

static void look_back(uint64_t entry)
{
    for (size_t i = 0; i < 12; i++) {
        const int element = (int)dice(KINDS);
        const char *unit = element == YTD ? fixed_places[dice(ARRAY_LEN(fixed_places))] : places[dice(ARRAY_LEN(places))];
        const char *span = element == YTD ? spans[1 + dice(4)] : spans[dice(ARRAY_LEN(spans))];
        char wanted[DECIMAL_TEXT] = "", what[128], indicator[24];
        struct fault why = {0};
        struct period period;
        city_must(period_parse(span, &period, &why), &why, span);
        const struct naive naive = figure_at(entry, element, unit, period);
        if (naive.present)
            decimal_format((struct decimal){naive.value, element == TOP ? 2 : 0}, wanted);
        snprintf(what, sizeof what, "%s of %s in %s as of entry %" PRIu64, elements[element], unit, span, entry);
        snprintf(indicator, sizeof indicator, "%s%s", dice(2) == 0 ? "i_" : "", elements[element]);
        city_equal(what, value_as_of(indicator, unit, span, moment_of(entry)), wanted);
    }
}

static void every_moment_of_a_random_history_answers_as_it_was(void)
{
    open_history();
    for (uint64_t entry = 1; entry <= entry_count; entry++)
        look_back(entry);
    for (size_t i = 0; i < 40; i++) /* and in any order */
        look_back(1 + dice(entry_count));
    close_history();
}

/* ---- explain ----------------------------------------------------------------------------------------------------- */

static size_t events_of(const char *element, const char *unit, const char *period_text, uint64_t upto)
{
    size_t count = 0;
    for (size_t i = 0; i < event_count && events[i].entry <= upto; i++) {
        char period[PERIOD_TEXT];
        period_format(month_of(events[i].month), period);
        count += strcmp(elements[events[i].element], element) == 0 && strcmp(towns[events[i].town], unit) == 0 &&
                 strcmp(period, period_text) == 0;
    }
    return count;
}

/* The lines under rows first.. of an element's tree, added up as the element is: sums and the greatest. */
static void check_lines(const struct answer *answer, size_t first, uint64_t entry, const char *what)
{
    const char *code = cell_of(answer, first, "subject"), *value = cell_of(answer, first, "value");
    const long depth = strtol(cell_of(answer, first, "depth"), NULL, 10);
    struct naive naive = {false, 0};
    char text[DECIMAL_TEXT] = "";
    for (size_t i = first + 1; i < table_rows(&answer->table); i++) {
        const char *kind = cell_of(answer, i, "kind");
        struct decimal own = {0, 0};
        struct fault why = {0};
        if (strtol(cell_of(answer, i, "depth"), NULL, 10) <= depth)
            break;
        if (strcmp(kind, "record") == 0 || strcmp(kind, "subtracted") == 0) {
            city_must(decimal_parse(cell_of(answer, i, "value"), &own, &why), &why, what);
            take(&naive, strcmp(code, "top") == 0 ? TOP : FLOW, kind[0] == 's' ? -own.units : own.units);
        }
        if (strcmp(kind, "record") == 0 || strcmp(kind, "subtracted") == 0 || strcmp(kind, "retracted") == 0 ||
            strcmp(kind, "no_figure") == 0) {
            size_t versions = 1;
            const long own_depth = strtol(cell_of(answer, i, "depth"), NULL, 10);
            while (i + versions < table_rows(&answer->table) &&
                   strtol(cell_of(answer, i + versions, "depth"), NULL, 10) > own_depth)
                versions++;
            CU_ASSERT_EQUAL(versions, events_of(code, cell_of(answer, i, "unit"), cell_of(answer, i, "period"), entry));
            CU_ASSERT_STRING_EQUAL(cell_of(answer, i, "file"), "test.csv");
            CU_ASSERT_STRING_NOT_EQUAL(cell_of(answer, i, "entry"), "");
        }
    }
    if (naive.present)
        decimal_format((struct decimal){naive.value, strcmp(code, "top") == 0 ? 2 : 0}, text);
    city_equal(what, text, value);
}

static void the_lines_of_an_explanation_come_to_its_figure(void)
{
    open_history();
    for (size_t i = 0; i < 250; i++) {
        const uint64_t entry = 1 + dice(entry_count);
        const char *const codes[] = {"flow", "top", "stock", "ytd", "base", "i_flow", "i_ytd", "i_rate", "i_received"};
        const char *code = codes[dice(ARRAY_LEN(codes))], *unit = places[dice(ARRAY_LEN(places))];
        const char *span = spans[dice(ARRAY_LEN(spans))];
        char what[128];
        struct answer answer;
        struct fault why = {0};
        snprintf(what, sizeof what, "explain %s of %s in %s as of entry %" PRIu64, code, unit, span, entry);
        city_must(ask("explain", (const char *const[][2]){{"operand", code}, {"unit", unit}, {"period", span},
                                                          {"as-of", moment_of(entry)}, {"most", "100000"}, {NULL, NULL}},
                      &answer, &why), &why, what);
        city_equal(what, cell_of(&answer, 0, "value"), value_as_of(code, unit, span, moment_of(entry)));
        for (size_t row = 0; row < table_rows(&answer.table); row++)
            if (strcmp(cell_of(&answer, row, "kind"), "element") == 0 ||
                (row == 0 && catalogue_element(city.catalogue, code) != NO_INDEX))
                check_lines(&answer, row, entry, what);
        answer_free(&answer);
    }
    close_history();
}

static void an_explanation_keeps_to_its_number_of_rows(void)
{
    open_history();
    for (size_t most = 1; most < 200; most += 1 + dice(7)) {
        char text[24];
        struct answer answer, whole;
        struct fault why = {0};
        snprintf(text, sizeof text, "%zu", most);
        city_must(ask("explain", (const char *const[][2]){{"operand", "flow"}, {"period", "2019..2020"}, {"most", text},
                                                          {NULL, NULL}}, &answer, &why), &why, "explain");
        city_must(ask("explain", (const char *const[][2]){{"operand", "flow"}, {"period", "2019..2020"},
                                                          {"most", "100000"}, {NULL, NULL}}, &whole, &why), &why, "whole");
        const size_t rows = table_rows(&answer.table);
        const bool is_cut = strcmp(cell_of(&answer, rows - 1, "kind"), "note") == 0;
        CU_ASSERT_EQUAL(rows - (is_cut ? 1 : 0), most < table_rows(&whole.table) ? most : table_rows(&whole.table));
        CU_ASSERT_EQUAL(is_cut, most < table_rows(&whole.table));
        answer_free(&answer);
        answer_free(&whole);
    }
    close_history();
}

/* ---- diff -------------------------------------------------------------------------------------------------------- */

static void diff_names_exactly_the_figures_that_changed(void)
{
    static const char *const codes[] = {"i_flow", "i_top", "i_stock", "i_ytd", "i_base", "i_rate", "i_received"};
    static const char *const uppers[] = {"R", "D1", "D2", "D3"};
    open_history();
    for (size_t i = 0; i < 25; i++) {
        const uint64_t one = dice(entry_count) + 1, other = dice(entry_count) + 1;
        const char *span = spans[dice(ARRAY_LEN(spans))];
        char from[TIME_TEXT], to[TIME_TEXT], what[160];
        size_t row = 0;
        struct answer answer;
        struct fault why = {0};
        snprintf(from, sizeof from, "%s", moment_of(one < other ? one : other));
        snprintf(to, sizeof to, "%s", moment_of(one < other ? other : one));
        city_must(ask("diff", (const char *const[][2]){{"from", from}, {"to", to}, {"period", span}, {"most", "100000"},
                                                       {NULL, NULL}}, &answer, &why), &why, "diff");
        for (size_t c = 0; c < ARRAY_LEN(codes); c++)
            for (size_t u = 0; u < ARRAY_LEN(uppers); u++) {
                char before[64], after[64];
                snprintf(before, sizeof before, "%s", value_as_of(codes[c], uppers[u], span, from));
                snprintf(after, sizeof after, "%s", value_as_of(codes[c], uppers[u], span, to));
                if (strcmp(before, after) == 0)
                    continue;
                snprintf(what, sizeof what, "diff of %s of %s in %s from %s to %s", codes[c], uppers[u], span, from, to);
                CU_ASSERT_TRUE_FATAL(row < table_rows(&answer.table));
                city_equal(what, cell_of(&answer, row, "code"), codes[c]);
                city_equal(what, cell_of(&answer, row, "unit"), uppers[u]);
                city_equal(what, cell_of(&answer, row, "before"), before);
                city_equal(what, cell_of(&answer, row, "after"), after);
                for (; row < table_rows(&answer.table) && strcmp(cell_of(&answer, row, "code"), codes[c]) == 0 &&
                       strcmp(cell_of(&answer, row, "unit"), uppers[u]) == 0; row++) {
                    const char *cause = cell_of(&answer, row, "cause");
                    if (strcmp(cause, "unknown") == 0)
                        fprintf(stderr, "\n    %s: no cause\n", what);
                    CU_ASSERT_TRUE(strcmp(cause, "new") == 0 || strcmp(cause, "correction") == 0 ||
                                   strcmp(cause, "retraction") == 0);
                }
            }
        CU_ASSERT_EQUAL(row, table_rows(&answer.table));
        answer_free(&answer);
    }
    close_history();
}

/* ---- publish --------------------------------------------------------------------------------------------------------- */

static enum status publish(const char *name, const char *period, const struct secret_key *key, struct fault *why)
{
    struct wire_question question = {.id = 1, .command = "publish", .option_count = 2,
                                     .options = {{"operand", name}, {"period", period}}};
    struct publication publication;
    int64_t as_of;
    bool added = false;
    enum status status = office_publish(office, &question, city.now_ms, key, &publication, &as_of, why);
    if (status != STATUS_OK)
        return status;
    city_must(store_begin(city.store, why), why, "store_begin");
    city_must(store_add_publication(city.store, &publication, &added, why), why, "store_add_publication");
    city_must(store_commit(city.store, why), why, "store_commit");
    CU_ASSERT_TRUE(added);
    return STATUS_OK;
}

static void make_key(struct secret_key *key, const char *name)
{
    struct registry_row row = {.number = 1, .kind = "aggregator", .status = "active"};
    char path[128];
    struct fault why = {0};
    city_must(keys_generate(city.folder, name, NULL, &why), &why, "keys_generate");
    snprintf(path, sizeof path, "%s/%s.key", city.folder, name);
    city_must(keys_load_secret(path, key, &why), &why, path);
    if (strcmp(name, "known") != 0)
        return;
    snprintf(row.name, sizeof row.name, "%s", name);
    memcpy(row.key, key->public_key.sign, SEAL_PUBLIC);
    city_must(store_begin(city.store, &why), &why, "store_begin");
    city_must(store_add_registry(city.store, &row, &why), &why, "store_add_registry");
    city_must(store_commit(city.store, &why), &why, "store_commit");
}

static char *printed(const char *moment)
{
    char *text = NULL;
    size_t length = 0;
    struct answer answer;
    struct fault why = {0};
    city_must(ask("query", (const char *const[][2]){{"level", "district"}, {"period", "2020"}, {"by", "quarter"},
                                                    {"as-of", moment}, {NULL, NULL}}, &answer, &why), &why, moment);
    FILE *out = open_memstream(&text, &length);
    CU_ASSERT_TRUE(table_print(&answer.table, TABLE_CSV, LANGUAGE_ZH, out));
    fclose(out);
    answer_free(&answer);
    return text;
}

/* One of these says that the publication is what it was; the rest that what is not is never used. */
static void expect_refused(const char *name, enum message message)
{
    struct answer answer;
    struct fault why = {0};
    CU_ASSERT_EQUAL(ask("query", (const char *const[][2]){{"as-of", name}, {NULL, NULL}}, &answer, &why),
                    STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, message);
}

static void what_was_published_is_printed_again_whatever_comes_later(void)
{
    enum { PUBLISHED = 6 };
    char *then[PUBLISHED], name[16];
    struct secret_key known, stranger;
    struct publication altered;
    struct fault why = {0};
    bool found = false, added = false;
    open_history();
    make_key(&known, "known");
    make_key(&stranger, "stranger");
    for (size_t i = 0; i < PUBLISHED; i++) {
        snprintf(name, sizeof name, "第%zu期", i);
        city_must(publish(name, "2020", &known, &why), &why, name);
        then[i] = printed(name);
        CU_ASSERT_EQUAL(publish(name, "2020", &known, &why), STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, MESSAGE_PUBLICATION_TAKEN);
        event_count = entry_count = 0; /* the model is not asked here */
        for (size_t n = 0; n < 1 + dice(4); n++)
            feed_one();
    }
    for (size_t i = 0; i < 3 * (size_t)PUBLISHED; i++) {
        const size_t which = dice(PUBLISHED);
        snprintf(name, sizeof name, "第%zu期", which);
        char *again = printed(name);
        city_equal(name, again, then[which]);
        free(again);
    }
    city_must(store_begin(city.store, &why), &why, "store_begin");
    city_must(store_publication(city.store, "第0期", &found, &altered, &why), &why, "store_publication");
    CU_ASSERT_TRUE(found);
    city_must(store_add_publication(city.store, &altered, &added, &why), &why, "store_add_publication");
    CU_ASSERT_FALSE(added);
    snprintf(altered.name, sizeof altered.name, "altered");
    city_must(store_add_publication(city.store, &altered, &added, &why), &why, "store_add_publication");
    CU_ASSERT_TRUE(added);
    city_must(store_commit(city.store, &why), &why, "store_commit");
    expect_refused("altered", MESSAGE_PUBLICATION_BROKEN);
    city_must(publish("foreign", "2020", &stranger, &why), &why, "foreign");
    expect_refused("foreign", MESSAGE_PUBLICATION_KEY);
    expect_refused("nobody", MESSAGE_ASK_BAD_MOMENT);
    for (size_t i = 0; i < PUBLISHED; i++)
        free(then[i]);
    keys_forget(&known);
    keys_forget(&stranger);
    close_history();
}

/* ---- worked out on paper ----------------------------------------------------------------------------------------- */

static void open_small(const char *rows)
{
    struct fault why = {0};
    city_open(&city, files, ARRAY_LEN(files));
    CU_ASSERT_EQUAL(city_feed(&city, rows), 0);
    city_must(store_open(city.path, STORE_READ, &store, &why), &why, "store_open");
    office = office_open(city.catalogue, store, 16 << 20);
}

static const char *lines_of(const char *code, const char *unit, const char *period)
{
    static char text[4096];
    struct answer answer;
    struct fault why = {0};
    size_t used = 0;
    city_must(ask("explain", (const char *const[][2]){{"operand", code}, {"unit", unit}, {"period", period}, {NULL, NULL}},
                  &answer, &why), &why, "explain");
    for (size_t i = 0; i < table_rows(&answer.table); i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %s %s %s %s\n", cell_of(&answer, i, "depth"),
                                 cell_of(&answer, i, "kind"), cell_of(&answer, i, "unit"), cell_of(&answer, i, "period"),
                                 cell_of(&answer, i, strcmp(cell_of(&answer, i, "kind"), "formula") == 0 ? "detail"
                                                                                                        : "value"));
    answer_free(&answer);
    return text;
}

static void a_running_total_is_shown_with_what_is_subtracted(void)
{
    open_small("ytd,t1,2020-03,30\nytd,t1,2020-05,70\nytd,t2,2020-05,9\n");
    city_equal("second quarter", lines_of("ytd", "D1", "2020-Q2"),
               "0 figure D1 2020-Q2 40\n1 unit t0 2020-Q2 \n1 unit t1 2020-Q2 40\n"
               "2 subtracted t1 2020-03 30\n2 record t1 2020-05 70\n1 unit t2 2020-Q2 \n");
    close_history();
}

static void a_unit_that_moved_counts_where_it_was(void)
{
    open_small("stock,mv,2020-02,5\nstock,mv,2020-06,8\nstock,t3,2020-06,1\n");
    city_equal("the old district", lines_of("stock", "D1", "2020"),
               "0 figure D1 2020 5\n1 unit t0 2020 \n1 unit t1 2020 \n1 unit t2 2020 \n1 unit mv 2020 5\n"
               "2 record mv 2020-02 5\n");
    city_equal("the city takes it once", lines_of("stock", "R", "2020"),
               "0 figure R 2020 9\n1 unit D1 2020 \n2 unit t0 2020 \n2 unit t1 2020 \n2 unit t2 2020 \n"
               "1 unit D2 2020 9\n2 unit t3 2020 1\n3 record t3 2020-06 1\n2 unit mv 2020 8\n3 record mv 2020-06 8\n"
               "2 unit t5 2020 \n2 unit t6 2020 \n1 unit D3 2020 \n2 unit t7 2020 \n2 unit t8 2020 \n2 unit cl 2020 \n");
    close_history();
}

static void a_formula_shows_its_numbers(void)
{
    open_small("flow,t1,2020-02,40\nstock,t1,2020-01,-7\nbase,t1,2020-01,600\n");
    const char *text = lines_of("i_rate", "t1", "2020-02");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 formula   1000 × (2 × 40 - (-7) + 3) ÷ 600 = 150.000\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 numerator t1 2020-02 90\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 element t1 2020-01 -7\n3 record t1 2020-01 -7\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 goal R 2020-01..2020-12 5\n"));
    text = lines_of("i_rate", "t1", "2020-05");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1000 × (2 × — - — + 3) ÷ 600 = —\n"));
    text = lines_of("i_received", "t1", "2020-01");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 count t1 2020-01 2\n"));
    close_history();
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_running_total_is_shown_with_what_is_subtracted),
        SENTENCE(a_unit_that_moved_counts_where_it_was),
        SENTENCE(a_formula_shows_its_numbers),
        SENTENCE(every_moment_of_a_random_history_answers_as_it_was),
        SENTENCE(the_lines_of_an_explanation_come_to_its_figure),
        SENTENCE(an_explanation_keeps_to_its_number_of_rows),
        SENTENCE(what_was_published_is_printed_again_whatever_comes_later),
        SENTENCE(diff_names_exactly_the_figures_that_changed),
    };
    return suite_run("explain", sentences, ARRAY_LEN(sentences));
}
