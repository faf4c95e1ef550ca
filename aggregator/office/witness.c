/* witness.c - reads the ledger for what lies behind a figure.
 *
 * A signature is worth what is recomputed for it: the chain value after a batch is worked out from the value before it
 * and the bytes that are stored, and must be both what the entry says and what the agent signed. A key that is not in
 * agents.csv any more leaves the signature unknown, neither good nor bad. */
#include "witness.h"

#include "keys.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- walking ------------------------------------------------------------------------------------------------------- */

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

/* ---- sources ------------------------------------------------------------------------------------------------------- */

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

void sources_start(struct sources *sources, const struct office *office)
{
    struct fault ignored = {.message = MESSAGE_NONE};
    *sources = (struct sources){.items = NULL};
    if (office->agents_file != NULL &&
        agents_load(office->agents_file, &sources->agents, &sources->agent_count, &ignored) != STATUS_OK)
        sources->agents = NULL;
    if (sources->agents == NULL)
        sources->agent_count = 0;
}

void sources_free(struct sources *sources)
{
    free(sources->items);
    free(sources->agents);
    *sources = (struct sources){.items = NULL};
}

static enum status check_signature(const struct sources *sources, struct store *store, const struct entry *entry,
                                   enum signature_state *ret_state, struct fault *why)
{
    unsigned char before[SEAL_HASH], chain[SEAL_HASH], digest[SEAL_HASH];
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
    seal_batch_digest(entry->agent, entry->outbox, entry->seq, chain, digest);
    for (size_t i = 0; i < sources->agent_count; i++) {
        if (strcmp(sources->agents[i].code, entry->agent) != 0)
            continue;
        is_known = true;
        if (seal_verify(digest, entry->signature, sources->agents[i].key.sign))
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
    enum status status;
    for (size_t i = sources->count; i-- > 0;) /* the newest is asked for again and again */
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
    status = check_signature(sources, store, entry, &source->signature, why);
    if (status == STATUS_OK)
        *ret_source = (uint32_t)sources->count++;
    return status;
}
