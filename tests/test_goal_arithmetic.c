#include "catalogue.h"

#include "inline_catalogue.h"
#include "suite.h"

#include <string.h>

#define HEADER "goal,indicator,unit,op,value,due,claim,start\n"

struct plan {
    const char *goals, *findings;
};

static void check_plans(const struct plan *plans, size_t count, const struct text_file *others, size_t other_count)
{
    for (size_t i = 0; i < count; i++) {
        struct text_file files[8];
        struct findings findings;
        struct catalogue *catalogue;
        for (size_t j = 0; j < other_count; j++)
            files[j] = others[j];
        files[other_count] = (struct text_file){"goals.csv", plans[i].goals};
        catalogue = load_inline(files, other_count + 1, &findings);
        CU_ASSERT_FATAL(catalogue != NULL);
        CU_ASSERT(findings_are(&findings, plans[i].findings));
        findings_free(&findings);
        catalogue_free(&catalogue);
    }
}

static void parts_of_a_sum_must_reach_the_whole(void)
{
    static const struct plan plans[] = {
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,>=,30,2020,,\nd,sum,D,>=,20,2020,,\n", ""},
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,>=,30,2020,,\nd,sum,D,>=,19,2020,,\n",
         "error parts_below_goal goals.csv 2 value w"},
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,>=,30,2020,,\nd,sum,D,>=,21,2020,,\n",
         "warning parts_above_goal goals.csv 2 value w"},
        /* `=` is judged as `>=`, and goes with it. */
        {HEADER "w,sum,C,=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,=,30,2020,,\nd,sum,D,>=,19,2020,,\n",
         "error parts_below_goal goals.csv 2 value w"},
        /* A cap divided generously or sparingly: said, but the plan can be used. */
        {HEADER "w,sum,C,<=,100,2020,,\na,sum,A,<=,50,2020,,\nb,sum,B,<=,30,2020,,\nd,sum,D,<=,21,2020,,\n",
         "warning parts_above_goal goals.csv 2 value w"},
        {HEADER "w,sum,C,<=,100,2020,,\na,sum,A,<=,50,2020,,\nb,sum,B,<=,30,2020,,\nd,sum,D,<=,19,2020,,\n",
         "warning parts_below_goal goals.csv 2 value w"},
        /* A part of the other direction is a goal, but no part of the sum. */
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,100,2020,,\nb,sum,B,<=,30,2020,,\nd,sum,D,<=,30,2020,,\n", ""},
        /* max does not add up */
        {HEADER "w,cap,C,<=,100,2020,,\na,cap,A,<=,50,2020,,\nb,cap,B,<=,60,2020,,\nd,cap,D,<=,70,2020,,\n", ""},
        {HEADER "w,sum,C,>=,-5,2020,,\na,sum,A,>=,-5,2020,,\nb,sum,B,>=,0,2020,,\nd,sum,D,>=,0,2020,,\n", ""},
    };
    check_plans(plans, ARRAY_LEN(plans), NULL, 0);
}

static void a_plan_that_contradicts_itself_can_still_be_used(void)
{
    static const struct text_file plan[] = {
        {"goals.csv", HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,>=,30,2020,,\nd,sum,D,>=,19,2020,,\n"}};
    static const struct text_file broken[] = {{"goals.csv", HEADER "w,sum,NOWHERE,>=,100,2020,,\n"}};
    struct findings findings;
    struct catalogue *catalogue = load_inline(plan, 1, &findings);
    CU_ASSERT_EQUAL(findings.error_count, 1);
    CU_ASSERT_EQUAL(findings.broken_count, 0);
    findings_free(&findings);
    catalogue_free(&catalogue);
    catalogue = load_inline(broken, 1, &findings);
    CU_ASSERT_EQUAL(findings.error_count, 1);
    CU_ASSERT_EQUAL(findings.broken_count, 1);
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void both_numbers_stand_in_the_sentence_exactly(void)
{
    static const struct text_file files[] = {
        {"indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\nsum,总数,x,,,9,up\n"},
        {"goals.csv", HEADER "w,sum,C,>=,0.3,2020,,\na,sum,A,>=,0.1,2020,,\nb,sum,B,>=,0.1,2020,,\n"
                             "d,sum,D,>=,0.099999999,2020,,\n"}};
    struct findings findings;
    struct catalogue *catalogue = load_inline(files, ARRAY_LEN(files), &findings);
    CU_ASSERT_EQUAL_FATAL(findings.count, 1);
    CU_ASSERT_STRING_EQUAL(findings.items[0].fault.argument[0], "0.299999999");
    CU_ASSERT_STRING_EQUAL(findings.items[0].fault.argument[1], "0.3");
    CU_ASSERT_STRING_EQUAL(findings.items[0].fault.argument[2], "3");
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void sums_beyond_int64_are_still_exact(void)
{
    static const struct text_file files[] = {
        {"goals.csv", HEADER "w,sum,C,>=,9223372036854775807,2020,,\na,sum,A,>=,9223372036854775807,2020,,\n"
                             "b,sum,B,>=,9223372036854775807,2020,,\nd,sum,D,>=,-9223372036854775807,2020,,\n"},
    };
    static const struct text_file more[] = {
        {"goals.csv", HEADER "w,sum,C,<=,-1,2020,,\na,sum,A,<=,9223372036854775807,2020,,\n"
                             "b,sum,B,<=,9223372036854775807,2020,,\nd,sum,D,<=,9223372036854775807,2020,,\n"},
    };
    struct findings findings;
    struct catalogue *catalogue = load_inline(files, 1, &findings);
    CU_ASSERT(findings_are(&findings, ""));
    findings_free(&findings);
    catalogue_free(&catalogue);
    catalogue = load_inline(more, 1, &findings);
    CU_ASSERT_EQUAL_FATAL(findings.count, 1);
    CU_ASSERT_STRING_EQUAL(findings.items[0].fault.argument[0], "27670116110564327421");
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void a_pooled_ratio_lies_between_its_parts(void)
{
    static const struct plan plans[] = {
        {HEADER "w,rate,C,>=,11.5,2020,,\na,rate,A,>=,10,2020,,\nb,rate,B,>=,9.7,2020,,\nd,rate,D,>=,11.4,2020,,\n",
         "warning goal_above_all_parts goals.csv 2 value w"},
        {HEADER "w,rate,C,>=,75,2020,,\na,rate,A,>=,50,2020,,\nb,rate,B,>=,75,2020,,\nd,rate,D,>=,100,2020,,\n",
         "info goal_depends_on_weights goals.csv 2 value w"},
        {HEADER "w,rate,C,>=,75,2020,,\na,rate,A,>=,50,2020,,\nb,rate,B,>=,50,2020,,\nd,rate,D,>=,75.0,2020,,\n",
         "info goal_depends_on_weights goals.csv 2 value w"},
        {HEADER "w,rate,C,>=,62,2020,,\na,rate,A,>=,62,2020,,\nb,rate,B,=,62.0,2020,,\nd,rate,D,>=,70,2020,,\n", ""},
        {HEADER "w,rate,C,=,63,2020,,\na,rate,A,>=,62,2020,,\nb,rate,B,=,62.0,2020,,\nd,rate,D,>=,62,2020,,\n",
         "warning goal_above_all_parts goals.csv 2 value w"},
        {HEADER "w,rate,C,<=,50,2020,,\na,rate,A,<=,60,2020,,\nb,rate,B,<=,60,2020,,\nd,rate,D,<=,70,2020,,\n", ""},
    };
    check_plans(plans, ARRAY_LEN(plans), NULL, 0);
}

static void an_integer_denominator_only_scales(void)
{
    static const struct text_file files[] = {
        {"indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\nsum,总数,x,10,,1,up\n"
                           "shifted,加一,x + 1,,,0,up\nodd,奇,x,p + 1,,0,up\n"}};
    static const struct plan plans[] = {
        {HEADER "w,sum,C,>=,10,2020,,\na,sum,A,>=,5,2020,,\nb,sum,B,>=,3,2020,,\nd,sum,D,>=,1.9,2020,,\n",
         "error parts_below_goal goals.csv 2 value w"},
        {HEADER "w,shifted,C,>=,10,2020,,\na,shifted,A,>=,1,2020,,\nb,shifted,B,>=,1,2020,,\nd,shifted,D,>=,1,2020,,\n",
         ""},
        {HEADER "w,odd,C,>=,10,2020,,\na,odd,A,>=,1,2020,,\nb,odd,B,>=,1,2020,,\nd,odd,D,>=,1,2020,,\n", ""},
    };
    check_plans(plans, ARRAY_LEN(plans), files, ARRAY_LEN(files));
}

static void a_goal_without_parts_and_a_goal_with_some_are_told(void)
{
    static const struct plan plans[] = {
        {HEADER "w,sum,C,>=,100,2020,,\n", "info no_breakdown goals.csv 2 value w"},
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,100,2020,,\n", "info partial_scope goals.csv 2 value w"},
        {HEADER "w,sum,A,>=,100,2020,,\n", ""}, /* A reports itself: nothing below owes the form */
        {HEADER "w,city,C,>=,100,2020,,\n", ""}, /* the city's own figure has no parts */
        {HEADER "w,ontime,C,>=,100,2020,,\n", ""}, /* counters alone expect none */
        {HEADER "w,ontime,C,>=,100,2020,,\na,ontime,A,>=,100,2020,,\n", "info partial_scope goals.csv 2 value w"},
        /* A town has a goal through its district; B1 has none, and D has no towns. */
        {HEADER "w,towns,C,>=,100,2020,,\na,towns,A,>=,100,2020,,\n",
         "info partial_scope goals.csv 2 value w\ninfo no_breakdown goals.csv 3 value a"},
        {HEADER "w,towns,C,>=,100,2020,,\na,towns,A,>=,60,2020,,\nb,towns,B1,>=,40,2020,,\n",
         "info no_breakdown goals.csv 3 value a"},
    };
    check_plans(plans, ARRAY_LEN(plans), NULL, 0);
}

/* Towns owe the town form and districts the monthly one; a form of base figures alone asks nobody for reports. */
static void counters_of_reports_concern_all_who_owe_a_form_that_is_not_of_base_figures_alone(void)
{
    static const struct text_file files[] = {
        {"forms.csv", "form,name_zh,frequency,level,due_days\nm,月报,month,district,15\nbook,年鉴,year,city,90\n"
                      "m2,月报二,month,district,15\nv,村报,year,town,5\n"},
        {"elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\nx,m,甲数,flow,,件,0\ny,m2,乙数,stock,,件,2\n"
                         "p,book,人口,base,,人,0\ntop,v,村数,base,,个,0\n"},
        {"indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                           "ontime,按时,100*reports_on_time,reports_expected,,1,up\n"},
        {"goals.csv", HEADER "w,ontime,C,>=,100,2020,,\na,ontime,A,>=,100,2020,,\n"}};
    struct findings findings;
    char sentence[400];
    struct catalogue *catalogue = load_inline(files, ARRAY_LEN(files), &findings);
    const struct finding *found = find_finding(&findings, "info partial_scope goals.csv 2 value w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(found);
    fault_sentence(&found->fault, LANGUAGE_EN, sentence, sizeof(sentence));
    CU_ASSERT_STRING_EQUAL(sentence, "of the 3 units below that owe \"m, m2\", only 1 have a goal");
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void only_units_that_owe_the_form_are_expected_to_have_goals(void)
{
    static const struct text_file files[] = {{"form_units.csv", "form,unit\nm,A\nm,B\n"}};
    static const struct plan plans[] = {
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,>=,50,2020,,\n", ""},
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,100,2020,,\n", "info partial_scope goals.csv 2 value w"},
    };
    static const struct text_file closed[] = {
        {"units.csv", "code,parent,level,name_zh,opened,closed\nC,,city,市,,\nA,C,district,甲,,\nB,C,district,乙,,\n"
                      "D,C,district,丁,,2019-12-31\nE,C,district,戊,2021-01-01,\nA1,A,town,a,,\n"}};
    static const struct plan open_plans[] = {
        {HEADER "w,sum,C,>=,100,2020,,\na,sum,A,>=,50,2020,,\nb,sum,B,>=,50,2020,,\n", ""},
        {HEADER "w,sum,C,>=,100,2021,,\na,sum,A,>=,50,2021,,\nb,sum,B,>=,50,2021,,\n",
         "info partial_scope goals.csv 2 value w"},
    };
    check_plans(plans, ARRAY_LEN(plans), files, ARRAY_LEN(files));
    check_plans(open_plans, ARRAY_LEN(open_plans), closed, ARRAY_LEN(closed));
}

static void only_the_topmost_parts_are_added(void)
{
    static const struct plan plans[] = {
        {HEADER "w,towns,C,>=,100,2020,,\na,towns,A,>=,60,2020,,\na1,towns,A1,>=,30,2020,,\na2,towns,A2,>=,30,2020,,\n"
                "b,towns,B,>=,40,2020,,\n",
         "info no_breakdown goals.csv 6 value b"},
        {HEADER "w,towns,C,>=,100,2020,,\na1,towns,A1,>=,30,2020,,\na2,towns,A2,>=,30,2020,,\nb,towns,B,>=,40,2020,,\n",
         "info no_breakdown goals.csv 5 value b"},
    };
    check_plans(plans, ARRAY_LEN(plans), NULL, 0);
}

static void a_group_is_a_part_like_a_unit(void)
{
    static const struct text_file files[] = {{"groups.csv", "group,unit\nAB,A\nAB,B\nABD,A\nABD,B\nABD,D\nAC,A\nAC,C\n"}};
    static const struct plan plans[] = {
        {HEADER "w,sum,C,>=,100,2020,,\nab,sum,AB,>=,60,2020,,\nd,sum,D,>=,40,2020,,\n",
         "warning group_overlap groups.csv 7 unit AC"},
        {HEADER "w,sum,C,>=,100,2020,,\nab,sum,AB,>=,60,2020,,\nd,sum,D,>=,39,2020,,\n",
         "warning group_overlap groups.csv 7 unit AC\nerror parts_below_goal goals.csv 2 value w"},
        /* A alone lies below the group, not beside it. */
        {HEADER "w,sum,C,>=,100,2020,,\nab,sum,AB,>=,60,2020,,\na,sum,A,>=,10,2020,,\nd,sum,D,>=,40,2020,,\n",
         "warning group_overlap groups.csv 7 unit AC"},
        /* The wider group stands for the narrower. */
        {HEADER "w,sum,C,>=,100,2020,,\nab,sum,AB,>=,60,2020,,\nabd,sum,ABD,>=,100,2020,,\n",
         "warning group_overlap groups.csv 7 unit AC"},
        /* A group that holds the whole's own unit is no part of it. */
        {HEADER "w,sum,C,>=,100,2020,,\nac,sum,AC,>=,10,2020,,\nabd,sum,ABD,>=,100,2020,,\n",
         "warning group_overlap groups.csv 7 unit AC"},
        /* A group is no whole. */
        {HEADER "ab,sum,AB,>=,60,2020,,\na,sum,A,>=,1,2020,,\n", "warning group_overlap groups.csv 7 unit AC"},
    };
    check_plans(plans, ARRAY_LEN(plans), files, ARRAY_LEN(files));
}

static void parts_of_the_same_claim_come_first(void)
{
    static const struct plan plans[] = {
        /* The table's own parts are right; the text's whole has none of its own and takes the table's. */
        {HEADER "w,sum,C,>=,100,2020,table,\nv,sum,C,>=,90,2020,text,\na,sum,A,>=,50,2020,table,\n"
                "b,sum,B,>=,30,2020,table,\nd,sum,D,>=,20,2020,table,\n",
         "warning claims_differ goals.csv 2 value w\nwarning parts_above_goal goals.csv 3 value v"},
        {HEADER "w,sum,C,>=,100,2020,table,\ne,sum,A,>=,999,2020,text,\na,sum,A,>=,50,2020,table,\n"
                "b,sum,B,>=,30,2020,table,\nd,sum,D,>=,20,2020,table,\n",
         "warning claims_differ goals.csv 3 value e"},
        /* Several other claims: one goal a unit, the first row of equals. */
        {HEADER "w,sum,C,>=,100,2020,table,\na,sum,A,>=,50,2020,one,\nf,sum,A,>=,50.0,2020,two,\n"
                "b,sum,B,>=,30,2020,two,\nd,sum,D,>=,20,2020,one,\n",
         ""},
    };
    check_plans(plans, ARRAY_LEN(plans), NULL, 0);
}

static void a_unit_with_several_goals_gives_the_one_due_with_the_whole(void)
{
    static const struct plan plans[] = {
        {HEADER "w,sum,C,>=,100,2020,,\nh,sum,C,>=,40,2020-06,,\na,sum,A,>=,100,2020,,\nb,sum,A,>=,40,2020-06,,\n"
                "c,sum,B,>=,0,2020,,\nd,sum,D,>=,0,2020,,\n",
         ""},
        /* Nothing due in June: the latest. */
        {HEADER "h,sum,C,>=,100,2020-06,,\na,sum,A,>=,100,2020,,\nb,sum,A,>=,40,2020-03,,\n"
                "c,sum,B,>=,0,2020,,\nd,sum,D,>=,0,2020,,\n",
         ""},
    };
    check_plans(plans, ARRAY_LEN(plans), NULL, 0);
}

static void two_claims_that_differ_are_told_once_a_pair(void)
{
    static const struct text_file files[] = {{"groups.csv", "group,unit\nAB,A\nAB,B\n"}};
    static const struct plan plans[] = {
        {HEADER "a,sum,A,>=,62,2020,table,\nb,sum,A,=,62,2020,text,\n", "warning claims_differ goals.csv 2 value a"},
        {HEADER "b,sum,A,>=,62,2020,text,\na,sum,A,>=,62.00,2020,table,\n", ""},
        {HEADER "a,sum,A,>=,62,2020,text,\nb,sum,A,>=,63,2020,table,\nc,sum,A,>=,64,2020,,\n",
         "warning claims_differ goals.csv 3 value b\nwarning claims_differ goals.csv 2 value a\n"
         "warning claims_differ goals.csv 2 value a"},
        {HEADER "a,sum,AB,>=,62,2020,text,\nb,sum,AB,>=,63,2020,table,\n", "warning claims_differ goals.csv 2 value a"},
        {HEADER "a,sum,A,>=,62,2020,text,\nb,sum,B,>=,63,2020,table,\n", ""},
        /* Half-way goals are compared with half-way goals. */
        {HEADER "a,sum,A,>=,62,2020,text,\nb,sum,A,>=,30,2020-06,text,\nc,sum,A,>=,30,2020-06,table,\n"
                "d,sum,A,>=,62,2020,table,\n",
         ""},
        {HEADER "a,sum,A,>=,62,2020,text,\nb,sum,A,>=,30,2020-06,text,\nc,sum,A,>=,31,2020-06,table,\n"
                "d,sum,A,>=,63,2020,table,\n",
         "warning claims_differ goals.csv 3 value b"},
        /* No day in common: what each says last. */
        {HEADER "a,sum,A,>=,62,2020-11,text,\nb,sum,A,>=,63,2020,table,\n", "warning claims_differ goals.csv 2 value a"},
    };
    check_plans(plans, ARRAY_LEN(plans), files, ARRAY_LEN(files));
}

/* The day the whole is due decides who lies below it. */
static void a_unit_that_moved_is_a_part_of_where_it_is_then(void)
{
    static const struct text_file files[] = {
        {"units.csv", "code,parent,level,name_zh,opened,closed\nC,,city,市,,\nA,C,district,甲,,\nB,C,district,乙,,\n"
                      "T,A,town,丙,,2019-12-31\nT,B,town,丙,2020-01-01,\n"}};
    static const struct plan plans[] = {
        {HEADER "old,towns,A,>=,10,2019,,\nnew,towns,B,>=,20,2020,,\nt,towns,T,>=,10,2020,,\n",
         "error parts_below_goal goals.csv 3 value new"},
        {HEADER "old,towns,A,>=,30,2019,,\nt,towns,T,>=,10,2020,,\n", "error parts_below_goal goals.csv 2 value old"},
        {HEADER "new,towns,A,>=,30,2020,,\nt,towns,T,>=,10,2020,,\n", ""},
    };
    check_plans(plans, ARRAY_LEN(plans), files, ARRAY_LEN(files));
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(parts_of_a_sum_must_reach_the_whole),
        SENTENCE(a_plan_that_contradicts_itself_can_still_be_used),
        SENTENCE(both_numbers_stand_in_the_sentence_exactly),
        SENTENCE(sums_beyond_int64_are_still_exact),
        SENTENCE(a_pooled_ratio_lies_between_its_parts),
        SENTENCE(an_integer_denominator_only_scales),
        SENTENCE(a_goal_without_parts_and_a_goal_with_some_are_told),
        SENTENCE(counters_of_reports_concern_all_who_owe_a_form_that_is_not_of_base_figures_alone),
        SENTENCE(only_units_that_owe_the_form_are_expected_to_have_goals),
        SENTENCE(only_the_topmost_parts_are_added),
        SENTENCE(a_group_is_a_part_like_a_unit),
        SENTENCE(parts_of_the_same_claim_come_first),
        SENTENCE(a_unit_with_several_goals_gives_the_one_due_with_the_whole),
        SENTENCE(two_claims_that_differ_are_told_once_a_pair),
        SENTENCE(a_unit_that_moved_is_a_part_of_where_it_is_then),
    };
    return suite_run("goal_arithmetic", sentences, ARRAY_LEN(sentences));
}
