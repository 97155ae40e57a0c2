/** What a compiled policy is made of. */
import type { Agent, Call, Clock, Decision } from '@lockkeeper/domain'
import type { MethodTable } from './method-patterns.ts'
import type { RuleIndex } from './rule-index.ts'
import type { Rule } from './rules.ts'

export interface PolicyParts {
  readonly version: string
  readonly rules: readonly Rule[]
  readonly byName: ReadonlyMap<string, Rule>
  readonly index: RuleIndex
  readonly methods: MethodTable
  readonly clock: Clock
}

/** Verdict on a call with the rules left out that `ignored` names. */
export type Judge = (agent: Agent, call: Call, ignored?: (rule: Rule) => boolean) => Decision
