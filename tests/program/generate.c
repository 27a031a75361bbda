/* SPDX-License-Identifier: MIT */
/* generate.c - programs: drawn from a seed, printed, read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/program/program.h"

struct name {
    const char *name;
    const char *arguments[PROGRAM_ARGUMENTS]; /* NULL: there is none */
};

static const struct name names[PROGRAM_OP_COUNT] = {
#define X(name, a, b, c, d) { #name, { a, b, c, d } },
    PROGRAM_OPS(X)
#undef X
};

/* --- drawing ------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint16_t below(uint64_t *state, uint32_t n)
{
    return (uint16_t)((draw(state) >> 32) * n >> 32);
}

/* How often each operation is drawn, relative to the others. Spawn and join come in
 * pairs, by another way. */
static const uint8_t weights[PROGRAM_OP_COUNT] = {
    [PROGRAM_new_node] = 10,
    [PROGRAM_new_finalized] = 8,
    [PROGRAM_new_irregular] = 3,
    [PROGRAM_new_tuple] = 6,
    [PROGRAM_new_array] = 3,
    [PROGRAM_new_leaf] = 3,
    [PROGRAM_new_box] = 2,
    [PROGRAM_ring] = 5,
    [PROGRAM_chain] = 3,
    [PROGRAM_compound] = 2,
    [PROGRAM_burst] = 3,
    [PROGRAM_watched] = 3,
    [PROGRAM_load] = 12,
    [PROGRAM_store] = 24,
    [PROGRAM_store_null] = 4,
    [PROGRAM_give] = 4,
    [PROGRAM_exchange] = 4,
    [PROGRAM_compare_exchange] = 4,
    [PROGRAM_copy_slots] = 3,
    [PROGRAM_set] = 5,
    [PROGRAM_move] = 4,
    [PROGRAM_drop] = 12,
    [PROGRAM_new_weak] = 9,
    [PROGRAM_read_weak] = 5,
    [PROGRAM_drop_view] = 3,
    [PROGRAM_cut_view] = 2,
    [PROGRAM_drop_back] = 3,
    [PROGRAM_collect] = 5,
    [PROGRAM_quiesce] = 2,
    [PROGRAM_check] = 4,
    [PROGRAM_freeze] = 1,
    [PROGRAM_unfreeze] = 2,
    [PROGRAM_disable] = 1,
    [PROGRAM_enable] = 2,
    [PROGRAM_threshold] = 1,
    [PROGRAM_safepoint] = 1,
    [PROGRAM_blocked] = 1,
    [PROGRAM_adopt] = 2,
};

static enum program_op_kind draw_kind(uint64_t *state)
{
    uint32_t sum = 0;
    for (int i = 0; i < PROGRAM_OP_COUNT; i++)
        sum += weights[i];
    uint32_t at = below(state, sum);
    int kind = 0;
    while (at >= weights[kind])
        at -= weights[kind++];
    return (enum program_op_kind)kind;
}

/* Arguments are small, so that operations meet each other's objects. */
static void draw_arguments(uint64_t *state, struct program_op *op)
{
    for (int i = 0; i < PROGRAM_ARGUMENTS; i++)
        op->arguments[i] =
                names[op->kind].arguments[i] != NULL ? below(state, PROGRAM_PLACES) : 0;
    uint16_t *a = op->arguments;
    if (op->kind == PROGRAM_new_array) {
        a[1] = below(state, 8) == 0 ? below(state, 800) : a[1];
        a[2] = below(state, 16) == 0 ? below(state, 60000) : (uint16_t)(a[2] * 8);
    } else if (op->kind == PROGRAM_new_leaf) {
        a[1] = below(state, 12) == 0 ? below(state, 65000) : (uint16_t)(a[1] * 24);
    } else if (op->kind == PROGRAM_ring || op->kind == PROGRAM_chain) {
        if (below(state, 4) == 0) a[1] = below(state, 64);
    } else if (op->kind == PROGRAM_burst) {
        a[0] = (uint16_t)(a[0] * 3);
    }
}

void program_append(struct program *program, struct program_op op)
{
    if (program->count == program->room) {
        program->room = program->room * 2 + 64;
        program->ops = realloc(program->ops, program->room * sizeof(*program->ops));
        gc_require(program->ops != NULL, "there is no memory for a program");
    }
    program->ops[program->count++] = op;
}

void program_finish(struct program *program)
{
    free(program->ops);
    *program = (struct program){ 0 };
}

/* A third of all programs have a stretch, or two, in which both workers run. */
void program_generate(struct program *program, uint64_t seed, size_t length)
{
    *program = (struct program){ .seed = seed };
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 1;
    bool threaded = below(&state, 3) == 0;
    size_t left = 0; /* of such a stretch */
    while (program->count < length) {
        struct program_op op = { 0 };
        if (threaded && left == 0 && below(&state, 24) == 0) {
            op.kind = PROGRAM_spawn;
            left = 8 + below(&state, 32);
        } else if (left == 1) {
            op.kind = PROGRAM_join;
            left = 0;
        } else {
            op.kind = (uint8_t)draw_kind(&state);
            op.worker = below(&state, 8) < (left > 0 ? 4 : 1);
            left -= left > 1;
        }
        draw_arguments(&state, &op);
        program_append(program, op);
    }
}

/* --- text ---------------------------------------------------------------------------- */

void program_print(const struct program *program, FILE *to)
{
    fprintf(to, "# heap program of %zu operations", program->count);
    if (program->seed != 0)
        fprintf(to, ", from seed %llu", (unsigned long long)program->seed);
    fprintf(to, "\n");
    for (size_t i = 0; i < program->count; i++) {
        const struct program_op *op = &program->ops[i];
        fprintf(to, "%s: %s", op->worker == 0 ? "first" : "second", names[op->kind].name);
        for (int k = 0; k < PROGRAM_ARGUMENTS; k++)
            if (names[op->kind].arguments[k] != NULL)
                fprintf(to, " %s=%u", names[op->kind].arguments[k], op->arguments[k]);
        fprintf(to, "\n");
    }
}

static bool read_argument(struct program_op *op, const char *word)
{
    const char *equals = strchr(word, '=');
    if (equals == NULL) return false;
    char *end;
    unsigned long value = strtoul(equals + 1, &end, 10);
    if (end == equals + 1 || *end != '\0' || value > UINT16_MAX) return false;
    for (int k = 0; k < PROGRAM_ARGUMENTS; k++) {
        const char *name = names[op->kind].arguments[k];
        size_t length = (size_t)(equals - word);
        if (name == NULL || strlen(name) != length || memcmp(name, word, length) != 0)
            continue;
        op->arguments[k] = (uint16_t)value;
        return true;
    }
    return false;
}

/* Changes the line. */
static bool read_line(struct program *program, char *line)
{
    static const char blanks[] = " \t\r\n";
    char *rest;
    char *word = strtok_r(line, blanks, &rest);
    if (word == NULL || word[0] == '#') return true;
    struct program_op op = { 0 };
    if (strcmp(word, "second:") == 0)
        op.worker = 1;
    else if (strcmp(word, "first:") != 0)
        return false;
    word = strtok_r(NULL, blanks, &rest);
    if (word == NULL) return false;
    while (op.kind < PROGRAM_OP_COUNT && strcmp(names[op.kind].name, word) != 0)
        op.kind++;
    if (op.kind == PROGRAM_OP_COUNT) return false;
    while ((word = strtok_r(NULL, blanks, &rest)) != NULL)
        if (!read_argument(&op, word)) return false;
    program_append(program, op);
    return true;
}

int program_read(struct program *program, FILE *from, struct gc_error *error)
{
    *program = (struct program){ 0 };
    char line[256];
    for (int number = 1; fgets(line, sizeof(line), from) != NULL; number++) {
        if (read_line(program, line)) continue;
        program_finish(program);
        return gc_error_set(error, -EINVAL, "line %d is no operation", number);
    }
    return 0;
}
