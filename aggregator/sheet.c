/* sheet.c - sheets and their blocks in memory: loaded when asked for, saved by the writer, dropped when room is needed,
 * made anew from the ledger when a saved one is damaged. abacus.c tells why what may be dropped. */
#include "abacus_inside.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists and room ------------------------------------------------------------------------------------------------ */

static void unlink_block(struct abacus *abacus, struct block *block)
{
    struct block_list *list = block->is_dirty ? &abacus->dirty : &abacus->clean;
    if (!block->is_listed)
        return;
    *(block->before != NULL ? &block->before->after : &list->first) = block->after;
    *(block->after != NULL ? &block->after->before : &list->last) = block->before;
    block->before = block->after = NULL;
    block->is_listed = false;
}

static void link_block(struct abacus *abacus, struct block *block)
{
    struct block_list *list = block->is_dirty ? &abacus->dirty : &abacus->clean;
    block->after = list->first;
    *(list->first != NULL ? &list->first->before : &list->last) = block;
    list->first = block;
    block->is_listed = true;
}

void abacus_mark(struct abacus *abacus, struct block *block, bool is_dirty)
{
    if (block->is_dirty == is_dirty && block->is_listed)
        return;
    unlink_block(abacus, block);
    if (block->is_dirty != is_dirty) {
        if (is_dirty) {
            abacus->dirty_count++;
            abacus->dirty_bytes += block_bytes(block);
        } else {
            abacus->dirty_count--;
            abacus->dirty_bytes -= block_bytes(block);
        }
    }
    block->is_dirty = is_dirty;
    link_block(abacus, block);
}

static size_t sheet_bytes(const struct abacus *abacus, const struct sheet *sheet)
{
    const size_t pages = abacus->catalogue->forms[sheet->form].element_count + 1;
    return sizeof *sheet + pages * sheet->blocks_a_page * sizeof *sheet->blocks;
}

static void drop_block(struct abacus *abacus, struct block *block)
{
    struct sheet *sheet = block->sheet;
    if (!sheet->is_scratch) {
        abacus->used -= block_bytes(block);
        if (block->is_dirty) {
            abacus->dirty_count--;
            abacus->dirty_bytes -= block_bytes(block);
        }
        unlink_block(abacus, block);
    }
    sheet->blocks[(size_t)block->page * sheet->blocks_a_page + block->number] = NULL;
    sheet->held--;
    free(block->slots);
    free(block);
}

void abacus_clear_sheet(struct abacus *abacus, struct sheet *sheet)
{
    const size_t pages = abacus->catalogue->forms[sheet->form].element_count + 1;
    for (size_t i = 0; i < pages * sheet->blocks_a_page && sheet->held != 0; i++)
        if (sheet->blocks[i] != NULL)
            drop_block(abacus, sheet->blocks[i]);
    sheet->at = abacus->base;
    sheet->from_ledger = abacus->role == ROLE_READER && abacus->base == 0;
    sheet->was_replayed = false;
    sheet->turn = 0;
}

static struct sheet **bucket_of(struct abacus *abacus, uint32_t form, struct period period)
{
    const uint32_t mixed = (form * 0x9E3779B1u) ^ ((uint32_t)period.first * 0x85EBCA77u);
    return &abacus->buckets[(mixed ^ mixed >> 15) % BUCKETS];
}

static void drop_sheet(struct abacus *abacus, struct sheet *sheet)
{
    struct sheet **place = bucket_of(abacus, sheet->form, sheet->period);
    abacus_clear_sheet(abacus, sheet);
    while (*place != sheet)
        place = &(*place)->next;
    *place = sheet->next;
    abacus->used -= sheet_bytes(abacus, sheet);
    free(sheet->blocks);
    free(sheet);
}

void abacus_drop_all(struct abacus *abacus)
{
    for (size_t i = 0; i < BUCKETS; i++)
        while (abacus->buckets[i] != NULL)
            drop_sheet(abacus, abacus->buckets[i]);
    for (size_t i = 0; i < abacus->catalogue->form_count; i++)
        abacus->forms[i].knows_periods = false;
    abacus->role = ROLE_NONE;
    abacus->position = abacus->base = 0;
    abacus->is_masked = abacus->is_foreign = false;
}

/* A sheet other than `keep` with blocks that a reader cannot drop one by one. */
static struct sheet *droppable_sheet(const struct abacus *abacus, const struct sheet *keep)
{
    const struct block *block = abacus->dirty.last;
    while (block != NULL && block->sheet == keep)
        block = block->before;
    return block == NULL || abacus->role != ROLE_READER ? NULL : block->sheet;
}

/* Drops what was not used for longest until the bound holds. What is dirty and the sheet in use stay. */
void abacus_make_room(struct abacus *abacus, const struct sheet *keep)
{
    while (abacus->used > abacus->memory) {
        struct block *block = abacus->clean.last;
        struct sheet *sheet = block != NULL ? block->sheet : droppable_sheet(abacus, keep);
        if (sheet == NULL)
            return;
        if (block != NULL)
            drop_block(abacus, block);
        if (sheet != keep && (block == NULL || sheet->held == 0))
            drop_sheet(abacus, sheet);
    }
}

/* ---- sheets and blocks ------------------------------------------------------------------------------------------- */

uint32_t abacus_slots(const struct abacus *abacus, uint32_t form)
{
    return abacus->catalogue->levels[abacus->catalogue->forms[form].level].unit_count;
}

static struct sheet *new_sheet(struct abacus *abacus, uint32_t form, struct period period, bool from_ledger)
{
    struct sheet *sheet = memory_new(struct sheet);
    sheet->form = form;
    sheet->period = period;
    period_format(period, sheet->text);
    sheet->from_ledger = from_ledger;
    sheet->at = from_ledger ? 0 : abacus->base;
    sheet->with_completion = abacus->role == ROLE_WRITER;
    sheet->blocks_a_page = (abacus_slots(abacus, form) + BLOCK_SLOTS - 1) / BLOCK_SLOTS;
    sheet->blocks = memory_array((abacus->catalogue->forms[form].element_count + 1) * sheet->blocks_a_page,
                                 sizeof *sheet->blocks);
    return sheet;
}

struct sheet *abacus_sheet(struct abacus *abacus, uint32_t form, struct period period)
{
    struct sheet **bucket = bucket_of(abacus, form, period);
    for (struct sheet *sheet = *bucket; sheet != NULL; sheet = sheet->next)
        if (sheet->form == form && sheet->period.first == period.first)
            return sheet;
    struct sheet *sheet = new_sheet(abacus, form, period, abacus->role == ROLE_READER && abacus->base == 0);
    sheet->next = *bucket;
    *bucket = sheet;
    abacus->used += sheet_bytes(abacus, sheet);
    return sheet;
}

struct sheet *abacus_scratch(struct abacus *abacus, uint32_t form, struct period period, bool from_ledger)
{
    struct sheet *sheet = new_sheet(abacus, form, period, from_ledger);
    sheet->is_scratch = true;
    sheet->with_completion = false;
    return sheet;
}

void abacus_drop_scratch(struct abacus *abacus, struct sheet **sheet)
{
    if (*sheet == NULL)
        return;
    abacus_clear_sheet(abacus, *sheet);
    free((*sheet)->blocks);
    free(*sheet);
    *sheet = NULL;
}

/* Elements and forms may bear the same code. */
static enum status subject_of(const struct abacus *abacus, const struct sheet *sheet, uint32_t page,
                              char ret_subject[LIMIT_CODE_BYTES + 2])
{
    const struct form *form = &abacus->catalogue->forms[sheet->form];
    const bool is_element = page < form->element_count;
    const char *code = is_element ? abacus->catalogue->elements[form->elements[page]].code : form->code;
    const int length = snprintf(ret_subject, LIMIT_CODE_BYTES + 2, "%c%s", is_element ? 'E' : 'F', code);
    return length > 0 && length < LIMIT_CODE_BYTES + 2 ? STATUS_OK : STATUS_BROKEN;
}

/* A saved block that is not what was written is made anew from the ledger, never served. */
static enum status repair(struct abacus *abacus, struct block *block, struct fault *why)
{
    struct sheet *sheet = block->sheet;
    const bool is_completion = block->page == abacus->catalogue->forms[sheet->form].element_count;
    const size_t place = (size_t)block->page * sheet->blocks_a_page + block->number;
    const bool was_foreign = abacus->is_foreign;
    struct sheet *scratch = abacus_scratch(abacus, sheet->form, sheet->period, true);
    struct companions companions = {0};
    struct block *made;
    enum status status;
    abacus->repaired++;
    scratch->with_completion = is_completion;
    /* Where a block is damaged the index may be as well, and what it does not find would be missing without a word. */
    abacus->is_foreign = true;
    status = replay_sheet(abacus, scratch, abacus->is_masked ? abacus->position : abacus->base, &companions, why);
    abacus->is_foreign = was_foreign;
    made = scratch->blocks[place];
    if (status == STATUS_OK && made != NULL) {
        struct slot *slots = block->slots;
        block->slots = made->slots;
        block->totals = made->totals;
        block->changed = made->changed;
        made->slots = slots;
    }
    companions_end(abacus, &companions);
    abacus_drop_scratch(abacus, &scratch);
    return status;
}

/* Leaves out of a page of completions what came after the position. */
static void leave_out_later(const struct abacus *abacus, struct block *block)
{
    for (uint32_t i = 0; block->slots != NULL && i < block->slot_count; i++)
        if (block->slots[i].entry > abacus->position)
            block_set(block, i, (struct slot){0, 0, 0});
}

static enum status read_block(struct abacus *abacus, struct block *block, bool *ret_repaired, struct fault *why)
{
    struct sheet *sheet = block->sheet;
    const bool is_completion = block->page == abacus->catalogue->forms[sheet->form].element_count;
    const bool is_masked = abacus->is_masked && is_completion && !sheet->is_scratch;
    char subject[LIMIT_CODE_BYTES + 2];
    const unsigned char *bytes = NULL;
    size_t length = 0;
    bool found = false;
    enum status status = STATUS_OK;
    if (sheet->from_ledger && !is_masked)
        return STATUS_OK;
    status = subject_of(abacus, sheet, block->page, subject);
    if (status == STATUS_OK)
        status = store_block_load(abacus->store, subject, sheet->text, block->number, &bytes, &length, &found, why);
    if (status != STATUS_OK || !found)
        return status;
    if (!block_decode(block, subject, sheet->text, bytes, length)) {
        *ret_repaired = true;
        return repair(abacus, block, why);
    }
    if (is_masked)
        leave_out_later(abacus, block);
    return STATUS_OK;
}

enum status abacus_load(struct abacus *abacus, struct sheet *sheet, uint32_t page, uint32_t number,
                        struct block **ret_block, struct fault *why)
{
    const uint32_t slot_count = abacus_slots(abacus, sheet->form), first = number * BLOCK_SLOTS;
    struct block *block = memory_new(struct block);
    bool is_repaired = false;
    enum status status;
    block->sheet = sheet;
    block->page = page;
    block->number = number;
    block->slot_count = slot_count - first < BLOCK_SLOTS ? slot_count - first : BLOCK_SLOTS;
    block->totals.knows_bounds = true;
    status = read_block(abacus, block, &is_repaired, why);
    if (status != STATUS_OK) {
        free(block->slots);
        free(block);
        return status;
    }
    sheet->blocks[(size_t)page * sheet->blocks_a_page + number] = block;
    sheet->held++;
    if (!sheet->is_scratch) {
        abacus->used += block_bytes(block);
        abacus_mark(abacus, block, is_repaired && abacus->role == ROLE_WRITER);
    }
    *ret_block = block;
    return STATUS_OK;
}

void abacus_set(struct abacus *abacus, struct block *block, uint32_t index, struct slot slot, uint64_t entry)
{
    const size_t before = block_bytes(block);
    block_set(block, index, slot);
    block->changed = entry;
    if (block->sheet->is_scratch)
        return;
    abacus->used += block_bytes(block) - before;
    if (block->is_dirty)
        abacus->dirty_bytes += block_bytes(block) - before;
    else
        abacus_mark(abacus, block, true);
}

enum status abacus_use(struct abacus *abacus, struct sheet *sheet, uint32_t page, uint32_t number,
                       struct block **ret_block, struct fault *why)
{
    const enum status status = abacus_block(abacus, sheet, page, number, ret_block, why);
    if (status == STATUS_OK && !(*ret_block)->is_dirty && abacus->clean.first != *ret_block) {
        unlink_block(abacus, *ret_block);
        link_block(abacus, *ret_block);
    }
    return status;
}

/* ---- saving -------------------------------------------------------------------------------------------------------- */

static enum status save_block(struct abacus *abacus, const struct block *block, struct fault *why)
{
    char subject[LIMIT_CODE_BYTES + 2];
    const enum status status = subject_of(abacus, block->sheet, block->page, subject);
    if (status != STATUS_OK)
        return status;
    const size_t length =
        block_encode(block, subject, block->sheet->text, &abacus->bytes, &abacus->byte_capacity);
    return store_block_save(abacus->store, subject, block->sheet->text, block->number, abacus->bytes, length, why);
}

enum status abacus_save(struct abacus *abacus, struct fault *why)
{
    if (abacus->role != ROLE_WRITER)
        return STATUS_OK; /* nothing was applied, so nothing is newer than what is saved */
    while (abacus->dirty.first != NULL) {
        const enum status status = save_block(abacus, abacus->dirty.first, why);
        if (status != STATUS_OK)
            return status;
        abacus_mark(abacus, abacus->dirty.first, false);
    }
    abacus->base = abacus->position;
    return store_pages_set_watermark(abacus->store, abacus->position, why);
}
