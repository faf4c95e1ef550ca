/* replay.c - plays a corpus through a target where there is no libFuzzer:
 *
 *   fuzz_wire [--mutants N] FOLDER-OR-FILE...
 *
 * plays every file, then N mutants of each (seed as in random.h). The address space is limited to what the target has when
 * it starts and 256 MiB more, so that a size claimed by a header and believed ends the process (under sanitizers their own
 * limit on one allocation does that). Each input is written to the file that SUANPAN_FUZZ_LAST names before it is played, so
 * that it is there when the process dies of it. */
#include "fuzz.h"

#include "memory.h"
#include "../random.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MOST (64 << 10) /* bytes of a mutant */
#define MORE_BYTES (256 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct inputs {
    struct { char *name; uint8_t *bytes; size_t length; } *items;
    size_t count, capacity;
};

static void add_file(struct inputs *inputs, const char *path)
{
    inputs->items = memory_grow(inputs->items, &inputs->capacity, inputs->count + 1, sizeof *inputs->items);
    inputs->items[inputs->count].name = memory_copy_text(path);
    inputs->items[inputs->count].bytes = (uint8_t *)fuzz_read(path, &inputs->items[inputs->count].length);
    inputs->count++;
}

static void add_path(struct inputs *inputs, const char *path)
{
    struct stat about;
    DIR *folder;
    fuzz_require(stat(path, &about) == 0, path);
    if (!S_ISDIR(about.st_mode)) {
        add_file(inputs, path);
        return;
    }
    folder = opendir(path);
    fuzz_require(folder != NULL, path);
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        char below[4096];
        if (item->d_name[0] == '.')
            continue;
        (void)snprintf(below, sizeof below, "%s/%s", path, item->d_name);
        add_file(inputs, below);
    }
    (void)closedir(folder);
}

/* Readdir's order is the file system's; a seed must mean the same everywhere. */
static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* ---- mutants --------------------------------------------------------------------------------------------------------- */

struct mutant {
    uint8_t bytes[INPUT_MOST];
    size_t length;
};

static void insert(struct mutant *mutant, size_t at, const uint8_t *bytes, size_t length)
{
    if (mutant->length + length > INPUT_MOST)
        return;
    memmove(mutant->bytes + at + length, mutant->bytes + at, mutant->length - at);
    memcpy(mutant->bytes + at, bytes, length);
    mutant->length += length;
}

static void change(struct mutant *mutant, const struct inputs *inputs)
{
    static const uint8_t telling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xc0, 0xc4, 0xc6, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf,
                                      '"', ',', '\n', '\r', '-', '.', '0', '9', '%', '{', 0xe5, 0xef};
    const size_t at = mutant->length == 0 ? 0 : draw_below((uint32_t)mutant->length);
    const size_t run = 1 + draw_below(8);
    uint8_t copy[64];
    switch (mutant->length == 0 ? 3 : draw_below(7)) {
    case 0: mutant->bytes[at] ^= (uint8_t)(1u << draw_below(8)); break;
    case 1: mutant->bytes[at] = telling[draw_below(sizeof telling)]; break;
    case 2: mutant->bytes[at] = (uint8_t)(mutant->bytes[at] + draw_below(9) - 4); break;
    case 3: insert(mutant, at, &telling[draw_below(sizeof telling)], 1); break;
    case 4: /* a run is gone */
        if (at + run <= mutant->length) {
            memmove(mutant->bytes + at, mutant->bytes + at + run, mutant->length - at - run);
            mutant->length -= run;
        }
        break;
    case 5: /* a run stands twice */
        if (at + run <= mutant->length) {
            memcpy(copy, mutant->bytes + at, run);
            insert(mutant, at, copy, run);
        }
        break;
    default: { /* the rest of another input, from some place on */
        const size_t which = draw_below((uint32_t)inputs->count), from = inputs->items[which].length == 0 ? 0 :
            draw_below((uint32_t)inputs->items[which].length);
        mutant->length = at;
        if (inputs->items[which].length - from <= INPUT_MOST - at)
            insert(mutant, at, inputs->items[which].bytes + from, inputs->items[which].length - from);
    }
    }
}

static void play(const uint8_t *bytes, size_t length)
{
    const char *path = getenv("SUANPAN_FUZZ_LAST");
    FILE *file = path != NULL ? fopen(path, "wb") : NULL;
    if (file != NULL) {
        (void)fwrite(bytes, 1, length, file);
        (void)fclose(file);
    }
    (void)LLVMFuzzerTestOneInput(bytes, length);
}

static void play_mutants(const struct inputs *inputs, size_t count)
{
    struct mutant *mutant = memory_new(struct mutant);
    random_start("mutants");
    for (size_t i = 0; i < inputs->count * count; i++) {
        const size_t which = i % inputs->count;
        mutant->length = inputs->items[which].length < INPUT_MOST ? inputs->items[which].length : INPUT_MOST;
        memcpy(mutant->bytes, inputs->items[which].bytes, mutant->length);
        for (uint32_t changes = 1 + draw_below(4); changes > 0; changes--)
            change(mutant, inputs);
        play(mutant->bytes, mutant->length);
    }
    free(mutant);
}

/* ---- main ------------------------------------------------------------------------------------------------------------ */

/* A sanitizer maps terabytes for itself; valgrind has its own. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || getenv("SUANPAN_VALGRIND") != NULL)
        return;
    if (fscanf(file, "%lu", &pages) == 1 && getrlimit(RLIMIT_AS, &limit) == 0) {
        limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MORE_BYTES;
        (void)setrlimit(RLIMIT_AS, &limit);
    }
    (void)fclose(file);
#endif
}

int main(int argc, char **argv)
{
    struct inputs inputs = {.items = NULL};
    size_t mutants = 0;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "--mutants") == 0) {
        mutants = strtoull(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++)
        add_path(&inputs, argv[i]);
    fuzz_require(inputs.count > 0, "there is a corpus");
    qsort(inputs.items, inputs.count, sizeof *inputs.items, by_name);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0); /* sets up what the target needs once */
    limit_memory();
    for (size_t i = 0; i < inputs.count; i++)
        play(inputs.items[i].bytes, inputs.items[i].length);
    if (mutants > 0)
        play_mutants(&inputs, mutants);
    printf("%zu inputs, %zu mutants\n", inputs.count, inputs.count * mutants);
    for (size_t i = 0; i < inputs.count; i++) {
        free(inputs.items[i].name);
        free(inputs.items[i].bytes);
    }
    free(inputs.items);
    return EXIT_SUCCESS;
}
