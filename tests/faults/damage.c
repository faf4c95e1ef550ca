/* damage.c - spoils files at random, and looks what the programs make of them.
 *
 *   damage store BIN N ANSWERS       in a city's folder: template/data, older/data (an earlier copy), aggregator.yaml;
 *                                    ANSWERS/0, 1 ...: what `query` said after each commit, the last as it is now
 *   damage outbox KEY N AGENT        template/outbox/AGENT, older/outbox/AGENT
 *   ... COMMAND                      control: done to the copy instead of what chance says
 *
 * Bits are flipped, bytes, sectors and pages zeroed, 1 to 64 of them; files are cut off, emptied, the write-ahead log or its
 * index deleted, an older copy swapped in. A store is asked as it lies and by an aggregator started on it: the answer is the
 * right one, or there is none and it is said why; where the log was touched or the file swapped it may be that of an earlier
 * commit, never one that never was. An outbox opens whatever was done to it, holds nothing but what it held, says so when anything on its
 * way is missing, and opens again in peace. Prints "mutations=N harmless=N said=N earlier=N wrong=N". */
#define _XOPEN_SOURCE 700
#include "keys.h"
#include "memory.h"
#include "outbox.h"
#include "random.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SECTOR = 512, MOST = 64, BATCHES = 4096, CRASHED = 200, PATIENCE = 6000 };

static size_t harmless, said, earlier, wrong;
static const char *command; /* of a control */

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
    if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0 || chmod(path, 0600) != 0)
        stop("cannot write", path);
}

/* `to` becomes what `from` is; folders are not looked into. */
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
        join(source, from, entry->d_name);
        join(target, to, entry->d_name);
        if (stat(source, &about) != 0 || !S_ISREG(about.st_mode))
            continue;
        unsigned char *bytes = read_whole(source, &length);
        if (bytes == NULL)
            stop("cannot read", source);
        write_whole(target, bytes, length);
        free(bytes);
    }
    (void)closedir(entries);
}

/* ---- one mutation ------------------------------------------------------------------------------------------------------------ */

/* What was done, for the one who has to find out why it mattered. */
struct mutation {
    char text[512];
    bool may_be_earlier; /* the log was touched, or the file swapped for an older one */
};

static void spoil_bytes(unsigned char *bytes, size_t length, struct mutation *mutation, const char *name)
{
    static const char *const kinds[] = {"bits flipped", "bytes drawn", "sectors zeroed", "pages zeroed"};
    const uint32_t count = draw_below(2) == 0 ? 1 : 1 + draw_below(MOST), how = draw_below(4);
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
    }
    (void)snprintf(mutation->text, sizeof mutation->text, "%s: %s, %u times, first at %zu of %zu", name, kinds[how], count, first,
                   length);
}

static void mutate_file(const char *folder, const char *name, uint32_t how, struct mutation *mutation)
{
    char path[PATH_MAX];
    size_t length = 0;
    join(path, folder, name);
    unsigned char *bytes = read_whole(path, &length);
    if (bytes == NULL)
        stop("cannot read", path);
    if (how < 8) {
        spoil_bytes(bytes, length, mutation, name);
        write_whole(path, bytes, length);
    } else {
        const size_t kept = how == 8 || length == 0 ? 0 : draw() % length;
        (void)snprintf(mutation->text, sizeof mutation->text, "%s: cut to %zu of %zu", name, kept, length);
        write_whole(path, bytes, kept);
    }
    free(bytes);
}

static void remove_files(const char *folder, const char *name, bool log, bool index)
{
    char path[PATH_MAX + 8], base[PATH_MAX];
    join(base, folder, name);
    (void)snprintf(path, sizeof path, "%s-wal", base);
    if (log && unlink(path) != 0)
        stop("cannot delete", path);
    (void)snprintf(path, sizeof path, "%s-shm", base);
    if (index)
        (void)unlink(path); /* not every copy has one */
}

static void swap_older(const char *folder, const char *older, const char *name, bool log_too)
{
    char from[PATH_MAX], to[PATH_MAX];
    size_t length = 0;
    join(from, older, name);
    join(to, folder, name);
    unsigned char *bytes = read_whole(from, &length);
    if (bytes == NULL)
        stop("cannot read", from);
    write_whole(to, bytes, length);
    free(bytes);
    if (log_too)
        remove_files(folder, name, true, true);
}

static void mutate(const char *folder, const char *older, const char *database, struct mutation *ret_mutation)
{
    char log[64], line[PATH_MAX + 1024];
    const uint32_t what = draw_below(100), how = draw_below(10);
    memset(ret_mutation, 0, sizeof *ret_mutation);
    (void)snprintf(log, sizeof log, "%s-wal", database);
    if (command != NULL) {
        (void)snprintf(ret_mutation->text, sizeof ret_mutation->text, "%s", command);
        (void)snprintf(line, sizeof line, "cd '%s' && %s", folder, command);
        if (system(line) != 0)
            stop("the control failed", command);
    } else if (what < 60) {
        mutate_file(folder, database, how, ret_mutation);
        if (what < 15) { /* the damage meets a store that was closed in peace */
            remove_files(folder, database, true, true);
            ret_mutation->may_be_earlier = true;
        }
    } else if (what < 85) {
        mutate_file(folder, log, how, ret_mutation);
        ret_mutation->may_be_earlier = true;
    } else if (what < 92) {
        (void)snprintf(ret_mutation->text, sizeof ret_mutation->text, "log %s index deleted", how < 5 ? "and" : "or");
        remove_files(folder, database, how < 8, how < 5 || how >= 8);
        ret_mutation->may_be_earlier = true;
    } else {
        (void)snprintf(ret_mutation->text, sizeof ret_mutation->text, "an older copy, log %s", how < 5 ? "deleted" : "left");
        swap_older(folder, older, database, how < 5);
        ret_mutation->may_be_earlier = true;
    }
}

static void tell(const char *what, const struct mutation *mutation, size_t number, const char *detail)
{
    wrong++;
    fprintf(stderr, "wrong: %s (%zu, %s): %s\n", what, number, mutation->text, detail);
}

/* DAMAGE_ONLY=n looks at that one alone, and leaves what was done to it in `folder`.only. */
static bool is_left_out(size_t number, const char *folder)
{
    char only[PATH_MAX];
    const char *wanted = getenv("DAMAGE_ONLY");
    if (wanted == NULL)
        return false;
    if (strtoull(wanted, NULL, 10) != number)
        return true;
    (void)snprintf(only, sizeof only, "%s.only", folder);
    copy_files(folder, only);
    return false;
}

/* ---- a store ------------------------------------------------------------------------------------------------------------------ */

static pid_t start(const char *output, const char *trouble, const char *const words[])
{
    const pid_t child = fork();
    if (child == 0) {
        const int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600), errors = open(trouble, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)dup2(file, STDOUT_FILENO);
        (void)dup2(errors, STDERR_FILENO);
        (void)execv(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    if (child < 0)
        stop("cannot start", words[0]);
    return child;
}

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : CRASHED + WTERMSIG(status);
}

static int run(const char *output, const char *trouble, const char *const words[])
{
    int status = 0;
    if (waitpid(start(output, trouble, words), &status, 0) < 0)
        stop("cannot wait for", words[0]);
    return code_of(status);
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

static bool has_text(const char *path, const char *text)
{
    size_t length = 0, capacity = 0;
    unsigned char *bytes = read_whole(path, &length);
    if (bytes == NULL)
        return false;
    capacity = length;
    bytes = memory_grow(bytes, &capacity, length + 1, 1);
    bytes[length] = '\0';
    const bool has = strstr((const char *)bytes, text) != NULL;
    free(bytes);
    return has;
}

enum answer { RIGHT, NONE, EARLIER, NEVER, DIED, MUTE };

/* Of an answer in answer.csv, by the exit code of who gave it and its words in `trouble`. */
static enum answer judge(int code, const char *trouble, const char *answers)
{
    char path[PATH_MAX];
    enum answer answer = NEVER;
    struct stat about;
    if (code >= CRASHED)
        return DIED;
    if (code != 0)
        return stat(trouble, &about) == 0 && about.st_size > 0 ? NONE : MUTE;
    for (int i = 0; snprintf(path, sizeof path, "%s/%d", answers, i) > 0 && access(path, F_OK) == 0; i++)
        answer = same_file("answer.csv", path) ? RIGHT : answer == RIGHT ? EARLIER : answer; /* the last one is the right one */
    return answer;
}

#define QUESTION "query", "homes,fee", "--level", "town", "--period", "1990..2030", "--by", "month"

/* As the file lies there, without an aggregator. */
static enum answer ask_file(const char *program, const char *answers)
{
    const char *const words[] = {program, "--store", "sqlite:data/suanpan.db", "--format", "csv", "--lang", "en", QUESTION, NULL};
    return judge(run("answer.csv", "answer.err", words), "answer.err", answers);
}

static int verify(const char *program)
{
    const char *const words[] = {program, "--store", "sqlite:data/suanpan.db", "--format", "csv", "--lang", "en", "verify", "--full", NULL};
    return run("proof.csv", "proof.err", words);
}

/* By an aggregator that is started on it: *ret_started is false when it ended by itself. */
static enum answer ask_aggregator(const char *aggregator, const char *program, const char *answers, bool *ret_started)
{
    const char *const words[] = {aggregator, "--config", "aggregator.yaml", "--lang", "en", NULL};
    const char *const question[] = {program, "-c", "aggregator.yaml", "--format", "csv", "--lang", "en", QUESTION, NULL};
    const struct timespec moment = {.tv_nsec = 5000000};
    int status = 0;
    const pid_t child = start("answer.csv", "answer.err", words);
    for (int i = 0; !has_text("answer.err", " ready "); i++) {
        if (waitpid(child, &status, WNOHANG) == child) {
            *ret_started = false;
            return judge(status == 0 ? 1 : code_of(status), "answer.err", answers);
        }
        if (i == PATIENCE)
            stop("neither ready nor gone", aggregator);
        (void)nanosleep(&moment, NULL);
    }
    *ret_started = true;
    const enum answer answer = judge(run("answer.csv", "question.err", question), "question.err", answers);
    (void)kill(child, SIGTERM);
    if (waitpid(child, &status, 0) != child || code_of(status) >= CRASHED)
        return DIED;
    return answer;
}

static void spoil_stores(const char *bin, size_t count, const char *answers)
{
    static const char *const words[] = {[NEVER] = "an answer that never was", [EARLIER] = "an earlier answer without reason",
                                        [DIED] = "a crash", [MUTE] = "an end without a word"};
    char program[PATH_MAX], aggregator[PATH_MAX];
    join(program, bin, "suanpan");
    join(aggregator, bin, "suanpan-aggregator");
    for (size_t i = 0; i < count; i++) {
        struct mutation mutation;
        bool started = false;
        copy_files("template/data", "data");
        mutate("data", "older/data", "suanpan.db", &mutation);
        if (is_left_out(i, "data"))
            continue;
        const enum answer lying = ask_file(program, answers);
        const int proof = i % 4 == 0 ? verify(program) : 0; /* slower than all the rest */
        const enum answer running = ask_aggregator(aggregator, program, answers, &started);
        const enum answer worse = lying > running ? lying : running;
        if (proof >= CRASHED)
            tell("a crash", &mutation, i, "verify");
        else if (worse > EARLIER || (worse == EARLIER && !mutation.may_be_earlier))
            tell(words[worse], &mutation, i, lying == worse ? "from the file" : "from the aggregator");
        else if (worse == EARLIER)
            earlier++;
        else if (worse == RIGHT && proof == 0)
            harmless++;
        else
            said++;
    }
}

/* ---- an outbox ------------------------------------------------------------------------------------------------------------------ */

static unsigned char batches[BATCHES][SEAL_HASH]; /* of the sound outbox */
static size_t batch_count, pending_count;

static bool was_there(const unsigned char hash[SEAL_HASH])
{
    for (size_t i = 0; i < batch_count; i++)
        if (memcmp(batches[i], hash, SEAL_HASH) == 0)
            return true;
    return false;
}

/* Batches on their way; false when one of them cannot be had. remember: they are the sound outbox's. */
static bool look_through(struct outbox *outbox, bool remember, size_t *ret_pending, bool *ret_strange)
{
    struct outbox_identity identity;
    outbox_identity(outbox, &identity);
    *ret_pending = 0;
    for (uint64_t seq = identity.low; seq <= identity.high; seq++) {
        const unsigned char *bytes = NULL;
        unsigned char before[SEAL_HASH], hash[SEAL_HASH], signature[SEAL_SIGNATURE];
        size_t length = 0;
        if (outbox_batch(outbox, seq, &bytes, &length, before, signature, NULL) != STATUS_OK) {
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

enum verdict { SOUND, RESCUED, CLOSED, BROKEN_OFF, STRANGE, SILENT, RESTLESS };

static enum verdict open_and_look(const char *folder, const char *agent, const struct secret_key *key)
{
    struct outbox *outbox = NULL;
    struct fault why = {0};
    char text[1024];
    size_t pending = 0;
    bool strange = false;
    if (outbox_open(folder, agent, key->sign, &outbox, &why) != STATUS_OK) {
        fault_format(&why, LANGUAGE_EN, text, sizeof text);
        fprintf(stderr, "closed: %s\n", text);
        return CLOSED;
    }
    const bool rescued = outbox_was_rescued(outbox, &why), whole = look_through(outbox, false, &pending, &strange);
    outbox_close(&outbox);
    return !whole ? BROKEN_OFF : strange ? STRANGE : rescued ? RESCUED : pending < pending_count ? SILENT : SOUND;
}

/* In a process of its own, which may crash; a second start finds nothing that would have to be mended again. */
static int try_outbox(const char *folder, const char *agent, const struct secret_key *key)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        const enum verdict first = open_and_look(folder, agent, key), second = open_and_look(folder, agent, key);
        _exit((int)(first > RESCUED || second == SOUND || second == SILENT ? first : second == RESCUED ? RESTLESS : second));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        stop("cannot start", folder);
    return code_of(status);
}

static void spoil_outboxes(const char *key_file, size_t count, const char *agent)
{
    static const char *const words[] = {[CLOSED] = "it does not open", [BROKEN_OFF] = "a batch on its way cannot be had",
                                        [STRANGE] = "a batch that never was", [SILENT] = "batches are missing without a word",
                                        [RESTLESS] = "what was mended is damaged again"};
    char template[PATH_MAX], older[PATH_MAX];
    struct secret_key key;
    struct outbox *outbox = NULL;
    bool strange = false;
    join(template, "template/outbox", agent);
    join(older, "older/outbox", agent);
    copy_files(template, "spoilt");
    if (keys_load_secret(key_file, &key, NULL) != STATUS_OK || outbox_open("spoilt", agent, key.sign, &outbox, NULL) != STATUS_OK ||
        !look_through(outbox, true, &pending_count, &strange))
        stop("the sound outbox", template);
    outbox_close(&outbox);
    for (size_t i = 0; i < count; i++) {
        struct mutation mutation;
        copy_files(template, "spoilt");
        mutate("spoilt", older, "outbox.db", &mutation);
        if (is_left_out(i, "spoilt"))
            continue;
        const int verdict = try_outbox("spoilt", agent, &key);
        if (verdict >= CRASHED)
            tell("a crash", &mutation, i, agent);
        else if (verdict == SOUND)
            harmless++;
        else if (verdict == RESCUED)
            said++;
        else if (verdict == SILENT && mutation.may_be_earlier)
            earlier++;
        else
            tell(words[verdict], &mutation, i, agent);
    }
}

int main(int argc, char *argv[])
{
    const bool of_stores = argc > 1 && strcmp(argv[1], "store") == 0;
    if ((argc != 5 && argc != 6) || (!of_stores && strcmp(argv[1], "outbox") != 0)) {
        fputs("usage: damage store BIN N ANSWERS [COMMAND] | damage outbox KEY N AGENT [COMMAND]\n", stderr);
        return 2;
    }
    const size_t count = strtoull(argv[3], NULL, 10);
    command = argc == 6 ? argv[5] : NULL;
    if (seal_start() != STATUS_OK)
        stop("no chance", "libsodium");
    random_start("damage");
    if (of_stores)
        spoil_stores(argv[2], count, argv[4]);
    else
        spoil_outboxes(argv[2], count, argv[4]);
    printf("\nmutations=%zu harmless=%zu said=%zu earlier=%zu wrong=%zu\n", count, harmless, said, earlier, wrong);
    return 0;
}
