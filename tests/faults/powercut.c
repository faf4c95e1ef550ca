/* powercut.c - cuts the power at any moment of a recorded run, and looks whether anything is missing that was promised.
 *
 *   powercut BASE LOG ROOT SCRATCH [option...]
 *     --images N          how many (default 100)
 *     --end               only the end of the log, everybody killed: after failed calls
 *     --ignore log|folder control: syncs of write-ahead logs, of folders, are worth nothing
 *     --keep N FOLDER     writes N images for the real programs to FOLDER/1, FOLDER/2 ...
 *
 * BASE is what ROOT held, durably, before LOG was begun (preload.c). Machines: data/ is the aggregator's, outbox/AGENT with
 * inbox/AGENT a collector's. Promises: what an acknowledgement covered is in the store, which opens and verifies; what a
 * collector sent is in its outbox under the same number, its epoch never goes back, a file is in its inbox, or it is in
 * done/ and known, or refused/ with its reason; its refused rows are there. Prints "images=N promises=N broken=N". */
#define _XOPEN_SOURCE 700 /* nftw */
#include "catalogue.h"
#include "disk.h"
#include "keys.h"
#include "memory.h"
#include "oplog.h"
#include "outbox.h"
#include "random.h"
#include "store.h"
#include "limit.h"
#include "verify.h"
#include "wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AGENTS_MOST = 8, SESSIONS_MOST = 4096, FILES_MOST = 4096 };

struct promise { /* of a session */
    uint64_t session;
    char agent[65];
    unsigned char outbox[16];
    uint64_t acknowledged; /* by the aggregator */
    unsigned char chain_acknowledged[SEAL_HASH];
};

struct file { /* that lay in an inbox at the start */
    char name[256];
    unsigned char hash[SEAL_HASH];
};

struct machine {
    char agent[65];
    struct secret_key key;
    struct file *files;
    size_t file_count, file_capacity;
    bool has_said_hello;
    uint64_t epoch;
    unsigned char outbox[16];
    uint64_t sent; /* highest batch that left */
    unsigned char chain_sent[SEAL_HASH];
};

struct cutting {
    const char *base, *root, *scratch;
    struct machine machines[AGENTS_MOST];
    size_t machine_count;
    struct promise promises[SESSIONS_MOST];
    size_t promise_count;
    const unsigned char *log;
    size_t log_length;
    size_t *entries; /* where each begins */
    size_t entry_count, entry_capacity;
    uint64_t checked, broken, shown;
};

static void stop(const char *what, const char *path)
{
    fprintf(stderr, "powercut: %s: %s\n", what, path);
    exit(2);
}

static void join(char ret_path[PATH_MAX], const char *folder, const char *below, const char *name)
{
    const int length = snprintf(ret_path, PATH_MAX, "%s/%s%s%s", folder, below, name[0] == '\0' ? "" : "/", name);
    if (length < 0 || length >= PATH_MAX)
        stop("too long", folder);
}

/* ---- what was promised ---------------------------------------------------------------------------------------------------- */

static struct promise *find_promise(struct cutting *cutting, uint64_t session)
{
    for (size_t i = cutting->promise_count; i-- > 0;)
        if (cutting->promises[i].session == session)
            return &cutting->promises[i];
    return NULL;
}

static struct machine *find_machine(struct cutting *cutting, const char *agent)
{
    for (size_t i = 0; i < cutting->machine_count; i++)
        if (strcmp(cutting->machines[i].agent, agent) == 0)
            return &cutting->machines[i];
    return NULL;
}

static void note_hello(struct cutting *cutting, const struct wire_hello *hello)
{
    struct machine *machine = find_machine(cutting, hello->agent);
    if (machine == NULL)
        return;
    if (machine->has_said_hello && memcmp(machine->outbox, hello->outbox, sizeof hello->outbox) != 0)
        machine->sent = 0; /* reborn */
    machine->has_said_hello = true;
    machine->epoch = hello->epoch;
    memcpy(machine->outbox, hello->outbox, sizeof hello->outbox);
    if (find_promise(cutting, hello->session) != NULL)
        return;
    if (cutting->promise_count == SESSIONS_MOST)
        stop("too many sessions", hello->agent);
    struct promise *promise = &cutting->promises[cutting->promise_count++];
    *promise = (struct promise){.session = hello->session};
    memcpy(promise->agent, hello->agent, sizeof promise->agent);
    memcpy(promise->outbox, hello->outbox, sizeof promise->outbox);
}

static void note_acknowledged(struct cutting *cutting, uint64_t session, uint64_t watermark,
                              const unsigned char chain[SEAL_HASH])
{
    struct promise *promise = find_promise(cutting, session);
    if (promise == NULL || watermark <= promise->acknowledged)
        return;
    promise->acknowledged = watermark;
    memcpy(promise->chain_acknowledged, chain, SEAL_HASH);
}

static void note_batch(struct cutting *cutting, const struct wire_batch *batch)
{
    const struct promise *promise = find_promise(cutting, batch->session);
    struct machine *machine = promise == NULL ? NULL : find_machine(cutting, promise->agent);
    if (machine == NULL || batch->seq <= machine->sent)
        return;
    machine->sent = batch->seq;
    seal_chain_next(batch->chain_before, batch->bytes, batch->length, machine->chain_sent);
}

static void note_message(struct cutting *cutting, const unsigned char *bytes, size_t length)
{
    struct wire_message message;
    memset(&message, 0, sizeof message);
    if (length < 8 || wire_decode(bytes, length, LIMIT_MESSAGE_BYTES, &message, NULL) != STATUS_OK)
        return;
    if (message.kind == WIRE_HELLO)
        note_hello(cutting, &message.hello);
    else if (message.kind == WIRE_BATCH)
        note_batch(cutting, &message.batch);
    else if (message.kind == WIRE_WELCOME)
        note_acknowledged(cutting, message.welcome.session, message.welcome.watermark, message.welcome.chain_at_watermark);
    else if (message.kind == WIRE_ACK)
        note_acknowledged(cutting, message.ack.session, message.ack.watermark, message.ack.chain_at_watermark);
    wire_release(&message);
}

/* ---- looking at an image --------------------------------------------------------------------------------------------------- */

struct look {
    struct cutting *cutting;
    const char *folder;
    size_t cut;
    enum disk_rest rest;
    bool sound;
};

static void broken(struct look *look, const char *who, const char *what, const char *detail)
{
    static const char *const rests[] = {"none", "all", "torn"};
    look->sound = false;
    if (look->cutting->shown++ < 12)
        fprintf(stderr, "broken: %s: %s%s%s (after operation %zu, unsynced: %s)\n", who, what, detail[0] == '\0' ? "" : ": ",
                detail, look->cut, rests[look->rest]);
}

static const char *say(const struct fault *why, char text[1024])
{
    fault_format(why, LANGUAGE_EN, text, 1024);
    return text;
}

static void look_at_promises(struct look *look, struct store *store)
{
    struct fault why = {0};
    char text[1024];
    for (size_t i = 0; i < look->cutting->promise_count && look->sound; i++) {
        const struct promise *promise = &look->cutting->promises[i];
        unsigned char chain[SEAL_HASH];
        struct stream stream;
        bool found = false, has_chain = false;
        if (promise->acknowledged == 0)
            continue;
        look->cutting->checked++;
        if (store_stream(store, promise->agent, promise->outbox, &found, &stream, &why) != STATUS_OK ||
            store_chain_at(store, promise->agent, promise->outbox, promise->acknowledged, chain, &has_chain, &why) !=
                STATUS_OK)
            broken(look, "aggregator", "cannot be read", say(&why, text));
        else if (!found || stream.watermark < promise->acknowledged)
            broken(look, "aggregator", "an acknowledged batch is lost", promise->agent);
        else if (!has_chain || memcmp(chain, promise->chain_acknowledged, SEAL_HASH) != 0)
            broken(look, "aggregator", "another batch is in the place of an acknowledged one", promise->agent);
    }
}

static void look_at_store(struct look *look)
{
    char path[PATH_MAX], text[1024];
    struct store *store = NULL;
    struct fault why = {0};
    struct verification found;
    uint64_t head = 0;
    int64_t received_at = 0;
    unsigned char hash[SEAL_HASH];
    join(path, look->folder, "data/suanpan.db", "");
    if (store_open(path, STORE_WRITE, &store, &why) != STATUS_OK) {
        broken(look, "aggregator", "does not open", say(&why, text));
        return;
    }
    look_at_promises(look, store);
    if (store_head(store, &head, hash, &received_at, &why) != STATUS_OK)
        broken(look, "aggregator", "has no head", say(&why, text));
    store_close(&store);
    if (!look->sound || head == 0)
        return;
    const struct verify_request request = {.path = path, .full = true};
    memset(&found, 0, sizeof found);
    if (verify_store(&request, &found, &why) != STATUS_OK)
        broken(look, "aggregator", "cannot be verified", say(&why, text));
    for (size_t i = 0; i < found.count && look->sound; i++)
        if (found.rows[i].result == VERIFY_BAD)
            broken(look, "aggregator", found.rows[i].check, found.rows[i].detail);
}

static bool hash_of(const char *path, unsigned char ret_hash[SEAL_HASH])
{
    unsigned char part[65536];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    struct seal_hasher *hasher = seal_hasher_new();
    while ((got = fread(part, 1, sizeof part, file)) > 0)
        seal_hasher_add(hasher, part, got);
    seal_hasher_finish(&hasher, ret_hash);
    (void)fclose(file);
    return true;
}

/* What the files of a folder hold; read once an image, not once a file that is looked for. */
struct shelf {
    unsigned char (*hashes)[SEAL_HASH];
    size_t count, capacity;
};

struct shelves {
    struct shelf inbox, done, refused;
};

static void fill_shelf(struct shelf *shelf, const char *folder)
{
    char path[PATH_MAX];
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.')
            continue;
        join(path, folder, entry->d_name, "");
        shelf->hashes = memory_grow(shelf->hashes, &shelf->capacity, shelf->count + 1, sizeof *shelf->hashes);
        if (hash_of(path, shelf->hashes[shelf->count]))
            shelf->count++;
    }
    (void)closedir(entries);
}

/* How often a file of these bytes is there. */
static size_t count_of(const struct shelf *shelf, const unsigned char hash[SEAL_HASH])
{
    size_t count = 0;
    for (size_t i = 0; i < shelf->count; i++)
        count += memcmp(shelf->hashes[i], hash, SEAL_HASH) == 0 ? 1 : 0;
    return count;
}

static bool is_there(const char *folder, const char *name, const char *ending)
{
    char path[PATH_MAX];
    struct stat about;
    return snprintf(path, sizeof path, "%s/%s%s", folder, name, ending) < PATH_MAX && stat(path, &about) == 0 &&
           about.st_size > 0;
}

/* Files are named by what will become of them: *rows* has rows that the collector refuses, *whole* is refused whole. */
static void look_at_file(struct look *look, const struct machine *machine, const struct file *file, struct outbox *outbox,
                         const struct shelves *shelves)
{
    char inbox[PATH_MAX], refused[PATH_MAX];
    struct fault why = {0};
    bool known = false;
    int64_t taken_at;
    join(inbox, look->folder, "inbox", machine->agent);
    join(refused, inbox, "refused", "");
    const size_t waiting = count_of(&shelves->inbox, file->hash), moved = count_of(&shelves->done, file->hash),
                 put_away = count_of(&shelves->refused, file->hash);
    look->cutting->checked++;
    if (outbox_knows_file(outbox, file->hash, &known, &taken_at, &why) != STATUS_OK)
        broken(look, machine->agent, "the outbox cannot be read", file->name);
    else if (waiting + moved + put_away == 0)
        broken(look, machine->agent, "a file is gone", file->name);
    else if (moved > 1 || put_away > 1 || waiting > 1)
        broken(look, machine->agent, "a file is there twice", file->name);
    else if (moved == 1 && !known)
        broken(look, machine->agent, "a file is in done/ and the outbox does not know it", file->name);
    else if (put_away == 1 && waiting == 0 && !is_there(refused, file->name, ".reason.txt"))
        broken(look, machine->agent, "a file is in refused/ without its reason", file->name);
    else if (known && strstr(file->name, "rows") != NULL && !is_there(inbox, file->name, ".refused.csv"))
        broken(look, machine->agent, "a file's refused rows are gone", file->name);
}

static void look_at_files(struct look *look, const struct machine *machine, struct outbox *outbox)
{
    struct shelves shelves = {0};
    char inbox[PATH_MAX], below[PATH_MAX];
    join(inbox, look->folder, "inbox", machine->agent);
    fill_shelf(&shelves.inbox, inbox);
    join(below, inbox, "done", "");
    fill_shelf(&shelves.done, below);
    join(below, inbox, "refused", "");
    fill_shelf(&shelves.refused, below);
    for (size_t i = 0; i < machine->file_count && look->sound; i++)
        look_at_file(look, machine, &machine->files[i], outbox, &shelves);
    free(shelves.inbox.hashes);
    free(shelves.done.hashes);
    free(shelves.refused.hashes);
}

static void look_at_sent(struct look *look, const struct machine *machine, struct outbox *outbox)
{
    struct outbox_identity identity;
    unsigned char chain[SEAL_HASH];
    struct fault why = {0};
    outbox_identity(outbox, &identity);
    if (!machine->has_said_hello)
        return;
    look->cutting->checked++;
    if (memcmp(identity.id, machine->outbox, sizeof identity.id) != 0)
        broken(look, machine->agent, "the outbox is another one", "");
    else if (identity.epoch <= machine->epoch)
        broken(look, machine->agent, "the epoch went back", "");
    else if (machine->sent > identity.high)
        broken(look, machine->agent, "a batch that left is lost", "");
    else if (machine->sent > 0 && (outbox_chain(outbox, machine->sent, chain, &why) != STATUS_OK ||
                                   memcmp(chain, machine->chain_sent, SEAL_HASH) != 0))
        broken(look, machine->agent, "another batch has the number of one that left", "");
}

static void look_at_outbox(struct look *look, const struct machine *machine)
{
    char path[PATH_MAX], text[1024];
    struct outbox *outbox = NULL;
    struct fault why = {0};
    join(path, look->folder, "outbox", machine->agent);
    if (outbox_open(path, machine->agent, machine->key.sign, &outbox, &why) != STATUS_OK) {
        broken(look, machine->agent, "the outbox does not open", say(&why, text));
        return;
    }
    if (outbox_was_rescued(outbox, &why))
        broken(look, machine->agent, "a power cut damaged the outbox", say(&why, text));
    look_at_sent(look, machine, outbox);
    look_at_files(look, machine, outbox);
    outbox_close(&outbox);
}

/* ---- images ------------------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_folder(const char *path)
{
    struct stat about;
    if (lstat(path, &about) == 0)
        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_machine(const struct disk *disk, const struct machine *machine, enum disk_rest rest, const char *folder)
{
    char below[128];
    if (machine == NULL) {
        disk_write(disk, "data", rest, folder);
        return;
    }
    /* One machine, one disk, one fate: the outbox lies beside the inbox. */
    (void)snprintf(below, sizeof below, "inbox/%s", machine->agent);
    disk_write(disk, below, rest, folder);
    (void)snprintf(below, sizeof below, "outbox/%s", machine->agent);
    disk_write(disk, below, rest, folder);
}

static enum disk_rest draw_rest(void)
{
    const uint32_t roll = draw_below(10);
    return roll < 2 ? DISK_NONE : roll < 3 ? DISK_ALL : DISK_TORN;
}

static void look_at_image(struct cutting *cutting, const struct disk *disk, size_t which, size_t cut, enum disk_rest rest)
{
    char folder[PATH_MAX];
    const struct machine *machine = which == 0 ? NULL : &cutting->machines[which - 1];
    struct look look = {.cutting = cutting, .folder = folder, .cut = cut, .rest = rest, .sound = true};
    join(folder, cutting->scratch, "image", "");
    remove_folder(folder);
    (void)mkdir(folder, 0700);
    write_machine(disk, machine, rest, folder);
    if (machine == NULL)
        look_at_store(&look);
    else
        look_at_outbox(&look, machine);
    cutting->broken += look.sound ? 0 : 1;
}

/* For the real programs: one machine loses its power, or all of them at once. */
static void keep_image(struct cutting *cutting, const struct disk *disk, const char *folder, size_t number)
{
    char path[PATH_MAX];
    const size_t unlucky = draw_below((uint32_t)cutting->machine_count + 2); /* the last: all */
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", number);
    join(path, folder, text, "");
    (void)mkdir(path, 0700);
    for (size_t i = 0; i <= cutting->machine_count; i++)
        write_machine(disk, i == 0 ? NULL : &cutting->machines[i - 1],
                      unlucky == i || unlucky == cutting->machine_count + 1 ? draw_rest() : DISK_ALL, path);
}

/* ---- the run ------------------------------------------------------------------------------------------------------------------- */

static void read_log(struct cutting *cutting, const char *path)
{
    struct stat about;
    const int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &about) != 0 || about.st_size == 0)
        stop("no log", path);
    cutting->log_length = (size_t)about.st_size;
    cutting->log = mmap(NULL, cutting->log_length, PROT_READ, MAP_PRIVATE, file, 0);
    (void)close(file);
    if (cutting->log == MAP_FAILED)
        stop("cannot read", path);
    for (size_t at = 0; at + sizeof(struct oplog_entry) <= cutting->log_length;) {
        struct oplog_entry entry;
        memcpy(&entry, cutting->log + at, sizeof entry);
        cutting->entries =
            memory_grow(cutting->entries, &cutting->entry_capacity, cutting->entry_count + 1, sizeof *cutting->entries);
        cutting->entries[cutting->entry_count++] = at;
        at += sizeof entry + entry.length;
    }
}

static void perform(struct cutting *cutting, struct disk *disk, size_t which)
{
    struct oplog_entry entry;
    const unsigned char *bytes = cutting->log + cutting->entries[which] + sizeof entry;
    memcpy(&entry, cutting->log + cutting->entries[which], sizeof entry);
    if (entry.kind == OPLOG_SEND)
        note_message(cutting, bytes, entry.length);
    else
        disk_perform(disk, &entry, bytes);
}

static void add_files(struct machine *machine, const char *base)
{
    char folder[PATH_MAX], path[PATH_MAX];
    join(folder, base, "inbox", machine->agent);
    DIR *entries = opendir(folder);
    if (entries == NULL)
        stop("no inbox", folder);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.' || strstr(entry->d_name, ".csv") == NULL || strstr(entry->d_name, ".refused.") != NULL)
            continue;
        machine->files =
            memory_grow(machine->files, &machine->file_capacity, machine->file_count + 1, sizeof *machine->files);
        struct file *file = &machine->files[machine->file_count++];
        (void)snprintf(file->name, sizeof file->name, "%s", entry->d_name);
        join(path, folder, file->name, "");
        if (!hash_of(path, file->hash))
            stop("cannot read", path);
    }
    (void)closedir(entries);
}

static void add_machines(struct cutting *cutting)
{
    char path[PATH_MAX], key[PATH_MAX + 8];
    struct fault why = {0};
    join(path, cutting->base, "inbox", "");
    DIR *entries = opendir(path);
    if (entries == NULL)
        stop("no inboxes", path);
    for (const struct dirent *entry = readdir(entries); entry != NULL && cutting->machine_count < AGENTS_MOST;
         entry = readdir(entries)) {
        if (entry->d_name[0] == '.')
            continue;
        struct machine *machine = &cutting->machines[cutting->machine_count++];
        if (snprintf(machine->agent, sizeof machine->agent, "%s", entry->d_name) >= (int)sizeof machine->agent)
            stop("too long", entry->d_name);
        join(key, cutting->root, "keys", machine->agent);
        strcat(key, ".key");
        if (keys_load_secret(key, &machine->key, &why) != STATUS_OK)
            stop("no key", key);
        add_files(machine, cutting->base);
    }
    (void)closedir(entries);
}

static int by_number(const void *left, const void *right)
{
    const size_t one = *(const size_t *)left, other = *(const size_t *)right;
    return one < other ? -1 : one > other;
}

static size_t *draw_cuts(const struct cutting *cutting, size_t count)
{
    size_t *cuts = memory_array(count, sizeof *cuts);
    for (size_t i = 0; i < count; i++)
        cuts[i] = 1 + draw_below((uint32_t)cutting->entry_count);
    if (count > 0)
        qsort(cuts, count, sizeof *cuts, by_number);
    return cuts;
}

struct wish {
    size_t images, kept;
    const char *keep;
    bool end;
    struct disk_faults faults;
};

static void cut_everywhere(struct cutting *cutting, const struct wish *wish)
{
    struct disk *disk = disk_new(cutting->base, cutting->root, wish->faults, draw());
    size_t *cuts = draw_cuts(cutting, wish->images), *kept = draw_cuts(cutting, wish->kept);
    size_t image = 0, keep = 0;
    for (size_t i = 0; i < cutting->entry_count; i++) {
        perform(cutting, disk, i);
        for (; !wish->end && image < wish->images && cuts[image] == i + 1; image++)
            look_at_image(cutting, disk, draw_below(2) == 0 ? 0 : 1 + draw_below((uint32_t)cutting->machine_count), i + 1,
                          draw_rest());
        for (; keep < wish->kept && kept[keep] == i + 1; keep++)
            keep_image(cutting, disk, wish->keep, keep + 1);
    }
    for (size_t i = 0; wish->end && i < wish->images; i++)
        look_at_image(cutting, disk, i % (cutting->machine_count + 1), cutting->entry_count,
                      i <= cutting->machine_count ? DISK_NONE : draw_rest());
    free(cuts);
    free(kept);
    disk_free(&disk);
}

static bool read_wish(int count, char *words[], struct wish *ret_wish)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], "--end") == 0) {
            ret_wish->end = true;
        } else if (strcmp(words[i], "--images") == 0 && i + 1 < count) {
            ret_wish->images = strtoull(words[++i], NULL, 10);
        } else if (strcmp(words[i], "--ignore") == 0 && i + 1 < count) {
            ret_wish->faults.log_syncs |= strcmp(words[++i], "log") == 0;
            ret_wish->faults.folder_syncs |= strcmp(words[i], "folder") == 0;
        } else if (strcmp(words[i], "--keep") == 0 && i + 2 < count) {
            ret_wish->kept = strtoull(words[++i], NULL, 10);
            ret_wish->keep = words[++i];
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char *argv[])
{
    static struct cutting cutting;
    struct wish wish = {.images = 100};
    if (argc < 5 || !read_wish(argc - 5, argv + 5, &wish)) {
        fputs("usage: powercut BASE LOG ROOT SCRATCH [--images N] [--end] [--ignore log|folder] [--keep N FOLDER]\n", stderr);
        return 2;
    }
    cutting.base = argv[1];
    cutting.root = argv[3];
    cutting.scratch = argv[4];
    if (seal_start() != STATUS_OK)
        stop("no chance", "libsodium");
    random_start("power cuts");
    add_machines(&cutting);
    read_log(&cutting, argv[2]);
    cut_everywhere(&cutting, &wish);
    printf("\noperations=%zu images=%zu promises=%llu broken=%llu\n", cutting.entry_count, wish.images,
           (unsigned long long)cutting.checked, (unsigned long long)cutting.broken);
    return 0;
}
