/* SPDX-License-Identifier: MIT */
/* protocol_set.c - the set of a protocol: its loops (operations.c), and the heap that they
 * run on. Compiled once per protocol.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/operations.h"
#include "core/harness.h"
#include "core/protocol.h"

/* What all threads of a run share. */
static struct {
    pthread_mutex_t lock;
    uint32_t users;
    struct gc_heap *heap;
    struct gc_root_range range;
    struct node *root; /* the one holder of a shared operation */
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const struct gc_protocol *protocol(void)
{
    return gc_protocol_find(GC_MICRO_TEXT(GC_PROTOCOL_NAME));
}

static bool is_serial(void)
{
    return (protocol()->flags & GC_PROTOCOL_SERIAL) != 0;
}

static const char *peer(void)
{
    if (strcmp(GC_MICRO_TEXT(GC_PROTOCOL_NAME), "log_object") == 0)
        return "c_logged c_logged_tested";
    if (strcmp(GC_MICRO_TEXT(GC_PROTOCOL_NAME), "satb") == 0) return "c_flagged_tested";
    if ((protocol()->flags & GC_PROTOCOL_COUNTED) == 0)
        return "c_pointer c_pointer_tested";
    if (is_serial()) return "c_plain c_plain_tested";
    if (strcmp(GC_MICRO_TEXT(GC_PROTOCOL_NAME), "biased") == 0) return "c_biased_tested";
    return "c_atomic c_atomic_tested";
}

/* The first collector that works with the protocol and gives memory back. */
static const struct gc_collector *collector(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct gc_collector_info info = gc_collector_info(*c);
        for (size_t i = 0; info.reclaims && info.protocols[i] != NULL; i++)
            if (strcmp(info.protocols[i], GC_MICRO_TEXT(GC_PROTOCOL_NAME)) == 0)
                return *c;
    }
    return NULL;
}

static int open_world(void)
{
    struct gc_heap_config config = { .collector = collector(), .protocol = protocol() };
    if (config.collector == NULL) return -1;
    struct gc_error error;
    int result = gc_heap_create(&config, &world.heap, &error);
    if (result == 0)
        gc_roots_add(world.heap, &world.range, (gc_slot *)(void *)&world.root, 1);
    return result;
}

static void close_world(void)
{
    if (world.heap == NULL) return;
    gc_roots_remove(world.heap, &world.range);
    gc_heap_destroy(world.heap);
    world.heap = NULL;
}

/* The thread's objects: its own, or the one holder and object that all share. */
static void fill(struct gc_micro_thread *t)
{
    struct gc_mutator *m = t->m;
    for (int i = 0; i < GC_MICRO_OBJECTS; i++) {
        if (t->operation->shared && (i > 0 || world.root != NULL)) {
            gc_load_root(m, &t->at.holder[i], &world.root);
            gc_load(m, &t->at.object[i], t->at.holder[i], left);
        } else {
            gc_new(m, &t->at.object[i], &node_type);
            gc_new(m, &t->at.holder[i], &node_type);
            gc_store_new(m, t->at.holder[i], left, t->at.object[i]);
            if (t->operation->shared) gc_store_root(m, &world.root, t->at.holder[i]);
        }
        bool made = gc_new_weak(
                m, &t->at.weak[i], t->at.object[i], NULL, (struct node *)NULL);
        gc_require(made, "there is no memory for a weak reference");
    }
}

static struct gc_micro_thread *begin(const struct gc_micro_operation *operation)
{
    struct gc_micro_thread *t = calloc(1, sizeof(*t));
    if (t == NULL) return NULL;
    t->operation = operation;
    /* Who holds the lock may wait in the runtime: whoever is in the way there is in a
     * blocked region, and no mutator yet while it waits for the lock. */
    pthread_mutex_lock(&world.lock);
    int result = world.users == 0 ? open_world() : 0;
    if (result == 0) result = gc_attach(world.heap, &t->m);
    if (result == 0) {
        world.users++;
        gc_enter(t->m, t->at);
        fill(t);
        gc_blocked_begin(t->m);
    } else {
        if (world.users == 0) close_world();
        free(t);
        t = NULL;
    }
    pthread_mutex_unlock(&world.lock);
    return t;
}

static void run(
        struct gc_micro_thread *t, const struct gc_micro_operation *operation, uint64_t n)
{
    gc_blocked_end(t->m);
    operation->run(t, n);
    gc_blocked_begin(t->m);
}

static void end(struct gc_micro_thread *t)
{
    pthread_mutex_lock(&world.lock);
    gc_blocked_end(t->m);
    bool last = --world.users == 0;
    if (last) gc_store_root_null(t->m, &world.root);
    gc_leave(t->m, t->at);
    gc_detach(t->m);
    if (last) close_world();
    pthread_mutex_unlock(&world.lock);
    free(t);
}

const struct gc_micro_set GC_MICRO_SET(GC_PROTOCOL_NAME) = {
    .name = GC_MICRO_TEXT(GC_PROTOCOL_NAME),
    .operations = GC_MICRO_ALL_LOOPS(GC_PROTOCOL_NAME),
    .peer = peer,
    .is_serial = is_serial,
    .begin = begin,
    .run = run,
    .end = end,
};
