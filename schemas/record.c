/* record.c - the letters of the observation status. */
#include "record.h"

#include "status.h"

#include <string.h>

static const char letters[] = "APEMLQX"; /* in the order of enum record_status */

char record_status_letter(enum record_status status)
{
    const unsigned number = (unsigned)status;
    return number < sizeof letters - 1 ? letters[number] : '?';
}

bool record_status_by_letter(const char *text, enum record_status *ret_status)
{
    const char *letter;
    if (text == NULL || text[0] == '\0' || text[1] != '\0' || (letter = strchr(letters, text[0])) == NULL)
        return false;
    *ret_status = (enum record_status)(letter - letters);
    return true;
}

bool record_status_has_value(enum record_status status)
{
    return status == RECORD_NORMAL || status == RECORD_PROVISIONAL || status == RECORD_ESTIMATED;
}
