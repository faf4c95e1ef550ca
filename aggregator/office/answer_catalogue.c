/* answer_catalogue.c - `catalogue show`: everything the catalogue defines, one row a thing. */
#include "answer.h"
#include "expression.h"
#include "memory.h"
#include "readable.h"
#include "text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* detail is for reading; what a program needs of an indicator or a goal has a column of its own. */
static const char *const columns[] = {"kind", "code", "name", "detail", "measure", "section", "office", "claim"};

/* Whether the comma-separated list holds the word. */
static bool list_holds(const char *list, const char *word)
{
    for (;;) {
        const size_t length = strcspn(list, ",");
        if (length == strlen(word) && strncmp(list, word, length) == 0)
            return true;
        if (list[length] == '\0')
            return false;
        list += length + 1;
    }
}

static void add_thing(struct asking *asking, const char *kind, const char *code, const char *name,
                      const char *detail_format, ...) PRINTF_LIKE(5, 6);

static void add_thing(struct asking *asking, const char *kind, const char *code, const char *name,
                      const char *detail_format, ...)
{
    char detail[LIMIT_TEXT_BYTES * 2 + 256] = "";
    va_list arguments;
    va_start(arguments, detail_format);
    const int length = vsnprintf(detail, sizeof detail, detail_format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof detail)
        detail[text_cut(detail, sizeof detail - 1, sizeof detail - 4)] = '\0';
    table_add(asking->table, kind);
    table_add(asking->table, code);
    table_add(asking->table, name);
    table_add(asking->table, detail);
}

/* The columns after detail; "" is absent. */
static void add_facts(struct asking *asking, const char *measure, const char *section, const char *office,
                      const char *claim)
{
    const char *const facts[] = {measure, section, office, claim};
    for (size_t i = 0; i < ARRAY_LEN(facts); i++)
        table_add(asking->table, facts[i][0] != '\0' ? facts[i] : NULL);
}

static void add_units(struct asking *asking)
{
    const struct catalogue *catalogue = asking->catalogue;
    uint32_t *by_position = memory_array(catalogue->unit_count, sizeof *by_position);
    for (uint32_t i = 0; i < catalogue->unit_count; i++)
        by_position[catalogue->units[i].position] = i;
    for (size_t i = 0; i < catalogue->unit_count; i++) {
        const struct unit *unit = &catalogue->units[by_position[i]];
        add_thing(asking, "unit", unit->code, name_in(asking->language, unit->name_zh, unit->name_en),
                  "level=%s parent=%s", catalogue->levels[unit->level].name,
                  unit->parent != NO_INDEX ? catalogue->units[unit->parent].code : "");
        add_facts(asking, "", "", "", "");
    }
    free(by_position);
}

static void add_groups(struct asking *asking)
{
    for (size_t i = 0; i < asking->catalogue->group_count; i++) {
        const struct group *group = &asking->catalogue->groups[i];
        const struct place place = {NO_INDEX, (uint32_t)i, {group->units, group->unit_count}};
        char *name = place_name(asking->catalogue, place, asking->language);
        add_thing(asking, "group", group->code, name, "units=%zu", group->unit_count);
        add_facts(asking, "", "", "", "");
        free(name);
    }
}

static void add_forms(struct asking *asking)
{
    const struct catalogue *catalogue = asking->catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = &catalogue->forms[i];
        add_thing(asking, "form", form->code, name_in(asking->language, form->name_zh, form->name_en),
                  "frequency=%s level=%s due_days=%d office=%s", period_kind_name(form->frequency),
                  catalogue->levels[form->level].name, (int)form->due_days, form->office);
        add_facts(asking, "", "", form->office, "");
    }
}

static void add_elements(struct asking *asking)
{
    static const char *const kinds[] = {
        [ELEMENT_FLOW] = "flow", [ELEMENT_STOCK] = "stock", [ELEMENT_YTD] = "ytd", [ELEMENT_BASE] = "base"};
    static const char *const aggregates[] = {
        [AGGREGATE_SUM] = "sum", [AGGREGATE_MAX] = "max", [AGGREGATE_MIN] = "min"};
    const struct catalogue *catalogue = asking->catalogue;
    for (size_t i = 0; i < catalogue->element_count; i++) {
        const struct element *element = &catalogue->elements[i];
        add_thing(asking, "element", element->code, name_in(asking->language, element->name_zh, element->name_en),
                  "form=%s kind=%s aggregate=%s unit=%s decimals=%u", catalogue->forms[element->form].code,
                  kinds[element->kind], aggregates[element->aggregate], element->unit_zh, (unsigned)element->decimals);
        add_facts(asking, element->unit_zh, "", "", "");
    }
}

static void add_indicators(struct asking *asking)
{
    for (size_t i = 0; i < asking->catalogue->indicator_count; i++) {
        const struct indicator *indicator = &asking->catalogue->indicators[i];
        char factor[DECIMAL_TEXT];
        decimal_format(indicator->factor, factor);
        add_thing(asking, "indicator", indicator->code,
                  name_in(asking->language, indicator->name_zh, indicator->name_en),
                  "numerator=%s denominator=%s factor=%s decimals=%u better=%s section=%s office=%s",
                  indicator->numerator_text, indicator->denominator_text, factor, (unsigned)indicator->decimals,
                  indicator->better == BETTER_UP ? "up" : "down", indicator->section, indicator->office);
        add_facts(asking, readable_measure(asking->catalogue, indicator, asking->language), indicator->section,
                  indicator->office, "");
    }
}

static void add_goals(struct asking *asking)
{
    const struct catalogue *catalogue = asking->catalogue;
    for (size_t i = 0; i < catalogue->goal_count; i++) {
        const struct goal *goal = &catalogue->goals[i];
        const struct indicator *indicator = &catalogue->indicators[goal->indicator];
        char value[DECIMAL_TEXT], due[DATE_TEXT];
        decimal_format(goal->value, value);
        date_format(goal->due, due);
        add_thing(asking, "goal", goal->code, name_in(asking->language, indicator->name_zh, indicator->name_en),
                  "indicator=%s unit=%s op=%s value=%s due=%s claim=%s", indicator->code,
                  goal->unit != NO_INDEX ? catalogue->units[goal->unit].code : catalogue->groups[goal->group].code,
                  compare_text(goal->op), value, due, goal->claim);
        add_facts(asking, readable_measure(catalogue, indicator, asking->language), indicator->section, indicator->office,
                  goal->claim);
    }
}

static void add_rules(struct asking *asking)
{
    const struct catalogue *catalogue = asking->catalogue;
    for (size_t i = 0; i < catalogue->rule_count; i++) {
        const struct rule *rule = &catalogue->rules[i];
        add_thing(asking, "rule", rule->code, name_in(asking->language, rule->message_zh, rule->message_en),
                  "form=%s check=%s severity=%s", catalogue->forms[rule->form].code, rule->check_text,
                  rule->severity == SEVERITY_HARD ? "hard" : "soft");
        add_facts(asking, "", "", "", "");
    }
}

static void add_title(struct asking *asking)
{
    add_thing(asking, "catalogue", asking->catalogue->name, asking->catalogue->title, "version=%s timezone=%s",
              asking->catalogue->version, asking->catalogue->timezone);
    add_facts(asking, "", "", "", "");
}

/* In the order of the rows. */
static const struct {
    const char *kind;
    void (*add)(struct asking *asking);
} things[] = {
    {"catalogue", add_title},   {"unit", add_units},           {"group", add_groups}, {"form", add_forms},
    {"element", add_elements}, {"indicator", add_indicators}, {"goal", add_goals},   {"rule", add_rules},
};

static bool is_wanted(const struct asking *asking, const char *kind)
{
    const char *list = asking_option(asking, "kind");
    return list == NULL || list_holds(list, kind);
}

static enum status check_kinds(const struct asking *asking)
{
    const char *list = asking_option(asking, "kind");
    size_t words = list != NULL ? 1 : 0, known = 0;
    for (const char *at = list; at != NULL && *at != '\0'; at++)
        words += *at == ',';
    for (size_t i = 0; list != NULL && i < ARRAY_LEN(things); i++)
        known += list_holds(list, things[i].kind);
    if (words == known)
        return STATUS_OK;
    fault_set(asking->why, MESSAGE_ASK_BAD_CHOICE, "kind", list,
              "catalogue, unit, group, form, element, indicator, goal, rule", NULL);
    return STATUS_REFUSED;
}

enum status answer_catalogue(struct asking *asking)
{
    const char *operand = asking_option(asking, "operand");
    enum status status;
    if (operand != NULL && strcmp(operand, "show") != 0) {
        fault_set(asking->why, MESSAGE_ASK_OPERAND, "catalogue", operand, NULL);
        return STATUS_REFUSED;
    }
    status = check_kinds(asking);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < ARRAY_LEN(things); i++)
        if (is_wanted(asking, things[i].kind))
            things[i].add(asking);
    return STATUS_OK;
}
