/** Finds the routes of a path by its segments: literals and parameters are both followed, so that an ambiguity is seen. */
import { isDeep, type Template } from './template.ts'

export interface Routed { readonly verb: string, readonly template: Template }

interface Deep<R> { readonly route: R, readonly trailing: number, readonly pairs: boolean }

interface TrieNode<R> {
  readonly literals: Map<string, TrieNode<R>>
  any: TrieNode<R> | undefined
  /** By custom verb (empty: none), then HTTP verb. */
  readonly ends: Map<string, Map<string, R[]>>
  readonly deep: Deep<R>[]
}

export interface Trie<R extends Routed> {
  readonly root: TrieNode<R>
  /** Every custom verb of the host. A segment that ends in one is never a name. */
  readonly customVerbs: Set<string>
}

function createNode<R>(): TrieNode<R> {
  return { literals: new Map(), any: undefined, ends: new Map(), deep: [] }
}

export function createTrie<R extends Routed>(): Trie<R> {
  return { root: createNode(), customVerbs: new Set() }
}

export function addRoute<R extends Routed>(trie: Trie<R>, route: R): void {
  const { segments, customVerb } = route.template
  if (customVerb !== '') trie.customVerbs.add(customVerb)
  let node = trie.root
  for (const [index, segment] of segments.entries()) {
    if (isDeep(segment)) {
      const trailing = segments.slice(index + 1)
      if (trailing.some((part) => part !== '*')) throw new TypeError(`only parameters may follow **: ${route.template.text}`)
      node.deep.push({ route, trailing: trailing.length, pairs: segment === '**2' })
      return
    }
    node = segment === '*' ? node.any ??= createNode() : childOf(node, segment)
  }
  const verbs = node.ends.get(customVerb) ?? new Map<string, R[]>()
  node.ends.set(customVerb, verbs)
  verbs.set(route.verb, [...verbs.get(route.verb) ?? [], route])
}

function childOf<R>(node: TrieNode<R>, segment: string): TrieNode<R> {
  const child = node.literals.get(segment) ?? createNode<R>()
  node.literals.set(segment, child)
  return child
}

/** Puts every route of the verb that the first `count` segments lead to into `found`. The last segment is without its custom verb. */
export function findRoutes<R extends Routed>(node: TrieNode<R>, verb: string, customVerb: string, segments: readonly string[], count: number, at: number, found: R[]): void {
  if (at === count) {
    const routes = node.ends.get(customVerb)?.get(verb)
    if (routes !== undefined) for (const route of routes) found.push(route)
    return
  }
  const literal = node.literals.get(segments[at] as string)
  if (literal !== undefined) findRoutes(literal, verb, customVerb, segments, count, at + 1, found)
  if (node.any !== undefined) findRoutes(node.any, verb, customVerb, segments, count, at + 1, found)
  for (const { route, trailing, pairs } of node.deep) {
    const span = count - at - trailing
    if (span < 1 || (pairs && span % 2 === 1)) continue
    if (route.verb === verb && route.template.customVerb === customVerb) found.push(route)
  }
}

/** True where the path leads to a method with another HTTP verb. */
export function hasOtherVerb<R extends Routed>(trie: Trie<R>, customVerb: string, segments: readonly string[], count: number): boolean {
  return ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].some((verb) => {
    const found: R[] = []
    findRoutes(trie.root, verb, customVerb, segments, count, 0, found)
    return found.length > 0
  })
}
