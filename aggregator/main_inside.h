/* main_inside.h - what the files of the program share: its parts, and the steps that main.c puts in order. */
#ifndef AGGREGATOR_MAIN_INSIDE_H
#define AGGREGATOR_MAIN_INSIDE_H

#include "abacus.h"
#include "desk.h"
#include "gate.h"
#include "intake.h"
#include "keys.h"
#include "options.h"
#include "porter.h"
#include "settings.h"
#include "store.h"

#include <sys/stat.h>

enum {
    LOOK_MS = 1000,       /* agents.csv is looked at, and what a full disk kept waiting is tried again, so often */
    ALERTS_MOST = 100000, /* alerts that wait for a full disk */
};

struct program {
    bool check, verbose;
    enum language language;
    struct aggregator_settings settings;
    bool has_settings;
    struct secret_key key;
    struct catalogue *catalogue;
    struct agent *agents;
    size_t agent_count;
    struct stat agents_file; /* as it was when loaded */
    int32_t agents_day;      /* for which the dates of keys were looked at */
    struct store *store;
    struct abacus *abacus;
    void *context, *collectors, *notes;
    struct gate *gate;
    struct porter *porter;
    struct intake *intake;
    struct desk *desk;
    struct alert_row *alerts; /* of the desk, not yet stored */
    size_t alert_count, alert_capacity, alerts_stored;
    struct desk_note incident; /* that the desk was not told of yet, ... */
    bool incident_owed;       /* ... if so */
    struct publication publication; /* of the desk, not yet stored */
    bool publishes;
    struct backup_mark backup; /* verified, not yet noted */
    bool backs_up;
    struct published_sheaf *sheaf; /* lent by the desk, not yet stored */
    bool sheaf_stored;
    int64_t sheaf_at;         /* waits for a quiet moment until then */
    int64_t sheaf_retry_at;   /* the disk was full */
    uint64_t repairs_told;    /* damaged blocks the log knows of */
    uint64_t committed_owed;  /* newest entry the desk was not told of, 0: none */
    int64_t looked_at, busy_at, alerts_at, pages_at;
    bool pages_seen;          /* all saved pages were looked at since the start */
    int signals;              /* main_system.c: to be polled */
    bool reload;
    bool alarms_stand;        /* as far as known */
};

/* main_start.c: in this order */
enum exit_code main_read_configuration(struct program *program, const char *file);
enum exit_code main_open_store(struct program *program);
/* Looks at the saved pages before anybody asks for a figure, and says what had to be made anew. */
enum exit_code main_start_abacus(struct program *program);
enum exit_code main_open_sockets(struct program *program);
enum exit_code main_start_services(struct program *program);
void main_say_ready(const struct program *program);
/* Why it does not start, for the log; returns the code. */
enum exit_code main_failed(enum exit_code code, const struct fault *why);

/* main_agents.c */
/* Replaces the table when the file is sound, else leaves it. */
enum status main_load_agents(struct program *program, struct fault *why) MUST_CHECK;
bool main_agents_changed(const struct program *program);
void main_reload_agents(struct program *program);

/* main_news.c */
/* What intake tells of; a witness that contradicts the ledger becomes an alert. */
void main_log_intake(struct program *program);
/* Damaged blocks that were made anew since the last time. */
void main_log_repairs(struct program *program);

/* main_desk.c */
/* To be stored, then published by the desk. */
void main_add_alert(struct program *program, const struct alert_row *row);
/* The desk polls; should its pipe be full the newest number is told later, it covers those before. */
void main_tell_committed(struct program *program);
/* Alerts about deliveries: stored with what they tell of, published by the desk. */
void main_tell_incidents(struct program *program);
/* Takes in what the desk wants to be kept. */
void main_take_notes(struct program *program);
/* What is to be kept, as far as it is due and the disk has room. Not STATUS_OK: the store is broken. */
enum status main_keep_alerts(struct program *program, int64_t now_ms, struct fault *why) MUST_CHECK;
enum status main_keep_publication(struct program *program, int64_t now_ms, struct fault *why) MUST_CHECK;
enum status main_keep_backup(struct program *program, int64_t now_ms, struct fault *why) MUST_CHECK;
enum status main_keep_sheaf(struct program *program, bool is_busy, int64_t now_ms, struct fault *why) MUST_CHECK;
/* The alerts that are stored. */
void main_tell_kept(struct program *program);
void main_stop_desk(struct program *program);

/* main_system.c */
bool main_catch_signals(struct program *program);
/* True when the program has to stop. */
bool main_read_signals(struct program *program);
/* Tells systemd, when it is listening. */
void main_notify(const char *state);
/* Every connection takes a descriptor; the soft limit is often 1024. */
void main_raise_limits(void);

#endif
