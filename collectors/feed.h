/* feed.h - where figures come from. One interface, one feed_*.c a kind of input, one row in the table of feed.c.
 *
 * A feed turns one delivery (a file in an inbox) into candidates: what the clerk wrote, with its place, not yet
 * checked against rules. Layout, encoding and cells are the feed's business; meaning is check.h's.
 *
 * A report may hold millions of figures, so a candidate is small: what is wrong with it stands beside, as a list of
 * complaints that only refused candidates have. */
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
    const char *raw;    /* as written, UTF-8, without its line end */
    size_t raw_length;
    uint32_t cells;     /* how many cells it has */
};

#define NO_COMPLAINT 0

/* One thing that is wrong with a candidate, said in Chinese for the refused file. */
struct complaint {
    enum message message;
    uint32_t next;    /* index of the next complaint of the candidate, NO_COMPLAINT at the end */
    const char *text;
};

enum candidate_kind {
    CANDIDATE_RECORD,   /* a figure, or a status without one */
    CANDIDATE_MISSING,  /* a cell that means no figure and no status: nothing to store, nothing refused */
    CANDIDATE_REPEATED, /* an identical row stands before it in the file */
};

/* One figure as read: a record, unless complaints say why it is none. */
struct candidate {
    struct record record; /* element, unit are NO_INDEX when not known; reason is borrowed from the delivery */
    uint32_t row;         /* index into rows: the row it stands in (several candidates a row in the wide layout) */
    uint32_t complaint;   /* first complaint, NO_COMPLAINT when nothing is wrong */
    enum candidate_kind kind;
};

#define FEED_NOTES 200 /* notes kept; the last then says how many more there were */

struct delivery {
    char file[256];             /* name without folder, UTF-8 */
    unsigned char hash[32];     /* of its bytes, and of the period the source gave it: the same table is another month's
                                 * report under another setting */
    enum text_encoding encoding;
    char separator;
    bool crlf;                  /* its lines end CR LF */
    struct feed_row header;     /* the column names' row */
    struct feed_row *rows;             size_t row_count;
    struct candidate *candidates;      size_t candidate_count;
    struct complaint *complaints;      size_t complaint_count; /* [0] is unused */
    struct fault *notes;               size_t note_count; /* what was recognised and skipped: titles, totals, columns */
    struct delivery_private *private;  /* text behind rows, reasons and complaints */
};

/* Reads one file. STATUS_REFUSED: the file as a whole is refused (why says so); STATUS_AGAIN: it cannot be read now
 * (it changes while being read, or the disk says no). */
enum status feed_read(const struct source_settings *source, const struct catalogue *catalogue, const char *path,
                      struct delivery **ret_delivery, struct fault *why) MUST_CHECK;
void feed_free(struct delivery **delivery);
/* True when a file of this name is input at all (not hidden, not *.refused.csv, *.reason.txt, ~$*, *.tmp, *.part). */
bool feed_is_input(const char *name);
/* True when a feed of this kind exists; else *why names the known ones. */
bool feed_is_known(const char *kind, struct fault *why);
/* The file name as UTF-8, at most 255 bytes (names unpacked from old archives are often GBK). */
void feed_display_name(const char *name, char ret_name[256]);

/* ---- for feeds and check ------------------------------------------------------------------------------------------ */

/* Adds a complaint to a candidate; the fault's sentence, after its column when it has one. */
void feed_complain(struct delivery *delivery, struct candidate *candidate, const struct fault *fault);
void feed_note(struct delivery *delivery, const struct fault *note);
/* The row a note or a sentence is about. */
int64_t feed_line(const struct delivery *delivery, const struct candidate *candidate);
/* True when the candidate is a record that nothing speaks against. */
bool feed_accepted(const struct candidate *candidate);
/* How many rows have at least one candidate with a complaint. */
size_t feed_refused_rows(const struct delivery *delivery);

/* ---- for feed_*.c -------------------------------------------------------------------------------------------------- */

/* Text that lives as long as the delivery. */
const char *feed_keep(struct delivery *delivery, const char *text, size_t length);
/* Takes over the decoded file that rows point into. */
void feed_own_text(struct delivery *delivery, char *text);
uint32_t feed_add_row(struct delivery *delivery, const struct feed_row *row);
struct candidate *feed_add_candidate(struct delivery *delivery); /* borrowed till the next one */

/* The table's reader for `report`: a delimited text file, long or wide (feed_report.c). */
enum status feed_report_read(const struct source_settings *source, const struct catalogue *catalogue,
                             const char *bytes, size_t length, struct delivery *delivery, struct fault *why) MUST_CHECK;

#endif
