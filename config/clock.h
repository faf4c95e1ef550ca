/* clock.h - the clocks of the machine in milliseconds. Only programs and threads look at them; modules are told the time. */
#ifndef CONFIG_CLOCK_H
#define CONFIG_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_REALTIME: Unix time; CLOCK_MONOTONIC: for how long something took, whatever becomes of the date. */
int64_t clock_ms(clockid_t clock);

#endif
