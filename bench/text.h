/* SPDX-License-Identifier: MIT */
/* text.h - numbers as people read them, memory that is there or the program ends. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/check.h"

enum { GC_CELL = 32 }; /* the text of one number */

/* Three significant digits: "1.23M", "45.6k", "789". */
void gc_text_si(char cell[GC_CELL], double value);

/* Powers of 1024: "64.0M". */
void gc_text_bytes(char cell[GC_CELL], double bytes);

/* Milliseconds without the unit: "0.012", "3.45", "678", "<.001". */
void gc_text_ms(char cell[GC_CELL], double ns);

/* "45 s", "3 min 05 s", "1 h 02 min". */
void gc_text_duration(char cell[GC_CELL], double seconds);

/* Zeroed memory, or formatted text; without memory the program ends with
 * GC_EXIT_ENVIRONMENT and says so. Free with free(). */
void *gc_need(size_t bytes);
void *gc_need_more(void *memory, size_t bytes);
char *gc_need_text(const char *format, ...) GC_PRINTF(1, 2);

/* The text with `between` and a word of a command line behind it, quoted as a shell takes it.
 * Frees the text; a NULL for the word is a question mark. */
char *gc_text_with_word(char *text, const char *between, const char *word);

/* Whether colours are wanted there: a terminal, and NO_COLOR not set. */
bool gc_text_colours(FILE *file);

/* Columns of the terminal, or 80. */
unsigned gc_text_width(FILE *file);

/* What the complaints that follow are about, as "FILE:LINE:COLUMN", is said before them; NULL:
 * nothing any more. Not copied. */
void gc_complain_about(const char *place);

/* Prints "gclab: message" as an error, on one line whatever is in it; returns `status`. */
int gc_complain(int status, const char *format, ...) GC_PRINTF(2, 3);

#endif
