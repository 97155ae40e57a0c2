/** The `fields` argument: Google's partial responses (`items(name,size),nextPageToken`, `items/name`, `*`). */
import { invalid } from './google-error.ts'
import { isFields } from './json-body.ts'

interface Mask { readonly [name: string]: Mask | true }

const TOKEN = /[(),/]|[^(),/]+/g

/** The document with only the fields that the mask names. */
export function selectFields(document: unknown, fields: string): unknown {
  const tokens = fields.match(TOKEN) ?? []
  const { mask, next } = parseMask(tokens, 0)
  if (next !== tokens.length) throw invalid(`Invalid field selection ${fields}`)
  return apply(document, mask)
}

function parseMask(tokens: readonly string[], start: number): { readonly mask: Mask, readonly next: number } {
  const mask: Record<string, Mask | true> = {}
  let at = start
  for (;;) {
    const path: string[] = []
    for (;;) {
      const name = tokens[at++]
      if (name === undefined || '(),/'.includes(name)) throw invalid('Invalid field selection')
      path.push(name.trim())
      if (tokens[at] !== '/') break
      at += 1
    }
    let leaf: Mask | true = true
    if (tokens[at] === '(') {
      const inner = parseMask(tokens, at + 1)
      if (tokens[inner.next] !== ')') throw invalid('Invalid field selection: a bracket is not closed')
      leaf = inner.mask
      at = inner.next + 1
    }
    add(mask, path, leaf)
    if (tokens[at] !== ',') return { mask, next: at }
    at += 1
  }
}

function add(mask: Record<string, Mask | true>, path: readonly string[], leaf: Mask | true): void {
  const [name, ...rest] = path
  if (name === undefined) return
  if (rest.length > 0) {
    const there = mask[name]
    const inner: Record<string, Mask | true> = typeof there === 'object' ? { ...there } : {}
    add(inner, rest, leaf)
    mask[name] = inner
  } else {
    const there = mask[name]
    mask[name] = typeof there === 'object' && typeof leaf === 'object' ? { ...there, ...leaf } : leaf
  }
}

function apply(value: unknown, mask: Mask | true): unknown {
  if (mask === true) return value
  if (Array.isArray(value)) return value.map((item) => apply(item, mask))
  if (!isFields(value)) return value
  const kept: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const chosen = mask[name] ?? mask['*']
    if (chosen !== undefined) kept[name] = apply(inner, chosen)
  }
  return kept
}
