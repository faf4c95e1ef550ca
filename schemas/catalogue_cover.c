/* catalogue_cover.c - what is asked of the tree of units: who lies below whom, which slots of a level belong to a unit on
 * which days (covers), and who owes what. Fragments and epochs are those of catalogue_tree.c. */
#include "catalogue.h"

#include "catalogue_internal.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- questions: below and covers --------------------------------------------------------------------------------- */

bool catalogue_is_below(const struct catalogue *catalogue, uint32_t unit, uint32_t ancestor, int32_t day)
{
    const struct unit *units = catalogue->units;
    if (catalogue->private->tree.moved_count == 0)
        return units[unit].position >= units[ancestor].position && units[unit].position < units[ancestor].subtree_end;
    while (unit != ancestor && unit != NO_INDEX)
        unit = catalogue_parent_on(catalogue, unit, day);
    return unit == ancestor;
}

/* A range of positions of one fragment that is asked for whatever the day. */
struct stretch {
    uint32_t fragment, first, end;
};

struct asked {
    struct stretch *stretches; /* by fragment and position, disjoint */
    size_t count;
};

static uint32_t fragment_of(const struct tree *tree, uint32_t unit)
{
    return tree->fragment == NULL ? NO_INDEX : tree->fragment[unit];
}

static int by_stretch(const void *one, const void *other)
{
    const struct stretch *a = one, *b = other;
    if (a->fragment != b->fragment)
        return a->fragment < b->fragment ? -1 : 1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->end < b->end) - (a->end > b->end); /* the wider first, so that what it holds is dropped */
}

static struct asked asked_for(const struct catalogue *catalogue, const uint32_t *units, size_t unit_count)
{
    struct asked asked = {memory_array(unit_count, sizeof(struct stretch)), 0};
    for (size_t i = 0; i < unit_count; i++) {
        const struct unit *unit = &catalogue->units[units[i]];
        asked.stretches[i] = (struct stretch){fragment_of(&catalogue->private->tree, units[i]), unit->position,
                                              unit->subtree_end};
    }
    qsort(asked.stretches, unit_count, sizeof(struct stretch), by_stretch);
    for (size_t i = 0; i < unit_count; i++) {
        const struct stretch *last = asked.count == 0 ? NULL : &asked.stretches[asked.count - 1];
        if (last == NULL || last->fragment != asked.stretches[i].fragment || asked.stretches[i].first >= last->end)
            asked.stretches[asked.count++] = asked.stretches[i];
    }
    return asked;
}

static bool asked_holds(const struct asked *asked, uint32_t fragment, uint32_t position)
{
    size_t low = 0, high = asked->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct stretch *stretch = &asked->stretches[middle];
        if (stretch->fragment < fragment || (stretch->fragment == fragment && stretch->end <= position))
            low = middle + 1;
        else
            high = middle;
    }
    return low < asked->count && asked->stretches[low].fragment == fragment && asked->stretches[low].first <= position;
}

enum belongs { BELONGS_UNKNOWN, BELONGS_YES, BELONGS_NO };

/* Whether the fragment hangs, over however many others, below what is asked for on that day. All on the way there share
 * the answer, so each is asked once. */
static enum belongs belongs_on(const struct catalogue *catalogue, const struct asked *asked, uint32_t fragment,
                               int32_t day, enum belongs *known, uint32_t *way)
{
    const struct tree *tree = &catalogue->private->tree;
    enum belongs answer = BELONGS_UNKNOWN;
    size_t steps = 0;
    while (answer == BELONGS_UNKNOWN) {
        uint32_t parent, next;
        if (known[fragment] != BELONGS_UNKNOWN) {
            answer = known[fragment];
            break;
        }
        way[steps++] = fragment;
        parent = catalogue_parent_on(catalogue, tree->moved[fragment], day);
        if (parent == NO_INDEX) {
            answer = BELONGS_NO;
            break;
        }
        next = tree->fragment[parent];
        if (asked_holds(asked, next, catalogue->units[parent].position))
            answer = BELONGS_YES;
        else if (next == NO_INDEX)
            answer = BELONGS_NO;
        else
            fragment = next;
    }
    while (steps > 0)
        known[way[--steps]] = answer;
    return answer;
}

/* Days during which a fragment belongs, as a chain of stretches in time. */
struct days {
    int32_t from, until;
    uint32_t next; /* NO_INDEX at the end */
};
struct calendar_of_fragments {
    struct days *days;
    size_t count, capacity;
    uint32_t *first, *last; /* by fragment */
};

static void add_days(struct calendar_of_fragments *calendar, uint32_t fragment, int32_t from, int32_t until)
{
    const uint32_t last = calendar->last[fragment];
    if (last != NO_INDEX && calendar->days[last].until == from - 1) {
        calendar->days[last].until = until;
        return;
    }
    calendar->days = memory_grow(calendar->days, &calendar->capacity, calendar->count + 1, sizeof(struct days));
    calendar->days[calendar->count] = (struct days){from, until, NO_INDEX};
    if (last == NO_INDEX)
        calendar->first[fragment] = (uint32_t)calendar->count;
    else
        calendar->days[last].next = (uint32_t)calendar->count;
    calendar->last[fragment] = (uint32_t)calendar->count++;
}

static struct calendar_of_fragments days_of_fragments(const struct catalogue *catalogue, const struct asked *asked)
{
    const struct tree *tree = &catalogue->private->tree;
    struct calendar_of_fragments calendar = {0};
    enum belongs *known = memory_array(tree->moved_count, sizeof(*known));
    uint32_t *way = memory_array(tree->moved_count, sizeof(*way));
    calendar.first = memory_array(tree->moved_count, sizeof(uint32_t));
    calendar.last = memory_array(tree->moved_count, sizeof(uint32_t));
    memset(calendar.first, 0xff, tree->moved_count * sizeof(uint32_t));
    memset(calendar.last, 0xff, tree->moved_count * sizeof(uint32_t));
    for (size_t epoch = 0; epoch < tree->epoch_count; epoch++) {
        const int32_t from = tree->epochs[epoch];
        const int32_t until = epoch + 1 < tree->epoch_count ? tree->epochs[epoch + 1] - 1 : DAY_MAX;
        memset(known, 0, tree->moved_count * sizeof(*known));
        for (uint32_t fragment = 0; fragment < tree->moved_count; fragment++)
            if (belongs_on(catalogue, asked, fragment, from, known, way) == BELONGS_YES)
                add_days(&calendar, fragment, from, until);
    }
    free(known);
    free(way);
    return calendar;
}

static uint32_t slot_at(const struct catalogue *catalogue, const struct level *level, uint32_t position)
{
    uint32_t low = 0, high = level->unit_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (catalogue->units[level->unit_of_slot[middle]].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct covers {
    struct cover *items;
    size_t count, capacity;
};

static void add_cover(struct covers *covers, uint32_t first, uint32_t end, int32_t from, int32_t until)
{
    if (first == end)
        return;
    covers->items = memory_grow(covers->items, &covers->capacity, covers->count + 1, sizeof(struct cover));
    covers->items[covers->count++] = (struct cover){first, end - first, from, until};
}

static int by_days_and_slot(const void *one, const void *other)
{
    const struct cover *a = one, *b = other;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->until != b->until)
        return a->until < b->until ? -1 : 1;
    return (a->first_slot > b->first_slot) - (a->first_slot < b->first_slot);
}

static int by_slot_and_days(const void *one, const void *other)
{
    const struct cover *a = one, *b = other;
    if (a->first_slot != b->first_slot)
        return a->first_slot < b->first_slot ? -1 : 1;
    return (a->from > b->from) - (a->from < b->from);
}

/* Joins neighbours that have the same days, so that what no move concerns stays one range. */
static void join_covers(struct covers *covers)
{
    size_t kept = 0;
    qsort(covers->items, covers->count, sizeof(struct cover), by_days_and_slot);
    for (size_t i = 0; i < covers->count; i++) {
        struct cover *last = kept == 0 ? NULL : &covers->items[kept - 1];
        const struct cover *next = &covers->items[i];
        if (last != NULL && last->from == next->from && last->until == next->until &&
            last->first_slot + last->slot_count == next->first_slot)
            last->slot_count += next->slot_count;
        else
            covers->items[kept++] = *next;
    }
    covers->count = kept;
    qsort(covers->items, covers->count, sizeof(struct cover), by_slot_and_days);
}

static int by_position(const void *one, const void *other)
{
    const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

/* Positions at which the fragment or the answer "asked for" may change. */
static size_t boundaries_of(const struct catalogue *catalogue, const struct asked *asked, uint32_t **ret_boundaries)
{
    const struct tree *tree = &catalogue->private->tree;
    uint32_t *boundaries = memory_array((tree->moved_count + asked->count) * 2, sizeof(*boundaries));
    size_t count = 0, distinct = 0;
    for (size_t i = 0; i < tree->moved_count; i++) {
        boundaries[count++] = catalogue->units[tree->moved[i]].position;
        boundaries[count++] = catalogue->units[tree->moved[i]].subtree_end;
    }
    for (size_t i = 0; i < asked->count; i++) {
        boundaries[count++] = asked->stretches[i].first;
        boundaries[count++] = asked->stretches[i].end;
    }
    qsort(boundaries, count, sizeof(*boundaries), by_position);
    for (size_t i = 0; i < count; i++)
        if (distinct == 0 || boundaries[i] != boundaries[distinct - 1])
            boundaries[distinct++] = boundaries[i];
    *ret_boundaries = boundaries;
    return distinct;
}

static size_t cover_moved(const struct catalogue *catalogue, const struct asked *asked, const struct level *level,
                          struct covers *covers)
{
    const struct tree *tree = &catalogue->private->tree;
    struct calendar_of_fragments calendar = days_of_fragments(catalogue, asked);
    uint32_t *boundaries = NULL;
    const size_t count = boundaries_of(catalogue, asked, &boundaries);
    for (size_t i = 0; i + 1 < count; i++) {
        const uint32_t fragment = tree->fragment[tree->unit_of_position[boundaries[i]]];
        const bool always = asked_holds(asked, fragment, boundaries[i]);
        uint32_t days = always || fragment == NO_INDEX ? NO_INDEX : calendar.first[fragment];
        uint32_t first, end;
        if (!always && days == NO_INDEX)
            continue;
        first = slot_at(catalogue, level, boundaries[i]);
        end = slot_at(catalogue, level, boundaries[i + 1]);
        if (always)
            add_cover(covers, first, end, DAY_MIN, DAY_MAX);
        for (; days != NO_INDEX; days = calendar.days[days].next)
            add_cover(covers, first, end, calendar.days[days].from, calendar.days[days].until);
    }
    free(boundaries);
    free(calendar.days);
    free(calendar.first);
    free(calendar.last);
    return covers->count;
}

size_t catalogue_cover_units(const struct catalogue *catalogue, const uint32_t *units, size_t unit_count,
                             uint32_t level, struct cover **ret_covers)
{
    const struct level *slots = &catalogue->levels[level];
    struct asked asked = asked_for(catalogue, units, unit_count);
    struct covers covers = {0};
    if (catalogue->private->tree.moved_count > 0)
        (void)cover_moved(catalogue, &asked, slots, &covers);
    else
        for (size_t i = 0; i < asked.count; i++)
            add_cover(&covers, slot_at(catalogue, slots, asked.stretches[i].first),
                      slot_at(catalogue, slots, asked.stretches[i].end), DAY_MIN, DAY_MAX);
    if (covers.count > 1)
        join_covers(&covers);
    free(asked.stretches);
    *ret_covers = covers.items;
    return covers.count;
}

size_t catalogue_cover(const struct catalogue *catalogue, uint32_t unit, uint32_t level, struct cover **ret_covers)
{
    return catalogue_cover_units(catalogue, &unit, 1, level, ret_covers);
}

/* ---- questions: who owes what ------------------------------------------------------------------------------------ */

size_t catalogue_scope_at(const struct catalogue *catalogue, const struct form *form, uint32_t slot)
{
    size_t low = 0, high = form->unit_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (catalogue->units[form->units[middle]].slot < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool in_scope(const struct catalogue *catalogue, const struct form *form, uint32_t unit)
{
    size_t at;
    if (form->units == NULL)
        return true;
    at = catalogue_scope_at(catalogue, form, catalogue->units[unit].slot);
    return at < form->unit_count && form->units[at] == unit;
}

bool catalogue_owes(const struct catalogue *catalogue, const struct form *form, uint32_t unit, struct period period)
{
    return catalogue->units[unit].level == form->level && in_scope(catalogue, form, unit) &&
           catalogue_unit_open(catalogue, unit, period);
}

static size_t scope_between(const struct catalogue *catalogue, const struct form *form, uint32_t first, uint32_t end)
{
    if (form->units == NULL)
        return end - first;
    return catalogue_scope_at(catalogue, form, end) - catalogue_scope_at(catalogue, form, first);
}

size_t catalogue_owing(const struct catalogue *catalogue, const struct form *form, uint32_t first_slot,
                       uint32_t slot_count, struct period period)
{
    const struct level *level = &catalogue->levels[form->level];
    const struct level_days *days = &catalogue->private->tree.days[form->level];
    const uint32_t end = first_slot + slot_count;
    size_t owing = 0;
    if (!days->dated)
        return scope_between(catalogue, form, first_slot, end);
    for (uint32_t slot = first_slot; slot < end;) {
        const struct open_block *block = &days->blocks[slot / OPEN_BLOCK_SLOTS];
        uint32_t next = (slot / OPEN_BLOCK_SLOTS + 1) * OPEN_BLOCK_SLOTS;
        next = next < end ? next : end;
        /* Whole blocks by their common days; only a block in which something opens or closes is looked through. */
        if (block->opened <= period.last && block->closed >= period.first)
            owing += scope_between(catalogue, form, slot, next);
        else
            for (uint32_t at = slot; at < next; at++)
                owing += catalogue_owes(catalogue, form, level->unit_of_slot[at], period);
        slot = next;
    }
    return owing;
}
