/* SPDX-License-Identifier: MIT */
/* json.c - writes one JSON value on one line.
 *
 * Text is taken for UTF-8; a byte that is part of no character becomes U+FFFD, so that
 * the line is valid whatever a file is called.
 */
#include "bench/json.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

/* Length of the UTF-8 character at `at`, or 0 if there is none. */
static int character_length(const unsigned char *at)
{
    unsigned c = at[0];
    int length = c < 0x80                ? 1
                 : c >= 0xc2 && c < 0xe0 ? 2
                 : c >= 0xe0 && c < 0xf0 ? 3
                 : c >= 0xf0 && c < 0xf5 ? 4
                                         : 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) return 0; /* the end of the text is no such byte */
    /* longer than need be, surrogates, past the last code point */
    if (c == 0xe0 && at[1] < 0xa0) return 0;
    if (c == 0xed && at[1] >= 0xa0) return 0;
    if (c == 0xf0 && at[1] < 0x90) return 0;
    if (c == 0xf4 && at[1] >= 0x90) return 0;
    return length;
}

static void quoted(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        int length = character_length(at);
        if (length == 0) {
            fputs("\\ufffd", file);
            at++;
        } else if (*at == '"' || *at == '\\') {
            fprintf(file, "\\%c", *at++);
        } else if (*at == '\n') {
            fputs("\\n", file);
            at++;
        } else if (*at < 0x20 || *at == 0x7f) {
            fprintf(file, "\\u%04x", *at++);
        } else {
            fwrite(at, 1, (size_t)length, file);
            at += length;
        }
    }
    fputc('"', file);
}

static void begin_member(struct gc_json *json, const char *key)
{
    if (json->comma) fputc(',', json->file);
    json->comma = true;
    if (key != NULL) {
        quoted(json->file, key);
        fputc(':', json->file);
    }
}

void gc_json_begin(struct gc_json *json, const char *key)
{
    begin_member(json, key);
    fputc('{', json->file);
    json->comma = false;
}

void gc_json_end(struct gc_json *json)
{
    fputc('}', json->file);
    json->comma = true;
}

void gc_json_begin_array(struct gc_json *json, const char *key)
{
    begin_member(json, key);
    fputc('[', json->file);
    json->comma = false;
}

void gc_json_end_array(struct gc_json *json)
{
    fputc(']', json->file);
    json->comma = true;
}

void gc_json_text(struct gc_json *json, const char *key, const char *text)
{
    if (text == NULL) {
        gc_json_null(json, key);
        return;
    }
    begin_member(json, key);
    quoted(json->file, text);
}

void gc_json_number(struct gc_json *json, const char *key, uint64_t value)
{
    begin_member(json, key);
    fprintf(json->file, "%" PRIu64, value);
}

void gc_json_number_if(struct gc_json *json, const char *key, bool known, uint64_t value)
{
    if (known)
        gc_json_number(json, key, value);
    else
        gc_json_null(json, key);
}

void gc_json_real(struct gc_json *json, const char *key, double value)
{
    if (!isfinite(value)) {
        gc_json_null(json, key);
        return;
    }
    begin_member(json, key);
    fprintf(json->file, "%.6g", value);
}

void gc_json_bool(struct gc_json *json, const char *key, bool value)
{
    begin_member(json, key);
    fputs(value ? "true" : "false", json->file);
}

void gc_json_null(struct gc_json *json, const char *key)
{
    begin_member(json, key);
    fputs("null", json->file);
}
