/* settings.c - the YAML of both programs: libcyaml maps it onto structs by a schema, and what a schema cannot say (paths,
 * endpoints, numbers, words) is checked here.
 *
 * libcyaml names the event before the bad one as its place and reads "12x" as 12. So its messages are caught and turned
 * into our own, lines are looked up in the text, and every scalar comes as text that we read strictly. */
#include "settings.h"

#include "file.h"
#include "limit.h"
#include "memory.h"
#include "period.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define SETTINGS_BYTES (1 << 20)
#define MOST_SOURCES 256
#define SOCKET_PATH_BYTES 107 /* sun_path without its terminator */

/* ---- what the YAML looks like -------------------------------------------------------------------------------------- */

struct raw_source {
    char *kind, *inbox, *period, *encoding, *settle_seconds;
};

struct raw_collector {
    char *agent, *catalogue, *aggregator, *key, *aggregator_key, *outbox, *security;
    char *keep_days, *quota_mib, *ballast_mib;
    struct raw_source *sources;
    unsigned sources_count;
};

struct raw_listen {
    char *collectors, *queries, *events, *http;
};

struct raw_aggregator {
    char *catalogue, *store, *agents, *key, *memory_mib, *security;
    struct raw_listen listen;
};

#define NEEDED(structure, name) CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER, structure, name, 1, LIMIT_TEXT_BYTES)
#define OPTIONAL(structure, name) \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, name, 1, LIMIT_TEXT_BYTES)

static const cyaml_schema_field_t source_fields[] = {
    NEEDED(struct raw_source, kind),
    NEEDED(struct raw_source, inbox),
    OPTIONAL(struct raw_source, period),
    OPTIONAL(struct raw_source, encoding),
    OPTIONAL(struct raw_source, settle_seconds),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t source_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_source, source_fields),
};
static const cyaml_schema_field_t collector_fields[] = {
    NEEDED(struct raw_collector, agent),
    NEEDED(struct raw_collector, catalogue),
    NEEDED(struct raw_collector, aggregator),
    NEEDED(struct raw_collector, key),
    NEEDED(struct raw_collector, aggregator_key),
    NEEDED(struct raw_collector, outbox),
    OPTIONAL(struct raw_collector, security),
    OPTIONAL(struct raw_collector, keep_days),
    OPTIONAL(struct raw_collector, quota_mib),
    OPTIONAL(struct raw_collector, ballast_mib),
    CYAML_FIELD_SEQUENCE("sources", CYAML_FLAG_POINTER, struct raw_collector, sources, &source_schema, 1,
                         MOST_SOURCES),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t collector_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_collector, collector_fields),
};
static const cyaml_schema_field_t listen_fields[] = {
    NEEDED(struct raw_listen, collectors),
    NEEDED(struct raw_listen, queries),
    OPTIONAL(struct raw_listen, events),
    OPTIONAL(struct raw_listen, http),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t aggregator_fields[] = {
    NEEDED(struct raw_aggregator, catalogue),
    NEEDED(struct raw_aggregator, store),
    NEEDED(struct raw_aggregator, agents),
    NEEDED(struct raw_aggregator, key),
    OPTIONAL(struct raw_aggregator, memory_mib),
    OPTIONAL(struct raw_aggregator, security),
    CYAML_FIELD_MAPPING("listen", CYAML_FLAG_DEFAULT, struct raw_aggregator, listen, listen_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t aggregator_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_aggregator, aggregator_fields),
};

/* ---- places in the text ----------------------------------------------------------------------------------------------- */

/* Everything one load needs: the text, its folder, the strings handed out, and what libcyaml complained about. */
struct settings_private {
    char **texts;
    size_t count, capacity;
};

struct load {
    struct settings_private *private;
    char *text, *folder;
    size_t length;
    struct fault *why;
    char complaint[512]; /* first line of libcyaml's */
    char field[64];      /* innermost field of its backtrace */
    int64_t row;         /* line of the innermost entry */
};

/* One line: its indentation, and its text behind "- " when it begins an entry. */
struct text_line {
    const char *key;
    size_t indent;
    bool blank, entry;
};

static struct text_line look_at(const char *line)
{
    struct text_line seen = {.indent = strspn(line, " ")};
    seen.key = line + seen.indent;
    seen.blank = *seen.key == '\0' || *seen.key == '\n' || *seen.key == '\r' || *seen.key == '#';
    seen.entry = seen.key[0] == '-' && (seen.key[1] == ' ' || seen.key[1] == '\n' || seen.key[1] == '\r');
    if (seen.entry)
        seen.key += 1 + strspn(seen.key + 1, " ");
    return seen;
}

static bool names_key(const char *text, const char *key)
{
    const size_t length = strlen(key);
    return strncmp(text, key, length) == 0 && text[length + strspn(text + length, " ")] == ':';
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end == NULL ? NULL : end + 1;
}

/* First line from `from` (1-based) on that gives `key` a value at any depth, or `from`. */
static int64_t row_from(const char *text, int64_t from, const char *key)
{
    int64_t row = 1;
    for (const char *line = text; line != NULL; line = next_line(line), row++)
        if (row >= from && names_key(look_at(line).key, key))
            return row;
    return from;
}

/* Line of a key: at the top when parent is NULL, else inside parent, in its entry number `entry` when it is a list. The
 * nearest line above it that can be told when the file is written in another style. */
static int64_t row_of(const char *text, const char *parent, size_t entry, const char *key)
{
    int64_t row = 1, found = 1;
    size_t entries = 0;
    bool inside = parent == NULL;
    for (const char *line = text; line != NULL; line = next_line(line), row++) {
        const struct text_line seen = look_at(line);
        const bool top = seen.indent == 0 && !seen.entry;
        if (seen.blank)
            continue;
        if (parent != NULL && top) {
            inside = names_key(seen.key, parent);
            found = inside ? row : found;
            continue;
        }
        entries += seen.entry && inside;
        const bool right = inside && (parent == NULL ? top : entries == 0 || entries == entry + 1);
        if (right && entries == entry + 1 && seen.entry)
            found = row;
        if (right && names_key(seen.key, key))
            return row;
    }
    return found;
}

/* A setting for messages: where it stands. */
struct setting {
    const char *parent; /* NULL, "listen", "sources" */
    size_t entry;
    const char *key;
};

static enum status refuse(const struct load *load, struct setting setting, enum message message, const char *one,
                          const char *two)
{
    fault_set(load->why, message, one, two, NULL);
    fault_at(load->why, NULL, row_of(load->text, setting.parent, setting.entry, setting.key), setting.key);
    return STATUS_REFUSED;
}

/* ---- libyaml ------------------------------------------------------------------------------------------------------------ */

static bool is_indented_by_tab(const char *text, size_t row)
{
    for (size_t i = 0; i < row && text != NULL; i++)
        text = next_line(text);
    return text != NULL && text[strspn(text, " ")] == '\t';
}

static enum status refuse_syntax(const struct load *load, const char *problem, yaml_mark_t mark)
{
    if (is_indented_by_tab(load->text, mark.line))
        fault_set(load->why, MESSAGE_SETTING_TAB, NULL);
    else
        fault_set(load->why, MESSAGE_SETTING_SYNTAX, problem, NULL);
    fault_at(load->why, NULL, (int64_t)mark.line + 1, NULL);
    return STATUS_REFUSED;
}

/* Reads through the text once for mistakes of YAML itself, because libyaml knows their line and libcyaml does not say it. */
static enum status check_syntax(const struct load *load)
{
    yaml_parser_t parser;
    yaml_event_t event;
    enum status status = STATUS_OK;
    int documents = 0;
    bool more = true;
    if (yaml_parser_initialize(&parser) == 0)
        return refuse_syntax(load, strerror(ENOMEM), (yaml_mark_t){0});
    yaml_parser_set_input_string(&parser, (const unsigned char *)load->text, load->length);
    while (more && status == STATUS_OK) {
        if (yaml_parser_parse(&parser, &event) == 0) {
            status = refuse_syntax(load, parser.problem != NULL ? parser.problem : "?", parser.problem_mark);
            break;
        }
        more = event.type != YAML_STREAM_END_EVENT;
        documents += event.type == YAML_DOCUMENT_START_EVENT ? 1 : 0;
        if (documents > 1)
            status = refuse_syntax(load, "a second document", event.start_mark);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

/* ---- libcyaml ----------------------------------------------------------------------------------------------------------- */

/* Backtrace lines: "  in mapping field 'listen' (line: 3, column: 3)", innermost first. */
static void keep_backtrace(struct load *load, const char *line)
{
    const char *place = strstr(line, "(line: "), *field = strstr(line, "in mapping field '");
    if (place != NULL && load->row == 0)
        load->row = strtoll(place + strlen("(line: "), NULL, 10);
    if (field != NULL && load->field[0] == '\0') {
        field += strlen("in mapping field '");
        (void)snprintf(load->field, sizeof load->field, "%.*s", (int)strcspn(field, "'"), field);
    }
}

PRINTF_LIKE(3, 0)
static void keep_complaint(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    struct load *load = context;
    char line[512];
    (void)level;
    if (vsnprintf(line, sizeof line, format, arguments) < 0)
        return;
    line[strcspn(line, "\n")] = '\0';
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (strncmp(text, "  in ", 5) == 0)
        keep_backtrace(load, text);
    else if (load->complaint[0] == '\0' && strcmp(text, "Backtrace:") != 0)
        (void)snprintf(load->complaint, sizeof load->complaint, "%s", text);
}

/* Its complaint in our words. The key it names comes after the last ": ". */
static enum status refuse_complaint(const struct load *load, cyaml_err_t error)
{
    const char *colon = strstr(load->complaint, ": ");
    const char *key = colon == NULL ? load->field : colon + 2;
    int64_t row = load->row;
    enum message message = MESSAGE_SETTING_SYNTAX;
    if (error == CYAML_ERR_INVALID_KEY) {
        message = MESSAGE_SETTING_UNKNOWN;
        row = row_from(load->text, row, key);
    } else if (error == CYAML_ERR_MAPPING_FIELD_MISSING) {
        message = MESSAGE_SETTING_MISSING;
    } else if (error == CYAML_ERR_UNEXPECTED_EVENT && strncmp(load->complaint, "Mapping field already seen", 26) == 0) {
        message = MESSAGE_SETTING_TWICE;
        row = row_from(load->text, row + 1, key);
    } else {
        key = load->field;
        if (error == CYAML_ERR_INVALID_VALUE || error == CYAML_ERR_UNEXPECTED_EVENT)
            message = MESSAGE_SETTING_TYPE;
        else if (error == CYAML_ERR_STRING_LENGTH_MIN || error == CYAML_ERR_SEQUENCE_ENTRIES_MIN)
            message = MESSAGE_SETTING_EMPTY;
        else if (error == CYAML_ERR_STRING_LENGTH_MAX || error == CYAML_ERR_SEQUENCE_ENTRIES_MAX)
            message = MESSAGE_SETTING_TOO_LONG;
    }
    if (message == MESSAGE_SETTING_SYNTAX)
        fault_set(load->why, message, load->complaint[0] != '\0' ? load->complaint : cyaml_strerror(error), NULL);
    else
        fault_set(load->why, message, key, NULL);
    fault_at(load->why, NULL, row > 0 ? row : 1, key[0] == '\0' ? NULL : key);
    return STATUS_REFUSED;
}

static cyaml_config_t cyaml_settings(struct load *load)
{
    return (cyaml_config_t){
        .log_fn = keep_complaint,
        .log_ctx = load,
        .log_level = CYAML_LOG_WARNING, /* "Ignoring documents after first" is a warning to it and a mistake to us */
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

/* The text, or a fault with the line of the byte that is none. */
static enum status decode(struct load *load, const char *bytes, size_t length)
{
    enum text_encoding encoding;
    struct fault fault = {0};
    const enum status status = text_decode(bytes, length, TEXT_AUTO, &load->text, &load->length, &encoding, &fault);
    if (status == STATUS_OK || load->why == NULL)
        return status;
    const char *number = fault.argument[fault.message == MESSAGE_BAD_ENCODING ? 1 : 0];
    const unsigned long long offset = strtoull(number, NULL, 10);
    int64_t row = 1;
    for (size_t i = 0; i < length && i < offset; i++)
        row += bytes[i] == '\n' ? 1 : 0;
    fault_at(&fault, load->why->file, row, NULL);
    *load->why = fault;
    return status;
}

/* Reads the file and lets libcyaml map it. *ret_raw goes back to unmap. */
static enum status map(struct load *load, const char *file, const cyaml_schema_value_t *schema, void **ret_raw)
{
    const cyaml_config_t config = cyaml_settings(load);
    char *bytes = NULL;
    size_t length;
    cyaml_data_t *raw = NULL;
    enum status status = file_read(file, SETTINGS_BYTES, &bytes, &length, load->why);
    if (status == STATUS_OK)
        status = decode(load, bytes, length);
    if (status == STATUS_OK)
        status = file_folder(file, &load->folder, load->why);
    if (status == STATUS_OK)
        status = check_syntax(load);
    if (status != STATUS_OK)
        goto done;
    const cyaml_err_t error = cyaml_load_data((const uint8_t *)load->text, load->length, &config, schema, &raw, NULL);
    if (error != CYAML_OK || load->complaint[0] != '\0') {
        status = refuse_complaint(load, error);
        (void)cyaml_free(&config, schema, raw, 0); /* fails only for bad arguments */
        goto done;
    }
    if (raw == NULL) {
        fault_set(load->why, MESSAGE_SETTING_NOTHING, NULL);
        fault_at(load->why, NULL, 1, NULL);
        status = STATUS_REFUSED;
        goto done;
    }
    *ret_raw = raw;
done:
    free(bytes);
    return status;
}

static void unmap(struct load *load, const cyaml_schema_value_t *schema, void *raw)
{
    const cyaml_config_t config = cyaml_settings(load);
    (void)cyaml_free(&config, schema, raw, 0); /* fails only for bad arguments */
    free(load->text);
    free(load->folder);
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */

/* Hands a text to the result; it is freed with it. */
static const char *keep(struct load *load, char *text)
{
    struct settings_private *private = load->private;
    private->texts = memory_grow(private->texts, &private->capacity, private->count + 1, sizeof *private->texts);
    private->texts[private->count++] = text;
    return text;
}

static void private_free(struct settings_private **private)
{
    if (*private == NULL)
        return;
    for (size_t i = 0; i < (*private)->count; i++)
        free((*private)->texts[i]);
    free((*private)->texts);
    free(*private);
    *private = NULL;
}

/* YAML's words for nothing. */
static bool is_null(const char *text)
{
    return strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static enum status take_text(struct load *load, struct setting setting, const char *raw, size_t most,
                             const char **ret_text)
{
    if (is_null(raw))
        return refuse(load, setting, MESSAGE_SETTING_EMPTY, setting.key, NULL);
    if (strlen(raw) > most)
        return refuse(load, setting, MESSAGE_SETTING_TOO_LONG, setting.key, NULL);
    *ret_text = keep(load, memory_copy_text(raw));
    return STATUS_OK;
}

static enum status take_path(struct load *load, struct setting setting, const char *raw, const char **ret_path)
{
    if (is_null(raw))
        return refuse(load, setting, MESSAGE_SETTING_EMPTY, setting.key, NULL);
    *ret_path = keep(load, file_path_in(load->folder, raw));
    return STATUS_OK;
}

/* Decimal digits only, within bounds. */
static bool read_number(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
    const size_t length = strlen(text);
    if (length == 0 || length > 18 || strspn(text, "0123456789") != length)
        return false;
    const int64_t number = strtoll(text, NULL, 10);
    if (number < least || number > most)
        return false;
    *ret_number = number;
    return true;
}

static enum status take_number(struct load *load, struct setting setting, const char *raw, int64_t least, int64_t most,
                               int64_t *ret_number)
{
    char range[64];
    (void)snprintf(range, sizeof range, "%lld..%lld", (long long)least, (long long)most);
    if (raw != NULL && !read_number(raw, least, most, ret_number))
        return refuse(load, setting, MESSAGE_SETTING_NUMBER, raw, range);
    return STATUS_OK;
}

static enum status take_security(struct load *load, const char *raw, enum security *ret_security)
{
    if (raw != NULL && strcmp(raw, "none") != 0 && strcmp(raw, "curve") != 0)
        return refuse(load, (struct setting){.key = "security"}, MESSAGE_SETTING_SECURITY, raw, NULL);
    *ret_security = raw != NULL && raw[0] == 'n' ? SECURITY_NONE : SECURITY_CURVE;
    return STATUS_OK;
}

/* ---- endpoints --------------------------------------------------------------------------------------------------------------- */

/* Where the host of "tcp://host:port" ends: its last colon, and digits only behind it. NULL when it is not of that form.
 * A source address ("tcp://lo:0;far:1") is not: it would hide where the link really goes. */
static const char *end_of_host(const char *host)
{
    const char *colon = strrchr(host, ':');
    int64_t port;
    if (colon == NULL || colon == host || strpbrk(host, ";/ ") != NULL)
        return NULL;
    return read_number(colon + 1, 1, 65535, &port) ? colon : NULL;
}

/* 127.a.b.c, four plain numbers. */
static bool is_loopback_number(const char *host, size_t length)
{
    size_t dots = 0, digits = 0;
    unsigned value = 0;
    if (length < 4 || strncmp(host, "127.", 4) != 0)
        return false;
    for (size_t i = 0; i <= length; i++) {
        const char c = i < length ? host[i] : '.';
        if (c == '.') {
            if (digits == 0 || value > 255)
                return false;
            dots++;
            digits = value = 0;
        } else if (c >= '0' && c <= '9' && digits < 3) {
            value = value * 10 + (unsigned)(c - '0');
            digits++;
        } else {
            return false;
        }
    }
    return dots == 4;
}

static bool is_loopback_host(const char *host, size_t length)
{
    return is_loopback_number(host, length) || (length == 9 && strncmp(host, "localhost", 9) == 0) ||
           (length == 5 && strncmp(host, "[::1]", 5) == 0);
}

bool settings_is_loopback(const char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0)
        return true;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return false;
    const char *host = endpoint + 6, *colon = strrchr(host, ':');
    if (colon == NULL || (strcmp(colon, ":*") != 0 && colon[1 + strspn(colon + 1, "0123456789")] != '\0'))
        return false;
    return is_loopback_host(host, (size_t)(colon - host));
}

/* ipc:// paths are resolved against the settings' folder; "@name" is Linux's abstract namespace and stays. */
static enum status take_ipc(struct load *load, struct setting setting, const char *raw, const char **ret_endpoint)
{
    char number[24];
    const char *name = raw + 6;
    if (name[0] == '\0')
        return refuse(load, setting, MESSAGE_SETTING_ENDPOINT, raw, NULL);
    char *path = name[0] == '@' ? memory_copy_text(name) : file_path_in(load->folder, name);
    const size_t length = strlen(path), size = strlen("ipc://") + length + 1;
    enum status status = STATUS_OK;
    if (length > SOCKET_PATH_BYTES) {
        (void)snprintf(number, sizeof number, "%d", SOCKET_PATH_BYTES);
        status = refuse(load, setting, MESSAGE_SETTING_SOCKET_PATH, path, number);
    } else {
        char *endpoint = memory_array(size, 1);
        (void)snprintf(endpoint, size, "ipc://%s", path);
        *ret_endpoint = keep(load, endpoint);
    }
    free(path);
    return status;
}

static enum status take_endpoint(struct load *load, struct setting setting, const char *raw, enum security security,
                                 const char **ret_endpoint)
{
    if (strncmp(raw, "ipc://", 6) == 0)
        return take_ipc(load, setting, raw, ret_endpoint);
    if (strncmp(raw, "tcp://", 6) != 0 || end_of_host(raw + 6) == NULL)
        return refuse(load, setting, MESSAGE_SETTING_ENDPOINT, raw, NULL);
    if (security == SECURITY_NONE && !settings_is_loopback(raw))
        return refuse(load, setting, MESSAGE_PLAIN_ENDPOINT, raw, NULL);
    *ret_endpoint = keep(load, memory_copy_text(raw));
    return STATUS_OK;
}

/* HTTP is plain text, so it stays on this machine; a proxy with TLS may stand in front. */
static enum status take_http(struct load *load, const char *raw, const char **ret_http)
{
    const struct setting setting = {.parent = "listen", .key = "http"};
    const char *colon = end_of_host(raw);
    if (colon == NULL)
        return refuse(load, setting, MESSAGE_SETTING_HTTP, raw, NULL);
    if (!is_loopback_host(raw, (size_t)(colon - raw)))
        return refuse(load, setting, MESSAGE_SETTING_HTTP_OPEN, raw, NULL);
    *ret_http = keep(load, memory_copy_text(raw));
    return STATUS_OK;
}

/* ---- the collector ------------------------------------------------------------------------------------------------------------ */

static enum status take_source(struct load *load, size_t entry, const struct raw_source *raw,
                               struct source_settings *source)
{
    const char *const parent = "sources";
    int64_t seconds = 2;
    struct period period;
    if (strcmp(raw->kind, "report") != 0)
        return refuse(load, (struct setting){parent, entry, "kind"}, MESSAGE_SETTING_KIND, raw->kind, "report");
    enum status status = take_text(load, (struct setting){parent, entry, "kind"}, raw->kind, 64, &source->kind);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){parent, entry, "inbox"}, raw->inbox, &source->inbox);
    if (status == STATUS_OK && raw->period != NULL) {
        if (period_parse(raw->period, &period, load->why) != STATUS_OK) {
            fault_at(load->why, NULL, row_of(load->text, parent, entry, "period"), "period");
            return STATUS_REFUSED;
        }
        status = take_text(load, (struct setting){parent, entry, "period"}, raw->period, 64, &source->period);
    }
    if (status == STATUS_OK && raw->encoding != NULL && !text_encoding_by_name(raw->encoding, &source->encoding))
        return refuse(load, (struct setting){parent, entry, "encoding"}, MESSAGE_SETTING_ENCODING, raw->encoding, NULL);
    if (status == STATUS_OK)
        status = take_number(load, (struct setting){parent, entry, "settle_seconds"}, raw->settle_seconds, 0, 86400,
                             &seconds);
    source->settle_seconds = (int32_t)seconds;
    return status;
}

static enum status take_sources(struct load *load, const struct raw_collector *raw, struct collector_settings *settings)
{
    settings->sources = memory_array(raw->sources_count, sizeof *settings->sources);
    for (size_t i = 0; i < raw->sources_count; i++) {
        const enum status status = take_source(load, i, &raw->sources[i], &settings->sources[i]);
        if (status != STATUS_OK)
            return status;
        settings->source_count = i + 1;
        /* Two sources on one inbox would race for its files. */
        for (size_t other = 0; other < i; other++)
            if (strcmp(settings->sources[other].inbox, settings->sources[i].inbox) == 0)
                return refuse(load, (struct setting){"sources", i, "inbox"}, MESSAGE_SETTING_SAME_INBOX,
                              raw->sources[i].inbox, NULL);
    }
    return STATUS_OK;
}

static enum status take_room(struct load *load, const struct raw_collector *raw, struct collector_settings *settings)
{
    settings->keep_days = 7;
    settings->quota_mib = 1024;
    settings->ballast_mib = 32;
    enum status status = take_number(load, (struct setting){.key = "keep_days"}, raw->keep_days, 0, 36500,
                                     &settings->keep_days);
    if (status == STATUS_OK)
        status = take_number(load, (struct setting){.key = "quota_mib"}, raw->quota_mib, 1, 1 << 20,
                             &settings->quota_mib);
    if (status == STATUS_OK)
        status = take_number(load, (struct setting){.key = "ballast_mib"}, raw->ballast_mib, 0, 1024,
                             &settings->ballast_mib);
    return status;
}

static enum status take_collector(struct load *load, const struct raw_collector *raw,
                                  struct collector_settings *settings)
{
    enum status status = take_security(load, raw->security, &settings->security);
    if (status == STATUS_OK)
        status = take_text(load, (struct setting){.key = "agent"}, raw->agent, LIMIT_CODE_BYTES, &settings->agent);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "catalogue"}, raw->catalogue, &settings->catalogue);
    if (status == STATUS_OK)
        status = take_endpoint(load, (struct setting){.key = "aggregator"}, raw->aggregator, settings->security,
                               &settings->aggregator);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "key"}, raw->key, &settings->key);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "aggregator_key"}, raw->aggregator_key,
                           &settings->aggregator_key);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "outbox"}, raw->outbox, &settings->outbox);
    if (status == STATUS_OK)
        status = take_room(load, raw, settings);
    if (status == STATUS_OK)
        status = take_sources(load, raw, settings);
    return status;
}

/* The settings file itself, absolute. */
static const char *own_path(struct load *load, const char *file)
{
    const char *name = strrchr(file, '/');
    return keep(load, file_path_in(load->folder, name == NULL ? file : name + 1));
}

enum status collector_settings_load(const char *file, struct collector_settings *ret_settings, struct fault *why)
{
    struct load load = {.why = why, .private = memory_new(struct settings_private)};
    struct collector_settings settings = {.private = load.private};
    void *raw = NULL;
    fault_at(why, file, 0, NULL);
    enum status status = map(&load, file, &collector_schema, &raw);
    if (status == STATUS_OK)
        status = take_collector(&load, raw, &settings);
    if (status == STATUS_OK) {
        settings.file = own_path(&load, file);
        *ret_settings = settings;
    } else {
        collector_settings_free(&settings);
    }
    unmap(&load, &collector_schema, raw);
    return status;
}

void collector_settings_free(struct collector_settings *settings)
{
    if (settings == NULL || settings->private == NULL)
        return;
    free(settings->sources);
    settings->sources = NULL;
    settings->source_count = 0;
    private_free(&settings->private);
}

/* ---- the aggregator ------------------------------------------------------------------------------------------------------------ */

static const char store_kind[] = "sqlite:";

static enum status take_store(struct load *load, const char *raw, struct aggregator_settings *settings)
{
    const struct setting setting = {.key = "store"};
    const size_t kind = sizeof store_kind - 1;
    if (strncmp(raw, store_kind, kind) != 0 || raw[kind] == '\0')
        return refuse(load, setting, MESSAGE_SETTING_STORE, raw, NULL);
    settings->store_path = keep(load, file_path_in(load->folder, raw + kind));
    const size_t size = kind + strlen(settings->store_path) + 1;
    char *url = memory_array(size, 1);
    (void)snprintf(url, size, "%s%s", store_kind, settings->store_path);
    settings->store = keep(load, url);
    return STATUS_OK;
}

static enum status take_listen(struct load *load, const struct raw_listen *raw, struct aggregator_settings *settings)
{
    const enum security security = settings->security;
    enum status status = take_endpoint(load, (struct setting){.parent = "listen", .key = "collectors"}, raw->collectors,
                                       security, &settings->listen_collectors);
    if (status == STATUS_OK)
        status = take_endpoint(load, (struct setting){.parent = "listen", .key = "queries"}, raw->queries, security,
                               &settings->listen_queries);
    if (status == STATUS_OK && raw->events != NULL)
        status = take_endpoint(load, (struct setting){.parent = "listen", .key = "events"}, raw->events, security,
                               &settings->listen_events);
    if (status == STATUS_OK && raw->http != NULL)
        status = take_http(load, raw->http, &settings->listen_http);
    return status;
}

static enum status take_aggregator(struct load *load, const struct raw_aggregator *raw,
                                   struct aggregator_settings *settings)
{
    settings->memory_mib = 256;
    enum status status = take_security(load, raw->security, &settings->security);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "catalogue"}, raw->catalogue, &settings->catalogue);
    if (status == STATUS_OK)
        status = take_store(load, raw->store, settings);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "agents"}, raw->agents, &settings->agents);
    if (status == STATUS_OK)
        status = take_path(load, (struct setting){.key = "key"}, raw->key, &settings->key);
    if (status == STATUS_OK)
        status = take_number(load, (struct setting){.key = "memory_mib"}, raw->memory_mib, 1, 1 << 20,
                             &settings->memory_mib);
    if (status == STATUS_OK)
        status = take_listen(load, &raw->listen, settings);
    return status;
}

enum status aggregator_settings_load(const char *file, struct aggregator_settings *ret_settings, struct fault *why)
{
    struct load load = {.why = why, .private = memory_new(struct settings_private)};
    struct aggregator_settings settings = {.private = load.private};
    void *raw = NULL;
    fault_at(why, file, 0, NULL);
    enum status status = map(&load, file, &aggregator_schema, &raw);
    if (status == STATUS_OK)
        status = take_aggregator(&load, raw, &settings);
    if (status == STATUS_OK) {
        settings.file = own_path(&load, file);
        *ret_settings = settings;
    } else {
        aggregator_settings_free(&settings);
    }
    unmap(&load, &aggregator_schema, raw);
    return status;
}

size_t settings_pages_bytes(const struct aggregator_settings *settings)
{
    return ((size_t)settings->memory_mib << 20) / 8 * 3;
}

void aggregator_settings_free(struct aggregator_settings *settings)
{
    if (settings != NULL)
        private_free(&settings->private);
}

enum status settings_store_path(const char *url, char **ret_path, struct fault *why)
{
    const size_t kind = sizeof store_kind - 1;
    char *folder = NULL;
    if (strncmp(url, store_kind, kind) != 0 || url[kind] == '\0') {
        fault_set(why, MESSAGE_SETTING_STORE, url, NULL);
        return STATUS_REFUSED;
    }
    const enum status status = file_folder(".", &folder, why);
    if (status == STATUS_OK)
        *ret_path = file_path_in(folder, url + kind);
    free(folder);
    return status;
}
