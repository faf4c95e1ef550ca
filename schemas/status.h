/* status.h - how every call that can fail answers, sorted by what the caller does next. */
#ifndef SCHEMAS_STATUS_H
#define SCHEMAS_STATUS_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(place, first) __attribute__((format(printf, place, first)))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum status {
    STATUS_OK,      /* done */
    STATUS_AGAIN,   /* not now: keep what you have and try again later (peer away, disk full, store busy) */
    STATUS_REFUSED, /* this input is bad: report it, carry on with the next */
    STATUS_BROKEN,  /* this handle or this program cannot go on: stop using it */
};

#endif
