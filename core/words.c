/* SPDX-License-Identifier: MIT */
/* words.c - making text, a letter at a time. */
#include "core/words.h"

#include <stdbool.h>
#include <string.h>

enum { WIDTH = 100, ITEM_ROOM = 160 };

static const char margin[] = "        ";

static void put_letter(struct gc_words *w, char letter)
{
    if (w->length + 2 > w->room && w->flush != NULL) {
        w->flush(w);
        w->item = 0;
    }
    if (w->length + 2 > w->room) return;
    w->begin[w->length++] = letter;
    w->begin[w->length] = '\0';
    w->column = letter == '\n' ? 0 : w->column + 1;
}

void gc_words_put(struct gc_words *words, const char *text)
{
    while (*text != '\0')
        put_letter(words, *text++);
}

/* In a base up to 16, with zeros up to `least` digits. */
static void put_digits(struct gc_words *w, uint64_t number, unsigned base, int least)
{
    char text[24], *at = text + sizeof(text) - 1;
    *at = '\0';
    do {
        *--at = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0 || --least > 0);
    gc_words_put(w, at);
}

void gc_words_put_number(struct gc_words *words, uint64_t number)
{
    put_digits(words, number, 10, 1);
}

void gc_words_put_hex(struct gc_words *words, uint64_t number)
{
    gc_words_put(words, "0x");
    put_digits(words, number, 16, 1);
}

void gc_words_put_ms(struct gc_words *words, uint64_t ns)
{
    const uint64_t us = ns / 1000;
    put_digits(words, us / 1000, 10, 1);
    gc_words_put(words, ".");
    /* the leading zeros of a thousandth */
    gc_words_put(words, us % 1000 < 10 ? "00" : us % 1000 < 100 ? "0" : "");
    put_digits(words, us % 1000, 10, 1);
    gc_words_put(words, " ms");
}

void gc_words_item_begin(struct gc_words *words)
{
    if (words->flush != NULL && words->length + ITEM_ROOM > words->room)
        words->flush(words);
    gc_words_put(words, words->column == 0 ? margin : "; ");
    words->item = words->length;
}

/* One that has passed the end of the line begins a new one. */
void gc_words_item_end(struct gc_words *words)
{
    const size_t grows = sizeof(margin) - 1; /* "; " becomes ";\n" and a margin */
    const size_t length = words->length - words->item;
    const bool is_first = words->column == length + sizeof(margin) - 1;
    if (words->column <= WIDTH || is_first || words->item < 2) return;
    if (words->length + grows + 1 > words->room) return;
    char *at = words->begin + words->item;
    memmove(at + grows, at, length + 1);
    at[-1] = '\n';
    memcpy(at, margin, grows);
    words->length += grows;
    words->column = length + grows;
}

void gc_words_items_end(struct gc_words *words)
{
    if (words->column > 0) gc_words_put(words, "\n");
}
