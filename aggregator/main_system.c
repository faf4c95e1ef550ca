/* main_system.c - what the operating system asks of a service and gives it: signals, descriptors, systemd.
 *
 * Signals come as one byte each through a pipe, so that none is missed between two polls. */
#include "main_inside.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int signal_pipe[2] = {-1, -1};

static void on_signal(int number)
{
    const int before = errno;
    const unsigned char byte = (unsigned char)number;
    if (write(signal_pipe[1], &byte, 1) < 0) {
        /* full: there is a byte already, and one is enough */
    }
    errno = before;
}

bool main_catch_signals(struct program *program)
{
    struct sigaction caught, ignored;
    memset(&caught, 0, sizeof caught);
    memset(&ignored, 0, sizeof ignored);
    caught.sa_handler = on_signal;
    ignored.sa_handler = SIG_IGN;
    if (pipe(signal_pipe) != 0)
        return false;
    program->signals = signal_pipe[0];
    for (int i = 0; i < 2; i++)
        if (fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC) != 0)
            return false;
    return sigaction(SIGTERM, &caught, NULL) == 0 && sigaction(SIGINT, &caught, NULL) == 0 &&
           sigaction(SIGHUP, &caught, NULL) == 0 && sigaction(SIGPIPE, &ignored, NULL) == 0 &&
           sigaction(SIGXFSZ, &ignored, NULL) == 0;
}

bool main_read_signals(struct program *program)
{
    unsigned char byte;
    bool stop = false;
    while (read(program->signals, &byte, 1) == 1) {
        if (byte == SIGHUP)
            program->reload = true;
        else
            stop = true;
    }
    return stop;
}

void main_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = path == NULL ? 0 : strlen(path);
    if (length == 0 || length >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    const int socket_file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_file < 0)
        return;
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (sendto(socket_file, state, strlen(state), 0, (const struct sockaddr *)&address, size) < 0)
        log_event(LOG_LEVEL_WARN, "notify_failed", "socket", path, "reason", strerror(errno), NULL);
    close(socket_file);
}

void main_raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        log_event(LOG_LEVEL_WARN, "descriptor_limit_kept", "reason", strerror(errno), NULL);
}
