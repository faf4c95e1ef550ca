/* county.h - a small catalogue and a folder of its own for the collector's tests: files go into an inbox, are read and
 * judged, and what came of them is asked as text. */
#ifndef TESTS_COUNTY_H
#define TESTS_COUNTY_H

/* nftw() is X/Open; include this header first. */
#define _XOPEN_SOURCE 700

#include "calendar.h"
#include "catalogue.h"
#include "check.h"
#include "feed.h"
#include "inbox.h"
#include "memory.h"
#include "outbox.h"
#include "refused.h"
#include "seal.h"
#include "take.h"

#include <CUnit/Basic.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_TEXT(name, text) {name, text, sizeof(text) - 1}

/* Two towns bear the name 新桥镇; grain and sown stand in one form with a hard and a soft rule. */
static const struct catalogue_file county_files[] = {
    FILE_TEXT("datapackage.json", "{\"name\":\"county\",\"title\":\"county\",\"version\":\"1\",\"resources\":[],"
                                  "\"timezone\":\"Asia/Shanghai\"}"),
    FILE_TEXT("units.csv", "code,parent,level,name_zh,name_en,opened,closed\n"
                           "C,,city,常州市,Changzhou,,\n"
                           "L,C,district,溧阳市,Liyang,,\n"
                           "J,C,district,金坛区,Jintan,,\n"
                           "W,C,district,武进区,Wujin,2015-01-01,\n"
                           "T1,L,town,新桥镇,,,\n"
                           "T2,J,town,新桥镇,,,\n"),
    FILE_TEXT("forms.csv", "form,name_zh,frequency,level,due_days\n"
                           "agri,农业月报,month,district,10\n"
                           "pop,人口年报,year,district,30\n"),
    FILE_TEXT("elements.csv", "element,form,name_zh,name_en,kind,unit_zh,decimals,min,max,jump_pct\n"
                              "grain,agri,粮食产量,Grain,flow,万吨,2,0,1000,50\n"
                              "sown,agri,播种面积,Sown,flow,亩,0,0,,\n"
                              "rice,agri,水稻产量,Rice,flow,万吨,2,0,,\n"
                              "people,pop,常住人口,People,base,人,0,,,\n"
                              "birds,pop,同名指标,,stock,只,0,,,\n"
                              "fowl,pop,同名指标,,stock,只,0,,,\n"
                              "built,agri,累计开工,Built,ytd,件,0,,,50\n"),
    FILE_TEXT("indicators.csv", "indicator,name_zh,numerator,decimals,better\ni_grain,粮食,grain,2,up\n"),
    FILE_TEXT("goals.csv", "goal,indicator,unit,op,value,due\ng1,i_grain,C,>=,1,2020-12-31\n"),
    FILE_TEXT("rules.csv", "rule,form,check,severity,missing,message_zh\n"
                           "r_rice,agri,grain >= rice,hard,,粮食不少于水稻\n"
                           "r_sown,agri,sown <= 5000,soft,,面积过大\n"
                           "r_grow,agri,2*sown >= prev(sown),hard,,面积不能减半\n"),
};

struct county {
    char folder[64], inbox_folder[96], outbox_folder[96];
    struct catalogue *catalogue;
    struct source_settings source;
    struct outbox *outbox;
    struct inbox *inbox;
    struct taker taker;
    unsigned char public_key[SEAL_PUBLIC], secret[SEAL_SECRET];
    struct delivery *delivery; /* of the last county_read or county_take */
    struct fault why;
    struct taken taken;
};

static inline void county_must(bool good, const struct fault *why, const char *what)
{
    char text[2048];
    if (good)
        return;
    fault_format(why, LANGUAGE_EN, text, sizeof(text));
    fprintf(stderr, "\n%s: %s\n", what, text);
    CU_FAIL_FATAL("the test's own county does not work");
}

static inline struct catalogue *county_catalogue(const struct catalogue_file *files, size_t count)
{
    struct catalogue *catalogue = NULL;
    struct findings findings = {0};
    struct fault why = {0};
    county_must(catalogue_load_files(files, count, &catalogue, &findings, &why) == STATUS_OK, &why, "catalogue");
    for (size_t i = 0; i < findings.count; i++)
        if (findings.items[i].severity == FINDING_ERROR)
            county_must(false, &findings.items[i].fault, "catalogue");
    findings_free(&findings);
    county_must(calendar_use_timezone(catalogue->timezone, &why) == STATUS_OK, &why, "timezone");
    return catalogue;
}

static inline enum status county_reopen(struct county *county)
{
    outbox_close(&county->outbox);
    const enum status status = outbox_open(county->outbox_folder, "liyang", county->secret, &county->outbox, &county->why);
    county->taker.outbox = county->outbox;
    return status;
}

/* Keys by libsodium's own call would need its header; any 64 bytes whose public half fits sign well enough here. */
static inline void county_open(struct county *county)
{
    *county = (struct county){.source = {.kind = "report", .encoding = TEXT_AUTO, .settle_seconds = 2}};
    county_must(seal_start() == STATUS_OK, &county->why, "libsodium");
    snprintf(county->folder, sizeof(county->folder), "/tmp/suanpan-county-XXXXXX");
    county_must(mkdtemp(county->folder) != NULL, &county->why, "folder");
    snprintf(county->inbox_folder, sizeof(county->inbox_folder), "%s/inbox", county->folder);
    snprintf(county->outbox_folder, sizeof(county->outbox_folder), "%s/data/outbox", county->folder);
    seal_random(county->secret, sizeof(county->secret));
    county->catalogue = county_catalogue(county_files, ARRAY_LEN(county_files));
    county->source.inbox = county->inbox_folder;
    county_must(inbox_open(county->inbox_folder, 2, &county->inbox, &county->why) == STATUS_OK, &county->why, "inbox");
    county_must(county_reopen(county) == STATUS_OK, &county->why, "outbox");
    county->taker = (struct taker){&county->source, county->catalogue, county->inbox, county->outbox, false};
}

static inline int county_remove(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about, (void)kind, (void)where;
    return remove(path);
}

static inline void county_close(struct county *county)
{
    feed_free(&county->delivery);
    outbox_close(&county->outbox);
    inbox_close(&county->inbox);
    catalogue_free(&county->catalogue);
    nftw(county->folder, county_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void county_path(const struct county *county, const char *name, char ret_path[INBOX_PATH])
{
    snprintf(ret_path, INBOX_PATH, "%s/%s", county->inbox_folder, name);
}

static inline void county_write(const struct county *county, const char *name, const char *bytes, size_t length)
{
    char path[INBOX_PATH];
    county_path(county, name, path);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL_FATAL(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static inline bool county_exists(const struct county *county, const char *name)
{
    char path[INBOX_PATH];
    struct stat about;
    county_path(county, name, path);
    return lstat(path, &about) == 0;
}

/* The file's bytes as a terminated text; "" when it is absent. Static, so one at a time. */
static inline const char *county_text(const struct county *county, const char *name)
{
    static char text[65536];
    char path[INBOX_PATH];
    size_t length = 0;
    county_path(county, name, path);
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        length = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
    }
    text[length] = '\0';
    return text;
}

static inline enum status county_read_bytes(struct county *county, const char *bytes, size_t length)
{
    char path[INBOX_PATH];
    county_write(county, "f.csv", bytes, length);
    county_path(county, "f.csv", path);
    feed_free(&county->delivery);
    county->why = (struct fault){0};
    const enum status status = feed_read(&county->source, county->catalogue, path, &county->delivery, &county->why);
    remove(path);
    return status;
}

static inline enum status county_read(struct county *county, const char *text)
{
    return county_read_bytes(county, text, strlen(text));
}

static inline enum status county_check(struct county *county, const char *text)
{
    const enum status status = county_read(county, text);
    return status == STATUS_OK ? check_delivery(county->delivery, county->catalogue, county->outbox, &county->why)
                               : status;
}

/* Puts a file into the inbox and takes it. */
static inline enum take_outcome county_take(struct county *county, const char *name, const char *text)
{
    county_write(county, name, text, strlen(text));
    feed_free(&county->delivery);
    county->why = (struct fault){0};
    county_must(take_file(&county->taker, name, 1600000000000, &county->taken, &county->why) != STATUS_BROKEN,
                &county->why, name);
    county->delivery = county->taken.delivery;
    return county->taken.outcome;
}

/* Every candidate in short: "grain@L 2020-03=12.50" or its codes "!unknown_unit"; missing "." and repeated "=". */
static inline const char *county_summary(const struct county *county)
{
    static char text[65536];
    const struct delivery *delivery = county->delivery;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < delivery->candidate_count; i++) {
        const struct candidate *candidate = &delivery->candidates[i];
        const struct record *record = &candidate->record;
        const char *space = i == 0 ? "" : " ";
        char period[PERIOD_TEXT], value[DECIMAL_TEXT] = "";
        if (candidate->complaint != NO_COMPLAINT) {
            for (uint32_t at = candidate->complaint; at != NO_COMPLAINT; at = delivery->complaints[at].next, space = "")
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s!%s", space,
                                         message_code(delivery->complaints[at].message));
            continue;
        }
        if (candidate->kind != CANDIDATE_RECORD) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", space,
                                     candidate->kind == CANDIDATE_MISSING ? "." : "=");
            continue;
        }
        period_format(record->period, period);
        if (record_status_has_value(record->status))
            decimal_format((struct decimal){record->value, county->catalogue->elements[record->element].decimals}, value);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s@%s %s=%s", space,
                                 county->catalogue->elements[record->element].code,
                                 county->catalogue->units[record->unit].code, period, value);
        if (record->status != RECORD_NORMAL)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "/%c", record_status_letter(record->status));
        if (record->revision != NO_REVISION)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "#%u", (unsigned)record->revision);
    }
    return text;
}

/* Codes of the notes, joined by a space. */
static inline const char *county_notes(const struct county *county)
{
    static char text[16384];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < county->delivery->note_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i == 0 ? "" : " ",
                                 message_code(county->delivery->notes[i].message));
    return text;
}

#endif
