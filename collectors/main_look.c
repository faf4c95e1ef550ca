/* main_look.c - what only looks: --doctor, --checkpoint, --check; and --trust-ledger, which answers an alarm. */
#include "main_inside.h"

#include "csv.h"
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_row(const char *const cells[5])
{
    for (size_t i = 0; i < 5; i++) {
        csv_write_field(stdout, cells[i], ',');
        (void)putchar(i < 4 ? ',' : '\n');
    }
}

int main_call_doctor(struct collector *collector, struct fault *why)
{
    struct doctor doctor = {.rows = NULL};
    const struct collector_settings *settings = &collector->settings;
    doctor_locale(&doctor);
    doctor_clock(&doctor, main_now_ms(), 0);
    (void)doctor_secret(&doctor, settings->key, &collector->key);
    (void)doctor_public(&doctor, settings->aggregator_key, &collector->aggregator);
    if (main_load_catalogue(collector, why) != STATUS_OK)
        doctor_add_fault(&doctor, "catalogue", DOCTOR_ERROR, settings->catalogue, why);
    doctor_disk(&doctor, settings->outbox);
    outbox_examine(&doctor, settings->outbox, settings->agent);
    for (size_t i = 0; i < settings->source_count; i++) {
        struct fault fault = {0};
        if (inbox_check(settings->sources[i].inbox, &fault) != STATUS_OK)
            doctor_add_fault(&doctor, "disk", DOCTOR_ERROR, settings->sources[i].inbox, &fault);
    }
    doctor_reaches(&doctor, settings->aggregator);
    print_row(doctor_columns);
    for (size_t i = 0; i < doctor.count; i++) {
        char detail[2048], advice[2048];
        doctor_detail(&doctor.rows[i], collector->language, detail, sizeof detail);
        doctor_advice(&doctor.rows[i], collector->language, advice, sizeof advice);
        print_row((const char *const[5]){doctor.rows[i].check, doctor_state_name(doctor.rows[i].state), doctor.rows[i].subject,
                                         detail, advice});
    }
    const bool is_healthy = doctor_is_healthy(&doctor);
    free(doctor.rows);
    return is_healthy ? EXIT_DONE : EXIT_FAILED;
}

int main_print_checkpoints(struct collector *collector, struct fault *why)
{
    struct outbox_witness witness;
    struct fault fault = {0};
    if (outbox_read_witness(collector->settings.outbox, &witness, why) != STATUS_OK) {
        main_say(collector, why);
        return EXIT_FAILED;
    }
    printf("%s%s%s%s", witness.former, witness.kept, witness.earlier, witness.shown);
    if (witness.alarm != MESSAGE_NONE) {
        fault_set(&fault, MESSAGE_ALARM_STANDS, message_code(witness.alarm), NULL);
        main_say(collector, &fault);
        return EXIT_FAILED;
    }
    if (witness.kept[0] == '\0') {
        fault_set(&fault, MESSAGE_NO_CHECKPOINT, NULL);
        main_say(collector, &fault);
    }
    return EXIT_DONE;
}

enum status main_trust_ledger(struct collector *collector, struct fault *why)
{
    struct outbox_witness witness;
    struct fault fault = {0};
    outbox_witness(collector->outbox, &witness);
    fault_set(&fault, witness.alarm == MESSAGE_NONE ? MESSAGE_NO_ALARM : MESSAGE_LEDGER_TRUSTED, NULL);
    if (witness.alarm != MESSAGE_NONE) {
        memcpy(witness.former, witness.kept, sizeof witness.former);
        memcpy(witness.kept, witness.shown, sizeof witness.kept);
        witness.shown[0] = witness.earlier[0] = '\0';
        witness.alarm = MESSAGE_NONE;
    }
    const enum status status = outbox_keep_witness(collector->outbox, &witness, why);
    if (status == STATUS_OK)
        main_say(collector, &fault);
    return status;
}

enum status main_check_only(struct collector *collector, struct fault *why)
{
    enum status status = STATUS_OK;
    struct fault good = {0};
    for (size_t i = 0; i < collector->settings.source_count && status == STATUS_OK; i++)
        status = inbox_check(collector->settings.sources[i].inbox, why);
    if (status == STATUS_OK)
        status = inbox_check(collector->settings.outbox, why);
    if (status == STATUS_OK) {
        fault_set(&good, MESSAGE_CHECKED_GOOD, collector->settings.file, NULL);
        main_say(collector, &good);
    }
    return status;
}
