/* SPDX-License-Identifier: MIT */
/* words.h - text that a handler of signals can make: no allocation, no lock, no stdio. */
#ifndef CORE_WORDS_H
#define CORE_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "core/check.h"

/* Text that is being made. What does not fit is flushed, or, without a flush, lost; it always
 * ends with a zero byte. */
struct gc_words {
    char *begin;
    size_t room, length;
    void (*flush)(struct gc_words *words); /* empties it; NULL: it is kept */
    size_t column;                         /* of the line that is under way */
    size_t item;                           /* where in the text the item begins */
};

GC_EXPORT void gc_words_put(struct gc_words *words, const char *text);
GC_EXPORT void gc_words_put_number(struct gc_words *words, uint64_t number);
GC_EXPORT void gc_words_put_hex(struct gc_words *words, uint64_t number); /* "0x1f" */
GC_EXPORT void gc_words_put_ms(struct gc_words *words, uint64_t ns);      /* "0.123 ms" */

/* A list, in lines of about a hundred letters, each with a margin: what is put between begin
 * and end is an item. */
void gc_words_item_begin(struct gc_words *words);
void gc_words_item_end(struct gc_words *words);
void gc_words_items_end(struct gc_words *words);

#endif
