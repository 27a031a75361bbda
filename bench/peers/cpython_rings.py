# SPDX-License-Identifier: MIT
"""workloads/rings.c in Python: cpython_rings.py K COUNT WINDOW, with the collector on.

The sum over the keys of the last rings is the checksum. Unlike in the C program it is not
in the time that is measured: here it is slow, and has nothing to do with the collector.
"""
import sys

from cpython_common import MASK, measure, mix, prepare, report


class Node:
    __slots__ = ('next', 'previous', 'key')


def build_ring(k, key):
    first = last = Node()
    first.key = key
    for i in range(key + 1, key + k):
        node = Node()
        node.key = i
        node.previous = last
        last.next = node
        last = node
    last.next = first
    first.previous = last
    return first


def run(k, count, size):
    window = [None] * size
    for i in range(count):
        window[i % size] = build_ring(k, i * k)
    return window


def sum_ring(ring):
    node = ring.previous
    total = mix(node.key)
    while node is not ring:
        node = node.previous
        total += mix(node.key)
    return total


def main():
    k, count, size = map(int, sys.argv[1:4])
    prepare(True)
    window, cpu_ns, collections = measure(run, k, count, size)
    checksum = sum(sum_ring(ring) for ring in window if ring is not None) & MASK
    report(objects=k * count, cpu_ns=cpu_ns, collections=collections,
           checksum='%016x' % checksum)


main()
