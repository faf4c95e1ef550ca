/* record.h - one figure on its way: (element, unit, period) -> value, by index into a catalogue. */
#ifndef SCHEMAS_RECORD_H
#define SCHEMAS_RECORD_H

#include "period.h"

#include <stdbool.h>
#include <stdint.h>

/* Observation status (SDMX CL_OBS_STATUS, the letters of CONTRACT 4). */
enum record_status {
    RECORD_NORMAL,       /* A */
    RECORD_PROVISIONAL,  /* P */
    RECORD_ESTIMATED,    /* E */
    RECORD_CANNOT_EXIST, /* M: reported, no figure */
    RECORD_NOT_COLLECTED,/* L: reported, no figure */
    RECORD_WITHHELD,     /* Q: reported, no figure */
    RECORD_RETRACTED,    /* X: takes the cell back */
};

/* The letter, and back (false when unknown; lower case is not accepted). */
char record_status_letter(enum record_status status);
bool record_status_by_letter(const char *text, enum record_status *ret_status);
/* A, P and E carry a value. */
bool record_status_has_value(enum record_status status);

#define NO_REVISION 0 /* "replaces what is live" */

struct record {
    uint32_t element, unit; /* catalogue indexes */
    struct period period;   /* of the form's frequency */
    int64_t value;          /* units of 10^-decimals of the element; 0 when the status carries none */
    uint32_t revision;      /* 1..LIMIT_REVISION, or NO_REVISION */
    enum record_status status;
    int64_t line;           /* line of the source file */
    int64_t reported_at;    /* Unix ms as the district says, INT64_MIN when not given */
    const char *reason;     /* "" when none; owner is whoever made the record */
};

#endif
