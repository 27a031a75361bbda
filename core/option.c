/* SPDX-License-Identifier: MIT */
/* option.c - texts such as "threshold0=2000:detect=keep" become members of a struct.
 *
 * Values are read into locals and checked before anything is stored, so a struct holds
 * defaults and good values only. A backslash takes the next character of a value as it
 * is, so that a file's name may hold a colon.
 */
#include "core/option.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/os.h"

/* Longer names than this are nobody's slip. */
enum { NAME_MAX_LENGTH = 63 };

static bool same_word(const char *text, const char *word)
{
    for (; *text != '\0' && *word != '\0'; text++, word++)
        if (tolower((unsigned char)*text) != *word) return false;
    return *text == *word;
}

/* An integer and nothing else; false as well when it does not fit. */
static bool read_int(const char *text, int64_t *ret_value)
{
    bool negative = *text == '-';
    if (*text == '-' || *text == '+') text++;
    if (*text == '\0') return false;
    int64_t value = 0; /* counted downwards: the negative range is the larger one */
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') return false;
        if (__builtin_mul_overflow(value, 10, &value)) return false;
        if (__builtin_sub_overflow(value, *text - '0', &value)) return false;
    }
    if (!negative && __builtin_sub_overflow(INT64_C(0), value, &value)) return false;
    *ret_value = value;
    return true;
}

int gc_parse_size(const char *text, uint64_t *ret_bytes)
{
    if (text == NULL || *text < '0' || *text > '9') return -EINVAL;
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value)) return -EINVAL;
        if (__builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return -EINVAL;
    }
    unsigned shift = 0;
    switch (*text) {
    case 'k':
    case 'K':
        shift = 10;
        break;
    case 'm':
    case 'M':
        shift = 20;
        break;
    case 'g':
    case 'G':
        shift = 30;
        break;
    case '\0':
        *ret_bytes = value;
        return 0;
    default:
        return -EINVAL;
    }
    if (text[1] != '\0') return -EINVAL;
    if (value > UINT64_MAX >> shift) return -EINVAL;
    *ret_bytes = value << shift;
    return 0;
}

static bool read_bool(const char *text, int64_t *ret_value)
{
    static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0",
        "1" };
    for (int64_t i = 0; i < (int64_t)(sizeof(words) / sizeof(words[0])); i++) {
        if (same_word(text, words[i])) {
            *ret_value = i & 1;
            return true;
        }
    }
    return false;
}

static bool read_choice(const char *choices, const char *text, int64_t *ret_value)
{
    size_t length = strlen(text);
    for (int64_t i = 0;; i++) {
        size_t n = strcspn(choices, "|");
        if (n == length && memcmp(choices, text, n) == 0) {
            *ret_value = i;
            return true;
        }
        if (choices[n] == '\0') return false;
        choices += n + 1;
    }
}

/* The choice that was probably meant, in `buffer`; or NULL. */
static const char *nearest_choice(const char *choices, const char *text, char buffer[256])
{
    const char *names[33] = { NULL };
    if (snprintf(buffer, 256, "%s", choices) >= 256) return NULL;
    size_t n = 0;
    for (char *at = buffer; at != NULL && n < 32; n++) {
        names[n] = at;
        at = strchr(at, '|');
        if (at != NULL) *at++ = '\0';
    }
    return gc_nearest_name(text, names);
}

static int bad_value(const struct gc_option *option, const char *owner, const char *value,
        struct gc_error *error)
{
    char names[256];
    const char *nearest;
    switch (option->kind) {
    case GC_OPTION_INT:
        return gc_error_set(error, -EINVAL,
                "%s: %s=%s: it takes an integer from %" PRId64 " to %" PRId64, owner,
                option->name, value, option->min, option->max);
    case GC_OPTION_SIZE:
        return gc_error_set(error, -EINVAL,
                "%s: %s=%s: it takes a size (with K, M or G: powers of 1024) from "
                "%" PRId64 " to %" PRId64 " bytes",
                owner, option->name, value, option->min, option->max);
    case GC_OPTION_BOOL:
        return gc_error_set(error, -EINVAL, "%s: %s=%s: it takes yes or no", owner,
                option->name, value);
    case GC_OPTION_CHOICE:
        nearest = nearest_choice(option->choices, value, names);
        if (nearest != NULL)
            return gc_error_set(error, -EINVAL,
                    "%s: %s=%s: did you mean '%s'? it takes one of %s", owner,
                    option->name, value, nearest, option->choices);
        return gc_error_set(error, -EINVAL, "%s: %s=%s: it takes one of %s", owner,
                option->name, value, option->choices);
    case GC_OPTION_TEXT:
        return gc_error_set(error, -EINVAL,
                "%s: %s: the text is too long: at most %" PRId64 " bytes", owner,
                option->name, option->max - 1);
    }
    gc_fatal("option '%s' is of no kind", option->name);
}

static int store(const struct gc_option *option, const char *owner, const char *value,
        void *values, struct gc_error *error)
{
    char *member = (char *)values + option->offset;
    int64_t number = 0;
    uint64_t bytes = 0;
    bool good = false;
    switch (option->kind) {
    case GC_OPTION_INT:
        good = read_int(value, &number) && number >= option->min && number <= option->max;
        break;
    case GC_OPTION_SIZE:
        good = gc_parse_size(value, &bytes) == 0 && bytes <= INT64_MAX &&
               (int64_t)bytes >= option->min && (int64_t)bytes <= option->max;
        break;
    case GC_OPTION_BOOL:
        good = read_bool(value, &number);
        break;
    case GC_OPTION_CHOICE:
        good = read_choice(option->choices, value, &number);
        break;
    case GC_OPTION_TEXT:
        good = strlen(value) < (size_t)option->max;
        break;
    }
    if (!good) return bad_value(option, owner, value, error);

    if (option->kind == GC_OPTION_TEXT)
        memcpy(member, value, strlen(value) + 1);
    else if (option->kind == GC_OPTION_SIZE)
        memcpy(member, &bytes, sizeof(bytes));
    else
        memcpy(member, &number, sizeof(number));
    return 0;
}

static int unknown_option(const struct gc_option *options, const char *owner,
        const char *name, struct gc_error *error)
{
    const char *names[65];
    char list[256] = "";
    size_t n = 0, used = 0;
    for (const struct gc_option *o = options; o != NULL && o->name != NULL && n < 64;
            o++) {
        names[n++] = o->name;
        int length = snprintf(
                list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", o->name);
        if (length > 0 && used + (size_t)length < sizeof(list)) used += (size_t)length;
    }
    names[n] = NULL;
    list[used] = '\0';
    if (n == 0)
        return gc_error_set(error, -EINVAL, "%s: unknown option '%s': it has no options",
                owner, name);
    const char *nearest = gc_nearest_name(name, names);
    if (nearest != NULL)
        return gc_error_set(error, -EINVAL, "%s: unknown option '%s'; did you mean '%s'?",
                owner, name, nearest);
    return gc_error_set(error, -EINVAL, "%s: unknown option '%s'; its options are %s",
            owner, name, list);
}

/* Takes "name=value" off the front of *text: the parts land in `part`, unescaped and
 * terminated. Returns the value, or NULL when there is no '='. */
static char *take_part(const char **text, char *part)
{
    char *value = NULL;
    const char *at = *text;
    for (; *at != '\0' && *at != ':'; at++) {
        if (value != NULL && *at == '\\' && at[1] != '\0') {
            *part++ = *++at;
        } else if (value == NULL && *at == '=') {
            *part++ = '\0';
            value = part;
        } else {
            *part++ = *at;
        }
    }
    *part = '\0';
    *text = at;
    return value;
}

static int parse_parts(const struct gc_option *options, const char *owner,
        const char *text, char *part, void *values, struct gc_error *error)
{
    uint64_t given = 0; /* a bit for each of the first 64 options */
    for (;;) {
        const char *value = take_part(&text, part);
        if (value == NULL && part[0] == '\0')
            return gc_error_set(error, -EINVAL,
                    "%s: an option is missing at a colon (name=value:name=value)", owner);

        unsigned i = 0;
        while (options != NULL && options[i].name != NULL &&
                strcmp(options[i].name, part) != 0)
            i++;
        if (options == NULL || options[i].name == NULL)
            return unknown_option(options, owner, part, error);
        if (value == NULL)
            return gc_error_set(error, -EINVAL, "%s: option '%s' needs a value: %s=%s",
                    owner, part, part, options[i].standard);
        if (i < 64 && (given >> i & 1) != 0)
            return gc_error_set(
                    error, -EINVAL, "%s: option '%s' is given twice", owner, part);
        if (i < 64) given |= UINT64_C(1) << i;

        int result = store(&options[i], owner, value, values, error);
        if (result < 0) return result;
        if (*text == '\0') return 0;
        text++; /* the colon */
    }
}

int gc_options_parse(const struct gc_option *options, const char *owner, const char *text,
        void *values, struct gc_error *error)
{
    for (const struct gc_option *o = options; o != NULL && o->name != NULL; o++) {
        struct gc_error wrong;
        int result =
                store(o, owner, o->standard != NULL ? o->standard : "", values, &wrong);
        gc_require(result == 0, "a default that its own option refuses: %s", wrong.text);
    }
    if (text == NULL || *text == '\0') return 0;

    char *part = gc_os_alloc(strlen(text) + 1);
    if (part == NULL) return gc_error_set(error, -EINVAL, "%s: no memory", owner);
    int result = parse_parts(options, owner, text, part, values, error);
    gc_os_free(part);
    return result;
}

/* For comparing names: case and the two ways to join words do not matter. */
static int folded(char c)
{
    return c == '-' ? '_' : tolower((unsigned char)c);
}

/* Insertions, deletions, replacements and swaps of neighbours that turn a into b. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned rows[3][NAME_MAX_LENGTH + 1];
    size_t n = strlen(a), m = strlen(b);
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            bool same = folded(a[i - 1]) == folded(b[j - 1]);
            unsigned best = above[j - 1] + (same ? 0 : 1);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                    folded(a[i - 2]) == folded(b[j - 1]) && second[j - 2] + 1 < best)
                best = second[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

static bool is_prefix(const char *prefix, const char *name)
{
    for (; *prefix != '\0'; prefix++, name++)
        if (folded(*prefix) != folded(*name)) return false;
    return true;
}

const char *gc_nearest_name(const char *name, const char *const *names)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_MAX_LENGTH) return NULL;

    /* a third of the letters may be wrong: more would be a guess */
    unsigned limit = (unsigned)(length < 3 ? length - 1 : (length + 1) / 3);
    unsigned best = limit + 1;
    const char *nearest = NULL, *begun = NULL;
    unsigned begun_count = 0;
    for (; *names != NULL; names++) {
        if (strlen(*names) > NAME_MAX_LENGTH) continue;
        unsigned distance = edit_distance(name, *names);
        if (distance < best) {
            best = distance;
            nearest = *names;
        }
        if (length >= 3 && is_prefix(name, *names)) {
            begun = *names;
            begun_count++;
        }
    }
    /* an abbreviation is better evidence than some letters in common */
    return begun_count == 1 && best > 1 ? begun : nearest;
}
