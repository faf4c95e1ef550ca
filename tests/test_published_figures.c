/* Figures that offices published, computed again from their parts (tests/published). */
#include "suite.h"

#include "support.h"

#define PUBLISHED SOURCE_FOLDER "/tests/published/"

/* The value at the front of "value=..." or "value reported/expected flag". */
static void value_only(const char *answer, char *ret_value, size_t capacity)
{
    snprintf(ret_value, capacity, "%.*s", (int)strcspn(answer, "= "), answer);
}

/* Returns how many figures were compared. */
static size_t compare_all(struct city *city, const char *path)
{
    char line[256], value[64], what[320];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL) {
        char *fields[4] = {line};
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 1; i < 4; i++) {
            fields[i] = strchr(fields[i - 1], ',');
            CU_ASSERT_PTR_NOT_NULL_FATAL(fields[i]);
            *fields[i]++ = '\0';
        }
        value_only(city_ask(city, fields[0], fields[1], fields[2]), value, sizeof value);
        snprintf(what, sizeof what, "%s of %s in %s", fields[0], fields[1], fields[2]);
        city_equal(what, value, fields[3]);
        count++;
    }
    fclose(file);
    return count;
}

static void the_shares_of_hangzhou_come_out_as_published(void)
{
    struct city city;
    city_open_folder(&city, PUBLISHED "hangzhou2013/catalogue");
    CU_ASSERT_EQUAL(city_feed_file(&city, PUBLISHED "hangzhou2013/records.csv"), 0);
    CU_ASSERT_EQUAL(compare_all(&city, PUBLISHED "hangzhou2013/expected.csv"), 70);
    city_expect(&city, "age60_pct", "330100", "2013", "19.34=1366376/7066098 52/52 complete");
    city_close(&city);
}

static void the_marriages_of_three_years_come_out_as_published(void)
{
    struct city city;
    city_open_folder(&city, PUBLISHED "marriage/catalogue");
    CU_ASSERT_EQUAL(city_feed_file(&city, PUBLISHED "marriage/records.csv"), 0);
    CU_ASSERT_EQUAL(compare_all(&city, PUBLISHED "marriage/expected.csv"), 11);
    city_close(&city);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(the_shares_of_hangzhou_come_out_as_published),
        SENTENCE(the_marriages_of_three_years_come_out_as_published),
    };
    return suite_run("published figures", sentences, ARRAY_LEN(sentences));
}
