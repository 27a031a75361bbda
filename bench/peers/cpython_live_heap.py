# SPDX-License-Identifier: MIT
"""workloads/live_heap.c in Python: cpython_live_heap.py NODES K outside|first|last COLLECTIONS
[fresh|scrambled|random]

Full collections of rings that all are live. Who holds them:
  outside  a list that was frozen: it is in none of the lists that a collection walks
  first    a list that is made before the nodes
  last     a list that is made after them
How lists, references and addresses lie to each other:
  fresh      all in one order
  scrambled  each node was made anew where one was let go, in a random order: the nodes lie as
             before, those in the collector's list at random
  random     the nodes of a ring lie anywhere
That it is so is looked up in the collector's lists, not assumed. The lists are held by a
local variable, which no object of the collector's stands for. The nodes have no place for
the key of the C program, which never gets a value: they are the 48 bytes that two references
take.
"""
import gc
import random
import sys
import time

from cpython_common import prepare, report


class Node:
    __slots__ = ('next', 'previous')


def make_nodes(nodes, shape):
    numbers = random.Random(1)
    made = [Node() for _ in range(nodes)]
    if shape == 'scrambled':
        order = list(range(nodes))
        numbers.shuffle(order)
        for i in order:
            made[i] = None
            made[i] = Node()
    elif shape == 'random':
        numbers.shuffle(made)
    return made


def link_ring(nodes):
    last = nodes[-1]
    for node in nodes:
        node.previous = last
        last.next = node
        last = node
    return nodes[0]


def require(condition, sentence):
    if not condition:
        sys.exit(sentence)


def median_step(nodes):
    """Bytes between what is allocated side by side, for the middle pair."""
    steps = sorted(abs(id(a) - id(b)) for a, b in zip(nodes, nodes[1:]))
    return steps[len(steps) // 2]


def inspect_shape(made, listed, shape):
    near = 4096
    require((median_step(made) < near) == (shape != 'random'),
            'the nodes of a ring do not lie as they are meant to')
    require((median_step(listed) < near) == (shape != 'scrambled'),
            "the collector's list is not in the order that is meant")


def build(count, k, frozen, where, shape):
    holder = [None] * count if where == 'first' else frozen
    made = make_nodes(count * k, shape)
    inspect_shape(made, [o for o in gc.get_objects(generation=0) if type(o) is Node], shape)
    for i in range(count):
        holder[i] = link_ring(made[i * k:(i + 1) * k])
    if where == 'last':
        holder = list(frozen)
        frozen[:] = [None] * count
    return holder


def inspect(generation, nodes, holder, frozen, where):
    """The nodes are in this generation, and the holder is where it is meant to be."""
    for other in range(3):
        listed = gc.get_objects(generation=other)
        require(not any(o is frozen for o in listed), 'the frozen list is in the lists')
        listed = [o for o in listed if type(o) is Node or o is holder]
        held = where != 'outside'
        require(len(listed) == (nodes + held if other == generation else 0),
                'the nodes are not in generation %d' % generation)
        if generation == 0 and other == 0 and held:
            require(listed[0 if where == 'first' else -1] is holder,
                    'the holder is not %s in the list' % where)


def main():
    nodes, k, where = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    shape = sys.argv[5] if len(sys.argv) > 5 else 'fresh'
    count = nodes // k
    frozen = [None] * count
    prepare(False)
    holder = build(count, k, frozen, where, shape)
    inspect(0, count * k, holder, frozen, where)
    require(gc.collect() == 0, 'the first collection found garbage')
    inspect(2, count * k, holder, frozen, where)
    wall_ns = []
    for _ in range(int(sys.argv[4])):
        start = time.perf_counter_ns()
        found = gc.collect()
        wall_ns.append(time.perf_counter_ns() - start)
        require(found == 0, 'a collection found garbage')
    report(objects=count * k, wall_ns=wall_ns)


main()
