/* clock.c - see clock.h. */
#include "clock.h"

int64_t clock_ms(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* fails only for a clock that the machine does not have */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
