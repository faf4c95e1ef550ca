/* abacus_inside.h - what sheet.c (pages in memory), abacus.c (who looks at what), apply.c (records into pages)
 * and completion.c share. */
#ifndef AGGREGATOR_ABACUS_INSIDE_H
#define AGGREGATOR_ABACUS_INSIDE_H

#include "abacus.h"
#include "block.h"

/* A form in one period: a page for each of its elements and one, the last, for when its reports were complete.
 *
 *   blocks   element 0: [b0 b1 ..]  element 1: [b0 b1 ..] ...  completed: [b0 b1 ..]      NULL: not in memory
 *
 * A sheet is the unit of time: all that is in it is as of `at`. */
struct sheet {
    struct sheet *next;       /* of its bucket, or of its companions */
    uint32_t form;
    struct period period;
    char text[PERIOD_TEXT];
    uint64_t at;              /* reader: the entry up to which it was replayed */
    uint64_t turn;            /* reader: the follow after which it was last brought up */
    bool from_ledger;         /* saved blocks are not used */
    bool with_completion;     /* the last page is kept up by replaying */
    bool was_replayed;        /* entries were applied on top of the saved blocks */
    bool is_scratch;          /* stands alone: in no bucket, its blocks in no list */
    uint32_t blocks_a_page;
    size_t held;              /* blocks in memory */
    struct block **blocks;
};

struct candidate {            /* a report that may have become complete */
    struct sheet *sheet;
    uint32_t slot, page; /* page: of an element of it that changed */
};

/* What one batch needs while it goes in; a nested replay takes another. */
#define COLUMNS 1024
#define VERDICTS 4096
#define SEEN 1024
#define TOUCHED 64

struct known_element {
    const struct element *element; /* NULL: unknown */
    uint32_t index, level;
    bool is_rescaled;
};
struct known_unit {
    uint32_t index, level, slot; /* index NO_INDEX: unknown */
};
struct column {                  /* (element, period) of the batch -> page */
    uint64_t stamp;
    uint32_t element, period;
    enum message message;        /* why not */
    struct sheet *sheet;         /* NULL: not asked for */
    struct block **blocks;
};
struct touched {                 /* (form, period) of the batch -> sheet */
    uint64_t stamp;
    uint32_t form, period;
    struct sheet *sheet;
};
struct verdict {                 /* (unit, period) of the batch -> may this agent report it */
    uint64_t stamp;
    uint32_t unit, period;
    enum message message;
};
struct workspace {
    struct workspace *next;
    struct batch *batch;
    uint64_t stamp;
    struct known_element *elements; size_t element_capacity;
    struct known_unit *units;       size_t unit_capacity;
    struct refusal *refused;        size_t refused_count, refused_capacity;
    struct candidate *candidates;   size_t candidate_count, candidate_capacity;
    struct column columns[COLUMNS];
    struct verdict verdicts[VERDICTS];
    struct touched touched[TOUCHED];
    struct { uint64_t stamp; struct sheet *sheet; uint32_t slot; } seen[SEEN];
};

struct form_facts {
    uint32_t *required;       /* ordinals of its required elements */
    size_t required_count;
    const struct rule **rules;/* hard */
    size_t rule_count;
    struct period *periods;   /* touched by any entry, ascending */
    size_t period_count, period_capacity;
    bool knows_periods;
};

enum role { ROLE_NONE, ROLE_READER, ROLE_WRITER };

#define BUCKETS 4096

struct block_list {
    struct block *first, *last;
};

struct abacus {
    struct store *store;
    const struct catalogue *catalogue;
    size_t memory, used, dirty_bytes, dirty_count;
    enum role role;
    uint64_t position;        /* newest entry it reflects */
    uint64_t base;            /* saved blocks in use are exact as of this entry; 0: none in use (reader) */
    bool is_masked;           /* reader before the saved watermark: reports' completion comes from the saved pages */
    bool is_foreign;          /* reader: the store's touches are of another layout and do not find every entry */
    bool is_trusted;          /* reader: the saved pages were found sound; from then on the writer looks after them */
    bool is_indexed;          /* reader: the index was looked at, and names what was written into it */
    enum abacus_origin origin;
    uint64_t turn, stamp, repaired, replayed;
    int64_t looked_at;        /* writer: saved blocks up to this place were looked at since the start */
    size_t damage_seen;       /* so many of them were damaged */
    uint32_t *ordinal;        /* of each element in its form */
    struct form_facts *forms;
    struct sheet *buckets[BUCKETS];
    struct block_list clean, dirty; /* clean: last used first */
    struct workspace *spare;
    unsigned char *bytes; size_t byte_capacity; /* for encoding */
    struct refusal *refusals; size_t refusal_count, refusal_capacity;
    struct touch *touches; char (*touch_periods)[PERIOD_TEXT]; size_t touch_count, touch_capacity, text_capacity;
};

/* Earlier states of other sheets while one sheet is replayed with its completion. */
struct companions {
    struct sheet *sheets;
};

/* ---- sheet.c ---------------------------------------------------------------------------------------------------- */
struct sheet *abacus_sheet(struct abacus *abacus, uint32_t form, struct period period);
struct sheet *abacus_scratch(struct abacus *abacus, uint32_t form, struct period period, bool from_ledger);
void abacus_drop_scratch(struct abacus *abacus, struct sheet **sheet);
enum status abacus_load(struct abacus *abacus, struct sheet *sheet, uint32_t page, uint32_t number,
                        struct block **ret_block, struct fault *why) MUST_CHECK;
static inline enum status abacus_block(struct abacus *abacus, struct sheet *sheet, uint32_t page, uint32_t number,
                                       struct block **ret_block, struct fault *why)
{
    *ret_block = sheet->blocks[(size_t)page * sheet->blocks_a_page + number];
    return *ret_block != NULL ? STATUS_OK : abacus_load(abacus, sheet, page, number, ret_block, why);
}
/* Puts a slot in; keeps lists, bounds and what is dirty. */
void abacus_set(struct abacus *abacus, struct block *block, uint32_t index, struct slot slot, uint64_t entry);
/* The same for a question: what was used last is dropped last. */
enum status abacus_use(struct abacus *abacus, struct sheet *sheet, uint32_t page, uint32_t number,
                       struct block **ret_block, struct fault *why) MUST_CHECK;
void abacus_mark(struct abacus *abacus, struct block *block, bool is_dirty);
uint32_t abacus_slots(const struct abacus *abacus, uint32_t form);
/* Drops what was not used for longest until the bound holds. What is dirty and the sheet in use (may be NULL) stay. */
void abacus_make_room(struct abacus *abacus, const struct sheet *keep);
void abacus_clear_sheet(struct abacus *abacus, struct sheet *sheet);
void abacus_drop_all(struct abacus *abacus);

/* ---- abacus.c ---------------------------------------------------------------------------------------------------- */
/* Ready for the batch that will be `entry`: pages as of the entry before, room made. */
enum status abacus_be_writer(struct abacus *abacus, uint64_t entry, struct fault *why) MUST_CHECK;
void abacus_note_period(struct abacus *abacus, uint32_t form, struct period period);

/* ---- apply.c ----------------------------------------------------------------------------------------------------- */
struct workspace *workspace_take(struct abacus *abacus);
void workspace_give(struct abacus *abacus, struct workspace *workspace);
void workspace_free(struct workspace **workspace);
/* Replays one entry into every sheet, or only into the one given. */
enum status replay_entry(struct abacus *abacus, const struct entry *entry, struct sheet *only,
                         struct companions *companions, struct fault *why) MUST_CHECK;
/* The next entry that may touch the sheet. */
enum status next_touching(struct abacus *abacus, const struct sheet *sheet, uint64_t after, struct entry *ret_entry,
                          bool *ret_found, struct fault *why) MUST_CHECK;
/* Replays the entries after sheet->at up to `upto` that touch the sheet. */
enum status replay_sheet(struct abacus *abacus, struct sheet *sheet, uint64_t upto, struct companions *companions,
                         struct fault *why) MUST_CHECK;

/* ---- completion.c -------------------------------------------------------------------------------------------------- */
/* Looks whether the candidates are complete as of the entry. companions: where other sheets' states come from (NULL: from
 * the sheets of the abacus, which the writer keeps at the same entry). */
enum status completion_settle(struct abacus *abacus, const struct candidate *candidates, size_t count, uint64_t entry,
                              int64_t received_at, struct companions *companions, struct fault *why) MUST_CHECK;
void companions_end(struct abacus *abacus, struct companions *companions);

#endif
