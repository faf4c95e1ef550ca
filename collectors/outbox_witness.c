/* outbox_witness.c - the checkpoints that an outbox keeps of the aggregator's ledger: a table of its own with a row for each
 * that there is. It came after the first outboxes, which have the rest of theirs unchanged, so it is made when it lacks. */
#include "outbox_inside.h"

#include <stdio.h>
#include <string.h>

extern const unsigned char schemas_witness_sql[];

struct role {
    const char *name;
    char *text; /* CHECKPOINT_TEXT bytes */
};
#define ROLES 5
#define ALARM 4

static void roles_of(struct outbox_witness *witness, char alarm[CHECKPOINT_TEXT], struct role ret_roles[ROLES])
{
    ret_roles[0] = (struct role){"kept", witness->kept};
    ret_roles[1] = (struct role){"former", witness->former};
    ret_roles[2] = (struct role){"shown", witness->shown};
    ret_roles[3] = (struct role){"earlier", witness->earlier};
    ret_roles[ALARM] = (struct role){"alarm", alarm}; /* code of the message */
}

enum status outbox_witness_tables(sqlite3 *db, struct fault *why)
{
    return outbox_sql(db, (const char *)schemas_witness_sql, why);
}

enum status outbox_witness_load(sqlite3 *db, struct outbox_witness *ret_witness, struct fault *why)
{
    char alarm[CHECKPOINT_TEXT] = "";
    struct role roles[ROLES];
    sqlite3_stmt *row = NULL;
    memset(ret_witness, 0, sizeof *ret_witness);
    roles_of(ret_witness, alarm, roles);
    int code = sqlite3_prepare_v2(db, "SELECT role, text FROM witness", -1, &row, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        for (size_t i = 0; i < ROLES; i++)
            if (strcmp(roles[i].name, (const char *)sqlite3_column_text(row, 0)) == 0)
                (void)snprintf(roles[i].text, CHECKPOINT_TEXT, "%s", (const char *)sqlite3_column_text(row, 1));
        code = SQLITE_OK;
    }
    ret_witness->alarm = alarm[0] == '\0' ? MESSAGE_NONE : message_by_code(alarm);
    const enum status status = code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(db, code, why);
    sqlite3_finalize(row);
    return status;
}

static enum status write_row(sqlite3 *db, const struct role *role, struct fault *why)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db,
                                  role->text[0] == '\0' ? "DELETE FROM witness WHERE role = ?1"
                                                        : "INSERT OR REPLACE INTO witness (role, text) VALUES (?1, ?2)",
                                  -1, &statement, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, role->name, -1, SQLITE_STATIC);
        if (role->text[0] != '\0')
            sqlite3_bind_text(statement, 2, role->text, -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
    }
    const enum status status = code == SQLITE_DONE ? STATUS_OK : outbox_sql_failed(db, code, why);
    sqlite3_finalize(statement);
    return status;
}

static enum status save(sqlite3 *db, const struct outbox_witness *witness, struct fault *why)
{
    struct outbox_witness copy = *witness;
    char alarm[CHECKPOINT_TEXT];
    struct role roles[ROLES];
    (void)snprintf(alarm, sizeof alarm, "%s", witness->alarm == MESSAGE_NONE ? "" : message_code(witness->alarm));
    roles_of(&copy, alarm, roles);
    enum status status = outbox_sql(db, "BEGIN IMMEDIATE", why);
    for (size_t i = 0; status == STATUS_OK && i < ROLES; i++)
        status = write_row(db, &roles[i], why);
    return outbox_sql_end(db, status, why);
}

void outbox_witness(const struct outbox *outbox, struct outbox_witness *ret_witness)
{
    *ret_witness = outbox->witness;
}

enum status outbox_keep_witness(struct outbox *outbox, const struct outbox_witness *witness, struct fault *why)
{
    const struct outbox_witness *old = &outbox->witness;
    if (strcmp(old->kept, witness->kept) == 0 && strcmp(old->former, witness->former) == 0 &&
        strcmp(old->shown, witness->shown) == 0 && strcmp(old->earlier, witness->earlier) == 0 &&
        old->alarm == witness->alarm)
        return STATUS_OK;
    const enum status status = save(outbox->db, witness, why);
    if (status == STATUS_OK)
        outbox->witness = *witness;
    return status;
}

enum status outbox_read_witness(const char *folder, struct outbox_witness *ret_witness, struct fault *why)
{
    char path[4096];
    sqlite3 *db = NULL;
    enum status status = STATUS_REFUSED;
    memset(ret_witness, 0, sizeof *ret_witness);
    if (snprintf(path, sizeof path, "%s/outbox.db", folder) >= (int)sizeof path)
        fault_set(why, MESSAGE_CANNOT_READ, folder, "path too long", NULL);
    else if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        fault_set(why, MESSAGE_CANNOT_READ, path, sqlite3_errmsg(db), NULL);
    else {
        sqlite3_busy_timeout(db, 2000);
        status = outbox_witness_load(db, ret_witness, why);
    }
    sqlite3_close(db);
    return status;
}
