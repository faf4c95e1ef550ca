/* preload.c - loaded in front of a program (LD_PRELOAD), never part of it:
 *
 *   SUANPAN_HASTE=N   timers of ZeroMQ that take minutes to show anything are N times shorter
 *   SUANPAN_NO_HWM=1  pipes of sockets have no end: a seeded fault for controls
 *   SUANPAN_NO_CUT=1  shutdown() does nothing: a seeded fault for controls
 *   SUANPAN_OPEN=1    sockets get no ZAP domain; with domains enforced libzmq asks nobody then: a seeded fault for controls
 *   SUANPAN_LENIENT=1 domains are not enforced: without a handler libzmq lets everybody in, a seeded fault for controls
 *   SUANPAN_LINE=1    whoever comes first to a ROUTER of tcp stands before everybody else: a seeded fault for controls
 *   SUANPAN_SLOW_MS=N what is synced takes so long while there is a file SUANPAN_SLOW_WHEN
 *   SUANPAN_GATE=how  what becomes of the ZAP handler once there is a file SUANPAN_GATE_WHEN:
 *                     poll, recv, send: its calls fail; close: its socket is closed; exit, killed: its thread ends, with and
 *                     without the C library knowing; stuck: the thread goes no further; mute: it sends nothing and does not
 *                     know; unbind: nobody finds it any more; absent: it was never bound, file or not */
#define _GNU_SOURCE
#include "line.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define OPTION_ZAP_ENFORCE_DOMAIN 93

static int number(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : atoi(text);
}

static int is_timer(int option)
{
    return option == ZMQ_HEARTBEAT_IVL || option == ZMQ_HEARTBEAT_TIMEOUT || option == ZMQ_HEARTBEAT_TTL ||
           option == ZMQ_CONNECT_TIMEOUT || option == ZMQ_HANDSHAKE_IVL || option == ZMQ_RECONNECT_IVL_MAX ||
           option == ZMQ_TCP_MAXRT;
}

int zmq_setsockopt(void *socket, int option, const void *value, size_t length)
{
    static int (*real)(void *, int, const void *, size_t);
    const int haste = number("SUANPAN_HASTE");
    int timer;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_setsockopt");
    if ((number("SUANPAN_OPEN") && option == ZMQ_ZAP_DOMAIN) ||
        (number("SUANPAN_LENIENT") && option == OPTION_ZAP_ENFORCE_DOMAIN))
        return 0;
    if (number("SUANPAN_NO_HWM") && option == ZMQ_SNDHWM)
        return real(socket, option, &(int){0}, sizeof(int));
    if (haste < 2 || !is_timer(option) || length != sizeof timer)
        return real(socket, option, value, length);
    memcpy(&timer, value, sizeof timer);
    timer = timer / haste < 100 ? 100 : timer / haste;
    return real(socket, option, &timer, sizeof timer);
}

int shutdown(int descriptor, int how)
{
    static int (*real)(int, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "shutdown");
    return number("SUANPAN_NO_CUT") ? 0 : real(descriptor, how);
}

/* ---- the ZAP handler, and who is served first ------------------------------------------------------------------------------------------------- */

static void *handler, *door;
static pthread_t handler_thread;

static int is_how(const char *how)
{
    const char *wanted = getenv("SUANPAN_GATE");
    return wanted != NULL && strcmp(wanted, how) == 0;
}

/* True when it is to happen, to this socket or (NULL) in this thread. */
static int happens(const char *how, const void *socket)
{
    const char *when = getenv("SUANPAN_GATE_WHEN");
    return handler != NULL && is_how(how) &&
           (socket == NULL ? pthread_equal(pthread_self(), handler_thread) : socket == handler) && when != NULL &&
           access(when, F_OK) == 0;
}

static int fail_with(int number_of_error)
{
    errno = number_of_error;
    return -1;
}

int zmq_bind(void *socket, const char *endpoint)
{
    static int (*real)(void *, const char *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_bind");
    if (strncmp(endpoint, "tcp:", 4) == 0)
        door = socket;
    if (strcmp(endpoint, ZAP_ENDPOINT) != 0)
        return real(socket, endpoint);
    handler_thread = pthread_self();
    handler = socket;
    return is_how("absent") ? 0 : real(socket, endpoint);
}

int zmq_poll(zmq_pollitem_t *items, int count, long patience)
{
    static int (*real)(zmq_pollitem_t *, int, long);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_poll");
    if (happens("poll", NULL))
        return fail_with(ETERM);
    if (happens("close", NULL))
        zmq_close(handler);
    if (happens("exit", NULL))
        pthread_exit(NULL);
    if (happens("killed", NULL))
        syscall(SYS_exit, 0);
    while (happens("stuck", NULL))
        pause();
    if (happens("unbind", NULL))
        (void)zmq_unbind(handler, ZAP_ENDPOINT);
    return real(items, count, patience);
}

int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    static line_receive *real;
    static struct line line;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_msg_recv");
    if (happens("recv", socket))
        return fail_with(ENOTSOCK);
    return socket == door && number("SUANPAN_LINE") ? line_recv(&line, message, socket, real) : real(message, socket, flags);
}

int zmq_send(void *socket, const void *bytes, size_t length, int flags)
{
    static int (*real)(void *, const void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "zmq_send");
    if (happens("send", socket))
        return fail_with(EFSM);
    return happens("mute", socket) ? (int)length : real(socket, bytes, length, flags);
}

/* ---- a slow disk ------------------------------------------------------------------------------------------------------- */

static void wait_for_disk(void)
{
    const char *when = getenv("SUANPAN_SLOW_WHEN");
    if (when != NULL && access(when, F_OK) == 0)
        usleep((useconds_t)number("SUANPAN_SLOW_MS") * 1000);
}

int fdatasync(int file)
{
    wait_for_disk();
    return (int)syscall(SYS_fdatasync, file);
}

int fsync(int file)
{
    wait_for_disk();
    return (int)syscall(SYS_fsync, file);
}
