/* test_memory.c - memory that cannot fail: what grows is whole, what was printed into memory is there to the last byte, and
 * a program without memory ends with a word. */
#include "memory.h"

#include "random.h"
#include "suite.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void an_array_keeps_what_it_has_while_it_grows(void)
{
    size_t capacity = 0;
    unsigned *array = NULL, wrong = 0;
    for (unsigned i = 0; i < 10000; i++) {
        array = memory_grow(array, &capacity, i + 1, sizeof *array);
        array[i] = i;
    }
    for (unsigned i = 0; i < 10000; i++)
        wrong += array[i] != i;
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(capacity >= 10000);
    free(array);
}

static void nothing_printed_is_an_empty_text(void)
{
    char *text = NULL;
    size_t length = 1;
    FILE *stream = memory_stream(&text, &length);
    CU_ASSERT_EQUAL(fclose(stream), 0);
    CU_ASSERT_EQUAL(length, 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

static void all_that_is_printed_is_there(void)
{
    random_start("stream");
    for (int round = 0; round < 50; round++) {
        const size_t most = 1 + draw_below(200000);
        char *wanted = memory_array(most, 1), *text = NULL;
        size_t printed = 0, length = 0;
        FILE *stream = memory_stream(&text, &length);
        while (printed < most) {
            const size_t piece = 1 + draw_below(draw_below(8) == 0 ? 20000 : 40), left = most - printed;
            const size_t now = piece < left ? piece : left;
            for (size_t i = 0; i < now; i++)
                wanted[printed + i] = (char)draw();
            CU_ASSERT_EQUAL(fwrite(wanted + printed, 1, now, stream), now);
            printed += now;
            if (draw_below(50) == 0)
                CU_ASSERT_EQUAL(fflush(stream), 0);
        }
        CU_ASSERT_EQUAL(fclose(stream), 0);
        CU_ASSERT_EQUAL(length, printed);
        CU_ASSERT(length == printed && memcmp(text, wanted, printed) == 0);
        CU_ASSERT_EQUAL(text[length], '\0');
        free(text);
        free(wanted);
    }
}

/* In a process of its own, below a limit on its memory: how it ended. 32 MiB are printed; 0 means that it got to the end. */
static int printed_without_memory(FILE *(*open)(char **, size_t *))
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit little = {.rlim_cur = 16 << 20, .rlim_max = 16 << 20}, no_core = {0, 0};
        static const char line[1024];
        char *text = NULL;
        size_t length = 0;
        FILE *stream = open(&text, &length);
        if (stream == NULL || freopen("/dev/null", "w", stderr) == NULL || setrlimit(RLIMIT_CORE, &no_core) != 0 ||
            setrlimit(RLIMIT_AS, &little) != 0)
            _exit(1);
        for (int i = 0; i < 32 * 1024; i++)
            (void)fwrite(line, 1, sizeof line, stream);
        const bool failed = ferror(stream) != 0;
        _exit(fclose(stream) != 0 || failed ? 2 : length == 32 << 20 ? 0 : 3);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    return status;
}

static void a_text_without_memory_ends_the_program_and_is_never_short(void)
{
    const char *preset = getenv("SUANPAN_PRESET");
    int status;
    if (preset != NULL && strcmp(preset, "release") != 0) {
        printf(" (not here: a sanitizer's own memory does not fit below a limit) ");
        return;
    }
    status = printed_without_memory(memory_stream);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    /* Control: what the C library's stream does, a short text and no word of it, is noticed. */
    status = printed_without_memory(open_memstream);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(an_array_keeps_what_it_has_while_it_grows),
        SENTENCE(nothing_printed_is_an_empty_text),
        SENTENCE(all_that_is_printed_is_there),
        SENTENCE(a_text_without_memory_ends_the_program_and_is_never_short),
    };
    return suite_run("memory", sentences, ARRAY_LEN(sentences));
}
