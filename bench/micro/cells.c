/* SPDX-License-Identifier: MIT */
/* cells.c - collector x workload x threads, as the driver registers them.
 *
 * Specs, plans and processes are those of `gclab run`: a cell is one of its samples.
 */
#include "bench/micro/cells.h"

#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/plan.h"
#include "bench/plugins.h"
#include "bench/text.h"

enum { TIMEOUT_S = 300 };

const char gc_cells_help[] =
        "Of gclab-benchmark itself; each may be repeated:\n"
        "  [--gclab_collector=NAME[@PROTOCOL][:OPTION=VALUE]...]  (default: all)\n"
        "  [--gclab_workload=NAME[:OPTION=VALUE]...]              (default: all)\n"
        "  [--gclab_threads=1,2,...]                              (default: 1,2)\n"
        "and once:\n"
        "  [--gclab_heap=SIZE]       hard limit of the heap, as in 64M (default: none)\n"
        "  [--gclab_timeout=SECONDS] of a sample (default: 300)\n"
        "\n"
        "Exit status: 0 all well, 1 a benchmark failed, 2 usage, 3 a bad file, 4 the\n"
        "environment, 77 no benchmark has such a name.\n";

struct gc_cells {
    struct gc_plan plan;
    struct gc_cell *cells;
    uint32_t count;
};

/* --name=value: the value, or NULL if it is another option. */
static const char *value_of(const char *argument, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(argument, name, length) != 0 || argument[length] != '=') return NULL;
    return argument + length + 1;
}

static int read_number(const char *option, const char *text, uint64_t *ret_value)
{
    char *end;
    if (*text >= '0' && *text <= '9') {
        *ret_value = strtoull(text, &end, 10);
        if (*end == '\0' && *ret_value <= 1000000000) return GC_EXIT_OK;
    }
    return gc_complain(GC_EXIT_USAGE, "%s=%s: it takes a number", option, text);
}

static int read_option(struct gc_plan *plan, const char *argument)
{
    const char *value;
    uint64_t number = 0;
    if ((value = value_of(argument, "--gclab_collector")) != NULL)
        return gc_plan_add_collector(plan, value);
    if ((value = value_of(argument, "--gclab_workload")) != NULL)
        return gc_plan_add_workload(plan, value);
    if ((value = value_of(argument, "--gclab_threads")) != NULL)
        return gc_plan_add_threads(plan, value);
    if ((value = value_of(argument, "--gclab_timeout")) != NULL) {
        int status = read_number("--gclab_timeout", value, &number);
        if (status == GC_EXIT_OK) plan->timeout_ns = number * UINT64_C(1000000000);
        return status;
    }
    if ((value = value_of(argument, "--gclab_heap")) != NULL) {
        if (gc_parse_size(value, &number) == 0 && number % 1024 == 0)
            return gc_plan_add_heap(plan, number > 0 ? value : "none");
        return gc_complain(GC_EXIT_USAGE,
                "--gclab_heap=%s: it takes whole KiB, as in 512K, 64M or 2G", value);
    }
    return gc_complain(
            GC_EXIT_USAGE, "there is no option %s; see gclab-benchmark --help", argument);
}

/* Every collector under every protocol that it works with. */
static int add_all_collectors(struct gc_plan *plan)
{
    for (const struct gc_collector *const *c = gc_collectors(); *c != NULL; c++) {
        struct gc_collector_info info = gc_collector_info(*c);
        for (size_t i = 0; info.protocols[i] != NULL; i++) {
            if (gc_protocol_find(info.protocols[i]) == NULL) continue;
            char *spec = gc_need_text("%s@%s", info.name, info.protocols[i]);
            int status = gc_plan_add_collector(plan, spec);
            free(spec);
            if (status != GC_EXIT_OK) return status;
        }
    }
    return GC_EXIT_OK;
}

/* Every workload, but those that need a file. */
static int add_all_workloads(struct gc_plan *plan)
{
    const char **names = gc_workload_names();
    int status = GC_EXIT_OK;
    for (size_t i = 0; names[i] != NULL && status == GC_EXIT_OK; i++)
        if (!gc_has_option(gc_workload_some(names[i])->options, "file"))
            status = gc_plan_add_workload(plan, names[i]);
    free(names);
    return status;
}

static int complete(struct gc_plan *plan)
{
    int status = plan->heap_count == 0 ? gc_plan_add_heap(plan, "none") : GC_EXIT_OK;
    if (status == GC_EXIT_OK) status = gc_plan_add_seed(plan, 1);
    plan->processes = 1; /* repetitions are Google Benchmark's */
    if (plan->timeout_ns == 0) plan->timeout_ns = TIMEOUT_S * UINT64_C(1000000000);
    if (status == GC_EXIT_OK && plan->thread_count == 0)
        status = gc_plan_add_threads(plan, "1,2");
    if (status == GC_EXIT_OK && plan->collector_count == 0)
        status = add_all_collectors(plan);
    if (status == GC_EXIT_OK && plan->workload_count == 0)
        status = add_all_workloads(plan);
    return status;
}

static void list(struct gc_cells *cells)
{
    struct gc_plan *plan = &cells->plan;
    uint32_t count = gc_plan_count(plan);
    cells->cells = gc_need((count + 1) * sizeof(*cells->cells));
    for (uint32_t i = 0; i < count; i++) {
        struct gc_job job = gc_plan_job(plan, gc_plan_place(plan, i));
        if (job.workload == NULL) continue; /* not compiled for the protocol */
        cells->cells[cells->count++] = (struct gc_cell){
            .name = gc_need_text("%s/%s/threads:%u", job.spec->label,
                    job.collector->label, job.threads),
            .job = job,
        };
    }
}

int gc_cells_open(int *argc, char **argv, struct gc_cells **ret_cells)
{
    struct gc_cells *cells = gc_need(sizeof(*cells));
    int status = GC_EXIT_OK, kept = 1;
    for (int i = 1; i < *argc && status == GC_EXIT_OK; i++) {
        if (strncmp(argv[i], "--gclab_", 8) == 0)
            status = read_option(&cells->plan, argv[i]);
        else
            argv[kept++] = argv[i];
    }
    if (status == GC_EXIT_OK) {
        *argc = kept;
        argv[kept] = NULL;
        status = complete(&cells->plan);
    }
    if (status == GC_EXIT_OK) {
        list(cells);
    } else {
        gc_cells_close(cells);
        cells = NULL;
    }
    *ret_cells = cells;
    return status;
}

void gc_cells_close(struct gc_cells *cells)
{
    for (uint32_t i = 0; i < cells->count; i++)
        free(cells->cells[i].name);
    free(cells->cells);
    gc_plan_finish(&cells->plan);
    free(cells);
}

uint32_t gc_cells_count(const struct gc_cells *cells)
{
    return cells->count;
}

const struct gc_cell *gc_cells_at(const struct gc_cells *cells, uint32_t i)
{
    return &cells->cells[i];
}

static void no_tick(void *argument, bool clear)
{
    (void)argument, (void)clear;
}

int gc_cells_run(const struct gc_cell *cell, struct gc_measured *ret_measured)
{
    return gc_process_run(&cell->job, no_tick, NULL, ret_measured);
}

bool gc_cells_sample(int argc, char **argv, int *ret_status)
{
    gc_plugins_start();
    if (argc < 2 || strcmp(argv[1], gc_command_sample.name) != 0) return false;
    *ret_status = gc_command_sample.run(argc - 1, argv + 1);
    return true;
}
