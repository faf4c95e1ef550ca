/* expression.h - the linear expressions of CONTRACT 2: terms joined by + and -, a term is [integer*]name, an integer,
 * prev(name), prev_year(name), expected_units or a report counter. A check is `expression op expression`.
 *
 * A name is a run of letters, digits, `_`, `.` and any character beyond ASCII that is not a space; a run of digits
 * alone is an integer. So Chinese codes work, and codes with `-` or `*` in them cannot stand in an expression. */
#ifndef SCHEMAS_EXPRESSION_H
#define SCHEMAS_EXPRESSION_H

#include "catalogue.h"
#include "ratio.h"

/* Parses against the catalogue's elements and counters. STATUS_REFUSED names the word and its position. The terms are
 * yours (expression_free). When expected_units stands alone (no element beside it), its form is still NO_INDEX:
 * expression_bind finds it. */
enum status expression_parse(const char *text, const struct catalogue *catalogue, struct expression *ret_expression,
                             struct fault *why) MUST_CHECK;
enum status expression_parse_check(const char *text, const struct catalogue *catalogue, struct expression *ret_left,
                                   enum compare *ret_op, struct expression *ret_right, struct fault *why) MUST_CHECK;
/* Gives expected_units of `expression` its form: that of its own elements, or when it has none that of the elements of
 * `other` (numerator and denominator, or the two sides of a check, know each other; NULL: nobody). STATUS_REFUSED when
 * they belong to several forms or there is none. Does nothing when expected_units does not occur. */
enum status expression_bind(struct expression *expression, const struct expression *other,
                            const struct catalogue *catalogue, struct fault *why) MUST_CHECK;
void expression_free(struct expression *expression);
/* True when the code can be written in an expression. */
bool expression_can_name(const char *code);
/* True for prev, prev_year, expected_units and the report counters: no element may be called so. */
bool expression_is_reserved(const char *code);

/* What one term's name is worth (without its integer factor). */
enum term_state { TERM_PRESENT, TERM_MISSING, TERM_OVERFLOW };
/* Answers for an element or counter term; ret_value is initialised. TERM_INTEGER is never asked. */
typedef enum term_state expression_lookup(void *context, const struct term *term, mpq_t ret_value);

/* Exact value of the expression. TERM_MISSING when a name has no figure (missing_is_zero false), TERM_OVERFLOW first. */
enum term_state expression_evaluate(const struct expression *expression, expression_lookup *lookup, void *context,
                                    bool missing_is_zero, mpq_t ret_value);
/* Largest decimals of its elements: the scale its value is printed with. */
uint8_t expression_decimals(const struct expression *expression, const struct catalogue *catalogue);
bool expression_compare(const mpq_t left, enum compare op, const mpq_t right);
const char *compare_text(enum compare op);

/* Whether a rule holds, by its missing-value strategy. A figure that overflowed breaks it: it cannot be shown to hold. */
enum rule_outcome { RULE_HOLDS, RULE_BROKEN, RULE_SKIPPED };
enum rule_outcome rule_evaluate(const struct rule *rule, expression_lookup *lookup, void *context);

#endif
