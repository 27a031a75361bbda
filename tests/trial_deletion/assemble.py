# SPDX-License-Identifier: MIT
"""Makes something that can be built of the files beside this one: a plugin, as the README says,
or a source tree that holds them. For the tests and for the benchmark of the two."""
import glob
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PROTOCOL, COLLECTOR = 'plain_candidates', 'trial_deletion'
EXTERN = f'extern const struct gc_collector gc_collector_{COLLECTOR};\n'


class Changed(Exception):
    """A file that is edited here is not as it was."""


def sources():
    return sorted(glob.glob(os.path.join(HERE, '*.[ch]')))


def edit(path, *changes):
    """Replaces texts that occur once."""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    for old, new in changes:
        if text.count(old) != 1:
            raise Changed(f'{path}: {old!r} occurs {text.count(old)} times')
        text = text.replace(old, new)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def plugin(gclab, folder):
    """With `gclab new`, by an installed gclab; the folder does not exist yet."""
    subprocess.run([gclab, 'new', 'protocol', PROTOCOL, '-o', folder], check=True,
                   stdout=subprocess.DEVNULL)
    edit(os.path.join(folder, 'meson.build'),
         ("    'plugin.c',\n", f"    'plugin.c',\n    '{COLLECTOR}.c',\n"))
    edit(os.path.join(folder, 'plugin.c'),
         ('\nGC_PLUGIN', EXTERN + '\nGC_PLUGIN'),
         ('    .protocols', f'    .collectors = GC_PLUGIN_LIST(gc_collector, '
          f'&gc_collector_{COLLECTOR}),\n    .protocols'))
    for path in sources():
        shutil.copy(path, folder)


def in_tree(source, tree):
    """A copy of a source tree with the collector and its protocol among the others."""
    shutil.copytree(source, tree, ignore=shutil.ignore_patterns('build*', '.git', '__pycache__'))
    collector = os.path.join(tree, 'collectors', COLLECTOR)
    protocols = os.path.join(tree, 'core', 'protocol')
    os.mkdir(collector)
    for path in sources():
        of_protocol = os.path.basename(path).startswith(PROTOCOL)
        copy = shutil.copy(path, protocols if of_protocol else collector)
        if path.endswith('.c'):
            edit(copy, (f'#include "{PROTOCOL}.h"', f'#include "core/protocol/{PROTOCOL}.h"'))
    edit(os.path.join(tree, 'core', 'meson.build'),
         ("protocols = [\n", f"protocols = [\n    '{PROTOCOL}',\n"))
    edit(os.path.join(tree, 'collectors', 'meson.build'),
         ('collectors = {\n', f"collectors = {{\n    '{COLLECTOR}': "
          f"files('{COLLECTOR}/{COLLECTOR}.c'),\n"),
         ('collector_order = [\n', f"collector_order = [\n    '{COLLECTOR}',\n"))
