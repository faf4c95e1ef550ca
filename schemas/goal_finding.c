/* goal_finding.c - how a finding about a goal is said: where it stands, and its numbers to the last digit. */
#include "goal_inside.h"

void exact_text(__int128 value, uint8_t decimals, char ret_text[EXACT_TEXT])
{
    char digits[EXACT_TEXT];
    const bool negative = value < 0;
    __int128 rest = (negative ? -value : value) / decimal_power_of_ten((uint8_t)(LIMIT_DECIMALS - decimals));
    size_t count = 0, at = 0;
    while (rest > 0 || count <= decimals) {
        digits[count++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (negative)
        ret_text[at++] = '-';
    while (count > 0) {
        if (count == decimals)
            ret_text[at++] = '.';
        ret_text[at++] = digits[--count];
    }
    ret_text[at] = '\0';
}

void report_goal(struct loader *loader, enum finding_severity severity, const struct goal *goal, enum message message,
                 const char *one, const char *two, const char *three, const char *four)
{
    const struct place place = {"goals.csv", goal->row, "value", goal->code};
    loader_report(loader, severity, &place, message, one, two, three, four);
}
