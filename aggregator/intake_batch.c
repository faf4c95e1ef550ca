/* intake_batch.c - a batch, or a run of small ones: does it follow, is it signed, can it be understood; then into the
 * group. */
#include "intake_inside.h"

#include "calendar.h"
#include "memory.h"

#include <inttypes.h>

/* ---- BATCH
 * --------------------------------------------------------------------------------------------------------------- */

static bool signature_holds(const struct peer *peer, const struct wire_batch *batch,
                            const unsigned char chain[SEAL_HASH])
{
    unsigned char digest[SEAL_HASH];
    seal_batch_digest(peer->agent, peer->session.outbox, batch->seq, chain, digest);
    for (size_t i = 0; i < peer->key_count; i++)
        if (seal_verify(digest, batch->signature, peer->keys[i]))
            return true;
    return false;
}

static enum status apply(struct intake *intake, const struct peer *peer, struct entry *entry,
                         const struct touch **ret_touches, size_t *ret_touch_count, struct fault *why)
{
    const struct refusal *refusals = NULL;
    size_t count = 0;
    enum store_known known = STORE_KNOWS_NOT;
    enum status status = store_knows(intake->store, entry, &intake->batch->submission, &known, why);
    entry->repeated = known != STORE_KNOWS_NOT;
    if (status != STATUS_OK || entry->repeated)
        return status;
    intake->applied = true;
    status = abacus_apply(intake->abacus, intake->batch, peer->scope, entry->number, entry->received_at, &refusals,
                          &count, why);
    if (status != STATUS_OK)
        return status;
    entry->refusals = refusals;
    entry->refusal_count = count;
    *ret_touch_count = abacus_touches(intake->abacus, ret_touches);
    return STATUS_OK;
}

static void note_taken(struct intake *intake, struct peer *peer, const struct entry *entry)
{
    struct taken *taken = &intake->taken[intake->taken_count++];
    *taken = (struct taken){.peer = (uint32_t)(peer - intake->peers),
                            .seq = entry->seq,
                            .first_refusal = intake->refusal_count,
                            .refusal_count = entry->refusal_count};
    memcpy(taken->outbox, entry->outbox, sizeof taken->outbox);
    intake->refusals = memory_grow(intake->refusals, &intake->refusal_capacity,
                                   intake->refusal_count + entry->refusal_count, sizeof *intake->refusals);
    if (entry->refusal_count > 0)
        memcpy(intake->refusals + intake->refusal_count, entry->refusals,
               entry->refusal_count * sizeof *intake->refusals);
    intake->refusal_count += entry->refusal_count;
    peer->group_refused += entry->refusal_count;
    peer->group_submitted = true;
}

/* Our clock is believed to be right when more than half of the connected agents' clocks agree with it. */
static bool clock_is_confirmed(const struct intake *intake)
{
    size_t agree = 0, connected = 0;
    for (size_t i = 0; i < intake->peer_count; i++) {
        const struct peer *peer = &intake->peers[i];
        connected += peer->session.active;
        agree += peer->session.active && peer->row.clock_skew_ms > -SKEW_MS && peer->row.clock_skew_ms < SKEW_MS;
    }
    return agree * 2 > connected;
}

/* Times in the ledger never fall, so a clock that was once far ahead would hold them there, for years perhaps. When it
 * stands right again (which the agents' clocks have to confirm: a clock that is behind looks the same), that is written
 * down, and times go on from now. */
static enum status heed_own_clock(struct intake *intake, struct fault *why)
{
    char detail[128], ahead[40];
    if (intake->last_received_at - intake->now_ms <= AHEAD_MS || !clock_is_confirmed(intake))
        return STATUS_OK;
    const enum status status = gap_note_clock(intake->store, intake->now_ms, why);
    if (status != STATUS_OK)
        return status;
    calendar_format_time(intake->last_received_at, ahead);
    (void)snprintf(detail, sizeof detail, "was_at=%s entries_up_to=%" PRIu64, ahead,
                   intake->head + intake->taken_count);
    incidents_raise(intake->incidents, INCIDENT_CLOCK_SET_BACK, "aggregator", intake->catalogue->units[0].code,
                    intake->now_ms, detail);
    intake_note(intake, true, "clock_was_ahead", "", intake->head + intake->taken_count, detail);
    intake->last_received_at = intake->now_ms;
    return STATUS_OK;
}

/* Everything but the commit. */
static enum status take_batch(struct intake *intake, struct peer *peer, const struct wire_batch *batch,
                              const unsigned char chain[SEAL_HASH], struct fault *why)
{
    struct session *session = &peer->session;
    const struct touch *touches = NULL;
    size_t touch_count = 0;
    struct entry entry = {.number = intake->head + intake->taken_count + 1,
                          .seq = batch->seq,
                          .bytes = batch->bytes,
                          .length = batch->length,
                          .submission = &intake->batch->submission};
    memcpy(entry.agent, peer->agent, sizeof entry.agent);
    memcpy(entry.outbox, session->outbox, sizeof entry.outbox);
    memcpy(entry.chain, chain, SEAL_HASH);
    memcpy(entry.signature, batch->signature, SEAL_SIGNATURE);
    enum status status = intake_open_group(intake, why);
    if (status == STATUS_OK)
        status = heed_own_clock(intake, why);
    if (status == STATUS_OK && session->watermark == 0)
        status = intake_note_other_outbox(intake, peer, why);
    intake->last_received_at = intake->now_ms > intake->last_received_at ? intake->now_ms : intake->last_received_at;
    entry.received_at = intake->last_received_at;
    if (status == STATUS_OK)
        status = apply(intake, peer, &entry, &touches, &touch_count, why);
    if (status == STATUS_OK)
        status = store_append(intake->store, &entry, touches, touch_count, why);
    if (status != STATUS_OK)
        return status;
    session_taken(session, chain);
    peer->stream_moved = true;
    peer->stream_moved_at = entry.received_at;
    peer->usual_bytes =
        peer->usual_bytes == 0 ? (uint32_t)entry.length : (peer->usual_bytes * 7 + (uint32_t)entry.length) / 8;
    note_taken(intake, peer, &entry);
    intake->records += intake->batch->record_count;
    intake->group_records += intake->batch->record_count;
    intake->group_bytes += entry.length;
    peer->owes_ack = true;
    return STATUS_OK;
}

static void refuse_batch(struct intake *intake, struct peer *peer, const struct wire_batch *batch, enum wire_nack code,
                         const char *detail)
{
    session_refused(&peer->session);
    intake_owe_nack(peer, batch->session, code, batch->seq, detail);
    intake_note(intake, true, "batch_refused", peer->agent, batch->seq, detail);
}

/* What a session said about a message that is not taken. */
void intake_note_verdict(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                         uint64_t session, const struct session_answer *verdict)
{
    char detail[256];
    const bool is_current = intake_is_route(route, route_length, peer->route, peer->route_length) &&
                            peer->session.active && peer->session.number == session;
    if (verdict->verdict == SESSION_NACK && !is_current)
        intake_nack_now(intake, route, route_length, session, verdict->code,
                        intake_nack_reason(verdict->detail, detail), 0);
    else if (verdict->verdict == SESSION_NACK)
        intake_owe_nack(peer, session, verdict->code, verdict->first, intake_nack_reason(verdict->detail, detail));
    else if (verdict->verdict == SESSION_ACK)
        peer->owes_ack = true;
}

static bool was_in_force(const struct intake *intake, const unsigned char hash[SEAL_HASH])
{
    for (size_t i = 0; i < intake->catalogue_count; i++)
        if (memcmp(intake->catalogues[i].hash, hash, SEAL_HASH) == 0)
            return true;
    return memcmp(intake->catalogue->hash, hash, SEAL_HASH) == 0;
}

/* Something the batch names that the catalogue does not have (or has with fewer decimals); NULL when it has all. */
static const char *unknown_name(const struct intake *intake)
{
    const struct catalogue *catalogue = intake->catalogue;
    const struct batch *batch = intake->batch;
    for (size_t i = 0; i < batch->element_count; i++) {
        const uint32_t element = catalogue_element(catalogue, batch->elements[i].code);
        if (element == NO_INDEX || catalogue->elements[element].decimals < batch->elements[i].decimals)
            return batch->elements[i].code;
    }
    for (size_t i = 0; i < batch->unit_count; i++)
        if (catalogue_unit(catalogue, batch->units[i]) == NO_INDEX)
            return batch->units[i];
    return NULL;
}

/* Something that the batch names and only a catalogue not loaded yet can have; NULL when there is nothing. */
static const char *newer_name(const struct intake *intake)
{
    return was_in_force(intake, intake->batch->submission.catalogue_hash) ? NULL : unknown_name(intake);
}

/* True when the batch was cut by a catalogue that never was in force here, and names what this one does not have: very
 * likely it is newer. To refuse its rows would be wrong tomorrow, so it waits at its collector, with all behind it,
 * until the office has loaded that catalogue. Other agents go on. */
static bool waits_for_catalogue(struct intake *intake, struct peer *peer, const struct wire_batch *batch)
{
    const unsigned char *hash = intake->batch->submission.catalogue_hash;
    const char *unknown = newer_name(intake);
    const char *arguments[4] = {unknown};
    char detail[MESSAGE_NESTED], hex[17];
    if (unknown == NULL) {
        if (!peer->catalogue_judged)
            intake_settle_incident(intake, peer, INCIDENT_CATALOGUE_NEWER);
        peer->catalogue_judged = true;
        return false;
    }
    message_nest(MESSAGE_NACK_CATALOGUE_NEWER, arguments, detail, sizeof detail);
    refuse_batch(intake, peer, batch, NACK_BUSY, detail);
    peer->nack.retry_after_ms = WAIT_RETRY_MS;
    for (size_t i = 0; i < 8; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    (void)snprintf(detail, sizeof detail, "unknown=%s catalogue=%s", unknown, hex);
    intake_raise_incident(intake, peer, INCIDENT_CATALOGUE_NEWER, detail);
    return true;
}

/* What the session says to it; true when it is the next one and has to be taken. */
static bool is_next(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                    const struct wire_batch *batch)
{
    struct session_answer verdict;
    const bool same_route = intake_is_route(route, route_length, peer->route, peer->route_length);
    session_batch(&peer->session, batch, same_route, intake->now_ms, &verdict);
    intake_note_verdict(intake, peer, route, route_length, batch->session, &verdict);
    return verdict.verdict == SESSION_TAKE;
}

/* Contents nobody can read under a good signature come from a collector that is not ours or of another age; taking them
 * would put a batch into the ledger that can never be told record by record. The stream waits for a person. */
static bool is_readable(struct intake *intake, const unsigned char *bytes, size_t length, char ret_detail[256])
{
    struct fault malformed;
    memset(&malformed, 0, sizeof malformed);
    if (length <= LIMIT_BATCH_BYTES && batch_decode(bytes, length, &intake->batch, &malformed) == STATUS_OK)
        return true;
    if (malformed.message == MESSAGE_NONE)
        fault_set(&malformed, MESSAGE_TOO_LARGE, "batch", "256 KiB", NULL);
    fault_nest(&malformed, ret_detail, 256);
    return false;
}

static void refuse_unsigned(struct intake *intake, struct peer *peer, const struct wire_batch *batch)
{
    char detail[256];
    refuse_batch(intake, peer, batch, NACK_BAD_SIGNATURE, intake_nack_reason(MESSAGE_NACK_NOT_SIGNED, detail));
}

enum status intake_on_batch(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_batch *batch, struct fault *why)
{
    unsigned char chain[SEAL_HASH];
    char detail[256];
    if (!is_next(intake, peer, route, route_length, batch))
        return STATUS_OK;
    seal_chain_next(peer->session.chain, batch->bytes, batch->length, chain);
    if (!signature_holds(peer, batch, chain)) {
        refuse_unsigned(intake, peer, batch);
        return STATUS_OK;
    }
    if (!is_readable(intake, batch->bytes, batch->length, detail)) {
        refuse_batch(intake, peer, batch, NACK_MALFORMED, detail);
        return STATUS_OK;
    }
    return waits_for_catalogue(intake, peer, batch) ? STATUS_OK : take_batch(intake, peer, batch, chain, why);
}

/* ---- RUN
 * ----------------------------------------------------------------------------------------------------------------- */

static void batch_of_run(const struct wire_run *run, size_t at, const unsigned char chain_before[SEAL_HASH],
                         struct wire_batch *ret_batch)
{
    ret_batch->session = run->session;
    ret_batch->seq = run->seq + at;
    ret_batch->bytes = run->batches[at].bytes;
    ret_batch->length = run->batches[at].length;
    memcpy(ret_batch->chain_before, chain_before, SEAL_HASH);
    memcpy(ret_batch->signature, run->batches[at].signature, SEAL_SIGNATURE);
}

/* How many batches of the run, from `first` on, can be read and wait for no catalogue. */
static size_t count_fit(struct intake *intake, const struct wire_run *run, size_t first)
{
    char detail[256];
    size_t end = first;
    while (end < run->count && is_readable(intake, run->batches[end].bytes, run->batches[end].length, detail) &&
           newer_name(intake) == NULL)
        end++;
    return end;
}

/* Where a run that is not taken whole is cut: what stands before the cut is the last that goes in, so it needs a good
 * signature of its own. */
static size_t cut_run(const struct peer *peer, const struct wire_run *run, size_t first, size_t end,
                      unsigned char (*chains)[SEAL_HASH])
{
    struct wire_batch batch;
    for (; end > first; end--) {
        batch_of_run(run, end - 1, chains[end - 1], &batch);
        if (signature_holds(peer, &batch, chains[end]))
            break;
    }
    return end;
}

static void refuse_behind_cut(struct intake *intake, struct peer *peer, const struct wire_batch *batch, bool is_fit)
{
    char detail[256];
    if (is_fit)
        refuse_unsigned(intake, peer, batch);
    else if (!is_readable(intake, batch->bytes, batch->length, detail))
        refuse_batch(intake, peer, batch, NACK_MALFORMED, detail);
    else
        (void)waits_for_catalogue(intake, peer, batch);
}

/* The run from `first` on, its last signature being good. The ledger keeps no signature that nobody checked: a batch is
 * stored without its own when the next one goes in as well, so that the chain leads from it to one that was checked. */
static enum status take_run(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                            const struct wire_run *run, size_t first, unsigned char (*chains)[SEAL_HASH],
                            struct fault *why)
{
    struct wire_batch batch;
    char detail[256];
    enum status status = STATUS_OK;
    const size_t fit = count_fit(intake, run, first);
    const size_t end = fit < run->count ? cut_run(peer, run, first, fit, chains) : fit;
    for (size_t i = first; i < run->count && status == STATUS_OK; i++) {
        batch_of_run(run, i, chains[i], &batch);
        if (!is_next(intake, peer, route, route_length, &batch))
            return STATUS_OK;
        if (i == end) {
            refuse_behind_cut(intake, peer, &batch, end < fit);
            return STATUS_OK;
        }
        if (!is_readable(intake, batch.bytes, batch.length, detail) || waits_for_catalogue(intake, peer, &batch))
            return STATUS_OK; /* cannot be: it was just found to fit */
        if (i + 1 < end)
            memset(batch.signature, 0, sizeof batch.signature);
        status = take_batch(intake, peer, &batch, chains[i + 1], why);
    }
    return status;
}

/* A signature is over the chain, so a good one on the last batch proves all that the chain leads through; when it is
 * not good each batch stands by itself, up to the first that is not signed. */
enum status intake_on_run(struct intake *intake, struct peer *peer, const unsigned char *route, size_t route_length,
                          const struct wire_run *run, struct fault *why)
{
    const struct session *session = &peer->session;
    const size_t last = run->count - 1;
    unsigned char chains[WIRE_RUN_BATCHES + 1][SEAL_HASH];
    struct wire_batch batch;
    enum status status = STATUS_OK;
    memcpy(chains[0], run->chain_before, SEAL_HASH);
    batch_of_run(run, last, chains[0], &batch);
    if (!session->active || session->number != run->session || run->seq > session->watermark + 1 ||
        run->seq + last <= session->watermark) /* nothing of it will be taken: one answer is enough */
        return intake_on_batch(intake, peer, route, route_length, &batch, why);
    const size_t first = (size_t)(session->watermark + 1 - run->seq);
    for (size_t i = 0; i < run->count; i++)
        seal_chain_next(chains[i], run->batches[i].bytes, run->batches[i].length, chains[i + 1]);
    peer->sends_runs = true;
    if (memcmp(chains[first], session->chain, SEAL_HASH) == 0 && signature_holds(peer, &batch, chains[run->count]))
        return take_run(intake, peer, route, route_length, run, first, chains, why);
    for (size_t i = first; i < run->count && status == STATUS_OK; i++) {
        batch_of_run(run, i, chains[i], &batch);
        status = intake_on_batch(intake, peer, route, route_length, &batch, why);
    }
    return status;
}
