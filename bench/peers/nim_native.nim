# SPDX-License-Identifier: MIT
## What the programs in Nim have of native_trial.h. Each exports nim_run(), which native_nim.c calls.

const header = "bench/peers/native_trial.h"

type
  NativeTrial* {.importc: "struct native_trial", header: header.} = object
    numbers*: array[7, uint64]
    threads*: uint32

proc native_share(trial: ptr NativeTrial, i: uint32, n: uint64, first, past: ptr uint64)
  {.importc, header: header.}

proc mix*(value: uint64): uint64 {.importc: "gc_mix", header: header.}

iterator share*(trial: ptr NativeTrial, thread: uint32, n: uint64): uint64 =
  ## The thread's part of n items.
  var first, past: uint64
  native_share(trial, thread, n, addr first, addr past)
  while first < past:
    yield first
    inc first
