/* die_at.c - preloaded into one life of a program: it is killed (SIGKILL, as by a power button) right before or right after
 * its DIE_AT-th call of DIE_CALL. Calls: sync (fsync, fdatasync), write (pwrite), move (rename, renameat2, link, unlink),
 * send (zmq_send). DIE_WHEN is `before` or `after`. Nothing of it is in the shipped programs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at);
int zmq_send(void *socket, const void *bytes, size_t length, int flags);

static atomic_long counted;

static void here(const char *call, const char *when)
{
    const char *wanted = getenv("DIE_CALL"), *moment = getenv("DIE_WHEN"), *number = getenv("DIE_AT");
    if (wanted == NULL || moment == NULL || number == NULL || strcmp(wanted, call) != 0 || strcmp(moment, when) != 0)
        return;
    if (atomic_fetch_add(&counted, 1) + 1 == strtol(number, NULL, 10))
        (void)kill(getpid(), SIGKILL);
}

#define CALL(result, name, kind, parameters, arguments)                                                                \
    result name parameters                                                                                             \
    {                                                                                                                  \
        static result(*next) parameters;                                                                               \
        if (next == NULL)                                                                                              \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                                                 \
        here(kind, "before");                                                                                          \
        const result returned = next arguments;                                                                        \
        here(kind, "after");                                                                                           \
        return returned;                                                                                               \
    }

CALL(int, fsync, "sync", (int file), (file))
CALL(int, fdatasync, "sync", (int file), (file))
CALL(ssize_t, pwrite64, "write", (int file, const void *bytes, size_t length, off_t at), (file, bytes, length, at))
CALL(int, rename, "move", (const char *from, const char *to), (from, to))
CALL(int, renameat2, "move", (int from_in, const char *from, int to_in, const char *to, unsigned flags),
     (from_in, from, to_in, to, flags))
CALL(int, link, "move", (const char *from, const char *to), (from, to))
CALL(int, unlink, "move", (const char *path), (path))
CALL(int, zmq_send, "send", (void *socket, const void *bytes, size_t length, int flags), (socket, bytes, length, flags))
