#include "catalogue.h"

#include "inline_catalogue.h"
#include "memory.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- loading ----------------------------------------------------------------------------------------------------- */

struct mistake {
    struct text_file file;
    const char *findings;
};

static void check_mistakes(const struct mistake *mistakes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct findings findings;
        struct catalogue *catalogue = load_inline(&mistakes[i].file, 1, &findings);
        CU_ASSERT_FATAL(catalogue != NULL);
        CU_ASSERT(findings_are(&findings, mistakes[i].findings));
        findings_free(&findings);
        catalogue_free(&catalogue);
    }
}

static void a_good_catalogue_has_no_findings(void)
{
    struct findings findings;
    struct catalogue *catalogue = load_inline(NULL, 0, &findings);
    CU_ASSERT(findings_are(&findings, ""));
    CU_ASSERT_EQUAL(catalogue->unit_count, 7);
    CU_ASSERT_EQUAL(catalogue->level_count, 3);
    CU_ASSERT_EQUAL(catalogue->root, catalogue_unit(catalogue, "C"));
    CU_ASSERT_STRING_EQUAL(catalogue->timezone, "Asia/Shanghai");
    CU_ASSERT_EQUAL(catalogue->year_start_month, 1);
    CU_ASSERT_EQUAL(catalogue->units[catalogue_unit(catalogue, "B1")].position, 5);
    CU_ASSERT_EQUAL(catalogue->units[catalogue_unit(catalogue, "B1")].slot, 2);
    CU_ASSERT_EQUAL(catalogue->units[catalogue_unit(catalogue, "A")].subtree_end, 4);
    CU_ASSERT_EQUAL(catalogue->elements[catalogue_element(catalogue, "top")].aggregate, AGGREGATE_MAX);
    CU_ASSERT_EQUAL(catalogue->forms[catalogue_form(catalogue, "m")].element_count, 4);
    CU_ASSERT_EQUAL(catalogue->forms[catalogue_form(catalogue, "m")].lock_days, -1);
    CU_ASSERT_EQUAL(catalogue->indicators[catalogue_indicator(catalogue, "rate")].factor.units, 1);
    CU_ASSERT_EQUAL(catalogue_unit(catalogue, "c"), NO_INDEX);
    CU_ASSERT_EQUAL(catalogue_unit(catalogue, ""), NO_INDEX);
    findings_free(&findings);
    catalogue_free(&catalogue);
    CU_ASSERT_PTR_NULL(catalogue);
    catalogue_free(&catalogue);
}

static void what_spreadsheets_leave_behind_is_passed_over(void)
{
    static const struct text_file files[] = {
        {"units.csv", "\xef\xbb\xbflevel,note,code,parent,name_zh,\r\n city ,x, C ,,市,\r\n\r\ndistrict,,A,C\xe3\x80\x80,"
                      "\"甲,区\"\r\n,,,,,,\r\ndistrict,\"a \"\"b\"\"\nc\",B,C,乙区,,,,\r\ntown,,T,B,丙\r\n"}};
    struct findings findings;
    struct catalogue *catalogue = load_inline(files, 1, &findings);
    CU_ASSERT(findings_are(&findings, ""));
    CU_ASSERT_EQUAL(catalogue->unit_count, 4);
    CU_ASSERT_STRING_EQUAL(catalogue->units[catalogue_unit(catalogue, "A")].name_zh, "甲,区");
    CU_ASSERT_EQUAL(catalogue->units[catalogue_unit(catalogue, "T")].placements[0].row, 8);
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void files_that_cannot_be_read_are_named(void)
{
    static const struct mistake mistakes[] = {
        {{"goals.csv", NULL}, "error missing_file goals.csv 0  goals.csv"},
        {{"units.csv", NULL}, "error missing_file units.csv 0  units.csv"},
        {{"datapackage.json", NULL}, "error missing_file datapackage.json 0  datapackage.json"},
        {{"goals.csv", ""}, "error empty_table goals.csv 0  goals.csv"},
        {{"goals.csv", "goal,indicator,unit,op,value\n"}, "error missing_column goals.csv 1 due goals.csv"},
        {{"goals.csv", "goal;indicator;unit;op;value;due\n"},
         "error missing_column goals.csv 1 goal goals.csv\nerror missing_column goals.csv 1 indicator goals.csv\n"
         "error missing_column goals.csv 1 unit goals.csv\nerror missing_column goals.csv 1 op goals.csv\n"
         "error missing_column goals.csv 1 value goals.csv\nerror missing_column goals.csv 1 due goals.csv"},
        {{"goals.csv", "goal,indicator,unit,op,value,due,op\n"}, "error repeated_column goals.csv 1 op goals.csv"},
        {{"goals.csv", "goal,indicator,unit,op,value,due\ng,sum,\"A,>=,1,2020\n"},
         "error unclosed_quote goals.csv 2  goals.csv"},
        {{"goals.csv", "goal,indicator,unit,op,value,due\n\"g\"x,sum,A,>=,1,2020\nh,sum,Z,>=,1,2020\n"},
         "error text_after_quote goals.csv 2  goals.csv\nerror unknown_reference goals.csv 3 unit h"},
        {{"goals.csv", "goal,indicator,unit,op,value,due\ng,sum,A,>=,1,000,2020\n"},
         "error extra_cells goals.csv 2  g\nerror bad_period goals.csv 2 due g"},
        {{"goals.csv", "goal,indicator,unit,op,value,due\ng,sum,\xbc\xd7,>=,1,2020\n"},
         "error bad_encoding goals.csv 2  goals.csv"},
    };
    check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void the_package_is_read_strictly(void)
{
#define REST "\"title\":\"t\",\"version\":\"1\",\"resources\":[]"
    static const struct mistake mistakes[] = {
        {{"datapackage.json", "{\"name\":\"n\"," REST ",\"year_start\":\"04-01\",\"timezone\":\"UTC\"}"}, ""},
        {{"datapackage.json", "{\"name\":\"n\",\n" REST ",}"}, "error bad_json datapackage.json 2  datapackage.json"},
        {{"datapackage.json", "[]"}, "error wrong_type datapackage.json 0  datapackage.json"},
        {{"datapackage.json", "{" REST "}"}, "error empty_value datapackage.json 0 name datapackage.json"},
        {{"datapackage.json", "{\"name\":3," REST "}"}, "error wrong_type datapackage.json 0 name datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\",\"name\":\"n\"," REST "}"},
         "error bad_json datapackage.json 1  datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\"}"},
         "warning empty_value datapackage.json 0 title datapackage.json\n"
         "warning empty_value datapackage.json 0 version datapackage.json\n"
         "warning empty_value datapackage.json 0 resources datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\"," REST ",\"year_start\":\"02-29\"}"},
         "error bad_year_start datapackage.json 0 year_start datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\"," REST ",\"year_start\":\"4-1\"}"},
         "error bad_year_start datapackage.json 0 year_start datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\"," REST ",\"timezone\":\"../etc\"}"},
         "error bad_timezone datapackage.json 0 timezone datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\"," REST ",\"timezone\":\"Asia/Changzhou\"}"},
         "error unknown_timezone datapackage.json 0 timezone datapackage.json"},
        {{"datapackage.json", "{\"name\":\"n\",\"title\":\"t\",\"version\":\"1\",\"resources\":"
                              "[{\"path\":\"units.csv\"},{\"path\":[\"rules.csv\",\"notes.txt\"]},7]}"},
         "warning resource_absent datapackage.json 0 resources datapackage.json"},
    };
    check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void mistakes_in_units_are_all_found(void)
{
#define UNITS "code,parent,level,name_zh,opened,closed\nC,,city,市,,\nA,C,district,甲,,\nT,A,town,丙,,\n"
    static const struct mistake mistakes[] = {
        {{"units.csv", UNITS "A,C,district,甲,,\n"}, "error duplicate_unit units.csv 5 code A"},
        {{"units.csv", UNITS ",C,district,甲,,\nD,C,,乙,,\nE,C,,,,\n"},
         "error empty_value units.csv 5 code \nerror empty_value units.csv 6 level D\n"
         "error empty_value units.csv 7 level E\nerror empty_value units.csv 7 name_zh E\n"
         "warning same_name units.csv 5 name_zh "},
        {{"units.csv", UNITS "\"D,1\",C,district,乙,,\nE\xe2\x80\x8b,C,district,戊,,\n"},
         "error bad_code units.csv 5 code D,1\nerror bad_code units.csv 6 code E\xe2\x80\x8b"},
        {{"units.csv", UNITS "D,CC,district,乙,,\n"}, "error unknown_reference units.csv 5 parent D"},
        {{"units.csv", UNITS "D,,district,乙,,\n"}, "error several_roots units.csv 5 parent D"},
        {{"units.csv", "code,parent,level,name_zh\nC,X,city,市\nX,A,district,x\nA,C,district,甲\nT,A,town,丙\n"},
         "error missing_root units.csv 0 parent units.csv\nerror cycle units.csv 2 parent C"},
        {{"units.csv", UNITS "P,Q,town,p,,\nQ,R,town,q,,\nR,P,town,r,,\nS,R,town,s,,\nV,V,town,v,,\n"},
         "error cycle units.csv 5 parent P\nerror cycle units.csv 9 parent V"},
        {{"units.csv", UNITS "B,C,district,甲,,\nD,A,district,甲,,\n"}, "warning same_name units.csv 5 name_zh B"},
        {{"units.csv", UNITS "B,C,district,乙,2020-13-01,2020/1/1\nD,C,district,丁,2020-02-02,2020-02-01\n"},
         "error bad_date units.csv 5 opened B\nerror bad_date units.csv 5 closed B\n"
         "error closed_before_opened units.csv 6 closed D"},
        /* Moved: days that touch overlap, days that follow do not. */
        {{"units.csv", UNITS "B,C,district,乙,,\nV,A,town,v,,2019-12-31\nV,B,town,v,2020-01-01,\n"}, ""},
        {{"units.csv", UNITS "B,C,district,乙,,\nV,B,town,v,2020-01-01,\nV,A,town,v,,2020-01-01\n"},
         "error duplicate_unit units.csv 7 code V"},
        {{"units.csv", UNITS "B,C,district,乙,,\nV,A,town,v,,2019-12-31\nV,C,district,v,2020-01-01,\n"},
         "error level_changed units.csv 7 level V"},
        {{"units.csv", UNITS "V,C,district,v,,2019-12-31\nV,,district,v,2020-01-01,\n"},
         "error several_roots units.csv 6 parent V"},
        /* A circle that only existed before the move. */
        {{"units.csv", UNITS "P,Q,district,p,,2019-12-31\nP,C,district,p,2020-01-01,\nQ,P,town,q,,\n"},
         "error cycle units.csv 5 parent P"},
        /* Set up anew under its old name. */
        {{"units.csv", UNITS "D,C,district,丁,,2019-12-31\nE,C,district,丁,2020-01-01,\n"}, ""},
    };
    check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void a_tree_deeper_than_the_limit_is_refused(void)
{
    char text[4000] = "code,parent,level,name_zh\nU0,,city,u0\nA,U0,district,a\nT,A,town,t\n";
    struct text_file file = {"units.csv", text};
    struct findings findings;
    struct catalogue *catalogue;
    for (int i = 1; i <= 70; i++) {
        const size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "U%d,U%d,district,u%d\n", i, i - 1, i);
    }
    catalogue = load_inline(&file, 1, &findings);
    CU_ASSERT(find_finding(&findings, "error too_deep units.csv 68 parent U64") != NULL);
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void mistakes_in_groups_forms_and_scopes_are_all_found(void)
{
    static const struct mistake mistakes[] = {
        {{"groups.csv", "group,unit\nG,A\nG,A\nG,Z\nG,\n,A\nA,B\n"},
         "error unknown_reference groups.csv 4 unit G\nerror empty_value groups.csv 5 unit G\n"
         "error empty_value groups.csv 6 group \nerror group_named_as_unit groups.csv 7 group A\n"
         "warning duplicate_row groups.csv 3 unit G"},
        {{"groups.csv", "group,unit\nG,A1\nG,A\n"}, "warning group_overlap groups.csv 2 unit G"},
        {{"forms.csv", "form,name_zh,frequency,level,due_days,lock_days\nm,月报,month,district,15,20\n"
                       "t,镇报,weekly,towns,-1,x\nc,市报,half,city,1.5,\nm,,day,city,0,\n"},
         "error unknown_word forms.csv 3 frequency t\nerror unknown_reference forms.csv 3 level t\n"
         "error bad_integer forms.csv 3 due_days t\nerror bad_integer forms.csv 3 lock_days t\n"
         "error bad_integer forms.csv 4 due_days c\nerror duplicate_code forms.csv 5 form m\n"
         "error empty_value forms.csv 5 name_zh m\ninfo form_without_elements forms.csv 5 form m"},
        {{"form_units.csv", "form,unit\nm,A\nm,A1\nq,A\nm,X\nm,A\n"},
         "error unit_not_of_level form_units.csv 3 unit m\nerror unknown_reference form_units.csv 4 form q\n"
         "error unknown_reference form_units.csv 5 unit m\nwarning duplicate_row form_units.csv 6 unit m"},
    };
    check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void mistakes_in_elements_and_indicators_are_all_found(void)
{
#define ELEMENTS                                                                                                       \
    "element,form,name_zh,kind,aggregate,unit_zh,decimals,min,max,jump_pct,required\n"                                 \
    "x,m,甲数,flow,,件,0,,,,\np,m,人口,base,,人,0,,,,yes\ntop,m,最高,flow,max,元,1,,,,FALSE\nz,t,镇数,flow,,件,0,,,,是\n"      \
    "own,c,市数,stock,,件,0,,,,0\n"
#define INDICATORS "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
    static const struct mistake mistakes[] = {
        {{"elements.csv", ELEMENTS "y,m,乙数,stock,,件,2,-1.5,100,50,no\n"}, ""},
        {{"elements.csv", ELEMENTS "y,mm,乙数,strm,avg,件,10,,,,maybe\n"},
         "error unknown_reference elements.csv 7 form y\nerror unknown_word elements.csv 7 kind y\n"
         "error unknown_word elements.csv 7 aggregate y\nerror bad_integer elements.csv 7 decimals y\n"
         "error unknown_word elements.csv 7 required y"},
        {{"elements.csv", ELEMENTS "y,m,乙数,stock,,件,1,2,1,-5,\nw,m,丁数,stock,,件,1,1.25,x,,\n"},
         "error min_above_max elements.csv 7 min y\nerror negative elements.csv 7 jump_pct y\n"
         "error too_many_decimals elements.csv 8 min w\nerror not_a_number elements.csv 8 max w"},
        {{"elements.csv", ELEMENTS "y,m,乙数,stock,,件,9,,10000000000,,\n"}, "error out_of_range elements.csv 7 max y"},
        {{"elements.csv", ELEMENTS "prev,m,乙数,stock,,件,0,,,,\nx-1,m,丙,flow,,件,0,,,,\n101,m,丁,flow,,件,0,,,,\n"},
         "error reserved_code elements.csv 7 element prev\nwarning code_not_a_name elements.csv 8 element x-1\n"
         "warning code_not_a_name elements.csv 9 element 101"},
        {{"elements.csv", ELEMENTS "y,m,乙数,ytd,max,件,0,,,,\n"}, "warning ytd_not_summed elements.csv 7 kind y"},
        {{"indicators.csv", INDICATORS "a,甲,x,y,100,1,up\nb,乙,x+,p,0,-1,Up\na,,,,x,1,down\n"},
         "error expression_ends indicators.csv 3 numerator b\nerror zero_factor indicators.csv 3 factor b\n"
         "error bad_integer indicators.csv 3 decimals b\nerror unknown_word indicators.csv 3 better b\n"
         "error duplicate_code indicators.csv 4 indicator a\nerror empty_value indicators.csv 4 name_zh a\n"
         "error empty_value indicators.csv 4 numerator a\nerror not_a_number indicators.csv 4 factor a"},
        {{"indicators.csv", INDICATORS "a,甲,x,expected_units,,1,up\nb,乙,z,expected_units - x,,1,up\n"
                                       "c,丙,x + z,expected_units,,1,up\nd,丁,expected_units,,,1,up\n"},
         "error expression_forms indicators.csv 4 denominator c\nerror expression_no_form indicators.csv 5 numerator d"},
        {{"rules.csv", "rule,form,check,severity,missing,message_zh\nr1,m,x >= 0,hard,,不能为负\nr2,q,x >,soft,never,\n"
                       "r1,m,x,fatal,zero,一\n"},
         "error unknown_reference rules.csv 3 form r2\nerror expression_ends rules.csv 3 check r2\n"
         "error unknown_word rules.csv 3 missing r2\nerror empty_value rules.csv 3 message_zh r2\n"
         "error duplicate_code rules.csv 4 rule r1\nerror expression_ends rules.csv 4 check r1\n"
         "error unknown_word rules.csv 4 severity r1"},
        {{"holidays.csv", "date,kind,name\n2020-10-01,holiday,国庆\n2020-10-10,workday,\n2020-10-01,workday,\n"
                          "2020-10-10,workday,\n,holiday,\n2020-10-32,free,\n"},
         "error empty_value holidays.csv 6 date \nerror bad_date holidays.csv 7 date 2020-10-32\n"
         "error unknown_word holidays.csv 7 kind 2020-10-32\nerror holiday_twice holidays.csv 4 date 2020-10-01"},
    };
    check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void mistakes_in_goals_are_all_found(void)
{
#define GOALS "goal,indicator,unit,op,value,due,pace,warn_pct,baseline,start\n"
    static const struct mistake mistakes[] = {
        {{"goals.csv", GOALS "g,sum,A,>=,5,2020-12-31,linear,10,0,2020-02\nh,sum,A,>=,6,2020-Q3,due,,,\n"
                             "i,sum,B,>=,7,2020,steps:2020-06=40;2020-09=70.5,,,\n"},
         ""},
        {{"goals.csv", GOALS "g,summ,E,=>,5.5.5,31/12/2020,quick,x,y,z\n"},
         "error unknown_reference goals.csv 2 indicator g\nerror unknown_reference goals.csv 2 unit g\n"
         "error unknown_word goals.csv 2 op g\nerror not_a_number goals.csv 2 value g\n"
         "error not_a_number goals.csv 2 baseline g\nerror not_a_number goals.csv 2 warn_pct g\n"
         "error bad_period goals.csv 2 due g\nerror bad_period goals.csv 2 start g\n"
         "error unknown_word goals.csv 2 pace g"},
        {{"goals.csv", GOALS ",,,,,,,,,\ng,,,,,,,,,\n"},
         "error empty_value goals.csv 3 indicator g\nerror goal_without_scope goals.csv 3 unit g\n"
         "error empty_value goals.csv 3 op g\nerror empty_value goals.csv 3 value g\nerror empty_value goals.csv 3 due g"},
        {{"goals.csv", GOALS "g,sum,A,>=,5,2020-03,,-1,,2020-04-01\ng,sum,A,>=,5,2020-03,,,,2020\n"},
         "error negative goals.csv 2 warn_pct g\nerror due_before_start goals.csv 2 due g\n"
         "error duplicate_code goals.csv 3 goal g"},
        {{"goals.csv", GOALS "g,sum,A,>=,5.5,2020,,,,\nh,sum,B,>=,5.0,2020,,,,\n"},
         "warning goal_too_fine goals.csv 2 value g"},
        {{"goals.csv", GOALS "g,sum,A,>=,5,2020,steps:,,,\nh,sum,A,>=,5,2020,steps:2020-06=40;2020-06=50,,,\n"
                             "i,sum,A,>=,5,2020,steps:2020-Q2=40;2020-09=-1;2020-10=x;2020-11=90,,,\n"
                             "j,sum,A,>=,5,2020,steps:2019-12=1;2020-12=100;2021-01=100,,,\n"},
         "error bad_steps goals.csv 2 pace g\nerror bad_steps goals.csv 3 pace h\nerror bad_steps goals.csv 4 pace i\n"
         "error bad_steps goals.csv 4 pace i\nerror bad_steps goals.csv 4 pace i\n"
         "warning step_outside goals.csv 5 pace j\nwarning step_outside goals.csv 5 pace j"},
    };
    check_mistakes(mistakes, ARRAY_LEN(mistakes));
}

static void goals_carry_what_is_written_and_the_defaults(void)
{
    static const struct text_file file = {
        "goals.csv", GOALS "g,sum,A,<=,5,2020-Q3,steps: 2020-06=40 ;2020-09=70.5,5.5,-2,\nh,sum,A,>=,5,2020-06-15,,,,\n"};
    struct findings findings;
    struct catalogue *catalogue = load_inline(&file, 1, &findings);
    const struct goal *goal = &catalogue->goals[catalogue_goal(catalogue, "g")];
    CU_ASSERT(findings_are(&findings, ""));
    CU_ASSERT_EQUAL(goal->op, COMPARE_LE);
    CU_ASSERT_EQUAL(goal->due, date_from_civil(2020, 9, 30));
    CU_ASSERT_EQUAL(goal->start, date_from_civil(2020, 1, 1));
    CU_ASSERT_EQUAL(goal->pace, PACE_STEPS);
    CU_ASSERT_EQUAL_FATAL(goal->step_count, 2);
    CU_ASSERT_EQUAL(goal->steps[1].percent.units, 705);
    CU_ASSERT_EQUAL(goal->steps[1].month.first, date_from_civil(2020, 9, 1));
    CU_ASSERT_EQUAL(goal->warn_pct.units, 55);
    CU_ASSERT_EQUAL(goal->baseline.units, -2);
    goal = &catalogue->goals[catalogue_goal(catalogue, "h")];
    CU_ASSERT_EQUAL(goal->due, date_from_civil(2020, 6, 15));
    CU_ASSERT_EQUAL(goal->pace, PACE_DEFAULT);
    CU_ASSERT_EQUAL(goal->warn_pct.units, 10);
    CU_ASSERT_EQUAL(goal->row, 3);
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void an_unknown_code_comes_with_the_nearest_one(void)
{
    static const struct text_file file = {"form_units.csv", "form,unit\nm,A3\n镇,A\nm,完全不同的代码\n"};
    struct findings findings;
    struct catalogue *catalogue = load_inline(&file, 1, &findings);
    CU_ASSERT_EQUAL_FATAL(findings.count, 3);
    CU_ASSERT_STRING_EQUAL(findings.items[0].fault.argument[2], "A"); /* of A, A1, A2 at one letter, the first */
    CU_ASSERT_STRING_EQUAL(findings.items[1].fault.argument[2], "-");
    CU_ASSERT_STRING_EQUAL(findings.items[2].fault.argument[2], "-");
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void a_mistake_repeated_in_every_row_is_counted_not_listed(void)
{
    const size_t rows = 3000;
    char *text = memory_array(rows + 10, 64);
    struct text_file file = {"goals.csv", text};
    size_t used = (size_t)snprintf(text, 64, "goal,indicator,unit,op,value,due\n");
    struct findings findings;
    struct catalogue *catalogue;
    for (size_t i = 0; i < rows; i++)
        used += (size_t)snprintf(text + used, 64, "g%zu,sum,A,>,1,2020\n", i);
    catalogue = load_inline(&file, 1, &findings);
    CU_ASSERT_EQUAL(findings.error_count, rows);
    CU_ASSERT_EQUAL(findings.count, 1001);
    CU_ASSERT_STRING_EQUAL(findings.items[1000].fault.argument[0], "2000");
    CU_ASSERT_EQUAL(findings.items[1000].severity, FINDING_INFO);
    findings_free(&findings);
    catalogue_free(&catalogue);
    free(text);
}

static void names_are_found_when_they_are_unambiguous(void)
{
    static const struct text_file file = {
        "units.csv", "code,parent,level,name_zh,name_en,opened,closed\nC,,city,市,City,,\nA,C,district,甲区,East,,\n"
                     "B,C,district,乙区,甲区,,\nA1,A,town,镇,,,\nB1,B,town,镇,,,\nV,A,town,旧名,,,2019-12-31\n"
                     "V,B,town,新名,,2020-01-01,\nS,A,town,同,同,,\n"};
    struct findings findings;
    struct catalogue *catalogue = load_inline(&file, 1, &findings);
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "市"), catalogue_unit(catalogue, "C"));
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "East"), catalogue_unit(catalogue, "A"));
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "甲区"), AMBIGUOUS_INDEX);
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "镇"), AMBIGUOUS_INDEX);
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "旧名"), catalogue_unit(catalogue, "V"));
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "新名"), catalogue_unit(catalogue, "V"));
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "同"), catalogue_unit(catalogue, "S"));
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, "没有"), NO_INDEX);
    CU_ASSERT_EQUAL(catalogue_unit_by_name(catalogue, ""), NO_INDEX);
    CU_ASSERT_EQUAL(catalogue_element_by_name(catalogue, "人口"), catalogue_element(catalogue, "p"));
    CU_ASSERT_STRING_EQUAL(catalogue->units[catalogue_unit(catalogue, "V")].name_zh, "新名");
    findings_free(&findings);
    catalogue_free(&catalogue);
}

static void hashes_tell_contents_and_layouts_apart(void)
{
    static const struct text_file renamed = {
        "units.csv", "code,parent,level,name_zh,name_en\nC,,city,市,City\nA,C,district,甲,East\nB,C,district,乙区,West\n"
                     "D,C,district,丁区,North\nA1,A,town,甲一,\nA2,A,town,甲二,\nB1,B,town,乙一,\n"};
    static const struct text_file reordered = {
        "units.csv", "code,parent,level,name_zh,name_en\nC,,city,市,City\nB,C,district,乙区,West\nA,C,district,甲区,East\n"
                     "D,C,district,丁区,North\nA1,A,town,甲一,\nA2,A,town,甲二,\nB1,B,town,乙一,\n"};
    struct findings findings;
    struct catalogue *one = load_inline(NULL, 0, &findings), *two, *three, *same;
    findings_free(&findings);
    two = load_inline(&renamed, 1, &findings);
    findings_free(&findings);
    three = load_inline(&reordered, 1, &findings);
    findings_free(&findings);
    same = load_inline(NULL, 0, &findings);
    findings_free(&findings);
    CU_ASSERT_EQUAL(memcmp(one->hash, same->hash, sizeof(one->hash)), 0);
    CU_ASSERT_EQUAL(memcmp(one->layout_hash, same->layout_hash, sizeof(one->hash)), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(one->hash, two->hash, sizeof(one->hash)), 0);
    CU_ASSERT_EQUAL(memcmp(one->layout_hash, two->layout_hash, sizeof(one->hash)), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(one->layout_hash, three->layout_hash, sizeof(one->hash)), 0);
    catalogue_free(&one);
    catalogue_free(&two);
    catalogue_free(&three);
    catalogue_free(&same);
}

static void a_folder_is_read_and_gives_its_files_back(void)
{
    char folder[] = "/tmp/suanpan-catalogue-XXXXXX", path[128];
    struct findings findings = {0};
    struct catalogue *catalogue = NULL, *again = NULL;
    const struct catalogue_file *files = NULL;
    struct fault why = {.message = MESSAGE_NONE};
    size_t count;
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < ARRAY_LEN(inline_files); i++) {
        FILE *file;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, inline_files[i].name);
        file = fopen(path, "wb");
        CU_ASSERT_FATAL(file != NULL);
        CU_ASSERT(fputs(inline_files[i].text, file) >= 0);
        CU_ASSERT_EQUAL(fclose(file), 0);
    }
    CU_ASSERT_EQUAL(catalogue_load(folder, &catalogue, &findings, &why), STATUS_OK);
    CU_ASSERT(findings_are(&findings, ""));
    count = catalogue_files(catalogue, &files);
    CU_ASSERT_EQUAL(count, ARRAY_LEN(inline_files));
    CU_ASSERT_EQUAL(catalogue_load_files(files, count, &again, &findings, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(memcmp(catalogue->hash, again->hash, sizeof(catalogue->hash)), 0);
    catalogue_free(&again);
    catalogue_free(&catalogue);
    for (size_t i = 0; i < ARRAY_LEN(inline_files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, inline_files[i].name);
        CU_ASSERT_EQUAL(unlink(path), 0);
    }
    /* A folder where a file should be is not a missing file. */
    (void)snprintf(path, sizeof(path), "%s/%s", folder, "units.csv");
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_EQUAL(catalogue_load(folder, &catalogue, &findings, &why), STATUS_OK);
    CU_ASSERT(find_finding(&findings, "error cannot_read units.csv 0  units.csv") != NULL);
    CU_ASSERT(find_finding(&findings, "error missing_file forms.csv 0  forms.csv") != NULL);
    catalogue_free(&catalogue);
    findings_free(&findings);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    CU_ASSERT_EQUAL(catalogue_load(folder, &catalogue, &findings, &why), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(message_code(why.message), "cannot_read");
    CU_ASSERT_EQUAL(findings.count, 0);
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

static struct period day_period(int32_t day)
{
    return (struct period){PERIOD_DAY, day, day};
}

static void a_moved_town_is_covered_on_either_side_of_its_move(void)
{
    static const struct text_file file = {
        "units.csv", "code,parent,level,name_zh,opened,closed\nC,,city,市,,\nA,C,district,甲,,\nB,C,district,乙,,\n"
                     "A1,A,town,a1,,\nT,A,town,t,,2019-12-31\nT,B,town,t,2020-01-01,\nB1,B,town,b1,,\n"};
    const int32_t move = date_from_civil(2020, 1, 1);
    struct findings findings;
    struct catalogue *catalogue = load_inline(&file, 1, &findings);
    const uint32_t town = catalogue_level(catalogue, "town");
    struct cover *covers = NULL;
    CU_ASSERT(findings_are(&findings, ""));
    /* Slots: A1 0, T 1 (below B now), B1 2. */
    CU_ASSERT_EQUAL_FATAL(catalogue_cover(catalogue, catalogue_unit(catalogue, "A"), town, &covers), 2);
    CU_ASSERT(covers[0].first_slot == 0 && covers[0].slot_count == 1);
    CU_ASSERT(covers[0].from == DAY_MIN && covers[0].until == DAY_MAX);
    CU_ASSERT(covers[1].first_slot == 1 && covers[1].from == DAY_MIN && covers[1].until == move - 1);
    free(covers);
    CU_ASSERT_EQUAL_FATAL(catalogue_cover(catalogue, catalogue_unit(catalogue, "B"), town, &covers), 2);
    CU_ASSERT(covers[0].first_slot == 1 && covers[0].from == move && covers[0].until == DAY_MAX);
    CU_ASSERT(covers[1].first_slot == 2 && covers[1].from == DAY_MIN);
    free(covers);
    /* For the city nothing moved. */
    CU_ASSERT_EQUAL_FATAL(catalogue_cover(catalogue, catalogue->root, town, &covers), 1);
    CU_ASSERT(covers[0].first_slot == 0 && covers[0].slot_count == 3 && covers[0].from == DAY_MIN);
    free(covers);
    CU_ASSERT_EQUAL(catalogue_cover(catalogue, catalogue_unit(catalogue, "T"), catalogue_level(catalogue, "district"),
                                    &covers),
                    0);
    CU_ASSERT_PTR_NULL(covers);
    CU_ASSERT(catalogue_is_below(catalogue, catalogue_unit(catalogue, "T"), catalogue_unit(catalogue, "A"), move - 1));
    CU_ASSERT(!catalogue_is_below(catalogue, catalogue_unit(catalogue, "T"), catalogue_unit(catalogue, "A"), move));
    findings_free(&findings);
    catalogue_free(&catalogue);
}

/* ---- random trees against a naive walk --------------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % limit);
}

#define NAIVE_UNITS 40
#define NAIVE_LEVELS 3
#define NAIVE_PLACEMENTS 4

struct naive_placement {
    uint32_t parent;
    int32_t opened, closed;
};

struct naive_unit {
    struct naive_placement placements[NAIVE_PLACEMENTS];
    uint32_t count, level;
};

struct naive_tree {
    struct naive_unit units[NAIVE_UNITS];
    uint32_t count;
    bool scope[NAIVE_UNITS]; /* owes the form `f`, when some unit of its level does */
    bool scoped;
};

static int32_t first_day(void)
{
    return date_from_civil(2020, 1, 1);
}

/* Up to four placements, each under a unit with a smaller number, so that no circle arises on any day. */
static void invent_unit(struct naive_unit *unit, uint32_t number, bool moves, bool dates)
{
    int32_t from = dates && random_below(3) == 0 ? first_day() - (int32_t)random_below(20) : DAY_MIN;
    unit->count = number > 2 && moves && random_below(4) == 0 ? 2 + random_below(NAIVE_PLACEMENTS - 1) : 1;
    unit->level = number == 0 ? 0 : random_below(NAIVE_LEVELS);
    for (uint32_t i = 0; i < unit->count; i++) {
        const bool last = i + 1 == unit->count;
        const int32_t least = from == DAY_MIN ? first_day() : from;
        int32_t until = least + (int32_t)random_below(12);
        if (last && !(dates && number > 0 && random_below(3) == 0))
            until = DAY_MAX;
        unit->placements[i] = (struct naive_placement){number == 0 ? NO_INDEX : random_below(number), from, until};
        /* Sometimes the next placement follows at once, sometimes after a gap. */
        from = last ? 0 : until + 1 + (random_below(3) == 0 ? (int32_t)random_below(6) : 0);
    }
}

static void invent_tree(struct naive_tree *tree)
{
    const bool moves = random_below(4) > 0, dates = random_below(3) > 0;
    *tree = (struct naive_tree){.count = 2 + random_below(NAIVE_UNITS - 1)};
    for (uint32_t i = 0; i < tree->count; i++)
        invent_unit(&tree->units[i], i, moves, dates);
    for (uint32_t i = 0; i < tree->count; i++) {
        tree->scope[i] = tree->units[i].level == 0 && random_below(2) == 0;
        tree->scoped = tree->scoped || tree->scope[i];
    }
}

static const char *day_text(int32_t day, char text[DATE_TEXT])
{
    text[0] = '\0';
    if (day != DAY_MIN && day != DAY_MAX)
        date_format(day, text);
    return text;
}

/* The rows of one unit stand together, newest first, so that the loader has to sort. */
static char *write_units(const struct naive_tree *tree)
{
    char *text = NULL, opened[DATE_TEXT], closed[DATE_TEXT], parent[16];
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    (void)fprintf(out, "code,parent,level,name_zh,opened,closed\n");
    for (uint32_t i = 0; i < tree->count; i++)
        for (uint32_t j = tree->units[i].count; j-- > 0;) {
            const struct naive_placement *placement = &tree->units[i].placements[j];
            parent[0] = '\0';
            if (placement->parent != NO_INDEX)
                (void)snprintf(parent, sizeof(parent), "u%u", placement->parent);
            (void)fprintf(out, "u%u,%s,l%u,n%u,%s,%s\n", i, parent, tree->units[i].level, i,
                          day_text(placement->opened, opened), day_text(placement->closed, closed));
        }
    (void)fclose(out);
    return text;
}

static char *write_scope(const struct naive_tree *tree)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    (void)fprintf(out, "form,unit\n");
    for (uint32_t i = tree->count; i-- > 0;)
        if (tree->scope[i])
            (void)fprintf(out, "f,u%u\n", i);
    (void)fclose(out);
    return text;
}

static struct catalogue *load_naive(const struct naive_tree *tree)
{
    char *units = write_units(tree), *scope = write_scope(tree);
    const struct text_file files[] = {
        {"units.csv", units},
        {"form_units.csv", scope},
        {"forms.csv", "form,name_zh,frequency,level,due_days\nf,f,day,l0,1\n"},
        {"elements.csv", "element,form,name_zh,kind,unit_zh,decimals\nx,f,x,flow,,0\n"},
        {"indicators.csv", "indicator,name_zh,numerator,decimals,better\nx,x,x,0,up\n"}};
    struct findings findings;
    struct catalogue *catalogue = load_inline(files, ARRAY_LEN(files), &findings);
    CU_ASSERT(findings_are(&findings, ""));
    findings_free(&findings);
    free(units);
    free(scope);
    return catalogue;
}

static uint32_t naive_parent(const struct naive_unit *unit, int32_t day)
{
    uint32_t parent = unit->placements[0].parent;
    for (uint32_t i = 0; i < unit->count; i++)
        if (unit->placements[i].opened <= day)
            parent = unit->placements[i].parent;
    return parent;
}

static bool naive_is_below(const struct naive_tree *tree, uint32_t unit, uint32_t ancestor, int32_t day)
{
    while (unit != ancestor && unit != NO_INDEX)
        unit = naive_parent(&tree->units[unit], day);
    return unit == ancestor;
}

static bool naive_open(const struct naive_unit *unit, struct period period)
{
    for (uint32_t i = 0; i < unit->count; i++)
        if (unit->placements[i].opened <= period.last && unit->placements[i].closed >= period.first)
            return true;
    return false;
}

/* How often the covers give a slot for a day; anything but 0 and 1 is a mistake. */
static size_t times_covered(const struct cover *covers, size_t count, uint32_t slot, int32_t day)
{
    size_t times = 0;
    for (size_t i = 0; i < count; i++)
        times += slot >= covers[i].first_slot && slot < covers[i].first_slot + covers[i].slot_count &&
                 day >= covers[i].from && day <= covers[i].until;
    return times;
}

static size_t compare_covers(const struct naive_tree *tree, const struct catalogue *catalogue, const uint32_t *units,
                             size_t unit_count, uint32_t level)
{
    struct cover *covers = NULL;
    const size_t count = catalogue_cover_units(catalogue, units, unit_count, level, &covers);
    size_t wrong = 0;
    for (uint32_t slot = 0; slot < catalogue->levels[level].unit_count; slot++) {
        const uint32_t unit = catalogue->levels[level].unit_of_slot[slot];
        for (int32_t day = first_day() - 25; day < first_day() + 70; day++) {
            bool below = false;
            for (size_t i = 0; i < unit_count && !below; i++)
                below = naive_is_below(tree, unit, units[i], day);
            wrong += times_covered(covers, count, slot, day) != (below ? 1u : 0u);
        }
    }
    free(covers);
    return wrong;
}

static size_t compare_all_covers(const struct naive_tree *tree, const struct catalogue *catalogue)
{
    size_t wrong = 0;
    for (uint32_t level = 0; level < catalogue->level_count; level++) {
        uint32_t several[5];
        for (uint32_t unit = 0; unit < tree->count; unit++)
            wrong += compare_covers(tree, catalogue, &unit, 1, level);
        for (size_t i = 0; i < ARRAY_LEN(several); i++)
            several[i] = random_below(tree->count);
        wrong += compare_covers(tree, catalogue, several, ARRAY_LEN(several), level);
    }
    return wrong;
}

static size_t compare_below(const struct naive_tree *tree, const struct catalogue *catalogue)
{
    size_t wrong = 0;
    for (int i = 0; i < 500; i++) {
        const uint32_t unit = random_below(tree->count), ancestor = random_below(tree->count);
        const int32_t day = first_day() - 25 + (int32_t)random_below(90);
        wrong += catalogue_is_below(catalogue, unit, ancestor, day) != naive_is_below(tree, unit, ancestor, day);
    }
    return wrong;
}

static bool naive_owes(const struct naive_tree *tree, uint32_t unit, struct period period)
{
    return tree->units[unit].level == 0 && (!tree->scoped || tree->scope[unit]) &&
           naive_open(&tree->units[unit], period);
}

static size_t compare_owing(const struct naive_tree *tree, const struct catalogue *catalogue)
{
    const struct form *form = &catalogue->forms[0];
    const struct level *level = &catalogue->levels[form->level];
    size_t wrong = 0;
    for (int i = 0; i < 200; i++) {
        const uint32_t first = random_below(level->unit_count);
        const uint32_t count = random_below(level->unit_count - first + 1);
        struct period period = {PERIOD_DAY, first_day() - 25 + (int32_t)random_below(90), 0};
        size_t owing = 0;
        period.last = period.first + (int32_t)random_below(20);
        for (uint32_t slot = first; slot < first + count; slot++) {
            const uint32_t unit = level->unit_of_slot[slot];
            owing += naive_owes(tree, unit, period);
            wrong += catalogue_owes(catalogue, form, unit, period) != naive_owes(tree, unit, period);
            wrong += catalogue_unit_open(catalogue, unit, period) != naive_open(&tree->units[unit], period);
        }
        wrong += catalogue_owing(catalogue, form, first, count, period) != owing;
    }
    return wrong;
}

/* Preorder of the newest tree: a parent before its children, its subtree without a gap, slots in the same order. */
static size_t compare_order(const struct naive_tree *tree, const struct catalogue *catalogue)
{
    size_t wrong = 0;
    for (uint32_t i = 0; i < tree->count; i++)
        for (uint32_t j = 0; j < tree->count; j++) {
            const struct unit *one = &catalogue->units[i], *other = &catalogue->units[j];
            wrong += naive_is_below(tree, j, i, DAY_MAX) !=
                     (other->position >= one->position && other->position < one->subtree_end);
            wrong += i != j && one->position == other->position;
            wrong += one->level == other->level && (one->position < other->position) != (one->slot < other->slot);
            wrong += one->parent == other->parent && i < j && one->position > other->position;
        }
    return wrong;
}

static void random_trees_agree_with_a_naive_walk(void)
{
    const char *given = getenv("SUANPAN_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("\n    seed %llu (SUANPAN_SEED repeats it)\n", (unsigned long long)seed);
    random_state = seed * 2654435761u + 88172645463325252u;
    for (int i = 0; i < 60; i++) {
        struct naive_tree tree;
        struct catalogue *catalogue;
        invent_tree(&tree);
        catalogue = load_naive(&tree);
        CU_ASSERT_FATAL(catalogue != NULL);
        CU_ASSERT_EQUAL(compare_order(&tree, catalogue), 0);
        CU_ASSERT_EQUAL(compare_below(&tree, catalogue), 0);
        CU_ASSERT_EQUAL(compare_all_covers(&tree, catalogue), 0);
        CU_ASSERT_EQUAL(compare_owing(&tree, catalogue), 0);
        catalogue_free(&catalogue);
    }
}

/* More units than one block of opening days, with a few dates among them. */
static void owing_counts_across_blocks(void)
{
    const uint32_t count = 2000;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    struct text_file file = {"units.csv", NULL};
    struct findings findings;
    struct catalogue *catalogue;
    const struct form *form;
    CU_ASSERT_FATAL(out != NULL);
    (void)fprintf(out, "code,parent,level,name_zh,opened,closed\nC,,city,市,,\n");
    for (uint32_t i = 0; i < count; i++)
        (void)fprintf(out, "%s%u,C,%s,n%u,%s,%s\n", i == 0 ? "A" : "d", i, i == 1 ? "town" : "district", i,
                      i % 700 == 5 ? "2020-05-01" : "1949-10-01", i % 900 == 7 ? "2019-12-31" : "");
    (void)fclose(out);
    file.text = text;
    catalogue = load_inline(&file, 1, &findings);
    CU_ASSERT(findings_are(&findings, ""));
    form = &catalogue->forms[catalogue_form(catalogue, "m")];
    /* Opened in May: 5, 705, 1405. Closed in 2019: 7, 907, 1807. */
    CU_ASSERT_EQUAL(catalogue_owing(catalogue, form, 0, count - 1, day_period(date_from_civil(2020, 2, 1))), 1993);
    CU_ASSERT_EQUAL(catalogue_owing(catalogue, form, 0, count - 1, day_period(date_from_civil(2020, 6, 1))), 1996);
    CU_ASSERT_EQUAL(catalogue_owing(catalogue, form, 0, count - 1, day_period(date_from_civil(2019, 6, 1))), 1996);
    CU_ASSERT_EQUAL(catalogue_owing(catalogue, form, 0, count - 1, day_period(date_from_civil(1949, 9, 30))), 0);
    CU_ASSERT_EQUAL(catalogue_owing(catalogue, form, 600, 200, day_period(date_from_civil(2020, 2, 1))), 199);
    CU_ASSERT_EQUAL(catalogue_owing(catalogue, form, 600, 0, day_period(date_from_civil(2020, 2, 1))), 0);
    findings_free(&findings);
    catalogue_free(&catalogue);
    free(text);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_good_catalogue_has_no_findings),
        SENTENCE(what_spreadsheets_leave_behind_is_passed_over),
        SENTENCE(files_that_cannot_be_read_are_named),
        SENTENCE(the_package_is_read_strictly),
        SENTENCE(mistakes_in_units_are_all_found),
        SENTENCE(a_tree_deeper_than_the_limit_is_refused),
        SENTENCE(mistakes_in_groups_forms_and_scopes_are_all_found),
        SENTENCE(mistakes_in_elements_and_indicators_are_all_found),
        SENTENCE(mistakes_in_goals_are_all_found),
        SENTENCE(goals_carry_what_is_written_and_the_defaults),
        SENTENCE(an_unknown_code_comes_with_the_nearest_one),
        SENTENCE(a_mistake_repeated_in_every_row_is_counted_not_listed),
        SENTENCE(names_are_found_when_they_are_unambiguous),
        SENTENCE(hashes_tell_contents_and_layouts_apart),
        SENTENCE(a_folder_is_read_and_gives_its_files_back),
        SENTENCE(a_moved_town_is_covered_on_either_side_of_its_move),
        SENTENCE(random_trees_agree_with_a_naive_walk),
        SENTENCE(owing_counts_across_blocks),
    };
    return suite_run("catalogue", sentences, ARRAY_LEN(sentences));
}
