/* test_rescue.c - an outbox whose file was spoilt: the start goes on with what can be read, unless it is not ours. */
#include "county_outbox.h"
#include "random.h"
#include "suite.h"

#include <fcntl.h>

static void change_file(const struct county *county, long at, const char *bytes, size_t length)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/outbox.db", county->outbox_folder);
    const int fd = open(path, O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, bytes, length, at), (ssize_t)length);
    close(fd);
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

static void an_unreadable_outbox_is_set_aside_and_the_start_goes_on(void)
{
    struct county county;
    struct outbox_identity before, after;
    struct fault note = {0};
    county_open(&county);
    county_take_months(&county, 1);
    outbox_identity(county.outbox, &before);
    outbox_close(&county.outbox);
    change_file(&county, 0, "this is no database any more", 28);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
    CU_ASSERT_EQUAL(access(note.argument[0], F_OK), 0);
    outbox_identity(county.outbox, &after);
    CU_ASSERT_NOT_EQUAL(memcmp(before.id, after.id, sizeof(after.id)), 0);
    CU_ASSERT_EQUAL(after.high, 0);
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_TAKEN);
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &note));
    county_close(&county);
}

static void a_sound_outbox_of_another_agent_version_or_program_is_left_alone(void)
{
    struct county county;
    struct outbox *other = NULL;
    county_open(&county);
    county_take_months(&county, 1);
    outbox_close(&county.outbox);
    CU_ASSERT_EQUAL(outbox_open(county.outbox_folder, "jintan", county.secret, &other, &county.why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_OUTBOX_OTHER_AGENT);
    county_spoil(&county, "PRAGMA user_version = 99; ALTER TABLE batch ADD COLUMN later INTEGER");
    CU_ASSERT_EQUAL(county_reopen(&county), STATUS_BROKEN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_OUTBOX_NEWER);
    county_spoil(&county, "PRAGMA application_id = 99");
    CU_ASSERT_EQUAL(county_reopen(&county), STATUS_BROKEN);
    CU_ASSERT_EQUAL(county.why.message, MESSAGE_OUTBOX_FOREIGN);
    county_spoil(&county, "PRAGMA application_id = 0x53504F31; PRAGMA user_version = 1; ALTER TABLE batch DROP COLUMN later");
    CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
    CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &county.why));
    CU_ASSERT_EQUAL(county_walk(&county), 1);
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
        county_take_months(&county, 1);
        snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
        outbox_close(&county.outbox);
        CU_ASSERT_EQUAL(deleted ? unlink(path) : truncate(path, 0), 0);
        CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
        CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
        CU_ASSERT_EQUAL(note.message, MESSAGE_OUTBOX_GONE);
        CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_TAKEN);
        CU_ASSERT_EQUAL_FATAL(county_reopen(&county), STATUS_OK);
        CU_ASSERT_FALSE(outbox_was_rescued(county.outbox, &note));
        CU_ASSERT_EQUAL(county_walk(&county), 1);
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
        county_take_months(&county, 2);
        outbox_close(&county.outbox);
        county_spoil(&county, spoilt[i]);
        must_reopen(&county);
        CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
        CU_ASSERT_EQUAL(access(note.argument[0], F_OK), 0);
        CU_ASSERT_EQUAL(county_walk(&county), 2);
        CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_KNOWN);
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
            county_take_months(&county, 1);
            outbox_close(&county.outbox);
            snprintf(path, sizeof(path), "%s/outbox.db", county.outbox_folder);
            const int fd = open(path, O_RDONLY);
            CU_ASSERT_EQUAL(pread(fd, &byte, 1, at), 1);
            close(fd);
            byte = (char)(byte ^ (turned == 0 ? 1 : 0xFF));
            change_file(&county, at, &byte, 1);
            must_reopen(&county);
            CU_ASSERT_TRUE(county_walk(&county) == 1 || outbox_was_rescued(county.outbox, &county.why));
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
    county_take_months(&county, 3);
    CU_ASSERT_EQUAL(outbox_acknowledge(county.outbox, 1, 0, &county.why), STATUS_OK);
    county_spoil_batch(&county, 2);
    CU_ASSERT_TRUE(outbox_was_rescued(county.outbox, &note));
    CU_ASSERT_STRING_EQUAL(note.argument[1], "2"); /* the first as well: the aggregator has it, but no backup does */
    CU_ASSERT_STRING_EQUAL(note.argument[2], "1");
    outbox_identity(county.outbox, &identity);
    CU_ASSERT_EQUAL(identity.high, 2);
    CU_ASSERT_EQUAL(county_walk(&county), 2);
    county_known(&county, "sown", "L", "2020-05", &is_known);
    CU_ASSERT_TRUE(is_known);
    /* What was lost can be delivered again, what was kept cannot. */
    CU_ASSERT_EQUAL(county_take(&county, "a.csv", MARCH), TAKE_KNOWN);
    CU_ASSERT_EQUAL(county_take(&county, "b.csv", APRIL), TAKE_TAKEN);
    CU_ASSERT_EQUAL(county_take(&county, "c.csv", MAY), TAKE_KNOWN);
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
            char *text = county_long_file((size_t)(100 + 200 * i), 10), name[16];
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
        county_walk(&county);
        must_reopen(&county);
        county_close(&county);
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(an_unreadable_outbox_is_set_aside_and_the_start_goes_on),
        SENTENCE(a_sound_outbox_of_another_agent_version_or_program_is_left_alone),
        SENTENCE(an_emptied_or_deleted_outbox_is_no_new_one),
        SENTENCE(an_empty_file_of_a_first_start_that_was_cut_off_is_a_new_outbox),
        SENTENCE(a_spoilt_mark_costs_nothing),
        SENTENCE(a_spoilt_header_never_prevents_the_start),
        SENTENCE(a_batch_that_no_longer_fits_the_chain_is_left_out),
        SENTENCE(random_damage_never_prevents_the_start),
    };
    return suite_run("rescue", sentences, ARRAY_LEN(sentences));
}
