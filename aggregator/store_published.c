/* store_published.c - figures, goals and reports as plain rows, for whoever reads the file with SQL. */
#include "store_inside.h"

#include <string.h>

#define PUBLISHED_SINCE 3 /* user_version */

static void bind_text_or_null(sqlite3_stmt *statement, int index, const char *text)
{
    if (text == NULL)
        sqlite3_bind_null(statement, index);
    else
        store_bind_text(statement, index, text);
}

struct period_texts {
    char period[PERIOD_TEXT], first[DATE_TEXT], last[DATE_TEXT];
};

static struct period_texts texts_of(struct period period)
{
    struct period_texts texts;
    period_format(period, texts.period);
    date_format(period.first, texts.first);
    date_format(period.last, texts.last);
    return texts;
}

enum status store_publish_figure(struct store *store, const struct published_figure *figure, const char *updated_at,
                                 struct fault *why)
{
    const struct period_texts texts = texts_of(figure->period);
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_FIGURE_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, figure->kind);
    store_bind_text(statement, 2, figure->code);
    store_bind_text(statement, 3, figure->unit);
    store_bind_text(statement, 4, texts.period);
    store_bind_text(statement, 5, figure->name);
    store_bind_text(statement, 6, figure->unit_name);
    store_bind_text(statement, 7, figure->level);
    store_bind_text(statement, 8, period_kind_name(figure->period.kind));
    store_bind_text(statement, 9, texts.first);
    store_bind_text(statement, 10, texts.last);
    bind_text_or_null(statement, 11, figure->value);
    if (figure->value != NULL)
        sqlite3_bind_int64(statement, 12, figure->value_units);
    sqlite3_bind_int(statement, 13, figure->value_scale);
    bind_text_or_null(statement, 14, figure->numerator);
    bind_text_or_null(statement, 15, figure->denominator);
    store_bind_number(statement, 16, figure->reported);
    store_bind_number(statement, 17, figure->expected);
    store_bind_text(statement, 18, figure->flag);
    store_bind_text(statement, 19, updated_at);
    return store_run(store, statement, why);
}

enum status store_publish_report(struct store *store, const struct published_report *report, const char *updated_at,
                                 struct fault *why)
{
    const struct period_texts texts = texts_of(report->period);
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_REPORT_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, report->form);
    store_bind_text(statement, 2, report->unit);
    store_bind_text(statement, 3, texts.period);
    store_bind_text(statement, 4, report->form_name);
    store_bind_text(statement, 5, report->unit_name);
    store_bind_text(statement, 6, report->level);
    store_bind_text(statement, 7, texts.first);
    store_bind_text(statement, 8, texts.last);
    store_bind_number(statement, 9, report->expected);
    store_bind_number(statement, 10, report->received);
    store_bind_number(statement, 11, report->on_time);
    store_bind_number(statement, 12, report->clean);
    store_bind_text(statement, 13, updated_at);
    return store_run(store, statement, why);
}

enum status store_publish_goal(struct store *store, const char *const cells[PUBLISHED_GOAL_CELLS], const char *judged_on,
                               const char *updated_at, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, STATEMENT_GOAL_SAVE, &statement, why);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < PUBLISHED_GOAL_CELLS; i++)
        bind_text_or_null(statement, i + 1, cells[i]);
    store_bind_text(statement, PUBLISHED_GOAL_CELLS + 1, judged_on);
    store_bind_text(statement, PUBLISHED_GOAL_CELLS + 2, updated_at);
    return store_run(store, statement, why);
}

static enum status clear(struct store *store, enum statement which, struct fault *why)
{
    sqlite3_stmt *statement;
    const enum status status = store_statement(store, which, &statement, why);
    return status == STATUS_OK ? store_run(store, statement, why) : status;
}

enum status store_unpublish_goals(struct store *store, struct fault *why)
{
    return clear(store, STATEMENT_GOALS_CLEAR, why);
}

enum status store_unpublish(struct store *store, struct fault *why)
{
    enum status status = clear(store, STATEMENT_FIGURES_CLEAR, why);
    if (status == STATUS_OK)
        status = clear(store, STATEMENT_REPORTS_CLEAR, why);
    return status == STATUS_OK ? clear(store, STATEMENT_GOALS_CLEAR, why) : status;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* True when the row says all that the figure does. */
static bool says(sqlite3_stmt *statement, const struct published_figure *figure, const struct period_texts *texts)
{
    const char *const wanted[] = {figure->value, figure->numerator, figure->denominator, figure->flag, figure->name,
                                  figure->unit_name, figure->level, period_kind_name(figure->period.kind), texts->first,
                                  texts->last};
    for (int i = 0; i < (int)ARRAY_LEN(wanted); i++)
        if (!is_same(column_text(statement, i), wanted[i]))
            return false;
    return (uint64_t)sqlite3_column_int64(statement, 10) == figure->reported &&
           (uint64_t)sqlite3_column_int64(statement, 11) == figure->expected &&
           (sqlite3_column_type(statement, 12) == SQLITE_NULL) == (figure->value == NULL) &&
           (figure->value == NULL || sqlite3_column_int64(statement, 12) == figure->value_units) &&
           sqlite3_column_int64(statement, 13) == figure->value_scale;
}

enum status store_is_published(struct store *store, const struct published_figure *figure, bool *ret_same,
                               struct fault *why)
{
    const struct period_texts texts = texts_of(figure->period);
    sqlite3_stmt *statement;
    bool row;
    enum status status = store_statement(store, STATEMENT_FIGURE, &statement, why);
    if (status != STATUS_OK)
        return status;
    store_bind_text(statement, 1, figure->kind);
    store_bind_text(statement, 2, figure->code);
    store_bind_text(statement, 3, figure->unit);
    store_bind_text(statement, 4, texts.period);
    status = store_step(store, statement, &row, why);
    if (status != STATUS_OK)
        return status;
    /* Where nothing is owed no row is made; one that is there must go on telling the truth. */
    if (!row)
        *ret_same = figure->value == NULL && figure->reported == 0 && figure->expected == 0;
    else
        *ret_same = says(statement, figure, &texts);
    sqlite3_reset(statement);
    return STATUS_OK;
}

enum status store_published_figures(struct store *store, store_figure_visitor *visit, void *context, struct fault *why)
{
    sqlite3_stmt *statement;
    struct fault ignored = {0};
    bool row, more = store->version >= PUBLISHED_SINCE;
    enum status status = STATUS_OK;
    if (!more)
        return STATUS_OK;
    status = store_statement(store, STATEMENT_FIGURES, &statement, why);
    while (status == STATUS_OK && more) {
        status = store_step(store, statement, &row, why);
        if (status != STATUS_OK || !row)
            break;
        struct published_figure figure = {
            .kind = column_text(statement, 0), .code = column_text(statement, 1), .unit = column_text(statement, 2),
            .value = column_text(statement, 4), .numerator = column_text(statement, 5),
            .denominator = column_text(statement, 6), .reported = (uint64_t)sqlite3_column_int64(statement, 7),
            .expected = (uint64_t)sqlite3_column_int64(statement, 8), .flag = column_text(statement, 9)};
        const char *period = column_text(statement, 3);
        if (figure.kind == NULL || figure.code == NULL || figure.unit == NULL || figure.flag == NULL || period == NULL ||
            period_parse(period, &figure.period, &ignored) != STATUS_OK)
            return store_damaged(store, "published_figures", why);
        more = visit(context, &figure);
    }
    if (status == STATUS_OK)
        sqlite3_reset(statement);
    return status;
}

/* ---- how far ------------------------------------------------------------------------------------------------------- */

enum status store_published_as_of(struct store *store, const unsigned char catalogue[SEAL_HASH], uint64_t *ret_entry,
                                  struct fault *why)
{
    bool fits = false;
    const enum status status = store_about_is(store, "published_catalogue", catalogue, &fits, why);
    if (status != STATUS_OK)
        return status;
    *ret_entry = 0;
    return fits ? store_about_number(store, "published_as_of", ret_entry, why) : STATUS_OK;
}

enum status store_set_published_as_of(struct store *store, const unsigned char catalogue[SEAL_HASH], uint64_t entry,
                                      struct fault *why)
{
    const enum status status = store_set_about(store, "published_catalogue", catalogue, SEAL_HASH, why);
    return status == STATUS_OK ? store_set_about_number(store, "published_as_of", entry, why) : status;
}
