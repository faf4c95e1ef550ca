/* Reports: due dates, completeness, rules, jumps, and the counters over them. */
#include "suite.h"

#include "reports.h"
#include "support.h"

#define DAY_MS 86400000

static const struct catalogue_file files[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh\nC,,city,C\nA,C,district,A\nB,C,district,B\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\n"
                           "mon,mon,month,district,5\nqua,qua,quarter,district,20\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,unit_zh,decimals,jump_pct,required\n"
                              "total,mon,e1,flow,u,0,50,yes\nmen,mon,e2,flow,u,0,,yes\nwomen,mon,e3,flow,u,0,,no\n"
                              "cum,mon,e4,ytd,u,0,100,no\nserved,mon,e6,ytd,u,0,,no\nvisits,qua,e5,flow,u,1,,\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                                "on_time,i1,reports_on_time,reports_expected,100,1,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\n"),
    FILE_TEXT("rules.csv", "rule,form,check,severity,missing,message_zh\n"
                           "adds,mon,total = men + women,hard,skip_any,r1\n"
                           "some,mon,men >= 1,soft,,r2\n"
                           "grows,mon,total >= prev(total),soft,,r3\n"
                           "never_falls,mon,served >= prev(served),hard,,r4\n"),
    FILE_TEXT("holidays.csv", "date,kind,name\n2020-02-05,holiday,x\n2020-02-08,workday,y\n2020-02-06,holiday,z\n"
                              "2020-02-07,holiday,z\n"),
};

static struct city city;

static void start(void)
{
    city_open(&city, files, ARRAY_LEN(files));
}

static void expect(const char *unit, const char *period_text, const char *on, const char *wanted)
{
    char got[160], what[128], due[DATE_TEXT], received[TIME_TEXT] = "never";
    struct fault why = {0};
    struct report report;
    struct period period;
    int32_t day;
    city_must(period_parse(period_text, &period, &why), &why, period_text);
    CU_ASSERT_FATAL(date_parse(on, &day));
    city_must(reports_one(city.figures, catalogue_form(city.catalogue, "mon"), catalogue_unit(city.catalogue, unit),
                          period, day, &report, &why), &why, "reports_one");
    date_format(report.due, due);
    if (report.received_at > 0)
        calendar_format_time(report.received_at, received);
    received[10 < strlen(received) ? 10 : strlen(received)] = '\0';
    snprintf(got, sizeof got, "%s %s %s %u/%u %u %u", due, received, report_state_text(report.state), report.filled,
             report.required, report.hard_errors, report.soft_flags);
    snprintf(what, sizeof what, "report of %s for %s on %s", unit, period_text, on);
    city_equal(what, got, wanted);
}

static void expect_counts(const char *form, const char *unit, const char *period_text, const char *wanted)
{
    char got[96];
    struct fault why = {0};
    struct report_counts counts;
    struct period period;
    uint32_t own;
    const struct scope scope = city_scope(&city, unit, &own);
    city_must(period_parse(period_text, &period, &why), &why, period_text);
    city_must(reports_count(city.figures, form == NULL ? NO_INDEX : catalogue_form(city.catalogue, form), scope, period,
                            &counts, &why), &why, "reports_count");
    snprintf(got, sizeof got, "%llu %llu %llu %llu", (unsigned long long)counts.expected,
             (unsigned long long)counts.received, (unsigned long long)counts.on_time,
             (unsigned long long)counts.clean);
    city_equal(period_text, got, wanted);
}

static void a_due_date_moves_on_to_the_next_working_day(void)
{
    start(); /* 5, 6 and 7 February 2020 are holidays, Saturday the 8th is worked */
    expect("A", "2020-01", "2020-02-08", "2020-02-08 never awaited 0/2 0 0");
    expect("A", "2020-01", "2020-02-09", "2020-02-08 never missing 0/2 0 0");
    city_close(&city);
}

static void a_report_is_complete_when_its_required_elements_are_there(void)
{
    start(); /* now is 1 January 2020 */
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,10\n"), 0);
    expect("A", "2020-01", "2020-02-01", "2020-02-08 never awaited 1/2 0 0");
    city.now_ms += 40ll * DAY_MS; /* 10 February: late */
    CU_ASSERT_EQUAL(city_feed(&city, "men,A,2020-01,,,M\n"), 0);
    expect("A", "2020-01", "2020-02-20", "2020-02-08 2020-02-10 late 2/2 0 0");
    city_close(&city);
}

static void the_moment_of_completion_is_the_first_one(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,10\nmen,A,2020-01,4\nwomen,A,2020-01,6\n"), 0);
    expect("A", "2020-01", "2020-02-20", "2020-02-08 2020-01-01 on_time 2/2 0 0");
    city.now_ms += 60ll * DAY_MS;
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,11\nmen,A,2020-01,5\n"), 0);
    expect("A", "2020-01", "2020-03-20", "2020-02-08 2020-01-01 on_time 2/2 0 0");
    CU_ASSERT_EQUAL(city_feed(&city, "men,A,2020-01,,,X\n"), 0);
    expect("A", "2020-01", "2020-03-20", "2020-02-08 2020-01-01 missing 1/2 0 0");
    city_close(&city);
}

static void the_last_moment_of_the_due_day_is_in_time_and_the_next_is_not(void)
{
    start();
    city.now_ms += 39ll * DAY_MS - 1; /* 8 February 23:59:59.999 in Shanghai */
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,10\nmen,A,2020-01,10\n"), 0);
    expect("A", "2020-01", "2020-03-01", "2020-02-08 2020-02-08 on_time 2/2 0 0");
    city.now_ms = 1577808000000 + 39ll * DAY_MS;
    CU_ASSERT_EQUAL(city_feed(&city, "total,B,2020-01,10\nmen,B,2020-01,10\n"), 0);
    expect("B", "2020-01", "2020-03-01", "2020-02-08 2020-02-09 late 2/2 0 0");
    expect_counts(NULL, "C", "2020-01", "2 2 1 2");
    city_close(&city);
}

static void a_broken_hard_rule_makes_a_report_incomplete(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,10\nmen,A,2020-01,4\nwomen,A,2020-01,7\n"), 0);
    expect("A", "2020-01", "2020-02-20", "2020-02-08 never missing 2/2 1 0");
    CU_ASSERT_EQUAL(city_feed(&city, "women,A,2020-01,6\n"), 0);
    expect("A", "2020-01", "2020-02-20", "2020-02-08 2020-01-01 on_time 2/2 0 0");
    city_close(&city);
}

static void a_rule_with_a_missing_figure_is_skipped(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,10\nmen,A,2020-01,4\n"), 0); /* women: nothing to add up */
    expect("A", "2020-01", "2020-02-20", "2020-02-08 2020-01-01 on_time 2/2 0 0");
    city_close(&city);
}

static void soft_flags_count_rules_and_jumps_without_a_reason(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,100\nmen,A,2020-01,50\n"
                                     "total,A,2020-02,49\nmen,A,2020-02,0\n"      /* r2, r3 and a jump of 51 % */
                                     "total,A,2020-03,24,,,搬迁\nmen,A,2020-03,0\n" /* r3 and the jump are explained */
                                     "total,A,2020-04,36\nmen,A,2020-04,1\n"), 0); /* exactly 50 % is no jump */
    expect("A", "2020-02", "2020-04-20", "2020-03-05 2020-01-01 on_time 2/2 0 3");
    expect("A", "2020-03", "2020-04-20", "2020-04-06 2020-01-01 on_time 2/2 0 1");
    expect("A", "2020-04", "2020-05-20", "2020-05-05 2020-01-01 on_time 2/2 0 0");
    expect_counts("mon", "A", "2020-01..2020-04", "4 4 4 2");
    city_close(&city);
}

static void a_year_to_date_figure_jumps_by_what_each_month_adds(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "cum,A,2019-11,100\ncum,A,2019-12,110\ncum,A,2020-01,12\ncum,A,2020-02,30\n"
                                     "cum,A,2020-03,70\n"), 0);
    expect("A", "2020-01", "2020-02-01", "2020-02-08 never awaited 0/2 0 0"); /* 10 -> 12 */
    expect("A", "2020-02", "2020-02-01", "2020-03-05 never awaited 0/2 0 0"); /* 12 -> 18 */
    expect("A", "2020-03", "2020-02-01", "2020-04-06 never awaited 0/2 0 1"); /* 18 -> 40: more than 100 % */
    city_close(&city);
}

static void a_rule_sees_a_year_to_date_figure_as_it_was_reported(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-03,1\nmen,A,2020-03,1\nserved,A,2020-03,300\n"
                                     "total,A,2020-04,1\nmen,A,2020-04,1\nserved,A,2020-04,310\n"
                                     "total,A,2020-05,1\nmen,A,2020-05,1\nserved,A,2020-05,309\n"), 0);
    expect("A", "2020-04", "2020-06-20", "2020-05-05 2020-01-01 on_time 2/2 0 0"); /* April added less than March */
    expect("A", "2020-05", "2020-06-20", "2020-06-05 never missing 2/2 1 0");      /* May took something away */
    city_close(&city);
}

static void a_jump_from_zero_has_no_percentage(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,0\ntotal,A,2020-02,900\n"), 0);
    expect("A", "2020-02", "2020-02-01", "2020-03-05 never awaited 1/2 0 0");
    city_close(&city);
}

static void counters_take_the_form_periods_wholly_inside(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "total,A,2020-01,1\nmen,A,2020-01,1\nvisits,A,2020-Q1,1.5\nvisits,B,2020-Q1,2\n"), 0);
    expect_counts(NULL, "C", "2020-Q1", "8 3 3 3"); /* 2 x 3 monthly, 2 quarterly */
    expect_counts("qua", "C", "2020-Q1", "2 2 2 2");
    expect_counts("mon", "B", "2020-Q1", "3 0 0 0");
    expect_counts(NULL, "A", "2020-01", "1 1 1 1");
    expect_counts(NULL, "A", "2020-01-02..2020-01-31", "0 0 0 0");
    city_expect(&city, "on_time", "C", "2020-Q1", "37.5=3/8 0/0 complete");
    city_expect(&city, "on_time", "C", "2020-01-02", "-=0/0 0/0 missing");
    city_close(&city);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_due_date_moves_on_to_the_next_working_day),
        SENTENCE(a_report_is_complete_when_its_required_elements_are_there),
        SENTENCE(the_moment_of_completion_is_the_first_one),
        SENTENCE(the_last_moment_of_the_due_day_is_in_time_and_the_next_is_not),
        SENTENCE(a_broken_hard_rule_makes_a_report_incomplete),
        SENTENCE(a_rule_with_a_missing_figure_is_skipped),
        SENTENCE(soft_flags_count_rules_and_jumps_without_a_reason),
        SENTENCE(a_year_to_date_figure_jumps_by_what_each_month_adds),
        SENTENCE(a_rule_sees_a_year_to_date_figure_as_it_was_reported),
        SENTENCE(a_jump_from_zero_has_no_percentage),
        SENTENCE(counters_take_the_form_periods_wholly_inside),
    };
    return suite_run("reports", sentences, ARRAY_LEN(sentences));
}
