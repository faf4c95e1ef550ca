/* main_system.c - what the operating system gives a service: the time, and signals.
 *
 * Signals write into a pipe that the loop polls, so that none is missed between two polls. */
#include "main_inside.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int64_t main_now_ms(void)
{
    static int64_t last, last_steady;
    const int64_t wall = clock_ms(CLOCK_REALTIME), steady = clock_ms(CLOCK_MONOTONIC);
    const int64_t least = last == 0 ? wall : last + (steady - last_steady);
    last = wall > least ? wall : least;
    last_steady = steady;
    return last;
}

static int wake[2] = {-1, -1}; /* signals write, the loop's poll reads */
static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    const int saved = errno;
    (void)number;
    stopping = 1;
    if (write(wake[1], "", 1) < 0)
        errno = saved; /* a full pipe wakes the loop as well */
    errno = saved;
}

bool main_catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    if (pipe(wake) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(wake); i++)
        if (fcntl(wake[i], F_SETFD, FD_CLOEXEC) != 0 || fcntl(wake[i], F_SETFL, O_NONBLOCK) != 0)
            return false;
    /* A file size limit must come back as an error to be handled, not as a death. */
    return sigaction(SIGINT, &stop, NULL) == 0 && sigaction(SIGTERM, &stop, NULL) == 0 &&
           sigaction(SIGPIPE, &ignore, NULL) == 0 && sigaction(SIGXFSZ, &ignore, NULL) == 0 &&
           sigaction(SIGIO, &ignore, NULL) == 0; /* a file opened for writing while being_written() looks at it */
}

bool main_is_stopping(void)
{
    return stopping != 0;
}

int main_wake_descriptor(void)
{
    return wake[0];
}
