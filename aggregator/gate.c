/* gate.c - the ZAP handler (RFC 27).
 *
 * A ROUTER and not a REP: a REP that skips one answer refuses to go on, and then nobody gets in. The thread owns its sockets
 * and its tables; new tables arrive as a pointer over an inproc PAIR and are confirmed, so that gate_update returning means
 * the next handshake sees them. It asks no database and blocks on nothing. Should it fail the process ends with it,
 * because a CURVE server without a handler would wait, or worse, let everybody in. A thread that is gone or stuck says
 * nothing; so the program asks a question of its own every second, the way libzmq asks, and ends when none is answered.
 *
 *   request:  route, "", "1.0", id, domain, address, identity, mechanism, credentials ...
 *   answer:   route, "", "1.0", id, status, text, User-Id, metadata                                                  */
#include "gate.h"

#include "log.h"
#include "memory.h"
#include "options.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define NOTE_ENDPOINT "inproc://gate"

enum {
    CURVE_KEY = 32,
    FRAME_MOST = 256,  /* of interest; a longer frame fits nothing we know */
    FRAMES = 9,        /* with credentials of CURVE */
    ROUND_MS = 1000,
    ROUNDS = 5, /* without an answer; counted, because a program that stood still for an hour is not a dead gate */
};

struct admitted {
    unsigned char key[CURVE_KEY];
    char agent[65];
};

struct gate_table {
    enum security security;
    unsigned char operator_key[CURVE_KEY];
    struct admitted *admitted; /* by key */
    size_t count;
};

struct gate {
    void *context, *notes, *watch;
    pthread_t thread;
    int64_t watch_at;
    int in_vain; /* questions of the watch without an answer */
    enum security security;
    unsigned char operator_key[CURVE_KEY];
};

/* ---- tables -------------------------------------------------------------------------------------------------------- */

static void table_free(struct gate_table *table)
{
    if (table != NULL)
        free(table->admitted);
    free(table);
}

static int by_key(const void *one, const void *other)
{
    return memcmp(((const struct admitted *)one)->key, ((const struct admitted *)other)->key, CURVE_KEY);
}

static bool is_revoked(const struct agent *agents, size_t count, const char *curve)
{
    for (size_t i = 0; i < count; i++)
        if (agents[i].status == AGENT_REVOKED && strcmp(agents[i].key.curve, curve) == 0)
            return true;
    return false;
}

/* NULL when a key is not one. */
static struct gate_table *table_new(const struct gate *gate, const struct agent *agents, size_t count)
{
    struct gate_table *table = memory_new(struct gate_table);
    table->security = gate->security;
    memcpy(table->operator_key, gate->operator_key, CURVE_KEY);
    table->admitted = memory_array(count, sizeof *table->admitted);
    for (size_t i = 0; i < count; i++) {
        if (agents[i].status != AGENT_ACTIVE || is_revoked(agents, count, agents[i].key.curve))
            continue;
        struct admitted *admitted = &table->admitted[table->count++];
        if (zmq_z85_decode(admitted->key, agents[i].key.curve) == NULL) {
            table_free(table);
            return NULL;
        }
        memcpy(admitted->agent, agents[i].code, sizeof admitted->agent);
    }
    qsort(table->admitted, table->count, sizeof *table->admitted, by_key);
    return table;
}

static const char *agent_of(const struct gate_table *table, const unsigned char *key)
{
    struct admitted wanted;
    memcpy(wanted.key, key, CURVE_KEY);
    const struct admitted *found =
        table->count == 0 ? NULL : bsearch(&wanted, table->admitted, table->count, sizeof wanted, by_key);
    return found == NULL ? NULL : found->agent;
}

/* ---- judging one handshake ------------------------------------------------------------------------------------------- */

struct frame {
    char bytes[FRAME_MOST + 1]; /* terminated */
    size_t length;              /* FRAME_MOST + 1 when it was longer */
};

enum { ROUTE, EMPTY, VERSION, REQUEST, DOMAIN_NAME, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS };

static bool frame_is(const struct frame *frame, const char *text)
{
    return frame->length == strlen(text) && memcmp(frame->bytes, text, frame->length) == 0;
}

/* ipc has no address, or ":user:group:process" when libzmq adds the credentials of the socket. */
static bool is_local(const struct frame *address)
{
    return address->length == 0 || address->bytes[0] == ':' || strncmp(address->bytes, "127.", 4) == 0 ||
           frame_is(address, "::1") || frame_is(address, "::ffff:127.0.0.1");
}

/* The User-Id of who knocks, NULL when they stay out. */
static const char *judge(const struct gate_table *table, const struct frame frames[FRAMES], size_t count)
{
    const bool collectors = frame_is(&frames[DOMAIN_NAME], "collectors");
    const bool queries = frame_is(&frames[DOMAIN_NAME], "queries");
    const bool events = frame_is(&frames[DOMAIN_NAME], "events");
    if (!collectors && !queries && !events)
        return NULL;
    if (frame_is(&frames[MECHANISM], "NULL"))
        return table->security == SECURITY_NONE && is_local(&frames[ADDRESS]) ? GATE_LOCAL : NULL;
    if (!frame_is(&frames[MECHANISM], "CURVE") || count != FRAMES || frames[CREDENTIALS].length != CURVE_KEY)
        return NULL;
    const unsigned char *key = (const unsigned char *)frames[CREDENTIALS].bytes;
    if (!collectors && memcmp(key, table->operator_key, CURVE_KEY) == 0)
        return GATE_OPERATOR;
    return queries ? NULL : agent_of(table, key);
}

/* No word from here on could be trusted. What was acknowledged is on the disk; whoever started the program starts it again. */
static _Noreturn void give_up(int reason)
{
    struct fault why = {0};
    fault_set(&why, MESSAGE_GATE_DEAD, zmq_strerror(reason), NULL);
    log_fault(LOG_LEVEL_ERROR, "gate_failed", &why);
    _exit(EXIT_FAILED);
}

/* ---- the thread ------------------------------------------------------------------------------------------------------ */

/* Reads one whole request whatever its shape; false when it is not a request. *ret_count: its frames, 0 when none came. */
static bool read_request(void *handler, struct frame frames[FRAMES], size_t *ret_count)
{
    bool sound = true, more = true;
    size_t count = 0;
    *ret_count = 0;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, handler, ZMQ_DONTWAIT) < 0) {
            if (zmq_errno() != EAGAIN)
                give_up(zmq_errno());
            zmq_msg_close(&part);
            return false;
        }
        const size_t length = zmq_msg_size(&part);
        if (count < FRAMES) {
            const size_t kept = length <= FRAME_MOST ? length : 0;
            memcpy(frames[count].bytes, zmq_msg_data(&part), kept);
            frames[count].bytes[kept] = '\0';
            frames[count].length = length <= FRAME_MOST ? length : FRAME_MOST + 1;
            sound = sound && length <= FRAME_MOST;
        } else {
            sound = false; /* more credentials than any mechanism we know */
        }
        count++;
        more = zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    *ret_count = count < FRAMES ? count : FRAMES;
    return sound && count > MECHANISM && frame_is(&frames[VERSION], "1.0");
}

static void answer_request(void *handler, const struct frame frames[FRAMES], const char *user)
{
    const char *status = user != NULL ? "200" : "400", *text = user != NULL ? "OK" : "no entry";
    const struct { const void *bytes; size_t length; } parts[] = {
        {frames[ROUTE].bytes, frames[ROUTE].length},
        {"", 0},
        {"1.0", 3},
        {frames[REQUEST].bytes, frames[REQUEST].length},
        {status, 3},
        {text, strlen(text)},
        {user != NULL ? user : "", user != NULL ? strlen(user) : 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (zmq_send(handler, parts[i].bytes, parts[i].length,
                     ZMQ_DONTWAIT | (i + 1 < ARRAY_LEN(parts) ? ZMQ_SNDMORE : 0)) < 0)
            give_up(zmq_errno()); /* a ROUTER drops what is for somebody who left, and says so to nobody */
}

static void serve(void *handler, const struct gate_table *table)
{
    struct frame frames[FRAMES] = {0};
    size_t count = 0;
    int events = 0;
    size_t size = sizeof events;
    while (zmq_getsockopt(handler, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0) {
        const bool sound = read_request(handler, frames, &count);
        if (count > REQUEST)
            answer_request(handler, frames, sound ? judge(table, frames, count) : NULL);
    }
}

/* The thread's two sockets; false when they cannot be made. */
static bool open_sockets(void *context, void **ret_notes, void **ret_handler)
{
    const int linger = 0, unlimited = 0;
    *ret_notes = zmq_socket(context, ZMQ_PAIR);
    *ret_handler = zmq_socket(context, ZMQ_ROUTER);
    return *ret_notes != NULL && *ret_handler != NULL &&
           zmq_setsockopt(*ret_notes, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
           zmq_setsockopt(*ret_handler, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
           zmq_setsockopt(*ret_handler, ZMQ_SNDHWM, &unlimited, sizeof unlimited) == 0 &&
           zmq_setsockopt(*ret_handler, ZMQ_RCVHWM, &unlimited, sizeof unlimited) == 0 &&
           zmq_connect(*ret_notes, NOTE_ENDPOINT) == 0 && zmq_bind(*ret_handler, ZAP_ENDPOINT) == 0;
}

static void *run(void *context)
{
    void *notes = NULL, *handler = NULL;
    struct gate_table *table = NULL;
    bool asked_to_stop = false;
    const bool opened = open_sockets(context, &notes, &handler);
    if (notes == NULL || zmq_send(notes, &opened, sizeof opened, 0) < 0 || !opened)
        goto done;
    while (!asked_to_stop) {
        zmq_pollitem_t items[] = {{.socket = notes, .events = ZMQ_POLLIN}, {.socket = handler, .events = ZMQ_POLLIN}};
        if (zmq_poll(items, ARRAY_LEN(items), -1) < 0)
            give_up(zmq_errno()); /* no signal comes here */
        if (items[0].revents & ZMQ_POLLIN) {
            struct gate_table *fresh;
            if (zmq_recv(notes, &fresh, sizeof fresh, 0) != (int)sizeof fresh)
                give_up(zmq_errno());
            table_free(table);
            table = fresh;
            asked_to_stop = table == NULL;
            if (zmq_send(notes, &opened, sizeof opened, 0) < 0)
                give_up(zmq_errno());
        }
        if (table != NULL && (items[1].revents & ZMQ_POLLIN))
            serve(handler, table);
    }
done:
    table_free(table);
    if (handler != NULL)
        zmq_close(handler);
    if (notes != NULL)
        zmq_close(notes);
    return NULL;
}

/* ---- the program's side ------------------------------------------------------------------------------------------------ */

static enum status gate_fault(const char *text, struct fault *why)
{
    fault_set(why, MESSAGE_GATE_FAILED, text, NULL);
    return STATUS_BROKEN;
}

/* Waits for a word of the thread. */
static void await(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    for (int i = 0; item.revents == 0; i++) {
        if (i == ROUNDS)
            give_up(ETIMEDOUT);
        if (zmq_poll(&item, 1, ROUND_MS) < 0 && zmq_errno() != EINTR)
            give_up(zmq_errno());
    }
}

/* Asks who may enter a domain that nobody has, over a connection made anew like libzmq's own for each handshake. */
static void ask(struct gate *gate)
{
    static const char *const parts[] = {"", "1.0", "watch", "", "", "", "NULL"};
    (void)zmq_disconnect(gate->watch, ZAP_ENDPOINT); /* there is none the first time */
    if (zmq_connect(gate->watch, ZAP_ENDPOINT) != 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (zmq_send(gate->watch, parts[i], strlen(parts[i]),
                     ZMQ_DONTWAIT | (i + 1 < ARRAY_LEN(parts) ? ZMQ_SNDMORE : 0)) < 0)
            return;
}

static bool was_answered(struct gate *gate)
{
    char part[FRAME_MOST];
    bool answered = false;
    while (zmq_recv(gate->watch, part, sizeof part, ZMQ_DONTWAIT) >= 0)
        answered = true;
    return answered;
}

void gate_watch(struct gate *gate, int64_t steady_ms)
{
    if (steady_ms < gate->watch_at)
        return;
    gate->watch_at = steady_ms + ROUND_MS;
    gate->in_vain = was_answered(gate) ? 1 : gate->in_vain + 1;
    if (gate->in_vain > ROUNDS)
        give_up(ETIMEDOUT);
    ask(gate);
}

/* The first question: not before it is answered does anybody listen. */
static void start_watch(struct gate *gate)
{
    ask(gate);
    await(gate->watch);
}

/* Hands the thread a table (NULL: stop), waits until it has it. */
static enum status hand_over(struct gate *gate, struct gate_table *table, struct fault *why)
{
    bool confirmed;
    if (zmq_send(gate->notes, &table, sizeof table, 0) < 0) {
        table_free(table);
        return gate_fault(zmq_strerror(zmq_errno()), why);
    }
    await(gate->notes);
    return zmq_recv(gate->notes, &confirmed, sizeof confirmed, 0) < 0 ? gate_fault(zmq_strerror(zmq_errno()), why)
                                                                      : STATUS_OK;
}

static void close_sockets(struct gate *gate)
{
    if (gate->watch != NULL)
        zmq_close(gate->watch);
    if (gate->notes != NULL)
        zmq_close(gate->notes);
}

/* Signals are for the main thread. */
static int start_thread(struct gate *gate)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&gate->thread, NULL, run, gate->context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum status gate_update(struct gate *gate, const struct agent *agents, size_t agent_count, struct fault *why)
{
    struct gate_table *table = table_new(gate, agents, agent_count);
    return table == NULL ? gate_fault("malformed CURVE key", why) : hand_over(gate, table, why);
}

enum status gate_start(void *zmq_context, enum security security, const struct agent *agents, size_t agent_count,
                       const struct public_key *operator_key, struct gate **ret_gate, struct fault *why)
{
    const int linger = 0;
    bool opened = false, started = false;
    enum status status = STATUS_BROKEN;
    struct gate *gate = memory_new(struct gate);
    gate->context = zmq_context;
    gate->security = security;
    gate->notes = zmq_socket(zmq_context, ZMQ_PAIR);
    gate->watch = zmq_socket(zmq_context, ZMQ_DEALER);
    if (gate->notes == NULL || zmq_setsockopt(gate->notes, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        gate->watch == NULL || zmq_setsockopt(gate->watch, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(gate->notes, NOTE_ENDPOINT) != 0 ||
        zmq_z85_decode(gate->operator_key, operator_key->curve) == NULL) {
        (void)gate_fault(zmq_strerror(zmq_errno()), why);
        goto done;
    }
    const int failed = start_thread(gate);
    if (failed != 0) {
        (void)gate_fault(strerror(failed), why);
        goto done;
    }
    started = true;
    await(gate->notes);
    if (zmq_recv(gate->notes, &opened, sizeof opened, 0) != (int)sizeof opened || !opened) {
        (void)gate_fault("cannot bind " ZAP_ENDPOINT, why);
        goto done;
    }
    status = gate_update(gate, agents, agent_count, why);
done:
    if (status == STATUS_OK) {
        start_watch(gate);
        *ret_gate = gate;
    } else if (opened) {
        gate_stop(&gate);
    } else {
        if (started)
            pthread_join(gate->thread, NULL);
        close_sockets(gate);
        free(gate);
    }
    return status;
}

void gate_stop(struct gate **gate)
{
    struct gate *old = *gate;
    if (old == NULL)
        return;
    *gate = NULL;
    if (hand_over(old, NULL, NULL) == STATUS_OK)
        pthread_join(old->thread, NULL);
    close_sockets(old);
    free(old);
}
