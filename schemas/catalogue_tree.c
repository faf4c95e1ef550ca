/* catalogue_tree.c - the tree of units is built: order, levels, slots, and who hangs below whom on which day. What is asked
 * of it stands in catalogue_cover.c.
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
