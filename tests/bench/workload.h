/* workload.h - the records every contender of the bench gets, worked out from a seed so that nobody has to read a file
 * while the clock runs.
 *
 * A report is one unit with all elements of one month; reports come one after the other. Three kinds:
 *   restate  12 months again and again: each cell is reported many times over, the last one counts
 *   first    every report is of a month not reported before
 *   again    the reports of `first` once more, with other figures
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define WORKLOAD_AGENTS 16
#define WORKLOAD_VALUE_MOST 100000000u
#define WORKLOAD_RESTATED_MONTHS 12
#define WORKLOAD_FIRST_YEAR 2001

enum workload { WORKLOAD_RESTATE, WORKLOAD_FIRST, WORKLOAD_AGAIN };

struct workload_cell {
    uint32_t unit;    /* of the agent's units */
    uint32_t element;
    uint32_t month;   /* months since January of WORKLOAD_FIRST_YEAR */
    int64_t value;
};

/* Well spread bits of a number (splitmix64). */
static inline uint64_t workload_mix(uint64_t number)
{
    number += 0x9E3779B97F4A7C15u;
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9u;
    number = (number ^ number >> 27) * 0x94D049BB133111EBu;
    return number ^ number >> 31;
}

/* Record `index` of an agent that reports `units` units with `elements` elements each. */
static inline struct workload_cell workload_cell(enum workload kind, uint64_t seed, uint32_t agent, uint64_t index,
                                                 uint32_t units, uint32_t elements)
{
    const uint64_t report = index / elements, month = report / units;
    const uint64_t bits = workload_mix(seed ^ workload_mix((uint64_t)agent << 40 ^ index ^ (uint64_t)kind << 60));
    /* 5 in 100 reports of the restating kind come a month late. */
    const uint64_t late = workload_mix(seed ^ report ^ (uint64_t)agent << 32) % 100 < 5 ? WORKLOAD_RESTATED_MONTHS - 1 : 0;
    return (struct workload_cell){
        .unit = (uint32_t)(report % units),
        .element = (uint32_t)(index % elements),
        .month = (uint32_t)(kind == WORKLOAD_RESTATE ? (month + late) % WORKLOAD_RESTATED_MONTHS : month),
        .value = (int64_t)(bits % WORKLOAD_VALUE_MOST),
    };
}

static inline double bench_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
