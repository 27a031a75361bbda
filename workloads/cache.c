/* SPDX-License-Identifier: MIT */
/* cache.c - a server: requests against a cache that keeps what was used last (LRU), each of
 * which also builds a tree, walks it and drops it.
 *
 * Each thread has a cache of its own, of entries / T entries, and its own stream of requests,
 * as a server that shares out its keys. A cache is a hash table with chains and a doubly
 * linked list in the order of use; nothing else holds an entry, so that the one that is
 * evicted dies by its count. It is full before the first request, with the most popular
 * keys. At the end it is dropped as it is: its list is cyclic garbage.
 *
 * A closed loop asks as soon as it has its answer: a latency is the time since the last
 * one. An open loop (rate=) has requests that are due at times of their own (arrivals.h).
 */
#include <errno.h>

#include "core/lock.h"
#include "core/os.h"
#include "workloads/arrivals.h"
#include "workloads/workload.h"

enum { VALUE_WORDS = 4 };

/* What an entry is kept for. */
struct value {
    struct gc_object header;
    uint64_t words[VALUE_WORDS];
};

struct entry {
    struct gc_object header;
    struct entry *chain; /* of its bucket */
    struct entry *newer, *older;
    struct value *value;
    uint64_t key, uses;
};

struct cache {
    struct gc_object header;
    struct gc_array *buckets;
    struct entry *newest, *oldest;
};

struct node {
    struct gc_object header;
    struct node *left, *right;
    uint64_t key;
};

static const struct gc_type value_type = GC_TYPE(struct value, .slots = 0);
static const struct gc_type entry_type = GC_TYPE(struct entry, .slots = 4);
static const struct gc_type cache_type = GC_TYPE(struct cache, .slots = 3);
static const struct gc_type node_type = GC_TYPE(struct node, .slots = 2);
static const struct gc_type buckets_type =
        GC_ARRAY_TYPE("buckets", .flags = GC_TYPE_ARRAY);

enum keys { KEYS_ZIPF, KEYS_UNIFORM };
enum arrivals { ARRIVALS_POISSON, ARRIVALS_CONSTANT };

struct cache_options {
    int64_t entries, count, tree, keys, hit, rate, arrivals;
};

#define OPTION(member) .offset = offsetof(struct cache_options, member)

static const struct gc_option options[] = {
    { .name = "entries",
            .kind = GC_OPTION_INT,
            OPTION(entries),
            .min = 1,
            .max = 10000000,
            .standard = "100000",
            .doc = "entries of all caches together; each thread has one" },
    { .name = "count",
            .kind = GC_OPTION_INT,
            OPTION(count),
            .min = 1,
            .max = 1000000000,
            .standard = "200000",
            .doc = "requests of all threads together" },
    { .name = "tree",
            .kind = GC_OPTION_INT,
            OPTION(tree),
            .min = 1,
            .max = 10000,
            .standard = "50",
            .doc = "objects of the tree that a request builds and drops" },
    { .name = "keys",
            .kind = GC_OPTION_CHOICE,
            OPTION(keys),
            .choices = "zipf|uniform",
            .standard = "zipf",
            .doc = "zipf: key k has a share like 1/k; uniform: all have the same" },
    { .name = "hit",
            .kind = GC_OPTION_INT,
            OPTION(hit),
            .min = 1,
            .max = 100,
            .standard = "80",
            .doc = "% of requests for the `entries` most popular keys; if uniform, that "
                   "hit" },
    { .name = "rate",
            .kind = GC_OPTION_INT,
            OPTION(rate),
            .min = 0,
            .max = 1000000000,
            .standard = "0",
            .doc = "requests that are due a second, of each thread; 0: a closed loop" },
    { .name = "arrivals",
            .kind = GC_OPTION_CHOICE,
            OPTION(arrivals),
            .choices = "poisson|constant",
            .standard = "poisson",
            .doc = "how an open loop's requests are due: at random, or evenly" },
    GC_OPTION_END,
};

/* Keys that one thread may ask for: the most that setup() counts up to. */
enum { KEYS_MOST = 1 << 28 };

/* Of thread i, written by it behind each part of its requests. */
struct account {
    uint64_t inserted; /* entries, since it began */
    uint64_t resident;
};

/* All threads'; constant after setup(), but for the accounts. */
struct plan {
    uint32_t capacity, keys, mask; /* of one cache; keys are 1 .. keys */
    struct account accounts[];
};

/* Of one thread. */
struct server {
    const struct plan *plan;
    uint32_t resident;
    uint64_t inserted;
};

/* --- the cache ---------------------------------------------------------------------- */

static uint32_t bucket_of(const struct server *server, uint64_t key)
{
    return (uint32_t)gc_mix(key) & server->plan->mask;
}

/* Takes an entry out of the list; what it holds itself is left stale. */
static void detach(struct gc_mutator *m, struct cache *cache, struct entry *entry)
{
    struct {
        struct gc_frame frame;
        struct entry *newer, *older;
    } at;
    gc_enter(m, at);
    gc_load(m, &at.newer, entry, newer);
    gc_load(m, &at.older, entry, older);
    if (at.newer != NULL)
        gc_store(m, at.newer, older, at.older);
    else
        gc_store(m, cache, newest, at.older);
    if (at.older != NULL)
        gc_store(m, at.older, newer, at.newer);
    else
        gc_store(m, cache, oldest, at.newer);
    gc_leave(m, at);
}

static void make_newest(struct gc_mutator *m, struct cache *cache, struct entry *entry)
{
    struct {
        struct gc_frame frame;
        struct entry *second;
    } at;
    gc_enter(m, at);
    gc_load(m, &at.second, cache, newest);
    gc_store(m, entry, older, at.second);
    gc_store_null(m, entry, newer);
    if (at.second != NULL)
        gc_store(m, at.second, newer, entry);
    else
        gc_store(m, cache, oldest, entry);
    gc_store(m, cache, newest, entry);
    gc_leave(m, at);
}

/* *out = the entry of that key, or NULL. */
static void find(struct gc_mutator *m, const struct server *server, struct cache *cache,
        uint64_t key, struct entry **out)
{
    struct {
        struct gc_frame frame;
        struct gc_array *buckets;
    } at;
    gc_enter(m, at);
    gc_load(m, &at.buckets, cache, buckets);
    gc_load(m, out, at.buckets, slot[bucket_of(server, key)]);
    while (*out != NULL && (*out)->key != key)
        gc_load(m, out, *out, chain); /* load factor <= 1: a chain is short */
    gc_leave(m, at);
}

/* Takes the oldest entry out of list and table; it dies with the local here. */
static void evict(struct gc_mutator *m, struct server *server, struct cache *cache)
{
    struct {
        struct gc_frame frame;
        struct gc_array *buckets;
        struct entry *victim, *before, *entry, *rest;
    } at;
    gc_enter(m, at);
    gc_load(m, &at.victim, cache, oldest);
    detach(m, cache, at.victim);
    gc_load(m, &at.buckets, cache, buckets);
    uint32_t bucket = bucket_of(server, at.victim->key);
    gc_load(m, &at.rest, at.victim, chain);
    gc_load(m, &at.entry, at.buckets, slot[bucket]);
    while (at.entry != at.victim) {
        gc_move(m, &at.before, &at.entry);
        gc_load(m, &at.entry, at.before, chain);
    }
    if (at.before != NULL)
        gc_store(m, at.before, chain, at.rest);
    else
        gc_store(m, at.buckets, slot[bucket], at.rest);
    gc_leave(m, at);
    server->resident--;
}

/* Adds an entry that is not there, which becomes *out, and evicts one where it has to. */
static bool insert(struct gc_mutator *m, struct server *server, struct cache *cache,
        uint64_t key, struct entry **out)
{
    struct {
        struct gc_frame frame;
        struct gc_array *buckets;
        struct entry *entry, *first;
        struct value *value;
    } at;
    gc_enter(m, at);
    bool made = gc_new(m, &at.value, &value_type) && gc_new(m, &at.entry, &entry_type);
    if (made) {
        for (uint32_t i = 0; i < VALUE_WORDS; i++)
            at.value->words[i] = key + i;
        at.entry->key = key;
        at.entry->uses = 0;
        gc_give(m, at.entry, value, &at.value);
        uint32_t bucket = bucket_of(server, key);
        gc_load(m, &at.buckets, cache, buckets);
        gc_load(m, &at.first, at.buckets, slot[bucket]);
        gc_give(m, at.entry, chain, &at.first);
        gc_store(m, at.buckets, slot[bucket], at.entry);
        make_newest(m, cache, at.entry);
        server->inserted++;
        if (++server->resident > server->plan->capacity) evict(m, server, cache);
    }
    gc_move(m, out, &at.entry);
    gc_leave(m, at);
    return made;
}

/* --- a request ---------------------------------------------------------------------- */

/* A balanced tree of n objects, from its leaves up. */
static void build_tree(struct gc_mutator *m, struct node **out, int64_t n, uint64_t key)
{
    if (n == 0) return;
    struct {
        struct gc_frame frame;
        struct node *self, *left, *right;
    } at;
    gc_enter(m, at);
    build_tree(m, &at.left, (n - 1) / 2, 2 * key);
    build_tree(m, &at.right, n / 2, 2 * key + 1);
    if (gc_new(m, &at.self, &node_type)) {
        at.self->key = key;
        gc_give(m, at.self, left, &at.left);
        gc_give(m, at.self, right, &at.right);
    }
    gc_move(m, out, &at.self);
    gc_leave(m, at);
}

static uint64_t sum_tree(struct gc_mutator *m, struct node *tree)
{
    struct {
        struct gc_frame frame;
        struct node *child;
    } at;
    gc_enter(m, at);
    uint64_t sum = tree->key;
    gc_load(m, &at.child, tree, left);
    if (at.child != NULL) sum += sum_tree(m, at.child);
    gc_load(m, &at.child, tree, right);
    if (at.child != NULL) sum += sum_tree(m, at.child);
    gc_leave(m, at);
    return sum;
}

/* Serves a request for a key; *sum takes what the answer was. */
static bool serve(struct gc_mutator *m, struct server *server, struct cache *cache,
        int64_t tree, uint64_t key, uint64_t *sum)
{
    struct {
        struct gc_frame frame;
        struct entry *entry;
        struct value *value;
        struct node *tree;
    } at;
    gc_enter(m, at);
    find(m, server, cache, key, &at.entry);
    bool served = true;
    if (at.entry == NULL) {
        served = insert(m, server, cache, key, &at.entry);
    } else {
        detach(m, cache, at.entry);
        make_newest(m, cache, at.entry);
    }
    if (served) {
        uint64_t answer = ++at.entry->uses;
        gc_load(m, &at.value, at.entry, value);
        for (uint32_t i = 0; i < VALUE_WORDS; i++)
            answer += at.value->words[i];
        build_tree(m, &at.tree, tree, key);
        if (at.tree != NULL) answer += sum_tree(m, at.tree);
        *sum = gc_mix(*sum + answer);
    }
    gc_leave(m, at);
    return served;
}

/* --- the loop ----------------------------------------------------------------------- */

static void wait_until(struct gc_mutator *m, uint64_t due_ns)
{
    if (gc_os_now_ns() >= due_ns) return;
    gc_blocked_begin(m);
    gc_wait_until_ns(due_ns);
    gc_blocked_end(m);
}

/* The requests of one thread; what was answered. */
static uint64_t serve_all(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread,
        struct server *server, struct cache *cache, struct gc_histogram *latencies)
{
    const struct cache_options *o = trial->options;
    struct gc_random random = gc_random_stream(trial->seed, thread);
    struct gc_arrivals arrivals = { .gap_ns = 0 };
    if (o->rate > 0)
        arrivals = gc_arrivals_start(gc_random_stream(trial->seed, ~thread),
                (uint64_t)o->rate, o->arrivals == ARRIVALS_POISSON);
    struct plan *plan = trial->data;
    struct gc_trial_part part = { 0 };
    uint64_t sum = 0, start = gc_os_now_ns();
    while (gc_trial_next_part(trial, m, thread, (uint64_t)o->count, &part)) {
        uint64_t due = gc_os_now_ns();
        for (uint64_t i = part.first; i < part.end; i++) {
            uint32_t keys = plan->keys;
            uint64_t key = o->keys == KEYS_ZIPF ? gc_random_zipf(&random, keys)
                                                : 1 + gc_random_below(&random, keys);
            if (o->rate > 0) {
                due = start + gc_arrivals_next(&arrivals);
                wait_until(m, due);
            }
            if (!serve(m, server, cache, o->tree, key, &sum)) break;
            uint64_t now = gc_os_now_ns();
            gc_histogram_record(latencies, now - due);
            due = now;
        }
        plan->accounts[thread] = (struct account){ server->inserted, server->resident };
    }
    return sum;
}

/* The keys that are left, from the one used last on. */
static uint64_t sum_cache(struct gc_mutator *m, struct cache *cache)
{
    struct {
        struct gc_frame frame;
        struct entry *entry;
    } at;
    gc_enter(m, at);
    uint64_t sum = 0;
    gc_load(m, &at.entry, cache, newest);
    while (at.entry != NULL) {
        sum = gc_mix(sum + at.entry->key);
        gc_load(m, &at.entry, at.entry, older);
        gc_safepoint(m);
    }
    gc_leave(m, at);
    return sum;
}

static bool make_cache(struct gc_mutator *m, struct cache **out, const struct plan *plan)
{
    struct {
        struct gc_frame frame;
        struct cache *cache;
        struct gc_array *buckets;
    } at;
    gc_enter(m, at);
    bool made = gc_new(m, &at.cache, &cache_type) &&
                gc_new_array(m, &at.buckets, &buckets_type, plan->mask + 1, 0);
    if (made) gc_give(m, at.cache, buckets, &at.buckets);
    gc_move(m, out, &at.cache);
    gc_leave(m, at);
    return made;
}

static void run(struct gc_mutator *m, struct gc_trial *trial, uint32_t thread)
{
    struct plan *plan = trial->data;
    struct server server = { .plan = plan };
    struct {
        struct gc_frame frame;
        struct cache *cache;
        struct entry *entry;
    } at;
    gc_enter(m, at);
    struct gc_histogram *latencies = gc_os_alloc(sizeof(*latencies));
    bool made = latencies != NULL && make_cache(m, &at.cache, plan);
    for (uint32_t key = plan->capacity; key > 0 && made; key--)
        made = insert(m, &server, at.cache, key, &at.entry);
    gc_clear(m, &at.entry);
    gc_trial_wait(trial, m); /* all are full: requests begin */
    if (made) {
        uint64_t sum = serve_all(m, trial, thread, &server, at.cache, latencies);
        gc_trial_add(trial, gc_mix(sum + sum_cache(m, at.cache)));
        gc_trial_add_latencies(trial, latencies);
    } else {
        gc_trial_fail(trial, "thread %u has no memory for its cache", thread);
    }
    plan->accounts[thread].inserted = server.inserted;
    gc_os_free(latencies);
    gc_leave(m, at);
}

/* --- the trial ---------------------------------------------------------------------- */

/* How many keys there must be so that the first `capacity` get `hit` per cent of the
 * requests; 0: too many. */
static uint32_t count_keys(uint32_t capacity, int64_t hit, int64_t keys)
{
    if (keys == KEYS_UNIFORM) return (uint32_t)((uint64_t)capacity * 100 / (uint64_t)hit);
    double cached = 0;
    for (uint32_t k = 1; k <= capacity; k++)
        cached += 1.0 / k;
    double all = cached, wanted = cached * 100 / (double)hit;
    uint32_t n = capacity;
    while (all < wanted) {
        if (n == KEYS_MOST) return 0;
        all += 1.0 / ++n;
    }
    return n;
}

static int setup(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct cache_options *o = trial->options;
    uint64_t capacity = (uint64_t)o->entries;
    if (!trial->weak_scaling) capacity /= trial->threads;
    if (capacity == 0) capacity = 1;
    uint32_t keys = count_keys((uint32_t)capacity, o->hit, o->keys);
    if (keys == 0) {
        gc_trial_fail(trial,
                "hit=%lld of %llu entries takes more than %d keys by Zipf's law",
                (long long)o->hit, (unsigned long long)capacity, KEYS_MOST);
        return -EINVAL;
    }
    struct plan *plan =
            gc_os_alloc(sizeof(*plan) + trial->threads * sizeof(plan->accounts[0]));
    if (plan == NULL) {
        gc_trial_fail(trial, "there is no memory for the plan");
        return -ENOMEM;
    }
    plan->capacity = (uint32_t)capacity;
    plan->keys = keys;
    while (plan->mask + 1 < plan->capacity)
        plan->mask = 2 * plan->mask + 1;
    trial->data = plan;
    return 0;
}

/* What is evicted dies with its request: its list is mended around it. */
static void expect(struct gc_mutator *m, struct gc_trial *trial, struct gc_live *ret_live)
{
    const struct plan *plan = trial->data;
    for (uint32_t i = 0; i < trial->threads; i++) {
        const uint64_t resident = plan->accounts[i].resident;
        gc_live_add(ret_live, m, &cache_type, 0, 0, 1);
        gc_live_add(ret_live, m, &buckets_type, plan->mask + 1, 0, 1);
        gc_live_add(ret_live, m, &entry_type, 0, 0, resident);
        gc_live_add(ret_live, m, &value_type, 0, 0, resident);
    }
}

static void report(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    const struct cache_options *o = trial->options;
    const struct plan *plan = trial->data;
    uint64_t copies = trial->weak_scaling ? trial->threads : 1;
    trial->ops = (uint64_t)o->count * copies;
    trial->checksum = trial->sum;
    trial->planted = trial->ops * (uint64_t)o->tree;
    for (uint32_t i = 0; i < trial->threads; i++)
        trial->planted +=
                2 * plan->accounts[i].inserted + 2; /* the cache and its buckets */
    /* Neighbours in the list hold each other, and their values. */
    if (plan->capacity > 1)
        trial->planted_cyclic = UINT64_C(2) * plan->capacity * trial->threads;
    trial->planted_is_known = true;
}

static void finish(struct gc_mutator *m, struct gc_trial *trial)
{
    (void)m;
    gc_os_free(trial->data);
}

GC_WORKLOAD(cache) = {
    GC_WORKLOAD_HEADER(cache),
    .summary = "requests against an LRU cache; each builds and drops a tree",
    .card = "live: `entries` entries and their values, in a cache for each thread (none "
            "is "
            "shared), and one tree a thread; allocates all the time; cyclic: what is in "
            "the caches at the end",
    .unit = "requests",
    .request = "request",
    .race_free = true,
    .options = options,
    .options_size = sizeof(struct cache_options),
    .setup = setup,
    .run = run,
    .expect = expect,
    .report = report,
    .finish = finish,
};
