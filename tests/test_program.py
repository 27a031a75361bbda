# SPDX-License-Identifier: MIT
"""Tests of the gclab program, from outside: what it prints, writes and exits with.

    python3 tests/test_program.py PATH-OF-GCLAB

Samples that go wrong are made by a small library that is loaded before gclab's own and
stands in for gc_sample_run(): what the runner does about them is then the real thing.
Ends with a line "N passed, N failed"; the exit status is 1 if one failed.
"""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GCLAB = ''
SCRATCH = ''
SMALL = ['-w', 'rings:count=2000', '-n', '1']
PAIR = ['-c', 'refcount', '-c', 'generational']

STAND_IN = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/harness.h"

/* STAND_IN="refcount crash": what is to happen to samples of that collector. */
int gc_sample_run(const struct gc_sample_request *request, struct gc_sample *ret_sample,
        struct gc_error *error)
{
    int (*real)(const struct gc_sample_request *, struct gc_sample *, struct gc_error *);
    *(void **)&real = dlsym(RTLD_NEXT, "gc_sample_run");
    int result = real(request, ret_sample, error);
    char who[64] = "", what[64] = "";
    const char *plan = getenv("STAND_IN");
    if (plan == NULL || sscanf(plan, "%63s %63s", who, what) != 2) return result;
    if (strcmp(gc_collector_info(request->collector).name, who) != 0) return result;
    if (strcmp(what, "checksum") == 0) ret_sample->checksum ^= 1;
    if (strcmp(what, "crash") == 0) {
        fprintf(stderr, "the last words\nand more\n");
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    if (strcmp(what, "exit") == 0) _exit(0);
    if (strcmp(what, "status") == 0) _exit(66);
    if (strcmp(what, "late") == 0) atexit(abort);
    if (strcmp(what, "hang") == 0) {
        if (fork() == 0) pause(); /* its group must go as well */
        pause();
    }
    if (strcmp(what, "refuse") == 0)
        return gc_error_set(error, -12, "there was not enough of it");
    if (strcmp(what, "stdout") == 0) puts("this is no JSON");
    return result;
}
'''


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err


def gclab(*arguments, env=None, status=0, timeout=60):
    """Runs gclab and checks its exit status."""
    process = subprocess.run([GCLAB, *arguments], stdin=subprocess.DEVNULL, timeout=timeout,
                             capture_output=True, env={**os.environ, **(env or {})})
    result = Result(process.returncode, process.stdout.decode(), process.stderr.decode())
    assert result.status == status, (
        f'{arguments}: status {result.status}, not {status}\n{result.out}{result.err}')
    return result


def lines(text):
    """JSON lines; each one must be whole."""
    assert text == '' or text.endswith('\n'), text[-80:]
    return [json.loads(line) for line in text.splitlines()]


def run_json(*arguments, **rest):
    return lines(gclab('run', *arguments, '--json', '-', **rest).out)


def names(kind):
    return gclab('list', kind, '--names').out.split()


def stand_in(plan):
    """The environment under which a collector's samples go wrong."""
    library = os.path.join(SCRATCH, 'stand_in.so')
    if not os.path.exists(library):
        source = os.path.join(SCRATCH, 'stand_in.c')
        with open(source, 'w', encoding='utf-8') as file:
            file.write(STAND_IN)
        subprocess.run([*os.environ.get('CC', 'cc').split(), '-shared', '-fPIC', '-I', SOURCE,
                        '-o', library, source, '-ldl'], check=True)
    checks = os.environ.get('ASAN_OPTIONS', '')
    return {'LD_PRELOAD': library, 'STAND_IN': plan,
            'ASAN_OPTIONS': checks + ':verify_asan_link_order=0'}


def on_terminal(*arguments, env=None):
    """Runs gclab on a terminal of its own; returns its stdout and stderr as one text."""
    process, terminal = pty.fork()
    if process == 0:
        try:
            os.execve(GCLAB, [GCLAB, *arguments],
                      {**os.environ, 'TERM': 'xterm', **(env or {})})
        finally:
            os._exit(127)
    text = b''
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, 'nothing came for a minute'
        try:
            part = os.read(terminal, 4096)
        except OSError:          # how Linux tells that the other side has gone
            break
        if not part:
            break
        text += part
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert status == 0, (status, text)
    return text.decode()


# --- the command line ---------------------------------------------------------------------

def test_usage_errors():
    cases = [
        ([], 'Usage: gclab'),
        (['rnu'], "did you mean 'run'?"),
        (['zzzzzz'], 'list, info, run, sweep, minheap, env, compare, report, export, reproduce, import, new, check, explain, show, help'),
        (['--frob'], 'unrecognized option'),
        (['list', 'colectors'], "did you mean 'collectors'?"),
        (['list', 'collectors', 'workloads'], 'one kind'),
        (['info'], 'a name is missing'),
        (['info', 'generatinal'], "did you mean 'generational'?"),
        (['info', 'gcbnech'], "did you mean 'gcbench'?"),
        (['help', 'rnu'], "did you mean 'run'?"),
        (['help', 'run', 'list'], 'one command'),
        (['run', 'generational'], 'with -c'),
        (['run', '--frob'], 'gclab run: unrecognized option'),
        (['run', '-c', 'refcuont'], "did you mean 'refcount'?"),
        (['run', '-c', 'zzzzzz'], 'there are: none, '),
        (['run', '-c', ''], 'no collector'),
        (['run', '-c', 'refcount@plian'], "did you mean 'plain'?"),
        (['run', '-c', 'refcount@bare'], 'does not work with'),
        (['run', '-c', 'generational:treshold0=1'], "did you mean 'threshold0'?"),
        (['run', '-c', 'generational:threshold0=many'], 'integer from 0'),
        (['run', '-c', 'generational:detect=kepe'], "did you mean 'keep'?"),
        (['run', '-c', 'generational:'], 'missing after the colon'),
        (['run', '-c', 'refcount', '-c', 'refcount@plain'], 'given twice'),
        (['run', '-w', 'gcbnech'], "did you mean 'gcbench'?"),
        (['run', '-w', 'rings@plain'], 'has no protocol'),
        (['run', '-w', 'rings:k=0'], 'integer from 1'),
        (['run', '-w', 'rings:cuont=1'], "did you mean 'count'?"),
        (['run', '-w', 'rings', '-w', 'rings'], 'given twice'),
        (['run', '-w', 'rings:scale=strong'], 'fixed or weak'),
        (['run', '-w', 'rings:scale=weak:scale=weak'], 'given twice'),
        (['run', '-w', 'rings', '--suite', 'smoke'], 'exclude each other'),
        (['run', '--suite', 'smok'], "did you mean 'smoke'?"),
        (['run', '--scale', 'strong'], 'fixed or weak'),
        (['run', '-t', '0'], 'from 1 to'),
        (['run', '-t', '1,,2'], 'from 1 to'),
        (['run', '-t', '1,2,'], 'from 1 to'),
        (['run', '-t', '99999999999'], 'from 1 to'),
        (['run', '-t', '2,2'], 'given twice'),
        (['run', '-n', '0'], 'from 1 to'),
        (['run', '-n', '3x'], 'from 1 to'),
        (['run', '--heap', '12'], 'whole KiB'),
        (['run', '--heap', '64MB'], 'whole KiB'),
        (['run', '--heap', '0'], 'whole KiB'),
        (['run', '--seed', '-1'], 'takes a number'),
        (['run', '--timeout', 'soon'], 'takes seconds'),
        (['run', '--timeout', '-1'], 'takes seconds'),
        (['run', '--in-process', '--timeout', '5'], 'needs processes'),
        (['sample'], "how 'gclab run' calls itself"),
        (['import'], 'what to import'),
        (['import', 'cpyton', '-o', 'x', '--', 'y'], "did you mean 'cpython'?"),
        (['import', 'cpython', '--', 'y'], '-o FILE is missing'),
        (['import', 'cpython', '-o', 'x'], 'the script is missing'),
    ]
    for arguments, fragment in cases:
        result = gclab(*arguments, status=2)
        assert fragment in result.err, f'{arguments}: {result.err}'
        assert result.out == '', f'{arguments}: {result.out}'


def test_last_mistake_stops_all():
    """Everything is checked before the first sample runs."""
    path = os.path.join(SCRATCH, 'none.jsonl')
    gclab('run', *PAIR, *SMALL, '-w', 'gcbench:dept=3', '--json', path, status=2)
    gclab('run', *PAIR, *SMALL, '-c', 'mark_sweep:x=1', '--json', path, status=2)
    assert not os.path.exists(path)


def test_bad_files():
    if 'snapshot' in names('workloads'):
        result = gclab('run', '-w', 'snapshot:file=/nonexistent/file', status=3)
        assert '/nonexistent/file' in result.err, result.err
        bad = os.path.join(SCRATCH, 'bad.gcs')
        with open(bad, 'w', encoding='utf-8') as file:
            file.write('this is no snapshot\n' * 100)
        result = gclab('run', '-n', '1', '-w', f'snapshot:file={bad}', status=3)
        assert 'failed' in result.out, result.out
    result = gclab('import', 'cpython', '-o', 'x', '--', '/nonexistent.py', status=3)
    assert '/nonexistent.py' in result.err, result.err


def test_bad_environment():
    result = gclab('run', *PAIR, *SMALL, '--json', '/nonexistent/x', status=4)
    assert '/nonexistent/x' in result.err and result.out == ''
    result = gclab('run', *PAIR, *SMALL, '-n', '5', '--json', '/dev/full', status=4)
    assert '/dev/full' in result.err, result.err
    assert 'refcount@plain' in result.out, 'what was measured is printed'
    assert 'generational@plain' not in result.out, 'the run has ended at the first failure'
    result = gclab('import', 'cpython', '-o', 'x', '--python', '/nonexistent', '--',
                   __file__, status=4)
    assert '/nonexistent' in result.err
    result = gclab('import', 'cpython', '-o', 'x', '--', __file__, status=4,
                   env={'GCLAB_DATA': '/nonexistent'})
    assert 'GCLAB_DATA' in result.err


def test_import_becomes_the_script():
    data = os.path.join(SCRATCH, 'import')
    os.makedirs(data, exist_ok=True)
    with open(os.path.join(data, 'cpython_dump.py'), 'w', encoding='utf-8') as file:
        file.write('import sys\nprint(sys.argv[1:])\nsys.exit(3)\n')
    result = gclab('import', 'cpython', '-o', 'out', '--python', sys.executable, '--',
                   __file__, '-o', '--x', status=3, env={'GCLAB_DATA': SCRATCH})
    assert result.out == f"{['-o', 'out', '--', __file__, '-o', '--x']}\n", result.out


def test_help():
    assert re.fullmatch(r'gclab \d+\.\d+\.\d+\n', gclab('--version').out)
    text = gclab('--help').out
    assert gclab('help').out.split('Commands')[1] in text
    for command in ('list', 'info', 'run', 'import', 'help'):
        assert re.search(rf'^  {command} +\w', text, re.MULTILINE), text
        assert gclab('help', command).out.startswith(f'Usage: gclab {command}')
    for command in ('list', 'info', 'run', 'import'):
        assert gclab(command, '--help').out.startswith(f'Usage: gclab {command}')
    assert 'sample ' not in text.split('Commands')[1], 'it is hidden'


def test_list():
    assert {'none', 'refcount', 'generational', 'mark_sweep'} <= set(names('collectors'))
    assert {'gcbench', 'binary_trees', 'rings', 'graph'} <= set(names('workloads'))
    assert {'bare', 'plain'} <= set(names('protocols'))
    everything = gclab('list').out
    for kind in ('collectors', 'workloads', 'protocols'):
        assert re.search(rf'^{kind}$', everything, re.MULTILINE)
        assert len(set(names(kind))) == len(names(kind))
        for name in names(kind):
            assert re.search(rf'^  {name} +\w', everything, re.MULTILINE), name
            assert re.search(rf'^{name} +\w', gclab('list', kind).out, re.MULTILINE), name


def test_info():
    text = gclab('info', 'generational').out
    for part in ('collector generational - ', 'promises: ', 'cycles', 'protocols: plain',
                 'paper: ', 'threshold0=700  (integer, 0 to ',
                 'detect=move  (one of move|keep|walk)'):
        assert part in text, f'{part}: {text}'
    text = gclab('info', 'rings').out
    for part in ('workload rings - ', 'card: ', 'cyclic', 'protocols: bare, plain', 'k=8  (',
                 'checksum: the same', 'scale=fixed  (one of fixed|weak)'):
        assert part in text, f'{part}: {text}'
    text = gclab('info', 'plain').out
    assert 'protocol plain - ' in text and 'collectors: refcount, generational' in text
    for kind in ('collectors', 'workloads', 'protocols'):
        for name in names(kind):
            assert f'{kind[:-1]} {name} - ' in gclab('info', name).out


# --- what is measured ---------------------------------------------------------------------

KEYS = {'schema', 'collector', 'protocol', 'options', 'workload', 'workload_options',
        'threads', 'seed', 'process', 'heap_limit', 'outcome', 'message', 'checksum',
        'wall_ns', 'cpu_ns', 'mutator_cpu_ns', 'collector_cpu_ns', 'ops', 'unit', 'stalls', 'latency',
        'peak_heap_bytes', 'peak_rss_bytes', 'counters', 'collections', 'reclaimed',
        'planted', 'floating', 'environment'}
MEASURED = ('checksum', 'wall_ns', 'cpu_ns', 'mutator_cpu_ns', 'collector_cpu_ns', 'ops',
            'stalls', 'peak_heap_bytes', 'peak_rss_bytes', 'counters', 'collections',
            'reclaimed', 'planted', 'floating')
STALL_KEYS = {'count', 'total_ns', 'max_ns', 'total_work', 'max_work', 'p50_ns', 'p90_ns',
              'p99_ns', 'p999_ns'}
ENVIRONMENT_KEYS = {'gclab_version', 'check_level', 'compiler', 'kernel', 'cpu',
                    'cpus_online', 'load_at_start', 'governor', 'aslr',
                    'transparent_huge_pages', 'steal_ticks'}


def test_json_line():
    samples = run_json('-c', 'generational:threshold0=500', *SMALL, '--heap', '64M',
                       '--seed', '7', '-t', '2')
    assert len(samples) == 1
    sample = samples[0]
    assert KEYS <= set(sample), KEYS - set(sample)
    expected = {'schema': 1, 'collector': 'generational', 'protocol': 'plain',
                'options': 'threshold0=500', 'workload': 'rings',
                'workload_options': 'count=2000', 'threads': 2, 'seed': 7, 'process': 0,
                'heap_limit': 64 << 20, 'outcome': 'ok', 'message': None,
                'in_process': False, 'scale': 'fixed'}
    for key, value in expected.items():
        assert sample[key] == value, f'{key}: {sample[key]}'
    assert re.fullmatch('[0-9a-f]{16}', sample['checksum'])
    for key in MEASURED:
        assert sample[key] is not None, key
    assert sample['wall_ns'] > 0 and sample['ops'] > 0 and sample['peak_rss_bytes'] > 0
    assert sample['collections'] > 0 and sample['reclaimed'] == sample['planted'] > 0
    assert all(isinstance(value, int) for value in sample['counters'].values())
    for cause in ('stop', 'cascade', 'allocation', 'lock'):
        assert set(sample['stalls'][cause]) == STALL_KEYS, sample['stalls'][cause]
    stop, none = sample['stalls']['stop'], sample['stalls']['backpressure']
    assert stop['count'] > 0 and stop['max_ns'] > 0
    assert none['count'] == 0 and none['max_ns'] is None and none['p50_ns'] is None
    assert stop['p99_ns'] is None or stop['count'] >= 1000, 'too few for a percentile'
    assert ENVIRONMENT_KEYS <= set(sample['environment'])


def test_latency():
    spec = 'cache:entries=100:count=2000:tree=5'
    sample, = run_json('-c', 'refcount', '-n', '1', '-w', spec)
    latency = sample['latency']
    assert latency['of'] == 'request' and latency['count'] == 2000, latency
    assert 0 < latency['p50_ns'] <= latency['p90_ns'] <= latency['p99_ns'] <= latency['max_ns']
    assert latency['p999_ns'] is None, 'too few for a percentile'
    sample, = run_json('-c', 'refcount', '-n', '1', '-w', spec, '--count-ops')
    assert sample['latency']['count'] == 2000 and sample['latency']['max_ns'] is None
    assert run_json('-c', 'refcount', *SMALL)[0]['latency'] is None
    text = gclab('run', '-c', 'refcount', '-c', 'none', '-w', spec, '-t', '1,2').out
    assert 'latency of a request, us' in text, text
    assert len(re.findall(r'^\S+@\S+ +[12]( +[\d.]+){2} +- +[\d.]+$', text, re.MULTILINE)) == 4, text


def test_checks():
    """On the way: a line for each, and an element of an array."""
    arguments = ['-c', 'generational@atomic', '-c', 'on_the_fly', '-t', '4', '-n', '1', '--checks', '5',
                 '-w', 'cache:entries=100:count=500', '-w', 'contend:count=5000:parcel=3',
                 '-w', 'graph:nodes=100:count=5000', '-w', 'random_graph:nodes=100:count=2000']
    for sample in run_json(*arguments):
        assert sample['outcome'] == 'ok' and len(sample['checks']) == 5, sample
        times = [check['at_ns'] for check in sample['checks']]
        assert times == sorted(times) and times[-1] <= sample['wall_ns']
        for check in sample['checks']:
            assert check['live_objects'] == check['expected_objects'] > 0 and check['rss_bytes'] > 0
            assert check['live_bytes'] == check['expected_bytes'] >= 24 * check['live_objects']
    table = gclab('run', *arguments).out
    assert len(re.findall(r'(?m)^ +5 +\d+\.\d+ +(\d+) +\1 +(\d+) +\2 +\S+$', table)) == 8, table
    assert run_json('-c', 'refcount', *SMALL)[0]['checks'] is None


def test_lines_are_appended():
    path = os.path.join(SCRATCH, 'appended.jsonl')
    for count in (1, 2):
        gclab('run', '-c', 'refcount', *SMALL, '--json', path)
        with open(path, encoding='utf-8') as file:
            assert len(lines(file.read())) == count


def test_order():
    """Workload, threads, process; collectors take turns within."""
    samples = run_json(*PAIR, '-w', 'rings:count=1000', '-w', 'rings:count=500', '-t', '2,1',
                       '-n', '2')
    order = [(s['workload_options'], s['threads'], s['process'], s['collector'])
             for s in samples]
    assert order == [(w, t, p, c) for w in ('count=1000', 'count=500') for t in (2, 1)
                     for p in (0, 1) for c in ('refcount', 'generational')]


def test_defaults():
    """All collectors; three processes; one thread."""
    samples = run_json('-w', 'rings:count=1000')
    assert {s['collector'] for s in samples} == set(names('collectors'))
    assert {s['process'] for s in samples} == {0, 1, 2} and {s['threads'] for s in samples} == {1}
    assert len({s['checksum'] for s in samples}) == 1
    assert all(s['heap_limit'] is None and s['seed'] == 1 for s in samples)


def test_scale():
    fixed, weak, option, mixed = (
        run_json('-c', 'refcount', '-t', '2', '-n', '1', '-w', w, *more)[0]
        for w, more in (('rings:count=1000', ()), ('rings:count=1000', ('--scale', 'weak')),
                        ('rings:count=1000:scale=weak', ()),
                        ('rings:scale=fixed:count=1000', ('--scale', 'weak'))))
    assert weak['ops'] == 2 * fixed['ops'] == option['ops'] and mixed['ops'] == fixed['ops']
    assert [s['scale'] for s in (fixed, weak, option, mixed)] == ['fixed', 'weak', 'weak',
                                                                   'fixed']
    assert option['workload_options'] == mixed['workload_options'] == 'count=1000'


def assert_nothing_measured(sample):
    for key in MEASURED:
        assert sample[key] is None, f'{key}: {sample[key]}'


def bad_run(plan, *more, status=1):
    """Runs two collectors of which refcount goes wrong; returns its sample and stderr."""
    result = gclab('run', *PAIR, *SMALL, *more, '--json', '-', env=stand_in(plan),
                   status=status)
    bad, good = lines(result.out)
    assert bad['collector'] == 'refcount' and good['outcome'] == 'ok', (bad, good)
    return bad, result.err


def test_stand_in_alone():
    result = gclab('run', *PAIR, *SMALL, '--json', '-', env=stand_in('nobody at all'))
    assert [s['outcome'] for s in lines(result.out)] == ['ok', 'ok']


def test_crash():
    bad, err = bad_run('refcount crash')
    assert bad['outcome'] == 'crash' and 'SIGSEGV' in bad['message'], bad
    assert 'the last words' in bad['message'] and 'and more' in err
    assert_nothing_measured(bad)
    assert 'refcount@plain T=1: crash (1 of 1): killed by SIGSEGV' in err, err


def test_bad_ends():
    for plan, part in (('exit', 'without a result'), ('status', 'status 66'),
                       ('late', 'SIGABRT')):
        bad, _ = bad_run(f'refcount {plan}')
        assert bad['outcome'] == 'crash' and part in bad['message'], bad
        assert_nothing_measured(bad)
    bad, _ = bad_run('refcount refuse')
    assert bad['outcome'] == 'failed' and bad['message'] == 'there was not enough of it'
    assert_nothing_measured(bad)


def test_stdout_of_a_sample():
    result = gclab('run', *PAIR, *SMALL, '--json', '-', env=stand_in('refcount stdout'))
    assert len(lines(result.out)) == 2 and 'this is no JSON' in result.err


def children(process):
    with open(f'/proc/{process}/task/{process}/children', encoding='ascii') as file:
        return [int(child) for child in file.read().split()]


def group_members(group):
    """Ids of the living processes of a process group."""
    found = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{name}/stat', encoding='utf-8') as file:
                fields = file.read().rpartition(')')[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in 'ZX':
            found.append(int(name))
    return found


def assert_group_ends(group):
    """What a sample started is killed with it; but gclab can await its own child alone, so the
    others may be about to die for a moment more."""
    deadline = time.monotonic() + 5
    while group_members(group) != [] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert group_members(group) == [], 'what a sample started has ended with it'


def is_hanging(sample):
    """Whether it is the one that is to hang, and has forked."""
    try:
        with open(f'/proc/{sample}/cmdline', 'rb') as file:
            arguments = file.read().split(b'\0')
    except OSError:
        return False
    return b'generational@plain' in arguments and len(group_members(sample)) == 2


def start_hanging(*more):
    """A run whose second sample does not end, and the process of that sample."""
    process = subprocess.Popen(
        [GCLAB, 'run', *PAIR, *SMALL, *more], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **stand_in('generational hang')})
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for child in children(process.pid):
            if is_hanging(child):
                return process, child
        time.sleep(0.01)
    process.kill()
    raise AssertionError('no sample has started')


def end_of(process):
    out, err = process.communicate(timeout=30)
    return Result(process.returncode, out.decode(), err.decode())


def test_timeout():
    started = time.monotonic()
    process, sample = start_hanging('--timeout', '1', '--json', '-')
    assert len(children(process.pid)) == 1, 'never two samples at once'
    result = end_of(process)
    assert 1 <= time.monotonic() - started < 20
    good, bad = lines(result.out)
    assert result.status == 1 and good['outcome'] == 'ok', result.err
    assert bad['outcome'] == 'timeout' and '1 s' in bad['message'], bad
    assert_nothing_measured(bad)
    assert_group_ends(sample)
    gclab('run', '-c', 'none', '-w', 'gcbench', '-n', '1', '--timeout', '0.001', status=1)


def test_kill():
    process, sample = start_hanging('--json', '-')
    os.killpg(sample, signal.SIGKILL)
    result = end_of(process)
    assert result.status == 1
    assert 'SIGKILL' in lines(result.out)[1]['message']


def test_interrupt():
    path = os.path.join(SCRATCH, 'interrupted.jsonl')
    for number in (signal.SIGINT, signal.SIGTERM):
        if os.path.exists(path):
            os.remove(path)
        process, sample = start_hanging('--json', path, '-w', 'rings:count=77')
        process.send_signal(number)
        result = end_of(process)
        assert result.status == 128 + number, (result.status, result.err)
        assert 'refcount@plain' in result.out, 'what was measured is printed'
        assert 'generational@plain' not in result.out
        assert 'interrupted after 1 of 4 samples' in result.err, result.err
        assert_group_ends(sample)
        with open(path, encoding='utf-8') as file:
            assert [s['outcome'] for s in lines(file.read())] == ['ok']


def test_out_of_memory():
    result = gclab('run', '-c', 'none', *SMALL, '-w', 'gcbench', '--heap', '1M', '--json',
                   '-', status=1)
    fits, bad = lines(result.out)
    assert fits['outcome'] == 'ok' and bad['outcome'] == 'out of memory', bad
    assert 0 < bad['peak_heap_bytes'] <= 1 << 20 and bad['heap_limit'] == 1 << 20
    assert bad['wall_ns'] > 0 and bad['stalls'] is not None and bad['counters'] is not None
    for key in ('checksum', 'ops', 'reclaimed', 'planted', 'floating'):
        assert bad[key] is None, f'{key} is known at the end only'
    assert 'out of memory (1 of 1): ' in result.err, result.err


def test_wrong_checksum():
    result = gclab('run', '-c', 'none', '-c', 'refcount', '-c', 'mark_sweep', *SMALL, '-t',
                   '1,2', '--json', '-', env=stand_in('refcount checksum'), status=1)
    samples = lines(result.out)
    assert [s['outcome'] for s in samples] == 2 * ['ok', 'wrong result', 'ok'], samples
    bad, good = samples[1], samples[0]
    assert bad['checksum'] in bad['message'] and good['checksum'] in bad['message']
    assert 'none@bare' in bad['message'] and bad['wall_ns'] > 0
    assert 'refcount@plain T=2: wrong result (1 of 1): ' in result.err, result.err


def test_in_process():
    samples = run_json(*PAIR, *SMALL, '--in-process')
    assert [s['outcome'] for s in samples] == ['ok', 'ok']
    assert all(s['in_process'] for s in samples)
    assert samples[0]['peak_rss_bytes'] > 0
    assert samples[1]['peak_rss_bytes'] is None, 'it would be that of both'
    result = gclab('run', '-c', 'refcount', '-c', 'none', *SMALL, '-w', 'gcbench', '--heap',
                   '1M', '--in-process', '--json', '-', status=1)
    samples = lines(result.out)
    assert 'out of memory' == samples[-1]['outcome'], samples
    assert 'rings:count=2000' in result.err and 'out of memory (1 of 1)' in result.err


def test_snapshot_of_the_environment():
    if 'snapshot' not in names('workloads'):
        gclab('run', env={'GCLAB_SNAPSHOT': '/nonexistent/a:b'}, status=2)
    else:
        result = gclab('run', env={'GCLAB_SNAPSHOT': '/nonexistent/a:b'}, status=3)
        assert '/nonexistent/a:b' in result.err, result.err


# --- operations ---------------------------------------------------------------------------

COUNT = ['--count-ops', '-w', 'rings:k=2:count=3']

# Three rings of two nodes, kept in a window of 1000, and walked. Each ring: two nodes, of
# which one is copied to a second local; four first stores; two moves; given to the window;
# loaded from it, and walked in two loads.
RINGS = {'objects': 1 + 3 * 2, 'frames_entered': 1 + 3 * 2, 'frames_left': 1 + 3 * 2,
         'frame_locals': 2 + 3 * (3 + 1), 'sets': 3, 'stores_new': 3 * 4, 'moves': 3 * 2,
         'gives': 3, 'elided': 3 * (2 + 1), 'loads': 1000 + 3 * 2,
         'slow_allocations': 2}              # the window, and the first node
REFERENCES = {'local_taken': 3 * (1 + 1 + 2), 'local_dropped': 3 * (2 + 1 + 2) + 1,
              'slot_taken': 3 * 4}


def counted(sample):
    """What occurred, and how often."""
    return {name: count for name, count in sample['operations'].items() if count > 0}


def test_count_ops():
    samples = run_json(*COUNT, '-c', 'none', '-c', 'refcount', '-c', 'refcount@atomic')
    assert len(samples) == 3, 'one process'
    for sample, cost in zip(samples, ('uncounted', 'plain', 'atomic')):
        expected = dict(RINGS)
        expected.update((f'{name}_{cost}', count) for name, count in REFERENCES.items())
        if cost != 'uncounted':
            expected['slow_drops'] = 1       # the window
        assert counted(sample) == expected, (cost, counted(sample))
        assert sample['count_ops'] is True and sample['ops'] == 6


def test_count_ops_times_nothing():
    collector = 'generational:threshold0=1'  # so that it does collect
    sample = run_json(*COUNT, '-c', collector)[0]
    for key in ('wall_ns', 'cpu_ns', 'mutator_cpu_ns', 'collector_cpu_ns'):
        assert sample[key] is None, key
    for stall in sample['stalls'].values():
        assert stall['count'] is not None
        assert all(value is None for key, value in stall.items() if key.endswith('_ns'))
    assert sample['counters']['stop_wait_ns'] is None
    assert sample['counters']['stops'] > 0 and sample['peak_heap_bytes'] > 0
    timed = run_json('-w', 'rings:k=2:count=3', '-n', '1', '-c', collector)[0]
    assert timed['operations'] is None and timed['count_ops'] is False
    assert timed['wall_ns'] > 0 and timed['counters']['stop_wait_ns'] is not None
    assert set(timed) == set(sample) and timed['checksum'] == sample['checksum']


def test_count_ops_is_explained():
    """Each operation stands in bench/README.md; those on references with what they cost."""
    with open(os.path.join(SOURCE, 'bench', 'README.md'), encoding='utf-8') as file:
        text = file.read()
    for name in run_json(*COUNT, '-c', 'none')[0]['operations']:
        reference = re.fullmatch('((?:local|slot)_(?:taken|dropped))_([a-z]+)', name)
        for word in (f'{reference[1]}_COST', reference[2]) if reference else (name,):
            assert f'`{word}`' in text, word


def test_count_ops_repeats():
    def graph(*more):
        return [counted(s) for s in run_json(
            '--count-ops', '-w', 'graph:nodes=300:count=8000', '-c', 'refcount@atomic', *more)]
    first, again = graph('-n', '2')
    assert first == again == graph('--in-process')[0] and first['loads_shared'] > 8000
    assert first != graph('--seed', '2')[0]


def test_count_ops_of_every_workload():
    snapshot = os.path.join(SOURCE, 'tests', 'data', 'cpython_small.gcs')
    for name in names('workloads'):
        spec = {'snapshot': f'snapshot:file={snapshot}', 'gcbench': 'gcbench:depth=8:array=1000',
                'binary_trees': 'binary_trees:depth=8', 'rings': 'rings:count=2000',
                'cascade': 'cascade:n=20000:count=2', 'graph': 'graph:nodes=300:count=8000',
                'cache': 'cache:entries=200:count=2000', 'contend': 'contend:count=8000',
                'random_graph': 'random_graph:nodes=300:count=2000',
                'live_heap': 'live_heap:nodes=5000:k=10:collections=3'}.get(name, name)
        for sample in run_json('--count-ops', '-w', spec, '-c', 'none', '-c', 'refcount@atomic',
                               '-t', '1,2'):
            assert sample['outcome'] == 'ok', sample['message']
            # all that live_heap does is done before the clock starts
            assert (counted(sample) != {}) == (name != 'live_heap'), (name, counted(sample))


def test_count_ops_table():
    text = gclab('run', *COUNT, '-c', 'none', '-c', 'refcount', '-c', 'refcount@atomic',
                 '-t', '1,2,3,4').out
    assert max(map(len, text.splitlines())) <= 140, text
    assert re.search(r'^operation( +T=1){3}( +T=2){3}', text, re.MULTILINE), text
    assert re.search(r'^local_taken_plain +0 +2\.000 +0', text, re.MULTILINE), text
    assert text.count('\nslow_drops ') == 2, 'two lots, with the same rows: ' + text
    assert 'counted for each of the objects' in text and 'times are not shown' in text
    for part in ('throughput', ' ms', 'stop', 'RSS', 'buffered', 'exchanges'):
        assert part not in text, f'{part}: {text}'
    text = gclab('run', '--count-ops', '-w', 'live_heap:nodes=500:collections=1', '-c',
                 'none').out
    assert 'none occurred' in text, text
    bad = gclab('run', *COUNT, '-c', 'refcount', '-c', 'none', '-n', '1', status=1,
                env=stand_in('refcount crash')).out
    assert 'refcount@plain T=1: crash (1 of 1)' in bad and 'none@bare' in bad, bad


# --- what is printed ----------------------------------------------------------------------

def test_table():
    text = gclab('run', '-c', 'generational:detect=keep:threshold0=2000:threshold1=20:'
                 'threshold2=20:quarter_rule=no', '-c', 'none', *SMALL, '-t', '1,64', '-n', '2').out
    assert max(map(len, text.splitlines())) <= 140, text
    for part in ('throughput', 'CPU ms', 'stop ms', 'other stall ms', 'p50', 'p99', 'max',
                 'heap', 'RSS', 'reclaimed/planted', 'rings:count=2000: throughput in',
                 '2 processes a row, seed 1, heap limit: none'):
        assert part in text, f'{part}: {text}'
    rows = [line for line in text.splitlines() if line.endswith(' 2/2')]
    assert len(rows) == 4 and len(set(map(len, rows))) == 1, text
    assert re.search(r'^none@bare +1 +[\d.]+[kMG]? +[\d.]+%', text, re.MULTILINE), text
    assert '\033' not in text
    assert 'Warning: up to 64 threads on' in text
    level = run_json('-c', 'none', *SMALL)[0]['environment']['check_level']
    assert ('not to be reported' in text) == (level > 0), level


def test_quiet():
    result = gclab('run', '-c', 'none', *SMALL, '--json', '-', '-q')
    assert len(lines(result.out)) == 1 and result.err == ''
    result = gclab('run', '-c', 'none', *SMALL)
    assert result.err == '', 'no progress bar where there is no terminal'


def test_terminal():
    plain = {'NO_COLOR': ''}
    text = on_terminal('run', '-c', 'none', *SMALL, env=plain)
    assert '\033[1m' in text and re.search(r'\[\.+\] 0/1 .* none@bare  t=1', text), text
    text = on_terminal('run', '-c', 'none', *SMALL, env={'NO_COLOR': '1'})
    assert '\033[1m' not in text and '] 0/1' in text, text
    text = on_terminal('run', '-c', 'none', *SMALL, '--quiet', env=plain)
    assert '\033[1m' in text and '] 0/1' not in text, text


def main():
    global GCLAB, SCRATCH
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    GCLAB = os.path.abspath(sys.argv[1])
    os.environ.pop('GCLAB_SNAPSHOT', None)
    os.environ.pop('GCLAB_DATA', None)
    wanted = sys.argv[2:]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as SCRATCH:
        for name, function in list(globals().items()):
            if not name.startswith('test_') or (wanted and name not in wanted):
                continue
            try:
                function()
                passed += 1
            except Exception:            # whatever it is, the test has failed
                failed += 1
                print(f'FAILED {name}\n{traceback.format_exc()}', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed > 0 or passed == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
