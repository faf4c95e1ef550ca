/* random.h - chance that can be repeated: every sequence prints its seed, SUANPAN_SEED=n runs it again. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

static inline uint64_t draw(void) /* xorshift64 */
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* 0 .. below - 1; the high bits are the better ones. */
static inline uint32_t draw_below(uint32_t below)
{
    return (uint32_t)(draw() >> 11) % below;
}

static inline void random_start(const char *what)
{
    const char *given = getenv("SUANPAN_SEED");
    random_state = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 2654435761u;
    random_state |= 1; /* of zero nothing but zeros follow */
    printf(" [%s SUANPAN_SEED=%" PRIu64 "] ", what, random_state);
    (void)fflush(stdout);
}

#endif
