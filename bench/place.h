/* SPDX-License-Identifier: MIT */
/* place.h - where the program's own files are. An installed program finds them from where
 * it is itself, one that was built but not installed in the source. */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

/* A file or folder of the data, as "import/cpython_dump.py": in the folder that the
 * environment variable GCLAB_DATA names, or else installed, or in the source. Free with
 * free(); NULL when it is nowhere, which has been said then. */
char *gc_place_find(const char *name);

/* The file that this program runs from, or "" where the system does not tell. Free with free(). */
char *gc_place_self(void);

/* A program that belongs to this one: in one of `folders`, ended by NULL, as seen from where this
 * one is. Free with free(); NULL when it is nowhere. */
char *gc_place_program(const char *name, const char *const *folders);

/* Where plugins for this flavour are installed; free with free(). */
char *gc_place_plugins(void);

#endif
