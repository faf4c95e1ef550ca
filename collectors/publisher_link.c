/* publisher_link.c - the connection to the aggregator: made again by ZeroMQ itself; a monitor of the socket tells when it
 * stands and why it does not. ZeroMQ gives a connection up for good after a refused key; the operator may add the key at any
 * time, so it is made anew on the same socket then. */
#include "publisher_inside.h"

#include "link.h"
#include "limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum {
    RECONNECT_MS = 200,       /* the first try again; ZeroMQ doubles it up to ... */
    RECONNECT_MOST_MS = 1000, /* a try is one packet; after an outage everybody waits for as long as this, however many */
    ANEW_MS = 1000,           /* a connection that ZeroMQ gave up, doubled up to ... */
    ANEW_MOST_MS = 30000,
    EVENTS_A_PASS = 256,
};

/* ---- the socket ------------------------------------------------------------------------------------------------- */

static enum status socket_fault(const struct publisher *publisher, struct fault *why)
{
    fault_set(why, MESSAGE_SOCKET_TROUBLE, publisher->endpoint, zmq_strerror(zmq_errno()), NULL);
    return STATUS_BROKEN;
}

/* The pace of connecting again is this module's business: link.h only knows one that suits every socket. */
static bool set_reconnect(void *socket)
{
    uint32_t random;
    seal_random(&random, sizeof random);
    const int first = RECONNECT_MS + (int)(random % RECONNECT_MS), most = RECONNECT_MOST_MS;
    const int immediate = 1;
    return zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &first, sizeof first) == 0 &&
           zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &most, sizeof most) == 0 &&
           zmq_setsockopt(socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate) == 0;
}

static bool watch(struct publisher *publisher, void *context)
{
    char name[64];
    uint64_t unique;
    seal_random(&unique, sizeof unique);
    const int length = snprintf(name, sizeof name, "inproc://publisher-%016" PRIx64, unique);
    if (length < 0 || (size_t)length >= sizeof name)
        return false;
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_CLOSED;
    const int linger = 0;
    if (zmq_socket_monitor(publisher->socket, name, events) != 0)
        return false;
    publisher->monitor = zmq_socket(context, ZMQ_PAIR);
    return publisher->monitor != NULL &&
           zmq_setsockopt(publisher->monitor, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
           zmq_connect(publisher->monitor, name) == 0;
}

enum status publisher_connect(struct publisher *publisher, void *zmq_context, const struct secret_key *key,
                              const char aggregator[41], enum security security, struct fault *why)
{
    publisher->socket = zmq_socket(zmq_context, ZMQ_DEALER);
    if (publisher->socket == NULL)
        return socket_fault(publisher, why);
    const enum status status =
        link_join(publisher->socket, key, aggregator, security, publisher->endpoint, LIMIT_MESSAGE_BYTES, why);
    if (status != STATUS_OK)
        return status;
    return set_reconnect(publisher->socket) && watch(publisher, zmq_context) &&
                   zmq_connect(publisher->socket, publisher->endpoint) == 0
               ? STATUS_OK
               : socket_fault(publisher, why);
}

void publisher_disconnect(struct publisher *publisher)
{
    if (publisher->monitor != NULL) {
        if (publisher->sender.state == DELIVERY_STREAMING || publisher->sender.state == DELIVERY_THROTTLED) {
            const int linger = 200; /* the BYE alone is worth a moment: it tells `status` at once */
            const struct wire_message bye = {.kind = WIRE_BYE};
            zmq_setsockopt(publisher->socket, ZMQ_LINGER, &linger, sizeof linger);
            (void)publisher_send(publisher, &bye);
        }
        zmq_socket_monitor(publisher->socket, NULL, 0);
        zmq_close(publisher->monitor);
    }
    if (publisher->socket != NULL)
        zmq_close(publisher->socket);
}

/* ---- what becomes of the connection ---------------------------------------------------------------------------- */

static void link_lost(struct publisher *publisher, enum link_trouble trouble)
{
    struct delivery_event event = {.kind = DELIVERY_LINK_DOWN};
    /* What a handshake said is worth more than the disconnection that follows it. */
    if (trouble != LINK_UNREACHABLE || publisher->link_trouble == LINK_FINE)
        publisher->link_trouble = trouble;
    publisher->hello_owed = false;
    if (publisher->sender.link)
        publisher_step(publisher, &event);
}

static void connect_later(struct publisher *publisher)
{
    int64_t wait = ANEW_MS;
    for (uint32_t i = 0; i < publisher->anew_count && wait < ANEW_MOST_MS; i++)
        wait *= 2;
    publisher->anew_count++;
    publisher->anew_at = publisher->now_ms + (wait < ANEW_MOST_MS ? wait : ANEW_MOST_MS);
}

static void on_link_event(struct publisher *publisher, uint16_t event)
{
    struct delivery_event up = {.kind = DELIVERY_LINK_UP};
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        publisher->anew_count = 0;
        publisher->anew_at = INT64_MAX;
        publisher->link_trouble = LINK_FINE;
        publisher_step(publisher, &up);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        link_lost(publisher, LINK_KEY_REFUSED);
        connect_later(publisher);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        link_lost(publisher, LINK_NO_HANDSHAKE);
        connect_later(publisher);
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: link_lost(publisher, LINK_NO_HANDSHAKE); break;
    case ZMQ_EVENT_DISCONNECTED: link_lost(publisher, LINK_UNREACHABLE); break;
    case ZMQ_EVENT_CLOSED: /* nobody listens there: what an earlier handshake said is out of date */
        if (publisher->anew_at == INT64_MAX)
            publisher->link_trouble = LINK_UNREACHABLE;
        break;
    default: break;
    }
}

void publisher_watch_link(struct publisher *publisher)
{
    for (int i = 0; i < EVENTS_A_PASS; i++) {
        zmq_msg_t frame;
        uint16_t event = 0;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, publisher->monitor, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return;
        }
        if (zmq_msg_size(&frame) >= sizeof event)
            memcpy(&event, zmq_msg_data(&frame), sizeof event);
        while (zmq_msg_more(&frame) && zmq_msg_recv(&frame, publisher->monitor, 0) >= 0)
            ;
        zmq_msg_close(&frame);
        on_link_event(publisher, event);
    }
}

enum status publisher_connect_anew(struct publisher *publisher, struct fault *why)
{
    if (publisher->now_ms < publisher->anew_at)
        return STATUS_OK;
    publisher->anew_at = INT64_MAX;
    (void)zmq_disconnect(publisher->socket, publisher->endpoint); /* fails when ZeroMQ forgot it already */
    return zmq_connect(publisher->socket, publisher->endpoint) == 0 ? STATUS_OK : socket_fault(publisher, why);
}
