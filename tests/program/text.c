/* SPDX-License-Identifier: MIT */
/* text.c - programs as files: what is printed can be read, and edited in between.
 *
 *     collector: mine@plain:mark_stack=4
 *     run: threads=2 schedule=priorities seed=7 changes=3 length=500
 *     first: ring to=0 nodes=3 mix=0 behaviour=0      # 1: root 0 = a ring of 4 nodes
 *     second: drop at=6                               # 2: local 0 is dropped
 *
 * '#' begins a comment. What is left out is 0. */
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

static const char *const policies[PROGRAM_POLICIES] = { "real", "round_robin", "random",
    "priorities" };

/* --- words --------------------------------------------------------------------------- */

/* $0 .. $3 are the arguments: of a place its name; $1%64 is the argument modulo 64, plus 1;
 * $1:3 modulo 3; $1!: what a finalizer does; $1?WORD: the word if the argument is odd. */
static const char *const words[PROGRAM_OP_COUNT] = {
    [PROGRAM_new_node] = "$0 = a new node",
    [PROGRAM_new_finalized] = "$0 = a new object whose finalizer $1!",
    [PROGRAM_new_irregular] = "$0 = a new object with irregular slots",
    [PROGRAM_new_tuple] = "$0 = a tuple of what $1, $2, $3 hold",
    [PROGRAM_new_array] = "$0 = a new array",
    [PROGRAM_new_leaf] = "$0 = a new leaf",
    [PROGRAM_new_box] = "$0 = a box with a leaf in it",
    [PROGRAM_ring] = "$0 = a ring of $1%64 nodes",
    [PROGRAM_chain] = "$0 = a chain of $1%64 nodes that ends in what $2 holds",
    [PROGRAM_compound] = "$0 = $1%6 rings of $2%6 nodes that hold each other",
    [PROGRAM_burst] = "$0 times: $1%16 nodes are made, and dropped",
    [PROGRAM_watched] = "$0 = a ring of 1, to be finalized; $1 = weak, to its leaf",
    [PROGRAM_load] = "$0 = $1 .slot $2",
    [PROGRAM_store] = "$0 .slot $1 = $2",
    [PROGRAM_store_null] = "$0 .slot $1 = nothing",
    [PROGRAM_give] = "$0 .slot $1 = $2, which is emptied",
    [PROGRAM_exchange] = "$0 .slot $1 and $2 change places",
    [PROGRAM_compare_exchange] = "$0 .slot $1 = $3 if it was $2",
    [PROGRAM_copy_slots] = "slots of $1 are copied into $0",
    [PROGRAM_set] = "$0 = $1",
    [PROGRAM_move] = "$0 = $1, which is emptied",
    [PROGRAM_drop] = "$0 = nothing",
    [PROGRAM_new_weak] = "$0 = a weak reference to $1$2? with a callback",
    [PROGRAM_read_weak] = "view $0:2 = what the weak reference in $1 leads to",
    [PROGRAM_drop_view] = "view $0:2 = nothing",
    [PROGRAM_cut_view] = "view $0:2 .slot $1 = nothing",
    [PROGRAM_drop_back] = "drops what a finalizer brought back",
    [PROGRAM_collect] = "a collection of generation $0:3",
    [PROGRAM_quiesce] = "collects all garbage, and checks the heap",
    [PROGRAM_check] = "checks the heap",
    [PROGRAM_freeze] = "freezes what there is",
    [PROGRAM_unfreeze] = "unfreezes it",
    [PROGRAM_disable] = "no automatic collections from here on",
    [PROGRAM_enable] = "automatic collections again",
    [PROGRAM_threshold] = "the threshold of generation $0:3 = $1",
    [PROGRAM_safepoint] = "a safepoint",
    [PROGRAM_blocked] = "is blocked for a while",
    [PROGRAM_churn] = "$0%4 threads come and go, with $1%16 nodes each",
    [PROGRAM_spawn] = "the second worker gets a thread of its own, and what $0 holds",
    [PROGRAM_join] = "the second worker's thread ends",
    [PROGRAM_adopt] = "$0 = the other worker's $1, which is emptied",
};

static const char *const behaviours[PROGRAM_BEHAVIOURS] = {
    [PROGRAM_FINALIZE_LOG] = "does nothing",
    [PROGRAM_FINALIZE_RETURN] = "brings it back",
    [PROGRAM_FINALIZE_CUT] = "empties its slots",
    [PROGRAM_FINALIZE_WEAK] = "makes a weak reference to it",
    [PROGRAM_FINALIZE_BURST] = "makes garbage",
    [PROGRAM_FINALIZE_COLLECT] = "collects",
    [PROGRAM_FINALIZE_TIE] = "stores it into what slot 0 holds",
    [PROGRAM_FINALIZE_ERROR] = "returns an error",
};

static bool is_place(const char *name)
{
    static const char *const places[] = { "to", "in", "from", "value", "with", "expected",
        "end", "target", "weak", "at", "keep", "hand_over", "first", "second", "third" };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strcmp(places[i], name) == 0) return true;
    return false;
}

/* One $ of `words`, at the digit; returns where it ends. */
static const char *expand(const struct program_op *op, const char *at, FILE *to)
{
    int k = *at++ - '0';
    uint32_t value = op->arguments[k];
    char *end;
    if (*at == '%' || *at == ':') {
        uint32_t modulus = (uint32_t)strtoul(at + 1, &end, 10);
        fprintf(to, "%u", value % modulus + (*at == '%' ? 1 : 0));
        return end;
    }
    if (*at == '!') {
        fputs(behaviours[value % PROGRAM_BEHAVIOURS], to);
        return at + 1;
    }
    if (*at == '?') {
        if (value % 2 == 1) fputs(at + 1, to);
        return at + strlen(at);
    }
    uint32_t place = value % PROGRAM_PLACES;
    if (!is_place(names[op->kind].arguments[k]))
        fprintf(to, "%u", value);
    else if (place < PROGRAM_ROOTS)
        fprintf(to, "root %u", place);
    else
        fprintf(to, "local %u", place - PROGRAM_ROOTS);
    return at;
}

static void describe(const struct program_op *op, FILE *to)
{
    for (const char *at = words[op->kind]; *at != '\0';) {
        if (*at == '$')
            at = expand(op, at + 1, to);
        else
            fputc(*at++, to);
    }
}

void program_describe(const struct program *program, size_t number, char *to, size_t room)
{
    FILE *file = fmemopen(to, room, "w");
    gc_require(file != NULL, "there is no memory for a sentence");
    const struct program_op *op = &program->ops[number - 1];
    fprintf(file, "operation %zu, %s: ", number, op->worker == 0 ? "first" : "second");
    describe(op, file);
    fclose(file);
    to[room - 1] = '\0';
}

/* --- printing ------------------------------------------------------------------------ */

/* A column in which comments begin. */
enum { COMMENTS = 52 };

static void print_settings(const struct program_settings *settings, FILE *to)
{
#define X(name) { #name, settings->name },
    const struct {
        const char *name;
        uint32_t value;
    } all[] = { PROGRAM_SETTINGS(X) };
#undef X
    fprintf(to, "run:");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].value == 0) continue;
        if (strcmp(all[i].name, "schedule") == 0)
            fprintf(to, " schedule=%s", policies[all[i].value % PROGRAM_POLICIES]);
        else
            fprintf(to, " %s=%u", all[i].name, all[i].value);
    }
    fprintf(to, "\n");
}

void program_print(const struct program *program, FILE *to)
{
    fprintf(to, "# heap program of %zu operations", program->count);
    if (program->seed != 0)
        fprintf(to, ", from seed %llu", (unsigned long long)program->seed);
    fprintf(to, "\n");
    if (program->collector != NULL) fprintf(to, "collector: %s\n", program->collector);
    print_settings(&program->settings, to);
    for (size_t i = 0; i < program->count; i++) {
        const struct program_op *op = &program->ops[i];
        int column = fprintf(
                to, "%s: %s", op->worker == 0 ? "first" : "second", names[op->kind].name);
        for (int k = 0; k < PROGRAM_ARGUMENTS; k++)
            if (names[op->kind].arguments[k] != NULL)
                column += fprintf(
                        to, " %s=%u", names[op->kind].arguments[k], op->arguments[k]);
        fprintf(to, "%*s # %zu: ", column < COMMENTS ? COMMENTS - column : 0, "", i + 1);
        describe(op, to);
        fputc('\n', to);
    }
}

/* --- reading ------------------------------------------------------------------------- */

static const char blanks[] = " \t\r\n";

/* "name=value": the name's length and the value; false: it is none. */
static bool read_number(
        const char *word, uint32_t most, size_t *ret_length, uint32_t *ret_value)
{
    const char *equals = strchr(word, '=');
    if (equals == NULL || equals[1] < '0' || equals[1] > '9') return false;
    char *end;
    errno = 0;
    unsigned long value = strtoul(equals + 1, &end, 10);
    if (*end != '\0' || errno != 0 || value > most) return false;
    *ret_length = (size_t)(equals - word);
    *ret_value = (uint32_t)value;
    return true;
}

static bool is_name(const char *name, const char *word, size_t length)
{
    return name != NULL && strlen(name) == length && memcmp(name, word, length) == 0;
}

static bool read_argument(struct program_op *op, const char *word)
{
    size_t length;
    uint32_t value;
    if (!read_number(word, UINT16_MAX, &length, &value)) return false;
    for (int k = 0; k < PROGRAM_ARGUMENTS; k++) {
        if (!is_name(names[op->kind].arguments[k], word, length)) continue;
        op->arguments[k] = (uint16_t)value;
        return true;
    }
    return false;
}

static bool read_setting(struct program_settings *settings, const char *word)
{
    static const char schedule[] = "schedule=";
    size_t length;
    uint32_t value;
    if (strncmp(word, schedule, strlen(schedule)) == 0) {
        for (uint32_t i = 0; i < PROGRAM_POLICIES; i++) {
            if (strcmp(policies[i], word + strlen(schedule)) != 0) continue;
            settings->schedule = i;
            return true;
        }
        return false;
    }
    if (!read_number(word, UINT32_MAX, &length, &value)) return false;
#define X(name)                                                                          \
    if (is_name(#name, word, length)) {                                                  \
        settings->name = value;                                                          \
        return true;                                                                     \
    }
    PROGRAM_SETTINGS(X)
#undef X
    return false;
}

static bool read_settings(struct program *program, char *rest)
{
    for (char *word; (word = strtok_r(NULL, blanks, &rest)) != NULL;)
        if (!read_setting(&program->settings, word)) return false;
    const struct program_settings *s = &program->settings;
    return s->threads >= 1 && s->threads <= PROGRAM_WORKERS && s->sleeper <= 1 &&
           s->verify <= 1 && s->racers <= PROGRAM_RACERS;
}

static bool read_collector(struct program *program, char *rest)
{
    char *spec = strtok_r(NULL, blanks, &rest);
    if (spec == NULL || program->collector != NULL) return false;
    program->collector = strdup(spec);
    gc_require(program->collector != NULL, "there is no memory for a program");
    return true;
}

/* Changes the line. */
static bool read_line(struct program *program, char *line)
{
    char *rest, *comment = strchr(line, '#');
    if (comment != NULL) *comment = '\0';
    char *word = strtok_r(line, blanks, &rest);
    if (word == NULL) return true;
    if (strcmp(word, "collector:") == 0) return read_collector(program, rest);
    if (strcmp(word, "run:") == 0) return read_settings(program, rest);
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
    *program = (struct program){ .settings = { .threads = 2 } };
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    int result = 0;
    for (int number = 1; result == 0 && (length = getline(&line, &room, from)) >= 0;
            number++) {
        char shown[64];
        snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(line, "\r\n"), line);
        if (strlen(line) != (size_t)length)
            result =
                    gc_error_set(error, -EINVAL, "line %d has a zero byte in it", number);
        else if (!read_line(program, line))
            result = gc_error_set(
                    error, -EINVAL, "line %d is not understood: %s", number, shown);
    }
    if (result == 0 && ferror(from))
        result = gc_error_set(error, -EINVAL, "it can't be read: %s", strerror(errno));
    free(line);
    if (result == 0 && program->count == 0)
        result = gc_error_set(error, -EINVAL, "there is no operation in it");
    if (result != 0) program_finish(program);
    return result;
}
