/* goal_parts.c - which goals are the parts of which. A *whole* is a goal on a unit; its *parts* are the goals of the
 * same indicator on units, or groups of units, below it: those of the whole's own claim, or, where that claim says
 * nothing there, those of the others. Where parts lie above one another only the topmost count, or a town's goal would
 * be added to the goal of its district:
 *
 *      city 100                 whole
 *      |- district A 60         part
 *      |  `- town A1 60         below a part: not added
 *      `- group B+C 50          part, stands for both; a goal on B alone lies below it
 *
 * Who lies below whom is asked for the day the whole is due. Everything is collected by walking up from each goal, so
 * the work is goals times depth: goals on every village of a province are checked as fast as they are read. */
#include "goal_inside.h"

#include "memory.h"

#include <stdlib.h>

struct link {
    const struct goal *goal;
    uint32_t next;
};

struct walk {
    const struct catalogue *catalogue;
    const struct goal_visitor *visitor;
    struct shape shape;
    const struct goal *const *goals; /* of the indicator, in order of goals.csv */
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

static bool has_scope(const struct goal *goal)
{
    return goal->unit != NO_INDEX || goal->group != NO_INDEX;
}

/* `=` is judged as `>=`. */
static bool same_direction(const struct goal *one, const struct goal *other)
{
    return (one->op == COMPARE_LE) == (other->op == COMPARE_LE);
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
static void choose(struct walk *walk, const struct goal *whole)
{
    struct candidate *candidates = NULL;
    size_t count = 0, capacity = 0;
    bool own = false;
    walk->chosen_count = 0;
    for (uint32_t at = walk->first_link[whole->unit]; at != NO_INDEX && !own; at = walk->links[at].next)
        own = same_claim(walk->links[at].goal, whole);
    for (uint32_t at = walk->first_link[whole->unit]; at != NO_INDEX; at = walk->links[at].next) {
        const struct goal *goal = walk->links[at].goal;
        if (own && !same_claim(goal, whole))
            continue;
        candidates = memory_grow(candidates, &capacity, count + 1, sizeof(*candidates));
        candidates[count++] = (struct candidate){goal, same_direction(goal, whole), goal->due == whole->due};
    }
    if (count == 0)
        return;
    qsort(candidates, count, sizeof(*candidates), by_fitness);
    walk->chosen = memory_grow(walk->chosen, &walk->chosen_capacity, count, sizeof(*walk->chosen));
    for (size_t i = 0; i < count; i++)
        if (i == 0 || scope_of(candidates[i].goal) != scope_of(candidates[i - 1].goal))
            walk->chosen[walk->chosen_count++] = candidates[i].goal;
    free(candidates);
}

/* ---- topmost parts ----------------------------------------------------------------------------------------------- */

static bool is_wider(const struct catalogue *catalogue, uint32_t group, uint32_t other)
{
    const size_t count = catalogue->groups[group].unit_count, others = catalogue->groups[other].unit_count;
    return count != others ? count > others : group < other;
}

static void mark_part(struct walk *walk, const struct goal *part)
{
    const struct group *group;
    if (part->group == NO_INDEX) {
        walk->part_stamp[part->unit] = walk->stamp;
        return;
    }
    group = &walk->catalogue->groups[part->group];
    for (size_t i = 0; i < group->unit_count; i++) {
        const uint32_t unit = group->units[i];
        if (walk->group_stamp[unit] == walk->stamp && !is_wider(walk->catalogue, part->group, walk->group_of[unit]))
            continue;
        walk->group_stamp[unit] = walk->stamp;
        walk->group_of[unit] = part->group;
    }
}

/* A part stands above the unit and below the whole, or a group other than `own` holds the unit itself. */
static bool is_under_a_part(const struct walk *walk, uint32_t unit, uint32_t own, const struct goal *whole)
{
    uint32_t at = unit;
    if (walk->group_stamp[unit] == walk->stamp && walk->group_of[unit] != own)
        return true;
    for (;;) {
        at = catalogue_parent_on(walk->catalogue, at, whole->due);
        if (at == NO_INDEX || at == whole->unit)
            return false;
        if (walk->part_stamp[at] == walk->stamp || walk->group_stamp[at] == walk->stamp)
            return true;
    }
}

static bool is_topmost(const struct walk *walk, const struct goal *part, const struct goal *whole)
{
    const struct group *group;
    if (part->group == NO_INDEX)
        return !is_under_a_part(walk, part->unit, NO_INDEX, whole);
    group = &walk->catalogue->groups[part->group];
    for (size_t i = 0; i < group->unit_count; i++)
        if (!is_under_a_part(walk, group->units[i], part->group, whole))
            return true;
    return false;
}

static void find_parts(struct walk *walk, const struct goal *whole)
{
    walk->stamp++;
    walk->part_count = 0;
    for (size_t i = 0; i < walk->chosen_count; i++)
        if (same_direction(walk->chosen[i], whole))
            mark_part(walk, walk->chosen[i]);
    for (size_t i = 0; i < walk->chosen_count; i++) {
        if (!same_direction(walk->chosen[i], whole) || !is_topmost(walk, walk->chosen[i], whole))
            continue;
        walk->parts = memory_grow(walk->parts, &walk->part_capacity, walk->part_count + 1, sizeof(*walk->parts));
        walk->parts[walk->part_count++] = walk->chosen[i];
    }
}

/* ---- collecting what lies below ---------------------------------------------------------------------------------- */

static void add_link(struct walk *walk, uint32_t unit, const struct goal *goal)
{
    walk->links = memory_grow(walk->links, &walk->link_capacity, walk->link_count + 1, sizeof(*walk->links));
    walk->links[walk->link_count] = (struct link){goal, NO_INDEX};
    if (walk->first_link[unit] == NO_INDEX)
        walk->first_link[unit] = (uint32_t)walk->link_count;
    else
        walk->links[walk->last_link[unit]].next = (uint32_t)walk->link_count;
    walk->last_link[unit] = (uint32_t)walk->link_count++;
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
static void climb(struct walk *walk, const struct goal *goal, int32_t day, uint32_t bucket)
{
    const struct catalogue *catalogue = walk->catalogue;
    uint32_t at = goal->unit;
    if (goal->group != NO_INDEX)
        at = catalogue->groups[goal->group].unit_count == 0 ? NO_INDEX : catalogue->groups[goal->group].units[0];
    if (at != NO_INDEX)
        at = catalogue_parent_on(catalogue, at, day);
    for (; at != NO_INDEX; at = catalogue_parent_on(catalogue, at, day))
        if (walk->bucket_stamp[at] == bucket &&
            (goal->group == NO_INDEX || group_is_below(catalogue, goal->group, at, day)))
            add_link(walk, at, goal);
}

static int by_due_and_row(const void *one, const void *other)
{
    const struct goal *a = *(const struct goal *const *)one, *b = *(const struct goal *const *)other;
    return a->due != b->due ? order_of(a->due, b->due) : order_of(a->row, b->row);
}

static void visit_whole(struct walk *walk, const struct goal *goal)
{
    struct whole whole = {.goal = goal, .shape = &walk->shape};
    choose(walk, goal);
    find_parts(walk, goal);
    whole.chosen = walk->chosen;
    whole.chosen_count = walk->chosen_count;
    whole.parts = walk->parts;
    whole.part_count = walk->part_count;
    walk->visitor->whole(walk->visitor->context, &whole);
}

/* Wholes that are due on one day share one walk over all goals. */
static void visit_wholes_due(struct walk *walk, const struct goal **wholes, size_t count)
{
    const uint32_t bucket = ++walk->stamp;
    walk->link_count = 0;
    for (size_t i = 0; i < count; i++) {
        walk->bucket_stamp[wholes[i]->unit] = bucket;
        walk->first_link[wholes[i]->unit] = NO_INDEX;
    }
    for (size_t i = 0; i < walk->goal_count; i++)
        climb(walk, walk->goals[i], wholes[0]->due, bucket);
    for (size_t i = 0; i < count; i++)
        visit_whole(walk, wholes[i]);
}

static void visit_indicator(struct walk *walk, const struct indicator *indicator)
{
    const struct goal **wholes = memory_array(walk->goal_count, sizeof(*wholes));
    size_t count = 0;
    if (walk->visitor->indicator != NULL)
        walk->visitor->indicator(walk->visitor->context, walk->goals, walk->goal_count);
    walk->shape = shape_of(walk->catalogue, indicator);
    for (size_t i = 0; i < walk->goal_count; i++)
        if (walk->goals[i]->unit != NO_INDEX)
            wholes[count++] = walk->goals[i];
    qsort(wholes, count, sizeof(*wholes), by_due_and_row);
    for (size_t i = 0, next; i < count; i = next) {
        next = i + 1;
        while (next < count && wholes[next]->due == wholes[i]->due)
            next++;
        visit_wholes_due(walk, wholes + i, next - i);
    }
    free(walk->shape.forms);
    free(wholes);
}

/* Goals indicator by indicator, in the order of goals.csv; first[i]..first[i + 1] are those of i. */
static const struct goal **goals_by_indicator(const struct catalogue *catalogue, uint32_t *first)
{
    const struct goal **goals = memory_array(catalogue->goal_count, sizeof(*goals));
    uint32_t *next = memory_array(catalogue->indicator_count + 1, sizeof(*next));
    for (size_t i = 0; i < catalogue->goal_count; i++)
        if (catalogue->goals[i].indicator != NO_INDEX && has_scope(&catalogue->goals[i]))
            first[catalogue->goals[i].indicator + 1]++;
    for (size_t i = 0; i < catalogue->indicator_count; i++) {
        first[i + 1] += first[i];
        next[i] = first[i];
    }
    for (size_t i = 0; i < catalogue->goal_count; i++)
        if (catalogue->goals[i].indicator != NO_INDEX && has_scope(&catalogue->goals[i]))
            goals[next[catalogue->goals[i].indicator]++] = &catalogue->goals[i];
    free(next);
    return goals;
}

void goal_walk(const struct catalogue *catalogue, const struct goal_visitor *visitor)
{
    struct walk walk = {.catalogue = catalogue, .visitor = visitor};
    uint32_t **const by_unit[] = {&walk.bucket_stamp, &walk.first_link,  &walk.last_link,
                                  &walk.part_stamp,   &walk.group_stamp, &walk.group_of};
    const struct goal **goals;
    uint32_t *first;
    if (catalogue->goal_count == 0)
        return;
    first = memory_array(catalogue->indicator_count + 1, sizeof(*first));
    goals = goals_by_indicator(catalogue, first);
    for (size_t i = 0; i < ARRAY_LEN(by_unit); i++)
        *by_unit[i] = memory_array(catalogue->unit_count, sizeof(uint32_t));
    for (size_t i = 0; i < catalogue->indicator_count; i++) {
        walk.goals = goals + first[i];
        walk.goal_count = first[i + 1] - first[i];
        if (walk.goal_count > 0)
            visit_indicator(&walk, &catalogue->indicators[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(by_unit); i++)
        free(*by_unit[i]);
    free(walk.links);
    free(walk.chosen);
    free(walk.parts);
    free(first);
    free(goals);
}

/* ---- for those who know the weights ------------------------------------------------------------------------------ */

struct parts_visit {
    goal_parts_visitor *visit;
    void *context;
};

static void visit_parts(void *context, const struct whole *whole)
{
    const struct parts_visit *parts = context;
    if (whole->part_count > 0 && whole->shape->averages && whole->goal->op != COMPARE_LE)
        parts->visit(parts->context, whole->goal, whole->parts, whole->part_count);
}

void goal_parts_visit(const struct catalogue *catalogue, goal_parts_visitor *visit, void *context)
{
    struct parts_visit parts = {visit, context};
    const struct goal_visitor visitor = {.context = &parts, .whole = visit_parts};
    goal_walk(catalogue, &visitor);
}
