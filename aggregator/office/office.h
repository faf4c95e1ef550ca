/* office.h - answers the questions of CONTRACT 6 from a store: the one place behind command line, HTTP and page.
 *
 * The same code runs in the aggregator's office thread and, when no aggregator runs, in the command line itself over
 * the store opened read-only. Each question is answered from one snapshot, as fresh as the last acknowledged batch. */
#ifndef AGGREGATOR_OFFICE_OFFICE_H
#define AGGREGATOR_OFFICE_OFFICE_H

#include "catalogue.h"
#include "fault.h"
#include "store.h"
#include "table.h"
#include "wire.h"

struct office;

/* Borrows catalogue and store (opened STORE_READ by the calling thread). */
struct office *office_open(const struct catalogue *catalogue, struct store *store, size_t memory);
void office_close(struct office **office);
/* No aggregator runs over this store: `status` shows nobody as connected and what needs a writer is refused. */
void office_set_offline(struct office *office);

/* Where the keys of the agents are found (agents.csv); NULL: nowhere, and no signature is vouched for. */
void office_set_agents(struct office *office, const char *agents_file);

struct answer {
    struct table table;
    uint32_t exit_code;  /* exit code for the command line: 0, or e.g. 1 for catalogue check with errors */
    char as_of[40];      /* received_at of the newest entry behind the answer */
};
/* question: command and options by name (options of the command line without dashes; operands as "operand", repeated with
 * commas). now_ms: for "today". STATUS_REFUSED: the question is wrong (unknown unit, bad period ...), why says which
 * option; STATUS_AGAIN: the store cannot be read now. */
enum status office_answer(struct office *office, const struct wire_question *question, int64_t now_ms,
                          struct answer *ret_answer, struct fault *why) MUST_CHECK;
void answer_free(struct answer *answer);
/* `publish`: pins what the office sees now under a name and signs it. Storing it is the writer's. ret_as_of: when the
 * newest batch behind it was received. */
struct secret_key;
enum status office_publish(struct office *office, const struct wire_question *question, int64_t now_ms,
                           const struct secret_key *key, struct publication *ret_publication, int64_t *ret_as_of,
                           struct fault *why) MUST_CHECK;

/* What the commands are: one table for dispatch, --help, completion and HTTP parameters. */
struct office_option { const char *name, *argument, *zh, *en; };
struct office_command {
    const char *name, *operands, *zh, *en;
    const struct office_option *options;
    size_t option_count;
    bool over_http;
    const char *example;
};
const struct office_command *office_commands(size_t *ret_count);
const struct office_command *office_command(const char *name); /* NULL when there is none */

#endif
