/* publication.h - a period's figures pinned under a name: the ledger entry they are as of, signed by the aggregator
 * together with the hash of the figures themselves, so that they can be printed again to the last digit years later, with
 * the catalogue that was in force, and nobody can have changed them without its showing.
 *
 * What is hashed is a CSV as `query` prints it: every indicator for every unit of the upper levels, in Chinese, as of
 * the entry. What is signed is drawn in schemas/wire.md. */
#ifndef AGGREGATOR_OFFICE_PUBLICATION_H
#define AGGREGATOR_OFFICE_PUBLICATION_H

#include "answer.h"
#include "keys.h"

/* A moment of the ledger, named by its time or by a publication. */
struct moment {
    uint64_t entry;
    bool is_published;
    struct publication publication;
};
/* What an office sees at a moment. */
struct view {
    struct office *office; /* with the catalogue that was in force, when that is another */
    const struct catalogue *catalogue;
    struct abacus *abacus;
    struct figures *figures;
    uint64_t entry;
};

/* The moment that option `name` speaks of. A publication is checked: signature, key, ledger. STATUS_REFUSED when it does
 * not hold, or when the text is neither a time nor a publication. */
enum status moment_find(struct asking *asking, const char *name, const char *text, struct moment *ret_moment)
    MUST_CHECK;
/* which: 0 or 1; two views can be looked at together. The figures of a publication are checked against its hash. */
enum status moment_view(struct asking *asking, const struct moment *moment, size_t which, struct view *ret_view)
    MUST_CHECK;

/* Levels whose figures are published: district and above; where no level is called that, those of at most 256 units. */
bool is_upper_level(const struct catalogue *catalogue, uint32_t level);

/* Makes a publication of what `asking` sees (live): everything but the storing. as_of: when its last batch came. */
enum status publication_make(struct asking *asking, const struct secret_key *key, struct publication *ret_publication,
                             int64_t *ret_as_of) MUST_CHECK;
extern const char *const publication_columns[9];
void add_publication(struct table *table, const struct publication *publication, int64_t as_of, const char *state);

#endif
