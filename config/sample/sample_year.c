/* sample_year.c - writes the sample city's ledgers of 2020: one file an agent and month, as its clerk would send it.
 *
 * The goals in the catalogue are real, the figures here are invented: year.csv says for every element and district
 * where the year starts and ends and at what tempo, events.csv adds a correction, a retraction and a late district,
 * agents.csv says in which layout and encoding each clerk writes. The same input always gives the same files.
 *
 * A cell of year.csv: "240" a year's total of a flow or a fixed base figure, "240>302" a stock from beginning to end
 * of the year; "@late" behind it overrides the row's tempo. Tempo: even, early, late, or step:M (all in month M). */
#include "catalogue.h"
#include "csv.h"
#include "memory.h"
#include "period.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MONTHS 12
#define AGENTS_MOST 32
#define YEAR 2020

struct table_file {
    char *text;
    struct csv_row *rows;
    size_t row_count;
};

struct agent_style {
    const char *name, *unit;
    bool wide, bom;
    enum text_encoding encoding;
    size_t column; /* of year.csv */
};

struct sample {
    struct catalogue *catalogue;
    struct table_file year, events, agents;
    struct agent_style styles[AGENTS_MOST];
    size_t style_count;
    const char *folder;
};

/* Percent of the way at the end of each month. */
static const int tempo_even[MONTHS] = {8, 17, 25, 33, 42, 50, 58, 67, 75, 83, 92, 100};
static const int tempo_early[MONTHS] = {12, 24, 35, 46, 56, 65, 73, 80, 86, 91, 96, 100};
static const int tempo_late[MONTHS] = {2, 5, 9, 14, 20, 28, 37, 47, 59, 72, 86, 100};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "sample-year: %s: %s\n", what, name);
    exit(EXIT_FAILURE);
}

static void die_fault(const struct fault *why)
{
    char text[1024];
    fault_format(why, LANGUAGE_ZH, text, sizeof(text));
    die("不能继续", text);
}

static char *read_file(const char *path, size_t *ret_length)
{
    FILE *file = fopen(path, "rb");
    char *bytes = memory_array(LIMIT_TEXT_BYTES * 64, 1);
    if (file == NULL)
        die(strerror(errno), path);
    *ret_length = fread(bytes, 1, LIMIT_TEXT_BYTES * 64 - 1, file);
    if (ferror(file) || !feof(file))
        die("cannot read it whole", path);
    (void)fclose(file);
    return bytes;
}

/* Rows with their own copies of the cells, so that they outlive the reader. */
static void load_table(const char *folder, const char *name, struct table_file *ret_table)
{
    char path[4096];
    size_t length, capacity = 0;
    bool end = false;
    struct fault why = {0};
    struct csv_row row;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
        die("path too long", folder);
    ret_table->text = read_file(path, &length);
    struct csv_reader *reader = csv_open(ret_table->text, length, ',');
    while (csv_next(reader, &row, &end, &why) == STATUS_OK && !end) {
        struct csv_row copy = row;
        copy.fields = memory_array(row.count, sizeof(*copy.fields));
        for (size_t i = 0; i < row.count; i++)
            copy.fields[i] = (struct csv_field){memory_copy_text(row.fields[i].text), row.fields[i].length};
        ret_table->rows = memory_grow(ret_table->rows, &capacity, ret_table->row_count + 1, sizeof(copy));
        ret_table->rows[ret_table->row_count++] = copy;
    }
    csv_close(&reader);
    if (why.message != MESSAGE_NONE)
        die_fault(&why);
}

static const char *cell(const struct csv_row *row, size_t column)
{
    return column < row->count ? row->fields[column].text : "";
}

static int share(const char *tempo, int month)
{
    if (strncmp(tempo, "step:", 5) == 0)
        return month >= (int)strtol(tempo + 5, NULL, 10) ? 100 : 0;
    if (strcmp(tempo, "early") == 0)
        return tempo_early[month - 1];
    if (strcmp(tempo, "late") == 0)
        return tempo_late[month - 1];
    if (strcmp(tempo, "even") != 0)
        die("unknown tempo", tempo);
    return tempo_even[month - 1];
}

static int64_t part(int64_t whole, int percent)
{
    const int64_t product = whole * percent;
    return (product + (product < 0 ? -50 : 50)) / 100;
}

static int64_t parse_units(const char *text, const struct element *element)
{
    struct decimal value, scaled;
    struct fault why = {0};
    if (decimal_parse(text, &value, &why) != STATUS_OK)
        die_fault(&why);
    if (decimal_rescale(value, element->decimals, &scaled) != STATUS_OK)
        die("too many decimals", text);
    return scaled.units;
}

/* Value of one cell of year.csv in a month (1..12). */
static int64_t value_in_month(const char *text, const char *row_tempo, const struct element *element, int month)
{
    char plan[128];
    const char *tempo = row_tempo;
    if ((size_t)snprintf(plan, sizeof(plan), "%s", text) >= sizeof(plan))
        die("cell too long", text);
    char *at = strchr(plan, '@');
    if (at != NULL) {
        *at = '\0';
        tempo = at + 1;
    }
    char *arrow = strchr(plan, '>');
    if (arrow != NULL) {
        *arrow = '\0';
        const int64_t first = parse_units(plan, element), last = parse_units(arrow + 1, element);
        return first + part(last - first, share(tempo, month));
    }
    const int64_t total = parse_units(plan, element);
    if (element->kind == ELEMENT_BASE)
        return total;
    return part(total, share(tempo, month)) - (month == 1 ? 0 : part(total, share(tempo, month - 1)));
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

struct page {
    FILE *out;
    char *text;
    size_t length;
};

static void page_start(struct page *page)
{
    page->out = memory_stream(&page->text, &page->length);
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        die(strerror(errno), path);
}

static void page_save(struct page *page, const struct sample *sample, const struct agent_style *style,
                      const char *subfolder, const char *name)
{
    char path[4096];
    char *bytes = NULL;
    size_t length = 0;
    struct fault why = {0};
    if (fclose(page->out) != 0)
        die(strerror(errno), name);
    if (text_encode(page->text, page->length, style->encoding, &bytes, &length, &why) != STATUS_OK)
        die_fault(&why);
    for (int depth = 0; depth < 2; depth++) {
        const int written = depth == 0 ? snprintf(path, sizeof(path), "%s/%s", sample->folder, subfolder)
                                       : snprintf(path, sizeof(path), "%s/%s/%s", sample->folder, subfolder, style->name);
        if (written < 0 || (size_t)written >= sizeof(path))
            die("path too long", sample->folder);
        make_folder(path);
    }
    if ((size_t)snprintf(path, sizeof(path), "%s/%s/%s/%s", sample->folder, subfolder, style->name, name) >= sizeof(path))
        die("path too long", name);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        die(strerror(errno), path);
    if (style->bom)
        (void)fwrite("\xEF\xBB\xBF", 1, 3, file);
    if (fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
        die(strerror(errno), path);
    free(bytes);
    free(page->text);
}

static const struct unit *unit_of(const struct sample *sample, const struct agent_style *style)
{
    const uint32_t unit = catalogue_unit(sample->catalogue, style->unit);
    if (unit == NO_INDEX)
        die("unknown unit", style->unit);
    return &sample->catalogue->units[unit];
}

/* One figure to write. */
struct line {
    const struct element *element;
    char value[DECIMAL_TEXT];
};

static size_t lines_of(const struct sample *sample, const struct agent_style *style, bool base, int month,
                       struct line *lines, size_t most)
{
    size_t count = 0;
    for (size_t i = 1; i < sample->year.row_count; i++) {
        const struct csv_row *row = &sample->year.rows[i];
        const uint32_t index = catalogue_element(sample->catalogue, cell(row, 0));
        if (index == NO_INDEX)
            die("unknown element in year.csv", cell(row, 0));
        const struct element *element = &sample->catalogue->elements[index];
        const bool yearly = sample->catalogue->forms[element->form].frequency == PERIOD_YEAR;
        /* a base figure reported monthly is sent once, in January, and carried forward */
        if (*cell(row, style->column) == '\0' || yearly != base || (element->kind == ELEMENT_BASE && !base && month != 1))
            continue;
        if (count == most)
            die("too many elements", cell(row, 0));
        lines[count].element = element;
        decimal_format((struct decimal){value_in_month(cell(row, style->column), cell(row, 1), element, month),
                                        element->decimals}, lines[count].value);
        count++;
    }
    return count;
}

static void write_long(FILE *out, const struct unit *unit, const char *period, const struct line *lines, size_t count)
{
    fprintf(out, "指标,单位,报告期,数值\r\n");
    for (size_t i = 0; i < count; i++) {
        csv_write_field(out, lines[i].element->name_zh, ',');
        fprintf(out, ",%s,%s,%s\r\n", unit->name_zh, period, lines[i].value);
    }
}

static void write_wide(FILE *out, const struct unit *unit, const char *period, const struct line *lines, size_t count)
{
    fprintf(out, "单位,报告期");
    for (size_t i = 0; i < count; i++) {
        fputc(',', out);
        csv_write_field(out, lines[i].element->name_zh, ',');
    }
    fprintf(out, "\r\n%s,%s", unit->name_zh, period);
    for (size_t i = 0; i < count; i++)
        fprintf(out, ",%s", lines[i].value);
    fprintf(out, "\r\n");
}

static void write_ledger(const struct sample *sample, const struct agent_style *style, const char *subfolder,
                         const char *period, bool base, int month)
{
    struct line lines[256];
    struct page page;
    char name[64];
    const struct unit *unit = unit_of(sample, style);
    const size_t count = lines_of(sample, style, base, month, lines, ARRAY_LEN(lines));
    if (count == 0)
        return;
    page_start(&page);
    fprintf(page.out, "%s%s民政统计台账（样例：数字为虚构，目标取自2020年工作要点）\r\n", unit->name_zh, period);
    (style->wide ? write_wide : write_long)(page.out, unit, period, lines, count);
    fprintf(page.out, "填表人：样例生成器\r\n");
    (void)snprintf(name, sizeof(name), "%s.csv", period);
    page_save(&page, sample, style, subfolder, name);
}

static const char *late_folder(const struct sample *sample, const struct agent_style *style, const char *period)
{
    for (size_t i = 1; i < sample->events.row_count; i++) {
        const struct csv_row *row = &sample->events.rows[i];
        if (strcmp(cell(row, 0), "late") == 0 && strcmp(cell(row, 1), style->unit) == 0 &&
            strcmp(cell(row, 3), period) == 0)
            return "late";
    }
    return "inbox";
}

/* A correction or retraction: a small file of its own, with a higher revision and the reason, named after the month
 * in which it is sent. */
static void write_event(const struct sample *sample, const struct csv_row *row, size_t number)
{
    struct page page;
    char name[64];
    const bool retraction = strcmp(cell(row, 0), "retraction") == 0;
    const uint32_t element = catalogue_element(sample->catalogue, cell(row, 2));
    if (element == NO_INDEX)
        die("unknown element in events.csv", cell(row, 2));
    for (size_t i = 0; i < sample->style_count; i++) {
        if (strcmp(sample->styles[i].unit, cell(row, 1)) != 0)
            continue;
        page_start(&page);
        fprintf(page.out, "指标,单位,报告期,数值,版本,状态,说明\r\n");
        csv_write_field(page.out, sample->catalogue->elements[element].name_zh, ',');
        fprintf(page.out, ",%s,%s,%s,2,%s,", unit_of(sample, &sample->styles[i])->name_zh, cell(row, 3), cell(row, 4),
                retraction ? "X" : "A");
        csv_write_field(page.out, cell(row, 5), ',');
        fprintf(page.out, "\r\n");
        (void)snprintf(name, sizeof(name), "%s-%s-%zu.csv", cell(row, 6), cell(row, 0), number);
        page_save(&page, sample, &sample->styles[i], "inbox", name);
    }
}

static void load_styles(struct sample *sample)
{
    const struct csv_row *header = &sample->year.rows[0];
    for (size_t i = 1; i < sample->agents.row_count; i++) {
        const struct csv_row *row = &sample->agents.rows[i];
        struct agent_style *style = &sample->styles[sample->style_count];
        if (sample->style_count++ == AGENTS_MOST)
            die("too many agents", cell(row, 0));
        style->name = cell(row, 0);
        style->unit = cell(row, 1);
        style->wide = strcmp(cell(row, 2), "wide") == 0;
        style->bom = strcmp(cell(row, 3), "utf-8-bom") == 0;
        style->encoding = strcmp(cell(row, 3), "gb18030") == 0 ? TEXT_GB18030 : TEXT_UTF8;
        for (style->column = 2; strcmp(cell(header, style->column), style->unit) != 0; style->column++)
            if (style->column >= header->count)
                die("unit has no column in year.csv", style->unit);
    }
}

static void load_catalogue(struct sample *sample, const char *folder)
{
    struct findings findings = {0};
    struct fault why = {0};
    if (catalogue_load(folder, &sample->catalogue, &findings, &why) != STATUS_OK)
        die_fault(&why);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].severity == FINDING_ERROR)
            die_fault(&findings.items[i].fault);
    findings_free(&findings);
}

int main(int argc, char *argv[])
{
    struct sample sample = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: sample-year CATALOGUE PLAN-FOLDER OUTPUT-FOLDER\n"
                        "writes OUTPUT-FOLDER/inbox/AGENT/2020-MM.csv (invented figures) and .../late/AGENT/...\n");
        return 2;
    }
    load_catalogue(&sample, argv[1]);
    load_table(argv[2], "year.csv", &sample.year);
    load_table(argv[2], "events.csv", &sample.events);
    load_table(argv[2], "agents.csv", &sample.agents);
    sample.folder = argv[3];
    make_folder(sample.folder);
    load_styles(&sample);
    for (size_t i = 0; i < sample.style_count; i++) {
        char period[PERIOD_TEXT];
        (void)snprintf(period, sizeof(period), "%d", YEAR - 1);
        write_ledger(&sample, &sample.styles[i], "inbox", period, true, 1);
        for (int month = 1; month <= MONTHS; month++) {
            (void)snprintf(period, sizeof(period), "%d-%02d", YEAR, month);
            write_ledger(&sample, &sample.styles[i], late_folder(&sample, &sample.styles[i], period), period, false, month);
        }
    }
    for (size_t i = 1; i < sample.events.row_count; i++)
        if (strcmp(cell(&sample.events.rows[i], 0), "late") != 0)
            write_event(&sample, &sample.events.rows[i], i);
    catalogue_free(&sample.catalogue);
    return EXIT_SUCCESS;
}
