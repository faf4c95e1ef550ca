/* The abacus against a slow and simple model: random batches with revisions, retractions, conflicts and strangers; commits
 * that fail, processes that die without saving, little memory, a reader that follows, and every moment of the past. */
#include "abacus.h"

#include "memory.h"
#include "random.h"
#include "suite.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- a catalogue ------------------------------------------------------------------------------------------------------- */

#define MONTHS 5
static const char forms_csv[] = "form,name_zh,frequency,level,due_days\nMON,月报,month,town,5\nOTH,另一月报,month,town,5\n"
                                "DIS,区月报,month,district,5\nQTR,季报,quarter,town,9\n";
static const char elements_csv[] = "element,form,name_zh,kind,unit_zh,decimals,min,max,required\n"
                                   "a,MON,甲,flow,户,0,-500,500,yes\nb,MON,乙,stock,户,2,,,no\nt,MON,丙,flow,户,0,,,yes\n"
                                   "m,OTH,丁,base,户,0,,,no\nd,DIS,戊,flow,户,1,,,yes\nq,QTR,己,flow,户,0,,,yes\n";
static const char elements_moved_csv[] = "element,form,name_zh,kind,unit_zh,decimals,min,max,required\n"
                                         "t,MON,丙,flow,户,0,,,yes\na,MON,甲,flow,户,0,-500,500,yes\n"
                                         "b,OTH,乙,stock,户,2,,,no\n"
                                         "m,OTH,丁,base,户,0,,,no\nd,DIS,戊,flow,户,1,,,yes\nq,QTR,己,flow,户,0,,,yes\n";
static const char rules_csv[] = "rule,form,check,severity,missing,message_zh\n"
                                "R1,MON,t + 300 >= a,hard,,合计过小\nR2,MON,t + 600 >= prev(t),hard,skip_any,降得过多\n"
                                "R3,MON,a + 700 >= m,hard,,与另一表不符\nR4,MON,a >= b,soft,,提示\n"
                                "R5,MON,a + 50*b <= 600,hard,zero,过大\nR6,MON,a + m != 0,hard,skip_all,相抵\n"
                                "R7,OTH,4000000000000000000*m >= 0 - 800000000000000000,hard,,过小\n";
static const char indicators_csv[] = "indicator,name_zh,numerator,decimals,better\nI,指标,a,0,up\n";
static const char goals_csv[] = "goal,indicator,unit,op,value,due\n";
static const char package_json[] = "{\"name\":\"t\",\"title\":\"t\",\"version\":\"1\",\"resources\":[]}";

static struct catalogue *make_catalogue(uint32_t towns, bool moved)
{
    size_t size = 200 + (size_t)towns * 60, length = 0;
    char *units = memory_array(size, 1);
    struct findings findings = {0};
    struct fault why = {0};
    struct catalogue *catalogue = NULL;
    length += (size_t)snprintf(units, size, "code,parent,level,name_zh,opened,closed\nC,,city,城市,,\nD0,C,district,区0,,\n"
                                            "D1,C,district,区1,,\n");
    for (uint32_t i = 0; i < towns; i++)
        length += (size_t)snprintf(units + length, size - length, "T%" PRIu32 ",D%" PRIu32 ",town,镇%" PRIu32 ",,%s\n", i,
                                   i % 2, i, i == 3 ? "2020-02-29" : "");
    const char *elements = moved ? elements_moved_csv : elements_csv;
    const struct catalogue_file files[] = {
        {"datapackage.json", package_json, strlen(package_json)}, {"units.csv", units, length},
        {"forms.csv", forms_csv, strlen(forms_csv)},              {"elements.csv", elements, strlen(elements)},
        {"indicators.csv", indicators_csv, strlen(indicators_csv)}, {"goals.csv", goals_csv, strlen(goals_csv)},
        {"rules.csv", rules_csv, strlen(rules_csv)},
    };
    CU_ASSERT_EQUAL_FATAL(catalogue_load_files(files, ARRAY_LEN(files), &catalogue, &findings, &why), STATUS_OK);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].severity == FINDING_ERROR) {
            char text[512];
            fault_format(&findings.items[i].fault, LANGUAGE_EN, text, sizeof text);
            printf("%s\n", text);
        }
    CU_ASSERT_EQUAL_FATAL(findings.error_count, 0);
    findings_free(&findings);
    free(units);
    return catalogue;
}

static struct period month(uint32_t number)
{
    return period_of_day(date_from_civil(2020, 1 + (int)number, 1), PERIOD_MONTH);
}

/* The period numbered so, of the frequency of the element's form. */
static struct period period_for(const struct catalogue *catalogue, uint32_t form, uint32_t number)
{
    return period_of_day(month(number).first, catalogue->forms[form].frequency);
}

/* ---- the model: the entries as they were, played through from the start ---------------------------------------------- */

struct played {
    struct record *records;
    size_t count;
    enum message *refused; /* by record */
    uint32_t scope;
    int64_t received_at;
};

struct model_cell {
    uint32_t revision;
    enum record_status status;
    int64_t value;
    uint64_t entry;
};

struct model {
    const struct catalogue *catalogue;
    struct played *entries;
    size_t count, capacity;
    struct model_cell *cells; /* element, slot, month */
    int64_t *completed;       /* form, slot, month */
    size_t slots;
};

static struct model_cell *cell_of(const struct model *model, uint32_t element, uint32_t slot, uint32_t number)
{
    return &model->cells[((size_t)element * model->slots + slot) * 12 + number];
}

static uint32_t number_of(struct period period)
{
    int year, in_year, day;
    date_to_civil(period.first, &year, &in_year, &day);
    return (uint32_t)(in_year - 1);
}

static int64_t *completed_of(const struct model *model, uint32_t form, uint32_t slot, uint32_t number)
{
    return &model->completed[((size_t)form * model->slots + slot) * 12 + number];
}

static void model_clear(struct model *model)
{
    memset(model->cells, 0, model->catalogue->element_count * model->slots * 12 * sizeof *model->cells);
    memset(model->completed, 0, model->catalogue->form_count * model->slots * 12 * sizeof *model->completed);
}

static bool live(const struct model_cell *cell)
{
    return cell->revision != 0 && cell->status != RECORD_RETRACTED;
}

static bool figure(const struct model_cell *cell)
{
    return live(cell) && record_status_has_value(cell->status);
}

/* The hard rules of the form MON. */
static bool model_keeps_rules(const struct model *model, uint32_t slot, uint32_t number)
{
    const struct catalogue *catalogue = model->catalogue;
    const struct model_cell *a = cell_of(model, catalogue_element(catalogue, "a"), slot, number);
    const struct model_cell *b = cell_of(model, catalogue_element(catalogue, "b"), slot, number);
    const struct model_cell *t = cell_of(model, catalogue_element(catalogue, "t"), slot, number);
    const struct model_cell *m = cell_of(model, catalogue_element(catalogue, "m"), slot, number);
    const __int128 a_value = figure(a) ? a->value : 0, m_value = figure(m) ? m->value : 0;
    if (figure(a) && figure(t) && (__int128)t->value + 300 < a->value)
        return false;
    if (figure(a) && figure(m) && a_value + 700 < m_value)
        return false;
    if (a_value * 100 + 50 * (__int128)(figure(b) ? b->value : 0) > 60000)
        return false;
    if ((figure(a) || figure(m)) && a_value + m_value == 0)
        return false;
    if (number > 0) {
        const struct model_cell *before = cell_of(model, catalogue_element(catalogue, "t"), slot, number - 1);
        if (figure(t) && figure(before) && (__int128)t->value + 600 < before->value)
            return false;
    }
    return true;
}

static bool model_complete(const struct model *model, uint32_t form, uint32_t slot, uint32_t number)
{
    const struct catalogue *catalogue = model->catalogue;
    bool any = false, needs = false;
    for (uint32_t i = 0; i < catalogue->element_count; i++) {
        if (catalogue->elements[i].form != form)
            continue;
        any |= live(cell_of(model, i, slot, number));
        needs |= catalogue->elements[i].required;
        if (catalogue->elements[i].required && !live(cell_of(model, i, slot, number)))
            return false;
    }
    if (!needs && !any)
        return false;
    if (strcmp(catalogue->forms[form].code, "OTH") == 0) {
        const struct model_cell *m = cell_of(model, catalogue_element(catalogue, "m"), slot, number);
        return !figure(m) || m->value >= 0; /* whole numbers: not below -0.2 */
    }
    if (strcmp(catalogue->forms[form].code, "MON") != 0)
        return true;
    return model_keeps_rules(model, slot, number);
}

/* Why the record is refused, by the words of the contract. */
static enum message model_judge(const struct model *model, const struct record *record, uint32_t scope)
{
    const struct catalogue *catalogue = model->catalogue;
    const struct element *element = &catalogue->elements[record->element];
    const struct unit *unit = &catalogue->units[record->unit];
    const struct form *form = &catalogue->forms[element->form];
    if (record->period.kind != form->frequency)
        return MESSAGE_WRONG_FREQUENCY;
    if (scope != catalogue->root && record->unit != scope && unit->parent != scope)
        return MESSAGE_FORBIDDEN;
    if (unit->level != form->level)
        return MESSAGE_WRONG_LEVEL;
    if (strcmp(unit->code, "T3") == 0 && record->period.first > date_from_civil(2020, 2, 29))
        return MESSAGE_UNIT_CLOSED;
    if (record_status_has_value(record->status) && strcmp(element->code, "a") == 0) {
        if (record->value < -500)
            return MESSAGE_BELOW_MIN;
        if (record->value > 500)
            return MESSAGE_ABOVE_MAX;
    }
    return MESSAGE_NONE;
}

/* Plays one entry; the refusals it comes to are written into it when it is new. */
static void model_play(struct model *model, uint64_t number, bool is_new)
{
    struct played *entry = &model->entries[number - 1];
    bool *changed = memory_array(entry->count, sizeof *changed);
    for (size_t i = 0; i < entry->count; i++) {
        const struct record *record = &entry->records[i];
        enum message message = is_new ? model_judge(model, record, entry->scope) : entry->refused[i];
        if (message == MESSAGE_NONE) {
            struct model_cell *cell = cell_of(model, record->element, model->catalogue->units[record->unit].slot,
                                              number_of(record->period));
            const uint32_t revision = record->revision == 0 ? cell->revision + 1 : record->revision;
            const int64_t value = record_status_has_value(record->status) ? record->value : 0;
            if (revision > cell->revision) {
                *cell = (struct model_cell){revision, record->status, value, number};
                changed[i] = true;
            } else if (revision == cell->revision &&
                       (value != cell->value ||
                        record_status_has_value(record->status) != record_status_has_value(cell->status) ||
                        (record->status == RECORD_RETRACTED) != (cell->status == RECORD_RETRACTED)))
                message = MESSAGE_REVISION_CONFLICT;
        }
        if (is_new)
            entry->refused[i] = message;
    }
    for (size_t i = 0; i < entry->count; i++) {
        const struct record *record = &entry->records[i];
        const uint32_t form = model->catalogue->elements[record->element].form;
        if (!changed[i])
            continue;
        const uint32_t slot = model->catalogue->units[record->unit].slot, in_year = number_of(record->period);
        int64_t *completed = completed_of(model, form, slot, in_year);
        if (*completed == 0 && model_complete(model, form, slot, in_year))
            *completed = entry->received_at;
    }
    free(changed);
}

static void model_open(struct model *model, const struct catalogue *catalogue)
{
    *model = (struct model){.catalogue = catalogue};
    for (size_t i = 0; i < catalogue->level_count; i++)
        if (catalogue->levels[i].unit_count > model->slots)
            model->slots = catalogue->levels[i].unit_count;
    model->cells = memory_array(catalogue->element_count * model->slots * 12, sizeof *model->cells);
    model->completed = memory_array(catalogue->form_count * model->slots * 12, sizeof *model->completed);
}

static void model_forget_after(struct model *model, size_t count)
{
    while (model->count > count) {
        model->count--;
        free(model->entries[model->count].records);
        free(model->entries[model->count].refused);
    }
    model_clear(model);
    for (uint64_t i = 1; i <= count; i++)
        model_play(model, i, false);
}

static void model_close(struct model *model)
{
    model_forget_after(model, 0);
    free(model->entries);
    free(model->cells);
    free(model->completed);
}

/* ---- the world: a store, a writer, a reader ------------------------------------------------------------------------------ */

struct world {
    char folder[64], path[96];
    const struct catalogue *catalogue;
    struct model model;
    struct store *store;
    struct abacus *writer;
    struct batch *batch;
    uint64_t seq;
    unsigned char chain[SEAL_HASH]; /* at seq */
    int64_t now;
    size_t memory;
};

static void must(enum status status, const struct fault *why)
{
    char text[800];
    if (status == STATUS_OK)
        return;
    fault_format(why, LANGUAGE_EN, text, sizeof text);
    printf("\n%s\n", text);
    CU_FAIL_FATAL("it must work");
}

static void world_open(struct world *world, const struct catalogue *catalogue, size_t memory)
{
    struct fault why = {0};
    *world = (struct world){.folder = "/tmp/abacus-XXXXXX", .catalogue = catalogue, .now = 1577836800000, .memory = memory};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%s/s.db", world->folder);
    must(store_open(world->path, STORE_WRITE, &world->store, &why), &why);
    world->writer = abacus_open(world->store, catalogue, memory);
    model_open(&world->model, catalogue);
}

static void world_close(struct world *world)
{
    char path[128];
    abacus_close(&world->writer);
    store_close(&world->store);
    batch_free(&world->batch);
    model_close(&world->model);
    for (size_t i = 0; i < 4; i++) {
        static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
        (void)snprintf(path, sizeof path, "%s%s", world->path, ends[i]);
        (void)unlink(path);
    }
    CU_ASSERT_EQUAL(rmdir(world->folder), 0);
}

/* The process ends without saving and starts again. */
static void world_die(struct world *world)
{
    struct fault why = {0};
    abacus_close(&world->writer);
    store_close(&world->store);
    must(store_open(world->path, STORE_WRITE, &world->store, &why), &why);
    world->writer = abacus_open(world->store, world->catalogue, world->memory);
}

static const struct record no_record = {.reason = ""};

/* Applies and appends a batch inside an open transaction and plays it in the model. */
static void world_take(struct world *world, const struct record *records, size_t count, uint32_t scope)
{
    struct submission submission = {.file = "f.csv", .source = "report", .parts = 1};
    struct entry entry = {.agent = "D0", .received_at = world->now += 1000};
    const struct refusal *refusals = NULL;
    const struct touch *touches = NULL;
    unsigned char *bytes = NULL;
    struct model *model = &world->model;
    struct fault why = {0};
    seal_hash(&world->now, sizeof world->now, submission.hash);
    must(batch_encode(world->catalogue, &submission, records, count, &bytes, &entry.length, &why), &why);
    must(batch_decode(bytes, entry.length, &world->batch, &why), &why);
    entry.bytes = bytes;
    entry.number = model->count + 1;
    entry.seq = ++world->seq;
    if (entry.seq == 1)
        seal_chain_start(entry.agent, entry.outbox, world->chain);
    seal_chain_next(world->chain, bytes, entry.length, world->chain);
    memcpy(entry.chain, world->chain, SEAL_HASH);
    must(abacus_apply(world->writer, world->batch, scope, entry.number, entry.received_at, &refusals,
                      &entry.refusal_count, &why), &why);
    entry.refusals = refusals;
    const size_t touch_count = abacus_touches(world->writer, &touches);
    must(store_append(world->store, &entry, touches, touch_count, &why), &why);

    model->entries = memory_grow(model->entries, &model->capacity, model->count + 1, sizeof *model->entries);
    struct played *played = &model->entries[model->count++];
    *played = (struct played){memory_array(count, sizeof *records), count, memory_array(count, sizeof(enum message)), scope,
                              entry.received_at};
    memcpy(played->records, records, count * sizeof *records);
    model_play(model, entry.number, true);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const bool is_refused = at < entry.refusal_count && refusals[at].index == i;
        const enum message message = is_refused ? refusals[at].message : MESSAGE_NONE;
        if (message != played->refused[i])
            printf("\nrecord %zu: abacus %s, model %s\n", i, message_code(message), message_code(played->refused[i]));
        CU_ASSERT_EQUAL_FATAL(message, played->refused[i]);
        at += is_refused;
    }
    CU_ASSERT_EQUAL(at, entry.refusal_count);
    free(bytes);
}

static struct record random_record(const struct world *world, uint32_t units)
{
    const struct catalogue *catalogue = world->catalogue;
    static const enum record_status statuses[] = {RECORD_NORMAL, RECORD_NORMAL, RECORD_NORMAL, RECORD_NORMAL, RECORD_NORMAL,
                                                  RECORD_PROVISIONAL, RECORD_ESTIMATED, RECORD_CANNOT_EXIST,
                                                  RECORD_NOT_COLLECTED, RECORD_WITHHELD, RECORD_RETRACTED};
    struct record record = no_record;
    record.element = draw_below((uint32_t)catalogue->element_count);
    const struct form *form = &catalogue->forms[catalogue->elements[record.element].form];
    const struct level *level = &catalogue->levels[form->level];
    record.unit = draw_below(40) == 0 ? draw_below((uint32_t)catalogue->unit_count)
                                : level->unit_of_slot[draw_below(units < level->unit_count ? units : level->unit_count)];
    record.period = period_for(catalogue, catalogue->elements[record.element].form, draw_below(MONTHS));
    if (draw_below(60) == 0)
        record.period = period_of_day(record.period.first, PERIOD_YEAR);
    record.status = statuses[draw_below(ARRAY_LEN(statuses))];
    record.value = record_status_has_value(record.status) ? (int64_t)draw_below(1040) - 520 : 0;
    if (record_status_has_value(record.status) && !catalogue->elements[record.element].has_min && draw_below(12) == 0)
        record.value = draw_below(2) == 0 ? INT64_MAX - (int64_t)draw_below(3) : INT64_MIN + (int64_t)draw_below(3);
    record.revision = draw_below(2) == 0 ? 0 : 1 + draw_below(5);
    record.line = 2;
    record.reported_at = INT64_MIN;
    return record;
}

static void take_random(struct world *world, uint32_t units)
{
    struct record records[60];
    const size_t count = 1 + draw_below(ARRAY_LEN(records));
    const uint32_t district = catalogue_unit(world->catalogue, draw_below(2) == 0 ? "D0" : "D1");
    for (size_t i = 0; i < count; i++)
        records[i] = random_record(world, units);
    world_take(world, records, count, draw_below(4) == 0 ? district : world->catalogue->root);
}

/* ---- comparing ----------------------------------------------------------------------------------------------------------- */

static bool same_cell(const struct cell *cell, const struct model_cell *expected)
{
    return cell->revision == expected->revision && cell->reported == live(expected) &&
           cell->has_figure == figure(expected) &&
           (expected->revision == 0 || (cell->status == expected->status && cell->value == expected->value &&
                                        cell->entry == expected->entry));
}

static void compare_run(const struct model *model, struct abacus *abacus, uint32_t element, uint32_t slots)
{
    const uint32_t number = draw_below(MONTHS), form = model->catalogue->elements[element].form, first = draw_below(slots);
    const struct period period = period_for(model->catalogue, form, number);
    const uint32_t count = draw_below(4) == 0 ? slots - first : draw_below(slots - first + 1);
    struct run run = {0}, expected = {0};
    struct fault why = {0};
    must(abacus_run(abacus, element, period, first, count, &run, &why), &why);
    for (uint32_t slot = first; slot < first + count; slot++) {
        const struct model_cell *cell = cell_of(model, element, slot, number_of(period));
        expected.reported += live(cell);
        if (!figure(cell))
            continue;
        if (expected.figures == 0 || cell->value > expected.max)
            expected.max = cell->value;
        if (expected.figures == 0 || cell->value < expected.min)
            expected.min = cell->value;
        expected.figures++;
        expected.sum += cell->value;
    }
    CU_ASSERT_EQUAL(run.reported, expected.reported);
    CU_ASSERT_EQUAL(run.figures, expected.figures);
    CU_ASSERT_TRUE(run.sum == expected.sum);
    CU_ASSERT_TRUE(run.figures == 0 || (run.max == expected.max && run.min == expected.min));
}

static void compare_before(const struct model *model, struct abacus *abacus, uint32_t element, uint32_t slots)
{
    const int32_t day = month(0).first - 20 + (int32_t)draw_below(200);
    struct period found_period = {0};
    struct fault why = {0};
    int64_t expected = -1;
    bool found = false;
    for (uint32_t number = 0; number < 12; number++)
        for (uint32_t slot = 0; slot < slots; slot++)
            if (live(cell_of(model, element, slot, number)) && month(number).first <= day)
                expected = number;
    must(abacus_period_before(abacus, element, day, &found, &found_period, &why), &why);
    CU_ASSERT_EQUAL(found, expected >= 0);
    CU_ASSERT_TRUE(!found || number_of(found_period) == expected);
}

/* Some cells here and there, so that what is in memory and what is not come in every mixture. */
static void compare_some(const struct model *model, struct abacus *abacus, uint32_t units)
{
    const struct catalogue *catalogue = model->catalogue;
    struct fault why = {0};
    size_t wrong = 0;
    for (int i = 0; i < 60; i++) {
        const uint32_t element = draw_below((uint32_t)catalogue->element_count), form = catalogue->elements[element].form;
        const uint32_t slots = catalogue->levels[catalogue->forms[form].level].unit_count;
        const uint32_t slot = draw_below(slots < units ? slots : units);
        const struct period period = period_for(catalogue, form, draw_below(MONTHS));
        struct cell cell = {0};
        must(abacus_cell(abacus, element, period, slot, &cell, &why), &why);
        wrong += !same_cell(&cell, cell_of(model, element, slot, number_of(period)));
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* Everything, or a part of it when there are many units. */
static void compare(const struct model *model, struct abacus *abacus, uint32_t units)
{
    const struct catalogue *catalogue = model->catalogue;
    struct fault why = {0};
    size_t wrong = 0;
    for (uint32_t element = 0; element < catalogue->element_count; element++) {
        const uint32_t form = catalogue->elements[element].form;
        const uint32_t slots = catalogue->levels[catalogue->forms[form].level].unit_count;
        for (uint32_t number = 0; number < MONTHS; number++) {
            const struct period period = period_for(catalogue, form, number);
            for (uint32_t slot = 0; slot < slots && slot < units; slot++) {
                struct cell cell = {0};
                must(abacus_cell(abacus, element, period, slot, &cell, &why), &why);
                wrong += !same_cell(&cell, cell_of(model, element, slot, number_of(period)));
            }
        }
        compare_run(model, abacus, element, slots);
        compare_before(model, abacus, element, slots);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void compare_completed(const struct model *model, struct abacus *abacus, uint32_t units)
{
    const struct catalogue *catalogue = model->catalogue;
    struct fault why = {0};
    size_t wrong = 0, complete = 0;
    for (uint32_t form = 0; form < catalogue->form_count; form++) {
        const uint32_t slots = catalogue->levels[catalogue->forms[form].level].unit_count;
        for (uint32_t number = 0; number < MONTHS; number++) {
            const struct period period = period_for(catalogue, form, number);
            for (uint32_t slot = 0; slot < slots && slot < units; slot++) {
                const int64_t expected = *completed_of(model, form, slot, number_of(period));
                int64_t received_at = -1;
                must(abacus_completed_at(abacus, form, period, slot, &received_at, &why), &why);
                wrong += received_at != expected;
                complete += expected != 0;
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    if (model->count > 40)
        CU_ASSERT_TRUE(complete > 0);
}

static void compare_all(const struct model *model, struct abacus *abacus, uint32_t units)
{
    const bool is_late = draw_below(2) == 0; /* whichever is asked first must not matter */
    if (is_late)
        compare(model, abacus, units);
    compare_completed(model, abacus, units);
    if (!is_late)
        compare(model, abacus, units);
}

/* ---- sentences ------------------------------------------------------------------------------------------------------------ */

static void step(struct world *world, uint32_t units)
{
    const size_t before = world->model.count;
    const uint32_t batches = 1 + draw_below(4);
    unsigned char chain[SEAL_HASH];
    struct fault why = {0};
    memcpy(chain, world->chain, sizeof chain);
    must(store_begin(world->store, &why), &why);
    for (uint32_t i = 0; i < batches; i++)
        take_random(world, units);
    if (draw_below(3) == 0)
        must(abacus_save(world->writer, &why), &why);
    if (draw_below(6) == 0) { /* the commit fails */
        store_rollback(world->store);
        must(abacus_forget(world->writer, &why), &why);
        model_forget_after(&world->model, before);
        world->seq -= batches;
        memcpy(world->chain, chain, sizeof chain);
    } else
        must(store_commit(world->store, &why), &why);
    store_idle(world->store);
    if (draw_below(8) == 0)
        world_die(world);
}

static void random_batches_give_what_the_model_gives(void)
{
    struct catalogue *catalogue = make_catalogue(12, false);
    random_start("small");
    for (int round = 0; round < 6; round++) {
        struct world world;
        world_open(&world, catalogue, round % 2 == 0 ? 1000 + draw_below(15000) : 64 << 20);
        struct store *store = NULL;
        struct fault why = {0};
        must(store_open(world.path, STORE_READ, &store, &why), &why);
        struct abacus *reader = abacus_open(store, catalogue, round % 3 != 0 ? 1000 + draw_below(15000) : 64 << 20);
        for (int i = 0; i < 25; i++) {
            step(&world, 12);
            if (draw_below(2) == 0)
                compare_all(&world.model, world.writer, 12);
            if (draw_below(2) == 0) {
                must(store_begin(store, &why), &why);
                must(abacus_follow(reader, UINT64_MAX, &why), &why);
                CU_ASSERT_EQUAL(abacus_position(reader), world.model.count);
                compare_some(&world.model, reader, 12);
                if (draw_below(3) == 0)
                    compare_all(&world.model, reader, 12);
                must(store_commit(store, &why), &why);
            }
        }
        CU_ASSERT_EQUAL(abacus_repaired(world.writer) + abacus_repaired(reader), 0);
        abacus_close(&reader);
        store_close(&store);
        world_close(&world);
    }
    catalogue_free(&catalogue);
}

static void many_units_fill_several_blocks(void)
{
    struct catalogue *catalogue = make_catalogue(9000, false);
    struct world world;
    struct fault why = {0};
    random_start("large");
    world_open(&world, catalogue, 200000);
    for (int i = 0; i < 12; i++) {
        step(&world, 9000);
        compare(&world.model, world.writer, 60);
    }
    must(store_begin(world.store, &why), &why);
    must(abacus_save(world.writer, &why), &why);
    must(store_commit(world.store, &why), &why);
    CU_ASSERT_EQUAL(abacus_dirty_blocks(world.writer), 0);
    world_die(&world);
    compare_all(&world.model, world.writer, 9000);
    world_close(&world);
    catalogue_free(&catalogue);
}

static void every_moment_of_the_past_can_be_asked(void)
{
    struct catalogue *catalogue = make_catalogue(10, false);
    struct world world;
    struct fault why = {0};
    struct store *store = NULL;
    random_start("past");
    world_open(&world, catalogue, 64 << 20);
    while (world.model.count < 50)
        step(&world, 10);
    must(store_open(world.path, STORE_READ, &store, &why), &why);
    struct abacus *reader = abacus_open(store, catalogue, 20000);
    struct model past;
    model_open(&past, catalogue);
    past.entries = world.model.entries;
    must(store_begin(store, &why), &why);
    for (uint64_t i = 0; i <= world.model.count; i++) {
        const uint64_t as_of = draw_below(5) == 0 ? draw_below((uint32_t)world.model.count + 1) : i; /* mostly forward */
        model_clear(&past);
        for (uint64_t played = 1; played <= as_of; played++)
            model_play(&past, played, false);
        past.count = as_of;
        must(abacus_follow(reader, as_of, &why), &why);
        compare_all(&past, reader, 10);
    }
    must(store_commit(store, &why), &why);
    free(past.cells);
    free(past.completed);
    abacus_close(&reader);
    store_close(&store);
    world_close(&world);
    catalogue_free(&catalogue);
}

static void a_damaged_block_is_made_anew_from_the_ledger(void)
{
    struct catalogue *catalogue = make_catalogue(10, false);
    struct world world;
    struct fault why = {0};
    random_start("damaged");
    world_open(&world, catalogue, 3000);
    while (world.model.count < 30)
        step(&world, 10);
    compare_some(&world.model, world.writer, 10); /* it may have forgotten everything: then this replays */
    must(store_begin(world.store, &why), &why);
    must(abacus_save(world.writer, &why), &why);
    must(store_commit(world.store, &why), &why);
    /* Every saved block of the form MON and of the page that says when its reports were complete. */
    static const char *const subjects[] = {"Ea", "Eb", "Et", "FMON"};
    must(store_begin(world.store, &why), &why);
    for (size_t i = 0; i < ARRAY_LEN(subjects); i++)
        for (uint32_t number = 0; number < MONTHS; number++) {
            char text[PERIOD_TEXT];
            unsigned char bytes[4096];
            const unsigned char *saved;
            size_t length = 0;
            bool found = false;
            period_format(month(number), text);
            must(store_block_load(world.store, subjects[i], text, 0, &saved, &length, &found, &why), &why);
            if (!found || length > sizeof bytes)
                continue;
            memcpy(bytes, saved, length);
            bytes[draw_below((uint32_t)length)] ^= (unsigned char)(1u << draw_below(8));
            must(store_block_save(world.store, subjects[i], text, 0, bytes, length, &why), &why);
        }
    must(store_pages_set_watermark(world.store, abacus_position(world.writer), &why), &why);
    must(store_commit(world.store, &why), &why);
    compare_all(&world.model, world.writer, 10); /* with little memory: most blocks are read again */
    CU_ASSERT_TRUE(abacus_repaired(world.writer) > 0);
    struct store *store = NULL;
    must(store_open(world.path, STORE_READ, &store, &why), &why);
    struct abacus *reader = abacus_open(store, catalogue, 64 << 20);
    must(store_begin(store, &why), &why);
    must(abacus_follow(reader, UINT64_MAX, &why), &why);
    compare_all(&world.model, reader, 10);
    CU_ASSERT_TRUE(abacus_repaired(reader) >= 15);
    must(store_commit(store, &why), &why);
    abacus_close(&reader);
    store_close(&store);

    world_die(&world);
    compare_all(&world.model, world.writer, 10);
    CU_ASSERT_TRUE(abacus_repaired(world.writer) >= 15);
    CU_ASSERT_TRUE(abacus_dirty_blocks(world.writer) >= 15); /* to be saved whole again */
    must(store_begin(world.store, &why), &why);
    must(abacus_save(world.writer, &why), &why);
    must(store_commit(world.store, &why), &why);
    world_die(&world);
    compare_all(&world.model, world.writer, 10);
    CU_ASSERT_EQUAL(abacus_repaired(world.writer), 0);
    world_close(&world);
    catalogue_free(&catalogue);
}

static void tamper(const struct world *world, const char *sql)
{
    sqlite3 *database = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(world->path, &database), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    CU_ASSERT_TRUE(sqlite3_total_changes(database) > 0);
    CU_ASSERT_EQUAL(sqlite3_close(database), SQLITE_OK);
}

static void save(struct world *world)
{
    struct fault why = {0};
    compare_some(&world->model, world->writer, 10); /* it may have forgotten everything: then this replays */
    must(store_begin(world->store, &why), &why);
    must(abacus_save(world->writer, &why), &why);
    must(store_commit(world->store, &why), &why);
}

static uint64_t look_at_all(struct world *world)
{
    struct fault why = {0};
    bool end = false;
    while (!end)
        must(abacus_look(world->writer, &end, &why), &why);
    return abacus_repaired(world->writer);
}

/* Some, then all: with many damaged blocks everything is made anew at once. A block that was loaded before its bytes were
 * damaged is written again. */
static void blocks_that_nobody_asks_for_are_looked_at(void)
{
    static const char flip[] = "UPDATE block SET bytes = substr(bytes, 1, 2) || x'7e' || substr(bytes, 4)";
    struct catalogue *catalogue = make_catalogue(10, false);
    random_start("looked at");
    for (int all = 0; all < 2; all++) {
        struct world world;
        struct fault why = {0};
        char sql[256];
        world_open(&world, catalogue, 64 << 20);
        while (world.model.count < 60)
            step(&world, 10);
        save(&world);
        (void)snprintf(sql, sizeof sql, "%s WHERE substr(bytes, 3, 1) <> x'7e' AND (%d OR subject = 'Ea')", flip, all);
        tamper(&world, sql);
        const uint64_t seen = look_at_all(&world); /* nothing was asked for anew: all is still in memory */
        CU_ASSERT_TRUE(all ? seen > 24 : seen > 1 && seen <= 24);
        CU_ASSERT_EQUAL(look_at_all(&world), seen);
        compare_all(&world.model, world.writer, 10);
        save(&world);
        tamper(&world, sql);
        world_die(&world);
        must(abacus_start(world.writer, &why), &why);
        CU_ASSERT_EQUAL(abacus_repaired(world.writer), 0);
        CU_ASSERT_EQUAL(look_at_all(&world), seen);
        CU_ASSERT_TRUE(abacus_dirty_blocks(world.writer) >= seen);
        save(&world);
        world_die(&world);
        must(abacus_start(world.writer, &why), &why);
        CU_ASSERT_EQUAL(look_at_all(&world), 0);
        compare_all(&world.model, world.writer, 10);
        world_close(&world);
    }
    catalogue_free(&catalogue);
}

/* What no single block can tell: it is not there, it is an older one, it lies elsewhere, the ledger is another. */
static void lost_older_and_misplaced_blocks_are_noticed(void)
{
    static const char *const harms[] = {
        "DELETE FROM block WHERE subject = 'Ea' AND period = (SELECT max(period) FROM block WHERE subject = 'Ea')",
        "DELETE FROM block",
        /* in brackets, so that it does not read as a forgotten comma */
        ("UPDATE block SET bytes = (SELECT o.bytes FROM old o WHERE o.id = block.rowid),"
         " seal = (SELECT o.seal FROM old o WHERE o.id = block.rowid) WHERE rowid IN (SELECT o.id FROM old o)"),
        "UPDATE block SET period = '2031-01' WHERE subject = 'Ea' AND period = (SELECT min(period) FROM block)",
        "UPDATE about SET value = value - 1 WHERE name = 'pages_watermark'",
        "UPDATE about SET value = zeroblob(32) WHERE name = 'pages_ledger'",
    };
    struct catalogue *catalogue = make_catalogue(10, false);
    random_start("lost");
    for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
        struct world world;
        struct fault why = {0};
        struct store *store = NULL;
        world_open(&world, catalogue, 3000);
        while (world.model.count < 20)
            step(&world, 10);
        save(&world);
        tamper(&world, "CREATE TABLE old(id INTEGER PRIMARY KEY, seal, bytes); INSERT INTO old SELECT rowid, seal, bytes FROM block");
        while (world.model.count < 40)
            step(&world, 10);
        save(&world);
        abacus_close(&world.writer);
        tamper(&world, harms[i]);
        must(store_open(world.path, STORE_READ, &store, &why), &why);
        struct abacus *reader = abacus_open(store, catalogue, 64 << 20);
        must(store_begin(store, &why), &why);
        must(abacus_follow(reader, UINT64_MAX, &why), &why);
        CU_ASSERT_EQUAL(abacus_origin(reader), ABACUS_DAMAGED);
        compare_all(&world.model, reader, 10);
        must(store_commit(store, &why), &why);
        world_die(&world);
        must(abacus_start(world.writer, &why), &why);
        CU_ASSERT_EQUAL(abacus_origin(world.writer), ABACUS_DAMAGED);
        CU_ASSERT_EQUAL(abacus_replayed(world.writer), world.model.count);
        compare_all(&world.model, world.writer, 10);
        save(&world);
        must(store_begin(store, &why), &why);
        must(abacus_follow(reader, UINT64_MAX, &why), &why);
        CU_ASSERT_EQUAL(abacus_origin(reader), ABACUS_SAVED); /* it looks again once they were made anew */
        compare_all(&world.model, reader, 10);
        must(store_commit(store, &why), &why);
        abacus_close(&reader);
        store_close(&store);
        world_die(&world);
        must(abacus_start(world.writer, &why), &why);
        CU_ASSERT_EQUAL(abacus_origin(world.writer), ABACUS_SAVED);
        CU_ASSERT_EQUAL(abacus_replayed(world.writer), 0);
        world_close(&world);
    }
    catalogue_free(&catalogue);
}

static void no_figure_comes_from_a_damaged_entry(void)
{
    static const char *const harms[] = {
        "UPDATE ledger SET bytes = substr(bytes, 1, length(bytes) - 1) || x'7f' WHERE entry = 3",
        "UPDATE ledger SET bytes = (SELECT bytes FROM ledger WHERE entry = 4) WHERE entry = 3",
        "UPDATE ledger SET outcome = x'0100' WHERE entry = 3",
        "UPDATE ledger SET received_at = received_at + 1 WHERE entry = 3",
        "UPDATE ledger SET hash = zeroblob(32) WHERE entry = 2",
    };
    struct catalogue *catalogue = make_catalogue(10, false);
    random_start("damaged entry");
    for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
        struct world world;
        struct fault why = {0};
        world_open(&world, catalogue, 64 << 20);
        while (world.model.count < 6)
            step(&world, 10);
        abacus_close(&world.writer);
        tamper(&world, "DELETE FROM block WHERE 1; UPDATE about SET value = 0 WHERE name = 'pages_watermark'");
        tamper(&world, harms[i]);
        world_die(&world);
        CU_ASSERT_EQUAL(abacus_start(world.writer, &why), STATUS_BROKEN);
        CU_ASSERT_EQUAL(why.message, MESSAGE_LEDGER_DAMAGED);
        world_close(&world);
    }
    catalogue_free(&catalogue);
}

/* The records of a model by the codes of another catalogue. */
static void translate(const struct model *from, struct model *ret_model, const struct catalogue *catalogue)
{
    model_open(ret_model, catalogue);
    ret_model->entries = memory_array(from->count, sizeof *ret_model->entries);
    for (size_t e = 0; e < from->count; e++) {
        const struct played *entry = &from->entries[e];
        struct played *copy = &ret_model->entries[ret_model->count++];
        *copy = *entry;
        copy->records = memory_array(entry->count, sizeof *copy->records);
        copy->refused = memory_array(entry->count, sizeof *copy->refused);
        for (size_t i = 0; i < entry->count; i++) {
            copy->records[i] = entry->records[i];
            copy->refused[i] = entry->refused[i];
            copy->records[i].element =
                catalogue_element(catalogue, from->catalogue->elements[entry->records[i].element].code);
        }
        model_play(ret_model, e + 1, false);
    }
}

static void another_layout_is_rebuilt_from_the_ledger(void)
{
    struct catalogue *catalogue = make_catalogue(10, false), *moved = make_catalogue(10, true);
    struct world world;
    struct model model;
    struct fault why = {0};
    struct store *store = NULL;
    random_start("layout");
    world_open(&world, catalogue, 64 << 20);
    while (world.model.count < 30)
        step(&world, 10);
    must(store_begin(world.store, &why), &why);
    must(abacus_save(world.writer, &why), &why);
    must(store_commit(world.store, &why), &why);
    translate(&world.model, &model, moved);

    /* A reader of the new layout answers although nothing was rebuilt yet. */
    must(store_open(world.path, STORE_READ, &store, &why), &why);
    struct abacus *reader = abacus_open(store, moved, 30000);
    must(store_begin(store, &why), &why);
    must(abacus_follow(reader, UINT64_MAX, &why), &why);
    compare_all(&model, reader, 10);
    must(store_commit(store, &why), &why);

    /* The writer of the new layout, with so little memory that it saves on the way. */
    abacus_close(&world.writer);
    world.writer = abacus_open(world.store, moved, 3000);
    compare_all(&model, world.writer, 10);
    must(store_begin(world.store, &why), &why);
    must(abacus_save(world.writer, &why), &why);
    must(store_commit(world.store, &why), &why);

    must(store_begin(store, &why), &why);
    must(abacus_follow(reader, UINT64_MAX, &why), &why);
    compare_all(&model, reader, 10);
    must(abacus_follow(reader, 12, &why), &why);
    model_forget_after(&model, 12);
    compare_all(&model, reader, 10);
    must(store_commit(store, &why), &why);
    abacus_close(&reader);
    store_close(&store);
    model_close(&model);
    world_close(&world);
    catalogue_free(&moved);
    catalogue_free(&catalogue);
}

static struct record plain(const struct catalogue *catalogue, const char *element, const char *unit, int64_t value,
                           uint32_t revision)
{
    struct record record = no_record;
    record.element = catalogue_element(catalogue, element);
    record.unit = catalogue_unit(catalogue, unit);
    record.period = month(0);
    record.value = value;
    record.revision = revision;
    record.reported_at = INT64_MIN;
    return record;
}

static void take_in_own_commit(struct world *world, const struct record *records, size_t count)
{
    struct fault why = {0};
    must(store_begin(world->store, &why), &why);
    world_take(world, records, count, world->catalogue->root);
    must(store_commit(world->store, &why), &why);
}

static void a_revision_replaces_repeats_conflicts_or_is_history(void)
{
    struct catalogue *catalogue = make_catalogue(4, false);
    struct world world;
    struct fault why = {0};
    struct cell cell = {0};
    world_open(&world, catalogue, 1 << 20);
    const uint32_t a = catalogue_element(catalogue, "a"), slot = catalogue->units[catalogue_unit(catalogue, "T0")].slot;
    const struct record records[] = {
        plain(catalogue, "a", "T0", 10, 3), plain(catalogue, "a", "T0", 10, 3), plain(catalogue, "a", "T0", 11, 3),
        plain(catalogue, "a", "T0", 99, 2), plain(catalogue, "a", "T0", 12, 0),
    };
    const enum message expected[] = {MESSAGE_NONE, MESSAGE_NONE, MESSAGE_REVISION_CONFLICT, MESSAGE_NONE, MESSAGE_NONE};
    take_in_own_commit(&world, records, ARRAY_LEN(records));
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        CU_ASSERT_EQUAL(world.model.entries[0].refused[i], expected[i]);
    must(abacus_cell(world.writer, a, month(0), slot, &cell, &why), &why);
    CU_ASSERT_EQUAL(cell.value, 12);
    CU_ASSERT_EQUAL(cell.revision, 4);
    CU_ASSERT_EQUAL(cell.entry, 1);

    struct record retraction = plain(catalogue, "a", "T0", 0, 7);
    retraction.status = RECORD_RETRACTED;
    take_in_own_commit(&world, &retraction, 1);
    must(abacus_cell(world.writer, a, month(0), slot, &cell, &why), &why);
    CU_ASSERT_FALSE(cell.reported);
    CU_ASSERT_EQUAL(cell.revision, 7);
    const struct record late = plain(catalogue, "a", "T0", 5, 6), fresh = plain(catalogue, "a", "T0", 6, 0);
    take_in_own_commit(&world, &late, 1);
    must(abacus_cell(world.writer, a, month(0), slot, &cell, &why), &why);
    CU_ASSERT_FALSE(cell.reported);
    take_in_own_commit(&world, &fresh, 1);
    must(abacus_cell(world.writer, a, month(0), slot, &cell, &why), &why);
    CU_ASSERT_TRUE(cell.reported && cell.value == 6 && cell.revision == 8);
    world_close(&world);
    catalogue_free(&catalogue);
}

static void codes_and_scales_the_catalogue_does_not_hold_are_refused(void)
{
    struct catalogue *catalogue = make_catalogue(4, false);
    struct world world;
    struct fault why = {0};
    const struct refusal *refusals = NULL;
    size_t count = 0;
    struct batch_element elements[] = {{"nobody", 0}, {"a", 2}, {"d", 0}};
    char units[][65] = {"T0", "nowhere", "D0"};
    struct period periods[] = {month(0)};
    struct batch_record records[] = {
        {.element = 0, .unit = 0, .value = 1, .reason = ""},   {.element = 1, .unit = 1, .value = 100, .reason = ""},
        {.element = 1, .unit = 0, .value = 101, .reason = ""}, {.element = 1, .unit = 0, .value = 700, .reason = "迁"},
        {.element = 2, .unit = 2, .value = 4, .reason = ""},   {.element = 1, .unit = 2, .value = 100, .reason = ""},
        {.element = 2, .unit = 2, .value = INT64_MAX / 2, .reason = ""},
    };
    struct batch batch = {.elements = elements, .element_count = 3, .units = units, .unit_count = 3,
                          .periods = periods, .period_count = 1, .records = records,
                          .record_count = ARRAY_LEN(records)};
    const struct refusal expected[] = {{0, MESSAGE_UNKNOWN_ELEMENT}, {1, MESSAGE_UNKNOWN_UNIT}, {2, MESSAGE_INEXACT_VALUE},
                                       {5, MESSAGE_WRONG_LEVEL}, {6, MESSAGE_INEXACT_VALUE}};
    struct cell cell = {0};
    world_open(&world, catalogue, 1 << 20);
    must(store_begin(world.store, &why), &why);
    must(abacus_apply(world.writer, &batch, catalogue->root, 1, 1, &refusals, &count, &why), &why);
    CU_ASSERT_EQUAL_FATAL(count, ARRAY_LEN(expected));
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(refusals[i].index, expected[i].index);
        CU_ASSERT_EQUAL(refusals[i].message, expected[i].message);
    }
    must(abacus_cell(world.writer, catalogue_element(catalogue, "a"), month(0), 0, &cell, &why), &why);
    CU_ASSERT_TRUE(cell.value == 7 && cell.has_reason);
    must(abacus_cell(world.writer, catalogue_element(catalogue, "d"), month(0), 0, &cell, &why), &why);
    CU_ASSERT_EQUAL(cell.value, 40);
    /* The same entry twice is a mistake of the caller and shows. */
    CU_ASSERT_EQUAL(abacus_apply(world.writer, &batch, catalogue->root, 1, 1, &refusals, &count, &why), STATUS_BROKEN);
    CU_ASSERT_EQUAL(abacus_cell(world.writer, catalogue_element(catalogue, "a"),
                                period_of_day(month(0).first, PERIOD_YEAR), 0, &cell, &why), STATUS_REFUSED);
    CU_ASSERT_EQUAL(abacus_cell(world.writer, catalogue_element(catalogue, "a"), month(0), 4, &cell, &why),
                    STATUS_REFUSED);
    store_rollback(world.store);
    world_close(&world);
    catalogue_free(&catalogue);
}

static void a_repeated_file_is_kept_and_never_applied(void)
{
    struct catalogue *catalogue = make_catalogue(4, false);
    struct world world;
    struct fault why = {0};
    struct cell cell = {0};
    const struct record first = plain(catalogue, "a", "T0", 10, 0);
    world_open(&world, catalogue, 1 << 20);
    take_in_own_commit(&world, &first, 1);
    struct entry entry = {.agent = "D0", .seq = ++world.seq, .number = 2, .received_at = world.now + 5, .repeated = true};
    struct submission submission = {.file = "f.csv", .source = "report", .parts = 1};
    unsigned char *bytes = NULL;
    must(batch_encode(catalogue, &submission, &first, 1, &bytes, &entry.length, &why), &why);
    entry.bytes = bytes;
    seal_chain_next(world.chain, bytes, entry.length, entry.chain);
    must(store_begin(world.store, &why), &why);
    must(store_append(world.store, &entry, NULL, 0, &why), &why);
    must(store_commit(world.store, &why), &why);
    free(bytes);
    world_die(&world);
    must(abacus_cell(world.writer, catalogue_element(catalogue, "a"), month(0), 0, &cell, &why), &why);
    CU_ASSERT_EQUAL(cell.revision, 1);
    CU_ASSERT_EQUAL(abacus_position(world.writer), 2);
    world_close(&world);
    catalogue_free(&catalogue);
}

static void a_base_figure_is_found_in_the_newest_period_that_has_one(void)
{
    struct catalogue *catalogue = make_catalogue(4, false);
    struct world world;
    struct fault why = {0};
    const uint32_t m = catalogue_element(catalogue, "m");
    struct period period = {0};
    bool found = true;
    world_open(&world, catalogue, 1 << 20);
    for (uint32_t number = 0; number < MONTHS; number += 2) {
        struct record record = plain(catalogue, "m", "T1", 5, 0);
        must(abacus_period_before(world.writer, m, month(MONTHS).last, &found, &period, &why), &why);
        CU_ASSERT_EQUAL(found, number > 0);
        record.period = month(number);
        must(store_begin(world.store, &why), &why);
        world_take(&world, &record, 1, catalogue->root);
        must(abacus_period_before(world.writer, m, month(MONTHS).last, &found, &period, &why), &why); /* before it is kept */
        CU_ASSERT_TRUE(found && period.first == month(number).first);
        must(store_commit(world.store, &why), &why);
    }
    must(abacus_period_before(world.writer, m, month(2).first, &found, &period, &why), &why);
    CU_ASSERT_TRUE(found && period.first == month(2).first);
    must(abacus_period_before(world.writer, m, month(2).first - 1, &found, &period, &why), &why);
    CU_ASSERT_TRUE(found && period.first == month(0).first);
    must(abacus_period_before(world.writer, m, month(0).first - 1, &found, &period, &why), &why);
    CU_ASSERT_FALSE(found);
    struct record retraction = plain(catalogue, "m", "T1", 0, 0);
    retraction.status = RECORD_RETRACTED;
    take_in_own_commit(&world, &retraction, 1);
    must(abacus_period_before(world.writer, m, month(1).first, &found, &period, &why), &why);
    CU_ASSERT_FALSE(found);
    world_close(&world);
    catalogue_free(&catalogue);
}

int main(void)
{
    const struct sentence sentences[] = {
        SENTENCE(a_base_figure_is_found_in_the_newest_period_that_has_one),
        SENTENCE(a_revision_replaces_repeats_conflicts_or_is_history),
        SENTENCE(codes_and_scales_the_catalogue_does_not_hold_are_refused),
        SENTENCE(a_repeated_file_is_kept_and_never_applied),
        SENTENCE(random_batches_give_what_the_model_gives),
        SENTENCE(many_units_fill_several_blocks),
        SENTENCE(every_moment_of_the_past_can_be_asked),
        SENTENCE(a_damaged_block_is_made_anew_from_the_ledger),
        SENTENCE(blocks_that_nobody_asks_for_are_looked_at),
        SENTENCE(lost_older_and_misplaced_blocks_are_noticed),
        SENTENCE(no_figure_comes_from_a_damaged_entry),
        SENTENCE(another_layout_is_rebuilt_from_the_ledger),
    };
    if (seal_start() != STATUS_OK)
        return EXIT_FAILURE;
    return suite_run("abacus", sentences, ARRAY_LEN(sentences));
}
