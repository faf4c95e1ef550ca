/* ledger.h - a sound ledger as the writer makes it: three agents with keys of their own, corrections, retractions,
 * conflicts, a foreign unit, a file that comes twice, checkpoints, saved pages. For the tests that spoil it. */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include "file.h"
#include "memory.h"
#include "registry.h"
#include "support.h"

#include <dirent.h>
#include <sys/stat.h>

#define AGENTS 3
#ifndef ENTRIES
#define ENTRIES 60 /* batches; one more repeats a file under a new outbox */
#endif

/* ---- a ledger as the writer makes it ------------------------------------------------------------------------------------ */

struct district {
    char code[65], scope[8];
    struct secret_key key;
    unsigned char outbox[16];
    struct stream stream;
};

static struct city city;
static struct district districts[AGENTS];
static struct secret_key own;
static struct checkpoints checkpoints;
static unsigned seed; /* of the figures */

static inline unsigned next_random(unsigned below)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

static inline void make_keys(void)
{
    static const char *const scopes[AGENTS] = {"A", "B", "C"};
    struct agent agents[AGENTS];
    char folder[80], path[160];
    struct fault why = {0};
    memset(agents, 0, sizeof agents);
    (void)snprintf(folder, sizeof folder, "%s/keys", city.folder);
    city_must(keys_generate(folder, "aggregator", NULL, &why), &why, "keys_generate");
    (void)snprintf(path, sizeof path, "%s/aggregator.key", folder);
    city_must(keys_load_secret(path, &own, &why), &why, "keys_load_secret");
    for (size_t i = 0; i < AGENTS; i++) {
        struct district *district = &districts[i];
        *district = (struct district){.code = ""};
        (void)snprintf(district->code, sizeof district->code, "agent%zu", i);
        (void)snprintf(district->scope, sizeof district->scope, "%s", scopes[i]);
        city_must(keys_generate(folder, district->code, NULL, &why), &why, "keys_generate");
        (void)snprintf(path, sizeof path, "%s/%.40s.key", folder, district->code);
        city_must(keys_load_secret(path, &district->key, &why), &why, "keys_load_secret");
        memset(district->outbox, (int)(17 * (i + 1)), sizeof district->outbox);
        memcpy(agents[i].code, district->code, sizeof agents[i].code);
        (void)snprintf(agents[i].scope, sizeof agents[i].scope, "%s", district->scope);
        agents[i].key = district->key.public_key;
        memcpy(district->stream.agent, district->code, sizeof district->stream.agent);
        memcpy(district->stream.outbox, district->outbox, sizeof district->stream.outbox);
        seal_chain_start(district->code, district->outbox, district->stream.chain);
    }
    city_must(registry_note(city.store, &own.public_key, city.catalogue, agents, AGENTS, city.now_ms, &why), &why,
              "registry_note");
}

/* Decides, signs, appends and commits, as intake does. `file`: two submissions of one number are one file. Without a
 * signature: as a batch of a RUN that is not its last. */
static inline void deliver(struct district *district, const char *rows, uint64_t file, bool is_signed)
{
    struct fault why = {0};
    struct submission submission = {.file = "t.csv", .source = "report", .parts = 1, .taken_at = city.now_ms};
    struct entry entry = {.received_at = city.now_ms};
    const struct touch *touches = NULL;
    enum store_known known = STORE_KNOWS_NOT;
    unsigned char *bytes = NULL, digest[SEAL_HASH];
    size_t length = 0, count = 0, touch_count = 0;
    char *text = memory_copy_text(rows);
    struct record *records = city_parse(&city, text, &count);
    uint64_t head;
    memcpy(submission.hash, &file, sizeof file);
    city_must(batch_encode(city.catalogue, &submission, records, count, &bytes, &length, &why), &why, "batch_encode");
    city_must(batch_decode(bytes, length, &city.batch, &why), &why, "batch_decode");
    city_must(store_begin(city.store, &why), &why, "store_begin");
    city_must(store_head(city.store, &head, NULL, NULL, &why), &why, "store_head");
    entry.number = head + 1;
    entry.seq = ++district->stream.watermark;
    entry.bytes = bytes;
    entry.length = length;
    memcpy(entry.agent, district->code, sizeof entry.agent);
    memcpy(entry.outbox, district->outbox, sizeof entry.outbox);
    seal_chain_next(district->stream.chain, bytes, length, entry.chain);
    memcpy(district->stream.chain, entry.chain, SEAL_HASH);
    seal_batch_digest(entry.agent, entry.outbox, entry.seq, entry.chain, digest);
    if (is_signed)
        seal_sign(digest, district->key.sign, entry.signature);
    city_must(store_knows(city.store, &entry, &submission, &known, &why), &why, "store_knows");
    entry.repeated = known != STORE_KNOWS_NOT;
    if (!entry.repeated) {
        city_must(abacus_apply(city.writing, city.batch, catalogue_unit(city.catalogue, district->scope), entry.number,
                               entry.received_at, &entry.refusals, &entry.refusal_count, &why), &why, "abacus_apply");
        touch_count = abacus_touches(city.writing, &touches);
    }
    city_must(store_append(city.store, &entry, touches, touch_count, &why), &why, "store_append");
    district->stream.last_received_at = entry.received_at;
    city_must(store_save_stream(city.store, &district->stream, &why), &why, "store_save_stream");
    if (entry.number % 20 == 0)
        city_must(checkpoints_make(&checkpoints, city.store, city.now_ms, &why), &why, "checkpoints_make");
    if (entry.number == 50)
        city_must(abacus_save(city.writing, &why), &why, "abacus_save");
    city_must(store_commit(city.store, &why), &why, "store_commit");
    city.now_ms += 1000;
    free(bytes);
    free(records);
    free(text);
}

/* Entries 13 to 21 and 37 to 45 are the first three of four batches that came in one RUN, of each agent in turn. */
static inline bool bears_signature(int number)
{
    const int batch = number / AGENTS;
    return batch % 4 == 3 || (batch / 4 != 1 && batch / 4 != 3);
}

/* Figures, corrections, retractions, conflicts, a foreign unit, a file that comes twice. */
static inline void make_ledger(void)
{
    static const char *const towns[AGENTS][2] = {{"a1", "a2"}, {"b1", "b2"}, {"b1", "a1"}};
    struct fault why = {0};
    char rows[400];
    city_open_folder(&city, SOURCE_FOLDER "/tests/city/catalogue");
    city_must(store_save_catalogue(city.store, city.catalogue, &why), &why, "store_save_catalogue");
    make_keys();
    checkpoints = (struct checkpoints){.key = &own};
    city_must(checkpoints_load(&checkpoints, city.store, city.now_ms, &why), &why, "checkpoints_load");
    for (int i = 0; i < ENTRIES; i++) {
        const unsigned agent = (unsigned)i % AGENTS, month = 1 + next_random(6);
        const char *town = towns[agent][next_random(2)], *other = i % 7 == 3 ? "b2" : town;
        (void)snprintf(rows, sizeof rows, "homes,%s,2020-%02u,%u,%s\nhomes,%s,2020-%02u,%u,%s\n", town, month,
                       next_random(1000), i % 5 == 4 ? "1" : "", other, month % 6 + 1, next_random(1000),
                       i % 6 == 5 ? ",X" : "");
        if (i % 6 == 5) /* a retraction carries no value */
            (void)snprintf(rows, sizeof rows, "homes,%s,2020-%02u,,,X\n", town, month);
        deliver(&districts[agent], rows, (uint64_t)i + 1, bears_signature(i));
    }
    struct district moved = districts[0]; /* the same agent with a new outbox delivers an old file again */
    memset(moved.outbox, 0x77, sizeof moved.outbox);
    memset(moved.stream.outbox, 0x77, sizeof moved.stream.outbox);
    moved.stream.watermark = 0;
    seal_chain_start(moved.code, moved.outbox, moved.stream.chain);
    deliver(&moved, "homes,a1,2020-01,5\n", 1, true);
    city_must(store_begin(city.store, &why), &why, "store_begin");
    city_must(checkpoints_make(&checkpoints, city.store, city.now_ms, &why), &why, "checkpoints_make");
    city_must(store_commit(city.store, &why), &why, "store_commit");
    store_rollback(city.reader);
}

#define LAST (ENTRIES + 1)

static inline void remove_tree(const char *folder)
{
    DIR *listing = opendir(folder);
    for (struct dirent *item = listing == NULL ? NULL : readdir(listing); item != NULL; item = readdir(listing)) {
        struct stat about;
        if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
            continue;
        char *path = file_path_in(folder, item->d_name);
        if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
            remove_tree(path);
        else
            (void)unlink(path);
        free(path);
    }
    if (listing != NULL)
        closedir(listing);
    (void)rmdir(folder);
}

static inline void close_ledger(void)
{
    char folder[80];
    keys_forget(&own);
    (void)snprintf(folder, sizeof folder, "%s", city.folder);
    city_close(&city);
    remove_tree(folder);
}

#endif
