# SPDX-License-Identifier: MIT
"""workloads/gcbench.c in Python: cpython_gcbench.py on|off DEPTH ARRAY

Node by node the same trees in the same order. The nodes have no place for the two integers
of the C program, which never get a value: this way CPython's collector has less to visit.
"""
import array
import sys

from cpython_common import measure, mix, on_or_off, prepare, report


class Node:
    __slots__ = ('left', 'right')


def tree_size(depth):
    return (2 << depth) - 1


def tree_count(top, depth):
    return 2 * tree_size(top + 2) // tree_size(depth)


def populate(tree, depth):
    if depth <= 0:
        tree.left = tree.right = None
        return
    child = tree.left = Node()
    populate(child, depth - 1)
    child = tree.right = Node()
    populate(child, depth - 1)


def make_tree(depth):
    left = right = None
    if depth > 0:
        left = make_tree(depth - 1)
        right = make_tree(depth - 1)
    node = Node()
    node.left = left
    node.right = right
    return node


def build_and_drop(depth):
    tree = Node()
    populate(tree, depth)
    tree = None
    tree = make_tree(depth)


def count_nodes(tree):
    nodes = 1
    if tree.left is not None:
        nodes += count_nodes(tree.left)
    if tree.right is not None:
        nodes += count_nodes(tree.right)
    return nodes


def run(top, size):
    stretch = make_tree(top + 2)
    stretch = None
    tree = Node()
    populate(tree, top)
    numbers = array.array('d', bytes(8 * size))
    for i in range(size):
        numbers[i] = 1.0 / (i + 1)
    for depth in range(4, top + 1, 2):
        for _ in range(tree_count(top, depth)):
            build_and_drop(depth)
    return count_nodes(tree) + int(1 / numbers[size // 2])


def main():
    top, size = int(sys.argv[2]), int(sys.argv[3])
    prepare(on_or_off(sys.argv[1]))
    total, cpu_ns, collections = measure(run, top, size)
    objects = tree_size(top + 2) + tree_size(top) + 1
    for depth in range(4, top + 1, 2):
        objects += 2 * tree_count(top, depth) * tree_size(depth)
    report(objects=objects, cpu_ns=cpu_ns, collections=collections,
           checksum='%016x' % mix(total))


main()
