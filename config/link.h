/* link.h - the security and timing of every ZeroMQ socket in one place, so that no socket is left on a default. */
#ifndef CONFIG_LINK_H
#define CONFIG_LINK_H

#include "keys.h"
#include "settings.h"
#include "status.h"

/* Makes a socket a CURVE server of a ZAP domain with domain enforcement (option 93), or plain with SECURITY_NONE, which
 * is refused unless the endpoint stays on this machine. Sets heartbeats, limits and lingering too. Before zmq_bind.
 * domain: "collectors", "queries" or "events". max_bytes: ZMQ_MAXMSGSIZE. */
enum status link_serve(void *socket, const char *domain, const struct secret_key *key, enum security security,
                       const char *endpoint, int64_t max_bytes, struct fault *why) MUST_CHECK;
/* The client side: CURVE to a known server key. Before zmq_connect. */
enum status link_join(void *socket, const struct secret_key *own, const char server_curve[41], enum security security,
                      const char *endpoint, int64_t max_bytes, struct fault *why) MUST_CHECK;

#endif
