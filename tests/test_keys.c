#include "keys.h"

#include "link.h"
#include "period.h"
#include "vector.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static char folder[64];

static const char *in_folder(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_LEN(paths)];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_text(const char *name, const char *text, mode_t mode)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    (void)fwrite(text, 1, strlen(text), file);
    (void)fclose(file);
    CU_ASSERT_FATAL(chmod(path, mode) == 0);
    return path;
}

static mode_t mode_of(const char *path)
{
    struct stat about = {0};
    CU_ASSERT(stat(path, &about) == 0);
    return about.st_mode & 07777;
}

static void make(const char *name)
{
    struct fault why = {0};
    CU_ASSERT_FATAL(keys_generate(in_folder("keys"), name, NULL, &why) == STATUS_OK);
}

static void a_new_pair_loads_and_belongs_together(void)
{
    struct secret_key secret;
    struct public_key public_key;
    char fingerprint[33];
    unsigned char digest[SEAL_HASH] = {7}, signature[SEAL_SIGNATURE];
    const mode_t mask = umask(0077); /* whatever the umask, the public half can be read */
    CU_ASSERT_FATAL(keys_generate(in_folder("keys"), "liyang", fingerprint, NULL) == STATUS_OK);
    umask(mask);
    CU_ASSERT_EQUAL(strlen(fingerprint), 32);
    CU_ASSERT_EQUAL(mode_of(in_folder("keys")), 0700);
    CU_ASSERT_EQUAL(mode_of(in_folder("keys/liyang.key")), 0600);
    CU_ASSERT_EQUAL(mode_of(in_folder("keys/liyang.pub")), 0644);
    CU_ASSERT_FATAL(keys_load_secret(in_folder("keys/liyang.key"), &secret, NULL) == STATUS_OK);
    CU_ASSERT_FATAL(keys_load_public(in_folder("keys/liyang.pub"), &public_key, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(public_key.name, "liyang");
    CU_ASSERT_STRING_EQUAL(secret.public_key.curve, public_key.curve);
    CU_ASSERT(memcmp(secret.public_key.sign, public_key.sign, SEAL_PUBLIC) == 0);
    seal_sign(digest, secret.sign, signature);
    CU_ASSERT(seal_verify(digest, signature, public_key.sign));
    keys_forget(&secret);
    const unsigned char nothing[SEAL_SECRET] = {0};
    CU_ASSERT(memcmp(secret.sign, nothing, SEAL_SECRET) == 0 && secret.curve[0] == '\0');
}

static void a_key_is_never_overwritten(void)
{
    struct fault why = {0};
    make("once");
    char *before = vector_file(in_folder("keys/once.key"));
    CU_ASSERT(keys_generate(in_folder("keys"), "once", NULL, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_KEY_EXISTS);
    CU_ASSERT(unlink(in_folder("keys/once.key")) == 0); /* a lone .pub bars it as well, and no .key is left behind */
    CU_ASSERT(keys_generate(in_folder("keys"), "once", NULL, &why) == STATUS_REFUSED);
    CU_ASSERT(access(in_folder("keys/once.key"), F_OK) != 0);
    CU_ASSERT(strstr(before, "suanpan secret key 1") == before);
    free(before);
}

static void a_name_is_one_plain_word(void)
{
    static const char *const bad[] = {"", ".hidden", "-option", "a/b", "../up", "a b", "a\nb", "a:b", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct fault why = {0};
        CU_ASSERT(keys_generate(in_folder("keys"), bad[i], NULL, &why) == STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, MESSAGE_BAD_KEY_NAME);
    }
    make("溧阳市");
    make("city-1.2_b");
}

static void a_secret_that_others_can_read_is_refused(void)
{
    struct secret_key key;
    make("open");
    for (unsigned bit = 0; bit < 6; bit++) {
        struct fault why = {0};
        char text[512];
        CU_ASSERT(chmod(in_folder("keys/open.key"), 0600 | 1u << bit) == 0);
        CU_ASSERT(keys_load_secret(in_folder("keys/open.key"), &key, &why) == STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, MESSAGE_KEY_EXPOSED);
        fault_sentence(&why, LANGUAGE_EN, text, sizeof text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "chmod 600"));
    }
    CU_ASSERT(chmod(in_folder("keys/open.key"), 0400) == 0);
    CU_ASSERT(keys_load_secret(in_folder("keys/open.key"), &key, NULL) == STATUS_OK);
    keys_forget(&key);
}

static void a_secret_of_another_user_is_refused(void)
{
    struct secret_key key;
    struct fault why = {0};
    if (geteuid() != 0)
        return; /* only root can give a file away */
    make("given");
    CU_ASSERT(chown(in_folder("keys/given.key"), 65534, 65534) == 0);
    CU_ASSERT(keys_load_secret(in_folder("keys/given.key"), &key, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_KEY_OF_ANOTHER);
}

static void damaged_key_files_are_refused(void)
{
    struct secret_key secret;
    struct public_key public_key;
    struct fault why = {0};
    make("whole");
    char *text = vector_file(in_folder("keys/whole.key"));
    const size_t length = strlen(text);
    for (size_t cut = 0; cut + 1 < length; cut += 3) { /* the last byte is a line end that may be missing */
        const char was = text[cut];
        text[cut] = '\0';
        CU_ASSERT(keys_load_secret(write_text("cut.key", text, 0600), &secret, &why) == STATUS_REFUSED);
        text[cut] = was;
    }
    char *digit = strstr(text, "sign: ") + 6;
    *digit = *digit == '0' ? '1' : '0'; /* seed and public half no longer match */
    CU_ASSERT(keys_load_secret(write_text("cut.key", text, 0600), &secret, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_BAD_KEY_FILE);
    CU_ASSERT(keys_load_public(in_folder("keys/whole.key"), &public_key, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_BAD_KEY_FILE);
    CU_ASSERT(chmod(in_folder("keys/whole.pub"), 0600) == 0);
    CU_ASSERT(keys_load_secret(in_folder("keys/whole.pub"), &secret, &why) == STATUS_REFUSED);
    CU_ASSERT(keys_load_secret(in_folder("keys/absent.key"), &secret, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_CANNOT_READ);
    CU_ASSERT(keys_load_secret(folder, &secret, &why) == STATUS_REFUSED);
    (void)unlink(in_folder("cut.key"));
    free(text);
}

static void a_public_key_may_come_back_with_crlf(void)
{
    struct public_key public_key;
    char changed[1024];
    size_t at = 0;
    make("mailed");
    char *text = vector_file(in_folder("keys/mailed.pub"));
    for (const char *c = text; *c != '\0' && at + 2 < sizeof changed; c++) {
        if (*c == '\n')
            changed[at++] = '\r';
        changed[at++] = *c;
    }
    changed[at] = '\0';
    CU_ASSERT(keys_load_public(write_text("crlf.pub", changed, 0644), &public_key, NULL) == STATUS_OK);
    CU_ASSERT_STRING_EQUAL(public_key.name, "mailed");
    (void)unlink(in_folder("crlf.pub"));
    free(text);
}

/* ---- agents.csv -------------------------------------------------------------------------------------------------------- */

static void agents_are_read_with_their_keys(void)
{
    struct agent *agents = NULL;
    size_t count = 0;
    make("a1");
    make("a2");
    make("b1");
    const char *file = write_text("agents.csv",
                                  "\xEF\xBB\xBFstatus,agent,note,scope,pub\r\nactive,liyang,\"new, since May\",320481,keys/a2.pub\r\n"
                                  "revoked,liyang,old,320481,keys/a1.pub\r\n\r\nactive,city,,320400,./keys/b1.pub\r\n", 0644);
    struct fault why = {0};
    CU_ASSERT_FATAL(agents_load(file, &agents, &count, &why) == STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(agents[0].code, "liyang");
    CU_ASSERT_STRING_EQUAL(agents[0].scope, "320481");
    CU_ASSERT_EQUAL(agents[0].status, AGENT_ACTIVE);
    CU_ASSERT_EQUAL(agents[1].status, AGENT_REVOKED);
    CU_ASSERT_STRING_EQUAL(agents[2].key.name, "b1");
    free(agents);
}

/* What is left in force of t1 (liyang), t2 (liyang's second) and t3 (city) after the file: "110" = t3 was revoked. */
static void left(const char *text, const char *expected)
{
    struct agent *agents = NULL, *now = NULL;
    size_t count = 0, now_count = 0;
    struct fault why = {0};
    char got[4] = "";
    CU_ASSERT_FATAL(agents_load(write_text("agents.csv", "agent,scope,pub,status\nliyang,1,keys/t1.pub,active\n"
                                                         "liyang,1,keys/t2.pub,active\ncity,2,keys/t3.pub,active\n", 0644),
                                &agents, &count, &why) == STATUS_OK);
    const char *file = write_text("agents.csv", text, 0644);
    CU_ASSERT_EQUAL(agents_load(file, &now, &now_count, &why), STATUS_REFUSED);
    const size_t revoked = agents_tighten(file, agents, count);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    for (size_t i = 0; i < count; i++)
        got[i] = agents[i].status == AGENT_ACTIVE ? '1' : '0';
    CU_ASSERT_STRING_EQUAL(got, expected);
    CU_ASSERT_EQUAL(revoked, (size_t)((got[0] == '0') + (got[1] == '0') + (got[2] == '0')));
    free(agents);
}

static void a_faulty_table_takes_away_and_never_gives(void)
{
    make("t1");
    make("t2");
    make("t3");
    make("t4");
#define HEAD "agent,scope,pub,status\n"
#define T1 "liyang,1,keys/t1.pub,active\n"
#define T2 "liyang,1,keys/t2.pub,active\n"
#define T3 "city,2,keys/t3.pub,active\n"
    left(HEAD T1 T2 T3 "new,1,keys/t4.pub,on\n", "111");          /* nobody is added, nobody suffers */
    left(HEAD T1 T2 "city,2,keys/t3.pub,revoked\nnew,1,keys/t4.pub,on\n", "110");
    left(HEAD T1 T3 "new,1,keys/t4.pub,on\n", "101");             /* a row that went away */
    left(HEAD T1 T2 "city,2,keys/none.pub,active\n", "111");      /* the fault is in its own row: as before */
    left(HEAD T1 T2 "city,2,keys/none.pub,revoked\n", "110");     /* whichever key is meant, it is to go */
    left(HEAD T1 "liyang,1,keys/none.pub,active\n" T3, "111");
    left(HEAD T1 "liyang,1,keys/none.pub,revoked\n" T3, "101");   /* t1 has a row that says active */
    left(HEAD T1 T2 "city,2\n", "111");                          /* nobody can tell whose row this is */
    left(HEAD "liyang,1,keys/t1.pub,revoked\n" T2 "city,2\n", "011");
    left(HEAD "liyang,9,keys/t1.pub,active\n" T2 T3, "111");      /* another scope waits for a sound file */
    left("agent,scope,pub\n", "111");
    left("", "111");
#undef HEAD
#undef T1
#undef T2
#undef T3
}

static void a_fifth_active_key_of_an_agent_is_refused(void)
{
    struct agent *agents = NULL;
    size_t count = 0;
    struct fault why = {0};
    make("k1");
    make("k2");
    make("k3");
    make("k4");
    make("k5");
#define FOUR_KEYS "agent,scope,pub,status\na,1,keys/k1.pub,active\na,1,keys/k2.pub,active\na,1,keys/k3.pub,active\n" \
                  "a,1,keys/k4.pub,active\n"
    CU_ASSERT(agents_load(write_text("agents.csv", FOUR_KEYS "a,1,keys/k5.pub,revoked\n", 0644), &agents, &count, &why) ==
              STATUS_OK);
    CU_ASSERT_EQUAL(count, 5);
    free(agents);
    CU_ASSERT(agents_load(write_text("agents.csv", FOUR_KEYS "a,1,keys/k5.pub,active\n", 0644), &agents, &count, &why) ==
              STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_AGENTS_TOO_MANY_KEYS);
    CU_ASSERT_EQUAL(why.row, 6);
    CU_ASSERT_STRING_EQUAL(why.column, "status");
#undef FOUR_KEYS
}

static void bad_agents_are_refused_by_row_and_column(void)
{
    static const struct { const char *text; enum message message; int64_t row; const char *column; } bad[] = {
        {"", MESSAGE_AGENTS_COLUMN_MISSING, 1, "agent"},
        {"agent,scope,pub\n", MESSAGE_AGENTS_COLUMN_MISSING, 1, "status"},
        {"agent,scope,pub,status,agent\n", MESSAGE_AGENTS_COLUMN_TWICE, 1, "agent"},
        {"agent,scope,pub,status\na,1,keys/a1.pub\n", MESSAGE_AGENTS_WIDTH, 2, ""},
        {"agent,scope,pub,status\na,1,keys/a1.pub,on\n", MESSAGE_AGENTS_STATUS, 2, "status"},
        {"agent,scope,pub,status\na,1,keys/a1.pub,Active\n", MESSAGE_AGENTS_STATUS, 2, "status"},
        {"agent,scope,pub,status\n,1,keys/a1.pub,active\n", MESSAGE_AGENTS_EMPTY, 2, "agent"},
        {"agent,scope,pub,status\na,1,keys/none.pub,active\n", MESSAGE_CANNOT_READ, 2, "pub"},
        {"agent,scope,pub,status\na,1,keys/a1.key,active\n", MESSAGE_BAD_KEY_FILE, 2, "pub"},
        {"agent,scope,pub,status,valid_to\na,1,keys/a1.pub,active,soon\n", MESSAGE_AGENTS_DATE, 2, "valid_to"},
        {"agent,scope,pub,status,valid_to\na,1,keys/a1.pub,active,2026-02-30\n", MESSAGE_AGENTS_DATE, 2, "valid_to"},
        {"valid_from,agent,scope,pub,status,valid_to\n2026-05-02,a,1,keys/a1.pub,active,2026-05-01\n",
         MESSAGE_AGENTS_DATES_BACKWARDS, 2, "valid_to"},
        {"agent,scope,pub,status\na,1,keys/a1.pub,active\nb,2,keys/a1.pub,active\n", MESSAGE_AGENTS_SAME_KEY, 3, "pub"},
        {"agent,scope,pub,status\na,1,keys/a1.pub,active\na,1,keys/a1.pub,revoked\n", MESSAGE_AGENTS_SAME_KEY, 3, "pub"},
        {"agent,scope,pub,status\na,1,keys/a1.pub,active\na,2,keys/a2.pub,active\n", MESSAGE_AGENTS_OTHER_SCOPE, 3, "scope"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct agent *agents = NULL;
        size_t count = 99;
        struct fault why = {0};
        const char *file = write_text("agents.csv", bad[i].text, 0644);
        CU_ASSERT(agents_load(file, &agents, &count, &why) == STATUS_REFUSED);
        CU_ASSERT_EQUAL(why.message, bad[i].message);
        CU_ASSERT_EQUAL(why.row, bad[i].row);
        CU_ASSERT_STRING_EQUAL(why.column, bad[i].column);
        CU_ASSERT_STRING_EQUAL(why.file, file);
        CU_ASSERT(agents == NULL && count == 99);
    }
}

static void a_key_counts_on_the_days_it_is_given(void)
{
    static const struct { const char *day; enum agent_dates dates[3]; } days[] = {
        {"2026-02-28", {AGENT_DATES_FINE, AGENT_DATES_EARLY, AGENT_DATES_FINE}},
        {"2026-03-01", {AGENT_DATES_FINE, AGENT_DATES_FINE, AGENT_DATES_FINE}},
        {"2026-05-01", {AGENT_DATES_FINE, AGENT_DATES_FINE, AGENT_DATES_FINE}},
        {"2026-05-02", {AGENT_DATES_FINE, AGENT_DATES_SOON, AGENT_DATES_FINE}},
        {"2026-05-31", {AGENT_DATES_FINE, AGENT_DATES_SOON, AGENT_DATES_FINE}},
        {"2026-06-01", {AGENT_DATES_FINE, AGENT_DATES_OVER, AGENT_DATES_FINE}},
    };
    struct agent *agents = NULL;
    size_t count = 0;
    const char *file = write_text("agents.csv", "agent,scope,pub,status,valid_from,valid_to\n"
                                                "a,1,keys/a1.pub,active,,\n"
                                                "b,1,keys/a2.pub,active,2026-03-01,2026-05-31\n"
                                                "c,1,keys/a3.pub,revoked,,\n", 0644);
    make("a3");
    CU_ASSERT_FATAL(agents_load(file, &agents, &count, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        int32_t day = 0;
        CU_ASSERT_TRUE(date_parse(days[i].day, &day));
        for (size_t a = 0; a < count; a++)
            CU_ASSERT_EQUAL(agent_dates(&agents[a], day), days[i].dates[a]);
        agents[1].status = AGENT_ACTIVE;
        agents_apply_dates(agents, count, day);
        const bool out = days[i].dates[1] == AGENT_DATES_EARLY || days[i].dates[1] == AGENT_DATES_OVER;
        CU_ASSERT_EQUAL(agents[0].status, AGENT_ACTIVE);
        CU_ASSERT_EQUAL(agents[1].status, out ? AGENT_REVOKED : AGENT_ACTIVE);
        CU_ASSERT_EQUAL(agents[2].status, AGENT_REVOKED);
    }
    free(agents);
}

/* ---- links -------------------------------------------------------------------------------------------------------------- */

static int option_of(void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    CU_ASSERT(zmq_getsockopt(socket, option, &value, &size) == 0);
    return value;
}

static void no_socket_is_left_on_a_default(void)
{
    struct secret_key key;
    void *context = zmq_ctx_new();
    void *server = zmq_socket(context, ZMQ_ROUTER), *client = zmq_socket(context, ZMQ_DEALER);
    char domain[32];
    size_t size = sizeof domain;
    int64_t limit;
    size_t limit_size = sizeof limit;
    make("link");
    CU_ASSERT_FATAL(keys_load_secret(in_folder("keys/link.key"), &key, NULL) == STATUS_OK);
    CU_ASSERT(link_serve(server, "collectors", &key, SECURITY_CURVE, "tcp://0.0.0.0:7420", 4096, NULL) == STATUS_OK);
    CU_ASSERT(link_join(client, &key, key.public_key.curve, SECURITY_CURVE, "tcp://10.1.2.3:7420", 4096, NULL) ==
              STATUS_OK);
    CU_ASSERT_EQUAL(option_of(server, ZMQ_LINGER), 0);
    CU_ASSERT_EQUAL(option_of(server, ZMQ_MECHANISM), ZMQ_CURVE);
    CU_ASSERT_EQUAL(option_of(server, ZMQ_CURVE_SERVER), 1);
    CU_ASSERT_EQUAL(option_of(server, 93), 1);
    CU_ASSERT_EQUAL(option_of(server, ZMQ_HEARTBEAT_IVL), 20000);
    CU_ASSERT_EQUAL(option_of(server, ZMQ_BACKLOG), 1024);
    CU_ASSERT(zmq_getsockopt(server, ZMQ_ZAP_DOMAIN, domain, &size) == 0);
    CU_ASSERT_STRING_EQUAL(domain, "collectors");
    CU_ASSERT(zmq_getsockopt(server, ZMQ_MAXMSGSIZE, &limit, &limit_size) == 0 && limit == 4096);
    CU_ASSERT_EQUAL(option_of(client, ZMQ_IMMEDIATE), 1);
    CU_ASSERT_EQUAL(option_of(client, ZMQ_RECONNECT_IVL_MAX), 5000);
    CU_ASSERT_EQUAL(option_of(client, ZMQ_CONNECT_TIMEOUT), 5000);
    CU_ASSERT_EQUAL(option_of(client, ZMQ_MECHANISM), ZMQ_CURVE);
    keys_forget(&key);
    zmq_close(server);
    zmq_close(client);
    zmq_ctx_term(context);
}

static void plain_links_stay_on_this_machine(void)
{
    struct fault why = {0};
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    CU_ASSERT(link_serve(socket, "collectors", NULL, SECURITY_NONE, "tcp://0.0.0.0:1", 4096, &why) == STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_PLAIN_ENDPOINT);
    CU_ASSERT(link_join(socket, NULL, NULL, SECURITY_NONE, "tcp://10.0.0.1:1", 4096, NULL) == STATUS_REFUSED);
    CU_ASSERT(link_serve(socket, "collectors", NULL, SECURITY_NONE, "tcp://127.0.0.1:1", 4096, NULL) == STATUS_OK);
    CU_ASSERT_EQUAL(option_of(socket, ZMQ_MECHANISM), ZMQ_NULL);
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void an_empty_domain_is_refused(void)
{
    struct secret_key key;
    void *context = zmq_ctx_new();
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    CU_ASSERT_FATAL(keys_load_secret(in_folder("keys/link.key"), &key, NULL) == STATUS_OK);
    CU_ASSERT(link_serve(socket, "", &key, SECURITY_CURVE, "ipc://x", 4096, NULL) == STATUS_BROKEN);
    keys_forget(&key);
    zmq_close(socket);
    zmq_ctx_term(context);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_new_pair_loads_and_belongs_together),
        SENTENCE(a_key_is_never_overwritten),
        SENTENCE(a_name_is_one_plain_word),
        SENTENCE(a_secret_that_others_can_read_is_refused),
        SENTENCE(a_secret_of_another_user_is_refused),
        SENTENCE(damaged_key_files_are_refused),
        SENTENCE(a_public_key_may_come_back_with_crlf),
        SENTENCE(agents_are_read_with_their_keys),
        SENTENCE(a_faulty_table_takes_away_and_never_gives),
        SENTENCE(a_fifth_active_key_of_an_agent_is_refused),
        SENTENCE(bad_agents_are_refused_by_row_and_column),
        SENTENCE(a_key_counts_on_the_days_it_is_given),
        SENTENCE(no_socket_is_left_on_a_default),
        SENTENCE(plain_links_stay_on_this_machine),
        SENTENCE(an_empty_domain_is_refused),
    };
    (void)snprintf(folder, sizeof folder, "/tmp/suanpan-keys-XXXXXX");
    if (mkdtemp(folder) == NULL || seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    const int result = suite_run("keys", sentences, ARRAY_LEN(sentences));
    static const char *const names[] = {"liyang", "once", "溧阳市", "city-1.2_b", "open", "given", "whole", "mailed",
                                        "a1", "a2", "b1", "link"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "keys/%s.key", names[i]);
        (void)unlink(in_folder(name));
        (void)snprintf(name, sizeof name, "keys/%s.pub", names[i]);
        (void)unlink(in_folder(name));
    }
    (void)unlink(in_folder("agents.csv"));
    (void)rmdir(in_folder("keys"));
    (void)rmdir(folder);
    return result;
}
