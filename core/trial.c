/* SPDX-License-Identifier: MIT */
/* trial.c - what a workload's threads call while they run: meeting, telling, and the checks
 * on the way.
 */
#include "core/trial.h"

#include <errno.h>
#include <stdarg.h>

#include "core/collector.h"
#include "core/os.h"

/* --- meeting ------------------------------------------------------------------------ */

void gc_trial_barrier_init(struct gc_trial_barrier *barrier, uint32_t expected)
{
    *barrier = (struct gc_trial_barrier){ .expected = expected };
    gc_lock_init(&barrier->lock, GC_RANK_TRIAL);
    gc_condition_init(&barrier->all_here);
}

void gc_trial_barrier_finish(struct gc_trial_barrier *barrier)
{
    gc_condition_finish(&barrier->all_here);
    gc_lock_finish(&barrier->lock);
}

void gc_trial_barrier_meet(struct gc_trial_barrier *barrier)
{
    gc_lock_acquire(&barrier->lock);
    uint64_t round = barrier->round;
    if (++barrier->arrived == barrier->expected) {
        barrier->arrived = 0;
        barrier->round++;
        gc_condition_broadcast(&barrier->all_here);
    }
    while (barrier->round == round)
        gc_condition_wait(&barrier->all_here, &barrier->lock);
    gc_lock_release(&barrier->lock);
}

void gc_trial_barrier_wait(struct gc_trial_barrier *barrier, struct gc_mutator *m)
{
    gc_blocked_begin(m);
    gc_trial_barrier_meet(barrier);
    gc_blocked_end(m);
}

void gc_trial_wait(struct gc_trial *trial, struct gc_mutator *m)
{
    gc_trial_barrier_wait(trial->barrier, m);
}

/* --- telling ------------------------------------------------------------------------ */

void gc_trial_unmeasured_begin(struct gc_trial *trial)
{
    trial->unmeasured_ns -= gc_os_now_ns();
    trial->unmeasured_cpu_ns -= gc_os_thread_cpu_ns();
    trial->unmeasured_collector_cpu_ns -=
            gc_atomic_load_relaxed(&trial->heap->collector_cpu_ns);
}

void gc_trial_unmeasured_end(struct gc_trial *trial)
{
    trial->unmeasured_ns += gc_os_now_ns();
    trial->unmeasured_cpu_ns += gc_os_thread_cpu_ns();
    trial->unmeasured_collector_cpu_ns +=
            gc_atomic_load_relaxed(&trial->heap->collector_cpu_ns);
}

void gc_trial_add(struct gc_trial *trial, uint64_t value)
{
    gc_lock_acquire(&trial->barrier->lock);
    trial->sum += value;
    gc_lock_release(&trial->barrier->lock);
}

void gc_trial_add_latencies(struct gc_trial *trial, const struct gc_histogram *latencies)
{
    gc_lock_acquire(&trial->barrier->lock);
    gc_histogram_add(trial->latencies, latencies);
    gc_lock_release(&trial->barrier->lock);
}

void gc_trial_fail(struct gc_trial *trial, const char *format, ...)
{
    gc_lock_acquire(&trial->barrier->lock);
    if (!trial->failed) {
        va_list args;
        va_start(args, format);
        gc_text_fit(trial->failure, sizeof(trial->failure), format, args);
        va_end(args);
        trial->failed = true;
    }
    gc_lock_release(&trial->barrier->lock);
}

/* --- checks on the way -------------------------------------------------------------- */

int gc_trial_check_possible(const struct gc_collector *collector,
        const struct gc_workload *workload, struct gc_error *error)
{
    if (workload->expect == NULL)
        return gc_error_set(error, -EINVAL,
                "workload %s has no model of what must be live: it can't be checked",
                workload->name);
    if ((collector->capabilities & GC_CAP_RECLAIMS) == 0)
        return gc_error_set(error, -EINVAL,
                "collector %s reclaims nothing: there is nothing to check on the way",
                collector->name);
    if (workload->drops_cycles && (collector->capabilities & GC_CAP_CYCLES) == 0)
        return gc_error_set(error, -EINVAL,
                "collector %s keeps cyclic garbage, and workload %s does not know how "
                "much "
                "of that it makes: they can't be checked together",
                collector->name, workload->name);
    return 0;
}

void gc_live_add(struct gc_live *live, const struct gc_mutator *m,
        const struct gc_type *type, uint32_t slots, uint32_t bytes, uint64_t count)
{
    const size_t prefix = gc_type_is_cyclic(type) ? m->prefix_bytes : 0;
    size_t cell = gc_type_size(type, slots, bytes) + prefix;
    if (cell <= GC_MEDIUM_BYTES) cell = gc_class_cell_bytes(gc_class_of_bytes(cell));
    live->objects += count;
    live->bytes += count * cell;
}

/* What is there, when nothing is left to be reclaimed. */
static void read_live(struct gc_mutator *m, struct gc_live *ret_live)
{
    struct gc_heap_stats stats;
    gc_quiesce(m);
    gc_stop_begin(m);
    gc_heap_read_stats(m->heap, &stats);
    gc_stop_end_unlogged(m);
    *ret_live = (struct gc_live){ stats.live_objects, stats.live_bytes };
}

/* All threads but this one wait. The workload is asked first: what a collection does can't
 * make it change its mind. */
static void check(struct gc_trial *trial, struct gc_mutator *m)
{
    struct gc_check *check = &trial->checks[trial->checks_made++];
    check->at_ns = gc_os_now_ns() - trial->start_ns - trial->unmeasured_ns;
    gc_trial_unmeasured_begin(trial);
    trial->workload->expect(m, trial, &check->expected);
    read_live(m, &check->live);
    check->rss_bytes = gc_os_rss_bytes();
    gc_trial_unmeasured_end(trial);
    if (check->live.objects != check->expected.objects ||
            check->live.bytes != check->expected.bytes)
        gc_trial_fail(trial,
                "at check %u of %u %llu objects of %llu bytes are live, where %llu of "
                "%llu are due by the workload's model",
                trial->checks_made, trial->checks_wanted,
                (unsigned long long)check->live.objects,
                (unsigned long long)check->live.bytes,
                (unsigned long long)check->expected.objects,
                (unsigned long long)check->expected.bytes);
}

/* The first thread checks, while all others stay in one blocked region. */
static void check_together(struct gc_trial *trial, struct gc_mutator *m, uint32_t i)
{
    if (i == 0) {
        gc_trial_wait(trial, m);
        check(trial, m);
        gc_trial_wait(trial, m);
        return;
    }
    gc_blocked_begin(m);
    gc_trial_barrier_meet(trial->barrier);
    gc_trial_barrier_meet(trial->barrier);
    gc_blocked_end(m);
}

bool gc_trial_next_part(struct gc_trial *trial, struct gc_mutator *m, uint32_t i,
        uint64_t n, struct gc_trial_part *part)
{
    const uint32_t parts = trial->checks_wanted > 0 ? trial->checks_wanted : 1;
    uint64_t first, end;
    if (part->number > 0 && trial->checks_wanted > 0) check_together(trial, m, i);
    if (part->number == parts) return false;
    gc_trial_share(trial, i, n, &first, &end);
    part->first = first + (end - first) * part->number / parts;
    part->number++;
    part->end = first + (end - first) * part->number / parts;
    return true;
}
