/** Globs indexed by their literal prefix, so that thousands of them cost no more than the few that share one with the text. */
import type { Glob } from './glob.ts'

interface Node<T> {
  /** Text of the edge that leads here. */
  edge: string
  readonly entries: { readonly glob: Glob, readonly value: T }[]
  readonly children: Map<number, Node<T>>
}

const node = <T>(edge: string): Node<T> => ({ edge, entries: [], children: new Map() })

export class PrefixTree<T> {
  readonly #root: Node<T> = node('')
  #size = 0

  get size(): number { return this.#size }

  add(glob: Glob, value: T): void {
    this.#size++
    let at = this.#root
    let rest = glob.prefix
    while (rest !== '') {
      const child = at.children.get(rest.charCodeAt(0))
      if (child === undefined) {
        const leaf = node<T>(rest)
        at.children.set(rest.charCodeAt(0), leaf)
        at = leaf
        break
      }
      const shared = sharedLength(child.edge, rest)
      at = shared === child.edge.length ? child : split(at, child, shared)
      rest = rest.slice(shared)
    }
    at.entries.push({ glob, value })
  }

  /** Calls `found` for each glob that matches the text; once for each, in no particular order. */
  match(text: string, found: (value: T) => void): void {
    let at: Node<T> | undefined = this.#root
    let depth = 0
    while (at !== undefined) {
      for (const entry of at.entries) if (entry.glob.matchesAfterPrefix(text)) found(entry.value)
      const child: Node<T> | undefined = depth < text.length ? at.children.get(text.charCodeAt(depth)) : undefined
      if (child === undefined || !text.startsWith(child.edge, depth)) return
      depth += child.edge.length
      at = child
    }
  }

  /** At most `limit` globs whose prefixes share most with the text, whether they match or not; nearest first. */
  nearest(text: string, limit: number): readonly { readonly glob: Glob, readonly value: T }[] {
    const path: Node<T>[] = [this.#root]
    let depth = 0
    for (;;) {
      const child = path.at(-1)?.children.get(text.charCodeAt(depth))
      if (child === undefined) break
      path.push(child)
      if (!text.startsWith(child.edge, depth)) break
      depth += child.edge.length
    }
    const found: { readonly glob: Glob, readonly value: T }[] = []
    const seen = new Set<Node<T>>()
    for (const start of path.reverse()) gather(start, seen, found, limit)
    return found
  }
}

function gather<T>(start: Node<T>, seen: Set<Node<T>>, found: { readonly glob: Glob, readonly value: T }[], limit: number): void {
  const waiting = [start]
  while (waiting.length > 0 && found.length < limit) {
    const next = waiting.shift() as Node<T>
    if (seen.has(next)) continue
    seen.add(next)
    for (const entry of next.entries) if (found.length < limit) found.push(entry)
    for (const child of next.children.values()) if (waiting.length < limit) waiting.push(child)
  }
}

function sharedLength(left: string, right: string): number {
  let length = 0
  while (length < left.length && length < right.length && left.charCodeAt(length) === right.charCodeAt(length)) length++
  return length
}

/** Puts a node between a parent and its child after `shared` characters of the edge. */
function split<T>(parent: Node<T>, child: Node<T>, shared: number): Node<T> {
  const middle = node<T>(child.edge.slice(0, shared))
  parent.children.set(middle.edge.charCodeAt(0), middle)
  child.edge = child.edge.slice(shared)
  middle.children.set(child.edge.charCodeAt(0), child)
  return middle
}
