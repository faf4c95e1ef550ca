/* log.c - logfmt on stderr, one write a line so that lines of two threads never mix.
 *
 * Text that came from outside may hold anything: control characters and quotes are escaped, so that nobody can forge a
 * line of the log. A line has a limit; what does not fit is cut, never split. */
#include "log.h"

#include "calendar.h"
#include "text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES 8192

struct line {
    char text[LINE_BYTES];
    size_t length;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum log_level highest_level = LOG_LEVEL_INFO;
static enum language log_language = LANGUAGE_ZH;
static bool under_journal;

/* Lines before the catalogue is loaded bear the time of its default zone, so that a log does not jump by eight hours. A
 * machine that lacks the zone says UTC, and the offset stands in every line. */
static void use_default_timezone(void)
{
    static bool done;
    if (!done && calendar_use_timezone("Asia/Shanghai", NULL) != STATUS_OK)
        tzset();
    done = true;
}

void log_start(enum log_level highest, enum language language)
{
    const char *stream = getenv("JOURNAL_STREAM");
    pthread_mutex_lock(&mutex);
    highest_level = highest;
    log_language = language;
    under_journal = stream != NULL && stream[0] != '\0';
    use_default_timezone();
    pthread_mutex_unlock(&mutex);
}

/* Four bytes stay free for the mark of a cut and the line end. */
static void add(struct line *line, const char *text, size_t length)
{
    const size_t room = sizeof line->text - 4 - line->length;
    if (length > room)
        length = text_cut(text, length, room);
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void add_text(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

static bool needs_quotes(const char *value)
{
    if (value[0] == '\0')
        return true;
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
            return true;
    return false;
}

static void add_escaped(struct line *line, char c)
{
    char code[8];
    const unsigned char byte = (unsigned char)c;
    if (c == '"' || c == '\\')
        (void)snprintf(code, sizeof code, "\\%c", c);
    else if (c == '\n')
        (void)snprintf(code, sizeof code, "\\n");
    else if (c == '\t')
        (void)snprintf(code, sizeof code, "\\t");
    else
        (void)snprintf(code, sizeof code, "\\x%02x", byte);
    add_text(line, code);
}

static void add_value(struct line *line, const char *value)
{
    char said[1024];
    if (message_is_nested(value)) { /* a reason that waits to be said in the reader's language */
        message_say(value, log_language, said, sizeof said);
        value = said;
    }
    if (!needs_quotes(value)) {
        add_text(line, value);
        return;
    }
    add_text(line, "\"");
    for (const char *start = value; *start != '\0';) {
        const char *c = start;
        while ((unsigned char)*c >= ' ' && *c != '"' && *c != '\\' && *c != 0x7f)
            c++;
        add(line, start, (size_t)(c - start));
        if (*c != '\0')
            add_escaped(line, *c++);
        start = c;
    }
    add_text(line, "\"");
}

static void add_pair(struct line *line, const char *key, const char *value)
{
    add_text(line, " ");
    add_text(line, key);
    add_text(line, "=");
    add_value(line, value == NULL ? "" : value);
}

/* "<4>warn event" for the journal, which has a clock of its own; "2020-09-30T08:15:02.123+08:00 warn event" otherwise. */
static void add_head(struct line *line, enum log_level level, const char *event)
{
    static const struct { const char *name, *priority; } levels[] = {
        [LOG_LEVEL_ERROR] = {"error", "<3>"},
        [LOG_LEVEL_WARN] = {"warn", "<4>"},
        [LOG_LEVEL_INFO] = {"info", "<6>"},
        [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
    };
    if (under_journal) {
        add_text(line, levels[level].priority);
    } else {
        struct timespec now;
        char moment[TIME_TEXT];
        clock_gettime(CLOCK_REALTIME, &now);
        calendar_format_time((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, moment);
        add_text(line, moment);
        add_text(line, " ");
    }
    add_text(line, levels[level].name);
    add_text(line, " ");
    add_text(line, event);
}

static void write_out(struct line *line)
{
    if (line->length >= sizeof line->text - 4)
        memcpy(line->text + line->length, "...", 3), line->length += 3;
    line->text[line->length++] = '\n';
    (void)fwrite(line->text, 1, line->length, stderr); /* a log that cannot be written has nobody to complain to */
    (void)fflush(stderr);
}

void log_event(enum log_level level, const char *event, ...)
{
    struct line line = {.length = 0};
    va_list pairs;
    pthread_mutex_lock(&mutex);
    if (level <= highest_level) {
        add_head(&line, level, event);
        va_start(pairs, event);
        for (const char *key = va_arg(pairs, const char *); key != NULL; key = va_arg(pairs, const char *))
            add_pair(&line, key, va_arg(pairs, const char *));
        va_end(pairs);
        write_out(&line);
    }
    pthread_mutex_unlock(&mutex);
}

void log_fault(enum log_level level, const char *event, const struct fault *fault)
{
    char sentence[2048], where[512];
    int length = snprintf(where, sizeof where, "%s", fault->file);
    if (length >= 0 && (size_t)length < sizeof where && fault->row > 0)
        length += snprintf(where + length, sizeof where - (size_t)length, ":%lld", (long long)fault->row);
    if (length >= 0 && (size_t)length < sizeof where && fault->column[0] != '\0')
        (void)snprintf(where + length, sizeof where - (size_t)length, ":%s", fault->column);
    fault_sentence(fault, log_language, sentence, sizeof sentence);
    if (where[0] != '\0')
        log_event(level, event, "code", message_code(fault->message), "reason", sentence, "where", where, NULL);
    else
        log_event(level, event, "code", message_code(fault->message), "reason", sentence, NULL);
}

enum language language_choose(const char *option)
{
    const char *wanted = option;
    if (wanted == NULL)
        wanted = getenv("LC_ALL");
    if (wanted == NULL || wanted[0] == '\0')
        wanted = getenv("LANG");
    return wanted != NULL && strncmp(wanted, "en", 2) == 0 ? LANGUAGE_EN : LANGUAGE_ZH;
}
