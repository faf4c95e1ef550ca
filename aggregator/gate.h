/* gate.h - who may enter: the ZAP handler, in its own thread, a ROUTER on inproc://zeromq.zap.01 bound before any
 * listener. Fails closed: no handler, no domain or no User-Id means no entry.
 *
 * Domains: "collectors" (keys of agents.csv; User-Id = agent code; revoked keys stay out), "queries" and "events" (the
 * aggregator's own key, User-Id "operator"; active agents' keys may listen to "events"). */
#ifndef AGGREGATOR_GATE_H
#define AGGREGATOR_GATE_H

#include "keys.h"
#include "settings.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_OPERATOR "operator" /* User-Id of the office */
#define GATE_LOCAL "local"       /* User-Id of whoever came without a key */

struct gate;

/* Starts the handler thread; returns when it answers. One per process. The tables are copied. security: with
 * SECURITY_NONE peers without CURVE are let in too, but only from this machine (ipc, loopback), as "local". */
enum status gate_start(void *zmq_context, enum security security, const struct agent *agents, size_t agent_count,
                       const struct public_key *operator_key, struct gate **ret_gate, struct fault *why) MUST_CHECK;
/* To be called at least every second: asks the handler, and ends the process (exit 1, with a word) when it answers no more. */
void gate_watch(struct gate *gate, int64_t steady_ms);
/* A new table of agents (agents.csv changed); takes effect on the next handshake. */
enum status gate_update(struct gate *gate, const struct agent *agents, size_t agent_count, struct fault *why) MUST_CHECK;
void gate_stop(struct gate **gate);

#endif
