# SPDX-License-Identifier: MIT
"""Compares gclab with the same work in C: freed by hand, on mimalloc, and on bdwgc.

    compare [--quick] [--rounds N] [--only WORKLOAD] [--threads T] [--json [FILE]] [--check]

The script `compare` installs and builds what is needed, and then runs this. README.md
beside it says what is measured, and how a line is to be read.
"""
import argparse
import json
import os
import statistics
import sys

import compare_common as common
from compare_common import EXIT_ENVIRONMENT, EXIT_NOT_MET, Gclab, NotMeasured, output_of

C, BDWGC = 'C, mimalloc', 'bdwgc'
SEED = 1                # gclab's own
ROUNDS, QUICK_ROUNDS = 21, 5

PLAIN, ATOMIC = 'refcount@plain', 'refcount@atomic'


def keep(protocol, threshold):
    return f'generational@{protocol}:detect=keep:threshold0={threshold}'


# Workload, its size, the size of --quick.
SIZES = {
    'gcbench': ({'depth': 16, 'array': 500000}, {'depth': 12, 'array': 50000}),
    'binary_trees': ({'depth': 16}, {'depth': 12}),
    'rings k=8': ({'k': 8, 'count': 1000000, 'window': 1000},
                  {'k': 8, 'count': 50000, 'window': 1000}),
    'rings k=64': ({'k': 64, 'count': 125000, 'window': 1000},
                   {'k': 64, 'count': 6250, 'window': 1000}),
    'graph': ({'nodes': 200000, 'count': 2000000, 'replace': 10},
              {'nodes': 20000, 'count': 200000, 'replace': 10}),
}

# Workload, threads, and gclab's subjects with the bounds on the ratio of their time to a
# peer's.
CELLS = (
    ('gcbench', 1, {PLAIN: {C: 1.3}, ATOMIC: {C: 1.4},
                    keep('plain', 50000): {BDWGC: 0.95}}),
    ('gcbench', 2, {ATOMIC: {C: 1.7}, keep('atomic', 50000): {}}),
    ('binary_trees', 1, {PLAIN: {C: 1.5}, ATOMIC: {C: 1.75},
                         keep('plain', 50000): {BDWGC: 0.95}}),
    ('binary_trees', 2, {ATOMIC: {C: 2.1}, keep('atomic', 50000): {}}),
    ('rings k=8', 1, {keep('plain', 100000): {C: 4.2}, keep('atomic', 100000): {}}),
    ('rings k=8', 2, {keep('atomic', 100000): {}}),
    ('rings k=64', 1, {keep('plain', 100000): {}}),
    ('graph', 1, {PLAIN: {}, ATOMIC: {}, keep('plain', 50000): {},
                  keep('atomic', 50000): {}}),
    ('graph', 2, {ATOMIC: {}, keep('atomic', 50000): {}}),
)


class Native:
    """One run of a peer: a fresh process."""

    def __init__(self, folder, heap, workload, numbers, threads, markers=None):
        self.command = [os.path.join(folder, f'native-{workload}-{heap}'),
                        f'threads={threads}', f'seed={SEED}',
                        *(f'{name}={value}' for name, value in numbers.items())]
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(('GC_', 'MIMALLOC_'))}
        if markers is not None:
            self.environment['GC_MARKERS'] = str(markers)

    def measure(self):
        status, out, err = output_of(self.command, self.environment)
        if status != 0:
            raise NotMeasured(f'{" ".join(self.command)}: ended with {status}: {err}',
                              EXIT_ENVIRONMENT)
        result = json.loads(out)
        return {'objects': result['ops'], 'checksum': result['checksum'],
                'wall_ns': result['wall_ns'] / result['ops'],
                'rss_bytes': result['peak_rss_bytes'], 'compiler': result['compiler'],
                'heap': f'{result["heap"]} {result["version"]}'}


class Missing:
    """A subject that this gclab does not have."""

    def __init__(self, problem):
        self.problem = problem

    def measure(self):
        raise NotMeasured(self.problem, EXIT_NOT_MET)


def probe(gclab, collector):
    """Why this gclab does not know the collector with its protocol and options, or None."""
    status, _, err = output_of([gclab, 'run', '-c', collector, '-w', 'rings:count=1', '-t', '1',
                                '-n', '1', '--quiet'])
    return f'{collector}: not in this build: {err}' if status == 2 else None


class Cell:
    """A workload on so many threads: all that runs it, by name, and what came out. What
    gives no figure once is left out from then on, and `problems` says why."""

    def __init__(self, workload, threads, bounds, options, missing):
        numbers = SIZES[workload][options.quick]
        program = workload.split()[0]
        spec = ':'.join([program, *(f'{name}={value}' for name, value in numbers.items())])
        self.name, self.workload, self.threads = spec, spec, threads
        self.bounds, self.program = bounds, program
        self.runs = {C: Native(options.peers, 'mimalloc', program, numbers, threads)}
        for markers in sorted({1, len(os.sched_getaffinity(0))}):
            self.runs[BDWGC, markers] = Native(options.peers, 'bdwgc', program, numbers,
                                               threads, markers)
        for subject in bounds:
            self.runs[subject] = (Missing(missing[subject]) if missing[subject] else
                                  Gclab(options.gclab, subject, spec, threads))
        self.figures = {label: [] for label in self.runs}
        self.problems = {}

    def play(self, backwards):
        order = [label for label in self.runs if label not in self.problems]
        measured = {}
        for label in reversed(order) if backwards else order:
            try:
                measured[label] = self.runs[label].measure()
            except NotMeasured as error:
                if error.status != EXIT_NOT_MET:
                    raise
                self.problems[label] = str(error)
        for label, figure in measured.items():
            self.compare_work(label, figure, measured[C])
            self.figures[label].append(figure)

    def compare_work(self, label, figure, peer):
        """The interleaving of threads decides what `graph` comes to, and nothing else."""
        same = ['objects']
        if self.program != 'graph' or self.threads == 1:
            same.append('checksum')
        for key in same:
            if figure[key] != peer[key]:
                self.problems[label] = (
                    f'{self.workload}, {self.threads} threads: {label} did other work than the '
                    f'peers: its {key} is {figure[key]}, not {peer[key]}')
        if figure['compiler'] != peer['compiler']:
            raise NotMeasured(f'gclab was built with {figure["compiler"]}, the peers with '
                              f'{peer["compiler"]}', EXIT_ENVIRONMENT)

    def values(self, label, metric):
        scale = {'wall_ns': 1, 'rss_bytes': 1e-6}[metric]
        return [figure[metric] * scale for figure in self.figures[label]]

    def better_bdwgc(self):
        """The marker setting with the smaller median of the times."""
        settings = [label for label in self.runs if label[0] == BDWGC]
        return min(settings, key=lambda each: statistics.median(self.values(each, 'wall_ns')))

    def lines(self):
        better = self.better_bdwgc()
        others = [label for label in self.runs if label[0] == BDWGC and label != better]
        for key, metric in (('wall_ns', 'time, ns an operation'), ('rss_bytes', 'RSS, MB')):
            for subject, bounds in self.bounds.items():
                for peer, label in ((C, C), (BDWGC, better)):
                    bound = bounds.get(peer) if key == 'wall_ns' else None
                    yield self.line(key, metric, subject, label, bound)
            for label in [better, *others]:
                yield self.line(key, metric, label, C)

    def line(self, key, metric, subject, peer, bound=None):
        words = [label if isinstance(label, str) else
                 f'{label[0]}, {label[1]} marker{"s"[:label[1] > 1]}'
                 for label in (subject, peer)]
        problem = self.problems.get(subject) or self.problems.get(peer)
        if problem is None:
            made = common.line(self.workload, metric, words[0], self.values(subject, key),
                               words[1], self.values(peer, key), bound, self.threads)
        else:
            made = {'workload': self.workload, 'threads': self.threads, 'subject': words[0],
                    'peer': words[1], 'metric': metric, 'ratio': None, 'low': None,
                    'high': None, 'value': None, 'peer_value': None, 'bound': bound,
                    'met': None}
        return {**made, 'problem': problem}


def make_cells(options):
    chosen = [(workload, threads, bounds) for workload, threads, bounds in CELLS
              if workload.split()[0] in (options.only or PROGRAMS) and
              threads in (options.threads or (threads,))]
    subjects = {subject for _, _, bounds in chosen for subject in bounds}
    missing = {subject: probe(options.gclab, subject) for subject in subjects}
    return [Cell(workload, threads, bounds, options, missing)
            for workload, threads, bounds in chosen]


PROGRAMS = list(dict.fromkeys(workload.split()[0] for workload in SIZES))


def notes(cells, lines):
    """What was compared, what gave no figure, and what became of the bounds."""
    figures = [figures[0] for figures in cells[0].figures.values() if figures]
    versions = dict.fromkeys(each['heap'] for each in figures if 'heap' in each)
    yield f'{figures[0]["compiler"]}, release, for all; {", ".join(versions)}'
    yield from dict.fromkeys(each['problem'] for each in lines if each['problem'])
    bounded = [each for each in lines if each['bound'] is not None]
    counts = {'met': 0, 'NOT MET': 0, 'no claim': 0, 'no figure': 0}
    for each in bounded:
        counts[common.verdict(each)] += 1
    if bounded:
        yield f'of {len(bounded)} bounds: ' + ', '.join(
            f'{count} {word}' for word, count in counts.items() if count)


def parse():
    parser = argparse.ArgumentParser(
        prog='compare', description='Compares gclab with the same work in C: freed by hand, on '
        'mimalloc, and on bdwgc.',
        epilog='Exit status: 0 all was measured, 1 something was not (or, with --check, a bound '
        'is not met), 2 usage, 4 environment.')
    common.add_options(parser, PROGRAMS, ROUNDS, QUICK_ROUNDS)
    parser.add_argument('--threads', action='append', type=common.positive, metavar='T',
                        help='only on so many threads; can be repeated')
    parser.add_argument('--peers', metavar='FOLDER', help='the programs of the peers (default: '
                        'the folder peers/ beside gclab)')
    parser.add_argument('--check', action='store_true',
                        help='a bound that is not met makes the exit status 1')
    options = parser.parse_args()
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return options


def run():
    options = parse()
    common.check_options(options)
    if options.peers is None:
        options.peers = os.path.join(os.path.dirname(options.gclab), 'peers')
    if not os.path.isfile(os.path.join(options.peers, 'native-gcbench-bdwgc')):
        raise NotMeasured(f'{options.peers}: the peers are not built', EXIT_ENVIRONMENT)
    cells = make_cells(options)
    if not cells:
        print('compare: nothing runs on so many threads', file=sys.stderr)
        return 2
    lines = common.compare(options, cells,
                           lambda: [each for cell in cells for each in cell.lines()],
                           lambda lines: notes(cells, lines))
    if any(each['problem'] for each in lines):
        return EXIT_NOT_MET
    return EXIT_NOT_MET if options.check and any(e['met'] is False for e in lines) else 0


if __name__ == '__main__':
    sys.exit(common.main('compare', run))
