#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of `gclab reproduce` and `gclab new paper`, from outside: what is measured decides, and what does not decide is
said. Usage: test_reproduce.py GCLAB"""
import json
import os
import re
import subprocess
import sys
import tempfile

PAPERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'papers')
GCLAB = os.path.abspath(sys.argv[1])

EXPERIMENT = """
experiment: tried
collectors: [refcount@plain, generational@plain]
workloads: ["rings:k=4:count=2000"]
processes: 3
"""
CLAIMS = """
paper: Tried26
groups:
  counted: {collector: refcount@plain, workload: rings}
  collected: {collector: generational, workload: "rings:k=4"}
  nobody: {collector: mark_sweep, workload: rings}
  several: {collector: refcount, workload: rings, threads: 7}
claims:
"""
A_CLAIM = """
  - {id: %s, grade: %s, says: It is so., source: %s, published: "17 %%", place: table 3, holds: "%s", shows: ["%s"]}
"""


def run(*arguments, status=0):
    done = subprocess.run([GCLAB, *arguments], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
    said, complained = done.stdout.decode(), done.stderr.decode()
    assert status is None or done.returncode == status, (arguments, done.returncode, said, complained)
    return said, complained


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def make_paper(folder, *claims):
    paper = os.path.join(folder, 'Tried26')
    write(os.path.join(paper, 'experiment.yaml'), EXPERIMENT)
    write(os.path.join(paper, 'claims.yaml'), CLAIMS + ''.join(A_CLAIM % claim for claim in claims))
    return paper


def grades(folder):
    with open(os.path.join(folder, 'Tried26', 'grades.json'), encoding='utf-8') as file:
        return {claim['id']: claim for claim in json.load(file)['claims']}


def what_is_measured_decides(folder):
    paper, out = make_paper(
        folder,
        ('right', 'D', 'full text', 'collected.reclaimed == collected.planted', 'collected.planted'),
        ('wrong', 'D', 'from memory', 'counted.reclaimed == counted.planted', 'counted.reclaimed'),
        ('same', 'S', 'abstract', 'ratio(collected.ops, counted.ops) <= 1', 'ratio(collected.ops, counted.ops)'),
        ('unknown', 'D', 'abstract', 'nobody.planted > 0', 'nobody.planted')), os.path.join(folder, 'out')
    said, _ = run('reproduce', paper, '-o', out, status=1)
    found = grades(out)
    assert [found[name]['verdict'] for name in ('right', 'wrong', 'same', 'unknown')] == [
        'PASS', 'FAIL', 'PASS', 'INCONCLUSIVE'], found
    assert found['right']['measured'] == [{'what': 'collected.planted', 'low': 8001, 'high': 8001}]
    assert found['wrong']['measured'][0]['low'] == found['wrong']['measured'][0]['high'] == 1
    assert found['same']['measured'][0]['low'] == found['same']['measured'][0]['high'] == 1
    assert 'no sample of nobody' in found['unknown']['why'] and found['right']['why'] is None
    assert '2 claims PASS, 1 FAIL, 1 INCONCLUSIVE' in said
    # what is known from memory is never printed as published
    assert found['wrong']['published'] is None and found['right']['published'] == '17 %'
    assert said.count('17 %') == 3 and 'published: not quoted' in said


def what_is_there_is_graded_again(folder):
    paper = make_paper(folder, ('a', 'D', 'abstract', 'counted.ops == 8k', 'counted.ops'))
    out = os.path.join(folder, 'out')
    run('reproduce', paper, '-o', out)
    samples = os.path.join(out, 'Tried26', 'experiment', 'samples.jsonl')
    with open(samples, encoding='utf-8') as file:
        lines = file.read().splitlines(True)
    assert len(lines) == 6
    run('reproduce', paper, '-o', out)
    with open(samples, encoding='utf-8') as file:
        assert file.read().splitlines(True) == lines  # nothing was run again
    make_paper(folder, ('a', 'D', 'abstract', 'counted.ops == 9k', 'counted.ops'))
    run('reproduce', paper, '-o', out, '--grade', status=1)
    # one process counts something else: then counts do not decide
    changed = json.loads(lines[-1])
    with open(samples, 'w', encoding='utf-8') as file:
        file.write(''.join(lines[:-1]) + json.dumps(dict(changed, ops=changed['ops'] + 1000)) + '\n')
    group = 'counted' if changed['collector'] == 'refcount' else 'collected'
    make_paper(folder, ('a', 'D', 'abstract', '%s.ops == 9k' % group, group + '.ops'))
    run('reproduce', paper, '-o', out, '--grade')
    claim = grades(out)['a']
    assert (claim['verdict'], claim['why']) == ('INCONCLUSIVE', 'processes differ'), claim
    assert claim['measured'] == [{'what': group + '.ops', 'low': 8000, 'high': 9000}]


def intervals_decide_where_times_vary(folder):
    paper, out = make_paper(
        folder, *((name, 'R', 'abstract', 'ratio(collected.wall_ns, counted.wall_ns) ' + condition,
                   'ratio(collected.wall_ns, counted.wall_ns)')
                  for name, condition in (('above', '> 1.9'), ('below', '< 1.5'), ('within', '<= 2')))), os.path.join(folder, 'out')
    run('reproduce', paper, '-o', out, status=None)
    samples = os.path.join(out, 'Tried26', 'experiment', 'samples.jsonl')
    times = {'refcount': iter((100, 101, 99)), 'generational': iter((200, 202, 198))}
    with open(samples, encoding='utf-8') as file:
        lines = [json.loads(line) for line in file]
    with open(samples, 'w', encoding='utf-8') as file:
        for line in lines:
            file.write(json.dumps(dict(line, wall_ns=next(times[line['collector']]))) + '\n')
    run('reproduce', paper, '-o', out, '--grade', status=1)
    found = grades(out)
    assert [found[name]['verdict'] for name in ('above', 'below', 'within')] == ['PASS', 'FAIL', 'INCONCLUSIVE'], found
    low, high = (found['above']['measured'][0][end] for end in ('low', 'high'))
    assert 1.9 < low < 2 < high < 2.1 and 'both answers' in found['within']['why']


def what_is_wrong_is_said_with_its_place(folder):
    for claim, words in (
            (('x', 'E', 'abstract', 'counted.ops > 0', '1'), 'grade: E: it takes one of: D, R, S, W'),
            (('x', 'D', 'hearsay', 'counted.ops > 0', '1'), 'source: hearsay'),
            (('x', 'D', 'abstract', 'counted.ops', '1'), 'a comparison is missing'),
            (('x', 'D', 'abstract', 'counts.ops > 0', '1'), 'there is no group counts'),
            (('x', 'D', 'abstract', 'ops > 0', '1'), 'a group\'s name and a point come first'),
            (('x', 'D', 'abstract', 'counted.ops > 0', '1 +'), 'can\'t be shown')):
        _, complained = run('reproduce', make_paper(folder, claim), '-o', os.path.join(folder, 'out'), status=3)
        assert re.match(r'gclab: .*claims\.yaml:\d+:\d+: ', complained) and words in complained, complained
        assert complained.count('\n') == 1 and not os.path.exists(os.path.join(folder, 'out', 'Tried26', 'grades.json'))
    _, complained = run('reproduce', os.path.join(folder, 'nowhere'), status=3)
    assert 'no claims.yaml is in it' in complained
    run('reproduce', status=2)


def a_new_paper_passes(folder):
    paper = os.path.join(folder, 'Mine26')
    run('new', 'paper', 'Mine26', '-o', paper)
    said, _ = run('reproduce', paper, '--quick', '-o', os.path.join(folder, 'out'))
    assert 'PASS' in said and '1 papers: 1 claims PASS, 0 FAIL, 0 INCONCLUSIVE' in said
    run('new', 'paper', 'Mine26', '-o', paper, status=3)
    run('new', 'paper', 'no key', status=2)


def papers_here_are_whole(_):
    with open(os.path.join(PAPERS, 'README.md'), encoding='utf-8') as file:
        readme = file.read()
    folders = sorted(name for name in os.listdir(PAPERS) if os.path.isdir(os.path.join(PAPERS, name)))
    assert len(folders) >= 6
    for name in folders:
        assert readme.count('| `%s` |' % name) == 2, name  # what it tries, and the reference
        with open(os.path.join(PAPERS, name, 'README.md'), encoding='utf-8') as file:
            own = file.read()
        with open(os.path.join(PAPERS, name, 'claims.yaml'), encoding='utf-8') as file:
            claims = re.findall(r'^  - id: (\S+)$', file.read(), re.M)
        for claim in claims:
            assert '`%s`' % claim in own, (name, claim)


def papers_here_can_be_run(folder):
    for name in sorted(os.listdir(PAPERS)):
        paper = os.path.join(PAPERS, name)
        if not os.path.isdir(paper):
            continue
        experiments = [file for file in os.listdir(paper) if file.endswith('.yaml') and file != 'claims.yaml']
        for file in experiments:
            run('sweep', os.path.join(paper, file), '--dry-run')
            with open(os.path.join(paper, file), encoding='utf-8') as text:
                if re.search('^quick:', text.read(), re.M):
                    run('sweep', os.path.join(paper, file), '--dry-run', '--quick')
        if experiments:  # its claims are read before the results are missed
            _, complained = run('reproduce', paper, '--grade', '-o', folder, status=3)
            assert folder in complained and 'claims.yaml' not in complained, complained


def what_is_computed_needs_no_experiment(folder):
    said, _ = run('reproduce', *(os.path.join(PAPERS, name) for name in ('CB01', 'MeteredLatency')), '-o', folder)
    assert '2 papers: 8 claims PASS, 0 FAIL, 0 INCONCLUSIVE' in said
    for model, words in (('pauses at=1-2', 'the option run is missing'), ('stalled stall=x', 'no option of that model'),
                         ('sleepy', 'a model is pauses or stalled')):
        write(os.path.join(folder, 'Bad26', 'claims.yaml'), 'paper: Bad26\ngroups:\n  a: {model: "%s"}\nclaims:\n'
              '  - {id: x, grade: D, says: x, source: abstract, holds: a.share > 0}\n' % model)
        _, complained = run('reproduce', os.path.join(folder, 'Bad26'), '-o', folder, status=3)
        assert words in complained, complained


def main():
    tests = [what_is_measured_decides, what_is_there_is_graded_again, intervals_decide_where_times_vary, what_is_wrong_is_said_with_its_place,
             a_new_paper_passes, papers_here_are_whole, papers_here_can_be_run,
             what_is_computed_needs_no_experiment]
    failed = 0
    print('1..%d' % len(tests))
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                said = ''
            except (AssertionError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
                said = '%s: %s' % (type(error).__name__, error)
        failed += bool(said)
        print('%s %d - %s' % ('not ok' if said else 'ok', number, test.__name__))
        for line in said.splitlines():
            print('# ' + line)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
