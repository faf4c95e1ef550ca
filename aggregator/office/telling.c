/* telling.c - see telling.h. */
#include "telling.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>

#define TELL_MS 200

void telling_step(void *context, const char *step, uint64_t done, uint64_t all)
{
    struct telling *telling = context;
    const int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    if (telling->told && now_ms - telling->told_ms < TELL_MS)
        return;
    telling->told = true;
    telling->told_ms = now_ms;
    if (all > 0)
        (void)fprintf(stderr, "\r\033[K%s %" PRIu64 " / %" PRIu64, step, done, all);
    else
        (void)fprintf(stderr, "\r\033[K%s %" PRIu64, step, done);
    (void)fflush(stderr);
}

void telling_end(const struct telling *telling)
{
    if (telling->told)
        (void)fputs("\r\033[K", stderr);
}
