/* batch.h - a batch of records as it is cut once in the collector, signed, sent, stored and checked: the same bytes all
 * the way. A msgpack envelope (drawn in wire.md) around columns of delta varints, with dictionaries of the codes
 * used, so that a batch explains itself without the catalogue. */
#ifndef SCHEMAS_BATCH_H
#define SCHEMAS_BATCH_H

#include "catalogue.h"
#include "record.h"
#include "status.h"

#include <stddef.h>
#include <stdint.h>

/* What the batch is part of: one submission is one taken file (or one delivery of another feed). */
struct submission {
    char file[256];            /* file name as delivered, UTF-8 */
    unsigned char hash[32];    /* BLAKE2b-256 of the file's bytes */
    char source[32];           /* kind of feed: "report" */
    int64_t taken_at;          /* collector's clock, Unix ms */
    uint32_t part, parts;      /* this batch is part (0-based) of so many */
    uint64_t refused_rows;     /* rows of the file the collector refused (whole file's count, in every part) */
    unsigned char catalogue_hash[32]; /* the catalogue the collector checked against */
};

/* Encodes up to LIMIT_BATCH_RECORDS records (order is kept). *ret_bytes is yours to free.
 * STATUS_REFUSED when it would exceed LIMIT_BATCH_BYTES: cut smaller. */
enum status batch_encode(const struct catalogue *catalogue, const struct submission *submission,
                         const struct record *records, size_t count, unsigned char **ret_bytes, size_t *ret_length,
                         struct fault *why) MUST_CHECK;

/* Dictionary entries of a decoded batch. Borrowed from the batch. */
struct batch_element {
    char code[64 + 1];
    uint8_t decimals; /* the scale its values are encoded with */
};

/* One record of a batch by dictionary index. */
struct batch_record {
    uint32_t element, unit, period; /* into the dictionaries below */
    int64_t value;
    uint32_t revision;
    enum record_status status;
    int64_t line;
    int64_t reported_at; /* INT64_MIN when not given */
    const char *reason;  /* "" when none; borrowed */
};

struct batch {
    struct submission submission;
    struct batch_element *elements; size_t element_count;
    char (*units)[64 + 1];          size_t unit_count;
    struct period *periods;         size_t period_count;
    struct batch_record *records;   size_t record_count;
    struct batch_private *private;
};

/* Decodes bytes from anywhere: every count is checked against the bytes left before anything is allocated, nothing may
 * be left over, every code is UTF-8 within limits, every period parses. STATUS_REFUSED with malformed_batch and what
 * is wrong; a batch that was given is then empty. Reuses the memory of *batch when it is not NULL (the hot path decodes
 * millions). Not enforced here: that a dictionary names a code once, or that the catalogue knows it. */
enum status batch_decode(const unsigned char *bytes, size_t length, struct batch **batch, struct fault *why) MUST_CHECK;
void batch_free(struct batch **batch);
/* How many bytes, before the records, tell of the submission; 0 when they do not. */
size_t batch_head(const unsigned char *bytes, size_t length);

#endif
