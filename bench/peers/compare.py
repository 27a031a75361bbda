# SPDX-License-Identifier: MIT
"""Compares gclab with the same work in C (freed by hand on mimalloc, and on bdwgc), with
shared_ptr and in Nim.

    compare [--quick] [--rounds N] [--only WORKLOAD] [--subject TEXT] [--threads T]
            [--json [FILE]] [--check]

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

SEED = 1                # gclab's own
ROUNDS, QUICK_ROUNDS = 21, 5

# The peers: what the names of their programs end with, the workloads that they are written
# for, and what has to be installed where they are not built. Every figure is set beside all.
C, BDWGC, SHARED_PTR, NIM = 'C, mimalloc', 'bdwgc', 'C++ shared_ptr', 'Nim ORC'
TREES = ('gcbench', 'binary_trees')
PEERS = {
    C: ('mimalloc', (*TREES, 'rings', 'graph', 'cache'), 'libmimalloc-dev'),
    BDWGC: ('bdwgc', (*TREES, 'rings', 'graph', 'cache'), 'libgc-dev'),
    SHARED_PTR: ('shared_ptr', (*TREES, 'graph'), 'g++ and libmimalloc-dev'),
    NIM: ('nim_orc', (*TREES, 'rings'), 'nim and libmimalloc-dev'),
}
NEEDED = (C, BDWGC)     # the others are left out where they are not built

# Workload, its size, the size of --quick. A cache is asked as soon as it has answered, or, in
# an open loop, `rate` times a second by each thread: that is what latencies are shown of.
CACHE = {'tree': 50, 'keys': 'zipf', 'hit': 80, 'arrivals': 'poisson'}
SIZES = {
    'gcbench': ({'depth': 16, 'array': 500000}, {'depth': 12, 'array': 50000}),
    'binary_trees': ({'depth': 16}, {'depth': 12}),
    'rings k=8': ({'k': 8, 'count': 1000000, 'window': 1000},
                  {'k': 8, 'count': 50000, 'window': 1000}),
    'rings k=64': ({'k': 64, 'count': 125000, 'window': 1000},
                   {'k': 64, 'count': 6250, 'window': 1000}),
    'graph': ({'nodes': 200000, 'count': 2000000, 'replace': 10},
              {'nodes': 20000, 'count': 200000, 'replace': 10}),
    'cache': ({**CACHE, 'entries': 100000, 'count': 200000, 'rate': 0},
              {**CACHE, 'entries': 5000, 'count': 20000, 'rate': 0}),
    'cache, open': ({**CACHE, 'entries': 100000, 'count': 100000, 'rate': 200000},
                    {**CACHE, 'entries': 5000, 'count': 20000, 'rate': 200000}),
}

# What is shown: what a figure calls it, the words for it, the unit's share of that of the
# figure, and whether all peers stand beside it or C alone. Bounds are on the first.
METRICS = (('wall_ns', 'time, ns an operation', 1, True),
           ('rss_bytes', 'RSS, MB', 1e-6, False))
OPEN_METRICS = (('p999_ns', 'latency p99.9, us', 1e-3, True),
                ('max_ns', 'latency, longest, us', 1e-3, False),
                ('p99_ns', 'latency p99, us', 1e-3, False),
                ('p50_ns', 'latency p50, us', 1e-3, False),
                ('rss_bytes', 'RSS, MB', 1e-6, False))


def live_bytes(workload, numbers):
    """What is live at the peak, on one thread: the stretch tree, of cells of a word for the
    count, one for the collector, and the node's own."""
    nodes, bytes_each = {'gcbench': (8 << numbers['depth'], 40),
                         'binary_trees': (4 << numbers['depth'], 32)}[workload]
    return nodes * bytes_each


# gclab's subjects: COLLECTOR[@PROTOCOL][:OPTION=VALUE]..., and then ", heap=Nx": in a heap with
# a limit of N times what is live at the peak.
PLAIN, ATOMIC, BIASED = 'refcount@plain', 'refcount@atomic', 'refcount@biased'
HEAP = ', heap='


def keep(protocol, threshold):
    return f'generational@{protocol}:detect=keep:threshold0={threshold}'


# Every way to collect of which several mutators run at a time, as it comes.
PARALLEL = {subject: {} for subject in (
    ATOMIC, BIASED, 'generational@atomic', 'generational@biased', 'mark_sweep', 'coalescing',
    'on_the_fly')}

# A bound of a subject on this is one on its time, and not on a ratio.
PER_THREAD = 'ns an operation and thread'

# Workload, threads, and the subjects with their bounds: on the ratio of the time to a peer's.
CELLS = (
    ('gcbench', 1, {
        PLAIN: {C: 1.3},
        ATOMIC: {C: 1.4},
        BIASED: {C: 1.5},
        keep('plain', 50000): {BDWGC: 0.95},
        keep('biased', 50000): {BDWGC: 0.95},
        f'mark_sweep{HEAP}3x': {C: 2.5},
        f'coalescing{HEAP}3x': {C: 2.5},
        'on_the_fly': {},
    }),
    ('gcbench', 2, {
        ATOMIC: {C: 1.7},
        BIASED: {C: 1.6},
        keep('atomic', 50000): {},
        keep('biased', 50000): {BDWGC: 0.95},
        'on_the_fly': {},
    }),
    ('binary_trees', 1, {
        PLAIN: {C: 1.5},
        ATOMIC: {C: 1.75},
        BIASED: {C: 1.7},
        keep('plain', 50000): {BDWGC: 0.95},
        keep('biased', 50000): {BDWGC: 0.95},
        f'mark_sweep{HEAP}3x': {C: 2.0},
        f'coalescing{HEAP}3x': {C: 2.0},
        'on_the_fly': {},
    }),
    ('binary_trees', 2, {
        ATOMIC: {C: 2.1},
        BIASED: {C: 1.8},
        keep('atomic', 50000): {},
        keep('biased', 50000): {BDWGC: 0.95},
        'on_the_fly': {},
    }),
    ('rings k=8', 1, {
        keep('plain', 100000): {C: 4.2},
        keep('atomic', 100000): {},
        keep('biased', 100000): {},
    }),
    ('rings k=8', 2, {
        keep('atomic', 100000): {},
        keep('biased', 100000): {},
        'generational@biased': {PER_THREAD: 100},
    }),
    ('rings k=64', 1, {
        keep('plain', 100000): {},
        keep('biased', 100000): {},
    }),
    ('graph', 1, {
        PLAIN: {},
        ATOMIC: {},
        BIASED: {},
        keep('plain', 50000): {},
        keep('atomic', 50000): {},
        'on_the_fly': {},
    }),
    ('graph', 2, {
        ATOMIC: {},
        BIASED: {},
        keep('atomic', 50000): {},
        'on_the_fly': {C: 1.0, BDWGC: 1.0},
    }),
    ('cache', 1, {PLAIN: {}, 'generational@plain': {}, **PARALLEL}),
    ('cache', 2, PARALLEL),
    ('cache, open', 2, PARALLEL),
)


class Native:
    """One run of a peer: a fresh process."""

    def __init__(self, program, numbers, threads, markers=None):
        self.command = [program, f'threads={threads}', f'seed={SEED}',
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
                'heap': f'{result["heap"]} {result["version"]}', **(result['latency'] or {})}


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


def subject_of(gclab, subject, spec, workload, numbers, threads):
    collector, _, factor = subject.partition(HEAP)
    arguments = []
    if factor:
        limit = int(factor[:-1]) * live_bytes(workload, numbers)
        arguments = ['--heap', f'{-(-limit // 1024)}K']
    return Gclab(gclab, collector, spec, threads, *arguments)


def program_in(workload):
    """gclab's workload: SIZES may have several sizes of one."""
    return workload.replace(',', ' ').split()[0]


def program_of(folder, workload, peer):
    return os.path.join(folder, f'native-{workload}-{PEERS[peer][0]}')


class Cell:
    """A workload on so many threads: all that runs it, by name, and what came out. What
    gives no figure once is left out from then on, and `problems` says why."""

    def __init__(self, workload, threads, bounds, options, missing):
        numbers = SIZES[workload][options.quick]
        program = program_in(workload)
        spec = ':'.join([program, *(f'{name}={value}' for name, value in numbers.items())])
        self.name, self.workload, self.threads = spec, spec, threads
        self.bounds, self.program, self.runs = bounds, program, {}
        self.metrics = OPEN_METRICS if numbers.get('rate') else METRICS
        for peer, (_, workloads, _) in PEERS.items():
            path = program_of(options.peers, program, peer)
            if program not in workloads or peer in missing:
                continue
            if peer == BDWGC:
                for markers in sorted({1, len(os.sched_getaffinity(0))}):
                    self.runs[peer, markers] = Native(path, numbers, threads, markers)
            else:
                self.runs[peer] = Native(path, numbers, threads)
        for subject in bounds:
            self.runs[subject] = (
                Missing(missing[subject]) if subject in missing else
                subject_of(options.gclab, subject, spec, program, numbers, threads))
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
            if C in measured:
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
                    f'{self.workload}, {self.threads} threads: {words_of(label)} did other work '
                    f'than the peers: its {key} is {figure[key]}, not {peer[key]}')
        if figure['compiler'] != peer['compiler']:
            raise NotMeasured(f'gclab was built with {figure["compiler"]}, the peers with '
                              f'{peer["compiler"]}', EXIT_ENVIRONMENT)

    def values(self, label, metric):
        return [figure[metric] for figure in self.figures[label]]

    def peers(self):
        """The label of each peer's run: of bdwgc, that with the smaller median."""
        found = {label: label for label in self.runs if label in PEERS}
        settings = [label for label in self.runs if label[0] == BDWGC]
        found[BDWGC] = min(settings, key=lambda each: statistics.median(
            self.values(each, self.metrics[0][0]) or [float('inf')]))
        return {peer: found[peer] for peer in PEERS if peer in found}

    def lines(self):
        peers = self.peers()
        others = [label for label in self.runs
                  if label[0] == BDWGC and label != peers[BDWGC]]
        for i, (key, words, scale, beside_all) in enumerate(self.metrics):
            for subject, bounds in self.bounds.items():
                for peer, label in peers.items():
                    if beside_all or peer == C:
                        bound = bounds.get(peer) if i == 0 else None
                        yield self.line(key, words, scale, subject, label, bound)
            for label in [*peers.values(), *others]:
                if label != C:
                    yield self.line(key, words, scale, label, C)
            for subject, bounds in self.bounds.items():
                if i == 0 and PER_THREAD in bounds:
                    yield self.line(key, f'time, {PER_THREAD}', self.threads, subject, None,
                                    bounds[PER_THREAD])

    def line(self, key, metric, scale, subject, peer, bound=None):
        problem = self.problems.get(subject) or self.problems.get(peer)
        words = [words_of(subject), peer and words_of(peer)]
        if problem is None:
            values = [[value * scale for value in self.values(label, key)]
                      for label in (subject, peer) if label is not None]
            made = common.line(self.workload, metric, words[0], values[0], words[1],
                               values[1] if peer else None, bound, self.threads)
        else:
            made = {'workload': self.workload, 'threads': self.threads, 'subject': words[0],
                    'peer': words[1], 'metric': metric, 'ratio': None, 'low': None,
                    'high': None, 'value': None, 'peer_value': None, 'bound': bound,
                    'met': None}
        return {**made, 'problem': problem}


def words_of(label):
    """A run of bdwgc is named with its markers."""
    if isinstance(label, str):
        return label
    return f'{label[0]}, {label[1]} marker{"s"[:label[1] > 1]}'


def make_cells(options):
    """Those that were asked for; and the names of the peers that are not built."""
    chosen = []
    for workload, threads, bounds in CELLS:
        bounds = {subject: each for subject, each in bounds.items()
                  if any(part in subject for part in options.subject or [''])}
        if (bounds and program_in(workload) in (options.only or PROGRAMS) and
                threads in (options.threads or (threads,))):
            chosen.append((workload, threads, bounds))
    missing = {}
    for subject in dict.fromkeys(subject for _, _, bounds in chosen for subject in bounds):
        problem = probe(options.gclab, subject.partition(HEAP)[0])
        if problem:
            missing[subject] = problem
    absent = [peer for peer, (_, workloads, _) in PEERS.items()
              if not os.path.isfile(program_of(options.peers, workloads[0], peer))]
    for peer in absent:
        if peer in NEEDED:
            raise NotMeasured(f'{options.peers}: the peers are not built (it takes a release '
                              f'build, and {PEERS[peer][2]})', EXIT_ENVIRONMENT)
        missing[peer] = None
    return [Cell(workload, threads, bounds, options, missing)
            for workload, threads, bounds in chosen], absent


PROGRAMS = list(dict.fromkeys(program_in(workload) for workload in SIZES))


def notes(cells, absent, lines):
    """What was compared, what gave no figure, and what became of the bounds."""
    figures = [figures[0] for cell in cells for figures in cell.figures.values() if figures]
    versions = dict.fromkeys(each['heap'] for each in figures if 'heap' in each)
    yield f'{figures[0]["compiler"]}, release, for all; {", ".join(versions)}'
    for peer in absent:
        yield f'{peer}: left out, as it is not built; it takes {PEERS[peer][2]}'
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
        prog='compare', description='Compares gclab with the same work in C (freed by hand on '
        'mimalloc, and on bdwgc), with shared_ptr and in Nim.',
        epilog='Exit status: 0 all was measured, 1 something was not (or, with --check, a bound '
        'is not met), 2 usage, 4 environment.')
    common.add_options(parser, PROGRAMS, ROUNDS, QUICK_ROUNDS)
    parser.add_argument('--threads', action='append', type=common.positive, metavar='T',
                        help='only on so many threads; can be repeated')
    parser.add_argument('--subject', action='append', metavar='TEXT',
                        help='only subjects with this in their names, as biased; can be '
                        'repeated')
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
    cells, absent = make_cells(options)
    if not cells:
        print('compare: there is no such subject on so many threads', file=sys.stderr)
        return 2
    lines = common.compare(options, cells,
                           lambda: [each for cell in cells for each in cell.lines()],
                           lambda lines: notes(cells, absent, lines))
    if any(each['problem'] for each in lines):
        return EXIT_NOT_MET
    return EXIT_NOT_MET if options.check and any(e['met'] is False for e in lines) else 0


if __name__ == '__main__':
    sys.exit(common.main('compare', run))
