#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With three mutators and more under a schedule, the same seed gives the same trace and the same counters, on
every collector, and other seeds give others.

    determinism.py CHECK PROGRAM [--times N] [--seeds N]

CHECK is gclab-checked-check; PROGRAM, a file, is one more that is repeated. Each time is a process of its own, so that the system gives it other addresses;
two run at once, some on one processor, with another environment and another filling of memory each.
Prints TAP.
"""
import argparse
import collections
import os
import re
import subprocess
import sys

SPECS = ('all', 'generational@atomic:passes=owners:threshold0=5:threshold1=1:threshold2=1',
         'generational@biased:detect=walk:threshold0=5:threshold1=1:threshold2=1',
         'coalescing@log_object:young=64K:log=4K:backup=2', 'on_the_fly@satb:minimum=64K:growth=110:log=64K')
THREADS = 3     # that take steps, the least
AGAIN = 2       # seeds whose programs are repeated, beside the first
LINE = re.compile(r'(\S+) seed (\d+) (free|scheduled): trace (\w+) counters (\w+) steps (\d+) '
                  r'threads (\d+) time (\d+)')


def start(check, variation, *arguments):
    specs = [word for spec in SPECS for word in ('-c', spec)]
    command = [check, *specs, '--trace', *map(str, arguments)]
    if variation % 3 == 1:
        command = ['taskset', '-c', str(min(os.sched_getaffinity(0))), *command]
    environment = {**os.environ, 'MALLOC_PERTURB_': str(variation % 256),
                   'VARIATION': 'x' * (variation * 97 % 5000)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)


def finish(child):
    """{(spec, seed): (trace, counters, threads)} of what a schedule decides."""
    said = child.communicate()[0].decode()
    if child.returncode != 0:
        raise SystemExit('Bail out! %s' % said[-2000:])
    found = {}
    for line in said.splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            raise SystemExit('Bail out! what is %r?' % line)
        if match[3] == 'scheduled' and int(match[7]) >= THREADS:
            found[match[1], int(match[2])] = (match[4], match[5], int(match[6]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('check')
    parser.add_argument('program')
    parser.add_argument('--times', type=int, default=20)
    parser.add_argument('--seeds', type=int, default=20)
    options = parser.parse_args()
    tests = []

    def judge(good, name, note=''):
        tests.append(good)
        print('%s %d - %s' % ('ok' if good else 'not ok', len(tests), name))
        if not good:
            print('# ' + note)

    # Of six seeds four are scheduled, and of these most have three threads.
    first = finish(start(options.check, 0, '--seed', 1, '--count', 3 * options.seeds))
    by_spec = collections.defaultdict(list)
    for (spec, seed), (trace, _, _) in sorted(first.items()):
        by_spec[spec].append((seed, trace))
    for spec, traces in by_spec.items():
        traces = traces[:options.seeds]
        different = len({trace for _, trace in traces})
        judge(len(traces) == options.seeds and different >= options.seeds - 1,
              '%s: %d seeds have as many traces, or one less' % (spec, options.seeds),
              '%d programs with %d threads, %d traces' % (len(traces), THREADS, different))
    runs = []
    # the first seeds in a row of which two and more have enough threads under every collector
    again = next(seed for seed in range(1, 3 * options.seeds)
                 if all(sum(seed <= one <= seed + AGAIN for one, _ in traces) > 1
                        for traces in by_spec.values()))
    replays = collections.Counter()
    for number in range(1, options.times + 1):
        pair = [start(options.check, number, '--seed', again, '--count', AGAIN + 1),
                start(options.check, number, '--replay', options.program)]
        runs.append(finish(pair[0]))
        replays[pair[1].communicate()[0]] += pair[1].returncode == 0
    for spec in by_spec:
        seeds = [seed for seed, _ in by_spec[spec] if again <= seed <= again + AGAIN]
        other = ['seed %d, time %d' % (seed, time) for seed in seeds for time, run in enumerate(runs, 1)
                 if run.get((spec, seed)) != first[spec, seed]]
        judge(len(seeds) > 1 and not other,
              '%s: the same seed has the same trace and counters, %d times of %d' % (
                  spec, len(runs), options.times),
              'another: ' + ', '.join(other[:20]))
    judge(list(replays.values()) == [options.times],
          '%s: all collectors take the same steps, %d times of %d' % (
              os.path.basename(options.program), options.times, options.times),
          'so often each: %s; the first: %s' % (
              list(replays.values()), next(iter(replays)).decode()[-1000:]))
    print('1..%d' % len(tests))
    return 0 if all(tests) else 1


if __name__ == '__main__':
    sys.exit(main())
