#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of `gclab show`: what its pictures say of a collection is what has to be there at each step.
Usage: test_show.py CONFORMANCE (the interpreter that takes the pictures) [GCLAB]"""
import html.parser
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAPS = os.path.join(SOURCE, 'bench', 'show')
CONFORMANCE = os.path.abspath(sys.argv[1])
SVG = '{http://www.w3.org/2000/svg}'


class Step:
    """A picture, read from its SVG."""

    def __init__(self, path):
        root = xml.etree.ElementTree.parse(path).getroot()
        assert root.tag == SVG + 'svg' and root.get('role') == 'img' and root.find(SVG + 'title').text
        texts = [(text.get('class').split(), int(text.get('x')), int(text.get('y')), text.text)
                 for text in root.findall(SVG + 'text')]
        rows = [(y, text) for names, _, y, text in texts if names[0] == 'place']
        self.words = next(text for names, _, _, text in texts if names[0] == 'words')
        self.edges = len([path for path in root.findall(SVG + 'path') if path.get('class') == 'edge'])
        self.handles = [text for names, _, _, text in texts if names[0] == 'name']
        self.objects, self.places = {}, {}
        fields = None
        for names, _, y, text in texts:
            if names[0] == 'object':
                fields = self.objects[text] = {}
                self.places[text] = [place for top, place in rows if top < y][-1]
            elif names[0] == 'field':
                name, value = text.rsplit(' ', 1)
                fields[name] = value


def film(folder, heap, collector, *more, status=0):
    """The steps of a heap under a collector."""
    page, stem = os.path.join(folder, 'page.html'), os.path.join(folder, 'step')
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))
    done = subprocess.run([CONFORMANCE, '--collector', collector, '--show', page, '--svg', stem, *more,
                           os.path.join(HEAPS, heap + '.txt')], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    paths = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith('.svg'))
    steps = [Step(path) for path in paths]
    assert ('%d steps' % len(steps)) in done.stdout.decode()
    check_page(page, steps)
    return steps


def check_page(page, steps):
    with open(page, encoding='utf-8') as file:
        text = file.read()
    opened = []

    class Parser(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            opened.append((tag, dict(attrs)))
    Parser().feed(text)
    figures = [attributes for tag, attributes in opened if tag == 'figure']
    assert len(figures) == len(steps)
    assert ['hidden' in figure for figure in figures] == [False] + [True] * (len(steps) - 1)
    assert not re.findall(r'(?:src|href)="(?!data:,")', text) and 'http:' not in text.replace(SVG[1:-1], '')
    assert {'back', 'on', 'at'} <= {attributes.get('id') for _, attributes in opened}


def at(steps, words):
    found = [step for step in steps if words in step.words]
    assert found, (words, [step.words for step in steps])
    return found


def the_five_figures_of_the_article(folder):
    steps = film(folder, 'article', 'generational@plain')
    links = {'link_1', 'link_2', 'link_3', 'link_4'}
    # 1. each number is the count
    first = at(steps, 'takes each count')[0]
    assert {name: fields['gc_refs'] for name, fields in first.objects.items()} == {
        'link_1': '2', 'link_2': '1', 'link_3': '1', 'link_4': '1'}, first.objects
    assert all(fields['count'] == fields['gc_refs'] for fields in first.objects.values())
    assert first.handles == ['A'] and first.edges == 4 and set(first.places.values()) == {'to scan'}
    # 2. what is left is held from outside: by A
    second = at(steps, 'has subtracted')[0]
    assert {name: fields['gc_refs'] for name, fields in second.objects.items()} == {
        'link_1': '1', 'link_2': '0', 'link_3': '0', 'link_4': '0'}
    # 3. who has nothing left is moved out, before anybody is known to reach him
    scans = at(steps, 'scans the next one')
    moved = [step for step in scans if step.places['link_3'] == step.places['link_2'] == 'tentatively unreachable']
    assert moved and moved[0].places['link_1'] == 'to scan'
    # 4. and comes back, since link_1 reaches him
    back = [step for step in scans if step.places['link_1'] == 'reachable' and step.places['link_2'] == 'to scan']
    assert back and back[0].objects['link_2']['gc_refs'] == '1'
    # 5. in the end only the loop is left there
    last = at(steps, 'has scanned all')[0]
    assert last.places['link_4'] == 'tentatively unreachable'
    after = steps[-1]
    assert after.words == 'after the collection' and set(after.objects) == links - {'link_4'}
    assert set(after.places.values()) == {'generation 2'} and after.edges == 3


def keeping_in_place_finds_the_same(folder):
    steps = film(folder, 'article', 'generational@biased:detect=keep')
    assert at(steps, 'has scanned all')[0].places['link_4'] == 'tentatively unreachable'
    assert set(steps[-1].objects) == {'link_1', 'link_2', 'link_3'}
    assert all('own' in fields for fields in steps[-1].objects.values())  # of biased counts


def marking_goes_from_the_roots(folder):
    steps = film(folder, 'article', 'mark_sweep')
    assert set(steps[0].places.values()) == {'the heap'}
    goes_on = at(steps, 'goes on with')
    assert any(step.places['link_1'] == 'marked' and step.places['link_3'] == 'not marked' for step in goes_on)
    last = goes_on[-1]
    assert {name for name, place in last.places.items() if place == 'marked'} == {'link_1', 'link_2', 'link_3'}
    assert last.places['link_4'] == 'not marked' and set(steps[-1].objects) == {'link_1', 'link_2', 'link_3'}


def rings_and_what_hangs_on_them(folder):
    steps = film(folder, 'rings', 'generational')
    assert len(steps[0].objects) == 9 and len(steps[-1].objects) == 6
    assert not any(name.startswith('garbage') for name in steps[-1].objects)
    # an object has one place in all pictures
    assert [name for name in steps[0].objects if name in steps[-1].objects] == list(steps[-1].objects)


def a_finalizer_saves_a_ring_once(folder):
    steps = film(folder, 'finalizer', 'generational')
    assert len(at(steps, 'looks who is back')[0].objects) == 2 and steps[0].handles == []
    befores = at(steps, 'before the collection')
    assert len(befores) == 2 and len(befores[1].objects) == 2 and not steps[-1].objects


def what_cannot_be_shown_is_said(folder):
    heap = os.path.join(HEAPS, 'article.txt')
    page = os.path.join(folder, 'page.html')

    def fails(status, words, *arguments):
        done = subprocess.run([CONFORMANCE, '--show', page, *arguments], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == status and words in done.stderr.decode(), done
        assert not os.path.exists(page)
    fails(2, 'does not promise cycles', '--collector', 'refcount', heap)
    fails(2, 'no such case', '--collector', 'generational', '--case', '7', heap)
    fails(3, 'No such file', '--collector', 'generational', heap + 'x')
    with open(os.path.join(folder, 'quiet.txt'), 'w', encoding='utf-8') as file:
        file.write('case 1 Nothing\n    node x\n')
    fails(3, 'collects nothing', '--collector', 'generational', os.path.join(folder, 'quiet.txt'))


def main():
    tests = [the_five_figures_of_the_article, keeping_in_place_finds_the_same, marking_goes_from_the_roots,
             rings_and_what_hangs_on_them, a_finalizer_saves_a_ring_once, what_cannot_be_shown_is_said]
    failed = 0
    print('1..%d' % len(tests))
    for number, test in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                said = ''
            except (AssertionError, OSError, ValueError, KeyError, IndexError, StopIteration,
                    subprocess.SubprocessError) as error:
                said = '%s: %s' % (type(error).__name__, error)
        failed += bool(said)
        print('%s %d - %s' % ('not ok' if said else 'ok', number, test.__name__))
        for line in said.splitlines():
            print('# ' + line)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
