/* fuzz_outbox.c - the file of an outbox, changed by a bad disk (patch.h). Whatever it holds (but for the name of another agent,
 * which is a mistake of whoever configured it and is said), the collector starts: the batches
 * it then offers can be read and continue each other's chain, and new figures can be taken. */
#include "county.h"
#include "fuzz.h"
#include "patch.h"

#define BATCHES_MOST 64

static struct county county;
static char *sound, folder[96];
static size_t sound_length;

static void take(struct outbox *outbox, const char *value, uint64_t number)
{
    struct submission submission = {.file = "f.csv", .source = "report", .taken_at = 1600000000000, .parts = 1};
    struct fault why = {.message = MESSAGE_NONE};
    struct record record = {.element = catalogue_element(county.catalogue, "sown"),
                            .unit = catalogue_unit(county.catalogue, "L"), .value = strtoll(value, NULL, 10), .line = 2,
                            .reported_at = INT64_MIN, .reason = ""};
    memcpy(submission.hash, &number, sizeof number);
    fuzz_require(period_parse("2020-03", &record.period, &why) == STATUS_OK, "a period");
    const enum status status = outbox_take(outbox, county.catalogue, &submission, &record, 1, "", &why);
    fuzz_require_reason(status, &why);
    fuzz_require(status == STATUS_OK || status == STATUS_BROKEN, "figures are taken, or the damage is said");
}

static void close_county(void)
{
    county_close(&county);
}

static void make_outbox(void)
{
    struct outbox *outbox = NULL;
    char path[128];
    county_open(&county);
    (void)atexit(close_county);
    (void)snprintf(folder, sizeof folder, "%s/outbox", fuzz_folder());
    fuzz_require(outbox_open(folder, "liyang", county.secret, &outbox, &county.why) == STATUS_OK, "a new outbox");
    for (uint64_t i = 1; i <= 5; i++)
        take(outbox, "12", i);
    fuzz_require(outbox_acknowledge(outbox, 2, 1, &county.why) == STATUS_OK, "batches are acknowledged");
    outbox_close(&outbox);
    (void)snprintf(path, sizeof path, "%s/outbox.db", folder);
    sound = fuzz_read(path, &sound_length);
}

static void look_at(struct outbox *outbox)
{
    struct outbox_identity identity;
    unsigned char expected[SEAL_HASH];
    bool follows = false;
    outbox_identity(outbox, &identity);
    uint64_t seq = identity.highest_acked + 1 > identity.low ? identity.highest_acked + 1 : identity.low;
    for (size_t count = 0; seq <= identity.high && count < BATCHES_MOST; seq++, count++) {
        const unsigned char *bytes;
        unsigned char before[SEAL_HASH], signature[SEAL_SIGNATURE];
        struct batch *batch = NULL;
        struct fault why = {.message = MESSAGE_NONE};
        size_t length;
        const enum status status = outbox_batch(outbox, seq, &bytes, &length, before, signature, &why);
        fuzz_require_reason(status, &why);
        if (status != STATUS_OK) {
            follows = false;
            continue;
        }
        fuzz_require(!follows || memcmp(before, expected, SEAL_HASH) == 0, "unacknowledged batches continue their chain");
        seal_chain_next(before, bytes, length, expected);
        follows = true;
        fuzz_require_reason(batch_decode(bytes, length, &batch, &why), &why);
        batch_free(&batch);
    }
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct outbox *outbox = NULL;
    struct fault why = {.message = MESSAGE_NONE};
    char text[1024];
    if (sound == NULL)
        make_outbox();
    size_t changed_length = sound_length;
    char *changed = memory_array(sound_length, 1);
    memcpy(changed, sound, sound_length);
    patch_bytes(&input, changed, &changed_length);
    fuzz_remove(folder);
    fuzz_require(mkdir(folder, 0700) == 0, "a folder can be made");
    patch_database(&input, fuzz_write(0, "outbox/outbox.db", changed, changed_length));
    const enum status status = outbox_open(folder, "liyang", county.secret, &outbox, &why);
    fuzz_require_reason(status, &why);
    fault_format(&why, LANGUAGE_EN, text, sizeof text);
    if (status != STATUS_OK && why.message != MESSAGE_OUTBOX_OTHER_AGENT)
        fprintf(stderr, "status %d: %s\n", (int)status, text);
    if (why.message != MESSAGE_OUTBOX_OTHER_AGENT) {
        fuzz_require(status == STATUS_OK, "a damaged outbox does not prevent the start");
        look_at(outbox);
        take(outbox, "13", 1000);
    }
    outbox_close(&outbox);
    free(changed);
}
