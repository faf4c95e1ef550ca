/* catalogue_internal.h - what the catalogue's own files share: the owner of all memory behind a catalogue, lookups, the
 * tree's bookkeeping, and how findings are made while loading. Nothing outside schemas/catalogue*.c, expression.c and
 * goal_arithmetic.c includes it. */
#ifndef SCHEMAS_CATALOGUE_INTERNAL_H
#define SCHEMAS_CATALOGUE_INTERNAL_H

#include "catalogue.h"

/* ---- text that lives as long as the catalogue -------------------------------------------------------------------- */

struct text_chunk;
struct text_arena {
    struct text_chunk *newest;
    size_t used, size; /* of the newest chunk */
};

const char *arena_keep(struct text_arena *arena, const char *text, size_t length);

/* ---- code -> number ---------------------------------------------------------------------------------------------- */

struct code_entry {
    const char *key; /* borrowed, NULL when the place is free */
    uint32_t hash, value;
};
struct code_index {
    struct code_entry *entries;
    size_t capacity, count; /* capacity is 0 or a power of two */
};

/* NO_INDEX when unknown. */
uint32_t code_index_find(const struct code_index *index, const char *key, size_t length);
/* False, with the value it has, when the key is there already. The key must outlive the index. */
bool code_index_add(struct code_index *index, const char *key, uint32_t value, uint32_t *ret_existing);
void code_index_replace(struct code_index *index, const char *key, uint32_t value);

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

/* Opening dates of 512 neighbouring slots: every unit of the block is open in a period that ends on or after
 * `opened` and starts on or before `closed`. */
struct open_block {
    int32_t opened, closed;
};
#define OPEN_BLOCK_SLOTS 512

struct level_days {
    bool dated; /* some unit of the level has an opening or closing date */
    struct open_block *blocks;
};

struct tree {
    uint32_t *unit_of_position;
    uint32_t *slots;           /* behind every level's unit_of_slot */
    struct level_days *days;   /* by level */
    uint32_t *moved;           /* units with several placements, in preorder */
    size_t moved_count;
    uint32_t *fragment;        /* by unit: the moved unit (number in `moved`) it hangs below, NO_INDEX: none */
    int32_t *epochs;           /* first days of the stretches in which no unit moves; epochs[0] is DAY_MIN */
    size_t epoch_count;
};

#define TREE_DEPTH 64 /* levels a tree may be deep: 全国 to 村民小组 takes eight */

/* ---- what a catalogue owns --------------------------------------------------------------------------------------- */

struct catalogue_private {
    struct catalogue_file *files;
    size_t file_count;
    struct text_arena texts;
    struct code_index units, groups, levels, forms, elements, indicators, goals, rules;
    struct code_index unit_names, element_names;
    struct placement *placements;
    uint32_t *group_units, *form_units, *form_elements;
    struct tree tree;
    size_t guesses_left; /* comparisons that may still be spent on "nearest" */
};

/* ---- findings while loading -------------------------------------------------------------------------------------- */

enum catalogue_part {
    PART_PACKAGE,
    PART_UNITS,
    PART_GROUPS,
    PART_FORMS,
    PART_FORM_UNITS,
    PART_ELEMENTS,
    PART_INDICATORS,
    PART_GOALS,
    PART_RULES,
    PART_HOLIDAYS,
    PART_COUNT,
};

struct loader {
    struct catalogue *catalogue;
    struct catalogue_private *private;
    struct findings *findings;
    uint32_t *reported;      /* by message: how often so far */
    bool usable[PART_COUNT]; /* the file was there with its columns: only then can a reference into it be wrong */
};

struct place {
    const char *file;
    int64_t row;
    const char *column, *subject;
};

/* Findings of one code beyond this are counted, not listed: a column shifted by a spreadsheet in half a million rows
 * is one mistake. The totals are reported at the end. */
#define FINDINGS_PER_CODE 1000

void loader_report(struct loader *loader, enum finding_severity severity, const struct place *place,
                   enum message message, const char *one, const char *two, const char *three, const char *four);
void loader_report_fault(struct loader *loader, enum finding_severity severity, const struct place *place,
                         const struct fault *fault);
/* The known code nearest to `word`, or "-" when none is near. */
const char *loader_nearest(struct loader *loader, const struct code_index *index, const char *word);
/* The same without a loader, for expressions. `budget`: how many codes may still be compared. */
const char *code_nearest(const struct code_index *index, const char *word, size_t *budget);

/* ---- steps of loading, in the order they run --------------------------------------------------------------------- */

void catalogue_load_parts(struct loader *loader);
/* Units, levels and placements are read; makes everything derived. `named`: by placement, whether its row named a
 * parent (a root is a row that names none, not one whose parent is unknown). */
void catalogue_tree_build(struct loader *loader, const bool *named);
void goal_arithmetic_check(struct loader *loader); /* everything else is read */
void catalogue_tree_free(struct tree *tree, size_t level_count);

/* Parent of a unit on a day. A gap between two placements belongs to the earlier one. */
uint32_t catalogue_parent_on(const struct catalogue *catalogue, uint32_t unit, int32_t day);

#endif
