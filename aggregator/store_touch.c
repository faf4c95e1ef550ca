/* store_touch.c - the index from a form and period to the entries that touch it.
 *
 * A row names up to ROW_ENTRIES entries: the first in its key, the others as what each adds to the one before. Rows of one
 * form and period do not overlap, so the entries after any number are found with two steps. What a transaction touches is
 * gathered and written before it is committed or read: thousands of small batches make a few rows, not two rows each. */
#include "store_inside.h"

#include "cursor.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define SPANS_SINCE 5       /* user_version; in an older file, which is only read, a row names one entry */
#define PENDING_MOST 65536  /* touches gathered; catching up with a whole ledger is one transaction */

enum { ROW_ENTRIES = 256 };

struct row {
    uint64_t entries[ROW_ENTRIES + 1]; /* one more while one is put in */
    size_t count;
};

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static bool read_row(sqlite3_stmt *statement, int column, struct row *ret_row)
{
    struct cursor more = cursor_over(sqlite3_column_blob(statement, column + 1),
                                     (size_t)sqlite3_column_bytes(statement, column + 1));
    ret_row->entries[0] = (uint64_t)sqlite3_column_int64(statement, column);
    ret_row->count = 1;
    while (more.wrong == NULL && cursor_left(&more) > 0 && ret_row->count < ROW_ENTRIES) {
        const uint64_t before = ret_row->entries[ret_row->count - 1], next = before + cursor_varint(&more);
        if (next <= before || next > INT64_MAX)
            return false;
        ret_row->entries[ret_row->count++] = next;
    }
    return more.wrong == NULL && cursor_left(&more) == 0;
}

static void bind_place(sqlite3_stmt *statement, const char *form, const char *period, uint64_t entry)
{
    store_bind_text(statement, 1, form);
    store_bind_text(statement, 2, period);
    store_bind_number(statement, 3, entry);
}

/* The last row that begins at or before the entry: the only one that can name it. count 0 when there is none. */
static enum status row_up_to(struct store *store, const char *form, const char *period, uint64_t entry,
                             struct row *ret_row, struct fault *why)
{
    sqlite3_stmt *statement;
    bool found, is_sound = true;
    enum status status = store_statement(store, STATEMENT_TOUCH_UP_TO, &statement, why);
    ret_row->count = 0;
    if (status != STATUS_OK)
        return status;
    bind_place(statement, form, period, entry);
    status = store_step(store, statement, &found, why);
    if (status != STATUS_OK)
        return status;
    if (found)
        is_sound = read_row(statement, 0, ret_row);
    sqlite3_reset(statement);
    return is_sound ? STATUS_OK : store_damaged(store, "touch", why);
}

static enum status save_row(struct store *store, const char *form, const char *period, const uint64_t *entries,
                            size_t count, struct fault *why)
{
    unsigned char more[ROW_ENTRIES * VARINT_MOST];
    size_t length = 0;
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_TOUCH, &statement, why);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 1; i < count; i++)
        length += varint_write(more + length, entries[i] - entries[i - 1]);
    bind_place(statement, form, period, entries[0]);
    store_bind_blob(statement, 4, more, length);
    return store_run(store, statement, why);
}

/* ---- the sum over all of it ------------------------------------------------------------------------------------------ */

/* What an entry under a form and period adds to the sum: FNV-1a and the finish of splitmix64. Against accidents; what
 * somebody alters on purpose is found against the ledger (verify --full). */
static uint64_t share_of(const char *form, const char *period, uint64_t entry)
{
    uint64_t mix = 14695981039346656037U;
    for (; *form != '\0'; form++)
        mix = (mix ^ (unsigned char)*form) * 1099511628211U;
    mix = (mix ^ ' ') * 1099511628211U;
    for (; *period != '\0'; period++)
        mix = (mix ^ (unsigned char)*period) * 1099511628211U;
    mix += entry * 0x9e3779b97f4a7c15U;
    mix = (mix ^ mix >> 30) * 0xbf58476d1ce4e5b9U;
    mix = (mix ^ mix >> 27) * 0x94d049bb133111ebU;
    return mix ^ mix >> 31;
}

static uint64_t shares_of(const char *form, const char *period, const uint64_t *entries, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum ^= share_of(form, period, entries[i]);
    return sum;
}

/* *ret_sound false when a row cannot be read. */
static enum status sum_index(struct store *store, uint64_t *ret_sum, bool *ret_sound, struct fault *why)
{
    char form[LIMIT_CODE_BYTES + 1], period[PERIOD_TEXT];
    sqlite3_stmt *statement;
    struct row row;
    bool found = true, is_sound = true;
    uint64_t sum = 0;
    enum status status = store_statement(store, STATEMENT_TOUCHES, &statement, why);
    while (status == STATUS_OK && found && is_sound) {
        status = store_step(store, statement, &found, why);
        if (status != STATUS_OK || !found)
            break;
        is_sound = store_read_text(statement, 0, form, sizeof form) &&
                   store_read_text(statement, 1, period, sizeof period) && read_row(statement, 2, &row);
        if (is_sound)
            sum ^= shares_of(form, period, row.entries, row.count);
    }
    if (status != STATUS_OK)
        return status;
    sqlite3_reset(statement);
    *ret_sum = sum;
    *ret_sound = is_sound;
    return STATUS_OK;
}

static enum status noted_seal(struct store *store, uint64_t *ret_seal, bool *ret_found, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_about(store, "index_seal", &statement, why);
    return status == STATUS_OK ? store_number(store, statement, ret_seal, ret_found, why) : status;
}

enum status store_index_sound(struct store *store, bool *ret_sound, struct fault *why)
{
    uint64_t noted = 0, sum = 0;
    bool found = false, is_sound = true;
    enum status status = store->version >= SPANS_SINCE ? noted_seal(store, &noted, &found, why) : STATUS_OK;
    if (status == STATUS_OK && found)
        status = sum_index(store, &sum, &is_sound, why);
    if (status == STATUS_OK)
        *ret_sound = !found || (is_sound && sum == noted);
    return status;
}

enum status store_index_reset(struct store *store, struct fault *why)
{
    sqlite3_stmt *statement;
    store_forget_touches(store);
    enum status status = store_statement(store, STATEMENT_TOUCHES_CLEAR, &statement, why);
    if (status == STATUS_OK)
        status = store_run(store, statement, why);
    if (status == STATUS_OK)
        status = store_set_about_number(store, "index_seal", 0, why);
    store->index_seal = 0;
    store->index_seal_known = status == STATUS_OK;
    return status;
}

/* The writer alone changes the index, so it may remember. An index of an older version gets its sum now. */
static enum status learn_seal(struct store *store, struct fault *why)
{
    bool found = false, is_sound = true;
    if (store->index_seal_known)
        return STATUS_OK;
    enum status status = noted_seal(store, &store->index_seal, &found, why);
    if (status == STATUS_OK && !found)
        status = sum_index(store, &store->index_seal, &is_sound, why);
    if (status == STATUS_OK && !is_sound)
        return store_damaged(store, "touch", why);
    store->index_seal_known = status == STATUS_OK;
    return status;
}

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static enum status append_rows(struct store *store, const char *form, const char *period, const uint64_t *entries,
                               size_t count, struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i += ROW_ENTRIES)
        status = save_row(store, form, period, entries + i, count - i < ROW_ENTRIES ? count - i : ROW_ENTRIES, why);
    store->index_seal ^= shares_of(form, period, entries, count);
    return status;
}

/* An entry that lies before others of the same place: it goes into the row that spans it. */
static enum status put_in(struct store *store, const char *form, const char *period, uint64_t entry, struct fault *why)
{
    struct row row;
    size_t at;
    enum status status = row_up_to(store, form, period, entry, &row, why);
    if (status != STATUS_OK)
        return status;
    if (row.count == 0 || row.entries[row.count - 1] < entry)
        return append_rows(store, form, period, &entry, 1, why);
    for (at = 0; row.entries[at] < entry; at++)
        continue;
    if (row.entries[at] == entry)
        return STATUS_OK;
    memmove(row.entries + at + 1, row.entries + at, (row.count - at) * sizeof *row.entries);
    row.entries[at] = entry;
    row.count++;
    store->index_seal ^= share_of(form, period, entry);
    const size_t first = row.count > ROW_ENTRIES ? row.count / 2 : row.count;
    status = save_row(store, form, period, row.entries, first, why);
    return status == STATUS_OK && first < row.count
               ? save_row(store, form, period, row.entries + first, row.count - first, why)
               : status;
}

static enum status add_entries(struct store *store, const char *form, const char *period, const uint64_t *entries,
                               size_t count, struct fault *why)
{
    struct row newest;
    enum status status = row_up_to(store, form, period, INT64_MAX, &newest, why);
    if (status != STATUS_OK)
        return status;
    if (newest.count == 0 || newest.entries[newest.count - 1] < entries[0])
        return append_rows(store, form, period, entries, count, why);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = put_in(store, form, period, entries[i], why);
    return status;
}

/* ---- gathering ------------------------------------------------------------------------------------------------------- */

void store_forget_touches(struct store *store)
{
    for (size_t i = 0; i < store->touched.place_count; i++)
        free(store->touched.places[i].entries);
    if (store->touched.place_count != 0)
        memset(store->touched.table, 0, store->touched.table_size * sizeof *store->touched.table);
    store->touched.place_count = store->touched.entries = 0;
}

enum status store_flush_touches(struct store *store, struct fault *why)
{
    if (store->touched.place_count == 0)
        return STATUS_OK;
    enum status status = learn_seal(store, why);
    for (size_t i = 0; i < store->touched.place_count && status == STATUS_OK; i++) {
        const struct place *place = &store->touched.places[i];
        status = add_entries(store, place->form, place->period, place->entries, place->count, why);
    }
    store_forget_touches(store);
    return status == STATUS_OK ? store_set_about_number(store, "index_seal", store->index_seal, why) : status;
}

static uint32_t hash_place(const char *form, const char *period)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (; *form != '\0'; form++)
        hash = (hash ^ (unsigned char)*form) * 16777619U;
    hash = (hash ^ ' ') * 16777619U;
    for (; *period != '\0'; period++)
        hash = (hash ^ (unsigned char)*period) * 16777619U;
    return hash;
}

static void grow_table(struct store *store)
{
    const size_t size = store->touched.table_size == 0 ? 64 : store->touched.table_size * 2;
    free(store->touched.table);
    store->touched.table = memory_array(size, sizeof *store->touched.table);
    store->touched.table_size = size;
    for (uint32_t i = 0; i < store->touched.place_count; i++) {
        size_t at = store->touched.places[i].hash & (size - 1);
        while (store->touched.table[at] != 0)
            at = (at + 1) & (size - 1);
        store->touched.table[at] = i + 1;
    }
}

/* Codes and periods fit by their definition. */
static void copy_text(char *into, size_t capacity, const char *text)
{
    const size_t length = strnlen(text, capacity - 1);
    memcpy(into, text, length);
    into[length] = '\0';
}

static struct place *place_of(struct store *store, const char *form, const char *period)
{
    const uint32_t hash = hash_place(form, period);
    if (store->touched.place_count * 2 >= store->touched.table_size)
        grow_table(store);
    size_t at = hash & (store->touched.table_size - 1);
    for (; store->touched.table[at] != 0; at = (at + 1) & (store->touched.table_size - 1)) {
        struct place *place = &store->touched.places[store->touched.table[at] - 1];
        if (place->hash == hash && strcmp(place->form, form) == 0 && strcmp(place->period, period) == 0)
            return place;
    }
    store->touched.places = memory_grow(store->touched.places, &store->touched.place_capacity,
                                        store->touched.place_count + 1, sizeof *store->touched.places);
    struct place *place = &store->touched.places[store->touched.place_count++];
    store->touched.table[at] = (uint32_t)store->touched.place_count;
    *place = (struct place){.hash = hash};
    copy_text(place->form, sizeof place->form, form);
    copy_text(place->period, sizeof place->period, period);
    return place;
}

static enum status gather(struct store *store, const char *form, const char *period, uint64_t entry, struct fault *why)
{
    struct place *place = place_of(store, form, period);
    if (place->count != 0 && place->entries[place->count - 1] == entry)
        return STATUS_OK;
    if (place->count != 0 && place->entries[place->count - 1] > entry) {
        const enum status status = store_flush_touches(store, why);
        return status == STATUS_OK ? gather(store, form, period, entry, why) : status;
    }
    place->entries = memory_grow(place->entries, &place->capacity, place->count + 1, sizeof *place->entries);
    place->entries[place->count++] = entry;
    store->touched.entries++;
    return STATUS_OK;
}

enum status store_touch(struct store *store, uint64_t entry, const struct touch *touches, size_t touch_count,
                        struct fault *why)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < touch_count && status == STATUS_OK; i++) {
        status = gather(store, touches[i].form, touches[i].period, entry, why);
        if (status == STATUS_OK && (i == 0 || strcmp(touches[i].form, touches[i - 1].form) != 0))
            status = gather(store, touches[i].form, "", entry, why);
    }
    if (status == STATUS_OK && (store->touched.entries >= PENDING_MOST || !store->inside))
        status = store_flush_touches(store, why);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

/* The first row that begins after the entry. */
static enum status row_after(struct store *store, const char *form, const char *period, uint64_t after, uint64_t *ret_entry,
                             struct fault *why)
{
    sqlite3_stmt *statement;
    bool found;
    enum status status = store_statement(store, STATEMENT_TOUCH_AFTER, &statement, why);
    if (status != STATUS_OK)
        return status;
    bind_place(statement, form, period, after);
    status = store_step(store, statement, &found, why);
    if (status != STATUS_OK)
        return status;
    *ret_entry = found ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return STATUS_OK;
}

enum status store_touching_after(struct store *store, const char *form, const char *period, uint64_t after,
                                 uint64_t *ret_entry, struct fault *why)
{
    struct row row = {.count = 0};
    enum status status = store_flush_touches(store, why);
    if (status == STATUS_OK && after > 0 && store->version >= SPANS_SINCE)
        status = row_up_to(store, form, period, after, &row, why);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < row.count; i++) {
        if (row.entries[i] > after) {
            *ret_entry = row.entries[i];
            return STATUS_OK;
        }
    }
    return row_after(store, form, period, after, ret_entry, why);
}

enum status store_is_touched(struct store *store, const char *form, const char *period, uint64_t entry,
                             bool *ret_touched, struct fault *why)
{
    uint64_t next = 0;
    const enum status status = store_touching_after(store, form, period, entry - 1, &next, why);
    if (status == STATUS_OK)
        *ret_touched = next == entry;
    return status;
}

enum status store_touched_periods(struct store *store, const char *form, store_period_visitor *visit, void *context,
                                  struct fault *why)
{
    char period[PERIOD_TEXT] = "", next[PERIOD_TEXT];
    sqlite3_stmt *statement;
    bool row = true;
    enum status status = store_flush_touches(store, why);
    /* One step a period, not one a touch. The row of period '' is passed over by the first step. */
    while (row && status == STATUS_OK) {
        status = store_statement(store, STATEMENT_NEXT_PERIOD, &statement, why);
        if (status != STATUS_OK)
            return status;
        store_bind_text(statement, 1, form);
        store_bind_text(statement, 2, period);
        status = store_step(store, statement, &row, why);
        if (status != STATUS_OK)
            return status;
        if (row && !store_read_text(statement, 0, next, sizeof next))
            return store_damaged(store, "touch: period", why);
        sqlite3_reset(statement);
        if (row) {
            memcpy(period, next, sizeof period);
            visit(context, period);
        }
    }
    return status;
}

struct since {
    struct store *store;
    const char *form;
    uint64_t after;
    store_touch_visitor *visit;
    void *context;
    enum status status;
    struct fault *why;
};

static void look_since(void *context, const char *period)
{
    struct since *since = context;
    uint64_t next = 0;
    if (since->status == STATUS_OK)
        since->status = store_touching_after(since->store, since->form, period, since->after, &next, since->why);
    if (since->status == STATUS_OK && next != 0)
        since->visit(since->context, since->form, period);
}

enum status store_touched_since(struct store *store, const char *form, uint64_t after, store_touch_visitor *visit,
                                void *context, struct fault *why)
{
    struct since since = {store, form, after, visit, context, STATUS_OK, why};
    uint64_t next = 0;
    /* Period '' stands for any: most forms are done with one look. */
    enum status status = store_touching_after(store, form, "", after, &next, why);
    if (status == STATUS_OK && next != 0)
        status = store_touched_periods(store, form, look_since, &since, why);
    return status == STATUS_OK ? since.status : status;
}

enum status store_touches(struct store *store, store_touched_visitor *visit, void *context, struct fault *why)
{
    sqlite3_stmt *statement;
    struct row row;
    char form[LIMIT_CODE_BYTES + 1], period[PERIOD_TEXT];
    bool found, more = true;
    enum status status = store_flush_touches(store, why);
    if (status == STATUS_OK)
        status = store_statement(store, STATEMENT_TOUCHES, &statement, why);
    while (status == STATUS_OK && more) {
        status = store_step(store, statement, &found, why);
        if (status != STATUS_OK || !found)
            break;
        if (!store_read_text(statement, 0, form, sizeof form) || !store_read_text(statement, 1, period, sizeof period) ||
            !read_row(statement, 2, &row))
            return store_damaged(store, "touch", why);
        for (size_t i = 0; i < row.count && more; i++)
            more = visit(context, form, period, row.entries[i]);
    }
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    return status;
}
