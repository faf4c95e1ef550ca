/* preload.c - loaded in front of a program (LD_PRELOAD), never part of it:
 *
 *   SUANPAN_HASTE=N   timers of ZeroMQ that take minutes to show anything are N times shorter
 *   SUANPAN_NO_CUT=1  shutdown() does nothing: a seeded fault for controls
 *   SUANPAN_OPEN=1    sockets get no ZAP domain; with domains enforced libzmq asks nobody then: a seeded fault for controls */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

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
    if (number("SUANPAN_OPEN") && option == ZMQ_ZAP_DOMAIN)
        return 0;
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
