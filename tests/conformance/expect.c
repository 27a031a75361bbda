/* SPDX-License-Identifier: MIT */
/* expect.c - what a case expects, and what must hold after every case. */
#include "tests/conformance/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/verify.h"

static void compare(
        struct machine *machine, const struct statement *s, int64_t got, int64_t wanted)
{
    if (got == wanted) return;
    report_fail(
            machine->report, s->line, "expected %" PRId64 ", got %" PRId64, wanted, got);
}

static void check(
        struct machine *machine, const struct statement *s, bool holds, const char *got)
{
    if (!holds) report_fail(machine->report, s->line, "got %s", got);
}

/* --- values ----------------------------------------------------------------------------- */

/* A number, or a remembered one, with +N behind it. */
static uint64_t value_at(struct machine *machine, const struct statement *s, uint32_t i)
{
    const char *text = machine_word(s, i)->text;
    size_t length = strcspn(text, "+");
    for (struct name *name = machine->test->names; name != NULL; name = name->next) {
        if (strlen(name->text) != length || strncmp(name->text, text, length) != 0)
            continue;
        return name->number + strtoull(text + length, NULL, 10);
    }
    return (uint64_t)machine_number(s, i);
}

/* What a weak reference refers to, without taking a reference. */
static struct gc_object *target_of(struct gc_object *object)
{
    struct gc_weak *weak = (struct gc_weak *)(void *)object;
    return gc_atomic_load_relaxed(&weak->target);
}

static bool is_weak(const struct gc_object *object)
{
    return object != NULL && gc_object_info(object)->type == &gc_weak_type;
}

/* A weak reference stands for its target, unless it is compared with another one. */
static void expect_is(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct gc_object *left = machine_peek_at(machine, place, s, 1);
    struct gc_object *right = machine_peek_at(machine, place, s, 3);
    if (is_weak(left) && !is_weak(right))
        left = target_of(left);
    else if (is_weak(right) && !is_weak(left))
        right = target_of(right);
    check(machine, s, left == right, "another object");
}

/* --- weak references -------------------------------------------------------------------- */

/* Checks a weak reference, or all of an array. */
static void expect_weak(struct machine *machine, const struct place *place,
        const struct statement *s, bool dead)
{
    struct ref one = machine_word(s, 2)->ref;
    uint32_t n = one.is_array && !one.has_index ? one.roots : 1;
    for (uint32_t i = 0; i < n; i++) {
        if (n > 1) {
            one.has_index = true;
            one.index = (struct index){ false, i };
        }
        struct gc_object *weak = machine_peek(machine, place, &one);
        if (!is_weak(weak)) machine_bad(s, "a weak reference is wanted");
        check(machine, s, (target_of(weak) == NULL) == dead, dead ? "alive" : "dead");
    }
}

static void expect_dead(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    expect_weak(machine, place, s, true);
}

static void expect_alive(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    expect_weak(machine, place, s, false);
}

/* --- objects ---------------------------------------------------------------------------- */

static void expect_count(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 2);
    if (object == NULL) machine_bad(s, "an object is wanted");
    compare(machine, s, (int64_t)gc_refcount(machine->m, object),
            (int64_t)value_at(machine, s, 4));
}

static void expect_generation(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 2);
    if (object == NULL) machine_bad(s, "an object is wanted");
    bool frozen = strcmp(machine_word(s, 4)->text, "frozen") == 0;
    compare(machine, s, gc_generation_of(machine->m, object),
            frozen ? -2 : machine_number(s, 4));
}

static void expect_tracked(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 2);
    bool tracked = object != NULL && gc_generation_of(machine->m, object) != -1;
    check(machine, s, tracked, "untracked");
}

static void expect_untracked(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 2);
    bool tracked = object != NULL && gc_generation_of(machine->m, object) != -1;
    check(machine, s, !tracked, "tracked");
}

static struct gc_object *slot_value(struct gc_object *object, uint32_t i)
{
    if (object == NULL) return NULL;
    struct gc_slots slots = gc_object_slots(object, gc_object_info(object));
    return i < slots.count ? gc_atomic_slot_load_relaxed(&slots.first[i]) : NULL;
}

/* Steps along slot a until the start comes again. */
static void expect_ring_of(struct machine *machine, const struct place *place,
        const struct statement *s, bool both)
{
    struct gc_object *start = machine_peek_at(machine, place, s, 2), *at = start;
    int64_t steps = 0, length = machine_number(s, 3);
    do {
        struct gc_object *next = slot_value(at, 0);
        if (next == NULL || gc_object_is_dead(next) ||
                (both && slot_value(next, 1) != at)) {
            report_fail(machine->report, s->line, "broken at step %" PRId64, steps + 1);
            return;
        }
        at = next;
        steps++;
    } while (at != start && steps <= length);
    compare(machine, s, steps, length);
}

static void expect_ring(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    expect_ring_of(machine, place, s, false);
}

static void expect_dring(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    expect_ring_of(machine, place, s, true);
}

/* --- the collector ---------------------------------------------------------------------- */

static void triple(struct machine *machine, const struct statement *s, uint32_t from,
        const int64_t got[3])
{
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(machine_word(s, from + i)->text, "_") != 0 &&
                machine_number(s, from + i) != got[i])
            report_fail(machine->report, s->line, "got %" PRId64 " %" PRId64 " %" PRId64,
                    got[0], got[1], got[2]);
}

static void expect_counters(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    struct gc_mutator *m = machine->m;
    triple(machine, s, 3,
            (int64_t[]){ gc_generation_count(m, 0), gc_generation_count(m, 1),
                    gc_generation_count(m, 2) });
}

static void expect_thresholds(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    struct gc_mutator *m = machine->m;
    triple(machine, s, 3,
            (int64_t[]){ gc_threshold_get(m, 0), gc_threshold_get(m, 1),
                    gc_threshold_get(m, 2) });
}

static void expect_stats(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    int g = (int)machine_number(s, 2);
    struct gc_generation_stats now = gc_generation_stats_get(machine->m, g);
    const struct gc_generation_stats *then = &machine->marked[g];
    triple(machine, s, 4,
            (int64_t[]){ (int64_t)(now.collections - then->collections),
                    (int64_t)(now.collected - then->collected),
                    (int64_t)(now.uncollectable - then->uncollectable) });
}

static void expect_candidates(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    int g = (int)machine_number(s, 2);
    uint64_t now = gc_generation_stats_get(machine->m, g).candidates;
    compare(machine, s, (int64_t)(now - machine->marked[g].candidates),
            machine_number(s, 4));
}

/* `positive`, or 0. */
static void expect_duration(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    int g = (int)machine_number(s, 2);
    uint64_t now = gc_generation_stats_get(machine->m, g).duration_ns;
    bool positive = now > machine->marked[g].duration_ns;
    bool wanted = strcmp(s->words[4].text, "positive") == 0;
    check(machine, s, positive == wanted, positive ? "a duration" : "no duration");
}

static void expect_frozen(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    compare(machine, s, (int64_t)gc_freeze_count(machine->m), machine_number(s, 3));
}

static void expect_kept(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    compare(machine, s, machine->kept, machine_number(s, 3));
}

static void expect_garbage(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    compare(machine, s, machine->garbage, machine_number(s, 3));
}

static void expect_reported(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    compare(machine, s, machine->reported, machine_number(s, 3));
}

static void expect_collections(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    char wanted[sizeof(machine->collections)] = "";
    size_t used = 0;
    for (uint32_t i = 3; i < s->count && strcmp(s->words[3].text, "nothing") != 0; i++) {
        used += (size_t)snprintf(
                wanted + used, sizeof(wanted) - used, "%s", s->words[i].text);
        if (used >= sizeof(wanted)) machine_bad(s, "too long");
    }
    if (strcmp(wanted, machine->collections) != 0)
        report_fail(machine->report, s->line, "expected %s, got %s", wanted,
                machine->collections);
}

/* --- the log ---------------------------------------------------------------------------- */

static bool next_tag(const char **at, size_t *length)
{
    *at += strspn(*at, " ");
    *length = strcspn(*at, " ");
    return *length > 0;
}

/* How often the log has the tag. */
static uint32_t log_has(const struct machine *machine, const char *tag)
{
    uint32_t times = 0;
    size_t length;
    for (const char *at = machine->log; next_tag(&at, &length); at += length)
        times += strlen(tag) == length && strncmp(at, tag, length) == 0;
    return times;
}

static void expect_log(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    bool ordered = strcmp(machine_word(s, 2)->text, "=") == 0, same = true;
    bool empty = strcmp(machine_word(s, 3)->text, "nothing") == 0;
    uint32_t wanted = empty ? 0 : s->count - 3, got = 0;
    size_t length;
    for (const char *at = machine->log; next_tag(&at, &length); at += length, got++) {
        if (!ordered || got >= wanted) continue;
        const char *tag = s->words[3 + got].text;
        same = same && strlen(tag) == length && strncmp(at, tag, length) == 0;
    }
    for (uint32_t i = 0; i < wanted && !ordered; i++) {
        uint32_t times = 0;
        for (uint32_t k = 0; k < wanted; k++)
            times += strcmp(s->words[3 + i].text, s->words[3 + k].text) == 0;
        same = same && times == log_has(machine, s->words[3 + i].text);
    }
    if (!same || got != wanted)
        report_fail(
                machine->report, s->line, "expected %u, got: %s", wanted, machine->log);
}

/* --- introspection ---------------------------------------------------------------------- */

struct holders {
    const struct gc_object *target;
    struct gc_object *found[256];
    uint32_t count;
    bool holds;
};

static void note_slot(gc_slot *slot, void *argument)
{
    struct holders *holders = argument;
    if (gc_atomic_slot_load_relaxed(slot) == holders->target) holders->holds = true;
}

static bool note_object(struct gc_object *object, void *argument)
{
    struct holders *holders = argument;
    holders->holds = holders->target == NULL;
    if (holders->target != NULL) gc_object_trace(object, note_slot, holders);
    if (holders->holds && holders->count < 256) holders->found[holders->count++] = object;
    return true;
}

/* The tracked objects of all generations that refer to the target (NULL: all of them). */
static void list_objects(struct machine *machine, const struct gc_object *target,
        struct holders *ret_holders)
{
    *ret_holders = (struct holders){ .target = target };
    gc_stop_begin(machine->m);
    gc_heap_walk_stw(machine->heap, note_object, ret_holders);
    gc_stop_end(machine->m, 0);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ret_holders->count; i++)
        if (gc_generation_of(machine->m, ret_holders->found[i]) != -1)
            ret_holders->found[kept++] = ret_holders->found[i];
    ret_holders->count = kept;
}

static void expect_listed(struct machine *machine, const struct place *place,
        const struct statement *s, const struct holders *holders, uint32_t i)
{
    const struct gc_object *object = machine_peek_at(machine, place, s, i + 1);
    bool wanted = strcmp(machine_word(s, i)->text, "have") == 0, has = false;
    for (uint32_t k = 0; k < holders->count; k++)
        has = has || holders->found[k] == object;
    check(machine, s, has == wanted, has ? "listed" : "not listed");
}

static void expect_objects(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct holders holders;
    list_objects(machine, NULL, &holders);
    expect_listed(machine, place, s, &holders, 2);
}

static void expect_referrers(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct holders holders;
    list_objects(machine, machine_peek_at(machine, place, s, 2), &holders);
    expect_listed(machine, place, s, &holders, 3);
}

static void expect_referents(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 2);
    struct holders holders = { .target = machine_peek_at(machine, place, s, 4) };
    gc_object_trace(object, note_slot, &holders);
    bool wanted = strcmp(machine_word(s, 3)->text, "have") == 0;
    check(machine, s, holders.holds == wanted,
            holders.holds ? "a referent" : "no referent");
}

/* The node whose tag is the name, though no handle may hold it. */
static struct gc_object *find_node(const struct holders *all, const char *name)
{
    for (uint32_t i = 0; i < all->count; i++) {
        const struct node *node = (const struct node *)(const void *)all->found[i];
        if (strcmp(gc_object_info(all->found[i])->type->name, "struct node") == 0 &&
                strcmp(node->tag.name, name) == 0)
            return all->found[i];
    }
    return NULL;
}

/* Whether, in the list that the first is in, the others follow it in this order. A list
 * is circular, so for three of them this tells both orders apart. */
static void expect_order(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    (void)place;
    struct holders all;
    list_objects(machine, NULL, &all);
    struct gc_object *wanted = find_node(&all, machine_word(s, 3)->text);
    if (s->count != 6 || wanted == NULL) machine_bad(s, "three live nodes are wanted");
    const struct gc_links *start = gc_links_of(wanted);
    uint32_t i = 4;
    for (const struct gc_links *at = start->next; at != start && i < s->count;
            at = at->next) {
        wanted = find_node(&all, s->words[i].text);
        i += wanted != NULL && at == gc_links_of(wanted);
    }
    check(machine, s, i == s->count, "another order");
}

static const struct {
    const char *name;
    void (*run)(struct machine *machine, const struct place *place,
            const struct statement *s);
} expectations[] = {
    { "alive", expect_alive },
    { "candidates", expect_candidates },
    { "collections", expect_collections },
    { "count", expect_count },
    { "counters", expect_counters },
    { "dead", expect_dead },
    { "dring", expect_dring },
    { "duration", expect_duration },
    { "frozen", expect_frozen },
    { "garbage", expect_garbage },
    { "generation", expect_generation },
    { "kept", expect_kept },
    { "log", expect_log },
    { "objects", expect_objects },
    { "order", expect_order },
    { "referents", expect_referents },
    { "referrers", expect_referrers },
    { "reported", expect_reported },
    { "ring", expect_ring },
    { "stats", expect_stats },
    { "thresholds", expect_thresholds },
    { "tracked", expect_tracked },
    { "untracked", expect_untracked },
};

void machine_expect(
        struct machine *machine, const struct place *place, const struct statement *s)
{
    if (s->count > 2 && strcmp(s->words[2].text, "is") == 0) {
        expect_is(machine, place, s);
        return;
    }
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        if (strcmp(expectations[i].name, machine_word(s, 1)->text) != 0) continue;
        expectations[i].run(machine, place, s);
        return;
    }
    machine_bad(s, "unknown expectation");
}

/* --- after every case ------------------------------------------------------------------- */

static void count_reachable(gc_slot *slot, void *argument)
{
    struct gc_object *object = gc_atomic_slot_load_relaxed(slot);
    struct machine *machine = argument;
    if (object != NULL && gc_object_is_dead(object))
        report_fail(machine->report, 0, "a dead object is held by a handle or a slot");
}

static bool look_at(struct gc_object *object, void *argument)
{
    gc_object_trace(object, count_reachable, argument);
    return true;
}

/* No dead object behind a handle or a live object's slot; counts equal references, lists
 * are whole, no mark is left (core's verifier); freed + live = allocated. */
void machine_verify(struct machine *machine)
{
    struct gc_error error = { "" };
    struct gc_heap_stats stats;
    gc_stop_begin(machine->m);
    gc_heap_walk_stw(machine->heap, look_at, machine);
    gc_roots_visit_stw(machine->heap, count_reachable, machine);
    if (gc_verify_stw(machine->heap, 3, &error) != 0)
        report_fail(machine->report, 0, "%s", error.text);
    gc_heap_read_stats(machine->heap, &stats);
    gc_stop_end(machine->m, 0);
    const struct gc_counters *c = &stats.counters;
    uint64_t freed =
            c->freed_by_count + c->freed_by_cycle + c->freed_by_trace + c->freed_new;
    if (stats.allocated_objects != stats.live_objects + freed)
        report_fail(machine->report, 0,
                "%" PRIu64 " allocated, %" PRIu64 " live, %" PRIu64 " freed",
                stats.allocated_objects, stats.live_objects, freed);
}
