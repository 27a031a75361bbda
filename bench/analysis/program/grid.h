/* SPDX-License-Identifier: MIT */
/* grid.h - a table of texts, for a terminal or for HTML. */
#ifndef BENCH_ANALYSIS_PROGRAM_GRID_H
#define BENCH_ANALYSIS_PROGRAM_GRID_H

#include <stdio.h>

#include "core/check.h"

/* Of a column: a heading that begins with GC_GRID_TEXT is without it, and the column stands
 * at the left; others are of figures, at the right. */
#define GC_GRID_TEXT "<"

struct gc_grid {
    const char *const *headings;
    size_t columns;
    char **cells; /* row by row */
    size_t count;
};

void gc_grid_init(struct gc_grid *grid, const char *const *headings, size_t columns);
void gc_grid_finish(struct gc_grid *grid);

/* The next cell: of this row, or the first one of the next. */
void gc_grid_cell(struct gc_grid *grid, const char *format, ...) GC_PRINTF(2, 3);

/* Lines with two spaces between the columns. */
void gc_grid_print(const struct gc_grid *grid, FILE *file);

/* A table with its caption. */
void gc_grid_html(const struct gc_grid *grid, const char *caption, FILE *file);

/* Text between the tags of HTML or SVG, or within a quoted attribute. */
void gc_grid_escape(FILE *file, const char *text);

#endif
