/* witness.c - reads the ledger for what lies behind a figure.
 *
 * A signature is worth what is recomputed for it: the chain value after a batch is worked out from the value before it
 * and the bytes that are stored, and must be both what the entry says and what the agent signed. An
 * agent of whom no key is known leaves the signature unknown, neither good nor bad. */
#include "witness.h"

#include "keys.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- walking ----------------------------------------------------------------------------------------------------- */

struct walk {
    const struct catalogue *catalogue;
    uint32_t *elements, *units; /* of the batch's dictionaries */
    size_t element_space, unit_space;
};

static void learn_codes(struct walk *walk, const struct batch *batch)
{
    walk->elements = memory_grow(walk->elements, &walk->element_space, batch->element_count, sizeof *walk->elements);
    walk->units = memory_grow(walk->units, &walk->unit_space, batch->unit_count, sizeof *walk->units);
    for (size_t i = 0; i < batch->element_count; i++)
        walk->elements[i] = catalogue_element(walk->catalogue, batch->elements[i].code);
    for (size_t i = 0; i < batch->unit_count; i++)
        walk->units[i] = catalogue_unit(walk->catalogue, batch->units[i]);
}

static enum status visit_records(struct walk *walk, const struct entry *entry, const struct batch *batch,
                                 witness_visitor *visit, void *context)
{
    size_t refused = 0;
    enum status status = STATUS_OK;
    learn_codes(walk, batch);
    for (size_t i = 0; i < batch->record_count && status == STATUS_OK; i++) {
        const struct batch_record *record = &batch->records[i];
        struct witness witness = {.entry = entry, .batch = batch, .record = record,
                                  .element = walk->elements[record->element], .unit = walk->units[record->unit],
                                  .period = batch->periods[record->period],
                                  .value = {record->value, batch->elements[record->element].decimals}};
        if (refused < entry->refusal_count && entry->refusals[refused].index == i) {
            refused++;
            continue;
        }
        if (witness.element != NO_INDEX &&
            decimal_rescale(witness.value, walk->catalogue->elements[witness.element].decimals, &witness.value) !=
                STATUS_OK)
            witness.value = (struct decimal){record->value, batch->elements[record->element].decimals};
        status = visit(context, &witness);
    }
    return status;
}

enum status witness_walk(struct asking *asking, const char *form, const char *period, uint64_t after, uint64_t upto,
                         witness_visitor *visit, void *context)
{
    struct store *store = asking->office->store;
    struct walk walk = {.catalogue = asking->catalogue};
    struct batch *batch = NULL;
    struct refusal *refusals = NULL;
    unsigned char *bytes = NULL;
    size_t refusal_space = 0, byte_space = 0;
    struct entry entry;
    bool found = true;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = form != NULL ? store_entry_touching(store, after, form, period, &entry, &found, asking->why)
                              : store_entry_after(store, after, &entry, &found, asking->why);
        if (status != STATUS_OK || !found || entry.number > upto)
            break;
        after = entry.number;
        if (entry.repeated)
            continue; /* the same file again: kept, never applied */
        /* Who visits may look at pages, and those may read entries: keep what the entry lends. */
        bytes = memory_grow(bytes, &byte_space, entry.length + 1, 1);
        memcpy(bytes, entry.bytes, entry.length);
        entry.bytes = bytes;
        status = batch_decode(entry.bytes, entry.length, &batch, asking->why);
        if (status == STATUS_REFUSED)
            status = STATUS_BROKEN; /* it was decoded when it was taken: the ledger itself is damaged */
        refusals = memory_grow(refusals, &refusal_space, entry.refusal_count + 1, sizeof *refusals);
        if (entry.refusal_count > 0)
            memcpy(refusals, entry.refusals, entry.refusal_count * sizeof *refusals);
        entry.refusals = refusals;
        if (status == STATUS_OK)
            status = visit_records(&walk, &entry, batch, visit, context);
    }
    batch_free(&batch);
    free(walk.elements);
    free(walk.units);
    free(refusals);
    free(bytes);
    return status;
}

/* ---- sources ----------------------------------------------------------------------------------------------------- */

const char *signature_text(enum signature_state state)
{
    switch (state) {
    case SIGNATURE_UNKNOWN_KEY:
        return "unknown_key";
    case SIGNATURE_VALID:
        return "valid";
    case SIGNATURE_INVALID:
        return "invalid";
    }
    return "";
}

static void add_key(struct sources *sources, const char *agent, const unsigned char key[SEAL_PUBLIC])
{
    sources->keys = memory_grow(sources->keys, &sources->key_capacity, sources->key_count + 1, sizeof *sources->keys);
    struct known_key *known = &sources->keys[sources->key_count++];
    (void)snprintf(known->agent, sizeof known->agent, "%s", agent);
    memcpy(known->key, key, SEAL_PUBLIC);
}

enum status sources_start(struct sources *sources, const struct office *office, struct fault *why)
{
    struct fault ignored = {.message = MESSAGE_NONE};
    struct agent *agents = NULL;
    struct registry_row *rows = NULL;
    size_t agent_count = 0, row_count = 0;
    const enum status status = store_registry(office->store, &rows, &row_count, why);
    *sources = (struct sources){.items = NULL};
    for (size_t i = 0; status == STATUS_OK && i < row_count; i++)
        if (strcmp(rows[i].kind, "agent") == 0)
            add_key(sources, rows[i].name, rows[i].key);
    if (office->agents_file != NULL && agents_load(office->agents_file, &agents, &agent_count, &ignored) == STATUS_OK)
        for (size_t i = 0; i < agent_count; i++)
            add_key(sources, agents[i].code, agents[i].key.sign);
    free(agents);
    free(rows);
    return status;
}

void sources_free(struct sources *sources)
{
    free(sources->items);
    free(sources->keys);
    *sources = (struct sources){.items = NULL};
}

static enum status check_signature(const struct sources *sources, struct store *store, const struct entry *entry,
                                   enum signature_state *ret_state, struct fault *why)
{
    unsigned char before[SEAL_HASH], chain[SEAL_HASH], digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    uint64_t seq = entry->seq;
    bool found = true, is_known = false;
    *ret_state = SIGNATURE_INVALID;
    if (entry->seq <= 1)
        seal_chain_start(entry->agent, entry->outbox, before);
    else {
        const enum status status = store_chain_at(store, entry->agent, entry->outbox, entry->seq - 1, before, &found,
                                                  why);
        if (status != STATUS_OK)
            return status;
    }
    if (!found)
        return STATUS_OK;
    seal_chain_next(before, entry->bytes, entry->length, chain);
    if (memcmp(chain, entry->chain, SEAL_HASH) != 0)
        return STATUS_OK;
    memcpy(signature, entry->signature, sizeof signature);
    if (seal_is_absent(entry->signature)) { /* proven by a later one of its run */
        const enum status status = store_signature_after(store, entry, &found, &seq, chain, signature, why);
        if (status != STATUS_OK || !found)
            return status;
    }
    seal_batch_digest(entry->agent, entry->outbox, seq, chain, digest);
    for (size_t i = 0; i < sources->key_count && *ret_state != SIGNATURE_VALID; i++) {
        if (strcmp(sources->keys[i].agent, entry->agent) != 0)
            continue;
        is_known = true;
        if (seal_verify(digest, signature, sources->keys[i].key))
            *ret_state = SIGNATURE_VALID;
    }
    if (!is_known)
        *ret_state = SIGNATURE_UNKNOWN_KEY;
    return STATUS_OK;
}

enum status sources_add(struct sources *sources, struct store *store, const struct entry *entry,
                        const struct batch *batch, uint32_t *ret_source, struct fault *why)
{
    struct source *source;
    enum status status = STATUS_OK;
    for (size_t i = entry->number <= sources->highest ? sources->count : 0; i-- > 0;) /* the newest again and again */
        if (sources->items[i].entry == entry->number) {
            *ret_source = (uint32_t)i;
            return STATUS_OK;
        }
    sources->items = memory_grow(sources->items, &sources->capacity, sources->count + 1, sizeof *sources->items);
    source = &sources->items[sources->count];
    *source = (struct source){.entry = entry->number, .part = batch->submission.part,
                              .parts = batch->submission.parts, .received_at = entry->received_at};
    memcpy(source->agent, entry->agent, sizeof source->agent);
    memcpy(source->file, batch->submission.file, sizeof source->file);
    if (!sources->without_signatures)
        status = check_signature(sources, store, entry, &source->signature, why);
    if (entry->number > sources->highest)
        sources->highest = entry->number;
    if (status == STATUS_OK)
        *ret_source = (uint32_t)sources->count++;
    return status;
}
