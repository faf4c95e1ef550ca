/* apply.c - records into pages. The codes of a batch are looked up once each; then a record is two small lookups, the
 * question of its revision, and a slot.
 *
 * Deciding (a batch just received) and replaying (a ledger entry) are the same walk. A replay leaves out what was refused
 * then, and asks none of the questions whose answers may have changed since (who may report, limits, what is open): what
 * was taken in stays in. What the catalogue no longer knows it passes over.
 *
 * What a record does to its cell, by its revision (0: none given) and that of the cell:
 *
 *   none given            replaces, becomes revision + 1
 *   higher                replaces
 *   equal, same value     nothing
 *   equal, another value  revision_conflict; the one that came first stays
 *   lower                 nothing: history, in the ledger only
 *
 * A retraction (X) is a record like others: it takes the figure out and its revision stays. */
#include "abacus_inside.h"

#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AHEAD 16 /* records */

/* One batch on its way in. */
struct pass {
    struct abacus *abacus;
    struct workspace *workspace;
    const struct batch *batch;
    uint64_t entry;
    int64_t received_at;
    uint32_t scope;
    bool is_decided;     /* decide each record; otherwise replay */
    struct sheet *only;  /* replay: only what belongs here */
};

/* ---- workspaces ---------------------------------------------------------------------------------------------------- */

struct workspace *workspace_take(struct abacus *abacus)
{
    struct workspace *workspace = abacus->spare;
    if (workspace == NULL)
        workspace = memory_new(struct workspace);
    else
        abacus->spare = workspace->next;
    workspace->next = NULL;
    /* What is left from other batches bears another stamp. */
    workspace->stamp = ++abacus->stamp;
    workspace->refused_count = workspace->candidate_count = 0;
    return workspace;
}

void workspace_give(struct abacus *abacus, struct workspace *workspace)
{
    workspace->next = abacus->spare;
    abacus->spare = workspace;
}

void workspace_free(struct workspace **workspace)
{
    if (*workspace == NULL)
        return;
    batch_free(&(*workspace)->batch);
    free((*workspace)->elements);
    free((*workspace)->units);
    free((*workspace)->refused);
    free((*workspace)->candidates);
    free(*workspace);
    *workspace = NULL;
}

/* ---- the batch's dictionaries -------------------------------------------------------------------------------------- */

static void know_elements(struct pass *pass)
{
    const struct catalogue *catalogue = pass->abacus->catalogue;
    struct workspace *workspace = pass->workspace;
    workspace->elements = memory_grow(workspace->elements, &workspace->element_capacity, pass->batch->element_count,
                                      sizeof *workspace->elements);
    for (size_t i = 0; i < pass->batch->element_count; i++) {
        const uint32_t index = catalogue_element(catalogue, pass->batch->elements[i].code);
        struct known_element *known = &workspace->elements[i];
        *known = (struct known_element){.index = index};
        if (index == NO_INDEX)
            continue;
        known->element = &catalogue->elements[index];
        known->level = catalogue->forms[known->element->form].level;
        known->is_rescaled = known->element->decimals != pass->batch->elements[i].decimals;
    }
}

static void know_units(struct pass *pass)
{
    const struct catalogue *catalogue = pass->abacus->catalogue;
    struct workspace *workspace = pass->workspace;
    workspace->units = memory_grow(workspace->units, &workspace->unit_capacity, pass->batch->unit_count,
                                   sizeof *workspace->units);
    for (size_t i = 0; i < pass->batch->unit_count; i++) {
        const uint32_t index = catalogue_unit(catalogue, pass->batch->units[i]);
        workspace->units[i] = index == NO_INDEX
                                  ? (struct known_unit){NO_INDEX, NO_INDEX, 0}
                                  : (struct known_unit){index, catalogue->units[index].level, catalogue->units[index].slot};
    }
}

static void note_touch(struct abacus *abacus, const struct sheet *sheet)
{
    const char *form = abacus->catalogue->forms[sheet->form].code;
    for (size_t i = 0; i < abacus->touch_count; i++)
        if (abacus->touches[i].form == form && strcmp(abacus->touch_periods[i], sheet->text) == 0)
            return;
    abacus->touches = memory_grow(abacus->touches, &abacus->touch_capacity, abacus->touch_count + 1,
                                  sizeof *abacus->touches);
    abacus->touch_periods = memory_grow(abacus->touch_periods, &abacus->text_capacity, abacus->touch_count + 1,
                                        sizeof *abacus->touch_periods);
    abacus->touches[abacus->touch_count].form = form;
    memcpy(abacus->touch_periods[abacus->touch_count++], sheet->text, sizeof sheet->text);
}

size_t abacus_touches(const struct abacus *abacus, const struct touch **ret_touches)
{
    for (size_t i = 0; i < abacus->touch_count; i++) /* the texts may have moved while they grew */
        abacus->touches[i].period = abacus->touch_periods[i];
    *ret_touches = abacus->touches;
    return abacus->touch_count;
}

/* The sheet of a form in a period of the batch, which is noted once. */
static struct sheet *touched_sheet(struct pass *pass, uint32_t form, uint32_t period)
{
    struct workspace *workspace = pass->workspace;
    struct touched *touched = &workspace->touched[(form * 31 + period) % TOUCHED];
    if (touched->stamp != workspace->stamp || touched->form != form || touched->period != period) {
        const struct period when = pass->batch->periods[period];
        *touched = (struct touched){workspace->stamp, form, period, abacus_sheet(pass->abacus, form, when)};
        abacus_note_period(pass->abacus, form, when);
        note_touch(pass->abacus, touched->sheet);
    }
    return touched->sheet;
}

static void resolve_column(struct pass *pass, struct column *column)
{
    const struct known_element *known = &pass->workspace->elements[column->element];
    const struct period period = pass->batch->periods[column->period];
    column->message = MESSAGE_NONE;
    column->sheet = NULL;
    column->blocks = NULL;
    if (known->element == NULL) {
        column->message = MESSAGE_UNKNOWN_ELEMENT;
        return;
    }
    const uint32_t form = known->element->form;
    if (period.kind != pass->abacus->catalogue->forms[form].frequency) {
        column->message = MESSAGE_WRONG_FREQUENCY;
        return;
    }
    if (pass->only != NULL) {
        if (form != pass->only->form || period.first != pass->only->period.first)
            return;
        column->sheet = pass->only;
    } else {
        column->sheet = touched_sheet(pass, form, column->period);
    }
    column->blocks = column->sheet->blocks +
                     (size_t)pass->abacus->ordinal[known->index] * column->sheet->blocks_a_page;
}

static inline struct column *find_column(struct pass *pass, uint32_t element, uint32_t period)
{
    struct workspace *workspace = pass->workspace;
    struct column *column = &workspace->columns[(element + period * 101) % COLUMNS];
    if (column->stamp != workspace->stamp || column->element != element || column->period != period) {
        column->stamp = workspace->stamp;
        column->element = element;
        column->period = period;
        resolve_column(pass, column);
    }
    return column;
}

/* ---- may this agent report it ------------------------------------------------------------------------------------------ */

/* The last day of the period on which the unit existed. */
static int32_t last_open_day(const struct unit *unit, struct period period)
{
    int32_t day = period.last;
    for (size_t i = 0; i < unit->placement_count; i++) {
        const struct placement *placement = &unit->placements[i];
        if (placement->opened <= period.last && placement->closed >= period.first)
            day = placement->closed < period.last ? placement->closed : period.last;
    }
    return day;
}

static enum message judge_unit(const struct pass *pass, uint32_t unit, struct period period)
{
    const struct catalogue *catalogue = pass->abacus->catalogue;
    if (!catalogue_is_below(catalogue, unit, pass->scope, last_open_day(&catalogue->units[unit], period)))
        return MESSAGE_FORBIDDEN;
    return catalogue_unit_open(catalogue, unit, period) ? MESSAGE_NONE : MESSAGE_UNIT_CLOSED;
}

static inline enum message verdict_of(struct pass *pass, uint32_t unit, uint32_t period)
{
    struct workspace *workspace = pass->workspace;
    struct verdict *verdict = &workspace->verdicts[(unit + period * 31) % VERDICTS];
    if (verdict->stamp != workspace->stamp || verdict->unit != unit || verdict->period != period) {
        verdict->stamp = workspace->stamp;
        verdict->unit = unit;
        verdict->period = period;
        verdict->message = judge_unit(pass, workspace->units[unit].index, pass->batch->periods[period]);
    }
    return verdict->message;
}

/* ---- one record -------------------------------------------------------------------------------------------------------- */

/* The value at the element's decimals, within its limits when it is decided on. */
static enum message value_of(const struct pass *pass, const struct batch_record *record, int64_t *ret_value)
{
    const struct known_element *known = &pass->workspace->elements[record->element];
    int64_t value = record->value;
    if (!record_status_has_value(record->status)) {
        *ret_value = 0;
        return MESSAGE_NONE;
    }
    if (known->is_rescaled) {
        const struct decimal given = {value, pass->batch->elements[record->element].decimals};
        struct decimal exact;
        if (decimal_rescale(given, known->element->decimals, &exact) != STATUS_OK)
            return MESSAGE_INEXACT_VALUE;
        value = exact.units;
    }
    if (pass->is_decided && known->element->has_min && value < known->element->min.units)
        return MESSAGE_BELOW_MIN;
    if (pass->is_decided && known->element->has_max && value > known->element->max.units)
        return MESSAGE_ABOVE_MAX;
    *ret_value = value;
    return MESSAGE_NONE;
}

/* Which slot a record makes of the one there is; *ret_changes false when it changes nothing. */
static inline enum message next_slot(struct slot now, const struct batch_record *record, int64_t value,
                                     struct slot *ret_slot, bool *ret_changes)
{
    const uint32_t live = slot_revision(now);
    const uint32_t revision = record->revision == NO_REVISION ? live + 1 : record->revision;
    *ret_changes = false;
    if (revision > LIMIT_REVISION)
        return MESSAGE_REVISION_LIMIT;
    if (revision < live)
        return MESSAGE_NONE;
    if (revision == live) {
        const enum record_status status = slot_status(now);
        const bool is_same = now.value == value &&
                             record_status_has_value(status) == record_status_has_value(record->status) &&
                             (status == RECORD_RETRACTED) == (record->status == RECORD_RETRACTED);
        return is_same ? MESSAGE_NONE : MESSAGE_REVISION_CONFLICT;
    }
    *ret_changes = true;
    ret_slot->value = value;
    ret_slot->word = slot_word(revision, record->status, record->reason != NULL && record->reason[0] != '\0');
    return MESSAGE_NONE;
}

/* Remembers the report for completion_settle; a report in one row of the batch is remembered once. */
static inline void note_candidate(struct workspace *workspace, struct sheet *sheet, uint32_t slot, uint32_t page)
{
    const size_t place = (slot ^ (uintptr_t)sheet >> 6) % SEEN;
    if (workspace->seen[place].stamp == workspace->stamp && workspace->seen[place].sheet == sheet &&
        workspace->seen[place].slot == slot)
        return;
    workspace->seen[place].stamp = workspace->stamp;
    workspace->seen[place].sheet = sheet;
    workspace->seen[place].slot = slot;
    workspace->candidates = memory_grow(workspace->candidates, &workspace->candidate_capacity,
                                        workspace->candidate_count + 1, sizeof *workspace->candidates);
    workspace->candidates[workspace->candidate_count++] = (struct candidate){sheet, slot, page};
}

static enum message judge(struct pass *pass, const struct batch_record *record, const struct column *column,
                          const struct known_unit *unit)
{
    if (column->message != MESSAGE_NONE)
        return column->message;
    if (unit->index == NO_INDEX)
        return MESSAGE_UNKNOWN_UNIT;
    if (pass->is_decided) {
        const enum message message = verdict_of(pass, record->unit, record->period);
        if (message == MESSAGE_FORBIDDEN)
            return message;
        if (unit->level == pass->workspace->elements[record->element].level)
            return message;
    }
    return unit->level == pass->workspace->elements[record->element].level ? MESSAGE_NONE : MESSAGE_WRONG_LEVEL;
}

/* *ret_message: why it is refused. */
static enum status take_record(struct pass *pass, const struct batch_record *record, enum message *ret_message,
                               struct fault *why)
{
    const struct column *column = find_column(pass, record->element, record->period);
    const struct known_unit *unit = &pass->workspace->units[record->unit];
    struct slot slot = {0, 0, (uint32_t)pass->entry};
    int64_t value = 0;
    struct block *block;
    bool changes;
    *ret_message = judge(pass, record, column, unit);
    if (*ret_message == MESSAGE_NONE)
        *ret_message = value_of(pass, record, &value);
    if (*ret_message != MESSAGE_NONE || column->sheet == NULL)
        return STATUS_OK;
    block = column->blocks[unit->slot / BLOCK_SLOTS];
    if (block == NULL) {
        const enum status status = abacus_load(pass->abacus, column->sheet,
                                               pass->abacus->ordinal[pass->workspace->elements[record->element].index],
                                               unit->slot / BLOCK_SLOTS, &block, why);
        if (status != STATUS_OK)
            return status;
    }
    *ret_message = next_slot(block_slot(block, unit->slot % BLOCK_SLOTS), record, value, &slot, &changes);
    if (!changes)
        return STATUS_OK;
    abacus_set(pass->abacus, block, unit->slot % BLOCK_SLOTS, slot, pass->entry);
    if (column->sheet->with_completion)
        note_candidate(pass->workspace, column->sheet, unit->slot,
                       pass->abacus->ordinal[pass->workspace->elements[record->element].index]);
    return STATUS_OK;
}

/* ---- a batch ----------------------------------------------------------------------------------------------------------- */

static void refuse(struct abacus *abacus, size_t index, enum message message)
{
    abacus->refusals = memory_grow(abacus->refusals, &abacus->refusal_capacity, abacus->refusal_count + 1,
                                   sizeof *abacus->refusals);
    abacus->refusals[abacus->refusal_count++] = (struct refusal){(uint32_t)index, message};
}

/* Slots of other places are rarely in the processor's cache, and a record costs less than waiting for one of them: what
 * a record some places ahead will need is asked for now. Once a column is enough, its units lie side by side. */
static inline void fetch_ahead(struct pass *pass, size_t index)
{
    const struct batch_record *record = &pass->batch->records[index];
    const struct known_unit *unit = &pass->workspace->units[record->unit];
    if (record->element == record[-1].element && record->period == record[-1].period)
        return;
    const struct column *column = find_column(pass, record->element, record->period);
    if (column->blocks == NULL || unit->level != pass->workspace->elements[record->element].level)
        return;
    const struct block *block = column->blocks[unit->slot / BLOCK_SLOTS];
    if (block != NULL && block->slots != NULL)
        __builtin_prefetch(&block->slots[unit->slot % BLOCK_SLOTS], 1);
}

static enum status run_pass(struct pass *pass, struct companions *companions, struct fault *why)
{
    struct workspace *workspace = pass->workspace;
    enum status status = STATUS_OK;
    size_t next_refused = 0;
    know_elements(pass);
    know_units(pass);
    for (size_t i = 0; i < pass->batch->record_count && status == STATUS_OK; i++) {
        enum message message = MESSAGE_NONE;
        if (i + AHEAD < pass->batch->record_count)
            fetch_ahead(pass, i + AHEAD);
        if (next_refused < workspace->refused_count && workspace->refused[next_refused].index == i) {
            next_refused++;
            /* The touches of a replay are those of the live batch, refused records included. */
            find_column(pass, pass->batch->records[i].element, pass->batch->records[i].period);
            continue;
        }
        status = take_record(pass, &pass->batch->records[i], &message, why);
        if (pass->is_decided && message != MESSAGE_NONE && status == STATUS_OK)
            refuse(pass->abacus, i, message);
    }
    if (status == STATUS_OK)
        status = completion_settle(pass->abacus, workspace->candidates, workspace->candidate_count, pass->entry,
                                   pass->received_at, companions, why);
    return status;
}

static enum status refuse_entry(struct abacus *abacus, uint64_t entry, struct fault *why)
{
    char texts[2][24];
    if (snprintf(texts[0], sizeof texts[0], "%" PRIu64, entry) < 0 ||
        snprintf(texts[1], sizeof texts[1], "%" PRIu64, abacus->position) < 0)
        texts[0][0] = texts[1][0] = '\0';
    fault_set(why, MESSAGE_STORE_OUT_OF_ORDER, texts[0], texts[1], NULL);
    return STATUS_BROKEN;
}

enum status abacus_apply(struct abacus *abacus, const struct batch *batch, uint32_t scope, uint64_t entry,
                         int64_t received_at, const struct refusal **ret_refusals, size_t *ret_refusal_count,
                         struct fault *why)
{
    enum status status = abacus_be_writer(abacus, entry, why);
    if (status != STATUS_OK)
        return status;
    if (entry <= abacus->position || entry > UINT32_MAX)
        return refuse_entry(abacus, entry, why);
    struct pass pass = {.abacus = abacus, .workspace = workspace_take(abacus), .batch = batch, .entry = entry,
                        .received_at = received_at, .scope = scope, .is_decided = true};
    abacus->refusal_count = abacus->touch_count = 0;
    status = run_pass(&pass, NULL, why);
    workspace_give(abacus, pass.workspace);
    if (status != STATUS_OK) {
        struct fault ignored = {0};
        return abacus_forget(abacus, &ignored) == STATUS_OK ? status : STATUS_BROKEN; /* half a batch is in the pages */
    }
    abacus->position = entry;
    *ret_refusals = abacus->refusals;
    *ret_refusal_count = abacus->refusal_count;
    return STATUS_OK;
}

/* ---- replay ------------------------------------------------------------------------------------------------------------ */

static enum status damaged_entry(uint64_t entry, struct fault *why)
{
    char number[24];
    if (snprintf(number, sizeof number, "%" PRIu64, entry) < 0)
        number[0] = '\0';
    fault_set(why, MESSAGE_LEDGER_DAMAGED, number, NULL);
    return STATUS_BROKEN;
}

enum status replay_entry(struct abacus *abacus, const struct entry *entry, struct sheet *only,
                         struct companions *companions, struct fault *why)
{
    struct workspace *workspace;
    bool is_sound = false;
    /* A flipped bit in a batch may well be another batch: better no figure than a wrong one. */
    enum status status = store_entry_sound(abacus->store, entry, &is_sound, why);
    if (status != STATUS_OK)
        return status;
    if (!is_sound)
        return damaged_entry(entry->number, why);
    if (entry->repeated)
        return STATUS_OK;
    if (entry->number > UINT32_MAX)
        return refuse_entry(abacus, entry->number, why);
    workspace = workspace_take(abacus);
    /* Reading other entries on the way would take the entry's refusals away. */
    workspace->refused = memory_grow(workspace->refused, &workspace->refused_capacity, entry->refusal_count,
                                     sizeof *workspace->refused);
    if (entry->refusal_count != 0)
        memcpy(workspace->refused, entry->refusals, entry->refusal_count * sizeof *workspace->refused);
    workspace->refused_count = entry->refusal_count;
    status = batch_decode(entry->bytes, entry->length, &workspace->batch, why);
    if (status == STATUS_OK) {
        struct pass pass = {.abacus = abacus, .workspace = workspace, .batch = workspace->batch,
                            .entry = entry->number, .received_at = entry->received_at, .only = only};
        status = run_pass(&pass, companions, why);
    } else if (status == STATUS_REFUSED) {
        status = damaged_entry(entry->number, why); /* it was decoded when it was taken */
    }
    workspace_give(abacus, workspace);
    return status;
}

enum status next_touching(struct abacus *abacus, const struct sheet *sheet, uint64_t after, struct entry *ret_entry,
                          bool *ret_found, struct fault *why)
{
    if (abacus->is_foreign)
        return store_entry_after(abacus->store, after, ret_entry, ret_found, why);
    return store_entry_touching(abacus->store, after, abacus->catalogue->forms[sheet->form].code, sheet->text, ret_entry,
                                ret_found, why);
}

enum status replay_sheet(struct abacus *abacus, struct sheet *sheet, uint64_t upto, struct companions *companions,
                         struct fault *why)
{
    enum status status = STATUS_OK;
    bool found = true;
    while (status == STATUS_OK && sheet->at < upto) {
        struct entry entry;
        status = next_touching(abacus, sheet, sheet->at, &entry, &found, why);
        if (status != STATUS_OK)
            return status;
        if (!found || entry.number > upto) {
            sheet->at = upto;
            break;
        }
        const uint64_t number = entry.number;
        sheet->was_replayed = true;
        status = replay_entry(abacus, &entry, sheet, companions, why);
        if (status == STATUS_OK)
            sheet->at = number;
    }
    return status;
}
