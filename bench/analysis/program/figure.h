/* SPDX-License-Identifier: MIT */
/* figure.h - a figure as SVG: means with their intervals, a line for each collector.
 *
 * Its colours are classes (`s0` to `s7` of series, and others), for which gc_figure_style()
 * has the rules, for light and for dark surroundings; series differ in marks and dashes as
 * well, so that no colour needs to be told apart. */
#ifndef BENCH_ANALYSIS_PROGRAM_FIGURE_H
#define BENCH_ANALYSIS_PROGRAM_FIGURE_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/analysis/program/grid.h"
#include "bench/analysis/statistics.h"
#include "bench/text.h"

struct gc_figure {
    char *name; /* of its file, without a suffix; also its id in a page */
    char *title;
    char *x_title, *y_title;
    char *command; /* that measured what it shows */
    size_t x_count, series_count;
    char **x_labels;
    double *x;      /* where they stand, ascending, in any unit */
    char **series;  /* names */
    size_t *styles; /* of each, so that a collector looks the same in all figures */
    bool is_binary; /* y is in bytes: its axis has powers of 2 */
    bool is_log;    /* of y; 0 has a place of its own there, below all others */
    void (*write)(char cell[GC_CELL], double value);
    struct gc_estimate *values; /* [series][x]; NaN: not measured, or no interval */
};

/* Room for all of it; texts are the figure's own, for free(). */
void gc_figure_init(struct gc_figure *figure, size_t series_count, size_t x_count);
void gc_figure_finish(struct gc_figure *figure);

/* Whether there is anything to draw. */
bool gc_figure_has_values(const struct gc_figure *figure);

/* The figure: as a file of its own, or as a part of a page that has the style. */
void gc_figure_draw(const struct gc_figure *figure, bool is_alone, FILE *file);

/* Rules of CSS. */
void gc_figure_style(FILE *file);

/* What it shows, as a table of HTML. */
void gc_figure_table(const struct gc_figure *figure, FILE *file);

/* "12.3 [11.9, 12.7]"; "-" where there is no value. */
void gc_figure_cell(struct gc_grid *grid, const struct gc_estimate *estimate,
        void (*write)(char cell[GC_CELL], double value));

#endif
