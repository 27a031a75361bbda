# SPDX-License-Identifier: MIT
"""A program whose heap is worth studying: it really uses a set of standard modules.

    python3 stdlib_program.py [--small]

It plays a server with sessions: each session is a thread that builds documents, syntax
trees, ledgers, event loops and so on, and then waits with all of that in the local
variables of its functions, as threads of a server do. The stacks of threads are what
holds the data from outside the heap; the modules, classes and functions are held by the
interpreter. The program ends with its sessions still waiting (they are daemon threads), so
that whoever ran it can look at the heap. Work is a function of the session's number alone,
and sessions are built one after the other, so that every run makes the same heap.
"""
import argparse
import collections
import glob
import io
import os
import random
import sys
import threading


class Stage:
    """Starts sessions one by one and keeps them waiting."""

    def __init__(self):
        self.built = threading.Semaphore(0)
        self.never = threading.Event()
        self.failures = []

    def start(self, session, number, scale):
        thread = threading.Thread(target=self.run, args=(session, number, scale), daemon=True)
        thread.start()
        self.built.acquire()

    def run(self, session, number, scale):
        try:
            session(random.Random(number), number, scale, self.wait)
        except BaseException as error:
            self.failures.append(f'{session.__name__} {number}: {error!r}')
            self.built.release()
            raise

    def wait(self):
        self.built.release()
        self.never.wait()


def words(random_source, count):
    letters = 'abcdefghiklmnoprstuvw'
    return [''.join(random_source.choices(letters, k=random_source.randint(3, 9)))
            for _ in range(count)]


def library_source(number):
    """The text of a module of the standard library, of moderate length."""
    directory = os.path.dirname(os.__file__)
    paths = [path for path in sorted(glob.glob(os.path.join(directory, '*.py')))
             if 4000 < os.path.getsize(path) < 40000]
    with open(paths[number * 7 % len(paths)], encoding='utf-8') as file:
        return file.read()


# Sessions: session(random source, number, scale, wait)

def session_syntax(source, number, scale, wait):
    """Syntax trees with links to the parents, and an index by name."""
    import ast
    modules, index = [], collections.defaultdict(list)
    for step in range(scale):
        tree = ast.parse(library_source(number * 5 + step))
        tree.body = tree.body[-3:]
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                child.parent = node
            if isinstance(node, ast.Name):
                index[node.id].append(node)
        modules.append(tree)
    table = [(name, len(uses), f'{name}/{len(uses)}') for name, uses in index.items()]
    wait()
    return modules, table


def session_dom(source, number, scale, wait):
    """A document of xml.dom.minidom: nodes know parents, siblings and document."""
    import xml.dom.minidom
    shelf = words(source, 12)
    rows = ''.join(f'<book id="{n}" shelf="{source.choice(shelf)}"><title>'
                   f'{" ".join(words(source, 3))}</title>'
                   f'<price>{source.random():.3f}</price></book>'
                   for n in range(14 * scale))
    document = xml.dom.minidom.parseString(f'<library>{rows}</library>')
    titles = [node.firstChild.data for node in document.getElementsByTagName('title')]
    by_shelf = collections.Counter(node.getAttribute('shelf')
                                   for node in document.getElementsByTagName('book'))
    wait()
    return document, titles, by_shelf


def session_elements(source, number, scale, wait):
    """Trees of xml.etree: no cycles, children shared with an index."""
    import xml.etree.ElementTree
    root = xml.etree.ElementTree.Element('catalog')
    for n in range(40 * scale):
        item = xml.etree.ElementTree.SubElement(root, 'item', id=str(n), key=words(source, 1)[0])
        xml.etree.ElementTree.SubElement(item, 'name').text = ' '.join(words(source, 2))
        xml.etree.ElementTree.SubElement(item, 'stock').text = str(source.randint(1000, 9999))
    text = xml.etree.ElementTree.tostring(root)
    again = xml.etree.ElementTree.fromstring(text)
    parents = {child: parent for parent in again.iter() for child in parent}
    wait()
    return root, parents


def session_json(source, number, scale, wait):
    """Records through json and back, with a cache of views by key."""
    import json
    records = [{'id': n, 'name': ' '.join(words(source, 2)), 'tags': words(source, 3),
                'place': {'x': source.random(), 'y': source.random()}} for n in range(25 * scale)]
    again = json.loads(json.dumps(records))
    by_tag = collections.defaultdict(list)
    for record in again:
        for tag in record['tags']:
            by_tag[tag].append(record)
    by_tag['self'].append(by_tag)
    wait()
    return again, by_tag


def session_mail(source, number, scale, wait):
    """Mails in threads: each knows what it answers and what answers it."""
    import email.message
    import email.parser
    folder = []
    for n in range(9 * scale):
        mail = email.message.EmailMessage()
        mail['Subject'] = ' '.join(words(source, 4))
        mail['From'] = f'{words(source, 1)[0]}@example.org'
        mail['Message-ID'] = f'<{number}.{n}@example.org>'
        mail.set_content('\n'.join(' '.join(words(source, 6)) for _ in range(4)))
        mail = email.parser.Parser().parsestr(mail.as_string())
        mail.answers = []
        mail.parent = source.choice(folder) if folder and source.random() < 0.7 else None
        if mail.parent is not None:
            mail.parent.answers.append(mail)
        folder.append(mail)
    subjects = sorted(mail['Subject'] for mail in folder)
    wait()
    return folder, subjects


def session_html(source, number, scale, wait):
    """Trees of nodes with links upward, and the parsers that made them."""
    import html.parser
    import types

    class TreeBuilder(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.top = self.here = types.SimpleNamespace(tag='', parts=[], parent=None)

        def handle_starttag(self, tag, attrs):
            node = types.SimpleNamespace(tag=tag, attrs=dict(attrs), parts=[], parent=self.here)
            self.here.parts.append(node)
            self.here = node

        def handle_endtag(self, tag):
            self.here = self.here.parent

        def handle_data(self, data):
            self.here.parts.append(data)

    pages = {}
    for n in range(scale):
        rows = ''.join(f'<tr class="r{i % 2}"><td>{words(source, 1)[0]}</td><td><a href="#{i}">'
                       f'{words(source, 1)[0]}</a></td></tr>' for i in range(30))
        parser = TreeBuilder()
        parser.feed(f'<html><body><table>{rows}</table></body></html>')
        parser.close()
        pages[f'page{n}'] = parser.top.parts[0]
    log = [f'{name}: {len(page.parts)}' for name, page in pages.items()]
    wait()
    return pages, log


def session_ledger(source, number, scale, wait):
    """Accounts whose entries name the other account: a graph with many cycles."""
    import csv
    import dataclasses
    import decimal
    import enum
    import fractions
    import statistics

    @dataclasses.dataclass
    class Account:
        name: str
        balance: decimal.Decimal
        entries: list = dataclasses.field(default_factory=list)

    Kind = enum.Enum('Kind', 'DEBIT CREDIT')
    Entry = collections.namedtuple('Entry', 'kind account amount rate other')
    accounts = [Account(name, decimal.Decimal(source.randint(10**4, 10**6)) / 100)
                for name in words(source, 4 + 2 * scale)]
    with decimal.localcontext() as context:
        context.prec = 12
        for n in range(40 * scale):
            giver, taker = source.sample(accounts, 2)
            amount = decimal.Decimal(source.randint(1, 10**5)) / 7
            rate = fractions.Fraction(source.randint(1, 99), source.randint(100, 999))
            giver.entries.append(Entry(Kind.DEBIT, giver, amount, rate, taker))
            taker.entries.append(Entry(Kind.CREDIT, taker, amount, rate, giver))
    report = {account.name: statistics.fmean(map(float, (e.amount for e in account.entries)))
              for account in accounts if account.entries}
    rows = list(csv.reader(io.StringIO('\n'.join(f'{k},{v:.6f}' for k, v in report.items()))))
    wait()
    return accounts, rows


def session_tests(source, number, scale, wait):
    """Test classes made at run time, run, with their failures kept."""
    import json
    import unittest
    def check(expected):
        def test(self):
            self.assertEqual(expected % 3, 0)
        return test
    suite, errors = unittest.TestSuite(), []
    for n in range(scale):
        body = {f'test_{word}_{i}': check(source.randint(0, 99))
                for i, word in enumerate(words(source, 6))}
        case = type(f'Case{number}_{n}', (unittest.TestCase,), body)
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    suite._removeTestAtIndex = lambda index: None        # keep the tests that have run
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    for n in range(4 * scale):
        try:
            json.loads('[1, 2, ' + words(source, 1)[0])
        except ValueError as error:
            error.attempt = n, error                     # an exception that knows itself
            errors.append(error)
    wait()
    return suite, result, errors


def session_logging(source, number, scale, wait):
    """A hierarchy of loggers of its own, with handlers that keep records."""
    import logging.handlers
    root = logging.RootLogger(logging.INFO)
    manager = logging.Manager(root)
    keeper = logging.handlers.MemoryHandler(10**6)
    names = words(source, 10)
    for n in range(12 * scale):
        logger = manager.getLogger('.'.join(source.choices(names, k=source.randint(1, 4))))
        logger.addFilter(logging.Filter(logger.name))
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(keeper)
        logger.warning('%s after %d', words(source, 1)[0], source.randint(10**3, 10**6))
    lines = [record.getMessage() for record in keeper.buffer]
    wait()
    return manager, keeper, lines


def session_options(source, number, scale, wait):
    """Parsers of command lines and of configuration files."""
    import configparser
    import functools
    parser = argparse.ArgumentParser('tool')
    commands = parser.add_subparsers()
    settings = configparser.ConfigParser()
    for n in range(scale):
        command = commands.add_parser(f'command{n}', help=' '.join(words(source, 5)))
        settings[f'command{n}'] = {}
        for i, word in enumerate(words(source, 8)):
            command.add_argument(f'--{word}{i}', type=int, default=source.randint(0, 9999))
            settings[f'command{n}'][f'{word}{i}'] = f'{word} {i}'
        command.set_defaults(run=functools.partial(print, command))
    seen = [vars(parser.parse_args([f'command{n}'])) for n in range(scale)]
    wait()
    return parser, settings, seen


def session_loop(source, number, scale, wait):
    """An event loop with tasks that wait for each other."""
    import asyncio
    import functools
    async def worker(queue, gate, journal):
        while True:
            item = await queue.get()
            journal.append((item, f'{item:06x}'))
            if not item % 3:
                await gate.wait()

    async def main(count):
        gate, journal, queues = asyncio.Event(), [], []
        tasks = []
        for n in range(count):
            queue = asyncio.Queue()
            tasks.append(asyncio.create_task(worker(queue, gate, journal)))
            tasks[-1].add_done_callback(functools.partial(journal.append))
            for _ in range(4):
                queue.put_nowait(source.randint(300, 10**6))
            queues.append(queue)
        for _ in range(8):
            await asyncio.sleep(0)
        wait()                                           # within the loop, all tasks alive
        return gate, queues

    asyncio.run(main(6 * scale))


class Node:
    """A node of a doubly linked list, weakly known to an index."""

    def __init__(self, value):
        self.value, self.next, self.previous = value, self, self


def session_structures(source, number, scale, wait):
    """Rings, closures, generators, classes, caches, weak references."""
    import contextlib
    import copy
    import functools
    import weakref
    rings, index = [], weakref.WeakValueDictionary()
    for n in range(4 * scale):
        head = Node(words(source, 1)[0])
        for word in words(source, source.randint(1, 24)):
            node = Node(word)
            node.previous, node.next = head.previous, head
            node.previous.next = head.previous = node
            index[word] = node
        rings.append(head)

    @functools.lru_cache(maxsize=256)
    def spell(n):
        return (n, str(n)) if n < 2 else (spell(n - 1), f'{n:05d}')

    def countdown(n):
        held = countdown, words(source, 3)
        while n:
            n -= 1
            yield held, n

    generators = [countdown(n + 2) for n in range(5 * scale)]
    for generator in generators:
        next(generator)
    classes = [collections.namedtuple(f'Record{n}', 'a b c d') for n in range(scale)]
    spell(60)
    cleanup = contextlib.ExitStack()
    cleanup.callback(generators.clear)
    ordered = collections.OrderedDict((word, copy.deepcopy(rings[0].value))
                                      for word in words(source, 12 * scale))
    chain = collections.deque([collections.ChainMap(ordered, {n: str(n)}) for n in range(40)])
    wait()
    return rings, spell, cleanup, classes, chain, index


def session_tokens(source, number, scale, wait):
    """Tokens of library modules: many small tuples and strings, no cycles."""
    import contextlib
    import tokenize
    lists = []
    for step in range(scale):
        text = library_source(number * 3 + step)[:2500]
        text = text[:text.rindex('\n') + 1]
        tokens = []
        with contextlib.suppress(tokenize.TokenError, IndentationError):
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                tokens.append(token)
        lists.append(tokens)
    counts = collections.Counter(token.string for tokens in lists for token in tokens)
    wait()
    return lists, counts


SESSIONS = (session_syntax, session_dom, session_elements, session_json, session_mail,
            session_html, session_ledger, session_tests, session_logging, session_options,
            session_loop, session_structures, session_tokens)

# Those that do not import much.
SMALL_SESSIONS = (session_syntax, session_dom, session_elements, session_json, session_options,
                  session_structures, session_tokens)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--small', action='store_true',
                        help='a heap for tests: fewer and smaller sessions')
    options = parser.parse_args()
    sessions = SMALL_SESSIONS if options.small else SESSIONS
    rounds, scale = (4, 1) if options.small else (8, 4)
    stage = Stage()
    for number in range(rounds * len(sessions)):
        stage.start(sessions[number % len(sessions)], number, scale)
    if stage.failures:
        sys.exit('\n'.join(stage.failures))
    print(f'{rounds * len(sessions)} sessions wait')
    return stage


if __name__ == '__main__':
    stage = main()
