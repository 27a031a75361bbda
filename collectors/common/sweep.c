/* SPDX-License-Identifier: MIT */
/* sweep.c - the part of a tracing collection that is no policy. */
#include "collectors/common/sweep.h"

#include "core/mutant.h"
static void mark(struct gc_object *object, void *argument)
{
    gc_tracer_mark_stw(argument, object);
}

static bool is_unmarked(struct gc_object *object)
{
    return gc_sweep_is_unmarked(object);
}

void gc_sweep_mark_stw(struct gc_tracer *tracer, struct gc_due *due)
{
    gc_tracer_begin_stw(tracer);
    gc_tracer_mark_roots_stw(tracer);
    gc_tracer_drain_stw(tracer);
    gc_due_clear_weak(due, is_unmarked);
    gc_due_find_finalizers(due, is_unmarked, mark, tracer);
    if (!gc_broken(DUE_TRACED)) gc_tracer_drain_stw(tracer);
}

void gc_sweep_begin_stw(struct gc_heap *heap)
{
    gc_for_each_mutator (home, heap)
        if (!gc_broken(RUNS_FLUSHED)) gc_runs_flush(home);
}
