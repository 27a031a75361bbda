#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants bugs in what `gclab new collector` makes, one after another, and looks whether
`gclab check --fast` finds each, and says what is wrong.

    planted.py GCLAB CHECK-LEVEL CORPUS

GCLAB is the program of a checked build, CHECK-LEVEL its GC_CHECK, CORPUS the folder of programs
that have found something. Speaks TAP; the exit status is 1 if something failed.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# name, what is wrong, text of the template, what it becomes, what must be said, one at least of
# each line
BUGS = [
    ('dropped', 'a reference that is given up was never counted',
     '            set.protocol->hold(m, o);\n', '',
     [('a count is too low',), ('A reference was given up twice, or was never counted',),
      ('let_go (mine.c:', 'gc_clear_slots')]),
    ('twice', 'a child is freed twice',
     '        m->heap->protocol->drop(m, list);\n',
     '        m->heap->protocol->drop(m, list);\n        m->heap->protocol->drop(m, list);\n',
     [('an object was freed twice',), ('one that is dead already is let go of once',),
      ('let_go (mine.c:',)]),
    ('kept', 'what is held is never given up',
     '        m->heap->protocol->drop(m, list);\n', '        if (n != 1) m->heap->protocol->drop(m, list);\n',
     [('garbage was not reclaimed: object',), ('but its count is 1, one too high',)]),
    ('root', 'a root is missed',
     'if (note_of(o)->outside > 0) reach', 'if (note_of(o)->outside > 1) reach',
     [('a reachable object was taken for garbage', 'a reachable object was freed'),
      ('can be reached: root', 'can be reached: local')]),
    ('weak', 'a weak reference is left',
     '            gc_weak_clear_stw(m, o, from == ELSEWHERE ? is_in_set : NULL, &due);\n', '',
     [('a weak reference was left',), ('still leads to object', 'still leads there')]),
    ('finalizer', 'a finalizer runs twice',
     '        gc_finalize(m, o);\n',
     '        if (gc_object_info(o)->type->finalize != NULL)\n'
     '            gc_object_info(o)->type->finalize(m, o), gc_finalize(m, o);\n',
     [('a finalizer ran twice: that of object',)]),
]
MOST_OPERATIONS = 8


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def run(*command, cwd=None, status=0):
    process = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, timeout=100,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    expect(process.returncode == status, '%s: status %d, not %d\n%s' % (
        ' '.join(command), process.returncode, status, process.stdout[-6000:]))
    return process.stdout


class Kit:
    def __init__(self, gclab, level, corpus, folder):
        self.gclab, self.level, self.corpus, self.folder = gclab, level, corpus, folder
        run(gclab, 'new', 'collector', 'mine', '-o', folder)
        with open(os.path.join(folder, 'mine.c'), encoding='utf-8') as file:
            self.text = file.read()

    def build(self, text):
        """A plugin of this text for the flavour under test."""
        with open(os.path.join(self.folder, 'mine.c'), 'w', encoding='utf-8') as file:
            file.write(text)
        run(*os.environ.get('CC', 'cc').split(), '-std=c11', '-g', '-O1', '-D_GNU_SOURCE', '-shared',
            '-fPIC', '-DGC_CHECK=' + self.level, '-I', SOURCE, '-o', 'mine.so', 'mine.c', 'plugin.c',
            cwd=self.folder)

    def check(self, *arguments, status=0):
        return run(self.gclab, 'check', *arguments, cwd=self.folder, status=status)


def joined(said):
    """Without the ends of lines and margins that it was wrapped at."""
    return ' '.join(said.split())


def finds(kit, name, old, new, sentences):
    expect(kit.text.count(old) == 1, 'the template has changed: %r' % old)
    kit.build(kit.text.replace(old, new))
    said = kit.check('-c', './mine.so', '-p', 'plain', '--fast', '--save', name + '.program', status=1)
    for any_of in sentences:
        expect(any(fragment in joined(said) for fragment in any_of), '%r is not in\n%s' % (any_of, said))
    program = re.findall(r'(?m)^(?:first|second): .*$', said)
    expect(0 < len(program) <= MOST_OPERATIONS, 'the program is not small:\n' + said)
    replay, = re.findall(r'(?m)^ {4}gclab check (--replay .*)$', said)
    again = kit.check(*replay.split(), status=1)
    expect(any(fragment in joined(again) for fragment in sentences[0]), again)
    life = kit.check(*replay.split(), '--object', '1', status=1)
    expect('it is made' in life, life)
    kit.check(*replay.split(), '--in-process', status=-6)  # SIGABRT, where a debugger stops
    kept = os.path.join(kit.corpus, 'planted_%s.program' % name)
    again = kit.check('-c', './mine.so', '-p', 'plain', '--replay', kept, status=1)
    expect(any(fragment in joined(again) for fragment in sentences[0]), again)


def sound(kit):
    """No false alarm, neither from a corpus nor from a hundred programs of each kind."""
    kit.build(kit.text)
    said = kit.check('-c', './mine.so', '--count', '600')
    expect('no promise was broken' in said and '0 failed' in said, said)
    for name in sorted(os.listdir(kit.corpus)):
        kit.check('-c', './mine.so', '--replay', os.path.join(kit.corpus, name))
    life = run(kit.gclab, 'explain', os.path.join(kit.corpus, 'tie_to_what_lives.program'), '-c', './mine.so@plain',
               '--object', '12', cwd=kit.folder)
    for sentence in ('operation 7, first: local 2 = root 4\n    count 3, held by: root 4, local 2, object 12 .slot 0',
                     'its finalizer runs: a collection found it dead', 'it is gone.'):
        expect(life.count(sentence) == 1, '%r is not once in\n%s' % (sentence, life))


def interrupted(kit):
    """What was tried is printed; nothing of it runs on."""
    process = subprocess.Popen([kit.gclab, 'check', '-c', 'refcount', '--no-conformance', '--minutes', '5'],
                               stdout=subprocess.PIPE, text=True, cwd=kit.folder,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    children = '/proc/%d/task/%d/children' % (process.pid, process.pid)
    workers = []
    while process.poll() is None and not workers:  # its handlers are there before they are
        time.sleep(.01)
        with open(children, encoding='ascii') as file:
            workers = file.read().split()
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[0]
    expect(process.returncode == 130, 'status %d: %s' % (process.returncode, said))
    expect(re.search(r'\n +all +\d+ ', said) and said.endswith('ended early\n'), said)
    expect(workers and not any(os.path.exists('/proc/' + pid) for pid in workers), 'a process is left')


def main():
    gclab, level, corpus = sys.argv[1:4]
    root = tempfile.mkdtemp()
    status = 0
    tests = [('what_the_template_promises_holds', sound)]
    tests.append(('an_interrupt_prints_what_was_tried', interrupted))
    for name, what, *rest in BUGS:
        tests.append((what.replace(' ', '_') + '_and_is_found',
                      lambda kit, name=name, rest=rest: finds(kit, name, *rest)))
    print('1..%d' % len(tests))
    try:
        kit = Kit(os.path.abspath(gclab), level, os.path.abspath(corpus), os.path.join(root, 'mine'))
        for number, (name, test) in enumerate(tests, 1):
            try:
                test(kit)
                print('ok %d - %s' % (number, name), flush=True)
            except (Failed, subprocess.TimeoutExpired, ValueError) as error:
                status = 1
                print('not ok %d - %s' % (number, name))
                print('# ' + str(error).replace('\n', '\n# '), flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return status


if __name__ == '__main__':
    sys.exit(main())
