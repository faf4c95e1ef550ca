/* answer.h - what the answers share: the question being answered and its options as checked values. Private to the
 * office; each answer_*.c is one command of CONTRACT 6. */
#ifndef AGGREGATOR_OFFICE_ANSWER_H
#define AGGREGATOR_OFFICE_ANSWER_H

#include "abacus.h"
#include "calendar.h"
#include "figures.h"
#include "office.h"

#define PUBLICATIONS_CHECKED 16
#define ANSWER_ROWS_MOST 1000000 /* rows of one answer: more is a question asked too widely */

/* The office as it was under an earlier catalogue. */
struct archive {
    struct catalogue *catalogue;
    struct office *office;
};

struct office {
    const struct catalogue *catalogue;
    struct store *store;
    size_t memory;
    struct abacus *abacus;        /* live */
    struct figures *figures;
    struct abacus *past;          /* as of an earlier entry; opened when first asked for */
    struct figures *past_figures;
    struct abacus *other_past;    /* beside it: two moments are compared */
    struct figures *other_past_figures;
    struct archive archives[2];
    unsigned char checked[PUBLICATIONS_CHECKED][SEAL_SIGNATURE]; /* publications whose figures were found the same */
    size_t checked_next;
    uint32_t *unit_numbers;       /* 0, 1, 2 ...: scopes of single units point into it */
    bool offline;                 /* no aggregator runs: nobody is connected */
    char *agents_file;            /* agents.csv: the keys that submissions are checked against; NULL: none known */
};

/* One question on its way to becoming rows. */
struct asking {
    struct office *office;
    const struct catalogue *catalogue;
    const struct wire_question *question;
    struct abacus *abacus; /* live or as-of */
    struct figures *figures;
    uint64_t newest;       /* entry the answer reflects */
    const struct publication *publication; /* that was asked for by its name; NULL: none */
    int64_t now_ms;
    int32_t today;
    enum language language;
    struct table *table;
    struct fault *why;
};

/* What is asked about: a unit, or a named group of units. */
struct place {
    uint32_t unit, group; /* one of them is NO_INDEX */
    struct scope scope;
};

enum status answer_diff(struct asking *asking);
enum status answer_explain(struct asking *asking);
enum status answer_publish(struct asking *asking);
enum status answer_publications(struct asking *asking);
enum status answer_query(struct asking *asking);
enum status answer_progress(struct asking *asking);
enum status answer_alerts(struct asking *asking);
enum status answer_reporting(struct asking *asking);
enum status answer_records(struct asking *asking);
enum status answer_status(struct asking *asking);
enum status answer_incidents(struct asking *asking);
enum status answer_catalogue(struct asking *asking);

/* The option's text, NULL when it was not given. A flag that was given is "". */
const char *asking_option(const struct asking *asking, const char *name);
bool asking_flag(const struct asking *asking, const char *name);
/* Option `name` as a place (default the root), a level (default NO_INDEX), a date, a period (default *ret_period as it
 * is). STATUS_REFUSED says which option is wrong and what may stand there. */
enum status asking_place(struct asking *asking, const char *name, struct place *ret_place);
enum status asking_level(struct asking *asking, const char *name, uint32_t *ret_level);
enum status asking_date(struct asking *asking, const char *name, int32_t *ret_date);
enum status asking_period(struct asking *asking, const char *name, struct period *ret_period);
/* A number from 1 to `most`; *ret_number is left as it is when it was not given. */
enum status asking_number(struct asking *asking, const char *name, size_t most, size_t *ret_number);
/* The period of a question that names none: that of the publication it asks, else this year. */
struct period asking_usual_period(const struct asking *asking);
enum status asking_room(struct asking *asking, size_t more_rows); /* STATUS_REFUSED when the answer gets too large */

struct place place_of_unit(const struct office *office, uint32_t unit);
const char *place_code(const struct catalogue *catalogue, struct place place);
/* The unit's name, or the group's members' names joined by "+". Yours to free. */
char *place_name(const struct catalogue *catalogue, struct place place, enum language language);
/* `english` when it is asked for and there. */
const char *name_in(enum language language, const char *chinese, const char *english);
/* Whether the unit is at or below one of the place's units at some time in the period. */
bool place_holds(const struct catalogue *catalogue, struct place place, uint32_t unit, struct period period);

/* Adds a cell: the exact value rounded to its decimals, empty when there is none or it does not fit. */
void add_ratio(struct table *table, bool present, const mpq_t value, uint8_t decimals);
void add_date(struct table *table, int32_t date);
void add_time(struct table *table, int64_t time_ms); /* empty for 0 and INT64_MIN */
void add_period(struct table *table, struct period period);
/* The period of option `name` in the words it was asked in; without the option `period` itself. */
void add_asked_period(const struct asking *asking, const char *name, struct period period);

/* The ten cells of one figure as `query` prints them, the period as `period_text` or, where that is NULL, by its name;
 * ret_figure keeps the exact values. */
struct subject {
    uint32_t indicator, element; /* one of them is NO_INDEX */
};
extern const char *const query_columns[12];
enum status add_figure(struct figures *figures, const struct catalogue *catalogue, struct subject subject,
                       struct place place, struct period period, const char *period_text, enum language language,
                       struct table *table, struct figure *ret_figure, struct fault *why);

/* alerts.c of the answers: the rows as `alerts` prints them. */
extern const char *const alert_columns[10];
void add_alert(struct table *table, const struct alert_row *row);

#endif
