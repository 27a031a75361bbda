#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what no compiler does: the rules of the house that a text can be held to.

    lint.py [--tap] [RULE ...]     the tree; exit status 1 if a rule is violated
    lint.py --self-test            plants violations of each rule in a copy of the tree,
                                   and fails if one is not seen
    lint.py --list                 the rules

Each rule is a function that yields (path, line, what is wrong); its docstring is the rule.
"""
import argparse
import os
import re
import shutil
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ('bench', 'collectors', 'core', 'papers', 'tests', 'workloads')
OUTSIDE = ('bench/new/', 'tests/trial_deletion/')  # templates and tests that are built outside of the tree
TOP_LEVEL = set(FOLDERS) | {'README.md', 'LICENSE', 'CITATION.cff', 'meson.build'}
RUNTIME = ('core/', 'collectors/', 'workloads/')

RULES = []
PLANTS = []


def rule(function):
    RULES.append(function)
    return function


def plant(rule_function, path, text, note='', append=True):
    """A violation for the self-test: `text` is put at the end of `path` (or is all of it),
    and the rule must then report something about `note` or the path that it did not before.
    {collector} and {source} stand for the first collector and its first file."""
    PLANTS.append((rule_function.__name__, path, text, note or path, append))


class Source:
    """A file as text; of C also the code without comments, and without strings as well."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), 'rb') as data:
            raw = data.read()
        self.binary = b'\0' in raw[:8192]
        self.text = '' if self.binary else raw.decode('utf-8', errors='replace')
        self.lines = self.text.splitlines()
        self.is_c = path.endswith(('.c', '.h', '.c.in', '.h.in', '.cc'))
        self.executable = os.access(os.path.join(root, path), os.X_OK)
        if self.is_c:
            self.code, self.bare = strip(self.text)
            self.code_lines = self.code.splitlines()
            self.bare_lines = self.bare.splitlines()

    def header(self):
        """The comment that says what a file is: all up to the first line of code."""
        end = re.search(r'^\s*[^\s/*]', self.code, re.MULTILINE) if self.is_c else None
        return self.text[:end.end() - 1] if end else self.text


def strip(text):
    """Blanks the comments of C; and the contents of strings too. Keeps every line."""
    code, bare = list(text), list(text)
    pattern = re.compile(r'/\*.*?\*/|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                         re.DOTALL)
    for match in pattern.finditer(text):
        first, last = match.span()
        if match.group().startswith('/*'):
            for i in range(first, last):
                if text[i] != '\n':
                    code[i] = bare[i] = ' '
        elif match.group().startswith('//'):
            for i in range(first + 2, last):    # the two slashes stay, to be found
                if text[i] != '\n':
                    code[i] = bare[i] = ' '
        else:
            for i in range(first + 1, last - 1):
                bare[i] = ' '
    return ''.join(code), ''.join(bare)


class Tree:
    def __init__(self, root):
        self.root = root
        self.sources = {}
        self.top = sorted(n for n in os.listdir(root) if not n.startswith('.'))
        for folder in FOLDERS:
            for where, folders, names in os.walk(os.path.join(root, folder)):
                folders[:] = [f for f in folders if f != '__pycache__']
                for name in names:
                    path = os.path.relpath(os.path.join(where, name), root)
                    if not name.endswith(('.pyc', '.orig', '.swp')):
                        self.sources[path] = Source(root, path)
        for name in self.top:
            if os.path.isfile(os.path.join(root, name)):
                self.sources[name] = Source(root, name)

    def files(self, *prefixes, suffixes=None):
        for path in sorted(self.sources):
            source = self.sources[path]
            if source.binary or prefixes and not path.startswith(prefixes):
                continue
            if suffixes is None or path.endswith(suffixes):
                yield source

    def c_files(self, *prefixes):
        return self.files(*prefixes, suffixes=('.c', '.h', '.cc'))

    def collectors(self):
        folder = os.path.join(self.root, 'collectors')
        return sorted(n for n in os.listdir(folder) if n not in ('common', '__pycache__') and
                      os.path.isdir(os.path.join(folder, n)))

    def exists(self, path):
        return path in self.sources or os.path.isdir(os.path.join(self.root, path))


def line_of(text, position):
    return text.count('\n', 0, position) + 1


def find_all(source, pattern, text=None):
    """(line, match) of a pattern in code without comments and strings."""
    text = source.bare if text is None else text
    for match in re.finditer(pattern, text):
        yield line_of(text, match.start()), match


# Layers --------------------------------------------------------------------------------

MAY_INCLUDE = {
    'core': ('core/',),
    'workloads': ('core/', 'workloads/'),
    'bench': ('core/', 'collectors/', 'workloads/', 'bench/'),
    'tests': ('core/', 'collectors/', 'workloads/', 'bench/', 'tests/'),
    'papers': (),
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


@rule
def layers(tree):
    """papers -> bench -> {workloads, collectors} -> core; no collector includes another one,
    or a workload; every quoted include is spelled from the root and names a file. (What is
    built outside of the tree also includes what lies beside it.)"""
    for source in tree.c_files(*(f + '/' for f in FOLDERS)):
        parts = source.path.split('/')
        if parts[0] == 'collectors':
            allowed = ('core/', 'collectors/common/')
            if len(parts) > 2:
                allowed += ('collectors/%s/' % parts[1],)
        else:
            allowed = MAY_INCLUDE[parts[0]]
        for line, match in find_all(source, INCLUDE, source.code):
            target = match.group(1)
            if source.path.startswith(OUTSIDE) and tree.exists(os.path.join(*parts[:-1], target)):
                continue
            if not target.startswith(tuple(f + '/' for f in FOLDERS)):
                yield source.path, line, '"%s" is not spelled from the root' % target
            elif not target.startswith(allowed):
                yield source.path, line, 'must not include "%s"' % target
            elif not tree.exists(target):
                yield source.path, line, '"%s" does not exist' % target


plant(layers, 'core/list.h', '#include "collectors/common/planted.h"\n')
plant(layers, 'core/check.c', '#include "workloads/workload.h"\n')
plant(layers, 'collectors/{collector}/{source}', '#include "collectors/other/other.h"\n')
plant(layers, 'collectors/{collector}/{source}', '#include "workloads/workload.h"\n')
plant(layers, 'workloads/planted.c', '#include "bench/plan.h"\n')
plant(layers, 'core/check.c', '#include "check.h"\n')


@rule
def harness_alone(tree):
    """Of core, bench/ includes what a C++ driver could: harness.h, and what has no atomics. (The
    templates in bench/new/ are no part of it.)"""
    allowed = {'core/check.h', 'core/harness.h', 'core/histogram.h', 'core/option.h', 'core/os.h',
               'core/situation.h', 'core/words.h'}
    # what times the operations of mutator.h is compiled once per protocol, like a workload
    mutators = {'core/handshake.h', 'core/mutator.h', 'core/protocol.h'}
    timed = {'bench/micro/operations.c', 'bench/micro/operations.h', 'bench/micro/protocol_set.c'}
    for source in tree.c_files('bench/'):
        if source.path.startswith('bench/new/'):
            continue
        for line, match in find_all(source, INCLUDE, source.code):
            if source.path in timed and match.group(1) in mutators:
                continue
            if match.group(1).startswith('core/') and match.group(1) not in allowed:
                yield source.path, line, 'includes "%s"; its header is core/harness.h' % match.group(1)


plant(harness_alone, 'bench/planted.c', '#include "core/heap.h"\n')


@rule
def gsl_is_apart(tree):
    """GSL is under the GPL. What loads plugins links nothing stricter than the LGPL, so that only
    bench/analysis/ and its tests include GSL, or a header of bench/analysis/, and only their build
    files name it."""
    apart = ('bench/analysis/', 'tests/bench/analysis/')
    for source in tree.files(*(f + '/' for f in FOLDERS)):
        if source.path.startswith(apart):
            continue
        if source.is_c:
            for line, match in find_all(source, r'(?m)^[ \t]*#[ \t]*include[ \t]*<(gsl/[^>]*)>'):
                yield source.path, line, 'includes <%s>' % match.group(1)
            for line, match in find_all(source, INCLUDE, source.code):
                if match.group(1).startswith(apart[0]):
                    yield source.path, line, 'includes "%s", which stands on GSL' % match.group(1)
        elif source.path.endswith('meson.build'):
            for line, match in find_all(source, r'\b(gsl_dep|analysis_lib)\b|[\'"](gsl)[\'"]', source.text):
                yield source.path, line, 'names %s' % (match.group(1) or match.group(2))


plant(gsl_is_apart, 'bench/planted.c', '#include <gsl/gsl_rng.h>\n')
plant(gsl_is_apart, 'bench/planted.c', '#include "bench/analysis/statistics.h"\n')
plant(gsl_is_apart, 'bench/meson.build', "dependency('gsl')\n")


@rule
def headers_are_installed(tree):
    """Every header of core is a line of core/meson.build, which installs them; that of a
    protocol by the protocol's name."""
    build = tree.sources['core/meson.build'].text if 'core/meson.build' in tree.sources else ''
    for source in tree.files('core/', suffixes=('.h',)):
        names = [source.path[len('core/'):]]
        if '#define GC_PROTOCOL_NAME' in source.text:
            names.append(os.path.basename(source.path)[:-2])
        if not any(re.search(r"^ *'%s',$" % re.escape(n), build, re.MULTILINE) for n in names):
            yield source.path, 1, 'core/meson.build does not install it'


plant(headers_are_installed, 'core/planted.h', '/* SPDX-License-Identifier: MIT */\n')


@rule
def templates_are_small(tree):
    """What a first author reads, bench/new/collector/example.c, has at most 150 lines."""
    path = 'bench/new/collector/example.c'
    if path not in tree.sources:
        yield path, 0, 'is missing'
    elif len(tree.sources[path].lines) > 150:
        yield path, 151, 'has %d lines' % len(tree.sources[path].lines)


plant(templates_are_small, 'bench/new/collector/example.c', '\n' * 100)


@rule
def core_names_no_collector(tree):
    """Core holds no collector's name, as a string or as a whole identifier."""
    names = tree.collectors()
    words = re.compile(r'\b(?:gc_collector_)?(%s)\b' % '|'.join(map(re.escape, names)))
    strings = re.compile(r'"(%s)"' % '|'.join(map(re.escape, names)))
    for source in tree.c_files('core/'):
        for line, match in find_all(source, words):
            yield source.path, line, 'names the collector %s' % match.group(1)
        for line, match in find_all(source, strings, source.code):
            yield source.path, line, 'names the collector %s in a string' % match.group(1)


plant(core_names_no_collector, 'core/check.c', 'static int {collector};\n')
plant(core_names_no_collector, 'core/check.c', 'static const char *planted = "{collector}";\n')
plant(core_names_no_collector, 'core/check.c', 'extern int gc_collector_{collector};\n')


@rule
def core_lists_no_protocol(tree):
    """Nothing in core lists protocols: only a protocol's own files name it."""
    names = [os.path.basename(s.path)[:-2] for s in tree.files('core/protocol/', suffixes=('.h',))
             if '#define GC_PROTOCOL_NAME' in s.text]
    for source in tree.c_files('core/'):
        for name in names:
            if source.path.startswith('core/protocol/'):
                continue
            pattern = r'"%s"|"core/protocol/%s\.h"|\bgc_protocol_%s\b' % (name, name, name)
            for line, _ in find_all(source, pattern, source.code):
                yield source.path, line, 'names the protocol %s' % name


plant(core_lists_no_protocol, 'core/check.c', 'static const char *planted = "plain";\n')


# Atomics --------------------------------------------------------------------------------

SITE = re.compile(r'\bgc_atomic_((?:slot_)?\w+?)_(acquire|release|acq_rel|seq_cst)\s*\(')
TAG = re.compile(r'\[sync ([A-Z]{2}\d+)\]')
TAG_LINES = 8


def sync_sites(source):
    """(line, sides, tags) for each ordered access."""
    for line, match in find_all(source, SITE):
        operation, order = match.group(1).replace('slot_', ''), match.group(2)
        if order == 'acquire' or order == 'seq_cst' and operation == 'load':
            sides = {'A'}
        elif order == 'release' or order == 'seq_cst' and operation == 'store':
            sides = {'R'}
        else:
            sides = {'A', 'R'}
        tags = set()
        for n in range(line, max(0, line - TAG_LINES - 1), -1):
            found = TAG.findall(source.lines[n - 1])
            if found:
                tags.update(found)
            elif tags:
                break    # the block of comment above the site ends here
        yield line, sides, tags


@rule
def sync_tags(tree):
    """Every acquire, release, acq_rel and seq_cst access outside core/atomic.h carries a tag
    [sync XYn] within 8 lines above."""
    for source in tree.c_files(*RUNTIME):
        if source.path != 'core/atomic.h':
            for line, _, tags in sync_sites(source):
                if not tags:
                    yield source.path, line, 'an ordered access without a [sync] tag'


plant(sync_tags, 'core/check.c', '\n' * 9 + 'static int planted(_Atomic(int) *p)\n{\n'
      '    return gc_atomic_load_acquire(p);\n}\n')


@rule
def sync_edges_have_two_sides(tree):
    """Each tag has an acquiring and a releasing side; a read-modify-write may be both."""
    edges = {}
    for source in tree.c_files(*RUNTIME):
        if source.path == 'core/atomic.h':
            continue
        for line, sides, tags in sync_sites(source):
            for tag in tags:
                edge = edges.setdefault(tag, (set(), source.path, line))
                edge[0].update(sides)
    for tag, (sides, path, line) in sorted(edges.items()):
        for side, name in (('A', 'acquiring'), ('R', 'releasing')):
            if side not in sides:
                yield path, line, '[sync %s] has no %s side' % (tag, name)


plant(sync_edges_have_two_sides, 'core/check.c', 'static int planted(_Atomic(int) *p)\n{\n'
      '    /* [sync ZZ9] acquire: alone. */\n    return gc_atomic_load_acquire(p);\n}\n', 'ZZ9')


@rule
def sync_tags_are_listed(tree):
    """Each tag stands under `Sync edges:` in the head comment of a file where it is used (or
    of the header beside it); what is listed is used there."""
    listed, used = {}, {}
    for source in tree.c_files(*RUNTIME):
        head = source.header()
        place = head.find('Sync edges:')
        if place >= 0:
            for match in TAG.finditer(head, place):
                listed.setdefault(match.group(1), []).append(source.path)
        if source.path != 'core/atomic.h':
            for line, _, tags in sync_sites(source):
                for tag in tags:
                    used.setdefault(tag, {}).setdefault(source.path, line)
    for tag, places in sorted(used.items()):
        path, line = sorted(places.items())[0]
        if tag not in listed:
            yield path, line, '[sync %s] is under `Sync edges:` in no file header' % tag
            continue
        stems = {os.path.splitext(p)[0] for p in places}
        for owner in listed[tag]:
            if os.path.splitext(owner)[0] not in stems:
                yield owner, 1, '[sync %s] is listed here, but used elsewhere only' % tag
    for tag, paths in sorted(listed.items()):
        if tag not in used:
            yield paths[0], 1, '[sync %s] is listed, but no access carries it' % tag


plant(sync_tags_are_listed, 'core/check.c', 'static int planted(_Atomic(int) *p)\n{\n'
      '    /* [sync ZY9] acquire. */\n    return gc_atomic_load_acquire(p);\n}\n', 'ZY9')
plant(sync_tags_are_listed, 'core/planted.h', '/* SPDX-License-Identifier: MIT */\n'
      '/* planted.h\n * Sync edges: [sync ZX9] nothing\n */\n', 'ZX9')


@rule
def atomics_are_wrapped(tree):
    """Every atomic access goes through core/atomic.h; there is no `volatile`, no fence, and no
    plain assignment to an _Atomic field."""
    raw = re.compile(r'\b(atomic_\w+|__atomic_\w+|__sync_\w+|memory_order\w*|volatile)\b')
    fields, plain = set(), set()
    files = [s for s in tree.c_files(*RUNTIME) if s.path != 'core/atomic.h']
    for source in files:
        for line, match in find_all(source, raw):
            yield source.path, line, '%s outside core/atomic.h' % match.group(1)
        for line, match in find_all(source, r'#\s*include\s*<stdatomic\.h>'):
            yield source.path, line, 'core/atomic.h includes <stdatomic.h> for all'
        for _, match in find_all(source, r'_Atomic\s*\([^)]*\)[\s*]*(\w+)\s*(?:\[[^]]*\])?\s*;'):
            fields.add(match.group(1))
        for _, match in find_all(source, r'\n[ \t]+(?!_Atomic|return\b|goto\b|else\b)(?:alignas\([^)]*\) )?'
                                 r'(?:const |struct |enum |unsigned )*\w+[ *]+'
                                 r'(?:\w+(?:\[[^]]*\])?,[ *]*)*(\w+)(?:\[[^]]*\])?;'):
            for name in re.findall(r'(\w+)(?:\[[^]]*\])?\s*[,;]', match.group(0)):
                plain.add(name)
    only_atomic = fields - plain
    if only_atomic:
        names = '|'.join(sorted(only_atomic))
        pattern = (r'(?:->|[\w\])]\.)(%s)(?:\[[^]]*\])?\s*'
                   r'(?:(?:[-+|&^]|<<|>>)?=(?!=)|\+\+|--)' % names)
        before = r'(?:\+\+|--)[\w>.-]*(?:->|\.)(%s)\b' % names
        for source in files:
            for wanted in (pattern, before):
                for line, match in find_all(source, wanted):
                    yield source.path, line, 'assigns the _Atomic %s plainly' % match.group(1)


plant(atomics_are_wrapped, 'core/check.c', 'static int planted(int *p) '
      '{ return __atomic_load_n(p, 0); }\n')
plant(atomics_are_wrapped, 'core/check.c', 'static int planted(_Atomic(int) *p) '
      '{ return atomic_load(p); }\n')
plant(atomics_are_wrapped, 'core/check.c', 'static volatile int planted;\n')
plant(atomics_are_wrapped, 'core/check.c', 'struct planted { _Atomic(int) planted_word; };\n'
      'static void planted(struct planted *p) { p->planted_word = 1; }\n')
plant(atomics_are_wrapped, 'core/check.c', 'struct planted { _Atomic(int) planted_word; };\n'
      'static void planted(struct planted *p) { p->planted_word++; }\n')


# One wrapper each -------------------------------------------------------------------------

@rule
def waits_are_wrapped(tree):
    """pthread calls only in core/lock, core/schedule, and core/type.c (pthread_once)."""
    allowed = {'core/lock.c', 'core/lock.h', 'core/schedule.c', 'core/schedule.h'}
    waits = re.compile(r'\b((?:pthread|sem|cnd|mtx|thrd)_\w+|PTHREAD_\w+|nanosleep|usleep|sleep|'
                       r'sched_yield|poll|futex)\s*(?=\(|\w)')
    for source in tree.c_files(*RUNTIME):
        if source.path in allowed:
            continue
        for line, match in find_all(source, waits):
            name = match.group(1)
            if source.path == 'core/type.c' and name.upper().startswith('PTHREAD_ONCE'):
                continue
            if not name.startswith(('pthread', 'sem', 'cnd', 'mtx', 'thrd', 'PTHREAD')) and \
                    not re.match(r'\s*\(', source.bare[match.end():]):
                continue
            yield source.path, line, '%s outside core/lock.c and core/schedule.c' % name


plant(waits_are_wrapped, 'core/check.c', 'static void planted(void) { pthread_yield(); }\n')
plant(waits_are_wrapped, 'collectors/{collector}/{source}', 'static pthread_mutex_t planted;\n')
plant(waits_are_wrapped, 'workloads/planted.c', 'static void planted(void) { usleep(1); }\n')


@rule
def allocations_are_wrapped(tree):
    """malloc, calloc, realloc, free, mmap and the like only in core/os.c."""
    names = re.compile(r'(?<![\w.>])(malloc|calloc|realloc|reallocarray|free|aligned_alloc|posix_memalign|'
                       r'mmap|munmap|mremap|sbrk|strdup|strndup|asprintf|vasprintf|alloca)\s*\(')
    for source in tree.c_files(*RUNTIME):
        if source.path != 'core/os.c':
            for line, match in find_all(source, names):
                yield source.path, line, '%s() outside core/os.c' % match.group(1)


plant(allocations_are_wrapped, 'core/check.c', 'static void *planted(void) { return malloc(8); }\n')
plant(allocations_are_wrapped, 'workloads/planted.c', 'static void planted(void *p) { free(p); }\n')


@rule
def library_is_silent(tree):
    """Core, collectors and workloads print nothing; only a fatal error speaks (core/check.c)."""
    names = re.compile(r'\b(v?f?printf|puts|fputs|putchar|fputc|perror|fwrite)\s*\(')
    for source in tree.c_files(*RUNTIME):
        if source.path != 'core/check.c':
            for line, match in find_all(source, names):
                yield source.path, line, '%s() in library code' % match.group(1)


plant(library_is_silent, 'core/list.h', 'static void planted(void) { printf("x"); }\n')


@rule
def thread_locals(tree):
    """No thread-local storage but in core/lock, core/schedule and core/grace, where threads
    are meant: the mutator is passed."""
    for source in tree.c_files(*RUNTIME):
        if source.path not in ('core/lock.c', 'core/schedule.c', 'core/grace.c'):
            for line, match in find_all(source, r'\b(_Thread_local|thread_local|__thread)\b'):
                yield source.path, line, match.group(1)


plant(thread_locals, 'core/check.c', 'static _Thread_local int planted;\n')


# Form ---------------------------------------------------------------------------------------

@rule
def license_line(tree):
    """The first line of a source file (the second, after #!) is its SPDX line."""
    for source in tree.files(*(f + '/' for f in FOLDERS)):
        lines = source.lines
        script = bool(lines) and lines[0].startswith('#!')
        if source.is_c:
            good = source.text.startswith('/* SPDX-License-Identifier: MIT */\n')
        elif script or source.path.endswith(('.py', '.sh')):
            good = '# SPDX-License-Identifier: MIT' in lines[:2]
        else:
            continue
        if not good:
            yield source.path, 1, 'no SPDX line'


plant(license_line, 'core/planted.c', 'int planted;\n')
plant(license_line, 'tests/planted.py', 'print(1)\n')


@rule
def include_guards(tree):
    """A header's guard is its path in capitals; its name alone, if it is built outside."""
    for source in tree.files(*(f + '/' for f in FOLDERS), suffixes=('.h',)):
        path = source.path if not source.path.startswith(OUTSIDE) else os.path.basename(source.path)
        guard = re.sub(r'\W', '_', path).upper()
        match = re.search(r'#ifndef (\w+)\n#\s*define (\w+)', source.code)
        if not match or match.group(1) != guard or match.group(2) != guard:
            yield source.path, 1, 'the include guard is not %s' % guard


plant(include_guards, 'core/planted.h', '/* SPDX-License-Identifier: MIT */\n'
      '#ifndef PLANTED_H\n#define PLANTED_H\n#endif\n')


@rule
def comments(tree):
    """Comments are of the form /* */."""
    for source in tree.files(*(f + '/' for f in FOLDERS)):
        if source.is_c:
            for line, _ in find_all(source, r'//'):
                yield source.path, line, 'a // comment'


plant(comments, 'core/check.c', 'int planted; // why\n')


@rule
def sizes(tree):
    """.c files have at most 600 lines, .h files 400, functions 80."""
    for source in tree.c_files(*(f + '/' for f in FOLDERS)):
        limit = 400 if source.path.endswith('.h') else 600
        if len(source.lines) > limit:
            yield source.path, limit, '%d lines; the limit is %d' % (len(source.lines), limit)
        start = None
        for n, line in enumerate(source.bare_lines, 1):
            if line == '{':
                start = n
            elif line == '}' and start is not None:
                if n - start - 1 > 80:
                    yield source.path, start, 'a function of %d lines; the limit is 80' % (n - start - 1)
                start = None


plant(sizes, 'core/check.c', '/* */\n' * 601)
plant(sizes, 'core/list.h', '/* */\n' * 401)
plant(sizes, 'core/check.c', 'static void planted(void)\n{\n' + '    ;\n' * 81 + '}\n', 'core/check.c')


@rule
def unfinished(tree):
    """No marks of unfinished work in code."""
    marks = re.compile(r'\b(%s)\b' % '|'.join(('TO' 'DO', 'FIX' 'ME', 'XX' 'X', 'HA' 'CK')))
    for source in tree.files(*(f + '/' for f in FOLDERS)):
        if source.is_c or source.path.endswith(('.py', '.sh', 'meson.build', '/run', '/fresh', '/matrix')):
            for n, line in enumerate(source.lines, 1):
                match = marks.search(line)
                # a directive of TAP has the same name
                if match and not (match.group(1) == 'TO' 'DO' and source.path.startswith('tests/')
                                  and 'directive' in line):
                    yield source.path, n, match.group(1)


plant(unfinished, 'core/check.c', '/* ' 'TO' 'DO: later */\n')


@rule
def conditionals(tree):
    """No #if in .c files of core and collectors but for a sanitizer's interface: alternatives
    are files, and levels of checking are constants."""
    for source in tree.files('core/', 'collectors/', suffixes=('.c',)):
        if os.path.basename(source.path).startswith('os_'):
            continue
        for line, match in find_all(source, r'(?m)^[ \t]*#[ \t]*(?:if|ifdef|ifndef|elif)\b[ \t]*(.*)$'):
            if match.group(1).strip() not in ('GC_ASAN', 'GC_TSAN'):
                yield source.path, line, '#if %s' % match.group(1)


plant(conditionals, 'core/check.c', '#if GC_CHECK\nint planted;\n#endif\n')


@rule
def plain_c(tree):
    """The tree is C. C++ are the driver of Google Benchmark, and the peers with shared_ptr."""
    for source in tree.files():
        if (re.search(r'\.(cc|cpp|cxx|C|hh|hpp|hxx)$', source.path) and
                not re.fullmatch(CPP, source.path)):
            yield source.path, 1, 'C++; only %s is' % CPP


CPP = r'bench/micro/benchmark\.cc|bench/peers/shared_ptr_\w+\.cc'
plant(plain_c, 'bench/planted.cpp', 'int planted;\n')


@rule
def typedefs(tree):
    """No typedefs but gc_slot and function pointers named *_fn."""
    for source in tree.c_files(*(f + '/' for f in FOLDERS)):
        for line, match in find_all(source, r'\btypedef\b([^;{]*)[;{]'):
            text = match.group(1)
            if not re.search(r'\(\*\s*\w+_fn\s*\)\s*\(', text) and not re.search(r'\bgc_slot\b', text):
                yield source.path, line, 'typedef' + ' '.join(text.split()).join((' ', ''))


plant(typedefs, 'core/check.c', 'typedef struct planted { int x; } planted_t;\n')


@rule
def names(tree):
    """Names that others own are not used: gc_ and GC_ are the prefixes, but not these."""
    taken = re.compile(r'\b(GC_ASSERT|GC_DEBUG|GC_THREADS|GC_API|GC_INIT)\b')
    for source in tree.c_files(*(f + '/' for f in FOLDERS)):
        for line, match in find_all(source, taken):
            yield source.path, line, '%s belongs to another collector\'s public header' % match.group(1)


plant(names, 'core/check.c', '#define GC_DEBUG 1\n')


# The house -------------------------------------------------------------------------------------

@rule
def top_level(tree):
    """Nothing else at the top."""
    for name in tree.top:
        if name not in TOP_LEVEL and not name.startswith('build'):
            yield name, 0, 'does not belong at the top'


plant(top_level, 'planted.txt', 'x\n')


@rule
def machine_paths(tree):
    """No path of somebody's machine."""
    pattern = re.compile(r'(?<![\w.$}])/(?:%s)/[\w.]' % '|'.join(('ho' 'me', 'ro' 'ot', 'Us' 'ers', 'wo' 'rk')))
    for source in tree.files():
        for n, line in enumerate(source.lines, 1):
            if pattern.search(line):
                yield source.path, n, 'an absolute path of a machine'


plant(machine_paths, 'core/check.c', '/* see /ho' 'me/somebody/notes */\n')


@rule
def readmes(tree):
    """Every folder of the house has a README whose first line says what does not belong there."""
    folders = list(FOLDERS) + ['core/protocol']
    folders += ['collectors/' + n for n in tree.collectors()]
    for folder in folders:
        path = folder + '/README.md'
        if path not in tree.sources:
            yield path, 0, 'is missing'
        elif not path.startswith('collectors/') or path == 'collectors/README.md':
            lines = [l for l in tree.sources[path].lines if l.strip() and not l.startswith('#')]
            if not lines or not re.search(r'\b(not?|nothing|never|neither)\b', lines[0], re.IGNORECASE):
                yield path, 1, 'the first line does not say what does not belong there'


plant(readmes, 'papers/README.md', 'Experiments.\n', append=False)

SECTIONS = ('Idea', 'Paper and code', 'Deviations', 'Invariants', 'Sync edges', 'Header bits',
            'Options', 'Expected costs', 'Known limits')


@rule
def collector_readmes(tree):
    """A collector's README has these sections, in this order: Idea, Paper and code, Deviations,
    Invariants, Sync edges, Header bits, Options, Expected costs, Known limits."""
    for name in tree.collectors():
        path = 'collectors/%s/README.md' % name
        if path not in tree.sources:
            continue
        found = re.findall(r'^## (.*?)\s*$', tree.sources[path].text, re.MULTILINE)
        for section in SECTIONS:
            if section not in found:
                yield path, 1, 'has no section "## %s"' % section
        if [s for s in found if s in SECTIONS] != [s for s in SECTIONS if s in found]:
            yield path, 1, 'the sections are in another order'


plant(collector_readmes, 'collectors/{collector}/README.md', '## Idea\n\nx\n', append=False)


def option_table(tree, prefix):
    """{name: default} of the option tables in the files of a folder."""
    table = {}
    for source in tree.files(prefix, suffixes=('.c',)):
        for match in re.finditer(r'const struct gc_option \w+\[\] = \{(.*?)\n\};', source.code, re.DOTALL):
            for entry in re.finditer(r'\.name = "(\w+)"(.*?)(?=\.name = |$)', match.group(1), re.DOTALL):
                default = re.search(r'\.standard = "([^"]*)"', entry.group(2))
                table[entry.group(1)] = default.group(1) if default else ''
    return table


@rule
def collector_options(tree):
    """The table of options in a collector's README is that of its descriptor: rows
    `| name | default | ...`."""
    for name in tree.collectors():
        path = 'collectors/%s/README.md' % name
        if path not in tree.sources:
            continue
        text = tree.sources[path].text
        section = re.search(r'^## Options\n(.*?)(?=^## |\Z)', text, re.MULTILINE | re.DOTALL)
        rows = dict(re.findall(r'^\| *`(\w+)` *\| *`?([^|`]*?)`? *\|', section.group(1) if section else '',
                               re.MULTILINE))
        table = option_table(tree, 'collectors/%s/' % name)
        for option, default in sorted(table.items()):
            if option not in rows:
                yield path, 1, 'the option %s has no row' % option
            elif rows[option] != default:
                yield path, 1, 'the default of %s is %s, not %s' % (option, default, rows[option])
        for option in sorted(set(rows) - set(table)):
            yield path, 1, 'there is no option %s' % option


plant(collector_options, 'collectors/{collector}/README.md',
      '\n## Options\n\n| `planted_option` | `1` | x |\n', append=False)


@rule
def collector_table(tree):
    """Each collector has a line in the build, a row in collectors/README.md, and names a paper
    that papers/README.md knows (or none)."""
    def text(path):
        return tree.sources[path].text if path in tree.sources else ''
    build, table, papers = map(text, ('collectors/meson.build', 'collectors/README.md', 'papers/README.md'))
    for name in tree.collectors():
        if not re.search(r"'%s'" % name, build):
            yield 'collectors/meson.build', 1, 'does not build %s' % name
        if not re.search(r'^\| *\[?`%s`' % name, table, re.MULTILINE):
            yield 'collectors/README.md', 1, 'has no row for %s' % name
        for source in tree.files('collectors/%s/' % name, suffixes=('.c',)):
            for line, match in find_all(source, r'\.paper = "(\w+)"', source.code):
                if not re.search(r'^\| *`%s`' % match.group(1), papers, re.MULTILINE):
                    yield source.path, line, 'papers/README.md does not know %s' % match.group(1)


plant(collector_table, 'collectors/planted/planted.c', '/* SPDX-License-Identifier: MIT */\n',
      'collectors/meson.build')
plant(collector_table, 'collectors/{collector}/{source}', 'static struct planted p = '
      '{ .paper = "Nobody99" };\n', 'Nobody99')


@rule
def paper_keys(tree):
    """Marks like [BR01 ...] in comments resolve in papers/README.md."""
    papers = tree.sources['papers/README.md'].text if 'papers/README.md' in tree.sources else ''
    keys = set(re.findall(r'^\| *`(\w+)`', papers, re.MULTILINE))
    for source in tree.c_files(*RUNTIME):
        for n, line in enumerate(source.lines, 1):
            for key in re.findall(r'\[([A-Z][A-Za-z]*\d\d|CPythonGC)(?: [^]]*)?\]', line):
                if key not in keys:
                    yield source.path, n, 'papers/README.md does not know %s' % key


plant(paper_keys, 'core/check.c', '/* [Nobody98 section 2] */\n', 'Nobody98')

# Suites that test what several sources do together.
NO_SOURCE = {'tests/core/test_out_of_memory.c'}
MIRRORED = ('core/', 'bench/analysis/')
FROM_OUTSIDE = ('bench/analysis/program/',)    # tests/test_analysis.py runs that program


@rule
def tests_mirror_sources(tree):
    """core/NAME.c is tested by tests/core/test_NAME.c (core/protocol/NAME.c by test_protocol_NAME.c),
    bench/analysis/NAME.c by tests/bench/analysis/test_NAME.c, and each of those has its source.
    (The program in bench/analysis/program/ is tested from outside.)"""
    for folder in MIRRORED:
        for source in tree.files(folder, suffixes=('.c',)):
            if source.path.startswith(FROM_OUTSIDE):
                continue
            name = source.path[len(folder):].replace('/', '_')
            mirror = 'tests/%stest_%s' % (folder, name)
            if mirror not in tree.sources:
                yield source.path, 1, '%s does not exist' % mirror
        for source in tree.files('tests/%stest_' % folder, suffixes=('.c',)):
            name = os.path.basename(source.path)[len('test_'):-2]
            path = folder + re.sub(r'^protocol_', 'protocol/', name)
            if source.path not in NO_SOURCE and not tree.exists(path + '.c') and not tree.exists(path + '.h'):
                yield source.path, 1, '%s.c does not exist' % path


plant(tests_mirror_sources, 'core/planted.c', '/* SPDX-License-Identifier: MIT */\n')
plant(tests_mirror_sources, 'tests/core/test_planted_orphan.c', '/* SPDX-License-Identifier: MIT */\n')
plant(tests_mirror_sources, 'bench/analysis/planted.c', '/* SPDX-License-Identifier: MIT */\n')
plant(tests_mirror_sources, 'tests/bench/analysis/test_planted_orphan.c', '/* SPDX-License-Identifier: MIT */\n')


@rule
def tests_are_built(tree):
    """Every test_*.c is a line of tests/meson.build, and every line there has its file."""
    build = tree.sources['tests/meson.build'].text if 'tests/meson.build' in tree.sources else ''
    files = set(re.findall(r"'((?:\w+/)*test_\w+\.c)'", build))
    for source in tree.files('tests/', suffixes=('.c',)):
        if os.path.basename(source.path).startswith('test_') and source.path[len('tests/'):] not in files:
            yield source.path, 1, 'no test runs it: tests/meson.build does not name it'
    for path in sorted(files):
        if not tree.exists('tests/' + path):
            yield 'tests/meson.build', 1, 'tests/%s does not exist' % path


plant(tests_are_built, 'tests/core/test_planted.c', '/* SPDX-License-Identifier: MIT */\n')
plant(tests_are_built, 'tests/meson.build', "    ['planted', 'core/test_planted.c', 'core'],\n")


@rule
def runnable(tree):
    """Scripts that people call have their run bit."""
    for path in ('bench/run', 'bench/micro/ratios', 'bench/peers/compare',
                 'bench/peers/cpython_compare', 'bench/peers/plugin_compare', 'tests/run', 'tests/fresh', 'tests/matrix',
                 'tests/analyse', 'tests/coverage', 'tests/plugins', 'tests/models/run'):
        if path not in tree.sources:
            yield path, 0, 'is missing'
        elif not tree.sources[path].executable:
            yield path, 0, 'has no run bit'
    if not os.access(os.path.join(tree.root, '.ci/run'), os.X_OK):
        yield '.ci/run', 0, 'is missing or has no run bit'


PLANTS.append((runnable.__name__, 'tests/run', None, 'tests/run', False))


# -----------------------------------------------------------------------------------------------

def violations(root, chosen=None):
    tree = Tree(root)
    return {f.__name__: sorted(set(f(tree))) for f in RULES if not chosen or f.__name__ in chosen}


def self_test():
    """Every rule has a planted violation, and sees each of its own."""
    count = failed = 0

    def report(good, name):
        nonlocal count, failed
        count += 1
        failed += not good
        print('%s %d - %s' % ('ok' if good else 'not ok', count, name))

    for function in RULES:
        report(any(p[0] == function.__name__ for p in PLANTS),
               'there is a violation to plant for %s' % function.__name__)
    with tempfile.TemporaryDirectory() as folder:
        original = os.path.join(folder, 'original')
        os.mkdir(original)
        for name in list(TOP_LEVEL) + ['.ci']:
            path = os.path.join(ROOT, name)
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(original, name))
            elif os.path.exists(path):
                shutil.copy2(path, original)
        before = violations(original)
        tree = Tree(original)
        collector = tree.collectors()[0]
        source = [s.path for s in tree.files('collectors/%s/' % collector, suffixes=('.c',))][0]
        for rule_name, path, text, note, append in PLANTS:
            fill = {'{collector}': collector, '{source}': os.path.basename(source)}
            for key, value in fill.items():
                path, note = path.replace(key, value), note.replace(key, value)
                text = text.replace(key, value) if text is not None else None
            full = os.path.join(original, path)
            existed = os.path.exists(full)
            kept = None
            if existed:
                mode = os.stat(full).st_mode
                with open(full, 'rb') as data:
                    kept = data.read()
            made = None
            if not os.path.isdir(os.path.dirname(full)):
                made = os.path.dirname(full)
                os.mkdir(made)
            if text is None:
                os.chmod(full, 0o644)
            else:
                with open(full, 'ab' if append else 'wb') as data:
                    data.write(text.encode())
            after = violations(original, {rule_name})[rule_name]
            # line numbers move, so what is new is told apart by path and text
            old = {(p, w) for p, _, w in before[rule_name]}
            new = [v for v in after if (v[0], v[2]) not in old or len(after) > len(before[rule_name])]
            report(any(note in v[0] or note in v[2] for v in new),
                   '%s sees what is planted in %s' % (rule_name, path))
            if existed:
                with open(full, 'wb') as data:
                    data.write(kept)
                os.chmod(full, mode)
            else:
                os.remove(full)
            if made:
                os.rmdir(made)
        report(violations(original) == before, 'everything planted was taken out again')
    print('1..%d' % count)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description='Checks the rules of the house.')
    parser.add_argument('--tap', action='store_true', help='print TAP')
    parser.add_argument('--self-test', action='store_true', help='check the rules themselves')
    parser.add_argument('--list', action='store_true', help='print the rules')
    parser.add_argument('--root', default=ROOT, help='the tree (default: this one)')
    parser.add_argument('rules', nargs='*', metavar='RULE')
    arguments = parser.parse_args()
    known = {f.__name__: f for f in RULES}
    for name in arguments.rules:
        if name not in known:
            parser.error('there is no rule %s; see --list' % name)
    if arguments.list:
        for name, function in known.items():
            print('%s\n    %s' % (name, ' '.join(function.__doc__.split())))
        return 0
    if arguments.self_test:
        return self_test()
    results = violations(arguments.root, set(arguments.rules))
    failed = [n for n, found in results.items() if found]
    if arguments.tap:
        print('1..%d' % len(results))
    for number, (name, found) in enumerate(results.items(), 1):
        if arguments.tap:
            print('%s %d - %s' % ('not ok' if found else 'ok', number, name))
        for path, line, what in found:
            print('%s%s:%d: [%s] %s' % ('# ' if arguments.tap else '', path, line, name, what))
    if not arguments.tap:
        print('%d passed, %d failed' % (len(results) - len(failed), len(failed)))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
