/* cursor.c - a small bounds-checked reader of msgpack.
 *
 * Why not msgpack-c's unpacker: it allocates what a header claims (five bytes can reserve gigabytes), takes trailing
 * bytes and unchecked text, and costs ten times as much a record. Writing stays with msgpack-c. */
#include "cursor.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct cursor cursor_over(const unsigned char *bytes, size_t length)
{
    /* No bytes at all may come as NULL, and C17 knows no NULL + 0. */
    return (struct cursor){.at = bytes, .end = length == 0 ? bytes : bytes + length};
}

void cursor_fail(struct cursor *cursor, const char *wrong)
{
    if (cursor->wrong == NULL) {
        cursor->wrong = wrong;
        cursor->wrong_at = cursor->at;
    }
    cursor->at = cursor->end;
}

/* Big-endian number of `width` bytes. */
static uint64_t number(struct cursor *cursor, unsigned width)
{
    uint64_t value = 0;
    if (cursor_left(cursor) < width) {
        cursor_fail(cursor, "cut short");
        return 0;
    }
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | *cursor->at++;
    return value;
}

/* Sign-extends the lowest 8 * width bits. */
static int64_t widen(uint64_t value, unsigned width)
{
    const unsigned shift = 64 - 8 * width;
    return (int64_t)(value << shift) >> shift;
}

/* An integer of any width. *ret_negative tells how to read the result. */
static uint64_t integer(struct cursor *cursor, bool *ret_negative)
{
    const unsigned head = (unsigned)number(cursor, 1);
    uint64_t value = 0;
    if (head <= 0x7f)
        value = head;
    else if (head >= 0xe0)
        value = (uint64_t)widen(head, 1);
    else if (head >= 0xcc && head <= 0xcf)
        value = number(cursor, 1u << (head - 0xcc));
    else if (head >= 0xd0 && head <= 0xd3)
        value = (uint64_t)widen(number(cursor, 1u << (head - 0xd0)), 1u << (head - 0xd0));
    else
        cursor_fail(cursor, "not an integer");
    *ret_negative = (head >= 0xe0 || (head >= 0xd0 && head <= 0xd3)) && (int64_t)value < 0;
    return value;
}

uint64_t cursor_unsigned(struct cursor *cursor, uint64_t most)
{
    bool negative;
    const uint64_t value = integer(cursor, &negative);
    if (!negative && value <= most)
        return value;
    cursor_fail(cursor, negative ? "negative number" : "number too large");
    return 0;
}

int64_t cursor_signed(struct cursor *cursor, int64_t least, int64_t most)
{
    bool negative;
    const uint64_t value = integer(cursor, &negative);
    if ((negative || value <= INT64_MAX) && (int64_t)value >= least && (int64_t)value <= most)
        return (int64_t)value;
    cursor_fail(cursor, "number out of range");
    return 0;
}

/* The count of an array (fix 0x90, 0xdc, 0xdd) or a map (fix 0x80, 0xde, 0xdf), whose items take `least` bytes or more. */
static size_t count_of(struct cursor *cursor, unsigned fix, unsigned wide, size_t least, size_t most, const char *wrong)
{
    const unsigned head = (unsigned)number(cursor, 1);
    uint64_t count = 0;
    if ((head & 0xf0) == fix)
        count = head & 0x0f;
    else if (head == wide || head == wide + 1)
        count = number(cursor, head == wide ? 2 : 4);
    else
        cursor_fail(cursor, wrong);
    if (count <= most && count <= cursor_left(cursor) / least)
        return (size_t)count;
    cursor_fail(cursor, count > most ? "too many items" : "more items than bytes");
    return 0;
}

size_t cursor_array(struct cursor *cursor, size_t most)
{
    return count_of(cursor, 0x90, 0xdc, 1, most, "not an array");
}

size_t cursor_map(struct cursor *cursor, size_t most)
{
    return count_of(cursor, 0x80, 0xde, 2, most, "not a map");
}

/* The bytes of a text or binary whose length has been read. */
static const unsigned char *take(struct cursor *cursor, uint64_t length, size_t most, size_t *ret_length)
{
    const unsigned char *bytes = cursor->at;
    *ret_length = 0;
    if (length > most || length > cursor_left(cursor)) {
        cursor_fail(cursor, length > most ? "too long" : "cut short");
        return cursor->end;
    }
    cursor->at += length;
    *ret_length = (size_t)length;
    return bytes;
}

/* Most texts are codes in ASCII: those need no look at UTF-8. */
bool cursor_is_text(const unsigned char *bytes, size_t length)
{
    size_t bad, plain = 0;
    while (plain < length && bytes[plain] != 0 && bytes[plain] < 0x80)
        plain++;
    return plain == length || text_is_utf8((const char *)bytes, length, &bad);
}

const char *cursor_text(struct cursor *cursor, size_t most, size_t *ret_length)
{
    const unsigned head = (unsigned)number(cursor, 1);
    uint64_t length = 0;
    if ((head & 0xe0) == 0xa0)
        length = head & 0x1f;
    else if (head >= 0xd9 && head <= 0xdb)
        length = number(cursor, 1u << (head - 0xd9));
    else
        cursor_fail(cursor, "not a text");
    const unsigned char *bytes = take(cursor, length, most, ret_length);
    if (!cursor_is_text(bytes, *ret_length)) {
        cursor_fail(cursor, "text is not UTF-8");
        *ret_length = 0;
    }
    return (const char *)bytes;
}

const unsigned char *cursor_binary(struct cursor *cursor, size_t most, size_t *ret_length)
{
    const unsigned head = (unsigned)number(cursor, 1);
    uint64_t length = 0;
    if (head >= 0xc4 && head <= 0xc6)
        length = number(cursor, 1u << (head - 0xc4));
    else
        cursor_fail(cursor, "not a binary");
    return take(cursor, length, most, ret_length);
}

bool cursor_is_nil(struct cursor *cursor)
{
    if (cursor->at == cursor->end || *cursor->at != 0xc0)
        return false;
    cursor->at++;
    return true;
}

void cursor_copy_text(struct cursor *cursor, char *ret_text, size_t capacity)
{
    size_t length;
    const char *text = cursor_text(cursor, capacity - 1, &length);
    if (length > 0)
        memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

void cursor_copy_binary(struct cursor *cursor, unsigned char *ret_bytes, size_t length)
{
    size_t found;
    const unsigned char *bytes = cursor_binary(cursor, length, &found);
    if (found == length)
        memcpy(ret_bytes, bytes, length);
    else
        cursor_fail(cursor, "binary of another length");
}

/* What follows the head of an item: bytes to step over in *ret_bytes, items nested in it as the result. */
static uint64_t follows(struct cursor *cursor, unsigned head, uint64_t *ret_bytes)
{
    *ret_bytes = 0;
    if (head <= 0x7f || head >= 0xe0 || head == 0xc0 || head == 0xc2 || head == 0xc3)
        return 0;
    if (head <= 0x8f)
        return 2 * (uint64_t)(head & 0x0f);
    if (head <= 0x9f)
        return head & 0x0f;
    if (head <= 0xbf)
        *ret_bytes = head & 0x1f;
    else if (head >= 0xc4 && head <= 0xc6)
        *ret_bytes = number(cursor, 1u << (head - 0xc4));
    else if (head >= 0xc7 && head <= 0xc9)
        *ret_bytes = number(cursor, 1u << (head - 0xc7)) + 1;
    else if (head == 0xca || head == 0xcb)
        *ret_bytes = head == 0xca ? 4 : 8;
    else if (head >= 0xcc && head <= 0xd3)
        *ret_bytes = 1u << ((head - 0xcc) & 3);
    else if (head >= 0xd4 && head <= 0xd8)
        *ret_bytes = (1u << (head - 0xd4)) + 1;
    else if (head >= 0xd9 && head <= 0xdb)
        *ret_bytes = number(cursor, 1u << (head - 0xd9));
    else if (head == 0xdc || head == 0xdd)
        return number(cursor, head == 0xdc ? 2 : 4);
    else if (head == 0xde || head == 0xdf)
        return 2 * number(cursor, head == 0xde ? 2 : 4);
    else
        cursor_fail(cursor, "byte 0xc1, which msgpack never uses");
    return 0;
}

size_t cursor_skip(struct cursor *cursor, unsigned depth)
{
    size_t items = 1;
    uint64_t length;
    const unsigned head = (unsigned)number(cursor, 1);
    const uint64_t nested = follows(cursor, head, &length);
    if (length > cursor_left(cursor) || nested > cursor_left(cursor))
        cursor_fail(cursor, length > 0 ? "cut short" : "more items than bytes");
    else
        cursor->at += length;
    if (nested > 0 && depth <= 1)
        cursor_fail(cursor, "nested too deep");
    for (uint64_t i = 0; i < nested && cursor->wrong == NULL; i++)
        items += cursor_skip(cursor, depth - 1);
    return items;
}

uint64_t cursor_long_varint(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end; shift += 7) {
        const unsigned char byte = *cursor->at++;
        if (shift == 63 && byte > 1) {
            cursor_fail(cursor, "varint beyond 64 bits");
            return 0;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte >= 0x80)
            continue;
        if (byte != 0 || shift == 0)
            return value;
        cursor_fail(cursor, "varint with an idle zero");
        return 0;
    }
    cursor_fail(cursor, "cut short");
    return 0;
}

enum status cursor_verdict(const struct cursor *cursor, const unsigned char *base, enum message message,
                           struct fault *why)
{
    char place[24];
    if (cursor->wrong == NULL)
        return STATUS_OK;
    if (snprintf(place, sizeof place, "%" PRIu64, (uint64_t)(cursor->wrong_at - base)) < 0)
        place[0] = '\0';
    fault_set(why, message, cursor->wrong, place, NULL);
    return STATUS_REFUSED;
}
