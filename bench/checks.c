/* SPDX-License-Identifier: MIT */
/* checks.c - what the checks on the way of samples have found, as people read it. */
#include "bench/checks.h"

#include <inttypes.h>

#include "bench/standard.h"
#include "bench/text.h"

static void print_sample(FILE *file, const struct gc_sample *sample)
{
    const char *const bad = gc_text_colours(file) ? "\033[31m" : "";
    const char *const plain = gc_text_colours(file) ? "\033[0m" : "";
    fprintf(file, "  %5s %9s %12s %12s %14s %14s %10s\n", "check", "s", "objects",
            "expected", "bytes", "expected", "RSS");
    for (uint32_t i = 0; i < sample->check_count; i++) {
        const struct gc_check *check = &sample->checks[i];
        const bool equal = check->live.objects == check->expected.objects &&
                           check->live.bytes == check->expected.bytes;
        char rss[GC_CELL] = "-";
        if (check->rss_bytes > 0) gc_text_bytes(rss, (double)check->rss_bytes);
        fprintf(file,
                "  %s%5" PRIu32 " %9.3f %12" PRIu64 " %12" PRIu64 " %14" PRIu64
                " %14" PRIu64 " %10s%s%s\n",
                equal ? "" : bad, i + 1, (double)check->at_ns / 1e9, check->live.objects,
                check->expected.objects, check->live.bytes, check->expected.bytes, rss,
                equal ? "" : " differs", equal ? "" : plain);
    }
}

void gc_checks_print(FILE *file, const struct gc_plan *plan, uint32_t workload)
{
    struct gc_place place = { .workload = workload };
    for (; place.threads < plan->thread_count; place.threads++) {
        for (place.collector = 0; place.collector < plan->collector_count;
                place.collector++) {
            for (place.process = 0; place.process < plan->processes; place.process++) {
                const struct gc_measured *m = plan->results[gc_plan_number(plan, place)];
                if (m == NULL || m->sample.check_count == 0) continue;
                fprintf(file,
                        "%s: %s T=%" PRIu32 ", process %" PRIu32
                        ", live after quiescence\n",
                        plan->workloads[workload].label,
                        plan->collectors[place.collector].label,
                        plan->threads[place.threads], place.process + 1);
                print_sample(file, &m->sample);
            }
        }
    }
    fputc('\n', file);
    gc_standard_flush(file);
}
