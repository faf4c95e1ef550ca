/* fuzz_office.c - any question to the office: the first line is the command, each further line option=value. The answer is
 * a table that goes out as CSV and JSON and comes back cell by cell, or a fault that says why. */
#include "support.h"

#include "csv.h"
#include "fuzz.h"
#include "office.h"
#include "text.h"

#include <jansson.h>

#define CITY SOURCE_FOLDER "/tests/city/"
#define LAST_OF_APRIL 1588233600000

static struct city city;
static struct store *store;
static struct office *office;

static void close_office(void)
{
    office_close(&office);
    store_close(&store);
    city_close(&city);
}

static void open_office(void)
{
    struct fault why = {.message = MESSAGE_NONE};
    city_open_folder(&city, CITY "catalogue");
    city.now_ms = 1580860800000;
    (void)city_feed_file(&city, CITY "records.csv");
    city.now_ms = 1587340800000;
    (void)city_feed_file(&city, CITY "corrections.csv");
    city_must(store_open(city.path, STORE_READ, &store, &why), &why, "store_open");
    office = office_open(city.catalogue, store, 16 << 20);
    (void)atexit(close_office);
}

/* Cuts `text` into pieces; false when it is no question that the wire could carry. */
static bool make_question(char *text, struct wire_question *question)
{
    char *line = strchr(text, '\n');
    size_t bad;
    *question = (struct wire_question){.id = 1};
    while (line != NULL) {
        char *option = line + 1, *equals;
        *line = '\0';
        line = strchr(option, '\n');
        if (line != NULL)
            *line = '\0';
        equals = strchr(option, '=');
        if (equals == NULL || question->option_count == WIRE_OPTIONS ||
            (size_t)(equals - option) >= sizeof question->options[0].name)
            return false;
        *equals = '\0';
        (void)snprintf(question->options[question->option_count].name, sizeof question->options[0].name, "%s", option);
        question->options[question->option_count++].value = equals + 1;
    }
    for (size_t i = 0; i < question->option_count; i++)
        if (!text_is_utf8(question->options[i].value, strlen(question->options[i].value), &bad) ||
            !text_is_utf8(question->options[i].name, strlen(question->options[i].name), &bad))
            return false;
    return text_is_utf8(text, strlen(text), &bad) &&
           snprintf(question->command, sizeof question->command, "%s", text) < (int)sizeof question->command;
}

static char *print(const struct table *table, enum table_format format, enum language language)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fuzz_require(out != NULL && table_print(table, format, language, out) && fclose(out) == 0, "a table can be printed");
    return text;
}

static void look_at_csv(const struct table *table)
{
    char *text = print(table, TABLE_CSV, LANGUAGE_ZH);
    struct csv_reader *reader = csv_open(text, strlen(text), ',');
    struct fault why = {.message = MESSAGE_NONE};
    struct csv_row row;
    bool end = false;
    for (size_t line = 0; line <= table_rows(table); line++) {
        fuzz_require(csv_next(reader, &row, &end, &why) == STATUS_OK && !end && row.count == table->column_count,
                     "an answer's CSV has all its rows and columns");
        for (size_t i = 0; i < row.count && line > 0; i++) {
            const char *cell = table->cells[(line - 1) * table->column_count + i];
            fuzz_require(strcmp(row.fields[i].text, cell == NULL ? "" : cell) == 0, "a cell comes back from CSV");
        }
    }
    fuzz_require(csv_next(reader, &row, &end, &why) == STATUS_OK && end, "an answer's CSV has no more rows");
    csv_close(&reader);
    free(text);
}

static void look_at_json(const struct table *table)
{
    char *text = print(table, TABLE_JSON, LANGUAGE_ZH);
    json_t *rows = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    fuzz_require(rows != NULL && json_array_size(rows) == table_rows(table), "an answer's JSON has all its rows");
    for (size_t i = 0; i < table->cell_count; i++) {
        const json_t *cell = json_object_get(json_array_get(rows, i / table->column_count),
                                             table->columns[i % table->column_count]);
        fuzz_require(table->cells[i] == NULL ? json_is_null(cell)
                                             : json_is_string(cell) && strcmp(json_string_value(cell), table->cells[i]) == 0,
                     "a cell comes back from JSON");
    }
    json_decref(rows);
    free(text);
}

static void look_at(const struct answer *answer)
{
    size_t bad;
    fuzz_require(answer->table.column_count > 0 && answer->table.cell_count % answer->table.column_count == 0,
                 "an answer has whole rows");
    for (size_t i = 0; i < answer->table.cell_count; i++)
        fuzz_require(answer->table.cells[i] == NULL ||
                         text_is_utf8(answer->table.cells[i], strlen(answer->table.cells[i]), &bad),
                     "a cell is UTF-8");
    look_at_csv(&answer->table);
    look_at_json(&answer->table);
    free(print(&answer->table, TABLE_TABLE, LANGUAGE_ZH));
    free(print(&answer->table, TABLE_TABLE, LANGUAGE_EN));
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct wire_question question;
    struct answer answer;
    struct fault why = {.message = MESSAGE_NONE};
    if (office == NULL)
        open_office();
    char *text = memory_copy_text_length((const char *)bytes, length);
    if (make_question(text, &question)) {
        const enum status status = office_answer(office, &question, LAST_OF_APRIL, &answer, &why);
        fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "a question is answered or refused");
        fuzz_require_reason(status, &why);
        if (status == STATUS_OK) {
            look_at(&answer);
            answer_free(&answer);
        }
    }
    free(text);
}
