/* Both ends of the delivery protocol against each other in a world of accidents, drawn from a seed: cuts of the link with
 * everything on it lost, letters that come late and twice, kill -9 of either end, groups that cannot be committed, batches
 * that an outbox can no longer read, runs cut anywhere with a bad batch inside, keys that change, two agents in one commit,
 * credit that runs out, files taken at any moment, an outbox put back from a backup, the
 * aggregator put back to its newest backup or to an older one, and in every fourth schedule a second collector of the same
 * name, with a copy of the outbox or with one of its own. Whatever happens:
 *
 *   - the aggregator commits each number of an outbox once, in order, and applies no file twice;
 *   - what it applied and what it wrote down as missing are the numbers 1 to its watermark;
 *   - nothing is acknowledged at the collector that is not committed at the aggregator;
 *   - every refusal was written by the collector before its batch counted as acknowledged;
 *   - when the accidents end, every file is there, or is written down as missing, or went down with a disk.
 *
 * And that this world would notice: the same with a fault in it (see `enum flaw`), which has to be found.
 *
 * SUANPAN_SEED=n repeats one schedule, SUANPAN_SCHEDULES=n runs more of them. */
#include "delivery/world.h"
#include "suite.h"

static void whatever_happens_everything_arrives_once(void)
{
    const char *wanted = getenv("SUANPAN_SEED"), *many = getenv("SUANPAN_SCHEDULES");
    const char *tier = getenv("SUANPAN_TIER");
    const uint64_t usual = tier != NULL && strcmp(tier, "nightly") == 0 ? 10000000 : 100000;
    const uint64_t schedules = wanted != NULL ? 1 : many != NULL ? strtoull(many, NULL, 10) : usual;
    const uint64_t first = wanted != NULL ? strtoull(wanted, NULL, 10) : 1;
    uint64_t files = 0, lives = 0, restored = 0, gaps = 0, seconds = 0, fights = 0, cut_runs = 0, shared = 0;
    for (uint64_t seed = first; seed < first + schedules; seed++) {
        if (schedule(seed, FLAW_NONE) != COMPLAINT_NONE) {
            show(seed);
            CU_FAIL("the protocol broke its word");
            return;
        }
        files += world.files;
        lives += world.lives - 1u;
        restored += world.restored;
        gaps += world.gaps;
        seconds += world.seconds;
        fights += world.fights;
        cut_runs += world.cut_runs;
        shared += world.shared_groups;
    }
    printf("\n    %" PRIu64 " schedules, %" PRIu64 " files, %" PRIu64 " rebirths, %" PRIu64 " restores, %" PRIu64
           " gaps, %" PRIu64 " second collectors, %" PRIu64 " fights, %" PRIu64 " runs cut, %" PRIu64 " groups of two agents ",
           schedules, files, lives, restored, gaps, seconds, fights, cut_runs, shared);
    CU_ASSERT(wanted != NULL || files > schedules); /* the world was not empty, */
    CU_ASSERT(wanted != NULL || lives > schedules / 100); /* outboxes were born again in it, */
    CU_ASSERT(wanted != NULL || restored > schedules / 10); /* the aggregator was put back, */
    CU_ASSERT(wanted != NULL || gaps > schedules / 100); /* batches were missing, */
    CU_ASSERT(wanted != NULL || seconds > schedules / 10); /* two collectors had one name, */
    CU_ASSERT(wanted != NULL || cut_runs > schedules / 10); /* runs were taken up to a bad batch, */
    CU_ASSERT(wanted != NULL || shared > schedules / 2); /* and agents shared a commit */
}

/* ---- controls: the world notices ------------------------------------------------------------------------------------------ */

/* The fault shows as this complaint within so many schedules. */
static void finds(enum flaw flaw, enum complaint complaint)
{
    enum { CONTROL_SCHEDULES = 2000 };
    for (uint64_t seed = 1; seed <= CONTROL_SCHEDULES; seed++)
        if (schedule(seed, flaw) == complaint) {
            printf("\n    schedule %" PRIu64 ": %s ", seed, complaints[complaint]);
            return;
        }
    printf("\n    not found in %d schedules: %s ", (int)CONTROL_SCHEDULES, complaints[complaint]);
    CU_FAIL("a seeded fault was not found");
}

static void an_answer_before_the_commit_is_found(void)
{
    finds(FLAW_ACKNOWLEDGED_EARLY, ACKNOWLEDGED_UNCOMMITTED);
}

static void a_duplicate_that_is_stored_again_is_found(void)
{
    finds(FLAW_DUPLICATES_TAKEN, NUMBER_TWICE);
}

static void a_batch_stored_behind_a_hole_is_found(void)
{
    finds(FLAW_HOLES_TAKEN, NUMBER_TWICE);
}

static void a_watermark_kept_of_a_group_rolled_back_is_found(void)
{
    finds(FLAW_TORN_COMMIT, NUMBER_MISSING);
}

static void a_file_not_known_again_after_a_rebirth_is_found(void)
{
    finds(FLAW_FILES_FORGOTTEN, FILE_TWICE);
}

static void refusals_that_never_went_out_are_found(void)
{
    finds(FLAW_REFUSALS_DROPPED, REFUSAL_LOST);
}

static void a_welcome_taken_for_an_acknowledgement_is_found(void)
{
    finds(FLAW_WELCOME_ACKNOWLEDGES, REFUSAL_LOST);
}

static void a_restored_outbox_that_is_trusted_is_found(void)
{
    finds(FLAW_COPY_TRUSTED, TWO_CONTENTS);
}

static void two_copies_of_an_outbox_that_are_trusted_are_found(void)
{
    finds(FLAW_TWIN_TRUSTED, TWO_CONTENTS);
}

static void a_restored_outbox_that_keeps_its_identity_is_found(void)
{
    finds(FLAW_NOT_REBORN, NOT_ARRIVED);
}

static void a_rebirth_that_leaves_behind_what_is_in_no_backup_is_found(void)
{
    finds(FLAW_FORGETFUL_REBIRTH, FILE_LOST);
}

static void an_outbox_that_lets_go_of_what_is_in_no_backup_is_found(void)
{
    finds(FLAW_PRUNED_AT_ONCE, NEEDLESSLY_LOST);
}

static void a_gap_that_is_not_written_down_is_found(void)
{
    finds(FLAW_GAP_UNRECORDED, NUMBER_MISSING);
}

static void a_run_whose_last_signature_nobody_checks_is_found(void)
{
    finds(FLAW_RUN_UNCHECKED, SPOILT_STORED);
}

static void a_run_cut_without_a_signature_at_its_end_is_found(void)
{
    finds(FLAW_RUN_END_UNSIGNED, UNPROVEN);
}

static void a_run_that_goes_on_behind_a_bad_batch_is_found(void)
{
    finds(FLAW_RUN_BEHIND_BAD, NUMBER_TWICE);
}

static void a_run_taken_from_its_start_once_more_is_found(void)
{
    finds(FLAW_RUN_REPEATED, NUMBER_TWICE);
}

static void a_session_that_outlives_its_group_is_found(void)
{
    finds(FLAW_OTHERS_GO_ON, ACKNOWLEDGED_UNCOMMITTED);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(whatever_happens_everything_arrives_once),
        SENTENCE(an_answer_before_the_commit_is_found),
        SENTENCE(a_duplicate_that_is_stored_again_is_found),
        SENTENCE(a_batch_stored_behind_a_hole_is_found),
        SENTENCE(a_watermark_kept_of_a_group_rolled_back_is_found),
        SENTENCE(a_file_not_known_again_after_a_rebirth_is_found),
        SENTENCE(refusals_that_never_went_out_are_found),
        SENTENCE(a_welcome_taken_for_an_acknowledgement_is_found),
        SENTENCE(a_restored_outbox_that_is_trusted_is_found),
        SENTENCE(two_copies_of_an_outbox_that_are_trusted_are_found),
        SENTENCE(a_restored_outbox_that_keeps_its_identity_is_found),
        SENTENCE(a_rebirth_that_leaves_behind_what_is_in_no_backup_is_found),
        SENTENCE(an_outbox_that_lets_go_of_what_is_in_no_backup_is_found),
        SENTENCE(a_gap_that_is_not_written_down_is_found),
        SENTENCE(a_run_whose_last_signature_nobody_checks_is_found),
        SENTENCE(a_run_cut_without_a_signature_at_its_end_is_found),
        SENTENCE(a_run_that_goes_on_behind_a_bad_batch_is_found),
        SENTENCE(a_run_taken_from_its_start_once_more_is_found),
        SENTENCE(a_session_that_outlives_its_group_is_found),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("delivery", sentences, ARRAY_LEN(sentences));
}
