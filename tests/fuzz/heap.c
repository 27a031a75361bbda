/* SPDX-License-Identifier: MIT */
/* heap.c - heap programs: any bytes are one, and are run on a collector against the shadow graph
 * (../program).
 *
 * The first byte chooses the configuration; from 128 on, scarce.c goes on. The next ones are
 * settings; then each operation is a byte, and
 * one for each argument that it has. Small arguments are more useful than large ones, which come
 * from the upper end of a byte alone. All threads run under the deterministic schedule, so that
 * the same bytes do the same. */
#include <string.h>

#include "core/heap.h"
#include "core/plugin.h"
#include "core/schedule.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scarce.h"
#include "tests/program/program.h"

enum { MOST_OPERATIONS = 100 };

static const struct {
    const char *collector, *protocol, *options;
} configurations[] = {
    { "none", "bare", NULL },
    { "refcount", "plain", NULL },
    { "refcount", "atomic", NULL },
    { "refcount", "biased", NULL },
    { "generational", "plain", "threshold0=20" },
    { "generational", "plain", "detect=keep:threshold0=5:threshold1=2:threshold2=2" },
    { "generational", "plain", "detect=walk:threshold0=5:threshold1=2:threshold2=2" },
    { "generational", "atomic", "passes=owners:threshold0=5:threshold1=2:threshold2=2" },
    { "generational", "atomic", "detect=keep:passes=owners:threshold0=9:threshold1=1" },
    { "generational", "biased", "detect=keep:threshold0=5:threshold1=2:threshold2=2" },
    { "generational", "biased",
            "detect=walk:passes=owners:threshold0=5:threshold1=2:threshold2=2" },
    { "mark_sweep", "bare", NULL },
    { "mark_sweep", "bare", "mark_stack=4:minimum=64K:growth=110" },
    { "on_the_fly", "satb", NULL },
    { "on_the_fly", "satb", "minimum=64K:growth=110:log=64K" },
    { "coalescing", "log_object", NULL },
    { "coalescing", "log_object", "young=64K:log=4K:backup=2:mark_stack=4:minimum=64K" },
};

enum { CONFIGURATIONS = sizeof(configurations) / sizeof(configurations[0]) };

static const bool has[PROGRAM_OP_COUNT][PROGRAM_ARGUMENTS] = {
#define X(name, a, b, c, d) { (a) != NULL, (b) != NULL, (c) != NULL, (d) != NULL },
    PROGRAM_OPS(X)
#undef X
};

/* FUZZ_PROTOCOLS is a list of X(name), given by the build. */
#define X(name) fuzz_scarce_fn fuzz_scarce_##name(void);
FUZZ_PROTOCOLS
#undef X

fuzz_scarce_fn fuzz_scarce_find(const char *protocol)
{
#define X(name)                                                                          \
    if (strcmp(protocol, #name) == 0) return fuzz_scarce_##name();
    FUZZ_PROTOCOLS
#undef X
    return NULL;
}

static uint16_t next_argument(struct fuzz_reader *reader)
{
    uint8_t byte = fuzz_next(reader);
    return byte < 240 ? byte : (uint16_t)((byte - 239) * 4080);
}

static struct program_settings next_settings(struct fuzz_reader *reader)
{
    uint8_t flags = fuzz_next(reader), pace = fuzz_next(reader);
    struct program_settings settings = {
        .threads = flags % 4 == 0 ? 1 : 2,
        .schedule = PROGRAM_ROUND_ROBIN + flags / 4 % 3,
        .sleeper = flags / 16 % 4 == 3,
        .verify = flags / 64 % 4 == 3,
        .seed = fuzz_next(reader),
        .period = pace % 8 + 1u,
        .wakeups = pace / 8 % 4 == 3 ? 9 : 0,
        .collect = pace / 32 % 4 == 3 ? 5 : 0,
        .check = pace / 128 == 1 ? 7 : 0,
        .room = flags / 16 % 4 == 2 ? pace / 8 % 16 + 1u : 0,
        .merge = flags / 64 % 4 == 2 ? pace % 8 + 1u : 0,
    };
    if (settings.threads == 1) settings.schedule = PROGRAM_REAL;
    if (settings.schedule == PROGRAM_PRIORITIES) {
        settings.changes = settings.period;
        settings.length = 1000;
        settings.period = 0;
    }
    return settings;
}

/* Counts that would only take long. */
static void bound(struct program_op *op)
{
    uint16_t *a = op->arguments;
    if (op->kind == PROGRAM_burst) a[0] %= 64;
    if (op->kind == PROGRAM_blocked) a[0] %= 8;
}

/* The other way to use a heap: see scarce.h. */
static void run_scarce(uint8_t number, struct fuzz_reader *reader)
{
    struct gc_heap_config config = {
        .collector = gc_collector_find(configurations[number].collector),
        .protocol = gc_protocol_find(configurations[number].protocol),
        .options = configurations[number].options,
    };
    uint8_t seed = fuzz_next(reader);
    bool begun = gc_schedule_begin_random(seed, seed % 4 + 1u);
    gc_require(begun, "there is no schedule in this build");
    fuzz_scarce_find(configurations[number].protocol)(&config, reader);
    gc_schedule_end();
}

void fuzz_heap(const uint8_t *bytes, size_t size)
{
    struct fuzz_reader reader = { bytes, bytes + size };
    uint8_t first = fuzz_next(&reader), number = first % CONFIGURATIONS;
    if (first >= 128) {
        run_scarce(number, &reader);
        return;
    }
    struct program program = { .settings = next_settings(&reader) };
    while (reader.at < reader.end && program.count < MOST_OPERATIONS) {
        uint8_t byte = fuzz_next(&reader);
        struct program_op op = {
            .kind = byte % PROGRAM_OP_COUNT,
            .worker = byte / PROGRAM_OP_COUNT % 4 == 1,
        };
        for (int i = 0; i < PROGRAM_ARGUMENTS; i++)
            if (has[op.kind][i]) op.arguments[i] = next_argument(&reader);
        bound(&op);
        program_append(&program, op);
    }
    struct program_config config = {
        .collector = gc_collector_find(configurations[number].collector),
        .protocol = gc_protocol_find(configurations[number].protocol),
        .options = configurations[number].options,
    };
    program_run(&program, &config);
    program_finish(&program);
}
