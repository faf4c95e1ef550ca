/* expression.c - reads and computes the linear expressions of CONTRACT 2.
 *
 *   check      = expression ( "=" | "!=" | "<=" | ">=" | "<" | ">" ) expression
 *   expression = [ "+" | "-" ] term { ( "+" | "-" ) term }
 *   term       = integer | [ integer "*" ] ( name | "prev(" element ")" | "prev_year(" element ")" )
 *
 * Deliberately no more: a linear expression of combined figures can be computed for any unit and any span of periods
 * without asking in which order sums were taken. Everything is exact (GMP rationals); nothing is rounded here. */
#include "expression.h"

#include "catalogue_internal.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cursor {
    const char *text, *at;
    const struct catalogue *catalogue;
    struct expression *expression;
    size_t capacity;
    struct fault *why;
};

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* Bytes of a space at `at`: ASCII white space, U+00A0 and the ideographic U+3000 that Chinese keyboards give. */
static size_t space_length(const char *at)
{
    if (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
        return 1;
    if (strncmp(at, "\xc2\xa0", 2) == 0)
        return 2;
    return strncmp(at, "\xe3\x80\x80", 3) == 0 ? 3 : 0;
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool is_name_byte(const char *at)
{
    const unsigned char letter = (unsigned char)*at;
    if (letter >= 0x80)
        return space_length(at) == 0;
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || is_digit(*at) || letter == '_' ||
           letter == '.';
}

static void skip_spaces(struct cursor *cursor)
{
    for (size_t length; (length = space_length(cursor->at)) > 0;)
        cursor->at += length;
}

/* Length of the name or integer at `at`. A byte inside a character is never taken for the start of a space. */
static size_t word_length(const char *at)
{
    const char *end = at;
    while (is_name_byte(end)) {
        end++;
        while (((unsigned char)*end & 0xc0) == 0x80)
            end++;
    }
    return (size_t)(end - at);
}

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_digit(text[i]))
            return false;
    return length > 0;
}

bool expression_can_name(const char *code)
{
    const size_t length = strlen(code);
    return length > 0 && word_length(code) == length && !all_digits(code, length);
}

/* Position of a word as a person counts: characters from 1. */
static void position_text(const struct cursor *cursor, const char *at, char ret_text[24])
{
    size_t position = 1;
    for (const char *letter = cursor->text; letter < at; letter++)
        position += ((unsigned char)*letter & 0xc0) != 0x80;
    (void)snprintf(ret_text, 24, "%zu", position);
}

static enum status refuse(const struct cursor *cursor, enum message message, const char *at, size_t length,
                          const char *more)
{
    char position[24], word[LIMIT_CODE_BYTES * 3 + 1];
    const size_t kept = length < sizeof(word) - 1 ? length : sizeof(word) - 1;
    position_text(cursor, at, position);
    memcpy(word, at, kept);
    word[kept] = '\0';
    fault_set(cursor->why, message, word, position, more, (const char *)NULL);
    return STATUS_REFUSED;
}

/* What stands where something else was expected: a whole word or one character. */
static enum status refuse_here(const struct cursor *cursor, const char *expected)
{
    size_t length = word_length(cursor->at);
    if (length == 0 && *cursor->at != '\0') {
        length = 1;
        while (((unsigned char)cursor->at[length] & 0xc0) == 0x80)
            length++;
    }
    if (length == 0)
        return refuse(cursor, MESSAGE_EXPRESSION_ENDS, cursor->at, 0, expected);
    return refuse(cursor, MESSAGE_EXPRESSION_UNEXPECTED, cursor->at, length, expected);
}

static enum status refuse_word(const struct cursor *cursor, enum message expected)
{
    char word[MESSAGE_NESTED];
    message_nest(expected, NULL, word, sizeof(word));
    return refuse_here(cursor, word);
}

/* ---- terms ------------------------------------------------------------------------------------------------------- */

struct reserved_word {
    const char *name;
    enum term_kind kind;
};
static const struct reserved_word counters[] = {
    {"expected_units", TERM_EXPECTED_UNITS},     {"reports_expected", TERM_REPORTS_EXPECTED},
    {"reports_received", TERM_REPORTS_RECEIVED}, {"reports_on_time", TERM_REPORTS_ON_TIME},
    {"reports_clean", TERM_REPORTS_CLEAN},
};

static bool same_word(const char *at, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(at, word, length) == 0;
}

bool expression_is_reserved(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        if (strcmp(code, counters[i].name) == 0)
            return true;
    return strcmp(code, "prev") == 0 || strcmp(code, "prev_year") == 0;
}

static enum status read_integer(struct cursor *cursor, size_t length, int64_t *ret_integer)
{
    int64_t integer = 0;
    for (size_t i = 0; i < length; i++)
        if (__builtin_mul_overflow(integer, 10, &integer) ||
            __builtin_add_overflow(integer, cursor->at[i] - '0', &integer))
            return refuse(cursor, MESSAGE_EXPRESSION_INTEGER, cursor->at, length, NULL);
    cursor->at += length;
    *ret_integer = integer;
    return STATUS_OK;
}

static enum status read_element(struct cursor *cursor, size_t length, uint32_t *ret_element)
{
    struct catalogue_private *private = cursor->catalogue->private;
    const uint32_t element = code_index_find(&private->elements, cursor->at, length);
    if (element == NO_INDEX) {
        char word[LIMIT_CODE_BYTES * 3 + 1];
        if (length >= sizeof(word))
            return refuse(cursor, MESSAGE_EXPRESSION_NAME, cursor->at, length, "-");
        memcpy(word, cursor->at, length);
        word[length] = '\0';
        return refuse(cursor, MESSAGE_EXPRESSION_NAME, cursor->at, length,
                      code_nearest(&private->elements, word, &private->guesses_left));
    }
    cursor->at += length;
    *ret_element = element;
    return STATUS_OK;
}

/* After prev or prev_year. */
static enum status read_shifted(struct cursor *cursor, struct term *term)
{
    enum status status;
    size_t length;
    skip_spaces(cursor);
    if (*cursor->at != '(')
        return refuse_here(cursor, "(");
    cursor->at++;
    skip_spaces(cursor);
    length = word_length(cursor->at);
    if (length == 0)
        return refuse_word(cursor, MESSAGE_EXPECTED_NAME);
    status = read_element(cursor, length, &term->element);
    if (status != STATUS_OK)
        return status;
    skip_spaces(cursor);
    if (*cursor->at != ')')
        return refuse_here(cursor, ")");
    cursor->at++;
    return STATUS_OK;
}

static enum status read_name(struct cursor *cursor, struct term *term)
{
    const size_t length = word_length(cursor->at);
    if (length == 0 || all_digits(cursor->at, length))
        return refuse_word(cursor, MESSAGE_EXPECTED_TERM);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        if (same_word(cursor->at, length, counters[i].name)) {
            term->kind = counters[i].kind;
            cursor->at += length;
            return STATUS_OK;
        }
    term->kind = TERM_ELEMENT;
    if (same_word(cursor->at, length, "prev") || same_word(cursor->at, length, "prev_year")) {
        term->shift = length == 4 ? SHIFT_PREV : SHIFT_PREV_YEAR;
        cursor->at += length;
        return read_shifted(cursor, term);
    }
    return read_element(cursor, length, &term->element);
}

static enum status read_term(struct cursor *cursor, bool negative)
{
    struct expression *expression = cursor->expression;
    struct term term = {.kind = TERM_INTEGER, .factor = 1, .element = NO_INDEX};
    enum status status = STATUS_OK;
    size_t length;
    bool named = true;
    skip_spaces(cursor);
    if (expression->count == LIMIT_EXPRESSION_TERMS)
        return refuse(cursor, MESSAGE_EXPRESSION_LONG, cursor->at, word_length(cursor->at), NULL);
    length = word_length(cursor->at);
    if (all_digits(cursor->at, length)) {
        status = read_integer(cursor, length, &term.factor);
        if (status != STATUS_OK)
            return status;
        skip_spaces(cursor);
        named = *cursor->at == '*';
        cursor->at += named;
        skip_spaces(cursor);
    }
    if (named)
        status = read_name(cursor, &term);
    if (status != STATUS_OK)
        return status;
    if (negative)
        term.factor = -term.factor; /* read without a sign, so never INT64_MIN */
    expression->terms =
        memory_grow(expression->terms, &cursor->capacity, expression->count + 1, sizeof(*expression->terms));
    expression->terms[expression->count++] = term;
    return STATUS_OK;
}

/* ---- expressions and checks -------------------------------------------------------------------------------------- */

static enum status read_expression(struct cursor *cursor)
{
    bool negative = false;
    skip_spaces(cursor);
    if (*cursor->at == '-' || *cursor->at == '+')
        negative = *cursor->at++ == '-';
    for (;;) {
        const enum status status = read_term(cursor, negative);
        if (status != STATUS_OK)
            return status;
        skip_spaces(cursor);
        if (*cursor->at != '+' && *cursor->at != '-')
            return STATUS_OK;
        negative = *cursor->at++ == '-';
    }
}

static bool uses_expected_units(const struct expression *expression)
{
    for (size_t i = 0; i < expression->count; i++)
        if (expression->terms[i].kind == TERM_EXPECTED_UNITS)
            return true;
    return false;
}

/* The one form of the expression's elements; NO_INDEX when it has none. False when there are several. */
static bool form_of(const struct expression *expression, const struct catalogue *catalogue, uint32_t *ret_form,
                    uint32_t *ret_other)
{
    uint32_t form = NO_INDEX;
    for (size_t i = 0; i < expression->count; i++) {
        uint32_t next;
        if (expression->terms[i].kind != TERM_ELEMENT)
            continue;
        next = catalogue->elements[expression->terms[i].element].form;
        if (form != NO_INDEX && next != form) {
            *ret_form = form;
            *ret_other = next;
            return false;
        }
        form = next;
    }
    *ret_form = form;
    return true;
}

static const char *form_code(const struct catalogue *catalogue, uint32_t form)
{
    return form == NO_INDEX ? "?" : catalogue->forms[form].code;
}

enum status expression_bind(struct expression *expression, const struct expression *other,
                            const struct catalogue *catalogue, struct fault *why)
{
    uint32_t form = NO_INDEX, second = NO_INDEX;
    if (!uses_expected_units(expression))
        return STATUS_OK;
    if (!form_of(expression, catalogue, &form, &second) ||
        (form == NO_INDEX && other != NULL && !form_of(other, catalogue, &form, &second))) {
        fault_set(why, MESSAGE_EXPRESSION_FORMS, form_code(catalogue, form), form_code(catalogue, second),
                  (const char *)NULL);
        return STATUS_REFUSED;
    }
    if (form == NO_INDEX) {
        fault_set(why, MESSAGE_EXPRESSION_NO_FORM, (const char *)NULL);
        return STATUS_REFUSED;
    }
    expression->expected_units_form = form;
    return STATUS_OK;
}

/* Elements beside expected_units decide at once; without any, the other expression will. */
static enum status bind_own(struct expression *expression, const struct catalogue *catalogue, struct fault *why)
{
    for (size_t i = 0; i < expression->count; i++)
        if (expression->terms[i].kind == TERM_ELEMENT)
            return expression_bind(expression, NULL, catalogue, why);
    return STATUS_OK;
}

static void start(struct cursor *cursor, struct expression *expression)
{
    *expression = (struct expression){.expected_units_form = NO_INDEX};
    cursor->expression = expression;
    cursor->capacity = 0;
}

enum status expression_parse(const char *text, const struct catalogue *catalogue, struct expression *ret_expression,
                             struct fault *why)
{
    struct cursor cursor = {.text = text, .at = text, .catalogue = catalogue, .why = why};
    struct expression expression;
    enum status status;
    start(&cursor, &expression);
    status = read_expression(&cursor);
    if (status == STATUS_OK && *cursor.at != '\0')
        status = refuse_here(&cursor, "+ -");
    if (status == STATUS_OK)
        status = bind_own(&expression, catalogue, why);
    if (status == STATUS_OK)
        *ret_expression = expression;
    else
        expression_free(&expression);
    return status;
}

static bool read_operator(struct cursor *cursor, enum compare *ret_op)
{
    static const struct {
        const char *text;
        enum compare op;
    } operators[] = {{"!=", COMPARE_NE}, {"<=", COMPARE_LE}, {">=", COMPARE_GE},
                     {"=", COMPARE_EQ},  {"<", COMPARE_LT},  {">", COMPARE_GT}};
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        const size_t length = strlen(operators[i].text);
        if (strncmp(cursor->at, operators[i].text, length) == 0) {
            cursor->at += length;
            *ret_op = operators[i].op;
            return true;
        }
    }
    return false;
}

enum status expression_parse_check(const char *text, const struct catalogue *catalogue, struct expression *ret_left,
                                   enum compare *ret_op, struct expression *ret_right, struct fault *why)
{
    struct cursor cursor = {.text = text, .at = text, .catalogue = catalogue, .why = why};
    struct expression left, right = {.expected_units_form = NO_INDEX};
    enum compare op = COMPARE_EQ;
    enum status status;
    start(&cursor, &left);
    status = read_expression(&cursor);
    if (status == STATUS_OK && !read_operator(&cursor, &op))
        status = refuse_here(&cursor, "= != <= >= < >");
    if (status != STATUS_OK)
        goto done;
    start(&cursor, &right);
    status = read_expression(&cursor);
    if (status == STATUS_OK && *cursor.at != '\0')
        status = refuse_here(&cursor, "+ -");
    if (status == STATUS_OK)
        status = expression_bind(&left, &right, catalogue, why);
    if (status == STATUS_OK)
        status = expression_bind(&right, &left, catalogue, why);
done:
    if (status != STATUS_OK) {
        expression_free(&left);
        expression_free(&right);
        return status;
    }
    *ret_left = left;
    *ret_op = op;
    *ret_right = right;
    return STATUS_OK;
}

void expression_free(struct expression *expression)
{
    free(expression->terms);
    *expression = (struct expression){.expected_units_form = NO_INDEX};
}

/* ---- computing --------------------------------------------------------------------------------------------------- */

enum term_state expression_evaluate(const struct expression *expression, expression_lookup *lookup, void *context,
                                    bool missing_is_zero, mpq_t ret_value)
{
    enum term_state state = TERM_PRESENT;
    mpq_t value, factor;
    mpq_inits(value, factor, NULL);
    mpq_set_ui(ret_value, 0, 1);
    /* Every term is asked even after a missing one: an overflow further on is the stronger answer. */
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        enum term_state found = TERM_PRESENT;
        mpq_set_ui(value, 1, 1);
        if (term->kind != TERM_INTEGER)
            found = lookup(context, term, value);
        if (found == TERM_OVERFLOW)
            state = TERM_OVERFLOW;
        else if (found == TERM_MISSING && !missing_is_zero && state == TERM_PRESENT)
            state = TERM_MISSING;
        if (found == TERM_PRESENT) {
            ratio_set_int64(factor, term->factor);
            mpq_mul(value, value, factor);
            mpq_add(ret_value, ret_value, value);
        }
    }
    mpq_clears(value, factor, NULL);
    return state;
}

uint8_t expression_decimals(const struct expression *expression, const struct catalogue *catalogue)
{
    uint8_t decimals = 0;
    for (size_t i = 0; i < expression->count; i++)
        if (expression->terms[i].kind == TERM_ELEMENT) {
            const uint8_t own = catalogue->elements[expression->terms[i].element].decimals;
            if (own > decimals)
                decimals = own;
        }
    return decimals;
}

bool expression_compare(const mpq_t left, enum compare op, const mpq_t right)
{
    const int order = mpq_cmp(left, right);
    switch (op) {
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_NE:
        return order != 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_GE:
        return order >= 0;
    case COMPARE_LT:
        return order < 0;
    case COMPARE_GT:
        return order > 0;
    }
    return false;
}

const char *compare_text(enum compare op)
{
    switch (op) {
    case COMPARE_EQ:
        return "=";
    case COMPARE_NE:
        return "!=";
    case COMPARE_LE:
        return "<=";
    case COMPARE_GE:
        return ">=";
    case COMPARE_LT:
        return "<";
    case COMPARE_GT:
        return ">";
    }
    return "?";
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

struct counted {
    expression_lookup *lookup;
    void *context;
    size_t present, missing;
};

static enum term_state count_lookup(void *context, const struct term *term, mpq_t ret_value)
{
    struct counted *counted = context;
    const enum term_state state = counted->lookup(counted->context, term, ret_value);
    counted->present += state == TERM_PRESENT;
    counted->missing += state == TERM_MISSING;
    return state;
}

static bool skips(enum rule_missing missing, const struct counted *counted)
{
    switch (missing) {
    case MISSING_SKIP_ANY:
        return counted->missing > 0;
    case MISSING_SKIP_ALL:
        return counted->missing > 0 && counted->present == 0;
    case MISSING_ZERO:
        return false;
    }
    return false;
}

enum rule_outcome rule_evaluate(const struct rule *rule, expression_lookup *lookup, void *context)
{
    struct counted counted = {.lookup = lookup, .context = context};
    enum rule_outcome outcome;
    enum term_state left_state, right_state;
    mpq_t left, right;
    mpq_inits(left, right, NULL);
    left_state = expression_evaluate(&rule->left, count_lookup, &counted, true, left);
    right_state = expression_evaluate(&rule->right, count_lookup, &counted, true, right);
    if (left_state == TERM_OVERFLOW || right_state == TERM_OVERFLOW)
        outcome = RULE_BROKEN;
    else if (skips(rule->missing, &counted))
        outcome = RULE_SKIPPED;
    else
        outcome = expression_compare(left, rule->op, right) ? RULE_HOLDS : RULE_BROKEN;
    mpq_clears(left, right, NULL);
    return outcome;
}
