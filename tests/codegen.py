#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the machine code of the fast paths: no call, no stack frame.

    codegen.py [--tap] [--table] [PROTOCOL ...]

Compiles codegen_probe.c for every protocol (default: every header in core/protocol/ that
names one) with gcc and clang, as the library is (-O2 -fPIC), and disassembles it. On
the paths from a function's entry to a return, or to a jump out of the function, there
must be no call, no push, and no change of the stack pointer. Code that only leads to
a tail call of a slow path is such a path too: who calls a slow path hands the whole
operation over. Barriers that promise it (UNLOCKED) are searched for read-modify-writes. Prints a table of instructions on the way to the first return: what runs
when no slow path is taken.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COMPILERS = ('gcc', 'clang')
FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-fPIC', '-fvisibility=hidden', '-DNDEBUG']
OPERATIONS = ('load', 'load_shared', 'store', 'store_new', 'give', 'exchange', 'set', 'move',
              'clear', 'safepoint', 'new')

FUNCTION = re.compile(r'^([0-9a-f]+) <([^>]+)>:$')
INSTRUCTION = re.compile(r'^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$')
PREFIXES = {'lock', 'rep', 'repz', 'repnz', 'bnd', 'notrack', 'data16', 'cs', 'xacquire',
            'xrelease'}

# locked: it reads, modifies and writes memory as one step.
Instruction = collections.namedtuple('Instruction',
                                     'address mnemonic operands relocation locked',
                                     defaults=(False,))

# Barriers without a read-modify-write, slow path included: protocol, operations of the probe,
# functions of core/protocol/NAME.c. What hands a full log over is called from there, and is
# not part of the barrier.
UNLOCKED = {
    'bare': (('store', 'store_new', 'give'), ()),
    'log_object': (('store', 'store_new', 'give'),
                   ('gc_log_object_store', 'gc_log_object_give', 'uncounted_barrier')),
}


def protocols():
    folder = os.path.join(ROOT, 'core', 'protocol')
    found = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith('.h') and '#define GC_PROTOCOL_NAME' in open(path, encoding='utf-8').read():
            found.append(name[:-2])
    return found


def compile_probe(compiler, protocol, source, target):
    header = '-DGC_PROTOCOL_HEADER="core/protocol/%s.h"' % protocol
    subprocess.run([compiler, *FLAGS, '-DGC_CHECK=0', '-I', ROOT, header, '-c', source,
                    '-o', target], check=True, stdout=subprocess.PIPE,
                   stderr=subprocess.STDOUT)


def disassemble(target):
    """{function: [Instruction]}; what the compiler split off (.cold, .part) included."""
    listing = subprocess.run(['objdump', '-dr', '--no-show-raw-insn', target], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    functions, current = {}, None
    for line in listing.splitlines():
        start = FUNCTION.match(line)
        if start:
            current = functions.setdefault(start.group(2), [])
            continue
        match = INSTRUCTION.match(line)
        if current is None or not match:
            continue
        if match.group(2).startswith('R_X86_64'):
            if current:
                current[-1] = current[-1]._replace(relocation=match.group(3).strip())
            continue
        mnemonic, operands = match.group(2), match.group(3).split('#')[0].strip()
        locked = mnemonic == 'lock' or (mnemonic.startswith('xchg') and '(' in operands)
        while mnemonic in PREFIXES and operands:
            mnemonic, _, operands = operands.partition(' ')
            operands = operands.strip()
        current.append(Instruction(int(match.group(1), 16), mnemonic, operands, None, locked))
    return functions


def is_frame(instruction):
    """Whether it makes, or needs, a stack frame."""
    if re.match(r'(push|pop|enter|leave)', instruction.mnemonic):
        return True
    return bool(re.search(r'%[re]?sp\b', instruction.operands)) or \
        instruction.operands.endswith('%rbp')


class Path:
    """What lies between a function's entry and its ends."""

    def __init__(self, instructions):
        self.by_address = {i.address: n for n, i in enumerate(instructions)}
        self.instructions = instructions
        self.violations = []
        self.shortest = None      # instructions up to the first return, that included
        self.tail_calls = 0
        if instructions:
            self.walk()

    def walk(self):
        distance = {0: 1}
        queue = collections.deque([0])
        while queue:
            n = queue.popleft()
            i = self.instructions[n]
            if i.mnemonic.startswith('call'):
                self.violations.append('%x: %s %s' % (
                    i.address, i.mnemonic, i.relocation or i.operands))
            elif is_frame(i):
                self.violations.append('%x: %s %s' % (i.address, i.mnemonic, i.operands))
            if i.mnemonic.startswith('ret'):
                if self.shortest is None or distance[n] < self.shortest:
                    self.shortest = distance[n]
                continue
            if i.mnemonic.startswith(('ud2', 'hlt')):
                continue
            following = []
            if i.mnemonic.startswith('j'):
                target = self.target(i)
                if target is None:
                    self.tail_calls += 1
                else:
                    following.append(target)
            if not i.mnemonic.startswith('jmp'):
                following.append(n + 1)
            for place in following:
                if place < len(self.instructions) and place not in distance:
                    distance[place] = distance[n] + 1
                    queue.append(place)

    def target(self, instruction):
        """The index that a jump leads to; None when it leaves the function."""
        match = re.match(r'([0-9a-f]+)\b', instruction.operands)
        if instruction.relocation or not match:
            return None
        return self.by_address.get(int(match.group(1), 16))


def laid_out_length(path):
    """Instructions to the return when no conditional jump is taken: as the compiler laid the
    function out."""
    count = 0
    n, seen = 0, set()
    while n is not None and n < len(path.instructions) and n not in seen:
        seen.add(n)
        i = path.instructions[n]
        count += 1
        if i.mnemonic.startswith('ret'):
            return count
        if i.mnemonic.startswith('jmp'):
            n = path.target(i)
        else:
            n += 1
    return None


def check(compiler, protocol, source):
    """{operation: (Path, violations)}"""
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, 'probe.o')
        compile_probe(compiler, protocol, source, target)
        functions = disassemble(target)
    results = {}
    for operation in OPERATIONS:
        instructions = functions.get('probe_' + operation)
        if not instructions:
            results[operation] = (None, ['the probe has no function probe_' + operation])
            continue
        path = Path(instructions)
        violations = list(path.violations)
        if path.shortest is None:
            violations.append('no path returns: the whole operation is out of line')
        results[operation] = (path, violations)
    return results


def check_unlocked(compiler, protocol, probe):
    """[violation]: read-modify-writes in a barrier that must have none."""
    operations, slow = UNLOCKED[protocol]
    violations = []
    with tempfile.TemporaryDirectory() as folder:
        for source, names, must in (
                (probe, ['probe_' + o for o in operations], True),
                (os.path.join(ROOT, 'core', 'protocol', protocol + '.c'), slow, False)):
            target = os.path.join(folder, 'unlocked.o')
            compile_probe(compiler, protocol, source, target)
            functions = disassemble(target)
            # A function may be inlined into those that call it; all are looked at.
            found = [f for f in functions if f.split('.')[0] in names]
            if len(found) == 0 and names or must and len(found) < len(names):
                violations.append('%s: some of %s are missing' % (source, ', '.join(names)))
            violations += ['%s: %x: %s %s' % (f, i.address, i.mnemonic, i.operands)
                           for f in found for i in functions[f] if i.locked]
    return violations


BROKEN = '''
#include "%s/tests/codegen_probe.c"
void outside(struct gc_mutator *m);
PROBE void probe_call(struct gc_mutator *m, struct pair **local, struct pair *object);
PROBE void probe_call(struct gc_mutator *m, struct pair **local, struct pair *object)
{
    outside(m);
    gc_load(m, local, object, left);
}
PROBE void probe_frame(struct gc_mutator *m, struct pair **local, struct pair *object);
PROBE void probe_frame(struct gc_mutator *m, struct pair **local, struct pair *object)
{
    void *volatile bytes[64];
    bytes[(unsigned long)local %% 64] = object;
    gc_load(m, local, object, left);
    if (bytes[(unsigned long)object %% 64] == m) outside(m);
}
PROBE void probe_locked(struct gc_mutator *m);
PROBE void probe_locked(struct gc_mutator *m)
{
    gc_atomic_fetch_or_relaxed(&m->poll, 1);
}
PROBE void probe_only_tail(struct gc_mutator *m);
PROBE void probe_only_tail(struct gc_mutator *m)
{
    outside(m);
}
''' % ROOT


def self_test(report):
    """Four functions that must be found wanting."""
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, 'broken.c')
        target = os.path.join(folder, 'broken.o')
        with open(source, 'w', encoding='utf-8') as out:
            out.write(BROKEN)
        for compiler in available():
            compile_probe(compiler, protocols()[0], source, target)
            functions = disassemble(target)
            for name in ('call', 'frame'):
                report('%s sees a %s' % (compiler, name),
                       [] if Path(functions['probe_' + name]).violations else ['not seen'])
            report('%s sees a read-modify-write' % compiler,
                   [] if any(i.locked for i in functions['probe_locked']) else ['not seen'])
            path = Path(functions['probe_only_tail'])
            report('%s sees that nothing returns' % compiler,
                   [] if path.shortest is None and path.tail_calls == 1 else ['not seen'])


def available():
    return [c for c in COMPILERS if shutil.which(c)]


def main():
    parser = argparse.ArgumentParser(description='Checks the machine code of fast paths.')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    parser.add_argument('--table', action='store_true', help='print the table alone')
    parser.add_argument('protocols', nargs='*')
    arguments = parser.parse_args()
    if os.uname().machine != 'x86_64':
        print('1..0 # SKIP written for x86-64')
        return 0
    passed = failed = 0
    lines = []

    def report(name, violations):
        nonlocal passed, failed
        if violations:
            failed += 1
        else:
            passed += 1
        lines.append('%s %d - %s' % ('not ok' if violations else 'ok', passed + failed, name))
        lines.extend('#   ' + v for v in violations)

    table = {}
    wanted = arguments.protocols or protocols()
    for compiler in COMPILERS:
        if not shutil.which(compiler):
            report('%s is there' % compiler, ['not installed'])
    for protocol in wanted:
        for compiler in available():
            try:
                results = check(compiler, protocol, os.path.join(ROOT, 'tests', 'codegen_probe.c'))
            except subprocess.CalledProcessError as error:
                report('%s %s compiles' % (protocol, compiler),
                       error.output.decode(errors='replace').splitlines()[:20])
                continue
            if protocol in UNLOCKED:
                report('%s %s: no read-modify-write in the barrier' % (protocol, compiler),
                       check_unlocked(compiler, protocol,
                                      os.path.join(ROOT, 'tests', 'codegen_probe.c')))
            for operation, (path, violations) in results.items():
                report('%s %s gc_%s: no call, no frame' % (protocol, compiler, operation), violations)
                table[operation, protocol, compiler] = path
    self_test(report)

    print('# instructions from entry to return: shortest path / as laid out, no jump taken')
    columns = [(p, c) for p in wanted for c in available()]
    print('# %-14s' % '' + ''.join('%16s' % '/'.join(c) for c in columns))
    for operation in OPERATIONS:
        row = '# %-14s' % ('gc_' + operation)
        for column in columns:
            path = table.get((operation, *column))
            straight = laid_out_length(path) if path else None
            row += '%16s' % ('-' if path is None else '%s / %s' % (
                path.shortest or '-', straight or '-'))
        print(row)
    if not arguments.table:
        if arguments.tap:
            print('1..%d' % (passed + failed))
            print('\n'.join(lines))
        else:
            print('\n'.join(l for l in lines if not l.startswith('ok ')) or 'All as it should be.')
            print('%d passed, %d failed' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
