/* goal_shape.c - what an indicator's figures do when units are combined: do the parts add up, do they average, which
 * forms stand behind them. */
#include "goal_inside.h"

#include "expression.h"
#include "memory.h"

struct terms {
    size_t names, integers;
    bool summed, elements, reports;
};

static void look_at(const struct catalogue *catalogue, const struct expression *expression, struct terms *terms)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        if (term->kind == TERM_INTEGER) {
            terms->integers += term->factor != 0;
            continue;
        }
        terms->names++;
        if (term->kind == TERM_ELEMENT) {
            terms->elements = true;
            terms->summed = terms->summed && catalogue->elements[term->element].aggregate == AGGREGATE_SUM;
        } else if (term->kind != TERM_EXPECTED_UNITS) {
            terms->reports = true;
        }
    }
}

static void add_form(struct shape *shape, uint32_t form)
{
    for (size_t i = 0; i < shape->form_count; i++)
        if (shape->forms[i] == form)
            return;
    shape->forms[shape->form_count++] = form;
}

static void add_forms(const struct catalogue *catalogue, const struct expression *expression, bool base,
                      struct shape *shape)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        const struct element *element;
        if (term->kind != TERM_ELEMENT)
            continue;
        element = &catalogue->elements[term->element];
        if ((element->kind == ELEMENT_BASE) == base && element->form != NO_INDEX)
            add_form(shape, element->form);
    }
}

bool goal_counts_reports_of(const struct catalogue *catalogue, uint32_t form)
{
    bool another = false;
    for (size_t i = 0; i < catalogue->element_count; i++) {
        if (catalogue->elements[i].kind == ELEMENT_BASE || catalogue->elements[i].form == NO_INDEX)
            continue;
        if (catalogue->elements[i].form == form)
            return true;
        another = true;
    }
    return !another;
}

/* Forms behind the indicator: those of its elements, base elements only when there are no others; counters of reports
 * concern all those they count. */
static void find_forms(const struct catalogue *catalogue, const struct indicator *indicator, bool reports,
                       struct shape *shape)
{
    shape->forms = memory_array(reports ? catalogue->form_count : 2 * LIMIT_EXPRESSION_TERMS, sizeof(uint32_t));
    if (reports) {
        for (uint32_t form = 0; form < catalogue->form_count; form++)
            if (goal_counts_reports_of(catalogue, form))
                shape->forms[shape->form_count++] = form;
        return;
    }
    for (int base = 0; base < 2 && shape->form_count == 0; base++) {
        add_forms(catalogue, &indicator->numerator, base == 1, shape);
        add_forms(catalogue, &indicator->denominator, base == 1, shape);
    }
}

/* A denominator of integers alone only scales, so the parts still add up. An integer beside names belongs to every
 * unit and to their sum alike: then nothing follows. */
struct shape shape_of(const struct catalogue *catalogue, const struct indicator *indicator)
{
    struct shape shape = {0};
    struct terms above = {.summed = true}, under = {.summed = true};
    look_at(catalogue, &indicator->numerator, &above);
    look_at(catalogue, &indicator->denominator, &under);
    if (above.names > 0 && above.integers == 0 && above.summed && under.summed) {
        shape.adds = under.names == 0;
        shape.averages = under.names > 0 && under.integers == 0;
    }
    shape.elements = above.elements || under.elements;
    shape.reports = above.reports || under.reports;
    find_forms(catalogue, indicator, shape.reports, &shape);
    return shape;
}
