/* goal_arithmetic.c - proves the arithmetic of goals (CONTRACT 2) without a single figure.
 *
 * A *whole* is a goal on a unit; its *parts* are the goals of the same indicator on units, or groups of units, below
 * it: those of the whole's own claim, or, where that claim says nothing there, those of the others. Where parts lie
 * above one another only the topmost count, or a town's goal would be added to the goal of its district:
 *
 *      city 100                 whole
 *      |- district A 60         part
 *      |  `- town A1 60         below a part: not added
 *      `- group B+C 50          part, stands for both; a goal on B alone lies below it
 *
 * Who lies below whom is asked for the day the whole is due. Everything is collected by walking up from each goal, so
 * the work is goals times depth: goals on every village of a province are checked as fast as they are read. */
#include "goal_parts.h"

#include "catalogue_internal.h"
#include "expression.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- exact values ------------------------------------------------------------------------------------------------ */

/* A value in units of 10^-9: an int64 of any allowed scale times any number of goals fits. */
static __int128 exact(struct decimal value)
{
    return (__int128)value.units * decimal_power_of_ten((uint8_t)(LIMIT_DECIMALS - value.scale));
}

#define EXACT_TEXT 56

/* Writes units of 10^-9 with `decimals` decimals, which must suffice. */
static void exact_text(__int128 value, uint8_t decimals, char ret_text[EXACT_TEXT])
{
    char digits[EXACT_TEXT];
    const bool negative = value < 0;
    __int128 rest = (negative ? -value : value) / decimal_power_of_ten((uint8_t)(LIMIT_DECIMALS - decimals));
    size_t count = 0, at = 0;
    while (rest > 0 || count <= decimals) {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (negative)
        ret_text[at++] = '-';
    while (count > 0) {
        if (count == decimals)
            ret_text[at++] = '.';
        ret_text[at++] = digits[--count];
    }
    ret_text[at] = '\0';
}

static void number_text(char ret_text[24], size_t number)
{
    (void)snprintf(ret_text, 24, "%zu", number);
}

/* ---- what an indicator's figures do when units are combined ------------------------------------------------------ */

struct shape {
    bool adds;     /* the whole's figure is the sum of its parts' */
    bool averages; /* ... is a weighted mean of its parts' */
    bool elements; /* some element is in it, not only counters */
    bool reports;  /* counters of reports are in it */
    uint32_t *forms;
    size_t form_count;
};

struct terms {
    size_t names, integers;
    bool summed, elements, reports;
};

static void look_at(const struct catalogue *catalogue, const struct expression *expression, struct terms *terms)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        if (term->kind == TERM_INTEGER) {
            terms->integers += term->factor != 0;
            continue;
        }
        terms->names++;
        if (term->kind == TERM_ELEMENT) {
            terms->elements = true;
            terms->summed = terms->summed && catalogue->elements[term->element].aggregate == AGGREGATE_SUM;
        } else if (term->kind != TERM_EXPECTED_UNITS) {
            terms->reports = true;
        }
    }
}

static void add_form(struct shape *shape, uint32_t form)
{
    for (size_t i = 0; i < shape->form_count; i++)
        if (shape->forms[i] == form)
            return;
    shape->forms[shape->form_count++] = form;
}

static void add_forms(const struct catalogue *catalogue, const struct expression *expression, bool base,
                      struct shape *shape)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        const struct element *element;
        if (term->kind != TERM_ELEMENT)
            continue;
        element = &catalogue->elements[term->element];
        if ((element->kind == ELEMENT_BASE) == base && element->form != NO_INDEX)
            add_form(shape, element->form);
    }
}

bool goal_counts_reports_of(const struct catalogue *catalogue, uint32_t form)
{
    bool another = false;
    for (size_t i = 0; i < catalogue->element_count; i++) {
        if (catalogue->elements[i].kind == ELEMENT_BASE || catalogue->elements[i].form == NO_INDEX)
            continue;
        if (catalogue->elements[i].form == form)
            return true;
        another = true;
    }
    return !another;
}

/* Forms behind the indicator: those of its elements, base elements only when there are no others; counters of reports
 * concern all those they count. */
static void find_forms(const struct catalogue *catalogue, const struct indicator *indicator, bool reports,
                       struct shape *shape)
{
    shape->forms = memory_array(reports ? catalogue->form_count : 2 * LIMIT_EXPRESSION_TERMS, sizeof(uint32_t));
    if (reports) {
        for (uint32_t form = 0; form < catalogue->form_count; form++)
            if (goal_counts_reports_of(catalogue, form))
                shape->forms[shape->form_count++] = form;
        return;
    }
    for (int base = 0; base < 2 && shape->form_count == 0; base++) {
        add_forms(catalogue, &indicator->numerator, base == 1, shape);
        add_forms(catalogue, &indicator->denominator, base == 1, shape);
    }
}

/* A denominator of integers alone only scales, so the parts still add up. An integer beside names belongs to every
 * unit and to their sum alike: then nothing follows. */
static struct shape shape_of(const struct catalogue *catalogue, const struct indicator *indicator)
{
    struct shape shape = {0};
    struct terms above = {.summed = true}, under = {.summed = true};
    look_at(catalogue, &indicator->numerator, &above);
    look_at(catalogue, &indicator->denominator, &under);
    if (above.names > 0 && above.integers == 0 && above.summed && under.summed) {
        shape.adds = under.names == 0;
        shape.averages = under.names > 0 && under.integers == 0;
    }
    shape.elements = above.elements || under.elements;
    shape.reports = above.reports || under.reports;
    find_forms(catalogue, indicator, shape.reports, &shape);
    return shape;
}

/* ---- goals, scopes, claims --------------------------------------------------------------------------------------- */

struct link {
    uint32_t goal, next;
};

struct arithmetic {
    struct loader *loader; /* NULL when only the parts are asked for */
    goal_parts_visitor *visit;
    void *context;
    const struct catalogue *catalogue;
    const struct indicator *indicator;
    struct shape shape;
    const uint32_t *goals; /* of the indicator, in order of goals.csv */
    size_t goal_count;
    /* by unit, valid where its stamp is the current one */
    uint32_t *bucket_stamp, *first_link, *last_link; /* goals below this unit, which has a whole */
    uint32_t *part_stamp;                            /* a part stands here */
    uint32_t *group_stamp, *group_of;                /* the widest group of a part that has this unit */
    uint32_t stamp;
    struct link *links;
    size_t link_count, link_capacity;
    const struct goal **chosen; /* parts of the whole at hand: one a scope */
    size_t chosen_count, chosen_capacity;
    const struct goal **parts; /* those of them that are topmost and comparable */
    size_t part_count, part_capacity;
};

/* Unit or group as one number. */
static uint64_t scope_of(const struct goal *goal)
{
    return goal->group != NO_INDEX ? (uint64_t)1 << 32 | goal->group : goal->unit;
}

static bool has_scope(const struct goal *goal)
{
    return goal->unit != NO_INDEX || goal->group != NO_INDEX;
}

static bool same_claim(const struct goal *one, const struct goal *other)
{
    return strcmp(one->claim, other->claim) == 0;
}

/* `=` is judged as `>=`. */
static bool same_direction(const struct goal *one, const struct goal *other)
{
    return (one->op == COMPARE_LE) == (other->op == COMPARE_LE);
}

static void report_goal(struct arithmetic *arithmetic, enum finding_severity severity, const struct goal *goal,
                        enum message message, const char *one, const char *two, const char *three, const char *four)
{
    const struct place place = {"goals.csv", goal->row, "value", goal->code};
    loader_report(arithmetic->loader, severity, &place, message, one, two, three, four);
}

static int order_of(int64_t one, int64_t other)
{
    return (one > other) - (one < other);
}

/* ---- claims that differ ------------------------------------------------------------------------------------------ */

static int by_scope_claim_due(const void *one, const void *other)
{
    const struct goal *a = *(const struct goal *const *)one, *b = *(const struct goal *const *)other;
    int order;
    if (scope_of(a) != scope_of(b))
        return scope_of(a) < scope_of(b) ? -1 : 1;
    order = strcmp(a->claim, b->claim);
    if (order == 0)
        order = order_of(a->due, b->due);
    return order != 0 ? order : order_of(a->row, b->row);
}

static bool says_the_same(const struct goal *one, const struct goal *other)
{
    return one->op == other->op && exact(one->value) == exact(other->value);
}

static void statement_text(const struct goal *goal, char ret_text[EXACT_TEXT + 8])
{
    char value[EXACT_TEXT];
    exact_text(exact(goal->value), goal->value.scale, value);
    (void)snprintf(ret_text, EXACT_TEXT + 8, "%s %s", compare_text(goal->op), value);
}

static void report_claims(struct arithmetic *arithmetic, const struct goal *one, const struct goal *other)
{
    const struct goal *first = one->row <= other->row ? one : other, *second = first == one ? other : one;
    char first_text[EXACT_TEXT + 8], second_text[EXACT_TEXT + 8];
    statement_text(first, first_text);
    statement_text(second, second_text);
    report_goal(arithmetic, FINDING_WARNING, first, MESSAGE_CLAIMS_DIFFER, first->claim[0] == '\0' ? "-" : first->claim,
                first_text, second->claim[0] == '\0' ? "-" : second->claim, second_text);
}

/* Goals of one scope and claim, by due. */
struct claim {
    const struct goal **goals;
    size_t count;
};

static const struct goal *unmatched(const struct claim *claim, const struct claim *other, int32_t due)
{
    for (size_t i = 0; i < claim->count; i++) {
        bool matched = false;
        if (claim->goals[i]->due != due)
            continue;
        for (size_t j = 0; j < other->count && !matched; j++)
            matched = other->goals[j]->due == due && says_the_same(claim->goals[i], other->goals[j]);
        if (!matched)
            return claim->goals[i];
    }
    return NULL;
}

static const struct goal *first_due(const struct claim *claim, int32_t due)
{
    for (size_t i = 0; i < claim->count; i++)
        if (claim->goals[i]->due == due)
            return claim->goals[i];
    return NULL;
}

/* Both speak of `due`: whether they say the same, or else what each says. */
static bool differ_at(struct arithmetic *arithmetic, const struct claim *one, const struct claim *other, int32_t due)
{
    const struct goal *left = unmatched(one, other, due), *right = unmatched(other, one, due);
    if (left == NULL && right == NULL)
        return false;
    report_claims(arithmetic, left != NULL ? left : first_due(one, due), right != NULL ? right : first_due(other, due));
    return true;
}

/* Goals due on the same day are compared; claims that share no day by their last ones. One warning a pair. */
static void compare_claims(struct arithmetic *arithmetic, const struct claim *one, const struct claim *other)
{
    const struct goal *last = one->goals[one->count - 1], *others = other->goals[other->count - 1];
    bool shared = false;
    for (size_t i = 0; i < one->count; i++) {
        const int32_t due = one->goals[i]->due;
        if (first_due(other, due) == NULL)
            continue;
        shared = true;
        if (differ_at(arithmetic, one, other, due))
            return;
    }
    if (!shared && !says_the_same(last, others))
        report_claims(arithmetic, last, others);
}

static void check_scope_claims(struct arithmetic *arithmetic, const struct goal **goals, size_t count)
{
    for (size_t i = 0, next; i < count; i = next) {
        struct claim one = {goals + i, 0};
        while (i + one.count < count && same_claim(goals[i], goals[i + one.count]))
            one.count++;
        next = i + one.count;
        for (size_t j = next; j < count;) {
            struct claim other = {goals + j, 0};
            while (j + other.count < count && same_claim(goals[j], goals[j + other.count]))
                other.count++;
            j += other.count;
            compare_claims(arithmetic, &one, &other);
        }
    }
}

static void check_claims(struct arithmetic *arithmetic)
{
    const struct goal **sorted = memory_array(arithmetic->goal_count, sizeof(*sorted));
    for (size_t i = 0; i < arithmetic->goal_count; i++)
        sorted[i] = &arithmetic->catalogue->goals[arithmetic->goals[i]];
    qsort(sorted, arithmetic->goal_count, sizeof(*sorted), by_scope_claim_due);
    for (size_t i = 0, next; i < arithmetic->goal_count; i = next) {
        next = i + 1;
        while (next < arithmetic->goal_count && scope_of(sorted[next]) == scope_of(sorted[i]))
            next++;
        check_scope_claims(arithmetic, sorted + i, next - i);
    }
    free(sorted);
}

/* ---- choosing parts ---------------------------------------------------------------------------------------------- */

/* Comparing goals of one scope for one whole: qsort has no context, so the keys are worked out first. */
struct candidate {
    const struct goal *goal;
    bool comparable, same_due;
};

static int by_fitness(const void *one, const void *other)
{
    const struct candidate *a = one, *b = other;
    if (scope_of(a->goal) != scope_of(b->goal))
        return scope_of(a->goal) < scope_of(b->goal) ? -1 : 1;
    if (a->comparable != b->comparable)
        return a->comparable ? -1 : 1;
    if (a->same_due != b->same_due)
        return a->same_due ? -1 : 1;
    if (a->goal->due != b->goal->due)
        return a->goal->due > b->goal->due ? -1 : 1;
    return order_of(a->goal->row, b->goal->row);
}

/* One goal a scope: of the whole's direction if there is one, due with the whole, or else the latest. */
static void choose(struct arithmetic *arithmetic, const struct goal *whole)
{
    const struct catalogue *catalogue = arithmetic->catalogue;
    struct candidate *candidates = NULL;
    size_t count = 0, capacity = 0;
    bool own = false;
    arithmetic->chosen_count = 0;
    for (uint32_t at = arithmetic->first_link[whole->unit]; at != NO_INDEX && !own; at = arithmetic->links[at].next)
        own = same_claim(&catalogue->goals[arithmetic->links[at].goal], whole);
    for (uint32_t at = arithmetic->first_link[whole->unit]; at != NO_INDEX; at = arithmetic->links[at].next) {
        const struct goal *goal = &catalogue->goals[arithmetic->links[at].goal];
        if (own && !same_claim(goal, whole))
            continue;
        candidates = memory_grow(candidates, &capacity, count + 1, sizeof(*candidates));
        candidates[count++] = (struct candidate){goal, same_direction(goal, whole), goal->due == whole->due};
    }
    if (count == 0)
        return;
    qsort(candidates, count, sizeof(*candidates), by_fitness);
    arithmetic->chosen =
        memory_grow(arithmetic->chosen, &arithmetic->chosen_capacity, count, sizeof(*arithmetic->chosen));
    for (size_t i = 0; i < count; i++)
        if (i == 0 || scope_of(candidates[i].goal) != scope_of(candidates[i - 1].goal))
            arithmetic->chosen[arithmetic->chosen_count++] = candidates[i].goal;
    free(candidates);
}

/* ---- topmost parts ----------------------------------------------------------------------------------------------- */

static bool is_wider(const struct catalogue *catalogue, uint32_t group, uint32_t other)
{
    const size_t count = catalogue->groups[group].unit_count, others = catalogue->groups[other].unit_count;
    return count != others ? count > others : group < other;
}

static void mark_part(struct arithmetic *arithmetic, const struct goal *part)
{
    const struct group *group;
    if (part->group == NO_INDEX) {
        arithmetic->part_stamp[part->unit] = arithmetic->stamp;
        return;
    }
    group = &arithmetic->catalogue->groups[part->group];
    for (size_t i = 0; i < group->unit_count; i++) {
        const uint32_t unit = group->units[i];
        if (arithmetic->group_stamp[unit] == arithmetic->stamp &&
            !is_wider(arithmetic->catalogue, part->group, arithmetic->group_of[unit]))
            continue;
        arithmetic->group_stamp[unit] = arithmetic->stamp;
        arithmetic->group_of[unit] = part->group;
    }
}

/* A part stands above the unit and below the whole, or a group other than `own` holds the unit itself. */
static bool is_under_a_part(const struct arithmetic *arithmetic, uint32_t unit, uint32_t own, const struct goal *whole)
{
    uint32_t at = unit;
    if (arithmetic->group_stamp[unit] == arithmetic->stamp && arithmetic->group_of[unit] != own)
        return true;
    for (;;) {
        at = catalogue_parent_on(arithmetic->catalogue, at, whole->due);
        if (at == NO_INDEX || at == whole->unit)
            return false;
        if (arithmetic->part_stamp[at] == arithmetic->stamp || arithmetic->group_stamp[at] == arithmetic->stamp)
            return true;
    }
}

static bool is_topmost(const struct arithmetic *arithmetic, const struct goal *part, const struct goal *whole)
{
    const struct group *group;
    if (part->group == NO_INDEX)
        return !is_under_a_part(arithmetic, part->unit, NO_INDEX, whole);
    group = &arithmetic->catalogue->groups[part->group];
    for (size_t i = 0; i < group->unit_count; i++)
        if (!is_under_a_part(arithmetic, group->units[i], part->group, whole))
            return true;
    return false;
}

static void find_parts(struct arithmetic *arithmetic, const struct goal *whole)
{
    arithmetic->stamp++;
    arithmetic->part_count = 0;
    for (size_t i = 0; i < arithmetic->chosen_count; i++)
        if (same_direction(arithmetic->chosen[i], whole))
            mark_part(arithmetic, arithmetic->chosen[i]);
    for (size_t i = 0; i < arithmetic->chosen_count; i++) {
        if (!same_direction(arithmetic->chosen[i], whole) || !is_topmost(arithmetic, arithmetic->chosen[i], whole))
            continue;
        arithmetic->parts = memory_grow(arithmetic->parts, &arithmetic->part_capacity, arithmetic->part_count + 1,
                                        sizeof(*arithmetic->parts));
        arithmetic->parts[arithmetic->part_count++] = arithmetic->chosen[i];
    }
}

/* ---- the checks -------------------------------------------------------------------------------------------------- */

/* Parts that do not come up to the whole are an error: the plan promises what nobody is asked for. A cap divided into
 * smaller ones keeps its promise, so there the same finding is a warning and the catalogue can be used. */
static void check_sum(struct arithmetic *arithmetic, const struct goal *whole)
{
    __int128 sum = 0;
    uint8_t decimals = whole->value.scale;
    char sum_text[EXACT_TEXT], whole_text[EXACT_TEXT], count[24];
    bool below;
    for (size_t i = 0; i < arithmetic->part_count; i++) {
        const struct decimal value = arithmetic->parts[i]->value;
        sum += exact(value);
        decimals = value.scale > decimals ? value.scale : decimals;
    }
    if (sum == exact(whole->value))
        return;
    below = sum < exact(whole->value);
    exact_text(sum, decimals, sum_text);
    exact_text(exact(whole->value), whole->value.scale, whole_text);
    number_text(count, arithmetic->part_count);
    report_goal(arithmetic, below && whole->op != COMPARE_LE ? FINDING_ERROR : FINDING_WARNING, whole,
                below ? MESSAGE_PARTS_BELOW_GOAL : MESSAGE_PARTS_ABOVE_GOAL, sum_text, whole_text, count,
                compare_text(whole->op));
}

/* A pooled ratio lies between the smallest and the largest of its parts, whatever their weights. */
static void check_mean(struct arithmetic *arithmetic, const struct goal *whole)
{
    const struct goal *least = arithmetic->parts[0], *most = arithmetic->parts[0];
    char whole_text[EXACT_TEXT], part_text[EXACT_TEXT];
    if (whole->op == COMPARE_LE)
        return;
    for (size_t i = 1; i < arithmetic->part_count; i++) {
        const struct goal *part = arithmetic->parts[i];
        least = exact(part->value) < exact(least->value) ? part : least;
        most = exact(part->value) > exact(most->value) ? part : most;
    }
    exact_text(exact(whole->value), whole->value.scale, whole_text);
    if (exact(whole->value) > exact(most->value)) {
        exact_text(exact(most->value), most->value.scale, part_text);
        report_goal(arithmetic, FINDING_WARNING, whole, MESSAGE_GOAL_ABOVE_ALL_PARTS, whole_text, part_text, most->code,
                    NULL);
    } else if (exact(whole->value) > exact(least->value)) {
        exact_text(exact(least->value), least->value.scale, part_text);
        report_goal(arithmetic, FINDING_INFO, whole, MESSAGE_GOAL_DEPENDS_ON_WEIGHTS, whole_text, part_text,
                    least->code, NULL);
    }
}

/* Units of the form among the covers that are in force on the day the whole is due. */
static size_t owing_in(const struct arithmetic *arithmetic, const struct form *form, const struct goal *whole,
                       const struct cover *covers, size_t count)
{
    const struct period span = period_span(whole->start, whole->due);
    size_t owing = 0;
    for (size_t i = 0; i < count; i++)
        if (covers[i].from <= whole->due && covers[i].until >= whole->due)
            owing += catalogue_owing(arithmetic->catalogue, form, covers[i].first_slot, covers[i].slot_count, span);
    return owing;
}

/* Units strictly below the whole that owe the form. */
static size_t owing_below(const struct arithmetic *arithmetic, const struct form *form, const struct goal *whole)
{
    struct cover *covers = NULL;
    const size_t count = catalogue_cover(arithmetic->catalogue, whole->unit, form->level, &covers);
    size_t owing = owing_in(arithmetic, form, whole, covers, count);
    if (catalogue_owes(arithmetic->catalogue, form, whole->unit, period_span(whole->start, whole->due)))
        owing--;
    free(covers);
    return owing;
}

/* Those of them that have a goal: their own, through a group, or on a unit in between. */
static size_t owing_with_goal(const struct arithmetic *arithmetic, const struct form *form, const struct goal *whole,
                              const uint32_t *units, size_t unit_count)
{
    struct cover *covers = NULL;
    const size_t count = catalogue_cover_units(arithmetic->catalogue, units, unit_count, form->level, &covers);
    const size_t owing = owing_in(arithmetic, form, whole, covers, count);
    free(covers);
    return owing;
}

static uint32_t *units_of_chosen(const struct arithmetic *arithmetic, size_t *ret_count)
{
    uint32_t *units = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < arithmetic->chosen_count; i++) {
        const struct goal *goal = arithmetic->chosen[i];
        const bool one = goal->group == NO_INDEX;
        const struct group *group = one ? NULL : &arithmetic->catalogue->groups[goal->group];
        const size_t more = one ? 1 : group->unit_count;
        units = memory_grow(units, &capacity, count + more, sizeof(*units));
        for (size_t j = 0; j < more; j++)
            units[count++] = one ? goal->unit : group->units[j];
    }
    *ret_count = count;
    return units;
}

static void report_scope(struct arithmetic *arithmetic, const struct goal *whole, enum message message, size_t covered,
                         size_t owing, const char *forms)
{
    char covered_text[24], owing_text[24];
    number_text(covered_text, covered);
    number_text(owing_text, owing);
    if (message == MESSAGE_NO_BREAKDOWN)
        report_goal(arithmetic, FINDING_INFO, whole, message, owing_text, forms, NULL, NULL);
    else
        report_goal(arithmetic, FINDING_INFO, whole, message, covered_text, owing_text, forms, NULL);
}

/* Units of a level among the covers that owe one of the indicator's forms at least: each is counted once. */
static size_t owing_any(const struct arithmetic *arithmetic, uint32_t level, const struct goal *whole,
                        const uint32_t *units, size_t unit_count)
{
    const struct catalogue *catalogue = arithmetic->catalogue;
    const struct shape *shape = &arithmetic->shape;
    const struct period span = period_span(whole->start, whole->due);
    struct cover *covers = NULL;
    const size_t count = catalogue_cover_units(catalogue, units, unit_count, level, &covers);
    size_t owing = 0;
    for (size_t i = 0; i < count; i++) {
        if (covers[i].from > whole->due || covers[i].until < whole->due)
            continue;
        for (uint32_t slot = 0; slot < covers[i].slot_count; slot++) {
            const uint32_t unit = catalogue->levels[level].unit_of_slot[covers[i].first_slot + slot];
            bool owes = false;
            for (size_t j = 0; j < shape->form_count && !owes && unit != whole->unit; j++)
                owes = catalogue->forms[shape->forms[j]].level == level &&
                       catalogue_owes(catalogue, &catalogue->forms[shape->forms[j]], unit, span);
            owing += owes ? 1u : 0u;
        }
    }
    free(covers);
    return owing;
}

/* The codes of the indicator's forms, one after the other; the sentence cuts what is too long for it. */
static void list_forms(const struct arithmetic *arithmetic, char *ret_text, size_t capacity)
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < arithmetic->shape.form_count; i++) {
        const int wrote = snprintf(ret_text + length, capacity - length, "%s%s", i == 0 ? "" : ", ",
                                   arithmetic->catalogue->forms[arithmetic->shape.forms[i]].code);
        if (wrote < 0 || (size_t)wrote >= capacity - length)
            return;
        length += (size_t)wrote;
    }
}

/* What counts reports concerns whoever owes any form, and the sentence names them all. */
static void check_scope_of_reports(struct arithmetic *arithmetic, const struct goal *whole)
{
    char forms[512];
    size_t unit_count = 0, owing = 0, covered = 0;
    uint32_t *units;
    if (arithmetic->chosen_count == 0 && !arithmetic->shape.elements)
        return;
    units = units_of_chosen(arithmetic, &unit_count);
    for (uint32_t level = 0; level < arithmetic->catalogue->level_count; level++) {
        owing += owing_any(arithmetic, level, whole, &whole->unit, 1);
        covered += unit_count == 0 ? 0 : owing_any(arithmetic, level, whole, units, unit_count);
    }
    list_forms(arithmetic, forms, sizeof(forms));
    if (covered > 0 && covered < owing)
        report_scope(arithmetic, whole, MESSAGE_PARTIAL_SCOPE, covered, owing, forms);
    else if (owing > 0 && arithmetic->chosen_count == 0)
        report_scope(arithmetic, whole, MESSAGE_NO_BREAKDOWN, 0, owing, forms);
    free(units);
}

/* Who owes the forms behind the indicator and has a goal. The sentence speaks of the form with the widest gap. */
static void check_scope(struct arithmetic *arithmetic, const struct goal *whole)
{
    const struct catalogue *catalogue = arithmetic->catalogue;
    size_t unit_count = 0, all_owing = 0, all_covered = 0, widest_owing = 0, widest_covered = 0;
    uint32_t *units = units_of_chosen(arithmetic, &unit_count);
    const struct form *widest = NULL;
    for (size_t i = 0; i < arithmetic->shape.form_count; i++) {
        const struct form *form = &catalogue->forms[arithmetic->shape.forms[i]];
        size_t owing, covered;
        if (form->level == NO_INDEX)
            continue;
        owing = owing_below(arithmetic, form, whole);
        covered = unit_count == 0 || owing == 0 ? 0 : owing_with_goal(arithmetic, form, whole, units, unit_count);
        all_owing += owing;
        all_covered += covered;
        if (owing > covered && (widest == NULL || owing - covered > widest_owing - widest_covered)) {
            widest = form;
            widest_owing = owing;
            widest_covered = covered;
        }
    }
    if (widest != NULL && all_covered > 0 && all_covered < all_owing)
        report_scope(arithmetic, whole, MESSAGE_PARTIAL_SCOPE, widest_covered, widest_owing, widest->code);
    else if (widest != NULL && arithmetic->chosen_count == 0 && arithmetic->shape.elements)
        report_scope(arithmetic, whole, MESSAGE_NO_BREAKDOWN, 0, widest_owing, widest->code);
    free(units);
}

static void check_whole(struct arithmetic *arithmetic, const struct goal *whole)
{
    choose(arithmetic, whole);
    find_parts(arithmetic, whole);
    if (arithmetic->visit != NULL) {
        if (arithmetic->part_count > 0 && arithmetic->shape.averages && whole->op != COMPARE_LE)
            arithmetic->visit(arithmetic->context, whole, arithmetic->parts, arithmetic->part_count);
        return;
    }
    if (arithmetic->part_count > 0 && arithmetic->shape.adds)
        check_sum(arithmetic, whole);
    if (arithmetic->part_count > 0 && arithmetic->shape.averages)
        check_mean(arithmetic, whole);
    if (arithmetic->shape.reports)
        check_scope_of_reports(arithmetic, whole);
    else
        check_scope(arithmetic, whole);
}

/* ---- collecting what lies below ---------------------------------------------------------------------------------- */

static void add_link(struct arithmetic *arithmetic, uint32_t unit, uint32_t goal)
{
    arithmetic->links = memory_grow(arithmetic->links, &arithmetic->link_capacity, arithmetic->link_count + 1,
                                    sizeof(*arithmetic->links));
    arithmetic->links[arithmetic->link_count] = (struct link){goal, NO_INDEX};
    if (arithmetic->first_link[unit] == NO_INDEX)
        arithmetic->first_link[unit] = (uint32_t)arithmetic->link_count;
    else
        arithmetic->links[arithmetic->last_link[unit]].next = (uint32_t)arithmetic->link_count;
    arithmetic->last_link[unit] = (uint32_t)arithmetic->link_count++;
}

static bool group_is_below(const struct catalogue *catalogue, uint32_t group, uint32_t unit, int32_t day)
{
    const struct group *members = &catalogue->groups[group];
    for (size_t i = 0; i < members->unit_count; i++)
        if (members->units[i] == unit || !catalogue_is_below(catalogue, members->units[i], unit, day))
            return false;
    return true;
}

/* Enters the goal at every unit above it that has a whole due on that day. */
static void climb(struct arithmetic *arithmetic, uint32_t number, int32_t day, uint32_t bucket)
{
    const struct catalogue *catalogue = arithmetic->catalogue;
    const struct goal *goal = &catalogue->goals[number];
    uint32_t at = goal->unit;
    if (goal->group != NO_INDEX)
        at = catalogue->groups[goal->group].unit_count == 0 ? NO_INDEX : catalogue->groups[goal->group].units[0];
    if (at != NO_INDEX)
        at = catalogue_parent_on(catalogue, at, day);
    for (; at != NO_INDEX; at = catalogue_parent_on(catalogue, at, day))
        if (arithmetic->bucket_stamp[at] == bucket &&
            (goal->group == NO_INDEX || group_is_below(catalogue, goal->group, at, day)))
            add_link(arithmetic, at, number);
}

static int by_due_and_row(const void *one, const void *other)
{
    const struct goal *a = *(const struct goal *const *)one, *b = *(const struct goal *const *)other;
    return a->due != b->due ? order_of(a->due, b->due) : order_of(a->row, b->row);
}

/* Wholes that are due on one day share one walk over all goals. */
static void check_wholes_due(struct arithmetic *arithmetic, const struct goal **wholes, size_t count)
{
    const uint32_t bucket = ++arithmetic->stamp;
    arithmetic->link_count = 0;
    for (size_t i = 0; i < count; i++) {
        arithmetic->bucket_stamp[wholes[i]->unit] = bucket;
        arithmetic->first_link[wholes[i]->unit] = NO_INDEX;
    }
    for (size_t i = 0; i < arithmetic->goal_count; i++)
        climb(arithmetic, arithmetic->goals[i], wholes[0]->due, bucket);
    for (size_t i = 0; i < count; i++)
        check_whole(arithmetic, wholes[i]);
}

static void check_indicator(struct arithmetic *arithmetic)
{
    const struct goal **wholes = memory_array(arithmetic->goal_count, sizeof(*wholes));
    size_t count = 0;
    arithmetic->shape = shape_of(arithmetic->catalogue, arithmetic->indicator);
    if (arithmetic->loader != NULL)
        check_claims(arithmetic);
    for (size_t i = 0; i < arithmetic->goal_count; i++) {
        const struct goal *goal = &arithmetic->catalogue->goals[arithmetic->goals[i]];
        if (goal->unit != NO_INDEX)
            wholes[count++] = goal;
    }
    qsort(wholes, count, sizeof(*wholes), by_due_and_row);
    for (size_t i = 0, next; i < count; i = next) {
        next = i + 1;
        while (next < count && wholes[next]->due == wholes[i]->due)
            next++;
        check_wholes_due(arithmetic, wholes + i, next - i);
    }
    free(arithmetic->shape.forms);
    free(wholes);
}

/* Numbers of the goals, indicator by indicator, in the order of goals.csv; first[i]..first[i + 1] are those of i. */
static uint32_t *goals_by_indicator(const struct catalogue *catalogue, uint32_t *first)
{
    uint32_t *goals = memory_array(catalogue->goal_count, sizeof(*goals));
    uint32_t *next = memory_array(catalogue->indicator_count + 1, sizeof(*next));
    for (size_t i = 0; i < catalogue->goal_count; i++)
        if (catalogue->goals[i].indicator != NO_INDEX && has_scope(&catalogue->goals[i]))
            first[catalogue->goals[i].indicator + 1]++;
    for (size_t i = 0; i < catalogue->indicator_count; i++) {
        first[i + 1] += first[i];
        next[i] = first[i];
    }
    for (uint32_t i = 0; i < catalogue->goal_count; i++)
        if (catalogue->goals[i].indicator != NO_INDEX && has_scope(&catalogue->goals[i]))
            goals[next[catalogue->goals[i].indicator]++] = i;
    free(next);
    return goals;
}

static void check_indicators(struct arithmetic *arithmetic)
{
    const struct catalogue *catalogue = arithmetic->catalogue;
    uint32_t **const by_unit[] = {&arithmetic->bucket_stamp, &arithmetic->first_link,  &arithmetic->last_link,
                                  &arithmetic->part_stamp,   &arithmetic->group_stamp, &arithmetic->group_of};
    uint32_t *first, *goals;
    if (catalogue->goal_count == 0)
        return;
    first = memory_array(catalogue->indicator_count + 1, sizeof(*first));
    goals = goals_by_indicator(catalogue, first);
    for (size_t i = 0; i < ARRAY_LEN(by_unit); i++)
        *by_unit[i] = memory_array(catalogue->unit_count, sizeof(uint32_t));
    for (size_t i = 0; i < catalogue->indicator_count; i++) {
        arithmetic->indicator = &catalogue->indicators[i];
        arithmetic->goals = goals + first[i];
        arithmetic->goal_count = first[i + 1] - first[i];
        if (arithmetic->goal_count > 0)
            check_indicator(arithmetic);
    }
    for (size_t i = 0; i < ARRAY_LEN(by_unit); i++)
        free(*by_unit[i]);
    free(arithmetic->links);
    free(arithmetic->chosen);
    free(arithmetic->parts);
    free(first);
    free(goals);
}

void goal_arithmetic_check(struct loader *loader)
{
    struct arithmetic arithmetic = {.loader = loader, .catalogue = loader->catalogue};
    check_indicators(&arithmetic);
}

void goal_parts_visit(const struct catalogue *catalogue, goal_parts_visitor *visit, void *context)
{
    struct arithmetic arithmetic = {.catalogue = catalogue, .visit = visit, .context = context};
    check_indicators(&arithmetic);
}
