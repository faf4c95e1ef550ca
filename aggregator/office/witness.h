/* witness.h - where a figure came from: the records of the ledger as they were decided, each with the file, agent and
 * signature it came under. Inner part of the answers `explain` and `diff`. */
#ifndef AGGREGATOR_OFFICE_WITNESS_H
#define AGGREGATOR_OFFICE_WITNESS_H

#include "answer.h"
#include "batch.h"

/* One record that was taken (not refused, not of a repeated file), by today's catalogue. */
struct witness {
    const struct entry *entry;
    const struct batch *batch;
    const struct batch_record *record;
    uint32_t element, unit; /* NO_INDEX when the catalogue no longer knows it */
    struct period period;
    struct decimal value;   /* at the element's decimals; where digits would be lost, as it was reported */
};
typedef enum status witness_visitor(void *context, const struct witness *witness);

/* Visits the records of the entries after..upto in ledger order: all, or those of entries that touch the form (and
 * period). Stops at the first status that is not OK. */
enum status witness_walk(struct asking *asking, const char *form, const char *period, uint64_t after, uint64_t upto,
                         witness_visitor *visit, void *context);

/* The submission and how it is vouched for. */
enum signature_state { SIGNATURE_UNKNOWN_KEY, SIGNATURE_VALID, SIGNATURE_INVALID };
struct source {
    uint64_t entry;
    char agent[65];
    char file[256];
    uint32_t part, parts;
    int64_t received_at;
    enum signature_state signature;
};
const char *signature_text(enum signature_state state); /* "valid" ... */

struct known_key {
    char agent[65];
    unsigned char key[SEAL_PUBLIC];
};

/* Sources by number, each looked into once. Zero-initialise, or sources_start. */
struct sources {
    struct source *items;
    size_t count, capacity;
    uint64_t highest;        /* entry */
    struct known_key *keys;
    size_t key_count, key_capacity;
    bool without_signatures; /* nobody looks at them: they stay unchecked */
};
/* Gathers the keys of the agents: those the ledger's registry has noted, and those of agents.csv now (a file that
 * cannot be read adds none). */
enum status sources_start(struct sources *sources, const struct office *office, struct fault *why) MUST_CHECK;
void sources_free(struct sources *sources);
/* Number of the entry's source. The signature is checked: the chain value is worked out anew from the batch's bytes. */
enum status sources_add(struct sources *sources, struct store *store, const struct entry *entry,
                        const struct batch *batch, uint32_t *ret_source, struct fault *why);

#endif
