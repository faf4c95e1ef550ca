/* handover.c - preloaded under the thread sanitizer: libzmq is not instrumented, so the sanitizer does not see that what one
 * thread wrote before it sent a message happens before what another does after it received one. Here every send releases
 * and every receive acquires, which is what libzmq promises. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <string.h>
#include <zmq.h>

void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

static char handed_over;

static void sent(void)
{
    if (__tsan_release != NULL)
        __tsan_release(&handed_over);
}

static void received(void)
{
    if (__tsan_acquire != NULL)
        __tsan_acquire(&handed_over);
}

/* ISO C knows no cast of an object pointer to a function: copied. */
static void find(const char *name, void *ret_function)
{
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(ret_function, &symbol, sizeof symbol);
}

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    static int (*next)(zmq_msg_t *, void *, int);
    if (next == NULL)
        find("zmq_msg_send", &next);
    sent();
    return next(message, socket, flags);
}

int zmq_send(void *socket, const void *bytes, size_t length, int flags)
{
    static int (*next)(void *, const void *, size_t, int);
    if (next == NULL)
        find("zmq_send", &next);
    sent();
    return next(socket, bytes, length, flags);
}

int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    static int (*next)(zmq_msg_t *, void *, int);
    if (next == NULL)
        find("zmq_msg_recv", &next);
    const int result = next(message, socket, flags);
    received();
    return result;
}

int zmq_recv(void *socket, void *bytes, size_t length, int flags)
{
    static int (*next)(void *, void *, size_t, int);
    if (next == NULL)
        find("zmq_recv", &next);
    const int result = next(socket, bytes, length, flags);
    received();
    return result;
}
