/* SPDX-License-Identifier: MIT */
/* execute.c - runs a heap program, compiled for one protocol. */
#include "tests/program/account.h"
#include "tests/program/act.h"
#include "tests/program/life.h"
#include "tests/program/make.h"
#include "tests/program/shape.h"
#include "tests/program/watch.h"
#include "tests/program/workers.h"

#include "core/plugin.h"
/* --- operations ---------------------------------------------------------------------- */

static void op_tuple(struct actor *x, struct scope *s, const uint16_t *a)
{
    uint32_t n = a[3] % 4 == 0 ? 2 : 3; /* the third one may be left out */
    struct scope inner;
    for (uint32_t i = 0; i < n; i++)
        fetch(x, s, (int)i + 1, a[i + 1]);
    scope_enter(x, &inner);
    make(x, &inner, 0, n == 2 ? PROGRAM_TUPLE2 : PROGRAM_TUPLE3, n, 0);
    move_temp(x, s, 0, &inner, 0);
    scope_leave(x, &inner);
    for (uint32_t i = 0; i < n; i++)
        store(x, s, 0, i, (int)i + 1, FIRST);
    put(x, s, 0, a[0]);
}

static void op_box(struct actor *x, struct scope *s, const uint16_t *a)
{
    make(x, s, 0, PROGRAM_BOX, 1, 0);
    make(x, s, 1, PROGRAM_LEAF, 0, 0);
    store(x, s, 0, 0, 1, FIRST);
    put(x, s, 0, a[0]);
}

/* Rings that hold on to each other through a hub, and the hub through them. */
static void op_compound(struct actor *x, struct scope *s, const uint16_t *a)
{
    uint32_t rings = a[1] % 6 + 1;
    make(x, s, 0, PROGRAM_ARRAY, rings, 0);
    for (uint32_t i = 0; i < rings; i++) {
        make_ring(x, s, 1, a[2] % 6 + 1, (enum ring_mix)(i % RING_MIXES), i);
        store(x, s, 0, i, 1, FIRST);
        store(x, s, 1, 2, i % 2 == 0 ? 0 : 2, PLAIN);
        clear_temp(x, s, 2);
        move_temp(x, s, 2, s, 1);
    }
    put(x, s, 0, a[0]);
}

/* A ring of one, whose finalizer makes a weak reference to it, and a leaf that a callback
 * watches: this one runs while a collector clears the ring, and looks for what the
 * finalizer has left. */
static void op_watched(struct actor *x, struct scope *s, const uint16_t *a)
{
    make_finalized(x, s, 0, PROGRAM_FINALIZE_WEAK);
    make(x, s, 1, PROGRAM_LEAF, 0, 0);
    store(x, s, 0, 2, 1, FIRST);
    store(x, s, 0, 0, 0, FIRST);
    make_weak(x, s, 1, 2, true);
    clear_temp(x, s, 1);
    put(x, s, 0, a[0]);
    put(x, s, 2, a[1]);
}

static void op_burst(struct actor *x, struct scope *s, const uint16_t *a)
{
    for (uint32_t i = 0; i < a[0]; i++) {
        if (a[2] % 2 == 0)
            make_chain(x, s, 0, a[1] % 16 + 1, -1);
        else
            make_ring(x, s, 0, a[1] % 16 + 1, RING_NODES, 0);
        clear_temp(x, s, 0);
    }
}

static void op_make(
        struct actor *x, struct scope *s, enum program_op_kind kind, const uint16_t *a)
{
    if (kind == PROGRAM_new_node)
        make(x, s, 0, (enum program_kind)(PROGRAM_NODE2 + a[1] % 3), 0, 0);
    else if (kind == PROGRAM_new_finalized)
        make_finalized(x, s, 0, a[1]);
    else if (kind == PROGRAM_new_irregular)
        make(x, s, 0, PROGRAM_IRREGULAR, 3, 0);
    else if (kind == PROGRAM_new_array)
        make(x, s, 0, PROGRAM_ARRAY, a[1] % 800, a[2] & ~7u);
    else if (kind == PROGRAM_new_leaf)
        make(x, s, 0, a[1] == 0 ? PROGRAM_LEAF : PROGRAM_LEAF_ARRAY, 0, a[1] & ~7u);
    else if (kind == PROGRAM_ring)
        make_ring(x, s, 0, a[1] % 64 + 1, (enum ring_mix)(a[2] % RING_MIXES), a[3]);
    put(x, s, 0, a[0]);
}

static void op_chain(struct actor *x, struct scope *s, const uint16_t *a)
{
    fetch(x, s, 0, a[2]);
    make_chain(x, s, 1, a[1] % 64 + 1, 0);
    put(x, s, 1, a[0]);
}

static void op_load(struct actor *x, struct scope *s, const uint16_t *a)
{
    fetch(x, s, 0, a[1]);
    struct held in = held_by(x, s, 0);
    x->idle = in.slots == 0;
    if (x->idle) return;
    load(x, s, 1, 0, a[2] % in.slots, a[3] % 2 == 1);
    put(x, s, 1, a[0]);
}

static void op_exchange(
        struct actor *x, struct scope *s, const uint16_t *a, uint32_t slot)
{
    struct program_any *holder = s->temps.at[0];
    shadow_lock(x->run);
    struct shadow_object *object = &x->run->shadow.objects[s->shadow.id[0]];
    uint32_t old = object->slot[slot];
    object->slot[slot] = s->shadow.id[1];
    s->shadow.id[1] = old;
    slot += program_first_slot(object->kind);
    shadow_unlock(x->run);
    gc_exchange(x->m, holder, slot[slot], &s->temps.at[1]);
    put(x, s, 1, a[2]);
}

static void op_compare_exchange(struct actor *x, struct scope *s, uint32_t slot)
{
    struct program_any *holder = s->temps.at[0];
    shadow_lock(x->run);
    struct shadow_object *object = &x->run->shadow.objects[s->shadow.id[0]];
    bool due = object->slot[slot] == s->shadow.id[1];
    if (due) object->slot[slot] = s->shadow.id[2];
    slot += program_first_slot(object->kind);
    shadow_unlock(x->run);
    bool done =
            gc_compare_exchange(x->m, holder, slot[slot], s->temps.at[1], s->temps.at[2]);
    if (done != due) program_fail("compare_exchange says %d instead of %d", done, due);
}

static void op_copy(struct actor *x, struct scope *s, const uint16_t *a)
{
    fetch(x, s, 0, a[0]);
    fetch(x, s, 1, a[1]);
    struct held to = held_by(x, s, 0), from = held_by(x, s, 1);
    x->idle = !to.is_mutable || from.slots == 0;
    if (x->idle) return;
    uint32_t most = to.slots < from.slots ? to.slots : from.slots;
    uint32_t count = a[2] % most + 1;
    struct program_any *holder = s->temps.at[0], *source = s->temps.at[1];
    shadow_lock(x->run);
    struct shadow_object *objects = x->run->shadow.objects;
    for (uint32_t i = 0; i < count; i++)
        objects[to.id].slot[i] = objects[from.id].slot[i];
    shadow_unlock(x->run);
    uint32_t first = program_first_slot(to.kind);
    gc_copy_slots(x->m, holder, slot[first], source, slot[program_first_slot(from.kind)],
            count);
}

/* Operations that write a slot of what the first place holds. */
static void op_write(
        struct actor *x, struct scope *s, enum program_op_kind kind, const uint16_t *a)
{
    fetch(x, s, 0, a[0]);
    struct held in = held_by(x, s, 0);
    x->idle = !in.is_mutable;
    if (x->idle) return;
    uint32_t slot = a[1] % in.slots;
    if (kind == PROGRAM_store_null) {
        store_null(x, s, 0, slot);
        return;
    }
    fetch(x, s, 1, a[2]);
    if (kind == PROGRAM_store) {
        store(x, s, 0, slot, 1, a[3] % 2 == 0 ? PLAIN : SHARED);
    } else if (kind == PROGRAM_give) {
        drop_place(x, a[2]);
        uint32_t at = begin_slot(x, s, 0, slot, s->shadow.id[1]);
        set_temp(x, s, 1, 0);
        gc_give(x->m, s->temps.at[0], slot[at], &s->temps.at[1]);
    } else if (kind == PROGRAM_exchange) {
        op_exchange(x, s, a, slot);
    } else {
        fetch(x, s, 2, a[3]);
        op_compare_exchange(x, s, slot);
    }
}

static void op_move(struct actor *x, struct scope *s, const uint16_t *a)
{
    x->idle = a[0] % PROGRAM_PLACES == a[1] % PROGRAM_PLACES;
    if (x->idle) return;
    fetch(x, s, 0, a[1]);
    drop_place(x, a[1]);
    put(x, s, 0, a[0]);
}

static void op_read_weak(struct actor *x, struct scope *s, const uint16_t *a)
{
    struct run *run = x->run;
    struct shadow *shadow = &run->shadow;
    fetch(x, s, 0, a[1]);
    struct held in = held_by(x, s, 0);
    x->idle = in.slots == 0 || in.kind != PROGRAM_WEAK;
    if (x->idle) return;
    gc_load_weak(x->m, &s->temps.at[1], (struct gc_weak *)(void *)s->temps.at[0]);
    struct program_any *is = s->temps.at[1];
    shadow_lock(run);
    const struct shadow_object *known = &shadow->objects[in.id];
    const struct shadow_object *target = &shadow->objects[known->target];
    if (is != NULL) {
        if (&is->header != target->address)
            program_fail("a weak reference gives another object: %s gives %p, not %s",
                    shadow_name(shadow, in.id).text, (void *)is,
                    shadow_name(shadow, known->target).text);
        shadow_revive(shadow, known->target);
        s->shadow.id[1] = known->target;
    } else if (!shadow_may_be_cleared(shadow, in.id)) {
        uint32_t mark = shadow_reach(shadow, 0);
        if (shadow_is(shadow, known->target, mark))
            program_fail(
                    "a weak reference was cleared too early: %s gives nothing, but %s "
                    "is reachable: %s",
                    shadow_name(shadow, in.id).text,
                    shadow_name(shadow, known->target).text,
                    shadow_path(shadow, known->target).text);
    }
    shadow_unlock(run);
    put_view(x, s, 1, a[0]);
}

/* The view may hold what the program could still reach: then it is so everywhere. */
static void op_cut_view(struct actor *x, struct scope *s, const uint16_t *a)
{
    struct run *run = x->run;
    uint32_t view = a[0] % PROGRAM_VIEWS;
    x->idle = run->window; /* it may be the other worker's */
    if (x->idle) return;
    shadow_lock(run);
    s->shadow.id[0] = run->shadow.views[x->worker][view];
    shadow_unlock(run);
    gc_load_root(x->m, &s->temps.at[0], &run->roots.views[x->worker][view]);
    struct held in = held_by(x, s, 0);
    x->idle = !in.is_mutable;
    if (!x->idle) store_null(x, s, 0, a[1] % in.slots);
}

/* --- collections, checks, threads ---------------------------------------------------- */

static void check_heap(struct actor *x, bool quiesce)
{
    struct run *run = x->run;
    if (quiesce) gc_quiesce(x->m);
    /* What was to be a collection may have been left without memory. */
    if (quiesce && run->settings.fail != 0) gc_quiesce(x->m);
    x->idle = run->window && !quiesce;
    if (run->window) return;
    gc_collect_wait(x->m); /* it may run finalizers on a thread of its own */
    struct program_check check = {
        .shadow = &run->shadow,
        .roots = &run->roots,
        .capabilities = run->capabilities,
        .quiesced = quiesce && !run->frozen,
    };
    for (int w = 0; w < PROGRAM_WORKERS; w++)
        check.locals[w] = (const gc_slot *)(const void *)run->locals[w]->local;
    program_host->tally->checks++;
    run->digest = run->digest * 31 + program_check(x->m, &check);
    life_look(x);
}

static void op_adopt(struct actor *x, struct scope *s, const uint16_t *a)
{
    x->idle = x->run->window;
    if (x->idle) return;
    struct actor other = *x;
    other.worker = 1 - x->worker;
    fetch(&other, s, 0, a[1]);
    drop_place(&other, a[1]);
    put(x, s, 0, a[0]);
}

/* Whether the whole heap is exempt from collection. */
static void op_freeze(struct actor *x, bool freeze)
{
    struct run *run = x->run;
    x->idle = run->window;
    if (x->idle) return;
    if (freeze)
        gc_freeze(x->m);
    else
        gc_unfreeze(x->m);
    run->frozen = freeze && promises(run, GC_CAP_FREEZE);
}

/* What concerns the whole heap, and is done by the first thread. */
static void op_heap(struct actor *x, enum program_op_kind kind, const uint16_t *a)
{
    struct run *run = x->run;
    if (kind == PROGRAM_collect) {
        if (gc_collect(x->m, a[0] % 3) < 0) program_fail("gc_collect() returns an error");
    } else if (kind == PROGRAM_threshold) {
        int error = gc_threshold_set(x->m, a[0] % 3, a[1]);
        /* a second thread may set the same one in between */
        if (error != 0 || (!run->window && gc_threshold_get(x->m, a[0] % 3) != a[1]))
            program_fail("a threshold can't be set");
    } else if (kind == PROGRAM_freeze || kind == PROGRAM_unfreeze) {
        op_freeze(x, kind == PROGRAM_freeze);
    } else if (kind == PROGRAM_disable) {
        gc_disable(x->m);
    } else if (kind == PROGRAM_enable) {
        gc_enable(x->m);
    } else if (kind == PROGRAM_safepoint) {
        gc_safepoint(x->m);
    } else if (kind == PROGRAM_quiesce || kind == PROGRAM_check) {
        check_heap(x, kind == PROGRAM_quiesce);
    }
}

static void op_set(struct actor *x, struct scope *s, const uint16_t *a)
{
    fetch(x, s, 0, a[1]);
    put(x, s, 0, a[0]);
}

static void op_drop(struct actor *x, struct scope *s, const uint16_t *a)
{
    (void)s;
    drop_place(x, a[0]);
}

static void op_drop_view(struct actor *x, struct scope *s, const uint16_t *a)
{
    put_view(x, s, 0, a[0]);
}

static void op_drop_back(struct actor *x, struct scope *s, const uint16_t *a)
{
    /* While two threads run, a finalizer may be writing it. */
    x->idle = x->run->window;
    if (!x->idle) put_back(x, s, 0, a[0], 0);
}

static void op_new_weak(struct actor *x, struct scope *s, const uint16_t *a)
{
    fetch(x, s, 0, a[1]);
    x->idle = held_by(x, s, 0).id == 0;
    if (x->idle) return;
    make_weak(x, s, 0, 1, a[2] % 2 == 1);
    put(x, s, 1, a[0]);
}

static void operate(struct actor *x, struct scope *s, const struct program_op *op)
{
    static void (*const plain[PROGRAM_OP_COUNT])(
            struct actor * x, struct scope * s, const uint16_t *a) = {
        [PROGRAM_new_tuple] = op_tuple,
        [PROGRAM_new_box] = op_box,
        [PROGRAM_chain] = op_chain,
        [PROGRAM_compound] = op_compound,
        [PROGRAM_burst] = op_burst,
        [PROGRAM_watched] = op_watched,
        [PROGRAM_load] = op_load,
        [PROGRAM_copy_slots] = op_copy,
        [PROGRAM_set] = op_set,
        [PROGRAM_move] = op_move,
        [PROGRAM_drop] = op_drop,
        [PROGRAM_new_weak] = op_new_weak,
        [PROGRAM_read_weak] = op_read_weak,
        [PROGRAM_drop_view] = op_drop_view,
        [PROGRAM_cut_view] = op_cut_view,
        [PROGRAM_drop_back] = op_drop_back,
        [PROGRAM_blocked] = op_blocked,
        [PROGRAM_churn] = op_churn,
        [PROGRAM_spawn] = op_spawn,
        [PROGRAM_join] = op_join,
        [PROGRAM_adopt] = op_adopt,
    };
    enum program_op_kind kind = (enum program_op_kind)op->kind;
    const uint16_t *a = op->arguments;
    if (plain[kind] != NULL)
        plain[kind](x, s, a);
    else if (kind <= PROGRAM_ring)
        op_make(x, s, kind, a);
    else if (kind <= PROGRAM_compare_exchange)
        op_write(x, s, kind, a);
    else
        op_heap(x, kind, a);
}

/* After an operation: what is counted of it, and a look at the heap where it is time. */
static void done(struct actor *x, const struct program_op *op)
{
    struct run *run = x->run;
    uint32_t last = run->last[x->thread];
    if (!x->idle) {
        if (last != 0 && program_host->pair != NULL)
            program_host->pair(run->program, last - 1, op->kind);
        run->last[x->thread] = op->kind + 1u;
    }
    merge_often(x);
    if (x->thread != 0) return; /* the tally is the first thread's */
    program_host->tally->operations++;
    uint32_t every = program_host->object != 0 ? 1 : run->settings.check;
    if (every > 0 && ++run->operations % every == 0) check_heap(x, false);
}

/* `only` is a worker; -1: both, but for what another thread does. */
static void run_operations(struct actor *x, size_t first, size_t end, int only)
{
    struct run *run = x->run;
    for (size_t i = first; i < end; i++) {
        const struct program_op *op = &run->program->ops[i];
        if (only >= 0 && op->worker != only) continue;
        if (only < 0 && run->spawned && op->worker != 0) continue;
        struct actor actor = *x;
        actor.worker = op->worker;
        actor.operation = i + 1;
        gc_atomic_store_relaxed(&program_host->at[op->worker], (uint32_t)i + 1);
        struct scope s;
        shadow_lock(run);
        run->shadow.began_at[x->thread] = ++run->shadow.clock;
        shadow_unlock(run);
        program_trace(x->thread, "operation", i + 1);
        scope_enter(&actor, &s);
        operate(&actor, &s, op);
        scope_leave(&actor, &s);
        done(&actor, op);
    }
}

/* Drops everything, and what finalizers bring back, too. */
static void let_go(struct actor *x)
{
    struct run *run = x->run;
    struct scope s;
    for (uint32_t w = 0; w < PROGRAM_WORKERS; w++) {
        struct actor worker = { .run = run, .m = x->m, .worker = w };
        for (uint32_t i = 0; i < PROGRAM_PLACES; i++)
            drop_place(&worker, i);
        scope_enter(&worker, &s);
        for (uint32_t i = 0; i < PROGRAM_VIEWS; i++)
            put_view(&worker, &s, 0, i);
        scope_leave(&worker, &s);
    }
    drop_board(x);
    for (;;) {
        gc_quiesce(x->m);
        bool any = false;
        for (uint32_t thread = 0; thread < PROGRAM_THREADS; thread++) {
            for (uint32_t i = 0; i < PROGRAM_BACKS; i++) {
                shadow_lock(run);
                any |= run->shadow.backs[thread][i] != 0;
                run->shadow.backs[thread][i] = 0;
                shadow_unlock(run);
                gc_store_root_null(x->m, &run->roots.backs[thread][i]);
            }
        }
        if (!any) return;
    }
}

static void run_program(struct run *run)
{
    struct actor x = { .run = run, .m = run->first };
    for (int w = 0; w < PROGRAM_WORKERS; w++) {
        gc_enter(x.m, run->own_locals[w]);
        run->locals[w] = &run->own_locals[w];
    }
    if (run->settings.sleeper != 0) put_to_sleep(&x);
    make_board(&x);
    gc_os_fail_allocation(run->settings.fail);
    begin_scarcity(run);
    run_operations(&x, 0, run->program->count, -1);
    gc_os_fail_allocation(0);
    op_join(&x, NULL, NULL);
    end_scarcity(run);
    for (int w = 0; w < PROGRAM_WORKERS; w++) /* who reads them sees that all is done */
        gc_atomic_store_relaxed(&program_host->at[w], (uint32_t)run->program->count + 1);
    if (run->settings.sleeper != 0) wake_up(&x);
    gc_unfreeze(x.m);
    run->frozen = false;
    check_heap(&x, true);
    let_go(&x);
    check_heap(&x, true);
    for (int w = PROGRAM_WORKERS - 1; w >= 0; w--)
        gc_leave(x.m, run->own_locals[w]);
}

static void begin_schedule(const struct program_settings *s)
{
    bool begun = true;
    switch (s->schedule) {
    case PROGRAM_ROUND_ROBIN:
        begun = gc_schedule_begin(s->period);
        break;
    case PROGRAM_RANDOM:
        begun = gc_schedule_begin_random(s->seed, s->period);
        break;
    case PROGRAM_PRIORITIES:
        begun = gc_schedule_begin_priorities(s->seed, s->changes, s->length);
        break;
    default:
        gc_schedule_disturb(s->disturb);
        return;
    }
    gc_require(begun, "there is no schedule in this build");
    gc_schedule_wake_early(s->wakeups);
}

static void end_schedule(const struct program *program)
{
    gc_schedule_disturb(0);
    if (program->settings.schedule == PROGRAM_REAL) return;
    uint64_t moves = gc_schedule_end();
    program_host->tally->moves += moves;
    program_trace(0, PROGRAM_COUNTER "moves of the token", moves);
    program_trace(0, "schedule", gc_schedule_hash());
    if (moves > 0 && program_host->schedule != NULL)
        program_host->schedule(program, gc_schedule_hash());
}

/* False: the collector refuses its options, and may. */
static bool begin_heap(struct run *run, const struct program_config *config)
{
    struct gc_error error;
    struct gc_heap_config heap_config = {
        .collector = config->collector,
        .protocol = config->protocol,
        .options = config->options,
        .on_exhausted = give_room,
        .hook_argument = run,
    };
    if (gc_heap_create(&heap_config, &run->heap, &error) != 0) {
        if (config->may_refuse) return false;
        program_fail("a heap can't be made: %s", error.text);
    }
    if (gc_attach(run->heap, &run->first) != 0) program_fail("a mutator can't be made");
    gc_roots_add(run->heap, &run->range, (gc_slot *)(void *)&run->roots,
            sizeof(run->roots) / sizeof(gc_slot));
    run->observer = (struct gc_observer){ .notify = observe, .argument = run };
    gc_observer_add(run->first, &run->observer);
    return true;
}

static void end_heap(struct run *run)
{
    gc_observer_remove(run->first, &run->observer);
    gc_roots_remove(run->heap, &run->range);
    gc_detach(run->first);
    struct gc_heap_stats stats;
    gc_heap_read_stats(run->heap, &stats);
    if (stats.counters.callback_errors != run->errors)
        program_fail("the books don't balance: %llu errors of callbacks were counted, "
                     "%llu were returned",
                (unsigned long long)stats.counters.callback_errors,
                (unsigned long long)run->errors);
    tally(&stats, run->shadow.count - 1);
    program_host->tally->refusals += gc_atomic_load_relaxed(&run->given);
    trace_counters(&stats);
    gc_heap_destroy(run->heap);
}

static uint64_t execute(const struct program *program,
        const struct program_config *config, const struct program_host *host)
{
    static struct run run;
    run = (struct run){
        .program = program,
        .settings = program->settings,
        .capabilities = config->collector->capabilities,
    };
    if (run.settings.threads == 0) run.settings.threads = 2;
    program_host = host;
    running = &run;
    program_on_finalize = finalize;
    shadow_init(&run.shadow);
    begin_schedule(&run.settings);
    program_trace(0, PROGRAM_BEGIN, program->seed);
    if (begin_heap(&run, config)) {
        run_program(&run);
        end_heap(&run);
    } else {
        host->tally->refused++;
    }
    end_schedule(program);
    program_trace(0, PROGRAM_END, run.digest);
    shadow_finish(&run.shadow);
    return run.digest;
}

static const struct program_executor executor = { .execute = execute };

GC_PART(programs) = {
    GC_PART_HEADER(programs),
    .version = PROGRAM_VERSION,
    .what = &executor,
};
