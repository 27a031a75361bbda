/* SPDX-License-Identifier: MIT */
/* entry.c - where libFuzzer calls; FUZZ_TARGET is given by the build. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    FUZZ_TARGET(bytes, size);
    return 0;
}
