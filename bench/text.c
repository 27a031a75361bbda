/* SPDX-License-Identifier: MIT */
/* text.c - numbers as people read them, memory that is there or the program ends. */
#include "bench/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench/command.h"

/* Three significant digits of a value below 9999.5. */
static int digits(char *cell, size_t size, double value)
{
    int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return snprintf(cell, size, "%.*f", decimals, value);
}

static void scaled(char cell[GC_CELL], double value, double step, const char *suffixes)
{
    const char *suffix = suffixes;
    while (value >= 999.5 && suffix[1] != '\0') {
        value /= step;
        suffix++;
    }
    if (suffix == suffixes && value == floor(value)) {
        snprintf(cell, GC_CELL, "%.0f", value);
        return;
    }
    int n = digits(cell, GC_CELL - 2, value);
    if (suffix != suffixes && n > 0 && n < GC_CELL - 2) {
        cell[n] = *suffix;
        cell[n + 1] = '\0';
    }
}

void gc_text_si(char cell[GC_CELL], double value)
{
    scaled(cell, value, 1000, " kMGTP");
}

void gc_text_bytes(char cell[GC_CELL], double bytes)
{
    scaled(cell, bytes, 1024, " KMGTP");
}

void gc_text_ms(char cell[GC_CELL], double ns)
{
    double ms = ns / 1e6;
    if (ns > 0 && ms < 0.0005)
        snprintf(cell, GC_CELL, "<.001");
    else if (ms < 0.9995)
        snprintf(cell, GC_CELL, "%.3f", ms);
    else
        digits(cell, GC_CELL, ms);
}

void gc_text_duration(char cell[GC_CELL], double seconds)
{
    unsigned long s = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;
    if (s < 60)
        snprintf(cell, GC_CELL, "%lu s", s);
    else if (s < 3600)
        snprintf(cell, GC_CELL, "%lu min %02lu s", s / 60, s % 60);
    else
        snprintf(cell, GC_CELL, "%lu h %02lu min", s / 3600, s / 60 % 60);
}

static void *checked(void *memory)
{
    if (memory == NULL) exit(gc_complain(GC_EXIT_ENVIRONMENT, "no memory"));
    return memory;
}

void *gc_need(size_t bytes)
{
    return checked(calloc(1, bytes > 0 ? bytes : 1));
}

void *gc_need_more(void *memory, size_t bytes)
{
    return checked(realloc(memory, bytes));
}

char *gc_need_text(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    return checked(text);
}

/* Free with free(). */
static char *quote(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_@%+=:,./-";
    if (*word != '\0' && word[strspn(word, plain)] == '\0')
        return gc_need_text("%s", word);
    char *quoted = gc_need(4 * strlen(word) + 3), *to = quoted;
    *to++ = '\'';
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            to = stpcpy(to, "'\\''");
        else
            *to++ = *word;
    }
    *to = '\'';
    return quoted;
}

char *gc_text_with_word(char *text, const char *between, const char *word)
{
    char *quoted = quote(word != NULL ? word : "?");
    char *longer = gc_need_text("%s%s%s", text, between, quoted);
    free(quoted);
    free(text);
    return longer;
}

bool gc_text_colours(FILE *file)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (no != NULL && *no != '\0') return false;
    if (term == NULL || strcmp(term, "dumb") == 0) return false;
    return isatty(fileno(file)) == 1;
}

unsigned gc_text_width(FILE *file)
{
    struct winsize size;
    if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static const char *about;

void gc_complain_about(const char *place)
{
    about = place;
}

int gc_complain(int status, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    if (about != NULL && text != NULL) {
        char *longer = gc_need_text("%s: %s", about, text);
        free(text);
        text = longer;
    }
    /* Names of files and words of a command line may be anything; this is one line. */
    for (char *at = text; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?';
    fprintf(stderr, "gclab: %s\n", text != NULL ? text : "no memory");
    free(text);
    return status;
}
