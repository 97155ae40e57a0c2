/** Who a policy document speaks about: `issuer:github repo:acme/* label:trust=high`. */
import type { Agent } from '@lockkeeper/domain'
import { parseGlob, type Glob } from './glob.ts'

const KINDS: Readonly<Record<string, (agent: Agent) => string | undefined>> = {
  issuer: (agent) => agent.issuer,
  id: (agent) => agent.id,
  /** The same as `id`, for issuers whose agents are repositories. */
  repo: (agent) => agent.id,
  subject: (agent) => agent.subject,
  run: (agent) => agent.run,
  sponsor: (agent) => agent.sponsor,
}
/** Most telling first: the exact word by which a selector is looked up. */
const TELLING = ['run', 'id', 'repo', 'subject', 'sponsor', 'label', 'issuer']

interface Word {
  readonly kind: string
  /** Of `label:KEY=VALUE`. */
  readonly label?: string
  /** Undefined: any value that is there. */
  readonly glob?: Glob
}

export interface AgentSelector {
  readonly source: string
  matches(agent: Agent): boolean
  /** A word that every matching agent has; undefined when the selector holds globs only. */
  readonly key?: string
}

/** A selector, or what is wrong with it. `*` alone means every agent; `KIND:*` any agent that has such a value. */
export function parseSelector(source: string): AgentSelector | { readonly problem: string } {
  const texts = source.split(/\s+/).filter((text) => text !== '')
  if (texts.length === 0) return { problem: 'a selector needs a word; * means every agent' }
  if (texts.length === 1 && texts[0] === '*') return { source, matches: () => true }
  const words: Word[] = []
  for (const text of texts) {
    const word = parseWord(text)
    if ('problem' in word) return word
    words.push(word)
  }
  const key = lookupKey(words)
  return { source, matches: (agent) => words.every((word) => holds(word, agent)), ...(key === undefined ? {} : { key }) }
}

function parseWord(text: string): Word | { readonly problem: string } {
  const colon = text.indexOf(':')
  const kind = text.slice(0, colon)
  const value = text.slice(colon + 1)
  if (colon < 1 || value === '') return { problem: `"${text}" is no selector word; write KIND:VALUE or * alone` }
  if (kind === 'label') return parseLabel(value)
  if (!Object.hasOwn(KINDS, kind)) return { problem: `"${kind}" selects nothing; the kinds are ${Object.keys(KINDS).join(', ')} and label` }
  return withGlob({ kind }, value)
}

function parseLabel(value: string): Word | { readonly problem: string } {
  const equals = value.indexOf('=')
  if (equals < 1 || equals === value.length - 1) return { problem: `"label:${value}" is no selector word; write label:KEY=VALUE` }
  return withGlob({ kind: 'label', label: value.slice(0, equals) }, value.slice(equals + 1))
}

function withGlob(word: Omit<Word, 'glob'>, value: string): Word | { readonly problem: string } {
  if (value === '*') return word
  const glob = parseGlob(value)
  return 'problem' in glob ? glob : { ...word, glob }
}

function holds(word: Word, agent: Agent): boolean {
  const value = valueOf(word, agent)
  return value !== undefined && value !== '' && (word.glob === undefined || word.glob.matches(value))
}

function valueOf(word: Word, agent: Agent): string | undefined {
  if (word.label === undefined) return KINDS[word.kind]?.(agent)
  return Object.hasOwn(agent.labels, word.label) ? agent.labels[word.label] : undefined
}

function lookupKey(words: readonly Word[]): string | undefined {
  for (const kind of TELLING) {
    const word = words.find((candidate) => candidate.kind === kind && candidate.glob?.exact === true)
    if (word?.glob !== undefined) return wordKey(kind, word.glob.source, word.label)
  }
  return undefined
}

function wordKey(kind: string, value: string, label?: string): string {
  return label === undefined ? `${kind === 'repo' ? 'id' : kind}:${value}` : `label:${label}=${value}`
}

/** All the words that an agent has, as selectors' keys spell them. */
function* keysOf(agent: Agent): Iterable<string> {
  for (const [kind, read] of Object.entries(KINDS)) {
    const value = read(agent)
    if (value !== undefined && kind !== 'repo') yield wordKey(kind, value)
  }
  for (const [label, value] of Object.entries(agent.labels)) yield wordKey('label', value, label)
}

/** Many selectors, of which an agent is tested against those alone that name it or hold globs only. */
export class SelectorTable {
  readonly #byKey = new Map<string, { readonly selector: AgentSelector, readonly set: number }[]>()
  readonly #open: { readonly selector: AgentSelector, readonly set: number }[] = []

  add(selector: AgentSelector, set: number): void {
    const entry = { selector, set }
    if (selector.key === undefined) {
      this.#open.push(entry)
      return
    }
    const same = this.#byKey.get(selector.key)
    if (same === undefined) this.#byKey.set(selector.key, [entry])
    else same.push(entry)
  }

  /** Numbers of the sets of which one selector or more matches, in ascending order. */
  setsOf(agent: Agent): readonly number[] {
    const sets = new Set<number>()
    const take = (entries: readonly { readonly selector: AgentSelector, readonly set: number }[]): void => {
      for (const { selector, set } of entries) if (!sets.has(set) && selector.matches(agent)) sets.add(set)
    }
    take(this.#open)
    for (const key of keysOf(agent)) take(this.#byKey.get(key) ?? [])
    return [...sets].sort((left, right) => left - right)
  }
}
