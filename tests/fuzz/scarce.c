/* SPDX-License-Identifier: MIT */
/* scarce.c - threads that race for the slots of one table, under a limit of the heap, with a request
 * for memory or a thread that fails. Compiled for one protocol.
 *
 * No shadow can say what a race leaves; so what must hold is that every object that is found is
 * one that was made, that the heap verifies, and that when all is dropped nothing is left that the
 * collector promises to find. */
#include "tests/fuzz/scarce.h"

#include "core/mutator.h"
#include "core/os.h"
#include "core/plugin.h"
#include "core/verify.h"

#define PASTE2(name, protocol) name##_##protocol
#define PASTE(name, protocol)  PASTE2(name, protocol)

enum { THREADS = 3, SLOTS = 6, LOCALS = 3, KEY = 0x5eed };

struct node {
    struct gc_object header;
    struct node *left, *right;
    uint64_t key;
};

static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    (void)m;
    gc_require(((struct node *)(void *)object)->key == KEY, "no node is finalized");
    return 0;
}

static int call_back(struct gc_mutator *m, struct gc_weak *weak, struct gc_object *data)
{
    (void)m, (void)weak;
    gc_require(data == NULL || ((struct node *)(void *)data)->key == KEY,
            "a callback with what is no node");
    return 0;
}

static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type care_type =
        GC_TYPE(struct node, .slots = 2, .finalize = finalize);
static const struct gc_type table_type = GC_ARRAY_TYPE("table", .flags = GC_TYPE_ARRAY);
static const struct gc_type bytes_type =
        GC_ARRAY_TYPE("bytes", .flags = GC_TYPE_ARRAY | GC_TYPE_LEAF);

struct run {
    struct gc_heap *heap;
    struct gc_array *table; /* a root */
    struct gc_root_range range;
    const uint8_t *bytes[THREADS + 1]; /* each thread's, to the next one's */
    bool has_immortals;                /* written by one mutator before it looks at it */
};

struct part {
    struct run *run;
    uint32_t number;
};

struct locals {
    struct gc_frame frame;
    struct gc_array *table;
    struct node *node[LOCALS];
    struct gc_array *bytes;
    struct gc_weak *weak;
};

static void exhausted(struct gc_mutator *m, size_t bytes, void *argument)
{
    (void)m, (void)bytes, (void)argument;
}

static void make(struct gc_mutator *m, struct locals *at, uint32_t i, bool cares)
{
    if (gc_new(m, &at->node[i], cares ? &care_type : &node_type)) at->node[i]->key = KEY;
}

/* Longer than a drop may recurse, and than what is set aside has room for. */
static void make_chain(struct gc_mutator *m, struct locals *at, uint32_t nodes)
{
    struct locals inner;
    gc_enter(m, inner);
    for (uint32_t n = 0; n < nodes; n++) {
        make(m, &inner, 0, n % 8 == 7);
        if (inner.node[0] == NULL) break;
        gc_give(m, inner.node[0], left, &inner.node[1]);
        gc_move(m, &inner.node[1], &inner.node[0]);
    }
    gc_move(m, &at->node[0], &inner.node[1]);
    gc_leave(m, inner);
}

static void look_at(const struct locals *at)
{
    for (int i = 0; i < LOCALS; i++)
        gc_require(at->node[i] == NULL || at->node[i]->key == KEY, "a node of no key");
}

/* Operations on the table. */
static bool race(struct gc_mutator *m, struct locals *at, uint32_t op, uint32_t a)
{
    struct node **node = &at->node[a % LOCALS], **other = &at->node[a / LOCALS % LOCALS];
    uint32_t i = a / 16 % SLOTS;
    switch (op) {
    case 0:
        gc_load_shared(m, node, at->table, slot[i]);
        return true;
    case 1:
        gc_store_shared(m, at->table, slot[i], *node);
        return true;
    case 2:
        gc_exchange(m, at->table, slot[i], node);
        return true;
    case 3:
        (void)gc_compare_exchange(m, at->table, slot[i], *node, *other);
        return true;
    case 4:
        if (*node != NULL) gc_load_shared(m, other, *node, left);
        return true;
    case 5:
        if (*node != NULL) gc_store_shared(m, *node, left, *other);
        return true;
    case 6:
        gc_read_begin(m);
        gc_load_shared(m, node, at->table, slot[i]);
        gc_read_end(m);
        return true;
    default:
        return false;
    }
}

static void act(
        struct run *run, struct gc_mutator *m, struct locals *at, uint32_t op, uint32_t a)
{
    struct node **node = &at->node[a % LOCALS];
    static const uint32_t sizes[] = { 16, 1000, 9000, 70000, 1 << 20, 5 << 20 };
    if (race(m, at, op, a)) return;
    switch (op) {
    case 7:
    case 8:
        make(m, at, a % LOCALS, op == 8);
        break;
    case 9:
        gc_clear(m, node);
        break;
    case 10:
        if (*node != NULL && gc_new_weak(m, &at->weak, *node, call_back, at->node[0]))
            look_at(at);
        break;
    case 11:
        if (at->weak != NULL) gc_load_weak(m, node, at->weak);
        break;
    case 12:
        if (gc_new_array(m, &at->bytes, &bytes_type, 0, sizes[a % 6])) look_at(at);
        break;
    case 13:
        make_chain(m, at, a * 4);
        break;
    case 14:
        gc_collect(m, (int)(a % GC_GENERATIONS));
        break;
    default:
        if (a == 77 && *node != NULL) {
            run->has_immortals = true;
            gc_immortalize(m, &(*node)->header);
        }
        gc_blocked_begin(m);
        gc_schedule_yield();
        gc_blocked_end(m);
    }
}

static void run_part(struct gc_mutator *m, void *argument)
{
    struct part *part = argument;
    struct run *run = part->run;
    struct locals at;
    gc_enter(m, at);
    gc_load_root_shared(m, &at.table, &run->table);
    const uint8_t *byte = run->bytes[part->number], *end = run->bytes[part->number + 1];
    for (; at.table != NULL && byte + 1 < end; byte += 2) {
        act(run, m, &at, byte[0] % 16, byte[1]);
        look_at(&at);
    }
    gc_leave(m, at);
}

static void run_threads(struct run *run, struct gc_mutator *m)
{
    struct gc_mutator_thread threads[THREADS];
    struct part parts[THREADS];
    bool started[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        parts[i] = (struct part){ run, i };
        started[i] = gc_spawn(m, &threads[i], run_part, &parts[i],
                             run->table != NULL ? &run->table->header : NULL) == 0;
    }
    for (uint32_t i = 0; i < THREADS; i++)
        if (started[i]) gc_join(m, &threads[i]);
}

/* When nothing is refused any more. */
static void check_end(struct run *run, struct gc_mutator *m, uint32_t promised)
{
    struct gc_error error = { "" };
    struct gc_heap_stats stats;
    gc_os_fail_allocation(0);
    int result = gc_verify(m, 3, &error);
    gc_require(result == 0, "the heap is unsound: %s", error.text);
    gc_store_root_null(m, &run->table);
    gc_quiesce(m);
    gc_quiesce(m);
    gc_heap_read_stats(run->heap, &stats);
    gc_require(run->has_immortals || promised == 0 || stats.live_objects == 0,
            "%llu objects are left of nothing", (unsigned long long)stats.live_objects);
    struct gc_stall_log *stalls = gc_heap_read_stalls(run->heap);
    gc_require(stalls != NULL, "there is no memory");
    gc_os_free(stalls);
}

static void run_scarce(struct gc_heap_config *config, struct fuzz_reader *reader)
{
    struct run run = { .heap = NULL };
    struct gc_mutator *m;
    struct gc_error error = { "" };
    uint32_t limit = fuzz_next(reader), failing = fuzz_next(reader);
    config->limit_bytes = limit % 2 == 0 ? 0 : (limit / 2 + 4) * (size_t)65536;
    config->on_exhausted = exhausted;
    gc_os_fail_allocation(failing);
    if (gc_heap_create(config, &run.heap, &error) != 0) {
        gc_os_fail_allocation(0);
        gc_require(error.text[0] != '\0', "an error says nothing");
        return;
    }
    size_t share = (size_t)(reader->end - reader->at) / THREADS;
    for (uint32_t i = 0; i <= THREADS; i++)
        run.bytes[i] = reader->at + i * share;
    if (gc_attach(run.heap, &m) == 0) {
        gc_roots_add(run.heap, &run.range, (gc_slot *)(void *)&run.table, 1);
        struct locals at;
        gc_enter(m, at);
        if (gc_new_array(m, &at.table, &table_type, SLOTS, 0))
            gc_store_root_shared(m, &run.table, at.table);
        gc_leave(m, at);
        run_threads(&run, m);
        uint32_t both = GC_CAP_RECLAIMS | GC_CAP_CYCLES;
        check_end(&run, m, (config->collector->capabilities & both) == both);
        gc_roots_remove(run.heap, &run.range);
        gc_detach(m);
    }
    gc_os_fail_allocation(0);
    gc_heap_destroy(run.heap);
}

fuzz_scarce_fn PASTE(fuzz_scarce, GC_PROTOCOL_NAME)(void);

fuzz_scarce_fn PASTE(fuzz_scarce, GC_PROTOCOL_NAME)(void)
{
    return run_scarce;
}
