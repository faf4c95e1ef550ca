/* A running desk: HTTP over real sockets, questions and published changes over ZeroMQ, with the test as its writer. */
#include "suite.h"

#include "ask.h"
#include "desk.h"
#include "support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <zmq.h>

#define CITY SOURCE_FOLDER "/tests/city/"
#define BYTES_MOST (1 << 20)

static struct city city;
static void *context, *writer;
static struct desk *desk;
static struct aggregator_settings settings;
static char queries[128], events[128], http[64];
static int port;
static size_t alerts_kept;
static uint64_t published_as_of;

/* A port below the ephemeral range, so that no outgoing connection of another test takes it meanwhile. */
static int free_port(void)
{
    for (int candidate = 20000 + (int)(getpid() % 10000); candidate < 32000; candidate++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)candidate)};
        const int listener = socket(AF_INET, SOCK_STREAM, 0);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool is_free = bind(listener, (struct sockaddr *)&address, sizeof address) == 0;
        close(listener);
        if (is_free)
            return candidate;
    }
    return 0;
}

static void open_desk(void)
{
    struct fault why = {0};
    city_open_folder(&city, CITY "catalogue");
    city.now_ms = 1580832000000;
    CU_ASSERT_EQUAL(city_feed_file(&city, CITY "records.csv"), 0);
    port = free_port();
    snprintf(http, sizeof http, "127.0.0.1:%d", port);
    snprintf(queries, sizeof queries, "ipc://%s/q", city.folder);
    snprintf(events, sizeof events, "ipc://%s/e", city.folder);
    settings = (struct aggregator_settings){.store_path = city.path, .listen_queries = queries, .listen_events = events,
                                            .listen_http = http, .security = SECURITY_NONE, .memory_mib = 32};
    alerts_kept = 0;
    published_as_of = 0;
    context = zmq_ctx_new();
    writer = zmq_socket(context, ZMQ_PAIR);
    CU_ASSERT_EQUAL_FATAL(zmq_bind(writer, DESK_ENDPOINT), 0);
    city_must(desk_start(context, &settings, city.catalogue, NULL, &desk, &why), &why, "desk_start");
}

static void close_desk(void)
{
    const struct desk_note note = {.kind = DESK_STOP};
    (void)zmq_send(writer, &note, sizeof note, ZMQ_DONTWAIT);
    desk_stop(&desk);
    CU_ASSERT_PTR_NULL(desk);
    zmq_close(writer);
    zmq_ctx_term(context);
    city_close(&city);
}

/* Does the writer's part for a while: stores what the desk hands over and says so. */
static void write_for(int milliseconds)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        struct desk_note note;
        struct fault why = {0};
        zmq_pollitem_t item = {writer, 0, ZMQ_POLLIN, 0};
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 >= milliseconds)
            return;
        if (zmq_poll(&item, 1, 20) <= 0 || zmq_recv(writer, &note, sizeof note, ZMQ_DONTWAIT) != (int)sizeof note)
            continue;
        if (note.kind == DESK_KEEP_SHEAF) {
            bool done = false;
            city_must(sheaf_write(note.sheaf, city.store, SIZE_MAX, &done, &why), &why, "sheaf_write");
            CU_ASSERT_TRUE(done);
            if (note.sheaf->as_of > 0)
                published_as_of = note.sheaf->as_of;
            note.kind = DESK_KEPT_SHEAF;
            CU_ASSERT_TRUE(zmq_send(writer, &note, sizeof note, 0) > 0);
            continue;
        }
        CU_ASSERT_EQUAL(note.kind, DESK_KEEP_ALERT);
        city_must(store_begin(city.store, &why), &why, "store_begin");
        city_must(store_save_alert(city.store, &note.alert, &why), &why, "store_save_alert");
        city_must(store_commit(city.store, &why), &why, "store_commit");
        note.kind = DESK_KEPT_ALERT;
        CU_ASSERT_TRUE(zmq_send(writer, &note, sizeof note, 0) > 0);
        alerts_kept++;
    }
}

/* Until the desk has had stored what follows from all that is in the store; only what changes after that is published. */
static void write_first_state(void)
{
    for (int i = 0; i < 60 && (alerts_kept == 0 || published_as_of < city.sequence); i++)
        write_for(500);
    CU_ASSERT_FATAL(alerts_kept > 0 && published_as_of >= city.sequence);
}

/* ---- a small HTTP client --------------------------------------------------------------------------------------------- */

static int connect_http(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct timeval patience = {15, 0};
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CU_ASSERT_EQUAL_FATAL(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

/* Sends raw bytes and reads till the other side closes; the text lives till the next call. */
static const char *exchange(const char *request)
{
    static char answer[BYTES_MOST];
    size_t used = 0;
    const int client = connect_http();
    (void)!write(client, request, strlen(request));
    for (ssize_t got; used < sizeof answer - 1 && (got = read(client, answer + used, sizeof answer - 1 - used)) > 0;)
        used += (size_t)got;
    close(client);
    answer[used] = '\0';
    return answer;
}

static const char *request(const char *method, const char *target, const char *headers)
{
    char text[16384];
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", method, target, headers);
    return exchange(text);
}

static const char *get(const char *target)
{
    return request("GET", target, "");
}

static int status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static const char *body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end != NULL ? end + 4 : "";
}

/* ---- HTTP -------------------------------------------------------------------------------------------------------------- */

static void the_page_and_its_files_come_with_headers_that_bind_the_browser(void)
{
    static const char *const wanted[] = {"Content-Security-Policy: default-src 'none'; script-src 'self'",
                                         "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
                                         "Cache-Control: no-store", "frame-ancestors 'none'"};
    open_desk();
    const char *page = get("/");
    CU_ASSERT_EQUAL(status_of(page), 200);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(page, wanted[i]));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "Content-Type: text/html; charset=utf-8"));
    CU_ASSERT_PTR_NOT_NULL(strstr(body_of(page), "<table id=\"plan-table\""));
    CU_ASSERT_PTR_NULL(strstr(body_of(page), "style="));
    CU_ASSERT_PTR_NULL(strstr(body_of(page), "onclick"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get("/page.js"), "textContent"));
    CU_ASSERT_PTR_NULL(strstr(get("/page.js"), "innerHTML"));
    CU_ASSERT_PTR_NOT_NULL(strstr(get("/page.css"), "A4 landscape"));
    close_desk();
}

static void the_api_answers_the_rows_of_the_command_line(void)
{
    open_desk();
    const char *answer = get("/api/v1/query?code=homes&unit=%E7%94%B2%E5%8C%BA&period=2020");
    CU_ASSERT_EQUAL(status_of(answer), 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Type: application/json"));
    json_t *body = json_loads(body_of(answer), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    const json_t *row = json_array_get(json_object_get(body, "rows"), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(row, "unit")), "A");
    CU_ASSERT_TRUE(json_is_null(json_object_get(row, "numerator")));
    CU_ASSERT_EQUAL(strncmp(json_string_value(json_object_get(body, "as_of")), "2020-02-05T00:00", 16), 0);
    json_decref(body);
    answer = request("GET", "/api/v1/query?code=homes&unit=a1&period=2020-01&compare=mom", "Accept: text/csv\r\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Type: text/csv"));
    CU_ASSERT_STRING_EQUAL(body_of(answer),
                           "code,unit,unit_name,period,value,numerator,denominator,reported,expected,flag,mom_pct\n"
                           "homes,a1,甲一镇,2020-01,1,,,1,1,complete,-88.9\n");
    CU_ASSERT_EQUAL(status_of(get("/api/v1/progress?on=2020-04-10&lang=en")), 200);
    CU_ASSERT_EQUAL(status_of(get("/api/v1/alerts?all=1&on=2021-01-11")), 200);
    CU_ASSERT_EQUAL(status_of(get("/api/v1/reporting?period=2020-01&summary=1")), 200);
    CU_ASSERT_EQUAL(status_of(get("/api/v1/records?element=homes&history")), 200);
    CU_ASSERT_EQUAL(status_of(get("/api/v1/status")), 200);
    CU_ASSERT_EQUAL(status_of(get("/api/v1/catalogue")), 200);
    CU_ASSERT_STRING_EQUAL(body_of(get("/healthz")), "ok\n");
    CU_ASSERT_STRING_EQUAL(body_of(get("/readyz")), "ready\n");
    close_desk();
}

static void head_has_the_length_and_no_body(void)
{
    open_desk();
    const char *answer = request("HEAD", "/page.css", "");
    CU_ASSERT_EQUAL(status_of(answer), 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Length: "));
    CU_ASSERT_STRING_EQUAL(body_of(answer), "");
    answer = request("HEAD", "/api/v1/status", "");
    CU_ASSERT_EQUAL(status_of(answer), 200);
    CU_ASSERT_STRING_EQUAL(body_of(answer), "");
    close_desk();
}

static void wrong_requests_get_problems_and_change_nothing(void)
{
    static const struct { const char *method, *target; int status; const char *code; } cases[] = {
        {"GET", "/api/v1/query?code=nobody", 400, "no_such_code"},
        {"GET", "/api/v1/query?unit=%FF%FE", 400, NULL},
        {"GET", "/api/v1/query?unit=A%00B", 400, NULL},
        {"GET", "/api/v1/query?operand=homes", 400, "unknown_parameter"},
        {"GET", "/api/v1/query?unit=A&unit=B", 400, "option_given_twice"},
        {"GET", "/api/v1/query?format=xml", 400, "bad_choice"},
        {"GET", "/api/v1/query?period=20x0", 400, "bad_period"},
        {"GET", "/api/v1/alerts?all=perhaps", 400, "flag_takes_no_value"},
        {"GET", "/api/v1/alerts?operand=ack,x&by=y&note=z", 400, "unknown_parameter"},
        {"GET", "/api/v1/alerts?by=y&note=z", 400, "option_needed"},
        {"GET", "/api/v1/alerts/ack", 404, "not_found"},
        {"GET", "/api/v1/keygen", 404, "not_found"},
        {"GET", "/api/v1/", 404, "not_found"},
        {"GET", "/../../etc/passwd", 404, "not_found"},
        {"GET", "/%2e%2e/etc/passwd", 404, "not_found"},
        {"GET", "/metrics", 404, "not_found"},
        {"POST", "/api/v1/query", 405, "method_not_allowed"},
        {"PUT", "/", 405, "method_not_allowed"},
        {"DELETE", "/api/v1/records", 405, "method_not_allowed"},
    };
    open_desk();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *answer = request(cases[i].method, cases[i].target, "");
        if (status_of(answer) != cases[i].status)
            fprintf(stderr, "\n    %s %s: %.300s\n", cases[i].method, cases[i].target, answer);
        CU_ASSERT_EQUAL(status_of(answer), cases[i].status);
        CU_ASSERT_PTR_NOT_NULL(strstr(answer, "Content-Type: application/problem+json"));
        CU_ASSERT_EQUAL(cases[i].status == 405, strstr(answer, "Allow: GET, HEAD") != NULL);
        json_t *problem = json_loads(body_of(answer), 0, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
        CU_ASSERT_EQUAL(json_integer_value(json_object_get(problem, "status")), cases[i].status);
        if (cases[i].code != NULL)
            city_equal(cases[i].target, json_string_value(json_object_get(problem, "code")), cases[i].code);
        json_decref(problem);
    }
    close_desk();
}

static void a_host_that_is_not_this_machine_is_refused(void)
{
    static const char *const hosts[][2] = {{"evil.example", "421"}, {"localhost", "200"}, {"localhost:7480", "200"},
                                           {"127.0.0.1:1", "200"}, {"[::1]:7480", "200"}, {"[::1", "421"},
                                           {"127.0.0.1.evil.example", "421"}, {"", "421"}};
    char text[512];
    open_desk();
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        snprintf(text, sizeof text, "GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", hosts[i][0]);
        city_equal(hosts[i][0], status_of(exchange(text)) == 200 ? "200" : "421", hosts[i][1]);
    }
    CU_ASSERT_EQUAL(status_of(exchange("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")), 421);
    close_desk();
}

static size_t open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *item = folder == NULL ? NULL : readdir(folder); item != NULL; item = readdir(folder))
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

static void garbage_big_heads_and_many_connections_do_not_stop_it(void)
{
    enum { MANY = 200 };
    static char head[40000];
    int clients[MANY];
    open_desk();
    CU_ASSERT_EQUAL(status_of(get("/healthz")), 200);
    const size_t files = open_files();
    (void)exchange("\x16\x03\x01 nonsense\r\n\r\n");
    snprintf(head, sizeof head, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: %030000d\r\n\r\n", 0);
    CU_ASSERT_NOT_EQUAL(status_of(exchange(head)), 200);
    for (int i = 0; i < MANY; i++) {
        clients[i] = connect_http();
        (void)!write(clients[i], "GET / HT", 8);
    }
    for (int i = 0; i < MANY; i++)
        close(clients[i]);
    CU_ASSERT_EQUAL(status_of(get("/healthz")), 200);
    CU_ASSERT_EQUAL(status_of(get("/api/v1/status")), 200);
    for (int tries = 0; tries < 50 && open_files() > files; tries++)
        (void)poll(NULL, 0, 100);
    CU_ASSERT_TRUE(open_files() <= files);
    close_desk();
}

static void a_client_that_leaves_while_it_waits_harms_nobody(void)
{
    open_desk();
    for (int i = 0; i < 50; i++) {
        const int client = connect_http();
        const char *text = "GET /api/v1/records?history=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
        (void)!write(client, text, strlen(text));
        close(client);
    }
    CU_ASSERT_EQUAL(status_of(get("/api/v1/status")), 200);
    close_desk();
}

/* ---- questions and the published stream ------------------------------------------------------------------------------- */

static enum status ask(const char *command, const char *name, const char *value, struct asked *ret_asked)
{
    const struct ask_target target = {.endpoint = queries, .security = SECURITY_NONE};
    struct wire_question question = {.id = 77};
    struct fault why = {0};
    snprintf(question.command, sizeof question.command, "%s", command);
    if (name != NULL) {
        snprintf(question.options[0].name, sizeof question.options[0].name, "%s", name);
        question.options[0].value = value;
        question.option_count = 1;
    }
    return ask_aggregator(&target, &question, 10000, ret_asked, &why);
}

static void questions_are_answered_and_wrong_ones_get_a_fault(void)
{
    struct asked asked = {.bytes = NULL};
    open_desk();
    CU_ASSERT_EQUAL_FATAL(ask("query", "operand", "homes", &asked), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(asked.message.answer.fault_code, "");
    CU_ASSERT_EQUAL(table_rows(&asked.table), 1);
    CU_ASSERT_STRING_EQUAL(asked.table.cells[0], "homes");
    asked_free(&asked);
    CU_ASSERT_EQUAL_FATAL(ask("query", "operand", "nobody", &asked), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(asked.message.answer.fault_code, "no_such_code");
    CU_ASSERT_EQUAL(asked.message.answer.exit_code, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(asked.message.answer.fault_zh, "nobody"));
    asked_free(&asked);
    close_desk();
}

static void garbage_on_the_question_socket_is_answered_and_survived(void)
{
    struct asked asked = {.bytes = NULL};
    char answer[4096];
    const int patience = 10000, none = 0;
    open_desk();
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof none);
    CU_ASSERT_EQUAL(zmq_connect(dealer, queries), 0);
    static const char *const garbage[] = {"", "x", "\x93\x01\x02", "\xdd\xff\xff\xff\xff", "\x91\x0a"};
    for (size_t i = 0; i < ARRAY_LEN(garbage); i++) {
        CU_ASSERT_TRUE(zmq_send(dealer, garbage[i], strlen(garbage[i]), 0) >= 0);
        CU_ASSERT_TRUE(zmq_recv(dealer, answer, sizeof answer, 0) > 0);
    }
    for (int i = 0; i < 5; i++)
        CU_ASSERT_TRUE(zmq_send(dealer, "part", 4, ZMQ_SNDMORE) >= 0);
    CU_ASSERT_TRUE(zmq_send(dealer, "end", 3, 0) >= 0);
    CU_ASSERT_TRUE(zmq_recv(dealer, answer, sizeof answer, 0) > 0);
    zmq_close(dealer);
    CU_ASSERT_EQUAL_FATAL(ask("status", NULL, NULL, &asked), STATUS_OK);
    asked_free(&asked);
    close_desk();
}

/* Takes published messages for a while; how many of a topic's beginning, and whether numbers only grow by one. */
static size_t count_published(void *subscriber, const char *topic_start, uint64_t *last, bool *in_order, char *last_value)
{
    char topic[256];
    static unsigned char bytes[65536];
    size_t count = 0;
    for (;;) {
        struct wire_message message = {.private = NULL};
        int length = zmq_recv(subscriber, topic, sizeof topic - 1, ZMQ_DONTWAIT);
        if (length < 0)
            return count;
        topic[length] = '\0';
        length = zmq_recv(subscriber, bytes, sizeof bytes, 0);
        CU_ASSERT_EQUAL_FATAL(wire_decode(bytes, (size_t)length, sizeof bytes, &message, NULL), STATUS_OK);
        if (strncmp(topic, topic_start, strlen(topic_start)) == 0) {
            *in_order = *in_order && (*last == 0 || message.published.sequence == *last + 1);
            *last = message.published.sequence;
            count++;
            for (size_t i = 0; i < message.published.field_count; i++)
                if (strcmp(topic, "rollup.i_homes.B") == 0 && strcmp(message.published.names[i], "value") == 0)
                    snprintf(last_value, 64, "%s", message.published.values[i]);
        }
        wire_release(&message);
    }
}

/* As count_published, but waits until at least so many came and then nothing more. */
static size_t await_published(void *subscriber, const char *topic_start, size_t least, uint64_t *last, bool *in_order,
                              char *last_value)
{
    size_t count = 0;
    for (int i = 0; i < 100; i++) {
        write_for(300);
        const size_t came = count_published(subscriber, topic_start, last, in_order, last_value);
        count += came;
        if (came == 0 && count >= least)
            break;
    }
    return count;
}

static void changed_figures_and_alerts_are_published_in_order(void)
{
    const int none = 0;
    uint64_t last = 0, last_alert = 0;
    bool in_order = true;
    char value[64] = "";
    open_desk();
    void *subscriber = zmq_socket(context, ZMQ_SUB);
    zmq_setsockopt(subscriber, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "", 0);
    CU_ASSERT_EQUAL(zmq_connect(subscriber, events), 0);
    write_for(500); /* the subscription is made meanwhile */
    write_first_state();
    CU_ASSERT_EQUAL(city_feed(&city, "homes,b2,2020-01,77\n"), 0);
    const struct desk_note note = {.kind = DESK_COMMITTED, .entry = city.sequence};
    CU_ASSERT_TRUE(zmq_send(writer, &note, sizeof note, 0) > 0);
    CU_ASSERT_TRUE(await_published(subscriber, "rollup.", 3, &last, &in_order, value) >= 3); /* b2, B, C */
    CU_ASSERT_TRUE(in_order);
    CU_ASSERT_STRING_EQUAL(value, "14482");
    CU_ASSERT_TRUE(zmq_send(writer, &note, sizeof note, 0) > 0);
    write_for(600);
    CU_ASSERT_EQUAL(count_published(subscriber, "rollup.", &last, &in_order, value), 0); /* nothing changed */
    /* 2000 more homes for a1 meet the joint goal: its alert is resolved, and said so after it was stored. */
    CU_ASSERT_EQUAL(city_feed(&city, "homes,a1,2020-06,2000\n"), 0);
    const struct desk_note more = {.kind = DESK_COMMITTED, .entry = city.sequence};
    CU_ASSERT_TRUE(zmq_send(writer, &more, sizeof more, 0) > 0);
    CU_ASSERT_TRUE(await_published(subscriber, "alert.goal_missed.G", 1, &last_alert, &in_order, value) >= 1);
    zmq_close(subscriber);
    close_desk();
}

struct acking {
    pthread_t thread;
    struct asked asked;
    enum status status;
    atomic_bool answered;
    const char *by, *alert; /* NULL: 王某, the joint goal's */
};

static void *acknowledge(void *argument)
{
    struct acking *acking = argument;
    const struct ask_target target = {.endpoint = queries, .security = SECURITY_NONE};
    struct wire_question question = {.id = 5, .command = "alerts", .option_count = 3};
    struct fault why = {0};
    static const char *const options[3][2] = {{"operand", "ack,goal_missed.g_joint"}, {"by", "王某"}, {"note", "已督办"}};
    for (size_t i = 0; i < 3; i++) {
        snprintf(question.options[i].name, sizeof question.options[i].name, "%s", options[i][0]);
        question.options[i].value = options[i][1];
    }
    if (acking->alert != NULL)
        question.options[0].value = acking->alert;
    if (acking->by != NULL)
        question.options[1].value = acking->by;
    acking->status = ask_aggregator(&target, &question, 30000, &acking->asked, &why);
    atomic_store(&acking->answered, true);
    return NULL;
}

/* Asking gives up by itself. */
static void write_while_asked(struct acking *acking)
{
    while (!atomic_load(&acking->answered))
        write_for(50);
    pthread_join(acking->thread, NULL);
}

static void an_acknowledgement_is_answered_once_it_is_stored(void)
{
    struct acking acking = {.status = STATUS_BROKEN};
    struct asked asked = {.bytes = NULL};
    open_desk();
    write_first_state();
    CU_ASSERT_EQUAL_FATAL(pthread_create(&acking.thread, NULL, acknowledge, &acking), 0);
    write_while_asked(&acking);
    CU_ASSERT_EQUAL_FATAL(acking.status, STATUS_OK);
    CU_ASSERT_STRING_EQUAL(acking.asked.message.answer.fault_code, "");
    CU_ASSERT_EQUAL_FATAL(acking.asked.table.cell_count, 10);
    CU_ASSERT_STRING_EQUAL(acking.asked.table.cells[9], "王某");
    CU_ASSERT_PTR_NOT_NULL(strstr(acking.asked.table.cells[8], " note=已督办"));
    asked_free(&acking.asked);
    CU_ASSERT_EQUAL_FATAL(ask("alerts", NULL, NULL, &asked), STATUS_OK);
    bool seen = false;
    for (size_t i = 0; i < table_rows(&asked.table); i++)
        seen = seen || (strcmp(asked.table.cells[i * 10], "goal_missed.g_joint") == 0 &&
                        asked.table.cells[i * 10 + 9] != NULL && strcmp(asked.table.cells[i * 10 + 9], "王某") == 0);
    CU_ASSERT_TRUE(seen);
    asked_free(&asked);
    /* Another person learns who was first and why; the alert of another day leads to today's. */
    struct acking second = {.status = STATUS_BROKEN, .by = "李某"};
    acknowledge(&second);
    CU_ASSERT_STRING_EQUAL(second.asked.message.answer.fault_code, "already_acknowledged");
    CU_ASSERT_PTR_NOT_NULL(strstr(second.asked.message.answer.fault_en, "\"王某\" already (已督办)"));
    asked_free(&second.asked);
    struct acking other_day = {.status = STATUS_BROKEN, .alert = "ack,goal_lagging.g_joint"};
    acknowledge(&other_day);
    CU_ASSERT_STRING_EQUAL(other_day.asked.message.answer.fault_code, "no_such_alert");
    CU_ASSERT_PTR_NOT_NULL(strstr(other_day.asked.message.answer.fault_en, "today this goal has \"goal_missed.g_joint\""));
    asked_free(&other_day.asked);
    CU_ASSERT_EQUAL_FATAL(ask("alerts", "operand", "ack,nothing", &asked), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(asked.message.answer.fault_code, "option_needed");
    asked_free(&asked);
    close_desk();
}

/* Nobody has told the desk of the newest batch yet, but `alerts` lists what follows from it. */
static void what_was_listed_can_be_acknowledged_at_once(void)
{
    struct acking acking = {.status = STATUS_BROKEN};
    open_desk();
    CU_ASSERT_EQUAL(city_feed(&city, "homes,a1,2020-06,2000\n"), 0); /* the joint goal is met */
    const struct desk_note note = {.kind = DESK_COMMITTED, .entry = city.sequence};
    CU_ASSERT_TRUE(zmq_send(writer, &note, sizeof note, 0) > 0);
    write_for(600);
    CU_ASSERT_EQUAL(city_feed(&city, "homes,a1,2020-06,6\n"), 0); /* and missed again */
    CU_ASSERT_EQUAL_FATAL(pthread_create(&acking.thread, NULL, acknowledge, &acking), 0);
    write_while_asked(&acking);
    CU_ASSERT_EQUAL_FATAL(acking.status, STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(acking.asked.table.cell_count, 10);
    CU_ASSERT_STRING_EQUAL(acking.asked.table.cells[2], "open");
    CU_ASSERT_STRING_EQUAL(acking.asked.table.cells[9], "王某");
    asked_free(&acking.asked);
    close_desk();
}

static void nobody_at_the_endpoint_is_told_in_time(void)
{
    const struct ask_target target = {.endpoint = "ipc:///tmp/suanpan-nobody-is-here", .security = SECURITY_NONE};
    const struct wire_question question = {.id = 1, .command = "status"};
    struct asked asked;
    struct fault why = {0};
    CU_ASSERT_EQUAL(ask_aggregator(&target, &question, 300, &asked, &why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(why.message, MESSAGE_ASK_NO_ANSWER);
}

static void a_port_in_use_is_a_fault_at_the_start(void)
{
    struct fault why = {0};
    struct desk *second = NULL;
    void *other = zmq_ctx_new();
    open_desk();
    snprintf(queries, sizeof queries, "ipc://%s/q2", city.folder);
    settings.listen_events = NULL;
    void *pair = zmq_socket(other, ZMQ_PAIR);
    CU_ASSERT_EQUAL(zmq_bind(pair, DESK_ENDPOINT), 0);
    CU_ASSERT_EQUAL(desk_start(other, &settings, city.catalogue, NULL, &second, &why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_HTTP_CANNOT_LISTEN);
    CU_ASSERT_PTR_NULL(second);
    zmq_close(pair);
    zmq_ctx_term(other);
    close_desk();
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(the_page_and_its_files_come_with_headers_that_bind_the_browser),
        SENTENCE(the_api_answers_the_rows_of_the_command_line),
        SENTENCE(head_has_the_length_and_no_body),
        SENTENCE(wrong_requests_get_problems_and_change_nothing),
        SENTENCE(a_host_that_is_not_this_machine_is_refused),
        SENTENCE(garbage_big_heads_and_many_connections_do_not_stop_it),
        SENTENCE(a_client_that_leaves_while_it_waits_harms_nobody),
        SENTENCE(questions_are_answered_and_wrong_ones_get_a_fault),
        SENTENCE(garbage_on_the_question_socket_is_answered_and_survived),
        SENTENCE(changed_figures_and_alerts_are_published_in_order),
        SENTENCE(an_acknowledgement_is_answered_once_it_is_stored),
        SENTENCE(what_was_listed_can_be_acknowledged_at_once),
        SENTENCE(nobody_at_the_endpoint_is_told_in_time),
        SENTENCE(a_port_in_use_is_a_fault_at_the_start),
    };
    signal(SIGPIPE, SIG_IGN);
    return suite_run("http", sentences, ARRAY_LEN(sentences));
}
