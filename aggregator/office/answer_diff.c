/* answer_diff.c - `diff`: which figures changed between two moments, and the submissions that changed them.
 *
 * The ledger between the two moments names every cell that was touched; a cell counts as changed when it is not the
 * same at both ends, and the record that made it what it is at the second is the cause. A changed cell is a cause of a
 * figure when it is among the records that make the figure up at either moment (parts.h). The figures of a publication
 * are those of its own catalogue; where only the catalogue changed, the cause is `definition`. */
#include "answer.h"
#include "combine.h"
#include "memory.h"
#include "parts.h"
#include "publication.h"
#include "witness.h"

#include <stdlib.h>
#include <string.h>

#define CAUSES_USUAL 100
#define CAUSES_MOST 100000
#define CHANGES_MOST 1000000 /* touched cells that are kept in memory */

static const char *const columns[] = {
    "code",       "unit",         "period", "before", "after", "cause",       "element",
    "cause_unit", "cause_period", "file",   "line",   "agent", "received_at", "reason",
};

/* A cell that was touched between the moments. */
struct change {
    uint32_t element, unit, position; /* by the catalogue of the second moment */
    struct period period;
    struct cell before;
    bool has_figure, reported;        /* at the second moment */
    struct decimal value;
    uint32_t revision, source;
    int64_t line;
    char *reason;
    bool was_touched;
};

struct comparing {
    struct asking *asking;
    struct view before, after;
    const struct catalogue *catalogue; /* of the second moment */
    struct place place;
    struct period period;
    size_t most;
    struct change *changes;            /* after reading: by element, unit, period */
    size_t count, capacity;
    uint32_t *slots;                   /* while reading: open addressing, a power of two, at most half full */
    size_t slot_space;
    struct sources sources;
    size_t *causes;                    /* of one figure */
    size_t cause_count, cause_capacity;
};

/* ---- what was touched -------------------------------------------------------------------------------------------- */

static size_t hash_of(uint32_t element, uint32_t unit, int32_t first)
{
    uint64_t hash = ((uint64_t)element << 32 | unit) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (uint32_t)first) * 0xC2B2AE3D27D4EB4Fu;
    return (size_t)(hash ^ hash >> 29);
}

static uint32_t *slot_of(const struct comparing *comparing, uint32_t element, uint32_t unit, int32_t first)
{
    size_t at = hash_of(element, unit, first) & (comparing->slot_space - 1);
    for (;; at = (at + 1) & (comparing->slot_space - 1)) {
        uint32_t *slot = &comparing->slots[at];
        if (*slot == 0)
            return slot;
        const struct change *change = &comparing->changes[*slot - 1];
        if (change->element == element && change->unit == unit && change->period.first == first)
            return slot;
    }
}

static void widen(struct comparing *comparing)
{
    if (comparing->count * 2 < comparing->slot_space)
        return;
    free(comparing->slots);
    comparing->slot_space = comparing->slot_space > 0 ? comparing->slot_space * 2 : 1024;
    comparing->slots = memory_array(comparing->slot_space, sizeof *comparing->slots);
    for (size_t i = 0; i < comparing->count; i++) {
        const struct change *change = &comparing->changes[i];
        *slot_of(comparing, change->element, change->unit, change->period.first) = (uint32_t)i + 1;
    }
}

/* What the cell was at the first moment, by the catalogue of that moment; nothing where it did not exist. */
static enum status look_before(struct comparing *comparing, struct change *change)
{
    const struct catalogue *before = comparing->before.catalogue;
    uint32_t element = change->element, unit = change->unit;
    if (before != comparing->catalogue) {
        element = catalogue_element(before, comparing->catalogue->elements[element].code);
        unit = catalogue_unit(before, comparing->catalogue->units[unit].code);
    }
    if (element == NO_INDEX || unit == NO_INDEX)
        return STATUS_OK;
    const struct form *form = &before->forms[before->elements[element].form];
    if (form->frequency != change->period.kind || form->level != before->units[unit].level)
        return STATUS_OK;
    return abacus_cell(comparing->before.abacus, element, change->period, before->units[unit].slot, &change->before,
                       comparing->asking->why);
}

static enum status find_change(struct comparing *comparing, const struct witness *witness, struct change **ret_change)
{
    char most[24];
    uint32_t *slot;
    widen(comparing);
    slot = slot_of(comparing, witness->element, witness->unit, witness->period.first);
    if (*slot != 0) {
        *ret_change = &comparing->changes[*slot - 1];
        return STATUS_OK;
    }
    if (comparing->count == CHANGES_MOST) {
        (void)snprintf(most, sizeof most, "%d", CHANGES_MOST);
        fault_set(comparing->asking->why, MESSAGE_ASK_TOO_MANY_ROWS, most, NULL);
        return STATUS_REFUSED;
    }
    comparing->changes =
        memory_grow(comparing->changes, &comparing->capacity, comparing->count + 1, sizeof *comparing->changes);
    struct change *change = &comparing->changes[comparing->count++];
    *change = (struct change){.element = witness->element, .unit = witness->unit, .period = witness->period,
                              .position = comparing->catalogue->units[witness->unit].position};
    *slot = (uint32_t)comparing->count;
    *ret_change = change;
    const enum status status = look_before(comparing, change);
    change->revision = change->before.revision;
    return status;
}

/* CONTRACT 4: without a revision it replaces what is live; higher replaces; equal or lower changes nothing. */
static enum status see(void *context, const struct witness *witness)
{
    struct comparing *comparing = context;
    const struct batch_record *record = witness->record;
    struct change *change;
    enum status status;
    if (witness->element == NO_INDEX || witness->unit == NO_INDEX)
        return STATUS_OK;
    const struct form *form = &comparing->catalogue->forms[comparing->catalogue->elements[witness->element].form];
    if (form->frequency != witness->period.kind || form->level != comparing->catalogue->units[witness->unit].level)
        return STATUS_OK; /* it counts nowhere by this catalogue */
    status = find_change(comparing, witness, &change);
    if (status != STATUS_OK)
        return status;
    const uint32_t revision = record->revision == NO_REVISION ? change->revision + 1 : record->revision;
    if (revision <= change->revision)
        return STATUS_OK;
    change->revision = revision;
    change->was_touched = true;
    change->has_figure = record_status_has_value(record->status);
    change->reported = record->status != RECORD_RETRACTED;
    change->value = witness->value;
    change->line = record->line;
    free(change->reason);
    change->reason = memory_copy_text(record->reason);
    return sources_add(&comparing->sources, comparing->asking->office->store, witness->entry, witness->batch,
                       &change->source, comparing->asking->why);
}

static bool is_changed(const struct change *change)
{
    return change->was_touched &&
           (change->before.has_figure != change->has_figure || change->before.reported != change->reported ||
            (change->has_figure && change->before.value != change->value.units));
}

static int by_cell(const void *one_item, const void *other_item)
{
    const struct change *one = one_item, *other = other_item;
    if (one->element != other->element)
        return one->element < other->element ? -1 : 1;
    if (one->position != other->position)
        return one->position < other->position ? -1 : 1;
    return (one->period.first > other->period.first) - (one->period.first < other->period.first);
}

static enum status read_changes(struct comparing *comparing)
{
    size_t kept = 0;
    const enum status status = witness_walk(comparing->asking, NULL, NULL, comparing->before.entry,
                                            comparing->after.entry, see, comparing);
    for (size_t i = 0; i < comparing->count; i++) {
        if (is_changed(&comparing->changes[i]))
            comparing->changes[kept++] = comparing->changes[i];
        else
            free(comparing->changes[i].reason);
    }
    comparing->count = kept;
    if (kept > 1)
        qsort(comparing->changes, kept, sizeof *comparing->changes, by_cell);
    return status;
}

/* ---- what caused it ---------------------------------------------------------------------------------------------- */

static size_t first_of_element(const struct comparing *comparing, uint32_t element)
{
    size_t low = 0, high = comparing->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (comparing->changes[middle].element < element)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One more than may be shown is kept: it tells that there are more. */
static bool is_full(const struct comparing *comparing)
{
    return comparing->cause_count > comparing->most;
}

static void add_cause(struct comparing *comparing, size_t change)
{
    for (size_t i = 0; i < comparing->cause_count; i++)
        if (comparing->causes[i] == change)
            return;
    comparing->causes = memory_grow(comparing->causes, &comparing->cause_capacity, comparing->cause_count + 1,
                                    sizeof *comparing->causes);
    comparing->causes[comparing->cause_count++] = change;
}

/* An element of a formula in its period, at one moment. */
struct side {
    const struct view *view;
    struct parting parting;
    struct cover *covers;
    size_t cover_count;
    bool is_there; /* the catalogue of that moment knows element and unit */
};

static enum status open_side(struct comparing *comparing, const struct view *view, uint32_t element, uint32_t unit,
                             struct period period, struct side *ret_side)
{
    const struct catalogue *catalogue = view->catalogue;
    *ret_side = (struct side){.view = view};
    if (catalogue != comparing->catalogue) {
        element = catalogue_element(catalogue, comparing->catalogue->elements[element].code);
        unit = catalogue_unit(catalogue, comparing->catalogue->units[unit].code);
    }
    if (element == NO_INDEX || unit == NO_INDEX)
        return STATUS_OK;
    ret_side->is_there = true;
    ret_side->cover_count = figures_covers(view->figures, (struct scope){&unit, 1},
                                           catalogue->forms[catalogue->elements[element].form].level,
                                           &ret_side->covers);
    return parting_start(&ret_side->parting, view->abacus, catalogue, view->office->store, element, period,
                         comparing->asking->why);
}

static void close_side(struct side *side)
{
    parting_end(&side->parting);
    free(side->covers);
}

/* Whether the cell is one of those the unit's share is made of at that moment. */
static enum status is_part(struct comparing *comparing, struct side *side, const struct change *change, bool *ret_part)
{
    const struct catalogue *catalogue = side->view->catalogue;
    const uint32_t unit = catalogue == comparing->catalogue
                              ? change->unit
                              : catalogue_unit(catalogue, comparing->catalogue->units[change->unit].code);
    struct cover *own = NULL;
    struct part *parts = NULL;
    struct share share;
    size_t own_count = 0, own_space = 0, count = 0;
    enum status status = STATUS_OK;
    if (!side->is_there || unit == NO_INDEX ||
        catalogue->units[unit].level != catalogue->forms[catalogue->elements[side->parting.element].form].level)
        return STATUS_OK;
    const uint32_t slot = catalogue->units[unit].slot;
    for (size_t i = 0; i < side->cover_count; i++) {
        const struct cover *cover = &side->covers[i];
        if (slot < cover->first_slot || slot - cover->first_slot >= cover->slot_count)
            continue;
        own = memory_grow(own, &own_space, own_count + 1, sizeof *own);
        own[own_count++] = (struct cover){slot, 1, cover->from, cover->until};
    }
    if (own_count > 0)
        status = parting_unit(&side->parting, slot, own, own_count, &share, &parts, &count);
    for (size_t i = 0; i < count; i++)
        *ret_part = *ret_part || period_equal(parts[i].period, change->period);
    free(parts);
    free(own);
    return status;
}

static enum status causes_of_element(struct comparing *comparing, uint32_t element, uint32_t unit, struct period period)
{
    struct side sides[2] = {{.view = NULL}, {.view = NULL}};
    enum status status = open_side(comparing, &comparing->before, element, unit, period, &sides[0]);
    if (status == STATUS_OK)
        status = open_side(comparing, &comparing->after, element, unit, period, &sides[1]);
    for (size_t i = first_of_element(comparing, element);
         status == STATUS_OK && i < comparing->count && comparing->changes[i].element == element && !is_full(comparing);
         i++) {
        bool part = false;
        for (size_t s = 0; s < 2 && status == STATUS_OK; s++)
            status = is_part(comparing, &sides[s], &comparing->changes[i], &part);
        if (part)
            add_cause(comparing, i);
    }
    close_side(&sides[0]);
    close_side(&sides[1]);
    return status;
}

/* Report counters: any figure of the reports they count. */
static void causes_of_reports(struct comparing *comparing, uint32_t unit, struct period period)
{
    for (size_t i = 0; i < comparing->count && !is_full(comparing); i++)
        if (period_contains(period, comparing->changes[i].period) &&
            (comparing->changes[i].unit == unit ||
             catalogue_is_below(comparing->catalogue, comparing->changes[i].unit, unit,
                                comparing->changes[i].period.last)))
            add_cause(comparing, i);
}

static enum status causes_of_side(struct comparing *comparing, const struct expression *side, uint32_t unit)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < side->count && status == STATUS_OK && !is_full(comparing); i++) {
        const struct term *term = &side->terms[i];
        struct period period = comparing->period;
        if (term->kind == TERM_INTEGER || term->kind == TERM_EXPECTED_UNITS ||
            (term->shift == SHIFT_PREV_YEAR && !period_year_before(comparing->period, &period)))
            continue;
        if (term->shift == SHIFT_PREV)
            period = period_previous(comparing->period);
        if (term->kind == TERM_ELEMENT)
            status = causes_of_element(comparing, term->element, unit, period);
        else
            causes_of_reports(comparing, unit, period);
    }
    return status;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

struct changed_figure {
    uint32_t indicator, unit;
    bool has_before, has_after;
    char before[RATIO_TEXT], after[RATIO_TEXT];
};

static void start_row(struct comparing *comparing, const struct changed_figure *figure, const char *cause)
{
    struct table *table = comparing->asking->table;
    table_add(table, comparing->catalogue->indicators[figure->indicator].code);
    table_add(table, comparing->catalogue->units[figure->unit].code);
    add_period(table, comparing->period);
    table_add(table, figure->has_before ? figure->before : NULL);
    table_add(table, figure->has_after ? figure->after : NULL);
    table_add(table, cause);
}

static void add_bare_row(struct comparing *comparing, const struct changed_figure *figure, const char *cause)
{
    start_row(comparing, figure, cause);
    for (size_t i = 6; i < ARRAY_LEN(columns); i++)
        table_add(comparing->asking->table, NULL);
}

static const char *cause_text(const struct change *change)
{
    if (!change->reported)
        return "retraction";
    return change->before.reported ? "correction" : "new";
}

static void add_cause_row(struct comparing *comparing, const struct changed_figure *figure, const struct change *change)
{
    struct table *table = comparing->asking->table;
    const struct source *source = &comparing->sources.items[change->source];
    start_row(comparing, figure, cause_text(change));
    table_add(table, comparing->catalogue->elements[change->element].code);
    table_add(table, comparing->catalogue->units[change->unit].code);
    add_period(table, change->period);
    table_add(table, source->file);
    if (change->line > 0)
        table_add_number(table, (uint64_t)change->line);
    else
        table_add(table, NULL);
    table_add(table, source->agent);
    add_time(table, source->received_at);
    table_add(table, change->reason[0] != '\0' ? change->reason : NULL);
}

static enum status add_figure_rows(struct comparing *comparing, const struct changed_figure *figure)
{
    const struct indicator *indicator = &comparing->catalogue->indicators[figure->indicator];
    enum status status = STATUS_OK;
    comparing->cause_count = 0;
    status = causes_of_side(comparing, &indicator->numerator, figure->unit);
    if (status == STATUS_OK)
        status = causes_of_side(comparing, &indicator->denominator, figure->unit);
    if (status == STATUS_OK)
        status = asking_room(comparing->asking, comparing->cause_count + 1);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < comparing->cause_count && i < comparing->most; i++)
        add_cause_row(comparing, figure, &comparing->changes[comparing->causes[i]]);
    if (is_full(comparing))
        add_bare_row(comparing, figure, "more");
    if (comparing->cause_count == 0) /* no record: then the catalogue */
        add_bare_row(comparing, figure, comparing->before.catalogue != comparing->catalogue ? "definition" : "unknown");
    return STATUS_OK;
}

/* The value as it is printed; "overflow" is told apart from none. */
static enum status read_value(const struct view *view, const char *code, const char *unit_code, struct period period,
                              struct figure *figure, bool *ret_has, char ret_text[RATIO_TEXT], struct fault *why)
{
    const uint32_t indicator = catalogue_indicator(view->catalogue, code);
    const uint32_t unit = catalogue_unit(view->catalogue, unit_code);
    enum status status;
    *ret_has = false;
    ret_text[0] = '\0';
    if (indicator == NO_INDEX || unit == NO_INDEX)
        return STATUS_OK;
    status = figures_indicator(view->figures, indicator, (struct scope){&unit, 1}, period, figure, why);
    if (status != STATUS_OK || figure->value_state == FIGURE_NONE)
        return status;
    *ret_has = true;
    if (figure->value_state == FIGURE_PRESENT)
        ratio_format(figure->value, figure->value_decimals, ret_text);
    else
        (void)snprintf(ret_text, RATIO_TEXT, "%s", figure_flag_text(FLAG_OVERFLOW));
    return STATUS_OK;
}

static enum status compare_figure(struct comparing *comparing, uint32_t indicator, uint32_t unit, struct figure *figure)
{
    const char *code = comparing->catalogue->indicators[indicator].code;
    const char *unit_code = comparing->catalogue->units[unit].code;
    struct changed_figure changed = {.indicator = indicator, .unit = unit};
    struct fault *why = comparing->asking->why;
    enum status status = read_value(&comparing->before, code, unit_code, comparing->period, figure,
                                    &changed.has_before, changed.before, why);
    if (status == STATUS_OK)
        status = read_value(&comparing->after, code, unit_code, comparing->period, figure, &changed.has_after,
                            changed.after, why);
    if (status != STATUS_OK ||
        (changed.has_before == changed.has_after && strcmp(changed.before, changed.after) == 0))
        return status;
    return add_figure_rows(comparing, &changed);
}

static enum status compare_figures(struct comparing *comparing)
{
    const struct catalogue *catalogue = comparing->catalogue;
    uint32_t *units = memory_array(catalogue->unit_count, sizeof *units);
    struct figure figure;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < catalogue->unit_count; i++)
        units[catalogue->units[i].position] = i;
    figure_init(&figure);
    for (uint32_t i = 0; i < catalogue->indicator_count && status == STATUS_OK; i++)
        for (size_t u = 0; u < catalogue->unit_count && status == STATUS_OK; u++)
            if (is_upper_level(catalogue, catalogue->units[units[u]].level) &&
                place_holds(catalogue, comparing->place, units[u], comparing->period))
                status = compare_figure(comparing, i, units[u], &figure);
    figure_clear(&figure);
    free(units);
    return status;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static enum status choose_moments(struct asking *asking, struct comparing *comparing)
{
    const char *from = asking_option(asking, "from"), *to = asking_option(asking, "to");
    struct moment moments[2] = {{.entry = 0}, {.entry = UINT64_MAX}};
    enum status status;
    if (from == NULL) {
        fault_set(asking->why, MESSAGE_ASK_NEEDS_OPTION, "diff", "--from", NULL);
        return STATUS_REFUSED;
    }
    status = moment_find(asking, "from", from, &moments[0]);
    if (status == STATUS_OK && to != NULL)
        status = moment_find(asking, "to", to, &moments[1]);
    if (status == STATUS_OK && moments[0].entry > moments[1].entry) {
        fault_set(asking->why, MESSAGE_DIFF_BACKWARDS, NULL);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_OK)
        status = moment_view(asking, &moments[0], 0, &comparing->before);
    if (status == STATUS_OK)
        status = moment_view(asking, &moments[1], 1, &comparing->after);
    comparing->period = moments[0].is_published   ? moments[0].publication.period
                        : moments[1].is_published ? moments[1].publication.period
                                                  : asking_usual_period(asking);
    return status;
}

enum status answer_diff(struct asking *asking)
{
    struct comparing comparing = {.asking = asking, .most = CAUSES_USUAL};
    enum status status = choose_moments(asking, &comparing);
    if (status != STATUS_OK)
        return status;
    /* What is asked about is named by the second moment's catalogue. */
    asking->office = comparing.after.office;
    asking->catalogue = comparing.catalogue = comparing.after.catalogue;
    asking->newest = comparing.after.entry;
    status = asking_place(asking, "unit", &comparing.place);
    if (status == STATUS_OK)
        status = asking_period(asking, "period", &comparing.period);
    if (status == STATUS_OK)
        status = asking_number(asking, "most", CAUSES_MOST, &comparing.most);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, ARRAY_LEN(columns));
    comparing.sources.without_signatures = true;
    status = read_changes(&comparing);
    if (status == STATUS_OK)
        status = compare_figures(&comparing);
    for (size_t i = 0; i < comparing.count; i++)
        free(comparing.changes[i].reason);
    free(comparing.changes);
    free(comparing.slots);
    free(comparing.causes);
    sources_free(&comparing.sources);
    return status;
}
