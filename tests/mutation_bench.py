# SPDX-License-Identifier: MIT
"""What tests/mutations builds and runs: a copy of the tree with a build of its own, the tests of
`meson test` that try the runtime, and a watch on each of them that ends what runs in circles or
stands still. With ccache, where it is there, what was built before is not compiled again.
"""
import fcntl
import fnmatch
import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD_SECONDS = 900
HELD_SECONDS = 110   # a lock is given back when these have passed and what runs has ended
FIRST_PROGRAM = 'tests/gclab-test'
STATUS_TIMEOUT = 101    # of it: tests/main.c
FIRST_SECONDS = 3   # processor time of those tests of FIRST_PROGRAM that come before all others
STILL_SECONDS, STILL_SHARE = 10.0, 0.01     # who has used less of so long a time waits for ever

# Of the tests of `meson test`: those that try the runtime, in C.
SUITES = ('core', 'collectors', 'conformance', 'stress', 'workloads')
# What kills soonest comes first, after the file's own suites and the quick ones.
ORDER = ('core/*', 'collectors/*', 'conformance*', 'threads_conformance*', 'check/corpus', 'programs*',
         'check/*', 'weak/*', 'race/*/mutants', 'race/*', 'workloads/*', '*')
# An index beyond its array is noticed, as it is by the tests under UndefinedBehaviorSanitizer.
SETUP = ('-Doptimization=1', '-Ddebug=false', '-Dwerror=false',
         '-Dc_args=-DGC_CHECK=3 -fsanitize=bounds -fsanitize-undefined-trap-on-error')
# A mistake must not take the machine with it.
LIMITS = ('--data=6000000000', '--fsize=1000000000', '--core=0')
TICKS = os.sysconf('SC_CLK_TCK')


class Failed(Exception):
    pass


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def tracked():
    listed = subprocess.run(['git', 'ls-files', '-z'], cwd=SOURCE, stdout=subprocess.PIPE, check=True)
    return [path for path in listed.stdout.decode().split('\0')
            if path and os.path.isfile(os.path.join(SOURCE, path))]


class Turn:
    """The lock of a file, or of none, that all jobs hold together: from the first command until
    HELD_SECONDS have passed and none runs any more."""

    def __init__(self, path):
        self.path, self.file, self.since, self.running = path, None, 0.0, 0
        self.changed = threading.Condition()

    def __enter__(self):
        with self.changed:
            while self.running > 0 and self.is_over():
                self.changed.wait()
            if self.path is not None and self.file is None:
                self.file = open(self.path, 'a', encoding='utf-8')  # pylint: disable=consider-using-with
                fcntl.flock(self.file, fcntl.LOCK_EX)
                self.since = time.monotonic()
            self.running += 1

    def __exit__(self, *_):
        with self.changed:
            self.running -= 1
            if self.running == 0 and self.is_over():
                self.end()
            self.changed.notify_all()

    def is_over(self):
        return self.file is not None and time.monotonic() - self.since > HELD_SECONDS

    def end(self):
        if self.file is not None:
            self.file.close()
            self.file = None


def used_by_session(leader):
    """Seconds of processor that the processes of a session have used, with the children that
    they have waited for."""
    ticks = 0
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                fields = read('/proc/%s/stat' % name).rpartition(')')[2].split()
            except (OSError, UnicodeDecodeError):
                continue    # it has ended meanwhile
            if int(fields[3]) == leader:
                ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS


class Watch:
    """Runs a command as a session of its own; says how it ends, and what it has used."""
    running = set()

    @classmethod
    def end_all(cls):
        for watch in list(cls.running):
            watch.kill()

    def __init__(self, command, folder, environment, log):
        self.used, self.end = 0.0, None
        self.still_since, self.still_used = time.monotonic(), 0.0
        self.process = subprocess.Popen(    # pylint: disable=consider-using-with
            ['prlimit', *LIMITS, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **environment}, start_new_session=True)
        self.running.add(self)

    def wait(self, limit):
        """None if it ends well within `limit` seconds of processor; otherwise how it does."""
        pause, looked = 0.002, time.monotonic()
        while True:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid != 0:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                self.used = usage.ru_utime + usage.ru_stime
                self.kill()     # what it has left behind
                return None if status == 0 else 'status %d' % self.process.returncode
            if time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                end = self.look(limit)
                if end is not None:
                    self.kill()
                    os.wait4(self.process.pid, 0)
                    self.process.returncode = -signal.SIGKILL
                    return end
            time.sleep(pause)
            pause = min(2 * pause, 0.1)

    def look(self, limit):
        self.used = used_by_session(self.process.pid)
        if self.used > limit:
            return 'it takes too long'
        passed = time.monotonic() - self.still_since
        if self.used - self.still_used > STILL_SHARE * STILL_SECONDS:
            self.still_since, self.still_used = time.monotonic(), self.used
        elif passed > STILL_SECONDS:
            return 'it stands still'
        return None

    def kill(self):
        self.running.discard(self)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Test:
    def __init__(self, entry, build):
        self.name = entry['name']
        self.program = os.path.relpath(entry['cmd'][0], build)
        self.arguments, self.environment = entry['cmd'][1:], entry['env']


class Bench:
    """A copy of the tree with its build; one for each job. The folders are called the same in
    each, so that one finds in the cache what another has compiled."""

    def __init__(self, work, number, turn, processors):
        self.folder = os.path.join(work, '%d' % number)
        self.tree, self.build, self.log = (
            os.path.join(self.folder, name) for name in ('tree', 'build', 'log'))
        self.turn, self.processors = turn, processors
        self.spent = self.last = 0.0    # seconds of processor, of all builds and runs and of one
        self.plain = {}     # by program
        self.copy()
        if not os.path.exists(os.path.join(self.build, 'build.ninja')):
            compiler = 'ccache gcc' if shutil.which('ccache') else 'gcc'
            if self.run(['meson', 'setup', 'build', 'tree', *SETUP], self.folder, {'CC': compiler}) is not None:
                raise Failed('meson setup fails:\n' + read(self.log))
        self.make('build.ninja')  # if its sources have changed
        listed = subprocess.run(['meson', 'introspect', '--tests', self.build], check=True,
                                stdout=subprocess.PIPE)
        self.tests = [Test(entry, self.build) for entry in json.loads(listed.stdout)
                      if entry['suite'][0].split(':')[-1] in SUITES
                      and entry['cmd'][0].startswith(self.build + os.sep)]

    def copy(self):
        """What differs alone, so that little is built again after a mutation was left half-way."""
        for path in tracked():
            place = os.path.join(self.tree, path)
            with open(os.path.join(SOURCE, path), 'rb') as file:
                wanted = file.read()
            if os.path.exists(place):
                with open(place, 'rb') as file:
                    if file.read() == wanted:
                        continue
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, 'wb') as file:
                file.write(wanted)
            os.chmod(place, os.stat(os.path.join(SOURCE, path)).st_mode)

    def run(self, command, folder, environment, limit=BUILD_SECONDS):
        """None if it ends well; otherwise how it ends."""
        with self.turn, open(self.log, 'wb') as log:
            watch = Watch(command, folder, environment, log)
            end = watch.wait(limit)
        self.last = watch.used
        self.spent += watch.used
        return end

    def make(self, program):
        environment = {'CCACHE_BASEDIR': self.folder, 'CCACHE_DEPEND': '1'}
        return self.run(['ninja', '-j', str(self.processors), program], self.build, environment) is None

    def count_steps(self, program):
        """Of what it takes to build it."""
        listed = subprocess.run(['ninja', '-C', self.build, '-n', program], stdout=subprocess.PIPE, text=True,
                                check=True)
        return sum(line.startswith('[') for line in listed.stdout.splitlines())

    def digest(self, program):
        """Of a program with the library that it may load."""
        found = hashlib.sha256()
        for path in [os.path.join(self.build, program), *self.libraries()]:
            with open(path, 'rb') as file:
                found.update(file.read())
        return found.hexdigest()

    def libraries(self):
        folder = os.path.join(self.build, 'collectors')
        return sorted(os.path.join(folder, name) for name in os.listdir(folder)
                      if '.so' in name and os.path.isfile(os.path.join(folder, name)) and
                      not name.endswith('.symbols'))

    def note_plain(self, programs):
        """Builds these without a mutation, to know the machine code of it."""
        for program in programs:
            if not self.make(program):
                raise Failed('%s does not build:\n%s' % (program, read(self.log)[-4000:]))
            self.plain[program] = self.digest(program)

    def try_test(self, test, limit=BUILD_SECONDS):
        """None: it passes; otherwise how it ends. One that by its own clock takes too long is
        given another chance: others may have had the processors."""
        for _ in range(2):
            end = self.run([os.path.join(self.build, test.program), *test.arguments], self.build,
                           test.environment, limit)
            if end != 'status %d' % STATUS_TIMEOUT:
                break
        return end


class Kit:
    """The tests with the processor time that each takes without a mutation; kept in FOLDER/kit.json
    for as long as their programs stay the same. All must pass."""

    def __init__(self, bench, work, without, only_quick):
        self.without, self.only_quick = without, only_quick
        path = os.path.join(work, 'kit.json')
        kept = json.loads(read(path)) if os.path.exists(path) else {}
        self.seconds = {}
        bench.note_plain(self.programs(bench))
        for test in self.tests(bench):
            digest = bench.plain[test.program]
            if kept.get(test.name, {}).get('digest') != digest:
                end = bench.try_test(test)
                if end is not None:
                    raise Failed('without a mutation %s fails: %s\n%s' % (
                        test.name, end, read(bench.log)[-4000:]))
                kept[test.name] = {'digest': digest, 'seconds': round(bench.last, 2)}
                write(path, json.dumps(kept, indent=1, sort_keys=True))
            self.seconds[test.name] = kept[test.name]['seconds']

    def tests(self, bench):
        return [test for test in bench.tests
                if not (self.only_quick and test.program != FIRST_PROGRAM)
                and not any(fnmatch.fnmatchcase(test.name, pattern) for pattern in self.without)]

    def programs(self, bench):
        return sorted({test.program for test in self.tests(bench)})

    def limit(self, test):
        return 3 + 4 * self.seconds[test.name]

    def order(self, bench, own, may_reach):
        """(quick tests, the others) of those that may reach the place; who matches `own` first"""
        def is_quick(test):
            return test.program == FIRST_PROGRAM and self.seconds[test.name] < FIRST_SECONDS

        def matches(test, patterns):
            return any(fnmatch.fnmatchcase(test.name, pattern) for pattern in patterns)

        def key(test):
            rank = next(n for n, pattern in enumerate(ORDER) if matches(test, [pattern]))
            return not matches(test, own), 0 if is_quick(test) else rank, self.seconds[test.name], test.name
        tests = sorted(filter(may_reach, self.tests(bench)), key=key)
        return [test for test in tests if is_quick(test)], [test for test in tests if not is_quick(test)]
