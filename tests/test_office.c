/* Questions and their rows, over the tiny city of tests/city (answers worked out on paper there). */
#include "suite.h"

#include "office.h"
#include "support.h"

#define CITY SOURCE_FOLDER "/tests/city/"
#define FIFTH_OF_FEBRUARY 1580832000000
#define TWENTIETH_OF_APRIL 1587312000000
#define LAST_OF_APRIL 1588176000000 /* 2020-04-30T00:00+08:00 */

static struct city city;
static struct store *store;
static struct office *office;

static void open_office(void)
{
    struct fault why = {0};
    city_open_folder(&city, CITY "catalogue");
    city.now_ms = FIFTH_OF_FEBRUARY;
    CU_ASSERT_EQUAL(city_feed_file(&city, CITY "records.csv"), 0);
    city.now_ms = TWENTIETH_OF_APRIL;
    CU_ASSERT_EQUAL(city_feed_file(&city, CITY "corrections.csv"), 0);
    city_must(store_open(city.path, STORE_READ, &store, &why), &why, "store_open");
    office = office_open(city.catalogue, store, 16 << 20);
}

static void close_office(void)
{
    office_close(&office);
    store_close(&store);
    city_close(&city);
}

/* "query operand=homes unit=A" -> the question; values must not hold spaces. `text` is cut into pieces. */
static void make_question(char *text, struct wire_question *question)
{
    char *rest = strchr(text, ' ');
    *question = (struct wire_question){.id = 1};
    while (rest != NULL) {
        char *option = rest + 1, *equals = strchr(option, '=');
        *rest = '\0';
        rest = strchr(option, ' ');
        CU_ASSERT_PTR_NOT_NULL_FATAL(equals);
        *equals = '\0';
        snprintf(question->options[question->option_count].name, sizeof question->options[0].name, "%s", option);
        question->options[question->option_count++].value = equals + 1;
    }
    snprintf(question->command, sizeof question->command, "%s", text);
    for (size_t i = 0; i < question->option_count; i++) { /* the blank after a value ends it */
        char *end = strchr(question->options[i].value, ' ');
        if (end != NULL)
            *end = '\0';
    }
}

static enum status ask(const char *question_text, struct answer *ret_answer, struct fault *why)
{
    char *text = memory_copy_text(question_text);
    struct wire_question question;
    make_question(text, &question);
    const enum status status = office_answer(office, &question, LAST_OF_APRIL, ret_answer, why);
    free(text);
    return status;
}

/* The answer's rows as CSV without the header; the text lives till the next call. */
static const char *rows(const char *question)
{
    static char *text;
    struct answer answer;
    struct fault why = {0};
    size_t length = 0;
    free(text);
    text = NULL;
    city_must(ask(question, &answer, &why), &why, question);
    FILE *out = open_memstream(&text, &length);
    CU_ASSERT_TRUE(table_print(&answer.table, TABLE_CSV, LANGUAGE_ZH, out));
    fclose(out);
    answer_free(&answer);
    return strchr(text, '\n') + 1;
}

static void expect(const char *question, const char *wanted)
{
    city_equal(question, rows(question), wanted);
}

static void expect_fault(const char *question, enum status status, enum message message)
{
    struct answer answer;
    struct fault why = {0};
    const enum status got = ask(question, &answer, &why);
    if (got == STATUS_OK)
        answer_free(&answer);
    if (got != status || why.message != message)
        fprintf(stderr, "\n    %s: status %d, %s\n", question, (int)got, message_code(why.message));
    CU_ASSERT_EQUAL(got, status);
    CU_ASSERT_EQUAL(why.message, message);
}

static void header(const char *question, const char *wanted)
{
    struct answer answer;
    struct fault why = {0};
    char joined[512] = "";
    city_must(ask(question, &answer, &why), &why, question);
    for (size_t i = 0; i < answer.table.column_count; i++) {
        const size_t used = strlen(joined);
        snprintf(joined + used, sizeof joined - used, "%s%s", i > 0 ? "," : "", answer.table.columns[i]);
    }
    city_equal(question, joined, wanted);
    answer_free(&answer);
}

static void every_answer_has_the_columns_of_the_contract(void)
{
    open_office();
    header("query", "code,unit,unit_name,period,value,numerator,denominator,reported,expected,flag");
    header("query compare=yoy,mom",
           "code,unit,unit_name,period,value,numerator,denominator,reported,expected,flag,yoy_pct,mom_pct");
    header("query compare=mom,yoy",
           "code,unit,unit_name,period,value,numerator,denominator,reported,expected,flag,yoy_pct,mom_pct");
    header("query compare=mom",
           "code,unit,unit_name,period,value,numerator,denominator,reported,expected,flag,mom_pct");
    header("progress", "goal,indicator,unit,unit_name,op,value,due,actual,attainment_pct,expected_by_now,status,forecast,"
                       "required_rate,reachable,reported,expected,office");
    header("alerts", "alert,kind,state,severity,subject,unit,office,since,detail,acked_by");
    header("reporting period=2020", "form,unit,period,due,received_at,state,filled,required,hard_errors,soft_flags");
    header("reporting period=2020 summary=", "form,unit,period,reports_expected,reports_received,reports_on_time,"
                                             "reporting_rate,on_time_rate");
    header("records", "element,unit,period,value,status,revision,agent,submission,reported_at,received_at,live");
    header("catalogue", "kind,code,name,detail,measure,section,office,claim");
    header("progress readable=", "indicator_name,unit_name,target,actual,attainment_pct,expected_by_now,status,forecast,"
                                 "coverage,due,office,goal");
    header("reporting readable= period=2020-03", "form_name,unit_name,period,due,received_at,state,filled,required,"
                                                 "hard_errors,soft_flags,form,unit");
    header("reporting readable= summary= period=2020-03",
           "form_name,unit_name,period,reports_expected,reports_received,reports_on_time,reporting_rate,on_time_rate,form,unit");
    header("records readable=", "element_name,unit_name,period,value,measure,status,revision,live,reported_at,received_at,"
                                "agent,submission,element,unit");
    header("status readable=", "agent,connected,last_seen,last_submission,backlog,refused,clock_skew,software");
    header("alerts readable=", "severity,kind,state,unit_name,detail,office,since,acked_by,alert");
    header("query readable= compare=yoy", "indicator_name,unit_name,period,value,measure,numerator,denominator,coverage,"
                                          "flag,yoy_pct,code");
    close_office();
}

static void a_query_answers_elements_and_indicators(void)
{
    open_office();
    expect("query operand=homes period=2020", "homes,C,晨市,2020,16456,,,16,63,partial\n");
    expect("query operand=i_homes,homes unit=甲区 period=2020",
           "i_homes,A,甲区,2020,2051,2051,,10,30,partial\nhomes,A,甲区,2020,2051,,,10,30,partial\n");
    expect("query operand=homes unit=G period=2020-Q1", "homes,G,甲一镇+乙一镇,2020-Q1,406,,,6,6,complete\n");
    expect("query operand=homes unit=b2 period=2020-01", "homes,b2,乙二镇,2020-01,,,,0,1,missing\n");
    close_office();
}

static void a_period_is_answered_in_the_words_it_was_asked_in(void)
{
    open_office();
    expect("query operand=homes unit=A period=2020-Q1..2020-Q2", "homes,A,甲区,2020-Q1..2020-Q2,2051,,,10,18,partial\n");
    expect("query operand=homes unit=A period=2020-01..2020-06", "homes,A,甲区,2020-01..2020-06,2051,,,10,18,partial\n");
    expect("query operand=homes unit=A period=2020-Q1..2020-Q2 by=quarter",
           "homes,A,甲区,2020-Q1,36,,,5,9,partial\nhomes,A,甲区,2020-Q2,2015,,,5,9,partial\n");
    expect("reporting unit=b1 period=2020-Q1..2020-Q1 summary=", "mon,b1,2020-Q1..2020-Q1,3,2,2,66.7,66.7\n"
                                                               "spe,b1,2020-Q1..2020-Q1,3,1,1,33.3,33.3\n"
                                                               "qua,b1,2020-Q1..2020-Q1,0,0,0,,\n"
                                                               "pop,b1,2020-Q1..2020-Q1,0,0,0,,\n");
    close_office();
}

static void rows_come_by_code_then_unit_in_tree_order_then_period(void)
{
    open_office();
    expect("query operand=homes level=district period=2020 by=quarter",
           "homes,A,甲区,2020-Q1,36,,,5,9,partial\n"
           "homes,A,甲区,2020-Q2,2015,,,5,9,partial\n"
           "homes,A,甲区,2020-Q3,,,,0,6,missing\n"
           "homes,A,甲区,2020-Q4,,,,0,6,missing\n"
           "homes,B,乙区,2020-Q1,405,,,4,9,partial\n"
           "homes,B,乙区,2020-Q2,,,,0,6,missing\n"
           "homes,B,乙区,2020-Q3,14000,,,2,9,partial\n"
           "homes,B,乙区,2020-Q4,,,,0,9,missing\n");
    close_office();
}

static void a_level_lists_the_units_that_were_below_in_the_period(void)
{
    open_office();
    /* m moved from A to B on 1 July; z closed on 31 March. */
    expect("query operand=homes unit=A level=town period=2020-Q1",
           "homes,a1,甲一镇,2020-Q1,6,,,3,3,complete\nhomes,a2,甲二镇,2020-Q1,30,,,2,3,partial\n"
           "homes,m,移镇,2020-Q1,,,,0,3,missing\n");
    expect("query operand=homes unit=A level=town period=2020-Q3",
           "homes,a1,甲一镇,2020-Q3,,,,0,3,missing\nhomes,a2,甲二镇,2020-Q3,,,,0,3,missing\n");
    close_office();
}

static void changes_are_in_percent_of_the_base_and_empty_without_one(void)
{
    open_office();
    /* January 2020: 1, January 2019: 4, December 2019: 9. */
    expect("query operand=homes unit=a1 period=2020-01 compare=yoy,mom",
           "homes,a1,甲一镇,2020-01,1,,,1,1,complete,-75.0,-88.9\n");
    expect("query operand=homes unit=a1 period=2020-02 compare=mom,yoy",
           "homes,a1,甲一镇,2020-02,2,,,1,1,complete,,100.0\n");
    close_office();
}

static void without_codes_all_indicators_of_this_year_are_answered(void)
{
    open_office();
    const char *text = rows("query");
    size_t count = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    CU_ASSERT_EQUAL(count, city.catalogue->indicator_count);
    CU_ASSERT_EQUAL(strncmp(text, "i_homes,C,晨市,2020,", strlen("i_homes,C,晨市,2020,")), 0);
    close_office();
}

static void as_of_answers_from_what_had_been_received_by_then(void)
{
    struct answer answer;
    struct fault why = {0};
    open_office();
    /* The corrections of 20 April: February 20 for a2, March taken back. */
    expect("query operand=homes unit=a2 period=2020-Q1 as-of=2020-03-01", "homes,a2,甲二镇,2020-Q1,40,,,2,3,partial\n");
    expect("query operand=homes unit=a2 period=2020-Q1 as-of=2020-04-30", "homes,a2,甲二镇,2020-Q1,30,,,2,3,partial\n");
    expect("query operand=homes unit=a2 period=2020-Q1 as-of=2020-01-01T00:00:00+08:00",
           "homes,a2,甲二镇,2020-Q1,,,,0,3,missing\n");
    expect("query operand=homes unit=a2 period=2020-Q1", "homes,a2,甲二镇,2020-Q1,30,,,2,3,partial\n");
    city_must(ask("query operand=homes as-of=2020-03-01", &answer, &why), &why, "as-of");
    CU_ASSERT_EQUAL(strncmp(answer.as_of, "2020-02-05T00:00:0", 18), 0);
    answer_free(&answer);
    close_office();
}

static void progress_prints_each_goal_with_its_decimals(void)
{
    open_office();
    expect("progress on=2020-04-10 unit=A",
           "g_homes,i_homes,A,甲区,>=,60,2020-12-31,36,60.0,15,on_pace,144,3,yes,5,9,养老处\n");
    expect("progress on=2020-02-09 unit=A",
           "g_homes,i_homes,A,甲区,>=,60,2020-12-31,,,0,not_due,,,,0,0,养老处\n");
    close_office();
}

static void progress_filters_by_unit_level_and_office(void)
{
    struct { const char *question; const char *goals; } cases[] = {
        {"progress on=2020-04-10", "g_homes g_rate g_joint "},
        {"progress on=2020-04-10 unit=A", "g_homes "},
        {"progress on=2020-04-10 unit=C", "g_homes g_rate g_joint "},
        {"progress on=2020-04-10 unit=B", ""},
        {"progress on=2020-04-10 level=district", "g_homes "},
        {"progress on=2020-04-10 level=city", "g_rate "},
        {"progress on=2020-04-10 office=养老处", "g_homes g_rate g_joint "},
    };
    open_office();
    expect_fault("progress on=2020-04-10 office=养老", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_OFFICE);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char goals[256] = "";
        for (const char *line = rows(cases[i].question); *line != '\0'; line = strchr(line, '\n') + 1) {
            const size_t used = strlen(goals);
            snprintf(goals + used, sizeof goals - used, "%.*s ", (int)strcspn(line, ","), line);
        }
        city_equal(cases[i].question, goals, cases[i].goals);
    }
    close_office();
}

static void alerts_are_judged_on_the_asked_day(void)
{
    open_office();
    CU_ASSERT_STRING_EQUAL(rows("alerts on=2020-02-09"), "");
    /* By 11 January 2021 every month counts: 406 of 1000 is missed. */
    const char *text = rows("alerts on=2021-01-11");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "goal_missed.g_joint,goal_missed,open,critical,g_joint,G,养老处,2021-01-11T00:00:00+08:00,"));
    CU_ASSERT_PTR_NULL(strstr(text, "g_homes"));
    expect_fault("alerts operand=ack,goal_missed.g_joint by=我 note=好", STATUS_AGAIN, MESSAGE_ASK_NEEDS_AGGREGATOR);
    close_office();
}

static void people_read_names_and_sentences_for_codes(void)
{
    open_office();
    expect("progress readable= on=2020-04-10 unit=A", "户数,甲区,>= 60 户,36,60.0,15,on_pace,144,*5/9,2020-12-31,养老处,g_homes\n");
    expect("query readable= operand=i_homes,homes unit=甲区 period=2020",
           "户数,甲区,2020,2051,户,2051,,*10/30,partial,i_homes\n户数,甲区,2020,2051,户,,,*10/30,partial,homes\n");
    expect("reporting readable= period=2020-01 unit=a1 on=2020-02-10",
           "月报,甲一镇,2020-01,2020-02-10,2020-02-05 00:00,on_time,1,1,0,0,mon,a1\n"
           "专报,甲一镇,2020-01,2020-02-10,2020-02-05 00:00,on_time,1,1,0,0,spe,a1\n");
    expect("records readable= element=homes unit=a1 period=2020-01", "户数,甲一镇,2020-01,1,户,A,1,yes,,2020-02-05 00:00,tester,test.csv@010000000000,homes,a1\n");
    expect("query readable= operand=homes unit=G period=2020-Q1", "户数,甲一镇+乙一镇,2020-Q1,406,户,,,6/6,complete,homes\n");
    expect("alerts readable= on=2021-01-11", "critical,goal_missed,open,甲一镇+乙一镇,户数：实际 421 户，目标 1000 户（完成 42.1%）,"
                                             "养老处,2021-01-11 00:00,,goal_missed.g_joint\n");
    expect("alerts readable= on=2021-01-11 lang=en",
           "critical,goal_missed,open,甲一镇+乙一镇,\"户数: actual 421, goal 1000 (42.1% attained)\",养老处,"
           "2021-01-11 00:00,,goal_missed.g_joint\n");
    close_office();
}

static void the_catalogue_is_shown_by_kind(void)
{
    open_office();
    expect("catalogue kind=goal,catalogue",
           "catalogue,tiny-city,\"晨市: two districts, six towns\",version=1 timezone=Asia/Shanghai,,,,\n"
           "goal,g_homes,户数,indicator=i_homes unit=A op=>= value=60 due=2020-12-31 claim=,户,,养老处,\n"
           "goal,g_rate,千人户数,indicator=i_rate unit=C op=>= value=120 due=2020-12-31 claim=,,,养老处,\n"
           "goal,g_joint,户数,indicator=i_homes unit=G op=>= value=1000 due=2020-12-31 claim=,户,,养老处,\n");
    expect_fault("catalogue kind=indicator,thing", STATUS_REFUSED, MESSAGE_ASK_BAD_CHOICE);
    close_office();
}

static void reporting_lists_each_report_owed_and_sums_them_up(void)
{
    open_office();
    expect("reporting period=2020-03 unit=a2 on=2020-04-11",
           "mon,a2,2020-03,2020-04-10,2020-02-05T00:00:00+08:00,missing,0,1,0,0\n");
    expect("reporting period=2020-01 unit=a1 on=2020-02-10",
           "mon,a1,2020-01,2020-02-10,2020-02-05T00:00:00+08:00,on_time,1,1,0,0\n"
           "spe,a1,2020-01,2020-02-10,2020-02-05T00:00:00+08:00,on_time,1,1,0,0\n");
    const char *text = rows("reporting period=2020-01 summary= on=2020-04-30");
    CU_ASSERT_EQUAL(strncmp(text, "mon,C,2020-01,6,", strlen("mon,C,2020-01,6,")), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "spe,C,2020-01,2,"));
    close_office();
}

static void records_show_what_is_live_and_history_all_of_it(void)
{
    open_office();
    expect("records element=homes unit=a2",
           "homes,a2,2020-01,10,A,1,tester,test.csv@010000000000,,2020-02-05T00:00:00+08:00,yes\n"
           "homes,a2,2020-02,20,A,2,tester,test.csv@020000000000,,2020-04-20T00:00:00+08:00,yes\n");
    expect("records element=homes unit=a2 history=1",
           "homes,a2,2020-01,10,A,1,tester,test.csv@010000000000,,2020-02-05T00:00:00+08:00,yes\n"
           "homes,a2,2020-02,25,A,1,tester,test.csv@020000000000,,2020-04-20T00:00:00+08:00,no\n"
           "homes,a2,2020-02,20,A,2,tester,test.csv@020000000000,,2020-04-20T00:00:00+08:00,yes\n"
           "homes,a2,2020-03,30,A,1,tester,test.csv@010000000000,,2020-02-05T00:00:00+08:00,no\n"
           "homes,a2,2020-03,,X,2,tester,test.csv@020000000000,,2020-04-20T00:00:00+08:00,no\n");
    expect("records element=户数 unit=a2 period=2020-02",
           "homes,a2,2020-02,20,A,2,tester,test.csv@020000000000,,2020-04-20T00:00:00+08:00,yes\n");
    expect("records element=homes unit=b1 period=2020-02",
           "homes,b1,2020-02,,M,1,tester,test.csv@010000000000,,2020-02-05T00:00:00+08:00,yes\n");
    close_office();
}

/* Live rows and the live rows of the history are two ways to one answer. */
static void live_records_and_history_agree(void)
{
    open_office();
    char *live = memory_copy_text(rows("records"));
    size_t live_count = 0, history_count = 0;
    for (const char *at = live; (at = strchr(at, '\n')) != NULL; at++)
        live_count++;
    for (const char *line = rows("records history=1"); *line != '\0'; line = strchr(line, '\n') + 1) {
        char copy[512];
        const size_t length = strcspn(line, "\n");
        CU_ASSERT_FATAL(length < sizeof copy - 1);
        memcpy(copy, line, length + 1);
        copy[length + 1] = '\0';
        if (strcmp(copy + length - 4, ",yes\n") != 0)
            continue;
        history_count++;
        CU_ASSERT_PTR_NOT_NULL(strstr(live, copy));
    }
    CU_ASSERT_TRUE(live_count > 50);
    CU_ASSERT_EQUAL(live_count, history_count);
    free(live);
    close_office();
}

static void english_names_are_given_when_asked_for_and_present(void)
{
    open_office();
    expect("query operand=homes unit=a1 period=2020-01 lang=en", "homes,a1,甲一镇,2020-01,1,,,1,1,complete\n");
    close_office();
}

static void what_is_wrong_is_refused_by_name(void)
{
    open_office();
    expect_fault("nonsense", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_COMMAND);
    expect_fault("keygen operand=a,b", STATUS_REFUSED, MESSAGE_ASK_NOT_HERE);
    expect_fault("query operand=nobody", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_CODE);
    expect_fault("query operand=", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_CODE);
    expect_fault("query operand=homes,", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_CODE);
    expect_fault("query operand=homes unit=nowhere", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_UNIT);
    expect_fault("query operand=homes level=village", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_LEVEL);
    expect_fault("query operand=homes period=2020-13", STATUS_REFUSED, MESSAGE_BAD_PERIOD);
    expect_fault("query operand=homes by=week", STATUS_REFUSED, MESSAGE_ASK_BAD_CHOICE);
    expect_fault("query operand=homes compare=yoy,yoy", STATUS_REFUSED, MESSAGE_ASK_BAD_CHOICE);
    expect_fault("query operand=homes compare=", STATUS_REFUSED, MESSAGE_ASK_BAD_CHOICE);
    expect_fault("query operand=homes as-of=yesterday", STATUS_REFUSED, MESSAGE_ASK_BAD_MOMENT);
    expect_fault("query operand=homes frequency=month", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_OPTION);
    expect_fault("query unit=A unit=B", STATUS_REFUSED, MESSAGE_ASK_TWICE);
    expect_fault("progress on=2020-02-30", STATUS_REFUSED, MESSAGE_ASK_BAD_DATE);
    expect_fault("progress operand=x", STATUS_REFUSED, MESSAGE_ASK_OPERAND);
    expect_fault("records element=nothing", STATUS_REFUSED, MESSAGE_ASK_UNKNOWN_ELEMENT);
    expect_fault("query operand=homes lang=fr", STATUS_REFUSED, MESSAGE_ASK_BAD_CHOICE);
    expect_fault("catalogue operand=check,x", STATUS_REFUSED, MESSAGE_ASK_OPERAND);
    close_office();
}

static void an_answer_is_as_fresh_as_the_newest_batch(void)
{
    open_office();
    expect("query operand=homes unit=b2 period=2020-01", "homes,b2,乙二镇,2020-01,,,,0,1,missing\n");
    CU_ASSERT_EQUAL(city_feed(&city, "homes,b2,2020-01,77\n"), 0);
    expect("query operand=homes unit=b2 period=2020-01", "homes,b2,乙二镇,2020-01,77,,,1,1,complete\n");
    close_office();
}

static void status_shows_each_agent_and_nobody_connected_when_nothing_runs(void)
{
    const struct agent_row row = {.agent = "jia", .connected = true, .last_seen = TWENTIETH_OF_APRIL, .backlog = 3,
                                  .refused = 2, .clock_skew_ms = -1500, .software = "suanpan 0.1.0"};
    struct fault why = {0};
    open_office();
    city_must(store_begin(city.store, &why), &why, "store_begin");
    city_must(store_save_agent(city.store, &row, &why), &why, "store_save_agent");
    city_must(store_commit(city.store, &why), &why, "store_commit");
    expect("status", "jia,yes,2020-04-20T00:00:00+08:00,,3,2,-1.500,suanpan 0.1.0\n");
    office_set_offline(office);
    expect("status", "jia,no,2020-04-20T00:00:00+08:00,,3,2,-1.500,suanpan 0.1.0\n");
    close_office();
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(every_answer_has_the_columns_of_the_contract),
        SENTENCE(a_query_answers_elements_and_indicators),
        SENTENCE(a_period_is_answered_in_the_words_it_was_asked_in),
        SENTENCE(rows_come_by_code_then_unit_in_tree_order_then_period),
        SENTENCE(a_level_lists_the_units_that_were_below_in_the_period),
        SENTENCE(changes_are_in_percent_of_the_base_and_empty_without_one),
        SENTENCE(without_codes_all_indicators_of_this_year_are_answered),
        SENTENCE(as_of_answers_from_what_had_been_received_by_then),
        SENTENCE(progress_prints_each_goal_with_its_decimals),
        SENTENCE(progress_filters_by_unit_level_and_office),
        SENTENCE(alerts_are_judged_on_the_asked_day),
        SENTENCE(people_read_names_and_sentences_for_codes),
        SENTENCE(the_catalogue_is_shown_by_kind),
        SENTENCE(reporting_lists_each_report_owed_and_sums_them_up),
        SENTENCE(records_show_what_is_live_and_history_all_of_it),
        SENTENCE(live_records_and_history_agree),
        SENTENCE(english_names_are_given_when_asked_for_and_present),
        SENTENCE(what_is_wrong_is_refused_by_name),
        SENTENCE(an_answer_is_as_fresh_as_the_newest_batch),
        SENTENCE(status_shows_each_agent_and_nobody_connected_when_nothing_runs),
    };
    return suite_run("office", sentences, ARRAY_LEN(sentences));
}
