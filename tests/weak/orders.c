/* SPDX-License-Identifier: MIT */
#include "tests/weak/orders.h"

const struct weak_order_known weak_orders[] = {
    { NULL, NULL, NULL, NULL, false },
};
