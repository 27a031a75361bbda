/* SPDX-License-Identifier: MIT */
/* test_plugin.c - what the library holds can be found, described, and is consistent. */
#include <string.h>

#include "core/plugin.h"
#include "tests/suites.h"
#include "tests/support.h"

static void everything_is_found_by_its_name(void)
{
    size_t collectors = 0, protocols = 0;
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        CU_ASSERT_PTR_EQUAL(gc_collector_find((*c)->name), *c);
        collectors++;
    }
    for (const struct gc_protocol *const *p = gc_protocols(); *p != NULL; p++) {
        CU_ASSERT_PTR_EQUAL(gc_protocol_find((*p)->name), *p);
        CU_ASSERT_STRING_EQUAL(gc_protocol_name(*p), (*p)->name);
        CU_ASSERT(strlen(gc_protocol_summary(*p)) > 10);
        protocols++;
    }
    CU_ASSERT(collectors >= 4);
    CU_ASSERT(protocols >= 2);
    CU_ASSERT_PTR_NULL(gc_collector_find("nothing"));
    CU_ASSERT_PTR_NULL(gc_protocol_find(""));
}

static void every_descriptor_is_sound(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        CU_ASSERT_EQUAL((*c)->abi_version, GC_ABI_VERSION);
        CU_ASSERT_EQUAL((*c)->mutator_size, sizeof(struct gc_mutator));
        CU_ASSERT_EQUAL((*c)->heap_size, sizeof(struct gc_heap));
        CU_ASSERT_EQUAL((*c)->check_level, GC_CHECK);
        CU_ASSERT_PTR_NOT_NULL((*c)->protocols[0]);
        for (int i = 0; i < GC_COLLECTOR_NAMES && (*c)->protocols[i] != NULL; i++)
            CU_ASSERT_PTR_NOT_NULL(gc_protocol_find((*c)->protocols[i]));
        CU_ASSERT_EQUAL((*c)->options == NULL, (*c)->options_size == 0);
        CU_ASSERT(((*c)->capabilities & GC_CAP_CYCLES) == 0 || (*c)->collect != NULL);
    }
}

static void information_agrees_with_the_descriptor(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct gc_collector_info info = gc_collector_info(*c);
        CU_ASSERT_STRING_EQUAL(info.name, (*c)->name);
        CU_ASSERT(strlen(info.summary) > 10);
        CU_ASSERT_STRING_EQUAL(info.protocols[0], (*c)->protocols[0]);
        CU_ASSERT_PTR_EQUAL(info.options, (*c)->options);
        CU_ASSERT_EQUAL(info.cycles, ((*c)->capabilities & GC_CAP_CYCLES) != 0);
        CU_ASSERT_EQUAL(info.reclaims, ((*c)->capabilities & GC_CAP_RECLAIMS) != 0);
        CU_ASSERT_EQUAL(info.immediate, ((*c)->capabilities & GC_CAP_IMMEDIATE) != 0);
    }
}

static void every_promise_has_a_word(void)
{
    struct gc_collector all = *gc_collector_find("none");
    all.capabilities = (1u << 10) - 1;
    const char *word = "", *none_word;
    uint32_t words = 0;
    for (size_t i = 0; gc_collector_promises(&all, i, &word); i++) {
        CU_ASSERT_PTR_NOT_NULL(word);
        CU_ASSERT_TRUE(gc_collector_promises(gc_collector_find("none"), i, &none_word));
        CU_ASSERT_PTR_NULL(none_word);
        words++;
    }
    CU_ASSERT_EQUAL(words, 10);
}

static void the_build_says_how_much_it_checks(void)
{
    CU_ASSERT_EQUAL(gc_build_check_level(), GC_CHECK);
}

int test_plugin_suite(void)
{
    static const struct test tests[] = {
        { "everything_is_found_by_its_name", everything_is_found_by_its_name },
        { "every_descriptor_is_sound", every_descriptor_is_sound },
        { "information_agrees_with_the_descriptor",
                information_agrees_with_the_descriptor },
        { "every_promise_has_a_word", every_promise_has_a_word },
        { "the_build_says_how_much_it_checks", the_build_says_how_much_it_checks },
    };
    return suite_add("core/plugin", tests, COUNT(tests));
}
