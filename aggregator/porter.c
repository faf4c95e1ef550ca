/* porter.c - a monitor of the door's socket tells who comes and goes; the kernel tells how many bytes a connection brought.
 *
 * The descriptors belong to libzmq, which closes them in a thread of its own. It tells so before it does, and what it told
 * is read before any descriptor is touched; they are only asked and shut down here, never closed. */
#include "porter.h"

#include "log.h"
#include "memory.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <zmq.h>

#define MONITOR_ENDPOINT "inproc://porter"

enum {
    COUNT_MS = 1000,      /* descriptors are counted so often */
    SHORT_PERCENT = 80,
    CLOSE_PERCENT = 90,
    RECOVERED_PERCENT = 70, /* the word about few descriptors is said anew only after so much relief */
};

struct connection {
    bool open, heard;
    uint64_t mark; /* bytes received when a message was heard last */
};

struct porter {
    void *door, *monitor;
    char bound[256];                /* as the door calls it while closed */
    struct connection *connections; /* by descriptor */
    size_t capacity, highest;       /* highest: one above the highest open one */
    int64_t look_at, count_at;
    bool closed, short_told;
};

/* ---- start and stop -------------------------------------------------------------------------------------------------- */

enum status porter_start(void *zmq_context, void *door, const char *endpoint, struct porter **ret_porter,
                         struct fault *why)
{
    const int linger = 0, unlimited = 0; /* a full monitor would stop libzmq's thread */
    struct porter *porter = memory_new(struct porter);
    porter->door = door;
    if (zmq_socket_monitor(door, MONITOR_ENDPOINT, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED) == 0)
        porter->monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    if (porter->monitor != NULL && zmq_setsockopt(porter->monitor, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
        zmq_setsockopt(porter->monitor, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == 0 &&
        zmq_connect(porter->monitor, MONITOR_ENDPOINT) == 0) {
        *ret_porter = porter;
        return STATUS_OK;
    }
    fault_set(why, MESSAGE_SOCKET_TROUBLE, endpoint, zmq_strerror(zmq_errno()), NULL);
    porter_stop(&porter);
    return STATUS_BROKEN;
}

void porter_stop(struct porter **porter)
{
    struct porter *old = *porter;
    *porter = NULL;
    if (old == NULL)
        return;
    (void)zmq_socket_monitor(old->door, NULL, 0);
    if (old->monitor != NULL)
        zmq_close(old->monitor);
    free(old->connections);
    free(old);
}

/* ---- who comes and goes ----------------------------------------------------------------------------------------------- */

static void accepted(struct porter *porter, size_t descriptor)
{
    const size_t before = porter->capacity;
    porter->connections =
        memory_grow(porter->connections, &porter->capacity, descriptor + 1, sizeof *porter->connections);
    if (porter->capacity > before)
        memset(porter->connections + before, 0, (porter->capacity - before) * sizeof *porter->connections);
    porter->connections[descriptor] = (struct connection){.open = true};
    if (descriptor >= porter->highest)
        porter->highest = descriptor + 1;
}

static void gone(struct porter *porter, size_t descriptor)
{
    if (descriptor < porter->capacity)
        porter->connections[descriptor].open = false;
    while (porter->highest > 0 && !porter->connections[porter->highest - 1].open)
        porter->highest--;
}

/* False when nothing waits. An event is two frames: its number and value, then the address. */
static bool read_event(struct porter *porter)
{
    unsigned char event[6];
    uint16_t kind;
    int32_t descriptor;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool received = zmq_msg_recv(&frame, porter->monitor, ZMQ_DONTWAIT) == (int)sizeof event;
    if (received) {
        memcpy(event, zmq_msg_data(&frame), sizeof event);
        memcpy(&kind, event, sizeof kind);
        memcpy(&descriptor, event + sizeof kind, sizeof descriptor);
        while (zmq_msg_more(&frame) && zmq_msg_recv(&frame, porter->monitor, 0) >= 0)
            ;
        if (descriptor >= 0 && kind == ZMQ_EVENT_ACCEPTED)
            accepted(porter, (size_t)descriptor);
        else if (descriptor >= 0)
            gone(porter, (size_t)descriptor);
    }
    zmq_msg_close(&frame);
    return received;
}

void porter_heard(struct porter *porter, int descriptor)
{
    if (descriptor >= 0 && (size_t)descriptor < porter->capacity)
        porter->connections[descriptor].heard = true;
}

/* ---- bytes that become no message ---------------------------------------------------------------------------------------- */

static bool bytes_received(int descriptor, uint64_t *ret_bytes)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return false; /* of ipc, or just closed */
    *ret_bytes = info.tcpi_bytes_received;
    return true;
}

static void name_peer(int descriptor, char *ret_text, size_t capacity)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } peer;
    socklen_t length = sizeof peer;
    char address[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;
    memset(&peer, 0, sizeof peer);
    if (getpeername(descriptor, &peer.any, &length) == 0 && peer.any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &peer.four.sin_addr, address, sizeof address);
        port = ntohs(peer.four.sin_port);
    } else if (peer.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &peer.six.sin6_addr, address, sizeof address);
        port = ntohs(peer.six.sin6_port);
    }
    (void)snprintf(ret_text, capacity, "%s %u", address, port);
}

static void look_at(struct connection *connection, int descriptor)
{
    uint64_t bytes;
    char peer[INET6_ADDRSTRLEN + 8], text[24];
    if (!bytes_received(descriptor, &bytes))
        return;
    if (connection->heard || bytes < connection->mark)
        connection->mark = bytes;
    connection->heard = false;
    if (bytes - connection->mark <= PORTER_MUTE_BYTES)
        return;
    name_peer(descriptor, peer, sizeof peer);
    (void)snprintf(text, sizeof text, "%" PRIu64, bytes - connection->mark);
    (void)shutdown(descriptor, SHUT_RDWR);
    connection->open = false;
    log_event(LOG_LEVEL_WARN, "connection_cut", "peer", peer, "bytes", text, "detail",
              "so much arrived without becoming one message", NULL);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------------------ */

static unsigned descriptors_in_use(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return errno == EMFILE ? UINT_MAX : 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static unsigned percent_in_use(void)
{
    struct rlimit files;
    const unsigned count = descriptors_in_use();
    if (count == UINT_MAX)
        return 100;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY || files.rlim_cur == 0)
        return 0;
    return (unsigned)((uint64_t)count * 100 / files.rlim_cur);
}

static void close_door(struct porter *porter, const char *percent)
{
    size_t size = sizeof porter->bound;
    if (zmq_getsockopt(porter->door, ZMQ_LAST_ENDPOINT, porter->bound, &size) != 0 ||
        zmq_unbind(porter->door, porter->bound) != 0)
        return;
    porter->closed = true;
    log_event(LOG_LEVEL_ERROR, "door_closed", "percent", percent, "detail",
              "no new connections of collectors until descriptors are free again", NULL);
}

/* libzmq may still be about to close the old one: then with the next look. */
static void open_door(struct porter *porter, const char *percent)
{
    if (zmq_bind(porter->door, porter->bound) != 0)
        return;
    porter->closed = false;
    log_event(LOG_LEVEL_INFO, "door_open", "percent", percent, NULL);
}

static void look_at_descriptors(struct porter *porter)
{
    const unsigned percent = percent_in_use();
    char text[12];
    (void)snprintf(text, sizeof text, "%u", percent);
    if (percent >= SHORT_PERCENT && !porter->short_told)
        log_event(LOG_LEVEL_WARN, "descriptors_short", "percent", text, "detail", "raise LimitNOFILE", NULL);
    porter->short_told = percent >= SHORT_PERCENT || (porter->short_told && percent >= RECOVERED_PERCENT);
    if (porter->closed && percent < SHORT_PERCENT)
        open_door(porter, text);
    else if (!porter->closed && percent >= CLOSE_PERCENT)
        close_door(porter, text);
}

void porter_look(struct porter *porter, int64_t steady_ms)
{
    if (steady_ms < porter->look_at)
        return;
    porter->look_at = steady_ms + PORTER_LOOK_MS;
    while (read_event(porter))
        ;
    for (size_t i = 0; i < porter->highest; i++)
        if (porter->connections[i].open)
            look_at(&porter->connections[i], (int)i);
    if (steady_ms < porter->count_at)
        return;
    porter->count_at = steady_ms + COUNT_MS;
    look_at_descriptors(porter);
}
