/* link.c - every option of every socket, said once.
 *
 * libzmq's defaults are for programs that trust their peers and never stop: no heartbeats, endless lingering, messages of
 * any size, a ROUTER that drops in silence. And CURVE with a ZAP domain lets anybody in while no handler is bound, unless
 * option 93 demands one; that option is a draft in zmq.h but served by number in libzmq 4.3.4. */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#define OPTION_ZAP_ENFORCE_DOMAIN 93

struct option {
    int name;
    int value;
};

static enum status trouble(const char *endpoint, struct fault *why)
{
    fault_set(why, MESSAGE_LINK_OPTION, endpoint, zmq_strerror(errno), NULL);
    return STATUS_BROKEN;
}

static enum status set(void *socket, const struct option *options, size_t count, const char *endpoint,
                       struct fault *why)
{
    for (size_t i = 0; i < count; i++)
        if (zmq_setsockopt(socket, options[i].name, &options[i].value, sizeof options[i].value) != 0)
            return trouble(endpoint, why);
    return STATUS_OK;
}

/* What both ends have in common. A silent network is noticed within a minute; nothing lingers at exit, because what was
 * not acknowledged is in the outbox anyway. */
static enum status set_common(void *socket, const char *endpoint, int64_t max_bytes, struct fault *why)
{
    const struct option options[] = {
        {ZMQ_LINGER, 0},
        {ZMQ_HEARTBEAT_IVL, 20000},
        {ZMQ_HEARTBEAT_TIMEOUT, 60000},
        {ZMQ_HEARTBEAT_TTL, 60000},
        {ZMQ_HANDSHAKE_IVL, 30000}, /* a thousand at once on a busy machine: giving up early only begins them all anew */
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 60},
        {ZMQ_TCP_KEEPALIVE_INTVL, 15},
        {ZMQ_TCP_KEEPALIVE_CNT, 4},
        {ZMQ_TCP_MAXRT, 60000},
        {ZMQ_IPV6, strncmp(endpoint, "tcp://[", 7) == 0},
    };
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof max_bytes) != 0)
        return trouble(endpoint, why);
    return set(socket, options, ARRAY_LEN(options), endpoint, why);
}

static int type_of(void *socket)
{
    int type = -1;
    size_t size = sizeof type;
    return zmq_getsockopt(socket, ZMQ_TYPE, &type, &size) == 0 ? type : -1;
}

/* A ROUTER says so when it cannot deliver, and nobody takes over another's routing id. */
static enum status set_by_type(void *socket, const char *endpoint, struct fault *why)
{
    const struct option router[] = {{ZMQ_ROUTER_MANDATORY, 1}, {ZMQ_ROUTER_HANDOVER, 0},
                                    {ZMQ_SNDHWM, 64}, {ZMQ_RCVHWM, 64}};
    const struct option publisher[] = {{ZMQ_SNDHWM, 10000}}; /* a slow subscriber loses, and sees it by the numbers */
    const struct option subscriber[] = {{ZMQ_RCVHWM, 10000}};
    const struct option other[] = {{ZMQ_SNDHWM, 64}, {ZMQ_RCVHWM, 64}};
    switch (type_of(socket)) {
    case ZMQ_ROUTER: return set(socket, router, ARRAY_LEN(router), endpoint, why);
    case ZMQ_PUB:
    case ZMQ_XPUB: return set(socket, publisher, ARRAY_LEN(publisher), endpoint, why);
    case ZMQ_SUB:
    case ZMQ_XSUB: return set(socket, subscriber, ARRAY_LEN(subscriber), endpoint, why);
    default: return set(socket, other, ARRAY_LEN(other), endpoint, why);
    }
}

static enum status check_plain(const char *endpoint, struct fault *why)
{
    if (settings_is_loopback(endpoint))
        return STATUS_OK;
    fault_set(why, MESSAGE_PLAIN_ENDPOINT, endpoint, NULL);
    return STATUS_REFUSED;
}

static enum status set_text(void *socket, int name, const char *text, const char *endpoint, struct fault *why)
{
    return zmq_setsockopt(socket, name, text, strlen(text)) == 0 ? STATUS_OK : trouble(endpoint, why);
}

static enum status set_z85(void *socket, int name, const char key[41], const char *endpoint, struct fault *why)
{
    return zmq_setsockopt(socket, name, key, 41) == 0 ? STATUS_OK : trouble(endpoint, why);
}

enum status link_serve(void *socket, const char *domain, const struct secret_key *key, enum security security,
                       const char *endpoint, int64_t max_bytes, struct fault *why)
{
    const struct option server[] = {{ZMQ_BACKLOG, 1024}};
    const struct option curve[] = {{ZMQ_CURVE_SERVER, 1}, {OPTION_ZAP_ENFORCE_DOMAIN, 1}};
    enum status status = set_common(socket, endpoint, max_bytes, why);
    if (status == STATUS_OK)
        status = set_by_type(socket, endpoint, why);
    if (status == STATUS_OK)
        status = set(socket, server, ARRAY_LEN(server), endpoint, why);
    if (status != STATUS_OK)
        return status;
    if (security == SECURITY_NONE)
        return check_plain(endpoint, why);
    /* An empty domain would switch ZAP off, whatever option 93 says. */
    if (domain[0] == '\0') {
        errno = EINVAL;
        return trouble(endpoint, why);
    }
    status = set_text(socket, ZMQ_ZAP_DOMAIN, domain, endpoint, why);
    if (status == STATUS_OK)
        status = set(socket, curve, ARRAY_LEN(curve), endpoint, why);
    if (status == STATUS_OK)
        status = set_z85(socket, ZMQ_CURVE_SECRETKEY, key->curve, endpoint, why);
    return status;
}

enum status link_join(void *socket, const struct secret_key *own, const char server_curve[41], enum security security,
                      const char *endpoint, int64_t max_bytes, struct fault *why)
{
    const struct option client[] = {
        {ZMQ_IMMEDIATE, 1}, /* otherwise messages queue for a peer that is not there and arrive hours later */
        {ZMQ_RECONNECT_IVL, 100},
        {ZMQ_RECONNECT_IVL_MAX, 5000},
        {ZMQ_CONNECT_TIMEOUT, 5000}, /* the kernel asks a silent host after 1, 3, 7, 15 s ...: a return would wait for it */
    };
    enum status status = set_common(socket, endpoint, max_bytes, why);
    if (status == STATUS_OK)
        status = set_by_type(socket, endpoint, why);
    if (status == STATUS_OK)
        status = set(socket, client, ARRAY_LEN(client), endpoint, why);
    if (status != STATUS_OK)
        return status;
    if (security == SECURITY_NONE)
        return check_plain(endpoint, why);
    status = set_z85(socket, ZMQ_CURVE_SERVERKEY, server_curve, endpoint, why);
    if (status == STATUS_OK)
        status = set_z85(socket, ZMQ_CURVE_PUBLICKEY, own->public_key.curve, endpoint, why);
    if (status == STATUS_OK)
        status = set_z85(socket, ZMQ_CURVE_SECRETKEY, own->curve, endpoint, why);
    return status;
}
