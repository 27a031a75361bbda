/* SPDX-License-Identifier: MIT */
/* become.h - commands that are another program's, which this one becomes. */
#ifndef BENCH_BECOME_H
#define BENCH_BECOME_H

/* Runs the program of that name, found as by gc_place_program(), instead of this one; argv[0] says
 * what it is to do: "gclab check". Returns only where that can't be, with the exit status, and has
 * said why: "NAME needs " and `needs`, where there is no such program. */
int gc_become(const char *program, const char *const *folders, const char *needs,
        char *const *argv);

/* What a command of the checked flavour needs. */
#define GC_BECOME_CHECKED                                                                \
    "the checked flavour of gclab beside this one: `meson setup build-checked "          \
    "--buildtype=debug && meson install -C build-checked` in gclab's source"

#endif
