/* explain_units.c - an element's figure taken apart: the units below, by the tree of the day that counts for each, down to
 * the cells of the units that report it. Every step is added up again and has to come to what stands above. */
#include "explain.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- shares of units ----------------------------------------------------------------------------------------------- */

static const char *state_flag(const struct combined *share)
{
    if (share->state == FIGURE_OVERFLOW)
        return figure_flag_text(FLAG_OVERFLOW);
    if (share->state == FIGURE_NONE)
        return figure_flag_text(FLAG_MISSING);
    return figure_flag_text(share->reported < share->expected ? FLAG_PARTIAL : FLAG_COMPLETE);
}

static void write_share(struct node *node, const struct combined *share, uint8_t decimals, const char *before)
{
    if (share->state == FIGURE_PRESENT)
        explain_write_decimal(node, share->value, decimals);
    explain_write(node, COLUMN_STATUS, state_flag(share));
    explain_write_counts(node, before, share->reported, share->expected);
}

static enum status start_task(struct explaining *explaining, uint32_t element, struct period period,
                              const struct cover *covers, size_t cover_count, uint32_t *ret_task)
{
    struct asking *asking = explaining->asking;
    const struct catalogue *catalogue = explaining->catalogue;
    const uint32_t level = catalogue->forms[catalogue->elements[element].form].level;
    explaining->tasks = memory_grow(explaining->tasks, &explaining->task_capacity, explaining->task_count + 1,
                                    sizeof *explaining->tasks);
    struct task *task = &explaining->tasks[explaining->task_count];
    *task = (struct task){.element = element,
                          .last_day = memory_array(catalogue->levels[level].unit_count, sizeof *task->last_day)};
    *ret_task = (uint32_t)explaining->task_count++;
    for (uint32_t slot = 0; slot < catalogue->levels[level].unit_count; slot++)
        task->last_day[slot] = DAY_MIN;
    for (size_t i = 0; i < cover_count; i++) {
        const int32_t until = covers[i].until < period.last ? covers[i].until : period.last;
        for (uint32_t slot = covers[i].first_slot; slot < covers[i].first_slot + covers[i].slot_count; slot++)
            if (until > task->last_day[slot])
                task->last_day[slot] = until;
    }
    return parting_start(&task->parting, asking->abacus, catalogue, asking->office->store, element, period,
                         asking->why);
}

enum status explain_top(struct explaining *explaining, uint32_t index, uint32_t element, struct period period)
{
    static const char *const kinds[] = {
        [ELEMENT_FLOW] = "flow", [ELEMENT_STOCK] = "stock", [ELEMENT_YTD] = "ytd", [ELEMENT_BASE] = "base"};
    static const char *const aggregates[] = {
        [AGGREGATE_SUM] = "sum", [AGGREGATE_MAX] = "max", [AGGREGATE_MIN] = "min"};
    struct asking *asking = explaining->asking;
    const struct element *what = &explaining->catalogue->elements[element];
    struct cover *covers = NULL;
    struct combined share;
    char before[32];
    uint32_t task = 0;
    const size_t count = figures_covers(asking->figures, explaining->place.scope,
                                        explaining->catalogue->forms[what->form].level, &covers);
    enum status status = combine_covers(asking->figures, element, covers, count, period, &share, asking->why);
    if (status == STATUS_OK)
        status = start_task(explaining, element, period, covers, count, &task);
    struct node *node = &explaining->nodes[index];
    node->kind = NODE_UNITS;
    node->units.task = task;
    node->units.unit = explaining->place.unit;
    node->units.covers = covers;
    node->units.cover_count = count;
    if (status != STATUS_OK)
        return status;
    node->units.share = share;
    explain_write(node, COLUMN_SUBJECT, what->code);
    explain_write(node, COLUMN_NAME, name_in(asking->language, what->name_zh, what->name_en));
    explain_write(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    explain_write_period(node, period);
    (void)snprintf(before, sizeof before, "%s %s ", kinds[what->kind], aggregates[what->aggregate]);
    write_share(node, &share, what->decimals, before);
    return STATUS_OK;
}

/* The placement of the unit that counts on the day. */
static uint32_t parent_on(const struct catalogue *catalogue, uint32_t unit, int32_t day)
{
    const struct unit *here = &catalogue->units[unit];
    uint32_t parent = here->placement_count > 0 ? here->placements[0].parent : here->parent;
    for (size_t i = 1; i < here->placement_count; i++)
        if (here->placements[i].opened <= day)
            parent = here->placements[i].parent;
    return parent;
}

static bool is_member(const struct explaining *explaining, uint32_t unit)
{
    for (size_t i = 0; i < explaining->place.scope.unit_count; i++)
        if (explaining->place.scope.units[i] == unit)
            return true;
    return false;
}

/* The unit just below `above` on the way to the leaf; above NO_INDEX: the topmost member of the group. The leaf itself
 * when it does not lie below by the tree of that day. */
static uint32_t step_towards(const struct explaining *explaining, uint32_t above, uint32_t leaf, int32_t day)
{
    const struct catalogue *catalogue = explaining->catalogue;
    uint32_t unit = leaf, member = leaf;
    for (size_t steps = 0; unit != NO_INDEX && steps < catalogue->unit_count; steps++) {
        const uint32_t parent = parent_on(catalogue, unit, day);
        if (above != NO_INDEX && parent == above)
            return unit;
        if (above == NO_INDEX && is_member(explaining, unit))
            member = unit;
        unit = parent;
    }
    return above == NO_INDEX ? member : leaf;
}

struct strand { /* a run of slots that goes to one unit below */
    uint32_t unit, position;
    struct cover cover;
};

static int by_unit_and_slot(const void *one, const void *other)
{
    const struct strand *left = one, *right = other;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    if (left->cover.first_slot != right->cover.first_slot)
        return left->cover.first_slot < right->cover.first_slot ? -1 : 1;
    return (left->cover.from > right->cover.from) - (left->cover.from < right->cover.from);
}

static size_t split_covers(const struct explaining *explaining, const struct node *node, struct strand **ret_strands)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const struct task *task = &explaining->tasks[node->units.task];
    const uint32_t level = catalogue->forms[catalogue->elements[task->element].form].level;
    struct strand *strands = NULL;
    size_t count = 0, capacity = 0;
    for (size_t c = 0; c < node->units.cover_count; c++) {
        const struct cover *cover = &node->units.covers[c];
        for (uint32_t slot = cover->first_slot; slot < cover->first_slot + cover->slot_count; slot++) {
            const uint32_t unit = step_towards(explaining, node->units.unit,
                                               catalogue->levels[level].unit_of_slot[slot], task->last_day[slot]);
            if (count > 0 && slot > cover->first_slot && strands[count - 1].unit == unit) {
                strands[count - 1].cover.slot_count++;
                continue;
            }
            strands = memory_grow(strands, &capacity, count + 1, sizeof *strands);
            strands[count++] = (struct strand){unit, catalogue->units[unit].position,
                                               {slot, 1, cover->from, cover->until}};
        }
    }
    if (count > 1)
        qsort(strands, count, sizeof *strands, by_unit_and_slot);
    *ret_strands = strands;
    return count;
}

static void share_of_combined(struct share *total, const struct combined *combined)
{
    if (combined->state == FIGURE_PRESENT)
        share_add(total, &(struct share){1, combined->value, combined->value, combined->value});
}

static bool same_share(const struct share *share, enum element_aggregate aggregate, const struct combined *combined)
{
    const __int128 value = share_value(share, aggregate);
    if (share->figures == 0)
        return combined->state == FIGURE_NONE;
    if (value < INT64_MIN || value > INT64_MAX)
        return combined->state == FIGURE_OVERFLOW;
    return combined->state == FIGURE_PRESENT && combined->value == (int64_t)value;
}

static void add_unit(struct explaining *explaining, uint32_t parent, uint32_t unit, const struct strand *strands,
                     size_t count, const struct combined *share)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const uint32_t index = explain_add(explaining, parent, NODE_UNITS);
    const struct node *above = &explaining->nodes[parent];
    struct node *node = &explaining->nodes[index];
    const struct element *element = &catalogue->elements[explaining->tasks[above->units.task].element];
    node->units.task = above->units.task;
    node->units.unit = unit;
    node->units.share = *share;
    node->units.covers = memory_array(count, sizeof *node->units.covers);
    node->units.cover_count = count;
    for (size_t i = 0; i < count; i++)
        node->units.covers[i] = strands[i].cover;
    explain_write(node, COLUMN_KIND, "unit");
    explain_write(node, COLUMN_SUBJECT, element->code);
    explain_write(node, COLUMN_NAME, name_in(explaining->asking->language, catalogue->units[unit].name_zh,
                                          catalogue->units[unit].name_en));
    explain_write(node, COLUMN_UNIT, catalogue->units[unit].code);
    explain_write_period(node, explaining->tasks[above->units.task].parting.period);
    write_share(node, share, element->decimals, "");
}

static bool was_there(const struct strand *strands, size_t count, struct period period)
{
    for (size_t i = 0; i < count; i++)
        if (strands[i].cover.from <= period.last && strands[i].cover.until >= period.first)
            return true;
    return false;
}

static enum status expand_inner(struct explaining *explaining, uint32_t index)
{
    struct asking *asking = explaining->asking;
    const struct task *task = &explaining->tasks[explaining->nodes[index].units.task];
    const enum element_aggregate aggregate = explaining->catalogue->elements[task->element].aggregate;
    struct strand *strands = NULL;
    struct share total = {0, 0, 0, 0};
    bool is_known = true; /* a share that does not fit cannot be added up again */
    const size_t count = split_covers(explaining, &explaining->nodes[index], &strands);
    enum status status = STATUS_OK;
    for (size_t first = 0, end; first < count && status == STATUS_OK; first = end) {
        struct cover *covers;
        struct combined share;
        for (end = first + 1; end < count && strands[end].unit == strands[first].unit;)
            end++;
        covers = memory_array(end - first, sizeof *covers);
        for (size_t i = first; i < end; i++)
            covers[i - first] = strands[i].cover;
        status = combine_covers(asking->figures, task->element, covers, end - first, task->parting.period, &share,
                                asking->why);
        free(covers);
        if (status != STATUS_OK)
            break;
        share_of_combined(&total, &share);
        is_known = is_known && share.state != FIGURE_OVERFLOW;
        if (share.state == FIGURE_NONE && share.reported == 0 && share.expected == 0 &&
            (task->parting.page_count == 0 || !was_there(strands + first, end - first, task->parting.period)))
            continue; /* owes nothing, never reported, or was elsewhere then */
        if (explain_has_room(explaining))
            add_unit(explaining, index, strands[first].unit, strands + first, end - first, &share);
        else
            explain_cut(explaining, &explaining->nodes[index]);
    }
    if (status == STATUS_OK && is_known && !same_share(&total, aggregate, &explaining->nodes[index].units.share))
        status = explain_mismatch(explaining, &explaining->nodes[index]);
    free(strands);
    return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static const char *part_text(const struct part *part)
{
    if (part->role == PART_SUBTRACTED)
        return "subtracted";
    if (part->role == PART_COUNTS)
        return "record";
    if (part->role == PART_BEFORE)
        return "before";
    return part->cell.reported ? "no_figure" : "retracted";
}

static void add_cell(struct explaining *explaining, uint32_t parent, uint32_t element, const struct part *part)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const uint32_t unit = explaining->nodes[parent].units.unit;
    struct node *node = explain_row(explaining, parent, NODE_CELL);
    const char status[2] = {record_status_letter(part->cell.status), '\0'};
    node->cell.form = catalogue->elements[element].form;
    node->cell.element = element;
    node->cell.unit = unit;
    node->cell.period = part->period;
    node->cell.cell = part->cell;
    explain_write(node, COLUMN_KIND, part_text(part));
    explain_write(node, COLUMN_SUBJECT, catalogue->elements[element].code);
    explain_write(node, COLUMN_UNIT, catalogue->units[unit].code);
    explain_write_period(node, part->period);
    if (part->cell.has_figure)
        explain_write_decimal(node, part->cell.value, catalogue->elements[element].decimals);
    explain_write(node, COLUMN_STATUS, status);
    explain_write_number(node, COLUMN_REVISION, part->cell.revision);
}

/* A unit that reports the element itself. */
static enum status expand_leaf(struct explaining *explaining, uint32_t index)
{
    struct node *node = &explaining->nodes[index];
    struct task *task = &explaining->tasks[node->units.task];
    const uint32_t slot = explaining->catalogue->units[node->units.unit].slot;
    struct part *parts = NULL;
    struct share share;
    size_t count = 0;
    const enum status status = parting_unit(&task->parting, slot, node->units.covers, node->units.cover_count, &share,
                                            &parts, &count);
    if (status != STATUS_OK)
        return status;
    if (!same_share(&share, explaining->catalogue->elements[task->element].aggregate, &node->units.share)) {
        free(parts);
        return explain_mismatch(explaining, node);
    }
    for (size_t i = 0; i < count; i++) {
        if (explain_has_room(explaining))
            add_cell(explaining, index, task->element, &parts[i]);
        else
            explain_cut(explaining, &explaining->nodes[index]);
    }
    free(parts);
    return STATUS_OK;
}

enum status explain_units(struct explaining *explaining, uint32_t index)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const struct node *node = &explaining->nodes[index];
    const uint32_t element = explaining->tasks[node->units.task].element;
    const uint32_t level = catalogue->forms[catalogue->elements[element].form].level;
    if (!explain_has_room(explaining)) {
        explain_cut(explaining, &explaining->nodes[index]);
        return STATUS_OK;
    }
    if (node->units.unit != NO_INDEX && catalogue->units[node->units.unit].level == level)
        return expand_leaf(explaining, index);
    return expand_inner(explaining, index);
}
