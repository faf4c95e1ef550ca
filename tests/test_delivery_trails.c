/* Counter-examples that Spin finds in the models with a seeded fault (tests/spin), played step by step against the state
 * machines as they are shipped. Each is played twice: in a world with the same fault the end is as bad as in the model, in one
 * without it nothing is lost, nothing acknowledged too early, and all arrives. */
#include "delivery/world.h"
#include "suite.h"

static struct collector *const first = &world.collectors[0], *const second = &world.collectors[COLLECTORS - 1];

/* The aggregator hears all that waits and ends its group. */
static void one_group(bool fails)
{
    struct letter letter;
    while (pop(&world.up, &letter))
        aggregator_hear(&letter);
    aggregator_end_group(fails);
}

static void hear_answers(struct collector *at)
{
    while (at->down.count > 0)
        collector_receive(at);
    collector_acknowledge(at);
}

static void take_files(struct collector *at, int count)
{
    while (count-- > 0)
        collector_take_file(at);
    collector_note_outbox(at);
}

static void greet(struct collector *at)
{
    join(at);
    one_group(false);
    hear_answers(at);
}

/* delivery.pml, trusted-chain: a backup of the outbox; a file is batch 1, on its way; the outbox is put back; another file is
 * batch 1 now; the aggregator says that it has batch 1. */
static enum complaint play_trusted_chain(enum flaw flaw)
{
    script_begin(flaw);
    first->backup = first->outbox;
    first->has_backup = true;
    take_files(first, 1);
    greet(first);
    collector_send(first);
    one_group(false);
    CU_ASSERT_EQUAL(history(first->backup.life)->watermark, 1);
    restore_outbox(first);
    take_files(first, 1);
    CU_ASSERT_EQUAL(first->outbox.content[1], 2);
    greet(first);
    return script_end();
}

static void a_number_that_names_two_files_is_not_believed(void)
{
    CU_ASSERT_EQUAL(play_trusted_chain(FLAW_COPY_TRUSTED), TWO_CONTENTS);
    CU_ASSERT_EQUAL(play_trusted_chain(FLAW_NONE), COMPLAINT_NONE);
    CU_ASSERT_EQUAL(world.store.home[2], first->outbox.life);
    CU_ASSERT_NOT_EQUAL(first->outbox.life, first->backup.life); /* it was born again */
}

/* group.pml, half-rollback: the second agent's batch is in a group that fails, and its session goes on. */
static enum complaint play_half_rollback(enum flaw flaw)
{
    script_begin(flaw);
    take_files(second, 1);
    greet(second);
    collector_send(second);
    one_group(true);
    one_group(false);
    hear_answers(second);
    CU_ASSERT_EQUAL(history(second->outbox.life)->watermark, 0);
    CU_ASSERT_EQUAL(second->outbox.acked, flaw == FLAW_NONE ? 0 : 1);
    return script_end();
}

static void no_session_outlives_a_group_that_failed(void)
{
    CU_ASSERT_EQUAL(play_half_rollback(FLAW_OTHERS_GO_ON), ACKNOWLEDGED_UNCOMMITTED);
    CU_ASSERT_EQUAL(play_half_rollback(FLAW_NONE), COMPLAINT_NONE);
    CU_ASSERT_EQUAL(second->outbox.acked, 1);
}

/* group.pml, run-unchecked: a RUN of three batches, the first of which is not what was signed. */
static enum complaint play_run_unchecked(enum flaw flaw)
{
    script_begin(flaw);
    take_files(first, 3);
    greet(first);
    collector_send(first);
    CU_ASSERT_EQUAL_FATAL(world.up.count, 1);
    CU_ASSERT_EQUAL(world.up.letters[world.up.first].count, 3);
    world.up.letters[world.up.first].contents[0] |= SPOILT;
    one_group(false);
    if (flaw == FLAW_NONE)
        CU_ASSERT_EQUAL(history(first->outbox.life)->watermark, 0);
    return flaw == FLAW_NONE ? script_end() : world.complaint;
}

static void a_run_whose_bytes_are_not_what_was_signed_is_not_stored(void)
{
    CU_ASSERT_EQUAL(play_run_unchecked(FLAW_RUN_UNCHECKED), SPOILT_STORED);
    CU_ASSERT_EQUAL(play_run_unchecked(FLAW_NONE), COMPLAINT_NONE);
    CU_ASSERT_EQUAL(first->outbox.acked, 3);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_number_that_names_two_files_is_not_believed),
        SENTENCE(no_session_outlives_a_group_that_failed),
        SENTENCE(a_run_whose_bytes_are_not_what_was_signed_is_not_stored),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("delivery_trails", sentences, ARRAY_LEN(sentences));
}
