/* abacus.c - pages in memory: where they come from, how long they stay, and what can be asked of them.
 *
 * The writer keeps every page at the newest entry it applied. What it changed since the last save is dirty and stays in
 * memory; the rest may go at any time and is loaded again from the saved blocks, which are exact for every block that is
 * not dirty. After a crash it replays the entries behind the saved watermark.
 *
 * A reader looks through a snapshot. A sheet (a form in a period) is brought to the snapshot's newest entry when it is
 * first asked for: saved blocks, then the entries behind the watermark that touch the sheet. Blocks those entries changed
 * are the reader's dirty ones: alone they cannot be dropped (the saved ones are older), only with their whole sheet.
 *
 * As of an entry before the saved watermark the saved blocks know too much: such a reader replays the ledger from its
 * start, only for the sheets it is asked for. When a report was first complete never changes afterwards, so that alone it
 * takes from the saved pages, leaving out what came later. */
#include "abacus_inside.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAMAGE_MOST 24 /* damaged blocks that are made anew one by one; with more of them all pages are */
#define LOOK_BYTES (1u << 20) /* of saved blocks in one look: some two milliseconds */

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static void learn_forms(struct abacus *abacus)
{
    const struct catalogue *catalogue = abacus->catalogue;
    for (size_t f = 0; f < catalogue->form_count; f++) {
        const struct form *form = &catalogue->forms[f];
        struct form_facts *facts = &abacus->forms[f];
        facts->required = memory_array(form->element_count, sizeof *facts->required);
        facts->rules = memory_array(catalogue->rule_count, sizeof *facts->rules);
        for (uint32_t i = 0; i < form->element_count; i++) {
            abacus->ordinal[form->elements[i]] = i;
            if (catalogue->elements[form->elements[i]].required)
                facts->required[facts->required_count++] = i;
        }
        for (size_t r = 0; r < catalogue->rule_count; r++)
            if (catalogue->rules[r].form == f && catalogue->rules[r].severity == SEVERITY_HARD)
                facts->rules[facts->rule_count++] = &catalogue->rules[r];
    }
}

struct abacus *abacus_open(struct store *store, const struct catalogue *catalogue, size_t memory)
{
    struct abacus *abacus = memory_new(struct abacus);
    abacus->store = store;
    abacus->catalogue = catalogue;
    abacus->memory = memory;
    abacus->ordinal = memory_array(catalogue->element_count, sizeof *abacus->ordinal);
    abacus->forms = memory_array(catalogue->form_count, sizeof *abacus->forms);
    learn_forms(abacus);
    return abacus;
}

void abacus_close(struct abacus **abacus)
{
    struct abacus *closed = *abacus;
    *abacus = NULL;
    if (closed == NULL)
        return;
    abacus_drop_all(closed);
    for (size_t f = 0; f < closed->catalogue->form_count; f++) {
        free(closed->forms[f].required);
        free((void *)closed->forms[f].rules);
        free(closed->forms[f].periods);
    }
    while (closed->spare != NULL) {
        struct workspace *workspace = closed->spare;
        closed->spare = workspace->next;
        workspace_free(&workspace);
    }
    free(closed->forms);
    free(closed->ordinal);
    free(closed->bytes);
    free(closed->refusals);
    free(closed->touches);
    free(closed->touch_periods);
    free(closed);
}

enum status abacus_forget(struct abacus *abacus, struct fault *why)
{
    (void)why; /* nothing is read before the next use */
    abacus_drop_all(abacus);
    return STATUS_OK;
}

uint64_t abacus_position(const struct abacus *abacus)
{
    return abacus->position;
}

size_t abacus_dirty_blocks(const struct abacus *abacus)
{
    return abacus->role == ROLE_WRITER ? abacus->dirty_count : 0;
}

uint64_t abacus_repaired(const struct abacus *abacus)
{
    return abacus->repaired;
}

enum abacus_origin abacus_origin(const struct abacus *abacus)
{
    return abacus->origin;
}

uint64_t abacus_replayed(const struct abacus *abacus)
{
    return abacus->replayed;
}

/* ---- the writer's start ---------------------------------------------------------------------------------------------- */

static enum status catch_up_one(struct abacus *abacus, const struct entry *entry, bool is_moved, struct fault *why)
{
    const uint64_t number = entry->number;
    const bool is_counted = !entry->repeated;
    const struct touch *touches;
    enum status status;
    abacus->touch_count = 0;
    status = replay_entry(abacus, entry, NULL, NULL, why);
    /* The elements of an entry may belong to other forms now: readers find entries by form. */
    if (status == STATUS_OK && is_moved && is_counted) {
        const size_t touch_count = abacus_touches(abacus, &touches);
        status = store_touch(abacus->store, number, touches, touch_count, why);
    }
    if (status != STATUS_OK)
        return status;
    abacus->position = number;
    if (abacus->dirty_bytes > abacus->memory / 2 && store_is_inside(abacus->store))
        status = abacus_save(abacus, why);
    abacus_make_room(abacus, NULL);
    return status;
}

/* Entries in the ledger behind the position: all there are after a crash, repeated ones in normal running. */
static enum status catch_up(struct abacus *abacus, bool is_moved, struct fault *why)
{
    struct entry entry;
    bool found = true;
    enum status status = STATUS_OK;
    while (found && status == STATUS_OK) {
        status = store_entry_after(abacus->store, abacus->position, &entry, &found, why);
        if (status == STATUS_OK && found)
            status = catch_up_one(abacus, &entry, is_moved, why);
    }
    if (status != STATUS_OK)
        abacus_drop_all(abacus); /* half an entry may be in the pages */
    return status;
}

/* Saved blocks that are not what was written. */
struct damage {
    struct { char subject[LIMIT_CODE_BYTES + 2], period[PERIOD_TEXT]; uint32_t block; } found[DAMAGE_MOST];
    size_t count;
};

static bool note_damage(void *context, const char *subject, const char *period, uint32_t block,
                        const unsigned char *bytes, size_t length)
{
    struct damage *damage = context;
    if (block_is_intact(subject, period, block, bytes, length))
        return true;
    if (damage->count < DAMAGE_MOST) {
        (void)snprintf(damage->found[damage->count].subject, sizeof damage->found[0].subject, "%s", subject);
        (void)snprintf(damage->found[damage->count].period, sizeof damage->found[0].period, "%s", period);
        damage->found[damage->count].block = block;
    }
    damage->count++;
    return true;
}

/* Loading a damaged block makes it anew; one that was loaded before it was damaged is written again. One that belongs
 * nowhere in the catalogue stays as it is: nobody asks for it. */
static enum status repair_damage(struct abacus *abacus, const struct damage *damage, struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < damage->count && status == STATUS_OK; i++) {
        const char *code = damage->found[i].subject + 1;
        const bool is_element = damage->found[i].subject[0] == 'E';
        const uint32_t element = is_element ? catalogue_element(abacus->catalogue, code) : NO_INDEX;
        const uint32_t form = !is_element ? catalogue_form(abacus->catalogue, code)
                              : element == NO_INDEX ? NO_INDEX : abacus->catalogue->elements[element].form;
        const uint64_t repaired = abacus->repaired;
        struct fault ignored = {0};
        struct period period;
        struct block *block;
        if (form == NO_INDEX || period_parse(damage->found[i].period, &period, &ignored) != STATUS_OK ||
            period.kind != abacus->catalogue->forms[form].frequency)
            continue;
        struct sheet *sheet = abacus_sheet(abacus, form, period);
        const uint32_t page = is_element ? abacus->ordinal[element] : (uint32_t)abacus->catalogue->forms[form].element_count;
        if (damage->found[i].block >= sheet->blocks_a_page)
            continue;
        status = abacus_block(abacus, sheet, page, damage->found[i].block, &block, why);
        if (status == STATUS_OK && abacus->repaired == repaired) {
            abacus->repaired++;
            abacus_mark(abacus, block, true);
        }
    }
    return status;
}

static enum status start_writing(struct abacus *abacus, struct fault *why)
{
    const bool is_own = !store_is_inside(abacus->store);
    uint64_t watermark = 0, head = 0;
    bool fits = false, is_sound = false, is_indexed = true;
    enum status status = is_own ? store_begin(abacus->store, why) : STATUS_OK;
    abacus_drop_all(abacus);
    if (status == STATUS_OK)
        status = store_pages_fit(abacus->store, abacus->catalogue->layout_hash, &fits, why);
    if (status == STATUS_OK)
        status = store_pages_watermark(abacus->store, abacus->catalogue->layout_hash, &watermark, why);
    if (status == STATUS_OK)
        status = store_head(abacus->store, &head, NULL, NULL, why);
    if (status == STATUS_OK && fits)
        status = store_pages_sound(abacus->store, &is_sound, why);
    if (status == STATUS_OK)
        status = store_index_sound(abacus->store, &is_indexed, why);
    if (status != STATUS_OK) {
        if (is_own)
            store_rollback(abacus->store);
        return status;
    }
    abacus->origin = !fits ? ABACUS_LAYOUT : watermark > head ? ABACUS_AHEAD : !is_sound || !is_indexed ? ABACUS_DAMAGED
                                                                                         : ABACUS_SAVED;
    /* Pages of another layout, of entries that are no longer there, or of which some are lost are worth nothing. */
    if (abacus->origin != ABACUS_SAVED) {
        watermark = 0;
        status = store_pages_reset(abacus->store, abacus->catalogue->layout_hash, why);
    }
    if (status == STATUS_OK && !is_indexed)
        status = store_index_reset(abacus->store, why);
    abacus->role = ROLE_WRITER;
    abacus->base = abacus->position = watermark;
    abacus->replayed = head - watermark;
    if (status == STATUS_OK)
        status = catch_up(abacus, !fits || !is_indexed, why);
    if (status == STATUS_OK && is_own)
        status = store_commit(abacus->store, why);
    if (status != STATUS_OK) {
        abacus_drop_all(abacus);
        if (is_own)
            store_rollback(abacus->store);
    }
    return status;
}

enum status abacus_start(struct abacus *abacus, struct fault *why)
{
    return abacus->role == ROLE_WRITER ? STATUS_OK : start_writing(abacus, why);
}

/* Every page is made anew. */
static enum status start_from_nothing(struct abacus *abacus, struct fault *why)
{
    enum status status = store_begin(abacus->store, why);
    if (status == STATUS_OK)
        status = store_pages_reset(abacus->store, abacus->catalogue->layout_hash, why);
    if (status == STATUS_OK)
        status = start_writing(abacus, why);
    if (status == STATUS_OK)
        status = store_commit(abacus->store, why);
    if (status != STATUS_OK)
        store_rollback(abacus->store);
    abacus->repaired += abacus->damage_seen;
    abacus->damage_seen = 0;
    return status;
}

enum status abacus_look(struct abacus *abacus, bool *ret_end, struct fault *why)
{
    struct damage damage = {.count = 0};
    enum status status = store_blocks_slice(abacus->store, &abacus->looked_at, LOOK_BYTES, note_damage, &damage, ret_end, why);
    if (status != STATUS_OK || damage.count == 0)
        return status;
    abacus->damage_seen += damage.count;
    status = abacus_start(abacus, why);
    if (status == STATUS_OK)
        status = abacus->damage_seen > DAMAGE_MOST ? start_from_nothing(abacus, why) : repair_damage(abacus, &damage, why);
    return status;
}

enum status abacus_be_writer(struct abacus *abacus, uint64_t entry, struct fault *why)
{
    enum status status = abacus->role == ROLE_WRITER ? STATUS_OK : start_writing(abacus, why);
    if (status == STATUS_OK && entry > abacus->position + 1)
        status = catch_up(abacus, false, why);
    if (status == STATUS_OK && abacus->dirty_bytes > abacus->memory && store_is_inside(abacus->store))
        status = abacus_save(abacus, why);
    if (status != STATUS_OK)
        abacus_drop_all(abacus);
    else
        abacus_make_room(abacus, NULL);
    return status;
}

/* ---- the reader ------------------------------------------------------------------------------------------------------ */

static void look_through_snapshot(struct abacus *abacus, uint64_t position, uint64_t watermark, bool is_foreign)
{
    const uint64_t base = watermark <= position ? watermark : 0;
    if (abacus->role != ROLE_READER || position < abacus->position || base < abacus->base || abacus->is_masked ||
        abacus->is_foreign != is_foreign)
        abacus_drop_all(abacus);
    for (struct block *block = abacus->dirty.first, *next; block != NULL; block = next) {
        next = block->after;
        if (block->changed <= base)
            abacus_mark(abacus, block, false);
    }
    for (size_t i = 0; position != abacus->position && i < abacus->catalogue->form_count; i++)
        abacus->forms[i].knows_periods = false;
    abacus->role = ROLE_READER;
    abacus->is_masked = watermark > position;
    abacus->is_foreign = is_foreign;
    abacus->base = base;
    abacus->position = position;
    abacus->turn++;
}

/* Looks once whether entries can be found: through a damaged index a figure would miss some. */
static enum status trust_index(struct abacus *abacus, struct fault *why)
{
    if (abacus->is_indexed)
        return STATUS_OK;
    const enum status status = store_index_sound(abacus->store, &abacus->is_indexed, why);
    if (status != STATUS_OK || abacus->is_indexed)
        return status;
    fault_set(why, MESSAGE_STORE_INDEX, store_path(abacus->store), NULL);
    return STATUS_BROKEN;
}

/* Looks once whether the saved pages can be used; those that cannot are passed over until somebody made them anew. */
static enum status trust_pages(struct abacus *abacus, uint64_t *watermark, uint64_t head, struct fault *why)
{
    enum status status = STATUS_OK;
    if (*watermark == 0)
        return STATUS_OK;
    abacus->origin = *watermark > head ? ABACUS_AHEAD : ABACUS_SAVED;
    if (abacus->origin == ABACUS_SAVED && !abacus->is_trusted) {
        status = store_pages_sound(abacus->store, &abacus->is_trusted, why);
        abacus->origin = abacus->is_trusted ? ABACUS_SAVED : ABACUS_DAMAGED;
    }
    if (abacus->origin != ABACUS_SAVED)
        *watermark = 0;
    return status;
}

enum status abacus_follow(struct abacus *abacus, uint64_t as_of, struct fault *why)
{
    uint64_t watermark = 0, head = 0;
    bool fits = false;
    enum status status = store_head(abacus->store, &head, NULL, NULL, why);
    if (status == STATUS_OK && abacus->role == ROLE_WRITER && as_of >= abacus->position)
        return as_of >= head ? catch_up(abacus, false, why) : STATUS_OK;
    if (status == STATUS_OK)
        status = store_pages_watermark(abacus->store, abacus->catalogue->layout_hash, &watermark, why);
    if (status == STATUS_OK)
        status = store_pages_fit(abacus->store, abacus->catalogue->layout_hash, &fits, why);
    if (status == STATUS_OK)
        status = trust_index(abacus, why);
    if (status == STATUS_OK)
        status = trust_pages(abacus, &watermark, head, why);
    if (status != STATUS_OK)
        return status;
    /* Where pages are damaged the index beside them may be as well: then every entry is looked at. */
    look_through_snapshot(abacus, as_of < head ? as_of : head, watermark, !fits || abacus->origin == ABACUS_DAMAGED);
    return STATUS_OK;
}

/* True when an entry of after+1..upto touches the sheet. */
static enum status is_touched(struct abacus *abacus, const struct sheet *sheet, uint64_t after, uint64_t upto,
                              bool *ret_touched, struct fault *why)
{
    struct entry entry;
    bool found = false;
    const enum status status = next_touching(abacus, sheet, after, &entry, &found, why);
    if (status == STATUS_OK)
        *ret_touched = found && entry.number <= upto;
    return status;
}

static enum status replay_with_companions(struct abacus *abacus, struct sheet *sheet, struct fault *why)
{
    struct companions companions = {0};
    const enum status status = replay_sheet(abacus, sheet, abacus->position, &companions, why);
    companions_end(abacus, &companions);
    return status;
}

/* Brings a reader's sheet to the snapshot. */
static enum status bring_up(struct abacus *abacus, struct sheet *sheet, struct fault *why)
{
    bool touched = false;
    enum status status = STATUS_OK;
    if (abacus->role != ROLE_READER || sheet->turn == abacus->turn)
        return STATUS_OK;
    if (abacus->base > sheet->at) {
        status = is_touched(abacus, sheet, sheet->at, abacus->base, &touched, why);
        if (status == STATUS_OK && touched)
            abacus_clear_sheet(abacus, sheet);
        else
            sheet->at = abacus->base;
    }
    sheet->from_ledger = abacus->base == 0;
    if (status == STATUS_OK)
        status = replay_with_companions(abacus, sheet, why);
    if (status == STATUS_OK)
        sheet->turn = abacus->turn;
    else
        abacus_clear_sheet(abacus, sheet);
    return status;
}

/* ---- asking ---------------------------------------------------------------------------------------------------------- */

static enum status no_such_cell(const char *code, struct period period, struct fault *why)
{
    char text[PERIOD_TEXT];
    period_format(period, text);
    fault_set(why, MESSAGE_NO_SUCH_CELL, code, text, NULL);
    return STATUS_REFUSED;
}

/* The sheet ready to be asked, after checking that the run of slots and the period can be. */
static enum status ready_sheet(struct abacus *abacus, uint32_t form, const char *code, struct period period,
                               uint32_t first, uint32_t count, struct sheet **ret_sheet, struct fault *why)
{
    const uint32_t slots = abacus_slots(abacus, form);
    enum status status = STATUS_OK;
    if (period.kind != abacus->catalogue->forms[form].frequency || first > slots || count > slots - first)
        return no_such_cell(code, period, why);
    if (abacus->role == ROLE_NONE)
        status = store_mode_of(abacus->store) == STORE_WRITE ? start_writing(abacus, why)
                                                             : abacus_follow(abacus, UINT64_MAX, why);
    if (status != STATUS_OK)
        return status;
    *ret_sheet = abacus_sheet(abacus, form, period);
    abacus_make_room(abacus, *ret_sheet);
    return bring_up(abacus, *ret_sheet, why);
}

enum status abacus_cell(struct abacus *abacus, uint32_t element, struct period period, uint32_t slot,
                        struct cell *ret_cell, struct fault *why)
{
    const struct element *asked = &abacus->catalogue->elements[element];
    struct sheet *sheet;
    struct block *block;
    enum status status = ready_sheet(abacus, asked->form, asked->code, period, slot, 1, &sheet, why);
    if (status == STATUS_OK)
        status = abacus_use(abacus, sheet, abacus->ordinal[element], slot / BLOCK_SLOTS, &block, why);
    if (status != STATUS_OK)
        return status;
    const struct slot found = block_slot(block, slot % BLOCK_SLOTS);
    *ret_cell = (struct cell){.reported = slot_is_live(found),
                              .has_figure = slot_has_figure(found),
                              .has_reason = (found.word & SLOT_HAS_REASON) != 0,
                              .status = slot_status(found),
                              .value = found.value,
                              .revision = slot_revision(found),
                              .entry = found.entry};
    return STATUS_OK;
}

enum status abacus_run(struct abacus *abacus, uint32_t element, struct period period, uint32_t first_slot,
                       uint32_t slot_count, struct run *ret_run, struct fault *why)
{
    const struct element *asked = &abacus->catalogue->elements[element];
    struct totals totals = {0};
    struct sheet *sheet;
    struct block *block;
    enum status status = ready_sheet(abacus, asked->form, asked->code, period, first_slot, slot_count, &sheet, why);
    while (status == STATUS_OK && slot_count != 0) {
        const uint32_t within = first_slot % BLOCK_SLOTS;
        const uint32_t count = slot_count < BLOCK_SLOTS - within ? slot_count : BLOCK_SLOTS - within;
        status = abacus_use(abacus, sheet, abacus->ordinal[element], first_slot / BLOCK_SLOTS, &block, why);
        if (status == STATUS_OK)
            block_add(block, within, count, &totals);
        first_slot += count;
        slot_count -= count;
        abacus_make_room(abacus, sheet);
    }
    if (status == STATUS_OK)
        *ret_run = (struct run){totals.reported, totals.figures, totals.sum, totals.max, totals.min};
    return status;
}

enum status abacus_completed_at(struct abacus *abacus, uint32_t form, struct period period, uint32_t slot,
                                int64_t *ret_received_at, struct fault *why)
{
    const struct form *asked = &abacus->catalogue->forms[form];
    struct sheet *sheet;
    struct block *block;
    enum status status = ready_sheet(abacus, form, asked->code, period, slot, 1, &sheet, why);
    if (status == STATUS_OK && abacus->role == ROLE_READER && !abacus->is_masked && !sheet->with_completion) {
        sheet->with_completion = true;
        if (sheet->was_replayed) {
            abacus_clear_sheet(abacus, sheet);
            status = bring_up(abacus, sheet, why);
        }
    }
    if (status == STATUS_OK)
        status = abacus_use(abacus, sheet, (uint32_t)asked->element_count, slot / BLOCK_SLOTS, &block, why);
    if (status == STATUS_OK)
        *ret_received_at = block_slot(block, slot % BLOCK_SLOTS).value;
    return status;
}

/* ---- periods --------------------------------------------------------------------------------------------------------- */

static void insert_period(struct form_facts *facts, struct period period)
{
    size_t at = facts->period_count;
    while (at > 0 && facts->periods[at - 1].first > period.first)
        at--;
    if (at > 0 && facts->periods[at - 1].first == period.first)
        return;
    facts->periods = memory_grow(facts->periods, &facts->period_capacity, facts->period_count + 1,
                                 sizeof *facts->periods);
    memmove(&facts->periods[at + 1], &facts->periods[at], (facts->period_count - at) * sizeof *facts->periods);
    facts->periods[at] = period;
    facts->period_count++;
}

void abacus_note_period(struct abacus *abacus, uint32_t form, struct period period)
{
    if (abacus->forms[form].knows_periods)
        insert_period(&abacus->forms[form], period);
}

struct learning {
    struct form_facts *facts;
    enum period_kind kind;
};

static void learn_period(void *context, const char *text)
{
    const struct learning *learning = context;
    struct period period;
    if (period_parse(text, &period, NULL) == STATUS_OK && period.kind == learning->kind)
        insert_period(learning->facts, period);
}

static enum status learn_periods(struct abacus *abacus, uint32_t form, struct fault *why)
{
    struct form_facts *facts = &abacus->forms[form];
    struct learning learning = {facts, abacus->catalogue->forms[form].frequency};
    enum status status = STATUS_OK;
    if (facts->knows_periods)
        return STATUS_OK;
    facts->period_count = 0;
    for (uint32_t f = 0; f < abacus->catalogue->form_count && status == STATUS_OK; f++)
        if (f == form || abacus->is_foreign)
            status = store_touched_periods(abacus->store, abacus->catalogue->forms[f].code, learn_period, &learning, why);
    if (status != STATUS_OK)
        return status;
    /* What the writer applied may not be in the ledger yet. */
    for (size_t i = 0; abacus->role == ROLE_WRITER && i < BUCKETS; i++)
        for (const struct sheet *sheet = abacus->buckets[i]; sheet != NULL; sheet = sheet->next)
            if (sheet->form == form)
                insert_period(facts, sheet->period);
    facts->knows_periods = true;
    return STATUS_OK;
}

enum status abacus_period_before(struct abacus *abacus, uint32_t element, int32_t day, bool *ret_found,
                                 struct period *ret_period, struct fault *why)
{
    const uint32_t form = abacus->catalogue->elements[element].form;
    const struct form_facts *facts = &abacus->forms[form];
    enum status status = STATUS_OK;
    if (abacus->role == ROLE_NONE && store_mode_of(abacus->store) == STORE_WRITE)
        status = start_writing(abacus, why);
    else if (abacus->role == ROLE_NONE)
        status = abacus_follow(abacus, UINT64_MAX, why);
    if (status == STATUS_OK)
        status = learn_periods(abacus, form, why);
    for (size_t i = facts->period_count; status == STATUS_OK && i-- > 0;) {
        const struct period period = facts->periods[i];
        struct run run = {0};
        if (period.first > day)
            continue;
        status = abacus_run(abacus, element, period, 0, abacus_slots(abacus, form), &run, why);
        if (status == STATUS_OK && run.reported != 0) {
            *ret_period = period;
            *ret_found = true;
            return STATUS_OK;
        }
    }
    if (status == STATUS_OK)
        *ret_found = false;
    return status;
}
