import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CompactRange, consistencyRanges, EMPTY_ROOT, extendsTree, hashRanges, includes, inclusionRanges, leafHash, nodeHash, type Hash } from './merkle.ts'

/** The definition of RFC 6962 section 2.1, word by word. */
function treeHash(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return EMPTY_ROOT
  if (leaves.length === 1) return leaves[0] as Hash
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

const leavesOf = (count: number): Hash[] => Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)))
const MOST = 70
const leaves = leavesOf(MOST)
const roots = Array.from({ length: MOST + 1 }, (_, size) => treeHash(leaves.slice(0, size)))

/** Inputs and roots that the Certificate Transparency projects test with. */
const CT_INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const CT_ROOTS: readonly (readonly [size: number, root: string])[] = [
  [1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  [2, 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  [3, 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  [8, '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
]

describe('Merkle tree', () => {
  for (const [size, root] of CT_ROOTS) {
    it(`the root over ${size} known leaves is the published one`, () => {
      const tree = new CompactRange()
      for (const input of CT_INPUTS.slice(0, size)) tree.append(leafHash(Buffer.from(input, 'hex')))
      assert.equal(tree.root().toString('hex'), root)
    })
  }

  it('the root grows leaf by leaf as the definition says, across a stop', () => {
    let tree = new CompactRange()
    for (let size = 0; size < MOST; size++) {
      assert.ok(tree.root().equals(roots[size] as Hash))
      tree.append(leaves[size] as Hash)
      if (size % 5 === 0) tree = new CompactRange(tree.size, tree.roots)
    }
  })

  it('subtree roots that do not fit the size are our own mistake', () => assert.throws(() => new CompactRange(3, [EMPTY_ROOT]), TypeError))

  it('invariant 8: every leaf of every tree has a proof, and it proves nothing else', async () => {
    for (let size = 1; size <= 20; size++) {
      for (let index = 0; index < size; index++) {
        const path = await hashRanges(inclusionRanges(index, size), leaves)
        const root = roots[size] as Hash
        assert.ok(includes(leaves[index] as Hash, index, size, path, root))
        assert.ok(!includes(leaves[index + 1] as Hash, index, size, path, root))
        assert.ok(!includes(leaves[index] as Hash, index, size, [...path, root], root))
        for (let other = 0; other < size; other++) if (other !== index) assert.ok(!includes(leaves[index] as Hash, other, size, path, root))
      }
    }
  })

  it('invariant 8: every tree extends every smaller one, and no changed one', async () => {
    for (let second = 1; second <= 20; second++) {
      for (let first = 1; first <= second; first++) {
        const path = await hashRanges(consistencyRanges(first, second), leaves)
        const [older, newer] = [{ size: first, root: roots[first] as Hash }, { size: second, root: roots[second] as Hash }]
        assert.ok(extendsTree(older, newer, path))
        assert.ok(!extendsTree({ ...older, root: leaves[60] as Hash }, newer, path))
        assert.ok(!extendsTree(older, { ...newer, root: leaves[60] as Hash }, path))
        assert.ok(!extendsTree(newer, older, path) || first === second)
      }
    }
  })

  it('a path with one bit changed proves nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: MOST }), fc.nat(), fc.nat(), async (size, at, bit) => {
      const index = at % size
      const path = (await hashRanges(inclusionRanges(index, size), leaves)).map((one) => Buffer.from(one))
      const step = path[bit % path.length] as Buffer
      step[bit % 32] = (step[bit % 32] as number) ^ (1 << (bit % 8))
      assert.ok(!includes(leaves[index] as Hash, index, size, path, roots[size] as Hash))
    }))
  })

  it('leaves that end before the tree are our own mistake', async () => {
    await assert.rejects(hashRanges(inclusionRanges(3, 80), leaves), TypeError)
    assert.throws(() => inclusionRanges(3, 3), TypeError)
    assert.throws(() => consistencyRanges(0, 3), TypeError)
  })
})
