/* raw.c - connections made without libzmq, which is too polite for them.
 *
 *   network-raw hold PORT COUNT              opens COUNT connections and says nothing; holds them until standard input ends
 *   network-raw endless PORT BYTES           speaks ZMTP 3.1 without encryption and sends one message of endlessly many parts
 *   network-raw drip PORT COUNT TEXT         COUNT connections that send TEXT a byte a second and never read
 *   network-raw many PORT COUNT TEXT         as drip, but everything at once, and never read
 *
 * PORT is on 127.0.0.1. Prints how many connections (hold, drip, many: still stand; endless: bytes went out). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 20000, PART = 60000, ENDLESS_SECONDS = 20 };

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static bool stands(int descriptor)
{
    char byte;
    const ssize_t got = recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

static size_t count_standing(const int *descriptors, size_t count)
{
    size_t standing = 0;
    for (size_t i = 0; i < count; i++)
        standing += descriptors[i] >= 0 && stands(descriptors[i]);
    return standing;
}

/* Holds them until standard input ends; step: bytes of text sent to each every second, 0 for all of it at once. */
static int hold(int port, size_t count, const char *text, size_t step)
{
    static int descriptors[MOST];
    const size_t length = strlen(text);
    size_t sent = 0;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (size_t i = 0; i < count; i++)
        descriptors[i] = connect_to(port);
    printf("connections %zu\n", count_standing(descriptors, count));
    (void)fflush(stdout);
    for (;;) {
        const size_t next = step == 0 ? length - sent : sent + step <= length ? step : 0;
        for (size_t i = 0; next > 0 && i < count; i++)
            if (descriptors[i] >= 0)
                (void)send(descriptors[i], text + sent, next, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += next;
        if (poll(&input, 1, 1000) != 0)
            break;
    }
    printf("standing %zu\n", count_standing(descriptors, count));
    return EXIT_SUCCESS;
}

static bool send_all(int descriptor, const void *bytes, size_t length)
{
    const char *rest = bytes;
    while (length > 0) {
        const ssize_t sent = send(descriptor, rest, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        rest += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Greeting of ZMTP 3.1 with mechanism NULL, and READY of a DEALER; what the other side says is of no interest. */
static bool shake_hands(int descriptor)
{
    static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06" "DEALER";
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    char answer[256];
    size_t got = 0;
    if (!send_all(descriptor, greeting, sizeof greeting) || !send_all(descriptor, ready, sizeof ready - 1))
        return false;
    while (got < sizeof greeting + sizeof ready - 1) {
        const ssize_t more = recv(descriptor, answer, sizeof answer, 0);
        if (more <= 0)
            return false;
        got += (size_t)more;
    }
    return true;
}

static int endless(int port, uint64_t most)
{
    unsigned char part[9 + PART] = {0x03, 0, 0, 0, 0, 0, 0, PART >> 8, PART & 0xff}; /* long, more to come */
    const struct timeval patience = {.tv_sec = ENDLESS_SECONDS};
    const time_t until = time(NULL) + ENDLESS_SECONDS;
    const int descriptor = connect_to(port);
    uint64_t sent = 0;
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 || !shake_hands(descriptor)) {
        fputs("network-raw: no handshake\n", stderr);
        return EXIT_FAILURE;
    }
    while (sent < most && time(NULL) < until && send_all(descriptor, part, sizeof part))
        sent += sizeof part;
    printf("bytes %llu\n", (unsigned long long)sent);
    close(descriptor);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    const int port = argc > 3 ? atoi(argv[2]) : 0;
    const size_t count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (port <= 0 || port >= 32768)
        fputs("usage: network-raw hold|endless|drip|many PORT COUNT [TEXT]\n", stderr);
    else if (strcmp(argv[1], "endless") == 0)
        return endless(port, count);
    else if (strcmp(argv[1], "hold") == 0 && count <= MOST)
        return hold(port, count, "", 0);
    else if (strcmp(argv[1], "drip") == 0 && argc == 5 && count <= MOST)
        return hold(port, count, argv[4], 1);
    else if (strcmp(argv[1], "many") == 0 && argc == 5 && count <= MOST)
        return hold(port, count, argv[4], 0);
    return EXIT_FAILURE;
}
