/* Goals month by month: which months count, every pace, every status, the outlook. */
#include "suite.h"

#include "progress.h"
#include "support.h"

static const struct catalogue_file files[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh\nC,,city,C\nA,C,district,A\nB,C,district,B\n"),
    FILE_TEXT("groups.csv", "group,unit\nboth,A\nboth,B\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\n"
                           "mon,mon,month,district,5\nqua,qua,quarter,district,20\nyea,yea,year,district,60\n"
                           "day,day,day,district,0\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,unit_zh,decimals,aggregate\n"
                              "done,mon,e1,flow,u,0,\ncost,mon,e2,flow,u,2,\nsites,mon,e3,stock,u,0,\n"
                              "checked,mon,e4,flow,u,0,\nright,mon,e5,flow,u,0,\ncum,mon,e6,ytd,u,0,\n"
                              "visits,qua,e7,flow,u,0,\npeople,yea,e8,base,u,0,\ncalls,day,e9,flow,u,0,\n"
                              "most,mon,e10,flow,u,0,max\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                                "done_i,i1,done,,,0,up\ncost_i,i2,cost,,,2,down\nsites_i,i3,sites,,,0,up\n"
                                "rate_i,i4,right,checked,100,1,up\ncum_i,i5,cum,,,0,up\nvisits_i,i6,visits,,,0,up\n"
                                "people_i,i7,people,,,0,up\nper_i,i8,done,people,1000,2,up\ncalls_i,i9,calls,,,0,up\n"
                                "mixed_i,i10,done + visits,,,0,up\nhuge_i,i11,8000000000000000000*done,,,0,up\n"
                                "came_i,i12,reports_received,reports_expected,100,1,up\n"
                                "most_i,i13,most,,,0,up\nmany_i,i14,reports_received,,,0,up\n"),
    FILE_TEXT("goals.csv",
              "goal,indicator,unit,op,value,due,pace,warn_pct,baseline,start\n"
              "linear,done_i,A,>=,120,2020-12-31,,,,\n"
              "based,done_i,A,>=,120,2020-12-31,linear,50,60,\n"
              "atvalue,done_i,A,>=,40,2020-12-31,level,,40,\n"
              "cap,cost_i,A,<=,120,2020-12-31,linear,,,\n"
              "exact,done_i,A,=,30,2020-12-31,linear,,,\n"
              "level,rate_i,A,>=,62,2020-12-31,,,,\n"
              "stock,sites_i,A,>=,100,2020-12-31,,,,\n"
              "atdue,done_i,A,>=,120,2020-06-30,due,,,\n"
              "steps,done_i,A,>=,100,2020-12-31,steps:2020-02=10;2020-06=60,,,\n"
              "quarter,visits_i,A,>=,40,2020-12-31,,,,\n"
              "group,done_i,both,>=,240,2020-12-31,,,,\n"
              "cum,cum_i,A,>=,120,2020-12-31,,,,\n"
              "people,people_i,A,>=,100,2020-12-31,,,,\n"
              "per,per_i,A,>=,10,2020-12-31,,,,\n"
              "part,done_i,A,>=,20,2020-06-15,linear,,,2020-02-10\n"
              "days,calls_i,A,>=,10,2020-12-31,,,,\n"
              "mixed,mixed_i,A,>=,100,2020-12-31,,,,\n"
              "huge,huge_i,A,>=,1,2020-12-31,,,,\n"
              "silent,done_i,B,>=,10,2020-12-31,,,,\n"
              "came,came_i,A,>=,100,2020-12-31,,,,\n"
              "below,sites_i,A,>=,-100,2020-12-31,,,,\n"
              "most,most_i,A,>=,120,2020-12-31,,,,\n"
              "many,many_i,A,>=,12,2020-12-31,,,,\n"),
};

static struct city city;

static void start(const char *rows)
{
    city_open(&city, files, ARRAY_LEN(files));
    if (rows != NULL)
        CU_ASSERT_EQUAL(city_feed(&city, rows), 0);
}

static void show(char *text, size_t capacity, bool present, const mpq_t value)
{
    char number[RATIO_TEXT] = "-";
    if (present)
        ratio_format(value, 2, number);
    snprintf(text, capacity, "%s", number);
}

/* "status m/M actual expected attainment | forecast rate reachable" */
static void expect(const char *goal, const char *on, const char *wanted)
{
    char got[512], text[5][RATIO_TEXT], what[128];
    struct fault why = {0};
    struct progress p;
    int32_t day;
    CU_ASSERT_FATAL(date_parse(on, &day));
    const uint32_t index = catalogue_goal(city.catalogue, goal);
    CU_ASSERT_FATAL(index != NO_INDEX);
    progress_init(&p);
    city_must(progress_judge(city.figures, index, day, true, &p, &why), &why, goal);
    show(text[0], RATIO_TEXT, p.has_actual, p.actual);
    show(text[1], RATIO_TEXT, p.has_expected, p.expected_by_now);
    show(text[2], RATIO_TEXT, p.has_attainment, p.attainment_pct);
    show(text[3], RATIO_TEXT, p.has_forecast, p.forecast);
    show(text[4], RATIO_TEXT, p.has_required_rate, p.required_rate);
    snprintf(got, sizeof got, "%s %u/%u %s %s %s | %s %s %s", goal_status_text(p.status), p.months_counting, p.months,
             text[0], text[1], text[2], text[3], text[4], reachable_text(p.reachable));
    snprintf(what, sizeof what, "goal %s on %s", goal, on);
    city_equal(what, got, wanted);
    progress_clear(&p);
}

#define DONE_10_20_5 "done,A,2020-01,10\ndone,A,2020-02,20\ndone,A,2020-03,5\n"

static void a_month_is_not_judged_before_its_reports_are_due(void)
{
    start(DONE_10_20_5); /* due 5 days after the month: 5 February, 5 March; 5 April is a Sunday, so the 6th */
    expect("linear", "2020-02-04", "not_due 0/12 - 0.00 - | - - ");
    expect("linear", "2020-02-05", "on_pace 1/12 10.00 10.00 8.33 | 120.00 10.00 yes");
    expect("linear", "2020-03-05", "on_pace 2/12 30.00 20.00 25.00 | 180.00 9.00 yes");
    expect("linear", "2020-04-05", "on_pace 2/12 30.00 20.00 25.00 | 180.00 9.00 yes");
    expect("linear", "2020-04-06", "on_pace 3/12 35.00 30.00 29.17 | 140.00 9.44 yes");
    city_close(&city);
}

static void short_of_the_pace_is_at_risk_within_warn_pct_and_lagging_beyond(void)
{
    start("done,A,2020-01,9\ndone,A,2020-02,8\ndone,B,2020-01,30\n");
    expect("linear", "2020-02-05", "at_risk 1/12 9.00 10.00 7.50 | 108.00 10.09 no"); /* 9 + 11 x 9 = 108 */
    expect("linear", "2020-03-05", "lagging 2/12 17.00 20.00 14.17 | 102.00 10.30 no");
    city_close(&city);
}

static void a_baseline_is_where_the_way_begins(void)
{
    start("done,A,2020-01,62\ndone,A,2020-02,1\n"); /* 60 + 60/12 = 65: short by 3, tolerated 50 % of 65 */
    expect("based", "2020-02-05", "at_risk 1/12 62.00 65.00 3.33 | 744.00 5.27 yes");
    expect("atvalue", "2020-02-05", "met 1/12 62.00 40.00 - | 744.00 0.00 yes");
    city_close(&city);
}

static void a_cap_is_judged_from_above(void)
{
    start("cost,A,2020-01,10.50\ncost,A,2020-02,12.50\ncost,A,2020-03,100.00\n");
    expect("cap", "2020-02-05", "met 1/12 10.50 10.00 8.75 | 126.00 9.95 no"); /* 10.5 x 12 = 126 > 120 */
    expect("cap", "2020-04-06", "lagging 3/12 123.00 30.00 102.50 | 492.00 -0.33 no");
    city_close(&city);
}

static void the_best_month_under_a_cap_is_the_cheapest(void)
{
    start("cost,A,2020-01,50\ncost,A,2020-02,1\n");
    expect("cap", "2020-03-05", "met 2/12 51.00 20.00 42.50 | 306.00 6.90 yes"); /* 51 + 10 x 1 */
    city_close(&city);
}

static void what_is_tolerated_is_a_part_of_the_size_of_what_is_expected(void)
{
    start("sites,A,2020-01,-105\nsites,A,2020-02,-111\n");
    expect("below", "2020-02-05", "at_risk 1/12 -105.00 -100.00 105.00 | - 0.45 ");
    expect("below", "2020-03-05", "lagging 2/12 -111.00 -100.00 111.00 | -171.00 1.10 ");
    city_close(&city);
}

static void an_exact_goal_is_met_by_equality_alone(void)
{
    start(DONE_10_20_5);
    expect("exact", "2020-02-05", "on_pace 1/12 10.00 2.50 33.33 | 120.00 1.82 yes");
    expect("exact", "2020-03-05", "met 2/12 30.00 5.00 100.00 | 180.00 0.00 yes");
    expect("exact", "2020-04-06", "on_pace 3/12 35.00 7.50 116.67 | 140.00 0.00 yes");
    expect("exact", "2021-01-05", "missed 12/12 35.00 30.00 116.67 | 35.00 - no");
    city_close(&city);
}

static void a_ratio_is_expected_at_its_value_all_the_time(void)
{
    start("right,A,2020-01,50\nchecked,A,2020-01,100\nright,A,2020-02,70\nchecked,A,2020-02,100\n"
          "right,A,2020-03,90\nchecked,A,2020-03,100\n");
    expect("level", "2020-02-05", "lagging 1/12 50.00 62.00 80.65 | - 1.09 ");
    expect("level", "2020-03-05", "at_risk 2/12 60.00 62.00 96.77 | 160.00 0.20 ");
    expect("level", "2020-04-06", "met 3/12 70.00 62.00 112.90 | 160.00 0.00 ");
    city_close(&city);
}

static void comparisons_see_what_rounding_hides(void)
{
    start("right,A,2020-01,61999\nchecked,A,2020-01,100000\n"); /* 61.999 prints as 62.0 and is not 62 */
    expect("level", "2020-02-05", "at_risk 1/12 62.00 62.00 100.00 | - 0.00 ");
    city_close(&city);
}

static void a_stock_is_expected_at_its_value_and_its_first_month_is_no_change(void)
{
    start("sites,A,2020-01,90\nsites,A,2020-02,92\nsites,A,2020-04,95\n");
    expect("stock", "2020-02-05", "at_risk 1/12 90.00 100.00 90.00 | - 0.91 ");
    expect("stock", "2020-03-05", "at_risk 2/12 92.00 100.00 92.00 | 112.00 0.80 ");
    /* within the span the record of February is still the last one in March: changes 2, 0, 3 */
    expect("stock", "2020-05-05", "at_risk 4/12 95.00 100.00 95.00 | 108.33 0.63 ");
    CU_ASSERT_EQUAL(city_feed(&city, "sites,A,2020-03,98\nsites,A,2020-05,96\nsites,A,2020-06,97\n"), 0);
    /* changes 2, 6, -3, 1, 1: the last three give -1/3 */
    expect("stock", "2020-07-06", "at_risk 6/12 97.00 100.00 97.00 | 95.00 0.50 ");
    city_close(&city);
}

static void a_goal_paced_at_its_due_date_expects_nothing_before(void)
{
    start(DONE_10_20_5);
    expect("atdue", "2020-04-06", "not_due 3/6 35.00 - 29.17 | 70.00 28.33 no");
    expect("atdue", "2020-07-06", "missed 6/6 35.00 120.00 29.17 | 35.00 - no"); /* 5 July is a Sunday */
    city_close(&city);
}

static void steps_expect_their_percent_once_their_month_counts(void)
{
    start(DONE_10_20_5);
    expect("steps", "2020-02-05", "on_pace 1/12 10.00 0.00 10.00 | 120.00 8.18 yes");
    expect("steps", "2020-03-05", "on_pace 2/12 30.00 10.00 30.00 | 180.00 7.00 yes");
    expect("steps", "2020-07-05", "on_pace 5/12 35.00 10.00 35.00 | 46.67 9.29 yes");
    expect("steps", "2020-07-06", "lagging 6/12 35.00 60.00 35.00 | 35.00 10.83 yes");
    city_close(&city);
}

static void a_quarterly_form_makes_three_months_wait_for_its_due_date(void)
{
    start("visits,A,2020-Q1,12\nvisits,A,2020-Q2,6\ndone,A,2020-01,10\n"); /* 31 March + 20 = 20 April, a Monday */
    expect("quarter", "2020-04-19", "not_due 0/12 - 0.00 - | - - ");
    expect("quarter", "2020-04-20", "on_pace 3/12 12.00 10.00 30.00 | - 3.11 "); /* no figure in two months */
    expect("quarter", "2020-07-20", "at_risk 6/12 18.00 20.00 45.00 | 30.00 3.67 yes"); /* 0, 0 and 6: mean 2 */
    expect("mixed", "2020-04-19", "not_due 0/12 - 0.00 - | - - "); /* waits for the slower of its two forms */
    city_close(&city);
}

static void base_figures_make_no_month_wait_unless_there_is_nothing_else(void)
{
    start("people,A,2020,2000\ndone,A,2020-01,30\n"); /* the yearly form is due on 1 March 2021 */
    expect("per", "2020-02-05", "met 1/12 15.00 10.00 150.00 | - 0.00 ");
    expect("people", "2021-02-28", "not_due 0/12 - 100.00 - | - - ");
    expect("people", "2021-03-01", "met 12/12 2000.00 100.00 2000.00 | 2000.00 - ");
    city_close(&city);
}

static void report_counters_wait_for_every_form_but_those_of_base_figures_alone(void)
{
    start("done,A,2020-01,30\n");
    expect("came", "2020-04-19", "not_due 0/12 - 100.00 - | - - "); /* the quarterly form; the yearly one is set aside */
    expect("came", "2020-04-20", "lagging 3/12 0.00 100.00 0.00 | 0.00 11.11 ");
    city_close(&city);
}

static void counters_of_reports_without_denominator_start_at_nothing(void)
{
    start("visits,A,2020-Q1,12\nvisits,A,2020-Q2,12\n");
    expect("many", "2020-04-20", "lagging 3/12 1.00 3.00 8.33 | 4.00 1.22 no"); /* 0, 0 and 1 */
    city_close(&city);
}

static void the_highest_so_far_does_not_start_at_nothing(void)
{
    start("most,A,2020-01,30\nmost,A,2020-02,36\nmost,A,2020-03,33\n"); /* A: 30, 36, 36; expected by the pace of flows */
    expect("most", "2020-02-05", "on_pace 1/12 30.00 10.00 25.00 | - 8.18 ");
    expect("most", "2020-03-05", "on_pace 2/12 36.00 20.00 30.00 | 96.00 8.40 "); /* 36 + 10 x 6 */
    expect("most", "2020-04-06", "on_pace 3/12 36.00 30.00 30.00 | 63.00 9.33 "); /* 36 + 9 x 3 */
    city_close(&city);
}

static void a_group_is_judged_on_its_units_together(void)
{
    start(DONE_10_20_5 "done,B,2020-01,30\n");
    expect("group", "2020-02-05", "on_pace 1/12 40.00 20.00 16.67 | 480.00 18.18 yes");
    city_close(&city);
}

static void a_year_to_date_element_adds_up_like_a_flow(void)
{
    start("cum,A,2020-01,10\ncum,A,2020-02,30\ncum,A,2020-03,35\n");
    expect("cum", "2020-04-06", "on_pace 3/12 35.00 30.00 29.17 | 140.00 9.44 yes");
    city_close(&city);
}

static void a_goal_may_start_and_end_within_a_month(void)
{
    start("done,A,2020-02,100\ndone,A,2020-03,4\ndone,A,2020-04,4\ndone,A,2020-05,4\ndone,A,2020-06,100\n");
    /* 10 February to 15 June: five months touched. February does not lie whole after the start; June is judged to its end */
    expect("part", "2020-03-05", "no_data 1/5 - 4.00 - | - - ");
    expect("part", "2020-04-06", "lagging 2/5 4.00 8.00 20.00 | - 5.33 ");
    expect("part", "2020-05-06", "lagging 3/5 8.00 12.00 40.00 | 16.00 6.00 no");
    expect("part", "2020-07-06", "met 5/5 112.00 20.00 560.00 | 112.00 - yes");
    city_close(&city);
}

static void days_count_when_the_last_of_them_is_due(void)
{
    start("calls,A,2020-01-31,10\n");
    expect("days", "2020-01-30", "not_due 0/12 - 0.00 - | - - ");
    expect("days", "2020-01-31", "met 1/12 10.00 0.83 100.00 | 120.00 0.00 yes");
    city_close(&city);
}

static void what_overflows_or_is_missing_has_no_data(void)
{
    start("done,A,2020-01,2\n");
    expect("huge", "2020-02-05", "no_data 1/12 - 0.08 - | - - ");
    expect("silent", "2020-02-05", "no_data 1/12 - 0.83 - | - - ");
    city_close(&city);
}

static void a_late_month_is_a_change_of_nothing_and_missing_data_is_no_change(void)
{
    start("done,A,2020-02,20\ndone,A,2020-04,6\n"); /* A(1) is missing: no change for January or February */
    expect("linear", "2020-03-05", "on_pace 2/12 20.00 20.00 16.67 | - 10.00 ");
    expect("linear", "2020-05-06", "lagging 4/12 26.00 40.00 21.67 | 50.00 11.75 no"); /* changes of March 0, April 6 */
    city_close(&city);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_month_is_not_judged_before_its_reports_are_due),
        SENTENCE(short_of_the_pace_is_at_risk_within_warn_pct_and_lagging_beyond),
        SENTENCE(a_baseline_is_where_the_way_begins),
        SENTENCE(a_cap_is_judged_from_above),
        SENTENCE(the_best_month_under_a_cap_is_the_cheapest),
        SENTENCE(what_is_tolerated_is_a_part_of_the_size_of_what_is_expected),
        SENTENCE(an_exact_goal_is_met_by_equality_alone),
        SENTENCE(a_ratio_is_expected_at_its_value_all_the_time),
        SENTENCE(comparisons_see_what_rounding_hides),
        SENTENCE(a_stock_is_expected_at_its_value_and_its_first_month_is_no_change),
        SENTENCE(a_goal_paced_at_its_due_date_expects_nothing_before),
        SENTENCE(steps_expect_their_percent_once_their_month_counts),
        SENTENCE(a_quarterly_form_makes_three_months_wait_for_its_due_date),
        SENTENCE(base_figures_make_no_month_wait_unless_there_is_nothing_else),
        SENTENCE(report_counters_wait_for_every_form_but_those_of_base_figures_alone),
        SENTENCE(counters_of_reports_without_denominator_start_at_nothing),
        SENTENCE(the_highest_so_far_does_not_start_at_nothing),
        SENTENCE(a_group_is_judged_on_its_units_together),
        SENTENCE(a_year_to_date_element_adds_up_like_a_flow),
        SENTENCE(a_goal_may_start_and_end_within_a_month),
        SENTENCE(days_count_when_the_last_of_them_is_due),
        SENTENCE(what_overflows_or_is_missing_has_no_data),
        SENTENCE(a_late_month_is_a_change_of_nothing_and_missing_data_is_no_change),
    };
    return suite_run("progress", sentences, ARRAY_LEN(sentences));
}
