/* other_version.c - preloaded into a program that meets what another version of it made, or speaks with one (test 174).
 *
 *   UPGRADE_DIE_AT=n     killed right before the n-th statement that is run by sqlite3_exec, from 1
 *   UPGRADE_CARELESS=1   transactions are none: each statement stands for itself (the control)
 *   UPGRADE_SPEAKS=n     a collector's HELLO names this version of the protocol, as lowest and as highest
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a message, behind the head of its array (schemas/wire.md): its kind, and in a HELLO the versions spoken. */
enum { KIND = 3, LOWEST = 4, HIGHEST = 5, HELLO = 1 };

int zmq_send(void *socket, const void *bytes, size_t length, int flags);

static long executed;

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtol(text, NULL, 10);
}

static int run_one(sqlite3_stmt *statement)
{
    int code;
    if (++executed == number_of("UPGRADE_DIE_AT"))
        (void)kill(getpid(), SIGKILL);
    do
        code = sqlite3_step(statement);
    while (code == SQLITE_ROW);
    (void)sqlite3_finalize(statement); /* the same code again */
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* As SQLite does it, one statement after the other, for callers that want no rows. */
int sqlite3_exec(sqlite3 *database, const char *text, int (*row)(void *, int, char **, char **), void *context, char **message)
{
    static int (*next)(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
    int code = SQLITE_OK;
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_exec");
    if (row != NULL || message != NULL)
        return next(database, text, row, context, message);
    while (code == SQLITE_OK && *text != '\0') {
        sqlite3_stmt *statement = NULL;
        code = sqlite3_prepare_v2(database, text, -1, &statement, &text);
        if (code == SQLITE_OK && statement != NULL)
            code = run_one(statement);
    }
    return code;
}

int sqlite3_prepare_v3(sqlite3 *database, const char *text, int length, unsigned int flags, sqlite3_stmt **statement,
                       const char **tail)
{
    static int (*next)(sqlite3 *, const char *, int, unsigned int, sqlite3_stmt **, const char **);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "sqlite3_prepare_v3");
    if (number_of("UPGRADE_CARELESS") != 0 && (strncmp(text, "BEGIN", 5) == 0 || strncmp(text, "COMMIT", 6) == 0))
        text = "SELECT 1 WHERE 0";
    return next(database, text, length, flags, statement, tail);
}

int zmq_send(void *socket, const void *bytes, size_t length, int flags)
{
    static int (*next)(void *, const void *, size_t, int);
    const unsigned char *message = bytes;
    const long speaks = number_of("UPGRADE_SPEAKS");
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "zmq_send");
    if (speaks <= 0 || length <= HIGHEST || message[KIND] != HELLO)
        return next(socket, bytes, length, flags);
    unsigned char *other = malloc(length);
    if (other == NULL)
        return next(socket, bytes, length, flags);
    memcpy(other, bytes, length);
    other[LOWEST] = other[HIGHEST] = (unsigned char)speaks;
    const int sent = next(socket, other, length, flags);
    free(other);
    return sent;
}
