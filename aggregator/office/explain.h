/* explain.h - the tree of `explain` while it grows. Inner part of answer_explain.c and the explain_*.c beside it.
 *
 *   answer_explain.c   the question, rows, the order of growing
 *   explain_formula.c  an indicator: its formula in numbers, its sides, the goals that use it
 *   explain_units.c    an element's figure: units below units, down to the cells of those that report
 *   explain_history.c  a cell: what the ledger says of it                                                             */
#ifndef AGGREGATOR_OFFICE_EXPLAIN_H
#define AGGREGATOR_OFFICE_EXPLAIN_H

#include "combine.h"
#include "parts.h"
#include "witness.h"

enum column {
    COLUMN_DEPTH, COLUMN_KIND, COLUMN_SUBJECT, COLUMN_NAME, COLUMN_UNIT, COLUMN_PERIOD, COLUMN_VALUE, COLUMN_STATUS,
    COLUMN_REVISION, COLUMN_DETAIL, COLUMN_FILE, COLUMN_PART, COLUMN_LINE, COLUMN_AGENT, COLUMN_ENTRY,
    COLUMN_REPORTED_AT, COLUMN_RECEIVED_AT, COLUMN_SIGNATURE, COLUMN_COUNT
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

/* Rows. A pointer to a node holds till the next one is added; parent NO_INDEX: the first. */
uint32_t explain_add(struct explaining *explaining, uint32_t parent, enum node_kind kind);
struct node *explain_row(struct explaining *explaining, uint32_t parent, enum node_kind kind); /* the same */
void explain_write(struct node *node, enum column column, const char *text);
void explain_write_number(struct node *node, enum column column, uint64_t number);
void explain_write_period(struct node *node, struct period period);
void explain_write_decimal(struct node *node, int64_t value, uint8_t decimals);
void explain_write_time(struct node *node, enum column column, int64_t time_ms);
void explain_write_ratio(struct node *node, enum figure_state state, const mpq_t value, uint8_t decimals);
void explain_write_counts(struct node *node, const char *before, uint64_t reported, uint64_t expected);
bool explain_has_room(const struct explaining *explaining);
void explain_cut(struct explaining *explaining, struct node *node); /* no room for what is below it */
/* What is not the same is a fault of ours or of the disk: said, not shown. */
enum status explain_mismatch(struct explaining *explaining, const struct node *node);

/* Growing: each adds the rows below one node. */
enum status explain_indicator(struct explaining *explaining, uint32_t index);
enum status explain_side(struct explaining *explaining, uint32_t index);
enum status explain_units(struct explaining *explaining, uint32_t index);
/* Makes the node the top of an element's tree: its figure is that of the place. */
enum status explain_top(struct explaining *explaining, uint32_t index, uint32_t element, struct period period);

/* When the tree stands: the records behind its cells, read from the ledger, then written into the rows. */
enum status explain_read_histories(struct explaining *explaining);
void explain_add_histories(struct explaining *explaining);
void explain_forget_versions(struct node *node);

#endif
