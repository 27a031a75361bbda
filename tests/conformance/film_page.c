/* SPDX-License-Identifier: MIT */
/* film_page.c - draws pictures of a small heap as SVG, and makes a page of them.
 *
 * An object has the same column in all pictures, by its age; its row is the list or set that it is
 * in, in the order in which these first occur. So what moves between pictures has moved.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/file.h"
#include "bench/text.h"
#include "tests/conformance/film.h"

enum {
    ROWS = 12,
    BOX_WIDTH = 132,
    BOX_HEIGHT = 74,
    COLUMN = 164,
    ROW = 136,
    LEFT = 24,
    TOP = 76,
    LINE = 15,
};

/* What is common to all pictures. */
struct stage {
    const struct film *film;
    char places[ROWS][2 * FILM_TEXT];
    uint32_t rows;
    uint32_t *columns; /* by id; of those that are in no picture: none */
    uint32_t column_count;
    int width, height;
    uint32_t number; /* of the picture that is drawn: ids must differ within a page */
};

static uint32_t row_of(struct stage *stage, const char *place)
{
    for (uint32_t i = 0; i < stage->rows; i++)
        if (strcmp(stage->places[i], place) == 0) return i;
    if (stage->rows == ROWS) return ROWS - 1;
    snprintf(stage->places[stage->rows], sizeof(stage->places[0]), "%s", place);
    return stage->rows++;
}

static void set_stage(struct stage *stage, const struct film *film)
{
    const uint32_t none = UINT32_MAX;
    *stage = (struct stage){ .film = film };
    stage->columns = gc_need((film->seen_count + 1) * sizeof(*stage->columns));
    for (uint32_t i = 0; i < film->seen_count; i++)
        stage->columns[i] = none;
    for (uint32_t p = 0; p < film->count; p++) {
        const struct film_picture *picture = film->pictures[p];
        for (uint32_t i = 0; i < picture->object_count; i++) {
            row_of(stage, picture->objects[i].place);
            stage->columns[picture->objects[i].id] = 0;
        }
    }
    for (uint32_t i = 0; i < film->seen_count; i++)
        if (stage->columns[i] != none) stage->columns[i] = stage->column_count++;
    uint32_t columns = stage->column_count > 3 ? stage->column_count : 3;
    stage->width = 2 * LEFT + (int)columns * COLUMN;
    stage->height = TOP + (int)stage->rows * ROW + LEFT;
}

static void put_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '>')
            fputs("&gt;", file);
        else if (*text == '&')
            fputs("&amp;", file);
        else if (*text == '"')
            fputs("&quot;", file);
        else
            fputc(*text, file);
    }
}

static const struct film_object *find(const struct film_picture *picture, uint32_t id)
{
    for (uint32_t i = 0; i < picture->object_count; i++)
        if (picture->objects[i].id == id) return &picture->objects[i];
    return NULL;
}

struct point {
    int x, y;
};

/* The middle of an object's box. */
static struct point middle_of(struct stage *stage, const struct film_object *object)
{
    int column = (int)stage->columns[object->id], row = (int)row_of(stage, object->place);
    return (struct point){ LEFT + column * COLUMN + COLUMN / 2,
        TOP + row * ROW + ROW / 2 + 8 };
}

/* Where the way from the middle of a box to a point leaves it. */
static struct point edge_of(struct point middle, struct point to)
{
    double dx = to.x - middle.x, dy = to.y - middle.y;
    double by_x = dx != 0 ? BOX_WIDTH / 2.0 / (dx > 0 ? dx : -dx) : 1e9;
    double by_y = dy != 0 ? BOX_HEIGHT / 2.0 / (dy > 0 ? dy : -dy) : 1e9;
    double share = by_x < by_y ? by_x : by_y;
    return (struct point){ middle.x + (int)(dx * share), middle.y + (int)(dy * share) };
}

/* --- one picture ------------------------------------------------------------------------ */

static void draw_rows(FILE *file, const struct stage *stage)
{
    for (uint32_t i = 0; i < stage->rows; i++) {
        int y = TOP + (int)i * ROW;
        fprintf(file,
                "<rect class=\"row\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                "rx=\"8\"/>\n<text class=\"place\" x=\"%d\" y=\"%d\">",
                LEFT / 2, y + 4, stage->width - LEFT, ROW - 8, LEFT, y + 22);
        put_text(file, *stage->places[i] != '\0' ? stage->places[i] : "the heap");
        fputs("</text>\n", file);
    }
}

/* A reference to itself: a loop at the box's upper right corner. */
static void draw_loop(FILE *file, const struct stage *stage, struct point at)
{
    int x = at.x + BOX_WIDTH / 2, y = at.y - BOX_HEIGHT / 2;
    fprintf(file,
            "<path class=\"edge\" d=\"M %d %d C %d %d %d %d %d %d\" "
            "marker-end=\"url(#tip%u)\"/>\n",
            x - 26, y, x - 14, y - 30, x + 24, y - 8, x + 2, y + 18, stage->number);
}

static void draw_edge(
        FILE *file, const struct stage *stage, struct point from, struct point to)
{
    /* bent to the left of its way, so that there and back are two */
    double dx = to.x - from.x, dy = to.y - from.y;
    struct point bend = { (from.x + to.x) / 2 + (int)(dy * .18),
        (from.y + to.y) / 2 - (int)(dx * .18) };
    struct point begin = edge_of(from, bend), end = edge_of(to, bend);
    fprintf(file,
            "<path class=\"edge\" d=\"M %d %d Q %d %d %d %d\" "
            "marker-end=\"url(#tip%u)\"/>\n",
            begin.x, begin.y, bend.x, bend.y, end.x, end.y, stage->number);
}

/* The names of handles stand above the box, with one arrow. */
static void draw_handles(FILE *file, struct stage *stage,
        const struct film_picture *picture, const struct film_object *object)
{
    struct point at = middle_of(stage, object);
    const char *between = "";
    int y = at.y - BOX_HEIGHT / 2 - 24;
    for (uint32_t i = 0; i < picture->edge_count; i++) {
        const struct film_edge *edge = &picture->edges[i];
        if (!edge->is_handle || edge->to != object->id) continue;
        if (*between == '\0')
            fprintf(file,
                    "<path class=\"handle\" d=\"M %d %d L %d %d\" "
                    "marker-end=\"url(#tip%u)\"/>\n<text class=\"name\" x=\"%d\" "
                    "y=\"%d\">",
                    at.x - 40, y + 2, at.x - 40, y + 23, stage->number, at.x - 44, y);
        fputs(between, file);
        put_text(file, edge->name);
        between = ", ";
    }
    if (*between != '\0') fputs("</text>\n", file);
}

static void draw_object(FILE *file, struct stage *stage, const struct film_object *object,
        const struct film_object *before)
{
    struct point at = middle_of(stage, object);
    int x = at.x - BOX_WIDTH / 2, y = at.y - BOX_HEIGHT / 2;
    bool has_moved = before == NULL || strcmp(before->place, object->place) != 0;
    fprintf(file,
            "<rect class=\"box%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "rx=\"6\"/>\n<text class=\"object\" x=\"%d\" y=\"%d\">",
            has_moved ? " moved" : "", x, y, BOX_WIDTH, BOX_HEIGHT, x + 8, y + LINE + 2);
    put_text(file, object->name);
    fputs("</text>\n", file);
    for (uint32_t i = 0; i < object->field_count; i++) {
        const struct film_field *field = &object->fields[i];
        const struct film_field *old = before != NULL ? &before->fields[i] : NULL;
        bool is_new = old == NULL || i >= before->field_count ||
                      strcmp(old->value, field->value) != 0 ||
                      strcmp(old->name, field->name) != 0;
        fprintf(file, "<text class=\"field%s\" x=\"%d\" y=\"%d\">",
                is_new ? " changed" : "", x + 8, y + (int)(i + 2) * LINE + 4);
        put_text(file, field->name);
        fputc(' ', file);
        put_text(file, field->value);
        fputs("</text>\n", file);
    }
}

#define STYLE                                                                            \
    "svg{--ink:#1a1d21;--paper:#fff;--soft:#f1f3f6;--line:#8b94a1;--hot:#b3261e;"        \
    "--handle:#1f5fbf;color:var(--ink);background:var(--paper);"                         \
    "font:13px system-ui,sans-serif}"                                                    \
    "@media(prefers-color-scheme:dark){svg{--ink:#e8eaed;--paper:#15181c;"               \
    "--soft:#20252b;--line:#7d8793;--hot:#ff8a80;--handle:#8ab4f8}}"                     \
    ".row{fill:var(--soft)}.place{fill:var(--line);font-weight:600}"                     \
    ".words{fill:var(--ink);font-size:17px;font-weight:600}"                             \
    ".of{fill:var(--line)}.box{fill:var(--paper);stroke:var(--line);stroke-width:1.5}"   \
    ".moved{stroke:var(--hot);stroke-width:2.5}.object{fill:var(--ink);font-weight:700}" \
    ".field{fill:var(--ink)}.changed{fill:var(--hot);font-weight:700}"                   \
    ".edge{fill:none;stroke:var(--ink);stroke-width:1.4}"                                \
    ".handle{fill:none;stroke:var(--handle);stroke-width:1.8}"                           \
    ".name{fill:var(--handle);font-weight:600}.tip{fill:var(--ink)}"

static void draw(FILE *file, struct stage *stage, uint32_t number)
{
    const struct film *film = stage->film;
    const struct film_picture *picture = film->pictures[number];
    const struct film_picture *before = number > 0 ? film->pictures[number - 1] : NULL;
    stage->number = number;
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
            "viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\">\n<title>",
            stage->width, stage->height, stage->width, stage->height);
    put_text(file, picture->words);
    fputs("</title>\n<style>" STYLE "</style>\n", file);
    fprintf(file,
            "<defs><marker id=\"tip%u\" markerWidth=\"9\" markerHeight=\"8\" refX=\"8\" "
            "refY=\"4\" orient=\"auto\"><path class=\"tip\" d=\"M0 0 L9 4 L0 8z\"/>"
            "</marker></defs>\n",
            number);
    fprintf(file, "<text class=\"of\" x=\"%d\" y=\"24\">%u/%u  ", LEFT, number + 1,
            film->count);
    put_text(file, film->subject);
    fprintf(file, "</text>\n<text class=\"words\" x=\"%d\" y=\"52\">", LEFT);
    put_text(file, picture->words);
    fputs("</text>\n", file);
    draw_rows(file, stage);
    for (uint32_t i = 0; i < picture->object_count; i++) {
        const struct film_object *object = &picture->objects[i];
        draw_object(
                file, stage, object, before != NULL ? find(before, object->id) : object);
        draw_handles(file, stage, picture, object);
    }
    for (uint32_t i = 0; i < picture->edge_count; i++) {
        const struct film_edge *edge = &picture->edges[i];
        const struct film_object *from = find(picture, edge->from);
        const struct film_object *to = find(picture, edge->to);
        if (edge->is_handle || from == NULL || to == NULL) continue;
        if (from == to)
            draw_loop(file, stage, middle_of(stage, from));
        else
            draw_edge(file, stage, middle_of(stage, from), middle_of(stage, to));
    }
    if (picture->left_out > 0)
        fprintf(file, "<text class=\"of\" x=\"%d\" y=\"%d\">and %u objects more</text>\n",
                LEFT, stage->height - 6, picture->left_out);
    fputs("</svg>\n", file);
}

/* --- the page ------------------------------------------------------------------------------- */

static const char page_head[] =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>";
static const char page_style[] =
        "</title>\n<style>\n"
        "body{margin:0;font:16px/1.4 "
        "system-ui,sans-serif;color:#1a1d21;background:#fff}\n"
        "main{max-width:1200px;margin:0 auto;padding:12px}\n"
        "h1{font-size:1.3rem;margin:.2em 0}\n"
        "nav{position:sticky;top:0;display:flex;gap:8px;align-items:center;flex-wrap:"
        "wrap;"
        "padding:8px 0;background:inherit}\n"
        "button{font:inherit;padding:8px 16px;min-width:44px;min-height:44px}\n"
        "input{flex:1;min-width:120px}\n"
        ".pictures{overflow-x:auto}\n"
        "figure{margin:0}\nfigure[hidden]{display:none}\n"
        "svg{max-width:100%;height:auto;min-width:560px}\n"
        "@media(prefers-color-scheme:dark){body{color:#e8eaed;background:#15181c}}\n"
        "@media print{nav{display:none}figure[hidden]{display:block}}\n"
        "</style>\n</head>\n<body>\n<main>\n<h1>";
static const char page_controls[] =
        "</p>\n<nav aria-label=\"Steps\">\n"
        "<button id=\"back\" type=\"button\">Back</button>\n"
        "<button id=\"on\" type=\"button\">Forward</button>\n"
        "<input id=\"at\" type=\"range\" min=\"1\" value=\"1\" aria-label=\"Step\">\n"
        "<output id=\"number\" for=\"at\"></output>\n</nav>\n"
        "<p>Arrow keys, Home and End go through the steps. What has changed since the "
        "last "
        "one is red.</p>\n<div class=\"pictures\" tabindex=\"0\" aria-live=\"polite\">\n";
static const char page_script[] =
        "</div>\n</main>\n<script>\n"
        "'use strict';\n"
        "const figures = [...document.querySelectorAll('figure')];\n"
        "const at = document.getElementById('at');\n"
        "const number = document.getElementById('number');\n"
        "at.max = figures.length;\n"
        "function show(step) {\n"
        "  const n = Math.min(Math.max(step, 1), figures.length);\n"
        "  figures.forEach((figure, i) => { figure.hidden = i + 1 !== n; });\n"
        "  at.value = n;\n"
        "  number.textContent = n + ' of ' + figures.length;\n"
        "  history.replaceState(null, '', '#' + n);\n"
        "}\n"
        "document.getElementById('back').onclick = () => show(Number(at.value) - 1);\n"
        "document.getElementById('on').onclick = () => show(Number(at.value) + 1);\n"
        "at.oninput = () => show(Number(at.value));\n"
        "document.addEventListener('keydown', (event) => {\n"
        "  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -1, PageDown: 1,\n"
        "    Home: -Infinity, End: Infinity };\n"
        "  if (!(event.key in steps) || event.target === at) return;\n"
        "  event.preventDefault();\n"
        "  show(Number(at.value) + steps[event.key]);\n"
        "});\n"
        "show(Number(location.hash.slice(1)) || 1);\n"
        "</script>\n</body>\n</html>\n";

static void write_page(FILE *file, struct stage *stage)
{
    const struct film *film = stage->film;
    fputs(page_head, file);
    put_text(file, film->title);
    fputs(page_style, file);
    put_text(file, film->title);
    fputs("</h1>\n<p>", file);
    put_text(file, film->subject);
    fputs(page_controls, file);
    for (uint32_t i = 0; i < film->count; i++) {
        fprintf(file, "<figure id=\"step%u\"%s>\n", i + 1, i > 0 ? " hidden" : "");
        draw(file, stage, i);
        fputs("</figure>\n", file);
    }
    fputs(page_script, file);
}

/* As a whole, or not at all. `number`: the picture; or of no picture, the page. */
static int write_file(const char *path, struct stage *stage, uint32_t number)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL) return -ENOMEM;
    if (number < stage->film->count)
        draw(memory, stage, number);
    else
        write_page(memory, stage);
    int result = fclose(memory) == 0 ? 0 : -errno;
    if (result == 0) result = gc_file_write(path, text, length, GC_FILE_REPLACE);
    free(text);
    return result;
}

int film_write(const struct film *film, const char *page, const char *stem)
{
    struct stage stage;
    set_stage(&stage, film);
    int result = write_file(page, &stage, film->count);
    for (uint32_t i = 0; stem != NULL && i < film->count && result == 0; i++) {
        char *path = gc_need_text("%s-%02u.svg", stem, i + 1);
        result = write_file(path, &stage, i);
        free(path);
    }
    free(stage.columns);
    return result;
}
