# SPDX-License-Identifier: MIT
"""What tests/long promises, tried on tallies that are written here, and on a build if one is named:
counted once, kept whatever ends it, and said aloud if a promise is broken."""
import importlib.machinery
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LONG = os.path.join(HERE, 'long')
_loader = importlib.machinery.SourceFileLoader('long_program', LONG)
long_program = importlib.util.module_from_spec(importlib.util.spec_from_loader('long_program', _loader))
_loader.exec_module(long_program)
Part = long_program.Part


def write_tally(path, following, hashes, runs=None, whole=True, failed=0, kind='programs'):
    with open(path, 'w', encoding='ascii') as file:
        file.write('next %d\nfailed %d\n' % (following, failed))
        runs = len(hashes) if runs is None else runs
        if kind == 'programs':
            file.write('programs %d\nthreaded %d\nlength 20 %d\nlength 90 %d\npairs 4\n'
                       'pair load store\npair store load\n' % (runs, runs // 2, runs // 4, runs - runs // 4))
        else:
            file.write('runs %d\n' % runs)
        for one in hashes:
            file.write('schedule %016x\n' % one)
        if whole:
            file.write('end\n')


def a_schedule_counts_once(folder):
    part, seed = Part('programs', 'x@y', folder), 0
    draw = random.Random(1)
    all_hashes = set()
    for runs in (100, 1, 500, 300):
        hashes = [draw.randrange(400) << 40 | 1 for _ in range(runs)]
        all_hashes |= set(hashes)
        seed = part.figures['next']
        write_tally(part.tally_path(), seed + runs, hashes)
        assert part.take(part.tally_path(), 1.0, 'abc')
    assert part.figures['schedules'] == len(all_hashes) == len(part.hashes())
    assert part.figures['runs'] == 901 and part.figures['next'] == seed + 300
    assert part.figures['threaded'] == 450 and part.median() == 90
    assert part.figures['pairs'] == ['load store', 'store load']
    again = Part('programs', 'x@y', folder)
    assert again.figures == part.figures and again.figures['commits'] == ['abc']


def what_a_killed_visit_left_counts_once(folder):
    part = Part('kernel', 'x@y', folder)
    first = part.figures['next']
    write_tally(part.tally_path(), first + 1, [1, 2, 3], kind='kernel')
    next_visit = Part('kernel', 'x@y', folder)
    next_visit.take_left()
    assert next_visit.figures['runs'] == 3 and not os.path.exists(part.tally_path())
    write_tally(part.tally_path(), first + 1, [1, 2, 3], kind='kernel')  # it was taken before that
    write_tally(next_visit.tally_path(), first + 2, [4, 5], whole=False, kind='kernel')
    third = Part('kernel', 'x@y', folder)
    third.take_left()
    assert third.figures['runs'] == 3 and third.figures['schedules'] == 3
    assert not [name for name in os.listdir(folder) if name.endswith('.tally')]


def who_is_nearest_to_the_goal_comes_first(folder):
    programs, kernel = Part('programs', 'x@y', folder), Part('kernel', 'k@y', folder)
    assert min([kernel, programs], key=long_program.urgency) is programs
    programs.in_visit['runs'] = long_program.A_VISIT
    programs.figures.update(runs=5000, pairs=['a a'] * 10, pairs_possible=10, schedules=70000)
    kernel.figures['schedules'] = 4000
    assert min([kernel, programs], key=long_program.urgency) is programs
    kernel.figures['schedules'] = 6000
    assert min([programs, kernel], key=long_program.urgency) is kernel
    kernel.figures['schedules'] = 100000
    assert min([kernel, programs], key=long_program.urgency) is programs
    assert programs.missing() == ['programs x@y: programs of 5 %', 'programs x@y: median of 0 %',
                                  'programs x@y: threaded of 0 %', 'programs x@y: schedules of 70 %'], \
        programs.missing()


def what_was_reached_is_recorded_and_comes_last(folder):
    path = os.path.join(folder, 'long.tsv')
    programs, kernel, other = Part('programs', 'x@y', folder), Part('kernel', 'k@y', folder), Part('kernel', 'm@y', folder)
    programs.figures.update(runs=150000, threaded=120000, lengths={'60': 150000}, pairs=['a a'] * 10, pairs_possible=10,
                            schedules=100000, commits=['abc', 'def'])
    kernel.figures.update(runs=100000, schedules=99999, commits=['abc'])
    other.figures.update(runs=100000, schedules=100000, failures=1)
    assert long_program.write_record([programs, kernel, other], path) == 1
    record = long_program.read_record(path)
    assert list(record) == [('programs', 'x@y')]
    row = record['programs', 'x@y']
    assert (row['runs'], row['threaded_percent'], row['median'], row['schedules'], row['commits']) == (
        '150000', '80.0', '60', '100000', 'abc def'), row
    kernel.figures['schedules'] = 100000
    assert long_program.write_record([kernel], path) == 2  # the other line stays
    elsewhere = [Part('programs', 'x@y', os.path.join(folder, 'new'), True), Part('kernel', 'm@y', os.path.join(folder, 'new'))]
    elsewhere[0].in_visit['runs'] = long_program.A_VISIT
    assert min(elsewhere, key=long_program.urgency) is elsewhere[1] and not elsewhere[0].missing()


def a_kernel_that_has_no_more_is_done(folder):
    part = Part('kernel', 'k@y', folder)
    for runs in (9000, 9000):
        write_tally(part.tally_path(), part.figures['next'] + 1, [7, 8], runs=runs, kind='kernel')
        part.take(part.tally_path(), 1.0, 'abc')
    assert not part.is_exhausted() and part.missing()
    write_tally(part.tally_path(), part.figures['next'] + 1, [7, 9], runs=9000, kind='kernel')
    part.take(part.tally_path(), 1.0, 'abc')
    assert part.is_exhausted() and part.figures['schedules'] == 3 and not part.missing()
    write_tally(part.tally_path(), part.figures['next'] + 1, range(10, 1000), runs=9000, kind='kernel')
    part.take(part.tally_path(), 1.0, 'abc')
    assert not part.is_exhausted()


class Pretended:
    """A kit whose programs break a promise each time."""

    def __init__(self, folder):
        self.script = os.path.join(folder, 'kit.sh')
        with open(self.script, 'w', encoding='ascii') as file:
            file.write('printf "next %d\\nfailed 1\\nprograms 1\\nend\\n" $(($1 + 60)) >"$2"\n'
                       'echo "it does not keep its promises"\nexit $3\n')
        self.status = 1

    def command(self, part, _seconds, _failure):
        return ['sh', self.script, str(part.figures['next']), part.tally_path(), str(self.status)]


def a_broken_promise_is_kept_and_said(folder):
    said = []
    part = Part('programs', 'x@y', folder)
    visit = long_program.Visit(Pretended(folder), [part], folder, 20, say=said.append)
    assert visit.run(1)
    assert len(said) == long_program.FAILURES_A_VISIT and 'does not keep its promises' in said[0]
    kept = [name for name in os.listdir(os.path.join(folder, 'failures')) if name.endswith('.txt')]
    assert len(kept) == long_program.FAILURES_A_VISIT
    text, broken = long_program.report(list(long_program.known_parts(folder)))
    assert broken == long_program.FAILURES_A_VISIT and '3 promises were broken' in text


def what_cannot_be_run_is_no_success(folder):
    kit = Pretended(folder)
    kit.status = 4
    part = Part('programs', 'x@y', folder)
    part.in_visit['failures'] = -100
    visit = long_program.Visit(kit, [part], folder, 20, say=lambda text: None)
    try:
        visit.run(1)
    except long_program.Failed:
        return
    raise AssertionError('status 4 is taken for a success')


def run_visit(options, folder, *arguments):
    return subprocess.Popen(
        [sys.executable, LONG, '--build', options.build, '--work', folder, '--jobs', '2',
         '--only', 'programs refcount@plain|kernel load@atomic', *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def figures_of(folder):
    parts = {part.label: part for part in long_program.known_parts(os.path.join(folder, 'state'))}
    return {label: dict(part.figures) for label, part in parts.items()}


def visits_add_up_whatever_ends_them(folder, options):
    labels = ('programs refcount@plain', 'kernel load@atomic')
    for seconds in (0.9, 3, 9):  # a machine with much else to do may not come to it at first
        child = run_visit(options, folder, '--minutes', '5')
        time.sleep(seconds)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=60)[0].decode()
        assert child.returncode == 130, said
        first = figures_of(folder)
        if all(first[label]['runs'] > 0 for label in labels):
            break
    for label in labels:
        assert first[label]['runs'] > 0 and first[label]['schedules'] > 0, said
    child = run_visit(options, folder, '--minutes', '5')
    time.sleep(0.4)
    child.kill()
    child.communicate()
    for pid in waiting_in(folder):
        os.kill(pid, signal.SIGTERM)  # ten seconds of a slice are too long for a test
    child = run_visit(options, folder, '--minutes', '0.01')
    said = child.communicate(timeout=60)[0].decode()
    assert child.returncode == 0, said
    last = figures_of(folder)
    for label, figures in first.items():
        assert last[label]['runs'] > figures['runs'] and last[label]['next'] > figures['next'], said
        assert last[label]['schedules'] <= last[label]['runs']
    assert not [name for name in os.listdir(os.path.join(folder, 'state')) if name.endswith('.tally')]


def waiting_in(folder):
    """Who has outlived a visit: it has the state's lock open."""
    lock = os.path.realpath(os.path.join(folder, 'state', 'lock'))
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            open_files = [os.readlink('/proc/%s/fd/%s' % (pid, fd)) for fd in os.listdir('/proc/%s/fd' % pid)]
        except OSError:
            continue
        if lock in open_files and os.getsid(int(pid)) == int(pid):  # its own children end with it
            yield int(pid)


def run(options):
    tests = [(test, ()) for test in (
        a_schedule_counts_once, what_a_killed_visit_left_counts_once,
        who_is_nearest_to_the_goal_comes_first, what_was_reached_is_recorded_and_comes_last,
        a_kernel_that_has_no_more_is_done,
        a_broken_promise_is_kept_and_said, what_cannot_be_run_is_no_success)]
    if options.build:
        tests.append((visits_add_up_whatever_ends_them, (options,)))
    failed = 0
    for number, (test, arguments) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder, *arguments)
                said = ''
            except (AssertionError, OSError, long_program.Failed, subprocess.SubprocessError) as error:
                said = '%s: %s' % (type(error).__name__, error)
        failed += bool(said)
        print('%s %d - %s' % ('not ok' if said else 'ok', number, test.__name__))
        for line in said.splitlines():
            print('# ' + line)
    print('1..%d' % len(tests) if options.tap else '%d of %d passed' % (len(tests) - failed, len(tests)))
    return 1 if failed else 0
