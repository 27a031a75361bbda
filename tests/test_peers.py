# SPDX-License-Identifier: MIT
"""Tests of the peers, that they do the work of gclab's workloads, and of bench/peers/compare, on
small cells: what it prints, writes and exits with.

    python3 tests/test_peers.py PATH-OF-GCLAB

gclab must be a release build; the peers are looked for in the folder peers/ beside it.
Speaks TAP; the exit status is 1 if a test failed. Those that need a peer which could not be
built are skipped.
"""
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMPARE = os.path.join(SOURCE, 'bench', 'peers', 'compare.py')
MEMBERS = ['workload', 'threads', 'subject', 'peer', 'metric', 'ratio', 'low', 'high', 'value',
           'peer_value', 'bound', 'met', 'problem']

# Peers that are left out where they could not be built: as they are called, and what the names
# of their programs end with.
MORE_PEERS = {'C++ shared_ptr': 'shared_ptr', 'Nim ORC': 'nim_orc'}
NEEDED = ('mimalloc', 'bdwgc')
LEAVES_OUT = {'shared_ptr': ('rings', 'cache'), 'nim_orc': ('graph', 'cache')}  # workloads

# A small amount of each workload.
WORK = {'binary_trees': ['depth=8'], 'gcbench': ['depth=8', 'array=1000'],
        'rings': ['k=5', 'count=1000', 'window=100'],
        'graph': ['nodes=500', 'count=20000', 'replace=20'],
        'cache': ['entries=300', 'count=20000', 'tree=9', 'keys=uniform', 'hit=60', 'rate=0',
                  'arrivals=constant']}
OPEN_CACHE = ['entries=300', 'count=2000', 'tree=9', 'keys=zipf', 'hit=60', 'rate=100000',
              'arrivals=poisson']

# Stands in for gclab: the real one's answers, with something changed.
STAND_IN = '''#!/usr/bin/env python3
import re, subprocess, sys
done = subprocess.run([GCLAB, *sys.argv[1:]], capture_output=True, text=True)
sys.stderr.write(done.stderr)
sys.stdout.write(re.sub(PATTERN, REPLACEMENT, done.stdout))
sys.exit(done.returncode)
'''


def compare(gclab, *arguments, peers=None, only='binary_trees'):
    """(exit status, JSON lines, stderr) of a round on small heaps."""
    command = [sys.executable, COMPARE, '--gclab', gclab, '--quick', '--rounds', '1', '--force',
               '--only', only, '--json', *arguments]
    if peers:
        command += ['--peers', peers]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.stdout == '' or done.stdout.endswith('\n'), done.stdout[-80:]
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def figures_are_sound(gclab):
    status, lines, err = compare(gclab, '--threads', '1')
    assert lines, err
    for line in lines:
        assert list(line) == MEMBERS, line
        assert line['threads'] == 1 and line['workload'].startswith('binary_trees:'), line
        assert line['metric'] in ('time, ns an operation', 'RSS, MB'), line
        if line['problem'] is None:
            assert 0 < line['low'] <= line['ratio'] <= line['high'], line
            assert line['value'] > 0 and line['peer_value'] > 0, line
            assert line['met'] == (None if line['bound'] is None else
                                   line['ratio'] <= line['bound']), line
        else:
            assert line['ratio'] is None and line['met'] is None, line
    assert status == any(line['problem'] is not None for line in lines), (status, err)
    measured = {(line['subject'], line['peer'].split(',')[0], line['metric'][:4])
                for line in lines if line['problem'] is None}
    for peer in ('C', 'bdwgc', *(name for name, heap in MORE_PEERS.items()
                                 if is_built(gclab, 'binary_trees', heap))):
        assert ('refcount@plain', peer, 'time') in measured, err
        assert peer == 'C' or (f'{peer}, 1 marker' if peer == 'bdwgc' else peer, 'C',
                               'time') in measured, err
    assert ('refcount@plain', 'C', 'RSS,') in measured, err


def is_built(gclab, workload, heap):
    return os.path.exists(os.path.join(os.path.dirname(gclab), 'peers',
                                       f'native-{workload}-{heap}'))


def native(gclab, workload, heap, *arguments):
    """What the program of a peer says; only its exit status where that is not 0."""
    program = os.path.join(os.path.dirname(gclab), 'peers', f'native-{workload}-{heap}')
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    if done.returncode != 0:
        assert done.stdout == '' and done.stderr, (program, arguments, done)
        return done.returncode
    return json.loads(done.stdout)


def does_the_work_of_gclab(gclab, heap):
    for workload, numbers in WORK.items():
        if workload in LEAVES_OUT.get(heap, ()):
            continue
        for threads in (1, 3):
            spec = ':'.join([workload, *numbers])
            done = subprocess.run(
                [gclab, 'run', '-c', 'refcount@atomic', '-w', spec, '-t', str(threads), '-n', '1',
                 '--seed', '7', '--json', '-', '-q'], capture_output=True, text=True, timeout=60,
                check=True)
            ours = json.loads(done.stdout)
            theirs = native(gclab, workload, heap, f'threads={threads}', 'seed=7', *numbers)
            assert theirs['ops'] == ours['ops'] > 0, (spec, theirs, ours['ops'])
            assert theirs['workload'] == workload and theirs['threads'] == threads, theirs
            assert theirs['wall_ns'] > 0 and theirs['peak_rss_bytes'] > 0, theirs
            assert (theirs['latency'] is None) == (workload != 'cache'), theirs
            if workload != 'graph' or threads == 1:
                assert theirs['checksum'] == ours['checksum'], (spec, theirs, ours['checksum'])


def times_requests(gclab):
    for heap in NEEDED:
        latency = native(gclab, 'cache', heap, 'threads=2', 'seed=1', *WORK['cache'])['latency']
        assert latency['count'] == 20000, latency
        assert (0 < latency['p50_ns'] <= latency['p99_ns'] <= latency['p999_ns'] <=
                latency['max_ns']), latency
        shown = native(gclab, 'cache', heap, 'threads=2', 'seed=1', *OPEN_CACHE)
        # 1000 requests of each thread, 10 us apart on average; too few for the last 0.1 %.
        assert shown['wall_ns'] > 5e6, shown
        assert shown['latency']['p999_ns'] is None and shown['latency']['p99_ns'], shown
        for bad in ('keys=none_such', 'keys=', 'keys=zip', 'keys=1', 'keys=zipf|uniform'):
            arguments = [bad if a.startswith('keys') else a for a in OPEN_CACHE]
            assert native(gclab, 'cache', heap, 'threads=1', 'seed=1', *arguments) == 2, bad


def shows_latencies(gclab):
    status, lines, err = compare(gclab, '--subject', 'refcount@atomic', '--threads', '2',
                                 only='cache')
    assert status == 0, (status, err)
    shown = {line['metric']: line for line in lines if line['subject'] == 'refcount@atomic' and
             line['peer'] == 'C, mimalloc' and 'rate=0' not in line['workload']}
    for metric in ('latency p99.9, us', 'latency p99, us', 'latency p50, us',
                   'latency, longest, us'):
        assert shown[metric]['value'] > 0 and shown[metric]['ratio'] > 0, shown
    assert shown['latency p50, us']['value'] <= shown['latency p99.9, us']['value'], shown


def knows_its_numbers(gclab, heap):
    good = ['threads=1', 'seed=1', 'depth=4', 'array=10']
    assert native(gclab, 'gcbench', heap, *good)['threads'] == 1
    for bad in (good[:3], [*good, 'depth=4'], [*good[:3], 'depth=4'], [*good[:3], 'array='],
                [*good[:3], 'array=-1'], [*good[:3], 'array=1x'], [*good[:3], 'colour=1'],
                ['threads=0', *good[1:]], ['threads=1025', *good[1:]]):
        assert native(gclab, 'gcbench', heap, *bad) == 2, bad


def goes_on_without_other_languages(gclab):
    with tempfile.TemporaryDirectory() as folder:
        for workload in WORK:
            for heap in NEEDED:
                name = f'native-{workload}-{heap}'
                os.symlink(os.path.join(os.path.dirname(gclab), 'peers', name),
                           os.path.join(folder, name))
        status, lines, err = compare(gclab, '--threads', '1', '--subject', '@plain', peers=folder)
    assert status == 0 and lines, (status, err)
    assert {line['peer'].split(',')[0] for line in lines} == {'C', 'bdwgc'}, lines
    for peer in MORE_PEERS:
        assert err.count(f'{peer}: left out, as it is not built') == 1, err


def measures_chosen_subjects(gclab):
    status, lines, err = compare(gclab, '--subject', 'refcount@atomic')
    assert status == 0, (status, err)
    assert {line['subject'] for line in lines if '@' in line['subject']} == {'refcount@atomic'}
    assert {line['threads'] for line in lines} == {1, 2}, lines
    assert compare(gclab, '--subject', 'none_such')[0] == 2


def limits_the_heap(gclab):
    status, lines, err = compare(gclab, '--threads', '1', '--subject', 'mark_sweep')
    assert status == 0, (status, err)
    bounded = [line for line in lines if line['subject'] == 'mark_sweep, heap=3x' and
               line['bound'] is not None]
    assert [line['peer'] for line in bounded] == ['C, mimalloc'], lines


def stand_in(folder, gclab, pattern, replacement):
    path = os.path.join(folder, 'gclab')
    with open(path, 'w', encoding='utf-8') as file:
        text = STAND_IN.replace('GCLAB', repr(gclab)).replace('PATTERN', repr(pattern))
        file.write(text.replace('REPLACEMENT', repr(replacement)))
    os.chmod(path, 0o755)
    return path, os.path.join(os.path.dirname(gclab), 'peers')


def refuses_other_work(gclab):
    with tempfile.TemporaryDirectory() as folder:
        false, peers = stand_in(folder, gclab, r'"checksum":"....', '"checksum":"beef')
        status, lines, err = compare(false, '--threads', '1', peers=peers)
    assert status == 1, (status, err)
    for line in lines:
        if '@' in line['subject']:
            assert line['ratio'] is None and line['problem'], line
    assert 'other work' in err, err


def refuses_a_build_that_checks(gclab):
    with tempfile.TemporaryDirectory() as folder:
        false, peers = stand_in(folder, gclab, r'"check_level":0', '"check_level":1')
        status, lines, err = compare(false, '--threads', '1', peers=peers)
    assert status == 4 and not lines and 'not a release build' in err, (status, err)


def refuses_other_compilers(gclab):
    with tempfile.TemporaryDirectory() as folder:
        false, peers = stand_in(folder, gclab, r'"compiler":"[^"]*"', '"compiler":"cc 1"')
        status, lines, err = compare(false, '--threads', '1', peers=peers)
    assert status == 4 and not lines and 'built with cc 1' in err, (status, err)


def says_what_is_missing(gclab):
    with tempfile.TemporaryDirectory() as folder:
        false, peers = stand_in(folder, gclab, '', '')
        with open(false, encoding='utf-8') as file:
            text = file.read()
        with open(false, 'w', encoding='utf-8') as file:
            file.write(text.replace('done =', "sys.argv = [a.replace('@plain', '@none_such') "
                                    'for a in sys.argv]\ndone =', 1))
        status, lines, err = compare(false, '--threads', '1', peers=peers)
    plain = [line for line in lines if '@plain' in line['subject']]
    assert status == 1 and plain, (status, err)
    assert all('not in this build' in line['problem'] for line in plain), plain
    assert err.count('refcount@plain') == 1, err    # one sentence, and no row of the table


def knows_its_options(gclab):
    assert compare(gclab, '--threads', '0')[0] == 2
    assert compare(gclab, '--threads', '1000')[0] == 2
    assert compare(gclab, only='none_such')[0] == 2
    assert compare(os.path.join(SOURCE, 'none_such'))[0] == 4
    assert compare(gclab, peers=SOURCE)[0] == 4


def compares_a_plugin_with_the_tree(gclab):
    build = os.path.dirname(os.path.dirname(gclab))
    done = subprocess.run(
        [os.path.join(SOURCE, 'bench', 'peers', 'plugin_compare'), '--build', build, '--quick',
         '--rounds', '1', '--only', 'rings', '--force', '--json'],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout)
    assert (line['workload'], line['subject'], line['bound']) == ('rings', 'plugin', 1.05), line
    assert line['value'] > 0 and line['met'] == (line['ratio'] <= 1.05), line


PEER_TESTS = [does_the_work_of_gclab, knows_its_numbers]
TESTS = [times_requests, figures_are_sound, shows_latencies, goes_on_without_other_languages,
         measures_chosen_subjects, limits_the_heap, refuses_other_work,
         refuses_a_build_that_checks, refuses_other_compilers, says_what_is_missing,
         knows_its_options, compares_a_plugin_with_the_tree]


def main(gclab):
    gclab = os.path.abspath(gclab)
    plan = [(f'{test.__name__} ({heap})', test, (heap,), (heap,))
            for heap in (*NEEDED, *MORE_PEERS.values()) for test in PEER_TESTS]
    plan += [(test.__name__, test, (), NEEDED) for test in TESTS]
    print(f'1..{len(plan)}')
    failed = 0
    for n, (name, test, arguments, needs) in enumerate(plan, 1):
        absent = [heap for heap in needs if not is_built(gclab, 'gcbench', heap)]
        if absent:
            print(f'ok {n} - {name} # SKIP not built: {", ".join(absent)}')
            continue
        try:
            test(gclab, *arguments)
        except (AssertionError, ValueError, subprocess.SubprocessError) as error:
            failed += 1
            print(f'not ok {n} - {name}')
            print('\n'.join('# ' + line for line in str(error).splitlines()))
        else:
            print(f'ok {n} - {name}')
    return int(failed > 0)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
