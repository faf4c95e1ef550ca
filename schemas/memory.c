#define _GNU_SOURCE /* fopencookie */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory, size_t bytes)
{
    if (memory == NULL) {
        fprintf(stderr, "内存不足，无法再取得 %zu 字节；程序停止，已存数据不受影响 / out of memory asking for %zu bytes; "
                        "stopping, stored data is safe\n", bytes, bytes);
        abort();
    }
    return memory;
}

void *memory_array(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        checked(NULL, SIZE_MAX);
    if (bytes == 0)
        bytes = 1;
    return checked(calloc(1, bytes), bytes);
}

void *memory_grow(void *array, size_t *capacity, size_t needed, size_t size)
{
    size_t target = *capacity < 16 ? 16 : *capacity, bytes;
    if (needed <= *capacity && array != NULL)
        return array;
    while (target < needed)
        if (__builtin_mul_overflow(target, (size_t)2, &target))
            checked(NULL, SIZE_MAX);
    if (__builtin_mul_overflow(target, size, &bytes))
        checked(NULL, SIZE_MAX);
    array = checked(realloc(array, bytes), bytes);
    *capacity = target;
    return array;
}

char *memory_copy_text_length(const char *text, size_t length)
{
    char *copy = checked(malloc(length + 1), length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *memory_copy_text(const char *text)
{
    return memory_copy_text_length(text, strlen(text));
}

struct stream {
    char *text;
    size_t length, capacity;
    char **ret_text;
    size_t *ret_length;
};

static ssize_t stream_write(void *cookie, const char *bytes, size_t length)
{
    struct stream *stream = cookie;
    stream->text = memory_grow(stream->text, &stream->capacity, stream->length + length + 1, 1);
    memcpy(stream->text + stream->length, bytes, length);
    stream->length += length;
    return (ssize_t)length;
}

static int stream_close(void *cookie)
{
    struct stream *stream = cookie;
    stream->text = memory_grow(stream->text, &stream->capacity, stream->length + 1, 1);
    stream->text[stream->length] = '\0';
    *stream->ret_text = stream->text;
    *stream->ret_length = stream->length;
    free(stream);
    return 0;
}

FILE *memory_stream(char **ret_text, size_t *ret_length)
{
    const cookie_io_functions_t functions = {.write = stream_write, .close = stream_close};
    struct stream *stream = memory_new(struct stream);
    *stream = (struct stream){.ret_text = ret_text, .ret_length = ret_length};
    return checked(fopencookie(stream, "w", functions), sizeof(FILE));
}
