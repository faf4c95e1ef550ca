/* oracle.c - see oracle.h. The rules of what is live are written down here once more
 * on purpose: a second opinion must not call the first. */
#include "oracle.h"

#include "batch.h"
#include "memory.h"
#include "outcome.h"
#include "seal.h"

#include "../random.h"

#include <dirent.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ELEMENTS = 2, FIRST_YEAR = 1950, YEARS = 70, MONTHS = YEARS * 12, HOT_MONTHS = 24, DIFFERENCES = 20, BIG_ROWS = 4500 };
static const char *const element_codes[ELEMENTS] = {"homes", "fee"};
static const uint8_t element_decimals[ELEMENTS] = {0, 2};

enum fate { TAKEN, FORBIDDEN, CONFLICT, REFUSED, SAME };

struct cell {
    uint32_t revision; /* 0: never reported */
    enum record_status status;
    int64_t value;
};

struct row {
    uint8_t town, element;
    uint16_t month;
    enum record_status status;
    enum fate fate;
    uint32_t revision;
    int64_t value;
    const char *code;   /* of the refusal */
    uint32_t seen;      /* in batches that count */
    bool refusal_seen;  /* in the ledger */
};

struct file {
    char name[32];
    unsigned char hash[SEAL_HASH];
    struct row *rows;   /* rows[i] is on line i + 2 */
    size_t count;
    bool again;         /* the bytes of a file of before */
};

struct agent {
    const char *name, *towns;
    struct file *files;
    size_t count, capacity;
    struct cell cells[ELEMENTS][ORACLE_TOWNS][MONTHS];
};

struct oracle {
    size_t agent_count;
    struct agent *agents;
    unsigned differences;
};

/* ---- writing --------------------------------------------------------------------------------------------------------- */

struct oracle *oracle_new(uint64_t seed, size_t agent_count, const char *const *agents, const char *const *town_prefixes)
{
    struct oracle *oracle = memory_new(struct oracle);
    random_state = seed | 1;
    oracle->agent_count = agent_count;
    oracle->agents = memory_array(agent_count, sizeof *oracle->agents);
    for (size_t i = 0; i < agent_count; i++) {
        oracle->agents[i].name = agents[i];
        oracle->agents[i].towns = town_prefixes[i];
    }
    return oracle;
}

void oracle_free(struct oracle **oracle)
{
    for (size_t i = 0; i < (*oracle)->agent_count; i++) {
        struct agent *agent = &(*oracle)->agents[i];
        for (size_t k = 0; k < agent->count; k++)
            free(agent->files[k].rows);
        free(agent->files);
    }
    free((*oracle)->agents);
    free(*oracle);
    *oracle = NULL;
}

static void write_value(FILE *to, int64_t value, uint8_t decimals)
{
    if (decimals == 0)
        fprintf(to, "%" PRId64, value);
    else
        fprintf(to, "%s%" PRId64 ".%02" PRId64, value < 0 ? "-" : "", (value < 0 ? -value : value) / 100,
                (value < 0 ? -value : value) % 100);
}

static void write_month(FILE *to, uint16_t month)
{
    fprintf(to, "%04d-%02d", FIRST_YEAR + month / 12, month % 12 + 1);
}

static void write_status(FILE *to, const struct row *row)
{
    if (row->revision != NO_REVISION)
        fprintf(to, "%" PRIu32, row->revision);
    fprintf(to, ",%c\n", record_status_letter(row->status));
}

static void write_row(FILE *to, const struct agent *agent, const struct row *row)
{
    fprintf(to, "%s,%s%d,", element_codes[row->element], agent->towns, row->town + 1);
    write_month(to, row->month);
    fputc(',', to);
    if (record_status_has_value(row->status))
        write_value(to, row->value, element_decimals[row->element]);
    fputc(',', to);
    write_status(to, row);
}

/* A figure of its own kind; fees may be negative. */
static int64_t draw_value(uint8_t element)
{
    return element == 0 ? draw_below(100000) : (int64_t)draw_below(2000000) - 1000000;
}

/* What the row does to its cell: the revision decides. */
static void settle(struct cell *cell, struct row *row)
{
    const uint32_t revision = row->revision == NO_REVISION ? cell->revision + 1 : row->revision;
    row->fate = TAKEN;
    if (revision > cell->revision) {
        *cell = (struct cell){revision, row->status, row->value};
    } else if (revision == cell->revision &&
               (cell->value != row->value || record_status_has_value(cell->status) != record_status_has_value(row->status) ||
                (cell->status == RECORD_RETRACTED) != (row->status == RECORD_RETRACTED))) {
        row->fate = CONFLICT;
        row->code = "revision_conflict";
    }
}

/* A correction, with or without a number, a retraction, a mark for a missing figure, or the same once more. */
static void draw_row(struct agent *agent, struct row *row, uint8_t element, uint8_t town, uint16_t month)
{
    struct cell *cell = &agent->cells[element][town][month];
    const uint32_t roll = draw_below(100);
    *row = (struct row){.element = element, .town = town, .month = month, .value = draw_value(element)};
    if (roll < 10) {
        row->status = RECORD_RETRACTED;
    } else if (roll < 20) {
        row->status = (enum record_status)(RECORD_CANNOT_EXIST + draw_below(3));
    } else if (roll < 30) {
        row->status = (enum record_status)(RECORD_PROVISIONAL + draw_below(2));
    }
    if (!record_status_has_value(row->status))
        row->value = 0;
    if (draw_below(4) == 0) { /* a number: below, equal or above what is live */
        const uint32_t most = cell->revision + 2;
        row->revision = most > 3 ? most - draw_below(4) : 1 + draw_below(most);
        if (row->revision == cell->revision && draw_below(2) == 0) {
            row->status = cell->status;
            row->value = cell->value;
        }
    }
    settle(cell, row);
}

/* Rows that no model needs: somebody must refuse them. Each has a month of its own that no other row has, lest they contradict each other. */
static void write_refused(FILE *to, const struct oracle *oracle, const struct agent *agent, size_t place, struct row *row)
{
    char month[16];
    uint32_t kind = draw_below(6);
    const struct agent *other = &oracle->agents[draw_below((uint32_t)oracle->agent_count)];
    if (kind == 5 && other == agent)
        kind = 0;
    (void)snprintf(month, sizeof month, "%04d-%02d", 2020 + (int)(place / 12), 1 + (int)(place % 12));
    *row = (struct row){.fate = REFUSED};
    switch (kind) {
    case 0: fprintf(to, "homes,%s1,%s,-4,,A\n", agent->towns, month); row->code = "below_min"; break;
    case 1: fprintf(to, "fee,%s2,%s,1.005,,A\n", agent->towns, month); row->code = "too_many_decimals"; break;
    case 2: fprintf(to, "homes,nowhere,%s,1,,A\n", month); row->code = "unknown_unit"; break;
    case 3: fprintf(to, "homes,%s1,%s-05,1,,A\n", agent->towns, month); row->code = "wrong_frequency"; break;
    case 4: fprintf(to, "fee,%s3,%s,3.5万,,A\n", agent->towns, month); row->code = "not_a_number"; break;
    default: /* the unit of another agent: only the aggregator knows whose it is */
        *row = (struct row){.town = (uint8_t)draw_below(ORACLE_TOWNS), .month = (uint16_t)(place % MONTHS),
                            .value = draw_below(100), .fate = FORBIDDEN, .code = "forbidden"};
        write_row(to, other, row);
    }
}

/* Adds lines to the text; cells differ within a file but for a row that says another's again or against it. */
static void write_rows(struct oracle *oracle, struct agent *agent, FILE *to, struct file *file, size_t wanted)
{
    size_t capacity = 0;
    size_t refused = 0;
    const uint32_t range = wanted > 100 ? MONTHS : HOT_MONTHS;
    uint32_t place = draw_below(ELEMENTS * ORACLE_TOWNS * range);
    fputs("element,unit,period,value,revision,status\n", to);
    while (file->count < wanted) {
        file->rows = memory_grow(file->rows, &capacity, file->count + 2, sizeof *file->rows);
        struct row *row = &file->rows[file->count++];
        if (draw_below(wanted > 100 ? 200 : 8) == 0) {
            write_refused(to, oracle, agent, refused++, row);
            continue;
        }
        const uint8_t element = (uint8_t)(place % ELEMENTS), town = (uint8_t)(place / ELEMENTS % ORACLE_TOWNS);
        const uint16_t month = (uint16_t)(MONTHS - 1 - place / ELEMENTS / ORACLE_TOWNS % range);
        place++;
        const struct cell before = agent->cells[element][town][month];
        draw_row(agent, row, element, town, month);
        write_row(to, agent, row);
        if (draw_below(20) != 0)
            continue;
        struct row *second = &file->rows[file->count++];
        *second = *row;
        second->fate = SAME;
        second->code = NULL;
        if (record_status_has_value(row->status) && draw_below(2) == 0) { /* against it: neither counts */
            second->value++;
            agent->cells[element][town][month] = before;
            row->fate = second->fate = REFUSED;
            row->code = second->code = "conflict_in_file";
        }
        write_row(to, agent, second);
    }
}

static void put_bytes(const struct agent *agent, const char *name, const char *text, size_t length)
{
    char hidden[128], path[128];
    (void)snprintf(hidden, sizeof hidden, "inbox/%s/.%s", agent->name, name);
    (void)snprintf(path, sizeof path, "inbox/%s/%s", agent->name, name);
    FILE *to = fopen(hidden, "w");
    if (to == NULL || fwrite(text, 1, length, to) != length || fclose(to) != 0 || rename(hidden, path) != 0) {
        perror(path);
        exit(2);
    }
}

/* A file of before under another name; it must change nothing. */
static bool put_again(struct agent *agent, struct file *file)
{
    char path[160], text[65536];
    const struct file *former = &agent->files[draw_below((uint32_t)agent->count)];
    (void)snprintf(path, sizeof path, "inbox/%s/done/%s", agent->name, former->name);
    FILE *from = former->again ? NULL : fopen(path, "r");
    if (from == NULL)
        return false; /* still on its way */
    const size_t length = fread(text, 1, sizeof text, from);
    (void)fclose(from);
    if (length == sizeof text)
        return false;
    file->again = true;
    memcpy(file->hash, former->hash, SEAL_HASH);
    put_bytes(agent, file->name, text, length);
    return true;
}

void oracle_put(struct oracle *oracle, size_t index, bool big)
{
    struct agent *agent = &oracle->agents[index];
    struct file file = {.count = 0};
    char *text = NULL;
    size_t length = 0;
    (void)snprintf(file.name, sizeof file.name, "%06zu.csv", agent->count + 1);
    if (agent->count == 0 || draw_below(12) != 0 || !put_again(agent, &file)) {
        FILE *to = open_memstream(&text, &length);
        write_rows(oracle, agent, to, &file, big ? BIG_ROWS : 3 + draw_below(10));
        if (fclose(to) != 0)
            exit(2);
        seal_hash(text, length, file.hash);
        put_bytes(agent, file.name, text, length);
        free(text);
    }
    agent->files = memory_grow(agent->files, &agent->capacity, agent->count + 1, sizeof *agent->files);
    agent->files[agent->count++] = file;
}

size_t oracle_waiting(const struct oracle *oracle, size_t index)
{
    char path[128];
    size_t waiting = 0;
    (void)snprintf(path, sizeof path, "inbox/%s", oracle->agents[index].name);
    DIR *folder = opendir(path);
    for (const struct dirent *one; folder != NULL && (one = readdir(folder)) != NULL;)
        waiting += one->d_name[0] >= '0' && one->d_name[0] <= '9' && strlen(one->d_name) == 10;
    if (folder != NULL)
        (void)closedir(folder);
    return waiting;
}

/* ---- comparing --------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void differs(struct oracle *oracle, uint64_t *count, const char *format, ...)
{
    va_list list;
    ++*count;
    if (++oracle->differences > DIFFERENCES)
        return;
    va_start(list, format);
    printf("  differs: ");
    (void)vprintf(format, list);
    putchar('\n');
    va_end(list);
}

static struct agent *find_agent(struct oracle *oracle, const char *name)
{
    for (size_t i = 0; i < oracle->agent_count; i++)
        if (strcmp(oracle->agents[i].name, name) == 0)
            return &oracle->agents[i];
    return NULL;
}

static struct file *find_file(struct agent *agent, const char *name, const unsigned char *hash)
{
    /* The first file of these bytes was taken; the name in the batch is that of the one that was found first. */
    const size_t number = strtoul(name, NULL, 10);
    if (number >= 1 && number <= agent->count && !agent->files[number - 1].again &&
        memcmp(agent->files[number - 1].hash, hash, SEAL_HASH) == 0)
        return &agent->files[number - 1];
    for (size_t i = 0; i < agent->count; i++)
        if (!agent->files[i].again && memcmp(agent->files[i].hash, hash, SEAL_HASH) == 0)
            return &agent->files[i];
    return NULL;
}

/* A record of the ledger is the row of its line, figure for figure. */
static bool is_row(const struct oracle *oracle, const struct agent *agent, const struct row *row, const struct batch *batch,
                   const struct batch_record *record)
{
    char month[PERIOD_TEXT], wanted[PERIOD_TEXT], unit[64];
    const struct agent *towns = agent;
    if (row->fate == FORBIDDEN) { /* of whoever it is, but not of this agent */
        for (size_t i = 0; i < oracle->agent_count; i++)
            if (strncmp(batch->units[record->unit], oracle->agents[i].towns, strlen(oracle->agents[i].towns)) == 0 &&
                strlen(batch->units[record->unit]) == strlen(oracle->agents[i].towns) + 1)
                towns = &oracle->agents[i];
        if (towns == agent)
            return false;
    }
    period_format(batch->periods[record->period], month);
    (void)snprintf(wanted, sizeof wanted, "%04d-%02d", FIRST_YEAR + row->month / 12, row->month % 12 + 1);
    (void)snprintf(unit, sizeof unit, "%s%d", towns->towns, row->town + 1);
    return strcmp(batch->elements[record->element].code, element_codes[row->element]) == 0 &&
           strcmp(batch->units[record->unit], unit) == 0 && strcmp(month, wanted) == 0 && record->value == row->value &&
           record->revision == row->revision && record->status == row->status;
}

static void look_at_batch(struct oracle *oracle, struct agent *agent, const struct batch *batch, const struct entry *entry,
                          struct oracle_findings *findings)
{
    struct file *file = find_file(agent, batch->submission.file, batch->submission.hash);
    size_t next_refusal = 0;
    if (file == NULL) {
        differs(oracle, &findings->strange, "%s: %s is no file that was written", agent->name, batch->submission.file);
        findings->doubled += batch->record_count;
        return;
    }
    for (size_t i = 0; i < batch->record_count && !entry->repeated; i++) {
        const int64_t line = batch->records[i].line;
        const bool refused = next_refusal < entry->refusal_count && entry->refusals[next_refusal].index == i;
        if (line < 2 || (size_t)line - 2 >= file->count) {
            differs(oracle, &findings->strange, "%s %s: no line %" PRId64, agent->name, file->name, line);
            continue;
        }
        struct row *row = &file->rows[line - 2];
        row->seen++;
        if (!is_row(oracle, agent, row, batch, &batch->records[i]) || row->fate == REFUSED || row->fate == SAME)
            differs(oracle, &findings->strange, "%s %s line %" PRId64 " is another row in the ledger", agent->name, file->name,
                    line);
        if (refused != (row->fate == FORBIDDEN || row->fate == CONFLICT) ||
            (refused && strcmp(message_code(entry->refusals[next_refusal].message), row->code) != 0))
            differs(oracle, &findings->strange, "%s %s line %" PRId64 ": %s, expected %s", agent->name, file->name, line,
                    refused ? message_code(entry->refusals[next_refusal].message) : "taken",
                    row->code == NULL ? "taken" : row->code);
        next_refusal += refused;
    }
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        exit(2);
    }
    return db;
}

static void look_at_ledger(struct oracle *oracle, sqlite3 *db, struct oracle_findings *findings)
{
    sqlite3_stmt *all = NULL;
    struct batch *batch = NULL;
    struct refusal *refusals = NULL;
    size_t capacity = 0;
    if (sqlite3_prepare_v2(db, "SELECT agent, outcome, bytes FROM ledger JOIN outbox ON id = ledger.outbox ORDER BY entry",
                           -1, &all, NULL) != SQLITE_OK)
        exit(2);
    while (sqlite3_step(all) == SQLITE_ROW) {
        struct agent *agent = find_agent(oracle, (const char *)sqlite3_column_text(all, 0));
        struct entry entry = {.outcome = sqlite3_column_blob(all, 1),
                              .outcome_length = (size_t)sqlite3_column_bytes(all, 1)};
        struct fault why = {0};
        if (agent == NULL || !outcome_read(&entry, &refusals, &capacity) ||
            batch_decode(sqlite3_column_blob(all, 2), (size_t)sqlite3_column_bytes(all, 2), &batch, &why) != STATUS_OK)
            differs(oracle, &findings->strange, "an entry of the ledger cannot be read");
        else
            look_at_batch(oracle, agent, batch, &entry, findings);
    }
    (void)sqlite3_finalize(all);
    batch_free(&batch);
    free(refusals);
}

static void look_at_rows(struct oracle *oracle, const struct agent *agent, const struct file *file,
                         struct oracle_findings *findings)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct row *row = &file->rows[i];
        findings->records++;
        if (row->fate == REFUSED || row->fate == SAME) {
            if (row->seen != 0)
                differs(oracle, &findings->doubled, "%s %s line %zu is in the ledger", agent->name, file->name, i + 2);
        } else if (row->seen == 0) {
            differs(oracle, &findings->lost, "%s %s line %zu is not in the ledger", agent->name, file->name, i + 2);
        } else if (row->seen > 1) {
            differs(oracle, &findings->doubled, "%s %s line %zu is %" PRIu32 " times in the ledger", agent->name, file->name,
                    i + 2, row->seen);
        }
    }
}

/* How often the text has a line of this number and code. */
static size_t count_refusals(const char *text, size_t line, const char *code)
{
    char wanted[96];
    size_t count = 0;
    (void)snprintf(wanted, sizeof wanted, ",%zu,%s,", line, code);
    for (const char *at = text; (at = strstr(at, wanted)) != NULL; at++)
        count++;
    return count;
}

/* Adds the refused rows written beside a file to the text. Returns the number of lines without the header. */
static size_t read_refused(const struct agent *agent, const struct file *file, char *text, size_t capacity)
{
    char path[160];
    size_t lines = 0, length = strlen(text);
    (void)snprintf(path, sizeof path, "inbox/%s/%s.refused.csv", agent->name, file->name);
    FILE *from = fopen(path, "r");
    if (from == NULL)
        return 0;
    const size_t start = length;
    length += fread(text + length, 1, capacity - 1 - length, from);
    text[length] = '\0';
    (void)fclose(from);
    for (size_t i = start; i < length; i++)
        lines += text[i] == '\n';
    return lines == 0 ? 0 : lines - 1;
}

/* Each refused row stands once beside the file, or, when the same bytes came again, beside either. */
static void look_at_refused(struct oracle *oracle, const struct agent *agent, const struct file *file,
                            struct oracle_findings *findings)
{
    static char text[1 << 20];
    size_t expected = 0, lines = 0;
    text[0] = '\0';
    for (size_t i = 0; i < agent->count; i++)
        if (memcmp(agent->files[i].hash, file->hash, SEAL_HASH) == 0)
            lines += read_refused(agent, &agent->files[i], text, sizeof text);
    for (size_t i = 0; i < file->count; i++) {
        const struct row *row = &file->rows[i];
        if (row->code == NULL)
            continue;
        expected++;
        const size_t found = count_refusals(text, i + 2, row->code);
        if (found == 0)
            differs(oracle, &findings->lost, "%s %s: no refusal of line %zu (%s)", agent->name, file->name, i + 2, row->code);
        else if (found > 1)
            differs(oracle, &findings->doubled, "%s %s: %zu refusals of line %zu", agent->name, file->name, found, i + 2);
    }
    if (lines != expected)
        differs(oracle, &findings->strange, "%s %s: %zu lines for %zu refused rows", agent->name, file->name, lines, expected);
}

static void look_at_files(struct oracle *oracle, struct oracle_findings *findings)
{
    for (size_t i = 0; i < oracle->agent_count; i++) {
        const struct agent *agent = &oracle->agents[i];
        for (size_t k = 0; k < agent->count; k++) {
            const struct file *file = &agent->files[k];
            char path[160];
            (void)snprintf(path, sizeof path, "inbox/%s/done/%s", agent->name, file->name);
            findings->files++;
            if (access(path, F_OK) != 0)
                differs(oracle, &findings->lost, "%s is not there", path);
            look_at_rows(oracle, agent, file, findings);
            if (!file->again)
                look_at_refused(oracle, agent, file, findings);
        }
    }
}

/* What a command prints must be these lines, in any order. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct lines {
    char **items;
    size_t count, capacity;
};

static void add_line(struct lines *lines, const char *text)
{
    lines->items = memory_grow(lines->items, &lines->capacity, lines->count + 1, sizeof *lines->items);
    lines->items[lines->count++] = memory_copy_text(text);
}

static void read_lines(const char *command, struct lines *lines)
{
    char text[4096];
    FILE *from = popen(command, "r");
    while (from != NULL && fgets(text, sizeof text, from) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        add_line(lines, text);
    }
    if (from == NULL || pclose(from) != 0) {
        fprintf(stderr, "cannot ask: %s\n", command);
        exit(2);
    }
}

static void compare_lines(struct oracle *oracle, struct lines *wanted, struct lines *found, uint64_t *wrong)
{
    size_t i = 0, k = 0;
    if (wanted->count > 0)
        qsort(wanted->items, wanted->count, sizeof *wanted->items, by_text);
    if (found->count > 0)
        qsort(found->items, found->count, sizeof *found->items, by_text);
    while (i < wanted->count || k < found->count) {
        const int order = i == wanted->count  ? 1
                          : k == found->count ? -1
                                              : strcmp(wanted->items[i], found->items[k]);
        if (order < 0)
            differs(oracle, wrong, "the model has %s", wanted->items[i]);
        else if (order > 0)
            differs(oracle, wrong, "the office has %s", found->items[k]);
        i += order <= 0;
        k += order >= 0;
    }
    for (i = 0; i < wanted->count; i++)
        free(wanted->items[i]);
    for (k = 0; k < found->count; k++)
        free(found->items[k]);
    free(wanted->items);
    free(found->items);
}

static void add_text(struct lines *lines, void (*write)(FILE *to, const void *about), const void *about)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    write(to, about);
    if (fclose(to) != 0)
        exit(2);
    add_line(lines, text);
    free(text);
}

struct live {
    const struct agent *agent;
    uint8_t element, town;
    uint16_t month;
};

static void write_live(FILE *to, const void *about)
{
    const struct live *live = about;
    const struct cell *cell = &live->agent->cells[live->element][live->town][live->month];
    fprintf(to, "%s,%s%d,", element_codes[live->element], live->agent->towns, live->town + 1);
    write_month(to, live->month);
    fputc(',', to);
    if (record_status_has_value(cell->status))
        write_value(to, cell->value, element_decimals[live->element]);
    fprintf(to, ",%c,%" PRIu32 ",%s", record_status_letter(cell->status), cell->revision, live->agent->name);
}

#define SUANPAN BINARY_FOLDER "/suanpan --store sqlite:data/suanpan.db --format csv "

static void look_at_live(struct oracle *oracle, struct oracle_findings *findings)
{
    struct lines wanted = {0}, found = {0};
    for (size_t i = 0; i < oracle->agent_count; i++)
        for (size_t cell = 0; cell < ELEMENTS * ORACLE_TOWNS * MONTHS; cell++) {
            const struct live live = {&oracle->agents[i], (uint8_t)(cell / MONTHS / ORACLE_TOWNS),
                                      (uint8_t)(cell / MONTHS % ORACLE_TOWNS), (uint16_t)(cell % MONTHS)};
            const struct cell *one = &live.agent->cells[live.element][live.town][live.month];
            if (one->revision > 0 && one->status != RECORD_RETRACTED)
                add_text(&wanted, write_live, &live);
        }
    findings->records += wanted.count;
    read_lines(SUANPAN "records --period 1950..2019 | tail -n +2 | cut -d, -f1-7", &found);
    compare_lines(oracle, &wanted, &found, &findings->wrong);
}

struct sum {
    uint8_t element;
    int year;
    int64_t value;
    uint32_t figures, reported;
};

static void write_sum(FILE *to, const void *about)
{
    const struct sum *sum = about;
    fprintf(to, "%s,C,%d,", element_codes[sum->element], sum->year);
    if (sum->figures > 0)
        write_value(to, sum->value, element_decimals[sum->element]);
    fprintf(to, ",%" PRIu32, sum->reported);
}

/* The city's figures of each year. */
static void look_at_sums(struct oracle *oracle, struct oracle_findings *findings)
{
    struct lines wanted = {0}, found = {0};
    for (uint8_t element = 0; element < ELEMENTS; element++)
        for (int year = 0; year < YEARS; year++) {
            struct sum sum = {.element = element, .year = FIRST_YEAR + year};
            for (size_t i = 0; i < oracle->agent_count; i++)
                for (size_t k = 0; k < ORACLE_TOWNS * 12; k++) {
                    const struct cell *cell = &oracle->agents[i].cells[element][k / 12][year * 12 + (int)(k % 12)];
                    const bool has_figure = cell->revision > 0 && record_status_has_value(cell->status);
                    sum.reported += cell->revision > 0 && cell->status != RECORD_RETRACTED;
                    sum.figures += has_figure;
                    sum.value += has_figure ? cell->value : 0;
                }
            add_text(&wanted, write_sum, &sum);
        }
    read_lines(SUANPAN "query homes,fee --period 1950..2019 --by year | tail -n +2 | cut -d, -f1,2,4,5,8", &found);
    compare_lines(oracle, &wanted, &found, &findings->wrong);
}

/* The collector's outbox and the aggregator's stream end in the same chain value, and everything is acknowledged. */
static void look_at_chains(struct oracle *oracle, sqlite3 *store, struct oracle_findings *findings)
{
    sqlite3_stmt *stream = NULL, *meta = NULL;
    if (sqlite3_prepare_v2(store, "SELECT watermark, chain FROM stream JOIN outbox ON id = stream.outbox "
                                  "WHERE agent = ?1 AND outbox.outbox = ?2", -1, &stream, NULL) != SQLITE_OK)
        exit(2);
    for (size_t i = 0; i < oracle->agent_count; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "outbox/%s/outbox.db", oracle->agents[i].name);
        sqlite3 *db = open_database(path);
        if (sqlite3_prepare_v2(db, "SELECT outbox, high, chain, acked FROM meta", -1, &meta, NULL) != SQLITE_OK ||
            sqlite3_step(meta) != SQLITE_ROW)
            exit(2);
        (void)sqlite3_bind_text(stream, 1, oracle->agents[i].name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_blob(stream, 2, sqlite3_column_blob(meta, 0), sqlite3_column_bytes(meta, 0), SQLITE_TRANSIENT);
        if (sqlite3_step(stream) == SQLITE_ROW
                ? sqlite3_column_int64(stream, 0) != sqlite3_column_int64(meta, 1) ||
                      sqlite3_column_int64(meta, 3) != sqlite3_column_int64(meta, 1) ||
                      memcmp(sqlite3_column_blob(stream, 1), sqlite3_column_blob(meta, 2), SEAL_HASH) != 0
                : sqlite3_column_int64(meta, 1) != 0)
            differs(oracle, &findings->wrong, "%s: the ends differ in watermark or chain", oracle->agents[i].name);
        (void)sqlite3_reset(stream);
        (void)sqlite3_finalize(meta);
        (void)sqlite3_close(db);
    }
    (void)sqlite3_finalize(stream);
}

void oracle_check(struct oracle *oracle, struct oracle_findings *ret_findings)
{
    sqlite3 *db = open_database("data/suanpan.db");
    *ret_findings = (struct oracle_findings){0};
    oracle->differences = 0;
    look_at_ledger(oracle, db, ret_findings);
    look_at_files(oracle, ret_findings);
    look_at_chains(oracle, db, ret_findings);
    (void)sqlite3_close(db);
    look_at_live(oracle, ret_findings);
    look_at_sums(oracle, ret_findings);
    if (oracle->differences > DIFFERENCES)
        printf("  and %u more\n", oracle->differences - DIFFERENCES);
}
