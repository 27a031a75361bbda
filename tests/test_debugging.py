# SPDX-License-Identifier: MIT
"""What helps to understand a crash: the report that a process leaves, the command that does it again,
and what gdb shows of objects, counts, colours and lists (bench/gclab-gdb.py).

    python3 tests/test_debugging.py PATH-OF-GCLAB CHECK-LEVEL

Crashes are planted in a plugin. Speaks TAP; the exit status is 1 if something is not as it should be.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPT = os.path.join(SOURCE, 'bench', 'gclab-gdb.py')
TESTS = []
GCLAB, CHECK, SCRATCH = '', 0, ''

PLUGIN = r'''
#include <signal.h>
#include <stdlib.h>

#include "core/collector.h"
#include "core/plugin.h"

/* A collector that ends its process. */
struct options { int64_t how; };
static const struct gc_option options[] = {
    { .name = "how", .kind = GC_OPTION_CHOICE, .offset = offsetof(struct options, how),
      .standard = "assertion", .doc = "how it ends",
      .choices = "assertion|address|freed|instruction|division|abort|stack|report|exit" },
    GC_OPTION_END,
};
static volatile int zero, result;

static GC_NOINLINE int go_deeper(volatile char *above)
{
    volatile char here[4096];
    here[0] = above[0];
    return go_deeper(here) + here[1];
}

static GC_NOINLINE void plant(struct gc_mutator *m)
{
    const struct options *o = m->heap->collector_options;
    char top = 0;
    switch (o->how) {
    case 0: gc_fatal("object %d is planted", 7);
    case 1: *(volatile int *)16 = 1; break;
    case 2: *(volatile int *)0xd5d5d5d5d5d5d5d5 = 1; break;
    case 3: __builtin_trap();
    case 4: result = 7 / zero; break;
    case 5: abort();
    case 6: result = go_deeper(&top); break;
    case 7: m->events.phase = (const char *)16; abort(); /* the report stumbles as well */
    }
}

static size_t collect(struct gc_mutator *m, int generation, size_t *uncollectable)
{
    (void)generation, (void)uncollectable;
    gc_stop_begin(m);
    gc_collection_at(m, "plants a crash");
    plant(m);
    gc_stop_end(m, 0);
    return 0;
}

/* The same on a thread of its own. */
static void thread_exit(struct gc_mutator *m)
{
    const struct options *o = m->heap->collector_options;
    char top = 0;
    if (o->how == 8 && m->number > 0) result = go_deeper(&top);
}

GC_COLLECTOR(crasher) = { GC_COLLECTOR_HEADER, .name = "crasher", .summary = "ends its process",
    .protocols = { "bare" }, .options = options, .options_size = sizeof(struct options),
    .collect = collect, .thread_exit = thread_exit };
GC_EXPORT const struct gc_plugin gc_plugin = { GC_PLUGIN_HEADER,
    .collectors = GC_PLUGIN_LIST(gc_collector, &gc_collector_crasher) };
'''


class Wrong(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def expect(text, *patterns):
    """All of these are in the text, each behind the one before."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, at)
        if found is None:
            raise Wrong(f'{pattern!r} is not in, or not behind {at} of:\n{text[-6000:]}')
        at = found.end()


def run(command, **more):
    done = subprocess.run(command, cwd=SCRATCH, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False, shell=isinstance(command, str), **more)
    return done.returncode, done.stdout.decode(errors='backslashreplace')


# --- crashes -------------------------------------------------------------------------------------

def crash(how, threads=1):
    return run([GCLAB, 'run', '-q', '-n', '1', '-c', f'./crasher.so:how={how}', '-w', 'rings:count=100:k=3',
                '-t', str(threads), '--seed', '7'])


def check_report(text, what, *, phase=True, mutator=0, calls=(r'^        plant at crasher\.c:\d+$',
                                                              r'^        collect at crasher\.c:\d+$')):
    """Each part of a report; returns the command that does it again."""
    expect(text, f'^gclab: crash: {what}$',
           r'^    while: crasher@bare:how=\w+, workload rings:count=100:k=3, \d threads?, seed 7$',
           r'^    again: \S+ run --in-process -n 1 --plugin \S+ -c crasher@bare:how=\w+ -w rings:count=100:k=3 '
           r'-t \d --seed 7$',
           r'^    phase: collection 1, of mutator 0, plants a crash; the world is stopped by mutator 0$'
           if phase else r'^    phase: no collection is under way$',
           f'^    mutator {mutator}, RUNNING, this thread:$',
           *((r'^        -\d+\.\d\d\d ms: becomes a mutator;',
              r'has stopped the world;\s+-\d+\.\d\d\d ms: plants a crash$' if phase else
              r'-\d+\.\d\d\d ms: exits$') if CHECK > 0 else ()),
           r'^    calls, the innermost first:$', *calls)
    return re.search(r'^    again: (.*)$', text, re.MULTILINE)[1]


@test
def each_kind_of_crash_leaves_a_report():
    for how, what in (('assertion', r'an assertion failed: crasher\.c:\d+: plant: object 7 is planted \(SIGABRT\)'),
                      ('address', r'it touches address 0x10, where there is no memory \(SIGSEGV\)'),
                      ('freed', r'it follows what can be no address, .* 0xd5 \(SIGSEGV\)'),
                      ('instruction', r'it runs what is no instruction.*, at 0x[0-9a-f]+ \(SIGILL\)'),
                      ('division', r'it divides by zero at 0x[0-9a-f]+ \(SIGFPE\)'),
                      ('abort', r'it ends itself \(SIGABRT\)')):
        status, text = crash(how)
        if status != 1:
            raise Wrong(f'status {status}: {text}')
        check_report(text, what)
        number = re.search(r'SIG\w+', what)[0]
        said = 'gclab: fatal: .*object 7 is planted' if how == 'assertion' else what
        expect(text, r'^crasher@bare.* 0/1$', f'crash \\(1 of 1\\): killed by {number}: {said}')


@test
def a_stack_that_is_used_up_leaves_a_report_on_each_thread():
    deep = [r'^        go_deeper at crasher\.c:\d+$'] * 3
    what = r'the stack of the thread is used up: it touches address 0x[0-9a-f]+, where .* \(SIGSEGV\)'
    check_report(crash('stack')[1], what, calls=deep)
    check_report(crash('exit', 2)[1], what, phase=False, mutator=r'[12]', calls=deep)


@test
def a_crash_of_the_report_ends_it_at_once():
    status, text = crash('report')
    expect(text, r'^gclab: crash: it ends itself \(SIGABRT\)$', '^    again: ', 'killed by SIGSEGV')
    if status != 1 or '    mutator' in text:
        raise Wrong(f'status {status}: {text}')


@test
def the_command_of_a_report_does_it_again():
    again = check_report(crash('address', 2)[1], r'it touches address 0x10, .*')
    status, text = run(f'exec {again}')
    if status != -signal.SIGSEGV:
        raise Wrong(f'status {status}: {text}')
    if check_report(text, r'it touches address 0x10, .*') != again:
        raise Wrong(f'it is another command: {text}')


def needs_the_kit():
    return None if CHECK > 0 else 'there is no kit in a release build'


@test
def check_says_what_each_thread_did_last():
    status, text = run([GCLAB, 'check', '-c', './crasher.so:how=address', '--no-conformance', '--seed', '60',
                        '--count', '12', '--save', 'it.program', '-q'])
    if status != 1:
        raise Wrong(f'status {status}: {text}')
    expect(text, r'it crashes: it touches address 0x10, where there is no memory \(SIGSEGV\)',
           r'^    in plant \(crasher\.c:\d+\)$', r'^      called by collect \(crasher\.c:\d+\)$',
           r'^    phase: collection \d+, of mutator 0, plants a crash; the world is stopped by mutator 0$',
           r'^    mutator 0, RUNNING, this thread:$', r'begins a collection of generation \d',
           r'^    gclab check --replay it\.program$')
    again = re.search(r'^    gclab (check .*)$', text, re.MULTILINE)[1]
    status, text = run(f'{GCLAB} {again}')
    expect(text, 'it crashes: it touches address 0x10', '^it.program: failed$')
    status, text = run(f'exec {GCLAB} {again} --in-process')
    expect(text, r'^gclab: crash: it touches address 0x10', r'^    while: crasher@bare:how=address, program it\.program$',
           r'^    phase: collection', r'^    mutator 0, RUNNING, this thread:$', r'^        plant at crasher\.c:')
    again = re.search(r'^    again: (.*)$', text, re.MULTILINE)[1]
    if status != -signal.SIGSEGV or run(f'exec {again}')[0] != -signal.SIGSEGV:
        raise Wrong(f'status {status}: {text}')


check_says_what_each_thread_did_last.skips = needs_the_kit


# --- gdb -----------------------------------------------------------------------------------------

def debugged(commands, *arguments):
    """{name: what gdb printed behind `echo == name`}"""
    path = os.path.join(SCRATCH, 'commands.gdb')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('set confirm off\nset pagination off\nset breakpoint pending on\nset print thread-events off\n'
                   f'set width 0\nset debuginfod enabled off\nsource {SCRIPT}\n{commands}')
    _, text = run(['gdb', '-nx', '-q', '-batch', '-x', path, '--args', GCLAB, *arguments],
                  env={**os.environ, 'NO_COLOR': '1'})
    if 'Traceback' in text or 'Python Exception' in text:
        raise Wrong(text)
    parts = re.split(r'^== (\w+)$', text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def needs_gdb():
    if CHECK == 0:
        return 'a release build has no debug information'
    if shutil.which('gdb') is None:
        raise Wrong('gdb is not installed: apt-get install gdb (tests/packages.sh)')
    return None


# A ring of three that root 0 holds, with what hangs on it, and one of two that nothing holds.
PROGRAM = '''run: threads=1
first: ring to=0 nodes=3 mix=0 behaviour=0
first: ring to=1 nodes=2 mix=0 behaviour=0
first: drop at=1
first: collect generation=2
'''
YOUNG = 'm->young'
FIRST = '((struct gc_object *)((char *)m->young.next + sizeof(struct gc_links)))'
LINKS = '((struct gc_links *)m->young.next->next)'


@test
def gdb_shows_objects_counts_and_lists():
    with open(os.path.join(SCRATCH, 'rings.program'), 'w', encoding='utf-8') as file:
        file.write(PROGRAM)
    said = debugged(f'''
break gc_collect_here
run
echo == list\\n
gclab list &{YOUNG}
echo == young\\n
print {YOUNG}
echo == heap\\n
gclab heap
echo == threads\\n
gclab threads
echo == object\\n
gclab object {FIRST}
echo == pointer\\n
print {FIRST}
echo == struct\\n
print *{FIRST}
echo == raw\\n
print/r *{FIRST}
echo == block\\n
gclab block {FIRST}
echo == counts\\n
set var {FIRST}->count_high = (1 << 31 | 1 << 30 | 1 << 29 | 1 << 28) + 5
print {FIRST}
set var {FIRST}->count_high = (1 << 28) - 2
set var {FIRST}->mark = 5
print {FIRST}
echo == type\\n
set var {FIRST}->type_id = 65535
print {FIRST}
echo == garbage\\n
gclab object 0
gclab object 8
gclab object 0x1234
gclab object (char *){FIRST} + 8
gclab object (long){FIRST} & ~0x3fffff
gclab object ((long){FIRST} | 0x3fffff) - 7
gclab object &gc_type_table
gclab object
gclab object frob
gclab block 16
gclab list 8
gclab list 3
print (struct gc_object *) 24
echo == broken\\n
set var {LINKS}->next = 0
gclab list &{YOUNG}
set var {LINKS}->next = (struct gc_links *)16
gclab list &{YOUNG}
print {YOUNG}
set var {LINKS}->next = {LINKS}
gclab list &{YOUNG}
''', 'check', '--replay', 'rings.program', '-c', 'generational@biased', '--in-process')
    node = r'struct \w+ of \d slots, \d+ bytes; owner 1, own [23], shared 0; in generation 0; CYCLIC'
    expect(said['list'], r'^list 0x[0-9a-f]+: 7 members$', f'^    0x[0-9a-f]+ {node}$', f'^    0x[0-9a-f]+ {node}$')
    expect(said['young'], r'^\$\d+ = list of 7: 0x[0-9a-f]+, 0x')
    expect(said['heap'], r'^heap 0x[0-9a-f]+: generational@biased, \d+ bytes in blocks, 1 mutators, 0 collections$',
           r'^    region 0 \(0x[0-9a-f]+\): \d CURRENT, 25\d FREE$')
    expect(said['threads'], r'^mutator 0 \(0x[0-9a-f]+\): RUNNING;.* 7 young$', r'^    \d+\.\d+ ms: becomes a mutator$')
    expect(said['object'], f'^0x[0-9a-f]+: {node}$', r'^    count  0x1000000000030001$', r'^    mark   0x0$',
           r'^    links  next 0x[0-9a-f]+, prev 0x[0-9a-f]+$', r'^    home   mutator 0$', r'^    slot 0: 0x[0-9a-f]+ struct ')
    expect(said['pointer'], rf'^\$\d+ = 0x[0-9a-f]+ {node}$')
    expect(said['struct'], rf'^\$\d+ = 0x[0-9a-f]+ {node}$')
    expect(said['raw'], r'count_high = 268435456')
    expect(said['block'], r'^block \d+ of region 0, from 0x[0-9a-f]+: CURRENT, cells of \d+ bytes with a prefix of 16,',
           f'^    0x[0-9a-f]+ {node}$', r'^    \d objects are alive$')
    expect(said['counts'], r'dead, was a struct .*; owner 1, own 3, shared 5, QUEUED, MERGED, DEAD; in generation 0;',
           r'own 3, shared -2; in trash; CYCLIC$')
    expect(said['type'], r'of no type \(65535\) of 0 slots')
    expect(said['garbage'], r'^gclab: 0x0 is the address of no object$', r'^gclab: 0x8 is in no region of a heap$',
           r'^gclab: 0x1234 is the address of no object$', r'^gclab: 0x\w+ is no object, but within the cell of 0x',
           r'^gclab: 0x\w+ is in the metadata of region 0$', r'^gclab: 0x\w+ is in a block that is FREE',
           r'^gclab: 0x\w+ is in no region of a heap$', r'^gclab: which object\?', r'^gclab: No symbol "frob"',
           r'^gclab: 0x10 is in no region', r'^gclab: Cannot access memory', r'^gclab: 0x3 is the address of no list',
           r'= 0x18 \(0x18 is in no region of a heap\)$')
    expect(said['broken'], r'2 members, it has no end: the `next` of 0x[0-9a-f]+ is NULL$',
           r"2 members, 0x20 can't be read$", r"^\$\d+ = list of 2 \(0x20 can't be read\)",
           r'5000 members, and more$', r'^    and 4990 more$')


gdb_shows_objects_counts_and_lists.skips = needs_gdb


@test
def gdb_shows_what_each_collector_means():
    """And a crash at its place, whatever the report does."""
    said = debugged('''
define blocks
  gclab block (char *)$arg0->regions + ($arg0->first_block << 14)
  gclab block (char *)$arg0->regions + (($arg0->first_block + 1) << 14)
end
tbreak generational_bury if ((struct generational *)m->heap->collector_data)->detector.sum.found > 0
run
echo == generational\\n
gclab list &((struct generational *)m->heap->collector_data)->trash
gclab heap
tbreak coalescing_count_stw
continue
echo == coalescing\\n
blocks state->tracer.heap
tbreak gc_sweep_begin_stw if heap->collector == &gc_collector_mark_sweep
continue
echo == mark_sweep\\n
blocks heap
tbreak gc_sweep_open
continue
echo == on_the_fly\\n
blocks heap
run run --in-process -q -n 1 -c ./crasher.so:how=address -w rings:count=100
echo == crash\\n
backtrace 2
continue
echo == signal\\n
print $_siginfo.si_signo
''', 'run', '--in-process', '-q', '-n', '1', '-w', 'rings:count=1000:k=3', '-c', 'generational@plain',
                    '-c', 'coalescing:young=64K', '-c', 'mark_sweep:minimum=128K', '-c', 'on_the_fly:minimum=128K')
    node = r'^    0x[0-9a-f]+ struct node of 2 slots, 40 bytes; '
    expect(said['generational'], r'^list 0x[0-9a-f]+: \d+ members$', node + r'count [23]; in trash; CYCLIC$',
           r'^    a collection is under way, of mutator 0: untracks and promotes$',
           r'^    the world is stopped by mutator 0$')
    expect(said['coalescing'], node + r'slots 0, log new; CYCLIC$')
    window = r'^    0x[0-9a-f]+ window of 1000 slots, 8024 bytes; '
    expect(said['mark_sweep'], window + r'count 0; mark 0, marked; CYCLIC$', node + r'count 0; mark 0, marked; CYCLIC$')
    expect(said['on_the_fly'], window + r'count 0; colour (black|white); CYCLIC$', node + r'count 0; colour (black|white); CYCLIC$')
    expect(said['crash'], r'^#0 .*plant .* at crasher\.c:', '^gclab: crash: it touches address 0x10',
           r'^Program received signal SIGSEGV', '^plant ')
    expect(said['signal'], f'= {int(signal.SIGSEGV)}$')


gdb_shows_what_each_collector_means.skips = needs_gdb


# --- all of them ---------------------------------------------------------------------------------

def main():
    global GCLAB, CHECK, SCRATCH
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    GCLAB, CHECK = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    print(f'1..{len(TESTS)}')
    failed = 0
    with tempfile.TemporaryDirectory() as SCRATCH:
        with open(os.path.join(SCRATCH, 'crasher.c'), 'w', encoding='utf-8') as file:
            file.write(PLUGIN)
        subprocess.run([*os.environ.get('CC', 'cc').split(), '-g', '-O0', '-std=c11', '-D_GNU_SOURCE', '-w', '-shared',
                        '-fPIC', '-I', SOURCE, f'-DGC_CHECK={CHECK}', '-o', 'crasher.so', 'crasher.c'],
                       cwd=SCRATCH, check=True)
        for number, function in enumerate(TESTS, 1):
            wrong = skipped = None
            try:
                skipped = function.skips() if hasattr(function, 'skips') else None
                if skipped is None:
                    function()
            except Exception as error:        # whatever it is, it is no good answer
                wrong = f'{type(error).__name__}: {error}'
            failed += wrong is not None
            print(f'{"not ok" if wrong else "ok"} {number} - {function.__name__}'
                  + (f' # SKIP {skipped}' if skipped else ''), flush=True)
            if wrong:
                print('\n'.join('# ' + line for line in wrong.splitlines()))
    return 1 if failed > 0 else 0


if __name__ == '__main__':
    sys.exit(main())
