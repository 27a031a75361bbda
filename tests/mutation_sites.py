# SPDX-License-Identifier: MIT
"""Where a line of C can be made wrong, for tests/mutations: a tokenizer that knows as much C as
this tree is written in, and four operators.

    delete      an expression statement, a `return;`, `break;` or `continue;` is left out
    negate      the condition of an if, a loop or a ?: turned round; == for != and back
    constant    a number one more or less
    operator    < for <=, > for >=, && for ||, and back

Left alone: comments, strings, preprocessor lines, what is not inside of a function, declarations
but for the values in them, assertions, and what NOT_THE_CODE names.
"""
import collections
import hashlib
import re

KINDS = ('delete', 'negate', 'constant', 'operator')

# What is said about the code, or measured, or done for the scheduler of tests: not what it does.
NOT_THE_CODE = frozenset((
    'gc_assert', 'gc_assert_level', 'gc_require', 'gc_fatal', '_Static_assert',
    'gc_schedule_yield', 'gc_schedule_disturb',
    'gc_stall_record', 'gc_stall_clock', 'gc_event_record', 'gc_event_set_phase', 'gc_collection_at',
    '__builtin_prefetch', 'GC_UNROLL', 'gc_as_one',
    'edge_before', 'edge_after'))
# A branch on one of these, or on gc_broken() alone, is there for builds that check.
OF_CHECKED_BUILDS = frozenset((
    'GC_CHECK', 'GC_POISONS', 'GC_TSAN', 'GC_ASAN', 'GC_EAGER_FINDS_WRITERS'))
TYPES = frozenset((
    'const', 'static', 'struct', 'enum', 'union', 'unsigned', 'signed', 'int', 'char', 'long',
    'short', 'bool', 'void', 'double', 'float', 'volatile', 'register', 'extern', '_Atomic',
    '_Alignas', 'typedef'))
SWAPPED = {'<': '<=', '<=': '<', '>': '>=', '>=': '>', '&&': '||', '||': '&&'}
OPPOSITE = {'==': '!=', '!=': '=='}
PAIRS = {'(': ')', '[': ']', '{': '}'}
# An operand goes no further than these, at its own depth.
ENDS = frozenset(('?', ':', ',', ';', '=', '+=', '-=', '|=', '&=', '^=', '*=', '/=', '<<=', '>>=',
                  'return', '||'))

TOKEN = re.compile(r'''
    (?P<skip> /\*.*?\*/ | //[^\n]* | \s+ | \\\n )
  | (?P<string> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' )
  | (?P<number> \.?[0-9](?:[eEpP][+-]|[0-9a-zA-Z_.])* )
  | (?P<name> [A-Za-z_][A-Za-z_0-9]* )
  | (?P<sign> <<= | >>= | \.\.\. | -> | \+\+ | -- | << | >> | <= | >= | == | != | && | \|\| |
              [-+*/%&|^]= | . )''', re.VERBOSE | re.DOTALL)
DIRECTIVE = re.compile(r'^[ \t]*\#(?:\\\n|[^\n])*', re.MULTILINE)
INTEGER = re.compile(r'(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)$')


class Unreadable(Exception):
    """A file that is not the C that is expected here."""


class Site:
    """One mutation. `text` says what is changed, as tests/mutations.txt has it."""

    def __init__(self, source, kind, function, span, new, context, operand):
        self.path, self.kind, self.function = source.path, kind, function
        self.source, self.span, self.new, self.operand = source.text, span, new, operand
        self.line = source.text.count('\n', 0, span[0]) + 1
        old = self.source[span[0]:span[1]]
        self.text = flat(self.source[context[0]:span[0]] + '{' + old + ' -> ' + new + '}' +
                         self.source[span[1]:context[1]])
        self.number = 0     # of those before it in its function that read the same

    def key(self):
        """What stays the same when lines move."""
        return '%s: %s: %s: %d' % (self.path, self.function, self.text, self.number)

    def mutated(self):
        """The file with the mutation; each line stays where it was."""
        first, last = self.span
        lines = self.source.count('\n', first, last) - self.new.count('\n')
        return self.source[:first] + self.new + '\n' * lines + self.source[last:]

    def trapped(self):
        """The file without the mutation, which ends its process there: whoever runs it and
        lives has not reached the place."""
        first, last = self.operand
        if self.kind == 'delete':
            trap = '__builtin_trap();' + '\n' * self.source.count('\n', first, last)
        else:
            trap = '(__builtin_trap(), ' + self.source[first:last] + ')'
        return self.source[:first] + trap + self.source[last:]

    def __str__(self):
        return '%s:%d: %s(): %s' % (self.path, self.line, self.function, self.text)


def draw_of(text):
    """A number that follows from a text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], 'big')


def flat(text):
    return ' '.join(re.sub(r'/\*.*?\*/', ' ', text, flags=re.DOTALL).split())


class Source:
    """The tokens of a file, and the sites in it."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.tokens = self.read()
        self.close = self.match()
        self.sites = []
        self.function = None
        self.functions()
        seen = collections.Counter()
        for site in self.sites:
            site.number = seen[site.function, site.text]
            seen[site.function, site.text] += 1

    # tokens

    def read(self):
        blank = DIRECTIVE.sub(lambda m: re.sub(r'[^\n]', ' ', m.group()), self.uncommented())
        return [(m.lastgroup, m.group(), m.start(), m.end()) for m in TOKEN.finditer(blank)
                if m.lastgroup != 'skip']

    def uncommented(self):
        """The text with comments blanked, so that none looks like a directive."""
        def blanked(match):
            if match.group().startswith(('/*', '//')):
                return re.sub(r'[^\n]', ' ', match.group())
            return match.group()
        return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blanked,
                      self.text, flags=re.DOTALL)

    def match(self):
        close, waiting = {}, []
        for i, (kind, text, start, _) in enumerate(self.tokens):
            if kind == 'sign' and text in PAIRS:
                waiting.append(i)
            elif kind == 'sign' and text in PAIRS.values():
                if not waiting or PAIRS[self.word(waiting[-1])] != text:
                    raise Unreadable('%s:%d: unmatched %s' % (
                        self.path, self.text.count('\n', 0, start) + 1, text))
                first = waiting.pop()
                close[first], close[i] = i, first
        if waiting:
            raise Unreadable('%s: %s is not closed' % (self.path, self.word(waiting[-1])))
        return close

    def word(self, i):
        return self.tokens[i][1] if i < len(self.tokens) else ''

    def span(self, first, last):
        """Of the tokens from `first` to before `last`."""
        return self.tokens[first][2], self.tokens[last - 1][3]

    def until(self, i, sign, last=None):
        """The next such sign at the depth of token i."""
        last = len(self.tokens) if last is None else last
        while i < last and self.word(i) != sign:
            i = self.close[i] + 1 if self.word(i) in PAIRS else i + 1
        if i >= last:
            raise Unreadable('%s: no %s in %s()' % (self.path, sign, self.function))
        return i

    # statements

    def functions(self):
        i = 0
        while i < len(self.tokens):
            if self.word(i) != '{':
                i += 1
                continue
            if i > 0 and self.word(i - 1) == ')':
                self.function = self.name(self.close[i - 1] - 1)
                self.block(i)
            i = self.close[i] + 1

    def name(self, i):
        """Of the function whose name ends at token i; or what a macro makes it of: MAKE(load)."""
        if self.word(i) != ')':
            return self.word(i)
        first, last = self.span(self.close[i] - 1, i + 1)
        return self.text[first:last]

    def block(self, i, left_alone=False):
        last, i = self.close[i], i + 1
        while i < last:
            i = self.statement(i, left_alone)
        return last + 1

    def mentions(self, words, first, last):
        return any(self.word(i) in words for i in range(first, last))

    def statement(self, i, left_alone):
        """Notes the sites of a statement; returns what is behind it."""
        word = self.word(i)
        if word == '{':
            return self.block(i, left_alone)
        if word == 'GC_UNROLL':
            return i + 1
        if word in ('if', 'while', 'switch') or word.startswith('gc_for_each'):
            return self.branch(i, left_alone)
        if word == 'for':
            return self.loop(i, left_alone)
        if word == 'do':
            i = self.statement(i + 1, left_alone)
            last = self.close[i + 1]
            if not left_alone:
                self.condition(i + 2, last)
            return last + 2
        if word in ('case', 'default'):
            return self.until(i, ':') + 1
        if self.word(i + 1) == ':':
            return i + 2
        last = self.until(i, ';')
        if not left_alone and i < last:
            self.simple(i, last)
        return last + 1

    def branch(self, i, left_alone):
        word, last = self.word(i), self.close[i + 1]
        of_checks = self.mentions(OF_CHECKED_BUILDS, i + 2, last) or (
            self.word(i + 2) == 'gc_broken' and self.close[i + 3] + 1 == last)
        if not (left_alone or of_checks):
            if word in ('if', 'while'):
                self.condition(i + 2, last)
            elif word == 'switch':
                self.expression(i + 2, last, self.span(i + 2, last))
        after = self.statement(last + 1, left_alone or of_checks)
        if word == 'if' and self.word(after) == 'else':
            after = self.statement(after + 1, left_alone)
        return after

    def loop(self, i, left_alone):
        last = self.close[i + 1]
        first = self.until(i + 2, ';', last)
        second = self.until(first + 1, ';', last)
        if not left_alone:
            if i + 2 < first:
                self.expression(i + 2, first, self.span(i + 2, first))
            if first + 1 < second:
                self.condition(first + 1, second)
            if second + 1 < last:
                self.expression(second + 1, last, self.span(second + 1, last))
        return self.statement(last + 1, left_alone)

    def simple(self, i, last):
        word, span = self.word(i), self.span(i, last + 1)
        if word in NOT_THE_CODE or word in ('goto', 'enum') and self.word(last - 1) != ')':
            return
        if word in ('return', 'break', 'continue'):
            if i + 1 == last:
                self.add('delete', span, ';', span, span)
            else:
                self.expression(i + 1, last, span)
        elif self.is_declaration(i):
            if word != 'static' and '{' not in [self.word(n) for n in range(i, self.value(i, last))]:
                self.expression(self.value(i, last), last, span)
        else:
            self.add('delete', span, ';', span, span)
            self.expression(i, last, span)

    def is_declaration(self, i):
        if self.word(i) in TYPES:
            return True
        if self.tokens[i][0] != 'name':
            return False
        i += 1
        while self.word(i) in ('*', 'const'):
            i += 1
        return self.tokens[i][0] == 'name'

    def value(self, i, last):
        """Behind the first = of a declaration, or its end: no number in front of it counts."""
        while i < last and self.word(i) != '=':
            i = self.close[i] + 1 if self.word(i) in PAIRS else i + 1
        return min(i + 1, last)

    # sites

    def add(self, kind, span, new, context, operand):
        self.sites.append(Site(self, kind, self.function, span, new, context, operand))

    def condition(self, first, last):
        span = self.span(first, last)
        self.add('negate', span, '!(' + flat(self.text[span[0]:span[1]]) + ')', span, span)
        self.expression(first, last, span)

    def expression(self, first, last, context):
        i = first
        while i < last:
            kind, word, start, end = self.tokens[i]
            if word in NOT_THE_CODE and self.word(i + 1) == '(':
                i = self.close[i + 1] + 1
                continue
            if kind == 'number':
                new = self.other_number(word, self.text[context[0]:start])
                if new is not None:
                    self.add('constant', (start, end), new, context, self.operand(i, first, last))
            elif kind == 'sign' and word in OPPOSITE:
                self.add('negate', (start, end), OPPOSITE[word], context, self.operand(i, first, last))
            elif kind == 'sign' and word in SWAPPED:
                self.add('operator', (start, end), SWAPPED[word], context, self.operand(i, first, last))
            elif word == '?':
                self.choice(i, first, last, context)
            i += 1

    def choice(self, i, first, last, context):
        """The condition in front of a ?"""
        start, _ = self.reach(i - 1, first, last, ENDS - {'||'})
        if start < i:
            span = self.span(start, i)
            self.add('negate', span, '!(' + flat(self.text[span[0]:span[1]]) + ')', context, span)

    def other_number(self, word, before):
        match = INTEGER.match(word)
        if match is None:
            return None
        digits, suffix = match.groups()
        value = int(digits, 16 if digits[:2] in ('0x', '0X') else 8 if digits[0] == '0' else 10)
        more = value == 0 or draw_of('%s: %s' % (self.function, flat(before))) % 2 == 0
        value += 1 if more else -1
        return ('%#x' if digits[:2] in ('0x', '0X') else '%d') % value + suffix

    def operand(self, i, first, last):
        """The span of what is evaluated if, and only if, the token at i is."""
        ends = ENDS if self.word(i) != '||' else ENDS - {'||'}
        if self.word(i) not in ('&&', '||'):
            ends = ends | {'&&'}
        return self.span(*self.reach(i, first, last, ends))

    def reach(self, i, first, last, ends):
        """(first, behind the last) token around i, at its depth, up to one of `ends`."""
        low = i
        while low > first and self.word(low - 1) not in ends and self.word(low - 1) not in PAIRS:
            low = self.close[low - 1] if self.word(low - 1) in PAIRS.values() else low - 1
        high = i
        while high < last and (high == i or self.word(high) not in ends) and \
                self.word(high) not in PAIRS.values():
            high = self.close[high] + 1 if self.word(high) in PAIRS else high + 1
        return low, high


def draw(sources, seed, count):
    """That many sites, of each kind about as many; a larger count only adds to a smaller one, and
    what changes in the sources changes little else of what is drawn."""
    left = {kind: [] for kind in KINDS}
    for source in sources:
        for site in source.sites:
            left[site.kind].append(site)
    for sites in left.values():
        sites.sort(key=lambda site: draw_of('%d: %s' % (seed, site.key())))
    drawn = []
    while len(drawn) < count and any(left.values()):
        for kind in KINDS:
            if left[kind] and len(drawn) < count:
                drawn.append(left[kind].pop())
    return drawn
