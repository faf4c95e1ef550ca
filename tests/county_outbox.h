/* county_outbox.h - what the tests ask of an outbox (county.h): its chain, what it knows, its file behind its back. */
#ifndef TESTS_COUNTY_OUTBOX_H
#define TESTS_COUNTY_OUTBOX_H

#include "county.h"

#include <sqlite3.h>

#define HEAD "element,unit,period,value,revision\n"
#define MARCH HEAD "sown,L,2020-03,1,\n"
#define APRIL HEAD "sown,L,2020-04,1,\n"
#define MAY HEAD "sown,L,2020-05,1,\n"
#define JUNE HEAD "sown,L,2020-06,1,\n"

/* a.csv of March, b.csv of April ...: a batch of one record each. */
static inline void county_take_months(struct county *county, size_t count)
{
    static const char *const files[] = {"a.csv", "b.csv", "c.csv", "d.csv"}, *const months[] = {MARCH, APRIL, MAY, JUNE};
    CU_ASSERT_FATAL(count <= ARRAY_LEN(months));
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(county_take(county, files[i], months[i]), TAKE_TAKEN);
}

/* Every batch from low to high follows from the one before; returns how many records they hold. */
static inline size_t county_walk(struct county *county)
{
    struct outbox_identity identity;
    unsigned char chain[SEAL_HASH], before[SEAL_HASH], signature[SEAL_SIGNATURE], after[SEAL_HASH];
    struct batch *batch = NULL;
    size_t records = 0;
    outbox_identity(county->outbox, &identity);
    if (identity.low == 1) {
        seal_chain_start("liyang", identity.id, chain);
        CU_ASSERT_EQUAL(outbox_chain(county->outbox, 0, before, &county->why), STATUS_OK);
        CU_ASSERT_EQUAL(memcmp(chain, before, SEAL_HASH), 0);
    } else {
        CU_ASSERT_EQUAL(outbox_chain(county->outbox, identity.low - 1, chain, &county->why), STATUS_OK);
    }
    for (uint64_t seq = identity.low; seq <= identity.high; seq++) {
        const unsigned char *bytes;
        size_t length;
        CU_ASSERT_EQUAL_FATAL(outbox_batch(county->outbox, seq, &bytes, &length, before, signature, &county->why),
                              STATUS_OK);
        CU_ASSERT_EQUAL(memcmp(chain, before, SEAL_HASH), 0);
        seal_chain_next(before, bytes, length, chain);
        CU_ASSERT_EQUAL(batch_decode(bytes, length, &batch, &county->why), STATUS_OK);
        records += batch->record_count;
        CU_ASSERT_EQUAL(outbox_chain(county->outbox, seq, after, &county->why), STATUS_OK);
        CU_ASSERT_EQUAL(memcmp(chain, after, SEAL_HASH), 0);
    }
    CU_ASSERT_EQUAL(memcmp(chain, identity.chain_at_high, SEAL_HASH), 0);
    batch_free(&batch);
    return records;
}

static inline struct known_figure county_known(struct county *county, const char *element, const char *unit,
                                               const char *period, bool *ret_known)
{
    struct known_figure figure = {0};
    CU_ASSERT_EQUAL(outbox_known_figure(county->outbox, element, unit, period, ret_known, &figure, &county->why),
                    STATUS_OK);
    return figure;
}

/* A file with `rows` figures of days no calendar has twice, with reasons so long that 4096 do not fit a batch. */
static inline char *county_long_file(size_t rows, size_t reason)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    fputs("element,unit,period,value,reason\n", file);
    for (size_t i = 0; i < rows; i++) {
        fprintf(file, "sown,%c,%zu-%02zu,%zu,", i % 2 == 0 ? 'L' : 'J', 2000 + i / 24, i / 2 % 12 + 1, 1000 + i % 100);
        for (size_t j = 0; j < reason; j++)
            fputc((int)('a' + (i + j) % 26), file);
        fputc('\n', file);
    }
    fclose(file);
    return text;
}

/* While it is closed. */
static inline void county_spoil(const struct county *county, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/outbox.db", county->outbox_folder);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Zeros where its bytes were, seen by the next start. */
static inline void county_spoil_batch(struct county *county, int seq)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE seq = %d", seq);
    outbox_close(&county->outbox);
    county_spoil(county, sql);
    CU_ASSERT_EQUAL_FATAL(county_reopen(county), STATUS_OK);
}

#endif
