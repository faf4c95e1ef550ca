/* support.h - a small aggregator without sockets, for tests: a catalogue, a store in a folder of its own, the writer's
 * abacus and a reader that follows it. Feed it rows of text, ask it figures as text.
 *
 *   static const struct catalogue_file files[] = {FILE_TEXT("units.csv", "code,parent,level,name_zh\n...")};
 *   struct city city;
 *   city_open(&city, files, ARRAY_LEN(files));            (or city_open_folder(&city, SOURCE_FOLDER "/tests/city"))
 *   CU_ASSERT_EQUAL(city_feed(&city, "homes,a1,2020-01,5\n"), 0);
 *   CU_ASSERT_STRING_EQUAL(city_ask(&city, "homes", "A", "2020"), "5 1/24 partial");
 *   city_close(&city);
 *
 * Everything that must work is checked here: a test stops at the first thing that does not. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "abacus.h"
#include "batch.h"
#include "calendar.h"
#include "catalogue.h"
#include "figures.h"
#include "memory.h"
#include "seal.h"
#include "store.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_TEXT(name, text) {name, text, sizeof(text) - 1}
#define PACKAGE_TEXT                                                                                                   \
    FILE_TEXT("datapackage.json", "{\"name\":\"test\",\"title\":\"test\",\"version\":\"1\",\"resources\":[],"           \
                                  "\"timezone\":\"Asia/Shanghai\"}")

struct city {
    char folder[64], path[96];
    struct catalogue *catalogue;
    struct store *store, *reader;
    struct abacus *writing, *reading;
    struct figures *figures;   /* over the reader: what the office sees */
    int64_t now_ms;            /* received_at of the next feed; city_open sets 2020-01-01T00:00+08:00 */
    uint64_t sequence, as_of;  /* as_of: entries the reader sees, UINT64_MAX at first */
    unsigned char chain[SEAL_HASH], ledger[SEAL_HASH];
    struct batch *batch;       /* as decoded last */
    enum message refusals[LIMIT_BATCH_RECORDS]; /* of the last feed, by row; MESSAGE_NONE where taken */
};

static inline void city_must(enum status status, const struct fault *why, const char *what)
{
    char text[1024];
    if (status == STATUS_OK)
        return;
    fault_format(why, LANGUAGE_EN, text, sizeof text);
    fprintf(stderr, "\n%s: status %d: %s\n", what, (int)status, text);
    CU_FAIL_FATAL("the test's own city does not work");
}

static inline void city_snapshot(struct city *city)
{
    struct fault why = {0};
    store_rollback(city->reader);
    city_must(store_begin(city->reader, &why), &why, "store_begin (reader)");
    city_must(abacus_follow(city->reading, city->as_of, &why), &why, "abacus_follow");
}

static inline void city_start(struct city *city)
{
    struct fault why = {0};
    city_must(seal_start(), &why, "seal_start");
    city_must(calendar_use_timezone(city->catalogue->timezone, &why), &why, "calendar_use_timezone");
    snprintf(city->folder, sizeof city->folder, "/tmp/suanpan-city-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(city->folder));
    snprintf(city->path, sizeof city->path, "%s/suanpan.db", city->folder);
    city_must(store_open(city->path, STORE_WRITE, &city->store, &why), &why, "store_open (write)");
    city_must(store_open(city->path, STORE_READ, &city->reader, &why), &why, "store_open (read)");
    city->writing = abacus_open(city->store, city->catalogue, 16 << 20);
    city->reading = abacus_open(city->reader, city->catalogue, 16 << 20);
    city->figures = figures_new(city->catalogue, city->reading);
    city->now_ms = 1577808000000;
    seal_chain_start("tester", (const unsigned char[16]){0}, city->chain);
    city->as_of = UINT64_MAX;
    city_must(store_begin(city->reader, &why), &why, "store_begin (reader)");
    city_must(abacus_follow(city->reading, city->as_of, &why), &why, "abacus_follow");
}

static inline void city_no_errors(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        char text[1024];
        fault_format(&findings->items[i].fault, LANGUAGE_EN, text, sizeof text);
        if (findings->items[i].severity == FINDING_ERROR)
            fprintf(stderr, "\ncatalogue: %s: %s\n", findings->items[i].subject, text);
    }
    CU_ASSERT_EQUAL_FATAL(findings->error_count, 0);
    findings_free(findings);
}

static inline void city_open(struct city *city, const struct catalogue_file *files, size_t count)
{
    struct fault why = {0};
    struct findings findings = {0};
    *city = (struct city){0};
    city_must(catalogue_load_files(files, count, &city->catalogue, &findings, &why), &why, "catalogue_load_files");
    city_no_errors(&findings);
    city_start(city);
}

static inline void city_open_folder(struct city *city, const char *folder)
{
    struct fault why = {0};
    struct findings findings = {0};
    *city = (struct city){0};
    city_must(catalogue_load(folder, &city->catalogue, &findings, &why), &why, folder);
    city_no_errors(&findings);
    city_start(city);
}

static inline void city_close(struct city *city)
{
    figures_free(&city->figures);
    abacus_close(&city->reading);
    abacus_close(&city->writing);
    store_close(&city->reader);
    store_close(&city->store);
    batch_free(&city->batch);
    catalogue_free(&city->catalogue);
    DIR *folder = opendir(city->folder);
    for (struct dirent *item = folder == NULL ? NULL : readdir(folder); item != NULL; item = readdir(folder)) {
        char path[sizeof city->folder + 260];
        snprintf(path, sizeof path, "%s/%s", city->folder, item->d_name);
        if (item->d_name[0] != '.')
            unlink(path);
    }
    if (folder != NULL)
        closedir(folder);
    rmdir(city->folder);
}

/* ---- feeding ----------------------------------------------------------------------------------------------------------------- */

/* One row "element,unit,period[,value[,revision[,status[,reason]]]]" -> record. The reason points into `line`. */
static inline void city_row(const struct city *city, char *line, int64_t number, struct record *ret_record)
{
    char *fields[7] = {(char *)"", (char *)"", (char *)"", (char *)"", (char *)"", (char *)"", (char *)""};
    struct fault why = {0};
    struct decimal value = {0, 0};
    for (size_t i = 0; i < 7 && line != NULL; i++) {
        fields[i] = line;
        line = strchr(line, ',');
        if (line != NULL)
            *line++ = '\0';
    }
    *ret_record = (struct record){.line = number, .reported_at = INT64_MIN, .reason = fields[6]};
    ret_record->element = catalogue_element(city->catalogue, fields[0]);
    ret_record->unit = catalogue_unit(city->catalogue, fields[1]);
    if (ret_record->element == NO_INDEX || ret_record->unit == NO_INDEX)
        fprintf(stderr, "\nrow %lld: unknown %s or %s\n", (long long)number, fields[0], fields[1]);
    CU_ASSERT_FATAL(ret_record->element != NO_INDEX && ret_record->unit != NO_INDEX);
    city_must(period_parse(fields[2], &ret_record->period, &why), &why, fields[2]);
    if (fields[5][0] != '\0')
        CU_ASSERT_FATAL(record_status_by_letter(fields[5], &ret_record->status));
    if (record_status_has_value(ret_record->status)) {
        city_must(decimal_parse(fields[3], &value, &why), &why, fields[3]);
        city_must(decimal_rescale(value, city->catalogue->elements[ret_record->element].decimals, &value), &why,
                  "decimal_rescale");
        ret_record->value = value.units;
    }
    ret_record->revision = (uint32_t)strtoul(fields[4], NULL, 10);
}

static inline struct record *city_parse(const struct city *city, char *text, size_t *ret_count)
{
    struct record *records = NULL;
    size_t count = 0, capacity = 0;
    for (char *line = text, *next; line != NULL && *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        if (*line == '\0' || *line == '#')
            continue;
        records = memory_grow(records, &capacity, count + 1, sizeof *records);
        city_row(city, line, (int64_t)count + 1, &records[count]);
        count++;
    }
    CU_ASSERT_FATAL(count <= LIMIT_BATCH_RECORDS);
    *ret_count = count;
    return records;
}

/* Applies, appends and commits what is in city->batch, as the writer does. */
static inline size_t city_commit(struct city *city, const char *scope, const unsigned char *bytes, size_t length)
{
    struct fault why = {0};
    struct entry entry = {.agent = "tester", .received_at = city->now_ms, .bytes = bytes, .length = length};
    const struct touch *touches = NULL;
    uint64_t head;
    memset(city->refusals, 0, sizeof city->refusals);
    city_must(store_begin(city->store, &why), &why, "store_begin");
    city_must(store_head(city->store, &head, NULL, NULL, &why), &why, "store_head");
    entry.number = head + 1;
    entry.seq = ++city->sequence;
    seal_chain_next(city->chain, bytes, length, city->chain);
    memcpy(entry.chain, city->chain, SEAL_HASH);
    const uint32_t unit = scope == NULL ? city->catalogue->root : catalogue_unit(city->catalogue, scope);
    CU_ASSERT_FATAL(unit != NO_INDEX);
    city_must(abacus_apply(city->writing, city->batch, unit, entry.number, city->now_ms, &entry.refusals,
                           &entry.refusal_count, &why), &why, "abacus_apply");
    for (size_t i = 0; i < entry.refusal_count; i++)
        city->refusals[entry.refusals[i].index] = entry.refusals[i].message;
    seal_ledger_next(entry.number, city->ledger, entry.agent, entry.outbox, entry.seq, entry.chain, entry.signature,
                     entry.received_at, "", 0, entry.hash);
    memcpy(city->ledger, entry.hash, SEAL_HASH);
    const size_t touch_count = abacus_touches(city->writing, &touches);
    city_must(store_append(city->store, &entry, touches, touch_count, &why), &why, "store_append");
    city_must(store_commit(city->store, &why), &why, "store_commit");
    return entry.refusal_count;
}

/* Feeds rows as one submission of an agent for the subtree of `scope` (NULL: the root). Returns how many were refused. */
static inline size_t city_feed_as(struct city *city, const char *scope, const char *rows)
{
    struct fault why = {0};
    struct submission submission = {.file = "test.csv", .source = "report", .parts = 1};
    unsigned char *bytes = NULL;
    size_t length = 0, count = 0;
    char *text = memory_copy_text(rows);
    struct record *records = city_parse(city, text, &count);
    const uint64_t number = city->sequence + 1;
    memcpy(submission.hash, &number, sizeof number); /* every feed is another file */
    submission.taken_at = city->now_ms;
    city_must(batch_encode(city->catalogue, &submission, records, count, &bytes, &length, &why), &why, "batch_encode");
    city_must(batch_decode(bytes, length, &city->batch, &why), &why, "batch_decode");
    const size_t refused = city_commit(city, scope, bytes, length);
    city->now_ms += 1000;
    free(bytes);
    free(records);
    free(text);
    city_snapshot(city);
    return refused;
}

static inline size_t city_feed(struct city *city, const char *rows)
{
    return city_feed_as(city, NULL, rows);
}

/* Feeds a file of rows (first line is a heading), in batches. Returns how many were refused. */
static inline size_t city_feed_file(struct city *city, const char *path)
{
    char rows[65536], line[1024];
    size_t used = 0, lines = 0, refused = 0;
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, file));
    rows[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL) {
        const size_t length = strlen(line);
        if (used + length >= sizeof rows || lines == LIMIT_BATCH_RECORDS) {
            refused += city_feed(city, rows);
            used = lines = 0;
        }
        memcpy(rows + used, line, length + 1);
        used += length;
        lines++;
    }
    fclose(file);
    return lines == 0 ? refused : refused + city_feed(city, rows);
}

/* ---- asking ------------------------------------------------------------------------------------------------------------------- */

static inline struct scope city_scope(const struct city *city, const char *code, uint32_t *ret_unit)
{
    *ret_unit = catalogue_unit(city->catalogue, code);
    if (*ret_unit != NO_INDEX)
        return (struct scope){ret_unit, 1};
    const uint32_t group = catalogue_group(city->catalogue, code);
    CU_ASSERT_FATAL(group != NO_INDEX);
    return (struct scope){city->catalogue->groups[group].units, city->catalogue->groups[group].unit_count};
}

static inline void city_print(char *text, size_t capacity, enum figure_state state, const mpq_t value,
                              uint8_t decimals)
{
    char number[RATIO_TEXT] = "";
    if (state == FIGURE_PRESENT)
        ratio_format(value, decimals, number);
    snprintf(text, capacity, "%s", state == FIGURE_PRESENT ? number : state == FIGURE_OVERFLOW ? "!" : "-");
}

/* The figure of an indicator or element for a unit or group: "value reported/expected flag", for an indicator with a
 * denominator "value=numerator/denominator reported/expected flag"; "-" is no value, "!" an overflow. The text lives till
 * the next call. */
static inline const char *city_ask(struct city *city, const char *code, const char *unit, const char *period_text)
{
    static char answer[512];
    char value[96], numerator[96], denominator[96];
    struct fault why = {0};
    struct figure figure;
    struct period period;
    uint32_t own;
    const struct scope scope = city_scope(city, unit, &own);
    const uint32_t indicator = catalogue_indicator(city->catalogue, code);
    const uint32_t element = catalogue_element(city->catalogue, code);
    CU_ASSERT_FATAL(indicator != NO_INDEX || element != NO_INDEX);
    city_must(period_parse(period_text, &period, &why), &why, period_text);
    figure_init(&figure);
    city_must(indicator != NO_INDEX
                  ? figures_indicator(city->figures, indicator, scope, period, &figure, &why)
                  : figures_element(city->figures, element, scope, period, &figure, &why), &why, code);
    city_print(value, sizeof value, figure.value_state, figure.value, figure.value_decimals);
    city_print(numerator, sizeof numerator, figure.numerator_state, figure.numerator, figure.numerator_decimals);
    city_print(denominator, sizeof denominator, figure.denominator_state, figure.denominator,
               figure.denominator_decimals);
    const bool ratio = indicator != NO_INDEX && city->catalogue->indicators[indicator].denominator.count > 0;
    snprintf(answer, sizeof answer, "%s%s%s%s%s %llu/%llu %s", value, ratio ? "=" : "", ratio ? numerator : "",
             ratio ? "/" : "", ratio ? denominator : "", (unsigned long long)figure.reported,
             (unsigned long long)figure.expected, figure_flag_text(figure_flag(&figure)));
    figure_clear(&figure);
    return answer;
}

/* Like CU_ASSERT_STRING_EQUAL, and says both texts when they differ. */
static inline void city_equal(const char *what, const char *got, const char *wanted)
{
    if (strcmp(got, wanted) != 0)
        fprintf(stderr, "\n    %s: got \"%s\", wanted \"%s\"\n", what, got, wanted);
    CU_ASSERT_STRING_EQUAL(got, wanted);
}

static inline void city_expect(struct city *city, const char *code, const char *unit, const char *period,
                               const char *wanted)
{
    char what[256];
    snprintf(what, sizeof what, "%s of %s in %s", code, unit, period);
    city_equal(what, city_ask(city, code, unit, period), wanted);
}

#endif
