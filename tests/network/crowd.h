/* crowd.h - what both crowds have in common: crowd.c, of Suanpan's agents, and bare.c, of nothing but libzmq. */
#ifndef TESTS_NETWORK_CROWD_H
#define TESTS_NETWORK_CROWD_H

#include "peer.h"

#include <sys/resource.h>

/* PATIENCE is no bound of a test, only the end of waiting. */
enum { CROWD_FIRST = 1000, CROWD_PATIENCE_MS = 240000, CROWD_POLL_MS = 10, CROWD_SOCKETS = 20000 };

static inline void *crowd_context(void)
{
    struct rlimit files;
    void *context = zmq_ctx_new();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (zmq_ctx_set(context, ZMQ_MAX_SOCKETS, CROWD_SOCKETS) != 0)
        peer_fail("ZMQ_MAX_SOCKETS: %s", zmq_strerror(zmq_errno()));
    return context;
}

/* Waits for the script's word; false when it wants no more. */
static inline bool crowd_goes_on(int round)
{
    char line[16];
    printf("round %d\n", round);
    (void)fflush(stdout);
    return fgets(line, sizeof line, stdin) != NULL;
}

static inline void crowd_tell(size_t count, int64_t started)
{
    printf("acknowledged %zu after %" PRId64 " ms\n", count, peer_steady() - started);
    (void)fflush(stdout);
}

#endif
