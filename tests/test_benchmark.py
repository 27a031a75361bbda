# SPDX-License-Identifier: MIT
"""Tests of gclab-benchmark and bench/micro/ratios: that everything that is registered runs
and gives figures, and that what goes wrong is seen. How fast anything is, is not asked.

    python3 tests/test_benchmark.py PATH-OF-GCLAB-BENCHMARK

Ends with a line "N passed, N failed"; the exit status is 1 if one failed.
"""
import json
import os
import stat
import subprocess
import sys
import tempfile
import traceback

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RATIOS = os.path.join(SOURCE, 'bench', 'micro', 'ratios')
BENCHMARK = ''
SMALL = ['--gclab_workload=rings:count=2000', '--gclab_workload=binary_trees:depth=6']


def run(*arguments):
    return subprocess.run([BENCHMARK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=150)


def names(*arguments):
    return run('--benchmark_list_tests', *arguments).stdout.split()


def measure(*arguments):
    """(exit status, {name: its figures})"""
    done = run('--benchmark_format=json', *arguments)
    return done.returncode, {b['name']: b for b in json.loads(done.stdout)['benchmarks']}


def expect(condition, *what):
    if not condition:
        raise AssertionError(' '.join(map(str, what)))


def protocols():
    folder = os.path.join(SOURCE, 'core', 'protocol')
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding='utf-8') as header:
            if name.endswith('.h') and '#define GC_PROTOCOL_NAME' in header.read():
                yield name[:-2]


def every_operation_is_registered_for_every_protocol():
    registered = {}
    for name in names('--benchmark_filter=^micro/'):
        operation, subject = name.split('/')[1:3]
        registered.setdefault(operation, set()).add(subject)
    for operation in ('copy', 'move', 'load', 'load_clear', 'load_shared', 'store', 'store_shared', 'store_new',
                      'give', 'exchange', 'compare_exchange', 'new_node', 'new_leaf', 'new_wide',
                      'weak_load', 'safepoint', 'blocked', 'stop', 'handshake'):
        wanted = set(protocols()) | {'c_pointer', 'c_pointer_tested', 'c_logged', 'c_logged_tested',
                                     'c_flagged_tested', 'c_plain', 'c_plain_tested', 'c_atomic',
                                     'c_atomic_tested', 'c_biased_tested'}
        expect(registered.get(operation, set()) == wanted, operation, registered.get(operation))


def every_operation_runs_and_takes_time():
    registered = names('--benchmark_filter=^micro/')
    status, found = measure('--benchmark_filter=^micro/', '--benchmark_min_time=0.001')
    expect(status == 0, 'status', status)
    expect(sorted(found) == sorted(registered), set(registered) ^ set(found))
    for name, figures in found.items():
        expect('error_occurred' not in figures, name, figures.get('error_message'))
        expect(0 < figures['ns'] < 1e7, name, figures['ns'])


def every_collector_is_registered_with_every_workload():
    cells = set(names('--benchmark_filter=^[^/]*/[^/]*@'))
    for cell in ('gcbench/refcount@plain/threads:1', 'rings/generational@plain/threads:2',
                 'binary_trees/mark_sweep@bare/threads:1', 'graph/none@bare/threads:2'):
        expect(cell + '/iterations:1/manual_time' in cells, cell, cells)


def samples_run_and_give_figures():
    arguments = ['--benchmark_filter=@', *SMALL]
    registered = names(*arguments)
    status, found = measure(*arguments)
    expect(status == 0, 'status', status)
    expect(registered and sorted(found) == sorted(registered), found)
    for name, figures in found.items():
        for figure in ('real_time', 'ops/s', 'allocated', 'peak_heap_MiB', 'peak_rss_MiB',
                       'planted', 'cpu_ms'):
            expect(figures.get(figure, 0) > 0, name, figure, figures.get(figure))
        if 'generational' in name and 'rings' in name:
            expect(figures['collections'] > 0 and figures['stop_max_us'] > 0, name, figures)
            expect(figures['reclaimed'] >= figures['planted'], name, figures)
            expect(0 < figures['gc_cpu_share'] < 1, name, figures['gc_cpu_share'])


def manual_time_is_the_samples():
    _, found = measure('--benchmark_filter=@', '--gclab_collector=refcount', '--gclab_threads=1', SMALL[1])
    (figures,) = found.values()
    # ops per second of the wall time is another way to say it: depth 6 has a fixed number of them
    ops = figures['ops/s'] * figures['real_time'] / 1e3
    expect(abs(ops - round(ops)) < 1e-3 * ops and ops > 1, ops)


def a_failed_sample_is_an_error():
    status, found = measure('--benchmark_filter=@', '--gclab_collector=none', '--gclab_threads=1',
                            '--gclab_heap=5M', '--gclab_workload=gcbench')
    (figures,) = found.values()
    expect(status == 1, 'status', status)
    expect(figures.get('error_occurred') and 'out of memory' in figures['error_message'], figures)


def a_hung_sample_is_killed():
    status, found = measure('--benchmark_filter=@', '--gclab_collector=generational', '--gclab_threads=1',
                            '--gclab_timeout=1', '--gclab_workload=rings:count=1000000000')
    (figures,) = found.values()
    expect(status == 1 and 'timeout' in figures['error_message'], status, figures)


def nothing_matched_is_77():
    expect(run('--benchmark_filter=^there is none$').returncode == 77)


def bad_command_lines_are_refused():
    for arguments, text in ((['--gclab_collector=refcoun'], 'did you mean'),
                            (['--gclab_workload=rings:kk=3'], 'kk'),
                            (['--gclab_threads=0'], '1,2,4'),
                            (['--gclab_heap=x'], 'KiB'),
                            (['--gclab_timeout=x'], 'number'),
                            (['--gclab_colour=red'], '--gclab_colour'),
                            (['--nonsense'], '--nonsense')):
        done = run(*arguments)
        expect(done.returncode == 2, arguments, done.returncode)
        expect(text in done.stderr, arguments, done.stderr)
        expect(done.stdout == '', arguments, done.stdout)


def help_names_the_options():
    done = run('--help')
    expect(done.returncode == 0 and '--gclab_collector' in done.stdout, done)


def ratios_of(*arguments):
    return subprocess.run([sys.executable, RATIOS, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=150)


def ratios_are_lines():
    done = ratios_of('--benchmark', BENCHMARK, '--rounds', '2', '--time', '0.001', '--json', '-',
                     '--only', 'copy|load_shared')
    expect(done.returncode == 0, done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(l['workload'], l['subject'], l['threads']) for l in lines}
    for protocol in protocols():
        for operation in ('micro/copy', 'micro/load_shared'):
            expect((operation, protocol, 1) in found, operation, protocol, found)
    for line in lines:
        expect(set(line) == {'workload', 'threads', 'subject', 'peer', 'metric', 'ratio', 'low',
                             'high'}, line)
        expect(0 < line['low'] <= line['ratio'] <= line['high'] and line['metric'] == 'ns', line)


def bounds_are_held():
    """A program that stands in for the benchmark says what an operation takes."""
    for operation, protocol, peers, ns, others, status in (
            ('copy', 'plain', 'c_plain', 1.5, {'copy/c_plain': 1.0}, 0),
            ('copy', 'plain', 'c_plain', 1.7, {'copy/c_plain': 1.0}, 1),
            ('copy', 'plain', 'c_plain c_plain_tested', 1.05,
             {'copy/c_plain': 1.0, 'copy/c_plain_tested': 1.0}, 0),
            ('copy', 'plain', 'c_plain c_plain_tested', 1.2,
             {'copy/c_plain': 1.0, 'copy/c_plain_tested': 1.0}, 1),
            ('copy', 'biased', 'c_biased_tested', 1.9, {'pair/c_plain': 1.0}, 0),
            ('copy', 'biased', 'c_biased_tested', 2.1, {'pair/c_plain': 1.0}, 1),
            ('load_shared', 'biased', 'c_biased_tested', 1.2, {'load_clear/biased': 1.0}, 1),
            ('give', 'bare', 'c_pointer c_pointer_tested', 1.2,
             {'give/c_pointer': 1.0, 'give/c_pointer_tested': 1.1}, 0),
            ('give', 'bare', 'c_pointer c_pointer_tested', 1.2,
             {'give/c_pointer': 1.2, 'give/c_pointer_tested': 1.0}, 1),
            ('weak_load', 'bare', 'c_pointer_tested', 9.0,
             {'weak_load/c_pointer_tested': 1.0}, 0)):
        entries = [{'name': f'micro/{operation}/{protocol}/real_time/threads:1', 'ns': ns,
                    'label': peers}]
        entries += [{'name': f'micro/{name}/real_time/threads:1', 'ns': other}
                    for name, other in others.items()]
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, 'stand-in')
            with open(program, 'w', encoding='utf-8') as script:
                script.write('#!/bin/sh\ncat <<END\n%s\nEND\n' % json.dumps(
                    {'benchmarks': entries, 'context': {}}))
            os.chmod(program, os.stat(program).st_mode | stat.S_IXUSR)
            done = ratios_of('--benchmark', program, '--check', '--rounds', '1')
        expect(done.returncode == status, operation, protocol, ns, done)
        expect(('NOT MET' in done.stdout) == (status == 1), done.stdout)


def ratios_need_a_benchmark():
    expect(ratios_of('--benchmark', '/nowhere/at/all').returncode == 4)
    expect(ratios_of('--benchmark', BENCHMARK, '--only', 'nothing').returncode == 4)
    expect(ratios_of('--rounds', '0').returncode == 2)
    expect(ratios_of('--only', '(').returncode == 2)


TESTS = [
    every_operation_is_registered_for_every_protocol,
    every_operation_runs_and_takes_time,
    every_collector_is_registered_with_every_workload,
    samples_run_and_give_figures,
    manual_time_is_the_samples,
    a_failed_sample_is_an_error,
    a_hung_sample_is_killed,
    nothing_matched_is_77,
    bad_command_lines_are_refused,
    help_names_the_options,
    ratios_are_lines,
    bounds_are_held,
    ratios_need_a_benchmark,
]


def main():
    global BENCHMARK
    if len(sys.argv) != 2:
        print('usage: test_benchmark.py PATH-OF-GCLAB-BENCHMARK', file=sys.stderr)
        return 2
    BENCHMARK = os.path.abspath(sys.argv[1])
    failed = 0
    for test in TESTS:
        try:
            test()
        except Exception:
            failed += 1
            print('FAILED %s' % test.__name__)
            traceback.print_exc(file=sys.stdout)
    print('%d passed, %d failed' % (len(TESTS) - failed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
