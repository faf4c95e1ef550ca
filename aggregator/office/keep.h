/* keep.h - `backup` and `restore` as tables. They run in the command line's own process; only taking note of a backup is
 * the running aggregator's. */
#ifndef AGGREGATOR_OFFICE_KEEP_H
#define AGGREGATOR_OFFICE_KEEP_H

#include "fault.h"
#include "settings.h"
#include "status.h"
#include "table.h"

struct keep_request {
    const struct aggregator_settings *settings; /* NULL: only the store is known: nothing is signed nor noted */
    const char *store;       /* path */
    const char *folder;
    bool force, unsigned_too;
    bool tells;              /* progress on stderr */
    int64_t now_ms, timeout_ms;
};

/* One row: folder,entry,time,bytes,signed,noted. *ret_noted is false, and *why says why, when the backup is good but the
 * aggregator could not take note of it. */
enum status keep_backup(const struct keep_request *request, struct table *ret_table, bool *ret_noted, struct fault *why)
    MUST_CHECK;
/* One row: store,entry,time,generation,set_aside. */
enum status keep_restore(const struct keep_request *request, struct table *ret_table, struct fault *why) MUST_CHECK;

#endif
