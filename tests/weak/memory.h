/* SPDX-License-Identifier: MIT */
/* memory.h - a simulated C11 memory: what an atomic operation may do besides what it does here.
 *
 * It is on between the begin and the end of a schedule with random choices (core/schedule.h), so
 * one thread runs at a time, and the machine's memory holds the last store of everything. A load
 * may give an older one. README.md says which, and what is left out.
 */
#ifndef TESTS_WEAK_MEMORY_H
#define TESTS_WEAK_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An order is what it does; sequentially consistent accesses do the rest, too. */
enum weak_order { WEAK_ACQUIRE = 1, WEAK_RELEASE = 2, WEAK_SEQ_CST = 4 };

enum weak_operation { WEAK_ADD, WEAK_SUB, WEAK_OR, WEAK_AND, WEAK_EXCHANGE };

/* A place in the sources where memory is accessed. One in a header has several. */
struct weak_site {
    const char *file, *function, *kind;
    int line;
    uint8_t written, order; /* what stands there, and what it is today */
    bool reached;           /* it was used while the simulation was on */
};

/* On a field of `size` bytes, at most 8, aligned to that. Any thread; a yield point first. */
uint64_t weak_load(const void *p, size_t size, struct weak_site *site);
void weak_store(void *p, size_t size, uint64_t value, struct weak_site *site);
uint64_t weak_update(void *p, size_t size, enum weak_operation operation, uint64_t value,
        struct weak_site *site);
bool weak_compare_exchange(void *p, size_t size, void *expected, uint64_t value,
        int failing, struct weak_site *site);
void weak_fence(struct weak_site *site);

/* A plain store that makes an atomic field. */
void weak_init(void *p, size_t size, uint64_t value);

/* All sites of the program. */
struct weak_site **weak_sites(size_t *ret_count);

/* Says on standard error what each operation does. */
extern bool weak_traces;

#endif
