# SPDX-License-Identifier: MIT
## nim_gcbench.nim - the work of native_gcbench.c.
import nim_native

type Node = ref object
  left, right: Node
  i, j: int32

proc treeSize(depth: uint64): uint64 =
  (2'u64 shl depth) - 1

proc populate(tree: Node, depth: uint64) =
  if depth == 0: return
  tree.left = Node()
  populate(tree.left, depth - 1)
  tree.right = Node()
  populate(tree.right, depth - 1)

proc makeTree(depth: uint64): Node =
  if depth == 0: return Node()
  let left = makeTree(depth - 1)
  let right = makeTree(depth - 1)
  Node(left: left, right: right)

proc buildAndDrop(depth: uint64) =
  var tree = Node()
  populate(tree, depth)
  tree = nil
  tree = makeTree(depth)

proc countNodes(tree: Node): uint64 =
  result = 1
  if tree.left != nil: result += countNodes(tree.left)
  if tree.right != nil: result += countNodes(tree.right)

proc nimRun(trial: ptr NativeTrial, thread: uint32): uint64 {.exportc: "nim_run", cdecl.} =
  let largest = trial.numbers[0]
  let array = trial.numbers[1]
  var longLived: Node
  var numbers: seq[float64]
  if thread == 0:
    discard makeTree(largest + 2)
    longLived = Node()
    populate(longLived, largest)
    numbers = newSeqUninitialized[float64](array)
    for i in 0 ..< array:
      numbers[i] = 1.0 / float64(i + 1)
  for depth in countup(4'u64, largest, 2):
    for i in trial.share(thread, 2 * treeSize(largest + 2) div treeSize(depth)):
      buildAndDrop(depth)
  if thread == 0:
    result = mix(countNodes(longLived) + uint64(1 / numbers[array div 2]))
