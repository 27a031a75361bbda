/* SPDX-License-Identifier: MIT */
/* log.c - chunks: where they come from, how they are handed over, who is held up.
 *
 * The queue is liburcu's wait-free one: a push is an exchange, and who takes it all needs
 * one, too. Its functions are called, not inlined: Debian's library is not instrumented,
 * and ThreadSanitizer is told of the one edge here: what was done to a chunk before its push
 * is seen by who has taken it. Test: core/log.
 */
#include "core/log.h"

#include <errno.h>
#include <urcu/wfcqueue.h>

#include "core/allocate.h"
#include "core/collector.h"
#include "core/mutant.h"
#include "core/os.h"

#if GC_TSAN
#    include <sanitizer/tsan_interface.h>
#    define edge_before(log) __tsan_release(log)
#    define edge_after(log)  __tsan_acquire(log)
#else
#    define edge_before(log) ((void)(log))
#    define edge_after(log)  ((void)(log))
#endif

enum {
    USUAL_ROOM = (GC_LOG_CHUNK_BYTES - sizeof(struct gc_log_chunk)) / sizeof(uintptr_t),
    /* What the pool keeps beyond (L3), so that a steady stream asks for no memory. */
    POOLED = 64,
};

struct gc_log {
    struct gc_heap *heap; /* const after creation */

    /* any thread */
    struct __cds_wfcq_head queue_head;
    struct cds_wfcq_tail queue_tail;
    _Atomic(size_t) handed_bytes; /* of chunks handed over and not given back; relaxed */

    /* who takes: one at a time */
    struct __cds_wfcq_head taken_head;
    struct cds_wfcq_tail taken_tail;

    size_t budget_bytes; /* const after the collector's start; 0: none */

    /* lock */
    struct gc_lock lock;
    struct gc_log_chunk *pool; /* of the usual size, by link */
    uint32_t pooled, homes;
};

_Static_assert(sizeof(struct cds_wfcq_node) == sizeof(void *) &&
                       offsetof(struct gc_log_chunk, link) == 0,
        "a chunk begins with the queue's link");

static struct cds_wfcq_node *node_of(struct gc_log_chunk *chunk)
{
    return (struct cds_wfcq_node *)(void *)&chunk->link;
}

static struct gc_log_chunk *chunk_of(struct cds_wfcq_node *node)
{
    return (struct gc_log_chunk *)(void *)node;
}

static size_t room_for(size_t words)
{
    return words > USUAL_ROOM ? words : USUAL_ROOM;
}

static size_t bytes_of(size_t room)
{
    return sizeof(struct gc_log_chunk) + room * sizeof(uintptr_t);
}

/* --- chunks ------------------------------------------------------------------------ */

static struct gc_log_chunk *chunk_new(struct gc_log *log, size_t room)
{
    if (room > UINT32_MAX || !gc_heap_charge(log->heap, bytes_of(room))) return NULL;
    struct gc_log_chunk *chunk = gc_os_alloc(bytes_of(room));
    if (chunk == NULL)
        gc_heap_discharge(log->heap, bytes_of(room));
    else
        chunk->room = (uint32_t)room;
    return chunk;
}

static void chunk_free(struct gc_log *log, struct gc_log_chunk *chunk)
{
    gc_heap_discharge(log->heap, bytes_of(chunk->room));
    gc_os_free(chunk);
}

/* An empty chunk for an entry of `words`, or NULL: there is no memory. */
static struct gc_log_chunk *get(struct gc_log *log, size_t words)
{
    if (words > USUAL_ROOM) return chunk_new(log, words);
    gc_lock_acquire(&log->lock);
    struct gc_log_chunk *chunk = log->pool;
    if (chunk != NULL) {
        log->pool = chunk->link;
        log->pooled--;
    }
    gc_lock_release(&log->lock);
    return chunk != NULL ? chunk : chunk_new(log, USUAL_ROOM);
}

static void put(struct gc_log *log, struct gc_log_chunk *chunk)
{
    gc_lock_acquire(&log->lock);
    bool kept = chunk->room == USUAL_ROOM && log->pooled < log->homes + POOLED; /* (L3) */
    if (kept) {
        chunk->used = 0;
        chunk->link = log->pool;
        log->pool = chunk;
        log->pooled++;
    }
    gc_lock_release(&log->lock);
    if (!kept) chunk_free(log, chunk);
}

/* --- the mutator's end ---------------------------------------------------------------- */

static void install(struct gc_mutator *m, struct gc_log_chunk *chunk)
{
    *gc_log_buffer_of(m) = (struct gc_log_buffer){
        .cursor = chunk->words,
        .limit = chunk->words + chunk->room,
        .chunk = chunk,
    };
}

static size_t words_in(const struct gc_log_buffer *buffer)
{
    return buffer->chunk == NULL ? 0 : (size_t)(buffer->cursor - buffer->chunk->words);
}

void gc_log_flush(struct gc_mutator *m)
{
    struct gc_log *log = m->heap->log;
    struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    struct gc_log_chunk *chunk = buffer->chunk;
    if (words_in(buffer) == 0) return;
    chunk->used = (uint32_t)words_in(buffer) - (gc_broken(FLUSH_ALL) ? 1 : 0);
    *buffer = (struct gc_log_buffer){ NULL, NULL, NULL };
    gc_atomic_fetch_add_relaxed(&log->handed_bytes, bytes_of(chunk->room));
    cds_wfcq_node_init(node_of(chunk));
    edge_before(log);
    (void)cds_wfcq_enqueue(&log->queue_head, &log->queue_tail, node_of(chunk));
}

/* The mutator goes on with another chunk; whatever it has now goes where it belongs. */
static void exchange(struct gc_mutator *m, struct gc_log_chunk *chunk)
{
    struct gc_log_buffer *buffer = gc_log_buffer_of(m);
    gc_log_flush(m);
    if (buffer->chunk != NULL) put(m->heap->log, buffer->chunk); /* empty */
    install(m, chunk);
}

static bool is_within_budget(struct gc_log *log)
{
    return log->budget_bytes == 0 ||
           gc_atomic_load_relaxed(&log->handed_bytes) <= log->budget_bytes;
}

/* The log is as full as it may get: nothing is noted before a collection has taken it. If
 * none can, since this is one's finalizer or collections are disabled, the budget gives way;
 * the heap's limit does not, unless its on_exhausted sees to that. */
static struct gc_log_chunk *await_room(struct gc_mutator *m, size_t words)
{
    struct gc_heap *heap = m->heap;
    if (!is_within_budget(heap->log)) {
        if (heap->collector->on_log_full != NULL) heap->collector->on_log_full(m);
        gc_collect_wait(m);
    }
    struct gc_log_chunk *chunk = get(heap->log, words);
    bool again = true;
    for (int attempt = 0; chunk == NULL; chunk = get(heap->log, words)) {
        if (!again) gc_fatal("out of memory: a store has to be logged, and can't be");
        again = gc_relieve(m, bytes_of(room_for(words)), &attempt);
    }
    return chunk;
}

void gc_log_make_room(struct gc_mutator *m, size_t words)
{
    struct gc_log *log = m->heap->log;
    if (gc_log_has_room(m, words)) return;
    size_t handed = words_in(gc_log_buffer_of(m));
    gc_log_flush(m);
    gc_schedule_yield(); /* between handing over and going on */
    struct gc_log_chunk *chunk = is_within_budget(log) ? get(log, words) : NULL;
    if (chunk == NULL) {
        uint64_t start = gc_stall_clock();
        chunk = await_room(m, words);
        gc_stall_record(m->stalls, GC_STALL_backpressure, start, handed);
    }
    exchange(m, chunk); /* a finalizer may have begun another one meanwhile */
}

/* --- the collector's end ---------------------------------------------------------------- */

void gc_log_take(struct gc_log *log)
{
    (void)__cds_wfcq_splice_blocking(
            &log->taken_head, &log->taken_tail, &log->queue_head, &log->queue_tail);
    edge_after(log);
}

struct gc_log_chunk *gc_log_first(struct gc_log *log)
{
    return chunk_of(__cds_wfcq_first_blocking(&log->taken_head, &log->taken_tail));
}

struct gc_log_chunk *gc_log_next(struct gc_log *log, struct gc_log_chunk *chunk)
{
    return chunk_of(
            __cds_wfcq_next_blocking(&log->taken_head, &log->taken_tail, node_of(chunk)));
}

void gc_log_give_back(struct gc_log *log)
{
    struct gc_log_chunk *chunk = gc_log_first(log);
    while (chunk != NULL) {
        struct gc_log_chunk *next = gc_log_next(log, chunk);
        gc_atomic_fetch_sub_relaxed(&log->handed_bytes, bytes_of(chunk->room));
        put(log, chunk);
        chunk = next;
    }
    __cds_wfcq_init(&log->taken_head, &log->taken_tail);
}

void gc_log_set_budget(struct gc_log *log, size_t bytes)
{
    log->budget_bytes = bytes;
}

/* --- life --------------------------------------------------------------------------- */

int gc_log_create(struct gc_heap *heap)
{
    struct gc_log *log = gc_os_alloc(sizeof(*log));
    if (log == NULL) return -ENOMEM;
    log->heap = heap;
    __cds_wfcq_init(&log->queue_head, &log->queue_tail);
    __cds_wfcq_init(&log->taken_head, &log->taken_tail);
    gc_lock_init(&log->lock, GC_RANK_LOG);
    heap->log = log;
    return 0;
}

void gc_log_destroy(struct gc_heap *heap)
{
    struct gc_log *log = heap->log;
    gc_log_take(log);
    gc_log_give_back(log);
    while (log->pool != NULL) {
        struct gc_log_chunk *chunk = log->pool;
        log->pool = chunk->link;
        chunk_free(log, chunk);
    }
    gc_lock_finish(&log->lock);
    gc_os_free(log);
    heap->log = NULL;
}

int gc_log_home_start(struct gc_mutator *home)
{
    struct gc_log *log = home->heap->log;
    struct gc_log_chunk *chunk = chunk_new(log, USUAL_ROOM); /* (L3): not a pooled one */
    if (chunk == NULL) return -ENOMEM;
    gc_lock_acquire(&log->lock);
    log->homes++;
    gc_lock_release(&log->lock);
    install(home, chunk);
    return 0;
}

void gc_log_home_finish(struct gc_mutator *home)
{
    struct gc_log_buffer *buffer = gc_log_buffer_of(home);
    if (buffer->chunk != NULL) chunk_free(home->heap->log, buffer->chunk);
    *buffer = (struct gc_log_buffer){ NULL, NULL, NULL };
}
