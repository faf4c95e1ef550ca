/* combine.c - one element over units and time, from abacus pages.
 *
 * All four kinds come down to one question asked of a run of slots on one page: how many of you have a record, how many a
 * figure, what is their sum, greatest and least? abacus_run answers for any run in nearly constant time. Where a slot must
 * be looked for further back (stock, ytd, base), a run that is settled nowhere or everywhere is dealt with whole and any
 * other is halved; so six hundred thousand villages that all reported cost one question, and one silent village among
 * them about twenty.
 *
 * Pages are visited from the newest back through abacus_period_before, so only periods that hold records cost anything.
 *
 * A unit that moved is in two covers with different days. flow, stock and ytd: a record counts in the cover that holds the
 * last day of its period. base: the cover that holds the last day asked about, because what is in force on that day
 * belongs to whom the unit belongs to on that day, however old the record is; a unit that is closed on that day has
 * nothing in force and owes nothing. */
#include "combine.h"

#include "calendar.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* What was gathered. sum is exact for any number of slots; max and min need 128 bits for differences of ytd figures. */
struct total {
    uint64_t reported, figures;
    __int128 sum, max, min;
};

struct asking {
    struct abacus *abacus;
    const struct catalogue *catalogue;
    uint32_t index;
    const struct element *element;
    const struct form *form;
    struct period period;
    const struct cover *covers;
    size_t cover_count;
    struct total total;
    uint64_t reported, expected;
    struct fault *why;
};

/* Walks pages back in time. */
struct pages {
    int32_t day;         /* the next page starts on or before it */
    struct period inside; /* only pages that lie in it (base: only `first` of it is looked at) */
    bool carried;        /* base: a page may end after the period */
};

static void total_add(struct total *total, __int128 sum, __int128 max, __int128 min, uint64_t figures)
{
    if (figures == 0)
        return;
    if (total->figures == 0 || max > total->max)
        total->max = max;
    if (total->figures == 0 || min < total->min)
        total->min = min;
    total->sum += sum;
    total->figures += figures;
}

static void total_add_run(struct total *total, const struct run *run)
{
    total_add(total, run->sum, run->max, run->min, run->figures);
    total->reported += run->reported;
}

static enum status next_page(const struct asking *ask, struct pages *pages, bool *ret_found, struct period *ret_page)
{
    enum status status = STATUS_OK;
    bool found = true;
    *ret_found = false;
    while (status == STATUS_OK && found && !*ret_found) {
        struct period page;
        status = abacus_period_before(ask->abacus, ask->index, pages->day, &found, &page, ask->why);
        if (status != STATUS_OK || !found || page.first < pages->inside.first)
            return status;
        pages->day = page.first - 1;
        if (pages->carried || page.last <= pages->inside.last) {
            *ret_page = page;
            *ret_found = true;
        }
    }
    return status;
}

static struct pages pages_inside(struct period period)
{
    return (struct pages){.day = period.last, .inside = period};
}

static bool cover_holds(const struct cover *cover, int32_t day)
{
    return cover->from <= day && day <= cover->until;
}

bool combine_periods_within(const struct cover *cover, struct period period, enum period_kind frequency,
                            struct period *ret_first, struct period *ret_last)
{
    struct period first, last;
    if (!period_first_inside(period, frequency, &first) || !period_last_inside(period, frequency, &last))
        return false;
    if (cover->from > last.last || cover->until < first.last)
        return false;
    if (cover->from > first.last)
        first = period_of_day(cover->from, frequency);
    if (cover->until < last.last) {
        last = period_of_day(cover->until, frequency);
        if (last.last > cover->until)
            last = period_previous(last);
    }
    *ret_first = first;
    *ret_last = last;
    return first.first <= last.first;
}

/* ---- who owes ------------------------------------------------------------------------------------------------------- */

void combine_owed_slots(const struct catalogue *catalogue, const struct form *form, uint32_t first, uint32_t count,
                        struct period period, struct slots *ret_owed)
{
    const size_t owing = catalogue_owing(catalogue, form, first, count, period);
    if (owing == 0)
        return;
    if (owing == count) {
        slots_add(ret_owed, first, count);
    } else if (form->units != NULL) {
        for (size_t i = catalogue_scope_at(catalogue, form, first); i < form->unit_count; i++) {
            const uint32_t slot = catalogue->units[form->units[i]].slot;
            if (slot >= first + count)
                break;
            if (catalogue_owes(catalogue, form, form->units[i], period))
                slots_add(ret_owed, slot, 1);
        }
    } else { /* a few opened or closed: halving finds them among very many */
        const uint32_t half = count / 2;
        combine_owed_slots(catalogue, form, first, half, period, ret_owed);
        combine_owed_slots(catalogue, form, first + half, count - half, period, ret_owed);
    }
}

/* Units open in the period, whoever owes the form. */
static void open_slots(const struct asking *ask, const struct cover *cover, struct period period,
                       struct slots *ret_open)
{
    struct form of_everyone = *ask->form;
    of_everyone.units = NULL;
    of_everyone.unit_count = 0;
    combine_owed_slots(ask->catalogue, &of_everyone, cover->first_slot, cover->slot_count, period, ret_open);
}

/* Units that owe in any form period inside: form periods follow each other without gaps, so that is to owe for the span
 * from the first to the last of them. */
static void owed_inside(const struct catalogue *catalogue, const struct form *form, const struct cover *cover,
                        struct period period, struct slots *ret_owed)
{
    struct period first, last;
    if (combine_periods_within(cover, period, form->frequency, &first, &last))
        combine_owed_slots(catalogue, form, cover->first_slot, cover->slot_count,
                           period_span(first.first, last.last), ret_owed);
}

void combine_owed_units(struct figures *figures, const struct form *form, struct scope scope, struct period period,
                        struct slots *ret_owed)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    struct cover *covers;
    const size_t count = figures_covers(figures, scope, form->level, &covers);
    const bool shorter = period_count_inside(period, form->frequency) == 0;
    for (size_t i = 0; i < count; i++) {
        if (!shorter)
            owed_inside(catalogue, form, &covers[i], period, ret_owed);
        else if (cover_holds(&covers[i], period.last))
            combine_owed_slots(catalogue, form, covers[i].first_slot, covers[i].slot_count,
                               period_of_day(period.last, form->frequency), ret_owed);
    }
    slots_settle(ret_owed);
    free(covers);
}

/* ---- expected and reported pairs (flow, ytd) ------------------------------------------------------------------------- */

static void expect_pairs(struct asking *ask, const struct cover *cover)
{
    struct period period, last;
    if (!combine_periods_within(cover, ask->period, ask->form->frequency, &period, &last))
        return;
    for (;;) {
        ask->expected += catalogue_owing(ask->catalogue, ask->form, cover->first_slot, cover->slot_count, period);
        if (period.first == last.first)
            return;
        period = period_next(period);
    }
}

/* A unit outside form_units may report too; it counts in the figure and not here. */
static enum status count_reported(struct asking *ask, const struct cover *cover, struct period page,
                                  const struct run *whole)
{
    enum status status = STATUS_OK;
    struct slots owed = {0};
    if (whole->reported == 0)
        return STATUS_OK;
    combine_owed_slots(ask->catalogue, ask->form, cover->first_slot, cover->slot_count, page, &owed);
    if (slots_total(&owed) == cover->slot_count) {
        ask->reported += whole->reported;
    } else {
        for (size_t i = 0; i < owed.count && status == STATUS_OK; i++) {
            struct run run;
            status = abacus_run(ask->abacus, ask->index, page, owed.runs[i].first, owed.runs[i].count, &run, ask->why);
            if (status == STATUS_OK)
                ask->reported += run.reported;
        }
    }
    slots_free(&owed);
    return status;
}

/* Every (unit, form period) inside: what is reported of what is owed and, for a flow, the figure itself. */
static enum status visit_pairs(struct asking *ask, bool gather)
{
    struct pages pages = pages_inside(ask->period);
    struct period page;
    bool found;
    enum status status;
    for (size_t i = 0; i < ask->cover_count; i++)
        expect_pairs(ask, &ask->covers[i]);
    while ((status = next_page(ask, &pages, &found, &page)) == STATUS_OK && found) {
        for (size_t i = 0; i < ask->cover_count; i++) {
            const struct cover *cover = &ask->covers[i];
            struct run run;
            if (!cover_holds(cover, page.last))
                continue;
            status = abacus_run(ask->abacus, ask->index, page, cover->first_slot, cover->slot_count, &run, ask->why);
            if (status == STATUS_OK)
                status = count_reported(ask, cover, page, &run);
            if (status != STATUS_OK)
                return status;
            if (gather)
                total_add_run(&ask->total, &run);
        }
    }
    return status;
}

/* ---- looking back (stock, ytd, base) ----------------------------------------------------------------------------------- */

struct look {
    bool values_only;             /* ytd: M, L and Q do not settle a slot */
    const struct period *before;  /* ytd: page whose figures are subtracted; every open slot has one there */
    struct total *total;
    struct slots *left;           /* what stays open after this page */
};

static enum status look_at_run(const struct asking *ask, const struct look *look, struct period page,
                               struct slot_run part)
{
    struct run run, before;
    enum status status = abacus_run(ask->abacus, ask->index, page, part.first, part.count, &run, ask->why);
    if (status != STATUS_OK)
        return status;
    const uint64_t settled = look->values_only ? run.figures : run.reported;
    if (settled == 0) {
        slots_add(look->left, part.first, part.count);
        return STATUS_OK;
    }
    if (settled < part.count) {
        const uint32_t half = part.count / 2;
        status = look_at_run(ask, look, page, (struct slot_run){part.first, half});
        return status != STATUS_OK
                   ? status
                   : look_at_run(ask, look, page, (struct slot_run){part.first + half, part.count - half});
    }
    if (look->before == NULL) {
        total_add_run(look->total, &run);
        return STATUS_OK;
    }
    status = abacus_run(ask->abacus, ask->index, *look->before, part.first, part.count, &before, ask->why);
    if (status == STATUS_OK) /* max and min of differences are asked slot by slot, where they are the sum */
        total_add(look->total, run.sum - before.sum, run.sum - before.sum, run.sum - before.sum, run.figures);
    return status;
}

/* Length of the part of at..end that is all inside, or all outside, the covers of that day. */
static bool part_of_cover(const struct asking *ask, int32_t day, uint32_t at, uint32_t end, uint32_t *ret_count)
{
    uint32_t stop = end;
    for (size_t i = 0; i < ask->cover_count; i++) {
        const struct cover *cover = &ask->covers[i];
        const uint32_t cover_end = cover->first_slot + cover->slot_count;
        if (!cover_holds(cover, day))
            continue;
        if (cover->first_slot <= at && at < cover_end) {
            *ret_count = (cover_end < end ? cover_end : end) - at;
            return true;
        }
        if (cover->first_slot > at && cover->first_slot < stop)
            stop = cover->first_slot;
    }
    *ret_count = stop - at;
    return false;
}

static enum status look_at_page(const struct asking *ask, const struct look *look, struct period page, bool by_cover,
                                const struct slots *open)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < open->count; i++) {
        uint32_t at = open->runs[i].first;
        const uint32_t end = at + open->runs[i].count;
        while (at < end && status == STATUS_OK) {
            uint32_t count = end - at;
            if (!by_cover || part_of_cover(ask, page.last, at, end, &count))
                status = look_at_run(ask, look, page, (struct slot_run){at, count});
            else
                slots_add(look->left, at, count);
            at += count;
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* For every slot of `start` the newest page that settles it. */
static enum status look_back(const struct asking *ask, const struct slots *start, struct pages pages, bool by_cover,
                             bool values_only, const struct period *before, struct total *total)
{
    struct slots open = {0}, left = {0};
    struct period page;
    bool found = true;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < start->count; i++)
        slots_add(&open, start->runs[i].first, start->runs[i].count);
    while (status == STATUS_OK && open.count > 0) {
        const struct look look = {values_only, before, total, &left};
        status = next_page(ask, &pages, &found, &page);
        if (status != STATUS_OK || !found)
            break;
        status = look_at_page(ask, &look, page, by_cover, &open);
        const struct slots swap = open;
        open = left;
        left = swap;
        left.count = 0;
    }
    slots_free(&open);
    slots_free(&left);
    return status;
}

/* ---- stock and base ------------------------------------------------------------------------------------------------------ */

static enum status look_for_latest(struct asking *ask, struct slots *all, struct slots *owed, struct pages pages,
                                   bool by_cover)
{
    struct slots others = {0};
    struct total owing = {0};
    enum status status;
    slots_settle(all);
    slots_settle(owed);
    slots_subtract(all, owed, &others);
    status = look_back(ask, owed, pages, by_cover, false, NULL, &owing);
    ask->total = owing;
    if (status == STATUS_OK)
        status = look_back(ask, &others, pages, by_cover, false, NULL, &ask->total);
    ask->expected = slots_total(owed);
    ask->reported = ask->element->kind == ELEMENT_BASE ? owing.figures : owing.reported;
    slots_free(&others);
    return status;
}

static enum status combine_stock(struct asking *ask)
{
    struct slots all = {0}, owed = {0};
    enum status status = STATUS_OK;
    if (period_count_inside(ask->period, ask->form->frequency) > 0) {
        for (size_t i = 0; i < ask->cover_count; i++) {
            slots_add(&all, ask->covers[i].first_slot, ask->covers[i].slot_count);
            owed_inside(ask->catalogue, ask->form, &ask->covers[i], ask->period, &owed);
        }
        status = look_for_latest(ask, &all, &owed, pages_inside(ask->period), true);
    }
    slots_free(&all);
    slots_free(&owed);
    return status;
}

static enum status combine_base(struct asking *ask)
{
    struct slots all = {0}, owed = {0};
    const struct period last_day = period_of_day(ask->period.last, PERIOD_DAY);
    const struct pages pages = {.day = ask->period.last, .inside = {PERIOD_SPAN, DAY_MIN, DAY_MAX}, .carried = true};
    enum status status;
    for (size_t i = 0; i < ask->cover_count; i++) {
        const struct cover *cover = &ask->covers[i];
        if (!cover_holds(cover, ask->period.last))
            continue;
        open_slots(ask, cover, last_day, &all);
        combine_owed_slots(ask->catalogue, ask->form, cover->first_slot, cover->slot_count, last_day, &owed);
    }
    status = look_for_latest(ask, &all, &owed, pages, false);
    slots_free(&all);
    slots_free(&owed);
    return status;
}

/* ---- ytd ------------------------------------------------------------------------------------------------------------------ */

/* The form periods of one cover inside the asked period, and what is subtracted from the first year's value. */
struct ytd {
    struct period first, last;
    bool has_before;
    struct period before;
};

int combine_reporting_year(const struct catalogue *catalogue, struct period period)
{
    return calendar_reporting_year(catalogue, period);
}

/* Last form period up to `last` of the reporting year of `first`. */
static struct period end_of_year(const struct asking *ask, struct period first, struct period last)
{
    const int year = combine_reporting_year(ask->catalogue, first);
    if (combine_reporting_year(ask->catalogue, last) == year)
        return last;
    const int32_t year_end =
        date_from_civil(year + 1, ask->catalogue->year_start_month, ask->catalogue->year_start_day) - 1;
    const struct period end = period_of_day(year_end, ask->form->frequency);
    return end.last > year_end ? period_previous(end) : end;
}

/* The slots of the run with a figure on the page. */
static enum status slots_with_figures(const struct asking *ask, struct period page, struct slot_run part,
                                      struct slots *ret_slots)
{
    struct run run;
    enum status status = abacus_run(ask->abacus, ask->index, page, part.first, part.count, &run, ask->why);
    if (status != STATUS_OK || run.figures == 0)
        return status;
    if (run.figures == part.count) {
        slots_add(ret_slots, part.first, part.count);
        return STATUS_OK;
    }
    const uint32_t half = part.count / 2;
    status = slots_with_figures(ask, page, (struct slot_run){part.first, half}, ret_slots);
    if (status != STATUS_OK)
        return status;
    return slots_with_figures(ask, page, (struct slot_run){part.first + half, part.count - half}, ret_slots);
}

/* Year by year: the last value of the year, less what came before the first form period. */
static enum status add_years(const struct asking *ask, const struct ytd *ytd, const struct slots *slots,
                             struct total *total)
{
    struct period first = ytd->first;
    const struct period *before = ytd->has_before ? &ytd->before : NULL;
    for (;;) {
        const struct period last = end_of_year(ask, first, ytd->last);
        const struct pages pages = pages_inside(period_span(first.first, last.last));
        const enum status status = look_back(ask, slots, pages, false, true, before, total);
        if (status != STATUS_OK || last.first == ytd->last.first)
            return status;
        before = NULL;
        first = period_next(last);
    }
}

/* A greatest or least figure needs every unit's own difference. */
static enum status add_unit_by_unit(const struct asking *ask, const struct ytd *ytd, const struct slots *slots,
                                    struct total *total)
{
    for (size_t i = 0; i < slots->count; i++) {
        for (uint32_t n = 0; n < slots->runs[i].count; n++) {
            struct slots one = {0};
            struct total own = {0};
            slots_add(&one, slots->runs[i].first + n, 1);
            const enum status status = add_years(ask, ytd, &one, &own);
            slots_free(&one);
            if (status != STATUS_OK)
                return status;
            total_add(total, own.sum, own.sum, own.sum, own.figures);
        }
    }
    return STATUS_OK;
}

/* A stay of units in what is asked, as form periods: what is subtracted, and the slots that can have a figure at all. */
static enum status look_at_stay(const struct asking *ask, struct period first, struct period last, struct slot_run part,
                                struct ytd *ret_ytd, struct slots *ret_slots)
{
    *ret_ytd = (struct ytd){.first = first, .last = last, .before = period_previous(first)};
    ret_ytd->has_before =
        combine_reporting_year(ask->catalogue, ret_ytd->before) == combine_reporting_year(ask->catalogue, first);
    if (ret_ytd->has_before)
        return slots_with_figures(ask, ret_ytd->before, part, ret_slots);
    slots_add(ret_slots, part.first, part.count);
    return STATUS_OK;
}

/* All slots of the cover but those that are in others too. */
static enum status combine_ytd_cover(struct asking *ask, const struct cover *cover, const struct slots *shared)
{
    const struct slot_run whole = {cover->first_slot, cover->slot_count};
    struct period first, last;
    struct ytd ytd;
    struct slots slots = {0}, rest = {0};
    if (!combine_periods_within(cover, ask->period, ask->form->frequency, &first, &last))
        return STATUS_OK;
    enum status status = look_at_stay(ask, first, last, whole, &ytd, &slots);
    if (status == STATUS_OK) {
        const bool several = end_of_year(ask, first, last).first != last.first;
        slots_subtract(&slots, shared, &rest);
        if (ask->element->aggregate != AGGREGATE_SUM && (ytd.has_before || several))
            status = add_unit_by_unit(ask, &ytd, &rest, &ask->total);
        else
            status = add_years(ask, &ytd, &rest, &ask->total);
    }
    slots_free(&slots);
    slots_free(&rest);
    return status;
}

static int by_first_slot(const void *one, const void *other)
{
    const struct slot_run *left = one, *right = other;
    return (left->first > right->first) - (left->first < right->first);
}

/* Slots in several covers: units that left and came back. */
static void shared_slots(const struct asking *ask, struct slots *ret_shared)
{
    struct slot_run *runs = memory_array(ask->cover_count, sizeof *runs);
    uint32_t reach = 0;
    for (size_t i = 0; i < ask->cover_count; i++)
        runs[i] = (struct slot_run){ask->covers[i].first_slot, ask->covers[i].slot_count};
    qsort(runs, ask->cover_count, sizeof *runs, by_first_slot);
    for (size_t i = 0; i < ask->cover_count; i++) {
        const uint32_t end = runs[i].first + runs[i].count;
        if (runs[i].first < reach)
            slots_add(ret_shared, runs[i].first, (end < reach ? end : reach) - runs[i].first);
        reach = end > reach ? end : reach;
    }
    slots_settle(ret_shared);
    free(runs);
}

static int by_first_day(const void *one, const void *other)
{
    const struct period *left = one, *right = other;
    return (left->first > right->first) - (left->first < right->first);
}

/* The form periods of each stay of one slot, by time. One that was away for some days but for the last day of no form
 * period was never away. */
static size_t stays_of(const struct asking *ask, uint32_t slot, struct period (*stays)[2])
{
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < ask->cover_count; i++) {
        const struct cover *cover = &ask->covers[i];
        if (slot >= cover->first_slot && slot - cover->first_slot < cover->slot_count &&
            combine_periods_within(cover, ask->period, ask->form->frequency, &stays[count][0], &stays[count][1]))
            count++;
    }
    qsort(stays, count, sizeof *stays, by_first_day);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && stays[kept - 1][1].last + 1 == stays[i][0].first)
            stays[kept - 1][1] = stays[i][1];
        else
            memmove(stays[kept++], stays[i], sizeof *stays);
    }
    return kept;
}

/* The figure of a unit that came back is one figure: the sum over its stays. */
static enum status add_stays(struct asking *ask, uint32_t slot, struct period (*stays)[2])
{
    const size_t count = stays_of(ask, slot, stays);
    struct total own = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct slots one = {0};
        struct ytd ytd;
        status = look_at_stay(ask, stays[i][0], stays[i][1], (struct slot_run){slot, 1}, &ytd, &one);
        if (status == STATUS_OK)
            status = add_years(ask, &ytd, &one, &own);
        slots_free(&one);
    }
    total_add(&ask->total, own.sum, own.sum, own.sum, own.figures);
    return status;
}

static enum status combine_ytd(struct asking *ask)
{
    struct slots shared = {0};
    struct period (*stays)[2] = memory_array(ask->cover_count + 1, sizeof *stays);
    enum status status = visit_pairs(ask, false);
    shared_slots(ask, &shared);
    for (size_t i = 0; i < ask->cover_count && status == STATUS_OK; i++)
        status = combine_ytd_cover(ask, &ask->covers[i], &shared);
    for (size_t i = 0; i < shared.count && status == STATUS_OK; i++)
        for (uint32_t n = 0; n < shared.runs[i].count && status == STATUS_OK; n++)
            status = add_stays(ask, shared.runs[i].first + n, stays);
    slots_free(&shared);
    free(stays);
    return status;
}

/* ---- the figure -------------------------------------------------------------------------------------------------------------- */

static __int128 over_units(const struct asking *ask)
{
    switch (ask->element->aggregate) {
    case AGGREGATE_SUM:
        return ask->total.sum;
    case AGGREGATE_MAX:
        return ask->total.max;
    case AGGREGATE_MIN:
        return ask->total.min;
    }
    return 0;
}

static enum status combine_kind(struct asking *ask)
{
    switch (ask->element->kind) {
    case ELEMENT_FLOW:
        return visit_pairs(ask, true);
    case ELEMENT_STOCK:
        return combine_stock(ask);
    case ELEMENT_YTD:
        return combine_ytd(ask);
    case ELEMENT_BASE:
        return combine_base(ask);
    }
    return STATUS_BROKEN;
}

enum status combine_covers(struct figures *figures, uint32_t element, const struct cover *covers, size_t cover_count,
                           struct period period, struct combined *ret_combined, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    struct asking ask = {.abacus = figures_abacus(figures), .catalogue = catalogue, .index = element,
                         .element = &catalogue->elements[element], .period = period, .covers = covers,
                         .cover_count = cover_count, .why = why};
    ask.form = &catalogue->forms[ask.element->form];
    const enum status status = combine_kind(&ask);
    if (status != STATUS_OK)
        return status;
    const __int128 value = over_units(&ask);
    *ret_combined = (struct combined){.reported = ask.reported, .expected = ask.expected, .state = FIGURE_NONE};
    if (ask.total.figures > 0) {
        const bool fits = value >= INT64_MIN && value <= INT64_MAX;
        ret_combined->state = fits ? FIGURE_PRESENT : FIGURE_OVERFLOW;
        ret_combined->value = fits ? (int64_t)value : 0;
    }
    return STATUS_OK;
}

enum status combine_element(struct figures *figures, uint32_t element, struct scope scope, struct period period,
                            struct combined *ret_combined, struct fault *why)
{
    const struct catalogue *catalogue = figures_catalogue(figures);
    struct cover *covers;
    const size_t count =
        figures_covers(figures, scope, catalogue->forms[catalogue->elements[element].form].level, &covers);
    const enum status status = combine_covers(figures, element, covers, count, period, ret_combined, why);
    free(covers);
    return status;
}
