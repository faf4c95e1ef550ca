/* goal_arithmetic.c - proves the arithmetic of goals (CONTRACT 2) without a single figure: whether the parts of each
 * whole (goal_parts.c) can come to it, and whether whoever owes the figures has a goal at all. */
#include "goal_inside.h"

#include "expression.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

static void number_text(char ret_text[24], size_t number)
{
    (void)snprintf(ret_text, 24, "%zu", number);
}

/* Parts that do not come up to the whole are an error: the plan promises what nobody is asked for. A cap divided into
 * smaller ones keeps its promise, so there the same finding is a warning and the catalogue can be used. */
static void check_sum(struct loader *loader, const struct whole *whole)
{
    __int128 sum = 0;
    uint8_t decimals = whole->goal->value.scale;
    char sum_text[EXACT_TEXT], whole_text[EXACT_TEXT], count[24];
    bool below;
    for (size_t i = 0; i < whole->part_count; i++) {
        const struct decimal value = whole->parts[i]->value;
        sum += exact(value);
        decimals = value.scale > decimals ? value.scale : decimals;
    }
    if (sum == exact(whole->goal->value))
        return;
    below = sum < exact(whole->goal->value);
    exact_text(sum, decimals, sum_text);
    exact_text(exact(whole->goal->value), whole->goal->value.scale, whole_text);
    number_text(count, whole->part_count);
    report_goal(loader, below && whole->goal->op != COMPARE_LE ? FINDING_ERROR : FINDING_WARNING, whole->goal,
                below ? MESSAGE_PARTS_BELOW_GOAL : MESSAGE_PARTS_ABOVE_GOAL, sum_text, whole_text, count,
                compare_text(whole->goal->op));
}

/* A pooled ratio lies between the smallest and the largest of its parts, whatever their weights. */
static void check_mean(struct loader *loader, const struct whole *whole)
{
    const struct goal *least = whole->parts[0], *most = whole->parts[0];
    char whole_text[EXACT_TEXT], part_text[EXACT_TEXT];
    if (whole->goal->op == COMPARE_LE)
        return;
    for (size_t i = 1; i < whole->part_count; i++) {
        const struct goal *part = whole->parts[i];
        least = exact(part->value) < exact(least->value) ? part : least;
        most = exact(part->value) > exact(most->value) ? part : most;
    }
    exact_text(exact(whole->goal->value), whole->goal->value.scale, whole_text);
    if (exact(whole->goal->value) > exact(most->value)) {
        exact_text(exact(most->value), most->value.scale, part_text);
        report_goal(loader, FINDING_WARNING, whole->goal, MESSAGE_GOAL_ABOVE_ALL_PARTS, whole_text, part_text,
                    most->code, NULL);
    } else if (exact(whole->goal->value) > exact(least->value)) {
        exact_text(exact(least->value), least->value.scale, part_text);
        report_goal(loader, FINDING_INFO, whole->goal, MESSAGE_GOAL_DEPENDS_ON_WEIGHTS, whole_text, part_text,
                    least->code, NULL);
    }
}

/* Units of the form among the covers that are in force on the day the whole is due. */
static size_t owing_in(const struct loader *loader, const struct form *form, const struct whole *whole,
                       const struct cover *covers, size_t count)
{
    const struct period span = period_span(whole->goal->start, whole->goal->due);
    size_t owing = 0;
    for (size_t i = 0; i < count; i++)
        if (covers[i].from <= whole->goal->due && covers[i].until >= whole->goal->due)
            owing += catalogue_owing(loader->catalogue, form, covers[i].first_slot, covers[i].slot_count, span);
    return owing;
}

/* Units strictly below the whole that owe the form. */
static size_t owing_below(const struct loader *loader, const struct form *form, const struct whole *whole)
{
    struct cover *covers = NULL;
    const size_t count = catalogue_cover(loader->catalogue, whole->goal->unit, form->level, &covers);
    size_t owing = owing_in(loader, form, whole, covers, count);
    if (catalogue_owes(loader->catalogue, form, whole->goal->unit, period_span(whole->goal->start, whole->goal->due)))
        owing--;
    free(covers);
    return owing;
}

/* Those of them that have a goal: their own, through a group, or on a unit in between. */
static size_t owing_with_goal(const struct loader *loader, const struct form *form, const struct whole *whole,
                              const uint32_t *units, size_t unit_count)
{
    struct cover *covers = NULL;
    const size_t count = catalogue_cover_units(loader->catalogue, units, unit_count, form->level, &covers);
    const size_t owing = owing_in(loader, form, whole, covers, count);
    free(covers);
    return owing;
}

static uint32_t *units_of_chosen(const struct loader *loader, const struct whole *whole, size_t *ret_count)
{
    uint32_t *units = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < whole->chosen_count; i++) {
        const struct goal *goal = whole->chosen[i];
        const bool one = goal->group == NO_INDEX;
        const struct group *group = one ? NULL : &loader->catalogue->groups[goal->group];
        const size_t more = one ? 1 : group->unit_count;
        units = memory_grow(units, &capacity, count + more, sizeof(*units));
        for (size_t j = 0; j < more; j++)
            units[count++] = one ? goal->unit : group->units[j];
    }
    *ret_count = count;
    return units;
}

static void report_scope(struct loader *loader, const struct whole *whole, enum message message, size_t covered,
                         size_t owing, const char *forms)
{
    char covered_text[24], owing_text[24];
    number_text(covered_text, covered);
    number_text(owing_text, owing);
    if (message == MESSAGE_NO_BREAKDOWN)
        report_goal(loader, FINDING_INFO, whole->goal, message, owing_text, forms, NULL, NULL);
    else
        report_goal(loader, FINDING_INFO, whole->goal, message, covered_text, owing_text, forms, NULL);
}

/* Units of a level among the covers that owe one of the indicator's forms at least: each is counted once. */
static size_t owing_any(const struct loader *loader, uint32_t level, const struct whole *whole, const uint32_t *units,
                        size_t unit_count)
{
    const struct catalogue *catalogue = loader->catalogue;
    const struct shape *shape = whole->shape;
    const struct period span = period_span(whole->goal->start, whole->goal->due);
    struct cover *covers = NULL;
    const size_t count = catalogue_cover_units(catalogue, units, unit_count, level, &covers);
    size_t owing = 0;
    for (size_t i = 0; i < count; i++) {
        if (covers[i].from > whole->goal->due || covers[i].until < whole->goal->due)
            continue;
        for (uint32_t slot = 0; slot < covers[i].slot_count; slot++) {
            const uint32_t unit = catalogue->levels[level].unit_of_slot[covers[i].first_slot + slot];
            bool owes = false;
            for (size_t j = 0; j < shape->form_count && !owes && unit != whole->goal->unit; j++)
                owes = catalogue->forms[shape->forms[j]].level == level &&
                       catalogue_owes(catalogue, &catalogue->forms[shape->forms[j]], unit, span);
            owing += owes ? 1u : 0u;
        }
    }
    free(covers);
    return owing;
}

/* The codes of the indicator's forms, one after the other; the sentence cuts what is too long for it. */
static void list_forms(const struct loader *loader, const struct whole *whole, char *ret_text, size_t capacity)
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < whole->shape->form_count; i++) {
        const int wrote = snprintf(ret_text + length, capacity - length, "%s%s", i == 0 ? "" : ", ",
                                   loader->catalogue->forms[whole->shape->forms[i]].code);
        if (wrote < 0 || (size_t)wrote >= capacity - length)
            return;
        length += (size_t)wrote;
    }
}

/* What counts reports concerns whoever owes any form, and the sentence names them all. */
static void check_scope_of_reports(struct loader *loader, const struct whole *whole)
{
    char forms[512];
    size_t unit_count = 0, owing = 0, covered = 0;
    uint32_t *units;
    if (whole->chosen_count == 0 && !whole->shape->elements)
        return;
    units = units_of_chosen(loader, whole, &unit_count);
    for (uint32_t level = 0; level < loader->catalogue->level_count; level++) {
        owing += owing_any(loader, level, whole, &whole->goal->unit, 1);
        covered += unit_count == 0 ? 0 : owing_any(loader, level, whole, units, unit_count);
    }
    list_forms(loader, whole, forms, sizeof(forms));
    if (covered > 0 && covered < owing)
        report_scope(loader, whole, MESSAGE_PARTIAL_SCOPE, covered, owing, forms);
    else if (owing > 0 && whole->chosen_count == 0)
        report_scope(loader, whole, MESSAGE_NO_BREAKDOWN, 0, owing, forms);
    free(units);
}

/* Who owes the forms behind the indicator and has a goal. The sentence speaks of the form with the widest gap. */
static void check_scope(struct loader *loader, const struct whole *whole)
{
    const struct catalogue *catalogue = loader->catalogue;
    size_t unit_count = 0, all_owing = 0, all_covered = 0, widest_owing = 0, widest_covered = 0;
    uint32_t *units = units_of_chosen(loader, whole, &unit_count);
    const struct form *widest = NULL;
    for (size_t i = 0; i < whole->shape->form_count; i++) {
        const struct form *form = &catalogue->forms[whole->shape->forms[i]];
        size_t owing, covered;
        if (form->level == NO_INDEX)
            continue;
        owing = owing_below(loader, form, whole);
        covered = unit_count == 0 || owing == 0 ? 0 : owing_with_goal(loader, form, whole, units, unit_count);
        all_owing += owing;
        all_covered += covered;
        if (owing > covered && (widest == NULL || owing - covered > widest_owing - widest_covered)) {
            widest = form;
            widest_owing = owing;
            widest_covered = covered;
        }
    }
    if (widest != NULL && all_covered > 0 && all_covered < all_owing)
        report_scope(loader, whole, MESSAGE_PARTIAL_SCOPE, widest_covered, widest_owing, widest->code);
    else if (widest != NULL && whole->chosen_count == 0 && whole->shape->elements)
        report_scope(loader, whole, MESSAGE_NO_BREAKDOWN, 0, widest_owing, widest->code);
    free(units);
}

static void check_whole(void *context, const struct whole *whole)
{
    struct loader *loader = context;
    if (whole->part_count > 0 && whole->shape->adds)
        check_sum(loader, whole);
    if (whole->part_count > 0 && whole->shape->averages)
        check_mean(loader, whole);
    if (whole->shape->reports)
        check_scope_of_reports(loader, whole);
    else
        check_scope(loader, whole);
}

static void check_claims_of(void *context, const struct goal *const *goals, size_t count)
{
    check_claims(context, goals, count);
}

void goal_arithmetic_check(struct loader *loader)
{
    const struct goal_visitor visitor = {loader, check_claims_of, check_whole};
    goal_walk(loader->catalogue, &visitor);
}
