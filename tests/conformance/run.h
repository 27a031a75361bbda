/* SPDX-License-Identifier: MIT */
/* run.h - the machine that runs a case: shared by objects.c, run.c and expect.c, and,
 * like them, compiled once per protocol.
 *
 * A handle is a global root. Statements read roots and slots without counting, which is
 * right because nothing can die between such a read and its use: no safepoint lies there.
 */
#ifndef TESTS_CONFORMANCE_RUN_H
#define TESTS_CONFORMANCE_RUN_H

#include <stdlib.h>

#include "core/collector.h"
#include "core/mutator.h"

#include "tests/conformance/conformance.h"

#define MACHINE_PASTE2(name, protocol) name##_##protocol
#define MACHINE_PASTE(name, protocol)  MACHINE_PASTE2(name, protocol)
#define machine_expect                 MACHINE_PASTE(machine_expect, GC_PROTOCOL_NAME)
#define machine_current                MACHINE_PASTE(machine_current, GC_PROTOCOL_NAME)
#define machine_object_verbs           MACHINE_PASTE(machine_object_verbs, GC_PROTOCOL_NAME)
#define machine_run_script             MACHINE_PASTE(machine_run_script, GC_PROTOCOL_NAME)
#define machine_script                 MACHINE_PASTE(machine_script, GC_PROTOCOL_NAME)
#define machine_shoot                  MACHINE_PASTE(machine_shoot, GC_PROTOCOL_NAME)
#define machine_tag_of                 MACHINE_PASTE(machine_tag_of, GC_PROTOCOL_NAME)
#define machine_watch                  MACHINE_PASTE(machine_watch, GC_PROTOCOL_NAME)
#define machine_verify                 MACHINE_PASTE(machine_verify, GC_PROTOCOL_NAME)
#define machine_peek                   MACHINE_PASTE(machine_peek, GC_PROTOCOL_NAME)

enum { NODE_SLOTS = 4, MAP_SLOTS = 32, OBSERVERS = 4 };

/* Who an object is, in the log: a name of the case and an index into it. */
struct tag {
    const char *name;
    int64_t index; /* -1: not one of an array */
};

struct node {
    struct gc_object header;
    gc_slot slot[NODE_SLOTS]; /* a, b, c, d */
    struct tag tag;
    const struct script *finalizer;
    bool finalized;
};

struct leaf {
    struct gc_object header;
    struct tag tag;
    const struct script *finalizer;
};

/* Weak references carry no bytes of ours: this list, newest first, says what they are. */
struct weak_note {
    const struct gc_weak *weak;
    struct tag tag;
    const struct script *script;
    struct weak_note *next;
};

struct observer_note {
    struct gc_observer observer;
    struct machine *machine;
    const char *name;
    const struct script *script; /* NULL: writes the generations down */
};

/* Where a script runs: what `self` and `event` are, and the loop variables. */
struct place {
    struct gc_object *self;
    struct tag tag;
    const char *event;
    uint32_t loops[CASE_LOOPS];
    bool raised;
};

struct machine {
    struct test_case *test;
    const struct subject *subject;
    struct report *report;
    struct gc_heap *heap;
    struct gc_mutator *m;
    struct gc_root_range range;
    gc_slot *roots; /* the handles; KEEP; saved garbage */
    uint32_t kept, garbage;
    char log[CASE_TAGS]; /* words, each with a space behind it */
    size_t log_used;
    char collections[1024]; /* digits */
    size_t collections_used;
    uint32_t reported;
    struct gc_generation_stats marked[GC_GENERATIONS];
    struct weak_note *weaks;
    struct observer_note observers[OBSERVERS];
    uint32_t observers_used;
    const struct gc_object *lowered;
    bool has_immortal;
};

struct verb {
    const char *name;
    void (*run)(struct machine *machine, struct place *place, const struct statement *s);
};

/* Whose finalizers and callbacks run: one case runs at a time. */
extern struct machine *machine_current;

/* objects.c; ends with NULL */
extern const struct verb machine_object_verbs[];

/* The reference's value: an object that something else holds, or NULL. */
struct gc_object *machine_peek(
        struct machine *machine, const struct place *place, const struct ref *ref);

/* Runs a script in a place of its own; -EIO when it came to `raise`. */
int machine_run_script(struct machine *machine, const struct script *script,
        struct gc_object *self, const struct tag *tag, const char *event);

/* The script that word i names; NULL where there is no such word. */
const struct script *machine_script(
        struct machine *machine, const struct statement *s, uint32_t i);

/* An `expect` statement, words[1] on. */
void machine_expect(
        struct machine *machine, const struct place *place, const struct statement *s);

/* The invariants of every case, with the handles as the case left them. */
void machine_verify(struct machine *machine);

/* The tag of a node or leaf; NULL: it is another object. */
const struct tag *machine_tag_of(struct gc_object *object);

/* Takes a picture, for the subject's camera; and at each step of collections, or no more. */
void machine_shoot(struct machine *machine, const char *words);
void machine_watch(bool on);

/* The file is wrong: says where, and ends the process. */
static inline GC_NORETURN void machine_bad(const struct statement *s, const char *why)
{
    gc_fatal("line %d: %s: %s", s->line, s->words[0].text, why);
}

static inline const struct word *machine_word(const struct statement *s, uint32_t i)
{
    if (i >= s->count) machine_bad(s, "a word is missing");
    return &s->words[i];
}

static inline int64_t machine_number(const struct statement *s, uint32_t i)
{
    char *end;
    int64_t value = strtoll(machine_word(s, i)->text, &end, 10);
    if (*end != '\0') machine_bad(s, "a number is wanted");
    return value;
}

static inline struct gc_object *machine_peek_at(struct machine *machine,
        const struct place *place, const struct statement *s, uint32_t i)
{
    const struct ref *ref = &machine_word(s, i)->ref;
    if (ref->base == REF_NOT) machine_bad(s, "a reference is wanted");
    return machine_peek(machine, place, ref);
}

static inline gc_slot *machine_kept(struct machine *machine)
{
    return machine->roots + machine->test->roots;
}

static inline gc_slot *machine_garbage(struct machine *machine)
{
    return machine_kept(machine) + CASE_KEEP;
}

#endif
