/* desk_inside.h - what the desk_*.c files share: the desk and who waits for an answer. All of it belongs to the office thread. */
#ifndef AGGREGATOR_OFFICE_DESK_INSIDE_H
#define AGGREGATOR_OFFICE_DESK_INSIDE_H

#include "desk.h"

#include "announce.h"
#include "answer.h"
#include "http.h"
#include "wire.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ACKS_MOST = 16 }; /* acknowledgements that wait for the writer */

enum keeping { KEPT, TO_KEEP, HANDED_OVER };

struct standing { /* one alert as it stands */
    struct alert_row row;
    enum keeping keeping;
    int64_t handed_over_ms;
};

struct asker { /* who gets the answer */
    void *socket;
    unsigned char identity[256];
    size_t identity_length;
    bool delimiter; /* a REQ socket asks with an empty frame */
    uint64_t id;
};

struct waiting_ack { /* who waits till the writer has kept it, and for how long */
    bool used;
    struct asker asker;
    char alert[160];
    int64_t until_ms;
};

struct waiting_publication {
    bool used;
    struct asker asker;
    struct publication publication;
    int64_t as_of, until_ms;
};

struct waiting_backup {
    bool used;
    struct asker asker;
    struct backup_mark mark;
    int64_t until_ms;
};

struct desk {
    const struct aggregator_settings *settings;
    const struct secret_key *key;
    const struct catalogue *catalogue;
    void *queries, *http_desk, *writer, *events;
    struct http *http;
    struct store *store;
    struct office *office;
    struct announcer *announcer;
    struct standing *alerts;
    size_t alert_count;
    bool alerts_loaded;
    struct waiting_ack acks[ACKS_MOST];
    struct waiting_publication publishing; /* one at a time */
    struct waiting_backup backup;          /* likewise */
    uint64_t head;       /* newest entry we were told of */
    uint64_t repairs_told;
    int64_t judge_at_ms; /* 0: nothing to judge */
    int64_t publish_at_ms, committed_at_ms;
    int32_t judged_day;
    pthread_t thread;
    bool thread_runs;
    atomic_bool stop;
};

/* desk_store.c */
/* Nothing to do when it is open. */
enum status desk_open_store(struct desk *desk, struct fault *why) MUST_CHECK;
void desk_close_store(struct desk *desk);
/* Begins one snapshot of the store, which is opened when need be. */
enum status desk_begin(struct desk *desk, struct fault *why) MUST_CHECK;
/* Ends it; returns what became of the work in it. */
enum status desk_end(struct desk *desk, enum status status, struct fault *why) MUST_CHECK;
/* What was found damaged while answering. */
void desk_log_repairs(struct desk *desk);

/* desk_questions.c */
/* As an answer; a fault when it is too long. */
void desk_send_table(const struct asker *asker, const struct answer *answer);
void desk_send_fault(const struct asker *asker, enum status status, const struct fault *fault);
/* The same after work in the store: one that cannot be read now is opened again before the next question. */
void desk_send_failure(struct desk *desk, const struct asker *asker, enum status status, const struct fault *fault);
/* Answers the next question that waits on the socket. False when none waited. */
bool desk_serve_one(struct desk *desk, void *socket, int64_t now_ms);
/* NULL when the question does not have it. */
const char *desk_option_of(const struct wire_question *question, const char *name);

/* desk_alerts.c */
/* Judges the goals, in one snapshot. */
enum status desk_judge(struct desk *desk, int32_t today, int64_t now_ms, struct fault *why) MUST_CHECK;
/* Hands what has changed to the writer; what does not fit now goes with the next round. */
void desk_hand_over_alerts(struct desk *desk, int64_t now_ms);
/* `alerts ack`: answered when the writer has stored it. */
void desk_acknowledge(struct desk *desk, const struct asker *asker, const struct wire_question *question, int64_t now_ms);
/* The writer has stored it: now the world may know. */
void desk_alert_kept(struct desk *desk, const struct alert_row *row);
void desk_expire_acks(struct desk *desk, int64_t now_ms);

/* desk_keeping.c */
/* Signed here, stored by the writer; the asker hears of it when it is stored. */
void desk_publish(struct desk *desk, const struct asker *asker, const struct wire_question *question, int64_t now_ms);
void desk_publication_kept(struct desk *desk, const struct publication *publication, bool is_new);
/* Whoever made a backup shows its signed statement: only who has our key can have made one of this ledger. */
void desk_note_backup(struct desk *desk, const struct asker *asker, const struct wire_question *question, int64_t now_ms);
void desk_backup_kept(struct desk *desk, const struct backup_mark *mark);
void desk_hand_over_sheaf(struct desk *desk);
/* What the writer did not keep in time. */
void desk_expire_keeping(struct desk *desk, int64_t now_ms);

#endif
