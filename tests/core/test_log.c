/* SPDX-License-Identifier: MIT */
/* test_log.c - what is noted comes out once, whole and in order; who fills a log waits. */
#define GC_PROTOCOL_HEADER "core/protocol/bare.h"

#include <errno.h>

#include "tests/suites.h"
#include "tests/support.h"

enum { USUAL = (GC_LOG_CHUNK_BYTES - sizeof(struct gc_log_chunk)) / sizeof(uintptr_t) };

/* A heap whose protocol logs, but never writes to the log itself. */
struct world {
    struct gc_protocol protocol;
    struct gc_collector collector;
    struct gc_heap *heap;
    struct gc_mutator *m;
    struct memory before;
};

/* What on_log_full() of the tests does, and what has become of it. */
static uint32_t full;
static bool gives_back;
static size_t words_given_back;

static size_t take_all(struct gc_log *log)
{
    size_t words = 0;
    gc_log_take(log);
    for (struct gc_log_chunk *c = gc_log_first(log); c != NULL; c = gc_log_next(log, c))
        words += c->used;
    gc_log_give_back(log);
    return words;
}

static void on_log_full(struct gc_mutator *m)
{
    full++;
    if (gives_back) words_given_back += take_all(m->heap->log);
}

static bool open(struct world *w, size_t limit)
{
    full = 0;
    words_given_back = 0;
    gives_back = true;
    *w = (struct world){ .before = memory_now() };
    w->protocol = *gc_protocol_find("bare");
    w->protocol.start = gc_log_create;
    w->protocol.finish = gc_log_destroy;
    w->protocol.home_start = gc_log_home_start;
    w->protocol.home_finish = gc_log_home_finish;
    w->collector = *gc_collector_find("none");
    w->collector.on_log_full = on_log_full;
    struct gc_heap_config config = {
        .collector = &w->collector,
        .protocol = &w->protocol,
        .limit_bytes = limit,
    };
    struct gc_error error = { "" };
    bool made = gc_heap_create(&config, &w->heap, &error) == 0 &&
                gc_attach(w->heap, &w->m) == 0;
    CU_ASSERT_TRUE(made);
    return made;
}

static void close(struct world *w)
{
    gc_detach(w->m);
    gc_heap_destroy(w->heap);
    CU_ASSERT_TRUE(memory_is_equal(w->before, memory_now()));
}

/* An entry of `words` words: first, first + 1, ... */
static void note(struct gc_mutator *m, uintptr_t first, size_t words)
{
    if (!gc_log_has_room(m, words)) gc_log_make_room(m, words);
    for (size_t i = 0; i < words; i++)
        gc_log_append(m, first + i);
}

static void words_come_out_once_in_the_order_in_which_they_were_noted(void)
{
    struct world w;
    if (!open(&w, 0)) return;
    struct gc_log *log = w.heap->log;
    uintptr_t noted = 1, seen = 1;
    for (size_t round = 0; round < 8; round++) {
        for (size_t i = 0; i < round * 700; i++)
            note(w.m, noted++, 1);
        if (round % 2 == 0) gc_log_flush(w.m);
        gc_log_take(log);
        gc_log_take(log); /* adds nothing */
        for (struct gc_log_chunk *c = gc_log_first(log); c != NULL;
                c = gc_log_next(log, c)) {
            CU_ASSERT(c->used > 0);
            for (uint32_t i = 0; i < c->used; i++)
                if (c->words[i] == seen) seen++;
        }
        gc_log_give_back(log);
        CU_ASSERT_PTR_NULL(gc_log_first(log));
        if (round % 2 == 0) CU_ASSERT_EQUAL(seen, noted);
        CU_ASSERT(noted - seen < USUAL);
    }
    close(&w);
}

static void an_entry_lies_in_one_chunk_however_long_it_is(void)
{
    static const size_t lengths[] = { 1, USUAL - 1, 2, USUAL, USUAL + 1, 100000, 3, 7,
        USUAL - 5, 1 };
    struct world w;
    if (!open(&w, 0)) return;
    struct gc_log *log = w.heap->log;
    for (size_t i = 0; i < COUNT(lengths); i++)
        note(w.m, i * 1000000, lengths[i]);
    gc_log_flush(w.m);
    gc_log_take(log);
    size_t entry = 0;
    for (struct gc_log_chunk *c = gc_log_first(log); c != NULL; c = gc_log_next(log, c)) {
        for (uint32_t at = 0; at < c->used && entry < COUNT(lengths); entry++) {
            CU_ASSERT_EQUAL_FATAL(c->words[at], entry * 1000000);
            CU_ASSERT_FATAL(at + lengths[entry] <= c->used);
            at += (uint32_t)lengths[entry];
            CU_ASSERT_EQUAL(c->words[at - 1], entry * 1000000 + lengths[entry] - 1);
        }
    }
    CU_ASSERT_EQUAL(entry, COUNT(lengths));
    gc_log_give_back(log);
    close(&w);
}

static void chunks_count_as_heap_and_are_used_again(void)
{
    enum { ROUNDS = 50, CHUNKS = 20 };
    struct world w;
    if (!open(&w, 0)) return;
    size_t alone = gc_atomic_load_relaxed(&w.heap->bytes);
    CU_ASSERT_EQUAL(alone, GC_LOG_CHUNK_BYTES);
    size_t most = 0;
    uint64_t requests = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const size_t words = round % 2 == 0 ? 1 : USUAL; /* an entry may fill a chunk */
        for (uintptr_t i = 0; i < (uintptr_t)CHUNKS * USUAL; i += words)
            note(w.m, i, words);
        size_t bytes = gc_atomic_load_relaxed(&w.heap->bytes);
        if (round == 0) most = bytes;
        CU_ASSERT_EQUAL(bytes, most);
        gc_log_flush(w.m);
        CU_ASSERT_EQUAL(take_all(w.heap->log), (size_t)CHUNKS * USUAL);
        if (round == 0) requests = memory_requests();
    }
    CU_ASSERT_EQUAL(most, (size_t)CHUNKS * GC_LOG_CHUNK_BYTES);
    CU_ASSERT_EQUAL(memory_requests(), requests);
    /* what is much, or large, is given back to the system */
    note(w.m, 0, 100000);
    gc_log_flush(w.m);
    for (uintptr_t i = 0; i < (uintptr_t)500 * USUAL; i++)
        note(w.m, i, 1);
    gc_log_flush(w.m);
    CU_ASSERT(gc_atomic_load_relaxed(&w.heap->bytes) > 800000 + 400 * GC_LOG_CHUNK_BYTES);
    CU_ASSERT_EQUAL(take_all(w.heap->log), 100000 + (size_t)500 * USUAL);
    CU_ASSERT(gc_atomic_load_relaxed(&w.heap->bytes) < 100 * GC_LOG_CHUNK_BYTES);
    close(&w);
}

static void who_passes_the_budget_is_held_up_until_the_log_was_taken(void)
{
    enum { BUDGET = 4 };
    struct world w;
    if (!open(&w, 0)) return;
    gc_log_set_budget(w.heap->log, (size_t)BUDGET * GC_LOG_CHUNK_BYTES);
    const struct gc_stall_sum *held = &w.m->stalls->causes[GC_STALL_backpressure];
    for (uintptr_t i = 0; i < (uintptr_t)(BUDGET + 1) * USUAL; i++)
        note(w.m, i, 1);
    CU_ASSERT_EQUAL(full, 0); /* handed over: exactly the budget */
    note(w.m, 0, 1);
    CU_ASSERT_EQUAL(full, 1);
    CU_ASSERT_EQUAL(words_given_back, (size_t)(BUDGET + 1) * USUAL);
    CU_ASSERT_EQUAL(held->count, 1);
    CU_ASSERT_EQUAL(held->max_work, USUAL);
    for (uintptr_t i = 0; i < (uintptr_t)10 * (BUDGET + 1) * USUAL; i++)
        note(w.m, i, 1);
    CU_ASSERT_EQUAL(full, 11);
    CU_ASSERT_EQUAL(held->count, 11);
    CU_ASSERT(gc_atomic_load_relaxed(&w.heap->bytes) <=
              (size_t)(BUDGET + 2) * GC_LOG_CHUNK_BYTES);
    close(&w);
}

/* As inside a collection's own finalizers. */
static void where_nothing_can_be_collected_the_budget_gives_way_and_the_limit_does_not(
        void)
{
    struct world w;
    if (!open(&w, (size_t)32 * GC_LOG_CHUNK_BYTES)) return;
    gc_log_set_budget(w.heap->log, GC_LOG_CHUNK_BYTES);
    gives_back = false;
    for (uintptr_t i = 0; i < (uintptr_t)32 * USUAL; i++)
        note(w.m, i, 1);
    CU_ASSERT_EQUAL(full, 30);
    CU_ASSERT_EQUAL(
            gc_atomic_load_relaxed(&w.heap->bytes), (size_t)32 * GC_LOG_CHUNK_BYTES);
    gives_back = true;
    note(w.m, 0, 1); /* (L3): the chunks that come back suffice */
    CU_ASSERT_EQUAL(words_given_back, (size_t)32 * USUAL);
    close(&w);
}

static void note_without_end(void *argument)
{
    struct world *w = argument;
    gives_back = false;
    for (uintptr_t i = 0; i < (uintptr_t)100 * USUAL; i++)
        note(w->m, i, 1);
}

static void a_log_that_nobody_takes_ends_at_the_limit(void)
{
    struct world w;
    if (!open(&w, (size_t)32 * GC_LOG_CHUNK_BYTES)) return;
    CU_ASSERT_TRUE(aborts_with(note_without_end, &w, "4096 bytes do not fit"));
    close(&w);
}

static void a_failing_allocation_is_survived(void)
{
    struct world w;
    if (!open(&w, 0)) return;
    gc_os_fail_allocation(1);
    for (uintptr_t i = 0; i < (uintptr_t)3 * USUAL; i++)
        note(w.m, i, 1);
    gc_os_fail_allocation(0);
    gc_log_flush(w.m);
    CU_ASSERT_EQUAL(take_all(w.heap->log), (size_t)3 * USUAL);
    /* a record, its stall log, its first chunk */
    for (uint64_t n = 1; n <= 3; n++) {
        gc_os_fail_allocation(n);
        struct gc_mutator_thread thread;
        CU_ASSERT_EQUAL(gc_spawn(w.m, &thread, NULL, NULL, NULL), -ENOMEM);
        gc_os_fail_allocation(0);
    }
    close(&w);
}

/* --- several mutators ----------------------------------------------------------------- */

enum { WRITERS = 4, EACH = 100000, WRITER_SHIFT = 32 };

struct shared {
    _Atomic(uint32_t) ended; /* relaxed: watched; joining orders */
};

static void write_words(struct worker *worker)
{
    struct shared *shared = worker->shared;
    uintptr_t mine = (uintptr_t)(worker->number + 1) << WRITER_SHIFT;
    for (uintptr_t i = 0; i < EACH; i += 5)
        note(worker->m, mine + i, 5);
    gc_log_flush(worker->m);
    gc_atomic_fetch_add_relaxed(&shared->ended, 1);
}

/* Adds up what has come of each writer; false: out of order. */
static bool check_taken(struct gc_log *log, uintptr_t next[WRITERS])
{
    bool in_order = true;
    for (struct gc_log_chunk *c = gc_log_first(log); c != NULL; c = gc_log_next(log, c)) {
        for (uint32_t i = 0; i < c->used; i++) {
            uintptr_t writer = (c->words[i] >> WRITER_SHIFT) - 1;
            uintptr_t number = c->words[i] & 0xffffffffu;
            if (writer >= WRITERS || next[writer]++ != number) in_order = false;
        }
    }
    return in_order;
}

static void a_taker_among_writers_gets_everything_once(void)
{
    struct world w;
    static struct shared shared;
    struct worker writers[WRITERS];
    uintptr_t next[WRITERS] = { 0 };
    if (!open(&w, 0)) return;
    gc_atomic_store_relaxed(&shared.ended, 0);
    workers_start(w.m, writers, WRITERS, write_words, &shared, NULL);
    bool in_order = true;
    while (gc_atomic_load_relaxed(&shared.ended) < WRITERS) {
        gc_log_take(w.heap->log);
        in_order &= check_taken(w.heap->log, next);
        gc_log_give_back(w.heap->log);
        gc_safepoint(w.m);
    }
    workers_join(w.m, writers, WRITERS);
    gc_log_take(w.heap->log);
    in_order &= check_taken(w.heap->log, next);
    gc_log_give_back(w.heap->log);
    CU_ASSERT_TRUE(in_order);
    for (int i = 0; i < WRITERS; i++)
        CU_ASSERT_EQUAL(next[i], EACH);
    close(&w);
}

static uint32_t collected;

/* The second time memory comes of it. */
static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)m, (void)generation, (void)uncollectable;
    if (++collected == 2) memory_refuse(false);
    return 0;
}

static void a_chunk_is_asked_for_again_after_each_of_two_collections(void)
{
    struct world w;
    if (!open(&w, 0)) return;
    w.collector.collect = collect;
    collected = 0;
    memory_refuse(true);
    gc_log_make_room(w.m, 2 * USUAL);
    memory_refuse(false);
    CU_ASSERT_EQUAL(collected, 2);
    CU_ASSERT_TRUE(gc_log_has_room(w.m, 2 * USUAL));
    close(&w);
}

int test_log_suite(void)
{
    static const struct test tests[] = {
        { "words_come_out_once_in_the_order_in_which_they_were_noted",
                words_come_out_once_in_the_order_in_which_they_were_noted },
        { "a_chunk_is_asked_for_again_after_each_of_two_collections",
                a_chunk_is_asked_for_again_after_each_of_two_collections },
        { "an_entry_lies_in_one_chunk_however_long_it_is",
                an_entry_lies_in_one_chunk_however_long_it_is },
        { "chunks_count_as_heap_and_are_used_again",
                chunks_count_as_heap_and_are_used_again },
        { "who_passes_the_budget_is_held_up_until_the_log_was_taken",
                who_passes_the_budget_is_held_up_until_the_log_was_taken },
        { "where_nothing_can_be_collected_the_budget_gives_way_and_the_limit_does_not",
                where_nothing_can_be_collected_the_budget_gives_way_and_the_limit_does_not },
        { "a_log_that_nobody_takes_ends_at_the_limit",
                a_log_that_nobody_takes_ends_at_the_limit },
        { "a_failing_allocation_is_survived", a_failing_allocation_is_survived },
        { "a_taker_among_writers_gets_everything_once",
                a_taker_among_writers_gets_everything_once },
    };
    return suite_add("core/log", tests, COUNT(tests));
}
