/* Every way to spoil a store or an export: one byte, one entry, two neighbours, the end, a signature of somebody else. Each
 * must be found, and the first bad entry named. */
#include "export.h"
#include "file.h"
#include "ledger.h"
#include "suite.h"
#include "verify.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* ---- looking ------------------------------------------------------------------------------------------------------------- */

static struct verification look(const char *path, bool full)
{
    const struct verify_request request = {.path = path, .full = full};
    struct verification found;
    struct fault why = {0};
    const enum status status = verify_store(&request, &found, &why);
    if (status != STATUS_OK) { /* a store that cannot be opened at all is found, too */
        found = (struct verification){.sound = false};
        CU_ASSERT_NOT_EQUAL(why.message, MESSAGE_NONE);
    }
    return found;
}

static void print_found(const struct verification *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->rows[i].result == VERIFY_BAD)
            fprintf(stderr, "  %s: first bad %" PRIu64 ": %s\n", found->rows[i].check, found->rows[i].first_bad,
                    found->rows[i].detail);
}

static void must_name(const struct verification *found, uint64_t entry, const char *what)
{
    if (found->sound || found->first_bad != entry) {
        fprintf(stderr, "\n%s: %s, first bad %" PRIu64 " instead of %" PRIu64 "\n", what, found->sound ? "sound" : "bad",
                found->first_bad, entry);
        print_found(found);
    }
    CU_ASSERT_FALSE(found->sound);
    CU_ASSERT_EQUAL(found->first_bad, entry);
}

static sqlite3 *open_sql(void)
{
    sqlite3 *database = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(city.path, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 2000);
    return database;
}

static bool run_sql(sqlite3 *database, const char *text)
{
    return sqlite3_exec(database, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* One column of one row: `change` gives the new value of what is there. */
struct cell_value {
    int type;
    int64_t number;
    unsigned char *bytes;
    int length;
};

static bool read_value(sqlite3 *database, const char *table, const char *column, int64_t row, struct cell_value *ret_value)
{
    char text[200];
    sqlite3_stmt *statement = NULL;
    (void)snprintf(text, sizeof text, "SELECT %s FROM %s WHERE rowid = %" PRId64, column, table, row);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    const bool found = sqlite3_step(statement) == SQLITE_ROW;
    if (found) {
        ret_value->type = sqlite3_column_type(statement, 0);
        ret_value->number = sqlite3_column_int64(statement, 0);
        ret_value->length = sqlite3_column_bytes(statement, 0);
        ret_value->bytes = memory_array((size_t)ret_value->length + 1, 1);
        if (ret_value->type != SQLITE_INTEGER && ret_value->length > 0)
            memcpy(ret_value->bytes, sqlite3_column_blob(statement, 0), (size_t)ret_value->length);
    }
    sqlite3_finalize(statement);
    return found;
}

static bool write_value(sqlite3 *database, const char *table, const char *column, int64_t row, const struct cell_value *value)
{
    char text[200];
    sqlite3_stmt *statement = NULL;
    (void)snprintf(text, sizeof text, "UPDATE %s SET %s = ?1 WHERE rowid = %" PRId64, table, column, row);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(database, text, -1, &statement, NULL), SQLITE_OK);
    if (value->type == SQLITE_INTEGER)
        sqlite3_bind_int64(statement, 1, value->number);
    else if (value->type == SQLITE_TEXT)
        sqlite3_bind_text(statement, 1, (const char *)value->bytes, value->length, SQLITE_STATIC);
    else
        sqlite3_bind_blob(statement, 1, value->length == 0 ? (const void *)"" : value->bytes, value->length, SQLITE_STATIC);
    const bool done = sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return done;
}

/* Alters one column of one row byte by byte (every stride-th), or its number, and looks each time. entry 0: any. */
static size_t alter(sqlite3 *database, const char *table, const char *column, int64_t row, uint64_t entry, size_t stride,
                    bool full)
{
    struct cell_value value = {0}, altered;
    char what[200];
    size_t tries = 0;
    CU_ASSERT_TRUE_FATAL(read_value(database, table, column, row, &value));
    const size_t places = value.type == SQLITE_INTEGER ? 2 : (size_t)value.length;
    for (size_t at = value.type == SQLITE_INTEGER || places == 0 ? 0 : next_random((unsigned)(places < stride ? places : stride));
         at < places; at += value.type == SQLITE_INTEGER ? 1 : stride) {
        altered = value;
        altered.bytes = memory_array((size_t)value.length + 1, 1);
        memcpy(altered.bytes, value.bytes, (size_t)value.length);
        altered.number = value.number + (at == 0 ? 1 : -1);
        if (value.type != SQLITE_INTEGER)
            altered.bytes[at] ^= (unsigned char)(1u << next_random(7));
        if (write_value(database, table, column, row, &altered)) { /* what the schema refuses needs no proof */
            const struct verification found = look(city.path, full);
            (void)snprintf(what, sizeof what, "%s.%s of row %" PRId64 ", byte %zu", table, column, row, at);
            if (entry != 0)
                must_name(&found, entry, what);
            else if (found.sound)
                fprintf(stderr, "\n%s: not found\n", what);
            CU_ASSERT_FALSE(found.sound);
            CU_ASSERT_TRUE(write_value(database, table, column, row, &value));
            tries++;
        }
        free(altered.bytes);
    }
    free(value.bytes);
    return tries;
}

/* ---- the store ----------------------------------------------------------------------------------------------------------- */

static void a_sound_store_is_sound_and_so_is_its_export(void)
{
    char folder[100];
    uint64_t entries = 0;
    struct fault why = {0};
    struct verification found;
    make_ledger();
    const struct verification quick = look(city.path, false), full = look(city.path, true);
    print_found(&full);
    CU_ASSERT_TRUE(quick.sound);
    CU_ASSERT_TRUE(full.sound);
    for (size_t i = 0; i < full.count; i++)
        CU_ASSERT_TRUE(full.rows[i].result == VERIFY_OK || strcmp(full.rows[i].check, "published") == 0);
    (void)snprintf(folder, sizeof folder, "%s/export", city.folder);
    city_must(export_write(city.path, folder, &entries, &why), &why, "export_write");
    CU_ASSERT_EQUAL(entries, LAST);
    city_must(export_verify(folder, &(struct verify_request){.full = false}, &found, &why), &why, "export_verify");
    print_found(&found);
    CU_ASSERT_TRUE(found.sound);
    /* Two ways to the same figures. */
    CU_ASSERT_STRING_EQUAL(full.rows[full.count - 1].check, "figures");
    CU_ASSERT_STRING_EQUAL(found.rows[found.count - 1].check, "figures");
    CU_ASSERT_STRING_EQUAL(full.rows[full.count - 1].detail, found.rows[found.count - 1].detail);
    CU_ASSERT_TRUE(full.rows[full.count - 1].looked_at > 5);
    CU_ASSERT_EQUAL(export_write(city.path, folder, &entries, &why), STATUS_REFUSED);
    close_ledger();
}

static void an_altered_byte_of_an_entry_is_found_and_the_entry_named(void)
{
    static const struct { const char *column; size_t stride; } columns[] = {
        {"seq", 1}, {"received_at", 1}, {"outbox", 1}, {"chain", 29}, {"signature", 53}, {"hash", 29}, {"outcome", 5},
        {"bytes", 61},
    };
    size_t tries = 0;
    make_ledger();
    sqlite3 *database = open_sql();
    for (int64_t entry = 1; entry <= LAST; entry++)
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            tries += alter(database, "ledger", columns[i].column, entry, (uint64_t)entry, columns[i].stride, false);
    printf("(%zu tries) ", tries);
    CU_ASSERT_TRUE(tries > 400);
    CU_ASSERT_TRUE(look(city.path, true).sound); /* all was put back */
    sqlite3_close(database);
    close_ledger();
}

static void a_deleted_entry_a_swap_and_a_cut_are_found(void)
{
    char text[600];
    make_ledger();
    sqlite3 *database = open_sql();
    CU_ASSERT_TRUE_FATAL(run_sql(database, "CREATE TEMP TABLE kept AS SELECT * FROM ledger"));
    for (int64_t n = 1; n <= LAST; n++) {
        (void)snprintf(text, sizeof text, "DELETE FROM ledger WHERE entry = %" PRId64, n);
        CU_ASSERT_TRUE(run_sql(database, text));
        struct verification found = look(city.path, false);
        must_name(&found, (uint64_t)n, "deleted");
        (void)snprintf(text, sizeof text, "INSERT INTO ledger SELECT * FROM kept WHERE entry = %" PRId64, n);
        CU_ASSERT_TRUE(run_sql(database, text));
        (void)snprintf(text, sizeof text, "DELETE FROM ledger WHERE entry > %" PRId64, n);
        CU_ASSERT_TRUE(run_sql(database, text));
        found = look(city.path, false);
        if (n < LAST)
            must_name(&found, (uint64_t)n + 1, "cut off");
        (void)snprintf(text, sizeof text, "INSERT INTO ledger SELECT * FROM kept WHERE entry > %" PRId64, n);
        CU_ASSERT_TRUE(run_sql(database, text));
        if (n == LAST)
            continue;
        for (int back = 0; back < 2; back++) { /* there and back */
            (void)snprintf(text, sizeof text,
                           "UPDATE ledger SET entry = -1 WHERE entry = %" PRId64 "; UPDATE ledger SET entry = %" PRId64
                           " WHERE entry = %" PRId64 "; UPDATE ledger SET entry = %" PRId64 " WHERE entry = -1",
                           n, n, n + 1, n + 1);
            CU_ASSERT_TRUE(run_sql(database, text));
            found = look(city.path, false);
            if (back == 0)
                must_name(&found, (uint64_t)n, "swapped");
        }
    }
    CU_ASSERT_TRUE(look(city.path, true).sound);
    sqlite3_close(database);
    close_ledger();
}

/* Writes the chain anew from an entry on, as somebody would who has the database and knows how it is made. */
static void rewrite_chain(sqlite3 *database, int64_t from)
{
    struct store *store = NULL;
    struct fault why = {0};
    struct entry entry;
    unsigned char previous[SEAL_HASH] = {0};
    unsigned char (*hashes)[SEAL_HASH] = memory_array(LAST + 1, SEAL_HASH);
    bool found = true;
    city_must(store_open(city.path, STORE_READ, &store, &why), &why, "store_open");
    for (uint64_t n = 0; found;) {
        city_must(store_entry_after(store, n, &entry, &found, &why), &why, "store_entry_after");
        if (!found)
            break;
        n = entry.number;
        store_entry_hash(&entry, previous, hashes[n]);
        memcpy(previous, hashes[n], SEAL_HASH);
    }
    store_close(&store);
    for (int64_t n = from; n <= LAST; n++)
        CU_ASSERT_TRUE(write_value(database, "ledger", "hash", n,
                                   &(struct cell_value){.type = SQLITE_BLOB, .bytes = hashes[n], .length = SEAL_HASH}));
    free(hashes);
}

static void a_chain_written_anew_is_found_by_signature_or_checkpoint(void)
{
    unsigned char digest[SEAL_HASH], signature[SEAL_SIGNATURE];
    struct cell_value chain = {0}, seq = {0};
    make_ledger();
    sqlite3 *database = open_sql();
    /* Somebody else's signature, and a chain that fits it. */
    CU_ASSERT_TRUE(read_value(database, "ledger", "chain", 31, &chain) && read_value(database, "ledger", "seq", 31, &seq));
    seal_batch_digest(districts[0].code, districts[0].outbox, (uint64_t)seq.number, chain.bytes, digest);
    seal_sign(digest, districts[1].key.sign, signature);
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 31,
                               &(struct cell_value){.type = SQLITE_BLOB, .bytes = signature, .length = SEAL_SIGNATURE}));
    rewrite_chain(database, 31);
    struct verification found = look(city.path, false);
    must_name(&found, 31, "signed by another agent");
    seal_sign(digest, districts[0].key.sign, signature);
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 31,
                               &(struct cell_value){.type = SQLITE_BLOB, .bytes = signature, .length = SEAL_SIGNATURE}));
    rewrite_chain(database, 31);
    found = look(city.path, false);
    print_found(&found);
    CU_ASSERT_TRUE(found.sound);
    /* What we alone decided is in no agent's signature: the checkpoint knows. */
    CU_ASSERT_TRUE(run_sql(database, "UPDATE ledger SET received_at = received_at + 1 WHERE entry = 33"));
    rewrite_chain(database, 33);
    found = look(city.path, false);
    must_name(&found, 40, "a time changed and the chain written anew");
    /* Without the stored checkpoints nothing in the store contradicts; the one somebody kept does. */
    char kept[CHECKPOINT_TEXT];
    struct cell_value text = {0};
    CU_ASSERT_TRUE_FATAL(read_value(database, "checkpoint", "text", 60, &text));
    (void)snprintf(kept, sizeof kept, "%.*s", text.length, (const char *)text.bytes);
    CU_ASSERT_TRUE(run_sql(database, "DELETE FROM checkpoint"));
    found = look(city.path, false);
    CU_ASSERT_EQUAL(found.first_bad, 0); /* the saved pages still know the old chain, an accident tells as much */
    struct fault why = {0};
    const char *const outside[] = {kept};
    const struct verify_request request = {.path = city.path, .checkpoints = outside, .checkpoint_count = 1};
    city_must(verify_store(&request, &found, &why), &why, "verify_store");
    must_name(&found, 60, "against a checkpoint that was kept elsewhere");
    free(text.bytes);
    free(chain.bytes);
    free(seq.bytes);
    sqlite3_close(database);
    close_ledger();
}

static const struct verify_row *row_of(const struct verification *found, const char *check)
{
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->rows[i].check, check) == 0)
            return &found->rows[i];
    return NULL;
}

/* Changes the contents of an entry of the first agent and writes its outbox' chain anew behind it, as somebody would who has
 * the database but not the agent's key. */
static void rewrite_outbox(sqlite3 *database, int64_t from)
{
    unsigned char chain[SEAL_HASH];
    struct cell_value before = {0};
    CU_ASSERT_TRUE_FATAL(read_value(database, "ledger", "chain", from - AGENTS, &before));
    memcpy(chain, before.bytes, SEAL_HASH);
    for (int64_t entry = from; entry <= ENTRIES; entry += AGENTS) {
        struct cell_value bytes = {0};
        CU_ASSERT_TRUE_FATAL(read_value(database, "ledger", "bytes", entry, &bytes));
        if (entry == from) {
            bytes.bytes[5] ^= 1; /* a letter of the file's name */
            CU_ASSERT_TRUE(write_value(database, "ledger", "bytes", entry, &bytes));
        }
        seal_chain_next(chain, bytes.bytes, (size_t)bytes.length, chain);
        CU_ASSERT_TRUE(write_value(database, "ledger", "chain", entry,
                                   &(struct cell_value){.type = SQLITE_BLOB, .bytes = chain, .length = SEAL_HASH}));
        free(bytes.bytes);
    }
    free(before.bytes);
}

static void a_run_is_proven_by_its_last_signature_and_by_nothing_else(void)
{
    const struct cell_value none = {.type = SQLITE_BLOB};
    struct cell_value kept = {0};
    make_ledger();
    sqlite3 *database = open_sql();
    CU_ASSERT_TRUE_FATAL(read_value(database, "ledger", "signature", 13, &kept));
    CU_ASSERT_EQUAL(kept.length, 0);
    free(kept.bytes);
    CU_ASSERT_TRUE_FATAL(read_value(database, "ledger", "signature", 22, &kept));
    CU_ASSERT_EQUAL(kept.length, SEAL_SIGNATURE);
    CU_ASSERT_TRUE(run_sql(database, "DELETE FROM checkpoint"));
    /* A signature that was there cannot be taken for an absent one. */
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 22, &none));
    struct verification found = look(city.path, false);
    must_name(&found, 22, "a signature taken away");
    /* Another signature at the end of a run: what it proved is not proven by one further on. */
    kept.bytes[9] ^= 4;
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 22, &kept));
    rewrite_chain(database, 22);
    found = look(city.path, false);
    must_name(&found, 22, "another signature at the end of a run");
    kept.bytes[9] ^= 4;
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 22, &kept));
    rewrite_chain(database, 22);
    CU_ASSERT_EQUAL(look(city.path, false).first_bad, 0);
    /* A signature where there was none, of another key. */
    unsigned char digest[SEAL_HASH] = {1}, signature[SEAL_SIGNATURE];
    seal_sign(digest, districts[0].key.sign, signature);
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 16,
                               &(struct cell_value){.type = SQLITE_BLOB, .bytes = signature, .length = SEAL_SIGNATURE}));
    rewrite_chain(database, 16);
    found = look(city.path, false);
    must_name(&found, 16, "a false signature inside a run");
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 16, &none));
    /* Contents inside a run and both chains written anew: the signature at its end does not fit. */
    rewrite_outbox(database, 16);
    rewrite_chain(database, 16);
    found = look(city.path, false);
    CU_ASSERT_EQUAL(row_of(&found, "batches")->result, VERIFY_OK);
    CU_ASSERT_EQUAL(row_of(&found, "chain")->result, VERIFY_OK);
    CU_ASSERT_EQUAL(row_of(&found, "signatures")->result, VERIFY_BAD);
    CU_ASSERT_EQUAL(row_of(&found, "signatures")->first_bad, 22);
    /* No signature at the end of an outbox: nothing proves it. */
    CU_ASSERT_TRUE(write_value(database, "ledger", "signature", 60, &none));
    rewrite_chain(database, 60);
    found = look(city.path, false);
    CU_ASSERT_EQUAL(row_of(&found, "signatures")->result, VERIFY_BAD);
    free(kept.bytes);
    sqlite3_close(database);
    close_ledger();
}

static void what_stands_beside_the_ledger_is_proved_too(void)
{
    make_ledger();
    sqlite3 *database = open_sql();
    size_t tries = 0;
    for (int64_t row = 1; row <= AGENTS + 1; row++) {
        const uint64_t first = row == AGENTS + 1 ? LAST : (uint64_t)row; /* each outbox' first entry */
        tries += alter(database, "outbox", "agent", row, first, 2, false);
        tries += alter(database, "outbox", "outbox", row, first, 7, false);
        tries += alter(database, "stream", "watermark", row, 0, 1, false);
        tries += alter(database, "stream", "chain", row, 0, 9, false);
    }
    for (int64_t entry = 20; entry <= 60; entry += 20)
        tries += alter(database, "checkpoint", "text", entry, 0, 11, false);
    for (int64_t row = 1; row <= AGENTS + 2; row++) {
        static const char *const columns[] = {"kind", "name", "key", "scope", "status", "after", "seen_at", "hash"};
        for (size_t i = 0; i < ARRAY_LEN(columns); i++)
            tries += alter(database, "registry", columns[i], row, 0, 3, false);
    }
    tries += alter(database, "catalogue", "hash", 1, 0, 5, false);
    for (int64_t row = 1; row <= 10; row++)
        tries += alter(database, "catalogue_file", "bytes", row, 0, 97, false);
    CU_ASSERT_TRUE(tries > 250);
    CU_ASSERT_TRUE(look(city.path, true).sound);
    sqlite3_close(database);
    close_ledger();
}

static void a_false_page_index_or_decision_is_found_by_rebuilding(void)
{
    make_ledger();
    sqlite3 *database = open_sql();
    struct cell_value count = {0};
    CU_ASSERT_TRUE_FATAL(read_value(database, "(SELECT count(*) AS n, 1 AS rowid FROM block)", "n", 1, &count));
    CU_ASSERT_TRUE(count.number >= 6);
    free(count.bytes);
    for (int64_t row = 1; row <= 6; row++)
        CU_ASSERT_TRUE(alter(database, "block", "bytes", row, 0, 13, true) > 0);
    CU_ASSERT_TRUE(run_sql(database, "CREATE TEMP TABLE kept AS SELECT * FROM touch WHERE entry = 17"));
    CU_ASSERT_TRUE(run_sql(database, "DELETE FROM touch WHERE entry = 17"));
    struct verification found = look(city.path, true);
    must_name(&found, 17, "an index without an entry");
    CU_ASSERT_TRUE(run_sql(database, "INSERT INTO touch SELECT * FROM kept"));
    /* A record that was taken is written down as refused, and all is sealed anew: only deciding again tells. */
    CU_ASSERT_TRUE(run_sql(database, "DELETE FROM checkpoint"));
    CU_ASSERT_TRUE(run_sql(database, "UPDATE ledger SET outcome = x'000109666f7262696464656e0100' WHERE entry = 1"));
    rewrite_chain(database, 1);
    CU_ASSERT_TRUE(look(city.path, false).rows[0].result == VERIFY_OK);
    found = look(city.path, true);
    must_name(&found, 1, "a record written down as refused");
    sqlite3_close(database);
    close_ledger();
}

/* ---- raw pages of the file ---------------------------------------------------------------------------------------------------- */

static void read_all(const char *path, unsigned char **ret_bytes, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    size_t capacity = 0, got;
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    *ret_bytes = NULL;
    *ret_length = 0;
    do {
        *ret_bytes = memory_grow(*ret_bytes, &capacity, *ret_length + 65536, 1);
        got = fread(*ret_bytes + *ret_length, 1, 65536, file);
        *ret_length += got;
    } while (got > 0);
    fclose(file);
}

static void write_all(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(bytes, 1, length, file), length);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static bool same_files(const char *one, const char *other)
{
    unsigned char *left, *right;
    size_t left_length, right_length;
    read_all(one, &left, &left_length);
    read_all(other, &right, &right_length);
    const bool same = left_length == right_length && memcmp(left, right, left_length) == 0;
    free(left);
    free(right);
    return same;
}

/* A flipped byte of the file is found, or it lies where nothing is: then all that can be read is as it was. */
static void a_flipped_byte_of_the_file_is_found_or_harmless(void)
{
    static const char *const names[] = {"ledger.bin", "registry.csv", "streams.csv"};
    unsigned char *bytes;
    size_t length, found_count = 0, harmless = 0;
    char path[120], whole[120], again[120], one[160], other[160];
    uint64_t entries = 0;
    struct fault why = {0};
    make_ledger();
    (void)snprintf(path, sizeof path, "%s/flipped.db", city.folder);
    (void)snprintf(whole, sizeof whole, "%s/whole", city.folder);
    (void)snprintf(again, sizeof again, "%s/again", city.folder);
    city_must(export_write(city.path, whole, &entries, &why), &why, "export_write");
    sqlite3 *database = open_sql();
    char vacuum[200];
    (void)snprintf(vacuum, sizeof vacuum, "VACUUM INTO '%s'", path);
    CU_ASSERT_TRUE_FATAL(run_sql(database, vacuum));
    sqlite3_close(database);
    read_all(path, &bytes, &length);
    for (size_t at = next_random(409); at < length; at += 409) {
        const unsigned char was = bytes[at];
        bytes[at] ^= (unsigned char)(1u << next_random(8));
        write_all(path, bytes, length);
        bytes[at] = was;
        if (!look(path, false).sound) {
            found_count++;
            continue;
        }
        struct fault ignored = {0};
        harmless++;
        remove_tree(again);
        CU_ASSERT_EQUAL(export_write(path, again, &entries, &ignored), STATUS_OK);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            (void)snprintf(one, sizeof one, "%s/%s", whole, names[i]);
            (void)snprintf(other, sizeof other, "%s/%s", again, names[i]);
            if (!same_files(one, other)) {
                fprintf(stderr, "\nbyte %zu of the file: not found, and %s differs\n", at, names[i]);
                CU_FAIL("a flipped byte was neither found nor harmless");
            }
        }
    }
    printf("(%zu of %zu bytes: %zu found, %zu harmless) ", found_count + harmless, length, found_count, harmless);
    CU_ASSERT_TRUE(found_count > 50);
    CU_ASSERT_TRUE(harmless > 0);
    free(bytes);
    close_ledger();
}

/* ---- the export ------------------------------------------------------------------------------------------------------------------ */

static struct verification look_at_export(const char *folder)
{
    struct verification found;
    struct fault why = {0};
    const enum status status = export_verify(folder, &(struct verify_request){.full = false}, &found, &why);
    if (status != STATUS_OK)
        found = (struct verification){.sound = false};
    return found;
}

/* The entry whose frame holds the byte. */
static uint64_t entry_at(const unsigned char *bytes, size_t length, size_t place)
{
    size_t at = strlen(EXPORT_MAGIC);
    uint64_t entry = 1;
    while (at + 4 <= length) {
        const size_t frame = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 | (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (place < at + 4 + frame)
            break;
        at += 4 + frame;
        entry++;
    }
    return entry;
}

static void an_altered_or_shortened_export_is_found(void)
{
    unsigned char *bytes;
    size_t length;
    char folder[100], path[160];
    uint64_t entries = 0;
    struct fault why = {0};
    make_ledger();
    (void)snprintf(folder, sizeof folder, "%s/export", city.folder);
    (void)snprintf(path, sizeof path, "%s/ledger.bin", folder);
    city_must(export_write(city.path, folder, &entries, &why), &why, "export_write");
    read_all(path, &bytes, &length);
    for (size_t at = next_random(53); at < length; at += 53) {
        const unsigned char was = bytes[at];
        bytes[at] ^= (unsigned char)(1u << next_random(8));
        write_all(path, bytes, length);
        bytes[at] = was;
        const struct verification found = look_at_export(folder);
        must_name(&found, entry_at(bytes, length, at), "a byte of ledger.bin");
    }
    for (size_t cut = length - 1; cut > 411; cut -= 411) {
        write_all(path, bytes, cut);
        const struct verification found = look_at_export(folder);
        must_name(&found, entry_at(bytes, length, cut), "ledger.bin cut short");
    }
    write_all(path, bytes, length);
    CU_ASSERT_TRUE(look_at_export(folder).sound);
    free(bytes);
    static const char *const others[] = {"registry.csv", "streams.csv", "checkpoints/000000000040.txt",
                                         "catalogue/1/elements.csv"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        read_all(path, &bytes, &length);
        for (size_t at = 0; at < length; at += 11) {
            bytes[at] ^= 1;
            write_all(path, bytes, length);
            bytes[at] ^= 1;
            if (look_at_export(folder).sound) {
                fprintf(stderr, "\nbyte %zu of %s: not found\n", at, others[i]);
                CU_FAIL("an altered byte of the export was not found");
            }
        }
        write_all(path, bytes, length);
        free(bytes);
    }
    CU_ASSERT_TRUE(look_at_export(folder).sound);
    close_ledger();
}

static void only_keys_from_elsewhere_count_when_they_are_given(void)
{
    struct public_key_of keys[AGENTS + 1];
    struct verification found;
    struct fault why = {0};
    make_ledger();
    memset(keys, 0, sizeof keys);
    (void)snprintf(keys[0].name, sizeof keys[0].name, "aggregator");
    memcpy(keys[0].key, own.public_key.sign, SEAL_PUBLIC);
    for (size_t i = 0; i < AGENTS; i++) {
        memcpy(keys[i + 1].name, districts[i].code, sizeof keys[i + 1].name);
        memcpy(keys[i + 1].key, districts[i].key.public_key.sign, SEAL_PUBLIC);
    }
    struct verify_request request = {.path = city.path, .keys = keys, .key_count = AGENTS + 1};
    city_must(verify_store(&request, &found, &why), &why, "verify_store");
    CU_ASSERT_TRUE(found.sound);
    keys[2].key[5] ^= 1; /* agent1's is another one */
    city_must(verify_store(&request, &found, &why), &why, "verify_store");
    must_name(&found, 2, "the key of the second agent is not believed");
    keys[2].key[5] ^= 1;
    keys[0].key[5] ^= 1;
    city_must(verify_store(&request, &found, &why), &why, "verify_store");
    must_name(&found, 20, "the aggregator's key is not believed");
    close_ledger();
}

static void a_revoked_key_holds_for_its_time_only(void)
{
    struct agent agents[AGENTS];
    struct fault why = {0};
    make_ledger();
    memset(agents, 0, sizeof agents);
    for (size_t i = 0; i < AGENTS; i++) {
        memcpy(agents[i].code, districts[i].code, sizeof agents[i].code);
        (void)snprintf(agents[i].scope, sizeof agents[i].scope, "%s", districts[i].scope);
        agents[i].key = districts[i].key.public_key;
    }
    agents[1].status = AGENT_REVOKED;
    city_must(registry_note(city.store, &own.public_key, city.catalogue, agents, AGENTS - 1, city.now_ms, &why), &why,
              "registry_note"); /* the second revoked, the third gone */
    CU_ASSERT_TRUE(look(city.path, true).sound);
    deliver(&districts[0], "homes,a2,2020-02,3\n", 901, true);
    deliver(&districts[1], "homes,b2,2020-02,3\n", 902, true);
    struct verification found = look(city.path, false);
    must_name(&found, LAST + 2, "an entry under a revoked key");
    /* It comes back, and nothing that was noted twice is noted again. */
    agents[1].status = AGENT_ACTIVE;
    for (int i = 0; i < 3; i++)
        city_must(registry_note(city.store, &own.public_key, city.catalogue, agents, AGENTS, city.now_ms, &why), &why,
                  "registry_note");
    struct registry_row *rows = NULL;
    size_t count = 0;
    city_must(store_registry(city.store, &rows, &count, &why), &why, "store_registry");
    CU_ASSERT_EQUAL(count, 2 + AGENTS + 2 + 2);
    free(rows);
    deliver(&districts[1], "homes,b2,2020-03,3\n", 903, true);
    found = look(city.path, false);
    must_name(&found, LAST + 2, "still only the one in between");
    close_ledger();
}

int main(int argc, char *argv[])
{
    const struct sentence sentences[] = {
        SENTENCE(a_sound_store_is_sound_and_so_is_its_export),
        SENTENCE(an_altered_byte_of_an_entry_is_found_and_the_entry_named),
        SENTENCE(a_deleted_entry_a_swap_and_a_cut_are_found),
        SENTENCE(a_chain_written_anew_is_found_by_signature_or_checkpoint),
        SENTENCE(a_run_is_proven_by_its_last_signature_and_by_nothing_else),
        SENTENCE(what_stands_beside_the_ledger_is_proved_too),
        SENTENCE(a_false_page_index_or_decision_is_found_by_rebuilding),
        SENTENCE(a_flipped_byte_of_the_file_is_found_or_harmless),
        SENTENCE(an_altered_or_shortened_export_is_found),
        SENTENCE(only_keys_from_elsewhere_count_when_they_are_given),
        SENTENCE(a_revoked_key_holds_for_its_time_only),
    };
    seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20261123u;
    printf("seed %u\n", seed);
    return suite_run("verify", sentences, ARRAY_LEN(sentences));
}
