/* SPDX-License-Identifier: MIT */
/* snapshot_file.h - the object graph of a real program, as a file and in memory.
 *
 * The file is described byte by byte in SNAPSHOT_FORMAT.md. The reader believes
 * nothing: a file that it accepts obeys every invariant below.
 *
 * Invariants: (F1) first_edge[0] == 0, first_edge[object_count] == edge_count, and
 *                  first_edge never falls.
 *             (F2) every edge, root and type number is below its count.
 *             (F3) roots are in rising order of their objects; each count > 0.
 *             (F4) an object without GC_SNAPSHOT_CONTAINER has no edges and is
 *                  neither tracked nor immutable.
 *             (F5) every object can be reached from a root.
 *             (F6) digest == gc_snapshot_digest() of the edges.
 * Threads:    any; a snapshot is constant once it has been made.
 */
#ifndef WORKLOADS_SNAPSHOT_FILE_H
#define WORKLOADS_SNAPSHOT_FILE_H

#include <stdint.h>

#include "core/check.h"

enum gc_snapshot_flag {
    GC_SNAPSHOT_CONTAINER = 1, /* its type has references, if this object has none */
    GC_SNAPSHOT_TRACKED = 2,   /* was known to the program's own collector */
    GC_SNAPSHOT_IMMUTABLE = 4, /* its references are never cleared, as those of a tuple */
};

/* An object that is held from outside the graph, and by how many references. */
struct gc_snapshot_root {
    uint32_t object;
    uint32_t count;
};

/* One reference; for gc_snapshot_build(). */
struct gc_snapshot_edge {
    uint32_t object;
    uint32_t target;
};

struct gc_snapshot {
    uint32_t type_count;
    uint32_t object_count;
    uint32_t edge_count;
    uint32_t root_count;
    uint64_t digest;
    char *producer;    /* what made it; UTF-8, printable in one line */
    char **type_names; /* [type_count], UTF-8; all in one block with the array */
    uint32_t *type;    /* [object_count] */
    uint32_t *size;    /* [object_count], in bytes, as the program's system counts them */
    uint8_t *flags;    /* [object_count], of enum gc_snapshot_flag */
    uint32_t
            *first_edge; /* [object_count + 1]: slots of o are edges[first_edge[o] ...] */
    uint32_t *edges;     /* [edge_count], numbers of objects */
    struct gc_snapshot_root *roots; /* [root_count] */
};

/* Reads the file. Returns 0; the -errno of opening or reading it; -EBADMSG if it
 * is not an intact file of this format; -ENOMEM. Then `error` holds a sentence
 * that names the file. */
GC_EXPORT int gc_snapshot_read(const char *path, struct gc_snapshot **ret_snapshot,
        struct gc_error *error) GC_NODISCARD;

/* Makes a snapshot from a list of references in any order; the slots of an object
 * are numbered in the order of the list. All objects are of one type and 32 bytes.
 * `roots` must be in rising order. Returns 0, -EINVAL (an invariant is broken), or
 * -ENOMEM. For tests and generators. */
GC_EXPORT int gc_snapshot_build(uint32_t object_count,
        const struct gc_snapshot_edge *edges, uint32_t edge_count,
        const struct gc_snapshot_root *roots, uint32_t root_count,
        struct gc_snapshot **ret_snapshot, struct gc_error *error) GC_NODISCARD;

/* NULL is allowed. */
GC_EXPORT void gc_snapshot_destroy(struct gc_snapshot *snapshot);

/* The digest of all edges: the sum, modulo 2^64, of gc_snapshot_digest_edge() over
 * them. A sum has no order, so that who rebuilt the graph in a heap can compute it
 * again in any order from what the heap holds. */
GC_EXPORT uint64_t gc_snapshot_digest(const struct gc_snapshot *snapshot);

/* One edge's share: `object` holds `target` in its slot number `slot` (from 0). */
static inline uint64_t gc_snapshot_digest_edge(
        uint32_t object, uint32_t slot, uint32_t target)
{
    uint64_t h = object * UINT64_C(0x9e3779b97f4a7c15) +
                 slot * UINT64_C(0xc2b2ae3d27d4eb4f) +
                 target * UINT64_C(0x165667b19e3779f9);
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 29;
}

static inline uint32_t gc_snapshot_degree(
        const struct gc_snapshot *snapshot, uint32_t object)
{
    return snapshot->first_edge[object + 1] - snapshot->first_edge[object];
}

#endif
