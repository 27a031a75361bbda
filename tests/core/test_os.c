/* SPDX-License-Identifier: MIT */
/* test_os.c - memory and clocks of the operating system, and failing on demand. */
#include <errno.h>
#include <sched.h>
#include <stdint.h>

#include "core/os.h"
#include "tests/suites.h"
#include "tests/support.h"

static bool is_zero(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (memory[i] != 0) return false;
    return true;
}

static void gives_zeroed_memory(void)
{
    unsigned char *memory = gc_os_alloc(10000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    CU_ASSERT_TRUE(is_zero(memory, 10000));
    memory[9999] = 7;
    unsigned char *grown = gc_os_realloc(memory, 20000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(grown);
    CU_ASSERT_EQUAL(grown[9999], 7);
    gc_os_free(grown);
    gc_os_free(NULL);
}

static void maps_aligned_zeroed_pages(void)
{
    for (size_t alignment = 4096; alignment <= (size_t)4 << 20; alignment *= 4) {
        size_t bytes = 3 * 4096;
        unsigned char *memory = gc_os_map(bytes, alignment);
        CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
        CU_ASSERT_EQUAL((uintptr_t)memory % alignment, 0);
        CU_ASSERT_TRUE(is_zero(memory, bytes));
        memory[bytes - 1] = 1;
        gc_os_unmap(memory, bytes);
    }
}

static void refuses_what_no_address_space_holds(void)
{
    CU_ASSERT_PTR_NULL(gc_os_map(SIZE_MAX - 4096, 1 << 22));
    CU_ASSERT_PTR_NULL(gc_os_map((size_t)1 << 60, 4096));
}

static void fails_exactly_the_allocation_that_was_named(void)
{
    void *memory[5];
    gc_os_fail_allocation(3);
    memory[0] = gc_os_alloc(8);
    memory[1] = gc_os_map(4096, 4096);
    memory[2] = gc_os_alloc(8);
    memory[3] = gc_os_realloc(NULL, 8);
    CU_ASSERT_PTR_NOT_NULL(memory[0]);
    CU_ASSERT_PTR_NOT_NULL(memory[1]);
    CU_ASSERT_PTR_NULL(memory[2]);
    CU_ASSERT_PTR_NOT_NULL(memory[3]);
    gc_os_fail_allocation(1);
    void *kept = gc_os_realloc(memory[3], 16);
    CU_ASSERT_PTR_NULL(kept);
    gc_os_fail_allocation(1);
    CU_ASSERT_PTR_NULL(gc_os_map(4096, 4096));
    gc_os_fail_allocation(1);
    gc_os_fail_allocation(0);
    memory[4] = gc_os_alloc(8);
    CU_ASSERT_PTR_NOT_NULL(memory[4]);
    gc_os_free(memory[0]);
    gc_os_unmap(memory[1], 4096);
    gc_os_free(memory[3]);
    gc_os_free(memory[4]);
}

static void clocks_go_forwards(void)
{
    uint64_t now = gc_os_now_ns(), cpu = gc_os_thread_cpu_ns();
    uint64_t process = gc_os_process_cpu_ns();
    while (gc_os_thread_cpu_ns() - cpu < 1000000)
        ;
    CU_ASSERT(gc_os_now_ns() - now >= 500000);
    CU_ASSERT(gc_os_process_cpu_ns() - process >= 500000);
    CU_ASSERT(gc_os_peak_rss_bytes() > 100000);
}

static void who_is_bound_stays_and_is_let_go(void)
{
    cpu_set_t before, bound, after;
    uint32_t processors = gc_os_processors();
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(before), &before), 0);
    gc_os_bind();
    gc_os_bind(); /* once more changes nothing */
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(bound), &bound), 0);
    CU_ASSERT_EQUAL(CPU_COUNT(&bound), 1);
    CU_ASSERT_EQUAL(gc_os_processors(), processors);
    gc_os_unbind();
    gc_os_unbind();
    CU_ASSERT_EQUAL(sched_getaffinity(0, sizeof(after), &after), 0);
    CU_ASSERT(CPU_EQUAL(&before, &after) != 0);
    CU_ASSERT_EQUAL(gc_os_processors(), processors);
}

static void errors_are_told_in_words(void)
{
    CU_ASSERT_STRING_EQUAL(gc_os_error_text(ENOENT), "No such file or directory");
}

int test_os_suite(void)
{
    static const struct test tests[] = {
        { "gives_zeroed_memory", gives_zeroed_memory },
        { "maps_aligned_zeroed_pages", maps_aligned_zeroed_pages },
        { "refuses_what_no_address_space_holds", refuses_what_no_address_space_holds },
        { "fails_exactly_the_allocation_that_was_named",
                fails_exactly_the_allocation_that_was_named },
        { "who_is_bound_stays_and_is_let_go", who_is_bound_stays_and_is_let_go },
        { "clocks_go_forwards", clocks_go_forwards },
        { "errors_are_told_in_words", errors_are_told_in_words },
    };
    return suite_add("core/os", tests, COUNT(tests));
}
