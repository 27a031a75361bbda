# SPDX-License-Identifier: MIT
"""Tests of bench/peers/compare, on one small cell: what it prints, writes and exits with.

    python3 tests/test_peers.py PATH-OF-GCLAB

gclab must be a release build; the peers are looked for in the folder peers/ beside it.
Speaks TAP; the exit status is 1 if a test failed. Where the peers could not be built all
tests are skipped.
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

# Stands in for gclab: the real one's answers, with something changed.
STAND_IN = '''#!/usr/bin/env python3
import re, subprocess, sys
done = subprocess.run([GCLAB, *sys.argv[1:]], capture_output=True, text=True)
sys.stderr.write(done.stderr)
sys.stdout.write(re.sub(PATTERN, REPLACEMENT, done.stdout))
sys.exit(done.returncode)
'''


def compare(gclab, *arguments, peers=None):
    """(exit status, JSON lines, stderr) of a run on one thread and small trees."""
    command = [sys.executable, COMPARE, '--gclab', gclab, '--quick', '--rounds', '1', '--force',
               '--only', 'binary_trees', '--json', *arguments]
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
    for peer in ('C', 'bdwgc'):
        for metric in ('time', 'RSS,'):
            assert ('refcount@plain', peer, metric) in measured, err


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


def knows_its_options(gclab):
    assert compare(gclab, '--threads', '0')[0] == 2
    assert compare(gclab, '--threads', '1000')[0] == 2
    assert compare(gclab, '--only', 'none_such')[0] == 2
    assert compare(os.path.join(SOURCE, 'none_such'))[0] == 4
    assert compare(gclab, peers=SOURCE)[0] == 4


TESTS = [figures_are_sound, refuses_other_work, refuses_a_build_that_checks,
         refuses_other_compilers, says_what_is_missing, knows_its_options]


def main(gclab):
    gclab = os.path.abspath(gclab)
    print(f'1..{len(TESTS)}')
    programs = os.path.join(os.path.dirname(gclab), 'peers')
    absent = [heap for heap in ('mimalloc', 'bdwgc')
              if not os.path.exists(os.path.join(programs, f'native-binary_trees-{heap}'))]
    failed = 0
    for n, test in enumerate(TESTS, 1):
        name = test.__name__
        if absent:
            print(f'ok {n} - {name} # SKIP there was no {" and no ".join(absent)} to build with')
            continue
        try:
            test(gclab)
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
