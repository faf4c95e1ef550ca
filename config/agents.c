/* agents.c - agents.csv: which key belongs to which agent, and what it may report.
 *
 * Who an agent is comes from its key alone, so a key may stand for one agent only; and because an agent may have two keys
 * while one replaces the other, its scope must read the same in both rows, or it would depend on the key used. */
#include "keys.h"

#include "csv.h"
#include "file.h"
#include "limit.h"
#include "memory.h"
#include "period.h"
#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENTS_FILE_BYTES (16 << 20)

enum column { COLUMN_AGENT, COLUMN_SCOPE, COLUMN_PUB, COLUMN_STATUS, COLUMN_FROM, COLUMN_TO, COLUMNS };
#define COLUMNS_NEEDED COLUMN_FROM /* those before it */
#define ABSENT SIZE_MAX
static const char *const column_names[COLUMNS] = {"agent", "scope", "pub", "status", "valid_from", "valid_to"};

struct table {
    const char *folder;
    size_t place[COLUMNS]; /* which field of a row; ABSENT */
    size_t width;
    struct agent *agents;
    size_t count, capacity;
    int64_t *rows; /* line of each agent */
    size_t row_capacity;
    bool goes_on;          /* after a faulty row, which is doubted instead */
    struct doubt *doubts;
    size_t doubt_count, doubt_capacity;
};

/* A row that cannot be taken as it stands. */
struct doubt {
    char agent[65];        /* "": it may be anybody's */
    bool revokes;          /* so much of it is clear */
};

static enum status refuse(struct fault *why, int64_t row, const char *column, enum message message,
                          const char *one, const char *two)
{
    fault_set(why, message, one, two, NULL);
    fault_at(why, NULL, row, column);
    return STATUS_REFUSED;
}

static enum status read_head(const struct csv_row *row, struct table *table, struct fault *why)
{
    bool found[COLUMNS] = {false};
    for (size_t i = 0; i < row->count; i++) {
        const char *name = row->fields[i].text;
        const size_t length = text_trim(&name, row->fields[i].length);
        for (size_t c = 0; c < COLUMNS; c++) {
            if (length != strlen(column_names[c]) || memcmp(name, column_names[c], length) != 0)
                continue;
            if (found[c])
                return refuse(why, row->line, column_names[c], MESSAGE_AGENTS_COLUMN_TWICE, column_names[c], NULL);
            found[c] = true;
            table->place[c] = i;
        }
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        if (!found[c] && c < COLUMNS_NEEDED)
            return refuse(why, row->line, column_names[c], MESSAGE_AGENTS_COLUMN_MISSING, column_names[c], NULL);
        if (!found[c])
            table->place[c] = ABSENT;
    }
    table->width = row->count;
    return STATUS_OK;
}

/* A cell, trimmed and not empty, into an array. */
static enum status take_cell(const struct csv_row *row, const struct table *table, enum column column, char *ret_text,
                             size_t capacity, struct fault *why)
{
    const struct csv_field *field = &row->fields[table->place[column]];
    const char *text = field->text;
    const size_t length = text_trim(&text, field->length);
    if (length == 0)
        return refuse(why, row->line, column_names[column], MESSAGE_AGENTS_EMPTY, column_names[column], NULL);
    if (length >= capacity)
        return refuse(why, row->line, column_names[column], MESSAGE_AGENTS_TOO_LONG, column_names[column], NULL);
    memcpy(ret_text, text, length);
    ret_text[length] = '\0';
    return STATUS_OK;
}

static enum status take_status(const struct csv_row *row, const struct table *table, enum agent_status *ret_status,
                               struct fault *why)
{
    char text[32];
    const enum status status = take_cell(row, table, COLUMN_STATUS, text, sizeof text, why);
    if (status != STATUS_OK)
        return status;
    if (strcmp(text, "active") != 0 && strcmp(text, "revoked") != 0)
        return refuse(why, row->line, "status", MESSAGE_AGENTS_STATUS, text, NULL);
    *ret_status = text[0] == 'a' ? AGENT_ACTIVE : AGENT_REVOKED;
    return STATUS_OK;
}

/* An optional day: nothing there leaves what stands in *ret_day. */
static enum status take_day(const struct csv_row *row, const struct table *table, enum column column, int32_t *ret_day,
                            struct fault *why)
{
    char text[32];
    if (table->place[column] == ABSENT)
        return STATUS_OK;
    const struct csv_field *field = &row->fields[table->place[column]];
    const char *start = field->text;
    if (text_trim(&start, field->length) == 0)
        return STATUS_OK;
    const enum status status = take_cell(row, table, column, text, sizeof text, why);
    if (status == STATUS_OK && !date_parse(text, ret_day))
        return refuse(why, row->line, column_names[column], MESSAGE_AGENTS_DATE, text, NULL);
    return status;
}

static enum status take_dates(const struct csv_row *row, const struct table *table, struct agent *agent,
                              struct fault *why)
{
    agent->valid_from = INT32_MIN;
    agent->valid_to = INT32_MAX;
    enum status status = take_day(row, table, COLUMN_FROM, &agent->valid_from, why);
    if (status == STATUS_OK)
        status = take_day(row, table, COLUMN_TO, &agent->valid_to, why);
    if (status == STATUS_OK && agent->valid_from > agent->valid_to)
        return refuse(why, row->line, "valid_to", MESSAGE_AGENTS_DATES_BACKWARDS, NULL, NULL);
    return status;
}

/* The fault of the key file itself is kept; the place becomes the row that names it. */
static enum status take_key(const struct csv_row *row, const struct table *table, struct public_key *ret_key,
                            struct fault *why)
{
    char relative[4096];
    enum status status = take_cell(row, table, COLUMN_PUB, relative, sizeof relative, why);
    if (status != STATUS_OK)
        return status;
    char *path = file_path_in(table->folder, relative);
    status = keys_load_public(path, ret_key, why);
    if (status != STATUS_OK)
        fault_at(why, NULL, row->line, "pub");
    free(path);
    return status;
}

static enum status check_against_others(const struct table *table, const struct agent *agent, int64_t line,
                                        struct fault *why)
{
    size_t active = agent->status == AGENT_ACTIVE;
    for (size_t i = 0; i < table->count; i++) {
        const struct agent *other = &table->agents[i];
        const bool same = strcmp(other->code, agent->code) == 0;
        char number[24];
        (void)snprintf(number, sizeof number, "%" PRId64, table->rows[i]);
        if (strcmp(other->key.curve, agent->key.curve) == 0 ||
            (!same && memcmp(other->key.sign, agent->key.sign, SEAL_PUBLIC) == 0))
            return refuse(why, line, "pub", MESSAGE_AGENTS_SAME_KEY, number, other->code);
        if (same && strcmp(other->scope, agent->scope) != 0)
            return refuse(why, line, "scope", MESSAGE_AGENTS_OTHER_SCOPE, number, other->scope);
        active += same && other->status == AGENT_ACTIVE;
    }
    if (agent->status == AGENT_ACTIVE && active > AGENT_KEYS_MOST) {
        char most[24];
        (void)snprintf(most, sizeof most, "%d", AGENT_KEYS_MOST);
        return refuse(why, line, "status", MESSAGE_AGENTS_TOO_MANY_KEYS, agent->code, most);
    }
    return STATUS_OK;
}

static bool is_empty(const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        const char *text = row->fields[i].text;
        if (text_trim(&text, row->fields[i].length) > 0)
            return false;
    }
    return true;
}

static enum status read_agent(const struct csv_row *row, struct table *table, struct fault *why)
{
    struct agent agent;
    memset(&agent, 0, sizeof agent);
    if (row->count != table->width)
        return refuse(why, row->line, NULL, MESSAGE_AGENTS_WIDTH, NULL, NULL);
    enum status status = take_cell(row, table, COLUMN_AGENT, agent.code, sizeof agent.code, why);
    if (status == STATUS_OK)
        status = take_cell(row, table, COLUMN_SCOPE, agent.scope, sizeof agent.scope, why);
    if (status == STATUS_OK)
        status = take_status(row, table, &agent.status, why);
    if (status == STATUS_OK)
        status = take_dates(row, table, &agent, why);
    if (status == STATUS_OK)
        status = take_key(row, table, &agent.key, why);
    if (status == STATUS_OK)
        status = check_against_others(table, &agent, row->line, why);
    if (status != STATUS_OK)
        return status;
    table->agents = memory_grow(table->agents, &table->capacity, table->count + 1, sizeof *table->agents);
    table->rows = memory_grow(table->rows, &table->row_capacity, table->count + 1, sizeof *table->rows);
    table->rows[table->count] = row->line;
    table->agents[table->count++] = agent;
    return STATUS_OK;
}

static void doubt(struct table *table, const struct csv_row *row)
{
    struct doubt doubt = {.revokes = false};
    enum agent_status said = AGENT_ACTIVE;
    if (row != NULL && row->count == table->width) {
        if (take_cell(row, table, COLUMN_AGENT, doubt.agent, sizeof doubt.agent, NULL) != STATUS_OK)
            doubt.agent[0] = '\0';
        doubt.revokes = take_status(row, table, &said, NULL) == STATUS_OK && said == AGENT_REVOKED;
    }
    table->doubts = memory_grow(table->doubts, &table->doubt_capacity, table->doubt_count + 1, sizeof *table->doubts);
    table->doubts[table->doubt_count++] = doubt;
}

static enum status read_rows(struct csv_reader *reader, struct table *table, struct fault *why)
{
    struct csv_row row;
    bool end = false, headed = false;
    enum status status;
    while ((status = csv_next(reader, &row, &end, why)) == STATUS_OK && !end) {
        if (is_empty(&row))
            continue;
        status = headed ? read_agent(&row, table, why) : read_head(&row, table, why);
        if (status != STATUS_OK && headed && table->goes_on) {
            doubt(table, &row);
            continue;
        }
        if (status != STATUS_OK)
            return status;
        headed = true;
    }
    if (status == STATUS_OK && !headed)
        return refuse(why, 1, column_names[0], MESSAGE_AGENTS_COLUMN_MISSING, column_names[0], NULL);
    return status;
}

static enum status read_file(const char *file, struct table *table, struct fault *why)
{
    struct csv_reader *reader = NULL;
    enum text_encoding encoding;
    char *bytes = NULL, *text = NULL, *folder = NULL;
    size_t length;
    fault_at(why, file, 0, NULL);
    enum status status = file_read(file, AGENTS_FILE_BYTES, &bytes, &length, why);
    if (status == STATUS_OK)
        status = text_decode(bytes, length, TEXT_AUTO, &text, &length, &encoding, why);
    if (status == STATUS_OK)
        status = file_folder(file, &folder, why);
    if (status != STATUS_OK)
        goto done;
    table->folder = folder;
    reader = csv_open(text, length, 0);
    status = read_rows(reader, table, why);
done:
    csv_close(&reader);
    free(folder);
    free(text);
    free(bytes);
    return status;
}

enum status agents_load(const char *file, struct agent **ret_agents, size_t *ret_count, struct fault *why)
{
    struct table table = {.folder = NULL};
    const enum status status = read_file(file, &table, why);
    if (status == STATUS_OK) {
        *ret_agents = table.agents;
        *ret_count = table.count;
    } else {
        free(table.agents);
    }
    free(table.rows);
    return status;
}

/* ---- of a faulty file, what takes away -------------------------------------------------------------------------------- */

static bool is_same_key(const struct agent *one, const struct agent *other)
{
    return strcmp(one->code, other->code) == 0 && strcmp(one->key.curve, other->key.curve) == 0 &&
           memcmp(one->key.sign, other->key.sign, SEAL_PUBLIC) == 0;
}

/* Whether the key that was in force still is, as far as the file can be read. */
static bool stands(const struct table *table, const struct agent *agent)
{
    bool is_doubted = false;
    for (size_t i = 0; i < table->count; i++)
        if (is_same_key(&table->agents[i], agent))
            return table->agents[i].status == AGENT_ACTIVE;
    for (size_t i = 0; i < table->doubt_count; i++) {
        const struct doubt *doubt = &table->doubts[i];
        if (strcmp(doubt->agent, agent->code) == 0 && doubt->revokes)
            return false;
        is_doubted = is_doubted || doubt->agent[0] == '\0' || strcmp(doubt->agent, agent->code) == 0;
    }
    return is_doubted;
}

size_t agents_tighten(const char *file, struct agent *agents, size_t count)
{
    struct table table = {.goes_on = true};
    size_t revoked = 0;
    if (read_file(file, &table, NULL) != STATUS_OK)
        doubt(&table, NULL); /* who knows what the rest would have said */
    for (size_t i = 0; i < count; i++)
        if (agents[i].status == AGENT_ACTIVE && !stands(&table, &agents[i])) {
            agents[i].status = AGENT_REVOKED;
            revoked++;
        }
    free(table.agents);
    free(table.rows);
    free(table.doubts);
    return revoked;
}

/* ---- dates ---- */

enum agent_dates agent_dates(const struct agent *agent, int32_t day)
{
    if (day < agent->valid_from)
        return AGENT_DATES_EARLY;
    if (day > agent->valid_to)
        return AGENT_DATES_OVER;
    return agent->valid_to - day < AGENT_SOON_DAYS ? AGENT_DATES_SOON : AGENT_DATES_FINE;
}

void agents_apply_dates(struct agent *agents, size_t count, int32_t day)
{
    for (size_t i = 0; i < count; i++) {
        const enum agent_dates dates = agent_dates(&agents[i], day);
        if (dates == AGENT_DATES_EARLY || dates == AGENT_DATES_OVER)
            agents[i].status = AGENT_REVOKED;
    }
}
