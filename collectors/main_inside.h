/* main_inside.h - what the files of the program share: its parts, and the steps that main.c puts in order. */
#ifndef COLLECTORS_MAIN_INSIDE_H
#define COLLECTORS_MAIN_INSIDE_H

#include "inbox.h"
#include "keys.h"
#include "options.h"
#include "outbox.h"
#include "publisher.h"
#include "retain.h"
#include "settings.h"
#include "take.h"

#define REFUSED_PATHS 64 /* places told at the end of --once */

enum option { OPTION_CONFIG, OPTION_ONCE, OPTION_TIMEOUT, OPTION_CHECK, OPTION_DRY_RUN, OPTION_CHECKPOINT,
              OPTION_TRUST, OPTION_DOCTOR, OPTION_LANG, OPTION_VERBOSE,
              OPTION_HELP, OPTION_VERSION };

struct collector {
    struct options options;
    enum language language;
    int64_t timeout_ms;
    struct collector_settings settings;
    struct secret_key key;
    struct public_key aggregator;
    struct catalogue *catalogue;
    struct outbox *outbox;
    struct retain *retain;
    struct inbox **inboxes;
    struct taker *takers;
    void *zmq;
    struct publisher *publisher;
    /* of this run */
    int64_t take_after_ms;      /* a full disk: no file is taken before */
    size_t refused_rows, refused_files;
    size_t lost_files;       /* that the aggregator must be given again */
    size_t *left;               /* by source: files that stay in the inbox for now */
    char *refused_paths[REFUSED_PATHS];
    size_t refused_path_count;
    bool trouble_told;
    enum message last_trouble;
    struct fault alarm;         /* about the aggregator's ledger; MESSAGE_NONE: none */
};

/* main_options.c */
enum status main_read_options(struct collector *collector, int argc, char *const argv[], struct fault *why) MUST_CHECK;
bool main_given(const struct collector *collector, enum option option);
void main_print_help(enum language language);
/* To whoever started the program; the log is for whoever looks later. */
void main_say(const struct collector *collector, const struct fault *fault);
void main_number(size_t count, char ret_text[24]);

/* main_start.c: in this order */
enum status main_load_settings(struct collector *collector, struct fault *why) MUST_CHECK;
enum status main_load_keys(struct collector *collector, struct fault *why) MUST_CHECK;
enum status main_load_catalogue(struct collector *collector, struct fault *why) MUST_CHECK;
enum status main_open_outbox(struct collector *collector, struct fault *why) MUST_CHECK;
enum status main_open_inboxes(struct collector *collector, struct fault *why) MUST_CHECK;
enum status main_open_publisher(struct collector *collector, struct fault *why) MUST_CHECK;

/* main_take.c */
/* Takes what is complete in the inboxes that are due, delivering in between. *ret_any when something left an inbox. */
enum status main_take_all(struct collector *collector, bool *ret_any, struct fault *why) MUST_CHECK;
/* In the inboxes, for now. */
size_t main_files_left(const struct collector *collector);

/* main_deliver.c */
enum status main_deliver(struct collector *collector, struct fault *why) MUST_CHECK;
/* Names in the log every file that the aggregator must be given again, and counts them. */
enum status main_name_lost(struct collector *collector, struct fault *why) MUST_CHECK;
/* What was named as lost may have been taken again meanwhile. */
size_t main_still_lost(struct collector *collector);

/* main_conclude.c */
/* A place to be told at the end; once each. */
void main_remember_refused(struct collector *collector, const char *path);
/* Exit code of a run that came to its end. */
int main_conclude(struct collector *collector, bool delivered);

/* main_look.c */
/* The rows of `suanpan doctor`, with what only the place of the outbox can tell. */
int main_call_doctor(struct collector *collector, struct fault *why);
/* One checkpoint after another: what `suanpan verify --checkpoint` reads. */
int main_print_checkpoints(struct collector *collector, struct fault *why);
enum status main_check_only(struct collector *collector, struct fault *why) MUST_CHECK;
/* What contradicts becomes what is kept; the former one stays beside it. */
enum status main_trust_ledger(struct collector *collector, struct fault *why) MUST_CHECK;

/* main_system.c */
/* Unix time that never runs backwards: a clock set back by an hour must not stop every timer for an hour. */
int64_t main_now_ms(void);
bool main_catch_signals(void);
/* A signal asked for it. */
bool main_is_stopping(void);
int main_wake_descriptor(void); /* readable after a signal, for the loop's poll */

#endif
