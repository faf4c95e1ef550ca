/* The aggregator's session of one agent, event by event. */
#include "suite.h"

#include "session.h"

#include <stdio.h>
#include <string.h>

static struct session session;
static struct stream known;
static struct session_answer answer;

static struct wire_hello hello_of(unsigned char outbox, uint64_t epoch, uint64_t number, uint64_t high)
{
    struct wire_hello hello = {.protocol_min = 1, .protocol_max = 1, .agent = "liyang", .epoch = epoch, .session = number,
                               .low = 1, .high = high, .highest_acked = 0};
    memset(hello.outbox, outbox, sizeof hello.outbox);
    memset(hello.chain_at_high, (int)high, sizeof hello.chain_at_high);
    return hello;
}

static void fresh(uint64_t watermark, uint64_t epoch)
{
    memset(&session, 0, sizeof session);
    memset(&known, 0, sizeof known);
    known.watermark = watermark;
    known.epoch = epoch;
    memset(known.chain, (int)watermark, sizeof known.chain);
}

/* A session of outbox 1, epoch 3, number 77 at watermark 5. */
static void running(void)
{
    fresh(5, 3);
    const struct wire_hello hello = hello_of(1, 3, 77, 9);
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL_FATAL(answer.verdict, SESSION_WELCOME);
}

static enum session_verdict batch(uint64_t number, uint64_t seq, int chain_before, bool same_route)
{
    struct wire_batch wire = {.session = number, .seq = seq};
    memset(wire.chain_before, chain_before, sizeof wire.chain_before);
    session_batch(&session, &wire, same_route, 2000, &answer);
    return answer.verdict;
}

static void a_hello_starts_at_the_stored_watermark(void)
{
    running();
    CU_ASSERT_TRUE(session.active);
    CU_ASSERT_EQUAL(session.watermark, 5);
    CU_ASSERT_EQUAL(session_backlog(&session), 4);
    CU_ASSERT_FALSE(answer.save_stream);
}

static void a_higher_epoch_is_stored_and_a_lower_one_refused(void)
{
    fresh(5, 3);
    struct wire_hello hello = hello_of(1, 4, 77, 9);
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
    CU_ASSERT_TRUE(answer.save_stream);
    hello = hello_of(1, 2, 78, 9);
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_STALE_EPOCH);
    CU_ASSERT_EQUAL(session.number, 77);
}

static void an_outbox_that_holds_less_than_was_received_came_from_a_backup(void)
{
    fresh(5, 3);
    const struct wire_hello hello = hello_of(1, 9, 77, 4);
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_STALE_EPOCH);
    CU_ASSERT_FALSE(session.active);
}

static enum session_verdict proof(uint64_t seq, bool is_same)
{
    const struct wire_proof wire = {.session = 77, .seq = seq};
    session_proof(&session, &wire, is_same, true, 2000, &answer);
    return answer.verdict;
}

/* Our history and theirs agree up to `common`; the question and answer game finds the batch behind it. */
static void search(uint64_t low, uint64_t watermark, uint64_t common, uint64_t expected)
{
    fresh(watermark, 3);
    struct wire_hello hello = hello_of(1, 3, 77, watermark + 4);
    hello.low = low;
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL_FATAL(answer.verdict, SESSION_WELCOME);
    enum session_verdict verdict = proof(watermark, false);
    int questions = 0;
    for (; verdict == SESSION_PROVE && questions < 70; questions++) {
        CU_ASSERT_FATAL(answer.first + 1 >= low && answer.first < watermark); /* what it can show */
        verdict = proof(answer.first, answer.first <= common);
    }
    CU_ASSERT_EQUAL(verdict, SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_BAD_CHAIN);
    CU_ASSERT_EQUAL(answer.first, expected);
    CU_ASSERT(questions <= 65);
}

static void where_two_histories_part_is_found(void)
{
    for (uint64_t common = 0; common < 40; common++)
        search(1, 40, common, common + 1);
    search(1, UINT64_C(1) << 50, 12345, 12346);
    search(20, 40, 25, 26);
    search(20, 40, 19, 20);
    search(20, 40, 3, 20); /* further back it cannot show, nor send */
    search(1, 1, 0, 1);
    search(41, 40, 7, 41);
}

static void a_proof_nobody_asked_for_changes_nothing(void)
{
    running();
    CU_ASSERT_EQUAL(proof(3, false), SESSION_IGNORE); /* only the watermark's opens the search */
    CU_ASSERT_EQUAL(proof(5, true), SESSION_IGNORE);
    CU_ASSERT_EQUAL(proof(5, false), SESSION_PROVE);
    CU_ASSERT_EQUAL(proof(answer.first + 1, true), SESSION_IGNORE);
    CU_ASSERT_EQUAL(session.watermark, 5);
}

static enum session_verdict gap(uint64_t number, uint64_t from, uint64_t to)
{
    const struct wire_gap wire = {.session = number, .from = from, .to = to};
    session_gap(&session, &wire, true, 2000, &answer);
    return answer.verdict;
}

static void a_gap_right_behind_the_watermark_moves_it(void)
{
    unsigned char chain[SEAL_HASH];
    memset(chain, 8, sizeof chain);
    running();
    CU_ASSERT_EQUAL(gap(77, 6, 8), SESSION_TAKE);
    session_skipped(&session, 8, chain);
    CU_ASSERT_EQUAL(session.watermark, 8);
    CU_ASSERT_EQUAL(batch(77, 9, 8, true), SESSION_TAKE);
    CU_ASSERT_EQUAL(gap(77, 6, 8), SESSION_ACK); /* once more */
}

static void a_gap_over_what_is_held_has_no_effect(void)
{
    running();
    CU_ASSERT_EQUAL(gap(77, 1, 5), SESSION_ACK);
    CU_ASSERT_EQUAL(gap(77, 3, 9), SESSION_ACK);
    CU_ASSERT_EQUAL(gap(77, 5, 5), SESSION_ACK);
    CU_ASSERT_EQUAL(gap(77, 7, 8), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_GAP_AHEAD);
    CU_ASSERT_EQUAL(answer.first, 6);
    CU_ASSERT_EQUAL(gap(77, 6, 10), SESSION_NACK); /* it never had a tenth */
    CU_ASSERT_EQUAL(answer.code, NACK_MALFORMED);
    CU_ASSERT_EQUAL(gap(76, 6, 8), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_UNKNOWN_OUTBOX);
    CU_ASSERT_EQUAL(session.watermark, 5);
}

static void no_common_protocol_is_said(void)
{
    fresh(0, 0);
    struct wire_hello hello = hello_of(1, 1, 77, 0);
    hello.protocol_min = hello.protocol_max = 2;
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_PROTOCOL);
}

static void the_next_batch_is_taken_and_moves_the_watermark(void)
{
    unsigned char chain[SEAL_HASH];
    memset(chain, 6, sizeof chain);
    running();
    CU_ASSERT_EQUAL(batch(77, 6, 5, true), SESSION_TAKE);
    session_taken(&session, chain);
    CU_ASSERT_EQUAL(session.watermark, 6);
    CU_ASSERT_EQUAL(batch(77, 6, 5, true), SESSION_ACK);
    CU_ASSERT_EQUAL(batch(77, 7, 6, true), SESSION_TAKE);
}

static void a_duplicate_is_acknowledged_and_nothing_else(void)
{
    running();
    CU_ASSERT_EQUAL(batch(77, 5, 4, true), SESSION_ACK);
    CU_ASSERT_EQUAL(batch(77, 1, 0, true), SESSION_ACK);
    CU_ASSERT_EQUAL(session.watermark, 5);
}

static void a_gap_is_said_once_until_it_is_closed(void)
{
    unsigned char chain[SEAL_HASH];
    memset(chain, 6, sizeof chain);
    running();
    CU_ASSERT_EQUAL(batch(77, 8, 7, true), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_GAP_AHEAD);
    CU_ASSERT_EQUAL(answer.first, 6);
    CU_ASSERT_EQUAL(batch(77, 9, 8, true), SESSION_IGNORE);
    CU_ASSERT_EQUAL(batch(77, 6, 5, true), SESSION_TAKE);
    session_taken(&session, chain);
    CU_ASSERT_EQUAL(batch(77, 9, 8, true), SESSION_NACK);
}

static void a_batch_that_does_not_continue_the_chain_is_not_taken(void)
{
    running();
    CU_ASSERT_EQUAL(batch(77, 6, 99, true), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_BAD_CHAIN);
    CU_ASSERT_EQUAL(batch(77, 7, 6, true), SESSION_IGNORE);
}

static void a_batch_without_a_session_asks_for_a_hello(void)
{
    fresh(5, 3);
    CU_ASSERT_EQUAL(batch(77, 6, 5, true), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_UNKNOWN_OUTBOX);
    running();
    CU_ASSERT_EQUAL(batch(76, 6, 5, true), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_UNKNOWN_OUTBOX);
    session_finish(&session);
    CU_ASSERT_EQUAL(batch(77, 6, 5, true), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_UNKNOWN_OUTBOX);
}

static void the_former_of_two_collectors_is_fenced(void)
{
    running();
    const struct wire_hello hello = hello_of(1, 4, 78, 9);
    session_hello(&session, &hello, &known, false, 2000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
    CU_ASSERT_TRUE(answer.fence_former);
    CU_ASSERT_EQUAL(batch(77, 6, 5, false), SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_FENCED);
}

static void a_restarted_collector_may_come_back_as_often_as_it_likes(void)
{
    running();
    for (uint64_t i = 0; i < 20; i++) {
        const struct wire_hello hello = hello_of(1, 4 + i, 100 + i, 9);
        session_hello(&session, &hello, &known, false, 2000 + (int64_t)i, &answer);
        CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
    }
}

static void two_outboxes_that_fight_for_one_agent_are_stopped(void)
{
    enum session_verdict last = SESSION_WELCOME;
    running();
    for (uint64_t i = 0; i < 6; i++) {
        const struct wire_hello hello = hello_of(i % 2 == 0 ? 2 : 1, 4, 100 + i, 9);
        session_hello(&session, &hello, &known, false, 2000 + (int64_t)i * 1000, &answer);
        last = answer.verdict;
    }
    CU_ASSERT_EQUAL(last, SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_FENCED);
    const struct wire_hello later = hello_of(2, 4, 200, 9);
    session_hello(&session, &later, &known, false, 2000 + SESSION_TAKEOVER_MS + 10000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
}

/* Two processes with copies of one outbox: each comes again over the connection on which it was fenced. */
static void copies_of_one_outbox_are_told_from_a_link_that_fails_often(void)
{
    int refused = 0;
    running();
    for (uint64_t i = 0; i < 4; i++) {
        const struct wire_hello hello = hello_of(1, 3, 100 + i, 9);
        session_returned(&session);
        session_hello(&session, &hello, &known, false, 2000 + (int64_t)i * 1000, &answer);
        refused += answer.verdict == SESSION_NACK && answer.fight;
    }
    CU_ASSERT_EQUAL(refused, 1);
    CU_ASSERT_FALSE(session.active);
    const struct wire_hello held = hello_of(1, 3, 300, 9);
    session_hello(&session, &held, &known, true, 20000, &answer); /* the one that had it is held as well */
    CU_ASSERT_EQUAL(answer.verdict, SESSION_NACK);
    CU_ASSERT_EQUAL(answer.code, NACK_FENCED);
    CU_ASSERT_FALSE(answer.fight);
    session_hello(&session, &held, &known, true, 20000 + SESSION_TAKEOVER_MS, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
}

static void a_new_outbox_takes_over_from_one_that_is_gone(void)
{
    running();
    struct stream other = {.watermark = 0};
    const struct wire_hello hello = hello_of(9, 1, 100, 2);
    session_hello(&session, &hello, &other, false, 2000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
    CU_ASSERT_TRUE(answer.save_stream);
    CU_ASSERT_EQUAL(session.watermark, 0);
}

static void a_sign_of_life_changes_nothing(void)
{
    running();
    const struct session before = session;
    struct wire_hello hello = hello_of(1, 3, 77, 9);
    session_hello(&session, &hello, &known, true, 1000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
    CU_ASSERT_FALSE(answer.fence_former);
    CU_ASSERT_EQUAL(memcmp(&before, &session, sizeof session), 0);
}

static void an_aggregator_restored_from_a_backup_is_noticed(void)
{
    fresh(5, 3);
    struct wire_hello hello = hello_of(1, 3, 77, 9);
    hello.highest_acked = 8;
    session_hello(&session, &hello, &known, false, 1000, &answer);
    CU_ASSERT_EQUAL(answer.verdict, SESSION_WELCOME);
    CU_ASSERT_TRUE(answer.regression);
    CU_ASSERT_EQUAL(session.watermark, 5);
    CU_ASSERT_EQUAL(session.told, 5);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_hello_starts_at_the_stored_watermark),
        SENTENCE(a_higher_epoch_is_stored_and_a_lower_one_refused),
        SENTENCE(an_outbox_that_holds_less_than_was_received_came_from_a_backup),
        SENTENCE(where_two_histories_part_is_found),
        SENTENCE(a_proof_nobody_asked_for_changes_nothing),
        SENTENCE(a_gap_right_behind_the_watermark_moves_it),
        SENTENCE(a_gap_over_what_is_held_has_no_effect),
        SENTENCE(no_common_protocol_is_said),
        SENTENCE(the_next_batch_is_taken_and_moves_the_watermark),
        SENTENCE(a_duplicate_is_acknowledged_and_nothing_else),
        SENTENCE(a_gap_is_said_once_until_it_is_closed),
        SENTENCE(a_batch_that_does_not_continue_the_chain_is_not_taken),
        SENTENCE(a_batch_without_a_session_asks_for_a_hello),
        SENTENCE(the_former_of_two_collectors_is_fenced),
        SENTENCE(a_restarted_collector_may_come_back_as_often_as_it_likes),
        SENTENCE(two_outboxes_that_fight_for_one_agent_are_stopped),
        SENTENCE(copies_of_one_outbox_are_told_from_a_link_that_fails_often),
        SENTENCE(a_new_outbox_takes_over_from_one_that_is_gone),
        SENTENCE(a_sign_of_life_changes_nothing),
        SENTENCE(an_aggregator_restored_from_a_backup_is_noticed),
    };
    return suite_run("session", sentences, ARRAY_LEN(sentences));
}
