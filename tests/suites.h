/* SPDX-License-Identifier: MIT */
/* suites.h - the suites that the runner registers.
 *
 * Every test file ends in a function that adds its suite to CUnit's registry and returns
 * 0, or another number when it can't. The build writes the table of them.
 */
#ifndef TESTS_SUITES_H
#define TESTS_SUITES_H

struct suite_entry {
    const char *name; /* as given to --suite */
    int (*add)(void);
};

/* Made by the build from tests/meson.build; the last name is NULL. */
extern const struct suite_entry suite_entries[];

int test_allocate_suite(void);
int test_block_suite(void);
int test_check_suite(void);
int test_collect_suite(void);
int test_event_suite(void);
int test_finalize_suite(void);
int test_trial_suite(void);
int test_harness_suite(void);
int test_heap_suite(void);
int test_histogram_suite(void);
int test_inspect_suite(void);
int test_lock_suite(void);
int test_log_suite(void);
int test_mutator_suite(void);
int test_operation_suite(void);
int test_os_suite(void);
int test_plugin_suite(void);
int test_protocol_bare_suite(void);
int test_protocol_plain_suite(void);
int test_root_suite(void);
int test_serial_suite(void);
int test_safepoint_suite(void);
int test_share_suite(void);
int test_schedule_suite(void);
int test_thread_suite(void);
int test_trace_suite(void);
int test_type_suite(void);
int test_verify_suite(void);
int test_words_suite(void);
int test_situation_suite(void);
int test_weak_suite(void);
int test_out_of_memory_suite(void);
int test_grace_suite(void);
int test_handshake_suite(void);
int test_home_suite(void);
int test_protocol_atomic_suite(void);
int test_protocol_biased_suite(void);
int test_protocol_log_object_suite(void);
int test_coalescing_suite(void);
int test_generational_suite(void);
int test_mark_sweep_suite(void);
int test_on_the_fly_suite(void);
int test_worker_suite(void);
int test_pace_suite(void);
int test_sweep_suite(void);
int test_protocol_satb_suite(void);
int test_none_suite(void);
int test_refcount_suite(void);
int test_workloads_suite(void);
int test_mixes_suite(void);
int test_random_suite(void);
int test_bootstrap_suite(void);
int test_expression_suite(void);
int test_changepoint_suite(void);
int test_hierarchy_suite(void);
int test_latency_suite(void);
int test_overhead_suite(void);
int test_stalled_suite(void);
int test_hdr_suite(void);
int test_statistics_suite(void);
int test_utilisation_suite(void);
int test_warmup_suite(void);

#endif
