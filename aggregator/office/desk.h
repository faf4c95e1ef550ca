/* desk.h - the office thread of the aggregator: answers questions at listen.queries and from the HTTP thread, judges the
 * goals when figures or the day change, publishes figures and alerts at listen.events. It reads the store through its own
 * read-only handle; what has to be kept (alerts) it hands to the one writer. */
#ifndef AGGREGATOR_OFFICE_DESK_H
#define AGGREGATOR_OFFICE_DESK_H

#include "catalogue.h"
#include "keys.h"
#include "published.h"
#include "settings.h"
#include "store.h"

/* Notes between the writer and the desk: one struct, one frame, over a PAIR at DESK_ENDPOINT (the writer binds, and does
 * so before desk_start). Both sides send with ZMQ_DONTWAIT and poll. */
#define DESK_ENDPOINT "inproc://desk"
enum desk_note_kind {
    DESK_COMMITTED,   /* writer -> desk: entries up to `entry` are committed */
    DESK_KEEP_ALERT,  /* desk -> writer: store this alert row */
    DESK_KEPT_ALERT,  /* writer -> desk: stored; publish it */
    DESK_KEEP_PUBLICATION, /* desk -> writer: store this publication */
    DESK_KEPT_PUBLICATION, /* writer -> desk: stored, or (entry 0) its name is taken */
    DESK_KEEP_BACKUP, /* desk -> writer: this backup is verified, take note of it */
    DESK_KEPT_BACKUP, /* writer -> desk: noted */
    DESK_KEEP_SHEAF,  /* desk -> writer: store these rows (published.h), lent till KEPT or desk_stop */
    DESK_KEPT_SHEAF,  /* writer -> desk: stored */
    DESK_STOP,        /* writer -> desk */
};
struct desk_note {
    enum desk_note_kind kind;
    uint64_t entry;
    struct published_sheaf *sheaf; /* the desk's */
    struct alert_row alert;
    struct publication publication;
    struct backup_mark backup;
};

struct desk;
/* Starts the thread (and the HTTP thread when listen_http is set); returns when everything is bound, so that a used port
 * is a fault here. Borrows everything till desk_stop. */
enum status desk_start(void *zmq_context, const struct aggregator_settings *settings, const struct catalogue *catalogue,
                       const struct secret_key *key, struct desk **ret_desk, struct fault *why) MUST_CHECK;
void desk_stop(struct desk **desk);

#endif
