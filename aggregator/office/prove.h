/* prove.h - `verify` and `ledger export|verify` as tables. They run in the command line's own process, read-only. */
#ifndef AGGREGATOR_OFFICE_PROVE_H
#define AGGREGATOR_OFFICE_PROVE_H

#include "fault.h"
#include "message.h"
#include "status.h"
#include "table.h"

struct prove_request {
    bool full;
    const char *keys;        /* folder of .pub files, NULL when none was given */
    const char *checkpoint;  /* file, likewise */
    bool tells;              /* progress on stderr */
};

/* Rows check,result,entries,first_bad,detail; *ret_sound is what the exit code says. */
enum status prove_store(const char *path, const struct prove_request *request, struct table *ret_table, bool *ret_sound,
                        struct fault *why) MUST_CHECK;
enum status prove_export(const char *folder, const struct prove_request *request, struct table *ret_table,
                         bool *ret_sound, struct fault *why) MUST_CHECK;
/* Rows entries,folder. */
enum status prove_write_export(const char *path, const char *folder, struct table *ret_table, struct fault *why) MUST_CHECK;

#endif
