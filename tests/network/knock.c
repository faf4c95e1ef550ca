/* knock.c - comes to the door again and again, or with a key that should not open it.
 *
 *   network-knock churn CATALOGUE ENDPOINT AGGREGATOR.pub AGENT KEY CONNECTIONS AGGREGATOR-PID
 *       so many connections, fifty at a time: each handshake is made, a question is answered, and it is closed. Prints the
 *       aggregator's memory (KiB) and descriptors at tenths of the way.
 *   network-knock enter ENDPOINT AGGREGATOR.pub KEY MILLISECONDS [plain]
 *       one connection with that key (plain: with none) that speaks; prints `heard KIND`, or `heard nothing`.
 *   network-knock lend CATALOGUE ENDPOINT AGGREGATOR.pub AGENT KEY FIRST BATCHES
 *       so many large batches, each as soon as the one before is acknowledged, all of the same cells and with
 *       higher values from batch to batch, from FIRST on; prints `credit N` for each.
 *   network-knock deaf ENDPOINT AGGREGATOR.pub KEY QUESTIONS
 *       asks for so many answers (0: subscribes to everything instead), never reads one, until standard input ends. */
#include "peer.h"

#include <dirent.h>

enum { TOGETHER = 50, PATIENCE_MS = 60000, MANY = 150, LONG = 240 };

static int count_descriptors(const char *pid)
{
    char path[64];
    int count = 0;
    (void)snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

/* Each HELLO is answered: with WELCOME, or with FENCED where another of the fifty came after it. */
static void knock_together(struct peer *peers)
{
    for (int i = 0; i < TOGETHER; i++) {
        struct wire_message message;
        peer_connect_as(&peers[i], NULL, 0);
        peer_fill_hello(&peers[i], &message);
        peer_post(&peers[i], &message);
        if (peer_await(&peers[i], PATIENCE_MS) == 0)
            peer_fail("a HELLO is not answered");
    }
    for (int i = 0; i < TOGETHER; i++)
        peer_close(&peers[i]);
}

static int churn(char *argv[])
{
    static struct peer peers[TOGETHER];
    const long connections = strtol(argv[7], NULL, 10);
    struct catalogue *catalogue = peer_catalogue(argv[2]);
    void *context = zmq_ctx_new();
    peer_open(&peers[0], context, catalogue, argv[3], argv[4], argv[5], argv[6]);
    peer_close(&peers[0]);
    for (int i = 1; i < TOGETHER; i++)
        peers[i] = peers[0];
    for (long made = 0, tenth = 1; made < connections;) {
        knock_together(peers);
        made += TOGETHER;
        if (made * 10 >= tenth * connections) {
            peer_sleep(500); /* libzmq closes what was left in a thread of its own */
            printf("%ld connections: %ld KiB, %d descriptors\n", made, process_kib(argv[8], "VmRSS:"),
                   count_descriptors(argv[8]));
            (void)fflush(stdout);
            tenth = made * 10 / connections + 1;
        }
    }
    zmq_ctx_term(context);
    catalogue_free(&catalogue);
    return EXIT_SUCCESS;
}

static int enter(char *argv[], bool plain)
{
    struct peer peer;
    struct fault why = {0};
    struct public_key server;
    unsigned char *bytes;
    size_t length;
    const int patience = atoi(argv[5]);
    memset(&peer, 0, sizeof peer);
    peer.context = zmq_ctx_new();
    peer.endpoint = argv[2];
    peer_must(keys_load_public(argv[3], &server, &why), &why, argv[3]);
    memcpy(peer.server_curve, server.curve, sizeof peer.server_curve);
    peer_must(keys_load_secret(argv[4], &peer.hand.key, &why), &why, argv[4]);
    if (plain) {
        peer.socket = zmq_socket(peer.context, ZMQ_DEALER);
        peer_must(link_join(peer.socket, &peer.hand.key, peer.server_curve, SECURITY_NONE, peer.endpoint,
                            LIMIT_MESSAGE_BYTES, &why), &why, "link_join");
        (void)zmq_connect(peer.socket, peer.endpoint);
    } else {
        peer_connect_as(&peer, NULL, 0);
    }
    struct wire_message hello = {.kind = WIRE_HELLO};
    hello.hello.protocol_min = hello.hello.protocol_max = WIRE_VERSION;
    (void)snprintf(hello.hello.agent, sizeof hello.hello.agent, "%s", peer.hand.key.public_key.name);
    seal_chain_start(hello.hello.agent, hello.hello.outbox, hello.hello.chain_at_high);
    hello.hello.session = hello.hello.low = hello.hello.epoch = 1;
    wire_encode(&hello, &bytes, &length);
    const int kind = peer_send(&peer, bytes, length, patience, 0) ? peer_await(&peer, patience) : 0;
    printf("heard %s\n", kind == 0 ? "nothing" : wire_kind_name((enum wire_kind)kind));
    free(bytes);
    peer_close(&peer);
    zmq_ctx_term(peer.context);
    return EXIT_SUCCESS;
}

/* Many bytes and few cells: little work, but large. */
static void pack_many(struct peer *peer, int batch, struct parcel *ret_parcel)
{
    static struct record records[MANY];
    static char reasons[MANY][LONG];
    struct submission submission = {.file = "many.csv", .source = "report", .parts = 1};
    struct fault why = {0};
    unsigned char *bytes = NULL;
    size_t length = 0;
    for (int i = 0; i < MANY; i++) {
        char period[16];
        (void)snprintf(period, sizeof period, "%04d-%02d", 2000 + i / 12, 1 + i % 12);
        (void)snprintf(reasons[i], LONG, "%0*d", LONG - 1, batch * MANY + i);
        records[i] = (struct record){.line = (uint32_t)i + 2, .reported_at = INT64_MIN, .reason = reasons[i], .value = batch};
        records[i].element = catalogue_element(peer->catalogue, "homes");
        records[i].unit = catalogue_unit(peer->catalogue, "a1");
        peer_must(period_parse(period, &records[i].period, &why), &why, period);
    }
    seal_random(submission.hash, sizeof submission.hash);
    memcpy(submission.catalogue_hash, peer->catalogue->hash, sizeof submission.catalogue_hash);
    peer_must(batch_encode(peer->catalogue, &submission, records, MANY, &bytes, &length, &why), &why, "batch_encode");
    hand_wrap(&peer->hand, bytes, length, ret_parcel);
}

static int lend(char *argv[])
{
    struct peer peer;
    struct catalogue *catalogue = peer_catalogue(argv[2]);
    void *context = zmq_ctx_new();
    peer_open(&peer, context, catalogue, argv[3], argv[4], argv[5], argv[6]);
    if (peer_greet(&peer, PATIENCE_MS) != WIRE_WELCOME)
        peer_fail("not welcome");
    for (int i = atoi(argv[7]); i < atoi(argv[7]) + atoi(argv[8]); i++) {
        struct parcel parcel;
        pack_many(&peer, i, &parcel);
        peer_post(&peer, &parcel.message);
        parcel_free(&parcel);
        if (peer_await(&peer, PATIENCE_MS) != WIRE_ACK || peer.hand.acked != peer.hand.high || peer.refusal[0] != '\0')
            peer_fail("batch %d is not acknowledged", i);
        printf("credit %" PRIu32 "\n", peer.answer.ack.credit);
        (void)fflush(stdout);
    }
    peer_close(&peer);
    zmq_ctx_term(context);
    catalogue_free(&catalogue);
    return EXIT_SUCCESS;
}

static int deaf(char *argv[])
{
    const struct wire_message question = {.kind = WIRE_QUESTION, .question = {.id = 1, .command = "records"}};
    const long questions = strtol(argv[5], NULL, 10);
    const int one = 1, small = 4096;
    struct peer peer;
    struct fault why = {0};
    struct public_key server;
    unsigned char *bytes;
    size_t length;
    long asked = 0;
    memset(&peer, 0, sizeof peer);
    peer_must(keys_load_public(argv[3], &server, &why), &why, argv[3]);
    peer_must(keys_load_secret(argv[4], &peer.hand.key, &why), &why, argv[4]);
    peer.context = zmq_ctx_new();
    peer.socket = zmq_socket(peer.context, questions > 0 ? ZMQ_DEALER : ZMQ_SUB);
    peer_must(link_join(peer.socket, &peer.hand.key, server.curve, SECURITY_CURVE, argv[2], LIMIT_ANSWER_BYTES, &why),
              &why, "link_join");
    if (zmq_setsockopt(peer.socket, ZMQ_RCVHWM, &one, sizeof one) != 0 ||
        zmq_setsockopt(peer.socket, ZMQ_RCVBUF, &small, sizeof small) != 0 ||
        (questions == 0 && zmq_setsockopt(peer.socket, ZMQ_SUBSCRIBE, "", 0) != 0) ||
        zmq_connect(peer.socket, argv[2]) != 0)
        peer_fail("%s", zmq_strerror(zmq_errno()));
    wire_encode(&question, &bytes, &length);
    for (int64_t until = peer_steady() + 5000; asked < questions && peer_steady() < until;) {
        const int sent = peer_send(&peer, bytes, length, 500, 0);
        asked += sent;
        if (sent > 0) /* until nobody takes one for five seconds */
            until = peer_steady() + 5000;
    }
    printf("asked %ld\n", asked);
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    free(bytes);
    peer_close(&peer);
    zmq_ctx_term(peer.context);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    if (seal_start() == STATUS_OK && argc == 9 && strcmp(argv[1], "churn") == 0)
        return churn(argv);
    if (seal_start() == STATUS_OK && argc >= 6 && strcmp(argv[1], "enter") == 0)
        return enter(argv, argc > 6);
    if (seal_start() == STATUS_OK && argc == 9 && strcmp(argv[1], "lend") == 0)
        return lend(argv);
    if (argc == 6 && strcmp(argv[1], "deaf") == 0)
        return deaf(argv);
    fputs("usage: network-knock churn CATALOGUE ENDPOINT AGGREGATOR.pub AGENT KEY CONNECTIONS AGGREGATOR-PID\n"
          "       network-knock enter ENDPOINT AGGREGATOR.pub KEY MILLISECONDS [plain]\n"
          "       network-knock lend CATALOGUE ENDPOINT AGGREGATOR.pub AGENT KEY FIRST BATCHES\n"
          "       network-knock deaf ENDPOINT AGGREGATOR.pub KEY QUESTIONS\n", stderr);
    return EXIT_FAILURE;
}
