/* ask.h - the client side: one question to a running aggregator, one answer back. */
#ifndef AGGREGATOR_OFFICE_ASK_H
#define AGGREGATOR_OFFICE_ASK_H

#include "keys.h"
#include "settings.h"
#include "table.h"
#include "wire.h"

struct ask_target {
    const char *endpoint;
    enum security security;
    const struct secret_key *own; /* NULL with SECURITY_NONE */
    const char *server_curve;     /* NULL with SECURITY_NONE */
};

/* An answer as it came; the table's columns point into the message. */
struct asked {
    struct wire_message message;
    unsigned char *bytes;
    struct table table;
};

/* STATUS_OK: answered, perhaps with a fault in message.answer (exit_code, fault_zh, fault_en). STATUS_AGAIN: nobody
 * answered in time. STATUS_REFUSED: the endpoint or the keys are unusable. */
enum status ask_aggregator(const struct ask_target *target, const struct wire_question *question, int64_t timeout_ms,
                           struct asked *ret_asked, struct fault *why) MUST_CHECK;
void asked_free(struct asked *asked); /* NULL-safe, twice is fine */

#endif
