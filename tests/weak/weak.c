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

enum { SITES_MOST = 512, NAME_ROOM = 160 };

struct options {
    struct trials_options all;
    bool reached, search;
    const char *order;
    uint64_t run;
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

static void try_unbroken(const struct options *o, const struct kernel *kernel)
{
    const struct weakening none = { .place = NULL };
    struct trials_end end = { .how = "" };
    char text[1024], name[128];
    uint64_t tries = 0, ns = 0, seed = o->all.first_seed;
    bool failed = false;
    for (uint64_t i = 0; i < o->all.seeds && !failed; i++) {
        seed = o->all.first_seed + i;
        failed = trials_fail(kernel, weaken, &none, seed, o->all.tries, &end);
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
    trials_say(&o->all, !failed, name, text);
}

static void try_order(const struct options *o, const struct weak_order_known *order,
        const struct weakening *weakening)
{
    struct trials_end end = { .how = "" };
    char text[1024], name[NAME_ROOM + 32];
    uint64_t tries = 0, killed = 0, slowest = 0;
    for (uint64_t i = 0; i < o->all.seeds; i++) {
        killed += trials_fail(kernel_find(order->kernel), weaken, weakening,
                o->all.first_seed + i, UINT64_MAX, &end);
        tries += end.tries;
        if (end.ns > slowest) slowest = end.ns;
    }
    snprintf(name, sizeof(name), "%s is needed", order->name);
    snprintf(text, sizeof(text), "%-64s %-10s %llu of %llu %8llu %7.2f  %s", order->name,
            order->kernel, (unsigned long long)killed, (unsigned long long)o->all.seeds,
            (unsigned long long)tries, (double)slowest / 1e9,
            killed > 0 ? end.how : "it SURVIVES, nobody has noticed");
    trials_say(&o->all, killed == o->all.seeds, name, text);
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
            if (k->real || (o->all.kernel != NULL && strcmp(o->all.kernel, k->name) != 0))
                continue;
            if (!trials_fail(k, weaken, weakening, o->all.first_seed, o->all.tries, &end))
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
            trials_say(&o->all, false, name, text);
        }
    }
    for (const struct weak_order_known *order = weak_orders; order->name != NULL;
            order++) {
        if (find_weakening(order->name, &weakening)) continue;
        snprintf(text, sizeof(text), "%s: there is no such order", order->name);
        trials_say(&o->all, false, order->name, text);
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
            if (!k->real) trials_run(k, o->all.first_seed, 0, o->all.tries);
    for_each_order(o, list_unreached);
}

static void try_all(const struct options *o)
{
    struct weakening weakening;
    for (const struct kernel *const *family = kernel_families; *family != NULL;
            family++) {
        for (const struct kernel *k = *family; k->name != NULL; k++) {
            bool wanted = o->all.kernel == NULL || strcmp(o->all.kernel, k->name) == 0;
            if (wanted && o->order == NULL && !k->real) try_unbroken(o, k);
        }
    }
    if (o->order == NULL && o->all.kernel == NULL) compare_with_table(o);
    for (const struct weak_order_known *order = weak_orders; order->name != NULL;
            order++) {
        if (order->kernel == NULL) continue;
        if (strcmp(order->protocol, KERNEL_PROTOCOL) != 0) continue;
        if (o->order != NULL && strstr(order->name, o->order) == NULL) continue;
        if (o->all.kernel != NULL && strcmp(o->all.kernel, order->kernel) != 0) continue;
        if (find_weakening(order->name, &weakening)) try_order(o, order, &weakening);
    }
}

/* One kernel in this process, for a debugger: the run of a number, or all up to --tries. */
static int run_in_process(const struct options *o)
{
    struct weakening weakening = { .place = NULL };
    const bool traces = weak_traces;
    if (o->all.kernel == NULL)
        return trials_usage(&o->all, "--in-process wants a --kernel", "");
    if (o->order != NULL && !find_weakening(o->order, &weakening))
        return trials_usage(&o->all, "there is no order ", o->order);
    weaken(&weakening);
    if (o->run == 0) {
        trials_run(kernel_find(o->all.kernel), o->all.first_seed, 0, o->all.tries);
        return 0;
    }
    /* A run before it, that it finds the process as it did: types have their ids. */
    weak_traces = false;
    if (o->run > 1)
        trials_run(kernel_find(o->all.kernel), o->all.first_seed, o->run - 2, 1);
    weak_traces = traces;
    trials_run(kernel_find(o->all.kernel), o->all.first_seed, o->run - 1, 1);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o = {
        .all = { .usage = "gclab-weak [--tap] [--order NAME] [--kernel NAME] [--seeds N] "
                          "[--seed N] [--tries N] [--list] [--reached] [--search] "
                          "[--in-process [--run N] [--trace]]",
                .first_seed = 1,
                .seeds = 5,
                .tries = 200 },
    };
    const struct trials_option own[] = {
        { .name = "--order", .word = &o.order },
        { .name = "--reached", .flag = &o.reached },
        { .name = "--search", .flag = &o.search },
        { .name = "--run", .number = &o.run },
        { .name = "--trace", .flag = &weak_traces },
        { .name = NULL },
    };
    int result = trials_read_options(argc, argv, own, &o.all);
    if (result != 0) return result;
    find_places();
    trials_init();
    if (o.all.list) {
        for_each_order(&o, list_order);
        return 0;
    }
    if (o.reached) {
        find_unreached(&o);
        return 0;
    }
    if (o.all.in_process) return run_in_process(&o);
    if (o.search) {
        for_each_order(&o, search);
        return 0;
    }
    try_all(&o);
    return trials_sum_up(&o.all);
}
