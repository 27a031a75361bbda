# SPDX-License-Identifier: MIT
"""Runs the programs of tests/embedding/programs on every collector and protocol that the
interpreter was compiled for, on one thread and on two that share a heap.

    python3 tests/test_embedding.py PATH-OF-GCLAB-LISP [--two-threads]

--two-threads leaves out the runs on one: for ThreadSanitizer, under which each takes long.

A program is text for the interpreter; in its comments stands

    ;=> TEXT      a line that it prints, on each thread
    ; needs WORD  leave it out where the collector does not promise this
    ; alone       on one thread only (behind a colon: why)
    ; --heap N    an option of gclab-lisp

and whatever it is, where cycles are promised nothing may be left in the end, and every resource
must have been given back. Speaks TAP; the exit status is 1 if something failed.
"""
import functools
import glob
import os
import re
import subprocess
import sys

OFTEN = ':threshold0=10:threshold1=2:threshold2=2'    # of generational
SMALL_HEAP = 2 << 20                                   # collects now and then
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'embedding', 'programs')
LAST_LINE = re.compile(r'live (\d+) made (\d+) released (\d+) exhausted (\d+) promises([\w ,-]*)$')


def run(lisp, *arguments):
    return subprocess.run([lisp, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, timeout=150)


def wrong_with(process, expected, threads):
    """What is wrong with one run, as a list of sentences."""
    told = LAST_LINE.search(process.stderr.strip())
    if told is None:
        return ['it ended with status %d: %s' % (process.returncode, process.stderr[-2000:])]
    live, made, released, exhausted = map(int, told.groups()[:4])
    promises = told.group(5).split()
    found = []
    lines = process.stdout.splitlines()
    if lines != expected * threads:
        found.append('it printed %r, not %r' % (lines, expected * threads))
    failures = any(line.startswith('error: ') for line in expected)
    if process.returncode != (1 if failures else 0):
        found.append('its status is %d' % process.returncode)
    if 'cycles' in promises and live != 0:
        found.append('%d objects are left' % live)
    if 'cycles' in promises and 'finalizers' in promises and made != released:
        found.append('%d of %d resources were given back' % (released, made))
    if (exhausted > 0) != ('error: out of memory' in expected):
        found.append('%d allocations failed' % exhausted)
    return found


@functools.lru_cache(maxsize=None)
def promises_of(lisp, collector):
    told = LAST_LINE.search(run(lisp, '-c', collector, os.devnull).stderr.strip())
    return told.group(5).split() if told else []


def cases(lisp, numbers_of_threads):
    """(name, sentences) of every run; None: left out."""
    pairs = run(lisp, '--list').stdout.split()
    pairs += [pair + OFTEN for pair in pairs if pair.startswith('generational@')]
    for path in sorted(glob.glob(os.path.join(FOLDER, '*.lisp'))):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        expected = re.findall(r'^;=> (.*)$', text, re.MULTILINE)
        alone = re.search(r'^; alone', text, re.MULTILINE)
        needs = re.findall(r'^; needs (.+)$', text, re.MULTILINE)
        options = ' '.join(re.findall(r'^; (--.+)$', text, re.MULTILINE)).split()
        for pair in pairs:
            promises = promises_of(lisp, pair)
            small = ['--heap', str(SMALL_HEAP)] if 'cycles' in promises and not options else []
            for threads in numbers_of_threads:
                name = '%s on %s, %d' % (os.path.basename(path), pair, threads)
                if not set(needs) <= set(promises) or (alone and threads > 1):
                    yield name, None
                    continue
                process = run(lisp, '-c', pair, '-t', str(threads), *small, *options, path)
                yield name, wrong_with(process, expected, threads)


def main():
    two_threads = sys.argv[2:] == ['--two-threads']
    if len(sys.argv) != 2 + two_threads:
        print(__doc__, file=sys.stderr)
        return 2
    failed = number = 0
    for number, (name, found) in enumerate(
            cases(os.path.abspath(sys.argv[1]), (2,) if two_threads else (1, 2)), 1):
        failed += bool(found)
        print('%sok %d - %s%s' % ('not ' if found else '', number, name,
                                  ' # SKIP' if found is None else ''))
        for sentence in found or []:
            print('# ' + sentence.replace('\n', '\n# '))
        sys.stdout.flush()
    print('1..%d' % number)
    return 1 if failed or number == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
