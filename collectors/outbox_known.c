/* outbox_known.c - the last known figure of each cell: what rules and jumps compare with.
 *
 * Codes are long and cells are many, so a row holds numbers of codes (the table `word`), which are remembered by hashing
 * while the outbox is open. */
#include "outbox_inside.h"

#include "limit.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* A code's number in the table `word`, remembered by catalogue index while one file is taken, by code otherwise. */
struct word {
    char code[LIMIT_CODE_BYTES + 1];
    int64_t id;
};

static size_t hash_code(const char *code)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *code != '\0'; code++)
        hash = (hash ^ (unsigned char)*code) * 0x100000001B3u;
    return (size_t)(hash ^ (hash >> 32));
}

static void grow_words(struct outbox *outbox)
{
    struct word *old = outbox->words;
    const size_t old_size = old == NULL ? 0 : outbox->word_mask + 1, size = old_size == 0 ? 1024 : old_size * 2;
    outbox->words = memory_array(size, sizeof(*outbox->words));
    outbox->word_mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        size_t slot = hash_code(old[i].code) & outbox->word_mask;
        if (old[i].id == 0)
            continue;
        while (outbox->words[slot].id != 0)
            slot = (slot + 1) & outbox->word_mask;
        outbox->words[slot] = old[i];
    }
    free(old);
}

void outbox_forget_words(struct outbox *outbox)
{
    free(outbox->words);
    outbox->words = NULL;
    outbox->word_mask = outbox->word_count = 0;
}

static enum status find_word(struct outbox *outbox, const char *code, int64_t *ret_id, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_WORD_FIND];
    int step;
    sqlite3_bind_text(statement, 1, code, -1, SQLITE_STATIC);
    step = sqlite3_step(statement);
    *ret_id = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, step, why);
}

enum status outbox_word_of(struct outbox *outbox, const char *code, bool add, int64_t *ret_id, struct fault *why)
{
    enum status status;
    size_t slot;
    if (outbox->words == NULL || outbox->word_count * 2 > outbox->word_mask)
        grow_words(outbox);
    slot = hash_code(code) & outbox->word_mask;
    while (outbox->words[slot].id != 0 && strcmp(outbox->words[slot].code, code) != 0)
        slot = (slot + 1) & outbox->word_mask;
    *ret_id = outbox->words[slot].id;
    if (*ret_id != 0)
        return STATUS_OK;
    status = find_word(outbox, code, ret_id, why);
    if (status == STATUS_OK && *ret_id == 0 && add) {
        sqlite3_bind_text(outbox->sql[SQL_WORD_ADD], 1, code, -1, SQLITE_STATIC);
        status = outbox_run(outbox, SQL_WORD_ADD, why);
        *ret_id = sqlite3_last_insert_rowid(outbox->db);
    }
    if (status == STATUS_OK && *ret_id != 0 &&
        snprintf(outbox->words[slot].code, sizeof(outbox->words[slot].code), "%s", code) <= LIMIT_CODE_BYTES) {
        outbox->words[slot].id = *ret_id;
        outbox->word_count++;
    }
    return status;
}

/* ---- known figures ---------------------------------------------------------------------------------------------- */

int64_t outbox_period_number(struct period period)
{
    return (int64_t)period.first * 8 + (int64_t)period.kind;
}

static enum status read_known(struct outbox *outbox, bool *ret_known, struct known_figure *ret_figure,
                              struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_KNOWN_GET];
    const int step = sqlite3_step(statement);
    *ret_known = step == SQLITE_ROW;
    if (step == SQLITE_ROW) {
        ret_figure->revision = (uint32_t)sqlite3_column_int64(statement, 0);
        ret_figure->status = (enum record_status)sqlite3_column_int(statement, 1);
        ret_figure->decimals = (uint8_t)sqlite3_column_int(statement, 2);
        ret_figure->value = sqlite3_column_int64(statement, 3);
    }
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, step, why);
}

enum status outbox_known_figure(struct outbox *outbox, const char *element, const char *unit, const char *period,
                                bool *ret_known, struct known_figure *ret_figure, struct fault *why)
{
    int64_t element_word = 0, unit_word = 0;
    struct period when;
    enum status status = period_parse(period, &when, why);
    *ret_known = false;
    if (status == STATUS_OK)
        status = outbox_word_of(outbox, element, false, &element_word, why);
    if (status == STATUS_OK)
        status = outbox_word_of(outbox, unit, false, &unit_word, why);
    if (status != STATUS_OK || element_word == 0 || unit_word == 0)
        return status;
    sqlite3_bind_int64(outbox->sql[SQL_KNOWN_GET], 1, element_word);
    sqlite3_bind_int64(outbox->sql[SQL_KNOWN_GET], 2, outbox_period_number(when));
    sqlite3_bind_int64(outbox->sql[SQL_KNOWN_GET], 3, unit_word);
    return read_known(outbox, ret_known, ret_figure, why);
}

enum status outbox_forget_known(struct outbox *outbox, const struct batch *batch, const struct batch_record *record,
                                struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_KNOWN_FORGET];
    int64_t element = 0, unit = 0;
    enum status status = outbox_word_of(outbox, batch->elements[record->element].code, false, &element, why);
    if (status == STATUS_OK)
        status = outbox_word_of(outbox, batch->units[record->unit], false, &unit, why);
    if (status != STATUS_OK || element == 0 || unit == 0)
        return status;
    sqlite3_bind_int64(statement, 1, element);
    sqlite3_bind_int64(statement, 2, outbox_period_number(batch->periods[record->period]));
    sqlite3_bind_int64(statement, 3, unit);
    return outbox_run(outbox, SQL_KNOWN_FORGET, why);
}
