/* test_take.c - the way of a file through inbox, refused rows, outbox and done/: over refusals now and later, a full disk and
 * kills. */
#include "county_outbox.h"
#include "random.h"
#include "suite.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define CLOSED "汇总端拒收：按汇总端的目录，单位“溧阳市”在 2020-03 不存在或已撤销；本机的目录与之不同，请换成同一版本后重报"
#define CHECK_ROW "请核对本行的指标、单位、报告期和版本，如无误请联系汇总端"

static void the_same_bytes_again_change_nothing(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "grain,L,2020-03,1,\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "grain,L,2020-03,1,\n"), TAKE_KNOWN);
    CU_ASSERT_EQUAL(county_take(&county, "other name.csv", HEAD "grain,L,2020-03,1,\n"), TAKE_KNOWN);
    CU_ASSERT_EQUAL(county.taken.why.message, MESSAGE_FILE_ALREADY_TAKEN);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 1);
    CU_ASSERT_TRUE(county_exists(&county, "done/a.csv"));
    CU_ASSERT_TRUE(county_exists(&county, "done/a.2.csv"));
    CU_ASSERT_TRUE(county_exists(&county, "done/other name.csv"));
    CU_ASSERT_FALSE(county_exists(&county, "a.csv"));
    county_close(&county);
}

static void refused_rows_are_given_back_as_they_were_written(void)
{
    struct county county;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", "备注;element;unit;period;value\r\n好;grain;L;2020-03;1\r\n"
                                                  "\"坏; 的\";nothing;nowhere;2020-03;x\r\n;grain;J;2020-03\r\n"
                                                  ";grain;J;2020-04;1;2\r\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county.taken.records, 1);
    CU_ASSERT_EQUAL(county.taken.refused_rows, 2);
    CU_ASSERT_STRING_EQUAL(county_text(&county, "a.csv.refused.csv"),
                           "备注;element;unit;period;value;;line;code;message\r\n"
                           "\"坏; 的\";nothing;nowhere;2020-03;x;;3;\"unknown_unit;unknown_element\";"
                           "目录中没有单位“nowhere”；请用代码或完整名称；目录中没有指标“nothing”；请用代码或完整名称\r\n"
                           ";grain;J;2020-04;1;2;5;extra_cells;"
                           "本行的单元格多于表头的列（5 列）；数字中的逗号请加引号或去掉\r\n");
    CU_ASSERT_TRUE(county_exists(&county, "done/a.csv"));
    county_close(&county);
}

static void a_wide_row_with_two_refused_cells_is_given_back_once(void)
{
    struct county county;
    const char *text;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "w.csv", "单位,报告期,grain,sown,rice\nL,2020-03,x,7,1.234\n"), TAKE_TAKEN);
    text = county_text(&county, "w.csv.refused.csv");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "L,2020-03,x,7,1.234,2,not_a_number;too_many_decimals,grain："));
    CU_ASSERT_PTR_NULL(strstr(strstr(text, "L,2020-03") + 1, "L,2020-03"));
    CU_ASSERT_EQUAL(county.taken.records, 1);
    CU_ASSERT_EQUAL(county.taken.refused_rows, 1);
    county_close(&county);
}

static void the_refused_file_keeps_encoding_and_byte_order_mark(void)
{
    struct county county;
    struct fault why = {0};
    char *bytes = NULL;
    size_t length = 0;
    const char *text = "指标,单位,报告期,数值\ngrain,不明,2020-03,1\n";
    county_open(&county);
    CU_ASSERT_EQUAL_FATAL(text_encode(text, strlen(text), TEXT_GB18030, &bytes, &length, &why), STATUS_OK);
    CU_ASSERT_EQUAL(county_take(&county, "g.csv", bytes), TAKE_TAKEN);
    CU_ASSERT_EQUAL(memcmp(county_text(&county, "g.csv.refused.csv"), bytes, 20), 0);
    CU_ASSERT_FALSE(text_is_utf8(county_text(&county, "g.csv.refused.csv"),
                                 strlen(county_text(&county, "g.csv.refused.csv")), &length));
    CU_ASSERT_EQUAL(county_take(&county, "u.csv", "\xEF\xBB\xBF" "element,unit,period,value\ngrain,不明,2020-03,1\n"),
                    TAKE_TAKEN);
    CU_ASSERT_EQUAL(strncmp(county_text(&county, "u.csv.refused.csv"), "\xEF\xBB\xBF" "element,unit", 15), 0);
    free(bytes);
    county_close(&county);
}

static void refused_rows_of_an_earlier_file_are_not_replaced(void)
{
    struct county county;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "grain,one,2020-03,1,\n");
    county_take(&county, "a.csv", HEAD "grain,two,2020-03,1,\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(county_text(&county, "a.csv.refused.csv"), "grain,one"));
    CU_ASSERT_PTR_NOT_NULL(strstr(county_text(&county, "a.csv.2.refused.csv"), "grain,two"));
    CU_ASSERT_FALSE(county_exists(&county, "a.csv.3.refused.csv"));
    county_close(&county);
}

static void a_file_refused_whole_lies_in_refused_with_its_reason(void)
{
    struct county county;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", "hello\n"), TAKE_REFUSED_WHOLE);
    CU_ASSERT_TRUE(county_exists(&county, "refused/a.csv"));
    CU_ASSERT_FALSE(county_exists(&county, "a.csv"));
    CU_ASSERT_PTR_NOT_NULL(strstr(county_text(&county, "refused/a.csv.reason.txt"), "no_header"));
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", "hello\n"), TAKE_REFUSED_WHOLE);
    CU_ASSERT_TRUE(county_exists(&county, "refused/a.2.csv"));
    CU_ASSERT_TRUE(county_exists(&county, "refused/a.2.csv.reason.txt"));
    county_close(&county);
}

static void a_file_of_refused_rows_alone_is_still_taken(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "grain,one,2020-03,1,\n"), TAKE_TAKEN);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 0);
    CU_ASSERT_EQUAL(identity.refused_rows, 1);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "grain,one,2020-03,1,\n"), TAKE_KNOWN);
    county_close(&county);
}

static void a_dry_run_leaves_no_trace(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county.taker.dry_run = true;
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "grain,one,2020-03,1,\ngrain,L,2020-03,1,\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", "hello\n"), TAKE_REFUSED_WHOLE);
    CU_ASSERT_TRUE(county_exists(&county, "a.csv") && county_exists(&county, "b.csv"));
    CU_ASSERT_FALSE(county_exists(&county, "a.csv.refused.csv"));
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high + identity.refused_rows, 0);
    county_close(&county);
}

static void a_broken_rule_shows_what_its_sides_are(void)
{
    struct county county;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "grain,L,2020-03,1,\nrice,L,2020-03,2,\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(county_text(&county, "a.csv.refused.csv"), "（实为 1.00 < 2.00）"));
    county_close(&county);
}

static void rows_refused_by_the_aggregator_are_added_to_the_refused_file(void)
{
    struct county county;
    char path[INBOX_PATH] = "";
    struct outbox_identity identity;
    const struct publisher_refusal refusals[] = {{1, 0, MESSAGE_UNIT_CLOSED}, {1, 1, MESSAGE_WRONG_LEVEL},
                                                 {2, 0, MESSAGE_UNIT_CLOSED}};
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,one,2020-03,1,\nsown,L,2020-03,1,\nsown,L,2020-04,1,\n");
    county_take(&county, "b.csv", MAY);
    CU_ASSERT_EQUAL(take_returned(&county.taker, 1, refusals, ARRAY_LEN(refusals), path, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_NONE);
    CU_ASSERT_STRING_EQUAL(county_text(&county, "a.csv.refused.csv"),
                           "element,unit,period,value,revision,line,code,message\n"
                           "sown,one,2020-03,1,,2,unknown_unit,目录中没有单位“one”；请用代码或完整名称\n"
                           "sown,L,2020-03,1,,3,unit_closed," CLOSED "\n"
                           "sown,L,2020-04,1,,4,wrong_level,汇总端拒收（wrong_level）；" CHECK_ROW "\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(county_text(&county, "b.csv.refused.csv"), "sown,L,2020-05,1,,2,unit_closed"));
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.refused_rows, 4);
    county_close(&county);
}

/* ---- a full disk, and kills ------------------------------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes > limit.rlim_max ? limit.rlim_max : bytes;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_stops_taking_and_loses_nothing(void)
{
    struct county county;
    struct outbox_identity identity;
    char *text = county_long_file(400, 2000);
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_TAKEN);
    county_write(&county, "large.csv", text, strlen(text));
    signal(SIGXFSZ, SIG_IGN);
    limit_files(256 << 10);
    feed_free(&county.delivery);
    CU_ASSERT_EQUAL(take_file(&county.taker, "large.csv", 1600000000000, &county.taken, &county.why), STATUS_OK);
    county.delivery = county.taken.delivery;
    CU_ASSERT_EQUAL(county.taken.outcome, TAKE_STOP);
    CU_ASSERT_EQUAL(county.taken.why.message, MESSAGE_OUTBOX_FULL);
    CU_ASSERT_TRUE(county_exists(&county, "large.csv"));
    CU_ASSERT_EQUAL(county_walk(&county), 1);
    limit_files(RLIM_INFINITY);
    CU_ASSERT_EQUAL(county_take(&county, "large.csv", text), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_walk(&county), 401);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &county.why));
    CU_ASSERT_EQUAL(county_walk(&county), 401);
    free(text);
    county_close(&county);
}

/* A child takes files until it is killed; whatever it had taken is whole, and taking goes on where it was. */
static void a_killed_collector_loses_nothing_and_doubles_nothing(void)
{
    random_start("kills");
    struct county county;
    county_open(&county);
    outbox_close(&county.outbox);
    for (int i = 0; i < 60; i++) {
        char name[32], text[160];
        snprintf(name, sizeof(name), "f%02d.csv", i);
        snprintf(text, sizeof(text), HEAD "sown,L,%d-%02d,%d,\nsown,nowhere,2020-01,%d,\n", 2000 + i / 12, i % 12 + 1, 1000, i);
        county_write(&county, name, text, strlen(text));
    }
    for (int round = 0; round < 12; round++) {
        const pid_t child = fork();
        if (child == 0) {
            if (county_reopen(&county) != STATUS_OK)
                _exit(1);
            for (int i = 0; i < 60; i++) {
                char name[32];
                snprintf(name, sizeof(name), "f%02d.csv", i);
                if (county_exists(&county, name) &&
                    take_file(&county.taker, name, 1600000000000, &county.taken, &county.why) == STATUS_BROKEN)
                    _exit(1);
            }
            _exit(0);
        }
        const struct timespec while_it_works = {0, (long)draw_below(30000) * 1000};
        nanosleep(&while_it_works, NULL);
        kill(child, SIGKILL);
        int result = 0;
        waitpid(child, &result, 0);
        CU_ASSERT_TRUE(WIFSIGNALED(result) || WEXITSTATUS(result) == 0);
    }
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &county.why));
    for (int i = 0; i < 60; i++) {
        char name[64];
        struct taken taken;
        snprintf(name, sizeof(name), "f%02d.csv", i);
        if (county_exists(&county, name)) {
            CU_ASSERT_EQUAL(take_file(&county.taker, name, 1600000000000, &taken, &county.why), STATUS_OK);
            CU_ASSERT_TRUE(taken.outcome == TAKE_TAKEN || taken.outcome == TAKE_KNOWN);
            feed_free(&taken.delivery);
        }
        snprintf(name, sizeof(name), "done/f%02d.csv", i);
        CU_ASSERT_TRUE(county_exists(&county, name));
        snprintf(name, sizeof(name), "f%02d.csv.refused.csv", i);
        CU_ASSERT_TRUE(county_exists(&county, name));
        snprintf(name, sizeof(name), "f%02d.csv.2.refused.csv", i);
        CU_ASSERT_FALSE(county_exists(&county, name));
    }
    struct outbox_identity identity;
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 60);
    CU_ASSERT_EQUAL(identity.refused_rows, 60);
    CU_ASSERT_EQUAL(county_walk(&county), 60);
    county_close(&county);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(the_same_bytes_again_change_nothing),
        SENTENCE(refused_rows_are_given_back_as_they_were_written),
        SENTENCE(a_wide_row_with_two_refused_cells_is_given_back_once),
        SENTENCE(the_refused_file_keeps_encoding_and_byte_order_mark),
        SENTENCE(refused_rows_of_an_earlier_file_are_not_replaced),
        SENTENCE(a_file_refused_whole_lies_in_refused_with_its_reason),
        SENTENCE(a_file_of_refused_rows_alone_is_still_taken),
        SENTENCE(a_dry_run_leaves_no_trace),
        SENTENCE(a_broken_rule_shows_what_its_sides_are),
        SENTENCE(rows_refused_by_the_aggregator_are_added_to_the_refused_file),
        SENTENCE(a_full_disk_stops_taking_and_loses_nothing),
        SENTENCE(a_killed_collector_loses_nothing_and_doubles_nothing),
    };
    return suite_run("take", sentences, ARRAY_LEN(sentences));
}
