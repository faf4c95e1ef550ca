/* test_feed.c - what clerks send and what is made of it: both layouts, encodings, separators, titles, totals, and
 * everything that must be refused rather than guessed. */
#include "county.h"
#include "suite.h"

#include "limit.h"
#include "memory.h"

struct accepted {
    const char *text, *figures;
};

/* Reads each and compares the summary; says which one differs. */
static void expect_all(const struct accepted *cases, size_t count)
{
    struct county county;
    county_open(&county);
    for (size_t i = 0; i < count; i++) {
        char code[64] = "";
        if (county_read(&county, cases[i].text) != STATUS_OK)
            snprintf(code, sizeof(code), "refused %s", message_code(county.why.message));
        const char *got = code[0] != '\0' ? code : county_summary(&county);
        if (strcmp(got, cases[i].figures) != 0)
            fprintf(stderr, "\ncase %zu\n%s\nexpected: %s\ngot:      %s\n", i, cases[i].text, cases[i].figures, got);
        CU_ASSERT_STRING_EQUAL(got, cases[i].figures);
    }
    county_close(&county);
}

static void a_long_table_is_read_in_either_language_and_any_order(void)
{
    static const struct accepted cases[] = {
        {"element,unit,period,value\ngrain,L,2020-03,12.5\n", "grain@L 2020-03=12.50"},
        {"数值,报告期,单位,指标\n12.5,2020-03,溧阳市,粮食产量\n", "grain@L 2020-03=12.50"},
        {"Element;Unit;Period;Value\nGrain;Liyang;2020-03;1,234.5\n", "grain@L 2020-03=1234.50"},
        {"指标\tunit\t报告期\tvalue\nsown\tJ\t2020-03\t１２\n", "sown@J 2020-03=12"},
        {"sep=;\nelement;unit;period;value\nsown;J;2020-03;-5\n", "sown@J 2020-03=-5"},
        {"element,unit,period,value\r\nsown,J,2020-03,1\r\nsown,L,2020-03,2\r\n", "sown@J 2020-03=1 sown@L 2020-03=2"},
        {"element,unit,period,value\rsown,J,2020-03,1\rsown,L,2020-03,2", "sown@J 2020-03=1 sown@L 2020-03=2"},
        {"element,unit,period,value\nsown,\" J \",2020-03,\"1,200\"\n", "sown@J 2020-03=1200"},
        {"element,unit,period,value,revision,status,reason,reported_at\n"
         "sown,J,2020-03,1,３,P,因为,2020-04-01\nsown,L,2020-03,,2,M,,2020-04-01T08:00:00+08:00\n"
         "sown,W,2020-03,,,X,,\n",
         "sown@J 2020-03=1/P#3 sown@L 2020-03=/M#2 sown@W 2020-03=/X"},
        {"element,unit,period,value\nsown,J,2020-03,-\nsown,L,2020-03,无数据\nsown,W,2020-03,0\n",
         ". . sown@W 2020-03=0"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void a_wide_table_is_read_with_one_element_a_column(void)
{
    static const struct accepted cases[] = {
        {"单位,报告期,粮食产量,sown\n溧阳市,2020-03,12.5,7\n金坛区,2020-03,,8\n",
         "grain@L 2020-03=12.50 sown@L 2020-03=7 . sown@J 2020-03=8"},
        {"unit,period,grain,status\nL,2020-03,12.5,E\nJ,2020-03,,Q\nW,2020-03,,P\n",
         "grain@L 2020-03=12.50/E grain@J 2020-03=/Q ."},
        {"单位,报告期,\"粮食\n产量\",\"播种\r\n面积\"\n溧阳市,2020-03,12.5,7\n", "grain@L 2020-03=12.50 sown@L 2020-03=7"},
        {"unit,period,grain,sown\nL,2020-03,abc,7\n", "!not_a_number sown@L 2020-03=7"},
        {"unit,period,grain,sown\nnowhere,2020-03,1,7\n", "!unknown_unit"},
        {"unit,period,同名指标,people\nL,2020,1,7\n", "!ambiguous_name people@L 2020=7"},
        {"unit,period,grain,sown\nL,2020-03,1,234,5,\n", "!extra_cells"},
        {"unit,grain\nL,1\n", "refused no_period"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void the_period_of_the_source_serves_tables_without_one(void)
{
    struct county county;
    county_open(&county);
    county.source.period = "2020-05";
    CU_ASSERT_EQUAL_FATAL(county_read(&county, "单位,粮食产量\n溧阳市,3\n"), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(county_summary(&county), "grain@L 2020-05=3.00");
    CU_ASSERT_EQUAL_FATAL(county_read(&county, "单位,报告期,粮食产量\n溧阳市,2020-06,3\n"), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(county_summary(&county), "grain@L 2020-06=3.00");
    county_close(&county);
}

static void rows_that_are_wrong_are_refused_with_every_reason(void)
{
    static const struct accepted cases[] = {
        {"element,unit,period,value\nnothing,L,2020-03,1\n", "!unknown_element"},
        {"element,unit,period,value\n同名指标,L,2020,1\n", "!ambiguous_name"},
        {"element,unit,period,value\ngrain,新桥镇,2020-03,1\n", "!ambiguous_name"},
        {"element,unit,period,value\ngrain,L,三月,1\n", "!bad_period"},
        {"element,unit,period,value\ngrain,L,,1\n", "!cell_empty"},
        {"element,unit,period,value\ngrain,,2020-03,1\n", "!cell_empty"},
        {"element,unit,period,value\n,L,2020-03,1\n", "!cell_empty"},
        {"element,unit,period,value\ngrain,L,2020-03,3.5万\n", "!not_a_number"},
        {"element,unit,period,value\ngrain,L,2020-03,1.234\n", "!too_many_decimals"},
        {"element,unit,period,value\ngrain,L,2020-03,99999999999999999999\n", "!out_of_range"},
        {"element,unit,period,value\nnothing,nowhere,bad,x\n", "!unknown_unit!bad_period!unknown_element"},
        {"element,unit,period,value\ngrain,L,2020-03,1,234\n", "!extra_cells"},
        {"element,unit,period,value,reason\ngrain,L,2020-03,1,234,\n", "!extra_cells"},
        {"element,unit,period,value\ngrain,L,2020-03,1,\n", "grain@L 2020-03=1.00"},
        {"element,unit,period,value,status\ngrain,L,2020-03,1,M\n", "!status_with_value"},
        {"element,unit,period,value,status\ngrain,L,2020-03,,P\n", "!value_missing"},
        {"element,unit,period,value,status\ngrain,L,2020-03,-,E\n", "!value_missing"},
        {"element,unit,period,value,status\ngrain,L,2020-03,,A\ngrain,J,2020-03,-,\n", ". ."},
        {"element,unit,period,value,status\ngrain,L,2020-03,1,a\n", "!bad_status"},
        {"element,unit,period,value,revision\ngrain,L,2020-03,1,0\n", "!bad_revision"},
        {"element,unit,period,value,revision\ngrain,L,2020-03,1,134217728\n", "!bad_revision"},
        {"element,unit,period,value,revision\ngrain,L,2020-03,1,1.0\n", "!bad_revision"},
        {"element,unit,period,value,reported_at\ngrain,L,2020-03,1,昨天\n", "!bad_time"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void titles_totals_and_signatures_are_skipped_and_said_so(void)
{
    struct county county;
    county_open(&county);
    CU_ASSERT_EQUAL_FATAL(county_read(&county, "2020年农业月报,,\n单位：万吨,,\n\n单位,报告期,粮食产量,备注\n溧阳市,2020-03,1,好\n"
                                               "小计,2020-03,1,\n金坛区,2020-03,2,\n合　计,,3,\n,合计,,\n\n填表人：张三,审核人：李四,,\n"
                                               "单位负责人,,,\n填报日期：2020-04-01,,,\n注：不含农垦,,,\n"), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(county_summary(&county), "grain@L 2020-03=1.00 grain@J 2020-03=2.00");
    CU_ASSERT_STRING_EQUAL(county_notes(&county), "title_skipped title_skipped column_ignored total_skipped total_skipped "
                                                  "total_skipped signature_skipped signature_skipped signature_skipped "
                                                  "signature_skipped");
    CU_ASSERT_EQUAL(county.delivery->header.line, 4);
    CU_ASSERT_EQUAL(county.delivery->rows[1].line, 7);
    county_close(&county);
}

static void what_stands_below_tables_is_skipped_in_both_layouts(void)
{
    static const char *const rows[] = {
        "单位负责人签字：", "统计员：赵六", "报送日期：2020-04-01", "2020年4月1日", "（盖章）", "注1：初步数", "※ 口径同上年",
        "单位负责人：甲,统计负责人：乙,填表人：丙,报出日期：2020年4月5日", "Prepared by: Zhang", "一、粮食",
        "本页小计,,,5", "全市合计,,,5", "合计（人）,,,5", "合计数：,,,5", "累计,,,5",
    };
    struct county county;
    char text[512];
    county_open(&county);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int wide = 0; wide < 2; wide++) {
            (void)snprintf(text, sizeof(text), "%s%s\n",
                           wide ? "单位,报告期,sown,grain\nL,2020-03,7,\n" : "指标,单位,报告期,数值\nsown,L,2020-03,7\n", rows[i]);
            CU_ASSERT_EQUAL(county_read(&county, text), STATUS_OK);
            if (strcmp(county_summary(&county), wide ? "sown@L 2020-03=7 ." : "sown@L 2020-03=7") != 0)
                fprintf(stderr, "\n%s -> %s\n", text, county_summary(&county));
            CU_ASSERT_STRING_EQUAL(county_summary(&county), wide ? "sown@L 2020-03=7 ." : "sown@L 2020-03=7");
            CU_ASSERT_STRING_EQUAL(county_notes(&county), i < 10 ? "signature_skipped" : "total_skipped");
        }
    county_close(&county);
}

static void a_second_table_below_the_first_refuses_the_file(void)
{
    static const struct accepted cases[] = {
        {"单位,报告期,sown\nL,2020-03,7\n\n单位,报告期,grain\nJ,2020-03,6\n", "refused second_table"},
        {"单位,报告期,sown\nL,2020-03,7\n\n报告期,单位,grain\n2020-03,J,6\n", "refused second_table"},
        {"element,unit,period,value\nsown,L,2020-03,7\n指标,单位,报告期,数值\nsown,J,2020-03,6\n", "refused second_table"},
        {"单位,报告期,sown\nL,2020-03,7\n单位,统计局\n", "sown@L 2020-03=7 !unknown_unit!bad_period"},
        {"单位,报告期,sown\nL,2020-03,7\n单位,报告期,sown\nJ,2020-03,6\n", "sown@L 2020-03=7 sown@J 2020-03=6"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void nothing_that_could_be_a_figure_is_skipped(void)
{
    static const struct accepted cases[] = {
        {"单位,报告期,sown\n制表厂,2020-03,1\n", "!unknown_unit"},
        {"备注,单位,报告期,sown\n合计,溧阳市,2020-03,1\n", "sown@L 2020-03=1"},
        {"备注,单位,报告期,sown\n合计,不明,2020-03,1\n", "!unknown_unit"},
        {"单位,报告期,sown\n总计划,2020-03,1\n", "!unknown_unit"},
        {"单位,报告期,sown\n合计划村,2020-03,1\n", "!unknown_unit"},
        {"单位,报告期,sown\n某村：甲,2020-03,约5\n", "!unknown_unit"},
        {"单位,报告期,sown\n不明,2020-03,\n", "!unknown_unit"},
        {"element,unit,period,value\nsown\n", "!cell_empty!cell_empty"},
        {"element,unit,period,value\n,,,5\n", "!cell_empty!cell_empty!cell_empty"},
        {"单位,报告期,sown\n注：一,2020-03,1\n", "!unknown_unit"},
        {"element,unit,period,value\nsown,填表人,2020-03,1\n", "!unknown_unit"},
        {"element,unit,period,value\nsown,J,2020-03,1\nelement,unit,period,value\nsown,L,2020-03,2\n",
         "sown@J 2020-03=1 sown@L 2020-03=2"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void a_table_with_two_columns_of_one_name_is_refused_whole(void)
{
    static const struct accepted cases[] = {
        {"element,unit,period,value,value\ngrain,L,2020-03,1,2\n", "refused duplicate_column"},
        {"element,unit,单位,period,value\ngrain,L,L,2020-03,1\n", "refused duplicate_column"},
        {"unit,period,grain,粮食产量\nL,2020-03,1,2\n", "refused duplicate_column"},
        {"unit,period,grain,其他,其他\nL,2020-03,1,2,3\n", "refused duplicate_column"},
        {"unit,period,grain,,\nL,2020-03,1,,\n", "grain@L 2020-03=1.00"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void a_table_without_header_is_refused_with_what_it_needs(void)
{
    struct county county;
    static const struct accepted cases[] = {
        {"grain,L,2020-03,1\n", "refused no_header"},
        {"指标,单位,金额\ngrain,L,1\n", "refused missing_columns"},
        {"element,unit,value\ngrain,L,1\n", "refused no_period"},
        {"\n\n\n", "refused no_header"},
        {"", "refused file_empty"},
    };
    expect_all(cases, ARRAY_LEN(cases));
    county_open(&county);
    CU_ASSERT_EQUAL(county_read(&county, "指标,单位,金额\ngrain,L,1\n"), STATUS_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(county.why.argument[1], "value|数值"));
    CU_ASSERT_STRING_EQUAL(county.why.file, "f.csv");
    county_close(&county);
}

static void a_file_of_another_kind_is_refused_by_what_it_is(void)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *kind;
    } cases[] = {
        {"PK\x03\x04rest", 8, "xlsx"},        {"\xD0\xCF\x11\xE0\xA1\xB1", 6, "xls"}, {"%PDF-1.4", 8, "PDF"},
        {"<html><table>", 13, "HTML"},        {"  \n<?xml", 9, "HTML"},               {"ab\0cd", 5, "binary"},
    };
    struct county county;
    county_open(&county);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT_EQUAL(county_read_bytes(&county, cases[i].bytes, cases[i].length), STATUS_REFUSED);
        CU_ASSERT_EQUAL(county.why.message, MESSAGE_WRONG_FILE_KIND);
        CU_ASSERT_PTR_NOT_NULL(strstr(county.why.argument[0], cases[i].kind));
    }
    county_close(&county);
}

static void encodings_are_recognised(void)
{
    static const char utf8[] = "指标,单位,报告期,数值\ngrain,溧阳市,2020-03,1\n";
    static const enum text_encoding encodings[] = {TEXT_GB18030, TEXT_UTF16LE, TEXT_UTF8};
    struct county county;
    county_open(&county);
    for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
        char *bytes = NULL, with_mark[512];
        size_t length = 0, mark = encodings[i] == TEXT_UTF16LE ? 2 : 0;
        CU_ASSERT_EQUAL_FATAL(text_encode(utf8, strlen(utf8), encodings[i], &bytes, &length, &county.why), STATUS_OK);
        memcpy(with_mark, "\xFF\xFE", mark);
        memcpy(with_mark + mark, bytes, length);
        CU_ASSERT_EQUAL(county_read_bytes(&county, with_mark, length + mark), STATUS_OK);
        CU_ASSERT_EQUAL(county.delivery->encoding, encodings[i]);
        CU_ASSERT_STRING_EQUAL(county_summary(&county), "grain@L 2020-03=1.00");
        free(bytes);
    }
    CU_ASSERT_EQUAL(county_read(&county, "element,unit,period,value\ngrain,\xFF\xFF,2020-03,1\n"), STATUS_REFUSED);
    county_close(&county);
}

static void the_same_cell_twice_counts_once_or_is_a_conflict(void)
{
    static const struct accepted cases[] = {
        {"element,unit,period,value\nsown,L,2020-03,1\nsown,溧阳市,2020-03,1\n", "sown@L 2020-03=1 ="},
        {"element,unit,period,value\nsown,L,2020-03,1\nsown,L,2020-03,2\n", "!conflict_in_file !conflict_in_file"},
        {"element,unit,period,value\nsown,L,2020-03,1\nsown,L,2020-03,1\nsown,L,2020-03,2\n",
         "!conflict_in_file !conflict_in_file !conflict_in_file"},
        {"element,unit,period,value\nsown,L,2020-03,1\nsown,L,2020-03,2\nsown,L,2020-03,1\n",
         "!conflict_in_file !conflict_in_file !conflict_in_file"},
        {"element,unit,period,value,revision\nsown,L,2020-03,1,1\nsown,L,2020-03,2,2\n",
         "sown@L 2020-03=1#1 sown@L 2020-03=2#2"},
        {"element,unit,period,value,revision\nsown,L,2020-03,1,1\nsown,L,2020-03,2,1\n",
         "!conflict_in_file !conflict_in_file"},
        {"element,unit,period,value,status\nsown,L,2020-03,1,\nsown,L,2020-03,1,E\n",
         "!conflict_in_file !conflict_in_file"},
        {"element,unit,period,value\nsown,L,2020-03,1\nsown,L,2020-03,\n", "sown@L 2020-03=1 ."},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void notes_of_a_huge_file_are_counted_not_kept(void)
{
    struct county county;
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    fputs("unit,period,sown\n", file);
    for (int i = 0; i < 1000; i++)
        fputs("合计,,1\n", file);
    fclose(file);
    county_open(&county);
    CU_ASSERT_EQUAL_FATAL(county_read(&county, text), STATUS_OK);
    CU_ASSERT_EQUAL(county.delivery->note_count, FEED_NOTES);
    CU_ASSERT_EQUAL(county.delivery->notes[FEED_NOTES - 1].message, MESSAGE_MORE_NOTES);
    CU_ASSERT_STRING_EQUAL(county.delivery->notes[FEED_NOTES - 1].argument[0], "801");
    free(text);
    county_close(&county);
}

static void names_that_are_no_input_are_passed_over(void)
{
    CU_ASSERT_TRUE(feed_is_input("a.csv"));
    CU_ASSERT_TRUE(feed_is_input("报表.txt"));
    CU_ASSERT_FALSE(feed_is_input("a.csv.refused.csv"));
    CU_ASSERT_FALSE(feed_is_input("a.csv.2.refused.csv"));
    CU_ASSERT_FALSE(feed_is_input("A.CSV.REFUSED.CSV"));
    CU_ASSERT_FALSE(feed_is_input("a.csv.reason.txt"));
    CU_ASSERT_FALSE(feed_is_input(".a.csv"));
    CU_ASSERT_FALSE(feed_is_input("~$a.xlsx"));
    CU_ASSERT_FALSE(feed_is_input("a.csv.part"));
}

static void a_link_in_the_inbox_is_not_followed(void)
{
    struct county county;
    char path[INBOX_PATH];
    county_open(&county);
    county_path(&county, "link.csv", path);
    CU_ASSERT_EQUAL(symlink("/etc/passwd", path), 0);
    CU_ASSERT_EQUAL(feed_read(&county.source, county.catalogue, path, &county.delivery, &county.why), STATUS_AGAIN);
    county_close(&county);
}

static void a_file_still_open_for_writing_is_left_for_later(void)
{
    static const char half[] = "element,unit,period,value\nsown,L,2020-03,12";
    struct county county;
    char path[INBOX_PATH];
    county_open(&county);
    county_path(&county, "f.csv", path);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    fputs(half, file);
    fflush(file);
    CU_ASSERT_EQUAL(feed_read(&county.source, county.catalogue, path, &county.delivery, &county.why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_FILE_BEING_WRITTEN);
    fputs("34\n", file);
    fclose(file);
    CU_ASSERT_EQUAL(feed_read(&county.source, county.catalogue, path, &county.delivery, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(county_summary(&county), "sown@L 2020-03=1234");
    county_close(&county);
}

static void the_same_bytes_are_another_file_in_another_set_period(void)
{
    unsigned char march[32];
    struct county county;
    county_open(&county);
    county.source.period = "2020-03";
    CU_ASSERT_EQUAL(county_read(&county, "unit,sown\nL,0\n"), STATUS_OK);
    memcpy(march, county.delivery->hash, sizeof(march));
    CU_ASSERT_EQUAL(county_read(&county, "unit,sown\nL,0\n"), STATUS_OK);
    CU_ASSERT_EQUAL(memcmp(march, county.delivery->hash, sizeof(march)), 0);
    county.source.period = "2020-04";
    CU_ASSERT_EQUAL(county_read(&county, "unit,sown\nL,0\n"), STATUS_OK);
    CU_ASSERT_NOT_EQUAL(memcmp(march, county.delivery->hash, sizeof(march)), 0);
    /* A table that says its period itself is the same whatever the setting. */
    CU_ASSERT_EQUAL(county_read(&county, "unit,period,sown\nL,2020-01,0\n"), STATUS_OK);
    memcpy(march, county.delivery->hash, sizeof(march));
    county.source.period = NULL;
    CU_ASSERT_EQUAL(county_read(&county, "unit,period,sown\nL,2020-01,0\n"), STATUS_OK);
    CU_ASSERT_EQUAL(memcmp(march, county.delivery->hash, sizeof(march)), 0);
    county_close(&county);
}

static void a_file_of_millions_of_figures_is_refused_before_the_memory_is_full(void)
{
    static const char head[] = "element,unit,period,value\n", row[] = "sown,J,2020-03,\n";
    const size_t rows = LIMIT_FILE_FIGURES + 1, length = strlen(head) + rows * strlen(row);
    char *text = memory_array(length + 1, 1), *at = text + strlen(head);
    struct county county;
    county_open(&county);
    memcpy(text, head, strlen(head));
    for (size_t i = 0; i < rows; i++, at += strlen(row))
        memcpy(at, row, strlen(row));
    CU_ASSERT_EQUAL(county_read_bytes(&county, text, length - strlen(row)), STATUS_OK);
    CU_ASSERT_EQUAL(county_read_bytes(&county, text, length), STATUS_REFUSED);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_TOO_MANY_FIGURES);
    free(text);
    county_close(&county);
}

static void names_of_files_are_shown_in_one_line_whatever_their_bytes_are(void)
{
    static const struct {
        const char *name, *shown;
    } cases[] = {
        {"报表.csv", "报表.csv"},
        {"\xB1\xA8\xB1\xED.csv", "报表.csv"},   /* GB18030 */
        {"a\xFF\xFE" "b.csv", "a??b.csv"},        /* neither */
        {"a\nb\033[2J\177.csv", "a?b?[2J?.csv"}, /* nothing steers a terminal */
        {"\xFF\n.csv", "??.csv"},
    };
    char shown[256];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        feed_display_name(cases[i].name, shown);
        CU_ASSERT_STRING_EQUAL(shown, cases[i].shown);
    }
}

static void a_kind_of_source_that_is_unknown_names_those_that_are_known(void)
{
    struct fault why = {0};
    CU_ASSERT_TRUE(feed_is_known("report", &why));
    CU_ASSERT_EQUAL(why.message, MESSAGE_NONE);
    CU_ASSERT_FALSE(feed_is_known("telex", &why));
    CU_ASSERT_EQUAL(why.message, MESSAGE_UNKNOWN_FEED);
    CU_ASSERT_STRING_EQUAL(why.argument[0], "telex");
    CU_ASSERT_PTR_NOT_NULL(strstr(why.argument[1], "report"));
}

static void a_file_too_large_is_refused_unread_and_what_is_no_file_waits(void)
{
    struct county county;
    char path[INBOX_PATH];
    county_open(&county);
    county_write(&county, "large.csv", "", 0);
    county_path(&county, "large.csv", path);
    CU_ASSERT_EQUAL_FATAL(truncate(path, (off_t)LIMIT_FILE_BYTES + 1), 0); /* a hole: no disk is filled */
    CU_ASSERT_EQUAL(feed_read(&county.source, county.catalogue, path, &county.delivery, &county.why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_TOO_LARGE);
    CU_ASSERT_STRING_EQUAL(county.why.argument[1], "256 MiB");
    CU_ASSERT_EQUAL(remove(path), 0);
    CU_ASSERT_EQUAL(feed_read(&county.source, county.catalogue, path, &county.delivery, &county.why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_CANNOT_READ);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(feed_read(&county.source, county.catalogue, path, &county.delivery, &county.why), STATUS_AGAIN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_CANNOT_READ);
    CU_ASSERT_PTR_NULL(county.delivery);
    county_close(&county);
}

static void a_reason_longer_than_any_text_refuses_its_row_alone(void)
{
    static const char head[] = "element,unit,period,value,reason\nsown,J,2020-03,1,", tail[] = "\nsown,L,2020-03,2,short\n";
    char text[sizeof head + sizeof tail + LIMIT_TEXT_BYTES + 1];
    struct county county;
    county_open(&county);
    for (size_t over = 0; over < 2; over++) {
        const size_t length = LIMIT_TEXT_BYTES + over;
        memcpy(text, head, strlen(head));
        memset(text + strlen(head), 'x', length);
        memcpy(text + strlen(head) + length, tail, sizeof tail);
        CU_ASSERT_EQUAL_FATAL(county_read(&county, text), STATUS_OK);
        CU_ASSERT_STRING_EQUAL(county_summary(&county), over == 0 ? "sown@J 2020-03=1 sown@L 2020-03=2"
                                                                  : "!reason_too_long sown@L 2020-03=2");
    }
    county_close(&county);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_long_table_is_read_in_either_language_and_any_order),
        SENTENCE(a_wide_table_is_read_with_one_element_a_column),
        SENTENCE(the_period_of_the_source_serves_tables_without_one),
        SENTENCE(rows_that_are_wrong_are_refused_with_every_reason),
        SENTENCE(titles_totals_and_signatures_are_skipped_and_said_so),
        SENTENCE(what_stands_below_tables_is_skipped_in_both_layouts),
        SENTENCE(a_second_table_below_the_first_refuses_the_file),
        SENTENCE(nothing_that_could_be_a_figure_is_skipped),
        SENTENCE(a_table_with_two_columns_of_one_name_is_refused_whole),
        SENTENCE(a_table_without_header_is_refused_with_what_it_needs),
        SENTENCE(a_file_of_another_kind_is_refused_by_what_it_is),
        SENTENCE(encodings_are_recognised),
        SENTENCE(the_same_cell_twice_counts_once_or_is_a_conflict),
        SENTENCE(notes_of_a_huge_file_are_counted_not_kept),
        SENTENCE(names_that_are_no_input_are_passed_over),
        SENTENCE(a_link_in_the_inbox_is_not_followed),
        SENTENCE(a_file_still_open_for_writing_is_left_for_later),
        SENTENCE(the_same_bytes_are_another_file_in_another_set_period),
        SENTENCE(a_file_of_millions_of_figures_is_refused_before_the_memory_is_full),
        SENTENCE(names_of_files_are_shown_in_one_line_whatever_their_bytes_are),
        SENTENCE(a_kind_of_source_that_is_unknown_names_those_that_are_known),
        SENTENCE(a_file_too_large_is_refused_unread_and_what_is_no_file_waits),
        SENTENCE(a_reason_longer_than_any_text_refuses_its_row_alone),
    };
    return suite_run("feed", sentences, ARRAY_LEN(sentences));
}
