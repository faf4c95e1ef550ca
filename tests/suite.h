/* suite.h - a CUnit program of sentences. CU_basic_run_tests() returns 0 even with failed assertions, so the exit status
 * comes from the count of failures.
 *
 *   static void an_empty_cell_is_missing(void) { ... }
 *   int main(void) { const struct sentence sentences[] = {SENTENCE(an_empty_cell_is_missing)};
 *                    return suite_run("decimal", sentences, ARRAY_LEN(sentences)); }                                */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include "status.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

struct sentence {
    const char *name;
    void (*test)(void);
};
#define SENTENCE(function) {#function, function}

static inline int suite_run(const char *name, const struct sentence *sentences, size_t count)
{
    CU_pSuite suite;
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    suite = CU_add_suite(name, NULL, NULL);
    for (size_t i = 0; suite != NULL && i < count; i++)
        if (CU_add_test(suite, sentences[i].name, sentences[i].test) == NULL)
            suite = NULL;
    if (suite == NULL)
        return EXIT_FAILURE;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    const unsigned failures = CU_get_number_of_failures() + CU_get_number_of_tests_failed();
    const unsigned run = CU_get_number_of_tests_run();
    CU_cleanup_registry();
    return failures == 0 && run == count ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
