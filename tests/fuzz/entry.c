/* entry.c - one input through the target, and what holds for every target: time, a reason for every refusal. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "fuzz.h"

#include "limit.h"
#include "memory.h"
#include "text.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATHS 4
/* A decoder's time for an input of at most 64 KiB, ten times what it should need: the machine may be busy, and under
 * sanitizers everything is several times slower. SUANPAN_FUZZ_MS sets another. */
#define MOST_MS 1000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

void fuzz_require(bool holds, const char *sentence)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", sentence);
    abort();
}

void fuzz_require_reason(enum status status, const struct fault *why)
{
    if (status == STATUS_OK)
        return;
    fuzz_require(why->message > MESSAGE_NONE && why->message < MESSAGE_COUNT, "what is refused says why");
    for (int language = LANGUAGE_ZH; language <= LANGUAGE_EN; language++) {
        char text[4096];
        size_t bad;
        fault_format(why, (enum language)language, text, sizeof text);
        fuzz_require(text[0] != '\0', "a reason has words");
        fuzz_require(text_is_utf8(text, strlen(text), &bad), "a reason is UTF-8");
    }
    fuzz_require(memchr(why->file, '\0', sizeof why->file) != NULL && memchr(why->column, '\0', sizeof why->column) != NULL,
                 "the place of a fault ends");
}

bool fuzz_is_text(const uint8_t *bytes, size_t length)
{
    size_t bad;
    return text_is_utf8((const char *)bytes, length, &bad);
}

uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

uint64_t fuzz_number(struct fuzz_input *input)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | fuzz_byte(input);
    return number;
}

char *fuzz_part(struct fuzz_input *input, size_t *ret_length)
{
    static const char mark[] = "%%\n";
    size_t length = 0;
    char *part;
    while (length < input->left && (input->left - length < sizeof mark - 1 ||
                                    memcmp(input->at + length, mark, sizeof mark - 1) != 0 ||
                                    (length > 0 && input->at[length - 1] != '\n')))
        length++;
    part = memory_copy_text_length((const char *)input->at, length);
    input->at += length;
    input->left -= length;
    if (input->left > 0) {
        input->at += sizeof mark - 1;
        input->left -= sizeof mark - 1;
    }
    *ret_length = length;
    return part;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

void fuzz_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char folder[64];
static pid_t owner;

static void remove_folder(void)
{
    if (getpid() == owner)
        fuzz_remove(folder);
}

const char *fuzz_folder(void)
{
    if (folder[0] != '\0')
        return folder;
    (void)snprintf(folder, sizeof folder, "%s/suanpan-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    fuzz_require(mkdtemp(folder) != NULL, "a folder can be made");
    owner = getpid();
    (void)atexit(remove_folder);
    return folder;
}

const char *fuzz_write(unsigned slot, const char *name, const void *bytes, size_t length)
{
    static char paths[PATHS][256];
    FILE *file;
    (void)snprintf(paths[slot], sizeof paths[slot], "%s/%s", fuzz_folder(), name);
    file = fopen(paths[slot], "wb");
    fuzz_require(file != NULL && fwrite(bytes, 1, length, file) == length && fchmod(fileno(file), 0600) == 0 &&
                     fclose(file) == 0,
                 "a file can be written");
    return paths[slot];
}

char *fuzz_read(const char *path, size_t *ret_length)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    char *bytes;
    fuzz_require(file != NULL && fstat(fileno(file), &about) == 0, path);
    bytes = memory_array((size_t)about.st_size + 1, 1);
    *ret_length = fread(bytes, 1, (size_t)about.st_size, file);
    fuzz_require(*ret_length == (size_t)about.st_size, path);
    (void)fclose(file); /* only read */
    return bytes;
}

/* ---- one input --------------------------------------------------------------------------------------------------------- */

static int64_t cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool warm; /* the first input also pays for what the target sets up */
    const char *given = getenv("SUANPAN_FUZZ_MS");
    const int64_t most_ms = given != NULL ? strtoll(given, NULL, 10) : MOST_MS;
    const int64_t start = cpu_ms();
    fuzz_one(bytes, length);
    const int64_t spent = cpu_ms() - start;
    if (warm && most_ms > 0 && spent > most_ms) {
        fprintf(stderr, "%zu bytes took %" PRId64 " ms of processor time\n", length, spent);
        fuzz_require(false, "an input within the limits is decoded in its time");
    }
    warm = true;
    return 0;
}
