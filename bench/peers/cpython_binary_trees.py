# SPDX-License-Identifier: MIT
"""workloads/binary_trees.c in Python: cpython_binary_trees.py on|off DEPTH

Node by node the same trees in the same order; the walks count the nodes, and that is the
checksum.
"""
import sys

from cpython_common import measure, on_or_off, prepare, report

MIN_DEPTH = 4


class Node:
    __slots__ = ('left', 'right')


def build(depth):
    node = Node()
    if depth > 0:
        node.left = build(depth - 1)
        node.right = build(depth - 1)
    else:
        node.left = node.right = None
    return node


def check(tree):
    nodes = 1
    child = tree.left
    if child is not None:
        nodes += check(child)
        child = tree.right
        nodes += check(child)
    return nodes


def build_check_drop(depth):
    tree = build(depth)
    return check(tree)


def run(top):
    nodes = build_check_drop(top + 1)
    long_lived = build(top)
    for depth in range(MIN_DEPTH, top + 1, 4):
        for _ in range(1 << top - depth + MIN_DEPTH):
            nodes += build_check_drop(depth)
    return nodes + check(long_lived)


def main():
    top = int(sys.argv[2])
    prepare(on_or_off(sys.argv[1]))
    nodes, cpu_ns, collections = measure(run, top)
    report(objects=nodes, cpu_ns=cpu_ns, collections=collections, checksum='%016x' % nodes)


main()
