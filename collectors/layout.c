/* layout.c - recognises the header of a report table and the rows that are no data.
 *
 *   2020年农业生产情况                              <- titles: anything above the header
 *   element,unit,period,value        单位,粮食产量,生猪出栏     <- header: long or wide
 *   grain,Liyang,2020,125.4          溧阳市,125.4,37.2          <- data
 *   合计,...                         合计,...                   <- total: not a unit of the catalogue
 *   填表人：张三,审核人：李四                                    <- signatures
 *
 * A column keeps only the names of CONTRACT 4, in either language; anything else is ignored and said so. A cell beyond
 * the last named column is suspicious (an unquoted thousands separator shifts every cell after it), so such rows are
 * refused rather than read. */
#include "layout.h"

#include "memory.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *en, *zh;
} role_names[COLUMN_ROLES] = {
    [COLUMN_ELEMENT] = {"element", "指标"},     [COLUMN_UNIT] = {"unit", "单位"},
    [COLUMN_PERIOD] = {"period", "报告期"},     [COLUMN_VALUE] = {"value", "数值"},
    [COLUMN_REVISION] = {"revision", "版本"},   [COLUMN_STATUS] = {"status", "状态"},
    [COLUMN_REASON] = {"reason", "说明"},       [COLUMN_REPORTED_AT] = {"reported_at", "填报时间"},
};

/* ---- words ---------------------------------------------------------------------------------------------------------- */

uint32_t layout_element(const struct catalogue *catalogue, const char *text)
{
    const uint32_t element = catalogue_element(catalogue, text);
    return element != NO_INDEX ? element : catalogue_element_by_name(catalogue, text);
}

uint32_t layout_unit(const struct catalogue *catalogue, const char *text)
{
    const uint32_t unit = catalogue_unit(catalogue, text);
    return unit != NO_INDEX ? unit : catalogue_unit_by_name(catalogue, text);
}

static enum column_role role_of(const char *name)
{
    for (int role = 0; role < COLUMN_ROLES; role++)
        if (strcasecmp(name, role_names[role].en) == 0 || strcmp(name, role_names[role].zh) == 0)
            return (enum column_role)role;
    return COLUMN_ROLES;
}

static const char *trimmed(const struct csv_field *field, size_t *ret_length)
{
    const char *text = field->text;
    *ret_length = text_trim(&text, field->length);
    return text;
}

const char *layout_first_text(const struct csv_row *row, size_t *ret_length)
{
    for (size_t i = 0; i < row->count; i++) {
        const char *text = trimmed(&row->fields[i], ret_length);
        if (*ret_length > 0)
            return text;
    }
    *ret_length = 0;
    return "";
}

const char *layout_cell(const struct layout *layout, const struct csv_row *row, enum column_role role,
                        size_t *ret_length)
{
    const size_t at = role < COLUMN_ROLES ? layout->at[role] : NO_COLUMN;
    *ret_length = 0;
    return at == NO_COLUMN || at >= row->count ? "" : trimmed(&row->fields[at], ret_length);
}

/* ---- the header ----------------------------------------------------------------------------------------------------- */

static void forget_columns(struct layout *layout)
{
    for (size_t i = 0; i < layout->count; i++)
        free(layout->columns[i].name);
    free(layout->columns);
    layout->columns = NULL;
    layout->count = 0;
}

void layout_free(struct layout *layout)
{
    forget_columns(layout);
    *layout = (struct layout){0};
}

static size_t named_width(const struct csv_row *row)
{
    size_t width = 0, length;
    for (size_t i = 0; i < row->count; i++) {
        trimmed(&row->fields[i], &length);
        if (length > 0)
            width = i + 1;
    }
    return width;
}

static bool is_latin(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Takes the line breaks out of a name that was wrapped to fit a narrow column: 出生⏎人数 is 出生人数, live⏎births is live
 * births. */
static void unwrap(char *name)
{
    char *to = name;
    for (const char *from = name; *from != '\0'; from++) {
        if (*from != '\n' && *from != '\r')
            *to++ = *from;
        else if (to > name && is_latin(to[-1]) && is_latin(from[1]))
            *to++ = ' ';
    }
    *to = '\0';
}

/* Reads the row as if it were a header. */
static void read_columns(struct layout *layout, const struct catalogue *catalogue, const struct csv_row *row)
{
    layout->count = named_width(row);
    layout->width = row->count;
    layout->columns = memory_array(layout->count, sizeof(*layout->columns));
    for (int role = 0; role < COLUMN_ROLES; role++)
        layout->at[role] = NO_COLUMN;
    for (size_t i = 0; i < layout->count; i++) {
        struct column *column = &layout->columns[i];
        size_t length;
        const char *text = trimmed(&row->fields[i], &length);
        column->name = memory_copy_text_length(text, length);
        unwrap(column->name);
        column->element = NO_INDEX;
        column->role = length == 0 ? COLUMN_UNNAMED : role_of(column->name);
        if (column->role < COLUMN_ROLES) {
            if (layout->at[column->role] == NO_COLUMN)
                layout->at[column->role] = i;
        } else if (length > 0) {
            column->element = layout_element(catalogue, column->name);
            column->role = column->element == NO_INDEX ? COLUMN_IGNORED : COLUMN_FIGURE;
        }
    }
}

static size_t count_role(const struct layout *layout, enum column_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < layout->count; i++)
        count += layout->columns[i].role == role ? 1 : 0;
    return count;
}

static bool has(const struct layout *layout, enum column_role role)
{
    return layout->at[role] != NO_COLUMN;
}

/* A row with some of the words but not all of them is remembered, for a refusal that helps. */
static void remember_nearly(struct layout *layout, const struct csv_row *row, bool period_is_set)
{
    static const enum column_role needed[] = {COLUMN_ELEMENT, COLUMN_UNIT, COLUMN_PERIOD, COLUMN_VALUE};
    char missing[200] = "", line[24];
    size_t used = 0, present = 0;
    for (int role = 0; role < COLUMN_ROLES; role++)
        present += has(layout, (enum column_role)role) ? 1 : 0;
    if (layout->nearly.message != MESSAGE_NONE || present + count_role(layout, COLUMN_FIGURE) < 2)
        return;
    for (size_t i = 0; i < ARRAY_LEN(needed) && used < sizeof(missing); i++) {
        int wrote;
        if (has(layout, needed[i]) || (needed[i] == COLUMN_PERIOD && period_is_set) ||
            (needed[i] != COLUMN_UNIT && count_role(layout, COLUMN_FIGURE) > 0))
            continue;
        wrote = snprintf(missing + used, sizeof(missing) - used, "%s%s|%s", used == 0 ? "" : ", ",
                         role_names[needed[i]].en, role_names[needed[i]].zh);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (snprintf(line, sizeof(line), "%lld", (long long)row->line) > 0)
        fault_set(&layout->nearly, MESSAGE_MISSING_COLUMNS, line, missing, NULL);
}

static bool same_column(const struct layout *layout, const struct column *one, const struct column *other)
{
    if (one->role == COLUMN_UNNAMED || other->role == COLUMN_UNNAMED)
        return false;
    if (strcmp(one->name, other->name) == 0)
        return true;
    if (one->role != other->role || one->role == COLUMN_IGNORED)
        return false;
    if (one->role == COLUMN_FIGURE)
        return layout->wide && one->element == other->element && one->element != AMBIGUOUS_INDEX;
    return true;
}

static enum status refuse_duplicates(const struct layout *layout, struct fault *why)
{
    for (size_t i = 0; i < layout->count; i++)
        for (size_t j = i + 1; j < layout->count; j++)
            if (same_column(layout, &layout->columns[i], &layout->columns[j])) {
                fault_set(why, MESSAGE_DUPLICATE_COLUMN, layout->columns[i].name, layout->columns[j].name, NULL);
                return STATUS_REFUSED;
            }
    return STATUS_OK;
}

enum status layout_recognise(struct layout *layout, const struct catalogue *catalogue, const struct csv_row *row,
                             bool period_is_set, bool *ret_found, struct fault *why)
{
    bool is_long;
    forget_columns(layout);
    *ret_found = false;
    read_columns(layout, catalogue, row);
    is_long = has(layout, COLUMN_ELEMENT) && has(layout, COLUMN_UNIT) && has(layout, COLUMN_VALUE);
    layout->wide = !is_long && has(layout, COLUMN_UNIT) && !has(layout, COLUMN_VALUE) &&
                   !has(layout, COLUMN_ELEMENT) && count_role(layout, COLUMN_FIGURE) > 0;
    if (!is_long && !layout->wide) {
        remember_nearly(layout, row, period_is_set);
        return STATUS_OK;
    }
    if (!has(layout, COLUMN_PERIOD) && !period_is_set) {
        fault_set(why, MESSAGE_NO_PERIOD, NULL);
        fault_at(why, NULL, row->line, NULL);
        return STATUS_REFUSED;
    }
    for (size_t i = 0; is_long && i < layout->count; i++)
        if (layout->columns[i].role == COLUMN_FIGURE)
            layout->columns[i].role = COLUMN_IGNORED;
    *ret_found = true;
    return refuse_duplicates(layout, why);
}

/* ---- rows below the header -------------------------------------------------------------------------------------------- */

/* Without the spaces that clerks put into words to fill a cell (合　计), and without a closing colon. */
static void squeeze(const char *text, size_t length, char *ret_text, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; i < length && used + 1 < capacity;) {
        if (text[i] == ' ' || text[i] == '\t') {
            i++;
        } else if (length - i >= 3 && (memcmp(text + i, "\xE3\x80\x80", 3) == 0)) {
            i += 3;
        } else if (length - i >= 2 && memcmp(text + i, "\xC2\xA0", 2) == 0) {
            i += 2;
        } else {
            ret_text[used++] = text[i++];
        }
    }
    if (used >= 1 && ret_text[used - 1] == ':')
        used--;
    else if (used >= 3 && memcmp(ret_text + used - 3, "：", 3) == 0)
        used -= 3;
    ret_text[used] = '\0';
}

/* What may stand behind a total word: 合计数, 合计（人）. */
static bool ends_total(const char *text)
{
    return text[0] == '\0' || text[0] == '(' || strncmp(text, "（", 3) == 0 || strcmp(text, "数") == 0;
}

/* 合计 and its like alone, before a bracket, or behind the name of a whole (全市合计); no unit is called so. */
static bool is_total_word(const char *text, size_t length)
{
    static const char *const words[] = {"合计", "小计", "总计"};
    static const char *const alone[] = {"累计", "总数", "平均", "total", "subtotal", "grandtotal", "sum"};
    char squeezed[64];
    if (length == 0 || length >= sizeof(squeezed))
        return false;
    squeeze(text, length, squeezed, sizeof(squeezed));
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *word = strstr(squeezed, words[i]);
        if (word != NULL && ends_total(word + strlen(words[i])))
            return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(alone); i++)
        if (strcasecmp(squeezed, alone[i]) == 0)
            return true;
    return false;
}

/* A signature word stands alone or before a colon, a bracket or a space, never as the start of a longer name. */
static bool starts_signature(const char *text, size_t length, const char *word)
{
    const size_t size = strlen(word);
    if (length < size || memcmp(text, word, size) != 0)
        return false;
    text += size;
    length -= size;
    return length == 0 || text[0] == ':' || text[0] == ' ' || text[0] == '(' || text[0] == '_' ||
           (length >= 3 && (memcmp(text, "：", 3) == 0 || memcmp(text, "（", 3) == 0 ||
                            memcmp(text, "\xE3\x80\x80", 3) == 0));
}

static bool is_signature(const char *text, size_t length)
{
    static const char *const words[] = {
        "填表人", "填报人", "制表人", "制表", "审核人", "审核", "复核人", "复核", "单位负责人", "统计负责人", "负责人",
        "填报日期", "填表日期", "制表日期", "报出日期", "上报日期", "填报单位", "填表单位", "联系人", "联系电话", "电话",
        "单位公章", "（公章）", "(公章)",
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (starts_signature(text, length, words[i]))
            return true;
    return false;
}

static bool has_colon(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == ':' || (length - i >= 3 && memcmp(text + i, "：", 3) == 0))
            return true;
    return false;
}

/* Nothing stands where figures belong, or words behind a colon do. */
static bool is_without_figures(const struct layout *layout, const struct csv_row *row)
{
    for (size_t i = 0; i < layout->count && i < row->count; i++) {
        const enum column_role role = layout->columns[i].role;
        enum cell_kind kind = CELL_VALUE;
        struct decimal value;
        size_t length;
        const char *text = trimmed(&row->fields[i], &length);
        if (role != COLUMN_VALUE && role != COLUMN_FIGURE)
            continue;
        if (!has_colon(text, length) &&
            (decimal_read_cell(text, length, LIMIT_DECIMALS, &kind, &value, NULL) != STATUS_OK || kind == CELL_VALUE))
            return false;
    }
    return true;
}

/* One cell alone (a note, a date, a heading between rows), or names and dates behind colons (报送日期：, Signature:).
 * Where no figure stands, passing over the row loses none. */
static bool is_remark(const struct layout *layout, const struct csv_row *row, const char *first, size_t first_length)
{
    size_t texts = 0, length;
    for (size_t i = 0; i < row->count; i++) {
        trimmed(&row->fields[i], &length);
        texts += length > 0 ? 1 : 0;
    }
    return (texts == 1 || has_colon(first, first_length)) && is_without_figures(layout, row);
}

static bool repeats_header(const struct layout *layout, const struct csv_row *row)
{
    if (row->count < layout->count)
        return false;
    for (size_t i = 0; i < layout->count; i++) {
        size_t length;
        const char *text = trimmed(&row->fields[i], &length);
        if (length != strlen(layout->columns[i].name) || memcmp(text, layout->columns[i].name, length) != 0)
            return false;
    }
    return true;
}

/* The header of another table: it names the column of units and another column of ours or an element. */
static bool begins_table(const struct catalogue *catalogue, const struct csv_row *row)
{
    bool names_units = false, names_more = false;
    for (size_t i = 0; i < row->count; i++) {
        char name[LIMIT_NAME_BYTES + 1];
        size_t length;
        const char *text = trimmed(&row->fields[i], &length);
        if (length == 0 || length >= sizeof(name))
            continue;
        memcpy(name, text, length);
        name[length] = '\0';
        if (role_of(name) == COLUMN_UNIT)
            names_units = true;
        else if (role_of(name) < COLUMN_ROLES || layout_element(catalogue, name) != NO_INDEX)
            names_more = true;
    }
    return names_units && names_more;
}

/* Long: a row that names an element of the catalogue is data whatever else it says. */
static bool names_element(const struct layout *layout, const struct catalogue *catalogue, const struct csv_row *row)
{
    char name[LIMIT_NAME_BYTES + 1];
    size_t length;
    const char *text = layout_cell(layout, row, COLUMN_ELEMENT, &length);
    if (length == 0 || length >= sizeof(name))
        return false;
    memcpy(name, text, length);
    name[length] = '\0';
    return layout_element(catalogue, name) != NO_INDEX;
}

enum row_kind layout_row_kind(const struct layout *layout, const struct catalogue *catalogue,
                              const struct csv_row *row, bool unit_is_known)
{
    size_t first_length, unit_length;
    const char *first, *unit;
    if (unit_is_known)
        return ROW_DATA;
    first = layout_first_text(row, &first_length);
    if (first_length == 0)
        return ROW_BLANK;
    unit = layout_cell(layout, row, COLUMN_UNIT, &unit_length);
    if (is_total_word(unit, unit_length) || (unit_length == 0 && is_total_word(first, first_length)))
        return ROW_TOTAL;
    if (repeats_header(layout, row))
        return ROW_HEADER;
    if (begins_table(catalogue, row))
        return ROW_OTHER_HEADER;
    if (!names_element(layout, catalogue, row) &&
        (is_signature(first, first_length) || is_remark(layout, row, first, first_length)))
        return ROW_SIGNATURE;
    return ROW_DATA;
}

/* Cells with text beyond the last named column have been shifted there, by a comma inside a number for instance. Empty
 * ones are harmless when the header has them too; when it has not, 1,234 without quotes before an empty last column
 * looks just like a stray separator, so they are tolerated only where nothing can have moved into another figure. */
bool layout_has_extra_cells(const struct layout *layout, const struct csv_row *row)
{
    size_t length;
    for (size_t i = layout->count; i < row->count; i++) {
        trimmed(&row->fields[i], &length);
        if (length > 0)
            return true;
    }
    if (row->count <= layout->width)
        return false;
    if (layout->wide)
        return true;
    for (size_t i = layout->at[COLUMN_VALUE] + 1; i < layout->count && i < row->count; i++) {
        trimmed(&row->fields[i], &length);
        if (length > 0)
            return true;
    }
    return false;
}
