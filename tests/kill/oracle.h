/* oracle.h - knows every row it ever wrote, and what must have become of each: a generator of report files with
 * corrections, revisions, retractions, conflicts, refused rows and rows of others' units, a model of the live figures that
 * shares nothing with the programs, and the comparison of both with what collectors and aggregator have in the end.
 *
 * Every row has one fate, decided when it is written (agents report districts of their own, and files of an agent take
 * effect in their order):
 *   taken      in the ledger once, whole
 *   forbidden, conflict   in the ledger once, refused there, and once in <file>.refused.csv
 *   refused    never in the ledger, once in <file>.refused.csv
 *   same       says again what the row before it says: in the ledger once for both */
#ifndef TESTS_KILL_ORACLE_H
#define TESTS_KILL_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_AGENTS_MOST 200
#define ORACLE_TOWNS 4 /* of each agent: the prefix and 1 ... 4 */

struct oracle;

struct oracle_findings {
    uint64_t files, records;    /* records: rows whose fate was looked for */
    uint64_t lost, doubled;     /* rows that are nowhere, or more often than once */
    uint64_t strange;           /* in the ledger, but never written so; a refusal more or less */
    uint64_t wrong;             /* live figures, sums, chains and watermarks that differ */
};

/* agents[i] reports the towns of town_prefixes[i]; both are borrowed. The same seed, the same files. */
struct oracle *oracle_new(uint64_t seed, size_t agent_count, const char *const *agents, const char *const *town_prefixes);
void oracle_free(struct oracle **oracle);
/* Writes the agent's next file into inbox/AGENT (whole from the first moment): a few rows, or thousands when `big`. Now
 * and then it is a file of before once more, byte for byte. */
void oracle_put(struct oracle *oracle, size_t agent, bool big);
/* Files of the agent that were put and are not in done/ yet. */
size_t oracle_waiting(const struct oracle *oracle, size_t agent);
/* Compares everything; the aggregator and the collectors are stopped. Differences are printed, the first twenty. */
void oracle_check(struct oracle *oracle, struct oracle_findings *ret_findings);

#endif
