/* SPDX-License-Identifier: MIT */
/* grid.c - a table of texts, for a terminal or for HTML. */
#include "bench/analysis/program/grid.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/text.h"

void gc_grid_init(struct gc_grid *grid, const char *const *headings, size_t columns)
{
    *grid = (struct gc_grid){ .headings = headings, .columns = columns };
}

void gc_grid_finish(struct gc_grid *grid)
{
    for (size_t i = 0; i < grid->count; i++)
        free(grid->cells[i]);
    free(grid->cells);
    *grid = (struct gc_grid){ .cells = NULL };
}

void gc_grid_cell(struct gc_grid *grid, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    grid->cells = gc_need_more(grid->cells, (grid->count + 1) * sizeof(*grid->cells));
    grid->cells[grid->count++] = text != NULL ? text : gc_need(1);
}

static bool is_text(const struct gc_grid *grid, size_t column)
{
    return grid->headings[column][0] == GC_GRID_TEXT[0];
}

static const char *heading(const struct gc_grid *grid, size_t column)
{
    return grid->headings[column] + (is_text(grid, column) ? 1 : 0);
}

static int width_of(const struct gc_grid *grid, size_t column)
{
    size_t width = strlen(heading(grid, column));
    for (size_t i = column; i < grid->count; i += grid->columns)
        if (strlen(grid->cells[i]) > width) width = strlen(grid->cells[i]);
    return (int)width;
}

void gc_grid_print(const struct gc_grid *grid, FILE *file)
{
    int *widths = gc_need(grid->columns * sizeof(*widths));
    for (size_t c = 0; c < grid->columns; c++)
        widths[c] = width_of(grid, c);
    for (size_t i = 0; i < grid->count + grid->columns; i++) {
        size_t column = i % grid->columns;
        bool is_last = column + 1 == grid->columns;
        const char *text = i < grid->columns ? heading(grid, column)
                                             : grid->cells[i - grid->columns];
        int width = is_text(grid, column) ? -widths[column] : widths[column];
        if (is_last && width < 0) width = 0; /* no spaces at the end of a line */
        fprintf(file, "%*s%s", width, text, is_last ? "\n" : "  ");
    }
    free(widths);
}

void gc_grid_escape(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", file);
            break;
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            /* XML has no other control characters at all */
            fputc((unsigned char)*text < 0x20 && *text != '\n' ? ' ' : *text, file);
        }
    }
}

void gc_grid_html(const struct gc_grid *grid, const char *caption, FILE *file)
{
    /* What scrolls has to be reached by the keyboard as well. */
    fputs("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", file);
    gc_grid_escape(file, caption);
    fputs("\"><table><caption>", file);
    gc_grid_escape(file, caption);
    fputs("</caption>\n<thead><tr>", file);
    for (size_t c = 0; c < grid->columns; c++) {
        fprintf(file, "<th scope=\"col\"%s>", is_text(grid, c) ? "" : " class=\"n\"");
        gc_grid_escape(file, heading(grid, c));
        fputs("</th>", file);
    }
    fputs("</tr></thead>\n<tbody>\n", file);
    for (size_t i = 0; i < grid->count; i++) {
        size_t column = i % grid->columns;
        const char *tag = column == 0 ? "th" : "td";
        if (column == 0) fputs("<tr>", file);
        fprintf(file, "<%s%s%s>", tag, column == 0 ? " scope=\"row\"" : "",
                is_text(grid, column) ? "" : " class=\"n\"");
        gc_grid_escape(file, grid->cells[i]);
        fprintf(file, "</%s>%s", tag, column + 1 == grid->columns ? "</tr>\n" : "");
    }
    fputs("</tbody></table></div>\n", file);
}
