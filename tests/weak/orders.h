/* SPDX-License-Identifier: MIT */
/* orders.h - each order of memory that stands in core and the collectors, and what shows it. */
#ifndef TESTS_WEAK_ORDERS_H
#define TESTS_WEAK_ORDERS_H

#include <stddef.h>

struct weak_order_known {
    const char *name;     /* FILE:FUNCTION:OPERATION:SIDE */
    const char *protocol; /* that the kernel is compiled for */
    const char *kernel;   /* that fails when it is weakened; NULL: none does */
    const char *why;      /* none does */
};

/* All of them, and a last one without a name. */
extern const struct weak_order_known weak_orders[];

#endif
