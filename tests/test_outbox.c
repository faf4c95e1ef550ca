/* test_outbox.c - what is taken stays: batches, chain and known figures, what is kept and what is let go, rebirth. */
#include "county_outbox.h"
#include "suite.h"

#include <sys/wait.h>

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
    CU_ASSERT_EQUAL(county_walk(&county), 3);
    CU_ASSERT_EQUAL(county_known(&county, "grain", "L", "2020-04", &is_known).value, 140);
    CU_ASSERT_TRUE(is_known);
    county_known(&county, "grain", "W", "2020-04", &is_known);
    CU_ASSERT_FALSE(is_known);
    county_close(&county);
}

static void a_large_file_is_cut_into_batches_within_the_limits(void)
{
    struct county county;
    struct outbox_identity identity;
    char *text = county_long_file(2000, 1000);
    county_open(&county);
    CU_ASSERT_EQUAL(county_take(&county, "large.csv", text), TAKE_TAKEN);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_TRUE(identity.high >= 8);
    CU_ASSERT_EQUAL(county_walk(&county), 2000);
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

static void revisions_decide_what_is_known(void)
{
    struct county county;
    bool is_known;
    struct known_figure figure;
    county_open(&county);
    county_take(&county, "a.csv", HEAD "grain,L,2020-03,1,5\n");
    county_take(&county, "b.csv", HEAD "grain,L,2020-03,2,4\n");
    figure = county_known(&county, "grain", "L", "2020-03", &is_known);
    CU_ASSERT_EQUAL(figure.value, 100);
    CU_ASSERT_EQUAL(figure.revision, 5);
    county_take(&county, "c.csv", HEAD "grain,L,2020-03,3,\n");
    figure = county_known(&county, "grain", "L", "2020-03", &is_known);
    CU_ASSERT_EQUAL(figure.value, 300);
    CU_ASSERT_EQUAL(figure.revision, 6);
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
    county_known(&county, "sown", "L", "2020-04", &is_known);
    CU_ASSERT_FALSE(is_known);
    county_known(&county, "sown", "L", "2020-03", &is_known);
    CU_ASSERT_TRUE(is_known);
    free(origin);
    county_close(&county);
}

static void only_what_is_committed_and_backed_up_is_pruned(void)
{
    struct county county;
    struct outbox_identity identity;
    unsigned char chain[SEAL_HASH];
    bool any = true;
    county_open(&county);
    county_take_months(&county, 3);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 1, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, 0, &any, &county.why), STATUS_OK);
    CU_ASSERT_FALSE(any); /* its file was taken only now */
    CU_ASSERT_EQUAL(county_walk(&county), 3);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, INT64_MAX, &any, &county.why), STATUS_OK);
    CU_ASSERT_TRUE(any);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.low, 2);
    CU_ASSERT_EQUAL(identity.highest_acked, 2);
    CU_ASSERT_EQUAL(county_walk(&county), 2);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 99, 99, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_prune(county.outbox, INT64_MAX, &any, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 1, 0, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.highest_acked, 3);
    CU_ASSERT_TRUE(identity.low > identity.high);
    CU_ASSERT_EQUAL(outbox_chain(county.outbox, 3, chain, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_chain(county.outbox, 2, chain, &county.why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(county_take(&county, "d.csv", JUNE), TAKE_TAKEN);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 4);
    CU_ASSERT_EQUAL(county_walk(&county), 1);
    county_close(&county);
}

static void a_restored_aggregator_knows_of_fewer_backups(void)
{
    struct county county;
    bool any = true;
    county_open(&county);
    county_take_months(&county, 2);
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
    CU_ASSERT_EQUAL(county_walk(&county), 1);
    county_close(&county);
}

static void for_want_of_room_only_what_the_aggregator_holds_goes(void)
{
    struct county county;
    struct outbox_identity identity;
    uint64_t first, last, used, free_before, free_after;
    county_open(&county);
    county_take_months(&county, 4);
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
    CU_ASSERT_EQUAL(county_walk(&county), 2);
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
    county_take_months(&county, 1);
    county_take(&county, "b.csv", HEAD "sown,L,2020-04,1,\nsown,J,2020-04,1,\n");
    county_take(&county, "c.csv", MAY);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 1, 1, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &before);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &after);
    CU_ASSERT_NOT_EQUAL(memcmp(before.id, after.id, sizeof(after.id)), 0);
    CU_ASSERT_TRUE(after.epoch > before.epoch);
    CU_ASSERT_EQUAL(after.low, 1);
    CU_ASSERT_EQUAL(after.high, 2);
    CU_ASSERT_EQUAL(after.highest_acked, 0);
    CU_ASSERT_EQUAL(county_walk(&county), 3);
    CU_ASSERT_EQUAL(outbox_origin(county.outbox, 1, 0, origin, &county.why), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(origin->file, "b.csv");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_EQUAL(county_walk(&county), 3);
    free(origin);
    county_close(&county);
}

/* Committed, and then the aggregator goes back to a backup: only this outbox can give it what came after. */
static void rebirth_takes_along_what_is_committed_and_in_no_backup(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county_take_months(&county, 3);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 3, 1, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.low, 1);
    CU_ASSERT_EQUAL(identity.high, 2);
    CU_ASSERT_EQUAL(identity.highest_acked, 0);
    CU_ASSERT_EQUAL(outbox_backed(county.outbox), 0);
    CU_ASSERT_EQUAL(county_walk(&county), 2);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", APRIL), TAKE_KNOWN);
    /* The aggregator that says what it lacks is believed more than what was said of backups. */
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 2, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 2, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(county_walk(&county), 1);
    county_close(&county);
}

static void rebirth_does_not_sign_what_changed_on_the_disk(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county_take_months(&county, 2);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 0, &county.why), STATUS_OK);
    county_spoil_batch(&county, 1);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 1);
    CU_ASSERT_EQUAL(county_walk(&county), 1);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", APRIL), TAKE_KNOWN);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_TAKEN);
    county_close(&county);
}

static void rebirth_does_not_lose_a_file_that_was_taken_again(void)
{
    struct county county;
    struct outbox_identity identity;
    county_open(&county);
    county_take_months(&county, 2);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 2, 0, &county.why), STATUS_OK);
    county_spoil_batch(&county, 1);
    CU_ASSERT_EQUAL(outbox_lose(county.outbox, 1, 1, &county.why), STATUS_OK);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_TAKEN);
    CU_ASSERT_EQUAL(outbox_rebirth(county.outbox, 0, &county.why), STATUS_OK);
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 2);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_KNOWN);
    county_close(&county);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_taken_file_is_a_signed_chain_of_batches_and_survives_reopening),
        SENTENCE(a_large_file_is_cut_into_batches_within_the_limits),
        SENTENCE(records_of_one_cell_keep_their_order),
        SENTENCE(revisions_decide_what_is_known),
        SENTENCE(the_origin_of_a_record_is_its_file_and_line),
        SENTENCE(only_what_is_committed_and_backed_up_is_pruned),
        SENTENCE(a_restored_aggregator_knows_of_fewer_backups),
        SENTENCE(for_want_of_room_only_what_the_aggregator_holds_goes),
        SENTENCE(a_second_process_does_not_get_the_outbox),
        SENTENCE(the_outbox_is_closed_to_others),
        SENTENCE(rebirth_gives_new_numbers_to_what_no_backup_holds),
        SENTENCE(rebirth_takes_along_what_is_committed_and_in_no_backup),
        SENTENCE(rebirth_does_not_sign_what_changed_on_the_disk),
        SENTENCE(rebirth_does_not_lose_a_file_that_was_taken_again),
    };
    return suite_run("outbox", sentences, ARRAY_LEN(sentences));
}
