/* SPDX-License-Identifier: MIT */
/* yaml_file.h - a YAML file, and what is wrong with it, where. */
#ifndef BENCH_YAML_FILE_H
#define BENCH_YAML_FILE_H

#include <stdbool.h>
#include <yaml.h>

#include "core/check.h"

struct gc_yaml {
    char *path;
    char *text; /* of the whole file */
    size_t length;
    yaml_document_t document;
    char *place; /* of what complaints are about */
};

/* Reads a file of one document. What is wrong is said; an enum gc_exit. */
int gc_yaml_read(const char *path, struct gc_yaml *ret_yaml);
void gc_yaml_finish(struct gc_yaml *yaml);

const yaml_node_t *gc_yaml_root(struct gc_yaml *yaml);

/* Says "FILE:LINE:COLUMN: message"; GC_EXIT_FILE. */
int gc_yaml_complain(struct gc_yaml *yaml, const yaml_node_t *node, const char *format,
        ...) GC_PRINTF(3, 4);

/* All that is complained of until the other call is about this place. The status of what was
 * called in between comes back as that of a bad file. */
void gc_yaml_about(struct gc_yaml *yaml, const yaml_node_t *node);
int gc_yaml_about_end(struct gc_yaml *yaml, int status);

/* "a list", "a mapping", "a text", "nothing". */
const char *gc_yaml_kind(const yaml_node_t *node);

/* The text of a scalar, or NULL. One that is empty without quotes, or "~", is nothing: NULL as
 * well. */
const char *gc_yaml_text(const yaml_node_t *node);

/* The i-th element of a list, or, where `node` is no list, it alone; NULL: there is none.
 * So one thing may stand where a list of things may. */
const yaml_node_t *gc_yaml_item(struct gc_yaml *yaml, const yaml_node_t *node, size_t i);

/* The i-th pair of a mapping; false: there is none, or it is no mapping. */
bool gc_yaml_pair(struct gc_yaml *yaml, const yaml_node_t *node, size_t i,
        const yaml_node_t **ret_key, const yaml_node_t **ret_value);

/* The value of a key, or NULL. */
const yaml_node_t *gc_yaml_find(
        struct gc_yaml *yaml, const yaml_node_t *node, const char *key);

/* That it is a mapping, and every key a text, given once and, unless `names` is NULL, among
 * them. `what` it is, in complaints. An enum gc_exit. */
int gc_yaml_check_keys(struct gc_yaml *yaml, const yaml_node_t *node, const char *what,
        const char *const *names);

#endif
