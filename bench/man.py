#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes gclab's manual page out of what its commands say of themselves with --help, which comes from their
tables of options.

    man.py GCLAB FILE"""
import re
import subprocess
import sys

INTRODUCTION = '''Measures collectors that count references, find cycles or trace, on workloads with any number of threads: throughput,
pauses, memory, and what was reclaimed. It runs experiments that can be interrupted, compares and reports their results, re-runs
papers, tries collectors until they break, and makes new ones. Each command explains itself with --help.'''
STATUS = (('0', 'All went well.'), ('1', 'A sample, a collector or a claim failed.'),
          ('2', 'The command line is wrong.'), ('3', 'A file that was given is missing or bad.'),
          ('4', 'The environment: no memory, no process, nothing could be written.'),
          ('128 + n', 'It was ended by signal n; what had been measured is kept.'))
ENVIRONMENT = (('GCLAB_PLUGIN_PATH', 'Folders of plugins, with colons between them.'),
               ('GCLAB_SNAPSHOT', 'A snapshot that suites measure as well.'),
               ('GCLAB_MINHEAP', 'The file of minimum heaps for --heap 2x.'),
               ('GCLAB_DATA', "The folder of the program's own data."),
               ('NO_COLOR', 'Turns colours off.'))
OPTION = re.compile(r'^ {2,6}(-{1,2}\S.*?)(?: {2,}(\S.*))?$')


def ask(program, *arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()


def quoted(text):
    """As roff takes it."""
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + text if text[:1] in ('.', "'") else text


def commands_of(program):
    said = ask(program, 'help')
    return re.findall(r'^  ([a-z]+) +(\S.*)$', said[said.index('Commands:'):], re.M)


def usage_of(lines):
    """The usage, whose lines go on until one that is not indented; and the rest."""
    end = 1
    while end < len(lines) and lines[end].startswith('  '):
        end += 1
    return lines[:end], lines[end:]


def body_of(lines):
    """Options become tagged paragraphs; titles of groups, subsections' words in bold; the rest is text."""
    is_option = False
    for line in lines:
        option = OPTION.match(line)
        if option:
            yield '.TP'
            yield '.B ' + quoted(option.group(1))
            if option.group(2):
                yield quoted(option.group(2))
            is_option = True
        elif not line.strip():
            yield '.PP'
            is_option = False
        elif re.match(r'^ \S.*:$', line) and not is_option:
            yield '.PP'
            yield '.I ' + quoted(line.strip())
        else:
            yield quoted(line.strip())


def page_of(program):
    version = ask(program, '--version').split()[-1]
    yield '.TH GCLAB 1 "" "gclab %s" "User Commands"' % version
    yield '.SH NAME'
    yield 'gclab \\- a laboratory for reference counting and cycle collection'
    yield '.SH SYNOPSIS'
    yield '.B gclab\n.I COMMAND\n[\\fIARGUMENT\\fR]...'
    yield '.SH DESCRIPTION'
    yield quoted(INTRODUCTION)
    yield '.SH COMMANDS'
    commands = commands_of(program)
    for name, summary in commands:
        yield '.TP\n.B gclab %s\n%s.' % (name, quoted(summary[0].upper() + summary[1:]))
    for name, _ in commands:
        said = subprocess.run([program, 'help', name], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=60)
        if said.returncode != 0:  # of a program that is not here, as the kit in a release build
            continue
        usage, rest = usage_of(said.stdout.decode().splitlines())
        yield '.SH "GCLAB %s"' % name.upper()
        yield '.nf\n%s\n.fi' % '\n'.join(quoted(re.sub('^Usage: ', '', line)) for line in usage)
        yield '.PP'
        yield from body_of(rest)
    for title, rows in (('EXIT STATUS', STATUS), ('ENVIRONMENT', ENVIRONMENT)):
        yield '.SH "%s"' % title
        for name, text in rows:
            yield '.TP\n.B %s\n%s' % (quoted(name), quoted(text))


def main():
    program, path = sys.argv[1:]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(page_of(program)) + '\n')


if __name__ == '__main__':
    main()
