/* parts.c - see parts.h. The words of the contract, unit by unit; no runs, no covers of many, no halving. */
#include "parts.h"

#include "combine.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- which periods ----------------------------------------------------------------------------------------------- */

struct gathering {
    struct parting *parting;
    size_t capacity;
    enum period_kind frequency;
};

/* The period before the first form period inside: what a ytd subtracts. */
static bool period_before(const struct parting *parting, enum period_kind frequency, struct period *ret_before)
{
    struct period first;
    if (!period_first_inside(parting->period, frequency, &first))
        return false;
    *ret_before = period_previous(first);
    return true;
}

static bool can_matter(const struct parting *parting, struct period page)
{
    const struct element *element = &parting->catalogue->elements[parting->element];
    if (element->kind == ELEMENT_BASE)
        return page.first <= parting->period.last;
    /* Units that move have a first period, and so a period before it, of their own: anything inside or just before. */
    if (element->kind == ELEMENT_YTD) {
        struct period before;
        if (period_before(parting, parting->catalogue->forms[element->form].frequency, &before) &&
            period_equal(page, before))
            return true;
    }
    return period_contains(parting->period, page);
}

static void gather(struct gathering *gathering, struct period page)
{
    struct parting *parting = gathering->parting;
    if (page.kind != gathering->frequency || !can_matter(parting, page))
        return;
    parting->pages = memory_grow(parting->pages, &gathering->capacity, parting->page_count + 1, sizeof *parting->pages);
    parting->pages[parting->page_count++] = page;
}

static void gather_touched(void *context, const char *text)
{
    struct period page;
    struct fault ignored = {.message = MESSAGE_NONE};
    if (text[0] != '\0' && period_parse(text, &page, &ignored) == STATUS_OK)
        gather(context, page);
}

static enum status gather_live(struct gathering *gathering, struct fault *why)
{
    struct parting *parting = gathering->parting;
    struct period page;
    int32_t day = parting->period.last;
    bool found = true;
    while (found) {
        const enum status status = abacus_period_before(parting->abacus, parting->element, day, &found, &page, why);
        if (status != STATUS_OK)
            return status;
        if (found)
            gather(gathering, page);
        day = found ? page.first - 1 : day;
    }
    return STATUS_OK;
}

static int by_first_day(const void *one, const void *other)
{
    const struct period *left = one, *right = other;
    return (left->first > right->first) - (left->first < right->first);
}

enum status parting_start(struct parting *parting, struct abacus *abacus, const struct catalogue *catalogue,
                          struct store *store, uint32_t element, struct period period, struct fault *why)
{
    const struct form *form = &catalogue->forms[catalogue->elements[element].form];
    struct gathering gathering = {.parting = parting, .frequency = form->frequency};
    size_t kept = 0;
    enum status status;
    *parting = (struct parting){.abacus = abacus, .catalogue = catalogue, .element = element, .period = period,
                                .why = why};
    status = gather_live(&gathering, why);
    if (status == STATUS_OK) /* periods of which everything was taken back hold no live record */
        status = store_touched_periods(store, form->code, gather_touched, &gathering, why);
    if (status != STATUS_OK || parting->page_count == 0)
        return status;
    qsort(parting->pages, parting->page_count, sizeof *parting->pages, by_first_day);
    for (size_t i = 1; i < parting->page_count; i++)
        if (parting->pages[i].first != parting->pages[kept].first)
            parting->pages[++kept] = parting->pages[i];
    parting->page_count = kept + 1;
    return STATUS_OK;
}

void parting_end(struct parting *parting)
{
    free(parting->pages);
    parting->pages = NULL;
    parting->page_count = 0;
}

/* ---- shares ------------------------------------------------------------------------------------------------------ */

void share_add(struct share *share, const struct share *more)
{
    if (more->figures == 0)
        return;
    if (share->figures == 0 || more->max > share->max)
        share->max = more->max;
    if (share->figures == 0 || more->min < share->min)
        share->min = more->min;
    share->sum += more->sum;
    share->figures += more->figures;
}

static void add_value(struct share *share, __int128 value)
{
    share_add(share, &(struct share){1, value, value, value});
}

__int128 share_value(const struct share *share, enum element_aggregate aggregate)
{
    switch (aggregate) {
    case AGGREGATE_SUM:
        return share->sum;
    case AGGREGATE_MAX:
        return share->max;
    case AGGREGATE_MIN:
        return share->min;
    }
    return 0;
}

/* ---- one unit ---------------------------------------------------------------------------------------------------- */

struct unit_parts {
    struct parting *parting;
    uint32_t slot;
    const struct cover *covers;
    size_t cover_count;
    struct share share;
    struct part *parts;
    size_t count, capacity;
};

static bool holds(const struct cover *cover, int32_t day)
{
    return cover->from <= day && day <= cover->until;
}

static bool any_holds(const struct unit_parts *unit, int32_t day)
{
    for (size_t i = 0; i < unit->cover_count; i++)
        if (holds(&unit->covers[i], day))
            return true;
    return false;
}

static enum status look(const struct unit_parts *unit, struct period page, struct cell *ret_cell)
{
    return abacus_cell(unit->parting->abacus, unit->parting->element, page, unit->slot, ret_cell, unit->parting->why);
}

static void keep(struct unit_parts *unit, enum part_role role, struct period page, const struct cell *cell)
{
    unit->parts = memory_grow(unit->parts, &unit->capacity, unit->count + 1, sizeof *unit->parts);
    unit->parts[unit->count++] = (struct part){role, page, *cell};
}

/* A page whose figure, if there is one, is the unit's own. */
static enum status take_page(struct unit_parts *unit, struct period page, struct cell *ret_cell)
{
    const enum status status = look(unit, page, ret_cell);
    if (status == STATUS_OK && ret_cell->revision > 0)
        keep(unit, ret_cell->has_figure ? PART_COUNTS : PART_NO_FIGURE, page, ret_cell);
    return status;
}

static enum status part_flow(struct unit_parts *unit)
{
    for (size_t i = 0; i < unit->parting->page_count; i++) {
        const struct period page = unit->parting->pages[i];
        struct cell cell;
        enum status status;
        if (!any_holds(unit, page.last))
            continue;
        status = take_page(unit, page, &cell);
        if (status != STATUS_OK)
            return status;
        if (cell.has_figure)
            add_value(&unit->share, cell.value);
    }
    return STATUS_OK;
}

/* stock and base: the newest record that was not taken back settles it, figure or not. */
static enum status part_latest(struct unit_parts *unit, bool is_base)
{
    const int32_t last = unit->parting->period.last;
    const struct catalogue *catalogue = unit->parting->catalogue;
    const uint32_t level = catalogue->forms[catalogue->elements[unit->parting->element].form].level;
    const uint32_t index = catalogue->levels[level].unit_of_slot[unit->slot];
    if (is_base && (!any_holds(unit, last) || !catalogue_unit_open(catalogue, index, period_of_day(last, PERIOD_DAY))))
        return STATUS_OK;
    for (size_t i = unit->parting->page_count; i-- > 0;) {
        const struct period page = unit->parting->pages[i];
        struct cell cell;
        enum status status;
        if (!is_base && !any_holds(unit, page.last))
            continue;
        status = take_page(unit, page, &cell);
        if (status != STATUS_OK)
            return status;
        if (cell.has_figure)
            add_value(&unit->share, cell.value);
        if (cell.reported)
            return STATUS_OK;
    }
    return STATUS_OK;
}

/* The last figure of one reporting year within first..last. */
static enum status last_of_year(struct unit_parts *unit, int year, struct period first, struct period last,
                                bool *ret_found, int64_t *ret_value)
{
    *ret_found = false;
    for (size_t i = unit->parting->page_count; i-- > 0 && !*ret_found;) {
        const struct period page = unit->parting->pages[i];
        struct cell cell;
        enum status status;
        if (page.first < first.first || page.last > last.last ||
            combine_reporting_year(unit->parting->catalogue, page) != year)
            continue;
        status = take_page(unit, page, &cell);
        if (status != STATUS_OK)
            return status;
        *ret_found = cell.has_figure;
        *ret_value = cell.value;
    }
    return STATUS_OK;
}

static enum status part_ytd_cover(struct unit_parts *unit, const struct cover *cover)
{
    const struct catalogue *catalogue = unit->parting->catalogue;
    const struct element *element = &catalogue->elements[unit->parting->element];
    struct period first, last, before;
    struct cell cell = {.has_figure = false};
    struct share own = {0, 0, 0, 0};
    __int128 total = 0;
    bool is_subtracted = false;
    enum status status = STATUS_OK;
    if (!combine_periods_within(cover, unit->parting->period, catalogue->forms[element->form].frequency, &first, &last))
        return STATUS_OK;
    before = period_previous(first);
    const int first_year = combine_reporting_year(catalogue, first);
    const int last_year = combine_reporting_year(catalogue, last);
    const bool subtracts = combine_reporting_year(catalogue, before) == first_year;
    if (subtracts)
        status = look(unit, before, &cell);
    if (status == STATUS_OK && subtracts && !cell.has_figure) {
        if (cell.revision > 0)
            keep(unit, PART_NO_FIGURE, before, &cell);
        return STATUS_OK; /* the earlier value is missing: there is none */
    }
    for (int year = first_year; year <= last_year && status == STATUS_OK; year++) {
        bool found = false;
        int64_t value = 0;
        status = last_of_year(unit, year, first, last, &found, &value);
        if (status != STATUS_OK || !found)
            continue;
        if (year == first_year && subtracts) {
            keep(unit, PART_SUBTRACTED, before, &cell);
            total -= cell.value;
            is_subtracted = true;
        }
        total += value;
        own.figures++;
    }
    if (status == STATUS_OK && subtracts && !is_subtracted)
        keep(unit, PART_BEFORE, before, &cell);
    if (own.figures > 0)
        share_add(&unit->share, &(struct share){own.figures, total, total, total});
    return status;
}

static int by_page(const void *one, const void *other)
{
    const struct part *left = one, *right = other;
    return (left->period.first > right->period.first) - (left->period.first < right->period.first);
}

enum status parting_unit(struct parting *parting, uint32_t slot, const struct cover *covers, size_t cover_count,
                         struct share *ret_share, struct part **ret_parts, size_t *ret_count)
{
    struct unit_parts unit = {.parting = parting, .slot = slot, .covers = covers, .cover_count = cover_count};
    enum status status = STATUS_OK;
    switch (parting->catalogue->elements[parting->element].kind) {
    case ELEMENT_FLOW:
        status = part_flow(&unit);
        break;
    case ELEMENT_STOCK:
        status = part_latest(&unit, false);
        break;
    case ELEMENT_BASE:
        status = part_latest(&unit, true);
        break;
    case ELEMENT_YTD:
        for (size_t i = 0; i < cover_count && status == STATUS_OK; i++)
            status = part_ytd_cover(&unit, &covers[i]);
        break;
    }
    if (status != STATUS_OK) {
        free(unit.parts);
        return status;
    }
    if (unit.count > 1)
        qsort(unit.parts, unit.count, sizeof *unit.parts, by_page);
    *ret_share = unit.share;
    *ret_parts = unit.parts;
    *ret_count = unit.count;
    return STATUS_OK;
}
