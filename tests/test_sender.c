/* The collector's end of the delivery protocol alone: each rule of its state machine in a sentence. Both ends against each
 * other are in test_delivery.c. */
#include "suite.h"

#include "delivery.h"

#include <stdlib.h>

static struct sender one;
static struct delivery_actions does;

static void step(struct delivery_event event)
{
    delivery_step(&one, &event, &does);
}

/* In session 9 with batches 1..high of which the aggregator has `watermark`. */
static void streaming(uint64_t high, uint64_t watermark)
{
    delivery_start(&one, 1, high, watermark);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    CU_ASSERT_TRUE(does.hello);
    CU_ASSERT_EQUAL(one.session, 9);
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = watermark, .credit = 2});
    CU_ASSERT_EQUAL(one.state, DELIVERY_STREAMING);
}

static void nack(enum wire_nack code, uint64_t first)
{
    step((struct delivery_event){.kind = DELIVERY_NACK, .now_ms = 2000, .session = one.session, .nack = code, .first = first,
                                 .retry_after_ms = 3000});
}

static void batches_go_out_in_order_within_the_credit(void)
{
    streaming(5, 1);
    CU_ASSERT_EQUAL(delivery_wants(&one), 2);
    delivery_sent(&one, 1000);
    CU_ASSERT_EQUAL(delivery_wants(&one), 3);
    delivery_sent(&one, 1000);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1100, .session = 9, .watermark = 2, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 2);
    CU_ASSERT_EQUAL(delivery_wants(&one), 4);
}

static void a_welcome_acknowledges_nothing(void)
{
    delivery_start(&one, 1, 5, 0);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 5, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 0);
    CU_ASSERT_FALSE(delivery_drained(&one));
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 5, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 5);
    CU_ASSERT_TRUE(delivery_drained(&one));
}

static void answers_of_another_session_are_dropped(void)
{
    streaming(5, 1);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1100, .session = 8, .watermark = 5, .credit = 2});
    CU_ASSERT_EQUAL(does.acknowledge, 0);
    step((struct delivery_event){.kind = DELIVERY_NACK, .now_ms = 1100, .session = 8, .nack = NACK_REVOKED});
    CU_ASSERT_EQUAL(one.state, DELIVERY_STREAMING);
}

static void credit_zero_waits_and_asks_again(void)
{
    streaming(5, 1);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1100, .session = 9, .watermark = 1, .credit = 0});
    CU_ASSERT_EQUAL(one.state, DELIVERY_THROTTLED);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due});
    CU_ASSERT_TRUE(does.hello);
    CU_ASSERT_EQUAL(one.session, 9);
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 9000, .session = 9, .watermark = 1, .credit = 1});
    CU_ASSERT_EQUAL(delivery_wants(&one), 2);
}

static void an_ack_that_does_not_come_starts_a_new_session(void)
{
    streaming(5, 1);
    delivery_sent(&one, 1000);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = 2000, .random = 100});
    CU_ASSERT_FALSE(does.hello);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 100});
    CU_ASSERT_TRUE(does.hello);
    CU_ASSERT_EQUAL(one.session, 101);
    CU_ASSERT_EQUAL(one.state, DELIVERY_GREETING);
}

static void a_gap_goes_back_and_what_cannot_be_greets_anew(void)
{
    streaming(5, 1);
    delivery_sent(&one, 1000);
    delivery_sent(&one, 1000);
    nack(NACK_GAP_AHEAD, 3);
    CU_ASSERT_EQUAL(delivery_wants(&one), 3);
    nack(NACK_GAP_AHEAD, 1);
    CU_ASSERT_EQUAL(one.state, DELIVERY_GREETING);
}

static void a_restored_aggregator_gets_what_it_lost(void)
{
    delivery_start(&one, 1, 5, 5);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 2, .credit = 9});
    CU_ASSERT_FALSE(delivery_drained(&one));
    CU_ASSERT_EQUAL(delivery_wants(&one), 3);
    delivery_sent(&one, 1000);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9});
    CU_ASSERT_EQUAL(does.acknowledge, 0); /* it was once */
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 5, .credit = 9});
    CU_ASSERT_TRUE(delivery_drained(&one));
}

static void batches_no_longer_held_are_said_to_be_a_gap(void)
{
    delivery_start(&one, 4, 5, 5);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 1, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_from, 2);
    CU_ASSERT_EQUAL(does.gap_to, 3);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0); /* not before it is written down there */
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_to, 0);
    CU_ASSERT_EQUAL(delivery_wants(&one), 4);
}

static void an_empty_outbox_says_what_it_once_held(void)
{
    delivery_start(&one, 6, 5, 5);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_from, 4);
    CU_ASSERT_EQUAL(does.gap_to, 5);
}

static void a_hole_is_said_when_all_before_it_is_committed(void)
{
    streaming(9, 1);
    CU_ASSERT_EQUAL(delivery_wants(&one), 2);
    delivery_sent(&one, 1000);
    step((struct delivery_event){.kind = DELIVERY_LOST, .now_ms = 1000, .low = 3, .high = 4});
    CU_ASSERT_EQUAL(does.gap_to, 0);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    step((struct delivery_event){.kind = DELIVERY_ACK, .now_ms = 1000, .session = 9, .watermark = 2, .credit = 9});
    CU_ASSERT_EQUAL(does.gap_from, 3);
    CU_ASSERT_EQUAL(does.gap_to, 4);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 20}); /* lost on the way */
    CU_ASSERT_TRUE(does.hello);
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = one.due, .session = 21, .watermark = 2, .credit = 9});
    CU_ASSERT_EQUAL(delivery_wants(&one), 3); /* and found out again */
}

static void an_aggregator_that_knows_more_holds_delivery(void)
{
    delivery_start(&one, 1, 5, 2);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 7, .credit = 9, .chain = CHAIN_UNKNOWN});
    CU_ASSERT_EQUAL(one.hold, HOLD_BEHIND);
    CU_ASSERT_TRUE(does.rebirth);
}

static void an_outbox_from_a_backup_offers_what_the_aggregator_does_not_have(void)
{
    delivery_start(&one, 1, 5, 4);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    nack(NACK_STALE_EPOCH, 3); /* it was restored as well, to before what it acknowledged */
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 3);
}

static void parting(void)
{
    delivery_start(&one, 1, 5, 2);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 1000, .random = 8});
    step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 1000, .session = 9, .watermark = 3, .credit = 9, .chain = CHAIN_DIFFERS});
    CU_ASSERT_EQUAL(one.hold, HOLD_PARTING);
    CU_ASSERT_TRUE(does.prove);
    CU_ASSERT_FALSE(does.rebirth);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
}

static void where_another_history_parts_is_asked_for_before_rebirth(void)
{
    parting();
    nack(NACK_BAD_CHAIN, 2);
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 2);
    CU_ASSERT_EQUAL(one.hold, HOLD_FORK);
    parting(); /* an aggregator that does not answer */
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due});
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 1);
    parting(); /* a link that fails meanwhile */
    step((struct delivery_event){.kind = DELIVERY_LINK_DOWN, .now_ms = 2000});
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 2001});
    CU_ASSERT_TRUE(does.hello);
}

static void each_refusal_of_the_whole_holds_in_its_way(void)
{
    static const struct { enum wire_nack nack; enum delivery_hold hold; } cases[] = {
        {NACK_REVOKED, HOLD_REVOKED}, {NACK_FENCED, HOLD_FENCED},
        {NACK_PROTOCOL, HOLD_PROTOCOL}, {NACK_STALE_EPOCH, HOLD_STALE_EPOCH},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        streaming(5, 1);
        nack(cases[i].nack, 0);
        CU_ASSERT_EQUAL(one.state, DELIVERY_HELD);
        CU_ASSERT_EQUAL(one.hold, cases[i].hold);
        CU_ASSERT_EQUAL(delivery_wants(&one), 0);
        step((struct delivery_event){.kind = DELIVERY_LINK_DOWN, .now_ms = 2001});
        step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = 2002});
        CU_ASSERT_FALSE(does.hello); /* a new link is no reason to knock at once */
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 20});
        CU_ASSERT_TRUE(does.hello);
        CU_ASSERT_EQUAL(one.state, DELIVERY_GREETING);
    }
}

static void refused_three_times(enum wire_nack code)
{
    streaming(5, 1);
    for (int i = 0; i < 2; i++) {
        nack(code, 2);
        CU_ASSERT_EQUAL(one.state, DELIVERY_THROTTLED);
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due, .random = 8});
        CU_ASSERT_TRUE(does.hello);
        step((struct delivery_event){.kind = DELIVERY_WELCOME, .now_ms = 9000, .session = 9, .watermark = 1, .credit = 2});
    }
    nack(code, 2);
    CU_ASSERT_EQUAL(one.state, DELIVERY_HELD);
    CU_ASSERT_EQUAL(one.hold, HOLD_BAD_BATCH);
}

static void a_bad_batch_is_tried_three_times_and_no_more(void)
{
    refused_three_times(NACK_MALFORMED);
    CU_ASSERT_FALSE(does.rebirth); /* the same bytes would come again */
    refused_three_times(NACK_BAD_CHAIN);
    CU_ASSERT_TRUE(does.rebirth);
    refused_three_times(NACK_BAD_SIGNATURE); /* signed anew, with the key of today */
    CU_ASSERT_TRUE(does.rebirth);
    CU_ASSERT_EQUAL(does.rebirth_from, 2); /* all that is missing there, acknowledged once or not */
}

static void a_busy_aggregator_is_left_alone_as_long_as_it_asks(void)
{
    streaming(5, 1);
    nack(NACK_BUSY, 0);
    CU_ASSERT_EQUAL(delivery_wants(&one), 0);
    CU_ASSERT(one.due >= 2000 + 3000);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = 4999});
    CU_ASSERT_FALSE(does.hello);
    step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = one.due});
    CU_ASSERT_TRUE(does.hello);
}

static void greetings_without_an_answer_come_ever_more_slowly(void)
{
    int64_t before = 0, now = 1000;
    delivery_start(&one, 1, 5, 0);
    step((struct delivery_event){.kind = DELIVERY_LINK_UP, .now_ms = now});
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_TRUE(does.hello);
        CU_ASSERT(one.due - now > before);
        before = one.due - now;
        now = one.due;
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = now});
    }
    for (int i = 0; i < 100; i++) {
        now = one.due;
        step((struct delivery_event){.kind = DELIVERY_TIME, .now_ms = now, .random = UINT64_MAX});
        CU_ASSERT(one.due - now <= 75000);
    }
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(batches_go_out_in_order_within_the_credit),
        SENTENCE(a_welcome_acknowledges_nothing),
        SENTENCE(answers_of_another_session_are_dropped),
        SENTENCE(credit_zero_waits_and_asks_again),
        SENTENCE(an_ack_that_does_not_come_starts_a_new_session),
        SENTENCE(a_gap_goes_back_and_what_cannot_be_greets_anew),
        SENTENCE(a_restored_aggregator_gets_what_it_lost),
        SENTENCE(batches_no_longer_held_are_said_to_be_a_gap),
        SENTENCE(an_empty_outbox_says_what_it_once_held),
        SENTENCE(a_hole_is_said_when_all_before_it_is_committed),
        SENTENCE(an_aggregator_that_knows_more_holds_delivery),
        SENTENCE(an_outbox_from_a_backup_offers_what_the_aggregator_does_not_have),
        SENTENCE(where_another_history_parts_is_asked_for_before_rebirth),
        SENTENCE(each_refusal_of_the_whole_holds_in_its_way),
        SENTENCE(a_bad_batch_is_tried_three_times_and_no_more),
        SENTENCE(a_busy_aggregator_is_left_alone_as_long_as_it_asks),
        SENTENCE(greetings_without_an_answer_come_ever_more_slowly),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("sender", sentences, ARRAY_LEN(sentences));
}
