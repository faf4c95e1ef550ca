/* cunit.c - support.h and county.h assert through CUnit, which ends the process when no suite runs. Here an assertion of
 * theirs is one of ours. */
#include "fuzz.h"

#include <CUnit/CUnit.h>

CU_BOOL CU_assertImplementation(CU_BOOL holds, unsigned int line, const char *condition, const char *file,
                                const char *function, CU_BOOL fatal)
{
    (void)line, (void)file, (void)function, (void)fatal;
    fuzz_require(holds, condition);
    return holds;
}
