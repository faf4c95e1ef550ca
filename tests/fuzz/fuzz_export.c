/* fuzz_export.c - the export of a sound ledger, changed: the first byte says in which of its files, the rest how (patch.h).
 * A changed ledger or checkpoint is never found sound. */
#define ENTRIES 8
#include "ledger.h"

#include "export.h"
#include "fuzz.h"
#include "patch.h"

static const char *const names[] = {"ledger.bin", "registry.csv", "streams.csv",
                                    "checkpoints/000000000009.txt", "catalogue/1/units.csv"};
static struct { char *bytes; size_t length; } files[ARRAY_LEN(names)];
static char folder[96];

static void write_file(size_t which, const char *bytes, size_t length)
{
    char path[256];
    (void)snprintf(path, sizeof path, "export/%s", names[which]);
    (void)fuzz_write(0, path, bytes, length);
}

static enum status verify(struct verification *ret_found)
{
    struct fault why = {.message = MESSAGE_NONE};
    const enum status status = export_verify(folder, &(struct verify_request){.full = false}, ret_found, &why);
    fuzz_require_reason(status, &why);
    return status;
}

static void make_export(void)
{
    struct fault why = {.message = MESSAGE_NONE};
    uint64_t entries;
    make_ledger();
    (void)snprintf(folder, sizeof folder, "%s/export", fuzz_folder());
    city_must(export_write(city.path, folder, &entries, &why), &why, "export_write");
    close_ledger();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        files[i].bytes = fuzz_read(path, &files[i].length);
    }
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct verification found;
    if (files[0].bytes == NULL)
        make_export();
    const size_t which = fuzz_byte(&input) % ARRAY_LEN(names);
    size_t changed_length = files[which].length;
    char *changed = memory_array(changed_length, 1);
    memcpy(changed, files[which].bytes, changed_length);
    patch_bytes(&input, changed, &changed_length);
    const bool same = changed_length == files[which].length && memcmp(changed, files[which].bytes, changed_length) == 0;
    write_file(which, changed, changed_length);
    const enum status status = verify(&found);
    fuzz_require(status == STATUS_OK || status == STATUS_REFUSED, "an export is looked at or refused");
    if (same)
        fuzz_require(status == STATUS_OK && found.sound, "the export as it was written is sound");
    if (!same && (which == 0 || which == 3))
        fuzz_require(status != STATUS_OK || !found.sound, "a changed ledger or checkpoint is not sound");
    write_file(which, files[which].bytes, files[which].length);
    free(changed);
}
