/* fault.c - filling in a fault and saying it.
 *
 * Arguments are copied, so a fault outlives the row it speaks of; what does not fit is cut at a character and marked,
 * because a sentence that quotes half a cell is still a good sentence. */
#include "fault.h"

#include "status.h"
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_BYTES 2048 /* four arguments and the longest sentence */

static void copy_cut(char *target, size_t capacity, const char *text)
{
    static const char mark[] = "...";
    const size_t length = strlen(text);
    size_t kept = length;
    if (length >= capacity)
        kept = text_cut(text, length, capacity - sizeof mark);
    memmove(target, text, kept);
    if (kept < length)
        memcpy(target + kept, mark, sizeof mark);
    else
        target[kept] = '\0';
}

/* snprintf cuts at a byte; a last character that is not whole is taken away. */
static void drop_half_character(char *text, size_t length)
{
    size_t start = length, bad;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && !text_is_utf8(text + start - 1, length - start + 1, &bad))
        text[start - 1] = '\0';
}

void fault_set(struct fault *fault, enum message message, ...)
{
    char arguments[4][sizeof fault->argument[0]] = {{0}};
    const char *argument;
    va_list list;
    if (fault == NULL)
        return;
    /* By way of a copy: an argument may come from this very fault. */
    va_start(list, message);
    for (size_t i = 0; i < ARRAY_LEN(arguments) && (argument = va_arg(list, const char *)) != NULL; i++)
        copy_cut(arguments[i], sizeof arguments[i], argument);
    va_end(list);
    fault->message = message;
    memcpy(fault->argument, arguments, sizeof arguments);
}

void fault_at(struct fault *fault, const char *file, int64_t row, const char *column)
{
    if (fault == NULL)
        return;
    if (file != NULL)
        copy_cut(fault->file, sizeof fault->file, file);
    if (row != 0)
        fault->row = row;
    if (column != NULL)
        copy_cut(fault->column, sizeof fault->column, column);
}

void fault_sentence(const struct fault *fault, enum language language, char *ret_text, size_t capacity)
{
    const char *arguments[4];
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
        arguments[i] = fault->argument[i];
    (void)message_format(fault->message, language, arguments, ret_text, capacity);
}

void fault_nest(const struct fault *fault, char *ret_text, size_t capacity)
{
    const char *arguments[4];
    for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
        arguments[i] = fault->argument[i];
    message_nest(fault->message, arguments, ret_text, capacity);
}

void fault_format(const struct fault *fault, enum language language, char *ret_text, size_t capacity)
{
    char sentence[SENTENCE_BYTES], row[24] = "";
    int length;
    if (capacity == 0)
        return;
    if (fault->row != 0 && snprintf(row, sizeof row, "%" PRId64, fault->row) < 0)
        row[0] = '\0';
    fault_sentence(fault, language, sentence, sizeof sentence);
    const bool file = fault->file[0] != '\0', column = fault->column[0] != '\0', line = row[0] != '\0';
    length = snprintf(ret_text, capacity, "%s%s%s%s%s%s%s", fault->file, file && (line || column) ? ":" : "", row,
                      line && column ? ":" : "", fault->column, file || line || column ? ": " : "", sentence);
    if (length < 0)
        ret_text[0] = '\0';
    else if ((size_t)length >= capacity)
        drop_half_character(ret_text, capacity - 1);
}
