/* Alerts: raised, resolved, raised again, kept when nothing can be judged. */
#include "suite.h"

#include "alerts.h"
#include "support.h"

static const struct catalogue_file files[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh\nC,,city,C\nA,C,district,A\nB,C,district,B\n"),
    FILE_TEXT("groups.csv", "group,unit\nboth,A\nboth,B\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nmon,mon,month,district,5\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,unit_zh,decimals\ndone,mon,e1,flow,u,0\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,decimals,better,office\ndone_i,i1,done,0,up,养老处\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due,pace\n"
                           "g,done_i,A,>=,60,2020-12-31,\n"
                           "joint,done_i,both,>=,10,2020-12-31,due\n"),
};

static struct city city;
static struct alert_row *rows;
static bool *changed;
static size_t count;

static void start(void)
{
    city_open(&city, files, ARRAY_LEN(files));
    rows = NULL;
    changed = NULL;
    count = 0;
}

static void finish(void)
{
    free(rows);
    free(changed);
    city_close(&city);
}

static void judge(const char *on, int64_t now_ms)
{
    struct fault why = {0};
    struct alert_row *next;
    bool *next_changed;
    size_t next_count;
    int32_t day;
    CU_ASSERT_FATAL(date_parse(on, &day));
    city_must(alerts_judge(city.figures, day, now_ms, rows, count, &next, &next_changed, &next_count, &why), &why,
              "alerts_judge");
    free(rows);
    free(changed);
    rows = next;
    changed = next_changed;
    count = next_count;
}

static void expect(size_t index, const char *alert, const char *state, int64_t since, bool is_changed)
{
    CU_ASSERT_FATAL(index < count);
    city_equal("alert", rows[index].alert, alert);
    city_equal("state", rows[index].state, state);
    CU_ASSERT_EQUAL(rows[index].since, since);
    CU_ASSERT_EQUAL(changed[index], is_changed);
}

static void a_lagging_goal_raises_one_alert_and_says_why(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,1\n"), 0);
    judge("2020-02-04", 1);
    CU_ASSERT_EQUAL(count, 0); /* not due */
    judge("2020-02-05", 2);
    CU_ASSERT_EQUAL(count, 1);
    expect(0, "goal_lagging.g", "open", 2, true);
    city_equal("kind", rows[0].kind, "goal_lagging");
    city_equal("severity", rows[0].severity, "warning");
    city_equal("subject", rows[0].subject, "g");
    city_equal("unit", rows[0].unit, "A");
    city_equal("office", rows[0].office, "养老处");
    city_equal("detail", rows[0].detail, "actual=1 expected=5.0 value=60 attainment=1.7%");
    judge("2020-02-06", 3);
    expect(0, "goal_lagging.g", "open", 2, false);
    finish();
}

static void a_goal_that_recovers_resolves_its_alert_and_may_raise_it_again(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,1\n"), 0);
    judge("2020-02-05", 1);
    snprintf(rows[0].acked_by, sizeof rows[0].acked_by, "王");
    snprintf(rows[0].note, sizeof rows[0].note, "在催");
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,5\n"), 0);
    judge("2020-02-06", 2);
    expect(0, "goal_lagging.g", "resolved", 2, true);
    city_equal("acked_by", rows[0].acked_by, "王");
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,2\n"), 0);
    judge("2020-02-07", 3);
    CU_ASSERT_EQUAL(count, 1);
    expect(0, "goal_lagging.g", "open", 3, true);
    city_equal("acked_by", rows[0].acked_by, "");
    finish();
}

static void an_acknowledged_alert_stays_open_and_keeps_who_acknowledged_it(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,1\n"), 0);
    judge("2020-02-05", 1);
    snprintf(rows[0].acked_by, sizeof rows[0].acked_by, "王");
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,2\n"), 0);
    judge("2020-02-05", 2);
    expect(0, "goal_lagging.g", "open", 1, true); /* the detail changed, the state did not */
    city_equal("acked_by", rows[0].acked_by, "王");
    finish();
}

static void no_data_changes_nothing(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,1\n"), 0);
    judge("2020-02-05", 1);
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,,,X\n"), 0);
    judge("2020-02-06", 2);
    CU_ASSERT_EQUAL(count, 1);
    expect(0, "goal_lagging.g", "open", 1, false);
    finish();
}

static void a_missed_goal_resolves_lagging_and_raises_a_critical_alert(void)
{
    start();
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,1\n"), 0);
    judge("2020-02-05", 1);
    judge("2021-01-05", 2);
    CU_ASSERT_EQUAL(count, 3);
    expect(0, "goal_lagging.g", "resolved", 2, true);
    expect(1, "goal_missed.g", "open", 2, true);
    city_equal("severity", rows[1].severity, "critical");
    expect(2, "goal_missed.joint", "open", 2, true);
    city_equal("unit", rows[2].unit, "both");
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-12,70\n"), 0);
    judge("2021-01-06", 3);
    CU_ASSERT_EQUAL(count, 3);
    expect(0, "goal_lagging.g", "resolved", 2, false);
    expect(1, "goal_missed.g", "resolved", 3, true);
    expect(2, "goal_missed.joint", "resolved", 3, true);
    finish();
}

static void an_alert_of_a_goal_that_is_gone_stays_as_it_is(void)
{
    start();
    rows = memory_new(struct alert_row);
    count = 1;
    snprintf(rows[0].alert, sizeof rows[0].alert, "goal_lagging.old");
    snprintf(rows[0].state, sizeof rows[0].state, "open");
    rows[0].since = 7;
    CU_ASSERT_EQUAL(city_feed(&city, "done,A,2020-01,1\n"), 0);
    judge("2020-02-05", 9);
    CU_ASSERT_EQUAL(count, 2);
    expect(0, "goal_lagging.old", "open", 7, false);
    expect(1, "goal_lagging.g", "open", 9, true);
    finish();
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_lagging_goal_raises_one_alert_and_says_why),
        SENTENCE(a_goal_that_recovers_resolves_its_alert_and_may_raise_it_again),
        SENTENCE(an_acknowledged_alert_stays_open_and_keeps_who_acknowledged_it),
        SENTENCE(no_data_changes_nothing),
        SENTENCE(a_missed_goal_resolves_lagging_and_raises_a_critical_alert),
        SENTENCE(an_alert_of_a_goal_that_is_gone_stays_as_it_is),
    };
    return suite_run("alerts", sentences, ARRAY_LEN(sentences));
}
