/* fuzz_store.c - the file of a store, changed by a bad disk (patch.h). It opens or says why not; every entry that is called
 * sound is the one that was stored; `verify` comes to an end and does not call a store sound whose ledger differs. */
#define ENTRIES 8
#include "ledger.h"

#include "fuzz.h"
#include "patch.h"
#include "verify.h"

static char *sound_file;
static size_t sound_length;
static struct { unsigned char *bytes; size_t length; } entries[LAST];

static void keep_entries(void)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct store *store = NULL;
    struct entry entry;
    bool found;
    city_must(store_open(city.path, STORE_READ, &store, &why), &why, "store_open");
    city_must(store_begin(store, &why), &why, "store_begin");
    for (uint64_t i = 0; i < LAST; i++) {
        city_must(store_entry_after(store, i, &entry, &found, &why), &why, "store_entry_after");
        entries[i].bytes = memory_array(entry.length, 1);
        entries[i].length = entry.length;
        memcpy(entries[i].bytes, entry.bytes, entry.length);
    }
    store_rollback(store);
    store_close(&store);
}

/* The file as it lies when its writer has gone. */
static void make_store(void)
{
    struct fault why = {.message = MESSAGE_NONE};
    make_ledger();
    city_must(store_begin(city.store, &why), &why, "store_begin");
    city_must(abacus_save(city.writing, &why), &why, "abacus_save");
    city_must(store_commit(city.store, &why), &why, "store_commit");
    keep_entries();
    abacus_close(&city.writing);
    abacus_close(&city.reading);
    store_close(&city.reader);
    store_close(&city.store);
    sound_file = fuzz_read(city.path, &sound_length);
    close_ledger();
}

/* True when all entries are there as they were. */
static bool look_at_ledger(struct store *store)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct entry entry;
    uint64_t after = 0, same = 0;
    bool found = true, is_sound = false;
    for (size_t count = 0; found && count < 100; count++) {
        enum status status = store_entry_after(store, after, &entry, &found, &why);
        fuzz_require_reason(status, &why);
        if (status != STATUS_OK || !found)
            break;
        fuzz_require(entry.number > after, "entries come by their numbers");
        after = entry.number;
        const bool differs = after > LAST || entry.length != entries[after - 1].length ||
                             memcmp(entry.bytes, entries[after - 1].bytes, entry.length) != 0;
        same += !differs;
        status = store_entry_sound(store, &entry, &is_sound, &why);
        fuzz_require_reason(status, &why);
        fuzz_require(status != STATUS_OK || !is_sound || !differs, "a sound entry is the one that was stored");
    }
    return same == LAST;
}

static void read_the_rest(struct store *store)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct findings findings = {.items = NULL};
    struct catalogue *catalogue = NULL;
    struct alert_row *alerts = NULL;
    struct agent_row *agents = NULL;
    struct registry_row *registry = NULL;
    struct publication *publications = NULL;
    size_t count;
    fuzz_require_reason(store_load_catalogue(store, &catalogue, &findings, &why), &why);
    fuzz_require_reason(store_alerts(store, &alerts, &count, &why), &why);
    fuzz_require_reason(store_agents(store, &agents, &count, &why), &why);
    fuzz_require_reason(store_registry(store, &registry, &count, &why), &why);
    fuzz_require_reason(store_publications(store, &publications, &count, &why), &why);
    free(alerts);
    free(agents);
    free(registry);
    free(publications);
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void look_at_reading(const char *path, bool as_it_was)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct verification found;
    struct store *store = NULL;
    bool is_whole = false;
    enum status status = store_open(path, STORE_READ, &store, &why);
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        status = store_begin(store, &why);
        fuzz_require_reason(status, &why);
        if (status == STATUS_OK) {
            is_whole = look_at_ledger(store);
            read_the_rest(store);
        }
        store_rollback(store);
    }
    store_close(&store);
    status = verify_store(&(struct verify_request){.path = path}, &found, &why);
    fuzz_require_reason(status, &why);
    if (as_it_was)
        fuzz_require(is_whole && status == STATUS_OK && found.sound, "the store as it was written is sound");
    fuzz_require(is_whole || status != STATUS_OK || !found.sound, "a ledger that differs is not sound");
}

static void look_at_writing(const char *path)
{
    struct fault why = {.message = MESSAGE_NONE};
    struct store *store = NULL;
    const enum status status = store_open(path, STORE_WRITE, &store, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_BROKEN, "a store opens, or is broken");
    fuzz_require_reason(status, &why);
    store_close(&store);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    char other[160];
    if (sound_file == NULL)
        make_store();
    size_t changed_length = sound_length;
    char *changed = memory_array(sound_length, 1);
    memcpy(changed, sound_file, sound_length);
    patch_bytes(&input, changed, &changed_length);
    const char *path = fuzz_write(0, "suanpan.db", changed, changed_length);
    patch_database(&input, path);
    look_at_reading(path, length == 0);
    look_at_writing(path);
    (void)unlink(path);
    (void)snprintf(other, sizeof other, "%s-wal", path);
    (void)unlink(other);
    (void)snprintf(other, sizeof other, "%s-shm", path);
    (void)unlink(other);
    free(changed);
}
