/* SPDX-License-Identifier: MIT */
/* race.c - threads load, store, exchange and drop on the same few slots, as fast as they
 * can, and every object that one of them meets must be what was stored there.
 *
 *   gclab-race-PROTOCOL [--seconds N] [--threads N] [--seed N] [--collector NAME[:OPTIONS]]
 *
 * An object is made for one slot of the board, its *place*, and is only ever stored there:
 * one that is met elsewhere, or whose check does not fit, was freed too early. In the end
 * nothing may be left, every finalizer must have run once, and what was made must be what
 * the heap says. Exit status: 0 nothing was wrong, 1 something was, 2 usage.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/collector.h"
#include "core/handshake.h"
#include "core/harness.h"
#include "core/mutator.h"
#include "core/os.h"
#include "core/schedule.h"
#include "core/verify.h"

#define QUOTE_(text) #text
#define QUOTE(text)  QUOTE_(text)

enum {
    PLACES = 6,
    THREADS_MOST = 64,
    HEAP_BYTES = 16 << 20,
    NOISE = 50,          /* one in so many yield points gives the processor to others */
    GRACE_SECONDS = 120, /* beyond those asked for, before it is said to hang */
    STATUS_WRONG = 1,
    STATUS_USAGE = 2,
};

struct item {
    struct gc_object header;
    struct item *a, *b; /* written before it is stored, read by all */
    uint64_t id, place, check;
    _Atomic(uint64_t) finalized; /* times; relaxed: only one thread runs it */
};

struct wide_item {
    struct item item;
    char more[160]; /* of another size class */
};

/* Set before the threads start. */
static struct {
    uint64_t seconds, threads, seed;
    char collector[64], protocol[32], options[256];
    bool finds_cycles;
} o = { .seconds = 3, .threads = 4, .seed = 1 };

/* Sums; relaxed, compared when one thread is left. */
static _Atomic(uint64_t) made, mortals, finalized, resurrected, exhausted, shaken;
static _Atomic(uint32_t) ended;

/* The board: slots of items, then of weak references to such. */
static gc_slot board_root;

static void fail(const char *what)
{
    fprintf(stderr, "gclab-race: seed %llu, %llu threads, %s@%s: %s\n",
            (unsigned long long)o.seed, (unsigned long long)o.threads, o.collector,
            o.protocol, what);
    fflush(stderr);
    _exit(STATUS_WRONG);
}

static void expect(bool condition, const char *what)
{
    if (!condition) fail(what);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void check_item(const struct item *item, uint64_t place)
{
    expect(item->place == place, "an object is met where it was never stored");
    expect(item->check == mix(item->id ^ item->place), "an object's canary is gone");
}

/* --- types ---------------------------------------------------------------------------- */

/* Brings its object back, now and then. */
static int finalize(struct gc_mutator *m, struct gc_object *object)
{
    struct item *self = (struct item *)(void *)object;
    struct {
        struct gc_frame frame;
        struct gc_array *board;
    } at;
    check_item(self, self->place);
    expect(gc_atomic_fetch_add_relaxed(&self->finalized, 1) == 0,
            "a finalizer runs a second time");
    gc_atomic_fetch_add_relaxed(&finalized, 1);
    if (self->id % 2 != 0 || gc_atomic_load_relaxed(&ended) != 0) return 0;
    gc_enter(m, at);
    gc_load_root(m, &at.board, &board_root);
    gc_store_shared(m, at.board, slot[self->place], self);
    gc_leave(m, at);
    gc_atomic_fetch_add_relaxed(&resurrected, 1);
    return 0;
}

static const struct gc_type item_type = GC_TYPE(struct item, .slots = 2);
static const struct gc_type wide_type = GC_TYPE(struct wide_item, .slots = 2);
static const struct gc_type mortal_type =
        GC_TYPE(struct item, .slots = 2, .finalize = finalize);
static const struct gc_type board_type = GC_ARRAY_TYPE("board", .flags = GC_TYPE_ARRAY);

/* --- a thread ------------------------------------------------------------------------- */

struct player {
    struct gc_mutator_thread thread;
    uint64_t random, serial;
};

static uint32_t draw(struct player *player, uint32_t n)
{
    return (uint32_t)(mix(player->random += UINT64_C(0x9e3779b97f4a7c15)) % n);
}

struct places {
    struct gc_frame frame;
    struct gc_array *board;
    struct item *fresh, *met, *child, *kept;
    struct gc_weak *weak;
};

/* at->fresh = a new object for a place, not yet stored. */
static bool make(
        struct gc_mutator *m, struct player *player, struct places *at, uint64_t place)
{
    const uint32_t kind = draw(player, 8);
    const bool mortal = kind == 0, wide = kind == 1 || kind == 2;
    const bool done = gc_new_slow(m, GC_SLOT(&at->fresh),
            mortal ? &mortal_type
            : wide ? &wide_type
                   : &item_type,
            0, 0);
    if (!done) return false;
    gc_atomic_fetch_add_relaxed(&made, 1);
    if (mortal) gc_atomic_fetch_add_relaxed(&mortals, 1);
    at->fresh->id = mix(player->serial++);
    at->fresh->place = place;
    at->fresh->check = mix(at->fresh->id ^ place);
    gc_atomic_init(&at->fresh->finalized, 0);
    /* One that was met goes into it, if that has none itself: chains stay short. */
    if (at->kept != NULL && at->kept->a == NULL && draw(player, 3) == 0)
        gc_store_new(m, at->fresh, a, at->kept);
    else if (o.finds_cycles && draw(player, 3) == 0)
        gc_store_new(m, at->fresh, a, at->fresh);
    return true;
}

static void load(
        struct gc_mutator *m, struct player *player, struct places *at, uint64_t place)
{
    gc_load_shared(m, &at->met, at->board, slot[place]);
    if (at->met == NULL) return;
    check_item(at->met, place);
    gc_load(m, &at->child, at->met, a);
    if (at->child != NULL) check_item(at->child, at->child->place);
    if (draw(player, 4) == 0) gc_move(m, &at->kept, &at->met);
}

static void resolve(struct gc_mutator *m, struct places *at, uint64_t place)
{
    gc_load_shared(m, &at->weak, at->board, slot[PLACES + place]);
    if (at->weak == NULL) return;
    gc_load_weak(m, &at->met, at->weak);
    if (at->met != NULL) check_item(at->met, place);
    gc_clear(m, &at->weak);
}

static void make_weak(struct gc_mutator *m, struct places *at, uint64_t place)
{
    gc_load_shared(m, &at->met, at->board, slot[place]);
    if (at->met == NULL) return;
    if (!gc_new_weak(m, &at->weak, at->met, NULL, (struct item *)NULL)) return;
    gc_atomic_fetch_add_relaxed(&made, 1);
    gc_store_shared(m, at->board, slot[PLACES + place], at->weak);
    gc_clear(m, &at->weak);
}

static void count_shake(struct gc_mutator *m, void *argument)
{
    (void)m, (void)argument;
    gc_atomic_fetch_add_relaxed(&shaken, 1);
}

static void check_world(struct gc_mutator *m)
{
    struct gc_error error = { "" };
    expect(gc_verify(m, 2, &error) == 0, error.text);
}

/* What is done seldom. */
static void play_with_all(struct gc_mutator *m, struct player *player)
{
    switch (draw(player, 8)) {
    case 0:
        gc_handshake(m, count_shake, NULL);
        break;
    case 1:
        check_world(m);
        break;
    case 2:
    case 3:
        gc_collect(m, (int)draw(player, GC_GENERATIONS));
        break;
    default:
        gc_blocked_begin(m);
        sched_yield();
        gc_blocked_end(m);
    }
}

static void play_once(struct gc_mutator *m, struct player *player, struct places *at)
{
    const uint64_t place = draw(player, PLACES);
    const uint32_t what = draw(player, 1000);
    if (what < 400) {
        load(m, player, at, place);
    } else if (what < 560) {
        if (make(m, player, at, place))
            gc_store_shared(m, at->board, slot[place], at->fresh);
    } else if (what < 660) {
        if (make(m, player, at, place))
            gc_exchange(m, at->board, slot[place], &at->fresh);
        if (at->fresh != NULL) check_item(at->fresh, place);
    } else if (what < 760) {
        gc_load_shared(m, &at->met, at->board, slot[place]);
        if (make(m, player, at, place))
            gc_compare_exchange(m, at->board, slot[place], at->met, at->fresh);
    } else if (what < 860) {
        resolve(m, at, place);
    } else if (what < 900) {
        make_weak(m, at, place);
    } else if (what < 980) {
        gc_store_shared(m, at->board, slot[place], (struct item *)NULL);
    } else if (what < 990) {
        gc_clear(m, &at->kept);
    } else {
        play_with_all(m, player);
    }
    gc_clear(m, &at->fresh);
    if (draw(player, 2) == 0) gc_clear(m, &at->met);
    gc_safepoint(m);
}

static void play(struct gc_mutator *m, void *argument)
{
    struct player *player = argument;
    struct places at;
    gc_enter(m, at);
    gc_take_start(m, &at.board);
    const uint32_t turns = 1000 + draw(player, 20000);
    for (uint32_t i = 0; i < turns && gc_atomic_load_relaxed(&ended) == 0; i++)
        play_once(m, player, &at);
    gc_leave(m, at);
}

/* --- all of it ------------------------------------------------------------------------ */

static void on_exhausted(struct gc_mutator *m, size_t bytes, void *argument)
{
    (void)m, (void)bytes, (void)argument;
    gc_atomic_fetch_add_relaxed(&exhausted, 1);
}

static void on_alarm(int signal)
{
    (void)signal;
    static const char text[] = "gclab-race: it hangs\n";
    ssize_t done = write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(done > 0 ? STATUS_WRONG : STATUS_WRONG + 3);
}

/* Threads play until time is up; who ends is replaced. Returns the number of lives. */
static uint64_t play_all(struct gc_mutator *m, struct gc_array *board)
{
    static struct player players[THREADS_MOST];
    const uint64_t end = gc_os_now_ns() + o.seconds * UINT64_C(1000000000);
    uint64_t lives = 0;
    for (bool first = true;; first = false) {
        const bool over = gc_os_now_ns() >= end;
        if (over) gc_atomic_store_relaxed(&ended, 1);
        for (uint64_t i = 0; i < o.threads; i++) {
            struct player *player = &players[i];
            if (!first) gc_join(m, &player->thread);
            if (over) continue;
            player->random = mix(o.seed * 1000003 + lives);
            player->serial = ++lives << 24;
            int result = gc_spawn(m, &player->thread, play, player, &board->header);
            expect(result == 0, "a thread can't be started");
        }
        if (over) return lives;
    }
}

static void check_end(struct gc_heap *heap, struct gc_mutator *m, uint64_t lives)
{
    struct gc_heap_stats stats;
    struct gc_error error = { "" };
    gc_quiesce(m);
    expect(gc_verify(m, 3, &error) == 0, error.text);
    gc_stop_begin(m);
    gc_heap_read_stats(heap, &stats);
    gc_stop_end(m, 0);
    const uint64_t all = gc_atomic_load_relaxed(&made);
    printf("%llu threads, %llu lives, %llu objects, %llu of them brought back, %llu "
           "collections, %llu handshakes, %llu stops, %llu times out of memory; left: "
           "%llu\n",
            (unsigned long long)o.threads, (unsigned long long)lives,
            (unsigned long long)all,
            (unsigned long long)gc_atomic_load_relaxed(&resurrected),
            (unsigned long long)stats.collections,
            (unsigned long long)stats.counters.handshakes,
            (unsigned long long)stats.counters.stops,
            (unsigned long long)gc_atomic_load_relaxed(&exhausted),
            (unsigned long long)stats.live_objects);
    expect(stats.live_objects == 0, "objects are left that nobody holds");
    expect(stats.allocated_objects == all, "the heap has made another number of objects");
    expect(gc_atomic_load_relaxed(&finalized) == gc_atomic_load_relaxed(&mortals),
            "a finalizer ran twice, or not at all");
}

static int race(void)
{
    struct gc_heap *heap;
    struct gc_mutator *m;
    struct gc_error error;
    struct gc_root_range range;
    const struct gc_heap_config config = {
        .collector = gc_collector_find(o.collector),
        .protocol = gc_protocol_find(o.protocol),
        .options = o.options[0] != '\0' ? o.options : NULL,
        .limit_bytes = HEAP_BYTES,
        .on_exhausted = on_exhausted,
    };
    if (gc_heap_create(&config, &heap, &error) != 0) {
        fprintf(stderr, "gclab-race: %s\n", error.text);
        return STATUS_USAGE;
    }
    o.finds_cycles = (config.collector->capabilities & GC_CAP_CYCLES) != 0;
    expect(gc_attach(heap, &m) == 0, "no memory for a mutator");
    gc_roots_add(heap, &range, &board_root, 1);
    expect(gc_new_slow(m, &board_root, &board_type, 2 * PLACES, 0), "no memory");
    gc_atomic_fetch_add_relaxed(&made, 1);
    const uint64_t lives = play_all(m, (struct gc_array *)(void *)board_root);
    gc_store_root_null(m, &board_root);
    check_end(heap, m, lives);
    gc_roots_remove(heap, &range);
    gc_detach(m);
    gc_heap_destroy(heap);
    return 0;
}

static int usage(const char *what, const char *detail)
{
    fprintf(stderr,
            "gclab-race: %s%s\nusage: gclab-race [--seconds N] [--threads N] [--seed N] "
            "[--collector NAME[@PROTOCOL][:OPTIONS]]\n",
            what, detail);
    return STATUS_USAGE;
}

static bool read_number(const char *text, uint64_t most, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool good = errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
    if (!good || value == 0 || value > most) return false;
    *ret = value;
    return true;
}

/* Copies up to one of the characters in `ends`; returns what follows, or NULL: too long. */
static const char *copy_until(char *to, size_t room, const char *from, const char *ends)
{
    size_t length = strcspn(from, ends);
    if (length >= room) return NULL;
    memcpy(to, from, length);
    to[length] = '\0';
    return from + length;
}

static int read_collector(const char *spec)
{
    const char *rest = copy_until(o.collector, sizeof(o.collector), spec, "@:");
    strcpy(o.protocol, QUOTE(GC_PROTOCOL_NAME));
    if (rest != NULL && *rest == '@')
        rest = copy_until(o.protocol, sizeof(o.protocol), rest + 1, ":");
    o.options[0] = '\0';
    if (rest != NULL && *rest == ':')
        rest = copy_until(o.options, sizeof(o.options), rest + 1, "");
    if (rest == NULL) return usage("too long: ", spec);
    if (gc_collector_find(o.collector) == NULL)
        return usage("there is no collector ", o.collector);
    if (strcmp(o.protocol, QUOTE(GC_PROTOCOL_NAME)) != 0)
        return usage("this program is compiled for another protocol than ", o.protocol);
    return 0;
}

int main(int argc, char **argv)
{
    int result = read_collector("generational:threshold0=100:threshold1=2:threshold2=2");
    for (int i = 1; i < argc && result == 0; i++) {
        const char *name = argv[i];
        const bool known =
                strcmp(name, "--seconds") == 0 || strcmp(name, "--threads") == 0 ||
                strcmp(name, "--seed") == 0 || strcmp(name, "--collector") == 0;
        if (!known) return usage("unknown option ", name);
        if (++i == argc) return usage("a value is missing behind ", name);
        if (strcmp(name, "--collector") == 0) {
            result = read_collector(argv[i]);
            continue;
        }
        uint64_t *number = strcmp(name, "--seconds") == 0   ? &o.seconds
                           : strcmp(name, "--threads") == 0 ? &o.threads
                                                            : &o.seed;
        uint64_t most = number == &o.threads ? THREADS_MOST : UINT32_MAX;
        if (!read_number(argv[i], most, number))
            return usage("no number in the range of this option: ", argv[i]);
    }
    if (result != 0) return result;
    gc_schedule_disturb(NOISE);
    signal(SIGALRM, on_alarm);
    alarm((unsigned)o.seconds + GRACE_SECONDS);
    return race();
}
