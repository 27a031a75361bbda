/* SPDX-License-Identifier: MIT */
/* codegen_probe.c - one function for each fast path, for codegen.py to disassemble. It is
 * compiled for every protocol and never run. */
#include "core/mutator.h"

struct pair {
    struct gc_object header;
    struct pair *left, *right;
};
static const struct gc_type pair_type = GC_TYPE(struct pair, .slots = 2);

#define PROBE __attribute__((visibility("default"), noinline))

PROBE void probe_load(struct gc_mutator *m, struct pair **local, struct pair *object);
PROBE void probe_load(struct gc_mutator *m, struct pair **local, struct pair *object)
{
    gc_load(m, local, object, left);
}

PROBE void probe_load_shared(
        struct gc_mutator *m, struct pair **local, struct pair *object);
PROBE void probe_load_shared(
        struct gc_mutator *m, struct pair **local, struct pair *object)
{
    gc_load_shared(m, local, object, left);
}

PROBE void probe_store(struct gc_mutator *m, struct pair *object, struct pair *value);
PROBE void probe_store(struct gc_mutator *m, struct pair *object, struct pair *value)
{
    gc_store(m, object, left, value);
}

PROBE void probe_store_new(struct gc_mutator *m, struct pair *object, struct pair *value);
PROBE void probe_store_new(struct gc_mutator *m, struct pair *object, struct pair *value)
{
    gc_store_new(m, object, left, value);
}

PROBE void probe_give(struct gc_mutator *m, struct pair *object, struct pair **local);
PROBE void probe_give(struct gc_mutator *m, struct pair *object, struct pair **local)
{
    gc_give(m, object, left, local);
}

PROBE void probe_exchange(struct gc_mutator *m, struct pair *object, struct pair **local);
PROBE void probe_exchange(struct gc_mutator *m, struct pair *object, struct pair **local)
{
    gc_exchange(m, object, left, local);
}

PROBE void probe_set(struct gc_mutator *m, struct pair **local, struct pair *value);
PROBE void probe_set(struct gc_mutator *m, struct pair **local, struct pair *value)
{
    gc_set(m, local, value);
}

PROBE void probe_move(struct gc_mutator *m, struct pair **to, struct pair **from);
PROBE void probe_move(struct gc_mutator *m, struct pair **to, struct pair **from)
{
    gc_move(m, to, from);
}

PROBE void probe_clear(struct gc_mutator *m, struct pair **local);
PROBE void probe_clear(struct gc_mutator *m, struct pair **local)
{
    gc_clear(m, local);
}

PROBE void probe_safepoint(struct gc_mutator *m);
PROBE void probe_safepoint(struct gc_mutator *m)
{
    gc_safepoint(m);
}

PROBE bool probe_new(struct gc_mutator *m, struct pair **local);
PROBE bool probe_new(struct gc_mutator *m, struct pair **local)
{
    return gc_new(m, local, &pair_type);
}
