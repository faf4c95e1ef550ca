/* kill_loop.c - one aggregator and several collectors that are killed (SIGKILL) one by one or together at random moments, and
 * at chosen calls (die_at.c), while files arrive; in the end the oracle looks for every row.
 *
 *   kill-loop [--kills N | --seconds S] [--control CONTROL] AGENT:TOWNS...
 *
 * Works in the current folder: aggregator.yaml, AGENT.yaml, inbox/AGENT and so on (tests/process/common.sh makes them).
 * --control does something that loses or doubles rows; the oracle must find it, or the run fails:
 *   pruned     what is acknowledged is thrown out of the outboxes at once, and the store falls back to an earlier copy
 *   twice      a file is delivered again with one byte more, so that no hash tells that it is the same
 *   vanished   a file leaves an inbox before it was taken
 *   silent     the refused rows of a file vanish
 * --seconds runs a soak: longer, with a kill now and then, and the aggregator's memory, descriptors and write-ahead log are
 * measured. Prints "counts: ..."; exit 0 as expected, 1 not, 2 when the harness itself cannot go on. */
#define _GNU_SOURCE
#include "oracle.h"

#include "memory.h"
#include "seal.h"

#include "../random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAITING_MOST = 12, BIG_EVERY = 60, DRAIN_SECONDS = 300 };

struct program {
    const char *binary;
    char config[96], log[96];
    pid_t pid;
    int64_t born_ms;
    bool doomed;  /* this life ends at a chosen call */
    bool ready;
};

struct run {
    size_t agent_count;
    const char *agents[ORACLE_AGENTS_MOST], *towns[ORACLE_AGENTS_MOST];
    struct program programs[ORACLE_AGENTS_MOST + 1]; /* the aggregator is the first */
    struct oracle *oracle;
    uint64_t kills, deaths;   /* by us; at a chosen call */
    int notices;              /* where the aggregator says READY=1 */
    uint64_t starts;
    int64_t start_sum_ms, start_most_ms;
    bool with_preload;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void cannot(const char *what)
{
    fprintf(stderr, "kill-loop: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ---- programs ----------------------------------------------------------------------------------------------------------- */

static void doom(const struct run *run, struct program *program)
{
    static const char *const calls[] = {"sync", "write", "move", "send"};
    static const uint32_t most[] = {30, 150, 30, 40};
    const char *ahead = getenv("SUANPAN_AHEAD"); /* a sanitizer's library, which has to come first */
    char number[16], library[1024];
    const uint32_t call = draw_below(4);
    program->doomed = run->with_preload && draw_below(2) == 0;
    if (!program->doomed)
        return;
    (void)snprintf(number, sizeof number, "%" PRIu32, 1 + draw_below(most[call]));
    (void)setenv("DIE_CALL", calls[call], 1);
    (void)setenv("DIE_WHEN", draw_below(2) == 0 ? "before" : "after", 1);
    (void)setenv("DIE_AT", number, 1);
    (void)snprintf(library, sizeof library, "%s%s", ahead == NULL ? "" : ahead, BINARY_FOLDER "/die_at.so");
    (void)setenv("LD_PRELOAD", library, 1);
}

static void start(struct run *run, struct program *program, bool may_be_doomed)
{
    program->ready = program->doomed = false;
    (void)setenv("NOTIFY_SOCKET", program == run->programs ? "@" : "", 1);
    if (program == run->programs) {
        char path[256], here[200];
        if (getcwd(here, sizeof here) == NULL)
            cannot("getcwd");
        (void)snprintf(path, sizeof path, "%s/notices", here);
        (void)setenv("NOTIFY_SOCKET", path, 1);
    } else {
        (void)unsetenv("NOTIFY_SOCKET");
    }
    if (may_be_doomed)
        doom(run, program);
    program->born_ms = now_ms();
    program->pid = fork();
    if (program->pid < 0)
        cannot("fork");
    if (program->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left behind */
        const int log = open(program->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
            _exit(126);
        (void)execl(program->binary, program->binary, "--config", program->config, "--lang", "en", (char *)NULL);
        _exit(127);
    }
    if (program->doomed) /* what else stands ahead of the programs stays for the next life */
        (void)unsetenv("LD_PRELOAD");
}

/* Any other end than SIGKILL is a fault of the program. */
static void bury(const struct program *program, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return;
    fprintf(stderr, "kill-loop: %s ended by itself: %s %d\n", program->config, WIFSIGNALED(status) ? "signal" : "exit",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    exit(1);
}

static void kill_one(struct run *run, struct program *program)
{
    int status = 0;
    (void)kill(program->pid, SIGKILL);
    if (waitpid(program->pid, &status, 0) != program->pid)
        cannot("waitpid");
    bury(program, status);
    run->kills++;
}

static void notice_deaths(struct run *run)
{
    for (size_t i = 0; i <= run->agent_count; i++) {
        struct program *program = &run->programs[i];
        int status = 0;
        if (waitpid(program->pid, &status, WNOHANG) != program->pid)
            continue;
        if (!program->doomed) {
            fprintf(stderr, "kill-loop: nobody killed %s\n", program->config);
            exit(1);
        }
        bury(program, status);
        run->deaths++;
        start(run, program, true);
    }
}

static void hear_ready(struct run *run)
{
    char text[64];
    while (recv(run->notices, text, sizeof text, MSG_DONTWAIT) > 0) {
        struct program *aggregator = run->programs;
        if (aggregator->ready || strncmp(text, "READY=1", 7) != 0)
            continue;
        const int64_t took = now_ms() - aggregator->born_ms;
        aggregator->ready = true;
        run->starts++;
        run->start_sum_ms += took;
        run->start_most_ms = took > run->start_most_ms ? took : run->start_most_ms;
    }
}

/* Lets time pass; whoever dies at a chosen call meanwhile starts again. */
static void pass(struct run *run, int64_t ms)
{
    const int64_t until = now_ms() + ms;
    for (int64_t left = ms; left > 0; left = until - now_ms()) {
        struct pollfd wait = {run->notices, POLLIN, 0};
        (void)poll(&wait, 1, left > 5 ? 5 : (int)left);
        hear_ready(run);
        notice_deaths(run);
    }
}

static void stop(struct run *run, struct program *program)
{
    int status = 0;
    (void)run;
    (void)kill(program->pid, SIGTERM);
    if (waitpid(program->pid, &status, 0) != program->pid)
        cannot("waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "kill-loop: %s did not stop in good order (%d)\n", program->config, status);
        exit(1);
    }
}

/* Nobody is doomed any more. */
static void start_calmly(struct run *run, struct program *program)
{
    kill_one(run, program);
    run->kills--;
    start(run, program, false);
}

/* ---- the run ------------------------------------------------------------------------------------------------------------ */

static void feed(struct run *run)
{
    static uint64_t fed;
    for (size_t i = 0; i < run->agent_count; i++)
        if (draw_below(2) == 0 && oracle_waiting(run->oracle, i) < WAITING_MOST)
            oracle_put(run->oracle, i, ++fed % BIG_EVERY == 0);
}

/* Whoever is to die at a chosen call is left in peace until it gets there. */
static bool is_spared(const struct program *program)
{
    return program->doomed && now_ms() - program->born_ms < 1500;
}

static void kill_some(struct run *run)
{
    const uint32_t whom = draw_below(10); /* 0-3 aggregator, 4-7 a collector, 8-9 both at once */
    struct program *aggregator = run->programs, *collector = &run->programs[1 + draw_below((uint32_t)run->agent_count)];
    const bool kills_aggregator = (whom < 4 || whom > 7) && !is_spared(aggregator);
    const bool kills_collector = whom > 3 && !is_spared(collector);
    if (kills_aggregator)
        kill_one(run, aggregator);
    if (kills_collector)
        kill_one(run, collector);
    if (kills_aggregator)
        start(run, aggregator, true);
    if (kills_collector)
        start(run, collector, true);
}

/* Now and then things go on until the aggregator works again, however busy the machine is. */
static void await_ready(struct run *run)
{
    const int64_t until = now_ms() + 5000;
    while (!run->programs[0].ready && now_ms() < until)
        pass(run, 10);
}

/* Everything in the inboxes and outboxes arrives, without further accidents. False when a collector cannot get rid of its
 * batches. */
static bool drain(struct run *run, int seconds)
{
    bool drained = true;
    for (size_t i = 0; i <= run->agent_count; i++)
        start_calmly(run, &run->programs[i]);
    for (int64_t until = now_ms() + 20000; !run->programs[0].ready && now_ms() < until;)
        pass(run, 20);
    for (size_t i = 1; i <= run->agent_count; i++) {
        char command[512];
        kill_one(run, &run->programs[i]);
        run->kills--;
        (void)snprintf(command, sizeof command, "%s --config %s --once --timeout %d --lang en >>%s 2>&1",
                       run->programs[i].binary, run->programs[i].config, seconds, run->programs[i].log);
        const int status = system(command);
        if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 3)) {
            printf("  %s: --once ends with exit %d\n", run->agents[i - 1], WEXITSTATUS(status));
            drained = false;
        }
    }
    stop(run, run->programs);
    return drained;
}

static void shell(const char *command)
{
    if (system(command) != 0)
        cannot(command);
}

/* ---- controls ------------------------------------------------------------------------------------------------------------ */

static void remember_store(struct run *run)
{
    kill_one(run, run->programs);
    shell("rm -rf data.then && cp -r data data.then");
    start(run, run->programs, true);
}

/* After everything arrived: something the delivery is not made to survive. */
static void do_harm(struct run *run, const char *control)
{
    char command[512];
    if (strcmp(control, "pruned") == 0) {
        shell("rm -rf data && cp -r data.then data && rm -f data/*.sock");
        for (size_t i = 0; i < run->agent_count; i++) {
            (void)snprintf(command, sizeof command, "sqlite3 outbox/%s/outbox.db 'DELETE FROM batch'", run->agents[i]);
            shell(command);
        }
    } else if (strcmp(control, "twice") == 0) {
        (void)snprintf(command, sizeof command, "{ cat inbox/%s/done/000001.csv; echo; } >inbox/%s/again.csv", run->agents[0],
                       run->agents[0]);
        shell(command);
    } else if (strcmp(control, "vanished") == 0) {
        oracle_put(run->oracle, 0, true);
        (void)snprintf(command, sizeof command, "f=$(ls inbox/%s/*.csv | grep -v refused | tail -n 1) && mv $f %s.gone",
                       run->agents[0], run->agents[0]);
        shell(command);
    } else {
        (void)snprintf(command, sizeof command, "rm $(ls inbox/%s/*.refused.csv | head -n 1)", run->agents[0]);
        shell(command);
    }
    for (size_t i = 0; i <= run->agent_count; i++)
        start(run, &run->programs[i], false);
    (void)drain(run, 10);
}

/* ---- measuring ----------------------------------------------------------------------------------------------------------- */

struct measures {
    uint64_t samples;
    long rss_early, rss_late;  /* KiB: most of the second quarter and of the last */
    long files_early, files_late;
    long wal_most;             /* bytes */
};

static long read_rss(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *from = fopen(path, "r");
    while (from != NULL && fgets(line, sizeof line, from) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (from != NULL)
        (void)fclose(from);
    return kib;
}

static long count_files(pid_t pid)
{
    char path[64];
    long count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

static void measure(const struct run *run, struct measures *measures, int64_t past, int64_t whole)
{
    struct stat wal;
    const long rss = read_rss(run->programs[0].pid), files = count_files(run->programs[0].pid);
    measures->samples++;
    if (past * 4 >= whole && past * 2 < whole) {
        measures->rss_early = rss > measures->rss_early ? rss : measures->rss_early;
        measures->files_early = files > measures->files_early ? files : measures->files_early;
    } else if (past * 4 >= whole * 3) {
        measures->rss_late = rss > measures->rss_late ? rss : measures->rss_late;
        measures->files_late = files > measures->files_late ? files : measures->files_late;
    }
    if (stat("data/suanpan.db-wal", &wal) == 0 && wal.st_size > measures->wal_most)
        measures->wal_most = wal.st_size;
}

/* From the quarter on in which everybody has been there once, the aggregator must neither grow nor collect descriptors. */
static bool judge(const struct measures *measures, double hours)
{
    const double slope = (double)(measures->rss_late - measures->rss_early) / 1024 / (hours / 2);
    printf("  memory %.1f MiB in the second quarter, %.1f MiB in the last (%.1f MiB an hour); descriptors %ld, then %ld; "
           "write-ahead log at most %.1f MiB\n", (double)measures->rss_early / 1024, (double)measures->rss_late / 1024, slope,
           measures->files_early, measures->files_late, (double)measures->wal_most / 1048576);
    bool good = measures->wal_most < 64L << 20;
    good = good && measures->files_late <= measures->files_early + 8;
    /* Live figures are kept in memory up to memory_mib: what is said once more may make pages of its own. */
    return good && measures->rss_late <= measures->rss_early + 4096 + (hours > 0.5 ? (long)(hours * 1024) : 0);
}

static bool soak(struct run *run, int64_t seconds)
{
    struct measures measures = {0};
    const int64_t begin = now_ms();
    int64_t next_fault = begin + 1000;
    for (int64_t past = 0; past < seconds * 1000; past = now_ms() - begin) {
        feed(run);
        pass(run, 100);
        measure(run, &measures, past, seconds * 1000);
        if (now_ms() < next_fault)
            continue;
        next_fault = now_ms() + 200 + draw_below(1000);
        struct program *victim = &run->programs[1 + draw_below((uint32_t)run->agent_count)];
        if (draw_below(3) == 0) { /* paused: longer than it takes to miss it now and then */
            (void)kill(victim->pid, SIGSTOP);
            pass(run, draw_below(3000));
            (void)kill(victim->pid, SIGCONT);
            run->deaths++;
        } else {
            kill_one(run, victim);
            start(run, victim, true);
        }
    }
    return judge(&measures, (double)seconds / 3600);
}

static void kill_and_feed(struct run *run, uint64_t kills, bool remembers)
{
    while (run->kills + run->deaths < kills) {
        feed(run);
        if (draw_below(4) == 0)
            await_ready(run);
        pass(run, draw_below(200));
        if (remembers && run->kills + run->deaths >= kills / 2) {
            remember_store(run);
            remembers = false;
        }
        kill_some(run);
    }
}

/* ---- start ------------------------------------------------------------------------------------------------------------- */

static void listen_for_ready(struct run *run)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char here[sizeof address.sun_path - 16];
    if (getcwd(here, sizeof here) == NULL)
        cannot("getcwd");
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notices", here);
    run->notices = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)unlink(address.sun_path);
    if (run->notices < 0 || bind(run->notices, (const struct sockaddr *)&address, sizeof address) != 0)
        cannot("notices");
}

static void prepare(struct run *run)
{
    const char *preset = getenv("SUANPAN_PRESET");
    run->with_preload = preset == NULL || strcmp(preset, "tsan") != 0;
    listen_for_ready(run);
    run->programs[0].binary = BINARY_FOLDER "/suanpan-aggregator";
    (void)snprintf(run->programs[0].config, sizeof run->programs[0].config, "aggregator.yaml");
    (void)snprintf(run->programs[0].log, sizeof run->programs[0].log, "aggregator.log");
    for (size_t i = 0; i < run->agent_count; i++) {
        struct program *program = &run->programs[i + 1];
        program->binary = BINARY_FOLDER "/suanpan-collector";
        (void)snprintf(program->config, sizeof program->config, "%s.yaml", run->agents[i]);
        (void)snprintf(program->log, sizeof program->log, "%s.log", run->agents[i]);
    }
    run->oracle = oracle_new(random_state, run->agent_count, run->agents, run->towns);
    for (size_t i = 0; i <= run->agent_count; i++)
        start(run, &run->programs[i], false);
}

static int report(struct run *run, const char *control, bool drained, bool steady)
{
    struct oracle_findings found;
    oracle_check(run->oracle, &found);
    printf("* %" PRIu64 " kills, %" PRIu64 " deaths at chosen calls; %" PRIu64 " files, %" PRIu64 " rows and figures: lost %" PRIu64
           ", doubled %" PRIu64 ", strange %" PRIu64 ", wrong %" PRIu64 "\n", run->kills, run->deaths, found.files,
           found.records, found.lost, found.doubled, found.strange, found.wrong);
    printf("* the aggregator was ready %" PRIu64 " times, after %" PRId64 " ms on average, %" PRId64 " ms at most\n", run->starts,
           run->starts == 0 ? 0 : run->start_sum_ms / (int64_t)run->starts, run->start_most_ms);
    const bool clean = found.lost + found.doubled + found.strange + found.wrong == 0;
    if (control != NULL) {
        const bool caught = strcmp(control, "twice") == 0 ? found.doubled > 0 : found.lost > 0;
        printf("* control %s: %s\n", control, caught ? "found" : "NOT FOUND");
        return caught ? 0 : 1;
    }
    printf("counts: faults=%" PRIu64 " records=%" PRIu64 " lost=%" PRIu64 " doubled=%" PRIu64 " seed=%s\n",
           run->kills + run->deaths, found.records, found.lost, found.doubled, getenv("SUANPAN_SEED"));
    return clean && drained && steady && run->starts > 0 ? 0 : 1;
}

int main(int count, char **words)
{
    static struct run run;
    uint64_t kills = 0;
    int64_t seconds = 0;
    const char *control = NULL;
    int at = 1;
    for (; at + 1 < count && words[at][0] == '-'; at += 2) {
        if (strcmp(words[at], "--kills") == 0)
            kills = strtoull(words[at + 1], NULL, 10);
        else if (strcmp(words[at], "--seconds") == 0)
            seconds = strtoll(words[at + 1], NULL, 10);
        else if (strcmp(words[at], "--control") == 0)
            control = words[at + 1];
    }
    for (; at < count && run.agent_count < ORACLE_AGENTS_MOST; at++) {
        char *colon = strchr(words[at], ':');
        if (colon == NULL)
            break;
        *colon = '\0';
        run.agents[run.agent_count] = words[at];
        run.towns[run.agent_count++] = colon + 1;
    }
    if (run.agent_count == 0 || (kills == 0) == (seconds == 0) || seal_start() != STATUS_OK) {
        fputs("kill-loop [--kills N | --seconds S] [--control CONTROL] AGENT:TOWNS...\n", stderr);
        return 2;
    }
    random_start("kill-loop");
    putchar('\n');
    if (getenv("SUANPAN_SEED") == NULL) {
        char seed[24];
        (void)snprintf(seed, sizeof seed, "%" PRIu64, random_state);
        (void)setenv("SUANPAN_SEED", seed, 1);
    }
    prepare(&run);
    bool steady = true;
    if (seconds > 0)
        steady = soak(&run, seconds);
    else
        kill_and_feed(&run, kills, control != NULL && strcmp(control, "pruned") == 0);
    if (control != NULL && strcmp(control, "silent") == 0)
        oracle_put(run.oracle, 0, true); /* of thousands of rows some are refused, however few files there were before */
    const bool drained = drain(&run, DRAIN_SECONDS);
    if (control != NULL)
        do_harm(&run, control);
    const int code = report(&run, control, drained, steady);
    oracle_free(&run.oracle);
    return code;
}
