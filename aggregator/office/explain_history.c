/* explain_history.c - what the ledger says of the cells in the tree: each record that was taken, which of them is live, and
 * the submission it came with. Cells of one form and period are read together, in one pass over the entries that touch
 * them. */
#include "explain.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSIONS_KEPT 256 /* superseded revisions of one cell that are kept while reading; the newest */

/* ---- what stands in the ledger about a cell ---------------------------------------------------------------------- */

static int by_form_period_cell(const void *one_item, const void *other_item)
{
    const struct node *one = *(struct node *const *)one_item, *other = *(struct node *const *)other_item;
    if (one->cell.form != other->cell.form)
        return one->cell.form < other->cell.form ? -1 : 1;
    if (one->cell.period.first != other->cell.period.first)
        return one->cell.period.first < other->cell.period.first ? -1 : 1;
    if (one->cell.period.last != other->cell.period.last)
        return one->cell.period.last < other->cell.period.last ? -1 : 1;
    if (one->cell.element != other->cell.element)
        return one->cell.element < other->cell.element ? -1 : 1;
    return (one->cell.unit > other->cell.unit) - (one->cell.unit < other->cell.unit);
}

void explain_forget_versions(struct node *node)
{
    for (size_t i = 0; i < node->cell.count; i++)
        free(node->cell.versions[i].reason);
    node->cell.count = 0;
    node->cell.revision = 0;
    node->cell.live = SIZE_MAX;
}

/* Many revisions of one cell: the oldest superseded ones go first. */
static void make_room(struct node *node)
{
    size_t kept = 0;
    if (node->cell.count < 2 * (size_t)VERSIONS_KEPT)
        return;
    for (size_t i = 0; i < node->cell.count; i++) {
        if (i < VERSIONS_KEPT && i != node->cell.live) {
            free(node->cell.versions[i].reason);
            continue;
        }
        if (i == node->cell.live)
            node->cell.live = kept;
        node->cell.versions[kept++] = node->cell.versions[i];
    }
    node->cell.count = kept;
}

static void take_version(struct node *node, const struct witness *witness, uint32_t source)
{
    const struct batch_record *record = witness->record;
    struct version version = {.revision = record->revision == NO_REVISION ? node->cell.revision + 1 : record->revision,
                              .source = source, .status = record->status, .value = witness->value,
                              .line = record->line, .reported_at = record->reported_at,
                              .reason = memory_copy_text(record->reason)};
    make_room(node);
    version.was_live = version.revision > node->cell.revision;
    node->cell.versions = memory_grow(node->cell.versions, &node->cell.capacity, node->cell.count + 1,
                                      sizeof *node->cell.versions);
    if (version.was_live) {
        node->cell.revision = version.revision;
        node->cell.live = node->cell.count;
    }
    node->cell.versions[node->cell.count++] = version;
}

static enum status see(void *context, const struct witness *witness)
{
    struct explaining *explaining = context;
    struct node key, *const key_pointer = &key;
    uint32_t source;
    if (witness->element == NO_INDEX || witness->unit == NO_INDEX)
        return STATUS_OK;
    key.cell.form = explaining->catalogue->elements[witness->element].form;
    key.cell.element = witness->element;
    key.cell.unit = witness->unit;
    key.cell.period = witness->period;
    struct node **found = bsearch(&key_pointer, explaining->wanted, explaining->wanted_count,
                                  sizeof *explaining->wanted, by_form_period_cell);
    if (found == NULL)
        return STATUS_OK;
    const enum status status = sources_add(&explaining->sources, explaining->asking->office->store, witness->entry,
                                           witness->batch, &source, explaining->asking->why);
    if (status != STATUS_OK)
        return status;
    /* A cell may stand in the tree twice (a name used twice in a formula): those stand side by side. */
    while (found > explaining->wanted && by_form_period_cell(found - 1, &key_pointer) == 0)
        found--;
    for (struct node **end = explaining->wanted + explaining->wanted_count;
         found < end && by_form_period_cell(found, &key_pointer) == 0; found++)
        take_version(*found, witness, source);
    return STATUS_OK;
}

static bool is_complete(const struct explaining *explaining, const struct node *node)
{
    if (node->cell.live == SIZE_MAX)
        return false;
    const struct version *live = &node->cell.versions[node->cell.live];
    return live->revision == node->cell.cell.revision && live->status == node->cell.cell.status &&
           explaining->sources.items[live->source].entry == node->cell.cell.entry;
}

/* wanted[..] of one form and period: first by the index of what touches it, else by the whole ledger. */
static enum status read_cells(struct explaining *explaining)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const struct node *first = explaining->wanted[0];
    const char *form = catalogue->forms[catalogue->elements[first->cell.element].form].code;
    char period[PERIOD_TEXT];
    bool complete = true;
    enum status status;
    period_format(first->cell.period, period);
    status = witness_walk(explaining->asking, form, period, 0, explaining->asking->newest, see, explaining);
    for (size_t i = 0; i < explaining->wanted_count; i++)
        complete = complete && is_complete(explaining, explaining->wanted[i]);
    if (status != STATUS_OK || complete)
        return status;
    for (size_t i = 0; i < explaining->wanted_count; i++)
        explain_forget_versions(explaining->wanted[i]);
    status = witness_walk(explaining->asking, NULL, NULL, 0, explaining->asking->newest, see, explaining);
    for (size_t i = 0; i < explaining->wanted_count && status == STATUS_OK; i++)
        if (!is_complete(explaining, explaining->wanted[i]))
            status = explain_mismatch(explaining, explaining->wanted[i]);
    return status;
}

static void write_version(struct explaining *explaining, struct node *node, const struct version *version)
{
    const struct source *source = &explaining->sources.items[version->source];
    char part[32];
    (void)snprintf(part, sizeof part, "%u/%u", (unsigned)source->part + 1, (unsigned)source->parts);
    explain_write(node, COLUMN_DETAIL, version->reason);
    explain_write(node, COLUMN_FILE, source->file);
    explain_write(node, COLUMN_PART, part);
    if (version->line > 0)
        explain_write_number(node, COLUMN_LINE, (uint64_t)version->line);
    explain_write(node, COLUMN_AGENT, source->agent);
    explain_write_number(node, COLUMN_ENTRY, source->entry);
    explain_write_time(node, COLUMN_REPORTED_AT, version->reported_at);
    explain_write_time(node, COLUMN_RECEIVED_AT, source->received_at);
    explain_write(node, COLUMN_SIGNATURE, signature_text(source->signature));
}

/* "superseded": was live once; "repeated": the live revision said again; "late": came after a higher one. */
static void add_version(struct explaining *explaining, uint32_t parent, const struct version *version)
{
    const struct node copy = explaining->nodes[parent];
    struct node *node = explain_row(explaining, parent, NODE_END);
    const char status[2] = {record_status_letter(version->status), '\0'};
    explain_write(node, COLUMN_KIND,
               version->was_live ? "superseded" : version->revision == copy.cell.cell.revision ? "repeated" : "late");
    explain_write(node, COLUMN_SUBJECT, copy.cells[COLUMN_SUBJECT]);
    explain_write(node, COLUMN_UNIT, copy.cells[COLUMN_UNIT]);
    explain_write(node, COLUMN_PERIOD, copy.cells[COLUMN_PERIOD]);
    if (record_status_has_value(version->status))
        explain_write_decimal(node, version->value.units, version->value.scale);
    explain_write(node, COLUMN_STATUS, status);
    explain_write_number(node, COLUMN_REVISION, version->revision);
    write_version(explaining, node, version);
}

enum status explain_read_histories(struct explaining *explaining)
{
    const size_t nodes = explaining->count;
    struct node **cells = memory_array(nodes, sizeof *cells);
    size_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < nodes; i++)
        if (explaining->nodes[i].kind == NODE_CELL)
            cells[count++] = &explaining->nodes[i];
    if (count > 1)
        qsort(cells, count, sizeof *cells, by_form_period_cell);
    for (size_t first = 0, end; first < count && status == STATUS_OK; first = end) {
        for (end = first + 1; end < count && cells[end]->cell.form == cells[first]->cell.form &&
                              period_equal(cells[end]->cell.period, cells[first]->cell.period);)
            end++;
        explaining->wanted = cells + first;
        explaining->wanted_count = end - first;
        status = read_cells(explaining);
    }
    free(cells);
    return status;
}

void explain_add_histories(struct explaining *explaining)
{
    const size_t nodes = explaining->count;
    for (uint32_t i = 0; i < nodes; i++) {
        if (explaining->nodes[i].kind != NODE_CELL)
            continue;
        const struct node *node = &explaining->nodes[i];
        const size_t live = node->cell.live;
        write_version(explaining, &explaining->nodes[i], &node->cell.versions[live]);
        for (size_t v = explaining->nodes[i].cell.count; v-- > 0;) {
            if (v == live)
                continue;
            if (explain_has_room(explaining))
                add_version(explaining, i, &explaining->nodes[i].cell.versions[v]);
            else
                explain_cut(explaining, &explaining->nodes[i]);
        }
    }
}
