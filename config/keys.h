/* keys.h - key files. NAME.key (0600) holds a CURVE secret for the link and an ed25519 secret for signatures; NAME.pub
 * their public halves. Plain text, one `word: value` a line:
 *   suanpan secret key 1        suanpan public key 1
 *   name: liyang                name: liyang
 *   curve: <z85, 40>            curve: <z85, 40>
 *   sign: <hex, 128>            sign: <hex, 64>                                                                     */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "fault.h"
#include "seal.h"
#include "status.h"

#include <stddef.h>

struct public_key {
    char name[65];
    char curve[41];
    unsigned char sign[SEAL_PUBLIC];
};

struct secret_key {
    struct public_key public_key; /* derived from the secrets when loaded */
    char curve[41];
    unsigned char sign[SEAL_SECRET];
};

/* Makes folder/name.key and folder/name.pub (folder is made, 0700, when absent). STATUS_REFUSED when either exists (never
 * overwritten) or the name is not a plain word. ret_fingerprint (SEAL_HASH hex, first 16) may be NULL. */
enum status keys_generate(const char *folder, const char *name, char ret_fingerprint[33], struct fault *why) MUST_CHECK;
/* STATUS_REFUSED when absent, malformed, readable by others (mode & 077), or owned by another user. */
enum status keys_load_secret(const char *path, struct secret_key *ret_key, struct fault *why) MUST_CHECK;
enum status keys_load_public(const char *path, struct public_key *ret_key, struct fault *why) MUST_CHECK;
/* Wipes the secrets from memory. */
void keys_forget(struct secret_key *key);

/* One row of agents.csv. */
enum agent_status { AGENT_ACTIVE, AGENT_REVOKED };
struct agent {
    char code[65];
    char scope[65]; /* unit code */
    enum agent_status status;
    int32_t valid_from, valid_to; /* first and last day (period.h) the key counts; INT32_MIN, INT32_MAX: no limit */
    struct public_key key;
};
/* How a day lies to the dates of a key. */
enum agent_dates { AGENT_DATES_FINE, AGENT_DATES_EARLY, AGENT_DATES_SOON, AGENT_DATES_OVER };
#define AGENT_SOON_DAYS 30 /* before its last day a key deserves a word */
enum agent_dates agent_dates(const struct agent *agent, int32_t day);
/* Keys whose time is not now become AGENT_REVOKED in the table: nobody is let in or believed by them. */
void agents_apply_dates(struct agent *agents, size_t count, int32_t day);
#define AGENT_KEYS_MOST 4 /* active keys of one agent: rotation needs two */
/* agents.csv; pub paths are relative to the file; the columns valid_from and valid_to may be absent or empty. An agent may stand several times with other keys (rotation), at most
 * AGENT_KEYS_MOST of them active. *ret_agents is yours to free(). STATUS_REFUSED with file, row and column. */
enum status agents_load(const char *file, struct agent **ret_agents, size_t *ret_count, struct fault *why) MUST_CHECK;
/* For a file that agents_load refused: takes away from `agents`, which were in force, what its readable rows take away, and
 * adds nothing. A key is revoked when a readable row says so, and when no row stands for it any more: neither a readable
 * one nor a faulty one that may be meant for its agent. Returns how many were revoked. */
size_t agents_tighten(const char *file, struct agent *agents, size_t count);

#endif
