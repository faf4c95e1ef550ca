/* Figures: what the tiny city and the model do not reach - wide levels with gaps, 64-bit edges, formulas, weights. */
#include "suite.h"

#include "support.h"
#include "weights.h"

#define VILLAGES 9000u

static const struct catalogue_file small[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh\nC,,city,C\nA,C,district,A\nB,C,district,B\nD,C,district,D\n"),
    FILE_TEXT("groups.csv", "group,unit\nAB,A\nAB,B\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nmon,mon,month,district,5\nyea,yea,year,district,5\n"
                           "qua,qua,quarter,district,5\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\n"
                              "sum,mon,e1,flow,sum,u,0\nmost,mon,e2,flow,max,u,0\nfine,mon,e3,flow,sum,u,9\n"
                              "cum,mon,e4,ytd,max,u,0\npeople,yea,e5,base,sum,u,0\nbeds,qua,e6,stock,sum,u,0\n"
                              "done,mon,e7,flow,sum,u,0\n"),
    FILE_TEXT("indicators.csv",
              "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
              "rate,i1,done,people,10000,1,up\nratio,i2,sum,most,,2,up\nthird,i3,sum,most,0.1,9,up\n"
              "twice,i4,sum - 2*sum + prev(sum),,,0,up\nunits,i5,expected_units - sum,,,0,up\n"
              "bed_share,i6,beds,expected_units,,1,up\nedge,i7,9223372036854775807*sum,,,0,up\n"
              "bigden,i8,done,sum,,0,up\nminus,i9,sum,most,-1,0,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due,claim\n"
                           "whole,rate,C,>=,11.5,2020-12-31,table\n"
                           "partA,rate,A,>=,3.5,2020-12-31,table\npartB,rate,B,>=,12,2020-12-31,table\n"
                           "partD,rate,D,>=,12,2020-12-31,table\n"),
};

static struct city city;

static void start(void)
{
    city_open(&city, small, ARRAY_LEN(small));
}

static void a_sum_at_the_edge_of_64_bits_is_a_figure_and_one_more_is_an_overflow(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "sum,A,2020-01,9223372036854775806\nsum,B,2020-01,1\n"
                                     "sum,A,2020-02,-9223372036854775807\nsum,B,2020-02,-1\n"), 0);
    city_expect(&city, "sum", "C", "2020-01", "9223372036854775807 2/3 partial");
    city_expect(&city, "sum", "C", "2020-02", "-9223372036854775808 2/3 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "sum,D,2020-01,1\nsum,D,2020-02,-1\n"), 0);
    city_expect(&city, "sum", "C", "2020-01", "! 3/3 overflow");
    city_expect(&city, "sum", "C", "2020-02", "! 3/3 overflow");
    city_expect(&city, "sum", "C", "2020-01..2020-02", "-1 6/6 complete"); /* what is between does not matter */
    city_close(&city);
}

static void nine_decimals_overflow_by_their_scale(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "fine,A,2020-01,9223372036.854775807\nfine,B,2020-01,0.000000001\n"), 0);
    city_expect(&city, "fine", "A", "2020-01", "9223372036.854775807 1/1 complete");
    city_expect(&city, "fine", "C", "2020-01", "! 2/3 overflow");
    city_close(&city);
}

static void the_greatest_difference_of_year_to_date_figures_may_overflow(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "cum,A,2020-01,-9223372036854775808\ncum,A,2020-02,9223372036854775807\n"
                                     "cum,B,2020-01,1\ncum,B,2020-02,3\n"), 0);
    city_expect(&city, "cum", "A", "2020-02", "! 1/1 overflow");
    city_expect(&city, "cum", "B", "2020-02", "2 1/1 complete");
    city_expect(&city, "cum", "C", "2020-02", "! 2/3 overflow");
    city_close(&city);
}

static void a_ratio_divides_combined_figures_and_rounds_half_away_from_zero(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "sum,A,2020-01,1\nmost,A,2020-01,8\nsum,B,2020-01,-2\nmost,B,2020-01,3\n"), 0);
    city_expect(&city, "ratio", "A", "2020-01", "0.13=1/8 2/2 complete"); /* 0.125 */
    city_expect(&city, "ratio", "C", "2020-01", "-0.13=-1/8 4/6 partial"); /* max(8, 3), not a sum */
    city_expect(&city, "ratio", "B", "2020-01", "-0.67=-2/3 2/2 complete");
    city_expect(&city, "third", "B", "2020-01", "-0.066666667=-2/3 2/2 complete");
    city_expect(&city, "minus", "B", "2020-01", "1=-2/3 2/2 complete");
    city_close(&city);
}

static void a_formula_names_an_element_often_and_counts_it_once(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "sum,A,2020-01,7\nsum,A,2020-02,5\n"), 0);
    city_expect(&city, "twice", "A", "2020-02", "2 1/1 complete"); /* 5 - 10 + 7 */
    city_expect(&city, "twice", "A", "2020-01", "- 1/1 missing");  /* December is not there */
    city_close(&city);
}

static void expected_units_is_who_owes_at_or_below(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "sum,A,2020-01,1\nbeds,A,2020-Q1,10\n"), 0);
    city_expect(&city, "units", "C", "2020-01", "2 1/3 partial");
    city_expect(&city, "units", "AB", "2020-01", "1 1/2 partial");
    city_expect(&city, "units", "A", "2020-01", "0 1/1 complete");
    city_expect(&city, "bed_share", "C", "2020-S1", "3.3=10/3 1/3 partial");
    city_expect(&city, "bed_share", "C", "2020-02", "-=-/3 0/0 missing"); /* no quarter lies in February */
    city_close(&city);
}

static void an_overflow_passes_through_a_formula(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "sum,A,2020-01,2\ndone,A,2020-01,1\nsum,A,2020-02,9223372036854775807\n"
                                     "sum,B,2020-02,1\n"), 0);
    city_expect(&city, "edge", "A", "2020-01", "! 1/1 overflow");
    city_expect(&city, "bigden", "C", "2020-02", "!=-/! 2/6 overflow"); /* beats the missing numerator */
    city_close(&city);
}

static void a_zero_denominator_gives_no_value(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "sum,A,2020-01,0\ndone,A,2020-01,1\n"), 0);
    city_expect(&city, "bigden", "A", "2020-01", "-=1/0 2/2 missing");
    city_expect(&city, "bigden", "B", "2020-01", "-=-/- 0/2 missing");
    city_close(&city);
}

/* ---- weights ------------------------------------------------------------------------------------------------------------------ */

static size_t weigh(char *ret_text, size_t capacity)
{
    struct fault why = {0};
    struct findings findings = {0};
    size_t count;
    city_must(weights_check(city.figures, &findings, &why), &why, "weights_check");
    count = findings.count;
    ret_text[0] = '\0';
    if (count > 0)
        snprintf(ret_text, capacity, "%s %s %s %s %s %lld", findings.items[0].subject,
                 message_code(findings.items[0].fault.message), findings.items[0].fault.argument[0],
                 findings.items[0].fault.argument[1], findings.items[0].fault.argument[2],
                 (long long)findings.items[0].fault.row);
    findings_free(&findings);
    return count;
}

static void goals_are_weighed_by_the_denominators_in_force(void)
{
    char text[1024];
    start();
    CU_ASSERT_EQUAL(weigh(text, sizeof text), 0); /* no weights yet */
    CU_ASSERT_EQUAL(city_feed(&city, "people,A,2019,1000\npeople,B,2019,3000\n"), 0);
    CU_ASSERT_EQUAL(weigh(text, sizeof text), 0); /* one is missing */
    CU_ASSERT_EQUAL(city_feed(&city, "people,D,2018,4000\n"), 0);
    /* (3.5 x 1000 + 12 x 3000 + 12 x 4000) / 8000 = 10.9375 */
    CU_ASSERT_EQUAL(weigh(text, sizeof text), 1);
    city_equal("finding", text, "whole goal_above_weighted_parts 11.5 10.9 3 2");
    CU_ASSERT_EQUAL(city_feed(&city, "people,D,2020,13000\n"), 0); /* (3500 + 36000 + 156000) / 17000 = 11.5 exactly */
    CU_ASSERT_EQUAL(weigh(text, sizeof text), 0);
    CU_ASSERT_EQUAL(city_feed(&city, "people,D,2020,12999\n"), 0); /* 11.49997...: as many decimals as tell it from 11.5 */
    CU_ASSERT_EQUAL(weigh(text, sizeof text), 1);
    city_equal("finding", text, "whole goal_above_weighted_parts 11.5 11.49997 3 2");
    city_close(&city);
}

/* ---- many villages -------------------------------------------------------------------------------------------------------------- */

static struct catalogue_file wide[7];
static char *wide_units;

static void open_wide(void)
{
    static const struct catalogue_file rest[] = {
        PACKAGE_TEXT,
        FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nmon,mon,month,village,5\n"),
        FILE_TEXT("elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\nstock,mon,e1,stock,sum,u,0\n"
                                  "flow,mon,e2,flow,sum,u,0\nytd,mon,e3,ytd,sum,u,0\nbase,mon,e4,base,max,u,0\n"),
        FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,decimals,better\nflow_i,i1,flow,0,up\n"),
        FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\n"),
    };
    size_t used = 0, capacity = 64 + VILLAGES * 40;
    wide_units = memory_array(capacity, 1);
    used += (size_t)snprintf(wide_units, capacity, "code,parent,level,name_zh\nC,,city,C\n");
    for (unsigned d = 0; d < 3; d++) {
        used += (size_t)snprintf(wide_units + used, capacity - used, "d%u,C,district,d%u\n", d, d);
        for (unsigned v = d * VILLAGES / 3; v < (d + 1) * VILLAGES / 3; v++)
            used += (size_t)snprintf(wide_units + used, capacity - used, "v%u,d%u,village,v%u\n", v, d, v);
    }
    CU_ASSERT_FATAL(used < capacity);
    for (size_t i = 0; i < ARRAY_LEN(rest); i++)
        wide[i] = rest[i];
    wide[ARRAY_LEN(rest)] = (struct catalogue_file){"units.csv", wide_units, used};
    city_open(&city, wide, ARRAY_LEN(rest) + 1);
}

static void close_wide(void)
{
    city_close(&city);
    free(wide_units);
}

/* Every village v with v % step != skip reports value + v. */
static void feed_all(const char *element, const char *period, int64_t value, unsigned step, unsigned skip)
{
    static char text[LIMIT_BATCH_RECORDS * 48];
    for (unsigned v = 0; v < VILLAGES;) {
        size_t used = 0;
        for (unsigned n = 0; n < 3000 && v < VILLAGES; v++)
            if (v % step != skip) {
                used += (size_t)snprintf(text + used, sizeof text - used, "%s,v%u,%s,%lld\n", element, v, period,
                                         (long long)(value + v));
                n++;
            }
        CU_ASSERT_EQUAL(city_feed(&city, text), 0);
    }
}

static void gaps_in_a_wide_level_are_filled_from_further_back(void)
{
    open_wide();
    feed_all("stock", "2020-01", 1000000, VILLAGES + 1, VILLAGES); /* all */
    feed_all("stock", "2020-02", 2000000, 3000, 1);                /* all but v1, v3001, v6001 */
    CU_ASSERT_EQUAL(city_feed(&city, "stock,v8999,2020-02,,,M\nstock,v0,2020-03,5\n"), 0);
    /* 0 + 1 + ... + 8999 = 40495500, the three silent ones are 9003 of it. February: 8997 x 2000000 + 40495500 - 9003 less
     * 2008999 of v8999. The quarter: v0 takes March (-2000000 + 5), the three take January (3 x 1000000 + 9003). */
    city_expect(&city, "stock", "C", "2020-02", "18032477498 8997/9000 partial");
    city_expect(&city, "stock", "C", "2020-Q1", "18033486506 9000/9000 complete");
    city_expect(&city, "stock", "v3001", "2020-Q1", "1003001 1/1 complete");
    city_expect(&city, "stock", "C", "2020-03", "5 1/9000 partial");
    close_wide();
}

static void flows_ytd_and_base_agree_on_a_wide_level(void)
{
    open_wide();
    feed_all("flow", "2020-01", 0, VILLAGES + 1, VILLAGES);
    feed_all("ytd", "2020-01", 0, VILLAGES + 1, VILLAGES);
    feed_all("ytd", "2020-02", 10, 4500, 7); /* all but v7 and v4507 */
    feed_all("base", "2020-01", 0, 2, 1);    /* even ones */
    city_expect(&city, "flow", "C", "2020", "40495500 9000/108000 partial");
    city_expect(&city, "flow", "d1", "2020-01", "13498500 3000/3000 complete");
    city_expect(&city, "ytd", "C", "2020-02", "89980 8998/9000 partial"); /* each adds 10 */
    city_expect(&city, "ytd", "C", "2020-Q1", "40585480 17998/27000 partial");
    city_expect(&city, "base", "C", "2021-06-30", "8998 4500/9000 partial");
    close_wide();
}

/* ---- base and time -------------------------------------------------------------------------------------------------- */

static const struct catalogue_file closing[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh,opened,closed\nC,,city,C,,\nA,C,town,A,,\n"
                           "old,C,town,old,,2020-06-30\nnew,C,town,new,2020-07-01,\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nyea,yea,year,town,5\nsome,some,year,town,5\n"),
    FILE_TEXT("form_units.csv", "form,unit\nsome,old\nsome,A\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\n"
                              "people,yea,e1,base,sum,u,0\nroads,some,e2,base,sum,u,0\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\n"),
};

static void what_was_in_force_ends_with_its_unit(void)
{
    city_open(&city, closing, ARRAY_LEN(closing));
    CU_ASSERT_EQUAL(city_feed(&city, "people,A,2019,1000\npeople,old,2019,30\npeople,old,2020,40\npeople,new,2020,7\n"
                                     "roads,old,2019,5\nroads,new,2020,3\n"), 0);
    city_expect(&city, "people", "C", "2019", "1030 2/2 complete");
    city_expect(&city, "people", "C", "2020-06", "1040 2/2 complete"); /* open on the last day */
    city_expect(&city, "people", "C", "2020-07-01", "1007 2/2 complete");
    city_expect(&city, "people", "C", "2020", "1007 2/2 complete");
    city_expect(&city, "people", "old", "2020", "- 0/0 missing");
    city_expect(&city, "roads", "C", "2020-S1", "5 1/2 partial");
    city_expect(&city, "roads", "C", "2021", "3 0/1 partial"); /* new does not owe the form and has told all the same */
    city_close(&city);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_sum_at_the_edge_of_64_bits_is_a_figure_and_one_more_is_an_overflow),
        SENTENCE(nine_decimals_overflow_by_their_scale),
        SENTENCE(the_greatest_difference_of_year_to_date_figures_may_overflow),
        SENTENCE(a_ratio_divides_combined_figures_and_rounds_half_away_from_zero),
        SENTENCE(a_formula_names_an_element_often_and_counts_it_once),
        SENTENCE(expected_units_is_who_owes_at_or_below),
        SENTENCE(an_overflow_passes_through_a_formula),
        SENTENCE(a_zero_denominator_gives_no_value),
        SENTENCE(goals_are_weighed_by_the_denominators_in_force),
        SENTENCE(gaps_in_a_wide_level_are_filled_from_further_back),
        SENTENCE(flows_ytd_and_base_agree_on_a_wide_level),
        SENTENCE(what_was_in_force_ends_with_its_unit),
    };
    return suite_run("figures", sentences, ARRAY_LEN(sentences));
}
