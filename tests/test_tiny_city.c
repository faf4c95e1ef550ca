/* The tiny city of tests/city: every answer worked out on paper (tests/city/README.md). */
#include "suite.h"

#include "alerts.h"
#include "progress.h"
#include "reports.h"
#include "support.h"

#define CITY SOURCE_FOLDER "/tests/city/"
#define FIFTH_OF_FEBRUARY 1580832000000
#define TWENTIETH_OF_APRIL 1587312000000

static void open_tiny_city(struct city *city)
{
    city_open_folder(city, CITY "catalogue");
    city->now_ms = FIFTH_OF_FEBRUARY;
    CU_ASSERT_EQUAL(city_feed_file(city, CITY "records.csv"), 0);
    city->now_ms = TWENTIETH_OF_APRIL;
    CU_ASSERT_EQUAL(city_feed_file(city, CITY "corrections.csv"), 0);
}

/* Splits "a,b,...,rest" in place into `count` fields, the last takes the rest of the line. */
static bool split(char *line, char **fields, size_t count)
{
    line[strcspn(line, "\r\n")] = '\0';
    for (size_t i = 0; i < count; i++) {
        fields[i] = line;
        if (i + 1 == count)
            return true;
        line = strchr(line, ',');
        if (line == NULL)
            return false;
        *line++ = '\0';
    }
    return true;
}

typedef void check_line(struct city *city, char **fields);

static void check_file(struct city *city, const char *path, size_t field_count, check_line *check)
{
    char line[512], *fields[5];
    size_t checked = 0;
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL) {
        CU_ASSERT_FATAL(split(line, fields, field_count));
        check(city, fields);
        checked++;
    }
    fclose(file);
    CU_ASSERT(checked > 5);
}

static void check_figure(struct city *city, char **fields)
{
    city_expect(city, fields[0], fields[1], fields[2], fields[3]);
}

static void every_figure_is_as_worked_out_by_hand(void)
{
    struct city city;
    open_tiny_city(&city);
    check_file(&city, CITY "expected.csv", 4, check_figure);
    city_close(&city);
}

static void check_report(struct city *city, char **fields)
{
    char got[160], what[160], due[DATE_TEXT];
    struct fault why = {0};
    struct report report;
    struct period period;
    int32_t on;
    city_must(period_parse(fields[2], &period, &why), &why, fields[2]);
    CU_ASSERT_FATAL(date_parse(fields[3], &on));
    city_must(reports_one(city->figures, catalogue_form(city->catalogue, fields[0]),
                          catalogue_unit(city->catalogue, fields[1]), period, on, &report, &why), &why, "reports_one");
    date_format(report.due, due);
    snprintf(got, sizeof got, "due %s %s %u/%u hard %u soft %u", due, report_state_text(report.state), report.filled,
             report.required, report.hard_errors, report.soft_flags);
    snprintf(what, sizeof what, "report %s of %s for %s on %s", fields[0], fields[1], fields[2], fields[3]);
    city_equal(what, got, fields[4]);
}

static void every_report_is_as_worked_out_by_hand(void)
{
    struct city city;
    open_tiny_city(&city);
    check_file(&city, CITY "reporting.csv", 5, check_report);
    city_close(&city);
}

static const char *two_decimals(bool present, const mpq_t value, char text[RATIO_TEXT])
{
    if (!present)
        return "-";
    ratio_format(value, 2, text);
    return text;
}

static void check_progress(struct city *city, char **fields)
{
    char got[512], what[160], actual[RATIO_TEXT], expected[RATIO_TEXT], pct[RATIO_TEXT], forecast[RATIO_TEXT],
        rate[RATIO_TEXT];
    struct fault why = {0};
    struct progress p;
    int32_t on;
    CU_ASSERT_FATAL(date_parse(fields[1], &on));
    progress_init(&p);
    city_must(progress_judge(city->figures, catalogue_goal(city->catalogue, fields[0]), on, true, &p, &why), &why,
              "progress_judge");
    snprintf(got, sizeof got, "%s m %u/%u actual %s expected %s attainment %s forecast %s rate %s reachable %s %llu/%llu",
             goal_status_text(p.status), p.months_counting, p.months, two_decimals(p.has_actual, p.actual, actual),
             two_decimals(p.has_expected, p.expected_by_now, expected),
             two_decimals(p.has_attainment, p.attainment_pct, pct),
             two_decimals(p.has_forecast, p.forecast, forecast),
             two_decimals(p.has_required_rate, p.required_rate, rate), reachable_text(p.reachable),
             (unsigned long long)p.reported, (unsigned long long)p.expected);
    snprintf(what, sizeof what, "goal %s on %s", fields[0], fields[1]);
    city_equal(what, got, fields[2]);
    progress_clear(&p);
}

static void every_goal_is_judged_as_worked_out_by_hand(void)
{
    struct city city;
    open_tiny_city(&city);
    check_file(&city, CITY "progress.csv", 3, check_progress);
    city_close(&city);
}

static void an_answer_as_of_march_does_not_know_the_corrections_of_april(void)
{
    struct city city;
    open_tiny_city(&city);
    city.as_of = 1;
    city_snapshot(&city);
    city_expect(&city, "homes", "a2", "2020-02", "- 0/1 missing");
    city_expect(&city, "homes", "a2", "2020-03", "30 1/1 complete");
    city.as_of = UINT64_MAX;
    city_snapshot(&city);
    city_expect(&city, "homes", "a2", "2020-02", "20 1/1 complete");
    city_close(&city);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(every_figure_is_as_worked_out_by_hand),
        SENTENCE(every_report_is_as_worked_out_by_hand),
        SENTENCE(every_goal_is_judged_as_worked_out_by_hand),
        SENTENCE(an_answer_as_of_march_does_not_know_the_corrections_of_april),
    };
    return suite_run("tiny city", sentences, ARRAY_LEN(sentences));
}
