/* SPDX-License-Identifier: MIT */
/* benchmark.cc - gclab-benchmark: gclab's samples and operations under Google Benchmark.
 *
 * The only C++ here. What is measured is written in C: cells.h (collector x workload x
 * threads, each sample a process of its own) and micro.h (one operation, n times).
 */
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "bench/micro/cells.h"
#include "bench/micro/micro.h"
}

using benchmark::Counter;
using benchmark::State;

enum { FAILED = 1, USAGE = 2, NOTHING_MATCHED = 77 };

static std::atomic<int> failures;

static void fail(State &state, const std::string &why)
{
    failures++;
    state.SkipWithError(why.c_str());
}

/* --- samples ------------------------------------------------------------------------- */

static const gc_stall_summary *find_stall(const gc_sample &sample, const char *cause)
{
    for (uint32_t i = 0; i < sample.stall_count; i++)
        if (std::strcmp(sample.stalls[i].cause, cause) == 0) return &sample.stalls[i];
    return nullptr;
}

/* What was not measured has no counter, rather than a zero. */
static void set_counters(State &state, const gc_measured &measured)
{
    const gc_sample &sample = measured.sample;
    auto &counters = state.counters;
    counters["ops/s"] = double(sample.ops) * 1e9 / double(sample.wall_ns);
    counters["collections"] = double(sample.collections);
    counters["allocated"] = double(sample.allocated_objects);
    counters["reclaimed"] = double(sample.reclaimed);
    if (sample.has_planted) counters["planted"] = double(sample.planted);
    counters["floating"] = double(sample.floating);
    counters["peak_heap_MiB"] = double(sample.peak_heap_bytes) / 1048576;
    if (measured.has_rss)
        counters["peak_rss_MiB"] = double(sample.peak_rss_bytes) / 1048576;
    counters["cpu_ms"] = double(sample.cpu_ns) / 1e6;
    uint64_t cpu = sample.mutator_cpu_ns + sample.collector_cpu_ns;
    if (sample.has_cpu_roles && cpu > 0)
        counters["gc_cpu_share"] = double(sample.collector_cpu_ns) / double(cpu);
    const gc_stall_summary *stop = find_stall(sample, "stop");
    if (stop == nullptr) return;
    counters["stops"] = double(stop->count);
    const gc_percentiles &p = stop->percentiles;
    if (p.has_p50) counters["stop_p50_us"] = double(p.p50_ns) / 1e3;
    if (p.has_p99) counters["stop_p99_us"] = double(p.p99_ns) / 1e3;
    if (stop->count > 0) counters["stop_max_us"] = double(stop->max_ns) / 1e3;
}

static void run_cell(State &state, const gc_cell *cell)
{
    gc_measured *measured = new gc_measured();
    for (auto _ : state) {
        int result = gc_cells_run(cell, measured);
        if (result < 0) {
            fail(state, std::string("no process: ") + std::strerror(-result));
            break;
        }
        const gc_sample &sample = measured->sample;
        if (sample.outcome != GC_OUTCOME_OK) {
            fail(state, std::string(gc_outcome_names[sample.outcome]) + ": " +
                                sample.message);
            break;
        }
        state.SetIterationTime(double(sample.wall_ns) * 1e-9);
        set_counters(state, *measured);
        state.SetLabel(cell->job.workload->unit);
    }
    delete measured;
}

static void register_cells(const gc_cells *cells)
{
    for (uint32_t i = 0; i < gc_cells_count(cells); i++) {
        const gc_cell *cell = gc_cells_at(cells, i);
        benchmark::RegisterBenchmark(
                cell->name, [cell](State &state) { run_cell(state, cell); })
                ->UseManualTime()
                ->Iterations(1)
                ->Unit(benchmark::kMillisecond);
    }
}

/* --- operations ------------------------------------------------------------------------ */

/* Of one value or more. */
static double median(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

/* Google Benchmark's threads are the mutators; its barrier at the loop's begin finds all of
 * them in a blocked region. `ns` is a thread's time for an operation: the median of the calls
 * in a place, so that an interruption is none of it, and of these the median of the places. Its
 * own column is the time between two operations of any thread, of all calls. */
static void run_operation(State &state, const gc_micro_set *set, size_t row)
{
    using clock = std::chrono::steady_clock;
    const gc_micro_operation *operation = &set->operations[0][row];
    gc_micro_thread *thread = set->begin(operation);
    if (thread == nullptr) {
        fail(state, "there is no memory, or no collector for the protocol");
        return;
    }
    std::vector<double> calls[GC_MICRO_PLACES];
    size_t place = 0;
    while (state.KeepRunningBatch(operation->batch)) {
        clock::time_point start = clock::now();
        set->run(thread, &set->operations[place][row], operation->batch);
        std::chrono::duration<double, std::nano> spent = clock::now() - start;
        calls[place].push_back(spent.count() / operation->batch);
        place = (place + 1) % GC_MICRO_PLACES;
    }
    set->end(thread);
    std::vector<double> places;
    for (const std::vector<double> &ns : calls)
        if (!ns.empty()) places.push_back(median(ns));
    state.counters["ns"] = Counter(median(places), Counter::kAvgThreads);
    if (set->peer != nullptr) state.SetLabel(set->peer());
}

static void register_operation(const gc_micro_set *set, size_t row)
{
    const gc_micro_operation *operation = &set->operations[0][row];
    std::string name = std::string("micro/") + operation->name + "/" + set->name;
    for (uint32_t threads = 1; threads <= operation->threads; threads++) {
        if (operation->shared && threads == 1) continue;
        if (set->is_serial() && threads > 1) continue;
        benchmark::RegisterBenchmark(
                name.c_str(), [=](State &state) { run_operation(state, set, row); })
                ->Threads(int(threads))
                ->UseRealTime();
    }
}

/* Each operation beside its counterparts: what drifts in the machine, they share. */
static void register_operations()
{
    std::vector<std::string> names;
    for (size_t s = 0; gc_micro_sets[s] != nullptr; s++)
        for (const gc_micro_operation *o = gc_micro_sets[s]->operations[0]; o->name; o++)
            if (std::find(names.begin(), names.end(), o->name) == names.end())
                names.push_back(o->name);
    for (const std::string &name : names)
        for (size_t s = 0; gc_micro_sets[s] != nullptr; s++) {
            const gc_micro_operation *rows = gc_micro_sets[s]->operations[0];
            for (size_t row = 0; rows[row].name; row++)
                if (name == rows[row].name) register_operation(gc_micro_sets[s], row);
        }
}

static void print_help()
{
    benchmark::PrintDefaultHelp();
    std::fprintf(stdout, "\n%s", gc_cells_help);
}

int main(int argc, char **argv)
{
    int status;
    if (gc_cells_sample(argc, argv, &status)) return status;
    gc_cells *cells;
    status = gc_cells_open(&argc, argv, &cells);
    if (cells == nullptr) return status;
    benchmark::Initialize(&argc, argv, print_help);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return USAGE;
    benchmark::AddCustomContext("gclab_version", GCLAB_VERSION);
    benchmark::AddCustomContext("gclab_check", std::to_string(gc_build_check_level()));
    register_operations();
    register_cells(cells);
    size_t matched = benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    gc_cells_close(cells);
    if (matched == 0) return NOTHING_MATCHED;
    return failures > 0 ? FAILED : 0;
}
