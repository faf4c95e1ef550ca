/* verify.h - proves a store: that its ledger is what was received (proof.h), that its pages are what the ledger says, that
 * what was refused would be refused again. Reads only, in short snapshots, beside a running aggregator.
 *
 * Rebuilding never reads a saved page: the ledger is copied into two scratch stores. In one every batch is decided anew
 * with the catalogue and scope in force then; from the other the pages are made as after a crash, up to the watermark of
 * the saved ones and compared with them cell by cell. */
#ifndef AGGREGATOR_VERIFY_H
#define AGGREGATOR_VERIFY_H

#include "proof.h"

#define VERIFY_ROWS 24

enum verify_result { VERIFY_OK, VERIFY_BAD, VERIFY_SKIPPED };
struct verify_row {
    char check[32];
    enum verify_result result;
    uint64_t looked_at, first_bad; /* first_bad 0: none, or no entry is to blame */
    char detail[256];
};
struct verification {
    struct verify_row rows[VERIFY_ROWS];
    size_t count;
    bool sound;
    uint64_t first_bad;      /* smallest of all */
};

struct verify_request {
    const char *path;
    bool full;
    /* What the verifier got from elsewhere; may be NULL and 0. */
    const struct public_key_of *keys;
    size_t key_count;
    const char *const *checkpoints; /* texts */
    size_t checkpoint_count;
    void (*progress)(void *context, const char *check, uint64_t done, uint64_t all); /* may be NULL */
    void *context;
};
struct public_key_of {
    char name[65];
    unsigned char key[SEAL_PUBLIC];
};

/* STATUS_OK whatever was found; otherwise the store could not be looked at. */
enum status verify_store(const struct verify_request *request, struct verification *ret_verification, struct fault *why)
    MUST_CHECK;
void verification_add(struct verification *verification, const char *check, enum verify_result result,
                      uint64_t looked_at, uint64_t first_bad, const char *detail);
/* The rows of the pure checks. */
void verification_add_proof(struct verification *verification, const struct proof *proof, bool with_streams);

/* A hash over the sums of every (element, period) of the whole tree: two ways to the same figures give the same. */
struct sums;
struct sums *sums_new(void);
void sums_add(struct sums *sums, const char *element, struct period period, __int128 sum, uint8_t decimals,
              uint64_t reported, uint64_t figures);
void sums_finish(struct sums **sums, uint64_t *ret_lines, char ret_hex[2 * SEAL_HASH + 1]);

#endif
