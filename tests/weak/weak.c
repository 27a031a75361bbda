/* SPDX-License-Identifier: MIT */
/* weak.c - runs the kernels of tests/race on a simulated C11 memory; then weakens each order that
 * stands in core or a collector, one at a time, and asks that a kernel fails.
 *
 *   gclab-weak-PROTOCOL [--tap] [--order NAME] [--kernel NAME] [--seeds N] [--seed N] [--tries N]
 *                       [--list] [--reached] [--search] [--in-process [--run N] [--trace]]
 *
 * NAME is FILE:FUNCTION:OPERATION:SIDE, as --list prints it. An order is noticed if a kernel fails
 * for each of N seeds (5) within a minute; the kernels pass if each of --tries (200) runs for each
 * seed does. Exit status: 0 all as it should be, 1 not, 2 usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/race/trials.h"
#include "tests/weak/memory.h"
#include "tests/weak/orders.h"

enum { SITES_MOST = 512, SEEDS_MOST = 1000, STATUS_USAGE = 2, NAME_ROOM = 160 };

struct options {
    bool tap, list, reached, search, in_process;
    const char *order, *kernel;
    uint64_t first_seed, seeds, tries, run;
};

/* What an order can lose. */
static const struct {
    const char *name;
    uint8_t has, loses;
} sides[] = {
    { "seq_cst", WEAK_SEQ_CST, WEAK_SEQ_CST },
    { "acquire", WEAK_ACQUIRE, WEAK_ACQUIRE | WEAK_SEQ_CST },
    { "release", WEAK_RELEASE, WEAK_RELEASE | WEAK_SEQ_CST },
};
enum { SIDES = sizeof(sides) / sizeof(sides[0]) };

/* A place in the sources, which may be several sites. */
struct place {
    const char *file;
    const struct weak_site *site;
    uint32_t number; /* among those of its function that do the same, from 1 */
};

static struct place places[SITES_MOST];
static size_t place_count;
static int failures, tests;

/* --- the orders that there are ------------------------------------------------------------- */

/* A path from the root of the tree. */
static const char *path_of(const char *file)
{
    static const char *const roots[] = { "core/", "collectors/", "tests/" };
    const char *path = file;
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        for (const char *at = file; (at = strstr(at, roots[i])) != NULL; at++)
            if (at > path) path = at;
    return path;
}

static int compare_places(const void *one, const void *other)
{
    const struct place *a = one, *b = other;
    int files = strcmp(a->file, b->file);
    return files != 0 ? files : a->site->line - b->site->line;
}

static bool is_same_place(const struct place *a, const struct place *b)
{
    return strcmp(a->file, b->file) == 0 && a->site->line == b->site->line &&
           strcmp(a->site->kind, b->site->kind) == 0;
}

static bool do_the_same(const struct place *a, const struct place *b)
{
    return strcmp(a->file, b->file) == 0 && strcmp(a->site->kind, b->site->kind) == 0 &&
           strcmp(a->site->function, b->site->function) == 0;
}

static void find_places(void)
{
    size_t count, kept = 0;
    struct weak_site **sites = weak_sites(&count);
    for (size_t i = 0; i < count; i++) {
        struct place place = { path_of(sites[i]->file), sites[i], 1 };
        if (place.site->written == 0 || strncmp(place.file, "tests/", 6) == 0) continue;
        bool known = false;
        for (size_t k = 0; k < place_count && !known; k++)
            known = is_same_place(&places[k], &place);
        if (known) continue;
        gc_require(place_count < SITES_MOST, "there are too many ordered accesses");
        places[place_count++] = place;
    }
    qsort(places, place_count, sizeof(places[0]), compare_places);
    for (size_t i = 0; i < place_count; i++)
        for (kept = 0; kept < i; kept++)
            places[i].number += do_the_same(&places[kept], &places[i]);
}

static void name_order(const struct place *place, int side, char *name)
{
    char number[12] = "";
    if (place->number > 1) snprintf(number, sizeof(number), "%u", place->number);
    snprintf(name, NAME_ROOM, "%s:%s:%s%s:%s", place->file, place->site->function,
            place->site->kind, number, sides[side].name);
}

/* An order that is weakened. */
struct weakening {
    const struct place *place; /* NULL: none */
    int side;
};

/* In the child. */
static void weaken(const void *argument)
{
    const struct weakening *weakening = argument;
    size_t count;
    struct weak_site **sites = weak_sites(&count);
    if (weakening->place == NULL) return;
    for (size_t i = 0; i < count; i++) {
        struct place place = { path_of(sites[i]->file), sites[i], 1 };
        if (is_same_place(weakening->place, &place))
            sites[i]->order &= (uint8_t)~sides[weakening->side].loses;
    }
}

static bool find_weakening(const char *name, struct weakening *ret)
{
    char other[NAME_ROOM];
    *ret = (struct weakening){ .place = NULL };
    for (size_t i = 0; i < place_count; i++) {
        for (int side = 0; side < SIDES; side++) {
            if ((places[i].site->written & sides[side].has) == 0) continue;
            name_order(&places[i], side, other);
            if (strcmp(name, other) != 0) continue;
            *ret = (struct weakening){ &places[i], side };
            return true;
        }
    }
    return false;
}

/* --- trials -------------------------------------------------------------------------------- */

static void say(const struct options *o, bool good, const char *name, const char *text)
{
    tests++;
    failures += !good;
    if (o->tap) printf("%s %d - %s\n", good ? "ok" : "not ok", tests, name);
    if (!o->tap || !good) printf("%s%s\n", o->tap ? "# " : "", text);
    fflush(stdout);
}

static void try_unbroken(const struct options *o, const struct kernel *kernel)
{
    const struct weakening none = { .place = NULL };
    struct trials_end end = { .how = "" };
    char text[1024], name[128];
    uint64_t tries = 0, ns = 0, seed = o->first_seed;
    bool failed = false;
    for (uint64_t i = 0; i < o->seeds && !failed; i++) {
        seed = o->first_seed + i;
        failed = trials_fail(kernel, weaken, &none, seed, o->tries, &end);
        tries += end.tries;
        ns += end.ns;
    }
    if (failed)
        snprintf(text, sizeof(text), "kernel %s, seed %llu, run %llu: %s", kernel->name,
                (unsigned long long)seed, (unsigned long long)end.tries, end.how);
    else
        snprintf(text, sizeof(text), "%-11s passes %8llu %8.2f  %s", kernel->name,
                (unsigned long long)tries, (double)ns / 1e9, kernel->shows);
    snprintf(name, sizeof(name), "kernel %s passes on a weak memory", kernel->name);
    say(o, !failed, name, text);
}

static void try_order(const struct options *o, const struct weak_order_known *order,
        const struct weakening *weakening)
{
    struct trials_end end = { .how = "" };
    char text[1024], name[NAME_ROOM + 32];
    uint64_t tries = 0, killed = 0, slowest = 0;
    for (uint64_t i = 0; i < o->seeds; i++) {
        killed += trials_fail(kernel_find(order->kernel), weaken, weakening,
                o->first_seed + i, UINT64_MAX, &end);
        tries += end.tries;
        if (end.ns > slowest) slowest = end.ns;
    }
    snprintf(name, sizeof(name), "%s is needed", order->name);
    snprintf(text, sizeof(text), "%-64s %-10s %llu of %llu %8llu %7.2f  %s", order->name,
            order->kernel, (unsigned long long)killed, (unsigned long long)o->seeds,
            (unsigned long long)tries, (double)slowest / 1e9,
            killed > 0 ? end.how : "it SURVIVES, nobody has noticed");
    say(o, killed == o->seeds, name, text);
}

/* The first kernels that notice an order that is weakened, and how soon. */
static void search(const struct options *o, const struct weakening *weakening)
{
    enum { ENOUGH = 3 };
    char name[NAME_ROOM];
    int found = 0;
    name_order(weakening->place, weakening->side, name);
    printf("%s\n", name);
    for (const struct kernel *const *family = kernel_families; *family != NULL;
            family++) {
        for (const struct kernel *k = *family; k->name != NULL && found < ENOUGH; k++) {
            struct trials_end end;
            if (k->real || (o->kernel != NULL && strcmp(o->kernel, k->name) != 0))
                continue;
            if (!trials_fail(k, weaken, weakening, o->first_seed, o->tries, &end))
                continue;
            printf("    %-11s %6llu %7.2f  %s\n", k->name, (unsigned long long)end.tries,
                    (double)end.ns / 1e9, end.how);
            fflush(stdout);
            found++;
        }
    }
}

/* --- all of it ----------------------------------------------------------------------------- */

static const struct weak_order_known *order_find(const char *name)
{
    for (const struct weak_order_known *order = weak_orders; order->name != NULL; order++)
        if (strcmp(order->name, name) == 0) return order;
    return NULL;
}

/* Each order that stands in the sources is in the table, and each of the table stands there. */
static void compare_with_table(const struct options *o)
{
    char name[NAME_ROOM], text[NAME_ROOM + 64];
    struct weakening weakening;
    for (size_t i = 0; i < place_count; i++) {
        for (int side = 0; side < SIDES; side++) {
            if ((places[i].site->written & sides[side].has) == 0) continue;
            name_order(&places[i], side, name);
            if (order_find(name) != NULL) continue;
            snprintf(text, sizeof(text), "%s: orders.c does not know it", name);
            say(o, false, name, text);
        }
    }
    for (const struct weak_order_known *order = weak_orders; order->name != NULL;
            order++) {
        if (find_weakening(order->name, &weakening)) continue;
        snprintf(text, sizeof(text), "%s: there is no such order", order->name);
        say(o, false, order->name, text);
    }
}

static void for_each_order(const struct options *o,
        void (*run)(const struct options *o, const struct weakening *weakening))
{
    char name[NAME_ROOM];
    for (size_t i = 0; i < place_count; i++) {
        for (int side = 0; side < SIDES; side++) {
            if ((places[i].site->written & sides[side].has) == 0) continue;
            name_order(&places[i], side, name);
            const struct weakening weakening = { &places[i], side };
            if (o->order == NULL || strstr(name, o->order) != NULL) run(o, &weakening);
        }
    }
}

static void list_order(const struct options *o, const struct weakening *weakening)
{
    char name[NAME_ROOM];
    (void)o;
    name_order(weakening->place, weakening->side, name);
    printf("%-70s line %d\n", name, weakening->place->site->line);
}

static void list_unreached(const struct options *o, const struct weakening *weakening)
{
    size_t count;
    struct weak_site **sites = weak_sites(&count);
    for (size_t i = 0; i < count; i++) {
        struct place place = { path_of(sites[i]->file), sites[i], 1 };
        if (sites[i]->reached && is_same_place(weakening->place, &place)) return;
    }
    list_order(o, weakening);
}

/* Runs all kernels in this process, and lists the orders that none has come to. */
static void find_unreached(const struct options *o)
{
    for (const struct kernel *const *family = kernel_families; *family != NULL; family++)
        for (const struct kernel *k = *family; k->name != NULL; k++)
            if (!k->real) trials_run(k, o->first_seed, 0, o->tries);
    for_each_order(o, list_unreached);
}

static void try_all(const struct options *o)
{
    struct weakening weakening;
    for (const struct kernel *const *family = kernel_families; *family != NULL;
            family++) {
        for (const struct kernel *k = *family; k->name != NULL; k++) {
            bool wanted = o->kernel == NULL || strcmp(o->kernel, k->name) == 0;
            if (wanted && o->order == NULL && !k->real) try_unbroken(o, k);
        }
    }
    if (o->order == NULL && o->kernel == NULL) compare_with_table(o);
    for (const struct weak_order_known *order = weak_orders; order->name != NULL;
            order++) {
        if (order->kernel == NULL) continue;
        if (strcmp(order->protocol, KERNEL_PROTOCOL) != 0) continue;
        if (o->order != NULL && strstr(order->name, o->order) == NULL) continue;
        if (o->kernel != NULL && strcmp(o->kernel, order->kernel) != 0) continue;
        if (find_weakening(order->name, &weakening)) try_order(o, order, &weakening);
    }
}

static int usage(const char *what, const char *detail)
{
    fprintf(stderr,
            "gclab-weak: %s%s\nusage: gclab-weak [--tap] [--order NAME] [--kernel NAME] "
            "[--seeds N] [--seed N] [--tries N] [--list] [--reached] "
            "[--search] "
            "[--in-process [--run N] [--trace]]\n",
            what, detail);
    return STATUS_USAGE;
}

static int read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        { "--tap", &o->tap },
        { "--list", &o->list },
        { "--reached", &o->reached },
        { "--search", &o->search },
        { "--in-process", &o->in_process },
        { "--trace", &weak_traces },
    };
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        bool *flag = NULL;
        for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++)
            if (strcmp(name, flags[k].name) == 0) flag = flags[k].flag;
        if (flag != NULL) {
            *flag = true;
        } else if (i + 1 == argc) {
            return usage("unknown option, or one without its value: ", name);
        } else if (strcmp(name, "--order") == 0) {
            o->order = argv[++i];
        } else if (strcmp(name, "--kernel") == 0) {
            o->kernel = argv[++i];
            if (kernel_find(o->kernel) == NULL)
                return usage("there is no kernel ", o->kernel);
        } else {
            uint64_t *number = strcmp(name, "--seeds") == 0   ? &o->seeds
                               : strcmp(name, "--seed") == 0  ? &o->first_seed
                               : strcmp(name, "--tries") == 0 ? &o->tries
                               : strcmp(name, "--run") == 0   ? &o->run
                                                              : NULL;
            if (number == NULL) return usage("unknown option ", name);
            if (!trials_read_number(argv[++i], number))
                return usage("a number from 1 on is wanted, not ", argv[i]);
        }
    }
    if (o->seeds > SEEDS_MOST) return usage("so many seeds take for ever", "");
    return 0;
}

/* One kernel in this process, for a debugger: the run of a number, or all up to --tries. */
static int run_in_process(const struct options *o)
{
    struct weakening weakening = { .place = NULL };
    const bool traces = weak_traces;
    if (o->kernel == NULL) return usage("--in-process wants a --kernel", "");
    if (o->order != NULL && !find_weakening(o->order, &weakening))
        return usage("there is no order ", o->order);
    weaken(&weakening);
    if (o->run == 0) {
        trials_run(kernel_find(o->kernel), o->first_seed, 0, o->tries);
        return 0;
    }
    /* A run before it, that it finds the process as it did: types have their ids. */
    weak_traces = false;
    if (o->run > 1) trials_run(kernel_find(o->kernel), o->first_seed, o->run - 2, 1);
    weak_traces = traces;
    trials_run(kernel_find(o->kernel), o->first_seed, o->run - 1, 1);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = { .first_seed = 1, .seeds = 5, .tries = 200 };
    int result = read_options(argc, argv, &o);
    if (result != 0) return result;
    find_places();
    trials_init();
    if (o.list) {
        for_each_order(&o, list_order);
        return 0;
    }
    if (o.reached) {
        find_unreached(&o);
        return 0;
    }
    if (o.in_process) return run_in_process(&o);
    if (o.search) {
        for_each_order(&o, search);
        return 0;
    }
    try_all(&o);
    if (tests == 0)
        return usage("there is no such order, or no kernel that needs it", "");
    if (o.tap)
        printf("1..%d\n", tests);
    else
        printf("%d as it should be, %d not\n", tests - failures, failures);
    return failures > 0;
}
