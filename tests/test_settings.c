#include "settings.h"

#include "vector.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *write_settings(const char *name, const char *text)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    (void)fwrite(text, 1, strlen(text), file);
    (void)fclose(file);
    return path;
}

static char *in_folder(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

#define COLLECTOR_TOP "agent: liyang\ncatalogue: changzhou-2020\naggregator: tcp://127.0.0.1:7420\n" \
                      "key: keys/liyang.key\naggregator_key: keys/aggregator.pub\noutbox: data/liyang\n"
#define COLLECTOR COLLECTOR_TOP "sources:\n  - kind: report\n    inbox: inbox/liyang\n"
#define AGGREGATOR_TOP "catalogue: changzhou-2020\nstore: sqlite:data/suanpan.db\nagents: agents.csv\n" \
                       "key: keys/aggregator.key\n"
#define AGGREGATOR AGGREGATOR_TOP "listen:\n  collectors: tcp://127.0.0.1:7420\n  queries: ipc://data/query.sock\n" \
                   "  events: tcp://127.0.0.1:7421\n  http: 127.0.0.1:7480\n"

static void the_collector_of_the_contract_is_read(void)
{
    struct collector_settings settings;
    CU_ASSERT_FATAL(collector_settings_load(write_settings("c.yaml", COLLECTOR), &settings, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(settings.file, in_folder("c.yaml"));
    CU_ASSERT_STRING_EQUAL(settings.agent, "liyang");
    CU_ASSERT_STRING_EQUAL(settings.catalogue, in_folder("changzhou-2020"));
    CU_ASSERT_STRING_EQUAL(settings.aggregator, "tcp://127.0.0.1:7420");
    CU_ASSERT_STRING_EQUAL(settings.key, in_folder("keys/liyang.key"));
    CU_ASSERT_STRING_EQUAL(settings.outbox, in_folder("data/liyang"));
    CU_ASSERT_EQUAL(settings.security, SECURITY_CURVE);
    CU_ASSERT_EQUAL_FATAL(settings.source_count, 1);
    CU_ASSERT_STRING_EQUAL(settings.sources[0].inbox, in_folder("inbox/liyang"));
    CU_ASSERT_PTR_NULL(settings.sources[0].period);
    CU_ASSERT_EQUAL(settings.sources[0].encoding, TEXT_AUTO);
    CU_ASSERT_EQUAL(settings.sources[0].settle_seconds, 2);
    CU_ASSERT_EQUAL(settings.keep_days, 7);
    CU_ASSERT_EQUAL(settings.quota_mib, 1024);
    CU_ASSERT_EQUAL(settings.ballast_mib, 32);
    collector_settings_free(&settings);
    collector_settings_free(&settings);
}

static void the_aggregator_of_the_contract_is_read(void)
{
    struct aggregator_settings settings;
    char wanted[256];
    CU_ASSERT_FATAL(aggregator_settings_load(write_settings("a.yaml", AGGREGATOR), &settings, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(settings.store_path, in_folder("data/suanpan.db"));
    (void)snprintf(wanted, sizeof wanted, "sqlite:%s/data/suanpan.db", folder);
    CU_ASSERT_STRING_EQUAL(settings.store, wanted);
    (void)snprintf(wanted, sizeof wanted, "ipc://%s/data/query.sock", folder);
    CU_ASSERT_STRING_EQUAL(settings.listen_queries, wanted);
    CU_ASSERT_STRING_EQUAL(settings.listen_http, "127.0.0.1:7480");
    CU_ASSERT_EQUAL(settings.memory_mib, 256);
    aggregator_settings_free(&settings);
}

static void what_may_be_absent_may_be_absent(void)
{
    struct aggregator_settings settings;
    const char *text = AGGREGATOR_TOP "memory_mib: 64\nsecurity: none\n"
                                      "listen:\n  collectors: ipc://in.sock\n  queries: ipc:///tmp/q.sock\n";
    CU_ASSERT_FATAL(aggregator_settings_load(write_settings("a.yaml", text), &settings, NULL) == STATUS_OK);
    CU_ASSERT_PTR_NULL(settings.listen_events);
    CU_ASSERT_PTR_NULL(settings.listen_http);
    CU_ASSERT_STRING_EQUAL(settings.listen_queries, "ipc:///tmp/q.sock");
    CU_ASSERT_EQUAL(settings.security, SECURITY_NONE);
    CU_ASSERT_EQUAL(settings.memory_mib, 64);
    aggregator_settings_free(&settings);
}

static void how_long_and_how_much_an_outbox_keeps_is_read(void)
{
    struct collector_settings settings;
    CU_ASSERT_FATAL(collector_settings_load(write_settings("c.yaml", COLLECTOR "keep_days: 0\nquota_mib: 1048576\n"
                                                                               "ballast_mib: 0\n"),
                                            &settings, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(settings.keep_days, 0);
    CU_ASSERT_EQUAL(settings.quota_mib, 1048576);
    CU_ASSERT_EQUAL(settings.ballast_mib, 0);
    collector_settings_free(&settings);
}

static void a_source_tells_period_encoding_and_patience(void)
{
    struct collector_settings settings;
    char whole[1024]; /* saved with a byte order mark */
    (void)snprintf(whole, sizeof whole, "\xEF\xBB\xBF# 溧阳\n%s", COLLECTOR_TOP
                   "security: curve\nsources:\n- kind: report\n  inbox: /srv/one\n  period: 2020-03\n  encoding: gb18030\n"
                   "  settle_seconds: 30\n- {kind: report, inbox: ./two}\n");
    CU_ASSERT_FATAL(collector_settings_load(write_settings("c.yaml", whole), &settings, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(settings.source_count, 2);
    CU_ASSERT_STRING_EQUAL(settings.sources[0].inbox, "/srv/one");
    CU_ASSERT_STRING_EQUAL(settings.sources[0].period, "2020-03");
    CU_ASSERT_EQUAL(settings.sources[0].encoding, TEXT_GB18030);
    CU_ASSERT_EQUAL(settings.sources[0].settle_seconds, 30);
    CU_ASSERT_STRING_EQUAL(settings.sources[1].inbox, in_folder("two"));
    collector_settings_free(&settings);
}

/* What is refused: message, line, key. */
struct refusal {
    const char *text;
    enum message message;
    int64_t row;
    const char *key;
};

static void check(const struct refusal *refusal, enum status status, const struct fault *why, const char *path)
{
    const bool good = status == STATUS_REFUSED && why->message == refusal->message && why->row == refusal->row &&
                      strcmp(why->column, refusal->key) == 0 && strcmp(why->file, path) == 0;
    if (!good) {
        char sentence[1024];
        fault_format(why, LANGUAGE_EN, sentence, sizeof sentence);
        printf("\n--- expected %s at %lld %s, got: %s\n%s\n", message_code(refusal->message), (long long)refusal->row,
               refusal->key, sentence, refusal->text);
    }
    CU_ASSERT(good);
}

static void bad_collector_settings_are_refused_by_line_and_key(void)
{
    static const struct refusal refusals[] = {
        {"", MESSAGE_SETTING_NOTHING, 1, ""},
        {"# nothing\n", MESSAGE_SETTING_NOTHING, 1, ""},
        {"colour: red\n" COLLECTOR, MESSAGE_SETTING_UNKNOWN, 1, "colour"},
        {COLLECTOR "colour: red\n", MESSAGE_SETTING_UNKNOWN, 10, "colour"},
        {COLLECTOR "    inbx: x\n", MESSAGE_SETTING_UNKNOWN, 10, "inbx"},
        {COLLECTOR_TOP "sources:\n  - knd: report\n    inbox: a\n", MESSAGE_SETTING_UNKNOWN, 8, "knd"},
        {COLLECTOR_TOP, MESSAGE_SETTING_MISSING, 6, "sources"},
        {COLLECTOR_TOP "sources:\n  - kind: report\n", MESSAGE_SETTING_MISSING, 8, "inbox"},
        {COLLECTOR_TOP "sources: []\n", MESSAGE_SETTING_EMPTY, 7, "sources"},
        {COLLECTOR_TOP "sources: inbox\n", MESSAGE_SETTING_TYPE, 7, "sources"},
        {"agent: [a, b]\n", MESSAGE_SETTING_TYPE, 1, "agent"},
        {"agent:\n", MESSAGE_SETTING_EMPTY, 1, "agent"},
        {COLLECTOR "agent: again\n", MESSAGE_SETTING_TWICE, 10, "agent"},
        {COLLECTOR "security: off\n", MESSAGE_SETTING_SECURITY, 10, "security"},
        {COLLECTOR "    settle_seconds: 3x\n", MESSAGE_SETTING_NUMBER, 10, "settle_seconds"},
        {COLLECTOR "    settle_seconds: -1\n", MESSAGE_SETTING_NUMBER, 10, "settle_seconds"},
        {COLLECTOR "keep_days: 36501\n", MESSAGE_SETTING_NUMBER, 10, "keep_days"},
        {COLLECTOR "keep_days: a week\n", MESSAGE_SETTING_NUMBER, 10, "keep_days"},
        {COLLECTOR "quota_mib: 0\n", MESSAGE_SETTING_NUMBER, 10, "quota_mib"},
        {COLLECTOR "ballast_mib: 1025\n", MESSAGE_SETTING_NUMBER, 10, "ballast_mib"},
        {COLLECTOR "    encoding: big5\n", MESSAGE_SETTING_ENCODING, 10, "encoding"},
        {COLLECTOR "    period: March\n", MESSAGE_BAD_PERIOD, 10, "period"},
        {COLLECTOR "  - kind: odbc\n    inbox: b\n", MESSAGE_SETTING_KIND, 10, "kind"},
        {COLLECTOR "  - kind: report\n    inbox: ./inbox/liyang\n", MESSAGE_SETTING_SAME_INBOX, 11, "inbox"},
        {COLLECTOR "---\nagent: b\n", MESSAGE_SETTING_SYNTAX, 10, ""},
        {COLLECTOR_TOP "sources:\n  - kind: report\n\t\tinbox: a\n", MESSAGE_SETTING_TAB, 9, ""},
        {"agent: a\n  catalogue: b\n", MESSAGE_SETTING_SYNTAX, 2, ""},
        {"agent: a\ncatalogue: @b\n", MESSAGE_SETTING_SYNTAX, 2, ""},
        {"agent: a\ncatalogue: caf\xE9\n", MESSAGE_UNKNOWN_ENCODING, 2, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct collector_settings settings = {.file = "untouched"};
        struct fault why = {0};
        const char *path = write_settings("bad.yaml", refusals[i].text);
        const enum status status = collector_settings_load(path, &settings, &why);
        check(&refusals[i], status, &why, path);
        CU_ASSERT_STRING_EQUAL(settings.file, "untouched");
    }
}

static void bad_aggregator_settings_are_refused_by_line_and_key(void)
{
    static const struct refusal refusals[] = {
        {AGGREGATOR "  htp: 127.0.0.1:1\n", MESSAGE_SETTING_UNKNOWN, 10, "htp"},
        {AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n", MESSAGE_SETTING_MISSING, 6, "queries"},
        {AGGREGATOR_TOP "listen:\n  collectors: 7420\n  queries: ipc://q\n", MESSAGE_SETTING_ENDPOINT, 6, "collectors"},
        {AGGREGATOR_TOP "listen:\n  collectors: udp://127.0.0.1:7420\n  queries: ipc://q\n", MESSAGE_SETTING_ENDPOINT, 6,
         "collectors"},
        {AGGREGATOR_TOP "listen:\n  collectors: tcp://127.0.0.1:0\n  queries: ipc://q\n", MESSAGE_SETTING_ENDPOINT, 6,
         "collectors"},
        {AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n  queries: tcp://127.0.0.1:99999\n", MESSAGE_SETTING_ENDPOINT, 7,
         "queries"},
        {"security: none\n" AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n  queries: tcp://0.0.0.0:7\n",
         MESSAGE_PLAIN_ENDPOINT, 8, "queries"},
        {AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n  queries: ipc://q\n  http: 0.0.0.0:80\n",
         MESSAGE_SETTING_HTTP_OPEN, 8, "http"},
        {AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n  queries: ipc://q\n  http: localhost\n", MESSAGE_SETTING_HTTP, 8,
         "http"},
        {AGGREGATOR "memory_mib: 12x\n", MESSAGE_SETTING_NUMBER, 10, "memory_mib"},
        {AGGREGATOR "memory_mib: 0\n", MESSAGE_SETTING_NUMBER, 10, "memory_mib"},
        {"catalogue: c\nstore: postgres://x\nagents: a\nkey: k\nlisten:\n  collectors: ipc://c\n  queries: ipc://q\n",
         MESSAGE_SETTING_STORE, 2, "store"},
        {"catalogue: ~\nstore: sqlite:x\nagents: a\nkey: k\nlisten:\n  collectors: ipc://c\n  queries: ipc://q\n",
         MESSAGE_SETTING_EMPTY, 1, "catalogue"},
        {AGGREGATOR_TOP "listen:\n  collectors: &a ipc://c\n  queries: *a\n", MESSAGE_SETTING_SYNTAX, 7, "queries"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct aggregator_settings settings = {.file = "untouched"};
        struct fault why = {0};
        const char *path = write_settings("bad.yaml", refusals[i].text);
        const enum status status = aggregator_settings_load(path, &settings, &why);
        check(&refusals[i], status, &why, path);
        CU_ASSERT_STRING_EQUAL(settings.file, "untouched");
    }
}

static void a_socket_path_beyond_the_system_limit_is_refused(void)
{
    struct aggregator_settings settings;
    struct fault why = {0};
    char text[1024], name[128];
    memset(name, 'q', sizeof name);
    name[sizeof name - 1] = '\0';
    (void)snprintf(text, sizeof text, AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n  queries: ipc://%s\n", name);
    CU_ASSERT(aggregator_settings_load(write_settings("a.yaml", text), &settings, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_SETTING_SOCKET_PATH);
    CU_ASSERT_EQUAL(why.row, 7);
    name[107 - strlen(folder) - 1] = '\0'; /* folder/name is exactly 107 bytes */
    (void)snprintf(text, sizeof text, AGGREGATOR_TOP "listen:\n  collectors: ipc://c\n  queries: ipc://%s\n", name);
    CU_ASSERT_FATAL(aggregator_settings_load(write_settings("a.yaml", text), &settings, &why) == STATUS_OK);
    aggregator_settings_free(&settings);
}

static void a_file_that_is_not_there_is_named(void)
{
    struct collector_settings settings;
    struct fault why = {0};
    CU_ASSERT(collector_settings_load("/nonexistent/c.yaml", &settings, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_CANNOT_READ);
    CU_ASSERT(collector_settings_load(folder, &settings, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_CANNOT_READ);
    CU_ASSERT(collector_settings_load("/dev/zero", &settings, NULL) == STATUS_REFUSED);
}

static void only_this_machine_is_loopback(void)
{
    static const char *const near[] = {"ipc://x", "inproc://x", "tcp://127.0.0.1:7420", "tcp://127.255.1.2:1",
                                       "tcp://[::1]:7", "tcp://localhost:7420", "tcp://127.0.0.1:*"};
    static const char *const far[] = {"tcp://0.0.0.0:1", "tcp://*:7420", "tcp://10.0.0.1:7420", "tcp://127.0.0.1.evil.cn:1",
                                      "tcp://127.evil.cn:1", "tcp://127.0.0:1", "tcp://127.0.0.256:1", "tcp://localhost",
                                      "tcp://localhost.cn:1", "tcp://127.0.0.1:0;10.0.0.1:7420", "udp://127.0.0.1:1",
                                      "tcp://[::]:1", "", "127.0.0.1:1"};
    for (size_t i = 0; i < ARRAY_LEN(near); i++)
        CU_ASSERT(settings_is_loopback(near[i]));
    for (size_t i = 0; i < ARRAY_LEN(far); i++)
        CU_ASSERT(!settings_is_loopback(far[i]));
}

static void a_store_is_sqlite_and_a_path(void)
{
    char *path = NULL, here[PATH_MAX], wanted[PATH_MAX + 16];
    CU_ASSERT_FATAL(getcwd(here, sizeof here) != NULL);
    (void)snprintf(wanted, sizeof wanted, "%s/data/x.db", here);
    CU_ASSERT_FATAL(settings_store_path("sqlite:data/x.db", &path, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(path, wanted);
    free(path);
    CU_ASSERT_FATAL(settings_store_path("sqlite:/var/x.db", &path, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(path, "/var/x.db");
    free(path);
    CU_ASSERT(settings_store_path("postgres://x", &path, NULL) == STATUS_REFUSED);
    CU_ASSERT(settings_store_path("sqlite:", &path, NULL) == STATUS_REFUSED);
}

/* Any single changed byte is read or refused, never a crash. */
static void a_changed_byte_never_breaks_the_reader(void)
{
    char text[] = AGGREGATOR;
    random_start();
    for (int round = 0; round < 1500; round++) {
        struct aggregator_settings settings;
        const size_t at = (size_t)random_below(sizeof text - 1);
        const char was = text[at];
        text[at] = (char)(1 + random_below(255));
        const enum status status = aggregator_settings_load(write_settings("m.yaml", text), &settings, NULL);
        CU_ASSERT(status == STATUS_OK || status == STATUS_REFUSED);
        if (status == STATUS_OK)
            aggregator_settings_free(&settings);
        text[at] = was;
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(the_collector_of_the_contract_is_read),
        SENTENCE(the_aggregator_of_the_contract_is_read),
        SENTENCE(what_may_be_absent_may_be_absent),
        SENTENCE(how_long_and_how_much_an_outbox_keeps_is_read),
        SENTENCE(a_source_tells_period_encoding_and_patience),
        SENTENCE(bad_collector_settings_are_refused_by_line_and_key),
        SENTENCE(bad_aggregator_settings_are_refused_by_line_and_key),
        SENTENCE(a_socket_path_beyond_the_system_limit_is_refused),
        SENTENCE(a_file_that_is_not_there_is_named),
        SENTENCE(only_this_machine_is_loopback),
        SENTENCE(a_store_is_sqlite_and_a_path),
        SENTENCE(a_changed_byte_never_breaks_the_reader),
    };
    (void)snprintf(folder, sizeof folder, "/tmp/suanpan-settings-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    const int result = suite_run("settings", sentences, ARRAY_LEN(sentences));
    static const char *const left[] = {"a.yaml", "c.yaml", "bad.yaml", "m.yaml"};
    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        (void)unlink(in_folder(left[i]));
    (void)rmdir(folder);
    return result;
}
