/* completion.c - when a report first was complete: every required element has a live record and no hard rule of its form
 * is broken. Looked at after each batch for the reports the batch changed; once complete it stays so.
 *
 * Hard rules see the unit's own cells as they were after the batch: elements of the form in the same period, prev() and
 * prev_year(), and elements of other forms of the same level and frequency. What another level or frequency reports has
 * no single cell and counts as missing; so do the report counters. A change of another form does not reopen the
 * question; the next change of the form itself does.
 *
 * The same answer must come out of every replay. The writer replays the ledger as a whole, so that other forms' cells
 * are as of the same entry by themselves. A reader replays one sheet; the other sheets its rules look at are replayed
 * beside it, entry by entry, by its companions (their state in the abacus may be newer). */
#include "abacus_inside.h"

#include "expression.h"

#include <stdlib.h>

struct view {
    struct abacus *abacus;
    struct sheet *own;
    struct companions *companions;
    const struct rule *rule;
    uint32_t slot;
    uint64_t entry;
    enum status status;
    struct fault *why;
};

/* A companion, brought to the entry. */
static enum status companion_sheet(struct view *view, uint32_t form, struct period period, struct sheet **ret_sheet)
{
    struct sheet *sheet = view->companions->sheets;
    while (sheet != NULL && (sheet->form != form || sheet->period.first != period.first))
        sheet = sheet->next;
    if (sheet == NULL) {
        sheet = abacus_scratch(view->abacus, form, period, view->own->from_ledger);
        sheet->next = view->companions->sheets;
        view->companions->sheets = sheet;
    }
    *ret_sheet = sheet;
    return replay_sheet(view->abacus, sheet, view->entry, NULL, view->why);
}

void companions_end(struct abacus *abacus, struct companions *companions)
{
    while (companions->sheets != NULL) {
        struct sheet *sheet = companions->sheets;
        companions->sheets = sheet->next;
        abacus_drop_scratch(abacus, &sheet);
    }
}

static enum status find_sheet(struct view *view, uint32_t form, struct period period, struct sheet **ret_sheet)
{
    if (form == view->own->form && period.first == view->own->period.first) {
        *ret_sheet = view->own;
        return STATUS_OK;
    }
    if (view->companions != NULL)
        return companion_sheet(view, form, period, ret_sheet);
    *ret_sheet = abacus_sheet(view->abacus, form, period);
    return STATUS_OK;
}

/* The unit's own figure for an element term. */
static enum term_state element_value(struct view *view, const struct term *term, struct decimal *ret_value)
{
    const struct catalogue *catalogue = view->abacus->catalogue;
    const struct element *element = &catalogue->elements[term->element];
    const struct form *own = &catalogue->forms[view->own->form], *form = &catalogue->forms[element->form];
    struct period period = view->own->period;
    struct sheet *sheet;
    struct block *block;
    if (form->level != own->level || form->frequency != own->frequency)
        return TERM_MISSING;
    if (term->shift == SHIFT_PREV)
        period = period_previous(period);
    if (term->shift == SHIFT_PREV_YEAR && !period_year_before(period, &period))
        return TERM_MISSING;
    view->status = find_sheet(view, element->form, period, &sheet);
    if (view->status == STATUS_OK)
        view->status = abacus_block(view->abacus, sheet, view->abacus->ordinal[term->element],
                                    view->slot / BLOCK_SLOTS, &block, view->why);
    if (view->status != STATUS_OK)
        return TERM_MISSING;
    const struct slot slot = block_slot(block, view->slot % BLOCK_SLOTS);
    if (!slot_has_figure(slot))
        return TERM_MISSING;
    *ret_value = (struct decimal){slot.value, element->decimals};
    return TERM_PRESENT;
}

/* One unit is expected, or none. */
static enum term_state expected_units(const struct view *view, struct decimal *ret_value)
{
    const struct catalogue *catalogue = view->abacus->catalogue;
    const struct form *own = &catalogue->forms[view->own->form];
    const uint32_t left = view->rule->left.expected_units_form, right = view->rule->right.expected_units_form;
    const uint32_t counted = left != NO_INDEX ? left : right;
    const uint32_t unit = catalogue->levels[own->level].unit_of_slot[view->slot];
    if (counted == NO_INDEX || catalogue->forms[counted].level != own->level)
        return TERM_MISSING;
    *ret_value = (struct decimal){catalogue_owes(catalogue, &catalogue->forms[counted], unit, view->own->period), 0};
    return TERM_PRESENT;
}

static enum term_state value_of_term(struct view *view, const struct term *term, struct decimal *ret_value)
{
    if (view->status != STATUS_OK)
        return TERM_MISSING;
    switch (term->kind) {
    case TERM_ELEMENT:
        return element_value(view, term, ret_value);
    case TERM_EXPECTED_UNITS:
        return expected_units(view, ret_value);
    case TERM_INTEGER:
    case TERM_REPORTS_EXPECTED:
    case TERM_REPORTS_RECEIVED:
    case TERM_REPORTS_ON_TIME:
    case TERM_REPORTS_CLEAN:
        break;
    }
    return TERM_MISSING;
}

static enum term_state look_up(void *context, const struct term *term, mpq_t ret_value)
{
    struct decimal value;
    const enum term_state state = value_of_term(context, term, &value);
    if (state == TERM_PRESENT)
        ratio_set_decimal(ret_value, value);
    return state;
}

/* ---- rules in whole numbers ------------------------------------------------------------------------------------------ */

/* Rationals cost a microsecond a rule, and every first report passes here. Whole numbers of 10^-LIMIT_DECIMALS are as
 * exact as long as 128 bits hold them; when they do not, rule_evaluate does it. */
struct side {
    __int128 sum;
    size_t present, missing;
};

static bool add_term(struct view *view, const struct term *term, struct side *side)
{
    struct decimal value = {1, 0};
    __int128 product;
    if (term->kind != TERM_INTEGER) {
        const enum term_state state = value_of_term(view, term, &value);
        side->missing += state == TERM_MISSING;
        side->present += state == TERM_PRESENT;
        if (state != TERM_PRESENT)
            return true;
    }
    const __int128 scaled = (__int128)value.units * decimal_power_of_ten((uint8_t)(LIMIT_DECIMALS - value.scale));
    return !__builtin_mul_overflow(scaled, (__int128)term->factor, &product) &&
           !__builtin_add_overflow(side->sum, product, &side->sum);
}

static bool add_up(struct view *view, const struct expression *expression, struct side *side)
{
    bool fits = true;
    for (size_t i = 0; i < expression->count && fits; i++)
        fits = add_term(view, &expression->terms[i], side);
    return fits;
}

static bool compare_whole(__int128 left, enum compare op, __int128 right)
{
    switch (op) {
    case COMPARE_EQ:
        return left == right;
    case COMPARE_NE:
        return left != right;
    case COMPARE_LE:
        return left <= right;
    case COMPARE_GE:
        return left >= right;
    case COMPARE_LT:
        return left < right;
    case COMPARE_GT:
        return left > right;
    }
    return false;
}

static bool keeps_rule(struct view *view)
{
    const struct rule *rule = view->rule;
    struct side left = {0}, right = {0};
    if (!add_up(view, &rule->left, &left) || !add_up(view, &rule->right, &right))
        return rule_evaluate(rule, look_up, view) != RULE_BROKEN;
    const size_t missing = left.missing + right.missing, present = left.present + right.present;
    const bool is_skipped = (rule->missing == MISSING_SKIP_ANY && missing != 0) ||
                            (rule->missing == MISSING_SKIP_ALL && missing != 0 && present == 0);
    return is_skipped || compare_whole(left.sum, rule->op, right.sum);
}

static enum status is_live(struct abacus *abacus, struct sheet *sheet, uint32_t page, uint32_t slot, bool *ret_live,
                           struct fault *why)
{
    struct block *block;
    const enum status status = abacus_block(abacus, sheet, page, slot / BLOCK_SLOTS, &block, why);
    if (status == STATUS_OK)
        *ret_live = slot_is_live(block_slot(block, slot % BLOCK_SLOTS));
    return status;
}

/* Every required element is there; a form that requires nothing needs at least something, mostly what was just changed. */
static enum status is_filled(struct abacus *abacus, struct candidate report, bool *ret_filled, struct fault *why)
{
    struct sheet *sheet = report.sheet;
    const uint32_t slot = report.slot;
    const struct form_facts *facts = &abacus->forms[sheet->form];
    const size_t element_count = abacus->catalogue->forms[sheet->form].element_count;
    enum status status = STATUS_OK;
    bool live = true;
    for (size_t i = 0; i < facts->required_count && live && status == STATUS_OK; i++)
        status = is_live(abacus, sheet, facts->required[i], slot, &live, why);
    if (facts->required_count == 0) {
        status = is_live(abacus, sheet, report.page, slot, &live, why);
        for (uint32_t i = 0; i < element_count && !live && status == STATUS_OK; i++)
            status = is_live(abacus, sheet, i, slot, &live, why);
    }
    *ret_filled = live;
    return status;
}

static enum status keeps_rules(struct view *view, bool *ret_keeps)
{
    const struct form_facts *facts = &view->abacus->forms[view->own->form];
    bool keeps = true;
    for (size_t i = 0; i < facts->rule_count && keeps && view->status == STATUS_OK; i++) {
        view->rule = facts->rules[i];
        keeps = keeps_rule(view);
    }
    *ret_keeps = keeps;
    return view->status;
}

static enum status settle(struct abacus *abacus, struct candidate report, uint64_t entry, int64_t received_at,
                          struct companions *companions, struct fault *why)
{
    const uint32_t page = (uint32_t)abacus->catalogue->forms[report.sheet->form].element_count;
    struct view view = {abacus, report.sheet, companions, NULL, report.slot, entry, STATUS_OK, why};
    struct block *completed;
    bool holds = false;
    enum status status = abacus_block(abacus, report.sheet, page, report.slot / BLOCK_SLOTS, &completed, why);
    if (status != STATUS_OK || block_slot(completed, report.slot % BLOCK_SLOTS).word != 0)
        return status;
    status = is_filled(abacus, report, &holds, why);
    if (status == STATUS_OK && holds)
        status = keeps_rules(&view, &holds);
    if (status == STATUS_OK && holds)
        abacus_set(abacus, completed, report.slot % BLOCK_SLOTS,
                   (struct slot){received_at, slot_word(1, RECORD_NORMAL, false), (uint32_t)entry}, entry);
    return status;
}

enum status completion_settle(struct abacus *abacus, const struct candidate *candidates, size_t count, uint64_t entry,
                              int64_t received_at, struct companions *companions, struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = settle(abacus, candidates[i], entry, received_at, companions, why);
    return status;
}
