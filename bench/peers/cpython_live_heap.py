# SPDX-License-Identifier: MIT
"""workloads/live_heap.c in Python: cpython_live_heap.py NODES K outside|first|last COLLECTIONS

Full collections of rings that all are live. Who holds them:
  outside  a list that was frozen: it is in none of the lists that a collection walks
  first    a list that is made before the nodes
  last     a list that is made after them
That it is so is looked up in the collector's lists, not assumed. The lists are held by a
local variable, which no object of the collector's stands for. The nodes have no place for
the key of the C program, which never gets a value: they are the 48 bytes that two references
take.
"""
import gc
import sys
import time

from cpython_common import prepare, report


class Node:
    __slots__ = ('next', 'previous')


def build_ring(k):
    first = last = Node()
    for _ in range(1, k):
        node = Node()
        node.previous = last
        last.next = node
        last = node
    last.next = first
    first.previous = last
    return first


def require(condition, sentence):
    if not condition:
        sys.exit(sentence)


def build(count, k, frozen, where):
    holder = [None] * count if where == 'first' else frozen
    for i in range(count):
        holder[i] = build_ring(k)
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
    count = nodes // k
    frozen = [None] * count
    prepare(False)
    holder = build(count, k, frozen, where)
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
