/* SPDX-License-Identifier: MIT */
/* memory.c - histories of stores, views of threads, and what an operation chooses among.
 *
 * A word of 8 bytes has one modification order, the order of execution; fields of 2, 4 and 8
 * bytes in it are sets of units. What a thread has read or written of a unit it never reads older
 * again, nor does who comes after it; but one unit may be old where another is new.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/check.h"
#include "core/schedule.h"
#include "tests/weak/inside.h"

enum {
    UNITS = 4, /* of two bytes */
    VERSIONS = 8,
    HISTORIES = 1 << 15,
    EDGES = 128,
};

struct version {
    uint64_t value;
    struct weak_view passed; /* to who acquires it */
    uint32_t seen_at[UNITS]
                    [WEAK_THREADS]; /* when a thread has first read it, or made it */
    uint32_t ordered_at[UNITS];     /* the same by a sequentially consistent access */
    uint8_t units;                  /* that it has written */
    const struct weak_site *site;
};

struct weak_history {
    uint64_t base; /* what was before the versions */
    struct weak_view base_passed[UNITS];
    uint32_t count;
    uint8_t written;                   /* units that were stored plainly since */
    struct version versions[VERSIONS]; /* the last one is the newest */
};

struct edge {
    const void *key;
    struct weak_view view;
};

bool weak_traces;

static struct {
    bool on;
    uint32_t run;
    uint64_t random;
    uint32_t stale_of_8,
            yields_of_8; /* how often an older store is read, and others may run */
    uint32_t threads;
    struct weak_thread thread[WEAK_THREADS];
    uint32_t order;                /* of what is sequentially consistent: the last one */
    uint32_t fenced[WEAK_THREADS]; /* what happened before any fence */
    struct weak_history *pool;
    uint32_t pooled;
    struct edge edges[EDGES];
    uint32_t edge_count;
} the;

static _Thread_local int self = -1;

/* --- threads and views ------------------------------------------------------------------- */

bool weak_is_on(void)
{
    return the.on && self >= 0;
}

uint32_t weak_self(void)
{
    return (uint32_t)self;
}

struct weak_thread *weak_me(void)
{
    return &the.thread[self];
}

static inline void later(uint32_t *to, uint32_t time)
{
    if (time > *to) *to = time;
}

void weak_join(struct weak_view *to, const struct weak_view *from)
{
    for (int i = 0; i < WEAK_THREADS; i++) {
        later(&to->before[i], from->before[i]);
        later(&to->seen[i], from->seen[i]);
    }
    later(&to->fence, from->fence);
}

static uint32_t now(void)
{
    return weak_me()->view.before[self];
}

void weak_tick(void)
{
    weak_me()->view.seen[self] = ++weak_me()->view.before[self];
}

uint32_t weak_draw(uint32_t n)
{
    uint64_t z = the.random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % n);
}

void weak_memory_begin(uint64_t seed)
{
    if (the.pool == NULL) {
        the.pool = mmap(NULL, HISTORIES * sizeof(*the.pool), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        gc_require(the.pool != MAP_FAILED, "no memory for the histories of stores");
    }
    the.random = seed;
    the.stale_of_8 = 1 + weak_draw(6);
    the.yields_of_8 = 1u << weak_draw(4);
    the.threads = 1;
    the.thread[0] = (struct weak_thread){ .view = { .fence = 0 } };
    the.order = the.pooled = the.edge_count = 0;
    memset(the.fenced, 0, sizeof(the.fenced));
    weak_words_begin(++the.run);
    self = 0;
    the.on = true;
    weak_tick();
}

void weak_memory_end(void)
{
    the.on = false;
}

uint32_t weak_thread_make(void)
{
    gc_require(the.threads < WEAK_THREADS, "a run has too many threads");
    struct weak_thread *thread = &the.thread[the.threads];
    *thread = (struct weak_thread){ .view = weak_me()->view };
    weak_tick();
    return the.threads++;
}

void weak_thread_begin(uint32_t thread)
{
    self = (int)thread;
    weak_tick();
}

void weak_thread_end(void)
{
    self = -1;
}

void weak_thread_joined(uint32_t thread)
{
    weak_join(&weak_me()->view, &the.thread[thread].view);
    weak_tick();
}

static struct weak_view *edge_of(const void *key)
{
    for (uint32_t i = 0; i < the.edge_count; i++)
        if (the.edges[i].key == key) return &the.edges[i].view;
    gc_require(the.edge_count < EDGES, "a run has too many locks");
    struct edge *edge = &the.edges[the.edge_count++];
    *edge = (struct edge){ .key = key };
    return &edge->view;
}

void weak_edge_out(const void *key)
{
    if (!weak_is_on()) return;
    weak_join(edge_of(key), &weak_me()->view);
    weak_tick();
}

void weak_edge_in(const void *key)
{
    if (!weak_is_on()) return;
    weak_join(&weak_me()->view, edge_of(key));
    weak_tick();
}

/* --- histories --------------------------------------------------------------------------- */

static uint64_t read_word(uintptr_t address)
{
    uint64_t value;
    memcpy(&value, (const void *)address, sizeof(value));
    return value;
}

static uint64_t mask_of(unsigned unit)
{
    return UINT64_C(0xffff) << 16 * unit;
}

/* The newest version not after `top` that has written the unit; -1: what was before all. */
static int source_of(const struct weak_history *h, int top, unsigned unit)
{
    while (top >= 0 && (h->versions[top].units >> unit & 1) == 0)
        top--;
    return top;
}

static uint64_t value_at(const struct weak_history *h, int top)
{
    uint64_t value = 0;
    for (unsigned unit = 0; unit < UNITS; unit++) {
        int from = source_of(h, top, unit);
        value |= (from < 0 ? h->base : h->versions[from].value) & mask_of(unit);
    }
    return value;
}

/* The unit has one value, for all. */
static void forget_unit(struct weak_history *h, unsigned unit, uint64_t word)
{
    uint32_t kept = 0;
    h->base = (h->base & ~mask_of(unit)) | (word & mask_of(unit));
    h->base_passed[unit] = (struct weak_view){ .fence = 0 };
    for (uint32_t i = 0; i < h->count; i++) {
        h->versions[i].units &= (uint8_t) ~(1u << unit);
        if (h->versions[i].units == 0) continue;
        if (kept != i) h->versions[kept] = h->versions[i];
        kept++;
    }
    h->count = kept;
}

/* The history of a word, with what was stored by other means than atomic operations. */
static struct weak_history *history_of(const void *p)
{
    struct weak_word *word = weak_word_get(p);
    struct weak_history *h = word->history;
    uint64_t real = read_word(word->address);
    if (h == NULL) {
        gc_require(the.pooled < HISTORIES, "a run has too many atoms");
        h = word->history = &the.pool[the.pooled++];
        memset(h, 0, offsetof(struct weak_history, versions));
        h->base = real;
        return h;
    }
    uint64_t differs = real ^ value_at(h, (int)h->count - 1);
    for (unsigned unit = 0; unit < UNITS; unit++)
        if ((h->written >> unit & 1) != 0 || (differs & mask_of(unit)) != 0)
            forget_unit(h, unit, real);
    h->written = 0;
    return h;
}

static uint8_t units_of(const void *p, size_t size)
{
    size_t first = (uintptr_t)p % 8, last = first + size - 1;
    return (uint8_t)((2u << last / 2) - (1u << first / 2));
}

void weak_history_written(struct weak_history *history, const void *p, size_t size)
{
    history->written |= units_of(p, size);
}

/* The oldest version that the calling thread may still read of a unit; -1: all. */
static int oldest_of(const struct weak_history *h, unsigned unit, int order)
{
    const struct weak_view *view = &weak_me()->view;
    for (int i = (int)h->count - 1; i >= 0; i--) {
        const struct version *version = &h->versions[i];
        if ((version->units >> unit & 1) == 0) continue;
        uint32_t ordered = version->ordered_at[unit];
        bool strict = (order & WEAK_SEQ_CST) != 0;
        if (ordered != 0 && (strict || ordered <= view->fence)) return i;
        for (int t = 0; t < WEAK_THREADS; t++) {
            uint32_t at = version->seen_at[unit][t];
            if (at == 0) continue;
            if (at <= view->seen[t] || (strict && at <= the.fenced[t])) return i;
        }
    }
    return -1;
}

/* The version that a load of some units reads, and how many it could have read. */
static int choose(const struct weak_history *h, uint8_t units, int order)
{
    int newest = (int)h->count - 1, oldest = -1, candidates[VERSIONS + 1];
    uint32_t n = 0;
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if ((units >> unit & 1) == 0) continue;
        int i = oldest_of(h, unit, order);
        if (i > oldest) oldest = i;
    }
    candidates[n++] = oldest;
    for (int i = oldest + 1; i <= newest; i++)
        if ((h->versions[i].units & units) != 0) candidates[n++] = i;
    if (n == 1 || weak_draw(8) >= the.stale_of_8) return candidates[n - 1];
    return candidates[weak_draw(n - 1)];
}

/* What the calling thread knows when it has read some units of a version. */
static void meet(struct weak_history *h, int top, uint8_t units, int order)
{
    struct weak_thread *me = weak_me();
    if ((order & WEAK_SEQ_CST) != 0) the.order++;
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if ((units >> unit & 1) == 0) continue;
        int from = source_of(h, top, unit);
        const struct weak_view *passed =
                from < 0 ? &h->base_passed[unit] : &h->versions[from].passed;
        weak_join((order & WEAK_ACQUIRE) != 0 ? &me->view : &me->relaxed, passed);
        if (from < 0) continue;
        struct version *version = &h->versions[from];
        if (version->seen_at[unit][self] == 0) version->seen_at[unit][self] = now();
        if ((order & WEAK_SEQ_CST) != 0 && version->ordered_at[unit] == 0)
            version->ordered_at[unit] = the.order;
    }
}

/* The oldest version becomes part of what was before. */
static void retire_oldest(struct weak_history *h)
{
    const struct version *oldest = &h->versions[0];
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if ((oldest->units >> unit & 1) == 0) continue;
        h->base = (h->base & ~mask_of(unit)) | (oldest->value & mask_of(unit));
        h->base_passed[unit] = oldest->passed;
    }
    h->count--;
    memmove(&h->versions[0], &h->versions[1], h->count * sizeof(h->versions[0]));
}

/* Stores. `continued`: what a read-modify-write passes on of what it has read. */
static void append(struct weak_history *h, void *p, size_t size, uint64_t value,
        int order, const struct weak_view *continued, const struct weak_site *site)
{
    struct weak_thread *me = weak_me();
    if (h->count == VERSIONS) retire_oldest(h);
    struct version *version = &h->versions[h->count++];
    memcpy(p, &value, size);
    memset(version, 0, sizeof(*version));
    version->value = read_word((uintptr_t)p & ~(uintptr_t)7);
    version->units = units_of(p, size);
    version->site = site;
    version->passed = (order & WEAK_RELEASE) != 0 ? me->view : me->fenced;
    if (continued != NULL) weak_join(&version->passed, continued);
    if ((order & WEAK_SEQ_CST) != 0) the.order++;
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if ((version->units >> unit & 1) == 0) continue;
        version->seen_at[unit][self] = now();
        if ((order & WEAK_SEQ_CST) != 0) version->ordered_at[unit] = the.order;
    }
}

/* What all units of the newest version pass on. */
static struct weak_view passed_by_newest(const struct weak_history *h, uint8_t units)
{
    struct weak_view all = { .fence = 0 };
    for (unsigned unit = 0; unit < UNITS; unit++) {
        if ((units >> unit & 1) == 0) continue;
        int from = source_of(h, (int)h->count - 1, unit);
        weak_join(&all, from < 0 ? &h->base_passed[unit] : &h->versions[from].passed);
    }
    return all;
}

/* --- operations -------------------------------------------------------------------------- */

static uint64_t cut(uint64_t value, size_t size)
{
    return size == 8 ? value : value & ((UINT64_C(1) << 8 * size) - 1);
}

static uint64_t part_of(uint64_t word, const void *p, size_t size)
{
    return cut(word >> 8 * ((uintptr_t)p % 8), size);
}

static uint64_t read_real(const void *p, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, p, size);
    return value;
}

/* Before an operation. */
static void let_others_run(struct weak_site *site)
{
    site->reached = true;
    if (weak_draw(8) < the.yields_of_8) gc_schedule_yield();
}

static void trace(const struct weak_site *site, const void *p, uint64_t value, int older)
{
    if (!weak_traces) return;
    fprintf(stderr, "# %d %s:%d %s %s %p = %#llx", self, site->file, site->line,
            site->function, site->kind, p, (unsigned long long)value);
    if (older > 0) fprintf(stderr, " (%d newer)", older);
    fputc('\n', stderr);
}

uint64_t weak_load(const void *p, size_t size, struct weak_site *site)
{
    if (!weak_is_on()) return read_real(p, size);
    let_others_run(site);
    weak_note(p, size, WEAK_ATOMIC, __builtin_return_address(0));
    struct weak_history *h = history_of(p);
    uint8_t units = units_of(p, size);
    int chosen = choose(h, units, site->order);
    uint64_t value = part_of(value_at(h, chosen), p, size);
    meet(h, chosen, units, site->order);
    trace(site, p, value, (int)h->count - 1 - chosen);
    weak_tick();
    return value;
}

void weak_store(void *p, size_t size, uint64_t value, struct weak_site *site)
{
    if (!weak_is_on()) {
        memcpy(p, &value, size);
        return;
    }
    let_others_run(site);
    weak_note(p, size, WEAK_ATOMIC | WEAK_WRITES, __builtin_return_address(0));
    append(history_of(p), p, size, value, site->order, NULL, site);
    trace(site, p, value, 0);
    weak_tick();
}

static uint64_t apply(enum weak_operation operation, uint64_t old, uint64_t value)
{
    switch (operation) {
    case WEAK_ADD:
        return old + value;
    case WEAK_SUB:
        return old - value;
    case WEAK_OR:
        return old | value;
    case WEAK_AND:
        return old & value;
    case WEAK_EXCHANGE:
        break;
    }
    return value;
}

/* Reads the newest and stores. */
static void modify(struct weak_history *h, void *p, size_t size, uint64_t value,
        const struct weak_site *site)
{
    uint8_t units = units_of(p, size);
    struct weak_view passed = passed_by_newest(h, units);
    meet(h, (int)h->count - 1, units, site->order);
    append(h, p, size, value, site->order, &passed, site);
    trace(site, p, value, 0);
    weak_tick();
}

uint64_t weak_update(void *p, size_t size, enum weak_operation operation, uint64_t value,
        struct weak_site *site)
{
    if (weak_is_on()) let_others_run(site);
    uint64_t old = read_real(p, size);
    uint64_t after = cut(apply(operation, old, value), size);
    if (!weak_is_on()) {
        memcpy(p, &after, size);
        return old;
    }
    weak_note(p, size, WEAK_ATOMIC | WEAK_WRITES, __builtin_return_address(0));
    modify(history_of(p), p, size, after, site);
    return old;
}

/* A failure is a load, so it may be that of an older value than the newest. */
static bool compare(void *p, size_t size, uint64_t wanted, uint64_t *ret_found,
        uint64_t value, int failing, const struct weak_site *site, const void *pc)
{
    struct weak_history *h = history_of(p);
    uint8_t units = units_of(p, size);
    uint64_t newest = read_real(p, size);
    int order = failing & site->order;
    int chosen = choose(h, units, order);
    uint64_t found = part_of(value_at(h, chosen), p, size);
    if (found == wanted && newest == wanted) {
        weak_note(p, size, WEAK_ATOMIC | WEAK_WRITES, pc);
        modify(h, p, size, value, site);
        return true;
    }
    if (found == wanted) {
        chosen = (int)h->count - 1;
        found = newest;
    }
    meet(h, chosen, units, order);
    trace(site, p, found, (int)h->count - 1 - chosen);
    weak_tick();
    *ret_found = found;
    return false;
}

bool weak_compare_exchange(void *p, size_t size, void *expected, uint64_t value,
        int failing, struct weak_site *site)
{
    uint64_t wanted = 0, found = 0;
    memcpy(&wanted, expected, size);
    if (!weak_is_on()) {
        found = read_real(p, size);
        memcpy(found == wanted ? p : expected, found == wanted ? &value : &found, size);
        return found == wanted;
    }
    let_others_run(site);
    const void *pc = __builtin_return_address(0);
    weak_note(p, size, WEAK_ATOMIC, pc);
    if (compare(p, size, wanted, &found, value, failing, site, pc)) return true;
    memcpy(expected, &found, size);
    return false;
}

void weak_fence(struct weak_site *site)
{
    if (!weak_is_on()) return;
    let_others_run(site);
    struct weak_thread *me = weak_me();
    if ((site->order & WEAK_ACQUIRE) != 0) weak_join(&me->view, &me->relaxed);
    if ((site->order & WEAK_SEQ_CST) != 0) {
        for (int i = 0; i < WEAK_THREADS; i++) {
            later(&me->view.seen[i], the.fenced[i]);
            later(&the.fenced[i], me->view.before[i]);
        }
        me->view.fence = ++the.order;
    }
    if ((site->order & WEAK_RELEASE) != 0) me->fenced = me->view;
    weak_tick();
}

void weak_init(void *p, size_t size, uint64_t value)
{
    if (weak_is_on()) weak_note(p, size, WEAK_WRITES, __builtin_return_address(0));
    memcpy(p, &value, size);
}

struct weak_site **weak_sites(size_t *ret_count)
{
    extern struct weak_site *__start_weak_sites[], *__stop_weak_sites[];
    *ret_count = (size_t)(__stop_weak_sites - __start_weak_sites);
    return __start_weak_sites;
}
