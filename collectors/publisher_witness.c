/* publisher_witness.c - what the aggregator shows of its ledger, held against the checkpoint that is kept here. */
#include "publisher_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void copy_shown(const unsigned char *bytes, size_t length, char ret_text[CHECKPOINT_TEXT])
{
    const size_t kept = length < CHECKPOINT_TEXT ? length : 0; /* longer: no checkpoint, and not worth keeping */
    if (kept > 0)
        memcpy(ret_text, bytes, kept);
    ret_text[kept] = '\0';
}

static void set_alarm(struct publisher *publisher, enum checkpoint_verdict verdict, const struct checkpoint *kept,
                      const struct checkpoint_shown *shown)
{
    struct checkpoint head = {.entry = 0};
    char kept_entry[24], head_entry[24];
    if (shown->length > 0 && !checkpoint_read_signed(shown->text, shown->length, publisher->sign_key, &head))
        head.entry = 0;
    (void)snprintf(kept_entry, sizeof kept_entry, "%" PRIu64, kept == NULL ? 0 : kept->entry);
    (void)snprintf(head_entry, sizeof head_entry, "%" PRIu64, head.entry);
    publisher->alarm = (struct fault){0};
    fault_set(&publisher->alarm, checkpoint_message(verdict), kept_entry, head_entry, NULL);
    publisher->alarm_contradicts = !checkpoint_is_replaced(verdict);
}

/* What goes on is kept from now on; what contradicts is kept beside it. */
enum status publisher_heed_ledger(struct publisher *publisher, const unsigned char generation[16],
                                  const struct checkpoint_shown *shown, struct fault *why)
{
    struct outbox_witness witness;
    struct checkpoint kept;
    outbox_witness(publisher->outbox, &witness);
    const bool has_kept = checkpoint_read(witness.kept, &kept);
    const enum checkpoint_verdict verdict =
        checkpoint_judge(has_kept ? &kept : NULL, generation, shown, publisher->sign_key);
    if (checkpoint_is_replaced(verdict)) {
        if (checkpoint_is_alarm(verdict))
            memcpy(witness.former, witness.kept, sizeof witness.former);
        copy_shown(shown->text, shown->length, witness.kept);
        witness.shown[0] = witness.earlier[0] = '\0';
        witness.alarm = MESSAGE_NONE;
    } else if (witness.alarm == MESSAGE_NONE || publisher->alarmed_session != publisher->sender.session) {
        copy_shown(shown->text, shown->length, witness.shown);
        copy_shown(shown->earlier, shown->earlier_length, witness.earlier);
        witness.alarm = checkpoint_message(verdict);
    }
    if (checkpoint_is_alarm(verdict) && publisher->alarmed_session != publisher->sender.session) {
        set_alarm(publisher, verdict, has_kept ? &kept : NULL, shown);
        publisher->alarmed_session = publisher->sender.session;
    }
    const enum status status = outbox_keep_witness(publisher->outbox, &witness, why);
    return status == STATUS_AGAIN ? STATUS_OK : status; /* disk full: the next one */
}

enum status publisher_heed_ack(struct publisher *publisher, const struct wire_ack *ack, struct fault *why)
{
    const struct checkpoint_shown shown = {ack->checkpoint, ack->earlier, ack->checkpoint_length, ack->earlier_length};
    struct outbox_witness witness;
    struct checkpoint kept, earlier;
    outbox_witness(publisher->outbox, &witness);
    const bool has_kept = checkpoint_read(witness.kept, &kept);
    if (shown.length == 0 ||
        (has_kept && (!checkpoint_read_signed(shown.earlier, shown.earlier_length, publisher->sign_key, &earlier) ||
                      earlier.entry != kept.entry)))
        return STATUS_OK;
    return publisher_heed_ledger(publisher, ack->generation, &shown, why);
}

bool publisher_alarm(struct publisher *publisher, struct fault *ret_alarm, bool *ret_contradicts)
{
    if (publisher->alarm.message == MESSAGE_NONE)
        return false;
    *ret_alarm = publisher->alarm;
    *ret_contradicts = publisher->alarm_contradicts;
    publisher->alarm = (struct fault){0};
    return true;
}
