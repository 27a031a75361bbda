# SPDX-License-Identifier: MIT
"""What gclab does with bad input: one sentence that names what is wrong, the exit status of its
kind (bench/README.md), and no file that could be taken for a whole one.

    python3 tests/test_bad_input.py PATH-OF-GCLAB [NAME ...]

Speaks TAP: a line for each kind of bad input. Each is tried in an empty folder of its own, and
nothing may be left in it. The exit status is 1 if one was not answered as it should be.
"""
import ctypes
import glob
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SNAPSHOT = os.path.join(SOURCE, 'tests', 'data', 'cpython_small.gcs')
GCLAB = ''
SCRATCH = ''
SMALL = ['run', '-q', '-n', '1', '-c', 'none', '-w', 'rings:count=100']
USAGE, FILE, ENVIRONMENT = 2, 3, 4
KINDS = []            # (name, function), in order
LEAST = 200           # kinds; a table that was not read would show here

# A sentence may be followed by the hint that argp adds.
SENTENCE = re.compile(r'(?:gclab|gclab-checked|cpython_dump)(?: \w+)?: [^\n\r]*[^\n\r .]\n')
HINT = re.compile(r"Try `gclab.* --help' or `.* --usage' for more information\.\n")


class Wrong(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def kind(function):
    KINDS.append((function.__name__, function))
    return function


def run(arguments, folder, env=None, before=None, **more):
    """Runs gclab in a folder to its end."""
    files = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    done = subprocess.run([GCLAB, *arguments], cwd=folder, timeout=20, check=False, preexec_fn=before,
                          env={**os.environ, **(env or {})}, **{**files, **more})
    done.out, done.err = ((text or b'').decode(errors='backslashreplace')
                          for text in (done.stdout, done.stderr))
    return done


def check_sentence(err, *says):
    """One sentence, that can be read, with all of these words."""
    text = HINT.sub('', err)
    expect(SENTENCE.fullmatch(text) and not re.search('[\x00-\x09\x0b-\x1f\x7f]', text),
           f'this is not one sentence: {err[:2000]!r}')
    for words in says:
        expect(words in text, f'{words!r} is not in {text[:2000]!r}')


def refused(status, arguments, *says, folder=None, out='', **more):
    """gclab does nothing but say what is wrong. What is in `folder` stays as it was."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as own:
        folder = folder or own
        there = sorted(os.listdir(folder))
        done = run(arguments, folder, **more)
        expect(done.returncode == status,
               f'status {done.returncode}, not {status}: {done.out[:500]}{done.err[:2000]}')
        check_sentence(done.err, *says)
        if out is not None:
            expect(done.out == out, f'stdout: {done.out[:500]!r}')
        expect(sorted(os.listdir(folder)) == there, f'left behind: {os.listdir(folder)}')
        return done


def table(prefix, status, rows):
    """A kind for each row: name, arguments, and what is said."""
    for name, arguments, *says in rows:
        KINDS.append((f'{prefix}: {name}', lambda a=arguments, s=says: refused(status, a, *s)))


def c(spec):
    return ['run', '-c', spec]


def w(spec):
    return ['run', '-q', '-n', '1', '-c', 'none', '-w', spec]


# --- the command line --------------------------------------------------------------------------

table('command', USAGE, [
    ('unknown', ['rnu'], "'rnu'", "did you mean 'run'?"),
    ('empty', [''], "no command ''"),
    ('option of no command', ['--frob'], '--frob'),
    ('option unknown', ['run', '--frob'], 'gclab run: ', '--frob'),
    ('option without its value', ['run', '-c'], "argument -- 'c'"),
    ('stray argument', ['run', 'generational'], "'generational'"),
    ('stray argument of list', ['list', 'collectors', 'x'], 'one kind'),
    ('nothing to explain', ['info'], 'a name is missing'),
    ('hidden one by hand', ['sample'], "'sample'"),
])
table('collector', USAGE, [
    ('unknown', c('refcuont'), "'refcuont'", "did you mean 'refcount'?"),
    ('empty', c(''), "no collector ''"),
    ('twice', ['run', '-c', 'refcount', '-c', 'refcount@plain'], "'refcount@plain'", 'twice'),
    ('of 100000 letters', c('x' * 100000), 'there is no collector'),
    ('with control characters', c('a\nb\x1b[31m'), 'there is no collector'),
    ('of bytes that are no text', c(b'\xff\xfe'), 'there is no collector'),
    ('a format', c('%s%n%s%n'), "'%s%n%s%n'"),
])
table('protocol', USAGE, [
    ('unknown', c('refcount@plian'), "'plian'", "did you mean 'plain'?"),
    ('empty', c('refcount@'), "''"),
    ('two', c('refcount@plain@atomic'), "'plain@atomic'"),
    ('that does not fit', c('refcount@bare'), "'bare'", 'does not work with'),
    ('of a workload', w('rings@plain'), 'rings@plain', 'has no protocol'),
])
table('option', USAGE, [
    ('unknown', c('generational:treshold0=1'), "'treshold0'", "did you mean 'threshold0'?"),
    ('where there is none', c('none:x=1'), "'x'", 'it has no options'),
    ('no number', c('generational:threshold0=many'), 'threshold0=many', 'integer from 0'),
    ('below its range', c('generational:threshold0=-1'), 'threshold0=-1', 'integer from 0'),
    ('above its range', w('rings:k=4294967296'), 'k=4294967296', 'integer from 1'),
    ('above all ranges', c('generational:threshold0=99999999999999999999'), 'integer from 0'),
    ('below all ranges', c('generational:threshold0=-9223372036854775809'), 'integer from 0'),
    ('no size', c('mark_sweep:minimum=64X'), 'minimum=64X', 'takes a size'),
    ('a size above all', c('mark_sweep:minimum=17179869184G'), 'takes a size'),
    ('no choice', c('generational:detect=kepe'), 'detect=kepe', "did you mean 'keep'?"),
    ('no yes or no', c('generational:quarter_rule=perhaps'), 'quarter_rule=perhaps', 'yes or no'),
    ('empty value', c('generational:threshold0='), 'threshold0=:', 'integer'),
    ('no value', c('generational:threshold0'), "'threshold0' needs a value"),
    ('no name', c('generational:=1'), "option ''"),
    ('missing at the end', c('generational:'), 'missing after the colon'),
    ('missing in the middle', c('generational:detect=keep::x=1'), 'missing at a colon'),
    ('twice', c('generational:detect=keep:detect=keep'), "'detect' is given twice"),
    ('text too long', w('snapshot:file=' + 'x' * 3000), 'file', 'too long'),
    ('of a workload, unknown', w('rings:cuont=1'), "'cuont'", "did you mean 'count'?"),
    ('scale unknown', w('rings:scale=strong'), 'scale=strong'),
    ('scale twice', w('rings:scale=weak:scale=weak'), "'scale' is given twice"),
])
table('run', USAGE, [
    ('workload unknown', w('gcbnech'), "'gcbnech'", "did you mean 'gcbench'?"),
    ('workload twice', ['run', '-w', 'rings', '-w', 'rings'], "'rings' is given twice"),
    ('no thread', ['run', '-t', '0'], '-t 0', 'from 1 to'),
    ('too many threads', ['run', '-t', '4097'], '-t 4097', 'to 4096'),
    ('hole in a list', ['run', '-t', '1,,2'], '-t 1,,2'),
    ('number twice', ['run', '-t', '2,2'], 'given twice'),
    ('no process', ['run', '-n', '0'], '-n 0', 'from 1 to'),
    ('half a number', ['run', '-n', '3x'], '-n 3x'),
    ('too many samples', ['run', '-n', '10000', '-t', ','.join(map(str, range(1, 99)))], 'too many'),
    ('heap no size', ['run', '--heap', '64MB'], '--heap 64MB'),
    ('heap of half a KiB', ['run', '--heap', '512'], '--heap 512', 'whole KiB'),
    ('heap above all', ['run', '--heap', '18446744073709551615K'], 'whole KiB'),
    ('checks above all', ['run', '--checks', '101'], '--checks 101'),
    ('checks of none', ['run', '-c', 'none', '-w', 'contend', '--checks', '1'], 'reclaims nothing'),
    ('checks of cycles', ['run', '-c', 'refcount', '-w', 'graph', '--checks', '1'], 'keeps cyclic garbage'),
    ('checks without a model', ['run', '-c', 'refcount', '-w', 'rings', '--checks', '1'], 'has no model'),
    ('checks and counts', ['run', '-w', 'contend', '--checks', '1', '--count-ops'], 'exclude each other'),
    ('seed negative', ['run', '--seed', '-1'], '--seed -1'),
    ('seed above all', ['run', '--seed', '18446744073709551616'], '--seed 1844'),
    ('time-out no number', ['run', '--timeout', 'nan'], '--timeout nan'),
    ('time-out without end', ['run', '--timeout', 'inf'], '--timeout inf'),
    ('scale', ['run', '--scale', 'strong'], '--scale strong'),
    ('suite unknown', ['run', '--suite', 'smok'], "'smok'", "did you mean 'smoke'?"),
    ('suite and workload', ['run', '-w', 'rings', '--suite', 'smoke'], 'exclude each other'),
    ('time-out without processes', ['run', '--in-process', '--timeout', '5'], '--timeout needs'),
    ('the last of many wrong', [*SMALL, '--json', 'x', '-w', 'gcbench:dept=3'], "'dept'"),
])
table('new', USAGE, [
    ('kind unknown', ['new', 'colector', 'mine'], "'colector'"),
    ('name of a path', ['new', 'collector', '../mine'], "'../mine'"),
    ('name empty', ['new', 'collector', ''], "''"),
    ('name taken', ['new', 'collector', 'refcount'], "'refcount' already"),
])
table('import', USAGE, [
    ('system unknown', ['import', 'cpyton', '-o', 'x', '--', 'y'], "'cpyton'"),
    ('nowhere to write', ['import', 'cpython', '--', 'y'], '-o FILE is missing'),
    ('no script', ['import', 'cpython', '-o', 'x'], 'the script is missing'),
])


# --- plugins -----------------------------------------------------------------------------------

PLUGIN = r'''
#include "core/plugin.h"
#include "core/collector.h"
#ifdef MISSING
extern int gc_there_is_no_such_function(void);
int of_this(void) { return gc_there_is_no_such_function(); }
#endif
#ifdef BROKEN_PROMISE
static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)m, (void)generation, (void)uncollectable;
    return 0;
}
#endif
GC_COLLECTOR(mine) = { GC_COLLECTOR_HEADER, .name = NAME, .summary = "ours", .protocols = { "bare" },
#ifdef BROKEN_PROMISE
    .capabilities = GC_CAP_RECLAIMS | GC_CAP_CYCLES, .collect = collect,
#endif
};
GC_EXPORT const struct gc_plugin SYMBOL = { GC_PLUGIN_HEADER,
#ifdef ABI
    .abi_version = ABI,
#endif
#ifndef EMPTY
    .collectors = GC_PLUGIN_LIST(gc_collector, &gc_collector_mine),
#endif
};
'''


def compiled(name, *flags, level=None):
    """A plugin's file: one that is good but for these flags."""
    path = os.path.join(SCRATCH, name + '.so')
    source = os.path.join(SCRATCH, 'plugin.c')
    definitions = {'NAME': '"mine"', 'SYMBOL': 'gc_plugin', 'GC_CHECK': str(CHECK if level is None else level)}
    for flag in flags:
        key, _, value = flag.partition('=')
        definitions[key] = value or '1'
    subprocess.run([*os.environ.get('CC', 'cc').split(), '-std=c11', '-D_GNU_SOURCE', '-w', '-shared', '-fPIC',
                    '-I', SOURCE, *(f'-D{k}={v}' for k, v in definitions.items()), '-o', path, source],
                   check=True)
    return path


def content(path):
    with open(path, 'rb') as file:
        return file.read()


def written(name, data, folder=None):
    path = os.path.join(folder or tempfile.mkdtemp(dir=SCRATCH), name)
    with open(path, 'wb') as file:
        file.write(data)
    return path


def refused_plugin(path, *says, status=FILE, **more):
    """As a collector's name, and as a plugin; the message names it."""
    refused(status, [*SMALL, '-c', path], path[:60], *says, **more)
    refused(status, [*SMALL, '--plugin', path], path[:60], *says, **more)


def plugin(name):
    """A kind: the function makes a file, and says what is to be said of it."""
    def enter(function):
        def try_it():
            path, *says = function()
            refused_plugin(path, *says)
        KINDS.append(('plugin: ' + name, try_it))
        return function
    return enter


@kind
def a_plugin_that_is_good():
    """Or what follows would be refused for another reason."""
    done = run(['run', '-q', '-n', '1', '-c', GOOD, '-w', 'rings:count=100'], SCRATCH)
    expect(done.returncode == 0 and 'mine@bare' in done.out, done.err)


plugin('missing')(lambda: ('./missing.so', 'No such file'))
plugin('in no folder')(lambda: (os.path.join(SNAPSHOT, 'x.so'), 'Not a directory'))
plugin('a name too long')(lambda: ('./' + 'x' * 3000 + '.so', 'name too long'))
plugin('a folder')(lambda: (SCRATCH + '/', "can't be loaded: it is not a regular file"))
plugin('no program')(lambda: (written('text.so', b'this is no plugin\n' * 99), 'not a shared library'))
plugin('empty')(lambda: (written('empty.so', b''), 'not a shared library'))
plugin('cut within its header')(lambda: (written('cut.so', content(GOOD)[:40]), 'not a shared library'))
plugin('cut in the middle')(lambda: (
    written('cut.so', content(GOOD)[:len(content(GOOD)) // 2]), 'cut short'))
plugin('cut at its end')(lambda: (written('cut.so', content(GOOD)[:-1]), 'cut short'))
plugin('of another machine')(lambda: (
    written('other.so', content(GOOD)[:18] + b'\x03\x00' + content(GOOD)[20:]), 'another machine'))
plugin('of the wrong ABI')(lambda: (compiled('abi', 'ABI=999'), 'ABI 999', 'rebuild'))
plugin('of the other flavour')(lambda: (
    compiled('flavour', level=3 if CHECK == 0 else 0), 'flavour', 'GC_CHECK='))
plugin('without its symbol')(lambda: (compiled('symbol', 'SYMBOL=gc_plugin_of_mine'), 'gc_plugin'))
plugin('that needs what is not there')(lambda: (
    compiled('missing', 'MISSING'), 'gc_there_is_no_such_function'))
plugin('with nothing in it')(lambda: (compiled('nothing', 'EMPTY'), 'empty'))
plugin('with a name that is taken')(lambda: (compiled('taken', 'NAME="refcount"'), "'refcount' already"))
plugin('with a name that is none')(lambda: (compiled('none', 'NAME="a b"'), "'a b'"))


def fifo():
    path = os.path.join(tempfile.mkdtemp(dir=SCRATCH), 'fifo.so')
    os.mkfifo(path)
    return path


def loop():
    path = os.path.join(tempfile.mkdtemp(dir=SCRATCH), 'loop.so')
    os.symlink(path, path)
    return path


plugin('a pipe that nobody writes')(lambda: (fifo(), "can't be loaded: it is not a regular file"))
plugin('a link to itself')(lambda: (loop(), 'symbolic links'))


def no_powers():
    """In a child: root obeys the permissions of files as others do."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (1, 2, 3):       # DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER
            libc.prctl(24, capability, 0, 0, 0)   # PR_CAPBSET_DROP: gone at the next exec


@kind
def a_plugin_that_may_not_be_read():
    path = written('secret.so', content(GOOD))
    os.chmod(path, 0)
    refused_plugin(path, 'Permission denied', before=no_powers)


@kind
def a_folder_of_plugins_that_is_missing():
    done = run(c('mine'), SCRATCH, env={'GCLAB_PLUGIN_PATH': '/nonexistent/folder'})
    expect(done.returncode == USAGE and '/nonexistent/folder' in done.err, done.err)


# --- snapshots ---------------------------------------------------------------------------------

HEADER = '<8s8IQ'
FIELDS = ['magic', 'version', 'producer', 'types', 'names', 'objects', 'edges', 'roots', 'reserved', 'digest']
MAGIC = b'\x89gcs\r\n\x1a\n'


def digest(records, edges):
    mask, total, at = 2**64 - 1, 0, 0
    for number, (_, _, degree) in enumerate(records):
        for slot in range(min(degree, len(edges) - at)):
            h = number * 0x9e3779b97f4a7c15 + slot * 0xc2b2ae3d27d4eb4f + edges[at] * 0x165667b19e3779f9 & mask
            h = (h ^ h >> 32) * 0xd6e8feb86659fd93 & mask
            total += h ^ h >> 29
            at += 1
    return total & mask


def snapshot(records=((1 << 24, 64, 2), (1 << 24, 64, 1)), edges=(1, 1, 0), roots=((0, 1),),
             producer=b'a test', names=b'thing\0', checksum=0, tail=b'', header=None):
    """The bytes of a small snapshot, with a checksum and a digest that fit; `header` has other fields."""
    fields = {'magic': MAGIC, 'version': 1, 'producer': len(producer), 'types': 1, 'names': len(names),
              'objects': len(records), 'edges': len(edges), 'roots': len(roots), 'reserved': 0,
              'digest': digest(records, edges), **(header or {})}
    data = struct.pack(HEADER, *(fields[name] for name in FIELDS)) + producer + names
    for record in records:
        data += struct.pack('<3I', *record)
    data += struct.pack(f'<{len(edges)}I', *edges)
    for root in roots:
        data += struct.pack('<2I', *root)
    return data + struct.pack('<I', zlib.crc32(data) ^ checksum) + tail


def refused_snapshot(path, *says, **more):
    """The sample fails, and so the run; in one sentence, and in the table."""
    done = refused(FILE, w('snapshot:file=' + path), path[:60], *says, out=None, **more)
    expect('failed (1 of 1)' in done.out, done.out)


@kind
def a_snapshot_that_is_good():
    for data in (snapshot(), content(SNAPSHOT)):
        done = run(w('snapshot:file=' + written('good.gcs', data)), SCRATCH)
        expect(done.returncode == 0 and done.err == '', done.err)


def bad_snapshots():
    most, good = 2**32 - 1, snapshot()
    one = (1 << 24, 64, 1)
    yield 'empty', b'', 'cut short'
    yield 'text', b'this is no snapshot\n' * 100, 'not a snapshot'
    yield 'packed with gzip', b'\x1f\x8b\x08' + bytes(100), 'not a snapshot'
    ends = [('its first word', 4), ('its header', 40), ('its names', 48 + 8), ('its objects', 48 + 12 + 20),
            ('its edges', 48 + 12 + 24 + 6), ('its roots', len(good) - 9), ('its checksum', len(good) - 1)]
    for name, length in ends:
        yield f'cut within {name}', good[:length], 'cut short'
    yield 'with more behind its end', snapshot(tail=b'x'), 'follows the end'
    yield 'of another version', snapshot(header={'version': 2}), 'version 2'
    yield 'with a wrong checksum', snapshot(checksum=1), 'checksum'
    for field in ('producer', 'names', 'objects', 'edges', 'roots'):
        yield f'whose {field} are 2^32 - 1', snapshot(header={field: most}), 'header describes'
        yield f'whose {field} are 2^31', snapshot(header={field: 2**31}), 'header describes'
    every = {'producer': most, 'names': most, 'objects': most, 'edges': most, 'roots': most}
    yield 'whose every count is 2^32 - 1', snapshot(header=every), 'header describes'
    yield 'whose types are 2^32 - 1', snapshot(header={'types': most}), 'fewer names than types'
    yield 'whose reserved word is set', snapshot(header={'reserved': most}), 'reserved'
    yield 'without an object', snapshot(records=(), edges=(), roots=()), 'objects'
    yield 'with one type too few', snapshot(header={'types': 2}), 'type 1 has no proper name'
    yield 'with one name too many', snapshot(names=b'a\0b\0'), 'more names'
    yield 'with a name that does not end', snapshot(names=b'thing'), 'no proper name'
    yield 'with a name of control characters', snapshot(names=b'\x1b[31m\0'), 'no proper name'
    yield 'with a producer of two lines', snapshot(producer=b'a\nb'), 'producer'
    yield 'with a type above all', snapshot(records=(((1 << 24) + 9, 64, 2), one)), 'type 9'
    yield 'with unknown flags', snapshot(records=((0xff << 24, 64, 2), one)), 'unknown flags'
    yield 'with references out of a leaf', snapshot(records=((0, 64, 2), one)), 'no container'
    yield 'with a degree of 2^32 - 1', snapshot(records=((1 << 24, 64, most), one)), 'more references'
    yield 'whose degrees wrap to their sum', snapshot(
        records=((1 << 24, 64, 2**31), (1 << 24, 64, 2**31 + 3))), 'more references'
    yield 'with fewer references than there are', snapshot(records=(one, one)), 'holds 3'
    yield 'with a reference to nowhere', snapshot(edges=(1, 1, most)), 'object 4294967295'
    yield 'with a root that is nowhere', snapshot(roots=((most, 1),)), 'root 0'
    yield 'with a root of no references', snapshot(roots=((0, 0),)), 'root 0'
    yield 'with roots out of order', snapshot(roots=((1, 1), (0, 1))), 'root 1'
    yield 'without a root', snapshot(roots=()), 'cannot be reached'
    yield 'with a wrong digest', snapshot(header={'digest': 1}), 'digest'


for case, data_of_it, what in bad_snapshots():
    KINDS.append((f'snapshot: {case}', lambda d=data_of_it, s=what:
                  refused_snapshot(written('bad.gcs', d), s)))


@kind
def snapshot_is_missing():
    refused(FILE, w('snapshot:file=/nonexistent/x.gcs'), '/nonexistent/x.gcs', 'No such file')


@kind
def snapshot_is_not_named():
    refused(USAGE, w('snapshot'), 'file=NAME')


@kind
def snapshot_may_not_be_read():
    path = written('secret.gcs', snapshot())
    os.chmod(path, 0)
    refused(FILE, w('snapshot:file=' + path), path, 'Permission denied', before=no_powers)


@kind
def snapshot_is_a_folder_or_a_pipe():
    refused_snapshot(SCRATCH, 'not a regular file')
    refused_snapshot(fifo(), 'not a regular file')


@kind
def snapshot_of_a_tebibyte_of_nothing():
    path = written('sparse.gcs', b'')
    os.truncate(path, 1 << 40)
    refused_snapshot(path, 'not a snapshot')
    path = written('sparse.gcs', snapshot()[:48])
    os.truncate(path, 1 << 40)
    refused_snapshot(path, 'header describes')


@kind
def snapshot_with_a_name_of_many_letters():
    """What is wrong is said at the end of a sentence, which must not be cut off."""
    folder = tempfile.mkdtemp(dir=SCRATCH)
    for part in 'abc':
        folder = os.path.join(folder, part * 200)
        os.mkdir(folder)
    refused_snapshot(written('x.gcs', b'nothing', folder), 'not a snapshot')


@kind
def snapshot_whose_object_does_not_fit():
    path = written('large.gcs', snapshot(records=((1 << 24, 2**32 - 1, 2), (1 << 24, 64, 1))))
    done = run([*w('snapshot:file=' + path), '--heap', '64M'], SCRATCH)
    expect(done.returncode == 1 and 'out of memory (1 of 1)' in done.out, done.out + done.err)


@kind
def snapshot_of_the_environment():
    refused(FILE, ['run'], '/nonexistent/a:b', env={'GCLAB_SNAPSHOT': '/nonexistent/a:b'})


# --- where nothing can be written --------------------------------------------------------------

FULL = [['list'], ['list', 'workloads', '--names'], ['info', 'generational'], ['help'], ['help', 'run'],
        ['--help'], ['--version'], ['run', '--help'], ['check', '--help'], SMALL,
        [*SMALL, '--json', '-'], [*SMALL, '--count-ops'], ['new', 'collector', 'mine', '-o', 'mine']]


def full_stdout(arguments):
    with open('/dev/full', 'wb') as full, tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        done = run(arguments, folder, stdout=full)
        expect(done.returncode == ENVIRONMENT, f'{arguments}: status {done.returncode}: {done.err}')
        check_sentence(done.err, "stdout can't be written: No space left on device")


for command in FULL:
    KINDS.append((f'full disk: gclab {" ".join(command)}', lambda a=command: full_stdout(a)))


@kind
def full_disk_for_the_lines():
    done = refused(ENVIRONMENT, [*SMALL, '-n', '5', '--json', '/dev/full'],
                   "/dev/full can't be written: No space left", out=None)
    expect('none@bare' in done.out, 'what was measured is printed')


def small_files(limit):
    """In a child: a file grows to so many bytes, and then its disk is full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@kind
def disk_that_is_full_in_the_middle_of_a_line():
    """Only whole lines are left."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        path = os.path.join(folder, 'x.jsonl')
        run([*SMALL, '--json', path], folder)
        room = os.path.getsize(path) * 5 // 2
        done = run([*SMALL, '-n', '9', '--json', path], folder, before=small_files(room))
        expect(done.returncode == ENVIRONMENT, f'status {done.returncode}')
        check_sentence(done.err, path, 'File too large')
        with open(path, encoding='utf-8') as file:
            lines = file.read().split('\n')
        expect(lines.pop() == '' and len(lines) == 2, lines)
        expect([json.loads(line)['outcome'] for line in lines] == ['ok', 'ok'], lines)


@kind
def lines_after_half_a_line():
    """Nothing is joined to what another run has left unfinished."""
    path = written('half.jsonl', b'{"schema":1}\n{"sche')
    refused(FILE, [*SMALL, '--json', path], path, 'whole line')
    expect(content(path).endswith(b'{"sche'), 'it is left alone')


def unwritable(path, says, **more):
    refused(ENVIRONMENT, [*SMALL, '--json', path], path, says, **more)


@kind
def lines_for_a_folder_that_is_missing():
    unwritable('missing/x.jsonl', 'No such file')


@kind
def lines_for_a_folder():
    unwritable(SCRATCH, 'Is a directory')


@kind
def lines_below_a_file():
    unwritable(os.path.join(SNAPSHOT, 'x'), 'Not a directory')


@kind
def lines_in_proc():
    unwritable('/proc/x', 'No such file')


@kind
def lines_without_permission():
    folder = tempfile.mkdtemp(dir=SCRATCH)
    path = written('x.jsonl', b'', folder)
    os.chmod(path, 0o400)
    unwritable(path, 'Permission denied', before=no_powers)
    os.chmod(folder, 0o500)
    unwritable(os.path.join(folder, 'y'), 'Permission denied', before=no_powers)


def cpython_311():
    return run(['import', 'cpython', '-o', 'x', '--', '/nonexistent.py'], SCRATCH).returncode == FILE


SCRIPT = b'import sys, time\nprint("here", flush=True)\ntime.sleep(float((sys.argv + ["0"])[1]))\n'


def refused_import(status, output, *says, script=SCRIPT, **more):
    path = written('script.py', script)
    refused(status, ['import', 'cpython', '-o', output, '--', path], *says, out=None, **more)


table('import', FILE, [
    ('script missing', ['import', 'cpython', '-o', 'x', '--', '/nonexistent.py'], '/nonexistent.py'),
])
table('import', ENVIRONMENT, [
    ('python missing', ['import', 'cpython', '-o', 'x', '--python', '/nonexistent', '--', SNAPSHOT], '/nonexistent'),
])


@kind
def import_of_what_is_no_script():
    refused_import(FILE, 'x', 'not a Python program', script=b'this is none (')


@kind
def import_of_a_script_that_fails():
    path = written('script.py', b'raise KeyError(7)')
    done = run(['import', 'cpython', '-o', 'x', '--', path], tempfile.mkdtemp(dir=SCRATCH))
    expect(done.returncode == FILE and 'KeyError' in done.err, done.err)


@kind
def import_to_where_nothing_can_be_written():
    refused_import(ENVIRONMENT, 'missing/x', 'missing', 'no such directory')
    refused_import(ENVIRONMENT, '/dev/full', '/dev/full: No space left')
    expect(os.path.exists('/dev/full') and not os.path.isfile('/dev/full'), 'it is what it was')
    refused_import(ENVIRONMENT, 'x.gcs', 'x.gcs: File too large', before=small_files(10000))


@kind
def import_that_is_interrupted():
    for number in (signal.SIGINT, signal.SIGTERM):
        folder = tempfile.mkdtemp(dir=SCRATCH)
        with subprocess.Popen([GCLAB, 'import', 'cpython', '-o', 'x', '--', written('s.py', SCRIPT), '60'],
                              cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            process.send_signal(number)
            err = process.communicate(timeout=30)[1].decode()
        expect(process.returncode in (128 + number, -number), f'{process.returncode}: {err}')
        expect(os.listdir(folder) == [], os.listdir(folder))


@kind
def new_where_nothing_can_be_written():
    for output, says in (('missing/mine', 'No such file'), (os.path.join(SNAPSHOT, 'x'), 'Not a directory'),
                         (SCRATCH, 'File exists')):
        refused(FILE, ['new', 'collector', 'mine', '-o', output], output, says)
    refused(ENVIRONMENT, ['new', 'collector', 'mine', '-o', 'mine'], 'File too large', before=small_files(3000))
    refused(ENVIRONMENT, ['new', 'collector', 'mine'], 'GCLAB_DATA', env={'GCLAB_DATA': '/nonexistent'})


# --- files of standard input and output --------------------------------------------------------

def closing(*numbers):
    def close():
        for number in numbers:
            os.close(number)
    return close


@kind
def stdin_that_is_closed():
    done = run(SMALL, SCRATCH, before=closing(0))
    expect(done.returncode == 0 and 'none@bare' in done.out and done.err == '', done.err)


@kind
def stdout_that_is_closed():
    for arguments in (SMALL, ['list'], ['--version']):
        refused(ENVIRONMENT, arguments, "stdout can't be written", before=closing(1))


@kind
def everything_closed():
    """What is opened meanwhile must not take its place."""
    path = os.path.join(tempfile.mkdtemp(dir=SCRATCH), 'x.jsonl')
    done = run([*SMALL, '--json', path], SCRATCH, before=closing(0, 1, 2))
    expect(done.returncode == ENVIRONMENT, f'status {done.returncode}')
    lines = content(path).decode().splitlines()
    expect([json.loads(line)['outcome'] for line in lines] == ['ok'], lines)


@kind
def reader_that_goes_away():
    """As in `gclab run | head -1`: an end by SIGPIPE, or where that is ignored, a sentence."""
    for ignored in (False, True):
        folder = tempfile.mkdtemp(dir=SCRATCH)
        reader, writer = os.pipe()
        os.close(reader)
        done = run([*SMALL, '--json', 'x'], folder, stdout=writer, restore_signals=not ignored)
        os.close(writer)
        if ignored:
            expect(done.returncode == ENVIRONMENT, f'status {done.returncode}')
            check_sentence(done.err, "stdout can't be written: Broken pipe")
        else:
            expect(done.returncode == -signal.SIGPIPE and done.err == '', done.err)
        expect(json.loads(content(os.path.join(folder, 'x')))['outcome'] == 'ok', 'the line is whole')


def ended_by(number):
    """The run ends in its second sample; the first one is not lost."""
    folder = tempfile.mkdtemp(dir=SCRATCH)
    path = os.path.join(folder, 'x.jsonl')

    def heed_signals():  # who started the tests may have had some ignored
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_DFL)

    with subprocess.Popen([GCLAB, *SMALL, '-w', 'gcbench:depth=24', '--json', path], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_signals) as process:
        deadline = time.monotonic() + 30
        while not (os.path.exists(path) and content(path)):
            expect(time.monotonic() < deadline, 'the first sample does not end')
            time.sleep(0.005)
        process.send_signal(number)
        out, err = (text.decode() for text in process.communicate(timeout=30))
    lines = content(path).decode()
    expect(lines.endswith('\n') and [json.loads(line)['workload'] for line in lines.splitlines()] == ['rings'],
           lines)
    return process.returncode, out, err


for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    def end_it(number=signal_number):
        status, out, err = ended_by(number)
        expect(status == 128 + number, f'status {status}')
        check_sentence(err, 'interrupted after 1 of 2 samples')
        expect('rings' in out and 'none@bare' in out, 'what was measured is printed')
    KINDS.append((f'a run ended by {signal_number.name}', end_it))


@kind
def a_run_that_is_killed():
    expect(ended_by(signal.SIGKILL)[0] == -signal.SIGKILL, 'it was not')


# --- too little of what the system gives -------------------------------------------------------

def limited(what, most):
    return lambda: resource.setrlimit(what, (most, most))


@kind
def too_few_files():
    """From what the loader needs on, each number of them that is too small."""
    seen = set()
    for most in range(5, 16):
        done = run(SMALL, SCRATCH, before=limited(resource.RLIMIT_NOFILE, most))
        if 'error while loading' in done.err:
            continue
        seen.add(done.returncode)
        if done.returncode != 0:
            expect(done.returncode == ENVIRONMENT, f'{most}: status {done.returncode}')
            check_sentence(done.err, 'Too many open files')
    expect(seen == {0, ENVIRONMENT}, seen)


@kind
def too_little_address_space():
    """Each time a result, or a sentence."""
    seen = set()
    for mebibytes in (8, 12, 16, 24, 40, 400):
        done = run([*SMALL, '-t', '4'], SCRATCH, before=limited(resource.RLIMIT_AS, mebibytes << 20))
        if 'error while loading' in done.err:
            continue
        seen.add(done.returncode)
        expect(done.returncode in (0, 1, ENVIRONMENT), f'{mebibytes} MiB: status {done.returncode}: {done.err}')
        if done.returncode == 1:
            expect(re.search(r'(failed|out of memory) \(1 of 1\): \w', done.out), done.out + done.err)
            expect('crash' not in done.out, done.out + done.err)
    expect(0 in seen and len(seen) > 1, seen)


@kind
def too_many_threads():
    done = run([*SMALL, '-t', '4096'], SCRATCH, before=limited(resource.RLIMIT_AS, 600 << 20))
    expect(done.returncode == 1, f'status {done.returncode}: {done.err}')
    expect(re.search(r"failed \(1 of 1\): thread \d+ of 4096 can't be started", done.out), done.out + done.err)


STAND_IN = r'''
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>
#include <dlfcn.h>
pid_t fork(void);
/* As where there are too many processes (RLIMIT_NPROC, which root is free of). */
pid_t fork(void) { errno = EAGAIN; return -1; }
int memfd_create(const char *name, unsigned flags);
int memfd_create(const char *name, unsigned flags) { (void)name; (void)flags; errno = ENOSYS; return -1; }
'''


@kind
def too_many_processes():
    source, library = written('stand_in.c', STAND_IN.encode()), os.path.join(SCRATCH, 'stand_in.so')
    subprocess.run([*os.environ.get('CC', 'cc').split(), '-shared', '-fPIC', '-o', library, source], check=True)
    done = refused(ENVIRONMENT, SMALL, "a process for a sample can't be made: Resource temporarily unavailable",
                   env={'LD_PRELOAD': library}, out=None)
    expect('none@bare' not in done.out, done.out)


# --- the kit -----------------------------------------------------------------------------------

KIT = re.compile('check: |program: |full disk: gclab check')


@kind
def a_kit_that_is_not_there():
    """It is looked for beside the program."""
    alone = shutil.copy(GCLAB, tempfile.mkdtemp(dir=SCRATCH))
    libraries = glob.glob(os.path.join(os.path.dirname(GCLAB), '..', '*', 'libgclab*.so'))
    done = subprocess.run([alone, 'check', '-c', 'none'], capture_output=True, check=False, timeout=20,
                          env={**os.environ, 'LD_LIBRARY_PATH': os.path.dirname((libraries or [''])[0])})
    expect(done.returncode == ENVIRONMENT, done.stderr.decode())
    check_sentence(done.stderr.decode(), 'check needs the checked flavour')


def k(*arguments):
    return ['check', '-c', 'refcount', *arguments]


table('check', USAGE, [
    ('no collector', ['check'], 'which collector?'),
    ('collector unknown', ['check', '-c', 'refcuont'], "'refcuont'"),
    ('option unknown', k('--frob'), '--frob'),
    ('no seed', k('--seed', 'x'), 'no number: x'),
    ('no minutes', k('--minutes', 'nan'), 'no number of minutes: nan'),
    ('negative minutes', k('--minutes', '-1'), 'no number of minutes: -1'),
    ('protocol unknown', k('-p', 'plian'), "'plian'"),
    ('two protocols', ['check', '-c', 'refcount@plain', '-p', 'atomic'], 'two protocols'),
    ('stray argument', k('x'), 'what is x for?'),
    ('object not named', ['explain', 'x', '-c', 'refcount'], '--object ID'),
])
table('check', FILE, [
    ('program missing', k('--replay', '/nonexistent.program'), '/nonexistent.program'),
    ('program is a folder', k('--replay', '/proc'), '/proc', 'Is a directory'),
])


BROKEN = ['check', '-q', '--no-conformance', '--seed', '60', '--count', '1', '--jobs', '1', '-c']


@kind
def check_whose_files_do_not_fit():
    """Whether a promise is broken or not: what can't be saved is said, and what was there stays."""
    broken = compiled('broken', 'BROKEN_PROMISE')
    for option, limit in (('--save', 40), ('--save', None), ('--tally', 400), ('--tally', None)):
        with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
            path = written('it', b'as before', folder) if limit else '/dev/full'
            elsewhere = ['--save', os.path.join(SCRATCH, 'elsewhere')] if option == '--tally' else []
            done = refused(ENVIRONMENT, [*BROKEN, broken, option, path, *elsewhere],
                           f"{path} can't be written: {'File too large' if limit else 'No space left'}",
                           folder=folder, out=None, before=small_files(limit) if limit else None)
            expect('a promise was broken' in done.out, done.out)
            if limit:
                expect(content(path) == b'as before', content(path))
    refused(ENVIRONMENT, [*k('--no-conformance', '-q', '--count', '1', '--jobs', '1'), '--tally', 'missing/x'],
            "missing/x can't be written: No such file", out=None)


def bad_programs():
    yield 'empty', b'', 'no operation'
    yield 'only comments', b'# nothing\n', 'no operation'
    yield 'text', b'this is no program\n', 'line 1'
    yield 'bytes', bytes(range(256)), 'line 1'
    yield 'with a zero byte', b'first: check\nfirst: drop\0at=1\n', 'line 2 has a zero byte'
    yield 'operation unknown', b'first: check\nfirst: frob\n', 'line 2', 'frob'
    yield 'no operation', b'first:\n', 'line 1'
    yield 'argument unknown', b'first: drop frob=1\n', 'line 1', 'frob=1'
    yield 'argument above its range', b'first: drop at=65536\n', 'line 1'
    yield 'argument negative', b'first: drop at=-1\n', 'line 1'
    yield 'argument empty', b'first: drop at=\n', 'line 1'
    yield 'setting unknown', b'run: frob=1\nfirst: check\n', 'line 1'
    yield 'schedule unknown', b'run: schedule=frob\nfirst: check\n', 'line 1'
    yield 'no thread', b'run: threads=0\nfirst: check\n', 'line 1'
    yield 'too many threads', b'run: threads=3\nfirst: check\n', 'line 1'
    yield 'word of 100000 letters', b'first: ' + b'x' * 100000, 'line 1'
    yield 'collector twice', b'collector: none\ncollector: none\nfirst: check\n', 'line 2'
    yield 'collector unknown', b'collector: nnoe\nfirst: check\n', "'nnoe'"


def refused_program(name, data, *says):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        path = written('bad.program', data, folder)
        more = ['check', '--replay', path] if name == 'collector unknown' else k('--replay', path)
        refused(USAGE if name == 'collector unknown' else FILE, more, *says)


for case, data_of_it, *what in bad_programs():
    KINDS.append((f'program: {case}', lambda n=case, d=data_of_it, s=tuple(what): refused_program(n, d, *s)))


# --- all of them -------------------------------------------------------------------------------

def main():
    global GCLAB, SCRATCH, CHECK, GOOD
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    GCLAB = os.path.abspath(sys.argv[1])
    for name in ('GCLAB_SNAPSHOT', 'GCLAB_DATA', 'GCLAB_PLUGIN_PATH'):
        os.environ.pop(name, None)
    kinds = [(name, function) for name, function in KINDS if not sys.argv[2:] or name in sys.argv[2:]]
    print(f'1..{len(kinds) + 1}')
    with tempfile.TemporaryDirectory() as SCRATCH:
        done = run([*SMALL, '--json', '-'], SCRATCH)
        CHECK = json.loads(done.out)['environment']['check_level']
        written('plugin.c', PLUGIN.encode(), SCRATCH)
        GOOD = compiled('good')

        has_kit = run(['check', '--help'], SCRATCH).returncode == 0

        def judge(entry):
            if not has_kit and KIT.match(entry[0]):
                return ''
            try:
                entry[1]()
                return None
            except Exception as wrong:        # whatever it is, it is no good answer
                return f'{type(wrong).__name__}: {wrong}'

        failed = 0
        with ThreadPoolExecutor(max_workers=2) as pool:
            for number, (entry, wrong) in enumerate(zip(kinds, pool.map(judge, kinds)), 1):
                print(f'{"not ok" if wrong else "ok"} {number} - {entry[0]}'
                      + (' # SKIP there is no kit in a release build' if wrong == '' else ''), flush=True)
                if wrong:
                    failed += 1
                    print('\n'.join('# ' + line for line in wrong.splitlines()))
        for folder, _, _ in os.walk(SCRATCH):
            os.chmod(folder, 0o700)
    enough = len(kinds) >= (1 if sys.argv[2:] else LEAST)
    print(f'{"ok" if enough else "not ok"} {len(kinds) + 1} - {len(kinds)} kinds of bad input were tried')
    return 1 if failed > 0 or not enough else 0


if __name__ == '__main__':
    sys.exit(main())
