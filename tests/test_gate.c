/* Who gets in: real sockets over tcp and ipc, the handler in its own thread. */
#include "suite.h"

#include "gate.h"
#include "link.h"
#include "seal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static struct secret_key server, operator_key, alice, bob, eve;
static const int patience_ms = 30000; /* for what does come: a sanitizer makes a handshake slow */

static void make_key(const char *name, struct secret_key *ret_key)
{
    memset(ret_key, 0, sizeof *ret_key);
    snprintf(ret_key->public_key.name, sizeof ret_key->public_key.name, "%s", name);
    if (zmq_curve_keypair(ret_key->public_key.curve, ret_key->curve) != 0)
        exit(EXIT_FAILURE);
}

struct house {
    void *context, *socket;
    struct gate *gate;
    char endpoint[256];
};

static const struct agent *table(size_t *ret_count, enum agent_status alice_is)
{
    static struct agent agents[2];
    memset(agents, 0, sizeof agents);
    snprintf(agents[0].code, sizeof agents[0].code, "alice");
    agents[0].key = alice.public_key;
    agents[0].status = alice_is;
    snprintf(agents[1].code, sizeof agents[1].code, "bob");
    agents[1].key = bob.public_key;
    agents[1].status = AGENT_REVOKED;
    *ret_count = 2;
    return agents;
}

static void open_house(struct house *house, const char *domain, const char *endpoint, enum security security)
{
    struct fault why = {0};
    size_t count, size = sizeof house->endpoint;
    const struct agent *agents = table(&count, AGENT_ACTIVE);
    house->context = zmq_ctx_new();
    CU_ASSERT_EQUAL_FATAL(
        gate_start(house->context, security, agents, count, &operator_key.public_key, &house->gate, &why), STATUS_OK);
    house->socket = zmq_socket(house->context, ZMQ_ROUTER);
    CU_ASSERT_EQUAL_FATAL(link_serve(house->socket, domain, &server, security, endpoint, 4096, &why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(zmq_bind(house->socket, endpoint), 0);
    CU_ASSERT_EQUAL_FATAL(zmq_getsockopt(house->socket, ZMQ_LAST_ENDPOINT, house->endpoint, &size), 0);
}

static void close_house(struct house *house)
{
    zmq_close(house->socket);
    gate_stop(&house->gate);
    CU_ASSERT_PTR_NULL(house->gate);
    gate_stop(&house->gate);
    zmq_ctx_term(house->context);
}

/* Where the house tells that it refused somebody. */
static void *watch(struct house *house)
{
    static int watched; /* a name is free again only some time after its socket was closed */
    char endpoint[40];
    void *refusals = zmq_socket(house->context, ZMQ_PAIR);
    const int events =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    snprintf(endpoint, sizeof endpoint, "inproc://refused-%d", watched++);
    CU_ASSERT_EQUAL_FATAL(zmq_socket_monitor(house->socket, endpoint, events), 0);
    CU_ASSERT_EQUAL_FATAL(zmq_connect(refusals, endpoint), 0);
    return refusals;
}

/* The User-Id under which a message of `who` arrives, "" when it is refused. */
static const char *enter(struct house *house, const struct secret_key *who, const char *server_curve,
                         enum security security)
{
    static char user[80];
    struct fault why = {0};
    void *client = zmq_socket(house->context, ZMQ_DEALER), *refusals = watch(house);
    zmq_pollitem_t items[] = {{.socket = client, .events = ZMQ_POLLOUT}, {.socket = refusals, .events = ZMQ_POLLIN}};
    snprintf(user, sizeof user, "(neither let in nor refused)");
    CU_ASSERT_EQUAL_FATAL(link_join(client, who, server_curve, security, house->endpoint, 4096, &why), STATUS_OK);
    const int once = -1;
    zmq_setsockopt(client, ZMQ_RECONNECT_IVL, &once, sizeof once);
    CU_ASSERT_EQUAL_FATAL(zmq_connect(client, house->endpoint), 0);
    zmq_poll(items, ARRAY_LEN(items), patience_ms);
    if (items[0].revents != 0) {
        zmq_send(client, "hello", 5, ZMQ_DONTWAIT);
        items[0] = (zmq_pollitem_t){.socket = house->socket, .events = ZMQ_POLLIN};
        zmq_poll(items, ARRAY_LEN(items), patience_ms);
    }
    if (items[0].revents != 0) {
        zmq_msg_t route, payload;
        zmq_msg_init(&route);
        zmq_msg_init(&payload);
        CU_ASSERT_FATAL(zmq_msg_recv(&route, house->socket, 0) > 0);
        CU_ASSERT_FATAL(zmq_msg_recv(&payload, house->socket, 0) > 0);
        const char *found = zmq_msg_gets(&payload, "User-Id");
        snprintf(user, sizeof user, "%s", found == NULL ? "(nobody)" : found);
        zmq_msg_close(&route);
        zmq_msg_close(&payload);
    } else if (items[1].revents != 0) {
        user[0] = '\0';
    }
    zmq_socket_monitor(house->socket, NULL, 0);
    zmq_close(refusals);
    zmq_close(client);
    return user;
}

static void an_active_agent_gets_in_under_its_code(void)
{
    struct house house;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "alice");
    close_house(&house);
}

static void strangers_revoked_keys_and_the_office_stay_out_of_collectors(void)
{
    struct house house;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &eve, server.public_key.curve, SECURITY_CURVE), "");
    CU_ASSERT_STRING_EQUAL(enter(&house, &bob, server.public_key.curve, SECURITY_CURVE), "");
    CU_ASSERT_STRING_EQUAL(enter(&house, &operator_key, server.public_key.curve, SECURITY_CURVE), "");
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "alice");
    close_house(&house);
}

static void a_peer_without_encryption_stays_out_of_a_curve_socket(void)
{
    struct house house;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_NONE), "");
    close_house(&house);
}

static void only_the_office_asks_questions(void)
{
    struct house house;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/suanpan-gate-%d.sock", (int)getpid());
    open_house(&house, "queries", endpoint, SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &operator_key, server.public_key.curve, SECURITY_CURVE), "operator");
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "");
    CU_ASSERT_STRING_EQUAL(enter(&house, &eve, server.public_key.curve, SECURITY_CURVE), "");
    close_house(&house);
    unlink(endpoint + 6);
}

static void agents_and_the_office_may_listen_to_events(void)
{
    struct house house;
    open_house(&house, "events", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &operator_key, server.public_key.curve, SECURITY_CURVE), "operator");
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "alice");
    CU_ASSERT_STRING_EQUAL(enter(&house, &bob, server.public_key.curve, SECURITY_CURVE), "");
    close_house(&house);
}

static void an_unknown_domain_lets_nobody_in(void)
{
    struct house house;
    open_house(&house, "elsewhere", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "");
    CU_ASSERT_STRING_EQUAL(enter(&house, &operator_key, server.public_key.curve, SECURITY_CURVE), "");
    close_house(&house);
}

static void a_new_table_counts_from_the_next_handshake(void)
{
    struct house house;
    struct fault why = {0};
    size_t count;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "alice");
    const struct agent *agents = table(&count, AGENT_REVOKED);
    CU_ASSERT_EQUAL(gate_update(house.gate, agents, count, &why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "");
    agents = table(&count, AGENT_ACTIVE);
    CU_ASSERT_EQUAL(gate_update(house.gate, agents, count, &why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "alice");
    close_house(&house);
}

static void a_key_revoked_in_one_row_is_out_even_when_another_row_says_active(void)
{
    struct house house;
    struct fault why = {0};
    struct agent agents[2];
    memset(agents, 0, sizeof agents);
    for (int i = 0; i < 2; i++) {
        snprintf(agents[i].code, sizeof agents[i].code, "alice");
        agents[i].key = alice.public_key;
        agents[i].status = i == 0 ? AGENT_ACTIVE : AGENT_REVOKED;
    }
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_EQUAL(gate_update(house.gate, agents, 2, &why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "");
    close_house(&house);
}

static void nobody_at_all_is_a_table_too(void)
{
    struct house house;
    struct fault why = {0};
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_EQUAL(gate_update(house.gate, NULL, 0, &why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), "");
    close_house(&house);
}

/* No handler was ever started. The control shows that the check would see it: without the option libzmq lets anybody in. */
static void without_a_handler_nobody_gets_in(void)
{
    const int lenient = 0;
    for (int is_control = 0; is_control < 2; is_control++) {
        struct house house = {.context = zmq_ctx_new()};
        struct fault why = {0};
        size_t size = sizeof house.endpoint;
        const char *endpoint = "tcp://127.0.0.1:*";
        house.socket = zmq_socket(house.context, ZMQ_ROUTER);
        CU_ASSERT_EQUAL_FATAL(
            link_serve(house.socket, "collectors", &server, SECURITY_CURVE, endpoint, 4096, &why), STATUS_OK);
        if (is_control)
            CU_ASSERT_EQUAL(zmq_setsockopt(house.socket, 93, &lenient, sizeof lenient), 0); /* ZMQ_ZAP_ENFORCE_DOMAIN */
        CU_ASSERT_EQUAL_FATAL(zmq_bind(house.socket, endpoint), 0);
        CU_ASSERT_EQUAL_FATAL(zmq_getsockopt(house.socket, ZMQ_LAST_ENDPOINT, house.endpoint, &size), 0);
        CU_ASSERT_STRING_EQUAL(enter(&house, &eve, server.public_key.curve, SECURITY_CURVE), is_control ? "(nobody)" : "");
        CU_ASSERT_STRING_EQUAL(enter(&house, &alice, server.public_key.curve, SECURITY_CURVE), is_control ? "(nobody)" : "");
        close_house(&house);
    }
}

/* An hour of its questions; and a program that stood still for a day does not take that for silence. */
static void the_watch_is_answered(void)
{
    struct house house;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    for (int64_t second = 0; second < 3600; second++) {
        gate_watch(house.gate, second * 1000);
        for (int i = 0; i < 2 && second % 4 == 3; i++) /* once it has the second one it has answered */
            CU_ASSERT_EQUAL(gate_update(house.gate, NULL, 0, NULL), STATUS_OK);
    }
    gate_watch(house.gate, 86400000);
    close_house(&house);
}

/* Asks the handler as libzmq would. Returns the status code; user and domain as given. */
static const char *ask(void *context, const char *const *frames, size_t count)
{
    static char status[16];
    void *asker = zmq_socket(context, ZMQ_REQ);
    const int linger = 0;
    char buffer[256];
    status[0] = '\0';
    zmq_setsockopt(asker, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    zmq_setsockopt(asker, ZMQ_LINGER, &linger, sizeof linger);
    CU_ASSERT_EQUAL_FATAL(zmq_connect(asker, "inproc://zeromq.zap.01"), 0);
    for (size_t i = 0; i < count; i++)
        zmq_send(asker, frames[i], strlen(frames[i]), i + 1 < count ? ZMQ_SNDMORE : 0);
    for (int part = 0, more = 1; more; part++) {
        size_t size = sizeof more;
        const int length = zmq_recv(asker, buffer, sizeof buffer - 1, 0);
        if (length < 0)
            break;
        buffer[length] = '\0';
        if (part == 2)
            snprintf(status, sizeof status, "%.10s", buffer);
        zmq_getsockopt(asker, ZMQ_RCVMORE, &more, &size);
    }
    zmq_close(asker);
    return status;
}

static void plain_peers_get_in_only_from_this_machine_and_only_when_told_so(void)
{
    const char *local[] = {"1.0", "1", "collectors", "127.0.0.1", "", "NULL"};
    const char *ipc[] = {"1.0", "1", "collectors", "", "", "NULL"};
    const char *far[] = {"1.0", "1", "collectors", "192.0.2.7", "", "NULL"};
    const char *other[] = {"1.0", "1", "wherever", "127.0.0.1", "", "NULL"};
    struct house house;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_NONE);
    CU_ASSERT_STRING_EQUAL(ask(house.context, local, ARRAY_LEN(local)), "200");
    CU_ASSERT_STRING_EQUAL(ask(house.context, ipc, ARRAY_LEN(ipc)), "200");
    CU_ASSERT_STRING_EQUAL(ask(house.context, far, ARRAY_LEN(far)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, other, ARRAY_LEN(other)), "400");
    close_house(&house);
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_CURVE);
    CU_ASSERT_STRING_EQUAL(ask(house.context, local, ARRAY_LEN(local)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, ipc, ARRAY_LEN(ipc)), "400");
    close_house(&house);
}

static void misshapen_requests_are_refused_and_the_handler_goes_on(void)
{
    const char *version[] = {"2.0", "1", "collectors", "127.0.0.1", "", "NULL"};
    const char *mechanism[] = {"1.0", "1", "collectors", "127.0.0.1", "", "PLAIN", "alice", "secret"};
    const char *credentials[] = {"1.0", "1", "collectors", "127.0.0.1", "", "CURVE", "tooshort"};
    const char *cut[] = {"1.0", "1", "collectors"};
    const char *many[] = {"1.0", "1", "collectors", "a", "", "CURVE", "b", "c", "d", "e", "f", "g"};
    char longer[4000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *large[] = {"1.0", "1", longer, "127.0.0.1", "", "CURVE", longer};
    const char *good[] = {"1.0", "1", "collectors", "127.0.0.1", "", "NULL"};
    struct house house;
    open_house(&house, "collectors", "tcp://127.0.0.1:*", SECURITY_NONE);
    CU_ASSERT_STRING_EQUAL(ask(house.context, version, ARRAY_LEN(version)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, mechanism, ARRAY_LEN(mechanism)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, credentials, ARRAY_LEN(credentials)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, cut, ARRAY_LEN(cut)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, many, ARRAY_LEN(many)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, large, ARRAY_LEN(large)), "400");
    CU_ASSERT_STRING_EQUAL(ask(house.context, good, ARRAY_LEN(good)), "200");
    close_house(&house);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(an_active_agent_gets_in_under_its_code),
        SENTENCE(strangers_revoked_keys_and_the_office_stay_out_of_collectors),
        SENTENCE(a_peer_without_encryption_stays_out_of_a_curve_socket),
        SENTENCE(only_the_office_asks_questions),
        SENTENCE(agents_and_the_office_may_listen_to_events),
        SENTENCE(an_unknown_domain_lets_nobody_in),
        SENTENCE(a_new_table_counts_from_the_next_handshake),
        SENTENCE(a_key_revoked_in_one_row_is_out_even_when_another_row_says_active),
        SENTENCE(nobody_at_all_is_a_table_too),
        SENTENCE(without_a_handler_nobody_gets_in),
        SENTENCE(the_watch_is_answered),
        SENTENCE(plain_peers_get_in_only_from_this_machine_and_only_when_told_so),
        SENTENCE(misshapen_requests_are_refused_and_the_handler_goes_on),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    make_key("server", &server);
    operator_key = server;
    make_key("alice", &alice);
    make_key("bob", &bob);
    make_key("eve", &eve);
    return suite_run("gate", sentences, ARRAY_LEN(sentences));
}
