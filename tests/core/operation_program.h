/* SPDX-License-Identifier: MIT */
/* operation_program.h - the program whose operations test_operation.c knows, compiled with
 * counters for each protocol. */
#ifndef TESTS_CORE_OPERATION_PROGRAM_H
#define TESTS_CORE_OPERATION_PROGRAM_H

#include "core/heap.h"

/* Every operation at least once, on a mutator that has made nothing before. */
void operation_program_bare(struct gc_mutator *m);
void operation_program_plain(struct gc_mutator *m);
void operation_program_atomic(struct gc_mutator *m);
void operation_program_biased(struct gc_mutator *m);
void operation_program_log_object(struct gc_mutator *m);

/* Loads a slot 200 times while another mutator stores into it. */
void operation_race_plain(struct gc_mutator *m);
void operation_race_atomic(struct gc_mutator *m);
void operation_race_biased(struct gc_mutator *m);
void operation_race_bare(struct gc_mutator *m);
void operation_race_log_object(struct gc_mutator *m);

#endif
