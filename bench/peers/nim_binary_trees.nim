# SPDX-License-Identifier: MIT
## nim_binary_trees.nim - the work of native_binary_trees.c.
import nim_native

type Node = ref object
  left, right: Node

const minDepth = 4'u64

proc build(depth: uint64): Node =
  result = Node()
  if depth > 0:
    result.left = build(depth - 1)
    result.right = build(depth - 1)

proc check(tree: Node): uint64 =
  ## A node has two children or none.
  if tree.left == nil: 1'u64
  else: 1 + check(tree.left) + check(tree.right)

proc nimRun(trial: ptr NativeTrial, thread: uint32): uint64 {.exportc: "nim_run", cdecl.} =
  let largest = trial.numbers[0]
  var longLived: Node
  if thread == 0:
    result += check(build(largest + 1))
    longLived = build(largest)
  for depth in countup(minDepth, largest, 4):
    for i in trial.share(thread, 1'u64 shl (largest - depth + minDepth)):
      result += check(build(depth))
  if thread == 0:
    result += check(longLived)
