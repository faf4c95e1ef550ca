/* line.h - a seeded fault for controls: messages of a ROUTER are put into one line, in which whoever came first of all stands
 * before everybody else, however often they come back. */
#ifndef TESTS_NETWORK_LINE_H
#define TESTS_NETWORK_LINE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

typedef int line_receive(zmq_msg_t *, void *, int);

struct line {
    struct {
        zmq_msg_t frames[2]; /* route, payload */
    } waiting[256];
    size_t count, serving;
    int frame; /* of the one that is served */
    unsigned char first_comer[256];
    size_t first_comer_length;
};

static inline void line_up(struct line *line, void *socket, line_receive *receive)
{
    for (; line->count < sizeof line->waiting / sizeof line->waiting[0]; line->count++) {
        zmq_msg_t *frames = line->waiting[line->count].frames;
        zmq_msg_init(&frames[0]);
        zmq_msg_init(&frames[1]);
        if (receive(&frames[0], socket, ZMQ_DONTWAIT) < 0)
            return;
        if (receive(&frames[1], socket, ZMQ_DONTWAIT) < 0)
            abort();
        if (line->first_comer_length > 0)
            continue;
        line->first_comer_length = zmq_msg_size(&frames[0]);
        memcpy(line->first_comer, zmq_msg_data(&frames[0]), line->first_comer_length);
    }
}

/* In place of zmq_msg_recv. */
static inline int line_recv(struct line *line, zmq_msg_t *message, void *socket, line_receive *receive)
{
    if (line->frame == 0) {
        line_up(line, socket, receive);
        for (line->serving = 0; line->serving < line->count; line->serving++)
            if (memcmp(zmq_msg_data(&line->waiting[line->serving].frames[0]), line->first_comer,
                       line->first_comer_length) == 0)
                break;
        line->serving = line->serving == line->count ? 0 : line->serving;
    }
    if (line->count == 0) {
        errno = EAGAIN;
        return -1;
    }
    zmq_msg_move(message, &line->waiting[line->serving].frames[line->frame]);
    line->frame = 1 - line->frame;
    if (line->frame == 0)
        memmove(&line->waiting[line->serving], &line->waiting[line->serving + 1],
                (--line->count - line->serving) * sizeof line->waiting[0]);
    return (int)zmq_msg_size(message);
}

#endif
