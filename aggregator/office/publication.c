/* publication.c - see publication.h. */
#include "publication.h"

#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPPER_UNITS_MOST 256

const char *const publication_columns[9] = {"name", "period",      "entry",        "as_of",    "published_at",
                                            "note", "ledger_hash", "figures_hash", "signature"};

/* ---- what is signed ---------------------------------------------------------------------------------------------- */

static void digest_of(const struct publication *publication, unsigned char ret_digest[SEAL_HASH])
{
    static const char label[] = "publication/1";
    struct seal_hasher *hasher = seal_hasher_new();
    char period[PERIOD_TEXT];
    period_format(publication->period, period);
    seal_hasher_add(hasher, label, sizeof label - 1);
    seal_hasher_add_text(hasher, publication->name);
    seal_hasher_add_text(hasher, period);
    seal_hasher_add_number(hasher, publication->entry);
    seal_hasher_add(hasher, publication->ledger_hash, SEAL_HASH);
    seal_hasher_add_number(hasher, (uint64_t)publication->published_at);
    seal_hasher_add_text(hasher, publication->note);
    seal_hasher_add(hasher, publication->catalogue_hash, SEAL_HASH);
    seal_hasher_add(hasher, publication->figures_hash, SEAL_HASH);
    seal_hasher_finish(&hasher, ret_digest);
}

/* ---- the figures ------------------------------------------------------------------------------------------------- */

static size_t depth_of(const struct catalogue *catalogue, uint32_t level)
{
    uint32_t unit = catalogue->levels[level].unit_count > 0 ? catalogue->levels[level].unit_of_slot[0] : NO_INDEX;
    size_t depth = 0;
    for (; unit != NO_INDEX && depth <= catalogue->unit_count; depth++)
        unit = catalogue->units[unit].parent;
    return depth;
}

bool is_upper_level(const struct catalogue *catalogue, uint32_t level)
{
    const uint32_t district = catalogue_level(catalogue, "district");
    if (district == NO_INDEX)
        return catalogue->levels[level].unit_count <= UPPER_UNITS_MOST;
    return depth_of(catalogue, level) <= depth_of(catalogue, district);
}

static enum status hash_figures(const struct view *view, struct period period, unsigned char ret_hash[SEAL_HASH],
                                struct fault *why)
{
    const struct catalogue *catalogue = view->catalogue;
    struct figure figure;
    struct table table;
    char *text = NULL;
    size_t length = 0;
    FILE *out;
    enum status status = STATUS_OK;
    table_start(&table, query_columns, 10);
    figure_init(&figure);
    for (uint32_t i = 0; i < catalogue->indicator_count; i++)
        for (uint32_t level = 0; level < catalogue->level_count; level++)
            for (uint32_t slot = 0; is_upper_level(catalogue, level) && slot < catalogue->levels[level].unit_count &&
                                    status == STATUS_OK; slot++)
                status = add_figure(view->figures, catalogue, (struct subject){i, NO_INDEX},
                                    place_of_unit(view->office, catalogue->levels[level].unit_of_slot[slot]), period,
                                    NULL, LANGUAGE_ZH, &table, &figure, why);
    figure_clear(&figure);
    out = memory_stream(&text, &length);
    if (status == STATUS_OK && !table_print(&table, TABLE_CSV, LANGUAGE_ZH, out)) {
        fault_set(why, MESSAGE_CANNOT_WRITE, "CSV", "memory", NULL);
        status = STATUS_AGAIN;
    }
    (void)fclose(out); /* to memory */
    if (status == STATUS_OK)
        seal_hash(text, length, ret_hash);
    free(text);
    table_free(&table);
    return status;
}

/* ---- does it hold? ----------------------------------------------------------------------------------------------- */

static enum status ledger_hash_at(struct store *store, uint64_t entry, bool *ret_found, struct entry *ret_entry,
                                  struct fault *why)
{
    const enum status status = store_entry_after(store, entry - 1, ret_entry, ret_found, why);
    *ret_found = status == STATUS_OK && *ret_found && ret_entry->number == entry;
    return status;
}

static enum status knows_key(struct store *store, const unsigned char key[SEAL_PUBLIC], bool *ret_known,
                             struct fault *why)
{
    struct registry_row *rows = NULL;
    size_t count = 0;
    const enum status status = store_registry(store, &rows, &count, why);
    *ret_known = false;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        if (strcmp(rows[i].kind, "aggregator") == 0 && memcmp(rows[i].key, key, SEAL_PUBLIC) == 0)
            *ret_known = true;
    free(rows);
    return status;
}

/* "valid", "unknown_key", "invalid", "other_ledger" */
static enum status judge(struct store *store, const struct publication *publication, const char **ret_state,
                         struct fault *why)
{
    unsigned char digest[SEAL_HASH];
    struct entry entry;
    bool found = false, known = false;
    enum status status;
    digest_of(publication, digest);
    *ret_state = "invalid";
    if (publication->entry == 0 || !seal_verify(digest, publication->signature, publication->signer))
        return STATUS_OK;
    status = knows_key(store, publication->signer, &known, why);
    if (status != STATUS_OK || !known) {
        *ret_state = "unknown_key";
        return status;
    }
    status = ledger_hash_at(store, publication->entry, &found, &entry, why);
    if (status == STATUS_OK)
        *ret_state = found && memcmp(entry.hash, publication->ledger_hash, SEAL_HASH) == 0 ? "valid" : "other_ledger";
    return status;
}

static enum status check(struct asking *asking, const struct publication *publication)
{
    const char *state = "";
    char key[2 * SEAL_PUBLIC + 1], entry[24];
    const enum status status = judge(asking->office->store, publication, &state, asking->why);
    if (status != STATUS_OK || strcmp(state, "valid") == 0)
        return status;
    seal_hex(publication->signer, 8, key);
    (void)snprintf(entry, sizeof entry, "%llu", (unsigned long long)publication->entry);
    if (strcmp(state, "unknown_key") == 0)
        fault_set(asking->why, MESSAGE_PUBLICATION_KEY, publication->name, key, NULL);
    else if (strcmp(state, "other_ledger") == 0)
        fault_set(asking->why, MESSAGE_PUBLICATION_LEDGER, publication->name, entry, NULL);
    else
        fault_set(asking->why, MESSAGE_PUBLICATION_BROKEN, publication->name, NULL);
    return STATUS_REFUSED;
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

enum status moment_find(struct asking *asking, const char *name, const char *text, struct moment *ret_moment)
{
    struct store *store = asking->office->store;
    int64_t time = 0;
    bool found = false;
    enum status status;
    *ret_moment = (struct moment){.entry = 0};
    if (calendar_parse_time(text, &time))
        return store_entry_at(store, time, &ret_moment->entry, asking->why);
    status = store_publication(store, text, &found, &ret_moment->publication, asking->why);
    if (status != STATUS_OK)
        return status;
    if (!found) {
        fault_set(asking->why, MESSAGE_ASK_BAD_MOMENT, name, text, NULL);
        return STATUS_REFUSED;
    }
    ret_moment->entry = ret_moment->publication.entry;
    ret_moment->is_published = true;
    return check(asking, &ret_moment->publication);
}

static enum status view_past(struct office *office, uint64_t entry, size_t which, struct view *ret_view,
                             struct fault *why)
{
    struct abacus **abacus = which == 0 ? &office->past : &office->other_past;
    struct figures **figures = which == 0 ? &office->past_figures : &office->other_past_figures;
    if (*abacus == NULL) {
        *abacus = abacus_open(office->store, office->catalogue, office->memory / 4);
        *figures = figures_new(office->catalogue, *abacus);
    }
    *ret_view = (struct view){office, office->catalogue, *abacus, *figures, entry};
    return abacus_follow(*abacus, entry, why);
}

/* An office over the catalogue that was in force when it was published. */
static enum status view_archive(struct office *office, const struct publication *publication, size_t which,
                                struct view *ret_view, struct fault *why)
{
    struct archive *archive = &office->archives[which];
    struct findings findings = {.items = NULL};
    enum status status = STATUS_OK;
    if (archive->catalogue == NULL || memcmp(archive->catalogue->hash, publication->catalogue_hash, SEAL_HASH) != 0) {
        office_close(&archive->office);
        catalogue_free(&archive->catalogue);
        status = store_load_catalogue_of(office->store, publication->catalogue_hash, &archive->catalogue, &findings,
                                         why);
        findings_free(&findings);
        if (status == STATUS_OK && archive->catalogue == NULL) {
            fault_set(why, MESSAGE_PUBLICATION_CATALOGUE, publication->name, NULL);
            status = STATUS_REFUSED;
        }
        if (status != STATUS_OK)
            return status;
        archive->office = office_open(archive->catalogue, office->store, office->memory / 4);
    }
    *ret_view = (struct view){archive->office, archive->catalogue, archive->office->abacus, archive->office->figures,
                              publication->entry};
    return abacus_follow(archive->office->abacus, publication->entry, why);
}

/* Once for each publication and office: a figure that is printed again must be the one that was printed. */
static enum status check_figures(struct office *office, const struct view *view, const struct publication *publication,
                                 struct fault *why)
{
    unsigned char hash[SEAL_HASH];
    enum status status;
    for (size_t i = 0; i < PUBLICATIONS_CHECKED; i++)
        if (memcmp(office->checked[i], publication->signature, SEAL_SIGNATURE) == 0)
            return STATUS_OK;
    status = hash_figures(view, publication->period, hash, why);
    if (status != STATUS_OK)
        return status;
    if (memcmp(hash, publication->figures_hash, SEAL_HASH) != 0) {
        fault_set(why, MESSAGE_PUBLICATION_FIGURES, publication->name, NULL);
        return STATUS_REFUSED;
    }
    memcpy(office->checked[office->checked_next], publication->signature, SEAL_SIGNATURE);
    office->checked_next = (office->checked_next + 1) % PUBLICATIONS_CHECKED;
    return STATUS_OK;
}

enum status moment_view(struct asking *asking, const struct moment *moment, size_t which, struct view *ret_view)
{
    struct office *office = asking->office;
    uint64_t head = 0;
    enum status status = store_head(office->store, &head, NULL, NULL, asking->why);
    if (status != STATUS_OK)
        return status;
    if (moment->is_published && memcmp(moment->publication.catalogue_hash, office->catalogue->hash, SEAL_HASH) != 0)
        status = view_archive(office, &moment->publication, which, ret_view, asking->why);
    else if (moment->entry < head)
        status = view_past(office, moment->entry, which, ret_view, asking->why);
    else {
        *ret_view = (struct view){office, office->catalogue, office->abacus, office->figures, head};
        status = abacus_follow(office->abacus, UINT64_MAX, asking->why);
    }
    if (status == STATUS_OK && moment->is_published)
        status = check_figures(office, ret_view, &moment->publication, asking->why);
    return status;
}

/* ---- publishing -------------------------------------------------------------------------------------------------- */

static enum status read_name(struct asking *asking, struct publication *publication)
{
    const char *name = asking_option(asking, "operand"), *note = asking_option(asking, "note");
    char most[16];
    int64_t time;
    if (name == NULL || name[0] == '\0' || asking_option(asking, "period") == NULL) {
        fault_set(asking->why, MESSAGE_ASK_NEEDS_OPTION, "publish", "NAME --period PERIOD", NULL);
        return STATUS_REFUSED;
    }
    bool good = strlen(name) < sizeof publication->name && strchr(name, ',') == NULL &&
                !calendar_parse_time(name, &time);
    for (const char *at = name; *at != '\0'; at++)
        good = good && (unsigned char)*at >= 0x20 && *at != 0x7F;
    if (!good) {
        fault_set(asking->why, MESSAGE_PUBLICATION_NAME, name, NULL);
        return STATUS_REFUSED;
    }
    if (note != NULL && strlen(note) >= sizeof publication->note) {
        (void)snprintf(most, sizeof most, "%zu", sizeof publication->note - 1);
        fault_set(asking->why, MESSAGE_TOO_LARGE, "--note", most, NULL);
        return STATUS_REFUSED;
    }
    (void)snprintf(publication->name, sizeof publication->name, "%s", name);
    (void)snprintf(publication->note, sizeof publication->note, "%s", note != NULL ? note : "");
    return asking_period(asking, "period", &publication->period);
}

enum status publication_make(struct asking *asking, const struct secret_key *key, struct publication *ret_publication,
                             int64_t *ret_as_of)
{
    struct publication *publication = ret_publication;
    const struct view view = {asking->office, asking->catalogue, asking->abacus, asking->figures, asking->newest};
    unsigned char digest[SEAL_HASH];
    struct publication former;
    struct entry entry;
    bool found = false;
    enum status status;
    memset(publication, 0, sizeof *publication);
    publication->period = asking_usual_period(asking);
    status = read_name(asking, publication);
    if (status == STATUS_OK)
        status = store_publication(asking->office->store, publication->name, &found, &former, asking->why);
    if (status != STATUS_OK)
        return status;
    if (found || asking->newest == 0) {
        fault_set(asking->why, found ? MESSAGE_PUBLICATION_TAKEN : MESSAGE_PUBLICATION_EMPTY, publication->name, NULL);
        return STATUS_REFUSED;
    }
    status = ledger_hash_at(asking->office->store, asking->newest, &found, &entry, asking->why);
    if (status != STATUS_OK || !found)
        return status != STATUS_OK ? status : STATUS_BROKEN;
    publication->entry = entry.number;
    *ret_as_of = entry.received_at;
    memcpy(publication->ledger_hash, entry.hash, SEAL_HASH);
    publication->published_at = asking->now_ms;
    memcpy(publication->catalogue_hash, asking->catalogue->hash, SEAL_HASH);
    status = hash_figures(&view, publication->period, publication->figures_hash, asking->why);
    if (status != STATUS_OK)
        return status;
    memcpy(publication->signer, key->public_key.sign, SEAL_PUBLIC);
    digest_of(publication, digest);
    seal_sign(digest, key->sign, publication->signature);
    return STATUS_OK;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void add_hash(struct table *table, const unsigned char hash[SEAL_HASH])
{
    char text[2 * SEAL_HASH + 1];
    seal_hex(hash, SEAL_HASH, text);
    table_add(table, text);
}

void add_publication(struct table *table, const struct publication *publication, int64_t as_of, const char *state)
{
    table_add(table, publication->name);
    add_period(table, publication->period);
    table_add_number(table, publication->entry);
    add_time(table, as_of);
    add_time(table, publication->published_at);
    table_add(table, publication->note[0] != '\0' ? publication->note : NULL);
    add_hash(table, publication->ledger_hash);
    add_hash(table, publication->figures_hash);
    table_add(table, state);
}

enum status answer_publications(struct asking *asking)
{
    struct store *store = asking->office->store;
    struct publication *rows = NULL;
    size_t count = 0;
    enum status status = store_publications(store, &rows, &count, asking->why);
    table_start(asking->table, publication_columns, ARRAY_LEN(publication_columns));
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const char *state = "";
        struct entry entry = {.received_at = 0};
        bool found = false;
        status = judge(store, &rows[i], &state, asking->why);
        if (status == STATUS_OK && rows[i].entry > 0)
            status = ledger_hash_at(store, rows[i].entry, &found, &entry, asking->why);
        if (status == STATUS_OK)
            add_publication(asking->table, &rows[i], found ? entry.received_at : 0, state);
    }
    free(rows);
    return status;
}

/* The desk of a running aggregator takes it before it gets here: only there is the writer, and the key. */
enum status answer_publish(struct asking *asking)
{
    fault_set(asking->why, MESSAGE_ASK_NEEDS_AGGREGATOR, "publish", NULL);
    return STATUS_AGAIN;
}
