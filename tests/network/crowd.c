/* crowd.c - many agents in one process, each with its key, its outbox and the collectors' own publisher.
 *
 *   network-crowd prepare COUNT FOLDER            keys of a1000, a1001 ... and rows of agents.csv (to stdout)
 *   network-crowd run COUNT FOLDER CATALOGUE ENDPOINT AGGREGATOR.pub
 *
 * run: in each round every agent takes one file of one figure and waits until everybody's is acknowledged. It says
 * `round N` when the files are there and goes on at a line on standard input, so that a script can kill the aggregator in
 * between; `acknowledged N after M ms` counts from that line. The end of the input ends it. */
#include "crowd.h"

#include "outbox.h"
#include "publisher.h"
#include "settings.h"

struct agent_end {
    char name[16];
    struct collector_settings settings;
    struct secret_key key;
    struct outbox *outbox;
    struct publisher *publisher;
};

static struct agent_end *ends;
static size_t count;

static int64_t now(void)
{
    return clock_ms(CLOCK_REALTIME);
}

static int prepare(const char *folder)
{
    struct fault why = {0};
    for (size_t i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "a%zu", CROWD_FIRST + i);
        peer_must(keys_generate(folder, name, NULL, &why), &why, "keys_generate");
        printf("%s,C,%s/%s.pub,active\n", name, folder, name);
    }
    return EXIT_SUCCESS;
}

static void open_end(struct agent_end *end, size_t i, void *context, const char *folder, const char *endpoint,
                     const struct public_key *server, const struct catalogue *catalogue)
{
    struct fault why = {0};
    char path[512];
    (void)snprintf(end->name, sizeof end->name, "a%zu", CROWD_FIRST + i);
    end->settings = (struct collector_settings){.agent = end->name, .aggregator = endpoint};
    (void)snprintf(path, sizeof path, "%s/%s.key", folder, end->name);
    peer_must(keys_load_secret(path, &end->key, &why), &why, path);
    (void)snprintf(path, sizeof path, "%s/outbox-%s", folder, end->name);
    peer_must(outbox_open(path, end->name, end->key.sign, &end->outbox, &why), &why, path);
    peer_must(publisher_open(context, &end->settings, &end->key, server, catalogue->hash, end->outbox, now(),
                             &end->publisher, &why), &why, "publisher_open");
}

static void take(struct agent_end *end, size_t i, int round, const struct catalogue *catalogue)
{
    struct fault why = {0};
    struct submission submission = {.file = "crowd.csv", .source = "report", .parts = 1};
    struct record record = {.value = 1, .line = 2, .reported_at = INT64_MIN, .reason = ""};
    const size_t cell = (size_t)round * count + i;
    char period[16];
    (void)snprintf(period, sizeof period, "%04zu-%02zu", 2000 + cell / 12 % 7000, 1 + cell % 12);
    peer_must(period_parse(period, &record.period, &why), &why, period);
    record.element = catalogue_element(catalogue, "homes");
    record.unit = catalogue_unit(catalogue, "a1");
    seal_random(submission.hash, sizeof submission.hash);
    memcpy(submission.catalogue_hash, catalogue->hash, sizeof submission.catalogue_hash);
    peer_must(outbox_take(end->outbox, catalogue, &submission, &record, 1, "", &why), &why, "outbox_take");
}

static void work(struct agent_end *end)
{
    const struct publisher_refusal *refusals;
    struct fault why = {0};
    const enum status status = publisher_work(end->publisher, now(), &why);
    if (status != STATUS_OK && status != STATUS_AGAIN)
        peer_must(status, &why, "publisher_work");
    if (publisher_refusals(end->publisher, &refusals) != 0)
        peer_fail("%s: a row was refused", end->name);
}

/* As in the collector's own loop an agent works when it hears something or is due; in a thousand processes the system would
 * wake those alone. */
static void work_until_drained(int64_t until)
{
    zmq_pollitem_t *items = memory_array(count, sizeof *items);
    size_t drained = 0;
    for (size_t i = 0; i < count; i++) {
        items[i] = (zmq_pollitem_t){.socket = publisher_socket(ends[i].publisher), .events = ZMQ_POLLIN};
        work(&ends[i]); /* takes note of the new file */
    }
    while (drained < count) {
        if (peer_steady() > until)
            peer_fail("only %zu of %zu agents were acknowledged", drained, count);
        (void)zmq_poll(items, (int)count, CROWD_POLL_MS);
        drained = 0;
        for (size_t i = 0; i < count; i++) {
            if (items[i].revents != 0 || now() >= publisher_due(ends[i].publisher))
                work(&ends[i]);
            drained += publisher_is_drained(ends[i].publisher);
        }
    }
    free(items);
}

static int run(char *argv[])
{
    struct fault why = {0};
    struct public_key server;
    struct catalogue *catalogue = peer_catalogue(argv[4]);
    void *context = crowd_context();
    peer_must(keys_load_public(argv[6], &server, &why), &why, argv[6]);
    ends = memory_array(count, sizeof *ends);
    for (size_t i = 0; i < count; i++)
        open_end(&ends[i], i, context, argv[3], argv[5], &server, catalogue);
    for (int round = 0;; round++) {
        for (size_t i = 0; i < count; i++)
            take(&ends[i], i, round, catalogue);
        if (!crowd_goes_on(round))
            break;
        const int64_t started = peer_steady();
        work_until_drained(started + CROWD_PATIENCE_MS);
        crowd_tell(count, started);
    }
    for (size_t i = 0; i < count; i++) {
        publisher_close(&ends[i].publisher);
        outbox_close(&ends[i].outbox);
        keys_forget(&ends[i].key);
    }
    zmq_ctx_term(context);
    free(ends);
    catalogue_free(&catalogue);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    if (seal_start() == STATUS_OK && argc >= 4)
        count = (size_t)atoi(argv[2]);
    if (count > 0 && argc == 4 && strcmp(argv[1], "prepare") == 0)
        return prepare(argv[3]);
    if (count > 0 && argc == 7 && strcmp(argv[1], "run") == 0)
        return run(argv);
    fputs("usage: network-crowd prepare COUNT FOLDER\n"
          "       network-crowd run COUNT FOLDER CATALOGUE ENDPOINT AGGREGATOR.pub\n", stderr);
    return EXIT_FAILURE;
}
