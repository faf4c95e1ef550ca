/* catalogue_package.c - datapackage.json and holidays.csv: name and version of the plan, its year, its time zone, and
 * the days on which nobody works. */
#include "catalogue_reading.h"

#include "calendar.h"
#include "memory.h"
#include "text.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- datapackage.json -------------------------------------------------------------------------------------------- */

#define PACKAGE "datapackage.json"

static struct place package_place(const char *key)
{
    return (struct place){PACKAGE, 0, key, PACKAGE};
}

/* The text of a key; NULL when absent or not a text (reported). */
static const char *package_text(struct loader *loader, const json_t *package, const char *key, bool needed)
{
    const struct place place = package_place(key);
    const json_t *value = json_object_get(package, key);
    if (value == NULL || (json_is_string(value) && json_string_value(value)[0] == '\0')) {
        if (needed)
            loader_report(loader, strcmp(key, "name") == 0 ? FINDING_ERROR : FINDING_WARNING, &place,
                          MESSAGE_EMPTY_VALUE, key, NULL, NULL, NULL);
        return NULL;
    }
    if (!json_is_string(value)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_WRONG_TYPE, key, "string", NULL, NULL);
        return NULL;
    }
    if (json_string_length(value) > LIMIT_NAME_BYTES) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_TEXT_TOO_LONG, key, "512", NULL, NULL);
        return NULL;
    }
    return arena_keep(&loader->private->texts, json_string_value(value), json_string_length(value));
}

static void read_year_start(struct loader *loader, const json_t *package)
{
    const struct place place = package_place("year_start");
    const char *text = package_text(loader, package, "year_start", false);
    char date_text[16];
    int32_t date;
    int year;
    if (text == NULL)
        return;
    /* 2001 has no 29 February, and neither has every year. */
    if (strlen(text) != 5 || snprintf(date_text, sizeof(date_text), "2001-%s", text) != 10 ||
        !date_parse(date_text, &date)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_BAD_YEAR_START, text, NULL, NULL, NULL);
        return;
    }
    date_to_civil(date, &year, &loader->catalogue->year_start_month, &loader->catalogue->year_start_day);
}

static void read_timezone(struct loader *loader, const json_t *package)
{
    const struct place place = package_place("timezone");
    const char *text = package_text(loader, package, "timezone", false);
    if (text == NULL)
        return;
    if (text[0] == '/' || strstr(text, "..") != NULL ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != strlen(text)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_BAD_TIMEZONE, text, NULL, NULL, NULL);
        return;
    }
    if (!calendar_knows_timezone(text)) /* every program would refuse it at its start */
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_UNKNOWN_TIMEZONE, text, NULL, NULL, NULL);
    loader->catalogue->timezone = text;
}

/* A listed file of ours that is not there was forgotten, or removed without its entry. */
static void check_resource_path(struct loader *loader, const json_t *path)
{
    static const char *const ours[] = {"units.csv",    "groups.csv",     "forms.csv", "form_units.csv",
                                       "elements.csv", "indicators.csv", "goals.csv", "rules.csv",
                                       "holidays.csv"};
    const struct place place = package_place("resources");
    const char *name = json_string_value(path);
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(ours); i++)
        if (strcmp(name, ours[i]) == 0 && loader_file(loader, name) == NULL)
            loader_report(loader, FINDING_WARNING, &place, MESSAGE_RESOURCE_ABSENT, name, NULL, NULL, NULL);
}

static void check_resources(struct loader *loader, const json_t *package)
{
    const struct place place = package_place("resources");
    const json_t *resources = json_object_get(package, "resources");
    if (resources == NULL) {
        loader_report(loader, FINDING_WARNING, &place, MESSAGE_EMPTY_VALUE, "resources", NULL, NULL, NULL);
        return;
    }
    if (!json_is_array(resources)) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_WRONG_TYPE, "resources", "list", NULL, NULL);
        return;
    }
    for (size_t i = 0; i < json_array_size(resources); i++) {
        const json_t *path = json_object_get(json_array_get(resources, i), "path");
        for (size_t j = 0; j < json_array_size(path); j++)
            check_resource_path(loader, json_array_get(path, j));
        check_resource_path(loader, path);
    }
}

static void read_members(struct loader *loader, const json_t *package)
{
    struct catalogue *catalogue = loader->catalogue;
    const char *name = package_text(loader, package, "name", true);
    const char *title = package_text(loader, package, "title", true);
    const char *version = package_text(loader, package, "version", true);
    catalogue->name = name == NULL ? "" : name;
    catalogue->title = title == NULL ? "" : title;
    catalogue->version = version == NULL ? "" : version;
    read_year_start(loader, package);
    read_timezone(loader, package);
    check_resources(loader, package);
}

static void report_json(struct loader *loader, const json_error_t *error)
{
    struct place place = package_place(NULL);
    char line[24], column[24];
    reading_number(line, error->line);
    reading_number(column, error->column);
    place.row = error->line > 0 ? error->line : 0;
    loader_report(loader, FINDING_ERROR, &place, MESSAGE_BAD_JSON, line, column, error->text, NULL);
}

static void *take(size_t bytes)
{
    return memory_array(bytes, 1);
}

/* jansson 2.14 falls over a string for which there is no memory; as everywhere here the program stops with a word instead. */
static void give_memory(void)
{
    json_set_alloc_funcs(take, free);
}

void catalogue_read_package(struct loader *loader)
{
    const struct place place = package_place(NULL);
    const struct catalogue_file *file = loader_file(loader, PACKAGE);
    struct fault fault = {.message = MESSAGE_NONE};
    static pthread_once_t is_given = PTHREAD_ONCE_INIT;
    json_error_t error;
    json_t *package = NULL;
    char *text = NULL;
    size_t length = 0;
    if (file == NULL) {
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_MISSING_FILE, PACKAGE, NULL, NULL, NULL);
        return;
    }
    if (text_decode(file->bytes, file->length, TEXT_UTF8, &text, &length, NULL, &fault) != STATUS_OK) {
        loader_report_fault(loader, FINDING_ERROR, &place, &fault);
        return;
    }
    pthread_once(&is_given, give_memory);
    package = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (package == NULL)
        report_json(loader, &error);
    else if (!json_is_object(package))
        loader_report(loader, FINDING_ERROR, &place, MESSAGE_WRONG_TYPE, PACKAGE, "object", NULL, NULL);
    else
        read_members(loader, package);
    json_decref(package);
    free(text);
}

/* ---- holidays.csv ------------------------------------------------------------------------------------------------ */

enum { HOLIDAY_DATE, HOLIDAY_KIND };
static const struct column holiday_columns[] = {{"date", true}, {"kind", true}, {"name", false}};
static const struct word holiday_words[] = {{"holiday", 0}, {"workday", 1}};

static void read_holiday(struct table *table, void *context)
{
    struct reading *reading = context;
    struct catalogue *catalogue = reading->catalogue;
    const struct place place = table_place(table, HOLIDAY_DATE);
    struct holiday holiday = {.date = cell_date(table, HOLIDAY_DATE, DAY_MIN)};
    holiday.works = cell_word(table, HOLIDAY_KIND, holiday_words, ARRAY_LEN(holiday_words), true, 0) == 1;
    if (cell_empty(table, HOLIDAY_DATE))
        loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_EMPTY_VALUE, "date", NULL, NULL, NULL);
    if (holiday.date == DAY_MIN)
        return;
    catalogue->holidays = memory_grow(catalogue->holidays, &reading->holiday_capacity, catalogue->holiday_count + 1,
                                      sizeof(struct holiday));
    reading_note_line(reading, PART_HOLIDAYS, catalogue->holiday_count, table->row);
    catalogue->holidays[catalogue->holiday_count++] = holiday;
}

struct dated_row {
    struct holiday holiday;
    int64_t row;
};

static int by_date_and_row(const void *one, const void *other)
{
    const struct dated_row *a = one, *b = other;
    if (a->holiday.date != b->holiday.date)
        return a->holiday.date < b->holiday.date ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* A date may be listed twice (two lists pasted together), as long as both say the same. */
static void settle_holidays(struct reading *reading)
{
    struct catalogue *catalogue = reading->catalogue;
    struct dated_row *rows = memory_array(catalogue->holiday_count, sizeof(*rows));
    size_t kept = 0;
    for (size_t i = 0; i < catalogue->holiday_count; i++)
        rows[i] = (struct dated_row){catalogue->holidays[i], reading->lines[PART_HOLIDAYS].items[i]};
    qsort(rows, catalogue->holiday_count, sizeof(*rows), by_date_and_row);
    for (size_t i = 0; i < catalogue->holiday_count; i++) {
        char date[DATE_TEXT], line[24];
        const struct place place = {"holidays.csv", rows[i].row, "date", date};
        if (i == 0 || rows[i].holiday.date != rows[i - 1].holiday.date) {
            catalogue->holidays[kept++] = rows[i].holiday;
            continue;
        }
        date_format(rows[i].holiday.date, date);
        reading_number(line, rows[i - 1].row);
        if (rows[i].holiday.works != rows[i - 1].holiday.works)
            loader_report(reading->loader, FINDING_ERROR, &place, MESSAGE_HOLIDAY_TWICE, date, line, NULL, NULL);
    }
    catalogue->holiday_count = kept;
    free(rows);
}

void catalogue_read_holidays(struct reading *reading)
{
    (void)table_read(reading->loader, PART_HOLIDAYS, "holidays.csv", false, holiday_columns, ARRAY_LEN(holiday_columns),
                     read_holiday, reading);
    settle_holidays(reading);
}
