/* http.c - a thin translator: GET /api/v1/COMMAND?option=value becomes a question on an inproc socket, the answer JSON or
 * CSV. Everything that needs figures happens at the desk; this thread only waits for sockets, so a slow question never
 * keeps the page from loading.
 *
 * Against the outside: GET and HEAD only; a Host that is this machine (a web page of somebody else's cannot make a
 * browser read us through a name it controls: DNS rebinding); small heads and no bodies; a limit on connections, on
 * waiting questions and on their time; files from a table inside the program, never from a folder; nothing of a request
 * is ever repeated as HTML. libevent counts no connections, so each gets a buffer that we hold too: libevent takes its
 * callbacks off when it frees one, which shows that the connection has gone. */
#include "http.h"

#include "clock.h"
#include "limit.h"
#include "memory.h"
#include "office.h"
#include "text.h"
#include "thread.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define CONNECTIONS_MOST 64
#define WAITING_MOST 64
#define WAIT_MS 30000
#define HEAD_BYTES 8192
#define BODY_BYTES 65536
#define TIMEOUT_SECONDS 10
#define TICK_MS 200
#define API "/api/v1/"

extern const unsigned char office_page_html[], office_page_js[], office_page_css[];
extern const size_t office_page_html_length, office_page_js_length, office_page_css_length;

enum shape { SHAPE_JSON, SHAPE_CSV, SHAPE_READY };

struct waiting {
    struct evhttp_request *request; /* NULL: free */
    uint64_t id;
    enum shape shape;
    enum language language;
    int64_t until_ms;
};

struct http {
    struct event_base *base;
    struct evhttp *server;
    struct evconnlistener *listener;
    struct event *desk_event, *tick;
    void *desk;
    char host[256];
    uint16_t port;
    uint64_t last_id;
    struct waiting waiting[WAITING_MOST];
    struct bufferevent *connections[CONNECTIONS_MOST + 1];
    pthread_t thread;
    bool thread_runs;
    atomic_bool stop;
};

/* ---- responses ----------------------------------------------------------------------------------------------------- */

static const char *reason_of(int code)
{
    switch (code) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 421: return "Misdirected Request";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

static void add_headers(struct evkeyvalq *headers, const char *type)
{
    static const char *const pairs[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
         "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        (void)evhttp_add_header(headers, pairs[i][0], pairs[i][1]);
    (void)evhttp_add_header(headers, "Content-Type", type);
    (void)evhttp_add_header(headers, "Vary", "Accept");
}

static void respond(struct evhttp_request *request, int code, const char *type, const void *body, size_t length)
{
    struct evbuffer *buffer = evbuffer_new();
    char text[24];
    add_headers(evhttp_request_get_output_headers(request), type);
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        (void)snprintf(text, sizeof text, "%zu", length);
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", text);
    } else if (buffer != NULL)
        (void)evbuffer_add(buffer, body, length);
    evhttp_send_reply(request, code, reason_of(code), buffer);
    if (buffer != NULL)
        evbuffer_free(buffer);
}

/* RFC 9457. */
static void respond_problem_text(struct evhttp_request *request, int code, const char *fault_code, const char *detail)
{
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title", reason_of(code), "status",
                                code, "detail", detail, "code", fault_code);
    char *text = problem != NULL ? json_dumps(problem, JSON_COMPACT) : NULL;
    respond(request, code, "application/problem+json", text != NULL ? text : "{}", text != NULL ? strlen(text) : 2);
    free(text);
    json_decref(problem);
}

static void respond_problem(struct evhttp_request *request, int code, const struct fault *fault, enum language language)
{
    char detail[1024];
    fault_sentence(fault, language, detail, sizeof detail);
    respond_problem_text(request, code, message_code(fault->message), detail);
}

static int code_of_exit(uint32_t exit_code)
{
    return exit_code == 2 ? 400 : exit_code == 4 ? 503 : 500;
}

/* ---- from the desk ------------------------------------------------------------------------------------------------- */

static void print_rows(const struct wire_answer *answer, enum shape shape, FILE *out)
{
    struct table table;
    table_start(&table, answer->columns, answer->column_count);
    for (size_t i = 0; i < answer->column_count * answer->row_count; i++)
        table_add(&table, answer->cells[i]);
    if (shape == SHAPE_CSV)
        (void)table_print(&table, TABLE_CSV, LANGUAGE_EN, out);
    else {
        /* as_of is a time we wrote ourselves: it needs no escaping. */
        (void)fputs("{\"rows\":", out);
        (void)table_print(&table, TABLE_JSON, LANGUAGE_EN, out);
        if (answer->as_of != NULL && answer->as_of[0] != '\0')
            (void)fprintf(out, ",\"as_of\":\"%s\"}\n", answer->as_of);
        else
            (void)fputs(",\"as_of\":null}\n", out);
    }
    table_free(&table);
}

static void respond_answer(struct waiting *waiting, const struct wire_answer *answer)
{
    char *body = NULL;
    size_t length = 0;
    FILE *out;
    if (answer->fault_code[0] != '\0') {
        respond_problem_text(waiting->request, code_of_exit(answer->exit_code), answer->fault_code,
                             waiting->language == LANGUAGE_EN ? answer->fault_en : answer->fault_zh);
        return;
    }
    if (waiting->shape == SHAPE_READY) {
        respond(waiting->request, 200, "text/plain; charset=utf-8", "ready\n", 6);
        return;
    }
    out = memory_stream(&body, &length);
    print_rows(answer, waiting->shape, out);
    (void)fclose(out);
    respond(waiting->request, 200,
            waiting->shape == SHAPE_CSV ? "text/csv; charset=utf-8; header=present" : "application/json", body, length);
    free(body);
}

static struct waiting *find_waiting(struct http *http, uint64_t id)
{
    for (size_t i = 0; i < WAITING_MOST; i++)
        if (http->waiting[i].request != NULL && http->waiting[i].id == id)
            return &http->waiting[i];
    return NULL;
}

static void take_answer(struct http *http, zmq_msg_t *frame)
{
    struct wire_message message = {.private = NULL};
    struct waiting *waiting;
    if (wire_decode(zmq_msg_data(frame), zmq_msg_size(frame), LIMIT_ANSWER_BYTES, &message, NULL) != STATUS_OK)
        return; /* then the wait times out: our own desk does not send such things */
    waiting = message.kind == WIRE_ANSWER ? find_waiting(http, message.answer.id) : NULL;
    if (waiting != NULL) {
        respond_answer(waiting, &message.answer);
        waiting->request = NULL;
    }
    wire_release(&message);
}

/* ZMQ_FD tells only of changes, so everything that waits is taken each time. */
static void take_answers(struct http *http)
{
    for (;;) {
        zmq_msg_t frame;
        if (zmq_msg_init(&frame) != 0)
            return;
        const bool received = zmq_msg_recv(&frame, http->desk, ZMQ_DONTWAIT) >= 0;
        if (received)
            take_answer(http, &frame);
        (void)zmq_msg_close(&frame);
        if (!received && errno != EINTR)
            return;
    }
}

/* ---- to the desk --------------------------------------------------------------------------------------------------- */

static void ask_desk(struct http *http, struct evhttp_request *request, struct wire_question *question,
                     enum shape shape, enum language language)
{
    struct waiting *waiting = NULL;
    struct fault fault = {.message = MESSAGE_NONE};
    unsigned char *bytes = NULL;
    size_t length = 0;
    for (size_t i = 0; i < WAITING_MOST && waiting == NULL; i++)
        waiting = http->waiting[i].request == NULL ? &http->waiting[i] : NULL;
    question->id = ++http->last_id;
    wire_encode(&(struct wire_message){.kind = WIRE_QUESTION, .question = *question}, &bytes, &length);
    if (waiting == NULL || zmq_send(http->desk, bytes, length, ZMQ_DONTWAIT) < 0) {
        fault_set(&fault, MESSAGE_HTTP_BUSY, NULL);
        respond_problem(request, 503, &fault, language);
    } else
        *waiting = (struct waiting){request, question->id, shape, language, clock_ms(CLOCK_MONOTONIC) + WAIT_MS};
    free(bytes);
    take_answers(http);
}

static bool add_option(struct wire_question *question, const char *name, const char *value)
{
    if (question->option_count == WIRE_OPTIONS || strlen(name) >= sizeof question->options[0].name)
        return false;
    (void)snprintf(question->options[question->option_count].name, sizeof question->options[0].name, "%s", name);
    question->options[question->option_count++].value = value;
    return true;
}

/* A parameter of the request as an option of the question; code= is what the command line takes as operand. */
static bool take_parameter(struct wire_question *question, const struct office_command *command, const char *name,
                           const char *value, enum shape *shape, struct fault *why)
{
    bool known = strcmp(name, "lang") == 0;
    if (strcmp(name, "format") == 0) {
        const bool csv = strcmp(value, "csv") == 0;
        *shape = csv ? SHAPE_CSV : SHAPE_JSON;
        if (!csv && strcmp(value, "json") != 0)
            fault_set(why, MESSAGE_ASK_BAD_CHOICE, "format", value, "json, csv", NULL);
        return csv || strcmp(value, "json") == 0;
    }
    if (strcmp(name, "code") == 0 && (strcmp(command->name, "query") == 0 || strcmp(command->name, "explain") == 0))
        return add_option(question, "operand", value);
    for (size_t i = 0; i < command->option_count && !known; i++) {
        known = strcmp(command->options[i].name, name) == 0;
        if (known && command->options[i].argument == NULL && value[0] != '\0' && strcmp(value, "1") != 0 &&
            strcmp(value, "0") != 0 && strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
            fault_set(why, MESSAGE_ASK_BAD_FLAG, name, value, NULL);
            return false;
        }
    }
    if (known && add_option(question, name, value))
        return true;
    fault_set(why, MESSAGE_ASK_UNKNOWN_OPTION, command->name, name, NULL);
    return false;
}

static bool wants_csv(struct evhttp_request *request)
{
    const char *accept = evhttp_find_header(evhttp_request_get_input_headers(request), "Accept");
    return accept != NULL && strstr(accept, "text/csv") != NULL;
}

/* "history&unit=A" -> "history=&unit=A": libevent refuses a name without a value, a switch has none. Yours to free. */
static char *complete_query(const char *query)
{
    char *complete = memory_array(2 * strlen(query) + 2, 1);
    size_t used = 0;
    while (*query != '\0') {
        const size_t length = strcspn(query, "&");
        memcpy(complete + used, query, length);
        used += length;
        if (length > 0 && memchr(query, '=', length) == NULL)
            complete[used++] = '=';
        query += length;
        if (*query == '&')
            complete[used++] = *query++;
    }
    return complete;
}

/* False when it is no list of names and values; a NUL would cut a value short without a word. */
static bool parse_query(const char *query, struct evkeyvalq *ret_parameters)
{
    char *complete;
    bool good;
    if (query == NULL || query[0] == '\0')
        return true;
    if (strstr(query, "%00") != NULL)
        return false;
    complete = complete_query(query);
    good = evhttp_parse_query_str(complete, ret_parameters) == 0;
    free(complete);
    return good;
}

static void serve_api(struct http *http, struct evhttp_request *request, const struct office_command *command)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct wire_question question = {.option_count = 0};
    struct evkeyvalq parameters = {.tqh_first = NULL};
    struct fault fault = {.message = MESSAGE_NONE};
    enum shape shape = wants_csv(request) ? SHAPE_CSV : SHAPE_JSON;
    enum language language = LANGUAGE_ZH;
    size_t bad;
    bool good = true;
    (void)snprintf(question.command, sizeof question.command, "%s", command->name);
    if (!parse_query(query, &parameters)) {
        fault_set(&fault, MESSAGE_ASK_UNKNOWN_OPTION, command->name, query, NULL);
        good = false;
    }
    for (struct evkeyval *pair = parameters.tqh_first; good && pair != NULL; pair = pair->next.tqe_next) {
        good = text_is_utf8(pair->value, strlen(pair->value), &bad) && text_is_utf8(pair->key, strlen(pair->key), &bad);
        if (!good)
            fault_set(&fault, MESSAGE_ASK_UNKNOWN_OPTION, command->name, "?", NULL);
        else
            good = take_parameter(&question, command, pair->key, pair->value, &shape, &fault);
        if (strcmp(pair->key, "lang") == 0 && strcmp(pair->value, "en") == 0)
            language = LANGUAGE_EN;
    }
    if (good)
        ask_desk(http, request, &question, shape, language);
    else
        respond_problem(request, 400, &fault, language);
    evhttp_clear_headers(&parameters);
}

/* ---- routes -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *path, *type;
    const unsigned char *bytes;
    const size_t *length;
} files[] = {
    {"/", "text/html; charset=utf-8", office_page_html, &office_page_html_length},
    {"/page.js", "text/javascript; charset=utf-8", office_page_js, &office_page_js_length},
    {"/page.css", "text/css; charset=utf-8", office_page_css, &office_page_css_length},
};

/* localhost, an address in digits, or what listen.http says. A name that somebody else may point at us is none. */
static bool is_own_host(const struct http *http, const char *header)
{
    char host[256];
    unsigned char address[sizeof(struct in6_addr)];
    const char *start = header, *end;
    if (header == NULL)
        return false;
    if (header[0] == '[') {
        start = header + 1;
        end = strchr(start, ']');
    } else
        end = header + strcspn(header, ":");
    if (end == NULL || (size_t)(end - start) >= sizeof host)
        return false;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    return evutil_ascii_strcasecmp(host, "localhost") == 0 || evutil_ascii_strcasecmp(host, http->host) == 0 ||
           inet_pton(header[0] == '[' ? AF_INET6 : AF_INET, host, address) == 1;
}

static bool refuse_request(struct http *http, struct evhttp_request *request)
{
    const enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
    struct fault fault = {.message = MESSAGE_NONE};
    if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
        fault_set(&fault, MESSAGE_HTTP_METHOD, NULL);
        (void)evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        respond_problem(request, 405, &fault, LANGUAGE_ZH);
        return true;
    }
    if (!is_own_host(http, host)) {
        fault_set(&fault, MESSAGE_HTTP_HOST, host != NULL ? host : "", NULL);
        respond_problem(request, 421, &fault, LANGUAGE_ZH);
        return true;
    }
    return false;
}

static void serve(struct evhttp_request *request, void *context)
{
    struct http *http = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    const struct office_command *command = NULL;
    struct fault fault = {.message = MESSAGE_NONE};
    size_t bad;
    if (refuse_request(http, request))
        return;
    path = path != NULL && path[0] != '\0' ? path : "/";
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (strcmp(path, files[i].path) == 0) {
            respond(request, 200, files[i].type, files[i].bytes, *files[i].length);
            return;
        }
    if (strcmp(path, "/healthz") == 0) {
        respond(request, 200, "text/plain; charset=utf-8", "ok\n", 3);
        return;
    }
    if (strcmp(path, "/readyz") == 0) {
        struct wire_question question = {.command = "status"};
        ask_desk(http, request, &question, SHAPE_READY, LANGUAGE_ZH);
        return;
    }
    if (strncmp(path, API, strlen(API)) == 0)
        command = office_command(path + strlen(API));
    if (command != NULL && command->over_http) {
        serve_api(http, request, command);
        return;
    }
    fault_set(&fault, MESSAGE_HTTP_NOT_FOUND, text_is_utf8(path, strlen(path), &bad) ? path : "?", NULL);
    respond_problem(request, 404, &fault, LANGUAGE_ZH);
}

/* ---- connections --------------------------------------------------------------------------------------------------- */

/* Lets go of connections that libevent has freed; how many are left. */
static size_t sweep(struct http *http)
{
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(http->connections); i++) {
        bufferevent_data_cb reading = NULL, writing = NULL;
        bufferevent_event_cb happening = NULL;
        if (http->connections[i] == NULL)
            continue;
        bufferevent_getcb(http->connections[i], &reading, &writing, &happening, NULL);
        if (reading == NULL && writing == NULL && happening == NULL) {
            (void)bufferevent_decref(http->connections[i]);
            http->connections[i] = NULL;
        } else
            used++;
    }
    return used;
}

/* libevent sets its callbacks after this returns, so the new buffer is kept only once the old ones are swept. The buffer
 * owns its socket: libevent would close it while our hold keeps the buffer's events on its number, which the next file or
 * connection of any thread gets. */
static struct bufferevent *new_connection(struct event_base *base, void *context)
{
    struct http *http = context;
    const size_t used = sweep(http);
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    for (size_t i = 0; connection != NULL && i < ARRAY_LEN(http->connections); i++)
        if (http->connections[i] == NULL) {
            bufferevent_incref(connection);
            http->connections[i] = connection;
            break;
        }
    if (used + 1 >= CONNECTIONS_MOST)
        (void)evconnlistener_disable(http->listener); /* the next ones wait in the kernel's queue */
    return connection;
}

static void time_out(struct http *http, struct waiting *waiting)
{
    struct fault fault = {.message = MESSAGE_NONE};
    char seconds[16];
    struct evhttp_request *request = waiting->request;
    (void)http;
    (void)snprintf(seconds, sizeof seconds, "%d", WAIT_MS / 1000);
    fault_set(&fault, MESSAGE_HTTP_SLOW, seconds, NULL);
    waiting->request = NULL;
    respond_problem(request, 503, &fault, waiting->language);
}

static void tick(evutil_socket_t none, short events, void *context)
{
    struct http *http = context;
    const int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
    (void)none;
    (void)events;
    if (atomic_load(&http->stop)) {
        (void)event_base_loopbreak(http->base);
        return;
    }
    take_answers(http);
    for (size_t i = 0; i < WAITING_MOST; i++)
        if (http->waiting[i].request != NULL && now_ms > http->waiting[i].until_ms)
            time_out(http, &http->waiting[i]);
    if (sweep(http) < CONNECTIONS_MOST)
        (void)evconnlistener_enable(http->listener);
}

static void desk_speaks(evutil_socket_t descriptor, short events, void *context)
{
    (void)descriptor;
    (void)events;
    take_answers(context);
}

/* ---- start and stop ------------------------------------------------------------------------------------------------ */

static void *run(void *context)
{
    struct http *http = context;
    (void)event_base_dispatch(http->base);
    for (size_t i = 0; i < WAITING_MOST; i++)
        if (http->waiting[i].request != NULL)
            time_out(http, &http->waiting[i]);
    return NULL;
}

static bool split_listen(const char *listen, struct http *http)
{
    const char *colon = strrchr(listen, ':');
    const char *start = listen, *end = colon;
    char *rest = NULL;
    long port;
    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return false;
    if (listen[0] == '[' && end > listen && end[-1] == ']') {
        start++;
        end--;
    }
    errno = 0;
    port = strtol(colon + 1, &rest, 10);
    if (errno != 0 || *rest != '\0' || port < 0 || port > 65535 || (size_t)(end - start) >= sizeof http->host)
        return false;
    memcpy(http->host, start, (size_t)(end - start));
    http->host[end - start] = '\0';
    http->port = (uint16_t)port;
    return true;
}

static bool learn_port(struct http *http, struct evhttp_bound_socket *bound)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) != 0)
        return false;
    http->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                                                     : ((struct sockaddr_in *)(void *)&address)->sin_port);
    return true;
}

static bool open_server(struct http *http)
{
    struct evhttp_bound_socket *bound;
    http->base = event_base_new();
    http->server = http->base != NULL ? evhttp_new(http->base) : NULL;
    if (http->server == NULL)
        return false;
    evhttp_set_max_headers_size(http->server, HEAD_BYTES);
    evhttp_set_max_body_size(http->server, BODY_BYTES);
    evhttp_set_timeout(http->server, TIMEOUT_SECONDS);
    /* All methods come to serve(), which answers 405; libevent alone would say 501. */
    evhttp_set_allowed_methods(http->server, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                                 EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
                                                 EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(http->server, serve, http);
    evhttp_set_bevcb(http->server, new_connection, http);
    bound = evhttp_bind_socket_with_handle(http->server, http->host, http->port);
    if (bound == NULL || !learn_port(http, bound))
        return false;
    http->listener = evhttp_bound_socket_get_listener(bound);
    return true;
}

static bool join_desk(struct http *http, void *zmq_context)
{
    const int linger = 0, waiting = 2 * WAITING_MOST;
    const struct timeval interval = {0, TICK_MS * 1000};
    int descriptor;
    size_t size = sizeof descriptor;
    http->desk = zmq_socket(zmq_context, ZMQ_DEALER);
    if (http->desk == NULL || zmq_setsockopt(http->desk, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_setsockopt(http->desk, ZMQ_SNDHWM, &waiting, sizeof waiting) != 0 ||
        zmq_setsockopt(http->desk, ZMQ_RCVHWM, &waiting, sizeof waiting) != 0 ||
        zmq_connect(http->desk, HTTP_DESK_ENDPOINT) != 0 ||
        zmq_getsockopt(http->desk, ZMQ_FD, &descriptor, &size) != 0)
        return false;
    http->desk_event = event_new(http->base, descriptor, EV_READ | EV_PERSIST, desk_speaks, http);
    http->tick = event_new(http->base, -1, EV_PERSIST, tick, http);
    return http->desk_event != NULL && http->tick != NULL && event_add(http->desk_event, NULL) == 0 &&
           event_add(http->tick, &interval) == 0;
}

enum status http_start(void *zmq_context, const char *listen, struct http **ret_http, struct fault *why)
{
    struct http *http = memory_new(struct http);
    bool good;
    errno = 0;
    good = split_listen(listen, http) && open_server(http);
    if (good && (good = join_desk(http, zmq_context)))
        good = http->thread_runs = thread_start(&http->thread, run, http);
    if (!good) {
        fault_set(why, MESSAGE_HTTP_CANNOT_LISTEN, listen, errno != 0 ? strerror(errno) : "host:port", NULL);
        http_stop(&http);
        return STATUS_REFUSED;
    }
    *ret_http = http;
    return STATUS_OK;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}

void http_stop(struct http **http)
{
    if (http == NULL || *http == NULL)
        return;
    struct http *stopped = *http;
    atomic_store(&stopped->stop, true);
    if (stopped->thread_runs)
        (void)pthread_join(stopped->thread, NULL);
    if (stopped->desk_event != NULL)
        event_free(stopped->desk_event);
    if (stopped->tick != NULL)
        event_free(stopped->tick);
    if (stopped->server != NULL)
        evhttp_free(stopped->server);
    for (size_t i = 0; i < ARRAY_LEN(stopped->connections); i++)
        if (stopped->connections[i] != NULL)
            (void)bufferevent_decref(stopped->connections[i]);
    if (stopped->base != NULL)
        event_base_free(stopped->base);
    if (stopped->desk != NULL)
        (void)zmq_close(stopped->desk);
    free(stopped);
    *http = NULL;
}
