/* SPDX-License-Identifier: MIT */
/* parse.c - reads a file of cases. The whole grammar is here and in the README:
 * lines of words, blocks that end with `end`, references. */
#include <ctype.h>
#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/conformance.h"

enum { WORDS = 256, DEPTH = 8, MOST_HANDLES = 1 << 24 };

/* Verbs whose second word is a name that they make. */
static const char *const makers[] = {
    "node",
    "loop",
    "leaf",
    "number",
    "string",
    "null",
    "list",
    "tuple",
    "map",
    "opaque",
    "immortal",
    "weak",
    "registry",
    "handle",
    "remember",
    "array",
    "ring",
    "dring",
    NULL,
};

struct parser {
    struct case_file *file;
    struct test_case *test;          /* the case that is open, or NULL */
    struct statement **tails[DEPTH]; /* where the next statement of each block goes */
    struct statement *latest[DEPTH]; /* the statement before it */
    int depth;                       /* open blocks and scripts; -1: outside of all */
    struct script **script_tail;
    struct test_case **case_tail;
    int line;
    uint32_t handles; /* that the file makes, at most */
    struct gc_error *error;
};

/* All that a file becomes is freed together. */
struct chunk {
    alignas(max_align_t) struct chunk *next;
};
static struct chunk *chunks;

static void *need(size_t bytes)
{
    struct chunk *chunk = calloc(1, sizeof(*chunk) + bytes);
    if (chunk == NULL) gc_fatal("no memory for the cases");
    chunk->next = chunks;
    chunks = chunk;
    return chunk + 1;
}

void case_files_free(void)
{
    while (chunks != NULL) {
        struct chunk *chunk = chunks;
        chunks = chunk->next;
        free(chunk);
    }
}

static char *copy_text(const char *text, size_t length)
{
    char *copy = need(length + 1);
    memcpy(copy, text, length);
    return copy;
}

static int fail(struct parser *parser, const char *why)
{
    return gc_error_set(
            parser->error, -EINVAL, "%s:%d: %s", parser->file->path, parser->line, why);
}

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(text, *list) == 0) return true;
    return false;
}

/* i, j, k, or digits. */
static bool read_index(const char *text, size_t length, struct index *ret_index)
{
    if (length == 1 && text[0] >= 'i' && text[0] < 'i' + CASE_LOOPS) {
        *ret_index = (struct index){ true, (uint32_t)(text[0] - 'i') };
        return true;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) || value > 100000000) return false;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    *ret_index = (struct index){ false, value };
    return length > 0;
}

/* The name's length, or 0. */
static size_t name_length(const char *text)
{
    size_t n = 0;
    if (!isalpha((unsigned char)text[0])) return 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

static bool read_steps(const char *text, struct ref *ref)
{
    while (*text == '.') {
        size_t n = strcspn(++text, ".");
        if (ref->steps == CASE_STEPS) return false;
        struct index *step = &ref->step[ref->steps++];
        if (n == 1 && text[0] >= 'a' && text[0] <= 'd')
            *step = (struct index){ false, (uint32_t)(text[0] - 'a') };
        else if (!read_index(text, n, step))
            return false;
        text += n;
    }
    return *text == '\0';
}

/* Reads what a word says as a reference; false where it can't be one. */
static bool read_ref(const char *text, struct ref *ref)
{
    size_t n = name_length(text);
    if (n == 0) return false;
    ref->name = copy_text(text, n);
    text += n;
    if (*text == '[') {
        size_t inside = strcspn(text + 1, "]");
        if (text[1 + inside] != ']') return false;
        size_t first = strcspn(text + 1, ".]");
        struct index last = { false, 0 };
        ref->has_index = read_index(text + 1, first, &ref->index);
        if (first < inside) {
            ref->has_last = strncmp(text + 1 + first, "..", 2) == 0 &&
                            read_index(text + first + 3, inside - first - 2, &last);
            if (!ref->has_last) return false;
            ref->last = last.value;
        }
        if (!ref->has_index) return false;
        text += inside + 2;
    }
    return read_steps(text, ref);
}

static void resolve_ref(struct test_case *test, struct ref *ref)
{
    static const struct {
        const char *name;
        enum ref_base base;
    } fixed[] = { { "none", REF_NONE }, { "self", REF_SELF }, { "KEEP", REF_KEEP },
        { "garbage", REF_GARBAGE } };
    ref->base = REF_NOT;
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (strcmp(ref->name, fixed[i].name) == 0) ref->base = fixed[i].base;
    for (struct name *name = test->names; name != NULL; name = name->next) {
        if (strcmp(ref->name, name->text) != 0) continue;
        ref->base = REF_HANDLE;
        ref->first_root = name->first_root;
        ref->roots = name->roots;
        ref->is_array = name->is_array;
    }
}

/* Whether a statement makes an array of handles. */
static bool makes_array(const struct statement *statement)
{
    static const char *const verbs[] = { "array", "ring", "dring", NULL };
    return is_one_of(statement->words[0].text, verbs);
}

/* How many handles a statement's name stands for; of an array at most MOST_HANDLES + 1. */
static uint32_t handles_of(const struct statement *statement)
{
    if (!makes_array(statement) || statement->count < 3) return 1;
    unsigned long count = strtoul(statement->words[2].text, NULL, 10);
    return count <= MOST_HANDLES ? (uint32_t)count : MOST_HANDLES + 1;
}

static void add_name(struct test_case *test, const struct statement *statement)
{
    const char *verb = statement->words[0].text;
    if (statement->count < 2 || !is_one_of(verb, makers)) return;
    const char *text = statement->words[1].text;
    size_t length = name_length(text);
    struct name **link = &test->names;
    for (; *link != NULL; link = &(*link)->next) {
        if (strlen((*link)->text) == length && strncmp((*link)->text, text, length) == 0)
            return;
    }
    struct name *name = *link = need(sizeof(*name));
    name->text = copy_text(text, length);
    name->is_array = makes_array(statement);
    name->roots = handles_of(statement);
    name->first_root = test->roots;
    test->roots += name->roots;
}

/* Arrays first: `array` may stand below a script that fills it. */
static void add_names(struct test_case *test, const struct statement *list, bool arrays)
{
    for (; list != NULL; list = list->next) {
        if (makes_array(list) == arrays) add_name(test, list);
        add_names(test, list->body, arrays);
    }
}

static void resolve(struct test_case *test, struct statement *list)
{
    for (; list != NULL; list = list->next) {
        for (uint32_t i = 1; i < list->count; i++)
            if (list->words[i].ref.name != NULL) resolve_ref(test, &list->words[i].ref);
        resolve(test, list->body);
        resolve(test, list->replacement);
    }
}

/* The scripts of the file are copied into each case: a name may be its own there. */
static struct statement *copy_statements(const struct statement *list)
{
    struct statement *first = NULL, **tail = &first;
    for (; list != NULL; list = list->next) {
        struct statement *copy = *tail = need(sizeof(*copy));
        *copy = *list;
        copy->words = need(list->count * sizeof(struct word));
        memcpy(copy->words, list->words, list->count * sizeof(struct word));
        copy->body = copy_statements(list->body);
        copy->replacement = copy_statements(list->replacement);
        copy->next = NULL;
        tail = &copy->next;
    }
    return first;
}

static void finish_case(struct case_file *file, struct test_case *test)
{
    struct script **tail = &test->scripts;
    while (*tail != NULL)
        tail = &(*tail)->next;
    for (struct script *script = file->scripts; script != NULL; script = script->next) {
        struct script *copy = *tail = need(sizeof(*copy));
        copy->name = script->name;
        copy->body = copy_statements(script->body);
        tail = &copy->next;
    }
    for (int arrays = 1; arrays >= 0; arrays--) {
        add_names(test, test->body, arrays != 0);
        for (struct script *script = test->scripts; script != NULL; script = script->next)
            add_names(test, script->body, arrays != 0);
    }
    resolve(test, test->body);
    for (struct script *script = test->scripts; script != NULL; script = script->next)
        resolve(test, script->body);
}

static int open_block(struct parser *parser, struct statement **body)
{
    if (parser->depth + 1 == DEPTH) return fail(parser, "blocks are nested too deep");
    parser->depth++;
    parser->tails[parser->depth] = body;
    parser->latest[parser->depth] = NULL;
    return 0;
}

static int read_case(struct parser *parser, char *text)
{
    if (parser->depth > 0) return fail(parser, "a block is still open");
    struct test_case *test = *parser->case_tail = need(sizeof(*test));
    parser->case_tail = &test->next;
    parser->test = test;
    parser->script_tail = &test->scripts;
    parser->depth = -1;
    test->line = parser->line;
    char *rest = text + strspn(text, " \t") + strlen("case");
    rest += strspn(rest, " \t");
    size_t n = strcspn(rest, " \t");
    if (n == 0) return fail(parser, "a case needs a number");
    test->number = copy_text(rest, n);
    rest += n + strspn(rest + n, " \t");
    test->title = copy_text(rest, strlen(rest));
    return open_block(parser, &test->body);
}

static int read_statement(struct parser *parser, struct statement *statement)
{
    if (parser->depth < 0) return fail(parser, "a statement outside of a case");
    const char *verb = statement->words[0].text;
    struct statement *latest = parser->latest[parser->depth];
    if (verb[0] == '@') {
        if (latest == NULL || statement->count < 2)
            return fail(parser, "nothing that this replaces");
        statement->system = verb + 1;
        statement->words++;
        statement->count--;
        statement->next = latest->replacement;
        latest->replacement = statement;
        return 0;
    }
    parser->handles += handles_of(statement);
    if (parser->handles > MOST_HANDLES) return fail(parser, "too many handles");
    *parser->tails[parser->depth] = statement;
    parser->tails[parser->depth] = &statement->next;
    parser->latest[parser->depth] = statement;
    return strcmp(verb, "repeat") == 0 ? open_block(parser, &statement->body) : 0;
}

static int read_script(struct parser *parser, const struct statement *statement)
{
    if (statement->count != 2) return fail(parser, "a script needs a name");
    struct script *script = *parser->script_tail = need(sizeof(*script));
    parser->script_tail = &script->next;
    script->name = statement->words[1].text;
    return open_block(parser, &script->body);
}

static int read_line(struct parser *parser, char *text)
{
    text[strcspn(text, "#\n")] = '\0';
    struct word words[WORDS] = { 0 };
    uint32_t count = 0;
    char *whole = copy_text(text, strlen(text)), *rest = NULL;
    for (char *word = strtok_r(text, " \t\r", &rest); word != NULL;
            word = strtok_r(NULL, " \t\r", &rest)) {
        if (count == WORDS) return fail(parser, "too many words");
        words[count].text = copy_text(word, strlen(word));
        if (!read_ref(word, &words[count].ref)) words[count].ref.name = NULL;
        count++;
    }
    if (count == 0) return 0;
    const char *verb = words[0].text;
    if (strcmp(verb, "case") == 0) return read_case(parser, whole);
    if (strcmp(verb, "end") == 0) {
        if (parser->depth < (parser->test != NULL ? 1 : 0))
            return fail(parser, "nothing to end");
        parser->depth--;
        return 0;
    }
    struct statement *statement = need(sizeof(*statement));
    statement->line = parser->line;
    statement->count = count;
    statement->words = need(count * sizeof(struct word));
    memcpy(statement->words, words, count * sizeof(struct word));
    if (strcmp(verb, "script") == 0) return read_script(parser, statement);
    if (strcmp(verb, "needs") == 0) {
        if (parser->test == NULL) return fail(parser, "needs outside of a case");
        parser->test->needs = statement->words + 1;
        parser->test->needs_count = count - 1;
        return 0;
    }
    return read_statement(parser, statement);
}

int case_file_read(const char *path, struct case_file *ret_file, struct gc_error *error)
{
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        return gc_error_set(error, -errno, "%s: %s", path, strerror(errno));
    struct case_file file = { .path = path };
    struct parser parser = { .file = &file, .depth = -1, .error = error };
    parser.script_tail = &file.scripts;
    parser.case_tail = &file.cases;
    char *line = NULL;
    size_t room = 0;
    int result = 0;
    while (result == 0 && getline(&line, &room, stream) >= 0) {
        parser.line++;
        result = read_line(&parser, line);
    }
    free(line);
    if (result == 0 && ferror(stream)) result = gc_error_set(error, -EIO, "%s", path);
    fclose(stream);
    if (result == 0 && parser.depth > 0)
        result = fail(&parser, "a block is open at the end");
    if (result == 0 && file.cases == NULL)
        result = fail(&parser, "there is no case in it");
    if (result != 0) return result;
    for (struct test_case *test = file.cases; test != NULL; test = test->next)
        finish_case(&file, test);
    *ret_file = file;
    return 0;
}
