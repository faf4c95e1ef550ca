/* Tables for people and programs. */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "suite.h"

#include "memory.h"
#include "table.h"

#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static const char *const columns[] = {"unit", "unit_name", "value", "status"};

static void fill(struct table *table)
{
    static const char *const cells[] = {"320481", "溧阳市", "12.50", "lagging", "A", "x, \"y\"\nz", NULL, "met"};
    table_start(table, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        table_add(table, cells[i]);
}

static char *print(const struct table *table, enum table_format format, enum language language)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_TRUE(table_print(table, format, language, out));
    CU_ASSERT_EQUAL(fclose(out), 0);
    return text;
}

/* Terminal columns before the first `needle` of its line; -1 when it is not there. */
static int column_of(const char *text, const char *needle)
{
    const char *found = strstr(text, needle), *at = found;
    int width = 0;
    if (found == NULL)
        return -1;
    while (at > text && at[-1] != '\n')
        at--;
    while (at < found) {
        wchar_t character;
        const int bytes = mbtowc(&character, at, (size_t)(found - at));
        if (bytes <= 0)
            return -1;
        width += wcwidth(character);
        at += bytes;
    }
    return width;
}

static void csv_has_a_header_and_quotes_what_must_be_quoted(void)
{
    struct table table;
    fill(&table);
    char *text = print(&table, TABLE_CSV, LANGUAGE_ZH);
    CU_ASSERT_STRING_EQUAL(text, "unit,unit_name,value,status\n"
                                 "320481,溧阳市,12.50,lagging\n"
                                 "A,\"x, \"\"y\"\"\nz\",,met\n");
    free(text);
    table_free(&table);
}

static void json_is_an_array_of_objects_with_figures_as_text(void)
{
    struct table table;
    fill(&table);
    char *text = print(&table, TABLE_JSON, LANGUAGE_ZH);
    json_t *rows = json_loads(text, 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
    CU_ASSERT_EQUAL(json_array_size(rows), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(rows, 0), "value")), "12.50");
    CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(rows, 1), "value")));
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(rows, 1), "unit_name")), "x, \"y\"\nz");
    json_decref(rows);
    free(text);
    table_free(&table);
}

static void a_table_without_rows_still_has_its_header(void)
{
    struct table table;
    table_start(&table, columns, ARRAY_LEN(columns));
    char *csv = print(&table, TABLE_CSV, LANGUAGE_ZH), *json = print(&table, TABLE_JSON, LANGUAGE_ZH);
    char *people = print(&table, TABLE_TABLE, LANGUAGE_ZH);
    json_t *rows = json_loads(json, 0, NULL);
    CU_ASSERT_STRING_EQUAL(csv, "unit,unit_name,value,status\n");
    CU_ASSERT_TRUE(json_is_array(rows) && json_array_size(rows) == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(people, "单位代码"));
    json_decref(rows);
    free(csv);
    free(json);
    free(people);
}

static void chinese_cells_keep_the_columns_aligned(void)
{
    struct table table;
    table_start(&table, columns, ARRAY_LEN(columns));
    const char *const cells[] = {"1", "溧阳市", "5", "FIRST", "2", "abc", "1234", "SECOND", "3", "常州经济开发区", "77", "THIRD"};
    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        table_add(&table, cells[i]);
    char *text = print(&table, TABLE_TABLE, LANGUAGE_ZH);
    const int first = column_of(text, "FIRST");
    CU_ASSERT_TRUE(first > 20);
    CU_ASSERT_EQUAL(column_of(text, "SECOND"), first);
    CU_ASSERT_EQUAL(column_of(text, "THIRD"), first);
    CU_ASSERT_EQUAL(column_of(text, "状态"), first);
    /* Figures are aligned to the right: both end at one column. */
    CU_ASSERT_EQUAL(column_of(text, "5 FIRST"), column_of(text, "4 SECOND"));
    free(text);
    table_free(&table);
}

static void titles_are_in_the_asked_language_and_nothing_is_coloured_off_a_terminal(void)
{
    struct table table;
    fill(&table);
    char *zh = print(&table, TABLE_TABLE, LANGUAGE_ZH), *en = print(&table, TABLE_TABLE, LANGUAGE_EN);
    CU_ASSERT_PTR_NOT_NULL(strstr(zh, "数值"));
    CU_ASSERT_PTR_NULL(strstr(zh, "value"));
    CU_ASSERT_PTR_NOT_NULL(strstr(en, "value"));
    CU_ASSERT_PTR_NULL(strchr(zh, '\033'));
    free(zh);
    free(en);
    table_free(&table);
}

static void states_are_said_in_words_to_people_and_stay_codes_for_programs(void)
{
    struct table table;
    fill(&table);
    char *zh = print(&table, TABLE_TABLE, LANGUAGE_ZH), *en = print(&table, TABLE_TABLE, LANGUAGE_EN);
    char *csv = print(&table, TABLE_CSV, LANGUAGE_ZH), *json = print(&table, TABLE_JSON, LANGUAGE_ZH);
    CU_ASSERT_PTR_NOT_NULL(strstr(zh, "滞后"));
    CU_ASSERT_PTR_NOT_NULL(strstr(zh, "达标"));
    CU_ASSERT_PTR_NULL(strstr(zh, "lagging"));
    CU_ASSERT_PTR_NOT_NULL(strstr(en, "lagging"));
    CU_ASSERT_PTR_NOT_NULL(strstr(en, "unit name"));
    CU_ASSERT_PTR_NOT_NULL(strstr(csv, ",lagging\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(json, "\"status\": \"lagging\""));
    free(zh);
    free(en);
    free(csv);
    free(json);
    table_free(&table);
    static const char *const codes[] = {"status", "attainment_pct"};
    table_start(&table, codes, ARRAY_LEN(codes));
    table_add(&table, "at_risk");
    table_add(&table, "98.5");
    table_add(&table, "a_word_of_later_times"); /* said as it is */
    table_add(&table, NULL);
    en = print(&table, TABLE_TABLE, LANGUAGE_EN);
    CU_ASSERT_PTR_NOT_NULL(strstr(en, "at risk"));
    CU_ASSERT_PTR_NOT_NULL(strstr(en, "attainment %"));
    CU_ASSERT_PTR_NOT_NULL(strstr(en, "a_word_of_later_times"));
    free(en);
    table_free(&table);
}

static void formats_are_known_by_name_only(void)
{
    enum table_format format = TABLE_CSV;
    CU_ASSERT_TRUE(table_format_by_name("json", &format) && format == TABLE_JSON);
    CU_ASSERT_TRUE(table_format_by_name("table", &format) && format == TABLE_TABLE);
    CU_ASSERT_FALSE(table_format_by_name("CSV", &format));
    CU_ASSERT_FALSE(table_format_by_name("", &format));
    CU_ASSERT_EQUAL(format, TABLE_TABLE);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(csv_has_a_header_and_quotes_what_must_be_quoted),
        SENTENCE(json_is_an_array_of_objects_with_figures_as_text),
        SENTENCE(a_table_without_rows_still_has_its_header),
        SENTENCE(chinese_cells_keep_the_columns_aligned),
        SENTENCE(titles_are_in_the_asked_language_and_nothing_is_coloured_off_a_terminal),
        SENTENCE(states_are_said_in_words_to_people_and_stay_codes_for_programs),
        SENTENCE(formats_are_known_by_name_only),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return EXIT_FAILURE;
    return suite_run("table", sentences, ARRAY_LEN(sentences));
}
