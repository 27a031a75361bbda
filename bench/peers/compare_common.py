# SPDX-License-Identifier: MIT
"""What the comparisons with peers share: how a process is measured, what a line holds, the
table, the state of the machine, and the options on the command line.

A comparison gives play() its groups: objects with a `name` and a method play(backwards),
which runs each of their programs once.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXIT_NOT_MET, EXIT_ENVIRONMENT = 1, 4

TIMEOUT = 300           # seconds for one process
BUSY = 0.2              # processors that others use meanwhile, on average
LOADED = 0.7            # load average before the start that is worth a word


class NotMeasured(Exception):
    """A program's run that gave no figure; and the exit status that follows."""

    def __init__(self, sentence, status):
        super().__init__(sentence)
        self.status = status


def output_of(command, environment=None):
    """(exit status, stdout, stderr), both as text."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False, text=True, errors='replace',
                              env=environment)
    except OSError as error:
        raise NotMeasured(f'{command[0]}: {error.strerror}', EXIT_ENVIRONMENT) from error
    except subprocess.TimeoutExpired as error:
        raise NotMeasured(f'{" ".join(command)}: no end after {TIMEOUT} s',
                          EXIT_NOT_MET) from error
    return done.returncode, done.stdout, done.stderr.strip()


class Gclab:
    """One sample of `gclab run`: a fresh process."""

    def __init__(self, program, collector, workload, threads=1, *arguments):
        self.command = [program, 'run', '-c', collector, '-w', workload, '-t', str(threads),
                        '-n', '1', '--json', '-', '--quiet', *arguments]
        self.what = f'{collector} on {workload}'

    def measure(self):
        """Times are of an operation, as the workload counts them."""
        status, out, err = output_of(self.command)
        if status not in (0, 1) or not out.strip():
            raise NotMeasured(f'{self.what}: gclab ended with {status}: {err}',
                              EXIT_ENVIRONMENT)
        sample = json.loads(out)
        if status != 0 or sample['outcome'] != 'ok':
            raise NotMeasured(f'{self.what}: {sample["outcome"]}: {sample["message"]}',
                              EXIT_NOT_MET)
        environment = sample['environment']
        if environment['check_level'] != 0 or environment['build_type'] != 'release':
            raise NotMeasured('this gclab is not a release build: its figures mean nothing',
                              EXIT_ENVIRONMENT)
        counters, ops = sample['counters'], sample['ops']
        in_collections = (counters['stop_ns'] + sample['stalls']['collection']['total_ns'])
        return {'objects': ops, 'cpu_ns': sample['cpu_ns'],
                'collections_ns': (counters['stop_wait_ns'] + in_collections) / ops,
                'passes_ns': in_collections / max(1, counters['visited_objects']),
                'wall_ns': sample['wall_ns'] / sample['ops'], 'checksum': sample['checksum'],
                'rss_bytes': sample['peak_rss_bytes'], 'compiler': environment['compiler'],
                **(sample.get('latency') or {})}


def line(workload, metric, subject, values, peer=None, peer_values=None, bound=None,
         threads=1):
    """The bound is one on the ratio where there is a peer, and on the value otherwise;
    low and high are the extremes of what is bounded, over the rounds."""
    value, peer_value, ratio = statistics.median(values), None, None
    bounded = values
    if peer is not None:
        peer_value = statistics.median(peer_values)
        # A difference of two times can come out at 0 or below: then there is no ratio.
        bounded = ([v / p for v, p in zip(values, peer_values)]
                   if min(peer_values) > 0 else None)
        ratio = statistics.median(bounded) if bounded else None
    judged = value if peer is None else ratio
    met = None if bound is None else judged is not None and judged <= bound
    return {'workload': workload, 'threads': threads, 'subject': subject, 'peer': peer,
            'metric': metric, 'ratio': ratio, 'low': min(bounded) if bounded else None,
            'high': max(bounded) if bounded else None, 'value': value,
            'peer_value': peer_value, 'bound': bound, 'met': met}


class Others:
    """How many processors others than this comparison use (time that a hypervisor takes
    away is theirs): from the kernel's totals, less what our processes used."""

    def __init__(self):
        self.start = self.read()

    @staticmethod
    def read():
        with open('/proc/stat', encoding='ascii') as stat:
            fields = [int(field) for field in stat.readline().split()[1:9]]
        total = sum(fields[:3] + fields[5:]) / os.sysconf('SC_CLK_TCK')  # no idle, no iowait
        ours = 0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            ours += usage.ru_utime + usage.ru_stime
        return total - ours, time.monotonic()

    def processors(self):
        others, now = self.read()
        return max(0.0, (others - self.start[0]) / (now - self.start[1]))


def number(value):
    return '-' if value is None else f'{value:.3g}' if value < 100 else f'{value:.0f}'


def verdict(each):
    if each['value'] is None:
        return 'no figure'
    if each['bound'] is None:
        return ''
    return {True: 'met', False: 'NOT MET', None: 'no claim'}[each['met']]


def heading_of(each):
    threads = f', {each["threads"]} threads' if each['threads'] > 1 else ''
    return f'{each["workload"]}{threads}: {each["metric"]}'


def table_of(lines):
    """One table, with a heading wherever the workload or the metric changes. What has no
    value is not in it."""
    rows = [('subject', 'value', 'peer', 'value', 'ratio', 'low', 'high', 'bound', '')]
    headings = [None]
    for each in lines:
        if each['value'] is None:
            continue
        rows.append((each['subject'], number(each['value']), each['peer'] or '-',
                     *(number(each[key]) for key in
                       ('peer_value', 'ratio', 'low', 'high', 'bound')), verdict(each)))
        headings.append(heading_of(each))
    widths = [max(map(len, column)) for column in zip(*rows)]
    text, last = [], None
    for heading, row in zip(headings, rows):
        if heading != last:
            text += ['', heading]
            last = heading
        cells = [cell.ljust(width) if i in (0, 2, 8) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        text.append(('  ' + '  '.join(cells)).rstrip())
    return '\n'.join(text)


def play(groups, rounds):
    """Forwards and backwards in turn: what drifts in the machine is shared."""
    show = sys.stderr.isatty()
    for i in range(rounds):
        for group in groups:
            if show:
                print(f'\r\033[Kround {i + 1} of {rounds}: {group.name}', end='',
                      file=sys.stderr, flush=True)
            group.play(backwards=i % 2 == 1)
    if show:
        print('\r\033[K', end='', file=sys.stderr, flush=True)


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def add_options(parser, workloads, rounds, quick_rounds):
    """The options that every comparison has."""
    parser.add_argument('--gclab', metavar='PROGRAM',
                        default=os.path.join(ROOT, 'build', 'bench', 'gclab'),
                        help='a release build of gclab (default: build/bench/gclab)')
    parser.add_argument('--rounds', type=positive, metavar='N',
                        help=f'every program runs once a round (default: {rounds}; '
                        f'{quick_rounds} with --quick)')
    parser.add_argument('--quick', action='store_true',
                        help='small heaps: to see that all works; the bounds are not for it')
    parser.add_argument('--only', action='append', choices=workloads,
                        help='this workload alone; can be repeated')
    parser.add_argument('--json', nargs='?', const='-', metavar='FILE',
                        help='one JSON line a comparison, to FILE, or to stdout and the '
                        'table to stderr')
    parser.add_argument('--force', action='store_true',
                        help='judge the figures of a busy machine too')


def check_options(options):
    """Fails here, and not after the measurement."""
    options.gclab = os.path.abspath(options.gclab)
    if not os.access(options.gclab, os.X_OK):
        raise NotMeasured(f'{options.gclab}: no such program; build it, or name it with '
                          '--gclab', EXIT_ENVIRONMENT)
    if options.json not in (None, '-'):
        with open(options.json, 'a', encoding='utf-8'):
            pass


def write_json(lines, path):
    text = ''.join(json.dumps(each) + '\n' for each in lines)
    if path == '-':
        sys.stdout.write(text)
    else:
        with open(path, 'a', encoding='utf-8') as file:
            file.write(text)


def compare(options, groups, lines_of, notes_of):
    """Plays the groups, and says what came out: lines_of() gives the lines afterwards, and
    notes_of(lines) what is to be said below the table. Returns the lines."""
    table_file = sys.stderr if options.json == '-' else sys.stdout
    load = os.getloadavg()[0]
    if load > LOADED:
        print(f'warning: the load average is {load:.2f}; is something else running?',
              file=sys.stderr)
    others, begin = Others(), time.monotonic()
    play(groups, options.rounds)
    foreign, seconds = others.processors(), time.monotonic() - begin
    lines = lines_of()
    refuse = foreign > BUSY and not options.force
    if refuse:
        for each in lines:
            each['met'] = None
    print(table_of(lines), file=table_file)
    print(f'\n{options.rounds} rounds, {seconds:.0f} s; medians, ratios within a round, low '
          'and high over the rounds', file=table_file)
    print(f'load average before: {load:.2f}; others used {foreign:.2f} of '
          f'{os.cpu_count()} processors', file=table_file)
    if options.quick:
        print('--quick: small heaps, few rounds; not the figures that the bounds are for',
              file=table_file)
    for note in notes_of(lines):
        print(note, file=table_file)
    if options.json:
        write_json(lines, options.json)
    if refuse:
        raise NotMeasured('warning: the machine is busy, so nothing is claimed (--force '
                          'judges all the same)', EXIT_ENVIRONMENT)
    return lines


def main(name, run):
    """run() returns the exit status."""
    try:
        return run()
    except NotMeasured as error:
        print(f'{name}: {error}', file=sys.stderr)
        return error.status
    except OSError as error:
        print(f'{name}: {error}', file=sys.stderr)
        return EXIT_ENVIRONMENT
    except KeyboardInterrupt:
        return 130
