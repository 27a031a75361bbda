/* SPDX-License-Identifier: MIT */
/* json_read.c - JSON that this program has written, read back. */
#include "bench/json_read.h"

#include <math.h>

json_t *gc_json_read(const char *text, size_t length)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t error;
    json_t *value = json_loadb(text, length, flags, &error);
    if (value == NULL && json_error_code(&error) == json_error_numeric_overflow)
        value = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, &error);
    return value;
}

const char *gc_json_find_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

bool gc_json_find_number(const json_t *object, const char *key, uint64_t *ret_value)
{
    const json_t *value = json_object_get(object, key);
    double real = json_real_value(value);
    *ret_value = 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        *ret_value = (uint64_t)json_integer_value(value);
    else if (json_is_real(value) && real >= 0 && real < 0x1p64 && floor(real) == real)
        *ret_value = (uint64_t)real;
    else
        return false;
    return true;
}
