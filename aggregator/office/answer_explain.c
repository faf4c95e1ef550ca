/* answer_explain.c - `explain`: a figure taken apart, level by level, down to the records, files and agents behind it.
 *
 *   figure ─┬─ formula, its numbers filled in
 *           ├─ numerator ── element ── unit ── unit ── record ── superseded revisions
 *           ├─ denominator ── ...
 *           └─ goals that use it
 *
 * The tree grows breadth first, so that a limit on rows cuts the deepest levels and never half the city; a row that was
 * not taken apart for want of room ends in "…", and the last row says so. Shares of units come from the same pages as the
 * figure; the records of the lowest units are gathered in another, plainer way (parts.h). What does not add up to the
 * row above it is never shown: the answer fails. */
#include "answer.h"
#include "combine.h"
#include "expression.h"
#include "memory.h"
#include "parts.h"
#include "progress.h"
#include "reports.h"
#include "witness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_USUAL 1000
#define ROWS_MOST 100000
#define VERSIONS_KEPT 256 /* superseded revisions of one cell that are kept while reading; the newest */

enum column {
    COLUMN_DEPTH, COLUMN_KIND, COLUMN_SUBJECT, COLUMN_NAME, COLUMN_UNIT, COLUMN_PERIOD, COLUMN_VALUE, COLUMN_STATUS,
    COLUMN_REVISION, COLUMN_DETAIL, COLUMN_FILE, COLUMN_PART, COLUMN_LINE, COLUMN_AGENT, COLUMN_ENTRY,
    COLUMN_REPORTED_AT, COLUMN_RECEIVED_AT, COLUMN_SIGNATURE, COLUMN_COUNT
};
static const char *const columns[COLUMN_COUNT] = {
    "depth",    "kind",   "subject", "name", "unit", "period", "value", "status",      "revision",
    "detail",   "file",   "part",    "line", "agent", "entry", "reported_at", "received_at", "signature",
};

enum node_kind { NODE_INDICATOR, NODE_SIDE, NODE_UNITS, NODE_CELL, NODE_END };

struct node {
    enum node_kind kind;
    uint32_t first, last, next; /* children and brother; NO_INDEX: none */
    uint32_t depth;
    bool is_cut;
    char *cells[COLUMN_COUNT];  /* owned; depth is written when printed */
    const struct expression *side;
    struct {                    /* NODE_UNITS: a share of an element's figure */
        uint32_t task, unit;    /* unit NO_INDEX: a group's units */
        struct cover *covers;
        size_t cover_count;
        struct combined share;
    } units;
    struct {                    /* NODE_CELL */
        uint32_t form, element, unit;
        struct period period;
        struct cell cell;
        struct version *versions;
        size_t count, capacity;
        uint32_t revision;      /* while reading: the live one so far */
        size_t live;            /* number of its version, SIZE_MAX while none */
    } cell;
};

/* One record of a cell. */
struct version {
    uint32_t revision, source;
    enum record_status status;
    bool was_live;
    struct decimal value;
    int64_t line, reported_at;
    char *reason;
};

/* An element in a period: one tree of units below it. */
struct task {
    uint32_t element;
    struct parting parting;
    int32_t *last_day; /* by slot: until when it belongs to the place, at most the period's last day */
};

struct explaining {
    struct asking *asking;
    const struct catalogue *catalogue;
    struct place place;
    struct period period;
    struct subject subject;
    size_t most;
    struct node *nodes;
    size_t count, capacity;
    struct task *tasks;
    size_t task_count, task_capacity;
    struct sources sources;
    struct node **wanted; /* while reading: the cells of one form and period, by element and unit */
    size_t wanted_count;
    bool is_cut;
};

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static uint32_t add_node(struct explaining *explaining, uint32_t parent, enum node_kind kind)
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

/* The row itself; it stays where it is till the next is added. */
static struct node *new_node(struct explaining *explaining, uint32_t parent, enum node_kind kind)
{
    const uint32_t index = add_node(explaining, parent, kind);
    return &explaining->nodes[index];
}

static void write_cell(struct node *node, enum column column, const char *text)
{
    free(node->cells[column]);
    node->cells[column] = text != NULL && text[0] != '\0' ? memory_copy_text(text) : NULL;
}

static void write_number(struct node *node, enum column column, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, number);
    write_cell(node, column, text);
}

static void write_period(struct node *node, struct period period)
{
    char text[PERIOD_TEXT];
    period_format(period, text);
    write_cell(node, COLUMN_PERIOD, text);
}

static void write_decimal(struct node *node, int64_t value, uint8_t decimals)
{
    char text[DECIMAL_TEXT];
    decimal_format((struct decimal){value, decimals}, text);
    write_cell(node, COLUMN_VALUE, text);
}

static void write_time(struct node *node, enum column column, int64_t time_ms)
{
    char text[TIME_TEXT] = "";
    if (time_ms != 0 && time_ms != INT64_MIN)
        calendar_format_time(time_ms, text);
    write_cell(node, column, text);
}

static void write_ratio(struct node *node, enum figure_state state, const mpq_t value, uint8_t decimals)
{
    char text[RATIO_TEXT] = "";
    if (state == FIGURE_PRESENT && ratio_fits(value, decimals))
        ratio_format(value, decimals, text);
    write_cell(node, COLUMN_VALUE, text);
}

static void write_counts(struct node *node, const char *before, uint64_t reported, uint64_t expected)
{
    char text[160];
    (void)snprintf(text, sizeof text, "%sreported=%" PRIu64 " expected=%" PRIu64, before, reported, expected);
    write_cell(node, COLUMN_DETAIL, text);
}

static void cut_node(struct explaining *explaining, struct node *node)
{
    const char *detail = node->cells[COLUMN_DETAIL] != NULL ? node->cells[COLUMN_DETAIL] : "";
    char *text = memory_array(strlen(detail) + 8, 1);
    explaining->is_cut = true;
    if (!node->is_cut) {
        (void)snprintf(text, strlen(detail) + 8, "%s%s…", detail, detail[0] != '\0' ? " " : "");
        write_cell(node, COLUMN_DETAIL, text);
    }
    node->is_cut = true;
    free(text);
}

static const char *state_flag(const struct combined *share)
{
    if (share->state == FIGURE_OVERFLOW)
        return figure_flag_text(FLAG_OVERFLOW);
    if (share->state == FIGURE_NONE)
        return figure_flag_text(FLAG_MISSING);
    return figure_flag_text(share->reported < share->expected ? FLAG_PARTIAL : FLAG_COMPLETE);
}

static bool has_room(const struct explaining *explaining)
{
    return explaining->count < explaining->most;
}

/* What is not the same is a fault of ours or of the disk: said, not shown. */
static enum status does_not_add_up(struct explaining *explaining, const struct node *node)
{
    fault_set(explaining->asking->why, MESSAGE_EXPLAIN_MISMATCH,
              node->cells[COLUMN_SUBJECT] != NULL ? node->cells[COLUMN_SUBJECT] : "",
              node->cells[COLUMN_UNIT] != NULL ? node->cells[COLUMN_UNIT] : "",
              node->cells[COLUMN_PERIOD] != NULL ? node->cells[COLUMN_PERIOD] : "", NULL);
    return STATUS_BROKEN;
}

/* ---- formula ------------------------------------------------------------------------------------------------------- */

static bool shifted(struct period period, enum term_shift shift, struct period *ret_period)
{
    *ret_period = period;
    if (shift == SHIFT_PREV)
        *ret_period = period_previous(period);
    return shift != SHIFT_PREV_YEAR || period_year_before(period, ret_period);
}

static enum status count_term(struct explaining *explaining, const struct expression *side, const struct term *term,
                              mpq_t ret_value, bool *ret_present)
{
    struct asking *asking = explaining->asking;
    struct figures_at at = {.figures = asking->figures, .scope = explaining->place.scope, .period = explaining->period,
                            .expression = side, .why = asking->why};
    struct report_counts counts;
    struct period period;
    enum status status;
    uint64_t number = 0;
    *ret_present = false;
    if (term->kind == TERM_EXPECTED_UNITS) {
        *ret_present = figures_lookup(&at, term, ret_value) == TERM_PRESENT;
        return at.status;
    }
    if (!shifted(explaining->period, term->shift, &period))
        return STATUS_OK;
    status = reports_count(asking->figures, NO_INDEX, explaining->place.scope, period, &counts, asking->why);
    if (status != STATUS_OK)
        return status;
    if (term->kind == TERM_REPORTS_EXPECTED)
        number = counts.expected;
    else if (term->kind == TERM_REPORTS_RECEIVED)
        number = counts.received;
    else if (term->kind == TERM_REPORTS_ON_TIME)
        number = counts.on_time;
    else
        number = counts.clean;
    ratio_set_int128(ret_value, (__int128)number);
    *ret_present = true;
    return STATUS_OK;
}

/* What one name of a formula is worth, as text: "—" when there is nothing, "!" when it does not fit. */
static enum status term_text(struct explaining *explaining, const struct expression *side, const struct term *term,
                             char ret_text[RATIO_TEXT])
{
    struct asking *asking = explaining->asking;
    struct combined combined = {.state = FIGURE_NONE};
    struct period period;
    enum status status = STATUS_OK;
    (void)snprintf(ret_text, RATIO_TEXT, "—");
    if (term->kind == TERM_ELEMENT) {
        if (shifted(explaining->period, term->shift, &period))
            status = combine_element(asking->figures, term->element, explaining->place.scope, period, &combined,
                                     asking->why);
        if (status == STATUS_OK && combined.state == FIGURE_PRESENT)
            decimal_format((struct decimal){combined.value, explaining->catalogue->elements[term->element].decimals},
                           ret_text);
        else if (combined.state == FIGURE_OVERFLOW)
            (void)snprintf(ret_text, RATIO_TEXT, "!");
        return status;
    }
    mpq_t value;
    bool present = false;
    mpq_init(value);
    status = count_term(explaining, side, term, value, &present);
    if (status == STATUS_OK && present)
        ratio_format(value, 0, ret_text);
    mpq_clear(value);
    return status;
}

/* "12 + 2 × 30 - 5" */
static enum status print_side(struct explaining *explaining, const struct expression *side, FILE *out)
{
    for (size_t i = 0; i < side->count; i++) {
        const struct term *term = &side->terms[i];
        const bool minus = term->factor < 0;
        const uint64_t factor = minus ? 0 - (uint64_t)term->factor : (uint64_t)term->factor;
        char text[RATIO_TEXT] = "";
        enum status status = STATUS_OK;
        (void)fputs(i > 0 ? (minus ? " - " : " + ") : (minus ? "-" : ""), out);
        if (term->kind == TERM_INTEGER) {
            (void)fprintf(out, "%" PRIu64, factor);
            continue;
        }
        status = term_text(explaining, side, term, text);
        if (status != STATUS_OK)
            return status;
        if (factor != 1)
            (void)fprintf(out, "%" PRIu64 " × ", factor);
        (void)fprintf(out, text[0] == '-' && (i > 0 || minus || factor != 1) ? "(%s)" : "%s", text);
    }
    return STATUS_OK;
}

static bool is_one(struct decimal value)
{
    return value.units == decimal_power_of_ten(value.scale);
}

/* Whether a side needs brackets beside a factor or a stroke. */
static bool needs_brackets(const struct indicator *indicator, const struct expression *side)
{
    if (side->count == 1 && (side->terms[0].factor == 1 || side->terms[0].kind == TERM_INTEGER))
        return false;
    return side == &indicator->denominator || side->count > 1;
}

static enum status print_formula(struct explaining *explaining, bool in_numbers, FILE *out)
{
    const struct indicator *indicator = &explaining->catalogue->indicators[explaining->subject.indicator];
    const bool has_factor = !is_one(indicator->factor), is_ratio = indicator->denominator.count > 0;
    const struct expression *const sides[2] = {&indicator->numerator, &indicator->denominator};
    const char *const texts[2] = {indicator->numerator_text, indicator->denominator_text};
    char factor[DECIMAL_TEXT];
    enum status status = STATUS_OK;
    decimal_format(indicator->factor, factor);
    if (has_factor)
        (void)fprintf(out, "%s × ", factor);
    for (size_t i = 0; i < (is_ratio ? 2u : 1u) && status == STATUS_OK; i++) {
        const bool brackets = (has_factor || is_ratio) && needs_brackets(indicator, sides[i]);
        (void)fputs(i > 0 ? " ÷ " : "", out);
        (void)fputs(brackets ? "(" : "", out);
        if (in_numbers)
            status = print_side(explaining, sides[i], out);
        else
            (void)fputs(texts[i], out);
        (void)fputs(brackets ? ")" : "", out);
    }
    return status;
}

static enum status add_formula(struct explaining *explaining, uint32_t parent, const struct figure *figure)
{
    const uint32_t index = add_node(explaining, parent, NODE_END);
    enum status status = STATUS_OK;
    for (int numbers = 0; numbers < 2 && status == STATUS_OK; numbers++) {
        char *text = NULL, value[RATIO_TEXT] = "—";
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        if (out == NULL) {
            fault_set(explaining->asking->why, MESSAGE_CANNOT_WRITE, "memory", "open_memstream", NULL);
            return STATUS_AGAIN;
        }
        status = print_formula(explaining, numbers == 1, out);
        if (figure->value_state == FIGURE_PRESENT)
            ratio_format(figure->value, figure->value_decimals, value);
        else if (figure->value_state == FIGURE_OVERFLOW)
            (void)snprintf(value, sizeof value, "!");
        if (numbers == 1)
            (void)fprintf(out, " = %s", value);
        (void)fclose(out);
        write_cell(&explaining->nodes[index], numbers == 1 ? COLUMN_DETAIL : COLUMN_SUBJECT, text);
        free(text);
    }
    write_cell(&explaining->nodes[index], COLUMN_KIND, "formula");
    write_ratio(&explaining->nodes[index], figure->value_state, figure->value, figure->value_decimals);
    return status;
}

/* ---- the indicator ------------------------------------------------------------------------------------------------- */

static void add_side(struct explaining *explaining, uint32_t parent, const char *kind, const char *text,
                     const struct expression *side, enum figure_state state, const mpq_t value, uint8_t decimals)
{
    struct node *node = new_node(explaining, parent, NODE_SIDE);
    node->side = side;
    write_cell(node, COLUMN_KIND, kind);
    write_cell(node, COLUMN_SUBJECT, text);
    write_cell(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    write_period(node, explaining->period);
    write_ratio(node, state, value, decimals);
}

static enum status add_goals(struct explaining *explaining, uint32_t parent)
{
    const struct catalogue *catalogue = explaining->catalogue;
    struct progress progress;
    enum status status = STATUS_OK;
    progress_init(&progress);
    for (uint32_t i = 0; i < catalogue->goal_count && status == STATUS_OK; i++) {
        const struct goal *goal = &catalogue->goals[i];
        if (goal->indicator != explaining->subject.indicator)
            continue;
        if (!has_room(explaining)) {
            cut_node(explaining, &explaining->nodes[parent]);
            break;
        }
        status = progress_judge(explaining->asking->figures, i, explaining->asking->today, false, &progress,
                                explaining->asking->why);
        struct node *node = new_node(explaining, parent, NODE_END);
        write_cell(node, COLUMN_KIND, "goal");
        write_cell(node, COLUMN_SUBJECT, goal->code);
        write_cell(node, COLUMN_UNIT, goal->unit != NO_INDEX ? catalogue->units[goal->unit].code
                                                             : catalogue->groups[goal->group].code);
        write_period(node, period_span(goal->start, goal->due));
        write_decimal(node, goal->value.units, goal->value.scale);
        write_cell(node, COLUMN_DETAIL, compare_text(goal->op));
        if (status == STATUS_OK)
            write_cell(node, COLUMN_STATUS, goal_status_text(progress.status));
    }
    progress_clear(&progress);
    return status;
}

static enum status expand_indicator(struct explaining *explaining, uint32_t index)
{
    const struct indicator *indicator = &explaining->catalogue->indicators[explaining->subject.indicator];
    struct asking *asking = explaining->asking;
    struct figure figure;
    enum status status;
    figure_init(&figure);
    status = figures_indicator(asking->figures, explaining->subject.indicator, explaining->place.scope,
                               explaining->period, &figure, asking->why);
    if (status != STATUS_OK)
        goto done;
    struct node *node = &explaining->nodes[index];
    write_ratio(node, figure.value_state, figure.value, figure.value_decimals);
    write_cell(node, COLUMN_STATUS, figure_flag_text(figure_flag(&figure)));
    write_counts(node, "", figure.reported, figure.expected);
    status = add_formula(explaining, index, &figure);
    add_side(explaining, index, "numerator", indicator->numerator_text, &indicator->numerator, figure.numerator_state,
             figure.numerator, figure.numerator_decimals);
    if (indicator->denominator.count > 0)
        add_side(explaining, index, "denominator", indicator->denominator_text, &indicator->denominator,
                 figure.denominator_state, figure.denominator, figure.denominator_decimals);
    if (status == STATUS_OK)
        status = add_goals(explaining, index);
done:
    figure_clear(&figure);
    return status;
}

/* ---- elements and units -------------------------------------------------------------------------------------------- */

static void write_share(struct node *node, const struct combined *share, uint8_t decimals, const char *before)
{
    if (share->state == FIGURE_PRESENT)
        write_decimal(node, share->value, decimals);
    write_cell(node, COLUMN_STATUS, state_flag(share));
    write_counts(node, before, share->reported, share->expected);
}

static enum status start_task(struct explaining *explaining, uint32_t element, struct period period,
                              const struct cover *covers, size_t cover_count, uint32_t *ret_task)
{
    struct asking *asking = explaining->asking;
    const struct catalogue *catalogue = explaining->catalogue;
    const uint32_t level = catalogue->forms[catalogue->elements[element].form].level;
    explaining->tasks = memory_grow(explaining->tasks, &explaining->task_capacity, explaining->task_count + 1,
                                    sizeof *explaining->tasks);
    struct task *task = &explaining->tasks[explaining->task_count];
    *task = (struct task){.element = element,
                          .last_day = memory_array(catalogue->levels[level].unit_count, sizeof *task->last_day)};
    *ret_task = (uint32_t)explaining->task_count++;
    for (uint32_t slot = 0; slot < catalogue->levels[level].unit_count; slot++)
        task->last_day[slot] = DAY_MIN;
    for (size_t i = 0; i < cover_count; i++) {
        const int32_t until = covers[i].until < period.last ? covers[i].until : period.last;
        for (uint32_t slot = covers[i].first_slot; slot < covers[i].first_slot + covers[i].slot_count; slot++)
            if (until > task->last_day[slot])
                task->last_day[slot] = until;
    }
    return parting_start(&task->parting, asking->abacus, catalogue, asking->office->store, element, period, asking->why);
}

/* The top of an element's tree: the node's figure is that of the place. */
static enum status make_top(struct explaining *explaining, uint32_t index, uint32_t element, struct period period)
{
    static const char *const kinds[] = {
        [ELEMENT_FLOW] = "flow", [ELEMENT_STOCK] = "stock", [ELEMENT_YTD] = "ytd", [ELEMENT_BASE] = "base"};
    static const char *const aggregates[] = {
        [AGGREGATE_SUM] = "sum", [AGGREGATE_MAX] = "max", [AGGREGATE_MIN] = "min"};
    struct asking *asking = explaining->asking;
    const struct element *what = &explaining->catalogue->elements[element];
    struct cover *covers = NULL;
    struct combined share;
    char before[32];
    uint32_t task = 0;
    const size_t count = figures_covers(asking->figures, explaining->place.scope,
                                        explaining->catalogue->forms[what->form].level, &covers);
    enum status status = combine_covers(asking->figures, element, covers, count, period, &share, asking->why);
    if (status == STATUS_OK)
        status = start_task(explaining, element, period, covers, count, &task);
    struct node *node = &explaining->nodes[index];
    node->kind = NODE_UNITS;
    node->units.task = task;
    node->units.unit = explaining->place.unit;
    node->units.covers = covers;
    node->units.cover_count = count;
    if (status != STATUS_OK)
        return status;
    node->units.share = share;
    write_cell(node, COLUMN_SUBJECT, what->code);
    write_cell(node, COLUMN_NAME, name_in(asking->language, what->name_zh, what->name_en));
    write_cell(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    write_period(node, period);
    (void)snprintf(before, sizeof before, "%s %s ", kinds[what->kind], aggregates[what->aggregate]);
    write_share(node, &share, what->decimals, before);
    return STATUS_OK;
}

static enum status add_count(struct explaining *explaining, uint32_t parent, const struct expression *side,
                             const struct term *term)
{
    static const char *const names[] = {[TERM_EXPECTED_UNITS] = "expected_units",
                                        [TERM_REPORTS_EXPECTED] = "reports_expected",
                                        [TERM_REPORTS_RECEIVED] = "reports_received",
                                        [TERM_REPORTS_ON_TIME] = "reports_on_time",
                                        [TERM_REPORTS_CLEAN] = "reports_clean"};
    struct period period;
    mpq_t value;
    bool present = false;
    mpq_init(value);
    const enum status status = count_term(explaining, side, term, value, &present);
    struct node *node = new_node(explaining, parent, NODE_END);
    write_cell(node, COLUMN_KIND, "count");
    write_cell(node, COLUMN_SUBJECT, names[term->kind]);
    write_cell(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    if (shifted(explaining->period, term->shift, &period))
        write_period(node, period);
    write_ratio(node, present ? FIGURE_PRESENT : FIGURE_NONE, value, 0);
    mpq_clear(value);
    return status;
}

static enum status expand_side(struct explaining *explaining, uint32_t index)
{
    const struct expression *side = explaining->nodes[index].side;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < side->count && status == STATUS_OK; i++) {
        const struct term *term = &side->terms[i];
        struct period period;
        if (term->kind == TERM_INTEGER)
            continue;
        if (!has_room(explaining)) {
            cut_node(explaining, &explaining->nodes[index]);
            return STATUS_OK;
        }
        if (term->kind != TERM_ELEMENT) {
            status = add_count(explaining, index, side, term);
            continue;
        }
        if (!shifted(explaining->period, term->shift, &period))
            continue; /* a 53rd week of the year before: nothing stands there */
        const uint32_t node = add_node(explaining, index, NODE_UNITS);
        write_cell(&explaining->nodes[node], COLUMN_KIND, "element");
        status = make_top(explaining, node, term->element, period);
    }
    return status;
}

/* The placement of the unit that counts on the day. */
static uint32_t parent_on(const struct catalogue *catalogue, uint32_t unit, int32_t day)
{
    const struct unit *here = &catalogue->units[unit];
    uint32_t parent = here->placement_count > 0 ? here->placements[0].parent : here->parent;
    for (size_t i = 1; i < here->placement_count; i++)
        if (here->placements[i].opened <= day)
            parent = here->placements[i].parent;
    return parent;
}

static bool is_member(const struct explaining *explaining, uint32_t unit)
{
    for (size_t i = 0; i < explaining->place.scope.unit_count; i++)
        if (explaining->place.scope.units[i] == unit)
            return true;
    return false;
}

/* The unit just below `above` on the way to the leaf; above NO_INDEX: the topmost member of the group. The leaf itself
 * when it does not lie below by the tree of that day. */
static uint32_t step_towards(const struct explaining *explaining, uint32_t above, uint32_t leaf, int32_t day)
{
    const struct catalogue *catalogue = explaining->catalogue;
    uint32_t unit = leaf, member = leaf;
    for (size_t steps = 0; unit != NO_INDEX && steps < catalogue->unit_count; steps++) {
        const uint32_t parent = parent_on(catalogue, unit, day);
        if (above != NO_INDEX && parent == above)
            return unit;
        if (above == NO_INDEX && is_member(explaining, unit))
            member = unit;
        unit = parent;
    }
    return above == NO_INDEX ? member : leaf;
}

struct strand { /* a run of slots that goes to one unit below */
    uint32_t unit, position;
    struct cover cover;
};

static int by_unit_and_slot(const void *one, const void *other)
{
    const struct strand *left = one, *right = other;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    if (left->cover.first_slot != right->cover.first_slot)
        return left->cover.first_slot < right->cover.first_slot ? -1 : 1;
    return (left->cover.from > right->cover.from) - (left->cover.from < right->cover.from);
}

static size_t split_covers(const struct explaining *explaining, const struct node *node, struct strand **ret_strands)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const struct task *task = &explaining->tasks[node->units.task];
    const uint32_t level = catalogue->forms[catalogue->elements[task->element].form].level;
    struct strand *strands = NULL;
    size_t count = 0, capacity = 0;
    for (size_t c = 0; c < node->units.cover_count; c++) {
        const struct cover *cover = &node->units.covers[c];
        for (uint32_t slot = cover->first_slot; slot < cover->first_slot + cover->slot_count; slot++) {
            const uint32_t unit = step_towards(explaining, node->units.unit,
                                               catalogue->levels[level].unit_of_slot[slot], task->last_day[slot]);
            if (count > 0 && slot > cover->first_slot && strands[count - 1].unit == unit) {
                strands[count - 1].cover.slot_count++;
                continue;
            }
            strands = memory_grow(strands, &capacity, count + 1, sizeof *strands);
            strands[count++] = (struct strand){unit, catalogue->units[unit].position,
                                               {slot, 1, cover->from, cover->until}};
        }
    }
    if (count > 1)
        qsort(strands, count, sizeof *strands, by_unit_and_slot);
    *ret_strands = strands;
    return count;
}

static void share_of_combined(struct share *total, const struct combined *combined)
{
    if (combined->state == FIGURE_PRESENT)
        share_add(total, &(struct share){1, combined->value, combined->value, combined->value});
}

static bool same_share(const struct share *share, enum element_aggregate aggregate, const struct combined *combined)
{
    const __int128 value = share_value(share, aggregate);
    if (share->figures == 0)
        return combined->state == FIGURE_NONE;
    if (value < INT64_MIN || value > INT64_MAX)
        return combined->state == FIGURE_OVERFLOW;
    return combined->state == FIGURE_PRESENT && combined->value == (int64_t)value;
}

static void add_unit(struct explaining *explaining, uint32_t parent, uint32_t unit, const struct strand *strands,
                     size_t count, const struct combined *share)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const uint32_t index = add_node(explaining, parent, NODE_UNITS);
    const struct node *above = &explaining->nodes[parent];
    struct node *node = &explaining->nodes[index];
    const struct element *element = &catalogue->elements[explaining->tasks[above->units.task].element];
    node->units.task = above->units.task;
    node->units.unit = unit;
    node->units.share = *share;
    node->units.covers = memory_array(count, sizeof *node->units.covers);
    node->units.cover_count = count;
    for (size_t i = 0; i < count; i++)
        node->units.covers[i] = strands[i].cover;
    write_cell(node, COLUMN_KIND, "unit");
    write_cell(node, COLUMN_SUBJECT, element->code);
    write_cell(node, COLUMN_NAME, name_in(explaining->asking->language, catalogue->units[unit].name_zh,
                                          catalogue->units[unit].name_en));
    write_cell(node, COLUMN_UNIT, catalogue->units[unit].code);
    write_period(node, explaining->tasks[above->units.task].parting.period);
    write_share(node, share, element->decimals, "");
}

static bool was_there(const struct strand *strands, size_t count, struct period period)
{
    for (size_t i = 0; i < count; i++)
        if (strands[i].cover.from <= period.last && strands[i].cover.until >= period.first)
            return true;
    return false;
}

static enum status expand_inner(struct explaining *explaining, uint32_t index)
{
    struct asking *asking = explaining->asking;
    const struct task *task = &explaining->tasks[explaining->nodes[index].units.task];
    const enum element_aggregate aggregate = explaining->catalogue->elements[task->element].aggregate;
    struct strand *strands = NULL;
    struct share total = {0, 0, 0, 0};
    bool is_known = true; /* a share that does not fit cannot be added up again */
    const size_t count = split_covers(explaining, &explaining->nodes[index], &strands);
    enum status status = STATUS_OK;
    for (size_t first = 0, end; first < count && status == STATUS_OK; first = end) {
        struct cover *covers;
        struct combined share;
        for (end = first + 1; end < count && strands[end].unit == strands[first].unit;)
            end++;
        covers = memory_array(end - first, sizeof *covers);
        for (size_t i = first; i < end; i++)
            covers[i - first] = strands[i].cover;
        status = combine_covers(asking->figures, task->element, covers, end - first, task->parting.period, &share,
                                asking->why);
        free(covers);
        if (status != STATUS_OK)
            break;
        share_of_combined(&total, &share);
        is_known = is_known && share.state != FIGURE_OVERFLOW;
        if (share.state == FIGURE_NONE && share.reported == 0 && share.expected == 0 &&
            (task->parting.page_count == 0 || !was_there(strands + first, end - first, task->parting.period)))
            continue; /* owes nothing, never reported, or was elsewhere then */
        if (has_room(explaining))
            add_unit(explaining, index, strands[first].unit, strands + first, end - first, &share);
        else
            cut_node(explaining, &explaining->nodes[index]);
    }
    if (status == STATUS_OK && is_known && !same_share(&total, aggregate, &explaining->nodes[index].units.share))
        status = does_not_add_up(explaining, &explaining->nodes[index]);
    free(strands);
    return status;
}

/* ---- records ------------------------------------------------------------------------------------------------------- */

static const char *part_text(const struct part *part)
{
    if (part->role == PART_SUBTRACTED)
        return "subtracted";
    if (part->role == PART_COUNTS)
        return "record";
    if (part->role == PART_BEFORE)
        return "before";
    return part->cell.reported ? "no_figure" : "retracted";
}

static void add_cell(struct explaining *explaining, uint32_t parent, uint32_t element, const struct part *part)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const uint32_t unit = explaining->nodes[parent].units.unit;
    struct node *node = new_node(explaining, parent, NODE_CELL);
    const char status[2] = {record_status_letter(part->cell.status), '\0'};
    node->cell.form = catalogue->elements[element].form;
    node->cell.element = element;
    node->cell.unit = unit;
    node->cell.period = part->period;
    node->cell.cell = part->cell;
    write_cell(node, COLUMN_KIND, part_text(part));
    write_cell(node, COLUMN_SUBJECT, catalogue->elements[element].code);
    write_cell(node, COLUMN_UNIT, catalogue->units[unit].code);
    write_period(node, part->period);
    if (part->cell.has_figure)
        write_decimal(node, part->cell.value, catalogue->elements[element].decimals);
    write_cell(node, COLUMN_STATUS, status);
    write_number(node, COLUMN_REVISION, part->cell.revision);
}

/* A unit that reports the element itself. */
static enum status expand_leaf(struct explaining *explaining, uint32_t index)
{
    struct node *node = &explaining->nodes[index];
    struct task *task = &explaining->tasks[node->units.task];
    const uint32_t slot = explaining->catalogue->units[node->units.unit].slot;
    struct part *parts = NULL;
    struct share share;
    size_t count = 0;
    const enum status status = parting_unit(&task->parting, slot, node->units.covers, node->units.cover_count, &share,
                                            &parts, &count);
    if (status != STATUS_OK)
        return status;
    if (!same_share(&share, explaining->catalogue->elements[task->element].aggregate, &node->units.share)) {
        free(parts);
        return does_not_add_up(explaining, node);
    }
    for (size_t i = 0; i < count; i++) {
        if (has_room(explaining))
            add_cell(explaining, index, task->element, &parts[i]);
        else
            cut_node(explaining, &explaining->nodes[index]);
    }
    free(parts);
    return STATUS_OK;
}

static enum status expand_units(struct explaining *explaining, uint32_t index)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const struct node *node = &explaining->nodes[index];
    const uint32_t element = explaining->tasks[node->units.task].element;
    const uint32_t level = catalogue->forms[catalogue->elements[element].form].level;
    if (!has_room(explaining)) {
        cut_node(explaining, &explaining->nodes[index]);
        return STATUS_OK;
    }
    if (node->units.unit != NO_INDEX && catalogue->units[node->units.unit].level == level)
        return expand_leaf(explaining, index);
    return expand_inner(explaining, index);
}

/* ---- what stands in the ledger about a cell ------------------------------------------------------------------------- */

static int by_form_period_cell(const void *one_item, const void *other_item)
{
    const struct node *one = *(struct node *const *)one_item, *other = *(struct node *const *)other_item;
    if (one->cell.form != other->cell.form)
        return one->cell.form < other->cell.form ? -1 : 1;
    if (one->cell.period.first != other->cell.period.first)
        return one->cell.period.first < other->cell.period.first ? -1 : 1;
    if (one->cell.period.last != other->cell.period.last)
        return one->cell.period.last < other->cell.period.last ? -1 : 1;
    if (one->cell.element != other->cell.element)
        return one->cell.element < other->cell.element ? -1 : 1;
    return (one->cell.unit > other->cell.unit) - (one->cell.unit < other->cell.unit);
}

static void forget_versions(struct node *node)
{
    for (size_t i = 0; i < node->cell.count; i++)
        free(node->cell.versions[i].reason);
    node->cell.count = 0;
    node->cell.revision = 0;
    node->cell.live = SIZE_MAX;
}

/* Many revisions of one cell: the oldest superseded ones go first. */
static void make_room(struct node *node)
{
    size_t kept = 0;
    if (node->cell.count < 2 * (size_t)VERSIONS_KEPT)
        return;
    for (size_t i = 0; i < node->cell.count; i++) {
        if (i < VERSIONS_KEPT && i != node->cell.live) {
            free(node->cell.versions[i].reason);
            continue;
        }
        if (i == node->cell.live)
            node->cell.live = kept;
        node->cell.versions[kept++] = node->cell.versions[i];
    }
    node->cell.count = kept;
}

static void take_version(struct node *node, const struct witness *witness, uint32_t source)
{
    const struct batch_record *record = witness->record;
    struct version version = {.revision = record->revision == NO_REVISION ? node->cell.revision + 1 : record->revision,
                              .source = source, .status = record->status, .value = witness->value,
                              .line = record->line, .reported_at = record->reported_at,
                              .reason = memory_copy_text(record->reason)};
    make_room(node);
    version.was_live = version.revision > node->cell.revision;
    node->cell.versions = memory_grow(node->cell.versions, &node->cell.capacity, node->cell.count + 1,
                                      sizeof *node->cell.versions);
    if (version.was_live) {
        node->cell.revision = version.revision;
        node->cell.live = node->cell.count;
    }
    node->cell.versions[node->cell.count++] = version;
}

static enum status see(void *context, const struct witness *witness)
{
    struct explaining *explaining = context;
    struct node key, *const key_pointer = &key;
    uint32_t source;
    if (witness->element == NO_INDEX || witness->unit == NO_INDEX)
        return STATUS_OK;
    key.cell.form = explaining->catalogue->elements[witness->element].form;
    key.cell.element = witness->element;
    key.cell.unit = witness->unit;
    key.cell.period = witness->period;
    struct node **found = bsearch(&key_pointer, explaining->wanted, explaining->wanted_count,
                                  sizeof *explaining->wanted, by_form_period_cell);
    if (found == NULL)
        return STATUS_OK;
    const enum status status = sources_add(&explaining->sources, explaining->asking->office->store, witness->entry,
                                           witness->batch, &source, explaining->asking->why);
    if (status != STATUS_OK)
        return status;
    /* A cell may stand in the tree twice (a name used twice in a formula): those stand side by side. */
    while (found > explaining->wanted && by_form_period_cell(found - 1, &key_pointer) == 0)
        found--;
    for (; found < explaining->wanted + explaining->wanted_count && by_form_period_cell(found, &key_pointer) == 0; found++)
        take_version(*found, witness, source);
    return STATUS_OK;
}

static bool is_complete(const struct explaining *explaining, const struct node *node)
{
    if (node->cell.live == SIZE_MAX)
        return false;
    const struct version *live = &node->cell.versions[node->cell.live];
    return live->revision == node->cell.cell.revision && live->status == node->cell.cell.status &&
           explaining->sources.items[live->source].entry == node->cell.cell.entry;
}

/* wanted[..] of one form and period: first by the index of what touches it, else by the whole ledger. */
static enum status read_cells(struct explaining *explaining)
{
    const struct catalogue *catalogue = explaining->catalogue;
    const struct node *first = explaining->wanted[0];
    const char *form = catalogue->forms[catalogue->elements[first->cell.element].form].code;
    char period[PERIOD_TEXT];
    bool complete = true;
    enum status status;
    period_format(first->cell.period, period);
    status = witness_walk(explaining->asking, form, period, 0, explaining->asking->newest, see, explaining);
    for (size_t i = 0; i < explaining->wanted_count; i++)
        complete = complete && is_complete(explaining, explaining->wanted[i]);
    if (status != STATUS_OK || complete)
        return status;
    for (size_t i = 0; i < explaining->wanted_count; i++)
        forget_versions(explaining->wanted[i]);
    status = witness_walk(explaining->asking, NULL, NULL, 0, explaining->asking->newest, see, explaining);
    for (size_t i = 0; i < explaining->wanted_count && status == STATUS_OK; i++)
        if (!is_complete(explaining, explaining->wanted[i]))
            status = does_not_add_up(explaining, explaining->wanted[i]);
    return status;
}

static void write_version(struct explaining *explaining, struct node *node, const struct version *version)
{
    const struct source *source = &explaining->sources.items[version->source];
    char part[32];
    (void)snprintf(part, sizeof part, "%u/%u", (unsigned)source->part + 1, (unsigned)source->parts);
    write_cell(node, COLUMN_DETAIL, version->reason);
    write_cell(node, COLUMN_FILE, source->file);
    write_cell(node, COLUMN_PART, part);
    if (version->line > 0)
        write_number(node, COLUMN_LINE, (uint64_t)version->line);
    write_cell(node, COLUMN_AGENT, source->agent);
    write_number(node, COLUMN_ENTRY, source->entry);
    write_time(node, COLUMN_REPORTED_AT, version->reported_at);
    write_time(node, COLUMN_RECEIVED_AT, source->received_at);
    write_cell(node, COLUMN_SIGNATURE, signature_text(source->signature));
}

/* "superseded": was live once; "repeated": the live revision said again; "late": came after a higher one. */
static void add_version(struct explaining *explaining, uint32_t parent, const struct version *version)
{
    const struct node copy = explaining->nodes[parent];
    struct node *node = new_node(explaining, parent, NODE_END);
    const char status[2] = {record_status_letter(version->status), '\0'};
    write_cell(node, COLUMN_KIND,
               version->was_live ? "superseded" : version->revision == copy.cell.cell.revision ? "repeated" : "late");
    write_cell(node, COLUMN_SUBJECT, copy.cells[COLUMN_SUBJECT]);
    write_cell(node, COLUMN_UNIT, copy.cells[COLUMN_UNIT]);
    write_cell(node, COLUMN_PERIOD, copy.cells[COLUMN_PERIOD]);
    if (record_status_has_value(version->status))
        write_decimal(node, version->value.units, version->value.scale);
    write_cell(node, COLUMN_STATUS, status);
    write_number(node, COLUMN_REVISION, version->revision);
    write_version(explaining, node, version);
}

static enum status read_histories(struct explaining *explaining)
{
    const size_t nodes = explaining->count;
    struct node **cells = memory_array(nodes, sizeof *cells);
    size_t count = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < nodes; i++)
        if (explaining->nodes[i].kind == NODE_CELL)
            cells[count++] = &explaining->nodes[i];
    if (count > 1)
        qsort(cells, count, sizeof *cells, by_form_period_cell);
    for (size_t first = 0, end; first < count && status == STATUS_OK; first = end) {
        for (end = first + 1; end < count && cells[end]->cell.form == cells[first]->cell.form &&
                              period_equal(cells[end]->cell.period, cells[first]->cell.period);)
            end++;
        explaining->wanted = cells + first;
        explaining->wanted_count = end - first;
        status = read_cells(explaining);
    }
    free(cells);
    return status;
}

static void add_histories(struct explaining *explaining)
{
    const size_t nodes = explaining->count;
    for (uint32_t i = 0; i < nodes; i++) {
        if (explaining->nodes[i].kind != NODE_CELL)
            continue;
        const struct node *node = &explaining->nodes[i];
        const size_t live = node->cell.live;
        write_version(explaining, &explaining->nodes[i], &node->cell.versions[live]);
        for (size_t v = explaining->nodes[i].cell.count; v-- > 0;) {
            if (v == live)
                continue;
            if (has_room(explaining))
                add_version(explaining, i, &explaining->nodes[i].cell.versions[v]);
            else
                cut_node(explaining, &explaining->nodes[i]);
        }
    }
}

/* ---- the answer ---------------------------------------------------------------------------------------------------- */

static enum status grow(struct explaining *explaining)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < explaining->count && status == STATUS_OK; i++) {
        switch (explaining->nodes[i].kind) {
        case NODE_INDICATOR:
            status = expand_indicator(explaining, i);
            break;
        case NODE_SIDE:
            status = expand_side(explaining, i);
            break;
        case NODE_UNITS:
            status = expand_units(explaining, i);
            break;
        case NODE_CELL:
        case NODE_END:
            break;
        }
    }
    if (status == STATUS_OK)
        status = read_histories(explaining);
    if (status == STATUS_OK)
        add_histories(explaining);
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
    const uint32_t index = add_node(explaining, NO_INDEX, is_indicator ? NODE_INDICATOR : NODE_UNITS);
    struct node *node = &explaining->nodes[index];
    write_cell(node, COLUMN_KIND, "figure");
    if (!is_indicator)
        return make_top(explaining, index, subject.element, explaining->period);
    const struct indicator *indicator = &explaining->catalogue->indicators[subject.indicator];
    write_cell(node, COLUMN_SUBJECT, indicator->code);
    write_cell(node, COLUMN_NAME, name_in(explaining->asking->language, indicator->name_zh, indicator->name_en));
    write_cell(node, COLUMN_UNIT, place_code(explaining->catalogue, explaining->place));
    write_period(node, explaining->period);
    return STATUS_OK;
}

static void explaining_free(struct explaining *explaining)
{
    for (size_t i = 0; i < explaining->count; i++) {
        struct node *node = &explaining->nodes[i];
        for (size_t c = 0; c < COLUMN_COUNT; c++)
            free(node->cells[c]);
        forget_versions(node);
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
