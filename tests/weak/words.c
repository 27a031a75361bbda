/* SPDX-License-Identifier: MIT */
/* words.c - what is known of each word that was accessed; plain accesses, and their races.
 *
 * The compiler calls what ThreadSanitizer's runtime has elsewhere (-fsanitize=thread): each load
 * and store that is no atomic operation comes here. Two of them that nothing orders, one of them
 * a store, are a data race: also where one of the two is atomic.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/check.h"
#include "tests/weak/inside.h"

enum { ROOM = 1 << 18, STATUS_WRONG = 1 };

static struct {
    struct weak_word *words; /* hashed by address, open */
    uint32_t run, used;
    uint32_t *places; /* of those of this run */
} table;

void weak_words_begin(uint32_t run)
{
    if (table.words == NULL) {
        table.words = mmap(NULL, ROOM * sizeof(*table.words), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        table.places = mmap(NULL, ROOM * sizeof(*table.places), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        gc_require(table.words != MAP_FAILED && table.places != MAP_FAILED,
                "no memory for the words of a run");
    }
    table.run = run;
    table.used = 0;
}

static struct weak_word *place_of(uintptr_t address)
{
    uint32_t i =
            (uint32_t)((uint64_t)(address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 40) %
            ROOM;
    while (table.words[i].run == table.run && table.words[i].address != address)
        i = (i + 1) % ROOM;
    return &table.words[i];
}

struct weak_word *weak_word_find(const void *address)
{
    struct weak_word *word = place_of((uintptr_t)address & ~(uintptr_t)7);
    return word->run == table.run ? word : NULL;
}

struct weak_word *weak_word_get(const void *address)
{
    const uintptr_t aligned = (uintptr_t)address & ~(uintptr_t)7;
    struct weak_word *word = place_of(aligned);
    if (word->run == table.run) return word;
    gc_require(table.used < ROOM / 4 * 3, "a run has too many words");
    table.places[table.used++] = (uint32_t)(word - table.words);
    memset(word, 0, sizeof(*word));
    word->address = aligned;
    word->run = table.run;
    return word;
}

void weak_forget(const void *p, size_t size)
{
    if (!weak_is_on()) return;
    for (uint32_t i = 0; i < table.used; i++) {
        struct weak_word *word = &table.words[table.places[i]];
        if (word->address - (uintptr_t)p >= size) continue;
        word->history = NULL;
        memset(word->cells, 0, sizeof(word->cells));
    }
}

/* --- races ------------------------------------------------------------------------------- */

/* file:line of an address in the program, as far as addr2line knows. */
static void name_place(const void *pc, char *text, size_t room)
{
    Dl_info info;
    char command[256];
    snprintf(text, room, "%p", pc);
    if (dladdr(pc, &info) == 0) return;
    snprintf(command, sizeof(command), "addr2line -s -p -f -e '%s' %#lx 2>/dev/null",
            info.dli_fname,
            (unsigned long)((uintptr_t)pc - 1 - (uintptr_t)info.dli_fbase));
    FILE *pipe = popen(command, "r");
    if (pipe == NULL) return;
    if (fgets(text, (int)room, pipe) != NULL) text[strcspn(text, "\n")] = '\0';
    pclose(pipe);
}

static const char *name_of(unsigned flags)
{
    static const char *const names[] = { "plain load", "plain store", "atomic load",
        "atomic store" };
    return names[flags];
}

static GC_NORETURN void report_race(
        const struct weak_cell *before, unsigned flags, const void *pc)
{
    char one[256], other[256];
    name_place(before->pc, one, sizeof(one));
    name_place(pc, other, sizeof(other));
    fprintf(stderr, "data race: %s in %s, %s in %s\n", name_of(before->flags), one,
            name_of(flags), other);
    fflush(stderr);
    _exit(STATUS_WRONG);
}

static bool happened_before(const struct weak_cell *cell)
{
    return cell->time <= weak_me()->view.before[cell->thread];
}

static bool conflicts(const struct weak_cell *cell, uint8_t bytes, unsigned flags)
{
    return (cell->bytes & bytes) != 0 && cell->thread != weak_self() &&
           ((cell->flags | flags) & WEAK_WRITES) != 0 &&
           (cell->flags & flags & WEAK_ATOMIC) == 0 && !happened_before(cell);
}

/* A remembered access says no more than the new one. */
static bool is_covered(const struct weak_cell *cell, uint8_t bytes, unsigned flags)
{
    bool weaker = (cell->flags & WEAK_WRITES) <= (flags & WEAK_WRITES) &&
                  (cell->flags & WEAK_ATOMIC) >= (flags & WEAK_ATOMIC);
    return weaker && (cell->bytes & ~bytes) == 0 &&
           (cell->thread == weak_self() || happened_before(cell));
}

static void note_in(struct weak_word *word, uint8_t bytes, unsigned flags, const void *pc)
{
    struct weak_cell *place = NULL;
    for (int i = 0; i < WEAK_CELLS; i++) {
        struct weak_cell *cell = &word->cells[i];
        if (cell->time == 0) {
            if (place == NULL) place = cell;
            continue;
        }
        if (conflicts(cell, bytes, flags)) report_race(cell, flags, pc);
        if (!is_covered(cell, bytes, flags)) continue;
        cell->time = 0;
        place = cell;
    }
    if (place == NULL) place = &word->cells[weak_draw(WEAK_CELLS)];
    *place = (struct weak_cell){ .pc = pc,
        .time = weak_me()->view.before[weak_self()],
        .thread = (uint8_t)weak_self(),
        .bytes = bytes,
        .flags = (uint8_t)flags };
}

void weak_note(const void *p, size_t size, unsigned flags, const void *pc)
{
    const char *at = p;
    while (size > 0) {
        size_t first = (uintptr_t)at % 8, count = 8 - first < size ? 8 - first : size;
        struct weak_word *word = weak_word_get(at);
        note_in(word, (uint8_t)(((1u << count) - 1) << first), flags, pc);
        if (flags == WEAK_WRITES && word->history != NULL)
            weak_history_written(word->history, at, count);
        at += count;
        size -= count;
    }
}

/* --- what the compiler calls --------------------------------------------------------------- */

#define PLAIN(name, flags, size)                                                         \
    void __tsan_##name(const void *p);                                                   \
    void __tsan_##name(const void *p)                                                    \
    {                                                                                    \
        if (weak_is_on()) weak_note(p, size, flags, __builtin_return_address(0));        \
    }
#define PLAIN_OF(size)                                                                   \
    PLAIN(read##size, 0, size)                                                           \
    PLAIN(write##size, WEAK_WRITES, size)                                                \
    PLAIN(read_write##size, WEAK_WRITES, size)                                           \
    PLAIN(unaligned_read##size, 0, size)                                                 \
    PLAIN(unaligned_write##size, WEAK_WRITES, size)                                      \
    PLAIN(unaligned_read_write##size, WEAK_WRITES, size)
PLAIN_OF(1)
PLAIN_OF(2)
PLAIN_OF(4)
PLAIN_OF(8)
PLAIN_OF(16)

void __tsan_read_range(const void *p, size_t size);
void __tsan_read_range(const void *p, size_t size)
{
    if (weak_is_on()) weak_note(p, size, 0, __builtin_return_address(0));
}

void __tsan_write_range(void *p, size_t size);
void __tsan_write_range(void *p, size_t size)
{
    if (weak_is_on()) weak_note(p, size, WEAK_WRITES, __builtin_return_address(0));
}

void __tsan_init(void);
void __tsan_init(void) {}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void) {}

/* Where core tells ThreadSanitizer of edges that it can't see. */
void __tsan_release(void *key);
void __tsan_release(void *key)
{
    weak_edge_out(key);
}

void __tsan_acquire(void *key);
void __tsan_acquire(void *key)
{
    weak_edge_in(key);
}
