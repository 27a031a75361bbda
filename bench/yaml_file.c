/* SPDX-License-Identifier: MIT */
/* yaml_file.c - a YAML file, and what is wrong with it, where. */
#include "bench/yaml_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/command.h"
#include "bench/file.h"
#include "bench/text.h"
#include "core/option.h"

/* The place of a byte, for errors that tell no more. */
static void place_of_byte(
        const struct gc_yaml *yaml, size_t byte, size_t *ret_line, size_t *ret_column)
{
    *ret_line = *ret_column = 1;
    for (size_t i = 0; i < byte && i < yaml->length; i++) {
        ++*ret_column;
        if (yaml->text[i] != '\n') continue;
        ++*ret_line;
        *ret_column = 1;
    }
}

static int complain_syntax(const struct gc_yaml *yaml, const yaml_parser_t *parser)
{
    size_t line = parser->problem_mark.line + 1;
    size_t column = parser->problem_mark.column + 1;
    const char *problem = parser->problem != NULL ? parser->problem : "it can't be read";
    if (parser->error == YAML_READER_ERROR)
        place_of_byte(yaml, parser->problem_offset, &line, &column);
    return gc_complain(GC_EXIT_FILE, "%s:%zu:%zu: it is not YAML: %s%s%s", yaml->path,
            line, column, parser->context != NULL ? parser->context : "",
            parser->context != NULL ? ", " : "", problem);
}

static int load(struct gc_yaml *yaml, yaml_parser_t *parser)
{
    yaml_document_t second;
    yaml_parser_set_input_string(parser, (const unsigned char *)yaml->text, yaml->length);
    if (!yaml_parser_load(parser, &yaml->document)) return complain_syntax(yaml, parser);
    if (gc_yaml_root(yaml) == NULL)
        return gc_complain(GC_EXIT_FILE, "%s:1:1: nothing is in it", yaml->path);
    if (!yaml_parser_load(parser, &second)) return complain_syntax(yaml, parser);
    const yaml_node_t *root = yaml_document_get_root_node(&second);
    int status = GC_EXIT_OK;
    if (root != NULL)
        status = gc_complain(GC_EXIT_FILE, "%s:%zu:%zu: a second document begins here",
                yaml->path, root->start_mark.line + 1, root->start_mark.column + 1);
    yaml_document_delete(&second);
    return status;
}

int gc_yaml_read(const char *path, struct gc_yaml *ret_yaml)
{
    struct gc_yaml *yaml = ret_yaml;
    yaml_parser_t parser;
    memset(yaml, 0, sizeof(*yaml));
    int result = gc_file_read(path, &yaml->text, &yaml->length);
    if (result < 0) return gc_complain(GC_EXIT_FILE, "%s: %s", path, strerror(-result));
    yaml->path = gc_need_text("%s", path);
    int status = GC_EXIT_ENVIRONMENT;
    if (yaml_parser_initialize(&parser)) {
        status = load(yaml, &parser);
        yaml_parser_delete(&parser);
    }
    if (status != GC_EXIT_OK) gc_yaml_finish(yaml);
    return status;
}

void gc_yaml_finish(struct gc_yaml *yaml)
{
    yaml_document_delete(&yaml->document);
    free(yaml->path);
    free(yaml->text);
    free(yaml->place);
    memset(yaml, 0, sizeof(*yaml));
}

const yaml_node_t *gc_yaml_root(struct gc_yaml *yaml)
{
    return yaml_document_get_root_node(&yaml->document);
}

void gc_yaml_about(struct gc_yaml *yaml, const yaml_node_t *node)
{
    free(yaml->place);
    yaml->place = gc_need_text("%s:%zu:%zu", yaml->path, node->start_mark.line + 1,
            node->start_mark.column + 1);
    gc_complain_about(yaml->place);
}

int gc_yaml_about_end(struct gc_yaml *yaml, int status)
{
    (void)yaml;
    gc_complain_about(NULL);
    return status == GC_EXIT_USAGE ? GC_EXIT_FILE : status;
}

int gc_yaml_complain(
        struct gc_yaml *yaml, const yaml_node_t *node, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    gc_yaml_about(yaml, node);
    gc_complain(GC_EXIT_FILE, "%s", text != NULL ? text : "no memory");
    free(text);
    return gc_yaml_about_end(yaml, GC_EXIT_FILE);
}

const char *gc_yaml_kind(const yaml_node_t *node)
{
    if (node->type == YAML_SEQUENCE_NODE) return "a list";
    if (node->type == YAML_MAPPING_NODE) return "a mapping";
    return gc_yaml_text(node) != NULL ? "a text" : "nothing";
}

const char *gc_yaml_text(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) return NULL;
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) return NULL; /* a zero is in it */
    bool is_plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return is_plain && (*text == '\0' || strcmp(text, "~") == 0) ? NULL : text;
}

const yaml_node_t *gc_yaml_item(struct gc_yaml *yaml, const yaml_node_t *node, size_t i)
{
    if (node->type != YAML_SEQUENCE_NODE) return i == 0 ? node : NULL;
    const yaml_node_item_t *begin = node->data.sequence.items.start;
    if (i >= (size_t)(node->data.sequence.items.top - begin)) return NULL;
    return yaml_document_get_node(&yaml->document, begin[i]);
}

bool gc_yaml_pair(struct gc_yaml *yaml, const yaml_node_t *node, size_t i,
        const yaml_node_t **ret_key, const yaml_node_t **ret_value)
{
    if (node->type != YAML_MAPPING_NODE) return false;
    const yaml_node_pair_t *begin = node->data.mapping.pairs.start;
    if (i >= (size_t)(node->data.mapping.pairs.top - begin)) return false;
    *ret_key = yaml_document_get_node(&yaml->document, begin[i].key);
    *ret_value = yaml_document_get_node(&yaml->document, begin[i].value);
    return true;
}

const yaml_node_t *gc_yaml_find(
        struct gc_yaml *yaml, const yaml_node_t *node, const char *key)
{
    const yaml_node_t *name, *value;
    for (size_t i = 0; gc_yaml_pair(yaml, node, i, &name, &value); i++) {
        const char *text = gc_yaml_text(name);
        if (text != NULL && strcmp(text, key) == 0) return value;
    }
    return NULL;
}

static int check_name(struct gc_yaml *yaml, const yaml_node_t *key, const char *what,
        const char *const *names)
{
    const char *text = gc_yaml_text(key);
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0) return GC_EXIT_OK;
    const char *nearest = gc_nearest_name(text, names);
    if (nearest != NULL)
        return gc_yaml_complain(
                yaml, key, "%s has no key '%s'; did you mean '%s'?", what, text, nearest);
    char *list = gc_need_text("%s", names[0]);
    for (size_t i = 1; names[i] != NULL; i++) {
        char *longer = gc_need_text("%s, %s", list, names[i]);
        free(list);
        list = longer;
    }
    gc_yaml_complain(yaml, key, "%s has no key '%s'; there are: %s", what, text, list);
    free(list);
    return GC_EXIT_FILE;
}

int gc_yaml_check_keys(struct gc_yaml *yaml, const yaml_node_t *node, const char *what,
        const char *const *names)
{
    const yaml_node_t *key, *value;
    if (node->type != YAML_MAPPING_NODE)
        return gc_yaml_complain(
                yaml, node, "%s is %s; it takes a mapping", what, gc_yaml_kind(node));
    for (size_t i = 0; gc_yaml_pair(yaml, node, i, &key, &value); i++) {
        const char *text = gc_yaml_text(key);
        if (text == NULL)
            return gc_yaml_complain(yaml, key, "a key of %s is %s; it takes a text", what,
                    gc_yaml_kind(key));
        int status = names != NULL ? check_name(yaml, key, what, names) : GC_EXIT_OK;
        if (status != GC_EXIT_OK) return status;
        if (gc_yaml_find(yaml, node, text) != value)
            return gc_yaml_complain(
                    yaml, key, "key '%s' of %s is given twice", text, what);
    }
    return GC_EXIT_OK;
}
