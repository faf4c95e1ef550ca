/* cursor.h - reading msgpack and varints out of bytes that anybody may have sent.
 *
 * A cursor never leaves its bytes, allocates nothing, and believes no count that the bytes left cannot hold. The first
 * thing wrong stays in `wrong` (a few English words) with its place; every later read then gives nothing, so a decoder
 * reads straight on and asks once at the end. */
#ifndef SCHEMAS_CURSOR_H
#define SCHEMAS_CURSOR_H

#include "fault.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const unsigned char *at, *end;
    const char *wrong;             /* NULL while all is well */
    const unsigned char *wrong_at; /* where it went wrong */
};

struct cursor cursor_over(const unsigned char *bytes, size_t length);
void cursor_fail(struct cursor *cursor, const char *wrong);
static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* One msgpack item each; `most` is the largest value, count or length allowed. Any width msgpack knows is taken. */
uint64_t cursor_unsigned(struct cursor *cursor, uint64_t most);
int64_t cursor_signed(struct cursor *cursor, int64_t least, int64_t most);
size_t cursor_array(struct cursor *cursor, size_t most);
size_t cursor_map(struct cursor *cursor, size_t most); /* number of pairs */
const char *cursor_text(struct cursor *cursor, size_t most, size_t *ret_length); /* strict UTF-8, not terminated */
const unsigned char *cursor_binary(struct cursor *cursor, size_t most, size_t *ret_length);
bool cursor_is_nil(struct cursor *cursor); /* steps over it when it is */
bool cursor_is_text(const unsigned char *bytes, size_t length); /* strict UTF-8 without NUL */
/* Text into a terminated array of `capacity` bytes; a binary of exactly `length` bytes. */
void cursor_copy_text(struct cursor *cursor, char *ret_text, size_t capacity);
void cursor_copy_binary(struct cursor *cursor, unsigned char *ret_bytes, size_t length);
/* Steps over one item of any type (ext and floats included), at most `depth` levels deep; gives the number of items. */
size_t cursor_skip(struct cursor *cursor, unsigned depth);

/* LEB128: seven bits a byte, lowest first, top bit set when more follow; at most 64 bits, and no idle zero byte at the
 * end, so that a number has one encoding. */
uint64_t cursor_long_varint(struct cursor *cursor);
static inline uint64_t cursor_varint(struct cursor *cursor)
{
    if (cursor->at < cursor->end && *cursor->at < 0x80)
        return *cursor->at++;
    return cursor_long_varint(cursor);
}
#define VARINT_MOST 10 /* bytes the longest takes */
static inline size_t varint_write(unsigned char *ret_bytes, uint64_t number)
{
    size_t length = 0;
    for (; number >= 0x80; number >>= 7)
        ret_bytes[length++] = (unsigned char)(number | 0x80);
    ret_bytes[length++] = (unsigned char)number;
    return length;
}
/* 0, -1, 1, -2 ... are 0, 1, 2, 3 ...: small numbers of either sign stay short. */
static inline int64_t zigzag_back(uint64_t number)
{
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}
static inline uint64_t zigzag(int64_t number)
{
    return ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
}

/* Sets `message` with what is wrong and the byte (from `base`) where; STATUS_REFUSED, or STATUS_OK when nothing is. */
enum status cursor_verdict(const struct cursor *cursor, const unsigned char *base, enum message message,
                           struct fault *why) MUST_CHECK;

#endif
