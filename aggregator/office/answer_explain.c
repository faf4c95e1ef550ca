/* answer_explain.c - `explain`: a figure taken apart, level by level, down to the records, files and agents behind it.
 *
 *   figure ─┬─ formula, its numbers filled in
 *           ├─ numerator ── element ── unit ── unit ── record ── superseded revisions
 *           ├─ denominator ── ...
 *           └─ goals that use it
 *
 * The tree grows breadth first, so that a limit on rows cuts the deepest levels and never half the city; a row that was
 * not taken apart for want of room ends in "…", and the last row says so. Shares of units come from the same pages as
 * the figure; the records of the lowest units are gathered in another, plainer way (parts.h). What does not add up to the
 * row above it is never shown: the answer fails. */
#include "explain.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_USUAL 1000
#define ROWS_MOST 100000

static const char *const columns[COLUMN_COUNT] = {
    "depth",    "kind",   "subject", "name", "unit", "period", "value", "status",      "revision",
    "detail",   "file",   "part",    "line", "agent", "entry", "reported_at", "received_at", "signature",
};

/* ---- rows -------------------------------------------------------------------------------------------------------- */

uint32_t explain_add(struct explaining *explaining, uint32_t parent, enum node_kind kind)
{
    const uint32_t index = (uint32_t)explaining->count;
    explaining->nodes =
        memory_grow(explaining->nodes, &explaining->capacity, explaining->count + 1, sizeof *explaining->nodes);
    struct node *node = &explaining->nodes[explaining->count++];
    memset(node, 0, sizeof *node);
    node->kind = kind;
    node->first = node->last = node->next = NO_INDEX;
    node->cell.live = SIZE_MAX;
    if (parent == NO_INDEX)
        return index;
    struct node *above = &explaining->nodes[parent];
    node->depth = above->depth + 1;
    if (above->first == NO_INDEX)
        above->first = index;
    else
        explaining->nodes[above->last].next = index;
    above->last = index;
    return index;
}

struct node *explain_row(struct explaining *explaining, uint32_t parent, enum node_kind kind)
{
    const uint32_t index = explain_add(explaining, parent, kind);
    return &explaining->nodes[index];
}

void explain_write(struct node *node, enum column column, const char *text)
{
    free(node->cells[column]);
    node->cells[column] = text != NULL && text[0] != '\0' ? memory_copy_text(text) : NULL;
}

void explain_write_number(struct node *node, enum column column, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    explain_write(node, column, text);
}

void explain_write_period(struct node *node, struct period period)
{
    char text[PERIOD_TEXT];
    period_format(period, text);
    explain_write(node, COLUMN_PERIOD, text);
}

void explain_write_decimal(struct node *node, int64_t value, uint8_t decimals)
{
    char text[DECIMAL_TEXT];
    decimal_format((struct decimal){value, decimals}, text);
    explain_write(node, COLUMN_VALUE, text);
}

void explain_write_time(struct node *node, enum column column, int64_t time_ms)
{
    char text[TIME_TEXT] = "";
    if (time_ms != 0 && time_ms != INT64_MIN)
        calendar_format_time(time_ms, text);
    explain_write(node, column, text);
}

void explain_write_ratio(struct node *node, enum figure_state state, const mpq_t value, uint8_t decimals)
{
    char text[RATIO_TEXT] = "";
    if (state == FIGURE_PRESENT && ratio_fits(value, decimals))
        ratio_format(value, decimals, text);
    explain_write(node, COLUMN_VALUE, text);
}

void explain_write_counts(struct node *node, const char *before, uint64_t reported, uint64_t expected)
{
    char text[160];
    (void)snprintf(text, sizeof text, "%sreported=%" PRIu64 " expected=%" PRIu64, before, reported, expected);
    explain_write(node, COLUMN_DETAIL, text);
}

void explain_cut(struct explaining *explaining, struct node *node)
{
    const char *detail = node->cells[COLUMN_DETAIL] != NULL ? node->cells[COLUMN_DETAIL] : "";
    char *text = memory_array(strlen(detail) + 8, 1);
    explaining->is_cut = true;
    if (!node->is_cut) {
        (void)snprintf(text, strlen(detail) + 8, "%s%s…", detail, detail[0] != '\0' ? " " : "");
        explain_write(node, COLUMN_DETAIL, text);
    }
    node->is_cut = true;
    free(text);
}

bool explain_has_room(const struct explaining *explaining)
{
    return explaining->count < explaining->most;
}

enum status explain_mismatch(struct explaining *explaining, const struct node *node)
{
    fault_set(explaining->asking->why, MESSAGE_EXPLAIN_MISMATCH,
              node->cells[COLUMN_SUBJECT] != NULL ? node->cells[COLUMN_SUBJECT] : "",
              node->cells[COLUMN_UNIT] != NULL ? node->cells[COLUMN_UNIT] : "",
              node->cells[COLUMN_PERIOD] != NULL ? node->cells[COLUMN_PERIOD] : "", NULL);
    return STATUS_BROKEN;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static enum status grow(struct explaining *explaining)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < explaining->count && status == STATUS_OK; i++) {
        switch (explaining->nodes[i].kind) {
        case NODE_INDICATOR:
            status = explain_indicator(explaining, i);
            break;
        case NODE_SIDE:
            status = explain_side(explaining, i);
            break;
        case NODE_UNITS:
            status = explain_units(explaining, i);
            break;
        case NODE_CELL:
        case NODE_END:
            break;
        }
    }
    if (status == STATUS_OK)
        status = explain_read_histories(explaining);
    if (status == STATUS_OK)
        explain_add_histories(explaining);
    return status;
}

static void print_node(struct explaining *explaining, uint32_t index)
{
    struct node *node = &explaining->nodes[index];
    struct table *table = explaining->asking->table;
    table_add_number(table, node->depth);
    for (size_t i = 1; i < COLUMN_COUNT; i++)
        table_add(table, node->cells[i]);
    for (uint32_t child = node->first; child != NO_INDEX; child = explaining->nodes[child].next)
        print_node(explaining, child); /* as deep as the tree of units */
}

static void print_note(struct explaining *explaining)
{
    struct table *table = explaining->asking->table;
    struct fault note = {.message = MESSAGE_NONE};
    char most[24], text[1024];
    if (!explaining->is_cut)
        return;
    (void)snprintf(most, sizeof most, "%zu", explaining->most);
    fault_set(&note, MESSAGE_EXPLAIN_CUT, most, NULL);
    fault_sentence(&note, explaining->asking->language, text, sizeof text);
    table_add(table, "1");
    table_add(table, "note");
    for (size_t i = 2; i < COLUMN_COUNT; i++)
        table_add(table, i == COLUMN_DETAIL ? text : NULL);
}

static enum status choose_subject(struct explaining *explaining)
{
    struct asking *asking = explaining->asking;
    const char *code = asking_option(asking, "operand");
    if (code == NULL) {
        fault_set(asking->why, MESSAGE_ASK_NEEDS_OPTION, "explain", "CODE", NULL);
        return STATUS_REFUSED;
    }
    explaining->subject = (struct subject){catalogue_indicator(asking->catalogue, code), NO_INDEX};
    if (explaining->subject.indicator == NO_INDEX)
        explaining->subject.element = catalogue_element(asking->catalogue, code);
    if (explaining->subject.indicator != NO_INDEX || explaining->subject.element != NO_INDEX)
        return STATUS_OK;
    fault_set(asking->why, MESSAGE_ASK_UNKNOWN_CODE, code, NULL);
    return STATUS_REFUSED;
}

static enum status add_top(struct explaining *explaining)
{
    const struct subject subject = explaining->subject;
    const bool is_indicator = subject.indicator != NO_INDEX;
    const uint32_t index = explain_add(explaining, NO_INDEX, is_indicator ? NODE_INDICATOR : NODE_UNITS);
    struct node *node = &explaining->nodes[index];
    explain_write(node, COLUMN_KIND, "figure");
    if (!is_indicator)
        return explain_top(explaining, index, subject.element, explaining->period);
    const struct indicator *indicator = &explaining->catalogue->indicators[subject.indicator];
    explain_write(node, COLUMN_SUBJECT, indicator->code);
    explain_write(node, COLUMN_NAME, name_in(explaining->asking->language, indicator->name_zh, indicator->name_en));
    explain_write(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    explain_write_period(node, explaining->period);
    return STATUS_OK;
}

static void explaining_free(struct explaining *explaining)
{
    for (size_t i = 0; i < explaining->count; i++) {
        struct node *node = &explaining->nodes[i];
        for (size_t c = 0; c < COLUMN_COUNT; c++)
            free(node->cells[c]);
        explain_forget_versions(node);
        free(node->cell.versions);
        free(node->units.covers);
    }
    for (size_t i = 0; i < explaining->task_count; i++) {
        parting_end(&explaining->tasks[i].parting);
        free(explaining->tasks[i].last_day);
    }
    free(explaining->nodes);
    free(explaining->tasks);
    sources_free(&explaining->sources);
}

enum status answer_explain(struct asking *asking)
{
    struct explaining explaining = {.asking = asking, .catalogue = asking->catalogue, .most = ROWS_USUAL,
                                    .period = asking_usual_period(asking)};
    enum status status = choose_subject(&explaining);
    if (status == STATUS_OK)
        status = asking_place(asking, "unit", &explaining.place);
    if (status == STATUS_OK)
        status = asking_period(asking, "period", &explaining.period);
    if (status == STATUS_OK)
        status = asking_number(asking, "most", ROWS_MOST, &explaining.most);
    if (status != STATUS_OK)
        return status;
    table_start(asking->table, columns, COLUMN_COUNT);
    status = sources_start(&explaining.sources, asking->office, asking->why);
    if (status == STATUS_OK)
        status = add_top(&explaining);
    if (status == STATUS_OK)
        status = grow(&explaining);
    if (status == STATUS_OK) {
        print_node(&explaining, 0);
        print_note(&explaining);
    }
    explaining_free(&explaining);
    return status;
}
