/* log.h - one event a line on stderr: level event key=value ... Only programs log, modules never do.
 * Under systemd (JOURNAL_STREAM set) lines carry the <N> priority prefix instead of a time. Thread-safe. */
#ifndef CONFIG_LOG_H
#define CONFIG_LOG_H

#include "fault.h"
#include "status.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_start(enum log_level highest, enum language language);
/* Pairs of key, value (text), ended by NULL; values are quoted when they need it:
 *   log_event(LOG_LEVEL_WARN, "batch_refused", "agent", agent, "reason", text, NULL); */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
/* The fault's sentence and place as `reason=` and `where=`. */
void log_fault(enum log_level level, const char *event, const struct fault *fault);

/* Language for a person: --lang, else LANG / LC_ALL starting with "en" -> English, else Chinese. */
enum language language_choose(const char *option);

#endif
