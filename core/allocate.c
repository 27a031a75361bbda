/* SPDX-License-Identifier: MIT */
/* allocate.c - allocation, out of line: everything that the fast path does not do. */
#include "core/allocate.h"

#include "core/collector.h"
#include "core/mutant.h"
#include "core/os.h"

/* The budget of objects that can be in a cycle is used up. */
static void spend(struct gc_mutator *m)
{
    const struct gc_collector *collector = m->heap->collector;
    if (m->budget > 0) {
        m->budget--;
        return;
    }
    if (collector->on_budget == NULL) {
        m->budget = m->budget_limit = m->budget_granted = INT32_MAX;
        return;
    }
    uint64_t before = gc_atomic_load_relaxed(&m->heap->collections);
    collector->on_budget(m);
    /* A collection that this allocation set off has counted it: it starts from zero. */
    if (gc_atomic_load_relaxed(&m->heap->collections) == before) m->budget--;
}

bool gc_relieve(struct gc_mutator *m, size_t bytes, int *attempt)
{
    struct gc_heap *heap = m->heap;
    uint64_t start = gc_stall_clock();
    if (heap->collector->threaded && *attempt < 2 && gc_worker_await(m)) {
        *attempt = 1; /* what was under way may do; if not, one more follows */
        gc_stall_record(m->stalls, GC_STALL_allocation, start, 1);
        return true;
    }
    if (*attempt < 2) {
        ++*attempt;
        gc_collect_wait(m);
        if (!gc_broken(RELIEF_COLLECTS)) gc_collect(m, GC_GENERATIONS - 1);
        gc_collect_wait(m);      /* if another one's has begun first */
        if (heap->type_stable) { /* a stop takes in what died elsewhere, and empty blocks */
            gc_stop_begin(m);
            gc_stop_end_unlogged(m);
        }
        gc_stall_record(m->stalls, GC_STALL_allocation, start, 1);
        return true;
    }
    if (heap->on_exhausted == NULL)
        gc_fatal("out of memory: %zu bytes do not fit in the heap", bytes);
    heap->on_exhausted(m, bytes, heap->hook_argument);
    return false;
}

static void relieve_pressure(struct gc_mutator *m, size_t bytes)
{
    struct gc_heap *heap = m->heap;
    if (heap->collector->on_pressure == NULL) return;
    size_t trigger = gc_atomic_load_relaxed(&heap->trigger_bytes);
    size_t taken = gc_atomic_load_relaxed(&heap->taken_trigger);
    if ((trigger != 0 && gc_atomic_load_relaxed(&heap->bytes) + bytes > trigger) ||
            (taken != 0 && gc_atomic_load_relaxed(&heap->taken_bytes) > taken))
        heap->collector->on_pressure(m, bytes);
}

static struct gc_object *take_cell(struct gc_mutator *m, bool cyclic, uint32_t class)
{
    struct gc_run *run = &m->runs[cyclic][class];
    int attempt = 0;
    if (run->free == NULL) relieve_pressure(m, GC_BLOCK_BYTES);
    while (run->free == NULL) {
        if (gc_run_refill(m, cyclic, class)) break;
        if (gc_pace_wait(m, GC_BLOCK_BYTES)) continue;
        struct gc_block *block = gc_block_new(m, cyclic, class);
        if (block != NULL && gc_run_begin(m, run, block)) break;
        if (!gc_relieve(m, GC_BLOCK_BYTES, &attempt)) return NULL;
    }
    struct gc_object *object = run->free;
    run->free = *gc_cell_link(object);
    return object;
}

static struct gc_object *take_span(struct gc_mutator *m, size_t bytes, uint32_t prefix)
{
    if (bytes > UINT32_MAX) {
        int hopeless = 2;
        bool again = gc_relieve(m, bytes, &hopeless);
        gc_assert(!again, "a hopeless allocation is tried again");
        (void)again;
        return NULL;
    }
    relieve_pressure(m, bytes);
    while (gc_pace_wait(m, bytes))
        ; /* there was news, but not enough */
    int attempt = 0;
    struct gc_object *object;
    while ((object = gc_span_new(m, bytes, prefix)) == NULL)
        if (!gc_relieve(m, bytes, &attempt)) return NULL;
    return object;
}

/* Puts the reference to a new object, or NULL, into a local. */
static void put(struct gc_mutator *m, gc_slot *local, struct gc_object *object)
{
    const struct gc_protocol *protocol = m->heap->protocol;
    struct gc_object *old = *local;
    *local = object;
    if (old != NULL && protocol->drop != NULL) protocol->drop(m, old);
}

static void clear_body(struct gc_object *object, const struct gc_type *type, size_t size,
        uint32_t slots, uint32_t bytes)
{
    gc_slot *first = (gc_slot *)(void *)(object + 1);
    uint32_t count = type->slots;
    if ((type->flags & GC_TYPE_ARRAY) != 0) {
        struct gc_array *array = (struct gc_array *)(void *)object;
        array->slots = slots;
        array->bytes = bytes;
        first = array->slot;
        count = slots;
    } else if (type->trace != NULL) {
        /* where its slots lie is the type's business: all of it is NULL */
        count = (uint32_t)((size - sizeof(*object)) / sizeof(gc_slot));
    }
    for (uint32_t i = 0; i < count; i++)
        gc_atomic_slot_store_relaxed(&first[i], NULL);
}

/* Makes room for one more object with a finalizer, before it has a cell: between a cell's
 * leaving its block and the birth there is no safepoint. */
static bool reserve_finalizer(struct gc_mutator *m)
{
    int attempt = 0;
    while (!gc_finalizable_reserve(m->heap))
        if (!gc_relieve(m, sizeof(struct gc_object *), &attempt)) return false;
    return true;
}

bool gc_new_slow(struct gc_mutator *m, gc_slot *local, const struct gc_type *type,
        uint32_t slots, uint32_t bytes)
{
    struct gc_heap *heap = m->heap;
    gc_safepoint(m);
    gc_assert((type->flags & GC_TYPE_LEAF) == 0 || slots == 0,
            "an object of leaf type %s is to have slots", type->name);
    if (gc_type_id(type) == 0) {
        int result = gc_type_register(type);
        gc_require(result == 0, "type %s can't be registered: error %d", type->name,
                -result);
    }
    const bool cyclic = gc_type_is_cyclic(type);
    const uint32_t prefix = cyclic ? m->prefix_bytes : 0;
    const size_t size = gc_type_size(type, slots, bytes);
    const bool registers = heap->collector->implicit_deaths && type->finalize != NULL;
    if (cyclic) spend(m);
    struct gc_object *object = NULL;
    const bool reserved = registers && reserve_finalizer(m);
    if (reserved == registers)
        object = size + prefix <= GC_MEDIUM_BYTES
                         ? take_cell(m, cyclic, gc_class_of_bytes(size + prefix))
                         : take_span(m, size + prefix, prefix);
    if (object == NULL) {
        if (reserved) gc_finalizable_settle(heap, NULL);
        put(m, local, NULL);
        return false;
    }
    gc_birth(m, object, type, gc_type_id(type), cyclic);
    clear_body(object, type, size, slots, bytes);
    /* Where the cell has it already somebody may be adding to it (protocol/eager.h).
     * [sync AT2] release, the last of all fields: pairs with the look of who sweeps beside
     * us (sweep.c). */
    if (m->free_count != m->birth_count || gc_broken(BIRTH_LEAVES))
        gc_atomic_store_release(&object->count, m->birth_count);
    if (reserved) gc_finalizable_settle(heap, object);
    put(m, local, object);
    return true;
}
