#include "expression.h"

#include "inline_catalogue.h"
#include "suite.h"

#include <string.h>

static struct catalogue *catalogue;

/* Writes the terms back in one canonical form. */
static void write_terms(const struct expression *expression, char *ret_text, size_t capacity)
{
    static const char *const names[] = {"", "", "expected_units", "reports_expected", "reports_received",
                                        "reports_on_time", "reports_clean"};
    static const char *const shifts[] = {"", "prev:", "prev_year:"};
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        const char *name = term->kind == TERM_ELEMENT ? catalogue->elements[term->element].code : names[term->kind];
        const int wrote = snprintf(ret_text + used, capacity - used, "%s%lld%s%s%s", i == 0 ? "" : " ",
                                   (long long)term->factor, term->kind == TERM_INTEGER ? "" : "*",
                                   shifts[term->shift], name);
        if (wrote < 0 || (size_t)wrote >= capacity - used)
            return;
        used += (size_t)wrote;
    }
}

static void linear_expressions_are_read(void)
{
    static const struct {
        const char *text, *terms;
    } accepts[] = {
        {"x", "1*x"},
        {"  x  ", "1*x"},
        {"x+y-z", "1*x 1*y -1*z"},
        {"x - prev(y) + 3", "1*x -1*prev:y 3"},
        {"-x", "-1*x"},
        {"+x", "1*x"},
        {"-3", "-3"},
        {"2*x", "2*x"},
        {"2 * x-2*prev_year( y )", "2*x -2*prev_year:y"},
        {"- 2*prev(x)", "-2*prev:x"},
        {"100*reports_on_time", "100*reports_on_time"},
        {"reports_expected - reports_received", "1*reports_expected -1*reports_received"},
        {"reports_clean", "1*reports_clean"},
        {"x\t+\ny", "1*x 1*y"},
        {"x\xe3\x80\x80+\xc2\xa0y", "1*x 1*y"},
        {"指标一 + 低保.人数", "1*指标一 1*低保.人数"},
        {"9223372036854775807", "9223372036854775807"},
        {"expected_units + x", "1*expected_units 1*x"},
        {"0*x", "0*x"},
        {"2x", "1*2x"}, /* a name, not a product */
        {"prev", NULL}, /* a reserved word is never an element */
    };
    for (size_t i = 0; i < ARRAY_LEN(accepts); i++) {
        struct expression expression = {0};
        char terms[300];
        const enum status status = expression_parse(accepts[i].text, catalogue, &expression, NULL);
        CU_ASSERT_EQUAL(status, accepts[i].terms == NULL ? STATUS_REFUSED : STATUS_OK);
        if (status != STATUS_OK)
            continue;
        write_terms(&expression, terms, sizeof(terms));
        CU_ASSERT_STRING_EQUAL(terms, accepts[i].terms);
        expression_free(&expression);
    }
}

static void what_is_not_linear_is_refused_with_its_word_and_place(void)
{
    static const struct {
        const char *text, *code, *word, *position;
    } refuses[] = {
        {"", "expression_ends", "", "1"},
        {"   ", "expression_ends", "", "4"},
        {"x +", "expression_ends", "", "4"},
        {"x + + y", "expression_unexpected", "+", "5"},
        {"x y", "expression_unexpected", "y", "3"},
        {"x * y", "expression_unexpected", "*", "3"},
        {"x * 2", "expression_unexpected", "*", "3"},
        {"2*3", "expression_unexpected", "3", "3"},
        {"x / y", "expression_unexpected", "/", "3"},
        {"(x + y)", "expression_unexpected", "(", "1"},
        {"prev x", "expression_unexpected", "x", "6"},
        {"prev(x", "expression_ends", "", "7"},
        {"prev(x + y)", "expression_unexpected", "+", "8"},
        {"prev(2*x)", "expression_name", "2", "6"},
        {"prev()", "expression_unexpected", ")", "6"},
        {"prev(reports_clean)", "expression_name", "reports_clean", "6"},
        {"x + unknown", "expression_name", "unknown", "5"},
        {"指标一 + 低保", "expression_name", "低保", "7"},
        {"x = y", "expression_unexpected", "=", "3"},
        {"0.5*x", "expression_name", "0.5", "1"},
        {"9223372036854775808", "expression_integer", "9223372036854775808", "1"},
        {"x，y", "expression_name", "x，y", "1"},
        {"x;y", "expression_unexpected", ";", "2"},
        {"X", "expression_name", "X", "1"},
        {"x + expected_units + z", "expression_forms", "m", "t"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++) {
        struct expression expression = {0};
        struct fault why = {.message = MESSAGE_NONE};
        const enum status status = expression_parse(refuses[i].text, catalogue, &expression, &why);
        CU_ASSERT_EQUAL(status, STATUS_REFUSED);
        CU_ASSERT_STRING_EQUAL(message_code(why.message), refuses[i].code);
        CU_ASSERT_STRING_EQUAL(why.argument[0], refuses[i].word);
        CU_ASSERT_STRING_EQUAL(why.argument[1], refuses[i].position);
        if (status == STATUS_OK)
            expression_free(&expression);
    }
}

static void an_unknown_name_comes_with_the_nearest_one(void)
{
    struct expression expression = {0};
    struct fault why = {.message = MESSAGE_NONE};
    CU_ASSERT_EQUAL(expression_parse("x + 低保.人", catalogue, &expression, &why), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(why.argument[2], "低保.人数");
}

static void more_terms_than_the_limit_are_refused(void)
{
    char text[LIMIT_EXPRESSION_TERMS * 2 + 8];
    struct expression expression = {0};
    struct fault why = {.message = MESSAGE_NONE};
    for (size_t i = 0; i <= LIMIT_EXPRESSION_TERMS; i++) {
        text[2 * i] = 'x';
        text[2 * i + 1] = '+';
    }
    text[2 * LIMIT_EXPRESSION_TERMS - 1] = '\0';
    CU_ASSERT_EQUAL(expression_parse(text, catalogue, &expression, &why), STATUS_OK);
    CU_ASSERT_EQUAL(expression.count, LIMIT_EXPRESSION_TERMS);
    expression_free(&expression);
    text[2 * LIMIT_EXPRESSION_TERMS - 1] = '+';
    text[2 * LIMIT_EXPRESSION_TERMS + 1] = '\0';
    CU_ASSERT_EQUAL(expression_parse(text, catalogue, &expression, &why), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(message_code(why.message), "expression_long");
}

static void every_comparison_is_read(void)
{
    static const struct {
        const char *text;
        enum compare op;
    } checks[] = {{"x = y", COMPARE_EQ}, {"x!=y", COMPARE_NE}, {"x <= y", COMPARE_LE},
                  {"x>=y", COMPARE_GE},  {"x < y", COMPARE_LT}, {"x>y", COMPARE_GT}};
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct expression left = {0}, right = {0};
        enum compare op = COMPARE_NE;
        CU_ASSERT_EQUAL(expression_parse_check(checks[i].text, catalogue, &left, &op, &right, NULL), STATUS_OK);
        CU_ASSERT_EQUAL(op, checks[i].op);
        CU_ASSERT_EQUAL(left.count, 1);
        CU_ASSERT_EQUAL(right.count, 1);
        expression_free(&left);
        expression_free(&right);
    }
}

static void a_check_needs_exactly_one_comparison(void)
{
    static const char *const refuses[] = {"x", "x + y", "x == y", "x = y = z", "= x", "x <", "x <> y", "x ! y", "x >=< y"};
    for (size_t i = 0; i < ARRAY_LEN(refuses); i++) {
        struct expression left = {0}, right = {0};
        enum compare op;
        CU_ASSERT_EQUAL(expression_parse_check(refuses[i], catalogue, &left, &op, &right, NULL), STATUS_REFUSED);
    }
}

static void expected_units_counts_the_form_beside_it_or_opposite(void)
{
    struct expression left = {0}, right = {0};
    struct fault why = {.message = MESSAGE_NONE};
    enum compare op;
    CU_ASSERT_EQUAL(expression_parse_check("z <= expected_units", catalogue, &left, &op, &right, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(right.expected_units_form, catalogue_form(catalogue, "t"));
    CU_ASSERT_EQUAL(left.expected_units_form, NO_INDEX);
    expression_free(&left);
    expression_free(&right);
    /* Its own elements come first: the other side may then be of another form. */
    CU_ASSERT_EQUAL(expression_parse_check("z >= x - expected_units", catalogue, &left, &op, &right, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(right.expected_units_form, catalogue_form(catalogue, "m"));
    expression_free(&left);
    expression_free(&right);
    CU_ASSERT_EQUAL(expression_parse_check("x + z > expected_units", catalogue, &left, &op, &right, &why),
                    STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(message_code(why.message), "expression_forms");
    CU_ASSERT_EQUAL(expression_parse_check("expected_units > 3", catalogue, &left, &op, &right, &why), STATUS_REFUSED);
    CU_ASSERT_STRING_EQUAL(message_code(why.message), "expression_no_form");
}

/* ---- computing --------------------------------------------------------------------------------------------------- */

/* x = 10, y = 1/3, z missing, top overflows; counters 7; prev is ten less. */
static enum term_state small_world(void *context, const struct term *term, mpq_t ret_value)
{
    const char *code = term->kind == TERM_ELEMENT ? catalogue->elements[term->element].code : "";
    int *asked = context;
    if (asked != NULL)
        (*asked)++;
    mpq_set_si(ret_value, 7, 1);
    if (strcmp(code, "x") == 0)
        mpq_set_si(ret_value, term->shift == SHIFT_PREV ? 0 : 10, 1);
    else if (strcmp(code, "y") == 0)
        mpq_set_si(ret_value, 1, 3);
    else if (strcmp(code, "z") == 0)
        return TERM_MISSING;
    else if (strcmp(code, "top") == 0)
        return TERM_OVERFLOW;
    return TERM_PRESENT;
}

static void values_are_exact(void)
{
    static const struct {
        const char *text;
        enum term_state state;
        bool zero;
        const char *value;
    } sums[] = {
        {"x", TERM_PRESENT, false, "10"},
        {"3*y", TERM_PRESENT, false, "1"},
        {"x - 2*y + 4", TERM_PRESENT, false, "40/3"},
        {"x - prev(x)", TERM_PRESENT, false, "10"},
        {"100*reports_on_time - 1", TERM_PRESENT, false, "699"},
        {"x + z", TERM_MISSING, false, NULL},
        {"x + z", TERM_PRESENT, true, "10"},
        {"z + top", TERM_OVERFLOW, false, NULL},
        {"top + z", TERM_OVERFLOW, true, NULL},
        {"9223372036854775807*x + 9223372036854775807*x", TERM_PRESENT, false, "184467440737095516140"},
    };
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        struct expression expression = {0};
        mpq_t value, expected;
        mpq_inits(value, expected, NULL);
        CU_ASSERT_EQUAL_FATAL(expression_parse(sums[i].text, catalogue, &expression, NULL), STATUS_OK);
        CU_ASSERT_EQUAL(expression_evaluate(&expression, small_world, NULL, sums[i].zero, value), sums[i].state);
        if (sums[i].value != NULL) {
            CU_ASSERT_EQUAL(mpq_set_str(expected, sums[i].value, 10), 0);
            CU_ASSERT(mpq_equal(value, expected) != 0);
        }
        expression_free(&expression);
        mpq_clears(value, expected, NULL);
    }
}

static void an_integer_is_never_looked_up(void)
{
    struct expression expression = {0};
    int asked = 0;
    mpq_t value;
    mpq_init(value);
    CU_ASSERT_EQUAL_FATAL(expression_parse("3 - x + 4", catalogue, &expression, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(expression_evaluate(&expression, small_world, &asked, false, value), TERM_PRESENT);
    CU_ASSERT_EQUAL(asked, 1);
    expression_free(&expression);
    mpq_clear(value);
}

static void rules_follow_their_strategy_for_missing_figures(void)
{
    static const struct {
        const char *check;
        enum rule_missing missing;
        enum rule_outcome outcome;
    } rules[] = {
        {"x >= 10", MISSING_SKIP_ANY, RULE_HOLDS},     {"x > 10", MISSING_SKIP_ANY, RULE_BROKEN},
        {"x = x + z", MISSING_SKIP_ANY, RULE_SKIPPED}, {"x = x + z", MISSING_SKIP_ALL, RULE_HOLDS},
        {"x != x + z", MISSING_ZERO, RULE_BROKEN},     {"z = 0", MISSING_SKIP_ALL, RULE_SKIPPED},
        {"z = 0", MISSING_ZERO, RULE_HOLDS},           {"z > 0", MISSING_ZERO, RULE_BROKEN},
        {"1 = 2", MISSING_SKIP_ALL, RULE_BROKEN},      {"z < top", MISSING_SKIP_ANY, RULE_BROKEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        struct rule rule = {.missing = rules[i].missing};
        CU_ASSERT_EQUAL_FATAL(
            expression_parse_check(rules[i].check, catalogue, &rule.left, &rule.op, &rule.right, NULL), STATUS_OK);
        CU_ASSERT_EQUAL(rule_evaluate(&rule, small_world, NULL), rules[i].outcome);
        expression_free(&rule.left);
        expression_free(&rule.right);
    }
}

static void an_expression_is_as_fine_as_its_finest_element(void)
{
    struct expression expression = {0};
    CU_ASSERT_EQUAL_FATAL(expression_parse("x + y + top", catalogue, &expression, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(expression_decimals(&expression, catalogue), 2);
    expression_free(&expression);
}

int main(void)
{
    static const struct text_file files[] = {
        {"elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\n"
                         "x,m,甲,flow,,件,0\ny,m,乙,stock,,件,2\ntop,m,最高,flow,max,元,1\np,m,人口,base,,人,0\n"
                         "z,t,镇,flow,,件,0\nown,c,市,stock,,件,0\n指标一,m,中,flow,,件,0\n"
                         "低保.人数,m,文,flow,,件,0\n2x,m,二,flow,,件,0\n"}};
    const struct sentence sentences[] = {
        SENTENCE(linear_expressions_are_read),
        SENTENCE(what_is_not_linear_is_refused_with_its_word_and_place),
        SENTENCE(an_unknown_name_comes_with_the_nearest_one),
        SENTENCE(more_terms_than_the_limit_are_refused),
        SENTENCE(every_comparison_is_read),
        SENTENCE(a_check_needs_exactly_one_comparison),
        SENTENCE(expected_units_counts_the_form_beside_it_or_opposite),
        SENTENCE(values_are_exact),
        SENTENCE(an_integer_is_never_looked_up),
        SENTENCE(rules_follow_their_strategy_for_missing_figures),
        SENTENCE(an_expression_is_as_fine_as_its_finest_element),
    };
    struct findings findings;
    int result;
    catalogue = load_inline(files, ARRAY_LEN(files), &findings);
    if (catalogue == NULL || findings.error_count > 0)
        return EXIT_FAILURE;
    result = suite_run("expression", sentences, ARRAY_LEN(sentences));
    findings_free(&findings);
    catalogue_free(&catalogue);
    return result;
}
