/* proof.c - see proof.h. What is kept: a hash an entry (32 bytes), an end an outbox, the registry by agent. */
#include "proof.h"

#include "batch.h"
#include "gaps.h"
#include "limit.h"
#include "memory.h"
#include "outcome.h"
#include "registry.h"
#include "wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept_hash {
    uint64_t entry;
    unsigned char hash[SEAL_HASH];
};

struct end {                 /* of an outbox */
    bool used, streamed;
    char agent[65];
    unsigned char outbox[16];
    uint64_t seq, first_entry, last_entry;
    unsigned char chain[SEAL_HASH];
    uint64_t open_entry, open_count; /* its newest batches that bear no signature: the first, and how many */
};

struct trusted {
    char name[65];
    unsigned char key[SEAL_PUBLIC];
};

struct proof {
    struct finding_of_proof findings[PROOF_CHECKS];
    uint64_t position, place; /* place: of the entry that is looked at */
    int64_t received_at;
    unsigned char previous[SEAL_HASH]; /* as written */
    struct kept_hash *hashes; size_t hash_count, hash_capacity; /* as worked out anew */
    struct end *ends; size_t end_count, end_space;              /* open addressing */
    struct registry_row *registry; size_t registry_count;
    uint32_t *by_name;                                          /* registry rows of kind agent by (name, number) */
    size_t by_name_count;
    struct trusted *trusted; size_t trusted_count, trusted_capacity;
    struct batch *batch;
    struct refusal *refusals; size_t refusal_capacity;
};

struct proof *proof_new(void)
{
    struct proof *proof = memory_new(struct proof);
    proof->received_at = INT64_MIN;
    return proof;
}

void proof_free(struct proof **proof)
{
    struct proof *old = *proof;
    *proof = NULL;
    if (old == NULL)
        return;
    batch_free(&old->batch);
    free(old->hashes);
    free(old->ends);
    free(old->registry);
    free(old->by_name);
    free(old->trusted);
    free(old->refusals);
    free(old);
}

const char *proof_check_name(enum proof_check check)
{
    static const char *const names[PROOF_CHECKS] = {
        [PROOF_ENTRIES] = "entries",   [PROOF_CHAIN] = "chain",             [PROOF_BATCHES] = "batches",
        [PROOF_SIGNATURES] = "signatures", [PROOF_REGISTRY] = "registry", [PROOF_CHECKPOINTS] = "checkpoints",
        [PROOF_STREAMS] = "streams",
    };
    return names[check];
}

const struct finding_of_proof *proof_finding(const struct proof *proof, enum proof_check check)
{
    return &proof->findings[check];
}

uint64_t proof_position(const struct proof *proof)
{
    return proof->position;
}

PRINTF_LIKE(4, 5)
static void bad(struct proof *proof, enum proof_check check, uint64_t entry, const char *format, ...)
{
    struct finding_of_proof *finding = &proof->findings[check];
    va_list arguments;
    if (finding->bad++ > 0 && entry >= finding->first_bad)
        return;
    finding->first_bad = entry;
    va_start(arguments, format);
    (void)vsnprintf(finding->detail, sizeof finding->detail, format, arguments);
    va_end(arguments);
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

void proof_trust(struct proof *proof, const char *name, const unsigned char key[SEAL_PUBLIC])
{
    proof->trusted = memory_grow(proof->trusted, &proof->trusted_capacity, proof->trusted_count + 1,
                                 sizeof *proof->trusted);
    struct trusted *trusted = &proof->trusted[proof->trusted_count++];
    (void)snprintf(trusted->name, sizeof trusted->name, "%s", name);
    memcpy(trusted->key, key, SEAL_PUBLIC);
}

static bool is_trusted(const struct proof *proof, const char *name, const unsigned char key[SEAL_PUBLIC])
{
    for (size_t i = 0; i < proof->trusted_count; i++)
        if (strcmp(proof->trusted[i].name, name) == 0 && memcmp(proof->trusted[i].key, key, SEAL_PUBLIC) == 0)
            return true;
    return proof->trusted_count == 0;
}

static const struct registry_row *sorting; /* qsort has no context; verification is one thread */

static int by_name(const void *one, const void *other)
{
    const struct registry_row *left = &sorting[*(const uint32_t *)one], *right = &sorting[*(const uint32_t *)other];
    const int order = strcmp(left->name, right->name);
    return order != 0 ? order : left->number < right->number ? -1 : left->number > right->number;
}

static void check_registry(struct proof *proof)
{
    unsigned char previous[SEAL_HASH] = {0}, hash[SEAL_HASH];
    struct finding_of_proof *finding = &proof->findings[PROOF_REGISTRY];
    memset(finding, 0, sizeof *finding);
    for (size_t i = 0; i < proof->registry_count; i++) {
        const struct registry_row *row = &proof->registry[i];
        registry_hash(row, previous, hash);
        finding->looked_at++;
        if (row->number != i + 1)
            bad(proof, PROOF_REGISTRY, row->after + 1, "row %zu is missing", i + 1);
        else if (memcmp(hash, row->hash, SEAL_HASH) != 0)
            bad(proof, PROOF_REGISTRY, row->after + 1, "row %zu (%s %s) is not what was written", i + 1, row->kind, row->name);
        memcpy(previous, row->hash, SEAL_HASH);
    }
}

void proof_registry(struct proof *proof, const struct registry_row *rows, size_t count)
{
    free(proof->registry);
    free(proof->by_name);
    proof->registry = memory_array(count, sizeof *rows);
    proof->by_name = memory_array(count, sizeof *proof->by_name);
    proof->registry_count = count;
    proof->by_name_count = 0;
    if (count > 0)
        memcpy(proof->registry, rows, count * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].kind, "agent") == 0)
            proof->by_name[proof->by_name_count++] = (uint32_t)i;
    sorting = proof->registry;
    qsort(proof->by_name, proof->by_name_count, sizeof *proof->by_name, by_name);
    check_registry(proof);
}

/* The agent's rows are by_name[first..end). */
static size_t find_agent(const struct proof *proof, const char *agent, size_t *ret_end)
{
    size_t low = 0, high = proof->by_name_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(proof->registry[proof->by_name[middle]].name, agent) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_end = low;
    while (*ret_end < proof->by_name_count && strcmp(proof->registry[proof->by_name[*ret_end]].name, agent) == 0)
        ++*ret_end;
    return low;
}

const char *proof_scope(const struct proof *proof, const char *agent, uint64_t entry)
{
    size_t end;
    const char *scope = NULL;
    for (size_t i = find_agent(proof, agent, &end); i < end; i++) {
        const struct registry_row *row = &proof->registry[proof->by_name[i]];
        if (row->after < entry && strcmp(row->status, "active") == 0)
            scope = row->scope; /* the last word; all rows of an agent agree at any time */
    }
    return scope;
}

/* The row's key is the agent's at the entry unless a later row about it says otherwise. */
static bool is_active(const struct proof *proof, size_t at, size_t end, uint64_t entry)
{
    const struct registry_row *row = &proof->registry[proof->by_name[at]];
    if (row->after >= entry || strcmp(row->status, "active") != 0)
        return false;
    for (size_t i = at + 1; i < end; i++) {
        const struct registry_row *later = &proof->registry[proof->by_name[i]];
        if (later->after < entry && memcmp(later->key, row->key, SEAL_PUBLIC) == 0)
            return false;
    }
    return true;
}

/* ---- entries --------------------------------------------------------------------------------------------------------- */

static void check_contents(struct proof *proof, const struct entry *entry)
{
    struct entry decided = {.outcome = entry->outcome, .outcome_length = entry->outcome_length};
    struct fault why = {0};
    char text[200];
    if (!outcome_read(&decided, &proof->refusals, &proof->refusal_capacity)) {
        bad(proof, PROOF_ENTRIES, proof->place, "what was decided about it cannot be read");
        return;
    }
    if (entry->length > LIMIT_BATCH_BYTES ||
        batch_decode(entry->bytes, entry->length, &proof->batch, &why) != STATUS_OK) {
        fault_sentence(&why, LANGUAGE_EN, text, sizeof text);
        bad(proof, PROOF_ENTRIES, proof->place, "its batch cannot be read: %s", text);
        return;
    }
    for (size_t i = 0; i < decided.refusal_count; i++)
        if (decided.refusals[i].message == MESSAGE_NONE || decided.refusals[i].index >= proof->batch->record_count) {
            bad(proof, PROOF_ENTRIES, proof->place, "refusal %zu is of no known kind or of no record", i + 1);
            return;
        }
}

/* The clock was found to be ahead right before the entry. */
static bool was_set_back(const struct proof *proof, uint64_t entry)
{
    for (size_t i = 0; i < proof->registry_count; i++)
        if (strcmp(proof->registry[i].kind, GAP_KIND_CLOCK) == 0 && proof->registry[i].after + 1 == entry)
            return true;
    return false;
}

static void check_number(struct proof *proof, const struct entry *entry)
{
    proof->findings[PROOF_ENTRIES].looked_at++;
    if (entry->number != proof->position + 1)
        bad(proof, PROOF_ENTRIES, proof->position + 1, "missing: entry %" PRIu64 " follows %" PRIu64, entry->number,
            proof->position);
    if (entry->received_at < proof->received_at && !was_set_back(proof, entry->number))
        bad(proof, PROOF_ENTRIES, proof->place, "received before the entry before it");
    proof->received_at = entry->received_at;
}

static void check_chain(struct proof *proof, const struct entry *entry)
{
    struct kept_hash kept = {.entry = proof->place};
    proof->findings[PROOF_CHAIN].looked_at++;
    seal_ledger_next(entry->number, proof->previous, entry->agent, entry->outbox, entry->seq, entry->chain,
                     entry->signature, entry->received_at, entry->outcome, entry->outcome_length, kept.hash);
    if (memcmp(kept.hash, entry->hash, SEAL_HASH) != 0)
        bad(proof, PROOF_CHAIN, proof->place, "its hash is not that of its contents and the entry before");
    memcpy(proof->previous, entry->hash, SEAL_HASH);
    proof->hashes = memory_grow(proof->hashes, &proof->hash_capacity, proof->hash_count + 1, sizeof *proof->hashes);
    proof->hashes[proof->hash_count++] = kept;
}

static size_t place_of(const struct proof *proof, const char *agent, const unsigned char outbox[16])
{
    uint64_t key;
    memcpy(&key, outbox, sizeof key); /* outbox ids are random */
    size_t at = (size_t)(key * 0x9E3779B97F4A7C15u >> 32) & (proof->end_space - 1);
    while (proof->ends[at].used &&
           (memcmp(proof->ends[at].outbox, outbox, 16) != 0 || strcmp(proof->ends[at].agent, agent) != 0))
        at = (at + 1) & (proof->end_space - 1);
    return at;
}

static void make_room_for_end(struct proof *proof)
{
    struct end *old = proof->ends;
    const size_t space = proof->end_space;
    if (proof->end_count * 2 < space)
        return;
    proof->end_space = space == 0 ? 64 : space * 2;
    proof->ends = memory_array(proof->end_space, sizeof *proof->ends);
    for (size_t i = 0; i < space; i++)
        if (old[i].used)
            proof->ends[place_of(proof, old[i].agent, old[i].outbox)] = old[i];
    free(old);
}

/* True when a key of the agent that was in force signed it; *ret_tried: how many there were. */
static bool is_signed_by_agent(const struct proof *proof, const struct entry *entry, size_t *ret_tried)
{
    unsigned char digest[SEAL_HASH];
    size_t end;
    seal_batch_digest(entry->agent, entry->outbox, entry->seq, entry->chain, digest);
    *ret_tried = 0;
    for (size_t i = find_agent(proof, entry->agent, &end); i < end; i++) {
        const unsigned char *key = proof->registry[proof->by_name[i]].key;
        if (!is_active(proof, i, end, entry->number) || !is_trusted(proof, entry->agent, key))
            continue;
        ++*ret_tried;
        if (seal_verify(digest, entry->signature, key))
            return true;
    }
    return false;
}

/* A batch without a signature of its own waits for the next one of its outbox that bears one: the chain leads there, and
 * check_batch sees that it does. It is close: both came in one RUN. */
static void check_signature(struct proof *proof, const struct entry *entry, struct end *outbox)
{
    size_t tried = 0;
    proof->findings[PROOF_SIGNATURES].looked_at++;
    if (seal_is_absent(entry->signature)) {
        if (outbox->open_count++ == 0)
            outbox->open_entry = proof->place;
        if (outbox->open_count == WIRE_RUN_BATCHES)
            bad(proof, PROOF_SIGNATURES, proof->place, "no signature of agent %s since entry %" PRIu64, entry->agent,
                outbox->open_entry);
        return;
    }
    if (!is_signed_by_agent(proof, entry, &tried))
        bad(proof, PROOF_SIGNATURES, proof->place, tried == 0 ? "no key of agent %s was in force" : "not signed by agent %s",
            entry->agent);
    outbox->open_count = 0;
}

/* Over what was written down as missing by the entry, the outbox' chain goes on where the registry says. */
static void pass_gaps(const struct proof *proof, struct end *end, const char *agent, const unsigned char outbox[16],
                      uint64_t entry)
{
    struct gap gap;
    for (size_t i = 0; i < proof->registry_count; i++) {
        if (proof->registry[i].after >= entry || !gap_read(&proof->registry[i], &gap) || strcmp(gap.kind, GAP_KIND) != 0 ||
            gap.from != end->seq + 1 || strcmp(gap.agent, agent) != 0 || memcmp(gap.outbox, outbox, 16) != 0)
            continue;
        end->seq = gap.to;
        memcpy(end->chain, gap.chain, SEAL_HASH);
    }
}

/* Returns the end of the entry's outbox, valid till the next. */
static struct end *check_batch(struct proof *proof, const struct entry *entry)
{
    unsigned char chain[SEAL_HASH];
    make_room_for_end(proof);
    struct end *end = &proof->ends[place_of(proof, entry->agent, entry->outbox)];
    proof->findings[PROOF_BATCHES].looked_at++;
    if (!end->used) {
        end->used = true;
        end->first_entry = proof->place;
        memcpy(end->agent, entry->agent, sizeof end->agent);
        memcpy(end->outbox, entry->outbox, sizeof end->outbox);
        seal_chain_start(entry->agent, entry->outbox, end->chain);
        proof->end_count++;
    }
    if (entry->seq > end->seq + 1)
        pass_gaps(proof, end, entry->agent, entry->outbox, proof->place);
    seal_chain_next(end->chain, entry->bytes, entry->length, chain);
    if (entry->seq != end->seq + 1)
        bad(proof, PROOF_BATCHES, proof->place, "batch %" PRIu64 " of agent %s stands where %" PRIu64 " belongs",
            entry->seq, entry->agent, end->seq + 1);
    else if (memcmp(chain, entry->chain, SEAL_HASH) != 0)
        bad(proof, PROOF_BATCHES, proof->place, "not the batch that agent %s sealed", entry->agent);
    end->seq = entry->seq;
    end->last_entry = proof->place;
    memcpy(end->chain, entry->chain, SEAL_HASH);
    return end;
}

void proof_entry(struct proof *proof, const struct entry *entry)
{
    /* A number that falls back is itself wrong; the entry's place is then the next. */
    proof->place = entry->number > proof->position ? entry->number : proof->position + 1;
    check_number(proof, entry);
    check_contents(proof, entry);
    check_chain(proof, entry);
    check_signature(proof, entry, check_batch(proof, entry));
    proof->position = proof->place;
}

void proof_unreadable(struct proof *proof, const char *why)
{
    bad(proof, PROOF_ENTRIES, proof->position + 1, "cannot be read: %s", why);
}

/* ---- after the entries ------------------------------------------------------------------------------------------------ */

const unsigned char *proof_hash(const struct proof *proof, uint64_t entry)
{
    size_t low = 0, high = proof->hash_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (proof->hashes[middle].entry < entry)
            low = middle + 1;
        else
            high = middle;
    }
    return low < proof->hash_count && proof->hashes[low].entry == entry ? proof->hashes[low].hash : NULL;
}

static bool is_signed(const struct proof *proof, const struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < proof->registry_count; i++) {
        const struct registry_row *row = &proof->registry[i];
        if (strcmp(row->kind, "aggregator") == 0 && strcmp(row->name, checkpoint->signer) == 0 &&
            is_trusted(proof, row->name, row->key) && checkpoint_holds(checkpoint, row->key))
            return true;
    }
    return false;
}

static bool registry_agrees(const struct proof *proof, const struct checkpoint *checkpoint)
{
    static const unsigned char zero[SEAL_HASH];
    if (checkpoint->registry > proof->registry_count)
        return false;
    const unsigned char *hash = checkpoint->registry == 0 ? zero : proof->registry[checkpoint->registry - 1].hash;
    return memcmp(hash, checkpoint->registry_hash, SEAL_HASH) == 0;
}

void proof_checkpoint(struct proof *proof, uint64_t entry, const char *text)
{
    struct checkpoint checkpoint;
    const unsigned char *hash;
    proof->findings[PROOF_CHECKPOINTS].looked_at++;
    if (!checkpoint_read(text, &checkpoint) || (entry != 0 && checkpoint.entry != entry)) {
        bad(proof, PROOF_CHECKPOINTS, entry, "the checkpoint of this entry cannot be read");
        return;
    }
    hash = proof_hash(proof, checkpoint.entry);
    if (!is_signed(proof, &checkpoint))
        bad(proof, PROOF_CHECKPOINTS, checkpoint.entry, "the checkpoint of this entry is not signed by the aggregator");
    else if (checkpoint.entry > proof->position)
        bad(proof, PROOF_CHECKPOINTS, proof->position + 1,
            "missing: a checkpoint was signed when entry %" PRIu64 " was there", checkpoint.entry);
    else if (hash == NULL || memcmp(hash, checkpoint.hash, SEAL_HASH) != 0)
        bad(proof, PROOF_CHECKPOINTS, checkpoint.entry, "the ledger up to here is not the one the checkpoint was signed for");
    else if (!registry_agrees(proof, &checkpoint))
        bad(proof, PROOF_CHECKPOINTS, checkpoint.entry, "the registry is not the one the checkpoint was signed for");
}

void proof_stream(struct proof *proof, const struct stream *stream)
{
    unsigned char start[SEAL_HASH];
    struct end none = {0};
    make_room_for_end(proof);
    struct end *end = &proof->ends[place_of(proof, stream->agent, stream->outbox)];
    proof->findings[PROOF_STREAMS].looked_at++;
    end->streamed = end->used;
    if (!end->used) { /* said hello, delivered nothing */
        seal_chain_start(stream->agent, stream->outbox, start);
        memcpy(none.chain, start, SEAL_HASH);
        end = &none;
    }
    if (stream->watermark > end->seq)
        pass_gaps(proof, end, stream->agent, stream->outbox, UINT64_MAX);
    if (stream->watermark > end->seq)
        bad(proof, PROOF_STREAMS, proof->position + 1,
            "missing: agent %s was acknowledged %" PRIu64 " batches, the ledger has %" PRIu64, stream->agent,
            stream->watermark, end->seq);
    else if (stream->watermark < end->seq)
        bad(proof, PROOF_STREAMS, end->last_entry, "the watermark of agent %s is %" PRIu64 ", the ledger has %" PRIu64 " batches",
            stream->agent, stream->watermark, end->seq);
    else if (memcmp(stream->chain, end->chain, SEAL_HASH) != 0)
        bad(proof, PROOF_STREAMS, end->used ? end->last_entry : proof->position + 1,
            "the chain at the watermark of agent %s is not the ledger's", stream->agent);
}

void proof_streams_end(struct proof *proof)
{
    for (size_t i = 0; i < proof->end_space; i++)
        if (proof->ends[i].open_count > 0)
            bad(proof, PROOF_SIGNATURES, proof->position + 1,
                "missing: the batch of agent %s whose signature proves entry %" PRIu64, proof->ends[i].agent,
                proof->ends[i].open_entry);
    for (size_t i = 0; i < proof->end_space; i++)
        if (proof->ends[i].used && !proof->ends[i].streamed)
            bad(proof, PROOF_STREAMS, proof->ends[i].first_entry, "agent %s has entries and no watermark",
                proof->ends[i].agent);
}
