/* tree.c - the rows of `explain` as a tree with branches. */
#include "tree.h"

#include "memory.h"
#include "status.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 64 /* units lie at most so many levels deep; deeper rows are drawn as at this depth */

struct kind_title {
    const char *kind, *zh;
};
static const struct kind_title titles[] = {
    {"formula", "公式"},
    {"numerator", "分子"},
    {"denominator", "分母"},
    {"count", "计数"},
    {"goal", "目标"},
    {"record", "记录"},
    {"subtracted", "减去"},
    {"before", "此前"},
    {"no_figure", "无数值"},
    {"retracted", "已收回"},
    {"superseded", "已取代"},
    {"repeated", "重报"},
    {"late", "迟到的旧版本"},
    {"note", "注"},
};

struct printing {
    const struct table *table;
    enum language language;
    FILE *out;
    bool more[DEPTH_MOST + 1]; /* at this depth another row follows */
};

bool table_is_tree(const struct table *table)
{
    return table->column_count > 0 && strcmp(table->columns[0], "depth") == 0;
}

static const char *cell(const struct table *table, size_t row, const char *column)
{
    for (size_t c = 0; c < table->column_count; c++)
        if (strcmp(table->columns[c], column) == 0) {
            const char *text = table->cells[row * table->column_count + c];
            return text != NULL ? text : "";
        }
    return "";
}

static size_t depth_of(const struct table *table, size_t row)
{
    const unsigned long depth = strtoul(cell(table, row, "depth"), NULL, 10);
    return depth < DEPTH_MOST ? (size_t)depth : DEPTH_MOST;
}

/* Whether a brother of the row follows before the branch ends. */
static bool has_brother(const struct table *table, size_t row)
{
    const size_t depth = depth_of(table, row);
    for (size_t i = row + 1; i < table_rows(table) && depth_of(table, i) >= depth; i++)
        if (depth_of(table, i) == depth)
            return true;
    return false;
}

static const char *title_of(const struct printing *printing, const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        if (strcmp(titles[i].kind, kind) == 0)
            return printing->language == LANGUAGE_ZH ? titles[i].zh : kind;
    return NULL; /* figures, elements and units are told by their names */
}

static void say(const struct printing *printing, const char *before, const char *text, const char *after)
{
    if (text[0] != '\0')
        (void)fprintf(printing->out, "%s%s%s", before, text, after);
}

static void print_branches(const struct printing *printing, size_t depth)
{
    for (size_t i = 1; i < depth; i++)
        (void)fputs(printing->more[i] ? "│  " : "   ", printing->out);
    if (depth > 0)
        (void)fputs(printing->more[depth] ? "├─ " : "└─ ", printing->out);
}

static void print_subject(const struct printing *printing, size_t row)
{
    const struct table *table = printing->table;
    const char *kind = cell(table, row, "kind"), *title = title_of(printing, kind);
    const bool is_unit = strcmp(kind, "unit") == 0, is_record = cell(table, row, "revision")[0] != '\0';
    if (title != NULL)
        (void)fprintf(printing->out, "%s ", title);
    if (!is_unit && !is_record)
        say(printing, "", cell(table, row, "subject"), "");
    say(printing, is_unit ? "" : " ", cell(table, row, "name"), "");
    if (is_unit)
        say(printing, " (", cell(table, row, "unit"), ")");
    else if (strcmp(kind, "figure") == 0 || strcmp(kind, "goal") == 0)
        say(printing, " · ", cell(table, row, "unit"), "");
    if (!is_unit && strcmp(kind, "numerator") != 0 && strcmp(kind, "denominator") != 0)
        say(printing, is_record ? "" : " · ", cell(table, row, "period"), "");
}

static void print_line(const struct printing *printing, size_t row)
{
    const struct table *table = printing->table;
    const char *kind = cell(table, row, "kind");
    if (strcmp(kind, "formula") == 0 || strcmp(kind, "note") == 0) {
        (void)fprintf(printing->out, "%s ", title_of(printing, kind));
        say(printing, "", cell(table, row, "subject"), ": ");
        say(printing, "", cell(table, row, "detail"), "");
        return;
    }
    print_subject(printing, row);
    if (strcmp(kind, "goal") == 0)
        (void)fprintf(printing->out, " %s %s", cell(table, row, "detail"), cell(table, row, "value"));
    else
        say(printing, " = ", cell(table, row, "value"), "");
    say(printing, "  [", cell(table, row, "status"), cell(table, row, "revision")[0] != '\0' ? " " : "]");
    say(printing, "r", cell(table, row, "revision"), "]");
    say(printing, "  ", cell(table, row, "file"), "");
    say(printing, ":", cell(table, row, "line"), "");
    say(printing, " (", cell(table, row, "part"), ")");
    say(printing, " · ", cell(table, row, "agent"), "");
    say(printing, " #", cell(table, row, "entry"), "");
    say(printing, " · ", cell(table, row, "received_at"), "");
    say(printing, " · ", cell(table, row, "signature"), "");
    if (strcmp(kind, "goal") != 0)
        say(printing, "  ", cell(table, row, "detail"), "");
}

/* A line feed of a clerk's reason must not draw a branch of its own; control characters do not reach the terminal. */
bool tree_print(const struct table *table, enum language language, FILE *out)
{
    struct printing printing = {.table = table, .language = language};
    char *text = NULL;
    size_t length = 0;
    for (size_t row = 0; row < table_rows(table); row++) {
        const size_t depth = depth_of(table, row);
        printing.out = memory_stream(&text, &length);
        printing.more[depth] = has_brother(table, row);
        print_branches(&printing, depth);
        print_line(&printing, row);
        (void)fclose(printing.out);
        for (size_t i = 0; i < length; i++)
            if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
                text[i] = ' ';
        (void)fprintf(out, "%s\n", text);
        free(text);
        text = NULL;
    }
    return ferror(out) == 0;
}
