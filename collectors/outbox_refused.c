/* outbox_refused.c - what comes back refused: from a record of a batch to the file and line that a clerk knows. */
#include "outbox_inside.h"

#include <stdio.h>
#include <string.h>

static enum status decode_batch(struct outbox *outbox, uint64_t seq, struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_GET];
    enum status status;
    if (outbox->decoded_seq == seq && seq != 0)
        return STATUS_OK;
    outbox->decoded_seq = 0;
    status = outbox_find_batch(outbox, seq, why);
    if (status == STATUS_OK)
        status = batch_decode(sqlite3_column_blob(statement, 3), (size_t)sqlite3_column_bytes(statement, 3),
                              &outbox->decoded, why);
    sqlite3_reset(statement);
    if (status == STATUS_OK)
        outbox->decoded_seq = seq;
    return status;
}

static void copy_column(sqlite3_stmt *statement, int column, char *ret_text, size_t capacity)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    if (text == NULL || snprintf(ret_text, capacity, "%s", (const char *)text) >= (int)capacity)
        ret_text[0] = '\0'; /* no path is that long; without one the caller makes a new place */
}

enum status outbox_origin(struct outbox *outbox, uint64_t seq, uint32_t index, struct outbox_origin *ret_origin,
                          struct fault *why)
{
    sqlite3_stmt *statement = outbox->sql[SQL_BATCH_MANIFEST];
    enum status status = decode_batch(outbox, seq, why);
    int step;
    if (status != STATUS_OK)
        return status;
    if (index >= outbox->decoded->record_count)
        return outbox_not_held(seq, why);
    sqlite3_bind_int64(statement, 1, (int64_t)seq);
    step = sqlite3_step(statement);
    if (step == SQLITE_ROW && sqlite3_column_bytes(statement, 3) == SEAL_HASH) {
        copy_column(statement, 0, ret_origin->path_done, sizeof(ret_origin->path_done));
        copy_column(statement, 1, ret_origin->path_refused, sizeof(ret_origin->path_refused));
        copy_column(statement, 2, ret_origin->file, sizeof(ret_origin->file));
        memcpy(ret_origin->hash, sqlite3_column_blob(statement, 3), SEAL_HASH);
        ret_origin->line = outbox->decoded->records[index].line;
    } else {
        status = step == SQLITE_ROW || step == SQLITE_DONE ? outbox_not_held(seq, why) : outbox_failed(outbox, step, why);
    }
    sqlite3_reset(statement);
    return status;
}

enum status outbox_refused_later(struct outbox *outbox, uint64_t seq, uint32_t index, struct fault *why)
{
    enum status status = decode_batch(outbox, seq, why);
    if (status != STATUS_OK)
        return status;
    if (index >= outbox->decoded->record_count)
        return outbox_not_held(seq, why);
    status = outbox_sql(outbox->db, "BEGIN IMMEDIATE", why);
    if (status != STATUS_OK)
        return status;
    status = outbox_forget_known(outbox, outbox->decoded, &outbox->decoded->records[index], why);
    if (status == STATUS_OK)
        status = outbox_run(outbox, SQL_META_REFUSED, why);
    status = outbox_sql_end(outbox->db, status, why);
    if (status == STATUS_OK)
        outbox->identity.refused_rows++;
    return status;
}
