/* answer_progress.c - `progress`: each goal on a day, judged by progress.h, printed with the decimals of its indicator. */
#include "answer.h"
#include "memory.h"
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const columns[] = {
    "goal",   "indicator", "unit",     "unit_name",     "op",        "value",    "due",      "actual", "attainment_pct",
    "expected_by_now", "status", "forecast", "required_rate", "reachable", "reported", "expected", "office",
};

struct filter {
    bool by_unit;
    struct place place;
    uint32_t level;
    const char *office;
    int32_t on;
};

static struct place place_of_goal(const struct catalogue *catalogue, const struct goal *goal)
{
    return (struct place){goal->unit, goal->group, progress_scope(catalogue, goal)};
}

/* By the tree as it stands now: goals are set for units of today. */
static bool is_below_now(const struct catalogue *catalogue, uint32_t unit, struct place place)
{
    for (size_t i = 0; i < place.scope.unit_count; i++) {
        const struct unit *whole = &catalogue->units[place.scope.units[i]];
        const uint32_t position = catalogue->units[unit].position;
        if (position >= whole->position && position < whole->subtree_end)
            return true;
    }
    return false;
}

/* Indicators may have several offices: "社会救助处、财务处". */
static bool office_matches(const char *offices, const char *wanted)
{
    static const char *const separators[] = {"、", ",", "，", "/", ";", "；"};
    const size_t wanted_length = strlen(wanted);
    const char *start = offices, *at = offices;
    if (strcmp(offices, wanted) == 0)
        return true;
    for (;;) {
        size_t skip = 0;
        for (size_t i = 0; i < ARRAY_LEN(separators) && skip == 0; i++)
            if (strncmp(at, separators[i], strlen(separators[i])) == 0)
                skip = strlen(separators[i]);
        if (skip > 0 || *at == '\0') {
            while (start < at && *start == ' ')
                start++;
            const char *end = at;
            while (end > start && end[-1] == ' ')
                end--;
            if ((size_t)(end - start) == wanted_length && strncmp(start, wanted, wanted_length) == 0)
                return true;
            if (*at == '\0')
                return false;
            start = at + skip;
        }
        at += skip > 0 ? skip : 1;
    }
}

/* The offices of the catalogue, each spelling once, as far as a sentence can hold them. */
static void list_offices(const struct catalogue *catalogue, char *ret_text, size_t capacity)
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < catalogue->indicator_count; i++) {
        const char *office = catalogue->indicators[i].office;
        bool is_new = office[0] != '\0';
        for (size_t j = 0; j < i && is_new; j++)
            is_new = strcmp(catalogue->indicators[j].office, office) != 0;
        if (!is_new)
            continue;
        const int wrote = snprintf(ret_text + length, capacity - length, "%s%s", length > 0 ? ", " : "", office);
        if (wrote < 0 || (size_t)wrote >= capacity - length)
            return;
        length += (size_t)wrote;
    }
}

static enum status check_office(const struct catalogue *catalogue, const char *office, struct fault *why)
{
    char offices[1024];
    for (size_t i = 0; i < catalogue->indicator_count; i++)
        if (office_matches(catalogue->indicators[i].office, office))
            return STATUS_OK;
    list_offices(catalogue, offices, sizeof offices);
    fault_set(why, MESSAGE_ASK_UNKNOWN_OFFICE, office, offices, NULL);
    return STATUS_REFUSED;
}

static bool is_asked(const struct catalogue *catalogue, const struct goal *goal, const struct filter *filter)
{
    const struct scope scope = progress_scope(catalogue, goal);
    if (filter->level != NO_INDEX && (goal->unit == NO_INDEX || catalogue->units[goal->unit].level != filter->level))
        return false;
    if (filter->office != NULL && !office_matches(catalogue->indicators[goal->indicator].office, filter->office))
        return false;
    for (size_t i = 0; filter->by_unit && i < scope.unit_count; i++)
        if (!is_below_now(catalogue, scope.units[i], filter->place))
            return false;
    return true;
}

static void add_goal(struct asking *asking, const struct goal *goal, const struct progress *progress)
{
    const struct indicator *indicator = &asking->catalogue->indicators[goal->indicator];
    const struct place place = place_of_goal(asking->catalogue, goal);
    char *name = place_name(asking->catalogue, place, asking->language), value[DECIMAL_TEXT];
    struct table *table = asking->table;
    decimal_format(goal->value, value);
    table_add(table, goal->code);
    table_add(table, indicator->code);
    table_add(table, place_code(asking->catalogue, place));
    table_add(table, name);
    table_add(table, compare_text(goal->op));
    table_add(table, value);
    add_date(table, goal->due);
    add_ratio(table, progress->has_actual, progress->actual, indicator->decimals);
    add_ratio(table, progress->has_attainment, progress->attainment_pct, 1);
    add_ratio(table, progress->has_expected, progress->expected_by_now, indicator->decimals);
    table_add(table, goal_status_text(progress->status));
    add_ratio(table, progress->has_forecast, progress->forecast, indicator->decimals);
    add_ratio(table, progress->has_required_rate, progress->required_rate, indicator->decimals);
    table_add(table, progress->reachable != REACHABLE_UNKNOWN ? reachable_text(progress->reachable) : NULL);
    table_add_number(table, progress->reported);
    table_add_number(table, progress->expected);
    table_add(table, indicator->office[0] != '\0' ? indicator->office : NULL);
    free(name);
}

enum status answer_progress(struct asking *asking)
{
    struct filter filter = {.by_unit = asking_option(asking, "unit") != NULL, .office = asking_option(asking, "office"),
                            .on = asking->today};
    struct progress progress;
    enum status status = asking_place(asking, "unit", &filter.place);
    if (status == STATUS_OK)
        status = asking_level(asking, "level", &filter.level);
    if (status == STATUS_OK)
        status = asking_date(asking, "on", &filter.on);
    if (status == STATUS_OK && filter.office != NULL)
        status = check_office(asking->catalogue, filter.office, asking->why);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, ARRAY_LEN(columns));
    progress_init(&progress);
    for (uint32_t i = 0; i < asking->catalogue->goal_count && status == STATUS_OK; i++) {
        const struct goal *goal = &asking->catalogue->goals[i];
        if (!is_asked(asking->catalogue, goal, &filter))
            continue;
        status = progress_judge(asking->figures, i, filter.on, true, &progress, asking->why);
        if (status == STATUS_OK)
            add_goal(asking, goal, &progress);
    }
    progress_clear(&progress);
    return status;
}
