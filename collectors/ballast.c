/* ballast.c - see ballast.h. */
#include "ballast.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SHARE 32     /* of a small disk no more than one part in so many */
#define LEAST 16384  /* less helps nobody */

struct ballast {
    char *path;
    int64_t bytes;   /* 0: none is wanted */
};

struct ballast *ballast_new(const char *folder, int64_t most)
{
    struct ballast *ballast = memory_new(struct ballast);
    const size_t size = strlen(folder) + sizeof "/ballast";
    struct statvfs disk;
    ballast->path = memory_array(size, 1);
    (void)snprintf(ballast->path, size, "%s/ballast", folder);
    ballast->bytes = most;
    if (statvfs(folder, &disk) == 0 && (int64_t)(disk.f_blocks * disk.f_frsize / SHARE) < ballast->bytes)
        ballast->bytes = (int64_t)(disk.f_blocks * disk.f_frsize / SHARE);
    if (ballast->bytes < LEAST)
        ballast->bytes = 0;
    if (ballast->bytes == 0)
        (void)unlink(ballast->path); /* of other settings */
    return ballast;
}

void ballast_free(struct ballast **ballast)
{
    if (*ballast == NULL)
        return;
    free((*ballast)->path);
    free(*ballast);
    *ballast = NULL;
}

static bool stands(const struct ballast *ballast)
{
    struct stat about;
    return stat(ballast->path, &about) == 0 && about.st_size >= ballast->bytes;
}

static bool has_room(const struct ballast *ballast)
{
    struct statvfs disk;
    char *folder = memory_copy_text_length(ballast->path, strlen(ballast->path) - strlen("/ballast"));
    const bool known = statvfs(folder, &disk) == 0;
    free(folder);
    return known && (int64_t)(disk.f_bavail * disk.f_frsize) >= 2 * ballast->bytes;
}

/* Real blocks, not a hole. */
static bool make(const struct ballast *ballast)
{
    const int file = open(ballast->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool made = file >= 0 && posix_fallocate(file, 0, ballast->bytes) == 0;
    if (file >= 0)
        close(file);
    if (!made)
        (void)unlink(ballast->path);
    return made;
}

bool ballast_keep(struct ballast *ballast)
{
    return ballast->bytes == 0 || stands(ballast) || (has_room(ballast) && make(ballast));
}

int64_t ballast_bytes(const struct ballast *ballast)
{
    return ballast->bytes;
}

bool ballast_drop(struct ballast *ballast)
{
    return ballast->bytes != 0 && unlink(ballast->path) == 0;
}
