/* gaps.c - see gaps.h. They are rare, so the registry is read whole for each. */
#include "gaps.h"

#include "registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_outbox(const char *text, unsigned char ret_outbox[16])
{
    for (size_t i = 0; i < 16; i++) {
        const int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
        if (low < 0)
            return false;
        ret_outbox[i] = (unsigned char)(high << 4 | low);
    }
    return text[32] == ':';
}

static bool read_number(const char **at, char end, uint64_t *ret_number)
{
    uint64_t number = 0;
    const char *from = *at;
    while (**at >= '0' && **at <= '9' && number <= GAP_SEQ_MOST)
        number = number * 10 + (uint64_t)(*(*at)++ - '0');
    *ret_number = number;
    return *at != from && *(*at)++ == end && number <= GAP_SEQ_MOST;
}

bool gap_read(const struct registry_row *row, struct gap *ret_gap)
{
    const bool is_gap = strcmp(row->kind, GAP_KIND) == 0;
    struct gap gap = {.kind = is_gap ? GAP_KIND : GAP_KIND_OUTBOX, .after = row->after, .noted_at = row->seen_at};
    const char *at = row->scope + 33;
    if ((!is_gap && strcmp(row->kind, GAP_KIND_OUTBOX) != 0) || !read_outbox(row->scope, gap.outbox) ||
        !read_number(&at, '-', &gap.from) || !read_number(&at, '\0', &gap.to) || gap.from == 0 || gap.to + 1 < gap.from)
        return false;
    memcpy(gap.agent, row->name, sizeof gap.agent);
    memcpy(gap.chain, row->key, SEAL_HASH);
    *ret_gap = gap;
    return true;
}

static size_t rows_of(const struct registry_row *rows, size_t count, const char *agent)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(rows[i].name, agent) == 0 &&
                 (strcmp(rows[i].kind, GAP_KIND) == 0 || strcmp(rows[i].kind, GAP_KIND_OUTBOX) == 0);
    return found;
}

/* Gives the row its number, its place in the ledger and its link of the chain. `most`: rows its agent may have. */
static enum status append(struct store *store, struct registry_row *row, size_t most, struct fault *why)
{
    static const unsigned char zero[SEAL_HASH];
    struct registry_row *rows = NULL;
    size_t count = 0;
    enum status status = store_registry(store, &rows, &count, why);
    if (status == STATUS_OK)
        status = store_head(store, &row->after, NULL, NULL, why);
    if (status == STATUS_OK && most != 0 && rows_of(rows, count, row->name) >= most) {
        fault_set(why, MESSAGE_TOO_MANY_GAPS, row->name, NULL);
        status = STATUS_REFUSED;
    }
    if (status == STATUS_OK) {
        row->number = count + 1;
        registry_hash(row, count == 0 ? zero : rows[count - 1].hash, row->hash);
        status = store_add_registry(store, row, why);
    }
    free(rows);
    return status;
}

enum status gap_note(struct store *store, const struct gap *gap, struct fault *why)
{
    struct registry_row row = {.seen_at = gap->noted_at};
    int length = 0;
    (void)snprintf(row.kind, sizeof row.kind, "%s", gap->kind);
    memcpy(row.name, gap->agent, sizeof row.name);
    memcpy(row.key, gap->chain, SEAL_HASH);
    for (size_t i = 0; i < 16; i++)
        length += snprintf(row.scope + length, sizeof row.scope - (size_t)length, "%02x", gap->outbox[i]);
    (void)snprintf(row.scope + length, sizeof row.scope - (size_t)length, ":%" PRIu64 "-%" PRIu64, gap->from, gap->to);
    (void)snprintf(row.status, sizeof row.status, "missing");
    return append(store, &row, GAPS_AN_AGENT, why);
}

enum status gap_note_clock(struct store *store, int64_t now_ms, struct fault *why)
{
    struct registry_row row = {.kind = GAP_KIND_CLOCK, .name = "aggregator", .status = "set_back", .seen_at = now_ms};
    return append(store, &row, 0, why);
}
