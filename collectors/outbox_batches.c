/* outbox_batches.c - batches on their way: lent to the publisher as they were cut, until the aggregator says that it holds
 * them; a hole in their row is said to be lost, and its files may be taken once more. */
#include "outbox_inside.h"

#include <stdio.h>
#include <string.h>

enum status outbox_not_held(uint64_t seq, struct fault *why)
{
    char number[24];
    if (snprintf(number, sizeof(number), "%llu", (unsigned long long)seq) > 0)
        fault_set(why, MESSAGE_BATCH_NOT_HELD, number, NULL);
    return STATUS_REFUSED;
}

/* Batches are mostly read one after another: then it steps on from the last, without asking for the file's lock anew. */
enum status outbox_find_batch(struct outbox *outbox, uint64_t seq, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_GET];
    int step;
    if (!sqlite3_stmt_busy(statement) || (uint64_t)sqlite3_column_int64(statement, 4) + 1 != seq) {
        sqlite3_reset(statement);
        sqlite3_bind_int64(statement, 1, (int64_t)seq);
    }
    step = sqlite3_step(statement);
    if (step != SQLITE_ROW || (uint64_t)sqlite3_column_int64(statement, 4) != seq) {
        sqlite3_reset(statement);
        return step == SQLITE_ROW || step == SQLITE_DONE ? outbox_not_held(seq, why) : outbox_failed(outbox, step, why);
    }
    if (sqlite3_column_bytes(statement, 0) == SEAL_HASH && sqlite3_column_bytes(statement, 1) == SEAL_HASH &&
        sqlite3_column_bytes(statement, 2) == SEAL_SIGNATURE)
        return STATUS_OK;
    sqlite3_reset(statement);
    return outbox_failed(outbox, SQLITE_CORRUPT, why);
}

enum status outbox_batch(struct outbox *outbox, uint64_t seq, const unsigned char **ret_bytes, size_t *ret_length,
                         unsigned char ret_chain_before[SEAL_HASH], unsigned char ret_signature[SEAL_SIGNATURE],
                         struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_GET];
    const enum status status = outbox_find_batch(outbox, seq, why);
    if (status != STATUS_OK)
        return status;
    memcpy(ret_chain_before, sqlite3_column_blob(statement, 0), SEAL_HASH);
    memcpy(ret_signature, sqlite3_column_blob(statement, 2), SEAL_SIGNATURE);
    *ret_bytes = sqlite3_column_blob(statement, 3);
    *ret_length = (size_t)sqlite3_column_bytes(statement, 3);
    return STATUS_OK;
}

enum status outbox_chain(struct outbox *outbox, uint64_t seq, unsigned char ret_chain[SEAL_HASH], struct fault *why)
{
    const bool before_low = seq + 1 == outbox->identity.low && outbox->identity.low <= outbox->identity.high;
    enum status status;
    if (seq == 0) {
        seal_chain_start(outbox->agent, outbox->identity.id, ret_chain);
        return STATUS_OK;
    }
    if (seq == outbox->identity.high) {
        memcpy(ret_chain, outbox->identity.chain_at_high, SEAL_HASH);
        return STATUS_OK;
    }
    status = before_low ? STATUS_REFUSED : outbox_find_batch(outbox, seq, why);
    if (status == STATUS_OK) {
        memcpy(ret_chain, sqlite3_column_blob(outbox->sql[SQL_BATCH_GET], 1), SEAL_HASH);
    } else if (status == STATUS_REFUSED && (status = outbox_find_batch(outbox, seq + 1, why)) == STATUS_OK) {
        memcpy(ret_chain, sqlite3_column_blob(outbox->sql[SQL_BATCH_GET], 0), SEAL_HASH); /* the next one knows it */
    }
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    return status;
}

enum status outbox_held_after(struct outbox *outbox, uint64_t seq, uint64_t *ret_seq, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_AFTER];
    sqlite3_bind_int64(statement, 1, (int64_t)seq);
    const int step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        *ret_seq = sqlite3_column_type(statement, 0) == SQLITE_NULL ? outbox->identity.high + 1
                                                                     : (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return step == SQLITE_ROW ? STATUS_OK : outbox_failed(outbox, step, why);
}

/* ---- what is lost ----------------------------------------------------------------------------------------------- */

enum status outbox_lose(struct outbox *outbox, uint64_t from, uint64_t to, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_MANIFEST_LOSE];
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    sqlite3_bind_int64(statement, 1, (int64_t)from);
    sqlite3_bind_int64(statement, 2, (int64_t)to);
    return outbox_run(outbox, SQL_MANIFEST_LOSE, why);
}

enum status outbox_lost_files(struct outbox *outbox, outbox_lost_visitor *visit, void *context, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_LOST_FILES];
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        visit(context, (const char *)sqlite3_column_text(statement, 0), (const char *)sqlite3_column_text(statement, 1));
    sqlite3_reset(statement);
    return step == SQLITE_DONE ? STATUS_OK : outbox_failed(outbox, step, why);
}

/* ---- what the aggregator says it holds -------------------------------------------------------------------------- */

static enum status save_marks(struct outbox *outbox, uint64_t acked, uint64_t backed, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_META_ACKED];
    sqlite3_reset(outbox->sql[SQL_BATCH_GET]);
    sqlite3_bind_int64(statement, 1, (int64_t)acked);
    sqlite3_bind_int64(statement, 2, (int64_t)backed);
    const enum status status = outbox_run(outbox, SQL_META_ACKED, why);
    if (status == STATUS_OK) {
        outbox->identity.highest_acked = acked;
        outbox->backed = backed;
    }
    return status;
}

enum status outbox_acknowledge(struct outbox *outbox, uint64_t watermark, uint64_t backup_watermark, struct fault *why)
{
    uint64_t acked = outbox->identity.highest_acked;
    /* An aggregator cannot have what was never cut. */
    if (watermark > outbox->identity.high)
        watermark = outbox->identity.high;
    if (backup_watermark > watermark)
        backup_watermark = watermark;
    outbox->held_there = watermark;
    if (watermark > acked)
        acked = watermark;
    return acked == outbox->identity.highest_acked && backup_watermark == outbox->backed
               ? STATUS_OK
               : save_marks(outbox, acked, backup_watermark, why);
}

enum status outbox_hears(struct outbox *outbox, uint64_t watermark, uint64_t backup_watermark, struct fault *why)
{
    const uint64_t acked = outbox->identity.highest_acked;
    outbox->held_there = watermark < outbox->identity.high ? watermark : outbox->identity.high;
    if (backup_watermark > watermark)
        backup_watermark = watermark;
    if (backup_watermark > acked)
        backup_watermark = acked;
    return backup_watermark == outbox->backed ? STATUS_OK : save_marks(outbox, acked, backup_watermark, why);
}
