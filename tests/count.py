#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what test programs say, for the closing line of tests/run.

    count.py program STATUS FILE   a program's output and its exit status
    count.py meson FILE            meson-logs/testlog.json
    count.py samples FILE          JSON lines of `gclab run`; a sample is a test

prints `passed failed skipped`. A test is a TAP line where there are some; or what a last
line `N passed, N failed` says; otherwise a program. What a program announced but did not run has failed, and a program that crashes,
times out, or ends with an error that no line of it explains counts as a failure more.
"""
import json
import re
import sys

PLAN = re.compile(r'^1\.\.(\d+)')
CLOSING = re.compile(r'^(\d+) passed, (\d+) failed$')
LINE = re.compile(r'^(not )?ok\b([^#]*)(?:#\s*(\w+))?')


def count_program(text, ended_well):
    """(passed, failed, skipped) of one program."""
    passed = failed = skipped = 0
    planned = None
    for line in text.splitlines():
        plan, test = PLAN.match(line), LINE.match(line)
        if plan:
            planned = int(plan.group(1))
        elif test:
            directive = (test.group(3) or '').upper()
            if directive.startswith('SKIP'):
                skipped += 1
            elif test.group(1) and directive != 'TODO':
                failed += 1
            else:
                passed += 1
        elif line.startswith('Bail out!'):
            failed += 1
    total = passed + failed + skipped
    if planned is None and total == 0:
        closing = CLOSING.match((text.strip().splitlines() or [''])[-1])
        if closing is None:
            return (1, 0, 0) if ended_well else (0, 1, 0)
        passed, failed = map(int, closing.groups())
        return passed, failed if ended_well else max(failed, 1), 0
    if planned is None:
        failed += 1
    elif planned > total:
        failed += planned - total
    if not ended_well and failed == 0:
        failed += 1
    return passed, failed, skipped


def count_meson(path):
    sums = [0, 0, 0]
    with open(path, encoding='utf-8') as log:
        for line in log:
            test = json.loads(line)
            result = test['result']
            if result in ('SKIP', 'IGNORED'):
                counts = (0, 0, 1)
            else:
                good = result in ('OK', 'EXPECTEDFAIL')
                # ERROR and TIMEOUT are never good, whatever the lines say
                counts = count_program(test.get('stdout') or '', good)
            sums = [a + b for a, b in zip(sums, counts)]
    return sums


def count_samples(path):
    passed = failed = 0
    with open(path, encoding='utf-8') as log:
        for line in log:
            if json.loads(line)['outcome'] == 'ok':
                passed += 1
            else:
                failed += 1
    if passed + failed == 0:
        failed = 1
    return passed, failed, 0


def main(arguments):
    if len(arguments) == 3 and arguments[0] == 'program':
        with open(arguments[2], encoding='utf-8', errors='replace') as output:
            counts = count_program(output.read(), arguments[1] == '0')
    elif len(arguments) == 2 and arguments[0] == 'meson':
        counts = count_meson(arguments[1])
    elif len(arguments) == 2 and arguments[0] == 'samples':
        counts = count_samples(arguments[1])
    else:
        sys.exit(__doc__)
    print(*counts)


if __name__ == '__main__':
    main(sys.argv[1:])
