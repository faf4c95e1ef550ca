/* doctor.h - what is wrong with the machine a program runs on: keys, clock, disk, locale, ports, limits. Looks and touches
 * nothing. Both programs' doctors begin with these and add what only they know; nothing found is told but with what to do. */
#ifndef CONFIG_DOCTOR_H
#define CONFIG_DOCTOR_H

#include "keys.h"
#include "settings.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARN, DOCTOR_ERROR };

struct doctor_row {
    const char *check;        /* static: keys, clock, disk, locale, ports, limits, store, outbox, catalogue, settings */
    enum doctor_state state;
    char subject[256];        /* file, endpoint, agent ... */
    struct fault detail;      /* its sentence says what was found */
    enum message advice;      /* what to do, with the arguments of the detail; MESSAGE_NONE */
};
struct doctor {               /* zero-initialise; free(rows) */
    struct doctor_row *rows;
    size_t count, capacity;
};

/* Adds a row; one and two (may be NULL) are the arguments of detail and advice. */
void doctor_add(struct doctor *doctor, const char *check, enum doctor_state state, const char *subject, enum message detail,
                enum message advice, const char *one, const char *two);
void doctor_add_fault(struct doctor *doctor, const char *check, enum doctor_state state, const char *subject,
                      const struct fault *fault);
bool doctor_is_healthy(const struct doctor *doctor); /* no DOCTOR_ERROR */
const char *doctor_state_name(enum doctor_state state);
/* The columns of both doctors: check, state, subject, detail, advice. */
extern const char *const doctor_columns[5];
/* Cells 3 and 4 in words; "" for no advice. */
void doctor_detail(const struct doctor_row *row, enum language language, char *ret_text, size_t capacity);
void doctor_advice(const struct doctor_row *row, enum language language, char *ret_text, size_t capacity);

/* The secret key at `path`: may it be used, does NAME.pub beside it belong to it, who can write its folder. *ret_key when true. */
bool doctor_secret(struct doctor *doctor, const char *path, struct secret_key *ret_key);
bool doctor_public(struct doctor *doctor, const char *path, struct public_key *ret_key);
/* Everybody of agents.csv on that day. */
void doctor_agents(struct doctor *doctor, const struct agent *agents, size_t count, int32_t day);
/* The machine's clock against its own battery clock and a moment it must be after (0: none is known). */
void doctor_clock(struct doctor *doctor, int64_t now_ms, int64_t not_before_ms);
void doctor_timezone(struct doctor *doctor, const char *timezone);
/* The disk under a folder that is written to (or under the nearest folder above that exists). */
void doctor_disk(struct doctor *doctor, const char *folder);
void doctor_locale(struct doctor *doctor);
/* An endpoint of ours (is_running: a program of ours should be listening there just now) and one of somebody else. */
void doctor_listens(struct doctor *doctor, const char *endpoint, bool is_running);
void doctor_reaches(struct doctor *doctor, const char *endpoint);
void doctor_descriptors(struct doctor *doctor, uint64_t needed);
/* A lock file of ours: who holds it. */
bool doctor_holder(const char *lock_file, int *ret_process);

#endif
