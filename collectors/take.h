/* take.h - what happens to one file: feed, check, refused rows, outbox, done/. And what happens to rows that the
 * aggregator refuses later.
 *
 * The steps are in an order in which a crash between any two of them loses nothing and doubles nothing: refused rows
 * are written before the file counts as taken (nothing refused is lost), the outbox commits once (the same bytes are
 * then only moved), and the file leaves the inbox last. */
#ifndef COLLECTORS_TAKE_H
#define COLLECTORS_TAKE_H

#include "feed.h"
#include "inbox.h"
#include "outbox.h"
#include "publisher.h"

enum take_outcome {
    TAKE_TAKEN,         /* its figures are in the outbox */
    TAKE_KNOWN,         /* the same bytes were taken before: only moved */
    TAKE_REFUSED_WHOLE, /* moved to refused/ */
    TAKE_LATER,         /* it could not be read or moved now; it stays where it is */
    TAKE_STOP,          /* the outbox or the disk cannot take anything now */
};

struct taken {
    enum take_outcome outcome;
    size_t records, refused_rows;
    char path[INBOX_PATH];    /* where the file, or for refused rows their file, lies now */
    char refused[INBOX_PATH]; /* <file>.refused.csv, "" when every row was accepted */
    struct inbox_state state; /* of the file that was read */
    bool replaced;            /* another file stands under its name by now and waits in the inbox */
    struct fault why;         /* for anything but TAKE_TAKEN */
    struct delivery *delivery; /* its notes; yours to feed_free; may be NULL */
};

struct taker {
    const struct source_settings *source;
    const struct catalogue *catalogue;
    struct inbox *inbox;
    struct outbox *outbox;
    bool dry_run; /* judge only: nothing is stored, written or moved */
};

/* Takes one file of the taker's inbox. now_ms: Unix ms. STATUS_BROKEN: the outbox cannot go on. */
enum status take_file(const struct taker *taker, const char *name, int64_t now_ms, struct taken *ret_taken,
                      struct fault *why) MUST_CHECK;

/* Writes rows that the aggregator refused beside the inputs they came from. *ret_paths says where the last ones lie.
 * A row whose file is gone from done/ is told by *why and counted; the aggregator keeps it in any case. */
enum status take_returned(const struct taker *takers, size_t taker_count, const struct publisher_refusal *refusals,
                          size_t count, char *ret_path, struct fault *why) MUST_CHECK;

#endif
