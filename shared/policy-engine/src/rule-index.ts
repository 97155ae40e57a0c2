/**
 * Rules by who they speak about, by method and by resource, so that the rules that cannot match cost nothing.
 * Groups (equal agents and equal methods) are built once, at compile; entries (one agent class, one method) when first asked for.
 */
import type { Agent, Method } from '@lockkeeper/domain'
import type { SelectorTable } from './agent-selectors.ts'
import type { MethodSet, MethodTable } from './method-patterns.ts'
import { PrefixTree } from './prefix-tree.ts'
import type { Rule } from './rules.ts'

/** Identities whose class is remembered; the oldest is forgotten first. */
const MAX_IDENTITIES = 10_000
/** Rules that all entries together may point at. */
const MAX_ENTRY_WEIGHT = 2_000_000
/** More groups than this for one entry are merged into one tree. */
const MAX_TREES = 4

export interface RuleGroup {
  readonly set: number
  readonly methods: MethodSet
  /** Rules without resources and condition: they match whenever agent and method do. */
  readonly always: Rule[]
  /** Rules with a condition and without resources. */
  readonly conditional: Rule[]
  readonly tree: PrefixTree<Rule>
  readonly placed: Rule[]
}

/** The rules that one class of agents and one method meet. */
export interface Entry {
  /** Unique; part of the cache key of decisions. */
  readonly id: number
  /** In order. */
  readonly always: readonly Rule[]
  /** The first rule of `always` that denies. */
  readonly denial: Rule | undefined
  readonly conditional: readonly Rule[]
  readonly trees: readonly PrefixTree<Rule>[]
}

interface AgentClass {
  readonly sets: ReadonlySet<number>
  readonly entries: Map<number, Entry>
}

export class RuleIndex {
  readonly #groups: readonly RuleGroup[]
  readonly #selectors: SelectorTable
  readonly #methods: MethodTable
  readonly #byObject = new WeakMap<Agent, AgentClass>()
  readonly #byIdentity = new Map<string, AgentClass>()
  readonly #classes = new Map<string, AgentClass>()
  readonly #built: { readonly owner: AgentClass, readonly method: number, readonly weight: number }[] = []
  #weight = 0
  #entries = 0

  constructor(groups: readonly RuleGroup[], selectors: SelectorTable, methods: MethodTable) {
    this.#groups = groups
    this.#selectors = selectors
    this.#methods = methods
  }

  /** Whether any document speaks about the agent. */
  speaksAbout(agent: Agent): boolean { return this.#classOf(agent).sets.size > 0 }

  selects(agent: Agent, rule: Rule): boolean { return this.#classOf(agent).sets.has(rule.set) }

  /** Undefined: the method is none of those that the policy was compiled with. */
  entry(agent: Agent, method: Method): Entry | undefined {
    const number = this.#methods.numberOf(method)
    if (number === undefined) return undefined
    const owner = this.#classOf(agent)
    return owner.entries.get(number) ?? this.#build(owner, number)
  }

  #classOf(agent: Agent): AgentClass {
    const known = this.#byObject.get(agent)
    if (known !== undefined) return known
    const identity = JSON.stringify([agent.issuer, agent.id, agent.subject, agent.run, agent.sponsor, agent.labels])
    let found = this.#byIdentity.get(identity)
    if (found === undefined) {
      found = this.#intern(this.#selectors.setsOf(agent))
      if (this.#byIdentity.size >= MAX_IDENTITIES) this.#byIdentity.delete(this.#byIdentity.keys().next().value as string)
      this.#byIdentity.set(identity, found)
    }
    this.#byObject.set(agent, found)
    return found
  }

  #intern(sets: readonly number[]): AgentClass {
    const key = sets.join(',')
    const known = this.#classes.get(key)
    if (known !== undefined) return known
    const made: AgentClass = { sets: new Set(sets), entries: new Map() }
    // A class that is forgotten lives on with its identities; a new one of the same key is built when needed.
    if (this.#classes.size >= MAX_IDENTITIES) this.#classes.delete(this.#classes.keys().next().value as string)
    this.#classes.set(key, made)
    return made
  }

  #build(owner: AgentClass, method: number): Entry {
    const groups = this.#groups.filter((group) => owner.sets.has(group.set) && group.methods.has(method))
    const always = inOrder(groups.map((group) => group.always))
    const entry: Entry = {
      id: ++this.#entries, always, denial: always.find((rule) => rule.effect === 'deny'), conditional: inOrder(groups.map((group) => group.conditional)), trees: treesOf(groups),
    }
    const weight = 1 + entry.always.length + entry.conditional.length + (groups.length > MAX_TREES ? groups.reduce((sum, group) => sum + group.placed.length, 0) : groups.length)
    owner.entries.set(method, entry)
    this.#built.push({ owner, method, weight })
    this.#weight += weight
    while (this.#weight > MAX_ENTRY_WEIGHT && this.#built.length > 1) this.#dropOldest()
    return entry
  }

  #dropOldest(): void {
    const oldest = this.#built.shift()
    if (oldest === undefined) return
    oldest.owner.entries.delete(oldest.method)
    this.#weight -= oldest.weight
  }
}

function inOrder(lists: readonly (readonly Rule[])[]): readonly Rule[] {
  return lists.length === 1 ? lists[0] as readonly Rule[] : lists.flat().sort((left, right) => left.index - right.index)
}

function treesOf(groups: readonly RuleGroup[]): readonly PrefixTree<Rule>[] {
  const filled = groups.filter((group) => group.tree.size > 0)
  if (filled.length <= MAX_TREES) return filled.map((group) => group.tree)
  const merged = new PrefixTree<Rule>()
  for (const group of filled) for (const rule of group.placed) for (const glob of rule.globs ?? []) merged.add(glob, rule)
  return [merged]
}
