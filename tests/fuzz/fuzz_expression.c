/* fuzz_expression.c - any text as an expression and as a check: what is taken has its terms within the limit, the same exact
 * value every time, and a comparison is true or its contrary is. */
#include "fuzz.h"

#include "expression.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static enum term_state value_of(void *context, const struct term *term, mpq_t ret_value)
{
    const uint64_t seed = *(const uint64_t *)context + (uint64_t)term->kind * 31 + term->element * 7 + (uint64_t)term->shift;
    if (seed % 11 == 3)
        return TERM_MISSING;
    if (seed % 13 == 5)
        return TERM_OVERFLOW;
    ratio_set_decimal(ret_value, (struct decimal){(int64_t)(seed * UINT64_C(0x9e3779b97f4a7c15)), (uint8_t)(seed % 10)});
    return TERM_PRESENT;
}

static void look_at(const struct expression *expression, const struct catalogue *catalogue)
{
    uint64_t seed = 1;
    mpq_t one, other;
    mpq_inits(one, other, (mpq_ptr)NULL);
    fuzz_require(expression->count >= 1 && expression->count <= LIMIT_EXPRESSION_TERMS, "terms within the limit");
    for (size_t i = 0; i < expression->count; i++)
        fuzz_require(expression->terms[i].kind != TERM_ELEMENT ||
                         expression->terms[i].element < catalogue->element_count,
                     "an element of the catalogue is named");
    fuzz_require(expression_decimals(expression, catalogue) <= LIMIT_DECIMALS, "decimals within the limit");
    for (seed = 1; seed < 16; seed++) {
        const enum term_state state = expression_evaluate(expression, value_of, &seed, seed % 2 == 0, one);
        fuzz_require(state == expression_evaluate(expression, value_of, &seed, seed % 2 == 0, other) &&
                         (state != TERM_PRESENT || mpq_equal(one, other)),
                     "an expression has one value");
        mpq_set_si(other, (long)seed, 1);
        fuzz_require(expression_compare(one, COMPARE_EQ, other) != expression_compare(one, COMPARE_NE, other) &&
                         expression_compare(one, COMPARE_LE, other) != expression_compare(one, COMPARE_GT, other) &&
                         expression_compare(one, COMPARE_GE, other) != expression_compare(one, COMPARE_LT, other),
                     "a comparison or its contrary is true");
    }
    mpq_clears(one, other, (mpq_ptr)NULL);
}

static void look_at_check(const char *text, const struct catalogue *catalogue)
{
    struct rule rule = {.severity = SEVERITY_HARD};
    struct fault why = {.message = MESSAGE_NONE};
    uint64_t seed = 4;
    enum status status = expression_parse_check(text, catalogue, &rule.left, &rule.op, &rule.right, &why);
    fuzz_require_reason(status, &why);
    if (status != STATUS_OK)
        return;
    look_at(&rule.left, catalogue);
    look_at(&rule.right, catalogue);
    fuzz_require(strstr(text, compare_text(rule.op)) != NULL, "the comparison stands in the text");
    status = expression_bind(&rule.left, &rule.right, catalogue, &why);
    fuzz_require_reason(status, &why);
    for (rule.missing = MISSING_SKIP_ANY; rule.missing <= MISSING_ZERO; rule.missing++)
        fuzz_require(rule_evaluate(&rule, value_of, &seed) == rule_evaluate(&rule, value_of, &seed), "one outcome");
    expression_free(&rule.left);
    expression_free(&rule.right);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    static struct catalogue *catalogue;
    struct expression expression = {.terms = NULL};
    struct findings findings = {.items = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    if (catalogue == NULL)
        fuzz_require(catalogue_load(SOURCE_FOLDER "/tests/city/catalogue", &catalogue, &findings, &why) == STATUS_OK,
                     "the city loads");
    findings_free(&findings);
    if (!fuzz_is_text(bytes, length))
        return;
    char *text = memory_copy_text_length((const char *)bytes, length);
    enum status status = expression_parse(text, catalogue, &expression, &why);
    fuzz_require_reason(status, &why);
    if (status == STATUS_OK) {
        look_at(&expression, catalogue);
        status = expression_bind(&expression, NULL, catalogue, &why);
        fuzz_require_reason(status, &why);
        expression_free(&expression);
    }
    look_at_check(text, catalogue);
    (void)expression_can_name(text);
    (void)expression_is_reserved(text);
    free(text);
}
