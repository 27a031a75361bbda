/* SPDX-License-Identifier: MIT */
/* registry.h - the workloads that this program was linked with. */
#ifndef WORKLOADS_REGISTRY_H
#define WORKLOADS_REGISTRY_H

#include "core/harness.h"

/* One entry a pair of workload and protocol; ends with NULL. */
extern const struct gc_workload *const gc_all_workloads[];

#endif
