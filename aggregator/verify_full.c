/* verify_full.c - everything is made anew from the ledger and compared with what the store says.
 *
 *   ledger ──> decided again: the live path (abacus_apply) under the catalogue and scope of the time   == refusals, repeats
 *          └─> copied up to the watermark, rebuilt as after a crash      == every cell of every saved page
 *                 └─> brought to the newest entry                        == index, published figures; sums of everything
 *
 * Both work in scratch stores in a folder of their own, which goes away at the end. */
#include "verify_inside.h"

#include "abacus.h"
#include "batch.h"
#include "block.h"
#include "memory.h"
#include "published.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 256
#define MEMORY ((size_t)256 << 20)

/* ---- scratch ----------------------------------------------------------------------------------------------------------- */

struct scratch {
    char folder[256];
    struct store *store;
    struct abacus *abacus;
    struct catalogue *catalogue;
    uint64_t position;
};

static void remove_folder(const char *folder)
{
    DIR *listing = folder[0] == '\0' ? NULL : opendir(folder);
    char path[600];
    if (listing == NULL)
        return;
    for (const struct dirent *item = readdir(listing); item != NULL; item = readdir(listing)) {
        const int length = snprintf(path, sizeof path, "%s/%s", folder, item->d_name);
        if (item->d_name[0] != '.' && length > 0 && (size_t)length < sizeof path)
            (void)unlink(path);
    }
    closedir(listing);
    (void)rmdir(folder);
}

/* What the ledger alone does not tell: where batches are missing for good, when the clock was ahead (gaps.h). */
static enum status copy_registry(struct store *from, struct store *to, struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    enum status status = store_registry(from, &rows, &count, why);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = store_add_registry(to, &rows[i], why);
    free(rows);
    return status;
}

static enum status scratch_open(struct scratch *scratch, struct store *from, struct fault *why)
{
    const char *place = getenv("TMPDIR");
    char path[300];
    *scratch = (struct scratch){.store = NULL};
    (void)snprintf(scratch->folder, sizeof scratch->folder, "%s/suanpan-verify-XXXXXX",
                   place == NULL || place[0] == '\0' || strlen(place) > 200 ? "/tmp" : place);
    if (mkdtemp(scratch->folder) == NULL) {
        fault_set(why, MESSAGE_CANNOT_WRITE, scratch->folder, "mkdtemp", NULL);
        scratch->folder[0] = '\0';
        return STATUS_BROKEN;
    }
    (void)snprintf(path, sizeof path, "%s/scratch.db", scratch->folder);
    enum status status = store_open(path, STORE_WRITE, &scratch->store, why);
    if (status == STATUS_OK)
        status = store_begin(scratch->store, why);
    return status == STATUS_OK ? copy_registry(from, scratch->store, why) : status;
}

static void scratch_close(struct scratch *scratch)
{
    abacus_close(&scratch->abacus);
    store_close(&scratch->store); /* with the open transaction: nothing of it is ever committed */
    catalogue_free(&scratch->catalogue);
    remove_folder(scratch->folder);
}

static enum status copy_entry(struct scratch *scratch, const struct entry *entry, const struct touch *touches,
                              size_t touch_count, struct fault *why)
{
    const enum status status = store_append(scratch->store, entry, touches, touch_count, why);
    if (status == STATUS_OK)
        scratch->position = entry->number;
    return status;
}

/* Visits the entries after..upto of the store, a short snapshot at a time unless one is open. */
typedef enum status entry_visitor(void *context, struct entry *entry, bool *ret_stop, struct fault *why);

static enum status each_entry(struct verifying *verifying, const char *check, uint64_t after, uint64_t upto,
                              entry_visitor *visit, void *context, struct fault *why)
{
    const bool is_own = !store_is_inside(verifying->store);
    bool stop = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !stop && after < upto) {
        if (is_own)
            status = store_begin(verifying->store, why);
        for (int i = 0; status == STATUS_OK && !stop && i < CHUNK && after < upto; i++) {
            struct entry entry;
            bool found = false;
            status = store_entry_after(verifying->store, after, &entry, &found, why);
            if (status != STATUS_OK || !found || entry.number > upto) {
                stop = true;
                break;
            }
            after = entry.number;
            status = visit(context, &entry, &stop, why);
        }
        if (is_own)
            store_rollback(verifying->store);
        verify_tell(verifying, check, after, upto);
    }
    return status;
}

/* ---- deciding again ------------------------------------------------------------------------------------------------------- */

struct deciding {
    struct verifying *verifying;
    struct scratch scratch;
    struct catalogue_row *versions;
    size_t version_count, version; /* in force; version_count: none yet */
    struct batch *batch;
    uint64_t looked_at, first_bad;
    char detail[256];
};

static enum status use_catalogue(struct deciding *deciding, size_t version, struct fault *why)
{
    struct findings findings = {0};
    struct scratch *scratch = &deciding->scratch;
    enum status status = scratch->abacus != NULL ? abacus_save(scratch->abacus, why) : STATUS_OK;
    abacus_close(&scratch->abacus);
    catalogue_free(&scratch->catalogue);
    if (status == STATUS_OK)
        status = store_load_catalogue_version(deciding->verifying->store, deciding->versions[version].version,
                                              deciding->versions[version].hash, &scratch->catalogue, &findings, why);
    findings_free(&findings);
    if (status != STATUS_OK)
        return status;
    scratch->abacus = abacus_open(scratch->store, scratch->catalogue, MEMORY);
    deciding->version = version;
    return STATUS_OK;
}

/* The newest catalogue noted before the entry. */
static enum status follow_catalogue(struct deciding *deciding, uint64_t entry, struct fault *why)
{
    size_t version = 0;
    for (size_t i = 0; i < deciding->version_count; i++)
        if (deciding->versions[i].after < entry)
            version = i;
    return version == deciding->version ? STATUS_OK : use_catalogue(deciding, version, why);
}

static void differs(struct deciding *deciding, uint64_t entry, const char *detail)
{
    deciding->first_bad = entry;
    (void)snprintf(deciding->detail, sizeof deciding->detail, "%s", detail);
}

static void compare_refusals(struct deciding *deciding, const struct entry *entry, const struct refusal *refusals,
                             size_t count)
{
    char detail[200];
    for (size_t i = 0; i < count || i < entry->refusal_count; i++) {
        const struct refusal *now = i < count ? &refusals[i] : NULL;
        const struct refusal *then = i < entry->refusal_count ? &entry->refusals[i] : NULL;
        if (now != NULL && then != NULL && now->index == then->index && now->message == then->message)
            continue;
        const bool is_new = then == NULL || (now != NULL && now->index < then->index);
        (void)snprintf(detail, sizeof detail, "record %" PRIu32 ": now %s, then %s",
                       (is_new ? now : then)->index, is_new || (now != NULL && now->index == then->index) ? message_code(now->message) : "taken",
                       is_new ? "taken" : message_code(then->message));
        differs(deciding, entry->number, detail);
        return;
    }
}

static enum status decide(void *context, struct entry *entry, bool *ret_stop, struct fault *why)
{
    struct deciding *deciding = context;
    struct scratch *scratch = &deciding->scratch;
    const struct refusal *refusals = NULL;
    const struct touch *touches = NULL;
    size_t count = 0, touch_count = 0;
    enum store_known known = STORE_KNOWS_NOT;
    const char *scope_code = proof_scope(deciding->verifying->proof, entry->agent, entry->number);
    enum status status = follow_catalogue(deciding, entry->number, why);
    if (status == STATUS_OK)
        status = batch_decode(entry->bytes, entry->length, &deciding->batch, why);
    if (status == STATUS_OK)
        status = store_knows(scratch->store, entry, &deciding->batch->submission, &known, why);
    if (status != STATUS_OK)
        return status;
    /* Ledgers may be from before parts were heeded: then a part stands there twice, with the same values. */
    const bool repeated = known == STORE_KNOWS_FILE || (known == STORE_KNOWS_PART && entry->repeated);
    deciding->looked_at++;
    const uint32_t scope = scope_code == NULL ? NO_INDEX : catalogue_unit(scratch->catalogue, scope_code);
    if (scope == NO_INDEX || repeated != entry->repeated) {
        differs(deciding, entry->number, scope == NO_INDEX ? "its agent had no scope then"
                                         : repeated        ? "its file was taken before"
                                                           : "its file was not taken before");
    } else if (!repeated) {
        status = abacus_apply(scratch->abacus, deciding->batch, scope, entry->number, entry->received_at, &refusals, &count,
                              why);
        if (status == STATUS_OK)
            compare_refusals(deciding, entry, refusals, count);
        touch_count = status == STATUS_OK ? abacus_touches(scratch->abacus, &touches) : 0;
    }
    *ret_stop = deciding->first_bad != 0;
    if (status == STATUS_OK && !*ret_stop)
        status = copy_entry(scratch, entry, touches, touch_count, why);
    return status;
}

static enum status decide_again(struct verifying *verifying, struct fault *why)
{
    struct deciding deciding = {.verifying = verifying};
    enum status status = scratch_open(&deciding.scratch, verifying->store, why);
    if (status == STATUS_OK)
        status = store_catalogues(verifying->store, &deciding.versions, &deciding.version_count, why);
    deciding.version = deciding.version_count;
    if (status == STATUS_OK)
        status = each_entry(verifying, "decisions", 0, proof_position(verifying->proof), decide, &deciding, why);
    if (status == STATUS_OK)
        verification_add(verifying->found, "decisions", deciding.first_bad != 0 ? VERIFY_BAD : VERIFY_OK,
                         deciding.looked_at, deciding.first_bad, deciding.detail);
    scratch_close(&deciding.scratch);
    batch_free(&deciding.batch);
    free(deciding.versions);
    return status;
}

/* ---- pages ------------------------------------------------------------------------------------------------------------------ */

struct comparing {
    struct verifying *verifying;
    struct scratch scratch;
    uint64_t watermark;
    bool fits, completion_differs_by_right; /* other rules were in force once */
    uint64_t cells, blocks, first_bad, others;
    char detail[256];
    struct sums *sums;
};

static enum status copy_plain(void *context, struct entry *entry, bool *ret_stop, struct fault *why)
{
    struct comparing *comparing = context;
    (void)ret_stop;
    return copy_entry(&comparing->scratch, entry, NULL, 0, why);
}

static void page_differs(struct comparing *comparing, uint64_t entry, const char *subject, const char *period,
                         uint32_t slot, const char *what)
{
    const struct catalogue *catalogue = comparing->scratch.catalogue;
    const bool is_element = subject[0] == 'E';
    const uint32_t index = is_element ? catalogue_element(catalogue, subject + 1) : catalogue_form(catalogue, subject + 1);
    const uint32_t form = index == NO_INDEX ? NO_INDEX : is_element ? catalogue->elements[index].form : index;
    const struct level *level = form == NO_INDEX ? NULL : &catalogue->levels[catalogue->forms[form].level];
    const char *unit = level != NULL && slot < level->unit_count ? catalogue->units[level->unit_of_slot[slot]].code : "?";
    if (comparing->others++ > 0 && entry >= comparing->first_bad)
        return;
    comparing->first_bad = entry;
    (void)snprintf(comparing->detail, sizeof comparing->detail, "%s %s, unit %s, %s: %s",
                   is_element ? "element" : "form", subject + 1, unit, period, what);
}

static bool decode(struct comparing *comparing, struct block *block, const char *subject, const char *period,
                   uint32_t number, const unsigned char *bytes, size_t length)
{
    const struct catalogue *catalogue = comparing->scratch.catalogue;
    const uint32_t index = subject[0] == 'E' ? catalogue_element(catalogue, subject + 1) : catalogue_form(catalogue, subject + 1);
    if (index == NO_INDEX)
        return false;
    const uint32_t form = subject[0] == 'E' ? catalogue->elements[index].form : index;
    const uint32_t slots = catalogue->levels[catalogue->forms[form].level].unit_count, first = number * BLOCK_SLOTS;
    if (number > slots / BLOCK_SLOTS)
        return false;
    block->number = number;
    block->slot_count = slots - first < BLOCK_SLOTS ? slots - first : BLOCK_SLOTS;
    return block_decode(block, subject, period, bytes, length);
}

static void compare_cells(struct comparing *comparing, const char *subject, const char *period, const struct block *saved,
                          const struct block *made)
{
    char what[160];
    for (uint32_t i = 0; i < made->slot_count; i++) {
        const struct slot was = block_slot(saved, i), is = block_slot(made, i);
        if (was.value == is.value && was.word == is.word && was.entry == is.entry)
            continue;
        (void)snprintf(what, sizeof what,
                       "saved %" PRId64 " (revision %" PRIu32 ", entry %" PRIu32 "), the ledger says %" PRId64
                       " (revision %" PRIu32 ", entry %" PRIu32 ")",
                       was.value, slot_revision(was), was.entry, is.value, slot_revision(is), is.entry);
        page_differs(comparing, is.entry != 0 ? is.entry : was.entry, subject, period, made->number * BLOCK_SLOTS + i, what);
        return;
    }
}

static bool is_compared(const struct comparing *comparing, const char *subject)
{
    return subject[0] == 'E' || !comparing->completion_differs_by_right;
}

/* Of the store: what the ledger makes of this block. */
static bool compare_block(void *context, const char *subject, const char *period, uint32_t number,
                          const unsigned char *bytes, size_t length)
{
    struct comparing *comparing = context;
    struct block saved = {.number = number}, made = {.number = number};
    const unsigned char *fresh = NULL;
    size_t fresh_length = 0;
    bool found = false;
    struct fault why = {0};
    if (!is_compared(comparing, subject))
        return true;
    comparing->blocks++;
    if (store_block_load(comparing->scratch.store, subject, period, number, &fresh, &fresh_length, &found, &why) != STATUS_OK)
        found = false;
    if (found && fresh_length == length && length != 0 && memcmp(fresh, bytes, length) == 0)
        return true;
    if (!decode(comparing, &saved, subject, period, number, bytes, length))
        page_differs(comparing, comparing->watermark, subject, period, number * BLOCK_SLOTS, "the saved page cannot be read");
    else if (!found || !decode(comparing, &made, subject, period, number, fresh, fresh_length))
        page_differs(comparing, comparing->watermark, subject, period, number * BLOCK_SLOTS, "the ledger knows no such page");
    else
        compare_cells(comparing, subject, period, &saved, &made);
    free(saved.slots);
    free(made.slots);
    return true;
}

/* Of the scratch store: is it saved at all? */
static bool find_block(void *context, const char *subject, const char *period, uint32_t number, const unsigned char *bytes,
                       size_t length)
{
    struct comparing *comparing = context;
    const unsigned char *saved;
    size_t saved_length;
    bool found = false;
    struct fault why = {0};
    (void)bytes;
    (void)length;
    if (is_compared(comparing, subject) &&
        store_block_load(comparing->verifying->store, subject, period, number, &saved, &saved_length, &found, &why) == STATUS_OK &&
        !found)
        page_differs(comparing, comparing->watermark, subject, period, number * BLOCK_SLOTS, "this page is not saved");
    return true;
}

static enum status compare_pages(struct comparing *comparing, struct fault *why)
{
    enum status status = STATUS_OK;
    if (!comparing->fits || comparing->watermark == 0) {
        verification_add(comparing->verifying->found, "pages", VERIFY_SKIPPED, 0, 0,
                         comparing->fits ? "nothing is saved yet" : "saved under another catalogue; not used any more");
        return STATUS_OK;
    }
    status = store_blocks(comparing->verifying->store, compare_block, comparing, why);
    if (status == STATUS_OK)
        status = store_blocks(comparing->scratch.store, find_block, comparing, why);
    if (status == STATUS_OK)
        verification_add(comparing->verifying->found, "pages", comparing->others > 0 ? VERIFY_BAD : VERIFY_OK,
                         comparing->blocks, comparing->first_bad, comparing->detail);
    return status;
}

/* ---- the index --------------------------------------------------------------------------------------------------------------- */

struct indexing {
    struct comparing *comparing;
    uint64_t looked_at, first_bad;
    char detail[256];
    enum status status;
    struct fault *why;
};

static bool find_touch(void *context, const char *form, const char *period, uint64_t entry)
{
    struct indexing *indexing = context;
    bool touched = false;
    indexing->looked_at++;
    indexing->status = store_is_touched(indexing->comparing->verifying->store, form, period, entry, &touched, indexing->why);
    if (indexing->status == STATUS_OK && !touched && (indexing->first_bad == 0 || entry < indexing->first_bad)) {
        indexing->first_bad = entry;
        (void)snprintf(indexing->detail, sizeof indexing->detail, "the index does not lead from form %s, %s to it", form,
                       period[0] == '\0' ? "any period" : period);
    }
    return indexing->status == STATUS_OK;
}

static enum status compare_index(struct comparing *comparing, struct fault *why)
{
    struct indexing indexing = {.comparing = comparing, .why = why};
    enum status status = STATUS_OK;
    if (!comparing->fits) {
        verification_add(comparing->verifying->found, "index", VERIFY_SKIPPED, 0, 0, "made under another catalogue; not used any more");
        return STATUS_OK;
    }
    status = store_touches(comparing->scratch.store, find_touch, &indexing, why);
    if (status == STATUS_OK)
        status = indexing.status;
    if (status == STATUS_OK)
        verification_add(comparing->verifying->found, "index", indexing.first_bad != 0 ? VERIFY_BAD : VERIFY_OK,
                         indexing.looked_at, indexing.first_bad, indexing.detail);
    return status;
}

/* ---- figures ------------------------------------------------------------------------------------------------------------------ */

struct period_list {
    enum period_kind kind;
    struct period *periods;
    size_t count, capacity;
};

static void list_period(void *context, const char *text)
{
    struct period_list *list = context;
    struct period period;
    if (period_parse(text, &period, NULL) != STATUS_OK || period.kind != list->kind)
        return;
    list->periods = memory_grow(list->periods, &list->capacity, list->count + 1, sizeof *list->periods);
    list->periods[list->count++] = period;
}

static enum status sum_element(struct comparing *comparing, uint32_t element, const struct period_list *list,
                               struct fault *why)
{
    const struct catalogue *catalogue = comparing->scratch.catalogue;
    const struct element *summed = &catalogue->elements[element];
    const uint32_t slots = catalogue->levels[catalogue->forms[summed->form].level].unit_count;
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < list->count; i++) {
        struct run run = {0};
        status = abacus_run(comparing->scratch.abacus, element, list->periods[i], 0, slots, &run, why);
        if (status == STATUS_OK)
            sums_add(comparing->sums, summed->code, list->periods[i], run.sum, summed->decimals, run.reported, run.figures);
    }
    return status;
}

static enum status sum_everything(struct comparing *comparing, struct fault *why)
{
    const struct catalogue *catalogue = comparing->scratch.catalogue;
    char hex[2 * SEAL_HASH + 1], detail[128];
    uint64_t lines = 0;
    enum status status = STATUS_OK;
    comparing->sums = sums_new();
    for (uint32_t f = 0; status == STATUS_OK && f < catalogue->form_count; f++) {
        struct period_list list = {.kind = catalogue->forms[f].frequency};
        /* Texts of one kind sort as their periods do. */
        status = store_touched_periods(comparing->scratch.store, catalogue->forms[f].code, list_period, &list, why);
        for (size_t e = 0; status == STATUS_OK && e < catalogue->forms[f].element_count; e++)
            status = sum_element(comparing, catalogue->forms[f].elements[e], &list, why);
        free(list.periods);
    }
    sums_finish(&comparing->sums, &lines, hex);
    (void)snprintf(detail, sizeof detail, "sums %s", hex);
    if (status == STATUS_OK)
        verification_add(comparing->verifying->found, "figures", VERIFY_OK, lines, 0, detail);
    return status;
}

/* ---- published figures ---------------------------------------------------------------------------------------------------------- */

struct republishing {
    struct comparing *comparing;
    struct figures *figures;
    struct published_maker *maker;
    uint64_t looked_at, bad;
    char detail[256];
    enum status status;
    struct fault *why;
};

static bool compare_published(void *context, const struct published_figure *published)
{
    struct republishing *republishing = context;
    const struct catalogue *catalogue = republishing->comparing->scratch.catalogue;
    struct published_figure made;
    char period[PERIOD_TEXT];
    const bool is_indicator = strcmp(published->kind, "indicator") == 0;
    const uint32_t code = is_indicator ? catalogue_indicator(catalogue, published->code)
                                       : catalogue_element(catalogue, published->code);
    const uint32_t unit = catalogue_unit(catalogue, published->unit);
    bool same = code != NO_INDEX && unit != NO_INDEX;
    republishing->looked_at++;
    if (same) {
        republishing->status = published_make(republishing->maker, republishing->figures,
                                              (struct published_subject){is_indicator, code}, unit, published->period, &made,
                                              republishing->why);
        if (republishing->status == STATUS_OK)
            republishing->status = store_is_published(republishing->comparing->verifying->store, &made, &same,
                                                      republishing->why);
        if (republishing->status != STATUS_OK)
            return false;
    }
    if (!same && republishing->bad++ == 0) {
        period_format(published->period, period);
        (void)snprintf(republishing->detail, sizeof republishing->detail, "%s %s, unit %s, %s: published %s, the ledger says %s",
                       published->kind, published->code, published->unit, period,
                       published->value == NULL ? "nothing" : published->value,
                       code == NO_INDEX || unit == NO_INDEX || made.value == NULL ? "nothing" : made.value);
    }
    return true;
}

static enum status compare_published_figures(struct comparing *comparing, uint64_t head, struct fault *why)
{
    const struct catalogue *catalogue = comparing->scratch.catalogue;
    struct republishing republishing = {.comparing = comparing, .why = why};
    uint64_t as_of = 0;
    enum status status = store_published_as_of(comparing->verifying->store, catalogue->hash, &as_of, why);
    if (status != STATUS_OK)
        return status;
    if (as_of != head || head == 0) {
        verification_add(comparing->verifying->found, "published", VERIFY_SKIPPED, 0, 0,
                         as_of == 0 ? "nothing is published under this catalogue" : "the rows are about to be brought up to date");
        return STATUS_OK;
    }
    republishing.figures = figures_new(catalogue, comparing->scratch.abacus);
    republishing.maker = published_maker_new(catalogue);
    status = store_published_figures(comparing->verifying->store, compare_published, &republishing, why);
    if (status == STATUS_OK)
        status = republishing.status;
    if (status == STATUS_OK)
        verification_add(comparing->verifying->found, "published", republishing.bad > 0 ? VERIFY_BAD : VERIFY_OK,
                         republishing.looked_at, 0, republishing.detail);
    figures_free(&republishing.figures);
    published_maker_free(&republishing.maker);
    return status;
}

/* ---- all of it -------------------------------------------------------------------------------------------------------------------- */

/* What the newest catalogue is, and whether it was always the only one. */
static enum status choose_catalogue(struct comparing *comparing, struct fault *why)
{
    struct catalogue_row *versions = NULL;
    struct findings findings = {0};
    size_t count = 0;
    enum status status = store_catalogues(comparing->verifying->store, &versions, &count, why);
    if (status == STATUS_OK)
        status = store_load_catalogue(comparing->verifying->store, &comparing->scratch.catalogue, &findings, why);
    for (size_t i = 1; status == STATUS_OK && i < count; i++)
        comparing->completion_differs_by_right =
            comparing->completion_differs_by_right || memcmp(versions[i].hash, versions[0].hash, SEAL_HASH) != 0;
    findings_free(&findings);
    free(versions);
    return status;
}

static enum status know_watermark(struct comparing *comparing, struct fault *why)
{
    const unsigned char *layout = comparing->scratch.catalogue->layout_hash;
    enum status status = store_pages_fit(comparing->verifying->store, layout, &comparing->fits, why);
    if (status == STATUS_OK)
        status = store_pages_watermark(comparing->verifying->store, layout, &comparing->watermark, why);
    return status;
}

/* Inside the last snapshot. */
static enum status compare_all(struct comparing *comparing, struct fault *why)
{
    struct verifying *verifying = comparing->verifying;
    uint64_t head = 0;
    enum status status = know_watermark(comparing, why);
    if (status == STATUS_OK)
        status = store_head(verifying->store, &head, NULL, NULL, why);
    if (status == STATUS_OK && comparing->watermark > head) {
        verification_add(verifying->found, "pages", VERIFY_BAD, 0, head + 1, "the saved pages know entries that are not in the ledger");
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = each_entry(verifying, "pages", comparing->scratch.position, comparing->watermark, copy_plain, comparing, why);
    if (status == STATUS_OK)
        status = abacus_start(comparing->scratch.abacus, why);
    if (status == STATUS_OK)
        status = abacus_save(comparing->scratch.abacus, why);
    if (status == STATUS_OK)
        status = compare_pages(comparing, why);
    if (status == STATUS_OK)
        status = each_entry(verifying, "figures", comparing->scratch.position, head, copy_plain, comparing, why);
    if (status != STATUS_OK)
        return status;
    /* Once more from the start, so that the index of what was copied later is there too. */
    struct abacus *again = abacus_open(comparing->scratch.store, comparing->scratch.catalogue, MEMORY);
    static const unsigned char nothing[32];
    abacus_close(&comparing->scratch.abacus);
    comparing->scratch.abacus = again;
    status = store_pages_reset(comparing->scratch.store, nothing, why);
    if (status == STATUS_OK)
        status = abacus_start(again, why);
    if (status == STATUS_OK)
        status = compare_index(comparing, why);
    if (status == STATUS_OK)
        status = compare_published_figures(comparing, head, why);
    return status == STATUS_OK ? sum_everything(comparing, why) : status;
}

static enum status rebuild(struct verifying *verifying, struct fault *why)
{
    struct comparing comparing = {.verifying = verifying};
    enum status status = scratch_open(&comparing.scratch, verifying->store, why);
    if (status == STATUS_OK)
        status = choose_catalogue(&comparing, why);
    if (status == STATUS_OK)
        status = know_watermark(&comparing, why);
    /* Most of it outside the last snapshot, so that the aggregator's log is not held back for long. */
    if (status == STATUS_OK)
        status = each_entry(verifying, "pages", 0, comparing.watermark, copy_plain, &comparing, why);
    if (status == STATUS_OK) {
        comparing.scratch.abacus = abacus_open(comparing.scratch.store, comparing.scratch.catalogue, MEMORY);
        status = store_begin(verifying->store, why);
    }
    if (status == STATUS_OK)
        status = compare_all(&comparing, why);
    store_rollback(verifying->store);
    scratch_close(&comparing.scratch);
    return status;
}

enum status verify_full(struct verifying *verifying, struct fault *why)
{
    struct catalogue_row *versions = NULL;
    size_t count = 0;
    enum status status = store_catalogues(verifying->store, &versions, &count, why);
    free(versions);
    if (status == STATUS_OK && count == 0) {
        verification_add(verifying->found, "figures", VERIFY_SKIPPED, 0, 0, "no catalogue is kept in this store");
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = decide_again(verifying, why);
    return status == STATUS_OK ? rebuild(verifying, why) : status;
}
