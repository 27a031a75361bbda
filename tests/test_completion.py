#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What bash offers behind `gclab`, and what the manual says: both come from the program's own tables of options.
Usage: test_completion.py GCLAB"""
import os
import re
import subprocess
import sys
import tempfile

BENCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'bench')
GCLAB = os.path.abspath(sys.argv[1])


def ask(*arguments):
    return subprocess.run([GCLAB, *arguments], check=True, stdout=subprocess.PIPE, timeout=30).stdout.decode()


def offered(*words):
    """What bash would offer for the last word."""
    script = 'set -u; . "$0/completion.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gclab; ' \
             'printf "%s\\n" "${COMPREPLY[@]+"${COMPREPLY[@]}"}"'
    done = subprocess.run(['bash', '-c', script, BENCH, GCLAB, *words], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    return done.stdout.decode().split()


def commands_are_offered():
    said = ask('help')
    commands = re.findall(r'^  ([a-z]+) ', said[said.index('Commands:'):], re.M)
    assert len(commands) > 10 and offered('') == commands
    assert offered('re') == [name for name in commands if name.startswith('re')]
    assert offered('help', 'swe') == ['sweep']


def options_are_those_of_the_tables():
    for command in ('run', 'sweep', 'compare', 'list', 'reproduce'):
        options = offered(command, '--')
        help_text = ask('help', command)
        assert options and all(option in help_text for option in options), (command, options)
        known = set(re.findall(r'^ +(?:-[a-zA-Z], )? *(--[a-z-]+=?)', help_text, re.M))
        assert set(options) == known, (command, known ^ set(options))
    assert offered('run', '--coll') == ['--collector=']


def names_are_asked_for():
    collectors = ask('list', '--names', 'collectors').split()
    assert offered('run', '-c', '') == collectors and 'generational' in collectors
    assert offered('run', '-c', 'gen') == ['generational']
    assert offered('run', '--collector', '=', 'gen') == ['generational']
    assert offered('run', '--collector', '=') == collectors
    assert offered('run', '-w', 'ring') == ['rings']
    assert offered('new', 'p') == ['protocol', 'paper']
    assert 'rings' in offered('info', '')
    assert not offered('run', '--json', '')  # a file's name


def the_manual_has_all_commands_and_options():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'gclab.1')
        subprocess.run([sys.executable, os.path.join(BENCH, 'man.py'), GCLAB, path], check=True, timeout=60)
        with open(path, encoding='utf-8') as file:
            page = file.read()
    assert page.startswith('.TH GCLAB 1')
    for command in ('run', 'sweep', 'compare', 'reproduce', 'list'):
        section = page[page.index('.SH "GCLAB %s"' % command.upper()):].split('.SH ', 2)[1]
        for option in offered(command, '--'):
            assert option.rstrip('=').replace('-', '\\-') in section, (command, option)
    for line in page.splitlines():  # a point begins a request of roff: no text of ours
        assert not line.startswith('.') or re.match(r'\.(TH|SH|TP|PP|B|I|nf|fi)\b', line), line


def main():
    tests = [commands_are_offered, options_are_those_of_the_tables, names_are_asked_for,
             the_manual_has_all_commands_and_options]
    failed = 0
    print('1..%d' % len(tests))
    for number, test in enumerate(tests, 1):
        try:
            test()
            said = ''
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
            said = '%s: %s' % (type(error).__name__, error)
        failed += bool(said)
        print('%s %d - %s' % ('not ok' if said else 'ok', number, test.__name__))
        for line in said.splitlines():
            print('# ' + line)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
