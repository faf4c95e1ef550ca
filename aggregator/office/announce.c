/* announce.c - which figures did a batch change? Those of the indicators that use its elements, for the reporting unit
 * and every unit above it, in the year of the record. Each such (indicator, unit, year) is marked once, however many
 * records touch it, computed when there is time, and published when it differs from what was published last.
 *
 * Kept small on purpose: only levels of at most LEVEL_MOST units are published (districts, not villages), and what was
 * published last is remembered as a hash. When the memory is full it is forgotten, and figures are published again:
 * subscribers may see a figure twice, never miss one. */
#include "announce.h"

#include "batch.h"
#include "memory.h"
#include "seal.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define LEVEL_MOST 256
#define MARKS_SPACE 131072 /* a power of two, at most half full */
#define ENTRIES_AT_ONCE 16
#define FIGURES_AT_ONCE 64
#define FIRST_NUMBER_PER_MS 1000 /* more messages than one millisecond can hold */

struct mark {
    uint32_t indicator, unit;
    int32_t year;
    bool used, dirty;
    unsigned char published[16]; /* of the row's text; zero: never */
};

struct announcer {
    const struct catalogue *catalogue;
    void *events;
    uint64_t position;        /* entries up to here have been looked at */
    uint64_t rollup_number, alert_number;
    struct mark *marks;
    size_t mark_count;
    uint32_t *dirty;          /* indexes of marks */
    size_t dirty_count, dirty_space;
    struct batch *batch;
};

struct announcer *announcer_new(const struct catalogue *catalogue, void *events, uint64_t from, int64_t now_ms)
{
    struct announcer *announcer = memory_new(struct announcer);
    announcer->catalogue = catalogue;
    announcer->events = events;
    announcer->position = from;
    announcer->rollup_number = announcer->alert_number = (uint64_t)now_ms * FIRST_NUMBER_PER_MS;
    announcer->marks = memory_array(MARKS_SPACE, sizeof *announcer->marks);
    return announcer;
}

void announcer_free(struct announcer **announcer)
{
    if (announcer == NULL || *announcer == NULL)
        return;
    batch_free(&(*announcer)->batch);
    free((*announcer)->marks);
    free((*announcer)->dirty);
    free(*announcer);
    *announcer = NULL;
}

bool announcer_has_work(const struct announcer *announcer, uint64_t head)
{
    return announcer->dirty_count > 0 || announcer->position < head;
}

/* ---- which figures ------------------------------------------------------------------------------------------------- */

static void mark(struct announcer *announcer, uint32_t indicator, uint32_t unit, int32_t year)
{
    const uint64_t key = (((uint64_t)indicator << 32 | unit) ^ (uint64_t)(uint32_t)year << 16) * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(key >> 40) & (MARKS_SPACE - 1);
    struct mark *found;
    if (announcer->mark_count * 2 >= MARKS_SPACE && announcer->dirty_count == 0) {
        memset(announcer->marks, 0, MARKS_SPACE * sizeof *announcer->marks);
        announcer->mark_count = 0;
    }
    while (announcer->marks[at].used && (announcer->marks[at].indicator != indicator ||
                                         announcer->marks[at].unit != unit || announcer->marks[at].year != year))
        at = (at + 1) & (MARKS_SPACE - 1);
    found = &announcer->marks[at];
    if (!found->used) {
        *found = (struct mark){.indicator = indicator, .unit = unit, .year = year, .used = true};
        announcer->mark_count++;
    }
    if (found->dirty)
        return;
    found->dirty = true;
    announcer->dirty = memory_grow(announcer->dirty, &announcer->dirty_space, announcer->dirty_count + 1,
                                   sizeof *announcer->dirty);
    announcer->dirty[announcer->dirty_count++] = (uint32_t)at;
}

/* The unit above on a day; NO_INDEX above the root. */
static uint32_t parent_on(const struct catalogue *catalogue, uint32_t unit, int32_t day)
{
    const struct unit *below = &catalogue->units[unit];
    for (size_t i = 0; i < below->placement_count; i++)
        if (below->placements[i].opened <= day && day <= below->placements[i].closed)
            return below->placements[i].parent;
    return below->parent;
}

static bool uses(const struct expression *expression, uint32_t element, bool *ret_shifted)
{
    bool used = false;
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        /* Report counters change with every report. */
        const bool counter = term->kind != TERM_INTEGER && term->kind != TERM_ELEMENT;
        if (!counter && (term->kind != TERM_ELEMENT || term->element != element))
            continue;
        used = true;
        *ret_shifted = *ret_shifted || term->shift != SHIFT_NONE;
    }
    return used;
}

static void mark_path(struct announcer *announcer, uint32_t indicator, uint32_t unit, int32_t day, int32_t year)
{
    const struct catalogue *catalogue = announcer->catalogue;
    size_t steps = 0;
    for (uint32_t at = unit; at != NO_INDEX && steps <= catalogue->level_count + 1; at = parent_on(catalogue, at, day)) {
        if (catalogue->levels[catalogue->units[at].level].unit_count <= LEVEL_MOST)
            mark(announcer, indicator, at, year);
        steps++;
    }
}

static int32_t year_of(int32_t day)
{
    int year, month, day_of_month;
    date_to_civil(day, &year, &month, &day_of_month);
    return (int32_t)year;
}

static void mark_record(struct announcer *announcer, uint32_t element, uint32_t unit, struct period period,
                        int32_t this_year)
{
    const struct catalogue *catalogue = announcer->catalogue;
    const int32_t year = year_of(period.last);
    for (uint32_t i = 0; i < catalogue->indicator_count; i++) {
        bool shifted = false;
        const bool above = uses(&catalogue->indicators[i].numerator, element, &shifted);
        const bool under = uses(&catalogue->indicators[i].denominator, element, &shifted);
        if (!above && !under)
            continue;
        mark_path(announcer, i, unit, period.last, year);
        if (shifted && year < this_year)
            mark_path(announcer, i, unit, period.last, year + 1);
        if (catalogue->elements[element].kind == ELEMENT_BASE && year < this_year)
            mark_path(announcer, i, unit, period.last, this_year);
    }
}

/* Marks once for each (element, unit, year) of the batch: its records come sorted that way more often than not. */
static void mark_batch(struct announcer *announcer, const struct batch *batch, int32_t this_year)
{
    uint32_t element_before = UINT32_MAX, unit_before = UINT32_MAX;
    int32_t year_before = INT32_MIN;
    for (size_t i = 0; i < batch->record_count; i++) {
        const struct batch_record *record = &batch->records[i];
        const struct period period = batch->periods[record->period];
        const int32_t year = year_of(period.last);
        if (record->element == element_before && record->unit == unit_before && year == year_before)
            continue;
        element_before = record->element;
        unit_before = record->unit;
        year_before = year;
        const uint32_t element = catalogue_element(announcer->catalogue, batch->elements[record->element].code);
        const uint32_t unit = catalogue_unit(announcer->catalogue, batch->units[record->unit]);
        if (element != NO_INDEX && unit != NO_INDEX)
            mark_record(announcer, element, unit, period, this_year);
    }
}

static enum status look_at_entries(struct announcer *announcer, struct office *office, int32_t today,
                                   struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ENTRIES_AT_ONCE && status == STATUS_OK; i++) {
        struct entry entry;
        bool found = false;
        status = store_entry_after(office->store, announcer->position, &entry, &found, why);
        if (status != STATUS_OK || !found)
            break;
        if (!entry.repeated)
            status = batch_decode(entry.bytes, entry.length, &announcer->batch, why);
        if (status == STATUS_OK && !entry.repeated)
            mark_batch(announcer, announcer->batch, year_of(today));
        announcer->position = entry.number;
    }
    return status;
}

/* ---- publishing ---------------------------------------------------------------------------------------------------- */

static void publish(struct announcer *announcer, const char *topic, const struct wire_message *message)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    wire_encode(message, &bytes, &length);
    /* A PUB socket never waits: a subscriber that is too slow loses messages and sees that by their numbers. */
    if (zmq_send(announcer->events, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(announcer->events, bytes, length, ZMQ_DONTWAIT);
    free(bytes);
}

static void hash_row(const struct table *row, unsigned char ret_hash[SEAL_HASH])
{
    struct seal_hasher *hasher = seal_hasher_new();
    for (size_t i = 0; i < row->cell_count; i++) {
        const char *text = row->cells[i] != NULL ? row->cells[i] : "";
        seal_hasher_add(hasher, text, strlen(text) + 1);
    }
    seal_hasher_finish(&hasher, ret_hash);
}

static void publish_row(struct announcer *announcer, struct mark *marked, const struct table *row)
{
    unsigned char hash[SEAL_HASH];
    char topic[2 * LIMIT_CODE_BYTES + 16];
    hash_row(row, hash);
    if (memcmp(hash, marked->published, sizeof marked->published) == 0)
        return;
    memcpy(marked->published, hash, sizeof marked->published);
    (void)snprintf(topic, sizeof topic, "rollup.%s.%s", row->cells[0], row->cells[1]);
    publish(announcer, topic,
            &(struct wire_message){.kind = WIRE_ROLLUP,
                                   .published = {++announcer->rollup_number, row->cell_count, row->columns,
                                                 (const char *const *)row->cells}});
}

static enum status publish_figures(struct announcer *announcer, struct office *office, struct fault *why)
{
    struct figure figure;
    enum status status = STATUS_OK;
    figure_init(&figure);
    for (size_t i = 0; i < FIGURES_AT_ONCE && announcer->dirty_count > 0 && status == STATUS_OK; i++) {
        struct mark *marked = &announcer->marks[announcer->dirty[announcer->dirty_count - 1]];
        const struct period year = period_of_day(date_from_civil(marked->year, 1, 1), PERIOD_YEAR);
        struct table row;
        table_start(&row, query_columns, 10);
        status = add_figure(office->figures, announcer->catalogue, (struct subject){marked->indicator, NO_INDEX},
                            place_of_unit(office, marked->unit), year, NULL, LANGUAGE_ZH, &row, &figure, why);
        if (status == STATUS_OK) {
            publish_row(announcer, marked, &row);
            marked->dirty = false;
            announcer->dirty_count--;
        }
        table_free(&row);
    }
    figure_clear(&figure);
    return status;
}

enum status announcer_work(struct announcer *announcer, struct office *office, int32_t today, struct fault *why)
{
    /* Figures first when many wait: the marks must not outgrow their space. */
    const uint64_t before = announcer->position;
    enum status status = STATUS_OK;
    if (announcer->mark_count * 4 < MARKS_SPACE || announcer->dirty_count == 0)
        status = look_at_entries(announcer, office, today, why);
    if (status == STATUS_OK && announcer->position == before)
        status = publish_figures(announcer, office, why);
    return status;
}

void announcer_alert(struct announcer *announcer, const struct alert_row *row)
{
    char topic[sizeof row->kind + sizeof row->unit + 16];
    struct table cells;
    table_start(&cells, alert_columns, ARRAY_LEN(alert_columns));
    add_alert(&cells, row);
    (void)snprintf(topic, sizeof topic, "alert.%s.%s", row->kind, row->unit);
    publish(announcer, topic,
            &(struct wire_message){.kind = WIRE_ALERT,
                                   .published = {++announcer->alert_number, cells.cell_count, cells.columns,
                                                 (const char *const *)cells.cells}});
    table_free(&cells);
}
