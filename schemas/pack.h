/* pack.h - writing with msgpack-c: the counterpart of cursor.h, for batches and messages. */
#ifndef SCHEMAS_PACK_H
#define SCHEMAS_PACK_H

#include "memory.h"

#include <msgpack.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* msgpack_pack_* answer -1 when memory is out and the next call simply goes on; what was cut short would be signed and sent.
 * So memory ends the process here as it does everywhere. */
static inline int pack_write(void *buffer, const char *bytes, size_t length)
{
    if (msgpack_sbuffer_write(buffer, bytes, length) != 0)
        free(memory_array(SIZE_MAX, SIZE_MAX)); /* says so and ends the process */
    return 0;
}

static inline void pack_open(msgpack_packer *packer, msgpack_sbuffer *buffer)
{
    msgpack_sbuffer_init(buffer);
    msgpack_packer_init(packer, buffer, pack_write);
}

/* A NULL text is written as an empty one. */
static inline void pack_text(msgpack_packer *packer, const char *text)
{
    const size_t length = text == NULL ? 0 : strlen(text);
    msgpack_pack_str(packer, length);
    if (length > 0)
        msgpack_pack_str_body(packer, text, length);
}

static inline void pack_binary(msgpack_packer *packer, const void *bytes, size_t length)
{
    msgpack_pack_bin(packer, length);
    if (length > 0)
        msgpack_pack_bin_body(packer, bytes, length);
}

#endif
