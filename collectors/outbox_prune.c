/* outbox_prune.c - keeping what was delivered, and letting it go: after the time it is kept for, or for want of room. */
#include "outbox_inside.h"

#define PRUNED_AT_ONCE 256 /* batches a transaction */

/* The last of the oldest batches up to `most` whose file was taken at or before `cutoff`; 0: none. */
static enum status find_old(struct outbox *outbox, uint64_t most, int64_t cutoff, uint64_t *ret_until, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_OLDEST];
    int step;
    *ret_until = 0;
    sqlite3_bind_int64(statement, 1, (int64_t)most);
    sqlite3_bind_int64(statement, 2, PRUNED_AT_ONCE);
    /* A rescued batch may have lost its file's row: it has no age, and is not kept for one. */
    while ((step = sqlite3_step(statement)) == SQLITE_ROW &&
           (sqlite3_column_type(statement, 1) == SQLITE_NULL || sqlite3_column_int64(statement, 1) <= cutoff))
        *ret_until = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return step == SQLITE_ROW || step == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, step, why);
}

static enum status let_go(struct outbox *outbox, uint64_t most, int64_t cutoff, uint64_t *ret_until, struct fault *why)
{
    enum status status;
    *ret_until = 0;
    if (outbox->identity.low > most || outbox->identity.low > outbox->identity.high)
        return STATUS_OK;
    status = find_old(outbox, most, cutoff, ret_until, why);
    if (status != STATUS_OK || *ret_until == 0)
        return status;
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    sqlite3_bind_int64(outbox->sql[SQL_PRUNE], 1, (int64_t)*ret_until);
    status = outbox_run(outbox, SQL_PRUNE, why);
    if (status == STATUS_OK)
        outbox->identity.low = *ret_until + 1;
    return status;
}

static uint64_t smaller(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

enum status outbox_prune(struct outbox *outbox, int64_t cutoff, bool *ret_any, struct fault *why)
{
    uint64_t until = 0;
    const enum status status =
        let_go(outbox, smaller(outbox->identity.highest_acked, outbox->backed), cutoff, &until, why);
    *ret_any = until != 0;
    return status;
}

enum status outbox_sacrifice(struct outbox *outbox, uint64_t *ret_first, uint64_t *ret_last, struct fault *why)
{
    const uint64_t low = outbox->identity.low;
    /* After a restore the aggregator holds less than it once acknowledged, and asks again for the rest. */
    const enum status status = let_go(outbox, smaller(outbox->identity.highest_acked, outbox->held_there), INT64_MAX,
                                      ret_last, why);
    *ret_first = low;
    return status;
}

enum status outbox_used(struct outbox *outbox, uint64_t *ret_used, uint64_t *ret_free, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_USED];
    const int step = sqlite3_step(statement);
    *ret_used = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    *ret_free = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 1) : 0;
    sqlite3_reset(statement);
    return step == SQLITE_ROW ? STATUS_OK : outbox_failed(outbox, step, why);
}
