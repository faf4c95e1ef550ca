/* Figures at their edges against a slow, obvious model in another style: every record in one table of an in-memory SQLite,
 * every question one plain SQL statement over it; no pages, runs, covers or caches. Trees whose units open, close, leave gaps
 * and move in the middle of a month are made up at random, and so are the records: values at both ends of int64, corrections,
 * conflicts, retractions, all kinds and aggregates, groups, spans, as-of moments, years that start in April or July.
 *
 * SQLite adds int64 only, so a value is kept as hi * 2^32 + lo (0 <= lo < 2^32), which adds without loss and compares
 * column by column; what is beyond int64 is put together with GMP. SUANPAN_SEED=n replays a run. */
#include "random.h"
#include "suite.h"

#include "progress.h"
#include "support.h"

#include <sqlite3.h>
#include <time.h>

#define TOWNS 9
#define DISTRICTS 4
#define MONTHS 27 /* from January 2019 */

static uint64_t dice(uint64_t sides)
{
    return draw() % sides;
}

/* ---- SQL ----------------------------------------------------------------------------------------------------------------------- */

static sqlite3 *model;

static void sql_must(int result, const char *sql)
{
    if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE)
        return;
    fprintf(stderr, "\n%s\n%s\n", sqlite3_errmsg(model), sql);
    CU_FAIL_FATAL("the model's own SQL does not work");
}

static void run(const char *sql)
{
    sql_must(sqlite3_exec(model, sql, NULL, NULL, NULL), sql);
}

/* A statement with named parameters; ends at the NULL name. Texts only: SQLite's columns turn them into what they are. */
static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sql_must(sqlite3_prepare_v2(model, sql, -1, &statement, NULL), sql);
    return statement;
}

static void bind_number(sqlite3_stmt *statement, const char *name, int64_t number)
{
    const int index = sqlite3_bind_parameter_index(statement, name);
    if (index > 0)
        sql_must(sqlite3_bind_int64(statement, index, number), name);
}

static void bind_text(sqlite3_stmt *statement, const char *name, const char *text)
{
    const int index = sqlite3_bind_parameter_index(statement, name);
    if (index > 0)
        sql_must(sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT), name);
}

static int64_t finish_number(sqlite3_stmt *statement)
{
    const int result = sqlite3_step(statement);
    const int64_t number = result == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sql_must(result, sqlite3_sql(statement));
    sqlite3_finalize(statement);
    return number;
}

/* ---- a random city ------------------------------------------------------------------------------------------------------------- */

static const char tables[] =
    "CREATE TABLE place(unit TEXT, parent TEXT, level TEXT, opened INTEGER, closed INTEGER);"
    "CREATE TABLE member(code TEXT, unit TEXT);" /* a group's units; a unit is a group of itself */
    "CREATE TABLE form(form TEXT PRIMARY KEY, freq TEXT, level TEXT);"
    "CREATE TABLE scope(form TEXT, unit TEXT);"
    "CREATE TABLE element(element TEXT PRIMARY KEY, form TEXT, kind TEXT, agg TEXT, decimals INTEGER);"
    "CREATE TABLE per(freq TEXT, ord INTEGER, per TEXT, first INTEGER, last INTEGER, year INTEGER, PRIMARY KEY(freq, per));"
    "CREATE TABLE hist(entry INTEGER, element TEXT, unit TEXT, per TEXT, revision INTEGER, status TEXT, hi INTEGER, lo INTEGER);"
    "CREATE INDEX cell ON hist(element, unit, per, revision);"
    "CREATE TABLE anc(day INTEGER, unit TEXT, ancestor TEXT, PRIMARY KEY(day, ancestor, unit));"
    "INSERT INTO form VALUES('tm','month','town'),('tq','quarter','town'),('ty','year','town'),('dm','month','district'),"
    "('ts','month','town');"
    "INSERT INTO element VALUES('fs','tm','flow','sum',0),('fx','tm','flow','max',2),('fn','tm','flow','min',0),"
    "('st','tm','stock','sum',0),('sx','tm','stock','max',1),('yt','tm','ytd','sum',0),('yx','tm','ytd','max',0),"
    "('bm','tm','base','sum',0),('qf','tq','flow','sum',3),('qs','tq','stock','min',0),('qy','tq','ytd','min',0),"
    "('by','ty','base','sum',0),('df','dm','flow','sum',0),('dy','dm','ytd','sum',0),('sf','ts','flow','sum',0),"
    "('ss','ts','stock','sum',0),('sb','ts','base','max',2);";

static const char forms_csv[] = "form,name_zh,frequency,level,due_days\ntm,tm,month,town,5\ntq,tq,quarter,town,5\n"
                                "ty,ty,year,town,5\ndm,dm,month,district,5\nts,ts,month,town,5\n";
static const char elements_csv[] =
    "element,form,name_zh,kind,aggregate,unit_zh,decimals\nfs,tm,e1,flow,sum,u,0\nfx,tm,e2,flow,max,u,2\nfn,tm,e3,flow,min,u,0\n"
    "st,tm,e4,stock,sum,u,0\nsx,tm,e5,stock,max,u,1\nyt,tm,e6,ytd,sum,u,0\nyx,tm,e7,ytd,max,u,0\nbm,tm,e8,base,sum,u,0\n"
    "qf,tq,e9,flow,sum,u,3\nqs,tq,e10,stock,min,u,0\nqy,tq,e11,ytd,min,u,0\nby,ty,e12,base,sum,u,0\ndf,dm,e13,flow,sum,u,0\n"
    "dy,dm,e14,ytd,sum,u,0\nsf,ts,e15,flow,sum,u,0\nss,ts,e16,stock,sum,u,0\nsb,ts,e17,base,max,u,2\n";

/* An indicator as the model knows it: sum of factor * element (shift), over the same, times a factor. */
struct part {
    int factor;
    const char *element;
    char shift; /* ' ', 'p' prev, 'y' prev_year */
};
struct formula {
    const char *code;
    struct part above[3], below[3];
    int64_t factor; /* at factor_decimals */
    int factor_decimals, decimals;
};
static const struct formula formulas[] = {
    {"i1", {{1, "fs", ' '}}, {{1, "st", ' '}}, 1, 0, 2},
    {"i2", {{1, "fs", ' '}, {-2, "df", ' '}}, {{1, "by", ' '}}, 10000, 0, 1},
    {"i3", {{1, "yt", ' '}, {1, "fs", 'p'}}, {{0, NULL, ' '}}, 1, 0, 0},
    {"i4", {{1, "fx", ' '}}, {{3, "fs", ' '}, {-1, "qf", ' '}}, 100, 0, 3},
    {"i5", {{1, "yt", 'y'}, {-1, "bm", ' '}}, {{1, "fs", ' '}}, 1, 3, 6},
    {"i6", {{1, "sf", ' '}, {1, "ss", 'p'}}, {{1, "sb", ' '}}, -1, 0, 4},
    {"i7", {{7, "qy", ' '}, {1, "qs", 'y'}}, {{0, NULL, ' '}}, 5, 1, 0},
};
static const char indicators_csv[] = "indicator,name_zh,numerator,denominator,factor,decimals,better\ni1,i1,fs,st,,2,up\n"
                                     "i2,i2,fs - 2*df,by,10000,1,up\ni3,i3,yt + prev(fs),,,0,up\n"
                                     "i4,i4,fx,3*fs - qf,100,3,up\ni5,i5,prev_year(yt) - bm,fs,0.001,6,up\n"
                                     "i6,i6,sf + prev(ss),sb,-1,4,up\ni7,i7,7*qy + prev_year(qs),,0.5,0,up\n";

static char units_csv[8192], scope_csv[1024], groups_csv[1024], package_json[256];

static void add_text(char *text, size_t capacity, const char *more)
{
    const size_t used = strlen(text), length = strlen(more);
    CU_ASSERT_FATAL(used + length < capacity);
    memcpy(text + used, more, length + 1);
}

static void add_place(const char *unit, const char *parent, const char *level, int32_t opened, int32_t closed)
{
    char dates[2][DATE_TEXT] = {"", ""}, line[256];
    if (opened != INT32_MIN)
        date_format(opened, dates[0]);
    if (closed != INT32_MAX)
        date_format(closed, dates[1]);
    snprintf(line, sizeof line, "%s,%s,%s,%s,%s,%s\n", unit, parent, level, unit, dates[0], dates[1]);
    add_text(units_csv, sizeof units_csv, line);
    sqlite3_stmt *insert = prepare("INSERT INTO place VALUES(:unit, :parent, :level, :opened, :closed)");
    bind_text(insert, ":unit", unit);
    bind_text(insert, ":parent", parent);
    bind_text(insert, ":level", level);
    bind_number(insert, ":opened", opened);
    bind_number(insert, ":closed", closed);
    finish_number(insert);
}

/* One to three stays with parents of the level above, with or without days between them, from always or a day, to a day or
 * for good. Any day of a month will do. */
static void add_unit(const char *unit, const char *level, const char *parent_prefix, unsigned parents)
{
    const int32_t start = date_from_civil(2019, 2, 1);
    const unsigned stays = (unsigned)(1 + dice(4) % 3);
    int32_t opened = dice(3) == 0 ? start + (int32_t)dice(200) : INT32_MIN;
    int32_t at = opened == INT32_MIN ? start : opened;
    for (unsigned i = 0; i < stays; i++) {
        char parent[16];
        const bool is_last = i + 1 == stays;
        const int32_t closed = is_last && dice(3) != 0 ? INT32_MAX : at + (int32_t)dice(260);
        snprintf(parent, sizeof parent, "%s%u", parent_prefix, (unsigned)dice(parents));
        add_place(unit, parent, level, opened, closed);
        opened = at = closed == INT32_MAX ? 0 : closed + 1 + (dice(3) == 0 ? (int32_t)dice(90) : 0);
    }
}

static void add_member(const char *group, const char *unit)
{
    sqlite3_stmt *insert = prepare("INSERT INTO member VALUES(:code, :unit)");
    char line[64];
    bind_text(insert, ":code", group);
    bind_text(insert, ":unit", unit);
    finish_number(insert);
    if (strcmp(group, unit) == 0)
        return;
    snprintf(line, sizeof line, "%s,%s\n", group, unit);
    add_text(groups_csv, sizeof groups_csv, line);
}

static void make_units(void)
{
    char code[16];
    add_text(units_csv, sizeof units_csv, "code,parent,level,name_zh,opened,closed\n");
    add_text(scope_csv, sizeof scope_csv, "form,unit\n");
    add_text(groups_csv, sizeof groups_csv, "group,unit\n");
    add_place("R", "", "nation", INT32_MIN, INT32_MAX);
    add_place("C0", "R", "city", INT32_MIN, INT32_MAX);
    add_place("C1", "R", "city", INT32_MIN, INT32_MAX);
    for (unsigned i = 0; i < DISTRICTS; i++) {
        snprintf(code, sizeof code, "D%u", i);
        add_unit(code, "district", "C", 2);
    }
    for (unsigned i = 0; i < TOWNS; i++) {
        snprintf(code, sizeof code, "T%u", i);
        add_unit(code, "town", "D", DISTRICTS);
        if (dice(2) == 0) {
            char line[32];
            snprintf(line, sizeof line, "ts,%s\n", code);
            add_text(scope_csv, sizeof scope_csv, line);
            sqlite3_stmt *insert = prepare("INSERT INTO scope VALUES('ts', :unit)");
            bind_text(insert, ":unit", code);
            finish_number(insert);
        }
    }
    run("INSERT INTO member SELECT DISTINCT unit, unit FROM place");
    add_member("G0", "D0");
    add_member("G0", "D1");
    add_member("G1", "T0");
    add_member("G1", "T5");
    add_member("G1", "D2");
    add_member("G2", "C1");
    add_member("G2", "T1");
}

/* Form periods of five years, by SQLite's own calendar; the year is that in which figures are cumulated. */
static void make_periods(int year_start)
{
    sqlite3_stmt *insert = prepare(
        "WITH RECURSIVE month(n, day) AS (SELECT 0, '2017-01-01' UNION ALL SELECT n + 1, date(day, '+1 month') FROM month"
        " WHERE n < 59),"
        " part(freq, ord, per, first, last) AS ("
        " SELECT 'month', n, strftime('%Y-%m', day), day, date(day, '+1 month', '-1 day') FROM month"
        " UNION ALL SELECT 'quarter', n / 3, strftime('%Y', day) || '-Q' || (n % 12 / 3 + 1), day,"
        " date(day, '+3 months', '-1 day') FROM month WHERE n % 3 = 0"
        " UNION ALL SELECT 'year', n / 12, strftime('%Y', day), day, date(day, '+12 months', '-1 day') FROM month"
        " WHERE n % 12 = 0)"
        " INSERT INTO per SELECT freq, ord, per, strftime('%s', first) / 86400, strftime('%s', last) / 86400,"
        " strftime('%Y', date(last, 'start of month', '-' || :later || ' months')) + 0 FROM part");
    bind_number(insert, ":later", year_start - 1);
    finish_number(insert);
}

/* Whom everybody belongs to on a day: up from parent to parent. A day on which a unit is closed counts with the stay before
 * it, a day before the first with the first. */
static void know_day(int32_t day)
{
    sqlite3_stmt *insert = prepare(
        "WITH RECURSIVE up(unit, code) AS (SELECT DISTINCT unit, unit FROM place UNION SELECT up.unit, (SELECT p.parent FROM place p"
        " WHERE p.unit = up.code ORDER BY p.opened <= :day DESC, CASE WHEN p.opened <= :day THEN -p.opened ELSE p.opened END LIMIT 1)"
        " FROM up WHERE up.code <> 'R')"
        " INSERT OR IGNORE INTO anc SELECT :day, unit, code FROM up");
    bind_number(insert, ":day", day);
    finish_number(insert);
}

static void make_city(struct city *city)
{
    static const int starts[] = {1, 1, 4, 7};
    struct catalogue_file files[8];
    const int year_start = starts[dice(4)];
    sql_must(sqlite3_open(":memory:", &model), "open");
    memset(units_csv, 0, sizeof units_csv);
    memset(scope_csv, 0, sizeof scope_csv);
    memset(groups_csv, 0, sizeof groups_csv);
    run(tables);
    make_units();
    make_periods(year_start);
    snprintf(package_json, sizeof package_json,
             "{\"name\":\"e\",\"title\":\"e\",\"version\":\"1\",\"resources\":[],\"year_start\":\"%02d-01\"}", year_start);
    sqlite3_stmt *days = prepare("SELECT DISTINCT last FROM per");
    while (sqlite3_step(days) == SQLITE_ROW)
        know_day(sqlite3_column_int(days, 0));
    sqlite3_finalize(days);
    static const struct { const char *name, *text; } texts[] = {
        {"datapackage.json", package_json}, {"units.csv", units_csv},       {"groups.csv", groups_csv},
        {"form_units.csv", scope_csv},      {"forms.csv", forms_csv},       {"elements.csv", elements_csv},
        {"indicators.csv", indicators_csv}, {"goals.csv", "goal,indicator,unit,op,value,due\n"}};
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        files[i] = (struct catalogue_file){texts[i].name, texts[i].text, strlen(texts[i].text)};
    city_open(city, files, ARRAY_LEN(files));
}

static void drop_city(struct city *city)
{
    city_close(city);
    sqlite3_close(model);
    model = NULL;
}

/* ---- random records -------------------------------------------------------------------------------------------------------------- */

static int64_t random_value(void)
{
    static const int64_t edges[] = {INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, INT64_MAX / 2, INT64_MIN / 2,
                                    INT64_MAX / 2 + 1, 4294967296, -4294967296, 4294967295, -1, 0, 1};
    switch (dice(6)) {
    case 0: return edges[dice(ARRAY_LEN(edges))];
    case 1: return (int64_t)(dice(UINT64_MAX));
    case 2: return (int64_t)dice(2000000) - 1000000;
    default: return (int64_t)dice(200) - 60;
    }
}

/* The digits of a value with its decimals, without asking the library. */
static void write_value(int64_t value, int decimals, char text[40])
{
    uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    char digits[40];
    int count = 0, at = 0;
    while (count <= decimals || rest != 0) {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value < 0)
        text[at++] = '-';
    while (count > 0) {
        text[at++] = digits[--count];
        if (count == decimals && count > 0)
            text[at++] = '.';
    }
    text[at] = '\0';
}

/* Plays one record by the words of CONTRACT 4; true when it must be refused. */
static bool play(int64_t entry, const char *element, const char *unit, const char *per, int64_t revision, char status,
                 int64_t value)
{
    const char letter[2] = {status, '\0'};
    const int64_t lo = (int64_t)((uint64_t)value & 0xFFFFFFFFu), hi = (value - lo) / 4294967296;
    sqlite3_stmt *ask = prepare(
        "SELECT NOT EXISTS(SELECT 1 FROM place p, per, form f, element e WHERE p.unit = :unit AND e.element = :element"
        " AND f.form = e.form AND per.per = :per AND per.freq = f.freq AND p.opened <= per.last AND p.closed >= per.first)");
    bind_text(ask, ":unit", unit);
    bind_text(ask, ":element", element);
    bind_text(ask, ":per", per);
    if (finish_number(ask) != 0)
        return true;
    ask = prepare("SELECT coalesce(max(revision), 0) FROM hist WHERE element = :element AND unit = :unit AND per = :per");
    bind_text(ask, ":element", element);
    bind_text(ask, ":unit", unit);
    bind_text(ask, ":per", per);
    const int64_t live = finish_number(ask);
    if (revision == 0)
        revision = live + 1;
    if (revision == live) {
        ask = prepare("SELECT NOT (hi = :hi AND lo = :lo AND (status IN ('A','P','E')) = (:status IN ('A','P','E'))"
                      " AND (status = 'X') = (:status = 'X')) FROM hist WHERE element = :element AND unit = :unit"
                      " AND per = :per AND revision = :revision");
    } else {
        ask = prepare("INSERT INTO hist VALUES(:entry, :element, :unit, :per, :revision, :status, :hi, :lo)");
    }
    bind_number(ask, ":entry", entry);
    bind_text(ask, ":element", element);
    bind_text(ask, ":unit", unit);
    bind_text(ask, ":per", per);
    bind_number(ask, ":revision", revision);
    bind_text(ask, ":status", letter);
    bind_number(ask, ":hi", hi);
    bind_number(ask, ":lo", lo);
    return finish_number(ask) != 0;
}

/* A random cell of the model: element, unit of the form's level, period. */
static void random_cell(char element[8], char unit[8], char per[16], int *ret_decimals)
{
    sqlite3_stmt *pick = prepare("SELECT e.element, f.freq, f.level, e.decimals FROM element e JOIN form f USING(form) ORDER BY"
                                 " e.element LIMIT 1 OFFSET :n");
    char freq[16];
    bind_number(pick, ":n", (int64_t)dice(17));
    sql_must(sqlite3_step(pick), "pick");
    snprintf(element, 8, "%s", (const char *)sqlite3_column_text(pick, 0));
    snprintf(freq, sizeof freq, "%s", (const char *)sqlite3_column_text(pick, 1));
    const bool is_town = strcmp((const char *)sqlite3_column_text(pick, 2), "town") == 0;
    *ret_decimals = sqlite3_column_int(pick, 3);
    sqlite3_finalize(pick);
    snprintf(unit, 8, "%c%u", is_town ? 'T' : 'D', (unsigned)dice(is_town ? TOWNS : DISTRICTS));
    const unsigned month = (unsigned)dice(MONTHS);
    if (strcmp(freq, "month") == 0)
        snprintf(per, 16, "%u-%02u", 2019 + month / 12, month % 12 + 1);
    else if (strcmp(freq, "quarter") == 0)
        snprintf(per, 16, "%u-Q%u", 2019 + month / 12, month % 12 / 3 + 1);
    else
        snprintf(per, 16, "%u", 2018 + month / 9);
}

static void feed_random(struct city *city)
{
    static const char letters[] = "AAAAAAAAAAPEMLQXXX";
    char text[16384] = "";
    size_t refused = 0;
    const int64_t entry = (int64_t)city->sequence + 1;
    for (size_t rows = 1 + dice(150); rows > 0; rows--) {
        char element[8], unit[8], per[16], value[40] = "", line[128];
        int decimals;
        const char status = letters[dice(sizeof letters - 1)];
        const bool has_value = status == 'A' || status == 'P' || status == 'E';
        const int64_t number = has_value ? random_value() : 0, revision = dice(2) == 0 ? 0 : (int64_t)(1 + dice(5));
        random_cell(element, unit, per, &decimals);
        if (has_value)
            write_value(number, decimals, value);
        snprintf(line, sizeof line, "%s,%s,%s,%s,%lld,%c\n", element, unit, per, value, (long long)revision, status);
        add_text(text, sizeof text, line);
        refused += play(entry, element, unit, per, revision, status, number) ? 1u : 0u;
    }
    const size_t got = city_feed(city, text);
    CU_ASSERT_EQUAL(got, refused);
}

/* ---- the model's answers ----------------------------------------------------------------------------------------------------------- */

struct worth {
    enum figure_state state;
    mpz_t value; /* at `decimals` */
    int decimals;
    int64_t reported, expected;
};

/* What every question starts from: the live records; the (unit, form period) pairs that count, each where it belonged on the
 * period's last day; which of them are owed. */
#define LIVE                                                                                                            \
    "WITH live AS (SELECT h.unit, p.ord, p.year, p.first, h.status IN ('A','P','E') AS has, h.hi, h.lo FROM hist h"       \
    " JOIN per p ON p.per = h.per AND p.freq = :freq WHERE h.element = :element AND h.entry <= :until AND h.status <> 'X'" \
    " AND h.revision = (SELECT max(g.revision) FROM hist g WHERE g.element = h.element AND g.unit = h.unit"               \
    " AND g.per = h.per AND g.entry <= :until)),"                                                                         \
    " mine AS (SELECT DISTINCT l.unit, p.ord, p.year, EXISTS(SELECT 1 FROM place q WHERE q.unit = l.unit"                 \
    " AND q.opened <= p.last AND q.closed >= p.first) AND (NOT EXISTS(SELECT 1 FROM scope s WHERE s.form = :form)"        \
    " OR EXISTS(SELECT 1 FROM scope s WHERE s.form = :form AND s.unit = l.unit)) AS owed"                                 \
    " FROM (SELECT DISTINCT unit FROM place WHERE level = :level) l JOIN per p JOIN anc a ON a.unit = l.unit"             \
    " AND a.day = p.last JOIN member k ON k.unit = a.ancestor AND k.code = :code"                                         \
    " WHERE p.freq = :freq AND p.first >= :first AND p.last <= :last)"
#define PAIRS                                                                                                            \
    ", counts AS (SELECT count(*) AS expected, count(l.unit) AS reported FROM mine m LEFT JOIN live l USING(unit, ord)"   \
    " WHERE m.owed)"
/* In the end: count, hi and lo of sum, greatest and least. Greatest and least compare hi first. */
#define ANSWER                                                                                                           \
    " SELECT expected, reported, (SELECT count(*) FROM fig), (SELECT sum(hi) FROM fig), (SELECT sum(lo) FROM fig),"       \
    " (SELECT hi FROM fig ORDER BY hi DESC, lo DESC LIMIT 1), (SELECT lo FROM fig ORDER BY hi DESC, lo DESC LIMIT 1),"    \
    " (SELECT hi FROM fig ORDER BY hi, lo LIMIT 1), (SELECT lo FROM fig ORDER BY hi, lo LIMIT 1) FROM counts"

static const char flow_sql[] = LIVE PAIRS ", fig AS (SELECT hi, lo FROM live JOIN mine USING(unit, ord) WHERE has)" ANSWER;

static const char stock_sql[] = LIVE
    ", counts AS (SELECT count(*) AS expected, coalesce(sum(got), 0) AS reported FROM (SELECT max(m.owed) AS owed,"
    " max(l.unit IS NOT NULL) AS got FROM mine m LEFT JOIN live l USING(unit, ord) GROUP BY m.unit) WHERE owed),"
    " fig AS (SELECT hi, lo FROM live JOIN mine USING(unit, ord) WHERE has AND ord = (SELECT max(o.ord) FROM live o"
    " JOIN mine n USING(unit, ord) WHERE o.unit = live.unit))" ANSWER;

/* A stay of the unit in what is asked is a run of form periods; each reporting year in it gives its last value, the first
 * one less the value before the stay unless the stay starts the year. One figure a unit. */
static const char ytd_sql[] = LIVE PAIRS
    ", run AS (SELECT unit, ord, year, ord - row_number() OVER (PARTITION BY unit ORDER BY ord) AS stay FROM mine),"
    " stay AS (SELECT unit, stay, min(ord) AS start, min(year) AS year FROM run GROUP BY unit, stay),"
    " before AS (SELECT s.unit, s.stay, s.year, (SELECT p.year FROM per p WHERE p.freq = :freq AND p.ord = s.start - 1) = s.year"
    " AS needed, l.hi, l.lo FROM stay s LEFT JOIN live l ON l.unit = s.unit AND l.ord = s.start - 1 AND l.has),"
    " years AS (SELECT r.unit, r.stay, r.year, max(r.ord) AS ord FROM run r JOIN live l ON l.unit = r.unit AND l.ord = r.ord"
    " AND l.has GROUP BY r.unit, r.stay, r.year),"
    " parts AS (SELECT y.unit, l.hi - CASE WHEN b.needed AND b.year = y.year THEN b.hi ELSE 0 END AS hi,"
    " l.lo - CASE WHEN b.needed AND b.year = y.year THEN b.lo ELSE 0 END AS lo"
    " FROM years y JOIN live l ON l.unit = y.unit AND l.ord = y.ord JOIN before b ON b.unit = y.unit AND b.stay = y.stay"
    " WHERE NOT b.needed OR b.hi IS NOT NULL),"
    " fig AS (SELECT sum(hi) + (sum(lo) >> 32) AS hi, sum(lo) & 4294967295 AS lo FROM parts GROUP BY unit)" ANSWER;

/* In force on the last day asked about, for who exists and belongs on that day. */
static const char base_sql[] = LIVE
    ", there AS (SELECT DISTINCT l.unit, NOT EXISTS(SELECT 1 FROM scope s WHERE s.form = :form)"
    " OR EXISTS(SELECT 1 FROM scope s WHERE s.form = :form AND s.unit = l.unit) AS owed FROM place l JOIN anc a ON a.unit = l.unit"
    " AND a.day = :last JOIN member k ON k.unit = a.ancestor AND k.code = :code WHERE l.level = :level AND l.opened <= :last"
    " AND l.closed >= :last),"
    " force AS (SELECT t.unit, t.owed, l.hi, l.lo FROM there t JOIN live l USING(unit) WHERE l.has AND l.first <= :last"
    " AND l.ord = (SELECT max(o.ord) FROM live o WHERE o.unit = t.unit AND o.first <= :last)),"
    " counts AS (SELECT (SELECT count(*) FROM there WHERE owed) AS expected, (SELECT count(*) FROM force WHERE owed) AS reported),"
    " fig AS (SELECT hi, lo FROM force)" ANSWER;

static void set_pair(mpz_t value, sqlite3_stmt *row, int column)
{
    mpz_set_si(value, sqlite3_column_int64(row, column));
    mpz_mul_2exp(value, value, 32);
    const int64_t lo = sqlite3_column_int64(row, column + 1);
    if (lo >= 0)
        mpz_add_ui(value, value, (unsigned long)lo);
    else
        mpz_sub_ui(value, value, (unsigned long)-lo);
}

static bool fits(const mpz_t value)
{
    mpz_t bound;
    mpz_init_set_ui(bound, 1);
    mpz_mul_2exp(bound, bound, 63);
    const bool below = mpz_cmp(value, bound) < 0;
    mpz_neg(bound, bound);
    const bool above = mpz_cmp(value, bound) >= 0;
    mpz_clear(bound);
    return below && above;
}

static void ask_element(const char *element, const char *code, struct period period, int64_t until, struct worth *ret_worth)
{
    sqlite3_stmt *about = prepare("SELECT f.form, f.freq, f.level, e.kind, e.agg, e.decimals FROM element e JOIN form f USING(form)"
                                  " WHERE e.element = :element");
    bind_text(about, ":element", element);
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(about), SQLITE_ROW);
    const char *kind = (const char *)sqlite3_column_text(about, 3), *aggregate = (const char *)sqlite3_column_text(about, 4);
    sqlite3_stmt *ask = prepare(kind[0] == 'f' ? flow_sql : kind[0] == 's' ? stock_sql : kind[0] == 'y' ? ytd_sql : base_sql);
    bind_text(ask, ":element", element);
    bind_text(ask, ":form", (const char *)sqlite3_column_text(about, 0));
    bind_text(ask, ":freq", (const char *)sqlite3_column_text(about, 1));
    bind_text(ask, ":level", (const char *)sqlite3_column_text(about, 2));
    bind_text(ask, ":code", code);
    bind_number(ask, ":first", period.first);
    bind_number(ask, ":last", period.last);
    bind_number(ask, ":until", until);
    if (kind[0] == 'b')
        know_day(period.last);
    sql_must(sqlite3_step(ask), sqlite3_sql(ask));
    ret_worth->decimals = sqlite3_column_int(about, 5);
    ret_worth->expected = sqlite3_column_int64(ask, 0);
    ret_worth->reported = sqlite3_column_int64(ask, 1);
    set_pair(ret_worth->value, ask, strcmp(aggregate, "sum") == 0 ? 3 : strcmp(aggregate, "max") == 0 ? 5 : 7);
    ret_worth->state = sqlite3_column_int64(ask, 2) == 0 ? FIGURE_NONE : fits(ret_worth->value) ? FIGURE_PRESENT : FIGURE_OVERFLOW;
    sqlite3_finalize(ask);
    sqlite3_finalize(about);
}

/* ---- formulas ------------------------------------------------------------------------------------------------------------------------ */

static void scale_up(mpz_t value, int decimals)
{
    for (int i = 0; i < decimals; i++)
        mpz_mul_ui(value, value, 10);
}

static void print_worth(const struct worth *worth, char *text, size_t capacity)
{
    char digits[128], padded[160];
    if (worth->state != FIGURE_PRESENT) {
        snprintf(text, capacity, "%s", worth->state == FIGURE_OVERFLOW ? "!" : "-");
        return;
    }
    mpz_t magnitude;
    mpz_init(magnitude);
    mpz_abs(magnitude, worth->value);
    mpz_get_str(digits, 10, magnitude);
    mpz_clear(magnitude);
    const int length = (int)strlen(digits), missing = worth->decimals + 1 - length;
    snprintf(padded, sizeof padded, "%.*s%s", missing > 0 ? missing : 0, "0000000000000000000", digits);
    const int whole = (int)strlen(padded) - worth->decimals;
    snprintf(text, capacity, "%s%.*s%s%s", mpz_sgn(worth->value) < 0 ? "-" : "", whole, padded, worth->decimals > 0 ? "." : "",
             padded + whole);
}

/* One side of an indicator, exact, at the most decimals of its elements; must fit there. */
static void ask_side(const struct part *parts, const char *code, struct period period, int64_t until, struct worth *ret_side)
{
    bool overflow = false, missing = false;
    struct worth one;
    mpz_init(one.value);
    mpz_set_ui(ret_side->value, 0);
    ret_side->decimals = 0;
    for (size_t i = 0; i < 3 && parts[i].element != NULL; i++) {
        struct period other = period;
        bool exists = true;
        ask_element(parts[i].element, code, period, until, &one);
        ret_side->reported += one.reported;
        ret_side->expected += one.expected;
        if (parts[i].shift == 'p')
            other = period_previous(period);
        else if (parts[i].shift == 'y')
            exists = period_year_before(period, &other);
        if (parts[i].shift != ' ' && exists)
            ask_element(parts[i].element, code, other, until, &one);
        overflow = overflow || (exists && one.state == FIGURE_OVERFLOW);
        missing = missing || !exists || one.state == FIGURE_NONE;
        for (; ret_side->decimals < one.decimals; ret_side->decimals++)
            mpz_mul_ui(ret_side->value, ret_side->value, 10);
        scale_up(one.value, ret_side->decimals - one.decimals);
        mpz_mul_si(one.value, one.value, parts[i].factor);
        mpz_add(ret_side->value, ret_side->value, one.value);
    }
    ret_side->state = overflow ? FIGURE_OVERFLOW : missing ? FIGURE_NONE : fits(ret_side->value) ? FIGURE_PRESENT : FIGURE_OVERFLOW;
    mpz_clear(one.value);
}

/* above / below * factor, rounded half away from zero. */
static void divide(const struct formula *formula, const struct worth *above, const struct worth *below, struct worth *ret_value)
{
    mpz_t over, under;
    mpz_init_set(over, above->value);
    mpz_init_set_ui(under, 1);
    mpz_mul_si(over, over, formula->factor);
    scale_up(over, formula->decimals);
    scale_up(under, formula->factor_decimals + above->decimals);
    if (below != NULL) {
        mpz_mul(under, under, below->value);
        scale_up(over, below->decimals);
    }
    const int sign = mpz_sgn(over) * mpz_sgn(under);
    mpz_abs(over, over);
    mpz_abs(under, under);
    mpz_mul_ui(over, over, 2);
    mpz_add(over, over, under); /* floor((2n + d) / 2d) */
    mpz_mul_ui(under, under, 2);
    mpz_fdiv_q(ret_value->value, over, under);
    if (sign < 0)
        mpz_neg(ret_value->value, ret_value->value);
    ret_value->decimals = formula->decimals;
    ret_value->state = fits(ret_value->value) ? FIGURE_PRESENT : FIGURE_OVERFLOW;
    mpz_clear(over);
    mpz_clear(under);
}

static const char *flag_of(const struct worth *value, int64_t reported, int64_t expected)
{
    return value->state == FIGURE_OVERFLOW ? "overflow" : value->state == FIGURE_NONE ? "missing"
           : reported < expected ? "partial" : "complete";
}

static void answer_element(const char *element, const char *code, struct period period, int64_t until, char *text, size_t capacity)
{
    struct worth worth = {0};
    char value[128];
    mpz_init(worth.value);
    ask_element(element, code, period, until, &worth);
    print_worth(&worth, value, sizeof value);
    snprintf(text, capacity, "%s %lld/%lld %s", value, (long long)worth.reported, (long long)worth.expected,
             flag_of(&worth, worth.reported, worth.expected));
    mpz_clear(worth.value);
}

static void answer_formula(const struct formula *formula, const char *code, struct period period, int64_t until, char *text,
                           size_t capacity)
{
    const bool is_ratio = formula->below[0].element != NULL;
    struct worth above = {0}, below = {0}, value = {0};
    char texts[3][128];
    mpz_inits(above.value, below.value, value.value, NULL);
    ask_side(formula->above, code, period, until, &above);
    if (is_ratio)
        ask_side(formula->below, code, period, until, &below);
    if (above.state == FIGURE_OVERFLOW || (is_ratio && below.state == FIGURE_OVERFLOW))
        value.state = FIGURE_OVERFLOW;
    else if (above.state == FIGURE_NONE || (is_ratio && (below.state == FIGURE_NONE || mpz_sgn(below.value) == 0)))
        value.state = FIGURE_NONE;
    else
        divide(formula, &above, is_ratio ? &below : NULL, &value);
    print_worth(&value, texts[0], sizeof texts[0]);
    print_worth(&above, texts[1], sizeof texts[1]);
    print_worth(&below, texts[2], sizeof texts[2]);
    /* No formula here names an element on both sides: each is counted once. */
    const int64_t reported = above.reported + below.reported, expected = above.expected + below.expected;
    if (is_ratio)
        snprintf(text, capacity, "%s=%s/%s %lld/%lld %s", texts[0], texts[1], texts[2], (long long)reported, (long long)expected,
                 flag_of(&value, reported, expected));
    else
        snprintf(text, capacity, "%s %lld/%lld %s", texts[0], (long long)reported, (long long)expected,
                 flag_of(&value, reported, expected));
    mpz_clears(above.value, below.value, value.value, NULL);
}

/* ---- questions ----------------------------------------------------------------------------------------------------------------------- */

static struct period random_period(void)
{
    static const enum period_kind kinds[] = {PERIOD_YEAR, PERIOD_HALF, PERIOD_QUARTER, PERIOD_QUARTER, PERIOD_MONTH, PERIOD_MONTH,
                                             PERIOD_WEEK, PERIOD_DAY};
    const int32_t start = date_from_civil(2019, 1, 1), days = 365 + 366 + 90;
    const int32_t one = start + (int32_t)dice((uint64_t)days), other = start + (int32_t)dice((uint64_t)days);
    const int32_t first = one < other ? one : other, last = one < other ? other : one;
    const uint64_t which = dice(ARRAY_LEN(kinds) + 5);
    if (which < ARRAY_LEN(kinds))
        return period_of_day(one, kinds[which]);
    if (which == ARRAY_LEN(kinds))
        return period_span(first, last);
    return period_span(period_of_day(first, PERIOD_MONTH).first, period_of_day(last, PERIOD_MONTH).last);
}

static bool ask_random(struct city *city, int64_t until)
{
    char code[16], text[PERIOD_TEXT], wanted[512], what[192];
    const char *asked;
    const struct period period = random_period();
    sqlite3_stmt *pick = prepare("SELECT DISTINCT code FROM member ORDER BY code LIMIT 1 OFFSET :n % (SELECT count(DISTINCT code)"
                                 " FROM member)");
    bind_number(pick, ":n", (int64_t)dice(1000000));
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(pick), SQLITE_ROW);
    snprintf(code, sizeof code, "%s", (const char *)sqlite3_column_text(pick, 0));
    sqlite3_finalize(pick);
    period_format(period, text);
    const struct formula *formula = dice(3) == 0 ? &formulas[dice(ARRAY_LEN(formulas))] : NULL;
    if (formula != NULL) {
        asked = formula->code;
        answer_formula(formula, code, period, until, wanted, sizeof wanted);
    } else {
        asked = city->catalogue->elements[dice(city->catalogue->element_count)].code;
        answer_element(asked, code, period, until, wanted, sizeof wanted);
    }
    const char *got = city_ask(city, asked, code, text);
    if (strcmp(got, wanted) == 0)
        return true;
    snprintf(what, sizeof what, "%s of %s in %s up to entry %lld", asked, code, text, (long long)until);
    city_equal(what, got, wanted);
    return false;
}

static void show_places(void)
{
    fprintf(stderr, "\n%s%s%s%s\n", package_json, units_csv, groups_csv, scope_csv);
}

static void random_histories_on_moving_trees_are_answered_as_plain_sql_does(void)
{
    for (int round = 0; round < 4; round++) {
        struct city city;
        size_t wrong = 0;
        make_city(&city);
        for (size_t batches = 15 + dice(40); batches > 0; batches--) {
            feed_random(&city);
            for (int i = 0; i < 4 && wrong < 5; i++)
                wrong += !ask_random(&city, INT64_MAX);
        }
        for (int i = 0; i < 400 && wrong < 5; i++)
            wrong += !ask_random(&city, INT64_MAX);
        for (int moment = 0; moment < 6 && wrong < 5; moment++) {
            city.as_of = 1 + dice(city.sequence);
            city_snapshot(&city);
            for (int i = 0; i < 40 && wrong < 5; i++)
                wrong += !ask_random(&city, (int64_t)city.as_of);
        }
        CU_ASSERT_EQUAL(wrong, 0);
        if (wrong > 0)
            show_places();
        drop_city(&city);
    }
}

/* ---- worked out by hand ---------------------------------------------------------------------------------------------------------------- */

static const struct catalogue_file small[] = {
    PACKAGE_TEXT,
    FILE_TEXT("units.csv", "code,parent,level,name_zh,opened,closed\nC,,city,C,,\nA,C,district,A,,\nB,C,district,B,,\n"
                           "t,A,town,t,,2020-04-14\nt,B,town,t,2020-04-15,\nu,A,town,u,,\ng,B,town,g,,2020-06-10\n"
                           "g,B,town,g,2020-08-20,\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\nmon,mon,month,town,5\nyea,yea,year,town,5\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\nsum,mon,e1,flow,sum,u,0\n"
                              "most,mon,e2,flow,max,u,0\nleast,mon,e3,flow,min,u,2\nbeds,mon,e4,stock,sum,u,0\n"
                              "cum,mon,e5,ytd,sum,u,0\ntop,mon,e6,ytd,max,u,0\npeople,yea,e7,base,sum,u,0\n"
                              "right,mon,e8,flow,sum,u,0\nchecked,mon,e9,flow,sum,u,0\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                                "rate,i1,right,checked,100,1,up\nwhole,i2,right,checked,1,0,up\n"
                                "fine,i3,right,checked,-1,2,up\ndiff,i4,sum - right,checked,,0,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due,claim\nge,rate,C,>=,62,2020-12-31,a\nle,rate,C,<=,62,2020-12-31,b\n"
                           "eq,rate,C,=,62,2020-12-31,c\n"),
};

static void the_greatest_goes_when_it_is_corrected_or_retracted(void)
{
    struct city city;
    city_open(&city, small, ARRAY_LEN(small));
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,50,1\nmost,t,2020-01,40,1\nleast,u,2020-01,-0.50,1\nleast,t,2020-01,3,1\n"), 0);
    city_expect(&city, "most", "C", "2020", "50 2/35 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,45,2\n"), 0); /* a smaller one in its place */
    city_expect(&city, "most", "C", "2020", "45 2/35 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,,3,X\nleast,u,2020-01,,2,X\n"), 0); /* taken back */
    city_expect(&city, "most", "C", "2020", "40 1/35 partial");
    city_expect(&city, "least", "C", "2020", "3.00 1/35 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,60,2\n"), 0); /* an older revision never comes back */
    city_expect(&city, "most", "C", "2020", "40 1/35 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,30\nmost,t,2020-01,,,Q\n"), 0); /* withheld: reported, no figure */
    city_expect(&city, "most", "C", "2020", "30 2/35 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,,,X\n"), 0);
    city_expect(&city, "most", "C", "2020", "- 1/35 missing");
    CU_ASSERT_EQUAL(city_feed(&city, "most,u,2020-01,-9223372036854775808\n"), 0);
    city_expect(&city, "most", "C", "2020", "-9223372036854775808 2/35 partial");
    city_close(&city);
}

static void half_goes_away_from_zero_on_both_sides(void)
{
    static const struct { const char *rows, *whole, *fine; } cases[] = {
        {"right,u,2020-01,1\nchecked,u,2020-01,2\n", "1=1/2 2/70 partial", "-0.50=1/2 2/70 partial"},
        {"right,u,2020-01,-1\nchecked,u,2020-01,2\n", "-1=-1/2 2/70 partial", "0.50=-1/2 2/70 partial"},
        {"right,u,2020-01,1\nchecked,u,2020-01,-2\n", "-1=1/-2 2/70 partial", "0.50=1/-2 2/70 partial"},
        {"right,u,2020-01,-5\nchecked,u,2020-01,-2\n", "3=-5/-2 2/70 partial", "-2.50=-5/-2 2/70 partial"},
        {"right,u,2020-01,-1\nchecked,u,2020-01,200\n", "0=-1/200 2/70 partial", "0.01=-1/200 2/70 partial"},
        {"right,u,2020-01,1\nchecked,u,2020-01,200\n", "0=1/200 2/70 partial", "-0.01=1/200 2/70 partial"},
        {"right,u,2020-01,1\nchecked,u,2020-01,201\n", "0=1/201 2/70 partial", "0.00=1/201 2/70 partial"},
        {"right,u,2020-01,-9223372036854775808\nchecked,u,2020-01,-1\n", "!=-9223372036854775808/-1 2/70 overflow",
         "!=-9223372036854775808/-1 2/70 overflow"},
        {"right,u,2020-01,-9223372036854775808\nchecked,u,2020-01,1\n",
         "-9223372036854775808=-9223372036854775808/1 2/70 partial", "!=-9223372036854775808/1 2/70 overflow"},
        {"right,u,2020-01,9223372036854775807\nchecked,u,2020-01,-9223372036854775808\n",
         "-1=9223372036854775807/-9223372036854775808 2/70 partial", "1.00=9223372036854775807/-9223372036854775808 2/70 partial"},
    };
    struct city city;
    city_open(&city, small, ARRAY_LEN(small));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CU_ASSERT_EQUAL(city_feed(&city, cases[i].rows), 0);
        city_expect(&city, "whole", "C", "2020", cases[i].whole);
        city_expect(&city, "fine", "C", "2020", cases[i].fine);
    }
    city_close(&city);
}

static void sums_beyond_int64_that_cancel_are_figures(void)
{
    struct city city;
    city_open(&city, small, ARRAY_LEN(small));
    CU_ASSERT_EQUAL(city_feed(&city, "sum,t,2020-01,9223372036854775807\nsum,u,2020-01,9223372036854775807\n"
                                     "sum,g,2020-01,-9223372036854775808\nchecked,u,2020-01,3\nright,u,2020-01,-2\n"), 0);
    city_expect(&city, "sum", "C", "2020-01", "9223372036854775806 3/3 complete");
    city_expect(&city, "sum", "A", "2020-01", "! 2/2 overflow"); /* t was A's in January */
    city_expect(&city, "diff", "C", "2020-01", "!=!/3 5/9 overflow");
    CU_ASSERT_EQUAL(city_feed(&city, "right,u,2020-01,-1\n"), 0);
    city_expect(&city, "diff", "C", "2020-01", "3074457345618258602=9223372036854775807/3 5/9 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "sum,t,2020-02,-9223372036854775808\nsum,u,2020-02,-9223372036854775808\n"
                                     "sum,g,2020-02,1\n"), 0);
    city_expect(&city, "sum", "C", "2020-02", "! 3/3 overflow");
    city_expect(&city, "sum", "C", "2020-01..2020-02", "! 6/6 overflow"); /* one below the least int64 */
    CU_ASSERT_EQUAL(city_feed(&city, "sum,g,2020-02,2\n"), 0);
    city_expect(&city, "sum", "C", "2020-01..2020-02", "-9223372036854775808 6/6 complete");
    city_close(&city);
}

static void a_ratio_within_rounding_of_a_goal_is_compared_exactly(void)
{
    static const char *const goals[] = {"ge", "le", "eq"};
    struct city city;
    const int32_t day = date_from_civil(2020, 3, 6);
    city_open(&city, small, ARRAY_LEN(small));
    for (int i = 0; i < 300; i++) {
        char rows[160];
        const int64_t checked = i == 0 ? 200000 : 1 + (int64_t)dice(i % 2 == 0 ? 1000 : 100000000000000000);
        const int64_t right = i == 0 ? 123990 : checked / 50 * 31 + checked % 50 * 31 / 50 + (int64_t)dice(5) - 2; /* 61.995 */
        struct fault why = {0};
        snprintf(rows, sizeof rows, "right,u,2020-01,%lld\nchecked,u,2020-01,%lld\n", (long long)right, (long long)checked);
        CU_ASSERT_EQUAL(city_feed(&city, rows), 0);
        const __int128 got = (__int128)right * 100, wanted = (__int128)checked * 62;
        const bool met[] = {got >= wanted, got <= wanted, got == wanted};
        for (size_t goal = 0; goal < ARRAY_LEN(goals); goal++) {
            struct progress progress;
            progress_init(&progress);
            city_must(progress_judge(city.figures, catalogue_goal(city.catalogue, goals[goal]), day, false, &progress, &why), &why,
                      goals[goal]);
            CU_ASSERT_EQUAL(progress.status == GOAL_MET, met[goal]);
            if ((progress.status == GOAL_MET) != met[goal])
                fprintf(stderr, "\n%s: %s", goals[goal], rows);
            progress_clear(&progress);
        }
    }
    city_close(&city);
}

static void a_unit_that_moves_takes_along_what_belongs_to_the_day(void)
{
    struct city city;
    city_open(&city, small, ARRAY_LEN(small));
    CU_ASSERT_EQUAL(city_feed(&city, "sum,t,2020-03,1\nsum,t,2020-04,10\nsum,t,2020-05,100\nbeds,t,2020-03,7\nbeds,t,2020-05,9\n"
                                     "cum,t,2020-01,5\ncum,t,2020-03,15\ncum,t,2020-04,40\ncum,t,2020-12,100\ncum,u,2020-12,1\n"
                                     "people,t,2019,500\n"), 0);
    city_expect(&city, "sum", "A", "2020-Q2", "- 0/3 missing"); /* it moved on 15 April: April counts with B */
    city_expect(&city, "sum", "B", "2020-Q2", "110 2/6 partial");
    city_expect(&city, "sum", "C", "2020-S1", "111 3/18 partial");
    city_expect(&city, "beds", "A", "2020", "7 1/2 partial");
    city_expect(&city, "beds", "B", "2020", "9 1/2 partial");
    city_expect(&city, "beds", "C", "2020", "9 1/3 partial");
    city_expect(&city, "cum", "A", "2020", "16 3/15 partial");  /* 15 up to March, and u */
    city_expect(&city, "cum", "B", "2020", "85 2/20 partial");  /* 100 - 15 */
    city_expect(&city, "cum", "C", "2020", "101 5/35 partial");
    city_expect(&city, "people", "A", "2020-04-14", "500 1/2 partial");
    city_expect(&city, "people", "A", "2020-04-15", "- 0/1 missing");
    city_expect(&city, "people", "B", "2020-04-15", "500 1/2 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "people,g,2020,30\nsum,g,2020-06,4\n"), 0);
    CU_ASSERT_EQUAL(city_feed(&city, "sum,g,2020-07,4\n"), 1); /* closed all July */
    city_expect(&city, "sum", "B", "2020-06", "4 1/2 partial"); /* open until the 10th: June is owed and counts */
    city_expect(&city, "people", "B", "2020-06-10", "530 2/2 complete");
    city_expect(&city, "people", "B", "2020-07", "500 1/1 complete"); /* nothing is in force for who is not there */
    city_expect(&city, "people", "B", "2020-08", "530 2/2 complete");
    city_close(&city);
}

/* v was B's for ten days in May, w all of May and June; both came back to A. */
static void a_unit_that_comes_back_has_one_year_to_date_figure(void)
{
    struct catalogue_file files[ARRAY_LEN(small)];
    static const struct catalogue_file units = FILE_TEXT(
        "units.csv", "code,parent,level,name_zh,opened,closed\nC,,city,C,,\nA,C,district,A,,\nB,C,district,B,,\n"
                     "v,A,town,v,,2020-05-10\nv,B,town,v,2020-05-11,2020-05-20\nv,A,town,v,2020-05-21,\n"
                     "w,A,town,w,,2020-04-30\nw,B,town,w,2020-05-01,2020-06-30\nw,A,town,w,2020-07-01,\n");
    struct city city;
    memcpy(files, small, sizeof files);
    files[1] = units;
    city_open(&city, files, ARRAY_LEN(files));
    CU_ASSERT_EQUAL(city_feed(&city, "cum,v,2020-03,10\ncum,v,2020-12,50\ntop,v,2020-03,10\ntop,v,2020-12,50\n"), 0);
    city_expect(&city, "cum", "A", "2020", "50 2/22 partial"); /* no last day of a month was B's: it was never away */
    city_expect(&city, "cum", "B", "2020", "- 0/2 missing");
    CU_ASSERT_EQUAL(city_feed(&city, "cum,w,2020-04,100\ncum,w,2020-06,130\ncum,w,2020-12,200\n"
                                     "top,w,2020-04,30\ntop,w,2020-06,130\ntop,w,2020-12,170\n"), 0);
    city_expect(&city, "cum", "A", "2020", "220 4/22 partial"); /* 50 + 100 + (200 - 130) */
    city_expect(&city, "cum", "B", "2020", "30 1/2 partial");
    city_expect(&city, "cum", "C", "2020", "250 5/24 partial");
    city_expect(&city, "top", "A", "2020", "70 4/22 partial"); /* w's 30 + 40 is one figure, above v's 50 */
    city_expect(&city, "top", "B", "2020", "100 1/2 partial");
    city_close(&city);
}

static void a_year_to_date_figure_starts_anew_and_knows_its_gaps(void)
{
    struct city city;
    city_open(&city, small, ARRAY_LEN(small));
    CU_ASSERT_EQUAL(city_feed(&city, "cum,u,2019-11,90\ncum,u,2019-12,100\ncum,u,2020-01,5\ncum,u,2020-03,20\ncum,u,2020-06,50\n"), 0);
    city_expect(&city, "cum", "A", "2019-12", "10 1/2 partial");
    city_expect(&city, "cum", "A", "2020-01", "5 1/2 partial");            /* the year starts anew */
    city_expect(&city, "cum", "A", "2020-02", "- 0/2 missing");            /* no value inside */
    city_expect(&city, "cum", "A", "2020-03", "- 1/2 missing");            /* February is missing */
    city_expect(&city, "cum", "A", "2020-Q1", "20 2/6 partial");
    city_expect(&city, "cum", "A", "2020-Q2", "30 1/3 partial");           /* 50 - 20; t has gone to B */
    city_expect(&city, "cum", "A", "2019-12..2020-03", "30 3/8 partial");  /* 10 + 20 */
    CU_ASSERT_EQUAL(city_feed(&city, "cum,u,2020-03,26\n"), 0);            /* the earlier value is corrected */
    city_expect(&city, "cum", "A", "2020-Q2", "24 1/3 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "cum,u,2020-03,,,X\n"), 0);
    city_expect(&city, "cum", "A", "2020-Q2", "- 1/3 missing");
    city_expect(&city, "cum", "A", "2020-Q1", "5 1/6 partial");
    CU_ASSERT_EQUAL(city_feed(&city, "cum,u,2020-03,-9223372036854775808\n"), 0);
    city_expect(&city, "cum", "A", "2020-Q2", "! 1/3 overflow");
    city_close(&city);
}

int main(void)
{
    random_start("edges");
    const struct sentence sentences[] = {
        SENTENCE(random_histories_on_moving_trees_are_answered_as_plain_sql_does),
        SENTENCE(the_greatest_goes_when_it_is_corrected_or_retracted),
        SENTENCE(half_goes_away_from_zero_on_both_sides),
        SENTENCE(sums_beyond_int64_that_cancel_are_figures),
        SENTENCE(a_ratio_within_rounding_of_a_goal_is_compared_exactly),
        SENTENCE(a_unit_that_moves_takes_along_what_belongs_to_the_day),
        SENTENCE(a_unit_that_comes_back_has_one_year_to_date_figure),
        SENTENCE(a_year_to_date_figure_starts_anew_and_knows_its_gaps),
    };
    return suite_run("edges", sentences, ARRAY_LEN(sentences));
}
