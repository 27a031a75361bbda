# SPDX-License-Identifier: MIT
"""Runs a script under CPython 3.11 and writes its object graph to a file.

    python3 cpython_dump.py -o FILE [--] script.py [argument ...]

The format is described in workloads/SNAPSHOT_FORMAT.md, what is taken for an object, a
reference and a root in README.md beside this file. No contents are written: only the
names of types, sizes, references between objects, and which objects are held from
outside the graph.

Until the graph is complete this program uses the built-in modules `sys` and `gc` alone
(`os` is loaded by every interpreter), so that it finds the heap of the script and not one
that it filled itself.
"""
import gc
import os
import sys

EXIT_USAGE, EXIT_FILE, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 2, 3, 4, 130

MAGIC = b'\x89gcs\r\n\x1a\n'
VERSION = 1
CONTAINER, TRACKED, IMMUTABLE = 1, 2, 4        # flags of an object
FLAG_SHIFT = 24
ROOT_COUNT_MAX = 255                           # larger external counts are cut to this
STATIC_COUNT = 2**28                           # CPython starts its static objects near 10^9
LARGEST_SHARED = 512                           # bytes; a dict with shared keys has 30 values
KEY_TABLES = {}                                # see key_table_sizes()
LIMIT = 2**32 - 1

TPFLAGS_HEAPTYPE, TPFLAGS_HAVE_GC = 1 << 9, 1 << 14

USAGE = 'usage: cpython_dump.py -o FILE [--] script.py [argument ...]'


class Failure(Exception):
    """One sentence for the user, and the exit status."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


def parse_arguments(arguments):
    """Returns (file, script, arguments of the script)."""
    output = None
    rest = list(arguments)
    while rest and rest[0].startswith('-') and rest[0] != '-':
        word = rest.pop(0)
        if word == '--':
            break
        if word in ('-h', '--help'):
            print(USAGE)
            sys.exit(0)
        if word == '-o' and rest:
            output = rest.pop(0)
        elif word.startswith('-o') and len(word) > 2:
            output = word[2:]
        else:
            raise Failure(EXIT_USAGE, f'{word}: unknown or incomplete option; {USAGE}')
    if output is None:
        raise Failure(EXIT_USAGE, f'-o FILE is missing; {USAGE}')
    if not rest:
        raise Failure(EXIT_USAGE, f'no script is named; {USAGE}')
    return output, rest[0], rest[1:]


def check_environment():
    """Other interpreters count references in other ways: refuse them."""
    if sys.implementation.name != 'cpython' or sys.version_info[:2] != (3, 11):
        raise Failure(EXIT_ENVIRONMENT,
                      f'CPython 3.11 is needed, and {sys.executable} is '
                      f'{sys.implementation.name} {sys.version.split()[0]}')
    if os.environ.get('PYTHONHASHSEED') is None:
        # The order of sets of strings, and so the numbers of objects, depends on it.
        os.environ['PYTHONHASHSEED'] = '0'
        try:
            os.execv(sys.executable, [sys.executable] + sys.orig_argv[1:])
        except OSError as error:
            raise Failure(EXIT_ENVIRONMENT,
                          f'{sys.executable} cannot be started again: {error.strerror}')


def run_script(script, arguments):
    """Runs the script as __main__; its module stays in sys.modules."""
    try:
        with open(script, 'rb') as file:
            code = compile(file.read(), script, 'exec', dont_inherit=True)
    except OSError as error:
        raise Failure(EXIT_FILE, f'{script}: {error.strerror}')
    except (SyntaxError, ValueError) as error:
        raise Failure(EXIT_FILE, f'{script}: this is not a Python program: {error}')
    module = type(sys)('__main__')
    module.__file__ = script
    module.__builtins__ = sys.modules['builtins']
    sys.modules['__main__'] = module
    sys.argv = [script] + arguments
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        exec(code, module.__dict__)
    except SystemExit:
        pass                                   # an early end is an end: dump what is there
    except KeyboardInterrupt:
        raise Failure(EXIT_INTERRUPTED, f'{script}: interrupted, nothing is written')
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        raise Failure(EXIT_FILE,
                      f'{script}: ended by {type(error).__name__}, nothing is written')


def references(o, kind, code_type=type(parse_arguments.__code__), referents=gc.get_referents,
               size_of=sys.getsizeof):
    """The objects on which `o` holds a counted reference, as far as they can be seen.

    Two kinds of holder say less to CPython's collector than they hold, because what they
    leave out cannot be part of a cycle: dicts leave out keys that are strings, and code
    objects are leaves. Both are completed here, or each of these references would look like
    one from outside. A dict that shares its table of keys with others does not own them.
    """
    found = referents(o)
    if kind is dict:
        if found and len(found) == len(o):     # values only
            size = size_of(o)
            if len(o) <= KEY_TABLES.get(size, 0) or size > LARGEST_SHARED:
                found.extend(o)
    elif kind is code_type:
        found = [o.co_consts, o.co_names, o.co_filename, o.co_name, o.co_qualname,
                 o.co_linetable, o.co_exceptiontable]
    return found


def key_table_sizes():
    """Sizes of dicts that own a table of string keys -> how many keys such a table takes.

    The attributes of instances of one class share a table, which belongs to none of them;
    their dicts have other sizes, or more keys than a table of their own would hold.
    """
    sizes = {}
    keys = [str(n) for n in range(1, 100)]
    for n in range(1, len(keys)):
        sizes[sys.getsizeof(dict.fromkeys(keys[:n]))] = n
        sizes[sys.getsizeof({key: None for key in keys[:n]})] = n
    return sizes


def collect_graph():
    """Returns (order, degrees, edges, counts): all objects that the collector knows and all
    that they lead to, the number of references out of each, their targets, and how many
    references in all each object has (this function's own ones left out)."""
    order = gc.get_objects()
    seen = {}
    for o in order:
        seen[id(o)] = len(seen)
    degrees = []
    edges = []
    for o in order:                            # grows while it is walked
        found = references(o, type(o))
        degrees.append(len(found))
        for target in found:
            index = seen.get(id(target))
            if index is None:
                index = seen[id(target)] = len(order)
                order.append(target)
            edges.append(index)
    o = target = found = None
    seen = None
    counts = list(map(sys.getrefcount, order))
    nothing_else = next(map(sys.getrefcount, [object()]))
    return order, degrees, edges, [count - nothing_else for count in counts]


def is_ours(o, kind):
    """Is `o` a part of this program that the interpreter holds while it runs?"""
    if kind is type(sys):
        return o.__dict__ is globals()
    if kind is type(is_ours):
        return o.__globals__ is globals()
    if kind is type(is_ours.__code__):
        return o.co_filename == is_ours.__code__.co_filename
    return o is globals()


def find_external(order, edges, counts):
    """How many references to each object come from outside the graph; -1 for an object that
    has fewer references than the graph shows, which therefore cannot be trusted.

    Static objects are never freed, and references between them are not counted: one
    reference from outside stands for that."""
    static = [count >= STATIC_COUNT for count in counts]
    singletons = (type(None), bool, type(...), type(NotImplemented))
    external = counts
    for target in edges:
        external[target] -= 1
    for index, o in enumerate(order):
        kind = type(o)
        if static[index] or kind in singletons:
            external[index] = 1
        elif is_ours(o, kind):
            external[index] = 0
        elif external[index] < 0:
            external[index] = -1
    return external


def find_reachable(degrees, edges, external):
    """Returns (first edge of each object, numbers of the objects that are held from outside
    or by such objects). What remains is this program, garbage, and what is not trusted."""
    first = [0]
    for degree in degrees:
        first.append(first[-1] + degree)
    reached = bytearray(len(degrees))
    work = []
    for index, count in enumerate(external):
        if count > 0:
            reached[index] = 1
            work.append(index)
    while work:
        index = work.pop()
        for target in edges[first[index]:first[index + 1]]:
            if not reached[target] and external[target] >= 0:
                reached[target] = 1
                work.append(target)
    return first, [index for index, here in enumerate(reached) if here]


def type_name(kind):
    parts = []
    for attribute in ('__module__', '__qualname__'):
        try:
            parts.append(str(type.__getattribute__(kind, attribute)))
        except Exception:
            parts.append('?')
    name = '.'.join(parts)[:200].replace('\0', '?')
    return name.encode('utf-8', 'backslashreplace')


def size_in_bytes(o):
    """With the 16 bytes that CPython puts before each container."""
    try:
        return max(0, min(sys.getsizeof(o), LIMIT))
    except Exception:
        return type(o).__basicsize__


def describe(order, kept):
    """Returns (names of types, type and flags of each kept object, size of each)."""
    types = {}
    names = []
    words = []
    sizes = []
    for index in kept:
        o = order[index]
        kind = type(o)
        entry = types.get(id(kind))
        if entry is None:
            entry = types[id(kind)] = (len(names), bool(kind.__flags__ & TPFLAGS_HAVE_GC),
                                       issubclass(kind, type))
            names.append(type_name(kind))
        number, container, is_type = entry
        if is_type:                            # types made in C are leaves to the collector
            container = bool(type.__dict__['__flags__'].__get__(o) & TPFLAGS_HEAPTYPE)
        if kind is type(describe.__code__):
            container = True
        flags = CONTAINER if container else 0
        if gc.is_tracked(o):
            flags |= TRACKED
        if kind is tuple:
            flags |= IMMUTABLE
        words.append(number | flags << FLAG_SHIFT)
        sizes.append(size_in_bytes(o))
    return names, words, sizes


def edge_digest(degrees, edges):
    """The sum over all edges of a hash of (object, slot, target): see SNAPSHOT_FORMAT.md."""
    mask = 2**64 - 1
    total = 0
    at = 0
    for index, degree in enumerate(degrees):
        start = index * 0x9e3779b97f4a7c15
        for slot in range(degree):
            h = start + slot * 0xc2b2ae3d27d4eb4f + edges[at + slot] * 0x165667b19e3779f9 & mask
            h = (h ^ h >> 32) * 0xd6e8feb86659fd93 & mask
            total += h ^ h >> 29
        at += degree
    return total & mask


def build_file(names, words, sizes, degrees, edges, roots):
    """The bytes of the file."""
    import array
    import struct
    import zlib
    if array.array('I').itemsize != 4:
        raise Failure(EXIT_ENVIRONMENT, 'this interpreter has no 32-bit arrays')
    if max(len(edges), len(words)) >= LIMIT or len(names) >= 1 << FLAG_SHIFT:
        raise Failure(EXIT_FILE, 'the heap is too large for this format')
    records = array.array('I', bytes(12 * len(words)))
    records[0::3] = array.array('I', words)
    records[1::3] = array.array('I', sizes)
    records[2::3] = array.array('I', degrees)
    arrays = [records, array.array('I', edges),
              array.array('I', (word for root in roots for word in root))]
    if sys.byteorder == 'big':
        for part in arrays:
            part.byteswap()
    producer = f'cpython {sys.version.split()[0]} on {sys.platform}'.encode()
    table = b''.join(name + b'\0' for name in names)
    content = b''.join([
        MAGIC, struct.pack('<8IQ', VERSION, len(producer), len(names), len(table), len(words),
                           len(edges), len(roots), 0, edge_digest(degrees, edges)),
        producer, table, *(part.tobytes() for part in arrays)])
    return content + struct.pack('<I', zlib.crc32(content))


def write_file(path, content):
    """The whole file, or none; a device is written to and not replaced."""
    device = os.path.exists(path) and not os.path.isfile(path)
    part = path if device else path + '.part'
    try:
        with open(part, 'wb') as file:
            file.write(content)
            if not device:
                file.flush()
                os.fsync(file.fileno())         # before it takes another's place
        if not device:
            os.replace(part, path)
    except OSError as error:
        raise Failure(EXIT_ENVIRONMENT, f'{path}: {error.strerror}')
    finally:
        if not device and os.path.exists(part):
            os.remove(part)


def dump(path):
    gc.unfreeze()
    gc.collect()
    gc.disable()
    sys._clear_type_cache()                    # it holds names of attributes
    sys.setswitchinterval(3600)                # other threads wait until the graph is complete
    order, degrees, edges, counts = collect_graph()
    external = find_external(order, edges, counts)
    first, kept = find_reachable(degrees, edges, external)
    distrusted = external.count(-1)
    names, words, sizes = describe(order, kept)
    found = len(order)
    order = None
    number = [None] * found
    for new, old in enumerate(kept):
        number[old] = new
    new_edges = []
    new_degrees = []
    roots = []
    for new, old in enumerate(kept):
        targets = [number[target] for target in edges[first[old]:first[old + 1]]
                   if number[target] is not None]
        new_edges.extend(targets)
        new_degrees.append(len(targets))
        if external[old] > 0:
            roots.append((new, min(external[old], ROOT_COUNT_MAX)))
    write_file(path, build_file(names, words, sizes, new_degrees, new_edges, roots))
    print(f'{path}: {len(kept)} objects of {len(names)} types, {len(new_edges)} references, '
          f'{len(roots)} roots; left out {found - len(kept)} objects, {distrusted} of them '
          f'with fewer references than the graph shows', file=sys.stderr)


def main():
    global KEY_TABLES
    try:
        check_environment()
        output, script, arguments = parse_arguments(sys.argv[1:])
        directory = os.path.dirname(os.path.abspath(output))
        if not os.path.isdir(directory):
            raise Failure(EXIT_ENVIRONMENT, f'{directory}: no such directory')
        KEY_TABLES = key_table_sizes()
        output = os.path.abspath(output)       # the script may change the directory
        run_script(script, arguments)
        dump(output)
    except Failure as failure:
        print(f'cpython_dump: {failure}', file=sys.stderr)
        return failure.status
    return 0


if __name__ == '__main__':
    sys.exit(main())
