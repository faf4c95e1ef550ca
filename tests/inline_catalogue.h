/* inline_catalogue.h - a small catalogue written out in the test, with single files replaced or left out. */
#ifndef TESTS_INLINE_CATALOGUE_H
#define TESTS_INLINE_CATALOGUE_H

#include "catalogue.h"

#include <stdio.h>
#include <string.h>

struct text_file {
    const char *name, *text; /* text NULL: leave the file out */
};

/* A city C with districts A, B, D; A has towns A1, A2, B has B1. Form m is monthly by districts, t by towns, c by the
 * city itself. */
static const struct text_file inline_files[] = {
    {"datapackage.json", "{\"name\":\"tiny\",\"title\":\"Tiny\",\"version\":\"1\",\"resources\":[]}"},
    {"units.csv", "code,parent,level,name_zh,name_en\n"
                  "C,,city,市,City\nA,C,district,甲区,East\nB,C,district,乙区,West\nD,C,district,丁区,North\n"
                  "A1,A,town,甲一,\nA2,A,town,甲二,\nB1,B,town,乙一,\n"},
    {"forms.csv", "form,name_zh,frequency,level,due_days\nm,月报,month,district,15\nt,镇报,month,town,5\n"
                  "c,市报,quarter,city,10\n"},
    {"elements.csv", "element,form,name_zh,kind,aggregate,unit_zh,decimals\n"
                     "x,m,甲数,flow,,件,0\ny,m,乙数,stock,,件,2\ntop,m,最高,flow,max,元,1\np,m,人口,base,,人,0\n"
                     "z,t,镇数,flow,,件,0\nown,c,市数,stock,,件,0\n"},
    {"indicators.csv", "indicator,name_zh,numerator,denominator,factor,decimals,better\n"
                       "sum,总数,x,,,0,up\nrate,比率,100*x,p,,1,up\ncap,最高额,top,,,1,down\n"
                       "towns,镇,z,,,0,up\ncity,市,own,,,0,up\nontime,按时,100*reports_on_time,reports_expected,,1,up\n"},
    {"goals.csv", "goal,indicator,unit,op,value,due\n"},
};

static inline struct catalogue *load_inline(const struct text_file *replaced, size_t count, struct findings *findings)
{
    struct catalogue_file files[24];
    struct catalogue *catalogue = NULL;
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(inline_files) + count && used < ARRAY_LEN(files); i++) {
        const struct text_file *file = i < count ? &replaced[i] : &inline_files[i - count];
        bool seen = false;
        for (size_t j = 0; j < count && i >= count; j++)
            seen = seen || strcmp(replaced[j].name, file->name) == 0;
        if (!seen && file->text != NULL)
            files[used++] = (struct catalogue_file){file->name, file->text, strlen(file->text)};
    }
    *findings = (struct findings){0};
    return catalogue_load_files(files, used, &catalogue, findings, NULL) == STATUS_OK ? catalogue : NULL;
}

/* "severity code file row column subject", as the office prints it. */
static inline void finding_text(const struct finding *finding, char *ret_text, size_t capacity)
{
    static const char *const severities[] = {"error", "warning", "info"};
    const int wrote = snprintf(ret_text, capacity, "%s %s %s %lld %s %s", severities[finding->severity],
                               message_code(finding->fault.message), finding->fault.file, (long long)finding->fault.row,
                               finding->fault.column, finding->subject);
    if (wrote < 0)
        ret_text[0] = '\0';
}

static inline const struct finding *find_finding(const struct findings *findings, const char *text)
{
    for (size_t i = 0; i < findings->count; i++) {
        char found[800];
        finding_text(&findings->items[i], found, sizeof(found));
        if (strcmp(found, text) == 0)
            return &findings->items[i];
    }
    return NULL;
}

/* Prints what was found when a test expected something else. */
static inline void show_findings(const char *expected, const struct findings *findings)
{
    printf("\n    expected: %s\n", expected);
    for (size_t i = 0; i < findings->count; i++) {
        char found[800];
        finding_text(&findings->items[i], found, sizeof(found));
        printf("    found:    %s\n", found);
    }
}

/* `expected` is a list of findings in order, a line each, or "" for none. */
static inline bool findings_are(const struct findings *findings, const char *expected)
{
    const char *at = expected;
    for (size_t i = 0; i < findings->count; i++) {
        char found[800];
        const size_t length = strcspn(at, "\n");
        finding_text(&findings->items[i], found, sizeof(found));
        if (strlen(found) != length || strncmp(found, at, length) != 0) {
            show_findings(expected, findings);
            return false;
        }
        at += length + (at[length] == '\n');
    }
    if (*at != '\0')
        show_findings(expected, findings);
    return *at == '\0';
}

#endif
