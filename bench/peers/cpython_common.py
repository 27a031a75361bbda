# SPDX-License-Identifier: MIT
"""What the CPython programs share: the collector's setting, the clock, and one line of JSON.

Everything that the interpreter made for itself is frozen before a program starts, so that
collections meet the program's own objects and nothing else.
"""
import gc
import json
import platform
import time

THRESHOLDS = (700, 10, 10)
MASK = 2**64 - 1


def mix(value):
    """gc_mix() of workloads/workload.h (splitmix64): checksums are compared with gclab's."""
    z = value + 0x9e3779b97f4a7c15 & MASK
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK
    z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
    return z ^ z >> 31


def prepare(collector_on):
    """An empty heap as far as the collector can see, its counters at 0."""
    gc.disable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.collect()                    # with nothing in the lists: long_lived_total is 0 again
    if collector_on:
        gc.enable()


def collections():
    return sum(generation['collections'] for generation in gc.get_stats())


def on_or_off(word):
    return {'on': True, 'off': False}[word]


def measure(function, *arguments):
    """(result, CPU time in ns, collections meanwhile)."""
    before = collections()
    start = time.process_time_ns()
    result = function(*arguments)
    cpu_ns = time.process_time_ns() - start
    return result, cpu_ns, collections() - before


def report(**members):
    members['version'] = platform.python_version()
    print(json.dumps(members))
