/* damage.c - spoils files at random, and looks what is made of them.
 *
 *   damage store BIN TEMPLATE SCRATCH N RIGHT    TEMPLATE/data, and what `query` answers of the sound store
 *   damage outbox KEY TEMPLATE SCRATCH N AGENT   TEMPLATE/outbox/AGENT
 *
 * Bytes are flipped, sectors and pages zeroed, files cut off, the write-ahead log or its index deleted. A store has to answer
 * as the sound one does, or say what is wrong; where its log was spoilt it may be an earlier state of itself, and must verify
 * as such. An outbox has to open whatever was done to it, and to hold nothing but what it held; if anything on its way is
 * missing it must have said so. Prints "mutations=N harmless=N detected=N earlier=N wrong=N". */
#define _XOPEN_SOURCE 700
#include "keys.h"
#include "limit.h"
#include "memory.h"
#include "outbox.h"
#include "random.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SECTOR = 512, BATCHES = 4096, CRASHED = 200 };

static unsigned char batches[BATCHES][SEAL_HASH]; /* of the sound outbox */
static size_t batch_count, pending_count;
static size_t harmless, detected, earlier, wrong;

static void stop(const char *what, const char *path)
{
    fprintf(stderr, "damage: %s: %s\n", what, path);
    exit(2);
}

static void join(char ret_path[PATH_MAX], const char *folder, const char *name)
{
    if (snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
        stop("too long", folder);
}

static unsigned char *read_whole(const char *path, size_t *ret_length)
{
    unsigned char *bytes = NULL;
    size_t length = 0, capacity = 0, got;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    do {
        bytes = memory_grow(bytes, &capacity, length + 65536, 1);
        got = fread(bytes + length, 1, 65536, file);
        length += got;
    } while (got > 0);
    (void)fclose(file);
    *ret_length = length;
    return bytes;
}

static void write_whole(const char *path, const unsigned char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        stop("cannot write", path);
}

/* ---- one mutation ------------------------------------------------------------------------------------------------------------ */

/* What was done, for the one who has to find out why it mattered. */
struct mutation {
    char text[512];
    bool log_only; /* nothing but the write-ahead log or its index was touched */
};

static void spoil_bytes(unsigned char *bytes, size_t length, struct mutation *mutation, const char *name)
{
    const uint32_t count = 1 + draw_below(64);
    const uint32_t how = draw_below(4);
    size_t first = 0;
    for (uint32_t i = 0; i < count && length > 0; i++) {
        size_t at = draw() % length;
        first = i == 0 ? at : first;
        if (how == 0)
            bytes[at] ^= (unsigned char)(1u << draw_below(8));
        else if (how == 1)
            bytes[at] = (unsigned char)draw();
        else {
            const size_t unit = how == 2 ? SECTOR : PAGE;
            at -= at % unit;
            memset(bytes + at, 0, length - at < unit ? length - at : unit);
        }
        if (draw_below(3) == 0) /* mostly a few, now and then many */
            break;
    }
    (void)snprintf(mutation->text, sizeof mutation->text, "%s: kind %u, up to %u times, first at %zu of %zu", name, how, count,
                   first, length);
}

static void mutate(const char *folder, const char *database, struct mutation *ret_mutation)
{
    static const char *const endings[] = {"", "-wal"};
    char path[PATH_MAX], name[128];
    size_t length = 0;
    const uint32_t roll = draw_below(100);
    ret_mutation->log_only = roll >= 60;
    (void)snprintf(name, sizeof name, "%s%s", database, endings[ret_mutation->log_only]);
    join(path, folder, name);
    unsigned char *bytes = read_whole(path, &length);
    if (bytes == NULL)
        stop("cannot read", path);
    if (roll % 10 == 9) { /* of either file */
        (void)snprintf(ret_mutation->text, sizeof ret_mutation->text, "%s deleted", name);
        if (ret_mutation->log_only)
            (void)unlink(path);
        else
            write_whole(path, bytes, 0);
    } else if (roll % 10 == 8) {
        const size_t kept = length == 0 ? 0 : draw() % length;
        (void)snprintf(ret_mutation->text, sizeof ret_mutation->text, "%s cut to %zu of %zu", name, kept, length);
        write_whole(path, bytes, kept);
    } else {
        spoil_bytes(bytes, length, ret_mutation, name);
        write_whole(path, bytes, length);
    }
    free(bytes);
}

static void copy_files(const char *from, const char *to)
{
    char source[PATH_MAX], target[PATH_MAX];
    struct stat about;
    DIR *entries = opendir(to);
    for (const struct dirent *entry = entries == NULL ? NULL : readdir(entries); entry != NULL; entry = readdir(entries)) {
        join(target, to, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)unlink(target);
    }
    if (entries != NULL)
        (void)closedir(entries);
    (void)mkdir(to, 0700);
    entries = opendir(from);
    if (entries == NULL)
        stop("cannot read", from);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        size_t length = 0;
        const size_t name = strlen(entry->d_name);
        join(source, from, entry->d_name);
        join(target, to, entry->d_name);
        if (stat(source, &about) != 0 || !S_ISREG(about.st_mode) || (name > 4 && strcmp(entry->d_name + name - 4, "-shm") == 0))
            continue;
        unsigned char *bytes = read_whole(source, &length);
        write_whole(target, bytes, length);
        (void)chmod(target, 0600);
        free(bytes);
    }
    (void)closedir(entries);
}

static void tell(const char *what, const struct mutation *mutation, const char *detail)
{
    wrong++;
    fprintf(stderr, "wrong: %s (%s)%s%s\n", what, mutation->text, detail[0] == '\0' ? "" : ": ", detail);
}

/* ---- a store ------------------------------------------------------------------------------------------------------------------ */

/* Exit code of a program, CRASHED + signal when it was killed; its output in `output`. */
static int run(const char *output, char *const words[])
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        const int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600), trouble = open("/dev/null", O_WRONLY);
        (void)dup2(file, STDOUT_FILENO);
        (void)dup2(trouble, STDERR_FILENO);
        (void)execv(words[0], words);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        stop("cannot start", words[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : CRASHED + WTERMSIG(status);
}

static int ask_store(const char *program, const char *store, const char *output, bool verify)
{
    char *const query[] = {(char *)(uintptr_t)program, "--store", (char *)(uintptr_t)store, "--format", "csv", "--lang", "en",
                           "query", "homes,fee", "--level", "town", "--period", "1990..2030", "--by", "month", NULL};
    char *const proof[] = {(char *)(uintptr_t)program, "--store", (char *)(uintptr_t)store, "--format", "csv", "--lang", "en",
                           "verify", "--full", NULL};
    return run(output, verify ? proof : query);
}

static bool same_file(const char *one, const char *other)
{
    size_t length = 0, other_length = 0;
    unsigned char *bytes = read_whole(one, &length), *others = read_whole(other, &other_length);
    const bool same = bytes != NULL && others != NULL && length == other_length && memcmp(bytes, others, length) == 0;
    free(bytes);
    free(others);
    return same;
}

static void judge_store(const char *program, const char *folder, const char *right, const struct mutation *mutation)
{
    char store[PATH_MAX + 32], answer[PATH_MAX], proof[PATH_MAX];
    (void)snprintf(store, sizeof store, "sqlite:%s/suanpan.db", folder);
    join(answer, folder, "answer.csv");
    join(proof, folder, "proof.csv");
    const int query = ask_store(program, store, answer, false);
    const int verify = ask_store(program, store, proof, true);
    const bool same = query == 0 && same_file(answer, right);
    if (query >= CRASHED || verify >= CRASHED)
        tell("a crash", mutation, query >= CRASHED ? "query" : "verify");
    else if (same && verify == 0)
        harmless++;
    else if (query != 0 || same)
        detected++;
    else if (verify == 0 && mutation->log_only)
        earlier++;
    else
        tell(verify == 0 ? "another answer, and verify finds nothing" : "another answer without a word", mutation, "");
}

static void spoil_stores(char *words[], size_t count)
{
    char program[PATH_MAX], template[PATH_MAX], folder[PATH_MAX];
    join(program, words[0], "suanpan");
    join(template, words[1], "data");
    join(folder, words[2], "data");
    for (size_t i = 0; i < count; i++) {
        struct mutation mutation;
        copy_files(template, folder);
        mutate(folder, "suanpan.db", &mutation);
        judge_store(program, folder, words[4], &mutation);
    }
}

/* ---- an outbox ------------------------------------------------------------------------------------------------------------------ */

static bool was_there(const unsigned char hash[SEAL_HASH])
{
    for (size_t i = 0; i < batch_count; i++)
        if (memcmp(batches[i], hash, SEAL_HASH) == 0)
            return true;
    return false;
}

/* Batches held; false when one of them cannot be had. remember: they are the sound outbox's. */
static bool look_through(struct outbox *outbox, bool remember, size_t *ret_pending, bool *ret_strange)
{
    struct outbox_identity identity;
    outbox_identity(outbox, &identity);
    *ret_pending = 0;
    for (uint64_t seq = identity.low; seq <= identity.high; seq++) {
        const unsigned char *bytes = NULL;
        unsigned char before[SEAL_HASH], hash[SEAL_HASH], signature[SEAL_SIGNATURE];
        size_t length = 0;
        struct fault why = {0};
        if (outbox_batch(outbox, seq, &bytes, &length, before, signature, &why) != STATUS_OK) {
            if (seq > identity.highest_acked)
                return false;
            continue;
        }
        *ret_pending += seq > identity.highest_acked;
        seal_hash(bytes, length, hash);
        if (remember && batch_count < BATCHES)
            memcpy(batches[batch_count++], hash, SEAL_HASH);
        else if (seq > identity.highest_acked && !was_there(hash))
            *ret_strange = true;
    }
    return true;
}

enum verdict { SOUND, RESCUED, CLOSED, BROKEN_OFF, STRANGE, SILENT };

/* In a process of its own, which may crash. */
static int try_outbox(const char *folder, const char *agent, const struct secret_key *key)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        struct outbox *outbox = NULL;
        struct fault why = {0};
        char text[1024];
        size_t pending = 0;
        bool strange = false;
        if (outbox_open(folder, agent, key->sign, &outbox, &why) != STATUS_OK) {
            fault_format(&why, LANGUAGE_EN, text, sizeof text);
            fprintf(stderr, "closed: %s\n", text);
            _exit(CLOSED);
        }
        const bool rescued = outbox_was_rescued(outbox, &why);
        if (!look_through(outbox, false, &pending, &strange))
            _exit(BROKEN_OFF);
        _exit(strange ? STRANGE : rescued ? RESCUED : pending < pending_count ? SILENT : SOUND);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        stop("cannot start", folder);
    return WIFEXITED(status) ? WEXITSTATUS(status) : CRASHED + WTERMSIG(status);
}

static void spoil_outboxes(char *words[], size_t count)
{
    static const char *const verdicts[] = {[CLOSED] = "it does not open", [BROKEN_OFF] = "a batch on its way cannot be had",
                                           [STRANGE] = "a batch that never was",
                                           [SILENT] = "batches are missing without a word"};
    char template[PATH_MAX], folder[PATH_MAX], below[PATH_MAX];
    struct secret_key key;
    struct outbox *outbox = NULL;
    struct fault why = {0};
    bool strange = false;
    join(below, words[1], "outbox");
    join(template, below, words[4]);
    join(folder, words[2], "outbox");
    copy_files(template, folder);
    if (keys_load_secret(words[0], &key, &why) != STATUS_OK ||
        outbox_open(folder, words[4], key.sign, &outbox, &why) != STATUS_OK ||
        !look_through(outbox, true, &pending_count, &strange))
        stop("the sound outbox", folder);
    outbox_close(&outbox);
    for (size_t i = 0; i < count; i++) {
        struct mutation mutation;
        copy_files(template, folder);
        mutate(folder, "outbox.db", &mutation);
        const int verdict = try_outbox(folder, words[4], &key);
        if (verdict >= CRASHED)
            tell("a crash", &mutation, "");
        else if (verdict == SOUND)
            harmless++;
        else if (verdict == RESCUED)
            detected++;
        else if (verdict == SILENT && mutation.log_only)
            earlier++;
        else
            tell(verdicts[verdict], &mutation, "");
    }
}

int main(int argc, char *argv[])
{
    if (argc != 7 || (strcmp(argv[1], "store") != 0 && strcmp(argv[1], "outbox") != 0)) {
        fputs("usage: damage store BIN TEMPLATE SCRATCH N RIGHT | damage outbox KEY TEMPLATE SCRATCH N AGENT\n", stderr);
        return 2;
    }
    const size_t count = strtoull(argv[5], NULL, 10);
    if (seal_start() != STATUS_OK)
        stop("no chance", "libsodium");
    random_start("damage");
    if (argv[1][0] == 's')
        spoil_stores(argv + 2, count);
    else
        spoil_outboxes(argv + 2, count);
    printf("\nmutations=%zu harmless=%zu detected=%zu earlier=%zu wrong=%zu\n", count, harmless, detected, earlier, wrong);
    return 0;
}
