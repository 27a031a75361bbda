# SPDX-License-Identifier: MIT
"""Tests of `gclab compare`, `export` and `report`, from outside: samples whose answers are
known go in, and what comes out is read by other readers than our own.

    python3 tests/test_analysis.py PATH-OF-GCLAB

Prints TAP.
"""
import base64
import csv
import gzip
import io
import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import traceback
import xml.etree.ElementTree
import zlib
from html.parser import HTMLParser

GCLAB = ''
SCRATCH = ''
CAUSES = ('stop', 'handshake', 'cascade', 'collection', 'allocation', 'barrier', 'lock',
          'backpressure')
ENVIRONMENT = {
    'gclab_version': '0.1.0', 'check_level': 0, 'compiler': 'gcc 12', 'build_type': 'release',
    'kernel': 'Linux 6', 'machine': 'x86_64', 'cpu': 'A CPU', 'cpus_online': 2, 'cpus_allowed': 2,
    'load_at_start': 0.25, 'governor': None, 'aslr': 2, 'transparent_huge_pages': 'madvise',
    'clock_source': 'tsc', 'steal_ticks': 0}


def stall(count=0, longest=None, **more):
    return {'count': count, 'total_ns': count * (longest or 0), 'max_ns': longest, 'total_work': 0,
            'max_work': None, 'p50_ns': None, 'p90_ns': None, 'p99_ns': None, 'p999_ns': None, **more}


def sample(collector='refcount', wall_ns=1000000, process=0, **changes):
    """A line as `gclab run --json` writes it."""
    line = {
        'schema': 1, 'started': '2026-11-29T09:00:%02dZ' % process, 'collector': collector,
        'protocol': 'plain', 'options': '', 'workload': 'rings', 'workload_options': '',
        'scale': 'fixed', 'threads': 1, 'heap_limit': None, 'seed': 1, 'process': process,
        'in_process': False, 'count_ops': False, 'outcome': 'ok', 'message': None,
        'checksum': '0123456789abcdef', 'wall_ns': wall_ns, 'cpu_ns': wall_ns, 'mutator_cpu_ns': wall_ns - 1000,
        'collector_cpu_ns': 1000, 'ops': 5000, 'unit': 'objects',
        'stalls': {cause: stall() for cause in CAUSES}, 'latency': None,
        'peak_heap_bytes': 1 << 20, 'peak_rss_bytes': 4 << 20, 'counters': {'stops': 3, 'stop_ns': 250000},
        'operations': None, 'collections': 3, 'allocated_objects': 5000, 'reclaimed': 5000,
        'planted': 5000, 'floating': 0, 'checks': None, 'environment': ENVIRONMENT}
    line.update(changes)
    return line


SPREAD = (0, 1000, -1000, 500, -500, 200)    # of processes, in ns


def samples(collector, wall_ns, spread=SPREAD, **changes):
    return [sample(collector, wall_ns + more, i, **changes) for i, more in enumerate(spread)]


def path(name):
    return os.path.join(SCRATCH, name)


def write(name, lines, tail=''):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    with open(path(name), 'w', encoding='utf-8') as file:
        file.write(''.join(json.dumps(line) + '\n' for line in lines) + tail)
    return path(name)


class Result:
    def __init__(self, process):
        self.status, self.out, self.err = process.returncode, process.stdout.decode(), process.stderr.decode()


def gclab(*arguments, status=0, stdin=None):
    """Runs gclab and checks its exit status."""
    result = Result(subprocess.run([GCLAB, *arguments], input=stdin.encode() if stdin else b'', timeout=30,
                                   capture_output=True, check=False))
    assert result.status == status, (
        f'{arguments}: status {result.status}, not {status}\n{result.out}{result.err}')
    if status != 0:
        sentences = [line for line in result.err.splitlines() if line.startswith('gclab')]
        assert len(sentences) == 1, result.err
    return result


def compared(*arguments):
    """{(workload, threads, metric): comparison} of the only pair."""
    value = json.loads(gclab('compare', *arguments, '--json').out)
    assert len(value['pairs']) == 1, value
    rows = value['pairs'][0]['comparisons']
    found = {(r['workload'], r['threads'], r['metric']): r for r in rows}
    assert len(found) == len(rows)
    return value, found


def near(a, b, tolerance):
    assert abs(a - b) <= tolerance, (a, b)


# compare ---------------------------------------------------------------------------------

def test_a_ratio_of_two_is_claimed():
    file = write('two.jsonl', samples('refcount', 1000000) + samples('slow', 2000000))
    _, rows = compared(file, '--baseline', 'refcount')
    wall = rows['rings', 1, 'wall_ns']
    near(wall['ratio']['value'], 2, 1e-3)
    assert 1.99 < wall['ratio']['low'] < 2 < wall['ratio']['high'] < 2.01, wall
    assert wall['verdict'] == 'slower', wall
    assert wall['base']['processes'] == wall['candidate']['processes'] == 6
    rate = rows['rings', 1, 'throughput_per_s']
    near(rate['base']['value'], 5e6, 1e3)
    near(rate['ratio']['value'], 0.5, 1e-3)
    assert rate['verdict'] == 'slower', rate
    heap = rows['rings', 1, 'peak_heap_bytes']
    assert (heap['ratio']['value'], heap['verdict']) == (1, 'no claim'), heap
    _, back = compared(file, '-b', 'slow@plain')
    assert back['rings', 1, 'wall_ns']['verdict'] == 'faster'
    text = gclab('compare', file, '-b', 'refcount').out
    assert re.search(r'^rings +1 +- +wall time, ms +1\.00 \+-0\.1 % +2\.00 \+-0\.\d % +2\.000 \[1\.99\d, 2\.00\d\] +'
                     r'slower$', text, re.MULTILINE), text


def test_the_interval_is_fiellers():
    # bench/analysis has the vector: [KJ13], 1.102 [1.07019, 1.13466]
    a = [sample('a', v * 1000, i) for i, v in enumerate((100, 102, 98, 101, 99))]
    b = [sample('b', v * 1000, i) for i, v in enumerate((110, 113, 108, 111, 109))]
    _, rows = compared(write('fieller.jsonl', a + b), '-b', 'a')
    ratio = rows['rings', 1, 'wall_ns']['ratio']
    near(ratio['value'], 1.102, 1e-6)
    near(ratio['low'], 1.07019, 1e-5)
    near(ratio['high'], 1.13466, 1e-5)


def test_nothing_is_claimed_where_intervals_overlap():
    wide = (0, 300000, -300000, 200000, -200000)
    file = write('overlap.jsonl', samples('a', 1000000, wide) + samples('b', 1100000, wide))
    _, rows = compared(file, '-b', 'a')
    assert rows['rings', 1, 'wall_ns']['verdict'] == 'no claim', rows
    assert 'no claim' in gclab('compare', file, '-b', 'a').out


def test_two_files_are_compared_by_collector():
    before = write('before.jsonl', samples('x', 2000000) + samples('y', 1000000))
    after = write('after.jsonl', samples('x', 1000000) + samples('y', 1000000) + samples('z', 1))
    value = json.loads(gclab('compare', before, after, '--json').out)
    verdicts = {p['candidate']: [c['verdict'] for c in p['comparisons'] if c['metric'] == 'wall_ns']
                for p in value['pairs']}
    assert verdicts == {'x@plain': ['faster'], 'y@plain': ['no claim']}, verdicts
    one, other = write('one.jsonl', samples('x', 1000000)), write('other.jsonl', samples('y', 2000000))
    _, rows = compared(one, other)
    assert rows['rings', 1, 'wall_ns']['verdict'] == 'slower'
    assert 'no collector in common' in gclab('compare', before, write('w.jsonl', samples('w', 5000)), status=3).err


def test_options_and_threads_are_told_apart():
    lines = []
    for threads in (1, 2):
        lines += samples('g', 1000000, threads=threads)
        lines += samples('g', 1000000 * 2 * threads, threads=threads, options='threshold0=2000')
    file = write('options.jsonl', lines)
    _, rows = compared(file, '-b', 'g@plain')
    near(rows['rings', 1, 'wall_ns']['ratio']['value'], 2, 1e-3)
    near(rows['rings', 2, 'wall_ns']['ratio']['value'], 4, 1e-3)
    _, rows = compared(file, '-b', 'g@plain:threshold0=2000')
    near(rows['rings', 1, 'wall_ns']['ratio']['value'], .5, 1e-3)
    assert 'more than one' in gclab('compare', file, '-b', 'g', status=2).err
    assert 'g@plain:threshold0=2000' in gclab('compare', file, '-b', 'h', status=2).err


def test_geometric_means_are_of_all_workloads():
    lines = []
    for workload, factor in (('rings', 2), ('cache', 8), ('tree', 4)):
        lines += samples('a', 1000000, workload=workload) + samples('b', 1000000 * factor, workload=workload)
    value, _ = compared(write('geometric.jsonl', lines), '-b', 'a')
    means = {m['metric']: m for m in value['pairs'][0]['geometric_means']}
    wall = means['wall_ns']
    near(wall['ratio']['value'], 4, 1e-2)
    assert 3.99 < wall['ratio']['low'] <= wall['ratio']['high'] < 4.01, wall
    assert (wall['workloads'], wall['left_out'], wall['verdict']) == (3, 0, 'slower'), wall
    assert means['throughput_per_s']['verdict'] == 'slower'
    assert means['peak_heap_bytes']['verdict'] == 'no claim'


def test_no_stop_is_shorter_than_any():
    stopped = {**{cause: stall() for cause in CAUSES}}
    lines = samples('free', 1000000)
    for i, line in enumerate(samples('stops', 1000000)):
        lines.append({**line, 'stalls': {**stopped, 'stop': stall(4, 50000 + i)}})
    _, rows = compared(write('stops.jsonl', lines), '-b', 'stops')
    stop = rows['rings', 1, 'longest_stop_ns']
    assert (stop['candidate']['value'], stop['verdict']) == (0, 'shorter'), stop
    _, rows = compared(path('stops.jsonl'), '-b', 'free')
    stop = rows['rings', 1, 'longest_stop_ns']
    assert (stop['ratio']['value'], stop['verdict']) == (None, 'longer'), stop


def test_builds_are_a_level_of_their_own():
    # processes of a build agree, builds do not: with processes alone there would be a claim
    lines = []
    for build in range(4):
        for process in range(5):
            lines.append(sample('a', 1000000 + build * 100000 + process, process, build=build))
            lines.append(sample('b', 1120000 + build * 100000 + process, process, build=build))
    _, rows = compared(write('builds.jsonl', lines), '-b', 'a')
    assert rows['rings', 1, 'wall_ns']['verdict'] == 'no claim', rows
    without = [{k: v for k, v in line.items() if k != 'build'} for line in lines]
    _, rows = compared(write('without.jsonl', without), '-b', 'a')
    assert rows['rings', 1, 'wall_ns']['verdict'] == 'slower', rows


def test_warnings_name_what_is_wrong():
    lines = samples('a', 1000000)[:3] + samples('b', 2000000)
    lines[0] = {**lines[0], 'environment': {**ENVIRONMENT, 'check_level': 1}}
    lines[1]['disturbed'] = True
    lines[4] = {**lines[4], 'environment': {**ENVIRONMENT, 'cpu': 'Another CPU'}}
    lines[5]['outcome'] = 'crash'
    lines[6]['quick'] = True
    file = write('warned.jsonl', lines)
    value, _ = compared(file, '-b', 'a')
    text = '\n'.join(value['warnings'])
    for part in ('1 of 9 samples are of a build that checks', '1 of 9 samples are disturbed',
                 '1 of 9 samples are of an experiment in its quick form', 'fewer than 5 processes (the least: 3)', 'Another CPU', 'outcome other than ok'):
        assert part in text, (part, text)
    assert gclab('compare', file, '-b', 'a').err.count('gclab: warning: ') == len(value['warnings'])
    value, _ = compared(path('two.jsonl'), '-b', 'refcount')
    assert value['warnings'] == [], value['warnings']
    here = write('here.jsonl', samples('a', 1000000))
    there = write('there.jsonl', samples('a', 1000000, environment={**ENVIRONMENT, 'cpus_online': 64}))
    value, _ = compared(here, there)
    assert 'different machines' in value['warnings'][0], value


def test_a_difference_is_explained_by_operations():
    names = ('sets', 'moves', 'loads', 'loads_shared', 'loads_weak', 'stores', 'stores_shared', 'stores_new', 'gives',
             'exchanges', 'compare_exchanges', 'objects', 'polls')
    counts = {**{name: 0 for name in names}, 'sets': 1000, 'moves': 400, 'gives': 100, 'loads_weak': 7}
    units = [{'name': 'micro/%s/%s/real_time/threads:%d' % (loop, protocol, threads), 'run_type': kind,
              'threads': threads, 'ns': ns}
             for loop, protocol, threads, kind, ns in (
                 ('copy', 'plain', 1, 'iteration', 1.5), ('copy', 'plain', 1, 'iteration', 2.5),
                 ('copy', 'plain', 1, 'aggregate', 99), ('copy_same', 'plain', 1, 'iteration', 99),
                 ('copy', 'plain', 2, 'iteration', 99), ('copy', 'atomic', 1, 'iteration', 10),
                 ('move', 'plain', 1, 'iteration', 4), ('move', 'atomic', 1, 'iteration', 4),
                 ('give', 'plain', 1, 'iteration', 5), ('give', 'atomic', 1, 'iteration', 30))]
    with open(path('units.json'), 'w', encoding='utf-8') as file:
        json.dump({'context': {}, 'benchmarks': units}, file)
    lines = []
    for collector, protocol, wall, collections in (('a', 'plain', 1000000, 1000), ('b', 'atomic', 1020000, 4000)):
        lines += samples(collector, wall, protocol=protocol, collector_cpu_ns=collections)
        lines.append({**sample(collector, 0, protocol=protocol, count_ops=True, operations=counts), 'wall_ns': None,
                      'cpu_ns': None})
    arguments = ('compare', write('explained.jsonl', lines), '-b', 'a', '--explain', path('units.json'))
    found = json.loads(gclab(*arguments, '--json').out)['explanations']
    assert len(found) == 1, found
    terms = {t['operation']: t for t in found[0]['terms']}
    assert set(terms) == set(names)
    assert (terms['sets']['base_ns'], terms['sets']['candidate_ns'], terms['sets']['difference_ns']) == (2, 10, 8000)
    assert (terms['moves']['base_ns'], terms['moves']['difference_ns']) == (2, 0)
    assert (terms['gives']['base_ns'], terms['gives']['difference_ns']) == (3, 1700)    # 100 x ((30 - 10) - (5 - 2))
    assert terms['loads_weak']['difference_ns'] is None and terms['stores']['difference_ns'] == 0
    assert found[0]['collections_ns'] == 3000 and found[0]['explained_ns'] == 12700
    near(found[0]['difference_ns'], 20000, 1)
    near(found[0]['rest_ns'], 7300, 1)
    assert found[0]['difference_low_ns'] < 20000 < found[0]['difference_high_ns']
    text = gclab(*arguments).out
    assert re.search(r'^sets +1000 x 2.00 ns +1000 x 10.0 ns|^sets +1.00k x 2.00 ns +1.00k x 10.00 ns +\+0.008$', text,
                     re.MULTILINE), text
    assert re.search(r'^loads_weak +7 x \? +7 x \? +-$', text, re.MULTILINE), text
    assert re.search(r'^\+ unexplained rest +\+0.007$', text, re.MULTILINE), text
    assert 'count-ops' in gclab('compare', path('two.jsonl'), '-b', 'slow', '--explain', path('units.json'), status=3).err
    gclab(*arguments[:-1], path('two.jsonl'), status=3)
    gclab(*arguments[:-1], path('nowhere'), status=3)


# reading ---------------------------------------------------------------------------------

def test_a_folder_is_all_its_samples_and_a_cell_its_last():
    write('sweep/samples-1.jsonl', [
        {**line, 'cell': 'a%d' % i, 'block': 0, 'unknown': {'x': [1]}}
        for i, line in enumerate(samples('a', 1000000))])
    again = [{**sample('a', 3000000), 'cell': 'a0'}]
    write('sweep/samples-2.jsonl', again + [
        {**line, 'cell': 'b%d' % i} for i, line in enumerate(samples('b', 1000000))])
    write('sweep/notes.txt', [], 'no sample\n')
    rows = list(csv.DictReader(io.StringIO(gclab('export', 'csv', path('sweep')).out)))
    assert len(rows) == 12, len(rows)
    walls = {row['cell']: int(row['wall_ns']) for row in rows}
    assert walls['a0'] == 3000000 and walls['b0'] == 1000000 and len(walls) == 12, walls
    os.makedirs(path('empty'), exist_ok=True)
    assert 'samples*.jsonl' in gclab('export', 'csv', path('empty'), status=3).err


def test_bad_input_is_one_sentence():
    good = sample()
    torn = write('torn.jsonl', [good], json.dumps(good)[:100])
    for arguments in (('compare', torn, '-b', 'a'), ('export', 'csv', torn), ('report', torn, '-o', path('r.html'))):
        assert 'torn.jsonl:2: is torn' in gclab(*arguments, status=3).err
    assert not os.path.exists(path('r.html'))

    def refused(text, *parts):
        with open(path('bad.jsonl'), 'w', encoding='utf-8') as file:
            file.write(text)
        err = gclab('export', 'csv', path('bad.jsonl'), status=3).err
        for part in parts:
            assert part in err, (part, err)
    refused(json.dumps({**good, 'schema': 2}) + '\n', ':1: ', 'schema 2', 'reads 1')
    refused('{"a": }\n', ':1: ', 'no line of JSON')
    refused('\n[1]\n', ':2: ', 'is no sample')
    refused(json.dumps({k: v for k, v in good.items() if k != 'workload'}) + '\n', 'no workload')
    refused(json.dumps({**good, 'threads': 'two'}) + '\n', 'number of threads')
    refused('', 'holds no sample')
    gclab('compare', path('nowhere'), '-b', 'a', status=3)
    gclab('compare', path('two.jsonl'), status=2)
    gclab('export', 'csv', path('two.jsonl'), '-t', '0', status=2)
    gclab('export', 'xml', path('two.jsonl'), status=2)
    gclab('export', 'csv', path('two.jsonl'), '-o', path('no/folder'), status=4)
    gclab('export', 'csv', path('two.jsonl'), '-c', 'nobody', status=3)
    large = gclab('export', 'csv', '-', stdin=json.dumps({**good, 'seed': 2**64 - 1}) + '\n').out
    assert len(large.splitlines()) == 2


# export ----------------------------------------------------------------------------------

def test_csv_is_what_its_schema_says():
    schema = list(csv.DictReader(io.StringIO(gclab('export', '--schema').out)))
    assert set(schema[0]) == {'field', 'unit', 'meaning'} and all(r['meaning'] for r in schema)
    fields = [r['field'] for r in schema]
    assert len(fields) == len(set(fields))
    lines = samples('a', 1234567, message='one, "two"\nthree') + samples(
        'b', 2000000, counters={'own': 7}, latency={'of': 'lookup', 'count': 10, 'max_ns': 99, 'p50_ns': 5})
    gclab('export', 'csv', write('csv.jsonl', lines), '-o', path('out.csv'))
    with open(path('out.csv'), encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(lines)
    known = [f for f in fields if not f.endswith('*')]
    columns = list(rows[0])
    assert columns[:len(known)] == known, columns
    assert columns[len(known):] == ['counter_stops', 'counter_stop_ns', 'counter_own'], columns
    assert all(None not in row and None not in row.values() for row in rows), 'a ragged row'
    assert rows[0]['wall_ns'] == '1234567' and rows[0]['message'] == 'one, "two"\nthree'
    assert rows[0]['heap_limit_bytes'] == '' and rows[0]['in_process'] == 'false'
    near(float(rows[0]['throughput_per_s']), 5000 / 1234567e-9, 1e-3)
    assert rows[0]['counter_stop_ns'] == '250000' and rows[0]['counter_own'] == ''
    assert rows[6]['counter_own'] == '7' and rows[6]['latency_p50_ns'] == '5'


def test_google_benchmark_knows_its_fields():
    lines = samples('a', 1500000) + [{**sample('a', 0, 6, outcome='crash', message='it fell'), 'wall_ns': None}]
    lines += samples('b', 2000000, heap_limit=1 << 26, threads=2)
    value = json.loads(gclab('export', 'benchmark', write('gb.jsonl', lines)).out)
    assert value['context']['num_cpus'] == 2 and value['context']['library_build_type'] == 'release'
    rows = value['benchmarks']
    assert len(rows) == 13
    for row in rows:
        for name in ('name', 'run_name', 'run_type', 'repetitions', 'repetition_index', 'threads', 'iterations',
                     'real_time', 'cpu_time', 'time_unit', 'family_index'):
            assert name in row, name
        assert row['time_unit'] == 'ns' and row['run_type'] == 'iteration' and row['name'] == row['run_name']
    assert rows[0]['name'] == 'rings/a@plain/threads:1' and rows[0]['repetitions'] == 7
    assert [r['repetition_index'] for r in rows] == [*range(7), *range(6)]
    assert [r['family_index'] for r in rows] == [0] * 7 + [1] * 6
    assert rows[0]['real_time'] == 1500000 and rows[0]['cpu_time'] == 1500000
    near(rows[0]['ops/s'], 5000 / 1.5e-3, 10)
    assert rows[6]['error_occurred'] is True and rows[6]['error_message'] == 'it fell'
    assert rows[7]['name'] == 'rings/b@plain/threads:2/heap:67108864'


RUNNING_NAME = re.compile(r'^(\w+)\.(\d+)\.(\d+)\.([a-zA-Z0-9_\-\.\:\,]+)\.log\.gz$')


def test_running_writes_what_plotty_reads():
    latency = {'of': 'lookup', 'count': 500, 'max_ns': 9000, 'p50_ns': 1000, 'p90_ns': 2000, 'p99_ns': None,
               'p999_ns': None}
    lines = samples('a', 104000000, latency=latency)
    lines.append({**sample('b', 0, options='k=1.5:m=x/y', workload_options='n=3', heap_limit=64 << 20,
                           threads=2, outcome='out of memory'), 'wall_ns': None})
    gclab('export', 'running', write('running.jsonl', lines), '-o', path('running'))
    names = sorted(os.listdir(path('running')))
    assert names == ['rings.0.0.a.protocol-plain.threads-1.log.gz',
                     'rings.0.64.b.protocol-plain.threads-2.heap_kib-65536.k-1_5.m-x_y.workload_n-3.log.gz'], names
    assert all(RUNNING_NAME.match(name) for name in names)
    with gzip.open(path('running/' + names[0]), 'rt', encoding='utf-8') as file:
        text = file.read().splitlines()
    assert len(text) == 7 * 6
    assert text[0] == '===== gclab 1.0 rings starting ====='
    assert re.fullmatch(r'={28} Tabulate Statistics ={28}', text[1]), text[1]
    figures = dict(zip(text[2].split('\t'), text[3].split('\t')))
    assert figures['pauses'] == '3' and float(figures['time.stw']) == .25
    near(float(figures['time.other']), 103.75, 1e-6)
    assert figures['PERF_COUNT_SW_TASK_CLOCK.other'] == '103999000'
    assert figures['PERF_COUNT_SW_TASK_CLOCK.stw'] == '1000'
    assert re.fullmatch(r'-{26} End Tabulate Statistics -{26}', text[4]), text[4]
    assert text[5] == ('===== DaCapo simple tail latency: 50% 1 usec, 90% 2 usec, max 9 usec, '
                       'measured over 500 events =====')
    assert text[6] == '===== gclab 1.0 rings PASSED in 104 msec ====='
    with gzip.open(path('running/' + names[1]), 'rt', encoding='utf-8') as file:
        text = file.read().splitlines()
    assert text == ['===== gclab 1.0 rings starting =====', 'ran out of memory',
                    '===== gclab 1.0 rings FAILED ====='], text
    gclab('export', 'running', path('running.jsonl'), '-o', path('running'), status=4)
    assert sorted(os.listdir(path('running'))) == names
    assert not [n for n in os.listdir(SCRATCH) if n.startswith('running.') and n != 'running.jsonl']


def decode_histogram(text):
    """{lowest value of a bucket: count} of HdrHistogram's V2 encoding, and its highest value."""
    packed = base64.b64decode(text, validate=True)
    cookie, length = struct.unpack('>ii', packed[:8])
    assert cookie == 0x1c849314 and length == len(packed) - 8
    raw = zlib.decompress(packed[8:])
    cookie, length, shift, digits, low, high, ratio = struct.unpack('>iiiiqqd', raw[:40])
    assert (cookie, shift, digits, low, ratio) == (0x1c849313, 0, 2, 1, 1.0) and length == len(raw) - 40
    half = 2 ** math.ceil(math.log2(2 * 10 ** digits)) // 2
    at, index, found = 40, 0, {}
    while at < len(raw):
        bits = n = 0
        while True:
            byte = raw[at]
            at += 1
            if n == 8:    # the ninth byte holds eight bits
                bits |= byte << 56
                break
            bits |= (byte & 0x7f) << 7 * n
            n += 1
            if byte < 0x80:
                break
        value = bits >> 1 ^ -(bits & 1)
        if value < 0:
            index -= value
            continue
        bucket = index // half - 1
        lowest = index if bucket < 1 else (index % half + half) << bucket
        found[lowest] = value
        index += 1
    return found, high


def test_hlog_is_decoded_by_another_decoder():
    stops = [[100, 2], [256, 300], [510, 1], [1 << 20, 70000]]
    locks = [[100, 1], [255 << 35, 4]]
    requests = [[7, 1], [0, 3]]
    stalls = {cause: stall() for cause in CAUSES}
    stalls['stop']['histogram'], stalls['lock']['histogram'] = stops, locks
    lines = [sample('a', 2500000000, i, stalls=stalls, latency={'of': 'x', 'count': 4, 'histogram': requests})
             for i in range(2)]
    text = gclab('export', 'hlog', write('hlog.jsonl', lines)).out.splitlines()
    assert text[0] == '#[Histogram log format version 1.3]'
    assert re.fullmatch(r'#\[StartTime: 1795942800\.000 \(seconds since epoch\)\]', text[1]), text[1]
    assert text[3] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    rows = [re.fullmatch(r'(?:Tag=([^,\s]+),)?([\d.]+),([\d.]+),([\d.]+),(HISTFAAA\S+)', line).groups()
            for line in text[4:]]
    tags = [row[0] and row[0].split('/')[-1] for row in rows]
    assert tags == ['stop', 'lock', 'latency', None] * 2, tags
    assert rows[0][0] == 'rings/a@plain/threads:1/stop'
    assert [row[1] for row in rows] == ['0.000'] * 4 + ['1.000'] * 4
    assert rows[0][2] == '2.500'
    assert decode_histogram(rows[0][4])[0] == dict(map(tuple, stops))
    found, high = decode_histogram(rows[1][4])
    assert found == dict(map(tuple, locks)) and high >= 255 << 35
    assert decode_histogram(rows[2][4])[0] == dict(map(tuple, requests))
    both = {100: 3, 256: 300, 510: 1, 1 << 20: 70000, 255 << 35: 4}
    assert decode_histogram(rows[3][4])[0] == both
    near(float(rows[0][3]), ((1 << 20) + (1 << 13) - 1) / 1e6, 1e-3)
    assert 'only percentiles' in gclab('export', 'hlog', path('two.jsonl'), status=3).err
    stalls['stop']['histogram'] = [[257, 1]]
    err = gclab('export', 'hlog', write('odd.jsonl', [sample(stalls=stalls)]), status=3).err
    assert 'odd.jsonl:1: the histogram of stop' in err, err


# report ----------------------------------------------------------------------------------

VOID = {'meta', 'link', 'br', 'hr', 'img', 'input'}
SVG = '{http://www.w3.org/2000/svg}'


class Page(HTMLParser):
    """A page as tables of texts, headings and ids; its elements must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tables, self.ids, self.figures, self.texts = [], [], [], [], {}
        self.feed(text)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if 'id' in attributes:
            self.ids.append(attributes['id'])
        for name in ('src', 'href', 'xlink:href'):
            assert attributes.get(name, 'data:').startswith(('data:', '#')), attributes
        assert tag not in ('script', 'iframe', 'object', 'embed', 'img'), tag
        if tag == 'table':
            self.tables.append([])
        elif tag == 'tr':
            self.tables[-1].append([])
        elif tag in ('td', 'th'):
            self.tables[-1][-1].append('')
        elif tag == 'figure':
            self.figures.append(set())
        if self.figures and tag in ('svg', 'title', 'desc', 'table', 'pre'):
            self.figures[-1].add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert 'svg' in self.open, tag

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)
            if self.open[-1] in ('td', 'th'):
                self.tables[-1][-1][-1] += data


def reported(name, lines, *arguments):
    """The page of these samples, and {file: root} of its figures."""
    folder = path('report-' + name)
    os.makedirs(folder, exist_ok=True)
    file = write('report-%s.jsonl' % name, lines)
    gclab('report', file, '-o', os.path.join(folder, 'page.html'), *arguments)
    with open(os.path.join(folder, 'page.html'), encoding='utf-8') as page:
        text = page.read()
    assert not re.search(r'https?://|@import|url\(', text), 'a resource from elsewhere'
    figures = {n: xml.etree.ElementTree.parse(os.path.join(folder, n)).getroot()
               for n in sorted(os.listdir(folder)) if n != 'page.html'}
    for root in figures.values():
        assert root.tag == SVG + 'svg' and root.get('role') == 'img'
        labels = root.get('aria-labelledby').split()
        assert [root.find(SVG + t).get('id') for t in ('title', 'desc')] == labels
        assert all(root.find(SVG + t).text for t in ('title', 'desc'))
    return Page(text), figures, text


def test_a_report_says_who_is_best():
    lines = []
    for threads in (1, 2):
        lines += samples('slow', 2000000, threads=threads, peak_heap_bytes=1 << 20)
        lines += samples('fast', 1000000, threads=threads, peak_heap_bytes=2 << 20)
    page, figures, text = reported('best', lines)
    summary = page.tables[0]
    assert [len(row) for row in summary] == [7, 7, 7]
    for threads, row in zip('12', summary[1:]):
        assert row[:3] == [threads, 'no limit', 'rings'], row
        assert row[3] == 'fast@plain (2 x slow@plain)', row
        assert row[4] == row[5] == '0 each: slow@plain, fast@plain', row
        assert row[6] == 'slow@plain (0.5 x fast@plain)', row
    assert len(page.figures) == len(figures) >= 4, figures.keys()
    assert all(f == {'svg', 'title', 'desc', 'table', 'pre'} for f in page.figures), page.figures
    assert len(page.ids) == len(set(page.ids))
    assert all(name.startswith('page-f') and name in text for name in figures)
    assert any('prefers-color-scheme:dark' in style for style in page.texts['style'])
    assert 'width=device-width' in text and 'A CPU' in text
    assert ('gclab run -c slow@plain -c fast@plain -w rings -t 1,2 -n 6 --seed 1 --json samples.jsonl'
            in page.texts['pre']), page.texts['pre']
    throughput = [t for t in page.tables if t[0] == ['collector', '1', '2']][0]
    assert throughput[2][0] == 'fast@plain' and throughput[2][1].startswith('5.00M ['), throughput


def test_a_report_claims_nothing_where_intervals_overlap():
    wide = (0, 300000, -300000, 200000, -200000)
    lines = samples('a', 1000000, wide) + samples('b', 1100000, wide)
    page, _, _ = reported('overlap', lines)
    assert page.tables[0][1][3] == 'no claim: a@plain, b@plain', page.tables[0]
    alone, _, text = reported('alone', samples('a', 1000000))
    assert 'nothing to choose from' in text and alone.figures


def test_a_report_is_whole_with_heaps_latencies_and_odd_names():
    latency = {'of': 'lookup', 'count': 10000, 'max_ns': 90000, 'p50_ns': 1000, 'p90_ns': 2000,
               'p99_ns': 5000, 'p999_ns': 20000}
    stalls = {cause: stall() for cause in CAUSES}
    stalls['stop'] = stall(5000, 80000, p50_ns=100, p90_ns=1000, p99_ns=10000, p999_ns=50000)
    lines = []
    for heap in (16 << 20, 32 << 20, 64 << 20):
        for collector in ('a', 'b'):
            lines += samples(collector, 1000000 + heap // 64, heap_limit=heap, latency=latency, stalls=stalls,
                             workload_options='file=<&">')
    page, figures, _ = reported('heaps', lines, '--title', 'A <b> & "c"')
    kinds = {re.sub(r'^page-f\d\d-rings-file------', '', n) for n in figures}
    assert kinds == {'throughput.svg', 'longest-stop.svg', 'longest-stall.svg', 'peak-heap.svg', 'stops-1.svg',
                     'requests-1.svg', 'heap-1.svg'}, kinds
    assert 'A <b> & "c"' in page.texts['h1'], page.texts['h1']
    heap = [t for t in page.tables if t[0] == ['collector', '16.0M', '32.0M', '64.0M']]
    assert len(heap) == 1 and heap[0][1][0] == 'a@plain', heap
    requests = [t for t in page.tables if t[0][1:] == ['50 %', '90 %', '99 %', '99.9 %', 'longest']]
    assert {tuple(t[1]) for t in requests} == {
        ('a@plain', '1.00', '2.00', '5.00', '20.0', '90.0'),
        ('a@plain', '<.001', '0.001', '0.010', '0.050', '0.080')}, requests
    assert [row[1] for row in page.tables[0]] == ['heap', '16.0M', '32.0M', '64.0M'], page.tables[0]


def test_heaps_by_factor_are_the_same_for_all_workloads():
    lines = []
    for workload, minimum in (('rings', 1 << 20), ('cache', 3 << 20)):
        for factor in (1.5, 2, 3):
            heap = {'workload': workload, 'heap_factor': factor, 'heap_limit': int(minimum * factor), 'threads': 2}
            lines += samples('a', 1000000, **heap) + samples('b', int(1000000 * factor), **heap)
    value = json.loads(gclab('compare', write('factors.jsonl', lines[:24]), '-b', 'a', '--json').out)
    assert not value['pairs'][0]['geometric_means']
    value = json.loads(gclab('compare', write('factors.jsonl', lines), '-b', 'a', '--json').out)
    means = {m['heap_factor']: m for m in value['pairs'][0]['geometric_means'] if m['metric'] == 'wall_ns'}
    assert sorted(means) == [1.5, 2, 3] and all(m['workloads'] == 2 for m in means.values())
    near(means[3]['ratio']['value'], 3, 1e-2)
    page, figures, text = reported('factors', lines)
    assert [row[1] for row in page.tables[0]] == ['heap', *(['1.5x'] * 3), *(['2x'] * 3), *(['3x'] * 3)]
    assert len([n for n in figures if n.endswith('heap-factor-2.svg')]) == 2
    assert text.count(' --heap 1.5x --seed 1') == 2 and ' --heap 3x ' in text


def test_a_report_that_cant_be_made_leaves_nothing():
    file = path('two.jsonl')
    gclab('report', file, status=2)
    gclab('report', file, '-o', path('no/folder.html'), status=4)
    os.makedirs(path('blocked/page.html'), exist_ok=True)
    gclab('report', file, '-o', path('blocked/page.html'), status=4)
    assert os.listdir(path('blocked')) == ['page.html']
    failed = write('failed.jsonl', [{**sample(outcome='crash'), 'wall_ns': None}])
    assert 'has ended well' in gclab('report', failed, '-o', path('failed.html'), status=3).err
    assert not os.path.exists(path('failed.html'))


# -----------------------------------------------------------------------------------------

def main():
    global GCLAB, SCRATCH    # pylint: disable=global-statement
    GCLAB = os.path.abspath(sys.argv[1])
    tests = [(name[5:].replace('_', ' '), function) for name, function in globals().items()
             if name.startswith('test_')]
    print('1..%d' % len(tests))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        SCRATCH = folder
        for number, (name, function) in enumerate(tests, 1):
            try:
                function()
                print('ok %d - %s' % (number, name))
            except Exception:    # pylint: disable=broad-except
                failed += 1
                print('not ok %d - %s' % (number, name))
                for line in traceback.format_exc().splitlines():
                    print('# ' + line)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
