/* test_check.c - limits, places, rules and jumps, with what the file says before what was known. */
#include "county.h"
#include "suite.h"

#define HEAD "element,unit,period,value,revision,reason\n"

static void expect(const char *known, const char *text, const char *figures, const char *notes)
{
    struct county county;
    county_open(&county);
    if (known[0] != '\0')
        CU_ASSERT_EQUAL(county_take(&county, "known.csv", known), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_check(&county, text), STATUS_OK);
    if (strcmp(county_summary(&county), figures) != 0)
        fprintf(stderr, "\n%s\nexpected: %s\ngot:      %s\n", text, figures, county_summary(&county));
    CU_ASSERT_STRING_EQUAL(county_summary(&county), figures);
    CU_ASSERT_STRING_EQUAL(county_notes(&county), notes);
    county_close(&county);
}

static void figures_outside_min_and_max_are_refused(void)
{
    expect("", HEAD "grain,L,2020-03,-0.01,,\ngrain,J,2020-03,1000.01,,\ngrain,W,2020-03,1000,,\n",
           "!below_min !above_max grain@W 2020-03=1000.00", "");
}

static void figures_of_a_wrong_place_are_refused(void)
{
    expect("", HEAD "grain,C,2020-03,1,,\ngrain,L,2020,1,,\npeople,T1,2020-03,1,,\ngrain,W,2014-12,1,,\n",
           "!wrong_level !wrong_frequency !wrong_level!wrong_frequency !unit_closed", "");
}

static void a_broken_hard_rule_refuses_the_whole_report(void)
{
    expect("", HEAD "grain,L,2020-03,1,,\nrice,L,2020-03,2,,\nsown,L,2020-03,3,,\nsown,J,2020-03,3,,\n",
           "!hard_rule !hard_rule !hard_rule sown@J 2020-03=3", "");
}

static void a_rule_whose_figures_are_not_there_is_skipped(void)
{
    expect("", HEAD "rice,L,2020-03,2,,\n", "rice@L 2020-03=2.00", "");
}

static void known_figures_complete_a_report_sent_in_pieces(void)
{
    expect(HEAD "grain,L,2020-03,1,,\n", HEAD "rice,L,2020-03,2,,\n", "!hard_rule", "");
    expect(HEAD "grain,L,2020-03,1,,\n", HEAD "rice,L,2020-03,2,,\ngrain,L,2020-03,2,,\n",
           "rice@L 2020-03=2.00 grain@L 2020-03=2.00", "");
}

static void a_retracted_figure_is_not_used(void)
{
    expect(HEAD "grain,L,2020-03,1,,\n",
           "element,unit,period,value,status\ngrain,L,2020-03,,X\nrice,L,2020-03,2,\n", "grain@L 2020-03=/X rice@L 2020-03=2.00",
           "");
}

static void a_lower_revision_than_the_known_one_is_history(void)
{
    expect(HEAD "grain,L,2020-03,1,5,\n", HEAD "grain,L,2020-03,9,4,\nrice,L,2020-03,2,,\n", "!hard_rule !hard_rule", "");
    expect(HEAD "grain,L,2020-03,1,5,\n", HEAD "grain,L,2020-03,9,6,\nrice,L,2020-03,2,,\n",
           "grain@L 2020-03=9.00#6 rice@L 2020-03=2.00", "");
}

static void a_refused_report_no_longer_counts_for_the_next_one(void)
{
    /* March falls by the rice rule, so April is not judged against March's 100. */
    expect("", HEAD "sown,L,2020-03,100,,\ngrain,L,2020-03,1,,\nrice,L,2020-03,2,,\nsown,L,2020-04,10,,\n",
           "!hard_rule !hard_rule !hard_rule sown@L 2020-04=10", "");
    expect("", HEAD "sown,L,2020-04,10,,\nsown,L,2020-03,100,,\n", "!hard_rule sown@L 2020-03=100", "");
    expect(HEAD "sown,L,2020-02,1000,,\n", HEAD "sown,L,2020-03,100,,\nsown,L,2020-04,10,,\n",
           "!hard_rule sown@L 2020-04=10", "");
}

static void soft_rules_and_jumps_are_noted_unless_explained(void)
{
    expect("", HEAD "sown,L,2020-03,6000,,\n", "sown@L 2020-03=6000", "soft_rule");
    expect("", HEAD "sown,L,2020-03,6000,,新并入\n", "sown@L 2020-03=6000", "");
    expect(HEAD "grain,L,2020-02,10,,\n", HEAD "grain,L,2020-03,15,,\n", "grain@L 2020-03=15.00", "");
    expect(HEAD "grain,L,2020-02,10,,\n", HEAD "grain,L,2020-03,15.01,,\n", "grain@L 2020-03=15.01", "jump");
    expect(HEAD "grain,L,2020-02,10,,\n", HEAD "grain,L,2020-03,4.99,,\n", "grain@L 2020-03=4.99", "jump");
    expect(HEAD "grain,L,2020-02,10,,\n", HEAD "grain,L,2020-03,15.01,,丰收\n", "grain@L 2020-03=15.01", "");
    expect(HEAD "grain,L,2020-02,0,,\n", HEAD "grain,L,2020-03,15.01,,\n", "grain@L 2020-03=15.01", "");
}

static void cumulative_figures_jump_by_what_each_period_added(void)
{
    /* January to April: 10, 10, 10, then 16 or 15. */
    static const char known[] = HEAD "built,L,2020-01,10,,\nbuilt,L,2020-02,20,,\nbuilt,L,2020-03,30,,\n";
    expect(known, HEAD "built,L,2020-04,46,,\n", "built@L 2020-04=46", "jump");
    expect(known, HEAD "built,L,2020-04,45,,\n", "built@L 2020-04=45", "");
    expect(known, HEAD "built,L,2020-04,34,,\n", "built@L 2020-04=34", "jump");
    expect(known, HEAD "built,L,2020-04,46,,集中开工\n", "built@L 2020-04=46", "");
    /* A new year starts from nothing: 12 in January against December's 12. */
    expect(HEAD "built,L,2019-11,100,,\nbuilt,L,2019-12,112,,\n", HEAD "built,L,2020-01,12,,\n", "built@L 2020-01=12", "");
    expect(HEAD "built,L,2019-11,100,,\nbuilt,L,2019-12,112,,\n", HEAD "built,L,2020-01,112,,\n",
           "built@L 2020-01=112", "jump");
    /* Without the figure before, nobody knows what was added. */
    expect(HEAD "built,L,2020-01,10,,\n", HEAD "built,L,2020-03,90,,\n", "built@L 2020-03=90", "");
}

static void a_reason_explains_the_rule_that_speaks_of_its_figure(void)
{
    expect("", HEAD "sown,L,2020-03,6000,,\ngrain,L,2020-03,5,,丰收\n", "sown@L 2020-03=6000 grain@L 2020-03=5.00",
           "soft_rule");
}

static void a_wide_cell_outside_its_limits_leaves_its_neighbours_alone(void)
{
    expect("", "unit,period,grain,sown\nL,2020-03,1001,5\n", "!above_max sown@L 2020-03=5", "");
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(figures_outside_min_and_max_are_refused),
        SENTENCE(figures_of_a_wrong_place_are_refused),
        SENTENCE(a_broken_hard_rule_refuses_the_whole_report),
        SENTENCE(a_rule_whose_figures_are_not_there_is_skipped),
        SENTENCE(known_figures_complete_a_report_sent_in_pieces),
        SENTENCE(a_retracted_figure_is_not_used),
        SENTENCE(a_lower_revision_than_the_known_one_is_history),
        SENTENCE(a_refused_report_no_longer_counts_for_the_next_one),
        SENTENCE(soft_rules_and_jumps_are_noted_unless_explained),
        SENTENCE(cumulative_figures_jump_by_what_each_period_added),
        SENTENCE(a_reason_explains_the_rule_that_speaks_of_its_figure),
        SENTENCE(a_wide_cell_outside_its_limits_leaves_its_neighbours_alone),
    };
    return suite_run("check", sentences, ARRAY_LEN(sentences));
}
