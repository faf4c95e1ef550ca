/* The store on real files: one writer, readers beside it, what survives being killed, what is refused. */
#include "store.h"

#include "memory.h"
#include "random.h"
#include "suite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct place {
    char folder[64], path[96];
};

static void must(enum status status, const struct fault *why)
{
    char text[800];
    if (status == STATUS_OK)
        return;
    fault_format(why, LANGUAGE_EN, text, sizeof text);
    printf("\n%s\n", text);
    CU_FAIL_FATAL("it must work");
}

static void place_make(struct place *place)
{
    *place = (struct place){.folder = "/tmp/store-XXXXXX"};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof place->path, "%s/d/s.db", place->folder);
}

static void place_clear(const struct place *place)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        (void)snprintf(path, sizeof path, "%s%s", place->path, ends[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/d", place->folder);
    (void)rmdir(path);
    CU_ASSERT_EQUAL(rmdir(place->folder), 0);
}

static struct store *open_store(const struct place *place, enum store_mode mode)
{
    struct store *store = NULL;
    struct fault why = {0};
    must(store_open(place->path, mode, &store, &why), &why);
    return store;
}

static const unsigned char some_bytes[] = "not a batch, kept all the same";

static struct entry entry_of(uint64_t number)
{
    struct entry entry = {.number = number, .seq = number, .received_at = (int64_t)number * 10, .bytes = some_bytes,
                          .length = sizeof some_bytes - number % 5};
    (void)snprintf(entry.agent, sizeof entry.agent, "agent%" PRIu64, number % 2);
    memset(entry.outbox, (int)(number % 2) + 1, sizeof entry.outbox);
    memset(entry.chain, (int)number, sizeof entry.chain);
    memset(entry.signature, (int)number + 1, sizeof entry.signature);
    return entry;
}

static void append(struct store *store, const struct entry *entry, const struct touch *touches, size_t count)
{
    struct fault why = {0};
    must(store_begin(store, &why), &why);
    must(store_append(store, entry, touches, count, &why), &why);
    must(store_commit(store, &why), &why);
}

static uint64_t head_of(struct store *store)
{
    struct fault why = {0};
    uint64_t number = UINT64_MAX;
    must(store_head(store, &number, NULL, NULL, &why), &why);
    return number;
}

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

static void a_new_store_is_the_owners_alone_and_safe_against_power_cuts(void)
{
    struct place place;
    struct stat about;
    char folder[96];
    unsigned char generation[16], again[16];
    struct fault why = {0};
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    (void)snprintf(folder, sizeof folder, "%s/d", place.folder);
    CU_ASSERT_EQUAL(stat(folder, &about), 0);
    CU_ASSERT_EQUAL(about.st_mode & 0777, 0700);
    CU_ASSERT_EQUAL(stat(place.path, &about), 0);
    CU_ASSERT_EQUAL(about.st_mode & 0777, 0600);
    must(store_generation(store, generation, &why), &why);
    CU_ASSERT_EQUAL(head_of(store), 0);
    store_close(&store);
    CU_ASSERT_PTR_NULL(store);
    store = open_store(&place, STORE_WRITE);
    must(store_generation(store, again, &why), &why);
    CU_ASSERT_EQUAL(memcmp(generation, again, sizeof again), 0);
    store_close(&store);
    store_close(&store);
    /* The file itself says that it keeps a log. */
    unsigned char header[20] = {0};
    const int file = open(place.path, O_RDONLY);
    CU_ASSERT_EQUAL(read(file, header, sizeof header), sizeof header);
    CU_ASSERT_EQUAL(header[18], 2);
    close(file);
    place_clear(&place);
}

static void there_is_one_writer(void)
{
    struct place place;
    struct store *second = NULL;
    struct fault why = {0};
    place_make(&place);
    CU_ASSERT_FALSE(store_is_held(place.path));
    struct store *store = open_store(&place, STORE_WRITE);
    CU_ASSERT_TRUE(store_is_held(place.path));
    CU_ASSERT_TRUE(store_is_held(place.path)); /* looking does not let go */
    CU_ASSERT_EQUAL(store_open(place.path, STORE_WRITE, &second, &why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_HELD);
    CU_ASSERT_PTR_NULL(second);
    CU_ASSERT_TRUE(store_is_held(place.path));
    store_close(&store);
    CU_ASSERT_FALSE(store_is_held(place.path));
    place_clear(&place);
}

static void a_killed_writer_leaves_what_it_committed_and_no_lock(void)
{
    struct place place;
    int pipe_ends[2];
    char ready;
    place_make(&place);
    CU_ASSERT_EQUAL_FATAL(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct store *store = NULL;
        struct fault why = {0};
        bool fine = store_open(place.path, STORE_WRITE, &store, &why) == STATUS_OK;
        for (uint64_t i = 1; fine && i <= 4; i++) {
            const struct entry entry = entry_of(i);
            fine = store_begin(store, &why) == STATUS_OK && store_append(store, &entry, NULL, 0, &why) == STATUS_OK &&
                   (i == 4 || store_commit(store, &why) == STATUS_OK);
        }
        if (write(pipe_ends[1], fine ? "y" : "n", 1) == 1)
            pause();
        _exit(1);
    }
    CU_ASSERT_EQUAL(read(pipe_ends[0], &ready, 1), 1);
    CU_ASSERT_EQUAL(ready, 'y');
    CU_ASSERT_TRUE(store_is_held(place.path));
    struct store *reader = open_store(&place, STORE_READ); /* beside a running writer */
    CU_ASSERT_EQUAL(head_of(reader), 3);
    store_close(&reader);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    CU_ASSERT_FALSE(store_is_held(place.path));
    reader = open_store(&place, STORE_READ); /* the log still lies there */
    CU_ASSERT_EQUAL(head_of(reader), 3);
    store_close(&reader);
    struct store *store = open_store(&place, STORE_WRITE);
    CU_ASSERT_EQUAL(head_of(store), 3);
    store_close(&store);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    place_clear(&place);
}

static void a_reader_sees_one_moment_until_it_lets_go(void)
{
    struct place place;
    struct fault why = {0};
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE), *reader = open_store(&place, STORE_READ);
    struct entry entry = entry_of(1);
    must(store_begin(reader, &why), &why);
    append(store, &entry, NULL, 0);
    CU_ASSERT_EQUAL(head_of(reader), 0);
    must(store_commit(reader, &why), &why);
    CU_ASSERT_EQUAL(head_of(reader), 1);
    CU_ASSERT_EQUAL(store_mode_of(reader), STORE_READ);
    /* It cannot write. */
    must(store_begin(reader, &why), &why);
    entry = entry_of(2);
    CU_ASSERT_NOT_EQUAL(store_append(reader, &entry, NULL, 0, &why), STATUS_OK);
    store_close(&reader);
    /* A checkpoint with a reader about, then a clean end. */
    for (uint64_t i = 2; i < 50; i++) {
        entry = entry_of(i);
        append(store, &entry, NULL, 0);
        store_idle(store);
    }
    store_close(&store);
    reader = open_store(&place, STORE_READ);
    CU_ASSERT_EQUAL(head_of(reader), 49);
    store_close(&reader);
    place_clear(&place);
}

/* As a user who may read but not write the folder; needs root to become that user. */
static void a_closed_store_can_be_read_in_a_folder_that_cannot_be_written(void)
{
    struct place place;
    char folder[96];
    int state = 0;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    const struct entry entry = entry_of(1);
    append(store, &entry, NULL, 0);
    store_close(&store);
    (void)snprintf(folder, sizeof folder, "%s/d", place.folder);
    CU_ASSERT_EQUAL(chmod(folder, 0555), 0);
    CU_ASSERT_EQUAL(chmod(place.folder, 0755), 0);
    CU_ASSERT_EQUAL(chmod(place.path, 0444), 0);
    char lock[128];
    (void)snprintf(lock, sizeof lock, "%s.lock", place.path);
    CU_ASSERT_EQUAL(chmod(lock, 0444), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct store *reader = NULL;
        struct fault why = {0};
        uint64_t number = 0;
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        const bool fine = store_open(place.path, STORE_READ, &reader, &why) == STATUS_OK &&
                          store_begin(reader, &why) == STATUS_OK &&
                          store_head(reader, &number, NULL, NULL, &why) == STATUS_OK &&
                          store_commit(reader, &why) == STATUS_OK && number == 1;
        char text[512];
        fault_format(&why, LANGUAGE_EN, text, sizeof text);
        if (!fine)
            printf("%s\n", text);
        (void)fflush(stdout);
        _exit(fine ? 0 : 1);
    }
    waitpid(child, &state, 0);
    CU_ASSERT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    CU_ASSERT_EQUAL(chmod(folder, 0700), 0);
    place_clear(&place);
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CU_ASSERT_EQUAL(write(file, bytes, length), (ssize_t)length);
    close(file);
}

static void what_is_not_a_store_is_left_alone(void)
{
    struct place place;
    struct store *store = NULL;
    struct fault why = {0};
    sqlite3 *other = NULL;
    char folder[96];
    place_make(&place);
    CU_ASSERT_EQUAL(store_open(place.path, STORE_READ, &store, &why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_ABSENT);
    (void)snprintf(folder, sizeof folder, "%s/d", place.folder);
    CU_ASSERT_EQUAL(access(folder, F_OK), -1); /* reading makes nothing */
    CU_ASSERT_EQUAL(mkdir(folder, 0700), 0);
    char garbage[4096];
    memset(garbage, 'x', sizeof garbage);
    write_file(place.path, garbage, sizeof garbage);
    CU_ASSERT_EQUAL(store_open(place.path, STORE_WRITE, &store, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(store_open(place.path, STORE_READ, &store, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(unlink(place.path), 0);
    CU_ASSERT_EQUAL(sqlite3_open(place.path, &other), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(other, "CREATE TABLE t(x); PRAGMA application_id=7", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    CU_ASSERT_EQUAL(store_open(place.path, STORE_WRITE, &store, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_FOREIGN);
    CU_ASSERT_EQUAL(unlink(place.path), 0);
    store = open_store(&place, STORE_WRITE);
    store_close(&store);
    CU_ASSERT_EQUAL(sqlite3_open(place.path, &other), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(other, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    CU_ASSERT_EQUAL(store_open(place.path, STORE_READ, &store, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_NEWER);
    CU_ASSERT_PTR_NULL(store);
    place_clear(&place);
}

/* Emptied, or deleted, with its log or without: nobody makes a new one in its place, and the log is not touched. */
static void a_store_that_is_gone_is_said_to_be(void)
{
    for (int kind = 0; kind < 4; kind++) {
        struct place place;
        struct store *store = NULL;
        struct fault why = {0};
        char log[128], lock[128];
        place_make(&place);
        store = open_store(&place, STORE_WRITE);
        store_close(&store);
        (void)snprintf(log, sizeof log, "%s-wal", place.path);
        (void)snprintf(lock, sizeof lock, "%s.lock", place.path);
        CU_ASSERT_EQUAL(kind % 2 == 0 ? truncate(place.path, 0) : unlink(place.path), 0);
        if (kind >= 2) { /* only the log is left to say so */
            write_file(log, "frames", 6);
            CU_ASSERT_EQUAL(truncate(lock, 0), 0);
        }
        CU_ASSERT_EQUAL(store_open(place.path, STORE_WRITE, &store, &why), STATUS_BROKEN);
        CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_GONE);
        CU_ASSERT_EQUAL(access(log, F_OK), kind >= 2 ? 0 : -1);
        CU_ASSERT_EQUAL(truncate(lock, 0), 0); /* what a first start that was cut off leaves */
        (void)unlink(log);
        store = open_store(&place, STORE_WRITE);
        store_close(&store);
        place_clear(&place);
    }
}

static void when_the_disk_takes_no_more_nothing_half_is_kept(void)
{
    struct place place;
    int state = 0;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    const struct entry first = entry_of(1);
    append(store, &first, NULL, 0);
    store_close(&store);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {300000, 300000};
        struct fault why = {0};
        enum status status = store_open(place.path, STORE_WRITE, &store, &why);
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        unsigned char *big = memory_array(100000, 1);
        for (uint64_t i = 2; i < 40 && status == STATUS_OK; i++) {
            struct entry entry = entry_of(i);
            entry.bytes = big;
            entry.length = 100000;
            status = store_begin(store, &why);
            for (int part = 0; part < 1 && status == STATUS_OK; part++)
                status = store_append(store, &entry, NULL, 0, &why);
            if (status == STATUS_OK)
                status = store_commit(store, &why);
            if (status != STATUS_OK)
                _exit(store_is_inside(store) ? 99 : (int)i);
        }
        _exit(98);
    }
    waitpid(child, &state, 0);
    CU_ASSERT_TRUE_FATAL(WIFEXITED(state) && WEXITSTATUS(state) < 40);
    store = open_store(&place, STORE_WRITE);
    CU_ASSERT_EQUAL(head_of(store), (uint64_t)WEXITSTATUS(state) - 1);
    store_close(&store);
    place_clear(&place);
}

/* ---- the ledger ---------------------------------------------------------------------------------------------------------- */

static void entries_come_back_as_they_were_and_chained(void)
{
    struct place place;
    struct fault why = {0};
    struct refusal refusals[3][4096];
    unsigned char previous[SEAL_HASH] = {0}, expected[SEAL_HASH], head[SEAL_HASH];
    struct entry found;
    bool is_found = true;
    uint64_t number = 0;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    for (uint32_t i = 0; i < 4096; i++) {
        refusals[0][i] = (struct refusal){i, i % 3 == 0 ? MESSAGE_UNKNOWN_UNIT : MESSAGE_FORBIDDEN};
        refusals[1][i] = (struct refusal){i * 7, (enum message)(1 + i % 20)};
        refusals[2][i] = (struct refusal){4095, MESSAGE_ABOVE_MAX};
    }
    static const size_t counts[] = {4096, 500, 1};
    for (uint64_t i = 1; i <= 12; i++) {
        struct entry entry = entry_of(i);
        entry.refusals = refusals[i % 3];
        entry.refusal_count = i % 4 == 0 ? 0 : counts[i % 3];
        entry.repeated = i % 5 == 0;
        append(store, &entry, NULL, 0);
    }
    for (uint64_t i = 1; i <= 12; i++) {
        struct entry entry = entry_of(i);
        must(store_entry_after(store, i - 1, &found, &is_found, &why), &why);
        CU_ASSERT_TRUE_FATAL(is_found);
        CU_ASSERT_EQUAL(found.number, i);
        CU_ASSERT_EQUAL(found.seq, i);
        CU_ASSERT_STRING_EQUAL(found.agent, entry.agent);
        CU_ASSERT_EQUAL(memcmp(found.outbox, entry.outbox, sizeof entry.outbox), 0);
        CU_ASSERT_EQUAL(memcmp(found.chain, entry.chain, sizeof entry.chain), 0);
        CU_ASSERT_EQUAL(memcmp(found.signature, entry.signature, sizeof entry.signature), 0);
        CU_ASSERT_EQUAL(found.received_at, entry.received_at);
        CU_ASSERT_EQUAL(found.length, entry.length);
        CU_ASSERT_EQUAL(memcmp(found.bytes, some_bytes, found.length), 0);
        CU_ASSERT_EQUAL(found.repeated, i % 5 == 0);
        CU_ASSERT_EQUAL_FATAL(found.refusal_count, i % 4 == 0 ? 0 : counts[i % 3]);
        for (size_t r = 0; r < found.refusal_count; r++)
            CU_ASSERT_TRUE(found.refusals[r].index == refusals[i % 3][r].index &&
                           found.refusals[r].message == refusals[i % 3][r].message);
        store_entry_hash(&found, previous, expected);
        CU_ASSERT_EQUAL(memcmp(found.hash, expected, SEAL_HASH), 0);
        /* What we decided is sealed too. */
        struct entry forged = found;
        forged.repeated = !forged.repeated;
        store_entry_hash(&forged, previous, expected);
        CU_ASSERT_NOT_EQUAL(memcmp(found.hash, expected, SEAL_HASH), 0);
        memcpy(previous, found.hash, SEAL_HASH);
    }
    must(store_entry_after(store, 12, &found, &is_found, &why), &why);
    CU_ASSERT_FALSE(is_found);
    must(store_head(store, &number, head, NULL, &why), &why);
    CU_ASSERT_EQUAL(number, 12);
    CU_ASSERT_EQUAL(memcmp(head, previous, SEAL_HASH), 0);
    store_close(&store);
    place_clear(&place);
}

static void an_entry_out_of_order_or_out_of_time_is_not_appended(void)
{
    struct place place;
    struct fault why = {0};
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    struct entry entry = entry_of(1);
    CU_ASSERT_EQUAL(store_append(store, &entry, NULL, 0, &why), STATUS_BROKEN); /* outside a transaction */
    append(store, &entry, NULL, 0);
    const uint64_t wrong[] = {0, 1, 3};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        entry = entry_of(2);
        entry.number = wrong[i];
        must(store_begin(store, &why), &why);
        CU_ASSERT_EQUAL(store_append(store, &entry, NULL, 0, &why), STATUS_BROKEN);
        CU_ASSERT_FALSE(store_is_inside(store));
    }
    entry = entry_of(2);
    entry.received_at = 9;
    must(store_begin(store, &why), &why);
    CU_ASSERT_EQUAL(store_append(store, &entry, NULL, 0, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(head_of(store), 1);
    /* The same batch of the same outbox twice: the key forbids it. */
    entry = entry_of(1);
    entry.number = 2;
    must(store_begin(store, &why), &why);
    CU_ASSERT_NOT_EQUAL(store_append(store, &entry, NULL, 0, &why), STATUS_OK);
    store_close(&store);
    store = open_store(&place, STORE_WRITE);
    CU_ASSERT_EQUAL(head_of(store), 1);
    store_close(&store);
    place_clear(&place);
}

static void add_text(void *context, const char *text)
{
    char *all = context;
    const size_t length = strlen(all);
    (void)snprintf(all + length, 200 - length, "%s ", text);
}

static void touches_lead_to_their_entries(void)
{
    struct place place;
    struct fault why = {0};
    struct entry found = {0};
    bool is_found = false;
    char periods[200] = "";
    const struct touch odd[] = {{"F", "2020-01"}, {"F", "2020-02"}, {"G", "2020-01"}}, even[] = {{"G", "2020-03"}};
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    for (uint64_t i = 1; i <= 9; i++) {
        const struct entry entry = entry_of(i);
        append(store, &entry, i % 2 ? odd : even, i % 2 ? 3 : 1);
    }
    uint64_t after = 0, seen = 0;
    for (;; after = found.number) {
        must(store_entry_touching(store, after, "F", "2020-02", &found, &is_found, &why), &why);
        if (!is_found)
            break;
        CU_ASSERT_EQUAL(found.number, ++seen * 2 - 1);
    }
    CU_ASSERT_EQUAL(seen, 5);
    after = seen = 0;
    for (;; after = found.number) {
        must(store_entry_touching(store, after, "G", NULL, &found, &is_found, &why), &why);
        if (!is_found)
            break;
        CU_ASSERT_EQUAL(found.number, ++seen);
    }
    CU_ASSERT_EQUAL(seen, 9);
    must(store_entry_touching(store, 0, "F", "2020-03", &found, &is_found, &why), &why);
    CU_ASSERT_FALSE(is_found);
    must(store_touched_periods(store, "G", add_text, periods, &why), &why);
    CU_ASSERT_STRING_EQUAL(periods, "2020-01 2020-03 ");
    periods[0] = '\0';
    must(store_touched_periods(store, "H", add_text, periods, &why), &why);
    CU_ASSERT_STRING_EQUAL(periods, "");
    store_close(&store);
    place_clear(&place);
}

/* ---- the index against a table of yes and no --------------------------------------------------------------------------- */

enum { SPAN_FORMS = 2, SPAN_PERIODS = 3, SPAN_ENTRIES = 700 };

static const char *const span_forms[SPAN_FORMS] = {"F", "G"}, *const span_periods[SPAN_PERIODS] = {"2020-01", "2020-02", "2020-03"};

struct spans {
    bool kept[SPAN_FORMS][SPAN_PERIODS + 1][SPAN_ENTRIES + 1]; /* the last period is any */
    size_t told;
};

static void index_is(struct store *store, const struct spans *spans)
{
    struct fault why = {0};
    for (size_t f = 0; f < SPAN_FORMS; f++)
        for (size_t p = 0; p <= SPAN_PERIODS; p++)
            for (uint64_t entry = 1; entry <= SPAN_ENTRIES; entry++) {
                const char *period = p == SPAN_PERIODS ? "" : span_periods[p];
                bool is_touched = false;
                must(store_is_touched(store, span_forms[f], period, entry, &is_touched, &why), &why);
                CU_ASSERT_EQUAL_FATAL(is_touched, spans->kept[f][p][entry]);
            }
}

static bool is_in_spans(void *context, const char *form, const char *period, uint64_t entry)
{
    struct spans *spans = context;
    size_t p = 0;
    while (p < SPAN_PERIODS && strcmp(period, span_periods[p]) != 0)
        p++;
    CU_ASSERT_TRUE(spans->kept[strcmp(form, "F") == 0 ? 0 : 1][p][entry]);
    spans->told++;
    return true;
}

/* Entries upwards, downwards and at random, many and few a transaction, some of them taken back, read in between. */
static void the_index_names_what_was_touched_in_any_order(void)
{
    static struct spans spans, before;
    struct place place;
    struct fault why = {0};
    size_t all = 0;
    random_start("spans of the index");
    memset(&spans, 0, sizeof spans);
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    for (int round = 0; round < 60; round++) {
        const uint64_t order = draw_below(3), count = 1 + draw_below(draw_below(2) == 0 ? 8 : 600);
        uint64_t entry = 1 + draw_below(SPAN_ENTRIES);
        before = spans;
        must(store_begin(store, &why), &why);
        for (uint64_t i = 0; i < count && entry >= 1 && entry <= SPAN_ENTRIES; i++) {
            const size_t f = draw_below(SPAN_FORMS), p = draw_below(SPAN_PERIODS);
            const struct touch touch = {span_forms[f], span_periods[p]};
            must(store_touch(store, entry, &touch, 1, &why), &why);
            spans.kept[f][p][entry] = spans.kept[f][SPAN_PERIODS][entry] = true;
            entry = order == 0 ? entry + draw_below(3) : order == 1 ? entry - draw_below(3) : 1 + draw_below(SPAN_ENTRIES);
        }
        if (draw_below(4) == 0)
            index_is(store, &spans);
        if (draw_below(5) == 0) {
            store_rollback(store);
            spans = before;
        } else {
            must(store_commit(store, &why), &why);
        }
        index_is(store, &spans);
    }
    for (size_t f = 0; f < SPAN_FORMS; f++)
        for (size_t p = 0; p <= SPAN_PERIODS; p++)
            for (size_t i = 1; i <= SPAN_ENTRIES; i++)
                all += spans.kept[f][p][i];
    spans.told = 0;
    must(store_touches(store, is_in_spans, &spans, &why), &why);
    CU_ASSERT_EQUAL(spans.told, all);
    store_close(&store);
    place_clear(&place);
}

static void run_sql(const struct place *place, const char *sql)
{
    sqlite3 *other = NULL;
    CU_ASSERT_EQUAL(sqlite3_open(place->path, &other), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(other, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
}

/* A reader that is there since before; what a newer program has made of the file is nothing to be guessed at. */
static void a_store_is_brought_up_to_date_under_a_reader(void)
{
    struct place place;
    struct fault why = {0};
    const struct touch touch = {"F", "2020-01"};
    bool is_touched = false;
    place_make(&place);
    struct store *writer = open_store(&place, STORE_WRITE);
    store_close(&writer);
    run_sql(&place, "ALTER TABLE touch DROP COLUMN more; PRAGMA user_version = 4");
    struct store *reader = open_store(&place, STORE_READ);
    must(store_begin(reader, &why), &why);
    must(store_commit(reader, &why), &why);
    writer = open_store(&place, STORE_WRITE);
    must(store_begin(writer, &why), &why);
    for (uint64_t entry = 1; entry <= 3; entry++)
        must(store_touch(writer, entry, &touch, 1, &why), &why);
    must(store_commit(writer, &why), &why);
    must(store_begin(reader, &why), &why);
    for (uint64_t entry = 1; entry <= 3; entry++) {
        must(store_is_touched(reader, "F", "2020-01", entry, &is_touched, &why), &why);
        CU_ASSERT_TRUE(is_touched);
    }
    must(store_commit(reader, &why), &why);
    store_close(&writer);
    run_sql(&place, "PRAGMA user_version = 99");
    CU_ASSERT_EQUAL(store_begin(reader, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_NEWER);
    store_close(&reader);
    place_clear(&place);
}

static void the_last_entry_of_a_moment_is_found(void)
{
    struct place place;
    struct fault why = {0};
    uint64_t number = 99;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    must(store_entry_at(store, INT64_MAX, &number, &why), &why);
    CU_ASSERT_EQUAL(number, 0);
    static const int64_t moments[] = {5, 5, 7, 7, 7, 20};
    for (uint64_t i = 1; i <= ARRAY_LEN(moments); i++) {
        struct entry entry = entry_of(i);
        entry.received_at = moments[i - 1];
        append(store, &entry, NULL, 0);
    }
    for (int64_t moment = 0; moment < 25; moment++) {
        uint64_t expected = 0;
        while (expected < ARRAY_LEN(moments) && moments[expected] <= moment)
            expected++;
        must(store_entry_at(store, moment, &number, &why), &why);
        CU_ASSERT_EQUAL(number, expected);
    }
    store_close(&store);
    place_clear(&place);
}

static void streams_remember_how_far_they_came(void)
{
    struct place place;
    struct fault why = {0};
    struct stream stream = {.agent = "liyang", .epoch = 3, .watermark = UINT64_C(1) << 40, .last_received_at = 77}, found;
    struct stream *streams = NULL;
    size_t count = 0;
    bool is_found = true;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    memset(stream.outbox, 7, sizeof stream.outbox);
    memset(stream.chain, 8, sizeof stream.chain);
    must(store_stream(store, "liyang", stream.outbox, &is_found, &found, &why), &why);
    CU_ASSERT_FALSE(is_found);
    must(store_save_stream(store, &stream, &why), &why);
    stream.watermark++;
    must(store_save_stream(store, &stream, &why), &why);
    struct stream other = stream;
    other.outbox[0] = 9;
    must(store_save_stream(store, &other, &why), &why);
    must(store_stream(store, "liyang", stream.outbox, &is_found, &found, &why), &why);
    CU_ASSERT_TRUE_FATAL(is_found);
    CU_ASSERT_TRUE(found.watermark == stream.watermark && found.epoch == 3 && found.last_received_at == 77);
    CU_ASSERT_EQUAL(memcmp(found.chain, stream.chain, SEAL_HASH), 0);
    must(store_stream(store, "wujin", stream.outbox, &is_found, &found, &why), &why);
    CU_ASSERT_FALSE(is_found);
    must(store_streams(store, &streams, &count, &why), &why);
    CU_ASSERT_EQUAL(count, 2);
    free(streams);
    store_close(&store);
    place_clear(&place);
}

/* Whether the agent's file is known when this part of it, with these bytes, comes through that outbox. */
static enum store_known known_of(struct store *store, const struct entry *entry, const char *agent, const unsigned char outbox[16],
                                 const char *bytes)
{
    struct fault why = {0};
    struct entry asked = *entry;
    enum store_known known = STORE_KNOWS_NOT;
    (void)snprintf(asked.agent, sizeof asked.agent, "%s", agent);
    memcpy(asked.outbox, outbox, sizeof asked.outbox);
    if (bytes != NULL) {
        asked.bytes = (const unsigned char *)bytes;
        asked.length = strlen(bytes);
    }
    must(store_knows(store, &asked, entry->submission, &known, &why), &why);
    return known;
}

static void a_file_is_known_once_its_last_part_was_taken_from_another_outbox(void)
{
    struct place place;
    struct submission submission = {.source = "report", .parts = 2};
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    memset(submission.hash, 5, sizeof submission.hash);
    unsigned char mine[16], other[16] = {0};
    for (uint64_t i = 1; i <= 4; i++) {
        struct entry entry = entry_of(i * 2 - 1); /* all of agent1 */
        entry.number = i;
        memcpy(mine, entry.outbox, sizeof mine);
        entry.submission = &submission;
        entry.repeated = i == 1 || i == 2;
        submission.part = (uint32_t)((i - 1) % 2);
        append(store, &entry, NULL, 0);
        /* Repeated ones do not count, and a first part only for itself, record by record. */
        CU_ASSERT_EQUAL(known_of(store, &entry, entry.agent, other, NULL),
                        i == 4 ? STORE_KNOWS_FILE : i == 3 ? STORE_KNOWS_PART : STORE_KNOWS_NOT);
        CU_ASSERT_EQUAL(known_of(store, &entry, entry.agent, other, "another cut"), i == 4 ? STORE_KNOWS_FILE : STORE_KNOWS_NOT);
        CU_ASSERT_EQUAL(known_of(store, &entry, entry.agent, mine, NULL), STORE_KNOWS_NOT);
        CU_ASSERT_EQUAL(known_of(store, &entry, "somebody", other, NULL), STORE_KNOWS_NOT);
    }
    store_close(&store);
    place_clear(&place);
}

/* ---- beside the ledger ------------------------------------------------------------------------------------------------------ */

static void blocks_hold_for_one_layout(void)
{
    struct place place;
    struct fault why = {0};
    unsigned char layout[32] = {1}, another[32] = {2};
    const unsigned char *bytes = NULL;
    size_t length = 0;
    uint64_t watermark = 9;
    char periods[200] = "";
    bool found = false, fits = true;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    must(store_pages_fit(store, layout, &fits, &why), &why);
    CU_ASSERT_FALSE(fits);
    must(store_pages_reset(store, layout, &why), &why);
    must(store_pages_watermark(store, layout, &watermark, &why), &why);
    CU_ASSERT_EQUAL(watermark, 0);
    must(store_block_save(store, "a", "2020-01", 3, (const unsigned char *)"one", 3, &why), &why);
    must(store_block_save(store, "a", "2020-01", 3, (const unsigned char *)"three", 5, &why), &why);
    must(store_block_save(store, "a", "2020-Q1", 0, (const unsigned char *)"", 0, &why), &why);
    must(store_pages_set_watermark(store, 41, &why), &why);
    must(store_block_load(store, "a", "2020-01", 3, &bytes, &length, &found, &why), &why);
    CU_ASSERT_TRUE(found && length == 5 && memcmp(bytes, "three", 5) == 0);
    must(store_block_load(store, "a", "2020-01", 4, &bytes, &length, &found, &why), &why);
    CU_ASSERT_FALSE(found);
    must(store_block_periods(store, "a", add_text, periods, &why), &why);
    CU_ASSERT_STRING_EQUAL(periods, "2020-01 2020-Q1 ");
    must(store_pages_watermark(store, layout, &watermark, &why), &why);
    CU_ASSERT_EQUAL(watermark, 41);
    must(store_pages_watermark(store, another, &watermark, &why), &why);
    CU_ASSERT_EQUAL(watermark, 0);
    must(store_pages_reset(store, another, &why), &why);
    must(store_block_load(store, "a", "2020-01", 3, &bytes, &length, &found, &why), &why);
    CU_ASSERT_FALSE(found);
    store_close(&store);
    place_clear(&place);
}

static struct catalogue *small_catalogue(const char *title)
{
    char package[256];
    struct findings findings = {0};
    struct catalogue *catalogue = NULL;
    struct fault why = {0};
    (void)snprintf(package, sizeof package, "{\"name\":\"n\",\"title\":\"%s\",\"version\":\"1\",\"resources\":[]}", title);
    const char *texts[][2] = {
        {"datapackage.json", package},
        {"units.csv", "code,parent,level,name_zh\nC,,city,城市\n"},
        {"forms.csv", "form,name_zh,frequency,level,due_days\nF,表,month,city,5\n"},
        {"elements.csv", "element,form,name_zh,kind,unit_zh,decimals\na,F,甲,flow,户,0\n"},
        {"indicators.csv", "indicator,name_zh,numerator,decimals,better\nI,指标,a,0,up\n"},
        {"goals.csv", "goal,indicator,unit,op,value,due\n"},
    };
    struct catalogue_file files[ARRAY_LEN(texts)];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        files[i] = (struct catalogue_file){texts[i][0], texts[i][1], strlen(texts[i][1])};
    must(catalogue_load_files(files, ARRAY_LEN(files), &catalogue, &findings, &why), &why);
    CU_ASSERT_EQUAL(findings.error_count, 0);
    findings_free(&findings);
    return catalogue;
}

/* Parts of a file as they come through outboxes that lost some: "part outbox", in this order; known is what a third outbox hears
 * of the last part, other bytes in it, and of the same. */
static void a_file_with_a_hole_is_not_taken(void)
{
    static const struct {
        const char *parts;
        enum store_known cut_otherwise, same;
    } cases[] = {
        {"0a 1a 2a", STORE_KNOWS_FILE, STORE_KNOWS_FILE}, /* all before a second outbox shows */
        {"0a 1b 2b", STORE_KNOWS_FILE, STORE_KNOWS_FILE}, /* born again in the middle */
        {"0a 0b 1b 2b", STORE_KNOWS_FILE, STORE_KNOWS_FILE},
        {"0a 2b", STORE_KNOWS_NOT, STORE_KNOWS_PART},     /* one was damaged */
        {"1a 2b", STORE_KNOWS_NOT, STORE_KNOWS_PART},
        {"0a 2b 1c", STORE_KNOWS_NOT, STORE_KNOWS_PART},
        {"0a 2b 0c 1c 2c", STORE_KNOWS_FILE, STORE_KNOWS_FILE}, /* and the file came again */
        {"0a 2b 0b 1b 2b", STORE_KNOWS_FILE, STORE_KNOWS_FILE}, /* through the same one */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct place place;
        struct fault why = {0};
        struct submission submission = {.source = "report", .parts = 3};
        struct entry entry;
        unsigned char third[16];
        uint64_t number = 0;
        place_make(&place);
        struct store *store = open_store(&place, STORE_WRITE);
        memset(submission.hash, 5, sizeof submission.hash);
        memset(third, 't', sizeof third);
        for (const char *part = cases[i].parts; part != NULL && *part != '\0';
             part = strchr(part, ' ') == NULL ? NULL : strchr(part, ' ') + 1) {
            enum store_known known = STORE_KNOWS_NOT;
            unsigned char *bytes = NULL;
            size_t length = 0;
            struct catalogue *catalogue = small_catalogue("one");
            number++;
            entry = entry_of(number * 2 - 1); /* all of agent1 */
            entry.number = number;
            submission.part = (uint32_t)(*part - '0');
            must(batch_encode(catalogue, &submission, NULL, 0, &bytes, &length, &why), &why);
            entry.bytes = bytes;
            entry.length = length;
            entry.submission = &submission;
            entry.seq = number;
            memset(entry.outbox, part[1], sizeof entry.outbox);
            must(store_knows(store, &entry, &submission, &known, &why), &why);
            entry.repeated = known != STORE_KNOWS_NOT;
            append(store, &entry, NULL, 0);
            if (submission.part == 2) {
                CU_ASSERT_EQUAL(known_of(store, &entry, entry.agent, third, "another cut"),
                                part[2] == '\0' ? cases[i].cut_otherwise : STORE_KNOWS_NOT);
                CU_ASSERT_EQUAL(known_of(store, &entry, entry.agent, third, NULL), part[2] == '\0' ? cases[i].same : STORE_KNOWS_PART);
            }
            free(bytes);
            catalogue_free(&catalogue);
        }
        store_close(&store);
        place_clear(&place);
    }
}

static void the_newest_catalogue_is_in_force(void)
{
    struct place place;
    struct fault why = {0};
    struct findings findings = {0};
    struct catalogue *loaded = NULL, *one = small_catalogue("one"), *two = small_catalogue("two");
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    CU_ASSERT_EQUAL(store_load_catalogue(store, &loaded, &findings, &why), STATUS_AGAIN);
    const struct catalogue *const order[] = {one, one, two, one};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        must(store_save_catalogue(store, order[i], &why), &why);
        must(store_load_catalogue(store, &loaded, &findings, &why), &why);
        CU_ASSERT_STRING_EQUAL(loaded->title, order[i]->title);
        CU_ASSERT_EQUAL(memcmp(loaded->hash, order[i]->hash, sizeof loaded->hash), 0);
        CU_ASSERT_EQUAL(memcmp(loaded->layout_hash, order[i]->layout_hash, sizeof loaded->layout_hash), 0);
        catalogue_free(&loaded);
    }
    findings_free(&findings);
    catalogue_free(&one);
    catalogue_free(&two);
    store_close(&store);
    place_clear(&place);
}

/* Each byte of a file it is made of: other decimals, or another unit, would be other figures. */
static void a_kept_catalogue_that_changed_is_not_used(void)
{
    struct place place;
    struct fault why = {0};
    struct findings findings = {0};
    struct catalogue *loaded = NULL, *kept = small_catalogue("one");
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    must(store_save_catalogue(store, kept, &why), &why);
    store_close(&store);
    run_sql(&place, "UPDATE catalogue_file SET bytes = CAST(replace(bytes, 'one', 'onf') AS BLOB)");
    store = open_store(&place, STORE_READ);
    CU_ASSERT_EQUAL(store_load_catalogue(store, &loaded, &findings, &why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_STORE_FAILED);
    CU_ASSERT_PTR_NULL(loaded);
    findings_free(&findings);
    catalogue_free(&kept);
    store_close(&store);
    place_clear(&place);
}

static void alerts_and_agents_are_kept(void)
{
    struct place place;
    struct fault why = {0};
    struct alert_row alert = {.alert = "pace.G1", .kind = "pace", .state = "open", .severity = "high", .subject = "G1",
                              .unit = "C", .office = "民政局", .since = 12, .detail = "落后"}, *alerts = NULL;
    struct agent_row agent = {.agent = "liyang", .connected = true, .last_seen = 5, .last_submission = 6, .backlog = 7,
                              .refused = 8, .clock_skew_ms = -9, .software = "0.1"}, *agents = NULL;
    size_t count = 9;
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    must(store_alerts(store, &alerts, &count, &why), &why);
    CU_ASSERT_EQUAL(count, 0);
    free(alerts);
    must(store_save_alert(store, &alert, &why), &why);
    (void)snprintf(alert.acked_by, sizeof alert.acked_by, "王");
    must(store_save_alert(store, &alert, &why), &why);
    must(store_alerts(store, &alerts, &count, &why), &why);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL(memcmp(&alerts[0], &alert, sizeof alert), 0);
    free(alerts);
    must(store_save_agent(store, &agent, &why), &why);
    agent.backlog = 0;
    must(store_save_agent(store, &agent, &why), &why);
    must(store_agents(store, &agents, &count, &why), &why);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_TRUE(agents[0].connected && agents[0].backlog == 0 && agents[0].clock_skew_ms == -9);
    CU_ASSERT_STRING_EQUAL(agents[0].software, "0.1");
    free(agents);
    store_close(&store);
    place_clear(&place);
}

static void what_was_rolled_back_never_was(void)
{
    struct place place;
    struct fault why = {0};
    struct entry entry = entry_of(1);
    place_make(&place);
    struct store *store = open_store(&place, STORE_WRITE);
    must(store_begin(store, &why), &why);
    must(store_append(store, &entry, NULL, 0, &why), &why);
    store_rollback(store);
    CU_ASSERT_EQUAL(head_of(store), 0);
    append(store, &entry, NULL, 0);
    entry = entry_of(2);
    append(store, &entry, NULL, 0);
    CU_ASSERT_EQUAL(head_of(store), 2);
    store_close(&store);
    place_clear(&place);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_new_store_is_the_owners_alone_and_safe_against_power_cuts),
        SENTENCE(there_is_one_writer),
        SENTENCE(a_killed_writer_leaves_what_it_committed_and_no_lock),
        SENTENCE(a_reader_sees_one_moment_until_it_lets_go),
        SENTENCE(a_closed_store_can_be_read_in_a_folder_that_cannot_be_written),
        SENTENCE(what_is_not_a_store_is_left_alone),
        SENTENCE(a_store_that_is_gone_is_said_to_be),
        SENTENCE(when_the_disk_takes_no_more_nothing_half_is_kept),
        SENTENCE(entries_come_back_as_they_were_and_chained),
        SENTENCE(an_entry_out_of_order_or_out_of_time_is_not_appended),
        SENTENCE(touches_lead_to_their_entries),
        SENTENCE(the_index_names_what_was_touched_in_any_order),
        SENTENCE(a_store_is_brought_up_to_date_under_a_reader),
        SENTENCE(the_last_entry_of_a_moment_is_found),
        SENTENCE(streams_remember_how_far_they_came),
        SENTENCE(a_file_is_known_once_its_last_part_was_taken_from_another_outbox),
        SENTENCE(a_file_with_a_hole_is_not_taken),
        SENTENCE(blocks_hold_for_one_layout),
        SENTENCE(the_newest_catalogue_is_in_force),
        SENTENCE(a_kept_catalogue_that_changed_is_not_used),
        SENTENCE(alerts_and_agents_are_kept),
        SENTENCE(what_was_rolled_back_never_was),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("store", sentences, ARRAY_LEN(sentences));
}
