/* answer_records.c - `records`: the figures as they were reported. Live ones are read from the abacus, each with the
 * ledger entry it came from; --history replays the entries and shows every record with the revision it got.
 *
 * Live cells are gathered in blocks of units so that a page is visited once a block and not once a unit, and still come
 * out unit by unit. Batches are decoded once and kept in a small cache by entry number: neighbouring cells mostly come
 * from the same few files. */
#include "answer.h"
#include "batch.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define CACHED_ENTRIES 32
#define CELLS_AT_ONCE 65536

static const char *const columns[] = {"element", "unit",       "period",      "value",       "status", "revision",
                                      "agent",   "submission", "reported_at", "received_at", "live"};

/* One record with what is around it, ready to print. */
struct line {
    uint32_t element, unit;
    uint32_t position; /* of the unit in the tree, for sorting */
    struct period period;
    bool has_value, live;
    struct decimal value;
    enum record_status status;
    uint32_t revision;
    uint64_t entry;
    uint32_t index; /* record of the batch */
};

struct kept_entry {
    uint64_t number;
    char agent[65];
    int64_t received_at;
    struct batch *batch;
};

struct listing {
    struct asking *asking;
    struct place place;
    uint32_t element; /* NO_INDEX: all */
    bool every_period;
    struct period period;
    struct kept_entry kept[CACHED_ENTRIES];
};

/* ---- entries ------------------------------------------------------------------------------------------------------- */

static enum status keep_entry(struct listing *listing, uint64_t number, const struct kept_entry **ret_entry)
{
    struct kept_entry *kept = &listing->kept[number % CACHED_ENTRIES];
    struct entry entry;
    bool found = false;
    enum status status;
    if (kept->number != number) {
        kept->number = 0;
        status = store_entry_after(listing->asking->office->store, number - 1, &entry, &found, listing->asking->why);
        if (status == STATUS_OK && (!found || entry.number != number))
            status = STATUS_BROKEN;
        if (status == STATUS_OK)
            status = batch_decode(entry.bytes, entry.length, &kept->batch, listing->asking->why);
        if (status != STATUS_OK)
            return status == STATUS_REFUSED ? STATUS_BROKEN : status;
        kept->number = number;
        kept->received_at = entry.received_at;
        memcpy(kept->agent, entry.agent, sizeof kept->agent);
    }
    *ret_entry = kept;
    return STATUS_OK;
}

/* The record of a batch that made a cell what it is: the last of that cell with its status. */
static bool find_record(const struct batch *batch, const struct catalogue *catalogue, const struct line *line,
                        uint32_t *ret_index)
{
    uint32_t element = 0, unit = 0, period = 0;
    while (element < batch->element_count &&
           strcmp(batch->elements[element].code, catalogue->elements[line->element].code) != 0)
        element++;
    while (unit < batch->unit_count && strcmp(batch->units[unit], catalogue->units[line->unit].code) != 0)
        unit++;
    while (period < batch->period_count && !period_equal(batch->periods[period], line->period))
        period++;
    for (size_t i = batch->record_count; i-- > 0;) {
        const struct batch_record *record = &batch->records[i];
        if (record->element == element && record->unit == unit && record->period == period &&
            record->status == line->status) {
            *ret_index = (uint32_t)i;
            return true;
        }
    }
    return false;
}

/* "2020-08.csv@3f2a9c1e0b7d": the file as it was called, and which bytes were meant. */
static void add_submission(struct table *table, const struct submission *submission)
{
    char text[sizeof submission->file + 16];
    (void)snprintf(text, sizeof text, "%s@%02x%02x%02x%02x%02x%02x", submission->file, submission->hash[0],
                   submission->hash[1], submission->hash[2], submission->hash[3], submission->hash[4],
                   submission->hash[5]);
    table_add(table, text);
}

static enum status add_line(struct listing *listing, const struct line *line)
{
    struct asking *asking = listing->asking;
    const struct kept_entry *kept = NULL;
    char value[DECIMAL_TEXT];
    const char status_text[2] = {record_status_letter(line->status), '\0'};
    enum status status = asking_room(asking, 1);
    if (status == STATUS_OK)
        status = keep_entry(listing, line->entry, &kept);
    if (status != STATUS_OK)
        return status;
    decimal_format(line->value, value);
    table_add(asking->table, asking->catalogue->elements[line->element].code);
    table_add(asking->table, asking->catalogue->units[line->unit].code);
    add_period(asking->table, line->period);
    table_add(asking->table, line->has_value ? value : NULL);
    table_add(asking->table, status_text);
    table_add_number(asking->table, line->revision);
    table_add(asking->table, kept->agent);
    add_submission(asking->table, &kept->batch->submission);
    add_time(asking->table,
             line->index < kept->batch->record_count ? kept->batch->records[line->index].reported_at : INT64_MIN);
    add_time(asking->table, kept->received_at);
    table_add(asking->table, line->live ? "yes" : "no");
    return STATUS_OK;
}

/* ---- live records -------------------------------------------------------------------------------------------------- */

/* The periods of the element with any live record, oldest first. *ret_periods is yours to free. */
static enum status live_periods(struct listing *listing, uint32_t element, struct period **ret_periods,
                                size_t *ret_count)
{
    struct period *periods = NULL, found_period;
    size_t count = 0, capacity = 0;
    int32_t day = listing->every_period ? DAY_MAX : listing->period.last;
    bool found = true;
    enum status status = STATUS_OK;
    while (found) {
        status = abacus_period_before(listing->asking->abacus, element, day, &found, &found_period,
                                      listing->asking->why);
        if (status != STATUS_OK || !found || (!listing->every_period && found_period.first < listing->period.first))
            break;
        day = found_period.first - 1;
        if (!listing->every_period && found_period.last > listing->period.last)
            continue;
        periods = memory_grow(periods, &capacity, count + 1, sizeof *periods);
        periods[count++] = found_period;
    }
    for (size_t i = 0; i < count / 2; i++) {
        const struct period swapped = periods[i];
        periods[i] = periods[count - 1 - i];
        periods[count - 1 - i] = swapped;
    }
    *ret_periods = periods;
    *ret_count = count;
    return status;
}

static enum status add_cell(struct listing *listing, uint32_t element, uint32_t unit, struct period period,
                            const struct cell *cell)
{
    struct line line = {.element = element, .unit = unit, .period = period, .has_value = cell->has_figure, .live = true,
                        .value = {cell->value, listing->asking->catalogue->elements[element].decimals},
                        .status = cell->status, .revision = cell->revision, .entry = cell->entry, .index = UINT32_MAX};
    const struct kept_entry *kept = NULL;
    const enum status status = keep_entry(listing, cell->entry, &kept);
    if (status != STATUS_OK)
        return status;
    (void)find_record(kept->batch, listing->asking->catalogue, &line, &line.index);
    return add_line(listing, &line);
}

/* Slots first..first+count-1, page by page into `cells`, then out unit by unit. */
static enum status add_block(struct listing *listing, uint32_t element, const struct cover *cover, uint32_t first,
                             uint32_t count, const struct period *periods, size_t period_count, struct cell *cells)
{
    struct asking *asking = listing->asking;
    const struct element *what = &asking->catalogue->elements[element];
    const struct level *level = &asking->catalogue->levels[asking->catalogue->forms[what->form].level];
    enum status status = STATUS_OK;
    for (size_t p = 0; p < period_count; p++)
        for (uint32_t s = 0; s < count && status == STATUS_OK; s++) {
            struct cell *cell = &cells[s * period_count + p];
            *cell = (struct cell){.reported = false};
            if (periods[p].last >= cover->from && periods[p].last <= cover->until)
                status = abacus_cell(asking->abacus, element, periods[p], first + s, cell, asking->why);
        }
    for (uint32_t s = 0; s < count; s++)
        for (size_t p = 0; p < period_count && status == STATUS_OK; p++)
            if (cells[s * period_count + p].reported)
                status = add_cell(listing, element, level->unit_of_slot[first + s], periods[p],
                                  &cells[s * period_count + p]);
    return status;
}

static enum status list_live(struct listing *listing, uint32_t element)
{
    const struct catalogue *catalogue = listing->asking->catalogue;
    const uint32_t level = catalogue->forms[catalogue->elements[element].form].level;
    struct cover *covers = NULL;
    struct period *periods = NULL;
    struct cell *cells = NULL;
    size_t period_count = 0;
    const size_t cover_count = catalogue_cover_units(catalogue, listing->place.scope.units,
                                                     listing->place.scope.unit_count, level, &covers);
    enum status status = live_periods(listing, element, &periods, &period_count);
    if (status != STATUS_OK || period_count == 0)
        goto done;
    const uint32_t at_once = period_count < CELLS_AT_ONCE ? (uint32_t)(CELLS_AT_ONCE / period_count) : 1;
    cells = memory_array(at_once * period_count, sizeof *cells);
    for (size_t c = 0; c < cover_count; c++)
        for (uint32_t done = 0; done < covers[c].slot_count && status == STATUS_OK; done += at_once) {
            const uint32_t left = covers[c].slot_count - done;
            status = add_block(listing, element, &covers[c], covers[c].first_slot + done,
                               left < at_once ? left : at_once, periods, period_count, cells);
        }
done:
    free(covers);
    free(periods);
    free(cells);
    return status;
}

/* ---- history ------------------------------------------------------------------------------------------------------- */

/* What is live of one cell while the ledger is replayed; by (element, unit, first day). */
struct trace {
    uint32_t element, unit;
    int32_t first;
    bool used, retracted;
    struct decimal value;
    enum record_status status;
    uint32_t revision;
    size_t line; /* index of the live line */
};

struct replay {
    struct line *lines;
    size_t count, capacity;
    struct trace *traces; /* open addressing, a power of two, at most half full */
    size_t trace_count, trace_space;
};

static size_t trace_hash(uint32_t element, uint32_t unit, int32_t first)
{
    uint64_t hash = ((uint64_t)element << 32 | unit) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (uint32_t)first) * 0xC2B2AE3D27D4EB4Fu;
    return (size_t)(hash ^ hash >> 29);
}

static struct trace *trace_slot(struct trace *traces, size_t space, uint32_t element, uint32_t unit, int32_t first)
{
    size_t at = trace_hash(element, unit, first) & (space - 1);
    while (traces[at].used && (traces[at].element != element || traces[at].unit != unit || traces[at].first != first))
        at = (at + 1) & (space - 1);
    return &traces[at];
}

static struct trace *trace_of(struct replay *replay, uint32_t element, uint32_t unit, int32_t first)
{
    struct trace *found;
    if (replay->trace_count * 2 >= replay->trace_space) {
        const size_t space = replay->trace_space > 0 ? replay->trace_space * 2 : 1024;
        struct trace *traces = memory_array(space, sizeof *traces);
        for (size_t i = 0; i < replay->trace_space; i++)
            if (replay->traces[i].used)
                *trace_slot(traces, space, replay->traces[i].element, replay->traces[i].unit, replay->traces[i].first) =
                    replay->traces[i];
        free(replay->traces);
        replay->traces = traces;
        replay->trace_space = space;
    }
    found = trace_slot(replay->traces, replay->trace_space, element, unit, first);
    if (!found->used) {
        *found = (struct trace){.element = element, .unit = unit, .first = first, .used = true, .line = SIZE_MAX};
        replay->trace_count++;
    }
    return found;
}

/* CONTRACT 4: without a revision it replaces what is live; higher replaces; equal or lower changes nothing. */
static void replay_line(struct replay *replay, struct line line)
{
    struct trace *trace = trace_of(replay, line.element, line.unit, line.period.first);
    if (line.revision == NO_REVISION)
        line.revision = trace->revision + 1;
    replay->lines = memory_grow(replay->lines, &replay->capacity, replay->count + 1, sizeof *replay->lines);
    if (line.revision > trace->revision) {
        if (trace->line != SIZE_MAX)
            replay->lines[trace->line].live = false;
        line.live = line.status != RECORD_RETRACTED;
        trace->revision = line.revision;
        trace->line = replay->count;
    }
    replay->lines[replay->count++] = line;
}

static bool is_asked(const struct listing *listing, uint32_t element, uint32_t unit, struct period period)
{
    const struct catalogue *catalogue = listing->asking->catalogue;
    if (element == NO_INDEX || unit == NO_INDEX || (listing->element != NO_INDEX && listing->element != element))
        return false;
    if (!listing->every_period && !period_contains(listing->period, period))
        return false;
    for (size_t i = 0; i < listing->place.scope.unit_count; i++)
        if (listing->place.scope.units[i] == unit ||
            catalogue_is_below(catalogue, unit, listing->place.scope.units[i], period.last))
            return true;
    return false;
}

static void replay_entry(struct listing *listing, struct replay *replay, const struct entry *entry,
                         const struct batch *batch)
{
    const struct catalogue *catalogue = listing->asking->catalogue;
    uint32_t *elements = memory_array(batch->element_count, sizeof *elements);
    uint32_t *units = memory_array(batch->unit_count, sizeof *units);
    size_t refused = 0;
    for (size_t i = 0; i < batch->element_count; i++)
        elements[i] = catalogue_element(catalogue, batch->elements[i].code);
    for (size_t i = 0; i < batch->unit_count; i++)
        units[i] = catalogue_unit(catalogue, batch->units[i]);
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct batch_record *record = &batch->records[i];
        const struct period period = batch->periods[record->period];
        const uint32_t element = elements[record->element], unit = units[record->unit];
        struct decimal value = {record->value, batch->elements[record->element].decimals};
        if (refused < entry->refusal_count && entry->refusals[refused].index == i) {
            refused++;
            continue;
        }
        if (!is_asked(listing, element, unit, period))
            continue;
        /* Shown with today's decimals; where digits would be lost, with those it was reported with. */
        (void)!decimal_rescale(value, catalogue->elements[element].decimals, &value);
        replay_line(replay, (struct line){.element = element, .unit = unit,
                                          .position = catalogue->units[unit].position, .period = period,
                                          .has_value = record_status_has_value(record->status), .value = value,
                                          .status = record->status, .revision = record->revision,
                                          .entry = entry->number, .index = (uint32_t)i});
    }
    free(elements);
    free(units);
}

static enum status replay_ledger(struct listing *listing, struct replay *replay)
{
    struct asking *asking = listing->asking;
    const struct catalogue *catalogue = asking->catalogue;
    const char *form = listing->element != NO_INDEX
                           ? catalogue->forms[catalogue->elements[listing->element].form].code : NULL;
    struct batch *batch = NULL;
    struct entry entry;
    uint64_t after = 0;
    bool found = true;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = form != NULL
                     ? store_entry_touching(asking->office->store, after, form, NULL, &entry, &found, asking->why)
                     : store_entry_after(asking->office->store, after, &entry, &found, asking->why);
        if (status != STATUS_OK || !found || entry.number > asking->newest)
            break;
        after = entry.number;
        if (entry.repeated)
            continue; /* the same file again: kept, never applied */
        status = batch_decode(entry.bytes, entry.length, &batch, asking->why);
        if (status == STATUS_OK)
            replay_entry(listing, replay, &entry, batch);
        if (status == STATUS_OK && replay->count > ANSWER_ROWS_MOST)
            status = asking_room(asking, replay->count);
    }
    batch_free(&batch);
    return status;
}

static int compare_lines(const void *one_item, const void *other_item)
{
    const struct line *one = one_item, *other = other_item;
    if (one->element != other->element)
        return one->element < other->element ? -1 : 1;
    if (one->position != other->position)
        return one->position < other->position ? -1 : 1;
    if (one->period.first != other->period.first)
        return one->period.first < other->period.first ? -1 : 1;
    if (one->revision != other->revision)
        return one->revision < other->revision ? -1 : 1;
    if (one->entry != other->entry)
        return one->entry < other->entry ? -1 : 1;
    return one->index < other->index ? -1 : one->index > other->index;
}

static enum status list_history(struct listing *listing)
{
    struct replay replay = {.lines = NULL};
    enum status status = replay_ledger(listing, &replay);
    if (status == STATUS_OK && replay.count > 0)
        qsort(replay.lines, replay.count, sizeof *replay.lines, compare_lines);
    for (size_t i = 0; status == STATUS_OK && i < replay.count; i++)
        status = add_line(listing, &replay.lines[i]);
    free(replay.lines);
    free(replay.traces);
    return status;
}

/* ---- the answer ---------------------------------------------------------------------------------------------------- */

static enum status choose_element(struct listing *listing)
{
    const char *text = asking_option(listing->asking, "element");
    listing->element = NO_INDEX;
    if (text == NULL)
        return STATUS_OK;
    listing->element = catalogue_element(listing->asking->catalogue, text);
    if (listing->element == NO_INDEX)
        listing->element = catalogue_element_by_name(listing->asking->catalogue, text);
    if (listing->element != NO_INDEX && listing->element != AMBIGUOUS_INDEX)
        return STATUS_OK;
    fault_set(listing->asking->why, MESSAGE_ASK_UNKNOWN_ELEMENT, text, NULL);
    return STATUS_REFUSED;
}

enum status answer_records(struct asking *asking)
{
    struct listing listing = {.asking = asking, .every_period = asking_option(asking, "period") == NULL};
    enum status status = choose_element(&listing);
    if (status == STATUS_OK)
        status = asking_place(asking, "unit", &listing.place);
    if (status == STATUS_OK)
        status = asking_period(asking, "period", &listing.period);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, ARRAY_LEN(columns));
    if (asking_flag(asking, "history"))
        status = list_history(&listing);
    else if (listing.element != NO_INDEX)
        status = list_live(&listing, listing.element);
    else
        for (uint32_t i = 0; i < asking->catalogue->element_count && status == STATUS_OK; i++)
            status = list_live(&listing, i);
    for (size_t i = 0; i < CACHED_ENTRIES; i++)
        batch_free(&listing.kept[i].batch);
    return status;
}
