/* SPDX-License-Identifier: MIT */
/* figure.c - a figure as SVG: means with their intervals, a line for each collector. */
#include "bench/analysis/program/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In units of the picture. */
enum {
    WIDTH = 640,
    LEFT = 62,
    RIGHT = 18,
    TOP = 48,
    PLOT_HEIGHT = 230,
    X_AXIS = 46, /* labels and title below the plot */
    LEGEND_LINE = 20,
    LEGEND_MARK = 34, /* a piece of line with its mark */
    LETTER = 7,       /* about as wide as one is */
    INSET = 26,       /* of the first and last x, from the plot's sides */
    ZERO_LANE = 26,   /* below a logarithmic axis */
    CAP = 4,          /* half the width of an error bar's end */
    STYLES = 8,
    TICKS_MOST = 24,
};

/* The y axis: from the data to the picture. */
struct axis {
    bool is_log, has_zero;
    double low, high; /* of what is drawn; logarithms where is_log */
    double ticks[TICKS_MOST];
    size_t tick_count;
};

void gc_figure_init(struct gc_figure *figure, size_t series_count, size_t x_count)
{
    *figure = (struct gc_figure){
        .series_count = series_count,
        .x_count = x_count,
        .x_labels = gc_need(x_count * sizeof(*figure->x_labels)),
        .x = gc_need(x_count * sizeof(*figure->x)),
        .series = gc_need(series_count * sizeof(*figure->series)),
        .styles = gc_need(series_count * sizeof(*figure->styles)),
        .values = gc_need(series_count * x_count * sizeof(*figure->values)),
    };
    for (size_t s = 0; s < series_count; s++)
        figure->styles[s] = s;
    for (size_t i = 0; i < series_count * x_count; i++)
        figure->values[i] = (struct gc_estimate){ NAN, { NAN, NAN } };
}

void gc_figure_finish(struct gc_figure *figure)
{
    for (size_t i = 0; i < figure->x_count; i++)
        free(figure->x_labels[i]);
    for (size_t i = 0; i < figure->series_count; i++)
        free(figure->series[i]);
    free(figure->name);
    free(figure->title);
    free(figure->x_title);
    free(figure->y_title);
    free(figure->command);
    free(figure->x_labels);
    free(figure->x);
    free(figure->series);
    free(figure->styles);
    free(figure->values);
    *figure = (struct gc_figure){ .name = NULL };
}

bool gc_figure_has_values(const struct gc_figure *figure)
{
    for (size_t i = 0; i < figure->series_count * figure->x_count; i++)
        if (isfinite(figure->values[i].value)) return true;
    return false;
}

static bool has_interval(const struct gc_estimate *estimate)
{
    return isfinite(estimate->interval.low) && isfinite(estimate->interval.high);
}

/* A step of 1, 2 or 5 times a power of ten, or of a power of two, of which at most six make up
 * `span`. */
static double nice_step(double span, bool is_binary)
{
    if (is_binary) return exp2(ceil(log2(span / 6)));
    double power = pow(10, floor(log10(span / 6)));
    double rest = span / 6 / power;
    return power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
}

static void add_tick(struct axis *axis, double value)
{
    if (axis->tick_count < TICKS_MOST) axis->ticks[axis->tick_count++] = value;
}

static struct axis linear_axis(double most, bool is_binary)
{
    struct axis axis = { .high = most > 0 ? most : 1 };
    double step = nice_step(axis.high, is_binary);
    axis.high = ceil(axis.high / step - 1e-9) * step;
    for (size_t i = 0; (double)i * step <= axis.high * (1 + 1e-9); i++)
        add_tick(&axis, (double)i * step);
    return axis;
}

/* Whole powers of ten; between few of them, 2 and 5 as well. */
static struct axis log_axis(double least, double most, bool has_zero)
{
    struct axis axis = { .is_log = true, .has_zero = has_zero };
    if (!(most > 0)) least = most = 1; /* nothing but zeros */
    axis.low = floor(log10(least) + 1e-9);
    axis.high = ceil(log10(most) - 1e-9);
    if (axis.high <= axis.low) axis.high = axis.low + 1;
    double decades = axis.high - axis.low;
    double every = ceil(decades / 8);
    for (double d = axis.low; d <= axis.high; d += every) {
        add_tick(&axis, pow(10, d));
        if (decades > 2 || d + 1 > axis.high) continue;
        add_tick(&axis, 2 * pow(10, d));
        add_tick(&axis, 5 * pow(10, d));
    }
    return axis;
}

/* Means decide what is in the picture, and the upper ends of intervals unless they are
 * beyond reason: with two or three processes an interval may reach anywhere. */
static struct axis axis_of(const struct gc_figure *figure)
{
    double least = INFINITY, most = 0, mean_most = 0;
    bool has_zero = false;
    for (size_t i = 0; i < figure->series_count * figure->x_count; i++) {
        const struct gc_estimate *e = &figure->values[i];
        if (!isfinite(e->value)) continue;
        if (e->value > 0 && e->value < least) least = e->value;
        if (e->value > mean_most) mean_most = e->value;
        if (has_interval(e) && e->interval.high > most) most = e->interval.high;
        has_zero |= e->value <= 0;
    }
    if (most > 2 * mean_most) most = 2 * mean_most;
    if (most < mean_most) most = mean_most;
    return figure->is_log ? log_axis(least, most, has_zero)
                          : linear_axis(most, figure->is_binary);
}

/* From the top of the picture. */
static double y_of(const struct axis *axis, double value)
{
    double bottom = TOP + PLOT_HEIGHT;
    if (axis->is_log && value <= 0) return bottom - (axis->has_zero ? ZERO_LANE / 2 : 0);
    double height = PLOT_HEIGHT - (axis->has_zero && axis->is_log ? ZERO_LANE : 0);
    double at = axis->is_log ? log10(value) : value;
    double share = (at - axis->low) / (axis->high - axis->low);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return TOP + height - share * height;
}

/* Series that lie on each other are set a little apart. */
static double x_of(const struct gc_figure *figure, size_t i, size_t series)
{
    double first = figure->x[0], last = figure->x[figure->x_count - 1];
    double width = WIDTH - LEFT - RIGHT - 2 * INSET;
    double share = last > first ? (figure->x[i] - first) / (last - first) : .5;
    double middle = (double)(figure->series_count - 1) / 2;
    double apart = figure->x_count > 1 ? 3 : 12;
    if (apart * middle > INSET - 6) apart = (INSET - 6) / middle;
    return LEFT + INSET + share * width + ((double)series - middle) * apart;
}

static void draw_text(FILE *file, const char *class, double x, double y,
        const char *anchor, const char *text)
{
    fprintf(file, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class,
            x, y, anchor);
    gc_grid_escape(file, text);
    fputs("</text>\n", file);
}

static void draw_axes(const struct gc_figure *figure, const struct axis *axis, FILE *file)
{
    double bottom = TOP + PLOT_HEIGHT;
    for (size_t i = 0; i < axis->tick_count; i++) {
        char cell[GC_CELL];
        figure->write(cell, axis->ticks[i]);
        double y = y_of(axis, axis->ticks[i]);
        fprintf(file,
                "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                LEFT, WIDTH - RIGHT, y, y);
        draw_text(file, "tick", LEFT - 6, y + 4, "end", axis->ticks[i] > 0 ? cell : "0");
    }
    if (axis->is_log && axis->has_zero)
        draw_text(file, "tick", LEFT - 6, y_of(axis, 0) + 4, "end", "0");
    for (size_t i = 0; i < figure->x_count; i++) {
        double x = x_of(figure, i, 0);
        x += x_of(figure, i, figure->series_count - 1);
        draw_text(file, "tick", x / 2, bottom + 18, "middle", figure->x_labels[i]);
    }
    fprintf(file, "<path class=\"axis\" d=\"M%d %d V%.1f H%d\"/>\n", LEFT, TOP, bottom,
            WIDTH - RIGHT);
    draw_text(file, "name", (LEFT + WIDTH - RIGHT) / 2.0, bottom + 38, "middle",
            figure->x_title);
    draw_text(file, "name", 6, TOP - 12, "start", figure->y_title);
}

/* A mark of one of four forms. */
static void draw_mark(FILE *file, size_t style, double x, double y)
{
    switch (style % 4) {
    case 0:
        fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", x, y);
        break;
    case 1:
        fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\"/>", x - 3.5,
                y - 3.5);
        break;
    case 2:
        fprintf(file, "<path d=\"M%.1f %.1f l4.5 8 h-9 z\"/>", x, y - 5);
        break;
    default:
        fprintf(file, "<path d=\"M%.1f %.1f l5 5 l-5 5 l-5 -5 z\"/>", x, y - 5);
    }
}

static void draw_error_bar(
        FILE *file, const struct axis *axis, const struct gc_estimate *e, double x)
{
    if (!has_interval(e) || e->interval.low == e->interval.high) return;
    double low = y_of(axis, e->interval.low > 0 ? e->interval.low : 0);
    double high = y_of(axis, e->interval.high);
    fprintf(file, "<path class=\"bar\" d=\"M%.1f %.1f h%d m%d 0 V%.1f m%d 0 h%d\"/>",
            x - CAP, low, 2 * CAP, -CAP, high, -CAP, 2 * CAP);
}

static void draw_series(const struct gc_figure *figure, const struct axis *axis,
        size_t series, FILE *file)
{
    const struct gc_estimate *values = figure->values + series * figure->x_count;
    fprintf(file, "<g class=\"s%zu\">\n<path class=\"line d%zu\" d=\"",
            figure->styles[series] % STYLES, figure->styles[series] % 3);
    bool is_on = false; /* a hole in the data is one in the line */
    for (size_t i = 0; i < figure->x_count; i++) {
        bool is_measured = isfinite(values[i].value);
        if (is_measured)
            fprintf(file, "%c%.1f %.1f", is_on ? 'L' : 'M', x_of(figure, i, series),
                    y_of(axis, values[i].value));
        is_on = is_measured;
    }
    fputs("\"/>\n", file);
    for (size_t i = 0; i < figure->x_count; i++) {
        if (!isfinite(values[i].value)) continue;
        double x = x_of(figure, i, series);
        draw_error_bar(file, axis, &values[i], x);
        draw_mark(file, figure->styles[series], x, y_of(axis, values[i].value));
        fputc('\n', file);
    }
    fputs("</g>\n", file);
}

static size_t legend_columns(const struct gc_figure *figure)
{
    size_t longest = 1;
    for (size_t i = 0; i < figure->series_count; i++)
        if (strlen(figure->series[i]) > longest) longest = strlen(figure->series[i]);
    size_t columns = (WIDTH - LEFT) / (LEGEND_MARK + 16 + LETTER * longest);
    return columns > 0 ? columns : 1;
}

static size_t legend_lines(const struct gc_figure *figure)
{
    size_t columns = legend_columns(figure);
    return (figure->series_count + columns - 1) / columns;
}

static void draw_legend(const struct gc_figure *figure, FILE *file)
{
    size_t columns = legend_columns(figure);
    for (size_t i = 0; i < figure->series_count; i++) {
        size_t line = i / columns, column = i % columns;
        double x = LEFT + (double)column * (WIDTH - LEFT) / (double)columns;
        double y = TOP + PLOT_HEIGHT + X_AXIS + 14 + (double)line * LEGEND_LINE;
        fprintf(file,
                "<g class=\"s%zu\"><path class=\"line d%zu\" d=\"M%.1f %.1f h26\"/>",
                figure->styles[i] % STYLES, figure->styles[i] % 3, x, y);
        draw_mark(file, figure->styles[i], x + 13, y);
        fputs("</g>", file);
        draw_text(file, "tick", x + LEGEND_MARK, y + 4, "start", figure->series[i]);
    }
}

/* For who does not see it: what is on the axes, and where the figures stand. */
static void describe(const struct gc_figure *figure, FILE *file)
{
    gc_grid_escape(file, figure->y_title);
    fputs(" against ", file);
    gc_grid_escape(file, figure->x_title);
    fprintf(file, ", of %zu: ", figure->series_count);
    for (size_t i = 0; i < figure->series_count; i++) {
        if (i > 0) fputs(", ", file);
        gc_grid_escape(file, figure->series[i]);
    }
    fputs(". Bars are intervals of 95 %. A table with the same figures goes with it.",
            file);
}

void gc_figure_draw(const struct gc_figure *figure, bool is_alone, FILE *file)
{
    struct axis axis = axis_of(figure);
    size_t height = TOP + PLOT_HEIGHT + X_AXIS + legend_lines(figure) * LEGEND_LINE + 10;
    if (is_alone)
        fprintf(file,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%zu\" ",
                WIDTH, height);
    else
        fputs("<svg ", file);
    fprintf(file,
            "viewBox=\"0 0 %d %zu\" role=\"img\" aria-labelledby=\"%s-title %s-desc\">\n"
            "<title id=\"%s-title\">",
            WIDTH, height, figure->name, figure->name, figure->name);
    gc_grid_escape(file, figure->title);
    fprintf(file, "</title>\n<desc id=\"%s-desc\">", figure->name);
    describe(figure, file);
    fputs("</desc>\n", file);
    if (is_alone) {
        fputs("<style>", file);
        gc_figure_style(file);
        fputs("</style>\n", file);
        fprintf(file, "<rect class=\"paper\" width=\"%d\" height=\"%zu\"/>\n", WIDTH,
                height);
    }
    draw_text(file, "title", (LEFT + WIDTH) / 2.0, 18, "middle", figure->title);
    draw_axes(figure, &axis, file);
    for (size_t i = 0; i < figure->series_count; i++)
        draw_series(figure, &axis, i, file);
    draw_legend(figure, file);
    fputs("</svg>\n", file);
}

struct colours {
    const char *paper, *ink, *faint, *series[STYLES];
};

/* Without variables of CSS, which few programs but browsers know. */
static void put_colours(FILE *file, const struct colours *colours)
{
    fprintf(file,
            "svg .paper{fill:%s}\nsvg text{fill:%s}\nsvg .grid{stroke:%s}\n"
            "svg .axis{stroke:%s}\n",
            colours->paper, colours->ink, colours->faint, colours->ink);
    for (size_t i = 0; i < STYLES; i++)
        fprintf(file, "svg .s%zu{stroke:%s;fill:%s}\n", i, colours->series[i],
                colours->series[i]);
}

void gc_figure_style(FILE *file)
{
    static const struct colours light = { "#ffffff", "#1b1b1b", "#d9d9d9",
        { "#0067a5", "#c04a00", "#00795a", "#a23b80", "#7d6200", "#4a4a4a", "#6b3fa0",
                "#b3202c" } };
    static const struct colours dark = { "#16181b", "#ececec", "#3c4046",
        { "#5cb8f0", "#ff9d57", "#3fd9a0", "#f09bd0", "#e6cf4a", "#cfcfcf", "#c3a0ff",
                "#ff8b8b" } };
    put_colours(file, &light);
    fputs("@media (prefers-color-scheme:dark){\n", file);
    put_colours(file, &dark);
    fputs("}\nsvg text{font:12px sans-serif}\n"
          "svg .title{font-size:14px;font-weight:bold}\n"
          "svg .axis,svg .line,svg .bar{fill:none}\n"
          "svg .line{stroke-width:1.6}\nsvg .bar{stroke-width:1.3}\n"
          "svg .d1{stroke-dasharray:7 3}\nsvg .d2{stroke-dasharray:2 3}\n",
            file);
}

void gc_figure_cell(struct gc_grid *grid, const struct gc_estimate *estimate,
        void (*write)(char cell[GC_CELL], double value))
{
    char value[GC_CELL], low[GC_CELL], high[GC_CELL];
    if (!isfinite(estimate->value)) {
        gc_grid_cell(grid, "-");
        return;
    }
    write(value, estimate->value);
    if (!has_interval(estimate) || estimate->interval.low == estimate->interval.high) {
        gc_grid_cell(grid, "%s", estimate->value > 0 ? value : "0");
        return;
    }
    /* None of these can be below 0. */
    write(low, estimate->interval.low > 0 ? estimate->interval.low : 0);
    write(high, estimate->interval.high);
    gc_grid_cell(grid, "%s [%s, %s]", value, low, high);
}

void gc_figure_table(const struct gc_figure *figure, FILE *file)
{
    const char **headings = gc_need((figure->x_count + 1) * sizeof(*headings));
    headings[0] = GC_GRID_TEXT "collector";
    for (size_t i = 0; i < figure->x_count; i++)
        headings[i + 1] = figure->x_labels[i];
    struct gc_grid grid;
    gc_grid_init(&grid, headings, figure->x_count + 1);
    for (size_t s = 0; s < figure->series_count; s++) {
        gc_grid_cell(&grid, "%s", figure->series[s]);
        for (size_t i = 0; i < figure->x_count; i++)
            gc_figure_cell(
                    &grid, &figure->values[s * figure->x_count + i], figure->write);
    }
    const char *unit = strrchr(figure->y_title, ','); /* behind what it is of */
    char *caption = gc_need_text("%s by %s%s: means [interval of 95 %%]", figure->title,
            figure->x_title, unit != NULL ? unit : "");
    gc_grid_html(&grid, caption, file);
    free(caption);
    gc_grid_finish(&grid);
    free(headings);
}
