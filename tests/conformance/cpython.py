#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the conformance cases on the CPython that runs this program.

    cpython.py [--list] [--case N]... [--show N] [--quiet] [FILE]

Each case is translated to a small Python program (--show prints it): a handle is a
global variable, an object a slotted instance, a finalizer a __del__ method. The program
runs in a process of its own, forked from a quiet parent, with everything that exists
before it frozen, so that counters, counts and lists show what the case does and
nothing else. Exit status: 0 all passed, 1 a case failed, 2 usage or a bad file.
"""

import argparse
import ctypes
import gc
import json
import os
import re
import resource
import select
import signal
import sys
import time
import traceback
import weakref

SYSTEM = "cpython"
SECONDS = 60


class BadFile(Exception):
    pass


# The file ----------------------------------------------------------------------------


class Statement:
    """A line, or a block (repeat) with its lines."""

    def __init__(self, line, words):
        self.line = line
        self.words = words
        self.body = []
        self.others = {}  # system name -> Statement that replaces this one


class Script:
    def __init__(self, name):
        self.name = name
        self.body = []


class Case:
    def __init__(self, line, number, title):
        self.line = line
        self.number = number
        self.title = title
        self.needs = []
        self.scripts = {}
        self.body = []


def read_cases(path):
    """Returns (scripts of the file, cases)."""
    scripts, cases = {}, []
    case, stack = None, []
    with open(path, encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            words = text.split("#")[0].split()
            if not words:
                continue
            verb = words[0]
            if verb == "case":
                if stack:
                    raise BadFile(f"{path}:{line}: a block is still open")
                case = Case(line, words[1], " ".join(words[2:]))
                cases.append(case)
            elif verb == "needs":
                case.needs = words[1:]
            elif verb == "script":
                script = Script(words[1])
                (case.scripts if case else scripts)[words[1]] = script
                stack.append(script.body)
            elif verb == "end":
                if not stack:
                    raise BadFile(f"{path}:{line}: nothing to end")
                stack.pop()
            else:
                body = stack[-1] if stack else case.body
                if verb.startswith("@"):
                    body[-1].others[verb[1:]] = Statement(line, words[1:])
                    continue
                statement = Statement(line, words)
                body.append(statement)
                if verb == "repeat":
                    stack.append(statement.body)
    if stack:
        raise BadFile(f"{path}: a block is open at the end")
    return scripts, cases


# The translation ---------------------------------------------------------------------


REF = re.compile(r"^([A-Za-z_]\w*)(?:\[(\w+)(?:\.\.(\d+))?\])?((?:\.\w+)*)$")


class Translator:
    """Turns one case into the text of a Python program."""

    def __init__(self, scripts, case, path):
        self.case = case
        self.path = path
        self.scripts = {**scripts, **case.scripts}
        self.arrays = {}
        self.names = set()
        self.used = []
        self.differences = []
        self.out = []
        self.depth = 0
        self.loops = []
        self.main = False
        self.reads_counters = False

    def emit(self, text):
        self.out.append("    " * self.depth + text)

    def fail(self, statement, why):
        raise BadFile(f"{self.path}:{statement.line}: {why}: {' '.join(statement.words)}")

    def program(self):
        """Scripts become functions; each is made in the order that they are used in."""
        self.collect_names(self.case.body)
        self.use_scripts(self.case.body)
        self.scripts = {name: self.scripts[name] for name in self.used}
        self.main = True
        for statement in self.case.body:
            self.statement(statement)
        self.main = False
        body, self.out = self.out, []
        for script in self.scripts.values():
            self.emit(f"def script_{script.name}(self, event=None):")
            self.depth += 1
            if self.names:
                self.emit("global " + ", ".join(sorted(self.names)))
            for statement in script.body:
                self.statement(statement)
            self.depth -= 1
        for script in self.scripts.values():
            self.emit(f"class Node_{script.name}(Node):")
            self.emit("    __slots__, __del__ = (), finalize")
            self.emit(f"    script = script_{script.name}")
        for name in sorted(self.names):
            size = self.arrays.get(name)
            self.emit(f"{name} = None" if size is None else f"{name} = [None] * {size}")
        self.emit("begin()")
        return "\n".join(self.out + body) + "\n"

    def use_scripts(self, body):
        """Adds the scripts that the statements name, and those that these name."""
        for statement in body:
            self.use_scripts(statement.body)
            for word in self.chosen(statement, False).words[1:]:
                if word in self.scripts and word not in self.used:
                    self.used.append(word)
                    self.collect_names(self.scripts[word].body)
                    self.use_scripts(self.scripts[word].body)

    def collect_names(self, body):
        for statement in body:
            words = self.chosen(statement, False).words
            verb = words[0]
            if words[:2] == ["expect", "counters"]:
                self.reads_counters = True
            if verb in ("array", "ring", "dring"):
                self.arrays[words[1]] = int(words[2])
                self.names.add(words[1])
            elif verb in ("node", "loop", "leaf", "number", "string", "null", "list",
                          "tuple", "map", "opaque", "immortal", "weak", "registry",
                          "handle", "remember"):
                self.names.add(words[1].split("[")[0])
            self.collect_names(statement.body)

    def chosen(self, statement, note=True):
        other = statement.others.get(SYSTEM)
        if other is None:
            return statement
        if note:
            self.differences.append(
                [other.line, " ".join(statement.words), " ".join(other.words)])
        return other

    def split(self, statement, text):
        match = REF.match(text)
        if not match:
            self.fail(statement, "not a reference")
        return match.groups()

    def ref(self, statement, text):
        """A reference as a Python expression."""
        if text == "none":
            return "None"
        name, index, last, slots = self.split(statement, text)
        if last:
            self.fail(statement, "one reference is wanted")
        if name == "garbage":
            name = "gc.garbage"
        if index is not None:
            name += f"[{index}]"
        for slot in slots.split(".")[1:]:
            if slot.isdigit() or slot in self.loops:
                name += f"[{slot}]"
            else:
                name += f".{slot}"
        return name

    def group(self, statement, text):
        """(array, first, end) when the words name several handles, else None."""
        name, index, last, slots = self.split(statement, text)
        if name in self.arrays and index is None and not slots:
            return name, 0, self.arrays[name]
        if last is not None:
            return name, int(index), int(last) + 1
        return None

    def tag(self, text):
        name, index, _, _ = REF.match(text).groups()
        if index is None or index.isdigit():
            return repr(text)
        return "f'%s[{%s}]'" % (name, index)

    def node_class(self, words):
        return f"Node_{words[0]}" if words else "Node"

    def statement(self, statement):
        chosen = self.chosen(statement)
        verb, *rest = chosen.words
        method = getattr(self, "do_" + verb, None)
        if method is None:
            self.fail(chosen, "unknown statement")
        try:
            method(statement if verb == "repeat" else chosen, rest)
        except (IndexError, ValueError):
            self.fail(chosen, "cannot read")

    # Objects

    def do_node(self, s, w):
        self.emit(f"{w[0]} = new_node({self.node_class(w[1:])}, {self.tag(w[0])})")

    def do_loop(self, s, w):
        self.do_node(s, w)
        self.emit(f"{w[0]}.a = {w[0]}")

    def ring(self, s, w, both):
        classes = [f"Node_{name}" for name in w[2:]] or ["Node"]
        self.emit(f"make_ring({w[0]}, {w[0]!r}, ({', '.join(classes)},), {both})")

    def do_ring(self, s, w):
        self.ring(s, w, False)

    def do_dring(self, s, w):
        self.ring(s, w, True)

    def do_leaf(self, s, w):
        script = f"script_{w[1]}" if len(w) > 1 else "None"
        self.emit(f"{w[0]} = new_leaf({self.tag(w[0])}, {script})")

    def do_number(self, s, w):
        self.emit(f"{w[0]} = float('12345.75')")

    def do_string(self, s, w):
        self.emit(f"{w[0]} = str(12345.75)")

    def do_null(self, s, w):
        self.emit(f"{w[0]} = None")

    def do_immortal(self, s, w):
        self.emit(f"{w[0]} = -5")

    def do_list(self, s, w):
        self.emit(f"{w[0]} = new_list({self.tag(w[0])}, {int(w[1])})")

    def do_tuple(self, s, w):
        self.emit(f"{w[0]} = ({', '.join(self.ref(s, x) for x in w[1:])},)")

    def do_map(self, s, w):
        self.emit(f"{w[0]} = {{}}")

    def do_put(self, s, w):
        m, k, v = (self.ref(s, x) for x in w)
        self.emit(f"{m}[{k}] = {v}")

    def do_opaque(self, s, w):
        self.emit(f"{w[0]} = new_opaque({self.ref(s, w[1])})")

    def do_array(self, s, w):
        pass  # made before the case starts

    def do_weak(self, s, w):
        target, script, via = self.ref(s, w[1]), None, None
        rest = w[2:]
        if rest and rest[0] != "via":
            script, rest = rest[0], rest[1:]
        if rest:
            via = self.ref(s, rest[1])
        callback = "None" if script is None else f"script_{script}"
        if via:
            self.emit(f"{via}.call = {callback}")
            callback = via
        self.emit(f"{w[0]} = new_weak({self.tag(w[0])}, {target}, {callback})")

    def do_registry(self, s, w):
        self.emit(f"{w[0]} = new_registry({w[0]!r}, {self.ref(s, w[1])}, script_{w[2]})")

    def do_call(self, s, w):
        self.emit(f"{w[0]}()")

    def do_detach(self, s, w):
        self.emit(f"{w[0]}.detach()")

    # Handles and slots

    def do_handle(self, s, w):
        self.emit(f"{w[0]} = {self.ref(s, w[1])}")

    def do_drop(self, s, w):
        for text in w:
            if text in ("KEEP", "garbage"):
                self.emit("del KEEP[:]" if text == "KEEP" else "del gc.garbage[:]")
                continue
            group = self.group(s, text)
            if group:
                self.emit("drop_all(%s, %d, %d)" % group)
            else:
                self.emit(f"{self.ref(s, text)} = None")

    def do_keep(self, s, w):
        self.emit(f"KEEP.append({self.ref(s, w[0])})")

    def do_store(self, s, w):
        self.emit(f"{self.ref(s, w[0])} = {self.ref(s, w[1])}")

    def do_clear(self, s, w):
        self.emit(f"clear_slots({self.ref(s, w[0])})")

    # The collector

    def do_collect(self, s, w):
        generation = "" if not w or w[0] == "=" else str(int(w[0]))
        wanted = None
        if "=" in w:
            wanted = w[w.index("=") + 1]
        full = generation in ("", "2") and self.reads_counters and self.main
        if wanted is None:
            self.emit(f"gc.collect({generation})")
        elif wanted == "error":
            self.emit(f"check_error({s.line}, {generation})")
        else:
            self.emit(f"check({s.line}, gc.collect({generation}), {int(wanted)})")
        if full:
            self.emit("settle()")

    def do_automatic(self, s, w):
        self.emit({"on": "gc.enable()", "off": "gc.disable()"}[w[0]])

    def do_saveall(self, s, w):
        self.emit({"on": "gc.set_debug(gc.DEBUG_SAVEALL)", "off": "gc.set_debug(0)"}[w[0]])

    def do_freeze(self, s, w):
        self.emit("gc.freeze()")

    def do_unfreeze(self, s, w):
        self.emit("unfreeze()")

    def do_thresholds(self, s, w):
        self.emit("gc.set_threshold(%d, %d, %d)" % tuple(map(int, w)))

    def do_observe(self, s, w):
        self.emit(f"observe({w[0]!r}, script_{w[1]})")

    def do_watch(self, s, w):
        self.emit("watch()")

    def do_mark(self, s, w):
        self.emit("mark()")

    def do_remember(self, s, w):
        if w[1] != "count":
            raise ValueError
        self.emit(f"{w[0]} = sys.getrefcount({self.ref(s, w[2])})")

    def do_stack(self, s, w):
        self.emit(f"limit_stack({int(w[0])})")

    def do_lower(self, s, w):
        self.emit(f"change_count({self.ref(s, w[0])}, -{int(w[1])})")

    def do_lift(self, s, w):
        self.emit(f"change_count({self.ref(s, w[0])}, {int(w[1])})")

    def do_nothing(self, s, w):
        pass

    # Scripts

    def do_log(self, s, w):
        self.emit("LOG.append(event)" if w[0] == "event" else
                  f"LOG.append({self.ref(s, w[0])}.tag)")

    def do_raise(self, s, w):
        self.emit("raise RuntimeError('as the case asks')")

    def do_repeat(self, s, w):
        variable = w[2] if w[1:2] == ["as"] else "_"
        self.emit(f"for {variable} in range({int(w[0])}):")
        self.depth += 1
        self.loops.append(variable)
        for statement in s.body:
            self.statement(statement)
        self.loops.pop()
        self.depth -= 1

    # Expectations

    def do_expect(self, s, w):
        if w[1] == "is":
            left, right = self.ref(s, w[0]), self.ref(s, w[2])
            # A weak reference on the left stands for what it refers to.
            self.emit(f"check_is({s.line}, {left}, {right}, {w[2]!r})")
            return
        method = getattr(self, "expect_" + w[0], None)
        if method is None:
            self.fail(s, "unknown expectation")
        method(s, w[1:])

    def each(self, s, text):
        group = self.group(s, text)
        if group is None:
            return [self.ref(s, text)]
        name, first, end = group
        return [f"{name}[{i}]" for i in range(first, end)]

    def expect_dead(self, s, w):
        for ref in self.each(s, w[0]):
            self.emit(f"check({s.line}, is_dead({ref}), True)")

    def expect_alive(self, s, w):
        for ref in self.each(s, w[0]):
            self.emit(f"check({s.line}, is_dead({ref}), False)")

    def number(self, text):
        if text == "absent":
            return "None"
        match = re.match(r"^(-?\d+|[a-z]\w*)(\+\d+)?$", text)
        if not match:
            raise ValueError
        return text

    def expect_count(self, s, w):
        self.emit(f"check({s.line}, sys.getrefcount({self.ref(s, w[0])}), "
                  f"{self.number(w[2])})")

    def expect_generation(self, s, w):
        wanted = w[2] if w[2].isdigit() else repr(w[2])
        self.emit(f"check({s.line}, generation_of({self.ref(s, w[0])}), {wanted})")

    def expect_tracked(self, s, w):
        self.emit(f"check({s.line}, gc.is_tracked({self.ref(s, w[0])}), True)")

    def expect_untracked(self, s, w):
        self.emit(f"check({s.line}, gc.is_tracked({self.ref(s, w[0])}), False)")

    def expect_log(self, s, w):
        tags = [] if w[1] == "nothing" else w[1:]
        self.emit(f"check_log({s.line}, {' '.join(tags)!r}, {w[0] == '='})")

    def expect_kept(self, s, w):
        self.emit(f"check({s.line}, len(KEEP), {int(w[1])})")

    def expect_reported(self, s, w):
        self.emit(f"check({s.line}, STATE.reported, {int(w[1])})")

    def expect_garbage(self, s, w):
        self.emit(f"check({s.line}, len(gc.garbage), {int(w[1])})")

    def expect_frozen(self, s, w):
        self.emit(f"check({s.line}, frozen(), {int(w[1])})")

    def triple(self, w):
        return "(" + ", ".join("None" if x == "_" else str(int(x)) for x in w) + ")"

    def expect_counters(self, s, w):
        self.emit(f"check_triple({s.line}, gc.get_count(), {self.triple(w[1:])})")

    def expect_thresholds(self, s, w):
        self.emit(f"check_triple({s.line}, gc.get_threshold(), {self.triple(w[1:])})")

    def expect_stats(self, s, w):
        self.emit(f"check_triple({s.line}, statistics({int(w[0])}), {self.triple(w[2:])})")

    def expect_candidates(self, s, w):
        self.emit(f"check({s.line}, statistic({int(w[0])}, 'candidates'), "
                  f"{self.number(w[2])})")

    def expect_duration(self, s, w):
        got = f"statistic({int(w[0])}, 'duration')"
        if w[2] == "positive":
            self.emit(f"check({s.line}, {got} > 0, True)")
        else:
            self.emit(f"check({s.line}, {got}, {self.number(w[2])})")

    def expect_collections(self, s, w):
        wanted = "" if w[1] == "nothing" else "".join(w[1:])
        self.emit(f"check({s.line}, STATE.collections, {wanted!r})")

    def expect_order(self, s, w):
        self.emit(f"check({s.line}, order_of({w[1:]!r}), {w[1:]!r})")

    def expect_ring(self, s, w):
        self.emit(f"check({s.line}, ring_length({self.ref(s, w[0])}, {int(w[1])}, False), "
                  f"{int(w[1])})")

    def expect_dring(self, s, w):
        self.emit(f"check({s.line}, ring_length({self.ref(s, w[0])}, {int(w[1])}, True), "
                  f"{int(w[1])})")

    def has(self, s, listing, w):
        self.emit(f"check({s.line}, contains({listing}, {self.ref(s, w[1])}), "
                  f"{w[0] == 'have'})")

    def expect_objects(self, s, w):
        self.has(s, "gc.get_objects()", w)

    def expect_referents(self, s, w):
        self.has(s, f"gc.get_referents({self.ref(s, w[0])})", w[1:])

    def expect_referrers(self, s, w):
        self.has(s, f"gc.get_referrers({self.ref(s, w[0])})", w[1:])

    def do_fatal(self, s, w):
        # A fatal error would end this process; the parent reports that it did not.
        self.do_collect(s, [])
        self.emit(f"check({s.line}, 'still running', 'a fatal error')")


# What the programs use ---------------------------------------------------------------


class State:
    def __init__(self):
        self.reported = 0
        self.collections = ""
        self.stats = gc.get_stats()
        self.frozen = 0


STATE = None
FAILS = []
LOG = []
KEEP = []
LEAVES = {}
POOL = []
NONES = {n: (None,) * n for n in range(64)}


class Node:
    """A container of four slots; instances are tracked, and have no dictionary."""

    __slots__ = ("a", "b", "c", "d", "tag", "call", "finalized", "__weakref__")
    script = None

    def __call__(self, reference):
        self.call(reference)


def finalize(self):
    if self.finalized:
        FAILS.append([0, "a second run of the finalizer of " + self.tag, "one run"])
    self.finalized = True
    self.script()


class List(list):
    """A list that no free list keeps, so that each allocation counts."""

    __slots__ = ("tag", "__weakref__")


class Weak(weakref.ref):
    __slots__ = ("tag",)


class Tag:
    def __init__(self, tag):
        self.tag = tag


def new_node(cls, tag):
    node = cls()
    node.a = node.b = node.c = node.d = node.call = None
    node.tag = tag
    node.finalized = False
    return node


def new_leaf(tag, script):
    """Not collected, and so not an instance of a class, for those are: a plain object,
    or a code object, whose death a weak reference of the driver's can tell."""
    if not script:
        return object()
    made = leaf_code.replace(co_name=tag)

    def die(reference):
        del LEAVES[id(reference)]
        script(Tag(tag))

    watcher = weakref.ref(made, die)
    LEAVES[id(watcher)] = watcher
    return made


def new_list(tag, slots):
    made = List()
    if slots:
        made.extend(NONES[slots])
    made.tag = tag
    return made


def new_weak(tag, target, callback):
    made = Weak(target, callback) if callback else Weak(target)
    made.tag = tag
    return made


def new_registry(tag, target, script):
    made = weakref.finalize(target, script, Tag(tag))
    made.atexit = False
    return made


def new_opaque(target):
    """A code object: it owns its constants, and the collector cannot look inside."""
    return opaque_code.replace(co_consts=(target,))


leaf_code = opaque_code = (lambda: 12345).__code__


def make_ring(array, name, classes, both):
    length = len(array)
    for i in range(length):
        array[i] = new_node(classes[i % len(classes)], f"{name}[{i}]")
    for i in range(length):
        array[i].a = array[(i + 1) % length]
        if both:
            array[i].b = array[i - 1]


def clear_slots(node):
    node.a = node.b = node.c = node.d = None


def drop_all(array, first, end):
    for i in range(first, end):
        array[i] = None


def change_count(target, difference):
    ctypes.c_ssize_t.from_address(id(target)).value += difference


def limit_stack(kib):
    """The kernel looks at the limit whenever the main thread's stack has to grow."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (kib * 1024, hard))


def note_unraisable(unraisable):
    STATE.reported += 1


def note_collection(phase, info):
    if phase == "start":
        STATE.collections += str(info["generation"])


def watch():
    gc.callbacks.append(note_collection)


def observe(name, script):
    def observer(phase, info):
        script(None, ":".join((name, phase, str(info["generation"]),
                               str(info["collected"]), str(info["uncollectable"]))))

    gc.callbacks.append(observer)


def mark():
    STATE.stats = gc.get_stats()


def statistic(generation, key):
    now = gc.get_stats()[generation]
    return now[key] - STATE.stats[generation][key] if key in now else None


def statistics(generation):
    return tuple(statistic(generation, key)
                 for key in ("collections", "collected", "uncollectable"))


def unfreeze():
    gc.unfreeze()
    STATE.frozen = 0


def frozen():
    return gc.get_freeze_count() - STATE.frozen


def generation_of(target):
    if not gc.is_tracked(target):
        return "untracked"
    for generation in range(3):
        if contains(gc.get_objects(generation=generation), target):
            return generation
    return "frozen"


def contains(listing, target):
    for item in listing:
        if item is target:
            return True
    return False


def order_of(tags):
    return [item.tag for item in gc.get_objects()
            if isinstance(item, Node) and item.tag in tags]


def ring_length(start, limit, both):
    """Steps along slot a until `start` comes again."""
    node = start
    for steps in range(1, limit + 1):
        following = node.a
        if not isinstance(following, Node):
            return f"broken at step {steps}"
        if both and following.b is not node:
            return f"no way back at step {steps}"
        if following is start:
            return steps
        node = following
    return f"more than {limit}"


def is_dead(weak):
    return weak() is None


def fail(line, got, wanted):
    """Notes the first failure of each line."""
    if line == 0 or all(known[0] != line for known in FAILS):
        FAILS.append([line, got, wanted])


def check(line, got, wanted):
    if got != wanted:
        fail(line, repr(got), repr(wanted))


def check_is(line, left, right, name):
    if isinstance(left, Weak) and not isinstance(right, Weak):
        left = left()
    elif isinstance(right, Weak) and not isinstance(left, Weak):
        right = right()
    if left is not right:
        fail(line, "another object", name)


def check_log(line, wanted, ordered):
    got = " ".join(LOG if ordered else sorted(LOG))
    if not ordered:
        wanted = " ".join(sorted(wanted.split()))
    if got != wanted:
        fail(line, got or "nothing", wanted or "nothing")


def check_triple(line, got, wanted):
    for a, b in zip(got, wanted):
        if b is not None and a != b:
            fail(line, str(got), str(wanted))
            return


def check_error(line, generation):
    try:
        got = gc.collect(generation)
    except ValueError:
        return
    fail(line, repr(got), "an error")


def begin():
    """A quiet heap: all that exists is frozen, free lists are filled, counters are 0."""
    gc.disable()
    for _ in range(3):
        gc.collect()
    POOL.extend(Node() for _ in range(256))
    gc.freeze()
    gc.collect()
    fill_free_lists()
    STATE.stats = gc.get_stats()
    gc.freeze()
    STATE.frozen = gc.get_freeze_count()


def fill_free_lists():
    """Room for passing tuples, lists and dictionaries of the driver's own, which then
    do not count as allocations."""
    rooms = [[i] for i in range(8)] + [(i,) * (i % 5) for i in range(40)]
    rooms += [{i: i} for i in range(8)]
    del rooms


def settle():
    """After a full collection, which empties the free lists: fills them again, and takes
    what this counts away by freeing as many objects of the driver's own, of old age."""
    fill_free_lists()
    for _ in range(128):
        POOL.pop()


def finish(names):
    """Lets everything go, all globals of the program, and looks for what is left."""
    gc.set_debug(0)
    gc.disable()
    del gc.callbacks[:]
    names.clear()
    del POOL[:]
    del KEEP[:], gc.garbage[:]
    for _ in range(8):
        gc.unfreeze()
        if gc.collect() == 0:
            break
        del KEEP[:], gc.garbage[:]
    left = [item.tag for item in gc.get_objects() if isinstance(item, (Node, List, Weak))]
    if left:
        FAILS.append([0, f"{len(left)} objects left at the end: {left[:5]}", "none"])


def run_program(text):
    """In the child: runs the program, returns what did not hold."""
    global STATE
    STATE = State()
    sys.unraisablehook = note_unraisable
    names = {"__builtins__": __builtins__}
    for name, value in globals().items():
        if not name.startswith("__"):
            names[name] = value
    try:
        exec(compile(text, "<case>", "exec"), names)
    except BaseException:
        FAILS.append([0, traceback.format_exc(), "no error"])
    finish(names)
    return FAILS


def run_forked(text):
    """Runs the program in a child; returns [line, got, wanted] for what did not hold."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            report = json.dumps(run_program(text)).encode()
        except BaseException:
            report = json.dumps([[0, traceback.format_exc(), "no error"]]).encode()
        os.write(writer, report[:60000])
        os._exit(0)
    os.close(writer)
    report, deadline = b"", time.monotonic() + SECONDS
    while True:
        if not select.select([reader], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reader)
            return [[0, f"no end within {SECONDS} s", "an end"]]
        part = os.read(reader, 65536)
        if not part:
            break
        report += part
    os.close(reader)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return [[0, f"death by signal {os.WTERMSIG(status)}", "an end"]]
    return json.loads(report)


# The program -------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", nargs="?", metavar="FILE",
                        default=os.path.join(os.path.dirname(__file__) or ".", "cases.txt"))
    parser.add_argument("--list", action="store_true", help="list the cases, run nothing")
    parser.add_argument("--case", action="append", metavar="N", help="run this case only")
    parser.add_argument("--show", metavar="N", help="print a case as a Python program")
    parser.add_argument("--quiet", action="store_true", help="print failures only")
    options = parser.parse_args()
    if sys.implementation.name != "cpython" or sys.version_info[:2] != (3, 11):
        print("cpython.py: the expectations are those of CPython 3.11", file=sys.stderr)
        return 2
    try:
        scripts, cases = read_cases(options.file)
        wanted = options.case or ([options.show] if options.show else None)
        missing = set(wanted or ()) - {case.number for case in cases}
        if missing:
            raise BadFile(f"no case {' '.join(sorted(missing))} in {options.file}")
        cases = [case for case in cases if not wanted or case.number in wanted]
        translations = []
        for case in cases:
            translator = Translator(scripts, case, options.file)
            translations.append((case, translator.program(), translator.differences))
    except (BadFile, OSError) as error:
        print(f"cpython.py: {error}", file=sys.stderr)
        return 2
    if options.list or options.show:
        for case, text, _ in translations:
            print(text if options.show else f"{case.number:>4} {case.title}")
        return 0
    return run_all(options, translations)


def run_all(options, translations):
    failed, differences = 0, []
    for case, text, differing in translations:
        fails = run_forked(text)
        failed += bool(fails)
        if fails or not options.quiet:
            print("FAIL" if fails else "ok  ", case.number, case.title, flush=True)
        for line, got, wanted in fails:
            where = f"{options.file}:{line or case.line}"
            print(f"     {where}: expected {wanted}, got {got}")
        differences += [(case.number, *difference) for difference in differing]
    if differences and not options.quiet:
        print("Where CPython 3.11 has an expectation of its own:")
        for number, line, reference, here in differences:
            print(f"     case {number}, line {line}: {here}    (for: {reference})")
    print(f"{len(translations) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
