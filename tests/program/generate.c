/* SPDX-License-Identifier: MIT */
/* generate.c - programs, drawn from a seed. */
#include <stdlib.h>
#include <string.h>

#include "tests/program/draw.h"
#include "tests/program/program.h"

/* Which arguments an operation has. */
static const bool has[PROGRAM_OP_COUNT][PROGRAM_ARGUMENTS] = {
#define X(name, a, b, c, d) { (a) != NULL, (b) != NULL, (c) != NULL, (d) != NULL },
    PROGRAM_OPS(X)
#undef X
};

/* --- drawing ------------------------------------------------------------------------- */

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
    [PROGRAM_churn] = 1,
    [PROGRAM_adopt] = 2,
};

static enum program_op_kind draw_kind(uint64_t *state)
{
    uint32_t sum = 0;
    for (int i = 0; i < PROGRAM_OP_COUNT; i++)
        sum += weights[i];
    uint32_t at = program_below(state, sum);
    int kind = 0;
    while (at >= weights[kind])
        at -= weights[kind++];
    return (enum program_op_kind)kind;
}

/* Arguments are small, so that operations meet each other's objects. */
static void draw_arguments(uint64_t *state, struct program_op *op)
{
    for (int i = 0; i < PROGRAM_ARGUMENTS; i++)
        op->arguments[i] = has[op->kind][i] ? program_below(state, PROGRAM_PLACES) : 0;
    uint16_t *a = op->arguments;
    if (op->kind == PROGRAM_new_array) {
        a[1] = program_below(state, 8) == 0 ? program_below(state, 800) : a[1];
        a[2] = program_below(state, 16) == 0 ? program_below(state, 60000)
                                             : (uint16_t)(a[2] * 8);
    } else if (op->kind == PROGRAM_new_leaf) {
        a[1] = program_below(state, 12) == 0 ? program_below(state, 65000)
                                             : (uint16_t)(a[1] * 24);
    } else if (op->kind == PROGRAM_ring || op->kind == PROGRAM_chain) {
        if (program_below(state, 4) == 0) a[1] = program_below(state, 64);
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
    free(program->collector);
    *program = (struct program){ 0 };
}

struct program program_copy(const struct program *program)
{
    struct program copy = *program;
    copy.ops = NULL;
    copy.count = copy.room = 0;
    for (size_t i = 0; i < program->count; i++)
        program_append(&copy, program->ops[i]);
    if (program->collector != NULL) {
        copy.collector = strdup(program->collector);
        gc_require(copy.collector != NULL, "there is no memory for a program");
    }
    return copy;
}

void program_generate(
        struct program *program, uint64_t seed, size_t length, uint32_t one_in)
{
    *program = (struct program){ .seed = seed, .settings = { .threads = 2 } };
    uint64_t state = seed * UINT64_C(0xd1342543de82ef95) + 1;
    bool threaded = program_below(&state, one_in) == 0;
    if (!threaded) program->settings.threads = 1;
    size_t left = 0; /* of such a stretch */
    while (program->count < length) {
        struct program_op op = { 0 };
        if (threaded && left == 0 && program_below(&state, 16) == 0) {
            op.kind = PROGRAM_spawn;
            left = 8 + program_below(&state, 32);
        } else if (left == 1) {
            op.kind = PROGRAM_join;
            left = 0;
        } else {
            op.kind = (uint8_t)draw_kind(&state);
            op.worker = program_below(&state, 8) < (left > 0 ? 4 : 1);
            left -= left > 1;
        }
        draw_arguments(&state, &op);
        program_append(program, op);
    }
}

/* All but those that make no sense: a second spawn before a join, a second join, and beside
 * a spawn or before a join what is only done by a worker who is alone. */
uint32_t program_pairs(void)
{
    enum { ALONE = 6 }; /* check, freeze, unfreeze, adopt, drop_back, cut_view */
    return PROGRAM_OP_COUNT * PROGRAM_OP_COUNT - 2 - 2 * ALONE;
}
