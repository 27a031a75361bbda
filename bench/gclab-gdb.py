# SPDX-License-Identifier: MIT
"""gclab in gdb: how objects, counts, colours, lists, blocks and mutators are shown.

    (gdb) source .../share/gclab/gclab-gdb.py     (bench/gclab-gdb.py in a source tree)
    (gdb) print object                            0x7f5a3c000018 node of 2 slots, 32 bytes, ...
    (gdb) gclab heap | threads | object ADDRESS | block ADDRESS | list HEAD

All of it reads memory alone: it works on a core file, and calls nothing in the program. Layouts are
those of the debug information, constants are its enumerators, and what the words of a header mean
stands in tables of the program (core/field.h): so nothing here can be of another version. Walks are
bounded, and what is no object, or can't be read, is said in a sentence.
"""
import functools

import gdb

WALK = 5000       # members of a list that are counted, mutators, regions
SHOWN = 10        # and that are shown
SLOTS = 32        # of an object
EVENTS = 8        # of a mutator
LOW_BITS = 7      # of `next` and `prev`, which a collection may borrow (core/list.h)


class Sentence(Exception):
    """What is to be said instead of an answer."""


# --- reading -----------------------------------------------------------------------------------

def number(value):
    """An integer, or a pointer's address, or that of an atomic."""
    return int(value) & (1 << 64) - 1


CACHES = []       # what is asked for often, and stays until another file is loaded


def kept(function):
    CACHES.append(functools.lru_cache(maxsize=None)(function))
    return CACHES[-1]


def forget(_event):
    for cache in CACHES:
        cache.cache_clear()


@kept
def constant(name):
    try:
        return number(gdb.parse_and_eval(name))
    except gdb.error as error:
        raise Sentence(f'the debug information has no {name}: is the program built with -g?') from error


@kept
def pointer_to(name):
    try:
        return gdb.lookup_type(name).pointer()
    except gdb.error as error:
        raise Sentence(f'the debug information has no {name}') from error


def size_of(name):
    return pointer_to(name).target().sizeof


def symbol(name):
    found = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if found is None:
        raise Sentence(f'there is no {name} here: load a program that uses gclab, and start it')
    return found.value()


def at(type_name, address):
    """What lies at an address, as this type; nothing is read yet."""
    return gdb.Value(address).cast(pointer_to(type_name)).dereference()


def text(pointer):
    try:
        return pointer.string(length=200).split('\0')[0] if number(pointer) else '(none)'
    except (gdb.error, UnicodeDecodeError):
        return '(not to be read)'


@kept
def enumerators(type_name, prefix):
    """{value: name without the prefix}"""
    try:
        fields = gdb.lookup_type('enum ' + type_name).fields()
    except gdb.error as error:
        raise Sentence(f'the debug information has no enum {type_name}') from error
    return {field.enumval: field.name[len(prefix):] for field in fields}


def bits(value, type_name, prefix):
    names = [name for bit, name in sorted(enumerators(type_name, prefix).items()) if bit & value]
    return ' '.join(names)


def chain(first, following):
    """first, following(first), ...: up to a NULL, WALK at most."""
    item = first
    for _ in range(WALK):
        if number(item) == 0:
            return
        yield item.dereference()
        item = following(item)


def heaps():
    known = symbol('gc_heaps')
    for i in range(known.type.range()[1] + 1):
        if number(known[i]):
            yield at('struct gc_heap', number(known[i]))


def mutators(heap):
    return chain(heap['mutators'].cast(pointer_to('struct gc_mutator')),
                 lambda m: m['next'].cast(pointer_to('struct gc_mutator')))


def regions(heap):
    return chain(heap['regions'], lambda region: region['next'])


def address_of(value):
    return number(value.address)


# --- places ------------------------------------------------------------------------------------

def region_of(address):
    """The region of a heap that an address is in."""
    start = address & ~((1 << constant('GC_REGION_SHIFT')) - 1)
    for heap in heaps():
        for region in regions(heap):
            if start == address_of(region) or \
                    address_of(region) <= address < address_of(region) + number(region['bytes']):
                return region
    raise Sentence(f'{address:#x} is in no region of a heap')


def index_of(region, address):
    return (address - address_of(region)) >> constant('GC_BLOCK_SHIFT')


def block_of(address):
    """(region, block, index), of a large object its first block."""
    region = region_of(address)
    index = min(index_of(region, address), constant('GC_REGION_BLOCKS') - 1)
    if index < number(region['first']):
        raise Sentence(f'{address:#x} is in the metadata of region {number(region["number"])}')
    while number(region['blocks'][index]['state']) == constant('GC_BLOCK_INSIDE') \
            and index > number(region['first']):
        index -= 1
    return region, region['blocks'][index], index


def block_start(region, index):
    return address_of(region) + (index << constant('GC_BLOCK_SHIFT'))


def cell_of(address):
    """(region, block) of the object at an address; a sentence if none begins there."""
    region, block, index = block_of(address)
    state = number(block['state'])
    names = enumerators('gc_block_state', 'GC_BLOCK_')
    start, cell = block_start(region, index), number(block['cell_bytes'])
    if state == constant('GC_BLOCK_FREE'):
        raise Sentence(f'{address:#x} is in a block that is FREE: nothing is there')
    offset = address - start - number(block['prefix'])
    if state == constant('GC_BLOCK_SPAN'):
        if offset != 0:
            raise Sentence(f'{address:#x} is within the large object {start + number(block["prefix"]):#x}')
        return region, block
    if cell == 0 or offset < 0 or offset // cell >= number(block['built']):
        raise Sentence(f'{address:#x} is in a block ({names.get(state, state)}), where no object was made yet')
    if offset % cell != 0:
        raise Sentence(f'{address:#x} is no object, but within the cell of '
                       f'{start + number(block["prefix"]) + offset // cell * cell:#x}')
    return region, block


# --- objects -----------------------------------------------------------------------------------

@kept
def fields_at(address):
    """[(name, word, shift, bits, zero, values)] of a table, which is constant."""
    table, found = gdb.Value(address).cast(pointer_to('struct gc_field')), []
    while number(table[len(found)]['name']) and len(found) < WALK:
        field = table[len(found)]
        values = text(field['values']).split('|') if number(field['values']) else None
        found.append((text(field['name']),
                      *(number(field[part]) for part in ('word', 'shift', 'bits', 'zero')), values))
    return found


def described(address, words):
    """What the fields of a table say; the first one first. {name: value, or text, or bool}"""
    result = {}
    for name, word, shift, width, zero, values in fields_at(address):
        value = words.get(word, 0) >> shift & (1 << width) - 1
        if values is not None:
            value = values[value] if value < len(values) else f'? ({value})'
        elif width == 1:
            value = bool(value)
        else:
            value -= zero
        result[name] = value
    return result


def count_fields(heap):
    return number(heap['protocol']['fields']) or address_of(symbol('gc_count_fields'))


def worded(fields):
    """'own 1, shared 0, MERGED'"""
    said = []
    for name, value in fields.items():
        if value is not False:
            said.append(name if value is True else f'{name} {value}')
    return ', '.join(said)


class Object:
    """An object's header, as its heap, protocol and collector mean it."""

    def __init__(self, address):
        if address % 8 != 0 or address == 0:
            raise Sentence(f'{address:#x} is the address of no object')
        self.address = address
        self.region, self.block = cell_of(address)
        self.heap = self.region['heap'].dereference()
        header = at('struct gc_object', address)
        self.words = {constant('GC_FIELD_COUNT'): number(header['count']),
                      constant('GC_FIELD_NOTED'): number(header['noted']),
                      constant('GC_FIELD_MARK'): number(header['mark'])}
        self.state = number(header['state'])
        collector = self.heap['collector']
        self.count = described(count_fields(self.heap), self.words)
        self.mark = described(number(collector['fields']), self.words) if number(collector['fields']) else \
            {'mark': self.words[constant('GC_FIELD_MARK')]}
        self.colour()
        self.info = None
        type_id = number(header['type_id'])
        types = symbol('gc_type_table')
        if 0 < type_id <= types.type.range()[1] and number(types[type_id]['type']):
            self.info = types[type_id]
        self.type_id = type_id

    def colour(self):
        """What a tracer has marked: a bit of the region, or which colour is white now."""
        granule = (self.address - address_of(self.region)) // constant('GC_GRANULE')
        marks = self.region['marks']
        if number(marks) and granule // 64 < (1 << constant('GC_REGION_SHIFT')) // constant('GC_GRANULE') // 64:
            self.mark['marked'] = bool(number(marks[granule // 64]) >> granule % 64 & 1)
        if text(self.heap['collector']['name']) == 'on_the_fly' and 'colour' in self.mark:
            white = number(at('struct otf', number(self.heap['collector_data']))['white'])
            self.mark['colour'] = 'white' if self.mark['colour'] == white else 'black'

    def is_dead(self):
        return self.count.get('DEAD') is True or self.state & constant('GC_STATE_GONE') != 0

    def name(self):
        return text(self.info['type']['name']) if self.info is not None else f'of no type ({self.type_id})'

    def slots(self):
        """(address of the first, number)"""
        if self.info is None:
            return 0, 0
        flags = number(self.info['type']['flags'])
        if flags & constant('GC_TYPE_ARRAY'):
            array = at('struct gc_array', self.address)
            leaf = flags & constant('GC_TYPE_LEAF')
            return address_of(array['slot']), 0 if leaf else number(array['slots'])
        return self.address + size_of('struct gc_object'), number(self.info['type']['slots'])

    def size(self):
        if self.info is None:
            return number(self.block['cell_bytes']) - number(self.block['prefix'])
        size = number(self.info['type']['size'])
        if number(self.info['type']['flags']) & constant('GC_TYPE_ARRAY'):
            array = at('struct gc_array', self.address)
            size += number(array['slots']) * 8 + number(array['bytes'])
        return size

    def header(self):
        """Counts, marks, and what else the header says."""
        said = [worded(self.count) or 'nothing counted', worded(self.mark)]
        if self.state:
            said.append(bits(self.state, 'gc_state_bit', 'GC_STATE_'))
        return '; '.join(part for part in said if part)

    def line(self):
        dead = 'dead, was a ' if self.is_dead() else ''
        named = self.info is not None and number(self.info['type']['trace']) != 0
        slots = 'slots that its type names' if named else f'{self.slots()[1]} slots'
        return f'{dead}{self.name()} of {slots}, {self.size()} bytes; {self.header()}'


def line_of(address):
    """An object in a line, or why there is none."""
    if address == 0:
        return 'NULL'
    try:
        return Object(address).line()
    except Sentence as sentence:
        return f'({sentence})'
    except gdb.error as error:
        return f'(it can\'t be read: {error})'


def links_of(thing):
    """The two words before an object that is in lists, or None."""
    if not thing.state & constant('GC_STATE_CYCLIC') or number(thing.block['prefix']) < 16:
        return None
    return at('struct gc_links', thing.address - size_of('struct gc_links'))


def show_object(address):
    thing = Object(address)
    print(f'{address:#x}: {thing.line()}')
    for name, word in zip(('count', 'noted', 'mark'), (thing.words[i] for i in sorted(thing.words))):
        print(f'    {name:6} {word:#x}')
    links = links_of(thing)
    if links is not None:
        following, before = number(links['next']), number(links['prev'])
        borrowed = (following | before) & LOW_BITS != 0
        where = 'in no list' if following == 0 else f'next {following:#x}, prev {before:#x}'
        print('    links  ' + where + (' (borrowed by the collection)' if borrowed else ''))
    home = thing.block['home']
    if number(home):
        print(f'    home   mutator {number(home["number"])}')
    if thing.is_dead() and thing.count.get('DEAD') is True:
        shift = constant('GC_COUNT_LINK_SHIFT') + 1
        link = (thing.words[constant('GC_FIELD_COUNT')] << 1 & (1 << 64) - 1) >> shift
        print(f'    next   {link:#x} of those that die with it' if link else '    next   none that dies with it')
    first, count = thing.slots()
    for i in range(min(count, SLOTS)):
        target = number(at('gc_slot', first + 8 * i))
        print(f'    slot {i}: {target:#x} {line_of(target)}')
    if count > SLOTS:
        print(f'    and {count - SLOTS} slots more')


# --- lists -------------------------------------------------------------------------------------

def members(head):
    """Addresses of the objects of a list, WALK at most; then how the walk ended: '', or in words."""
    size = size_of('struct gc_links')
    found, before = [], head
    here = number(at('struct gc_links', head)['next']) & ~LOW_BITS
    while here != head:
        if here == 0:
            return found, f'it has no end: the `next` of {before:#x} is NULL'
        if len(found) == WALK:
            return found, 'and more'
        found.append(here + size)
        before = here
        try:
            here = number(at('struct gc_links', here)['next']) & ~LOW_BITS
        except gdb.error:
            return found[:-1], f'{found.pop():#x} can\'t be read'
    return found, ''


def show_list(head):
    if head == 0 or head & LOW_BITS:
        raise Sentence(f'{head:#x} is the address of no list')
    found, end = members(head)
    print(f'list {head:#x}: {len(found)} members' + (f', {end}' if end else ''))
    for address in found[:SHOWN]:
        print(f'    {address:#x} {line_of(address)}')
    if len(found) > SHOWN:
        print(f'    and {len(found) - SHOWN} more')


# --- blocks, mutators, heaps -------------------------------------------------------------------

def block_line(block):
    names = enumerators('gc_block_state', 'GC_BLOCK_')
    state = names.get(number(block['state']), str(number(block['state'])))
    if state == 'FREE':
        return state
    used = (number(block['countdown']) + int(block['bias'])) & 0xffffffff
    home = block['home']
    return (f'{state}, cells of {number(block["cell_bytes"])} bytes with a prefix of {number(block["prefix"])}, '
            f'{used} used of {number(block["cells"])}, {number(block["built"])} built, '
            + (f'home mutator {number(home["number"])}' if number(home) else 'of no home'))


def show_block(address):
    region, block, index = block_of(address)
    print(f'block {index} of region {number(region["number"])}, from {block_start(region, index):#x}: '
          f'{block_line(block)}')
    cell = number(block['cell_bytes'])
    if number(block['state']) == constant('GC_BLOCK_FREE') or cell == 0:
        return
    alive, gone, count = 0, constant('GC_STATE_GONE'), constant('GC_FIELD_COUNT')
    counts = count_fields(region['heap'])
    for i in range(min(number(block['built']), (1 << constant('GC_BLOCK_SHIFT')) // 16)):
        address = block_start(region, index) + number(block['prefix']) + i * cell
        header = at('struct gc_object', address)
        if number(header['state']) & gone or described(counts, {count: number(header['count'])}).get('DEAD'):
            continue
        alive += 1
        if alive <= SHOWN:
            print(f'    {address:#x} {line_of(address)}')
    print(f'    {alive} objects are alive')


def event_line(event):
    no_number, logical = (1 << 64) - 1, 1 << 63       # macros of core/event.h
    time, about = number(event['time']), number(event['number'])
    when = f'{time & ~logical}' if time & logical else f'{time / 1e6:.3f} ms'
    said = '' if about == no_number else f' {about:#x}' if about >> 32 else f' {about}'
    return f'{when}: {text(event["what"])}{said}'


def show_mutator(m):
    state = number(m['state'])
    claimed = constant('GC_MUTATOR_CLAIMED')
    names = enumerators('gc_mutator_state', 'GC_MUTATOR_')
    said = names.get(state & ~claimed, str(state)) + (' and CLAIMED' if state & claimed else '')
    poll = bits(number(m['poll']), 'gc_poll_bit', 'GC_POLL_')
    frames = sum(1 for _ in chain(m['frames'], lambda frame: frame['caller']))
    young, end = members(address_of(m['young']))
    print(f'mutator {number(m["number"])} ({address_of(m):#x}): {said}'
          + (f'; polls for {poll}' if poll else '') + (f'; {frames} frames' if frames else '')
          + (f'; {len(young)}{" " + end if end else ""} young' if young else ''))
    if number(m['events']['phase']):
        print(f'    collects: {text(m["events"]["phase"])}')
    log = m['events']
    room = log['ring'].type.range()[1] + 1
    recorded = number(log['recorded'])
    for i in range(max(0, recorded - min(room, EVENTS)), recorded):
        print(f'    {event_line(log["ring"][i % room])}')


def heap_line(heap):
    return (f'{text(heap["collector"]["name"])}@{text(heap["protocol"]["name"])}, '
            f'{number(heap["bytes"])} bytes in blocks, {number(heap["mutator_count"])} mutators, '
            f'{number(heap["collections"])} collections')


def show_heap(heap):
    print(f'heap {address_of(heap):#x}: {heap_line(heap)}')
    if number(heap['collecting']):
        m = heap['collecting_mutator'].cast(pointer_to('struct gc_mutator'))
        who = f'mutator {number(m["number"])}: {text(m["events"]["phase"])}' if number(m) else 'nobody yet'
        print(f'    a collection is under way, of {who}')
    stopper = heap['stopper'].cast(pointer_to('struct gc_mutator'))
    if number(stopper):
        print(f'    the world is stopped by mutator {number(stopper["number"])}')
    if number(heap['shake_pending']):
        print(f'    answers to handshake {number(heap["handshake"]["number"])} are awaited')
    names = enumerators('gc_block_state', 'GC_BLOCK_')
    for region in regions(heap):
        states = {}
        for i in range(number(region['first']), constant('GC_REGION_BLOCKS')):
            state = names.get(number(region['blocks'][i]['state']), '?')
            states[state] = states.get(state, 0) + 1
        said = ', '.join(f'{count} {name}' for name, count in sorted(states.items()))
        print(f'    region {number(region["number"])} ({address_of(region):#x}): {said}')


# --- commands ----------------------------------------------------------------------------------

class Group(gdb.Command):
    """Shows what gclab has in memory: gclab heap, threads, object, block, list."""

    def __init__(self):
        super().__init__('gclab', gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Command(gdb.Command):
    """A command that says a sentence where it has no answer."""

    def __init__(self, name, show, takes, documentation):
        self.__doc__ = documentation
        self.show, self.takes = show, takes
        super().__init__('gclab ' + name, gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, _from_tty):
        try:
            if self.takes and not argument:
                raise Sentence(f'which {self.takes}? Give an expression, as in: gclab object 0x7f0000000018')
            if self.takes:
                self.show(number(gdb.parse_and_eval(argument)))
            else:
                self.show()
        except Sentence as sentence:
            print(f'gclab: {sentence}')
        except gdb.error as error:
            print(f'gclab: {error}')


def show_heaps():
    none = True
    for heap in heaps():
        none = False
        show_heap(heap)
    if none:
        raise Sentence('there is no heap')


def show_threads():
    none = True
    for heap in heaps():
        none = False
        for m in mutators(heap):
            show_mutator(m)
    if none:
        raise Sentence('there is no heap')


# --- printers ----------------------------------------------------------------------------------

class Printer:
    def __init__(self, text_of):
        self.text_of = text_of

    def to_string(self):
        try:
            return self.text_of()
        except Sentence as sentence:
            return f'({sentence})'
        except gdb.error as error:
            return f'(it can\'t be read: {error})'


def links_line(value):
    """A list's head; what is in no list is one as well, by its type."""
    address = address_of(value)
    if number(value['next']) == 0:
        return f'{address:#x} in no list'
    found, end = members(address)
    shown = ', '.join(f'{member:#x}' for member in found[:SHOWN]) + (', ...' if len(found) > SHOWN else '')
    return f'list of {len(found)}' + (f' ({end})' if end else '') + (f': {shown}' if found else '')


OF_STRUCTS = {
    'gc_object': lambda value: f'{address_of(value):#x} {line_of(address_of(value))}',
    'gc_links': links_line,
    'gc_block': block_line,
    'gc_mutator': lambda value: f'mutator {number(value["number"])} ({address_of(value):#x})',
    'gc_heap': lambda value: f'heap {address_of(value):#x}: {heap_line(value)}',
}


def find_printer(value):
    """print/r shows what is there without any of this."""
    kind = value.type.strip_typedefs().unqualified()
    if kind.code == gdb.TYPE_CODE_PTR:
        if kind.target().strip_typedefs().unqualified().name == 'gc_object':
            return Printer(lambda: f'{number(value):#x} {line_of(number(value))}')
    elif kind.code == gdb.TYPE_CODE_STRUCT and value.address is not None and kind.name in OF_STRUCTS:
        return Printer(lambda: OF_STRUCTS[kind.name](value))
    return None


gdb.events.new_objfile.connect(forget)
gdb.events.clear_objfiles.connect(forget)
find_printer.name = 'gclab'
gdb.pretty_printers.append(find_printer)
Group()
Command('heap', show_heaps, None, 'The heaps: collector, sizes, what is under way, and their regions.')
Command('threads', show_threads, None, 'The mutators: their states, and what each did last.')
Command('object', show_object, 'object', 'gclab object ADDRESS: type, state, counts, marks, links and slots.')
Command('block', show_block, 'block', 'gclab block ADDRESS: the block that an address is in, and its objects.')
Command('list', show_list, 'list', 'gclab list HEAD: the objects of a list, by the address of its head.')
