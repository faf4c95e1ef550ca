/* fuzz_catalogue.c - a whole small catalogue: parts are files, the first line of each its name. Whatever is wrong with it is
 * found and said; one without errors keeps the promises that everything else leans on. */
#include "fuzz.h"

#include "calendar.h"
#include "catalogue.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define FILES 16

static void require_findings(const struct findings *findings)
{
    size_t errors = 0;
    for (size_t i = 0; i < findings->count; i++) {
        fuzz_require_reason(STATUS_REFUSED, &findings->items[i].fault);
        fuzz_require(memchr(findings->items[i].subject, '\0', LIMIT_SUBJECT) != NULL, "a subject ends");
        errors += findings->items[i].severity == FINDING_ERROR;
    }
    fuzz_require(errors == findings->error_count && findings->broken_count <= errors, "errors are counted");
}

static void look_at_units(const struct catalogue *catalogue)
{
    fuzz_require(catalogue->root < catalogue->unit_count, "there is a root");
    for (uint32_t unit = 0; unit < catalogue->unit_count; unit++) {
        const struct unit *about = &catalogue->units[unit];
        fuzz_require(about->level < catalogue->level_count && about->subtree_end > about->position &&
                         about->subtree_end <= catalogue->unit_count,
                     "a unit has a level and a place in the tree");
        fuzz_require(catalogue->levels[about->level].unit_of_slot[about->slot] == unit, "a unit has its slot");
        fuzz_require(catalogue_unit(catalogue, about->code) == unit, "a unit is found by its code");
        fuzz_require(catalogue_is_below(catalogue, unit, unit, 18000), "a unit is at or below itself");
    }
}

static void look_at_covers(const struct catalogue *catalogue)
{
    for (uint32_t level = 0; level < catalogue->level_count; level++)
        for (uint32_t unit = 0; unit < catalogue->unit_count && unit < 20; unit++) {
            struct cover *covers = NULL;
            const size_t count = catalogue_cover(catalogue, unit, level, &covers);
            for (size_t i = 0; i < count; i++)
                fuzz_require(covers[i].slot_count > 0 && covers[i].from <= covers[i].until &&
                                 (uint64_t)covers[i].first_slot + covers[i].slot_count <=
                                     catalogue->levels[level].unit_count,
                             "a cover lies in its level");
            free(covers);
        }
}

static void look_at_forms(const struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = &catalogue->forms[i];
        const struct period period = period_of_day(18400, form->frequency);
        const uint32_t slots = catalogue->levels[form->level].unit_count;
        size_t owing = 0;
        for (uint32_t slot = 0; slot < slots; slot++)
            owing += catalogue_owes(catalogue, form, catalogue->levels[form->level].unit_of_slot[slot], period);
        fuzz_require(owing == catalogue_owing(catalogue, form, 0, slots, period), "who owes is who is counted");
        fuzz_require(calendar_due_date(catalogue, form, period) >= period.last, "nothing is due before its period ends");
    }
    for (size_t i = 0; i < catalogue->goal_count; i++)
        fuzz_require(catalogue->goals[i].indicator < catalogue->indicator_count &&
                         (catalogue->goals[i].unit < catalogue->unit_count) !=
                             (catalogue->goals[i].group < catalogue->group_count),
                     "a goal is on an indicator, and on a unit or a group");
}

static void look_at(const struct catalogue *catalogue)
{
    const struct catalogue_file *files;
    const size_t count = catalogue_files(catalogue, &files);
    struct catalogue *again = NULL;
    struct findings findings = {.items = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    look_at_units(catalogue);
    look_at_covers(catalogue);
    look_at_forms(catalogue);
    fuzz_require(catalogue_load_files(files, count, &again, &findings, &why) == STATUS_OK && findings.broken_count == 0 &&
                     memcmp(again->hash, catalogue->hash, sizeof again->hash) == 0,
                 "the files of a catalogue give the same catalogue");
    catalogue_free(&again);
    findings_free(&findings);
}

void fuzz_one(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct catalogue_file files[FILES];
    struct catalogue *catalogue = NULL;
    struct findings findings = {.items = NULL};
    struct fault why = {.message = MESSAGE_NONE};
    char *parts[FILES];
    size_t count = 0;
    while (input.left > 0 && count < FILES) {
        size_t part_length;
        parts[count] = fuzz_part(&input, &part_length);
        char *end = memchr(parts[count], '\n', part_length);
        if (end == NULL) {
            free(parts[count]);
            continue;
        }
        *end = '\0';
        files[count] = (struct catalogue_file){parts[count], end + 1, part_length - (size_t)(end + 1 - parts[count])};
        count++;
    }
    const enum status status = catalogue_load_files(files, count, &catalogue, &findings, &why);
    fuzz_require_reason(status, &why);
    require_findings(&findings);
    if (status == STATUS_OK) {
        fuzz_require(catalogue != NULL, "a catalogue is given, whatever is wrong with it");
        if (findings.broken_count == 0)
            look_at(catalogue);
    }
    catalogue_free(&catalogue);
    findings_free(&findings);
    for (size_t i = 0; i < count; i++)
        free(parts[i]);
}
