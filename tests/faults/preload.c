/* preload.c - between a program and the C library (LD_PRELOAD): writes down what becomes of the files below a folder, and
 * lets the n-th call fail. The shipped programs know nothing of it.
 *
 *   FAULT_ROOT=folder    only paths below it count (absolute)
 *   FAULT_LOG=file       everything is appended here (oplog.h); several programs share one log
 *   FAULT_KIND=what      eio, enospc, eintr, short: writing calls; read: EIO from reads; sync: EIO from fsync, and what was
 *                        not on disk by then never gets there; name: EIO from open, rename, link, unlink, mkdir;
 *                        memory: malloc and its kin give NULL
 *   FAULT_AT=n           the n-th such call fails, from 1
 *   FAULT_LASTS=n        and those after it, n in all (default 1)
 *   FAULT_WHEN=file      calls count from the moment there is such a file
 *   FAULT_TOLD=file      made when it has failed
 *   FAULT_COUNT=file     the number of such calls, when the program ends by itself
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE

#include "oplog.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { KIND_NONE, KIND_EIO, KIND_ENOSPC, KIND_EINTR, KIND_SHORT, KIND_READ, KIND_SYNC, KIND_NAME, KIND_MEMORY };

enum { FILES = 4096 };

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static bool ready, followed[FILES];
static char root[PATH_MAX];
static size_t root_length;
static int log_file = -1;
static enum kind kind;
static long fail_at, lasts = 1, calls;
static const char *when;

/* The next definition of a function, looked up when it is first used. */
#define REAL(result, name, ...)                                                                                        \
    static result (*real)(__VA_ARGS__);                                                                                \
    if (real == NULL)                                                                                                  \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

static long number_of(const char *name, long absent)
{
    const char *text = getenv(name);
    return text == NULL ? absent : strtol(text, NULL, 10);
}

static void make_file(const char *name, long content)
{
    const char *path = getenv(name);
    char text[32];
    const int file = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int length = snprintf(text, sizeof text, "%ld\n", content);
    if (file >= 0) {
        (void)!syscall(SYS_write, file, text, (size_t)length);
        syscall(SYS_close, file);
    }
}

__attribute__((constructor)) static void start(void)
{
    static const char *const kinds[] = {[KIND_EIO] = "eio",     [KIND_ENOSPC] = "enospc", [KIND_EINTR] = "eintr",
                                        [KIND_SHORT] = "short", [KIND_READ] = "read",     [KIND_SYNC] = "sync",
                                        [KIND_NAME] = "name",   [KIND_MEMORY] = "memory"};
    const char *folder = getenv("FAULT_ROOT"), *log = getenv("FAULT_LOG"), *wanted = getenv("FAULT_KIND");
    if (folder != NULL)
        root_length = (size_t)snprintf(root, sizeof root, "%s", folder);
    if (log != NULL)
        log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    for (size_t i = KIND_EIO; wanted != NULL && i <= KIND_MEMORY; i++)
        if (strcmp(wanted, kinds[i]) == 0)
            kind = (enum kind)i;
    fail_at = number_of("FAULT_AT", 0);
    lasts = number_of("FAULT_LASTS", 1);
    when = getenv("FAULT_WHEN");
    ready = true;
}

__attribute__((destructor)) static void finish(void)
{
    make_file("FAULT_COUNT", __atomic_load_n(&calls, __ATOMIC_SEQ_CST));
}

static bool has_begun(void)
{
    static bool begun;
    const int before = errno;
    if (!begun)
        begun = when == NULL || syscall(SYS_faccessat, AT_FDCWD, when, F_OK) == 0;
    errno = before;
    return begun;
}

/* True when this call of the kind has to fail. */
static bool fails(enum kind one, enum kind other)
{
    if (!ready || kind == KIND_NONE || (kind != one && kind != other) || !has_begun())
        return false;
    const long call = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (fail_at == 0 || call < fail_at || call >= fail_at + lasts)
        return false;
    if (call == fail_at)
        make_file("FAULT_TOLD", call);
    return true;
}

/* True when a writing call has to fail; with errno. */
static bool write_fails(void)
{
    const bool failing = kind >= KIND_EIO && kind <= KIND_EINTR && fails(kind, kind);
    if (failing)
        errno = kind == KIND_EIO ? EIO : kind == KIND_ENOSPC ? ENOSPC : EINTR;
    return failing;
}

static bool name_fails(void)
{
    const bool failing = fails(KIND_NAME, KIND_NAME);
    if (failing)
        errno = EIO;
    return failing;
}

/* ---- the log --------------------------------------------------------------------------------------------------------- */

/* What happens and what is written down about it are one: the log has the order in which things happened, and whoever kills
 * the program to start it again holds the lock of the log meanwhile (process/130), or a write might be done and not noted. */
static void begin(void)
{
    if (!ready) /* a sanitizer makes its folder before anything that it stands in front of can be called */
        return;
    const int before = errno;
    pthread_mutex_lock(&order);
    while (log_file >= 0 && syscall(SYS_flock, log_file, LOCK_EX) != 0 && errno == EINTR)
        continue;
    errno = before;
}

static void end(void)
{
    if (!ready)
        return;
    const int before = errno;
    if (log_file >= 0)
        (void)syscall(SYS_flock, log_file, LOCK_UN);
    pthread_mutex_unlock(&order);
    errno = before;
}

/* Absolute path in the way the log wants it; false when it does not lie below the root. */
static bool below_root(const char *path, char ret_path[PATH_MAX])
{
    char here[PATH_MAX] = "";
    if (root_length == 0 || path == NULL)
        return false;
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return false;
    const int length = path[0] == '/' ? snprintf(ret_path, PATH_MAX, "%s", path)
                                      : snprintf(ret_path, PATH_MAX, "%s/%s", here, path);
    return length > 0 && length < PATH_MAX && strncmp(ret_path, root, root_length) == 0 &&
           (ret_path[root_length] == '/' || ret_path[root_length] == '\0');
}

static bool is_followed(int file)
{
    return file >= 0 && file < FILES && followed[file];
}

static void note(enum oplog_kind what, int file, int64_t offset, const void *bytes, size_t length)
{
    struct oplog_entry entry = {.kind = what, .length = (uint32_t)length, .process = (int32_t)getpid(), .file = file,
                                .offset = offset};
    const struct iovec parts[] = {{&entry, sizeof entry}, {(void *)(uintptr_t)bytes, length}};
    const int before = errno;
    if (log_file >= 0 && syscall(SYS_writev, log_file, parts, 2) != (long)(sizeof entry + length))
        abort(); /* a log with a hole would accuse the program of what it did not do */
    errno = before;
}

static void note_paths(enum oplog_kind what, const char *from, const char *to)
{
    char both[2 * PATH_MAX];
    const int length = snprintf(both, sizeof both, "%s%c%s", from, '\0', to);
    note(what, -1, 0, both, (size_t)length + 1);
}

/* ---- opening and closing ------------------------------------------------------------------------------------------------ */

static int open_file(const char *name, int at, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    const bool ours = ready && at == AT_FDCWD && below_root(path, full);
    (void)name;
    if (ours && (flags & (O_CREAT | O_TRUNC)) != 0 && name_fails())
        return -1;
    begin();
    const int file = (int)syscall(SYS_openat, at, path, flags, mode);
    if (file >= 0 && file < FILES) {
        followed[file] = ours;
        if (ours)
            note(OPLOG_OPEN, file, flags, full, strlen(full) + 1);
    }
    end();
    return file;
}

static mode_t mode_of(int flags, va_list rest)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(rest, unsigned) : 0;
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        const mode_t mode = mode_of(flags, rest);                                                                      \
        va_end(rest);                                                                                                  \
        return open_file(#name, AT_FDCWD, path, flags, mode);                                                          \
    }
OPEN(open)
OPEN(open64)

int close(int file)
{
    if (!is_followed(file))
        return (int)syscall(SYS_close, file);
    begin();
    followed[file] = false;
    note(OPLOG_CLOSE, file, 0, "", 0);
    const int result = (int)syscall(SYS_close, file);
    end();
    return result;
}

/* Its number is somebody else's soon; the C library closes it by itself. */
int fclose(FILE *stream)
{
    REAL(int, fclose, FILE *);
    const int file = fileno(stream);
    if (!is_followed(file))
        return real(stream);
    begin();
    followed[file] = false;
    note(OPLOG_CLOSE, file, 0, "", 0);
    const int result = real(stream);
    end();
    return result;
}

/* ---- reading and writing ------------------------------------------------------------------------------------------------- */

static ssize_t write_file(int file, const void *bytes, size_t length, int64_t at)
{
    if (!is_followed(file))
        return at < 0 ? syscall(SYS_write, file, bytes, length) : syscall(SYS_pwrite64, file, bytes, length, at);
    if (write_fails())
        return -1;
    if (length > 1 && fails(KIND_SHORT, KIND_SHORT))
        length /= 2;
    begin();
    const int64_t offset = at < 0 ? syscall(SYS_lseek, file, 0, SEEK_CUR) : at;
    const ssize_t wrote = syscall(SYS_pwrite64, file, bytes, length, offset);
    if (wrote > 0) {
        if (at < 0)
            (void)syscall(SYS_lseek, file, offset + wrote, SEEK_SET);
        note(OPLOG_WRITE, file, offset, bytes, (size_t)wrote);
    }
    end();
    return wrote;
}

ssize_t write(int file, const void *bytes, size_t length) { return write_file(file, bytes, length, -1); }
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return write_file(file, bytes, length, at); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at) { return write_file(file, bytes, length, at); }

static ssize_t read_file(int file, void *bytes, size_t length, int64_t at)
{
    if (is_followed(file) && fails(KIND_READ, KIND_READ)) {
        errno = EIO;
        return -1;
    }
    return at < 0 ? syscall(SYS_read, file, bytes, length) : syscall(SYS_pread64, file, bytes, length, at);
}

ssize_t read(int file, void *bytes, size_t length) { return read_file(file, bytes, length, -1); }
ssize_t pread(int file, void *bytes, size_t length, off_t at) { return read_file(file, bytes, length, at); }
ssize_t pread64(int file, void *bytes, size_t length, off_t at) { return read_file(file, bytes, length, at); }

static int truncate_file(int file, int64_t length)
{
    if (is_followed(file) && write_fails())
        return -1;
    begin();
    const int result = (int)syscall(SYS_ftruncate, file, length);
    if (result == 0 && is_followed(file))
        note(OPLOG_TRUNCATE, file, length, "", 0);
    end();
    return result;
}

int ftruncate(int file, off_t length) { return truncate_file(file, length); }
int ftruncate64(int file, off_t length) { return truncate_file(file, length); }

/* ---- syncing ---------------------------------------------------------------------------------------------------------------- */

/* The disk is not waited for: what a sync is worth is the replayer's business. */
static int sync_file(int file, long call)
{
    if (!is_followed(file))
        return (int)syscall(call, file);
    const bool failing = fails(KIND_SYNC, KIND_SYNC);
    begin();
    note(failing ? OPLOG_SYNC_FAILED : OPLOG_SYNC, file, 0, "", 0);
    end();
    if (failing)
        errno = EIO;
    return failing ? -1 : 0;
}

int fsync(int file) { return sync_file(file, SYS_fsync); }
int fdatasync(int file) { return sync_file(file, SYS_fdatasync); }

/* ---- names -------------------------------------------------------------------------------------------------------------------- */

static int change_names(enum oplog_kind what, long call, const char *from, const char *to, unsigned flags)
{
    char one[PATH_MAX], other[PATH_MAX];
    const bool ours = ready && below_root(from, one) && below_root(to, other);
    if (ours && name_fails())
        return -1;
    begin();
    const int result = call == SYS_renameat2 ? (int)syscall(call, AT_FDCWD, from, AT_FDCWD, to, flags)
                                             : (int)syscall(call, from, to);
    if (result == 0 && ours)
        note_paths(what, one, other);
    end();
    return result;
}

int rename(const char *from, const char *to) { return change_names(OPLOG_RENAME, SYS_rename, from, to, 0); }
int link(const char *from, const char *to) { return change_names(OPLOG_LINK, SYS_link, from, to, 0); }

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (from_folder != AT_FDCWD || to_folder != AT_FDCWD)
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    return change_names(OPLOG_RENAME, SYS_renameat2, from, to, flags);
}

static int change_name(enum oplog_kind what, long call, const char *path, mode_t mode)
{
    char full[PATH_MAX];
    const bool ours = ready && below_root(path, full);
    if (ours && name_fails())
        return -1;
    begin();
    const int result = (int)syscall(call, path, mode);
    if (result == 0 && ours)
        note(what, -1, 0, full, strlen(full) + 1);
    end();
    return result;
}

int unlink(const char *path) { return change_name(OPLOG_UNLINK, SYS_unlink, path, 0); }
int mkdir(const char *path, mode_t mode) { return change_name(OPLOG_MKDIR, SYS_mkdir, path, mode); }

/* ---- messages ------------------------------------------------------------------------------------------------------------------ */

int zmq_send(void *socket, const void *bytes, size_t length, int flags); /* zmq.h is not needed for one function */
int zmq_send(void *socket, const void *bytes, size_t length, int flags)
{
    REAL(int, zmq_send, void *, const void *, size_t, int);
    begin();
    note(OPLOG_SEND, -1, 0, bytes, length);
    end();
    return real(socket, bytes, length, flags);
}

/* ---- memory ---------------------------------------------------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* When libzmq starts it starts libpgm, which asks glibc for the number of a protocol; glibc 2.36 falls over there when it gets
 * no memory. Nothing of ours has begun by then, and nothing of ours could keep it from it. */
static _Thread_local bool excused;

int pgm_init(void *error);
int pgm_init(void *error)
{
    REAL(int, pgm_init, void *);
    excused = true;
    const int started = real(error);
    excused = false;
    return started;
}

static bool memory_fails(void)
{
    return !excused && fails(KIND_MEMORY, KIND_MEMORY);
}

static void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return memory_fails() ? out_of_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return memory_fails() ? out_of_memory() : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return memory_fails() ? out_of_memory() : __libc_realloc(memory, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = memory_fails() ? NULL : __libc_memalign(alignment, size);
    if (memory == NULL)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}
