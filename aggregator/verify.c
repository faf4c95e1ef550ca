/* verify.c - see verify.h: the rows, and the quick part. The full part is verify_full.c. */
#include "verify_inside.h"

#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK 256 /* entries a snapshot: some ten milliseconds */

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

void verification_add(struct verification *verification, const char *check, enum verify_result result,
                      uint64_t looked_at, uint64_t first_bad, const char *detail)
{
    if (verification->count == VERIFY_ROWS)
        return;
    struct verify_row *row = &verification->rows[verification->count++];
    *row = (struct verify_row){.result = result, .looked_at = looked_at, .first_bad = first_bad};
    (void)snprintf(row->check, sizeof row->check, "%s", check);
    (void)snprintf(row->detail, sizeof row->detail, "%s", detail);
    if (result != VERIFY_BAD)
        return;
    verification->sound = false;
    if (first_bad != 0 && (verification->first_bad == 0 || first_bad < verification->first_bad))
        verification->first_bad = first_bad;
}

void verification_add_proof(struct verification *verification, const struct proof *proof, bool with_streams)
{
    for (int check = 0; check < PROOF_CHECKS; check++) {
        const struct finding_of_proof *finding = proof_finding(proof, (enum proof_check)check);
        if (check == PROOF_STREAMS && !with_streams)
            continue;
        verification_add(verification, proof_check_name((enum proof_check)check),
                         finding->bad > 0 ? VERIFY_BAD : VERIFY_OK, finding->looked_at, finding->first_bad,
                         finding->detail);
    }
}

/* ---- sums ------------------------------------------------------------------------------------------------------------ */

struct sums {
    struct seal_hasher *hasher;
    uint64_t lines;
};

struct sums *sums_new(void)
{
    struct sums *sums = memory_new(struct sums);
    sums->hasher = seal_hasher_new();
    return sums;
}

static void write_sum(__int128 sum, char ret_text[48])
{
    unsigned __int128 left = sum < 0 ? -(unsigned __int128)sum : (unsigned __int128)sum;
    char *at = ret_text + 47;
    *at = '\0';
    do {
        *--at = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left != 0);
    if (sum < 0)
        *--at = '-';
    memmove(ret_text, at, strlen(at) + 1);
}

void sums_add(struct sums *sums, const char *element, struct period period, __int128 sum, uint8_t decimals,
              uint64_t reported, uint64_t figures)
{
    char line[512], number[48], text[PERIOD_TEXT];
    if (reported == 0)
        return;
    period_format(period, text);
    write_sum(sum, number);
    const int length = snprintf(line, sizeof line, "%s,%s,%s,%u,%" PRIu64 ",%" PRIu64 "\n", element, text, number,
                                (unsigned)decimals, reported, figures);
    if (length > 0)
        seal_hasher_add(sums->hasher, line, (size_t)length);
    sums->lines++;
}

void sums_finish(struct sums **sums, uint64_t *ret_lines, char ret_hex[2 * SEAL_HASH + 1])
{
    unsigned char hash[SEAL_HASH];
    seal_hasher_finish(&(*sums)->hasher, hash);
    seal_hex(hash, SEAL_HASH, ret_hex);
    *ret_lines = (*sums)->lines;
    free(*sums);
    *sums = NULL;
}

/* ---- progress ---------------------------------------------------------------------------------------------------------- */

void verify_tell(struct verifying *verifying, const char *check, uint64_t done, uint64_t all)
{
    if (verifying->request->progress != NULL)
        verifying->request->progress(verifying->request->context, check, done, all);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------ */

/* What cannot be read ends this handle; the rest is looked at through another. */
static enum status reopen(struct verifying *verifying, struct fault *why)
{
    store_close(&verifying->store);
    return store_open(verifying->request->path, STORE_READ, &verifying->store, why);
}

static enum status check_file(struct verifying *verifying, struct fault *why)
{
    struct fault found = {0};
    char detail[200] = "";
    bool is_sound = false;
    verify_tell(verifying, "file", 0, 0);
    const enum status status =
        store_check_file(verifying->store, verifying->request->full, &is_sound, detail, sizeof detail, &found);
    if (status == STATUS_AGAIN) {
        *why = found;
        return status;
    }
    if (status != STATUS_OK)
        fault_sentence(&found, LANGUAGE_EN, detail, sizeof detail);
    verification_add(verifying->found, "file", is_sound && status == STATUS_OK ? VERIFY_OK : VERIFY_BAD, 1, 0, detail);
    return status == STATUS_OK ? STATUS_OK : reopen(verifying, why);
}

/* ---- the ledger ------------------------------------------------------------------------------------------------------------ */

static enum status give_registry(struct verifying *verifying, struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    const enum status status = store_registry(verifying->store, &rows, &count, why);
    if (status == STATUS_OK)
        proof_registry(verifying->proof, rows, count);
    free(rows);
    return status;
}

static enum status give_checkpoints(struct verifying *verifying, struct fault *why)
{
    struct checkpoint_row *rows = NULL;
    size_t count = 0;
    const enum status status = store_checkpoints(verifying->store, 0, &rows, &count, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        proof_checkpoint(verifying->proof, rows[i].entry, rows[i].text);
    for (size_t i = 0; i < verifying->request->checkpoint_count; i++)
        proof_checkpoint(verifying->proof, 0, verifying->request->checkpoints[i]);
    free(rows);
    return status;
}

static enum status give_streams(struct verifying *verifying, struct fault *why)
{
    struct stream *streams = NULL;
    size_t count = 0;
    const enum status status = store_streams(verifying->store, &streams, &count, why);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        proof_stream(verifying->proof, &streams[i]);
    if (status == STATUS_OK)
        proof_streams_end(verifying->proof);
    free(streams);
    return status;
}

/* Inside a snapshot: some entries; *ret_end when there are no more, and then what is compared with the end. */
static enum status give_chunk(struct verifying *verifying, bool *ret_end, struct fault *why)
{
    uint64_t head = 0;
    enum status status = give_registry(verifying, why);
    if (status == STATUS_OK)
        status = store_head(verifying->store, &head, NULL, NULL, why);
    *ret_end = false;
    for (int i = 0; status == STATUS_OK && i < CHUNK && !*ret_end; i++) {
        struct entry entry;
        bool found = false;
        status = store_entry_after(verifying->store, proof_position(verifying->proof), &entry, &found, why);
        if (status == STATUS_OK && found)
            proof_entry(verifying->proof, &entry);
        *ret_end = status == STATUS_OK && !found;
    }
    verify_tell(verifying, "ledger", proof_position(verifying->proof), head);
    if (status == STATUS_OK && *ret_end)
        status = give_checkpoints(verifying, why);
    if (status == STATUS_OK && *ret_end)
        status = give_streams(verifying, why);
    return status;
}

static enum status check_ledger(struct verifying *verifying, struct fault *why)
{
    struct fault found = {0};
    bool end = false;
    char detail[200];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !end) {
        status = store_begin(verifying->store, &found);
        if (status == STATUS_OK)
            status = give_chunk(verifying, &end, &found);
        store_rollback(verifying->store);
    }
    if (status == STATUS_AGAIN) {
        *why = found;
        return status;
    }
    if (status != STATUS_OK) {
        fault_sentence(&found, LANGUAGE_EN, detail, sizeof detail);
        proof_unreadable(verifying->proof, detail);
    }
    verification_add_proof(verifying->found, verifying->proof, true);
    return status == STATUS_OK ? STATUS_OK : reopen(verifying, why);
}

/* ---- catalogues ------------------------------------------------------------------------------------------------------------- */

static bool is_registered(const struct registry_row *rows, size_t count, const struct catalogue_row *catalogue)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].kind, "catalogue") == 0 && memcmp(rows[i].key, catalogue->hash, SEAL_HASH) == 0)
            return true;
    return count == 0; /* a store from before there was a registry */
}

/* Each kept catalogue has the hash that the registry names, and its files have it too. */
static enum status look_at_catalogues(struct verifying *verifying, uint64_t *ret_count, char *ret_detail, size_t capacity,
                                      uint64_t *ret_first_bad, struct fault *why)
{
    struct catalogue_row *versions = NULL;
    struct registry_row *rows = NULL;
    size_t count = 0, row_count = 0;
    enum status status = store_catalogues(verifying->store, &versions, &count, why);
    if (status == STATUS_OK)
        status = store_registry(verifying->store, &rows, &row_count, why);
    for (size_t i = 0; status == STATUS_OK && i < count && *ret_first_bad == 0; i++) {
        struct catalogue *catalogue = NULL;
        struct findings findings = {0};
        struct fault ignored = {0};
        const enum status loaded =
            store_load_catalogue_version(verifying->store, versions[i].version, versions[i].hash, &catalogue, &findings, &ignored);
        status = loaded == STATUS_BROKEN || loaded == STATUS_AGAIN ? loaded : STATUS_OK;
        if (status != STATUS_OK)
            *why = ignored;
        else if (loaded != STATUS_OK || !is_registered(rows, row_count, &versions[i])) {
            *ret_first_bad = versions[i].after + 1;
            (void)snprintf(ret_detail, capacity, "version %" PRId64 " is not what was in force", versions[i].version);
        }
        findings_free(&findings);
        catalogue_free(&catalogue);
    }
    *ret_count = count;
    free(versions);
    free(rows);
    return status;
}

static enum status check_catalogues(struct verifying *verifying, struct fault *why)
{
    struct fault found = {0};
    uint64_t count = 0, first_bad = 0;
    char detail[200] = "";
    enum status status = store_begin(verifying->store, &found);
    if (status == STATUS_OK)
        status = look_at_catalogues(verifying, &count, detail, sizeof detail, &first_bad, &found);
    store_rollback(verifying->store);
    if (status == STATUS_AGAIN) {
        *why = found;
        return status;
    }
    if (status != STATUS_OK)
        fault_sentence(&found, LANGUAGE_EN, detail, sizeof detail);
    verification_add(verifying->found, "catalogues", status != STATUS_OK || first_bad != 0 ? VERIFY_BAD : VERIFY_OK, count,
                     first_bad, detail);
    return status == STATUS_OK ? STATUS_OK : reopen(verifying, why);
}

/* ---- the pages, quickly ------------------------------------------------------------------------------------------------------ */

static enum status check_seals(struct verifying *verifying, struct fault *why)
{
    struct fault found = {0};
    bool is_sound = false, is_indexed = false;
    char detail[200] = "";
    enum status status = store_begin(verifying->store, &found);
    if (status == STATUS_OK)
        status = store_pages_sound(verifying->store, &is_sound, &found);
    if (status == STATUS_OK)
        status = store_index_sound(verifying->store, &is_indexed, &found);
    store_rollback(verifying->store);
    if (status == STATUS_AGAIN) {
        *why = found;
        return status;
    }
    if (status != STATUS_OK)
        fault_sentence(&found, LANGUAGE_EN, detail, sizeof detail);
    else if (!is_sound)
        (void)snprintf(detail, sizeof detail,
                       "saved pages are lost, older, or of another ledger; they are rebuilt when the aggregator starts");
    else if (!is_indexed)
        (void)snprintf(detail, sizeof detail, "the index is damaged; it is made anew when the aggregator starts");
    verification_add(verifying->found, "seals", is_sound && is_indexed ? VERIFY_OK : VERIFY_BAD, 1, 0, detail);
    return status == STATUS_OK ? STATUS_OK : reopen(verifying, why);
}

enum status verify_store(const struct verify_request *request, struct verification *ret_verification, struct fault *why)
{
    struct verifying verifying = {.request = request, .found = ret_verification, .proof = proof_new()};
    enum status status = store_open(request->path, STORE_READ, &verifying.store, why);
    memset(ret_verification, 0, sizeof *ret_verification);
    ret_verification->sound = true;
    for (size_t i = 0; i < request->key_count; i++)
        proof_trust(verifying.proof, request->keys[i].name, request->keys[i].key);
    if (status == STATUS_OK)
        status = store_is_current(verifying.store, why);
    if (status == STATUS_OK)
        status = check_file(&verifying, why);
    if (status == STATUS_OK)
        status = check_ledger(&verifying, why);
    if (status == STATUS_OK)
        status = check_catalogues(&verifying, why);
    const bool is_sound = ret_verification->sound;
    if (status == STATUS_OK)
        status = check_seals(&verifying, why);
    /* Figures are not made from a ledger that is not what was received. */
    if (status == STATUS_OK && request->full && is_sound)
        status = verify_full(&verifying, why);
    else if (status == STATUS_OK && request->full)
        verification_add(ret_verification, "figures", VERIFY_SKIPPED, 0, 0, "the ledger itself is bad");
    store_close(&verifying.store);
    proof_free(&verifying.proof);
    return status;
}
