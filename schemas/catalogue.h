/* catalogue.h - the catalogue of CONTRACT 2, loaded whole into one read-only object.
 *
 * Everything refers to everything by index (units[3].parent == 0). Codes are opaque text. Strings belong to the
 * catalogue and live as long as it does; loading reports every finding and never stops at the first. A catalogue with
 * broken_count > 0 can be looked at but must not be used to take data in: a reference that is wrong is NO_INDEX there
 * (element.form, form.level, goal.indicator, a unit's parent). */
#ifndef SCHEMAS_CATALOGUE_H
#define SCHEMAS_CATALOGUE_H

#include "decimal.h"
#include "fault.h"
#include "limit.h"
#include "period.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_INDEX UINT32_MAX
#define DAY_MIN INT32_MIN /* no opening date */
#define DAY_MAX INT32_MAX /* no closing date */

/* ---- units ---------------------------------------------------------------------------------------------------- */

/* A unit may stand in units.csv more than once, under other parents in periods that do not overlap (it moved). */
struct placement {
    uint32_t parent; /* unit, NO_INDEX for the root */
    int32_t opened;  /* first day, DAY_MIN when not given */
    int32_t closed;  /* last day, DAY_MAX when not given */
    int64_t row;     /* line of units.csv */
};

struct unit {
    const char *code, *name_zh, *name_en; /* name_en may be "" */
    uint32_t level;                       /* index into levels */
    uint32_t parent;                      /* of the newest placement */
    const struct placement *placements;   /* by time */
    size_t placement_count;
    uint32_t position;                    /* preorder position in the tree of the newest placements */
    uint32_t subtree_end;                 /* position after the last unit of its subtree */
    uint32_t slot;                        /* number among the units of its level, in preorder: its place in pages */
};

struct level {
    const char *name;
    uint32_t unit_count;          /* = number of slots of a page of this level */
    const uint32_t *unit_of_slot; /* unit_count unit indexes */
};

/* A run of slots of one level and the days during which it belongs to the asked unit. A tree in which nothing moved
 * gives exactly one cover, without limits (none when there is nothing of that level below). Covers of one call never
 * overlap in slots and days together. Days outside every placement of a moved unit (a gap, before the first, after the
 * last) count with the placement before them, or with the first; opening and closing alone never limit a cover. */
struct cover {
    uint32_t first_slot, slot_count;
    int32_t from, until; /* a period belongs when its last day lies in from..until (DAY_MIN..DAY_MAX: always) */
};

struct group {
    const char *code;
    const uint32_t *units;
    size_t unit_count;
};

/* ---- forms, elements, indicators, goals, rules ------------------------------------------------------------------- */

struct form {
    const char *code, *name_zh, *name_en, *office;
    enum period_kind frequency;
    uint32_t level;
    int32_t due_days;
    int32_t lock_days;      /* -1 when not given */
    const uint32_t *units;  /* explicit scope (unit indexes, slot order), NULL when owed by every unit of the level */
    size_t unit_count;
    const uint32_t *elements; /* its elements, catalogue order */
    size_t element_count;
};

enum element_kind { ELEMENT_FLOW, ELEMENT_STOCK, ELEMENT_YTD, ELEMENT_BASE };
enum element_aggregate { AGGREGATE_SUM, AGGREGATE_MAX, AGGREGATE_MIN };

struct element {
    const char *code, *name_zh, *name_en, *unit_zh;
    uint32_t form;
    enum element_kind kind;
    enum element_aggregate aggregate;
    uint8_t decimals;
    bool has_min, has_max, has_jump, required;
    struct decimal min, max; /* at the element's decimals */
    struct decimal jump_pct;
};

enum term_kind {
    TERM_INTEGER,
    TERM_ELEMENT,
    TERM_EXPECTED_UNITS,
    TERM_REPORTS_EXPECTED,
    TERM_REPORTS_RECEIVED,
    TERM_REPORTS_ON_TIME,
    TERM_REPORTS_CLEAN,
};
enum term_shift { SHIFT_NONE, SHIFT_PREV, SHIFT_PREV_YEAR };

struct term {
    enum term_kind kind;
    enum term_shift shift;
    int64_t factor;   /* signed; for TERM_INTEGER the integer itself */
    uint32_t element; /* TERM_ELEMENT */
};

/* A linear expression: the sum of its terms. count 0: absent. */
struct expression {
    struct term *terms;
    size_t count;
    uint32_t expected_units_form; /* form that expected_units counts, NO_INDEX when not used */
};

enum better { BETTER_UP, BETTER_DOWN };

struct indicator {
    const char *code, *name_zh, *name_en, *office, *section, *source;
    const char *numerator_text, *denominator_text; /* as written, denominator "" when absent */
    struct expression numerator, denominator;
    struct decimal factor; /* 1 when not given */
    uint8_t decimals;
    enum better better;
};

enum compare { COMPARE_EQ, COMPARE_NE, COMPARE_LE, COMPARE_GE, COMPARE_LT, COMPARE_GT };
enum pace_kind { PACE_DEFAULT, PACE_LINEAR, PACE_LEVEL, PACE_DUE, PACE_STEPS };

struct pace_step {
    struct period month;
    struct decimal percent;
};

struct goal {
    const char *code, *claim, *source;
    uint32_t indicator;
    uint32_t unit;  /* NO_INDEX when on a group */
    uint32_t group; /* NO_INDEX when on a unit */
    enum compare op; /* COMPARE_GE, COMPARE_LE, COMPARE_EQ */
    struct decimal value;
    int32_t start, due; /* first and last day; start defaults to 1 January of due's year */
    enum pace_kind pace; /* as written; PACE_DEFAULT is resolved by goal_pace() in goal.h */
    struct pace_step *steps;
    size_t step_count;
    struct decimal warn_pct; /* 10 when not given */
    struct decimal baseline; /* 0 when not given */
    int64_t row; /* line of goals.csv */
};

enum severity { SEVERITY_HARD, SEVERITY_SOFT };
enum rule_missing { MISSING_SKIP_ANY, MISSING_SKIP_ALL, MISSING_ZERO };

struct rule {
    const char *code, *message_zh, *message_en, *check_text;
    uint32_t form;
    struct expression left, right;
    enum compare op;
    enum severity severity;
    enum rule_missing missing;
};

struct holiday {
    int32_t date;
    bool works; /* kind `workday` */
};

/* ---- the catalogue ------------------------------------------------------------------------------------------------ */

struct catalogue {
    const char *name, *title, *version, *timezone;
    int year_start_month, year_start_day;
    struct unit *units;             size_t unit_count;
    struct level *levels;           size_t level_count;
    struct group *groups;           size_t group_count;
    struct form *forms;             size_t form_count;
    struct element *elements;       size_t element_count;
    struct indicator *indicators;   size_t indicator_count;
    struct goal *goals;             size_t goal_count;
    struct rule *rules;             size_t rule_count;
    struct holiday *holidays;       size_t holiday_count; /* by date */
    uint32_t root;                  /* unit */
    unsigned char hash[32];         /* BLAKE2b-256 over the files as read: tells two versions apart */
    unsigned char layout_hash[32];  /* over units, levels, forms and elements: pages of another layout are rebuilt */
    struct catalogue_private *private;
};

enum finding_severity { FINDING_ERROR, FINDING_WARNING, FINDING_INFO };

struct finding {
    enum finding_severity severity;
    char subject[LIMIT_SUBJECT];
    struct fault fault; /* code, file, row, column, sentence */
};

struct findings {
    struct finding *items;
    size_t count, capacity;
    size_t error_count;  /* all errors */
    size_t broken_count; /* those that keep the catalogue from being used: not the plan's own contradictions */
};

void findings_add(struct findings *findings, enum finding_severity severity, const char *subject,
                  const struct fault *fault);
void findings_free(struct findings *findings);

/* One file of a catalogue as bytes; how a catalogue travels and is kept in a store. */
struct catalogue_file {
    const char *name; /* "units.csv" */
    const char *bytes;
    size_t length;
};

/* Loads and checks everything, the goals' arithmetic of CONTRACT 2 included. Findings are appended; *ret_catalogue is
 * set even when there are errors (NULL only when the folder cannot be read at all: STATUS_REFUSED). */
enum status catalogue_load(const char *folder, struct catalogue **ret_catalogue, struct findings *findings,
                           struct fault *why) MUST_CHECK;
enum status catalogue_load_files(const struct catalogue_file *files, size_t count, struct catalogue **ret_catalogue,
                                 struct findings *findings, struct fault *why) MUST_CHECK;
/* The files a catalogue was loaded from, to keep it in a store. Borrowed. */
size_t catalogue_files(const struct catalogue *catalogue, const struct catalogue_file **ret_files);
void catalogue_free(struct catalogue **catalogue);

/* By exact code; NO_INDEX when unknown. */
uint32_t catalogue_unit(const struct catalogue *catalogue, const char *code);
uint32_t catalogue_group(const struct catalogue *catalogue, const char *code);
uint32_t catalogue_level(const struct catalogue *catalogue, const char *name);
uint32_t catalogue_form(const struct catalogue *catalogue, const char *code);
uint32_t catalogue_element(const struct catalogue *catalogue, const char *code);
uint32_t catalogue_indicator(const struct catalogue *catalogue, const char *code);
uint32_t catalogue_goal(const struct catalogue *catalogue, const char *code);
/* By exact Chinese or English name; NO_INDEX when unknown, NO_INDEX - 1 when several bear it. */
#define AMBIGUOUS_INDEX (NO_INDEX - 1)
uint32_t catalogue_unit_by_name(const struct catalogue *catalogue, const char *name);
uint32_t catalogue_element_by_name(const struct catalogue *catalogue, const char *name);

/* ---- questions about the tree --------------------------------------------------------------------------------------- */

/* True when `unit` is `ancestor` or lies below it on that day (by the placements in force). */
bool catalogue_is_below(const struct catalogue *catalogue, uint32_t unit, uint32_t ancestor, int32_t day);
/* True when some placement of the unit overlaps the period. */
bool catalogue_unit_open(const struct catalogue *catalogue, uint32_t unit, struct period period);
/* The slots of `level` at or below `unit`. Returns the number of covers; *ret_covers is yours to free, NULL when 0. */
size_t catalogue_cover(const struct catalogue *catalogue, uint32_t unit, uint32_t level, struct cover **ret_covers);
/* The same for several units together (a group): the union, each slot and day once. */
size_t catalogue_cover_units(const struct catalogue *catalogue, const uint32_t *units, size_t unit_count,
                             uint32_t level, struct cover **ret_covers);
/* True when the unit owes the form for the period: in its scope and open in it. */
bool catalogue_owes(const struct catalogue *catalogue, const struct form *form, uint32_t unit, struct period period);
/* Where in form->units (explicit scope, slot order) the first unit stands whose slot is not below `slot`. */
size_t catalogue_scope_at(const struct catalogue *catalogue, const struct form *form, uint32_t slot);
/* How many units with slots first..first+count-1 of the form's level owe the form for the period. O(log n) when no
 * unit of the level has opening or closing dates. */
size_t catalogue_owing(const struct catalogue *catalogue, const struct form *form, uint32_t first_slot,
                       uint32_t slot_count, struct period period);

#endif
