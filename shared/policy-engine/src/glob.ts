/**
 * The one glob language of policies: `*` stands for any characters but `/`, `**` for any characters, everything else for
 * itself. Matching takes time linear in the text for each wildcard; nothing backtracks.
 */

const MAX_WILDCARDS = 16

type Token = { readonly literal: string } | 'star' | 'globstar'

export interface Glob {
  readonly source: string
  /** Text before the first wildcard. */
  readonly prefix: string
  /** Whether the source holds no wildcard at all. */
  readonly exact: boolean
  matches(text: string): boolean
  /** The same for a text that is known to begin with `prefix`. */
  matchesAfterPrefix(text: string): boolean
}

/** A glob, or what is wrong with it. */
export function parseGlob(source: string): Glob | { readonly problem: string } {
  if (source.includes('***')) return { problem: 'a glob knows * and ** only' }
  const tokens = tokenise(source)
  const wildcards = tokens.filter((token) => typeof token === 'string').length
  if (wildcards > MAX_WILDCARDS) return { problem: `a glob has at most ${MAX_WILDCARDS} wildcards` }
  const first = tokens[0]
  const prefix = typeof first === 'object' ? first.literal : ''
  const matchesAfterPrefix = tailMatcher(typeof first === 'object' ? tokens.slice(1) : tokens, prefix.length)
  return { source, prefix, exact: wildcards === 0, matchesAfterPrefix, matches: (text) => text.startsWith(prefix) && matchesAfterPrefix(text) }
}

function tokenise(source: string): readonly Token[] {
  return source.split(/(\*\*|\*)/).filter((part) => part !== '')
    .map((part) => part === '*' ? 'star' : part === '**' ? 'globstar' : { literal: part })
}

function tailMatcher(tokens: readonly Token[], from: number): (text: string) => boolean {
  if (tokens.length === 0) return (text) => text.length === from
  if (tokens.length === 1 && tokens[0] === 'star') return (text) => !text.includes('/', from)
  if (tokens.length === 1 && tokens[0] === 'globstar') return () => true
  return (text) => reach(tokens, text, from)
}

/** Follows the set of places that the tokens read so far can have led to. */
function reach(tokens: readonly Token[], text: string, from: number): boolean {
  let places: readonly number[] = [from]
  for (const token of tokens) {
    places = step(token, text, places)
    if (places.length === 0) return false
  }
  return places.at(-1) === text.length
}

function step(token: Token, text: string, places: readonly number[]): readonly number[] {
  if (typeof token === 'object') return places.filter((place) => text.startsWith(token.literal, place)).map((place) => place + token.literal.length)
  const next: number[] = []
  for (const place of places) {
    let at = Math.max(place, (next.at(-1) ?? -1) + 1)
    // What an earlier place has gone through holds no slash but perhaps its last character, which ended it.
    if (at > place && token === 'star' && text[at - 1] === '/') continue
    while (at <= text.length) {
      next.push(at)
      if (token === 'star' && text[at] === '/') break
      at++
    }
  }
  return next
}

/** A text that the glob matches, for trying out what policy would say there. */
export function sampleOf(glob: Glob): string {
  return glob.source.replaceAll(/\*+/g, 'x')
}
