/* SPDX-License-Identifier: MIT */
/* native_cache.c - the work of workloads/cache.c. An entry that is evicted is freed with its
 * value, a tree by recursion; at the end each thread frees what its cache still holds.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "bench/peers/native.h"
#include "core/histogram.h"
#include "workloads/arrivals.h"

enum { ENTRIES, COUNT, TREE, KEYS, HIT, RATE, ARRIVALS };
enum { KEYS_ZIPF, KEYS_UNIFORM };
enum { ARRIVALS_POISSON, ARRIVALS_CONSTANT };

enum { VALUE_WORDS = 4, KEYS_MOST = 1 << 28 };

struct value {
    uint64_t words[VALUE_WORDS];
};

struct entry {
    struct entry *chain; /* of its bucket */
    struct entry *newer, *older;
    struct value *value;
    uint64_t key, uses;
};

struct cache {
    struct entry **buckets;
    struct entry *newest, *oldest;
    uint32_t resident;
};

struct node {
    struct node *left, *right;
    uint64_t key;
};

static uint32_t capacity, keys, mask; /* of one cache; const after setup() */

static struct gc_histogram all_latencies; /* its lock */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- the cache ---------------------------------------------------------------------- */

static struct entry **bucket_of(struct cache *cache, uint64_t key)
{
    return &cache->buckets[(uint32_t)gc_mix(key) & mask];
}

static void detach(struct cache *cache, struct entry *entry)
{
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
}

static void make_newest(struct cache *cache, struct entry *entry)
{
    entry->older = cache->newest;
    entry->newer = NULL;
    if (entry->older != NULL)
        entry->older->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
}

static struct entry *find(struct cache *cache, uint64_t key)
{
    struct entry *entry = *bucket_of(cache, key);
    while (entry != NULL && entry->key != key)
        entry = entry->chain;
    return entry;
}

static void evict(struct cache *cache)
{
    struct entry *victim = cache->oldest;
    detach(cache, victim);
    struct entry **link = bucket_of(cache, victim->key);
    while (*link != victim)
        link = &(*link)->chain;
    *link = victim->chain;
    native_free(victim->value);
    native_free(victim);
    cache->resident--;
}

static struct entry *insert(struct cache *cache, uint64_t key)
{
    struct value *value = native_new_leaf(sizeof(*value));
    struct entry *entry = native_new(sizeof(*entry));
    for (uint32_t i = 0; i < VALUE_WORDS; i++)
        value->words[i] = key + i;
    entry->key = key;
    entry->uses = 0;
    entry->value = value;
    struct entry **bucket = bucket_of(cache, key);
    entry->chain = *bucket;
    *bucket = entry;
    make_newest(cache, entry);
    if (++cache->resident > capacity) evict(cache);
    return entry;
}

static void drop_cache(struct cache *cache)
{
    if (!NATIVE_FREES) return;
    while (cache->oldest != NULL)
        evict(cache);
    native_free(cache->buckets);
    native_free(cache);
}

/* --- a request ---------------------------------------------------------------------- */

static struct node *build_tree(uint64_t n, uint64_t key)
{
    if (n == 0) return NULL;
    struct node *left = build_tree((n - 1) / 2, 2 * key);
    struct node *right = build_tree(n / 2, 2 * key + 1);
    struct node *self = native_new(sizeof(*self));
    self->left = left;
    self->right = right;
    self->key = key;
    return self;
}

static uint64_t sum_tree(const struct node *tree)
{
    uint64_t sum = tree->key;
    if (tree->left != NULL) sum += sum_tree(tree->left);
    if (tree->right != NULL) sum += sum_tree(tree->right);
    return sum;
}

static void drop_tree(struct node *tree)
{
    if (!NATIVE_FREES || tree == NULL) return;
    drop_tree(tree->left);
    drop_tree(tree->right);
    native_free(tree);
}

static uint64_t serve(struct cache *cache, uint64_t tree_size, uint64_t key)
{
    struct entry *entry = find(cache, key);
    if (entry == NULL) {
        entry = insert(cache, key);
    } else {
        detach(cache, entry);
        make_newest(cache, entry);
    }
    uint64_t answer = ++entry->uses;
    for (uint32_t i = 0; i < VALUE_WORDS; i++)
        answer += entry->value->words[i];
    struct node *tree = build_tree(tree_size, key);
    if (tree != NULL) answer += sum_tree(tree);
    drop_tree(tree);
    return answer;
}

/* --- the loop ----------------------------------------------------------------------- */

/* As gc_wait_until_ns(): asleep, and awake for the last tenth of a millisecond. */
static void wait_until(uint64_t due_ns)
{
    enum { AWAKE_NS = 100000 };
    uint64_t now = native_now_ns();
    if (due_ns > now && due_ns - now > AWAKE_NS) {
        uint64_t until = due_ns - AWAKE_NS;
        struct timespec time = { (time_t)(until / 1000000000),
            (long)(until % 1000000000) };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
    }
    while (native_now_ns() < due_ns)
        sched_yield();
}

static uint64_t serve_all(const struct native_trial *trial, uint32_t thread,
        struct cache *cache, struct gc_histogram *latencies)
{
    const uint64_t *o = trial->numbers;
    struct gc_random random = gc_random_stream(trial->seed, thread);
    struct gc_arrivals arrivals = { .gap_ns = 0 };
    if (o[RATE] > 0)
        arrivals = gc_arrivals_start(gc_random_stream(trial->seed, ~thread), o[RATE],
                o[ARRIVALS] == ARRIVALS_POISSON);
    uint64_t first, end, sum = 0;
    native_share(trial, thread, o[COUNT], &first, &end);
    uint64_t start = native_now_ns(), due = start;
    for (uint64_t i = first; i < end; i++) {
        uint64_t key = o[KEYS] == KEYS_ZIPF ? gc_random_zipf(&random, keys)
                                            : 1 + gc_random_below(&random, keys);
        if (o[RATE] > 0) {
            due = start + gc_arrivals_next(&arrivals);
            wait_until(due);
        }
        sum = gc_mix(sum + serve(cache, o[TREE], key));
        uint64_t now = native_now_ns();
        gc_histogram_record(latencies, now - due);
        due = now;
    }
    return sum;
}

/* The keys that are left, from the one used last on. */
static uint64_t sum_cache(const struct cache *cache)
{
    uint64_t sum = 0;
    for (const struct entry *entry = cache->newest; entry != NULL; entry = entry->older)
        sum = gc_mix(sum + entry->key);
    return sum;
}

uint64_t native_run(const struct native_trial *trial, uint32_t thread)
{
    struct gc_histogram *latencies = native_require(calloc(1, sizeof(*latencies)));
    struct cache *cache = native_new(sizeof(*cache));
    *cache = (struct cache){ .buckets = native_new_table(mask + UINT64_C(1)) };
    for (uint32_t key = capacity; key > 0; key--)
        insert(cache, key);
    native_wait(); /* all are full: requests begin */
    uint64_t sum = serve_all(trial, thread, cache, latencies);
    sum = gc_mix(sum + sum_cache(cache));
    pthread_mutex_lock(&all_lock);
    gc_histogram_add(&all_latencies, latencies);
    pthread_mutex_unlock(&all_lock);
    free(latencies);
    drop_cache(cache);
    return sum;
}

/* --- the trial ---------------------------------------------------------------------- */

/* As many keys as it takes that `hit` per cent of the requests are for the first ones. */
static uint32_t count_keys(uint64_t hit, bool is_uniform)
{
    if (is_uniform) return (uint32_t)((uint64_t)capacity * 100 / hit);
    double cached = 0;
    for (uint32_t k = 1; k <= capacity; k++)
        cached += 1.0 / k;
    double all = cached, wanted = cached * 100 / (double)hit;
    uint32_t n = capacity;
    while (all < wanted && n < KEYS_MOST)
        all += 1.0 / ++n;
    return n;
}

static void setup(const struct native_trial *trial)
{
    capacity = (uint32_t)(trial->numbers[ENTRIES] / trial->threads);
    if (capacity == 0) capacity = 1;
    while (mask + 1 < capacity)
        mask = 2 * mask + 1;
    keys = count_keys(trial->numbers[HIT], trial->numbers[KEYS] == KEYS_UNIFORM);
}

static void report(const struct native_trial *trial, struct native_result *result)
{
    const struct gc_histogram *all = &all_latencies;
    struct native_latency *latency = &result->latency;
    result->ops = trial->numbers[COUNT];
    latency->count = all->count;
    latency->max_ns = all->max;
    latency->has_p50 = gc_histogram_percentile(all, .5, &latency->p50_ns);
    latency->has_p99 = gc_histogram_percentile(all, .99, &latency->p99_ns);
    latency->has_p999 = gc_histogram_percentile(all, .999, &latency->p999_ns);
}

const struct native_workload native_workload = {
    .name = "cache",
    .names = { "entries", "count", "tree", "keys=zipf|uniform", "hit", "rate",
            "arrivals=poisson|constant" },
    .setup = setup,
    .report = report,
};
