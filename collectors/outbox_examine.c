/* outbox_examine.c - what is wrong with an outbox, seen from beside the program that holds it: nothing is locked or written. */
#include "outbox_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LARGE (INT64_C(256) << 20)

static void look_at_file(struct doctor *doctor, sqlite3 *db, const char *path, const char *agent)
{
    char answer[256] = "", pending[24] = "";
    int code;
    if (!outbox_ask(db, "PRAGMA quick_check(1)", answer, sizeof answer, &code) || strcmp(answer, "ok") != 0) {
        doctor_add(doctor, "outbox", DOCTOR_ERROR, path, MESSAGE_DOCTOR_DAMAGED, MESSAGE_DOCTOR_OUTBOX_DAMAGED_ADVICE,
                   answer[0] == '\0' ? sqlite3_errmsg(db) : answer, NULL);
        return;
    }
    if (outbox_ask(db, "PRAGMA application_id", answer, sizeof answer, &code) &&
        strtol(answer, NULL, 10) != OUTBOX_APPLICATION && !outbox_has_its_tables(db)) {
        doctor_add(doctor, "outbox", DOCTOR_ERROR, path, MESSAGE_OUTBOX_FOREIGN, MESSAGE_DOCTOR_OUTBOX_FOREIGN_ADVICE, path, NULL);
        return;
    }
    if (outbox_ask(db, "SELECT agent FROM meta", answer, sizeof answer, &code) && strcmp(answer, agent) != 0)
        doctor_add(doctor, "outbox", DOCTOR_ERROR, path, MESSAGE_OUTBOX_OTHER_AGENT, MESSAGE_DOCTOR_OUTBOX_FOREIGN_ADVICE, path, answer);
    (void)outbox_ask(db, "SELECT high - acked FROM meta", pending, sizeof pending, &code);
    doctor_add(doctor, "outbox", DOCTOR_OK, path, MESSAGE_DOCTOR_PENDING, MESSAGE_NONE, pending, NULL);
}

static void look_at_witness(struct doctor *doctor, const char *folder)
{
    struct outbox_witness witness;
    if (outbox_read_witness(folder, &witness, NULL) == STATUS_OK && witness.alarm != MESSAGE_NONE)
        doctor_add(doctor, "outbox", DOCTOR_ERROR, folder, MESSAGE_ALARM_STANDS, MESSAGE_NONE, message_code(witness.alarm), NULL);
}

void outbox_examine(struct doctor *doctor, const char *folder, const char *agent)
{
    char path[4096], log[4200], lock[4200], number[24];
    struct stat about;
    sqlite3 *db = NULL;
    int process = 0;
    if ((size_t)snprintf(path, sizeof path, "%s/outbox.db", folder) >= sizeof path ||
        (size_t)snprintf(log, sizeof log, "%s-wal", path) >= sizeof log ||
        (size_t)snprintf(lock, sizeof lock, "%s/lock", folder) >= sizeof lock)
        return;
    if (doctor_holder(lock, &process)) {
        (void)snprintf(number, sizeof number, "%d", process);
        doctor_add(doctor, "outbox", DOCTOR_OK, lock, MESSAGE_DOCTOR_HELD, MESSAGE_NONE, number, NULL);
    }
    if (outbox_is_gone(folder)) {
        doctor_add(doctor, "outbox", DOCTOR_ERROR, path, MESSAGE_DOCTOR_OUTBOX_GONE, MESSAGE_DOCTOR_OUTBOX_GONE_ADVICE, NULL, NULL);
        return;
    }
    if (access(path, F_OK) != 0) {
        doctor_add(doctor, "outbox", DOCTOR_OK, path, MESSAGE_DOCTOR_NO_STORE, MESSAGE_NONE, path, NULL);
        return;
    }
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, 2000);
        look_at_file(doctor, db, path, agent);
        look_at_witness(doctor, folder);
    } else {
        doctor_add(doctor, "outbox", DOCTOR_ERROR, path, MESSAGE_CANNOT_READ, MESSAGE_NONE, path, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    if (stat(log, &about) == 0 && about.st_size >= LOG_LARGE) {
        (void)snprintf(number, sizeof number, "%lld", (long long)about.st_size >> 20);
        doctor_add(doctor, "outbox", DOCTOR_WARN, log, MESSAGE_DOCTOR_LOG_LARGE, MESSAGE_DOCTOR_LOG_LARGE_ADVICE, number, NULL);
    }
}
