#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the stall log costs: instructions with it against without, at most 1 % more.

    stall_log.py [--tap] [--jobs N]      builds both in build-stalls-in/ and -out/
    stall_log.py --self-test [--tap]     whether it would see what it looks for

Runs three workloads under callgrind in a release build with the log and in one without
(-DGC_STALLS=0): what is counted is what the workload's thread does, collections included,
and not the report at the end. And it compares the machine code of all fast paths (codegen_probe.c): it must
be the same. Exit status: 0 all well, 1 it costs more, 4 the environment.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import codegen    # noqa: E402

ROOT = codegen.ROOT
PROBE = os.path.join(ROOT, 'tests', 'codegen_probe.c')
LIMIT = 1.0    # percent

# Small, but each with many stalls: about one for every 700 objects.
WORKLOADS = ('gcbench:depth=12', 'binary_trees:depth=12', 'rings:count=30000')
COLLECTOR = 'generational'
PROTOCOLS = ('plain', 'atomic')    # as far as they are there

# Runs the workload, on its own thread (core/harness.c): instructions are counted within it.
MEASURED = 'do_share'

# Under valgrind a clock reading is a system call, so the instructions of the vDSO are not in
# callgrind's count, which the limit is for. What they may add, at so many each, is shown.
READING = 50


class Failed(Exception):
    pass


def output_of(command, **more):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              **more)
    except OSError as error:
        raise Failed('%s: %s' % (command[0], error.strerror)) from None
    if done.returncode != 0:
        raise Failed('%s ended with status %d:\n%s' % (
            ' '.join(command), done.returncode, '\n'.join(done.stdout.splitlines()[-20:])))
    return done.stdout


def build(stalls, jobs):
    """The path of a gclab with or without the log."""
    folder = os.path.join(ROOT, 'build-stalls-' + ('in' if stalls else 'out'))
    if not os.path.exists(os.path.join(folder, 'build.ninja')):
        output_of(['meson', 'setup', folder, ROOT, '-Dc_args=-DGC_STALLS=%d' % stalls])
    output_of(['ninja', '-C', folder, *(['-j%d' % jobs] if jobs else []), 'bench/gclab'])
    return os.path.join(folder, 'bench', 'gclab')


def calls_of(lines, function):
    """How often a function is called, by a profile of callgrind. A name is written out once,
    and is a number from then on."""
    names, calls, called = {}, 0, None
    for line in lines:
        match = re.match(r'c?fn=(\(\d+\))(?: (.*))?', line)
        if match:
            if match.group(2):
                names[match.group(1)] = match.group(2)
            if line.startswith('cfn='):
                called = names[match.group(1)]
        elif line.startswith('calls=') and called == function:
            calls += int(line[6:].split()[0])
    return calls


def count(gclab, collector, workload):
    """(instructions, clock readings, stalls or None) of a run."""
    with tempfile.TemporaryDirectory() as folder:
        profile, samples = os.path.join(folder, 'profile'), os.path.join(folder, 'samples')
        output_of(['valgrind', '--tool=callgrind', '--callgrind-out-file=' + profile, '-q',
                   '--toggle-collect=' + MEASURED, gclab, 'run', '--in-process', '-q', '-c', collector, '-w', workload, '-t', '1', '-n', '1',
                   '--json', samples])
        with open(profile, encoding='utf-8') as lines:
            lines = lines.read().splitlines()
        with open(samples, encoding='utf-8') as sample:
            sample = json.loads(sample.readline())
    if sample['outcome'] != 'ok':
        raise Failed('%s on %s: %s' % (collector, workload, sample['outcome']))
    totals = [int(line.split()[1]) for line in lines if line.startswith(('summary:', 'totals:'))]
    if not totals or max(totals) < 1000000:
        raise Failed('callgrind has counted nothing')
    stalls = sample['stalls'] and sum(s['count'] for s in sample['stalls'].values())
    return max(totals), calls_of(lines, 'gc_os_now_ns'), stalls


def cost(with_log, without):
    """Percent of instructions that the log adds, by callgrind's count."""
    return 100.0 * (with_log[0] - without[0]) / without[0]


def cost_of_clock(with_log, without):
    """Percent that its clock readings may add to that."""
    return 100.0 * READING * (with_log[1] - without[1]) / without[0]


def judge(with_log, without):
    """What is wrong with two counts, as a list."""
    wrong = []
    if not with_log[2]:
        wrong.append('no stall was logged: nothing has been compared')
    if without[2] is not None:
        wrong.append('the build without the log has one')
    if cost(with_log, without) > LIMIT:
        wrong.append('%.2f %% more instructions; the limit is %g' % (cost(with_log, without), LIMIT))
    return wrong


def fast_paths(compiler, protocol, options):
    """{function: its machine code as text}"""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, 'probe.o')
        flags, codegen.FLAGS = codegen.FLAGS, [*codegen.FLAGS, *options]
        try:
            codegen.compile_probe(compiler, protocol, PROBE, target)
        except subprocess.CalledProcessError as error:
            raise Failed(error.output.decode(errors='replace')) from None
        finally:
            codegen.FLAGS = flags
        return {name: [i[1:] for i in code] for name, code in codegen.disassemble(target).items()}


def differing(one, other):
    return ['%s differs' % name for name in sorted(set(one) | set(other))
            if one.get(name) != other.get(name)]


class Report:
    def __init__(self, tap):
        self.tap, self.passed, self.failed = tap, 0, 0

    def __call__(self, name, wrong):
        if wrong:
            self.failed += 1
        else:
            self.passed += 1
        print('%s %d - %s' % ('not ok' if wrong else 'ok', self.passed + self.failed, name))
        for line in wrong:
            print('#   ' + line)

    def close(self):
        if self.tap:
            print('1..%d' % (self.passed + self.failed))
        else:
            print('%d passed, %d failed' % (self.passed, self.failed))
        return 1 if self.failed else 0


def self_test(report):
    base = (1000000, 10, None)
    for name, with_log, is_wrong in (
            ('0.9 % is good', (1009000, 10, 5), False),
            ('1.1 % is too much', (1011000, 10, 5), True),
            ('a run without stalls says nothing', (1000000, 10, 0), True)):
        report(name, [] if bool(judge(with_log, base)) == is_wrong else [judge(with_log, base)])
    report('a log where there should be none is seen',
           [] if judge((1000000, 10, 5), (1000000, 10, 5)) else ['not seen'])
    lines = ['fn=(1) main', 'cfn=(2) gc_os_now_ns', 'calls=3 0', '1 5', 'cfn=(3) other', 'calls=9 0',
             'fn=(3)', 'cfn=(2)', 'calls=4 0']
    report('calls are counted', [] if calls_of(lines, 'gc_os_now_ns') == 7 else ['not 7'])
    for compiler in codegen.available():
        same = fast_paths(compiler, 'plain', [])
        report('%s: a changed fast path is seen' % compiler,
               [] if differing(same, fast_paths(compiler, 'plain', ['-O1']))
               else ['not seen'])


def measure(report, jobs):
    for protocol in codegen.protocols():
        for compiler in codegen.available():
            report('%s %s: the same fast paths with the log and without' % (protocol, compiler),
                   differing(fast_paths(compiler, protocol, ['-DGC_STALLS=1']),
                             fast_paths(compiler, protocol, ['-DGC_STALLS=0'])))
    with_log, without = build(1, jobs), build(0, jobs)
    for protocol in PROTOCOLS:
        if protocol not in codegen.protocols():
            continue
        collector = '%s@%s' % (COLLECTOR, protocol)
        for workload in WORKLOADS:
            a, b = count(with_log, collector, workload), count(without, collector, workload)
            wrong = judge(a, b)
            report('%s on %s: %.2f %% more instructions (and %.2f in the clock); %d of them, %d stalls' % (
                collector, workload, cost(a, b), cost_of_clock(a, b), a[0] - b[0], a[2] or 0), wrong)


def main():
    parser = argparse.ArgumentParser(description='What the stall log costs in instructions.')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    parser.add_argument('--self-test', action='store_true', help='check the check')
    parser.add_argument('--jobs', type=int, help='of ninja')
    arguments = parser.parse_args()
    if os.uname().machine != 'x86_64':
        print('1..0 # SKIP written for x86-64')
        return 0
    report = Report(arguments.tap)
    try:
        if not arguments.self_test and not shutil.which('valgrind'):
            raise Failed('valgrind is not installed')
        if arguments.self_test:
            self_test(report)
        else:
            measure(report, arguments.jobs)
    except Failed as error:
        print('Bail out! %s' % error)
        return 4
    return report.close()


if __name__ == '__main__':
    sys.exit(main())
