/* thread.h - threads of the office never take the program's signals: they belong to the main loop. */
#ifndef AGGREGATOR_OFFICE_THREAD_H
#define AGGREGATOR_OFFICE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

static inline bool thread_start(pthread_t *ret_thread, void *(*run)(void *), void *context)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(ret_thread, NULL, run, context) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

#endif
