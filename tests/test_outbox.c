/* test_outbox.c - what is taken stays: batches, chain and known figures over kills, damage, rebirth; and the way of a file
 * through inbox, refused rows, outbox and done/. */
#include "county.h"
#include "random.h"
#include "suite.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define CLOSED "汇总端拒收：按汇总端的目录，单位“溧阳市”在 2020-03 不存在或已撤销；本机的目录与之不同，请换成同一版本后重报"
#define CHECK_ROW "请核对本行的指标、单位、报告期和版本，如无误请联系汇总端"
#define HEAD "element,unit,period,value,revision\n"

/* Every batch from low to high follows from the one before; returns how many records they hold. */
static size_t walk(struct county *county)
{
    struct outbox_identity identity;
    unsigned char chain[SEAL_HASH], before[SEAL_HASH], signature[SEAL_SIGNATURE], after[SEAL_HASH];
    struct batch *batch = NULL;
    size_t records = 0;
    outbox_identity(county->outbox, &identity);
    if (identity.low == 1) {
        seal_chain_start("liyang", identity.id, chain);
        CU_ASSERT_EQUAL(outbox_chain(county->outbox, 0, before, &county->why), STATUS_OK);
        CU_ASSERT_EQUAL(memcmp(chain, before, SEAL_HASH), 0);
    } else {
        CU_ASSERT_EQUAL(outbox_chain(county->outbox, identity.low - 1, chain, &county->why), STATUS_OK);
    }
    for (uint64_t seq = identity.low; seq <= identity.high; seq++) {
        const unsigned char *bytes;
        size_t length;
        CU_ASSERT_EQUAL_FATAL(outbox_batch(county->outbox, seq, &bytes, &length, before, signature, &county->why),
                              STATUS_OK);
        CU_ASSERT_EQUAL(memcmp(chain, before, SEAL_HASH), 0);
        seal_chain_next(before, bytes, length, chain);
        CU_ASSERT_EQUAL(batch_decode(bytes, length, &batch, &county->why), STATUS_OK);
        records += batch->record_count;
        CU_ASSERT_EQUAL(outbox_chain(county->outbox, seq, after, &county->why), STATUS_OK);
        CU_ASSERT_EQUAL(memcmp(chain, after, SEAL_HASH), 0);
    }
    CU_ASSERT_EQUAL(memcmp(chain, identity.chain_at_high, SEAL_HASH), 0);
    batch_free(&batch);
    return records;
}

static struct known_figure known(struct county *county, const char *element, const char *unit, const char *period,
                                 bool *ret_known)
{
    struct known_figure figure = {0};
    CU_ASSERT_EQUAL(outbox_known_figure(county->outbox, element, unit, period, ret_known, &figure, &county->why),
                    STATUS_OK);
    return figure;
}

static void a_taken_file_is_a_signed_chain_of_batches_and_survives_reopening(void)
{
    struct county county;
    struct outbox_identity before, after;
    bool is_known = false;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "grain,L,2020-03,1,\ngrain,J,2020-03,2,\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", HEAD "grain,L,2020-04,1.4,\n"), TAKE_TAKEN);
    outbox_identity(county.outbox, &before);
    CU_ASSERT_EQUAL(before.low, 1);
    CU_ASSERT_EQUAL(before.high, 2);
    CU_ASSERT_EQUAL(before.epoch, 1);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    outbox_identity(county.outbox, &after);
    CU_ASSERT_EQUAL(after.epoch, 2);
    CU_ASSERT_EQUAL(memcmp(before.id, after.id, sizeof(after.id)), 0);
    CU_ASSERT_EQUAL(memcmp(before.chain_at_high, after.chain_at_high, SEAL_HASH), 0);
    CU_ASSERT_EQUAL(walk(&county), 3);
    CU_ASSERT_EQUAL(known(&county, "grain", "L", "2020-04", &is_known).value, 140);
    CU_ASSERT_TRUE(is_known);
    known(&county, "grain", "W", "2020-04", &is_known);
    CU_ASSERT_FALSE(is_known);
    county_close(&county);
}

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

static void revisions_decide_what_is_known(void)
{
    struct county county;
    bool is_known;
    struct known_figure figure;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "grain,L,2020-03,1,5\n");
    county_take(&county, "b.csv", HEAD "grain,L,2020-03,2,4\n");
    figure = known(&county, "grain", "L", "2020-03", &is_known);
    CU_ASSERT_EQUAL(figure.value, 100);
    CU_ASSERT_EQUAL(figure.revision, 5);
    county_take(&county, "c.csv", HEAD "grain,L,2020-03,3,\n");
    figure = known(&county, "grain", "L", "2020-03", &is_known);
    CU_ASSERT_EQUAL(figure.value, 300);
    CU_ASSERT_EQUAL(figure.revision, 6);
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

/* A file with `rows` figures of days no calendar has twice, with reasons so long that 4096 do not fit a batch. */
static char *large_file(size_t rows, size_t reason)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    fputs("element,unit,period,value,reason\n", file);
    for (size_t i = 0; i < rows; i++) {
        fprintf(file, "sown,%c,%zu-%02zu,%zu,", i % 2 == 0 ? 'L' : 'J', 2000 + i / 24, i / 2 % 12 + 1, 1000 + i % 100);
        for (size_t j = 0; j < reason; j++)
            fputc((int)('a' + (i + j) % 26), file);
        fputc('\n', file);
    }
    fclose(file);
    return text;
}

static void a_large_file_is_cut_into_batches_within_the_limits(void)
{
    struct county county;
    struct outbox_identity identity;
    char *text = large_file(2000, 1000);
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "large.csv", text), TAKE_TAKEN);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_TRUE(identity.high >= 8);
    CU_ASSERT_EQUAL(walk(&county), 2000);
    for (uint64_t seq = 1; seq <= identity.high; seq++) {
        const unsigned char *bytes;
        unsigned char before[SEAL_HASH], signature[SEAL_SIGNATURE];
        struct batch *batch = NULL;
        size_t length;
        CU_ASSERT_EQUAL(outbox_batch(county.outbox, seq, &bytes, &length, before, signature, &county.why), STATUS_OK);
        CU_ASSERT_TRUE(length <= LIMIT_BATCH_BYTES);
        CU_ASSERT_EQUAL_FATAL(batch_decode(bytes, length, &batch, &county.why), STATUS_OK);
        CU_ASSERT_EQUAL(batch->submission.part, seq - 1);
        CU_ASSERT_EQUAL(batch->submission.parts, identity.high);
        batch_free(&batch);
    }
    free(text);
    county_close(&county);
}

static void records_of_one_cell_keep_their_order(void)
{
    struct county county;
    const unsigned char *bytes;
    unsigned char before[SEAL_HASH], signature[SEAL_SIGNATURE];
    struct batch *batch = NULL;
    size_t length;
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,30,3\nrice,L,2020-01,1,\nsown,L,2020-03,10,1\n"
                                                  "sown,L,2020-03,20,2\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(outbox_batch(county.outbox, 1, &bytes, &length, before, signature, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(batch_decode(bytes, length, &batch, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(batch->record_count, 4);
    CU_ASSERT_EQUAL(batch->records[0].revision, 3);
    CU_ASSERT_EQUAL(batch->records[1].revision, 1);
    CU_ASSERT_EQUAL(batch->records[2].revision, 2);
    CU_ASSERT_EQUAL(batch->records[1].line, 4);
    batch_free(&batch);
    county_close(&county);
}

static void only_what_is_committed_and_backed_up_is_pruned(void)
{
    struct county county;
    struct outbox_identity identity;
    unsigned char chain[SEAL_HASH];
    bool any = true;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
    county_take(&county, "c.csv", HEAD "sown,L,2020-05,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 1, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, 0, &any, &county.why), STATUS_OK);
    CU_ASSERT_FALSE(any); /* its file was taken only now */
    CU_ASSERT_EQUAL(walk(&county), 3);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, INT64_MAX, &any, &county.why), STATUS_OK);
    CU_ASSERT_TRUE(any);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.low, 2);
    CU_ASSERT_EQUAL(identity.highest_acked, 2);
    CU_ASSERT_EQUAL(walk(&county), 2);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 99, 99, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, INT64_MAX, &any, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 1, 0, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.highest_acked, 3);
    CU_ASSERT_TRUE(identity.low > identity.high);
    CU_ASSERT_EQUAL(outbox_chain(county.outbox, 3, chain, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_chain(county.outbox, 2, chain, &county.why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(county_take(&county, "d.csv", HEAD "sown,L,2020-06,1,\n"), TAKE_TAKEN);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 4);
    CU_ASSERT_EQUAL(walk(&county), 1);
    county_close(&county);
}

static void a_restored_aggregator_knows_of_fewer_backups(void)
{
    struct county county;
    bool any = true;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 2, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_hears(county.outbox, 1, 0, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_backed(county.outbox), 0);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, INT64_MAX, &any, &county.why), STATUS_OK);
    CU_ASSERT_FALSE(any);
    CU_ASSERT_EQUAL(outbox_hears(county.outbox, 1, 9, &county.why), STATUS_OK); /* no backup has what it does not hold */
    CU_ASSERT_EQUAL(outbox_backed(county.outbox), 1);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_backed(county.outbox), 1);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, INT64_MAX, &any, &county.why), STATUS_OK);
    CU_ASSERT_TRUE(any);
    CU_ASSERT_EQUAL(walk(&county), 1);
    county_close(&county);
}

static void for_want_of_room_only_what_the_aggregator_holds_goes(void)
{
    struct county county;
    struct outbox_identity identity;
    uint64_t first, last, used, free_before, free_after;
    county_open(&county);
    for (int i = 0; i < 4; i++)
        county_take(&county, "a.csv", (const char *[]){HEAD "sown,L,2020-03,1,\n", HEAD "sown,L,2020-04,1,\n",
                                                       HEAD "sown,L,2020-05,1,\n", HEAD "sown,L,2020-06,1,\n"}[i]);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 3, 0, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_sacrifice(county.outbox, &first, &last, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(last, 0); /* nobody said yet what the aggregator holds now */
    CU_ASSERT_EQUAL(outbox_hears(county.outbox, 2, 0, &county.why), STATUS_OK); /* restored: it asks again for the third */
    CU_ASSERT_EQUAL(outbox_used(county.outbox, &used, &free_before, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_sacrifice(county.outbox, &first, &last, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(first, 1);
    CU_ASSERT_EQUAL(last, 2);
    CU_ASSERT_EQUAL(outbox_sacrifice(county.outbox, &first, &last, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(last, 0);
    CU_ASSERT_EQUAL(outbox_used(county.outbox, &used, &free_after, &county.why), STATUS_OK);
    CU_ASSERT_TRUE(free_after >= free_before);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.low, 3);
    CU_ASSERT_EQUAL(walk(&county), 2);
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

static void the_origin_of_a_record_is_its_file_and_line(void)
{
    struct county county;
    struct outbox_origin *origin = memory_new(struct outbox_origin);
    bool is_known;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\nsown,L,2020-04,1,\n");
    CU_ASSERT_EQUAL(outbox_origin(county.outbox, 1, 1, origin, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(origin->file, "a.csv");
    CU_ASSERT_EQUAL(origin->line, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(origin->path_done, "/done/a.csv"));
    CU_ASSERT_EQUAL(outbox_origin(county.outbox, 1, 2, origin, &county.why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(outbox_origin(county.outbox, 2, 0, origin, &county.why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(outbox_refused_later(county.outbox, 1, 1, &county.why), STATUS_OK);
    known(&county, "sown", "L", "2020-04", &is_known);
    CU_ASSERT_FALSE(is_known);
    known(&county, "sown", "L", "2020-03", &is_known);
    CU_ASSERT_TRUE(is_known);
    free(origin);
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
    county_take(&county, "b.csv", HEAD "sown,L,2020-05,1,\n");
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

static void a_second_process_does_not_get_the_outbox(void)
{
    struct county county;
    county_open(&county);
    const pid_t child = fork();
    if (child == 0) {
        struct outbox *second = NULL;
        struct fault why = {0};
        const enum status status = outbox_open(county.outbox_folder, "liyang", county.secret, &second, &why);
        _exit(status == STATUS_AGAIN && why.message == MESSAGE_OUTBOX_LOCKED ? 0 : 1);
    }
    int result = -1;
    waitpid(child, &result, 0);
    CU_ASSERT_EQUAL(result, 0);
    county_close(&county);
}

static void run_sql(const struct county *county, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    snprintf(path, sizeof(path), "%s/outbox.db", county->outbox_folder);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_sound_outbox_of_another_agent_version_or_program_is_left_alone(void)
{
    struct county county;
    struct outbox *other = NULL;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    outbox_close(&county.outbox);
    CU_ASSERT_EQUAL(outbox_open(county.outbox_folder, "jintan", county.secret, &other, &county.why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_OUTBOX_OTHER_AGENT);
    run_sql(&county, "PRAGMA user_version = 99; ALTER TABLE batch ADD COLUMN later INTEGER");
    CU_ASSERT_EQUAL(county_reopen(&county), STATUS_BROKEN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_OUTBOX_NEWER);
    run_sql(&county, "PRAGMA application_id = 99");
    CU_ASSERT_EQUAL(county_reopen(&county), STATUS_BROKEN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_OUTBOX_FOREIGN);
    run_sql(&county, "PRAGMA application_id = 0x53504F31; PRAGMA user_version = 1; ALTER TABLE batch DROP COLUMN later");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &county.why));
    CU_ASSERT_EQUAL(walk(&county), 1);
    county_close(&county);
}

static void the_outbox_is_closed_to_others(void)
{
    struct county county;
    struct stat about;
    char path[256];
    county_open(&county);
    CU_ASSERT_EQUAL(stat(county.outbox_folder, &about), 0);
    CU_ASSERT_EQUAL(about.st_mode & 0777, 0700);
    snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    CU_ASSERT_EQUAL(about.st_mode & 0777, 0600);
    county_close(&county);
}

static void rebirth_gives_new_numbers_to_what_no_backup_holds(void)
{
    struct county county;
    struct outbox_identity before, after;
    struct outbox_origin *origin = memory_new(struct outbox_origin);
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\nsown,J,2020-04,1,\n");
    county_take(&county, "c.csv", HEAD "sown,L,2020-05,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 1, 1, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &before);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &after);
    CU_ASSERT_NOT_EQUAL(memcmp(before.id, after.id, sizeof(after.id)), 0);
    CU_ASSERT_TRUE(after.epoch > before.epoch);
    CU_ASSERT_EQUAL(after.low, 1);
    CU_ASSERT_EQUAL(after.high, 2);
    CU_ASSERT_EQUAL(after.highest_acked, 0);
    CU_ASSERT_EQUAL(walk(&county), 3);
    CU_ASSERT_EQUAL(outbox_origin(county.outbox, 1, 0, origin, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(origin->file, "b.csv");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_EQUAL(walk(&county), 3);
    free(origin);
    county_close(&county);
}

/* Committed, and then the aggregator goes back to a backup: only this outbox can give it what came after. */
static void rebirth_takes_along_what_is_committed_and_in_no_backup(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
    county_take(&county, "c.csv", HEAD "sown,L,2020-05,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 3, 1, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.low, 1);
    CU_ASSERT_EQUAL(identity.high, 2);
    CU_ASSERT_EQUAL(identity.highest_acked, 0);
    CU_ASSERT_EQUAL(outbox_backed(county.outbox), 0);
    CU_ASSERT_EQUAL(walk(&county), 2);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n"), TAKE_KNOWN);
    /* The aggregator that says what it lacks is believed more than what was said of backups. */
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 2, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 2, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(walk(&county), 1);
    county_close(&county);
}

static void rebirth_does_not_sign_what_changed_on_the_disk(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 0, &county.why), STATUS_OK);
    outbox_close(&county.outbox);
    run_sql(&county, "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE seq = 1");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 1);
    CU_ASSERT_EQUAL(walk(&county), 1);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n"), TAKE_KNOWN);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_TAKEN);
    county_close(&county);
}

static void rebirth_does_not_lose_a_file_that_was_taken_again(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 0, &county.why), STATUS_OK);
    outbox_close(&county.outbox);
    run_sql(&county, "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE seq = 1");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_lose(county.outbox, 1, 1, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 2);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_KNOWN);
    county_close(&county);
}

/* ---- kills ---------------------------------------------------------------------------------------------------------------- */

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
    CU_ASSERT_EQUAL(walk(&county), 60);
    county_close(&county);
}

/* ---- damage ---------------------------------------------------------------------------------------------------------------- */

static void change_file(const struct county *county, long at, const char *bytes, size_t length)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/outbox.db", county->outbox_folder);
    const int fd = open(path, O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, bytes, length, at), (ssize_t)length);
    close(fd);
}

static void an_unreadable_outbox_is_set_aside_and_the_start_goes_on(void)
{
    struct county county;
    struct outbox_identity before, after;
    struct fault note = {0};
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    outbox_identity(county.outbox, &before);
    outbox_close(&county.outbox);
    change_file(&county, 0, "this is no database any more", 28);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
    CU_ASSERT_EQUAL(access(note.argument[0], F_OK), 0);
    outbox_identity(county.outbox, &after);
    CU_ASSERT_NOT_EQUAL(memcmp(before.id, after.id, sizeof(after.id)), 0);
    CU_ASSERT_EQUAL(after.high, 0);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &note));
    county_close(&county);
}

/* What is left of it lies beside it: the word that there was one. */
static void an_emptied_or_deleted_outbox_is_no_new_one(void)
{
    for (int deleted = 0; deleted < 2; deleted++) {
        struct county county;
        struct fault note = {0};
        char path[256];
        county_open(&county);
        county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
        snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
        outbox_close(&county.outbox);
        CU_ASSERT_EQUAL(deleted ? unlink(path) : truncate(path, 0), 0);
        CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
        CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
        CU_ASSERT_EQUAL(note.message, MESSAGE_OUTBOX_GONE);
        CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_TAKEN);
        CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
        CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &note));
        CU_ASSERT_EQUAL(walk(&county), 1);
        county_close(&county);
    }
}

/* The very first start was cut off after the file was made, and before there was anything in it. */
static void an_empty_file_of_a_first_start_that_was_cut_off_is_a_new_outbox(void)
{
    struct county county;
    struct fault note = {0};
    char path[256];
    county_open(&county);
    outbox_close(&county.outbox);
    snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
    snprintf(path, sizeof(path), "%s/lock", county.outbox_folder);
    CU_ASSERT_EQUAL(truncate(path, 0), 0);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &note));
    county_close(&county);
}

static void must_reopen(struct county *county)
{
    char text[1024];
    const enum status status = county_reopen(county);
    if (status != STATUS_OK) {
        fault_format(&county->why, LANGUAGE_EN, text, sizeof(text));
        printf("the start was prevented: %s\n", text);
    }
    CU_ASSERT_EQUAL_FATAL(status, STATUS_OK);
}

/* One field spoilt that says what the file is, whose, or how far it got: the rest is all there, and is kept. */
static void a_spoilt_mark_costs_nothing(void)
{
    static const char *const spoilt[] = {
        "PRAGMA application_id = 99",
        "PRAGMA user_version = 99",
        "UPDATE meta SET agent = 'liyanf'",
        "UPDATE meta SET agent = 'liyanf'; DELETE FROM witness",
        "UPDATE meta SET outbox = zeroblob(16)",
        "UPDATE meta SET epoch = 9223372036854775807",
        "UPDATE meta SET acked = 1000",
        "UPDATE meta SET high = -1",
        "UPDATE meta SET chain = zeroblob(3)",
    };
    for (size_t i = 0; i < ARRAY_LEN(spoilt); i++) {
        struct county county;
        struct fault note = {0};
        county_open(&county);
        county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
        county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
        outbox_close(&county.outbox);
        run_sql(&county, spoilt[i]);
        must_reopen(&county);
        CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
        CU_ASSERT_EQUAL(access(note.argument[0], F_OK), 0);
        CU_ASSERT_EQUAL(walk(&county), 2);
        CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_KNOWN);
        must_reopen(&county);
        CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &note));
        county_close(&county);
    }
}

/* Every byte of the file's header, with one bit or all of them turned over. */
static void a_spoilt_header_never_prevents_the_start(void)
{
    for (long at = 0; at < 100; at++)
        for (int turned = 0; turned < 2; turned++) {
            struct county county;
            char path[256], byte = 0;
            county_open(&county);
            county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
            outbox_close(&county.outbox);
            snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
            const int fd = open(path, O_RDONLY);
            CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
            close(fd);
            byte = (char)(byte ^ (turned == 0 ? 1 : 0xFF));
            change_file(&county, at, &byte, 1);
            must_reopen(&county);
            CU_ASSERT_TRUE(walk(&county) == 1 || outbox_was_rescued(county.outbox, &county.why));
            county_close(&county);
        }
}

static void a_batch_that_no_longer_fits_the_chain_is_left_out(void)
{
    struct county county;
    struct outbox_identity identity;
    struct fault note = {0};
    bool is_known;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n");
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n");
    county_take(&county, "c.csv", HEAD "sown,L,2020-05,1,\n");
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 1, 0, &county.why), STATUS_OK);
    outbox_close(&county.outbox);
    run_sql(&county, "UPDATE batch SET bytes = zeroblob(length(bytes)) WHERE seq = 2");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
    CU_ASSERT_STRING_EQUAL(note.argument[1], "2"); /* the first as well: the aggregator has it, but no backup does */
    CU_ASSERT_STRING_EQUAL(note.argument[2], "1");
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 2);
    CU_ASSERT_EQUAL(walk(&county), 2);
    known(&county, "sown", "L", "2020-05", &is_known);
    CU_ASSERT_TRUE(is_known);
    /* What was lost can be delivered again, what was kept cannot. */
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_KNOWN);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\n"), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_take(&county, "c.csv", HEAD "sown,L,2020-05,1,\n"), TAKE_KNOWN);
    county_close(&county);
}

/* Pages overwritten at random: the start always goes on, and what is saved hangs together. */
static void random_damage_never_prevents_the_start(void)
{
    random_start("damage");
    for (int round = 0; round < 12; round++) {
        struct county county;
        county_open(&county);
        for (int i = 0; i < 5; i++) {
            char *text = large_file((size_t)(100 + 200 * i), 10), name[16];
            snprintf(name, sizeof(name), "%d.csv", i);
            CU_ASSERT_EQUAL(county_take(&county, name, text), TAKE_TAKEN);
            free(text);
        }
        outbox_close(&county.outbox);
        char path[256], noise[512];
        struct stat about;
        snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
        CU_ASSERT_EQUAL(stat(path, &about), 0);
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (char)draw_below(256);
        for (int hits = 0; hits < 1 + round / 3; hits++)
            change_file(&county, (long)draw_below((uint32_t)about.st_size - 512), noise, sizeof(noise));
        must_reopen(&county);
        walk(&county);
        must_reopen(&county);
        county_close(&county);
    }
}

/* ---- the inbox -------------------------------------------------------------------------------------------------------------- */

static void a_file_is_complete_when_it_has_not_changed_for_a_while(void)
{
    struct county county;
    const struct inbox_file *files;
    size_t count;
    county_open(&county);
    county_write(&county, "a.csv", "x", 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 1000, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(inbox_waiting(county.inbox), 1);
    county_write(&county, "a.csv", "xy", 2);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 2900, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 4800, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 4900, false, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 0, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    county_close(&county);
}

static void files_are_taken_by_time_then_name(void)
{
    struct county county;
    const struct inbox_file *files;
    const struct timespec early[2] = {{100, 0}, {100, 0}}, late[2] = {{200, 0}, {200, 0}};
    char path[INBOX_PATH];
    size_t count;
    county_open(&county);
    static const char *const names[] = {"b.csv", "a.csv", "c.csv"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        county_write(&county, names[i], "x", 1);
        county_path(&county, names[i], path);
        CU_ASSERT_EQUAL(utimensat(AT_FDCWD, path, i == 2 ? early : late, 0), 0);
    }
    county_write(&county, "b.csv.refused.csv", "x", 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 0, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT_STRING_EQUAL(files[0].name, "c.csv");
    CU_ASSERT_STRING_EQUAL(files[1].name, "a.csv");
    CU_ASSERT_STRING_EQUAL(files[2].name, "b.csv");
    county_close(&county);
}

static void a_postponed_file_waits_until_it_changes_or_its_time_comes(void)
{
    struct county county;
    const struct inbox_file *files;
    size_t count;
    county_open(&county);
    county_write(&county, "a.csv", "x", 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 1000, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    inbox_postpone(county.inbox, "a.csv", 6000);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 5999, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 0);
    CU_ASSERT_EQUAL(inbox_waiting(county.inbox), 1);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 6000, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    inbox_postpone(county.inbox, "a.csv", 9000);
    county_write(&county, "a.csv", "xy", 2);
    CU_ASSERT_EQUAL(inbox_scan(county.inbox, 7000, true, &files, &count, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(count, 1);
    county_close(&county);
}

/* ---- a full disk --------------------------------------------------------------------------------------------------------------- */

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
    char *text = large_file(400, 2000);
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", HEAD "sown,L,2020-03,1,\n"), TAKE_TAKEN);
    county_write(&county, "large.csv", text, strlen(text));
    signal(SIGXFSZ, SIG_IGN);
    limit_files(256 << 10);
    feed_free(&county.delivery);
    CU_ASSERT_EQUAL(take_file(&county.taker, "large.csv", 1600000000000, &county.taken, &county.why), STATUS_OK);
    county.delivery = county.taken.delivery;
    CU_ASSERT_EQUAL(county.taken.outcome, TAKE_STOP);
    CU_ASSERT_EQUAL(county.taken.why.message, MESSAGE_OUTBOX_FULL);
    CU_ASSERT_TRUE(county_exists(&county, "large.csv"));
    CU_ASSERT_EQUAL(walk(&county), 1);
    limit_files(RLIM_INFINITY);
    CU_ASSERT_EQUAL(county_take(&county, "large.csv", text), TAKE_TAKEN);
    CU_ASSERT_EQUAL(walk(&county), 401);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &county.why));
    CU_ASSERT_EQUAL(walk(&county), 401);
    free(text);
    county_close(&county);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_taken_file_is_a_signed_chain_of_batches_and_survives_reopening),
        SENTENCE(the_same_bytes_again_change_nothing),
        SENTENCE(revisions_decide_what_is_known),
        SENTENCE(refused_rows_are_given_back_as_they_were_written),
        SENTENCE(a_wide_row_with_two_refused_cells_is_given_back_once),
        SENTENCE(the_refused_file_keeps_encoding_and_byte_order_mark),
        SENTENCE(refused_rows_of_an_earlier_file_are_not_replaced),
        SENTENCE(a_file_refused_whole_lies_in_refused_with_its_reason),
        SENTENCE(a_file_of_refused_rows_alone_is_still_taken),
        SENTENCE(a_dry_run_leaves_no_trace),
        SENTENCE(a_large_file_is_cut_into_batches_within_the_limits),
        SENTENCE(records_of_one_cell_keep_their_order),
        SENTENCE(only_what_is_committed_and_backed_up_is_pruned),
        SENTENCE(a_restored_aggregator_knows_of_fewer_backups),
        SENTENCE(for_want_of_room_only_what_the_aggregator_holds_goes),
        SENTENCE(a_broken_rule_shows_what_its_sides_are),
        SENTENCE(the_origin_of_a_record_is_its_file_and_line),
        SENTENCE(rows_refused_by_the_aggregator_are_added_to_the_refused_file),
        SENTENCE(a_second_process_does_not_get_the_outbox),
        SENTENCE(a_sound_outbox_of_another_agent_version_or_program_is_left_alone),
        SENTENCE(the_outbox_is_closed_to_others),
        SENTENCE(rebirth_gives_new_numbers_to_what_no_backup_holds),
        SENTENCE(rebirth_takes_along_what_is_committed_and_in_no_backup),
        SENTENCE(rebirth_does_not_sign_what_changed_on_the_disk),
        SENTENCE(rebirth_does_not_lose_a_file_that_was_taken_again),
        SENTENCE(a_killed_collector_loses_nothing_and_doubles_nothing),
        SENTENCE(an_emptied_or_deleted_outbox_is_no_new_one),
        SENTENCE(an_empty_file_of_a_first_start_that_was_cut_off_is_a_new_outbox),
        SENTENCE(an_unreadable_outbox_is_set_aside_and_the_start_goes_on),
        SENTENCE(a_spoilt_mark_costs_nothing),
        SENTENCE(a_spoilt_header_never_prevents_the_start),
        SENTENCE(a_batch_that_no_longer_fits_the_chain_is_left_out),
        SENTENCE(random_damage_never_prevents_the_start),
        SENTENCE(a_file_is_complete_when_it_has_not_changed_for_a_while),
        SENTENCE(files_are_taken_by_time_then_name),
        SENTENCE(a_postponed_file_waits_until_it_changes_or_its_time_comes),
        SENTENCE(a_full_disk_stops_taking_and_loses_nothing),
    };
    return suite_run("outbox", sentences, ARRAY_LEN(sentences));
}
