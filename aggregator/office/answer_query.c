/* answer_query.c - `query`: figures of indicators and elements, by unit and by period, with the changes against the
 * year before and the period before. Every row is computed on its own from the abacus; nothing is averaged. */
#include "answer.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* The ten columns always there, then room for what --compare adds. */
const char *const query_columns[12] = {"code",     "unit",     "unit_name", "period", "value",   "numerator",
                                       "denominator", "reported", "expected",  "flag",   "yoy_pct", "mom_pct"};
static const char *const columns_mom[11] = {"code",        "unit",     "unit_name", "period", "value",  "numerator",
                                            "denominator", "reported", "expected",  "flag",   "mom_pct"};

enum change { CHANGE_YOY, CHANGE_MOM };

/* What is asked, checked. */
struct query {
    struct subject *subjects;
    size_t subject_count;
    uint32_t *units; /* in tree order; NULL: the place itself */
    size_t unit_count;
    struct period *periods;
    size_t period_count;
    const char *period_text; /* the one period as it was asked for; NULL: by their names */
    enum change changes[2];
    size_t change_count;
};

static enum status read_figure(struct figures *figures, struct subject subject, struct scope scope,
                               struct period period, struct figure *ret_figure, struct fault *why)
{
    return subject.indicator != NO_INDEX ? figures_indicator(figures, subject.indicator, scope, period, ret_figure, why)
                                         : figures_element(figures, subject.element, scope, period, ret_figure, why);
}

enum status add_figure(struct figures *figures, const struct catalogue *catalogue, struct subject subject,
                       struct place place, struct period period, const char *period_text, enum language language,
                       struct table *table, struct figure *ret_figure, struct fault *why)
{
    const bool indicator = subject.indicator != NO_INDEX;
    const enum status status = read_figure(figures, subject, place.scope, period, ret_figure, why);
    char *name;
    if (status != STATUS_OK)
        return status;
    name = place_name(catalogue, place, language);
    table_add(table, indicator ? catalogue->indicators[subject.indicator].code
                               : catalogue->elements[subject.element].code);
    table_add(table, place_code(catalogue, place));
    table_add(table, name);
    free(name);
    if (period_text != NULL)
        table_add(table, period_text);
    else
        add_period(table, period);
    add_ratio(table, ret_figure->value_state == FIGURE_PRESENT, ret_figure->value, ret_figure->value_decimals);
    add_ratio(table, indicator && ret_figure->numerator_state == FIGURE_PRESENT, ret_figure->numerator,
              ret_figure->numerator_decimals);
    add_ratio(table, indicator && ret_figure->denominator_state == FIGURE_PRESENT, ret_figure->denominator,
              ret_figure->denominator_decimals);
    table_add_number(table, ret_figure->reported);
    table_add_number(table, ret_figure->expected);
    table_add(table, figure_flag_text(figure_flag(ret_figure)));
    return STATUS_OK;
}

/* (value - base) / base in percent, exact until printed. */
static void add_change(struct table *table, const struct figure *now, const struct figure *base)
{
    mpq_t change, hundred;
    if (now->value_state != FIGURE_PRESENT || base->value_state != FIGURE_PRESENT || mpq_sgn(base->value) == 0) {
        table_add(table, NULL);
        return;
    }
    mpq_inits(change, hundred, NULL);
    ratio_set_int64(hundred, 100);
    mpq_sub(change, now->value, base->value);
    mpq_div(change, change, base->value);
    mpq_mul(change, change, hundred);
    add_ratio(table, true, change, 1);
    mpq_clears(change, hundred, NULL);
}

static enum status add_row(struct asking *asking, const struct query *query, struct subject subject,
                           struct place place, struct period period, struct figure *now, struct figure *base)
{
    enum status status = add_figure(asking->figures, asking->catalogue, subject, place, period, query->period_text,
                                    asking->language, asking->table, now, asking->why);
    for (size_t i = 0; status == STATUS_OK && i < query->change_count; i++) {
        struct period before = period;
        if (query->changes[i] == CHANGE_MOM)
            before = period_previous(period);
        else if (!period_year_before(period, &before)) {
            table_add(asking->table, NULL); /* a 53rd week, 29 February */
            continue;
        }
        status = read_figure(asking->figures, subject, place.scope, before, base, asking->why);
        if (status == STATUS_OK)
            add_change(asking->table, now, base);
    }
    return status;
}

/* ---- options ------------------------------------------------------------------------------------------------------- */

static enum status add_subject(struct asking *asking, struct query *query, size_t *capacity, const char *code)
{
    struct subject subject = {catalogue_indicator(asking->catalogue, code), NO_INDEX};
    if (subject.indicator == NO_INDEX)
        subject.element = catalogue_element(asking->catalogue, code);
    if (subject.indicator == NO_INDEX && subject.element == NO_INDEX) {
        fault_set(asking->why, MESSAGE_ASK_UNKNOWN_CODE, code, NULL);
        return STATUS_REFUSED;
    }
    query->subjects = memory_grow(query->subjects, capacity, query->subject_count + 1, sizeof *query->subjects);
    query->subjects[query->subject_count++] = subject;
    return STATUS_OK;
}

static enum status choose_subjects(struct asking *asking, struct query *query)
{
    const char *list = asking_option(asking, "operand");
    size_t capacity = 0;
    enum status status = STATUS_OK;
    if (list == NULL) {
        query->subjects = memory_array(asking->catalogue->indicator_count, sizeof *query->subjects);
        for (uint32_t i = 0; i < asking->catalogue->indicator_count; i++)
            query->subjects[query->subject_count++] = (struct subject){i, NO_INDEX};
        return STATUS_OK;
    }
    while (status == STATUS_OK) {
        const size_t length = strcspn(list, ",");
        char *code = memory_copy_text_length(list, length);
        status = add_subject(asking, query, &capacity, code);
        free(code);
        if (list[length] == '\0')
            break;
        list += length + 1;
    }
    return status;
}

static enum status choose_periods(struct asking *asking, struct query *query, struct period *ret_whole)
{
    const char *by = asking_option(asking, "by");
    struct period whole = asking_usual_period(asking), one = whole;
    enum period_kind kind = PERIOD_YEAR;
    enum status status = asking_period(asking, "period", &whole);
    if (status != STATUS_OK)
        return status;
    *ret_whole = whole;
    if (by == NULL) {
        query->period_text = asking_option(asking, "period");
        query->periods = memory_new(struct period);
        query->periods[query->period_count++] = whole;
        return STATUS_OK;
    }
    if (!period_kind_by_name(by, &kind) || (kind != PERIOD_MONTH && kind != PERIOD_QUARTER && kind != PERIOD_YEAR)) {
        fault_set(asking->why, MESSAGE_ASK_BAD_CHOICE, "by", by, "month, quarter, year", NULL);
        return STATUS_REFUSED;
    }
    query->periods = memory_array(period_count_inside(whole, kind), sizeof *query->periods);
    for (bool more = period_first_inside(whole, kind, &one); more; more = period_next_inside(whole, &one))
        query->periods[query->period_count++] = one;
    return STATUS_OK;
}

static enum status choose_units(struct asking *asking, struct query *query, struct place place, struct period whole)
{
    uint32_t level;
    const struct level *units;
    enum status status = asking_level(asking, "level", &level);
    if (status != STATUS_OK || level == NO_INDEX)
        return status;
    units = &asking->catalogue->levels[level];
    query->units = memory_array(units->unit_count, sizeof *query->units);
    for (uint32_t slot = 0; slot < units->unit_count; slot++)
        if (place_holds(asking->catalogue, place, units->unit_of_slot[slot], whole))
            query->units[query->unit_count++] = units->unit_of_slot[slot];
    return STATUS_OK;
}

static enum status choose_changes(struct asking *asking, struct query *query)
{
    const char *list = asking_option(asking, "compare");
    while (list != NULL) {
        const size_t length = strcspn(list, ",");
        const bool yoy = length == 3 && strncmp(list, "yoy", 3) == 0, mom = length == 3 && strncmp(list, "mom", 3) == 0;
        const enum change change = yoy ? CHANGE_YOY : CHANGE_MOM;
        if ((!yoy && !mom) || query->change_count == 2 || (query->change_count == 1 && query->changes[0] == change)) {
            fault_set(asking->why, MESSAGE_ASK_BAD_CHOICE, "compare", asking_option(asking, "compare"),
                      "yoy | mom | yoy,mom | mom,yoy", NULL);
            return STATUS_REFUSED;
        }
        query->changes[query->change_count++] = change;
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    if (query->change_count == 2) { /* the columns have one order, however they are asked for */
        query->changes[0] = CHANGE_YOY;
        query->changes[1] = CHANGE_MOM;
    }
    return STATUS_OK;
}

static void start_columns(struct asking *asking, const struct query *query)
{
    const bool only_mom = query->change_count == 1 && query->changes[0] == CHANGE_MOM;
    table_start(asking->table, only_mom ? columns_mom : query_columns, 10 + query->change_count);
}

static enum status add_rows(struct asking *asking, const struct query *query, struct place place)
{
    struct figure now, base;
    const size_t unit_count = query->units != NULL ? query->unit_count : 1;
    enum status status = STATUS_OK;
    figure_init(&now);
    figure_init(&base);
    for (size_t s = 0; s < query->subject_count && status == STATUS_OK; s++)
        for (size_t u = 0; u < unit_count && status == STATUS_OK; u++)
            for (size_t p = 0; p < query->period_count && status == STATUS_OK; p++) {
                const struct place here = query->units != NULL ? place_of_unit(asking->office, query->units[u]) : place;
                status = add_row(asking, query, query->subjects[s], here, query->periods[p], &now, &base);
            }
    figure_clear(&now);
    figure_clear(&base);
    return status;
}

enum status answer_query(struct asking *asking)
{
    struct query query = {.subjects = NULL};
    struct period whole;
    struct place place;
    enum status status = choose_subjects(asking, &query);
    if (status == STATUS_OK)
        status = asking_place(asking, "unit", &place);
    if (status == STATUS_OK)
        status = choose_periods(asking, &query, &whole);
    if (status == STATUS_OK)
        status = choose_units(asking, &query, place, whole);
    if (status == STATUS_OK)
        status = choose_changes(asking, &query);
    if (status != STATUS_OK)
        goto done;
    start_columns(asking, &query);
    /* Three factors below their limits cannot overflow: 65536 bytes of codes, the units, 97,200 months. */
    status = asking_room(asking, query.subject_count * (query.units != NULL ? query.unit_count : 1) *
                                     query.period_count);
    if (status == STATUS_OK)
        status = add_rows(asking, &query, place);
done:
    free(query.subjects);
    free(query.units);
    free(query.periods);
    return status;
}
