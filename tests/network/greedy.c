/* greedy.c - an agent that sends as fast as it can and heeds no credit, beside one that sends a batch, waits for its
 * acknowledgement, and sends the next.
 *
 *   network-greedy CATALOGUE ENDPOINT AGGREGATOR.pub GREEDY.key POLITE.key ROUNDS BATCHES
 *
 * GREEDY.key is of the agent west, POLITE.key of east. The polite one delivers ROUNDS batches while it is alone, then as many
 * while the other sends up to BATCHES of one record each, cut and signed beforehand. Prints
 *   alone p50 N p99 N us; beside p50 N p99 N us; greedy acknowledged N of N
 * The greedy one is left as it stands when the polite one is done. */
#include "peer.h"

#include <pthread.h>
#include <stdatomic.h>

enum { PATIENCE_MS = 20000, WARM = 20 };

static struct peer polite, greedy;
static struct parcel *parcels;
static size_t parcel_count;
static atomic_bool stop;
static uint64_t greedy_acked;

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int by_size(const void *one, const void *other)
{
    const int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static void hear(int patience)
{
    int kind;
    while ((kind = peer_await(&greedy, patience)) != 0)
        if (kind == WIRE_ACK)
            greedy_acked = greedy.hand.acked;
        else if (kind == WIRE_NACK)
            peer_fail("the greedy one is refused: %d", (int)greedy.answer.nack.code);
}

static void *send_all(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < parcel_count && !atomic_load(&stop); i++) {
        unsigned char *bytes;
        size_t length;
        wire_encode(&parcels[i].message, &bytes, &length);
        while (!peer_send(&greedy, bytes, length, 20, 0) && !atomic_load(&stop))
            hear(0);
        free(bytes);
        if (i % 16 == 0)
            hear(0);
    }
    while (!atomic_load(&stop))
        hear(50);
    return NULL;
}

static int64_t deliver(int round)
{
    struct parcel parcel;
    peer_pack(&polite, "a1", 2000 + round / 12, 1 + round % 12, 1, &parcel);
    const int64_t sent = now_us();
    peer_post(&polite, &parcel.message);
    parcel_free(&parcel);
    if (peer_await(&polite, PATIENCE_MS) != WIRE_ACK || polite.hand.acked != polite.hand.high)
        peer_fail("batch %" PRIu64 " of the polite one is not acknowledged", polite.hand.high);
    return now_us() - sent;
}

static void measure(const char *when, int rounds, int first)
{
    int64_t *waits = memory_array((size_t)rounds, sizeof *waits);
    for (int i = 0; i < WARM; i++)
        (void)deliver(first++);
    for (int i = 0; i < rounds; i++)
        waits[i] = deliver(first + i);
    qsort(waits, (size_t)rounds, sizeof *waits, by_size);
    printf("%s p50 %" PRId64 " p99 %" PRId64 " us; ", when, waits[rounds / 2], waits[rounds * 99 / 100]);
    (void)fflush(stdout);
    free(waits);
}

int main(int argc, char *argv[])
{
    pthread_t thread;
    if (argc != 8 || seal_start() != STATUS_OK) {
        fputs("usage: network-greedy CATALOGUE ENDPOINT AGGREGATOR.pub GREEDY.key POLITE.key ROUNDS BATCHES\n", stderr);
        return EXIT_FAILURE;
    }
    const int rounds = atoi(argv[6]);
    struct catalogue *catalogue = peer_catalogue(argv[1]);
    void *context = zmq_ctx_new(), *other = zmq_ctx_new();
    peer_open(&greedy, other, catalogue, argv[2], argv[3], "west", argv[4]);
    peer_open(&polite, context, catalogue, argv[2], argv[3], "east", argv[5]);
    if (peer_greet(&greedy, PATIENCE_MS) != WIRE_WELCOME || peer_greet(&polite, PATIENCE_MS) != WIRE_WELCOME)
        peer_fail("not welcome");
    parcel_count = (size_t)atoi(argv[7]);
    parcels = memory_array(parcel_count, sizeof *parcels);
    for (size_t i = 0; i < parcel_count; i++)
        peer_pack(&greedy, "b1", 2000 + (int)(i / 12 % 7000), 1 + (int)(i % 12), 1, &parcels[i]);
    measure("alone", rounds, 0);
    if (pthread_create(&thread, NULL, send_all, NULL) != 0)
        peer_fail("no thread");
    measure("beside", rounds, WARM + rounds);
    const bool still_at_it = greedy_acked < parcel_count; /* read while it runs: a little behind is as good */
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    printf("greedy acknowledged %" PRIu64 " of %zu\n", greedy_acked, parcel_count);
    if (!still_at_it)
        peer_fail("the greedy one had nothing left to send: more batches are needed");
    for (size_t i = 0; i < parcel_count; i++)
        parcel_free(&parcels[i]);
    free(parcels);
    peer_close(&greedy);
    peer_close(&polite);
    zmq_ctx_term(context);
    zmq_ctx_term(other);
    catalogue_free(&catalogue);
    return EXIT_SUCCESS;
}
