/* verify_inside.h - what verify.c and verify_full.c share. */
#ifndef AGGREGATOR_VERIFY_INSIDE_H
#define AGGREGATOR_VERIFY_INSIDE_H

#include "verify.h"

struct verifying {
    const struct verify_request *request;
    struct verification *found;
    struct store *store;
    struct proof *proof;
};

void verify_tell(struct verifying *verifying, const char *check, uint64_t done, uint64_t all);
enum status verify_full(struct verifying *verifying, struct fault *why) MUST_CHECK;

#endif
