#include "checkpoint.h"

#include "suite.h"

#include <sodium.h>
#include <string.h>

static unsigned char public_key[SEAL_PUBLIC], secret[SEAL_SECRET];

static void make(unsigned char generation, uint64_t entry, unsigned char hash, char ret_text[CHECKPOINT_TEXT])
{
    struct checkpoint made = {.entry = entry, .time = "2026-11-23T18:00:00+08:00", .signer = "aggregator", .registry = 3};
    memset(made.generation, generation, sizeof made.generation);
    memset(made.hash, hash, SEAL_HASH);
    checkpoint_write(&made, secret, public_key, ret_text);
}

/* What a witness that keeps (generation 1, entry 5, hash 5) makes of a head and an earlier entry; entry 0: none is shown. */
static enum checkpoint_verdict judge(unsigned char generation, uint64_t head, unsigned char head_hash, uint64_t earlier,
                                     unsigned char earlier_hash)
{
    char kept_text[CHECKPOINT_TEXT], text[CHECKPOINT_TEXT] = "", earlier_text[CHECKPOINT_TEXT] = "";
    unsigned char store[16];
    struct checkpoint kept;
    make(1, 5, 5, kept_text);
    CU_ASSERT_TRUE_FATAL(checkpoint_read(kept_text, &kept));
    memset(store, generation, sizeof store);
    if (head > 0)
        make(generation, head, head_hash, text);
    if (earlier > 0)
        make(generation, earlier, earlier_hash, earlier_text);
    const struct checkpoint_shown shown = {(const unsigned char *)text, (const unsigned char *)earlier_text, strlen(text),
                                           strlen(earlier_text)};
    return checkpoint_judge(&kept, store, &shown, public_key);
}

static void a_ledger_that_has_what_was_kept_goes_on(void)
{
    CU_ASSERT_EQUAL(judge(1, 5, 5, 0, 0), CHECKPOINT_GOES_ON);
    CU_ASSERT_EQUAL(judge(1, 9, 9, 5, 5), CHECKPOINT_GOES_ON);
    CU_ASSERT_FALSE(checkpoint_is_alarm(CHECKPOINT_GOES_ON));
    CU_ASSERT_EQUAL(checkpoint_message(CHECKPOINT_GOES_ON), MESSAGE_NONE);
}

static void every_other_ledger_is_an_alarm(void)
{
    static const struct {
        unsigned char generation;
        uint64_t head;
        unsigned char head_hash;
        uint64_t earlier;
        unsigned char earlier_hash;
        enum checkpoint_verdict verdict;
        bool replaced;
    } cases[] = {
        {2, 5, 5, 0, 0, CHECKPOINT_RESTORED, true},       {2, 9, 9, 5, 5, CHECKPOINT_RESTORED, true},
        {2, 4, 4, 0, 0, CHECKPOINT_RESTORED_OLDER, true}, {2, 0, 0, 0, 0, CHECKPOINT_RESTORED_OLDER, true},
        {1, 4, 4, 0, 0, CHECKPOINT_SHORTER, false},       {1, 0, 0, 0, 0, CHECKPOINT_SHORTER, false},
        {1, 4, 4, 5, 5, CHECKPOINT_SHORTER, false},       {1, 5, 6, 0, 0, CHECKPOINT_REWRITTEN, false},
        {1, 9, 9, 5, 6, CHECKPOINT_REWRITTEN, false},     {2, 5, 6, 0, 0, CHECKPOINT_REWRITTEN, false},
        {2, 9, 9, 5, 6, CHECKPOINT_REWRITTEN, false},     {1, 9, 9, 0, 0, CHECKPOINT_UNPROVEN, false},
        {1, 9, 9, 4, 5, CHECKPOINT_UNPROVEN, false},      {2, 9, 9, 4, 4, CHECKPOINT_RESTORED_OLDER, true},
        {2, 5, 6, 4, 4, CHECKPOINT_RESTORED_OLDER, true}, {1, 5, 6, 4, 4, CHECKPOINT_REWRITTEN, false},
        {2, 9, 9, 0, 0, CHECKPOINT_UNPROVEN, false},      {2, 9, 9, 6, 6, CHECKPOINT_UNPROVEN, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const enum checkpoint_verdict verdict =
            judge(cases[i].generation, cases[i].head, cases[i].head_hash, cases[i].earlier, cases[i].earlier_hash);
        CU_ASSERT_EQUAL(verdict, cases[i].verdict);
        CU_ASSERT_TRUE(checkpoint_is_alarm(verdict));
        CU_ASSERT_EQUAL(checkpoint_is_replaced(verdict), cases[i].replaced);
        CU_ASSERT_NOT_EQUAL(checkpoint_message(verdict), MESSAGE_NONE);
    }
}

static void what_the_known_key_did_not_sign_is_worth_nothing(void)
{
    char text[CHECKPOINT_TEXT], altered[CHECKPOINT_TEXT];
    unsigned char generation[16], other[SEAL_PUBLIC], other_secret[SEAL_SECRET];
    struct checkpoint read;
    memset(generation, 1, sizeof generation);
    make(1, 5, 5, text);
    struct checkpoint_shown shown = {(const unsigned char *)text, NULL, strlen(text), 0};
    CU_ASSERT_EQUAL(checkpoint_judge(NULL, generation, &shown, public_key), CHECKPOINT_GOES_ON);
    CU_ASSERT_EQUAL(crypto_sign_keypair(other, other_secret), 0);
    CU_ASSERT_EQUAL(checkpoint_judge(NULL, generation, &shown, other), CHECKPOINT_UNSIGNED);
    generation[3] ^= 1; /* said to be of another store than the one that speaks */
    CU_ASSERT_EQUAL(checkpoint_judge(NULL, generation, &shown, public_key), CHECKPOINT_UNSIGNED);
    generation[3] ^= 1;
    const size_t name = (size_t)(strstr(text, "aggregator ") - text); /* the one word that is not signed: who to ask for a key */
    for (size_t i = 0; i < strlen(text); i++) {
        if (i >= name && i < name + strlen("aggregator"))
            continue;
        memcpy(altered, text, sizeof altered);
        altered[i] ^= 1;
        shown.text = (const unsigned char *)altered;
        CU_ASSERT_EQUAL(checkpoint_judge(NULL, generation, &shown, public_key), CHECKPOINT_UNSIGNED);
    }
    for (size_t length = 1; length < strlen(text); length++)
        CU_ASSERT_FALSE(checkpoint_read_signed(text, length, public_key, &read));
    CU_ASSERT_TRUE(checkpoint_read_signed(text, strlen(text), public_key, &read));
    /* An earlier one that nobody signed is as bad as a head. */
    struct checkpoint kept;
    CU_ASSERT_TRUE_FATAL(checkpoint_read(text, &kept));
    char head[CHECKPOINT_TEXT];
    make(1, 9, 9, head);
    const struct checkpoint_shown forged = {(const unsigned char *)head, (const unsigned char *)"suanpan", strlen(head), 7};
    CU_ASSERT_EQUAL(checkpoint_judge(&kept, generation, &forged, public_key), CHECKPOINT_UNSIGNED);
}

int main(void)
{
    if (seal_start() != STATUS_OK || crypto_sign_keypair(public_key, secret) != 0)
        return 1;
    static const struct sentence sentences[] = {
        SENTENCE(a_ledger_that_has_what_was_kept_goes_on),
        SENTENCE(every_other_ledger_is_an_alarm),
        SENTENCE(what_the_known_key_did_not_sign_is_worth_nothing),
    };
    return suite_run("checkpoint", sentences, ARRAY_LEN(sentences));
}
