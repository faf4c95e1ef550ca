/* catalogue_tree.c - the tree of units: order, levels, slots, and who belongs to whom on which day.
 *
 * Units are numbered in preorder, so a subtree is a range of positions and, level by level, a range of slots. A unit
 * that moved breaks this: its subtree belongs elsewhere before the move. The newest tree gives the numbering; it is cut
 * into fragments at the moved units, and time into epochs at the days of the moves. Within one epoch a fragment hangs
 * below exactly one parent, so what belongs to a unit is a few ranges, each with its days:
 *
 *        newest tree                 fragments            epochs
 *        R                           R A B b1             [..2019-12-31]  x hangs below B
 *        |- A - a1, x - x1           x x1                 [2020-01-01..]  x hangs below A
 *        |- B - b1
 *
 * Days outside every placement (before the first, in a gap, after the last) belong to the placement before, or to the
 * first: whether a unit is open then is another question (catalogue_unit_open). */
#include "catalogue.h"

#include "catalogue_internal.h"
#include "memory.h"
#include "seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- placements -------------------------------------------------------------------------------------------------- */

static const struct placement *placement_on(const struct unit *unit, int32_t day)
{
    size_t low = 0, high = unit->placement_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (unit->placements[middle].opened <= day)
            low = middle;
        else
            high = middle;
    }
    return &unit->placements[low];
}

uint32_t catalogue_parent_on(const struct catalogue *catalogue, uint32_t unit, int32_t day)
{
    const struct unit *asked = &catalogue->units[unit];
    return asked->placement_count == 1 ? asked->parent : placement_on(asked, day)->parent;
}

static bool open_between(const struct unit *unit, int32_t first, int32_t last)
{
    for (size_t i = 0; i < unit->placement_count; i++)
        if (unit->placements[i].opened <= last && unit->placements[i].closed >= first)
            return true;
    return false;
}

bool catalogue_unit_open(const struct catalogue *catalogue, uint32_t unit, struct period period)
{
    return open_between(&catalogue->units[unit], period.first, period.last);
}

/* ---- building: cycles and roots ---------------------------------------------------------------------------------- */

/* The loader owns placements; the tree's readers only see them as const. */
static void cut_placement(struct catalogue *catalogue, uint32_t unit, const struct placement *placement)
{
    struct placement *all = catalogue->private->placements;
    struct unit *owner = &catalogue->units[unit];
    all[placement - all].parent = NO_INDEX;
    owner->parent = owner->placements[owner->placement_count - 1].parent;
}

/* "A > B > A", as far as it fits. */
static void report_cycle(struct loader *loader, uint32_t unit, int32_t day)
{
    const struct catalogue *catalogue = loader->catalogue;
    const struct unit *first = &catalogue->units[unit];
    const struct place place = {"units.csv", placement_on(first, day)->row, "parent", first->code};
    char path[200];
    size_t used = 0;
    uint32_t at = unit;
    for (bool again = false; !again; again = at == unit) {
        const int wrote = snprintf(path + used, sizeof(path) - used, "%s > ", catalogue->units[at].code);
        if (wrote < 0 || (size_t)wrote >= sizeof(path) - used) {
            (void)snprintf(path + used, sizeof(path) - used, "%s", "");
            break;
        }
        used += (size_t)wrote;
        at = catalogue_parent_on(catalogue, at, day);
    }
    if (strlen(path) + strlen(first->code) < sizeof(path))
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s", first->code);
    loader_report(loader, FINDING_ERROR, &place, MESSAGE_CYCLE, path, NULL, NULL, NULL);
}

/* Walks up from every start on one day; whoever meets its own trail closes a circle, which is reported and cut. Numbers
 * in `mark` up to `base` are old trails; returns the last number used. */
static uint32_t break_cycles(struct loader *loader, int32_t day, const uint32_t *starts, size_t start_count,
                             uint32_t *mark, uint32_t base)
{
    struct catalogue *catalogue = loader->catalogue;
    for (size_t i = 0; i < start_count; i++) {
        const uint32_t trail = base + (uint32_t)i + 1;
        uint32_t at = starts == NULL ? (uint32_t)i : starts[i];
        while (at != NO_INDEX && mark[at] <= base) {
            mark[at] = trail;
            at = catalogue_parent_on(catalogue, at, day);
        }
        if (at == NO_INDEX || mark[at] != trail)
            continue;
        /* An old circle goes through a unit that moved; cutting there leaves the newest tree as it is. */
        while (starts != NULL && catalogue->units[at].placement_count == 1)
            at = catalogue_parent_on(catalogue, at, day);
        report_cycle(loader, at, day);
        cut_placement(catalogue, at, placement_on(&catalogue->units[at], day));
    }
    return base + (uint32_t)start_count;
}

/* The root is the first unit whose rows have no parent; further ones are errors. A row whose parent was unknown or cut
 * has no parent either, but it named one, so it is not taken for a root: the loader remembers in `named`. */
static void find_root(struct loader *loader, const bool *named)
{
    struct catalogue *catalogue = loader->catalogue;
    const struct placement *all = catalogue->private->placements;
    char line[24];
    for (uint32_t i = 0; i < catalogue->unit_count; i++) {
        const struct unit *unit = &catalogue->units[i];
        for (size_t j = 0; j < unit->placement_count; j++) {
            const struct placement *placement = &unit->placements[j];
            const struct place place = {"units.csv", placement->row, "parent", unit->code};
            if (placement->parent != NO_INDEX || named[placement - all] || catalogue->root == i)
                continue;
            if (catalogue->root == NO_INDEX) {
                catalogue->root = i;
                continue;
            }
            (void)snprintf(line, sizeof(line), "%lld",
                           (long long)catalogue->units[catalogue->root].placements[0].row);
            loader_report(loader, FINDING_ERROR, &place, MESSAGE_SEVERAL_ROOTS, unit->code,
                          catalogue->units[catalogue->root].code, line, NULL);
        }
    }
    if (catalogue->root == NO_INDEX && loader->usable[PART_UNITS]) {
        const struct place place = {"units.csv", 0, "parent", "units.csv"};
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_MISSING_ROOT, NULL, NULL, NULL, NULL);
    }
}

/* ---- building: order --------------------------------------------------------------------------------------------- */

/* Children of every unit in the order of units.csv; roots are the children of number unit_count. */
struct children {
    uint32_t *first; /* unit_count + 2 */
    uint32_t *units;
};

static uint32_t bucket_of(const struct catalogue *catalogue, uint32_t unit)
{
    const uint32_t parent = catalogue->units[unit].parent;
    return parent == NO_INDEX ? (uint32_t)catalogue->unit_count : parent;
}

static struct children children_of_all(const struct catalogue *catalogue)
{
    const size_t count = catalogue->unit_count;
    struct children children = {memory_array(count + 3, sizeof(uint32_t)), memory_array(count, sizeof(uint32_t))};
    uint32_t *next = children.first + 1; /* filled one place ahead, so that it ends up as the starts */
    for (uint32_t i = 0; i < count; i++)
        next[bucket_of(catalogue, i) + 1]++;
    for (size_t i = 0; i <= count; i++)
        next[i + 1] += next[i];
    for (uint32_t i = 0; i < count; i++)
        children.units[next[bucket_of(catalogue, i)]++] = i;
    return children;
}

static void report_depth(struct loader *loader, uint32_t unit)
{
    const struct unit *deep = &loader->catalogue->units[unit];
    const struct place place = {"units.csv", deep->placements[deep->placement_count - 1].row, "parent", deep->code};
    char limit[16];
    (void)snprintf(limit, sizeof(limit), "%d", TREE_DEPTH);
    loader_report(loader, FINDING_ERROR, &place, MESSAGE_TOO_DEEP, deep->code, limit, NULL, NULL);
}

/* Preorder without recursion: a unit is put down when first met, closed when its last child is. */
static void number_units(struct loader *loader, const struct children *children)
{
    struct catalogue *catalogue = loader->catalogue;
    struct tree *tree = &catalogue->private->tree;
    const uint32_t count = (uint32_t)catalogue->unit_count;
    uint32_t *path = memory_array((size_t)count + 1, sizeof(*path));
    uint32_t *next = memory_array((size_t)count + 1, sizeof(*next));
    uint32_t position = 0;
    size_t depth = 0;
    memcpy(next, children->first, ((size_t)count + 1) * sizeof(*next));
    path[depth++] = count;
    while (depth > 0) {
        const uint32_t at = path[depth - 1];
        if (next[at] == children->first[at + 1]) {
            if (at != count)
                catalogue->units[at].subtree_end = position;
            depth--;
            continue;
        }
        const uint32_t child = children->units[next[at]++];
        tree->unit_of_position[position] = child;
        catalogue->units[child].position = position++;
        path[depth++] = child;
        if (depth == TREE_DEPTH + 2)
            report_depth(loader, child);
    }
    free(path);
    free(next);
}

static void number_slots(struct catalogue *catalogue)
{
    struct tree *tree = &catalogue->private->tree;
    uint32_t *next = memory_array(catalogue->level_count, sizeof(*next)), first = 0;
    for (size_t i = 0; i < catalogue->unit_count; i++)
        catalogue->levels[catalogue->units[i].level].unit_count++;
    for (size_t i = 0; i < catalogue->level_count; i++) {
        catalogue->levels[i].unit_of_slot = tree->slots + first;
        next[i] = first;
        first += catalogue->levels[i].unit_count;
    }
    for (size_t i = 0; i < catalogue->unit_count; i++) {
        struct unit *unit = &catalogue->units[tree->unit_of_position[i]];
        unit->slot = next[unit->level] - (uint32_t)(catalogue->levels[unit->level].unit_of_slot - tree->slots);
        tree->slots[next[unit->level]++] = tree->unit_of_position[i];
    }
    free(next);
}

/* The days on which a unit is surely open: none when its placements leave a gap. */
static struct open_block sure_days(const struct unit *unit)
{
    const struct placement *placements = unit->placements;
    struct open_block days = {placements[0].opened, placements[unit->placement_count - 1].closed};
    for (size_t i = 1; i < unit->placement_count; i++)
        if ((int64_t)placements[i].opened != (int64_t)placements[i - 1].closed + 1)
            return (struct open_block){DAY_MAX, DAY_MIN};
    return days;
}

static void note_open_days(struct catalogue *catalogue)
{
    struct tree *tree = &catalogue->private->tree;
    tree->days = memory_array(catalogue->level_count, sizeof(*tree->days));
    for (size_t i = 0; i < catalogue->level_count; i++) {
        const struct level *level = &catalogue->levels[i];
        struct level_days *days = &tree->days[i];
        const size_t blocks = ((size_t)level->unit_count + OPEN_BLOCK_SLOTS - 1) / OPEN_BLOCK_SLOTS;
        days->blocks = memory_array(blocks, sizeof(*days->blocks));
        for (size_t block = 0; block < blocks; block++)
            days->blocks[block] = (struct open_block){DAY_MIN, DAY_MAX};
        for (uint32_t slot = 0; slot < level->unit_count; slot++) {
            const struct open_block sure = sure_days(&catalogue->units[level->unit_of_slot[slot]]);
            struct open_block *block = &days->blocks[slot / OPEN_BLOCK_SLOTS];
            days->dated = days->dated || sure.opened != DAY_MIN || sure.closed != DAY_MAX;
            block->opened = sure.opened > block->opened ? sure.opened : block->opened;
            block->closed = sure.closed < block->closed ? sure.closed : block->closed;
        }
    }
}

/* ---- building: moves --------------------------------------------------------------------------------------------- */

static int by_day(const void *one, const void *other)
{
    const int32_t a = *(const int32_t *)one, b = *(const int32_t *)other;
    return (a > b) - (a < b);
}

static void find_epochs(struct catalogue *catalogue)
{
    struct tree *tree = &catalogue->private->tree;
    size_t count = 1, distinct = 1;
    for (size_t i = 0; i < catalogue->unit_count; i++) {
        tree->moved_count += catalogue->units[i].placement_count > 1;
        count += catalogue->units[i].placement_count - 1;
    }
    tree->epochs = memory_array(count, sizeof(*tree->epochs));
    tree->epochs[0] = DAY_MIN;
    count = 1;
    for (size_t i = 0; i < catalogue->unit_count; i++)
        for (size_t j = 1; j < catalogue->units[i].placement_count; j++)
            tree->epochs[count++] = catalogue->units[i].placements[j].opened;
    qsort(tree->epochs, count, sizeof(*tree->epochs), by_day);
    for (size_t i = 1; i < count; i++)
        if (tree->epochs[i] != tree->epochs[distinct - 1])
            tree->epochs[distinct++] = tree->epochs[i];
    tree->epoch_count = distinct;
}

/* Parents come before their children in preorder, so one pass hands every fragment down. */
static void find_fragments(struct catalogue *catalogue)
{
    struct tree *tree = &catalogue->private->tree;
    uint32_t found = 0;
    if (tree->moved_count == 0)
        return;
    tree->moved = memory_array(tree->moved_count, sizeof(*tree->moved));
    tree->fragment = memory_array(catalogue->unit_count, sizeof(*tree->fragment));
    for (size_t i = 0; i < catalogue->unit_count; i++) {
        const uint32_t at = tree->unit_of_position[i];
        const struct unit *unit = &catalogue->units[at];
        if (unit->placement_count > 1) {
            tree->fragment[at] = found;
            tree->moved[found++] = at;
        } else {
            tree->fragment[at] = unit->parent == NO_INDEX ? NO_INDEX : tree->fragment[unit->parent];
        }
    }
}

/* The newest tree has no circles by now; an older epoch can only have one through units that moved. */
static void break_older_cycles(struct loader *loader)
{
    struct catalogue *catalogue = loader->catalogue;
    struct tree *tree = &catalogue->private->tree;
    uint32_t *moved = memory_array(catalogue->unit_count, sizeof(*moved));
    uint32_t *mark = memory_array(catalogue->unit_count, sizeof(*mark)), last = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < catalogue->unit_count; i++)
        if (catalogue->units[i].placement_count > 1)
            moved[count++] = i;
    for (size_t epoch = 0; epoch + 1 < tree->epoch_count; epoch++)
        last = break_cycles(loader, tree->epochs[epoch], moved, count, mark, last);
    free(mark);
    free(moved);
}

/* ---- building: names --------------------------------------------------------------------------------------------- */

static int by_name(const void *one, const void *other)
{
    const struct unit *a = *(const struct unit *const *)one, *b = *(const struct unit *const *)other;
    const int order = strcmp(a->name_zh, b->name_zh);
    return order != 0 ? order : (a->position > b->position) - (a->position < b->position);
}

static void report_same_name(struct loader *loader, const struct unit *unit, const struct unit *other)
{
    const struct placement *newest = &unit->placements[unit->placement_count - 1];
    const struct placement *others = &other->placements[other->placement_count - 1];
    const struct place place = {"units.csv", newest->row, "name_zh", unit->code};
    char line[24];
    /* One was closed before the other opened: a unit set up anew under its old name. */
    if (newest->opened > others->closed || others->opened > newest->closed || unit->name_zh[0] == '\0')
        return;
    (void)snprintf(line, sizeof(line), "%lld", (long long)others->row);
    loader_report(loader, FINDING_WARNING, &place, MESSAGE_SAME_NAME, unit->name_zh, other->code, line, NULL);
}

static void check_sibling_names(struct loader *loader, const struct children *children)
{
    const struct catalogue *catalogue = loader->catalogue;
    const struct unit **siblings = memory_array(catalogue->unit_count, sizeof(*siblings));
    for (size_t parent = 0; parent < catalogue->unit_count; parent++) {
        const uint32_t first = children->first[parent], end = children->first[parent + 1];
        if (end - first < 2)
            continue;
        for (uint32_t i = first; i < end; i++)
            siblings[i - first] = &catalogue->units[children->units[i]];
        qsort(siblings, end - first, sizeof(*siblings), by_name);
        for (uint32_t i = 1; i < end - first; i++)
            if (strcmp(siblings[i - 1]->name_zh, siblings[i]->name_zh) == 0)
                report_same_name(loader, siblings[i], siblings[i - 1]);
    }
    free(siblings);
}

void catalogue_tree_build(struct loader *loader, const bool *named)
{
    struct catalogue *catalogue = loader->catalogue;
    struct tree *tree = &catalogue->private->tree;
    const size_t count = catalogue->unit_count;
    uint32_t *mark = memory_array(count, sizeof(*mark));
    struct children children;
    find_root(loader, named);
    (void)break_cycles(loader, DAY_MAX, NULL, count, mark, 0);
    find_epochs(catalogue);
    if (tree->moved_count > 0)
        break_older_cycles(loader);
    children = children_of_all(catalogue);
    tree->unit_of_position = memory_array(count, sizeof(uint32_t));
    tree->slots = memory_array(count, sizeof(uint32_t));
    number_units(loader, &children);
    number_slots(catalogue);
    note_open_days(catalogue);
    find_fragments(catalogue);
    check_sibling_names(loader, &children);
    free(children.first);
    free(children.units);
    free(mark);
}

void catalogue_tree_free(struct tree *tree, size_t level_count)
{
    for (size_t i = 0; tree->days != NULL && i < level_count; i++)
        free(tree->days[i].blocks);
    free(tree->days);
    free(tree->unit_of_position);
    free(tree->slots);
    free(tree->moved);
    free(tree->fragment);
    free(tree->epochs);
}

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
