/* Random submissions against a naive model that follows the words of CONTRACT 3 unit by unit and period by period, with
 * none of the runs, covers and pages of the real thing. SUANPAN_SEED=n replays a run. */
#include "random.h"
#include "suite.h"

#include "support.h"

#include <time.h>

#define UNITS_MAX 64
#define PERIODS_MAX 120
#define ELEMENTS_MAX 16

static const struct catalogue_file files[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv",
              "code,parent,level,name_zh,opened,closed\n"
              "R,,root,R,,\nD1,R,district,D1,,\nD2,R,district,D2,,\nD3,R,district,D3,,\n"
              "t01,D1,town,t01,,\nt02,D1,town,t02,,\nt03,D1,town,t03,2019-07-01,\nt04,D1,town,t04,,\n"
              "mv,D1,town,mv,,2020-03-31\nmv,D2,town,mv,2020-04-01,\n"
              "t05,D2,town,t05,,2020-06-30\nt06,D2,town,t06,,\nt07,D2,town,t07,,\n"
              "t08,D3,town,t08,,\nt09,D3,town,t09,,\nt10,D3,town,t10,,\nt11,D3,town,t11,,\nt12,D3,town,t12,,\n"),
    FILE_TEXT("groups.csv", "group,unit\nG1,D1\nG1,t06\nG1,t01\nG2,D2\nG2,D3\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\n"
                           "fm,fm,month,town,10\nfq,fq,quarter,town,10\nfy,fy,year,town,10\nfw,fw,week,town,10\n"
                           "fd,fd,month,district,10\nfs,fs,month,town,10\n"),
    FILE_TEXT("form_units.csv", "form,unit\nfs,t01\nfs,t02\nfs,mv\nfs,t09\nfs,t05\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\n"
                              "flow,fm,e01,flow,sum,u,0\nflowmax,fm,e02,flow,max,u,2\nflowmin,fq,e03,flow,min,u,0\n"
                              "week,fw,e04,flow,sum,u,1\ndist,fd,e05,flow,sum,u,0\nsome,fs,e06,flow,sum,u,0\n"
                              "stock,fm,e07,stock,sum,u,0\nstockmax,fq,e08,stock,max,u,3\nstocksome,fs,e09,stock,min,u,0\n"
                              "ytd,fm,e10,ytd,sum,u,0\nytdmax,fm,e11,ytd,max,u,0\nytdq,fq,e12,ytd,sum,u,2\n"
                              "base,fy,e13,base,sum,u,0\nbasem,fm,e14,base,max,u,1\nbasesome,fs,e15,base,sum,u,0\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                                "i,i,flow + 2*ytd - prev(stock),base,1000,3,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\n"),
};

static uint64_t dice(uint64_t sides)
{
    return draw() % sides;
}

/* ---- the model ------------------------------------------------------------------------------------------------------------- */

struct known {
    uint32_t revision;
    bool live, figure;
    int64_t value;
};

struct model {
    const struct catalogue *catalogue;
    struct period periods[PERIOD_SPAN][PERIODS_MAX]; /* by frequency, of 2019 and 2020 */
    size_t period_count[PERIOD_SPAN];
    struct known cells[ELEMENTS_MAX][UNITS_MAX][PERIODS_MAX];
};

static void model_start(struct model *model, const struct catalogue *catalogue)
{
    const int32_t end = date_from_civil(2020, 12, 31);
    memset(model, 0, sizeof *model);
    model->catalogue = catalogue;
    CU_ASSERT_FATAL(catalogue->unit_count <= UNITS_MAX && catalogue->element_count <= ELEMENTS_MAX);
    for (int kind = PERIOD_WEEK; kind <= PERIOD_YEAR; kind++) {
        struct period p = period_of_day(date_from_civil(2019, 1, 1), (enum period_kind)kind);
        for (; p.first <= end; p = period_next(p)) /* the last week ends in 2021 */
            model->periods[kind][model->period_count[kind]++] = p;
    }
}

static const struct form *form_of(const struct model *model, uint32_t element)
{
    return &model->catalogue->forms[model->catalogue->elements[element].form];
}

static bool belongs(const struct model *model, uint32_t unit, struct scope scope, int32_t day)
{
    for (size_t i = 0; i < scope.unit_count; i++)
        if (catalogue_is_below(model->catalogue, unit, scope.units[i], day))
            return true;
    return false;
}

struct answer {
    uint64_t figures, reported, expected;
    __int128 sum, max, min;
};

static void answer_add(struct answer *answer, __int128 value)
{
    if (answer->figures == 0 || value > answer->max)
        answer->max = value;
    if (answer->figures == 0 || value < answer->min)
        answer->min = value;
    answer->sum += value;
    answer->figures++;
}

static void model_pairs(const struct model *model, uint32_t element, uint32_t unit, struct scope scope,
                        struct period asked, bool gather, struct answer *answer)
{
    const struct form *form = form_of(model, element);
    for (size_t i = 0; i < model->period_count[form->frequency]; i++) {
        const struct period p = model->periods[form->frequency][i];
        const struct known *cell = &model->cells[element][unit][i];
        if (!period_contains(asked, p) || !belongs(model, unit, scope, p.last))
            continue;
        if (catalogue_owes(model->catalogue, form, unit, p)) {
            answer->expected++;
            answer->reported += cell->live ? 1u : 0u;
        }
        if (gather && cell->figure)
            answer_add(answer, cell->value);
    }
}

static void model_stock(const struct model *model, uint32_t element, uint32_t unit, struct scope scope,
                        struct period asked, struct answer *answer)
{
    const struct form *form = form_of(model, element);
    const struct known *last = NULL;
    bool owed = false;
    for (size_t i = 0; i < model->period_count[form->frequency]; i++) {
        const struct period p = model->periods[form->frequency][i];
        if (!period_contains(asked, p) || !belongs(model, unit, scope, p.last))
            continue;
        owed = owed || catalogue_owes(model->catalogue, form, unit, p);
        if (model->cells[element][unit][i].live)
            last = &model->cells[element][unit][i];
    }
    answer->expected += owed ? 1u : 0u;
    answer->reported += owed && last != NULL ? 1u : 0u;
    if (last != NULL && last->figure)
        answer_add(answer, last->value);
}

static void model_base(const struct model *model, uint32_t element, uint32_t unit, struct scope scope,
                       struct period asked, struct answer *answer)
{
    const struct form *form = form_of(model, element);
    const struct period last_day = period_of_day(asked.last, PERIOD_DAY);
    const struct known *last = NULL;
    if (!belongs(model, unit, scope, asked.last) || !catalogue_unit_open(model->catalogue, unit, last_day))
        return;
    for (size_t i = 0; i < model->period_count[form->frequency]; i++)
        if (model->periods[form->frequency][i].first <= asked.last && model->cells[element][unit][i].live)
            last = &model->cells[element][unit][i];
    const bool has = last != NULL && last->figure;
    if (catalogue_owes(model->catalogue, form, unit, last_day)) {
        answer->expected++;
        answer->reported += has ? 1u : 0u;
    }
    if (has)
        answer_add(answer, last->value);
}

static int calendar_year(struct period period)
{
    int year, month, day;
    date_to_civil(period.last, &year, &month, &day);
    return year;
}

/* Form periods first..last (numbers), all inside and in the scope, of one unit: year by year. */
static void model_ytd_stretch(const struct model *model, uint32_t element, uint32_t unit, size_t first, size_t last,
                              struct answer *own)
{
    const struct period *periods = model->periods[form_of(model, element)->frequency];
    const struct known *cells = model->cells[element][unit];
    __int128 before = 0;
    if (first > 0 && calendar_year(periods[first - 1]) == calendar_year(periods[first])) {
        if (!cells[first - 1].figure)
            return;
        before = cells[first - 1].value;
    }
    for (size_t from = first; from <= last;) {
        const struct known *newest = NULL;
        size_t at = from;
        for (; at <= last && calendar_year(periods[at]) == calendar_year(periods[from]); at++)
            if (cells[at].figure)
                newest = &cells[at];
        if (newest != NULL)
            answer_add(own, newest->value - before);
        before = 0;
        from = at;
    }
}

static void model_ytd(const struct model *model, uint32_t element, uint32_t unit, struct scope scope,
                      struct period asked, struct answer *answer)
{
    const struct form *form = form_of(model, element);
    const size_t count = model->period_count[form->frequency];
    bool inside = false;
    size_t first = 0;
    model_pairs(model, element, unit, scope, asked, false, answer);
    for (size_t i = 0; i <= count; i++) {
        const bool now = i < count && period_contains(asked, model->periods[form->frequency][i]) &&
                         belongs(model, unit, scope, model->periods[form->frequency][i].last);
        if (now && !inside)
            first = i;
        if (!now && inside) {
            struct answer own = {0};
            model_ytd_stretch(model, element, unit, first, i - 1, &own);
            if (own.figures > 0)
                answer_add(answer, own.sum);
        }
        inside = now;
    }
}

static void model_ask(const struct model *model, uint32_t element, struct scope scope, struct period asked,
                      char *ret_text, size_t capacity)
{
    const struct element *meant = &model->catalogue->elements[element];
    struct answer answer = {0};
    char value[DECIMAL_TEXT] = "-";
    for (uint32_t unit = 0; unit < model->catalogue->unit_count; unit++) {
        if (model->catalogue->units[unit].level != form_of(model, element)->level)
            continue;
        switch (meant->kind) {
        case ELEMENT_FLOW:
            model_pairs(model, element, unit, scope, asked, true, &answer);
            break;
        case ELEMENT_STOCK:
            model_stock(model, element, unit, scope, asked, &answer);
            break;
        case ELEMENT_YTD:
            model_ytd(model, element, unit, scope, asked, &answer);
            break;
        case ELEMENT_BASE:
            model_base(model, element, unit, scope, asked, &answer);
            break;
        }
    }
    const __int128 figure = meant->aggregate == AGGREGATE_SUM   ? answer.sum
                            : meant->aggregate == AGGREGATE_MAX ? answer.max
                                                                : answer.min;
    if (answer.figures > 0)
        decimal_format((struct decimal){(int64_t)figure, meant->decimals}, value);
    snprintf(ret_text, capacity, "%s %llu/%llu %s", value, (unsigned long long)answer.reported,
             (unsigned long long)answer.expected,
             answer.figures == 0                   ? "missing"
             : answer.reported < answer.expected ? "partial"
                                                 : "complete");
}

/* ---- submissions ------------------------------------------------------------------------------------------------------------ */

struct row {
    uint32_t element, unit, period, revision;
    enum record_status status;
    int64_t value;
};

/* Each cell's revision has one value, whoever sends it and how often. Returns false where nobody could report. */
static bool random_row(const struct model *model, struct row *row)
{
    const struct catalogue *catalogue = model->catalogue;
    row->element = (uint32_t)dice(catalogue->element_count);
    const struct form *form = form_of(model, row->element);
    const struct level *level = &catalogue->levels[form->level];
    row->unit = level->unit_of_slot[dice(level->unit_count)];
    row->period = (uint32_t)dice(model->period_count[form->frequency]);
    row->revision = 1 + (uint32_t)dice(3);
    const uint64_t mix = ((uint64_t)row->element * 64 + row->unit) * 128 * 4 + row->period * 4 + row->revision;
    const uint64_t own = (mix * 0x9e3779b97f4a7c15u) >> 20;
    row->value = (int64_t)(own % 100000) - 20000;
    row->status = own % 10 == 0 ? RECORD_RETRACTED : own % 10 == 1 ? RECORD_CANNOT_EXIST : RECORD_NORMAL;
    if (row->status != RECORD_NORMAL)
        row->value = 0;
    return catalogue_unit_open(catalogue, row->unit, model->periods[form->frequency][row->period]);
}

static void model_take(struct model *model, const struct row *row)
{
    struct known *cell = &model->cells[row->element][row->unit][row->period];
    if (row->revision <= cell->revision)
        return;
    *cell = (struct known){row->revision, row->status != RECORD_RETRACTED, row->status == RECORD_NORMAL, row->value};
}

static int write_row(const struct model *model, const struct row *row, char *text, size_t capacity)
{
    const struct element *element = &model->catalogue->elements[row->element];
    char period[PERIOD_TEXT], value[DECIMAL_TEXT] = "";
    period_format(model->periods[form_of(model, row->element)->frequency][row->period], period);
    if (record_status_has_value(row->status))
        decimal_format((struct decimal){row->value, element->decimals}, value);
    return snprintf(text, capacity, "%s,%s,%s,%s,%u,%c\n", element->code, model->catalogue->units[row->unit].code,
                    period, value, row->revision, record_status_letter(row->status));
}

/* Feeds the rows in random order, in submissions of random size, some rows more than once. */
static void feed_shuffled(struct city *city, const struct model *model, struct row *rows, size_t count)
{
    static char text[65536];
    for (size_t i = count; i > 1; i--) {
        const size_t other = dice(i);
        const struct row swap = rows[i - 1];
        rows[i - 1] = rows[other];
        rows[other] = swap;
    }
    for (size_t at = 0; at < count;) {
        size_t used = 0;
        for (size_t left = 1 + dice(400); left > 0 && at < count; left--) {
            const size_t which = dice(10) == 0 ? dice(at + 1) : at++;
            used += (size_t)write_row(model, &rows[which], text + used, sizeof text - used);
        }
        CU_ASSERT_FATAL(used < sizeof text);
        CU_ASSERT_EQUAL(city_feed(city, text), 0);
    }
}

/* ---- questions ---------------------------------------------------------------------------------------------------------------- */

static struct period random_period(void)
{
    const int32_t first = date_from_civil(2019, 1, 1);
    const int32_t day = first + (int32_t)dice(731);
    switch (dice(8)) {
    case 0:
        return period_of_day(day, PERIOD_YEAR);
    case 1:
        return period_of_day(day, PERIOD_QUARTER);
    case 2:
        return period_of_day(day, PERIOD_HALF);
    case 3:
        return period_of_day(day, PERIOD_MONTH);
    case 4:
        return period_of_day(day, PERIOD_WEEK);
    case 5:
        return period_span(day, day + (int32_t)dice((uint64_t)(first + 731 - day)));
    default:
        return period_span(period_of_day(day, PERIOD_MONTH).first,
                           period_of_day(day + (int32_t)dice((uint64_t)(first + 731 - day)), PERIOD_MONTH).last);
    }
}

static size_t ask_random(struct city *city, const struct model *model, struct city *other)
{
    char period[PERIOD_TEXT], wanted[160], what[160];
    const struct catalogue *catalogue = city->catalogue;
    const uint32_t element = (uint32_t)dice(catalogue->element_count);
    const uint64_t who = dice(catalogue->unit_count + catalogue->group_count);
    const char *code = who < catalogue->unit_count ? catalogue->units[who].code
                                                   : catalogue->groups[who - catalogue->unit_count].code;
    uint32_t own;
    const struct scope scope = city_scope(city, code, &own);
    const struct period asked = random_period();
    period_format(asked, period);
    model_ask(model, element, scope, asked, wanted, sizeof wanted);
    snprintf(what, sizeof what, "%s of %s in %s", catalogue->elements[element].code, code, period);
    const char *got = city_ask(city, catalogue->elements[element].code, code, period);
    const bool same = strcmp(got, wanted) == 0;
    if (!same)
        city_equal(what, got, wanted);
    const char *again = city_ask(other, catalogue->elements[element].code, code, period);
    if (strcmp(again, wanted) != 0)
        city_equal(what, again, wanted);
    return same ? 0 : 1;
}

static void any_order_and_any_repetition_give_the_figures_of_the_naive_model(void)
{
    static struct model model;
    static struct row rows[6000];
    static const size_t sizes[] = {40, 600, 6000};
    for (size_t round = 0; round < ARRAY_LEN(sizes); round++) {
        struct city city, other;
        size_t wrong = 0;
        city_open(&city, files, ARRAY_LEN(files));
        city_open(&other, files, ARRAY_LEN(files));
        model_start(&model, city.catalogue);
        for (size_t i = 0; i < sizes[round];)
            if (random_row(&model, &rows[i]))
                model_take(&model, &rows[i++]);
        feed_shuffled(&city, &model, rows, sizes[round]);
        feed_shuffled(&other, &model, rows, sizes[round]);
        for (size_t i = 0; i < 2000 && wrong < 5; i++)
            wrong += ask_random(&city, &model, &other);
        CU_ASSERT_EQUAL(wrong, 0);
        city_close(&city);
        city_close(&other);
    }
}

int main(void)
{
    random_start("model");
    const struct sentence sentences[] = {
        SENTENCE(any_order_and_any_repetition_give_the_figures_of_the_naive_model),
    };
    return suite_run("model", sentences, ARRAY_LEN(sentences));
}
