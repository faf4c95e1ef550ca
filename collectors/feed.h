/* feed.h - where figures come from. One interface, one feed_*.c a kind of input, one row in the table of feed.c.
 *
 * A feed turns one delivery (a file in an inbox) into candidate rows: what the clerk wrote, with its place, not yet
 * checked against rules. Layout, encoding and cells are the feed's business; meaning is check.h's. */
#ifndef COLLECTORS_FEED_H
#define COLLECTORS_FEED_H

#include "catalogue.h"
#include "fault.h"
#include "record.h"
#include "settings.h"
#include "text.h"

/* A row of the file as it has to be written back when refused. */
struct feed_row {
    int64_t line;
    const char *raw;    /* as written, UTF-8 */
    size_t raw_length;
};

/* One figure as read: either a record or the reason why it is none. */
struct candidate {
    struct record record;   /* element, unit, period, value ... valid when fault.message == MESSAGE_NONE */
    uint32_t row;           /* index into rows: the row it stands in (several candidates a row in the wide layout) */
    struct fault fault;
    bool missing;           /* a cell that means no figure and no status: nothing to store, nothing refused */
};

struct delivery {
    char *file;                 /* name without folder */
    unsigned char hash[32];
    enum text_encoding encoding;
    char separator;
    struct feed_row header;     /* the column names' row */
    struct feed_row *rows;      size_t row_count;
    struct candidate *candidates; size_t candidate_count;
    struct fault *notes;        size_t note_count; /* what was recognised and skipped: titles, totals, other columns */
    struct delivery_private *private; /* text behind rows and reasons */
};

/* Reads one file. STATUS_REFUSED: the file as a whole is refused (why says so); STATUS_AGAIN: it cannot be read now. */
enum status feed_read(const struct source_settings *source, const struct catalogue *catalogue, const char *path,
                      struct delivery **ret_delivery, struct fault *why) MUST_CHECK;
void feed_free(struct delivery **delivery);
/* True when a file of this name is input at all (not hidden, not *.refused.csv, *.reason.txt, ~$*, *.tmp, *.part). */
bool feed_is_input(const char *name);

#endif
