/** What expressions refer to: `var.name`, `google_pubsub_topic.main["a"].id`, with names that `for` binds left out. */
import { isMark } from './hcl-blocks.ts'
import type { Token } from './hcl-tokens.ts'

export type Step = { readonly name: string } | { readonly index: string | undefined } | { readonly splat: true }

export interface Reference {
  readonly root: string
  readonly steps: readonly Step[]
  readonly line: number
}

export interface Call {
  readonly function: string
  readonly line: number
}

export interface Mentioned {
  readonly references: readonly Reference[]
  readonly calls: readonly Call[]
}

const WORDS = new Set(['true', 'false', 'null', 'for', 'in', 'if', 'else', 'endif', 'endfor'])

export function mentionedIn(tokens: readonly Token[], bound: readonly string[] = []): Mentioned {
  const references: Reference[] = []
  const calls: Call[] = []
  const add = (found: Mentioned): void => {
    references.push(...found.references)
    calls.push(...found.calls)
  }
  const scopes: (readonly string[])[] = [bound]
  for (let at = 0; at < tokens.length;) {
    const token = tokens[at] as Token
    if (token.kind === 'text') {
      const inner = [...scopes.flat(), ...(token.inside ?? []).flatMap((one) => one[0]?.text === 'for' ? namesBoundBy(one, 1) : [])]
      for (const one of token.inside ?? []) add(mentionedIn(one, inner))
    }
    if (token.kind === 'mark' && '([{'.includes(token.text)) scopes.push(boundBehind(tokens, at + 1))
    if (token.kind === 'mark' && ')]}'.includes(token.text)) scopes.pop()
    if (token.kind !== 'name' || WORDS.has(token.text) || isMark(tokens[at - 1], '.') || isKey(tokens, at, scopes.length > 1)) {
      at += 1
      continue
    }
    if (isMark(tokens[at + 1], '(') || isMark(tokens[at + 1], '::')) {
      if (isMark(tokens[at + 1], '(')) calls.push({ function: token.text, line: token.line })
      at += 1
      continue
    }
    const { steps, end, inner } = stepsFrom(tokens, at + 1)
    for (const one of inner) add(mentionedIn(one, scopes.flat()))
    if (!scopes.some((scope) => scope.includes(token.text))) references.push({ root: token.text, steps, line: token.line })
    at = end
  }
  return { references, calls }
}

/** The names that a `for` behind an opening bracket binds. */
function boundBehind(tokens: readonly Token[], start: number): readonly string[] {
  let at = start
  while (tokens[at]?.kind === 'newline') at += 1
  return tokens[at]?.kind === 'name' && tokens[at]?.text === 'for' ? namesBoundBy(tokens, at + 1) : []
}

function namesBoundBy(tokens: readonly Token[], start: number): readonly string[] {
  const end = tokens.findIndex(({ text }, at) => at >= start && text === 'in')
  return tokens.slice(start, end).filter(({ kind }) => kind === 'name').map(({ text }) => text)
}

/** `name =` and `name :` behind a brace, a comma or the end of a line are keys of an object. */
function isKey(tokens: readonly Token[], at: number, inBrackets: boolean): boolean {
  const before = tokens[at - 1]
  return inBrackets && (isMark(tokens[at + 1], '=') || isMark(tokens[at + 1], ':')) && (before?.kind === 'newline' || isMark(before, '{') || isMark(before, ','))
}

function stepsFrom(tokens: readonly Token[], start: number): { readonly steps: readonly Step[], readonly end: number, readonly inner: readonly (readonly Token[])[] } {
  const steps: Step[] = []
  const inner: (readonly Token[])[] = []
  let at = start
  for (;;) {
    const next = tokens[at + 1]
    if (next !== undefined && isMark(tokens[at], '.') && (next.kind === 'name' || next.kind === 'number' || isMark(next, '*'))) {
      steps.push(next.kind === 'name' ? { name: next.text } : next.kind === 'number' ? { index: next.text } : { splat: true })
      at += 2
    } else if (isMark(tokens[at], '[')) {
      const end = closingOf(tokens, at)
      const index = tokens.slice(at + 1, end)
      steps.push(index.length === 1 && isMark(index[0], '*') ? { splat: true } : { index: index.length === 1 && index[0]?.inside?.length === 0 ? index[0].text : undefined })
      if (index[0]?.text !== '*') inner.push(index)
      at = end + 1
    } else return { steps, end: at, inner }
  }
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at += 1) {
    const token = tokens[at] as Token
    if (token.kind !== 'mark') continue
    if ('([{'.includes(token.text)) depth += 1
    if (')]}'.includes(token.text)) depth -= 1
    if (depth === 0) return at
  }
  return tokens.length
}
