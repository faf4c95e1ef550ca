/* porter.h - stands at the collectors' door and watches what the protocol cannot see:
 *
 *   - connections that swallow bytes which never become a message. libzmq limits the size of a part and counts whole
 *     messages, so one message of endlessly many parts grows in its memory until nothing is left. Such a connection is cut;
 *     what it had collected is freed with it.
 *   - descriptors. When they run out, libzmq's listener tries accept() again and again at full speed. At 80 % in use it is
 *     said, at 90 % the door is closed (who is in stays in, who knocks tries later), below 80 % it opens again.
 *
 * Counting bytes works on tcp; on ipc only this machine's own users come. Everything in the program's own thread. */
#ifndef AGGREGATOR_PORTER_H
#define AGGREGATOR_PORTER_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stdint.h>

#define PORTER_MUTE_BYTES (8 << 20) /* received without one message: twice what credit lets an agent have under way */
#define PORTER_LOOK_MS 200

struct porter;

/* Before zmq_bind of `door`, which is borrowed; endpoint: for the fault. */
enum status porter_start(void *zmq_context, void *door, const char *endpoint, struct porter **ret_porter,
                         struct fault *why) MUST_CHECK;
void porter_stop(struct porter **porter); /* before the door is closed */
/* A whole message came over the connection with this descriptor (ZMQ_SRCFD; -1 is nobody). */
void porter_heard(struct porter *porter, int descriptor);
/* Cuts, closes and opens what has to be, and says so in the log; steady_ms: a clock nobody sets. */
void porter_look(struct porter *porter, int64_t steady_ms);

#endif
