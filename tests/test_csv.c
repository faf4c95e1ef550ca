/* Tables as spreadsheets write them: quotes, line ends, separators, places, limits, and the way back. */
#include "random.h"
#include "suite.h"

#include "csv.h"
#include "limit.h"
#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The whole table as "line:[cell][cell]" a row, refusals as "!code@row", so that a table of cases reads at a glance. */
static char *picture(const char *text, size_t length, char separator)
{
    struct csv_reader *reader = csv_open(text, length, separator);
    char *drawn = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&drawn, &size);
    bool end = false;
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    for (;;) {
        struct csv_row row = {0};
        struct fault why = {0};
        const enum status status = csv_next(reader, &row, &end, &why);
        if (status == STATUS_OK && end)
            break;
        if (status != STATUS_OK) {
            fprintf(out, "%" PRId64 ":!%s@%" PRId64 " ", row.line, message_code(why.message), why.row);
            continue;
        }
        fprintf(out, "%" PRId64 ":", row.line);
        for (size_t i = 0; i < row.count; i++) {
            CU_ASSERT_EQUAL(strlen(row.fields[i].text), row.fields[i].length);
            fprintf(out, "[%s]", row.fields[i].text);
        }
        fprintf(out, " ");
    }
    CU_ASSERT_EQUAL(fclose(out), 0);
    csv_close(&reader);
    return drawn;
}

struct drawing {
    const char *text, *expected;
};

static void check_drawings(const struct drawing *drawings, size_t count, char separator)
{
    for (size_t i = 0; i < count; i++) {
        char *drawn = picture(drawings[i].text, strlen(drawings[i].text), separator);
        if (strcmp(drawn, drawings[i].expected) != 0)
            printf("\n  case %zu: %s\n", i, drawn);
        CU_ASSERT_STRING_EQUAL(drawn, drawings[i].expected);
        free(drawn);
    }
}

static void rows_and_cells_are_told_apart(void)
{
    static const struct drawing cases[] = {
        {"", ""},
        {"a", "1:[a] "},
        {"a\n", "1:[a] "},
        {"a,b\nc,d", "1:[a][b] 2:[c][d] "},
        {"a,b,\n,c,\n", "1:[a][b][] 2:[][c][] "},
        {",", "1:[][] "},
        {"\n", "1:[] "},
        {"\n\na\n\n", "1:[] 2:[] 3:[a] 4:[] "},
        {" a , b \n", "1:[ a ][ b ] "},
        {"常州,溧阳\n", "1:[常州][溧阳] "},
        {"a;b,c;d\n", "1:[a;b][c;d] "},
    };
    check_drawings(cases, ARRAY_LEN(cases), ',');
}

static void all_line_ends_are_known_even_mixed(void)
{
    static const struct drawing cases[] = {
        {"a\r\nb\r\n", "1:[a] 2:[b] "},
        {"a\rb\rc", "1:[a] 2:[b] 3:[c] "},
        {"a\nb\rc\r\nd", "1:[a] 2:[b] 3:[c] 4:[d] "},
        {"a\n\rb", "1:[a] 2:[] 3:[b] "},
        {"a\r", "1:[a] "},
        {"\r\n\r\n", "1:[] 2:[] "},
    };
    check_drawings(cases, ARRAY_LEN(cases), ',');
}

static void quotes_hold_anything(void)
{
    static const struct drawing cases[] = {
        {"\"a\",\"b\"\n", "1:[a][b] "},
        {"\"\",\"\"\n", "1:[][] "},
        {"\"a,b\",c\n", "1:[a,b][c] "},
        {"\"a\"\"b\"\n", "1:[a\"b] "},
        {"\"\"\"\"\n", "1:[\"] "},
        {"\"\"\"a\"\"\"\n", "1:[\"a\"] "},
        {"\"a\nb\",c\nd\n", "1:[a\nb][c] 3:[d] "},
        {"\"a\r\nb\rc\nd\",e\nf\n", "1:[a\r\nb\rc\nd][e] 5:[f] "},
        {"x\n\"a\n\n\",e\nf\n", "1:[x] 2:[a\n\n][e] 5:[f] "},
        {"\"a\"", "1:[a] "},
        {"5\" pipe,a\"b\"\n", "1:[5\" pipe][a\"b\"] "},
        {" \"a\",b\n", "1:[ \"a\"][b] "},
    };
    check_drawings(cases, ARRAY_LEN(cases), ',');
}

static void broken_quotes_are_refused_with_their_line(void)
{
    static const struct drawing cases[] = {
        {"a\n\"b\nc,d\n", "1:[a] 2:!unclosed_quote@2 "},
        {"\"a\nb\n", "1:!unclosed_quote@1 "},
        {"\"", "1:!unclosed_quote@1 "},
        {"x,\"a\n\",\"b\nc", "1:!unclosed_quote@2 "},
        {"\"a\"b,c\nd\n", "1:!text_after_quote@1 2:[d] "},
        {"\"a\" ,c\nd\n", "1:!text_after_quote@1 2:[d] "},
        {"\"a\n\"b,c\nd\n", "1:!text_after_quote@2 3:[d] "},
        {"\"a\"\"\n", "1:!unclosed_quote@1 "},
    };
    check_drawings(cases, ARRAY_LEN(cases), ',');
}

static void a_refused_row_is_handed_back_as_written(void)
{
    const char *text = "a,b\n\"x\"y,\"z\"\nc,d\n";
    struct csv_reader *reader = csv_open(text, strlen(text), ',');
    struct csv_row row = {0};
    struct fault why = {0};
    bool end = true;
    CU_ASSERT_EQUAL(csv_next(reader, &row, &end, &why), STATUS_OK);
    CU_ASSERT_EQUAL(csv_next(reader, &row, &end, &why), STATUS_REFUSED);
    CU_ASSERT_FALSE(end);
    CU_ASSERT_EQUAL(row.count, 0);
    CU_ASSERT_EQUAL(row.line, 2);
    CU_ASSERT(row.raw_length == 8 && memcmp(row.raw, "\"x\"y,\"z\"", 8) == 0);
    CU_ASSERT_EQUAL(csv_next(reader, &row, &end, &why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(row.fields[0].text, "c");
    csv_close(&reader);
}

static void the_row_as_written_comes_without_its_line_end(void)
{
    const char *text = "a,\"b\r\nc\"\r\n\r\nlast";
    static const char *const raw[] = {"a,\"b\r\nc\"", "", "last"};
    struct csv_reader *reader = csv_open(text, strlen(text), ',');
    struct csv_row row = {0};
    bool end = true;
    for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
        CU_ASSERT_EQUAL(csv_next(reader, &row, &end, NULL), STATUS_OK);
        CU_ASSERT_FALSE(end);
        CU_ASSERT(row.raw_length == strlen(raw[i]) && memcmp(row.raw, raw[i], row.raw_length) == 0);
    }
    row.line = 77;
    CU_ASSERT_EQUAL(csv_next(reader, &row, &end, NULL), STATUS_OK);
    CU_ASSERT(end && row.line == 77);
    CU_ASSERT_EQUAL(csv_next(reader, &row, &end, NULL), STATUS_OK);
    CU_ASSERT_TRUE(end);
    csv_close(&reader);
    CU_ASSERT_PTR_NULL(reader);
    csv_close(&reader);
}

static void the_separator_is_recognised(void)
{
    static const struct {
        const char *text;
        char separator;
    } cases[] = {
        {"", ','},
        {"a\nb\n", ','},
        {"a,b\n1,2\n", ','},
        {"a;b\n1;2\n", ';'},
        {"a\tb\n1\t2\n", '\t'},
        {"a;b;c\n1;2;1,5\n2;3;2,5\n", ';'},
        {"a,b\n1;2,3;4\n", ','}, /* equals: comma */
        {"title\n\na;b;c\n1;2;3\n4;5;6\n合计;7,8;9\n", ';'},
        {"title, with a comma\na\tb\n1\t2\n", '\t'},
        {"\"a;b;c\",d\n\"e;f;g\",h\n", ','},
        {"\"a,b,c\";d\n\"e,f,g\";h\n", ';'},
        {"\"a\n,,,\n,,,\n,,,\";d\n1;2\n", ';'},
        {"\"x\"\",\";d\n\"y\"\",\";h\n", ';'},
        {"5\"\" pipe;b\n6\"\" pipe;c,d\n", ';'},
        {"指标;单位;报告期;数值\nA;溧阳;2020-01;1,234\nA;金坛;2020-01;15\n", ';'},
        {"a;b\r1;2\r", ';'},
        {"sep=;\na,b\n1,2\n", ';'},
        {"SEP=\t\r\na,b\n", '\t'},
        {"sep=|\na|b\n", '|'},
        {"\"sep=;\"\r\na;b\n", ';'},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct csv_reader *reader = csv_open(cases[i].text, strlen(cases[i].text), 0);
        if (csv_separator(reader) != cases[i].separator)
            printf("\n  case %zu: '%c'\n", i, csv_separator(reader));
        CU_ASSERT_EQUAL(csv_separator(reader), cases[i].separator);
        csv_close(&reader);
    }
}

static void the_separator_line_is_taken_but_counted(void)
{
    static const struct drawing recognised[] = {
        {"sep=;\na;b\n", "2:[a][b] "},
        {"sep=;\r\na;b\r\n", "2:[a][b] "},
        {"sep=;\ra;b", "2:[a][b] "},
        {"sep=;", ""},
        {"\"sep=,\"\na,b\n", "2:[a][b] "},
        {"sep=;x\na,b\n", "1:[sep=;x] 2:[a][b] "},
        {"sep=a\na,b\n", "1:[sep=a] 2:[a][b] "},
        {"separate\n", "1:[separate] "},
        {"sep=", "1:[sep=] "},
        {"a\nsep=;\n", "1:[a] 2:[sep=][] "},
    };
    static const struct drawing stated[] = {{"sep=;\na,b;c\n", "2:[a][b;c] "}};
    check_drawings(recognised, ARRAY_LEN(recognised), 0);
    check_drawings(stated, ARRAY_LEN(stated), ',');
}

static char *filled(size_t length, char letter)
{
    char *text = memory_array(length + 1, 1);
    memset(text, letter, length);
    return text;
}

static enum status first_row(const char *text, size_t length, struct fault *why, size_t *ret_count)
{
    struct csv_reader *reader = csv_open(text, length, ',');
    struct csv_row row = {0};
    bool end = false;
    const enum status status = csv_next(reader, &row, &end, why);
    *ret_count = row.count;
    csv_close(&reader);
    return status;
}

static void a_cell_may_be_as_long_as_the_limit_and_no_longer(void)
{
    struct fault why = {0};
    size_t count = 0;
    char *text = filled(LIMIT_CSV_FIELD_BYTES + 3, 'x');
    CU_ASSERT_EQUAL(first_row(text, LIMIT_CSV_FIELD_BYTES, &why, &count), STATUS_OK);
    CU_ASSERT_EQUAL(first_row(text, LIMIT_CSV_FIELD_BYTES + 1, &why, &count), STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_FIELD_TOO_LONG);
    CU_ASSERT_EQUAL(why.row, 1);
    text[0] = '"';
    text[LIMIT_CSV_FIELD_BYTES + 1] = '"';
    CU_ASSERT_EQUAL(first_row(text, LIMIT_CSV_FIELD_BYTES + 2, &why, &count), STATUS_OK);
    text[LIMIT_CSV_FIELD_BYTES + 1] = 'x';
    text[LIMIT_CSV_FIELD_BYTES + 2] = '"';
    CU_ASSERT_EQUAL(first_row(text, LIMIT_CSV_FIELD_BYTES + 3, &why, &count), STATUS_REFUSED);
    free(text);
}

static void a_row_may_have_as_many_cells_as_the_limit_and_no_more(void)
{
    struct fault why = {0};
    size_t count = 0;
    char *text = filled(LIMIT_CSV_COLUMNS, ',');
    CU_ASSERT_EQUAL(first_row(text, LIMIT_CSV_COLUMNS - 1, &why, &count), STATUS_OK);
    CU_ASSERT_EQUAL(count, LIMIT_CSV_COLUMNS);
    CU_ASSERT_EQUAL(first_row(text, LIMIT_CSV_COLUMNS, &why, &count), STATUS_REFUSED);
    CU_ASSERT_EQUAL(why.message, MESSAGE_TOO_MANY_COLUMNS);
    free(text);
}

static void reading_goes_on_behind_a_row_that_is_too_wide(void)
{
    char *text = filled(LIMIT_CSV_COLUMNS + 10, ',');
    memcpy(text + LIMIT_CSV_COLUMNS + 5, "\na,b\n", 5);
    char *drawn = picture(text, LIMIT_CSV_COLUMNS + 10, ',');
    CU_ASSERT_STRING_EQUAL(drawn, "1:!too_many_columns@1 2:[a][b] ");
    free(drawn);
    free(text);
}

static void a_cell_is_quoted_only_when_it_must_be(void)
{
    static const struct {
        const char *text;
        char separator;
        const char *written;
    } cases[] = {
        {"", ',', ""},          {"a b", ',', "a b"},     {"a,b", ',', "\"a,b\""}, {"a,b", ';', "a,b"},
        {"a;b", ';', "\"a;b\""}, {"a\"b", ',', "\"a\"\"b\""}, {"a\nb", ',', "\"a\nb\""}, {"a\rb", ',', "\"a\rb\""},
        {" a", ',', "\" a\""},  {"a ", ',', "\"a \""},   {" ", ',', "\" \""},     {"常州", ',', "常州"},
        {"\t", '\t', "\"\t\""}, {"-5", ',', "-5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *written = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&written, &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        csv_write_field(out, cases[i].text, cases[i].separator);
        CU_ASSERT_EQUAL(fclose(out), 0);
        CU_ASSERT_STRING_EQUAL(written, cases[i].written);
        free(written);
    }
}

static void any_table_that_is_written_reads_back(void)
{
    static const char letters[] = "ab ,;\t\"\r\n\"5.";
    static const char separators[] = {',', ';', '\t'};
    random_start("csv");
    for (int round = 0; round < 3000; round++) {
        const char separator = separators[draw() % 3];
        const size_t rows = 1 + draw() % 6;
        char cells[6][5][12], *written = NULL;
        size_t counts[6], size = 0;
        FILE *out = open_memstream(&written, &size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(out);
        for (size_t r = 0; r < rows; r++) {
            counts[r] = 1 + draw() % 5;
            for (size_t c = 0; c < counts[r]; c++) {
                const size_t length = draw() % 11;
                for (size_t i = 0; i < length; i++)
                    cells[r][c][i] = letters[draw() % (sizeof letters - 1)];
                cells[r][c][length] = '\0';
                if (c > 0)
                    fputc(separator, out);
                csv_write_field(out, cells[r][c], separator);
            }
            fputs(draw() % 2 == 0 ? "\r\n" : "\n", out);
        }
        CU_ASSERT_EQUAL(fclose(out), 0);
        struct csv_reader *reader = csv_open(written, size, separator);
        struct csv_row row = {0};
        bool end = false, same = true;
        for (size_t r = 0; r < rows && same; r++) {
            same = csv_next(reader, &row, &end, NULL) == STATUS_OK && !end && row.count == counts[r];
            for (size_t c = 0; same && c < counts[r]; c++)
                same = strcmp(row.fields[c].text, cells[r][c]) == 0;
        }
        same = same && csv_next(reader, &row, &end, NULL) == STATUS_OK && end;
        csv_close(&reader);
        free(written);
        if (!same) {
            CU_FAIL("a written table did not read back");
            return;
        }
    }
}

static void random_text_always_comes_to_an_end_and_loses_no_line(void)
{
    static const char letters[] = "ab,;\"\"\r\n";
    random_start("scribbles");
    for (int round = 0; round < 20000; round++) {
        char text[40];
        const size_t length = draw() % sizeof text;
        for (size_t i = 0; i < length; i++)
            text[i] = letters[draw() % (sizeof letters - 1)];
        struct csv_reader *reader = csv_open(text, length, 0);
        struct csv_row row = {0};
        bool end = false;
        size_t covered = 0, rows = 0;
        while (rows < 100) {
            const enum status status = csv_next(reader, &row, &end, NULL);
            if (status == STATUS_OK && end)
                break;
            rows++;
            covered += row.raw_length;
            CU_ASSERT((status == STATUS_OK) == (row.count > 0));
        }
        size_t line_ends = 0;
        for (size_t i = 0; i < length; i++)
            line_ends += text[i] == '\r' || text[i] == '\n' ? 1 : 0;
        CU_ASSERT(end && covered <= length && covered + line_ends >= length);
        csv_close(&reader);
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(rows_and_cells_are_told_apart),
        SENTENCE(all_line_ends_are_known_even_mixed),
        SENTENCE(quotes_hold_anything),
        SENTENCE(broken_quotes_are_refused_with_their_line),
        SENTENCE(a_refused_row_is_handed_back_as_written),
        SENTENCE(the_row_as_written_comes_without_its_line_end),
        SENTENCE(the_separator_is_recognised),
        SENTENCE(the_separator_line_is_taken_but_counted),
        SENTENCE(a_cell_may_be_as_long_as_the_limit_and_no_longer),
        SENTENCE(a_row_may_have_as_many_cells_as_the_limit_and_no_more),
        SENTENCE(reading_goes_on_behind_a_row_that_is_too_wide),
        SENTENCE(a_cell_is_quoted_only_when_it_must_be),
        SENTENCE(any_table_that_is_written_reads_back),
        SENTENCE(random_text_always_comes_to_an_end_and_loses_no_line),
    };
    return suite_run("csv", sentences, ARRAY_LEN(sentences));
}
