/* catalogue_load.c - reads the files of CONTRACT 2 in the order in which they refer to each other: package, units,
 * groups, forms, scopes, elements, indicators, goals, rules, holidays; then the goals' arithmetic.
 *
 * Nothing stops at the first mistake: a row that is wrong is reported and still entered as far as it can be, so that
 * what refers to it is not reported as unknown as well. A reference that is wrong is NO_INDEX in the catalogue; such a
 * catalogue has an error finding and is only looked at. */
#include "catalogue_reading.h"

#include "memory.h"
#include "seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the readers of the files share ------------------------------------------------------------------------- */

void reading_note_line(struct reading *reading, enum catalogue_part part, size_t number, int64_t row)
{
    struct lines *lines = &reading->lines[part];
    lines->items = memory_grow(lines->items, &lines->capacity, number + 1, sizeof(*lines->items));
    lines->items[number] = row;
}

void reading_number(char ret_text[24], int64_t number)
{
    (void)snprintf(ret_text, 24, "%lld", (long long)number);
}

/* Enters a code of a row; a second one of the same code is reported and stays out of the lookup. */
void reading_enter_code(struct reading *reading, struct table *table, size_t column, struct code_index *index,
                       enum catalogue_part part, const char *code, size_t number)
{
    const struct place place = table_place(table, column);
    uint32_t existing = NO_INDEX;
    char line[24];
    reading_note_line(reading, part, number, table->row);
    if (code[0] == '\0' || code_index_add(index, code, (uint32_t)number, &existing))
        return;
    reading_number(line, reading->lines[part].items[existing]);
    loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_DUPLICATE_CODE, code, line, NULL, NULL);
}

void reading_enter_name(struct code_index *index, const char *name, uint32_t value)
{
    uint32_t existing;
    if (name[0] != '\0' && !code_index_add(index, name, value, &existing) && existing != value)
        code_index_replace(index, name, AMBIGUOUS_INDEX);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

void reading_add_pair(struct pairs *pairs, uint32_t owner, uint32_t member, uint32_t order, int64_t row)
{
    pairs->items = memory_grow(pairs->items, &pairs->capacity, pairs->count + 1, sizeof(struct pair));
    pairs->items[pairs->count++] = (struct pair){owner, member, order, row};
}

static int by_owner_and_member(const void *one, const void *other)
{
    const struct pair *a = one, *b = other;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    if (a->member != b->member)
        return a->member < b->member ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static int by_owner_and_order(const void *one, const void *other)
{
    const struct pair *a = one, *b = other;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Drops repeated rows (a warning each), then sorts by owner and order. */
void reading_settle_pairs(struct reading *reading, struct pairs *pairs, const char *file,
                         const char *(*owner_code)(const struct catalogue *, uint32_t))
{
    size_t kept = 0;
    if (pairs->count == 0)
        return;
    qsort(pairs->items, pairs->count, sizeof(struct pair), by_owner_and_member);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct pair *pair = &pairs->items[i], *last = kept == 0 ? NULL : &pairs->items[kept - 1];
        if (last != NULL && last->owner == pair->owner && last->member == pair->member) {
            const char *owner = owner_code(reading->catalogue, pair->owner);
            const struct place place = {file, pair->row, "unit", owner};
            char line[24];
            reading_number(line, last->row);
            loader_report(reading->loader, FINDING_WARNING, &place, MESSAGE_DUPLICATE_ROW, owner,
                          reading->catalogue->units[pair->member].code, line, NULL);
            continue;
        }
        pairs->items[kept++] = *pair;
    }
    pairs->count = kept;
    qsort(pairs->items, pairs->count, sizeof(struct pair), by_owner_and_order);
}

uint32_t *reading_members(const struct pairs *pairs)
{
    uint32_t *members = memory_array(pairs->count, sizeof(*members));
    for (size_t i = 0; i < pairs->count; i++)
        members[i] = pairs->items[i].member;
    return members;
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

static void hash_text(struct seal_hasher *hasher, const char *text)
{
    seal_hasher_add(hasher, text, strlen(text) + 1);
}

static void hash_number(struct seal_hasher *hasher, uint32_t number)
{
    const unsigned char bytes[4] = {(unsigned char)number, (unsigned char)(number >> 8), (unsigned char)(number >> 16),
                                    (unsigned char)(number >> 24)};
    seal_hasher_add(hasher, bytes, sizeof(bytes));
}

/* What a stored page takes for granted: which unit a slot is, which element a page is of, at which scale and kind. */
static void hash_layout(struct catalogue *catalogue)
{
    struct seal_hasher *hasher = seal_hasher_new();
    hash_text(hasher, "layout/1");
    hash_number(hasher, (uint32_t)catalogue->unit_count);
    for (size_t i = 0; i < catalogue->unit_count; i++) {
        hash_text(hasher, catalogue->units[i].code);
        hash_number(hasher, catalogue->units[i].level);
        hash_number(hasher, catalogue->units[i].slot);
    }
    hash_number(hasher, (uint32_t)catalogue->level_count);
    for (size_t i = 0; i < catalogue->level_count; i++)
        hash_text(hasher, catalogue->levels[i].name);
    hash_number(hasher, (uint32_t)catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++) {
        hash_text(hasher, catalogue->forms[i].code);
        hash_number(hasher, catalogue->forms[i].level);
        hash_number(hasher, (uint32_t)catalogue->forms[i].frequency);
    }
    hash_number(hasher, (uint32_t)catalogue->element_count);
    for (size_t i = 0; i < catalogue->element_count; i++) {
        hash_text(hasher, catalogue->elements[i].code);
        hash_number(hasher, catalogue->elements[i].form);
        hash_number(hasher, (uint32_t)catalogue->elements[i].kind);
        hash_number(hasher, (uint32_t)catalogue->elements[i].aggregate);
        hash_number(hasher, catalogue->elements[i].decimals);
    }
    seal_hasher_finish(&hasher, catalogue->layout_hash);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

void catalogue_load_parts(struct loader *loader)
{
    struct reading reading = {.loader = loader, .catalogue = loader->catalogue, .private = loader->private};
    catalogue_read_package(loader);
    catalogue_read_units(&reading);
    catalogue_read_groups(&reading);
    catalogue_read_forms(&reading);
    catalogue_read_elements(&reading);
    catalogue_read_indicators(&reading);
    catalogue_read_goals(&reading);
    catalogue_read_rules(&reading);
    catalogue_read_holidays(&reading);
    hash_layout(loader->catalogue);
    goal_arithmetic_check(loader);
    for (size_t part = 0; part < PART_COUNT; part++)
        free(reading.lines[part].items);
    free(reading.unit_rows);
    free(reading.group_units.items);
    free(reading.form_units.items);
}
