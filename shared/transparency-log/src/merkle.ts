/**
 * Merkle trees as RFC 6962 section 2.1 and RFC 9162 section 2.1 define them. Leaves arrive in order and are not kept:
 * a compact range holds the roots of the full subtrees, and proofs are made while the leaves stream past once more.
 */
import { hash } from 'node:crypto'

export type Hash = Buffer

const LEAF = Buffer.of(0)
const NODE = Buffer.of(1)

export function leafHash(bytes: Uint8Array): Hash {
  return hash('sha256', Buffer.concat([LEAF, bytes]), 'buffer')
}

export function nodeHash(left: Hash, right: Hash): Hash {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer')
}

export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer')

/** The roots of the full subtrees, left to right: as many as `size` has one bits. */
export class CompactRange {
  #size: number
  readonly #roots: Hash[]

  /** TypeError when the roots do not fit the size. */
  constructor(size = 0, roots: readonly Hash[] = []) {
    if (!Number.isSafeInteger(size) || size < 0 || ones(size) !== roots.length) throw new TypeError('the subtree roots do not fit the size')
    this.#size = size
    this.#roots = [...roots]
  }

  get size(): number { return this.#size }
  get roots(): readonly Hash[] { return this.#roots }

  append(leaf: Hash): void {
    let root = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) root = nodeHash(this.#roots.pop() as Hash, root)
    this.#roots.push(root)
    this.#size++
  }

  root(): Hash {
    let root: Hash | undefined
    for (let index = this.#roots.length - 1; index >= 0; index--) {
      const left = this.#roots[index] as Hash
      root = root === undefined ? left : nodeHash(left, root)
    }
    return root ?? EMPTY_ROOT
  }

  copy(): CompactRange {
    return new CompactRange(this.#size, this.#roots)
  }
}

/** Leaves `start` to `end - 1`; the hash of the range is the root of the tree over just these. */
export interface LeafRange { readonly start: number, readonly end: number }

/** What an inclusion proof consists of, nearest sibling first. TypeError unless index < size. */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  if (!(index >= 0 && index < size)) throw new TypeError('the leaf is outside the tree')
  const ranges: LeafRange[] = []
  for (let start = 0, end = size; end - start > 1;) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.reverse()
}

/** What a consistency proof between two sizes consists of (RFC 9162 section 2.1.4.1). TypeError unless 0 < first <= second. */
export function consistencyRanges(first: number, second: number): readonly LeafRange[] {
  if (!(first > 0 && first <= second)) throw new TypeError('the first tree must be a part of the second and not empty')
  const ranges: LeafRange[] = []
  let [start, end, whole] = [0, second, true]
  while (first !== end) {
    const middle = start + splitOf(end - start)
    if (first <= middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
      whole = false
    }
  }
  if (!whole) ranges.push({ start, end })
  return ranges.reverse()
}

/** Hashes the ranges, which must not overlap, in one pass over the leaves. TypeError when the leaves end too early. */
export async function hashRanges(ranges: readonly LeafRange[], leaves: AsyncIterable<Hash> | Iterable<Hash>): Promise<readonly Hash[]> {
  const order = ranges.map((range, place) => ({ range, place, tree: new CompactRange() })).sort((left, right) => left.range.start - right.range.start)
  const last = order.at(-1)?.range.end ?? 0
  let [index, at] = [0, 0]
  if (last > 0) {
    for await (const leaf of leaves) {
      while (order[at] !== undefined && index >= (order[at]?.range.end ?? 0)) at++
      const current = order[at]
      if (current !== undefined && index >= current.range.start) current.tree.append(leaf)
      if (++index === last) break
    }
  }
  if (index < last) throw new TypeError('the leaves end before the tree does')
  return order.sort((left, right) => left.place - right.place).map(({ tree }) => tree.root())
}

/** RFC 9162 section 2.1.3.2. */
export function includes(leaf: Hash, index: number, size: number, path: readonly Hash[], root: Hash): boolean {
  if (!(index >= 0 && index < size)) return false
  let [place, last, hashed] = [index, size - 1, leaf]
  for (const sibling of path) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      hashed = nodeHash(sibling, hashed)
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)]
    } else {
      hashed = nodeHash(hashed, sibling)
    }
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 && hashed.equals(root)
}

/** RFC 9162 section 2.1.4.2. */
export function extendsTree(first: { readonly size: number, readonly root: Hash }, second: { readonly size: number, readonly root: Hash }, path: readonly Hash[]): boolean {
  if (first.size > second.size) return false
  if (first.size === second.size) return path.length === 0 && first.root.equals(second.root)
  if (first.size === 0) return path.length === 0 && first.root.equals(EMPTY_ROOT)
  const steps = isPowerOfTwo(first.size) ? [first.root, ...path] : [...path]
  let [place, last] = [first.size - 1, second.size - 1]
  while (place % 2 === 1) [place, last] = [half(place), half(last)]
  const start = steps.shift()
  if (start === undefined) return false
  let [older, newer] = [start, start]
  for (const sibling of steps) {
    if (last === 0) return false
    if (place % 2 === 1 || place === last) {
      older = nodeHash(sibling, older)
      newer = nodeHash(sibling, newer)
      while (place % 2 === 0 && place !== 0) [place, last] = [half(place), half(last)]
    } else {
      newer = nodeHash(newer, sibling)
    }
    ;[place, last] = [half(place), half(last)]
  }
  return last === 0 && older.equals(first.root) && newer.equals(second.root)
}

/** The largest power of two below `count`, for counts over 1. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

const half = (value: number): number => Math.floor(value / 2)

function isPowerOfTwo(value: number): boolean {
  return ones(value) === 1
}

function ones(value: number): number {
  let count = 0
  for (let rest = value; rest > 0; rest = half(rest)) count += rest % 2
  return count
}
