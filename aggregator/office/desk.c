/* desk.c - the office thread.
 *
 *   listen.queries ROUTER ──┐                       ┌── PUB listen.events
 *   HTTP thread    ROUTER ──┤  desk: one thread,    │
 *   writer         PAIR   ──┤  one read-only store  ├── PAIR writer: keep this alert
 *                           └───────────────────────┘
 *
 * Questions come first (desk_questions.c); goals are judged a moment after a commit, so that a burst of batches is judged
 * once (desk_alerts.c); figures are published in small parts between questions. What has to be kept goes to the writer and is
 * published, or answered, only after it is stored: nobody hears of what a crash could forget (desk_alerts.c, desk_keeping.c).
 * Here: the thread, its loop and its sockets. */
#include "desk_inside.h"

#include "calendar.h"
#include "clock.h"
#include "limit.h"
#include "link.h"
#include "log.h"
#include "memory.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#define QUESTIONS_AT_ONCE 16
#define JUDGE_AFTER_MS 200   /* after a commit: batches of one file are judged together */
#define IDLE_MS 1000         /* longest sleep: the day may change */
#define PUBLISH_AFTER_MS 300 /* figures are computed a moment after a commit, ... */
#define PUBLISH_PAUSE_MS 100 /* ... and with pauses while batches keep coming: they go first */
#define BUSY_MS 300          /* batches keep coming: the newest is younger than that */
#define EVENTS_AHEAD 100000  /* published messages that may wait for a slow subscriber */
#define NOTES_AHEAD 10000    /* notes that may wait between writer and desk */

/* ---- the loop ------------------------------------------------------------------------------------------------------ */

static void take_notes(struct desk *desk, int64_t now_ms)
{
    struct desk_note note;
    for (size_t i = 0; i < NOTES_AHEAD; i++) {
        if (zmq_recv(desk->writer, &note, sizeof note, ZMQ_DONTWAIT) != (int)sizeof note)
            return;
        switch (note.kind) {
        case DESK_COMMITTED:
            desk->head = note.entry > desk->head ? note.entry : desk->head;
            if (desk->publish_at_ms <= now_ms && now_ms - desk->committed_at_ms >= BUSY_MS)
                desk->publish_at_ms = now_ms + PUBLISH_AFTER_MS;
            desk->committed_at_ms = now_ms;
            if (desk->judge_at_ms == 0)
                desk->judge_at_ms = now_ms + JUDGE_AFTER_MS;
            break;
        case DESK_KEPT_ALERT:
            desk_alert_kept(desk, &note.alert);
            break;
        case DESK_KEPT_PUBLICATION:
            desk_publication_kept(desk, &note.publication, note.entry != 0);
            break;
        case DESK_KEPT_BACKUP:
            desk_backup_kept(desk, &note.backup);
            break;
        case DESK_KEPT_SHEAF:
            announcer_kept(desk->announcer);
            break;
        case DESK_STOP:
            atomic_store(&desk->stop, true);
            break;
        case DESK_KEEP_ALERT:
        case DESK_KEEP_PUBLICATION:
        case DESK_KEEP_BACKUP:
        case DESK_KEEP_SHEAF:
            break; /* ours to send, never to receive */
        }
    }
}

/* Some more of them, in one snapshot. */
static enum status publish_figures(struct desk *desk, int64_t now_ms, struct fault *why)
{
    enum status status = desk_begin(desk, why);
    if (status != STATUS_OK)
        return status;
    status = abacus_follow(desk->office->abacus, UINT64_MAX, why);
    if (status == STATUS_OK)
        status = announcer_work(desk->announcer, desk->office, now_ms, why);
    return desk_end(desk, status, why);
}

static bool publishing_is_due(const struct desk *desk, int64_t now_ms)
{
    return announcer_has_work(desk->announcer, desk->head) && now_ms >= desk->publish_at_ms;
}

static void work(struct desk *desk, int64_t now_ms)
{
    const int32_t today = calendar_local_day(now_ms);
    const bool judging = (desk->judge_at_ms != 0 && now_ms >= desk->judge_at_ms) || today != desk->judged_day;
    struct fault fault = {.message = MESSAGE_NONE};
    enum status status = STATUS_OK;
    if (judging) {
        status = desk_judge(desk, today, now_ms, &fault);
        desk->judge_at_ms = status == STATUS_OK ? 0 : now_ms + IDLE_MS;
        if (today != desk->judged_day)
            announcer_new_day(desk->announcer);
        desk->judged_day = today;
    } else if (publishing_is_due(desk, now_ms)) {
        status = publish_figures(desk, now_ms, &fault);
        if (status != STATUS_OK)
            desk->publish_at_ms = now_ms + IDLE_MS;
        else if (now_ms - desk->committed_at_ms < BUSY_MS)
            desk->publish_at_ms = now_ms + PUBLISH_PAUSE_MS;
    }
    if (status != STATUS_OK) {
        log_fault(LOG_LEVEL_WARN, judging ? "judging_failed" : "publishing_failed", &fault);
        if (status == STATUS_BROKEN)
            desk_close_store(desk);
    }
    desk_log_repairs(desk);
    desk_hand_over_alerts(desk, now_ms);
    desk_hand_over_sheaf(desk);
    desk_expire_keeping(desk, now_ms);
    desk_expire_acks(desk, now_ms);
}

/* Milliseconds to sleep: none while figures wait to be published, else until the next judgement. */
static long sleep_ms(const struct desk *desk, int64_t now_ms)
{
    int64_t next = desk->judge_at_ms != 0 && desk->judge_at_ms < now_ms + IDLE_MS ? desk->judge_at_ms : now_ms + IDLE_MS;
    if (announcer_has_work(desk->announcer, desk->head) && desk->publish_at_ms < next)
        next = desk->publish_at_ms;
    return next <= now_ms ? 0 : (long)(next - now_ms);
}

static void *run(void *context)
{
    struct desk *desk = context;
    while (!atomic_load(&desk->stop)) {
        zmq_pollitem_t items[] = {{desk->queries, 0, ZMQ_POLLIN, 0},
                                  {desk->http_desk, 0, ZMQ_POLLIN, 0},
                                  {desk->writer, 0, ZMQ_POLLIN, 0}};
        const int ready = zmq_poll(items, ARRAY_LEN(items), sleep_ms(desk, clock_ms(CLOCK_REALTIME)));
        if (ready < 0 && errno == ETERM)
            break;
        const int64_t now_ms = clock_ms(CLOCK_REALTIME);
        take_notes(desk, now_ms);
        for (size_t i = 0; i < QUESTIONS_AT_ONCE; i++) {
            const bool asked = desk_serve_one(desk, desk->queries, now_ms), clicked = desk_serve_one(desk, desk->http_desk, now_ms);
            if (!asked && !clicked)
                break;
        }
        work(desk, now_ms);
    }
    return NULL;
}

/* ---- start and stop ------------------------------------------------------------------------------------------------ */

static enum status refuse_socket(struct fault *why, const char *endpoint)
{
    fault_set(why, MESSAGE_ASK_SOCKET, endpoint, zmq_strerror(errno), NULL);
    return STATUS_REFUSED;
}

static enum status bind_public(void *context, int type, const char *domain, const char *endpoint, const struct desk *desk,
                               const struct secret_key *key, void **ret_socket, struct fault *why)
{
    const int ahead = EVENTS_AHEAD;
    enum status status;
    *ret_socket = zmq_socket(context, type);
    if (*ret_socket == NULL)
        return refuse_socket(why, endpoint);
    status = link_serve(*ret_socket, domain, key, desk->settings->security, endpoint, LIMIT_QUESTION_BYTES, why);
    if (status != STATUS_OK)
        return status;
    if ((type == ZMQ_PUB && zmq_setsockopt(*ret_socket, ZMQ_SNDHWM, &ahead, sizeof ahead) != 0) ||
        zmq_bind(*ret_socket, endpoint) != 0)
        return refuse_socket(why, endpoint);
    if (strncmp(endpoint, "ipc://", 6) == 0)
        (void)chmod(endpoint + 6, S_IRUSR | S_IWUSR); /* only the account that runs the aggregator asks here */
    return STATUS_OK;
}

static enum status open_inside(void *context, int type, const char *endpoint, bool bind, void **ret_socket,
                               struct fault *why)
{
    const int linger = 0, ahead = NOTES_AHEAD;
    *ret_socket = zmq_socket(context, type);
    if (*ret_socket == NULL || zmq_setsockopt(*ret_socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_setsockopt(*ret_socket, ZMQ_SNDHWM, &ahead, sizeof ahead) != 0 ||
        zmq_setsockopt(*ret_socket, ZMQ_RCVHWM, &ahead, sizeof ahead) != 0 ||
        (bind ? zmq_bind(*ret_socket, endpoint) : zmq_connect(*ret_socket, endpoint)) != 0)
        return refuse_socket(why, endpoint);
    return STATUS_OK;
}

static enum status open_sockets(void *context, struct desk *desk, const struct secret_key *key, struct fault *why)
{
    const struct aggregator_settings *settings = desk->settings;
    enum status status = open_inside(context, ZMQ_PAIR, DESK_ENDPOINT, false, &desk->writer, why);
    if (status == STATUS_OK)
        status = open_inside(context, ZMQ_ROUTER, HTTP_DESK_ENDPOINT, true, &desk->http_desk, why);
    if (status == STATUS_OK)
        status = bind_public(context, ZMQ_ROUTER, "queries", settings->listen_queries, desk, key, &desk->queries, why);
    if (status == STATUS_OK && settings->listen_events != NULL)
        status = bind_public(context, ZMQ_PUB, "events", settings->listen_events, desk, key, &desk->events, why);
    return status;
}

enum status desk_start(void *zmq_context, const struct aggregator_settings *settings, const struct catalogue *catalogue,
                       const struct secret_key *key, struct desk **ret_desk, struct fault *why)
{
    struct desk *desk = memory_new(struct desk);
    enum status status;
    desk->settings = settings;
    desk->catalogue = catalogue;
    desk->key = key;
    desk->judged_day = INT32_MIN;
    desk->judge_at_ms = clock_ms(CLOCK_REALTIME); /* the days while nothing ran are judged at once */
    status = open_sockets(zmq_context, desk, key, why);
    if (status == STATUS_OK)
        status = desk_open_store(desk, why);
    if (status == STATUS_OK)
        status = store_head(desk->store, &desk->head, NULL, NULL, why);
    if (status == STATUS_OK)
        desk->announcer = announcer_new(catalogue, desk->events, clock_ms(CLOCK_REALTIME));
    if (status == STATUS_OK && settings->listen_http != NULL)
        status = http_start(zmq_context, settings->listen_http, &desk->http, why);
    if (status == STATUS_OK) {
        desk->thread_runs = thread_start(&desk->thread, run, desk);
        if (!desk->thread_runs)
            status = refuse_socket(why, "pthread");
    }
    if (status != STATUS_OK) {
        desk_stop(&desk);
        return status;
    }
    *ret_desk = desk;
    return STATUS_OK;
}

void desk_stop(struct desk **desk)
{
    if (desk == NULL || *desk == NULL)
        return;
    struct desk *stopped = *desk;
    void *const sockets[] = {stopped->events, stopped->queries, stopped->http_desk, stopped->writer};
    atomic_store(&stopped->stop, true);
    if (stopped->thread_runs)
        (void)pthread_join(stopped->thread, NULL);
    http_stop(&stopped->http);
    announcer_free(&stopped->announcer);
    desk_close_store(stopped);
    for (size_t i = 0; i < ARRAY_LEN(sockets); i++)
        if (sockets[i] != NULL)
            (void)zmq_close(sockets[i]);
    free(stopped->alerts);
    free(stopped);
    *desk = NULL;
}
