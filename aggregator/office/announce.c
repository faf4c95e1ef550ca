/* announce.c - which figures did the newest entries change?
 *
 *   entries ──> (form, period) they touch ──> figures that use an element of the form, in the months, quarters and years
 *   that the period lies in ──> computed for every unit of the published levels ──> those that differ from what is
 *   published: a sheaf ──> writer stores it ──> subscribers are told
 *
 * The index of the ledger says what was touched, so nothing is decoded here; a figure touched by a thousand batches is
 * computed once. How far this got is kept with the rows: after a crash it goes on from there. One sheaf is on its way at a
 * time, so that what is compared is what is stored.
 *
 * Under another catalogue everything is published anew; the stream is silent then, since nothing was reported. */
#include "announce.h"

#include "memory.h"
#include "reports.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define FIGURES_AT_ONCE 512  /* computed in one piece of work: some milliseconds */
#define SHEAF_ROWS 1024
#define REPORT_UNITS_MOST 20000 /* counting complete reports looks at each: not for forms of larger levels */
#define FIRST_NUMBER_PER_MS 1000 /* more messages than one millisecond can hold */

struct use { /* what a subject's figure depends on */
    bool plain, ytd, base, before, year_before; /* before: prev(...); year_before: prev_year(...) */
    bool never;              /* too dear to keep up */
    bool *forms;
};

struct span { /* a published period */
    struct period period;
    bool *dirty;             /* by subject */
    size_t dirty_count;
};

struct owed_report {
    uint32_t form;
    struct period period;
};

struct announcer {
    const struct catalogue *catalogue;
    void *events;
    uint64_t rollup_number, alert_number;
    struct published_maker *maker;
    uint32_t *units;         /* published ones */
    size_t unit_count;
    bool *holds;             /* by form, then published unit: has the unit anything of the form's level below it? */
    struct use *uses;        /* indicators, then elements */
    size_t subject_count;
    struct span *spans;
    size_t span_count, span_capacity;
    struct owed_report *reports;
    size_t report_count, report_capacity;
    bool started, anew;      /* anew: everything, and what is stored is of another catalogue */
    bool silent;             /* what is computed now is no news */
    bool in_flight, owes_end, owes_goals;
    uint64_t position;       /* entries up to here have been looked at */
    size_t next_unit;        /* within the figure that is being computed */
    struct published_sheaf *sheaf;
    bool sheaf_ready;
};

/* ---- what depends on what -------------------------------------------------------------------------------------------- */

static void use_element(const struct catalogue *catalogue, struct use *use, uint32_t element)
{
    const struct element *used = &catalogue->elements[element];
    use->forms[used->form] = true;
    use->ytd = use->ytd || used->kind == ELEMENT_YTD;
    use->base = use->base || used->kind == ELEMENT_BASE;
    use->plain = true;
}

/* Report counters change with every report, and count every report of every form. */
static void use_reports(const struct catalogue *catalogue, struct use *use)
{
    use->plain = true;
    for (size_t f = 0; f < catalogue->form_count; f++) {
        use->forms[f] = true;
        use->never = use->never || catalogue->levels[catalogue->forms[f].level].unit_count > REPORT_UNITS_MOST;
    }
}

static void use_expression(const struct catalogue *catalogue, struct use *use, const struct expression *expression)
{
    for (size_t i = 0; i < expression->count; i++) {
        const struct term *term = &expression->terms[i];
        use->before = use->before || term->shift == SHIFT_PREV;
        use->year_before = use->year_before || term->shift == SHIFT_PREV_YEAR;
        if (term->kind == TERM_ELEMENT)
            use_element(catalogue, use, term->element);
        else if (term->kind != TERM_INTEGER && term->kind != TERM_EXPECTED_UNITS)
            use_reports(catalogue, use);
    }
}

static void learn_uses(struct announcer *announcer)
{
    const struct catalogue *catalogue = announcer->catalogue;
    announcer->subject_count = catalogue->indicator_count + catalogue->element_count;
    announcer->uses = memory_array(announcer->subject_count, sizeof *announcer->uses);
    for (size_t i = 0; i < announcer->subject_count; i++) {
        struct use *use = &announcer->uses[i];
        use->forms = memory_array(catalogue->form_count, sizeof *use->forms);
        if (i < catalogue->indicator_count) {
            use_expression(catalogue, use, &catalogue->indicators[i].numerator);
            use_expression(catalogue, use, &catalogue->indicators[i].denominator);
        } else
            use_element(catalogue, use, (uint32_t)(i - catalogue->indicator_count));
    }
}

static void learn_units(struct announcer *announcer)
{
    const struct catalogue *catalogue = announcer->catalogue;
    announcer->units = memory_array(catalogue->unit_count, sizeof *announcer->units);
    for (uint32_t l = 0; l < catalogue->level_count; l++)
        for (uint32_t slot = 0; published_level(catalogue, l) && slot < catalogue->levels[l].unit_count; slot++)
            announcer->units[announcer->unit_count++] = catalogue->levels[l].unit_of_slot[slot];
    announcer->holds = memory_array(catalogue->form_count * announcer->unit_count, sizeof *announcer->holds);
    for (size_t f = 0; f < catalogue->form_count; f++)
        for (size_t u = 0; u < announcer->unit_count; u++) {
            struct cover *covers = NULL;
            announcer->holds[f * announcer->unit_count + u] =
                catalogue_cover(catalogue, announcer->units[u], catalogue->forms[f].level, &covers) > 0;
            free(covers);
        }
}

/* A town has no figure of what districts report. */
static bool can_have(const struct announcer *announcer, size_t subject, size_t unit)
{
    for (size_t f = 0; f < announcer->catalogue->form_count; f++)
        if (announcer->uses[subject].forms[f] && announcer->holds[f * announcer->unit_count + unit])
            return true;
    return false;
}

struct announcer *announcer_new(const struct catalogue *catalogue, void *events, int64_t now_ms)
{
    struct announcer *announcer = memory_new(struct announcer);
    announcer->catalogue = catalogue;
    announcer->events = events;
    announcer->rollup_number = announcer->alert_number = (uint64_t)now_ms * FIRST_NUMBER_PER_MS;
    announcer->maker = published_maker_new(catalogue);
    announcer->owes_goals = true;
    learn_uses(announcer);
    learn_units(announcer);
    return announcer;
}

void announcer_free(struct announcer **announcer)
{
    if (announcer == NULL || *announcer == NULL)
        return;
    struct announcer *old = *announcer;
    for (size_t i = 0; i < old->subject_count; i++)
        free(old->uses[i].forms);
    for (size_t i = 0; i < old->span_count; i++)
        free(old->spans[i].dirty);
    published_maker_free(&old->maker);
    sheaf_free(&old->sheaf);
    free(old->uses);
    free(old->units);
    free(old->holds);
    free(old->spans);
    free(old->reports);
    free(old);
    *announcer = NULL;
}

bool announcer_has_work(const struct announcer *announcer, uint64_t head)
{
    return !announcer->in_flight && !announcer->sheaf_ready &&
           (!announcer->started || announcer->position < head || announcer->owes_end || announcer->owes_goals);
}

void announcer_new_day(struct announcer *announcer)
{
    announcer->owes_goals = true;
}

/* ---- marking --------------------------------------------------------------------------------------------------------- */

static void mark(struct announcer *announcer, struct span *span, size_t subject)
{
    announcer->next_unit = 0; /* what was half computed starts anew */
    if (span->dirty[subject] || announcer->uses[subject].never)
        return;
    span->dirty[subject] = true;
    span->dirty_count++;
    announcer->owes_end = true;
}

static void add_span(struct announcer *announcer, struct period period)
{
    for (size_t i = 0; i < announcer->span_count; i++)
        if (announcer->spans[i].period.kind == period.kind && announcer->spans[i].period.first == period.first)
            return;
    announcer->spans = memory_grow(announcer->spans, &announcer->span_capacity, announcer->span_count + 1,
                                   sizeof *announcer->spans);
    struct span *span = &announcer->spans[announcer->span_count++];
    *span = (struct span){.period = period, .dirty = memory_array(announcer->subject_count, sizeof *span->dirty)};
    /* A base figure is in force in every later period, whoever reported there. */
    for (size_t i = 0; announcer->started && i < announcer->subject_count; i++)
        if (announcer->uses[i].base)
            mark(announcer, span, i);
}

static void add_spans_of(struct announcer *announcer, struct period touched)
{
    static const enum period_kind kinds[] = {PERIOD_MONTH, PERIOD_QUARTER, PERIOD_YEAR};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct period around = period_of_day(touched.first, kinds[i]);
        if (period_contains(around, touched))
            add_span(announcer, around);
    }
}

static bool reaches(const struct use *use, struct period touched, struct period asked)
{
    const int32_t days = touched.last - touched.first + 1;
    if (use->base && touched.first <= asked.last)
        return true;
    /* A cumulative figure of a period subtracts the one just before it. */
    if (use->ytd && touched.first <= asked.last && touched.last + days + 1 >= asked.first)
        return true;
    return use->plain && period_contains(asked, touched);
}

static bool is_affected(const struct use *use, struct period touched, struct period asked)
{
    struct period before;
    return reaches(use, touched, asked) || (use->before && reaches(use, touched, period_previous(asked))) ||
           (use->year_before && period_year_before(asked, &before) && reaches(use, touched, before));
}

static void owe_report(struct announcer *announcer, uint32_t form, struct period period)
{
    if (announcer->catalogue->levels[announcer->catalogue->forms[form].level].unit_count > REPORT_UNITS_MOST)
        return;
    for (size_t i = 0; i < announcer->report_count; i++)
        if (announcer->reports[i].form == form && announcer->reports[i].period.first == period.first)
            return;
    announcer->reports = memory_grow(announcer->reports, &announcer->report_capacity, announcer->report_count + 1,
                                     sizeof *announcer->reports);
    announcer->reports[announcer->report_count++] = (struct owed_report){form, period};
    announcer->owes_end = true;
}

static void take_touch(void *context, const char *form_code, const char *text)
{
    struct announcer *announcer = context;
    const uint32_t form = catalogue_form(announcer->catalogue, form_code);
    struct period touched;
    if (form == NO_INDEX || period_parse(text, &touched, NULL) != STATUS_OK ||
        touched.kind != announcer->catalogue->forms[form].frequency)
        return;
    add_spans_of(announcer, touched);
    for (size_t i = 0; i < announcer->subject_count; i++)
        for (size_t s = 0; announcer->uses[i].forms[form] && s < announcer->span_count; s++)
            if (is_affected(&announcer->uses[i], touched, announcer->spans[s].period))
                mark(announcer, &announcer->spans[s], i);
    owe_report(announcer, form, touched);
}

struct learning {
    struct announcer *announcer;
};

static void learn_span(void *context, const char *text)
{
    struct learning *learning = context;
    struct period touched;
    if (period_parse(text, &touched, NULL) == STATUS_OK)
        add_spans_of(learning->announcer, touched);
}

/* What was published before this process, and in which periods. */
static enum status start(struct announcer *announcer, struct office *office, struct fault *why)
{
    struct learning learning = {announcer};
    enum status status =
        store_published_as_of(office->store, announcer->catalogue->hash, &announcer->position, why);
    for (size_t f = 0; status == STATUS_OK && f < announcer->catalogue->form_count; f++)
        status = store_touched_periods(office->store, announcer->catalogue->forms[f].code, learn_span, &learning, why);
    if (status != STATUS_OK)
        return status;
    announcer->anew = announcer->silent = announcer->position == 0;
    announcer->started = true;
    return STATUS_OK;
}

static enum status look_at_entries(struct announcer *announcer, struct office *office, bool *ret_wait, struct fault *why)
{
    uint64_t head = 0;
    enum status status = store_head(office->store, &head, NULL, NULL, why);
    /* What is in the sheaf may be changed by these entries: it is stored first, then compared with. */
    *ret_wait = status == STATUS_OK && head > announcer->position && announcer->sheaf != NULL;
    if (*ret_wait)
        return STATUS_OK;
    for (size_t f = 0; status == STATUS_OK && head > announcer->position && f < announcer->catalogue->form_count; f++)
        status = store_touched_since(office->store, announcer->catalogue->forms[f].code, announcer->position, take_touch,
                                     announcer, why);
    if (status == STATUS_OK && head > announcer->position) {
        announcer->position = head;
        announcer->owes_end = announcer->owes_goals = true;
    }
    return status;
}

/* ---- computing ------------------------------------------------------------------------------------------------------- */

static struct published_sheaf *open_sheaf(struct announcer *announcer)
{
    if (announcer->sheaf != NULL)
        return announcer->sheaf;
    announcer->sheaf = memory_new(struct published_sheaf);
    announcer->sheaf->anew = announcer->anew;
    memcpy(announcer->sheaf->catalogue, announcer->catalogue->hash, sizeof announcer->sheaf->catalogue);
    return announcer->sheaf;
}

/* One figure for one unit after another, until it is done or *budget is. */
static enum status compute(struct announcer *announcer, struct office *office, struct span *span, size_t subject,
                           size_t *budget, struct fault *why)
{
    const size_t indicators = announcer->catalogue->indicator_count;
    const struct published_subject asked = {subject < indicators,
                                            (uint32_t)(subject < indicators ? subject : subject - indicators)};
    enum status status = STATUS_OK;
    for (; announcer->next_unit < announcer->unit_count && *budget > 0 && status == STATUS_OK; --*budget) {
        struct published_figure row;
        bool same = false;
        if (!can_have(announcer, subject, announcer->next_unit)) {
            announcer->next_unit++;
            ++*budget;
            continue;
        }
        status = published_make(announcer->maker, office->figures, asked, announcer->units[announcer->next_unit],
                                span->period, &row, why);
        if (status == STATUS_OK && announcer->anew)
            same = published_is_void(&row);
        else if (status == STATUS_OK)
            status = store_is_published(office->store, &row, &same, why);
        if (status == STATUS_OK && !same)
            sheaf_add_figure(open_sheaf(announcer), &row);
        announcer->next_unit += status == STATUS_OK;
    }
    if (status == STATUS_OK && announcer->next_unit == announcer->unit_count) {
        announcer->next_unit = 0;
        span->dirty[subject] = false;
        span->dirty_count--;
    }
    return status;
}

static bool is_full(const struct announcer *announcer)
{
    return announcer->sheaf != NULL && sheaf_rows(announcer->sheaf) >= SHEAF_ROWS;
}

/* The figures that wait, the newest periods last added first. *ret_done when none waits. */
static enum status compute_figures(struct announcer *announcer, struct office *office, bool *ret_done, struct fault *why)
{
    size_t budget = FIGURES_AT_ONCE;
    enum status status = STATUS_OK;
    *ret_done = true;
    for (size_t s = 0; s < announcer->span_count && status == STATUS_OK; s++) {
        struct span *span = &announcer->spans[s];
        for (size_t i = 0; span->dirty_count > 0 && i < announcer->subject_count && status == STATUS_OK; i++) {
            if (!span->dirty[i])
                continue;
            *ret_done = false;
            if (budget == 0 || is_full(announcer))
                return STATUS_OK;
            status = compute(announcer, office, span, i, &budget, why);
        }
    }
    *ret_done = status == STATUS_OK;
    for (size_t s = 0; s < announcer->span_count; s++)
        *ret_done = *ret_done && announcer->spans[s].dirty_count == 0;
    return status;
}

static enum status count_reports(struct announcer *announcer, struct office *office, const struct owed_report *owed,
                                 struct fault *why)
{
    const struct catalogue *catalogue = announcer->catalogue;
    const struct form *form = &catalogue->forms[owed->form];
    enum status status = STATUS_OK;
    for (size_t u = 0; u < announcer->unit_count && status == STATUS_OK; u++) {
        const struct unit *unit = &catalogue->units[announcer->units[u]];
        struct report_counts counts = {0};
        status = reports_count(office->figures, owed->form, place_of_unit(office, announcer->units[u]).scope, owed->period,
                               &counts, why);
        if (status == STATUS_OK && counts.expected + counts.received > 0)
            sheaf_add_report(open_sheaf(announcer),
                             &(struct published_report){form->code, form->name_zh, unit->code, unit->name_zh,
                                                        catalogue->levels[unit->level].name, owed->period, counts.expected,
                                                        counts.received, counts.on_time, counts.clean});
    }
    return status;
}

/* One form and period. */
static enum status compute_reports(struct announcer *announcer, struct office *office, struct fault *why)
{
    const enum status status = count_reports(announcer, office, &announcer->reports[announcer->report_count - 1], why);
    announcer->report_count -= status == STATUS_OK;
    return status;
}

static enum status compute_goals(struct announcer *announcer, struct office *office, int64_t now_ms, struct fault *why)
{
    static const struct wire_question question = {.command = "progress"};
    struct table table = {.columns = NULL};
    struct published_sheaf *sheaf = open_sheaf(announcer);
    struct asking asking = {.office = office, .catalogue = announcer->catalogue, .question = &question,
                            .abacus = office->abacus, .figures = office->figures, .newest = announcer->position,
                            .now_ms = now_ms, .today = calendar_local_day(now_ms), .language = LANGUAGE_ZH,
                            .table = &table, .why = why};
    const enum status status = answer_progress(&asking);
    if (status == STATUS_OK && table.column_count == PUBLISHED_GOAL_CELLS) {
        sheaf->goal_count = table_rows(&table);
        sheaf->goals = table.cells; /* they are the sheaf's now */
        table.cells = NULL;
        table.cell_count = 0;
        sheaf->with_goals = true;
        date_format(asking.today, sheaf->judged_on);
        announcer->owes_goals = false;
    }
    table_free(&table);
    return status;
}

static void finish_sheaf(struct announcer *announcer, int64_t now_ms)
{
    calendar_format_time(now_ms, open_sheaf(announcer)->updated_at);
    announcer->sheaf_ready = true;
}

enum status announcer_work(struct announcer *announcer, struct office *office, int64_t now_ms, struct fault *why)
{
    bool done = false, wait = false;
    enum status status = announcer->started ? STATUS_OK : start(announcer, office, why);
    if (status == STATUS_OK)
        status = look_at_entries(announcer, office, &wait, why);
    if (status == STATUS_OK && wait)
        finish_sheaf(announcer, now_ms);
    else if (status == STATUS_OK)
        status = compute_figures(announcer, office, &done, why);
    if (status != STATUS_OK || wait)
        return status;
    if (!done) {
        if (is_full(announcer))
            finish_sheaf(announcer, now_ms);
        return STATUS_OK;
    }
    if (announcer->report_count > 0) {
        status = compute_reports(announcer, office, why);
        if (status == STATUS_OK && is_full(announcer))
            finish_sheaf(announcer, now_ms);
        return status;
    }
    if (announcer->owes_goals)
        status = compute_goals(announcer, office, now_ms, why);
    if (status != STATUS_OK)
        return status;
    /* All that the entries up to here changed is in the sheaf or was stored before it. */
    open_sheaf(announcer)->as_of = announcer->position;
    announcer->owes_end = false;
    finish_sheaf(announcer, now_ms);
    return STATUS_OK;
}

/* ---- handing over ------------------------------------------------------------------------------------------------------ */

struct published_sheaf *announcer_sheaf(struct announcer *announcer)
{
    if (!announcer->sheaf_ready || announcer->in_flight)
        return NULL;
    announcer->in_flight = true;
    return announcer->sheaf;
}

void announcer_returned(struct announcer *announcer)
{
    announcer->in_flight = false;
}

static void publish(struct announcer *announcer, const char *topic, const struct wire_message *message)
{
    unsigned char *bytes = NULL;
    size_t length = 0;
    wire_encode(message, &bytes, &length);
    /* A PUB socket never waits: a subscriber that is too slow loses messages and sees that by their numbers. */
    if (zmq_send(announcer->events, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
        (void)zmq_send(announcer->events, bytes, length, ZMQ_DONTWAIT);
    free(bytes);
}

static void publish_figure(struct announcer *announcer, const struct published_figure *figure)
{
    char topic[2 * LIMIT_CODE_BYTES + 16], period[PERIOD_TEXT], reported[24], expected[24];
    const char *cells[10] = {figure->code, figure->unit,        figure->unit_name, period,   figure->value,
                             figure->numerator, figure->denominator, reported,     expected, figure->flag};
    period_format(figure->period, period);
    (void)snprintf(reported, sizeof reported, "%llu", (unsigned long long)figure->reported);
    (void)snprintf(expected, sizeof expected, "%llu", (unsigned long long)figure->expected);
    (void)snprintf(topic, sizeof topic, "rollup.%s.%s", figure->code, figure->unit);
    publish(announcer, topic,
            &(struct wire_message){.kind = WIRE_ROLLUP,
                                   .published = {++announcer->rollup_number, ARRAY_LEN(cells), query_columns, cells}});
}

void announcer_kept(struct announcer *announcer)
{
    const struct published_sheaf *sheaf = announcer->sheaf;
    if (!announcer->in_flight || sheaf == NULL)
        return;
    for (size_t i = 0; announcer->events != NULL && !announcer->silent && i < sheaf->figure_count; i++)
        if (strcmp(sheaf->figures[i].kind, "indicator") == 0)
            publish_figure(announcer, &sheaf->figures[i]);
    announcer->anew = false;
    if (sheaf->as_of != 0)
        announcer->silent = false;
    announcer->in_flight = announcer->sheaf_ready = false;
    sheaf_free(&announcer->sheaf);
}

void announcer_alert(struct announcer *announcer, const struct alert_row *row)
{
    char topic[sizeof row->kind + sizeof row->unit + 16];
    struct table cells;
    if (announcer->events == NULL)
        return;
    table_start(&cells, alert_columns, ARRAY_LEN(alert_columns));
    add_alert(&cells, row);
    (void)snprintf(topic, sizeof topic, "alert.%s.%s", row->kind, row->unit);
    publish(announcer, topic,
            &(struct wire_message){.kind = WIRE_ALERT,
                                   .published = {++announcer->alert_number, cells.cell_count, cells.columns,
                                                 (const char *const *)cells.cells}});
    table_free(&cells);
}
