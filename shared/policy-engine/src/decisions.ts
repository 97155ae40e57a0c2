/** Decisions as values: made once for each set of matching rules and shared, frozen, by all calls that meet the same rules. */
import type { Call, Decision, Effect } from '@lockkeeper/domain'
import { decisionHash, NO_OBLIGATIONS, uniteObligations } from './obligations.ts'
import type { Entry } from './rule-index.ts'
import type { Rule } from './rules.ts'

const MAX_CACHED = 4_096
const NONE: readonly string[] = Object.freeze([])

export class DecisionMaker {
  readonly #bundle: string
  readonly #cached = new Map<string, Decision>()
  readonly #builtin = new Map<string, Decision>()

  constructor(bundle: string) { this.#bundle = bundle }

  /** Denied by one rule. */
  denied(winner: Rule): Decision {
    return this.#keep(`deny:${winner.index}`, () => this.#of('deny', winner, [winner]))
  }

  /** By rules that allow or ask for approval: those of the entry that match always, and `matched` in order. Undefined: there are none. */
  permitted(entry: Entry, matched: readonly Rule[]): Decision | undefined {
    if (matched.length === 0 && entry.always.length === 0) return undefined
    let key = `${entry.id}`
    for (const rule of matched) key += `,${rule.index}`
    return this.#keep(key, () => {
      const rules = [...entry.always.filter((rule) => rule.effect !== 'deny'), ...matched].sort((left, right) => left.index - right.index)
      const winner = rules.find((rule) => rule.effect === 'approve') ?? rules[0] as Rule
      return this.#of(winner.effect, winner, rules)
    })
  }

  /** What no rule can change. */
  builtin(rule: 'builtin/no-rule' | 'builtin/mints-credential', reason: string): Decision {
    const decision = this.#builtin.get(rule) ?? Object.freeze({
      effect: 'deny', rule, reasons: NONE, obligations: NO_OBLIGATIONS, hash: decisionHash('deny', rule, NO_OBLIGATIONS), bundle: this.#bundle, conditionErrors: NONE,
    } satisfies Decision)
    this.#builtin.set(rule, decision)
    return { ...decision, reasons: [reason] }
  }

  #keep(key: string, make: () => Decision): Decision {
    const known = this.#cached.get(key)
    if (known !== undefined) return known
    const made = make()
    if (this.#cached.size >= MAX_CACHED) this.#cached.delete(this.#cached.keys().next().value as string)
    this.#cached.set(key, made)
    return made
  }

  #of(effect: Effect, winner: Rule, rules: readonly Rule[]): Decision {
    const obligations = uniteObligations(rules.map((rule) => rule.obligations))
    return Object.freeze({
      effect, rule: winner.name, reasons: Object.freeze([REASONS[effect](winner.name)]), obligations,
      hash: decisionHash(effect, winner.content, obligations), bundle: this.#bundle, conditionErrors: NONE,
      ...(winner.message === undefined ? {} : { message: winner.message }),
    })
  }
}

const REASONS: Readonly<Record<Effect, (rule: string) => string>> = {
  allow: (rule) => `Rule ${rule} allows it.`,
  approve: (rule) => `Rule ${rule} asks for approval.`,
  deny: (rule) => `Rule ${rule} denies it.`,
}

/** The decision together with what its conditions could not tell. */
export function withErrors(decision: Decision, errors: readonly string[]): Decision {
  if (errors.length === 0) return decision
  const own = errors.filter((error) => error.startsWith(`${decision.rule}: `)).map((error) => `Its condition could not be evaluated (${error.slice(decision.rule.length + 2)}).`)
  return { ...decision, reasons: [...decision.reasons, ...own], conditionErrors: [...errors] }
}

/** `storage.objects.delete on //storage…/o`, for sentences. */
export function namesCall(call: Call): string {
  const [first, ...more] = call.resources
  if (first === undefined) return call.method.id
  return `${call.method.id} on ${first.slice(0, 200)}${more.length > 0 ? ` and ${more.length} more` : ''}`
}
