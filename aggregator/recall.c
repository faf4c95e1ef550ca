/* recall.c - one window a stream: all refusals of its batches lowest..highest.
 *
 * Reading back goes entry by entry from the newest, and what is found of other streams on the way is kept too: after a
 * restart a thousand collectors ask at once, and together they cost one walk. The walk has a bound, so that a collector
 * that claims to have seen nothing cannot make the aggregator read its whole ledger; an honest one is never behind by
 * more than its credit. */
#include "recall.h"

#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WALK_MOST = 65536,
    KEEP_MOST = 16384, /* refusals a stream between two batches; older ones are read back from the ledger */
};

struct window {
    char agent[65];
    unsigned char outbox[16];
    uint64_t lowest, highest; /* complete for these; lowest = highest + 1: knows nothing yet */
    struct wire_refusal *refusals;
    size_t count, capacity;
    bool sorted;
};

struct recall {
    struct window *windows;
    size_t count, capacity;
};

struct recall *recall_new(void)
{
    return memory_new(struct recall);
}

void recall_free(struct recall **recall)
{
    struct recall *old = *recall;
    *recall = NULL;
    if (old == NULL)
        return;
    for (size_t i = 0; i < old->count; i++)
        free(old->windows[i].refusals);
    free(old->windows);
    free(old);
}

static struct window *find(struct recall *recall, const char *agent, const unsigned char outbox[16])
{
    for (size_t i = 0; i < recall->count; i++)
        if (memcmp(recall->windows[i].outbox, outbox, 16) == 0 && strcmp(recall->windows[i].agent, agent) == 0)
            return &recall->windows[i];
    return NULL;
}

/* An empty window that ends at `highest`. */
static struct window *find_or_make(struct recall *recall, const char *agent, const unsigned char outbox[16],
                                   uint64_t highest)
{
    struct window *window = find(recall, agent, outbox);
    if (window != NULL)
        return window;
    recall->windows = memory_grow(recall->windows, &recall->capacity, recall->count + 1, sizeof *recall->windows);
    window = &recall->windows[recall->count++];
    *window = (struct window){.lowest = highest + 1, .highest = highest, .sorted = true};
    (void)snprintf(window->agent, sizeof window->agent, "%s", agent);
    memcpy(window->outbox, outbox, sizeof window->outbox);
    return window;
}

static void keep(struct window *window, uint64_t seq, const struct refusal *refusals, size_t count)
{
    window->refusals =
        memory_grow(window->refusals, &window->capacity, window->count + count, sizeof *window->refusals);
    for (size_t i = 0; i < count; i++) {
        struct wire_refusal *refusal = &window->refusals[window->count++];
        *refusal = (struct wire_refusal){.seq = seq, .index = refusals[i].index};
        (void)snprintf(refusal->code, sizeof refusal->code, "%s", message_code(refusals[i].message));
        window->sorted = false;
    }
}

static int by_batch(const void *one, const void *other)
{
    const struct wire_refusal *left = one, *right = other;
    if (left->seq != right->seq)
        return left->seq < right->seq ? -1 : 1;
    return left->index < right->index ? -1 : left->index > right->index;
}

static void sort(struct window *window)
{
    if (!window->sorted && window->count > 0)
        qsort(window->refusals, window->count, sizeof *window->refusals, by_batch);
    window->sorted = true;
}

static size_t keep_after(struct window *window, uint64_t seen)
{
    size_t kept = 0;
    for (size_t i = 0; i < window->count; i++)
        if (window->refusals[i].seq > seen)
            window->refusals[kept++] = window->refusals[i];
    return kept;
}

/* A collector that stays connected for months and sends much that is refused must not fill the memory: whole batches are
 * let go from the oldest on. */
static void shorten(struct window *window)
{
    sort(window);
    window->lowest = window->refusals[window->count - KEEP_MOST].seq + 1;
    window->count = keep_after(window, window->lowest - 1);
}

void recall_add(struct recall *recall, const char *agent, const unsigned char outbox[16], uint64_t seq,
                const struct refusal *refusals, size_t count)
{
    struct window *window = find_or_make(recall, agent, outbox, seq - 1);
    if (seq <= window->highest)
        return;
    if (seq > window->highest + 1) { /* what lies between was committed by somebody else: start anew here */
        window->count = 0;
        window->lowest = seq;
    }
    window->highest = seq;
    keep(window, seq, refusals, count);
    if (window->count > 2 * KEEP_MOST)
        shorten(window);
}

void recall_forget(struct recall *recall, const char *agent, const unsigned char outbox[16], uint64_t seen)
{
    struct window *window = find(recall, agent, outbox);
    if (window == NULL || seen < window->lowest)
        return;
    window->count = keep_after(window, seen);
    window->lowest = seen < window->highest ? seen + 1 : window->highest + 1;
}

/* Walks back until the window reaches down to after + 1. */
static enum status walk_back(struct recall *recall, struct store *store, const char *agent,
                             const unsigned char outbox[16], uint64_t after, struct fault *why)
{
    uint64_t number = 0;
    unsigned char hash[SEAL_HASH];
    enum status status = store_head(store, &number, hash, NULL, why);
    for (int step = 0; status == STATUS_OK && number > 0 && step < WALK_MOST; step++, number--) {
        struct entry entry;
        bool found;
        if (find(recall, agent, outbox)->lowest <= after + 1)
            break;
        status = store_entry_after(store, number - 1, &entry, &found, why);
        if (status != STATUS_OK || !found)
            break;
        struct window *window = find_or_make(recall, entry.agent, entry.outbox, entry.seq);
        if (entry.seq < window->lowest) { /* what lies between, if anything, is a gap */
            keep(window, entry.seq, entry.refusals, entry.refusal_count);
            window->lowest = entry.seq;
        }
    }
    return status;
}

enum status recall_after(struct recall *recall, struct store *store, const char *agent, const unsigned char outbox[16],
                         uint64_t after, uint64_t watermark, const struct wire_refusal **ret_refusals,
                         size_t *ret_count, struct fault *why)
{
    struct window *window = find_or_make(recall, agent, outbox, watermark);
    if (window->highest < watermark) { /* committed by somebody else */
        window->count = 0;
        window->highest = watermark;
        window->lowest = watermark + 1;
    }
    if (after < watermark && window->lowest > after + 1) {
        const enum status status = walk_back(recall, store, agent, outbox, after, why);
        if (status != STATUS_OK)
            return status;
        window = find(recall, agent, outbox);
    }
    sort(window);
    size_t first = 0;
    while (first < window->count && window->refusals[first].seq <= after)
        first++;
    *ret_refusals = window->refusals + first;
    *ret_count = window->count - first;
    return STATUS_OK;
}
