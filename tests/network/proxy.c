/* proxy.c - stands between collectors and aggregator on 127.0.0.1 and treats their bytes badly, never their order.
 *
 *   network-proxy LISTEN-PORT PORT FAULTS SECONDS [MANGLE]
 *
 * Until FAULTS of them happened, each connection gets one drawn at random after a while: its bytes are delivered one at a time,
 * delayed, held up for a second or two, cut off in the middle of a frame, cut off with a reset, or all the collector said so far
 * is said once more over a connection of its own (what an attacker who recorded it would do). After that everything passes.
 * SECONDS bounds its life; SIGTERM ends it. MANGLE flips a bit in place of a fault: the control, which no link may survive unseen.
 * Prints each kind and how often it happened, and the seed. */
#include "random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS = 64, CHUNK = 65536, RECORD = 1 << 20, TICK_MS = 5 };
enum kind { PASS, SPLIT, DELAY, STALL, CUT, RESET, REPLAY, KINDS };
static const char *const kind_names[KINDS] = {"passed", "split", "delayed", "stalled", "cut", "reset", "replayed"};

struct direction {
    unsigned char bytes[CHUNK];
    size_t length, sent;
    bool ended;
};

struct link {
    bool open;
    int ends[2]; /* collector, aggregator */
    struct direction ways[2]; /* to the aggregator, to the collector */
    enum kind kind;
    uint64_t after;      /* bytes until it happens */
    uint64_t passed;
    int64_t held_until, slow_until;
    unsigned char *record; /* what the collector said */
    size_t record_length;
};

static struct link links[LINKS];
static uint32_t happened[KINDS], faults_left;
static int target;
static bool mangle;
static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static int64_t steady_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void make_ready(int descriptor)
{
    const int on = 1;
    (void)fcntl(descriptor, F_SETFL, O_NONBLOCK);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int connect_to_target(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)target)};
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static void draw_fault(struct link *link)
{
    link->kind = faults_left == 0 ? PASS : mangle ? CUT : (enum kind)(1 + draw_below(KINDS - 1));
    link->after = link->passed + draw_below(draw_below(4) == 0 ? 4000 : 400); /* a handshake is 500 bytes, a small batch 400 */
}

static void close_link(struct link *link, bool reset)
{
    const struct linger hard = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 2; i++) {
        if (reset)
            (void)setsockopt(link->ends[i], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(link->ends[i]);
    }
    free(link->record);
    *link = (struct link){.open = false};
}

static void accept_link(int listener)
{
    const int descriptor = accept(listener, NULL, NULL);
    if (descriptor < 0)
        return;
    const int other = connect_to_target();
    for (size_t i = 0; other >= 0 && i < LINKS; i++) {
        if (links[i].open)
            continue;
        links[i].open = true;
        links[i].ends[0] = descriptor;
        links[i].ends[1] = other;
        make_ready(descriptor);
        make_ready(other);
        draw_fault(&links[i]);
        return;
    }
    close(descriptor); /* nobody there, or too many */
    if (other >= 0)
        close(other);
}

/* Says it all again to the aggregator; what it answers is thrown away with the connection. */
static void replay(const struct link *link)
{
    const int descriptor = connect_to_target();
    char answer[CHUNK];
    struct pollfd item = {.fd = descriptor, .events = POLLIN};
    if (descriptor < 0)
        return;
    (void)send(descriptor, link->record, link->record_length, MSG_NOSIGNAL);
    if (poll(&item, 1, 100) == 1)
        (void)recv(descriptor, answer, sizeof answer, 0);
    close(descriptor);
}

/* The moment has come; false when the link is gone. */
static bool strike(struct link *link, struct direction *way)
{
    const enum kind kind = link->kind;
    if (kind == PASS || faults_left == 0)
        return true;
    faults_left--;
    happened[kind]++;
    if (mangle) {
        way->bytes[way->sent + (way->length - way->sent) / 2] ^= 0x10;
        draw_fault(link);
        return true;
    }
    draw_fault(link);
    switch (kind) {
    case SPLIT: link->slow_until = steady_ms() + 300; break;
    case DELAY: link->held_until = steady_ms() + 50 + draw_below(200); break;
    case STALL: link->held_until = steady_ms() + 500 + draw_below(1500); break;
    case REPLAY: replay(link); break;
    case CUT:
    case RESET: { /* part of what waits goes out first: somewhere in a frame */
        const size_t part = draw_below((uint32_t)(way->length - way->sent));
        (void)send(link->ends[way == &link->ways[0]], way->bytes + way->sent, part, MSG_NOSIGNAL | MSG_DONTWAIT);
        close_link(link, kind == RESET);
        return false;
    }
    case PASS:
    case KINDS: break;
    }
    return true;
}

static void keep(struct link *link, const unsigned char *bytes, size_t length)
{
    if (link->record_length + length > RECORD)
        return;
    if (link->record == NULL)
        link->record = malloc(RECORD);
    if (link->record == NULL)
        exit(EXIT_FAILURE);
    memcpy(link->record + link->record_length, bytes, length);
    link->record_length += length;
}

/* One direction; false when the link is gone. */
static bool move(struct link *link, int from)
{
    struct direction *way = &link->ways[from];
    const int64_t now = steady_ms();
    if (way->sent == way->length && !way->ended) {
        const ssize_t got = recv(link->ends[from], way->bytes, sizeof way->bytes, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            close_link(link, false);
            return false;
        }
        way->length = got > 0 ? (size_t)got : 0;
        way->sent = 0;
        if (from == 0 && got > 0)
            keep(link, way->bytes, way->length);
    }
    if (way->sent == way->length || now < link->held_until)
        return true;
    if (link->passed + way->length - way->sent > link->after && !strike(link, way))
        return false;
    const size_t most = now < link->slow_until ? 1 : way->length - way->sent;
    const ssize_t sent = send(link->ends[!from], way->bytes + way->sent, most, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        close_link(link, false);
        return false;
    }
    if (sent > 0) {
        way->sent += (size_t)sent;
        link->passed += (uint64_t)sent;
    }
    return true;
}

static int listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int on = 1, descriptor = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(descriptor, (const struct sockaddr *)&address, sizeof address) != 0 || listen(descriptor, 64) != 0) {
        perror("network-proxy");
        exit(EXIT_FAILURE);
    }
    make_ready(descriptor);
    return descriptor;
}

int main(int argc, char *argv[])
{
    const struct sigaction stop = {.sa_handler = on_signal};
    if (argc < 5) {
        fputs("usage: network-proxy LISTEN-PORT PORT FAULTS SECONDS [MANGLE]\n", stderr);
        return EXIT_FAILURE;
    }
    const int listener = listen_on(atoi(argv[1]));
    const int64_t until = steady_ms() + strtol(argv[4], NULL, 10) * 1000;
    target = atoi(argv[2]);
    faults_left = (uint32_t)strtoul(argv[3], NULL, 10);
    mangle = argc > 5;
    random_start("proxy");
    (void)sigaction(SIGTERM, &stop, NULL);
    while (!stopping && steady_ms() < until) {
        struct pollfd items[1 + 2 * LINKS] = {{.fd = listener, .events = POLLIN}};
        nfds_t count = 1;
        for (size_t i = 0; i < LINKS; i++)
            for (int end = 0; links[i].open && end < 2; end++)
                items[count++] = (struct pollfd){.fd = links[i].ends[end], .events = POLLIN};
        if (poll(items, count, TICK_MS) > 0 && (items[0].revents & POLLIN) != 0)
            accept_link(listener);
        for (size_t i = 0; i < LINKS; i++)
            if (links[i].open && move(&links[i], 0))
                (void)move(&links[i], 1);
    }
    putchar('\n');
    for (int i = 1; i < KINDS; i++)
        printf("%s %" PRIu32 "\n", kind_names[i], happened[i]);
    printf("left %" PRIu32 "\n", faults_left);
    return EXIT_SUCCESS;
}
