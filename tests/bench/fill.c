/* fill.c - prepares the collectors' outboxes: files' worth of records through outbox_take, so that what is delivered later
 * is what a collector would deliver. Says what the office must answer when all of it has arrived.
 *
 *   bench-fill KIND RECORDS RECORDS_A_FILE SEED OUTBOX COLLECTOR.yaml...
 *
 * KIND is restate, first or again (workload.h); RECORDS are for all collectors together; OUTBOX is the folder below the
 * configured one. Each collector reports the units of the lowest level below the unit that bears its name. */
#include "workload.h"

#include "catalogue.h"
#include "keys.h"
#include "memory.h"
#include "outbox.h"
#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct fill {
    enum workload kind;
    uint64_t records, seed;
    size_t a_file;
    const char *folder;
    const struct catalogue *catalogue;
    uint32_t *units;      /* of the agent */
    size_t unit_count;
    int64_t *live;        /* newest value of each cell of the agent; -1 none */
    size_t months;
    struct record *buffer;
    /* totals */
    uint64_t batches, taken, cells, bytes;
    int64_t sum;
};

static int fail(const struct fault *why)
{
    char text[1024];
    fault_sentence(why, LANGUAGE_EN, text, sizeof text);
    fprintf(stderr, "bench-fill: %s\n", text);
    return EXIT_FAILURE;
}

/* Units of the form's level at or below the agent's scope. */
static void find_units(struct fill *fill, const char *agent)
{
    const struct catalogue *catalogue = fill->catalogue;
    const uint32_t level = catalogue->forms[0].level;
    fill->units = memory_array(catalogue->unit_count, sizeof *fill->units);
    fill->unit_count = 0;
    for (uint32_t i = 0; i < catalogue->unit_count; i++) {
        uint32_t above = i;
        while (above != NO_INDEX && strcmp(catalogue->units[above].code, agent) != 0)
            above = catalogue->units[above].parent;
        if (above != NO_INDEX && catalogue->units[i].level == level)
            fill->units[fill->unit_count++] = i;
    }
}

static struct period month_of(uint32_t month)
{
    return period_of_day(date_from_civil(WORKLOAD_FIRST_YEAR + (int)(month / 12), (int)(month % 12) + 1, 1), PERIOD_MONTH);
}

static void make_record(struct fill *fill, uint32_t agent, uint64_t index, struct record *ret_record)
{
    const uint32_t elements = (uint32_t)fill->catalogue->element_count;
    const struct workload_cell cell =
        workload_cell(fill->kind, fill->seed, agent, index, (uint32_t)fill->unit_count, elements);
    const size_t place = ((size_t)cell.month * fill->unit_count + cell.unit) * elements + cell.element;
    *ret_record = (struct record){.element = cell.element, .unit = fill->units[cell.unit], .period = month_of(cell.month),
                                  .value = cell.value, .status = RECORD_NORMAL, .line = (int64_t)(index % fill->a_file) + 2,
                                  .reported_at = INT64_MIN, .reason = ""};
    if (fill->live[place] < 0)
        fill->cells++;
    else
        fill->sum -= fill->live[place];
    fill->live[place] = cell.value;
    fill->sum += cell.value;
}

static enum status take_file(struct fill *fill, struct outbox *outbox, uint32_t agent, uint64_t first, size_t count,
                             struct fault *why)
{
    struct submission submission = {.taken_at = (int64_t)(bench_seconds(CLOCK_REALTIME) * 1000), .parts = 1};
    const uint64_t name[4] = {fill->seed, agent, first, (uint64_t)fill->kind};
    (void)snprintf(submission.file, sizeof submission.file, "report-%06" PRIu64 ".csv", first / fill->a_file);
    (void)snprintf(submission.source, sizeof submission.source, "report");
    seal_hash(name, sizeof name, submission.hash);
    memcpy(submission.catalogue_hash, fill->catalogue->hash, sizeof submission.catalogue_hash);
    for (size_t i = 0; i < count; i++)
        make_record(fill, agent, first + i, &fill->buffer[i]);
    return outbox_take(outbox, fill->catalogue, &submission, fill->buffer, count, "", why);
}

static enum status fill_outbox(struct fill *fill, uint32_t agent, const struct collector_settings *settings,
                               struct fault *why)
{
    struct secret_key key;
    struct outbox *outbox = NULL;
    struct outbox_identity identity;
    char path[4096];
    const uint64_t share = fill->records / WORKLOAD_AGENTS + (agent < fill->records % WORKLOAD_AGENTS);
    enum status status = keys_load_secret(settings->key, &key, why);
    if (status != STATUS_OK)
        return status;
    find_units(fill, settings->agent);
    const size_t a_month = fill->unit_count * fill->catalogue->element_count;
    fill->months = fill->kind == WORKLOAD_RESTATE ? WORKLOAD_RESTATED_MONTHS : share / a_month + 1;
    fill->live = memory_array(fill->months * a_month, sizeof *fill->live);
    memset(fill->live, 0xff, fill->months * a_month * sizeof *fill->live);
    (void)snprintf(path, sizeof path, "%s/%s", fill->folder, settings->agent);
    status = outbox_open(path, settings->agent, key.sign, &outbox, why);
    for (uint64_t at = 0; status == STATUS_OK && at < share; at += fill->a_file) {
        const size_t count = share - at < fill->a_file ? (size_t)(share - at) : fill->a_file;
        status = take_file(fill, outbox, agent, at, count, why);
        fill->taken += count;
    }
    if (outbox != NULL) {
        outbox_identity(outbox, &identity);
        fill->batches += identity.high;
    }
    outbox_close(&outbox);
    free(fill->live);
    free(fill->units);
    return status;
}

static bool read_kind(const char *text, enum workload *ret_kind)
{
    static const char *const names[] = {[WORKLOAD_RESTATE] = "restate", [WORKLOAD_FIRST] = "first",
                                        [WORKLOAD_AGAIN] = "again"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_kind = (enum workload)i;
            return true;
        }
    return false;
}

int main(int argc, char *argv[])
{
    struct fill fill = {0};
    struct fault why = {0};
    struct findings findings = {0};
    struct catalogue *catalogue = NULL;
    enum status status = seal_start();
    if (argc < 7 || !read_kind(argv[1], &fill.kind)) {
        fputs("usage: bench-fill restate|first|again RECORDS RECORDS_A_FILE SEED OUTBOX COLLECTOR.yaml...\n", stderr);
        return EXIT_FAILURE;
    }
    fill.records = strtoull(argv[2], NULL, 10);
    fill.a_file = (size_t)strtoull(argv[3], NULL, 10);
    fill.seed = strtoull(argv[4], NULL, 10);
    fill.folder = argv[5];
    fill.buffer = memory_array(fill.a_file, sizeof *fill.buffer);
    if (mkdir(fill.folder, 0700) != 0 && errno != EEXIST) {
        perror(fill.folder);
        return EXIT_FAILURE;
    }
    for (int i = 6; status == STATUS_OK && i < argc; i++) {
        struct collector_settings settings;
        status = collector_settings_load(argv[i], &settings, &why);
        if (status != STATUS_OK)
            break;
        if (catalogue == NULL)
            status = catalogue_load(settings.catalogue, &catalogue, &findings, &why);
        fill.catalogue = catalogue;
        if (status == STATUS_OK)
            status = fill_outbox(&fill, (uint32_t)(i - 6), &settings, &why);
        collector_settings_free(&settings);
    }
    free(fill.buffer);
    catalogue_free(&catalogue);
    findings_free(&findings);
    if (status != STATUS_OK)
        return fail(&why);
    printf("{\"records\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"cells\": %" PRIu64 ", \"sum\": %" PRId64 "}\n", fill.taken,
           fill.batches, fill.cells, fill.sum);
    return EXIT_SUCCESS;
}
