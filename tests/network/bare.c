/* bare.c - what libzmq alone needs for a crowd that comes back: as many CURVE connections as crowd.c makes, with the same keys,
 * a word and its echo for each, and nothing of Suanpan's in between. A storm is measured against this, in the same minute on
 * the same machine.
 *
 *   network-bare serve ENDPOINT SERVER.key                       echoes until it is killed; says `ready`
 *   network-bare run COUNT FOLDER ENDPOINT SERVER.pub            talks with a script as network-crowd does */
#include "crowd.h"

/* It tries again as often as a collector should; what waiting for that costs is no work of anybody's. */
enum { WORD_AGAIN_MS = 2000, BACKLOG = 1024, RECONNECT_MS = 300, RECONNECT_MOST_MS = 1000 };

struct end {
    void *socket;
    int64_t said_at; /* 0: not yet */
    bool answered;
};

static void must(int result, const char *what)
{
    if (result < 0)
        peer_fail("%s: %s", what, zmq_strerror(zmq_errno()));
}

/* Anybody is let in: to ask somebody costs, and it is Suanpan that asks. */
static _Noreturn void serve(const char *endpoint, const char *key_file)
{
    const int server = 1, backlog = BACKLOG;
    struct secret_key key;
    struct fault why = {0};
    void *socket = zmq_socket(crowd_context(), ZMQ_ROUTER);
    peer_must(keys_load_secret(key_file, &key, &why), &why, key_file);
    must(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof server), "ZMQ_CURVE_SERVER");
    must(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key.curve, sizeof key.curve), "ZMQ_CURVE_SECRETKEY");
    must(zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof backlog), "ZMQ_BACKLOG");
    must(zmq_bind(socket, endpoint), endpoint);
    puts("ready");
    (void)fflush(stdout);
    for (;;) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        must(zmq_msg_recv(&frame, socket, 0), "zmq_msg_recv");
        const int more = zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0;
        if (zmq_msg_send(&frame, socket, more | ZMQ_DONTWAIT) < 0) /* who went away meanwhile is not answered */
            zmq_msg_close(&frame);
    }
}

static void open_end(struct end *end, size_t i, void *context, const char *folder, const char *endpoint,
                     const struct public_key *server)
{
    const int immediate = 1, linger = 0, again = RECONNECT_MS, most = RECONNECT_MOST_MS;
    struct secret_key key;
    struct fault why = {0};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/a%zu.key", folder, CROWD_FIRST + i);
    peer_must(keys_load_secret(path, &key, &why), &why, path);
    end->socket = zmq_socket(context, ZMQ_DEALER);
    must(zmq_setsockopt(end->socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate), "ZMQ_IMMEDIATE");
    must(zmq_setsockopt(end->socket, ZMQ_LINGER, &linger, sizeof linger), "ZMQ_LINGER");
    must(zmq_setsockopt(end->socket, ZMQ_RECONNECT_IVL, &again, sizeof again), "ZMQ_RECONNECT_IVL");
    must(zmq_setsockopt(end->socket, ZMQ_RECONNECT_IVL_MAX, &most, sizeof most), "ZMQ_RECONNECT_IVL_MAX");
    must(zmq_setsockopt(end->socket, ZMQ_CURVE_SERVERKEY, server->curve, sizeof server->curve), "ZMQ_CURVE_SERVERKEY");
    must(zmq_setsockopt(end->socket, ZMQ_CURVE_PUBLICKEY, key.public_key.curve, sizeof key.public_key.curve),
         "ZMQ_CURVE_PUBLICKEY");
    must(zmq_setsockopt(end->socket, ZMQ_CURVE_SECRETKEY, key.curve, sizeof key.curve), "ZMQ_CURVE_SECRETKEY");
    must(zmq_connect(end->socket, endpoint), endpoint);
    keys_forget(&key);
}

/* What was said over a connection that broke is said again. */
static void talk(struct end *end, int round)
{
    int heard = 0;
    while (zmq_recv(end->socket, &heard, sizeof heard, ZMQ_DONTWAIT) == (int)sizeof heard)
        end->answered = end->answered || heard == round;
    if (!end->answered && (end->said_at == 0 || peer_steady() - end->said_at > WORD_AGAIN_MS) &&
        zmq_send(end->socket, &round, sizeof round, ZMQ_DONTWAIT) >= 0)
        end->said_at = peer_steady();
}

static void talk_with_all(struct end *ends, zmq_pollitem_t *items, size_t count, int round, int64_t until)
{
    size_t answered = 0;
    for (size_t i = 0; i < count; i++) {
        ends[i].answered = false;
        ends[i].said_at = 0;
    }
    while (answered < count) {
        if (peer_steady() > until)
            peer_fail("only %zu of %zu were answered", answered, count);
        for (size_t i = 0; i < count; i++)
            items[i] = (zmq_pollitem_t){.socket = ends[i].socket,
                                        .events = (short)(ends[i].said_at == 0 ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN)};
        (void)zmq_poll(items, (int)count, CROWD_POLL_MS);
        answered = 0;
        for (size_t i = 0; i < count; i++) {
            if (items[i].revents != 0 || peer_steady() - ends[i].said_at > WORD_AGAIN_MS)
                talk(&ends[i], round);
            answered += ends[i].answered;
        }
    }
}

static int run(char *argv[])
{
    struct fault why = {0};
    struct public_key server;
    const size_t count = (size_t)atoi(argv[2]);
    void *context = crowd_context();
    struct end *ends = memory_array(count, sizeof *ends);
    zmq_pollitem_t *items = memory_array(count, sizeof *items);
    peer_must(keys_load_public(argv[5], &server, &why), &why, argv[5]);
    for (size_t i = 0; i < count; i++)
        open_end(&ends[i], i, context, argv[3], argv[4], &server);
    for (int round = 0; crowd_goes_on(round); round++) {
        const int64_t started = peer_steady();
        talk_with_all(ends, items, count, round, started + CROWD_PATIENCE_MS);
        crowd_tell(count, started);
    }
    for (size_t i = 0; i < count; i++)
        zmq_close(ends[i].socket);
    zmq_ctx_term(context);
    free(items);
    free(ends);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    if (seal_start() == STATUS_OK && argc == 4 && strcmp(argv[1], "serve") == 0)
        serve(argv[2], argv[3]);
    if (argc == 6 && strcmp(argv[1], "run") == 0 && atoi(argv[2]) > 0)
        return run(argv);
    fputs("usage: network-bare serve ENDPOINT SERVER.key\n"
          "       network-bare run COUNT FOLDER ENDPOINT SERVER.pub\n", stderr);
    return EXIT_FAILURE;
}
