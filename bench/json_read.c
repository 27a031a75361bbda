/* SPDX-License-Identifier: MIT */
/* json_read.c - reads one JSON value: RFC 8259, to a depth that no line of ours reaches. */
#include "bench/json_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/text.h"

enum { DEPTH_MAX = 32 };

/* What is read lies in front of all values, so that one free() each is enough. */
struct reader {
    char *at; /* ends with a zero byte, which is part of nothing */
    struct gc_json_value *allocated;
};

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool take(struct reader *reader, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(reader->at, word, length) != 0) return false;
    reader->at += length;
    return true;
}

/* Four hexadecimal digits, or -1. */
static int read_unit(struct reader *reader)
{
    int unit = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        char c = *reader->at;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *put_character(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

/* What follows "\u", in place: never longer than it was. NULL: it is wrong. */
static char *read_unicode(struct reader *reader, char *to)
{
    int unit = read_unit(reader);
    if (unit <= 0 || (unit >= 0xdc00 && unit < 0xe000)) return NULL;
    unsigned c = (unsigned)unit;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!take(reader, "\\u")) return NULL;
        int low = read_unit(reader);
        if (low < 0xdc00 || low >= 0xe000) return NULL;
        c = 0x10000 + ((c - 0xd800) << 10) + ((unsigned)low - 0xdc00);
    }
    return put_character(to, c);
}

/* A text behind its opening quote, unescaped in place; NULL: it is wrong. */
static const char *read_text(struct reader *reader)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    char *text = reader->at, *to = text;
    while (*reader->at != '"') {
        unsigned char c = (unsigned char)*reader->at++;
        if (c < 0x20) return NULL; /* its end, among others */
        if (c != '\\') {
            *to++ = (char)c;
            continue;
        }
        const char *escape = strchr(from, *reader->at);
        if (take(reader, "u")) {
            to = read_unicode(reader, to);
            if (to == NULL) return NULL;
        } else if (escape != NULL && *escape != '\0') {
            *to++ = into[escape - from];
            reader->at++;
        } else {
            return NULL;
        }
    }
    reader->at++;
    *to = '\0';
    return text;
}

/* The end of the number that begins there; the same place: there is none. */
static char *number_end(char *at)
{
    char *begin = at;
    if (*at == '-') at++;
    size_t digits = strspn(at, "0123456789");
    if (digits == 0 || (*at == '0' && digits > 1)) return begin;
    at += digits;
    if (*at == '.') {
        digits = strspn(++at, "0123456789");
        if (digits == 0) return begin;
        at += digits;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-') at++;
        digits = strspn(at, "0123456789");
        if (digits == 0) return begin;
        at += digits;
    }
    return at;
}

static struct gc_json_value *read_value(struct reader *reader, int depth);

/* Elements, or members, up to `close`; false: it is wrong. */
static bool read_children(
        struct reader *reader, struct gc_json_value *parent, const char *close, int depth)
{
    struct gc_json_value **last = &parent->first;
    skip_blanks(reader);
    if (take(reader, close)) return true;
    for (;;) {
        const char *key = NULL;
        skip_blanks(reader);
        if (parent->kind == GC_JSON_OBJECT) {
            if (!take(reader, "\"")) return false;
            key = read_text(reader);
            skip_blanks(reader);
            if (key == NULL || !take(reader, ":")) return false;
        }
        struct gc_json_value *child = read_value(reader, depth + 1);
        if (child == NULL) return false;
        child->key = key;
        *last = child;
        last = &child->next;
        skip_blanks(reader);
        if (take(reader, close)) return true;
        if (!take(reader, ",")) return false;
    }
}

/* A number's text is copied: what follows it still has to be read. */
static bool read_number(struct reader *reader, struct gc_json_value *value)
{
    char *end = number_end(reader->at);
    size_t length = (size_t)(end - reader->at);
    if (length == 0) return false;
    struct gc_json_value *holder = gc_need(sizeof(*holder) + length + 1);
    char *copy = (char *)(holder + 1);
    memcpy(copy, reader->at, length);
    holder->allocated = reader->allocated;
    reader->allocated = holder;
    value->kind = GC_JSON_NUMBER;
    value->text = copy;
    reader->at = end;
    return true;
}

static struct gc_json_value *read_value(struct reader *reader, int depth)
{
    if (depth > DEPTH_MAX) return NULL;
    struct gc_json_value *value = gc_need(sizeof(*value));
    value->allocated = reader->allocated;
    reader->allocated = value;
    skip_blanks(reader);
    bool good = true;
    if (take(reader, "{")) {
        value->kind = GC_JSON_OBJECT;
        good = read_children(reader, value, "}", depth);
    } else if (take(reader, "[")) {
        value->kind = GC_JSON_ARRAY;
        good = read_children(reader, value, "]", depth);
    } else if (take(reader, "\"")) {
        value->kind = GC_JSON_TEXT;
        value->text = read_text(reader);
        good = value->text != NULL;
    } else if (take(reader, "true")) {
        value->kind = GC_JSON_TRUE;
    } else if (take(reader, "false")) {
        value->kind = GC_JSON_FALSE;
    } else if (!take(reader, "null")) {
        good = read_number(reader, value);
    }
    return good ? value : NULL;
}

static void free_all(struct gc_json_value *value)
{
    while (value != NULL) {
        struct gc_json_value *next = value->allocated;
        free(value);
        value = next;
    }
}

struct gc_json_value *gc_json_read(const char *text, size_t length)
{
    if (memchr(text, '\0', length) != NULL) return NULL;
    struct gc_json_value *holder = gc_need(sizeof(*holder) + length + 1);
    struct reader reader = { (char *)(holder + 1), holder };
    memcpy(holder + 1, text, length);
    struct gc_json_value *value = read_value(&reader, 0);
    skip_blanks(&reader);
    if (value == NULL || *reader.at != '\0') {
        free_all(reader.allocated);
        return NULL;
    }
    /* The value is the head of what is freed with it; it was allocated early. */
    struct gc_json_value **link = &reader.allocated;
    while (*link != value)
        link = &(*link)->allocated;
    *link = value->allocated;
    value->allocated = reader.allocated;
    return value;
}

void gc_json_free(struct gc_json_value *value)
{
    free_all(value);
}

const struct gc_json_value *gc_json_find(
        const struct gc_json_value *object, const char *key)
{
    if (object == NULL || object->kind != GC_JSON_OBJECT) return NULL;
    for (const struct gc_json_value *v = object->first; v != NULL; v = v->next)
        if (strcmp(v->key, key) == 0) return v->kind != GC_JSON_NULL ? v : NULL;
    return NULL;
}

const char *gc_json_find_text(const struct gc_json_value *object, const char *key)
{
    const struct gc_json_value *value = gc_json_find(object, key);
    return value != NULL && value->kind == GC_JSON_TEXT ? value->text : NULL;
}

bool gc_json_find_number(
        const struct gc_json_value *object, const char *key, uint64_t *ret_value)
{
    const struct gc_json_value *value = gc_json_find(object, key);
    *ret_value = 0;
    if (value == NULL || value->kind != GC_JSON_NUMBER) return false;
    if (value->text[strspn(value->text, "0123456789")] != '\0') return false;
    errno = 0;
    *ret_value = strtoull(value->text, NULL, 10);
    return errno == 0;
}
