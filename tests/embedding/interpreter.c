/* SPDX-License-Identifier: MIT */
/* interpreter.c - a small Lisp on its own stack, for whatever collector and protocol.
 *
 * What it shows: values live in a stack of the interpreter's own, which is no frame of
 * gclab's. Its slots are written by the operations for locals, and named by a root callback,
 * and that is all: the same source runs where references are counted and where roots are
 * scanned. Memory that runs out is an error of the program that is interpreted.
 *
 * Each activation of a C function that holds values has a *window* of slots on the stack.
 * An error clears all windows of its form; no frame of the runtime's own is ever skipped by
 * that. Fields that several threads can reach are read and written by the operations for
 * races: a program that races may lose an update, but no memory.
 */
#include "tests/embedding/interpreter.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "core/mutator.h"

struct value { /* any object; NULL is the empty list, and false */
    struct gc_object header;
};
struct pair { /* of a closure: (parameters . body), and its environment */
    struct gc_object header;
    struct value *car, *cdr;
};
struct number { /* of a builtin: its place in the table; of a resource: nothing */
    struct gc_object header;
    int64_t n;
};
struct symbol {
    struct gc_object header;
    char name[24]; /* padded with zeros */
};

static int release(struct gc_mutator *m, struct gc_object *object)
{
    struct world *world = m->heap->hook_argument;
    (void)object;
    atomic_fetch_add_explicit(&world->released, 1, memory_order_relaxed);
    return 0;
}

#define TYPE(title, structure, ...)                                                      \
    {                                                                                    \
        .name = (title), .size = sizeof(structure), .cell = &(struct gc_type_cell){ 0 }, \
        __VA_ARGS__                                                                      \
    }
static const struct gc_type pair_type = TYPE("pair", struct pair, .slots = 2);
static const struct gc_type closure_type = TYPE("closure", struct pair, .slots = 2);
static const struct gc_type number_type = TYPE("number", struct number, .slots = 0);
static const struct gc_type builtin_type = TYPE("builtin", struct number, .slots = 0);
static const struct gc_type symbol_type = TYPE("symbol", struct symbol, .slots = 0);
static const struct gc_type resource_type =
        TYPE("resource", struct number, .finalize = release);

/* The slots of a window. An environment is a list of frames, innermost first; a frame a
 * list of bindings, newest first; a binding a pair of symbol and value. */
enum { EXPRESSION, ENVIRONMENT, REST, FUNCTION, ARGUMENTS, LAST, A, B, C, D, WINDOW };
enum { STACK = 2000 * WINDOW, PRINTED_MOST = 20 };

struct vm {
    struct gc_mutator *m;
    struct world *world;
    int64_t thread;
    const char *text; /* what is still to be read */
    FILE *out;
    jmp_buf failed; /* where an error goes */
    const char *error;
    int failures;
    bool unreadable; /* from where the text is now: it ends in a form, or worse */
    struct gc_root_callback callback;
    size_t top;
    struct value *made; /* a new object, until it is where it belongs */
    struct value *stack[STACK];
};

static void name_stack(gc_visit_fn visit, void *visit_argument, void *argument)
{
    struct vm *vm = argument;
    visit((gc_slot *)(void *)&vm->made, visit_argument);
    for (size_t i = 0; i < vm->top; i++)
        visit((gc_slot *)(void *)&vm->stack[i], visit_argument);
}

static GC_NORETURN void fail(struct vm *vm, const char *error)
{
    vm->error = error;
    longjmp(vm->failed, 1);
}

static void check(struct vm *vm, bool is_good, const char *error)
{
    if (!is_good) fail(vm, error);
}

static struct value **window_push(struct vm *vm)
{
    check(vm, vm->top + WINDOW <= STACK, "too deep");
    vm->top += WINDOW;
    return &vm->stack[vm->top - WINDOW];
}

static void window_pop(struct vm *vm)
{
    for (size_t i = vm->top; i-- > vm->top - WINDOW;)
        gc_clear(vm->m, &vm->stack[i]);
    vm->top -= WINDOW;
}

/* --- values. Of slots the addresses are given, for an allocation may move what they name --- */

static void make(struct vm *vm, struct value **to, const struct gc_type *type, int64_t n)
{
    check(vm, gc_new(vm->m, to, type), "out of memory");
    ((struct number *)*to)->n = n;
}

static void make_symbol(struct vm *vm, struct value **to, const char *name, size_t length)
{
    check(vm, length < sizeof(((struct symbol *)NULL)->name), "a name is too long");
    check(vm, gc_new(vm->m, to, &symbol_type), "out of memory");
    struct symbol *symbol = (struct symbol *)*to;
    memset(symbol->name, 0, sizeof(symbol->name));
    memcpy(symbol->name, name, length);
}

static void make_pair(struct vm *vm, struct value **to, const struct gc_type *type,
        struct value **a, struct value **d)
{
    check(vm, gc_new(vm->m, &vm->made, type), "out of memory");
    gc_store_new(vm->m, (struct pair *)vm->made, car, *a);
    gc_store_new(vm->m, (struct pair *)vm->made, cdr, *d);
    gc_move(vm->m, to, &vm->made);
}

static void cons(struct vm *vm, struct value **to, struct value **a, struct value **d)
{
    make_pair(vm, to, &pair_type, a, d);
}

static bool is(const struct value *value, const struct gc_type *type)
{
    return value != NULL && gc_object_info(&value->header)->type == type;
}

static struct pair *pair_of(struct vm *vm, struct value *value)
{
    check(vm, is(value, &pair_type), "not a pair");
    return (struct pair *)value;
}

static int64_t number_of(struct vm *vm, struct value *value)
{
    check(vm, is(value, &number_type), "not a number");
    return ((struct number *)value)->n;
}

static void car(struct vm *vm, struct value **to, struct value *pair)
{
    gc_load_shared(vm->m, to, pair_of(vm, pair), car);
}

static void cdr(struct vm *vm, struct value **to, struct value *pair)
{
    gc_load_shared(vm->m, to, pair_of(vm, pair), cdr);
}

/* *to = the first of a list, *list = its rest. */
static void next(struct vm *vm, struct value **to, struct value **list)
{
    car(vm, to, *list);
    cdr(vm, list, *list);
}

/* Appends *value to the list from *first to *last. Nobody else knows it yet. */
static void append(
        struct vm *vm, struct value **r, struct value **first, struct value **value)
{
    gc_clear(vm->m, &r[D]);
    cons(vm, value, value, &r[D]);
    if (*first == NULL)
        gc_set(vm->m, first, *value);
    else
        gc_store(vm->m, (struct pair *)r[LAST], cdr, *value);
    gc_move(vm->m, &r[LAST], value);
}

static bool is_named(const struct value *value, const char *name)
{
    return is(value, &symbol_type) &&
           strcmp(((const struct symbol *)value)->name, name) == 0;
}

/* --- reading and printing ----------------------------------------------------------------- */

static void skip_space(struct vm *vm)
{
    while (vm->text += strspn(vm->text, " \n"), *vm->text == ';')
        vm->text += strcspn(vm->text, "\n");
}

/* *to = the next form of the text. */
static void read_form(struct vm *vm, struct value **to)
{
    struct value **r = window_push(vm);
    skip_space(vm);
    const char *start = vm->text++;
    char *end;
    check(vm, *start != '\0' && *start != ')', "no form where one should be");
    int64_t n = strtoll(start, &end, 10);
    if (*start == '(') {
        for (skip_space(vm); *vm->text != ')'; skip_space(vm)) {
            read_form(vm, &r[A]);
            append(vm, r, &r[EXPRESSION], &r[A]);
        }
        vm->text++;
    } else {
        vm->text = start + strcspn(start, " \n();");
        if (end == vm->text)
            make(vm, &r[EXPRESSION], &number_type, n);
        else
            make_symbol(vm, &r[EXPRESSION], start, (size_t)(vm->text - start));
    }
    gc_move(vm->m, to, &r[EXPRESSION]);
    window_pop(vm);
}

/* So much of a list, for it may be circular. */
static void print(struct vm *vm, struct value *value)
{
    const char *title = value != NULL ? gc_object_info(&value->header)->type->name : "";
    if (value != NULL && !is(value, &pair_type)) {
        if (is(value, &number_type))
            fprintf(vm->out, "%" PRId64, number_of(vm, value));
        else
            fputs(is(value, &symbol_type) ? ((struct symbol *)value)->name : title,
                    vm->out);
        return;
    }
    struct value **r = window_push(vm);
    gc_set(vm->m, &r[A], value);
    fputs("(", vm->out);
    for (int i = 0; r[A] != NULL && i < PRINTED_MOST; i++) {
        if (i > 0) fputs(" ", vm->out);
        next(vm, &r[B], &r[A]);
        print(vm, r[B]);
    }
    fputs(r[A] != NULL ? " ...)" : ")", vm->out);
    window_pop(vm);
}

/* --- builtins ------------------------------------------------------------------------------- */

#define BUILTINS(X)                                                                      \
    X("+", add)                                                                          \
    X("-", subtract)                                                                     \
    X("<", is_less)                                                                      \
    X("=", is_equal) X("cons", cons) X("car", car) X("cdr", cdr) X("set-cdr!", set_cdr)  \
            X("pair?", is_pair) X("print", print) X("collect", collect)                  \
                    X("thread", thread) X("share!", share) X("shared", shared)           \
                            X("weak", weak) X("target", target) X("resource", resource)
enum operation {
#define X(name, id) OP_##id,
    BUILTINS(X)
#undef X
};
static const char *const builtin_names[] = {
#define X(name, id) name,
    BUILTINS(X)
#undef X
};

/* For +, - and <. */
static void calculate(struct vm *vm, struct value **r, enum operation op)
{
    int64_t a = number_of(vm, r[A]), b = number_of(vm, r[B]), n = 1;
    bool over = op == OP_add        ? __builtin_add_overflow(a, b, &n)
                : op == OP_subtract ? __builtin_sub_overflow(a, b, &n)
                                    : false;
    check(vm, !over, "a number is too large");
    if (op != OP_is_less || a < b) make(vm, &r[EXPRESSION], &number_type, n);
}

/* Numbers are the same if they are equal, other objects if they are one. */
static bool is_same(struct vm *vm, struct value *a, struct value *b)
{
    const bool numbers = is(a, &number_type) && is(b, &number_type);
    return numbers ? number_of(vm, a) == number_of(vm, b) : a == b;
}

/* r[EXPRESSION], which is (), becomes what it yields of r[A] and r[B]. Truth is 1. */
static void operate(struct vm *vm, struct value **r, enum operation op)
{
    struct gc_mutator *m = vm->m;
    struct world *world = vm->world;
    struct value **to = &r[EXPRESSION];
    if (op <= OP_is_less) calculate(vm, r, op);
    if ((op == OP_is_equal && is_same(vm, r[A], r[B])) ||
            (op == OP_is_pair && is(r[A], &pair_type)))
        make(vm, to, &number_type, 1);
    if (op == OP_cons) cons(vm, to, &r[A], &r[B]);
    if (op == OP_car) car(vm, to, r[A]);
    if (op == OP_cdr) cdr(vm, to, r[A]);
    if (op == OP_set_cdr) gc_store_shared(m, pair_of(vm, r[A]), cdr, r[B]);
    if (op == OP_collect) gc_collect(m, GC_GENERATIONS - 1);
    if (op == OP_thread) make(vm, to, &number_type, vm->thread);
    if (op == OP_share) gc_store_root_shared(m, &world->shared, r[A]);
    if (op == OP_shared) gc_load_root_shared(m, to, &world->shared);
    if (op == OP_print) {
        print(vm, r[A]);
        fputs("\n", vm->out);
    }
    if (op == OP_weak) {
        check(vm, r[A] != NULL, "nothing to refer to");
        struct gc_weak **made = (struct gc_weak **)(void *)to;
        check(vm, gc_new_weak(m, made, r[A], NULL, (struct value *)NULL),
                "out of memory");
    }
    if (op == OP_target) {
        check(vm, is(r[A], &gc_weak_type), "not a weak reference");
        gc_load_weak(m, to, (struct gc_weak *)(void *)r[A]);
    }
    if (op == OP_resource) {
        make(vm, to, &resource_type, 0);
        atomic_fetch_add_explicit(&world->made, 1, memory_order_relaxed);
    }
}

/* --- evaluation ------------------------------------------------------------------------------ */

static void evaluate(struct vm *vm, struct value **r);

/* *to = the value of an expression in r's environment. */
static void value_of(
        struct vm *vm, struct value **r, struct value **to, struct value *expression)
{
    struct value **inner = window_push(vm);
    gc_set(vm->m, &inner[EXPRESSION], expression);
    gc_set(vm->m, &inner[ENVIRONMENT], r[ENVIRONMENT]);
    evaluate(vm, inner);
    gc_move(vm->m, to, &inner[EXPRESSION]);
    window_pop(vm);
}

/* r[C] = the binding of a symbol. */
static void look_up(struct vm *vm, struct value **r, const struct value *symbol)
{
    for (gc_set(vm->m, &r[A], r[ENVIRONMENT]); r[A] != NULL;) {
        for (next(vm, &r[B], &r[A]); r[B] != NULL;) {
            next(vm, &r[C], &r[B]);
            car(vm, &r[D], r[C]);
            if (is_named(r[D], ((const struct symbol *)symbol)->name)) return;
        }
    }
    fail(vm, "a name without a value");
}

/* Binds r[A] to r[B] in the innermost frame. */
static void bind(struct vm *vm, struct value **r)
{
    cons(vm, &r[C], &r[A], &r[B]);
    car(vm, &r[D], r[ENVIRONMENT]);
    cons(vm, &r[D], &r[C], &r[D]);
    gc_store_shared(vm->m, pair_of(vm, r[ENVIRONMENT]), car, r[D]);
}

/* (define name expression) and (set! name expression), behind the word. */
static void bind_or_assign(struct vm *vm, struct value **r, bool is_new)
{
    next(vm, &r[LAST], &r[REST]);
    check(vm, is(r[LAST], &symbol_type), "not a name");
    car(vm, &r[B], r[REST]);
    value_of(vm, r, &r[EXPRESSION], r[B]);
    if (is_new) {
        gc_set(vm->m, &r[A], r[LAST]);
        gc_set(vm->m, &r[B], r[EXPRESSION]);
        bind(vm, r);
    } else {
        look_up(vm, r, r[LAST]);
        gc_store_shared(vm->m, pair_of(vm, r[C]), cdr, r[EXPRESSION]);
    }
}

/* Makes r[REST] what is to be evaluated of (condition then) or (condition then else). */
static void choose(struct vm *vm, struct value **r)
{
    next(vm, &r[A], &r[REST]);
    value_of(vm, r, &r[B], r[A]);
    if (r[B] == NULL) {
        cdr(vm, &r[REST], r[REST]);
    } else {
        gc_clear(vm->m, &r[D]);
        car(vm, &r[A], r[REST]);
        cons(vm, &r[REST], &r[A], &r[D]);
    }
}

/* Makes r[REST] a closure's body, and r[ENVIRONMENT] that of its call. */
static void call(struct vm *vm, struct value **r)
{
    gc_load(vm->m, &r[D], (struct pair *)r[FUNCTION], cdr);
    gc_clear(vm->m, &r[A]);
    cons(vm, &r[ENVIRONMENT], &r[A], &r[D]);
    gc_load(vm->m, &r[REST], (struct pair *)r[FUNCTION], car);
    for (next(vm, &r[LAST], &r[REST]); r[LAST] != NULL;) {
        next(vm, &r[A], &r[LAST]);
        next(vm, &r[B], &r[ARGUMENTS]);
        bind(vm, r);
    }
}

/* r[FUNCTION] of the values of r[REST]: what a builtin yields, or a closure's body. */
static void apply(struct vm *vm, struct value **r)
{
    value_of(vm, r, &r[FUNCTION], r[FUNCTION]);
    for (gc_clear(vm->m, &r[ARGUMENTS]); r[REST] != NULL;) {
        next(vm, &r[A], &r[REST]);
        value_of(vm, r, &r[A], r[A]);
        append(vm, r, &r[ARGUMENTS], &r[A]);
    }
    if (is(r[FUNCTION], &closure_type)) {
        call(vm, r);
        return;
    }
    check(vm, is(r[FUNCTION], &builtin_type), "not a function");
    for (int i = A; i <= B; i++) {
        gc_clear(vm->m, &r[i]);
        if (r[ARGUMENTS] != NULL) next(vm, &r[i], &r[ARGUMENTS]);
    }
    operate(vm, r, (enum operation)((struct number *)r[FUNCTION])->n);
}

/* A form: a word of the language, or a call. What is left to do of it is a list of expressions
 * in r[REST]; where that is (), r[EXPRESSION] is the value. */
static void step(struct vm *vm, struct value **r)
{
    gc_move(vm->m, &r[REST], &r[EXPRESSION]);
    next(vm, &r[FUNCTION], &r[REST]);
    const struct value *word = r[FUNCTION];
    bool is_done = true;
    if (is_named(word, "quote"))
        car(vm, &r[EXPRESSION], r[REST]);
    else if (is_named(word, "lambda"))
        make_pair(vm, &r[EXPRESSION], &closure_type, &r[REST], &r[ENVIRONMENT]);
    else if (is_named(word, "define") || is_named(word, "set!"))
        bind_or_assign(vm, r, is_named(word, "define"));
    else
        is_done = false;
    if (is_done)
        gc_clear(vm->m, &r[REST]);
    else if (is_named(word, "if"))
        choose(vm, r);
    else if (!is_named(word, "begin"))
        apply(vm, r);
}

/* r[EXPRESSION] = its value in r[ENVIRONMENT]. Tail calls take no stack. */
static void evaluate(struct vm *vm, struct value **r)
{
    for (;;) {
        gc_safepoint(vm->m);
        if (is(r[EXPRESSION], &symbol_type)) {
            look_up(vm, r, r[EXPRESSION]);
            cdr(vm, &r[EXPRESSION], r[C]);
            return;
        }
        if (!is(r[EXPRESSION], &pair_type)) return;
        step(vm, r);
        if (r[REST] == NULL) return;
        while (next(vm, &r[EXPRESSION], &r[REST]), r[REST] != NULL)
            value_of(vm, r, &r[EXPRESSION], r[EXPRESSION]);
    }
}

/* --- a program ------------------------------------------------------------------------------ */

/* Makes r[ENVIRONMENT] one frame, with the builtins. */
static void set_up(struct vm *vm, struct value **r)
{
    cons(vm, &r[ENVIRONMENT], &r[A], &r[B]);
    for (size_t i = 0; i < sizeof(builtin_names) / sizeof(builtin_names[0]); i++) {
        make_symbol(vm, &r[A], builtin_names[i], strlen(builtin_names[i]));
        make(vm, &r[B], &builtin_type, (int64_t)i);
        bind(vm, r);
    }
}

/* Evaluates what is left of the program. After an error it says so, and is to be called
 * again, for what is behind the form that it was in; true at the end of the program. */
static bool evaluate_program(struct vm *vm)
{
    struct value **r = vm->stack;
    if (setjmp(vm->failed) != 0) {
        while (vm->top > WINDOW)
            window_pop(vm);
        fprintf(vm->out, "error: %s\n", vm->error);
        vm->failures++;
        return r[ENVIRONMENT] == NULL || vm->unreadable; /* then there is no going on */
    }
    if (r[ENVIRONMENT] == NULL) set_up(vm, r);
    for (skip_space(vm); *vm->text != '\0'; skip_space(vm)) {
        vm->unreadable = true;
        read_form(vm, &r[A]);
        vm->unreadable = false;
        value_of(vm, r, &r[B], r[A]);
    }
    return true;
}

static int run(struct gc_mutator *m, struct world *world, int thread, const char *program,
        FILE *out)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    if (vm == NULL) return -1;
    vm->m = m;
    vm->world = world;
    vm->thread = thread;
    vm->text = program;
    vm->out = out;
    vm->callback = (struct gc_root_callback){ .enumerate = name_stack, .argument = vm };
    gc_root_callback_add(m, &vm->callback);
    vm->top = WINDOW; /* the first window: of the program as a whole */
    while (!evaluate_program(vm))
        ;
    window_pop(vm);
    gc_root_callback_remove(m, &vm->callback);
    int failures = vm->failures;
    free(vm);
    return failures;
}

static void forget(struct gc_mutator *m, struct world *world)
{
    gc_store_root_null(m, &world->shared);
}

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define STRING_(a)  #a
#define STRING(a)   STRING_(a)
#define INTERPRETER JOIN(interpreter_, GC_PROTOCOL_NAME)
extern const struct interpreter INTERPRETER;
const struct interpreter INTERPRETER = { STRING(GC_PROTOCOL_NAME), run, forget };
