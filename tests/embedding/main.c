/* SPDX-License-Identifier: MIT */
/* main.c - runs programs on a heap: the part of an embedding that no protocol matters to.
 *
 *   gclab-lisp [-c COLLECTOR[@PROTOCOL][:OPTIONS]] [-t THREADS] [--heap BYTES] PROGRAM
 *   gclab-lisp --list        the pairs of collector and protocol that it can run
 *
 * Each thread interprets the program on its own; they share the heap. COLLECTOR may be the path
 * of a plugin. What the threads print comes in their order. The last line, on stderr, is
 *
 *   live N made N released N exhausted N promises WORD ...
 *
 * objects that are left after everything was dropped and collected, (resource)s made and
 * finalized, allocations that failed. Exit status: 0, 1 a form failed, 2 usage, 3 the rest.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/collector.h"
#include "core/harness.h"
#include "core/plugin.h"
#include "tests/embedding/interpreter.h"

enum { THREADS_MOST = 16, STATUS_FAILED = 1, STATUS_USAGE, STATUS_OTHER };

#define X(protocol) extern const struct interpreter interpreter_##protocol;
PROTOCOLS
#undef X
static const struct interpreter *const interpreters[] = {
#define X(protocol) &interpreter_##protocol,
    PROTOCOLS
#undef X
            NULL,
};

struct player {
    struct gc_mutator_thread thread;
    const struct interpreter *interpreter;
    struct world *world;
    const char *program;
    int number, failures;
    char *text; /* what it has printed */
    size_t length;
};

static int usage(const char *what, const char *detail)
{
    fprintf(stderr,
            "gclab-lisp: %s%s\nusage: gclab-lisp [-c COLLECTOR[@PROTOCOL][:OPTIONS]] "
            "[-t THREADS] [--heap BYTES] PROGRAM\n       gclab-lisp --list\n",
            what, detail);
    return STATUS_USAGE;
}

static const struct interpreter *interpreter_find(const char *protocol)
{
    const struct interpreter *const *at = interpreters;
    while (*at != NULL && strcmp((*at)->protocol, protocol) != 0)
        at++;
    return *at;
}

static int list(void)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct gc_collector_info info = gc_collector_info(*c);
        for (const char *const *p = info.protocols; *p != NULL; p++)
            if (interpreter_find(*p) != NULL) printf("%s@%s\n", info.name, *p);
    }
    return 0;
}

/* The text of a file, or NULL. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t length = 0, room = 0;
    if (file == NULL) return NULL;
    do {
        room += 4096;
        char *grown = realloc(text, room);
        if (grown == NULL) break;
        text = grown;
        length += fread(text + length, 1, room - length - 1, file);
        text[length] = '\0';
    } while (length == room - 1);
    fclose(file);
    return text;
}

/* The interpreter makes an error of the program of it. */
static void on_exhausted(struct gc_mutator *m, size_t bytes, void *argument)
{
    struct world *world = argument;
    (void)m, (void)bytes;
    atomic_fetch_add_explicit(&world->exhausted, 1, memory_order_relaxed);
}

static void play(struct gc_mutator *m, void *argument)
{
    struct player *player = argument;
    FILE *out = open_memstream(&player->text, &player->length);
    player->failures = -1;
    if (out == NULL) return;
    player->failures = player->interpreter->run(
            m, player->world, player->number, player->program, out);
    fclose(out);
}

/* Prints what all have printed, and returns how many forms failed; -1: something else did. */
static int play_all(struct gc_mutator *m, struct player *players, int threads)
{
    int failures = 0, started = 0;
    while (started < threads &&
            gc_spawn(m, &players[started].thread, play, &players[started], NULL) == 0)
        started++;
    for (int i = 0; i < started; i++) {
        gc_join(m, &players[i].thread);
        if (players[i].text != NULL)
            fwrite(players[i].text, 1, players[i].length, stdout);
        free(players[i].text);
        failures = players[i].failures < 0 || failures < 0
                           ? -1
                           : failures + players[i].failures;
    }
    return started < threads ? -1 : failures;
}

/* What is left when nobody holds anything any more. */
static void report(struct gc_mutator *m, struct world *world)
{
    struct gc_heap_stats stats;
    const char *word;
    gc_quiesce(m);
    gc_stop_begin(m);
    gc_heap_read_stats(m->heap, &stats);
    gc_stop_end_unlogged(m);
    fprintf(stderr, "live %llu made %llu released %llu exhausted %llu promises",
            (unsigned long long)stats.live_objects, (unsigned long long)world->made,
            (unsigned long long)world->released, (unsigned long long)world->exhausted);
    for (size_t i = 0; gc_collector_promises(m->heap->collector, i, &word); i++)
        if (word != NULL) fprintf(stderr, " %s", word);
    fprintf(stderr, "\n");
}

static int run(const struct gc_heap_config *config, const char *program, int threads)
{
    static struct player players[THREADS_MOST];
    struct world *world = config->hook_argument;
    const struct interpreter *interpreter =
            interpreter_find(gc_protocol_name(config->protocol));
    struct gc_error error;
    struct gc_heap *heap;
    struct gc_mutator *m;
    struct gc_root_range range;
    if (interpreter == NULL)
        return usage("not compiled for protocol ", gc_protocol_name(config->protocol));
    if (gc_heap_create(config, &heap, &error) != 0) return usage(error.text, "");
    if (gc_attach(heap, &m) != 0) return usage("no memory for a mutator", "");
    gc_roots_add(heap, &range, &world->shared, 1);
    for (int i = 0; i < threads; i++)
        players[i] = (struct player){
            .interpreter = interpreter, .world = world, .program = program, .number = i
        };
    int failures = play_all(m, players, threads);
    interpreter->forget(m, world);
    gc_roots_remove(heap, &range);
    report(m, world);
    gc_detach(m);
    gc_heap_destroy(heap);
    return failures < 0 ? STATUS_OTHER : failures > 0 ? STATUS_FAILED : 0;
}

/* Cuts the text at the first `c`; returns what was behind it, or NULL. */
static char *cut(char *text, int c)
{
    char *at = strchr(text, c);
    if (at == NULL) return NULL;
    *at = '\0';
    return at + 1;
}

/* Fills in what NAME[@PROTOCOL][:OPTIONS] says; false: some of it is not there. */
static bool read_spec(char *spec, struct gc_heap_config *config, struct gc_error *error)
{
    const struct gc_plugin *plugin;
    config->options = cut(spec, ':');
    const char *protocol = cut(spec, '@');
    if (strchr(spec, '/') != NULL) {
        if (gc_plugin_load(spec, &plugin, error) != 0) return false;
        config->collector = gc_plugin_collectors(plugin)[0];
    } else {
        config->collector = gc_collector_find(spec);
    }
    gc_error_set(error, 0, "no such collector, or no such protocol");
    if (config->collector == NULL) return false;
    if (protocol == NULL) protocol = gc_collector_info(config->collector).protocols[0];
    config->protocol = gc_protocol_find(protocol);
    return config->protocol != NULL;
}

int main(int argc, char **argv)
{
    static struct world world;
    static char standard[] = "generational";
    struct gc_heap_config config = { .on_exhausted = on_exhausted,
        .hook_argument = &world };
    struct gc_error error;
    char *spec = standard;
    int threads = 1, i = 1;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) return list();
    for (; i + 2 < argc; i += 2) {
        if (strcmp(argv[i], "-c") == 0)
            spec = argv[i + 1];
        else if (strcmp(argv[i], "-t") == 0)
            threads = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--heap") == 0)
            config.limit_bytes = strtoul(argv[i + 1], NULL, 10);
        else
            return usage("unknown option ", argv[i]);
    }
    if (i + 1 != argc) return usage("one program is needed", "");
    if (threads < 1 || threads > THREADS_MOST) return usage("1 to 16 threads", "");
    if (!read_spec(spec, &config, &error)) return usage(error.text, "");
    char *program = read_file(argv[i]);
    if (program == NULL) return usage("can't be read: ", argv[i]);
    int status = run(&config, program, threads);
    free(program);
    return status;
}
