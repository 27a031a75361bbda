# SPDX-License-Identifier: MIT
## nim_rings.nim - the work of native_rings.c. What a thread has dropped when its share is
## done is not collected any more.
import nim_native

type Node = ref object
  next, previous: Node
  key: int64

proc buildRing(k: uint64, key: int64): Node =
  let first = Node(key: key)
  var last = first
  for i in 1 ..< int64(k):
    let node = Node(key: key + i)
    node.previous = last
    last.next = node
    last = node
  last.next = first
  first.previous = last
  first

proc sumRing(ring: Node): uint64 =
  ## The sum of a ring's keys, walked backwards.
  var node = ring
  while true:
    node = node.previous
    result += mix(uint64(node.key))
    if node == ring: break

proc nimRun(trial: ptr NativeTrial, thread: uint32): uint64 {.exportc: "nim_run", cdecl.} =
  let k = trial.numbers[0]
  let window = max(trial.numbers[2] div trial.threads, 1)
  var rings = newSeq[Node](window)
  for i in trial.share(thread, trial.numbers[1]):
    rings[i mod window] = buildRing(k, int64(i * k))
  for ring in rings:
    if ring != nil: result += sumRing(ring)
