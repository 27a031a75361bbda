/* SPDX-License-Identifier: MIT */
/* run.c - a case from its heap's birth to its end: statements that ask the collector,
 * scripts, and the loop over statements. */
#include "tests/conformance/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/plugin.h"

struct machine *machine_current;

static void run_list(
        struct machine *machine, struct place *place, const struct statement *list);

static const struct script *script_named(struct machine *machine, const char *name)
{
    struct script *script = machine->test->scripts;
    while (script != NULL && strcmp(script->name, name) != 0)
        script = script->next;
    if (script == NULL) gc_fatal("there is no script %s", name);
    return script;
}

const struct script *machine_script(
        struct machine *machine, const struct statement *s, uint32_t i)
{
    return i < s->count ? script_named(machine, s->words[i].text) : NULL;
}

int machine_run_script(struct machine *machine, const struct script *script,
        struct gc_object *self, const struct tag *tag, const char *event)
{
    struct place place = { .self = self, .tag = *tag, .event = event };
    run_list(machine, &place, script->body);
    return place.raised ? -EIO : 0;
}

/* --- scripts ---------------------------------------------------------------------------- */

static void log_text(struct machine *machine, const char *text)
{
    size_t room = sizeof(machine->log) - machine->log_used;
    int n = snprintf(machine->log + machine->log_used, room, "%s ", text);
    if (n > 0 && (size_t)n < room) machine->log_used += (size_t)n;
}

static void do_log(
        struct machine *machine, struct place *place, const struct statement *s)
{
    char text[128];
    if (strcmp(machine_word(s, 1)->text, "event") == 0) {
        log_text(machine, place->event != NULL ? place->event : "no event");
        return;
    }
    if (s->words[1].ref.base != REF_SELF) machine_bad(s, "only self has a tag here");
    if (place->tag.index < 0)
        snprintf(text, sizeof(text), "%s", place->tag.name);
    else
        snprintf(text, sizeof(text), "%s[%lld]", place->tag.name,
                (long long)place->tag.index);
    log_text(machine, text);
}

static void do_raise(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)machine, (void)s;
    place->raised = true;
}

static void do_repeat(
        struct machine *machine, struct place *place, const struct statement *s)
{
    int64_t n = machine_number(s, 1);
    uint32_t unused, *variable = &unused;
    if (s->count > 3) variable = &place->loops[(s->words[3].text[0] - 'i') % CASE_LOOPS];
    for (int64_t i = 0; i < n && !place->raised; i++) {
        *variable = (uint32_t)i;
        run_list(machine, place, s->body);
    }
}

/* --- the collector ---------------------------------------------------------------------- */

static void do_collect(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    uint32_t i = 1;
    int generation = GC_GENERATIONS - 1;
    if (i < s->count && strcmp(s->words[i].text, "=") != 0)
        generation = (int)machine_number(s, i++);
    const bool is_filmed = machine->subject->camera != NULL;
    if (is_filmed) machine_shoot(machine, "before the collection");
    machine_watch(is_filmed);
    int64_t got = gc_collect(machine->m, generation);
    machine_watch(false);
    if (is_filmed) machine_shoot(machine, "after the collection");
    if (i == s->count) return;
    if (strcmp(machine_word(s, i + 1)->text, "error") == 0) {
        if (got >= 0)
            report_fail(machine->report, s->line, "expected an error, got %lld",
                    (long long)got);
    } else if (got != machine_number(s, i + 1)) {
        report_fail(machine->report, s->line, "expected %s, got %lld",
                s->words[i + 1].text, (long long)got);
    }
}

static void do_automatic(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    if (strcmp(machine_word(s, 1)->text, "on") == 0)
        gc_enable(machine->m);
    else
        gc_disable(machine->m);
}

static void save_garbage(struct gc_object *object, void *argument)
{
    struct machine *machine = argument;
    gc_require(machine->garbage < CASE_KEEP, "the list of saved garbage is full");
    gc_slot *root = &machine_garbage(machine)[machine->garbage++];
    gc_protocol_store(machine->m, NULL, root, object);
}

static void do_saveall(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    bool on = strcmp(machine_word(s, 1)->text, "on") == 0;
    gc_save_all(machine->m, on ? save_garbage : NULL, machine);
}

static void do_freeze(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place, (void)s;
    gc_freeze(machine->m);
}

static void do_unfreeze(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place, (void)s;
    gc_unfreeze(machine->m);
}

static void do_thresholds(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    for (int g = 0; g < GC_GENERATIONS; g++) {
        int threshold = (int)machine_number(s, 1 + (uint32_t)g);
        if (gc_threshold_set(machine->m, g, threshold) != 0)
            machine_bad(s, "was refused");
    }
}

static int on_collection(struct gc_mutator *m, enum gc_collection_event event,
        int generation, size_t collected, size_t uncollectable, void *argument)
{
    (void)m;
    struct observer_note *note = argument;
    struct machine *machine = note->machine;
    bool is_start = event == GC_COLLECTION_START;
    if (note->script == NULL) {
        gc_require(
                machine->collections_used + 1 < sizeof(machine->collections), "too many");
        if (is_start)
            machine->collections[machine->collections_used++] = (char)('0' + generation);
        return 0;
    }
    char text[128];
    snprintf(text, sizeof(text), "%s:%s:%d:%zu:%zu", note->name,
            is_start ? "start" : "stop", generation, collected, uncollectable);
    return machine_run_script(
            machine, note->script, NULL, &(struct tag){ note->name, -1 }, text);
}

static void observe(
        struct machine *machine, const char *name, const struct script *script)
{
    gc_require(machine->observers_used < OBSERVERS, "too many observers");
    struct observer_note *note = &machine->observers[machine->observers_used++];
    *note = (struct observer_note){ .machine = machine, .name = name, .script = script };
    note->observer.notify = on_collection;
    note->observer.argument = note;
    gc_observer_add(machine->m, &note->observer);
}

static void do_observe(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    observe(machine, machine_word(s, 1)->text,
            script_named(machine, machine_word(s, 2)->text));
}

static void do_watch(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place, (void)s;
    observe(machine, "watch", NULL);
}

static void do_mark(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place, (void)s;
    for (int g = 0; g < GC_GENERATIONS; g++)
        machine->marked[g] = gc_generation_stats_get(machine->m, g);
}

static void do_remember(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct name *name = machine->test->names;
    while (name != NULL && strcmp(name->text, machine_word(s, 1)->text) != 0)
        name = name->next;
    struct gc_object *object = machine_peek_at(machine, place, s, 3);
    if (name == NULL || object == NULL) machine_bad(s, "there is no such thing");
    name->number = gc_refcount(machine->m, object);
}

static void do_stack(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)machine, (void)place;
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0) machine_bad(s, "the limit can't be read");
    limit.rlim_cur = (rlim_t)machine_number(s, 1) * 1024;
    if (setrlimit(RLIMIT_STACK, &limit) != 0) machine_bad(s, "the limit can't be set");
}

/* By references that nobody holds, so that no protocol's count word has to be known. */
static void do_lower(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 1);
    for (int64_t i = machine_number(s, 2); i > 0; i--)
        if (!machine->heap->protocol->drop_unless_last(machine->m, object))
            machine_bad(s, "the count can't be lowered so far");
    machine->lowered = object;
}

static void do_lift(
        struct machine *machine, struct place *place, const struct statement *s)
{
    struct gc_object *object = machine_peek_at(machine, place, s, 1);
    for (int64_t i = machine_number(s, 2); i > 0; i--)
        machine->heap->protocol->take(machine->m, object);
}

/* The death of a child that collects: what it said, and whether it aborted. */
static bool collect_in_child(struct machine *machine, char *said, size_t room)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0) return false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        dup2(ends[1], STDERR_FILENO);
        gc_collect(machine->m, GC_GENERATIONS - 1);
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(ends[0], said + used, room - 1 - used)) > 0;)
        used += (size_t)n;
    said[used] = '\0';
    close(ends[0]);
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

/* fatal collect WORDS: the message has the words, the object's address and its type. */
static void do_fatal(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)place;
    char said[4096], text[256] = "", address[32];
    size_t used = 0;
    for (uint32_t i = 2; i < s->count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                used > 0 ? " " : "", s->words[i].text);
    snprintf(address, sizeof(address), "%p", (const void *)machine->lowered);
    if (!collect_in_child(machine, said, sizeof(said)))
        report_fail(
                machine->report, s->line, "expected a fatal error, got none: %s", said);
    else if (strstr(said, text) == NULL || strstr(said, address) == NULL ||
             strstr(said, "node") == NULL)
        report_fail(machine->report, s->line, "expected '%s', %s and a type, got: %s",
                text, address, said);
}

static void do_nothing(
        struct machine *machine, struct place *place, const struct statement *s)
{
    (void)machine, (void)place, (void)s;
}

static void do_expect(
        struct machine *machine, struct place *place, const struct statement *s)
{
    machine_expect(machine, place, s);
}

static const struct verb verbs[] = {
    { "automatic", do_automatic },
    { "collect", do_collect },
    { "expect", do_expect },
    { "fatal", do_fatal },
    { "freeze", do_freeze },
    { "lift", do_lift },
    { "log", do_log },
    { "lower", do_lower },
    { "mark", do_mark },
    { "nothing", do_nothing },
    { "observe", do_observe },
    { "raise", do_raise },
    { "remember", do_remember },
    { "repeat", do_repeat },
    { "saveall", do_saveall },
    { "stack", do_stack },
    { "thresholds", do_thresholds },
    { "unfreeze", do_unfreeze },
    { "watch", do_watch },
    { NULL, NULL },
};

/* --- the case --------------------------------------------------------------------------- */

static const struct verb *find_verb(const struct statement *s)
{
    for (const struct verb *verb = verbs; verb->name != NULL; verb++)
        if (strcmp(verb->name, s->words[0].text) == 0) return verb;
    for (const struct verb *verb = machine_object_verbs; verb->name != NULL; verb++)
        if (strcmp(verb->name, s->words[0].text) == 0) return verb;
    machine_bad(s, "unknown statement");
}

/* What stands for the statement on this system. */
static const struct statement *chosen(
        const struct machine *machine, const struct statement *s)
{
    for (const struct statement *r = s->replacement; r != NULL; r = r->next)
        if (subject_is(machine->subject, r->system)) return r;
    return s;
}

static void run_list(
        struct machine *machine, struct place *place, const struct statement *list)
{
    for (; list != NULL && !place->raised; list = list->next) {
        const struct statement *s = chosen(machine, list);
        find_verb(s)->run(machine, place, s);
    }
}

static void on_error(
        struct gc_mutator *m, struct gc_object *object, int error, void *argument)
{
    (void)m, (void)object, (void)error;
    struct machine *machine = argument;
    machine->reported++;
}

/* Lets everything go; whoever promises to find cycles leaves nothing then. */
static void finish(struct machine *machine)
{
    struct gc_mutator *m = machine->m;
    gc_save_all(m, NULL, NULL);
    gc_disable(m);
    for (uint32_t i = 0; i < machine->observers_used; i++)
        gc_observer_remove(m, &machine->observers[i].observer);
    gc_unfreeze(m);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < machine->range.count; i++)
            gc_protocol_store(m, NULL, &machine->roots[i], NULL);
        machine->kept = machine->garbage = 0;
        gc_quiesce(m);
    }
    gc_roots_remove(machine->heap, &machine->range);
    gc_detach(m);
    struct gc_heap_stats stats;
    gc_heap_read_stats(machine->heap, &stats);
    uint64_t left = machine->has_immortal ? 1 : 0;
    const uint32_t all = GC_CAP_RECLAIMS | GC_CAP_CYCLES;
    if ((machine->subject->collector->capabilities & all) == all &&
            stats.live_objects != left)
        report_fail(machine->report, 0, "%llu objects are left at the end",
                (unsigned long long)stats.live_objects);
    gc_heap_destroy(machine->heap);
    while (machine->weaks != NULL) {
        struct weak_note *note = machine->weaks;
        machine->weaks = note->next;
        free(note);
    }
}

static bool start(struct machine *machine)
{
    struct gc_error error;
    const struct gc_heap_config config = {
        .collector = machine->subject->collector,
        .protocol = machine->subject->protocol,
        .options = machine->subject->options,
        .on_callback_error = on_error,
        .hook_argument = machine,
    };
    if (gc_heap_create(&config, &machine->heap, &error) != 0) {
        report_fail(machine->report, 0, "no heap: %s", error.text);
        return false;
    }
    if (gc_attach(machine->heap, &machine->m) != 0) {
        report_fail(machine->report, 0, "no mutator");
        gc_heap_destroy(machine->heap);
        return false;
    }
    gc_disable(machine->m);
    gc_roots_add(machine->heap, &machine->range, machine->roots,
            machine->test->roots + 2 * CASE_KEEP);
    return true;
}

static void run_case(const struct case_file *file, struct test_case *test,
        const struct subject *subject, struct report *report)
{
    (void)file;
    struct machine *machine = calloc(1, sizeof(*machine));
    gc_slot *roots = calloc(test->roots + 2 * CASE_KEEP, sizeof(gc_slot));
    gc_require(machine != NULL && roots != NULL, "no memory for a case");
    machine->test = test;
    machine->subject = subject;
    machine->report = report;
    machine->roots = roots;
    machine_current = machine;
    if (start(machine)) {
        struct place place = { .tag = { .name = "the case", .index = -1 } };
        run_list(machine, &place, test->body);
        machine_verify(machine);
        finish(machine);
    }
    machine_current = NULL;
    free(roots);
    free(machine);
}

static const struct interpreter interpreter = { .run = run_case };

GC_PART(conformance) = {
    GC_PART_HEADER(conformance),
    .version = INTERPRETER_VERSION,
    .what = &interpreter,
};
